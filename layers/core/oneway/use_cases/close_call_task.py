"""Staff have called a patient whom mail did not reach (product section 6)."""

from dataclasses import dataclass
from functools import partial

from ..domain.requests import Actor, Request, called
from ..domain.suppression import mark_of
from ..ports import Clock, Ledger, RequestChange, RequestRepository, SuppressionRepository
from .membership import Membership
from .settling import settle


@dataclass(frozen=True, slots=True)
class CloseCallTask:
    """The task goes, and the timeline says who called."""

    membership: Membership
    requests: RequestRepository
    ledger: Ledger
    clock: Clock

    def __call__(self, slug: str, email: str, request_id: str, task_id: str) -> Request:
        """Close a task by the id of its message; a repeat, or one that another has replaced, changes nothing.

        Raises PracticeNotFound, RequestNotFound, Forbidden (a viewer).
        """
        by = self.membership.acting(slug, email)
        return settle(partial(self._close, slug, by, request_id, task_id), self.clock)

    def _close(self, slug: str, by: Actor, request_id: str, task_id: str) -> Request:
        request = self.requests.get(slug, request_id)
        transition = called(request, by, self.clock.now(), task_id)
        if transition is None:
            return request
        self.ledger.commit([RequestChange(transition)])
        return transition.after


@dataclass(frozen=True, slots=True)
class UseAddressAgain:
    """Staff say that mail to the address of a request's patient arrives again, or is wanted again."""

    membership: Membership
    requests: RequestRepository
    suppressions: SuppressionRepository

    def __call__(self, slug: str, email: str, request_id: str) -> None:
        """Idempotent. Raises PracticeNotFound, RequestNotFound, Forbidden (a viewer)."""
        self.membership.acting(slug, email)
        address = self.requests.get(slug, request_id).patient.email
        if address:
            self.suppressions.remove(slug, mark_of(slug, address))
