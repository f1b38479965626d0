"""When two descriptions of a person agree: everything re-typing does, and nothing that makes another person."""

import unicodedata
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from oneway.domain.appointments import NameUse, PersonName
from oneway.domain.people import agreement, agrees, normalise_email, normalise_name

from tests.builders import a_patient, a_record

FIRST = ["Maria", "José", "Zoë", "Anne-Marie", "Renée", "Łukasz", "D'Arcy", "Ngọc", "Ελένη", "Олег", "李娜", "Mary Ann"]
LAST = ["Núñez", "O'Brien-Smith", "Müller", "van der Berg", "Peña y Lillo", "Sørensen", "Παππάς", "Йовчев", "王", "Ng"]
people = st.tuples(st.sampled_from(FIRST), st.sampled_from(LAST), st.dates(date(1900, 1, 1), date(2026, 1, 1)))


def without_accents(text: str) -> str:
    """As somebody types who has no accents on the keyboard; on Latin and Greek letters only."""
    kept: list[str] = []
    for character in unicodedata.normalize("NFD", text):
        if unicodedata.combining(character) and kept and unicodedata.name(kept[-1]).startswith(("LATIN", "GREEK")):
            continue
        kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept))


retypings = st.sampled_from(
    [
        str.upper,
        str.lower,
        str.title,
        without_accents,
        lambda text: unicodedata.normalize("NFD", text),
        lambda text: f"  {text} ",
        lambda text: text.replace("-", " ").replace("'", ""),
        lambda text: text.replace("'", "’").replace("-", "‐"),
        lambda text: text.replace(" ", "  "),
    ]
)


@given(people, st.lists(retypings, max_size=4), st.lists(retypings, max_size=4))
def test_re_typed_names_agree(person: tuple[str, str, date], first: list, last: list) -> None:  # type: ignore[type-arg]
    first_name, last_name, born = person
    typed = a_patient(first_name=first_name, last_name=last_name, birth_date=born)
    for change in first:
        first_name = change(first_name)
    for change in last:
        last_name = change(last_name)
    record = a_record(names=(PersonName((first_name,), last_name),), birth_date=born)
    assert agrees(typed, record)


@given(people, st.integers(0, 40), st.sampled_from("bxzqжπ李7"), st.booleans())
def test_another_letter_is_another_person(person: tuple[str, str, date], at: int, letter: str, of_last: bool) -> None:
    first_name, last_name, born = person
    typed = a_patient(first_name=first_name, last_name=last_name, birth_date=born)
    changed = last_name if of_last else first_name
    other = changed[: at % len(changed)] + letter + changed[at % len(changed) + 1 :]
    assume(normalise_name(other) != normalise_name(changed))
    assume(of_last or normalise_name(other.split()[0] if other.split() else "") != normalise_name(first_name))
    name = PersonName((first_name,), other) if of_last else PersonName((other,), last_name)
    assert not agrees(typed, a_record(names=(name,), birth_date=born))


@given(people, st.integers(-40_000, 40_000))
def test_another_birth_date_is_another_person(person: tuple[str, str, date], days: int) -> None:
    first_name, last_name, born = person
    assume(days)
    typed = a_patient(first_name=first_name, last_name=last_name, birth_date=born)
    assume(date.min + timedelta(days=40_000) < born)
    record = a_record(names=(PersonName((first_name,), last_name),), birth_date=born + timedelta(days=days))
    assert not agrees(typed, record)


@given(st.text(max_size=30))
def test_normalising_is_idempotent(text: str) -> None:
    assert normalise_name(normalise_name(text)) == normalise_name(text)
    assert normalise_email(normalise_email(text)) == normalise_email(text)


@given(st.text(max_size=20), st.text(max_size=20))
def test_agreement_looks_the_same_from_both_sides(one: str, other: str) -> None:
    there = agreement(a_patient(last_name=one), a_record(names=(PersonName(("Maria",), other),))).last_name
    back = agreement(a_patient(last_name=other), a_record(names=(PersonName(("Maria",), one),))).last_name
    assert there == back


@pytest.mark.parametrize(
    ("typed", "record", "same"),
    [
        ("Müller", "Mueller", False),
        ("Søren", "Soren", False),
        ("Йовчев", "Иовчев", False),
        ("O'Brien", "OBrien", True),
        ("Smith Jr.", "Smith", True),
        ("Smith Jr.", "Smith III", False),
        ("Smith, Jr", "SMITH JUNIOR", True),
        ("Nunez", "Núñez", True),
        ("ＮＵＮＥＺ", "nunez", True),
        ("Straße", "STRASSE", True),
    ],
)
def test_last_names(typed: str, record: str, same: bool) -> None:
    found = agreement(a_patient(last_name=typed), a_record(names=(PersonName(("Maria",), record),)))
    assert found.last_name is same


@pytest.mark.parametrize(
    ("typed", "given_names", "same"),
    [
        ("Maria", ("Maria", "Elena"), True),
        ("Maria Elena", ("Maria", "Elena"), True),
        ("Mariaelena", ("Maria", "Elena"), True),
        ("Elena", ("Maria", "Elena"), False),
        ("Maria E.", ("Maria", "Elena"), False),
        ("Dr. Maria", ("Maria",), True),
        ("Mary", ("Maria",), False),
    ],
)
def test_first_names(typed: str, given_names: tuple[str, ...], same: bool) -> None:
    record = a_record(names=(PersonName(given_names, "Núñez"),))
    assert agreement(a_patient(first_name=typed), record).first_name is same


@pytest.mark.parametrize("use", [NameUse.OLD, NameUse.NICKNAME])
def test_old_names_and_nicknames_do_not_count(use: NameUse) -> None:
    now = PersonName(("Maria",), "Quill")
    assert not agrees(a_patient(), a_record(names=(now, PersonName(("Maria",), "Núñez", use=use))))
    assert agrees(a_patient(last_name="Quill"), a_record(names=(now,)))


def test_first_and_last_name_have_to_be_of_one_name() -> None:
    names = (PersonName(("Maria",), "Quill"), PersonName(("Ana",), "Núñez"))
    assert not agrees(a_patient(), a_record(names=names))


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"phones": (), "emails": ("MARIA@Example.org",)}, True),
        ({"phones": ("+14155550000", "+14155552671"), "emails": ()}, True),
        ({"phones": (), "emails": ()}, False),
        ({"phones": (), "emails": ("ma.ria@example.org",)}, False),
        ({"phones": (), "emails": ("maria+visits@example.org",)}, False),
    ],
)
def test_one_contact_has_to_agree(changes: dict[str, tuple[str, ...]], same: bool) -> None:
    assert agrees(a_patient(), a_record(**changes)) is same


def test_nothing_typed_agrees_with_nothing_recorded() -> None:
    typed = a_patient(mobile=None, email="")
    assert not agrees(typed, a_record(phones=(), emails=("",)))
    assert not agrees(replace(typed, first_name=" "), a_record(names=(PersonName(("",), ""),)))
