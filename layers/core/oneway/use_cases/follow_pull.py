"""What follows from what a pull has learnt, once it is stored: the one place where use cases are told of it.

A visit that is gone, moved or missing has changed its request in the same transaction, and run_timers comes by every minute, also
for requests that wait for pulls: to be told only makes haste, and such an event may come twice or be lost with its worker. A feed
that turned says so until its source was judged.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from ..domain.errors import RequestNotFound
from ..domain.events import Event, FeedTurned, PullFinished, VisitGone, VisitMissing, VisitMoved
from .resolve_moves import ResolveMoves
from .tell_health import TellHealth


@dataclass(frozen=True, slots=True)
class FollowPull:
    """Looks at once whether a visit that went was entered anew, and what becomes of requests that waited for this pull; tells of
    a source that broke or is well.
    """

    resolve_moves: ResolveMoves
    tell_health: TellHealth

    def __call__(self, events: Iterable[Event]) -> list[Event]:
        """Follow each event; what was learnt by that. Raises StoreUnavailable."""
        learnt: list[Event] = []
        for event in events:
            match event:
                case VisitGone() | VisitMoved() | VisitMissing() if event.request_id:
                    self.resolve_moves(event.practice, event.request_id)
                case PullFinished():
                    self._go_on(event)
                case FeedTurned():
                    learnt += self.tell_health(event.practice, event.source_id)
        return learnt

    def _go_on(self, pull: PullFinished) -> None:
        for request_id in pull.awaited_by:
            with suppress(RequestNotFound):
                self.resolve_moves(pull.practice, request_id)
