"""The public OpenAPI 3.1 document, built ahead from the routes (infra/api.yaml) and the types (oneway.web.booking_api).

Examples are those of the demo practice, on a day that stands for one to come: whoever serves the document replaces it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from oneway.web import booking_api as api
from oneway.web.problems import PROBLEMS
from ruamel.yaml import YAML

ROUTES = Path(__file__).parent.parent / "infra/api.yaml"
EXAMPLE_DAY = "2000-01-04"
"""A Tuesday; the server puts one of the coming weeks in its place."""
EXAMPLE_URL = "https://book.example"
PUBLIC = "/api/practices/"
PARAMETERS = {
    "practice": ("The practice's id", "harbor"),
    "provider": ("The provider's id", "osei"),
    "visit_type": ("The visit type's id", "new-patient"),
    "from": ("The first local day", EXAMPLE_DAY),
    "to": ("The last local day, at most 62 days in all", EXAMPLE_DAY),
    "after": ("A local day: look for a later one", EXAMPLE_DAY),
    "link": ("What the private link ends with", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    "Idempotency-Key": (
        "At least 128 random bits; the same key and body again find the same request",
        "a-random-key-of-your-own-000001",
    ),
}
"""What a parameter means, and an example."""
_REQUEST = {
    "provider": "osei",
    "visit_type": "new-patient",
    "start": f"{EXAMPLE_DAY}T17:30:00Z",
    "new_patient": True,
    "contact_consent": True,
    "reason": "Knee pain",
    "patient": {
        "first_name": "Maria",
        "last_name": "Núñez",
        "birth_date": "1984-03-12",
        "mobile": "+1 415 555 0132",
        "email": "maria@patients.harbor.example",
    },
}


@dataclass(frozen=True)
class Operation:
    """What routes do not tell: words, the type of the body, and of each good answer; the kinds of problems, by status."""

    summary: str
    answers: Mapping[int, tuple[str, type]]
    description: str = ""
    problems: tuple[int, ...] = (404, 503)
    takes: type | None = None
    example: Mapping[str, Any] = field(default_factory=dict)


OPERATIONS = {
    "listProviders": Operation("List providers", {200: ("Who can be seen, and what for", api.Providers)}),
    "listSlots": Operation(
        "List free times",
        {200: ("Free times by day", api.Slots)},
        "Times are a few seconds old at most. A time that is listed may be taken a moment later.",
        (404, 422, 503),
    ),
    "findNextFreeDay": Operation(
        "Find the next free day",
        {200: ("The first day with a free time, or none", api.Slots)},
        "Looks through the whole horizon in one call.",
        (404, 422, 503),
    ),
    "findFirstAvailable": Operation(
        "Find the first available provider",
        {200: ("The first free day of each provider", api.FirstAvailable)},
        problems=(404, 422, 503),
    ),
    "submitRequest": Operation(
        "Ask for a time",
        {201: ("The request is made", api.RequestShown), 200: ("It was made before, with this key", api.RequestShown)},
        "The request holds its place until the practice answers. It is not confirmed yet. Where no time suits, give `preferred` "
        "days in the place of a `start`: such a request holds no place, and expires after its last day.",
        (400, 404, 409, 415, 422, 503),
        api.RequestForm,
        _REQUEST,
    ),
    "lookUpRequest": Operation("Look up a request", {200: ("The request as it stands", api.RequestShown)}),
    "cancelRequest": Operation(
        "Cancel a request",
        {200: ("Cancelled; of a confirmed visit the wish is passed on", api.RequestShown)},
        problems=(404, 409, 415, 503),
    ),
}


def document() -> dict[str, Any]:
    """The document. Raises KeyError for a public route that OPERATIONS does not know."""
    types = [one for operation in OPERATIONS.values() for _, one in operation.answers.values()]
    types += [one.takes for one in OPERATIONS.values() if one.takes]
    types.append(api.ProblemShown)
    _, schemas = msgspec.json.schema_components(dict.fromkeys(types), ref_template="#/components/schemas/{name}")
    routes = YAML(typ="safe").load(ROUTES.read_text("utf-8"))["paths"]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Oneway booking API",
            "version": "1",
            "description": "Ask a practice for a time. Errors are problem details (RFC 9457) that say what to do; too many "
            "calls at once are answered with 429.",
        },
        "servers": [{"url": EXAMPLE_URL}],
        "paths": {path: _path(methods) for path, methods in routes.items() if path.startswith(PUBLIC)},
        "components": {"schemas": {name: schemas[name] for name in sorted(schemas)}},
    }


def _path(methods: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: [_parameter(one) for one in found] if name == "parameters" else _operation(found)
        for name, found in methods.items()
    }


def _operation(route: Mapping[str, Any]) -> dict[str, Any]:
    told = OPERATIONS[route["operationId"]]
    found: dict[str, Any] = {"operationId": route["operationId"], "summary": told.summary}
    if told.description:
        found["description"] = told.description
    if "parameters" in route:
        found["parameters"] = [_parameter(one) for one in route["parameters"]]
    if told.takes:
        content = {"schema": _reference(told.takes), "example": told.example}
        found["requestBody"] = {"required": True, "content": {"application/json": content}}
    found["responses"] = {
        str(status): {"description": words, "content": {"application/json": {"schema": _reference(kind)}}}
        for status, (words, kind) in told.answers.items()
    } | {str(status): _problem(status) for status in told.problems}
    return found


def _parameter(route: Mapping[str, Any]) -> dict[str, Any]:
    description, example = PARAMETERS[route["name"]]
    return {**route, "description": description, "example": example}


def _problem(status: int) -> dict[str, Any]:
    titles = dict.fromkeys(problem.title for problem in PROBLEMS.values() if problem.status == status)
    content = {"application/problem+json": {"schema": _reference(api.ProblemShown)}}
    return {"description": "; ".join(titles) or "Not a body that this takes", "content": content}


def _reference(kind: type) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}
