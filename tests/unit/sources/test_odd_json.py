"""Whatever a FHIR server writes in place of what the standard asks for: it spoils its own row only, which is set aside."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace
from oneway.domain.appointments import RecordPatient, ScheduleRow, SetAsideRow, WhyAside
from oneway.domain.feeds import Window
from oneway.faults import SchemaDrift
from oneway.phones import to_e164
from oneway.ports import Snapshot
from oneway.sources.fhir import FhirSource
from oneway.sources.http import Answer
from oneway.use_cases.pull import window_at

from tests.builders import NOW, START, feed_settings

PROVIDERS = ["prac-osei"]
WINDOW: Window = window_at(feed_settings("osei"), NOW)
DEEP = json.loads("[" * 400 + "]" * 400)
ODD = [None, 5, -1.5, True, "", "x", "\x00", [], {}, [None], [5], [[]], {"a": None}, DEEP, 10**30]
TELECOM = {"system": "phone", "value": "(415) 555-2671", "use": "mobile", "period": {"end": "2099-01-01"}}


def a_visit(identifier: str) -> dict[str, Any]:
    actors = ["Practitioner/prac-osei", "Patient/p", "Location/main"]
    return {
        "resourceType": "Appointment",
        "id": identifier,
        "status": "booked",
        "start": START.isoformat(),
        "end": START.replace(hour=18).isoformat(),
        "minutesDuration": 30,
        "participant": [{"actor": {"reference": one}, "status": "accepted"} for one in actors],
        "extension": [{"url": "x", "valueString": "y"}],
    }


PATIENT = {
    "resourceType": "Patient",
    "id": "p",
    "name": [{"use": "official", "family": "Reed", "given": ["Tom"], "suffix": ["Jr"]}],
    "birthDate": "1990-11-02",
    "telecom": [TELECOM],
    "contact": [{"telecom": [{**TELECOM, "value": "(415) 555-2672"}]}],
    "link": [{"other": {"reference": "Patient/q"}, "type": "seealso"}],
}
BUNDLE = {
    "resourceType": "Bundle",
    "total": 2,
    "link": [{"relation": "self", "url": "https://ehr.example/fhir/Appointment"}],
    "entry": [
        {"resource": a_visit("odd"), "search": {"mode": "match"}, "fullUrl": "urn:odd"},
        {"resource": a_visit("good")},
        {"resource": PATIENT},
    ],
}


class Server:
    """Answers every search of appointments with one page, and knows no patient."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def get(self, url: str, *asked: object, **how: object) -> Answer:
        return Answer(200, {}, self.body if "/Appointment" in url else b'{"resourceType": "Bundle"}')


def snapshot_of(body: bytes) -> Snapshot:
    source = FhirSource(Server(body), "https://ehr.example/fhir", partial(to_e164, country="US"), lambda: NOW)  # type: ignore[arg-type]
    return source.snapshot(PROVIDERS, WINDOW, None)


def read(bundle: Any) -> tuple[dict[str, ScheduleRow], list[SetAsideRow]]:
    found = snapshot_of(json.dumps(bundle).encode()).translate(())
    return {row.external_id: row for row, _ in found.rows}, list(found.set_aside)


def places_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value within a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*path, key)
        yield from places_in(one, (*path, key))


def with_odd(path: tuple[Any, ...], odd: Any) -> Any:
    bundle = json.loads(json.dumps(BUNDLE))
    at: Any = bundle
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = odd
    return bundle


def named(path: tuple[Any, ...]) -> str:
    return ".".join(map(str, path))


@pytest.mark.parametrize("path", [*places_in(BUNDLE["entry"][0], ("entry", 0)), ("entry", 0)], ids=named)  # type: ignore[index]
def test_an_odd_visit_is_set_aside_and_the_other_goes_on(path: tuple[Any, ...]) -> None:
    for odd in ODD:
        rows, set_aside = read(with_odd(path, odd))
        assert rows["good"].patient
        assert rows["good"].patient.birth_date
        no_visit = path[-1] == "resourceType" and isinstance(odd, str)
        assert len(rows) + len(set_aside) == (1 if no_visit else 2), odd
        assert all(one.reason in set(WhyAside) for one in set_aside)


@pytest.mark.parametrize("path", [*places_in(BUNDLE["entry"][2], ("entry", 2)), ("entry", 2)], ids=named)  # type: ignore[index]
def test_an_odd_patient_costs_nobody_a_visit(path: tuple[Any, ...]) -> None:
    for odd in ODD:
        rows, _ = read(with_odd(path, odd))
        assert {"good", "odd"} <= set(rows), odd


@pytest.mark.parametrize(
    ("path", "lost"),
    [
        (("name", 0, "given"), {"names": ()}),
        (("telecom", 0, "period", "end"), {"phones": ("+14155552672",)}),
        (("contact", 0), {"phones": ("+14155552671",)}),
        (("contact", 0, "telecom"), {"phones": ("+14155552671",)}),
        (("birthDate",), {"birth_date": None}),
    ],
)
def test_of_an_odd_patient_is_known_what_can_be_read(path: tuple[Any, ...], lost: dict[str, Any]) -> None:
    known = read(BUNDLE)[0]["good"].patient
    assert known
    assert known.phones == ("+14155552671", "+14155552672")
    assert read(with_odd(("entry", 2, "resource", *path), 5))[0]["good"].patient == replace(known, **lost)


@pytest.mark.parametrize("path", [("id",), ("link", 0, "other"), ("link",)])
def test_one_who_may_be_merged_is_not_known_at_all(path: tuple[Any, ...]) -> None:
    assert read(with_odd(("entry", 2, "resource", *path), 5))[0]["good"].patient == RecordPatient("p")


@pytest.mark.parametrize(
    "path", [*places_in(BUNDLE["link"], ("link",)), ("link",), ("total",), ("resourceType",)], ids=named
)
def test_of_an_odd_page_nothing_is_believed(path: tuple[Any, ...]) -> None:
    """It is read, or it is none: never half."""
    for odd in ODD:
        try:
            rows, set_aside = read(with_odd(path, odd))
        except SchemaDrift:
            continue
        assert (len(rows), len(set_aside)) == (2, 0)


@pytest.mark.parametrize("link", [{"relation": "self"}, {"relation": "last", "url": None}])
def test_a_link_that_leads_to_no_page_may_be_odd(link: dict[str, Any]) -> None:
    assert len(read({**BUNDLE, "link": [link]})[0]) == 2


@pytest.mark.parametrize("link", [None, 5, {"relation": "next"}, {"relation": 5, "url": "x"}, {"url": "x"}])
def test_one_that_might_may_not(link: Any) -> None:
    with pytest.raises(SchemaDrift):
        read({**BUNDLE, "link": [link]})


def test_visits_without_an_id_are_set_aside_each() -> None:
    rows, set_aside = read(
        {"resourceType": "Bundle", "entry": [{"resource": a_visit(one)} for one in ("", "good", "", "a~b")]}
    )
    assert list(rows) == ["good"]
    assert [one.reason for one in set_aside] == [WhyAside.NO_ID] * 3
    assert [one.start for one in set_aside] == [START] * 3
    assert len({one.position for one in set_aside}) == 3


def test_what_is_nested_without_an_end_is_no_page() -> None:
    with pytest.raises(SchemaDrift):
        snapshot_of(b'{"resourceType": "Bundle", "entry": [{"resource": ' + b"[" * 100_000)


def test_however_deep_a_value_is_its_visit_is_read() -> None:
    nested = b"[" * 5_000 + b'"]"' + b"]" * 5_000
    body = json.dumps(BUNDLE).encode().replace(b'"y"', nested)
    found = snapshot_of(body).translate(())
    assert [row.external_id for row, _ in found.rows] == ["odd", "good"]
