"""When a provider can be booked online: opening hours by the wall clock (product section 4)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from .errors import CalendarChangedMeanwhile, FieldProblem, InvalidInput

WEEKS_AHEAD = 54
"""How many weeks, the current one included, can be overridden: those of all days that can be booked. On a Sunday, 365 days lead
into the 53rd week after it.
"""
_DAYS_KEPT = 56
"""Weeks longer past than this are dropped when a calendar is saved."""
_WEEK = timedelta(days=7)


class Opening(NamedTuple):
    """One opening interval of a day, in wall-clock minutes after midnight: 0 <= start < end <= 1440."""

    start_minutes: int
    end_minutes: int


Hours = tuple[Opening, ...]
Week = tuple[Hours, Hours, Hours, Hours, Hours, Hours, Hours]
CLOSED_WEEK: Week = ((), (), (), (), (), (), ())


class DefaultWeek(Struct, frozen=True):
    """Opening intervals per weekday (Monday first), in force from the Monday `begins` on (always, if None)."""

    week: Week
    begins: date | None = None


class Closure(Struct, frozen=True, order=True):
    """Local days, first and last included, on which nobody is seen."""

    first: date
    last: date
    name: str = ""

    def covers(self, day: date) -> bool:
        """Whether a day is closed by it."""
        return self.first <= day <= self.last


class Availability(Struct, frozen=True):
    """Default weeks (any order), the weeks that override them (keyed by their Monday), closures, and a pause.

    Of a practice as a whole, only closures count.
    """

    default_weeks: tuple[DefaultWeek, ...] = ()
    overrides: Mapping[date, Week] = field(default_factory=dict)
    closures: tuple[Closure, ...] = ()
    paused: bool = False

    def week_of(self, day: date) -> Week:
        """The opening intervals of a day's week, closures aside."""
        monday = monday_of(day)
        override = self.overrides.get(monday)
        return override if override is not None else self.default_of(monday)

    def default_of(self, monday: date) -> Week:
        """The default week in force in a week, overrides aside."""
        in_force = [d for d in self.default_weeks if d.begins is None or d.begins <= monday]
        if len(in_force) == 1:
            return in_force[0].week
        return max(in_force, key=_begins).week if in_force else CLOSED_WEEK

    def hours_on(self, day: date) -> Hours:
        """The opening intervals of a local day, closures aside."""
        return self.week_of(day)[day.weekday()]

    def closure_on(self, day: date) -> Closure | None:
        """The closure that closes a day."""
        return next((closure for closure in self.closures if closure.covers(day)), None)

    def open_hours(self, first: date, days: int) -> list[Hours]:
        """What is open on each of `days` local days from `first` on: nothing while paused or closed."""
        if self.paused:
            return [()] * days
        found: list[Hours] = []
        monday, before = monday_of(first), first.weekday()
        while len(found) < before + days:
            found += self.week_of(monday)
            monday += _WEEK
        found = found[before : before + days]
        for closure in self.closures:
            begins, ends = (closure.first - first).days, (closure.last - first).days + 1
            for index in range(max(begins, 0), min(ends, days)):
                found[index] = ()
        return found

    def closed_also_by(self, other: "Availability") -> "Availability":
        """The same, with another's closures."""
        return replace(self, closures=(*self.closures, *other.closures)) if other.closures else self


class Calendar(Struct, frozen=True):
    """The availability of a provider (or a practice's closures) as it is stored.

    `version` rises with every change, 0 means that nothing is stored yet. `changed_by` is the e-mail address of the staff
    member who changed it last (empty: an operator's file did), `applied` a digest of what that file said.
    """

    availability: Availability = Availability()
    version: int = 0
    changed_by: str = ""
    changed_at: datetime | None = None
    applied: str = ""


class DayDifference(NamedTuple):
    """How the hours of a weekday (0 is Monday) differ."""

    weekday: int
    was: Hours
    now: Hours


def monday_of(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def differences(was: Week, now: Week) -> tuple[DayDifference, ...]:
    """The weekdays on which two weeks differ."""
    return tuple(DayDifference(n, was[n], now[n]) for n in range(7) if was[n] != now[n])


def with_week(calendar: Calendar, monday: date, seen: Week, week: Week | None, today: date) -> Availability:
    """A calendar's availability with a week overridden (None: back to the default).

    `seen` is the week that the editor began with. Raises CalendarChangedMeanwhile if that is no longer what stands there,
    InvalidInput for a week that cannot be overridden.
    """
    _check_week(monday, today)
    found = calendar.availability
    refuse_changed(calendar, seen, found.week_of(monday))
    overrides = {one: other for one, other in found.overrides.items() if one != monday}
    if week is not None:
        overrides[monday] = check_hours(week)
    return replace(found, overrides=overrides)


class LaterWeek(NamedTuple):
    """A week of its own after the one that is to become the default: an override or, dated, another default."""

    monday: date
    week: Week
    is_default: bool


def later_weeks(availability: Availability, monday: date) -> tuple[LaterWeek, ...]:
    """What stands in the way when a week is applied to the remaining ones; staff keep or replace each."""
    overrides = [LaterWeek(m, week, False) for m, week in availability.overrides.items() if m > monday]
    defaults = [LaterWeek(d.begins, d.week, True) for d in availability.default_weeks if d.begins and d.begins > monday]
    return tuple(sorted([*overrides, *defaults]))


def from_week_on(
    calendar: Calendar, monday: date, seen: Week, week: Week, later: Mapping[LaterWeek, bool], today: date
) -> Availability:
    """A calendar's availability in which a week is the default from `monday` on (*Apply to remaining weeks*).

    `later` says of each of the `later_weeks` that the editor was shown whether it is kept. Raises CalendarChangedMeanwhile
    if the week, or what comes later, is no longer as it was shown; InvalidInput.
    """
    _check_week(monday, today)
    found = calendar.availability
    refuse_changed(calendar, seen, found.week_of(monday))
    if set(later) != set(later_weeks(found, monday)):
        raise CalendarChangedMeanwhile(calendar.changed_by, calendar.changed_at)
    replaced = {(one.monday, one.is_default) for one, kept in later.items() if not kept}
    overrides = {m: w for m, w in found.overrides.items() if m != monday and (m, False) not in replaced}
    defaults = [d for d in found.default_weeks if d.begins != monday and (d.begins, True) not in replaced]
    new = DefaultWeek(check_hours(week), monday)
    return replace(found, default_weeks=tuple(sorted([*defaults, new], key=_begins)), overrides=overrides)


def holds_from(availability: Availability, monday: date, week: Week, later: Mapping[LaterWeek, bool]) -> bool:
    """Whether `from_week_on` was done already, with these decisions on later weeks."""
    kept = tuple(sorted(one for one, is_kept in later.items() if is_kept))
    is_default = DefaultWeek(week, monday) in availability.default_weeks
    return is_default and monday not in availability.overrides and later_weeks(availability, monday) == kept


def default_begins(availability: Availability, monday: date, today: date) -> date:
    """The Monday from which an edit of the default week in force in a week holds: its own, but not before this week's, so
    that past weeks stay what they were.
    """
    in_force = [d.begins for d in availability.default_weeks if d.begins and d.begins <= monday]
    return max([*in_force, monday_of(today)])


def default_ends(availability: Availability, monday: date) -> date | None:
    """The Monday on which another default takes over from the one in force in a week; None if none does."""
    return min((d.begins for d in availability.default_weeks if d.begins and d.begins > monday), default=None)


def with_default(calendar: Calendar, monday: date, seen: Week, week: Week, today: date) -> Availability:
    """A calendar's availability with the default week that is in force in a week changed; overrides stay.

    Raises CalendarChangedMeanwhile if that default week is no longer the one that was `seen`, InvalidInput.
    """
    _check_week(monday, today)
    found = calendar.availability
    refuse_changed(calendar, seen, found.default_of(monday))
    begins = default_begins(found, monday, today)
    new = DefaultWeek(check_hours(week), begins)
    defaults = [d for d in found.default_weeks if d.begins != begins]
    return replace(found, default_weeks=tuple(sorted([*defaults, new], key=_begins)))


def refuse_changed(calendar: Calendar, seen: Week, stands: Week) -> None:
    """Raises CalendarChangedMeanwhile if a week is not the one that an editor began with."""
    if stands != seen:
        raise CalendarChangedMeanwhile(calendar.changed_by, calendar.changed_at, differences(seen, stands))


def check_hours(week: Week) -> Week:
    """A week whose openings are in order. Raises InvalidInput with a pointer ("/0/1": Monday's second opening)."""
    problems = [
        FieldProblem(f"/{weekday}/{number}", code, _HOURS_DETAILS[code])
        for weekday, hours in enumerate(week)
        for number, code in _wrong_hours(hours)
    ]
    if problems:
        raise InvalidInput(problems)
    return week


def check_closure(closure: Closure) -> Closure:
    """A closure that can be. Raises InvalidInput."""
    if closure.last < closure.first:
        detail = "Give a last day that is not before the first one."
        raise InvalidInput([FieldProblem("/last", "range", detail)])
    return closure


def tidied(availability: Availability, today: date) -> Availability:
    """Without what is long past: overrides, closures, and defaults that others have replaced."""
    oldest = monday_of(today - timedelta(days=_DAYS_KEPT))
    begun = [d.begins for d in availability.default_weeks if d.begins and d.begins <= oldest]
    since = max(begun, default=None)
    return replace(
        availability,
        default_weeks=tuple(d for d in availability.default_weeks if not since or _begins(d) >= since),
        overrides={monday: week for monday, week in availability.overrides.items() if monday >= oldest},
        closures=tuple(closure for closure in availability.closures if closure.last >= oldest),
    )


_HOURS_DETAILS = {
    "range": "Give a start before the end, both between 00:00 and 24:00.",
    "overlap": "Give openings that do not overlap, in order.",
}


def _wrong_hours(hours: Sequence[Opening]) -> Iterator[tuple[int, str]]:
    before = 0
    for number, opening in enumerate(hours):
        if not 0 <= opening.start_minutes < opening.end_minutes <= 1440:
            yield number, "range"
        elif opening.start_minutes < before:
            yield number, "overlap"
        before = max(before, opening.end_minutes)


def _check_week(monday: date, today: date) -> None:
    first = monday_of(today)
    if monday.weekday() or not first <= monday < first + WEEKS_AHEAD * _WEEK:
        detail = f"Choose this week or one of the next {WEEKS_AHEAD - 1}, by its Monday."
        raise InvalidInput([FieldProblem("/week", "range", detail)])


def _begins(one: DefaultWeek) -> date:
    return one.begins or date.min
