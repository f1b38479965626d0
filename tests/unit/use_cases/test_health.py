"""A source is broken after half an hour of open hours without a good pull, and well again with the first one; told once each."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oneway.domain.availability import Availability, Closure, DefaultWeek
from oneway.domain.events import Event, SourceBroken, SourceWell
from oneway.domain.health import open_minutes, patience_minutes
from oneway.faults import AuthRevoked, Unavailable
from oneway.use_cases.sync_feed import SyncReport

from tests.builders import NOW, WEEK, ZONE
from tests.slot_oracle import is_open
from tests.world import World

PLACE = ZoneInfo(ZONE)
OFFICE = Availability((DefaultWeek(WEEK),))
FEED = "harbor", "ehr~osei"


def told(reports: list[SyncReport]) -> list[Event]:
    return [e for one in reports for e in one.events if isinstance(e, SourceBroken | SourceWell)]


def pulls(world: World, minutes: int) -> list[SyncReport]:
    """One each minute, waiting for nothing."""
    reports = []
    for _ in range(minutes):
        world.clock.advance(minutes=1)
        reports.append(world.sync_feed(*FEED, now_asked=True))
    return reports


class TestBroken:
    def test_it_is_told_once_when_it_breaks_and_once_when_it_is_well(self, world: World) -> None:
        pulls(world, 1)
        world.source.fault = Unavailable("503")
        assert told(pulls(world, 29)) == []
        assert told(pulls(world, 60)) == [SourceBroken(*FEED, "unavailable")]
        assert world.store.feeds_by_id[FEED].broken_since
        world.source.fault = None
        assert told(pulls(world, 30)) == [SourceWell(*FEED)]
        assert world.store.feeds_by_id[FEED].broken_since is None

    def test_access_that_is_taken_away_is_told_at_once(self, world: World) -> None:
        world.source.fault = AuthRevoked("403")
        assert told(pulls(world, 3)) == [SourceBroken(*FEED, "auth_revoked")]

    def test_what_passes_in_time_is_not_told(self, world: World) -> None:
        for _ in range(5):
            world.source.fault = Unavailable("503")
            assert told(pulls(world, 20)) == []
            world.source.fault = None
            assert told(pulls(world, 1)) == []

    def test_a_night_does_not_count(self, world: World) -> None:
        world.clock.at = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)  # 17:00 in Los Angeles: the office closes
        pulls(world, 1)
        world.source.fault = Unavailable("503")
        world.clock.advance(hours=15)  # 08:01
        assert told(pulls(world, 58)) == []
        assert told(pulls(world, 40)) == [SourceBroken(*FEED, "unavailable")]

    def test_of_two_pulls_at_the_same_moment_one_tells(self, world: World) -> None:
        pulls(world, 1)
        world.source.fault = Unavailable("503")
        world.clock.advance(hours=2)
        stale = world.store.feeds_by_id[FEED]
        first = world.sync_feed(*FEED, now_asked=True)
        second = world.sync_feed._failed(stale, Unavailable("503"))
        assert told([first, second]) == [SourceBroken(*FEED, "unavailable")]


@pytest.mark.parametrize(("interval", "patience"), [(1, 30), (5, 30), (15, 45), (60, 180)])
def test_patience(interval: int, patience: int) -> None:
    assert patience_minutes(interval) == patience


@given(st.integers(0, 5000), st.integers(0, 3000), st.booleans())
def test_open_minutes_are_counted_one_by_one(offset: int, length: int, closed: bool) -> None:
    since = NOW + timedelta(minutes=offset)
    now, enough = since + timedelta(minutes=length), 200
    closures = (Closure(NOW.date(), NOW.date() + timedelta(days=1)),) if closed else ()
    one, other = Availability(OFFICE.default_weeks, closures=closures), Availability(OFFICE.default_weeks, paused=True)
    counted = 0
    for minute in range(length):
        at = since + timedelta(minutes=minute)
        day = at.astimezone(PLACE).date()
        counted += is_open(int(at.timestamp() // 60), {day: one.open_hours(day, 1)[0]}, PLACE)
    assert open_minutes([one, other], PLACE, since, now, enough) == min(counted, enough)
