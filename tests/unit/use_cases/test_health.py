"""A source is broken after half an hour of open hours without a good pull, and well again with the first one; told once each."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from oneway.domain.availability import Availability, Closure, DefaultWeek
from oneway.domain.errors import StoreUnavailable
from oneway.domain.events import Event, HealthEvent, PullFinished, SourceBroken, SourceWell
from oneway.domain.health import open_minutes, patience_minutes
from oneway.faults import AuthRevoked, OutOfTime, RateLimited, Unavailable
from oneway.use_cases.sync_feed import Outcome, SyncReport

from tests.builders import NOW, START, WEEK, ZONE, a_practice, a_provider, a_row
from tests.fakes.store import FakeClock
from tests.slot_oracle import is_open
from tests.stage import Stage, WatchedStore
from tests.world import World

PLACE = ZoneInfo(ZONE)
OFFICE = Availability((DefaultWeek(WEEK),))
FEED = "harbor", "ehr~osei"
SOURCE = "harbor", "ehr"


def told(reports: list[SyncReport]) -> list[Event]:
    return [e for one in reports for e in one.events if isinstance(e, SourceBroken | SourceWell)]


def words(reports: list[SyncReport]) -> list[str]:
    return [one.fault for one in told(reports) if isinstance(one, SourceBroken)]


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
        (broken,) = told(pulls(world, 60))
        since = world.store.feeds_by_id[FEED].broken_since
        assert since
        assert broken == SourceBroken(*SOURCE, "unavailable", since)
        world.source.fault = None
        assert told(pulls(world, 30)) == [SourceWell(*SOURCE, since)]
        assert world.store.feeds_by_id[FEED].broken_since is None
        assert world.turns == [broken, SourceWell(*SOURCE, since)]

    def test_access_that_is_taken_away_is_told_at_once(self, world: World) -> None:
        world.source.fault = AuthRevoked("403")
        assert words(pulls(world, 3)) == ["auth_revoked"]

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
        assert words(pulls(world, 40)) == ["unavailable"]

    @pytest.mark.parametrize("how", ["waiting", "held", "stopped", "left_off", "missed", "failed"])
    def test_it_breaks_by_the_age_of_the_last_good_pull_however_turns_end(self, how: str) -> None:
        world = World(a_practice(a_provider()))
        for number in range(8):
            at = START + timedelta(minutes=30 * number)
            world.source.enter(a_row(f"v-{number}", start=at, end=at + timedelta(minutes=30), patient=None))
        pulls(world, 1)
        turns = self.turns(world, how, 29)
        assert {one.outcome for one in turns} <= {Outcome(how.replace("missed", "left_off")), Outcome.FAILED}
        assert told(turns) == []
        (broken,) = told(self.turns(world, how, 60))
        assert isinstance(broken, SourceBroken)
        word = {"held": "held", "waiting": "rate_limited", "failed": "unavailable"}.get(how, "out_of_time")
        assert (broken.fault, world.store.feeds_by_id[FEED].last_failure) == (word, word)
        world.source.fault = None
        world.source.hidden.clear()
        world.clock.advance(days=1, hours=1)
        assert told(pulls(world, 30)) == [SourceWell(*SOURCE, broken.since)]
        assert len(world.turns) == 2

    def turns(self, world: World, how: str, minutes: int) -> list[SyncReport]:
        """A turn each minute that brings no good pull."""
        if how == "missed":
            reports = []
            for _ in range(minutes):
                world.clock.advance(minutes=1)
                reports.append(world.sync_feed.missed(*FEED))
            return reports
        if how == "waiting":
            world.source.fault = RateLimited(world.clock.at + timedelta(hours=24))
        elif how == "left_off":
            world.source.fault = OutOfTime("the account's budget")
        elif how == "failed":
            world.source.fault = Unavailable("503")
        elif how == "held":
            world.source.hidden = {f"v-{number}" for number in range(8)}
        reports = []
        for number in range(minutes):
            world.clock.advance(minutes=1)
            if how == "stopped":  # each stop applies one day's, and something new comes before it is done
                for day in (1, 2):
                    at = START + timedelta(days=day, minutes=number % 400)
                    world.source.enter(a_row(f"d-{day}", start=at, end=at + timedelta(minutes=30), patient=None))
                reports.append(world.sync_feed(*FEED, deadline=world.clock.at))
            else:
                reports.append(world.sync_feed(*FEED, now_asked=how == "failed"))
        return reports

    def test_one_that_was_never_read_breaks_by_its_first_try(self) -> None:
        world = World(a_practice(a_provider()))
        state = world.store.feeds_by_id[FEED]
        world.store.feeds_by_id[FEED] = replace(state, last_good_at=None)
        world.source.fault = Unavailable("no such name")
        assert told(pulls(world, 30)) == []
        assert words(pulls(world, 60)) == ["unavailable"]

    def test_a_turn_that_was_missed_makes_a_page_say_how_old_the_schedule_is(self) -> None:
        """Of a feed that writes nothing while all is well a page believes that it is as fresh as its source."""
        world = World(a_practice())
        osei = world.practice.provider("osei")
        for key, state in world.store.feeds_by_id.items():
            beats = key[1] == world.practice.beating_feeds["ehr"]
            world.store.feeds_by_id[key] = replace(state, settings=replace(state.settings, beats=beats))
        assert not world.store.feeds_by_id[FEED].settings.beats
        read_at = world.age.last_good_at(world.practice, osei)
        for _ in range(4):
            world.clock.advance(minutes=10)
            world.sync_feed("harbor", "ehr~brandt")
        assert world.age.last_good_at(world.practice, osei) == world.clock.at
        world.sync_feed.missed(*FEED)
        world.clock.advance(minutes=1)
        assert world.age.last_good_at(world.practice, osei) == read_at

    def test_nights_and_a_feed_that_goes_on_are_not_told_of_missed_turns(self, world: World) -> None:
        pulls(world, 1)
        for _ in range(20):
            assert told(self.turns(world, "missed", 5)) == []
            assert told(pulls(world, 1)) == []
        assert world.store.feeds_by_id[FEED].failing_since is None

    def test_of_two_pulls_at_the_same_moment_one_tells(self, world: World) -> None:
        pulls(world, 1)
        world.source.fault = Unavailable("503")
        world.clock.advance(hours=2)
        stale = world.store.feeds_by_id[FEED]
        first = world.sync_feed(*FEED, now_asked=True)
        second = world.sync_feed._failed(stale, Unavailable("503"))
        assert words([first]) == ["unavailable"]
        assert second.events == (PullFinished(*FEED, "failed"),)


class TestSources:
    """A source may have many feeds; staff hear of the source."""

    @pytest.fixture
    def two(self) -> World:
        return World(a_practice())

    def pull(self, world: World, *providers: str, fault: bool) -> None:
        world.source.fault = AuthRevoked("403") if fault else None
        for provider in providers:
            world.clock.advance(minutes=1)
            world.sync_feed("harbor", f"ehr~{provider}", now_asked=True)

    def test_it_is_broken_with_the_first_of_its_feeds_and_well_with_the_last(self, two: World) -> None:
        self.pull(two, "osei", "brandt", fault=True)
        assert [type(one) for one in two.turns] == [SourceBroken]
        self.pull(two, "brandt", fault=False)
        assert len(two.turns) == 1
        self.pull(two, "osei", fault=False)
        assert [type(one) for one in two.turns] == [SourceBroken, SourceWell]
        self.pull(two, "brandt", fault=True)
        assert [type(one) for one in two.turns] == [SourceBroken, SourceWell, SourceBroken]
        assert len({one.since for one in two.turns}) == 2

    def test_a_consumer_that_fails_is_told_again_by_the_next_pull(self, world: World) -> None:
        attempts: list[HealthEvent] = []

        def fails_once(event: HealthEvent) -> None:
            attempts.append(event)
            if len(attempts) == 1:
                raise StoreUnavailable("later")

        follow = world.sync_feed.follow_pull
        tell = replace(follow.tell_health, consumers=(fails_once,))
        world.sync_feed = replace(world.sync_feed, follow_pull=replace(follow, tell_health=tell))
        world.source.fault = AuthRevoked("403")
        with pytest.raises(StoreUnavailable):
            pulls(world, 1)
        pulls(world, 5)
        assert len(attempts) == 2
        assert attempts[0] == attempts[1]

    def test_wherever_a_worker_dies_each_turn_is_told_and_only_an_unfinished_one_twice(self) -> None:
        for death in range(1, 100):
            world, calls = self.dies_at(death)
            assert {type(one) for one in world.turns} == {SourceBroken}
            assert len(set(world.turns)) == 1
            assert len(world.turns) <= 2
            assert not world.store.feeds_by_id[FEED].unheard
            assert not world.store.health_by_id[SOURCE].untold
            if len(calls) < death:
                return
        raise AssertionError("it never came to the end")

    def dies_at(self, step: int) -> tuple[World, list[str]]:
        """A worker that dies at a call, and two more."""
        clock = FakeClock(NOW)
        store = WatchedStore()
        store.stage = stage = Stage(clock)
        world = World(a_practice(a_provider()), store, clock)
        world.source.fault = AuthRevoked("403")
        stage.steps.clear()
        stage.calls.clear()
        stage.deaths = {"pull": step}
        thread = stage.play("pull", lambda: pulls(world, 1))
        stage.give("pull")
        thread.join(20)
        pulls(world, 2)
        return world, stage.calls["pull"]

    def test_where_the_feed_that_was_broken_is_taken_out_the_source_is_well(self, two: World) -> None:
        self.pull(two, "osei", fault=True)
        two.store.feeds.remove("harbor", "ehr~osei")
        left = two.store.feeds_by_id["harbor", "ehr~brandt"]
        two.store.feeds.save(left, replace(left, unheard=True))  # as applying a practice file does
        self.pull(two, "brandt", fault=False)
        assert [type(one) for one in two.turns] == [SourceBroken, SourceWell]


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
