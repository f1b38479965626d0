"""The timelines of practices: what staff changed in calendars and settings."""

from ..domain.practice_events import EventPlace, PracticeEvent
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

    def latest(self, practice: str, count: int, before: EventPlace | None = None) -> list[PracticeEvent]:
        """The latest entries, or those before a place, newest first."""
        query = TableItem.query
        earlier = TableItem.sk < keys.practice_event(practice, before.at, before.id).sk if before else None
        found = answered(
            lambda: list(query(keys.practice_events(practice), earlier, scan_index_forward=False, limit=count))
        )
        return [decoded(one, PracticeEvent) for one in found]
