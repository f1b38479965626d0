"""Sync queue → pull, compare, write, match. A source's faults are outcomes; what fails here is a bug and comes again.

The feeds of a batch are pulled side by side, those of one lane (an account of a source) one after the other.
"""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from oneway import bootstrap
from oneway.batch_report import BROKE, LEFT_OFF, STALE, Pull, tell
from oneway.domain.clock_time import instant_of, minute_of
from oneway.logs import fault, log

STALE_MINUTES = 10
"""A pull that waited longer than this is dropped, for a newer one of the same feed stands behind it; but not if somebody waits
for it, nor if it broke before: then it was hidden for longer than this, and has to come to the dead letters if it breaks again.
"""
RESERVED = timedelta(seconds=15)
"""Of the function's time, for a pull to come to a clean stop."""

sync_feed = bootstrap.sync_schedule()


def handler(event: dict[str, Any], context: Any) -> dict[str, list[dict[str, str]]]:
    """Pull each feed of a batch; reports those to deliver again, and in a lane all that stand behind them."""
    began = time.monotonic()
    deadline = sync_feed.clock.now() + timedelta(milliseconds=context.get_remaining_time_in_millis()) - RESERVED
    lanes: dict[str, list[dict[str, Any]]] = {}
    for record in event["Records"]:
        lanes.setdefault(record["attributes"].get("MessageGroupId", ""), []).append(record)
    with ThreadPoolExecutor(len(lanes)) as side_by_side:
        done = list(side_by_side.map(lambda records: _pull_lane(records, deadline), lanes.values()))
    again = [message for _, messages in done for message in messages]
    tell([pull for pulls, _ in done for pull in pulls], len(again), time.monotonic() - began)
    return {"batchItemFailures": [{"itemIdentifier": message} for message in again]}


def _pull_lane(records: list[dict[str, Any]], deadline: datetime) -> tuple[list[Pull], list[str]]:
    """Pull the feeds of a lane in order, but first those that somebody waits for; how each ended, and the messages that come
    again: from one that broke on, all.

    Where another pull as long as the longest would outlast the function, the rest is left to its next turn: a function that is
    stopped keeps every lane of its batch waiting until the messages show again (ADR 0013).
    """
    longest, done = timedelta(), list[Pull]()
    pulls = sorted(((_message(record), record["messageId"]) for record in records), key=_is_due)
    for number, (message, _) in enumerate(pulls):
        began = sync_feed.clock.now()
        if began + longest > deadline:
            left = pulls[number:]
            return done + [Pull(LEFT_OFF)] * len(left), [identifier for one, identifier in left if one.get("asked")]
        done.append(_pull(message, deadline))
        if done[-1].end == BROKE:
            return done, [identifier for _, identifier in pulls[number:]]
        longest = max(longest, sync_feed.clock.now() - began)
    return done, []


def _message(record: dict[str, Any]) -> dict[str, Any]:
    """A record's message; `again` if it was delivered before."""
    again = int(record["attributes"].get("ApproximateReceiveCount", "1")) > 1
    return {**json.loads(record["body"]), "again": again}


def _is_due(pull: tuple[dict[str, Any], str]) -> bool:
    """Whether a pull is due by the clock; nobody waits for it."""
    return not pull[0].get("asked")


def _pull(message: dict[str, Any], deadline: datetime) -> Pull:
    due, asked = int(message["minute"]), bool(message.get("asked"))
    if minute_of(sync_feed.clock.now()) - due > STALE_MINUTES and not asked and not message["again"]:
        return Pull(STALE)
    began = time.monotonic()
    try:
        report = sync_feed(message["practice"], message["feed"], now_asked=asked, deadline=deadline)
    except Exception as error:  # one feed's bug must not hold up the others of the batch
        log("pull broke", error=fault(error))
        return Pull(BROKE)
    lag = sync_feed.clock.now() - instant_of(due)
    return Pull(report.outcome, report, time.monotonic() - began, max(0.0, lag.total_seconds()))
