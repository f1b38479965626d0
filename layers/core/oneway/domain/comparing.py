"""Comparing a schedule with what was stored, by content (product section 5).

Digests are over canonical entries: what a source says about a visit, never how it happened to say it (order, stamps,
Bundle ids). They are kept per ISO week of the start, so that a small change rewrites a small item.
"""

from collections.abc import Collection, Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import Enum
from functools import lru_cache
from hashlib import blake2b

from . import identifiers
from .appointments import ScheduleRow
from .clock_time import minute_of
from .feeds import Window

ENTRY_BYTES = 8
_MINUTE_BYTES = 2
_DIGEST_BYTES = ENTRY_BYTES - _MINUTE_BYTES

DigestWeek = Mapping[str, bytes]
"""Appointment id → entry, for what starts in one ISO week (UTC).

An entry is eight bytes: the start in minutes after the week's beginning (2), and a digest of everything the row says (6),
or the mark of one that is absent.
"""


class Mark(Enum):
    """What is known of an appointment that complete pulls do not show. The bytes are stored in place of its digest."""

    SETTLED = bytes(_DIGEST_BYTES)
    """What follows from its absence was done."""
    SUSPECTED = bytes(_DIGEST_BYTES - 1) + b"\x01"
    """One pull did not show it; the next one decides."""
    KEPT = bytes(_DIGEST_BYTES - 1) + b"\x02"
    """Staff say that it stays."""


_MARKS = {mark.value: mark for mark in Mark}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs from what was stored, by appointment id.

    `changed` are rows to look at (new or changed). `absent_once` are no longer shown by the window and were shown by the
    last pull, `absent_twice` were not shown by that one either; both with their starts (epoch minutes). `known` are the rows
    that the last pull showed as well.
    """

    changed: Mapping[str, ScheduleRow]
    absent_once: Mapping[str, int]
    absent_twice: Mapping[str, int]
    known: Collection[str]


def entry_of(row: ScheduleRow) -> bytes:
    """A row's entry in its digest week."""
    patient = row.patient
    who = patient and (
        patient.source_id,
        [(n.given, n.family, n.suffix, str(n.use)) for n in patient.names],
        patient.birth_date and patient.birth_date.isoformat(),
        sorted(patient.phones),
        sorted(patient.emails),
    )
    parts = (
        row.external_id, str(row.kind), row.raw_state, str(row.state), row.start.isoformat(), row.end.isoformat(),
        row.zone_certain, row.provider_external_id, row.location_external_id, who, row.series, row.replaces,
        row.replaced_by,
    )  # fmt: skip
    digest = blake2b(repr(parts).encode(), digest_size=_DIGEST_BYTES).digest()
    return _minute_bytes(row.start) + (digest if digest not in _MARKS else b"\xff" * _DIGEST_BYTES)


def feed_digest(entries: Mapping[str, bytes], *settings: str) -> str:
    """A digest of all entries (by id) and of whatever else decides what a pull does with them."""
    digest = blake2b(digest_size=16)
    digest.update(repr(settings).encode())
    for identifier in sorted(entries):
        digest.update(identifier.encode() + entries[identifier])
    return digest.hexdigest()


def week_of(start: datetime) -> str:
    """The ISO week of an instant, "2026-W48"."""
    year, week, _ = start.isocalendar()
    return f"{year}-W{week:02d}"


def compare(
    rows: Mapping[str, ScheduleRow],
    entries: Mapping[str, bytes],
    stored: Mapping[str, DigestWeek],
    window: Window,
    complete: bool,
) -> Comparison:
    """What of `rows` (by appointment id, with their `entries`) differs from the `stored` weeks.

    Only what starts inside a completely read window can be absent.
    """
    where = {identifier: week for week, known in stored.items() for identifier in known}
    changed = {i: row for i, row in rows.items() if i not in where or stored[where[i]][i] != entries[i]}
    once: dict[str, int] = {}
    twice: dict[str, int] = {}
    if complete:
        for identifier, start, mark in _absent(rows, stored, window):
            if mark is None:
                once[identifier] = start
            elif mark is Mark.SUSPECTED:
                twice[identifier] = start
    known = [i for i in rows if i in where and stored[where[i]][i][_MINUTE_BYTES:] not in _MARKS]
    return Comparison(changed, once, twice, known)


def suspected(stored: Mapping[str, DigestWeek], window: Window) -> dict[str, int]:
    """What the last pull did not show, with starts: an answer that says "unchanged" does not show it either."""
    return {i: start for i, start, mark in _absent((), stored, window) if mark is Mark.SUSPECTED}


def shown_last(stored: Mapping[str, DigestWeek]) -> Iterator[str]:
    """What the last pull showed."""
    return (i for known in stored.values() for i, entry in known.items() if entry[_MINUTE_BYTES:] not in _MARKS)


def weeks_after(
    rows: Mapping[str, ScheduleRow],
    entries: Mapping[str, bytes],
    stored: Mapping[str, DigestWeek],
    window: Window,
    marks: Mapping[str, Mark | None],
) -> dict[str, DigestWeek]:
    """The weeks to store once everything is applied: those that differ. Weeks that ended before the window are dropped.

    `marks` are of absent ones (None: it is no longer this feed's to watch); others that are absent stay as they were.
    """
    wanted: dict[str, dict[str, bytes]] = {}
    oldest = week_of(window.start)
    for week, known in stored.items():
        kept = known if week >= oldest else {}
        wanted[week] = {
            identifier: entry if identifier not in marks else entry[:_MINUTE_BYTES] + mark.value
            for identifier, entry in kept.items()
            if identifier not in rows and (mark := marks.get(identifier, Mark.SETTLED))
        }
    for identifier, row in rows.items():
        wanted.setdefault(week_of(row.start), {})[identifier] = entries[identifier]
    return {week: known for week, known in wanted.items() if known != dict(stored.get(week, {}))}


def _absent(
    rows: Container[str], stored: Mapping[str, DigestWeek], window: Window
) -> Iterator[tuple[str, int, Mark | None]]:
    first, last = minute_of(window.start), minute_of(window.end)
    for week, known in stored.items():
        begins = _beginning(week)
        for identifier, entry in known.items():
            start = begins + int.from_bytes(entry[:_MINUTE_BYTES], "big")
            if identifier not in rows and first <= start < last:
                yield identifier, start, _MARKS.get(entry[_MINUTE_BYTES:])


def pack_week(week: DigestWeek) -> bytes:
    """A week as bytes: eight of the id, eight of the entry, in the order of ids."""
    return b"".join(identifiers.to_bytes(i) + week[i] for i in sorted(week))


def unpack_week(packed: bytes) -> dict[str, bytes]:
    """A week of packed bytes."""
    size, split = identifiers.ID_BYTES + ENTRY_BYTES, identifiers.ID_BYTES
    cuts = range(0, len(packed), size)
    return {identifiers.from_bytes(packed[at : at + split]): packed[at + split : at + size] for at in cuts}


def _minute_bytes(start: datetime) -> bytes:
    return (minute_of(start) - _beginning(week_of(start))).to_bytes(_MINUTE_BYTES, "big")


@lru_cache(maxsize=512)
def _beginning(week: str) -> int:
    year, number = week.split("-W")
    return minute_of(datetime.combine(date.fromisocalendar(int(year), int(number), 1), time.min, UTC))
