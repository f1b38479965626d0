"""Comparing a schedule with what was stored, by content (product section 5).

Digests are over canonical entries: what a source says about a visit, never how it happened to say it (order, stamps,
Bundle ids). They are kept per ISO week of the start, so that a small change rewrites a small item.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from hashlib import blake2b

from . import identifiers
from .appointments import ScheduleRow
from .clock_time import minute_of
from .feeds import Window

ENTRY_BYTES = 8
_MINUTE_BYTES = 2
_GONE = bytes(ENTRY_BYTES - _MINUTE_BYTES)

DigestWeek = Mapping[str, bytes]
"""Appointment id → entry, for what starts in one ISO week (UTC).

An entry is eight bytes: the start in minutes after the week's beginning (2), and a digest of everything the row says (6),
or six zeros where the appointment is stored as missing.
"""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs from what was stored.

    `changed` are rows to look at (new or changed) and `missing` ids that the window no longer shows, both by appointment
    id. `weeks` are to be stored once everything is applied; only those that differ are in it.
    """

    changed: Mapping[str, ScheduleRow]
    missing: frozenset[str]
    weeks: Mapping[str, DigestWeek]


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
    digest = blake2b(repr(parts).encode(), digest_size=len(_GONE)).digest()
    return _minute_bytes(row.start) + (digest if digest != _GONE else b"\x01" * len(_GONE))


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

    Only what starts inside a completely read window can be missing; weeks that ended before it are dropped.
    """
    where = {identifier: week for week, known in stored.items() for identifier in known}
    changed = {i: row for i, row in rows.items() if i not in where or stored[where[i]][i] != entries[i]}
    missing: dict[str, str] = {}
    if complete:
        first, last = minute_of(window.start), minute_of(window.end)
        for week, known in stored.items():
            begins = _beginning(week)
            for identifier, entry in known.items():
                if identifier not in rows and entry[_MINUTE_BYTES:] != _GONE and first <= _start(begins, entry) < last:
                    missing[identifier] = week
    wanted: dict[str, dict[str, bytes]] = {}
    oldest = week_of(window.start)
    for week, known in stored.items():
        kept = {i: entry for i, entry in known.items() if i not in rows} if week >= oldest else {}
        wanted[week] = kept
    for identifier, row in rows.items():
        wanted.setdefault(week_of(row.start), {})[identifier] = entries[identifier]
    for identifier, week in missing.items():
        wanted[week][identifier] = stored[week][identifier][:_MINUTE_BYTES] + _GONE
    weeks = {week: known for week, known in wanted.items() if known != dict(stored.get(week, {}))}
    return Comparison(changed, frozenset(missing), weeks)


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


def _beginning(week: str) -> int:
    year, number = week.split("-W")
    return minute_of(datetime.combine(date.fromisocalendar(int(year), int(number), 1), time.min, UTC))


def _start(begins: int, entry: bytes) -> int:
    return begins + int.from_bytes(entry[:_MINUTE_BYTES], "big")
