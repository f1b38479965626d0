"""Notices to staff, what they know of sources, and the addresses that get no mail."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from ..domain.errors import WriteConflict
from ..domain.notices import Notice, SourceNews
from ..domain.suppression import Suppression
from . import keys
from .items import TableItem, answered, decoded, get, item, query, save_if

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
        """A notice needs no more mail: it was sent, or is not to be."""
        with suppress(WriteConflict):
            after = replace(notice, sent_at=at)
            save_if(_notice_item(after), TableItem.body == _notice_item(notice).body)

    def news(self, practice: str, source_id: str) -> SourceNews:
        """What staff were told of a source, read consistently."""
        found = get(keys.source_news(practice, source_id))
        return decoded(found, SourceNews) if found else SourceNews(practice, source_id)

    def save_news(self, after: SourceNews) -> None:
        """Write what staff were told, if the stored version is the one before. Raises WriteConflict."""
        before = after.version - 1
        new = item(
            keys.source_news(after.practice, after.source_id),
            after,
            after.version,
            unsent=keys.LATER if after.look_at else None,
            unsent_since=f"{keys.instant(after.look_at)}#{after.source_id}" if after.look_at else None,
        )
        save_if(new, TableItem.v == before if before else TableItem.pk.does_not_exist())


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

    def remove(self, practice: str, mark: str) -> None:
        """Let an address have mail again."""
        answered(TableItem(*keys.suppressed(practice, mark)).delete)

    def of_practice(self, practice: str) -> list[Suppression]:
        """All addresses of a practice that get no mail."""
        return [decoded(one, Suppression) for one in query(keys.suppressed(practice, "").pk)]


def _notice_item(notice: Notice) -> TableItem:
    due = notice.sent_at is None
    return item(
        keys.notice(notice.practice, notice.id),
        notice,
        unsent=keys.UNSENT if due else None,
        unsent_since=f"{keys.instant(notice.due_at)}#{notice.id}" if due else None,
        expires_at=int(notice.due_at.timestamp()) + _KEPT_DAYS * 86400,
    )
