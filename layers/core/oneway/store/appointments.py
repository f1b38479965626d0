"""Imported appointments and blocks."""

from collections.abc import Iterable

from ..domain.appointments import Appointment
from . import keys
from .items import decoded, get_many, query


class DynamoAppointmentRepository:
    """Implements ports.AppointmentRepository."""

    def get_many(self, practice: str, wanted: Iterable[tuple[str, str]]) -> dict[str, Appointment]:
        """Appointments of (provider id, appointment id), those that exist, by appointment id; read consistently."""
        names = [keys.appointment(practice, provider_id, identifier) for provider_id, identifier in wanted]
        return {one.sk: decoded(one, Appointment) for one in get_many(names)} if names else {}

    def of_provider(self, practice: str, provider_id: str) -> list[Appointment]:
        """All that is known of a provider's schedule, read consistently."""
        return [
            decoded(one, Appointment) for one in query(keys.schedule_partition(practice, provider_id), consistent=True)
        ]
