"""What follows from a pull: staff see a source that is broken, and a visit that went is looked for anew at once."""

from datetime import timedelta

import pytest
from oneway.domain.events import (
    Event,
    FeedTurned,
    PullFinished,
    SourceBroken,
    VisitGone,
    VisitMissing,
    VisitMoved,
)
from oneway.domain.feeds import MOST_AWAITING
from oneway.domain.requests import Happening
from oneway.faults import AuthRevoked
from oneway.use_cases.await_pull import AwaitPull
from oneway.use_cases.follow_pull import FollowPull

from tests.builders import NOW, START, a_row
from tests.world import World

NADIA = "nadia@harbor.example"


class Looked:
    """Notes which requests were looked at."""

    def __init__(self) -> None:
        self.at: list[tuple[str, str]] = []

    def __call__(self, practice: str, request_id: str) -> bool:
        self.at.append((practice, request_id))
        return False


def test_what_concerns_a_request_or_a_sources_health_is_followed() -> None:
    looked, broken = Looked(), SourceBroken("harbor", "ehr", "unavailable", NOW)
    follow = FollowPull(
        looked,  # type: ignore[arg-type]
        lambda practice, source: [broken] if (practice, source) == ("harbor", "ehr") else [],  # type: ignore[arg-type]
    )
    learnt = follow(
        [
            VisitGone("harbor", "osei", "visit-1", "request-1"),
            VisitGone("harbor", "osei", "visit-2", None),
            FeedTurned("harbor", "ehr"),
            PullFinished("harbor", "ehr~osei", "changed"),
            PullFinished("harbor", "ehr~tanaka", "unchanged", awaited_by=("request-2", "request-3")),
        ]
    )
    assert looked.at == [("harbor", "request-1"), ("harbor", "request-2"), ("harbor", "request-3")]
    assert learnt == [broken]


@pytest.mark.parametrize(
    "event",
    [
        VisitGone("harbor", "osei", "visit-1", "erased"),
        VisitMissing("harbor", "osei", "visit-1", "erased"),
        VisitMoved("harbor", "visit-1", "erased", "osei", START, "osei", NOW),
    ],
    ids=lambda one: type(one).__name__,
)
def test_an_event_of_a_request_that_is_gone_holds_up_nothing(world: World, event: Event) -> None:
    world.source.fault = AuthRevoked("403")
    world.pull()
    learnt = world.sync_feed.follow_pull([event, FeedTurned("harbor", "ehr")])
    assert learnt == []
    assert len(world.turns) == 1


def test_a_visit_that_was_entered_anew_before_it_went_is_tied_by_the_next_pull(world: World) -> None:
    """Without run_timers: the pull that finds it gone waits for the next one, which shows whether it is the only new one."""
    submitted = world.submit()
    world.source.enter(a_row("old"))
    world.pull()
    assert world.stored(submitted.request).link
    later = START + timedelta(days=1)
    world.source.delete("old")
    world.source.enter(a_row("new", start=later, end=later + timedelta(minutes=30)))
    world.pull()
    world.pull()
    gone = world.stored(submitted.request)
    assert gone.link
    assert gone.link.start == START
    world.pull()
    now = world.stored(submitted.request)
    assert now.link
    assert now.link.start == later
    assert [entry.what for entry in world.store.requests.timeline("harbor", now.id)][-1] is Happening.RESCHEDULED


def test_staff_see_that_a_source_is_broken_until_it_is_well(world: World) -> None:
    assert world.list_to_act("harbor", NADIA).broken == []
    world.source.fault = AuthRevoked("403")
    world.pull()
    (broken,) = world.list_to_act("harbor", NADIA).broken
    assert (broken.settings.feed_id, broken.last_failure) == ("ehr~osei", "auth_revoked")
    world.source.fault = None
    world.sync_feed("harbor", "ehr~osei", now_asked=True)
    world.clock.advance(minutes=1)  # pages look at a feed every half minute
    assert world.list_to_act("harbor", NADIA).broken == []


def test_what_waited_for_two_good_pulls_goes_on_with_the_second_of_them(world: World) -> None:
    """Without run_timers, which would come by within the minute."""
    submitted = world.submit()
    world.cancel_by_staff("harbor", NADIA, submitted.request.id, "moved", "")
    world.deliver()
    world.resolve_moves("harbor", submitted.request.id)  # as run_timers does: somebody waits from now on
    assert world.stored(submitted.request).awaited
    world.pull()
    assert world.stored(submitted.request).awaited
    world.pull()
    assert not world.stored(submitted.request).awaited


def test_all_that_wait_go_on_with_a_pull_and_nothing_else_is_read_for_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is unsent over all practices is the clock's to read, once a minute: here a pull would read it, for each feed."""
    times = [(START + timedelta(hours=n)).isoformat() for n in range(2)]
    waiting = [world.submit(f"{at} {at}", start=at).request for at in times]
    for one in waiting:
        world.cancel_by_staff("harbor", NADIA, one.id, "moved", "")
        world.resolve_moves("harbor", one.id)
    feed = world.store.feeds_by_id["harbor", "ehr~osei"]
    assert feed.awaited_by == tuple(one.id for one in waiting)

    def unsent(*_: object) -> None:
        raise AssertionError("not needed")

    monkeypatch.setattr(type(world.store.requests), "unsent", unsent)
    world.pull()
    world.pull()
    assert not any(world.stored(one).awaited for one in waiting)
    assert not world.store.feeds_by_id["harbor", "ehr~osei"].awaited_by


def test_a_feeds_state_names_no_more_than_it_should_hold(world: World) -> None:
    world.pull()
    wait, at = AwaitPull(world.store.feeds), world.clock.at + timedelta(minutes=1)
    for number in range(MOST_AWAITING + 5):
        wait(world.practice, "osei", at, f"request-{number}")
    state = world.store.feeds_by_id["harbor", "ehr~osei"]
    assert (state.awaited, len(state.awaited_by)) == (at, MOST_AWAITING)
    wait(world.practice, "osei", at, "request-0")
    assert world.store.feeds_by_id["harbor", "ehr~osei"] == state, "the same again is not written"
