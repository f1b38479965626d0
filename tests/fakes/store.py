"""The store in memory: every repository port and the ledger, with the same conditions as the real one.

`tests/contract/test_store.py` holds it to DynamoDB. Set `before_commit` to act as another writer between a use case's read
and its write.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from msgspec.structs import replace
from oneway.domain.appointments import Appointment, RowKind, SetAsideRow
from oneway.domain.availability import Calendar
from oneway.domain.claims import Claim, Note
from oneway.domain.comparing import DigestWeek
from oneway.domain.errors import NotFound, PracticeNotFound, RequestNotFound, WriteConflict
from oneway.domain.feeds import FeedRef, FeedState, source_of, spoke_of, spokes_due
from oneway.domain.health import SourceHealth
from oneway.domain.messages import MessageRecord
from oneway.domain.notices import Notice
from oneway.domain.occupancy import DayOccupancy, LongBlocks
from oneway.domain.pending import Waiting
from oneway.domain.practice_events import EventPlace, PracticeEvent
from oneway.domain.practices import Practice
from oneway.domain.pull_history import AskedPull
from oneway.domain.requests import PATIENT, Happening, Request, TimelineEntry
from oneway.domain.searching import Look, SearchBy, keys_of_booker, keys_of_patient, keys_of_record
from oneway.domain.suppression import Suppression
from oneway.ports import (
    AppointmentChange,
    AppointmentRemoval,
    AppointmentUnchanged,
    Beside,
    CalendarsRead,
    Change,
    DayChange,
    FeedFile,
    Listed,
    ListedKind,
    LongBlocksChange,
    ProviderDays,
    RequestChange,
    RequestFile,
    Session,
)


@dataclass
class FakeClock:
    """A clock that stands still until it is told otherwise; pauses let it go on."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def pause(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    def advance(self, **amount: float) -> None:
        self.at += timedelta(**amount)


@dataclass
class FakeStore:
    """All that is stored, and counts of what was written."""

    before_commit: Callable[[], None] | None = None
    practices_by_slug: dict[str, Practice] = field(default_factory=dict)
    requests_by_id: dict[tuple[str, str], Request] = field(default_factory=dict)
    entries: dict[tuple[str, str], list[TimelineEntry]] = field(default_factory=dict)
    messages_by_id: dict[tuple[str, str], dict[str, MessageRecord]] = field(default_factory=dict)
    days_by_key: dict[tuple[str, str, date], DayOccupancy] = field(default_factory=dict)
    appointments_by_key: dict[tuple[str, str, str], Appointment] = field(default_factory=dict)
    feeds_by_id: dict[tuple[str, str], FeedState] = field(default_factory=dict)
    health_by_id: dict[tuple[str, str], SourceHealth] = field(default_factory=dict)
    hints_by_id: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    claims: dict[tuple[str, str], Claim] = field(default_factory=dict)
    notes: dict[tuple[str, str], dict[str, Note]] = field(default_factory=dict)
    digest_weeks: dict[tuple[str, str], dict[str, DigestWeek]] = field(default_factory=dict)
    aside: dict[tuple[str, str], list[SetAsideRow]] = field(default_factory=dict)
    asked_pulls: dict[tuple[str, str], AskedPull] = field(default_factory=dict)
    wheel: dict[tuple[int, int], list[FeedRef]] = field(default_factory=dict)
    calendars_by_key: dict[tuple[str, str], Calendar] = field(default_factory=dict)
    blocks_by_key: dict[tuple[str, str], LongBlocks] = field(default_factory=dict)
    waiting: dict[str, set[Waiting]] = field(default_factory=dict)
    practice_events_by_slug: dict[str, dict[str, PracticeEvent]] = field(default_factory=dict)
    looks: list[tuple[str, str, str, str]] = field(default_factory=list)
    sessions_by_id: dict[str, Session] = field(default_factory=dict)
    bundles: int = 1
    logos: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    notices_by_id: dict[tuple[str, str], Notice] = field(default_factory=dict)
    suppressed: dict[tuple[str, str], Suppression] = field(default_factory=dict)
    photos_by_digest: dict[tuple[str, str], bytes] = field(default_factory=dict)
    writes: int = 0

    @property
    def photos(self) -> "FakePhotos":
        return FakePhotos(self)

    @property
    def practices(self) -> "FakePractices":
        return FakePractices(self)

    @property
    def requests(self) -> "FakeRequests":
        return FakeRequests(self)

    @property
    def messages(self) -> "FakeMessages":
        return FakeMessages(self)

    @property
    def notices(self) -> "FakeNotices":
        return FakeNotices(self)

    @property
    def suppressions(self) -> "FakeSuppressions":
        return FakeSuppressions(self)

    @property
    def calendar(self) -> "FakeCalendar":
        return FakeCalendar(self)

    @property
    def appointments(self) -> "FakeAppointments":
        return FakeAppointments(self)

    @property
    def visits(self) -> "FakeVisits":
        return FakeVisits(self)

    @property
    def feeds(self) -> "FakeFeeds":
        return FakeFeeds(self)

    @property
    def ledger(self) -> "FakeLedger":
        return FakeLedger(self)

    @property
    def pending(self) -> "FakePending":
        return FakePending(self)

    @property
    def practice_events(self) -> "FakePracticeEvents":
        return FakePracticeEvents(self)

    @property
    def audit(self) -> "FakeAudit":
        return FakeAudit(self)

    @property
    def sessions(self) -> "FakeSessions":
        return FakeSessions(self)


@dataclass
class FakeLedger:
    store: FakeStore

    def commit(self, changes: Sequence[Change]) -> None:
        hook, self.store.before_commit = self.store.before_commit, None
        if hook:
            hook()
        lost = [index for index, change in enumerate(changes) if not self._holds(change)]
        if lost:
            raise WriteConflict(lost)
        for change in changes:
            self.store.writes += not isinstance(change, AppointmentUnchanged)
            self._write(change)

    def _holds(self, change: Change) -> bool:
        match change:
            case RequestChange(transition):
                after, before = transition.after, transition.before
                stored = self.store.requests_by_id.get((after.practice, after.id))
                return _written(stored) == _written(before)
            case DayChange(before, after):
                day = self.store.days_by_key.get((after.practice, after.provider_id, after.day))
                return (day.version if day else 0) == before.version
            case AppointmentChange(before, after):
                key = (after.practice, before.provider_id if before else after.provider_id, after.id)
                found = self.store.appointments_by_key.get(key)
                return (found.version if found else 0) == (before.version if before else 0)
            case AppointmentRemoval(gone):
                found = self.store.appointments_by_key.get((gone.practice, gone.provider_id, gone.id))
                return bool(found) and found.version == gone.version
            case AppointmentUnchanged(same):
                found = self.store.appointments_by_key.get((same.practice, same.provider_id, same.id))
                return bool(found) and found.version == same.version
            case LongBlocksChange(before, after):
                blocks = self.store.blocks_by_key.get((after.practice, after.provider_id))
                return (blocks.version if blocks else 0) == before.version

    def _write(self, change: Change) -> None:
        match change:
            case RequestChange(transition):
                after = transition.after
                self.store.requests_by_id[after.practice, after.id] = after
                if transition.before:
                    self.store.entries.setdefault((after.practice, after.id), []).append(transition.entry)
            case DayChange(before, after):
                key = after.practice, after.provider_id, after.day
                self.store.days_by_key[key] = replace(after, version=before.version + 1)
            case AppointmentChange(before, after):
                if before:
                    del self.store.appointments_by_key[after.practice, before.provider_id, before.id]
                self.store.appointments_by_key[after.practice, after.provider_id, after.id] = after
            case AppointmentRemoval(gone):
                del self.store.appointments_by_key[gone.practice, gone.provider_id, gone.id]
            case LongBlocksChange(before, after):
                blocks = replace(after, version=before.version + 1)
                self.store.blocks_by_key[after.practice, after.provider_id] = blocks


def _written(request: Request | None) -> tuple[int, int]:
    return (request.version, request.settled) if request else (0, 0)


@dataclass
class FakePractices:
    store: FakeStore

    def get(self, slug: str) -> Practice:
        if slug not in self.store.practices_by_slug:
            raise PracticeNotFound
        calendars, blocks = self.store.calendars_by_key, self.store.blocks_by_key
        return replace(
            self.store.practices_by_slug[slug],
            calendars={provider_id: one for (practice, provider_id), one in calendars.items() if practice == slug},
            long_blocks={
                provider_id: one.blocks for (practice, provider_id), one in blocks.items() if practice == slug
            },
        )

    def read(self, slug: str) -> Practice:
        return self.get(slug)

    def change(self, before: Practice, after: Practice, events: Sequence[PracticeEvent]) -> None:
        hook, self.store.before_commit = self.store.before_commit, None
        if hook:
            hook()
        if self.store.practices_by_slug[before.slug].version != before.version:
            raise WriteConflict
        self.store.writes += 1 + len(events)
        self._put(after)
        for event in events:
            self.store.practice_events.add(before.slug, event)

    def _put(self, practice: Practice) -> None:
        new, stored = replace(practice, calendars={}, long_blocks={}), self.store.practices_by_slug.get(practice.slug)
        version = stored.version if stored else 0
        self.store.practices_by_slug[practice.slug] = replace(new, version=version + (new != stored))

    def save(self, practice: Practice, seen: int | None = None, events: Sequence[PracticeEvent] = ()) -> None:
        stored = self.store.practices_by_slug.get(practice.slug)
        if seen is not None and seen != (stored.version if stored else 0):
            raise WriteConflict
        self._put(practice)
        for event in events:
            self.store.practice_events.add(practice.slug, event)
        for stored in (self.store.calendars_by_key, self.store.blocks_by_key):
            for slug, provider_id in list(stored):
                if slug == practice.slug and provider_id and provider_id not in practice.providers:
                    del stored[slug, provider_id]  # type: ignore[attr-defined]

    def slugs(self) -> list[str]:
        return sorted(self.store.practices_by_slug)

    def practices_of(self, email: str) -> list[str]:
        return [slug for slug, practice in sorted(self.store.practices_by_slug.items()) if email in practice.staff]

    def logo(self, slug: str) -> tuple[str, bytes] | None:
        return self.store.logos.get(slug)

    def save_logo(self, slug: str, logo: tuple[str, bytes] | None) -> None:
        self.store.logos.pop(slug, None)
        if logo:
            self.store.logos[slug] = logo


@dataclass
class FakePhotos:
    store: FakeStore

    def get(self, practice: str, digest: str) -> bytes:
        if (practice, digest) not in self.store.photos_by_digest:
            raise NotFound
        return self.store.photos_by_digest[practice, digest]

    def replace(self, practice: str, photos: Mapping[str, bytes]) -> None:
        for key in [key for key in self.store.photos_by_digest if key[0] == practice]:
            del self.store.photos_by_digest[key]
        self.store.photos_by_digest.update({(practice, digest): photo for digest, photo in photos.items()})


@dataclass
class FakeRequests:
    store: FakeStore

    def get(self, practice: str, request_id: str) -> Request:
        if (practice, request_id) not in self.store.requests_by_id:
            raise RequestNotFound
        return self.store.requests_by_id[practice, request_id]

    def get_many(self, practice: str, request_ids: Iterable[str]) -> list[Request]:
        keys = [(practice, request_id) for request_id in dict.fromkeys(request_ids)]
        return [self.store.requests_by_id[key] for key in keys if key in self.store.requests_by_id]

    def timeline(self, practice: str, request_id: str) -> list[TimelineEntry]:
        asked = TimelineEntry(1, self.get(practice, request_id).created_at, PATIENT, Happening.ASKED)
        return [asked, *self.store.entries.get((practice, request_id), [])]

    def to_act(self, practice: str, before: datetime | None = None) -> list[Request]:
        waiting = [r for r in self.store.requests_by_id.values() if r.practice == practice and r.to_act]
        if before:
            waiting = [r for r in waiting if r.listed_at < before]
        return sorted(waiting, key=lambda r: (r.listed_at, r.id))

    def closed(self, practice: str, first: datetime, last: datetime) -> list[Request]:
        over = [r for r in self.store.requests_by_id.values() if r.practice == practice and r.closed and not r.moving]
        return sorted((r for r in over if first <= r.listed_at <= last), key=lambda r: (r.listed_at, r.id))

    def called_off(self, practice: str, after: datetime) -> list[Request]:
        found = [r for r in self.store.requests_by_id.values() if r.practice == practice and r.may_be_anew]
        return [r for r in found if r.start and r.start > after and not r.to_act]

    def hint(self, practice: str, request_id: str, appointments: Iterable[tuple[str, str]]) -> None:
        kept = self.store.hints_by_id.setdefault((practice, request_id), {})
        kept.update({appointment_id: provider_id for provider_id, appointment_id in appointments})

    def hints(self, practice: str, request_id: str) -> list[tuple[str, str]]:
        kept = self.store.hints_by_id.get((practice, request_id), {})
        return [(provider_id, appointment_id) for appointment_id, provider_id in sorted(kept.items())]

    def file(self, practice: str, request_id: str) -> RequestFile:
        request = self.get(practice, request_id)
        return RequestFile(
            request,
            self.timeline(practice, request_id),
            self.store.messages.list(practice, request_id),
            self.store.claims.get((practice, request_id)),
            sorted(self.store.notes.get((practice, request_id), {}).values(), key=lambda note: note.at),
            self.hints(practice, request_id),
        )

    def beside(self, practice: str, request_ids: Iterable[str]) -> dict[str, Beside]:
        found = {
            one: Beside(self.store.claims.get((practice, one)), tuple(self.hints(practice, one))) for one in request_ids
        }
        return {one: beside for one, beside in found.items() if beside != Beside()}

    def claim(self, practice: str, request_id: str, before: Claim | None, after: Claim | None) -> None:
        hook, self.store.before_commit = self.store.before_commit, None
        if hook:
            hook()
        if self.store.claims.get((practice, request_id)) != before:
            raise WriteConflict
        if after:
            self.store.claims[practice, request_id] = after
        else:
            self.store.claims.pop((practice, request_id), None)

    def add_note(self, practice: str, request_id: str, note_id: str, note: Note) -> None:
        self.store.notes.setdefault((practice, request_id), {}).setdefault(note_id, note)

    def unsent(self, before: datetime) -> list[tuple[str, str]]:
        found = [(r.unsent_since, r.practice, r.id) for r in self.store.requests_by_id.values() if r.unsent_since]
        found += [(n.due_at, n.practice, n.name) for n in self.store.notices_by_id.values() if not n.sent_at]
        return [(practice, subject) for since, practice, subject in sorted(found) if since < before]

    def to_look_at(self, before: datetime) -> list[tuple[str, str]]:
        requests = self.store.requests_by_id.values()
        found = [(r.looked_at, r.practice, r.id) for r in requests if r.looked_at and not r.unsent_since]
        return [(practice, subject) for at, practice, subject in sorted(found) if at < before]


@dataclass
class FakeNotices:
    store: FakeStore

    def add(self, notice: Notice) -> bool:
        key = notice.practice, notice.id
        if key in self.store.notices_by_id:
            return False
        self.store.notices_by_id[key] = notice
        return True

    def get(self, practice: str, notice_id: str) -> Notice | None:
        return self.store.notices_by_id.get((practice, notice_id))

    def done(self, notice: Notice, at: datetime) -> None:
        key = notice.practice, notice.id
        if self.store.notices_by_id.get(key) == notice:
            self.store.notices_by_id[key] = replace(notice, sent_at=at)


@dataclass
class FakeSuppressions:
    store: FakeStore

    def get(self, practice: str, mark: str) -> Suppression | None:
        return self.store.suppressed.get((practice, mark))

    def add(self, practice: str, suppression: Suppression) -> None:
        self.store.suppressed.setdefault((practice, suppression.mark), suppression)

    def remove(self, practice: str, mark: str, event: PracticeEvent | None = None) -> None:
        if self.store.suppressed.pop((practice, mark), None) and event:
            self.store.practice_events.add(practice, event)

    def of_practice(self, practice: str) -> list[Suppression]:
        return [one for (slug, _), one in sorted(self.store.suppressed.items()) if slug == practice]

    def among(self, practice: str, marks: Sequence[str]) -> list[Suppression]:
        return [found for mark in marks if (found := self.get(practice, mark))]


@dataclass
class FakeMessages:
    store: FakeStore

    def list(self, practice: str, request_id: str) -> list[MessageRecord]:
        return [one for _, one in sorted(self.store.messages_by_id.get((practice, request_id), {}).items())]

    def claim(
        self, practice: str, request_id: str, before: MessageRecord | None, claimed: MessageRecord
    ) -> MessageRecord:
        stored = self.store.messages_by_id.setdefault((practice, request_id), {})
        now = stored.get(claimed.id)
        if (now and now.version) != (before and before.version):
            raise WriteConflict
        after = stored[claimed.id] = replace(claimed, version=(before.version if before else 0) + 1)
        return after

    def mark(self, practice: str, request_id: str, claimed: MessageRecord, done: MessageRecord) -> MessageRecord:
        return self.claim(practice, request_id, claimed, done)

    def settle(self, request: Request, after: Request) -> Request | None:
        key = request.practice, request.id
        if _written(self.store.requests_by_id.get(key)) != _written(request):
            return None
        settled = self.store.requests_by_id[key] = replace(after, settled=request.settled + 1)
        return settled


@dataclass
class FakeCalendar:
    store: FakeStore

    def days(self, practice: str, provider_id: str, zone: str, first: date, last: date) -> dict[date, DayOccupancy]:
        stored, days = self.store.days_by_key, [first + timedelta(days=n) for n in range((last - first).days + 1)]
        return {
            day: stored.get((practice, provider_id, day)) or DayOccupancy(practice, provider_id, zone, day)
            for day in days
        }

    def read(self, practice: str, days: Iterable[tuple[str, str, date]]) -> dict[tuple[str, date], DayOccupancy]:
        return {(provider, day): self._day(practice, provider, zone, day) for provider, zone, day in days}

    def stored_days(self, practice: str, provider_id: str, zone: str) -> list[DayOccupancy]:
        days = self.store.days_by_key.items()
        return [one for key, one in sorted(days) if key[:2] == (practice, provider_id)]

    def read_provider(self, practice: str, provider_id: str, zone: str, days: Iterable[date]) -> ProviderDays:
        own, ours = self.get(practice, provider_id).availability, self.get(practice, "").availability
        return ProviderDays(
            {day: self._day(practice, provider_id, zone, day) for day in days},
            own.closed_also_by(ours),
            self.long_blocks(practice, provider_id).blocks,
        )

    def read_calendars(
        self, practice: str, providers: Iterable[tuple[str, str]], days: Iterable[date]
    ) -> CalendarsRead:
        chosen, wanted = list(providers), list(days)
        return CalendarsRead(
            {(one, day): self._day(practice, one, zone, day) for one, zone in chosen for day in wanted},
            {one: self.get(practice, one) for one in (*(one for one, _ in chosen), "")},
            {one: self.long_blocks(practice, one).blocks for one, _ in chosen},
        )

    def get(self, practice: str, provider_id: str) -> Calendar:
        return self.store.calendars_by_key.get((practice, provider_id), Calendar())

    def save(self, practice: str, provider_id: str, after: Calendar, event: PracticeEvent | None = None) -> None:
        hook, self.store.before_commit = self.store.before_commit, None
        if hook:
            hook()
        if self.get(practice, provider_id).version != after.version - 1:
            raise WriteConflict
        self.store.writes += 1
        self.store.calendars_by_key[practice, provider_id] = after
        if event:
            self.store.practice_events.add(practice, event)

    def long_blocks(self, practice: str, provider_id: str) -> LongBlocks:
        return self.store.blocks_by_key.get((practice, provider_id), LongBlocks(practice, provider_id))

    def _day(self, practice: str, provider_id: str, zone: str, day: date) -> DayOccupancy:
        empty = DayOccupancy(practice, provider_id, zone, day)
        return self.store.days_by_key.get((practice, provider_id, day), empty)


@dataclass
class FakeAppointments:
    store: FakeStore

    def get_many(self, practice: str, wanted: Iterable[tuple[str, str]]) -> dict[str, Appointment]:
        keys = [(practice, provider_id, identifier) for provider_id, identifier in wanted]
        return {key[2]: self.store.appointments_by_key[key] for key in keys if key in self.store.appointments_by_key}

    def born(
        self,
        practice: str,
        days: Iterable[date],
        first: datetime,
        last: datetime,
        also: Iterable[tuple[str, str]] = (),
        known_as: Iterable[str] = (),
    ) -> list[Appointment]:
        wanted, named = {*days, *known_as}, {(practice, *one) for one in also}
        return [
            one
            for key, one in self.store.appointments_by_key.items()
            if key in named
            or (
                (one.practice == practice and first <= one.start <= last)
                and (one.row.patient and (one.row.patient.birth_date or one.row.patient.source_id) in wanted)
            )
        ]

    def of_provider(self, practice: str, provider_id: str) -> list[Appointment]:
        found = sorted(self.store.appointments_by_key.items())
        return [one for key, one in found if key[:2] == (practice, provider_id)]


@dataclass
class FakeVisits:
    store: FakeStore

    def between(self, practice: str, first: datetime, last: datetime) -> list[Listed]:
        first, last = (at.replace(second=0, microsecond=0) for at in (first, last))
        found = [one for one, _ in self._all(practice) if one.start and first <= one.start < last]
        return sorted(found, key=lambda one: (one.start, one.provider_id, one.id))

    def found(self, practice: str, look: Look) -> tuple[list[Listed], bool]:
        keyed = [(keys.get(look.by, ""), one) for one, keys in self._all(practice)]
        begins = sorted((one for one in keyed if one[0].startswith(look.prefix)), key=lambda one: one[0])
        return [one for key, one in begins[:1000] if look.takes(key)], len(begins) < 1000

    def load(self, practice: str, listed: Iterable[Listed]) -> list[Request | Appointment]:
        found: list[Request | Appointment | None] = [
            self.store.requests_by_id.get((practice, one.id))
            if one.kind is ListedKind.REQUEST
            else self.store.appointments_by_key.get((practice, one.provider_id, one.id))
            for one in listed
        ]
        return [one for one in found if one]

    def _all(self, practice: str) -> Iterator[tuple[Listed, Mapping[SearchBy, str]]]:
        for request in (one for one in self.store.requests_by_id.values() if one.practice == practice):
            at, state = request.stands_at, request.shown_state
            at = at and at.replace(second=0, microsecond=0)
            provider = request.provider_id if at else ""
            listed = Listed(ListedKind.REQUEST, request.id, provider, at, state if at else "")
            yield listed, keys_of_patient(request.patient)
            if request.booker:
                yield Listed(ListedKind.REQUEST, request.id, "", None), keys_of_booker(request.booker)
        for one in (one for one in self.store.appointments_by_key.values() if one.practice == practice):
            if one.row.kind is RowKind.APPOINTMENT:
                at = one.start.replace(second=0, microsecond=0)
                yield (
                    Listed(ListedKind.APPOINTMENT, one.id, one.provider_id, at, one.state),
                    keys_of_record(one.row.patient),
                )


@dataclass
class FakePracticeEvents:
    store: FakeStore

    def add(self, practice: str, event: PracticeEvent) -> None:
        self.store.practice_events_by_slug.setdefault(practice, {})[event.id] = event

    def latest(self, practice: str, count: int, before: EventPlace | None = None) -> list[PracticeEvent]:
        known = self.store.practice_events_by_slug.get(practice, {}).values()
        found = [one for one in known if before is None or one.place < before]
        return sorted(found, key=lambda one: one.place, reverse=True)[:count]


@dataclass
class FakePending:
    store: FakeStore

    def add(self, practice: str, mark: Waiting) -> list[Waiting]:
        self.store.waiting.setdefault(practice, set()).add(mark)
        return list(self.store.waiting[practice])

    def remove(self, practice: str, marks: Iterable[Waiting]) -> None:
        self.store.waiting.setdefault(practice, set()).difference_update(marks)


@dataclass
class FakeFeeds:
    store: FakeStore

    def get(self, practice: str, feed_id: str) -> FeedState | None:
        return self.store.feeds_by_id.get((practice, feed_id))

    def save(self, before: FeedState, after: FeedState, event: PracticeEvent | None = None) -> None:
        key = after.settings.practice, after.settings.feed_id
        stored = self.store.feeds_by_id.get(key)
        if (stored.version if stored else 0) != before.version:
            raise WriteConflict
        self.store.writes += 1
        self.store.feeds_by_id[key] = replace(after, version=before.version + 1)
        if event:
            self.store.practice_events.add(after.settings.practice, event)

    def states(self, practice: str, feed_ids: Iterable[str]) -> dict[str, FeedState]:
        found = {one: self.get(practice, one) for one in feed_ids}
        return {one: state for one, state in found.items() if state}

    def files(self, practice: str, feed_ids: Iterable[str]) -> dict[str, FeedFile]:
        keys = {feed_id: (practice, feed_id) for feed_id in feed_ids}
        return {
            feed_id: FeedFile(
                self.store.feeds_by_id[key], tuple(self.store.aside.get(key, ())), self.store.asked_pulls.get(key)
            )
            for feed_id, key in keys.items()
            if key in self.store.feeds_by_id
        }

    def save_asked(self, practice: str, feed_id: str, pull: AskedPull) -> None:
        self.store.asked_pulls[practice, feed_id] = pull

    def digests(self, practice: str, feed_id: str) -> dict[str, DigestWeek]:
        return dict(self.store.digest_weeks.get((practice, feed_id), {}))

    def save_digests(self, practice: str, feed_id: str, weeks: Mapping[str, DigestWeek]) -> None:
        self.store.writes += len(weeks)
        stored = self.store.digest_weeks.setdefault((practice, feed_id), {})
        for week, entries in weeks.items():
            if entries:
                stored[week] = dict(entries)
            else:
                stored.pop(week, None)

    def set_aside(self, practice: str, feed_id: str, rows: Sequence[SetAsideRow]) -> None:
        self.store.writes += 1
        self.store.aside[practice, feed_id] = list(rows[:100])

    def of_practice(self, practice: str) -> list[FeedState]:
        return [state for (slug, _), state in sorted(self.store.feeds_by_id.items()) if slug == practice]

    def health(self, practice: str, source_id: str) -> SourceHealth:
        return self.store.health_by_id.get((practice, source_id), SourceHealth(practice, source_id))

    def save_health(self, before: SourceHealth, after: SourceHealth) -> None:
        if self.health(after.practice, after.source_id).version != before.version:
            raise WriteConflict
        self.store.writes += 1
        self.store.health_by_id[after.practice, after.source_id] = replace(after, version=before.version + 1)

    def put_on_wheel(self, ref: FeedRef, interval_minutes: int | None) -> None:
        for refs in self.store.wheel.values():
            refs[:] = [one for one in refs if (one.practice, one.feed_id) != (ref.practice, ref.feed_id)]
        if interval_minutes:
            spoke = interval_minutes, spoke_of(ref.practice, ref.feed_id, interval_minutes)
            self.store.wheel.setdefault(spoke, []).append(ref)

    def bundles(self) -> int:
        return self.store.bundles

    def save_bundles(self, bundles: int) -> None:
        self.store.writes += 1
        self.store.bundles = bundles

    def due(self, minute: int) -> list[FeedRef]:
        return [ref for spoke in spokes_due(minute) for ref in self.store.wheel.get(spoke, [])]

    def remove(self, practice: str, feed_id: str) -> None:
        self.put_on_wheel(FeedRef(practice, feed_id, ""), None)
        for stored in (self.store.feeds_by_id, self.store.digest_weeks, self.store.aside, self.store.asked_pulls):
            stored.pop((practice, feed_id), None)  # type: ignore[attr-defined]
        if source_of(feed_id) not in {source_of(other) for slug, other in self.store.feeds_by_id if slug == practice}:
            self.store.health_by_id.pop((practice, source_of(feed_id)), None)


@dataclass
class FakeAudit:
    store: FakeStore

    def record(self, practice: str, person: str, action: str, subject: str, at: datetime) -> None:
        self.store.looks.append((practice, person, action, subject))


@dataclass
class FakeSessions:
    store: FakeStore

    def get(self, session_id: str, now: datetime) -> Session | None:
        session = self.store.sessions_by_id.get(session_id)
        return session if session and session.expires_at > now else None

    def save(self, session: Session) -> None:
        self.store.sessions_by_id[session.id] = session

    def delete(self, session_id: str) -> None:
        self.store.sessions_by_id.pop(session_id, None)
