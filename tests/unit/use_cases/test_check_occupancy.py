"""Whatever happened to the days, they can be made again from requests and appointments."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from oneway.domain.appointments import AppointmentState, RowKind
from oneway.domain.occupancy import Occupant, OccupantKind

from tests.builders import START, a_row
from tests.world import World


def a_busy_world() -> World:
    world = World()
    world.submit()
    world.source.enter(a_row("later", start=START + timedelta(hours=1), end=START + timedelta(hours=2), patient=None))
    world.source.enter(a_row("night", start=START + timedelta(hours=14), end=START + timedelta(hours=16), patient=None))
    world.source.enter(a_row("gone", start=START + timedelta(hours=3), state=AppointmentState.CANCELLED, patient=None))
    world.source.enter(a_row("leave", kind=RowKind.BLOCK, patient=None, end=START + timedelta(days=30)))
    world.pull()
    return world


def test_days_that_are_right_differ_in_nothing() -> None:
    world = a_busy_world()
    assert world.check_occupancy("harbor", "osei") == []
    assert len(world.store.days_by_key) == 2


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_damage_is_told_and_repaired(data: st.DataObject) -> None:
    world = a_busy_world()
    whole = {key: day.occupants for key, day in world.store.days_by_key.items()}
    blocks = world.store.calendar.long_blocks("harbor", "osei").blocks
    damaged = 0
    for key, day in list(world.store.days_by_key.items()):
        kept = tuple(o for o in day.occupants if data.draw(st.booleans()))
        stray = tuple(
            Occupant(day.occupants[0].start, day.occupants[0].end, kind, f"{'strayaaaaaaa'}{'ab'[n]}")
            for n, kind in enumerate(data.draw(st.lists(st.sampled_from(OccupantKind), max_size=2)))
        )
        damaged += len(day.occupants) - len(kept) + len(stray)
        world.store.days_by_key[key] = replace(day, occupants=tuple(sorted(kept + stray)))
    if data.draw(st.booleans()):
        world.store.blocks_by_key.clear()
        damaged += 1

    found = world.check_occupancy("harbor", "osei")

    assert len(found) == damaged
    assert world.check_occupancy("harbor", "osei", repair=True) == found
    assert world.check_occupancy("harbor", "osei") == []
    assert {key: day.occupants for key, day in world.store.days_by_key.items()} == whole
    assert world.store.calendar.long_blocks("harbor", "osei").blocks == blocks


def test_a_day_that_is_lost_altogether_comes_back() -> None:
    world = a_busy_world()
    whole = {key: day.occupants for key, day in world.store.days_by_key.items()}
    world.store.days_by_key.clear()
    found = world.check_occupancy("harbor", "osei", repair=True)
    assert {one.stray for one in found} == {False}
    assert {key: day.occupants for key, day in world.store.days_by_key.items()} == whole


def test_what_is_booked_while_it_is_repaired_is_not_lost() -> None:
    world = a_busy_world()
    key = next(iter(world.store.days_by_key))
    world.store.days_by_key[key] = replace(world.store.days_by_key[key], occupants=())
    later = (START + timedelta(days=31)).isoformat()
    same_day = (START + timedelta(hours=-0.5)).isoformat()
    typed = {"first_name": "Otto", "last_name": "Quill", "birth_date": "1979-01-31", "email": "o@example.org"}
    world.store.blocks_by_key.clear()
    world.store.before_commit = lambda: world.submit("z" * 32, start=same_day, patient=typed) and None
    world.check_occupancy("harbor", "osei", repair=True)
    assert world.submit("y" * 32, start=later).created
    assert world.check_occupancy("harbor", "osei") == []
    booked = [r.id for r in world.store.requests_by_id.values()]
    held = {o.id for day in world.store.days_by_key.values() for o in day.occupants}
    assert len(booked) == 3
    assert set(booked) <= held
