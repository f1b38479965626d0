"""Free times of providers (product section 4)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from ..domain import slots
from ..domain.clock_time import day_of
from ..domain.errors import FieldProblem, InvalidInput
from ..domain.occupancy import with_long_blocks
from ..domain.practices import Practice, Provider, VisitType
from ..domain.slots import Closed
from ..ports import CalendarRepository, Clock, PracticeRepository
from .schedule_age import ScheduleAge
from .slot_rules import rules_of, visit_type_of, why_none

LONGEST_RANGE_DAYS = 62
_One = TypeVar("_One")
_DAY = timedelta(days=1)
_FIRST_LOOK = timedelta(days=30)
"""The next free day is mostly within a month, which costs one read unit; only then is the rest of the horizon read."""
_AT_ONCE = 8
"""How many providers are looked at side by side: a look mostly waits for the store."""


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

    @property
    def first_free(self) -> date | None:
        """The first of the days on which a time is free."""
        return next((day for day, starts in self.days.items() if starts), None)


@dataclass(frozen=True, slots=True)
class ListSlots:
    """One query a look, those of several providers side by side; the practice and the schedule's age are cached."""

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
        if not 0 <= (last - first).days < LONGEST_RANGE_DAYS:
            detail = f"Give a last day on or after the first one, at most {LONGEST_RANGE_DAYS} days in all."
            raise InvalidInput([FieldProblem("/to", "range", detail)])
        return self._offered(practice, provider, visit_type, first, last)

    def next_free_day(self, slug: str, provider_id: str, visit_type_id: str, after: date | None = None) -> OfferedSlots:
        """The first day, later than `after` (None: from today on), with a free start; no day at all if there is none.

        Looks through the whole horizon, a month first. Raises PracticeNotFound, ProviderNotFound, InvalidInput.
        """
        practice = self.practices.get(slug)
        provider = practice.provider(provider_id)
        return self._next_free(practice, provider, visit_type_of(practice, provider, visit_type_id), after)

    def of_each(
        self, slug: str, provider_ids: Sequence[str], visit_type_id: str, first: date, last: date
    ) -> list[OfferedSlots]:
        """The same of several providers, in their order."""
        return _side_by_side(lambda one: self(slug, one, visit_type_id, first, last), provider_ids)

    def next_free_day_of_each(
        self, slug: str, asked: Sequence[tuple[str, str]], after: date | None = None
    ) -> list[OfferedSlots]:
        """The next free day of several (provider, visit type), in their order."""
        return _side_by_side(lambda one: self.next_free_day(slug, *one, after), asked)

    def first_available(self, slug: str, visit_type_id: str) -> list[OfferedSlots]:
        """The first free day of each provider who offers a visit type, the earliest start first; those without one last.

        Raises PracticeNotFound, InvalidInput (nobody offers this visit type).
        """
        practice = self.practices.get(slug)
        providers = [p for p in practice.providers.values() if visit_type_id in p.visit_type_ids]
        if not providers:
            raise InvalidInput([FieldProblem("/visit_type", "unknown_visit_type", "Choose one of the visit types.")])
        visit_type = practice.visit_types[visit_type_id]
        found = _side_by_side(lambda provider: self._next_free(practice, provider, visit_type, None), providers)
        return sorted(found, key=lambda one: min((starts[0] for starts in one.days.values()), default=2**40))

    def _next_free(
        self, practice: Practice, provider: Provider, visit_type: VisitType, after: date | None
    ) -> OfferedSlots:
        today = day_of(self.clock.now(), practice.zone_of(provider))
        first = max(today, after + _DAY) if after else today
        end = today + timedelta(days=practice.horizon_days)
        asked = practice, provider, visit_type
        offered = self._offered(*asked, first, min(first + _FIRST_LOOK, max(first, end)), until_free=True)
        if offered.first_free is None and offered.closed is None and first + _FIRST_LOOK < end:
            offered = self._offered(*asked, first + _FIRST_LOOK + _DAY, end, until_free=True)
        free = offered.first_free
        return OfferedSlots(
            practice,
            provider,
            visit_type,
            offered.zone,
            {free: offered.days[free]} if free else {},
            offered.closed,
            offered.schedule_age_minutes,
        )

    def _offered(
        self,
        practice: Practice,
        provider: Provider,
        visit_type: VisitType,
        first: date,
        last: date,
        *,
        until_free: bool = False,
    ) -> OfferedSlots:
        """`until_free` looks at a week after the other, and leaves out those after the first with a free start."""
        zone, age = practice.zone_of(provider), self.age.minutes(practice, provider)
        availability = practice.availability_of(provider)
        span = (last - first).days + 1
        days: Mapping[date, tuple[int, ...]] = {first + timedelta(days=n): () for n in range(span)}
        closed = why_none(provider, availability, age)
        if closed is None:
            rules = rules_of(practice, provider, visit_type, self.clock.now())
            hours = availability.open_hours(first, span + 1)
            around = _DAY if slots.looks_around(hours, rules) else timedelta()
            stored = self.calendar.days(practice.slug, provider.id, zone.key, first - around, last + around)
            occupants = {day: one.occupants for day, one in stored.items()}
            blocks = practice.long_blocks.get(provider.id, ())
            held, found = with_long_blocks(occupants, blocks, zone), dict[date, tuple[int, ...]]()
            step = 7 if until_free else span
            for n in range(0, span, step):
                found |= slots.free_starts(first + timedelta(days=n), hours[n : n + step + 1], held, zone, rules)
                if until_free and any(found.values()):
                    break
            days = found
        return OfferedSlots(practice, provider, visit_type, zone, days, closed, age)


def _side_by_side(ask: Callable[[_One], OfferedSlots], all_of_them: Sequence[_One]) -> list[OfferedSlots]:
    if len(all_of_them) < 2:
        return [ask(one) for one in all_of_them]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(_AT_ONCE, len(all_of_them))) as threads:
        return list(threads.map(ask, all_of_them))
