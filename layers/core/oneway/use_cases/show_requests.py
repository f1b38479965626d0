"""Staff look at requests; each look is on record before anything is shown (product section 8)."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..domain.feeds import FeedState
from ..domain.linking import undo_is_silent
from ..domain.messages import MessageRecord
from ..domain.practices import Location, Practice, Provider, StaffMember, VisitType
from ..domain.requests import Request, TimelineEntry
from ..domain.suppression import Suppression, mark_of
from ..ports import (
    AuditRepository,
    Clock,
    FeedRepository,
    MessageRepository,
    PracticeRepository,
    RequestRepository,
    SuppressionRepository,
)
from .explain_request import Explained, ExplainRequest
from .look_up_request import looked_up
from .membership import Membership
from .schedule_age import ScheduleAge


@dataclass(frozen=True, slots=True)
class ActionRequired:
    """What waits for an answer, by start; `broken` are the feeds whose source is."""

    practice: Practice
    member: StaffMember
    requests: Sequence[Request]
    schedule_age_minutes: int | None
    broken: Sequence[FeedState] = ()


@dataclass(frozen=True, slots=True)
class RequestDetails:
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
    suppressed: Suppression | None = None


@dataclass(frozen=True, slots=True)
class ListToAct:
    """Appointments > Action required."""

    membership: Membership
    practices: PracticeRepository
    requests: RequestRepository
    feeds: FeedRepository
    audit: AuditRepository
    age: ScheduleAge
    clock: Clock

    def __call__(self, slug: str, email: str) -> ActionRequired:
        """Raises PracticeNotFound, StoreUnavailable (then nothing is shown)."""
        member = self.membership(slug, email)
        practice = self.practices.get(slug)
        self.audit.record(slug, member.email, "list_to_act", "", self.clock.now())
        requests = self.requests.to_act(slug)
        broken = [state for state in self.feeds.of_practice(slug) if state.broken_since]
        return ActionRequired(practice, member, requests, self.age.oldest_minutes(practice), broken)


@dataclass(frozen=True, slots=True)
class ShowRequest:
    """The details page of one request."""

    membership: Membership
    practices: PracticeRepository
    requests: RequestRepository
    messages: MessageRepository
    suppressions: SuppressionRepository
    audit: AuditRepository
    age: ScheduleAge
    explain: ExplainRequest
    clock: Clock

    def __call__(self, slug: str, email: str, request_id: str) -> RequestDetails:
        """Raises PracticeNotFound, RequestNotFound, StoreUnavailable (then nothing is shown)."""
        member = self.membership(slug, email)
        self.audit.record(slug, member.email, "show_request", request_id, self.clock.now())
        practice, request = self.practices.get(slug), self.requests.get(slug, request_id)
        found = looked_up(practice, request)
        return RequestDetails(
            practice,
            member,
            request,
            self.requests.timeline(slug, request_id),
            self.messages.list(slug, request_id),
            found.provider,
            found.location,
            found.visit_type,
            self.age.minutes(practice, practice.provider(request.provider_id)),
            self.explain(practice, request),
            undo_is_silent(request, self.clock.now()),
            self._suppressed(request),
        )

    def _suppressed(self, request: Request) -> Suppression | None:
        address = request.patient.email
        return self.suppressions.get(request.practice, mark_of(request.practice, address)) if address else None
