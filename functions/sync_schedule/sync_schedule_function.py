"""Sync queue → pull, compare, write, match. A source's faults are outcomes; what fails here is a bug and comes again.

The feeds of a batch are pulled side by side, those of one lane (an account of a source) one after the other.
"""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from oneway import bootstrap
from oneway.domain.clock_time import minute_of
from oneway.logs import fault, log

STALE_MINUTES = 10
"""A pull that waited longer than this is dropped: a newer one of the same feed stands behind it."""
RESERVED = timedelta(seconds=15)
"""Of the function's time, for a pull to come to a clean stop."""

sync_feed = bootstrap.sync_schedule()


def handler(event: dict[str, Any], context: Any) -> dict[str, list[dict[str, str]]]:
    """Pull each feed of a batch; reports those to deliver again, and in a lane all that stand behind them."""
    deadline = sync_feed.clock.now() + timedelta(milliseconds=context.get_remaining_time_in_millis()) - RESERVED
    lanes: dict[str, list[dict[str, Any]]] = {}
    for record in event["Records"]:
        lanes.setdefault(record["attributes"].get("MessageGroupId", ""), []).append(record)
    with ThreadPoolExecutor(len(lanes)) as side_by_side:
        failed = side_by_side.map(lambda records: _pull_lane(records, deadline), lanes.values())
        return {"batchItemFailures": [one for lane in failed for one in lane]}


def _pull_lane(records: list[dict[str, Any]], deadline: datetime) -> list[dict[str, str]]:
    """Pull the feeds of a lane in order, but first those that somebody waits for; the records that have to come again: from the
    first that broke on, all.

    Where another pull as long as the longest would outlast the function, the rest is left to its next turn: a function that is
    stopped keeps every lane of its batch waiting until the messages show again (ADR 0013).
    """
    longest = timedelta()
    pulls = sorted(((json.loads(record["body"]), record["messageId"]) for record in records), key=_is_due)
    for number, (message, _) in enumerate(pulls):
        began = sync_feed.clock.now()
        if began + longest > deadline:
            log("lane left off", pulls=len(pulls) - number)
            return [{"itemIdentifier": identifier} for one, identifier in pulls[number:] if one.get("asked")]
        if not _pull(message, deadline):
            return [{"itemIdentifier": identifier} for _, identifier in pulls[number:]]
        longest = max(longest, sync_feed.clock.now() - began)
    return []


def _is_due(pull: tuple[dict[str, Any], str]) -> bool:
    """Whether a pull is due by the clock; nobody waits for it."""
    return not pull[0].get("asked")


def _pull(message: dict[str, Any], deadline: datetime) -> bool:
    waited = minute_of(sync_feed.clock.now()) - int(message["minute"])
    asked = bool(message.get("asked"))
    if waited > STALE_MINUTES and not asked:
        log("stale pull dropped", waited_minutes=waited)
        return True
    began = time.monotonic()
    try:
        report = sync_feed(message["practice"], message["feed"], now_asked=asked, deadline=deadline)
    except Exception as error:  # one feed's bug must not hold up the others of the batch
        log("pull broke", error=fault(error))
        return False
    log(
        "pulled",
        outcome=str(report.outcome),
        failure=report.failure,
        seen=report.seen,
        changed=report.changed,
        missing=report.missing,
        set_aside=report.set_aside,
        confirmed=report.confirmed,
        milliseconds=round((time.monotonic() - began) * 1000),
    )
    return True
