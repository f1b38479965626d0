"""Remember which visits may be the answers to requests that wait (product section 2); staff see them on the details page."""

from collections.abc import Iterable
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from ..domain.appointments import Appointment
from ..domain.errors import WriteConflict
from ..domain.matching import is_dismissed
from ..domain.practices import Practice
from ..domain.requests import Request
from ..ports import AppointmentRepository, Clock, MessageRepository, RequestRepository
from .linked_visit import named
from .settling import settle


class SuggestMatches(Struct, frozen=True):
    """Weighs what a pull brought, and did not confirm anything, against the requests that wait; of each the best are kept."""

    requests: RequestRepository
    appointments: AppointmentRepository
    messages: MessageRepository
    clock: Clock

    def __call__(self, practice: Practice, appointments: Iterable[Appointment]) -> int:
        """Keep a hint for each pair above the floor, and for each visit that says what it replaces; how many. Nothing is decided
        by it.
        """
        found = [one for one in appointments if one.request_id is None]
        return self._replacing(practice, found) + self._alike(practice, found)

    def _replacing(self, practice: Practice, found: Iterable[Appointment]) -> int:
        """What says which visit it takes the place of is named to the request that this one answers: whoever looks for it has
        no other way to find it (resolve_moves).
        """
        kept = 0
        for one in found:
            names = named(practice, one.source_id, one.row.replaces) if one.row.replaces else []
            for old in self.appointments.get_many(practice.slug, names).values() if names else ():
                if old.request_id:
                    self.requests.hint(practice.slug, old.request_id, [(one.provider_id, one.id)])
                    kept += 1
        return kept

    def _alike(self, practice: Practice, found: list[Appointment]) -> int:
        waiting = self._waiting(practice) if found else []
        if not waiting:
            return 0
        from ..domain.possible_matches import AppointmentsByKey  # seldom needed, and slow to load

        by_key = AppointmentsByKey(found, practice)
        kept = 0
        for request in waiting:
            dismissed = {one.id for one in found if is_dismissed(request, one)} if request.dismissals else ()
            hints = [(one.provider_id, one.id) for one in by_key.visits_answering(request, but=dismissed)]
            if hints:
                self.requests.hint(practice.slug, request.id, hints)
                kept += len(hints)
                if request.may_be_anew:
                    settle(partial(self._look_soon, practice.slug, request.id), self.clock)
        return kept

    def _look_soon(self, slug: str, request_id: str) -> None:
        """The clock looks at it, and asks staff."""
        request = self.requests.get(slug, request_id)
        if request.may_be_anew and not self.messages.settle(request, replace(request, look_at=self.clock.now())):
            raise WriteConflict

    def _waiting(self, practice: Practice) -> list[Request]:
        """Requests without a visit, or whose visit is cancelled and may be entered anew."""
        shown, called_off = (
            self.requests.to_act(practice.slug),
            self.requests.called_off(practice.slug, self.clock.now()),
        )
        return [one for one in (*shown, *called_off) if one.link is None or one.may_be_anew]
