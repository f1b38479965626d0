"""The simulation of `make scale` where it could silently lie: queue, jitter, percentiles, costs, the product's constants."""

import re
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from oneway.faults import Unavailable

from tests.benchmarks.scale import simulation
from tests.benchmarks.scale.assumptions import AFTER, ALONE, BEFORE, LIGHT, Assumptions, Design, Prices, Scenario
from tests.benchmarks.scale.costs import Usage, beyond_free_tier, cost, fixed, naive
from tests.benchmarks.scale.lags import Lags
from tests.benchmarks.scale.planning import Sending, Wheel, refs_of
from tests.benchmarks.scale.queueing import FifoQueue, Message
from tests.benchmarks.scale.simulation import Kind, Lane, Result, Simulation, back_off
from tests.template_file import RESOURCES
from tests.world import World

ROOT = Path(__file__).parents[2]
CALL = 0.001
EXACT = Assumptions(
    jitter=0,
    minutes_lost=0,
    minutes_twice=0,
    cold_start=0,
    latency_sigma=0,
    looking_back=0,
    changes_a_day=0,
)
"""Nothing is left to chance."""


def message(feed: int, group: int = 0, minute: int = 0) -> Message:
    return Message((feed,), group, minute, 0.0)


def feeds_of(messages: Iterable[Message]) -> list[int]:
    return [feed for one in messages for feed in one.feeds]


def played(scenario: Scenario, design: Design = AFTER, assumed: Assumptions = EXACT) -> Result:
    return Simulation(scenario, design, assumed, CALL).run()


class TestQueue:
    def test_a_group_keeps_its_order_and_has_one_batch_in_flight(self) -> None:
        queue = FifoQueue()
        queue.put(message(feed) for feed in range(15))
        first = queue.receive(10)
        assert feeds_of(first) == list(range(10))
        assert queue.receive(10) == []
        queue.put([message(15)])
        assert not queue.has_ready
        queue.delete(first)
        assert feeds_of(queue.receive(10)) == [10, 11, 12, 13, 14, 15]

    def test_a_batch_takes_one_group_as_far_as_it_goes_and_then_others(self) -> None:
        queue = FifoQueue()
        queue.put(message(feed, group=feed % 3) for feed in range(9))
        assert feeds_of(queue.receive(5)) == [0, 3, 6, 1, 4]
        assert feeds_of(queue.receive(5)) == [2, 5, 8]
        assert queue.waiting == 1

    def test_a_repeat_is_told_by_feed_and_minute(self) -> None:
        queue = FifoQueue()
        queue.put([message(1), message(1), message(1, minute=1)])
        assert (queue.waiting, queue.repeats) == (2, 1)

    def test_what_is_given_back_comes_first_and_is_dead_in_the_end(self) -> None:
        queue = FifoQueue(most_receives=2)
        queue.put([message(1), message(2)])
        queue.give_back(queue.receive(1))
        again = queue.receive(10)
        assert feeds_of(again) == [1, 2]
        queue.give_back(again)
        assert feeds_of(queue.dead) == [1]
        assert feeds_of(queue.receive(10)) == [2]

    def test_messages_of_many_pulls_count_once(self) -> None:
        queue = FifoQueue()
        queue.put(Message(tuple(range(bundle * 30, bundle * 30 + 30)), bundle, 0, 0.0) for bundle in range(3))
        assert queue.waiting == 90
        assert feeds_of(queue.receive(2)) == list(range(60))
        assert queue.waiting == 30


class TestLags:
    def test_entries_between_two_pulls_are_spread_evenly(self) -> None:
        lags = Lags()
        lags.add(1, 301)
        assert [lags.percentile(share) for share in (0.5, 0.99)] == pytest.approx([151, 298])
        assert lags.longest == pytest.approx(301)

    def test_a_long_stretch_weighs_as_much_as_it_lasts(self) -> None:
        lags = Lags()
        for _ in range(6):
            lags.add(0, 100)
        lags.add(0, 600)  # half of all time, of which five sixths lie above 100 s
        assert lags.percentile(7 / 12) == pytest.approx(100)
        assert lags.percentile(0.99) == pytest.approx(600 - 0.01 * 1200)

    def test_of_nothing_there_is_nothing(self) -> None:
        assert Lags().percentile(0.5) != Lags().percentile(0.5)


class TestCosts:
    def test_a_month_by_hand(self) -> None:
        usage = Usage(read=4e6, written=2e6, invocations=1e6, gb_seconds=3e5, sqs=3e6, scheduler=43_800, log_bytes=2e9)
        found = cost(usage, Prices())
        assert found.reads == pytest.approx(0.50)
        assert found.writes == pytest.approx(1.25)
        assert found.queues == pytest.approx(1.50)
        assert found.functions == pytest.approx(0.20 + 4.00002 + 0.0438)
        assert found.total == pytest.approx(7.49382)
        assert found.logs == pytest.approx(1.00)

    def test_the_free_tier_is_taken_off_once(self) -> None:
        left = beyond_free_tier(Usage(read=5, invocations=1.5e6, gb_seconds=3e5, sqs=3e6, scheduler=43_800))
        assert left == Usage(read=5, invocations=5e5, sqs=2e6)

    def test_the_naive_design_is_what_goals_say(self) -> None:
        assert 632 <= cost(naive(1000, 5), Prices()).total <= 1260

    def test_the_fixed_base(self) -> None:
        assert fixed(Prices(), alarms=10) == pytest.approx(1 + 5 + 1 + 1)


class TestProduct:
    """What the simulation says of the product is what the product does."""

    def test_a_feed_backs_off_as_the_product_does(self, world: World) -> None:
        world.source.fault = Unavailable("no answer")
        for failures in range(1, 12):
            state = world.store.feeds.get("harbor", "ehr~osei")
            assert state
            if state.not_before:
                world.clock.at = max(world.clock.at, state.not_before)
            world.pull(minutes=0)
            after = world.store.feeds.get("harbor", "ehr~osei")
            assert after
            assert after.failures == failures
            assert after.not_before
            interval = after.settings.interval_minutes * 60
            assert after.not_before - world.clock.now() == timedelta(seconds=back_off(failures, interval, 1.0))

    def test_a_pull_is_stale_as_in_the_function(self) -> None:
        written = (ROOT / "functions/sync_schedule/sync_schedule_function.py").read_text()
        found = {name: int(number) for name, number in re.findall(r"^(\w+) = \D*(\d+)\)?$", written, re.MULTILINE)}
        assert found["STALE_MINUTES"] == simulation.STALE_MINUTES
        assert found["RESERVED"] == AFTER.reserved
        assert found["MOST_SIDE_BY_SIDE"] == AFTER.lanes_at_once

    def test_the_design_is_the_template(self) -> None:
        plan, sync = (RESOURCES[name]["Properties"] for name in ("PlanSyncs", "SyncSchedule"))
        queue = RESOURCES["Syncs"]["Properties"]
        assert (plan["MemorySize"], plan["Timeout"]) == (AFTER.plan_memory, AFTER.plan_timeout)
        assert sync["Timeout"] == AFTER.sync_timeout
        assert sync["Events"]["Queue"]["Properties"]["BatchSize"] == AFTER.batch
        assert queue["VisibilityTimeout"] == AFTER.visibility
        assert queue["RedrivePolicy"]["maxReceiveCount"] == AFTER.receives

    def test_the_wheel_packs_what_it_names(self) -> None:
        refs = refs_of(500, 1)
        wheel = Wheel(refs, 5)
        assert sorted(map(repr, (ref for minute in range(5) for ref in wheel.due(minute)))) == sorted(map(repr, refs))
        one, many = (wheel.packed(design.buckets) for design in (BEFORE, AFTER))
        assert {len(sizes) for sizes in one.values()} == {1}
        assert all(max(many[spoke]) < max(one[spoke]) for spoke in one)


class TestSending:
    def test_one_after_the_other_waits_and_computes(self) -> None:
        design = replace(BEFORE, plan_memory=1769)
        sending = Sending.of(design, replace(EXACT, send_call=0.009), 0.001)
        assert sending.call_ends(0) == pytest.approx(0.01)
        assert sending.call_ends(999) == pytest.approx(10.0)

    def test_side_by_side_the_processor_is_what_limits(self) -> None:
        sending = Sending.of(replace(AFTER, plan_memory=1769, side_by_side=100), EXACT, 0.002)
        assert sending.calls_a_second == pytest.approx(500)

    def test_the_queue_may_limit(self) -> None:
        design = replace(AFTER, plan_memory=1769, side_by_side=100, calls_a_second=300)
        assert Sending.of(design, EXACT, 0.001).calls_a_second == 300


class TestSimulation:
    def test_a_scenario_whose_lag_is_known(self) -> None:
        """One feed every 5 minutes, no jitter: asked at the same second each time, so that lags are even over 300 s."""
        result = played(Scenario("", 1, 5, 0, 2, changes=False))
        lags = result.lags[Kind.HEALTHY]
        lowest = EXACT.pull_overhead + EXACT.latency + EXACT.applying
        assert lags.percentile(0.5) == pytest.approx(lowest + 150, abs=0.2)
        assert lags.percentile(0.99) == pytest.approx(lowest + 297, abs=0.2)
        assert result.quiet.pulls == 24

    def test_units_of_a_quiet_day(self) -> None:
        """Half a unit a pull and four an hour to look back; one written every ten minutes, of the source's first feed."""
        result = played(Scenario("", 1, 5, 0, 24, changes=False))
        plan_reads = 24 * 60 * (Wheel(refs_of(1, 1), 5).read_units(AFTER) + 1)
        assert result.quiet.read - plan_reads == pytest.approx(0.5 * 288 + 4 * 24, abs=4)
        assert result.quiet.written == pytest.approx(24 * 6, abs=8)
        assert result.quiet.sqs == pytest.approx(288 * 3 + 24 * 60 * 15)
        assert result.quiet.invocations == pytest.approx(288 + 24 * 60)

    def test_seconds_that_are_paid_for(self) -> None:
        result = played(Scenario("", 1, 5, 0, 24, changes=False))
        pulls = 288 * (EXACT.batch_overhead + EXACT.pull_overhead + EXACT.latency) * 512 / 1024
        plans = 1440 * 0.05 + 288 * Sending.of(AFTER, EXACT, CALL).call_ends(0)
        assert result.quiet.gb_seconds == pytest.approx(pulls + plans * 1024 / 1024, rel=0.01)

    def test_what_pulls_compute_is_shared_and_what_they_wait_for_is_not(self) -> None:
        """200 lanes of a feed each: the processor's share, or the longest wait, whichever is longer."""
        for design, computed in ((AFTER, 0.0035), (replace(AFTER, processor=0.0), 0.0)):
            simulation_ = Simulation(Scenario("", 20, 1, 0, 1, changes=False), design, EXACT, CALL)
            simulation_.lane_of = list(range(20))
            simulation_.lanes = [Lane() for _ in range(20)]
            took, killed = simulation_._run_batch([Message(tuple(range(20)), 0, 0, 0.0)], 0.0)
            waits = EXACT.batch_overhead + EXACT.pull_overhead + EXACT.latency
            shared = 20 * (computed + EXACT.connecting) * 1769 / 512
            assert took == pytest.approx(max(waits, 20 * waits / 16, shared))
            assert not killed

    def test_bundles_wait_together(self) -> None:
        scenario = Scenario("", 400, 5, 0, 2, changes=False)
        one, lighter, together = (played(scenario, design).idle_month for design in (ALONE, LIGHT, AFTER))
        assert one.gb_seconds > lighter.gb_seconds > 2 * together.gb_seconds
        assert lighter.invocations > together.invocations
        assert together.pulls == pytest.approx(lighter.pulls, rel=0.02)

    def test_jitter_lies_within_a_minute_and_widens_the_lag_by_as_much(self) -> None:
        lags = played(Scenario("", 20, 5, 0, 24, changes=False), assumed=replace(EXACT, jitter=60)).lags[Kind.HEALTHY]
        assert 330 < lags.longest <= 360 + 3
        assert 315 < lags.percentile(0.99) < 328  # of uniform jitter: 320 (gaps of 300 s, ± a triangle of 60)

    def test_a_lost_minute_doubles_a_gap(self) -> None:
        lags = played(Scenario("", 20, 5, 0, 24, changes=False), assumed=replace(EXACT, minutes_lost=0.01)).lags[
            Kind.HEALTHY
        ]
        assert 600 < lags.longest < 605

    def test_the_same_seed_plays_the_same(self) -> None:
        scenario = Scenario("", 50, 5, 8, 2, slow=0.1, breaking=0.3)
        one, other = (played(scenario, assumed=Assumptions()) for _ in range(2))
        assert (one.lags, one.office, one.killed) == (other.lags, other.office, other.killed)

    def test_a_lane_goes_down_and_up(self) -> None:
        lane = Lane(Kind.HANGING, [10.0, 20.0])
        assert [lane.down(at) for at in (5.0, 15.0, 25.0)] == [False, True, False]

    def test_a_lane_that_hangs_stops_the_function_or_is_left_off(self) -> None:
        hangs = replace(EXACT, up_for=1e-6, down_for=1e9)
        scenario = Scenario("", 40, 1, 0, 1, breaking=1.0, one_account=True, seed=2)
        before, after = (played(scenario, design, hangs) for design in (BEFORE, AFTER))
        assert before.killed
        assert not before.left_off
        assert after.left_off
        assert not after.killed

    def test_what_a_planner_had_no_time_for_is_tried_again_and_then_lost(self) -> None:
        scenario = Scenario("", 3000, 1, 0, 0.5, changes=False)
        short = replace(BEFORE, plan_timeout=2.0)
        assert played(scenario, short).never_sent
        assert not played(scenario, AFTER).never_sent
