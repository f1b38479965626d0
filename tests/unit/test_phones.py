"""Numbers as people of any country type them, and as front desks note them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oneway.phones import beginnings, shown, to_e164

MOBILE = "+14155552671"


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("(415) 555-2671", "US", MOBILE),
        ("1-415-555-2671", "US", MOBILE),
        ("415.555.2671", "US", MOBILE),
        ("+1 415 555 2671", "GB", MOBILE),
        ("tel:+1-415-555-2671", "DE", MOBILE),
        ("４１５-５５５-２６７１", "US", MOBILE),
        ("٤١٥٥٥٥٢٦٧١", "US", MOBILE),
        ("415\u20115552671", "US", MOBILE),
        ("(415) 555-2671 x123", "US", MOBILE),
        ("tel:+1-415-555-2671;ext=9", "US", MOBILE),
        ("001 415 555 2671", "US", MOBILE),
        ("cell 415 555 2671", "US", MOBILE),
        ("415 555 2671 (mom)", "US", MOBILE),
        ("415-555-2671 / 510-555-2671", "US", MOBILE),
        ("0044 20 7946 0018", "US", "+442079460018"),
        ("011 44 20 7946 0018", "US", "+442079460018"),
        ("+44 (0)20 7946 0018", "US", "+442079460018"),
        ("020 7946 0018", "GB", "+442079460018"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("06 1234 5678", "IT", "+390612345678"),
        ("55 1234 5678", "MX", "+525512345678"),
        ("+52 1 55 1234 5678", "US", "+525512345678"),
        ("", "US", None),
        ("n/a", "US", None),
        ("415 555 267", "US", None),
        ("555-2671", "US", None),
    ],
)
def test_numbers(text: str, country: str, number: str | None) -> None:
    assert to_e164(text, country) == number


@pytest.mark.parametrize(
    ("one", "other"),
    [("415 555 2671", "415 555 2672"), ("415 555 2671", "415 555 2617"), ("415 555 2671", "510 555 2671")],
)
def test_another_digit_is_another_number(one: str, other: str) -> None:
    assert to_e164(one, "US") != to_e164(other, "US")


@given(st.text(max_size=24), st.sampled_from(["US", "GB", "DE", "MX", "IT"]))
def test_a_number_stays_what_it_is(text: str, country: str) -> None:
    found = to_e164(text, country)
    if found:
        assert to_e164(found, country) == found
        assert to_e164(shown(found, country), country) == found


@pytest.mark.parametrize(
    ("typed", "country", "begins"),
    [
        ("(415) 555-2671", "US", ["14155552671"]),
        ("415 55", "US", ["141555"]),
        ("1 415 55", "US", ["141555"]),
        ("+1 415", "US", ["1415"]),
        ("020 7946", "GB", ["44207946"]),
        ("0044 20", "ES", ["4420"]),
        ("3465", "ES", ["343465", "3465"]),
        ("06 1234", "IT", ["39061234"]),
        ("maria", "US", []),
    ],
)
def test_the_beginning_of_a_number_is_read_as_people_type_it(typed: str, country: str, begins: list[str]) -> None:
    assert beginnings(typed, country) == begins
