"""Send what a request's changes called for, once in effect (product section 6, docs/adr/0004).

Claim with a lease, send, mark. A crash between sending and marking costs at most one duplicate, never a message.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from ..domain.errors import WriteConflict
from ..domain.linking import released
from ..domain.messages import DueMessage, MessageRecord, MessageState
from ..domain.practices import Practice
from ..domain.requests import Request, with_due
from ..faults import MailOutcomeUnknown, MailRefused, MailUnavailable
from ..links import PrivateLinks
from ..ports import Clock, Mailer, MessageRepository, PracticeRepository, RequestRepository

LEASE = timedelta(seconds=60)
"""Longer than the function may run, shorter than the queue waits before it delivers again."""
TRIES = 2


class Composed(Protocol):
    """A whole MIME message and the addresses it goes to."""

    @property
    def mime(self) -> bytes: ...

    @property
    def recipients(self) -> tuple[str, ...]: ...


Compose = Callable[[DueMessage, Practice, Request, str], Composed | None]
"""(due message, practice, request, private link) → the message; None where there is no address to send to."""


class NotYet(Exception):
    """Something could not be sent now; the queue delivers again."""


@dataclass(frozen=True, slots=True)
class SendMessages:
    """Sends a request's due messages and takes the mark off that says so."""

    practices: PracticeRepository
    requests: RequestRepository
    messages: MessageRepository
    mailer: Mailer
    compose: Compose
    links: PrivateLinks
    sender: str
    clock: Clock

    def __call__(self, slug: str, request_id: str) -> int:
        """Send what is due; how many messages went out.

        Raises NotYet if one has to wait (another worker holds it, the mail service cannot now), RequestNotFound.
        """
        practice, request = self.practices.get(slug), self._released(slug, request_id)
        records = {record.id: record for record in self.messages.list(slug, request_id)}
        sent, now = 0, self.clock.now()
        waiting = ""
        for due in request.due:
            if due.held:
                continue
            try:
                sent += self._send_one(practice, request, due, records.get(due.id))
            except (WriteConflict, MailUnavailable, MailOutcomeUnknown, NotYet) as error:
                waiting = f"{type(error).__name__} {error}".strip()
                break  # what follows on the same request waits, so that messages keep their order
        if waiting:
            raise NotYet(waiting)
        if request.due:
            self.messages.settle(request, with_due(request, (due for due in request.due if due.held), now))
        return sent

    def _released(self, slug: str, request_id: str) -> Request:
        """The request, with what may be sent let go in a write of its own: a change that came first overtakes what is held, one
        that comes later finds it told. Raises NotYet.
        """
        request = self.requests.get(slug, request_id)
        after = released(request, self.clock.now())
        if after is not request and not self.messages.settle(request, after):
            raise NotYet("changed meanwhile")
        return after

    def _send_one(self, practice: Practice, request: Request, due: DueMessage, record: MessageRecord | None) -> bool:
        now = self.clock.now()
        if record and record.state is not MessageState.CLAIMED:
            return False
        if record and record.claimed_until and record.claimed_until > now:
            raise NotYet("claimed")
        tries = record.attempts if record else 0
        if record and tries >= TRIES:
            self._mark(request, record, MessageState.UNCERTAIN)
            return False
        claimed = MessageRecord(due.id, due.kind, MessageState.CLAIMED, tries + 1, claimed_until=now + LEASE)
        self.messages.claim(practice.slug, request.id, record, claimed)
        composed = self.compose(due, practice, request, self.links.of(request))
        if composed is None:
            self._mark(request, claimed, MessageState.UNSENT)
            return False
        tags = {"message": due.id, "request": request.id, "practice": practice.slug}
        try:
            mail_id = self.mailer.send(composed.mime, self.sender, composed.recipients, tags)
        except MailRefused:
            self._mark(request, claimed, MessageState.UNSENT)
            return False
        except MailUnavailable:
            # The service said no before it took the message: the claim is free again and this was no try.
            free = replace(claimed, attempts=tries, claimed_until=now)
            self.messages.mark(practice.slug, request.id, claimed, free)
            raise
        self._mark(request, claimed, MessageState.SENT, mail_id)
        return True

    def _mark(self, request: Request, record: MessageRecord, state: MessageState, mail_id: str = "") -> None:
        sent_at = self.clock.now() if state is MessageState.SENT else None
        done = replace(record, state=state, claimed_until=None, sent_at=sent_at, mail_id=mail_id)
        self.messages.mark(request.practice, request.id, record, done)
