"""What a pull learns, in the past tense; it leaves the engine once it is stored, and may come twice (house: *Names*)."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class VisitMissing:
    """Two pulls running did not show a visit, and nobody says that it is gone."""

    practice: str
    provider_id: str
    appointment_id: str
    request_id: str | None


@dataclass(frozen=True, slots=True)
class VisitGone:
    """The source says, read by id, that a visit no longer exists."""

    practice: str
    provider_id: str
    appointment_id: str
    request_id: str | None


@dataclass(frozen=True, slots=True)
class VisitMoved:
    """A visit has another time, or is with another provider."""

    practice: str
    appointment_id: str
    request_id: str | None
    provider_id: str
    start: datetime
    to_provider_id: str
    to_start: datetime


@dataclass(frozen=True, slots=True)
class PullFinished:
    """A pull ended: how ("changed", "unchanged", "failed", "held"), and what it counted."""

    practice: str
    feed_id: str
    outcome: str
    seen: int = 0
    changed: int = 0
    confirmed: int = 0
    set_aside: int = 0


@dataclass(frozen=True, slots=True)
class SourceBroken:
    """A feed's source counts as broken from now on; `fault` is a word of `faults`."""

    practice: str
    feed_id: str
    fault: str


@dataclass(frozen=True, slots=True)
class SourceWell:
    """A feed's source that counted as broken was read again."""

    practice: str
    feed_id: str


Event = VisitMissing | VisitGone | VisitMoved | SourceBroken | SourceWell | PullFinished
