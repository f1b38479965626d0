"""What stands between a request and its confirmation: why it is pending, and which visits may be its answer; also where its visit
is cancelled, or no longer in the schedule, and may have been entered anew.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from msgspec import Struct

from ..domain.appointments import Appointment
from ..domain.clock_time import day_of, minute_of
from ..domain.matching import RESCHEDULED_WITHIN, is_dismissed
from ..domain.occupancy import OccupantKind
from ..domain.people import same_patient
from ..domain.practices import Practice
from ..domain.requests import Request, sought
from ..ports import AppointmentRepository, CalendarRepository, RequestRepository
from .schedule_age import ScheduleAge

if TYPE_CHECKING:
    from ..domain.explaining import Explanation
    from ..domain.possible_matches import PossibleMatch


class Suggestion(Struct, frozen=True):
    """A possible match, with the visit."""

    match: "PossibleMatch"
    visit: Appointment


class Explained(Struct, frozen=True):
    """`why` is of a request that waits; `answered` is another request of the same person that a visit at this time answers;
    `dismissed` are visits that would be suggested, had staff not said that they are not the answer.
    """

    why: "Explanation | None" = None
    suggestions: tuple[Suggestion, ...] = ()
    answered: Request | None = None
    dismissed: tuple[Suggestion, ...] = ()


class ExplainRequest(Struct, frozen=True):
    """Reads what is there at the requested time, and what may be the same person's."""

    requests: RequestRepository
    appointments: AppointmentRepository
    calendar: CalendarRepository
    age: ScheduleAge

    def __call__(
        self, practice: Practice, request: Request, hints: Sequence[tuple[str, str]] | None = None
    ) -> Explained:
        """Explain a request; nothing is said of one whose visit stands. `hints` spares reading them. Raises StoreUnavailable."""
        if request.link is not None and not request.may_be_anew:
            return Explained()
        from ..domain.explaining import why_pending  # for one page of many, and slow to load
        from ..domain.possible_matches import AppointmentsByKey

        asked = sought(request)
        named = self._at_start(practice, asked)
        if hints is None:
            hints = self.requests.hints(practice.slug, request.id)
        found = {(one.provider_id, one.id): one for one in self._found(practice, asked, [*named, *hints])}
        at_start = [found[name] for name in named if name in found]
        visits = {one.id: one for one in found.values()}
        free, dismissed = (
            [one for one in visits.values() if is_dismissed(request, one) is whether] for whether in (False, True)
        )

        def suggested(several: Iterable[Appointment]) -> tuple[Suggestion, ...]:
            matches = AppointmentsByKey(several, practice).answering(request)
            return tuple(Suggestion(match, visits[match.appointment_id]) for match in matches)

        why = None
        if request.pending:
            age = self.age.minutes(practice, practice.provider_named(request.provider_id))
            why = why_pending(request, at_start, practice, age)
        answered = self._answered(practice, request, at_start)
        return Explained(why, suggested(free), answered, suggested(dismissed))

    def _at_start(self, practice: Practice, request: Request) -> list[tuple[str, str]]:
        """(provider id, appointment id) of everything that starts at the requested time, with every provider."""
        if request.slot is None:
            return []
        start = request.slot.start
        keys = [
            (provider.id, zone.key, day_of(start, zone))
            for provider in practice.providers.values()
            if (zone := practice.zone_of(provider))
        ]
        days = self.calendar.read(practice.slug, keys)
        kinds = (OccupantKind.APPOINTMENT, OccupantKind.BLOCK)
        return [
            (provider_id, identifier)
            for (provider_id, _), day in days.items()
            for kind in kinds
            for identifier in day.starting_at(minute_of(start), kind)
        ]

    def _found(self, practice: Practice, request: Request, named: Iterable[tuple[str, str]]) -> list[Appointment]:
        """Those that are named, and visits within thirty days of patients who were born on that day."""
        # Without a time any visit from the asking on may be the answer.
        first = request.slot.start - RESCHEDULED_WITHIN if request.slot else request.created_at
        last = request.expires_at + RESCHEDULED_WITHIN
        born = request.patient.birth_date
        return self.appointments.born(practice.slug, {born, _swapped(born)}, first, last, named)

    def _answered(self, practice: Practice, request: Request, visits: Iterable[Appointment]) -> Request | None:
        others = [one.request_id for one in visits if one.request_id and one.request_id != request.id]
        found = self.requests.get_many(practice.slug, others) if others and request.pending else []
        return next((other for other in found if same_patient(other.patient, request.patient)), None)


def _swapped(born: date) -> date:
    """A birth date with day and month in each other's place, where there is such a date."""
    try:
        return born.replace(month=born.day, day=born.month)
    except ValueError:
        return born
