"""Free times of a provider for a range of days (product section 4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from ..domain import slots
from ..domain.availability import Availability
from ..domain.errors import FieldProblem, InvalidInput
from ..domain.practices import Practice, Provider, VisitType
from ..domain.slots import Closed, SlotRules
from ..ports import CalendarRepository, Clock, PracticeRepository
from .schedule_age import ScheduleAge

LONGEST_RANGE_DAYS = 62


@dataclass(frozen=True, slots=True)
class OfferedSlots:
    """Free starts by local day, in epoch minutes; `closed` says why a provider offers none at all."""

    practice: Practice
    provider: Provider
    visit_type: VisitType
    zone: ZoneInfo
    days: Mapping[date, tuple[int, ...]]
    closed: Closed | None
    schedule_age_minutes: int | None


@dataclass(frozen=True, slots=True)
class ListSlots:
    """One query; the practice and the schedule's age are cached."""

    practices: PracticeRepository
    calendar: CalendarRepository
    age: ScheduleAge
    clock: Clock

    def __call__(self, slug: str, provider_id: str, visit_type_id: str, first: date, last: date) -> OfferedSlots:
        """Free starts on the days [first, last] (62 at most).

        Raises PracticeNotFound, ProviderNotFound, InvalidInput (visit type, range).
        """
        practice = self.practices.get(slug)
        provider = practice.provider(provider_id)
        visit_type = visit_type_of(practice, provider, visit_type_id)
        span = (last - first).days
        if not 0 <= span < LONGEST_RANGE_DAYS:
            detail = f"Give a last day on or after the first one, at most {LONGEST_RANGE_DAYS} days in all."
            raise InvalidInput([FieldProblem("/to", "range", detail)])
        zone, age = practice.zone_of(provider), self.age.minutes(practice, provider)
        days: dict[date, tuple[int, ...]] = {first + timedelta(days=n): () for n in range(span + 1)}
        closed = why_all_closed(provider, age)
        if closed is None:
            rules = rules_of(practice, provider, visit_type, self.clock)
            availability = Availability(provider.default_weeks)
            for day, occupancy in self.calendar.days(slug, provider_id, zone.key, first, last).items():
                openings = availability.hours_on(day)
                days[day] = slots.free_starts(day, openings, occupancy.occupants, zone, rules)
        return OfferedSlots(practice, provider, visit_type, zone, days, closed, age)


def visit_type_of(practice: Practice, provider: Provider, visit_type_id: str) -> VisitType:
    """A visit type that the provider offers. Raises InvalidInput."""
    if visit_type_id not in provider.visit_type_ids:
        detail = "Choose one of this provider's visit types."
        raise InvalidInput([FieldProblem("/visit_type", "unknown_visit_type", detail)])
    return practice.visit_types[visit_type_id]


def why_all_closed(provider: Provider, schedule_age_minutes: int | None) -> Closed | None:
    """Why a provider offers no time at all; None if it may."""
    if not provider.integrated:
        return Closed.NOT_INTEGRATED
    return Closed.NEVER_PULLED if schedule_age_minutes is None else None


def rules_of(practice: Practice, provider: Provider, visit_type: VisitType, clock: Clock) -> SlotRules:
    """The slot rules of a provider and visit type now."""
    return slots.rules_at(
        clock.now(),
        visit_type.minutes,
        provider.step_minutes,
        provider.split,
        practice.minimum_notice_minutes,
        practice.horizon_days,
    )
