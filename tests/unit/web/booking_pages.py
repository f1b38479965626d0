"""The booking function with its pages, in process: over the world in memory, from the sources of templates and styles."""

import base64
import importlib.util
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from oneway.settings import Settings
from oneway.web.form_tokens import FormTokens
from oneway.web.pages import Pages

from local.build import hash_files
from local.demo.browser import Form, Page
from tests.world import SECRETS, World

ROOT = Path(__file__).parents[3]
FUNCTION = ROOT / "functions/booking"
URL = "https://book.example"
TYPED = {
    "first_name": "Maria", "last_name": "Núñez", "birth_month": "3", "birth_day": "12", "birth_year": "1984",
    "mobile": "(415) 555-2671", "email": "maria@example.org", "reason": "Knee pain",
}  # fmt: skip


@dataclass
class Patient:
    """Somebody before the booking tool, with the routes of the function and its answers as API Gateway hands them on."""

    function: Any
    world: World
    headers: dict[str, str] = field(default_factory=dict)

    def open(self, address: str, method: str = "GET", body: str = "", **headers: str) -> Page:
        """A page by its address, redirects followed."""
        parts = urlsplit(address)
        assert parts.netloc in ("", "book.example"), address
        answer = self._answer(method, parts.path, dict_of_lists(parts.query), body, {**self.headers, **headers})
        while answer["statusCode"] == 303:
            location = answer["multiValueHeaders"].get("Location", [answer["headers"].get("Location")])[0]
            parts = urlsplit(location)
            answer = self._answer("GET", parts.path, dict_of_lists(parts.query), "", self.headers)
        found = {name.lower(): value for name, value in answer["headers"].items()}
        raw = base64.b64decode(answer["body"]) if answer.get("isBase64Encoded") else answer["body"].encode()
        return Page(f"{URL}{parts.path}{'?' if parts.query else ''}{parts.query}", answer["statusCode"], found, raw)

    def follow(self, page: Page, words: str) -> Page:
        """The link that says these words (a regular expression)."""
        for address, text in links(page):
            if re.search(words, text):
                return self.open(address)
        raise AssertionError(f"no link says {words!r}: {[text for _, text in links(page)]}")

    def submit(self, page: Page, form: Form, button: Mapping[str, str] | None = None, **typed: str) -> Page:
        """A form as it stands, with some fields typed in; `button` is what the pressed one adds, "formaction" where it leads."""
        pressed = dict(button or {})
        target = pressed.pop("formaction", form.action)
        values = urlencode({**form.values, **typed, **pressed})
        if form.method == "get":
            return self.open(f"{urlsplit(target).path}?{values}")
        return self.open(target, "POST", values)

    def press(self, page: Page, words: str, **typed: str) -> Page:
        """The button that says these words, in its form."""
        for number, (inside, _form) in enumerate(zip(forms_of(page.html), page.forms, strict=True)):
            for attributes, text in re.findall(r"<button([^>]*)>(.*?)</button>", inside, re.DOTALL):
                if re.search(words, said(text)):
                    given = {name: unescape(value) for name, value in re.findall(r'(\w+)="([^"]*)"', attributes)}
                    pressed = {given["name"]: given["value"]} if "name" in given else {}
                    if "formaction" in given:
                        pressed["formaction"] = given["formaction"]
                    return self.submit(page, page.forms[number], pressed, **typed)
        raise AssertionError(f"no button says {words!r} on {page.url}: {page.text}")

    def _answer(self, method: str, path: str, query: dict[str, list[str]], body: str, headers: dict[str, str]) -> Any:
        route, names = self._route(method, path)
        event = {
            "httpMethod": method,
            "path": path,
            "headers": {"content-type": "application/x-www-form-urlencoded", **headers}
            if method == "POST"
            else headers,
            "multiValueHeaders": {},
            "pathParameters": names,
            "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
            "multiValueQueryStringParameters": query or None,
            "stageVariables": None,
            "isBase64Encoded": True,
            "body": base64.b64encode(body.encode()).decode(),
            "requestContext": {"resourcePath": route, "httpMethod": method, "identity": {"sourceIp": "127.0.0.1"}},
        }
        return self.function.handler(event, None)

    def _route(self, method: str, path: str) -> tuple[str, dict[str, str]]:
        for route, methods in self.function.app.routes.items():
            found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.replace(".", r"\.")), path)
            if found and method in methods:
                return route, found.groupdict()
        raise AssertionError(f"no route for {method} {path}")


def dict_of_lists(query: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return found


def said(html: str) -> str:
    """What a person reads of a piece of HTML."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def links(page: Page) -> list[tuple[str, str]]:
    """(address, words) of a page's links."""
    found = re.findall(r'<a\b[^>]*?href="([^"]*)"[^>]*>(.*?)</a>', page.html, re.DOTALL)
    here = urlsplit(page.url).path
    return [
        (
            here + address if address.startswith("?") else unquote(address) if address.startswith("#") else address,
            said(text),
        )
        for address, text in ((unescape(address), text) for address, text in found)
    ]


def forms_of(html: str) -> list[str]:
    return re.findall(r"<form\b[^>]*>(.*?)</form>", html, re.DOTALL)


def patient_of(world: World, folder: Path) -> Patient:
    """A patient of a world; `folder` takes the built files."""
    function = _booking_function()
    hash_files("booking", folder / "static")
    (folder / "pages").symlink_to(FUNCTION / "pages")
    ours = SimpleNamespace(
        settings=Settings("table", URL, local=False),
        clock=world.clock,
        practices=world.store.practices,
        list_slots=world.list_slots,
        submit_request=world.submit_request,
        look_up_request=world.look_up,
        cancel_by_patient=world.cancel_by_patient,
        form_tokens=FormTokens(lambda: SECRETS),
        photos=world.store.photos,
    )
    pages = Pages(folder, "static")
    function.booking, function.pages = (lambda: ours), (lambda: pages)
    return Patient(function, world)


Asking = Callable[..., Patient]
"""Starts a patient in a world; without one, in a new one."""


def at_details(patient: Patient, place: str = "book", whom: str = "me", lang: str = "en") -> Page:
    """From the first page to the form, by what people press."""
    page = patient.open(f"/{place}/harbor?lang={lang}")
    page = patient.follow(page, "Amara Osei")
    page = patient.follow(page, "New patient|Primera consulta")
    page = patient.follow(page, r"^24\b")
    page = patient.follow(page, "^9:30")
    return patient.submit(page, page.forms[0], for_whom=whom, new_patient="yes")


def at_check(patient: Patient, **typed: str) -> Page:
    page = at_details(patient, typed.pop("place", "book"), typed.get("for_whom", "me"), typed.pop("lang", "en"))
    return patient.submit(page, page.forms[0], **{**TYPED, **typed})


def sent(patient: Patient, page: Page, **typed: str) -> Page:
    """What Send request leads to, by somebody who takes their time."""
    patient.world.clock.advance(seconds=20)
    return patient.submit(page, page.forms[-1], **{"contact_consent": "yes", **typed})


def _booking_function() -> Any:
    if str(FUNCTION) not in sys.path:
        sys.path.insert(0, str(FUNCTION))
    spec = importlib.util.spec_from_file_location("booking_function_of_tests", FUNCTION / "booking_function.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules.get("booking_pages", SimpleNamespace(_hints={}))._hints.clear()
    return module
