"""Read, decide, write; and again if somebody else wrote first."""

import random
from collections.abc import Callable
from typing import TypeVar

from ..domain.errors import StoreUnavailable, WriteConflict
from ..ports import Clock

T = TypeVar("T")

TRIES = 10
MOST_UNANSWERED = 2
"""Each has the store's own retries behind it; the second reads what came of the first."""
_FIRST_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 0.6


def settle(attempt: Callable[[], T], clock: Clock) -> T:
    """The result of `attempt`, which reads all it decides on, tried again after a conflict or an unknown outcome.

    Bounded, with full jitter (at most about three seconds of pauses). Raises StoreUnavailable when the tries are used up.
    """
    unanswered = 0
    for number in range(TRIES):
        try:
            return attempt()
        except WriteConflict:
            pass
        except StoreUnavailable:
            unanswered += 1
            if unanswered == MOST_UNANSWERED:
                raise
        ceiling = min(_FIRST_PAUSE_SECONDS * 2**number, _LONGEST_PAUSE_SECONDS)
        clock.pause(random.uniform(0, ceiling))
    raise StoreUnavailable("the write kept meeting others")
