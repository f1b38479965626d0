"""An appointment confirms a request when all of product section 2 holds, and never otherwise."""

from collections.abc import Callable
from datetime import date, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from oneway.domain.appointments import (
    CONFIRMING,
    Appointment,
    AppointmentState,
    NameUse,
    PersonName,
    RecordPatient,
    RowKind,
)
from oneway.domain.matching import (
    confirms,
    could_confirm,
    identifiers_of,
    is_another_patient,
    known_after,
    oldest_confirmed,
)
from oneway.domain.practices import Practice
from oneway.domain.requests import Request, RequestState

from tests.builders import NOW, START, a_practice, a_provider, a_record, a_request, a_row, an_appointment

Case = tuple[Appointment, Request, Practice]


def a_case() -> Case:
    practice = a_practice()
    main = replace(practice.locations["main"], external_id="loc-1")
    hill = replace(main, id="hill", external_id="loc-2")
    return an_appointment(), a_request(), replace(practice, locations={"main": main, "hill": hill})


def row(**changes: object) -> Callable[[Case], Case]:
    return lambda case: (replace(case[0], row=replace(case[0].row, **changes)), *case[1:])  # type: ignore[arg-type]


def appointment(**changes: object) -> Callable[[Case], Case]:
    return lambda case: (replace(case[0], **changes), *case[1:])  # type: ignore[arg-type]


def request(**changes: object) -> Callable[[Case], Case]:
    return lambda case: (case[0], replace(case[1], **changes), case[2])  # type: ignore[arg-type]


BREAKS = {
    "tentative": row(state=AppointmentState.TENTATIVE),
    "unknown": row(state=AppointmentState.UNKNOWN),
    "cancelled": row(state=AppointmentState.CANCELLED),
    "no show": row(state=AppointmentState.NO_SHOW),
    "a block": row(kind=RowKind.BLOCK),
    "nobody": row(patient=None),
    "another start": row(start=START + timedelta(minutes=1)),
    "an uncertain zone": row(zone_certain=False),
    "another known location": row(location_external_id="loc-2"),
    "another first name": row(patient=a_record(names=(PersonName(("Ana",), "Nunez"),))),
    "another last name": row(patient=a_record(names=(PersonName(("Maria",), "Nunes"),))),
    "no birth date": row(patient=a_record(birth_date=None)),
    "no contact": row(patient=a_record(phones=(), emails=())),
    "seen before": appointment(changed_at=NOW - timedelta(minutes=1)),
    "seen at the same moment": appointment(changed_at=NOW),
    "linked already": appointment(request_id="another"),
    "missing": appointment(missing_since=NOW),
    "another practice": appointment(practice="pier"),
    "a provider nobody knows": appointment(provider_id="nobody"),
    "cancelled request": request(state=RequestState.CANCELLED),
    "linked request": request(state=RequestState.LINKED),
    "expired request": request(state=RequestState.EXPIRED),
    "a request without a time": request(slot=None),
}
KEEPS = {
    "arrived": row(state=AppointmentState.ARRIVED),
    "completed": row(state=AppointmentState.COMPLETED),
    "another provider": appointment(provider_id="brandt"),
    "the known location": row(location_external_id="loc-1"),
    "an unknown location": row(location_external_id="loc-9"),
    "another length": row(end=START + timedelta(hours=2)),
    "only the phone": row(patient=a_record(emails=())),
}


def test_all_holds() -> None:
    assert confirms(*a_case())


@given(st.sets(st.sampled_from(sorted(BREAKS)), min_size=1), st.lists(st.sampled_from(sorted(KEEPS))))
def test_one_condition_that_fails_is_enough(broken: set[str], kept: list[str]) -> None:
    case = a_case()
    for name in kept:
        case = KEEPS[name](case)
    for name in broken:
        case = BREAKS[name](case)
    assert not confirms(*case)


@pytest.mark.parametrize("name", BREAKS)
def test_each_condition_counts(name: str) -> None:
    assert not confirms(*BREAKS[name](a_case()))


@given(st.lists(st.sampled_from(sorted(KEEPS)), unique=True))
def test_what_does_not_count(names: list[str]) -> None:
    case = a_case()
    for name in names:
        case = KEEPS[name](case)
    assert confirms(*case)


def test_a_provider_who_is_not_integrated_confirms_nothing() -> None:
    case = a_case()
    practice = a_practice(a_provider(source_id=None, external_id=None))
    assert not confirms(case[0], case[1], practice)


@pytest.mark.parametrize("state", AppointmentState)
def test_only_confirming_states_are_looked_at(state: AppointmentState) -> None:
    assert could_confirm(an_appointment(a_row(state=state))) is (state in CONFIRMING)


def test_the_oldest_request_wins_in_whatever_order() -> None:
    found, _, practice = a_case()
    ages = [a_request(id=f"r{n}", created_at=NOW - timedelta(minutes=n)) for n in (1, 2, 3)]
    for order in permutations(ages):
        assert oldest_confirmed(found, order, practice) == ages[2]
    assert oldest_confirmed(found, [], practice) is None


HERS = RecordPatient("pat-1", (PersonName(("Maria",), "Nunez"),), date(1984, 3, 12))
JO = RecordPatient("pat-1", (PersonName(("Jo",), "Reed"),), date(1950, 1, 1))


@pytest.mark.parametrize(
    ("known", "seen", "another"),
    [
        (HERS, HERS, False),
        (HERS, replace(HERS, source_id="pat-2"), True),
        (HERS, replace(HERS, source_id="pat-2", former_ids=("pat-1",)), False),
        (HERS, replace(HERS, source_id=None), False),
        (HERS, JO, True),
        (HERS, replace(JO, birth_date=HERS.birth_date), False),
        (HERS, replace(JO, names=HERS.names), False),
        (HERS, replace(JO, birth_date=None), True),
        (HERS, RecordPatient("pat-1"), False),
        (HERS, RecordPatient("pat-2"), True),
        (HERS, RecordPatient(None), True),
        (HERS, None, True),
        (RecordPatient("pat-1"), HERS, False),
        (RecordPatient("pat-2"), HERS, True),
        (RecordPatient(None), HERS, False),
        (replace(HERS, birth_date=None), JO, True),
    ],
)
def test_a_patient_is_another_by_id_or_by_name_and_birth_date(
    known: RecordPatient, seen: RecordPatient | None, another: bool
) -> None:
    assert is_another_patient(known, seen) is another
    if another:
        assert known_after(known, seen) == known


def test_the_digest_that_dismissals_are_kept_by_stays_what_is_stored() -> None:
    """Another digest lifts every dismissal, and what staff took apart is tied again: accept the old one as well."""
    names = PersonName(("Maria", "Elena"), "Núñez", "Jr"), PersonName(("Mia",), "Núñez", use=NameUse.NICKNAME)
    assert identifiers_of(a_record(names=names)) == identifiers_of(a_record(names=names[::-1])) == "f4a857317e8459ff"
    assert identifiers_of(None) == ""
    unread = RecordPatient("pat-1")
    assert identifiers_of(unread) == identifiers_of(replace(unread, phones=("+14155552671",))) == "a06053fc879c64c4"
