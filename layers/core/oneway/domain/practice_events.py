"""What was changed in a practice's calendars and settings, or said of the practice: when, who, what (product section 4, *Every
change is one entry*).

No entry holds a patient's data.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct


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
    STAFF_ADDRESS_AGAIN = "staff_address_again"
    """Mail to an address of staff arrives again, or is wanted again."""
    STAFF_MAIL_SEEN = "staff_mail_seen"
    """Staff know what an address of theirs missed."""
    SETTING_CHANGED = "setting_changed"
    FILE_APPLIED = "file_applied"
    """An operator's file changed a calendar."""


class EventPlace(NamedTuple):
    """Where an entry stands in the timeline; without an `id`, before all entries of its instant."""

    at: datetime
    id: str = ""


class PracticeEvent(Struct, frozen=True):
    """One change. `id` tells it from others of the same instant and is the same however often it is written.

    `who` is a staff member's e-mail (empty: an operator), `provider_id` empty where the whole practice is meant, `detail`
    what the words of `what` speak of: a Monday, days ("2026-12-24/2026-12-26 Christmas"), an address of staff. Of a `setting`
    (its name: domain/practice_settings.py) `before` and `after` are the texts of its values.
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


_WEEK_EDITS = (PracticeHappening.WEEK_SAVED, PracticeHappening.WEEK_FOLLOWS_DEFAULT)
_DEFAULT_EDITS = (PracticeHappening.DEFAULT_WEEK_SAVED, PracticeHappening.FILE_APPLIED)


def last_edit_of(
    latest: Iterable[PracticeEvent], provider_id: str, monday: str, *, of_default: bool = False, later: bool = False
) -> PracticeEvent | None:
    """Of a timeline, newest first, the last edit of a provider's hours in the week that begins on a `monday` (ISO 8601): of the
    default ones only, or of `later` weeks. None if it is not among these.
    """
    for one in latest:
        week = one.what in _WEEK_EDITS and not of_default and (one.detail > monday if later else one.detail == monday)
        applied = one.what == PracticeHappening.APPLIED_TO_REMAINING and (later or one.detail <= monday)
        if one.provider_id == provider_id and (week or applied or one.what in _DEFAULT_EDITS):
            return one
    return None


def calendar_event_id(provider_id: str, version: int) -> str:
    """The id of the entry that tells of a calendar's version."""
    return f"{provider_id}~{version}"
