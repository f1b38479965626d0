"""Notices to staff, and the addresses that get no mail."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from msgspec.structs import replace

from ..domain.errors import WriteConflict
from ..domain.notices import Notice
from ..domain.practice_events import PracticeEvent
from ..domain.suppression import Suppression
from . import keys
from .items import TableItem, answered, decoded, delete_with, get, get_many, item, query, save_if
from .practice_events import event_item

_KEPT_DAYS = 90


class DynamoNoticeRepository:
    """Implements ports.NoticeRepository."""

    def add(self, notice: Notice) -> bool:
        """Store a notice that is due, unless there is one of its id; whether there was none."""
        try:
            save_if(_notice_item(notice), TableItem.pk.does_not_exist())
        except WriteConflict:
            return False
        return True

    def get(self, practice: str, notice_id: str) -> Notice | None:
        """A notice, read consistently."""
        found = get(keys.notice(practice, notice_id))
        return decoded(found, Notice) if found else None

    def done(self, notice: Notice, at: datetime) -> None:
        """A notice needs no more mail: it was sent, or is not to be. Its body is not compared: another release may store it
        otherwise.
        """
        with suppress(WriteConflict):
            after = replace(notice, sent_at=at)
            save_if(_notice_item(after), TableItem.unsent_since == _due_since(notice))


class DynamoSuppressionRepository:
    """Implements ports.SuppressionRepository."""

    def get(self, practice: str, mark: str) -> Suppression | None:
        """Why an address gets no mail, read consistently; None if it does."""
        found = get(keys.suppressed(practice, mark))
        return decoded(found, Suppression) if found else None

    def add(self, practice: str, suppression: Suppression) -> None:
        """Stop mail to an address; the first reason stays."""
        with suppress(WriteConflict):
            save_if(item(keys.suppressed(practice, suppression.mark), suppression), TableItem.pk.does_not_exist())

    def remove(self, practice: str, mark: str, event: PracticeEvent | None = None) -> None:
        """Let an address have mail again, with an entry that tells of it if it had none until now. Idempotent."""
        if event is None:
            answered(TableItem(*keys.suppressed(practice, mark)).delete)
            return
        with suppress(WriteConflict):
            delete_with(keys.suppressed(practice, mark), event_item(practice, event))

    def of_practice(self, practice: str) -> list[Suppression]:
        """All addresses of a practice that get no mail."""
        return [decoded(one, Suppression) for one in query(keys.suppressed(practice, "").pk)]

    def among(self, practice: str, marks: Sequence[str]) -> list[Suppression]:
        """Those of some addresses that get no mail, read consistently."""
        return [decoded(one, Suppression) for one in get_many(keys.suppressed(practice, mark) for mark in marks)]


def _due_since(notice: Notice) -> str:
    return f"{keys.instant(notice.due_at)}#{notice.id}"


def _notice_item(notice: Notice) -> TableItem:
    due = notice.sent_at is None
    return item(
        keys.notice(notice.practice, notice.id),
        notice,
        unsent=keys.UNSENT if due else None,
        unsent_since=_due_since(notice) if due else None,
        expires_at=int(notice.due_at.timestamp()) + _KEPT_DAYS * 86400,
    )
