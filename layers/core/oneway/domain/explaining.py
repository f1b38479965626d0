"""Why a request is still pending, in one sentence (product section 2): what is missing for a visit to confirm it by itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from .appointments import Appointment, AppointmentState, RowKind
from .matching import is_dismissed, location_of
from .people import Agreement, agreement
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
    BLOCKED = "blocked"
    """Something without a patient."""
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


@dataclass(frozen=True, slots=True)
class Explanation:
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
    """Why no visit confirms a request; `visits` are all that start at the requested time, with whomever."""
    provider = practice.provider_named(request.provider_id)
    reasons = sorted((_of_visit(request, visit, practice) for visit in visits), key=lambda one: one[0])
    if reasons:
        return reasons[0][1]
    if not provider.integrated:
        return Explanation(Why.NOT_INTEGRATED)
    source = practice.sources[provider.source_id or ""]
    if source.by_hand:
        return Explanation(Why.BY_HAND)
    if age_minutes is None:
        return Explanation(Why.NEVER_READ)
    if age_minutes > max(OLD_AFTER_INTERVALS * source.interval_minutes, OLD_AFTER_MINUTES):
        return Explanation(Why.OLD, minutes=age_minutes)
    unread = ", ".join(one.name for one in practice.providers.values() if not one.integrated)
    return Explanation(Why.NOTHING_READ_THERE, others=unread) if unread else Explanation(Why.NOTHING_THERE)


def _of_visit(request: Request, visit: Appointment, practice: Practice) -> tuple[int, Explanation]:
    """Why this visit does not confirm it, and how far it is from doing so (less is nearer)."""
    found = agreement(request.patient, visit.row.patient) if visit.row.patient else Agreement(*[False] * 4)
    explanation = _told(_why(request, visit, practice, found), request, visit)
    elsewhere = visit.provider_id != request.provider_id
    return 2 * found.count(False) + elsewhere, explanation


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
        (row.kind is RowKind.BLOCK or row.patient is None, Why.BLOCKED),
        (visit.request_id not in (None, request.id), Why.ANSWERS_ANOTHER),
        (is_dismissed(request, visit), Why.DISMISSED),
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


def _told(why: Why, request: Request, visit: Appointment) -> Explanation:
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
