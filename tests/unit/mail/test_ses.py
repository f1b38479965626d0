"""What SES's refusals mean: of a message that will never be taken staff hear at once, of all others nothing is lost."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from oneway.faults import MailError, MailRefused, MailThrottled, MailUnavailable
from oneway.mail import ses
from oneway.mail.ses import SesMailer, fault_of

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
        ("ServiceUnavailable", "", MailUnavailable),
        ("AccessDenied", "User is not authorized to perform ses:SendRawEmail", MailUnavailable),
    ],
)
def test_only_what_is_about_the_message_is_final(code: str, message: str, fault: type[MailError]) -> None:
    error = ClientError({"Error": {"Code": code, "Message": message}}, "SendRawEmail")
    assert type(fault_of(error)) is fault


def test_it_is_given_the_names_of_the_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    class Service:
        def send_raw_email(self, **given: Any) -> dict[str, str]:
            asked.update(given)
            return {"MessageId": "1"}

    monkeypatch.setattr(ses, "_client", Service)
    SesMailer("oneway").send(b"", "us@oneway.example", ["maria@müller.example", "a@x.example"], {})
    assert asked["Destinations"] == ["maria@xn--mller-kva.example", "a@x.example"]
