"""What follows from what a pull has learnt, once it is stored. An event may come twice, or be lost with its worker.

A visit that is gone, moved or missing has changed its request in the same transaction, and run_timers comes by every minute; this
only makes haste.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ..domain.events import Event, VisitGone, VisitMissing, VisitMoved
from .resolve_moves import ResolveMoves


@dataclass(frozen=True, slots=True)
class FollowPull:
    """Looks at once whether a visit that went was entered anew."""

    resolve_moves: ResolveMoves

    def __call__(self, events: Iterable[Event]) -> None:
        """Follow each event that concerns a request. Raises StoreUnavailable."""
        for event in events:
            match event:
                case VisitGone() | VisitMoved() | VisitMissing() if event.request_id:
                    self.resolve_moves(event.practice, event.request_id)
