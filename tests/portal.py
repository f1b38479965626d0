"""The portal over a front desk in memory: pages are asked for as API Gateway hands requests on, by whoever signed in."""

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from oneway import bootstrap
from oneway.ports import Session
from oneway.settings import Settings
from oneway.use_cases.answer_held import AnswerHeldByStaff
from oneway.use_cases.ask_sync import AskSync
from oneway.use_cases.membership import Membership

from local import build
from tests.desk import NADIA, Desk
from tests.fakes.outside import FakeSyncQueue

FOLDER = Path(__file__).parent.parent / "functions/portal"
PUBLIC_URL = "https://book.example"


@dataclass(frozen=True)
class Answer:
    """What the portal answers."""

    status: int
    headers: Mapping[str, str]
    cookies: tuple[str, ...]
    html: str

    @property
    def text(self) -> str:
        """The words of the page's own part, without tags."""
        main = self.html.partition("<main")[2] or self.html
        return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", main.partition(">")[2] if "<main" in self.html else main))

    def fields(self, action: str) -> dict[str, str]:
        """The hidden fields of the form that is sent to an address."""
        form = next(one for one in self.html.split("<form")[1:] if f'action="{action}"' in one).partition("</form>")[0]
        hidden = re.findall(r'<input type="hidden"(?: id="[^"]*")? name="([^"]+)" value="([^"]*)"', form)
        return dict(hidden)


@dataclass
class PortalDesk(Desk):
    """`desk.open(path)` is a look at a page, `desk.send(path, ...)` a form."""

    public_url: str = PUBLIC_URL
    asked_syncs: FakeSyncQueue = field(default_factory=FakeSyncQueue)
    sessions: dict[str, Session] = field(default_factory=dict)

    def use_cases(self) -> bootstrap.Portal:
        """What the portal's function would build."""
        settings = Settings(
            "t", self.public_url, False, sign_in_url="https://sign-in.example", sign_in_client_id="client"
        )
        known = {name: getattr(self, name) for name in bootstrap.Portal.__slots__ if hasattr(self, name)}
        membership = Membership(self.store.practices)
        own = {
            "answer_held": AnswerHeldByStaff(membership, self.answer_held),
            "ask_sync": AskSync(membership, self.store.feeds, self.asked_syncs, self.clock),
            "settings": settings,
            "practices": self.store.practices,
            "membership": membership,
            "sessions": self.store.sessions,
        }
        return bootstrap.Portal(**(known | own))

    def session(self, by: str = NADIA) -> Session:
        """The session of somebody who signed in."""
        if by not in self.sessions:
            session = Session(f"session-{by}", by, f"token-{by}", self.clock.now() + timedelta(days=365))
            self.store.sessions.save(session)
            self.sessions[by] = session
        return self.sessions[by]

    def open(self, path: str, by: str | None = NADIA, headers: Mapping[str, str] | None = None) -> Answer:
        """Look at a page; by nobody: without a session."""
        return self.ask_for("GET", path, self._cookie(by) | dict(headers or {}))

    def send(self, path: str, by: str | None = NADIA, headers: Mapping[str, str] | None = None, **form: str) -> Answer:
        """Send a form of ours."""
        token = {"csrf": self.session(by).csrf} if by else {}
        return self.ask_for("POST", path, self._cookie(by) | dict(headers or {}), urlencode(token | form))

    def part(self, path: str, by: str | None = NADIA) -> Answer:
        """What a script asks for."""
        return self.open(path, by, {"HX-Request": "true"})

    def ask_for(self, method: str, path: str, headers: Mapping[str, str], body: str | None = None) -> Answer:
        """Any request, as API Gateway hands it on."""
        answer = function().handler(_event(method, path, headers, body), None)
        cookies = tuple(answer.get("multiValueHeaders", {}).get("Set-Cookie", ()))
        return Answer(answer["statusCode"], answer.get("headers", {}), cookies, answer["body"])

    def _cookie(self, by: str | None) -> dict[str, str]:
        return {"Cookie": f"__Host-session={self.session(by).id}"} if by else {}


def function() -> Any:
    """The portal's function as a module."""
    if str(FOLDER) not in sys.path:
        sys.path.insert(0, str(FOLDER))
    import portal_function

    return portal_function


def routes() -> set[tuple[str, str]]:
    """(method, path) of every route."""
    return {(method, path) for path, by_method in function().app.routes.items() for method in by_method}


@contextmanager
def opened(desk: PortalDesk, folder: Path) -> Iterator[PortalDesk]:
    """The portal over this desk; pages are made from their sources, with files built into `folder`."""
    function()
    module = sys.modules["portal_app"]
    if not (folder / "pages").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "pages").symlink_to(FOLDER / "pages")
        build.hash_files("portal", folder / "static")
    built, bootstrap.portal = bootstrap.portal, desk.use_cases
    module.portal.cache_clear()
    module.pages.cache_clear()
    module.pages().folder = folder
    try:
        yield desk
    finally:
        bootstrap.portal = built
        module.portal.cache_clear()
        module.pages.cache_clear()


@lru_cache(maxsize=256)
def _route(method: str, path: str) -> tuple[str, dict[str, str]] | None:
    best = None
    for found, route in routes():
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route)
        match = re.fullmatch(pattern, path)
        if found == method and match and (best is None or route.count("{") < best[0].count("{")):
            best = route, match.groupdict()
    return best


def _event(method: str, address: str, headers: Mapping[str, str], body: str | None) -> dict[str, Any]:
    parts = urlsplit(address)
    found = _route(method, quote(unquote(parts.path)))
    assert found, f"no route for {method} {parts.path}"
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    headers = dict(headers) | ({"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {})
    return {
        "httpMethod": method,
        "path": parts.path,
        "resource": found[0],
        "pathParameters": found[1] or None,
        "queryStringParameters": query or None,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} or None,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "body": body,
        "isBase64Encoded": False,
        "stageVariables": None,
        "requestContext": {"httpMethod": method, "resourcePath": found[0], "identity": {}},
    }


@contextmanager
def served(desk: PortalDesk, by: str = NADIA) -> Iterator[str]:
    """The portal's address for a browser, signed in from the beginning."""
    lock = Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("GET", None)

        def do_POST(self) -> None:
            self._answer("POST", self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

        def _answer(self, method: str, body: str | None) -> None:
            headers = dict(self.headers.items())
            cookie = desk._cookie(headers.pop("X-Signed-In", by))["Cookie"]
            headers["Cookie"] = f"{cookie}; {headers.get('Cookie', '')}"
            with lock:
                try:
                    answer = desk.ask_for(method, self.path, headers, body)
                except AssertionError:
                    answer = Answer(404, {}, (), "")
            raw = answer.html.encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            for value in answer.cookies:
                self.send_header("Set-Cookie", value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    desk.public_url = f"http://localhost:{server.server_port}"
    sys.modules["portal_app"].portal.cache_clear()
    try:
        yield desk.public_url
    finally:
        server.shutdown()
        server.server_close()
