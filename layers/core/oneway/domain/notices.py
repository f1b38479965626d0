"""What staff are told of the practice as a whole: a day's digest, a source that broke or is well again, a test.

A notice is named after what it tells of, so that whoever finds it out twice, or late, makes it once.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from .messages import MessageKind

NOTICE, NEWS = "notice_", "news_"
"""Before a notice's id, and a source's, where requests are named too: their ids have no underscore. SES's tags allow it."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Mail to staff that is due, or was sent (`sent_at`). `subject` is what it is about: a source's name, say.

    `recipients` are those of a test; else the practice's get it.
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


def source_named(subject: str) -> str | None:
    """The id of the source that a subject names; None if it names something else."""
    return subject.removeprefix(NEWS) if subject.startswith(NEWS) else None


def digest(practice: str, day: date, now: datetime) -> Notice:
    """The digest of a local day."""
    return Notice(practice, f"digest_{day.isoformat()}", MessageKind.DIGEST_STAFF, now)


def source_news(practice: str, source_id: str, number: int, *, broken: bool, now: datetime) -> Notice:
    """That a source broke for the `number`th time, or is well again after it."""
    kind = MessageKind.SOURCE_BROKEN_STAFF if broken else MessageKind.SOURCE_WELL_STAFF
    return Notice(practice, f"{kind}_{source_id}_{number}", kind, now, source_id)


def test_message(practice: str, recipients: tuple[str, ...], now: datetime) -> Notice:
    """A test, at most one a minute."""
    return Notice(practice, f"test_{now:%Y%m%dT%H%M}", MessageKind.TEST_STAFF, now, recipients=recipients)


@dataclass(frozen=True, slots=True)
class SourceNews:
    """What staff were told of a source last: how often it broke, and whether it is `broken` for all they know. So long the clock
    looks at `look_at` whether it is well: what a pull learns may be lost with its worker.
    """

    practice: str
    source_id: str
    broken: bool = False
    number: int = 0
    look_at: datetime | None = None
    version: int = 0


LOOKED_EVERY = timedelta(minutes=10)


def told(news: SourceNews, now: datetime, *, broken: bool) -> tuple[SourceNews, Notice]:
    """What staff know after they are told that a source broke, or is well again; and the notice that says so."""
    number = news.number + 1 if broken else news.number
    look_at = now + LOOKED_EVERY if broken else None
    after = replace(news, broken=broken, number=number, look_at=look_at, version=news.version + 1)
    return after, source_news(news.practice, news.source_id, number, broken=broken, now=now)
