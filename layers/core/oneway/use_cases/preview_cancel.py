"""What the patient gets if staff cancel a request, before they do: by the templates that the message is made with."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from ..domain.messages import DueMessage, MessageKind
from ..domain.practices import Practice
from ..domain.requests import ActorKind, Request, RequestState
from ..ports import Letter, LetterWriter
from .cancel_request import DUPLICATE, MOVED


class Follows(StrEnum):
    """What follows from a cancellation for the patient."""

    MAIL = "mail"
    MOVED = "moved"
    """The same mail, unless one of the next pulls shows the visit at another time: then that is told instead."""
    DUPLICATE = "duplicate"
    SWITCH_OFF = "switch_off"
    NO_EMAIL = "no_email"
    SUPPRESSED = "suppressed"
    """Mail to the address came back, or was not wanted."""
    PAST = "past"
    """No message but *expired* concerns a start already past (product section 5)."""


class CancelPreview(Struct, frozen=True):
    """What follows, and the message if there is one."""

    follows: Follows
    letter: Letter | None = None


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
        if follows not in (Follows.MAIL, Follows.MOVED):
            return CancelPreview(follows)
        after = replace(
            request,
            state=RequestState.CANCELLED,
            cancelled_by=ActorKind.STAFF,
            note_to_patient=note_to_patient,
            version=request.version + 1,
        )
        due = DueMessage(f"{after.version:06d}-{MessageKind.CANCELLED_PATIENT}", MessageKind.CANCELLED_PATIENT)
        return CancelPreview(follows, self.open_writer()(due, practice, after))


def _follows(practice: Practice, request: Request, reason: str, now: datetime, suppressed: bool) -> Follows:
    if reason == DUPLICATE:
        return Follows.DUPLICATE
    if request.start is not None and request.start <= now:
        return Follows.PAST
    if not practice.switches.cancelled:
        return Follows.SWITCH_OFF
    if not request.patient.email:
        return Follows.NO_EMAIL
    if suppressed:
        return Follows.SUPPRESSED
    return Follows.MOVED if reason == MOVED else Follows.MAIL
