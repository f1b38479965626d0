"""Wait for a good pull that begins after an instant. Most pulls write nothing, so whoever waits has to say so."""

from dataclasses import dataclass, replace
from datetime import datetime

from ..domain.errors import WriteConflict
from ..domain.practices import Practice
from ..ports import FeedRepository


@dataclass(frozen=True, slots=True)
class AwaitPull:
    """Asked again and again, by those who wait."""

    feeds: FeedRepository

    def __call__(self, practice: Practice, provider_id: str, instant: datetime) -> datetime | None:
        """When a complete pull of a provider began after an instant; None if not yet: the next such pull is written down."""
        feed_id = practice.feed_of(practice.provider(provider_id))
        state = self.feeds.get(practice.slug, feed_id) if feed_id else None
        if state is None:
            return None
        if state.last_good_at and state.last_good_at > instant:
            return state.last_good_at
        if state.awaited is None:
            try:
                self.feeds.save(state, replace(state, awaited=instant))
            except WriteConflict:
                return None  # a pull was writing: asked again in a minute
        return None
