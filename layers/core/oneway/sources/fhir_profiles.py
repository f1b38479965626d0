"""How FHIR servers differ, as data (shared with every server of a vendor; one customer's habits stand in its practice file).

Read from the vendors' documentation and captured capability statements; a server that refuses what its profile asks is asked
in the other ways that its profile allows (fhir.py).
"""

from collections.abc import Mapping

from msgspec import Struct, field

from ..domain.appointments import AppointmentState
from ..ports import Capabilities

STATES: Mapping[str, AppointmentState | None] = {
    "proposed": AppointmentState.TENTATIVE,
    "pending": AppointmentState.TENTATIVE,
    "waitlist": AppointmentState.TENTATIVE,
    "booked": AppointmentState.BOOKED,
    "arrived": AppointmentState.ARRIVED,
    "checked-in": AppointmentState.ARRIVED,
    "fulfilled": AppointmentState.COMPLETED,
    "noshow": AppointmentState.NO_SHOW,
    "cancelled": AppointmentState.CANCELLED,
    "entered-in-error": None,
}
"""AppointmentStatus (R4) → canonical state; None: the row was never meant, which is as if it were not there."""


class FhirProfile(Struct, frozen=True):
    """What differs between FHIR servers.

    `provider_parameters` are the ways to ask for a provider's appointments, best first: a search parameter, and how it names
    the provider. Without any, a feed is the whole source, and what is of others is left out here. `longest_window_days` cuts a
    pull into several searches. `states` are words that mean something else than FHIR says. `stamps_lie`: `meta.lastUpdated` is
    new in every answer; `delta`: it tells all changes of an appointment, and what was stamped since the last pull is asked for
    between the hourly readings of everything. A corrected record of a patient, or a deletion, is then seen within the hour.
    """

    provider_parameters: tuple[tuple[str, str], ...] = (("actor", "Practitioner/{}"), ("practitioner", "{}"))
    include_patient: bool = True
    page_size: int = 200
    longest_window_days: int | None = None
    split_booking: bool = True
    read_by_id: bool = True
    conditional_get: bool = True
    stamps_lie: bool = False
    delta: bool = False
    states: Mapping[str, AppointmentState | None] = field(default_factory=dict)

    def state_of(self, word: str) -> AppointmentState | None:
        """The canonical state of a server's word; None: the row was never meant."""
        return self.states[word] if word in self.states else STATES.get(word, AppointmentState.UNKNOWN)


PROFILES: Mapping[str, FhirProfile] = {
    # HAPI, Medplum and whatever keeps to the standard.
    "generic": FhirProfile(),
    # The same, where schedules are large and stamps are true.
    "stamped": FhirProfile(delta=True),
    # Exactly one of practitioner, patient or location, both bounds of the date, no _include
    # (docs.oracle.com, Millennium Platform APIs, Appointment).
    "oracle": FhirProfile(
        provider_parameters=(("practitioner", "{}"),), include_patient=False, page_size=100, conditional_get=False
    ),
    # Declares actor and practitioner without documenting them, so each customer's server shows which one it takes.
    "epic": FhirProfile(
        provider_parameters=(("practitioner", "{}"), ("actor", "Practitioner/{}")),
        include_patient=False,
        page_size=100,
        longest_window_days=31,
        conditional_get=False,
    ),
    # Searches by patient, _id, date and _lastUpdated only. "-" (no status) arrives as proposed and is an ordinary booking;
    # stamps were once those of the answer (openemr#7061).
    "openemr": FhirProfile(
        provider_parameters=(),
        include_patient=False,
        page_size=100,
        conditional_get=False,
        stamps_lie=True,
        states={"proposed": AppointmentState.BOOKED},
    ),
}


def capabilities_of(profile: FhirProfile) -> Capabilities:
    """What a FHIR R4 server of a profile can do for us."""
    return Capabilities(
        delta="timestamp" if profile.delta else "none",
        tombstones="flag",
        filters=frozenset(("provider", "date") if profile.provider_parameters else ("date",)),
        patient="included" if profile.include_patient else "by_id",
        time="offset",
        conditional_get=profile.conditional_get,
        read_by_id=profile.read_by_id,
        split_booking=profile.split_booking,
        longest_window_days=profile.longest_window_days,
        page_size=profile.page_size,
    )
