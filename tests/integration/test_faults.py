"""Conflicts, throttling and lost answers, injected into the booking transaction and the claim on real engines."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest
from botocore.session import Session as BotocoreSession
from msgspec.structs import replace
from oneway.domain import identifiers
from oneway.domain.errors import OnewayError, SlotAlreadyTaken, StoreUnavailable
from oneway.domain.messages import MessageState
from oneway.domain.requests import RequestState
from oneway.ports import Change, Ledger
from oneway.store import keys
from oneway.store.items import TableItem, bind, connection, query
from oneway.use_cases.cancel_request import CancelByPatient
from oneway.use_cases.send_messages import LEASE, NotYet

from tests.builders import NOW, ZONE, a_form, a_row
from tests.conftest import ENGINES
from tests.engines import RealStore
from tests.injected import answer_lost, throttled
from tests.world import World

pytestmark = pytest.mark.parametrize("endpoint", ENGINES, indirect=True)
DAY = date(2026, 11, 24)
OTHER_KEY = "f" * 32
LIMIT_TRIES = 25
"""More than all tries of botocore and ours together: nobody ever answers."""


@dataclass
class Interrupted:
    """A ledger between whose reads and writes somebody else acts, once."""

    ledger: Ledger
    act: list[Callable[[], object]] = field(default_factory=list)

    def commit(self, changes: list[Change]) -> None:
        while self.act:
            self.act.pop()()
        self.ledger.commit(changes)


@pytest.fixture
def world(real_store: RealStore) -> World:
    return World(store=real_store, clock=real_store.clock)  # type: ignore[arg-type]


def occupants(world: World) -> list[str]:
    day = world.store.calendar.read("harbor", [("osei", ZONE, DAY)])["osei", DAY]
    return [occupant.id for occupant in day.occupants]


def interrupt(world: World, act: Callable[[], object]) -> None:
    ledger = Interrupted(world.store.ledger, [act])
    world.submit_request = replace(world.submit_request, ledger=ledger)


class TestBooking:
    def test_of_two_at_once_one_gets_the_place(self, world: World) -> None:
        before = world.submit_request
        interrupt(world, lambda: before("harbor", OTHER_KEY, a_form()))
        with pytest.raises(SlotAlreadyTaken):
            world.submit()
        assert occupants(world) == [identifiers.request_id("harbor", OTHER_KEY)]
        assert len(world.store.requests.to_act("harbor")) == 1

    def test_a_change_of_another_time_of_the_day_is_no_reason_to_refuse(self, world: World) -> None:
        before = world.submit_request
        interrupt(world, lambda: before("harbor", OTHER_KEY, a_form(start="2026-11-24T10:00:00-08:00")))
        assert world.submit().created
        assert len(occupants(world)) == 2

    def test_throttling_passes(self, world: World) -> None:
        with throttled("TransactWriteItems", 2) as injected:
            submitted = world.submit()
        assert injected.struck == 2
        assert occupants(world) == [submitted.request.id]

    def test_a_lost_answer_makes_one_request(self, world: World) -> None:
        with answer_lost("TransactWriteItems", 1) as injected:
            submitted = world.submit()
        assert injected.struck == 1
        assert occupants(world) == [submitted.request.id]
        assert world.store.requests.get("harbor", submitted.request.id).version == 1
        assert world.store.requests.unsent(NOW + timedelta(hours=1)) == [("harbor", submitted.request.id)]

    def test_the_same_key_finds_what_a_request_without_any_answer_made(self, world: World) -> None:
        with answer_lost("TransactWriteItems", LIMIT_TRIES), throttled("GetItem", 0):
            submitted = world.submit()
        assert submitted.request.id == world.submit().request.id
        assert occupants(world) == [submitted.request.id]

    def test_without_any_answer_nothing_is_promised(self, world: World) -> None:
        with throttled("TransactWriteItems", 10_000), pytest.raises(StoreUnavailable):
            world.submit()
        assert occupants(world) == []
        assert world.submit().created

    @pytest.mark.parametrize("lost", [1, LIMIT_TRIES])
    def test_another_request_instead_is_stored_as_the_earlier_one_ends(self, world: World, lost: int) -> None:
        earlier = world.submit().request.id
        with answer_lost("TransactWriteItems", lost):
            made = world.submit_request("harbor", OTHER_KEY, a_form(reason="Hip"), earlier)
        assert occupants(world) == [made.request.id]
        assert world.store.requests.get("harbor", earlier).state is RequestState.CANCELLED
        assert len(world.store.requests.timeline("harbor", earlier)) == 2

    def test_where_another_request_instead_cannot_be_stored_the_earlier_one_waits_on(self, world: World) -> None:
        earlier, submit = world.submit().request.id, world.submit_request
        with throttled("TransactWriteItems", 10_000), pytest.raises(StoreUnavailable):
            submit("harbor", OTHER_KEY, a_form(reason="Hip"), earlier)
        other = a_form(start="2026-11-24T10:00:00-08:00")
        interrupt(world, lambda: submit("harbor", "e" * 32, other))
        with pytest.raises(SlotAlreadyTaken):
            world.submit_request("harbor", OTHER_KEY, other, earlier)
        assert world.store.requests.get("harbor", earlier).pending
        assert earlier in occupants(world)

    def test_cancelling_and_confirming_at_once_leave_one_outcome(self, world: World) -> None:
        submitted = world.submit()
        world.source.enter(a_row())
        ledger = Interrupted(world.store.ledger, [lambda: world.pull()])
        cancel = replace(world.cancel, ledger=ledger)
        try:
            CancelByPatient(world.look_up, cancel)("harbor", submitted.link)
        except OnewayError as error:
            raise AssertionError("the wish has to be passed on") from error
        request = world.stored(submitted.request)
        assert request.state is RequestState.LINKED
        assert request.asked_to_cancel_at is not None
        assert len(occupants(world)) == 1


class TestSync:
    def test_a_lost_answer_while_confirming_confirms_once(self, world: World) -> None:
        submitted = world.submit()
        world.source.enter(a_row())
        with answer_lost("TransactWriteItems", 2) as injected:
            world.pull()
        assert injected.struck == 2
        request = world.stored(submitted.request)
        assert (request.state, request.version) == (RequestState.LINKED, 2)
        assert [entry.what for entry in world.store.requests.timeline("harbor", request.id)] == ["asked", "confirmed"]
        assert len(occupants(world)) == 1

    def test_nothing_new_writes_nothing(self, world: World) -> None:
        world.source.enter(a_row())
        world.pull()  # looks back
        world.pull()
        with throttled("PutItem", 0) as puts, throttled("TransactWriteItems", 0) as writes:
            puts.left = writes.left = 1
            world.pull()
        assert puts.struck + writes.struck == 0


class TestClaim:
    def send(self, world: World, request_id: str) -> int:
        try:
            return world.send_messages("harbor", request_id)
        except NotYet:
            return 0

    def test_of_two_deliveries_one_sends(self, world: World) -> None:
        submitted = world.submit()
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda _: self.send(world, submitted.request.id), range(8)))
        assert len(world.mailer.sent) == 2
        records = world.store.messages.list("harbor", submitted.request.id)
        assert {record.state for record in records} == {MessageState.SENT}

    def test_throttling_passes(self, world: World) -> None:
        submitted = world.submit()
        with throttled("PutItem", 2) as injected:
            assert self.send(world, submitted.request.id) == 2
        assert injected.struck == 2
        assert world.store.requests.unsent(NOW + timedelta(hours=1)) == []

    def test_a_claim_whose_answer_is_lost_sends_once_after_its_lease(self, world: World) -> None:
        submitted = world.submit()
        with answer_lost("PutItem", 1) as injected:
            self.send(world, submitted.request.id)
        assert injected.struck == 1
        world.clock.advance(seconds=LEASE.total_seconds() + 1)
        self.send(world, submitted.request.id)
        assert sorted(tags["message"] for _, _, _, tags in world.mailer.sent) == [
            "000001-received_patient",
            "000001-received_staff",
        ]
        assert world.store.requests.unsent(NOW + timedelta(hours=1)) == []

    def test_a_mark_whose_answer_is_lost_is_found_done(self, world: World) -> None:
        submitted = world.submit()
        # The claim is the first item written, the mark the second.
        with throttled("PutItem", 0), answer_lost("PutItem", 0) as injected:
            world.mailer.fault = None
            real = world.mailer.send

            def send_then_lose(*args: object) -> str:
                injected.left = 1
                return real(*args)  # type: ignore[arg-type]

            world.mailer.send = send_then_lose  # type: ignore[method-assign]
            self.send(world, submitted.request.id)
            world.mailer.send = real  # type: ignore[method-assign]
        world.clock.advance(seconds=LEASE.total_seconds() + 1)
        self.send(world, submitted.request.id)
        assert len(world.mailer.sent) == 2


def test_everything_uses_one_client(real_store: RealStore, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    create = BotocoreSession.create_client

    def counted(self: BotocoreSession, service: str, *args: object, **kwargs: object) -> object:
        made.append(service)
        return create(self, service, *args, **kwargs)

    monkeypatch.setattr(BotocoreSession, "create_client", counted)
    bind(TableItem.Meta.table_name, region="us-east-1", host=endpoint)  # type: ignore[attr-defined]
    world = World(store=real_store, clock=real_store.clock)  # type: ignore[arg-type]
    submitted = world.submit()
    world.source.enter(a_row())
    world.pull()
    world.list_to_act("harbor", "nadia@harbor.example")
    world.send_messages("harbor", submitted.request.id)
    assert made == ["dynamodb"]
    assert connection().client is TableItem._get_connection().connection.client


def test_a_look_is_on_record(real_store: RealStore) -> None:
    real_store.audit.record("harbor", "nadia@harbor.example", "show_request", "r-1", NOW)
    found = query(keys.audit("harbor", "nadia@harbor.example", NOW, "").pk, consistent=True)
    assert len(found) == 1
    assert found[0].expires_at > (NOW + timedelta(days=6 * 365)).timestamp()
