"""What staff decide of visits: this is it, this is not, it was not after all (product section 2, *Decisions*)."""

from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from oneway.domain.appointments import AppointmentState, NameUse, PersonName, RecordPatient, RowKind
from oneway.domain.errors import Forbidden, PracticeNotFound, RequestAlreadyAnswered
from oneway.domain.matching import identifiers_of, is_dismissed
from oneway.domain.messages import MessageKind
from oneway.domain.practices import Location, Switches
from oneway.domain.requests import ActorKind, Happening, Request, RequestState
from oneway.faults import MailUnavailable
from oneway.mail import ses_events
from oneway.store.requests import request_item
from oneway.use_cases.send_messages import NotYet

from tests.builders import START, a_practice, a_provider, a_record
from tests.desk import CANCELLED, CONFIRMED, CORRECTION, EXPIRED, LATER, NADIA, RESCHEDULED, VIC, Desk, at
from tests.ses_events import an_event

WRONG = a_record(birth_date=date(1984, 12, 3))
"""Her record with day and month of birth swapped: a possible match, and no more."""
BARE = a_record(names=(), birth_date=None, phones=(), emails=())
"""Her record while it cannot be looked up."""
UNREACHABLE = "Call a patient: mail does not arrive"
ANOTHER = a_record(source_id="pat-2", names=(PersonName(("Jo",), "Reed"),), birth_date=date(1950, 1, 1))


@pytest.fixture
def desk() -> Desk:
    return Desk(a_practice(a_provider(split=3), a_provider("brandt", split=3)))


def mistyped(desk: Desk, **patient: Any) -> Request:
    """A request, and a visit at its time with a birth date that was mistyped."""
    request = desk.ask(**patient)
    desk.enter(patient=WRONG)
    desk.minutes()
    assert desk.stored(request).pending
    return request


def expired(desk: Desk) -> Request:
    """A request that nothing answered in time, and a visit with a mistyped birth date that was entered after the fact."""
    request = desk.ask()
    desk.clock.at = START + timedelta(minutes=1)
    desk.minutes(2)
    assert desk.stored(request).state is RequestState.EXPIRED
    desk.enter(patient=WRONG)
    desk.minutes()
    return request


class TestExpiring:
    def test_while_a_visit_may_be_the_answer_staff_are_asked_first(self, desk: Desk) -> None:
        request = mistyped(desk)
        desk.clock.at = START + timedelta(minutes=1)
        desk.minutes(3)
        assert desk.stored(request).pending
        desk.dismiss(request)
        desk.minutes(3)
        assert desk.stored(request).state is RequestState.EXPIRED


class TestExactly:
    @pytest.mark.parametrize("state", [AppointmentState.BOOKED, AppointmentState.ARRIVED, AppointmentState.COMPLETED])
    def test_these_states_confirm(self, desk: Desk, state: AppointmentState) -> None:
        request = desk.ask()
        desk.enter(state=state)
        desk.minutes()
        assert desk.answered_by(request) == "appt-1"

    @pytest.mark.parametrize(
        "state",
        [AppointmentState.TENTATIVE, AppointmentState.UNKNOWN, AppointmentState.CANCELLED, AppointmentState.NO_SHOW],
    )
    def test_others_do_not(self, desk: Desk, state: AppointmentState) -> None:
        request = desk.ask()
        desk.enter(state=state)
        desk.minutes(3)
        assert desk.stored(request).pending
        desk.change(state=AppointmentState.BOOKED)
        desk.minutes()
        assert desk.answered_by(request) == "appt-1"

    @pytest.mark.parametrize(
        "row",
        [
            {"zone_certain": False},
            {"kind": RowKind.BLOCK},
            {"patient": None},
            {"patient": WRONG},
            {"patient": a_record(phones=("+14155550000",), emails=("mother@example.org",))},
            {"patient": a_record(phones=(), emails=())},
            {"patient": a_record(names=(PersonName(("Mary",), "Nunez"),))},
            {"patient": a_record(names=(PersonName(("Nunez",), "Maria"),))},
            {"patient": a_record(names=(PersonName(("Maria",), "Nunez", use=NameUse.OLD),))},
            at(START + timedelta(minutes=1)),
        ],
    )
    def test_what_is_not_sure_never_does_by_itself(self, desk: Desk, row: dict[str, Any]) -> None:
        request = desk.ask()
        desk.enter(**row)
        desk.minutes(3)
        assert desk.stored(request).pending
        assert desk.told(request) == []

    @pytest.mark.parametrize(
        "record",
        [
            a_record(emails=(), phones=("+14155550000", "+14155552671")),
            a_record(phones=("+14155550000",), emails=("MARIA@Example.ORG",)),
            a_record(names=(PersonName(("Maria", "del", "Mar"), "NÚÑEZ", "Jr"),)),
        ],
    )
    def test_what_is_written_otherwise_does(self, desk: Desk, record: object) -> None:
        request = desk.ask()
        desk.enter(patient=record)
        desk.minutes()
        assert desk.answered_by(request) == "appt-1"

    def test_a_twin_is_not_confirmed_by_the_others_visit(self, desk: Desk) -> None:
        one, other = desk.ask(), desk.ask(1, first_name="Marta")
        desk.enter()
        desk.minutes()
        assert (desk.answered_by(one), desk.answered_by(other)) == ("appt-1", None)

    def test_two_visits_of_one_patient_answer_two_requests_and_never_one(self, desk: Desk) -> None:
        first = desk.ask()
        desk.clock.advance(seconds=1)
        second = desk.ask(1)
        desk.enter("appt-1")
        desk.enter("appt-2")
        desk.minutes()
        assert {desk.answered_by(first), desk.answered_by(second)} == {"appt-1", "appt-2"}

    def test_a_visit_that_was_there_confirms_once_it_is_changed(self, desk: Desk) -> None:
        desk.enter(patient=WRONG)
        desk.minutes()
        request = desk.ask()
        desk.minutes()
        assert desk.stored(request).pending
        desk.change(patient=a_record())
        desk.minutes()
        assert desk.answered_by(request) == "appt-1"


class TestAccepting:
    def test_the_visit_is_the_answer_at_once_and_the_patient_is_told_after_a_minute(self, desk: Desk) -> None:
        request = mistyped(desk)
        accepted = desk.accept(request)
        assert (accepted.state, accepted.shown_state) == (RequestState.LINKED, "booked")
        assert desk.answered_by(request) == "appt-1"
        desk.tick(seconds=59)
        assert desk.told(request) == []
        desk.tick(seconds=1)
        assert desk.told(request) == [CONFIRMED]
        entry = desk.timeline(request)[-1]
        assert (entry.what, entry.actor.kind, entry.actor.name) == (Happening.ACCEPTED, ActorKind.STAFF, NADIA)

    def test_at_another_time_the_patient_is_told_of_both(self, desk: Desk) -> None:
        request = desk.ask()
        desk.enter(**at(LATER))
        desk.minutes()
        assert desk.stored(request).pending
        desk.accept(request)
        assert desk.places() == []
        desk.tick(seconds=60)
        assert desk.told(request) == [RESCHEDULED]
        assert "24" in desk.last_mail()
        assert "25" in desk.last_mail()

    def test_at_another_place_mail_and_page_say_where(self, desk: Desk) -> None:
        east = Location("east", "Harbor East", "9 Mesa Rd, Denver", "America/Denver", external_id="loc-9")
        desk.practice = replace(desk.practice, locations={**desk.practice.locations, "east": east})
        desk.store.practices.save(desk.practice)
        request = desk.ask()
        desk.enter(location_external_id="loc-9")
        desk.minutes()
        assert desk.told(request) == []  # a known other place never confirms by itself
        desk.accept(request)
        desk.tick(minutes=2)
        assert "at Harbor East, not at Harbor Clinic" in desk.last_mail().replace("=\n", "")
        page = desk.look_up("harbor", desk.links.of(desk.stored(request)))
        assert page.location == east

    def test_the_place_that_was_held_is_free(self, desk: Desk) -> None:
        desk = Desk()
        request = desk.ask()
        desk.enter(**at(LATER))
        desk.minutes()
        desk.accept(request)
        assert desk.submit("n" * 32).created

    def test_of_what_the_patient_had_cancelled_nobody_is_told(self, desk: Desk) -> None:
        request = mistyped(desk)
        desk.cancel_by_patient("harbor", desk.links.of(request))
        desk.deliver()
        told = desk.told(request)
        desk.accept(request)
        desk.minutes(3)
        assert desk.answered_by(request) == "appt-1"
        assert desk.told(request) == told

    def test_of_what_staff_had_cancelled_nobody_is_told(self, desk: Desk) -> None:
        request = mistyped(desk)
        desk.cancel_by_staff("harbor", NADIA, request.id, "other", "")
        desk.deliver()
        desk.accept(request)
        desk.minutes(3)
        assert desk.answered_by(request) == "appt-1"
        assert desk.told(request) == [CANCELLED]

    def test_of_what_had_expired_nobody_is_told_more(self, desk: Desk) -> None:
        request = expired(desk)
        desk.accept(request)
        desk.minutes(3)
        assert desk.answered_by(request) == "appt-1"
        assert desk.told(request) == [EXPIRED]

    def test_twice_is_once(self, desk: Desk) -> None:
        request = mistyped(desk)
        assert desk.accept(request) == desk.accept(request)
        desk.minutes(3)
        assert desk.accept(request).version == 2
        assert desk.told(request) == [CONFIRMED]
        assert desk.happened(request) == [Happening.ACCEPTED]

    def test_a_viewer_may_only_look_and_to_others_there_is_nothing(self, desk: Desk) -> None:
        request = mistyped(desk)
        for act in (desk.accept, desk.dismiss):
            with pytest.raises(Forbidden):
                act(request, by=VIC)
            with pytest.raises(PracticeNotFound):
                act(request, by="someone@else.example")
        desk.accept(request)
        for act_on in (desk.undo, desk.keep):
            with pytest.raises(Forbidden):
                act_on(request, by=VIC)
            with pytest.raises(PracticeNotFound):
                act_on(request, by="someone@else.example")
        assert desk.happened(request) == [Happening.ACCEPTED]

    def test_a_visit_that_answers_another_meanwhile_is_taken(self, desk: Desk) -> None:
        request, other = mistyped(desk), desk.ask(1)
        desk.store.before_commit = lambda: void(desk.accept(other))
        with pytest.raises(RequestAlreadyAnswered):
            desk.accept(request)
        assert (desk.answered_by(request), desk.answered_by(other)) == (None, "appt-1")

    def test_a_request_that_is_answered_meanwhile_keeps_its_answer(self, desk: Desk) -> None:
        request = mistyped(desk)
        desk.enter("appt-2")
        desk.store.before_commit = lambda: void(desk.pull())
        with pytest.raises(RequestAlreadyAnswered):
            desk.accept(request)
        assert desk.answered_by(request) == "appt-2"

    @pytest.mark.parametrize("state", [AppointmentState.CANCELLED, AppointmentState.NO_SHOW])
    def test_a_visit_that_does_not_take_place_is_no_answer(self, desk: Desk, state: AppointmentState) -> None:
        request = mistyped(desk)
        desk.change(state=state)
        desk.minutes()
        with pytest.raises(RequestAlreadyAnswered):
            desk.accept(request)
        assert desk.stored(request).pending

    def test_a_visit_that_is_not_kept_here_is_no_answer(self, desk: Desk) -> None:
        request = mistyped(desk)
        with pytest.raises(RequestAlreadyAnswered):
            desk.accept_match("harbor", NADIA, request.id, "osei", "x" * 13)

    def test_without_an_address_it_is_linked_all_the_same(self, desk: Desk) -> None:
        request = mistyped(desk, email=None)
        desk.accept(request)
        desk.minutes(3)
        assert desk.answered_by(request) == "appt-1"
        assert desk.told(request) == []

    def test_with_the_switch_off_it_is_linked_all_the_same(self) -> None:
        desk = Desk(a_practice(switches=Switches(confirmed=False)))
        request = mistyped(desk)
        desk.accept(request)
        desk.minutes(3)
        assert desk.answered_by(request) == "appt-1"
        assert desk.told(request) == []

    def test_the_decision_survives_what_follows_in_the_source(self, desk: Desk) -> None:
        request = mistyped(desk)
        desk.accept(request)
        desk.minutes(3)
        for state in (AppointmentState.ARRIVED, AppointmentState.BOOKED, AppointmentState.CANCELLED):
            desk.change(state=state)
            desk.minutes()
            assert desk.answered_by(request) == "appt-1"
            assert desk.stored(request).shown_state == state

    def test_a_visit_that_has_begun_is_linked_silently(self, desk: Desk) -> None:
        request = mistyped(desk)
        desk.clock.at = START + timedelta(seconds=1)
        desk.accept(request)
        desk.tick(minutes=3)
        assert desk.told(request) == []

    def test_a_visit_that_begins_before_the_minute_is_over_is_not_told_of(self, desk: Desk) -> None:
        request = mistyped(desk)
        desk.clock.at = START - timedelta(seconds=30)
        desk.accept(request)
        desk.tick(minutes=3)
        assert desk.told(request) == []

    def test_what_is_cancelled_within_the_minute_and_booked_again_is_told_as_confirmed(self, desk: Desk) -> None:
        request = mistyped(desk)
        desk.accept(request)
        desk.call_off()
        desk.pull(minutes=0.5)
        desk.book_again()
        desk.pull(minutes=0.2)
        desk.minutes(3)
        assert desk.told(request) == [CONFIRMED]

    @pytest.mark.parametrize("seconds", [60, 90])
    def test_what_is_undone_after_the_minute_but_before_the_mail_went_out_is_silent(
        self, desk: Desk, seconds: int
    ) -> None:
        request = mistyped(desk)
        desk.accept(request)
        desk.clock.advance(seconds=seconds)
        desk.undo(request)
        desk.minutes(3)
        assert desk.told(request) == []

    def test_what_moves_within_the_minute_is_told_once_as_it_then_is(self, desk: Desk) -> None:
        request = mistyped(desk)
        desk.accept(request)
        desk.change(**at(LATER))
        desk.pull(minutes=0.5)
        desk.minutes(4)
        assert len(desk.told(request)) == 1
        assert "25" in desk.last_mail()

    def test_what_moves_to_the_requested_time_within_the_minute_is_confirmed(self, desk: Desk) -> None:
        request = desk.ask()
        desk.enter(**at(LATER))
        desk.minutes()
        desk.accept(request)
        desk.change(**at(START))
        desk.pull(minutes=0.5)
        desk.minutes(4)
        assert desk.told(request) == [CONFIRMED]


class TestUndoing:
    def test_within_the_minute_nobody_ever_hears_of_it(self, desk: Desk) -> None:
        request = mistyped(desk)
        desk.accept(request)
        desk.tick(seconds=59)
        undone = desk.undo(request)
        desk.minutes(5)
        assert undone.state is RequestState.REQUESTED
        assert desk.told(request) == []
        assert desk.happened(request) == [Happening.ACCEPTED, Happening.UNDONE]

    def test_after_it_the_patient_is_told_that_it_was_wrong(self, desk: Desk) -> None:
        request = mistyped(desk)
        desk.accept(request)
        desk.minutes(2)
        desk.undo(request)
        desk.minutes(3)
        assert desk.told(request) == [CONFIRMED, CORRECTION]

    def test_in_the_moment_in_which_the_message_is_let_go_it_finds_the_patient_told(self, desk: Desk) -> None:
        request = mistyped(desk)
        desk.accept(request)
        desk.clock.advance(seconds=61)
        desk.store.before_commit = lambda: void(desk.deliver())
        desk.undo(request)
        desk.minutes(3)
        assert desk.told(request) == [CONFIRMED, CORRECTION]

    def test_of_a_move_in_the_moment_in_which_its_message_is_let_go_the_new_time_is_corrected(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(**at(LATER))
        desk.pull()
        desk.clock.advance(minutes=2)
        desk.store.before_commit = lambda: void(desk.deliver())
        desk.undo(request)
        desk.minutes(3)
        assert desk.told(request) == [CONFIRMED, RESCHEDULED, CORRECTION]
        assert "November 25" in desk.last_mail()

    def test_what_a_sync_linked_can_be_undone_too(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.undo(request)
        desk.minutes(3)
        assert desk.stored(request).pending
        assert desk.told(request) == [CONFIRMED, CORRECTION]

    def test_with_every_switch_off_a_correction_follows_only_what_was_said(self) -> None:
        desk = Desk(a_practice(switches=Switches(confirmed=False)))
        request = desk.ask()
        desk.enter()
        desk.minutes()
        desk.undo(request)
        desk.minutes()
        assert desk.told(request) == []

    def test_the_correction_needs_no_switch(self, desk: Desk) -> None:
        request = desk.confirmed()
        practice = replace(desk.practice, switches=Switches(confirmed=False, cancelled=False, rescheduled=False))
        desk.store.practices.save(practice)
        desk.undo(request)
        desk.minutes()
        assert desk.told(request) == [CONFIRMED, CORRECTION]

    def test_of_a_visit_that_has_begun_nothing_is_corrected(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.clock.at = START + timedelta(minutes=1)
        desk.undo(request)
        desk.minutes()
        assert desk.told(request) == [CONFIRMED]

    def test_the_request_holds_its_place_again(self, desk: Desk) -> None:
        request = desk.ask()
        desk.enter(**at(LATER))
        desk.minutes()
        desk.accept(request)
        assert desk.undo(request).pending
        assert desk.places() == []
        (day,) = (d for key, d in desk.store.days_by_key.items() if key[1:] == ("osei", START.date()))
        assert day.holds(request.id)

    def test_it_holds_its_place_also_where_another_has_taken_it(self) -> None:
        desk = Desk()
        request = desk.ask()
        desk.enter(**at(LATER))
        desk.minutes()
        desk.accept(request)
        other = desk.ask(1)
        desk.undo(request)
        assert desk.stored(request).pending
        assert desk.stored(other).pending
        assert desk.places() == []

    def test_what_the_patient_had_cancelled_is_cancelled_again(self, desk: Desk) -> None:
        request = mistyped(desk)
        desk.cancel_by_patient("harbor", desk.links.of(request))
        desk.accept(request)
        undone = desk.undo(request)
        assert (undone.state, undone.cancelled_by) == (RequestState.CANCELLED, ActorKind.PATIENT)
        desk.minutes(3)
        assert CORRECTION not in desk.told(request)
        assert desk.places() == []

    def test_what_had_expired_is_expired_again(self, desk: Desk) -> None:
        request = expired(desk)
        desk.accept(request)
        assert desk.undo(request).state is RequestState.EXPIRED
        assert desk.places() == []

    def test_the_visit_is_not_taken_for_the_answer_again(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.undo(request)
        desk.change(state=AppointmentState.ARRIVED)
        desk.minutes(3)
        desk.change(state=AppointmentState.BOOKED)
        desk.minutes(70)
        assert desk.stored(request).pending
        assert desk.answered_by(request) is None

    def test_unless_its_identifiers_change(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.undo(request)
        desk.change(patient=a_record(phones=("+14155552671", "+14155550000")))
        desk.minutes()
        assert desk.answered_by(request) == "appt-1"

    def test_another_request_that_it_answers_gets_it_at_once(self, desk: Desk) -> None:
        request = desk.ask()
        desk.clock.advance(seconds=1)
        other = desk.ask(1)
        desk.enter()
        desk.minutes()
        assert (desk.answered_by(request), desk.answered_by(other)) == ("appt-1", None)
        desk.undo(request)
        assert (desk.answered_by(request), desk.answered_by(other)) == (None, "appt-1")
        desk.minutes(2)
        assert desk.told(request) == [CONFIRMED, CORRECTION]
        assert desk.told(other) == [CONFIRMED]

    def test_where_the_visit_was_entered_twice_the_other_one_is_the_answer(self, desk: Desk) -> None:
        request = desk.ask()
        desk.enter("appt-1")
        desk.enter("appt-2")
        desk.minutes()
        first = desk.answered_by(request)
        undone = desk.undo(request)
        assert {first, desk.answered_by(request)} == {"appt-1", "appt-2"}
        assert undone == desk.stored(request)

    def test_staff_may_accept_it_again_all_the_same(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.undo(request)
        desk.accept(request)
        desk.minutes(2)
        assert desk.answered_by(request) == "appt-1"
        assert desk.told(request) == [CONFIRMED, CORRECTION, CONFIRMED]

    def test_the_visit_may_be_the_answer_to_another_request(self, desk: Desk) -> None:
        wrong = desk.ask(first_name="Marta")
        desk.enter(**at(LATER), patient=a_record(birth_date=date(1984, 3, 13)))
        desk.minutes()
        desk.accept(wrong)
        desk.minutes(2)
        right = desk.ask(1, start=START + timedelta(hours=1))
        desk.minutes(2)
        assert right.id not in desk.list_to_act("harbor", NADIA).matched
        desk.undo(wrong)
        assert right.id in desk.list_to_act("harbor", NADIA).matched
        (found,) = desk.show_request("harbor", NADIA, right.id).explained.suggestions
        assert found.visit.row.external_id == "appt-1"

    def test_what_is_not_linked_cannot_be_undone(self, desk: Desk) -> None:
        request = mistyped(desk)
        with pytest.raises(RequestAlreadyAnswered):
            desk.undo(request)
        desk.accept(request)
        desk.undo(request)
        with pytest.raises(RequestAlreadyAnswered):
            desk.undo(request)

    def test_a_move_that_was_told_is_corrected_too(self, desk: Desk) -> None:
        request = mistyped(desk)
        desk.accept(request)
        desk.change(**at(LATER))
        desk.pull(minutes=0.5)
        desk.minutes(4)
        (told,) = desk.told(request)
        desk.undo(request)
        desk.minutes()
        assert desk.told(request) == [told, CORRECTION]

    def test_a_wish_to_cancel_goes_with_the_link(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.cancel_by_patient("harbor", desk.links.of(request))
        undone = desk.undo(request)
        assert (undone.pending, undone.asked_to_cancel_at) == (True, None)

    def test_what_is_undone_can_be_cancelled_by_staff_whoever_cancelled_before(self, desk: Desk) -> None:
        desk.source.read_by_id = False
        desk.enter("stays", patient=None)
        request = desk.confirmed()
        desk.source.delete("appt-1")
        desk.minutes(3)
        desk.answer_vanished("harbor", NADIA, request.id, is_cancelled=True)
        undone = desk.undo(request)
        assert (undone.state, undone.cancelled_by) == (RequestState.REQUESTED, None)
        desk.cancel_by_staff("harbor", NADIA, request.id, "other", "")
        assert desk.stored(request).state is RequestState.CANCELLED

    def test_one_click_on_what_is_being_moved_undone_at_once_goes_on_being_moved(self, desk: Desk) -> None:
        request = desk.ask()
        desk.enter(patient=WRONG, **at(LATER))
        desk.minutes()
        desk.cancel_as_moved(request)
        desk.accept(request)
        undone = desk.undo(request)
        assert undone.state is RequestState.CANCELLED
        desk.minutes(4)
        assert desk.told(request) == [CANCELLED]


class TestDismissing:
    def test_it_stands_through_later_syncs_and_is_one_entry(self, desk: Desk) -> None:
        request = mistyped(desk)
        desk.dismiss(request)
        desk.dismiss(request)
        desk.change(state=AppointmentState.ARRIVED)
        desk.minutes(2)
        desk.change(state=AppointmentState.BOOKED, location_external_id="elsewhere")
        desk.minutes(70)
        assert desk.happened(request) == [Happening.NOT_THIS]
        assert desk.stored(request).pending

    def test_what_answers_the_request_by_now_is_undone_and_not_dismissed(self, desk: Desk) -> None:
        request = desk.ask()
        desk.enter()
        desk.minutes()
        with pytest.raises(RequestAlreadyAnswered):
            desk.dismiss(request)
        assert Happening.NOT_THIS not in desk.happened(request)

    def test_it_stands_when_the_source_orders_names_another_way(self, desk: Desk) -> None:
        names = (PersonName(("Maria",), "Nunez"), PersonName(("Maria",), "Reed"))
        request = mistyped(desk)
        desk.change(patient=replace(a_record(birth_date=date(1984, 12, 3)), names=names))
        desk.minutes()
        desk.dismiss(request)
        desk.change(patient=replace(a_record(birth_date=date(1984, 12, 3)), names=names[::-1]))
        desk.minutes(2)
        (dismissal,) = desk.stored(request).dismissals
        assert dismissal.identifiers == identifiers_of(desk.source.rows["appt-1"].patient)

    def test_it_stands_when_the_source_writes_the_same_another_way(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.undo(request)
        name = PersonName(("MARIA",), "NUNEZ")
        desk.change(patient=a_record(names=(name,), emails=tuple(map(str.upper, a_record().emails))))
        desk.minutes(2)
        assert desk.answered_by(request) is None

    def test_an_undo_while_the_record_cannot_be_looked_up_stands_when_it_can_be_again(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(patient=BARE)
        desk.minutes()
        desk.undo(request)
        desk.change(patient=a_record())
        desk.minutes(3)
        assert desk.answered_by(request) is None
        assert desk.told(request) == [CONFIRMED, CORRECTION]
        desk.change(patient=a_record(source_id="pat-2"))
        desk.minutes()
        assert desk.answered_by(request) == "appt-1"

    def test_it_stands_while_the_record_cannot_be_looked_up(self, desk: Desk) -> None:
        request = mistyped(desk)
        desk.dismiss(request)
        desk.change(patient=BARE)
        desk.minutes()
        assert is_dismissed(desk.stored(request), desk.visit())
        desk.change(patient=a_record())
        desk.minutes()
        assert desk.answered_by(request) == "appt-1"

    def test_an_undo_of_a_visit_that_is_not_kept_any_more_stands(self, desk: Desk) -> None:
        request = desk.confirmed()
        visit = desk.visit()
        kept = desk.store.appointments_by_key
        (key,) = [key for key, one in kept.items() if one.id == visit.id]
        del kept[key]
        undone = desk.undo(request)
        assert is_dismissed(undone, visit)

    def test_it_stands_although_it_would_confirm_by_itself_once_its_time_changes(self, desk: Desk) -> None:
        request = desk.ask()
        desk.enter(**at(LATER))
        desk.minutes()
        desk.dismiss(request)
        desk.change(**at(START))
        desk.minutes(2)
        assert desk.stored(request).pending

    @pytest.mark.parametrize(
        "record",
        [a_record(), a_record(source_id="pat-2"), a_record(phones=("+14155552671", "+14155550000"))],
    )
    def test_a_changed_identifier_lifts_it(self, desk: Desk, record: Any) -> None:
        request = mistyped(desk)
        desk.dismiss(request)
        desk.change(patient=record)
        desk.minutes()
        assert desk.answered_by(request) == "appt-1"

    def test_it_stands_however_many_others_are_dismissed_after_it(self, desk: Desk) -> None:
        request = desk.ask()
        others = [f"other-{number}" for number in range(100)]
        for external_id in ("appt-1", *others):
            desk.enter(external_id, **at(LATER))
        desk.minutes()
        for external_id in ("appt-1", *others):
            desk.dismiss(request, external_id)
        desk.change(**at(START))
        desk.minutes(2)
        assert desk.stored(request).pending
        assert len(request_item(desk.stored(request)).body) < 4_000

    def test_it_can_be_taken_back_once_and_is_an_entry(self, desk: Desk) -> None:
        request = mistyped(desk)
        desk.dismiss(request)
        assert desk.explain_request(desk.practice, desk.stored(request)).suggestions == ()

        desk.perhaps(request)
        desk.perhaps(request)

        assert desk.happened(request) == [Happening.NOT_THIS, Happening.PERHAPS_THIS]
        explained = desk.explain_request(desk.practice, desk.stored(request))
        assert [one.visit.id for one in explained.suggestions] == [desk.visit().id]
        assert explained.dismissed == ()
        assert desk.stored(request).pending
        with pytest.raises(Forbidden):
            desk.perhaps(request, by=VIC)

    def test_taken_back_of_a_visit_on_which_all_agrees_the_visit_confirms(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.undo(request)
        desk.minutes(2)
        assert desk.stored(request).pending

        desk.perhaps(request)

        assert desk.answered_by(request) == "appt-1"
        assert desk.happened(request)[-2:] == [Happening.PERHAPS_THIS, Happening.CONFIRMED]

    def test_taken_back_while_somebody_else_writes_nothing_is_lost(self, desk: Desk) -> None:
        request = mistyped(desk)
        desk.dismiss(request)
        desk.enter("appt-2", patient=WRONG, **at(LATER))
        desk.minutes()
        desk.store.before_commit = lambda: desk.dismiss(request, "appt-2")

        desk.perhaps(request)

        assert [one.appointment_id for one in desk.stored(request).dismissals] == [desk.visit("appt-2").id]

    def test_taken_back_of_a_request_that_had_ended_the_visit_comes_late(self, desk: Desk) -> None:
        request = desk.ask()
        desk.enter(**at(LATER))
        desk.minutes()
        desk.dismiss(request)
        desk.change(**at(START))
        desk.cancel_by_patient("harbor", desk.links.of(request))
        desk.minutes()
        assert desk.answered_by(request) is None
        told = desk.told(request)
        desk.perhaps(request)
        desk.minutes(3)
        assert desk.answered_by(request) == "appt-1"
        assert desk.timeline(request)[-1].detail == "after_patient"
        assert desk.told(request) == told

    @pytest.mark.parametrize(
        "comes_back",
        [
            lambda desk: (desk.call_off(), desk.minutes(3), desk.book_again()),
            lambda desk: (desk.change(provider_external_id="prac-brandt"), desk.minutes(4)),
            lambda desk: (desk.source.hidden.add("appt-1"), desk.minutes(4), desk.source.hidden.clear()),
            lambda desk: (desk.change(**at(LATER)), desk.minutes(3), desk.change(**at(START))),
            lambda desk: (desk.change(patient=None), desk.minutes(3), desk.change(patient=a_record())),
        ],
        ids=["cancelled", "with another provider", "not shown", "moved", "without a patient"],
    )
    @pytest.mark.parametrize("ended", [False, True], ids=["it waits", "it had ended"])
    def test_it_stands_whatever_becomes_of_the_visit_meanwhile(self, desk: Desk, comes_back: Any, ended: bool) -> None:
        desk.enter("stays", patient=None, **at(START + timedelta(days=3)))
        request = desk.confirmed()
        desk.undo(request)
        if ended:
            desk.cancel_by_staff("harbor", NADIA, request.id, "other", "")
        comes_back(desk)
        desk.minutes(4)
        assert desk.answered_by(request) is None
        assert desk.visit().state is AppointmentState.BOOKED
        assert desk.visit().missing_since is None

    def test_it_is_of_one_request_only(self, desk: Desk) -> None:
        request = desk.ask()
        desk.enter(**at(LATER))
        desk.minutes()
        desk.dismiss(request)
        other = desk.ask(1, start=LATER)
        desk.change(**at(LATER + timedelta(minutes=30)))
        desk.minutes()
        desk.change(**at(LATER))
        desk.minutes()
        assert desk.answered_by(other) == "appt-1"

    def test_nobody_is_told(self, desk: Desk) -> None:
        request = mistyped(desk)
        desk.dismiss(request)
        desk.minutes(3)
        assert desk.told(request) == []

    def test_a_visit_that_is_not_there_is_nothing_to_dismiss(self, desk: Desk) -> None:
        request = mistyped(desk)
        assert desk.dismiss_match("harbor", NADIA, request.id, "osei", "x" * 13) == desk.stored(request)


class TestComingLate:
    @pytest.mark.parametrize("by", ["patient", "staff"])
    def test_what_answers_a_cancelled_request_is_linked_and_says_why(self, desk: Desk, by: str) -> None:
        request = desk.ask()
        if by == "patient":
            desk.cancel_by_patient("harbor", desk.links.of(request))
        else:
            desk.cancel_by_staff("harbor", NADIA, request.id, "other", "")
        desk.deliver()
        told = desk.told(request)
        desk.enter()
        desk.minutes(5)
        assert desk.answered_by(request) == "appt-1"
        assert desk.told(request) == told
        assert [(e.what, e.detail) for e in desk.timeline(request)][-1] == (Happening.CAME_LATE, f"after_{by}")
        assert desk.places() == []

    def test_what_answers_an_expired_request_is_linked_and_says_why(self, desk: Desk) -> None:
        request = desk.ask()
        desk.clock.at = START + timedelta(minutes=1)
        desk.minutes(2)
        desk.enter(state=AppointmentState.COMPLETED)
        desk.minutes(3)
        assert desk.answered_by(request) == "appt-1"
        assert desk.stored(request).shown_state == "completed"
        assert desk.told(request) == [EXPIRED]
        assert desk.timeline(request)[-1].detail == "after_expiry"

    def test_what_answers_a_request_that_is_cancelled_in_that_moment_is_linked_too(self, desk: Desk) -> None:
        request = desk.ask()
        desk.enter()

        def is_stored() -> None:
            desk.store.before_commit = is_tied

        def is_tied() -> None:
            desk.cancel_by_patient("harbor", desk.links.of(request))

        desk.store.before_commit = is_stored
        desk.minutes(2)
        assert desk.answered_by(request) == "appt-1"
        assert [entry.what for entry in desk.timeline(request)][1:] == [Happening.CANCELLED, Happening.CAME_LATE]

    @pytest.mark.parametrize("how", ["other", "moved"])
    def test_what_answers_a_request_that_is_cancelled_before_the_index_says_so_is_linked_too(
        self, desk: Desk, how: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        request = desk.ask()
        desk.enter()

        def closed(*_: object) -> list[Request]:
            if desk.stored(request).pending:
                desk.cancel_by_staff("harbor", NADIA, request.id, how, "")
            return []

        monkeypatch.setattr(type(desk.store.requests), "closed", closed)
        desk.pull()
        late = [Happening.CANCELLED, Happening.CAME_LATE]
        assert desk.happened(request) == (late if how == "other" else [Happening.CANCELLED])
        desk.minutes(3)
        assert desk.answered_by(request) == "appt-1"

    def test_of_several_that_had_ended_the_oldest_is_answered(self, desk: Desk) -> None:
        asked = []
        for number in (1, 2, 3):
            asked.append(desk.ask(number))
            desk.cancel_by_patient("harbor", desk.links.of(asked[-1]))
            desk.clock.advance(seconds=1)
        desk.enter()
        desk.minutes()
        assert min(asked, key=lambda one: one.id) is not asked[0]
        assert [desk.answered_by(one) for one in asked] == ["appt-1", None, None]

    def test_of_two_visits_that_came_late_the_other_one_answers_when_one_is_undone(self, desk: Desk) -> None:
        request = desk.ask()
        desk.cancel_by_patient("harbor", desk.links.of(request))
        desk.enter("appt-1")
        desk.enter("appt-2")
        desk.minutes()
        first = desk.answered_by(request)
        desk.undo(request)
        assert {first, desk.answered_by(request)} == {"appt-1", "appt-2"}
        desk.undo(request)
        assert desk.stored(request).state is RequestState.CANCELLED

    def test_who_waits_comes_before_who_had_cancelled(self, desk: Desk) -> None:
        request = desk.ask()
        desk.cancel_by_patient("harbor", desk.links.of(request))
        other = desk.ask(1)
        desk.enter()
        desk.minutes()
        assert (desk.answered_by(request), desk.answered_by(other)) == (None, "appt-1")

    def test_who_had_cancelled_may_ask_to_cancel_the_visit_that_came_late(self, desk: Desk) -> None:
        request = desk.ask()
        link = desk.links.of(request)
        desk.cancel_by_patient("harbor", link)
        desk.enter()
        desk.minutes()
        assert desk.cancel_by_patient("harbor", link).request.asked_to_cancel_at
        assert desk.stored(request).to_act

    def test_what_staff_had_cancelled_and_is_linked_is_not_cancelled_here(self, desk: Desk) -> None:
        request = desk.ask()
        desk.cancel_by_staff("harbor", NADIA, request.id, "other", "")
        desk.enter()
        desk.minutes()
        with pytest.raises(RequestAlreadyAnswered):
            desk.cancel_by_staff("harbor", NADIA, request.id, "other", "")

    def test_its_moves_are_no_news_to_who_had_cancelled(self, desk: Desk) -> None:
        request = desk.ask()
        desk.cancel_by_patient("harbor", desk.links.of(request))
        desk.enter()
        desk.minutes()
        desk.change(**at(LATER))
        desk.minutes(5)
        assert desk.stored(request).start == LATER
        assert desk.told(request) == ["cancelled_by_patient_receipt"]

    def test_it_is_undone_as_it_came(self, desk: Desk) -> None:
        request = desk.ask()
        desk.cancel_by_staff("harbor", NADIA, request.id, "other", "")
        desk.enter()
        desk.minutes()
        assert desk.undo(request).state is RequestState.CANCELLED
        desk.minutes(3)
        assert desk.answered_by(request) is None
        assert desk.told(request) == [CANCELLED]

    def test_its_cancellation_in_the_source_is_no_news_to_who_had_cancelled(self, desk: Desk) -> None:
        request = desk.ask()
        desk.cancel_by_patient("harbor", desk.links.of(request))
        desk.deliver()
        told = desk.told(request)
        desk.enter()
        desk.minutes()
        desk.call_off()
        desk.minutes(5)
        assert desk.stored(request).shown_state == "cancelled"
        assert desk.told(request) == told


class TestAnotherPatient:
    def test_the_link_is_suspended_nothing_is_sent_and_staff_are_asked(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(patient=ANOTHER, **at(LATER))
        desk.minutes(5)
        found = desk.stored(request)
        assert found.suspended_at
        assert found.to_act
        assert found.start == START
        assert desk.told(request) == [CONFIRMED]
        assert desk.happened(request) == [Happening.CONFIRMED, Happening.SUSPENDED]

    @pytest.mark.parametrize("holds", [True, False])
    def test_what_was_about_to_go_out_waits_for_what_staff_say(self, desk: Desk, holds: bool) -> None:
        request = desk.ask()
        desk.enter()
        desk.mailer.fault = MailUnavailable()
        with pytest.raises(NotYet):
            desk.minutes()
        desk.mailer.fault = None
        desk.change(patient=ANOTHER)
        desk.minutes(5)
        assert desk.told(request) == []
        (desk.keep if holds else desk.undo)(request)
        desk.minutes(5)
        assert desk.told(request) == ([CONFIRMED] if holds else [])

    def test_so_does_a_move_that_was_about_to_go_out(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(**at(LATER))
        desk.minutes(2)
        desk.mailer.fault = MailUnavailable()
        with pytest.raises(NotYet):
            desk.minutes()
        desk.mailer.fault = None
        desk.change(patient=ANOTHER)
        desk.minutes(5)
        assert desk.told(request) == [CONFIRMED]
        desk.keep(request)
        desk.minutes(5)
        assert desk.told(request) == [CONFIRMED, RESCHEDULED]

    @pytest.mark.parametrize("holds", [True, False])
    def test_a_call_about_the_visit_waits_too(self, desk: Desk, holds: bool) -> None:
        request = desk.ask(email=None)
        desk.enter()
        desk.minutes()
        call = desk.stored(request).call_to_make
        assert call
        desk.change(patient=ANOTHER)
        desk.minutes(5)
        assert desk.stored(request).call_to_make is None
        (desk.keep if holds else desk.undo)(request)
        desk.minutes(5)
        assert desk.stored(request).call_to_make == (call if holds else None)

    def test_one_kept_at_another_time_is_about_that_time(self, desk: Desk) -> None:
        request = desk.ask(email=None)
        desk.enter()
        desk.minutes()
        desk.change(patient=ANOTHER, **at(LATER))
        desk.minutes(5)
        desk.keep(request)
        desk.minutes(5)
        call = desk.stored(request).call_to_make
        assert call
        assert (call.kind, call.old_start) == (MessageKind.RESCHEDULED_PATIENT, START)

    @pytest.mark.parametrize("holds", [True, False])
    def test_what_comes_back_meanwhile_is_a_call_once_they_keep_it(self, desk: Desk, holds: bool) -> None:
        request = desk.confirmed()
        desk.change(patient=ANOTHER)
        desk.minutes()
        sent = desk.mailer.sent[-1][3]
        desk.track_mail(ses_events.read(an_event("recorded_bounce_no_mailbox", request.id, sent["message"])))
        desk.minutes(5)
        assert desk.stored(request).call_to_make is None
        assert UNREACHABLE not in desk.last_mail()
        (desk.keep if holds else desk.undo)(request)
        desk.minutes(5)
        call = desk.stored(request).call_to_make
        assert (call is not None) == holds
        assert (UNREACHABLE in desk.last_mail()) == holds

    def test_a_receipt_that_waits_meanwhile_goes_out(self, desk: Desk) -> None:
        """It says what the patient did, whoever's the visit is."""
        request = desk.confirmed()
        desk.change(patient=ANOTHER)
        desk.minutes()
        desk.cancel_by_patient("harbor", desk.links.of(request))
        desk.minutes()
        assert desk.told(request) == [CONFIRMED, "asked_to_cancel_receipt"]

    @pytest.mark.parametrize(
        "record",
        [
            a_record(birth_date=date(1985, 3, 12)),
            a_record(names=(PersonName(("Maria",), "Jones"),)),
            a_record(phones=(), emails=("new@example.org",)),
            a_record(source_id="pat-9", former_ids=("pat-1",)),
        ],
    )
    def test_a_corrected_field_or_a_merged_record_keeps_it(self, desk: Desk, record: Any) -> None:
        request = desk.confirmed()
        desk.change(patient=record)
        desk.minutes(3)
        found = desk.stored(request)
        assert (found.suspended_at, found.to_act) == (None, False)
        assert desk.answered_by(request) == "appt-1"
        assert desk.told(request) == [CONFIRMED]

    @pytest.mark.parametrize("source_id", [None, "pat-1"])
    def test_who_becomes_another_step_by_step_is_compared_with_whom_it_was_linked_as(
        self, desk: Desk, source_id: str | None
    ) -> None:
        hers = a_record(source_id=source_id)
        request = desk.confirmed(patient=hers)
        desk.change(patient=(married := replace(hers, names=(PersonName(("Jo",), "Reed"),))))
        desk.minutes()
        assert not desk.stored(request).suspended_at
        desk.change(patient=replace(married, birth_date=date(1950, 1, 1)), **at(LATER))
        desk.minutes(4)
        assert desk.stored(request).suspended_at
        assert desk.told(request) == [CONFIRMED]

    @pytest.mark.parametrize(
        "names",
        [
            (PersonName(("MARIA",), "NUÑEZ"),),
            (PersonName(("Maria", "Elena"), "Nunez"),),
            (PersonName(("Maria",), "Jones"), PersonName(("Maria",), "Nunez", use=NameUse.OLD)),
        ],
    )
    def test_a_name_that_is_only_written_otherwise_is_the_same_name(
        self, desk: Desk, names: tuple[PersonName, ...]
    ) -> None:
        request = desk.confirmed()
        desk.change(patient=a_record(names=names, birth_date=date(1984, 3, 21)))
        desk.minutes(3)
        assert not desk.stored(request).suspended_at

    def test_a_record_that_could_not_be_read_for_a_while_is_the_same_when_it_comes_back(self, desk: Desk) -> None:
        request = desk.confirmed()
        for record in (RecordPatient("pat-1"), a_record()):
            desk.change(patient=record)
            desk.minutes()
            assert not desk.stored(request).suspended_at

    def test_a_record_that_could_not_be_read_comes_back_as_another_all_the_same(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(patient=RecordPatient("pat-1"))
        desk.minutes()
        desk.change(patient=replace(ANOTHER, source_id="pat-1"))
        desk.minutes()
        assert desk.stored(request).suspended_at

    def test_whoever_was_not_known_when_it_was_linked_is_once_the_record_says(self, desk: Desk) -> None:
        request = desk.ask()
        desk.enter(patient=RecordPatient("pat-1"))
        desk.minutes()
        desk.accept(request)
        desk.change(patient=a_record())
        desk.minutes()
        assert not desk.stored(request).suspended_at
        desk.change(patient=replace(ANOTHER, source_id="pat-1"))
        desk.minutes()
        assert desk.stored(request).suspended_at

    def test_records_that_are_merged_again_and_again_are_the_same(self, desk: Desk) -> None:
        request = desk.confirmed()
        for number in range(2, 5):
            desk.change(patient=a_record(source_id=f"pat-{number}", former_ids=(f"pat-{number - 1}",)))
            desk.minutes()
        assert not desk.stored(request).suspended_at

    def test_what_is_kept_is_linked_as_who_it_is_by_then(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(patient=ANOTHER)
        desk.minutes()
        desk.keep(request)
        desk.change(patient=replace(ANOTHER, birth_date=date(1950, 1, 2)))
        desk.minutes()
        assert not desk.stored(request).suspended_at
        desk.change(patient=a_record())
        desk.minutes()
        assert desk.stored(request).suspended_at

    def test_with_another_provider_it_is_linked_as_before(self, desk: Desk) -> None:
        hers = a_record(source_id=None)
        request = desk.confirmed(patient=hers)
        renamed = replace(hers, names=(PersonName(("Jo",), "Reed"),))
        desk.change(provider_external_id="prac-brandt", patient=renamed)
        desk.minutes(4)
        assert desk.visit().provider_id == "brandt"
        assert not desk.stored(request).suspended_at
        desk.change(patient=replace(renamed, birth_date=date(1950, 1, 1)))
        desk.minutes(2)
        assert desk.stored(request).suspended_at

    @pytest.mark.parametrize(
        "record",
        [
            a_record(source_id="pat-2"),
            a_record(names=(PersonName(("Jo",), "Reed"),), birth_date=date(1950, 1, 1)),
            None,
        ],
    )
    def test_another_id_or_another_name_and_birth_date_suspend_it(self, desk: Desk, record: Any) -> None:
        request = desk.confirmed()
        desk.change(patient=record)
        desk.minutes()
        assert desk.stored(request).suspended_at

    def test_what_is_kept_goes_on(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(patient=ANOTHER)
        desk.minutes()
        kept = desk.keep(request)
        assert (kept.suspended_at, kept.to_act) == (None, False)
        desk.minutes(3)
        assert desk.told(request) == [CONFIRMED]
        desk.change(**at(LATER))
        desk.minutes(4)
        assert desk.told(request) == [CONFIRMED, RESCHEDULED]

    def test_a_move_meanwhile_is_told_once_it_is_kept(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(patient=ANOTHER)
        desk.minutes()
        desk.change(**at(LATER))
        desk.minutes(5)
        assert desk.keep(request).start == LATER
        desk.minutes(4)
        assert desk.told(request) == [CONFIRMED, RESCHEDULED]

    def test_a_move_that_was_not_told_yet_is_told_once_it_is_kept(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(**at(LATER))
        desk.minutes()
        desk.change(patient=ANOTHER)
        desk.minutes(5)
        assert desk.told(request) == [CONFIRMED]
        desk.keep(request)
        desk.minutes(4)
        assert desk.told(request) == [CONFIRMED, RESCHEDULED]

    def test_a_cancellation_meanwhile_is_told_once_it_is_kept(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(patient=ANOTHER)
        desk.minutes()
        desk.call_off()
        desk.minutes(5)
        assert desk.told(request) == [CONFIRMED]
        desk.keep(request)
        desk.minutes(4)
        assert desk.stored(request).shown_state == "cancelled"
        assert desk.told(request) == [CONFIRMED, CANCELLED]

    def test_a_cancellation_that_was_not_told_yet_is_told_once_it_is_kept(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.pull()
        desk.change(patient=ANOTHER)
        desk.minutes(5)
        assert desk.told(request) == [CONFIRMED]
        desk.keep(request)
        desk.minutes(4)
        assert desk.told(request) == [CONFIRMED, CANCELLED]

    def test_what_staff_had_accepted_within_the_minute_is_told_once_it_is_kept(self, desk: Desk) -> None:
        request = mistyped(desk)
        desk.accept(request)
        desk.change(patient=ANOTHER)
        desk.pull(minutes=0.5)
        desk.minutes(3)
        assert desk.told(request) == []
        desk.keep(request)
        desk.minutes(3)
        assert desk.told(request) == [CONFIRMED]

    @pytest.mark.parametrize("state", [AppointmentState.TENTATIVE, AppointmentState.UNKNOWN])
    def test_what_became_tentative_meanwhile_waits_once_it_is_kept(self, desk: Desk, state: AppointmentState) -> None:
        request = desk.confirmed()
        desk.change(patient=ANOTHER, state=state, raw_state="?", **at(LATER))
        desk.minutes()
        desk.keep(request)
        desk.minutes(4)
        assert (desk.stored(request).shown_state, desk.stored(request).start) == ("booked", START)
        assert desk.told(request) == [CONFIRMED]

    def test_what_vanished_meanwhile_is_asked_once_it_is_kept(self, desk: Desk) -> None:
        desk.source.read_by_id = False
        request = desk.confirmed()
        desk.enter("stays", patient=None)
        desk.change(patient=ANOTHER)
        desk.minutes()
        desk.source.delete("appt-1")
        desk.minutes(3)
        desk.keep(request)
        assert desk.stored(request).vanished_at

    def test_with_another_provider_meanwhile_it_is_found(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(patient=ANOTHER)
        desk.minutes()
        desk.change(provider_external_id="prac-brandt")
        desk.minutes(4)
        kept = desk.keep(request)
        assert kept.link
        assert kept.link.provider_id == "brandt"
        assert desk.answered_by(request) == "appt-1"

    def test_a_visit_on_its_way_to_another_provider_answers_one_request(self, desk: Desk) -> None:
        request = desk.ask()
        desk.clock.advance(seconds=1)
        other = desk.ask(1)
        desk.enter()
        desk.minutes()
        desk.change(provider_external_id="prac-brandt")
        desk.minutes(4)
        assert (desk.answered_by(request), desk.answered_by(other)) == ("appt-1", None)
        assert desk.visit().provider_id == "brandt"
        assert desk.told(other) == []

    def test_it_can_be_undone_on_its_way(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(provider_external_id="prac-brandt")
        desk.minutes()
        desk.undo(request)
        desk.minutes(4)
        assert desk.answered_by(request) is None
        assert desk.stored(request).pending

    def test_who_becomes_another_with_another_provider_is_another_too(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(provider_external_id="prac-brandt", patient=ANOTHER, **at(LATER))
        desk.minutes(4)
        found = desk.stored(request)
        assert found.suspended_at
        assert desk.visit().provider_id == "brandt"
        assert desk.answered_by(request) == "appt-1"
        assert desk.told(request) == [CONFIRMED]

    def test_undone_the_request_waits_and_the_patient_is_told(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(patient=ANOTHER)
        desk.minutes()
        assert desk.undo(request).pending
        desk.minutes(3)
        assert desk.told(request) == [CONFIRMED, CORRECTION]
        assert desk.answered_by(request) is None
        assert desk.places() == []

    def test_undone_it_may_become_hers_again(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(patient=ANOTHER)
        desk.minutes()
        desk.undo(request)
        desk.change(patient=a_record())
        desk.minutes()
        assert desk.answered_by(request) == "appt-1"

    def test_the_visit_answers_whose_it_now_is_once_it_is_undone(self, desk: Desk) -> None:
        request = desk.ask()
        other = desk.ask(1, first_name="Jo", last_name="Reed", birth_date="1950-01-01")
        desk.enter()
        desk.minutes()
        desk.change(patient=ANOTHER)
        desk.minutes()
        assert desk.answered_by(other) is None
        desk.undo(request)
        assert desk.answered_by(other) == "appt-1"

    def test_what_is_not_suspended_cannot_be_kept(self, desk: Desk) -> None:
        request = desk.confirmed()
        with pytest.raises(RequestAlreadyAnswered):
            desk.keep(request)


def void(_: object) -> None:
    return None


class TestLookedForByNameAndContacts:
    """What a pull did not weigh for a request, because that was linked, or is older than it."""

    @pytest.mark.parametrize("born", [None, date(1984, 3, 13)], ids=["no birth date", "one digit off"])
    @pytest.mark.parametrize("at_once", [False, True], ids=["while it waits", "at its end"])
    def test_once_a_link_is_undone_what_came_meanwhile_is_found(
        self, desk: Desk, born: date | None, at_once: bool
    ) -> None:
        request = desk.ask()
        desk.enter("wrong", patient=a_record(birth_date=date(1984, 3, 14)))
        desk.minutes(2)
        desk.accept(request, "wrong")
        desk.minutes(2)
        desk.enter("right", patient=a_record(birth_date=born), **at(LATER))
        desk.minutes(2)
        desk.undo(request)
        if not at_once:
            desk.minutes(2)
        desk.clock.at = START + timedelta(minutes=1)
        desk.minutes(4)
        assert desk.stored(request).pending  # staff are asked first
        assert self.suggested(desk, request) == ["right"]

    @pytest.mark.parametrize("taken_back", [False, True])
    def test_so_is_what_was_there_before_where_staff_dismiss_in_the_first_minute(
        self, desk: Desk, taken_back: bool
    ) -> None:
        desk.enter("there", patient=a_record(birth_date=None), **at(LATER))
        desk.minutes(2)
        request = desk.ask()
        desk.enter("other", patient=a_record(birth_date=date(1984, 3, 13)))
        desk.pull()
        desk.dismiss(request, "other")
        if taken_back:
            desk.perhaps(request, "other")
        desk.minutes(3)
        assert "there" in self.suggested(desk, request)

    def suggested(self, desk: Desk, request: Request) -> list[str]:
        found = desk.explain_request(desk.practice, desk.stored(request)).suggestions
        return [one.visit.row.external_id for one in found]
