"""What came back of a message (product section 6): delivered, delayed, bounced, complained about, rejected.

An event may come twice, late, or out of order; the stronger word stays. Of an address that bounced for good, or complained,
nothing is mailed any more, and staff have to call. What is written last is the message's own state: cut anywhere, it is all done
again. But for the call about what nobody knew: that goes once the record says what became of it, whenever the event comes again.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from msgspec import Struct

from ..domain.errors import RequestNotFound, StoreUnavailable, WriteConflict
from ..domain.mail_events import MailEvent, marks_to_stop, tracked
from ..domain.messages import CallTask, Delivery, MessageRecord, MessageState, Why, needs_call
from ..domain.notices import notice_named
from ..domain.requests import reached, unreachable
from ..domain.suppression import Suppression, missed_mark_of
from ..ports import (
    Clock,
    Ledger,
    MessageRepository,
    RequestChange,
    RequestRepository,
    SuppressionRepository,
)
from .settling import settle

_WHY = {Delivery.BOUNCED: Why.BOUNCED, Delivery.COMPLAINED: Why.COMPLAINED, Delivery.REJECTED: Why.REFUSED}


class TrackMail(Struct, frozen=True):
    """Keeps what came back with the message, and draws the consequences once."""

    requests: RequestRepository
    messages: MessageRepository
    suppressions: SuppressionRepository
    ledger: Ledger
    clock: Clock
    staff_missed: Callable[[str, Why], None] = lambda subject, why: None
    """Is told of what came back from staff, for who watches the product: of which request or notice, and why."""

    def __call__(self, event: MailEvent) -> bool:
        """Whether the message is known. Raises StoreUnavailable."""
        return settle(partial(self._track, event), self.clock)

    def _track(self, event: MailEvent) -> bool:
        records = self.messages.list(event.practice, event.subject)
        record = next((one for one in records if one.id == event.message_id), None)
        if record is None:
            return False
        if record.one_by_one and record.state is MessageState.CLAIMED:
            raise StoreUnavailable("being sent to others, too")  # what became of one of them is no word on all
        after = tracked(record, event)
        if after != record:
            self._write(event, records, record, after)
        of_patient = not record.kind.to_staff and notice_named(event.subject) is None
        # Where this was cut, the event comes again and says nothing new.
        if of_patient and (record.state is MessageState.UNCERTAIN or after == record):
            self._reached(event)
        return True

    def _write(
        self, event: MailEvent, records: Sequence[MessageRecord], record: MessageRecord, after: MessageRecord
    ) -> None:
        why = _WHY.get(event.delivery)
        for mark in marks_to_stop(record, event):
            self.suppressions.add(event.practice, Suppression(mark, why or Why.BOUNCED, self.clock.now()))
        if why and record.kind.to_staff and not event.final:
            for address in event.recipients:
                missed = Suppression(missed_mark_of(event.practice, address), why, self.clock.now())
                self.suppressions.add(event.practice, missed)
        is_news = after.delivery is not record.delivery
        if why and is_news and needs_call(record.kind, why) and notice_named(event.subject) is None:
            self._to_call(event, record, records, why)
        self.messages.claim(event.practice, event.subject, record, after)
        if why and record.kind.to_staff:
            self.staff_missed(event.subject, why)

    def _reached(self, event: MailEvent) -> None:
        """Take the call off that asks whether a message arrived, once its record says that it went out. Whoever is about to write
        that call has not seen the record: the request is written, too, so that they read again.
        """
        with suppress(RequestNotFound):
            request = self.requests.get(event.practice, event.subject)
            after = reached(request, event.message_id)
            is_due = any(one.id == event.message_id for one in request.due)
            if (is_due or after is not request) and self.messages.settle(request, after) is None:
                raise WriteConflict

    def _to_call(self, event: MailEvent, record: MessageRecord, records: Sequence[MessageRecord], why: Why) -> None:
        now = self.clock.now()
        try:
            request = self.requests.get(event.practice, event.subject)
        except RequestNotFound:
            return
        transition = unreachable(request, CallTask(record.id, record.kind, why, now, record.old_start), records, now)
        if transition:
            self.ledger.commit([RequestChange(transition)])
