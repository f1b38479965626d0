"""The visit that a request is linked to.

While a visit goes from one provider to another, both their feeds may have it: then there are two copies under one id, until the
link is handed over.
"""

from collections.abc import Iterable

from ..domain.appointments import Appointment
from ..domain.identifiers import appointment_id
from ..domain.matching import is_another_patient
from ..domain.practices import Practice
from ..domain.requests import Request
from ..ports import AppointmentRepository, AppointmentUnchanged, Change


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


def former_visit(appointments: AppointmentRepository, practice: Practice, request: Request) -> list[Appointment]:
    """The visit that the linked one took the place of, and then its other copies, read consistently; none where it is gone,
    answers a request, or is another patient's by now.
    """
    former = request.link.former if request.link else None
    if former is None:
        return []
    visit = former.link.appointment_id
    providers = dict.fromkeys((former.link.provider_id, *practice.providers))
    copies = [appointments.get_many(practice.slug, [(one, visit)]).get(visit) for one in providers]
    found = sorted((one for one in copies if one), key=lambda one: one.missing_since is not None)
    is_theirs = found and not is_another_patient(former.whose, found[0].row.patient)
    return found if is_theirs and not answers_elsewhere(found) else []


def copies_of(appointments: AppointmentRepository, practice: Practice, visit: Appointment) -> list[Appointment]:
    """The visit's copies with other providers, from or to whom it goes, or whom it is with as well, read consistently; also with
    those whose schedule is read no more.
    """
    ids = [one for one in practice.providers if one != visit.provider_id]
    if not ids or not appointments.get_many(practice.slug, [(one, visit.id) for one in ids]):
        return []
    copies = [appointments.get_many(practice.slug, [(one, visit.id)]).get(visit.id) for one in ids]
    return [copy for copy in copies if copy]


def named(practice: Practice, source_id: str, external_id: str) -> list[tuple[str, str]]:
    """(provider id, appointment id) by which a visit of a source is kept, with whichever of its providers it is."""
    identifier = appointment_id(practice.slug, source_id, external_id)
    return [(one.id, identifier) for one in practice.providers.values() if one.source_id == source_id]


def answers_elsewhere(copies: Iterable[Appointment]) -> bool:
    """Whether one of a visit's copies answers a request: that link comes along."""
    return any(copy.request_id for copy in copies)


def still(copies: Iterable[Appointment]) -> list[Change]:
    """Conditions by which none of the copies comes to answer a request at the same moment."""
    return [AppointmentUnchanged(copy) for copy in copies]
