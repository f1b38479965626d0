"""Enqueue the pulls that are due (house: *The wheel*)."""

from dataclasses import dataclass

from ..domain.feeds import in_turn
from ..ports import FeedRepository, SyncQueue


@dataclass(frozen=True, slots=True)
class PlanSyncs:
    """Reads the wheel's spokes of a minute; writes nothing."""

    feeds: FeedRepository
    queue: SyncQueue

    def __call__(self, minute: int) -> int:
        """Enqueue what is due in an epoch minute; how many. The same minute twice is once."""
        due = in_turn(self.feeds.due(minute), minute)
        self.queue.send(due, minute)
        return len(due)
