"""When a feed may ask for changes only, and from where on (sources.md: *the core owns watermarks and overlap*).

A delta makes a pull cheaper, and is never proof: what it does not name may have changed all the same. All is read once an hour,
and whenever somebody waits for what only a whole window shows.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from types import MappingProxyType

from msgspec import Struct

from .clock_time import parse_instant
from .comparing import DigestWeek, Mark, Pulled, marks_of
from .feeds import FeedState

OVERLAP = timedelta(minutes=10)
"""Changes are asked for from so long before the watermark on: clocks differ, and what was written may show late."""


def may_be_delta(state: FeedState) -> bool:
    """Whether nothing in a feed's state asks for a whole window: a second sighting, an answer of staff, somebody who waits, a
    pull that was cut.
    """
    waits = state.suspects or state.held or state.answer or state.awaited or state.applying_since
    return bool(state.cursor) and not waits


def asked_from(cursor: str, delta: str) -> str:
    """The cursor to ask from: of instants one that overlaps with what was read."""
    return (parse_instant(cursor) - OVERLAP).isoformat() if delta == "timestamp" else cursor


class Tombstones(Struct, frozen=True):
    """Visits that a source says itself are no more, with their starts (epoch minutes).

    `told` were shown by the last pull, or are kept by staff, who did not know it: they are absent. `suspected` were absent
    already. With `settled` ones all is done, unless they are only missing.
    """

    told: Mapping[str, int] = MappingProxyType({})
    suspected: Mapping[str, int] = MappingProxyType({})
    settled: Mapping[str, int] = MappingProxyType({})


def tombstones(gone: Collection[str], pulled: Pulled, stored: Mapping[str, DigestWeek]) -> Tombstones:
    """What a source says of visits that are known. A live row beats a tombstone; staff who kept a visit all the same do, too."""
    if not gone:
        return Tombstones()
    dead = {one for one in gone if one not in pulled.rows and one not in pulled.same}
    found: dict[Mark | None, dict[str, int]] = {}
    for identifier, start, mark in marks_of(stored, dead):
        found.setdefault(None if mark is Mark.KEPT else mark, {})[identifier] = start
    return Tombstones(found.get(None, {}), found.get(Mark.SUSPECTED, {}), found.get(Mark.SETTLED, {}))
