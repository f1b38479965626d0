"""A week of opening hours goes into a form and comes back."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oneway.domain.availability import CLOSED_WEEK, LaterWeek, Opening, Week
from oneway.web.calendar_form import (
    decided_later,
    later_fields,
    pairs_of,
    typed_week,
    week_of_text,
    week_text,
)

from tests.builders import WEEK

LATE: Week = ((Opening(0, 60), Opening(1380, 1440)), (), (), (), (), (), ())


@st.composite
def weeks(draw: st.DrawFn) -> Week:
    def hours() -> tuple[Opening, ...]:
        minutes = sorted(draw(st.sets(st.integers(0, 1440), max_size=40)))
        return tuple(Opening(a, b) for a, b in zip(minutes[::2], minutes[1::2], strict=False))

    return hours(), hours(), hours(), hours(), hours(), hours(), hours()


def fields(week: Week) -> dict[str, str]:
    typed = pairs_of(week)
    return {
        f"d{day}{which}{number}": text
        for day, pairs in enumerate(typed)
        for number, pair in enumerate(pairs)
        for which, text in zip("se", pair, strict=True)
    }


@given(weeks())
def test_any_week_comes_back(week: Week) -> None:
    assert typed_week(fields(week)).week == week
    assert week_of_text(week_text(week)) == week


def test_an_end_at_midnight_is_the_end_of_the_day() -> None:
    assert pairs_of(LATE)[0] == [("00:00", "01:00"), ("23:00", "00:00")]
    assert typed_week(fields(LATE)).week == LATE


def test_blank_rows_are_no_openings_and_order_does_not_matter() -> None:
    typed = typed_week({"d0s0": "13:00", "d0e0": "17:00", "d0s1": "", "d0e1": "", "d0s2": "9:00", "d0e2": "12:00"})
    assert typed.week == ((Opening(540, 720), Opening(780, 1020)), *CLOSED_WEEK[1:])


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"d0s0": "9:00"}, {"d0e0": "time"}),
        ({"d0e0": "9:00"}, {"d0s0": "time"}),
        ({"d1s0": "morning", "d1e0": "12:00"}, {"d1s0": "time"}),
        ({"d6s0": "12:00", "d6e0": "9:00"}, {"d6e0": "end_before_start"}),
        ({"d2s0": "9:00", "d2e0": "12:00", "d2s1": "11:00", "d2e1": "13:00"}, {"d2s1": "overlap"}),
        ({"d3s9": "9:00"}, {"d3e9": "time"}),
    ],
)
def test_what_is_wrong_is_told_by_field_and_what_was_typed_stays(values: dict[str, str], wrong: dict[str, str]) -> None:
    typed = typed_week(values)
    assert typed.week is None
    assert typed.wrong == wrong
    assert {text for day in typed.pairs for pair in day for text in pair if text} == set(values.values())


@given(st.text(max_size=40))
def test_any_text_is_some_week(text: str) -> None:
    assert len(week_of_text(text)) == 7


def test_decisions_on_later_weeks_come_back() -> None:
    shown = [LaterWeek(date(2026, 12, 21), CLOSED_WEEK, False), LaterWeek(date(2027, 1, 4), WEEK, True)]
    values: dict[str, str] = {"later.nonsense.week.hours": "", "later": "x"}
    for name, one in later_fields(shown):
        values[f"{name}.hours"] = week_text(one.week)
    values["later.2027-01-04.default"] = "replace"
    assert decided_later(values) == {shown[0]: True, shown[1]: False}
