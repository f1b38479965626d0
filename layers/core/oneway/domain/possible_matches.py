"""Which appointments may be the answer to a request, and which requests an appointment may answer (product section 2).

A hint for staff, who accept or dismiss it; it never confirms anything (that is `matching`, by equality alone). A pair is weighed
after Fellegi and Sunter ("A theory for record linkage", 1969): each field's level of agreement weighs log2 of how much more
often it is seen on two entries of one person than on entries of two. What is absent weighs nothing (Li, Xu and Grannis 2022,
https://www.jmir.org/2022/9/e33775). Two persons are of two kinds here, because a practice sees families: strangers, and
relatives, who share last names, phones, addresses and (twins) birth dates. The score is against the mixture of both, so that
what a family shares cannot add up to a person. docs/matching.md has the evidence, the fit and what it reaches.
"""

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from math import log2
from typing import NamedTuple

from msgspec import Struct

from .appointments import Appointment
from .clock_time import day_of, zone_of
from .comparing_people import (
    GROUPS,
    Levels,
    Recorded,
    Typed,
    email_level,
    levels,
    mobile_level,
    name_levels,
    other_levels,
    recorded_patient,
    typed_patient,
)
from .evidence import Evidence, Field, How, Verdict
from .match_weights import AGAINST_RELATIVES, AGAINST_STRANGERS, FLOOR
from .matching import RESCHEDULED_WITHIN, could_confirm, location_of
from .people import FamilyName, GivenNames, normalise_email
from .practices import Practice
from .requests import Patient, Request, sought

AT_MOST = 5
"""Suggestions shown (product section 2)."""
RELATIVES = 1 / 100
"""How many of the entries that a request is compared with are of the patient's relatives: one in a hundred, of some hundred
visits that share any key with it."""
SAME_START, SAME_PROVIDER_TOO = 4.0, 2.0
"""Bits for the requested start: of a provider's visits in a month about one in three hundred starts there by chance (8 bits);
taken at less than its worth, since staff book others into a place that their own system shows as free."""


_SAME_NAME = frozenset((Verdict.AGREES, How.ONE_LETTER, How.TRANSPOSED, How.OTHER_SPELLING, How.NICKNAME))
_SAME_DAY = frozenset((Verdict.AGREES, How.ONE_DIGIT, How.TRANSPOSED, How.SWAPPED_DAY_AND_MONTH))


class PossibleMatchKind(StrEnum):
    """What may have happened."""

    MISTYPED = "mistyped"
    """At the requested time, with identifiers that differ."""
    RESCHEDULED = "rescheduled"
    """The same person at another time (or, where no time was asked for, at any)."""
    OTHER_PLACE = "other_place"
    """At the requested time, with another provider or at another location."""
    ALREADY_SCHEDULED = "already_scheduled"
    """It was in the schedule when the request was made, and has not changed since."""


class PossibleMatch(Struct, frozen=True):
    """One suggestion. `score` is in bits: one more is twice as likely; comparable between pairs, and at least `FLOOR`."""

    request_id: str
    appointment_id: str
    kind: PossibleMatchKind
    score: float
    evidence: tuple[Evidence, ...]


def possible_matches(
    request: Request, appointments: Iterable[Appointment], practice: Practice
) -> tuple[PossibleMatch, ...]:
    """Appointments that may be the answer to a request: at most five, best first, none below the floor.

    Appointments that answer no request (blocks, cancelled, tentative, missing, linked, without a patient) are passed over, as are
    visits that began before the request was made. Whether the request still waits is for the caller to ask.
    """
    return AppointmentsByKey(appointments, practice).answering(request)


class AppointmentsByKey:
    """Appointments of one practice, to be found by what a request has in common with them.

    Made once for a batch of appointments, which is smaller than all that waits. A pair is weighed only if it shares a contact,
    the start, the birth date (or it with day and month swapped), both names in whichever order, or one of them and the year or
    the day of birth: less hardly reaches the floor.
    """

    def __init__(self, appointments: Iterable[Appointment], practice: Practice) -> None:
        self._practice = practice
        self._found: defaultdict[object, list[_Seen]] = defaultdict(list)
        for appointment in filter(could_confirm, appointments):
            if appointment.row.patient:
                record = recorded_patient(appointment.row.patient)
                for key in _keys_of_appointment(appointment, record):
                    self._found[key].append((appointment, record))
        self._keys = frozenset(self._found)

    def answering(self, request: Request, floor: float = FLOOR, but: Container[str] = ()) -> tuple[PossibleMatch, ...]:
        """Appointments that may answer a request: at most five, best first, none below the floor, and none of `but` (ids). Where
        its visit is cancelled they may be that one entered anew, and so none that was there when it was asked for.
        """
        return tuple(_told(one, self._practice) for one in self._best(request, floor, but))

    def visits_answering(self, request: Request, but: Container[str] = ()) -> list[Appointment]:
        """The same appointments, for those who need no evidence."""
        return [one.appointment for one in self._best(request, FLOOR, but)]

    def _best(self, request: Request, floor: float, but: Container[str]) -> list["_Weighed"]:
        since = request.created_at if request.link else None
        request = sought(request)
        typed, keys = _keys_of_patient(request.patient)
        start = request.slot.start if request.slot else None
        if start not in self._keys and keys.isdisjoint(self._keys):
            return []
        found = (self._found[key] for key in (*keys, start) if key in self._keys)
        seen = {one[0].id: one for several in found for one in several if one[0].id not in but}
        if since:
            seen = {name: one for name, one in seen.items() if one[0].changed_at > since}
        pairs = (_weighed((request, typed), one, self._practice, floor) for one in seen.values())
        weighed = sorted(filter(None, pairs), key=lambda one: (-one.score, -one.nearness, one.appointment.id))
        return weighed[:AT_MOST]


_Asked = tuple[Request, Typed]
_Seen = tuple[Appointment, Recorded]


class _Weighed(NamedTuple):
    """A pair above the floor; in order of preference, equal scores by how near the visit is to the requested time."""

    score: float
    nearness: float
    request: Request
    appointment: Appointment
    kind: PossibleMatchKind
    levels: Levels


def identity_score(found: Levels) -> float:
    """Bits by which one person explains these levels better than two do: strangers mostly, relatives sometimes."""
    return _score(*_sums(_BITS, found[:-1]), no_relative=_no_relative(found.first_name, found.birth_date))


def score_at_start(request: Request, appointment: Appointment) -> float:
    """Bits of a visit at the requested time, whatever its state, and whether or not it may be the answer; 0 without a patient."""
    record = appointment.row.patient
    if record is None:
        return 0.0
    found = levels(typed_patient(request.patient), recorded_patient(record))
    return identity_score(found) + _start_bits(request, appointment)


def _start_bits(request: Request, appointment: Appointment) -> float:
    return SAME_START + (SAME_PROVIDER_TOO if appointment.provider_id == request.provider_id else 0.0)


def _no_relative(first_name: str, birth_date: str) -> bool:
    """Whether both say that it is no relative: parents and children may share a first name, twins a birth date, nobody both."""
    return first_name in _SAME_NAME and birth_date in _SAME_DAY


def _sums(bits: Iterable[Mapping[str, tuple[float, float]]], found: Iterable[str]) -> tuple[float, float]:
    stranger = relative = 0.0
    for of, level in zip(bits, found, strict=True):
        against = of.get(level)
        if against:
            stranger += against[0]
            relative += against[1]
    return stranger, relative


def _score(stranger: float, relative: float, no_relative: bool) -> float:
    if no_relative:
        return stranger
    return -log2((1 - RELATIVES) * 2**-stranger + RELATIVES * 2**-relative)


def _told(one: _Weighed, practice: Practice) -> PossibleMatch:
    evidence = tuple(_evidence(one, practice))
    return PossibleMatch(one.request.id, one.appointment.id, one.kind, round(one.score, 2), evidence)


def _weighed(asked: _Asked, seen: _Seen, practice: Practice, floor: float) -> _Weighed | None:
    (request, typed), (appointment, record) = asked, seen
    row = appointment.row
    if appointment.practice != request.practice:
        return None
    others = other_levels(typed, record)
    stranger, relative = _sums(_OTHER_BITS, others)
    away = abs(row.start - request.slot.start) if request.slot else row.start - request.created_at
    there = SAME_START + SAME_PROVIDER_TOO if request.slot and not away else 0.0
    # The names are what takes long: only where the best of names would do.
    same_day = others[0] in _SAME_DAY
    best = _BEST_NAMES if typed.family.suffix or typed.given.suffix else _BEST_NAMES_WITHOUT_SUFFIX
    if _score(stranger + best[0], relative + best[1], no_relative=same_day) + there < floor:
        return None
    kind = _kind(request, appointment, practice)
    if kind is None:
        return None
    first, last, suffix, name = name_levels(typed, record)
    of_names = _sums(_NAME_BITS, (first, last, suffix))
    no_relative = _no_relative(first, others[0])
    score = _score(stranger + of_names[0], relative + of_names[1], no_relative=no_relative)
    found = Levels(first, last, suffix, *others, name)
    if request.slot and not away:
        score += _start_bits(request, appointment)
    return _Weighed(score, -away.total_seconds(), request, appointment, kind, found) if score >= floor else None


def _kind(request: Request, appointment: Appointment, practice: Practice) -> PossibleMatchKind | None:
    row, slot = appointment.row, request.slot
    same_start = slot is not None and row.start == slot.start
    # One of a series is not a visit at another time; where no time was asked for, it may be the answer as any.
    if not same_start and ((slot and row.series) or row.start <= request.created_at):
        return None
    if slot and abs(row.start - slot.start) > RESCHEDULED_WITHIN:
        return None
    if appointment.changed_at <= request.created_at:
        return PossibleMatchKind.ALREADY_SCHEDULED
    if not same_start:
        return PossibleMatchKind.RESCHEDULED
    where = location_of(row.location_external_id, practice)
    elsewhere = where is not None and where != request.location_id
    if elsewhere or appointment.provider_id != request.provider_id:
        return PossibleMatchKind.OTHER_PLACE
    return PossibleMatchKind.MISTYPED


@lru_cache(maxsize=4_096)
def _keys_of_patient(patient: Patient) -> tuple[Typed, frozenset[str]]:
    """A typed patient, and what a record may have in common with them. Who waits is asked for with every pull."""
    typed = typed_patient(patient)
    contacts = filter(None, (typed.mobile, typed.email))
    return typed, frozenset((*contacts, typed.birth_date, *_name_keys(typed.given, typed.family, typed.birth_date)))


def _keys_of_appointment(appointment: Appointment, record: Recorded) -> set[object]:
    born = record.birth_date
    keys: set[object] = {appointment.start, *record.phones, *record.emails}
    if born:
        keys |= {born, born[:4] + born[6:] + born[4:6]}
    for name in record.names:
        keys.update(_name_keys(name.given, name.family, born))
    return keys


def _name_keys(given: GivenNames, family: FamilyName, born: str) -> Iterator[str]:
    """Both names, in whichever order; and each with the year or the day of birth."""
    first, last = given.words[0] if given.words else "", family.whole
    yield first + " " + last if first < last else last + " " + first
    for name in (first, last):
        if name and born:
            yield name + born[:4]
            yield name + born[4:]


def _evidence(found: _Weighed, practice: Practice) -> Iterator[Evidence]:
    patient, record = found.request.patient, found.appointment.row.patient
    if record is None:
        return
    at = found.levels
    name = record.names[at.name] if at.name >= 0 else None
    last = How.OTHER_SUFFIX if (at.last_name, at.suffix) == (Verdict.AGREES, Verdict.DIFFERS) else at.last_name
    family = " ".join(filter(None, (name.family, name.suffix))) if name else ""
    shared = Verdict.DIFFERS in (at.first_name, at.suffix)
    phone = _closest(record.phones, lambda one: mobile_level(patient.mobile or "", (one,)))
    address = normalise_email(patient.email or "")
    email = _closest(record.emails, lambda one: email_level(address, (normalise_email(one),)))
    yield _said(Field.FIRST_NAME, patient.first_name, " ".join(name.given) if name else "", at.first_name)
    yield _said(Field.LAST_NAME, patient.last_name, family, last)
    born = record.birth_date.isoformat() if record.birth_date else ""
    yield _said(Field.BIRTH_DATE, patient.birth_date.isoformat(), born, at.birth_date)
    yield _said(Field.MOBILE, patient.mobile or "", phone, at.mobile, shared)
    yield _said(Field.EMAIL, patient.email or "", email, at.email, shared)
    yield from _place_and_time(found.request, found.appointment, practice)


def _place_and_time(request: Request, appointment: Appointment, practice: Practice) -> Iterator[Evidence]:
    row, slot = appointment.row, request.slot
    asked = slot.start.isoformat() if slot else ""
    zone = zone_of(
        practice.locations[request.location_id].zone if request.location_id in practice.locations else practice.zone
    )
    verdict, how = Verdict.DIFFERS, None
    if slot is None:
        verdict = Verdict.ABSENT
    elif slot.start == row.start:
        verdict, how = Verdict.AGREES, None if row.zone_certain else How.UNCERTAIN_ZONE
    else:
        how = How.OTHER_TIME if day_of(slot.start, zone) == day_of(row.start, zone) else How.OTHER_DAY
    yield Evidence(Field.START, asked, row.start.isoformat(), verdict, how)
    same_provider = Verdict.AGREES if request.provider_id == appointment.provider_id else Verdict.DIFFERS
    yield Evidence(Field.PROVIDER, request.provider_id, appointment.provider_id, same_provider)
    where = location_of(row.location_external_id, practice)
    if where is not None:
        same_place = Verdict.AGREES if request.location_id == where else Verdict.DIFFERS
        yield Evidence(Field.LOCATION, request.location_id, where, same_place)


def _said(field: Field, typed: str, record: str, level: str, shared: bool = False) -> Evidence:
    if level == Verdict.AGREES:
        return Evidence(field, typed, record, Verdict.AGREES, How.SHARED if shared else None)
    if level == Verdict.ABSENT:
        return Evidence(field, typed, record, Verdict.ABSENT)
    return Evidence(field, typed, record, Verdict.DIFFERS, level if isinstance(level, How) else None)


def _closest(values: tuple[str, ...], level: Callable[[str], str]) -> str:
    """Of a record's contacts the one to show: one that agrees, else one that nearly does, else the first."""
    if len(values) < 2:
        return values[0] if values else ""
    order: dict[str, int] = {Verdict.AGREES: 0, Verdict.DIFFERS: 2, Verdict.ABSENT: 2}
    return min(values, key=lambda one: order.get(level(one), 1))


def _bits(field: Field | str) -> Mapping[str, tuple[float, float]]:
    """Level → bits against strangers and relatives."""
    strangers, relatives = AGAINST_STRANGERS[field], AGAINST_RELATIVES[field]
    return {level: (strangers[group], relatives[group]) for level, group in GROUPS[field].items() if group in strangers}


_NAME_BITS = tuple(map(_bits, ("first_name", "last_name", "suffix")))
_OTHER_BITS = tuple(map(_bits, ("birth_date", "mobile", "email")))
_BITS = (*_NAME_BITS, *_OTHER_BITS)


def _best_names(suffix: bool) -> tuple[float, float]:
    """The most that names can add: both are elsewhere (swapped, misplaced) or neither is."""
    pairs = [
        _sums(_NAME_BITS, (one, other, Verdict.AGREES if suffix else Verdict.ABSENT))
        for one in GROUPS["first_name"]
        for other in GROUPS["last_name"]
        if one == other or not {one, other} & {How.SWAPPED_NAMES, How.MISPLACED_NAME}
    ]
    return max(stranger for stranger, _ in pairs), max(relative for _, relative in pairs)


_BEST_NAMES, _BEST_NAMES_WITHOUT_SUFFIX = _best_names(suffix=True), _best_names(suffix=False)
