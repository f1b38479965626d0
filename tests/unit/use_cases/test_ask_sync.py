"""*Sync now*: every feed, for staff, each time they ask; only the source itself holds it up."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from oneway.domain.errors import Forbidden, PracticeNotFound
from oneway.domain.feeds import FeedRef
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


def test_what_the_source_asks_for_is_obeyed_all_the_same(world: World) -> None:
    world.source.fault = RateLimited(world.clock.at + timedelta(hours=2))
    world.pull()
    world.source.fault = None
    pulls = world.source.pulls
    assert world.sync_feed("harbor", "ehr~osei", now_asked=True).outcome is Outcome.WAITING
    assert world.source.pulls == pulls
