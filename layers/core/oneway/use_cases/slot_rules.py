"""What decides whether a provider's time is offered, drawn from settings and the clock (product section 4)."""

from datetime import datetime

from ..domain.availability import Availability
from ..domain.errors import FieldProblem, InvalidInput
from ..domain.practices import Practice, Provider, VisitType
from ..domain.slots import Closed, SlotRules, earliest_and_latest


def visit_type_of(practice: Practice, provider: Provider, visit_type_id: str) -> VisitType:
    """A visit type that the provider offers. Raises InvalidInput."""
    if visit_type_id not in provider.visit_type_ids:
        detail = "Choose one of this provider's visit types."
        raise InvalidInput([FieldProblem("/visit_type", "unknown_visit_type", detail)])
    return practice.visit_types[visit_type_id]


def why_none(provider: Provider, availability: Availability, schedule_age_minutes: int | None) -> Closed | None:
    """Why a provider offers no time at all; None if it may."""
    if not provider.integrated:
        return Closed.NOT_INTEGRATED
    if schedule_age_minutes is None:
        return Closed.NEVER_PULLED
    return Closed.PAUSED if availability.paused else None


def rules_of(practice: Practice, provider: Provider, visit_type: VisitType, now: datetime) -> SlotRules:
    """The slot rules of a provider and visit type at an instant."""
    earliest, latest = earliest_and_latest(now, practice.minimum_notice_minutes, practice.horizon_days)
    return SlotRules(
        visit_type.minutes,
        provider.step_minutes,
        provider.split,
        earliest,
        latest,
        provider.buffer_before_minutes,
        provider.buffer_after_minutes,
        provider.daily_maximum,
    )
