"""Free starts against an oracle that asks minute by minute, on days of every kind in every zone whose clock changes."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from oneway.domain.availability import Hours, Opening
from oneway.domain.clock_time import day_beginnings, day_of, first_minute, instant_of
from oneway.domain.occupancy import (
    LONGEST_DAYS,
    Occupant,
    OccupantKind,
    days_touched,
    is_long,
    occupant_on,
    with_long_blocks,
)
from oneway.domain.slots import Closed, SlotRules, earliest_and_latest, free_starts, why_closed

from tests.slot_oracle import free_by_asking

YEARS = range(2026, 2031)
SKIPPED = [("Pacific/Apia", date(2011, 12, 30)), ("Pacific/Kwajalein", date(1993, 8, 21))]
"""Days that never were: islands that crossed the date line."""
ODD = {"Australia/Lord_Howe", "America/Havana", "America/Santiago", "America/Nuuk", "Africa/Cairo", "Asia/Beirut"}
"""Half an hour's change, and changes at midnight."""


@cache
def changes() -> Sequence[tuple[str, date]]:
    """Every local day of the coming years that is longer or shorter than 24 hours, in every zone."""
    found = list(SKIPPED)
    for name in sorted(available_timezones()):
        zone, first = ZoneInfo(name), date(YEARS[0], 1, 1)
        begins = day_beginnings(first, 366 * len(YEARS), zone)
        odd = (n for n, (a, b) in enumerate(pairwise(begins)) if b - a != 1440)
        found += [(name, first + timedelta(days=n)) for n in odd]
    return found


def test_zones_with_changes_of_every_kind_are_among_them() -> None:
    names = {name for name, _ in changes()}
    assert names >= ODD - {"America/Santiago"}
    assert len(names) > 150


@st.composite
def days(draw: st.DrawFn) -> tuple[ZoneInfo, date]:
    """A day on which the clock changes, one beside it, or any."""
    name, day = draw(st.sampled_from(changes()))
    near = day + timedelta(days=draw(st.integers(-1, 1)))
    return ZoneInfo(name), draw(st.sampled_from([near, near, near, date(2027, 5, 5)]))


@st.composite
def openings(draw: st.DrawFn) -> Hours:
    cuts = sorted(draw(st.lists(st.integers(0, 96), min_size=2, max_size=6, unique=True)))
    touching = draw(st.booleans())
    pairs = pairwise(cuts) if touching else zip(cuts[::2], cuts[1::2], strict=False)
    return tuple(Opening(a * 15, b * 15) for a, b in pairs)


HOURS = st.one_of(openings(), st.just((Opening(0, 1440),)), st.just((Opening(0, 180), Opening(1260, 1440))))


@st.composite
def visits(draw: st.DrawFn, begins: int) -> list[Occupant]:
    """Visits and blocks around a day, whole; some over midnight, some of no length at all."""
    found = draw(
        st.lists(
            st.tuples(
                st.integers(-600, 2100),
                st.sampled_from([0, 15, 20, 45, 240]),
                st.sampled_from(OccupantKind),
            ),
            max_size=9,
        )
    )
    return [Occupant(begins + at, begins + at + length, kind, str(n)) for n, (at, length, kind) in enumerate(found)]


def on_days(held: Sequence[Occupant], zone: ZoneInfo) -> Mapping[date, Sequence[Occupant]]:
    """Occupants clipped to their days, as they are stored."""
    stored: dict[date, list[Occupant]] = {}
    for one in held:
        start, end = instant_of(one.start), instant_of(one.end)
        for day in days_touched(start, end, zone):
            stored.setdefault(day, []).append(occupant_on(day, zone, start, end, one.kind, one.id))
    return {day: sorted(found) for day, found in stored.items()}


RULES = st.builds(
    SlotRules,
    minutes=st.sampled_from([5, 15, 30, 45, 60, 180]),
    step_minutes=st.sampled_from([5, 15, 20, 30, 60]),
    split=st.integers(1, 3),
    earliest=st.integers(-100, 700),
    latest=st.integers(300, 3000),
    buffer_before_minutes=st.sampled_from([0, 0, 10, 30]),
    buffer_after_minutes=st.sampled_from([0, 0, 5, 30]),
    daily_maximum=st.sampled_from([None, None, 2, 5]),
)


@settings(max_examples=400, deadline=None)
@given(days(), HOURS, HOURS, RULES, st.data())
def test_what_is_offered_is_what_the_oracle_finds(
    where: tuple[ZoneInfo, date], today: Hours, tomorrow: Hours, drawn: SlotRules, data: st.DataObject
) -> None:
    zone, day = where
    begins = first_minute(day, zone)
    held = data.draw(visits(begins))
    rules = replace(drawn, earliest=begins + drawn.earliest, latest=begins + drawn.latest)
    hours, stored = [today, tomorrow], on_days(held, zone)

    found = free_starts(day, hours, stored, zone, rules)

    assert found == {day: tuple(free_by_asking(day, hours, held, zone, rules))}
    for start in found[day]:
        assert day_of(instant_of(start), zone) == day
    for start in range(begins, begins + 1500, 5):
        closed = why_closed(instant_of(start), day, hours, stored, zone, rules)
        assert (closed is None) == (start in found[day]), closed


def test_every_change_of_every_zone_in_the_next_two_years() -> None:
    """Without a die: a working day, a night through midnight, with a visit before noon and one after it."""
    hours = [(Opening(0, 240), Opening(480, 720), Opening(780, 1440)), (Opening(0, 120),)]
    checked = set()
    for name, day in changes():
        if day.year not in (2026, 2027) and (name, day) not in SKIPPED:
            continue
        zone = ZoneInfo(name)
        begins = day_beginnings(day, 2, zone)
        held = [
            Occupant(begins[0] + 540, begins[0] + 590, OccupantKind.APPOINTMENT, "morning"),
            Occupant(begins[1] - 20, begins[1] + 20, OccupantKind.APPOINTMENT, "midnight"),
            Occupant(begins[0] + 900, begins[0] + 915, OccupantKind.REQUEST, "afternoon"),
        ]
        rules = SlotRules(45, 60, 1, 0, 2**40)
        found = free_starts(day, hours, on_days(held, zone), zone, rules)
        assert found == {day: tuple(free_by_asking(day, hours, held, zone, rules))}, (name, day)
        checked.add(name)
    assert len(checked) > 150


@settings(max_examples=60, deadline=None)
@given(days(), st.lists(HOURS, min_size=3, max_size=9), RULES, st.data())
def test_days_together_are_what_each_is_alone(
    where: tuple[ZoneInfo, date], hours: list[Hours], drawn: SlotRules, data: st.DataObject
) -> None:
    zone, first = where
    begins = first_minute(first, zone)
    stored = on_days(data.draw(visits(begins)), zone)
    rules = replace(drawn, earliest=begins, latest=begins + 10_000)

    together = free_starts(first, hours, stored, zone, rules)

    alone = {}
    for number in range(len(hours) - 1):
        day = first + timedelta(days=number)
        alone |= free_starts(day, hours[number : number + 2], stored, zone, rules)
    assert together == alone


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
        # Havana moves at midnight: that day begins at one.
        ("America/Havana", date(2026, 3, 8), ["01:00-04:00", "01:30-04:00", "02:00-04:00", "02:30-04:00",
                                              "03:00-04:00", "03:30-04:00"]),
    ],
)  # fmt: skip
def test_days_on_which_the_clock_changes(zone: str, day: date, offered: list[str]) -> None:
    rules = SlotRules(30, 30, 1, 0, 2**40)
    found = free_starts(day, [(Opening(60, 240),), ()], {}, ZoneInfo(zone), rules)
    local = [instant_of(start).astimezone(ZoneInfo(zone)) for start in found[day]]
    assert [f"{one:%H:%M}{one:%z}"[:8] + ":" + f"{one:%z}"[3:] for one in local] == offered


@pytest.mark.parametrize(("name", "day"), SKIPPED)
def test_a_day_that_never_was_offers_nothing(name: str, day: date) -> None:
    found = free_starts(day, [(Opening(0, 1440),)] * 2, {}, ZoneInfo(name), SlotRules(30, 30, 1, 0, 2**40))
    assert found == {day: ()}


def test_nine_is_nine_all_year() -> None:
    zone, first = ZoneInfo("America/New_York"), date(2027, 1, 1)
    found = free_starts(first, [(Opening(540, 570),)] * 366, {}, zone, SlotRules(30, 30, 1, 0, 2**40))
    assert {f"{instant_of(starts[0]).astimezone(zone):%H:%M}" for starts in found.values()} == {"09:00"}
    assert len(found) == 365


def test_notice_and_horizon() -> None:
    now = datetime(2026, 11, 23, 18, 0, 30, tzinfo=UTC)
    earliest, latest = earliest_and_latest(now, 120, 90)
    assert instant_of(earliest) == datetime(2026, 11, 23, 20, 1, tzinfo=UTC)
    rules, zone, hours = SlotRules(30, 30, 1, earliest, latest), ZoneInfo("UTC"), [(Opening(0, 1440),)] * 2
    early = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
    late = datetime(2027, 2, 22, 0, 0, tzinfo=UTC)
    assert why_closed(early, early.date(), hours, {}, zone, rules) is Closed.NOTICE
    assert why_closed(late, late.date(), hours, {}, zone, rules) is Closed.HORIZON


class TestOneReason:
    """The reason why a time is closed is the one that a person would name."""

    day, zone = date(2026, 11, 24), ZoneInfo("UTC")
    hours = [(Opening(540, 720),), ()]
    rules = SlotRules(30, 30, 2, 0, 2**40, buffer_after_minutes=10, daily_maximum=4)

    def reason(self, *held: Occupant, minute: int = 600) -> Closed | None:
        begins = first_minute(self.day, self.zone)
        placed = [one._replace(start=begins + one.start, end=begins + one.end) for one in held]
        return why_closed(
            instant_of(begins + minute), self.day, self.hours, {self.day: sorted(placed)}, self.zone, self.rules
        )

    def visit(self, start: int, number: int) -> Occupant:
        return Occupant(start, start + 30, OccupantKind.APPOINTMENT, f"v{number}")

    def test_nothing_closes_it(self) -> None:
        assert self.reason(self.visit(600, 1)) is None

    @pytest.mark.parametrize("minute", [0, 530, 601, 720])
    def test_outside_hours(self, minute: int) -> None:
        assert self.reason(minute=minute) is Closed.OUTSIDE_HOURS

    def test_a_block_closes_it_whatever_the_split(self) -> None:
        assert self.reason(Occupant(615, 620, OccupantKind.BLOCK, "b")) is Closed.BLOCK

    def test_full(self) -> None:
        assert self.reason(self.visit(590, 1), self.visit(615, 2)) is Closed.FULL

    def test_a_buffer(self) -> None:
        assert self.reason(self.visit(570, 1), self.visit(565, 2)) is Closed.BUFFER
        assert self.reason(Occupant(630, 660, OccupantKind.BLOCK, "b")) is Closed.BUFFER
        assert self.reason(Occupant(570, 600, OccupantKind.BLOCK, "b")) is None

    def test_the_daily_maximum(self) -> None:
        assert self.reason(*(self.visit(n * 40, n) for n in range(4))) is Closed.DAILY_MAXIMUM


@settings(max_examples=60)
@given(days(), st.integers(-3000, 3000), st.integers(LONGEST_DAYS * 1440 + 1, 40_000))
def test_a_long_block_closes_what_it_covers(where: tuple[ZoneInfo, date], at: int, length: int) -> None:
    zone, first = where
    begins = first_minute(first, zone)
    block = Occupant(begins + at, begins + at + length, OccupantKind.BLOCK, "b")
    assert is_long(instant_of(block.start), instant_of(block.end), zone)
    hours, rules = [(Opening(0, 1440),)] * 31, SlotRules(30, 30, 3, 0, 2**40)
    shown: Mapping[date, Sequence[Occupant]] = {first + timedelta(days=n): () for n in range(-1, 32)}

    found = free_starts(first, hours, with_long_blocks(shown, [block], zone), zone, rules)

    everything = free_starts(first, hours, {}, zone, rules)
    for day, starts in everything.items():
        assert found[day] == tuple(s for s in starts if s + 30 <= block.start or block.end <= s)


@given(st.dates(date(2000, 1, 1), date(2037, 12, 31)), st.sampled_from(sorted(ODD | {"Asia/Kathmandu", "UTC"})))
def test_a_day_begins_where_the_day_before_ends(day: date, name: str) -> None:
    zone = ZoneInfo(name)
    begins = first_minute(day, zone)
    assert day_of(instant_of(begins), zone) == day
    assert day_of(instant_of(begins - 1), zone) == day - timedelta(days=1)
    assert day_beginnings(day, 3, zone) == tuple(first_minute(day + timedelta(days=n), zone) for n in range(3))
