"""The places that requests hold in their providers' days."""

from datetime import date

from ..domain.occupancy import days_touched
from ..domain.practices import Practice
from ..domain.requests import Request
from ..ports import CalendarRepository, DayChange


def freed(calendar: CalendarRepository, practice: Practice, request: Request) -> list[DayChange]:
    """The changes that free a request's place, on every day that it touches; none for a request without a time."""
    if request.slot is None:
        return []
    zone = practice.zone_of(practice.provider_named(request.provider_id, request.location_id))
    touched: list[date] = days_touched(request.slot.start, request.slot.end, zone)
    read = calendar.read(practice.slug, [(request.provider_id, zone.key, day) for day in touched])
    return [DayChange(day, day.without(request.id)) for day in read.values()]
