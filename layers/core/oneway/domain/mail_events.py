"""What the mail service says of a message, and what that makes of it (product section 6)."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from .messages import Delivery, MessageRecord, MessageState
from .suppression import mark_of


class MailEvent(Struct, frozen=True):
    """What the mail service says of a message, by the tags that it was sent with. `delivery` is NOTHING where it was only taken;
    `final`: the addresses in `recipients` are not to be used again.
    """

    practice: str
    subject: str
    message_id: str
    mail_id: str
    at: datetime
    delivery: Delivery
    final: bool = False
    recipients: Sequence[str] = ()


def tracked(record: MessageRecord, event: MailEvent) -> MessageRecord:
    """A message's record after an event; the same if it says nothing new. Whatever comes back of a message, it was sent.

    A message to several people has an event of each, and what came back softly may come back for good later.
    """
    if record.state in (MessageState.CLAIMED, MessageState.UNCERTAIN):
        sent_at = record.sent_at or event.at
        record = replace(
            record,
            state=MessageState.SENT,
            claimed_until=None,
            sent_at=sent_at,
            mail_id=record.mail_id or event.mail_id,
            why=None,
        )
    if to_stop := marks_to_stop(record, event):
        record = replace(record, stopped=(*record.stopped, *to_stop))
    if event.delivery.after(record.delivery):
        return replace(record, delivery=event.delivery, reported_at=event.at)
    return record


def marks_to_stop(record: MessageRecord, event: MailEvent) -> tuple[str, ...]:
    """The marks of the addresses that get no mail from now on; not of those that this message stopped before: staff may have let
    them have mail again, and an event may come twice.
    """
    marks = dict.fromkeys(mark_of(event.practice, one) for one in event.recipients if event.final)
    return tuple(mark for mark in marks if mark not in record.stopped)
