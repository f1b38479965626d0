"""A pull under way: what was stored, what it covers, and what it leaves in the feed's state."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from ..domain.clock_time import day_of, zone_of
from ..domain.comparing import DigestWeek, feed_digest, suspected
from ..domain.feeds import LONGEST_PULL, LOOK_BACK, FeedSettings, FeedState, Seen, Window
from ..ports import ScheduleSource

MAPPING_VERSION = "1"
"""Raise it when rows are translated differently: the next pull then compares everything."""


class Pull(Struct, frozen=True):
    """One pull under way: what was stored, what it covers, when it began, and until when it may take.

    `back`: it looks back, and leaves its own mark; `asked`: somebody pressed *Sync now*, and waits. `doubted`: since when another
    pull did not come to its end, which may still be at it.
    """

    state: FeedState
    source: ScheduleSource
    window: Window
    began: datetime
    deadline: datetime | None
    back: bool
    asked: bool
    doubted: datetime | None = None

    @property
    def still_doubted(self) -> datetime | None:
        """What this pull leaves, if it comes to its end: one beside it that may live still has not said that it came to its."""
        return self.doubted if self.doubted and self.began - self.doubted < LONGEST_PULL else None

    @property
    def moved_at(self) -> datetime | None:
        """Since when the feed reads another system; what a pull that died beside the move wrote after it is of the old one."""
        moved_at = self.state.moved_at
        if moved_at and self.doubted and abs(self.doubted - moved_at) <= LONGEST_PULL:
            return max(moved_at, self.began)
        return moved_at

    @property
    def is_over(self) -> datetime:
        """What this pull leaves, if it is stopped: what it applied is not recorded, but nobody has to wait for it, and of what it
        applied all is of the system that is read.
        """
        return self.still_doubted or (self.moved_at or self.began) - 2 * LONGEST_PULL

    @property
    def seen(self) -> Seen:
        """What the last pull of this window saw; nothing, if it was another day's."""
        seen = self.state.seen_back if self.back else self.state.seen
        return seen if seen.day == self.window.day else Seen()

    @property
    def short_since(self) -> datetime | None:
        """Since when the answers of this window are short. A server may cut the wider one alone."""
        return self.state.short_since_back if self.back else self.state.short_since

    def told_short(self, state: FeedState, short: bool | None) -> FeedState:
        """A state with whether this answer was (None: it does not tell)."""
        if short is None:
            return state
        since = (self.short_since or self.began) if short else None
        return replace(state, short_since_back=since) if self.back else replace(state, short_since=since)

    @property
    def reach(self) -> Window:
        """The window with the days of a look back."""
        return window_at(self.state.settings, self.began, back=True)

    @property
    def mapping(self) -> str:
        """What rows are translated under."""
        return feed_digest((), repr(self.state.settings), MAPPING_VERSION)

    @property
    def knows(self) -> bool:
        """Whether rows still come to what they came to. What was read under other settings, or on another day, may not."""
        return self.seen.day is not None and self.state.mapping == self.mapping

    @property
    def suspects(self) -> int:
        """How many visits this pull decides on, if it does not show them."""
        return self.state.suspects + (self.state.suspects_back if self.back else 0)

    def with_suspects(self, state: FeedState, stored: Mapping[str, DigestWeek]) -> FeedState:
        """A state with how many visits the next pulls have to decide on; those that no window reaches any more, no pull does."""
        count = len(suspected(stored, window_at(state.settings, self.began)))
        return replace(state, suspects=count, suspects_back=len(suspected(stored, self.reach)) - count)

    def left(self, state: FeedState, seen: Seen, *, recorded: bool) -> FeedState:
        """A state with what this pull saw. Where the digests were `recorded` anew, the other window has to be compared with
        them: what it shows may be the same as the last time that it was read, and no longer what is stored.
        """
        if recorded:
            state = replace(state, seen=state.seen.forgotten(), seen_back=state.seen_back.forgotten())
        return replace(state, seen_back=seen) if self.back else replace(state, seen=seen)


def window_at(settings: FeedSettings, now: datetime, *, back: bool = False) -> Window:
    """What a pull at an instant covers: from the start of yesterday, or of thirty days `back`, to the end of the horizon's last
    day.
    """
    zone = zone_of(settings.zone)
    today = day_of(now, zone)
    first = today - (LOOK_BACK if back else timedelta(days=1))
    return Window(_midnight(first, zone), _midnight(today + timedelta(days=settings.horizon_days + 1), zone), today)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)
