"""What staff are told of the practice as a whole: a day's digest, a source that broke or is well again, a test.

A notice is named after what it tells of, so that whoever finds it out twice, or late, makes it once.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from hashlib import sha256

from msgspec import Struct

from .events import HealthEvent, SourceBroken
from .messages import MessageKind

NOTICE = "notice_"
"""Before a notice's id, where requests are named too: their ids have no underscore, and SES's tags allow one."""


class Notice(Struct, frozen=True):
    """Mail to staff that is due, or was sent (`sent_at`). `subject` is what it is about: a source's name, say.

    `recipients` are those of a test; of a digest each recipient gets what is theirs; else the practice's get it.
    """

    practice: str
    id: str
    kind: MessageKind
    due_at: datetime
    subject: str = ""
    recipients: tuple[str, ...] = ()
    sent_at: datetime | None = None

    @property
    def name(self) -> str:
        """How queue and sweep name it, beside requests."""
        return NOTICE + self.id


def notice_named(subject: str) -> str | None:
    """The id of the notice that a subject names; None if it names something else."""
    return subject.removeprefix(NOTICE) if subject.startswith(NOTICE) else None


def digest(practice: str, day: date, now: datetime) -> Notice:
    """The digest of a local day."""
    return Notice(practice, f"digest_{day.isoformat()}", MessageKind.DIGEST_STAFF, now)


def of_source(event: HealthEvent, now: datetime) -> Notice:
    """That a source broke, or is well again: named after the turn, which may be told of twice."""
    kind = MessageKind.SOURCE_BROKEN_STAFF if isinstance(event, SourceBroken) else MessageKind.SOURCE_WELL_STAFF
    notice_id = f"{kind}_{event.source_id}_{event.since.astimezone(UTC):%Y%m%dT%H%M%S}"
    return Notice(event.practice, notice_id, kind, now, event.source_id)


def other_turn(notice: Notice) -> str | None:
    """The id of the notice of the turn that ended, or began, the time of which a source's notice tells; None of others."""
    turns = MessageKind.SOURCE_BROKEN_STAFF, MessageKind.SOURCE_WELL_STAFF
    if notice.kind not in turns:
        return None
    other = turns[1 - turns.index(notice.kind)]
    return f"{other}{notice.id.removeprefix(notice.kind)}"


def is_of_another_day(notice: Notice, today: date) -> bool:
    """Whether it is a digest, and there is another one for today, or will be when the practice opens."""
    return notice.kind is MessageKind.DIGEST_STAFF and notice.id != digest(notice.practice, today, notice.due_at).id


def test_message(practice: str, recipients: tuple[str, ...], now: datetime) -> Notice:
    """A test, at most one a minute to the same people."""
    return Notice(
        practice,
        f"test_{now:%Y%m%dT%H%M}_{people_mark(recipients)}",
        MessageKind.TEST_STAFF,
        now,
        recipients=recipients,
    )


def people_mark(recipients: Iterable[str]) -> str:
    """What tells a notice to these people from the same to others."""
    return sha256("|".join(sorted(one.lower() for one in recipients)).encode()).hexdigest()[:8]
