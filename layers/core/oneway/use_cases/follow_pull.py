"""What follows from what a pull has learnt, once it is stored. An event may come twice, or be lost with its worker.

A visit that is gone, moved or missing has changed its request in the same transaction, and run_timers comes by every minute; this
only makes haste. So it is with a source that is well again; that one broke is looked up anew whenever a pull of it fails.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ..domain.events import Event, PullFinished, SourceBroken, SourceWell, VisitGone, VisitMissing, VisitMoved
from .resolve_moves import ResolveMoves
from .tell_of_source import TellOfSource

FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FollowPull:
    """Looks at once whether a visit that went was entered anew, and whether staff have to hear of a source."""

    resolve_moves: ResolveMoves
    tell_of_source: TellOfSource

    def __call__(self, events: Iterable[Event]) -> None:
        """Follow each event that concerns a request or a source. Raises StoreUnavailable."""
        sources: dict[tuple[str, str], None] = {}
        for event in events:
            match event:
                case VisitGone() | VisitMoved() | VisitMissing() if event.request_id:
                    self.resolve_moves(event.practice, event.request_id)
                case SourceBroken() | SourceWell():
                    sources[event.practice, source_of(event.feed_id)] = None
                case PullFinished() if event.outcome == FAILED:
                    sources[event.practice, source_of(event.feed_id)] = None
        for practice, source_id in sources:
            self.tell_of_source(practice, source_id)


def source_of(feed_id: str) -> str:
    """The source that a feed reads."""
    return feed_id.partition("~")[0]
