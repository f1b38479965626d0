"""Which start times a provider offers (product section 4). Pure; the clock is passed in.

Times are epoch minutes. A day is open at the instants whose wall clock lies in its opening hours; a visit has to lie there
whole. It may begin every `step_minutes` of the wall clock from each opening on, so a time that does not exist is not
offered, and one that occurs twice is offered once (the first).

A slot is looked at with its day's two neighbours only where it has to be: for buffers, and where hours go on past midnight.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import chain
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct

from .availability import Hours
from .clock_time import MINUTES_PER_DAY, day_beginnings, instant_of, minute_after, minute_of
from .occupancy import Occupant, OccupantKind

_DAY = timedelta(days=1)


class Closed(StrEnum):
    """The one reason that closes a time: the first of these that applies."""

    NOT_INTEGRATED = "not_integrated"
    NEVER_PULLED = "never_pulled"
    VISIT_TYPE = "visit_type"
    PAUSED = "paused"
    CLOSURE = "closure"
    OUTSIDE_HOURS = "outside_hours"
    NOTICE = "notice"
    HORIZON = "horizon"
    BLOCK = "block"
    FULL = "full"
    BUFFER = "buffer"
    DAILY_MAXIMUM = "daily_maximum"


BY_OTHERS = frozenset({Closed.FULL, Closed.BUFFER, Closed.DAILY_MAXIMUM})
"""What other patients' visits cause: to somebody who was just shown the time, it was taken."""


class SlotRules(Struct, frozen=True):
    """What bounds the slots of one provider and visit type.

    A slot takes `minutes`, starts every `step_minutes` of an opening, may be shared by `split` visits, and starts in
    [earliest, latest) (epoch minutes). Each visit keeps its provider busy for the buffers around it, which no other visit's
    time or buffer may touch beyond `split`; a block needs no buffer of its own. A day takes `daily_maximum` visits (None:
    any number); one over midnight counts on both days.
    """

    minutes: int
    step_minutes: int
    split: int
    earliest: int
    latest: int
    buffer_before_minutes: int = 0
    buffer_after_minutes: int = 0
    daily_maximum: int | None = None

    @property
    def buffered(self) -> bool:
        """Whether visits have to keep apart."""
        return bool(self.buffer_before_minutes or self.buffer_after_minutes)


class _Segment(NamedTuple):
    """A part of a day with one offset: [start, end) in minutes after the day's beginning, and the wall clock at start."""

    start: int
    end: int
    wall: int


_Stretch = tuple[int, int] | Occupant
"""Begins with its start and end; an occupant does."""


class _Grid(NamedTuple):
    """The starts of a day, in minutes after its beginning, and for each minute (from `_MARGIN` before the day on) how many
    of them come before what is taken from then on, and how many before what is free again from then on.
    """

    starts: tuple[int, ...]
    closes: Sequence[int]
    opens: Sequence[int]


_MARGIN = 2048
"""Minutes, more than a day and its buffers: visits of the neighbouring days lie within it."""
_NO_GRID = _Grid((), (), ())
_ORDINARY = (_Segment(0, MINUTES_PER_DAY, 0),)


def earliest_and_latest(now: datetime, minimum_notice_minutes: int, horizon_days: int) -> tuple[int, int]:
    """The epoch minutes [earliest, latest) in which a slot may start: after the notice, before the horizon."""
    return minute_after(now) + minimum_notice_minutes, minute_of(now) + horizon_days * MINUTES_PER_DAY


def looks_around(hours: Iterable[Hours], rules: SlotRules) -> bool:
    """Whether slots of these days depend on the days before and after."""
    return rules.buffered or any(one and one[-1].end_minutes == MINUTES_PER_DAY for one in hours)


def free_starts(
    first: date,
    hours: Sequence[Hours],
    occupants: Mapping[date, Sequence[Occupant]],
    zone: ZoneInfo,
    rules: SlotRules,
) -> dict[date, tuple[int, ...]]:
    """The start times offered on each local day from `first` on, ascending.

    `hours` are the open hours of these days and of one day more; `occupants` those of each day (sorted), with the day before
    and the day after wherever `looks_around`.
    """
    begins = day_beginnings(first, len(hours) + 1, zone)
    offered: dict[date, tuple[int, ...]] = {}
    day = first - _DAY
    for index in range(len(hours) - 1):
        day += _DAY
        begin, end = begins[index], begins[index + 1]
        held: Sequence[Occupant] = occupants.get(day, ())
        grid = _day_grid(hours, index, begins, zone, rules) if hours[index] else _NO_GRID
        starts = grid.starts
        earliest, latest = rules.earliest - begin, rules.latest - begin
        crosses = bool(starts) and starts[-1] + rules.minutes > end - begin
        if rules.daily_maximum is not None and starts:
            if _visits(held) >= rules.daily_maximum:
                latest = 0
            elif crosses and _visits(occupants.get(day + _DAY, ())) >= rules.daily_maximum:
                latest = min(latest, end - begin - rules.minutes + 1)
        if not starts or earliest > starts[-1] or latest <= starts[0]:
            offered[day] = ()
            continue
        if rules.buffered or crosses:
            held = _whole(occupants.get(day - _DAY, ()), held, occupants.get(day + _DAY, ()))
        free: Sequence[int] = _between(grid, _taken(held, rules), begin) if held else starts
        if earliest > starts[0] or latest <= starts[-1]:
            free = free[bisect_left(free, earliest) : bisect_left(free, latest)]
        offered[day] = tuple([begin + start for start in free])
    return offered


def _between(grid: _Grid, taken: Iterable[_Stretch], begin: int) -> list[int]:
    """The grid cut where it is taken: a start is free from the end of one stretch to a visit's length before the next."""
    starts, closes, opens = grid
    free: list[int] = []
    at, shift = 0, _MARGIN - begin
    for stretch in taken:
        taken_from, taken_to = stretch[0], stretch[1]
        if taken_from < taken_to:
            closed = closes[taken_from + shift]
            if closed > at:
                free += starts[at:closed]
            open_again = opens[taken_to + shift]
            if open_again > at:
                at = open_again
    free += starts[at:]
    return free


def why_closed(
    start: datetime,
    day: date,
    hours: Sequence[Hours],
    occupants: Mapping[date, Sequence[Occupant]],
    zone: ZoneInfo,
    rules: SlotRules,
) -> Closed | None:
    """Why a start on a local day is not offered; None if it is. `hours` are those of the day and the one after it."""
    begins = day_beginnings(day, 3, zone)
    minute = minute_of(start)
    grid = _day_grid(hours, 0, begins, zone, rules) if hours[0] else _NO_GRID
    if start.second or start.microsecond or minute - begins[0] not in grid.starts:
        return Closed.OUTSIDE_HOURS
    if minute < rules.earliest:
        return Closed.NOTICE
    if minute >= rules.latest:
        return Closed.HORIZON
    end = minute + rules.minutes
    held = _whole(*(occupants.get(one, ()) for one in (day - _DAY, day, day + _DAY)))
    for kind, reason in ((OccupantKind.BLOCK, Closed.BLOCK), (None, Closed.FULL)):
        found = [o for o in held if (o.kind is OccupantKind.BLOCK) == (kind is not None)]
        if any(one[0] < end and minute < one[1] for one in _full(found, rules.split)):
            return reason
    around = minute - rules.buffer_before_minutes, end + rules.buffer_after_minutes
    if any(one[0] < around[1] and around[0] < one[1] for one in _taken(held, rules)):
        return Closed.BUFFER
    touched = [day, day + _DAY] if end > begins[1] else [day]
    if rules.daily_maximum is not None and any(
        _visits(occupants.get(one, ())) >= rules.daily_maximum for one in touched
    ):
        return Closed.DAILY_MAXIMUM
    return None


def _visits(held: Iterable[Occupant]) -> int:
    return sum(o.kind is not OccupantKind.BLOCK for o in held)


def _whole(*days: Sequence[Occupant]) -> list[Occupant]:
    """The occupants of days side by side, the parts of each joined, by start; those of some length."""
    joined: dict[str, Occupant] = {}
    for one in chain(*days):
        if one.end > one.start:
            other = joined.get(one.id)
            joined[one.id] = other._replace(end=one.end) if other else one
    return sorted(joined.values())


def _taken(held: Sequence[Occupant], rules: SlotRules) -> Sequence[_Stretch]:
    """The stretches, by start, that no visit with its buffers may touch."""
    if rules.buffered:
        before, after = rules.buffer_before_minutes, rules.buffer_after_minutes
        held = sorted(
            o if o.kind is OccupantKind.BLOCK else o._replace(start=o.start - before, end=o.end + after) for o in held
        )
    return _full(held, rules.split)


def _full(held: Sequence[Occupant], split: int) -> Sequence[_Stretch]:
    """The stretches, by start, in which no place is left; a block takes all of them. `held` is sorted."""
    if split == 1:
        return held  # each is a stretch of its own, and need not be copied
    changes: list[tuple[int, int]] = []
    for start, end, kind, _ in held:
        if end > start:
            weight = split if kind is OccupantKind.BLOCK else 1
            changes += ((start, weight), (end, -weight))
    full: list[tuple[int, int]] = []
    taken, since = 0, 0
    for minute, weight in sorted(changes):
        before, taken = taken, taken + weight
        if before < split <= taken:
            since = minute
        elif taken < split <= before:
            full.append((since, minute))
    return full


def _day_grid(hours: Sequence[Hours], index: int, begins: Sequence[int], zone: ZoneInfo, rules: SlotRules) -> _Grid:
    """Every start that lies in the hours of a day."""
    segments = _segments(begins[index], begins[index + 1], zone)
    reach = 0
    if hours[index][-1].end_minutes == MINUTES_PER_DAY and hours[index + 1] and hours[index + 1][0].start_minutes == 0:
        tomorrow = _stretches(hours[index + 1], _segments(begins[index + 1], begins[index + 2], zone))
        reach = tomorrow[0][1] if tomorrow and tomorrow[0][0] == 0 else 0
    lead, lag = rules.minutes + rules.buffer_after_minutes, rules.buffer_before_minutes
    return _grid(hours[index], segments, reach, rules.minutes, rules.step_minutes, lead, lag)


@lru_cache(maxsize=256)
def _grid(
    hours: Hours,
    segments: tuple[_Segment, ...],
    reach: int,
    minutes: int,
    step_minutes: int,
    lead: int,
    lag: int,
) -> _Grid:
    """The starts of a day; `reach` is how long it stays open past its end.

    What is taken closes the starts from `lead` minutes before it on, and until `lag` minutes after it.
    """
    length = segments[-1].end if segments else 0
    stretches = [(start, end + reach if end == length else end) for start, end in _stretches(hours, segments)]
    starts: set[int] = set()
    for opening in hours:
        for wall in range(opening.start_minutes, opening.end_minutes, step_minutes):
            start = _first_time(wall, segments)
            if start is not None and any(a <= start and start + minutes <= b for a, b in stretches):
                starts.add(start)
    found = tuple(sorted(starts))
    return _Grid(found, _counts([one + lead for one in found]), _counts([one - lag + 1 for one in found]))


def _counts(thresholds: Sequence[int]) -> list[int]:
    """How many of ascending thresholds are reached, for each minute from `_MARGIN` before a day to its end and beyond."""
    counts: list[int] = []
    for reached, threshold in enumerate(thresholds):
        counts += [reached] * (threshold + _MARGIN - len(counts))
    return counts + [len(thresholds)] * (3 * _MARGIN - len(counts))


def _stretches(hours: Hours, segments: Sequence[_Segment]) -> list[tuple[int, int]]:
    """When a day is open, in minutes after its beginning; what touches is one stretch."""
    found: list[tuple[int, int]] = []
    for segment in segments:
        shift = segment.start - segment.wall
        for opening in hours:
            start = max(opening.start_minutes + shift, segment.start)
            end = min(opening.end_minutes + shift, segment.end)
            if found and start < end and found[-1][1] == start:
                found[-1] = found[-1][0], end
            elif start < end:
                found.append((start, end))
    return found


def _first_time(wall: int, segments: Iterable[_Segment]) -> int | None:
    """When the wall clock first shows a minute of the day; None if it never does."""
    for segment in segments:
        minute = segment.start + wall - segment.wall
        if segment.start <= minute < segment.end:
            return minute
    return None


def _segments(begin: int, end: int, zone: ZoneInfo) -> tuple[_Segment, ...]:
    """The parts of the day [begin, end) between changes of the clock (one at most)."""
    if end - begin == MINUTES_PER_DAY:
        return _ORDINARY
    if end == begin:
        return ()
    offsets = _offset(begin, zone), _offset(end - 1, zone)
    wall = (begin + offsets[0]) % MINUTES_PER_DAY
    if offsets[0] == offsets[1]:
        return (_Segment(0, end - begin, wall),)
    change = bisect_right(range(begin, end), 0, key=lambda minute: int(_offset(minute, zone) != offsets[0]))
    return (
        _Segment(0, change, wall),
        _Segment(change, end - begin, (begin + change + offsets[1]) % MINUTES_PER_DAY),
    )


def _offset(minute: int, zone: ZoneInfo) -> int:
    """Minutes that the wall clock is ahead of UTC."""
    offset = instant_of(minute).astimezone(zone).utcoffset() or timedelta()
    return int(offset.total_seconds() // 60)
