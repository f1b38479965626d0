"""The booking tool over a world in memory, for browsers: its function's own answers, handed on as the gateway does."""

import gzip
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import replace
from oneway.domain.practices import Practice
from PIL import Image

from cli.practice_file import read
from local import build
from local.laptop import PRACTICE_FILE
from tests.template_file import API, RESOURCES
from tests.unit.web.booking_pages import FUNCTION, Patient, dict_of_lists, patient_of
from tests.world import World

REFUSALS = API["x-amazon-apigateway-gateway-responses"]
LEAST_PACKED = int(RESOURCES["Api"]["Properties"]["MinimumCompressionSize"])
THINKING = timedelta(seconds=5)
"""How long people look at a page before they send its form."""


def a_clinic(**changes: Any) -> Practice:
    """The demo's practice, with somebody who cannot be booked online and a provider's photo."""
    text = PRACTICE_FILE.read_text("utf-8").replace("source: sandbox", "source: ehr").replace("  sandbox:", "  ehr:")
    practice = read(text).practice
    by_phone = replace(
        practice.providers["brandt"], id="okafor", name="Ada Okafor, NP", source_id=None, external_id=None
    )
    providers = {**practice.providers, "okafor": by_phone}
    providers["osei"] = replace(providers["osei"], photo="osei")
    return replace(practice, providers=providers, **changes)


@dataclass
class Tool:
    """`tool.book` is where patients begin. `refusal` names what the gateway answers instead of the function, while it is set;
    while it is `hanging`, forms are taken and the browser stays where it is.
    """

    patient: Patient
    url: str
    host: str = "localhost"
    refusal: str = ""
    hanging: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)
    before: Callable[[str, str], None] = lambda method, path: None
    """Called before a request is answered: what somebody else does meanwhile."""

    @property
    def world(self) -> World:
        """All that stands behind it."""
        return self.patient.world

    @property
    def book(self) -> str:
        """The first page."""
        return f"{self.url}/book/harbor"

    def answer(
        self, method: str, address: str, body: str, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body, packed where the gateway packs."""
        parts = urlsplit(address)
        self.asked.append((method, address))
        if self.refusal:
            return _refused(self.refusal)
        try:
            self.patient._route(method, parts.path)
        except AssertionError:
            return _refused("MISSING_AUTHENTICATION_TOKEN")
        self.before(method, parts.path)
        if method == "POST":
            self.world.clock.advance(seconds=THINKING.total_seconds())
        answer = self.patient._answer(method, parts.path, dict_of_lists(parts.query), body, headers)
        several = ((name, one) for name, values in answer.get("multiValueHeaders", {}).items() for one in values)
        if self.hanging and method == "POST":
            return 204, {}, b""
        found = {**answer["headers"], **dict(several)}
        return answer["statusCode"], found, answer["body"].encode()


def _refused(kind: str) -> tuple[int, dict[str, str], bytes]:
    """What the gateway says by itself, to a browser."""
    found = REFUSALS[kind]
    return found["statusCode"], {"Content-Type": "text/html"}, found["responseTemplates"]["text/html"].encode()


@contextmanager
def serving(folder: Path, practice: Practice | None = None) -> Iterator[Tool]:
    """The booking tool of a clinic, until the end; `folder` takes the built files."""
    if not (FUNCTION / "static/openapi.json").exists():
        build.assets()
    world = World(practice or a_clinic())
    world.store.photos.replace("harbor", {"osei": _photo()})
    tool = Tool(patient_of(world, folder), "")
    lock = Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._hand_on("")

        def do_POST(self) -> None:
            self._hand_on(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

        def _hand_on(self, body: str) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            with lock:
                status, told, raw = tool.answer(self.command, self.path, body, headers)
                tool.told += told.items()
            if len(raw) >= LEAST_PACKED and "gzip" in headers.get("accept-encoding", ""):
                raw, told = gzip.compress(raw), {**told, "Content-Encoding": "gzip"}
            self.send_response(status)
            for name, value in told.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    tool.url = f"http://book.localhost:{server.server_port}"
    try:
        yield tool
    finally:
        server.shutdown()
        server.server_close()
        sys.modules.pop("booking_function_of_tests", None)


def _photo() -> bytes:
    """A small portrait, as `oneway apply` makes them."""
    taken = BytesIO()
    Image.radial_gradient("L").convert("RGB").resize((112, 112)).save(taken, "webp", quality=70)
    return taken.getvalue()
