"""Sync queue → pull, compare, write, match. A source's faults are outcomes; what fails here is a bug and comes again."""

import json
import time
from typing import Any

from oneway import bootstrap
from oneway.domain.clock_time import minute_of
from oneway.logs import fault, log

STALE_MINUTES = 10
"""A pull that waited longer than this is dropped: a newer one of the same feed stands behind it."""

sync_feed = bootstrap.sync_schedule()


def handler(event: dict[str, Any], context: object) -> dict[str, list[dict[str, str]]]:
    """Pull each feed of a batch; reports those to deliver again, and in a lane all that stand behind them."""
    failed: list[dict[str, str]] = []
    blocked: set[str] = set()
    for record in event["Records"]:
        lane = record["attributes"].get("MessageGroupId", "")
        if lane in blocked or not _pull(json.loads(record["body"])):
            blocked.add(lane)
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _pull(message: dict[str, Any]) -> bool:
    waited = minute_of(sync_feed.clock.now()) - int(message["minute"])
    if waited > STALE_MINUTES:
        log("stale pull dropped", waited_minutes=waited)
        return True
    began = time.monotonic()
    try:
        report = sync_feed(message["practice"], message["feed"])
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
