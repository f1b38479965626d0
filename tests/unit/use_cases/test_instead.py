"""A request that takes the place of the patient's earlier one: both are done, or neither is."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from oneway.domain.errors import OnewayError, RequestAlreadyAnswered, SlotAlreadyTaken, StoreUnavailable, TooManyPending
from oneway.domain.practices import Limits
from oneway.domain.requests import ActorKind, Happening, Request, RequestState
from oneway.ports import Change
from oneway.use_cases.submit_request import Submitted

from tests.builders import KEY, START, a_form, a_practice, a_provider, a_row
from tests.world import World

TUESDAY, WEDNESDAY = date(2026, 11, 24), date(2026, 11, 25)
NEW_KEY = "b" * 32
HALF_PAST_TEN = START + timedelta(hours=1)
ZOE = {"first_name": "Zoe", "last_name": "Lind", "birth_date": "1990-01-01", "email": "zoe@example.org", "mobile": ""}


def instead(world: World, earlier: Submitted, **changes: Any) -> Submitted:
    """The same patient sends another form in place of an earlier one."""
    form = a_form(**{"start": HALF_PAST_TEN.isoformat(), **changes})
    return world.submit_request("harbor", NEW_KEY, form, earlier.request.id)


def held(world: World, day: date = TUESDAY, provider: str = "osei") -> list[str]:
    stored = world.store.days_by_key.get(("harbor", provider, day))
    return [one.id for one in stored.occupants] if stored else []


def waits(world: World, submitted: Submitted) -> Request:
    """The only request there is: it waits, and holds its place."""
    (only,) = world.store.requests_by_id.values()
    assert only == submitted.request
    assert only.pending
    assert held(world) == [only.id]
    return only


def test_the_earlier_one_ends_with_the_transaction_that_stores_the_other(world: World) -> None:
    earlier, commits = world.submit(), []
    world.submit_request = replace(world.submit_request, ledger=Counted(world, commits.append))
    made = instead(world, earlier)
    assert len(commits) == 1
    before = world.stored(earlier.request)
    assert (before.state, before.cancelled_by) == (RequestState.CANCELLED, ActorKind.PATIENT)
    assert world.stored(made.request).pending
    assert held(world) == [made.request.id]


@pytest.mark.parametrize(
    ("changes", "day", "provider"),
    [
        ({"start": START.isoformat(), "reason": "Hip"}, TUESDAY, "osei"),
        ({"start": (START + timedelta(minutes=30)).isoformat()}, TUESDAY, "osei"),
        ({"start": (START + timedelta(days=1)).isoformat()}, WEDNESDAY, "osei"),
        ({"start": START.isoformat(), "provider": "brandt"}, TUESDAY, "brandt"),
    ],
)
def test_only_the_new_place_is_held(changes: dict[str, Any], day: date, provider: str) -> None:
    world = World(a_practice(a_provider(buffer_before_minutes=10), a_provider("brandt")))
    made = instead(world, world.submit(), **changes)
    places = [(day, provider) for day in (TUESDAY, WEDNESDAY) for provider in ("osei", "brandt")]
    assert {place: held(world, *place) for place in places if held(world, *place)} == {
        (day, provider): [made.request.id]
    }


def test_of_and_for_days_that_suit(world: World) -> None:
    days = {"start": None, "preferred": {"days": ["2026-11-26"], "parts": []}}
    earlier = world.submit()
    of_days = instead(world, earlier, **days)
    assert held(world) == []
    made = world.submit_request("harbor", "c" * 32, a_form(), of_days.request.id)
    assert held(world) == [made.request.id]
    assert [one.pending for one in world.store.requests_by_id.values()] == [False, False, True]


def test_twice_delivered_is_once(world: World) -> None:
    earlier = world.submit()
    first, second = instead(world, earlier), instead(world, earlier)
    assert (first.request.id, first.created) == (second.request.id, True)
    assert not second.created
    told = [entry.what for entry in world.store.requests.timeline("harbor", earlier.request.id)]
    assert told == [Happening.ASKED, Happening.CANCELLED]
    assert len(world.store.requests_by_id) == 2


def test_delivered_twice_at_once_is_once(world: World) -> None:
    earlier = world.submit()
    first: list[Submitted] = []
    world.store.before_commit = lambda: first.append(instead(world, earlier))
    second = instead(world, earlier)
    assert (first[0].created, second.created) == (True, False)
    assert held(world) == [second.request.id]
    assert len(world.store.requests.timeline("harbor", earlier.request.id)) == 2


@pytest.mark.parametrize("written", [False, True])
def test_cut_in_the_middle_it_is_done_whole_or_not_at_all_and_can_be_sent_again(world: World, written: bool) -> None:
    earlier = world.submit()
    real = world.submit_request

    def cut(changes: Sequence[Change]) -> None:
        if written:
            real.ledger.commit(changes)
        raise ConnectionAbortedError

    world.submit_request = replace(real, ledger=Counted(world, cut))
    with pytest.raises(ConnectionAbortedError):
        instead(world, earlier)
    if not written:
        waits(world, earlier)
    world.submit_request = real
    made = instead(world, earlier)
    assert made.created is not written
    assert held(world) == [made.request.id]
    assert sum(one.pending for one in world.store.requests_by_id.values()) == 1


def test_without_an_answer_the_earlier_one_waits_on(world: World) -> None:
    earlier = world.submit()

    def down(_: Sequence[Change]) -> None:
        raise StoreUnavailable("table")

    world.submit_request = replace(world.submit_request, ledger=Counted(world, down))
    with pytest.raises(StoreUnavailable):
        instead(world, earlier)
    waits(world, earlier)


@pytest.mark.parametrize("race", [False, True])
def test_where_somebody_else_has_the_time_the_earlier_one_waits_on(world: World, race: bool) -> None:
    earlier, real = world.submit(), world.submit_request

    def take() -> None:
        real("harbor", "e" * 32, a_form(start=HALF_PAST_TEN.isoformat(), patient=ZOE))

    if race:
        world.store.before_commit = take
    else:
        take()
    with pytest.raises(SlotAlreadyTaken):
        instead(world, earlier)
    assert world.stored(earlier.request) == earlier.request
    assert earlier.request.id in held(world)


def test_where_a_limit_refuses_the_other_the_earlier_one_waits_on() -> None:
    world = World(a_practice(limits=Limits(pending_per_person=1)))
    earlier = world.submit()
    world.submit("e" * 32, start=(START + timedelta(days=1)).isoformat(), patient=ZOE)
    with pytest.raises(TooManyPending):
        instead(world, earlier, patient=ZOE)
    assert world.stored(earlier.request) == earlier.request


def test_what_is_replaced_does_not_count_against_the_limit() -> None:
    world = World(a_practice(limits=Limits(pending_per_person=1)))
    assert instead(world, world.submit()).created


def pull_its_visit(world: World) -> None:
    world.source.enter(a_row())
    world.pull()


@pytest.mark.parametrize("race", [False, True])
def test_what_was_confirmed_meanwhile_is_not_replaced(world: World, race: bool) -> None:
    earlier = world.submit()
    if race:
        world.store.before_commit = lambda: pull_its_visit(world)
    else:
        pull_its_visit(world)
    with pytest.raises(RequestAlreadyAnswered):
        instead(world, earlier)
    (only,) = world.store.requests_by_id.values()
    assert (only.state, only.asked_to_cancel_at) == (RequestState.LINKED, None)


@pytest.mark.parametrize("race", [False, True])
def test_what_had_ended_is_left_as_it_is(world: World, race: bool) -> None:
    earlier = world.submit()

    def end() -> None:
        world.cancel_by_patient("harbor", earlier.link)

    if race:
        world.store.before_commit = end
    else:
        end()
    made = instead(world, earlier)
    assert made.created
    assert len(world.store.requests.timeline("harbor", earlier.request.id)) == 2
    assert held(world) == [made.request.id]


def test_the_patient_and_staff_hear_of_both(world: World) -> None:
    earlier = world.submit()
    world.deliver()
    world.mailer.sent.clear()
    instead(world, earlier)
    world.deliver()
    kinds = sorted(tags["message"].partition("-")[2] for _, _, _, tags in world.mailer.sent)
    assert kinds == ["cancelled_by_patient_receipt", "cancelled_by_patient_staff", "received_patient", "received_staff"]


def test_a_form_that_cannot_be_sent_ends_nothing(world: World) -> None:
    earlier = world.submit()
    with pytest.raises(OnewayError):
        instead(world, earlier, patient={**a_patient_form(), "last_name": ""})
    waits(world, earlier)


def test_the_last_of_those_that_were_sent_instead_is_what_the_first_key_finds(world: World) -> None:
    earlier = world.submit()
    second = instead(world, earlier)
    third = world.submit_request("harbor", "c" * 32, a_form(reason="Hip"), second.request.id)
    assert [one.replaced_by for one in world.store.requests_by_id.values()] == [second.request.id, third.request.id, ""]
    found = world.submit_request.sent("harbor", KEY)
    assert found
    assert (found.request, found.link) == (world.stored(third.request), third.link)
    del world.store.requests_by_id["harbor", third.request.id]  # erased
    found = world.submit_request.sent("harbor", KEY)
    assert found
    assert found.request.id == second.request.id


@pytest.mark.parametrize("race", [False, True])
def test_what_was_replaced_meanwhile_is_replaced_by_its_successor(world: World, race: bool) -> None:
    earlier = world.submit()

    def another() -> None:
        world.submit_request("harbor", "c" * 32, a_form(reason="Hip"), earlier.request.id)

    if race:
        world.store.before_commit = another
    else:
        another()
    made = instead(world, earlier)
    assert [one.id for one in world.store.requests_by_id.values() if one.pending] == [made.request.id]
    assert held(world) == [made.request.id]


def a_patient_form() -> dict[str, Any]:
    return dict(a_form()["patient"])


class Counted:
    """A ledger whose commits are seen, done by hand, or refused."""

    def __init__(self, world: World, commit: Callable[[Sequence[Change]], None]) -> None:
        self._inner, self._seen = world.store.ledger, commit

    def commit(self, changes: Sequence[Change]) -> None:
        self._seen(changes)
        self._inner.commit(changes)
