"""Staff's own addresses that get no mail any more (product section 6): they bounced, or somebody there complained.

Mail cannot tell of it, so the portal does, where staff see it every day, until they say that an address may be used again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..domain.practices import Practice
from ..domain.suppression import Suppression, mark_of
from ..ports import PracticeRepository, SuppressionRepository
from .membership import Membership


@dataclass(frozen=True, slots=True)
class StoppedStaffMail:
    """One read, of as many items as the practice and its providers have recipients."""

    suppressions: SuppressionRepository

    def __call__(self, practice: Practice) -> Sequence[tuple[str, Suppression]]:
        """The recipients that get no mail, with why and since when. Raises StoreUnavailable."""
        marks = {mark_of(practice.slug, one): one for one in practice.all_recipients}
        found = {one.mark: one for one in self.suppressions.among(practice.slug, list(marks))}
        return [(address, found[mark]) for mark, address in marks.items() if mark in found]


@dataclass(frozen=True, slots=True)
class UseStaffAddressAgain:
    """Staff say that mail to one of their own addresses arrives again, or is wanted again."""

    membership: Membership
    practices: PracticeRepository
    suppressions: SuppressionRepository

    def __call__(self, slug: str, email: str, address: str) -> None:
        """Idempotent; of an address that is none of the practice's recipients it does nothing. Raises PracticeNotFound,
        Forbidden (a viewer), StoreUnavailable.
        """
        self.membership.acting(slug, email)
        mark = mark_of(slug, address)
        if mark in {mark_of(slug, one) for one in self.practices.get(slug).all_recipients}:
            self.suppressions.remove(slug, mark)
