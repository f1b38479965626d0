"""Imported appointments and blocks."""

from collections.abc import Iterable
from datetime import date, datetime

from ..domain.appointments import Appointment
from . import keys
from .items import TableItem, answered, decoded, get_many, item, query
from .visits import listed_appointment


def appointment_item(appointment: Appointment) -> TableItem:
    """An appointment as it is stored: to be found by its patient's birth date or, where none is known, by their source's id."""
    key = keys.appointment(appointment.practice, appointment.provider_id, appointment.id)
    found_as = _found_as(appointment)
    return item(
        key,
        appointment,
        appointment.version,
        found=keys.found(appointment.practice) if found_as else None,
        found_as=found_as,
        **listed_appointment(appointment),
    )


def _found_as(appointment: Appointment) -> str | None:
    patient = appointment.row.patient
    if patient and patient.birth_date:
        return keys.born(patient.birth_date, appointment.start)
    return keys.known_as(patient.source_id, appointment.start) if patient and patient.source_id else None


def _found(practice: str, first: str, last: str) -> list[TableItem]:
    condition = TableItem.found_as.between(first, last)
    return answered(lambda: list(TableItem.found_index.query(keys.found(practice), condition)))


class DynamoAppointmentRepository:
    """Implements ports.AppointmentRepository."""

    def get_many(self, practice: str, wanted: Iterable[tuple[str, str]]) -> dict[str, Appointment]:
        """Appointments of (provider id, appointment id), those that exist, by appointment id; read consistently."""
        names = [keys.appointment(practice, provider_id, identifier) for provider_id, identifier in wanted]
        return {one.sk: decoded(one, Appointment) for one in get_many(names)} if names else {}

    def born(
        self,
        practice: str,
        days: Iterable[date],
        first: datetime,
        last: datetime,
        also: Iterable[tuple[str, str]] = (),
        known_as: Iterable[str] = (),
    ) -> list[Appointment]:
        """Appointments in [first, last] of patients with one of these birth dates, and others, in one consistent read."""
        ranges = [(keys.born(day, first), keys.born(day, last)) for day in dict.fromkeys(days)]
        ranges += [(keys.known_as(one, first), keys.known_as(one, last)) for one in dict.fromkeys(known_as)]
        names = [keys.Key(one.pk, one.sk) for between in ranges for one in _found(practice, *between)]
        names += [keys.appointment(practice, provider_id, identifier) for provider_id, identifier in also]
        return [decoded(one, Appointment) for one in get_many(names)] if names else []

    def of_provider(self, practice: str, provider_id: str) -> list[Appointment]:
        """All that is known of a provider's schedule, read consistently."""
        return [
            decoded(one, Appointment) for one in query(keys.schedule_partition(practice, provider_id), consistent=True)
        ]
