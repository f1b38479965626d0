"""The outside world in memory: a scheduling system, a mail service, queues."""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from oneway.domain.appointments import RecordPatient, ScheduleRow, SetAsideRow
from oneway.domain.comparing import print_of
from oneway.domain.feeds import FeedRef, FeedState, Window
from oneway.faults import CursorExpired, MailError, SourceError
from oneway.ports import Absence, Capabilities, Changes, Mailer, Snapshot, SourceProvider, Translate, Translated


@dataclass
class FakeSource:
    """A schedule that tests change as staff would; `fault` makes the next pulls fail.

    With a `delta` of "token" or "queue" it tells what changed: cursors are numbers of changes, and `tombstones` say what was
    deleted. `stale` tells again what it told before, in any order; `expired` cursors are taken by nobody.
    """

    rows: dict[str, ScheduleRow] = field(default_factory=dict)
    set_aside: list[SetAsideRow] = field(default_factory=list)
    complete: bool = True
    short: bool = False
    """Whether it says itself that there is more than it shows."""
    short_back: bool = False
    """Whether it does so of a long window alone."""
    fault: SourceError | None = None
    pulls: int = 0
    translated: int = 0
    """How many rows were translated, of all pulls."""
    read_by_id: bool = True
    hidden: set[str] = field(default_factory=set)
    """Visits that a window does not show, though they are there."""
    spoilt: set[str] = field(default_factory=set)
    """Visits that are shown, and cannot be read."""
    blind: bool = False
    """Whether nothing at all is found by id."""
    faults: dict[str, SourceError] = field(default_factory=dict)
    """Visits on which it fails, read by id."""
    delta: str = "none"
    tombstones: bool = False
    expired: bool = False
    stale: set[str] = field(default_factory=set)
    buried: set[str] = field(default_factory=set)
    """Visits of which tombstones are shown in every answer, whether they are there or not."""
    log: list[str] = field(default_factory=list)
    deltas: int = 0
    left: list[str] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)

    def __call__(self, state: FeedState, deadline: datetime | None = None) -> "FakeSource":
        return self

    def leave(self, lane: str, until: datetime) -> None:
        self.left.append(lane)

    def enter(self, *rows: ScheduleRow) -> None:
        for row in rows:
            self.rows[row.external_id] = row
            self.log.append(row.external_id)

    def delete(self, external_id: str) -> None:
        del self.rows[external_id]
        self.log.append(external_id)

    def capabilities(self) -> Capabilities:
        tombstones = "token" if self.tombstones else "none"
        return Capabilities(self.delta, tombstones, conditional_get=True, read_by_id=self.read_by_id)

    def remarks(self) -> list[str]:
        return []

    def list_providers(self) -> list[SourceProvider]:
        return [SourceProvider(one, one) for one in sorted({row.provider_external_id for row in self.rows.values()})]

    def snapshot(self, provider_external_ids: Sequence[str], window: Window, validator: str | None) -> Snapshot:
        self.pulls += 1
        if self.fault:
            raise self.fault
        rows = [
            row
            for row in self.rows.values()
            if row.provider_external_id in provider_external_ids
            and window.start <= row.start < window.end
            and row.external_id not in self.hidden
        ]
        cursor = str(len(self.log)) if self.delta != "none" else ""
        now = sha256(repr((sorted(map(repr, rows)), sorted(self.spoilt), sorted(self.buried))).encode()).hexdigest()
        short = self.short or (self.short_back and window.end - window.start > timedelta(days=120))
        if validator == now and not short:
            return Snapshot(unchanged=True, validator=now, cursor=cursor)
        translate, prints, read = self._read(rows, self.set_aside, self.buried)
        return Snapshot(translate, prints, read, self.complete, validator=now, cursor=cursor, short=short)

    def changes(self, provider_external_ids: Sequence[str], window: Window, cursor: str) -> Changes:
        self.deltas += 1
        if self.fault:
            raise self.fault
        if self.delta == "none" or self.expired:
            raise CursorExpired
        named = {*self.log[int(cursor) :], *self.stale}
        rows = [
            row
            for row in self.rows.values()
            if row.external_id in named and row.provider_external_id in provider_external_ids
        ]  # wherever they start: it tells more than it is asked for
        gone = {one for one in named if one not in self.rows} if self.tombstones else set()
        return Changes(str(len(self.log)), *self._read(rows, (), gone | self.buried))

    def acknowledge(self, cursor: str) -> None:
        self.acknowledged.append(cursor)

    def _read(
        self, rows: Sequence[ScheduleRow], set_aside: Sequence[SetAsideRow], gone: Collection[str]
    ) -> tuple[Translate, Sequence[bytes], Sequence[bytes]]:
        spoilt = [row for row in rows if row.external_id in self.spoilt]
        printed = [(row, print_of(repr((row, row in spoilt)).encode())) for row in rows]

        def translate(known: Container[bytes]) -> Translated:
            fresh = [(row, print_) for row, print_ in printed if print_ not in known and row not in spoilt]
            self.translated += len(fresh)
            bad = [SetAsideRow("entry", "cannot be read") for _ in spoilt]
            return Translated(fresh, (*set_aside, *bad), [row.external_id for row in spoilt], gone)

        prints = [print_ for _, print_ in printed]
        return translate, prints, [*prints, *(print_of(repr(one).encode()) for one in (*set_aside, *sorted(gone)))]

    def get_appointment(self, external_id: str, provider_external_ids: Sequence[str]) -> ScheduleRow | Absence:
        if self.fault:
            raise self.fault
        if external_id in self.faults:
            raise self.faults[external_id]
        found = None if self.blind else self.rows.get(external_id)
        return found or Absence.GONE

    def get_patients(self, ids: Iterable[str]) -> dict[str, RecordPatient]:
        patients = (row.patient for row in self.rows.values() if row.patient)
        return {one.source_id: one for one in patients if one.source_id in set(ids)}


@dataclass
class FakeMailer:
    """Keeps what it was given; `fault` makes the next sends fail."""

    sent: list[tuple[bytes, str, tuple[str, ...], Mapping[str, str]]] = field(default_factory=list)
    fault: MailError | None = None

    def send(self, mime: bytes, sender: str, recipients: Sequence[str], tags: Mapping[str, str]) -> str:
        if self.fault:
            raise self.fault
        self.sent.append((mime, sender, tuple(recipients), tags))
        return f"mail-{len(self.sent)}"


@dataclass
class FakeSyncQueue:
    """Keeps what was enqueued; the same feed and minute once."""

    waiting: dict[tuple[str, str, int], FeedRef] = field(default_factory=dict)
    asked: dict[tuple[str, str, str], FeedRef] = field(default_factory=dict)
    broken: dict[tuple[str, str, str], FeedRef] = field(default_factory=dict)
    bundles: list[int] = field(default_factory=list)

    def send(self, refs: Sequence[FeedRef], minute: int, bundles: int) -> None:
        self.bundles.append(bundles)
        for ref in refs:
            self.waiting[ref.practice, ref.feed_id, minute] = ref

    def ask(self, refs: Sequence[FeedRef], minute: int, word: str, bundles: int) -> None:
        for ref in refs:
            self.asked[ref.practice, ref.feed_id, word] = ref

    def put_back(self, ref: FeedRef, minute: int, word: str, group: str, *, left_off: int | None = None) -> None:
        self.asked[ref.practice, ref.feed_id, word] = ref

    def alone(self, ref: FeedRef, minute: int, word: str, *, asked: bool, left_off: int | None = None) -> None:
        self.broken[ref.practice, ref.feed_id, word] = ref


@dataclass
class FakeMessageQueue:
    """Keeps what was enqueued; the same request and word once."""

    waiting: dict[tuple[str, str, str], None] = field(default_factory=dict)

    def send(self, requests: Sequence[tuple[str, str, str]]) -> None:
        for one in requests:
            self.waiting[one] = None


@dataclass
class PartlyAway:
    """A mail service that takes no mail to staff, or to patients."""

    inner: Mailer
    to_staff: MailError | None = None
    to_patients: MailError | None = None

    def send(self, mime: bytes, sender: str, recipients: Sequence[str], tags: Mapping[str, str]) -> str:
        fault = self.to_staff if str(tags["message"]).endswith("_staff") else self.to_patients
        if fault:
            raise fault
        return self.inner.send(mime, sender, recipients, tags)
