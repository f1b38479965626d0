"""Free times of providers (product section 4)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from ..domain import slots
from ..domain.availability import Hours
from ..domain.clock_time import day_of
from ..domain.errors import FieldProblem, InvalidInput
from ..domain.occupancy import DayOccupancy, with_long_blocks
from ..domain.practices import Practice, Provider, VisitType
from ..domain.slots import Closed, SlotRules
from ..ports import CalendarRepository, Clock, PracticeRepository
from .schedule_age import Ages, ScheduleAge
from .slot_rules import rules_of, visit_type_of, why_none

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

LONGEST_RANGE_DAYS = 62
_Asked = tuple[Provider, VisitType]
_Stored = Mapping[date, DayOccupancy]
_DAY = timedelta(days=1)
_FIRST_LOOK = timedelta(days=30)
"""The next free day is mostly within a month, which costs one read unit; only then is the rest of the horizon read."""
_AT_ONCE = 40
"""How many providers are looked at side by side: a look mostly waits for the store, which has so many connections."""


class OfferedSlots(Struct, frozen=True):
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


class _Look(Struct, frozen=True):
    """At the days [first, last] of a provider, for a visit type."""

    provider: Provider
    visit_type: VisitType
    first: date
    last: date

    @property
    def span(self) -> int:
        return (self.last - self.first).days + 1


class _Plan(Struct, frozen=True):
    """What is known of a look before the store is asked; `hours` are those of its days and of one day more."""

    look: _Look
    zone: ZoneInfo
    age: int | None
    closed: Closed | None
    hours: Sequence[Hours]
    rules: SlotRules


class ListSlots(Struct, frozen=True):
    """One query a look, those of several providers side by side. The practice and its schedules' ages are cached; what all of
    them need is found once.
    """

    practices: PracticeRepository
    calendar: CalendarRepository
    age: ScheduleAge
    clock: Clock

    def __call__(self, slug: str, provider_id: str, visit_type_id: str, first: date, last: date) -> OfferedSlots:
        """Free starts on the days [first, last] (62 at most).

        Raises PracticeNotFound, ProviderNotFound, InvalidInput (visit type, range).
        """
        return self.of_each(slug, [provider_id], visit_type_id, first, last)[0]

    def of_each(
        self, slug: str, provider_ids: Sequence[str], visit_type_id: str, first: date, last: date
    ) -> list[OfferedSlots]:
        """The same of several providers, in their order."""
        practice = self.practices.get(slug)
        asked = _asked(practice, [(one, visit_type_id) for one in provider_ids])
        if not 0 <= (last - first).days < LONGEST_RANGE_DAYS:
            detail = f"Give a last day on or after the first one, at most {LONGEST_RANGE_DAYS} days in all."
            raise InvalidInput([FieldProblem("/to", "range", detail)])
        return self._look(practice, [_Look(*one, first, last) for one in asked])

    def next_free_day(self, slug: str, provider_id: str, visit_type_id: str, after: date | None = None) -> OfferedSlots:
        """The first day, later than `after` (None: from today on), with a free start; no day at all if there is none.

        Looks through the whole horizon, a month first. Raises PracticeNotFound, ProviderNotFound, InvalidInput.
        """
        return self.next_free_day_of_each(slug, [(provider_id, visit_type_id)], after)[0]

    def next_free_day_of_each(
        self, slug: str, asked: Sequence[tuple[str, str]], after: date | None = None
    ) -> list[OfferedSlots]:
        """The next free day of several (provider, visit type), in their order."""
        practice = self.practices.get(slug)
        return self._next_free_of_each(practice, _asked(practice, asked), after)

    def first_available(self, slug: str, visit_type_id: str) -> list[OfferedSlots]:
        """The first free day of each provider who offers a visit type, the earliest start first; those without one last.

        Raises PracticeNotFound, InvalidInput (nobody offers this visit type).
        """
        practice = self.practices.get(slug)
        providers = [p for p in practice.providers.values() if visit_type_id in p.visit_type_ids]
        if not providers:
            raise InvalidInput([FieldProblem("/visit_type", "unknown_visit_type", "Choose one of the visit types.")])
        visit_type = practice.visit_types[visit_type_id]
        found = self._next_free_of_each(practice, [(one, visit_type) for one in providers])
        return sorted(found, key=lambda one: min((starts[0] for starts in one.days.values()), default=2**40))

    def _next_free_of_each(
        self, practice: Practice, asked: Sequence[_Asked], after: date | None = None
    ) -> list[OfferedSlots]:
        now = self.clock.now()
        looks, ends = list[_Look](), list[date]()
        for provider, visit_type in asked:
            today = day_of(now, practice.zone_of(provider))
            first = max(today, after + _DAY) if after else today
            ends.append(today + timedelta(days=practice.horizon_days))
            looks.append(_Look(provider, visit_type, first, min(first + _FIRST_LOOK, max(first, ends[-1]))))
        found = self._look(practice, looks, until_free=True)
        rest = {
            n: replace(look, first=look.last + _DAY, last=end)
            for n, (look, end, one) in enumerate(zip(looks, ends, found, strict=True))
            if one.first_free is None and one.closed is None and look.last < end
        }
        later = dict(zip(rest, self._look(practice, list(rest.values()), until_free=True), strict=True))
        return [_first_day_of(later.get(n, one)) for n, one in enumerate(found)]

    def _look(self, practice: Practice, looks: Sequence[_Look], *, until_free: bool = False) -> list[OfferedSlots]:
        """What each look finds. `until_free` goes through a week after the other, and leaves out those after the first with a
        free start.

        Ages are found all at once. Only the store is asked side by side, each look as soon as it is planned: threads that
        compute keep each other waiting.
        """
        now, ages = self.clock.now(), self.age.of(practice, [one.provider for one in looks])
        ask = _begun if len(looks) > 1 else partial
        asked = list[tuple[_Plan, Callable[[], _Stored]]]()
        for look in looks:
            plan = _plan(practice, look, ages, now)
            asked.append((plan, ask(self._stored, practice, plan) if plan.closed is None else dict))
        return [_offered(practice, plan, stored(), until_free) for plan, stored in asked]

    def _stored(self, practice: Practice, plan: _Plan) -> _Stored:
        look = plan.look
        around = _DAY if slots.looks_around(plan.hours, plan.rules) else timedelta()
        days = look.first - around, look.last + around
        return self.calendar.days(practice.slug, look.provider.id, plan.zone.key, *days)


def _plan(practice: Practice, look: _Look, ages: Ages, now: datetime) -> _Plan:
    provider, availability = look.provider, practice.availability_of(look.provider)
    age = ages.minutes(provider)
    closed = why_none(provider, availability, age)
    hours = availability.open_hours(look.first, look.span + 1) if closed is None else ()
    return _Plan(
        look, practice.zone_of(provider), age, closed, hours, rules_of(practice, provider, look.visit_type, now)
    )


def _offered(practice: Practice, plan: _Plan, stored: _Stored, until_free: bool) -> OfferedSlots:
    look, zone, days = plan.look, plan.zone, dict[date, tuple[int, ...]]()
    if plan.closed is not None:
        days = {look.first + timedelta(days=n): () for n in range(look.span)}
    else:
        occupants = {day: one.occupants for day, one in stored.items()}
        held = with_long_blocks(occupants, practice.long_blocks.get(look.provider.id, ()), zone)
        step = 7 if until_free else look.span
        for n in range(0, look.span, step):
            hours = plan.hours[n : n + step + 1]
            days |= slots.free_starts(look.first + timedelta(days=n), hours, held, zone, plan.rules)
            if until_free and any(days.values()):
                break
    return OfferedSlots(practice, look.provider, look.visit_type, zone, days, plan.closed, plan.age)


def _first_day_of(offered: OfferedSlots) -> OfferedSlots:
    """Without the days that are not the first free one."""
    free = offered.first_free
    return replace(offered, days={free: offered.days[free]} if free else {})


def _begun(ask: Callable[[Practice, _Plan], _Stored], practice: Practice, plan: _Plan) -> Callable[[], _Stored]:
    """Asks in a thread; what is returned waits for the answer."""
    return _threads().submit(ask, practice, plan).result


@lru_cache(maxsize=1)
def _threads() -> "ThreadPoolExecutor":
    """Kept from one call to the next: starting so many takes as long as a call of the store."""
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(_AT_ONCE, "look")


def _asked(practice: Practice, ids: Iterable[tuple[str, str]]) -> list[_Asked]:
    """Providers and visit types by their ids. Raises ProviderNotFound, InvalidInput."""
    found = [(practice.provider(provider), visit_type) for provider, visit_type in ids]
    return [(provider, visit_type_of(practice, provider, visit_type)) for provider, visit_type in found]
