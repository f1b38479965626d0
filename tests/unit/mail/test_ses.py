"""What SES's refusals mean: of a message that will never be taken staff hear at once, of all others nothing is lost."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError
from msgspec.structs import replace
from oneway.faults import MailBroke, MailError, MailRefused, MailThrottled, MailUnavailable
from oneway.mail import ses, ses_events
from oneway.mail.ses import SesMailer, fault_of
from oneway.use_cases.send_messages import NotYet

from tests.ses_events import an_event
from tests.world import World

INBOX = "For more information, please check the inbox of the email address associated with your AWS account."


@pytest.mark.parametrize(
    ("code", "message", "fault"),
    [
        ("MessageRejected", f"Sending paused for this account. {INBOX}", MailUnavailable),
        ("MessageRejected", f"Sending suspended for this account. {INBOX}", MailUnavailable),
        ("MessageRejected", "Email sending for the configuration set oneway is paused.", MailUnavailable),
        ("MessageRejected", "Email sending is disabled for the account.", MailUnavailable),
        ("AccountSendingPausedException", "Email sending is disabled for your account.", MailUnavailable),
        ("ConfigurationSetSendingPausedException", "Email sending is disabled for oneway.", MailUnavailable),
        ("MessageRejected", "Email address is not verified. The following identities failed ...", MailUnavailable),
        ("MessageRejected", "Address blacklisted.", MailRefused),
        ("InvalidParameterValue", "Missing final '@domain'", MailRefused),
        ("InvalidParameterValue", "Domain contains illegal character", MailRefused),
        ("Throttling", "Maximum sending rate exceeded.", MailThrottled),
        ("Throttling", "Daily message quota exceeded.", MailUnavailable),
        ("AccessDenied", "User is not authorized to perform ses:SendRawEmail", MailUnavailable),
    ],
)
def test_only_what_is_about_the_message_is_final(code: str, message: str, fault: type[MailError]) -> None:
    assert type(fault_of(said(400, code, message))) is fault


def test_it_is_given_the_names_of_the_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    class Service:
        def send_raw_email(self, **given: Any) -> dict[str, str]:
            asked.update(given)
            return {"MessageId": "1"}

    monkeypatch.setattr(ses, "_client", Service)
    SesMailer("oneway").send(b"", "us@oneway.example", ["maria@müller.example", "a@x.example"], {})
    assert asked["Destinations"] == ["maria@xn--mller-kva.example", "a@x.example"]


@pytest.mark.parametrize(
    ("status", "code"),
    [(500, "InternalFailure"), (502, "502"), (503, "ServiceUnavailable"), (504, "504"), (500, "Throttling")],
)
def test_where_ses_broke_nobody_knows_whether_it_took_the_message(status: int, code: str) -> None:
    assert type(fault_of(said(status, code, "Maximum sending rate exceeded."))) is MailBroke


@pytest.mark.parametrize("minutes", [1, 4, 8, 30, 300])
def test_while_ses_breaks_nothing_is_given_up(world: World, minutes: int) -> None:
    request = world.submit().request
    asked: list[str] = []

    class Breaks:
        def send(self, mime: bytes, sender: str, recipients: Sequence[str], tags: Mapping[str, str]) -> str:
            asked.append(tags["message"])
            raise fault_of(said(503, "ServiceUnavailable", ""))

    broken = replace(world.send_messages, mailer=Breaks())
    for _ in range(minutes):
        with suppress(NotYet):
            broken("harbor", request.id)
        world.clock.advance(minutes=1)
    assert max(Counter(asked).values()) <= minutes / 5 + 1
    world.clock.advance(minutes=5)
    world.deliver()
    assert len(world.mailer.sent) == 2
    assert world.stored(request).call is None


def test_what_ses_took_before_it_broke_goes_out_once(world: World) -> None:
    """It tells of what it took by its events."""
    request = world.submit().request
    taken: list[str] = []

    class Breaks:
        def send(self, mime: bytes, sender: str, recipients: Sequence[str], tags: Mapping[str, str]) -> str:
            taken.append(tags["message"])
            raise fault_of(said(500, "InternalFailure", ""))

    sender = replace(world.send_messages, mailer=Breaks())
    for _ in range(10):
        with suppress(NotYet):
            sender("harbor", request.id)
        world.clock.advance(minutes=1)
        for message in taken:
            world.track_mail(ses_events.read(an_event("send", request.id, message)))
        world.clock.advance(minutes=5)
    assert set(Counter(taken).values()) == {1}


def said(status: int, code: str, message: str) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "SendRawEmail")
