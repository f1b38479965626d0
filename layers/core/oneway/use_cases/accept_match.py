"""Staff say that a visit in their schedule is the answer to a request (product section 2)."""

from functools import partial

from msgspec import Struct

from ..domain import linking
from ..domain.errors import RequestAlreadyAnswered
from ..domain.matching import could_confirm
from ..domain.requests import Actor, Request
from ..ports import (
    AppointmentChange,
    AppointmentRepository,
    CalendarRepository,
    Change,
    Clock,
    Ledger,
    RequestChange,
    RequestRepository,
)
from .linked_visit import answers_elsewhere, copies_of, linked_visit, still
from .membership import Membership
from .places import freed
from .settling import settle


class AcceptMatch(Struct, frozen=True):
    """Links them in one transaction; the message waits a minute, so that an undo is silent."""

    membership: Membership
    requests: RequestRepository
    appointments: AppointmentRepository
    calendar: CalendarRepository
    ledger: Ledger
    clock: Clock

    def __call__(self, slug: str, email: str, request_id: str, provider_id: str, appointment_id: str) -> Request:
        """Accept; the same again finds it done.

        Raises PracticeNotFound, RequestNotFound, Forbidden (a viewer), RequestAlreadyAnswered (the request is linked to a
        visit that stands, or this one is no longer free to answer one).
        """
        by = self.membership.acting(slug, email)
        return settle(partial(self._accept, slug, by, request_id, provider_id, appointment_id), self.clock)

    def _accept(self, slug: str, by: Actor, request_id: str, provider_id: str, appointment_id: str) -> Request:
        practice, request = self.membership.practices.get(slug), self.requests.get(slug, request_id)
        if request.link and request.link.appointment_id == appointment_id:
            return request
        found = self.appointments.get_many(slug, [(provider_id, appointment_id)]).get(appointment_id)
        if found is None or not could_confirm(found):
            raise RequestAlreadyAnswered
        if answers_elsewhere(copies := copies_of(self.appointments, practice, found)):
            raise RequestAlreadyAnswered
        old = linked_visit(self.appointments, practice, request)
        whose = old.identity if old else None
        transition = linking.accepted(request, found, by, self.clock.now(), practice.switches, whose)
        changes: list[Change] = [RequestChange(transition), AppointmentChange(found, found.linked(request.id))]
        if request.pending:
            changes += freed(self.calendar, practice, request)
        if old:
            changes.append(AppointmentChange(old, old.linked(None)))
        self.ledger.commit([*changes, *still(copies)])
        return transition.after
