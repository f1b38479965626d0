"""Sending through SES: version 1's SendRawEmail, which takes the whole MIME message."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError

from ..domain.addresses import as_sent
from ..faults import MailBroke, MailError, MailOutcomeUnknown, MailRefused, MailThrottled, MailUnavailable

if TYPE_CHECKING:
    from botocore.client import BaseClient

_FINAL = frozenset({"MessageRejected", "InvalidParameterValue", "ValidationError"})
"""SES's answers about the message itself; everything else is about SES, the account or the way there."""
_OURS_TO_MEND = ("not verified", "paused", "suspended", "disabled")
"""What a rejection says that is about the sender, the sandbox, or sending that is off for now: version 1
calls a pause MessageRejected, too, beside AccountSendingPausedException and ConfigurationSetSendingPausedException.
"""

_BROKE = 500
"""An answer from here on may come from behind the one who took the message: as little a no as none at all."""


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
                Destinations=[as_sent(one) for one in recipients],
                RawMessage={"Data": mime},
                ConfigurationSetName=self._configuration_set,
                Tags=[{"Name": name, "Value": value} for name, value in tags.items()],
            )
        except ClientError as error:
            raise fault_of(error) from error
        except (ConnectTimeoutError, EndpointConnectionError) as error:
            raise MailUnavailable(type(error).__name__) from error
        except BotoCoreError as error:
            raise MailOutcomeUnknown(type(error).__name__) from error
        return str(answer["MessageId"])


def fault_of(error: ClientError) -> MailError:
    """What SES's answer means for the message: never, in a moment, once somebody has mended something, or nobody knows."""
    said = error.response.get("Error", {})
    code, message = said.get("Code", ""), str(said.get("Message", "")).lower()
    if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= _BROKE:
        return MailBroke(code)
    if code in _FINAL and not any(word in message for word in _OURS_TO_MEND):
        return MailRefused(code)
    if code == "Throttling" and "rate" in message:
        return MailThrottled(code)  # not the day's quota, which no pause of ours brings back
    return MailUnavailable(code)
