"""A test: does mail of this practice arrive, and how does it look? It goes the way of all messages."""

from msgspec import Struct

from ..domain.notices import Notice, test_message
from ..ports import Clock, NoticeRepository, PracticeRepository
from .membership import Membership


class SendTestMessage(Struct, frozen=True):
    """At most one a minute to the same people of a practice: a button that is pressed twice sends one."""

    practices: PracticeRepository
    notices: NoticeRepository
    clock: Clock

    def __call__(self, slug: str, recipients: tuple[str, ...] = ()) -> Notice:
        """Have a test sent to the practice's recipients, or to others: the notice, which another call of this minute to the
        same people may have made. Raises PracticeNotFound, StoreUnavailable.
        """
        practice = self.practices.get(slug)
        notice = test_message(slug, recipients or practice.staff_recipients, self.clock.now())
        if not self.notices.add(notice):
            return self.notices.get(slug, notice.id) or notice
        return notice


class SendTestByStaff(Struct, frozen=True):
    """The same, for the portal's Settings: to the practice's recipients only."""

    membership: Membership
    send: SendTestMessage

    def __call__(self, slug: str, email: str) -> Notice:
        """Raises PracticeNotFound, Forbidden (a viewer), StoreUnavailable."""
        self.membership.acting(slug, email)
        return self.send(slug)
