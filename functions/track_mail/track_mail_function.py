"""SES, through EventBridge and a queue → the state of the message. What nobody knows is kept aside."""

import json
from typing import Any

from oneway import bootstrap
from oneway.faults import MailEventUnknown
from oneway.logs import fault, log
from oneway.queues import EVENT_UNKNOWN, MESSAGE_UNKNOWN


def _staff_missed(request: str, why: str) -> None:
    """Rings the alarm that rings where mail to staff, of a request or a notice, cannot be sent: this came back."""
    from oneway.metrics import emit  # seldom needed, and slow to load

    log("staff mail came back", request=request, why=str(why))
    emit({"StaffMailMissed": 1}, service="send_messages")


track_mail = bootstrap.track_mail(_staff_missed)
aside = bootstrap.mail_aside()


def handler(event: dict[str, Any], context: object) -> dict[str, list[dict[str, str]]]:
    """Keep what each event of a batch says; reports those to deliver again."""
    failed = [{"itemIdentifier": one["messageId"]} for one in event["Records"] if not _track(one["body"])]
    return {"batchItemFailures": failed}


def _track(body: str) -> bool:
    try:
        _tracked(body)
    except Exception as error:  # one event's bug must not hold up the others of the batch
        log("tracking broke", error=fault(error))
        return False
    return True


def _tracked(body: str) -> None:
    try:
        event = bootstrap.mail_event(json.loads(body))
    except (MailEventUnknown, ValueError) as error:
        log("event unknown", why=type(error).__name__)
        aside.keep(body, EVENT_UNKNOWN)
        return
    known = track_mail(event)
    log("mail event", request=event.subject, delivery=event.delivery or "sent", known=known)
    if not known:
        aside.keep(body, MESSAGE_UNKNOWN)
