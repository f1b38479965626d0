"""A request and a sync that commit at the same moment always find each other, wherever one is cut by the other.

Each side's calls to the store are its steps. One runs to any of its steps, then the other to any of its own, then the first to
its end, and the other to its end; or the first is killed there and comes again. Time passes with every step.
"""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from oneway.domain.practices import Practice
from oneway.ports import AppointmentChange

from tests.builders import a_practice, a_provider, a_row, an_appointment
from tests.fakes.store import FakeClock
from tests.stage import Stage, WatchedStore
from tests.world import World

NADIA = "nadia@harbor.example"


@dataclass
class Meeting:
    """A world in which staff have just entered the visit that answers what a patient is about to ask for."""

    practice: Practice

    def __post_init__(self) -> None:
        self.clock = FakeClock(World().clock.at)
        self.stage = Stage(self.clock)
        store = WatchedStore()
        store.stage = self.stage
        self.world = World(self.practice, store, self.clock)
        provider = list(self.practice.providers)[-1]
        self.world.source.enter(a_row(provider_external_id=f"prac-{provider}"))
        self.acts = {"patient": self.world.submit, "sync": lambda: self.world.pull(provider, minutes=0)}
        self.stage.steps.clear()

    def both(self, first: str, at: int, second: str, then: int) -> None:
        """`first` up to its step `at`, `second` up to its step `then`, then both to the end."""
        self.stage.stops = {first: at, second: then}
        self._play(first, second, first, second)

    def killed(self, first: str, at: int, second: str) -> None:
        """`first` dies at its step `at`, `second` runs, and `first` comes again."""
        self.stage.deaths = {first: at}
        for name in (first, second):
            thread = self.stage.play(name, self.acts[name])
            self.stage.give(name)
            thread.join(20)
        self.clock.advance(minutes=1)
        self.acts[first]()

    def dying_patient(self, at: int, then: int) -> None:
        """The patient's call up to its step `at`, the sync up to its step `then`, one step more of the patient's, which
        is its last, and the sync to its end.
        """
        self.stage.stops, self.stage.deaths = {"patient": at, "sync": then}, {"patient": at + 1}
        self._play("patient", "sync", "patient", "sync")

    def _play(self, *turns: str) -> None:
        threads = {name: self.stage.play(name, self.acts[name]) for name in dict.fromkeys(turns)}
        for name in turns:
            if threads[name].is_alive():
                self.stage.give(name)
        for thread in threads.values():
            thread.join(20)
            assert not thread.is_alive()

    def check(self, *, expires: bool = False) -> None:
        (request,) = self.world.store.requests_by_id.values()
        (appointment,) = self.world.store.appointments_by_key.values()
        entered_after = appointment.first_seen_at > request.created_at
        assert bool(request.link) == entered_after, (request.created_at, appointment.first_seen_at)
        assert appointment.request_id == (request.id if entered_after else None)
        for provider_id in self.practice.providers:
            assert self.world.check_occupancy("harbor", provider_id) == []
        assert len(self.world.store.requests.timeline("harbor", request.id)) == 1 + (entered_after or expires)


PRACTICES = {
    "shared slot": a_practice(a_provider(split=2)),
    "another provider": a_practice(a_provider(), a_provider("brandt")),
}


def steps(practice: Practice, name: str) -> int:
    """How many steps one takes alone."""
    meeting = Meeting(practice)
    thread = meeting.stage.play(name, meeting.acts[name])
    meeting.stage.give(name)
    thread.join(20)
    return meeting.stage.steps[name]


ORDERS = [(practice, *pair) for practice in PRACTICES for pair in (("patient", "sync"), ("sync", "patient"))]


@pytest.mark.parametrize(("practice", "first", "second"), ORDERS)
def test_they_meet_wherever_one_is_cut_by_the_other(practice: str, first: str, second: str) -> None:
    linked = 0
    for at in range(1, steps(PRACTICES[practice], first) + 1):
        for then in range(1, steps(PRACTICES[practice], second) + 2):
            meeting = Meeting(PRACTICES[practice])
            meeting.both(first, at, second, then)
            meeting.check()
            linked += any(r.link for r in meeting.world.store.requests_by_id.values())
    assert linked > 10


@pytest.mark.parametrize(("practice", "first", "second"), ORDERS)
def test_they_meet_though_one_dies_and_comes_again(practice: str, first: str, second: str) -> None:
    for at in range(1, steps(PRACTICES[practice], first) + 1):
        meeting = Meeting(PRACTICES[practice])
        meeting.killed(first, at, second)
        meeting.check()


@pytest.mark.parametrize("comes_again", [True, False])
def test_a_patients_call_that_dies_once_it_is_stored_is_made_good(comes_again: bool) -> None:
    """By the same key, or else before the request expires; the visit may have been stored a moment before it.

    With a provider who shares no day with the requested one: else their writes meet, and the later one sees the other.
    """
    practice, linked = PRACTICES["another provider"], 0
    for at in range(1, steps(practice, "patient") + 1):
        for then in range(1, steps(practice, "sync") + 2):
            meeting = Meeting(practice)
            meeting.dying_patient(at, then)
            world = meeting.world
            if comes_again:
                world.submit()
                meeting.check()
            elif world.store.requests_by_id:
                meeting.clock.advance(days=2)
                world.pull("osei", minutes=1)
                world.run_timers()
                meeting.check(expires=True)
            linked += any(r.link for r in world.store.requests_by_id.values())
    assert linked


def test_time_passes_with_every_step() -> None:
    meeting = Meeting(PRACTICES["shared slot"])
    before = meeting.clock.at
    meeting.world.submit()
    assert meeting.clock.at - before > timedelta(milliseconds=5)


def test_of_two_copies_of_a_visit_that_answer_at_the_same_moment_one_does() -> None:
    """It goes from one provider to another, and both their feeds have it for a moment: a pull ties the one, staff the other."""
    world = World(a_practice(a_provider(split=2), a_provider("brandt")))
    asked = [world.submit("a" * 32)]
    world.clock.advance(minutes=1)
    asked.append(world.submit("b" * 32, provider="brandt"))
    copies = []
    for provider in ("osei", "brandt"):
        found = an_appointment(a_row(provider_external_id=f"prac-{provider}"), provider_id=provider)
        world.store.ledger.commit([AppointmentChange(None, found)])
        copies.append(found)
    first, second = copies
    newer = asked[1].request.id
    world.store.before_commit = lambda: world.accept_match("harbor", NADIA, newer, "brandt", second.id) and None
    world.confirm_matches.for_appointments(world.practice, [first])
    assert [bool(world.stored(one.request).link) for one in asked].count(True) == 1
    linked = [one.provider_id for one in world.store.appointments_by_key.values() if one.request_id]
    assert linked == ["brandt"]
