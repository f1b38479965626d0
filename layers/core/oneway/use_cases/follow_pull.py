"""What follows from what a pull has learnt, once it is stored: the one place where use cases are told of it.

A visit that is gone, moved or missing has changed its request in the same transaction, and run_timers comes by every minute, also
for requests that wait for pulls: to be told only makes haste, and such an event may come twice or be lost with its worker. A feed
that turned says so until its source was judged.
"""

from collections.abc import Iterable
from contextlib import suppress

from msgspec import Struct

from ..domain.errors import RequestNotFound
from ..domain.events import Event, FeedTurned, PullFinished, VisitGone, VisitMissing, VisitMoved
from .resolve_moves import ResolveMoves
from .tell_health import TellHealth


class FollowPull(Struct, frozen=True):
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
                    self._resolve(event.practice, event.request_id)
                case PullFinished():
                    for request_id in event.awaited_by:
                        self._resolve(event.practice, request_id)
                case FeedTurned():
                    learnt += self.tell_health(event.practice, event.source_id)
        return learnt

    def _resolve(self, practice: str, request_id: str) -> None:
        """A request may be gone (erased, or past its time) while a visit or a list still names it: no pull breaks of that."""
        with suppress(RequestNotFound):
            self.resolve_moves(practice, request_id)
