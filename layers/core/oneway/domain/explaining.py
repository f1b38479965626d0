"""Why a request is still pending, in one sentence (product section 2): what is missing for a visit to confirm it by itself."""

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from .appointments import Appointment, AppointmentState, RowKind
from .match_weights import FLOOR
from .matching import is_dismissed, location_of
from .people import Agreement, agreement
from .possible_matches import score_at_start
from .practices import Practice
from .requests import Request

OLD_AFTER_INTERVALS, OLD_AFTER_MINUTES = 3, 15
"""A schedule that was not read for so long may not show yet what was entered; heartbeats are ten minutes apart."""


class Why(StrEnum):
    """What keeps a request pending; pages and the command line say it in words."""

    NOT_INTEGRATED = "not_integrated"
    """The requested provider's schedule is not read."""
    BY_HAND = "by_hand"
    """The source gives no birth dates or contacts."""
    NEVER_READ = "never_read"
    OLD = "old"
    NOTHING_THERE = "nothing_there"
    NOTHING_READ_THERE = "nothing_read_there"
    """Nothing in the schedules that are read; there are providers whose schedules are not."""
    NO_TIME = "no_time"
    """No time was asked for, so that no visit confirms it by itself."""
    BLOCKED = "blocked"
    """Something without a patient."""
    ANOTHER_PATIENT = "another_patient"
    """A visit with the requested provider that is a stranger's."""
    OTHERS_SCHEDULE = "others_schedule"
    """A visit with a provider who is not integrated."""
    ANSWERS_ANOTHER = "answers_another"
    DISMISSED = "dismissed"
    TENTATIVE = "tentative"
    UNKNOWN_STATE = "unknown_state"
    CANCELLED = "cancelled"
    MISSING = "missing"
    UNCERTAIN_ZONE = "uncertain_zone"
    OTHER_LOCATION = "other_location"
    ALREADY_THERE = "already_there"
    NO_BIRTH_DATE = "no_birth_date"
    BIRTH_DATE = "birth_date"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    NO_CONTACT = "no_contact"
    CONTACT = "contact"
    SOON = "soon"
    """All agrees: the next sync confirms it."""


class Explanation(Struct, frozen=True):
    """The reason, with what it speaks of: both values of a field that differs (a birth date as an ISO date), the visit's
    provider, the schedule's age, the names of other providers.
    """

    why: Why
    typed: str = ""
    record: str = ""
    provider_id: str = ""
    minutes: int = 0
    others: str = ""


def why_pending(
    request: Request, visits: Iterable[Appointment], practice: Practice, age_minutes: int | None
) -> Explanation:
    """Why no visit confirms a request; `visits` are all that start at the requested time, with whomever.

    First a visit that may be this patient's, by as much evidence as a possible match needs: the one that agrees in most. What is
    a stranger's says nothing, least of all with another provider: then it matters whether the schedule is read, and how old it
    is; and last what else the requested provider has at that time.
    """
    found = [(visit, _agreement(request, visit)) for visit in visits]
    theirs = [one for one in found if _may_be_theirs(request, *one)]
    if theirs:
        return _told(*_nearest(request, theirs), request, practice)
    unread = _of_schedule(request, practice, age_minutes)
    if unread:
        return unread
    if request.slot is None:
        return Explanation(Why.NO_TIME)
    beside = [one for one in found if is_dismissed(request, one[0]) or one[0].provider_id == request.provider_id]
    if beside:
        return _of_others(request, *_nearest(request, beside))
    others = ", ".join(one.name for one in practice.providers.values() if not one.integrated)
    return Explanation(Why.NOTHING_READ_THERE, others=others) if others else Explanation(Why.NOTHING_THERE)


def _may_be_theirs(request: Request, visit: Appointment, found: Agreement) -> bool:
    if visit.row.kind is RowKind.BLOCK or visit.row.patient is None or is_dismissed(request, visit):
        return False
    if visit.request_id not in (None, request.id):
        return found.first_name and found.last_name and found.birth_date  # asked twice; else it is that other request's
    if score_at_start(request, visit) >= FLOOR:
        return True
    # Of a record that could not be looked up nothing is known, and so nothing that would make it a stranger's.
    is_bare = not visit.row.patient.names and visit.row.patient.birth_date is None
    return is_bare and visit.provider_id == request.provider_id


def _nearest(request: Request, found: Iterable[tuple[Appointment, Agreement]]) -> tuple[Appointment, Agreement]:
    """The visit that agrees in most; of equal ones that of the requested provider."""
    return min(found, key=lambda one: (one[1].count(False), one[0].provider_id != request.provider_id))


def _agreement(request: Request, visit: Appointment) -> Agreement:
    return agreement(request.patient, visit.row.patient) if visit.row.patient else Agreement(*[False] * 4)


def _of_schedule(request: Request, practice: Practice, age_minutes: int | None) -> Explanation | None:
    """What keeps any visit of the requested provider from being seen, or from confirming by itself."""
    provider = practice.provider_named(request.provider_id)
    if not provider.integrated:
        return Explanation(Why.NOT_INTEGRATED)
    source = practice.sources[provider.source_id or ""]
    if age_minutes is None:
        return Explanation(Why.NEVER_READ)
    if age_minutes > max(OLD_AFTER_INTERVALS * source.interval_minutes, OLD_AFTER_MINUTES):
        return Explanation(Why.OLD, minutes=age_minutes)
    return Explanation(Why.BY_HAND) if source.by_hand else None


def _of_others(request: Request, visit: Appointment, found: Agreement) -> Explanation:
    """What stands at the requested time that is not this patient's."""
    blocks = visit.row.kind is RowKind.BLOCK or visit.row.patient is None
    why = Why.DISMISSED if is_dismissed(request, visit) else Why.BLOCKED if blocks else Why.ANOTHER_PATIENT
    return Explanation(why, provider_id=visit.provider_id)


def _why(request: Request, visit: Appointment, practice: Practice, found: Agreement) -> Why:
    row, provider = visit.row, practice.providers.get(visit.provider_id)
    states = {
        AppointmentState.TENTATIVE: Why.TENTATIVE,
        AppointmentState.UNKNOWN: Why.UNKNOWN_STATE,
        AppointmentState.CANCELLED: Why.CANCELLED,
        AppointmentState.NO_SHOW: Why.CANCELLED,
    }
    where = location_of(row.location_external_id, practice)
    source = practice.sources.get(visit.source_id)
    reasons = (
        (provider is None or not provider.integrated, Why.OTHERS_SCHEDULE),
        (visit.request_id not in (None, request.id), Why.ANSWERS_ANOTHER),
        (row.state in states, states.get(row.state, Why.SOON)),
        (visit.missing_since is not None, Why.MISSING),
        (source is not None and source.by_hand, Why.BY_HAND),
        (row.patient is not None and row.patient.birth_date is None, Why.NO_BIRTH_DATE),
        (not found.birth_date, Why.BIRTH_DATE),
        (not found.last_name, Why.LAST_NAME),
        (not found.first_name, Why.FIRST_NAME),
        (row.patient is not None and not (row.patient.phones or row.patient.emails), Why.NO_CONTACT),
        (not found.contact, Why.CONTACT),
        (not row.zone_certain, Why.UNCERTAIN_ZONE),
        (where not in (None, request.location_id), Why.OTHER_LOCATION),
        (visit.changed_at <= request.created_at, Why.ALREADY_THERE),
    )
    return next((why for holds, why in reasons if holds), Why.SOON)


def _told(visit: Appointment, found: Agreement, request: Request, practice: Practice) -> Explanation:
    """Why this visit, which may be the patient's, does not confirm the request."""
    why = _why(request, visit, practice, found)
    patient, record = request.patient, visit.row.patient
    name = record.names[0] if record and record.names else None
    values = {
        Why.BIRTH_DATE: (
            patient.birth_date.isoformat(),
            record.birth_date.isoformat() if record and record.birth_date else "",
        ),
        Why.FIRST_NAME: (patient.first_name, " ".join(name.given) if name else ""),
        Why.LAST_NAME: (patient.last_name, name.family if name else ""),
    }
    typed, recorded = values.get(why, ("", ""))
    return Explanation(why, typed, recorded, visit.provider_id)
