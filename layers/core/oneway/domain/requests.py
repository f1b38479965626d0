"""A request: what a patient asked for online, and the life it leads (product section 1)."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from .appointments import AppointmentState, RecordPatient
from .errors import RequestAlreadyAnswered
from .messages import (
    OF_A_VISIT,
    SAY_NO_VISIT,
    SAY_NOT_CONFIRMED,
    TELL_A_VISIT,
    CallTask,
    DueMessage,
    MessageKind,
    MessageRecord,
    MessageState,
    Why,
    needs_call,
    overtaken,
)

SWEPT_AFTER = timedelta(minutes=2)
"""Messages that are unsent for so long are put on the queue again."""
LOOKED_AGAIN = timedelta(hours=1)
"""What staff have to decide the clock does not look at each minute."""
CALLED_AFTER = timedelta(minutes=10)
"""So long mail of a visit that is soon waits for the mail service before staff are told to call."""
UNTOLD = frozenset((Why.NO_ADDRESS, Why.AWAY))
"""Why staff have to call without a message that says so: they have heard, or mail is away."""


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


class Actor(Struct, frozen=True):
    """Who caused a change; `name` is a staff member's e-mail."""

    kind: ActorKind
    name: str = ""


PATIENT = Actor(ActorKind.PATIENT)
SYNC = Actor(ActorKind.SYNC)
CLOCK = Actor(ActorKind.CLOCK)


class Patient(Struct, frozen=True):
    """Who the visit is for, as typed; `mobile` in E.164 beside `mobile_as_typed`, `email` as typed."""

    first_name: str
    last_name: str
    birth_date: date
    mobile: str | None
    email: str | None
    mobile_as_typed: str = ""


class Booker(Struct, frozen=True):
    """Who asks for somebody else: the contacts and the greeting are theirs."""

    first_name: str
    last_name: str
    relation: str


class RequestedSlot(Struct, frozen=True):
    """The place that a request holds: [start, end) in UTC."""

    start: datetime
    end: datetime


class PartOfDay(StrEnum):
    """Before noon, before 17:00, after it: the local time of a start."""

    MORNING = "morning"
    AFTERNOON = "afternoon"
    EVENING = "evening"

    @classmethod
    def of(cls, hour: int) -> "PartOfDay":
        """The part in which an hour of the clock lies."""
        return cls.MORNING if hour < 12 else cls.AFTERNOON if hour < 17 else cls.EVENING


class PreferredTimes(Struct, frozen=True):
    """When a visit would suit whoever found no time: local days in order, and parts of the day (none: any). The days span
    [begins, ends), in UTC.
    """

    days: tuple[date, ...]
    parts: tuple[PartOfDay, ...]
    begins: datetime
    ends: datetime


class Belief(StrEnum):
    """What the patient of a linked request takes for true: what differs from it is news."""

    WAITS = "waits"
    """It was asked for, and not answered yet."""
    EXPECTS = "expects"
    """There is a visit."""
    CANCELLED = "cancelled"
    """There was a visit, and it is cancelled."""
    ENDED = "ended"
    """The request had ended before a visit came late, of which nothing is told."""


class Knowledge(Struct, frozen=True):
    """What the patient was told; `start` is when they expect the visit."""

    belief: Belief = Belief.WAITS
    start: datetime | None = None


class Link(Struct, frozen=True):
    """The appointment that answers a request, as last seen.

    `before` is the request's state before it was linked. The patient `knows` what the message `told` says ("": none was due) once
    that is no longer held, and `knew` something else before. `location` is the source's id of the visit's own place ("": it says
    none). `former` is what the request was linked to before this visit took that one's place.
    """

    appointment_id: str
    provider_id: str
    state: AppointmentState
    start: datetime
    end: datetime
    before: RequestState = RequestState.REQUESTED
    told: str = ""
    knows: Knowledge = Knowledge()
    knew: Knowledge = Knowledge()
    location: str = ""
    former: "Former | None" = None


class Former(Struct, frozen=True):
    """A visit of which another took the place: the link to it as it was then, and whose visit it was."""

    link: Link
    whose: RecordPatient | None = None


class AwaitedPulls(Struct, frozen=True):
    """So many good pulls, that begin after `since`, may still show the visit that takes the place of a cancelled one."""

    pulls_left: int
    since: datetime


class Dismissal(Struct, frozen=True):
    """An appointment that staff say is not the answer, while its patient's identifiers stay as they were (a digest)."""

    appointment_id: str
    identifiers: str


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
    ACCEPTED = "accepted"
    NOT_THIS = "not_this"
    PERHAPS_THIS = "perhaps_this"
    UNDONE = "undone"
    RESCHEDULED = "rescheduled"
    CAME_LATE = "came_late"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    UNREACHABLE = "unreachable"
    CALLED = "called"
    ADDRESS_AGAIN = "address_again"


class TimelineEntry(Struct, frozen=True):
    """One change of a request: when, who, what, why. `number` is the request's version after it.

    `detail` is a short machine word (a state, "other_provider"); `reason` is staff's internal reason.
    """

    number: int
    at: datetime
    actor: Actor
    what: Happening
    detail: str = ""
    reason: str = ""


class Request(Struct, frozen=True):
    """What a patient asked for online.

    `slot` is None for a request without a time, which has `preferred` times instead and holds no place. `version` rises by
    one with every change, `settled` with every other write: both together say whether it is still as it was read. `due` are
    messages that the changes so far call for and that are not known to be sent; `unsent_since` is when the oldest of them
    became due. While it waits for an answer, or for its visit to be entered anew, the clock looks at it at `look_at`
    (domain/waiting.py); `anew_at` is since when a visit may be the one that was cancelled; `nudged_at` and
    `warned_at` are when staff were reminded, and the patient was told not to come. `call` is what staff have to tell the
    patient by phone; `told_by_phone` are the messages that they told so. `replaced_by` is the id of the request that its
    patient sent in its place. `fingerprint` is a digest of the payload, to tell a
    repeated submit from a reused key.
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
    suspended_at: datetime | None = None
    anew_at: datetime | None = None
    cancelled_by: ActorKind | None = None
    dismissals: tuple[Dismissal, ...] = ()
    awaited: AwaitedPulls | None = None
    note_to_patient: str = ""
    link_generation: int = 1
    version: int = 1
    due: tuple[DueMessage, ...] = ()
    unsent_since: datetime | None = None
    look_at: datetime | None = None
    nudged_at: datetime | None = None
    warned_at: datetime | None = None
    call: CallTask | None = None
    told_by_phone: tuple[str, ...] = ()
    preferred: PreferredTimes | None = None
    settled: int = 0
    replaced_by: str = ""

    @property
    def pending(self) -> bool:
        """Whether it waits for an answer, and so holds its place."""
        return self.state is RequestState.REQUESTED

    @property
    def to_act(self) -> bool:
        """Whether it stands in Action required."""
        asks = self.asked_to_cancel_at or self.vanished_at or self.suspended_at
        asks = asks or (self.anew_at if self.may_be_anew else None)
        return self.pending or asks is not None or self.moving or self.call is not None

    @property
    def call_to_make(self) -> CallTask | None:
        """What staff have to tell the patient by phone now: nothing of a visit that may be another person's, until they have said
        whose it is.
        """
        return None if self.suspended_at and self.call and self.call.kind in OF_A_VISIT else self.call

    @property
    def moving(self) -> bool:
        """Whether staff cancelled it because it is *moved to another time*, which is still looked for."""
        return self.state is RequestState.CANCELLED and self.awaited is not None

    @property
    def may_be_anew(self) -> bool:
        """Whether the visit that it is linked to is cancelled, or no longer in the schedule: it may be entered anew."""
        if self.link is None or self.suspended_at:
            return False
        return self.link.state is AppointmentState.CANCELLED or self.vanished_at is not None

    @property
    def looked_at(self) -> datetime | None:
        """When the clock looks at it."""
        return self.look_at if self.pending or self.may_be_anew else None

    @property
    def closed(self) -> bool:
        """Whether it ended without a visit; one may come late."""
        return self.state in (RequestState.CANCELLED, RequestState.EXPIRED)

    @property
    def ended(self) -> bool:
        """Whether it ended for good, so that a visit that answers it comes late."""
        return self.closed and not self.moving

    @property
    def start(self) -> datetime | None:
        """When the visit is: the appointment's time once linked, else the requested one."""
        if self.link:
            return self.link.start
        return self.slot.start if self.slot else None

    def takes(self, provider_id: str, start: datetime, end: datetime) -> bool:
        """Whether it, or the visit that answers it for certain, takes a part of a provider's [start, end)."""
        if self.link:
            held = self.link.provider_id, self.link.start, self.link.end
            certain = self.link.state is not AppointmentState.CANCELLED and self.suspended_at is None
        elif self.slot and self.pending:
            held, certain = (self.provider_id, self.slot.start, self.slot.end), True
        else:
            return False
        return certain and held[0] == provider_id and held[1] < end and start < held[2]

    @property
    def listed_at(self) -> datetime:
        """Where it stands among others by time: at its start or, without one, at its first preferred day."""
        return self.start or (self.preferred.begins if self.preferred else self.created_at)

    @property
    def stands_at(self) -> datetime | None:
        """Where it stands in the lists of visits, until one stands there for it: at the requested start or, of one without that
        ended, on the last preferred day. Before, one without a start stands in Action required alone.
        """
        if self.link:
            return None
        if self.slot:
            return self.slot.start
        return self.preferred.ends - timedelta(minutes=1) if self.preferred and self.ended else None

    @property
    def expires_at(self) -> datetime:
        """When it can no longer be answered: its start has come or, without one, its last preferred day is over."""
        if self.slot:
            return self.slot.start
        return self.preferred.ends if self.preferred else self.created_at

    @property
    def shown_state(self) -> str:
        """The word that pages and messages translate: a request's own state or, linked, its appointment's."""
        return self.link.state if self.link else self.state


def sought(request: Request) -> Request:
    """A request as whoever looks for its answer has to read it: where its visit is cancelled, that one's time and provider stand
    for what was asked for.
    """
    link = request.link
    if link is None:
        return request
    return replace(request, link=None, slot=RequestedSlot(link.start, link.end), provider_id=link.provider_id)


class Transition(Struct, frozen=True):
    """A request before and after one change, and the timeline entry that tells of it."""

    before: Request | None
    after: Request
    entry: TimelineEntry


def submitted(request: Request, messages: tuple[MessageKind, ...]) -> Transition:
    """The birth of a request."""
    due = due_now(None, messages)
    after = replace(request, due=due, unsent_since=request.created_at if due else None)
    return Transition(None, after, TimelineEntry(1, request.created_at, PATIENT, Happening.ASKED))


def cancelled(
    request: Request,
    by: Actor,
    now: datetime,
    messages: tuple[MessageKind, ...],
    *,
    reason: str = "",
    note_to_patient: str = "",
    awaited: AwaitedPulls | None = None,
) -> Transition:
    """A pending request that staff or the patient cancel; its place is free. The messages wait for pulls that are `awaited`.

    Raises RequestAlreadyAnswered.
    """
    if not request.pending:
        raise RequestAlreadyAnswered
    after = replace(
        request,
        state=RequestState.CANCELLED,
        cancelled_by=by.kind,
        note_to_patient=note_to_patient,
        awaited=awaited,
        call=None if by.kind is ActorKind.PATIENT else request.call,  # whoever cancels knows
    )
    due = due_now(request, messages, awaits_pulls=awaited is not None)
    return changed(request, with_true_call(after, due), by, now, Happening.CANCELLED, due, reason=reason)


def may_cancel(request: Request, now: datetime) -> bool:
    """Whether the patient can cancel a request, or ask to: of a confirmed visit until it begins."""
    if request.link is None:
        return request.pending
    booked = request.link.state is AppointmentState.BOOKED and request.link.start > now
    return booked and request.asked_to_cancel_at is None


def asked_to_cancel(request: Request, now: datetime, messages: tuple[MessageKind, ...]) -> Transition:
    """A linked visit that the patient wants cancelled: passed on; place and state stay until the source shows it.

    Raises RequestAlreadyAnswered.
    """
    if request.pending or not may_cancel(request, now):
        raise RequestAlreadyAnswered
    after = replace(request, asked_to_cancel_at=now)
    return changed(request, after, PATIENT, now, Happening.ASKED_TO_CANCEL, due_now(request, messages))


def expired(request: Request, now: datetime, messages: tuple[MessageKind, ...] = ()) -> Transition:
    """A pending request whose start passed without an answer. Raises RequestAlreadyAnswered."""
    if not request.pending:
        raise RequestAlreadyAnswered
    due = due_now(request, messages)
    after = with_true_call(replace(request, state=RequestState.EXPIRED), due)
    return changed(request, after, CLOCK, now, Happening.EXPIRED, due)


def unreachable(request: Request, task: CallTask, records: Iterable[MessageRecord], now: datetime) -> Transition | None:
    """A message came back: staff have to call, and are told so once. None if they know of this message already, if the patient
    has a newer one of `records`, or if what it said is no longer so: it may come back hours after it went out.
    """
    call = request.call
    if call and (call.id > task.id or (call.id == task.id and not call.why.unsure)):
        return None
    if _is_outdated(request, task, list(records), now):
        return None
    told = () if call and call.why not in UNTOLD else (MessageKind.UNREACHABLE_STAFF,)
    after = replace(request, call=task)
    return changed(request, after, SYNC, now, Happening.UNREACHABLE, due_now(request, told), detail=str(task.why))


def _is_outdated(request: Request, task: CallTask, records: Sequence[MessageRecord], now: datetime) -> bool:
    """Whether to tell now what a message said would contradict what the patient knows, or what is so."""
    if any(one.id > task.id and _is_told(one) for one in records) or not still_so(request, task.kind):
        return True
    later = [one for one in request.due if one.id > task.id]
    told = [one.kind for one in records if one.state is not MessageState.OVERTAKEN]
    due = DueMessage(task.id, task.kind, old_start=task.old_start)
    return overtaken(due, later, told, request.pending, request.start, now)


def _is_told(record: MessageRecord) -> bool:
    """Whether the patient has a message, or staff had to tell it by phone."""
    if record.kind.to_staff:
        return False
    return record.state is MessageState.SENT or record.is_to_call


def still_so(request: Request, kind: MessageKind) -> bool:
    """Whether what a message to the patient says is so now. While a cancelled visit may still be entered anew, nothing was said
    of the cancellation yet.
    """
    link = request.link
    comes = link is not None and link.state is not AppointmentState.CANCELLED
    if kind in TELL_A_VISIT:
        return comes or (link is not None and request.awaited is not None)
    if kind in (MessageKind.RECEIVED_PATIENT, MessageKind.NOT_CONFIRMED_PATIENT):
        return request.pending
    if kind is MessageKind.CANCELLED_PATIENT and request.pending:
        return False
    return not (kind in SAY_NO_VISIT and comes)


def with_true_call(request: Request, due: Collection[DueMessage]) -> Request:
    """A request whose staff are not to tell by phone what is no longer so. Where a message is due, it takes the place of the call
    once it went out, or did not; a visit is never said not to be meanwhile.
    """
    call = request.call
    if call is None or still_so(request, call.kind) or (due and call.kind not in SAY_NO_VISIT):
        return request
    # What nobody has said by phone the clock says again, once there is no visit after all.
    warned_at = None if call.kind in SAY_NOT_CONFIRMED else request.warned_at
    return replace(request, call=None, warned_at=warned_at)


def reached(request: Request, message_id: str) -> Request:
    """A request once it is known that a message went out of which nobody knew; the same one if nobody was asked to call."""
    call = request.call
    return replace(request, call=None) if call and call.id == message_id and call.why.unsure else request


def called(request: Request, by: Actor, now: datetime, task_id: str) -> Transition | None:
    """Staff called the patient; None if there is no such task any more."""
    if request.call is None or request.call.id != task_id:
        return None
    after = replace(request, call=None, told_by_phone=(*request.told_by_phone, task_id))
    return changed(request, after, by, now, Happening.CALLED)


def address_again(request: Request, by: Actor, now: datetime) -> Transition:
    """Staff say that mail to the patient's address arrives again, or is wanted again."""
    return changed(request, request, by, now, Happening.ADDRESS_AGAIN)


def with_new_link(request: Request) -> Request:
    """A request that no private link opens which was made before."""
    return replace(request, link_generation=request.link_generation + 1)


def with_call_after(request: Request, due: DueMessage, record: MessageRecord, now: datetime) -> Request:
    """A request after one of its messages went out, or did not: with what staff have to tell by phone, the newest only."""
    call = request.call
    match record.state:
        case MessageState.SENT if call and call.id < due.id and not due.kind.to_staff:
            return replace(request, call=None)  # the patient has the newer message
        case MessageState.SENT:
            return reached(request, due.id)
        case MessageState.OVERTAKEN | MessageState.UNCERTAIN if (
            call and call.id == due.id and call.why is Why.AWAY and not record.why
        ):
            return replace(request, call=None)  # there is nothing to tell any more, or it is too late for it
        case MessageState.OVERTAKEN if (
            call and due.kind is MessageKind.CORRECTION_PATIENT and call.kind in TELL_A_VISIT
        ):
            return replace(request, call=None)  # nobody has told of the visit, and nobody has to
        case MessageState.UNSENT | MessageState.UNCERTAIN if record.why and needs_call(due.kind, record.why):
            return to_call(request, CallTask(due.id, record.kind, record.why, now, record.old_start))
    return request


def with_warning_after(
    request: Request, record: MessageRecord, told: Collection[MessageKind], now: datetime
) -> Request:
    """A request after one of its messages was dropped: where that was to say that nobody has confirmed the visit, and nothing
    that was `told` says so, the clock has to.
    """
    dropped = record.state is MessageState.OVERTAKEN and record.kind in SAY_NOT_CONFIRMED
    if not dropped or MessageKind.NOT_CONFIRMED_PATIENT in told:
        return request
    return replace(
        request, warned_at=None, look_at=looked_at_soon(request, now) if request.pending else request.look_at
    )


def looked_at_soon(request: Request, now: datetime) -> datetime:
    """When the clock looks again: now, but it still knows of a request that it has yet to look at for the first time."""
    return request.created_at if request.look_at == request.created_at else now


def to_call(request: Request, task: CallTask) -> Request:
    """A request whose patient has to be called about a message that was not sent; the newest says what to tell."""
    call = request.call
    if task.id in request.told_by_phone or (call and call.id > task.id):
        return request
    is_known = call and call.id == task.id and (call.why is task.why or not call.why.unsure)
    return request if is_known else replace(request, call=task)


def with_call_meanwhile(request: Request, record: MessageRecord, now: datetime) -> Request:
    """A request of a visit that is soon, of which the mail service does not take a message: staff have to call where it has been
    away for so long that it may be away until the visit begins. The same one if they have not (yet), or know.
    """
    since = record.away_since
    is_away = record.state is MessageState.CLAIMED and since is not None and now - since >= CALLED_AFTER
    if not is_away or not needs_call(record.kind, Why.AWAY) or not still_so(request, record.kind):
        return request
    if not any(one is not None and one > now for one in (record.old_start, request.start)):
        return request
    return to_call(request, CallTask(record.id, record.kind, Why.AWAY, now, record.old_start))


def changed(
    before: Request,
    after: Request,
    by: Actor,
    now: datetime,
    what: Happening,
    messages: Iterable[DueMessage] = (),
    *,
    detail: str = "",
    reason: str = "",
) -> Transition:
    """The transition from one to the other, which calls for `messages` besides those that `after` has due."""
    version = before.version + 1
    due = (*after.due, *messages)
    after = with_due(replace(after, version=version), due, now)
    return Transition(before, after, TimelineEntry(version, now, by, what, detail, reason))


def due_now(before: Request | None, kinds: Iterable[MessageKind], **hold: Any) -> tuple[DueMessage, ...]:
    """Messages of the next change; `hold` says what holds them back (fields of DueMessage)."""
    number = before.version + 1 if before else 1
    return tuple(DueMessage(f"{number:06d}-{kind}", kind, **hold) for kind in kinds)


def due_meanwhile(request: Request, kinds: Iterable[MessageKind]) -> tuple[DueMessage, ...]:
    """Messages that become due without a change of the request: after those of the last one, before those of the next."""
    return tuple(DueMessage(f"{request.version:06d}_{request.settled + 1:06d}-{kind}", kind) for kind in kinds)


def with_due(request: Request, due: Iterable[DueMessage], now: datetime) -> Request:
    """A request with these messages due. Since when it is unsent brings the sweep by: of a message that is held until an
    instant, just then; while pulls are awaited, again and again.
    """
    due = tuple(due)
    since = [one.not_before - SWEPT_AFTER if one.not_before else now for one in due]
    if request.awaited:
        since.append(now - SWEPT_AFTER)
    return replace(request, due=due, unsent_since=min(since, default=None))
