"""Which messages a change calls for, and what became of them (product section 6). Who sends them is no concern of the rules."""

from collections.abc import Container, Iterable
from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from .practices import Switches


class MessageKind(StrEnum):
    """Each kind is one template."""

    RECEIVED_STAFF = "received_staff"
    RECEIVED_PATIENT = "received_patient"
    CONFIRMED_PATIENT = "confirmed_patient"
    CANCELLED_PATIENT = "cancelled_patient"
    RESCHEDULED_PATIENT = "rescheduled_patient"
    CORRECTION_PATIENT = "correction_patient"
    NOT_CONFIRMED_PATIENT = "not_confirmed_patient"
    EXPIRED_PATIENT = "expired_patient"
    CANCELLED_BY_PATIENT_STAFF = "cancelled_by_patient_staff"
    CANCELLED_BY_PATIENT_RECEIPT = "cancelled_by_patient_receipt"
    ASKED_TO_CANCEL_STAFF = "asked_to_cancel_staff"
    ASKED_TO_CANCEL_RECEIPT = "asked_to_cancel_receipt"
    UNANSWERED_STAFF = "unanswered_staff"
    UNREACHABLE_STAFF = "unreachable_staff"
    # Of the practice as a whole, not of one request (domain/notices.py):
    DIGEST_STAFF = "digest_staff"
    SOURCE_BROKEN_STAFF = "source_broken_staff"
    SOURCE_WELL_STAFF = "source_well_staff"
    TEST_STAFF = "test_staff"

    @property
    def to_staff(self) -> bool:
        """Whether the practice's recipients get it; else the address typed in the request."""
        return self.value.endswith("_staff")

    @property
    def of_practice(self) -> bool:
        """Whether it concerns the practice as a whole."""
        return self in _OF_PRACTICE


_OF_PRACTICE = frozenset(
    (MessageKind.DIGEST_STAFF, MessageKind.SOURCE_BROKEN_STAFF, MessageKind.SOURCE_WELL_STAFF, MessageKind.TEST_STAFF)
)
TELL_A_VISIT = frozenset((MessageKind.CONFIRMED_PATIENT, MessageKind.RESCHEDULED_PATIENT))
"""What makes a patient expect a visit, and brings a calendar file."""
OF_A_VISIT = TELL_A_VISIT | {MessageKind.CANCELLED_PATIENT, MessageKind.CORRECTION_PATIENT}
"""What tells a patient of a visit, or takes it back."""
TAKE_BACK = OF_A_VISIT - TELL_A_VISIT
"""After which a patient expects no visit of which they were told before."""
SAY_NO_VISIT = frozenset(
    (
        MessageKind.NOT_CONFIRMED_PATIENT,
        MessageKind.CANCELLED_PATIENT,
        MessageKind.CORRECTION_PATIENT,
        MessageKind.EXPIRED_PATIENT,
    )
)
"""What nobody must be told any more once there is a visit."""
SAY_NOT_CONFIRMED = frozenset((MessageKind.NOT_CONFIRMED_PATIENT, MessageKind.CORRECTION_PATIENT))
"""What tells whoever waits for an answer not to come."""
_WHILE_PENDING = frozenset((MessageKind.UNANSWERED_STAFF, MessageKind.NOT_CONFIRMED_PATIENT))
_BEFORE_THE_START = OF_A_VISIT | {MessageKind.RECEIVED_PATIENT, MessageKind.NOT_CONFIRMED_PATIENT}
"""What is not said any more once the visit, or the time that was asked for, has begun."""
_SEEN_ON_THE_PAGE = frozenset(
    (
        MessageKind.RECEIVED_PATIENT,
        MessageKind.CANCELLED_BY_PATIENT_RECEIPT,
        MessageKind.ASKED_TO_CANCEL_RECEIPT,
    )
)
"""What the patient's own page said, when they did it."""


class DueMessage(Struct, frozen=True):
    """A message that a change calls for, or the time. `id` is unique within its request and sorts by when it became due: the
    number of the change (and, of what became due after it without another, of the write) and the kind.

    It is held back until an instant (`not_before`), or while the request awaits pulls (`awaits_pulls`). `old_start` is the time
    that a *rescheduled* tells of as the one before, and the one that the patient knows of a visit that is cancelled. `corrects`
    is the cancellation that a *correction* takes back, where the patient knows of one.
    """

    id: str
    kind: MessageKind
    not_before: datetime | None = None
    awaits_pulls: bool = False
    old_start: datetime | None = None
    corrects: str = ""

    @property
    def change(self) -> int:
        """The number of the change that called for it: the version that the request had then."""
        return int(self.id.partition("-")[0].partition("_")[0])

    @property
    def held(self) -> bool:
        """Whether it is held back: until whoever sends it lets it go. So long it can be overtaken."""
        return self.awaits_pulls or self.not_before is not None

    def overtaken(self, start: datetime | None, now: datetime) -> bool:
        """Whether the visit began while the message was held: none concerns a start already past (product section 5)."""
        return self.not_before is not None and start is not None and start <= now


class MessageState(StrEnum):
    """How far a message is. *Unsent*: it cannot be sent (staff call). *Uncertain*: its tries ended without an answer
    (staff call), or one did before it was overtaken. *Overtaken*: what happened since made it wrong before it went out.
    """

    CLAIMED = "claimed"
    SENT = "sent"
    UNSENT = "unsent"
    UNCERTAIN = "uncertain"
    OVERTAKEN = "overtaken"


class Delivery(StrEnum):
    """What came back of a message, the later word the stronger: a bounce may follow a delivery, a complaint either."""

    NOTHING = ""
    DELAYED = "delayed"
    DELIVERED = "delivered"
    REJECTED = "rejected"
    BOUNCED = "bounced"
    COMPLAINED = "complained"

    def after(self, other: "Delivery") -> bool:
        """Whether it says more than another word."""
        order = list(Delivery)
        return order.index(self) > order.index(other)

    @property
    def failed(self) -> bool:
        """Whether the person does not have the message, or does not want any."""
        return self in (Delivery.REJECTED, Delivery.BOUNCED, Delivery.COMPLAINED)


class Why(StrEnum):
    """Why somebody could not be told by mail."""

    NO_ADDRESS = "no_address"
    SUPPRESSED = "suppressed"
    REFUSED = "refused"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    UNCERTAIN = "uncertain"
    """Its tries ended without an answer: it may have arrived."""
    AWAY = "away"
    """Mail is away, and the visit is soon: it goes out as soon as it can."""

    @property
    def unsure(self) -> bool:
        """Whether the message may have arrived all the same, or may yet."""
        return self in (Why.UNCERTAIN, Why.AWAY)


class MessageRecord(Struct, frozen=True):
    """The state of one message: who holds its claim until when, what the mail service called it, and what came back of it.

    `stopped` are the marks of the addresses that get no mail since this message came back from them (domain/suppression.py).
    `attempts` counts the claims of which nobody wrote how they ended, `silent` those that ended without an answer; `broke`: one
    was answered with a fault of the mail service's own. Of all these nobody knows whether they sent it.
    `version` counts how often it was written; 0 of one that was stored before this was counted. `one_by_one`: the mail
    service refused to send it to all recipients at once; `handed` are the marks of those who have it already.
    `old_start` is that of the message as it was written (DueMessage), `away_since` when the service first did not take it.
    """

    id: str
    kind: MessageKind
    state: MessageState
    attempts: int
    claimed_until: datetime | None = None
    sent_at: datetime | None = None
    mail_id: str = ""
    why: Why | None = None
    delivery: Delivery = Delivery.NOTHING
    reported_at: datetime | None = None
    stopped: tuple[str, ...] = ()
    version: int = 0
    one_by_one: bool = False
    handed: tuple[str, ...] = ()
    old_start: datetime | None = None
    silent: int = 0
    broke: bool = False
    away_since: datetime | None = None

    @property
    def may_have_gone(self) -> bool:
        """Whether it was handed over at least once, and nobody knows what became of it."""
        return bool(self.attempts or self.silent or self.broke)

    @property
    def has_missed(self) -> bool:
        """Whether the patient does not have it for certain: whoever complains of a message has it."""
        back = self.delivery in (Delivery.REJECTED, Delivery.BOUNCED)
        return self.state in (MessageState.UNSENT, MessageState.OVERTAKEN) or back

    @property
    def is_to_call(self) -> bool:
        """Whether staff have to say by phone what it did not."""
        return self.why is not None and needs_call(self.kind, self.why)


class CallTask(Struct, frozen=True):
    """*Call patient*: what has to be said because the message `id` did not reach the patient, or nobody knows. Staff close it."""

    id: str
    kind: MessageKind
    why: Why
    since: datetime
    old_start: datetime | None = None


def needs_call(kind: MessageKind, why: Why) -> bool:
    """Whether staff have to call: not for what the patient saw on the page, unless they think that they will be written to."""
    if kind.to_staff:
        return False
    is_missed = kind is MessageKind.RECEIVED_PATIENT and why not in (Why.NO_ADDRESS, Why.AWAY)
    return kind not in _SEEN_ON_THE_PAGE or is_missed


def overtaken(
    due: DueMessage,
    later: Iterable[DueMessage],
    told: Iterable[MessageKind],
    pending: bool,
    start: datetime | None,
    now: datetime,
) -> bool:
    """Whether a message that was not sent yet would be wrong now.

    `later` are those that became due after it, `told` the kinds that the patient has, or may have; `start` is when the visit is.
    """
    follows = {one.kind for one in later if not one.held}
    if due.kind in _WHILE_PENDING and not pending:
        return True
    if due.kind in _BEFORE_THE_START:
        of = due.old_start if due.kind in (MessageKind.CANCELLED_PATIENT, MessageKind.CORRECTION_PATIENT) else None
        known = of or start
        if known is not None and known <= now:
            return True  # no message but *expired* concerns a start already past
    if due.kind in TELL_A_VISIT and follows & OF_A_VISIT:
        return True
    if due.kind is MessageKind.CANCELLED_PATIENT and follows & TELL_A_VISIT:
        return True
    known_to_come = bool(TELL_A_VISIT & (has := set(told)))
    if due.kind is MessageKind.CORRECTION_PATIENT:
        return not known_to_come  # there is nothing to correct
    if due.kind is MessageKind.EXPIRED_PATIENT:
        return known_to_come and MessageKind.CORRECTION_PATIENT not in has  # whoever was told to come has been there
    return due.kind is MessageKind.RECEIVED_PATIENT and any(
        not kind.to_staff and kind is not MessageKind.RECEIVED_PATIENT for kind in follows
    )


def as_known(
    due: DueMessage,
    records: Iterable[MessageRecord],
    told: Iterable[MessageKind],
    by_phone: Container[str],
    asked: datetime | None,
    start: datetime | None,
) -> DueMessage:
    """A message for somebody who did not get those that were dropped before it: what they know is what they knew before the first
    one.

    `told` are the kinds that they have, or may have, of all `records`; of those `by_phone` staff told them what they say. `asked`
    is the time that they asked for, `start` when the visit is now. Whom nobody told of a visit knows no time of one that is
    cancelled.
    """
    if due.kind is MessageKind.CANCELLED_PATIENT and not TELL_A_VISIT & set(told):
        return replace(due, old_start=None)
    went, dropped = _of_the_visit(due, records, by_phone)
    if due.kind in TAKE_BACK and dropped:
        # What was to take the visit back before, and perhaps did not arrive, names the time that they know.
        known = went.old_start if went and went.kind in TAKE_BACK else None
        return replace(due, old_start=known or dropped[0].old_start or due.old_start)
    first = next((one for one in dropped if one.kind in TELL_A_VISIT), None)
    if first is None or due.kind is not MessageKind.RESCHEDULED_PATIENT:
        return due
    expects = TELL_A_VISIT & set(told) and not (went and went.kind in TAKE_BACK)
    if expects and first.kind is MessageKind.RESCHEDULED_PATIENT:
        return replace(due, old_start=first.old_start or due.old_start)
    if asked is None or asked == start:
        return replace(due, kind=MessageKind.CONFIRMED_PATIENT, old_start=None)
    return replace(due, old_start=asked)


def _of_the_visit(
    due: DueMessage, records: Iterable[MessageRecord], by_phone: Container[str]
) -> tuple[MessageRecord | None, list[MessageRecord]]:
    """What was said last of a request's visit before a message, and what was dropped since, in its order."""
    went, dropped = None, list[MessageRecord]()
    for one in sorted(records, key=lambda one: one.id):
        if one.kind not in OF_A_VISIT or one.id >= due.id:
            continue
        if one.state is MessageState.OVERTAKEN and one.id not in by_phone:
            dropped.append(one)
        else:
            went, dropped = one, []
    return went, dropped


def instead_of_correcting(
    due: DueMessage, told: Iterable[MessageKind], cancelled: bool, switches: Switches
) -> DueMessage:
    """Where nobody told of the visit there is nothing to correct: of a request that staff `cancelled` the patient hears that."""
    if due.kind is not MessageKind.CORRECTION_PATIENT or not cancelled or TELL_A_VISIT & set(told):
        return due
    return next((replace(due, kind=kind, old_start=None) for kind in on_cancel_by_staff(switches)), due)


def waits_for(due: DueMessage, later: Iterable[DueMessage]) -> bool:
    """Whether a message that tells of a visit waits for what is still held: it may be wrong by the time that is let go."""
    return due.kind in TELL_A_VISIT and any(one.held and one.kind in OF_A_VISIT for one in later)


def on_submit(has_email: bool) -> tuple[MessageKind, ...]:
    """A request was received."""
    return _with_patient(has_email, MessageKind.RECEIVED_STAFF, MessageKind.RECEIVED_PATIENT)


def on_confirm(switches: Switches) -> tuple[MessageKind, ...]:
    """An appointment answered a request."""
    return (MessageKind.CONFIRMED_PATIENT,) if switches.confirmed else ()


def on_reschedule(switches: Switches) -> tuple[MessageKind, ...]:
    """A visit has another time than the patient knows of."""
    return (MessageKind.RESCHEDULED_PATIENT,) if switches.rescheduled else ()


def on_undo() -> tuple[MessageKind, ...]:
    """What the patient was told of a visit was wrong."""
    return (MessageKind.CORRECTION_PATIENT,)


def on_cancel_by_staff(switches: Switches) -> tuple[MessageKind, ...]:
    """Staff cancelled a request."""
    return (MessageKind.CANCELLED_PATIENT,) if switches.cancelled else ()


def on_expire(switches: Switches) -> tuple[MessageKind, ...]:
    """A request's start passed without an answer."""
    return (MessageKind.EXPIRED_PATIENT,) if switches.expired else ()


def on_cancel_by_patient(has_email: bool) -> tuple[MessageKind, ...]:
    """A patient cancelled a pending request."""
    return _with_patient(has_email, MessageKind.CANCELLED_BY_PATIENT_STAFF, MessageKind.CANCELLED_BY_PATIENT_RECEIPT)


def on_asked_to_cancel(has_email: bool) -> tuple[MessageKind, ...]:
    """A patient asked to cancel a linked visit."""
    return _with_patient(has_email, MessageKind.ASKED_TO_CANCEL_STAFF, MessageKind.ASKED_TO_CANCEL_RECEIPT)


def _with_patient(has_email: bool, staff: MessageKind, patient: MessageKind) -> tuple[MessageKind, ...]:
    """Without an address the patient's page has said it already, and there is nobody to call."""
    return (staff, patient) if has_email else (staff,)
