"""A request is cancelled, by the patient or by staff (product section 1)."""

from msgspec import Struct

from ..domain import messages, requests
from ..domain.errors import RequestAlreadyAnswered
from ..domain.linking import PULLS_OF_A_MOVE
from ..domain.practices import Practice
from ..domain.requests import Actor, ActorKind, AwaitedPulls, Happening, Request, RequestState, Transition
from ..ports import CalendarRepository, Clock, Ledger, RequestChange, RequestRepository
from .look_up_request import LookedUp, LookUpRequest, looked_up
from .membership import Membership
from .places import freed
from .settling import settle

DUPLICATE = "duplicate"
"""Staff's reason that the patient asked twice."""
MOVED = "moved"
"""Staff's reason that the visit is at another time (the guide's way of rescheduling)."""


class CancelRequest(Struct, frozen=True):
    """Writes a cancellation together with the place that it frees."""

    requests: RequestRepository
    calendar: CalendarRepository
    ledger: Ledger
    clock: Clock

    def commit(self, practice: Practice, transition: Transition) -> Request:
        """Commit a transition that ends a pending request."""
        request = transition.after
        self.ledger.commit([RequestChange(transition), *freed(self.calendar, practice, request)])
        return request


class CancelByPatient(Struct, frozen=True):
    """A pending request is cancelled; of a confirmed visit the wish is passed on. Safe to repeat."""

    look_up: LookUpRequest
    cancel: CancelRequest

    def __call__(self, slug: str, link: str) -> LookedUp:
        """Cancel, or ask to, through a private link.

        Raises PracticeNotFound, LinkNotFound, RequestAlreadyAnswered (expired, cancelled by the practice, over).
        """
        return settle(lambda: self._cancel(slug, link), self.cancel.clock)

    def _cancel(self, slug: str, link: str) -> LookedUp:
        found = self.look_up(slug, link)
        request, now = found.request, self.cancel.clock.now()
        has_email = bool(request.patient.email)
        over = request.state is RequestState.CANCELLED
        if request.asked_to_cancel_at or (over and request.cancelled_by is ActorKind.PATIENT):
            return found
        if request.state is RequestState.LINKED:
            transition = requests.asked_to_cancel(request, now, messages.on_asked_to_cancel(has_email))
            self.cancel.ledger.commit([RequestChange(transition)])
            return looked_up(found.practice, transition.after)
        due = messages.on_cancel_by_patient(has_email)
        transition = requests.cancelled(request, requests.PATIENT, now, due)
        return looked_up(found.practice, self.cancel.commit(found.practice, transition))


class CancelByStaff(Struct, frozen=True):
    """Staff cancel a pending request, with an internal reason and an optional note to the patient."""

    membership: Membership
    requests: RequestRepository
    cancel: CancelRequest

    def __call__(self, slug: str, email: str, request_id: str, reason: str, note_to_patient: str) -> Request:
        """Cancel; the same person's repeat finds it done.

        Raises PracticeNotFound, RequestNotFound, Forbidden (a viewer), RequestAlreadyAnswered.
        """
        by = self.membership.acting(slug, email)
        return settle(
            lambda: self._cancel(slug, by, request_id, reason, note_to_patient),
            self.cancel.clock,
        )

    def _cancel(self, slug: str, by: Actor, request_id: str, reason: str, note_to_patient: str) -> Request:
        practice, request = self.membership.practices.get(slug), self.requests.get(slug, request_id)
        if not request.pending:
            last = self.requests.timeline(slug, request_id)[-1]
            said = (last.what, last.actor, last.reason, request.note_to_patient)
            if said == (Happening.CANCELLED, by, reason, note_to_patient):
                return request
            raise RequestAlreadyAnswered
        # Of a request that was made twice the patient has, or gets, the other one's answer: "cancelled" would mislead.
        due = messages.on_cancel_by_staff(practice.switches) if reason != DUPLICATE else ()
        now = self.cancel.clock.now()
        # The visit at the other time may be shown by one of the next pulls: then one message tells of both.
        awaited = AwaitedPulls(PULLS_OF_A_MOVE, now) if reason == MOVED else None
        transition = requests.cancelled(
            request, by, now, due, reason=reason, note_to_patient=note_to_patient, awaited=awaited
        )
        return self.cancel.commit(practice, transition)
