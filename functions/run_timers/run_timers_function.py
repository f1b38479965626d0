"""EventBridge Scheduler, each minute → unsent messages, expiry."""

from typing import Any

from oneway import bootstrap
from oneway.logs import log
from oneway.metrics import emit

run_timers = bootstrap.run_timers()


def handler(event: dict[str, Any], context: object) -> None:
    """One run; late or doubled runs change nothing."""
    done = run_timers()
    log("timers ran", swept=done.swept, expired=done.expired)
    emit({"MessagesSwept": done.swept, "RequestsExpired": done.expired})
