"""The main job in memory: a request, a message, staff's entry, a sync, "Confirmed"."""

from datetime import date, timedelta

import pytest
from msgspec.structs import replace
from oneway.domain.appointments import AppointmentState, RowKind
from oneway.domain.errors import (
    Forbidden,
    InvalidInput,
    KeyReused,
    LinkNotFound,
    PracticeNotFound,
    RequestAlreadyAnswered,
    SlotAlreadyTaken,
    SlotNotOffered,
    StoreUnavailable,
)
from oneway.domain.messages import MessageState
from oneway.domain.occupancy import OccupantKind
from oneway.domain.requests import RequestState
from oneway.faults import MailOutcomeUnknown, MailRefused, MailUnavailable, RateLimited, Unavailable
from oneway.use_cases.send_messages import LEASE, UNANSWERED, NotYet
from oneway.use_cases.sync_feed import Outcome

from tests.builders import KEY, NOW, START, a_form, a_practice, a_provider, a_record, a_row
from tests.world import World

DAY = date(2026, 11, 24)
OTHER_KEY = "f" * 32
STAFF = "nadia@harbor.example"


def kinds(world: World) -> list[str]:
    return [tags["message"].partition("-")[2] for _, _, _, tags in world.mailer.sent]


class TestSubmitting:
    def test_a_request_holds_its_place_and_calls_for_two_messages(self, world: World) -> None:
        submitted = world.submit()
        day = world.store.calendar.days("harbor", "osei", "America/Los_Angeles", DAY, DAY)[DAY]
        assert submitted.created
        assert [(o.kind, o.id) for o in day.occupants] == [(OccupantKind.REQUEST, submitted.request.id)]
        assert world.deliver() == 2
        assert kinds(world) == ["received_staff", "received_patient"]
        assert world.stored(submitted.request).due == ()

    def test_the_same_key_finds_the_same_request(self, world: World) -> None:
        first, second = world.submit(), world.submit()
        assert (first.request, first.link) == (second.request, second.link)
        assert not second.created
        assert len(world.store.requests_by_id) == 1

    def test_the_same_key_with_another_payload_is_refused(self, world: World) -> None:
        world.submit()
        with pytest.raises(KeyReused):
            world.submit(reason="Something else")

    def test_the_same_key_is_answered_even_when_the_place_is_gone(self, world: World) -> None:
        submitted = world.submit()
        world.cancel_by_patient("harbor", submitted.link)
        world.submit(OTHER_KEY)
        assert world.submit().request.id == submitted.request.id

    def test_a_taken_slot_is_refused_with_what_is_left(self, world: World) -> None:
        world.submit()
        with pytest.raises(SlotAlreadyTaken) as caught:
            world.submit(OTHER_KEY)
        left = world.list_slots("harbor", "osei", "new", DAY, DAY).days[DAY]
        assert caught.value.left == left
        assert len(left) == 13

    def test_split_booking_takes_as_many_as_it_says(self) -> None:
        world = World(a_practice(a_provider(split=2)))
        world.submit()
        world.submit(OTHER_KEY)
        with pytest.raises(SlotAlreadyTaken):
            world.submit("e" * 32)

    def test_of_two_at_once_exactly_one_gets_the_last_place(self, world: World) -> None:
        world.store.before_commit = lambda: void(world.submit(OTHER_KEY))
        with pytest.raises(SlotAlreadyTaken):
            world.submit()
        assert len(world.store.requests_by_id) == 1

    def test_a_neighbour_at_the_same_moment_is_no_reason_to_refuse(self, world: World) -> None:
        world.store.before_commit = lambda: void(world.submit(OTHER_KEY, start="2026-11-24T10:00:00-08:00"))
        assert world.submit().created
        assert len(world.store.requests_by_id) == 2

    def test_a_lost_answer_does_not_make_two_requests(self, world: World) -> None:
        real = world.store.ledger.commit

        class LosesTheFirstAnswer:
            lost = False

            def commit(self, changes: object) -> None:
                real(changes)  # type: ignore[arg-type]
                if not self.lost:
                    self.lost = True
                    raise StoreUnavailable

        world.submit_request = replace(world.submit_request, ledger=LosesTheFirstAnswer())
        submitted = world.submit()
        assert submitted.request == world.stored(submitted.request)
        assert len(world.store.requests_by_id) == 1

    @pytest.mark.parametrize(
        ("start", "reason"),
        [
            ("2026-11-24T08:30:00-08:00", "outside_hours"),
            ("2026-11-24T09:40:00-08:00", "outside_hours"),
            ("2026-11-23T11:00:00-08:00", "notice"),
            ("2027-11-24T09:30:00-08:00", "horizon"),
        ],
    )
    def test_a_time_that_is_not_offered_is_refused_with_its_reason(self, world: World, start: str, reason: str) -> None:
        with pytest.raises(SlotNotOffered) as caught:
            world.submit(start=start)
        assert caught.value.reason == reason

    def test_a_provider_who_is_not_integrated_has_no_slots(self) -> None:
        world = World(a_practice(a_provider(source_id=None, external_id=None)))
        assert world.list_slots("harbor", "osei", "new", DAY, DAY).closed == "not_integrated"
        with pytest.raises(SlotNotOffered):
            world.submit()

    def test_a_schedule_that_was_never_pulled_offers_nothing(self, world: World) -> None:
        state = world.store.feeds_by_id["harbor", "ehr~osei"]
        world.store.feeds_by_id["harbor", "ehr~osei"] = replace(state, last_good_at=None)
        offered = world.list_slots("harbor", "osei", "new", DAY, DAY)
        assert (offered.closed, offered.days[DAY]) == ("never_pulled", ())


class TestConfirming:
    def test_staffs_entry_confirms_the_request_and_the_patient_is_told(self, world: World) -> None:
        submitted = world.submit()
        world.deliver()
        world.source.enter(a_row())
        report = world.pull()
        request = world.stored(submitted.request)
        assert (report.outcome, report.changed, report.confirmed) == (Outcome.CHANGED, 1, 1)
        assert (request.state, request.shown_state) == (RequestState.LINKED, "booked")
        assert world.deliver() == 1
        assert kinds(world)[-1] == "confirmed_patient"

    def test_confirming_swaps_the_occupant(self, world: World) -> None:
        world.submit()
        world.source.enter(a_row())
        world.pull()
        day = world.store.calendar.days("harbor", "osei", "America/Los_Angeles", DAY, DAY)[DAY]
        assert [o.kind for o in day.occupants] == [OccupantKind.APPOINTMENT]

    def test_an_entry_under_another_provider_confirms_too_and_says_so(self, world: World) -> None:
        submitted = world.submit()
        world.source.enter(a_row(provider_external_id="prac-brandt"))
        world.pull("brandt")
        assert world.stored(submitted.request).link is not None
        timeline = world.store.requests.timeline("harbor", submitted.request.id)
        assert timeline[-1].detail == "other_provider"
        assert world.list_slots("harbor", "osei", "new", DAY, DAY).days[DAY][1] == int(START.timestamp() // 60)

    def test_a_wrong_birth_date_leaves_the_request_pending_and_imports_the_visit(self, world: World) -> None:
        submitted = world.submit()
        world.deliver()
        world.source.enter(a_row(patient=a_record(birth_date=date(1984, 12, 3))))
        report = world.pull()
        assert (report.changed, report.confirmed) == (1, 0)
        assert world.stored(submitted.request).pending
        assert world.deliver() == 0

    def test_a_visit_that_was_there_before_the_request_never_confirms_it(self) -> None:
        world = World(a_practice(a_provider(split=2)))
        world.source.enter(a_row())
        world.pull()
        assert world.submit().request.pending
        world.pull()
        assert world.submit().request.pending

    def test_a_request_and_an_import_that_commit_at_once_find_each_other(self) -> None:
        # The import reads no pending request; the request commits after it, though it was made before.
        world = World(a_practice(a_provider(split=2)))
        world.source.enter(a_row())

        def import_it() -> None:
            world.clock.advance(seconds=2)
            world.sync_feed("harbor", "ehr~osei")

        world.store.before_commit = import_it
        submitted = world.submit()
        # The retry made the request anew, so it is younger than the visit: a possible match, not a confirmation.
        assert submitted.request.created_at > NOW
        assert submitted.request.pending

    def test_the_import_of_another_provider_at_the_same_moment_is_found_by_the_request(self, world: World) -> None:
        world.source.enter(a_row(provider_external_id="prac-brandt"))

        def import_it() -> None:
            world.clock.advance(seconds=2)
            world.sync_feed("harbor", "ehr~brandt")

        world.store.before_commit = import_it
        assert world.submit().request.state is RequestState.LINKED

    def test_the_oldest_of_two_requests_wins(self) -> None:
        world = World(a_practice(a_provider(split=2)))
        first = world.submit()
        world.clock.advance(minutes=1)
        second = world.submit(OTHER_KEY)
        world.source.enter(a_row())
        world.pull()
        assert world.stored(first.request).link
        assert world.stored(second.request).pending

    def test_a_tentative_entry_waits_until_it_is_booked(self, world: World) -> None:
        submitted = world.submit()
        world.source.enter(a_row(state=AppointmentState.TENTATIVE, raw_state="proposed"))
        world.pull()
        assert world.stored(submitted.request).pending
        world.source.enter(a_row())
        world.pull()
        assert world.stored(submitted.request).link

    @pytest.mark.parametrize("state", [AppointmentState.ARRIVED, AppointmentState.COMPLETED, AppointmentState.NO_SHOW])
    def test_later_states_follow_without_a_message(self, world: World, state: AppointmentState) -> None:
        submitted = world.submit()
        world.source.enter(a_row())
        world.pull()
        world.deliver()
        sent = len(world.mailer.sent)
        world.source.enter(a_row(state=state, raw_state="x"))
        world.pull()
        assert world.stored(submitted.request).shown_state == state
        assert world.deliver() == 0
        assert len(world.mailer.sent) == sent

    def test_an_unknown_state_never_changes_a_linked_request(self, world: World) -> None:
        submitted = world.submit()
        world.source.enter(a_row())
        world.pull()
        world.source.enter(a_row(state=AppointmentState.UNKNOWN, raw_state="?"))
        world.pull()
        assert world.stored(submitted.request).shown_state == "booked"

    def test_a_visit_that_moves_in_the_source_moves_the_request_and_its_place(self, world: World) -> None:
        submitted = world.submit()
        world.source.enter(a_row())
        world.pull()
        later = START + timedelta(days=1, hours=1)
        world.source.enter(a_row(start=later, end=later + timedelta(minutes=30)))
        world.pull()
        days = world.store.calendar.days("harbor", "osei", "America/Los_Angeles", DAY, DAY + timedelta(days=1))
        assert world.stored(submitted.request).start == later
        assert [len(day.occupants) for day in days.values()] == [0, 1]

    def test_a_cancelled_visit_frees_its_place(self, world: World) -> None:
        submitted = world.submit()
        world.source.enter(a_row())
        world.pull()
        world.source.enter(a_row(state=AppointmentState.CANCELLED, raw_state="cancelled"))
        world.pull()
        assert world.stored(submitted.request).shown_state == "cancelled"
        assert START.timestamp() / 60 in world.list_slots("harbor", "osei", "new", DAY, DAY).days[DAY]


class TestSyncing:
    def test_nothing_new_writes_nothing_but_a_heartbeat_every_ten_minutes(self, world: World) -> None:
        world.source.enter(a_row())
        world.pull()  # looks back, as every hour
        world.pull()
        writes = world.store.writes
        for _ in range(9):
            assert world.pull().outcome is Outcome.UNCHANGED
        assert world.store.writes == writes
        world.pull()
        assert world.store.writes == writes + 1

    def test_the_same_rows_without_a_validator_write_nothing(self, world: World) -> None:
        world.source.enter(a_row(), a_row("appt-2", start=START + timedelta(hours=1)))
        world.pull()
        world.pull()
        writes = world.store.writes
        key = "harbor", "ehr~osei"
        seen = world.store.feeds_by_id[key].seen
        world.store.feeds_by_id[key] = replace(world.store.feeds_by_id[key], seen=replace(seen, validator=None))
        assert world.pull().outcome is Outcome.UNCHANGED
        assert world.store.writes == writes

    def test_imports_are_silent(self, world: World) -> None:
        for number in range(40):
            start = START + timedelta(days=number // 8, minutes=30 * (number % 8))
            world.source.enter(a_row(f"walk-in-{number}", start=start, end=start + timedelta(minutes=30)))
        assert world.pull().changed == 40
        assert world.deliver() == 0
        assert world.mailer.sent == []

    def test_ten_thousand_imports_tell_nobody_anything(self, world: World) -> None:
        """A first sync, walk-ins with the contacts of a patient who asked, and all of them called off again."""
        submitted = world.submit(start=(START + timedelta(days=1)).isoformat())
        world.deliver()
        told = len(world.mailer.sent)
        starts = [START + timedelta(days=number // 120, minutes=5 * (number % 120)) for number in range(10_000)]
        rows = [
            a_row(f"v-{number}", start=start, end=start + timedelta(minutes=5), patient=a_record(birth_date=None))
            for number, start in enumerate(starts)
        ]
        world.source.enter(*rows)
        assert world.pull().changed == 10_000
        world.source.enter(*(replace(row, state=AppointmentState.CANCELLED, raw_state="cancelled") for row in rows))
        assert world.pull().changed == 10_000
        world.deliver()
        assert len(world.mailer.sent) == told
        assert world.stored(submitted.request).pending

    def test_a_failing_pull_changes_nothing_and_is_tried_again(self, world: World) -> None:
        world.source.enter(a_row())
        world.pull()
        before = dict(world.store.appointments_by_key)
        world.source.delete("appt-1")
        world.source.fault = Unavailable("503")
        assert world.pull().outcome is Outcome.FAILED
        assert world.store.appointments_by_key == before
        world.source.fault = None
        assert world.pull().outcome is Outcome.UNCHANGED
        assert world.pull().outcome is Outcome.CHANGED
        assert world.store.feeds_by_id["harbor", "ehr~osei"].failures == 0

    def test_failures_back_off_and_sync_now_does_not_wait(self, world: World) -> None:
        world.source.fault = Unavailable("503")
        world.pull()
        world.pull()
        world.pull(minutes=2)
        assert world.pull(minutes=1).outcome is Outcome.WAITING
        assert world.sync_feed("harbor", "ehr~osei", now_asked=True).outcome is Outcome.FAILED

    def test_retry_after_is_obeyed(self, world: World) -> None:
        world.source.fault = RateLimited(NOW + timedelta(minutes=30))
        world.pull()
        world.source.fault = None
        assert world.pull(minutes=20).outcome is Outcome.WAITING
        assert world.pull(minutes=20).outcome is not Outcome.WAITING

    def test_an_incomplete_window_marks_nothing(self, world: World) -> None:
        world.source.enter(a_row())
        world.pull()
        world.source.delete("appt-1")
        world.source.complete = False
        for _ in range(3):
            assert world.pull().missing == 0

    def test_what_a_cut_pull_wrote_is_matched_by_the_next_one(self, world: World) -> None:
        submitted = world.submit()
        world.source.enter(a_row())
        real = world.sync_feed
        world.sync_feed = replace(real, confirm_matches=Breaks())  # type: ignore[arg-type]
        with pytest.raises(RuntimeError):
            world.pull()
        assert world.stored(submitted.request).pending
        world.sync_feed = real
        assert world.pull().confirmed == 1

    def test_a_block_closes_its_time_and_is_no_visit(self, world: World) -> None:
        world.source.enter(a_row(kind=RowKind.BLOCK, patient=None))
        world.pull()
        with pytest.raises(SlotNotOffered, match="block"):
            world.submit()

    def test_a_visit_over_midnight_touches_two_days(self, world: World) -> None:
        start = START + timedelta(hours=14)
        world.source.enter(a_row(start=start, end=start + timedelta(hours=3)))
        world.pull()
        days = world.store.calendar.days("harbor", "osei", "America/Los_Angeles", DAY, DAY + timedelta(days=1))
        assert [[o.end - o.start for o in day.occupants] for day in days.values()] == [[30], [150]]


class TestCancelling:
    def test_staff_cancel_and_the_patient_is_told_with_the_note(self, world: World) -> None:
        submitted = world.submit()
        world.deliver()
        world.cancel_by_staff("harbor", STAFF, submitted.request.id, "not_available", "Sorry!")
        assert world.stored(submitted.request).shown_state == "cancelled"
        assert START.timestamp() / 60 in world.list_slots("harbor", "osei", "new", DAY, DAY).days[DAY]
        assert world.deliver() == 1
        assert kinds(world)[-1] == "cancelled_patient"
        assert b"Sorry!" in world.mailer.sent[-1][0]
        assert b"not_available" not in world.mailer.sent[-1][0]

    def test_the_switch_keeps_the_cancellation_silent(self) -> None:
        practice = a_practice()
        world = World(replace(practice, switches=replace(practice.switches, cancelled=False)))
        submitted = world.submit()
        world.deliver()
        world.cancel_by_staff("harbor", STAFF, submitted.request.id, "other", "")
        assert world.deliver() == 0

    def test_a_viewer_may_not_cancel(self, world: World) -> None:
        submitted = world.submit()
        with pytest.raises(Forbidden):
            world.cancel_by_staff("harbor", "vic@harbor.example", submitted.request.id, "other", "")

    def test_a_confirmed_visit_is_not_cancelled_by_staff_here(self, world: World) -> None:
        submitted = world.submit()
        world.source.enter(a_row())
        world.pull()
        with pytest.raises(RequestAlreadyAnswered):
            world.cancel_by_staff("harbor", STAFF, submitted.request.id, "other", "")

    def test_the_patient_cancels_a_pending_request_once(self, world: World) -> None:
        submitted = world.submit()
        world.deliver()
        for _ in range(3):
            assert world.cancel_by_patient("harbor", submitted.link).request.shown_state == "cancelled"
        world.deliver()
        assert kinds(world)[2:] == ["cancelled_by_patient_staff", "cancelled_by_patient_receipt"]

    def test_of_a_confirmed_visit_the_wish_is_passed_on_and_the_place_stays(self, world: World) -> None:
        submitted = world.submit()
        world.source.enter(a_row())
        world.pull()
        for _ in range(2):
            found = world.cancel_by_patient("harbor", submitted.link)
        assert found.request.shown_state == "booked"
        assert found.request.to_act
        world.deliver()
        assert kinds(world)[-2:] == ["asked_to_cancel_staff", "asked_to_cancel_receipt"]
        world.source.enter(a_row(state=AppointmentState.CANCELLED, raw_state="cancelled"))
        world.pull()
        assert not world.stored(submitted.request).to_act

    def test_a_cancellation_and_a_confirmation_at_once_leave_one_outcome(self, world: World) -> None:
        submitted = world.submit()
        world.source.enter(a_row())
        world.store.before_commit = lambda: void(world.pull())
        found = world.cancel_by_patient("harbor", submitted.link)
        assert found.request.state is RequestState.LINKED
        assert found.request.asked_to_cancel_at


class TestLinks:
    def test_a_link_opens_its_request_and_no_other(self, world: World) -> None:
        submitted = world.submit()
        assert world.look_up("harbor", submitted.link).request == submitted.request
        other = ("A" if submitted.link[-1] != "A" else "E").join([submitted.link[:-1], ""])
        for bad in ("", "x", submitted.link[:-1], other, submitted.link + "A", "ü" * 35):
            with pytest.raises(LinkNotFound):
                world.look_up("harbor", bad)

    def test_it_opens_also_where_the_visit_type_is_no_longer_offered(self, world: World) -> None:
        submitted = world.submit()
        ours = world.store.practices_by_slug["harbor"]
        osei = replace(ours.providers["osei"], visit_type_ids=())
        world.store.practices_by_slug["harbor"] = replace(ours, visit_types={}, providers={"osei": osei})
        found = world.look_up("harbor", submitted.link)
        assert (found.visit_type.id, found.visit_type.name) == (submitted.request.visit_type_id, "New")

    def test_raising_the_generation_revokes_it(self, world: World) -> None:
        submitted = world.submit()
        request = world.stored(submitted.request)
        world.store.requests_by_id["harbor", request.id] = replace(request, link_generation=2)
        with pytest.raises(LinkNotFound):
            world.look_up("harbor", submitted.link)


class TestStaff:
    def test_the_audit_record_stands_before_anything_is_read(self, world: World) -> None:
        submitted = world.submit()

        class Fails:
            def record(self, *_: object) -> None:
                raise StoreUnavailable

        show = replace(world.show_request, audit=Fails())
        with pytest.raises(StoreUnavailable):
            show("harbor", STAFF, submitted.request.id)
        world.show_request("harbor", STAFF, submitted.request.id)
        assert world.store.looks == [("harbor", STAFF, "show_request", submitted.request.id)]

    def test_to_others_the_practice_does_not_exist(self, world: World) -> None:
        submitted = world.submit()
        with pytest.raises(PracticeNotFound):
            world.show_request("harbor", "someone@else.example", submitted.request.id)
        with pytest.raises(PracticeNotFound):
            world.list_to_act("harbor", "someone@else.example")
        assert world.store.looks == []


class TestMessages:
    def test_two_deliveries_send_once(self, world: World) -> None:
        submitted = world.submit()
        world.send_messages("harbor", submitted.request.id)
        assert world.send_messages("harbor", submitted.request.id) == 0
        assert len(world.mailer.sent) == 2

    def test_a_crash_between_sending_and_marking_costs_one_duplicate_and_no_message(self, world: World) -> None:
        submitted = world.submit()
        real = world.store.messages

        class CrashesOnMark:
            def __getattr__(self, name: str) -> object:
                if name == "mark":
                    raise RuntimeError("the worker died")
                return getattr(real, name)

        broken = replace(world.send_messages, messages=CrashesOnMark())  # type: ignore[arg-type]
        for _ in range(2):
            with pytest.raises(RuntimeError):
                broken("harbor", submitted.request.id)
            with pytest.raises(NotYet):
                world.send_messages("harbor", submitted.request.id)
            world.clock.advance(seconds=LEASE.total_seconds() + 1)
        world.send_messages("harbor", submitted.request.id)
        assert kinds(world).count("received_staff") == 2
        assert kinds(world).count("received_patient") == 1
        states = {m.kind: m.state for m in world.store.messages.list("harbor", submitted.request.id)}
        assert states["received_staff"] is MessageState.UNCERTAIN  # type: ignore[index]

    def test_a_mail_service_that_cannot_now_is_asked_again(self, world: World) -> None:
        submitted = world.submit()
        world.mailer.fault = MailUnavailable("Throttling")
        for _ in range(5):
            with pytest.raises(NotYet):
                world.send_messages("harbor", submitted.request.id)
        world.mailer.fault = None
        assert world.send_messages("harbor", submitted.request.id) == 2

    def test_a_lost_answer_of_the_mail_service_is_waited_for_and_then_tried_again(self, world: World) -> None:
        submitted = world.submit()
        world.mailer.fault = MailOutcomeUnknown("ReadTimeoutError")
        with pytest.raises(NotYet):
            world.send_messages("harbor", submitted.request.id)
        world.mailer.fault = None
        with pytest.raises(NotYet):
            world.send_messages("harbor", submitted.request.id)
        world.clock.advance(seconds=UNANSWERED[0].total_seconds() + 1)
        assert world.send_messages("harbor", submitted.request.id) == 2

    def test_a_refused_message_is_not_sent_and_says_so(self, world: World) -> None:
        submitted = world.submit()
        world.mailer.fault = MailRefused("MessageRejected")
        assert world.send_messages("harbor", submitted.request.id) == 0
        states = [m.state for m in world.store.messages.list("harbor", submitted.request.id)]
        assert states == [MessageState.UNSENT, MessageState.UNSENT]

    def test_without_an_address_only_staff_are_told(self, world: World) -> None:
        form = a_form()
        del form["patient"]["email"]
        world.submit(patient=form["patient"])
        assert world.deliver() == 1
        assert kinds(world) == ["received_staff"]

    def test_what_is_unsent_for_two_minutes_is_swept(self, world: World) -> None:
        submitted = world.submit()
        assert world.run_timers().swept == 0
        world.clock.advance(minutes=3)
        assert world.run_timers().swept == 1
        assert [one[1] for one in world.queue.waiting] == [submitted.request.id]


class TestExpiry:
    def test_a_request_expires_only_after_a_good_pull_made_after_its_start(self, world: World) -> None:
        submitted = world.submit()
        world.clock.at = START + timedelta(minutes=1)
        assert world.run_timers().expired == 0
        world.pull()
        world.clock.advance(minutes=1)
        assert world.run_timers().expired == 1
        assert world.run_timers().expired == 0
        assert world.stored(submitted.request).shown_state == "expired"


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"patient": "x"}, {"/patient"}),
        ({"patient": {}}, {"/patient/first_name", "/patient/last_name", "/patient/birth_date", "/patient/mobile"}),
        ({"start": "tomorrow"}, {"/start"}),
        ({"start": "2026-11-24T09:30:00"}, {"/start"}),
        ({"start": "2020-11-24T09:30:00-08:00"}, {"/start"}),
        ({"start": 5}, {"/start"}),
        ({"new_patient": "yes"}, {"/new_patient"}),
        ({"contact_consent": False}, {"/contact_consent"}),
        ({"language": "xx"}, {"/language"}),
        ({"provider": "nobody"}, {"/provider"}),
        ({"visit_type": "nothing"}, {"/visit_type"}),
        ({"visit_type": "follow-up"}, {"/visit_type"}),
        ({"reason": "x" * 501}, {"/reason"}),
        ({"a/b": 1}, {"/a~1b"}),
        ({"booker": {"first_name": "Ana"}}, {"/booker/last_name", "/booker/relation"}),
    ],
)
def test_every_bad_field_is_named(world: World, changes: dict[str, object], pointers: set[str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        world.submit(**changes)
    assert {problem.pointer for problem in caught.value.problems} == pointers


def test_blanks_are_no_contact(world: World) -> None:
    with pytest.raises(InvalidInput) as caught:
        world.submit(patient={**a_form()["patient"], "mobile": "  ", "email": " "})
    assert [(one.pointer, one.code) for one in caught.value.problems] == [("/patient/mobile", "phone_or_email_needed")]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("birth_date", "1984-02-30", "not_a_date"),
        ("birth_date", "12/03/1984", "not_a_date"),
        ("birth_date", "2030-01-01", "date_in_future"),
        ("birth_date", "1184-01-01", "date_too_early"),
        ("mobile", "12345", "not_a_phone"),
        ("email", "maria@", "not_an_email"),
        ("email", "a..b@example.org", "not_an_email"),
        ("email", "a:b@example.org", "not_an_email"),
        ("email", "josé@example.org", "email_letters"),
        ("first_name", "x\u202e", "not_text"),
        ("first_name", "...", "not_text"),
        ("first_name", 7, "not_text"),
        ("last_name", "", "required"),
    ],
)
def test_a_bad_patient_field_says_why(world: World, field: str, value: object, code: str) -> None:
    patient = a_form()["patient"] | {field: value}
    with pytest.raises(InvalidInput) as caught:
        world.submit(patient=patient)
    assert [(p.pointer, p.code) for p in caught.value.problems] == [(f"/patient/{field}", code)]


@pytest.mark.parametrize("key", [None, "", "short", "x" * 201, 5])
def test_a_key_of_too_few_bits_is_refused(world: World, key: object) -> None:
    with pytest.raises(InvalidInput):
        world.submit_request("harbor", key, a_form())
    assert KEY not in world.store.requests_by_id


class Breaks:
    def for_appointments(self, *_: object) -> int:
        raise RuntimeError("the worker died")


def void(_: object) -> None:
    return None
