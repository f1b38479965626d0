"""Calendars of providers: when they can be booked, and who holds which part of their days."""

from collections.abc import Iterable
from datetime import date, timedelta

from ..domain.availability import Calendar
from ..domain.clock_time import first_minute, zone_of
from ..domain.occupancy import DayOccupancy, LongBlocks, unpack
from ..ports import ProviderDays
from . import keys
from .items import TableItem, decoded, get, get_many, item, query, save_if


class DynamoCalendarRepository:
    """Implements ports.CalendarRepository."""

    def days(self, practice: str, provider_id: str, zone: str, first: date, last: date) -> dict[date, DayOccupancy]:
        """The days of [first, last], in one query, perhaps a moment old."""
        between = TableItem.sk.between(first.isoformat(), f"{last.isoformat()}#DAY")
        days = {
            day: DayOccupancy(practice, provider_id, zone, day)
            for day in (first + timedelta(days=n) for n in range((last - first).days + 1))
        }
        for found in query(keys.calendar(practice, provider_id), between):
            empty = days[_day_of(found)]
            days[empty.day] = _filled(empty, found)
        return days

    def stored_days(self, practice: str, provider_id: str, zone: str) -> list[DayOccupancy]:
        """Every day of a provider that is stored."""
        found = query(keys.calendar(practice, provider_id))
        return [_filled(DayOccupancy(practice, provider_id, zone, _day_of(one)), one) for one in found]

    def read(self, practice: str, days: Iterable[tuple[str, str, date]]) -> dict[tuple[str, date], DayOccupancy]:
        """Single days of (provider id, zone, day), read consistently."""
        empty = _empty(practice, days)
        found = {keys.Key(one.pk, one.sk): one for one in get_many(empty)} if empty else {}
        return {
            (day.provider_id, day.day): _filled(day, found[key]) if key in found else day for key, day in empty.items()
        }

    def read_provider(self, practice: str, provider_id: str, zone: str, days: Iterable[date]) -> ProviderDays:
        """A provider's days and all else that opens or closes them, in one consistent read."""
        empty = _empty(practice, ((provider_id, zone, day) for day in days))
        own, ours = keys.availability(practice, provider_id), keys.availability(practice, "")
        blocks = keys.long_blocks(practice, provider_id)
        found = {keys.Key(one.pk, one.sk): one for one in get_many((*empty, own, ours, blocks))}
        availability = [
            decoded(found[key], Calendar).availability if key in found else Calendar().availability
            for key in (own, ours)
        ]
        return ProviderDays(
            {day.day: _filled(day, found[key]) if key in found else day for key, day in empty.items()},
            availability[0].closed_also_by(availability[1]),
            decoded(found[blocks], LongBlocks).blocks if blocks in found else (),
        )

    def get(self, practice: str, provider_id: str) -> Calendar:
        """When a provider can be booked, read consistently."""
        found = get(keys.availability(practice, provider_id))
        return decoded(found, Calendar) if found else Calendar()

    def save(self, practice: str, provider_id: str, after: Calendar) -> None:
        """Write a calendar, if the stored version is the one before its own. Raises WriteConflict."""
        before = after.version - 1
        new = item(keys.availability(practice, provider_id), after, after.version)
        save_if(new, TableItem.v == before if before else TableItem.pk.does_not_exist())

    def long_blocks(self, practice: str, provider_id: str) -> LongBlocks:
        """A provider's long blocks, read consistently."""
        found = get(keys.long_blocks(practice, provider_id))
        return decoded(found, LongBlocks) if found else LongBlocks(practice, provider_id)


def _empty(practice: str, days: Iterable[tuple[str, str, date]]) -> dict[keys.Key, DayOccupancy]:
    return {
        keys.day(practice, provider_id, day): DayOccupancy(practice, provider_id, zone, day)
        for provider_id, zone, day in days
    }


def _day_of(found: TableItem) -> date:
    return date.fromisoformat(found.sk.partition("#")[0])


def _filled(empty: DayOccupancy, found: TableItem) -> DayOccupancy:
    begins = first_minute(empty.day, zone_of(empty.zone))
    occupants = unpack(found.body or b"", begins)
    return DayOccupancy(empty.practice, empty.provider_id, empty.zone, empty.day, int(found.v or 0), occupants)
