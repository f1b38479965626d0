"""Mail to staff that does not go out holds up none to the patient, nor the reverse; of each the order is kept."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from oneway.domain.messages import MessageKind, Why
from oneway.domain.requests import Request
from oneway.faults import MailBroke, MailError, MailOutcomeUnknown, MailRefused, MailThrottled, MailUnavailable
from oneway.use_cases.send_messages import NotYet

from tests.builders import START
from tests.desk import CANCELLED, NADIA, Desk
from tests.fakes.outside import PartlyAway

FAULTS = [MailUnavailable(), MailThrottled(), MailBroke(), MailOutcomeUnknown()]
RECEIVED = ["received_staff", "received_patient"]
SOON = START - timedelta(hours=2, minutes=30)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def service(desk: Desk) -> PartlyAway:
    service = PartlyAway(desk.mailer)
    desk.send_messages = replace(desk.send_messages, mailer=service)
    return service


def minutes(desk: Desk, number: int) -> None:
    for _ in range(number):
        with suppress(NotYet):
            desk.minutes()


def ask(desk: Desk) -> Request:
    request = desk.submit(start=START.isoformat()).request
    with suppress(NotYet):
        desk.deliver()
    return request


def names(desk: Desk) -> list[str]:
    return [str(tags["message"]).partition("-")[2] for *_, tags in desk.mailer.sent]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: type(one).__name__)
class TestOneOfThemFails:
    def test_the_patient_hears_at_once_what_staff_do_not(
        self, desk: Desk, service: PartlyAway, fault: MailError
    ) -> None:
        service.to_staff = fault
        request = ask(desk)
        assert names(desk) == ["received_patient"]
        desk.cancel_by_staff("harbor", NADIA, request.id, "not_available", "")
        minutes(desk, 1)
        assert names(desk) == ["received_patient", CANCELLED]
        service.to_staff = None
        minutes(desk, 100)
        assert names(desk) == ["received_patient", CANCELLED, "received_staff"]
        assert desk.stored(request).due == ()

    def test_so_do_staff(self, desk: Desk, service: PartlyAway, fault: MailError) -> None:
        service.to_patients = fault
        request = ask(desk)
        assert names(desk) == ["received_staff"]
        desk.cancel_by_patient("harbor", desk.links.of(request))
        minutes(desk, 1)
        assert names(desk) == ["received_staff", "cancelled_by_patient_staff"]
        service.to_patients = None
        minutes(desk, 100)
        assert sorted(names(desk)) == sorted(
            ["received_staff", "cancelled_by_patient_staff", "cancelled_by_patient_receipt"]
        )
        assert desk.stored(request).due == ()

    def test_what_the_patient_cannot_be_told_is_a_call_at_once(
        self, desk: Desk, service: PartlyAway, fault: MailError
    ) -> None:
        service.to_staff, service.to_patients = fault, MailRefused()
        request = ask(desk)
        call = desk.stored(request).call
        assert call
        assert (call.kind, call.why) == (MessageKind.RECEIVED_PATIENT, Why.REFUSED)
        service.to_staff = None
        minutes(desk, 100)
        assert names(desk) == ["received_staff", "unreachable_staff"], "staff are told once"

    def test_each_keeps_its_order(self, desk: Desk, service: PartlyAway, fault: MailError) -> None:
        service.to_staff = service.to_patients = fault
        request = ask(desk)
        desk.cancel_by_patient("harbor", desk.links.of(request))
        minutes(desk, 2)
        service.to_staff = service.to_patients = None
        minutes(desk, 100)
        staff = [one for one in names(desk) if one.endswith("_staff")]
        assert staff == ["received_staff", "cancelled_by_patient_staff"]


@pytest.mark.parametrize("fault", [MailUnavailable(), MailThrottled(), MailBroke()], ids=lambda one: type(one).__name__)
def test_behind_mail_to_staff_that_is_away_a_visit_that_is_soon_is_a_call(desk: Desk, fault: MailError) -> None:
    request = desk.submit(start=START.isoformat()).request
    desk.clock.at = SOON
    desk.mailer.fault = fault
    desk.cancel_by_staff("harbor", NADIA, request.id, "not_available", "")
    minutes(desk, 20)
    call = desk.stored(request).call
    assert call
    assert (call.kind, call.why) == (MessageKind.CANCELLED_PATIENT, Why.AWAY)


def test_what_staff_have_is_not_sent_to_them_again_while_the_patient_s_waits(desk: Desk, service: PartlyAway) -> None:
    service.to_patients = MailUnavailable()
    request = ask(desk)
    minutes(desk, 30)
    assert names(desk) == ["received_staff"]
    assert [one.kind for one in desk.stored(request).due] == [MessageKind.RECEIVED_PATIENT]


def test_nothing_is_written_while_all_of_it_waits(desk: Desk, service: PartlyAway) -> None:
    service.to_staff = service.to_patients = MailUnavailable()
    request = ask(desk)
    assert desk.stored(request) == request


@given(st.lists(st.tuples(st.sampled_from([None, *FAULTS]), st.sampled_from([None, *FAULTS])), max_size=9))
def test_whatever_the_service_says_each_keeps_its_order(
    faults: Sequence[tuple[MailError | None, MailError | None]],
) -> None:
    desk = Desk()
    service = PartlyAway(desk.mailer)
    desk.send_messages = replace(desk.send_messages, mailer=service)
    request = desk.submit(start=(START + timedelta(days=7)).isoformat()).request
    for number, (service.to_staff, service.to_patients) in enumerate([*faults, *[(None, None)] * 12]):
        if number == 3:
            desk.cancel_by_patient("harbor", desk.links.of(request))
        desk.clock.advance(minutes=7)
        with suppress(NotYet):
            desk.send_messages("harbor", request.id)
    sent = [str(tags["message"]) for *_, tags in desk.mailer.sent]
    assert len(set(sent)) == len(sent)
    for to_staff in (True, False):
        lane = [one for one in sent if one.endswith("_staff") == to_staff]
        assert lane == sorted(lane)
    assert desk.stored(request).due == ()
