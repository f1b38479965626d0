"""The public keys by which scheduling systems know a practice, as they are served to these systems."""

import importlib.util
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace
from oneway.domain.practices import Practice, Source
from oneway.store import keys
from oneway.store.items import decoded, item

from tests.builders import a_practice
from tests.fakes.store import FakeStore

ROOT = Path(__file__).parents[3]
ONE = {"kid": "one", "kty": "EC", "use": "sig", "alg": "ES384", "crv": "P-384", "x": "eA", "y": "eQ"}
TWO = {"kid": "two", "kty": "RSA", "use": "sig", "alg": "RS384", "n": "bg", "e": "AQAB"}


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    for name in ("TABLE_NAME", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "us-east-1")
    path = ROOT / "functions/booking/booking_function.py"
    spec = importlib.util.spec_from_file_location("booking_function", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop("booking_function", None)


def with_keys(*of_each_source: tuple[Mapping[str, str], ...]) -> Practice:
    sources = {
        f"ehr-{number}": Source(f"ehr-{number}", "fhir", "https://ehr.example/fhir", public_keys=found)
        for number, found in enumerate(of_each_source)
    }
    return replace(a_practice(), sources=sources, providers={})


def asked(function: ModuleType, slug: str, *stored: Practice) -> dict[str, Any]:
    store = FakeStore()
    for practice in stored:
        store.practices.save(practice)
    function.booking = lambda: SimpleNamespace(practices=store.practices)  # type: ignore[attr-defined]
    event = {
        "httpMethod": "GET",
        "requestContext": {"resourcePath": "/keys/{practice}/jwks.json", "httpMethod": "GET"},
        "pathParameters": {"practice": slug},
        "multiValueQueryStringParameters": None,
        "multiValueHeaders": {},
        "headers": {},
        "stageVariables": None,
        "body": None,
        "isBase64Encoded": False,
    }
    answer: dict[str, Any] = function.handler(event, None)
    return answer


def test_the_keys_of_all_sources_are_served_each_of_them_once(function: ModuleType) -> None:
    answer = asked(function, "harbor", with_keys((ONE, TWO), (ONE,)))
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {"keys": [ONE, TWO]}
    assert answer["headers"]["Content-Type"] == "application/json"
    assert answer["headers"]["Cache-Control"] == "public, max-age=300"


def test_a_practice_without_keys_has_an_empty_set(function: ModuleType) -> None:
    assert json.loads(asked(function, "harbor", a_practice())["body"]) == {"keys": []}


def test_of_a_practice_that_is_not_there_it_is_said_so(function: ModuleType) -> None:
    answer = asked(function, "nobody")
    assert answer["statusCode"] == 404
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert answer["headers"]["Cache-Control"] == "no-store"
    assert json.loads(answer["body"])["type"].endswith("/practice-not-found")


def test_a_source_is_stored_with_its_keys() -> None:
    source = Source("ehr", "fhir", "https://ehr.example/fhir", public_keys=(ONE, TWO))
    assert decoded(item(keys.source("harbor", "ehr"), source), Source) == source
