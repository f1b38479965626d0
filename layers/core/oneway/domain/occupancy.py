"""Who holds which part of a provider's local day (product section 4, house: *Occupancy*).

One `DayOccupancy` per provider and local day names every pending request, appointment and block of that day. It is changed
in the same transaction as its cause, on the condition that its version is the one that was read. Packed, an occupant takes
11 bytes, so that a month of a busy provider is one or two read units.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import IntEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from . import identifiers
from .clock_time import day_of, first_minute, minute_after, minute_of

LONGEST_DAYS = 7
"""A visit that touches more local days than this is a mistake; a block that does is kept as one of the `LongBlocks`."""
_PACKED = struct.Struct(f">BH{identifiers.ID_BYTES}s")


class OccupantKind(IntEnum):
    """What holds the place. The numbers are stored."""

    REQUEST = 0
    APPOINTMENT = 1
    BLOCK = 2


_KINDS = tuple(OccupantKind)


class Occupant(NamedTuple):
    """One holder of [start, end), in epoch minutes, clipped to its day."""

    start: int
    end: int
    kind: OccupantKind
    id: str


class DayOccupancy(Struct, frozen=True):
    """The occupants of one provider's local day; `zone` is the IANA name that the day is
    meant in, version 0 means that nothing is stored yet.
    """

    practice: str
    provider_id: str
    zone: str
    day: date
    version: int = 0
    occupants: tuple[Occupant, ...] = ()

    def holds(self, occupant_id: str) -> bool:
        """Whether an id is among the occupants."""
        return any(o.id == occupant_id for o in self.occupants)

    def with_occupant(self, occupant: Occupant) -> "DayOccupancy":
        """The day with this occupant, in place of an earlier one of the same id."""
        others = tuple(o for o in self.occupants if o.id != occupant.id)
        return replace(self, occupants=tuple(sorted((*others, occupant))))

    def without(self, occupant_id: str) -> "DayOccupancy":
        """The day without an id; the same day if it is not there."""
        return replace(self, occupants=tuple(o for o in self.occupants if o.id != occupant_id))

    @property
    def visits(self) -> int:
        """How many visits, asked for or imported, it holds."""
        return sum(o.kind is not OccupantKind.BLOCK for o in self.occupants)

    def starting_at(self, start: int, kind: OccupantKind) -> list[str]:
        """Ids of the occupants of a kind that start at an epoch minute."""
        return [o.id for o in self.occupants if o.start == start and o.kind == kind]


class LongBlocks(Struct, frozen=True):
    """Blocks of a provider that are too long to stand on each of their days; they close what they cover all the same.

    Their occupants are not clipped to days. `version` 0 means that nothing is stored yet.
    """

    practice: str
    provider_id: str
    version: int = 0
    blocks: tuple[Occupant, ...] = ()

    def holds(self, occupant_id: str) -> bool:
        """Whether a block is among them."""
        return any(o.id == occupant_id for o in self.blocks)

    def with_block(self, block: Occupant) -> "LongBlocks":
        """The blocks with this one, in place of an earlier one of the same id."""
        others = tuple(o for o in self.blocks if o.id != block.id)
        return replace(self, blocks=tuple(sorted((*others, block))))

    def without(self, occupant_id: str) -> "LongBlocks":
        """The blocks without an id; the same if it is not there."""
        return replace(self, blocks=tuple(o for o in self.blocks if o.id != occupant_id))


def sharing(held: Sequence[Occupant]) -> list[int]:
    """For each occupant, how many visits there are at its fullest moment (blocks do not count)."""
    visits = [o for o in held if o.kind is not OccupantKind.BLOCK]

    def at(minute: int) -> int:
        return sum(o.start <= minute < o.end for o in visits)

    # It can only become fuller where another one begins.
    return [max([at(o.start), *(at(v.start) for v in visits if o.start < v.start < o.end)]) for o in held]


def with_long_blocks(
    occupants: Mapping[date, Sequence[Occupant]], blocks: Iterable[Occupant], zone: ZoneInfo
) -> dict[date, Sequence[Occupant]]:
    """The occupants of days with the parts of long blocks that lie on them."""
    found, held_long = dict(occupants), list(blocks)
    for day, held in occupants.items() if held_long else ():
        begins, ends = first_minute(day, zone), first_minute(day + timedelta(days=1), zone)
        parts = [
            block._replace(start=max(block.start, begins), end=min(block.end, ends))
            for block in held_long
            if block.start < ends and begins < block.end
        ]
        if parts:
            found[day] = sorted([*held, *parts])
    return found


def days_touched(start: datetime, end: datetime, zone: ZoneInfo) -> list[date]:
    """The local days that [start, end) touches; at least the day of `start`."""
    first = day_of(start, zone)
    last = max(first, day_of(end - timedelta(microseconds=1), zone))
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def is_long(start: datetime, end: datetime, zone: ZoneInfo) -> bool:
    """Whether [start, end) touches more than `LONGEST_DAYS` local days."""
    return end - start > timedelta(days=LONGEST_DAYS) or len(days_touched(start, end, zone)) > LONGEST_DAYS


def occupant_on(
    day: date, zone: ZoneInfo, start: datetime, end: datetime, kind: OccupantKind, occupant_id: str
) -> Occupant:
    """The part of [start, end) that lies on a local day, rounded outwards to whole minutes."""
    day_begins, day_ends = first_minute(day, zone), first_minute(day + timedelta(days=1), zone)
    held_from = max(minute_of(start), day_begins)
    return Occupant(held_from, max(min(minute_after(end), day_ends), held_from), kind, occupant_id)


def pack(occupants: Iterable[Occupant], day_begins: int) -> bytes:
    """Occupants as bytes: start and length in minutes (11 bits each), kind (2 bits), id (8 bytes).

    Minutes count from `day_begins`, the epoch minute at which the local day begins; 11 bits hold a day of 25 hours.
    """
    parts = []
    for o in sorted(occupants):
        head = (o.start - day_begins) << 13 | (o.end - o.start) << 2 | o.kind
        parts.append(head.to_bytes(3, "big") + identifiers.to_bytes(o.id))
    return b"".join(parts)


def unpack(packed: bytes, day_begins: int) -> tuple[Occupant, ...]:
    """The occupants of packed bytes. Raises ValueError if they are cut."""
    if len(packed) % _PACKED.size:
        raise ValueError("packed occupants are cut")
    found = []
    for high, low, raw in _PACKED.iter_unpack(packed):
        start = day_begins + (high << 3 | low >> 13)
        length = low >> 2 & 0x7FF
        found.append(Occupant(start, start + length, _KINDS[low & 3], identifiers.from_bytes(raw)))
    return tuple(found)
