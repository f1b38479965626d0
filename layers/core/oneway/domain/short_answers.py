"""Answers that say themselves that they do not show everything: a total that is larger, an error among the entries.

Nothing is concluded from what such an answer does not show. But there are servers whose totals are estimates, or count what
they do not show to us: one that is short in every answer, for long enough, is read as if it did not say so. What is left then
is what every absence goes through: two pulls, a read by id, the brake.
"""

from datetime import datetime, timedelta

LEAST = timedelta(minutes=20)
INTERVALS = 2
"""Both are less than a source's patience (domain/health.py): a habit alone breaks no source."""


def is_habit(short_since: datetime | None, interval_minutes: int, now: datetime) -> bool:
    """Whether a feed's answers have all been short for so long that it is the server's way of counting."""
    return short_since is not None and now - short_since >= max(LEAST, INTERVALS * timedelta(minutes=interval_minutes))
