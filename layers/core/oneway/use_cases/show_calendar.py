"""Staff look at a week of one provider, or of all (product section 4); each look is on record before anything is shown."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from ..domain.appointments import Appointment
from ..domain.availability import WEEKS_AHEAD, Availability, Calendar, Closure, Week, monday_of
from ..domain.clock_time import day_of, instant_of, zone_of
from ..domain.occupancy import Occupant, OccupantKind, sharing, with_long_blocks
from ..domain.practices import Practice, Provider, StaffMember
from ..domain.requests import Request
from ..ports import (
    AppointmentRepository,
    AuditRepository,
    CalendarRepository,
    CalendarsRead,
    Clock,
    PracticeRepository,
    RequestRepository,
)
from .list_visits import name_of
from .membership import Membership
from .schedule_age import ScheduleAge

WEEKS_BACK = 8
"""How many past weeks can be looked at; overrides and closures are kept as long."""
_DAYS = 7


class Held(Struct, frozen=True):
    """A pending request, a visit or a block: [start, end) in UTC. Its page is that of the request `request_id`, if it was asked
    for, else its own by `id` ("": a block has none).

    `taken` is how many visits there are at its fullest moment, itself included. `missing`: the schedule no longer shows it.
    """

    start: datetime
    end: datetime
    kind: OccupantKind
    state: str
    taken: int
    id: str = ""
    name: str = ""
    request_id: str | None = None
    missing: bool = False


class ProviderWeek(Struct, frozen=True):
    """A provider's week: hours as stored, what holds them by start, and the closures that touch it (the practice's too)."""

    provider: Provider
    zone: ZoneInfo
    monday: date
    calendar: Calendar
    held: Sequence[Held]
    closures: Sequence[Closure]

    @property
    def availability(self) -> Availability:
        """When the provider can be booked, the practice's closures aside."""
        return self.calendar.availability

    @property
    def week(self) -> Week:
        """The opening hours of the week."""
        return self.availability.week_of(self.monday)

    @property
    def default(self) -> Week:
        """The default week in force."""
        return self.availability.default_of(self.monday)

    @property
    def overridden(self) -> bool:
        """Whether the week has hours of its own."""
        return self.monday in self.availability.overrides

    def closure_on(self, day: date) -> Closure | None:
        """What closes a day."""
        return next((one for one in self.closures if one.covers(day)), None)

    def held_on(self, day: date) -> list[Held]:
        """What begins on a local day (or, begun before the week, on its first)."""
        return [one for one in self.held if max(day_of(one.start, self.zone), self.monday) == day]


class CalendarWeek(Struct, frozen=True):
    """What the Calendar shows: weeks of providers, and the Mondays that can be chosen."""

    practice: Practice
    member: StaffMember
    monday: date
    today: date
    mondays: Sequence[date]
    weeks: Sequence[ProviderWeek]
    closures: Sequence[Closure]
    suggestions: Sequence[Closure]
    schedule_age_minutes: int | None

    @property
    def days(self) -> list[date]:
        """The days of the week."""
        return [self.monday + timedelta(days=n) for n in range(_DAYS)]

    @property
    def past(self) -> bool:
        """Whether the week is over, and with it the time to edit it."""
        return self.monday < monday_of(self.today)


class ShowCalendar(Struct, frozen=True):
    """Three reads a look: calendars with days, requests, visits."""

    membership: Membership
    practices: PracticeRepository
    calendar: CalendarRepository
    requests: RequestRepository
    appointments: AppointmentRepository
    audit: AuditRepository
    age: ScheduleAge
    clock: Clock

    def __call__(self, slug: str, email: str, provider_id: str, day: date | None) -> CalendarWeek:
        """The week of a local day (None: this week; others: the nearest that can be shown) of a provider, or ("") of all.

        Raises PracticeNotFound, ProviderNotFound, StoreUnavailable (then nothing is shown).
        """
        member = self.membership(slug, email)
        practice = self.practices.get(slug)
        chosen = [practice.provider(provider_id)] if provider_id else list(practice.providers.values())
        now = self.clock.now()
        today = day_of(now, practice.zone_of(chosen[0]) if provider_id else zone_of(practice.zone))
        mondays = [monday_of(today) + timedelta(weeks=n) for n in range(-WEEKS_BACK, WEEKS_AHEAD)]
        monday = min(max(monday_of(day or today), mondays[0]), mondays[-1])
        self.audit.record(slug, member.email, "show_calendar", f"{provider_id or 'all'} {monday}", now)
        days = [monday + timedelta(days=n) for n in range(_DAYS)]
        found = self.calendar.read_calendars(slug, [(one.id, practice.zone_of(one).key) for one in chosen], days)
        occupants = {one.id: _occupants(practice, one, found) for one in chosen}
        ids = {
            kind: [(provider, o.id) for provider, held in occupants.items() for o in held if o.kind is kind]
            for kind in (OccupantKind.REQUEST, OccupantKind.APPOINTMENT)
        }
        requests = self.requests.get_many(slug, [one for _, one in ids[OccupantKind.REQUEST]])
        visits = self.appointments.get_many(slug, ids[OccupantKind.APPOINTMENT])
        records = {one.id: one for one in requests}
        own = found.calendars[""].availability
        weeks = [
            ProviderWeek(
                one,
                practice.zone_of(one),
                monday,
                found.calendars[one.id],
                _held(occupants[one.id], records, visits),
                _touching(found.calendars[one.id].availability.closed_also_by(own).closures, days),
            )
            for one in chosen
        ]
        return CalendarWeek(
            practice,
            member,
            monday,
            today,
            mondays,
            weeks,
            own.closures,
            [one for one in practice.public_holidays if one.last >= today and not own.closure_on(one.first)],
            self.age.of(practice, chosen).oldest_minutes(chosen),
        )


def _occupants(practice: Practice, provider: Provider, found: CalendarsRead) -> list[Occupant]:
    """What holds a provider's week, the parts of each joined over its days, by start."""
    days: Mapping[date, Sequence[Occupant]] = {
        day: one.occupants for (which, day), one in found.days.items() if which == provider.id
    }
    joined: dict[str, Occupant] = {}
    for held in with_long_blocks(days, found.long_blocks[provider.id], practice.zone_of(provider)).values():
        for one in held:
            other = joined.get(one.id)
            joined[one.id] = other._replace(end=max(one.end, other.end)) if other else one
    return sorted(joined.values())


def _held(
    occupants: Sequence[Occupant], requests: Mapping[str, Request], visits: Mapping[str, Appointment]
) -> list[Held]:
    return [
        _of(occupant, taken, requests.get(occupant.id), visits.get(occupant.id))
        for occupant, taken in zip(occupants, sharing(occupants), strict=True)
    ]


def _of(occupant: Occupant, taken: int, request: Request | None, visit: Appointment | None) -> Held:
    start, end = instant_of(occupant.start), instant_of(occupant.end)
    if request:
        name = f"{request.patient.first_name} {request.patient.last_name}"
        return Held(start, end, occupant.kind, request.shown_state, taken, request.id, name, request.id)
    if visit:
        missing, state, kind = visit.missing_since is not None, visit.state, occupant.kind
        return Held(visit.start, visit.end, kind, state, taken, visit.id, name_of(visit), visit.request_id, missing)
    # It was answered or removed between two reads: what stands in the day is shown, without its page.
    return Held(start, end, occupant.kind, "block" if occupant.kind is OccupantKind.BLOCK else "unknown", taken)


def _touching(closures: Iterable[Closure], days: Sequence[date]) -> list[Closure]:
    return [one for one in closures if one.first <= days[-1] and days[0] <= one.last]
