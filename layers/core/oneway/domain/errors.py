"""Everything the product refuses or cannot do, as one tree.

OnewayError
├── InvalidInput            what was sent cannot be used; one FieldProblem a field
├── NotFound
│   ├── PracticeNotFound
│   ├── ProviderNotFound
│   ├── RequestNotFound
│   ├── VisitNotFound
│   └── LinkNotFound        unknown, malformed or revoked private link (never told apart)
├── Refused                 understood, but the rules say no
│   ├── SlotAlreadyTaken    with what is left that day
│   ├── SlotNotOffered      with the one reason that closes it
│   ├── KeyReused           an idempotency key came back with another payload
│   ├── RequestAlreadyAnswered
│   ├── TooManyPending      with the limit that was reached
│   ├── SomebodyElseIsOnIt  a colleague said so first
│   ├── CalendarChangedMeanwhile  somebody else saved first: who, when, what
│   ├── SettingsChangedMeanwhile  the same of settings
│   ├── ClosureIsOver       days that have all passed cannot be closed
│   └── Forbidden           a viewer may only read
├── WriteConflict           somebody else was first; re-read and decide again
└── StoreUnavailable        the store gave no definite answer within its bounds
    └── StoreRefused        it answered that it will not do this: a bug, or a right that is missing

None of them carries patient data in its text.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from .availability import DayDifference


class OnewayError(Exception):
    """Base of all errors of the product."""


class FieldProblem(Struct, frozen=True):
    """One bad field: `pointer` is an RFC 6901 JSON pointer, `code` is stable, `detail` says what to do."""

    pointer: str
    code: str
    detail: str


class InvalidInput(OnewayError):
    """What was sent cannot be used as it is; `problems` names every bad field."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__(", ".join(f"{p.pointer}: {p.code}" for p in problems))
        self.problems = tuple(problems)


class NotFound(OnewayError):
    """There is nothing here, or nothing that the asker may know of."""


class PracticeNotFound(NotFound):
    """No practice has this slug."""


class ProviderNotFound(NotFound):
    """The practice has no provider of this id that can be booked."""


class RequestNotFound(NotFound):
    """The practice has no request of this id."""


class VisitNotFound(NotFound):
    """The practice has no imported visit of this provider and id."""


class LinkNotFound(NotFound):
    """The private link is unknown, malformed or revoked."""


class Refused(OnewayError):
    """Understood, but the rules say no."""


class SlotAlreadyTaken(Refused):
    """The last place went to somebody else; `left` holds the free starts nearby (epoch minutes)."""

    def __init__(self, left: Sequence[int] = ()) -> None:
        super().__init__("the time was just taken")
        self.left = tuple(left)


class SlotNotOffered(Refused):
    """The time is not bookable for the one `reason` given (see `slots.Closed`); `left` as in SlotAlreadyTaken."""

    def __init__(self, reason: str, left: Sequence[int] = ()) -> None:
        super().__init__(f"not offered: {reason}")
        self.reason = reason
        self.left = tuple(left)


class KeyReused(Refused):
    """The idempotency key already stands for another payload."""


class RequestAlreadyAnswered(Refused):
    """The request is no longer pending, so it cannot be cancelled here."""


class TooManyPending(Refused):
    """As many requests wait for an answer as the practice allows: `limit` of them, for one `kind` ("person", "contact")."""

    def __init__(self, kind: str, limit: int) -> None:
        super().__init__(f"{limit} pending for one {kind}")
        self.kind = kind
        self.limit = limit


class CalendarChangedMeanwhile(Refused):
    """Somebody else saved the calendar first: who (an e-mail address; empty: an operator), when, and which days differ."""

    def __init__(self, changed_by: str, changed_at: datetime | None, days: "Sequence[DayDifference]" = ()) -> None:
        super().__init__("somebody else saved first")
        self.changed_by = changed_by
        self.changed_at = changed_at
        self.days = tuple(days)


class SettingsChangedMeanwhile(Refused):
    """Somebody else changed settings first: who (an e-mail address; empty: an operator), when, and their `names`."""

    def __init__(self, changed_by: str, changed_at: datetime | None, names: Sequence[str]) -> None:
        super().__init__("somebody else saved first")
        self.changed_by = changed_by
        self.changed_at = changed_at
        self.names = tuple(names)


class VanishedAlreadyAnswered(Refused):
    """Somebody else has said otherwise what it means that visits vanished: `answer`, and who (an e-mail address; empty: an
    operator).
    """

    def __init__(self, answer: str, answered_by: str) -> None:
        super().__init__(f"already answered: {answer}")
        self.answer = answer
        self.answered_by = answered_by


class ClosureIsOver(Refused):
    """All days of the closure have passed."""


class SomebodyElseIsOnIt(Refused):
    """A colleague is on the request."""


class Forbidden(Refused):
    """The person may look, but not change."""


class WriteConflict(OnewayError):
    """A condition of the transaction did not hold; `conflicted` are the indexes of the changes that failed."""

    def __init__(self, conflicted: Sequence[int] = ()) -> None:
        super().__init__("somebody else wrote first")
        self.conflicted = tuple(conflicted)


class StoreUnavailable(OnewayError):
    """No definite answer from the store: the write may or may not have happened."""


class StoreRefused(StoreUnavailable):
    """The store does not do what it was asked for, and will not the next time: a bug of ours, or a right that is missing."""
