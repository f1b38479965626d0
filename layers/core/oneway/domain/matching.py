"""Does an appointment confirm a request by itself? (product section 2)"""

from collections.abc import Iterable

from .appointments import CONFIRMING, Appointment, RowKind
from .people import agrees
from .practices import Practice
from .requests import Request


def could_confirm(appointment: Appointment) -> bool:
    """Whether an appointment, by itself, may answer some request; most rows may not, and are not looked at again."""
    row = appointment.row
    free = appointment.request_id is None and appointment.missing_since is None
    return free and row.kind is RowKind.APPOINTMENT and row.state in CONFIRMING and row.patient is not None


def confirms(appointment: Appointment, request: Request, practice: Practice) -> bool:
    """Whether all that section 2 asks for holds; whoever calls sees to it that both are as last committed."""
    row = appointment.row
    if not could_confirm(appointment) or row.patient is None:
        return False
    if appointment.practice != request.practice or not request.pending or request.slot is None:
        return False
    provider = practice.providers.get(appointment.provider_id)
    if provider is None or not provider.integrated:
        return False
    if not row.zone_certain or row.start != request.slot.start:
        return False
    if appointment.changed_at <= request.created_at:
        return False
    return not _elsewhere(row.location_external_id, request, practice) and agrees(request.patient, row.patient)


def oldest_confirmed(appointment: Appointment, requests: Iterable[Request], practice: Practice) -> Request | None:
    """Of several requests that an appointment would confirm, the oldest."""
    confirmed = [r for r in requests if confirms(appointment, r, practice)]
    return min(confirmed, key=lambda r: (r.created_at, r.id), default=None)


def location_of(external_id: str | None, practice: Practice) -> str | None:
    """Our id of the location that a source calls so; None where it is not known."""
    if external_id is None:
        return None
    return next((where.id for where in practice.locations.values() if where.external_id == external_id), None)


def _elsewhere(external_id: str | None, request: Request, practice: Practice) -> bool:
    return location_of(external_id, practice) not in (None, request.location_id)
