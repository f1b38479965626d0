"""Sending through SES: version 1's SendRawEmail, which takes the whole MIME message."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError

from ..faults import MailOutcomeUnknown, MailRefused, MailThrottled, MailUnavailable

if TYPE_CHECKING:
    from botocore.client import BaseClient

_FINAL = frozenset({"MessageRejected", "InvalidParameterValue", "ValidationError"})
"""SES's answers about the message itself; everything else is about SES, the account or the way there."""


@lru_cache(maxsize=1)
def _client() -> "BaseClient":
    from botocore.config import Config
    from botocore.session import Session

    # No retries of botocore's: after a lost answer a second try would be a second message.
    config = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 1})
    return Session().create_client("ses", config=config)


class SesMailer:
    """Implements ports.Mailer."""

    def __init__(self, configuration_set: str) -> None:
        self._configuration_set = configuration_set

    def send(self, mime: bytes, sender: str, recipients: Sequence[str], tags: Mapping[str, str]) -> str:
        """Hand a message to SES; its id there. Raises MailRefused, MailThrottled, MailUnavailable, MailOutcomeUnknown."""
        try:
            answer = _client().send_raw_email(
                Source=sender,
                Destinations=list(recipients),
                RawMessage={"Data": mime},
                ConfigurationSetName=self._configuration_set,
                Tags=[{"Name": name, "Value": value} for name, value in tags.items()],
            )
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in _FINAL and not _concerns_us(error):
                raise MailRefused(code) from error
            if code == "Throttling" and "rate" in _message(error):
                raise MailThrottled(code) from error  # not the day's quota, which no pause of ours brings back
            raise MailUnavailable(code) from error
        except (ConnectTimeoutError, EndpointConnectionError) as error:
            raise MailUnavailable(type(error).__name__) from error
        except BotoCoreError as error:
            raise MailOutcomeUnknown(type(error).__name__) from error
        return str(answer["MessageId"])


def _concerns_us(error: ClientError) -> bool:
    """Whether a rejection is about the sender or the account's sandbox, which operators mend, and not about this message."""
    return "not verified" in _message(error)


def _message(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", "")).lower()
