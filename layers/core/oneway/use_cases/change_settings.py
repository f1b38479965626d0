"""Staff change the settings of daily life (product sections 4, 6 and 7; ADR 0021).

Who saves second is told what the first one changed, by whom and when, and loses nothing: a change names what its editor began
with, and is refused only where that very setting is another now.
"""

from collections.abc import Collection, Mapping

from msgspec import Struct
from msgspec.structs import replace

from ..domain.practice_settings import Value, changed, new_visit_type_id, text_of
from ..domain.practices import Practice, VisitType
from ..ports import Clock, FeedRepository, PracticeRepository
from .keep_feeds import KeepFeeds, feeds_of
from .membership import Membership
from .settling import settle


class ChangeSettings(Struct, frozen=True):
    """Each change is one conditional transaction with its timeline entries, repeated on what another one left. Repeating a
    change changes nothing. All raise PracticeNotFound, Forbidden (a viewer), SettingsChangedMeanwhile, InvalidInput,
    StoreUnavailable.
    """

    membership: Membership
    practices: PracticeRepository
    feeds: FeedRepository
    clock: Clock

    def __call__(self, slug: str, email: str, seen: Mapping[str, str], wanted: Mapping[str, Value]) -> Practice:
        """Change settings, by name; `seen` are the texts of what the editor began with."""
        actor = self.membership.acting(slug, email)
        return settle(lambda: self._attempt(self.practices.read(slug), actor.name, seen, wanted), self.clock)

    def save_visit_type(
        self,
        slug: str,
        email: str,
        seen: str,
        visit_type: VisitType,
        offered_seen: Collection[str],
        offered: Collection[str],
        known: Collection[str] = (),
    ) -> VisitType:
        """Add a visit type (without an id) or change one, and which providers offer it; as it is then.

        A new one gets an id from its name that was none of those `known` when its form was shown. So the same form sent twice
        is one visit type, and of two people who add one of the same name the second is told.
        One that nobody offers any more can no longer be booked, and stays to be read in old requests.
        """
        actor = self.membership.acting(slug, email)

        def attempt() -> VisitType:
            before = self.practices.read(slug)
            identifier = visit_type.id or new_visit_type_id(known, visit_type.name)
            name, one = f"visit_types.{identifier}", replace(visit_type, id=identifier)
            wanted: dict[str, Value] = {name: one}
            began = {name: seen}
            for provider in before.providers.values():
                listed = provider.visit_type_ids
                if provider.id in offered and provider.id not in offered_seen and identifier not in listed:
                    after = (*listed, identifier)
                elif provider.id in offered_seen and provider.id not in offered:
                    after = tuple(other for other in listed if other != identifier)
                else:
                    continue
                of_provider = f"providers.{provider.id}.visit_type_ids"
                wanted[of_provider], began[of_provider] = after, text_of(listed)
            self._attempt(before, actor.name, began, wanted)
            return one

        return settle(attempt, self.clock)

    def _attempt(self, before: Practice, who: str, seen: Mapping[str, str], wanted: Mapping[str, Value]) -> Practice:
        after, events = changed(before, seen, wanted, who, self.clock.now())
        # What is offered has to be read: further ahead is read first, and less far once it is no longer offered.
        if after.horizon_days > before.horizon_days:
            self._keep_feeds(after)
        if events:
            self.practices.change(before, after, events)
        self._keep_feeds(after)
        return after

    def _keep_feeds(self, practice: Practice) -> None:
        keep = KeepFeeds(self.feeds, self.clock)
        known = {one.settings.feed_id: one.settings for one in self.feeds.of_practice(practice.slug)}
        for settings in feeds_of(practice):
            if settings.feed_id in known and known[settings.feed_id].horizon_days != settings.horizon_days:
                keep(replace(known[settings.feed_id], horizon_days=settings.horizon_days))
