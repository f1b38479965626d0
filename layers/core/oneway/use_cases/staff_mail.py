"""Staff's own addresses that get no mail any more (product section 6): they bounced, or somebody there complained. And those to
which a message did not go out, or perhaps not: the mail service refused it, never said, or it came back.

Mail cannot tell of it, so the portal does, where staff see it every day, until they say that an address may be used again, or
that they have seen it.
"""

from collections.abc import Sequence

from msgspec import Struct

from ..domain.practice_events import PracticeEvent, PracticeHappening
from ..domain.practices import Practice
from ..domain.suppression import Suppression, mark_of, missed_mark_of
from ..ports import Clock, PracticeRepository, SuppressionRepository
from .membership import Membership


class StaffMailTrouble(Struct, frozen=True):
    """Recipients with why and since when: who gets no mail, and who still does, but missed some."""

    stopped: Sequence[tuple[str, Suppression]]
    missed: Sequence[tuple[str, Suppression]]


class StoppedStaffMail(Struct, frozen=True):
    """One read, of as many items as the practice and its providers have recipients, twice."""

    suppressions: SuppressionRepository

    def __call__(self, practice: Practice) -> StaffMailTrouble:
        """The recipients that get no mail, and those that missed some. Raises StoreUnavailable."""
        slug, recipients = practice.slug, list(practice.all_recipients)
        stops = {one: mark_of(slug, one) for one in recipients}
        misses = {one: missed_mark_of(slug, one) for one in recipients}
        among = self.suppressions.among(slug, [*stops.values(), *misses.values()]) if recipients else []
        found = {one.mark: one for one in among}
        return StaffMailTrouble(
            [(one, found[mark]) for one, mark in stops.items() if mark in found],
            [(one, found[mark]) for one, mark in misses.items() if mark in found and stops[one] not in found],
        )


class UseStaffAddressAgain(Struct, frozen=True):
    """Staff say that mail to one of their own addresses arrives again, or is wanted again; or that they know what it missed."""

    membership: Membership
    practices: PracticeRepository
    suppressions: SuppressionRepository
    clock: Clock

    def __call__(self, slug: str, email: str, address: str) -> PracticeHappening | None:
        """What that was, as the practice's timeline tells it; None if it was nothing: said before, or of an address that is none
        of the practice's recipients. Raises PracticeNotFound, Forbidden (a viewer), StoreUnavailable.
        """
        actor, mark = self.membership.acting(slug, email), mark_of(slug, address)
        known = next((one for one in self.practices.get(slug).all_recipients if mark_of(slug, one) == mark), None)
        if known is None:
            return None
        missed = missed_mark_of(slug, known)
        there = {one.mark for one in self.suppressions.among(slug, [mark, missed])}
        if not there:
            return None
        lifted, what = missed, PracticeHappening.STAFF_MAIL_SEEN
        if mark in there:
            lifted, what = mark, PracticeHappening.STAFF_ADDRESS_AGAIN
        event = PracticeEvent(f"mail~{lifted}", self.clock.now(), actor.name, what, detail=known)
        self.suppressions.remove(slug, lifted, event)
        self.suppressions.remove(slug, missed)  # the page does not speak of it beside the other
        return what
