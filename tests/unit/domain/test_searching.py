"""What is typed while somebody is on the phone → where to look."""

import pytest
from msgspec.structs import replace
from oneway.domain.appointments import NameUse, PersonName
from oneway.domain.requests import Booker
from oneway.domain.searching import Look, SearchBy, keys_of_booker, keys_of_patient, keys_of_record, looks_for

from tests.builders import a_patient, a_record

PHONE = ["4155552671"]


def finds(typed: str, *, record: tuple[tuple[str, ...], str] = (("María", "Elena"), "de la Cruz-Núñez")) -> bool:
    """Whether what is typed finds a record of this name."""
    given, family = record
    keys = keys_of_record(a_record(names=(PersonName(given, family),)))
    return any(
        keys.get(look.by, "").startswith(look.prefix) and look.takes(keys.get(look.by, ""))
        for look in looks_for(typed, PHONE)
    )


@pytest.mark.parametrize("typed", ["de la cruz", "DE LA CRUZ, María", "maria", "María Elena", "maria nunez", "mar cru"])
def test_words_may_be_cut_short(typed: str) -> None:
    assert finds(typed)


LONG = (("María", "Elena"), "de la Cruz Pérez")
DOUBLE = (("Ana", "Lucía"), "García-Márquez")
LED = (("Vincent", "Willem"), "van Gogh")
JOINED = (("Rosa",), "Delacruz")
SHORT = (("Minh",), "Le")
FIRST_LED = (("La Toya",), "Jackson")
TIED = (("Mohammed",), "Al-Sayed")
APART = (("Anna",), "De Luca")
TIED_FIRST = (("El-Hadj",), "Diop")
PLAIN = (("Mary", "Elizabeth"), "Smith Jr.")


@pytest.mark.parametrize(
    ("record", "typed"),
    [
        (LONG, ["cruz", "cru", "perez", "Pér", "maria", "de la cruz", "de la cru", "cruz perez", "de la cruz perez",
                "Cruz, Maria", "de la Cruz Pérez, María Elena", "maria cruz", "elena cruz", "maria elena", "maria perez",
                "de la cruz elena"]),
        (DOUBLE, ["garcia", "marquez", "garcia-m", "garcia marquez", "ana", "ana marquez", "lucia garcia", "Dr. Ana", "Ana L"]),
        (LED, ["van", "van go", "vang", "vangogh", "gogh", "go", "Gogh, Vincent", "vincent van gogh", "vincent", "willem gogh"]),
        (JOINED, ["delacruz", "dela", "de la", "de la cruz", "de la cruz, rosa", "rosa de la cruz", "rosa cruz"]),
        (SHORT, ["le", "minh", "le minh", "minh le", "Le, M", "le mi"]),
        (FIRST_LED, ["la toya", "latoya", "toya", "la toya jackson", "jackson", "jackson, la toya", "la"]),
        (TIED, ["Mohammed Al-Sayed", "Al-Sayed, Mohammed", "al-sayed m", "Al-Sayed", "mohammed al-s", "mohammed alsayed", "sayed",
                "Mohammed Al Sayed", "Al Sayed, Mohammed", "Alsayed, Mohammed"]),
        (APART, ["Anna Deluca", "Deluca", "Deluca, Anna", "Anna De Luca", "De Luca, Anna", "anna luca", "luca anna"]),
        (TIED_FIRST, ["El-Hadj Diop", "Diop, El-Hadj", "Diop El-Hadj", "El-Hadj", "diop"]),
        (PLAIN, ["mary", "eliz", "smith", "Smith Jr", "smith, jr.", "Mrs. Smith", "mary smith", "elizabeth smith"]),
    ],
)  # fmt: skip
def test_a_person_is_found_by_each_name_that_is_said_of_them(
    record: tuple[tuple[str, ...], str], typed: list[str]
) -> None:
    assert [one for one in typed if not finds(one, record=record)] == []


def test_of_many_names_one_further_name_finds_by_itself() -> None:
    """One index more would be one write more for each visit (ADR 0019)."""
    assert not finds("elena", record=LONG)
    assert not finds("lucia", record=DOUBLE)


@pytest.mark.parametrize("record", [LONG, DOUBLE, LED, JOINED, SHORT, FIRST_LED, TIED, APART, PLAIN])
def test_nobody_else_is_found(record: tuple[tuple[str, ...], str]) -> None:
    typed = ["reed", "de la torre", "van dyke", "maria torre", "de la vega", "torre, maria", "le an"]
    assert [one for one in typed if finds(one, record=record)] == []


@pytest.mark.parametrize("typed", ["", " ", "m", "jon", "maria reed", "4", "12", "@", "?!"])
def test_nothing_else_is(typed: str) -> None:
    assert not finds(typed)


def test_at_most_three_looks_whatever_is_typed() -> None:
    typed = ["maria elena de la cruz", "de la cruz", "de la", "maria", "maria.cruz", "maria@", "van"]
    typed += ["Al-Sayed, Mohammed", "cruz, maria"]
    assert {len(looks_for(one, PHONE)) for one in typed} <= {1, 2, 3}


def test_an_address_and_a_number_are_told_from_a_name() -> None:
    assert [look.by for look in looks_for("Maria@Example.org", PHONE)] == [SearchBy.MAILED]
    assert [look.by for look in looks_for("(415) 555-26", PHONE)] == [SearchBy.PHONED]


@pytest.mark.parametrize("typed", ["elena.cruz84", "elena.c", "e_cruz", "elena+x", "cruz84", "3rd", "Elena.Cruz"])
def test_a_word_that_may_begin_an_address_is_looked_for_there_too(typed: str) -> None:
    address = Look(SearchBy.MAILED, typed.lower())
    assert looks_for(typed, PHONE)[2] == address


@pytest.mark.parametrize("typed", ["garcia-marquez", "o'brien", "reed.", "elena", "elena.cruz reed"])
def test_a_name_is_not(typed: str) -> None:
    assert SearchBy.MAILED not in {look.by for look in looks_for(typed, PHONE)}


def test_a_request_is_found_as_it_was_typed() -> None:
    assert keys_of_patient(a_patient()) == {
        SearchBy.NAMED: "nunezmaria",
        SearchBy.GIVEN: "marianunez",
        SearchBy.PHONED: "14155552671",
        SearchBy.MAILED: "maria@example.org",
    }
    assert SearchBy.MAILED not in keys_of_patient(a_patient(email=None))


def test_whoever_asks_for_somebody_else_is_found_by_each_of_their_names_as_a_patient_is() -> None:
    booker, patient = Booker("María Elena", "de la Cruz Pérez", "mother"), a_patient()
    same = replace(patient, first_name=booker.first_name, last_name=booker.last_name, mobile=None, email=None)
    names = {SearchBy.NAMED, SearchBy.GIVEN, SearchBy.FURTHER}

    assert keys_of_booker(booker) == keys_of_patient(same)
    assert set(keys_of_booker(booker)) == names


def test_a_record_is_found_by_the_name_that_is_used_now() -> None:
    old, now = PersonName(("Maria",), "Vega", use=NameUse.OLD), PersonName(("Maria",), "Núñez")

    assert keys_of_record(a_record(names=(old, now)))[SearchBy.NAMED] == "nunezmaria"
    assert keys_of_record(a_record(names=(old,)))[SearchBy.NAMED] == "vegamaria"
    assert keys_of_record(None) == {}
