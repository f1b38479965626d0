"""`oneway calendar`: a week as a picture, why a time is not offered, and whether days are what they should be.

Nobody is named: a picture shows that a place is taken, never by whom.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from oneway.domain.availability import Availability, monday_of
from oneway.domain.clock_time import day_of, instant_of, minute_of
from oneway.domain.errors import ProviderNotFound
from oneway.domain.occupancy import Occupant, OccupantKind, with_long_blocks
from oneway.domain.practices import Practice, Provider
from oneway.domain.slots import Closed
from oneway.use_cases.check_occupancy import Difference
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from .document import suggestion
from .stack import Stack, operators, plainly, practice_named
from .terminal import Failure, busy, table

REASONS = {
    Closed.NOT_INTEGRATED: "the provider is not integrated: the practice's phone is shown, never slots",
    Closed.NEVER_PULLED: "the provider's schedule was never read completely: `oneway sync` reads it",
    Closed.VISIT_TYPE: "the provider does not offer this visit type to this patient",
    Closed.PAUSED: "the provider is paused",
    Closed.CLOSURE: "the day is closed",
    Closed.OUTSIDE_HOURS: "the visit would not lie inside opening hours, or does not start on the provider's grid",
    Closed.NOTICE: "it is too soon: the minimum notice has begun",
    Closed.HORIZON: "it is too far ahead: the horizon ends before it",
    Closed.BLOCK: "the time is blocked in the scheduling system",
    Closed.FULL: "every place of the time is taken",
    Closed.BUFFER: "another visit is too near: the buffers between visits would not be kept",
    Closed.DAILY_MAXIMUM: "the day has as many visits as it may have",
}
"""Why a time is not offered, in operators' words."""
_KINDS = {OccupantKind.REQUEST: "request", OccupantKind.APPOINTMENT: "visit", OccupantKind.BLOCK: "block"}
_ROW_MINUTES = 30


class Cell(NamedTuple):
    """What half an hour of a day looks like."""

    words: str
    style: str


CLOSED, FREE = Cell("", ""), Cell("·", "green")


def show(stack: Stack, slug: str, provider_id: str, week: date | None, out: Console) -> None:
    """A provider's week as a picture. Raises Failure."""
    stack.enter()
    with plainly(stack.name), busy(out, "Looking"):
        ours = operators()
        practice = practice_named(ours, slug)
        provider = _provider(practice, provider_id)
        zone = practice.zone_of(provider)
        monday = monday_of(week or day_of(ours.clock.now(), zone))
        days = ours.calendar.days(slug, provider_id, zone.key, monday, monday + timedelta(days=6))
    occupants = with_long_blocks(
        {day: one.occupants for day, one in days.items()}, practice.long_blocks.get(provider_id, ()), zone
    )
    availability = practice.availability_of(provider)
    shown = table("", *(f"{day:%a %d %b}" for day in days))
    for wall, cells in rows(availability, occupants, zone, provider.split):
        shown.add_row(f"{wall // 60:02d}:{wall % 60:02d}", *(Text(cell.words, cell.style) for cell in cells))
    ends = monday + timedelta(days=6)
    out.print(
        f"[bold]{escape(provider.name)}[/] · {monday:%d %B} to {ends:%d %B %Y} · {zone.key}", *_notes(availability)
    )
    out.print(shown)
    for closure in availability.closures:
        if closure.first <= ends and monday <= closure.last:
            out.print(f"closed {closure.first} to {closure.last} {escape(closure.name)}".rstrip())
    out.print("· free, asked: a request waits, booked: in the scheduling system, blank: not open")


def rows(
    availability: Availability, occupants: Mapping[date, Sequence[Occupant]], zone: ZoneInfo, split: int
) -> Iterator[tuple[int, list[Cell]]]:
    """The half hours from the first to the last that is open or taken on any of the days: wall-clock minutes, and cells."""
    hours = dict(zip(occupants, availability.open_hours(min(occupants), len(occupants)), strict=True))
    by_wall = {
        wall: [_cell(day, wall, hours[day], held, zone, split) for day, held in occupants.items()]
        for wall in range(0, 24 * 60, _ROW_MINUTES)
    }
    used = [wall for wall, cells in by_wall.items() if any(cell is not CLOSED for cell in cells)]
    for wall in range(min(used, default=0), max(used, default=-1) + 1, _ROW_MINUTES):
        yield wall, by_wall[wall]


def why(stack: Stack, slug: str, provider_id: str, visit_type: str, when: str, out: Console) -> None:
    """The one reason that closes a time. Raises Failure."""
    stack.enter()
    with plainly(stack.name):
        ours = operators()
        practice = practice_named(ours, slug)
        provider = _provider(practice, provider_id)
        if visit_type not in practice.visit_types:
            raise Failure(f'there is no visit type "{visit_type}"', suggestion(visit_type, tuple(practice.visit_types)))
        start = _start(when, practice.zone_of(provider))
        reason = ours.explain_slot(slug, provider_id, visit_type, start)
    out.print(f"{escape(provider.name)}, {start:%a %d %b %Y %H:%M} ({start.tzinfo}):")
    out.print("  offered" if reason is None else f"  not offered ({reason}): {REASONS[reason]}")


def check(stack: Stack, slug: str, provider_id: str | None, out: Console, *, repair: bool) -> bool:
    """Compare days with what requests and appointments make of them; whether they are right now. Raises Failure."""
    stack.enter()
    with plainly(stack.name):
        ours = operators()
        practice = practice_named(ours, slug)
        chosen = [_provider(practice, provider_id)] if provider_id else list(practice.providers.values())
        found: list[tuple[Provider, Difference]] = []
        for number, provider in enumerate(chosen, 1):
            with busy(out, f"Checking the days of {provider.id} ({number} of {len(chosen)})"):
                found += [(provider, one) for one in ours.check_occupancy(slug, provider.id, repair=repair)]
    shown = table("provider", "day", "from", "to", "what", "difference")
    for provider, one in found:
        zone = practice.zone_of(provider)
        start, end = (instant_of(minute).astimezone(zone) for minute in (one.occupant.start, one.occupant.end))
        told = "should not be there" if one.stray else "is missing"
        shown.add_row(
            provider.id,
            str(one.day or start.date()),
            f"{start:%H:%M}",
            f"{end:%H:%M}" if one.day else f"{end:%Y-%m-%d %H:%M}",
            f"{_KINDS[one.occupant.kind]} {one.occupant.id}",
            told,
        )
    if found:
        out.print(shown)
        out.print("Set right." if repair else "Nothing was changed; --repair sets it right.")
    else:
        out.print("Every day is what requests and appointments make of it.")
    return repair or not found


def holidays(stack: Stack, slug: str, out: Console) -> None:
    """The public holidays to come, and whether the practice is closed on them. Raises Failure."""
    stack.enter()
    with plainly(stack.name), busy(out, "Looking"):
        ours = operators()
        practice = practice_named(ours, slug)
        today = day_of(ours.clock.now(), ZoneInfo(practice.zone))
        closed = ours.calendar.get(slug, "").availability
    shown = table("day", "public holiday", "")
    for one in practice.public_holidays:
        if one.last >= today:
            open_still = f"open; to close, write under closures: {one.first}"
            shown.add_row(
                f"{one.first:%a %d %b %Y}", one.name, "closed" if closed.closure_on(one.first) else open_still
            )
    out.print(shown)


def _cell(
    day: date, wall: int, hours: Sequence[tuple[int, int]], held: Sequence[Occupant], zone: ZoneInfo, split: int
) -> Cell:
    start = minute_of(datetime.combine(day, time(wall // 60, wall % 60), zone))
    here = [o for o in held if o.start < start + _ROW_MINUTES and start < o.end]
    if any(o.kind is OccupantKind.BLOCK for o in here):
        return Cell("block", "magenta")
    if here:
        asked = any(o.kind is OccupantKind.REQUEST for o in here)
        words = ("asked" if asked else "booked") if split == 1 else f"{len(here)} of {split}{' ?' if asked else ''}"
        return Cell(words, "yellow" if asked else "cyan")
    is_open = any(begins < wall + _ROW_MINUTES and wall < ends for begins, ends in hours)
    return FREE if is_open else CLOSED


def _notes(availability: Availability) -> Iterator[str]:
    if availability.paused:
        yield "· [bold red]paused[/]"


def _start(text: str, zone: ZoneInfo) -> datetime:
    try:
        start = datetime.fromisoformat(text)
    except ValueError:
        hint = "Write it as 2026-11-24T09:30, in the provider's zone."
        raise Failure(f'"{text[:40]}" is no date and time', hint, 2) from None
    return start.astimezone(zone) if start.tzinfo else start.replace(tzinfo=zone)


def _provider(practice: Practice, provider_id: str) -> Provider:
    try:
        return practice.provider(provider_id)
    except ProviderNotFound:
        hint = suggestion(provider_id, tuple(practice.providers))
        raise Failure(f'{practice.name} has no provider "{provider_id}"', hint) from None
