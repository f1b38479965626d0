"""Every route × role × practice: who is let in, and what changes nothing. A new route has to be put into the table."""

from dataclasses import dataclass, field

import pytest

from tests.builders import a_practice, a_record
from tests.desk import LATER, NADIA, VIC, at
from tests.portal import PortalDesk, routes

STRANGER = "sam@quay.example"


@dataclass(frozen=True)
class Route:
    """A route with something to send. `changes`: what only staff may do; viewers read the rest."""

    form: dict[str, str] = field(default_factory=dict)
    changes: bool = False
    names_patients: bool = True
    query: str = ""


_SEEN = "540-720,780-1020;" * 5 + ";"
_OSEI = {
    "split": "1",
    "buffer_before_minutes": "0",
    "buffer_after_minutes": "0",
    "daily_maximum": "",
    "recipients": "",
}
OF_A_PRACTICE = {
    ("GET", "/portal/{practice}/appointments"): Route(),
    ("GET", "/portal/{practice}/upcoming"): Route(),
    ("GET", "/portal/{practice}/past"): Route(),
    ("GET", "/portal/{practice}/search"): Route(names_patients=False),
    ("POST", "/portal/{practice}/search"): Route({"text": "nunez"}),
    ("POST", "/portal/{practice}/sync"): Route({}, changes=True),
    ("GET", "/portal/{practice}/calendar"): Route(),
    ("GET", "/portal/{practice}/calendar/why"): Route(
        names_patients=False, query="?provider=osei&day=2026-11-25&time=09:00"
    ),
    ("POST", "/portal/{practice}/calendar/hours"): Route(
        {"provider": "osei", "week": "2026-11-23", "seen": _SEEN, "do": "follow"}, changes=True
    ),
    ("POST", "/portal/{practice}/calendar/closures"): Route(
        {"shown": "osei", "whose": "", "week": "2026-11-23", "first": "2026-12-24", "name": "Holiday"},
        changes=True,
    ),
    ("POST", "/portal/{practice}/calendar/pause"): Route(
        {"provider": "osei", "week": "2026-11-23", "paused": "yes"}, changes=True
    ),
    ("GET", "/portal/{practice}/integration"): Route(names_patients=False),
    ("POST", "/portal/{practice}/integration/held"): Route(
        {"feed": "ehr~osei", "since": "2026-11-23T18:00:00+00:00", "answer": "keep"}, changes=True
    ),
    ("GET", "/portal/{practice}/settings"): Route(names_patients=False),
    ("GET", "/portal/{practice}/settings/history"): Route(names_patients=False),
    ("POST", "/portal/{practice}/settings/test-message"): Route({}, changes=True),
    ("POST", "/portal/{practice}/settings/use-address"): Route({"address": "front@harbor.example"}, changes=True),
    ("GET", "/portal/{practice}/settings/{part}"): Route(names_patients=False),
    ("POST", "/portal/{practice}/settings/{part}"): Route(
        {"accent": "#884400", "seen.accent": "#0b6e99"}, changes=True
    ),
    ("GET", "/portal/{practice}/settings/providers/{provider}"): Route(names_patients=False),
    ("POST", "/portal/{practice}/settings/providers/{provider}"): Route(
        {f"{seen}providers.osei.{one}": n for one, n in _OSEI.items() for seen in ("", "seen.")}
        | {"providers.osei.split": "2"},
        changes=True,
    ),
    ("GET", "/portal/{practice}/settings/visit-types/{visit_type}"): Route(names_patients=False),
    ("POST", "/portal/{practice}/settings/visit-types/{visit_type}"): Route(
        {"name": "X-ray", "minutes": "30", "new": "on"}, changes=True
    ),
    ("GET", "/portal/{practice}/visits/{provider}/{appointment}"): Route(),
    ("GET", "/portal/{practice}/appointments/{request}"): Route(),
    ("GET", "/portal/{practice}/appointments/{request}/cancel"): Route(),
    ("POST", "/portal/{practice}/appointments/{request}/cancel"): Route({"reason": "other", "note": ""}, changes=True),
    ("POST", "/portal/{practice}/appointments/{request}/call"): Route({"task": "000001-x"}, changes=True),
    ("POST", "/portal/{practice}/appointments/{request}/address"): Route({}, changes=True),
    ("POST", "/portal/{practice}/appointments/{request}/claim"): Route({"answer": "claimed"}, changes=True),
    ("POST", "/portal/{practice}/appointments/{request}/notes"): Route({"text": "Called."}, changes=True),
    ("POST", "/portal/{practice}/appointments/{request}/match"): Route({"answer": "accepted"}, changes=True),
    ("POST", "/portal/{practice}/appointments/{request}/link"): Route({"answer": "undone"}, changes=True),
    ("POST", "/portal/{practice}/appointments/{request}/vanished"): Route({"answer": "stands"}, changes=True),
}
LOOKS = [one for one, route in OF_A_PRACTICE.items() if route.names_patients and not route.changes]
OF_NOBODY_S = {
    ("GET", "/auth/sign-in"),
    ("GET", "/auth/callback"),
    ("GET", "/portal-static/{file}"),
    ("POST", "/auth/sign-out"),
    ("POST", "/auth/language"),
    ("GET", "/portal"),
}
"""Routes that show or change nothing of a practice."""


@pytest.fixture
def opened(desk: PortalDesk) -> tuple[PortalDesk, dict[str, str]]:
    """A desk with a request that may be answered, a visit, and a practice next door with staff of its own."""
    desk.store.practices.save(a_practice(slug="quay", name="Quay Clinic", staff=_staff_of_quay()))
    request = desk.ask()
    desk.enter(patient=a_record(birth_date=a_record().birth_date.replace(day=13)))
    desk.enter("walk-in", **at(LATER), patient=a_record(source_id="pat-2"))
    desk.minutes()
    visit, match = desk.visit("walk-in"), desk.visit()
    names = {"request": request.id, "provider": visit.provider_id, "appointment": visit.id}
    names |= {"part": "branding", "visit_type": "_new"}
    return desk, names | {"match": match.id}


def _staff_of_quay() -> dict[str, object]:
    member = a_practice().staff[NADIA]
    return {STRANGER: type(member)(STRANGER, "Sam")}


def call(desk: PortalDesk, method: str, path: str, by: str | None, form: dict[str, str]) -> int:
    """The status of a call."""
    return (desk.open(path, by) if method == "GET" else desk.send(path, by, **form)).status


def filled(path: str, names: dict[str, str], practice: str = "harbor") -> str:
    for name, value in (names | {"practice": practice}).items():
        path = path.replace("{" + name + "}", value)
    return path


def test_the_table_has_every_route() -> None:
    assert routes() == OF_A_PRACTICE.keys() | OF_NOBODY_S


@pytest.mark.parametrize(("method", "path"), OF_A_PRACTICE)
def test_who_may_do_what(opened: tuple[PortalDesk, dict[str, str]], method: str, path: str) -> None:
    desk, names = opened
    route = OF_A_PRACTICE[method, path]
    form = route.form | ({"provider": "osei", "appointment": names["match"]} if path.endswith("match") else {})
    address = filled(path, names) + route.query
    looks = list(desk.store.looks)

    assert call(desk, method, address, None, form) == 303, "nobody: to sign-in"
    assert call(desk, method, address, STRANGER, form) == 404, "another practice's staff: there is nothing"
    assert call(desk, method, filled(path, names, "quay") + route.query, STRANGER, form) in (
        (200, 303, 404, 409) if route.changes else (200, 404)
    )
    before = desk.store.writes
    assert call(desk, method, filled(path, names, "quay") + route.query, NADIA, form) == 404, "not staff there"
    assert [look for look in desk.store.looks if look not in looks and look[0] == "harbor"] == []
    viewer = call(desk, method, address, VIC, form)
    assert viewer == (403 if route.changes else 200), "a viewer reads"
    assert desk.store.writes == before, "nobody of them changed anything"
    assert not desk.store.claims
    assert not desk.store.notes
    assert call(desk, method, address, NADIA, form) in ((303, 409) if route.changes else (200,)), "staff"


@pytest.mark.parametrize(("method", "path"), LOOKS)
def test_every_look_is_on_record_before_anything_is_shown(
    opened: tuple[PortalDesk, dict[str, str]], method: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, names = opened
    route = OF_A_PRACTICE[method, path]
    address, form = filled(path, names) + route.query, route.form
    known = len(desk.store.looks)
    assert call(desk, method, address, VIC, form) == 200
    assert [look[:2] for look in desk.store.looks[known:]] == [("harbor", VIC)]

    from oneway.domain.errors import StoreUnavailable

    from tests.fakes.store import FakeAudit

    def refuse(*_: object) -> None:
        raise StoreUnavailable("audit")

    monkeypatch.setattr(FakeAudit, "record", refuse)
    answer = desk.open(address, VIC) if method == "GET" else desk.send(address, VIC, **form)
    assert answer.status == 503
    assert "Nunez" not in answer.html
    assert "Núñez" not in answer.html
