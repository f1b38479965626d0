"""How old a provider's schedule is; every page says so.

A pull that finds nothing new writes nothing, but for one feed of each source, which writes the source's heartbeat. So a feed
that has neither failed nor been held is as fresh as its source (ADR 0010), as long as it looks back at all: one whose pulls
break, or never come, does not even fail.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct, field

from ..domain.feeds import LOOK_BACK_EVERY, FeedState
from ..domain.practices import Practice, Provider
from ..ports import Clock, FeedRepository

_KEPT = timedelta(seconds=30)


class Ages(Struct, frozen=True):
    """How old schedules of a practice are by the `states` of their feeds, by id; `beating` are the feeds that write the
    heartbeat of each source, by the source's id.
    """

    practice: Practice
    now: datetime
    states: Mapping[str, FeedState]
    beating: Mapping[str, str]

    def minutes(self, provider: Provider) -> int | None:
        """Whole minutes since the last complete pull of a provider; None if there was none."""
        good_at = self.last_good_at(provider)
        return None if good_at is None else max(0, int((self.now - good_at).total_seconds() // 60))

    def oldest_minutes(self, providers: Iterable[Provider]) -> int | None:
        """The age of the oldest of their schedules; None if one was never pulled, or nothing is integrated."""
        ages = [self.minutes(one) for one in providers if one.integrated]
        known = [age for age in ages if age is not None]
        return max(known) if known and len(known) == len(ages) else None

    def last_good_at(self, provider: Provider) -> datetime | None:
        """When the last complete pull of a provider was made, as far as it is written down (to ten minutes)."""
        own = self.states.get(self.practice.feed_of(provider) or "")
        beating = self.states.get(self.beating.get(provider.source_id or "", ""))
        if own is None or own.last_good_at is None:
            return None
        interval = timedelta(minutes=own.settings.interval_minutes)
        idle = self.now - own.last_good_at >= 2 * LOOK_BACK_EVERY + interval
        if own.settings.beats or own.troubled or idle:
            return own.last_good_at
        if beating is None or beating.troubled or beating.last_good_at is None:
            return own.last_good_at
        return max(own.last_good_at, beating.last_good_at)


class ScheduleAge(Struct):
    """Ages of schedules; each feed is looked up at most every 30 seconds, those that are needed together in one read."""

    feeds: FeedRepository
    clock: Clock
    _seen: dict[tuple[str, str], tuple[datetime, FeedState]] = field(default_factory=dict)

    def of(self, practice: Practice, providers: Iterable[Provider] | None = None) -> Ages:
        """The ages of some providers' schedules, or of all."""
        beating = practice.beating_feeds
        chosen = practice.providers.values() if providers is None else providers
        feeds = {feed: one.source_id or "" for one in chosen if (feed := practice.feed_of(one))}
        ids = dict.fromkeys([*feeds, *(beating[source] for source in feeds.values())])
        return Ages(practice, self.clock.now(), self._states(practice.slug, ids), beating)

    def minutes(self, practice: Practice, provider: Provider) -> int | None:
        """Whole minutes since the last complete pull of a provider; None if there was none."""
        return self.of(practice, [provider]).minutes(provider)

    def oldest_minutes(self, practice: Practice) -> int | None:
        """The age of the practice's oldest schedule; None if one was never pulled, or nothing is integrated."""
        return self.of(practice).oldest_minutes(practice.providers.values())

    def last_good_at(self, practice: Practice, provider: Provider) -> datetime | None:
        """When the last complete pull of a provider was made, as far as it is written down (to ten minutes)."""
        return self.of(practice, [provider]).last_good_at(provider)

    def know(self, states: Iterable[FeedState]) -> None:
        """Take over what was just read, so that it is not looked up."""
        for state in states:
            if state.last_good_at is not None:
                self._seen[state.settings.practice, state.settings.feed_id] = self.clock.now(), state

    def _states(self, practice: str, feed_ids: Iterable[str]) -> Mapping[str, FeedState]:
        now = self.clock.now()
        seen = {one: self._seen.get((practice, one)) for one in feed_ids}
        known = {one: found[1] for one, found in seen.items() if found and now - found[0] <= _KEPT}
        unknown = [one for one in seen if one not in known]
        read = self.feeds.states(practice, unknown) if unknown else {}
        self.know(read.values())  # one that was never read is not kept: it opens at once when it is
        return known | read
