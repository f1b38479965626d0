"""Opening hours as a practice file writes them: "09:00-12:00", by weekday."""

import re

from oneway.domain.availability import CLOSED_WEEK, Hours, Opening, Week

from .document import Fields, Item

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EXAMPLE = '"09:00-12:00"'
_INTERVAL = re.compile(r"([0-9]{1,2}):([0-9]{2})\s*[-–]\s*([0-9]{1,2}):([0-9]{2})", re.ASCII)
_DAY_MINUTES = 1440


def read_week(fields: Fields) -> Week:
    """The opening hours of a week; days that are not named are closed."""
    days = list(CLOSED_WEEK)
    for number, weekday in enumerate(WEEKDAYS):
        if item := fields.get(weekday):
            days[number] = _day(item)
    fields.done()
    return (days[0], days[1], days[2], days[3], days[4], days[5], days[6])


def _day(item: Item) -> Hours:
    """A day's openings by start; each problem stands at the interval that causes it."""
    taken: list[Opening] = []
    for one in item.items():
        opening = _opening(one)
        if opening is None:
            continue
        other = next(
            (o for o in taken if opening.start_minutes < o.end_minutes and o.start_minutes < opening.end_minutes), None
        )
        if other:
            one.wrong(f"{shown(opening)} overlaps {shown(other)}. Write one interval, or two that do not overlap.")
        else:
            taken.append(opening)
    return tuple(sorted(taken))


def _opening(item: Item) -> Opening | None:
    text = item.text(example=EXAMPLE)
    if not text:
        return None
    found = _INTERVAL.fullmatch(text)
    if not found:
        item.wrong(f'"{text[:40]}" is no interval. Write hours of the 24-hour clock such as {EXAMPLE}.')
        return None
    hours = [int(part) for part in found.groups()]
    start, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if hours[1] > 59 or hours[3] > 59 or start >= _DAY_MINUTES or end > _DAY_MINUTES:
        item.wrong(f'"{text}" has a time that no clock shows. The day goes from 00:00 to 24:00.')
        return None
    if start >= end:
        item.wrong(f'"{text}" ends before it begins. Past midnight, write the rest under the next day.')
        return None
    return Opening(start, end)


def shown(opening: Opening) -> str:
    """An opening as a practice file writes it."""
    return "-".join(f"{minutes // 60:02d}:{minutes % 60:02d}" for minutes in opening)
