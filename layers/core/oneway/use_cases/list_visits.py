"""Appointments > Upcoming and Past, and finding one: visits asked for and imported alike, a linked pair once."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from ..domain.appointments import Appointment, NameUse
from ..domain.clock_time import day_of, first_minute, instant_of, zone_of
from ..domain.practices import Practice, StaffMember
from ..domain.requests import PreferredTimes, Request
from ..domain.searching import looks_for
from ..phones import beginnings
from ..ports import AuditRepository, Clock, Listed, ListedKind, PracticeRepository, RequestRepository, VisitRepository
from .membership import Membership
from .schedule_age import ScheduleAge

PAGE = 50
"""Visits on a page."""
LOOKS_BACK = timedelta(days=30)
"""How far *Past* goes back, unless days are chosen."""
LOOKS_AHEAD = timedelta(days=366)
_OTHER_ZONES = timedelta(days=1)
"""So far the days of providers' zones lie from the practice's."""


class VisitTab(StrEnum):
    """The two lists of visits."""

    UPCOMING = "upcoming"
    PAST = "past"


class Filters(Struct, frozen=True):
    """What of a list is wanted: of one provider, in one state, on the days [first, last]; None and "" are any."""

    provider_id: str = ""
    state: str = ""
    first: date | None = None
    last: date | None = None

    def takes(self, provider_id: str, state: str) -> bool:
        """Whether a visit with this provider and in this state is wanted."""
        return self.provider_id in ("", provider_id) and self.state in ("", state)

    def takes_day(self, day: date) -> bool:
        """Whether what is on this day is wanted."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


ANY = Filters()


class VisitRow(Struct, frozen=True):
    """A visit in a list. Its page is that of the request `request_id`, if it was asked for, else its own. `missing`: complete
    pulls no longer show it. `preferred` is when one without a `start` would suit.
    """

    kind: ListedKind
    id: str
    provider_id: str
    start: datetime | None
    name: str
    state: str
    request_id: str | None = None
    visit_type_id: str | None = None
    missing: bool = False
    preferred: PreferredTimes | None = None


class VisitList(Struct, frozen=True):
    """A page of a list: `count` visits are on all `pages` together; `to_act` requests stand in Action required."""

    practice: Practice
    member: StaffMember
    schedule_age_minutes: int | None
    tab: VisitTab
    filters: Filters
    rows: Sequence[VisitRow]
    count: int
    page: int
    pages: int
    to_act: int


class FoundVisits(Struct, frozen=True):
    """What a search finds, the nearest first: at most a page of `count`. `looked` is False where too little was typed,
    `cut` True where more begins with it than can be looked at.
    """

    practice: Practice
    member: StaffMember
    schedule_age_minutes: int | None
    text: str
    rows: Sequence[VisitRow]
    count: int
    looked: bool
    cut: bool = False


class ListVisits(Struct, frozen=True):
    """One query for what the indexes say of all of them, and one read of those on the page."""

    membership: Membership
    practices: PracticeRepository
    requests: RequestRepository
    visits: VisitRepository
    audit: AuditRepository
    age: ScheduleAge
    clock: Clock

    def __call__(self, slug: str, email: str, tab: VisitTab, filters: Filters, page: int = 1) -> VisitList:
        """A page of a list; beyond the last one, the last. Raises PracticeNotFound, StoreUnavailable (then nothing is shown)."""
        member, now = self.membership(slug, email), self.clock.now()
        practice = self.practices.get(slug)
        self.audit.record(slug, member.email, f"list_{tab}", "", now)
        listed = self.visits.between(slug, *_range(practice, tab, filters, now))
        wanted = [
            one for one in listed if filters.takes(one.provider_id, one.state) and _on_day(one, filters, practice)
        ]
        if tab is VisitTab.PAST:
            wanted.reverse()
        pages = max(1, -(-len(wanted) // PAGE))
        page = min(max(1, page), pages)
        rows = [row_of(one) for one in self.visits.load(slug, wanted[(page - 1) * PAGE : page * PAGE])]
        return VisitList(
            practice,
            member,
            self.age.oldest_minutes(practice),
            tab,
            filters,
            rows,
            len(wanted),
            page,
            pages,
            len(self.requests.to_act(slug)),
        )


class FindVisits(Struct, frozen=True):
    """At most three looks into the indexes, and one read of what is shown."""

    membership: Membership
    practices: PracticeRepository
    visits: VisitRepository
    audit: AuditRepository
    age: ScheduleAge
    clock: Clock

    def __call__(self, slug: str, email: str, text: str) -> FoundVisits:
        """Find by name, phone or e-mail. Raises PracticeNotFound, StoreUnavailable (then nothing is shown)."""
        member, now = self.membership(slug, email), self.clock.now()
        practice = self.practices.get(slug)
        looks = looks_for(text, beginnings(text, practice.country))
        if looks:
            self.audit.record(slug, member.email, "find_visits", "", now)
        looked = [self.visits.found(slug, look) for look in looks]
        found = list(dict.fromkeys(one for several, _ in looked for one in several))
        # A linked request has no start of its own here: its visit has; it counts only where the visit is not found.
        found.sort(key=lambda one: (one.start is None, abs(one.start - now) if one.start else timedelta()))
        rows = _each_once(self.visits.load(slug, found[: 2 * PAGE]))
        rows.sort(key=lambda row: _nearness(row.start, now))
        age = self.age.oldest_minutes(practice)
        count = max(len(rows), sum(one.start is not None for one in found))
        cut = not all(complete for _, complete in looked)
        return FoundVisits(practice, member, age, text, rows[:PAGE], count, bool(looks), cut)


def row_of(visit: Request | Appointment) -> VisitRow:
    """A visit as a list shows it."""
    if isinstance(visit, Request):
        name = f"{visit.patient.first_name} {visit.patient.last_name}"
        provider_id = visit.link.provider_id if visit.link else visit.provider_id
        state = visit.shown_state
        return VisitRow(
            ListedKind.REQUEST,
            visit.id,
            provider_id,
            visit.start,
            name,
            state,
            visit.id,
            visit.visit_type_id,
            preferred=visit.preferred,
        )
    name = name_of(visit)
    return VisitRow(
        ListedKind.APPOINTMENT,
        visit.id,
        visit.provider_id,
        visit.start,
        name,
        visit.state,
        visit.request_id,
        missing=visit.missing_since is not None,
    )


def name_of(visit: Appointment) -> str:
    """The patient's name as the source writes it; "" where it says none."""
    names = visit.row.patient.names if visit.row.patient else ()
    current = [name for name in names if name.use is NameUse.CURRENT] or names
    return " ".join((*current[0].given, current[0].family)).strip() if current else ""


def _each_once(visits: Iterable[Request | Appointment]) -> list[VisitRow]:
    rows: dict[str, VisitRow] = {}
    for row in map(row_of, visits):
        known = rows.get(row.request_id or row.id)
        if known is None or known.kind is ListedKind.REQUEST:
            rows[row.request_id or row.id] = row
    return list(rows.values())


def _nearness(start: datetime | None, now: datetime) -> tuple[bool, timedelta]:
    """What comes goes before what was, the nearest first."""
    return (start is None or start < now, abs(start - now) if start else timedelta.max)


def _on_day(listed: Listed, filters: Filters, practice: Practice) -> bool:
    """Whether a visit is on a chosen day, in the zone in which the list shows it: its provider's."""
    if listed.start is None or (filters.first is None and filters.last is None):
        return True
    provider = practice.providers.get(listed.provider_id)
    return filters.takes_day(day_of(listed.start, practice.zone_of(provider) if provider else zone_of(practice.zone)))


def _range(practice: Practice, tab: VisitTab, filters: Filters, now: datetime) -> tuple[datetime, datetime]:
    """The instants [first, last) of a list; chosen days are whole ones in the practice's zone, with a day more on both sides:
    a provider's zone may be another. Empty, where they end before they begin.
    """
    zone = zone_of(practice.zone)
    first = instant_of(first_minute(_in_reach(filters.first), zone)) if filters.first else None
    last = instant_of(first_minute(_in_reach(filters.last) + timedelta(days=1), zone)) if filters.last else None
    if tab is VisitTab.UPCOMING:
        begins, ends = first or now, last or (first or now) + LOOKS_AHEAD
    else:
        begins, ends = first or (last or now) - LOOKS_BACK, last or now
    begins -= _OTHER_ZONES if filters.first else timedelta()
    ends += _OTHER_ZONES if filters.last else timedelta()
    ends = min(ends, now) if tab is VisitTab.PAST else ends
    return begins, max(begins, ends)


def _in_reach(day: date) -> date:
    """A day with room on both sides."""
    return min(max(day, date(1900, 1, 1)), date(2999, 1, 1))
