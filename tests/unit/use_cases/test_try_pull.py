"""A pull on trial tells what it saw and what a sync would do, and writes nothing."""

from datetime import timedelta

import pytest
from oneway.domain.appointments import AppointmentState, RowKind, SetAsideRow
from oneway.faults import Unavailable
from oneway.use_cases.try_pull import TryPull

from tests.builders import START, a_record, a_row
from tests.world import World

FEED = "harbor", "ehr~osei"


@pytest.fixture
def try_pull(world: World) -> TryPull:
    return TryPull(world.store.feeds, world.source, world.clock)


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
