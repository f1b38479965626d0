"""Whatever a source said before, in whatever way, what is stored in the end is what pulling its last schedule alone comes to.

Full pulls and deltas, tombstones early, late and false, words that come again, cursors that expire, pulls that fail or are cut.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oneway.domain.appointments import AppointmentState, ScheduleRow
from oneway.domain.comparing import Mark
from oneway.domain.vanishing import Brake
from oneway.faults import Unavailable

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


@dataclass(frozen=True)
class Step:
    """What staff do (a visit's start and state, or None: deleted), how the source stumbles, and a pull."""

    changes: Sequence[tuple[str, tuple[datetime, AppointmentState] | None]]
    stale: frozenset[str]
    buried: frozenset[str]
    hidden: frozenset[str]
    minutes: int
    asked: bool
    fails: bool
    expired: bool
    dies: int


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
    RARELY,
    RARELY,
    st.sampled_from([0, 0, 0, 1, 2]),
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


def a_world(source: FakeSource, at: datetime = NOW) -> World:
    """One whose brake holds nothing: it asks staff, and there are none."""
    world = World(a_practice(a_provider(split=9)), clock=FakeClock(at), source=source)
    state = world.store.feeds_by_id[FEED]
    world.store.feeds.save(state, replace(state, settings=replace(state.settings, brake=Brake(visits=99))))
    return world


def play(world: World, source: CutSource, step: Step) -> None:
    for visit, change in step.changes:
        if change:
            start, state = change
            row = a_row(visit, start=start, end=start + timedelta(minutes=30), state=state, patient=None)
            source.enter(replace(row, raw_state=str(state)))
        elif visit in source.rows:
            source.delete(visit)
    source.stale, source.hidden, source.buried = set(step.stale), set(step.hidden), set(step.buried)
    source.fault = Unavailable("503") if step.fails else None
    source.expired, source.dies_in = step.expired, step.dies
    world.clock.advance(minutes=step.minutes)
    with suppress(Killed):
        world.sync_feed(*FEED, now_asked=step.asked)


def settle(world: World, source: CutSource) -> None:
    """The source is itself again, and every window is sighted twice."""
    source.stale, source.buried, source.hidden = set(), set(), set()
    source.fault, source.expired, source.dies_in = None, False, 0
    for minutes in (61, 2, 61, 2):
        world.clock.advance(minutes=minutes)
        world.sync_feed(*FEED, now_asked=True)


def shown(world: World) -> dict[str, ScheduleRow]:
    """What the practice sees of each visit that the schedule still has, as far as pulls reach."""
    end = world.clock.at + timedelta(days=120)
    return {
        one.row.external_id: one.row
        for one in world.store.appointments_by_key.values()
        if one.missing_since is None and one.row.raw_state != "gone" and one.start < end
    }


def entries(world: World) -> dict[str, bytes]:
    """What is known of what was shown last: id, start, content."""
    weeks, marks = world.store.digest_weeks.get(FEED, {}), {one.value for one in Mark}
    return {i: entry[:8] for known in weeks.values() for i, entry in known.items() if entry[2:8] not in marks}


@given(
    st.sampled_from(["none", "token", "queue"]), st.booleans(), st.booleans(), st.lists(STEPS, min_size=2, max_size=9)
)
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_pulls_end_where_the_last_schedule_alone_ends(
    delta: str, tombstones: bool, read_by_id: bool, steps: Sequence[Step]
) -> None:
    source = CutSource(delta=delta, tombstones=tombstones, read_by_id=read_by_id)
    world = a_world(source)
    for _ in range(2):
        world.pull()
    for step in steps:
        play(world, source, step)
    settle(world, source)
    alone = a_world(FakeSource(rows=dict(source.rows), delta=delta), world.clock.at)
    for _ in range(2):
        alone.sync_feed(*FEED, now_asked=True)
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
            step, buried=frozenset(), hidden=frozenset(), minutes=1, asked=False, fails=False, expired=False
        )
        play(world, source, replace(quiet, dies=step.dies))
    source.dies_in = 0
    world.pull()
    assert source.pulls == whole
    alone = a_world(FakeSource(rows=dict(source.rows)), world.clock.at)
    for _ in range(2):
        alone.sync_feed(*FEED, now_asked=True)
    assert shown(world) == shown(alone)
    assert entries(world) == entries(alone)
