"""Whatever a source said before, in whatever way, what is stored in the end is what pulling its last schedule alone comes to.

Full pulls and deltas, tombstones early, late and false, words that come again, cursors that expire, answers that are short, pulls
that fail, have no time, are stopped, or are cut at a call of the source or before a write.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace
from oneway.domain.appointments import AppointmentState, ScheduleRow
from oneway.domain.clock_time import minute_of
from oneway.domain.comparing import Mark, marks_of
from oneway.domain.vanishing import Brake
from oneway.faults import OutOfTime, SourceError, Unavailable
from oneway.use_cases.pull import window_at

from tests.builders import NOW, START, a_practice, a_provider, a_row
from tests.fakes.outside import FakeSource
from tests.fakes.store import FakeClock
from tests.stage import Killed
from tests.world import World

FEED = "harbor", "ehr~osei"
VISITS = [f"visit-{number}" for number in range(5)]
STARTS = [
    NOW - timedelta(days=8),
    START,
    START + timedelta(days=7, minutes=30),
    START + timedelta(days=14, minutes=60),
    NOW + timedelta(days=300),
]
"""One that only a look back shows, some in different weeks, and one beyond the horizon."""
SOME = st.frozensets(st.sampled_from(VISITS), max_size=2)
RARELY = st.sampled_from([False, False, False, False, True])


class Step(Struct, frozen=True):
    """What staff do (a visit's start and state, or None: deleted), how the source stumbles, and a pull."""

    changes: Sequence[tuple[str, tuple[datetime, AppointmentState] | None]]
    stale: frozenset[str]
    buried: frozenset[str]
    hidden: frozenset[str]
    minutes: int
    asked: bool
    fails: SourceError | None
    expired: bool
    short: bool
    stops: bool
    dies: int
    cut: int


STEPS = st.builds(
    Step,
    st.lists(
        st.tuples(
            st.sampled_from(VISITS),
            st.none() | st.tuples(st.sampled_from(STARTS), st.sampled_from([AppointmentState.BOOKED, AppointmentState.ARRIVED])),
        ),
        max_size=3,
    ),
    SOME,
    st.just(frozenset()) | SOME,
    st.just(frozenset()) | SOME,
    st.sampled_from([1, 1, 1, 5, 61, 60 * 24]),
    RARELY,
    st.sampled_from([None, None, None, None, Unavailable("503"), OutOfTime("the deadline")]),
    RARELY,
    RARELY,
    RARELY,
    st.sampled_from([0, 0, 0, 1, 2]),
    st.sampled_from([0, 0, 0, 0, 1, 2, 3, 4, 5, 6]),
)  # fmt: skip


class CutSource(FakeSource):
    """Dies at its so many'th call from now."""

    dies_in = 0

    def _count(self) -> None:
        self.dies_in -= 1
        if self.dies_in == 0:
            raise Killed

    def get_appointment(self, *asked: Any) -> Any:
        self._count()
        return super().get_appointment(*asked)

    def acknowledge(self, cursor: str) -> None:
        self._count()
        super().acknowledge(cursor)


WRITES = {"commit", "save", "save_digests", "set_aside"}


class CutWrites(Struct):
    """A repository that dies before its so many'th write from now, counted together with others of the same `left`."""

    inner: Any
    left: list[int]

    def __getattr__(self, name: str) -> Any:
        if name in WRITES:
            self.left[0] -= 1
            if self.left[0] == 0:
                raise Killed
        return getattr(self.inner, name)


def cuttable(world: World) -> list[int]:
    """Have the writes of a world's pulls counted down; from how many on is set in what is returned."""
    left, pulls = [0], world.sync_feed
    applies = replace(pulls.apply_schedule, ledger=CutWrites(world.store.ledger, left))
    world.sync_feed = replace(pulls, feeds=CutWrites(world.store.feeds, left), apply_schedule=applies)
    return left


def a_world(source: FakeSource, at: datetime = NOW) -> World:
    """One whose brake holds nothing: it asks staff, and there are none."""
    world = World(a_practice(a_provider(split=9)), clock=FakeClock(at), source=source)
    state = world.store.feeds_by_id[FEED]
    world.store.feeds.save(state, replace(state, settings=replace(state.settings, brake=Brake(visits=99))))
    return world


def play(world: World, source: CutSource, step: Step, left: list[int]) -> None:
    for visit, change in step.changes:
        if change:
            start, state = change
            row = a_row(visit, start=start, end=start + timedelta(minutes=30), state=state, patient=None)
            source.enter(replace(row, raw_state=str(state)))
        elif visit in source.rows:
            source.delete(visit)
    source.stale, source.hidden, source.buried = set(step.stale), set(step.hidden), set(step.buried)
    source.fault, source.short = step.fails, step.short
    source.expired, source.dies_in, left[0] = step.expired, step.dies, step.cut
    world.clock.advance(minutes=step.minutes)
    with suppress(Killed):
        world.sync_feed(*FEED, now_asked=step.asked, deadline=world.clock.at if step.stops else None)


def settle(world: World, source: CutSource, left: list[int], minutes_between: Sequence[int]) -> None:
    """The source is itself again, and every window is sighted twice, or only the usual one."""
    source.stale, source.buried, source.hidden = set(), set(), set()
    source.fault, source.short, source.expired, source.dies_in, left[0] = None, False, False, 0, 0
    for minutes in minutes_between:
        world.clock.advance(minutes=minutes)
        world.sync_feed(*FEED, now_asked=True)


def shown(world: World, *, back: bool = True) -> dict[str, ScheduleRow]:
    """What the practice sees of each visit that the schedule still has, as far as pulls reach, or the usual ones alone."""
    window = window_at(world.store.feeds_by_id[FEED].settings, world.clock.at, back=back)
    return {
        one.row.external_id: one.row
        for one in world.store.appointments_by_key.values()
        if one.missing_since is None and one.row.raw_state != "gone" and window.start <= one.start < window.end
    }


def entries(world: World) -> dict[str, bytes]:
    """What is known of what was shown last within reach: id, start, content. (What moved out of it is known beyond it, too.)"""
    weeks, marks = world.store.digest_weeks.get(FEED, {}), {one.value for one in Mark}
    end = window_at(world.store.feeds_by_id[FEED].settings, world.clock.at, back=True).end
    beyond = {i for known in weeks.values() for i, start, _ in marks_of(weeks, known) if start >= minute_of(end)}
    return {
        i: entry[:8]
        for known in weeks.values()
        for i, entry in known.items()
        if entry[2:8] not in marks and i not in beyond
    }


def pulled_alone(world: World, source: CutSource) -> World:
    """One in which nothing but the last schedule was ever pulled."""
    alone = a_world(FakeSource(rows=dict(source.rows), delta=source.delta), world.clock.at)
    for _ in range(2):
        alone.sync_feed(*FEED, now_asked=True)
    return alone


@given(
    st.sampled_from(["none", "token", "queue"]), st.booleans(), st.booleans(), st.lists(STEPS, min_size=2, max_size=9)
)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_pulls_end_where_the_last_schedule_alone_ends(
    delta: str, tombstones: bool, read_by_id: bool, steps: Sequence[Step]
) -> None:
    source = CutSource(delta=delta, tombstones=tombstones, read_by_id=read_by_id)
    world = a_world(source)
    for _ in range(2):
        world.pull()
    left = cuttable(world)
    for step in steps:
        play(world, source, step, left)
    settle(world, source, left, (1, 1, 1))
    # Of the usual window pulls without a look back are enough.
    assert shown(world, back=False) == shown(pulled_alone(world, source), back=False)
    assert world.check_occupancy("harbor", "osei") == []
    settle(world, source, left, (61, 2, 61, 2))
    alone = pulled_alone(world, source)
    assert shown(world) == shown(alone)
    assert entries(world) == entries(alone)
    assert world.check_occupancy("harbor", "osei") == []
    state = world.store.feeds_by_id[FEED]
    assert (state.suspects, state.suspects_back) == (0, 0)


@given(st.booleans(), st.lists(STEPS, min_size=1, max_size=6))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_where_a_source_tells_everything_deltas_alone_end_there_too(queue: bool, steps: Sequence[Step]) -> None:
    """All within the hour, so that nothing is read whole; a source that tells truly, though some of it twice."""
    source = CutSource(delta="queue" if queue else "token", tombstones=True)
    world = a_world(source)
    for _ in range(2):
        world.pull()
    whole = source.pulls
    for step in steps:
        quiet = replace(
            step, buried=frozenset(), hidden=frozenset(), minutes=1, asked=False, fails=None, expired=False,
            short=False, stops=False, cut=0,
        )  # fmt: skip
        play(world, source, quiet, [0])
    source.dies_in = 0
    world.pull()
    assert source.pulls == whole
    alone = a_world(FakeSource(rows=dict(source.rows)), world.clock.at)
    for _ in range(2):
        alone.sync_feed(*FEED, now_asked=True)
    assert shown(world) == shown(alone)
    assert entries(world) == entries(alone)
