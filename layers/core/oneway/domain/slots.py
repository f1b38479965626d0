"""Which start times a provider offers (product section 4). Pure; the clock is passed in.

Times are epoch minutes. Opening hours follow the wall clock: a time that does not exist is not offered, one that occurs
twice is offered once (the first).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from .availability import Opening
from .clock_time import MINUTES_PER_DAY, first_minute, minute_after, minute_of
from .occupancy import Occupant, OccupantKind


class Closed(StrEnum):
    """The one reason that closes a time."""

    NOT_INTEGRATED = "not_integrated"
    NEVER_PULLED = "never_pulled"
    VISIT_TYPE = "visit_type"
    OUTSIDE_HOURS = "outside_hours"
    NOTICE = "notice"
    HORIZON = "horizon"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class SlotRules:
    """What bounds the slots of one provider and visit type.

    A slot takes `minutes`, starts every `step_minutes` of an opening, may be shared by `split` visits, and starts in
    [earliest, latest) (epoch minutes).
    """

    minutes: int
    step_minutes: int
    split: int
    earliest: int
    latest: int


def rules_at(
    now: datetime, minutes: int, step_minutes: int, split: int, minimum_notice_minutes: int, horizon_days: int
) -> SlotRules:
    """The rules at an instant: after the minimum notice, before the horizon."""
    latest = minute_of(now) + horizon_days * MINUTES_PER_DAY
    return SlotRules(minutes, step_minutes, split, minute_after(now) + minimum_notice_minutes, latest)


def free_starts(
    day: date, openings: Sequence[Opening], occupants: Iterable[Occupant], zone: ZoneInfo, rules: SlotRules
) -> tuple[int, ...]:
    """The start times offered on a local day, ascending, in epoch minutes."""
    if not openings:
        return ()
    taken = _taken(occupants, rules.split)
    starts = {
        start
        for start in _starts(day, openings, zone, rules)
        if rules.earliest <= start < rules.latest
        and not any(begin < start + rules.minutes and start < end for begin, end in taken)
    }
    return tuple(sorted(starts))


def why_closed(
    start: datetime,
    day: date,
    openings: Sequence[Opening],
    occupants: Iterable[Occupant],
    zone: ZoneInfo,
    rules: SlotRules,
) -> Closed | None:
    """The reason why a start on a local day is not offered; None if it is."""
    minute = minute_of(start)
    if start.second or start.microsecond or minute not in _starts(day, openings, zone, rules):
        return Closed.OUTSIDE_HOURS
    if minute < rules.earliest:
        return Closed.NOTICE
    if minute >= rules.latest:
        return Closed.HORIZON
    taken = _taken(occupants, rules.split)
    full = any(begin < minute + rules.minutes and minute < end for begin, end in taken)
    return Closed.FULL if full else None


def _starts(day: date, openings: Sequence[Opening], zone: ZoneInfo, rules: SlotRules) -> list[int]:
    begins = first_minute(day, zone)
    ordinary = first_minute(day + timedelta(days=1), zone) - begins == MINUTES_PER_DAY
    starts: list[int] = []
    for opening in openings:
        if ordinary:
            last = begins + opening.end_minutes - rules.minutes
            starts += range(begins + opening.start_minutes, last + 1, rules.step_minutes)
        else:
            starts += _starts_by_wall_clock(day, opening, zone, rules)
    return starts


def _starts_by_wall_clock(day: date, opening: Opening, zone: ZoneInfo, rules: SlotRules) -> list[int]:
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a wall clock has no zone yet
    closes = minute_of((midnight + timedelta(minutes=opening.end_minutes)).replace(tzinfo=zone).astimezone(UTC))
    starts = []
    for wall_minutes in range(opening.start_minutes, opening.end_minutes, rules.step_minutes):
        wall = midnight + timedelta(minutes=wall_minutes)
        instant = wall.replace(tzinfo=zone).astimezone(UTC)
        exists = instant.astimezone(zone).replace(tzinfo=None) == wall
        if exists and minute_of(instant) + rules.minutes <= closes:
            starts.append(minute_of(instant))
    return starts


def _taken(occupants: Iterable[Occupant], split: int) -> list[tuple[int, int]]:
    """The stretches in which no place is left; a block takes all of them."""
    changes: list[tuple[int, int]] = []
    for occupant in occupants:
        if occupant.end > occupant.start:
            weight = split if occupant.kind is OccupantKind.BLOCK else 1
            changes += ((occupant.start, weight), (occupant.end, -weight))
    taken: list[tuple[int, int]] = []
    held, since = 0, 0
    for minute, weight in sorted(changes):
        before, held = held, held + weight
        if before < split <= held:
            since = minute
        elif held < split <= before:
            taken.append((since, minute))
    return taken
