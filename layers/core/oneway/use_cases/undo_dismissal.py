"""Staff take back that a visit in their schedule is not the answer to a request (product section 2)."""

from dataclasses import dataclass
from functools import partial

from ..domain import linking
from ..domain.requests import Actor, Request
from ..ports import Clock, Ledger, RequestChange, RequestRepository
from .confirm_matches import ConfirmMatches
from .membership import Membership
from .settling import settle


@dataclass(frozen=True, slots=True)
class UndoDismissal:
    """The visit is a possible match again; where all agrees it answers the request, late if that had ended, as any other."""

    membership: Membership
    requests: RequestRepository
    ledger: Ledger
    confirm_matches: ConfirmMatches
    clock: Clock

    def __call__(self, slug: str, email: str, request_id: str, appointment_id: str) -> Request:
        """Undo; the request as it then is. The same again changes nothing.

        Raises PracticeNotFound, RequestNotFound, Forbidden (a viewer).
        """
        by = self.membership.acting(slug, email)
        request = settle(partial(self._undo, slug, by, request_id, appointment_id), self.clock)
        # No pull would look again at a visit that did not change.
        return self.confirm_matches.for_request(self.membership.practices.get(slug), request)

    def _undo(self, slug: str, by: Actor, request_id: str, appointment_id: str) -> Request:
        request = self.requests.get(slug, request_id)
        transition = linking.dismissal_undone(request, appointment_id, by, self.clock.now())
        if transition is None:
            return request
        self.ledger.commit([RequestChange(transition)])
        return transition.after
