"""Digests see everything that a source says, and nothing of how it happens to say it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields, replace
from oneway.domain import identifiers
from oneway.domain.appointments import AppointmentState, PersonName, RowKind, ScheduleRow
from oneway.domain.clock_time import minute_of
from oneway.domain.comparing import (
    NO_PRINT,
    PRINT_BYTES,
    Comparison,
    Mark,
    Pulled,
    compare,
    entry_of,
    feed_digest,
    known_prints,
    pack_week,
    print_of,
    suspected,
    unpack_week,
    week_of,
    weeks_after,
)
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


def printed(row: ScheduleRow, stamp: str = "") -> bytes:
    """The print of a source that says a row like this."""
    return print_of(repr(row).encode(), stamp.encode())


def shown(schedule: Schedule, known: dict[bytes, str] | None = None, stamp: str = "") -> Pulled:
    """What a pull shows: translated, but for what is known."""
    known = known or {}
    prints = {identifier: printed(row, stamp) for identifier, row in schedule.items()}
    rows = {identifier: row for identifier, row in schedule.items() if prints[identifier] not in known}
    same = {known[one] for one in prints.values() if one in known}
    return Pulled(rows, {identifier: entry_of(row, prints[identifier]) for identifier, row in rows.items()}, same)


def pulled(schedule: Schedule, stored: dict[str, Any], complete: bool = True) -> Comparison:
    """What differs; the same whether entries whose bytes are known are translated or not."""
    found = compare(shown(schedule), stored, WINDOW, complete)
    assert compare(shown(schedule, known_prints(stored)), stored, WINDOW, complete) == found
    return found


def kept(stored: dict[str, Any], schedule: Schedule, marks: dict[str, Mark | None] | None = None) -> dict[str, Any]:
    """What is stored after a pull, through bytes as the store keeps it."""
    after = {**stored, **weeks_after(shown(schedule), stored, WINDOW, marks or {})}
    sparing = weeks_after(shown(schedule, known_prints(stored)), stored, WINDOW, marks or {})
    assert {**stored, **sparing} == after
    return {week: unpack_week(pack_week(known)) for week, known in after.items() if known}


def marked(stored: dict[str, Any], schedule: Schedule) -> dict[str, Any]:
    """What is stored after a pull whose absent ones are suspected, and settled if they were suspected before."""
    found = pulled(schedule, stored)
    marks = dict.fromkeys(found.absent_once, Mark.SUSPECTED) | dict.fromkeys(found.absent_twice, Mark.SETTLED)
    return kept(stored, schedule, marks)


@given(schedules, schedules)
def test_the_difference_of_two_pulls_is_exactly_what_differs(before: Schedule, after: Schedule) -> None:
    stored = kept({}, before)
    found = pulled(after, stored)
    assert set(found.changed) == {i for i, row in after.items() if before.get(i) != row}
    assert set(found.absent_once) == before.keys() - after.keys()
    assert set(found.known) == before.keys() & after.keys()
    assert found.absent_twice == {}
    assert found.absent_once == {i: minute_of(before[i].start) for i in found.absent_once}


@given(schedules, schedules)
def test_what_is_absent_is_so_once_then_twice_and_then_no_more(before: Schedule, after: Schedule) -> None:
    gone = before.keys() - after.keys()
    once = marked(kept({}, before), after)
    assert set(pulled(after, once).absent_twice) == set(suspected(once, WINDOW)) == gone
    assert pulled(after, once).changed == pulled(after, once).absent_once == {}
    twice = marked(once, after)
    again = pulled(after, twice)
    assert (again.changed, again.absent_once, again.absent_twice) == ({}, {}, {})
    assert suspected(twice, WINDOW) == {}
    assert weeks_after(shown(after), twice, WINDOW, {}) == {}


@given(schedules, schedules)
def test_an_incomplete_pull_finds_nothing_absent_and_forgets_nothing(before: Schedule, after: Schedule) -> None:
    stored = kept({}, before)
    found = pulled(after, stored, complete=False)
    assert (found.absent_once, found.absent_twice) == ({}, {})
    known = {i for week in kept(stored, after).values() for i in week}
    assert known == before.keys() | after.keys()


@given(schedules)
def test_what_comes_back_is_new_again(schedule: Schedule) -> None:
    once = marked(kept({}, schedule), {})
    for stored in (once, marked(once, {})):
        found = pulled(schedule, stored)
        assert set(found.changed) == schedule.keys()
        assert list(found.known) == []
        assert kept(stored, schedule) == kept({}, schedule)


@given(schedules)
def test_what_staff_keep_is_not_asked_for_again(schedule: Schedule) -> None:
    stored = kept(kept({}, schedule), {}, dict.fromkeys(schedule, Mark.KEPT))
    found = pulled({}, stored)
    assert (found.absent_once, found.absent_twice) == ({}, {})


@given(schedules)
def test_what_is_no_longer_watched_is_forgotten(schedule: Schedule) -> None:
    stored = kept(kept({}, schedule), {}, dict.fromkeys(schedule))
    assert stored == {}


@given(schedules, st.randoms())
def test_order_does_not_count(schedule: Schedule, dice: Any) -> None:
    prints = [printed(row) for row in schedule.values()]
    shuffled = list(prints)
    dice.shuffle(shuffled)
    assert feed_digest(prints) == feed_digest(shuffled)
    assert feed_digest(prints) != feed_digest(prints, "other settings")
    assert feed_digest(prints) != feed_digest([*prints, b"one more"])


@given(schedules)
def test_new_stamps_alone_are_no_change_and_are_kept_only_where_they_are_asked_for(schedule: Schedule) -> None:
    stored = kept({}, schedule)
    anew = shown(schedule, known_prints(stored), "stamped anew")
    assert set(anew.rows) == schedule.keys()
    assert compare(anew, stored, WINDOW, True).changed == {}
    assert weeks_after(anew, stored, WINDOW, {}, prints=False) == {}
    after = {**stored, **weeks_after(anew, stored, WINDOW, {})}
    assert set(known_prints(after)) == {printed(row, "stamped anew") for row in schedule.values()}


@given(schedules)
def test_what_is_absent_is_not_known_by_its_print(schedule: Schedule) -> None:
    assert set(known_prints(kept({}, schedule)).values()) == schedule.keys()
    assert known_prints(marked(kept({}, schedule), {})) == {}


def test_an_entry_that_does_not_tell_all_is_never_known() -> None:
    stored = {week_of(START): {"a": entry_of(a_row(), NO_PRINT), "b": entry_of(a_row(), b"p" * PRINT_BYTES)}}
    assert known_prints(stored) == {b"p" * PRINT_BYTES: "b"}


def test_what_stands_in_two_weeks_is_not_known_by_its_prints() -> None:
    """A pull that was cut while it stored a visit that had moved."""
    moved = a_row(start=START + timedelta(days=7), end=START + timedelta(days=7, minutes=30))
    identifier = identifiers.appointment_id("harbor", "ehr", moved.external_id)
    stored = {week_of(row.start): {identifier: entry_of(row, printed(row))} for row in (a_row(), moved)}
    assert known_prints(stored) == {}
    assert kept(stored, {identifier: a_row()}) == kept({}, {identifier: a_row()})


@given(schedules, st.integers(0, 60))
def test_weeks_are_kept_for_as_long_as_a_look_back_reaches(before: Schedule, days: int) -> None:
    stored, later = kept({}, before), timedelta(days=days)
    window = Window(WINDOW.start + later, WINDOW.end + later, WINDOW.day + later)
    dropped = [week for week, known in weeks_after(shown({}), stored, window, {}).items() if not known]
    for week in dropped:
        year, number = week.split("-W")
        assert date.fromisocalendar(int(year), int(number), 7) < window.day - timedelta(days=30)


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
        {"former_ids": ("pat-0",)},
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
