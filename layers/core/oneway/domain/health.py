"""When a source is broken (product section 5): no good pull for three intervals, or half an hour, of open hours; or access was
taken away. Why there was none does not matter (use_cases/judge_feed.py). Nights and closed days do not count: nobody would look,
and nobody would be asked.

Feeds break one by one, but staff know sources: one is broken with the first of its feeds, and well with the last.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from .availability import Availability
from .clock_time import day_beginnings, day_of, minute_of
from .events import HealthEvent, SourceBroken, SourceWell
from .feeds import FeedState

LEAST_MINUTES = 30
INTERVALS_MISSED = 3
HELD = "held"
"""Beside the words of `faults`, why there is no good pull: much vanished at once, and staff have not said what that means."""
INCOMPLETE = "incomplete"
"""The source does not show everything, as it says itself."""


class Turn(Struct, frozen=True):
    """A source broke at an instant, with a word of `faults`; without one it is well, and had been broken since then."""

    since: datetime
    fault: str = ""


class SourceHealth(Struct, frozen=True):
    """Since when a source counts as broken (None: it is well), and of which turns staff have not been told, oldest first."""

    practice: str
    source_id: str
    broken_since: datetime | None = None
    untold: tuple[Turn, ...] = ()
    version: int = 0

    @property
    def news(self) -> list[HealthEvent]:
        """What is untold, as events."""
        return [
            SourceBroken(self.practice, self.source_id, turn.fault, turn.since)
            if turn.fault
            else SourceWell(self.practice, self.source_id, turn.since)
            for turn in self.untold
        ]

    def judged(self, feeds: Iterable[FeedState]) -> "SourceHealth":
        """As its feeds are now: itself, if that is nothing new."""
        broken = [(one.broken_since, one.last_failure) for one in feeds if one.broken_since]
        if bool(broken) == bool(self.broken_since):
            return self
        if self.broken_since:
            return replace(self, broken_since=None, untold=(*self.untold, Turn(self.broken_since)))
        turn = Turn(*min(broken))
        return replace(self, broken_since=turn.since, untold=(*self.untold, turn))


def is_answered(state: FeedState) -> bool:
    """Whether nothing but the next pull is missing: staff have said what much that vanished means, and nothing else failed."""
    return bool(state.held and state.answer) and state.last_failure in ("", HELD)


def patience_minutes(interval_minutes: int) -> int:
    """How many open minutes may pass without a good pull."""
    return max(INTERVALS_MISSED * interval_minutes, LEAST_MINUTES)


def open_minutes(
    availabilities: Iterable[Availability], zone: ZoneInfo, since: datetime, now: datetime, enough: int
) -> int:
    """How many minutes of [since, now) at least one of these providers was open; no more than `enough` are counted."""
    providers = list(availabilities)
    counted, day = 0, day_of(since, zone)
    while counted < enough and day <= day_of(now, zone):
        counted += _open_on(day, providers, zone, minute_of(since), minute_of(now))
        day += timedelta(days=1)
    return min(counted, enough)


def _open_on(day: date, providers: Iterable[Availability], zone: ZoneInfo, since: int, now: int) -> int:
    begins = day_beginnings(day, 1, zone)[0]
    hours = sorted({opening for one in providers for opening in one.open_hours(day, 1)[0]})
    counted, reached = 0, since
    for opening in hours:
        start = max(begins + opening.start_minutes, reached)
        end = min(begins + opening.end_minutes, now)
        if start < end:
            counted += end - start
            reached = end
    return counted
