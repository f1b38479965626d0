"""Staff take back that a visit in their schedule is not the answer to a request (product section 2)."""

from functools import partial

from msgspec import Struct

from ..domain import linking
from ..domain.requests import Request, Transition
from ..ports import Clock, Ledger, RequestRepository
from .confirm_matches import ConfirmMatches
from .decide import decide
from .membership import Membership
from .settling import settle


class UndoDismissal(Struct, frozen=True):
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

        def undo(request: Request) -> Transition | None:
            return linking.dismissal_undone(request, appointment_id, by, self.clock.now())

        request = settle(partial(decide, self.requests, self.ledger, slug, request_id, undo), self.clock)
        # No pull would look again at a visit that did not change.
        return self.confirm_matches.for_request(self.membership.practices.get(slug), request)
