"""Availability as a practice file writes it: hours ("09:00-12:00", by weekday), weeks by their Monday, closures."""

import re
from datetime import date

from oneway.domain.availability import CLOSED_WEEK, Availability, Closure, DefaultWeek, Hours, Opening, Week

from .document import Fields, Item, Place, Problems, each

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


def read_availability(fields: Fields) -> Availability:
    """When a provider can be booked: `hours`, `hours_from`, `weeks`, `closures`, `paused`."""
    hours = fields.need("hours", f"{{mon: [{EXAMPLE}]}}")
    defaults = [DefaultWeek(_week(hours))] if hours else []
    later = _by_monday(fields.get("hours_from"), fields.problems)
    return Availability(
        default_weeks=(*defaults, *(DefaultWeek(week, monday) for monday, week in sorted(later.items()))),
        overrides=_by_monday(fields.get("weeks"), fields.problems),
        closures=read_closures(fields.get("closures")),
        paused=fields.optional_flag("paused", False),
    )


def read_closures(item: Item | None) -> tuple[Closure, ...]:
    """Closures: a date each, or {from, to, name}."""
    return tuple(sorted(one for one in each(item, _closure) if one))


def _closure(item: Item) -> Closure | None:
    if item.is_scalar:
        day = item.day()
        return Closure(day, day) if day else None
    fields = item.fields("{from: 2026-12-24, to: 2026-12-26, name: Christmas}")
    first_item, last_item = fields.need("from", "2026-12-24"), fields.get("to")
    first = first_item.day() if first_item else None
    last = last_item.day() if last_item else first
    name = fields.optional_text("name")
    fields.done()
    if first and last and last_item and last < first:
        last_item.wrong(f"the closure ends before it begins ({first}).")
        return None
    return Closure(first, last, name) if first and last else None


def _by_monday(item: Item | None, problems: Problems) -> dict[date, Week]:
    found: dict[date, Week] = {}
    for text, place, value in item.fields(f"2026-12-21: {{mon: [{EXAMPLE}]}}").entries() if item else ():
        monday = _monday(text, place, problems)
        week = _week(value)
        if monday:
            found[monday] = week
    return found


def _monday(text: str, place: Place, problems: Problems) -> date | None:
    try:
        monday = date.fromisoformat(text)
    except ValueError:
        problems.add(place, "write the date of a Monday here, such as 2026-12-21.")
        return None
    if monday.weekday():
        problems.add(
            place, f"{text} is no Monday; its week begins on {date.fromordinal(monday.toordinal() - monday.weekday())}."
        )
        return None
    return monday


def _week(item: Item) -> Week:
    return read_week(item.fields(f"mon: [{EXAMPLE}]"))


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
