"""Why a request is still pending: every reason, and the very sentence that staff read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from msgspec.structs import replace
from oneway.domain.appointments import Appointment, AppointmentState, PersonName, RecordPatient, RowKind
from oneway.domain.explaining import Why, why_pending
from oneway.domain.matching import identifiers_of
from oneway.domain.practices import Location, Practice
from oneway.domain.requests import Dismissal, PartOfDay, PreferredTimes, Request
from oneway.languages import portal_words

from tests.builders import NOW, START, ZONE, a_practice, a_provider, a_record, a_request, a_row, an_appointment

STRANGER = a_record(
    source_id="x",
    names=(PersonName(("Ann",), "Reed"),),
    birth_date=date(1950, 1, 1),
    phones=("+14155550199",),
    emails=("ann@example.org",),
)
TWIN = a_record(source_id="twin", names=(PersonName(("Marta",), "Núñez"),))
MISTYPED = a_record(birth_date=date(1984, 12, 3))
BARE = RecordPatient("pat-9", (), None, (), ())
PRACTICE = replace(
    a_practice(),
    locations=a_practice().locations | {"east": Location("east", "Harbor East", "2 Main St", ZONE, "loc-east")},
)
APART = a_practice(a_provider(), a_provider("brandt", source_id=None, external_id=None))
BY_HAND = a_practice(sources={"ehr": replace(a_practice().sources["ehr"], by_hand=True)})
ASKED = a_request()
WITHOUT_A_TIME = a_request(slot=None, preferred=PreferredTimes((START.date(),), (PartOfDay.MORNING,), START, START))


def a_visit(patient: RecordPatient | None = None, provider: str = "osei", **changes: object) -> Appointment:
    """A visit at the requested time, which would confirm the request but for these changes."""
    row = replace(a_row(f"{provider}-{id(patient)}", patient=patient or a_record()), **changes)  # type: ignore[arg-type]
    return an_appointment(row, provider_id=provider)


def a_block(provider: str = "osei") -> Appointment:
    """Busy time without a patient."""
    return an_appointment(a_row("block", kind=RowKind.BLOCK, patient=None), provider_id=provider)


def dismissing(*visits: Appointment) -> Request:
    """The request, after staff said that these are not its answer."""
    return a_request(dismissals=tuple(Dismissal(one.id, identifiers_of(one.row.patient)) for one in visits))


@dataclass(frozen=True)
class Case:
    """What there is, and what is said of it."""

    why: Why
    says: str
    visits: Sequence[Appointment] = ()
    practice: Practice = PRACTICE
    age: int | None = 2
    request: Request = ASKED


CASES = [
    Case(
        Why.NOT_INTEGRATED,
        "Dr. Amara Osei's schedule is not read by Oneway: accept or cancel by hand.",
        practice=a_practice(a_provider(source_id=None, external_id=None), a_provider("brandt")),
    ),
    Case(
        Why.BY_HAND,
        "Your scheduling system gives no birth dates or contacts: link the visit by hand.",
        practice=BY_HAND,
    ),
    Case(
        Why.BY_HAND,
        "Your scheduling system gives no birth dates or contacts: link the visit by hand.",
        [a_visit(a_record(birth_date=None, phones=(), emails=()))],
        BY_HAND,
    ),
    Case(Why.NEVER_READ, "Dr. Amara Osei's schedule was never read.", age=None),
    Case(Why.OLD, "Dr. Amara Osei's schedule was last read 40 minutes ago.", age=40),
    Case(Why.NOTHING_THERE, "There is nothing in your schedule at this time that could be this patient's."),
    Case(
        Why.NOTHING_READ_THERE,
        "There is nothing at this time that could be this patient's in the schedules that are read. "
        "A visit entered with Dr. Lena Brandt is not seen.",
        practice=APART,
    ),
    Case(
        Why.NO_TIME,
        "No time was asked for, so no visit confirms it by itself: once it is in your schedule, it stands below to be linked.",
        request=WITHOUT_A_TIME,
    ),
    Case(Why.BLOCKED, "At this time your schedule has something without a patient (Dr. Amara Osei).", [a_block()]),
    Case(Why.ANOTHER_PATIENT, "At this time Dr. Amara Osei has another patient's visit.", [a_visit(STRANGER)]),
    Case(
        Why.OTHERS_SCHEDULE,
        "There is a visit at this time with Dr. Lena Brandt, whose schedule is not connected.",
        [a_visit(provider="brandt")],
        APART,
    ),
    Case(
        Why.ANSWERS_ANOTHER,
        "The visit at this time answers another request (Dr. Amara Osei).",
        [replace(a_visit(), request_id="another")],
    ),
    Case(
        Why.DISMISSED,
        "Your team said that the visit at this time is not this patient's (Dr. Amara Osei).",
        [a_visit(MISTYPED)],
        request=dismissing(a_visit(MISTYPED)),
    ),
    Case(
        Why.TENTATIVE,
        "The visit at this time is only tentative (Dr. Amara Osei).",
        [a_visit(state=AppointmentState.TENTATIVE)],
    ),
    Case(
        Why.UNKNOWN_STATE,
        "The visit at this time has a state that Oneway does not know (Dr. Amara Osei).",
        [a_visit(state=AppointmentState.UNKNOWN)],
    ),
    *(
        Case(
            Why.CANCELLED,
            "The visit at this time is cancelled or was missed (Dr. Amara Osei).",
            [a_visit(state=state)],
        )
        for state in (AppointmentState.CANCELLED, AppointmentState.NO_SHOW)
    ),
    Case(
        Why.MISSING,
        "The visit at this time is no longer in Dr. Amara Osei's schedule.",
        [replace(a_visit(), missing_since=NOW)],
    ),
    Case(
        Why.UNCERTAIN_ZONE,
        "The visit's time zone is not certain: link it by hand (Dr. Amara Osei).",
        [a_visit(zone_certain=False)],
    ),
    Case(
        Why.OTHER_LOCATION,
        "The visit at this time is at another location (Dr. Amara Osei).",
        [a_visit(location_external_id="loc-east")],
    ),
    Case(
        Why.ALREADY_THERE,
        "The visit at this time was in your schedule before the patient asked (Dr. Amara Osei).",
        [replace(a_visit(), first_seen_at=NOW - timedelta(hours=1), changed_at=NOW - timedelta(hours=1))],
    ),
    *(
        Case(
            Why.NO_BIRTH_DATE,
            "The record of the visit at this time has no date of birth (Dr. Amara Osei).",
            [a_visit(record)],
        )
        for record in (a_record(birth_date=None), BARE)
    ),
    Case(
        Why.BIRTH_DATE,
        "A visit at this time has another date of birth: 1984-12-03 (asked with 1984-03-12).",
        [a_visit(MISTYPED)],
    ),
    Case(
        Why.FIRST_NAME,
        "A visit at this time has another first name: Marta (asked with Maria).",
        [a_visit(TWIN)],
    ),
    Case(
        Why.LAST_NAME,
        "A visit at this time has another last name: Reed (asked with Núñez).",
        [a_visit(a_record(names=(PersonName(("Maria",), "Reed"),)))],
    ),
    Case(
        Why.NO_CONTACT,
        "The record of the visit at this time has no phone and no e-mail (Dr. Amara Osei).",
        [a_visit(a_record(phones=(), emails=()))],
    ),
    Case(
        Why.CONTACT,
        "Neither mobile nor e-mail of the visit at this time is the one that was given (Dr. Amara Osei).",
        [a_visit(a_record(phones=("+14155550199",), emails=()))],
    ),
    Case(Why.SOON, "Everything agrees: the next sync confirms it.", [a_visit()]),
]


def said(case: Case) -> tuple[Why, str]:
    """The reason, and its sentence as the details page has it."""
    found = why_pending(case.request, case.visits, case.practice, case.age)
    provider = case.practice.provider_named(found.provider_id or case.request.provider_id).name
    sentence = portal_words("en")[f"why.{found.why}"].format(
        provider=provider, typed=found.typed, record=found.record, minutes=found.minutes, others=found.others
    )
    return found.why, sentence


@pytest.mark.parametrize("case", CASES, ids=[case.why for case in CASES])
def test_each_reason_has_its_sentence(case: Case) -> None:
    assert said(case) == (case.why, case.says)


def test_no_reason_is_without_a_case() -> None:
    assert {case.why for case in CASES} == set(Why)


class TestWhatIsNotThePatients:
    """It hides nothing that matters more."""

    OTHERS = (
        a_visit(STRANGER, "brandt"),
        a_block("brandt"),
        a_visit(replace(STRANGER, names=(PersonName(("Maria",), "Reed"),)), "brandt"),
        replace(a_visit(TWIN, "brandt"), request_id="the twin's"),
    )

    @pytest.mark.parametrize("visit", OTHERS)
    @pytest.mark.parametrize(("age", "why"), [(2, Why.NOTHING_THERE), (40, Why.OLD), (None, Why.NEVER_READ)])
    def test_with_another_provider_it_is_not_spoken_of(self, visit: Appointment, age: int | None, why: Why) -> None:
        assert why_pending(ASKED, [visit], PRACTICE, age).why is why

    @pytest.mark.parametrize("visit", [a_visit(STRANGER), a_block(), a_visit(MISTYPED)])
    def test_with_the_same_provider_the_schedules_age_comes_first(self, visit: Appointment) -> None:
        request = dismissing(a_visit(MISTYPED))
        assert why_pending(request, [visit], PRACTICE, 40).why is Why.OLD

    @pytest.mark.parametrize("of_the_patient", [a_visit(MISTYPED), a_visit(MISTYPED, "brandt")])
    @pytest.mark.parametrize("age", [2, 40, None])
    def test_what_may_be_the_patients_comes_before_all(self, of_the_patient: Appointment, age: int | None) -> None:
        visits = [a_visit(STRANGER), a_block(), *self.OTHERS, of_the_patient]
        found = why_pending(ASKED, visits, PRACTICE, age)
        assert (found.why, found.provider_id) == (Why.BIRTH_DATE, of_the_patient.provider_id)


@pytest.mark.parametrize(
    ("practice", "age", "why"),
    [
        (PRACTICE, 2, Why.NO_TIME),
        (PRACTICE, 40, Why.OLD),
        (PRACTICE, None, Why.NEVER_READ),
        (a_practice(a_provider("brandt")), None, Why.NOT_INTEGRATED),
    ],
)
def test_of_a_request_without_a_time_it_is_said_whether_its_visit_could_be_seen(
    practice: Practice, age: int | None, why: Why
) -> None:
    assert why_pending(WITHOUT_A_TIME, [], practice, age).why is why
