"""Find the request that an appointment answers, from both sides (product section 2, house: *Commit first, then match*).

The day items of the practice name every pending request and appointment of a day and are written together with either.
Whoever commits later reads them consistently after committing, so of a request and an appointment that commit at the same
moment at least one side sees the other. Indexes decide nothing here; they say where to look for what stands in no day item of the
practice: requests that had ended, and those for a provider who has left.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import partial

from msgspec import Struct

from ..domain import linking
from ..domain.appointments import Appointment
from ..domain.clock_time import day_of, minute_of
from ..domain.matching import answers, oldest_confirmed
from ..domain.occupancy import DayOccupancy, OccupantKind
from ..domain.practices import Practice
from ..domain.requests import Request
from ..ports import (
    AppointmentChange,
    AppointmentRepository,
    CalendarRepository,
    Clock,
    Ledger,
    RequestChange,
    RequestRepository,
)
from .linked_visit import answers_elsewhere, copies_of, still
from .places import freed
from .settling import settle

Days = dict[tuple[str, date], DayOccupancy]


class ConfirmMatches(Struct, frozen=True):
    """Confirms what matches exactly; each confirmation is a transaction of its own."""

    requests: RequestRepository
    appointments: AppointmentRepository
    calendar: CalendarRepository
    ledger: Ledger
    clock: Clock

    def for_appointments(self, practice: Practice, appointments: Sequence[Appointment]) -> int:
        """Look for the request that each of these committed appointments answers; how many were confirmed."""
        days: Days = {}
        for appointment in appointments:
            if wanted := [key for key in self._days_of(practice, appointment) if key[::2] not in days]:
                days |= self.calendar.read(practice.slug, wanted)
        late, stray = self._closed_at(practice, appointments), self._stray_at(practice, appointments)
        confirmed = 0
        for appointment in appointments:
            minute = minute_of(appointment.start)
            ended, strays = late.get(minute, []), stray.get(minute, [])
            if pending := [*self._pending_at(practice, days, appointment), *strays]:
                is_confirmed = settle(partial(self._for_appointment, practice, appointment, strays), self.clock)
                confirmed += is_confirmed
                if not is_confirmed:
                    # Who cancelled just now stands in no day item any more, and perhaps not yet in the index.
                    found = self.requests.get_many(practice.slug, pending)
                    ended = [*ended, *(one.id for one in found if one.closed)]
            for request_id in dict.fromkeys(ended):
                settle(partial(self._came_late, practice, appointment, request_id), self.clock)
        return confirmed

    def _closed_at(self, practice: Practice, appointments: Sequence[Appointment]) -> dict[int, list[str]]:
        """Requests that ended without a visit, the oldest first, by the minute that they were asked for."""
        starts = [one.start for one in appointments]
        closed = self.requests.closed(practice.slug, min(starts), max(starts)) if starts else []
        found: dict[int, list[str]] = {}
        for request in sorted(closed, key=lambda one: (one.created_at, one.id)):
            if request.start:
                found.setdefault(minute_of(request.start), []).append(request.id)
        return found

    def _stray_at(self, practice: Practice, appointments: Sequence[Appointment]) -> dict[int, list[str]]:
        """Requests that wait for a provider who has left the practice, and whose days nobody reads, by minute."""
        found: dict[int, list[str]] = {}
        if appointments:
            last = max(one.start for one in appointments)
            for request in self.requests.to_act(practice.slug, last + timedelta(minutes=1)):
                if request.pending and request.start and request.provider_id not in practice.providers:
                    found.setdefault(minute_of(request.start), []).append(request.id)
        return found

    def _came_late(self, practice: Practice, appointment: Appointment, request_id: str) -> None:
        """The index only says where to look; what is read here decides."""
        found = self.appointments.get_many(practice.slug, [(appointment.provider_id, appointment.id)])
        current, request = found.get(appointment.id), self.requests.get(practice.slug, request_id)
        if current is None or not request.ended or not answers(current, request, practice):
            return
        if not answers_elsewhere(copies := copies_of(self.appointments, practice, current)):
            self._link_late(request, current, copies)

    def for_request(self, practice: Practice, request: Request) -> Request:
        """Look for an appointment that answers a request just committed, or that had ended; the request as it then is."""
        return settle(lambda: self._for_request(practice, request), self.clock)

    def _for_appointment(self, practice: Practice, appointment: Appointment, strays: Sequence[str]) -> bool:
        found = self.appointments.get_many(practice.slug, [(appointment.provider_id, appointment.id)])
        current = found.get(appointment.id)
        if current is None or current.request_id is not None:
            return False
        days = self.calendar.read(practice.slug, self._days_of(practice, current))
        pending = self.requests.get_many(practice.slug, [*self._pending_at(practice, days, current), *strays])
        request = oldest_confirmed(current, pending, practice)
        if request is None or answers_elsewhere(copies := copies_of(self.appointments, practice, current)):
            return False
        self._confirm(practice, request, current, copies)
        return True

    def _for_request(self, practice: Practice, request: Request) -> Request:
        if request.slot is None or not (request.pending or request.ended):
            return request
        minute = minute_of(request.slot.start)
        keys = [
            (provider.id, zone.key, day_of(request.slot.start, zone))
            for provider in practice.providers.values()
            if provider.integrated and (zone := practice.zone_of(provider))
        ]
        days = self.calendar.read(practice.slug, keys)
        visits = [
            (provider_id, visit)
            for (provider_id, _), day in days.items()
            for visit in day.starting_at(minute, OccupantKind.APPOINTMENT)
        ]
        if not visits:
            return request
        current = next(iter(self.requests.get_many(practice.slug, [request.id])), request)
        found = self.appointments.get_many(practice.slug, visits)
        answering = [
            (one.first_seen_at, one.id, one, copies)
            for one in found.values()
            if (current.pending or current.ended) and answers(one, current, practice)
            if not answers_elsewhere(copies := copies_of(self.appointments, practice, one))
        ]
        if not answering:
            return current
        _, _, oldest, copies = min(answering, key=lambda one: one[:2])
        if current.ended:
            return self._link_late(current, oldest, copies)
        return self._confirm(practice, current, oldest, copies)

    def _link_late(self, request: Request, appointment: Appointment, copies: Iterable[Appointment]) -> Request:
        transition = linking.came_late(request, appointment, self.clock.now())
        linked = AppointmentChange(appointment, appointment.linked(request.id))
        self.ledger.commit([RequestChange(transition), linked, *still(copies)])
        return transition.after

    def _confirm(
        self, practice: Practice, request: Request, appointment: Appointment, copies: Iterable[Appointment]
    ) -> Request:
        places = freed(self.calendar, practice, request)
        transition = linking.confirmed(request, appointment, self.clock.now(), practice.switches)
        self.ledger.commit(
            [
                RequestChange(transition),
                AppointmentChange(appointment, appointment.linked(request.id)),
                *places,
                *still(copies),
            ]
        )
        return transition.after

    def _days_of(self, practice: Practice, appointment: Appointment) -> list[tuple[str, str, date]]:
        """The day items, of every provider, that may name a request at the appointment's start."""
        return [
            (provider.id, zone.key, day_of(appointment.start, zone))
            for provider in practice.providers.values()
            if (zone := practice.zone_of(provider))
        ]

    def _pending_at(self, practice: Practice, days: Days, appointment: Appointment) -> list[str]:
        minute = minute_of(appointment.start)
        keys = [(provider_id, day) for provider_id, _, day in self._days_of(practice, appointment)]
        return [i for key in keys if key in days for i in days[key].starting_at(minute, OccupantKind.REQUEST)]
