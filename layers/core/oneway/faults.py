"""Faults of the outside world that the ports speak of, as two trees.

SourceError
├── RateLimited     wait until `until`
├── AuthExpired     sign in again and go on
├── AuthRevoked     staff have to give access again
├── Unavailable     try again later: no connection, time-out, 408, 425, 5xx but 501, cut answer
├── SchemaDrift     the answer is not what this kind of source gives
│   └── RequestRefused  the source does not take this question; it may take another
├── CursorExpired   begin again with a snapshot
└── OutOfTime       our own time or budget is used up: nobody's fault, the next turn goes on

MailError
├── MailRefused         final: this message will never be taken
├── MailUnavailable     the service did not take it; try again
│   └── MailThrottled       ... in a moment
├── MailOutcomeUnknown  no answer: it may or may not have been taken
│   └── MailBroke       an answer that tells no more
└── MailEventUnknown    what came back is nothing that we know

None of them carries patient data or an answer's body in its text.
"""

from datetime import datetime


class SourceError(Exception):
    """Base of all faults of a source; `word` is stable and safe to store and show."""

    word = "unavailable"


class RateLimited(SourceError):
    """The source refuses us for a while; `until` is how long it asked us to wait (`asked`), or how long we leave it alone."""

    word = "rate_limited"

    def __init__(self, until: datetime | None, *, asked: bool = True) -> None:
        super().__init__("rate limited")
        self.until = until
        self.asked_until = until if asked else None


class AuthExpired(SourceError):
    """The token is no longer good; a new one may be."""

    word = "auth_expired"


class AuthRevoked(SourceError):
    """Access was taken away, or never given."""

    word = "auth_revoked"


class Unavailable(SourceError):
    """No answer, a late one, a cut one, or one that says "later"."""

    word = "unavailable"


class SchemaDrift(SourceError):
    """An answer that this kind of source never gives."""

    word = "schema_drift"


class RequestRefused(SchemaDrift):
    """The source does not take a question that this kind of source usually takes."""


class CursorExpired(SourceError):
    """The cursor of a delta is too old."""

    word = "cursor_expired"


class OutOfTime(SourceError):
    """Our own deadline, or the pace that we keep, left no time to ask. It says nothing of the source."""

    word = "out_of_time"


class MailError(Exception):
    """Base of all faults of the mail service."""


class MailRefused(MailError):
    """The service will never take this message."""


class MailUnavailable(MailError):
    """The service did not take the message now."""


class MailThrottled(MailUnavailable):
    """The service takes so many messages a second, and this was one more."""


class MailOutcomeUnknown(MailError):
    """The answer was lost: the message may or may not have been taken."""


class MailBroke(MailOutcomeUnknown):
    """The service said that it broke, perhaps behind the one who took the message."""


class MailEventUnknown(MailError):
    """The service said something that is not known here, or of no message of ours; the text holds nothing of it."""
