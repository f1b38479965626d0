"""Are a provider's days what requests and appointments make of them? If not, say how, and set them right."""

from collections.abc import Iterable, Sequence
from datetime import date
from functools import partial
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from ..domain.appointments import Appointment
from ..domain.occupancy import Occupant, OccupantKind, days_touched, occupant_on
from ..domain.practices import Practice, Provider
from ..domain.requests import Request
from ..ports import (
    AppointmentRepository,
    CalendarRepository,
    Clock,
    DayChange,
    Ledger,
    LongBlocksChange,
    PracticeRepository,
    RequestRepository,
)
from .apply_schedule import held_by, long_block_of
from .settling import settle


class Difference(Struct, frozen=True):
    """A place that is stored and should not be (`stray`), or should be and is not. `day` is None for a long block."""

    provider_id: str
    day: date | None
    occupant: Occupant
    stray: bool


class CheckOccupancy(Struct, frozen=True):
    """Reads everything of a provider; a tool for operators, not for a request path."""

    practices: PracticeRepository
    requests: RequestRepository
    appointments: AppointmentRepository
    calendar: CalendarRepository
    ledger: Ledger
    clock: Clock

    def __call__(self, slug: str, provider_id: str, *, repair: bool = False) -> Sequence[Difference]:
        """Every difference of a provider's days and long blocks, as found; with `repair` they are gone afterwards.

        Each day is set right in one conditional write on what was read before its causes, so that what is booked or
        imported meanwhile is not lost. Raises PracticeNotFound, ProviderNotFound, StoreUnavailable.
        """
        practice = self.practices.get(slug)
        provider = practice.provider(provider_id)
        zone = practice.zone_of(provider)
        appointments = self.appointments.of_provider(slug, provider_id)
        asked = [r.id for r in self.requests.to_act(slug) if r.provider_id == provider_id]
        stored = {day.day: day for day in self.calendar.stored_days(slug, provider_id, zone.key)}
        listed = self.requests.get_many(slug, asked) if asked else []
        wanted = {day for one in appointments for day, _ in held_by(one, zone)} | {
            day for one in listed if one.slot for day in days_touched(one.slot.start, one.slot.end, zone)
        }
        causes = {one.id for one in appointments}
        found: list[Difference] = []
        for day in sorted(wanted | stored.keys()):
            check = partial(self._check_day, practice, provider, day, causes, asked, repair)
            found += settle(check, self.clock)
        return [*found, *settle(partial(self._check_long, practice, provider, repair), self.clock)]

    def _check_day(
        self,
        practice: Practice,
        provider: Provider,
        day: date,
        causes: Iterable[str],
        asked: Iterable[str],
        repair: bool,
    ) -> list[Difference]:
        zone = practice.zone_of(provider)
        before = self.calendar.read(practice.slug, [(provider.id, zone.key, day)])[provider.id, day]
        # Whatever changes a place of this day from here on changes the day's version too, and this is done again.
        ids = {o.id for o in before.occupants}
        visits = self.appointments.get_many(practice.slug, [(provider.id, one) for one in ids.union(causes)])
        requests = self.requests.get_many(practice.slug, ids.union(asked))
        occupants = tuple(sorted(_held(day, zone, provider.id, visits.values(), requests)))
        found = [
            *(Difference(provider.id, day, one, True) for one in before.occupants if one not in occupants),
            *(Difference(provider.id, day, one, False) for one in occupants if one not in before.occupants),
        ]
        if found and repair:
            self.ledger.commit([DayChange(before, replace(before, occupants=occupants))])
        return found

    def _check_long(self, practice: Practice, provider: Provider, repair: bool) -> list[Difference]:
        zone = practice.zone_of(provider)
        before = self.calendar.long_blocks(practice.slug, provider.id)
        visits = self.appointments.of_provider(practice.slug, provider.id)
        blocks = tuple(sorted(block for one in visits if (block := long_block_of(one, zone))))
        found = [
            *(Difference(provider.id, None, one, True) for one in before.blocks if one not in blocks),
            *(Difference(provider.id, None, one, False) for one in blocks if one not in before.blocks),
        ]
        if found and repair:
            self.ledger.commit([LongBlocksChange(before, replace(before, blocks=blocks))])
        return found


def _held(
    day: date, zone: ZoneInfo, provider_id: str, visits: Iterable[Appointment], requests: Iterable[Request]
) -> Iterable[Occupant]:
    """Who should hold a part of a provider's day."""
    for visit in visits:
        yield from (occupant for one, occupant in held_by(visit, zone) if one == day)
    for request in requests:
        slot = request.slot
        holds = request.pending and request.provider_id == provider_id
        if slot and holds and day in days_touched(slot.start, slot.end, zone):
            yield occupant_on(day, zone, slot.start, slot.end, OccupantKind.REQUEST, request.id)
