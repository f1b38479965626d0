"""The JSON API on the deployed template: every mistake is answered with what to do about it (RFC 9457)."""

import secrets
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from local.demo.browser import Browser, Page

from .conftest import Telling

pytestmark = pytest.mark.xdist_group("laptop")
ZONE = ZoneInfo("America/Los_Angeles")
HTTP = Browser()


def key() -> dict[str, str]:
    return {"Idempotency-Key": secrets.token_urlsafe(24)}


def free_times(telling: Telling, provider: str = "osei") -> dict[str, list[str]]:
    today = datetime.now(ZONE).date()
    query = f"visit_type=new-patient&from={today + timedelta(days=15)}&to={today + timedelta(days=50)}"
    page = HTTP.api("GET", f"{telling.api}/providers/{provider}/slots?{query}")
    assert page.status == 200, page.html
    days: dict[str, list[str]] = page.json()["days"]
    return {day: times for day, times in days.items() if times}


def a_start(telling: Telling, number: int) -> str:
    """The first free time of a day: each test has a day of its own."""
    day, times = list(free_times(telling).items())[number]
    return datetime.fromisoformat(f"{day}T{times[0]}").replace(tzinfo=ZONE).isoformat()


def a_request(starts: str, **changes: Any) -> dict[str, Any]:
    patient = {
        "first_name": "Rosa",
        "last_name": "Quill",
        "birth_date": "1979-01-31",
        "mobile": "+1 415 555 0142",
        "email": "rosa@patients.quay.example",
    }
    body = {
        "provider": "osei",
        "visit_type": "new-patient",
        "start": starts,
        "new_patient": True,
        "language": "en",
        "contact_consent": True,
        "patient": patient | changes.pop("patient", {}),
    }
    return body | changes


def submit(telling: Telling, body: object, headers: dict[str, str] | None = None) -> Page:
    return HTTP.api("POST", f"{telling.api}/requests", body, headers or key())


def problem(page: Page, status: int) -> dict[str, Any]:
    assert page.status == status, page.html
    assert page.headers["content-type"].startswith("application/problem+json")
    found: dict[str, Any] = page.json()
    assert {"type", "title", "status", "detail"} <= found.keys()
    assert found["status"] == status
    return found


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"patient": {"birth_date": "1979-02-30"}}, {"/patient/birth_date"}),
        ({"patient": {"birth_date": 1979}}, {"/patient/birth_date"}),
        ({"patient": {"mobile": "12345"}}, {"/patient/mobile"}),
        ({"patient": {"mobile": "", "email": ""}}, {"/patient/mobile"}),
        ({"patient": {"first_name": ["Rosa"]}}, {"/patient/first_name"}),
        ({"start": "tomorrow"}, {"/start"}),
        ({"start": "2020-01-06T09:00:00-08:00"}, {"/start"}),
        ({"new_patient": "perhaps"}, {"/new_patient"}),
        ({"visit_type": "surgery"}, {"/visit_type"}),
        ({"provider": 7, "contact_consent": False}, {"/provider", "/contact_consent"}),
    ],
)
def test_every_bad_field_is_named(telling: Telling, changes: dict[str, Any], pointers: set[str]) -> None:
    page = submit(telling, a_request(a_start(telling, 0), **changes))

    found = problem(page, 422)
    assert pointers <= {error["pointer"].removeprefix("#") for error in found["errors"]}
    assert all(error["detail"] for error in found["errors"])


def test_what_is_not_json_is_said_to_be_none(telling: Telling) -> None:
    page = HTTP._send(  # the body as it is, which api() would encode
        "POST", f"{telling.api}/requests", b"{provider: osei", {"Content-Type": "application/json", **key()}
    )

    assert "JSON" in problem(page, 400)["detail"]


@pytest.mark.parametrize("body", [[], "text", 7, None])
def test_what_is_no_object_is_refused(telling: Telling, body: object) -> None:
    problem(submit(telling, body), 400)


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        ((datetime.now(ZONE) + timedelta(days=14)).replace(hour=3, minute=0, second=0, microsecond=0), "outside_hours"),
        (datetime(2099, 1, 5, 9, 0, tzinfo=ZONE), "horizon"),
    ],
)
def test_a_time_that_is_not_offered_is_refused_with_its_reason(telling: Telling, start: datetime, reason: str) -> None:
    found = problem(submit(telling, a_request(start.isoformat())), 409)

    assert found["reason"] == reason


def test_a_slot_just_taken_says_what_is_left_that_day(telling: Telling) -> None:
    start = a_start(telling, 1)
    assert submit(telling, a_request(start)).status == 201
    found = problem(submit(telling, a_request(start, patient={"first_name": "Otto"})), 409)

    assert found["left"]
    assert start not in found["left"]


def test_the_same_key_finds_the_same_request_and_takes_no_other_payload(telling: Telling) -> None:
    same, body = key(), a_request(a_start(telling, 2))
    first, second = submit(telling, body, same), submit(telling, body, same)
    other = submit(telling, body | {"reason": "Something else"}, same)

    assert (first.status, second.status) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    problem(other, 422)


@pytest.mark.parametrize("path", ["/nowhere/providers", "/quay/providers/nobody/slots?visit_type=x&from={0}&to={0}"])
def test_what_does_not_exist_is_not_found(telling: Telling, path: str) -> None:
    base = f"{telling.laptop.public_url}/api/practices"

    problem(HTTP.api("GET", base + path.format(date.today())), 404)


def test_a_link_shows_its_request_and_cancels_it_once(telling: Telling) -> None:
    made = submit(telling, a_request(a_start(telling, 3))).json()
    address = f"{telling.api}/requests/{made['link'].rpartition('/')[2]}"
    shown = HTTP.api("GET", address)
    cancelled = [HTTP.api("POST", f"{address}/cancellation", {}) for _ in range(2)]

    assert shown.json()["state"] == "requested"
    assert "1979" not in shown.html
    assert [page.status for page in cancelled] == [200, 200]
    assert HTTP.api("GET", address).json()["state"] == "cancelled"


@pytest.mark.parametrize("link", ["nothing", "a" * 60, "%2e%2e", "x.y.z"])
def test_an_unknown_link_opens_nothing(telling: Telling, link: str) -> None:
    problem(HTTP.api("GET", f"{telling.api}/requests/{link}"), 404)


def test_a_link_does_not_open_its_request_at_another_practice(telling: Telling) -> None:
    made = submit(telling, a_request(a_start(telling, 4))).json()
    link = made["link"].rpartition("/")[2]

    problem(HTTP.api("GET", f"{telling.laptop.public_url}/api/practices/harbor/requests/{link}"), 404)


def test_an_unknown_path_has_our_own_answer(telling: Telling) -> None:
    page = HTTP.api("GET", f"{telling.laptop.public_url}/no/such/page")

    assert page.status in (403, 404)


@pytest.mark.parametrize("query", ["", "?visit_type=new-patient", "?visit_type=new-patient&from=2026-02-30&to=x"])
def test_free_times_need_days_and_a_visit_type(telling: Telling, query: str) -> None:
    found = problem(HTTP.api("GET", f"{telling.api}/providers/osei/slots{query}"), 422)

    assert found["errors"]


def test_times_are_wall_clock_times_of_the_providers_zone(telling: Telling) -> None:
    days = free_times(telling)
    assert all(len(day) == 10 and date.fromisoformat(day) for day in days)
    assert all(9 <= int(time[:2]) < 19 for times in days.values() for time in times)
