"""The visit that a request is linked to.

While a visit goes from one provider to another, both their feeds may have it: then there are two copies under one id, until the
link is handed over.
"""

from ..domain.appointments import Appointment
from ..domain.practices import Practice
from ..domain.requests import Request
from ..ports import AppointmentRepository


def linked_visit(appointments: AppointmentRepository, practice: Practice, request: Request) -> Appointment | None:
    """The visit, read consistently; a suspended link does not follow it, so it may be with any provider. None if it is gone."""
    link = request.link
    if link is None:
        return None
    for provider_id in dict.fromkeys((link.provider_id, *practice.providers)):
        found = appointments.get_many(practice.slug, [(provider_id, link.appointment_id)]).get(link.appointment_id)
        if found and found.request_id == request.id:
            return found
    return None


def answers_elsewhere(appointments: AppointmentRepository, practice: Practice, visit: Appointment) -> bool:
    """Whether the visit's copy with another provider, from whom it just went, answers a request: that link comes along."""
    ids = [p.id for p in practice.providers.values() if p.source_id == visit.source_id and p.id != visit.provider_id]
    if not ids or not appointments.get_many(practice.slug, [(one, visit.id) for one in ids]):
        return False
    copies = [appointments.get_many(practice.slug, [(one, visit.id)]).get(visit.id) for one in ids]
    return any(copy.request_id for copy in copies if copy)
