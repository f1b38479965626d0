"""Days keep who holds which minute, in eleven bytes each."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oneway.domain import identifiers
from oneway.domain.clock_time import day_of, first_minute, minute_after, minute_of
from oneway.domain.occupancy import DayOccupancy, Occupant, OccupantKind, days_touched, occupant_on, pack, unpack

ZONES = st.sampled_from(["America/Los_Angeles", "Australia/Lord_Howe", "America/Santiago", "Asia/Kathmandu"])
IDS = st.integers(0, 50).map(lambda n: identifiers.request_id("harbor", str(n)))
instants = st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))
BEGINS = 29_000_000
occupants = st.builds(
    lambda at, length, kind, identifier: Occupant(BEGINS + at, BEGINS + min(at + length, 1500), kind, identifier),
    st.integers(0, 1500),
    st.integers(0, 1500),
    st.sampled_from(OccupantKind),
    IDS,
)


@given(st.lists(occupants, max_size=60))
def test_packing_loses_nothing(held: list[Occupant]) -> None:
    packed = pack(held, BEGINS)
    assert len(packed) == 11 * len(held)
    assert unpack(packed, BEGINS) == tuple(sorted(held))


def test_cut_bytes_are_noticed() -> None:
    packed = pack([Occupant(BEGINS, BEGINS + 30, OccupantKind.BLOCK, identifiers.request_id("harbor", "1"))], BEGINS)
    with pytest.raises(ValueError, match="cut"):
        unpack(packed[:-1], BEGINS)


@given(st.lists(occupants, max_size=8), occupants)
def test_an_id_stands_on_a_day_once(held: list[Occupant], one: Occupant) -> None:
    day = DayOccupancy("harbor", "osei", "UTC", date(2026, 11, 24))
    for each in held:
        day = day.with_occupant(each)
    after = day.with_occupant(one)
    assert [o for o in after.occupants if o.id == one.id] == [one]
    assert after.without(one.id) == day.without(one.id)
    assert not after.without(one.id).holds(one.id)
    assert after.with_occupant(one) == after


@given(instants, st.timedeltas(timedelta(0), timedelta(days=4)), ZONES)
def test_the_parts_of_a_visit_make_the_whole(start: datetime, length: timedelta, name: str) -> None:
    zone, end = ZoneInfo(name), start + length
    days = days_touched(start, end, zone)
    parts = [occupant_on(day, zone, start, end, OccupantKind.APPOINTMENT, "a") for day in days]
    assert days[0] == day_of(start, zone)
    assert days == [days[0] + timedelta(days=n) for n in range(len(days))]
    assert sum(part.end - part.start for part in parts) == minute_after(end) - minute_of(start)
    for day, part in zip(days, parts, strict=True):
        assert first_minute(day, zone) <= part.start <= part.end <= first_minute(day + timedelta(days=1), zone)
