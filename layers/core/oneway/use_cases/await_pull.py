"""Wait for a good pull that begins after an instant. Most pulls write nothing, so whoever waits has to say so."""

from contextlib import suppress
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from ..domain.errors import WriteConflict
from ..domain.feeds import MOST_AWAITING, FeedState
from ..domain.practices import Practice
from ..ports import FeedRepository


class AwaitPull(Struct, frozen=True):
    """Asked again and again, by those who wait."""

    feeds: FeedRepository

    def __call__(
        self, practice: Practice, provider_id: str, instant: datetime, request_id: str = ""
    ) -> datetime | None:
        """When a complete pull of a provider began after an instant; None if not yet: the next such pull is written down, and
        says that this request waited for it.
        """
        feed_id = practice.feed_reading(provider_id)
        state = self.feeds.get(practice.slug, feed_id) if feed_id else None
        if state is None:
            return None
        if state.last_good_at and state.last_good_at > instant:
            return state.last_good_at
        awaiting = _awaiting(state, instant, request_id)
        if awaiting != state:
            with suppress(WriteConflict):  # a pull was writing: asked again in a minute
                self.feeds.save(state, awaiting)
        return None


def _awaiting(state: FeedState, instant: datetime, request_id: str) -> FeedState:
    new = {request_id} - {"", *state.awaited_by} if len(state.awaited_by) < MOST_AWAITING else ()
    return replace(state, awaited=state.awaited or instant, awaited_by=(*state.awaited_by, *new))
