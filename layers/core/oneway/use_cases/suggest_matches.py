"""Remember which visits may be the answers to requests that wait (product section 2); staff see them on the details page."""

from collections.abc import Iterable
from dataclasses import dataclass

from ..domain.appointments import Appointment
from ..domain.matching import is_dismissed
from ..domain.practices import Practice
from ..ports import RequestRepository


@dataclass(frozen=True, slots=True)
class SuggestMatches:
    """Weighs what a pull brought, and did not confirm anything, against the requests that wait; of each the best are kept."""

    requests: RequestRepository

    def __call__(self, practice: Practice, appointments: Iterable[Appointment]) -> int:
        """Keep a hint for each pair above the floor; how many. Nothing is decided by it."""
        found = [one for one in appointments if one.request_id is None]
        waiting = {one.id: one for one in self.requests.to_act(practice.slug) if one.link is None} if found else {}
        if not waiting:
            return 0
        from ..domain.possible_matches import AT_MOST, RequestsByKey  # seldom needed, and slow to load

        by_key = RequestsByKey(waiting.values(), practice)
        hints: dict[str, list[tuple[float, str, str]]] = {}
        for appointment in found:
            for match in by_key.answered_by(appointment):
                if not is_dismissed(waiting[match.request_id], appointment):
                    hint = (match.score, appointment.provider_id, appointment.id)
                    hints.setdefault(match.request_id, []).append(hint)
        best = {request_id: sorted(several, reverse=True)[:AT_MOST] for request_id, several in hints.items()}
        for request_id, several in best.items():
            self.requests.hint(practice.slug, request_id, [(provider_id, visit) for _, provider_id, visit in several])
        return sum(map(len, best.values()))
