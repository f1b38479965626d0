"""*Sync now*: every feed, for staff, each time they ask; only the source itself holds it up."""

from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import replace
from oneway.domain.errors import Forbidden, PracticeNotFound
from oneway.domain.feeds import FeedRef, FeedState
from oneway.faults import RateLimited, Unavailable
from oneway.use_cases.ask_sync import AskSync, feed_refs
from oneway.use_cases.keep_feeds import feeds_of
from oneway.use_cases.membership import Membership
from oneway.use_cases.sync_feed import Outcome

from tests.builders import START, a_practice, a_provider, a_row
from tests.fakes.outside import FakeSyncQueue
from tests.world import World


@pytest.fixture
def queue() -> FakeSyncQueue:
    return FakeSyncQueue()


@pytest.fixture
def ask(world: World, queue: FakeSyncQueue) -> AskSync:
    return AskSync(Membership(world.store.practices), world.store.feeds, queue, world.clock)


def test_every_feed_is_pulled_each_time_somebody_asks(ask: AskSync, queue: FakeSyncQueue) -> None:
    assert [ask("harbor", "nadia@harbor.example") for _ in range(2)] == [2, 2]
    assert len(queue.asked) == 4
    assert set(queue.asked.values()) == {FeedRef("harbor", f"ehr~{one}", "harbor~ehr") for one in ("osei", "brandt")}


@pytest.mark.parametrize(
    ("email", "error"), [("vic@harbor.example", Forbidden), ("who@else.example", PracticeNotFound)]
)
def test_others_may_not(ask: AskSync, queue: FakeSyncQueue, email: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        ask("harbor", email)
    assert not queue.asked


def test_the_feeds_are_those_of_the_wheel() -> None:
    practice = a_practice(a_provider(), a_provider("brandt"), a_provider("walk-in", source_id=None, external_id=None))
    whole = replace(practice, sources={"ehr": replace(practice.sources["ehr"], whole=True, account="vendor")})
    for one in (practice, whole):
        assert feed_refs(one) == [FeedRef("harbor", settings.feed_id, settings.lane) for settings in feeds_of(one)]


def test_no_back_off_of_ours_holds_it_up(world: World) -> None:
    world.source.fault = Unavailable("503")
    for _ in range(6):
        world.pull()
    world.source.fault = None
    world.source.enter(a_row(start=START))
    assert world.pull().outcome is Outcome.WAITING
    assert world.sync_feed("harbor", "ehr~osei", now_asked=True).changed == 1


def test_nor_one_after_a_refusal_that_does_not_say_how_long(world: World) -> None:
    world.source.fault = RateLimited(None)
    for _ in range(6):
        world.pull()
    assert world.pull().outcome is Outcome.WAITING
    assert world.sync_feed("harbor", "ehr~osei", now_asked=True).outcome is Outcome.FAILED
    world.clock.advance(hours=1)
    # As an account's pace says it, which has not asked again.
    world.source.fault = RateLimited(world.clock.at + timedelta(seconds=60), asked=False)
    world.pull(minutes=0)
    world.source.fault = None
    assert world.pull(minutes=0).outcome is Outcome.WAITING
    assert world.sync_feed("harbor", "ehr~osei", now_asked=True).outcome is Outcome.UNCHANGED


def test_it_waits_as_long_as_the_source_asked_and_no_longer(world: World) -> None:
    world.source.fault = Unavailable("503")
    for _ in range(8):
        world.pull(minutes=61)
    world.source.fault = RateLimited(world.clock.at + timedelta(minutes=62))
    world.pull(minutes=61)
    world.source.fault = None
    assert world.sync_feed("harbor", "ehr~osei", now_asked=True).outcome is Outcome.WAITING
    assert world.pull(minutes=2).outcome is Outcome.WAITING, "our own back-off is longer"
    assert world.sync_feed("harbor", "ehr~osei", now_asked=True).outcome is Outcome.UNCHANGED


def test_what_the_source_asked_an_account_for_holds_where_our_own_back_off_is_longer(world: World) -> None:
    world.source.fault = Unavailable("503")
    for _ in range(8):
        world.pull("brandt", minutes=61)
    world.source.fault = RateLimited(world.clock.at + timedelta(minutes=10))
    world.pull()
    world.source.fault = None
    assert world.sync_feed("harbor", "ehr~brandt", now_asked=True).outcome is Outcome.WAITING
    world.clock.advance(minutes=10)
    assert world.pull("brandt", minutes=0).outcome is Outcome.WAITING
    assert world.sync_feed("harbor", "ehr~brandt", now_asked=True).outcome is Outcome.UNCHANGED


def test_a_state_that_was_stored_before_that_was_told_apart_is_read(world: World) -> None:
    stored = msgspec.json.decode(msgspec.json.encode(world.store.feeds_by_id["harbor", "ehr~osei"]))
    del stored["asked_until"]
    assert msgspec.convert(stored, FeedState).asked_until is None


def test_what_the_source_asks_for_is_obeyed_all_the_same(world: World) -> None:
    world.source.fault = RateLimited(world.clock.at + timedelta(hours=2))
    world.pull()
    world.source.fault = None
    pulls = world.source.pulls
    assert world.sync_feed("harbor", "ehr~osei", now_asked=True).outcome is Outcome.WAITING
    assert world.source.pulls == pulls
