"""What the use cases need from the outside world. Adapters: `store`, `sources`, `mail`; fakes: `tests/fakes`."""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from typing import NamedTuple, Protocol

from msgspec import Struct

from .domain.appointments import Appointment, RecordPatient, ScheduleRow, SetAsideRow
from .domain.availability import Availability, Calendar
from .domain.claims import Claim, Note
from .domain.comparing import DigestWeek
from .domain.feeds import FeedRef, FeedState, Window
from .domain.health import SourceHealth
from .domain.messages import DueMessage, MessageRecord
from .domain.notices import Notice
from .domain.occupancy import DayOccupancy, LongBlocks, Occupant
from .domain.pending import Waiting
from .domain.practice_events import EventPlace, PracticeEvent
from .domain.practices import Practice, Source
from .domain.pull_history import AskedPull
from .domain.requests import Request, TimelineEntry, Transition
from .domain.searching import Look
from .domain.suppression import Suppression


class Clock(Protocol):
    """The time, and the only way to let it pass."""

    def now(self) -> datetime:
        """The current instant (UTC)."""

    def pause(self, seconds: float) -> None:
        """Wait; used between bounded retries only."""


# What one transaction may hold. Each is conditional on what was read, by version.


class RequestChange(Struct, frozen=True):
    """Write a transition's request and its timeline entry, if the stored version is the one before it (or none)."""

    transition: Transition


class DayChange(Struct, frozen=True):
    """Write a day's occupants, if the stored version is `before.version`; the stored version then rises by one."""

    before: DayOccupancy
    after: DayOccupancy


class AppointmentChange(Struct, frozen=True):
    """Write an appointment, if the stored version is `before.version` (or nothing is stored, if None)."""

    before: Appointment | None
    after: Appointment


class AppointmentRemoval(Struct, frozen=True):
    """Delete an appointment, if the stored version is this one's."""

    appointment: Appointment


class AppointmentUnchanged(Struct, frozen=True):
    """Write nothing, but only if the stored version is this one's: something was decided by it."""

    appointment: Appointment


class LongBlocksChange(Struct, frozen=True):
    """Write a provider's long blocks, if the stored version is `before.version`; the stored version then rises by one."""

    before: LongBlocks
    after: LongBlocks


Change = RequestChange | DayChange | AppointmentChange | AppointmentRemoval | AppointmentUnchanged | LongBlocksChange


class Ledger(Protocol):
    """The one way in which requests, days and appointments change: all of the changes, or none."""

    def commit(self, changes: Sequence[Change]) -> None:
        """Write all changes in one transaction (at most 90 items).

        Raises WriteConflict with the indexes of the changes whose condition failed, StoreUnavailable when the outcome is
        unknown after bounded retries.
        """


class PracticeRepository(Protocol):
    """Practices with all that belongs to them."""

    def get(self, slug: str) -> Practice:
        """A practice, at most 30 s old; an hour, while the store gives no answer. Raises PracticeNotFound."""

    def read(self, slug: str) -> Practice:
        """A practice as it is now, read consistently. Raises PracticeNotFound."""

    def save(self, practice: Practice, seen: int | None = None, events: Sequence[PracticeEvent] = ()) -> None:
        """Create or replace a practice, its providers, sources and staff; what is no longer there is removed. With entries
        that tell of it. Raises WriteConflict, if its version is no longer the one that was `seen`.
        """

    def change(self, before: Practice, after: Practice, events: Sequence[PracticeEvent]) -> None:
        """Write what differs of a practice's own settings and its providers, with the entries that tell of it, in one
        transaction, if the stored version is `before.version`. Raises WriteConflict.
        """

    def slugs(self) -> list[str]:
        """All practices' slugs."""

    def practices_of(self, email: str) -> list[str]:
        """Slugs of the practices in which somebody is staff."""

    def logo(self, slug: str) -> tuple[str, bytes] | None:
        """The kind ("png", "jpeg") and the bytes of a practice's logo; None if it has none."""

    def save_logo(self, slug: str, logo: tuple[str, bytes] | None) -> None:
        """Replace a practice's logo, or take it away."""


class Beside(Struct, frozen=True):
    """What stands beside a request: who is on it, and (provider id, appointment id) of what may be its answer."""

    claim: Claim | None = None
    hints: Sequence[tuple[str, str]] = ()


class RequestFile(Struct, frozen=True):
    """All that is kept of a request: its timeline (*asked* included), messages, who is on it, notes, oldest first, and hints."""

    request: Request
    timeline: Sequence[TimelineEntry]
    messages: Sequence[MessageRecord]
    claim: Claim | None = None
    notes: Sequence[Note] = ()
    hints: Sequence[tuple[str, str]] = ()


class PhotoRepository(Protocol):
    """Photos of a practice's providers (WebP), by the digest of their content."""

    def get(self, practice: str, digest: str) -> bytes:
        """A photo. Raises NotFound."""

    def replace(self, practice: str, photos: Mapping[str, bytes]) -> None:
        """Keep these, by digest, and no others."""


class RequestRepository(Protocol):
    """Requests, read consistently."""

    def get(self, practice: str, request_id: str) -> Request:
        """A request. Raises RequestNotFound."""

    def get_many(self, practice: str, request_ids: Iterable[str]) -> list[Request]:
        """The requests of these ids that exist."""

    def timeline(self, practice: str, request_id: str) -> list[TimelineEntry]:
        """A request's timeline, oldest first, *asked* included. Raises RequestNotFound."""

    def to_act(self, practice: str, before: datetime | None = None) -> list[Request]:
        """Requests in Action required by `listed_at` (from the index, perhaps a moment old); with `before`, earlier ones only."""

    def closed(self, practice: str, first: datetime, last: datetime) -> list[Request]:
        """Requests that ended without a visit and are listed in [first, last] (from the index)."""

    def called_off(self, practice: str, after: datetime) -> list[Request]:
        """Requests, none in Action required, whose visit was to come after an instant and is cancelled (from the index)."""

    def hint(self, practice: str, request_id: str, appointments: Iterable[tuple[str, str]]) -> None:
        """Keep (provider id, appointment id) of appointments that may be a request's answer. Idempotent."""

    def hints(self, practice: str, request_id: str) -> list[tuple[str, str]]:
        """What was kept by `hint`."""

    def file(self, practice: str, request_id: str) -> RequestFile:
        """All that is kept of a request, in one consistent query. Raises RequestNotFound."""

    def beside(self, practice: str, request_ids: Iterable[str]) -> dict[str, Beside]:
        """What stands beside these requests, of those with something."""

    def claim(self, practice: str, request_id: str, before: Claim | None, after: Claim | None) -> None:
        """Write who is on a request (None: nobody), if what is stored is `before`. Raises WriteConflict."""

    def add_note(self, practice: str, request_id: str, note_id: str, note: Note) -> None:
        """Append an internal note to a request, unless one of this id is there."""

    def unsent(self, before: datetime) -> list[tuple[str, str]]:
        """(practice, subject) of what has mail due since before an instant, over all practices: a request's id, or a notice's
        name (domain/notices.py).
        """

    def to_look_at(self, before: datetime) -> list[tuple[str, str]]:
        """(practice, subject) of what the clock looks at before an instant: requests that wait."""


class MessageRepository(Protocol):
    """The state of messages. Claiming and marking are conditional, so that each is sent once in effect."""

    def list(self, practice: str, request_id: str) -> list[MessageRecord]:
        """The messages of a request, oldest first."""

    def claim(
        self, practice: str, request_id: str, before: MessageRecord | None, claimed: MessageRecord
    ) -> MessageRecord:
        """Write a claim, if what is stored is still of the version of `before`; as it is then stored. Raises WriteConflict."""

    def mark(self, practice: str, request_id: str, claimed: MessageRecord, done: MessageRecord) -> MessageRecord:
        """Replace our claim by its outcome; as it is then stored. Raises WriteConflict if the claim is no longer ours."""

    def settle(self, request: Request, after: Request) -> Request | None:
        """Replace a request by one that differs in what is due; as it is then stored, with `settled` raised, so that a change
        that read before meets a conflict. None, and nothing is written, if it is no longer as it was read.
        """


class NoticeRepository(Protocol):
    """Mail to staff that is not of one request. Whoever comes second changes nothing."""

    def add(self, notice: Notice) -> bool:
        """Store a notice that is due, unless there is one of its id; whether there was none."""

    def get(self, practice: str, notice_id: str) -> Notice | None:
        """A notice."""

    def done(self, notice: Notice, at: datetime) -> None:
        """A notice needs no more mail: it was sent, or is not to be."""


class SuppressionRepository(Protocol):
    """Addresses that get no mail of a practice, by their marks (domain/suppression.py)."""

    def get(self, practice: str, mark: str) -> Suppression | None:
        """Why an address gets no mail; None if it does."""

    def add(self, practice: str, suppression: Suppression) -> None:
        """Stop mail to an address; the first reason stays."""

    def remove(self, practice: str, mark: str, event: PracticeEvent | None = None) -> None:
        """Let an address have mail again, with an entry that tells of it if it had none until now. Idempotent."""

    def of_practice(self, practice: str) -> list[Suppression]:
        """All addresses of a practice that get no mail."""

    def among(self, practice: str, marks: Sequence[str]) -> list[Suppression]:
        """Those of some addresses that get no mail."""


class ProviderDays(Struct, frozen=True):
    """Some days of a provider, and what opens or closes them: availability with the practice's closures, long blocks."""

    days: Mapping[date, DayOccupancy]
    availability: Availability
    long_blocks: Sequence[Occupant]


class CalendarsRead(Struct, frozen=True):
    """Some days of some providers, keyed by (provider id, day); their calendars by id, the practice's own under ""; their
    long blocks by id.
    """

    days: Mapping[tuple[str, date], DayOccupancy]
    calendars: Mapping[str, Calendar]
    long_blocks: Mapping[str, Sequence[Occupant]]


class CalendarRepository(Protocol):
    """Occupancy by provider and local day, and when providers can be booked. What is not stored comes back empty, with
    version 0.
    """

    def days(self, practice: str, provider_id: str, zone: str, first: date, last: date) -> dict[date, DayOccupancy]:
        """The days of [first, last], in one query, perhaps a moment old."""

    def read(self, practice: str, days: Iterable[tuple[str, str, date]]) -> dict[tuple[str, date], DayOccupancy]:
        """Single days of (provider id, zone, day), read consistently; keyed by (provider id, day)."""

    def stored_days(self, practice: str, provider_id: str, zone: str) -> list[DayOccupancy]:
        """Every day of a provider that is stored, perhaps a moment old."""

    def read_provider(self, practice: str, provider_id: str, zone: str, days: Iterable[date]) -> ProviderDays:
        """A provider's days and all else that opens or closes them, read consistently."""

    def get(self, practice: str, provider_id: str) -> Calendar:
        """When a provider can be booked; of no provider (""), the practice's closures. Read consistently."""

    def save(self, practice: str, provider_id: str, after: Calendar, event: PracticeEvent | None = None) -> None:
        """Write a calendar, if the stored version is the one before its own, and with it the entry that tells of it.

        Raises WriteConflict.
        """

    def read_calendars(
        self, practice: str, providers: Iterable[tuple[str, str]], days: Iterable[date]
    ) -> CalendarsRead:
        """Days and calendars of providers (id, zone) and the practice's closures, in one consistent read."""

    def long_blocks(self, practice: str, provider_id: str) -> LongBlocks:
        """A provider's long blocks, read consistently."""


class PracticeEventRepository(Protocol):
    """The timeline of a practice: what staff changed in calendars and settings."""

    def add(self, practice: str, event: PracticeEvent) -> None:
        """Write an entry; written again, it is the same. Raises StoreUnavailable."""

    def latest(self, practice: str, count: int, before: EventPlace | None = None) -> list[PracticeEvent]:
        """The latest entries, or those before a place, newest first (perhaps a moment old)."""


class PendingRepository(Protocol):
    """Marks of the requests that wait for an answer."""

    def add(self, practice: str, mark: Waiting) -> list[Waiting]:
        """Add a mark; all that stand there then. Of two at the same time, one sees the other."""

    def remove(self, practice: str, marks: Iterable[Waiting]) -> None:
        """Take marks away; those that are not there stay away."""


class AppointmentRepository(Protocol):
    """Imported appointments and blocks, read consistently."""

    def get_many(self, practice: str, keys: Iterable[tuple[str, str]]) -> dict[str, Appointment]:
        """Appointments of (provider id, appointment id), those that exist, by appointment id."""

    def of_provider(self, practice: str, provider_id: str) -> list[Appointment]:
        """All that is known of a provider's schedule."""

    def born(
        self,
        practice: str,
        days: Iterable[date],
        first: datetime,
        last: datetime,
        also: Iterable[tuple[str, str]] = (),
        known_as: Iterable[str] = (),
    ) -> list[Appointment]:
        """Appointments in [first, last] of patients with one of these birth dates or, without one, with one of these ids in
        their source: found in the index, and read consistently together with those of `also` (provider id, appointment id).
        """


class FeedFile(Struct, frozen=True):
    """What is known of a feed, but for the schedule itself: its state, set-aside rows, the last pull that staff asked for."""

    state: FeedState
    aside: Sequence[SetAsideRow] = ()
    asked: AskedPull | None = None


class ListedKind(Enum):
    """What stands in a list of visits."""

    REQUEST = "request"
    APPOINTMENT = "appointment"


class Listed(NamedTuple):
    """What an index says of a visit, asked for or imported. `start` and `state` ("": not said) are those that are shown."""

    kind: ListedKind
    id: str
    provider_id: str
    start: datetime | None
    state: str = ""


class VisitRepository(Protocol):
    """Visits, asked for or imported, as lists and searches find them; a linked request is listed as its visit."""

    def between(self, practice: str, first: datetime, last: datetime) -> list[Listed]:
        """What starts in [first, last), to the minute, by start (from an index, so perhaps a moment old)."""

    def found(self, practice: str, look: Look) -> tuple[list[Listed], bool]:
        """What a look finds (from an index), linked requests beside their visits; and whether that is all: of very much only the
        first thousand are looked at.
        """

    def load(self, practice: str, listed: Iterable[Listed]) -> list[Request | Appointment]:
        """The visits themselves, those that exist, read consistently, in the order of the list."""


class FeedRepository(Protocol):
    """Feeds, their state, digests and set-aside rows, and the wheel."""

    def get(self, practice: str, feed_id: str) -> FeedState | None:
        """A feed's state (perhaps a moment old)."""

    def states(self, practice: str, feed_ids: Iterable[str]) -> dict[str, FeedState]:
        """The states of these feeds, those that exist, in one read (perhaps a moment old)."""

    def save(self, before: FeedState, after: FeedState, event: PracticeEvent | None = None) -> None:
        """Write a feed's state, if the stored version is `before.version` (0: nothing stored), and with it an entry of the
        practice's timeline. Raises WriteConflict.
        """

    def files(self, practice: str, feed_ids: Iterable[str]) -> dict[str, FeedFile]:
        """What is known of these feeds, those that exist, in one consistent read."""

    def save_asked(self, practice: str, feed_id: str, pull: AskedPull) -> None:
        """Write how far the last pull is that staff asked for; the last to write stands."""

    def digests(self, practice: str, feed_id: str) -> dict[str, DigestWeek]:
        """All stored digests of a feed, by ISO week ("2026-W48")."""

    def save_digests(self, practice: str, feed_id: str, weeks: Mapping[str, DigestWeek]) -> None:
        """Replace these weeks; an empty one is removed."""

    def set_aside(self, practice: str, feed_id: str, rows: Sequence[SetAsideRow]) -> None:
        """Replace the feed's set-aside rows (the first hundred are kept)."""

    def of_practice(self, practice: str) -> list[FeedState]:
        """All feeds of a practice, each read consistently."""

    def health(self, practice: str, source_id: str) -> SourceHealth:
        """How a source is, read consistently; well, of one that never broke."""

    def save_health(self, before: SourceHealth, after: SourceHealth) -> None:
        """Write how a source is, if the stored version is `before.version`. Raises WriteConflict."""

    def put_on_wheel(self, ref: FeedRef, interval_minutes: int | None) -> None:
        """Enter a feed in its spoke and take it off all others (None: off all). Idempotent."""

    def bundles(self) -> int:
        """Into how many bundles the pulls of a minute go, read consistently; 1 at first."""

    def save_bundles(self, bundles: int) -> None:
        """Write into how many."""

    def due(self, minute: int) -> list[FeedRef]:
        """The feeds whose spoke comes up in an epoch minute."""

    def remove(self, practice: str, feed_id: str) -> None:
        """Take a feed off the wheel and delete its state, digests and set-aside rows; of its last feed the source's health."""


class AuditRepository(Protocol):
    """Who looked at whose data; written before the page is shown, kept six years."""

    def record(self, practice: str, person: str, action: str, subject: str, at: datetime) -> None:
        """Append one record. Raises StoreUnavailable: then nothing is shown."""


class Session(Struct, frozen=True):
    """A signed-in staff member; `id` is known to the browser alone, the store keeps its hash."""

    id: str
    email: str
    csrf: str
    expires_at: datetime


class SessionRepository(Protocol):
    """Server-side sessions."""

    def get(self, session_id: str, now: datetime) -> Session | None:
        """A session that has not expired."""

    def save(self, session: Session) -> None:
        """Store a new session."""

    def delete(self, session_id: str) -> None:
        """End a session."""


class Translated(Struct, frozen=True):
    """Rows with the prints of the bytes that said them (NO_PRINT: they do not tell all), and what could not be read: with
    `unreadable`, the source's ids of those that are there all the same. `gone`: its ids of those that it says are no more
    (tombstones); where it also shows one of them, that counts.
    """

    rows: Sequence[tuple[ScheduleRow, bytes]] = ()
    set_aside: Sequence[SetAsideRow] = ()
    unreadable: Collection[str] = ()
    gone: Collection[str] = ()


class Translate(Protocol):
    """Translates what was read, but for what is known."""

    def __call__(self, known: Container[bytes]) -> Translated:
        """The rows of all entries whose print is not among `known`. Raises `faults.SourceError`."""


def nothing_read(known: Container[bytes]) -> Translated:
    """Of a source that said "unchanged" there is nothing to translate."""
    return Translated()


class Snapshot(Struct, frozen=True):
    """One complete or incomplete reading of a feed's window, translated only as far as it is asked for.

    `unchanged`: the source said so, nothing was read. `prints` are those of the entries that may be rows, `read` those of all
    that was read. `look_again`: of some entries it is time to look up the patient anew, though their bytes are the same.
    `short`: it says itself that there is more than it shows.
    `cursor`: the changes after this reading began can be asked for from there ("": they cannot).
    """

    translate: Translate = nothing_read
    prints: Collection[bytes] = ()
    read: Sequence[bytes] = ()
    complete: bool = True
    validator: str | None = None
    unchanged: bool = False
    look_again: bool = False
    short: bool = False
    cursor: str = ""


class Changes(Struct, frozen=True):
    """What changed since a cursor, and the cursor to go on from; what it does not name is as it was, or nobody said.

    It may name what had changed before, and what did not change at all. `prints` and `read` as in a Snapshot.
    """

    cursor: str
    translate: Translate = nothing_read
    prints: Collection[bytes] = ()
    read: Sequence[bytes] = ()


class Capabilities(Struct, frozen=True):
    """What a kind of source can do (sources.md, *The contract of a source*); grows with the kinds.

    `delta`: "none", or what a cursor is: "timestamp" (an instant, ISO 8601), "token", "queue" (what was acknowledged is not told
    again).
    `tombstones`: "none", or how it says that a visit is no more: by a "flag" of the row, an "endpoint", or with the "token".
    """

    delta: str = "none"
    tombstones: str = "none"
    filters: frozenset[str] = frozenset(("provider", "date"))
    patient: str = "included"
    time: str = "offset"
    conditional_get: bool = False
    read_by_id: bool = False
    split_booking: bool = True
    longest_window_days: int | None = None
    page_size: int | None = None


class SourceProvider(Struct, frozen=True):
    """A provider as the source lists it."""

    external_id: str
    name: str


class Absence(Enum):
    """What a source says of an appointment that it was asked for by id and did not show."""

    GONE = "gone"
    UNKNOWN = "unknown"


class ScheduleSource(Protocol):
    """One scheduling system, read only. Every method raises `faults.SourceError` when it cannot answer."""

    def capabilities(self) -> Capabilities:
        """What it can do."""

    def remarks(self) -> list[str]:
        """What an operator should know of this system before relying on it, as ends of a sentence that it begins."""

    def list_providers(self) -> list[SourceProvider]:
        """Its providers."""

    def snapshot(self, provider_external_ids: Sequence[str], window: Window, validator: str | None) -> Snapshot:
        """All that is of these providers and starts in the window, read but not yet translated."""

    def changes(self, provider_external_ids: Sequence[str], window: Window, cursor: str) -> Changes:
        """What changed since a cursor, of these providers and starting in the window, at least.

        Raises CursorExpired, also where it never gave one: all has to be read.
        """

    def acknowledge(self, cursor: str) -> None:
        """What lies before this cursor is stored, and need not come again."""

    def get_appointment(self, external_id: str, provider_external_ids: Sequence[str]) -> ScheduleRow | Absence:
        """One appointment by the source's id; with one of these providers, if it names one of them."""

    def get_patients(self, ids: Iterable[str]) -> dict[str, RecordPatient]:
        """Patients by the source's id; those that exist."""


class SourceFactory(Protocol):
    """Opens the source of a feed."""

    def __call__(self, state: FeedState, deadline: datetime | None = None) -> ScheduleSource:
        """A source with its credentials; after the deadline it begins no request."""

    def leave(self, lane: str, until: datetime) -> None:
        """A worker is done with a lane for now. Another may go on at once: what the account allows is waited out before, but not
        beyond `until`.
        """


class CapabilitiesOf(Protocol):
    """What a kind of source can do, known without opening it."""

    def __call__(self, source: Source) -> Capabilities:
        """The capabilities of a source of this kind and profile."""


class PublicHolidays(Protocol):
    """The public holidays of countries."""

    def __call__(self, country: str, region: str, years: Iterable[int]) -> Sequence[tuple[date, str]]:
        """Days and names, by day; none for a country that is not known."""


class Letter(Struct, frozen=True):
    """A message as its reader will see it, in text."""

    subject: str
    text: str


class LetterWriter(Protocol):
    """Writes a message as it will be sent, without its private link."""

    def __call__(self, due: DueMessage, practice: Practice, request: Request) -> Letter:
        """The message."""


class Mailer(Protocol):
    """Sends a whole MIME message."""

    def send(self, mime: bytes, sender: str, recipients: Sequence[str], tags: Mapping[str, str]) -> str:
        """Hand a message to the mail service; its id there. Raises faults.MailError."""


class SyncQueue(Protocol):
    """Where due pulls wait, in bundles: those of a lane are in one, which one worker has at a time."""

    def send(self, refs: Sequence[FeedRef], minute: int, bundles: int) -> None:
        """Enqueue pulls that are due in an epoch minute; the same minute twice is once."""

    def ask(self, refs: Sequence[FeedRef], minute: int, word: str, bundles: int) -> None:
        """Enqueue pulls that somebody waits for, whatever else is due; the same `word` twice is once."""

    def put_back(self, ref: FeedRef, minute: int, word: str, group: str, *, left_off: int | None = None) -> None:
        """Enqueue a pull that somebody waits for once more, in the group that it came in; the same `word` twice is once. There is
        no time for it since the minute `left_off`.
        """

    def alone(self, ref: FeedRef, minute: int, word: str, *, asked: bool, left_off: int | None = None) -> None:
        """Enqueue one pull that broke beside others, where it keeps nobody waiting; the same `word` twice is once."""


class MessageQueue(Protocol):
    """Where requests and notices with due messages wait."""

    def send(self, requests: Sequence[tuple[str, str, str]]) -> None:
        """Enqueue (practice, subject, deduplication word)."""


class MailAside(Protocol):
    """Where events of the mail service wait that nobody knows."""

    def keep(self, event: str, why: str) -> None:
        """Keep an event as it came, with why nothing came of it: a word."""
