"""Remember which visits may be the answers to requests that wait (product section 2); staff see them on the details page."""

from collections.abc import Iterable

from msgspec import Struct

from ..domain.appointments import Appointment
from ..domain.matching import is_dismissed
from ..domain.practices import Practice
from ..ports import RequestRepository


class SuggestMatches(Struct, frozen=True):
    """Weighs what a pull brought, and did not confirm anything, against the requests that wait; of each the best are kept."""

    requests: RequestRepository

    def __call__(self, practice: Practice, appointments: Iterable[Appointment]) -> int:
        """Keep a hint for each pair above the floor; how many. Nothing is decided by it."""
        found = [one for one in appointments if one.request_id is None]
        waiting = [one for one in self.requests.to_act(practice.slug) if one.link is None] if found else []
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
        return kept
