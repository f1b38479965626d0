"""Calendars of providers: when they can be booked, and who holds which part of their days."""

from collections.abc import Iterable
from datetime import date, timedelta

from ..domain.availability import Calendar
from ..domain.clock_time import first_minute, zone_of
from ..domain.occupancy import DayOccupancy, LongBlocks, unpack
from ..domain.practice_events import PracticeEvent
from ..ports import CalendarsRead, ProviderDays
from . import keys
from .items import TableItem, decoded, get, get_many, item, query, save_all_if, save_if
from .practice_events import event_item


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
        found = self.read_calendars(practice, [(provider_id, zone)], days)
        own, ours = (found.calendars[which].availability for which in (provider_id, ""))
        by_day = {day: one for (_, day), one in found.days.items()}
        return ProviderDays(by_day, own.closed_also_by(ours), found.long_blocks[provider_id])

    def read_calendars(
        self, practice: str, providers: Iterable[tuple[str, str]], days: Iterable[date]
    ) -> CalendarsRead:
        """Days and calendars of providers and the practice's closures, in one consistent read."""
        chosen, wanted = list(providers), list(days)
        empty = _empty(practice, ((provider_id, zone, day) for provider_id, zone in chosen for day in wanted))
        calendars = {which: keys.availability(practice, which) for which in (*(one for one, _ in chosen), "")}
        blocks = {provider_id: keys.long_blocks(practice, provider_id) for provider_id, _ in chosen}
        stored = get_many((*empty, *calendars.values(), *blocks.values()))
        found = {keys.Key(one.pk, one.sk): one for one in stored}
        return CalendarsRead(
            {
                (day.provider_id, day.day): _filled(day, found[key]) if key in found else day
                for key, day in empty.items()
            },
            {which: decoded(found[key], Calendar) if key in found else Calendar() for which, key in calendars.items()},
            {which: decoded(found[key], LongBlocks).blocks if key in found else () for which, key in blocks.items()},
        )

    def get(self, practice: str, provider_id: str) -> Calendar:
        """When a provider can be booked, read consistently."""
        found = get(keys.availability(practice, provider_id))
        return decoded(found, Calendar) if found else Calendar()

    def save(self, practice: str, provider_id: str, after: Calendar, event: PracticeEvent | None = None) -> None:
        """Write a calendar and the entry that tells of it, if the stored version is the one before. Raises WriteConflict."""
        before = after.version - 1
        new = item(keys.availability(practice, provider_id), after, after.version)
        is_still = TableItem.v == before if before else TableItem.pk.does_not_exist()
        if event:
            save_all_if(new, is_still, event_item(practice, event))
        else:
            save_if(new, is_still)

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
