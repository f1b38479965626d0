"""The slow and obvious way to free times: ask of each minute whether it is open and whether a place is left."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from oneway.domain.availability import Hours
from oneway.domain.clock_time import instant_of, minute_of
from oneway.domain.occupancy import Occupant, OccupantKind
from oneway.domain.slots import SlotRules


def free_by_asking(
    day: date, hours: Sequence[Hours], held: Sequence[Occupant], zone: ZoneInfo, rules: SlotRules
) -> list[int]:
    """Free starts of a local day in epoch minutes. `hours` are those of the day and the next, `held` whole visits."""
    open_on = {day: hours[0], day + timedelta(days=1): hours[1]}
    before, after = rules.buffer_before_minutes, rules.buffer_after_minutes
    busy = [
        (one, 0, 0) if one.kind is OccupantKind.BLOCK else (one, before, after) for one in held if one.end > one.start
    ]
    free = []
    for start in sorted(set(_grid(day, hours[0], zone, rules.step_minutes))):
        visit = range(start, start + rules.minutes)
        if not rules.earliest <= start < rules.latest or not all(is_open(minute, open_on, zone) for minute in visit):
            continue
        if not all(
            sum(
                rules.split if one.kind is OccupantKind.BLOCK else 1
                for one, early, late in busy
                if one.start - early <= minute < one.end + late
            )
            < rules.split
            for minute in range(start - before, start + rules.minutes + after)
        ):
            continue
        days = {_wall(minute, zone).date() for minute in visit}
        if rules.daily_maximum is not None and any(_visits_on(one, held, zone) >= rules.daily_maximum for one in days):
            continue
        free.append(start)
    return free


def _grid(day: date, hours: Hours, zone: ZoneInfo, step_minutes: int) -> Iterable[int]:
    """When the wall clock first shows each step of an opening, where it does at all."""
    for opening in hours:
        for wall in range(opening.start_minutes, opening.end_minutes, step_minutes):
            shown = datetime.combine(day, datetime.min.time()) + timedelta(minutes=wall)
            minute = minute_of(shown.replace(tzinfo=zone, fold=0))
            if _wall(minute, zone) == shown:
                yield minute


def is_open(minute: int, open_on: dict[date, Hours], zone: ZoneInfo) -> bool:
    """Whether the wall clock of a minute lies in the hours of its day."""
    wall = _wall(minute, zone)
    minutes = wall.hour * 60 + wall.minute
    return any(a <= minutes < b for a, b in open_on.get(wall.date(), ()))


def _visits_on(day: date, held: Iterable[Occupant], zone: ZoneInfo) -> int:
    """Visits that touch a day; one of no length touches the day of its start."""
    return sum(
        any(_wall(minute, zone).date() == day for minute in {one.start, max(one.start, one.end - 1)})
        for one in held
        if one.kind is not OccupantKind.BLOCK
    )


def _wall(minute: int, zone: ZoneInfo) -> datetime:
    return instant_of(minute).astimezone(zone).replace(tzinfo=None)
