"""A month as a page shows it: weeks of days, what is free on each, and the times of one day by part of day."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from msgspec import Struct
from oneway.domain.practices import Provider
from oneway.domain.requests import PartOfDay
from oneway.use_cases.list_slots import OfferedSlots
from oneway.web.problems import local

Parts = list[tuple[PartOfDay, list[datetime]]]


class Month(Struct, frozen=True):
    """`weeks` of seven days, None where a day is another month's; `free` says how many times each day has."""

    first: date
    weeks: Sequence[Sequence[date | None]]
    free: Mapping[date, int]
    earlier: date | None
    later: date | None


def month_of(day: date, week_begins: int, offers: Sequence[OfferedSlots], today: date, last: date) -> Month:
    """The month in which a day lies; it can be left for months that [today, last] touches."""
    first = first_of(day)
    begins = first - timedelta(days=(first.weekday() - week_begins) % 7)
    shown = [begins + timedelta(days=n) for n in range(42)]
    weeks = [[one if one.month == first.month else None for one in shown[n : n + 7]] for n in range(0, 42, 7)]
    free = {one: sum(len(offer.days.get(one, ())) for offer in offers) for one in shown if one.month == first.month}
    before, after = first_of(first - timedelta(days=1)), next_month(first)
    return Month(
        first,
        # Weeks that are over would only be scrolled past.
        [week for week in weeks if any(one and one >= today for one in week)] or [week for week in weeks if any(week)],
        free,
        before if before >= first_of(today) else None,
        after if after <= last else None,
    )


def first_of(day: date) -> date:
    """The first day of a day's month."""
    return day.replace(day=1)


def next_month(day: date) -> date:
    """The first day of the month after a day's."""
    return first_of(first_of(day) + timedelta(days=31))


def times_on(day: date, offers: Sequence[OfferedSlots]) -> list[tuple[Provider, Parts]]:
    """The free times of a day, of each provider who has any."""
    found = (
        (offer.provider, parts_of([local(start, offer.zone) for start in offer.days.get(day, ())])) for offer in offers
    )
    return [(provider, parts) for provider, parts in found if parts]


def parts_of(times: Sequence[datetime]) -> Parts:
    """Local times by part of day; only parts that have any."""
    parts = [(part, [time for time in times if PartOfDay.of(time.hour) is part]) for part in PartOfDay]
    return [(part, found) for part, found in parts if found]
