"""The account's sending rate, respected before SES has to say no (product section 6; SES counts recipients)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from ..ports import Clock, Mailer

SENDERS = 5
"""So many of the sender's function run side by side at most (template.yaml, ScalingConfig): each has its part of the rate."""
_LONGEST_PAUSE = timedelta(seconds=2)
"""Part of what one send may take (use_cases/send_messages.py). So a rate below three, as in the sandbox, and a message to very
many are not kept to in full: what SES then refuses is tried again.
"""


class PacedMailer(Struct):
    """Implements ports.Mailer: waits until what was sent before has had its time. `rate` is what all senders together may send,
    in recipients a second.
    """

    inner: Mailer
    rate: float
    clock: Clock
    _free_at: datetime | None = None

    def send(self, mime: bytes, sender: str, recipients: Sequence[str], tags: Mapping[str, str]) -> str:
        """Hand a message on. Raises faults.MailError."""
        if self._free_at and (early := self._free_at - self.clock.now()) > timedelta():
            self.clock.pause(min(early, _LONGEST_PAUSE).total_seconds())
        self._free_at = self.clock.now() + timedelta(seconds=len(recipients) * SENDERS / self.rate)
        return self.inner.send(mime, sender, recipients, tags)
