"""A feed that is new, or is read anew, may cover visits that are stored already: what vanished meanwhile is noticed."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from oneway.domain.appointments import GONE, AppointmentState
from oneway.domain.practices import Practice
from oneway.ports import Capabilities
from oneway.use_cases.apply_practice import ApplyPractice
from oneway.use_cases.sync_feed import Outcome

from tests.builders import NOW, START, a_practice, a_provider
from tests.desk import CANCELLED, CONFIRMED, Desk, at
from tests.fakes.store import FakeClock
from tests.stage import Stage, WatchedStore

OF_PROVIDERS, WHOLE = Capabilities(), Capabilities(filters=frozenset(("date",)))


def apply(desk: Desk, practice: Practice, can: Capabilities = OF_PROVIDERS) -> None:
    """An operator applies a practice's file."""
    store = desk.store
    ApplyPractice(store.practices, store.feeds, store.calendar, lambda _: can, lambda *_: (), desk.clock)(practice)


def pull(desk: Desk, minutes: int) -> None:
    """So many minutes pass, with a pull of each feed."""
    for _ in range(minutes):
        desk.clock.advance(minutes=1)
        for state in desk.store.feeds.of_practice("harbor"):
            desk.sync_feed("harbor", state.settings.feed_id)
        desk.tick()


def without(practice: Practice, provider_id: str) -> Practice:
    """A practice in which nobody reads a provider's schedule."""
    apart = replace(practice.provider(provider_id), source_id=None, external_id=None)
    return replace(practice, providers={**practice.providers, provider_id: apart})


@pytest.fixture
def desk() -> Desk:
    """One with a visit that is linked, and another one that stays."""
    desk = Desk()
    desk.enter("other", patient=None, **at(START + timedelta(hours=3)))
    return desk


@pytest.mark.parametrize(
    "can", [(OF_PROVIDERS, OF_PROVIDERS), (WHOLE, WHOLE), (OF_PROVIDERS, WHOLE), (WHOLE, OF_PROVIDERS)]
)
def test_what_vanished_while_a_provider_was_not_read_is_noticed(
    desk: Desk, can: tuple[Capabilities, Capabilities]
) -> None:
    practice = desk.store.practices.get("harbor")
    before, after = can
    apply(desk, practice, before)
    pull(desk, 1)
    request = desk.ask()
    desk.enter()
    pull(desk, 1)
    assert desk.told(request) == [CONFIRMED]
    apply(desk, without(practice, "osei"), before)
    pull(desk, 3)
    desk.source.delete("appt-1")
    desk.clock.advance(minutes=20)
    apply(desk, practice, after)
    pull(desk, 3)
    now = desk.stored(request)
    if before is after is WHOLE:  # the same feed, of the same system, which says that it is gone
        assert desk.told(request) == [CONFIRMED, CANCELLED]
    else:
        assert now.vanished_at, "staff are asked"
        assert now.shown_state == AppointmentState.BOOKED
        assert desk.told(request) == [CONFIRMED]
    assert not desk.places()


@pytest.mark.parametrize(("before", "after"), [(OF_PROVIDERS, WHOLE), (WHOLE, OF_PROVIDERS)])
def test_so_is_what_vanished_when_its_source_came_to_be_read_in_another_way(
    desk: Desk, before: Capabilities, after: Capabilities
) -> None:
    practice = desk.store.practices.get("harbor")
    apply(desk, practice, before)
    pull(desk, 1)
    request = desk.ask()
    desk.enter()
    pull(desk, 1)
    desk.source.delete("appt-1")
    apply(desk, practice, after)
    pull(desk, 3)
    assert desk.stored(request).vanished_at, "staff are asked"
    assert desk.told(request) == [CONFIRMED]


def test_what_a_new_feed_has_shown_is_cancelled_when_it_goes(desk: Desk) -> None:
    desk.store.feeds_by_id.clear()
    apply(desk, desk.store.practices.get("harbor"))
    pull(desk, 1)
    request = desk.ask()
    desk.enter()
    pull(desk, 1)
    desk.source.delete("appt-1")
    pull(desk, 4)
    assert desk.told(request) == [CONFIRMED, CANCELLED]


@pytest.fixture
def slow() -> Desk:
    """One with a feed that is new, and a clock that moves with each call."""
    store, clock = WatchedStore(), FakeClock(NOW)
    store.stage = Stage(clock)
    desk = Desk(a_practice(a_provider()), store, clock)
    store.feeds_by_id.clear()
    apply(desk, desk.practice)
    desk.enter(patient=None)
    desk.enter("other", patient=None, **at(START + timedelta(hours=3)))
    return desk


def test_what_its_first_pull_brought_goes_with_its_place(slow: Desk) -> None:
    pull(slow, 1)
    slow.source.delete("appt-1")
    pull(slow, 3)
    assert slow.visit().row.raw_state == GONE
    assert not slow.visit().occupies


def test_so_does_what_its_first_pulls_brought_that_were_stopped(slow: Desk) -> None:
    for day in (1, 2, 3):
        slow.enter(f"day {day}", patient=None, **at(START + timedelta(days=day)))
    for _ in range(3):
        slow.clock.advance(minutes=1)
        assert slow.sync_feed("harbor", "ehr~osei", deadline=slow.clock.now()).outcome is Outcome.STOPPED
    pull(slow, 1)
    slow.source.delete("appt-1")
    slow.source.delete("day 1")
    pull(slow, 3)
    assert [slow.visit(one).row.raw_state for one in ("appt-1", "day 1")] == [GONE, GONE]


def test_what_is_stored_is_asked_for_once(slow: Desk) -> None:
    asked, stage = [], slow.store.stage  # type: ignore[attr-defined]
    for _ in range(3):
        stage.calls.clear()
        slow.pull()
        asked.append([one for calls in stage.calls.values() for one in calls].count("of_provider"))
    assert asked == [1, 0, 0]


def test_a_visit_that_came_back_in_a_pull_that_was_stopped_may_vanish_again(desk: Desk) -> None:
    pull(desk, 1)
    desk.confirmed()
    row = desk.source.rows["appt-1"]
    desk.source.delete("appt-1")
    pull(desk, 5)
    assert not desk.visit().occupies
    desk.source.enter(row)
    desk.enter("next", patient=None, **at(START + timedelta(days=1)))
    desk.clock.advance(minutes=1)
    assert desk.sync_feed("harbor", "ehr~osei", deadline=desk.clock.now()).outcome is Outcome.STOPPED
    desk.source.delete("appt-1")
    pull(desk, 5)
    assert not desk.visit().occupies


@pytest.mark.parametrize("delta", ["none", "token"])
def test_a_visit_that_was_moved_beyond_the_horizon_and_then_deleted_is_noticed_in_time(desk: Desk, delta: str) -> None:
    desk.source.delta = delta
    pull(desk, 2)
    request = desk.confirmed()
    far = START + timedelta(days=desk.practice.horizon_days + 5)
    desk.change(**at(far))
    pull(desk, 3)
    assert desk.stored(request).link.start == far
    desk.source.delete("appt-1")
    pull(desk, 3)
    assert desk.visit().occupies
    desk.enter("next", patient=None, **at(far - timedelta(days=1)))
    desk.clock.advance(minutes=60 * 24 * 10)
    desk.enter("later", patient=None, **at(desk.clock.at + timedelta(days=3)))
    pull(desk, 4)
    assert not desk.visit().occupies
