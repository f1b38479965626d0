"""Which messages a change calls for (product section 6). Who sends them is no concern of the rules."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .practices import Switches


class MessageKind(StrEnum):
    """Each kind is one template."""

    RECEIVED_STAFF = "received_staff"
    RECEIVED_PATIENT = "received_patient"
    CONFIRMED_PATIENT = "confirmed_patient"
    CANCELLED_PATIENT = "cancelled_patient"
    RESCHEDULED_PATIENT = "rescheduled_patient"
    CORRECTION_PATIENT = "correction_patient"
    CANCELLED_BY_PATIENT_STAFF = "cancelled_by_patient_staff"
    CANCELLED_BY_PATIENT_RECEIPT = "cancelled_by_patient_receipt"
    ASKED_TO_CANCEL_STAFF = "asked_to_cancel_staff"
    ASKED_TO_CANCEL_RECEIPT = "asked_to_cancel_receipt"

    @property
    def to_staff(self) -> bool:
        """Whether the practice's recipients get it; else the address typed in the request."""
        return self.value.endswith("_staff")


@dataclass(frozen=True, slots=True)
class DueMessage:
    """A message that a change calls for. `id` is unique within its request: the change's number and the kind.

    It is held back until an instant (`not_before`), or while the request awaits pulls (`awaits_pulls`). `old_start` is the time
    that a *rescheduled* tells of as the one before, and the one that the patient knows of a visit that is cancelled.
    """

    id: str
    kind: MessageKind
    not_before: datetime | None = None
    awaits_pulls: bool = False
    old_start: datetime | None = None

    @property
    def held(self) -> bool:
        """Whether it is held back: until whoever sends it lets it go. So long it can be overtaken."""
        return self.awaits_pulls or self.not_before is not None

    def overtaken(self, start: datetime | None, now: datetime) -> bool:
        """Whether the visit began while the message was held: none concerns a start already past (product section 5)."""
        return self.not_before is not None and start is not None and start <= now


class MessageState(StrEnum):
    """How far a message is. *Unsent*: there is no address (staff call). *Uncertain*: two tries ended without an answer."""

    CLAIMED = "claimed"
    SENT = "sent"
    UNSENT = "unsent"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """The state of one message: who holds its claim until when, and what the mail service called it."""

    id: str
    kind: MessageKind
    state: MessageState
    attempts: int
    claimed_until: datetime | None = None
    sent_at: datetime | None = None
    mail_id: str = ""


def on_submit(has_email: bool) -> tuple[MessageKind, ...]:
    """A request was received."""
    return _with_patient(has_email, MessageKind.RECEIVED_STAFF, MessageKind.RECEIVED_PATIENT)


def on_confirm(has_email: bool, switches: Switches) -> tuple[MessageKind, ...]:
    """An appointment answered a request."""
    return (MessageKind.CONFIRMED_PATIENT,) if has_email and switches.confirmed else ()


def on_reschedule(has_email: bool, switches: Switches) -> tuple[MessageKind, ...]:
    """A visit has another time than the patient knows of."""
    return (MessageKind.RESCHEDULED_PATIENT,) if has_email and switches.rescheduled else ()


def on_undo(has_email: bool) -> tuple[MessageKind, ...]:
    """What the patient was told of a visit was wrong."""
    return (MessageKind.CORRECTION_PATIENT,) if has_email else ()


def on_cancel_by_staff(has_email: bool, switches: Switches) -> tuple[MessageKind, ...]:
    """Staff cancelled a request."""
    return (MessageKind.CANCELLED_PATIENT,) if has_email and switches.cancelled else ()


def on_cancel_by_patient(has_email: bool) -> tuple[MessageKind, ...]:
    """A patient cancelled a pending request."""
    return _with_patient(has_email, MessageKind.CANCELLED_BY_PATIENT_STAFF, MessageKind.CANCELLED_BY_PATIENT_RECEIPT)


def on_asked_to_cancel(has_email: bool) -> tuple[MessageKind, ...]:
    """A patient asked to cancel a linked visit."""
    return _with_patient(has_email, MessageKind.ASKED_TO_CANCEL_STAFF, MessageKind.ASKED_TO_CANCEL_RECEIPT)


def _with_patient(has_email: bool, staff: MessageKind, patient: MessageKind) -> tuple[MessageKind, ...]:
    return (staff, patient) if has_email else (staff,)
