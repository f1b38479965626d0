"""FHIR R4 (https://hl7.org/fhir/R4/appointment.html), read by date window and provider.

What is read is split into its resources and printed, no more; only entries whose print is not known are decoded. A server
that refuses a question is asked in the other ways of its profile, those first that its CapabilityStatement declares; after an
hour it is asked again as the profile would have it.
"""

import re
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import NamedTuple
from urllib.parse import quote, urlencode, urljoin
from zlib import crc32

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from ..domain.appointments import RecordPatient, ScheduleRow, SetAsideRow
from ..domain.clock_time import minute_of, parse_instant
from ..domain.comparing import NO_PRINT, print_of
from ..domain.feeds import Window
from ..faults import CursorExpired, RequestRefused, SchemaDrift, SourceError, Unavailable
from ..ports import Absence, Capabilities, Changes, Snapshot, SourceProvider, Translated
from .fhir_profiles import PROFILES, FhirProfile, capabilities_of
from .fhir_resources import (
    COPY,
    Bundle,
    Draft,
    Head,
    Patient,
    appointment_of,
    capability_statement_of,
    draft_of,
    found_by,
    head_of,
    outcome_of,
    page_of,
    patient_ids_in,
    patient_in,
    practitioner_of,
    providers_in,
    reason_of,
    record_of,
    replaced_by,
)
from .forgiving_json import UNREADABLE, decoded
from .http import Answer, SourceHttp

MOST_PAGES = 500
MOST_BYTES_OF_A_PULL = 128 * 1024 * 1024
"""All pages together, which a pull keeps: what is larger is no provider's schedule."""
PATIENTS_REFRESHED_MINUTES = 30
"""A record that an answer does not bring along is looked up this often, though the appointment's bytes are the same."""
BETTER_TRIED_AGAIN = timedelta(hours=1)
"""A server that refused the best way to ask may have been mended."""
_PATIENTS_A_TIME = 50
_MOST_MERGES = 5
_ACCEPT = {"Accept": "application/fhir+json"}
_STAMP = re.compile(rb'"lastUpdated"\s*:\s*"[^"]*"')
_NO_COPIES: Mapping[str, bytes] = {}
_NO_HEAD = Head("Appointment")
"""Of an entry that cannot be read: it is set aside as the appointment that was asked for."""


class Question(Struct, frozen=True):
    """A way to ask for a provider's appointments: a search parameter with its form (none: all are read), and whether patients
    are to be included.
    """

    parameter: tuple[str, str] | None
    include: bool


class Learnt(NamedTuple):
    """The way to ask that a server took, and since when it was not asked in a better one (None: this is the best)."""

    question: Question
    since: datetime | None


class _Entry(NamedTuple):
    """An appointment as read: which entry it was, its id if that can be told, its print with those of its copies (one for each
    further provider of the feed), whether its patients came along (and are not merged into others), and whether they are to be
    looked up again.
    """

    number: int
    id: str
    raw: bytes
    print: bytes
    copies: Mapping[str, bytes]
    whole: bool
    due: bool

    def is_new(self, known: Container[bytes]) -> bool:
        """Whether something of it is not known by its print."""
        return self.print not in known or (
            self.copies is not _NO_COPIES and any(one not in known for one in self.copies.values())
        )


class _Included(NamedTuple):
    """A patient as read along, and its print."""

    raw: bytes
    print: bytes


class _Reading(Struct):
    """All resources of a window; of what is on two pages the last. `short`: the server says that there is more."""

    appointments: dict[str, tuple[int, str, bytes]] = field(default_factory=dict)
    patients: dict[str, _Included] = field(default_factory=dict)
    prints: list[bytes] = field(default_factory=list)
    pages: int = 0
    bytes: int = 0
    short: bool = False
    etag: str | None = None


class FhirSource(Struct, frozen=True):
    """Implements ports.ScheduleSource. `to_e164` reads a phone as people of the practice's country write it.

    `interval_minutes` is how often it is pulled, `spoke` in which minute of each interval; `learnt` keeps, by address, the
    question that a server takes.
    """

    http: SourceHttp
    address: str
    to_e164: Callable[[str], str | None]
    now: Callable[[], datetime]
    profile: FhirProfile = PROFILES["generic"]
    interval_minutes: int = 60
    spoke: int = 0
    learnt: dict[str, Learnt] = field(default_factory=dict)

    def capabilities(self) -> Capabilities:
        """What a FHIR R4 server can do for us."""
        return capabilities_of(self.profile)

    def remarks(self) -> list[str]:
        """Where the server's CapabilityStatement and the profile differ; one remark if it has none that can be read."""
        try:
            statement = decoded(capability_statement_of, self.http.get(self._url("metadata", ()), _ACCEPT).body)
        except SourceError:
            statement = None
        if statement is None or statement.resourceType != "CapabilityStatement":
            return ["has no CapabilityStatement that can be read; it is asked as its profile says"]
        declared = statement.declared("Appointment")
        if declared is None:
            return ["does not declare Appointment"]
        names = {one.name for one in declared.searchParam}
        wanted = ["date", *(name for name, _ in self.profile.provider_parameters[:1])]
        remarks = [f"does not declare a search of Appointment by {name}" for name in wanted if name not in names]
        if self.profile.delta and "_lastUpdated" not in names:
            remarks.append("does not declare a search of Appointment by _lastUpdated")
        if self.profile.include_patient and not {"Appointment:patient", "*"} & set(declared.searchInclude):
            remarks.append("does not declare that patients can be included; those that are missing are looked up")
        return remarks

    def list_providers(self) -> list[SourceProvider]:
        """Its practitioners."""
        reading: list[SourceProvider] = []
        for page in self._pages(self._url("Practitioner", [("_count", str(self.profile.page_size))])):
            for raw in _resources(page):
                practitioner = decoded(practitioner_of, raw) if _head(raw).resourceType == "Practitioner" else None
                if practitioner:
                    names = [" ".join([*name.given, name.family or ""]).strip() for name in practitioner.name[:1]]
                    reading.append(SourceProvider(practitioner.id, "".join(names)))
        return reading

    def snapshot(self, provider_external_ids: Sequence[str], window: Window, validator: str | None) -> Snapshot:
        """Every appointment of these practitioners that starts in the window.

        The validator is the ETag of an answer of one page that brought all patients along: a page says nothing of the others,
        nor an answer of records that have to be looked up.
        """
        began = self.now()
        cursor = began.isoformat() if self.profile.delta else ""
        reading = self._read(provider_external_ids, window, validator)
        if reading is None:
            return Snapshot(unchanged=True, validator=validator, cursor=cursor)
        entries = list(self._entries(reading, provider_external_ids))

        def translate(known: Container[bytes]) -> Translated:
            fresh = [entry for entry in entries if entry.due or entry.is_new(known)]
            return self._translated(fresh, reading.patients, provider_external_ids, window)

        return Snapshot(
            translate,
            prints=_prints(entries),
            read=[*(entry.print for entry in entries), *reading.prints],
            validator=reading.etag if reading.pages == 1 and all(entry.whole for entry in entries) else None,
            look_again=any(entry.due for entry in entries),
            short=reading.short,
            cursor=cursor,
        )

    def changes(self, provider_external_ids: Sequence[str], window: Window, cursor: str) -> Changes:
        """What was stamped since an instant. A server that takes no such question says so, or answers with all there is."""
        if not self.profile.delta:
            raise CursorExpired
        began = self.now()
        try:
            reading = self._ask(next(self._questions()), provider_external_ids, window, None, parse_instant(cursor))
        except (RequestRefused, ValueError):
            raise CursorExpired from None
        if reading is None:
            return Changes(began.isoformat())
        if reading.short:
            raise CursorExpired  # what it left out would never be told again
        entries = list(self._entries(reading, provider_external_ids))

        def translate(known: Container[bytes]) -> Translated:
            fresh = [entry for entry in entries if entry.is_new(known)]
            return self._translated(fresh, reading.patients, provider_external_ids, window)

        return Changes(
            began.isoformat(), translate, _prints(entries), [*(entry.print for entry in entries), *reading.prints]
        )

    def acknowledge(self, cursor: str) -> None:
        """Nothing waits to be taken away."""

    def get_appointment(self, external_id: str, provider_external_ids: Sequence[str]) -> ScheduleRow | Absence:
        """One appointment by id; *gone* where the server says so, or that it was entered in error; of a copy also where it is
        no longer with that provider.
        """
        own_id, _, copy_of = external_id.partition(COPY)
        answer = self.http.get(self._url(f"Appointment/{quote(own_id, safe='')}", ()), _ACCEPT, may_be_gone=True)
        if answer.status in (404, 410):
            return Absence.GONE
        found = decoded(appointment_of, answer.body)
        if found is None or found.id != own_id:
            return Absence.UNKNOWN
        try:
            draft = draft_of(found, self.profile, provider_external_ids, anybody=True)
        except ValueError:
            return Absence.UNKNOWN
        if draft is None:
            return Absence.GONE if self.profile.state_of(found.status) is None else Absence.UNKNOWN
        if copy_of:
            return draft.copy(copy_of) if copy_of in draft.others else Absence.GONE
        return draft.row(self._records([draft], {}))

    def get_patients(self, ids: Iterable[str]) -> dict[str, RecordPatient]:
        """Patients by id; of a merged one the record that replaced it."""
        found: dict[str, RecordPatient] = {}
        wanted = {identifier: identifier for identifier in ids}
        for _ in range(_MOST_MERGES):
            replaced: dict[str, str] = {}
            for record in self._patient_records(wanted):
                successor = replaced_by(record)
                for asked in (a for a, now in wanted.items() if now == record.id):
                    if successor and successor not in (asked, record.id):
                        replaced[asked] = successor
                    former = (asked,) if asked != record.id else ()
                    found[asked] = replace(self._record(record), former_ids=former)
            if not replaced:
                break
            wanted = replaced
        return found

    def _patient_records(self, wanted: Mapping[str, str]) -> Iterable[Patient]:
        rest = iter(sorted(set(wanted.values())))
        while batch := list(islice(rest, _PATIENTS_A_TIME)):
            parameters = [("_id", ",".join(batch)), ("_count", str(_PATIENTS_A_TIME))]
            for page in self._pages(self._url("Patient", parameters)):
                for raw in _resources(page):
                    if _head(raw).resourceType == "Patient" and (record := patient_in(raw)):
                        yield record

    def _entries(self, reading: _Reading, providers: Sequence[str]) -> Iterator[_Entry]:
        """The appointments with their prints, which cover the patients that came along."""
        several = len(providers) > 1
        merged = {one for one, found in reading.patients.items() if b"replaced-by" in found.raw}
        for number, identifier, raw in reading.appointments.values():
            named = patient_ids_in(raw)
            parts = [self._bare(raw), *(reading.patients[one].print for one in named if one in reading.patients)]
            elsewhere = [one for one in named if one not in reading.patients or one in merged]
            print_ = print_of(*parts)
            with_them = providers_in(raw, providers)[1:] if several else ()
            copies = {one: print_of(print_, one.encode()) for one in with_them} if with_them else _NO_COPIES
            due = any(map(self._is_due, elsewhere))
            yield _Entry(number, identifier, raw, print_, copies, not elsewhere, due)

    def _is_due(self, patient_id: str) -> bool:
        """Whether it is this patient's turn: once in half an hour, spread over the pulls, and nothing is to be remembered. A pull
        that comes late, but before the next, still has its own turn.
        """
        turn = (minute_of(self.now()) - self.spoke) // self.interval_minutes
        turns = max(1, PATIENTS_REFRESHED_MINUTES // self.interval_minutes)
        return (turn + crc32(patient_id.encode())) % turns == 0

    def _bare(self, raw: bytes) -> bytes:
        return _STAMP.sub(b"", raw) if self.profile.stamps_lie else raw

    def _translated(
        self, entries: Iterable[_Entry], patients: Mapping[str, _Included], providers: Sequence[str], window: Window
    ) -> Translated:
        drafts: dict[str, tuple[Draft, _Entry]] = {}
        set_aside: list[SetAsideRow] = []
        unreadable: set[str] = set()
        gone: set[str] = set()
        for entry in entries:
            try:
                found = appointment_of.decode(entry.raw)
                draft = draft_of(found, self.profile, providers)
            except UNREADABLE as error:
                set_aside.append(SetAsideRow(f"entry {entry.number}", reason_of(error), *found_by(entry.raw)))
                unreadable |= {entry.id} - {""}
                continue
            if self.profile.state_of(found.status) is None:
                gone |= {found.id, *(f"{found.id}{COPY}{one}" for one in entry.copies)}
            elif draft and window.start <= draft.start < window.end:
                drafts[draft.id] = draft, entry
        records = self._records([draft for draft, _ in drafts.values()], patients)
        rows = []
        for draft, entry in drafts.values():
            told = draft.patient_id is None or draft.patient_id in patient_ids_in(entry.raw)
            rows.append((draft.row(records), entry.print if told else NO_PRINT))
            rows += [(draft.copy(one), entry.copies.get(one, NO_PRINT)) for one in draft.others]
        return Translated(rows, set_aside, unreadable, gone)

    def _records(self, drafts: Iterable[Draft], included: Mapping[str, _Included]) -> dict[str, RecordPatient]:
        """The patients of these rows: as included, else (or where merged into another) looked up."""
        records: dict[str, RecordPatient] = {}
        missing = set()
        for identifier in {draft.patient_id for draft in drafts if draft.patient_id}:
            record = patient_in(included[identifier].raw) if identifier in included else None
            if record and not replaced_by(record):
                records[identifier] = self._record(record)
            else:
                missing.add(identifier)
        return records | self.get_patients(missing) if missing else records

    def _record(self, patient: Patient) -> RecordPatient:
        return record_of(patient, self.to_e164, self.now().date().isoformat())

    def _read(self, providers: Sequence[str], window: Window, validator: str | None) -> _Reading | None:
        """All that a window holds; None if the server says that it is the same. Asked in one way after the other."""
        refused: RequestRefused | None = None
        asked: list[Question] = []
        for question in self._questions():
            if question in asked:
                continue
            asked.append(question)
            try:
                reading = self._ask(question, providers, window, validator)
            except RequestRefused as refusal:
                refused = refusal
                continue
            self._learn(question)
            return reading
        raise refused or SchemaDrift("there is no way to ask for a provider")

    def _learn(self, question: Question) -> None:
        known = self.learnt.get(self.address)
        if question == self._best():
            self.learnt[self.address] = Learnt(question, None)
        elif known is None or known.question != question:
            self.learnt[self.address] = Learnt(question, self.now())

    def _is_stale(self, known: Learnt) -> bool:
        return known.since is not None and self.now() - known.since >= BETTER_TRIED_AGAIN

    def _best(self) -> Question:
        ways = self.profile.provider_parameters
        return Question(ways[0] if ways else None, self.profile.include_patient)

    def _questions(self) -> Iterator[Question]:
        """The ways to ask: what is known to work, else what the profile says, else what the server declares, else the rest."""
        known = self.learnt.get(self.address)
        if known and self._is_stale(known):
            self.learnt[self.address] = known._replace(since=self.now())  # whatever comes of it: once an hour
        elif known:
            yield known.question
        yield self._best()
        if known:
            yield known.question
        ways = list(self.profile.provider_parameters)
        declared = self._declared()
        ways.sort(key=lambda way: way[0] not in declared)
        includes = (self.profile.include_patient, False)
        yield from (Question(way, include) for include in includes for way in ways)
        yield from (Question(None, include) for include in includes)

    def _declared(self) -> Collection[str]:
        """The search parameters of Appointment in the server's CapabilityStatement; none where it has none, or a wrong one."""
        try:
            statement = decoded(capability_statement_of, self.http.get(self._url("metadata", ()), _ACCEPT).body)
        except SourceError:
            return ()
        appointment = statement.declared("Appointment") if statement else None
        return {one.name for one in appointment.searchParam} if appointment else ()

    def _ask(
        self,
        question: Question,
        providers: Sequence[str],
        window: Window,
        validator: str | None,
        since: datetime | None = None,
    ) -> _Reading | None:
        reading = _Reading()
        parts = list(_parts(window, self.profile.longest_window_days))
        for start, end in parts:
            parameters = [("date", f"ge{_instant_text(start)}"), ("date", f"lt{_instant_text(end)}")]
            if question.parameter:
                name, form = question.parameter
                parameters.insert(0, (name, ",".join(form.format(one) for one in providers)))
            if since:
                parameters.append(("_lastUpdated", f"ge{_instant_text(since)}"))
            parameters.append(("_count", str(self.profile.page_size)))
            if question.include:
                parameters.append(("_include", "Appointment:patient"))
            url = self._url("Appointment", parameters)
            ask_whether = validator is not None and len(parts) == 1
            first = self.http.get(url, _ACCEPT | ({"If-None-Match": validator} if validator and ask_whether else {}))
            if first.status == 304:
                return None
            reading.etag = first.headers.get("etag")
            self._collect(reading, self._pages(url, first))
        return reading

    def _collect(self, reading: _Reading, pages: Iterable[Bundle]) -> None:
        """All of one search. Its total counts where every page says the same: else pages have shifted, or it is none."""
        number, shown, totals = 0, set[str](), set[int | None]()
        for page in pages:
            reading.pages += 1
            totals.add(page.matches)
            for one in _resources(page):
                raw, number = bytes(one), number + 1
                reading.bytes += len(raw)
                if reading.bytes > MOST_BYTES_OF_A_PULL:
                    raise SchemaDrift("pages beyond all bounds")
                head = _head(raw)
                if head.resourceType == "Appointment":
                    reading.appointments[head.id or f"entry {number}"] = number, head.id, raw
                    shown.add(head.id or f"entry {number}")
                    continue
                if head.resourceType == "OperationOutcome":  # what the server thinks of the question
                    told = decoded(outcome_of, raw)
                    reading.short |= told is None or told.is_error
                    continue
                print_ = print_of(self._bare(raw))
                reading.prints.append(print_)
                if head.resourceType == "Patient":
                    reading.patients[head.id] = _Included(raw, print_)
        total = totals.pop() if len(totals) == 1 else None
        reading.short |= total is not None and total > len(shown)

    def _pages(self, url: str, first: Answer | None = None) -> Iterator[Bundle]:
        """The pages of a search."""
        seen: set[str] = set()
        answer = first or self.http.get(url, _ACCEPT)
        while True:
            bundle = page_of(answer.body)
            if bundle is None or bundle.resourceType != "Bundle":
                raise SchemaDrift("a search did not answer with a Bundle")
            yield bundle
            seen.add(url)
            following = next((link.url for link in bundle.link if link.relation == "next"), None)
            if following is None:
                return
            try:
                url = urljoin(url, following)
            except ValueError:
                raise SchemaDrift("a page points to what is no address") from None
            if url in seen or len(seen) >= MOST_PAGES:
                raise SchemaDrift("pages without an end")
            try:
                answer = self.http.get(url, _ACCEPT)
            except RequestRefused:
                # It took the question: only the page is there no longer.
                raise Unavailable("a page that was pointed to is refused") from None

    def _url(self, kind: str, parameters: Sequence[tuple[str, str]]) -> str:
        query = f"?{urlencode(parameters)}" if parameters else ""
        return f"{self.address.rstrip('/')}/{kind}{query}"


def _prints(entries: Iterable[_Entry]) -> list[bytes]:
    prints = [entry.print for entry in entries]
    for entry in entries:
        if entry.copies is not _NO_COPIES:
            prints += entry.copies.values()
    return prints


def _resources(page: Bundle) -> list[msgspec.Raw]:
    return [entry.resource for entry in page.entry]


def _head(raw: bytes | msgspec.Raw) -> Head:
    return decoded(head_of, raw) or _NO_HEAD


def _parts(window: Window, longest_days: int | None) -> Iterator[tuple[datetime, datetime]]:
    """A window in parts of at most so many days."""
    start, longest = window.start, timedelta(days=longest_days) if longest_days else window.end - window.start
    while start < window.end:
        end = min(start + longest, window.end)
        yield start, end
        start = end


def _instant_text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
