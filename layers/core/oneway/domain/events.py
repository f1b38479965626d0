"""What a pull learns, in the past tense; it leaves the engine once it is stored, and may come twice (house: *Names*)."""

from datetime import datetime

from msgspec import Struct


class VisitMissing(Struct, frozen=True):
    """Two pulls running did not show a visit, and nobody says that it is gone."""

    practice: str
    provider_id: str
    appointment_id: str
    request_id: str | None


class VisitGone(Struct, frozen=True):
    """The source says, read by id, that a visit no longer exists."""

    practice: str
    provider_id: str
    appointment_id: str
    request_id: str | None


class VisitMoved(Struct, frozen=True):
    """A visit has another time, or is with another provider."""

    practice: str
    appointment_id: str
    request_id: str | None
    provider_id: str
    start: datetime
    to_provider_id: str
    to_start: datetime


class PullFinished(Struct, frozen=True):
    """A pull ended: how ("changed", "unchanged", "failed", "held", "stopped"), and what it counted; of a turn in which the source
    was not asked, or that was left off, none is told. `awaited_by`: it was good, and
    these requests waited for one that begins so late.
    """

    practice: str
    feed_id: str
    outcome: str
    seen: int = 0
    changed: int = 0
    confirmed: int = 0
    set_aside: int = 0
    awaited_by: tuple[str, ...] = ()


class FeedTurned(Struct, frozen=True):
    """A feed counts as broken from now on, or no longer; what that makes of its source is judged over all of its feeds."""

    practice: str
    source_id: str


class SourceBroken(Struct, frozen=True):
    """A source counts as broken since an instant, the first of its feeds with it; `fault` is a word of `faults`."""

    practice: str
    source_id: str
    fault: str
    since: datetime


class SourceWell(Struct, frozen=True):
    """A source that counted as broken since an instant was read again, all of it."""

    practice: str
    source_id: str
    since: datetime


HealthEvent = SourceBroken | SourceWell
"""Each turn of a source once: told anew only until whoever consumes it has returned, and then with the same `since`."""
Event = VisitMissing | VisitGone | VisitMoved | FeedTurned | HealthEvent | PullFinished
