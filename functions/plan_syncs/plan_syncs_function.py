"""EventBridge Scheduler, each minute → the pulls that are due, into the queue."""

from datetime import UTC, datetime
from typing import Any

from oneway import bootstrap
from oneway.domain.clock_time import minute_of, parse_instant
from oneway.logs import log
from oneway.metrics import emit

plan_syncs = bootstrap.plan_syncs()


def handler(event: dict[str, Any], context: object) -> None:
    """`event` is {"scheduled": ISO instant} from the schedule's context attribute; where that is left unfilled, now."""
    minute = minute_of(_scheduled(event))
    feeds = plan_syncs(minute)
    log("planned", minute=minute, feeds=feeds)
    emit({"FeedsPlanned": feeds})


def _scheduled(event: dict[str, Any]) -> datetime:
    try:
        return parse_instant(event["scheduled"])
    except (KeyError, TypeError, ValueError):
        return datetime.now(UTC)
