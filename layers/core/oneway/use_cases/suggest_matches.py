"""Remember which visits may be the answers to requests that wait (product section 2); staff see them on the details page."""

from collections.abc import Iterable
from dataclasses import dataclass

from ..domain.appointments import Appointment
from ..domain.matching import is_dismissed
from ..domain.possible_matches import RequestsByKey
from ..domain.practices import Practice
from ..ports import RequestRepository


@dataclass(frozen=True, slots=True)
class SuggestMatches:
    """Weighs what a pull brought, and did not confirm anything, against the requests that wait."""

    requests: RequestRepository

    def __call__(self, practice: Practice, appointments: Iterable[Appointment]) -> int:
        """Keep a hint for each pair above the floor; how many. Nothing is decided by it."""
        found = [one for one in appointments if one.request_id is None]
        waiting = {one.id: one for one in self.requests.to_act(practice.slug) if one.link is None} if found else {}
        if not waiting:
            return 0
        by_key = RequestsByKey(waiting.values(), practice)
        hints: dict[str, list[tuple[str, str]]] = {}
        for appointment in found:
            for match in by_key.answered_by(appointment):
                if not is_dismissed(waiting[match.request_id], appointment):
                    hints.setdefault(match.request_id, []).append((appointment.provider_id, appointment.id))
        for request_id, kept in hints.items():
            self.requests.hint(practice.slug, request_id, kept)
        return sum(map(len, hints.values()))
