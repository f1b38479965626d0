"""Staff ask why a time of a provider's calendar is not offered (product section 4): one answer for each visit type."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from ..domain.availability import Closure
from ..domain.clock_time import day_of
from ..domain.practices import Practice, Provider, StaffMember, VisitType
from ..domain.slots import Closed
from .explain_slot import ExplainSlot
from .membership import Membership

_FIRST, _LAST = date(1970, 1, 3), date(9990, 1, 1)
"""Between them every zone has days around a time. Further away the answer is that of the same weekday there."""
_WEEK = timedelta(days=7)


class TimeExplained(Struct, frozen=True):
    """A wall-clock time of a provider; `start` is None where the clocks leave it out.

    `reasons` says of each visit type why the time is not offered (None: it is); `closure` is what closes its day.
    """

    practice: Practice
    member: StaffMember
    schedule_age_minutes: int | None
    provider: Provider
    zone: ZoneInfo
    wall: datetime
    start: datetime | None
    reasons: Sequence[tuple[VisitType, Closed | None]]
    closure: Closure | None = None

    @property
    def one_reason(self) -> bool:
        """Whether the answer is the same for every visit type."""
        return len({reason for _, reason in self.reasons}) == 1


class ExplainTime(Struct, frozen=True):
    """One read for all visit types. No patient is named."""

    membership: Membership
    explain: ExplainSlot

    def __call__(self, slug: str, email: str, provider_id: str, wall: datetime) -> TimeExplained:
        """`wall` is the time on the clock where the provider works; of one that occurs twice the first is meant.

        Raises PracticeNotFound, ProviderNotFound.
        """
        member = self.membership(slug, email)
        practice = self.explain.practices.get(slug)
        provider = practice.provider(provider_id)
        zone, age = practice.zone_of(provider), self.explain.age.minutes(practice, provider)
        near = datetime.combine(_near(wall.date()), wall.time())
        start = near.replace(tzinfo=zone).astimezone(UTC)
        if start.astimezone(zone).replace(tzinfo=None) != near:
            return TimeExplained(practice, member, age, provider, zone, wall, None, ())
        visit_types = practice.visit_types_of(provider)
        longest = max((one.minutes for one in visit_types), default=0)
        found = self.explain.read(practice, provider, start, longest)
        reasons = [(one, self.explain.why_closed(practice, provider, one, start, found)) for one in visit_types]
        closure = found.availability.closure_on(day_of(start, zone))
        return TimeExplained(practice, member, age, provider, zone, wall, start, reasons, closure)


def _near(day: date) -> date:
    bound = min(max(day, _FIRST), _LAST)
    return bound + (day - bound) % _WEEK
