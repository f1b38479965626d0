"""Imported appointments and blocks."""

from collections.abc import Iterable
from datetime import date, datetime

from ..domain.appointments import Appointment
from . import keys
from .items import TableItem, answered, decoded, get_many, item, query
from .visits import listed_appointment


def appointment_item(appointment: Appointment) -> TableItem:
    """An appointment as it is stored: to be found by its patient's birth date, if it is known."""
    key = keys.appointment(appointment.practice, appointment.provider_id, appointment.id)
    patient = appointment.row.patient
    born = patient.birth_date if patient else None
    return item(
        key,
        appointment,
        appointment.version,
        found=keys.found(appointment.practice) if born else None,
        found_as=keys.born(born, appointment.start) if born else None,
        **listed_appointment(appointment),
    )


def _found(practice: str, day: date, first: datetime, last: datetime) -> list[TableItem]:
    condition = TableItem.found_as.between(keys.born(day, first), keys.born(day, last))
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
    ) -> list[Appointment]:
        """Appointments in [first, last] of patients with one of these birth dates, and others, in one consistent read."""
        names = [keys.Key(one.pk, one.sk) for day in dict.fromkeys(days) for one in _found(practice, day, first, last)]
        names += [keys.appointment(practice, provider_id, identifier) for provider_id, identifier in also]
        return [decoded(one, Appointment) for one in get_many(names)] if names else []

    def of_provider(self, practice: str, provider_id: str) -> list[Appointment]:
        """All that is known of a provider's schedule, read consistently."""
        return [
            decoded(one, Appointment) for one in query(keys.schedule_partition(practice, provider_id), consistent=True)
        ]
