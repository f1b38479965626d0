"""A pull that dies at any of its calls, and is made again, ends where one ends that was never cut.

Of a source each page that it is asked for is a call, and each look-up of the patients that did not come along.
"""

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace
from oneway.domain.appointments import AppointmentState, RowKind, ScheduleRow, SetAsideRow
from oneway.domain.feeds import LONGEST_PULL, FeedState, VanishedAnswer
from oneway.ports import Changes, Snapshot, Translated
from oneway.use_cases.keep_feeds import feeds_of

from tests.builders import START, a_practice, a_provider, a_record, a_row
from tests.fakes.outside import FakeSource
from tests.fakes.store import FakeClock
from tests.stage import Stage, Watched, WatchedStore
from tests.world import World

T = TypeVar("T", Snapshot, Changes)
LATER = START + timedelta(days=1)


@dataclass(frozen=True)
class Kind:
    """A kind of pull: of one provider, or of the whole source; all that there is, or what changed.

    `hands_over`: one of the visits goes to a provider whose feed has it already. `braked`: so much vanishes that it is held, and
    staff have accepted that before the second pull. `hurried`: each pull has time for one transaction only.
    `returns`: a visit that had vanished is shown again by the pull.
    """

    whole: bool = False
    delta: str = "none"
    hands_over: bool = False
    braked: bool = False
    hurried: bool = False
    returns: bool = False

    @property
    def two(self) -> bool:
        """Whether there is a second provider."""
        return self.whole or self.hands_over

    @property
    def feed_id(self) -> str:
        return "ehr" if self.whole else "ehr~osei"


KINDS = {
    "provider": Kind(),
    "source": Kind(whole=True),
    "delta": Kind(delta="queue"),
    "source-delta": Kind(whole=True, delta="token"),
    "hand-over": Kind(hands_over=True),
    "brake": Kind(braked=True),
    "hurried": Kind(hurried=True),
    "return": Kind(returns=True),
}


PAGES = 3


class Paged(Watched):
    """A source whose answers take several requests: pages while they are read, and records while they are translated."""

    def snapshot(self, *arguments: Any) -> Snapshot:
        self._ask("snapshot")
        found: Snapshot = self.inner.snapshot(*arguments)
        return self._translating(found)

    def changes(self, *arguments: Any) -> Changes:
        self._ask("changes")
        found: Changes = self.inner.changes(*arguments)
        return self._translating(found)

    def _ask(self, call: str) -> None:
        for number in range(PAGES):
            self.stage.step("page" if number else call)

    def _translating(self, answer: T) -> T:
        translate = answer.translate

        def looks_up(known: Container[bytes]) -> Translated:
            self.stage.step("translate")
            return translate(known)

        return replace(answer, translate=looks_up)


class Schedule:
    """A world in which a patient has asked, first pulls were made, and much has changed in the schedule since."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.clock = FakeClock(World().clock.at)
        self.stage = Stage(self.clock)
        store = WatchedStore()
        store.stage = self.stage
        practice = a_practice(a_provider(split=3), *([a_provider("brandt", split=3)] if kind.two else []))
        sources = {"ehr": replace(practice.sources["ehr"], whole=kind.whole)}
        self.world = World(replace(practice, sources=sources), store, self.clock)
        if kind.whole:
            store.feeds_by_id.clear()
            (settings,) = feeds_of(self.world.practice)
            store.feeds.save(FeedState(settings), FeedState(settings, last_good_at=self.clock.at))
        self.world.source = self.source = FakeSource(delta=kind.delta, tombstones=kind.delta != "none")
        open_source: Any = lambda state, deadline: Paged(self.source, self.stage)  # noqa: E731
        self.world.sync_feed = replace(self.world.sync_feed, open_source=open_source)
        self.asked = self.world.submit()
        for number in range(4):
            at = LATER + timedelta(minutes=30 * number)
            self.source.enter(a_row(f"old-{number}", start=at, end=at + timedelta(minutes=30), patient=None))
        if kind.whole:
            self.source.enter(self.other("theirs", LATER), self.other("comes", LATER + timedelta(hours=1)))
        for number in range(6 if kind.braked else 0):
            at = LATER + timedelta(days=2, minutes=30 * number)
            self.source.enter(a_row(f"lost-{number}", start=at, end=at + timedelta(minutes=30), patient=None))
        for _ in range(2):  # the first looks back, the second sees the usual window, and leaves a cursor
            self.pull()
        back = a_row("back", start=LATER + timedelta(hours=7), end=LATER + timedelta(hours=8), patient=None)
        if kind.returns:
            self.source.enter(back)
            self.pull()
            self.source.delete("back")
            for _ in range(3):
                self.pull()
        self.before = dict(self.source.rows)
        if kind.returns:
            self.source.enter(back)
        self.source.enter(
            a_row("answer"),
            a_row("new", start=LATER + timedelta(days=1), end=LATER + timedelta(days=1, minutes=30), patient=None),
            a_row(
                "old-0", start=LATER, end=LATER + timedelta(minutes=30), state=AppointmentState.CANCELLED, patient=None
            ),
            a_row("old-1", start=LATER + timedelta(hours=4), end=LATER + timedelta(hours=5), patient=a_record()),
            a_row(
                "leave",
                kind=RowKind.BLOCK,
                start=LATER + timedelta(days=9),
                end=LATER + timedelta(days=40),
                patient=None,
            ),
        )
        if kind.whole:  # one of the other's comes over, one of ours goes there
            self.source.enter(
                replace(self.other("comes", LATER + timedelta(hours=1)), provider_external_id="prac-osei"),
                self.other("old-3", LATER + timedelta(minutes=90)),
            )
        self.source.delete("old-2")
        if kind.delta == "none":
            self.source.set_aside = [SetAsideRow("entry 9", "has no start")]
        if kind.hands_over:
            self.source.enter(self.other("old-3", LATER + timedelta(minutes=90)))
            self.world.sync_feed("harbor", "ehr~brandt")
        for number in range(6 if kind.braked else 0):
            self.source.delete(f"lost-{number}")

    def accept(self) -> None:
        """Staff say of what is held that it is gone."""
        if self.kind.braked:
            self.world.answer_held("harbor", self.kind.feed_id, VanishedAnswer.ACCEPT)

    def other(self, external_id: str, start: datetime) -> ScheduleRow:
        end = start + timedelta(minutes=30)
        return a_row(external_id, start=start, end=end, patient=None, provider_external_id="prac-brandt")

    def pull(self) -> Any:
        self.clock.advance(minutes=1)
        deadline = self.clock.at if self.kind.hurried else None
        asked = self.kind.delta == "none"
        return self.world.sync_feed("harbor", self.kind.feed_id, now_asked=asked, deadline=deadline)

    def take_back(self) -> None:
        """Staff undo all of it, so that the schedule is to the byte what the last whole pull saw."""
        for identifier in self.source.rows.keys() - self.before.keys():
            self.source.delete(identifier)
        self.source.enter(*(row for one, row in self.before.items() if self.source.rows.get(one) != row))

    def shown(self) -> dict[str, ScheduleRow]:
        """What the practice sees of each visit that is still in the schedule."""
        found = self.world.store.appointments_by_key.values()
        return {a.row.external_id: a.row for a in found if a.missing_since is None and a.row.raw_state != "gone"}

    def occupancy(self) -> list[Any]:
        return [
            found
            for provider_id in self.world.practice.providers
            for found in self.world.check_occupancy("harbor", provider_id)
        ]

    def cut_at(self, step: int) -> list[str]:
        """Pull, and die at this step, or not at all (0); the calls that it came to, the deadly one included."""
        self.stage.steps.clear()
        self.stage.calls.clear()
        self.stage.deaths = {"pull": step}
        thread = self.stage.play("pull", self.pull)
        self.stage.give("pull")
        thread.join(20)
        self.stage.deaths = {}
        return self.stage.calls["pull"]

    def overtaken_at(self, step: int, death: int) -> None:
        """Pull, stop before this step, let another pull read what staff have taken back meanwhile, go on, and die."""
        self.stage.steps.clear()
        self.stage.stops, self.stage.deaths = {"older": step}, {"older": death}
        older = self.stage.play("older", self.pull)
        self.stage.give("older")
        self.take_back()
        newer = self.stage.play("newer", self.pull)
        self.stage.give("newer")
        newer.join(20)
        self.stage.give("older")
        older.join(20)
        self.stage.stops, self.stage.deaths = {}, {}

    def seen(self, feed: FeedState) -> list[Any]:
        """After a delta that was cut all is read, and so more was seen than by one that was not."""
        return [feed.seen, feed.seen_back] if self.kind.delta == "none" else []

    def state(self) -> dict[str, Any]:
        """All that is stored, without the times of writing, which differ."""
        store = self.world.store
        return {
            "appointments": {
                key: (a.row, a.provider_id, bool(a.missing_since), a.request_id)
                for key, a in store.appointments_by_key.items()
            },
            "days": {key: day.occupants for key, day in store.days_by_key.items()},
            "blocks": {key: one.blocks for key, one in store.blocks_by_key.items()},
            "requests": {key: (r.state, r.link, [d.id for d in r.due]) for key, r in store.requests_by_id.items()},
            "timelines": {key: [(e.what, e.number) for e in found] for key, found in store.entries.items()},
            "digests": store.digest_weeks,
            "aside": store.aside,
            "feed": [(*self.seen(f), f.failures, f.cursor, f.applying_since) for f in store.feeds_by_id.values()],
        }


def after(kind: str, pulls: int) -> Schedule:
    schedule = Schedule(KINDS[kind])
    for _ in range(pulls):
        schedule.pull()
        schedule.accept()
    return schedule


WRITES = {"commit", "save", "save_digests"}
ASIDE = {"set_aside"}
ASKING = {"snapshot", "changes", "page", "translate", "get_appointment"}
WHOLE = {"snapshot", "page"}
CHANGING = WHOLE | {"translate"} | WRITES
DECIDING = WHOLE | {"get_appointment"} | WRITES
DELTA = {"changes", "page", "translate", "get_appointment", "acknowledge"} | WRITES
OF_PULLS = {
    ("provider", 0): CHANGING | ASIDE,
    ("provider", 1): DECIDING,
    ("source", 0): CHANGING | ASIDE,
    ("source", 1): DECIDING,
    ("delta", 0): DELTA,
    ("source-delta", 0): DELTA,
    ("hand-over", 1): DECIDING,
    ("brake", 0): WHOLE | {"translate", "save"},
    ("brake", 1): CHANGING | ASIDE,
    ("brake", 2): DECIDING,
    ("return", 0): CHANGING | ASIDE,
    ("hurried", 0): WHOLE | {"translate", "save", "commit"},
    ("hurried", 2): WHOLE | {"translate", "commit", "save_digests", "of_provider"},
    ("hurried", 4): CHANGING | ASIDE | {"of_provider"},
}
"""What each has to come to: the pull that finds all the changes, and, of what is read whole, the one after it, which decides on
what vanished. Of the brake: the one that is held, the one that goes on, the one that decides. Of those in a hurry: the first, one
amidst, and the one that is not stopped any more.
"""
PULLS = list(OF_PULLS)
CALLS = {pull: after(*pull).cut_at(0) for pull in PULLS}
CUTS = [(*pull, step) for pull, calls in CALLS.items() for step in range(1, len(calls) + 1)]


@pytest.mark.parametrize(
    ("kind", "pulls", "step"),
    CUTS,
    ids=[f"{kind}-{pulls}-{step}-{CALLS[kind, pulls][step - 1]}" for kind, pulls, step in CUTS],
)
def test_wherever_a_pull_is_cut_the_next_one_goes_on(kind: str, pulls: int, step: int) -> None:
    whole, cut = after(kind, pulls), after(kind, pulls)
    assert cut.cut_at(step) == CALLS[kind, pulls][:step]
    assert cut.occupancy() == []
    for schedule in (whole, cut):
        schedule.clock.at += LONGEST_PULL
        for _ in range(6 if schedule.kind.braked or schedule.kind.hurried else 2):
            schedule.pull()
            schedule.accept()
            assert schedule.occupancy() == []
    assert cut.state() == whole.state()
    for schedule in (whole, cut):  # one that died before it said so says it with the next heartbeat
        schedule.clock.advance(minutes=10)
        schedule.pull()
    assert cut.source.acknowledged[-1:] == whole.source.acknowledged[-1:]


@pytest.mark.parametrize(
    ("kind", "pulls", "step"),
    CUTS,
    ids=[f"{kind}-{pulls}-{step}-{CALLS[kind, pulls][step - 1]}" for kind, pulls, step in CUTS],
)
def test_a_cut_pull_leaves_nothing_behind_where_all_was_taken_back(kind: str, pulls: int, step: int) -> None:
    """What is the same as before the cut is no longer the same as what is stored."""
    schedule = after(kind, pulls)
    schedule.cut_at(step)
    schedule.take_back()
    for _ in range(9 if schedule.kind.hurried else 4):
        schedule.pull()
        if schedule.kind.hands_over:
            schedule.world.sync_feed("harbor", "ehr~brandt")
    assert schedule.shown() == schedule.before
    assert schedule.occupancy() == []


@pytest.mark.parametrize("kind", ["provider", "delta"])
def test_one_that_dies_after_a_newer_one_beside_it_ended_leaves_nothing_of_what_it_saw(kind: str) -> None:
    """The older one read before all was taken back, and applies it after the newer one has found that all is as it was."""
    calls = CALLS[kind, 0]
    for stop in range(calls.index("page"), len(calls)):
        for death in range(stop + 1, len(calls) + 2):
            schedule = after(kind, 0)
            schedule.overtaken_at(stop, death)
            for _ in range(3):
                schedule.clock.at += LONGEST_PULL
                schedule.pull()
            assert schedule.shown() == schedule.before, (stop, death)
            assert schedule.occupancy() == []


@pytest.mark.parametrize(("kind", "pulls"), PULLS)
def test_every_call_of_a_pull_is_cut_once(kind: str, pulls: int) -> None:
    calls = after(kind, pulls).cut_at(0)
    assert [CALLS[kind, pulls][step - 1] for one, number, step in CUTS if (one, number) == (kind, pulls)] == calls
    assert set(calls) >= OF_PULLS[kind, pulls]


@pytest.mark.parametrize(("kind", "pulls"), PULLS)
def test_a_source_is_asked_only_before_anything_is_written(kind: str, pulls: int) -> None:
    """So to be cut while it is asked, at whichever of its requests, leaves what was there before the pull: the requests
    themselves only read. What is acknowledged is so last, for then the source takes it away.
    """
    calls = after(kind, pulls).cut_at(0)
    written = [number for number, call in enumerate(calls) if call in WRITES | ASIDE]
    asked = [number for number, call in enumerate(calls) if call in ASKING]
    assert asked[-1] < written[0]
    assert "acknowledge" not in calls[: written[-1]]


def test_the_same_pull_twice_changes_nothing_the_second_time() -> None:
    schedule = after("provider", 2)
    before, writes = schedule.state(), schedule.world.store.writes
    schedule.world.sync_feed("harbor", "ehr~osei")
    assert (schedule.state(), schedule.world.store.writes) == (before, writes)
    assert schedule.world.stored(schedule.asked.request).link
