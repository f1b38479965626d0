"""Who is staff of which practice."""

from msgspec import Struct

from ..domain.errors import Forbidden, PracticeNotFound
from ..domain.practices import StaffMember, StaffRole
from ..domain.requests import Actor, ActorKind
from ..ports import PracticeRepository


class Membership(Struct, frozen=True):
    """The gate of every portal use case: to others a practice does not exist."""

    practices: PracticeRepository

    def __call__(self, slug: str, email: str) -> StaffMember:
        """The staff member of a practice. Raises PracticeNotFound if the person is none."""
        member = self.practices.get(slug).staff.get(email.lower())
        if member is None:
            raise PracticeNotFound
        return member

    def acting(self, slug: str, email: str) -> Actor:
        """The staff member as one who changes something. Raises PracticeNotFound, Forbidden (a viewer)."""
        member = self(slug, email)
        if member.role is StaffRole.VIEWER:
            raise Forbidden
        return Actor(ActorKind.STAFF, member.email)
