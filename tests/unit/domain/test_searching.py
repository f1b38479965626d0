"""What is typed while somebody is on the phone → where to look."""

import pytest
from oneway.domain.appointments import NameUse, PersonName
from oneway.domain.searching import SearchBy, keys_of_patient, keys_of_record, looks_for

from tests.builders import a_patient, a_record

PHONE = ["4155552671"]


def finds(typed: str, *, record: tuple[tuple[str, ...], str] = (("María", "Elena"), "de la Cruz-Núñez")) -> bool:
    """Whether what is typed finds a record of this name."""
    given, family = record
    keys = keys_of_record(a_record(names=(PersonName(given, family),)))
    return any(keys[look.by].startswith(look.prefix) and look.takes(keys[look.by]) for look in looks_for(typed, PHONE))


@pytest.mark.parametrize("typed", ["de la cruz", "DE LA CRUZ, María", "maria", "María Elena", "maria nunez", "mar cru"])
def test_words_may_be_cut_short(typed: str) -> None:
    assert finds(typed)


@pytest.mark.parametrize("typed", ["", " ", "m", "jon", "maria reed", "4", "12", "@", "?!"])
def test_nothing_else_is(typed: str) -> None:
    assert not finds(typed)


def test_at_most_three_looks_whatever_is_typed() -> None:
    assert len(looks_for("maria elena de la cruz", PHONE)) == 3


def test_an_address_and_a_number_are_told_from_a_name() -> None:
    assert [look.by for look in looks_for("Maria@Example.org", PHONE)] == [SearchBy.MAILED]
    assert [look.by for look in looks_for("(415) 555-26", PHONE)] == [SearchBy.PHONED]
    assert [look.by for look in looks_for("3rd", PHONE)] == [SearchBy.NAMED, SearchBy.GIVEN]


def test_a_request_is_found_as_it_was_typed() -> None:
    assert keys_of_patient(a_patient()) == {
        SearchBy.NAMED: "nunezmaria",
        SearchBy.GIVEN: "marianunez",
        SearchBy.PHONED: "14155552671",
        SearchBy.MAILED: "maria@example.org",
    }
    assert SearchBy.MAILED not in keys_of_patient(a_patient(email=None))


def test_a_record_is_found_by_the_name_that_is_used_now() -> None:
    old, now = PersonName(("Maria",), "Vega", use=NameUse.OLD), PersonName(("Maria",), "Núñez")

    assert keys_of_record(a_record(names=(old, now)))[SearchBy.NAMED] == "nunezmaria"
    assert keys_of_record(a_record(names=(old,)))[SearchBy.NAMED] == "vegamaria"
    assert keys_of_record(None) == {}
