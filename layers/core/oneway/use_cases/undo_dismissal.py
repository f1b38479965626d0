"""Staff take back that a visit in their schedule is not the answer to a request (product section 2)."""

from enum import StrEnum
from functools import partial

from msgspec import Struct

from ..domain import linking
from ..domain.requests import Request, Transition
from ..ports import AppointmentRepository, Clock, Ledger, RequestRepository
from .confirm_matches import ConfirmMatches
from .decide import decide
from .membership import Membership
from .settling import settle


class TakenBack(StrEnum):
    """What a visit is to a request, of which staff say no more that it is not the answer."""

    GONE = "gone"
    """It is not there: nothing was changed."""
    ANSWERS = "answers"
    POSSIBLE = "perhaps"
    NOT_NOW = "not_now"
    """It cannot be the answer as both are now: it is cancelled, or answers another request."""


class UndoDismissal(Struct, frozen=True):
    """The visit is a possible match again; where all agrees it answers the request, late if that had ended, as any other."""

    membership: Membership
    requests: RequestRepository
    appointments: AppointmentRepository
    ledger: Ledger
    confirm_matches: ConfirmMatches
    clock: Clock

    def __call__(self, slug: str, email: str, request_id: str, provider_id: str, appointment_id: str) -> TakenBack:
        """Undo. The same again changes nothing. Raises PracticeNotFound, RequestNotFound, Forbidden (a viewer)."""
        by = self.membership.acting(slug, email)
        found = self.appointments.get_many(slug, [(provider_id, appointment_id)]).get(appointment_id)

        def undo(request: Request) -> Transition | None:
            return linking.dismissal_undone(request, appointment_id, by, self.clock.now()) if found else None

        request = settle(partial(decide, self.requests, self.ledger, slug, request_id, undo), self.clock)
        if found is None:
            return TakenBack.GONE
        practice = self.membership.practices.get(slug)
        # No pull would look again at a visit that did not change.
        request = self.confirm_matches.for_request(practice, request)
        if request.link and request.link.appointment_id == appointment_id:
            return TakenBack.ANSWERS
        from ..domain.possible_matches import possible_matches  # seldom needed, and slow to load

        is_open = request.link is None or request.may_be_anew
        return TakenBack.POSSIBLE if is_open and possible_matches(request, [found], practice) else TakenBack.NOT_NOW
