"""Messages queue → SES. Whatever cannot be sent now is delivered again."""

import json
from datetime import datetime, timedelta
from typing import Any

from oneway import bootstrap
from oneway.domain.errors import NotFound
from oneway.logs import fault, log
from oneway.use_cases.send_messages import NotYet


def _staff_missed(request: str, why: str) -> None:
    """Rings an alarm: staff did not get a message of a request, or a notice."""
    from oneway.metrics import emit  # seldom needed, and slow to load

    log("staff missed mail", request=request, why=str(why))
    emit({"StaffMailMissed": 1})


send_messages = bootstrap.send_messages(_staff_missed)


def handler(event: dict[str, Any], context: Any) -> dict[str, list[dict[str, str]]]:
    """Send what each request of a batch has due; reports those to deliver again."""
    deadline = send_messages.clock.now() + timedelta(milliseconds=context.get_remaining_time_in_millis())
    failed: list[dict[str, str]] = []
    blocked: set[str] = set()
    for record in event["Records"]:
        group = record["attributes"].get("MessageGroupId", "")
        if group in blocked or not _send(record["body"], deadline):
            blocked.add(group)
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _send(body: str, deadline: datetime) -> bool:
    request = ""
    try:
        message = json.loads(body)
        practice, request = message["practice"], message["request"]
        sent = send_messages(practice, request, deadline)
    except NotYet as error:
        log("messages wait", request=request, why=str(error))
        return False
    except NotFound:
        log("request is gone", request=request)
        return True
    except Exception as error:  # one request's bug, or a body that is none of ours, holds up no others
        log("sending broke", request=request, error=fault(error))
        return False
    log("messages sent", request=request, sent=sent)
    return True
