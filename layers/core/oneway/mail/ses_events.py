"""What SES says of a message, as EventBridge delivers it (Amazon SES developer guide, *Event data from EventBridge*)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..domain.mail_events import MailEvent
from ..domain.messages import Delivery
from ..faults import MailEventUnknown

_DELIVERIES = {
    "Send": Delivery.NOTHING,
    "Delivery": Delivery.DELIVERED,
    "DeliveryDelay": Delivery.DELAYED,
    "Bounce": Delivery.BOUNCED,
    "Complaint": Delivery.COMPLAINED,
    "Reject": Delivery.REJECTED,
}
_FIELDS = {
    "Send": "send",
    "Delivery": "delivery",
    "DeliveryDelay": "deliveryDelay",
    "Bounce": "bounce",
    "Complaint": "complaint",
    "Reject": "reject",
}


def read(event: Mapping[str, Any]) -> MailEvent:
    """An event of EventBridge, read. Raises MailEventUnknown."""
    try:
        return _read(event["detail"])
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise MailEventUnknown(type(error).__name__) from None


def _read(detail: Mapping[str, Any]) -> MailEvent:
    kind, mail = detail["eventType"], detail["mail"]
    said, tags = detail.get(_FIELDS[kind]) or {}, mail["tags"]
    if said.get("complaintFeedbackType") == "not-spam":
        kind, said = "Delivery", {}  # taken out of the spam folder
    if kind == "Bounce" and _is_automatic_answer(said):
        kind = "Send"
    bounced = kind == "Bounce"
    # Of a transient bounce SES has stopped trying, too: the message is not there, the address may be good.
    final = said.get("bounceType") == "Permanent" if bounced else kind == "Complaint"
    named = said.get("bouncedRecipients") if bounced else said.get("complainedRecipients")
    # A rejection names nobody: it went to none of those whom it was for.
    whom = mail["destination"] if kind == "Reject" else [one["emailAddress"] for one in named or ()]
    return MailEvent(
        practice=str(tags["practice"][0]),
        subject=str(tags["request"][0]),
        message_id=str(tags["message"][0]),
        mail_id=str(mail["messageId"]),
        at=datetime.fromisoformat(str(said.get("timestamp") or mail["timestamp"])),
        delivery=_DELIVERIES[kind],
        final=final,
        recipients=tuple(str(one) for one in whom),
    )


def _is_automatic_answer(bounce: Mapping[str, Any]) -> bool:
    """Whether SES counts an out-of-office note as a bounce: a mailbox that answers has the message. What tells of a failure names
    an action, status or diagnosis (RFC 3464), or SES's own certainty.
    """
    told = ("action", "status", "diagnosticCode")
    failed = any(one.get(word) for one in bounce.get("bouncedRecipients") or () for word in told)
    return bounce.get("bounceType") != "Permanent" and not failed
