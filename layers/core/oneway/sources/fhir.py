"""FHIR R4 (https://hl7.org/fhir/R4/appointment.html), read by date window and practitioner.

Only the fields that matter are decoded, by msgspec. Each entry is decoded on its own, so that one bad row is set aside
and the rest go on.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import TypeVar
from urllib.parse import quote, urlencode, urljoin

import msgspec

from ..domain.appointments import (
    AppointmentState,
    NameUse,
    PersonName,
    RecordPatient,
    RowKind,
    ScheduleRow,
    SetAsideRow,
)
from ..domain.feeds import Window
from ..faults import SchemaDrift
from ..ports import Absence, Capabilities, Snapshot, SourceProvider
from .http import Answer, SourceHttp

MOST_PAGES = 500
_PATIENTS_A_TIME = 50
_MOST_MERGES = 5
_ACCEPT = {"Accept": "application/fhir+json"}

STATES: Mapping[str, AppointmentState | None] = {
    "proposed": AppointmentState.TENTATIVE,
    "pending": AppointmentState.TENTATIVE,
    "waitlist": AppointmentState.TENTATIVE,
    "booked": AppointmentState.BOOKED,
    "arrived": AppointmentState.ARRIVED,
    "checked-in": AppointmentState.ARRIVED,
    "fulfilled": AppointmentState.COMPLETED,
    "noshow": AppointmentState.NO_SHOW,
    "cancelled": AppointmentState.CANCELLED,
    "entered-in-error": None,
}
"""AppointmentStatus (R4) → canonical state; None: the row was never meant, which is as if it were not there."""

_NAME_USES = {"old": NameUse.OLD, "maiden": NameUse.OLD, "nickname": NameUse.NICKNAME, "anonymous": NameUse.NICKNAME}
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class _Reference(msgspec.Struct):
    reference: str | None = None


class _Participant(msgspec.Struct):
    actor: _Reference | None = None


class _Appointment(msgspec.Struct):
    id: str
    status: str
    start: str | None = None
    end: str | None = None
    minutesDuration: int | None = None
    participant: list[_Participant] = []


class _Name(msgspec.Struct):
    use: str | None = None
    family: str | None = None
    given: list[str] = []
    suffix: list[str] = []


class _Period(msgspec.Struct):
    end: str | None = None


class _Telecom(msgspec.Struct):
    system: str | None = None
    value: str | None = None
    use: str | None = None
    period: _Period | None = None


class _Contact(msgspec.Struct):
    telecom: list[_Telecom] = []


class _PatientLink(msgspec.Struct):
    other: _Reference
    type: str


class _Patient(msgspec.Struct):
    id: str
    name: list[_Name] = []
    birthDate: str | None = None
    telecom: list[_Telecom] = []
    contact: list[_Contact] = []
    link: list[_PatientLink] = []


class _Practitioner(msgspec.Struct):
    id: str
    name: list[_Name] = []


class _Kind(msgspec.Struct):
    resourceType: str


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw()


class _PageLink(msgspec.Struct):
    relation: str
    url: str


class _Bundle(msgspec.Struct):
    resourceType: str
    entry: list[_Entry] = []
    link: list[_PageLink] = []


_bundle = msgspec.json.Decoder(_Bundle)
_kind = msgspec.json.Decoder(_Kind)
_appointment = msgspec.json.Decoder(_Appointment)
_patient = msgspec.json.Decoder(_Patient)
_practitioner = msgspec.json.Decoder(_Practitioner)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FhirProfile:
    """What differs between FHIR servers."""

    include_patient: bool = True
    page_size: int = 200
    split_booking: bool = True
    read_by_id: bool = True


PROFILES = {"generic": FhirProfile()}


def capabilities_of(profile: FhirProfile) -> Capabilities:
    """What a FHIR R4 server of a profile can do for us."""
    return Capabilities(
        filters=frozenset(("provider", "date")),
        patient="included" if profile.include_patient else "by_id",
        time="offset",
        conditional_get=True,
        read_by_id=profile.read_by_id,
        split_booking=profile.split_booking,
    )


@dataclass(frozen=True, slots=True)
class FhirSource:
    """Implements ports.ScheduleSource. `to_e164` reads a phone as people of the practice's country write it."""

    http: SourceHttp
    address: str
    to_e164: Callable[[str], str | None]
    now: Callable[[], datetime]
    profile: FhirProfile = PROFILES["generic"]

    def capabilities(self) -> Capabilities:
        """What a FHIR R4 server can do for us."""
        return capabilities_of(self.profile)

    def list_providers(self) -> list[SourceProvider]:
        """Its practitioners."""
        resources, _ = self._pages(self._url("Practitioner", [("_count", str(self.profile.page_size))]))
        found: list[SourceProvider] = []
        for kind, raw in resources:
            practitioner = _decoded(_practitioner, raw) if kind == "Practitioner" else None
            if practitioner:
                name = practitioner.name[0] if practitioner.name else _Name()
                found.append(SourceProvider(practitioner.id, " ".join([*name.given, name.family or ""]).strip()))
        return found

    def snapshot(self, provider_external_ids: Sequence[str], window: Window, validator: str | None) -> Snapshot:
        """Every appointment of these practitioners that starts in the window.

        The validator is the ETag of an answer of one page; longer answers have none, since a page says nothing of the
        others.
        """
        parameters = [
            ("actor", ",".join(f"Practitioner/{one}" for one in provider_external_ids)),
            ("date", f"ge{_instant_text(window.start)}"),
            ("date", f"lt{_instant_text(window.end)}"),
            ("_count", str(self.profile.page_size)),
        ]
        if self.profile.include_patient:
            parameters.append(("_include", "Appointment:patient"))
        url = self._url("Appointment", parameters)
        first = self.http.get(url, _ACCEPT | ({"If-None-Match": validator} if validator else {}))
        if first.status == 304:
            return Snapshot(unchanged=True, validator=validator)
        resources, pages = self._pages(url, first)
        etag = first.headers.get("etag") if pages == 1 else None
        rows, set_aside = self._rows(resources, provider_external_ids, window)
        return Snapshot(tuple(rows), tuple(set_aside), complete=True, validator=etag)

    def get_appointment(self, external_id: str, provider_external_ids: Sequence[str]) -> ScheduleRow | Absence:
        """One appointment by id; *gone* where the server says so, or that it was entered in error."""
        answer = self.http.get(self._url(f"Appointment/{quote(external_id, safe='')}", ()), _ACCEPT, may_be_gone=True)
        if answer.status in (404, 410):
            return Absence.GONE
        found = _decoded(_appointment, answer.body)
        if found is None or found.id != external_id:
            return Absence.UNKNOWN
        try:
            draft = _draft(found, provider_external_ids, anybody=True)
        except ValueError:
            return Absence.UNKNOWN
        if draft is None:
            return Absence.GONE if STATES.get(found.status, Absence) is None else Absence.UNKNOWN
        return draft.row(self._records([draft], {}))

    def get_patients(self, ids: Iterable[str]) -> dict[str, RecordPatient]:
        """Patients by id; of a merged one the record that replaced it."""
        found: dict[str, RecordPatient] = {}
        wanted = {identifier: identifier for identifier in ids}
        for _ in range(_MOST_MERGES):
            replaced: dict[str, str] = {}
            for record in self._patient_records(wanted):
                successor = _replaced_by(record)
                for asked in (a for a, now in wanted.items() if now == record.id):
                    if successor and successor not in wanted.values():
                        replaced[asked] = successor
                    found[asked] = self._record(record)
            if not replaced:
                break
            wanted = replaced
        return found

    def _patient_records(self, wanted: Mapping[str, str]) -> Iterable[_Patient]:
        rest = iter(sorted(set(wanted.values())))
        while batch := list(islice(rest, _PATIENTS_A_TIME)):
            parameters = [("_id", ",".join(batch)), ("_count", str(_PATIENTS_A_TIME))]
            resources, _ = self._pages(self._url("Patient", parameters))
            for kind, raw in resources:
                if kind == "Patient" and (record := _decoded(_patient, raw)):
                    yield record

    def _rows(
        self, resources: Iterable[tuple[str, msgspec.Raw]], providers: Sequence[str], window: Window
    ) -> tuple[list[ScheduleRow], list[SetAsideRow]]:
        drafts: dict[str, _Draft] = {}
        set_aside: list[SetAsideRow] = []
        patients: dict[str, _Patient] = {}
        for number, (kind, raw) in enumerate(resources, 1):
            if kind == "Patient":
                if record := _decoded(_patient, raw):
                    patients[record.id] = record
            elif kind == "Appointment":
                try:
                    draft = _draft(_appointment.decode(raw), providers)
                except (msgspec.MsgspecError, ValueError) as error:
                    set_aside.append(SetAsideRow(f"entry {number}", _reason(error)))
                    continue
                if draft and window.start <= draft.start < window.end:
                    drafts[draft.id] = draft
        records = self._records(drafts.values(), patients)
        return [draft.row(records) for draft in drafts.values()], set_aside

    def _records(self, drafts: Iterable["_Draft"], included: Mapping[str, _Patient]) -> dict[str, RecordPatient]:
        """The patients of these rows: as included, else (or where merged into another) looked up."""
        wanted = {draft.patient_id for draft in drafts if draft.patient_id}
        records = {i: self._record(included[i]) for i in wanted if i in included and not _replaced_by(included[i])}
        missing = wanted - records.keys()
        return records | self.get_patients(missing) if missing else records

    def _record(self, patient: _Patient) -> RecordPatient:
        today = self.now().date().isoformat()
        telecoms = [*patient.telecom, *(one for contact in patient.contact for one in contact.telecom)]
        current = [one for one in telecoms if one.value and one.use != "old" and not _ended(one.period, today)]
        phones = [self.to_e164(one.value or "") for one in current if one.system in ("phone", "sms", None)]
        emails = [one.value or "" for one in current if one.system == "email"]
        return RecordPatient(
            patient.id,
            tuple(
                PersonName(
                    tuple(name.given),
                    name.family or "",
                    " ".join(name.suffix),
                    _NAME_USES.get(name.use or "", NameUse.CURRENT),
                )
                for name in patient.name
            ),
            _birth_date(patient.birthDate),
            tuple(dict.fromkeys(phone for phone in phones if phone)),
            tuple(dict.fromkeys(emails)),
        )

    def _pages(self, url: str, first: Answer | None = None) -> tuple[list[tuple[str, msgspec.Raw]], int]:
        """All resources of a search with their kinds, and of how many pages."""
        resources: list[tuple[str, msgspec.Raw]] = []
        seen: set[str] = set()
        answer = first or self.http.get(url, _ACCEPT)
        while True:
            bundle = _decoded(_bundle, answer.body)
            if bundle is None or bundle.resourceType != "Bundle":
                raise SchemaDrift("a search did not answer with a Bundle")
            for entry in bundle.entry:
                kind = _decoded(_kind, entry.resource)
                resources.append((kind.resourceType if kind else "Appointment", entry.resource))
            seen.add(url)
            following = next((link.url for link in bundle.link if link.relation == "next"), None)
            if following is None:
                return resources, len(seen)
            url = urljoin(url, following)
            if url in seen or len(seen) >= MOST_PAGES:
                raise SchemaDrift("pages without an end")
            answer = self.http.get(url, _ACCEPT)

    def _url(self, kind: str, parameters: Sequence[tuple[str, str]]) -> str:
        query = f"?{urlencode(parameters)}" if parameters else ""
        return f"{self.address.rstrip('/')}/{kind}{query}"


@dataclass(frozen=True, slots=True)
class _Draft:
    """An appointment that waits for its patient."""

    id: str
    raw_state: str
    state: AppointmentState
    start: datetime
    end: datetime
    start_text: str
    provider_id: str
    location_id: str | None
    patient_id: str | None

    def row(self, records: Mapping[str, RecordPatient]) -> ScheduleRow:
        """The row, with the patient's record where there is one."""
        kind = RowKind.APPOINTMENT if self.patient_id else RowKind.BLOCK
        patient = records.get(self.patient_id, RecordPatient(self.patient_id)) if self.patient_id else None
        return ScheduleRow(
            self.id, kind, self.raw_state, self.state, self.start, self.end, self.start_text, True, self.provider_id,
            self.location_id, patient,
        )  # fmt: skip


def _draft(found: _Appointment, providers: Sequence[str], *, anybody: bool = False) -> _Draft | None:
    """Raises ValueError with the reason why a row cannot be used; None if it was entered in error.

    `anybody`: it may also be with a provider who was not asked for.
    """
    state = STATES.get(found.status, AppointmentState.UNKNOWN)
    if state is None:
        return None
    actors: dict[str, list[str]] = {}
    for participant in found.participant:
        reference = participant.actor.reference if participant.actor else None
        if reference and "/" in reference:
            kind, identifier = reference.split("/_history/")[0].split("/")[-2:]
            actors.setdefault(kind, []).append(identifier)
    practitioners = actors.get("Practitioner", [])
    provider = next((one for one in practitioners if one in providers), None)
    if provider is None and anybody:
        provider = next(iter(practitioners), "")
    if provider is None:
        raise ValueError("names none of the providers asked for")
    if found.start is None:
        if state in (AppointmentState.TENTATIVE, AppointmentState.CANCELLED):
            return None  # a waiting list entry or a cancelled wish holds no time
        raise ValueError("has no start")
    start = _instant(found.start, "start")
    if found.end is not None:
        end = _instant(found.end, "end")
    elif found.minutesDuration is not None:
        end = start + timedelta(minutes=found.minutesDuration)
    else:
        raise ValueError("has neither end nor duration")
    location = next(iter(actors.get("Location", ())), None)
    patient = next(iter(actors.get("Patient", ())), None)
    return _Draft(found.id, found.status, state, start, end, found.start, provider, location, patient)


def _instant(text: str, name: str) -> datetime:
    if not _INSTANT.fullmatch(text):
        raise ValueError(f"its {name} is not an instant with an offset")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"its {name} does not exist") from None


def _reason(error: Exception) -> str:
    """Why a row is set aside, without any of its data."""
    return "does not have the shape of an Appointment" if isinstance(error, msgspec.MsgspecError) else str(error)


def _birth_date(text: str | None) -> date | None:
    """A whole date; FHIR also allows a year or a month alone, which tell too little."""
    try:
        return date.fromisoformat(text) if text and _DAY.fullmatch(text) else None
    except ValueError:
        return None


def _ended(period: _Period | None, today: str) -> bool:
    return bool(period and period.end and period.end[:10] < today)


def _replaced_by(patient: _Patient) -> str | None:
    links = (link.other.reference for link in patient.link if link.type == "replaced-by" and link.other.reference)
    return next((reference.rpartition("/")[2] for reference in links if reference), None)


def _decoded(decoder: "msgspec.json.Decoder[T]", raw: bytes | msgspec.Raw) -> T | None:
    try:
        return decoder.decode(raw)
    except msgspec.MsgspecError:
        return None


def _instant_text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
