"""What was changed in a practice's calendars and settings: when, who, what (product section 4, *Every change is one entry*).

No entry holds a patient's data.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class PracticeHappening(StrEnum):
    """What an entry of a practice's timeline tells; pages say it in words."""

    WEEK_SAVED = "week_saved"
    WEEK_FOLLOWS_DEFAULT = "week_follows_default"
    APPLIED_TO_REMAINING = "applied_to_remaining"
    DEFAULT_WEEK_SAVED = "default_week_saved"
    CLOSED = "closed"
    REOPENED = "reopened"
    PAUSED = "paused"
    RESUMED = "resumed"
    VANISHED_ACCEPTED = "vanished_accepted"
    VANISHED_KEPT = "vanished_kept"
    SETTING_CHANGED = "setting_changed"
    FILE_APPLIED = "file_applied"
    """An operator's file changed a calendar."""


class EventPlace(NamedTuple):
    """Where an entry stands in the timeline; without an `id`, before all entries of its instant."""

    at: datetime
    id: str = ""


@dataclass(frozen=True, slots=True)
class PracticeEvent:
    """One change. `id` tells it from others of the same instant and is the same however often it is written.

    `who` is a staff member's e-mail (empty: an operator), `provider_id` empty where the whole practice is meant, `detail`
    what the words of `what` speak of: a Monday, days ("2026-12-24/2026-12-26 Christmas"). Of a `setting` (its name:
    domain/practice_settings.py) `before` and `after` are the texts of its values.
    """

    id: str
    at: datetime
    who: str
    what: str
    provider_id: str = ""
    detail: str = ""
    setting: str = ""
    before: str = ""
    after: str = ""

    @property
    def place(self) -> EventPlace:
        """Where it stands in the timeline."""
        return EventPlace(self.at, self.id)


def calendar_event_id(provider_id: str, version: int) -> str:
    """The id of the entry that tells of a calendar's version."""
    return f"{provider_id}~{version}"
