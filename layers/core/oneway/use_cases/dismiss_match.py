"""Staff say that a visit in their schedule is not the answer to a request (product section 2)."""

from functools import partial

from msgspec import Struct

from ..domain import linking
from ..domain.matching import identifiers_of
from ..domain.requests import Actor, Request
from ..ports import AppointmentRepository, Clock, Ledger, RequestChange, RequestRepository
from .membership import Membership
from .settling import settle


class DismissMatch(Struct, frozen=True):
    """It stands until one of the identifiers on the visit's record changes."""

    membership: Membership
    requests: RequestRepository
    appointments: AppointmentRepository
    ledger: Ledger
    clock: Clock

    def __call__(self, slug: str, email: str, request_id: str, provider_id: str, appointment_id: str) -> Request:
        """Dismiss; the same again changes nothing. Raises PracticeNotFound, RequestNotFound, Forbidden (a viewer),
        RequestAlreadyAnswered (it is linked by now).
        """
        by = self.membership.acting(slug, email)
        return settle(partial(self._dismiss, slug, by, request_id, provider_id, appointment_id), self.clock)

    def _dismiss(self, slug: str, by: Actor, request_id: str, provider_id: str, appointment_id: str) -> Request:
        request = self.requests.get(slug, request_id)
        found = self.appointments.get_many(slug, [(provider_id, appointment_id)]).get(appointment_id)
        if found is None:
            return request
        identifiers = identifiers_of(found.row.patient)
        transition = linking.dismissed(request, appointment_id, identifiers, by, self.clock.now())
        if transition is None:
            return request
        self.ledger.commit([RequestChange(transition)])
        return transition.after
