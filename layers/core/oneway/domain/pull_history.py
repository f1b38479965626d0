"""What pulls of a feed changed over a day, and how far one is that staff asked for; staff see both in Integration."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from msgspec import Struct

HOURS = 24
Counts = tuple[tuple[int, int], ...]
"""(hours since the epoch, visits written in that hour), oldest first; hours without any are left out."""


class AskedPull(Struct, frozen=True):
    """The last pull of a feed that staff asked for: when it began and ended, how (`Outcome`), what it wrote.

    `failure` is a word of `faults`.
    """

    began_at: datetime
    ended_at: datetime | None = None
    outcome: str = ""
    changed: int = 0
    failure: str = ""


def counted(counts: Counts, now: datetime, changed: int) -> Counts:
    """Counts with what was changed now; those of more than a day ago are dropped, so that they stay few."""
    hour, known = _hour(now), dict(counts)
    known[hour] = known.get(hour, 0) + changed
    return tuple(sorted((at, count) for at, count in known.items() if at > hour - HOURS))


def by_hour(of_feeds: Iterable[Counts], now: datetime) -> list[tuple[datetime, int]]:
    """What several feeds changed together in each of the last 24 hours, this one included, oldest first."""
    last, total = _hour(now), dict[int, int]()
    for counts in of_feeds:
        for hour, count in counts:
            total[hour] = total.get(hour, 0) + count
    first = last - HOURS + 1
    return [(datetime.fromtimestamp(hour * 3600, UTC), total.get(hour, 0)) for hour in range(first, last + 1)]


def _hour(at: datetime) -> int:
    return int(at.timestamp()) // int(timedelta(hours=1).total_seconds())
