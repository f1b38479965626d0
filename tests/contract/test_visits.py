"""Lists and searches, and what staff keep beside a request: the fake and both engines answer alike."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from oneway.domain import identifiers, linking
from oneway.domain.appointments import AppointmentState, PersonName, RowKind
from oneway.domain.claims import Claim, Note
from oneway.domain.errors import RequestNotFound, WriteConflict
from oneway.domain.practices import Switches
from oneway.domain.requests import Booker, Happening
from oneway.domain.searching import Look, SearchBy
from oneway.ports import AppointmentChange, Beside, Listed, ListedKind, RequestChange

from tests.builders import NOW, START, a_patient, a_record, a_request, a_row, an_appointment
from tests.contract.test_store import Store, put

pytestmark = pytest.mark.parametrize("store", ["fake", "dynamodb_local", "ministack"], indirect=True)
LATER = START + timedelta(hours=1)


def enter(store: Store, external_id: str = "appt-1", **row: object) -> Listed:
    """Import a visit; what a list says of it."""
    visit = an_appointment(a_row(external_id, **row))
    store.ledger.commit([AppointmentChange(None, visit)])
    return Listed(ListedKind.APPOINTMENT, visit.id, visit.provider_id, visit.start, visit.state)


def asked(store: Store, key: str = "", **changes: object) -> Listed:
    """Put a request; what a list says of it."""
    identifier = {"id": identifiers.request_id("harbor", key)} if key else {}
    request = put(store, a_request(**identifier, **changes))
    return Listed(ListedKind.REQUEST, request.id, request.provider_id, request.start, request.state)


def test_a_list_holds_requests_and_visits_by_start_and_no_blocks(store: Store) -> None:
    later = enter(store, "later", start=LATER, end=LATER + timedelta(minutes=30))
    request = asked(store)
    enter(store, "lunch", kind=RowKind.BLOCK, patient=None)
    enter(store, "next-week", start=START + timedelta(days=7), end=START + timedelta(days=7, minutes=30))

    assert store.visits.between("harbor", START, LATER + timedelta(minutes=1)) == [request, later]
    assert store.visits.between("harbor", START, LATER) == [request]
    assert store.visits.between("elsewhere", START, LATER) == []


def test_a_request_leaves_the_list_to_the_visit_that_answers_it(store: Store) -> None:
    asked(store)
    request, visit = store.requests.get("harbor", a_request().id), an_appointment()
    tied = RequestChange(linking.confirmed(request, visit, NOW, Switches()))
    store.ledger.commit([AppointmentChange(None, visit.linked(request.id)), tied])

    (listed,) = store.visits.between("harbor", START, LATER)

    assert listed.kind is ListedKind.APPOINTMENT
    (loaded,) = store.visits.load("harbor", [listed])
    assert loaded == visit.linked(request.id)
    found = {one.kind for one in store.visits.found("harbor", Look(SearchBy.NAMED, "nunez"))[0]}
    assert found == set(ListedKind), "typed and recorded identifiers both find it"


def test_a_list_says_the_state_that_a_visit_came_to(store: Store) -> None:
    enter(store)
    before = an_appointment()
    after = before.updated(replace(before.row, state=AppointmentState.ARRIVED), "osei", NOW)
    store.ledger.commit([AppointmentChange(before, after)])

    assert [one.state for one in store.visits.between("harbor", START, LATER)] == ["arrived"]


@pytest.mark.parametrize(
    ("look", "finds"),
    [
        (Look(SearchBy.NAMED, "nunez"), {"request", "maria"}),
        (Look(SearchBy.NAMED, "nun"), {"request", "maria"}),
        (Look(SearchBy.NAMED, "nun", ("elena",)), {"maria"}),
        (Look(SearchBy.GIVEN, "maria"), {"request", "maria"}),
        (Look(SearchBy.GIVEN, "jon"), {"jon"}),
        (Look(SearchBy.FURTHER, "elena"), {"maria"}),
        (Look(SearchBy.PHONED, "1415555"), {"request", "maria"}),
        (Look(SearchBy.PHONED, "1415999"), set()),
        (Look(SearchBy.MAILED, "jon@"), {"jon"}),
    ],
)
def test_visits_and_requests_are_found_by_the_beginning_of_what_is_known(
    store: Store, look: Look, finds: set[str]
) -> None:
    names = {
        asked(store).id: "request",
        enter(store, "a", patient=a_record(names=(PersonName(("MARIA", "Elena"), "Núñez"),))).id: "maria",
        enter(
            store,
            "b",
            patient=a_record(
                names=(PersonName(("Jon",), "Reed"),), phones=("+442079460000",), emails=("Jon@x.example",)
            ),
        ).id: "jon",
        enter(store, "c", kind=RowKind.BLOCK, patient=None).id: "block",
        enter(store, "d", patient=None).id: "nobody",
    }

    found, all_of_it = store.visits.found("harbor", look)
    assert ({names[one.id] for one in found}, all_of_it) == (finds, True)
    assert store.visits.found("elsewhere", look) == ([], True)


@pytest.mark.parametrize(
    "look",
    [
        Look(SearchBy.NAMED, "vega"),
        Look(SearchBy.GIVEN, "rosa"),
        Look(SearchBy.GIVEN, "rosa", ("quispe",)),
        Look(SearchBy.FURTHER, "quispe"),
        Look(SearchBy.NAMED, "nunez"),
        Look(SearchBy.FURTHER, "elena"),
    ],
)
def test_a_request_is_found_by_all_names_of_the_patient_and_of_whoever_asked_for_them(store: Store, look: Look) -> None:
    booker, patient = Booker("Rosa", "Vega Quispe", "mother"), a_patient(first_name="María Elena")
    request = put(store, a_request(booker=booker, patient=patient))

    (found,), _ = store.visits.found("harbor", look)

    assert store.visits.load("harbor", [found]) == [request]
    assert len(store.visits.between("harbor", START, LATER)) == 1, "it stands in a list once"
    file = store.requests.file("harbor", request.id)
    assert (file.request, len(file.timeline)) == (request, 1)


def test_what_is_loaded_comes_in_the_order_of_the_list_without_what_is_gone(store: Store) -> None:
    visit, request = enter(store, "later", start=LATER, end=LATER + timedelta(minutes=30)), asked(store)
    gone = Listed(ListedKind.REQUEST, identifiers.request_id("harbor", "gone"), "osei", START)

    assert [one.id for one in store.visits.load("harbor", [visit, gone, request])] == [visit.id, request.id]
    assert store.visits.load("harbor", []) == []


def test_a_request_s_file_is_all_that_is_kept_of_it(store: Store) -> None:
    request = put(store, a_request(patient=a_patient(email=None)))
    claim, note = Claim("nadia@harbor.example", NOW), Note(NOW, "vic@harbor.example", "Called, no answer.")
    store.requests.claim("harbor", request.id, None, claim)
    store.requests.add_note("harbor", request.id, "b", note)
    store.requests.add_note("harbor", request.id, "a", replace(note, at=NOW + timedelta(minutes=1)))
    store.requests.add_note("harbor", request.id, "b", replace(note, at=NOW + timedelta(minutes=2)))

    file = store.requests.file("harbor", request.id)

    assert file.request == request
    assert [entry.what for entry in file.timeline] == [Happening.ASKED]
    assert (file.claim, [one.at for one in file.notes]) == (claim, [NOW, NOW + timedelta(minutes=1)])
    with pytest.raises(RequestNotFound):
        store.requests.file("elsewhere", request.id)


def test_of_two_who_say_that_they_are_on_it_one_is(store: Store) -> None:
    request = put(store)
    mine, yours = Claim("nadia@harbor.example", NOW), Claim("omar@harbor.example", NOW)
    store.requests.claim("harbor", request.id, None, mine)

    with pytest.raises(WriteConflict):
        store.requests.claim("harbor", request.id, None, yours)
    store.requests.hint("harbor", request.id, [("osei", "a-visit")])
    beside = store.requests.beside("harbor", [request.id, identifiers.request_id("harbor", "x")])
    assert beside == {request.id: Beside(mine, (("osei", "a-visit"),))}
    store.requests.claim("harbor", request.id, mine, None)
    with pytest.raises(WriteConflict):
        store.requests.claim("harbor", request.id, mine, None)
    store.requests.claim("harbor", request.id, None, yours)
    assert store.requests.beside("harbor", [request.id])[request.id].claim == yours
    assert store.requests.beside("harbor", []) == {}
