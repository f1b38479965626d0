"""Occupancy by provider and local day."""

from collections.abc import Iterable
from datetime import date, timedelta

from ..domain.clock_time import first_minute, zone_of
from ..domain.occupancy import DayOccupancy, unpack
from . import keys
from .items import TableItem, get_many, query


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
            day, _, kind = found.sk.partition("#")
            if kind == "DAY":
                empty = days[date.fromisoformat(day)]
                days[empty.day] = _filled(empty, found)
        return days

    def read(self, practice: str, days: Iterable[tuple[str, str, date]]) -> dict[tuple[str, date], DayOccupancy]:
        """Single days of (provider id, zone, day), read consistently."""
        empty = {
            keys.day(practice, provider_id, day): DayOccupancy(practice, provider_id, zone, day)
            for provider_id, zone, day in days
        }
        found = {keys.Key(one.pk, one.sk): one for one in get_many(empty)} if empty else {}
        return {
            (day.provider_id, day.day): _filled(day, found[key]) if key in found else day for key, day in empty.items()
        }


def _filled(empty: DayOccupancy, found: TableItem) -> DayOccupancy:
    begins = first_minute(empty.day, zone_of(empty.zone))
    occupants = unpack(found.body or b"", begins)
    return DayOccupancy(empty.practice, empty.provider_id, empty.zone, empty.day, int(found.v or 0), occupants)
