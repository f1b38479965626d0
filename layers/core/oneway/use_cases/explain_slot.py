"""Why is this time not offered? (product section 4). Asked before a request is stored, and by whoever wonders."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from msgspec import Struct

from ..domain import slots
from ..domain.clock_time import day_of, minute_of
from ..domain.occupancy import Occupant, days_touched, with_long_blocks
from ..domain.practices import Practice, Provider, VisitType
from ..domain.slots import Closed
from ..ports import CalendarRepository, Clock, PracticeRepository, ProviderDays
from .schedule_age import ScheduleAge
from .slot_rules import rules_of, why_none

_LEFT_DAYS = 7
"""How many days after the one that was asked for are looked through, where that one has nothing left."""


class ExplainSlot(Struct, frozen=True):
    """Looks at one time of a provider, as it stands this moment."""

    practices: PracticeRepository
    calendar: CalendarRepository
    age: ScheduleAge
    clock: Clock

    def __call__(
        self, slug: str, provider_id: str, visit_type_id: str, start: datetime, new_patient: bool | None = None
    ) -> Closed | None:
        """The one reason that closes a time for a visit type; None if it is offered.

        `new_patient` asks for one kind of patient (None: for any). Raises PracticeNotFound, ProviderNotFound.
        """
        practice = self.practices.get(slug)
        provider = practice.provider(provider_id)
        visit_type = practice.visit_types.get(visit_type_id)
        found = self.read(practice, provider, start, visit_type.minutes if visit_type else 0)
        if closed := why_none(provider, found.availability, self.age.minutes(practice, provider)):
            return closed
        if visit_type is None or not _may_be_booked(provider, visit_type, new_patient):
            return Closed.VISIT_TYPE
        return self.why_closed(practice, provider, visit_type, start, found)

    def read(self, practice: Practice, provider: Provider, start: datetime, minutes: int) -> ProviderDays:
        """The days that decide on a visit: those that it, or the buffers around it and its neighbours, touch."""
        zone = practice.zone_of(provider)
        gap = timedelta(minutes=provider.buffer_before_minutes + provider.buffer_after_minutes)
        touched = days_touched(start - gap, start + timedelta(minutes=minutes) + gap, zone)
        return self.calendar.read_provider(practice.slug, provider.id, zone.key, touched)

    def why_closed(
        self, practice: Practice, provider: Provider, visit_type: VisitType, start: datetime, found: ProviderDays
    ) -> Closed | None:
        """The one reason that closes a time, given the days that decide on it."""
        if closed := why_none(provider, found.availability, self.age.minutes(practice, provider)):
            return closed
        zone = practice.zone_of(provider)
        day = day_of(start, zone)
        if found.availability.closure_on(day):
            return Closed.CLOSURE
        rules = rules_of(practice, provider, visit_type, self.clock.now())
        occupants = {one: stored.occupants for one, stored in found.days.items()}
        blocked = with_long_blocks({day: (), **occupants}, found.long_blocks, zone)
        return slots.why_closed(start, day, found.availability.open_hours(day, 2), blocked, zone, rules)

    def left(self, practice: Practice, provider: Provider, visit_type: VisitType, start: datetime) -> Sequence[int]:
        """What else is free on the day of a start or, if nothing is, on the first of the next seven days; epoch minutes."""
        zone = practice.zone_of(provider)
        first = day_of(start, zone)
        days = [first + timedelta(days=n) for n in range(-1, _LEFT_DAYS + 2)]
        found = self.calendar.read_provider(practice.slug, provider.id, zone.key, days)
        if why_none(provider, found.availability, self.age.minutes(practice, provider)):
            return ()
        rules = rules_of(practice, provider, visit_type, self.clock.now())
        occupants: dict[date, Sequence[Occupant]] = {one: stored.occupants for one, stored in found.days.items()}
        hours = found.availability.open_hours(first, _LEFT_DAYS + 2)
        blocked = with_long_blocks(occupants, found.long_blocks, zone)
        offered = slots.free_starts(first, hours, blocked, zone, rules)
        here = [one for one in offered[first] if one != minute_of(start)]
        return here or next((starts for day, starts in offered.items() if starts and day > first), ())


def _may_be_booked(provider: Provider, visit_type: VisitType, new_patient: bool | None) -> bool:
    if visit_type.id not in provider.visit_type_ids:
        return False
    return new_patient is None or visit_type.takes(new_patient)
