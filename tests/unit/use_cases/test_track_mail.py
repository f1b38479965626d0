"""What came back of mail: the message's state, no more mail to that address, and a call, once each."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from oneway.domain.errors import Forbidden, LinkNotFound, PracticeNotFound, RequestNotFound, StoreUnavailable
from oneway.domain.messages import Delivery, DueMessage, MessageKind, MessageRecord, MessageState, Why
from oneway.domain.practices import Switches
from oneway.domain.requests import Happening, Request
from oneway.domain.suppression import mark_of
from oneway.faults import MailOutcomeUnknown, MailRefused, MailUnavailable
from oneway.mail import ses_events
from oneway.use_cases.send_messages import UNANSWERED, NotYet

from tests.builders import START
from tests.desk import LATER, NADIA, VIC, Desk, at
from tests.ses_events import NAMES, an_event

RECEIVED = "000001-received_patient"
READ = [name for name in NAMES if name not in ("rendering_failure", "not_ours")]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def say(desk: Desk, name: str, request: Request, message: str = RECEIVED) -> bool:
    return desk.track_mail(ses_events.read(an_event(name, request.id, message)))


def record(desk: Desk, request: Request, message: str = RECEIVED) -> MessageRecord:
    return next(one for one in desk.store.messages.list("harbor", request.id) if one.id == message)


def staff_mail(desk: Desk) -> list[str]:
    """The kinds of what staff got, beyond new requests."""
    kinds = [str(tags["message"]).partition("-")[2] for *_, tags in desk.mailer.sent]
    return [kind for kind in kinds if kind.endswith("_staff") and kind != MessageKind.RECEIVED_STAFF]


def unsure(desk: Desk) -> Request:
    """A confirmation of which the mail service never said whether it took it."""
    request = desk.ask()
    desk.enter()
    desk.clock.advance(minutes=1)
    desk.sync_feed("harbor", "ehr~osei")
    desk.mailer.fault = MailOutcomeUnknown()
    for waits in UNANSWERED:
        with pytest.raises(NotYet):
            desk.deliver()
        desk.clock.advance(seconds=waits.total_seconds() + 1)
    desk.mailer.fault = None
    desk.deliver()
    return request


def _unavailable(*_: object) -> None:
    raise StoreUnavailable("cut")


class TestState:
    @pytest.mark.parametrize(
        ("name", "delivery"),
        [
            ("send", Delivery.NOTHING),
            ("delivery", Delivery.DELIVERED),
            ("delay", Delivery.DELAYED),
            ("bounce", Delivery.BOUNCED),
            ("bounce_suppressed", Delivery.BOUNCED),
            ("bounce_transient", Delivery.BOUNCED),
            ("complaint", Delivery.COMPLAINED),
            ("reject", Delivery.REJECTED),
            ("recorded_send", Delivery.NOTHING),
            ("recorded_delivery", Delivery.DELIVERED),
            ("recorded_complaint", Delivery.COMPLAINED),
            ("recorded_bounce_no_such_user", Delivery.BOUNCED),
            ("recorded_bounce_no_mailbox", Delivery.BOUNCED),
            ("recorded_bounce_suppressed", Delivery.BOUNCED),
            ("recorded_automatic_answer", Delivery.NOTHING),
            ("recorded_automatic_answer_undetermined", Delivery.NOTHING),
        ],
    )
    def test_it_stands_on_the_message(self, desk: Desk, name: str, delivery: Delivery) -> None:
        request = desk.ask()
        assert say(desk, name, request)
        assert record(desk, request).delivery is delivery
        shown = desk.show_request("harbor", NADIA, request.id)
        assert next(one for one in shown.messages if one.id == RECEIVED).delivery is delivery

    @pytest.mark.parametrize("order", list(permutations(["send", "delay", "delivery", "complaint"])))
    def test_in_any_order_the_strongest_word_stays(self, order: tuple[str, ...]) -> None:
        desk = Desk()
        request = desk.ask()
        for name in (*order, *order):
            say(desk, name, request)
        assert record(desk, request).delivery is Delivery.COMPLAINED

    def test_of_a_message_that_nobody_knows_it_says_so(self, desk: Desk) -> None:
        request = desk.ask()
        assert not say(desk, "delivery", request, "000009-confirmed_patient")
        assert not desk.track_mail(ses_events.read(an_event("delivery", "aaaaaaaaaaaaa")))

    @pytest.mark.parametrize("name", ["rendering_failure", "not_ours"])
    def test_what_is_not_known_is_not_read(self, name: str) -> None:
        with pytest.raises(ses_events.MailEventUnknown):
            ses_events.read(an_event(name, "r"))

    @given(
        st.recursive(
            st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
        )
    )
    def test_whatever_comes_is_read_or_unknown(self, event: Any) -> None:
        for one in (event, {"detail": event}, {"detail": {"eventType": "Bounce", "mail": event}}):
            with pytest.raises(ses_events.MailEventUnknown):
                ses_events.read(one)


class TestBounce:
    @pytest.mark.parametrize("name", ["recorded_automatic_answer", "recorded_automatic_answer_undetermined"])
    def test_an_out_of_office_note_is_no_bounce(self, desk: Desk, name: str) -> None:
        """SES reports it as one, after the delivery."""
        request = desk.ask()
        say(desk, "recorded_delivery", request)
        say(desk, name, request)
        desk.deliver()
        assert record(desk, request).delivery is Delivery.DELIVERED
        assert desk.stored(request).call is None
        assert staff_mail(desk) == []
        assert desk.store.suppressed == {}

    @pytest.mark.parametrize("name", ["bounce", "bounce_suppressed", "complaint", "recorded_bounce_no_such_user"])
    def test_the_address_is_not_used_again_and_staff_have_to_call(self, desk: Desk, name: str) -> None:
        request = desk.ask()
        for _ in range(3):
            say(desk, name, request)
            desk.deliver()
        now = desk.stored(request)
        assert now.call
        assert now.call.kind is MessageKind.RECEIVED_PATIENT
        assert staff_mail(desk) == ["unreachable_staff"]
        assert desk.happened(request) == [Happening.UNREACHABLE]
        before = len(desk.mailer.sent)
        desk.enter()
        desk.minutes()
        assert desk.told(request) == []
        assert len(desk.mailer.sent) == before
        now = desk.stored(request)
        assert now.call
        assert (now.call.kind, now.call.why) == (MessageKind.CONFIRMED_PATIENT, Why.SUPPRESSED)
        shown = desk.show_request("harbor", NADIA, request.id)
        assert shown.suppressed

    @pytest.mark.parametrize("name", ["bounce_transient", "reject"])
    def test_what_passes_stops_no_address_but_this_message_has_to_be_told(self, desk: Desk, name: str) -> None:
        request = desk.ask()
        say(desk, name, request)
        assert desk.stored(request).call
        desk.enter()
        desk.minutes()
        assert desk.told(request) == ["confirmed_patient"]

    def test_a_delay_calls_for_nothing(self, desk: Desk) -> None:
        request = desk.ask()
        say(desk, "delay", request)
        desk.deliver()
        assert desk.stored(request).call is None
        assert staff_mail(desk) == []

    def test_of_this_practice_only(self, desk: Desk) -> None:
        request = desk.ask()
        say(desk, "bounce", request)
        assert desk.store.suppressions.get("harbor", mark_of("harbor", " MARIA@example.org"))
        assert not desk.store.suppressions.get("pier", mark_of("pier", "maria@example.org"))
        assert mark_of("pier", "maria@example.org") != mark_of("harbor", "maria@example.org")

    def test_another_request_of_the_same_address_is_not_mailed_and_staff_hear_of_it(self, desk: Desk) -> None:
        first = desk.ask()
        say(desk, "bounce", first)
        second = desk.ask(1, start=LATER)
        call = desk.stored(second).call
        assert call
        assert call.why is Why.SUPPRESSED
        assert desk.told(second) == []
        assert staff_mail(desk) == ["unreachable_staff", "unreachable_staff"]

    def test_until_staff_say_otherwise_and_a_late_repeat_changes_nothing(self, desk: Desk) -> None:
        request = desk.ask()
        say(desk, "bounce", request)
        with pytest.raises(Forbidden):
            desk.use_address_again("harbor", VIC, request.id)
        with pytest.raises(PracticeNotFound):
            desk.use_address_again("harbor", "eve@pier.example", request.id)
        desk.use_address_again("harbor", NADIA, request.id)
        say(desk, "bounce", request)
        desk.enter()
        desk.minutes()
        assert desk.told(request) == ["confirmed_patient"]

    def test_what_staff_say_of_an_address_is_one_entry_however_often_they_say_it(self, desk: Desk) -> None:
        request = desk.ask()
        say(desk, "bounce", request)
        desk.clock.advance(minutes=1)

        with pytest.MonkeyPatch.context() as cut:
            cut.setattr(type(desk.store.suppressions), "remove", _unavailable)
            with pytest.raises(StoreUnavailable):
                desk.use_address_again("harbor", NADIA, request.id)
        desk.use_address_again("harbor", NADIA, request.id)
        desk.use_address_again("harbor", NADIA, request.id)

        entries = [one for one in desk.timeline(request) if one.what is Happening.ADDRESS_AGAIN]
        assert [one.actor.name for one in entries] == [NADIA]
        assert not desk.store.suppressed

    def test_mail_to_staff_that_bounces_stops_there_and_calls_nobody(self, desk: Desk) -> None:
        request = desk.ask()
        event = replace(
            ses_events.read(an_event("bounce", request.id, "000001-received_staff")),
            recipients=("Front@harbor.example",),
        )
        desk.track_mail(event)
        assert desk.stored(request).call is None
        desk.ask(1, start=LATER, first_name="Jon")
        assert [to for _, _, to, _ in desk.mailer.sent].count(("front@harbor.example",)) == 1

    def test_of_two_recipients_each_bounce_counts(self, desk: Desk) -> None:
        desk.practice = replace(desk.practice, recipients=("front@harbor.example", "ben@harbor.example"))
        desk.store.practices.save(desk.practice)
        request = desk.ask()
        bounce = ses_events.read(an_event("bounce", request.id, "000001-received_staff"))
        for address in ("front@harbor.example", "ben@harbor.example", "front@harbor.example"):
            desk.track_mail(replace(bounce, recipients=(address,)))
        for address in desk.practice.recipients:
            assert desk.store.suppressions.get("harbor", mark_of("harbor", address))
        desk.store.suppressions.remove("harbor", mark_of("harbor", "ben@harbor.example"))
        for address in desk.practice.recipients:
            desk.track_mail(replace(bounce, recipients=(address,)))
        assert not desk.store.suppressions.get("harbor", mark_of("harbor", "ben@harbor.example"))

    def test_what_came_back_softly_may_come_back_for_good(self, desk: Desk) -> None:
        request = desk.ask()
        say(desk, "bounce_transient", request)
        desk.deliver()
        call = desk.stored(request).call
        assert call
        desk.close_call_task("harbor", NADIA, request.id, call.id)
        say(desk, "bounce", request)
        assert desk.store.suppressions.get("harbor", mark_of("harbor", "maria@example.org"))
        assert desk.stored(request).call is None  # staff have told the patient what this message says
        say(desk, "bounce_transient", request)
        desk.deliver()
        assert staff_mail(desk) == ["unreachable_staff"]

    def test_staff_are_told_once_and_again_after_they_have_called(self, desk: Desk) -> None:
        request = desk.ask()
        say(desk, "bounce_transient", request)
        desk.deliver()
        desk.enter()
        desk.minutes()
        confirmed = next(
            one.id for one in desk.store.messages.list("harbor", request.id) if one.id.endswith("confirmed_patient")
        )
        say(desk, "bounce_transient", request, confirmed)
        desk.deliver()
        call = desk.stored(request).call
        assert call
        assert call.id == confirmed
        assert staff_mail(desk) == ["unreachable_staff", "unreachable_staff"]  # the first call was no longer needed
        desk.close_call_task("harbor", NADIA, request.id, call.id)
        desk.call_off()
        desk.minutes(3)
        cancelled = next(
            one.id for one in desk.store.messages.list("harbor", request.id) if one.id.endswith("cancelled_patient")
        )
        say(desk, "bounce_transient", request, cancelled)
        desk.deliver()
        assert staff_mail(desk) == ["unreachable_staff"] * 3

    def test_it_comes_before_the_message_was_marked(self, desk: Desk) -> None:
        request = desk.submit().request
        claimed = MessageRecord(RECEIVED, MessageKind.RECEIVED_PATIENT, MessageState.CLAIMED, 1)
        desk.store.messages.claim("harbor", request.id, None, claimed)
        say(desk, "send", request)
        assert record(desk, request).state is MessageState.SENT

    def test_what_was_uncertain_is_not_any_more(self, desk: Desk) -> None:
        request = desk.ask()
        before = record(desk, request)
        unsure = replace(before, state=MessageState.UNCERTAIN, sent_at=None, mail_id="", why=Why.REFUSED)
        desk.store.messages.claim("harbor", request.id, before, unsure)
        say(desk, "recorded_send", request)
        after = record(desk, request)
        assert (after.state, after.why) == (MessageState.SENT, None)


class TestLookingForTheEvent:
    """Before a claim that ended without an answer is sent again, its event is looked for."""

    def test_what_ses_took_is_not_sent_twice(self, desk: Desk) -> None:
        request = desk.submit().request
        desk.mailer.fault = MailOutcomeUnknown()
        with pytest.raises(NotYet):
            desk.send_messages("harbor", request.id)
        desk.mailer.fault = None
        say(desk, "send", request, "000001-received_staff")
        desk.clock.advance(minutes=6)
        desk.deliver()
        assert [tags["message"] for *_, tags in desk.mailer.sent] == [RECEIVED]
        assert record(desk, request, "000001-received_staff").state is MessageState.SENT


def not_confirmed(desk: Desk) -> tuple[Request, str]:
    """A request whose patient was told not to come; that message."""
    request = desk.ask()
    desk.clock.at = START - timedelta(hours=1)
    desk.minutes()
    assert desk.told(request) == ["not_confirmed_patient"]
    return request, the(desk, request, MessageKind.NOT_CONFIRMED_PATIENT)


def confirmed(desk: Desk) -> tuple[Request, str]:
    request = desk.confirmed()
    return request, the(desk, request, MessageKind.CONFIRMED_PATIENT)


def received(desk: Desk) -> tuple[Request, str]:
    return desk.ask(), RECEIVED


def the(desk: Desk, request: Request, kind: MessageKind) -> str:
    return next(one.id for one in desk.store.messages.list("harbor", request.id) if one.kind is kind)


def is_entered(desk: Desk, request: Request) -> None:
    desk.enter()
    desk.minutes(4)


def is_called_off(desk: Desk, request: Request) -> None:
    desk.call_off()
    desk.minutes(4)


def is_moved(desk: Desk, request: Request) -> None:
    desk.change(**at(LATER))
    desk.minutes(5)


def is_untied(desk: Desk, request: Request) -> None:
    desk.undo(request)
    desk.minutes(2)


def is_turned_down(desk: Desk, request: Request) -> None:
    desk.cancel_by_staff("harbor", NADIA, request.id, "not_available", "")
    desk.minutes(2)


SAID_THEN_CAME = [
    (received, is_entered),
    (received, is_turned_down),
    (not_confirmed, is_entered),
    (confirmed, is_called_off),
    (confirmed, is_moved),
    (confirmed, is_untied),
]
"""What was said, and what came after it."""
Said, Came = Callable[[Desk], tuple[Request, str]], Callable[[Desk, Request], None]


class TestLateBounce:
    """A soft bounce comes hours after the message: staff are not asked to tell what is no longer so."""

    @pytest.mark.parametrize(("said", "came"), SAID_THEN_CAME)
    def test_whoever_has_the_newer_message_is_not_called_about_the_older(
        self, desk: Desk, said: Said, came: Came
    ) -> None:
        request, message = said(desk)
        came(desk, request)
        say(desk, "bounce_transient", request, message)
        desk.minutes()
        assert desk.stored(request).call is None
        assert staff_mail(desk).count(MessageKind.UNREACHABLE_STAFF) == 0
        assert record(desk, request, message).delivery is Delivery.BOUNCED

    @pytest.mark.parametrize(("said", "came"), SAID_THEN_CAME)
    def test_nor_where_it_came_back_before(self, desk: Desk, said: Said, came: Came) -> None:
        request, message = said(desk)
        say(desk, "bounce_transient", request, message)
        call = desk.stored(request).call
        assert call
        assert call.id == message
        came(desk, request)
        assert desk.stored(request).call is None

    @pytest.mark.parametrize(("said", "came"), SAID_THEN_CAME)
    def test_nor_where_the_newer_message_is_only_about_to_go_out(self, desk: Desk, said: Said, came: Came) -> None:
        request, message = said(desk)
        desk.mailer.fault = MailUnavailable()
        with suppress(NotYet):
            came(desk, request)
        with suppress(NotYet):
            desk.minutes(3)
        say(desk, "bounce_transient", request, message)
        desk.mailer.fault = None
        desk.minutes(2)
        assert desk.stored(request).call is None
        assert MessageKind.UNREACHABLE_STAFF not in staff_mail(desk)

    @pytest.mark.parametrize("said", [received, not_confirmed])
    @pytest.mark.parametrize("bounce_first", [True, False])
    def test_nor_where_the_practice_has_no_message_of_what_came(
        self, desk: Desk, said: Said, bounce_first: bool
    ) -> None:
        desk.practice = replace(desk.practice, switches=replace(desk.practice.switches, confirmed=False))
        desk.store.practices.save(desk.practice)
        request, message = said(desk)
        if bounce_first:
            say(desk, "bounce_transient", request, message)
        is_entered(desk, request)
        say(desk, "bounce_transient", request, message)
        assert desk.stored(request).call is None

    @pytest.mark.parametrize("bounce_first", [True, False])
    def test_nor_of_a_visit_that_was_cancelled_without_a_word(self, desk: Desk, bounce_first: bool) -> None:
        request, message = confirmed(desk)
        desk.practice = replace(desk.practice, switches=replace(desk.practice.switches, cancelled=False))
        desk.store.practices.save(desk.practice)
        if bounce_first:
            say(desk, "bounce_transient", request, message)
        is_called_off(desk, request)
        say(desk, "bounce_transient", request, message)
        assert desk.stored(request).call is None

    def test_of_a_visit_that_has_begun_nobody_is_called(self, desk: Desk) -> None:
        request, message = confirmed(desk)
        desk.clock.at = START + timedelta(minutes=1)
        say(desk, "bounce_transient", request, message)
        assert desk.stored(request).call is None

    def test_of_what_is_still_so_staff_are_told(self, desk: Desk) -> None:
        for said in (received, not_confirmed, confirmed):
            desk = Desk()
            request, message = said(desk)
            say(desk, "bounce_transient", request, message)
            call = desk.stored(request).call
            assert call
            assert call.id == message

    def test_a_cancellation_that_is_not_told_yet_does_not_count(self, desk: Desk) -> None:
        """If the visit is booked again, nobody is told anything: the call is all that says that it is confirmed."""
        request, message = confirmed(desk)
        desk.call_off()
        desk.clock.advance(minutes=1)
        desk.sync_feed("harbor", "ehr~osei")
        assert desk.stored(request).awaited
        say(desk, "bounce_transient", request, message)
        desk.book_again()
        desk.minutes(4)
        call = desk.stored(request).call
        assert call
        assert call.kind is MessageKind.CONFIRMED_PATIENT

    def test_the_call_names_the_time_that_the_patient_was_told(self, desk: Desk) -> None:
        """Of a visit at another time than the one asked for, which staff untied: the request has its own time again."""
        request = desk.ask()
        desk.enter(**at(LATER))
        desk.minutes()
        desk.accept(request)
        desk.minutes(3)
        desk.undo(request)
        desk.minutes(2)
        assert desk.told(request)[-1] == "correction_patient"
        say(desk, "bounce_transient", request, the(desk, request, MessageKind.CORRECTION_PATIENT))
        now = desk.stored(request)
        assert now.start == START
        assert now.call
        assert now.call.old_start == LATER

    def test_whom_staff_told_the_newer_by_phone_they_do_not_call_about_the_older(self, desk: Desk) -> None:
        request, message = confirmed(desk)
        desk.mailer.fault = MailRefused()
        is_moved(desk, request)
        call = desk.stored(request).call
        assert call
        assert call.kind is MessageKind.RESCHEDULED_PATIENT
        desk.close_call_task("harbor", NADIA, request.id, call.id)
        say(desk, "bounce_transient", request, message)
        assert desk.stored(request).call is None


class TestCallTasks:
    @pytest.mark.parametrize(
        ("act", "kind"),
        [
            (lambda desk, request: desk.enter(), MessageKind.CONFIRMED_PATIENT),
            (
                lambda desk, request: desk.cancel_by_staff("harbor", NADIA, request.id, "not_available", ""),
                MessageKind.CANCELLED_PATIENT,
            ),
            (lambda desk, request: setattr(desk.clock, "at", request.start), MessageKind.EXPIRED_PATIENT),
        ],
    )
    def test_without_an_address_each_message_is_a_call(
        self, desk: Desk, act: Callable[[Desk, Request], object], kind: MessageKind
    ) -> None:
        request = desk.ask(email=None)
        assert desk.stored(request).call is None  # the page has said that it arrived
        act(desk, request)
        desk.minutes(3)
        now = desk.stored(request)
        assert now.call
        assert (now.call.kind, now.call.why) == (kind, Why.NO_ADDRESS)
        assert now.id in [one.id for one in desk.list_to_act("harbor", NADIA).requests]
        assert "unreachable_staff" not in staff_mail(desk)  # staff knew when it was asked

    def test_a_refused_message_is_one_too(self, desk: Desk) -> None:
        request = desk.submit().request
        desk.mailer.fault = MailRefused()
        desk.deliver()
        call = desk.stored(request).call
        assert call
        assert call.why is Why.REFUSED

    def test_nobody_knows_whether_it_arrived_so_staff_call(self, desk: Desk) -> None:
        request = unsure(desk)
        call = desk.stored(request).call
        assert call
        assert (call.kind, call.why) == (MessageKind.CONFIRMED_PATIENT, Why.UNCERTAIN)
        assert desk.stored(request).to_act
        assert staff_mail(desk) == [MessageKind.UNREACHABLE_STAFF]

    def test_what_may_have_arrived_is_corrected_all_the_same(self, desk: Desk) -> None:
        request = unsure(desk)
        desk.undo_link("harbor", NADIA, request.id)
        desk.minutes()
        assert desk.told(request) == ["correction_patient"]
        assert desk.stored(request).call is None

    def test_once_the_mail_service_says_that_it_took_it_nobody_calls(self, desk: Desk) -> None:
        request = unsure(desk)
        call = desk.stored(request).call
        assert call
        for _ in range(2):
            say(desk, "send", request, call.id)
            assert desk.stored(request).call is None

    @pytest.mark.parametrize("name", ["recorded_send", "recorded_delivery"])
    def test_what_it_says_before_the_call_is_written_takes_that_away_too(
        self, desk: Desk, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Between the mark that nobody knows and the write of whom to call."""
        fake = type(desk.store.messages)
        mark = fake.mark

        def marked_and_told(self: Any, *given: Any) -> MessageRecord:
            done = mark(self, *given)
            if done.state is MessageState.UNCERTAIN:
                say(desk, name, desk.store.requests.get("harbor", given[1]), done.id)
            return done

        monkeypatch.setattr(fake, "mark", marked_and_told)
        request = unsure(desk)
        monkeypatch.undo()
        desk.minutes()
        assert desk.stored(request).call is None
        assert desk.stored(request).due == ()
        assert record(desk, request, the(desk, request, MessageKind.CONFIRMED_PATIENT)).state is MessageState.SENT

    def test_or_while_it_is_written(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        """The call is written after the event was kept with the message, and before it is looked for."""
        request = unsure(desk)
        with_call = desk.stored(request)
        assert with_call.call
        confirmed = the(desk, request, MessageKind.CONFIRMED_PATIENT)
        before = replace(with_call, call=None)
        desk.store.requests_by_id["harbor", request.id] = before
        fake = type(desk.store.messages)
        settle = fake.settle
        later = replace(with_call, settled=with_call.settled + 1)

        def settled_meanwhile(self: Any, *given: Any) -> Request | None:
            desk.store.requests_by_id["harbor", request.id] = later
            monkeypatch.undo()
            return settle(self, *given)

        monkeypatch.setattr(fake, "settle", settled_meanwhile)
        due = DueMessage(confirmed, MessageKind.CONFIRMED_PATIENT)
        desk.store.requests_by_id["harbor", request.id] = replace(before, due=(due,))
        say(desk, "send", request, confirmed)
        assert desk.stored(request).call is None

    def test_or_where_it_was_cut_and_comes_again(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        request = unsure(desk)
        confirmed = the(desk, request, MessageKind.CONFIRMED_PATIENT)
        monkeypatch.setattr(type(desk.store.messages), "settle", _unavailable)
        with pytest.raises(StoreUnavailable):
            say(desk, "send", request, confirmed)
        monkeypatch.undo()
        assert desk.stored(request).call
        say(desk, "send", request, confirmed)
        assert desk.stored(request).call is None

    def test_once_it_came_back_staff_know_why(self, desk: Desk) -> None:
        request = unsure(desk)
        call = desk.stored(request).call
        assert call
        for _ in range(2):
            say(desk, "bounce", request, call.id)
            assert desk.stored(request).call == replace(call, why=Why.BOUNCED, since=desk.clock.now())
        desk.minutes()
        assert staff_mail(desk) == [MessageKind.UNREACHABLE_STAFF]

    def test_what_a_later_state_overtook_needs_no_call(self, desk: Desk) -> None:
        request = desk.ask()
        desk.enter()
        desk.clock.advance(minutes=1)
        desk.sync_feed("harbor", "ehr~osei")
        desk.mailer.fault = MailOutcomeUnknown()
        with pytest.raises(NotYet):
            desk.deliver()
        desk.mailer.fault = None
        desk.clock.at = START
        desk.deliver()
        assert desk.stored(request).call is None
        assert MessageState.UNCERTAIN in [one.state for one in desk.store.messages.list("harbor", request.id)]

    def test_the_newest_says_what_to_tell(self, desk: Desk) -> None:
        request = desk.ask(email=None)
        desk.enter()
        desk.minutes()
        desk.call_off()
        desk.minutes(3)
        call = desk.stored(request).call
        assert call
        assert call.kind is MessageKind.CANCELLED_PATIENT

    def test_what_was_never_told_needs_no_correction(self, desk: Desk) -> None:
        request = desk.ask(email=None)
        desk.enter()
        desk.minutes()
        desk.undo(request)
        desk.minutes()
        assert desk.stored(request).call is None

    def test_what_was_told_by_phone_does(self, desk: Desk) -> None:
        request = desk.ask(email=None)
        desk.enter()
        desk.minutes()
        call = desk.stored(request).call
        assert call
        desk.close_call_task("harbor", NADIA, request.id, call.id)
        desk.undo(request)
        desk.minutes()
        after = desk.stored(request).call
        assert after
        assert after.kind is MessageKind.CORRECTION_PATIENT

    def test_staff_close_it_once_and_the_timeline_says_who_called(self, desk: Desk) -> None:
        request = desk.ask(email=None)
        desk.enter()
        desk.minutes()
        call = desk.stored(request).call
        assert call
        with pytest.raises(Forbidden):
            desk.close_call_task("harbor", VIC, request.id, call.id)
        with pytest.raises(PracticeNotFound):
            desk.close_call_task("harbor", "eve@pier.example", request.id, call.id)
        with pytest.raises(RequestNotFound):
            desk.close_call_task("harbor", NADIA, "aaaaaaaaaaaaa", call.id)
        desk.close_call_task("harbor", NADIA, request.id, "000001-received_patient")
        assert desk.stored(request).call
        for _ in range(2):
            desk.close_call_task("harbor", NADIA, request.id, call.id)
        assert not desk.stored(request).to_act
        (entry,) = [one for one in desk.timeline(request) if one.what is Happening.CALLED]
        assert entry.actor.name == NADIA

    def test_whoever_cancels_needs_no_call(self, desk: Desk) -> None:
        submitted = desk.submit()
        desk.deliver()
        say(desk, "bounce_transient", submitted.request)
        assert desk.stored(submitted.request).call
        desk.cancel_by_patient("harbor", submitted.link)
        assert desk.stored(submitted.request).call is None

    def test_whoever_has_the_newer_message_needs_no_call(self, desk: Desk) -> None:
        request = desk.ask()
        say(desk, "bounce_transient", request)
        assert desk.stored(request).call
        desk.enter()
        desk.minutes()
        assert desk.told(request) == ["confirmed_patient"]
        assert desk.stored(request).call is None

    def test_a_late_visit_finds_a_request_whose_patient_has_to_be_called(self, desk: Desk) -> None:
        request = desk.ask(email=None)
        desk.clock.at = request.start + timedelta(minutes=1) if request.start else desk.clock.at
        desk.minutes(2)
        assert desk.stored(request).call
        desk.enter()
        desk.minutes(2)
        assert desk.answered_by(request) == "appt-1"
        assert desk.stored(request).call is None  # nobody tells a patient who has been there that it expired

    def test_what_came_of_a_request_replaces_what_the_clock_had_to_tell(self, desk: Desk) -> None:
        request = self.not_confirmed(desk)
        desk.cancel_by_staff("harbor", NADIA, request.id, "not_available", "")
        desk.minutes()
        call = desk.stored(request).call
        assert call
        assert call.kind is MessageKind.CANCELLED_PATIENT

    def test_with_a_visit_nobody_is_told_that_there_is_none(self, desk: Desk) -> None:
        request = self.not_confirmed(desk)
        desk.store.practices.save(replace(desk.practice, switches=Switches(confirmed=False)))
        desk.enter()
        desk.minutes()
        assert desk.answered_by(request) == "appt-1"
        assert desk.stored(request).call is None

    def not_confirmed(self, desk: Desk) -> Request:
        """A request without an address whose time comes near."""
        request = desk.ask(email=None)
        desk.clock.at = START - timedelta(hours=2)
        desk.tick()
        call = desk.stored(request).call
        assert call
        assert call.kind is MessageKind.NOT_CONFIRMED_PATIENT
        return request

    def test_staff_hear_again_of_what_cannot_be_told_once_they_have_called(self, desk: Desk) -> None:
        request = desk.submit().request
        desk.mailer.fault = MailRefused()
        desk.deliver()
        call = desk.stored(request).call
        assert call
        desk.mailer.fault = None
        desk.deliver()
        desk.close_call_task("harbor", NADIA, request.id, call.id)
        desk.cancel_by_staff("harbor", NADIA, request.id, "not_available", "")
        desk.minutes()
        cancelled = next(one for one in desk.store.messages.list("harbor", request.id) if "cancelled" in one.id)
        say(desk, "bounce", request, cancelled.id)
        desk.minutes()
        ids = [tags["message"] for *_, tags in desk.mailer.sent]
        assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("calls", [1, 2, 3, 4])
def test_cut_anywhere_and_told_again_it_comes_to_the_same(name: str, calls: int) -> None:
    """The function dies at one of its writes, and the queue delivers the event again."""

    def after(desk: Desk, request: Request) -> tuple[object, ...]:
        now, store = desk.stored(request), desk.store
        return now.call, [d.kind for d in now.due], desk.happened(request), store.messages_by_id, store.suppressed

    whole, cut = Desk(), Desk()
    for desk in (whole, cut):
        request = desk.ask()
        writes = 0

        def dies(kind: str, real: Any, desk: Desk = desk) -> Any:
            def write(*given: Any) -> Any:
                nonlocal writes
                writes += 1
                if desk is cut and writes == calls:
                    raise RuntimeError(kind)
                return real(*given)

            return write

        class Dying:
            def __init__(self, inner: Any, names: tuple[str, ...], wrap: Any) -> None:
                self._inner, self._names, self._wrap = inner, names, wrap

            def __getattr__(self, name: str) -> Any:
                found = getattr(self._inner, name)
                return self._wrap(name, found) if name in self._names else found

        normal = desk.track_mail
        dying = replace(
            normal,
            messages=Dying(desk.store.messages, ("claim",), dies),
            suppressions=Dying(desk.store.suppressions, ("add",), dies),
            ledger=Dying(desk.store.ledger, ("commit",), dies),
        )
        event = ses_events.read(an_event(name, request.id))
        try:
            dying(event)
        except RuntimeError:
            normal(event)
        normal(event)
    assert after(whole, request)[0:3] == after(cut, request)[0:3]
    assert after(whole, request)[3:] == after(cut, request)[3:]


def test_a_change_of_the_request_at_the_same_moment_is_not_lost() -> None:
    desk = Desk()
    request = desk.ask()
    desk.store.before_commit = lambda: desk.cancel_by_staff("harbor", NADIA, request.id, "not_available", "") and None
    say(desk, "bounce", request)
    desk.deliver()
    now = desk.stored(request)
    assert now.closed
    assert now.call
    assert now.call.kind is MessageKind.CANCELLED_PATIENT


class TestLinks:
    def test_a_revoked_link_opens_nothing_and_the_next_message_brings_another(self, desk: Desk) -> None:
        submitted = desk.submit()
        desk.deliver()
        desk.revoke_link("harbor", submitted.request.id)
        with pytest.raises(LinkNotFound):
            desk.look_up("harbor", submitted.link)
        desk.enter()
        desk.minutes()
        link = desk.links.of(desk.stored(submitted.request))
        assert desk.look_up("harbor", link).request.id == submitted.request.id
        assert link in desk.last_mail().replace("=\n", "")
        with pytest.raises(RequestNotFound):
            desk.revoke_link("harbor", "aaaaaaaaaaaaa")

    def test_it_stays_revoked_whatever_was_decided_at_that_moment(self, desk: Desk) -> None:
        submitted = desk.submit()
        desk.deliver()
        desk.store.before_commit = lambda: desk.revoke_link("harbor", submitted.request.id) and None
        desk.cancel_as_moved(submitted.request)
        assert desk.stored(submitted.request).moving
        with pytest.raises(LinkNotFound):
            desk.look_up("harbor", submitted.link)

    def test_staff_are_warned_where_the_schedule_is_old(self, desk: Desk) -> None:
        desk.clock.advance(hours=5)
        desk.submit()
        desk.deliver()
        assert "last read 5 hours ago" in next(
            mime.decode().replace("=\n", "") for mime, _, to, _ in desk.mailer.sent if to == ("front@harbor.example",)
        )
