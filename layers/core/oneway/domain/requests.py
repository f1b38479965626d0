"""A request: what a patient asked for online, and the life it leads (product section 1)."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from .appointments import Appointment, AppointmentState
from .errors import RequestAlreadyAnswered
from .messages import DueMessage, MessageKind


class RequestState(StrEnum):
    """A request's own states; linked, it shows its appointment's."""

    REQUESTED = "requested"
    LINKED = "linked"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class ActorKind(StrEnum):
    """Who causes a change."""

    PATIENT = "patient"
    STAFF = "staff"
    SYNC = "sync"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who caused a change; `name` is a staff member's e-mail."""

    kind: ActorKind
    name: str = ""


PATIENT = Actor(ActorKind.PATIENT)
SYNC = Actor(ActorKind.SYNC)
CLOCK = Actor(ActorKind.CLOCK)


@dataclass(frozen=True, slots=True)
class Patient:
    """Who the visit is for, as typed; `mobile` in E.164 beside `mobile_as_typed`, `email` as typed."""

    first_name: str
    last_name: str
    birth_date: date
    mobile: str | None
    email: str | None
    mobile_as_typed: str = ""


@dataclass(frozen=True, slots=True)
class Booker:
    """Who asks for somebody else: the contacts and the greeting are theirs."""

    first_name: str
    last_name: str
    relation: str


@dataclass(frozen=True, slots=True)
class RequestedSlot:
    """The place that a request holds: [start, end) in UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """The appointment that answers a request, as last seen."""

    appointment_id: str
    provider_id: str
    state: AppointmentState
    start: datetime
    end: datetime


class Happening(StrEnum):
    """What a timeline entry tells."""

    ASKED = "asked"
    CONFIRMED = "confirmed"
    STATE_CHANGED = "state_changed"
    MOVED = "moved"
    CANCELLED = "cancelled"
    ASKED_TO_CANCEL = "asked_to_cancel"
    EXPIRED = "expired"
    VANISHED = "vanished"
    REAPPEARED = "reappeared"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One change of a request: when, who, what, why. `number` is the request's version after it.

    `detail` is a short machine word (a state, "other_provider"); `reason` is staff's internal reason.
    """

    number: int
    at: datetime
    actor: Actor
    what: Happening
    detail: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """What a patient asked for online.

    `slot` is None for a request without a time (preferred days only). `version` rises by one with every change. `due`
    are messages that the changes so far call for and that are not known to be sent; `unsent_since` is when the oldest of
    them became due. `fingerprint` is a digest of the payload, to tell a repeated submit from a reused key.
    """

    practice: str
    id: str
    provider_id: str
    location_id: str
    visit_type_id: str
    slot: RequestedSlot | None
    patient: Patient
    new_patient: bool
    language: str
    contact_consent: bool
    created_at: datetime
    fingerprint: str
    booker: Booker | None = None
    reason: str = ""
    insurance: str = ""
    state: RequestState = RequestState.REQUESTED
    link: Link | None = None
    asked_to_cancel_at: datetime | None = None
    vanished_at: datetime | None = None
    cancelled_by: ActorKind | None = None
    note_to_patient: str = ""
    link_generation: int = 1
    version: int = 1
    due: tuple[DueMessage, ...] = ()
    unsent_since: datetime | None = None

    @property
    def pending(self) -> bool:
        """Whether it waits for an answer, and so holds its place."""
        return self.state is RequestState.REQUESTED

    @property
    def to_act(self) -> bool:
        """Whether it stands in Action required."""
        return self.pending or self.asked_to_cancel_at is not None or self.vanished_at is not None

    @property
    def start(self) -> datetime | None:
        """When the visit is: the appointment's time once linked, else the requested one."""
        if self.link:
            return self.link.start
        return self.slot.start if self.slot else None

    @property
    def shown_state(self) -> str:
        """The word that pages and messages translate: a request's own state or, linked, its appointment's."""
        return self.link.state if self.link else self.state


@dataclass(frozen=True, slots=True)
class Transition:
    """A request before and after one change, and the timeline entry that tells of it."""

    before: Request | None
    after: Request
    entry: TimelineEntry


def submitted(request: Request, messages: tuple[MessageKind, ...]) -> Transition:
    """The birth of a request."""
    due = _due(request.due, messages, request.version)
    after = replace(request, due=due, unsent_since=request.created_at if due else None)
    return Transition(None, after, TimelineEntry(1, request.created_at, PATIENT, Happening.ASKED))


def confirmed(
    request: Request, appointment: Appointment, by: Actor, now: datetime, messages: tuple[MessageKind, ...]
) -> Transition:
    """A pending request that an appointment answers. Raises RequestAlreadyAnswered if it is not pending."""
    if not request.pending:
        raise RequestAlreadyAnswered
    detail = "other_provider" if appointment.provider_id != request.provider_id else ""
    changed = replace(request, state=RequestState.LINKED, link=_link(appointment))
    return _changed(request, changed, by, now, Happening.CONFIRMED, messages, detail=detail)


def mirrored(request: Request, appointment: Appointment, now: datetime) -> Transition | None:
    """A linked request after its appointment changed; None if nothing of it shows. *Unknown* never changes a request."""
    if request.link is None or appointment.state is AppointmentState.UNKNOWN:
        return None
    if appointment.missing_since:
        return _vanished(request, now)
    link = _link(appointment)
    if link == request.link:
        back = replace(request, vanished_at=None)
        return _changed(request, back, SYNC, now, Happening.REAPPEARED, ()) if request.vanished_at else None
    state_changed = link.state is not request.link.state
    settled = link.state is AppointmentState.CANCELLED
    asked_to_cancel_at = None if settled else request.asked_to_cancel_at
    changed = replace(request, link=link, asked_to_cancel_at=asked_to_cancel_at, vanished_at=None)
    what, detail = (Happening.STATE_CHANGED, str(link.state)) if state_changed else (Happening.MOVED, "")
    return _changed(request, changed, SYNC, now, what, (), detail=detail)


def cancelled(
    request: Request,
    by: Actor,
    now: datetime,
    messages: tuple[MessageKind, ...],
    *,
    reason: str = "",
    note_to_patient: str = "",
) -> Transition:
    """A pending request that staff or the patient cancel; its place is free. Raises RequestAlreadyAnswered."""
    if not request.pending:
        raise RequestAlreadyAnswered
    changed = replace(request, state=RequestState.CANCELLED, cancelled_by=by.kind, note_to_patient=note_to_patient)
    return _changed(request, changed, by, now, Happening.CANCELLED, messages, reason=reason)


def asked_to_cancel(request: Request, now: datetime, messages: tuple[MessageKind, ...]) -> Transition:
    """A linked visit that the patient wants cancelled: passed on; place and state stay until the source shows it."""
    if request.link is None or request.asked_to_cancel_at or request.link.state is not AppointmentState.BOOKED:
        raise RequestAlreadyAnswered
    changed = replace(request, asked_to_cancel_at=now)
    return _changed(request, changed, PATIENT, now, Happening.ASKED_TO_CANCEL, messages)


def vanished_dismissed(request: Request, by: Actor, now: datetime) -> Transition:
    """Staff say that a visit which is no longer in the schedule stands. Raises RequestAlreadyAnswered."""
    if request.vanished_at is None:
        raise RequestAlreadyAnswered
    return _changed(request, replace(request, vanished_at=None), by, now, Happening.DISMISSED, ())


def vanished_cancelled(request: Request, by: Actor, now: datetime, messages: tuple[MessageKind, ...]) -> Transition:
    """Staff say that a visit which is no longer in the schedule is cancelled. Raises RequestAlreadyAnswered."""
    if request.vanished_at is None or request.link is None:
        raise RequestAlreadyAnswered
    link = replace(request.link, state=AppointmentState.CANCELLED)
    changed = replace(request, link=link, vanished_at=None, asked_to_cancel_at=None, cancelled_by=by.kind)
    return _changed(request, changed, by, now, Happening.CANCELLED, messages)


def _vanished(request: Request, now: datetime) -> Transition | None:
    """A visit to come that is no longer in the schedule is an item to act on; nobody is told of it."""
    link = request.link
    if link is None or request.vanished_at or link.start <= now or link.state is AppointmentState.CANCELLED:
        return None
    return _changed(request, replace(request, vanished_at=now), SYNC, now, Happening.VANISHED, ())


def expired(request: Request, now: datetime) -> Transition:
    """A pending request whose start passed without an answer. Raises RequestAlreadyAnswered."""
    if not request.pending:
        raise RequestAlreadyAnswered
    return _changed(request, replace(request, state=RequestState.EXPIRED), CLOCK, now, Happening.EXPIRED, ())


def _link(appointment: Appointment) -> Link:
    return Link(appointment.id, appointment.provider_id, appointment.state, appointment.start, appointment.end)


def _due(due: tuple[DueMessage, ...], kinds: tuple[MessageKind, ...], number: int) -> tuple[DueMessage, ...]:
    return (*due, *(DueMessage(f"{number:06d}-{kind}", kind) for kind in kinds))


def _changed(
    before: Request,
    after: Request,
    by: Actor,
    now: datetime,
    what: Happening,
    messages: tuple[MessageKind, ...],
    *,
    detail: str = "",
    reason: str = "",
) -> Transition:
    version = before.version + 1
    due = _due(before.due, messages, version)
    unsent_since = before.unsent_since or (now if due else None)
    entry = TimelineEntry(version, now, by, what, detail, reason)
    return Transition(before, replace(after, version=version, due=due, unsent_since=unsent_since), entry)
