"""Staff say that a visit whose patient became another is this patient's all the same (product section 2); else they undo it."""

from dataclasses import dataclass
from functools import partial

from ..domain import linking
from ..domain.requests import Actor, Request
from ..ports import AppointmentRepository, Clock, Ledger, RequestChange, RequestRepository
from .linked_visit import linked_visit
from .membership import Membership
from .settling import settle


@dataclass(frozen=True, slots=True)
class KeepLink:
    """The link holds again, and what happened to the visit meanwhile is told."""

    membership: Membership
    requests: RequestRepository
    appointments: AppointmentRepository
    ledger: Ledger
    clock: Clock

    def __call__(self, slug: str, email: str, request_id: str) -> Request:
        """Keep; the request as it then is.

        Raises PracticeNotFound, RequestNotFound, Forbidden (a viewer), RequestAlreadyAnswered (the link is not suspended).
        """
        by = self.membership.acting(slug, email)
        kept = settle(partial(self._keep, slug, by, request_id), self.clock)
        return settle(partial(self._catch_up, kept), self.clock)

    def _keep(self, slug: str, by: Actor, request_id: str) -> Request:
        transition = linking.resumed(self.requests.get(slug, request_id), by, self.clock.now())
        self.ledger.commit([RequestChange(transition)])
        return transition.after

    def _catch_up(self, kept: Request) -> Request:
        practice, request = self.membership.practices.get(kept.practice), self.requests.get(kept.practice, kept.id)
        found, now = linked_visit(self.appointments, practice, request), self.clock.now()
        transition = linking.mirrored(request, found, now, practice.switches) if found else None
        if transition is None:
            return request
        self.ledger.commit([RequestChange(transition)])
        return transition.after
