"""What the JSON API takes and answers. The public OpenAPI document is built from these types (local/openapi.py)."""

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Phone = Annotated[str, Meta(description="E.164", examples=["+14155550100"])]
Zone = Annotated[str, Meta(description="IANA name of the time zone", examples=["America/Los_Angeles"])]
Times = Annotated[
    dict[Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d$")], list[str]],
    Meta(
        description="Free starts by local day, as HH:MM on the wall clock; with their offset on days on which the clock "
        "changes",
        examples=[{"2000-01-04": ["09:00", "09:15"]}],
    ),
]
Age = Annotated[int | None, Meta(description="Whole minutes since the schedule was last read; null if it never was")]
Closed = Annotated[
    str | None,
    Meta(description="Why the provider offers no time at all: not_integrated, never_pulled or paused; null if it does"),
]


class PracticeShown(Struct):
    """A practice as patients know it."""

    id: str
    name: str
    phone: Phone


class VisitTypeShown(Struct):
    """What can be booked, how long it takes, and for whom."""

    id: str
    name: str
    minutes: int
    for_new_patients: bool
    for_returning_patients: bool


class ProviderShown(Struct):
    """Somebody to see. Who is not bookable online can be reached by the practice's phone."""

    id: str
    name: str
    languages: tuple[str, ...]
    bookable: bool
    location: str
    address: str
    zone: Zone
    visit_types: list[VisitTypeShown]


class Providers(Struct):
    """A practice's providers."""

    practice: PracticeShown
    providers: list[ProviderShown]


class Slots(Struct):
    """A provider's free times for a visit type."""

    provider: str
    visit_type: str
    minutes: int
    zone: Zone
    days: Times
    closed: Closed
    schedule_age_minutes: Age


class FirstAvailable(Struct):
    """The first free day of each provider who offers a visit type, the earliest start first, those without one last."""

    providers: list[Slots]


Part = Literal["morning", "afternoon", "evening"]


class PreferredShown(Struct):
    """When a visit would suit, where no time was asked for."""

    days: Annotated[list[date], Meta(min_length=1, max_length=31, description="Local days of the provider")]
    parts: Annotated[
        list[Part],
        Meta(max_length=3, description="Parts of the day: before noon, before 17:00, after it; none: any"),
    ] = []


class RequestShown(Struct):
    """A request as its private link shows it: without birth date, reason or insurance."""

    id: str
    state: Annotated[
        str,
        Meta(
            description="requested, cancelled or expired; once the practice confirmed it, the visit's own: booked, arrived, "
            "completed, no_show, cancelled, tentative or unknown"
        ),
    ]
    asked_to_cancel: bool
    start: Annotated[datetime | None, Meta(description="Null for a request without a time that is not confirmed yet")]
    zone: Zone
    provider: str
    location: str
    visit_type: str
    practice: PracticeShown
    preferred: PreferredShown | None = None
    link: Annotated[str, Meta(description="The patient's own page; only in the answer to a submit")] | UnsetType = UNSET


class FieldProblemShown(Struct):
    """One bad field."""

    pointer: Annotated[str, Meta(description="JSON pointer (RFC 6901) to the field")]
    code: Annotated[str, Meta(description="A stable word for programs", examples=["not_a_date"])]
    detail: Annotated[str, Meta(description="What to do")]


class ProblemShown(Struct):
    """What went wrong, and what to do (RFC 9457)."""

    type: Annotated[str, Meta(description="The kind of problem, as a URI")]
    title: str
    status: int
    detail: str
    errors: list[FieldProblemShown] | UnsetType = UNSET
    reason: Annotated[str, Meta(description="The one reason why the time is not offered")] | UnsetType = UNSET
    left: Annotated[list[datetime], Meta(description="Free starts nearby")] | UnsetType = UNSET
    kind: Annotated[str, Meta(description="What has too many requests: person or contact")] | UnsetType = UNSET
    limit: Annotated[int, Meta(description="How many requests may wait")] | UnsetType = UNSET


Name = Annotated[str, Meta(min_length=1, max_length=100, description="With at least one letter")]


class PatientForm(Struct, forbid_unknown_fields=True):
    """Who the visit is for. A mobile number, an e-mail address, or both."""

    first_name: Name
    last_name: Name
    birth_date: date
    mobile: Annotated[str, Meta(max_length=40, description="As people of the country write it, or with + and code")] = (
        ""
    )
    email: Annotated[str, Meta(max_length=254)] = ""


class BookerForm(Struct, forbid_unknown_fields=True):
    """Who asks for somebody else; the contacts are theirs."""

    first_name: Name
    last_name: Name
    relation: Name


class RequestForm(Struct, forbid_unknown_fields=True):
    """A request for a time or, with `preferred` in the place of `start`, for a visit on one of these days, without a place."""

    provider: Annotated[str, Meta(description="One of the practice's providers, by id")]
    visit_type: Annotated[str, Meta(description="One of the provider's visit types, by id")]
    new_patient: bool
    contact_consent: Annotated[
        bool, Meta(description="Has to be true: the practice may contact the patient about this")
    ]
    patient: PatientForm
    start: Annotated[datetime | None, Meta(description="A free start, with its offset")] = None
    preferred: PreferredShown | None = None
    booker: BookerForm | None = None
    language: Annotated[str, Meta(description="en or es; the practice's, unless given")] = "en"
    reason: Annotated[str, Meta(max_length=500)] = ""
    insurance: Annotated[str, Meta(max_length=200)] = ""
