"""Bring a practice and its feeds to what an operator's file says. The same file twice changes nothing the second time."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import partial
from hashlib import sha256
from typing import Any

from msgspec import Struct
from msgspec.structs import fields, replace

from ..domain.availability import WEEKS_AHEAD, Availability, Calendar, Closure, monday_of, tidied
from ..domain.clock_time import day_of, zone_of
from ..domain.errors import FieldProblem, InvalidInput, PracticeNotFound
from ..domain.feeds import FeedRef, source_of
from ..domain.practice_events import PracticeEvent, PracticeHappening, calendar_event_id
from ..domain.practice_settings import Kept, applied, told_of_file
from ..domain.practices import Practice
from ..ports import (
    CalendarRepository,
    CapabilitiesOf,
    Clock,
    FeedRepository,
    PracticeRepository,
    PublicHolidays,
)
from .keep_feeds import KeepFeeds, feeds_of
from .settling import settle

_PARTS = ("locations", "visit_types", "providers", "sources", "staff")


class Fate(StrEnum):
    """What becomes of something."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REMOVED = "removed"
    KEPT = "kept"


class PartReport(Struct, frozen=True):
    """What becomes of one part: its kind ("providers", "feeds"), its id ("" for the practice's own settings), and the
    names of the settings that differ. A calendar or a setting is *kept* where staff changed it and the file says something new:
    `by` and `at` tell who did, and when. Both are told, too, of a setting that is unchanged because the file says what it said
    before; its `settings` are what it is here and what the file says.
    """

    kind: str
    id: str
    fate: Fate
    settings: tuple[str, ...] = ()
    by: str = ""
    at: datetime | None = None


class ApplyReport(Struct, frozen=True):
    """What applying a practice does, part by part."""

    practice: str
    parts: tuple[PartReport, ...]

    @property
    def changes(self) -> tuple[PartReport, ...]:
        """The parts that do not stay as they are."""
        return tuple(part for part in self.parts if part.fate is not Fate.UNCHANGED)


class ApplyPractice(Struct, frozen=True):
    """Saves the practice first, then its calendars and feeds: where it is cut, applying again goes on.

    A file speaks about a calendar, and about each of the settings that staff may change, once: what staff edit afterwards stays
    until the file says something new. Where both have changed, staff's edits stand and are reported, unless they are to be
    overwritten.
    """

    practices: PracticeRepository
    feeds: FeedRepository
    calendar: CalendarRepository
    capabilities_of: CapabilitiesOf
    public_holidays: PublicHolidays
    clock: Clock

    def plan(
        self, practice: Practice, *, overwrite_calendars: bool = False, overwrite_settings: bool = False
    ) -> ApplyReport:
        """What applying would do. Reads only.

        Raises InvalidInput (a split that a source does not allow, a week that cannot be overridden), StoreUnavailable.
        """
        stored, practice, kept = self._decided(practice, overwrite_settings)
        calendars = [
            self._calendar(practice, provider_id, overwrite_calendars)[0] for provider_id in ("", *practice.providers)
        ]
        wanted = {settings.feed_id: settings for settings in feeds_of(practice)}
        found = {state.settings.feed_id: state.settings for state in self.feeds.of_practice(practice.slug)}
        settings = map(_kept, kept)
        parts = [*_compare_practices(stored, practice), *settings, *calendars, *_compare("feeds", found, wanted)]
        return ApplyReport(practice.slug, tuple(parts))

    def __call__(
        self,
        practice: Practice,
        retry_sources: Collection[str] = (),
        *,
        overwrite_calendars: bool = False,
        overwrite_settings: bool = False,
    ) -> ApplyReport:
        """Apply; what it did. Feeds of `retry_sources` (new credentials) no longer wait for a back-off to end.

        Raises InvalidInput as `plan` does, StoreUnavailable, WriteConflict (somebody else keeps writing a feed).
        """
        report = self.plan(practice, overwrite_calendars=overwrite_calendars, overwrite_settings=overwrite_settings)
        practice = settle(partial(self._save_practice, practice, overwrite_settings), self.clock)
        for provider_id in ("", *practice.providers):
            settle(partial(self._save_calendar, practice, provider_id, overwrite_calendars), self.clock)
        keep_feeds = KeepFeeds(self.feeds, self.clock)
        for settings in feeds_of(practice):
            keep_feeds(settings, retry=settings.source_id in retry_sources)
            ref = FeedRef(settings.practice, settings.feed_id, settings.lane)
            self.feeds.put_on_wheel(ref, settings.interval_minutes)
        removed = [one.id for one in report.changes if one.kind == "feeds" and one.fate is Fate.REMOVED]
        for feed_id in removed:
            self.feeds.remove(practice.slug, feed_id)
        for settings in feeds_of(practice):
            if settings.source_id in map(source_of, removed):
                keep_feeds(settings, unheard=True)  # the one that was broken may be among those that went
        return report

    def _decided(
        self, practice: Practice, overwrite_settings: bool
    ) -> tuple[Practice | None, Practice, Sequence[Kept]]:
        """The practice as it is stored, as it is to be, and what stays as staff left it."""
        self._check(practice)
        stored = self._stored(practice.slug)
        after, kept = applied(stored, self._completed(practice), overwrite=overwrite_settings)
        self._check(after)
        return stored, after, kept

    def _save_practice(self, practice: Practice, overwrite_settings: bool) -> Practice:
        """Store what is decided on what is stored now; it."""
        stored, after, _ = self._decided(practice, overwrite_settings)
        if stored is None or _without_calendars(stored) != _without_calendars(after):
            events = told_of_file(stored, after, self.clock.now()) if stored else ()
            self.practices.save(after, stored.version if stored else None, events)
        return after

    def _check(self, practice: Practice) -> None:
        problems = [
            FieldProblem(
                f"/providers/{provider.id}/split", "split_not_possible", _no_split(source.kind, source.profile)
            )
            for provider in practice.providers.values()
            if provider.split > 1 and provider.source_id
            for source in (practice.sources[provider.source_id],)
            if not self.capabilities_of(source).split_booking
        ]
        last = monday_of(self._today(practice)) + timedelta(weeks=WEEKS_AHEAD)
        problems += [
            FieldProblem(
                f"/providers/{provider_id}/weeks/{monday}",
                "range",
                f"Only this week and the next {WEEKS_AHEAD - 1} can.",
            )
            for provider_id, calendar in practice.calendars.items()
            for monday in calendar.availability.overrides
            if monday >= last
        ]
        if problems:
            raise InvalidInput(problems)

    def _completed(self, practice: Practice) -> Practice:
        """The practice with the public holidays of this year and the next two, as closures to be offered; and with its sources
        as they can be read.
        """
        year = self._today(practice).year
        days = self.public_holidays(practice.country, practice.region, range(year, year + 3))
        sources = {
            one.id: replace(
                one,
                whole="provider" not in can.filters,
                by_hand=can.patient in ("name_only", "none"),
                split_booking=can.split_booking,
            )
            for one in practice.sources.values()
            for can in (self.capabilities_of(one),)
        }
        closures = tuple(Closure(day, day, name) for day, name in days)
        return replace(practice, public_holidays=closures, sources=sources)

    def _save_calendar(self, practice: Practice, provider_id: str, overwrite: bool) -> None:
        report, after = self._calendar(practice, provider_id, overwrite)
        if report.fate in (Fate.CREATED, Fate.UPDATED):
            what, event_id = PracticeHappening.FILE_APPLIED, calendar_event_id(provider_id, after.version)
            event = PracticeEvent(event_id, self.clock.now(), "", what, provider_id)
            is_change = report.fate is Fate.UPDATED
            self.calendar.save(practice.slug, provider_id, after, event if is_change else None)

    def _calendar(self, practice: Practice, provider_id: str, overwrite: bool) -> tuple[PartReport, Calendar]:
        """What becomes of a calendar, and what it is then."""
        before = self.calendar.get(practice.slug, provider_id)
        wanted = practice.calendars.get(provider_id, Calendar()).availability
        applied = _digest(wanted)
        after = Calendar(
            tidied(wanted, self._today(practice)), before.version + 1, changed_at=self.clock.now(), applied=applied
        )
        said_before = before.applied == applied or (not before.applied and wanted == Availability())
        if after.availability == before.availability or (said_before and not (overwrite and before.changed_by)):
            return PartReport("calendars", provider_id, Fate.UNCHANGED), before
        if not before.version:
            return PartReport("calendars", provider_id, Fate.CREATED), after
        if before.changed_by and not overwrite:
            kept = PartReport("calendars", provider_id, Fate.KEPT, by=before.changed_by, at=before.changed_at)
            return kept, before
        settings = tuple(_differing(before.availability, after.availability))
        return PartReport("calendars", provider_id, Fate.UPDATED, settings), after

    def _today(self, practice: Practice) -> date:
        return day_of(self.clock.now(), zone_of(practice.zone))

    def _stored(self, slug: str) -> Practice | None:
        try:
            return self.practices.read(slug)
        except PracticeNotFound:
            return None


def _compare_practices(before: Practice | None, after: Practice) -> Iterator[PartReport]:
    yield from _compare("practice", {"": _alone(before)} if before else {}, {"": _alone(after)})
    for part in _PARTS:
        yield from _compare(part, getattr(before, part) if before else {}, getattr(after, part))


def _alone(practice: Practice) -> Practice:
    """A practice without its parts."""
    return replace(
        _without_calendars(practice),
        locations={},
        visit_types={},
        providers={},
        sources={},
        staff={},
        edits={},
        version=0,
    )


def _without_calendars(practice: Practice) -> Practice:
    return replace(practice, calendars={}, long_blocks={})


def _kept(one: Kept) -> PartReport:
    """What stays as staff left it."""
    fate = Fate.KEPT if one.new else Fate.UNCHANGED
    return PartReport("settings", one.name, fate, (one.value, one.said), one.edit.by, one.edit.at)


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


def _digest(availability: Availability) -> str:
    """A digest of what a file says of a calendar."""
    said = replace(
        availability, overrides={monday: availability.overrides[monday] for monday in sorted(availability.overrides)}
    )
    return sha256(repr(said).encode()).hexdigest()[:16]


def _no_split(kind: str, profile: str) -> str:
    return f"Take split away: a source of kind {kind} ({profile}) cannot hold two visits of a provider at one time."
