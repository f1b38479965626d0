"""How often each page of the portal asks the store (ADR 0019): at most three queries, and few reads beside them."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from oneway.domain import identifiers
from oneway.domain.appointments import PersonName
from oneway.domain.claims import Claim
from oneway.store.appointments import appointment_item
from oneway.store.items import TableItem, connection

from tests.builders import a_record, a_row, an_appointment
from tests.desk import LATER, NADIA, at
from tests.engines import RealStore
from tests.portal import PortalDesk, opened, routes

pytestmark = pytest.mark.parametrize("endpoint", ["dynamodb_local"], indirect=True)

SHELL = 1
"""The session."""
READS: dict[tuple[str, str], tuple[int, int]] = {
    ("GET", "/portal/{practice}/appointments"): (1, 3),
    ("GET", "/portal/{practice}/upcoming"): (2, 1),
    ("GET", "/portal/{practice}/past"): (2, 0),
    ("GET", "/portal/{practice}/search"): (0, 0),
    ("POST", "/portal/{practice}/search"): (3, 1),
    ("GET", "/portal/{practice}/calendar"): (0, 3),
    ("POST", "/portal/{practice}/calendar/hours"): (0, 4),
    ("GET", "/portal/{practice}/calendar/why"): (0, 1),
    ("GET", "/portal/{practice}/integration"): (0, 1),
    ("GET", "/portal/{practice}/settings"): (1, 1),
    ("GET", "/portal/{practice}/settings/history"): (1, 0),
    ("GET", "/portal/{practice}/settings/{part}"): (1, 0),
    ("GET", "/portal/{practice}/settings/providers/{provider}"): (1, 0),
    ("GET", "/portal/{practice}/settings/visit-types/{visit_type}"): (1, 0),
    ("GET", "/portal/{practice}/visits/{provider}/{appointment}"): (0, 1),
    ("GET", "/portal/{practice}/appointments/{request}"): (3, 3),
    ("GET", "/portal/{practice}/appointments/{request}/cancel"): (3, 3),
    ("POST", "/portal/{practice}/appointments/{request}/cancel"): (3, 3),
}
"""Queries and other reads of each page in a warm function, beside the session: what is of the practice is kept for 30 s."""
SENT = {
    "/portal/{practice}/calendar/hours": {
        "provider": "osei",
        "week": "2026-11-23",
        "edit": "week",
        "do": "ask",
        "seen": ";;;;;;",
        "d0s0": "08:00",
        "d0e0": "12:00",
    },
    "/portal/{practice}/search": {"text": "Maria Nunez"},
    "/portal/{practice}/appointments/{request}/cancel": {
        "step": "preview",
        "reason": "other",
        "note": "Please call us.",
    },
}
"""Forms that show something and change nothing."""
VISITS = 5000


@pytest.fixture
def desk(real_store: RealStore, tmp_path: Path) -> Iterator[PortalDesk]:
    """With a request that a visit may answer, and a visit that nobody asked for."""
    desk = PortalDesk(store=real_store, clock=real_store.clock)  # type: ignore[arg-type]
    desk.submit()
    desk.enter(patient=a_record(birth_date=a_record().birth_date.replace(day=3, month=12)))
    desk.enter("walk-in", **at(LATER), patient=a_record(source_id="pat-2"))
    desk.clock.advance(minutes=1)
    desk.pull()
    with opened(desk, tmp_path / "portal"):
        yield desk


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Counts what the store is asked for, by operation; the pages of one query are one."""
    calls, events = Counter[str](), connection().client.meta.events

    def count(params: dict[str, Any], model: Any, **_: Any) -> None:
        calls[model.name] += "ExclusiveStartKey" not in params

    events.register("provide-client-params.dynamodb", count)
    try:
        yield calls
    finally:
        events.unregister("provide-client-params.dynamodb", count)


def test_no_page_asks_more_often_than_it_says(desk: PortalDesk) -> None:
    asked = {route for route in routes() if route[1].startswith("/portal/{") and route[0] == "GET"}
    assert asked | {("POST", route) for route in SENT} == READS.keys()
    (request,) = desk.store.requests.to_act("harbor")
    walk_in = next(one for one in desk.store.appointments.of_provider("harbor", "osei") if one.start == LATER)
    names = {"practice": "harbor", "request": request.id, "provider": "osei", "appointment": walk_in.id}
    names |= {"part": "branding", "visit_type": "new"}
    desk.session(NADIA)
    desk.open("/portal/harbor/appointments")

    found = {}
    for method, route in READS:
        path = route
        for name, value in names.items():
            path = path.replace("{" + name + "}", value)
        path += "?provider=osei&day=2026-11-25&time=09:00" if route.endswith("why") else ""
        with counted() as calls:
            answer = desk.open(path) if method == "GET" else desk.send(path, **SENT[route])
        assert answer.status == 200, path
        found[method, route] = calls["Query"], calls["GetItem"] + calls["BatchGetItem"] - SHELL

    assert found == READS
    assert all(queries <= 3 for queries, _ in found.values())


OF_THE_REQUEST = "/portal/harbor/appointments/{request}/"
REFUSED: tuple[tuple[str, dict[str, str], int], ...] = (
    (OF_THE_REQUEST + "claim", {"answer": "claimed"}, 409),
    (OF_THE_REQUEST + "notes", {"text": "x" * 1001}, 422),
    (OF_THE_REQUEST + "match", {"answer": "accepted", "provider": "osei", "appointment": "x"}, 409),
    (OF_THE_REQUEST + "link", {"answer": "undone"}, 409),
    (OF_THE_REQUEST + "vanished", {"answer": "stands"}, 409),
    (OF_THE_REQUEST + "cancel", {"reason": "", "note": ""}, 422),
    ("/portal/harbor/calendar/closures", {"shown": "osei", "week": "2026-11-23", "first": ""}, 422),
    ("/portal/harbor/integration/held", {"feed": "ehr~osei", "since": "2026-11-23T18:00:00Z", "answer": "keep"}, 409),
    ("/portal/harbor/settings/branding", {"accent": "red", "seen.accent": "#0b6e99"}, 422),
    ("/portal/harbor/settings/visit-types/_new", {"name": "", "minutes": "30"}, 422),
)
"""Forms that cannot be done, each with the status of the page that says so."""


@pytest.mark.parametrize(("path", "form", "status"), REFUSED)
def test_a_page_that_says_why_a_form_cannot_be_done_takes_three_queries_at_most(
    desk: PortalDesk, path: str, form: dict[str, str], status: int
) -> None:
    (request,) = desk.store.requests.to_act("harbor")
    desk.store.requests.claim("harbor", request.id, None, Claim("omar@harbor.example", desk.clock.now()))
    desk.open("/portal/harbor/appointments")
    with counted() as calls:
        answer = desk.send(path.replace("{request}", request.id), **form)
    assert answer.status == status
    assert calls["Query"] <= 3


def test_five_thousand_visits_cost_no_query_more(desk: PortalDesk) -> None:
    fill()
    desk.open("/portal/harbor/appointments")
    for method, route in [
        one for one in READS if one[1].rpartition("/")[2] in ("appointments", "upcoming", "past", "search")
    ]:
        path = route.replace("{practice}", "harbor")
        with counted() as calls:
            answer = desk.open(path) if method == "GET" else desk.send(path, text="Reed")
        assert answer.status == 200, path
        assert calls["Query"] <= 3, path
        assert calls["GetItem"] + calls["BatchGetItem"] - SHELL <= 3, path
        assert "Scan" not in calls, path
    assert "Reed" in answer.html


def fill() -> None:
    """Visits of as many people over three months."""
    with TableItem.batch_write() as batch:
        for n in range(VISITS):
            start = LATER + timedelta(days=n // 60 - 20, minutes=15 * (n % 28))
            patient = a_record(source_id=f"p-{n}", names=(PersonName(("Jon",), f"Reed{n}"),))
            row = a_row(f"x-{n}", start=start, end=start + timedelta(minutes=15), patient=patient)
            batch.save(appointment_item(an_appointment(row, id=identifiers.appointment_id("harbor", "ehr", f"x-{n}"))))


def test_what_is_of_the_practice_is_two_reads_more_in_a_cold_function(desk: PortalDesk) -> None:
    path = "/portal/harbor/appointments"
    desk.open(path)
    with counted() as warm:
        desk.open(path)
    desk.clock.advance(seconds=31)
    with counted() as cold:
        desk.open(path)

    assert cold - warm == Counter({"Query": 1, "BatchGetItem": 1}), "the practice, and how old its schedules are"


@pytest.mark.parametrize(("changed", "status"), [({"do": "edit"}, 200), ({"do": "save", "d0e0": "07:00"}, 422)])
def test_hours_that_are_typed_on_or_cannot_be_cost_no_more_than_the_week(
    desk: PortalDesk, changed: dict[str, str], status: int
) -> None:
    form = SENT["/portal/{practice}/calendar/hours"] | changed
    desk.open("/portal/harbor/appointments")
    with counted() as calls:
        answer = desk.send("/portal/harbor/calendar/hours", **form)
    assert answer.status == status
    queries, reads = READS["GET", "/portal/{practice}/calendar"]
    assert calls["Query"] <= queries
    assert calls["GetItem"] + calls["BatchGetItem"] - SHELL <= reads
