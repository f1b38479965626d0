"""Staff say what it means that a confirmed visit is no longer in their schedule (product section 3)."""

from functools import partial

from msgspec import Struct

from ..domain import linking
from ..domain.errors import RequestAlreadyAnswered
from ..domain.occupancy import days_touched
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
from .membership import Membership
from .settling import settle


class AnswerVanished(Struct, frozen=True):
    """*Cancelled*: the patient is told and the place is free. *It stands*: nobody is asked again, and the patient is told only
    where they were told otherwise.
    """

    membership: Membership
    requests: RequestRepository
    appointments: AppointmentRepository
    calendar: CalendarRepository
    ledger: Ledger
    clock: Clock

    def __call__(self, slug: str, email: str, request_id: str, *, is_cancelled: bool) -> Request:
        """Answer; the request as it then is.

        Raises PracticeNotFound, RequestNotFound, Forbidden (a viewer), RequestAlreadyAnswered (somebody else did, or the
        visit is there again).
        """
        answer = partial(self._answer, slug, self.membership.acting(slug, email), request_id, is_cancelled)
        return settle(answer, self.clock)

    def _answer(self, slug: str, by: Actor, request_id: str, is_cancelled: bool) -> Request:
        practice, request = self.membership.practices.get(slug), self.requests.get(slug, request_id)
        now = self.clock.now()
        if not is_cancelled:
            transition = linking.vanished_dismissed(request, by, now, practice.switches)
            self.ledger.commit([RequestChange(transition)])
            return transition.after
        transition = linking.vanished_cancelled(request, by, now, practice.switches)
        self.ledger.commit([RequestChange(transition), *self._freed(practice, request)])
        return transition.after

    def _freed(self, practice: Practice, request: Request) -> list[Change]:
        """What cancelling changes in the schedule as it is kept here; if the visit comes back, the next pull says so."""
        link = request.link
        if link is None:
            raise RequestAlreadyAnswered
        found = self.appointments.get_many(practice.slug, [(link.provider_id, link.appointment_id)])
        visit = found.get(link.appointment_id)
        if visit is None or visit.missing_since is None:
            raise RequestAlreadyAnswered
        zone = practice.zone_of(practice.provider_named(visit.provider_id))
        touched = [(visit.provider_id, zone.key, day) for day in days_touched(visit.start, visit.end, zone)]
        days = self.calendar.read(practice.slug, touched)
        return [
            AppointmentChange(visit, visit.gone(self.clock.now())),
            *(DayChange(day, day.without(visit.id)) for day in days.values()),
        ]
