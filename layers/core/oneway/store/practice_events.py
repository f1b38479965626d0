"""The timelines of practices: what staff changed in calendars and settings."""

from datetime import datetime

from ..domain.practice_events import PracticeEvent
from . import keys
from .items import TableItem, answered, decoded, item


def event_item(practice: str, event: PracticeEvent) -> TableItem:
    """An entry as it is stored; the same entry is the same item."""
    return item(keys.practice_event(practice, event.at, event.id), event)


class DynamoPracticeEventRepository:
    """Implements ports.PracticeEventRepository."""

    def add(self, practice: str, event: PracticeEvent) -> None:
        """Write an entry; written again, it is the same. Raises StoreUnavailable."""
        answered(event_item(practice, event).save)

    def latest(self, practice: str, count: int, before: datetime | None = None) -> list[PracticeEvent]:
        """The latest entries, or those before an instant, newest first."""
        query, earlier = TableItem.query, TableItem.sk < keys.instant(before) if before else None
        found = answered(
            lambda: list(query(keys.practice_events(practice), earlier, scan_index_forward=False, limit=count))
        )
        return [decoded(one, PracticeEvent) for one in found]
