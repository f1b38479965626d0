"""The feeds of a practice follow its settings: what they read, how often, and how far ahead."""

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from ..domain.errors import WriteConflict
from ..domain.feeds import LONGEST_PULL, FeedSettings, FeedState, Seen, covers_more, reads_elsewhere
from ..domain.practices import Practice, Provider
from ..ports import Clock, FeedRepository

_TRIES = 5


class KeepFeeds(Struct, frozen=True):
    """Writes what differs; a pull may be writing a feed's state at the same time."""

    feeds: FeedRepository
    clock: Clock

    def __call__(self, settings: FeedSettings, *, retry: bool = False, unheard: bool = False) -> None:
        """Store a feed's settings; `retry`: it waits no longer, whoever wanted it to. Raises WriteConflict."""
        for _ in range(_TRIES):
            before = self.feeds.get(settings.practice, settings.feed_id)
            after = _with_settings(before, settings, retry, self.clock.now())
            after = replace(after, unheard=after.unheard or unheard)
            if before == after:
                return
            try:
                self.feeds.save(before or FeedState(settings), after)
                return
            except WriteConflict:
                continue
        raise WriteConflict


def feeds_of(practice: Practice) -> Iterator[FeedSettings]:
    """The feeds of a practice: one per integrated provider, or one of a source that has to be read whole."""
    covered: dict[str, list[Provider]] = {}
    for provider in practice.providers.values():
        if feed_id := practice.feed_of(provider):
            covered.setdefault(feed_id, []).append(provider)
    beating = practice.beating_feeds
    for feed_id, providers in covered.items():
        source = practice.sources[providers[0].source_id or ""]
        yield FeedSettings(
            practice=practice.slug,
            feed_id=feed_id,
            source_id=source.id,
            kind=source.kind,
            address=source.address,
            profile=source.profile,
            country=practice.country,
            interval_minutes=source.interval_minutes,
            horizon_days=practice.horizon_days,
            zone=practice.zone,
            providers=tuple((one.external_id or "", one.id, practice.location_of(one).zone) for one in providers),
            lane=practice.lane_of(source),
            brake=source.brake,
            beats=feed_id == beating[source.id],
            requests_per_minute=float(source.requests_per_minute),  # as it is once it was stored: digests cover it
        )


def _with_settings(before: FeedState | None, settings: FeedSettings, retry: bool, now: datetime) -> FeedState:
    """A feed's state under these settings. What was seen under others is forgotten, so that the next pull compares everything
    and is not told "unchanged" of a question that is no longer the same.

    Of a provider whom the feed did not cover, visits may be stored of which its digests know nothing: the next pull looks.
    """
    unknown = now - LONGEST_PULL  # as after a pull that died, and is surely over
    if before is None:
        return FeedState(settings, applying_since=unknown, moved_at=now)
    state = before
    if before.settings != settings:
        forgotten = replace(
            before,
            seen=Seen(),
            seen_back=Seen(),
            mapping="",
            cursor="",
            delta="",
            short_since=None,
            short_since_back=None,
        )
        moved_at = now if reads_elsewhere(before.settings, settings) else before.moved_at
        since = before.applying_since or (unknown if covers_more(before.settings, settings) else None)
        state = replace(
            forgotten,
            settings=settings,
            moved_at=moved_at,
            applying_since=since,
            not_before=before.asked_until,  # what the source asks for holds whatever it is asked
        )
        retry = retry or before.settings.address != settings.address
    return replace(state, not_before=None, asked_until=None) if retry else state
