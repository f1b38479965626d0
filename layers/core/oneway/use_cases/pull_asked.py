"""*Sync now* is followed to its end: what staff asked for says when it begins, and how it ended.

It stands beside the feed's state, which a pull writes on the version that it read: two writes for somebody who waits, none for
the pulls that nobody asked for.
"""

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from ..domain.clock_time import instant_of
from ..domain.pull_history import AskedPull
from ..faults import OutOfTime
from ..ports import Clock, FeedRepository
from .sync_feed import Outcome, SyncFeed, SyncReport


class PullAsked(Struct, frozen=True):
    """A pull as the queue asks for it."""

    sync_feed: SyncFeed
    feeds: FeedRepository
    clock: Clock

    def __call__(
        self, practice: str, feed_id: str, *, now_asked: bool = False, deadline: datetime | None = None
    ) -> SyncReport:
        """Pull a feed, and tell how far it is if somebody waits. Raises StoreUnavailable."""
        if not now_asked:
            return self.sync_feed(practice, feed_id, deadline=deadline)
        pull = AskedPull(self.clock.now())
        self.feeds.save_asked(practice, feed_id, pull)
        report = self.sync_feed(practice, feed_id, now_asked=True, deadline=deadline)
        if report.outcome is Outcome.LEFT_OFF:
            return report  # it is put back, and begins anew
        ended = replace(
            pull, ended_at=self.clock.now(), outcome=report.outcome, changed=report.changed, failure=report.failure
        )
        self.feeds.save_asked(practice, feed_id, ended)
        return report

    def missed(self, practice: str, feed_id: str) -> SyncReport:
        """A feed's turn came, and nobody had the time for it. Raises StoreUnavailable."""
        return self.sync_feed.missed(practice, feed_id)

    def give_up(self, practice: str, feed_id: str, minute: int) -> None:
        """Tell whoever asked in an epoch minute that there never was the time to read it. Raises StoreUnavailable."""
        told = AskedPull(instant_of(minute + 1), self.clock.now(), Outcome.LEFT_OFF, failure=OutOfTime.word)
        self.feeds.save_asked(practice, feed_id, told)

    def leave(self, lane: str, until: datetime) -> None:
        """A worker is done with a lane for now (ports.SourceFactory)."""
        self.sync_feed.leave(lane, until)
