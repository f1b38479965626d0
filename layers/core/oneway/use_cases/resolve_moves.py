"""What was cancelled may have been entered anew: at another time, or as another visit (product section 3).

Looked for while the request awaits pulls; then what is due goes out. Indexes and hints only say where to look: what is read
consistently decides, and nothing is done unless exactly one visit qualifies. Whether it is the only one shows in a pull that
began after the cancellation: what stood there before may be a visit of its own, with the new one still to come.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial

from msgspec import Struct

from ..domain import linking
from ..domain.appointments import Appointment
from ..domain.matching import (
    RESCHEDULED_WITHIN,
    entered_anew,
    is_dismissed,
    is_said_which_replaces,
    known_after,
    same_person_moved,
    says_it_replaces,
)
from ..domain.practices import Practice
from ..domain.requests import Request, RequestState
from ..ports import (
    AppointmentChange,
    AppointmentRepository,
    Change,
    Clock,
    Ledger,
    MessageRepository,
    PracticeRepository,
    RequestChange,
    RequestRepository,
)
from .await_pull import AwaitPull
from .linked_visit import answers_elsewhere, copies_of, linked_visit, named, still
from .settling import settle

ENTERED_BEFORE = timedelta(minutes=15)
"""A visit may be entered anew so long before the old one is cancelled."""
NEVER_READ = timedelta(hours=2)
"""Without a good pull for so long nothing more is waited for: the patient has to know."""
FARTHEST = timedelta(days=366)
"""No pull reads farther ahead (product section 4)."""


class ResolveMoves(Struct, frozen=True):
    """Called each minute for every request that awaits pulls."""

    practices: PracticeRepository
    requests: RequestRepository
    appointments: AppointmentRepository
    messages: MessageRepository
    ledger: Ledger
    await_pull: AwaitPull
    clock: Clock

    def __call__(self, slug: str, request_id: str) -> bool:
        """Look once; whether a visit was found. Raises RequestNotFound, StoreUnavailable."""
        return settle(partial(self._resolve, slug, request_id), self.clock)

    def _resolve(self, slug: str, request_id: str) -> bool:
        practice, request = self.practices.get(slug), self.requests.get(slug, request_id)
        if request.awaited is None or request.suspended_at:
            return False
        now = self.clock.now()
        # Asked before looking: a pull that ends meanwhile may have brought it.
        # A visit is entered anew with the provider it was with, which may be another than was asked for.
        provider_id = request.link.provider_id if request.link else request.provider_id
        good_at = self.await_pull(practice, provider_id, request.awaited.since, request_id)
        if good_at and self._is_successor_unread(practice, request, request.awaited.since):
            good_at = None
        never_read = not good_at and now - request.awaited.since >= NEVER_READ
        # Of a request that staff say is moved, what they knew of decides then; a cancelled visit stays one.
        whole = bool(good_at) or (never_read and request.link is None)
        found = [one for one in self._candidates(practice, request, whole=whole) if one.start > now]
        copies = copies_of(self.appointments, practice, found[0]) if len(found) == 1 else []
        if len(found) == 1 and not answers_elsewhere(copies):
            self._link(practice, request, found[0], copies)
            return True
        if good_at or never_read:
            waited = self.messages.settle(request, linking.waited(request, good_at, now))
            if waited and waited.awaited:
                # the very next one counts, too
                self.await_pull(practice, provider_id, waited.awaited.since, request_id)
        return False

    def _is_successor_unread(self, practice: Practice, request: Request, since: datetime) -> bool:
        """Whether the source says which visit takes the place of the cancelled one, and no pull has shown that one yet: it may be
        in any feed of the source that was not read since an instant.
        """
        old = linked_visit(self.appointments, practice, request)
        if old is None or not old.row.replaced_by:
            return False
        names = named(practice, old.source_id, old.row.replaced_by)
        if self.appointments.get_many(practice.slug, names):
            return False
        read_by = {practice.feed_reading(provider_id): provider_id for provider_id, _ in names}
        # All are asked: each writes down that its next pull is waited for.
        read_at = [self.await_pull(practice, one, since, request.id) for feed, one in read_by.items() if feed]
        return not all(read_at)

    def _link(
        self, practice: Practice, request: Request, appointment: Appointment, copies: Sequence[Appointment]
    ) -> None:
        now = self.clock.now()
        old = linked_visit(self.appointments, practice, request)
        whose = old.identity if old else None
        known = known_after(whose, appointment.row.patient) if old else None
        if request.link:
            transition = linking.replaced(request, appointment, now, practice.switches, whose)
        else:
            transition = linking.rescheduled(request, appointment, now, practice.switches)
        changes: list[Change] = [
            RequestChange(transition),
            AppointmentChange(appointment, appointment.linked(request.id, known)),
            *still(copies),
        ]
        if old:
            changes.append(AppointmentChange(old, old.linked(None)))
        self.ledger.commit(changes)

    def _candidates(self, practice: Practice, request: Request, *, whole: bool) -> Iterable[Appointment]:
        """Visits that may be the new one; until the schedule was read as a `whole`, only what says so itself."""
        if request.link is None:
            if request.state is not RequestState.CANCELLED or not whole:
                return []
            born, around = request.patient.birth_date, request.listed_at
            first, last = around - RESCHEDULED_WITHIN, around + RESCHEDULED_WITHIN
            found = self.appointments.born(practice.slug, [born], first, last)
            return [one for one in found if same_person_moved(one, request, practice)]
        old = linked_visit(self.appointments, practice, request)
        if old is None or request.awaited is None:
            return []
        since = request.awaited.since - ENTERED_BEFORE
        found = self._perhaps_anew(practice, request, old)
        others = [one for one in found if one.id != old.id and not is_dismissed(request, one)]
        if is_said_which_replaces(old, found):
            return [one for one in others if says_it_replaces(one, old)]
        return [one for one in others if whole and entered_anew(one, old, since)]

    def _perhaps_anew(self, practice: Practice, request: Request, old: Appointment) -> list[Appointment]:
        """Visits to come of whoever the old one was with, the one that the old one names, and those that hints name."""
        patients = [one for one in (old.row.patient, old.linked_as) if one]
        names = self.requests.hints(practice.slug, request.id)
        if old.row.replaced_by:
            names += named(practice, old.source_id, old.row.replaced_by)
        now, born = self.clock.now(), {one.birth_date for one in patients if one.birth_date}
        ids = {one.source_id for one in patients if one.source_id}
        return self.appointments.born(practice.slug, born, now, now + FARTHEST, names, ids)
