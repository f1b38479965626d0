"""Why a request is still pending, in one word for each thing that keeps a visit from confirming it."""

from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from oneway.domain.appointments import AppointmentState, PersonName, RecordPatient, RowKind, ScheduleRow
from oneway.domain.explaining import Explanation, Why
from oneway.domain.matching import identifiers_of
from oneway.domain.possible_matches import PossibleMatchKind
from oneway.domain.practices import Location
from oneway.domain.requests import Dismissal, Request
from oneway.use_cases.explain_request import Explained

from tests.builders import START, a_practice, a_provider, a_record, a_row, an_appointment
from tests.world import World

NADIA = "nadia@harbor.example"
FAR = START + timedelta(days=40)
SWAPPED = a_record(birth_date=date(1984, 12, 3))


def explained(world: World, request: Request) -> Explained:
    return world.explain_request(world.practice, world.stored(request))


def why(world: World, request: Request) -> Explanation | None:
    return explained(world, request).why


def other(**changes: Any) -> ScheduleRow:
    """A visit that would confirm the request, but for these changes."""
    return a_row(**changes)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (other(patient=SWAPPED), Explanation(Why.BIRTH_DATE, "1984-03-12", "1984-12-03", "osei")),
        (other(patient=a_record(birth_date=None)), Explanation(Why.NO_BIRTH_DATE, provider_id="osei")),
        (
            other(patient=a_record(names=(PersonName(("Mario",), "Nunez"),))),
            Explanation(Why.FIRST_NAME, "Maria", "Mario", "osei"),
        ),
        (
            other(patient=a_record(names=(PersonName(("Maria",), "Reed"),))),
            Explanation(Why.LAST_NAME, "Núñez", "Reed", "osei"),
        ),
        (other(patient=a_record(phones=("+14155550000",), emails=())), Explanation(Why.CONTACT, provider_id="osei")),
        (other(patient=a_record(phones=(), emails=())), Explanation(Why.NO_CONTACT, provider_id="osei")),
        (other(state=AppointmentState.TENTATIVE), Explanation(Why.TENTATIVE, provider_id="osei")),
        (other(state=AppointmentState.UNKNOWN), Explanation(Why.UNKNOWN_STATE, provider_id="osei")),
        (other(zone_certain=False), Explanation(Why.UNCERTAIN_ZONE, provider_id="osei")),
        (other(kind=RowKind.BLOCK, patient=None), Explanation(Why.BLOCKED, provider_id="osei")),
        (other(location_external_id="loc-east"), Explanation(Why.OTHER_LOCATION, provider_id="osei")),
        (other(start=START + timedelta(minutes=30), end=START + timedelta(hours=1)), Explanation(Why.NOTHING_THERE)),
    ],
)
def test_what_is_there_at_the_time_says_why(row: ScheduleRow, told: Explanation) -> None:
    practice = a_practice()
    east = Location("east", "Harbor East", "2 Main St", "America/Los_Angeles", "loc-east")
    world = World(replace(practice, locations={**practice.locations, "east": east}))
    request = world.submit().request
    world.source.enter(row)
    world.pull()
    assert why(world, request) == told


def test_a_visit_that_was_there_before_is_said_to_be(world: World) -> None:
    world.source.enter(a_row())
    world.pull()
    request = world.submit(start=(START + timedelta(days=1)).isoformat()).request
    assert why(world, request) == Explanation(Why.NOTHING_THERE)
    (suggestion,) = explained(world, request).suggestions
    assert suggestion.match.kind is PossibleMatchKind.ALREADY_SCHEDULED


@pytest.mark.parametrize(
    "patient",
    [
        a_record(birth_date=date(1984, 3, 13)),
        a_record(birth_date=date(1984, 3, 13), phones=()),
        a_record(birth_date=date(1984, 3, 13), names=(PersonName(("Maria",), "Nunes"),)),
    ],
    ids=["all else", "name and e-mail", "contacts"],
)
def test_a_visit_that_was_there_before_at_another_time_is_found_with_another_birth_date(
    world: World, patient: RecordPatient
) -> None:
    world.source.enter(a_row(patient=patient))
    world.source.enter(a_row("far", patient=patient, start=FAR, end=FAR + timedelta(minutes=30)))
    world.pull()
    world.clock.advance(minutes=1)
    request = world.submit(start=(START + timedelta(days=1)).isoformat()).request
    world.deliver()
    world.clock.advance(minutes=1)
    world.run_timers()
    (suggestion,) = explained(world, request).suggestions
    assert suggestion.visit.row.external_id == "appt-1"
    assert suggestion.match.kind is PossibleMatchKind.ALREADY_SCHEDULED


def test_the_nearest_of_several_visits_is_spoken_of() -> None:
    world = World(a_practice(a_provider(split=3)))
    request = world.submit().request
    stranger = a_record(
        source_id="x", names=(PersonName(("Ann",), "Reed"),), birth_date=date(1950, 1, 1), phones=(), emails=()
    )
    world.source.enter(a_row("stranger", patient=stranger), a_row("near", patient=SWAPPED))
    world.pull()
    found = why(world, request)
    assert found
    assert found.why is Why.BIRTH_DATE


def test_an_old_schedule_is_said_to_be_old(world: World) -> None:
    request = world.submit().request
    world.pull()
    world.clock.advance(minutes=40)
    assert why(world, request) == Explanation(Why.OLD, minutes=40)


def test_a_schedule_that_is_not_read_is_said_not_to_be(world: World) -> None:
    request = world.submit().request
    world.practice = a_practice(a_provider(source_id=None, external_id=None))
    assert why(world, request) == Explanation(Why.NOT_INTEGRATED)


def test_a_visit_with_somebody_whose_schedule_is_no_longer_read_is_spoken_of(world: World) -> None:
    request = world.submit().request
    world.source.enter(a_row(provider_external_id="prac-brandt", state=AppointmentState.TENTATIVE))
    world.pull("brandt")
    world.practice = a_practice(a_provider(), a_provider("brandt", source_id=None, external_id=None))
    assert why(world, request) == Explanation(Why.OTHERS_SCHEDULE, provider_id="brandt")


def test_whose_schedules_are_not_read_is_said_where_nothing_is_there(world: World) -> None:
    request = world.submit().request
    world.pull()
    world.practice = a_practice(a_provider(), a_provider("brandt", source_id=None, external_id=None))
    assert why(world, request) == Explanation(Why.NOTHING_READ_THERE, others="Dr. Lena Brandt")


def test_a_source_without_birth_dates_is_labelled(world: World) -> None:
    request = world.submit().request
    sources = {"ehr": replace(world.practice.sources["ehr"], by_hand=True)}
    world.practice = replace(world.practice, sources=sources)
    world.pull()
    assert why(world, request) == Explanation(Why.BY_HAND)


def test_what_staff_dismissed_is_not_suggested_again(world: World) -> None:
    request = world.submit().request
    world.source.enter(a_row(patient=SWAPPED))
    world.pull()
    (suggestion,) = explained(world, request).suggestions
    assert suggestion.match.kind is PossibleMatchKind.MISTYPED
    visit = suggestion.visit
    world.dismiss_match("harbor", NADIA, request.id, visit.provider_id, visit.id)
    assert explained(world, request).suggestions == ()
    assert why(world, request) == Explanation(Why.DISMISSED, provider_id="osei")


def test_the_same_person_at_another_time_is_suggested_though_the_birth_date_is_mistyped(world: World) -> None:
    """The index by birth dates cannot find it; the pull that brought it left a hint."""
    request = world.submit().request
    later = START + timedelta(days=2)
    world.source.enter(
        a_row(start=later, end=later + timedelta(minutes=30), patient=a_record(birth_date=date(1984, 3, 13)))
    )
    world.pull()
    (suggestion,) = explained(world, request).suggestions
    assert suggestion.match.kind is PossibleMatchKind.RESCHEDULED


def test_whoever_asked_twice_is_seen_once_one_is_answered() -> None:
    world = World(a_practice(a_provider(split=2)))
    first = world.submit("1" * 32).request
    world.clock.advance(minutes=1)
    second = world.submit("2" * 32).request
    world.source.enter(a_row())
    world.pull()
    assert world.stored(first).link
    found = explained(world, second)
    assert found.answered
    assert found.answered.id == first.id
    assert found.why
    assert found.why.why is Why.ANSWERS_ANOTHER
    before = len(world.mailer.sent)
    world.deliver()
    sent = len(world.mailer.sent)
    world.cancel_by_staff("harbor", NADIA, second.id, "duplicate", "")
    assert world.deliver() == 0
    assert (before, len(world.mailer.sent)) == (0, sent)


def test_whoever_asked_for_another_time_too_may_want_a_second_visit() -> None:
    world = World(a_practice(a_provider(split=2)))
    first = world.submit("1" * 32).request
    second = world.submit("2" * 32, start=(START + timedelta(hours=1)).isoformat()).request
    world.source.enter(a_row())
    world.pull()
    assert world.stored(first).link
    assert explained(world, second).answered is None


def test_nothing_is_explained_of_a_request_that_is_linked(world: World) -> None:
    request = world.submit().request
    world.source.enter(a_row())
    world.pull()
    assert explained(world, request) == Explained()


def test_what_was_dismissed_takes_no_place_among_the_hints() -> None:
    world = World(a_practice(a_provider(split=9)))
    request = world.submit().request
    appointments = [
        an_appointment(a_row(f"v{number}", patient=a_record(birth_date=date(1984, 3, 13)))) for number in range(6)
    ]
    said = tuple(Dismissal(one.id, identifiers_of(one.row.patient)) for one in appointments[:1])
    world.store.requests_by_id["harbor", request.id] = replace(world.stored(request), dismissals=said)
    assert world.suggest_matches(world.practice, appointments) == 5
    hints = world.store.requests.hints("harbor", request.id)
    assert {visit for _, visit in hints} == {one.id for one in appointments[1:]}
