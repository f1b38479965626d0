"""A pull that dies at any of its calls, and is made again, ends where one ends that was never cut."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from oneway.domain.appointments import AppointmentState, RowKind

from tests.builders import START, a_practice, a_provider, a_record, a_row
from tests.fakes.outside import FakeSource
from tests.fakes.store import FakeClock
from tests.stage import Stage, Watched, WatchedStore
from tests.world import World

LATER = START + timedelta(days=1)


class Schedule:
    """A world in which a patient has asked, a first pull was made, and much has changed in the schedule since."""

    def __init__(self) -> None:
        self.clock = FakeClock(World().clock.at)
        self.stage = Stage(self.clock)
        store = WatchedStore()
        store.stage = self.stage
        self.world = World(a_practice(a_provider(split=3)), store, self.clock)
        self.world.source = self.source = FakeSource()
        self.world.sync_feed = replace(
            self.world.sync_feed, open_source=lambda state, deadline: Watched(self.source, self.stage)
        )
        self.asked = self.world.submit()
        for number in range(4):
            at = LATER + timedelta(minutes=30 * number)
            self.source.enter(a_row(f"old-{number}", start=at, end=at + timedelta(minutes=30), patient=None))
        self.pull()
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
        self.source.delete("old-2")

    def pull(self) -> Any:
        self.clock.advance(minutes=1)
        return self.world.sync_feed("harbor", "ehr~osei", now_asked=True)

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
            "feed": [(f.seen, f.seen_back, f.failures) for f in store.feeds_by_id.values()],
        }


def after(pulls: int) -> Schedule:
    schedule = Schedule()
    for _ in range(pulls):
        schedule.pull()
    return schedule


WRITES = {"commit", "save", "save_digests"}
REQUESTS = {"snapshot", "get_appointment"}
CALLS = [after(pulls).cut_at(0) for pulls in (0, 1)]
"""What the pull that finds all the changes calls, and the one after it, which decides on what vanished."""
CUTS = [(pulls, step) for pulls, calls in enumerate(CALLS) for step in range(1, len(calls) + 1)]


@pytest.mark.parametrize(
    ("pulls", "step"), CUTS, ids=[f"{CALLS[pulls][step - 1]}-{pulls}-{step}" for pulls, step in CUTS]
)
def test_wherever_a_pull_is_cut_the_next_one_goes_on(pulls: int, step: int) -> None:
    whole, cut = after(pulls), after(pulls)
    assert cut.cut_at(step) == CALLS[pulls][:step]
    assert cut.world.check_occupancy("harbor", "osei") == []
    for schedule in (whole, cut):
        for _ in range(2):
            schedule.pull()
            assert schedule.world.check_occupancy("harbor", "osei") == []
    assert cut.state() == whole.state()


@pytest.mark.parametrize("pulls", [0, 1])
def test_every_call_of_a_pull_is_cut_once(pulls: int) -> None:
    calls = after(pulls).cut_at(0)
    assert [calls[step - 1] for number, step in CUTS if number == pulls] == calls
    assert set(calls) >= REQUESTS - ({"get_appointment"} if pulls == 0 else set())
    assert set(calls) >= WRITES


def test_the_same_pull_twice_changes_nothing_the_second_time() -> None:
    schedule = Schedule()
    schedule.pull()
    schedule.pull()
    before, writes = schedule.state(), schedule.world.store.writes
    schedule.world.sync_feed("harbor", "ehr~osei")
    assert (schedule.state(), schedule.world.store.writes) == (before, writes)
    assert schedule.world.stored(schedule.asked.request).link
