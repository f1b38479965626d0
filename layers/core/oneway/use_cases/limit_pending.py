"""How many requests of one person, or under one address or number, may wait (product section 4, *Limits*)."""

from collections.abc import Iterable
from contextlib import suppress

from msgspec import Struct

from ..contact_marks import ContactMarks
from ..domain import pending
from ..domain.clock_time import minute_of
from ..domain.errors import StoreUnavailable, TooManyPending
from ..domain.pending import MOST_MARKS, UNDER_WAY_MINUTES, Waiting
from ..domain.practices import Practice
from ..domain.requests import Patient
from ..ports import Clock, PendingRepository, RequestRepository


class LimitPending(Struct, frozen=True):
    """Leaves a mark before a request is stored, and looks at the others; one write unit."""

    pending: PendingRepository
    requests: RequestRepository
    marks: ContactMarks
    clock: Clock

    def enter(self, practice: Practice, request_id: str, patient: Patient, besides: str = "") -> Waiting:
        """Leave a mark. Raises TooManyPending (and leaves none) if as many wait already as the practice allows, not counting
        the request `besides`, of which this one takes the place.
        """
        mark = self.marks.of(practice.slug, request_id, patient, self.clock.now())
        marks = [one for one in self.pending.add(practice.slug, mark) if one.request_id != besides]
        old = [other for other in marks if other.minute < mark.minute - UNDER_WAY_MINUTES]
        if len(old) > MOST_MARKS:
            marks = self._alive(practice, marks, old)
        if pending.reached(mark, marks, practice.limits):
            rivals = [other for _, found in pending.beside(mark, marks) for other in found]
            marks = self._alive(practice, marks, rivals)
        if found := pending.reached(mark, marks, practice.limits):
            self.leave(practice, mark)
            raise TooManyPending(*found)
        return mark

    def leave(self, practice: Practice, mark: Waiting) -> None:
        """Take back the mark of a request that was not stored. Where that fails, it goes with time."""
        with suppress(StoreUnavailable):
            self.pending.remove(practice.slug, [mark])

    def _alive(self, practice: Practice, marks: Iterable[Waiting], doubted: Iterable[Waiting]) -> list[Waiting]:
        """The marks without those in doubt whose requests no longer wait; these are taken away."""
        doubts = {mark.request_id for mark in doubted}
        found = {one.id: one.pending for one in self.requests.get_many(practice.slug, doubts)}
        # A request that is not there may be about to be stored; not for long.
        since = minute_of(self.clock.now()) - UNDER_WAY_MINUTES
        gone = [m for m in marks if m.request_id in doubts and not found.get(m.request_id, m.minute >= since)]
        self.pending.remove(practice.slug, gone)
        return [mark for mark in marks if mark not in gone]
