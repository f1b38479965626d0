"""Free starts against an oracle that asks minute by minute, on days of every kind in real zones."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oneway.domain.availability import Availability, DefaultWeek, Opening
from oneway.domain.clock_time import day_of, first_minute, instant_of, minute_of
from oneway.domain.occupancy import Occupant, OccupantKind
from oneway.domain.slots import Closed, SlotRules, free_starts, rules_at, why_closed

ZONES = ["America/Los_Angeles", "Europe/Madrid", "America/Santiago", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC",
         "Africa/Casablanca", "America/Havana"]  # fmt: skip
CHANGES = {
    "America/Los_Angeles": (date(2026, 3, 8), date(2026, 11, 1)),
    "Europe/Madrid": (date(2026, 3, 29), date(2026, 10, 25)),
    "America/Santiago": (date(2026, 4, 4), date(2026, 9, 6)),
    "Australia/Lord_Howe": (date(2026, 4, 5), date(2026, 10, 4)),
    "America/Havana": (date(2026, 3, 8), date(2026, 11, 1)),
}


@st.composite
def openings(draw: st.DrawFn) -> tuple[Opening, ...]:
    cuts = sorted(draw(st.lists(st.integers(0, 96), min_size=2, max_size=6, unique=True)))
    return tuple(Opening(a * 15, b * 15) for a, b in zip(cuts[::2], cuts[1::2], strict=False))


@st.composite
def days(draw: st.DrawFn) -> tuple[ZoneInfo, date]:
    name = draw(st.sampled_from(ZONES))
    usual = st.dates(date(2026, 1, 1), date(2027, 12, 31))
    return ZoneInfo(name), draw(st.one_of(usual, st.sampled_from(CHANGES.get(name, (date(2026, 5, 5),)))))


@st.composite
def occupied(draw: st.DrawFn, begins: int) -> list[Occupant]:
    found = draw(
        st.lists(
            st.tuples(st.integers(0, 1499), st.integers(0, 240), st.sampled_from(OccupantKind), st.integers(0, 99)),
            max_size=8,
        )
    )
    return [Occupant(begins + at, begins + at + length, kind, str(n)) for at, length, kind, n in found]


def oracle(
    day: date, open_hours: tuple[Opening, ...], held: list[Occupant], zone: ZoneInfo, rules: SlotRules
) -> set[int]:
    """Every wall-clock start that exists, lies in hours to its end, in bounds, with a place left in each minute."""
    free = set()
    for opening in open_hours:
        for wall in range(opening.start_minutes, opening.end_minutes, rules.step_minutes):
            local = datetime.combine(day, time(wall // 60, wall % 60), zone)
            instant = local.astimezone(UTC)
            if instant.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
                continue
            close = datetime.combine(day, time.min, zone) + timedelta(minutes=opening.end_minutes)
            start = minute_of(instant)
            if start + rules.minutes > minute_of(close.astimezone(UTC)) or not rules.earliest <= start < rules.latest:
                continue
            places = [
                sum(
                    rules.split if one.kind is OccupantKind.BLOCK else 1
                    for one in held
                    if one.start <= minute < one.end
                )
                for minute in range(start, start + rules.minutes)
            ]
            if max(places) < rules.split:
                free.add(start)
    return free


@settings(max_examples=150, deadline=None)
@given(days(), openings(), st.data())
def test_what_is_offered_is_what_the_oracle_finds(
    where: tuple[ZoneInfo, date], hours: tuple[Opening, ...], data: st.DataObject
) -> None:
    zone, day = where
    begins = first_minute(day, zone)
    held = data.draw(occupied(begins))
    bounds = data.draw(st.tuples(st.integers(-100, 700), st.integers(300, 3000)))
    rules = SlotRules(
        minutes=data.draw(st.sampled_from([5, 15, 30, 45, 60])),
        step_minutes=data.draw(st.sampled_from([5, 15, 20, 30, 60])),
        split=data.draw(st.integers(1, 3)),
        earliest=begins + bounds[0],
        latest=begins + bounds[1],
    )
    found = free_starts(day, hours, held, zone, rules)
    assert list(found) == sorted(oracle(day, hours, held, zone, rules))
    for start in found:
        assert why_closed(instant_of(start), day, hours, held, zone, rules) is None
        assert day_of(instant_of(start), zone) == day
    for start in range(begins, begins + 1500, 35):
        closed = why_closed(instant_of(start), day, hours, held, zone, rules)
        assert (closed is None) == (start in found)


@pytest.mark.parametrize(
    ("zone", "day", "offered"),
    [
        # 02:00-03:00 does not exist on 8 March, and occurs twice on 1 November: offered once, the first time.
        ("America/Los_Angeles", date(2026, 3, 8), ["01:00-08:00", "01:30-08:00", "03:00-07:00", "03:30-07:00"]),
        ("America/Los_Angeles", date(2026, 11, 1), ["01:00-07:00", "01:30-07:00", "02:00-08:00", "02:30-08:00",
                                                    "03:00-08:00", "03:30-08:00"]),
        # Lord Howe moves by half an hour.
        ("Australia/Lord_Howe", date(2026, 10, 4), ["01:00+10:30", "01:30+10:30", "02:30+11:00", "03:00+11:00",
                                                    "03:30+11:00"]),
    ],
)  # fmt: skip
def test_days_on_which_the_clock_changes(zone: str, day: date, offered: list[str]) -> None:
    rules = SlotRules(30, 30, 1, 0, 2**40)
    local = [
        instant_of(start).astimezone(ZoneInfo(zone))
        for start in free_starts(day, (Opening(60, 240),), (), ZoneInfo(zone), rules)
    ]
    assert [f"{one:%H:%M}{one:%z}"[:8] + ":" + f"{one:%z}"[3:] for one in local] == offered


def test_notice_and_horizon() -> None:
    now = datetime(2026, 11, 23, 18, 0, 30, tzinfo=UTC)
    rules = rules_at(now, 30, 30, 1, 120, 90)
    assert instant_of(rules.earliest) == datetime(2026, 11, 23, 20, 1, tzinfo=UTC)
    zone, hours = ZoneInfo("UTC"), (Opening(0, 1440),)
    early = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
    late = datetime(2027, 2, 22, 0, 0, tzinfo=UTC)
    assert why_closed(early, early.date(), hours, (), zone, rules) is Closed.NOTICE
    assert why_closed(late, late.date(), hours, (), zone, rules) is Closed.HORIZON


weeks = st.lists(
    st.tuples(st.one_of(st.none(), st.dates(date(2026, 1, 1), date(2026, 12, 31))), st.integers(1, 20)), max_size=4,
    unique_by=lambda week: week[0] and week[0] - timedelta(days=week[0].weekday()),
)  # fmt: skip


@given(weeks, st.dates(date(2025, 12, 1), date(2027, 1, 31)))
def test_the_latest_default_week_that_has_begun_counts(found: list[tuple[date | None, int]], day: date) -> None:
    def monday(of: date) -> date:
        return of - timedelta(days=of.weekday())

    defaults = tuple(DefaultWeek(((Opening(0, hour * 60),),) * 7, begins and monday(begins)) for begins, hour in found)
    begun = [
        (begins and monday(begins)) or date.min
        for begins, _ in found
        if begins is None or monday(begins) <= monday(day)
    ]
    hours = Availability(defaults).hours_on(day)
    if not begun:
        assert hours == ()
    else:
        wanted = next(hour for begins, hour in found if ((begins and monday(begins)) or date.min) == max(begun))
        assert hours == (Opening(0, wanted * 60),)


@given(st.dates(date(2000, 1, 1), date(2037, 12, 31)), st.sampled_from(ZONES))
def test_a_day_begins_where_the_day_before_ends(day: date, name: str) -> None:
    zone = ZoneInfo(name)
    begins = first_minute(day, zone)
    assert day_of(instant_of(begins), zone) == day
    assert day_of(instant_of(begins - 1), zone) == day - timedelta(days=1)
