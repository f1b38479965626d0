"""Bring a practice and its feeds to what an operator's file says. The same file twice changes nothing the second time."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from ..domain.errors import PracticeNotFound, WriteConflict
from ..domain.feeds import FeedRef, FeedSettings, FeedState, feed_id_of
from ..domain.practices import Practice
from ..ports import FeedRepository, PracticeRepository

_TRIES = 5
_PARTS = ("locations", "visit_types", "providers", "sources", "staff")


class Fate(StrEnum):
    """What becomes of something."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class PartReport:
    """What becomes of one part: its kind ("providers", "feeds"), its id ("" for the practice's own settings), and the
    names of the settings that differ."""

    kind: str
    id: str
    fate: Fate
    settings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ApplyReport:
    """What applying a practice does, part by part."""

    practice: str
    parts: tuple[PartReport, ...]

    @property
    def changes(self) -> tuple[PartReport, ...]:
        """The parts that do not stay as they are."""
        return tuple(part for part in self.parts if part.fate is not Fate.UNCHANGED)


@dataclass(frozen=True, slots=True)
class ApplyPractice:
    """Saves the practice first, then its feeds: where it is cut, applying again goes on."""

    practices: PracticeRepository
    feeds: FeedRepository

    def plan(self, practice: Practice) -> ApplyReport:
        """What applying would do. Reads only. Raises StoreUnavailable."""
        stored = self._stored(practice.slug)
        wanted = {settings.feed_id: settings for settings in feeds_of(practice)}
        found = {state.settings.feed_id: state.settings for state in self.feeds.of_practice(practice.slug)}
        parts = [*_compare_practices(stored, practice), *_compare("feeds", found, wanted)]
        return ApplyReport(practice.slug, tuple(parts))

    def __call__(self, practice: Practice, retry_sources: Collection[str] = ()) -> ApplyReport:
        """Apply; what it did. Feeds of `retry_sources` (new credentials) no longer wait for a back-off to end.

        Raises StoreUnavailable, WriteConflict (somebody else keeps writing a feed).
        """
        report = self.plan(practice)
        if any(part.kind != "feeds" for part in report.changes):
            self.practices.save(practice)
        for settings in feeds_of(practice):
            self._save(settings, settings.source_id in retry_sources)
            ref = FeedRef(settings.practice, settings.feed_id, settings.lane)
            self.feeds.put_on_wheel(ref, settings.interval_minutes)
        for part in report.changes:
            if part.kind == "feeds" and part.fate is Fate.REMOVED:
                self.feeds.remove(practice.slug, part.id)
        return report

    def _stored(self, slug: str) -> Practice | None:
        try:
            return self.practices.get(slug)
        except PracticeNotFound:
            return None

    def _save(self, settings: FeedSettings, retry: bool) -> None:
        """Store a feed's settings; a pull may be writing its state at the same time."""
        for _ in range(_TRIES):
            before = self.feeds.get(settings.practice, settings.feed_id)
            after = _with_settings(before, settings, retry)
            if before == after:
                return
            try:
                self.feeds.save(before or FeedState(settings), after)
                return
            except WriteConflict:
                continue
        raise WriteConflict


def feeds_of(practice: Practice) -> Iterator[FeedSettings]:
    """The feeds of a practice: one per integrated provider."""
    for provider in practice.providers.values():
        if provider.source_id is None or provider.external_id is None:
            continue
        source = practice.sources[provider.source_id]
        yield FeedSettings(
            practice=practice.slug,
            feed_id=feed_id_of(source.id, provider.id),
            source_id=source.id,
            kind=source.kind,
            address=source.address,
            profile=source.profile,
            country=practice.country,
            interval_minutes=source.interval_minutes,
            horizon_days=practice.horizon_days,
            zone=practice.zone,
            providers=((provider.external_id, provider.id, practice.location_of(provider).zone),),
            lane=source.account or f"{practice.slug}~{source.id}",
        )


def _with_settings(before: FeedState | None, settings: FeedSettings, retry: bool) -> FeedState:
    """A feed's state under these settings.

    The digest stays: it covers the settings, so that the next pull compares everything. The validator has to go, for it
    would let the source say "unchanged" to a question that is no longer the same.
    """
    if before is None:
        return FeedState(settings)
    state = before
    if before.settings != settings:
        state, retry = replace(before, settings=settings, validator=None), True
    return replace(state, not_before=None) if retry else state


def _compare_practices(before: Practice | None, after: Practice) -> Iterator[PartReport]:
    yield from _compare("practice", {"": _alone(before)} if before else {}, {"": _alone(after)})
    for part in _PARTS:
        yield from _compare(part, getattr(before, part) if before else {}, getattr(after, part))


def _alone(practice: Practice) -> Practice:
    """A practice without its parts."""
    return replace(practice, locations={}, visit_types={}, providers={}, sources={}, staff={})


def _compare(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[PartReport]:
    for identifier, one in after.items():
        if identifier not in before:
            yield PartReport(kind, identifier, Fate.CREATED)
        elif before[identifier] != one:
            yield PartReport(kind, identifier, Fate.UPDATED, tuple(_differing(before[identifier], one)))
        else:
            yield PartReport(kind, identifier, Fate.UNCHANGED)
    for identifier in before:
        if identifier not in after:
            yield PartReport(kind, identifier, Fate.REMOVED)


def _differing(before: Any, after: Any) -> Iterator[str]:
    for one in fields(after):
        if getattr(before, one.name) != getattr(after, one.name):
            yield one.name
