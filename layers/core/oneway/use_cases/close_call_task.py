"""Staff have called a patient whom mail did not reach (product section 6)."""

from functools import partial

from msgspec import Struct

from ..domain.requests import Actor, Happening, Request, Transition, address_again, called
from ..domain.suppression import mark_of
from ..ports import Clock, Ledger, RequestChange, RequestRepository, SuppressionRepository
from .decide import decide
from .membership import Membership
from .settling import settle


class CloseCallTask(Struct, frozen=True):
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

        def call(request: Request) -> Transition | None:
            return called(request, by, self.clock.now(), task_id)

        return settle(partial(decide, self.requests, self.ledger, slug, request_id, call), self.clock)


class UseAddressAgain(Struct, frozen=True):
    """Staff say that mail to the address of a request's patient arrives again, or is wanted again."""

    membership: Membership
    requests: RequestRepository
    suppressions: SuppressionRepository
    ledger: Ledger
    clock: Clock

    def __call__(self, slug: str, email: str, request_id: str) -> None:
        """Idempotent, and one entry of the timeline. Raises PracticeNotFound, RequestNotFound, Forbidden (a viewer)."""
        by = self.membership.acting(slug, email)
        settle(partial(self._use_again, slug, by, request_id), self.clock)

    def _use_again(self, slug: str, by: Actor, request_id: str) -> None:
        request = self.requests.get(slug, request_id)
        mark = mark_of(slug, request.patient.email) if request.patient.email else ""
        stopped = self.suppressions.get(slug, mark) if mark else None
        if stopped is None:
            return
        # Cut between the two, the entry is there already when it is said again.
        timeline = self.requests.timeline(slug, request_id)
        if not any(one.what is Happening.ADDRESS_AGAIN and one.at >= stopped.since for one in timeline):
            self.ledger.commit([RequestChange(address_again(request, by, self.clock.now()))])
        self.suppressions.remove(slug, mark)
