"""What the patient gets if staff cancel a request, or a visit that vanished, before they do: by the rules and templates that the
message is made with.
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from ..domain import linking, messages
from ..domain.messages import DueMessage, MessageKind
from ..domain.practices import Practice
from ..domain.requests import Actor, ActorKind, Belief, Request, RequestState
from ..ports import Letter, LetterWriter
from .cancel_request import DUPLICATE, MOVED


class Follows(StrEnum):
    """What follows for the patient."""

    MAIL = "mail"
    BOTH_TIMES = "both_times"
    """A mail with the time that was asked for and the one there is."""
    CONFIRMED = "confirmed"
    """A mail with the time there is, to whom asked for no certain one."""
    DUPLICATE = "duplicate"
    SWITCH_OFF = "switch_off"
    MOVED_OFF = "moved_off"
    CONFIRMED_OFF = "confirmed_off"
    NO_EMAIL = "no_email"
    SUPPRESSED = "suppressed"
    """Mail to the address came back, or was not wanted."""
    PAST = "past"
    """No message but *expired* concerns a start already past (product section 5)."""
    UNEXPECTED = "unexpected"
    """The patient knows of no visit that could be cancelled."""

    @property
    def is_mail(self) -> bool:
        """Whether the patient gets a message."""
        return self in (Follows.MAIL, Follows.BOTH_TIMES, Follows.CONFIRMED)


class CancelPreview(Struct, frozen=True):
    """What follows, and the message if there is one. Of what is *moved to another time* this is so unless one of the next pulls
    shows the visit: then `if_found`.
    """

    follows: Follows
    letter: Letter | None = None
    if_found: Follows | None = None


class PreviewCancel(Struct, frozen=True):
    """Renders and decides as the cancellation will; nothing is written. `open_writer` is called only where there is a message."""

    open_writer: Callable[[], LetterWriter]

    def __call__(
        self,
        practice: Practice,
        request: Request,
        reason: str,
        note_to_patient: str,
        now: datetime,
        *,
        suppressed: bool = False,
    ) -> CancelPreview:
        """The message that would go out now; none to an address that is `suppressed`."""
        follows = _follows(practice, request, reason, now, suppressed)
        if_found = _if_found(practice, request, suppressed) if reason == MOVED else None
        if follows is not Follows.MAIL:
            return CancelPreview(follows, if_found=if_found)
        after = replace(
            request,
            state=RequestState.CANCELLED,
            cancelled_by=ActorKind.STAFF,
            note_to_patient=note_to_patient,
            version=request.version + 1,
        )
        due = DueMessage(f"{after.version:06d}-{MessageKind.CANCELLED_PATIENT}", MessageKind.CANCELLED_PATIENT)
        return CancelPreview(follows, self.open_writer()(due, practice, after), if_found)


def follows_of_vanished(practice: Practice, request: Request, now: datetime, *, suppressed: bool) -> Follows:
    """What follows if staff say that a visit which is no longer in the schedule is cancelled. Raises RequestAlreadyAnswered."""
    after = linking.vanished_cancelled(request, Actor(ActorKind.STAFF), now, practice.switches).after
    due = next((one for one in after.due if one.kind is MessageKind.CANCELLED_PATIENT and one not in request.due), None)
    start = (due.old_start if due else None) or request.start
    if start is not None and start <= now:
        return Follows.PAST
    if due is not None:
        return _unreached(request, suppressed) or Follows.MAIL
    known = request.link.knows.belief if request.link else Belief.ENDED
    return Follows.SWITCH_OFF if known in (Belief.WAITS, Belief.EXPECTS) else Follows.UNEXPECTED


def _follows(practice: Practice, request: Request, reason: str, now: datetime, suppressed: bool) -> Follows:
    if reason == DUPLICATE:
        return Follows.DUPLICATE
    if request.start is not None and request.start <= now:
        return Follows.PAST
    if not messages.on_cancel_by_staff(practice.switches):
        return Follows.SWITCH_OFF
    return _unreached(request, suppressed) or Follows.MAIL


def _if_found(practice: Practice, request: Request, suppressed: bool) -> Follows:
    """The visit that is looked for is one to come, so it is told of whatever time was asked for."""
    if request.slot is None:
        told = messages.on_confirm(practice.switches)
        return (_unreached(request, suppressed) or Follows.CONFIRMED) if told else Follows.CONFIRMED_OFF
    told = messages.on_reschedule(practice.switches)
    return (_unreached(request, suppressed) or Follows.BOTH_TIMES) if told else Follows.MOVED_OFF


def _unreached(request: Request, suppressed: bool) -> Follows | None:
    """Why a message cannot be sent, so that staff have to call."""
    if not request.patient.email:
        return Follows.NO_EMAIL
    return Follows.SUPPRESSED if suppressed else None
