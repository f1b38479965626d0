"""Every route × form × role × practice: who is let in, and what changes nothing. A new route has to be put into the table."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field, fields
from typing import Any

import pytest

from tests.builders import a_practice, a_record
from tests.desk import LATER, NADIA, VIC, at
from tests.portal import PortalDesk, routes

STRANGER = "sam@quay.example"


@dataclass(frozen=True)
class Route:
    """A route with something to send; `others` are all other forms that its pages send. `changes`: what only staff may do;
    viewers read the rest.
    """

    form: dict[str, str] = field(default_factory=dict)
    others: tuple[dict[str, str], ...] = ()
    changes: bool = False
    names_patients: bool = True
    query: str = ""


_SEEN = "540-720,780-1020;" * 5 + ";"
_WEEK = {"provider": "osei", "week": "2026-11-23", "seen": _SEEN}
_HOURS: tuple[dict[str, str], ...] = (
    {"do": "save"}, {"do": "save", "edit": "default"}, {"do": "ask"}, {"do": "apply"}, {"do": "edit"}, {"d0e0": ""},
)  # fmt: skip
_CLOSURE = {"shown": "osei", "whose": "", "week": "2026-11-23", "first": "2026-12-24", "name": "Holiday"}
_HELD = {"feed": "ehr~osei", "since": "2026-11-23T18:00:00+00:00"}
_MATCH = {"provider": "osei", "appointment": "{match}"}
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
        {**_WEEK, "do": "follow"},
        tuple({**_WEEK, "d0s0": "08:00", "d0e0": "10:00", **more} for more in _HOURS),
        changes=True,
    ),
    ("POST", "/portal/{practice}/calendar/closures"): Route(
        _CLOSURE,
        ({**_CLOSURE, "whose": "osei"}, {**_CLOSURE, "do": "reopen"}, {**_CLOSURE, "first": ""}),
        changes=True,
    ),
    ("POST", "/portal/{practice}/calendar/pause"): Route(
        {"provider": "osei", "week": "2026-11-23", "paused": "yes"},
        ({"provider": "osei", "week": "2026-11-23", "paused": ""},),
        changes=True,
    ),
    ("GET", "/portal/{practice}/integration"): Route(names_patients=False),
    ("POST", "/portal/{practice}/integration/held"): Route(
        {**_HELD, "answer": "keep"}, ({**_HELD, "answer": "accept"}, {**_HELD, "answer": ""}), changes=True
    ),
    ("GET", "/portal/{practice}/settings"): Route(names_patients=False),
    ("GET", "/portal/{practice}/settings/history"): Route(names_patients=False),
    ("POST", "/portal/{practice}/settings/test-message"): Route({}, changes=True),
    ("POST", "/portal/{practice}/settings/use-address"): Route({"address": "front@harbor.example"}, changes=True),
    ("GET", "/portal/{practice}/settings/{part}"): Route(names_patients=False),
    ("POST", "/portal/{practice}/settings/{part}"): Route(
        {"accent": "#884400", "seen.accent": "#0b6e99"}, ({"accent": "red", "seen.accent": "#0b6e99"},), changes=True
    ),
    ("GET", "/portal/{practice}/settings/providers/{provider}"): Route(names_patients=False),
    ("POST", "/portal/{practice}/settings/providers/{provider}"): Route(
        {f"{seen}providers.osei.{one}": n for one, n in _OSEI.items() for seen in ("", "seen.")}
        | {"providers.osei.split": "2"},
        ({"providers.osei.split": "none"},),
        changes=True,
    ),
    ("GET", "/portal/{practice}/settings/visit-types/{visit_type}"): Route(names_patients=False),
    ("POST", "/portal/{practice}/settings/visit-types/{visit_type}"): Route(
        {"name": "X-ray", "minutes": "30", "new": "on"},
        ({"name": "X-ray", "minutes": "30", "new": "on", "do": "stop"}, {"name": ""}),
        changes=True,
    ),
    ("GET", "/portal/{practice}/visits/{provider}/{appointment}"): Route(),
    ("GET", "/portal/{practice}/appointments/{request}"): Route(),
    ("GET", "/portal/{practice}/appointments/{request}/cancel"): Route(),
    ("POST", "/portal/{practice}/appointments/{request}/cancel"): Route(
        {"reason": "other", "note": ""},
        ({"reason": "moved", "note": "x"}, {"reason": "other", "step": "preview"}, {"reason": ""}),
        changes=True,
    ),
    ("POST", "/portal/{practice}/appointments/{request}/call"): Route({"task": "000001-x"}, changes=True),
    ("POST", "/portal/{practice}/appointments/{request}/address"): Route({}, changes=True),
    ("POST", "/portal/{practice}/appointments/{request}/claim"): Route(
        {"answer": "claimed"}, ({"answer": "released"}, {"instead_of": "ben@harbor.example"}), changes=True
    ),
    ("POST", "/portal/{practice}/appointments/{request}/notes"): Route(
        {"text": "Called."}, ({"text": " "},), changes=True
    ),
    ("POST", "/portal/{practice}/appointments/{request}/match"): Route(
        {**_MATCH, "answer": "accepted"},
        ({**_MATCH, "answer": "dismissed"}, {**_MATCH, "answer": "perhaps"}, {"answer": "x"}),
        changes=True,
    ),
    ("POST", "/portal/{practice}/appointments/{request}/link"): Route(
        {"answer": "undone"}, ({"answer": "kept"}, {"answer": "x"}), changes=True
    ),
    ("POST", "/portal/{practice}/appointments/{request}/vanished"): Route(
        {"answer": "stands"}, ({"answer": "cancelled"}, {"answer": "x"}), changes=True
    ),
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


def stored(desk: PortalDesk, practice: str) -> dict[str, Any]:
    """All that is kept of a practice but the looks at it, what was enqueued for it and mailed for it."""

    def ours(key: object) -> bool:
        return practice in (key if isinstance(key, tuple) else (key,))

    kept: dict[str, Any] = {
        one.name: {key: value for key, value in found.items() if ours(key)}
        for one in fields(desk.store)
        if isinstance(found := getattr(desk.store, one.name), dict)
    }
    kept["asked"] = {key: value for key, value in desk.asked_syncs.asked.items() if ours(key)}
    kept["mailed"] = len(desk.mailer.sent)
    return deepcopy(kept)


def sent(method: str, path: str, names: dict[str, str]) -> Iterator[dict[str, str]]:
    """Every form that a route takes."""
    route = OF_A_PRACTICE[method, path]
    for form in (route.form, *route.others):
        yield {name: filled(text, names) for name, text in form.items()}


@pytest.mark.parametrize(("method", "path"), OF_A_PRACTICE)
def test_who_may_do_what(opened: tuple[PortalDesk, dict[str, str]], method: str, path: str) -> None:
    desk, names = opened
    route = OF_A_PRACTICE[method, path]
    address, next_door = (filled(path, names, practice) + route.query for practice in ("harbor", "quay"))
    before, next_door_before, looks = stored(desk, "harbor"), stored(desk, "quay"), list(desk.store.looks)

    for form in sent(method, path, names):
        assert call(desk, method, address, None, form) == (401 if method == "POST" else 303), "nobody: to sign-in"
        assert call(desk, method, address, STRANGER, form) == 404, "another practice's staff: there is nothing"
        assert call(desk, method, next_door, NADIA, form) == 404, "not staff there"
        assert desk.store.looks == looks, "who is not let in looks at nothing"
        viewer = call(desk, method, address, VIC, form)
        assert viewer == (403 if route.changes else 200), f"a viewer reads: {form}"
        looks = list(desk.store.looks)
        assert stored(desk, "harbor") == before, f"nobody of them changed anything: {form}"
        assert stored(desk, "quay") == next_door_before

        own = call(desk, method, next_door, STRANGER, form)
        assert own in ((200, 303, 404, 409, 422) if method == "POST" else (200, 404)), "at home with another's ids"
        assert stored(desk, "harbor") == before, f"what is done next door stays there: {form}"
        assert [look for look in desk.store.looks if look not in looks and look[0] == "harbor"] == []
        looks, next_door_before = list(desk.store.looks), stored(desk, "quay")
    assert call(desk, method, address, NADIA, next(sent(method, path, names))) in (
        (303, 409) if route.changes else (200,)
    ), "staff"


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


@pytest.mark.parametrize(("method", "path"), [one for one, route in OF_A_PRACTICE.items() if route.changes])
def test_what_answers_a_form_names_nobody_but_by_a_look_on_record(
    opened: tuple[PortalDesk, dict[str, str]], method: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A form that is shown again, and a preview, are looks as any."""
    from oneway.domain.errors import StoreUnavailable

    from tests.fakes.store import FakeAudit

    def refuse(*_: object) -> None:
        raise StoreUnavailable("audit")

    desk, names = opened
    for refused in (False, True):
        if refused:
            monkeypatch.setattr(FakeAudit, "record", refuse)
        for form in sent(method, path, names):
            known = len(desk.store.looks)
            html = desk.send(filled(path, names), **form).html
            if any(name in html for name in ("Nunez", "Núñez", "maria@example.org")):
                assert not refused, form
                assert len(desk.store.looks) > known, form
