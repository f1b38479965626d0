"""Staff look at requests and visits; each look is on record before anything is shown (product section 8)."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from ..domain.appointments import Appointment, RowKind
from ..domain.claims import Claim, Note
from ..domain.clock_time import day_of, zone_of
from ..domain.errors import VisitNotFound
from ..domain.feeds import FeedState
from ..domain.linking import undo_is_silent
from ..domain.matching import is_dismissed
from ..domain.messages import MessageRecord
from ..domain.practices import Location, Practice, Provider, StaffMember, VisitType
from ..domain.requests import Request, TimelineEntry
from ..domain.suppression import Suppression, mark_of
from ..ports import (
    AppointmentRepository,
    AuditRepository,
    Beside,
    Clock,
    PracticeRepository,
    RequestRepository,
    SuppressionRepository,
)
from .explain_request import Explained, ExplainRequest
from .linked_visit import former_visit
from .list_visits import ANY, PAGE, Filters
from .look_up_request import looked_up
from .membership import Membership
from .schedule_age import ScheduleAge


class ActionRequired(Struct, frozen=True):
    """A page of what waits for an answer, by start: `count` requests on all `pages`, of `total` without filters.

    `matched` are those with an open possible match, `claims` say who is on which; `broken` are the feeds whose source is.
    """

    practice: Practice
    member: StaffMember
    schedule_age_minutes: int | None
    requests: Sequence[Request]
    filters: Filters = ANY
    count: int = 0
    page: int = 1
    pages: int = 1
    total: int = 0
    matched: frozenset[str] = frozenset()
    claims: Mapping[str, Claim] | None = None
    broken: Sequence[FeedState] = ()


class RequestDetails(Struct, frozen=True):
    """Everything that the details page shows. `suppressed`: no more mail goes to the patient's address, and why; `request.call`
    is what staff have to tell by phone.
    """

    practice: Practice
    member: StaffMember
    request: Request
    timeline: Sequence[TimelineEntry]
    messages: Sequence[MessageRecord]
    provider: Provider
    location: Location
    visit_type: VisitType
    schedule_age_minutes: int | None
    explained: Explained
    undo_is_silent: bool
    claim: Claim | None = None
    notes: Sequence[Note] = ()
    suppressed: Suppression | None = None


class VisitDetails(Struct, frozen=True):
    """An imported visit that nobody asked for online."""

    practice: Practice
    member: StaffMember
    visit: Appointment
    provider: Provider
    location: Location
    schedule_age_minutes: int | None


class ListToAct(Struct, frozen=True):
    """Appointments > Action required."""

    membership: Membership
    practices: PracticeRepository
    requests: RequestRepository
    appointments: AppointmentRepository
    audit: AuditRepository
    age: ScheduleAge
    clock: Clock

    def __call__(self, slug: str, email: str, filters: Filters = ANY, page: int = 1) -> ActionRequired:
        """A page of it; beyond the last one, the last. Raises PracticeNotFound, StoreUnavailable (then nothing is shown)."""
        member, now = self.membership(slug, email), self.clock.now()
        practice = self.practices.get(slug)
        self.audit.record(slug, member.email, "list_to_act", "", now)
        waiting = self.requests.to_act(slug)
        wanted = [one for one in waiting if _wanted(one, filters, practice)]
        pages = max(1, -(-len(wanted) // PAGE))
        page = min(max(1, page), pages)
        shown = wanted[(page - 1) * PAGE : page * PAGE]
        unlinked = [one for one in shown if one.link is None or one.may_be_anew]
        beside = self.requests.beside(slug, [one.id for one in unlinked]) if unlinked else {}
        ages = self.age.of(practice)
        return ActionRequired(
            practice,
            member,
            ages.oldest_minutes(practice.providers.values()),
            shown,
            filters,
            len(wanted),
            page,
            pages,
            len(waiting),
            self._matched(practice, unlinked, beside),
            {one: found.claim for one, found in beside.items() if found.claim and found.claim.holds(now)},
            [state for state in ages.states.values() if state.broken_since],
        )

    def _matched(self, practice: Practice, requests: Iterable[Request], beside: Mapping[str, Beside]) -> frozenset[str]:
        """Which of these have an open possible match: a hint says where to look, the visit as it is now decides."""
        open_to = [one for one in requests if one.pending or one.moving or one.may_be_anew]
        hinted = [(one, beside[one.id].hints) for one in open_to if one.id in beside]
        names = [name for _, hints in hinted for name in hints]
        if not names:
            return frozenset()
        from ..domain.possible_matches import AppointmentsByKey  # seldom needed, and slow to load

        visits = self.appointments.get_many(practice.slug, names)
        matched = set()
        for request, hints in hinted:
            seen = [visits[one] for _, one in hints if one in visits and not is_dismissed(request, visits[one])]
            if AppointmentsByKey(seen, practice).visits_answering(request):
                matched.add(request.id)
        return frozenset(matched)


class ShowRequest(Struct, frozen=True):
    """The details page of one request."""

    membership: Membership
    practices: PracticeRepository
    requests: RequestRepository
    appointments: AppointmentRepository
    suppressions: SuppressionRepository
    audit: AuditRepository
    age: ScheduleAge
    explain: ExplainRequest
    clock: Clock

    def __call__(self, slug: str, email: str, request_id: str) -> RequestDetails:
        """Raises PracticeNotFound, RequestNotFound, StoreUnavailable (then nothing is shown)."""
        member, now = self.membership(slug, email), self.clock.now()
        self.audit.record(slug, member.email, "show_request", request_id, now)
        practice, file = self.practices.get(slug), self.requests.file(slug, request_id)
        request = file.request
        found = looked_up(practice, request)
        return RequestDetails(
            practice,
            member,
            request,
            file.timeline,
            file.messages,
            found.provider,
            found.location,
            found.visit_type,
            self.age.minutes(practice, found.provider),
            self.explain(practice, request, file.hints),
            undo_is_silent(request, now, next(iter(former_visit(self.appointments, practice, request)), None)),
            file.claim if file.claim and file.claim.holds(now) else None,
            file.notes,
            self._suppressed(request),
        )

    def _suppressed(self, request: Request) -> Suppression | None:
        address = request.patient.email
        return self.suppressions.get(request.practice, mark_of(request.practice, address)) if address else None


class ShowVisit(Struct, frozen=True):
    """The details page of one imported visit."""

    membership: Membership
    practices: PracticeRepository
    appointments: AppointmentRepository
    audit: AuditRepository
    age: ScheduleAge
    clock: Clock

    def __call__(self, slug: str, email: str, provider_id: str, appointment_id: str) -> VisitDetails:
        """Raises PracticeNotFound, VisitNotFound, StoreUnavailable (then nothing is shown)."""
        member = self.membership(slug, email)
        self.audit.record(slug, member.email, "show_visit", appointment_id, self.clock.now())
        practice = self.practices.get(slug)
        visit = self.appointments.get_many(slug, [(provider_id, appointment_id)]).get(appointment_id)
        if visit is None or visit.row.kind is not RowKind.APPOINTMENT:
            raise VisitNotFound
        provider = practice.provider_named(provider_id)
        age = self.age.minutes(practice, provider)
        return VisitDetails(practice, member, visit, provider, practice.location_of(provider), age)


def _wanted(request: Request, filters: Filters, practice: Practice) -> bool:
    provider_id = request.link.provider_id if request.link else request.provider_id
    if not filters.takes(provider_id, request.shown_state):
        return False
    if request.start is None:
        return request.preferred is None or any(map(filters.takes_day, request.preferred.days))
    provider = practice.providers.get(provider_id)
    return filters.takes_day(day_of(request.start, practice.zone_of(provider) if provider else zone_of(practice.zone)))
