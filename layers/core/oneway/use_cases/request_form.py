"""What a patient sends, checked field by field; the JSON API and the pages share it.

Every bad field is named at once, with a JSON pointer (RFC 6901), a stable code that pages translate, and an English
sentence that says what to do.
"""

import json
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from hashlib import sha256

from msgspec import Struct

from ..domain.addresses import LONGEST_ADDRESS, AddressFault, fault_in
from ..domain.clock_time import day_of, first_minute, instant_of, parse_instant, zone_of
from ..domain.errors import FieldProblem, InvalidInput
from ..domain.practices import Practice, Provider, VisitType
from ..domain.requests import Booker, PartOfDay, Patient, PreferredTimes
from ..languages import LANGUAGES
from ..phones import to_e164

LONGEST_NAME = 100
LONGEST_REASON = 500
LONGEST_INSURANCE = 200
MOST_DAYS = 31
"""How many days may be preferred."""
_EARLIEST_BIRTH = date(1900, 1, 1)
_ADDRESS = {AddressFault.NO_ADDRESS: "not_an_email", AddressFault.LETTERS: "email_letters"}
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
# Control characters, marks that turn the direction of what follows, and halves of surrogate pairs.
_UNUSABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_FIELDS = frozenset(
    ("provider", "visit_type", "start", "new_patient", "language", "contact_consent", "reason", "insurance", "patient",
     "booker", "preferred")
)  # fmt: skip
_PATIENT_FIELDS = frozenset(("first_name", "last_name", "birth_date", "mobile", "email"))
_BOOKER_FIELDS = frozenset(("first_name", "last_name", "relation"))
_PREFERRED_FIELDS = frozenset(("days", "parts"))

DETAILS = {
    "required": "Fill in this field.",
    "not_text": "Give text, without control characters.",
    "too_long": "Use fewer characters.",
    "not_an_object": "Give a JSON object.",
    "not_a_date": "Give a date that exists, as YYYY-MM-DD.",
    "date_in_future": "Give a date that is not in the future.",
    "date_too_early": "Give a date from 1900 on.",
    "not_a_phone": "Give a phone number that can be called, with its country code if it is not a local one.",
    "not_an_email": "Give an e-mail address such as name@example.org.",
    "email_letters": "Give an e-mail address without accents or other letters beyond a to z before the @, or a mobile number.",
    "phone_or_email_needed": "Give a mobile number, an e-mail address, or both.",
    "not_an_instant": "Give a date and time with its offset, such as 2026-11-24T09:30:00-08:00.",
    "in_the_past": "Choose a time that is still to come.",
    "too_far_ahead": "Choose days nearer to today.",
    "time_or_days": "Give a start, or preferred days, and not both.",
    "not_a_list": "Give a list.",
    "too_many": "Choose fewer of them.",
    "by_phone_only": "This provider takes no requests online: call the practice.",
    "unknown_provider": "Choose one of the practice's providers.",
    "unknown_visit_type": "Choose one of this provider's visit types.",
    "visit_type_not_for_you": "Choose a visit type that is meant for you: new and returning patients may differ.",
    "not_a_choice": "Choose one of the values offered.",
    "not_yes_or_no": "Give true or false.",
    "consent_needed": "The practice needs your consent to contact you about this request.",
    "unknown_field": "Remove this field.",
    "key_needed": "Send a random idempotency key of at least 128 bits (22 characters or more).",
    "key_too_short": "Use an idempotency key of at least 128 random bits (22 to 200 characters).",
}


class ParsedRequest(Struct, frozen=True):
    """A request that can be understood; whether its time is offered is another question. A `start`, or `preferred` times."""

    practice: Practice
    provider: Provider
    visit_type: VisitType
    start: datetime | None
    preferred: PreferredTimes | None
    patient: Patient
    booker: Booker | None
    new_patient: bool
    language: str
    reason: str
    insurance: str

    def fingerprint(self) -> str:
        """A digest of all that was asked, to tell a repeated submit from a reused key."""
        when = self.start.isoformat() if self.start else repr(self.preferred)
        parts = [
            self.provider.id, self.visit_type.id, when, repr(self.patient), repr(self.booker), self.new_patient, self.language,
            self.reason, self.insurance,
        ]  # fmt: skip
        return sha256(json.dumps(parts).encode()).hexdigest()[:32]


def parse(form: Mapping[str, object], practice: Practice, now: datetime) -> ParsedRequest:
    """A form (decoded JSON, or the same shape made of form fields) as a request. Raises InvalidInput with all problems."""
    fields = _Fields(form)
    fields.refuse_unknown("", form, _FIELDS)
    provider = fields.provider(practice)
    new_patient = fields.yes_or_no("/new_patient", form.get("new_patient"))
    visit_type = fields.visit_type(practice, provider, new_patient)
    start, preferred = fields.when(practice, provider, now)
    patient = fields.patient(practice.country, day_of(now, zone_of(practice.zone)))
    booker = fields.booker()
    language = fields.choice("/language", form.get("language", practice.language), LANGUAGES)
    reason = fields.text("/reason", form.get("reason"), LONGEST_REASON, required=False, lines=True)
    insurance = fields.text("/insurance", form.get("insurance"), LONGEST_INSURANCE, required=False)
    if form.get("contact_consent") is not True:
        fields.problem("/contact_consent", "consent_needed")
    if fields.problems or provider is None or visit_type is None or patient is None:
        raise InvalidInput(fields.problems)
    return ParsedRequest(
        practice,
        provider,
        visit_type,
        start,
        preferred,
        patient,
        booker,
        bool(new_patient),
        language,
        reason,
        insurance,
    )


def preferable(practice: Practice, provider: Provider, now: datetime) -> tuple[date, date]:
    """The first and the last day that can be preferred for a visit with a provider: at least one day."""
    zone = practice.zone_of(provider)
    first = day_of(now + timedelta(minutes=practice.minimum_notice_minutes), zone)
    return first, max(first, day_of(now, zone) + timedelta(days=practice.horizon_days))


def check_key(key: object) -> str:
    """An idempotency key of at least 128 random bits. Raises InvalidInput."""
    if not isinstance(key, str) or not key.strip():
        raise InvalidInput([FieldProblem("/key", "key_needed", DETAILS["key_needed"])])
    if not 22 <= len(key) <= 200:
        raise InvalidInput([FieldProblem("/key", "key_too_short", DETAILS["key_too_short"])])
    return key


class _Fields:
    """Reads fields one by one and gathers what is wrong with them."""

    def __init__(self, form: Mapping[str, object]) -> None:
        self.form = form
        self.problems: list[FieldProblem] = []

    def problem(self, pointer: str, code: str) -> None:
        self.problems.append(FieldProblem(pointer, code, DETAILS[code]))

    def refuse_unknown(self, pointer: str, values: Mapping[str, object], known: frozenset[str]) -> None:
        for name in values:
            if name not in known:
                escaped = str(name)[:50].replace("~", "~0").replace("/", "~1")
                self.problem(f"{pointer}/{escaped}", "unknown_field")

    def text(self, pointer: str, value: object, longest: int, *, required: bool = True, lines: bool = False) -> str:
        if value is None or value == "":
            if required:
                self.problem(pointer, "required")
            return ""
        if not isinstance(value, str) or _UNUSABLE.search(value):
            self.problem(pointer, "not_text")
            return ""
        text = value.strip() if lines else " ".join(value.split())
        if required and not text:
            self.problem(pointer, "required")
        if len(text) > longest:
            self.problem(pointer, "too_long")
        return text

    def yes_or_no(self, pointer: str, value: object) -> bool | None:
        if isinstance(value, bool):
            return value
        self.problem(pointer, "required" if value is None else "not_yes_or_no")
        return None

    def choice(self, pointer: str, value: object, choices: tuple[str, ...]) -> str:
        if isinstance(value, str) and value in choices:
            return value
        self.problem(pointer, "not_a_choice")
        return ""

    def provider(self, practice: Practice) -> Provider | None:
        provider_id = self.text("/provider", self.form.get("provider"), LONGEST_NAME)
        if provider_id and provider_id not in practice.providers:
            self.problem("/provider", "unknown_provider")
        return practice.providers.get(provider_id)

    def visit_type(self, practice: Practice, provider: Provider | None, new_patient: bool | None) -> VisitType | None:
        visit_type_id = self.text("/visit_type", self.form.get("visit_type"), LONGEST_NAME)
        if not visit_type_id or provider is None:
            return None
        if visit_type_id not in provider.visit_type_ids:
            self.problem("/visit_type", "unknown_visit_type")
            return None
        visit_type = practice.visit_types[visit_type_id]
        if new_patient is not None and not visit_type.takes(new_patient):
            self.problem("/visit_type", "visit_type_not_for_you")
        return visit_type

    def when(
        self, practice: Practice, provider: Provider | None, now: datetime
    ) -> tuple[datetime | None, PreferredTimes | None]:
        """A start, or preferred times: one of the two."""
        if self.form.get("preferred") is None:
            return self.start(now), None
        if self.form.get("start"):
            self.problem("/start", "time_or_days")
        return None, self.preferred(practice, provider, now)

    def preferred(self, practice: Practice, provider: Provider | None, now: datetime) -> PreferredTimes | None:
        values = self._object("/preferred", self.form["preferred"], _PREFERRED_FIELDS)
        if values is None or provider is None:
            return None
        if not provider.integrated or practice.availability_of(provider).paused:
            self.problem("/provider", "by_phone_only")
        zone = practice.zone_of(provider)
        days = self._days("/preferred/days", values.get("days"), *preferable(practice, provider, now))
        parts = self._list("/preferred/parts", values.get("parts") or [], len(PartOfDay))
        found = {self.choice("/preferred/parts", part, tuple(PartOfDay)) for part in parts}
        if not days:
            return None
        begins, ends = (instant_of(first_minute(day, zone)) for day in (days[0], days[-1] + timedelta(days=1)))
        return PreferredTimes(tuple(days), tuple(part for part in PartOfDay if part in found), begins, ends)

    def _days(self, pointer: str, value: object, first: date, last: date) -> list[date]:
        if not (texts := self._list(pointer, value or [], MOST_DAYS)):
            self.problem(pointer, "required")
        days = {day for text in texts if (day := self._date(pointer, text))}
        if any(day < first for day in days):
            self.problem(pointer, "in_the_past")
        if any(day > last for day in days):
            self.problem(pointer, "too_far_ahead")
        return sorted(days)

    def _list(self, pointer: str, value: object, most: int) -> list[object]:
        if not isinstance(value, list):
            self.problem(pointer, "not_a_list")
            return []
        if len(value) > most:
            self.problem(pointer, "too_many")
        return value[:most]

    def _date(self, pointer: str, value: object) -> date | None:
        try:
            if not isinstance(value, str) or not _DATE.fullmatch(value):
                raise ValueError
            return date.fromisoformat(value)
        except ValueError:
            self.problem(pointer, "not_a_date")
            return None

    def start(self, now: datetime) -> datetime | None:
        text = self.text("/start", self.form.get("start"), 40)
        if not text:
            return None
        try:
            start = parse_instant(text)
        except (ValueError, OverflowError):
            self.problem("/start", "not_an_instant")
            return None
        if start <= now:
            self.problem("/start", "in_the_past")
        return start

    def patient(self, country: str, today: date) -> Patient | None:
        values = self._object("/patient", self.form.get("patient"), _PATIENT_FIELDS)
        if values is None:
            return None
        first_name = self._name("/patient/first_name", values.get("first_name"))
        last_name = self._name("/patient/last_name", values.get("last_name"))
        birth_date = self._birth_date(values.get("birth_date"), today)
        typed_mobile = self.text("/patient/mobile", values.get("mobile"), 40, required=False)
        email = self.text("/patient/email", values.get("email"), LONGEST_ADDRESS, required=False)
        mobile = to_e164(typed_mobile, country) if typed_mobile else None
        if typed_mobile and mobile is None:
            self.problem("/patient/mobile", "not_a_phone")
        if email and (fault := fault_in(email)):
            self.problem("/patient/email", _ADDRESS[fault])
        given = (values.get("mobile"), values.get("email"))
        if not any(one.strip() if isinstance(one, str) else one for one in given):
            self.problem("/patient/mobile", "phone_or_email_needed")
        if birth_date is None:
            return None
        return Patient(first_name, last_name, birth_date, mobile, email or None, typed_mobile)

    def booker(self) -> Booker | None:
        if self.form.get("booker") is None:
            return None
        values = self._object("/booker", self.form["booker"], _BOOKER_FIELDS)
        if values is None:
            return None
        first_name = self._name("/booker/first_name", values.get("first_name"))
        last_name = self._name("/booker/last_name", values.get("last_name"))
        relation = self.text("/booker/relation", values.get("relation"), LONGEST_NAME)
        return Booker(first_name, last_name, relation)

    def _object(self, pointer: str, value: object, known: frozenset[str]) -> Mapping[str, object] | None:
        if not isinstance(value, Mapping):
            self.problem(pointer, "required" if value is None else "not_an_object")
            return None
        self.refuse_unknown(pointer, value, known)
        return value

    def _name(self, pointer: str, value: object) -> str:
        text = self.text(pointer, value, LONGEST_NAME)
        if text and not any(letter.isalpha() for letter in text):
            self.problem(pointer, "not_text")
        return text

    def _birth_date(self, value: object, today: date) -> date | None:
        text = self.text("/patient/birth_date", value, 20)
        birth_date = self._date("/patient/birth_date", text) if text else None
        if birth_date is None:
            return None
        if birth_date > today:
            self.problem("/patient/birth_date", "date_in_future")
        if birth_date < _EARLIEST_BIRTH:
            self.problem("/patient/birth_date", "date_too_early")
        return birth_date
