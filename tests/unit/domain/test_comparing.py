"""Digests see everything that a source says, and nothing of how it happens to say it."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oneway.domain import identifiers
from oneway.domain.appointments import AppointmentState, PersonName, RowKind, ScheduleRow
from oneway.domain.comparing import compare, entry_of, feed_digest, pack_week, unpack_week, week_of
from oneway.domain.feeds import Window

from tests.builders import START, a_record, a_row

WINDOW = Window(datetime(2026, 11, 22, 8, tzinfo=UTC), datetime(2027, 2, 22, 8, tzinfo=UTC), date(2026, 11, 23))
MINUTES = int((WINDOW.end - WINDOW.start).total_seconds() // 60)
rows = st.builds(
    lambda number, minute, state: a_row(
        f"appt-{number}", start=WINDOW.start + timedelta(minutes=minute),
        end=WINDOW.start + timedelta(minutes=minute + 30), state=state, raw_state=str(state),
    ),
    st.integers(0, 12), st.integers(0, MINUTES - 1), st.sampled_from(AppointmentState),
)  # fmt: skip
schedules = st.lists(rows, max_size=12, unique_by=lambda row: row.external_id).map(
    lambda found: {identifiers.appointment_id("harbor", "ehr", row.external_id): row for row in found}
)
Schedule = dict[str, ScheduleRow]


def entries(schedule: Schedule) -> dict[str, bytes]:
    return {identifier: entry_of(row) for identifier, row in schedule.items()}


def pulled(schedule: Schedule, stored: dict[str, Any], complete: bool = True) -> Any:
    return compare(schedule, entries(schedule), stored, WINDOW, complete)


def kept(stored: dict[str, Any], found: Any) -> dict[str, Any]:
    """What is stored after a pull, through bytes as the store keeps it."""
    after = {**stored, **found.weeks}
    return {week: unpack_week(pack_week(known)) for week, known in after.items() if known}


@given(schedules, schedules)
def test_the_difference_of_two_pulls_is_exactly_what_differs(before: Schedule, after: Schedule) -> None:
    stored = kept({}, pulled(before, {}))
    found = pulled(after, stored)
    assert set(found.changed) == {i for i, row in after.items() if before.get(i) != row}
    assert found.missing == before.keys() - after.keys()
    again = pulled(after, kept(stored, found))
    assert (dict(again.changed), again.missing, dict(again.weeks)) == ({}, frozenset(), {})


@given(schedules, schedules)
def test_an_incomplete_pull_finds_nothing_missing_and_forgets_nothing(before: Schedule, after: Schedule) -> None:
    stored = kept({}, pulled(before, {}))
    found = pulled(after, stored, complete=False)
    assert found.missing == frozenset()
    known = {i for week in kept(stored, found).values() for i in week}
    assert known == before.keys() | after.keys()


@given(schedules)
def test_what_comes_back_is_new_again(schedule: Schedule) -> None:
    stored = kept({}, pulled(schedule, {}))
    gone = kept(stored, pulled({}, stored))
    assert pulled({}, gone).missing == frozenset()
    assert set(pulled(schedule, gone).changed) == schedule.keys()


@given(schedules, st.randoms())
def test_order_does_not_count(schedule: Schedule, dice: Any) -> None:
    shuffled = list(schedule.items())
    dice.shuffle(shuffled)
    assert feed_digest(entries(schedule)) == feed_digest(entries(dict(shuffled)))
    assert feed_digest(entries(schedule)) != feed_digest(entries(schedule), "other settings")


OTHER: dict[str, Any] = {
    "external_id": "other",
    "kind": RowKind.BLOCK,
    "raw_state": "other",
    "state": AppointmentState.ARRIVED,
    "start": START + timedelta(minutes=1),
    "end": START + timedelta(hours=3),
    "zone_certain": False,
    "provider_external_id": "other",
    "location_external_id": "other",
    "patient": None,
    "series": "other",
    "replaces": "other",
    "replaced_by": "other",
}


@pytest.mark.parametrize("name", [one.name for one in fields(ScheduleRow)])
def test_every_field_counts_but_the_sources_spelling_of_the_start(name: str) -> None:
    if name == "start_text":
        assert entry_of(a_row(start_text="2026-11-24T17:30:00Z")) == entry_of(a_row())
    else:
        assert entry_of(replace(a_row(), **{name: OTHER[name]})) != entry_of(a_row())


@pytest.mark.parametrize(
    "changes",
    [
        {"source_id": "other"},
        {"names": (PersonName(("MARIA",), "Nunes"),)},
        {"birth_date": date(1984, 12, 3)},
        {"phones": ()},
        {"emails": ("other@example.org",)},
    ],
)
def test_every_field_of_the_patient_counts(changes: dict[str, Any]) -> None:
    assert entry_of(a_row(patient=a_record(**changes))) != entry_of(a_row())


def test_the_order_of_phones_does_not_count() -> None:
    one, other = a_record(phones=("+1", "+2")), a_record(phones=("+2", "+1"))
    assert entry_of(a_row(patient=one)) == entry_of(a_row(patient=other))


@given(st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)))
def test_weeks_are_iso_weeks(at: datetime) -> None:
    year, number = week_of(at.replace(tzinfo=UTC)).split("-W")
    monday = date.fromisocalendar(int(year), int(number), 1)
    assert monday <= at.date() < monday + timedelta(days=7)
