"""Planning a minute: what is due, once, with the feeds of a lane together and taking turns."""

from hypothesis import given
from hypothesis import strategies as st
from oneway.domain.feeds import FeedRef, bundled, bundles_for, in_turn
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


class TestBundles:
    def plan(self, *feeds: int, at_first: int = 1) -> tuple[list[int], int]:
        """How many bundles each of these minutes goes into, and how often that was written."""
        store, queue = FakeStore(bundles=at_first), FakeSyncQueue()
        for number in range(max(feeds)):
            store.feeds.put_on_wheel(FeedRef("harbor", f"ehr~{number}", f"lane-{number}"), 1)
        due = store.wheel[1, 0]
        for minute, some in enumerate(feeds):
            store.wheel[1, 0] = due[:some]
            PlanSyncs(store.feeds, queue)(minute)
        return queue.bundles, store.writes

    def test_a_bundle_carries_about_thirty_pulls(self) -> None:
        for pulls in (1, 20, 200, 3000):
            (bundles,), _ = self.plan(pulls)
            assert bundles == 1 or 20 <= pulls / bundles <= 45

    def test_they_stay_as_they_are_while_a_stack_is_about_as_large(self) -> None:
        assert self.plan(200, 260, 190, 330, 0, 120, 200) == ([8] * 7, 1)

    def test_they_follow_one_that_grows_or_shrinks(self) -> None:
        assert self.plan(200, 2000, 200) == ([8, 64, 8], 3)

    @given(st.integers(0, 100_000), st.integers(0, 14))
    def test_what_was_chosen_is_kept(self, pulls: int, exponent: int) -> None:
        chosen = bundles_for(pulls, 2**exponent)
        assert bundles_for(pulls, chosen) == chosen

    @given(
        st.lists(st.tuples(st.text("ab", max_size=4), st.text("cde", max_size=3)), max_size=40),
        st.sampled_from([1, 2, 8]),
    )
    def test_a_lane_is_in_one_bundle_in_its_order_and_nothing_is_lost(
        self, names: list[tuple[str, str]], bundles: int
    ) -> None:
        refs = [FeedRef("harbor", f"{feed}-{place}", lane) for place, (lane, feed) in enumerate(names)]
        parts = bundled(refs, bundles)
        assert sorted(map(repr, refs)) == sorted(repr(ref) for _, _, part in parts for ref in part)
        for lane in {ref.lane for ref in refs}:
            where = [(number, [ref for ref in part if ref.lane == lane]) for number, _, part in parts]
            ((_, of_lane),) = [(number, found) for number, found in where if found]
            assert of_lane == [ref for ref in refs if ref.lane == lane]
