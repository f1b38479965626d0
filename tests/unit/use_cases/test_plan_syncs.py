"""Planning a minute: what is due, once, with the feeds of a lane together and taking turns."""

from oneway.domain.feeds import FeedRef, in_turn
from oneway.use_cases.plan_syncs import PlanSyncs

from tests.fakes.outside import FakeSyncQueue
from tests.fakes.store import FakeStore

REFS = [
    FeedRef("harbor", f"ehr~{name}", lane) for name in ("osei", "brandt", "nunez", "adeyemi") for lane in ("a", "b")
]


def test_a_minute_that_is_planned_twice_is_once() -> None:
    store, queue = FakeStore(), FakeSyncQueue()
    for name in ("osei", "brandt"):
        store.feeds.put_on_wheel(FeedRef("harbor", f"ehr~{name}", "lane"), 1)
    plan = PlanSyncs(store.feeds, queue)
    assert [plan(minute) for minute in (7, 7, 8)] == [2, 2, 2]
    assert len(queue.waiting) == 4


def test_the_feeds_of_a_lane_stay_together() -> None:
    assert [ref.lane for ref in in_turn(REFS, 7)] == ["a"] * 4 + ["b"] * 4


def test_each_feed_of_a_lane_comes_first_now_and_then() -> None:
    first = {in_turn(REFS, minute)[0].feed_id for minute in range(0, 200, 5)}
    assert first == {ref.feed_id for ref in REFS}
