"""A browser without a screen: real HTTP, cookies, redirects and forms, for pages that work without JavaScript.

Python does not resolve *.localhost, which browsers do: every host here is this machine, named by the Host header.
"""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

TIMEOUT_SECONDS = 60
_MOST_REDIRECTS = 10
_HIDDEN = frozenset(("script", "style", "template", "head"))
_UNSENT = frozenset(("submit", "button", "image", "reset"))


class NotOurs(Exception):
    """An address outside of this machine: a story never leaves it."""


@dataclass(slots=True)
class Form:
    """A form of a page: where it goes, and what it sends if nothing is typed."""

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """An answer. `text` is what a person reads, on one line."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def html(self) -> str:
        """Its body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def path(self) -> str:
        """The path it stands at."""
        return urlsplit(self.url).path

    @property
    def text(self) -> str:
        """What a person reads, white space folded."""
        return " ".join(" ".join(_parsed(self.html).words).split())

    @property
    def forms(self) -> list[Form]:
        """Its forms."""
        return _parsed(self.html).forms

    def json(self) -> Any:
        """Its body as JSON."""
        return json.loads(self.body)

    def form_with(self, *names: str) -> Form | None:
        """The form that has all of these fields."""
        return next((form for form in self.forms if all(name in form.fields for name in names)), None)


class Browser:
    """Keeps cookies by host, follows redirects, and goes to this machine only."""

    def __init__(self) -> None:
        self._cookies: dict[str, dict[str, str]] = {}

    def open(self, url: str) -> Page:
        """GET a page."""
        return self._go("GET", url, b"", {})

    def submit(self, page: Page, form: Form, values: Mapping[str, str]) -> Page:
        """Send a form as the page has it, with some fields typed in."""
        target = urljoin(page.url, form.action or page.url)
        typed = urlencode({**form.values, **values})
        if form.method == "get":
            return self._go("GET", f"{target.partition('?')[0]}?{typed}", b"", {})
        # What browsers send with a form, and what the pages check it by.
        parts = urlsplit(page.url)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": f"{parts.scheme}://{parts.netloc}",
            "Referer": page.url,
        }
        return self._go("POST", target, typed.encode(), headers)

    def api(self, method: str, url: str, body: object = None, headers: Mapping[str, str] | None = None) -> Page:
        """A JSON request; redirects are answers like any other."""
        raw = b"" if body is None else json.dumps(body).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        return self._send(method, url, raw, {"Accept": "application/json", **kind, **(headers or {})})

    def _go(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> Page:
        for _ in range(_MOST_REDIRECTS):
            page = self._send(method, url, body, headers)
            if page.status not in (301, 302, 303, 307, 308):
                return page
            if page.status < 307:
                method, body, headers = "GET", b"", {}
            url = urljoin(url, page.headers["location"])
        raise http.client.HTTPException("it redirects without end")

    def _send(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Page:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if host not in ("127.0.0.1", "localhost") and not host.endswith(".localhost"):
            raise NotOurs(host)
        connection = http.client.HTTPConnection("127.0.0.1", parts.port or 80, timeout=TIMEOUT_SECONDS)
        cookies = self._cookies.setdefault(host, {})
        sent = {"Host": parts.netloc, **headers}
        if cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        try:
            path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
            connection.request(method, path, body or None, sent)
            answer = connection.getresponse()
            content = answer.read()
            for line in answer.headers.get_all("Set-Cookie", ()):
                _keep(cookies, line)
        finally:
            connection.close()
        return Page(url, answer.status, {name.lower(): value for name, value in answer.headers.items()}, content)


def _keep(cookies: dict[str, str], line: str) -> None:
    for name, morsel in SimpleCookie(line).items():
        if morsel["max-age"] == "0" or not morsel.value:
            cookies.pop(name, None)
        else:
            cookies[name] = morsel.value


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._hidden = 0
        self._textarea = ""
        self._select = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        if tag in _HIDDEN:
            self._hidden += 1
        elif tag == "form":
            self._form = Form(found.get("action", ""), found.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is not None:
            self._field(tag, found, self._form)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN:
            self._hidden = max(0, self._hidden - 1)
        elif tag == "form":
            self._form = None
        elif tag == "textarea":
            self._textarea = ""
        elif tag == "select":
            self._select = ""

    def handle_data(self, data: str) -> None:
        if self._textarea and self._form is not None:
            self._form.values[self._textarea] += data
        elif not self._hidden:
            self.words.append(data)

    def _field(self, tag: str, found: dict[str, str], form: Form) -> None:
        name = found.get("name", "")
        if tag == "option" and self._select and ("selected" in found or self._select not in form.values):
            form.values[self._select] = found.get("value", "")
        if not name or tag not in ("input", "textarea", "select", "button"):
            return
        kind = found.get("type", "text" if tag != "button" else "submit")
        form.fields[name] = kind
        if tag == "textarea":
            self._textarea = name
            form.values[name] = ""
        elif tag == "select":
            self._select = name
        elif kind in ("checkbox", "radio"):
            if "checked" in found:
                form.values[name] = found.get("value", "on")
        elif kind not in _UNSENT:
            form.values[name] = found.get("value", "")


def _parsed(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    return reader
