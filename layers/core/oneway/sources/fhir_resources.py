"""FHIR R4 resources (https://hl7.org/fhir/R4): the fields that matter, decoded by msgspec, and what they come to as rows.

Each resource is decoded on its own, so that one bad row is set aside and the rest go on.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from ..domain.appointments import (
    AppointmentState,
    NameUse,
    PersonName,
    RecordPatient,
    RowKind,
    ScheduleRow,
    WhyAside,
)
from .fhir_profiles import FhirProfile
from .forgiving_json import decoded, those_decoded

_NAME_USES = {"old": NameUse.OLD, "maiden": NameUse.OLD, "nickname": NameUse.NICKNAME, "anonymous": NameUse.NICKNAME}
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
_ID = re.compile(r"[A-Za-z0-9.\-]{1,64}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_PATIENT_IDS = re.compile(rb"Patient\\?/([A-Za-z0-9.\-]{1,64})")
"""What looks like a reference to a patient (ids: R4, datatypes, *id*), also where a server escapes its slashes."""
_PRACTITIONER_IDS = re.compile(rb"Practitioner\\?/([A-Za-z0-9.\-]{1,64})")
COPY = "~"
"""Between a visit's id and a further provider's, in the id of its copy there; no FHIR id has it."""


class Reference(msgspec.Struct):
    reference: str | None = None


class Participant(msgspec.Struct):
    actor: Reference | None = None


class Appointment(msgspec.Struct):
    id: str
    status: str
    start: str | None = None
    end: str | None = None
    minutesDuration: int | None = None
    participant: list[Participant] = []


class RoughAppointment(msgspec.Struct):
    """What an appointment that cannot be read is found by, whatever stands there."""

    id: Any = None
    start: Any = None


class Name(msgspec.Struct):
    use: str | None = None
    family: str | None = None
    given: list[str] = []
    suffix: list[str] = []


class Period(msgspec.Struct):
    end: str | None = None


class Telecom(msgspec.Struct):
    system: str | None = None
    value: str | None = None
    use: str | None = None
    period: Period | None = None


class Contact(msgspec.Struct):
    telecom: list[Telecom] = []


class PatientLink(msgspec.Struct):
    other: Reference
    type: str


class Patient(msgspec.Struct):
    id: str
    name: list[Name] = []
    birthDate: str | None = None
    telecom: list[Telecom] = []
    contact: list[Contact] = []
    link: list[PatientLink] = []


class RoughPatient(msgspec.Struct):
    """A patient of whom not all can be read; who it is and whether it is merged has to be."""

    id: str
    name: msgspec.Raw = msgspec.Raw()
    birthDate: Any = None
    telecom: msgspec.Raw = msgspec.Raw()
    contact: msgspec.Raw = msgspec.Raw()
    link: list[PatientLink] = []


class RoughContact(msgspec.Struct):
    telecom: msgspec.Raw = msgspec.Raw()


class Practitioner(msgspec.Struct):
    id: str
    name: list[Name] = []


class Head(msgspec.Struct):
    """What every resource has."""

    resourceType: str
    id: str = ""


class Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw()


class PageLink(msgspec.Struct):
    relation: str
    url: str


class OtherLink(msgspec.Struct):
    """A link without an address, which matters of the next page alone."""

    relation: str


class RoughBundle(msgspec.Struct):
    """A page with something odd in it."""

    resourceType: str
    entry: list[msgspec.Raw] = []
    link: list[msgspec.Raw] = []
    total: object = None


class Bundle(msgspec.Struct):
    """A page of a search."""

    resourceType: str
    entry: list[Entry] = []
    link: list[PageLink] = []
    total: object = None

    @property
    def matches(self) -> int | None:
        """How many resources match on all pages together, included ones not counted (R4, Bundle.total), if it says so."""
        return self.total if isinstance(self.total, int) and not isinstance(self.total, bool) else None


class Issue(msgspec.Struct):
    severity: str = ""


class OperationOutcome(msgspec.Struct):
    """What a server thinks of a question, among its answers."""

    issue: list[Issue] = []

    @property
    def is_error(self) -> bool:
        """Whether it could not do all that it was asked for; a warning or a hint says no such thing."""
        return any(one.severity in ("error", "fatal") for one in self.issue)


class SearchParameter(msgspec.Struct):
    name: str


class DeclaredResource(msgspec.Struct):
    type: str
    searchParam: list[SearchParameter] = []
    searchInclude: list[str] = []


class Rest(msgspec.Struct):
    resource: list[DeclaredResource] = []


class CapabilityStatement(msgspec.Struct):
    """What a server says that it can do; often less than the truth, sometimes more."""

    resourceType: str
    rest: list[Rest] = []

    def declared(self, kind: str) -> DeclaredResource | None:
        """What it says of a kind of resource."""
        return next((one for rest in self.rest for one in rest.resource if one.type == kind), None)


head_of = msgspec.json.Decoder(Head)
bundle_of = msgspec.json.Decoder(Bundle)
rough_bundle_of = msgspec.json.Decoder(RoughBundle)
entry_of = msgspec.json.Decoder(Entry)
page_link_of = msgspec.json.Decoder(PageLink)
other_link_of = msgspec.json.Decoder(OtherLink)
list_of = msgspec.json.Decoder(list[msgspec.Raw])
appointment_of = msgspec.json.Decoder(Appointment)
rough_of = msgspec.json.Decoder(RoughAppointment)
patient_of = msgspec.json.Decoder(Patient)
rough_patient_of = msgspec.json.Decoder(RoughPatient)
rough_contact_of = msgspec.json.Decoder(RoughContact)
name_of = msgspec.json.Decoder(Name)
telecom_of = msgspec.json.Decoder(Telecom)
outcome_of = msgspec.json.Decoder(OperationOutcome)
practitioner_of = msgspec.json.Decoder(Practitioner)
capability_statement_of = msgspec.json.Decoder(CapabilityStatement)


class Draft(Struct, frozen=True):
    """An appointment that waits for its patient; `others` are further providers of the feed that it is with."""

    id: str
    raw_state: str
    state: AppointmentState
    start: datetime
    end: datetime
    start_text: str
    provider_id: str
    location_id: str | None
    patient_id: str | None
    others: tuple[str, ...] = ()

    def copy(self, provider_id: str) -> ScheduleRow:
        """The place that it takes of another provider: whose visit it is stands with the first."""
        return ScheduleRow(
            f"{self.id}{COPY}{provider_id}", RowKind.APPOINTMENT if self.patient_id else RowKind.BLOCK, self.raw_state,
            self.state, self.start, self.end, self.start_text, True, provider_id, self.location_id,
        )  # fmt: skip

    def row(self, records: Mapping[str, RecordPatient]) -> ScheduleRow:
        """The row, with the patient's record where there is one."""
        kind = RowKind.APPOINTMENT if self.patient_id else RowKind.BLOCK
        patient = records.get(self.patient_id, RecordPatient(self.patient_id)) if self.patient_id else None
        return ScheduleRow(
            self.id, kind, self.raw_state, self.state, self.start, self.end, self.start_text, True, self.provider_id,
            self.location_id, patient,
        )  # fmt: skip


def page_of(raw: bytes) -> Bundle | None:
    """A page of a search; None if it is none, or if it cannot be told where it leads. An odd entry stands for itself."""
    page = decoded(bundle_of, raw)
    if page is not None:
        return page
    rough = decoded(rough_bundle_of, raw)
    if rough is None:
        return None
    links = [decoded(page_link_of, one) or decoded(other_link_of, one) for one in rough.link]
    if any(one is None or (isinstance(one, OtherLink) and one.relation == "next") for one in links):
        return None
    entries = [decoded(entry_of, one) or Entry(one) for one in rough.entry]
    return Bundle(rough.resourceType, entries, [one for one in links if isinstance(one, PageLink)], rough.total)


def patient_in(raw: bytes | msgspec.Raw) -> Patient | None:
    """A patient, of an odd one what can be read; None where that does not tell who it is, or whether it is merged."""
    patient = decoded(patient_of, raw)
    if patient is not None:
        return patient
    rough = decoded(rough_patient_of, raw)
    if rough is None:
        return None
    contacts = those_decoded(rough_contact_of, _values(rough.contact))
    return Patient(
        rough.id,
        those_decoded(name_of, _values(rough.name)),
        rough.birthDate if isinstance(rough.birthDate, str) else None,
        those_decoded(telecom_of, _values(rough.telecom)),
        [Contact(those_decoded(telecom_of, _values(one.telecom))) for one in contacts],
        rough.link,
    )


def _values(raw: msgspec.Raw) -> list[msgspec.Raw]:
    return (decoded(list_of, raw) if raw else None) or []


def patient_ids_in(raw: bytes) -> list[str]:
    """The patients that an appointment's bytes seem to name, without decoding it."""
    return [one.decode() for one in _PATIENT_IDS.findall(raw)]


def providers_in(raw: bytes, providers: Sequence[str]) -> list[str]:
    """Which of these providers an appointment's bytes seem to name, in their own order, without decoding it."""
    named = {one.decode() for one in _PRACTITIONER_IDS.findall(raw)}
    return [one for one in providers if one in named]


def draft_of(
    found: Appointment, profile: FhirProfile, providers: Sequence[str], *, anybody: bool = False
) -> Draft | None:
    """What an appointment comes to. None: it was entered in error, holds no time, or is of others than these `providers`.

    `anybody`: it may also be with a provider who was not asked for. Raises ValueError with the reason why it cannot be used.
    """
    if not found.id or COPY in found.id:
        raise ValueError(WhyAside.NO_ID)
    state = profile.state_of(found.status)
    if state is None:
        return None
    actors: dict[str, list[str]] = {}
    for participant in found.participant:
        reference = participant.actor.reference if participant.actor else None
        if reference and "/" in reference:
            kind, identifier = reference.split("/_history/")[0].split("/")[-2:]
            actors.setdefault(kind, []).append(identifier)
    practitioners = actors.get("Practitioner", [])
    # In the feed's order, not the answer's: a server that turns participants about moves nobody.
    with_them = [one for one in providers if one in practitioners]
    provider = next(iter(with_them), None)
    if provider is None and anybody:
        provider = next(iter(practitioners), "")
    if provider is None:
        if practitioners:
            return None
        raise ValueError(WhyAside.NO_PROVIDER)
    if found.start is None:
        if state in (AppointmentState.TENTATIVE, AppointmentState.CANCELLED):
            return None  # a waiting list entry or a cancelled wish holds no time
        raise ValueError(WhyAside.NO_START)
    start = _instant(found.start)
    if found.end is not None:
        end = _instant(found.end, WhyAside.END_NO_INSTANT, WhyAside.END_NEVER)
    elif found.minutesDuration is not None:
        end = _after(start, found.minutesDuration)
    else:
        raise ValueError(WhyAside.NO_END)
    location = next(iter(actors.get("Location", ())), None)
    patient = next(iter(actors.get("Patient", ())), None)
    others = tuple(with_them[1:])
    return Draft(found.id, found.status, state, start, end, found.start, provider, location, patient, others)


def record_of(patient: Patient, to_e164: Callable[[str], str | None], today: str) -> RecordPatient:
    """A patient's record: current contacts (and those of people to contact) as of a day, every name with its use."""
    telecoms = [*patient.telecom, *(one for contact in patient.contact for one in contact.telecom)]
    current = [one for one in telecoms if one.value and one.use != "old" and not _ended(one.period, today)]
    phones = [to_e164(one.value or "") for one in current if one.system in ("phone", "sms", None)]
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


def replaced_by(patient: Patient) -> str | None:
    """The patient that a merged one became (R4, Patient.link)."""
    links = (link.other.reference for link in patient.link if link.type == "replaced-by" and link.other.reference)
    return next((reference.rpartition("/")[2] for reference in links if reference), None)


def reason_of(error: Exception) -> str:
    """Why a row is set aside, without any of its data."""
    foreign = isinstance(error, (msgspec.MsgspecError, UnicodeError, RecursionError))
    return WhyAside.NO_SHAPE if foreign else str(error)


def found_by(raw: bytes) -> tuple[str, datetime | None]:
    """The id and the start of an appointment that cannot be read otherwise, as far as they can; nothing else of it."""
    rough = decoded(rough_of, raw) or RoughAppointment()
    try:
        start = _instant(rough.start) if isinstance(rough.start, str) else None
    except ValueError:
        start = None
    told = isinstance(rough.id, str) and _ID.fullmatch(rough.id)
    return str(rough.id) if told else "", start


def _instant(
    text: str, malformed: WhyAside = WhyAside.START_NO_INSTANT, never: WhyAside = WhyAside.START_NEVER
) -> datetime:
    if not _INSTANT.fullmatch(text):
        raise ValueError(malformed)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(never) from None


def _after(start: datetime, minutes: int) -> datetime:
    try:
        return start + timedelta(minutes=minutes)
    except OverflowError:
        raise ValueError(WhyAside.ENDLESS) from None


def _birth_date(text: str | None) -> date | None:
    """A whole date; FHIR also allows a year or a month alone, which tell too little."""
    try:
        return date.fromisoformat(text) if text and _DAY.fullmatch(text) else None
    except ValueError:
        return None


def _ended(period: Period | None, today: str) -> bool:
    return bool(period and period.end and period.end[:10] < today)
