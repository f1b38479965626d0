"""A day of a stack in simulated time: the schedule's minutes, the product's planner, the queue, functions, sources.

Everything that is random comes from one seed. What the product decides is the product's: which feeds a minute has
(PlanSyncs, the wheel), how old a pull may be, when a heartbeat is written; the back-off is held to SyncFeed by a test.
"""

import random
from collections import deque
from collections.abc import Callable, Sequence
from enum import IntEnum
from heapq import heappop, heappush
from math import exp, log

from msgspec import Struct, field
from oneway.domain.feeds import HEARTBEAT, FeedRef, bundled, bundles_for, spoke_of
from oneway.ports import FeedRepository
from oneway.use_cases.plan_syncs import PlanSyncs
from oneway.use_cases.sync_feed import LONGEST_BACK_OFF

from .assumptions import HOURS_A_MONTH, OFFICE, OFFICE_HOURS_A_MONTH, Assumptions, Design, Scenario
from .costs import Usage
from .lags import Lags
from .planning import FULL_PROCESSOR as _FULL_PROCESSOR
from .planning import Sending, Wheel, refs_of
from .queueing import FifoQueue, Message

STALE_MINUTES = 10
"""As the sync function has it; a test holds the two together (a function's module cannot be imported without a stack)."""
_LOOK_BACK = 3600.0
_HEARTBEAT = HEARTBEAT.total_seconds()
_LONGEST = LONGEST_BACK_OFF.total_seconds()
_STARTS_WITH, _MORE_A_SECOND, _MOST_BATCHES = 5, 5.0, 1000
_GROWS_EVERY = 0.2
_PLANNED_AGAIN_AFTER = (60.0, 120.0)
"""Seconds after which Lambda calls a function again that an event was too much for (asynchronous invocations)."""


class Kind(IntEnum):
    """What a source is like."""

    HEALTHY = 0
    SLOW = 1
    HANGING = 2
    REFUSING = 3


class Lane(Struct):
    """An account of a source. `changes` are the instants at which one that breaks goes down or is up again."""

    kind: Kind = Kind.HEALTHY
    changes: list[float] = field(default_factory=list)

    def down(self, at: float) -> bool:
        """Whether it is broken now."""
        return sum(change <= at for change in self.changes) % 2 == 1


class Result(Struct):
    """What came of a scenario; lags by kind of source, usage of hours with visits and of hours without."""

    scenario: Scenario
    design: Design
    lags: dict[Kind, Lags] = field(default_factory=lambda: {kind: Lags() for kind in Kind})
    office: Usage = field(default_factory=Usage)
    quiet: Usage = field(default_factory=Usage)
    office_hours: float = 0
    quiet_hours: float = 0
    most_waiting: int = 0
    most_at_once: int = 0
    stale: int = 0
    killed: int = 0
    left_off: int = 0
    never_sent: int = 0
    """Pulls that a planner had not sent when its time was up for the last time."""
    longest_plan: float = 0.0
    dead: int = 0
    cold: int = 0

    @property
    def month(self) -> Usage:
        """Office hours and the others of a month, as those that were simulated went."""
        quiet = self.quiet * (1 / self.quiet_hours) if self.quiet_hours else Usage()
        office = self.office * (1 / self.office_hours) if self.office_hours else quiet
        return office * OFFICE_HOURS_A_MONTH + quiet * (HOURS_A_MONTH - OFFICE_HOURS_A_MONTH)

    @property
    def idle_month(self) -> Usage:
        """A month in which nothing ever changes: what asking alone costs."""
        return self.quiet * (HOURS_A_MONTH / self.quiet_hours) if self.quiet_hours else Usage()


def back_off(failures: int, interval: float, spread: float) -> float:
    """Seconds that a feed waits after so many failures, as SyncFeed has it (a test holds the two together)."""
    return 0.0 if failures < 2 else min(interval * 2 ** min(failures - 1, 10), _LONGEST) * spread


class _Queue(Struct):
    """Implements ports.SyncQueue: says when each batch arrives."""

    simulation: "Simulation"

    def send(self, refs: Sequence[FeedRef], minute: int, bundles: int) -> None:
        self.simulation.sent(refs, minute, bundles)

    def ask(self, refs: Sequence[FeedRef], minute: int, word: str, bundles: int) -> None:
        raise NotImplementedError("nobody asks")

    def put_back(self, ref: FeedRef, minute: int, word: str, group: str, *, left_off: int | None = None) -> None:
        raise NotImplementedError("nobody asks")

    def alone(self, ref: FeedRef, minute: int, word: str, *, asked: bool, left_off: int | None = None) -> None:
        raise NotImplementedError("nothing breaks")


class _Feeds:
    """Of FeedRepository, what planning asks for; in a stack that has run for days."""

    def __init__(self, wheel: Wheel) -> None:
        self._wheel = wheel
        self._bundles = bundles_for(len(wheel.refs) // wheel.interval, 1)

    def due(self, minute: int) -> list[FeedRef]:
        return self._wheel.due(minute)

    def bundles(self) -> int:
        return self._bundles

    def save_bundles(self, bundles: int) -> None:
        self._bundles = bundles


class Simulation:
    """One scenario under one design."""

    def __init__(self, scenario: Scenario, design: Design, assumed: Assumptions, processor: float) -> None:
        self.scenario, self.design, self.assumed = scenario, design, assumed
        self.chance = random.Random(scenario.seed)
        refs = refs_of(scenario.feeds, scenario.seed, scenario.one_account)
        self.wheel = Wheel(refs, scenario.interval)
        feeds: FeedRepository = _Feeds(self.wheel)  # type: ignore[assignment]
        self.plan_syncs = PlanSyncs(feeds, _Queue(self))
        self.sending = Sending.of(design, assumed, processor)
        self.plan_reads = self.wheel.read_units(design) + design.bundled
        self.begins = scenario.begins * 3600.0
        self.ends = self.begins + scenario.hours * 3600.0
        self.result = Result(scenario, design)
        self.queue = FifoQueue(design.receives)
        self.number = {ref: number for number, ref in enumerate(refs)}
        names = list(dict.fromkeys(ref.lane for ref in refs))
        number_of = {name: number for number, name in enumerate(names)}
        self.lane_of = [number_of[ref.lane] for ref in refs]
        self.lanes = [self._a_lane() for _ in names]
        first: dict[int, int] = {}
        for feed, lane in enumerate(self.lane_of):
            first.setdefault(lane, feed)
        self.beats = [first[lane] == feed for feed, lane in enumerate(self.lane_of)]
        # As after days of running: the last pull was at the last turn, the last look back somewhere in the last hour.
        self.asked = [self._last_turn(ref) for ref in refs]
        self.looked_back = [self.begins - self.chance.random() * _LOOK_BACK for _ in refs]
        self.beaten = [self.begins - self.chance.random() * _HEARTBEAT for _ in refs]
        self.failures = [0] * len(refs)
        self.not_before = [0.0] * len(refs)
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.counted = 0
        self.now = self.begins
        self.busy = 0
        self.backlog_since: float | None = None
        self.growing = False
        self.tries = 0
        self.peaks: deque[tuple[float, int]] = deque()

    def run(self, progress: Callable[[float], None] = lambda share: None) -> Result:
        """Play it; `progress` is told the share of simulated time that went by."""
        for minute in range(int(self.begins // 60), int(self.ends // 60)):
            if self.chance.random() < self.assumed.minutes_lost:
                continue
            times = 2 if self.chance.random() < self.assumed.minutes_twice else 1
            for _ in range(times):
                at = minute * 60 + self.chance.random() * self.assumed.jitter
                self._at(at, lambda minute=minute: self._plan(minute))  # type: ignore[misc]
        shown = 0
        while self.events and self.events[0][0] < self.ends:
            self.now, _, happens = heappop(self.events)
            happens()
            if (percent := int((self.now - self.begins) / (self.ends - self.begins) * 100)) > shown:
                progress((shown := percent) / 100)
        self._count_hours()
        self.result.dead = len(self.queue.dead)
        return self.result

    def _last_turn(self, ref: FeedRef) -> float:
        interval, now = self.scenario.interval, int(self.begins // 60)
        behind = (now - 1 - spoke_of(ref.practice, ref.feed_id, interval)) % interval
        return (now - 1 - behind) * 60 + self.chance.random() * self.assumed.jitter

    def _a_lane(self) -> Lane:
        drawn, assumed = self.chance.random(), self.assumed
        if drawn < self.scenario.slow:
            return Lane(Kind.SLOW)
        if drawn >= self.scenario.slow + self.scenario.breaking:
            return Lane()
        changes, at = list[float](), self.begins
        while at < self.ends:
            for mean in (assumed.up_for, assumed.down_for):
                at += self.chance.expovariate(1 / mean)
                changes.append(at)
        return Lane(Kind.HANGING if self.chance.random() < 0.5 else Kind.REFUSING, changes)

    def _at(self, at: float, happens: Callable[[], None]) -> None:
        self.counted += 1
        heappush(self.events, (at, self.counted, happens))

    @property
    def usage(self) -> Usage:
        """Of hours such as this one."""
        return self.result.office if self._in_office(self.now) else self.result.quiet

    def _in_office(self, at: float) -> bool:
        return self.scenario.changes and OFFICE[0] <= at / 3600 % 24 < OFFICE[1]

    # The planner

    def _plan(self, minute: int, tries: int = 0) -> None:
        self.tries = tries
        self.plan_syncs(minute)

    def sent(self, refs: Sequence[FeedRef], minute: int, bundles: int) -> None:
        """A planner sends: each batch arrives when its call ends; what is late is cut, and sent by Lambda's retry."""
        usage, sending, size = self.usage, self.sending, self.design.batch
        found = self._messages(refs, minute, bundles)
        batches = [found[at : at + size] for at in range(0, len(found), size)]
        took = 0.05
        cut = False
        for number, batch in enumerate(batches):
            ends = 0.05 + sending.call_ends(number)
            if ends > sending.timeout:
                cut = True
                tries = self.tries
                if tries < len(_PLANNED_AGAIN_AFTER):
                    again = self.now + sending.timeout + _PLANNED_AGAIN_AFTER[tries]
                    self._at(again, lambda: self._plan(minute, tries + 1))
                else:
                    self.result.never_sent += sum(len(one.feeds) for late in batches[number:] for one in late)
                break
            took = ends
            at = self.now + ends
            messages = [message._replace(sent=at) for message in batch]
            self._at(at, lambda messages=messages: self._arrive(messages))  # type: ignore[misc]
            usage.sqs += 1
        if cut:
            took = sending.timeout
        self.result.longest_plan = max(self.result.longest_plan, took)
        usage.scheduler += 1
        usage.invocations += 1
        usage.gb_seconds += took * self.design.plan_memory / 1024
        usage.read += self.plan_reads
        usage.log_bytes += self.assumed.log_bytes_an_invocation

    def _messages(self, refs: Sequence[FeedRef], minute: int, bundles: int) -> list[Message]:
        """A bundle's pulls together, or each alone in its lane's group."""
        if self.design.bundled:
            return [
                Message(tuple(self.number[ref] for ref in part), number, minute, 0.0)
                for number, _, part in bundled(refs, bundles)
            ]
        numbers = [self.number[ref] for ref in refs]
        return [Message((number,), self.lane_of[number], minute, 0.0) for number in numbers]

    # The queue and its pollers

    def _arrive(self, messages: list[Message]) -> None:
        self.queue.put(messages)
        self._poll()
        self.result.most_waiting = max(self.result.most_waiting, self.queue.waiting)

    def _poll(self) -> None:
        while self.queue.has_ready and self.busy < self._allowed():
            self._start(self.queue.receive(self.design.batch))
        if self.queue.has_ready:
            if self.backlog_since is None:
                self.backlog_since = self.now
            if not self.growing:
                self.growing = True
                self._at(self.now + _GROWS_EVERY, self._grow)
        else:
            self.backlog_since = None

    def _grow(self) -> None:
        self.growing = False
        self._poll()

    def _allowed(self) -> float:
        """Batches at once: five, and more for as long as something waits."""
        if self.backlog_since is None:
            return _STARTS_WITH
        return min(_MOST_BATCHES, _STARTS_WITH + (self.now - self.backlog_since) * _MORE_A_SECOND)

    def _start(self, batch: list[Message]) -> None:
        self.busy += 1
        self.result.most_at_once = max(self.result.most_at_once, self.busy)
        begins = self.now + self.assumed.receive
        cold = self.assumed.cold_start if self._is_cold() else 0.0
        took, killed = self._run_batch(batch, begins + cold)
        usage = self.usage
        usage.sqs += 1 if killed else 2
        usage.invocations += 1
        usage.gb_seconds += (cold + took) * self.design.sync_memory / 1024
        usage.log_bytes += self.assumed.log_bytes_an_invocation
        ends = begins + cold + took
        if killed:
            self.result.killed += 1
            self._at(ends, self._free)
            self._at(begins + self.design.visibility, lambda: self._give_back(batch))
        else:
            self._at(ends + self.assumed.delete, lambda: self._finish(batch))

    def _is_cold(self) -> bool:
        """Whether no environment is left from the last minutes."""
        peaks = self.peaks
        while peaks and peaks[0][0] < self.now - self.assumed.kept_warm:
            peaks.popleft()
        cold = self.busy > max((at_once for _, at_once in peaks), default=0)
        while peaks and peaks[-1][1] <= self.busy:
            peaks.pop()
        peaks.append((self.now, self.busy))
        self.result.cold += cold
        return cold

    def _finish(self, batch: list[Message]) -> None:
        self.queue.delete(batch)
        self._free()

    def _give_back(self, batch: list[Message]) -> None:
        self.queue.give_back(batch)
        self._poll()

    def _free(self) -> None:
        self.busy -= 1
        self._poll()

    # The function

    def _run_batch(self, batch: list[Message], begins: float) -> tuple[float, bool]:
        """Seconds that the function runs, and whether it was stopped. Lanes run side by side, each in order; together they have
        as much of a processor as the function's memory gives.
        """
        lanes: dict[int, float] = {}
        longest: dict[int, float] = {}
        computed = 0.0
        design, assumed = self.design, self.assumed
        must_end, stops = begins + design.sync_timeout - design.reserved, begins + design.sync_timeout
        left = set[int]()
        for message in batch:
            for feed in message.feeds:
                lane = self.lane_of[feed]
                at = lanes.get(lane, begins + assumed.batch_overhead)
                if at >= stops or lane in left:
                    continue
                if design.lanes_end_in_time and at + longest.get(lane, 0.0) > must_end:
                    left.add(lane)
                    self.result.left_off += 1
                    continue
                kept = design.keeps_connections and lane in longest
                took = self._pull(feed, message.minute, at, stops, kept)
                computed += design.processor + (0.0 if kept else assumed.connecting)
                longest[lane] = max(longest.get(lane, 0.0), took)
                lanes[lane] = at + took
        # Lanes beyond those that run at once wait for the others' threads.
        waited = sum(at - begins for at in lanes.values()) / design.lanes_at_once
        computing = computed * _FULL_PROCESSOR / design.sync_memory
        ends = max(*lanes.values(), begins + waited, begins + computing)
        return min(ends, stops) - begins, ends > stops

    def _pull(self, feed: int, minute: int, at: float, stops: float, kept: bool) -> float:
        """One pull: its seconds. What ends after the function was stopped left nothing behind."""
        assumed, chance, usage = self.assumed, self.chance, self.usage
        if int(at // 60) - minute > STALE_MINUTES:
            self.result.stale += 1
            return 0.001
        usage.pulls += 1
        usage.read += assumed.state_read
        usage.log_bytes += assumed.log_bytes_a_pull
        if self.not_before[feed] > at:
            return assumed.pull_overhead
        lane = self.lanes[self.lane_of[feed]]
        if lane.changes and lane.down(at):
            took = assumed.pull_overhead + (assumed.hang if lane.kind is Kind.HANGING else assumed.refusal)
            if at + took <= stops:
                self.failures[feed] += 1
                wait = back_off(self.failures[feed], self.scenario.interval * 60.0, chance.uniform(0.5, 1.0))
                self.not_before[feed] = at + took + wait
                usage.written += assumed.state_written
            return took
        median = assumed.latency_kept if kept else assumed.latency
        median = assumed.slow_latency if lane.kind is Kind.SLOW else median
        took = assumed.pull_overhead + chance.lognormvariate(log(median), assumed.latency_sigma)
        if at - self.looked_back[feed] >= _LOOK_BACK:
            took += assumed.looking_back
            usage.read += assumed.look_back_read
            usage.written += assumed.state_written
            self.looked_back[feed] = self.beaten[feed] = at
        asked_before = self.asked[feed]
        changes = self._changes(asked_before, at)
        if changes:
            took += assumed.applying
            usage.read += assumed.digests_read + changes * assumed.read_a_change
            usage.written += changes * assumed.written_on_average + assumed.digests_written
            usage.written += 2 * assumed.state_written  # before anything is applied, and in the end
            self.beaten[feed] = at
        elif self.failures[feed] or (self.beats[feed] and at - self.beaten[feed] >= _HEARTBEAT):
            usage.written += assumed.state_written
            self.beaten[feed] = at
        if at + took > stops:
            return took
        self.failures[feed], self.not_before[feed], self.asked[feed] = 0, 0.0, at
        # The pull that sees an entry is one with changes, whether or not chance gave it others.
        seen = at + took + (0.0 if changes else assumed.applying)
        self.result.lags[lane.kind].add(seen - at, seen - asked_before)
        return took

    def _changes(self, since: float, until: float) -> float:
        """How many changes a provider's schedule had; those of a pull that has any are at least one."""
        if not self._in_office(until):
            return 0.0
        expected = self.assumed.changes_a_day / ((OFFICE[1] - OFFICE[0]) * 3600) * (until - since)
        any_at_all = 1 - exp(-expected)
        return expected / any_at_all if self.chance.random() < any_at_all else 0.0

    def _count_hours(self) -> None:
        at = self.begins
        while at < self.ends:
            hours = min(60.0, self.ends - at) / 3600
            if self._in_office(at):
                self.result.office_hours += hours
            else:
                self.result.quiet_hours += hours
            at += 60
        for usage, hours in (
            (self.result.office, self.result.office_hours),
            (self.result.quiet, self.result.quiet_hours),
        ):
            usage.sqs += hours * 60 * self.assumed.polling_calls_a_minute
