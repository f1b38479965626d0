"""EventBridge Scheduler, each minute → unsent messages, reminders, expiry."""

from typing import Any

from oneway import bootstrap
from oneway.logs import fault, log
from oneway.metrics import emit

run_timers = bootstrap.run_timers()


def handler(event: dict[str, Any], context: object) -> None:
    """One run; late or doubled runs change nothing."""
    done = run_timers()
    for error in done.broke:
        log("a timer broke", error=fault(error))
    log("timers ran", swept=done.swept, expired=done.expired, reminded=done.reminded)
    emit({"MessagesSwept": done.swept, "RequestsExpired": done.expired})
    if done.broke:
        raise done.broke[0]
