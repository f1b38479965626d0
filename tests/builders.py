"""Small builders with sensible defaults: a test says only what it is about."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from msgspec.structs import replace
from oneway.domain import identifiers
from oneway.domain.appointments import (
    Appointment,
    AppointmentState,
    PersonName,
    RecordPatient,
    RowKind,
    ScheduleRow,
)
from oneway.domain.availability import Availability, Calendar, DefaultWeek, Opening, Week
from oneway.domain.feeds import FeedSettings, FeedState
from oneway.domain.practices import (
    Location,
    Practice,
    Provider,
    Source,
    StaffMember,
    StaffRole,
    VisitType,
)
from oneway.domain.requests import Patient, Request, RequestedSlot

ZONE = "America/Los_Angeles"
NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
"""Monday, 10:00 in Los Angeles."""
START = datetime(2026, 11, 24, 17, 30, tzinfo=UTC)
"""Tuesday, 9:30 in Los Angeles."""
KEY = "0123456789abcdef0123456789abcdef"
WEEKDAY = (Opening(9 * 60, 12 * 60), Opening(13 * 60, 17 * 60))
WEEK: Week = (WEEKDAY, WEEKDAY, WEEKDAY, WEEKDAY, WEEKDAY, (), ())


def a_provider(identifier: str = "osei", **changes: Any) -> Provider:
    names = {"osei": "Dr. Amara Osei", "brandt": "Dr. Lena Brandt"}
    provider = Provider(
        identifier,
        names.get(identifier, identifier),
        "main",
        ("new", "follow-up"),
        languages=("en",),
        source_id="ehr",
        external_id=f"prac-{identifier}",
        step_minutes=30,
    )
    return replace(provider, **changes)


def a_calendar(**changes: Any) -> Calendar:
    """Open on weekdays, unless `changes` of its availability say otherwise."""
    return Calendar(replace(Availability((DefaultWeek(WEEK),)), **changes))


def a_practice(*providers: Provider, **changes: Any) -> Practice:
    chosen = providers or (a_provider(), a_provider("brandt"))
    practice = Practice(
        slug="harbor",
        name="Harbor Clinic",
        phone="+14155550100",
        zone=ZONE,
        country="US",
        language="en",
        recipients=("front@harbor.example",),
        reply_to="front@harbor.example",
        locations={"main": Location("main", "Harbor Clinic", "1 Main St, Oakland", ZONE)},
        visit_types={
            "new": VisitType("new", "New patient", 30, names={"es": "Primera consulta"}),
            "follow-up": VisitType("follow-up", "Follow-up", 15, for_new_patients=False),
        },
        providers={provider.id: provider for provider in chosen},
        calendars={provider.id: a_calendar() for provider in chosen},
        sources={"ehr": Source("ehr", "fhir", "https://ehr.example/fhir", 1)},
        staff={
            "nadia@harbor.example": StaffMember("nadia@harbor.example", "Nadia P."),
            "vic@harbor.example": StaffMember("vic@harbor.example", "Vic", StaffRole.VIEWER),
        },
    )
    return replace(practice, **changes)


def a_patient(**changes: Any) -> Patient:
    patient = Patient("Maria", "Núñez", date(1984, 3, 12), "+14155552671", "maria@example.org", "(415) 555-2671")
    return replace(patient, **changes)


def a_request(**changes: Any) -> Request:
    request = Request(
        practice="harbor",
        id=identifiers.request_id("harbor", KEY),
        provider_id="osei",
        location_id="main",
        visit_type_id="new",
        slot=RequestedSlot(START, START + timedelta(minutes=30)),
        patient=a_patient(),
        new_patient=True,
        language="en",
        contact_consent=True,
        created_at=NOW,
        fingerprint="f" * 32,
        reason="Knee pain",
        insurance="Acme 123",
    )
    return replace(request, **changes)


def a_record(**changes: Any) -> RecordPatient:
    record = RecordPatient(
        "pat-1",
        (PersonName(("MARIA",), "Nunez"),),
        date(1984, 3, 12),
        ("+14155552671",),
        ("maria@example.org",),
    )
    return replace(record, **changes)


def a_row(external_id: str = "appt-1", **changes: Any) -> ScheduleRow:
    row = ScheduleRow(
        external_id=external_id,
        kind=RowKind.APPOINTMENT,
        raw_state="booked",
        state=AppointmentState.BOOKED,
        start=START,
        end=START + timedelta(minutes=30),
        start_text="2026-11-24T09:30:00-08:00",
        zone_certain=True,
        provider_external_id="prac-osei",
        patient=a_record(),
    )
    return replace(row, **changes)


def an_appointment(row: ScheduleRow | None = None, **changes: Any) -> Appointment:
    row = row or a_row()
    appointment = Appointment(
        "harbor",
        identifiers.appointment_id("harbor", "ehr", row.external_id),
        "ehr",
        "osei",
        row,
        NOW + timedelta(minutes=5),
        NOW + timedelta(minutes=5),
    )
    return replace(appointment, **changes)


def feed_settings(*provider_ids: str, **changes: Any) -> FeedSettings:
    chosen = provider_ids or ("osei",)
    settings = FeedSettings(
        practice="harbor",
        feed_id=f"ehr~{chosen[0]}",
        source_id="ehr",
        kind="fhir",
        address="https://ehr.example/fhir",
        profile="generic",
        country="US",
        interval_minutes=1,
        horizon_days=90,
        zone=ZONE,
        providers=tuple((f"prac-{one}", one, ZONE) for one in chosen),
        lane="lane",
    )
    return replace(settings, **changes)


def a_feed(*provider_ids: str, **changes: Any) -> FeedState:
    return replace(FeedState(feed_settings(*provider_ids)), **changes)


def a_form(**changes: Any) -> dict[str, Any]:
    form: dict[str, Any] = {
        "provider": "osei",
        "visit_type": "new",
        "start": "2026-11-24T09:30:00-08:00",
        "new_patient": True,
        "language": "en",
        "contact_consent": True,
        "reason": "Knee pain",
        "insurance": "Acme 123",
        "patient": {
            "first_name": "Maria",
            "last_name": "Núñez",
            "birth_date": "1984-03-12",
            "mobile": "(415) 555-2671",
            "email": "maria@example.org",
        },
    }
    return form | changes
