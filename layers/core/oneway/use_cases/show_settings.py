"""Settings and the timeline of a practice, as staff see them."""

from collections.abc import Sequence

from msgspec import Struct

from ..domain.practice_events import EventPlace, PracticeEvent
from ..domain.practices import Practice, StaffMember
from ..ports import PracticeEventRepository, PracticeRepository
from .membership import Membership
from .schedule_age import ScheduleAge

PAGE = 50


class SettingsView(Struct, frozen=True):
    """A practice as it is now, who looks at it, and of its timeline a page; `more`: there are earlier entries."""

    practice: Practice
    member: StaffMember
    schedule_age_minutes: int | None
    events: Sequence[PracticeEvent] = ()
    more: bool = False


class ShowSettings(Struct, frozen=True):
    """Viewers may look. All raise PracticeNotFound."""

    membership: Membership
    practices: PracticeRepository
    events: PracticeEventRepository
    age: ScheduleAge

    def __call__(self, slug: str, email: str) -> SettingsView:
        """The settings as they are now."""
        self.membership(slug, email)
        practice = self.practices.read(slug)
        return SettingsView(practice, self.membership(slug, email), self.age.oldest_minutes(practice))

    def history(self, slug: str, email: str, before: EventPlace | None = None) -> SettingsView:
        """The latest entries of the timeline, or those before a place."""
        member, practice = self.membership(slug, email), self.practices.get(slug)
        found = self.events.latest(slug, PAGE + 1, before)
        return SettingsView(practice, member, self.age.oldest_minutes(practice), found[:PAGE], len(found) > PAGE)
