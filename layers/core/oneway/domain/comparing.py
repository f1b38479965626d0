"""Comparing a schedule with what was stored, by content (product section 5).

Two things are kept of each visit. Its *content* is a digest of what the source says about it, never of how it happened to
say it (order, stamps, Bundle ids): only a difference of content is a change. Its *print* is a digest of the bytes that were
read: an entry whose print is known says what it said before, and is not even parsed. Both are kept per ISO week of the start,
so that a small change rewrites a small item.
"""

from collections import Counter
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Set
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from functools import lru_cache
from hashlib import blake2b
from operator import itemgetter
from typing import cast

from msgspec import Struct

from . import identifiers
from .appointments import AppointmentState, ScheduleRow
from .clock_time import minute_of
from .feeds import LOOK_BACK, Window

_MINUTE_BYTES = 2
_DIGEST_BYTES = 6
PRINT_BYTES = 6
_CONTENT_BYTES = _MINUTE_BYTES + _DIGEST_BYTES
ENTRY_BYTES = _CONTENT_BYTES + PRINT_BYTES
_print_in = itemgetter(slice(_CONTENT_BYTES, None))
NO_PRINT = bytes(PRINT_BYTES)
"""Of an entry whose bytes do not tell all that its row says, so that it is parsed every time."""

DigestWeek = Mapping[str, bytes]
"""Appointment id → entry, for what starts in one ISO week (UTC).

An entry is fourteen bytes: the start in minutes after the week's beginning (2), a digest of everything the row says (6), or the
mark of one that is absent, and the print of the bytes that said it (6).
"""


class Mark(Enum):
    """What is known of an appointment that complete pulls do not show. The bytes are stored in place of its digest."""

    SETTLED = bytes(_DIGEST_BYTES)
    """What follows from its absence was done."""
    SUSPECTED = bytes(_DIGEST_BYTES - 1) + b"\x01"
    """One pull did not show it; the next one decides."""
    KEPT = bytes(_DIGEST_BYTES - 1) + b"\x02"
    """Staff say that it stays."""
    KEPT_ALL_THE_SAME = bytes(_DIGEST_BYTES - 1) + b"\x03"
    """Staff say that it stays, though the source had said itself that it is no more."""


_UNSURE = b"\xff" * (_DIGEST_BYTES - 1) + b"\xfe"
"""In place of a digest: nobody knows whether what it said was applied."""
_MARKS = {mark.value: mark for mark in Mark}


class Pulled(Struct, frozen=True):
    """What a pull shows, by appointment id: rows with their entries, and those that stay as they are: the same to the byte as
    before, or there but not to be read.
    """

    rows: Mapping[str, ScheduleRow]
    entries: Mapping[str, bytes]
    same: Collection[str] = frozenset()

    def without(self, identifiers: Container[str]) -> "Pulled":
        """The same without some of the rows."""
        rows = {i: row for i, row in self.rows.items() if i not in identifiers}
        return Pulled(rows, {i: self.entries[i] for i in rows}, self.same)


class Comparison(Struct, frozen=True):
    """What differs from what was stored, by appointment id.

    `changed` are rows to look at (new or changed). `absent_once` are no longer shown by the window and were shown by the
    last pull, `absent_twice` were not shown by that one either; both with their starts (epoch minutes). `known` are the rows
    that the last pull showed as well.
    """

    changed: Mapping[str, ScheduleRow]
    absent_once: Mapping[str, int]
    absent_twice: Mapping[str, int]
    known: Collection[str]

    def with_absent(self, told: Mapping[str, int]) -> "Comparison":
        """The same where a source says itself that these are no more: whatever it shows or does not, they are absent."""
        once = {**self.absent_once, **told}
        return Comparison(self.changed, once, self.absent_twice, [one for one in self.known if one not in told])


def print_of(*parts: bytes) -> bytes:
    """The print of an entry, as read in these parts."""
    return blake2b(b"".join(parts), digest_size=PRINT_BYTES).digest()


def entry_of(row: ScheduleRow, print_: bytes = NO_PRINT) -> bytes:
    """A row's entry in its digest week."""
    patient = row.patient
    who = patient and (
        patient.source_id,
        [(n.given, n.family, n.suffix, str(n.use)) for n in patient.names],
        patient.birth_date and patient.birth_date.isoformat(),
        sorted(patient.phones),
        sorted(patient.emails),
        sorted(patient.former_ids),
    )
    parts = (
        row.external_id, str(row.kind), row.raw_state, str(row.state), row.start.isoformat(), row.end.isoformat(),
        row.zone_certain, row.provider_external_id, row.location_external_id, who, row.series, row.replaces,
        row.replaced_by,
    )  # fmt: skip
    digest = blake2b(repr(parts).encode(), digest_size=_DIGEST_BYTES).digest()
    return _minute_bytes(row.start) + (digest if digest not in _MARKS else b"\xff" * _DIGEST_BYTES) + print_


def feed_digest(prints: Iterable[bytes], *settings: str) -> str:
    """A digest of all that was read, in any order, and of whatever else decides what a pull does with it."""
    digest = blake2b(repr(settings).encode(), digest_size=16)
    for one in sorted(prints):
        digest.update(one)
    return digest.hexdigest()


def known_prints(stored: Mapping[str, DigestWeek]) -> dict[bytes, str]:
    """What the last pull showed: print → appointment id. Of what stands in two weeks nothing is known: a pull was cut while it
    stored a visit that had moved.
    """
    prints: dict[bytes, str] = {}
    for known in stored.values():
        prints.update(zip(map(_print_in, known.values()), known, strict=True))
    prints.pop(NO_PRINT, None)
    if len(set().union(*stored.values())) == sum(map(len, stored.values())):
        return prints
    weeks = Counter(identifier for known in stored.values() for identifier in known)
    return {print_: identifier for print_, identifier in prints.items() if weeks[identifier] == 1}


def same_as_known(prints: Iterable[bytes], known: Mapping[bytes, str]) -> set[str]:
    """The appointment ids of those prints that are known."""
    found: set[str | None] = set(map(known.get, prints))
    found.discard(None)
    return cast(set[str], found)


def week_of(start: datetime) -> str:
    """The ISO week of an instant, "2026-W48"."""
    year, week, _ = start.isocalendar()
    return f"{year}-W{week:02d}"


def compare(pulled: Pulled, stored: Mapping[str, DigestWeek], window: Window, complete: bool) -> Comparison:
    """What a pull shows that differs from the `stored` weeks. Only what starts inside a completely read window can be absent."""
    shown = {*pulled.rows, *pulled.same}
    contents = {i: known[i][:_CONTENT_BYTES] for known in stored.values() for i in known.keys() & pulled.rows.keys()}
    changed = {i: row for i, row in pulled.rows.items() if contents.get(i) != pulled.entries[i][:_CONTENT_BYTES]}
    once: dict[str, int] = {}
    twice: dict[str, int] = {}
    if complete:
        for identifier, start, mark in _absent(shown, stored, window):
            if mark is None:
                once[identifier] = start
            elif mark is Mark.SUSPECTED:
                twice[identifier] = start
    unknown = (i for i in pulled.rows if i not in contents or contents[i][_MINUTE_BYTES:] in _MARKS)
    shown.difference_update(i for i in unknown if i not in pulled.same)
    return Comparison(changed, once, twice, shown)


def suspected(stored: Mapping[str, DigestWeek], window: Window) -> dict[str, int]:
    """What the last pull did not show, with starts: an answer that says "unchanged" does not show it either."""
    return {i: start for i, start, mark in _absent(frozenset(), stored, window) if mark is Mark.SUSPECTED}


def starts_of(stored: Mapping[str, DigestWeek], identifiers: Container[str]) -> dict[str, int]:
    """When these visits start, as last stored (epoch minutes)."""
    return {identifier: start for identifier, start, _ in marks_of(stored, identifiers)}


def marks_of(stored: Mapping[str, DigestWeek], identifiers: Container[str]) -> Iterator[tuple[str, int, Mark | None]]:
    """These visits, as last stored: when they start (epoch minutes), and their mark if they were not shown."""
    return (
        (identifier, _beginning(week) + int.from_bytes(entry[:_MINUTE_BYTES], "big"), _mark(entry))
        for week, known in stored.items()
        for identifier, entry in known.items()
        if identifier in identifiers
    )


def shown_last(stored: Mapping[str, DigestWeek]) -> Iterator[str]:
    """What the last pull showed."""
    return (i for known in stored.values() for i, entry in known.items() if _mark(entry) is None)


def as_applied(
    stored: Mapping[str, DigestWeek], applied: Mapping[str, ScheduleRow], window: Window
) -> dict[str, DigestWeek]:
    """The weeks after a pull that was cut between applying and storing them. A visit of which they say something else than what
    was `applied` is known to be there, and nothing more of it: whatever the next pull shows of it is a change, and if it does not
    show it, it is absent.

    Marks stay, for what they say is looked at anyway; so does all that is the same. But one that was settled and holds its place
    again was shown again by what was cut, and may have vanished since: it is known to be there.
    """
    stored = {week: _not_back(known, applied, window) for week, known in stored.items()}
    weeks = {week: {i: entry for i, entry in known.items() if _mark(entry)} for week, known in stored.items()}
    marked = {identifier for known in weeks.values() for identifier in known}
    for week, known in stored.items():
        for identifier in known.keys() - marked:
            entry, row = known[identifier], applied.get(identifier)
            if row is None:
                weeks[week][identifier] = entry[:_MINUTE_BYTES] + _UNSURE + NO_PRINT
            elif week == week_of(row.start):
                same = entry[:_CONTENT_BYTES] == entry_of(row)[:_CONTENT_BYTES]
                weeks[week][identifier] = entry if same else _minute_bytes(row.start) + _UNSURE + NO_PRINT
    for identifier, row in applied.items():
        week, shown = week_of(row.start), window.start <= row.start < window.end
        if shown and identifier not in marked and identifier not in weeks.get(week, {}):
            weeks.setdefault(week, {})[identifier] = _minute_bytes(row.start) + _UNSURE + NO_PRINT
    return dict(weeks)


def _not_back(known: DigestWeek, applied: Mapping[str, ScheduleRow], window: Window) -> DigestWeek:
    """A week without those that were settled, though what was applied shows them. What was over is left out by many systems."""
    today = datetime.combine(window.day, time.min, UTC)
    return {
        identifier: entry
        for identifier, entry in known.items()
        if _mark(entry) is not Mark.SETTLED
        or not (row := applied.get(identifier))
        or row.state is AppointmentState.CANCELLED
        or row.start < today
    }


def weeks_after(
    pulled: Pulled,
    stored: Mapping[str, DigestWeek],
    window: Window,
    marks: Mapping[str, Mark | None],
    *,
    prints: bool = True,
) -> dict[str, DigestWeek]:
    """The weeks to store once everything is applied: those that differ. Weeks before the last look back are dropped.

    `marks` are of absent ones (None: it is no longer this feed's to watch); others that are absent stay as they were.
    Without `prints`, a week in which nothing but prints differs stays as it is: some servers stamp every answer anew.
    """
    wanted: dict[str, dict[str, bytes]] = {}
    oldest = week_of(datetime.combine(window.day, time.min, UTC) - LOOK_BACK - timedelta(days=1))
    for week, known in stored.items():
        kept = known if week >= oldest else {}
        wanted[week] = {
            identifier: entry if identifier not in marks else entry[:_MINUTE_BYTES] + mark.value + NO_PRINT
            for identifier, entry in kept.items()
            if identifier not in pulled.rows and (mark := marks.get(identifier, Mark.SETTLED))
        }
    for identifier, row in pulled.rows.items():
        wanted.setdefault(week_of(row.start), {})[identifier] = pulled.entries[identifier]
    differs = _differs if prints else _differs_in_content
    return {week: known for week, known in wanted.items() if differs(known, stored.get(week, {}))}


def _differs(after: DigestWeek, before: DigestWeek) -> bool:
    return after != dict(before)


def _differs_in_content(after: DigestWeek, before: DigestWeek) -> bool:
    return after.keys() != before.keys() or any(
        entry[:_CONTENT_BYTES] != before[identifier][:_CONTENT_BYTES] for identifier, entry in after.items()
    )


def _absent(
    shown: Set[str], stored: Mapping[str, DigestWeek], window: Window
) -> Iterator[tuple[str, int, Mark | None]]:
    """What of a window was not shown: mostly nothing, which is quick to say."""
    first, last = minute_of(window.start), minute_of(window.end)
    for week, known in stored.items():
        if known.keys() <= shown:
            continue
        begins = _beginning(week)
        for identifier in known.keys() - shown:
            entry = known[identifier]
            start = begins + int.from_bytes(entry[:_MINUTE_BYTES], "big")
            if first <= start < last:
                yield identifier, start, _mark(entry)


def _mark(entry: bytes) -> Mark | None:
    return _MARKS.get(entry[_MINUTE_BYTES:_CONTENT_BYTES])


def pack_week(week: DigestWeek) -> bytes:
    """A week as bytes: eight of the id, fourteen of the entry, in the order of ids."""
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
