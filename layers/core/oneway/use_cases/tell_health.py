"""Staff are told once that a source is broken, and once that it is well again (product section 5), however many feeds it has.

Feeds say that they turned (`unheard` in their state, written with the turn itself); the source is judged over all of them, in one
conditional write that also keeps what is still to be told. A worker that dies anywhere leaves one of the two marks, and the next
pull goes on from it.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from ..domain.errors import WriteConflict
from ..domain.events import HealthEvent
from ..domain.feeds import FeedState
from ..domain.health import SourceHealth
from ..ports import Clock, FeedRepository
from .settling import settle

Consumer = Callable[[HealthEvent], object]
"""Told of each turn of a source, in order. It may be told of one twice, if it or its worker died: (source, since, kind of event)
names the turn. What it raises comes again with the next pull.
"""


class TellHealth(Struct, frozen=True):
    """Judges a source and tells the `consumers`."""

    feeds: FeedRepository
    clock: Clock
    consumers: Sequence[Consumer] = ()

    def __call__(self, practice: str, source_id: str) -> Sequence[HealthEvent]:
        """What was told now. Raises StoreUnavailable, and what a consumer raises."""
        health, feeds = settle(partial(self._judge, practice, source_id), self.clock)
        for event in health.news:
            for tell in self.consumers:
                tell(event)
        with suppress(WriteConflict):  # another pull was quicker: it tells, or has told, the same
            if health.untold:
                self.feeds.save_health(health, replace(health, untold=()))
            for state in feeds:
                if state.unheard:
                    self.feeds.save(state, replace(state, unheard=False))
        return health.news

    def _judge(self, practice: str, source_id: str) -> tuple[SourceHealth, Sequence[FeedState]]:
        before = self.feeds.health(practice, source_id)
        feeds = [one for one in self.feeds.of_practice(practice) if one.settings.source_id == source_id]
        after = before.judged(feeds)
        if after is before:
            return before, feeds
        self.feeds.save_health(before, after)
        return replace(after, version=before.version + 1), feeds
