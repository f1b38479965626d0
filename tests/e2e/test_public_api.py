"""The public API as its own document describes it, on the deployed template: examples, everything else, and a race."""

import json
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import playwright.sync_api as chrome
import pytest
import schemathesis
from schemathesis.engine import events, from_schema

from local.demo.browser import Browser, Page

from .browser import Eyes
from .conftest import Telling
from .test_api import HTTP, ZONE, key, problem

pytestmark = pytest.mark.xdist_group("laptop")
CHOICES = {"practice": ["quay"], "provider": ["osei", "brandt", "ruiz"], "visit_type": ["new-patient", "follow-up"]}
"""What the practice knows: with it, what is generated gets further than "no such provider"."""
SETTINGS: dict[str, Any] = {
    "seed": 1,
    "generation": {"max-examples": 20, "deterministic": True, "database": "none"},
    "checks": {
        # That an id exists, a range is short enough or a phone can be called is no matter of schemas: 422 says so.
        "positive_data_acceptance": {"expected-statuses": ["2xx", "404", "409", "422"]},
        # API Gateway answers methods that are not declared by itself: 404, in our words (a template test sees to it).
        "unsupported_method": {"enabled": False},
    },
}


@pytest.fixture(scope="module")
def document(telling: Telling) -> dict[str, Any]:
    page = HTTP.api("GET", f"{telling.laptop.public_url}/api/openapi.json")
    assert page.status == 200
    found: dict[str, Any] = page.json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any], list[dict[str, Any]]]]:
    """(method, path, operation, its parameters)."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                yield method, path, operation, methods.get("parameters", []) + operation.get("parameters", [])


def test_every_example_works(telling: Telling, document: dict[str, Any]) -> None:
    link = ""
    answers: dict[str, int] = {}
    for method, path, operation, parameters in operations(document):
        where: dict[str, dict[str, str]] = {"path": {}, "query": {}, "header": {}}
        for one in parameters:
            where[one["in"]][one["name"]] = str(one["example"])
        where["path"] |= {"practice": "quay"} | ({"link": link} if link else {})
        if where["header"]:
            where["header"] = key()
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
        url = telling.laptop.public_url + path.format(**where["path"]) + ("?" + urlencode(where["query"]))
        page = HTTP.api(method.upper(), url, {} if body is None and method == "post" else body, where["header"])
        answers[operation["operationId"]] = page.status
        if operation["operationId"] == "submitRequest":
            link = page.json()["link"].rpartition("/")[2]
    assert answers.pop("submitRequest") == 201
    assert set(answers.values()) == {200}, answers
    assert len(answers) == 6


def test_everything_that_the_document_allows_is_answered_as_it_says(telling: Telling, document: dict[str, Any]) -> None:
    parts = urlsplit(telling.laptop.public_url)
    for _, _, _, parameters in operations(document):
        for one in parameters:
            if one["name"] in CHOICES:
                one["schema"]["enum"], one["example"] = CHOICES[one["name"]], CHOICES[one["name"]][0]
    for name, values in CHOICES.items():
        if name != "practice":
            document["components"]["schemas"]["RequestForm"]["properties"][name]["enum"] = values
    # Python does not resolve *.localhost, which browsers do.
    where = {"base-url": f"http://127.0.0.1:{parts.port}", "headers": {"Host": parts.netloc}}
    schema = schemathesis.openapi.from_dict(document, config=schemathesis.Config.from_dict(SETTINGS | where))
    schema.validate()
    checked, failed = 0, []
    for event in from_schema(schema).execute():
        assert not isinstance(event, events.NonFatalError | events.FatalError), event
        if isinstance(event, events.ScenarioFinished):
            for checks in event.recorder.checks.values():
                checked += len(checks)
                failed += [(one.name, str(one.failure_info.failure)) for one in checks if one.failure_info]
    assert failed == []
    assert checked > 1000


def test_of_twenty_at_once_two_get_the_last_places(telling: Telling) -> None:
    week = datetime.now(ZONE).date() + timedelta(days=22)
    tuesday = week + timedelta(days=(1 - week.weekday()) % 7)
    start = datetime.combine(tuesday, datetime.min.time(), ZONE).replace(hour=15).isoformat()

    def ask(number: int) -> Page:
        letters = "abcdefghijklmnopqrst"[number]
        patient = {
            "first_name": f"Racer {letters}",
            "last_name": "Quill",
            "birth_date": "1979-01-31",
            "email": f"racer-{letters}@patients.quay.example",
        }
        body = {
            "provider": "ruiz",
            "visit_type": "new-patient",
            "start": start,
            "new_patient": True,
            "contact_consent": True,
            "patient": patient,
        }
        return Browser().api("POST", f"{telling.api}/requests", body, {"Idempotency-Key": secrets.token_urlsafe(24)})

    with ThreadPoolExecutor(20) as racers:
        answers = list(racers.map(ask, range(20)))

    assert sorted(page.status for page in answers) == [201] * 2 + [409] * 18
    for page in answers:
        if page.status == 409:
            found = problem(page, 409)
            assert found["type"].endswith("/slot-taken")
            assert found["left"]
            assert start not in found["left"]


def test_a_person_has_three_requests_and_is_told_kindly(telling: Telling) -> None:
    url = f"{telling.api}/providers/brandt/next-free-day?visit_type=new-patient"
    after = datetime.now(ZONE).date() + timedelta(days=28)
    statuses = []
    for _ in range(4):
        found = HTTP.api("GET", f"{url}&after={after}").json()
        ((day, times),) = found["days"].items()
        after = datetime.fromisoformat(day).date()
        body = {
            "provider": "brandt",
            "visit_type": "new-patient",
            "start": datetime.fromisoformat(f"{day}T{times[0]}").replace(tzinfo=ZONE).isoformat(),
            "new_patient": True,
            "contact_consent": True,
            "patient": {
                "first_name": "Ana",
                "last_name": "Many",
                "birth_date": "1980-02-03",
                "email": "ana@patients.quay.example",
            },
        }
        page = HTTP.api("POST", f"{telling.api}/requests", body, key())
        statuses.append(page.status)
    assert statuses == [201, 201, 201, 409]
    told = problem(page, 409)
    assert (told["type"].rpartition("/")[2], told["kind"], told["limit"]) == ("too-many-pending", "person", 3)
    assert "call the practice" in told["detail"]


def test_nothing_personal_is_kept_by_caches_and_the_rest_for_seconds(telling: Telling) -> None:
    for path in ("/providers", "/first-available?visit_type=new-patient"):
        assert HTTP.api("GET", telling.api + path).headers["cache-control"] == "public, max-age=10"
    assert HTTP.api("GET", f"{telling.api}/requests/{'A' * 32}").headers["cache-control"] == "no-store"
    for page in (HTTP.api("POST", f"{telling.api}/requests", {}, key()),):
        assert page.headers["cache-control"] == "no-store"


def test_the_first_available_come_first(telling: Telling) -> None:
    found = HTTP.api("GET", f"{telling.api}/first-available?visit_type=follow-up").json()["providers"]
    firsts = [f"{day}T{times[0]}" for one in found for day, times in one["days"].items()]
    assert len(found) == len(firsts) == 3
    assert firsts == sorted(firsts)


def test_the_api_has_a_page_for_people(
    telling: Telling, browser: chrome.Browser, request: pytest.FixtureRequest
) -> None:
    page = browser.new_page()
    page.goto(f"{telling.laptop.public_url}/api")
    assert page.get_by_role("heading", name="Ask for a time").is_visible()
    assert "POST /api/practices/{practice}/requests" in page.inner_text("main")
    Eyes(request.config.getoption("--pictures")).look(page, "api")
    page.close()


def test_operators_see_a_week_and_why_a_time_is_not_offered(telling: Telling) -> None:
    oneway = telling.laptop.oneway
    shown = oneway("calendar", "show", "quay", "ruiz")
    assert "10:00" in shown
    assert "of 2" in shown
    week = datetime.now(ZONE).date() + timedelta(days=30)
    night = oneway("calendar", "why", "quay", "ruiz", "new-patient", f"{week}T03:00")
    assert "not offered (outside_hours)" in night
    assert "what requests and appointments make of it" in oneway("calendar", "check", "quay")
    assert "Christmas Day" in oneway("calendar", "holidays", "quay")


def test_operators_find_and_repair_a_day_that_was_lost(telling: Telling) -> None:
    oneway, table = telling.laptop.oneway, telling.laptop.aws.client("dynamodb")
    name = telling.laptop.outputs["TableName"]
    found = table.query(
        TableName=name,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "quay#DAYS#brandt"}},
    )["Items"]
    lost = next(item for item in found if item["body"]["B"])
    table.delete_item(TableName=name, Key={key: lost[key] for key in ("pk", "sk")})

    told = oneway("calendar", "check", "quay", "brandt", well=False)
    assert lost["sk"]["S"].partition("#")[0] in told
    assert "is missing" in told
    assert "--repair" in told
    assert "Set right." in oneway("calendar", "check", "quay", "brandt", "--repair")
    assert "what requests and appointments make of it" in oneway("calendar", "check", "quay", "brandt")
    again = table.get_item(TableName=name, Key={key: lost[key] for key in ("pk", "sk")})["Item"]
    assert again["body"] == lost["body"]


def test_a_source_is_tried_without_writing_anything(telling: Telling) -> None:
    told = telling.laptop.oneway("source", "test", "quay", "osei")
    assert "The source answers." in told
    assert "booked" in told
    assert "birth date" in told
    assert "Nothing was written." in told


def test_work_that_was_given_up_is_seen_and_put_back(telling: Telling) -> None:
    laptop = telling.laptop
    client = laptop.aws.client("sqs")
    assert "Nothing was given up." in laptop.oneway("dead-letters", "list")
    feed = {"pulls": [["quay", "sandbox~osei", "lane"]], "minute": 1}
    client.send_message(
        QueueUrl=laptop.outputs["DeadSyncsUrl"],
        MessageBody=json.dumps(feed),
        MessageGroupId="quay~sandbox",
        MessageDeduplicationId=secrets.token_hex(8),
    )
    for _ in range(2):  # looking takes nothing away
        told = laptop.oneway("dead-letters", "list", well=False)
        assert "sandbox~osei" in told
    client.send_message(
        QueueUrl=laptop.outputs["DeadSyncsUrl"],
        MessageBody="{}",
        MessageGroupId="nobody",
        MessageDeduplicationId=secrets.token_hex(8),
    )
    told = laptop.oneway("dead-letters", "retry")
    assert "1 put back" in told
    assert "1 would only come back" in told
    assert "cannot be read" in laptop.oneway("dead-letters", "list", well=False)
    assert "1 discarded" in laptop.oneway("dead-letters", "discard")
    assert "Nothing was given up." in laptop.oneway("dead-letters", "list")
