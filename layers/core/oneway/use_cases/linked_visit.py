"""The visit that a request is linked to."""

from ..domain.appointments import Appointment
from ..domain.practices import Practice
from ..domain.requests import Request
from ..ports import AppointmentRepository


def linked_visit(appointments: AppointmentRepository, practice: Practice, request: Request) -> Appointment | None:
    """The visit, read consistently; a suspended link does not follow it, so it may be with any provider. None if it is gone."""
    link = request.link
    if link is None:
        return None
    providers = dict.fromkeys((link.provider_id, *practice.providers))
    found = appointments.get_many(practice.slug, [(one, link.appointment_id) for one in providers])
    return found.get(link.appointment_id)
