"""Feeds: their state, digests and set-aside rows, and the wheel that says when they are due."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from ..domain.appointments import SetAsideRow
from ..domain.comparing import DigestWeek, pack_week, unpack_week
from ..domain.errors import StoreUnavailable, WriteConflict
from ..domain.feeds import INTERVALS, FeedRef, FeedState, bucket_of, source_of, spoke_of, spokes_due
from ..domain.health import SourceHealth
from ..domain.practice_events import PracticeEvent
from ..domain.pull_history import AskedPull
from ..ports import FeedFile
from . import keys
from .items import TableItem, answered, decoded, get, get_many, item, query, save_all_if, save_if
from .practice_events import event_item

MOST_SET_ASIDE = 100
_TRIES = 5


class DynamoFeedRepository:
    """Implements ports.FeedRepository."""

    def get(self, practice: str, feed_id: str) -> FeedState | None:
        """A feed's state: half a read unit."""
        found = get(keys.feed(practice, feed_id), consistent=False)
        return decoded(found, FeedState) if found else None

    def states(self, practice: str, feed_ids: Iterable[str]) -> dict[str, FeedState]:
        """The states of these feeds, those that exist: half a read unit each."""
        wanted = {keys.feed(practice, one): one for one in feed_ids}
        found = get_many(wanted, consistent=False) if wanted else []
        return {wanted[keys.Key(one.pk, one.sk)]: decoded(one, FeedState) for one in found}

    def save(self, before: FeedState, after: FeedState, event: PracticeEvent | None = None) -> None:
        """Write a feed's state, with an entry that tells of it, if the version is `before.version`. Raises WriteConflict."""
        settings, version = after.settings, before.version + 1
        new = item(keys.feed(settings.practice, settings.feed_id), replace(after, version=version), version)
        is_still = TableItem.v == before.version if before.version else TableItem.pk.does_not_exist()
        if event:
            save_all_if(new, is_still, event_item(settings.practice, event))
        else:
            save_if(new, is_still)
        if not before.version:
            answered(item(keys.feeds_of(settings.practice, settings.feed_id)).save)

    def files(self, practice: str, feed_ids: Iterable[str]) -> dict[str, FeedFile]:
        """What is known of these feeds, those that exist, in one consistent read."""
        wanted = {
            one: (keys.feed(practice, one), keys.set_aside(practice, one), keys.asked_pull(practice, one))
            for one in feed_ids
        }
        stored = get_many(key for each in wanted.values() for key in each) if wanted else []
        found = {keys.Key(one.pk, one.sk): one for one in stored}
        return {
            feed_id: FeedFile(
                decoded(found[state], FeedState),
                decoded(found[aside], list[SetAsideRow]) if aside in found else (),
                decoded(found[asked], AskedPull) if asked in found else None,
            )
            for feed_id, (state, aside, asked) in wanted.items()
            if state in found
        }

    def save_asked(self, practice: str, feed_id: str, pull: AskedPull) -> None:
        """Write how far the last pull is that staff asked for."""
        answered(item(keys.asked_pull(practice, feed_id), pull).save)

    def digests(self, practice: str, feed_id: str) -> dict[str, DigestWeek]:
        """All stored digests of a feed, by ISO week."""
        found = query(keys.feed_partition(practice, feed_id), TableItem.sk.startswith("DIGEST#"), consistent=True)
        return {one.sk.removeprefix("DIGEST#"): unpack_week(one.body or b"") for one in found}

    def save_digests(self, practice: str, feed_id: str, weeks: Mapping[str, DigestWeek]) -> None:
        """Replace these weeks; an empty one is removed."""
        for week, entries in weeks.items():
            one = item(keys.digest(practice, feed_id, week), pack_week(entries))
            answered(one.save if entries else one.delete)

    def set_aside(self, practice: str, feed_id: str, rows: Sequence[SetAsideRow]) -> None:
        """Replace the feed's set-aside rows (the first hundred are kept)."""
        answered(item(keys.set_aside(practice, feed_id), list(rows[:MOST_SET_ASIDE])).save)

    def of_practice(self, practice: str) -> list[FeedState]:
        """All feeds of a practice."""
        listed = query(keys.feeds_of(practice, "").pk)
        found = get_many(keys.feed(practice, one.sk) for one in listed) if listed else []
        return [decoded(one, FeedState) for one in found]

    def health(self, practice: str, source_id: str) -> SourceHealth:
        """How a source is; well, of one that never broke."""
        found = get(keys.source_health(practice, source_id))
        return decoded(found, SourceHealth) if found else SourceHealth(practice, source_id)

    def save_health(self, before: SourceHealth, after: SourceHealth) -> None:
        """Write how a source is, if the stored version is `before.version`. Raises WriteConflict."""
        version = before.version + 1
        new = item(keys.source_health(after.practice, after.source_id), replace(after, version=version), version)
        save_if(new, TableItem.v == before.version if before.version else TableItem.pk.does_not_exist())

    def put_on_wheel(self, ref: FeedRef, interval_minutes: int | None) -> None:
        """Enter a feed in its spoke and take it off all others. Idempotent."""
        for interval in INTERVALS:
            spoke = spoke_of(ref.practice, ref.feed_id, interval)
            bucket = keys.spoke_bucket(interval, spoke, bucket_of(ref.practice))
            self._enter(bucket, ref, interval == interval_minutes)

    def bundles(self) -> int:
        """Into how many bundles the pulls of a minute go: a read unit."""
        found = get(keys.bundles())
        return int(found.v or 1) if found else 1

    def save_bundles(self, bundles: int) -> None:
        """Write into how many."""
        answered(item(keys.bundles(), version=bundles).save)

    def due(self, minute: int) -> list[FeedRef]:
        """The feeds whose spoke comes up in an epoch minute: half a read unit for every 4 KB of a spoke."""
        spokes = [keys.spoke_partition(interval, number) for interval, number in spokes_due(minute)]
        return [ref for spoke in spokes for one in query(spoke) for ref in decoded(one, list[FeedRef])]

    def remove(self, practice: str, feed_id: str) -> None:
        """Take a feed off the wheel and delete what is known of it; of its source, too, if it was the last."""
        self.put_on_wheel(FeedRef(practice, feed_id, ""), None)
        listed = query(keys.feeds_of(practice, "").pk, consistent=True)
        others = {source_of(one.sk) for one in listed if one.sk != feed_id}
        for one in query(keys.feed_partition(practice, feed_id), consistent=True):
            answered(one.delete)
        if source_of(feed_id) not in others:
            answered(TableItem(*keys.source_health(practice, source_of(feed_id))).delete)
        answered(TableItem(*keys.feeds_of(practice, feed_id)).delete)

    def _enter(self, key: keys.Key, ref: FeedRef, wanted: bool) -> None:
        for _ in range(_TRIES):
            found = get(key)
            refs = decoded(found, list[FeedRef]) if found else []
            others = [one for one in refs if (one.practice, one.feed_id) != (ref.practice, ref.feed_id)]
            after = [*others, ref] if wanted else others
            if set(after) == set(refs):
                return None
            version = int(found.v or 0) if found else 0
            try:
                condition = TableItem.v == version if version else TableItem.pk.does_not_exist()
                return save_if(item(key, after, version + 1), condition)
            except WriteConflict:
                continue
        raise StoreUnavailable("wheel")
