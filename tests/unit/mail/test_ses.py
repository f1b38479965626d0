"""What SES's refusals mean: of a message that will never be taken staff hear at once, of all others nothing is lost."""

import pytest
from botocore.exceptions import ClientError
from oneway.faults import MailError, MailRefused, MailThrottled, MailUnavailable
from oneway.mail.ses import fault_of

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
