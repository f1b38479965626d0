"""Staff say that a visit whose patient became another is this patient's all the same (product section 2); else they undo it."""

from functools import partial

from msgspec import Struct

from ..domain import linking
from ..domain.errors import RequestAlreadyAnswered
from ..domain.requests import Actor, Request
from ..ports import (
    AppointmentChange,
    AppointmentRepository,
    Change,
    Clock,
    Ledger,
    RequestChange,
    RequestRepository,
)
from .linked_visit import linked_visit
from .membership import Membership
from .settling import settle


class KeepLink(Struct, frozen=True):
    """The link holds again, and what happened to the visit meanwhile is told."""

    membership: Membership
    requests: RequestRepository
    appointments: AppointmentRepository
    ledger: Ledger
    clock: Clock

    def __call__(self, slug: str, email: str, request_id: str, appointment_id: str = "") -> Request:
        """Keep the link to an appointment ("": to whichever it is); the request as it then is.

        Raises PracticeNotFound, RequestNotFound, Forbidden (a viewer), RequestAlreadyAnswered (it is not suspended, or
        to another visit).
        """
        by = self.membership.acting(slug, email)
        return settle(partial(self._keep, slug, by, request_id, appointment_id), self.clock)

    def _keep(self, slug: str, by: Actor, request_id: str, appointment_id: str) -> Request:
        practice, request = self.membership.practices.get(slug), self.requests.get(slug, request_id)
        if appointment_id and request.link and request.link.appointment_id != appointment_id:
            raise RequestAlreadyAnswered
        found = linked_visit(self.appointments, practice, request)
        transition = linking.resumed(request, found, by, self.clock.now(), practice.switches)
        changes: list[Change] = [RequestChange(transition)]
        if found:
            # While the link was suspended, a pull could change the visit without the request: it must not do so just now.
            changes.append(AppointmentChange(found, found.linked(request.id)))
        self.ledger.commit(changes)
        return transition.after
