"""Staff untie a request from the visit that was taken for its answer (product section 1)."""

from functools import partial

from msgspec import Struct

from ..domain import linking
from ..domain.appointments import Appointment
from ..domain.errors import RequestAlreadyAnswered
from ..domain.matching import could_confirm, identifiers_of, known_after
from ..domain.occupancy import OccupantKind, days_touched, occupant_on
from ..domain.practices import Practice
from ..domain.requests import Actor, Request
from ..ports import (
    AppointmentChange,
    AppointmentRepository,
    CalendarRepository,
    Change,
    Clock,
    DayChange,
    Ledger,
    RequestChange,
    RequestRepository,
)
from .confirm_matches import ConfirmMatches
from .linked_visit import former_visit, linked_visit, still
from .membership import Membership
from .settling import settle
from .suggest_matches import SuggestMatches


class UndoLink(Struct, frozen=True):
    """The request is what it was before: linked to the visit whose place this one took, or holding its own place again if it
    waits; the visit stays, free to answer another.
    """

    membership: Membership
    requests: RequestRepository
    appointments: AppointmentRepository
    calendar: CalendarRepository
    ledger: Ledger
    confirm_matches: ConfirmMatches
    suggest_matches: SuggestMatches
    clock: Clock

    def __call__(self, slug: str, email: str, request_id: str, appointment_id: str = "") -> Request:
        """Undo the link to an appointment ("": to whichever it is); the request as it then is. Once it is undone, this is done.

        Raises PracticeNotFound, RequestNotFound, Forbidden (a viewer), RequestAlreadyAnswered (linked to none, or to another).
        """
        by = self.membership.acting(slug, email)
        undone, freed = settle(partial(self._undo, slug, by, request_id, appointment_id), self.clock)
        practice = self.membership.practices.get(slug)
        if freed and could_confirm(freed) and not self.confirm_matches.for_appointments(practice, [freed]):
            self.suggest_matches(practice, [freed])  # no pull weighs it again
        # Staff may have entered the visit twice; no pull would look at the other one again.
        return self.confirm_matches.for_request(practice, undone)

    def _undo(self, slug: str, by: Actor, request_id: str, appointment_id: str) -> tuple[Request, Appointment | None]:
        practice, request = self.membership.practices.get(slug), self.requests.get(slug, request_id)
        if appointment_id and not (request.link and request.link.appointment_id == appointment_id):
            if any(one.appointment_id == appointment_id for one in request.dismissals):
                return request, None
            raise RequestAlreadyAnswered
        found = linked_visit(self.appointments, practice, request)
        identifiers = identifiers_of(found.row.patient if found else None)
        copies = former_visit(self.appointments, practice, request)
        former = copies[0] if copies else None
        transition = linking.undone(request, by, self.clock.now(), identifiers, practice.switches, former)
        changes: list[Change] = [RequestChange(transition), *self._held(practice, transition.after), *still(copies[1:])]
        if former and request.link and request.link.former:
            known = known_after(request.link.former.whose, former.row.patient)
            changes.append(AppointmentChange(former, former.linked(request.id, known)))
        freed = found.linked(None) if found and found.request_id == request.id else None
        if found and freed:
            changes.append(AppointmentChange(found, freed))
        self.ledger.commit(changes)
        return transition.after, freed

    def _held(self, practice: Practice, request: Request) -> list[Change]:
        """The place of a request that waits again, also where its time is taken by now: staff decide."""
        if not request.pending or request.slot is None:
            return []
        start, end = request.slot.start, request.slot.end
        zone = practice.zone_of(practice.provider_named(request.provider_id, request.location_id))
        keys = [(request.provider_id, zone.key, day) for day in days_touched(start, end, zone)]
        return [
            DayChange(day, day.with_occupant(occupant_on(day.day, zone, start, end, OccupantKind.REQUEST, request.id)))
            for day in self.calendar.read(practice.slug, keys).values()
        ]
