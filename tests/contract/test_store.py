"""The fake store and both real engines keep the same promises."""

from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from oneway.domain import identifiers, linking, messages, requests
from oneway.domain.appointments import AppointmentState, SetAsideRow
from oneway.domain.availability import CLOSED_WEEK, Availability, Calendar, Closure
from oneway.domain.clock_time import first_minute, zone_of
from oneway.domain.errors import NotFound, PracticeNotFound, RequestNotFound, WriteConflict
from oneway.domain.feeds import FeedRef, FeedState, bucket_of, in_turn
from oneway.domain.health import SourceHealth
from oneway.domain.messages import CallTask, MessageKind, MessageRecord, MessageState
from oneway.domain.messages import Why as NotReached
from oneway.domain.notices import digest
from oneway.domain.occupancy import DayOccupancy, LongBlocks, Occupant, OccupantKind
from oneway.domain.pending import Waiting
from oneway.domain.practice_events import EventPlace, PracticeEvent
from oneway.domain.practices import StaffEdit, Switches
from oneway.domain.pull_history import AskedPull
from oneway.domain.requests import Actor, ActorKind, Booker, PartOfDay, PreferredTimes, Request, Transition, with_due
from oneway.domain.suppression import Suppression, mark_of
from oneway.ports import (
    AppointmentChange,
    AppointmentRemoval,
    AppointmentUnchanged,
    Change,
    DayChange,
    LongBlocksChange,
    RequestChange,
    Session,
)
from oneway.store import keys
from oneway.store.items import item, query

from tests.builders import (
    NOW,
    START,
    ZONE,
    a_calendar,
    a_feed,
    a_practice,
    a_provider,
    a_record,
    a_request,
    a_row,
    an_appointment,
)
from tests.engines import RealStore
from tests.fakes.store import FakeClock, FakeStore

Store = FakeStore | RealStore
pytestmark = pytest.mark.parametrize("store", ["fake", "dynamodb_local", "ministack"], indirect=True)
DAY = date(2026, 11, 24)
BLOCK = Occupant(29_000_000, 29_050_000, OccupantKind.BLOCK, identifiers.appointment_id("harbor", "ehr", "leave"))
ELSE = identifiers.request_id("harbor", "another")
SILENT = Switches(confirmed=False)
STAFF = Actor(ActorKind.STAFF, "nadia@harbor.example")


def an_empty_day(provider_id: str = "osei", day: date = DAY) -> DayOccupancy:
    return DayOccupancy("harbor", provider_id, ZONE, day)


def occupied(day: DayOccupancy, occupant_id: str = ELSE) -> DayOccupancy:
    start = first_minute(day.day, zone_of(ZONE)) + 9 * 60
    return day.with_occupant(Occupant(start, start + 30, OccupantKind.REQUEST, occupant_id))


def submitted(request: Request | None = None) -> Transition:
    return requests.submitted(request or a_request(), messages.on_submit(True))


def put(store: Store, request: Request | None = None) -> Request:
    transition = submitted(request)
    store.ledger.commit([RequestChange(transition)])
    return transition.after


def read_day(store: Store, provider_id: str = "osei", day: date = DAY) -> DayOccupancy:
    return store.calendar.read("harbor", [(provider_id, ZONE, day)])[provider_id, day]


class TestLedger:
    def test_all_changes_of_a_transaction_are_written(self, store: Store) -> None:
        transition, day = submitted(), an_empty_day()
        store.ledger.commit([RequestChange(transition), DayChange(day, occupied(day))])
        assert store.requests.get("harbor", transition.after.id) == transition.after
        assert read_day(store) == replace(occupied(day), version=1)

    def test_a_stale_change_undoes_the_others_and_is_named(self, store: Store) -> None:
        day = an_empty_day()
        store.ledger.commit([DayChange(day, occupied(day))])
        with pytest.raises(WriteConflict) as caught:
            store.ledger.commit([RequestChange(submitted()), DayChange(day, day)])
        assert caught.value.conflicted == (1,)
        with pytest.raises(RequestNotFound):
            store.requests.get("harbor", a_request().id)

    def test_the_stale_one_is_named_past_changes_of_several_items(self, store: Store) -> None:
        request, other_day = put(store), an_empty_day("brandt")
        store.ledger.commit([DayChange(other_day, occupied(other_day))])
        appointment = an_appointment()
        confirmed = linking.confirmed(request, appointment, NOW, SILENT)
        day = an_empty_day()
        with pytest.raises(WriteConflict) as caught:
            store.ledger.commit(
                [
                    RequestChange(confirmed),
                    AppointmentChange(None, appointment),
                    DayChange(day, occupied(day)),
                    DayChange(other_day, other_day),
                ]
            )
        assert caught.value.conflicted == (3,)
        assert store.requests.get("harbor", request.id) == request

    def test_the_stale_one_is_named_past_a_request_for_somebody_else(self, store: Store) -> None:
        day, other_day = an_empty_day(), an_empty_day("brandt")
        store.ledger.commit([DayChange(other_day, occupied(other_day))])
        asked = submitted(a_request(booker=Booker("Rosa", "Lind", "mother")))
        with pytest.raises(WriteConflict) as caught:
            store.ledger.commit([RequestChange(asked), DayChange(day, day), DayChange(other_day, other_day)])
        assert caught.value.conflicted == (2,)

    def test_a_request_is_born_once(self, store: Store) -> None:
        put(store)
        with pytest.raises(WriteConflict):
            put(store)

    def test_an_appointment_moves_to_another_provider(self, store: Store) -> None:
        before = an_appointment()
        after = before.updated(a_row(provider_external_id="prac-brandt"), "brandt", NOW)
        store.ledger.commit([AppointmentChange(None, before)])
        store.ledger.commit([AppointmentChange(before, after)])
        assert store.appointments.get_many("harbor", [("osei", before.id)]) == {}
        assert store.appointments.get_many("harbor", [("brandt", before.id)]) == {before.id: after}

    def test_an_appointment_is_written_on_what_was_read(self, store: Store) -> None:
        before = an_appointment()
        store.ledger.commit([AppointmentChange(None, before)])
        store.ledger.commit([AppointmentChange(before, before.linked("r"))])
        with pytest.raises(WriteConflict):
            store.ledger.commit([AppointmentChange(before, before.missing(NOW))])

    def test_what_was_decided_by_an_appointment_is_written_only_while_it_is_as_it_was_read(self, store: Store) -> None:
        visit, day = an_appointment(), an_empty_day()
        store.ledger.commit([AppointmentChange(None, visit)])
        other = replace(visit, provider_id="brandt")
        store.ledger.commit([AppointmentChange(None, other), AppointmentUnchanged(visit)])
        with pytest.raises(WriteConflict) as caught:
            store.ledger.commit(
                [DayChange(day, day), AppointmentRemoval(other), AppointmentUnchanged(replace(visit, version=7))]
            )
        assert caught.value.conflicted == (2,)
        assert store.appointments.get_many("harbor", [("brandt", other.id)])
        assert store.appointments.get_many("harbor", [("osei", visit.id)]) == {visit.id: visit}

    def test_an_appointment_is_removed_as_it_was_read(self, store: Store) -> None:
        visit, day = an_appointment(), an_empty_day()
        store.ledger.commit([AppointmentChange(None, visit), DayChange(day, occupied(day))])
        for order in (1, -1):
            with pytest.raises(WriteConflict) as caught:
                store.ledger.commit([DayChange(day, day), AppointmentRemoval(visit)][::order])
            assert caught.value.conflicted == ((0,) if order == 1 else (1,))
        with pytest.raises(WriteConflict) as caught:
            store.ledger.commit([AppointmentRemoval(replace(visit, version=7)), RequestChange(submitted())])
        assert caught.value.conflicted == (0,)
        store.ledger.commit([RequestChange(submitted()), AppointmentRemoval(visit)])
        assert store.appointments.of_provider("harbor", "osei") == []

    def test_ninety_changes_fit(self, store: Store) -> None:
        days = [an_empty_day(day=DAY + timedelta(days=n)) for n in range(90)]
        store.ledger.commit([DayChange(day, occupied(day)) for day in days])
        found = store.calendar.days("harbor", "osei", ZONE, DAY, DAY + timedelta(days=89))
        assert [day.holds(ELSE) for day in found.values()] == [True] * 90


class TestRequests:
    def test_what_is_not_there(self, store: Store) -> None:
        with pytest.raises(RequestNotFound):
            store.requests.get("harbor", ELSE)
        with pytest.raises(RequestNotFound):
            store.requests.timeline("harbor", ELSE)
        assert store.requests.get_many("harbor", [ELSE]) == []

    def test_another_practice_does_not_find_it(self, store: Store) -> None:
        request = put(store)
        assert store.requests.get_many("pier", [request.id]) == []

    def test_several_at_once_and_each_once(self, store: Store) -> None:
        one, other = put(store), put(store, a_request(id=ELSE))
        found = store.requests.get_many("harbor", [one.id, other.id, one.id])
        assert {request.id: request for request in found} == {one.id: one, other.id: other}
        assert len(found) == 2

    def test_without_a_time_it_is_listed_by_its_first_preferred_day(self, store: Store) -> None:
        times = PreferredTimes((DAY,), (PartOfDay.MORNING,), START - timedelta(hours=9), START + timedelta(hours=15))
        asked = a_request(id=ELSE, slot=None, preferred=times)
        for request in (a_request(), asked):
            store.ledger.commit([RequestChange(requests.submitted(request, ()))])
        assert store.requests.get("harbor", ELSE).preferred == times
        assert [one.id for one in store.requests.to_act("harbor")] == [ELSE, a_request().id]
        assert [one.id for one in store.requests.to_act("harbor", before=START)] == [ELSE]

    def test_its_timeline_begins_with_asking(self, store: Store) -> None:
        request = put(store)
        confirmed = linking.confirmed(request, an_appointment(), NOW + timedelta(minutes=1), SILENT)
        store.ledger.commit([RequestChange(confirmed)])
        assert [entry.what for entry in store.requests.timeline("harbor", request.id)] == ["asked", "confirmed"]

    def test_action_required_is_by_start_and_empties(self, store: Store) -> None:
        later = put(store)
        slot = later.slot
        assert slot
        earlier = put(store, a_request(id=ELSE, slot=replace(slot, start=slot.start - timedelta(hours=1))))
        assert [r.id for r in store.requests.to_act("harbor")] == [earlier.id, later.id]
        assert [r.id for r in store.requests.to_act("harbor", before=START)] == [earlier.id]
        store.ledger.commit([RequestChange(linking.confirmed(later, an_appointment(), NOW, SILENT))])
        assert [r.id for r in store.requests.to_act("harbor")] == [earlier.id]
        assert store.requests.to_act("pier") == []

    def test_unsent_is_oldest_first_over_all_practices(self, store: Store) -> None:
        newer = put(store, a_request(created_at=NOW + timedelta(minutes=3)))
        older = put(store, a_request(practice="pier", id=ELSE))
        assert store.requests.unsent(NOW + timedelta(hours=1)) == [("pier", older.id), ("harbor", newer.id)]
        assert store.requests.unsent(NOW + timedelta(minutes=1)) == [("pier", older.id)]


class TestMessages:
    first = MessageRecord("000001-received_staff", MessageKind.RECEIVED_STAFF, MessageState.CLAIMED, 1, NOW)
    second = MessageRecord("000001-received_patient", MessageKind.RECEIVED_PATIENT, MessageState.CLAIMED, 1, NOW)

    def test_one_of_two_gets_the_claim(self, store: Store) -> None:
        store.messages.claim("harbor", ELSE, None, self.first)
        with pytest.raises(WriteConflict):
            store.messages.claim("harbor", ELSE, None, replace(self.first, attempts=7))
        assert store.messages.list("harbor", ELSE) == [replace(self.first, version=1)]

    def test_a_claim_that_ran_out_is_taken_over_once(self, store: Store) -> None:
        first = store.messages.claim("harbor", ELSE, None, self.first)
        again = replace(first, attempts=2, claimed_until=NOW + timedelta(minutes=5))
        assert store.messages.claim("harbor", ELSE, first, again) == replace(again, version=2)
        with pytest.raises(WriteConflict):
            store.messages.claim("harbor", ELSE, first, again)
        with pytest.raises(WriteConflict):
            store.messages.mark("harbor", ELSE, first, replace(first, state=MessageState.SENT))

    def test_nobody_writes_over_what_was_written_back_as_it_was(self, store: Store) -> None:
        first = store.messages.claim("harbor", ELSE, None, self.first)
        tried = store.messages.claim("harbor", ELSE, first, replace(first, attempts=2))
        store.messages.mark("harbor", ELSE, tried, self.first)
        with pytest.raises(WriteConflict):
            store.messages.claim("harbor", ELSE, first, replace(first, attempts=2))

    def test_nothing_is_marked_that_is_not_stored(self, store: Store) -> None:
        with pytest.raises(WriteConflict):
            store.messages.mark("harbor", ELSE, self.first, self.first)
        assert store.messages.list("harbor", ELSE) == []

    @pytest.mark.parametrize("counted", [True, False])
    def test_what_another_release_stored_is_claimed_and_marked_all_the_same(self, store: Store, counted: bool) -> None:
        """A later one with a field that this one does not know, or an earlier one without a version."""
        if isinstance(store, FakeStore):
            return
        key = keys.message("harbor", ELSE, self.first.id)
        body = msgspec.to_builtins(self.first) | {"a_new_field": "of which this release knows nothing"}
        body["version"] = 4
        if not counted:
            del body["version"]
        item(key, msgspec.json.encode(body), 4 if counted else None).save()
        (read,) = store.messages.list("harbor", ELSE)
        again = store.messages.claim("harbor", ELSE, read, replace(read, attempts=2))
        with pytest.raises(WriteConflict):
            store.messages.claim("harbor", ELSE, read, replace(read, attempts=2))
        done = store.messages.mark("harbor", ELSE, again, replace(again, state=MessageState.SENT))
        assert store.messages.list("harbor", ELSE) == [done]

    def test_marked_and_listed_in_order(self, store: Store) -> None:
        first, second = (store.messages.claim("harbor", ELSE, None, one) for one in (self.first, self.second))
        done = replace(first, state=MessageState.SENT, claimed_until=None, sent_at=NOW, mail_id="m-1")
        done = store.messages.mark("harbor", ELSE, first, done)
        assert store.messages.list("harbor", ELSE) == [second, done]

    def test_settling_takes_the_mark_off_what_it_knows(self, store: Store) -> None:
        request = put(store)
        due_nothing = with_due(request, (), NOW)
        for read in (
            replace(request, version=request.version + 1),
            replace(request, settled=1),
            replace(request, id=ELSE),
        ):
            assert store.messages.settle(read, replace(due_nothing, id=read.id)) is None
        assert store.requests.unsent(NOW + timedelta(hours=1)) == [("harbor", request.id)]
        settled = store.messages.settle(request, due_nothing)
        assert store.requests.unsent(NOW + timedelta(hours=1)) == []
        assert store.requests.get("harbor", request.id) == settled
        assert settled == replace(request, due=(), unsent_since=None, settled=1)

    def test_of_two_who_settle_what_they_read_one_does(self, store: Store) -> None:
        request = put(store)
        first = store.messages.settle(request, replace(request, look_at=NOW))
        assert first
        assert store.messages.settle(request, replace(request, link_generation=2)) is None
        second = store.messages.settle(first, replace(first, link_generation=2))
        assert (
            second
            == replace(request, look_at=NOW, link_generation=2, settled=2)
            == store.requests.get("harbor", request.id)
        )

    def test_a_change_that_read_before_what_was_settled_meets_a_conflict(self, store: Store) -> None:
        request = put(store)
        late = requests.cancelled(request, STAFF, NOW, ())
        settled = store.messages.settle(request, replace(request, link_generation=2))
        assert settled
        with pytest.raises(WriteConflict) as caught:
            store.ledger.commit([RequestChange(late)])
        assert caught.value.conflicted == (0,)
        assert store.requests.get("harbor", request.id) == settled
        again = requests.cancelled(settled, STAFF, NOW, ())
        store.ledger.commit([RequestChange(again)])
        assert store.messages.settle(settled, settled) is None
        assert store.requests.get("harbor", request.id) == again.after


class TestClosed:
    def test_requests_that_ended_without_a_visit_are_listed_by_start(self, store: Store) -> None:
        waiting, over = put(store), put(store, a_request(id=ELSE))
        assert store.requests.closed("harbor", START, START) == []
        ended = requests.cancelled(over, STAFF, NOW, ())
        store.ledger.commit([RequestChange(ended)])
        assert store.requests.closed("harbor", START, START) == [ended.after]
        assert store.requests.closed("harbor", START + timedelta(seconds=1), START + timedelta(days=9)) == []
        assert store.requests.closed("harbor", START - timedelta(days=9), START - timedelta(seconds=1)) == []
        assert store.requests.closed("quay", START, START) == []
        assert store.requests.to_act("harbor") == [waiting]
        late = linking.came_late(ended.after, an_appointment(), NOW)
        store.ledger.commit([RequestChange(late)])
        assert store.requests.closed("harbor", START, START) == []


class TestCalledOff:
    def test_requests_whose_visit_is_cancelled_are_listed_and_looked_at(self, store: Store) -> None:
        request, visit = put(store), an_appointment()
        confirmed = linking.confirmed(request, visit, NOW, Switches())
        store.ledger.commit([RequestChange(confirmed)])
        assert store.requests.called_off("harbor", NOW) == []
        off = replace(visit, row=replace(visit.row, state=AppointmentState.CANCELLED))
        cancelled = linking.mirrored(confirmed.after, off, NOW, Switches(cancelled=False))
        assert cancelled
        quiet = replace(cancelled.after, awaited=None, due=(), unsent_since=None, look_at=NOW)
        store.ledger.commit([RequestChange(replace(cancelled, after=quiet))])
        assert store.requests.called_off("harbor", NOW) == [quiet]
        assert store.requests.called_off("harbor", START + timedelta(seconds=1)) == []
        assert store.requests.called_off("quay", NOW) == []
        assert store.requests.closed("harbor", START, START) == store.requests.to_act("harbor") == []
        assert ("harbor", request.id) in store.requests.to_look_at(NOW + timedelta(seconds=1))
        asked = store.messages.settle(quiet, replace(quiet, anew_at=NOW))
        assert store.requests.called_off("harbor", NOW) == []
        assert store.requests.to_act("harbor") == [asked]


class TestHints:
    def test_each_is_kept_once(self, store: Store) -> None:
        put(store)
        request_id = a_request().id
        assert store.requests.hints("harbor", request_id) == []
        for _ in range(2):
            store.requests.hint("harbor", request_id, [("osei", "visit-b"), ("brandt", "visit-a")])
        assert store.requests.hints("harbor", request_id) == [("brandt", "visit-a"), ("osei", "visit-b")]
        assert store.requests.hints("harbor", ELSE) == []
        assert len(store.requests.timeline("harbor", request_id)) == 1


class TestBorn:
    def test_visits_are_found_by_birth_date_and_start(self, store: Store) -> None:
        born, other = date(1984, 3, 12), date(1984, 12, 3)
        rows = {
            "one": a_row("one"),
            "later": a_row("later", start=START + timedelta(days=20), end=START + timedelta(days=20, minutes=30)),
            "swapped": a_row("swapped", patient=a_record(birth_date=other)),
            "unknown": a_row("unknown", patient=a_record(birth_date=None)),
            "block": a_row("block", patient=None),
        }
        store.ledger.commit([AppointmentChange(None, an_appointment(row)) for row in rows.values()])

        def found(*days: date, first: timedelta = timedelta(), last: timedelta = timedelta()) -> set[str]:
            return {one.row.external_id for one in store.appointments.born("harbor", days, START + first, START + last)}

        assert found(born) == {"one"}
        assert found(born, last=timedelta(days=30)) == {"one", "later"}
        assert found(born, other, born, first=timedelta(days=-1)) == {"one", "swapped"}
        assert found(born, first=timedelta(seconds=1), last=timedelta(days=19)) == set()
        assert store.appointments.born("quay", [born], START, START) == []
        assert store.appointments.born("harbor", [], START, START) == []
        named = [("osei", an_appointment(rows["swapped"]).id), ("osei", an_appointment(rows["one"]).id), ("osei", ELSE)]
        together = store.appointments.born("harbor", [born], START, START, named)
        assert sorted(one.row.external_id for one in together) == ["one", "swapped"]

    def test_and_by_their_sources_id_where_no_birth_date_is_known(self, store: Store) -> None:
        nameless = a_record(source_id="pat-9", birth_date=None)
        rows = (
            a_row("one", patient=nameless),
            a_row("born", patient=a_record(source_id="pat-9")),
            a_row("x", patient=None),
        )
        store.ledger.commit([AppointmentChange(None, an_appointment(row)) for row in rows])

        def found(*ids: str, first: datetime = START, last: datetime = START) -> list[str]:
            return [one.row.external_id for one in store.appointments.born("harbor", [], first, last, known_as=ids)]

        assert found("pat-9", "pat-9", "pat-8") == ["one"]
        assert found("pat-9", first=START + timedelta(seconds=1), last=START + timedelta(days=1)) == []
        assert found("pat-8") == found() == []


class TestCalendar:
    def test_days_without_anything_are_empty(self, store: Store) -> None:
        found = store.calendar.days("harbor", "osei", ZONE, DAY, DAY + timedelta(days=2))
        assert found == {DAY + timedelta(days=n): an_empty_day(day=DAY + timedelta(days=n)) for n in range(3)}

    def test_days_of_others_stay_out(self, store: Store) -> None:
        for day in (an_empty_day("brandt"), an_empty_day(day=DAY + timedelta(days=1))):
            store.ledger.commit([DayChange(day, occupied(day))])
        found = store.calendar.days("harbor", "osei", ZONE, DAY, DAY)
        assert found == {DAY: an_empty_day()}
        assert read_day(store, "brandt").holds(ELSE)


class TestPractices:
    def test_what_is_saved_comes_back(self, store: Store) -> None:
        practice = a_practice(calendars={})
        store.practices.save(practice)
        assert store.practices.get("harbor") == practice
        assert store.practices.slugs() == ["harbor"]
        assert store.practices.practices_of("nadia@harbor.example") == ["harbor"]
        with pytest.raises(PracticeNotFound):
            store.practices.get("pier")

    def test_what_is_taken_out_is_gone(self, store: Store) -> None:
        practice = a_practice()
        store.practices.save(practice)
        less = replace(a_practice(a_provider()), staff={}, calendars={})
        store.practices.save(less)
        assert store.practices.get("harbor") == less
        assert store.practices.practices_of("nadia@harbor.example") == []


class TestFeeds:
    def test_a_state_is_written_on_what_was_read(self, store: Store) -> None:
        state = a_feed()
        store.feeds.save(FeedState(state.settings), state)
        stored = store.feeds.get("harbor", state.settings.feed_id)
        assert stored == replace(state, version=1)
        store.feeds.save(stored, replace(stored, failures=1))
        with pytest.raises(WriteConflict):
            store.feeds.save(stored, replace(stored, failures=2))
        with pytest.raises(WriteConflict):
            store.feeds.save(FeedState(state.settings), state)
        assert store.feeds.get("harbor", "ehr~nobody") is None
        assert store.feeds.states("harbor", ["ehr~nobody", state.settings.feed_id]) == {
            state.settings.feed_id: replace(state, version=2, failures=1)
        }
        assert store.feeds.states("pier", [state.settings.feed_id]) == store.feeds.states("harbor", []) == {}

    def test_digests_by_week(self, store: Store) -> None:
        weeks = {"2026-W48": {ELSE: b"12345678"}, "2026-W49": {ELSE: b"87654321"}}
        store.feeds.save_digests("harbor", "ehr~osei", weeks)
        assert store.feeds.digests("harbor", "ehr~osei") == weeks
        store.feeds.save_digests("harbor", "ehr~osei", {"2026-W48": {}})
        assert store.feeds.digests("harbor", "ehr~osei") == {"2026-W49": weeks["2026-W49"]}

    def test_the_wheel_names_a_feed_in_one_spoke(self, store: Store) -> None:
        ref = FeedRef("harbor", "ehr~osei", "lane")
        for interval in (5, 5, 15):
            store.feeds.put_on_wheel(ref, interval)
        assert [minute for minute in range(30) if store.feeds.due(minute) == [ref]] == [
            minute for minute in range(30) if store.feeds.due(minute)
        ]
        assert sum(bool(store.feeds.due(minute)) for minute in range(30)) == 2
        store.feeds.put_on_wheel(ref, None)
        assert not any(store.feeds.due(minute) for minute in range(15))

    def test_feeds_share_a_spoke(self, store: Store) -> None:
        refs = [FeedRef("harbor", f"ehr~{one}", "lane") for one in ("osei", "brandt")]
        for ref in refs:
            store.feeds.put_on_wheel(ref, 1)
        assert sorted(ref.feed_id for ref in store.feeds.due(0)) == ["ehr~brandt", "ehr~osei"]

    def test_a_spoke_names_the_feeds_of_many_practices(self, store: Store) -> None:
        refs = [FeedRef(f"practice-{n}", f"ehr~{one}", "lane") for n in range(20) for one in ("osei", "brandt")]
        for ref in refs:
            store.feeds.put_on_wheel(ref, 1)
        assert len({bucket_of(ref.practice) for ref in refs}) > 1
        assert in_turn(store.feeds.due(0), 0) == in_turn(refs, 0)
        store.feeds.remove("practice-7", "ehr~osei")
        assert in_turn(store.feeds.due(0), 0) == in_turn([ref for ref in refs if ref != refs[14]], 0)

    def test_the_first_hundred_rows_that_are_set_aside_are_kept_with_their_reasons(self, store: Store) -> None:
        state = a_feed()
        store.feeds.save(FeedState(state.settings), state)
        rows = [SetAsideRow(f"entry {number}", "has no start") for number in range(120)]
        for some in (rows, []):
            store.feeds.set_aside("harbor", "ehr~osei", some)
            assert list(store.feeds.files("harbor", ["ehr~osei"])["ehr~osei"].aside) == some[:100]

    def test_the_health_of_a_source_is_written_on_what_was_read_and_goes_with_its_last_feed(self, store: Store) -> None:
        osei, brandt = a_feed("osei"), a_feed("brandt")
        for one in (osei, brandt):
            store.feeds.save(FeedState(one.settings), one)
        well = store.feeds.health("harbor", "ehr")
        assert well == SourceHealth("harbor", "ehr")
        broken = well.judged([replace(osei, broken_since=NOW, last_failure="auth_revoked")])
        store.feeds.save_health(well, broken)
        assert store.feeds.health("harbor", "ehr") == replace(broken, version=1)
        with pytest.raises(WriteConflict):
            store.feeds.save_health(well, broken)
        store.feeds.remove("harbor", osei.settings.feed_id)
        assert store.feeds.health("harbor", "ehr").untold == broken.untold
        store.feeds.remove("harbor", brandt.settings.feed_id)
        assert store.feeds.health("harbor", "ehr") == well

    def test_a_feed_that_is_removed_leaves_nothing(self, store: Store) -> None:
        state = a_feed()
        ref = FeedRef("harbor", state.settings.feed_id, "lane")
        store.feeds.save(FeedState(state.settings), state)
        store.feeds.save_digests("harbor", ref.feed_id, {"2026-W48": {ELSE: b"12345678"}})
        store.feeds.set_aside("harbor", ref.feed_id, [SetAsideRow("entry 1", "has no start")])
        store.feeds.put_on_wheel(ref, 1)
        assert [one.settings for one in store.feeds.of_practice("harbor")] == [state.settings]
        store.feeds.remove("harbor", ref.feed_id)
        assert store.feeds.of_practice("harbor") == []
        assert store.feeds.get("harbor", ref.feed_id) is None
        assert store.feeds.digests("harbor", ref.feed_id) == {}
        assert store.feeds.due(0) == []


class TestSessions:
    def test_a_session_ends_by_itself_and_by_hand(self, store: Store) -> None:
        session = Session("s" * 43, "nadia@harbor.example", "csrf", NOW + timedelta(hours=8))
        store.sessions.save(session)
        assert store.sessions.get(session.id, NOW) == session
        assert store.sessions.get(session.id, NOW + timedelta(hours=8)) is None
        assert store.sessions.get("other", NOW) is None
        store.sessions.delete(session.id)
        assert store.sessions.get(session.id, NOW) is None


versions = st.integers(0, 3)
providers = st.sampled_from(["osei", "brandt"])
steps = st.lists(
    st.lists(
        st.one_of(
            st.tuples(st.just("request"), st.just(""), versions),
            st.tuples(st.just("day"), providers, versions),
            st.tuples(st.just("appointment"), providers, versions),
        ),
        min_size=1,
        max_size=3,
        unique_by=lambda change: change[0] if change[0] != "day" else change[:2],
    ),
    min_size=1,
    max_size=8,
)


def changes_of(step: list[tuple[str, str, int]]) -> list[Change]:
    made: list[Change] = []
    for kind, provider_id, version in step:
        if kind == "day":
            day = replace(an_empty_day(provider_id), version=version)
            made.append(DayChange(day, occupied(day)))
        elif kind == "request":
            before = replace(a_request(), version=version) if version else None
            after = submitted().after if before is None else replace(a_request(), version=version + 1)
            entry = submitted().entry if before is None else replace(submitted().entry, number=version + 1)
            made.append(RequestChange(Transition(before, after, entry)))
        else:
            moved = an_appointment(provider_id=provider_id, version=version) if version else None
            made.append(AppointmentChange(moved, an_appointment(version=version + 1)))
    return made


def play(store: Store, played: list[list[tuple[str, str, int]]]) -> list[Any]:
    outcomes: list[Any] = []
    for step in played:
        try:
            store.ledger.commit(changes_of(step))
            outcomes.append("written")
        except WriteConflict as conflict:
            outcomes.append(conflict.conflicted)
    outcomes += [replace(read_day(store, one), zone="") for one in ("osei", "brandt")]
    outcomes.append(store.requests.get_many("harbor", [a_request().id]))
    ids = [(one, an_appointment().id) for one in ("osei", "brandt")]
    return [*outcomes, [store.appointments.get_many("harbor", [one]) for one in ids]]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_sequence_of_transactions_ends_as_on_the_fake(store: Store, data: st.DataObject) -> None:
    if isinstance(store, FakeStore):
        return
    played = data.draw(steps)
    for provider_id in ("osei", "brandt"):
        _forget(provider_id)
    assert play(RealStore(FakeClock(NOW)), played) == play(FakeStore(), played)


def _forget(provider_id: str) -> None:
    from oneway.store import keys
    from oneway.store.items import TableItem, query

    for pk in (
        keys.calendar("harbor", provider_id),
        keys.request_partition("harbor", a_request().id),
        keys.appointment("harbor", provider_id, "").pk,
    ):
        for found in query(pk, consistent=True):
            TableItem(found.pk, found.sk).delete()


class TestCalendars:
    def test_what_is_not_stored_is_empty(self, store: Store) -> None:
        assert store.calendar.get("harbor", "osei") == Calendar()
        assert store.calendar.long_blocks("harbor", "osei") == LongBlocks("harbor", "osei")
        assert store.calendar.stored_days("harbor", "osei", ZONE) == []

    def test_a_calendar_comes_back_whole_and_with_its_practice(self, store: Store) -> None:
        store.practices.save(a_practice())
        calendar = replace(
            a_calendar(overrides={date(2026, 11, 30): CLOSED_WEEK}, closures=(Closure(DAY, DAY, "Día de puente"),)),
            version=1,
            changed_by="nadia@harbor.example",
            changed_at=NOW,
            applied="d",
        )
        store.calendar.save("harbor", "osei", calendar)
        assert store.calendar.get("harbor", "osei") == calendar
        assert store.practices.get("harbor").calendars == {"osei": calendar}

    def test_of_two_that_save_one_is_told(self, store: Store) -> None:
        first = replace(a_calendar(), version=1)
        store.calendar.save("harbor", "osei", first)
        with pytest.raises(WriteConflict):
            store.calendar.save("harbor", "osei", replace(first, changed_by="vic@harbor.example"))
        second = replace(a_calendar(paused=True), version=2)
        store.calendar.save("harbor", "osei", second)
        with pytest.raises(WriteConflict):
            store.calendar.save("harbor", "osei", replace(second, version=4))
        assert store.calendar.get("harbor", "osei") == second

    def test_a_change_and_its_timeline_entry_are_written_together_or_not_at_all(self, store: Store) -> None:
        told = [
            PracticeEvent(f"osei~{n}", NOW + timedelta(hours=n), "nadia@harbor.example", "paused") for n in range(3)
        ]
        for version, event in ((1, told[0]), (2, told[1])):
            store.calendar.save("harbor", "osei", replace(a_calendar(), version=version), event)
        with pytest.raises(WriteConflict):
            store.calendar.save("harbor", "osei", replace(a_calendar(), version=2), told[2])
        assert store.practice_events.latest("harbor", 5) == [told[1], told[0]]
        assert store.practice_events.latest("harbor", 1) == [told[1]]
        assert store.practice_events.latest("pier", 5) == []
        for _ in range(2):
            store.practice_events.add("harbor", told[2])
        assert store.practice_events.latest("harbor", 5) == [told[2], told[1], told[0]]

    def test_settings_are_changed_on_what_was_read_with_their_timeline_entries(self, store: Store) -> None:
        store.practices.save(a_practice())
        before = store.practices.read("harbor")
        event = PracticeEvent("settings~1", NOW, "nadia@harbor.example", "setting_changed", setting="horizon_days")
        edits = {"horizon_days": StaffEdit("nadia@harbor.example", NOW, "90")}
        osei = replace(before.providers["osei"], split=2)
        after = replace(before, horizon_days=30, providers={**before.providers, "osei": osei}, edits=edits)
        store.practices.change(before, after, [event])
        stored = store.practices.read("harbor")
        assert (stored, stored.version) == (after, before.version + 1)
        assert store.practices.get("harbor") == after
        with pytest.raises(WriteConflict):
            store.practices.change(before, replace(before, horizon_days=60), [replace(event, id="settings~2")])
        assert store.practice_events.latest("harbor", 5) == [event]
        with pytest.raises(WriteConflict):
            store.practices.save(a_practice(), before.version)
        assert store.practices.read("harbor") == after
        store.practices.save(a_practice(), stored.version, [replace(event, id="settings~3")])
        assert store.practices.read("harbor") == replace(a_practice(), calendars={})
        assert len(store.practice_events.latest("harbor", 5)) == 2

    def test_a_practice_that_is_saved_unchanged_keeps_its_version(self, store: Store) -> None:
        for version in (1, 1):
            store.practices.save(a_practice())
            assert store.practices.read("harbor").version == version
        store.practices.save(a_practice(horizon_days=30))
        assert store.practices.read("harbor").version == 2
        with pytest.raises(PracticeNotFound):
            store.practices.read("pier")

    def test_a_timeline_is_read_from_an_entry_back(self, store: Store) -> None:
        told = [PracticeEvent(f"osei~{n}", NOW + timedelta(hours=n), "", "paused") for n in range(4)]
        for one in told:
            store.practice_events.add("harbor", one)
        assert store.practice_events.latest("harbor", 2, told[2].place) == [told[1], told[0]]
        assert store.practice_events.latest("harbor", 2, EventPlace(told[2].at)) == [told[1], told[0]]
        assert store.practice_events.latest("harbor", 2, told[0].place) == []
        at_once = [PracticeEvent(f"settings~1~{n}", NOW, "", "setting_changed") for n in range(3)]
        for one in at_once:
            store.practice_events.add("harbor", one)
        assert store.practice_events.latest("harbor", 2, at_once[2].place) == [at_once[1], at_once[0]]

    def test_a_feed_s_state_and_its_timeline_entry_are_written_together_or_not_at_all(self, store: Store) -> None:
        state, event = a_feed(), PracticeEvent("ehr~osei~1", NOW, "nadia@harbor.example", "vanished_kept")
        store.feeds.save(state, state, event)
        with pytest.raises(WriteConflict):
            store.feeds.save(state, state, replace(event, id="ehr~osei~2"))
        assert store.practice_events.latest("harbor", 5) == [event]

    def test_what_is_known_of_feeds_is_read_at_once(self, store: Store) -> None:
        state, rows = a_feed(changes=((494_000, 3),)), [SetAsideRow("entry 1", "no start")]
        store.feeds.save(state, state)
        store.feeds.set_aside("harbor", "ehr~osei", rows)
        store.feeds.save_asked("harbor", "ehr~osei", AskedPull(NOW))
        ended = AskedPull(NOW, NOW + timedelta(seconds=3), "changed", 2)
        store.feeds.save_asked("harbor", "ehr~osei", ended)
        found = store.feeds.files("harbor", ["ehr~osei", "ehr~brandt"])
        assert {one: (file.state, list(file.aside), file.asked) for one, file in found.items()} == {
            "ehr~osei": (replace(state, version=1), rows, ended)
        }
        assert store.feeds.files("pier", ["ehr~osei"]) == store.feeds.files("harbor", []) == {}
        store.feeds.remove("harbor", "ehr~osei")
        assert store.feeds.files("harbor", ["ehr~osei"]) == {}

    def test_saving_a_practice_leaves_the_calendars_of_its_providers_and_drops_the_others(self, store: Store) -> None:
        store.practices.save(a_practice())
        for provider_id in ("", "osei", "brandt"):
            store.calendar.save("harbor", provider_id, replace(a_calendar(), version=1))
        before = LongBlocks("harbor", "brandt")
        store.ledger.commit([LongBlocksChange(before, before.with_block(BLOCK))])
        store.practices.save(a_practice(a_provider("osei", split=2)))
        assert set(store.practices.get("harbor").calendars) == {"", "osei"}
        assert store.practices.get("harbor").long_blocks == {}

    def test_days_calendars_and_long_blocks_are_read_at_once(self, store: Store) -> None:
        day, before, closure = an_empty_day(), LongBlocks("harbor", "osei"), Closure(DAY, DAY)
        store.calendar.save("harbor", "osei", replace(a_calendar(), version=1))
        store.calendar.save("harbor", "", Calendar(Availability(closures=(closure,)), 1))
        store.ledger.commit([DayChange(day, occupied(day)), LongBlocksChange(before, before.with_block(BLOCK))])
        found = store.calendar.read_provider("harbor", "osei", ZONE, [DAY, DAY + timedelta(days=1)])
        assert [len(one.occupants) for one in found.days.values()] == [1, 0]
        assert found.availability == replace(a_calendar().availability, closures=(closure,))
        assert tuple(found.long_blocks) == (BLOCK,)

    def test_days_and_calendars_of_several_providers_are_read_at_once(self, store: Store) -> None:
        day, before = an_empty_day(), LongBlocks("harbor", "osei")
        store.calendar.save("harbor", "osei", replace(a_calendar(), version=1))
        store.ledger.commit([DayChange(day, occupied(day)), LongBlocksChange(before, before.with_block(BLOCK))])
        found = store.calendar.read_calendars("harbor", [("osei", ZONE), ("brandt", ZONE)], [DAY])
        assert {key: len(one.occupants) for key, one in found.days.items()} == {("osei", DAY): 1, ("brandt", DAY): 0}
        assert {which: one.version for which, one in found.calendars.items()} == {"osei": 1, "brandt": 0, "": 0}
        assert {which: tuple(one) for which, one in found.long_blocks.items()} == {"osei": (BLOCK,), "brandt": ()}

    def test_long_blocks_are_written_on_what_was_read(self, store: Store) -> None:
        before = LongBlocks("harbor", "osei")
        store.ledger.commit([LongBlocksChange(before, before.with_block(BLOCK))])
        with pytest.raises(WriteConflict):
            store.ledger.commit([LongBlocksChange(before, before)])
        stored = store.calendar.long_blocks("harbor", "osei")
        assert (stored.version, stored.blocks) == (1, (BLOCK,))

    def test_stored_days_are_those_of_the_provider(self, store: Store) -> None:
        days = [an_empty_day(day=DAY + timedelta(days=n)) for n in (3, 0)]
        store.ledger.commit([DayChange(day, occupied(day)) for day in (*days, an_empty_day("brandt"))])
        found = store.calendar.stored_days("harbor", "osei", ZONE)
        assert [day.day for day in found] == [DAY, DAY + timedelta(days=3)]
        assert all(day.holds(ELSE) for day in found)

    def test_all_appointments_of_a_provider(self, store: Store) -> None:
        mine, theirs = an_appointment(), an_appointment(a_row("appt-2"), provider_id="brandt")
        store.ledger.commit([AppointmentChange(None, mine), AppointmentChange(None, theirs)])
        assert store.appointments.of_provider("harbor", "osei") == [mine]
        assert store.appointments.of_provider("pier", "osei") == []


class TestPending:
    def mark(self, number: int) -> Waiting:
        return Waiting(identifiers.request_id("harbor", str(number)), b"pers", b"mail", bytes([0, 1, 2, 255]), number)

    def test_each_mark_sees_those_before_it(self, store: Store) -> None:
        assert store.pending.add("harbor", self.mark(1)) == [self.mark(1)]
        assert set(store.pending.add("harbor", self.mark(2))) == {self.mark(1), self.mark(2)}
        assert store.pending.add("pier", self.mark(3)) == [self.mark(3)]

    def test_marks_are_added_and_removed_once(self, store: Store) -> None:
        for _ in range(2):
            found = store.pending.add("harbor", self.mark(1))
        assert found == [self.mark(1)]
        for _ in range(2):
            store.pending.remove("harbor", [self.mark(1), self.mark(9)])
        store.pending.remove("harbor", [])
        assert store.pending.add("harbor", self.mark(2)) == [self.mark(2)]


class TestNotices:
    def test_a_notice_is_made_once_and_is_unsent_until_it_is_done(self, store: Store) -> None:
        notice = digest("harbor", DAY, NOW)
        assert store.notices.add(notice)
        assert not store.notices.add(replace(notice, due_at=NOW + timedelta(minutes=1)))
        assert store.notices.get("harbor", notice.id) == notice
        assert store.notices.get("pier", notice.id) is None
        assert store.requests.unsent(NOW + timedelta(minutes=1)) == [("harbor", notice.name)]
        store.notices.done(replace(notice, due_at=NOW + timedelta(minutes=9)), NOW)
        assert store.requests.unsent(NOW + timedelta(minutes=1)) == [("harbor", notice.name)]
        store.notices.done(notice, NOW)
        assert store.requests.unsent(NOW + timedelta(minutes=1)) == []
        assert store.notices.get("harbor", notice.id) == replace(notice, sent_at=NOW)

    def test_what_another_release_stored_is_done_all_the_same(self, store: Store) -> None:
        if isinstance(store, FakeStore):
            return
        notice = digest("harbor", DAY, NOW)
        store.notices.add(notice)
        stored = query(keys.notice("harbor", notice.id).pk)[0]
        stored.body = msgspec.json.encode(msgspec.to_builtins(notice) | {"a_new_field": 1})
        stored.save()
        read = store.notices.get("harbor", notice.id)
        assert read
        store.notices.done(read, NOW)
        assert store.requests.unsent(NOW + timedelta(minutes=1)) == []


class TestSuppressions:
    def test_the_first_reason_stays_until_it_is_lifted(self, store: Store) -> None:
        mark = mark_of("harbor", "maria@example.org")
        first = Suppression(mark, NotReached.BOUNCED, NOW)
        assert store.suppressions.get("harbor", mark) is None
        store.suppressions.add("harbor", first)
        store.suppressions.add("harbor", replace(first, why=NotReached.COMPLAINED))
        assert store.suppressions.get("harbor", mark) == first
        assert store.suppressions.of_practice("harbor") == [first]
        assert store.suppressions.get("pier", mark) is None
        assert store.suppressions.among("harbor", [mark, mark_of("harbor", "jon@example.org")]) == [first]
        assert store.suppressions.among("pier", [mark]) == store.suppressions.among("harbor", []) == []
        for _ in range(2):
            store.suppressions.remove("harbor", mark)
        assert store.suppressions.get("harbor", mark) is None

    def test_who_lifts_one_is_told_of_once(self, store: Store) -> None:
        mark, at = mark_of("harbor", "front@harbor.example"), NOW + timedelta(days=9)
        store.suppressions.add("harbor", Suppression(mark, NotReached.BOUNCED, NOW))
        events = [
            PracticeEvent(f"mail~{mark}", at + timedelta(seconds=n), "nadia@harbor.example", "staff_address_again")
            for n in range(2)
        ]
        for event in events:
            store.suppressions.remove("harbor", mark, event)
        assert store.suppressions.get("harbor", mark) is None
        latest = store.practice_events.latest("harbor", 9)
        assert [one for one in latest if one.id == events[0].id] == events[:1]


class TestLooking:
    def test_a_request_that_waits_is_looked_at_once_its_mail_is_out(self, store: Store) -> None:
        request = put(store, a_request(look_at=NOW + timedelta(hours=4)))
        later = NOW + timedelta(hours=5)
        assert store.requests.to_look_at(later) == []
        assert store.requests.unsent(later) == [("harbor", request.id)]
        sent = store.messages.settle(request, with_due(request, (), NOW))
        assert sent
        assert store.requests.to_look_at(later) == [("harbor", request.id)]
        assert store.requests.to_look_at(NOW + timedelta(hours=4)) == []
        cancelled = requests.cancelled(sent, STAFF, NOW, ())
        store.ledger.commit([RequestChange(cancelled)])
        assert store.requests.to_look_at(later) == []

    def test_one_that_ended_and_whose_patient_has_to_be_called_stands_in_both_lists(self, store: Store) -> None:
        request = put(store)
        cancelled = requests.cancelled(request, STAFF, NOW, ())
        store.ledger.commit([RequestChange(cancelled)])
        task = CallTask("1", MessageKind.CANCELLED_PATIENT, NotReached.NO_ADDRESS, NOW)
        assert store.messages.settle(cancelled.after, requests.to_call(cancelled.after, task))
        assert [one.id for one in store.requests.to_act("harbor")] == [request.id]
        assert [one.id for one in store.requests.closed("harbor", START, START)] == [request.id]
        assert store.requests.get("harbor", request.id).call == task


class TestLogo:
    def test_it_is_kept_and_taken_away(self, store: Store) -> None:
        store.practices.save(a_practice())
        assert store.practices.logo("harbor") is None
        for logo in (("png", b"\x89PNG\n\x00"), ("jpeg", b"\xff\xd8\xff\n")):
            store.practices.save_logo("harbor", logo)
            assert store.practices.logo("harbor") == logo
        store.practices.save_logo("harbor", None)
        assert store.practices.logo("harbor") is None


class TestPhotos:
    def test_those_of_the_last_time_are_kept_and_no_others(self, store: Store) -> None:
        store.photos.replace("harbor", {"a": b"\x00A", "b": b"B"})
        store.photos.replace("harbor", {"b": b"B", "c": b"C"})
        assert [store.photos.get("harbor", one) for one in "bc"] == [b"B", b"C"]
        with pytest.raises(NotFound):
            store.photos.get("harbor", "a")
        with pytest.raises(NotFound):
            store.photos.get("pier", "b")
