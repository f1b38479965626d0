"""What a patient was to be told, and never was: nobody corrects it, and nothing that is still to say is lost with it."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from email import message_from_bytes, policy

import pytest
from msgspec.structs import replace
from oneway.domain.messages import MessageKind, Why
from oneway.domain.requests import Request, RequestState
from oneway.faults import MailBroke, MailError, MailThrottled, MailUnavailable
from oneway.mail import ses_events
from oneway.use_cases.send_messages import NotYet

from tests.builders import START, a_record
from tests.desk import CANCELLED, CONFIRMED, CORRECTION, EXPIRED, NADIA, NOT_CONFIRMED, RESCHEDULED, Desk, at
from tests.ses_events import an_event

WHEN = START + timedelta(days=7)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def minutes(desk: Desk, number: int = 3) -> None:
    """So many minutes, also where mail cannot be sent."""
    for _ in range(number):
        with suppress(NotYet):
            desk.minutes()


def to_tell(desk: Desk, request: Request) -> MessageKind | None:
    """What staff have to tell by phone."""
    call = desk.stored(request).call
    return call.kind if call else None


def staff_call(desk: Desk, request: Request) -> None:
    call = desk.stored(request).call
    assert call
    desk.close_call_task("harbor", NADIA, request.id, call.id)


class TestACorrectionOfNothing:
    def test_whom_nobody_called_is_called_about_no_answer(self, desk: Desk) -> None:
        request = desk.ask(start=WHEN, email=None)
        desk.enter(**at(WHEN))
        minutes(desk)
        assert to_tell(desk, request) is MessageKind.CONFIRMED_PATIENT
        desk.undo(request)
        minutes(desk)
        assert to_tell(desk, request) is None
        desk.clock.at = WHEN - timedelta(hours=23)
        minutes(desk)
        assert to_tell(desk, request) is MessageKind.NOT_CONFIRMED_PATIENT

    def test_what_was_entered_meanwhile_is_looked_for_all_the_same(self, desk: Desk) -> None:
        request = desk.ask(start=WHEN, email=None)
        desk.enter(**at(WHEN))
        minutes(desk)
        desk.enter("appt-2", patient=a_record(birth_date=date(1985, 3, 12)), **at(WHEN + timedelta(hours=1)))
        minutes(desk)
        desk.undo(request)
        desk.deliver()  # before the minute in which the clock looks
        minutes(desk)
        found = desk.explain_request(desk.practice, desk.stored(request)).suggestions
        assert [one.visit.row.external_id for one in found] == ["appt-2"]

    def test_undone_a_day_before_the_patient_hears_at_once(self, desk: Desk) -> None:
        request = desk.ask(start=WHEN, email=None)
        desk.enter(**at(WHEN))
        minutes(desk)
        desk.clock.at = WHEN - timedelta(hours=20)
        desk.undo(request)
        minutes(desk)
        assert to_tell(desk, request) is MessageKind.NOT_CONFIRMED_PATIENT

    def test_whose_confirmation_had_not_gone_out_is_written_to(self, desk: Desk) -> None:
        request = desk.ask(start=WHEN)
        desk.enter(**at(WHEN))
        desk.mailer.fault = MailUnavailable()
        minutes(desk)
        desk.undo(request)
        minutes(desk)
        desk.mailer.fault = None
        minutes(desk)
        desk.clock.at = WHEN - timedelta(hours=23)
        minutes(desk)
        assert desk.told(request) == [NOT_CONFIRMED]

    def test_what_was_said_of_it_before_is_not_said_again(self, desk: Desk) -> None:
        request = desk.ask(start=WHEN)
        desk.clock.at = WHEN - timedelta(hours=23)
        minutes(desk)
        desk.mailer.fault = MailUnavailable()
        desk.enter(**at(WHEN))
        minutes(desk)
        desk.undo(request)
        minutes(desk)
        desk.mailer.fault = None
        minutes(desk, 12)
        assert desk.told(request) == [NOT_CONFIRMED]

    @pytest.mark.parametrize("email", [None, "maria@example.org"])
    def test_moved_found_and_untied_it_is_cancelled(self, desk: Desk, email: str | None) -> None:
        request = desk.ask(start=WHEN, email=email)
        desk.mailer.fault = MailUnavailable() if email else None
        desk.cancel_as_moved(request)
        desk.enter(**at(WHEN + timedelta(days=1)))
        minutes(desk)
        desk.undo(request)
        minutes(desk)
        desk.mailer.fault = None
        minutes(desk, 12)
        assert desk.stored(request).state is RequestState.CANCELLED
        if email:
            assert "METHOD" not in desk.last_mail()
            assert [one.kind for one in desk.store.messages.list("harbor", request.id)][-1] == CANCELLED
        else:
            assert to_tell(desk, request) is MessageKind.CANCELLED_PATIENT

    def test_unless_nobody_is_told_of_cancellations(self, desk: Desk) -> None:
        off = replace(desk.practice.switches, cancelled=False)
        desk.practice = replace(desk.practice, switches=off)
        desk.store.practices.save(desk.practice)
        request = desk.ask(start=WHEN, email=None)
        desk.cancel_as_moved(request)
        desk.enter(**at(WHEN + timedelta(days=1)))
        minutes(desk)
        desk.undo(request)
        minutes(desk)
        assert to_tell(desk, request) is None


class TestAcceptedAndTakenBack:
    """Within the minute, of which the patient hears nothing."""

    def test_what_was_about_to_be_said_is_said(self, desk: Desk) -> None:
        request = desk.ask()
        desk.enter(patient=a_record(birth_date=date(1984, 12, 3)))
        minutes(desk)
        desk.clock.at = START - timedelta(hours=2)
        desk.run_timers()
        desk.accept(request)
        with suppress(NotYet):
            desk.deliver()
        desk.clock.advance(seconds=30)
        desk.undo(request)
        minutes(desk)
        assert desk.told(request) == [NOT_CONFIRMED]

    def test_what_was_still_to_be_called_is_called(self, desk: Desk) -> None:
        request = desk.ask(email=None)
        desk.enter(patient=a_record(birth_date=date(1984, 12, 3)))
        desk.clock.at = START - timedelta(hours=2)
        minutes(desk)
        assert to_tell(desk, request) is MessageKind.NOT_CONFIRMED_PATIENT
        desk.accept(request)
        assert to_tell(desk, request) is None
        desk.undo(request)
        minutes(desk)
        assert to_tell(desk, request) is MessageKind.NOT_CONFIRMED_PATIENT


def switched_off(**switches: bool) -> Desk:
    """A practice that does not tell its patients of something."""
    desk = Desk()
    desk.practice = replace(desk.practice, switches=replace(desk.practice.switches, **switches))
    desk.store.practices.save(desk.practice)
    return desk


class TestACallThatIsNoLongerTrue:
    def test_of_what_staff_cancelled_nobody_says_that_it_was_received(self) -> None:
        desk = switched_off(cancelled=False)
        request = desk.ask()
        desk.track_mail(ses_events.read(an_event("bounce", request.id)))
        assert to_tell(desk, request) is MessageKind.RECEIVED_PATIENT
        desk.cancel_by_staff("harbor", NADIA, request.id, "not_available", "")
        assert not desk.stored(request).to_act

    def test_where_the_cancellation_is_told_the_call_stays_until_it_went_out_or_did_not(self, desk: Desk) -> None:
        request = desk.ask()
        desk.track_mail(ses_events.read(an_event("bounce", request.id)))
        desk.cancel_by_staff("harbor", NADIA, request.id, "not_available", "")
        assert to_tell(desk, request) is MessageKind.RECEIVED_PATIENT
        minutes(desk)
        assert to_tell(desk, request) is MessageKind.CANCELLED_PATIENT

    def test_of_what_expired_nobody_says_that_it_is_not_confirmed(self) -> None:
        desk = switched_off(expired=False)
        request = desk.ask(email=None)
        desk.clock.at = START - timedelta(hours=1)
        minutes(desk)
        assert to_tell(desk, request) is MessageKind.NOT_CONFIRMED_PATIENT
        desk.clock.at = START
        minutes(desk)
        assert desk.stored(request).state is RequestState.EXPIRED
        assert not desk.stored(request).to_act

    def test_of_what_is_moved_nobody_says_that_it_is_not_confirmed(self, desk: Desk) -> None:
        request = desk.ask(email=None)
        desk.clock.at = START - timedelta(hours=1)
        minutes(desk)
        desk.cancel_as_moved(request)
        assert to_tell(desk, request) is None

    def test_staff_who_have_called_are_not_told_that_nobody_could_be_reached(self, desk: Desk) -> None:
        request = desk.ask()
        desk.track_mail(ses_events.read(an_event("bounce", request.id)))
        desk.mailer.fault = MailUnavailable()
        minutes(desk)
        staff_call(desk, request)
        desk.mailer.fault = None
        minutes(desk, 12)
        assert desk.stored(request).due == ()
        names = [tags["message"] for *_, tags in desk.mailer.sent]
        assert not any(one.endswith(MessageKind.UNREACHABLE_STAFF) for one in names)


class TestACallThatWasNeverMade:
    def test_replaced_by_another_it_told_nothing(self, desk: Desk) -> None:
        request = desk.ask(start=WHEN, email=None)
        desk.enter(**at(WHEN))
        minutes(desk)
        desk.change(**at(WHEN + timedelta(hours=2)))
        minutes(desk, 6)
        assert to_tell(desk, request) is MessageKind.RESCHEDULED_PATIENT
        desk.undo(request)
        minutes(desk)
        assert to_tell(desk, request) is None

    def test_nor_did_mail_that_came_back(self, desk: Desk) -> None:
        request = desk.ask(start=WHEN)
        desk.enter(**at(WHEN))
        minutes(desk)
        (told,) = [one for one in desk.store.messages.list("harbor", request.id) if one.kind == CONFIRMED]
        desk.track_mail(ses_events.read(an_event("bounce", request.id, told.id)))
        desk.change(**at(WHEN + timedelta(hours=2)))
        minutes(desk, 6)
        assert to_tell(desk, request) is MessageKind.RESCHEDULED_PATIENT
        desk.undo(request)
        minutes(desk)
        assert to_tell(desk, request) is None

    def test_what_was_told_by_phone_is_corrected(self, desk: Desk) -> None:
        request = desk.ask(start=WHEN, email=None)
        desk.enter(**at(WHEN))
        minutes(desk)
        staff_call(desk, request)
        desk.change(**at(WHEN + timedelta(hours=2)))
        minutes(desk, 6)
        desk.undo(request)
        minutes(desk)
        assert to_tell(desk, request) is MessageKind.CORRECTION_PATIENT

    def test_of_what_expires_unanswered_the_patient_is_told(self, desk: Desk) -> None:
        request = desk.ask(start=WHEN, email=None)
        desk.enter(**at(WHEN))
        minutes(desk)
        desk.change(**at(WHEN + timedelta(hours=2)))
        minutes(desk, 6)
        desk.undo(request)
        desk.source.delete("appt-1")
        minutes(desk, 6)
        desk.clock.at = WHEN
        minutes(desk)
        assert to_tell(desk, request) is MessageKind.EXPIRED_PATIENT


class TestTakenBackTwice:
    """What was told is taken back; what came after it was never told, and needs no taking back."""

    def test_a_correction_is_not_repeated(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.undo(request)
        minutes(desk)
        desk.mailer.fault = MailUnavailable()
        desk.accept(request)
        minutes(desk)
        desk.undo(request)
        minutes(desk)
        desk.mailer.fault = None
        minutes(desk, 12)
        assert desk.told(request) == [CONFIRMED, MessageKind.CORRECTION_PATIENT]

    def test_a_cancellation_of_what_was_not_theirs_is_corrected(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        minutes(desk, 6)
        desk.undo(request)
        minutes(desk)
        assert desk.told(request) == [CONFIRMED, CANCELLED, MessageKind.CORRECTION_PATIENT]
        desk.cancel_by_staff("harbor", NADIA, request.id, "other", "")
        minutes(desk)
        assert desk.told(request)[3:] == [CANCELLED]

    def test_nor_is_a_cancellation(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        minutes(desk, 6)
        desk.mailer.fault = MailUnavailable()
        desk.book_again()
        minutes(desk, 8)
        desk.call_off()
        minutes(desk, 12)
        desk.mailer.fault = None
        minutes(desk, 12)
        assert desk.told(request) == [CONFIRMED, CANCELLED]
        assert desk.stored(request).due == ()


class TestMovedBackToTheTimeThatWasAskedFor:
    """Accepted at another time, and moved to the one that was asked for before that could be told."""

    def moved_back(self, desk: Desk, request: Request) -> None:
        desk.mailer.fault = MailUnavailable()
        desk.accept(request)
        minutes(desk, 4)
        desk.change(**at(START))
        minutes(desk, 4)
        desk.mailer.fault = None
        minutes(desk, 12)

    def test_whoever_waits_is_told_that_it_is_confirmed(self, desk: Desk) -> None:
        request = desk.ask()
        desk.enter(**at(START + timedelta(days=1)))
        minutes(desk)
        self.moved_back(desk, request)
        assert desk.told(request)
        mail = message_from_bytes(desk.mailer.sent[-1][0], policy=policy.default)
        assert mail["Subject"] == "Harbor Clinic: your visit on Tuesday, November 24, 2026 is confirmed"
        assert b"METHOD:REQUEST" in _calendar(desk.mailer.sent[-1][0])

    @pytest.mark.parametrize("fault", [None, MailBroke()])
    def test_so_is_who_was_or_may_have_been_told_of_a_mistake(self, desk: Desk, fault: MailError | None) -> None:
        request = desk.confirmed()
        desk.mailer.fault = fault
        desk.undo(request)
        minutes(desk)
        desk.change(**at(START + timedelta(days=1)))
        minutes(desk)
        self.moved_back(desk, request)
        assert "is confirmed" in message_from_bytes(desk.mailer.sent[-1][0], policy=policy.default)["Subject"]


class TestToldAnewAfterACorrection:
    """What was corrected, and confirmed again: who was told to come is not told that nobody answered."""

    def confirmed_again(self, desk: Desk) -> Request:
        request = desk.confirmed()
        desk.undo(request)
        minutes(desk)
        desk.accept(request)
        minutes(desk)
        return request

    def untied_too_late(self, desk: Desk, request: Request) -> None:
        desk.clock.at = START
        desk.undo(request)
        desk.source.delete("appt-1")
        desk.mailer.fault = None
        minutes(desk, 6)
        assert desk.stored(request).state is RequestState.EXPIRED
        assert desk.stored(request).due == ()

    def test_nobody_says_that_it_was_not_answered(self, desk: Desk) -> None:
        request = self.confirmed_again(desk)
        assert desk.told(request) == [CONFIRMED, CORRECTION, CONFIRMED]
        self.untied_too_late(desk, request)
        assert desk.told(request) == [CONFIRMED, CORRECTION, CONFIRMED]

    def test_unless_it_was_never_confirmed_again(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.undo(request)
        minutes(desk)
        desk.mailer.fault = MailUnavailable()
        desk.accept(request)
        minutes(desk)
        self.untied_too_late(desk, request)
        assert desk.told(request) == [CONFIRMED, CORRECTION, EXPIRED]


SOON = START - timedelta(hours=2, minutes=30)
AWAY = [MailUnavailable(), MailThrottled(), MailBroke()]


@pytest.mark.parametrize("fault", AWAY, ids=lambda one: type(one).__name__)
class TestMailIsAwayAndTheVisitIsSoon:
    """The patient would be told nothing until it begins: staff call, and the message is tried on."""

    def cancelled(self, desk: Desk, fault: MailError, minutes_away: int) -> Request:
        request = desk.confirmed()
        desk.clock.at = SOON
        desk.mailer.fault = fault
        desk.call_off()
        minutes(desk, minutes_away)
        return request

    def test_staff_are_told_to_call(self, desk: Desk, fault: MailError) -> None:
        request = self.cancelled(desk, fault, 20)
        call = desk.stored(request).call
        assert call
        assert (call.kind, call.why) == (MessageKind.CANCELLED_PATIENT, Why.AWAY)
        assert desk.stored(request).to_act

    def test_not_at_once(self, desk: Desk, fault: MailError) -> None:
        assert to_tell(desk, self.cancelled(desk, fault, 8)) is None

    def test_not_where_the_visit_is_not_soon(self, desk: Desk, fault: MailError) -> None:
        request = desk.confirmed()
        desk.mailer.fault = fault
        desk.call_off()
        minutes(desk, 30)
        assert to_tell(desk, request) is None

    def test_it_is_soon_as_well_where_it_was_to_be(self, desk: Desk, fault: MailError) -> None:
        request = desk.confirmed()
        desk.clock.at = SOON
        desk.mailer.fault = fault
        desk.change(**at(WHEN))
        minutes(desk, 20)
        assert to_tell(desk, request) is MessageKind.RESCHEDULED_PATIENT

    def test_sent_after_all_nobody_has_to_call(self, desk: Desk, fault: MailError) -> None:
        request = self.cancelled(desk, fault, 20)
        desk.mailer.fault = None
        minutes(desk, 12)
        assert desk.told(request) == [CONFIRMED, CANCELLED]
        assert not desk.stored(request).to_act
        names = [str(tags["message"]) for *_, tags in desk.mailer.sent]
        assert not [one for one in names if one.endswith(MessageKind.UNREACHABLE_STAFF)]

    def test_who_has_called_is_not_asked_again(self, desk: Desk, fault: MailError) -> None:
        request = self.cancelled(desk, fault, 20)
        staff_call(desk, request)
        minutes(desk, 20)
        assert to_tell(desk, request) is None

    def test_until_it_begins(self, desk: Desk, fault: MailError) -> None:
        request = self.cancelled(desk, fault, 20)
        desk.clock.at = START - timedelta(minutes=10)
        minutes(desk, 1)
        assert to_tell(desk, request) is MessageKind.CANCELLED_PATIENT
        desk.clock.at = START
        minutes(desk, 6)
        assert not desk.stored(request).to_act
        assert desk.stored(request).due == ()

    def test_of_a_later_visit_the_call_stays(self, desk: Desk, fault: MailError) -> None:
        """The time that the patient knows is past, and they still have to hear of the new one."""
        request = desk.confirmed()
        desk.clock.at = SOON
        desk.mailer.fault = fault
        desk.change(**at(WHEN))
        minutes(desk, 20)
        desk.clock.at = START
        minutes(desk, 6)
        assert to_tell(desk, request) is MessageKind.RESCHEDULED_PATIENT

    def test_booked_again_there_is_nothing_to_tell(self, desk: Desk, fault: MailError) -> None:
        request = self.cancelled(desk, fault, 20)
        desk.book_again()
        minutes(desk, 3)
        assert to_tell(desk, request) is not MessageKind.CANCELLED_PATIENT


class TestACancellationOfWhatWasNeverTold:
    @pytest.fixture
    def called_off(self, desk: Desk) -> Request:
        """Accepted at another time, and called off while mail of neither could be sent."""
        request = desk.ask(start=WHEN)
        desk.enter(**at(WHEN + timedelta(days=1)))
        minutes(desk)
        desk.accept(request)
        desk.mailer.fault = MailUnavailable()
        minutes(desk, 4)
        desk.call_off()
        minutes(desk, 4)
        desk.mailer.fault = None
        minutes(desk, 12)
        assert desk.told(request) == [CANCELLED]
        return request

    def test_no_calendar_loses_it(self, desk: Desk, called_off: Request) -> None:
        mail = message_from_bytes(desk.mailer.sent[-1][0])
        assert not [part for part in mail.walk() if part.get_content_type() == "text/calendar"]

    def test_it_names_the_time_that_was_asked_for(self, desk: Desk, called_off: Request) -> None:
        mail = message_from_bytes(desk.mailer.sent[-1][0], policy=policy.default)
        text = mail.get_body(("plain",)).get_content()
        assert "December 1" in text
        assert "December 2" not in text

    def test_nor_does_a_call_name_a_time_of_which_nobody_told(self, desk: Desk) -> None:
        request = desk.ask(start=WHEN, email=None)
        desk.enter(**at(WHEN + timedelta(days=1)))
        minutes(desk)
        desk.accept(request)
        minutes(desk, 4)
        desk.call_off()
        minutes(desk, 4)
        call = desk.stored(request).call
        assert call
        assert (call.kind, call.old_start) == (MessageKind.CANCELLED_PATIENT, None)

    def test_one_that_was_told_before_leaves_the_calendar(self, desk: Desk) -> None:
        request = desk.ask(start=WHEN)
        desk.enter(**at(WHEN))
        minutes(desk)
        desk.mailer.fault = MailUnavailable()
        desk.change(**at(WHEN + timedelta(days=1)))
        minutes(desk, 4)
        desk.call_off()
        minutes(desk, 4)
        desk.mailer.fault = None
        minutes(desk, 12)
        assert desk.told(request) == [CONFIRMED, CANCELLED]
        assert b"METHOD:CANCEL" in _calendar(desk.mailer.sent[-1][0])


class TestTakenBackAsItWasTold:
    """Told of a visit, and of nothing that happened to it since: what takes it back names the time that the patient knows."""

    def away(self, desk: Desk, *acts: Callable[[], object]) -> None:
        desk.mailer.fault = MailUnavailable()
        for act in acts:
            act()
            minutes(desk, 4)
        desk.mailer.fault = None
        minutes(desk, 12)

    def takes_it_back(self, desk: Desk) -> None:
        mime = desk.mailer.sent[-1][0]
        text = message_from_bytes(mime, policy=policy.default).get_body(("plain",)).get_content()
        assert "November 24" in text
        assert "November 26" not in text
        assert b"METHOD:CANCEL" in _calendar(mime)
        assert b"20261124T093000" in _calendar(mime)

    @pytest.mark.parametrize("again", [START, START + timedelta(days=2)])
    def test_called_off_booked_again_and_untied_it_is_corrected(self, desk: Desk, again: datetime) -> None:
        request = desk.confirmed()
        self.away(desk, desk.call_off, lambda: desk.book_again(**at(again)), lambda: desk.undo(request))
        assert desk.told(request) == [CONFIRMED, CORRECTION]
        self.takes_it_back(desk)

    @pytest.mark.parametrize("again", [START, START + timedelta(days=2)])
    def test_called_off_booked_again_and_called_off_it_is_cancelled(self, desk: Desk, again: datetime) -> None:
        request = desk.confirmed()
        self.away(desk, desk.call_off, lambda: desk.book_again(**at(again)), desk.call_off)
        assert desk.told(request) == [CONFIRMED, CANCELLED]
        self.takes_it_back(desk)

    def test_where_the_first_correction_came_back_the_second_says_the_same(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(**at(START + timedelta(days=1)))
        minutes(desk, 4)
        desk.undo(request)
        minutes(desk)
        first = next(one for one in desk.store.messages.list("harbor", request.id) if one.kind == CORRECTION)
        desk.track_mail(ses_events.read(an_event("bounce_transient", request.id, first.id)))
        desk.change(**at(START + timedelta(days=2)))
        minutes(desk)
        self.away(desk, lambda: desk.accept(request), lambda: desk.undo(request))
        assert desk.told(request) == [CONFIRMED, RESCHEDULED, CORRECTION, CORRECTION]
        text = message_from_bytes(desk.mailer.sent[-1][0], policy=policy.default).get_body(("plain",)).get_content()
        assert "We told you of a visit on Wednesday, November 25" in text
        assert b"20261125T093000" in _calendar(desk.mailer.sent[-1][0])


def _calendar(mime: bytes) -> bytes:
    parts = message_from_bytes(mime).walk()
    return next(bytes(part.get_payload(decode=True)) for part in parts if part.get_content_type() == "text/calendar")
