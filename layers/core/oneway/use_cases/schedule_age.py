"""How old a provider's schedule is; every page says so.

A pull that finds nothing new writes nothing, but for one feed of each source, which writes the source's heartbeat. So a feed
that has neither failed nor been held is as fresh as its source (ADR 0010), as long as it looks back at all: one whose pulls
break, or never come, does not even fail.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ..domain.feeds import LOOK_BACK_EVERY, FeedState
from ..domain.practices import Practice, Provider
from ..ports import Clock, FeedRepository

_KEPT = timedelta(seconds=30)


@dataclass(slots=True)
class ScheduleAge:
    """Ages of schedules; each feed is looked up at most every 30 seconds."""

    feeds: FeedRepository
    clock: Clock
    _seen: dict[tuple[str, str], tuple[datetime, FeedState]] = field(default_factory=dict)

    def minutes(self, practice: Practice, provider: Provider) -> int | None:
        """Whole minutes since the last complete pull of a provider; None if there was none."""
        good_at = self.last_good_at(practice, provider)
        return None if good_at is None else max(0, int((self.clock.now() - good_at).total_seconds() // 60))

    def know(self, states: Iterable[FeedState]) -> None:
        """Take over what was just read, so that it is not looked up."""
        for state in states:
            if state.last_good_at is not None:
                self._seen[state.settings.practice, state.settings.feed_id] = self.clock.now(), state

    def oldest_minutes(self, practice: Practice) -> int | None:
        """The age of the practice's oldest schedule; None if one was never pulled, or nothing is integrated."""
        ages = [self.minutes(practice, p) for p in practice.providers.values() if p.integrated]
        known = [age for age in ages if age is not None]
        return max(known) if known and len(known) == len(ages) else None

    def last_good_at(self, practice: Practice, provider: Provider) -> datetime | None:
        """When the last complete pull of a provider was made, as far as it is written down (to ten minutes)."""
        feed_id = practice.feed_of(provider)
        own = self._state(practice, feed_id) if feed_id else None
        if own is None or own.last_good_at is None:
            return None
        source = practice.sources[provider.source_id or ""]
        beating_id = practice.beating_feed_of(source)
        interval = timedelta(minutes=own.settings.interval_minutes)
        idle = self.clock.now() - own.last_good_at >= 2 * LOOK_BACK_EVERY + interval
        if own.settings.beats or own.troubled or idle or beating_id is None:
            return own.last_good_at
        beating = self._state(practice, beating_id)
        if beating is None or beating.troubled or beating.last_good_at is None:
            return own.last_good_at
        return max(own.last_good_at, beating.last_good_at)

    def states(self, practice: Practice) -> list[FeedState]:
        """The states of a practice's feeds, those that are written down, each once."""
        ids = dict.fromkeys(practice.feed_of(provider) for provider in practice.providers.values())
        return [state for one in ids if one and (state := self._state(practice, one))]

    def _state(self, practice: Practice, feed_id: str) -> FeedState | None:
        key, now = (practice.slug, feed_id), self.clock.now()
        if key not in self._seen or now - self._seen[key][0] > _KEPT:
            state = self.feeds.get(*key)
            if state is None or state.last_good_at is None:
                return state  # not kept: a schedule that is read for the first time opens at once
            self._seen[key] = now, state
        return self._seen[key][1]
