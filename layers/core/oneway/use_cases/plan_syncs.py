"""Enqueue the pulls that are due (house: *The wheel*), in bundles (ADR 0015b)."""

from msgspec import Struct

from ..domain.feeds import bundles_for, in_turn
from ..ports import FeedRepository, SyncQueue


class PlanSyncs(Struct, frozen=True):
    """Reads the wheel's spokes of a minute; writes only when a stack has grown or shrunk to twice or half its size."""

    feeds: FeedRepository
    queue: SyncQueue

    def __call__(self, minute: int) -> int:
        """Enqueue what is due in an epoch minute; how many. The same minute twice is once."""
        due = in_turn(self.feeds.due(minute), minute)
        before = self.feeds.bundles()
        bundles = bundles_for(len(due), before)
        if bundles != before:
            self.feeds.save_bundles(bundles)
        self.queue.send(due, minute, bundles)
        return len(due)
