"""Staff edit when providers can be booked (product section 4). What is booked is never touched.

Who saves second is told what the first one changed, by whom and when, and loses nothing: an edit names what its editor
began with, and is refused only where that very part is different now. Edits of other weeks and closures go side by side.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from ..domain import availability
from ..domain.availability import Availability, Calendar, Closure, LaterWeek, Week
from ..domain.clock_time import day_of, zone_of
from ..domain.errors import CalendarChangedMeanwhile, ClosureIsOver
from ..domain.practice_events import PracticeEvent, PracticeHappening, calendar_event_id, last_edit_of
from ..domain.practices import Practice
from ..ports import CalendarRepository, Clock, PracticeEventRepository
from .membership import Membership
from .settling import settle

Edit = Callable[[Calendar, date], Availability]
"""From a calendar as it stands, and today's date there, to its availability after an edit."""
_LOOKED_THROUGH = 50
"""So many of the practice's latest changes are looked through for whoever changed the hours."""


class Told(NamedTuple):
    """What the practice's timeline will say of an edit."""

    what: PracticeHappening
    detail: str = ""


class EditCalendar(Struct, frozen=True):
    """Each edit is one conditional write with its timeline entry, repeated on what another one left. Repeating an edit
    changes nothing.

    `provider_id` is "" for the whole practice, of which only closures can be edited. All raise PracticeNotFound,
    ProviderNotFound, Forbidden (a viewer), StoreUnavailable.
    """

    membership: Membership
    calendar: CalendarRepository
    events: PracticeEventRepository
    clock: Clock

    def save_week(
        self, slug: str, email: str, provider_id: str, monday: date, seen: Week, week: Week | None
    ) -> Calendar:
        """Override a week (None: back to the default). `seen` is the week that the editor began with.

        Raises CalendarChangedMeanwhile, InvalidInput.
        """

        def edit(calendar: Calendar, today: date) -> Availability:
            if calendar.availability.overrides.get(monday) == week:
                return calendar.availability
            return availability.with_week(calendar, monday, seen, week, today)

        what = PracticeHappening.WEEK_FOLLOWS_DEFAULT if week is None else PracticeHappening.WEEK_SAVED
        return self._change(slug, email, provider_id, edit, Told(what, monday.isoformat()))

    def save_default(self, slug: str, email: str, provider_id: str, monday: date, seen: Week, week: Week) -> Calendar:
        """Change the default week that is in force in a week, from now on; weeks of their own stay.

        Raises CalendarChangedMeanwhile, InvalidInput.
        """

        def edit(calendar: Calendar, today: date) -> Availability:
            if calendar.availability.default_of(monday) == week:
                return calendar.availability
            return availability.with_default(calendar, monday, seen, week, today)

        return self._change(
            slug, email, provider_id, edit, Told(PracticeHappening.DEFAULT_WEEK_SAVED, monday.isoformat())
        )

    def later_weeks(self, slug: str, email: str, provider_id: str, monday: date) -> Sequence[LaterWeek]:
        """The weeks of their own after `monday`: what staff keep or replace when they apply it to the remaining ones."""
        self._practice(slug, email, provider_id)
        return availability.later_weeks(self.calendar.get(slug, provider_id).availability, monday)

    def apply_to_remaining(
        self,
        slug: str,
        email: str,
        provider_id: str,
        monday: date,
        seen: Week,
        week: Week,
        later: Mapping[LaterWeek, bool],
    ) -> Calendar:
        """Make a week the default from `monday` on; `later` says of each of the `later_weeks` whether it is kept.

        Raises CalendarChangedMeanwhile, InvalidInput.
        """

        def edit(calendar: Calendar, today: date) -> Availability:
            if availability.holds_from(calendar.availability, monday, week, later):
                return calendar.availability
            return availability.from_week_on(calendar, monday, seen, week, later, today)

        told = Told(PracticeHappening.APPLIED_TO_REMAINING, monday.isoformat())
        return self._change(slug, email, provider_id, edit, told)

    def close(self, slug: str, email: str, provider_id: str, closure: Closure) -> Calendar:
        """Add a closure. Raises InvalidInput, ClosureIsOver."""
        availability.check_closure(closure)

        def edit(calendar: Calendar, today: date) -> Availability:
            closures = {*calendar.availability.closures, closure}
            if closure.last < today and closure not in calendar.availability.closures:
                raise ClosureIsOver
            return replace(calendar.availability, closures=tuple(sorted(closures)))

        told = Told(PracticeHappening.CLOSED, _named(closure))
        return self._change(slug, email, provider_id, edit, told, may_be_whole=True)

    def reopen(self, slug: str, email: str, provider_id: str, closure: Closure) -> bool:
        """Take a closure away; whether it was there."""
        was_there = False

        def edit(calendar: Calendar, today: date) -> Availability:
            nonlocal was_there
            was_there = was_there or closure in calendar.availability.closures
            closures = tuple(one for one in calendar.availability.closures if one != closure)
            return replace(calendar.availability, closures=closures)

        told = Told(PracticeHappening.REOPENED, _named(closure))
        self._change(slug, email, provider_id, edit, told, may_be_whole=True)
        return was_there

    def pause(self, slug: str, email: str, provider_id: str, paused: bool) -> Calendar:
        """Offer no times of a provider until further notice, or offer them again."""
        return self._change(
            slug,
            email,
            provider_id,
            lambda calendar, today: replace(calendar.availability, paused=paused),
            Told(PracticeHappening.PAUSED if paused else PracticeHappening.RESUMED),
        )

    def _change(
        self, slug: str, email: str, provider_id: str, edit: Edit, told: Told, *, may_be_whole: bool = False
    ) -> Calendar:
        practice = self._practice(slug, email, provider_id, may_be_whole)
        actor = self.membership.acting(slug, email)
        today = self._today(practice, provider_id)

        def attempt() -> Calendar:
            before, now = self.calendar.get(slug, provider_id), self.clock.now()
            after = edit(before, today)
            if after == before.availability:
                return before
            changed = replace(
                before,
                availability=availability.tidied(after, today),
                version=before.version + 1,
                changed_by=actor.name,
                changed_at=now,
            )
            event_id = calendar_event_id(provider_id, changed.version)
            event = PracticeEvent(event_id, now, actor.name, told.what, provider_id, told.detail)
            self.calendar.save(slug, provider_id, changed, event)
            return changed

        try:
            return settle(attempt, self.clock)
        except CalendarChangedMeanwhile as changed:
            raise self._named(changed, slug, provider_id, told) from None

    def _named(
        self, changed: CalendarChangedMeanwhile, slug: str, provider_id: str, told: Told
    ) -> CalendarChangedMeanwhile:
        """The refusal with whoever changed those very hours: others may have paused or closed something since."""
        latest = self.events.latest(slug, _LOOKED_THROUGH)
        of_default = told.what is PracticeHappening.DEFAULT_WEEK_SAVED
        found = last_edit_of(latest, provider_id, told.detail, of_default=of_default, later=not changed.days)
        return CalendarChangedMeanwhile(found.who, found.at, changed.days) if found else changed

    def _practice(self, slug: str, email: str, provider_id: str, may_be_whole: bool = False) -> Practice:
        self.membership(slug, email)
        practice = self.membership.practices.get(slug)
        if provider_id or not may_be_whole:
            practice.provider(provider_id)
        return practice

    def _today(self, practice: Practice, provider_id: str) -> date:
        """Today's date where the provider works; of the whole practice, where it is earliest."""
        if provider_id:
            zones = [practice.zone_of(practice.provider(provider_id))]
        else:
            zones = [zone_of(practice.zone), *map(practice.zone_of, practice.providers.values())]
        return min(day_of(self.clock.now(), zone) for zone in zones)


def _named(closure: Closure) -> str:
    days = str(closure.first) if closure.first == closure.last else f"{closure.first}/{closure.last}"
    return f"{days} {closure.name}".strip()
