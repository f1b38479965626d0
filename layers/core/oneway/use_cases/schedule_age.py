"""How old a provider's schedule is; every page says so."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ..domain.feeds import feed_id_of
from ..domain.practices import Practice, Provider
from ..ports import Clock, FeedRepository

_KEPT = timedelta(seconds=30)


@dataclass(slots=True)
class ScheduleAge:
    """Ages of schedules, each looked up at most every 30 seconds."""

    feeds: FeedRepository
    clock: Clock
    _seen: dict[tuple[str, str], tuple[datetime, datetime]] = field(default_factory=dict)

    def minutes(self, practice: Practice, provider: Provider) -> int | None:
        """Whole minutes since the last complete pull of a provider; None if there was none."""
        good_at = self.last_good_at(practice, provider)
        return None if good_at is None else max(0, int((self.clock.now() - good_at).total_seconds() // 60))

    def oldest_minutes(self, practice: Practice) -> int | None:
        """The age of the practice's oldest schedule; None if one was never pulled, or nothing is integrated."""
        ages = [self.minutes(practice, p) for p in practice.providers.values() if p.integrated]
        known = [age for age in ages if age is not None]
        return max(known) if known and len(known) == len(ages) else None

    def last_good_at(self, practice: Practice, provider: Provider) -> datetime | None:
        """When the last complete pull of a provider was made."""
        if not provider.source_id:
            return None
        key = practice.slug, feed_id_of(provider.source_id, provider.id)
        now = self.clock.now()
        if key not in self._seen or now - self._seen[key][0] > _KEPT:
            state = self.feeds.get(*key)
            if state is None or state.last_good_at is None:
                return None  # not kept: a schedule that is read for the first time opens at once
            self._seen[key] = now, state.last_good_at
        return self._seen[key][1]
