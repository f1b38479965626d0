"""*Sync now*: staff do not want to wait for the next pull (product section 5)."""

from collections.abc import Callable
from secrets import token_hex

from msgspec import Struct

from ..domain.clock_time import minute_of
from ..domain.feeds import FeedRef
from ..domain.practices import Practice
from ..ports import Clock, FeedRepository, SyncQueue
from .membership import Membership


class AskSync(Struct, frozen=True):
    """Enqueues a pull of every feed of a practice. No back-off of ours holds it up, and no other pull stands for it."""

    membership: Membership
    feeds: FeedRepository
    queue: SyncQueue
    clock: Clock
    new_word: Callable[[], str] = token_hex

    def __call__(self, slug: str, email: str) -> int:
        """Ask; how many feeds are pulled. Raises PracticeNotFound, Forbidden (a viewer)."""
        self.membership.acting(slug, email)
        refs = feed_refs(self.membership.practices.get(slug))
        self.queue.ask(refs, minute_of(self.clock.now()), self.new_word(), self.feeds.bundles())
        return len(refs)


def feed_refs(practice: Practice) -> list[FeedRef]:
    """The feeds of a practice, each once."""
    found = {
        feed_id: FeedRef(practice.slug, feed_id, practice.lane_of(practice.sources[provider.source_id or ""]))
        for provider in practice.providers.values()
        if (feed_id := practice.feed_of(provider))
    }
    return list(found.values())
