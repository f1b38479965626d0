"""A pull on trial tells what it saw and what a sync would do, and writes nothing."""

from datetime import timedelta

import pytest
from oneway.domain.appointments import AppointmentState, RowKind, SetAsideRow
from oneway.domain.feeds import VanishedAnswer
from oneway.faults import Unavailable
from oneway.use_cases.keep_feeds import KeepFeeds
from oneway.use_cases.sync_feed import Outcome
from oneway.use_cases.try_pull import TryPull

from tests.builders import START, a_record, a_row
from tests.world import World

FEED = "harbor", "ehr~osei"


@pytest.fixture
def try_pull(world: World) -> TryPull:
    providers_of = world.sync_feed.resolve_absence.providers_of
    return TryPull(world.store.feeds, world.store.appointments, world.source, providers_of, world.clock)


def test_it_tells_what_it_saw_and_what_a_sync_would_do(world: World, try_pull: TryPull) -> None:
    world.source.enter(
        a_row(),
        a_row("changes", start=START + timedelta(days=1), end=START + timedelta(days=1, minutes=30)),
        a_row("goes", start=START + timedelta(days=2), end=START + timedelta(days=2, minutes=30)),
    )
    world.pull()
    world.source.enter(
        a_row("changes", start=START + timedelta(days=1), end=START + timedelta(days=1, minutes=45)),
        a_row("lunch", kind=RowKind.BLOCK, patient=None, raw_state="busy"),
        a_row("poor", patient=a_record(birth_date=None, phones=(), emails=())),
    )
    world.source.delete("goes")
    world.source.set_aside = [SetAsideRow("entry 4", "has no start")]
    before, writes = dict(world.store.appointments_by_key), world.store.writes

    tried = try_pull(*FEED)

    assert tried
    assert (tried.seen, tried.visits, tried.blocks) == (4, 3, 1)
    assert (tried.new, tried.changed, tried.absent) == (2, 1, 1)
    assert (tried.with_birth_date, tried.with_contact) == (2, 2)
    assert tried.states == {("booked", AppointmentState.BOOKED): 3, ("busy", AppointmentState.BOOKED): 1}
    assert [one.reason for one in tried.set_aside] == ["has no start"]
    assert (world.store.appointments_by_key, world.store.writes) == (before, writes)


def test_a_fault_is_the_callers_to_tell(world: World, try_pull: TryPull) -> None:
    world.source.fault = Unavailable("503")
    with pytest.raises(Unavailable):
        try_pull(*FEED)
    assert world.store.feeds_by_id[FEED].failures == 0


def test_without_a_feed_there_is_nothing_to_try(try_pull: TryPull) -> None:
    assert try_pull("harbor", "nothing") is None


class TestMuchVanishesAtOnce:
    def lose(self, world: World, lost: int, visits: int = 10) -> None:
        for number in range(visits):
            at = START + timedelta(days=number)
            world.source.enter(a_row(f"v-{number}", start=at, end=at + timedelta(minutes=30), patient=None))
        world.pull()
        world.source.hidden |= {f"v-{number}" for number in range(lost)}

    def test_it_says_that_a_sync_would_be_held(self, world: World, try_pull: TryPull) -> None:
        self.lose(world, 5)
        tried = try_pull(*FEED)
        assert tried
        assert tried.held
        assert (tried.held.provider_id, tried.held.vanished, tried.held.of) == ("osei", 5, 10)
        assert tried.answer is None
        assert world.store.feeds_by_id[FEED].held is None, "it only says so"
        assert world.pull().outcome is Outcome.HELD

    @pytest.mark.parametrize("lost", [0, 4])
    def test_it_does_not_where_less_vanished(self, world: World, try_pull: TryPull, lost: int) -> None:
        self.lose(world, lost)
        tried = try_pull(*FEED)
        assert tried
        assert tried.held is None
        assert world.pull().outcome is not Outcome.HELD

    def test_it_says_what_staff_have_answered_to_just_these(self, world: World, try_pull: TryPull) -> None:
        self.lose(world, 5)
        world.pull()
        world.answer_held(*FEED, VanishedAnswer.ACCEPT)
        tried = try_pull(*FEED)
        assert tried
        assert (tried.held is not None, tried.answer) == (True, VanishedAnswer.ACCEPT)
        world.source.hidden |= {"v-9"}
        tried = try_pull(*FEED)
        assert tried
        assert (tried.held is not None, tried.answer) == (True, None), "of others they were not asked"


class TestAnswersThatAreShort:
    def test_from_one_nothing_is_concluded(self, world: World, try_pull: TryPull) -> None:
        world.source.enter(a_row())
        world.pull()
        world.source.hidden.add("appt-1")
        world.source.short = True
        tried = try_pull(*FEED)
        assert tried
        assert tried.absent == 0
        assert any("more than it shows" in remark for remark in tried.remarks)

    def test_one_that_is_always_short_is_read_as_a_sync_reads_it(self, world: World, try_pull: TryPull) -> None:
        world.source.short = True
        world.source.enter(a_row())
        for _ in range(12):
            world.pull(minutes=5)
        world.source.hidden.add("appt-1")
        tried = try_pull(*FEED)
        assert tried
        assert (tried.absent, tried.remarks) == (1, [])


def test_of_a_feed_that_returns_it_compares_with_what_is_stored(world: World, try_pull: TryPull) -> None:
    for number in range(7):
        at = START + timedelta(days=number)
        world.source.enter(a_row(f"v-{number}", start=at, end=at + timedelta(minutes=30), patient=None))
    world.pull()
    settings = world.store.feeds_by_id[FEED].settings
    world.store.feeds.remove(*FEED)
    KeepFeeds(world.store.feeds, world.clock)(settings)
    for number in range(6):
        world.source.delete(f"v-{number}")
    tried = try_pull(*FEED)
    assert tried
    assert (tried.new, tried.absent) == (0, 6)
    assert tried.held
    assert world.pull().outcome is Outcome.HELD
