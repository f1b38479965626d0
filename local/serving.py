"""What the mailbox and the sandbox share: a small loopback web server in a thread, and pages."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from msgspec import Struct, field

LARGEST_BODY = 4 * 1024 * 1024
_NAMES = ("127.0.0.1", "localhost")


class Asked(Struct, frozen=True):
    """A request: path and query apart, header names in lower case."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes

    def form(self) -> dict[str, str]:
        """The body as form fields."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    @property
    def from_elsewhere(self) -> bool:
        """Whether a page of another origin sent it."""
        origin = self.headers.get("origin", "")
        return bool(origin) and urlsplit(origin).netloc != self.headers.get("host", "")


class Told(Struct, frozen=True):
    """An answer."""

    body: bytes | str = b""
    kind: str = "text/html; charset=utf-8"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def see_other(location: str) -> Told:
    """Look there, with a GET."""
    return Told(status=303, headers={"Location": location})


class LoopbackServer:
    """Answers on 127.0.0.1 until it is closed."""

    def __init__(self, port: int, answer: Callable[[Asked], Told]) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _handle(self) -> None:
                parts = urlsplit(self.path)
                length = min(int(self.headers.get("content-length") or 0), LARGEST_BODY)
                asked = Asked(
                    self.command,
                    parts.path,
                    parse_qsl(parts.query, keep_blank_values=True),
                    {name.lower(): value for name, value in self.headers.items()},
                    self.rfile.read(length),
                )
                # Only under its own names: no page elsewhere can be made to lead here (DNS rebinding).
                ours = urlsplit(f"//{asked.headers.get('host', '')}").hostname in _NAMES
                told = answer(asked) if ours else Told("Not from here.", "text/plain", 403)
                body = told.body.encode() if isinstance(told.body, str) else told.body
                self.send_response_only(told.status)
                usual = {"Date": self.date_time_string(), "Content-Type": told.kind, "Cache-Control": "no-store"}
                for name, value in {**usual, **told.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815 - the base class's names

            def log_message(self, *_: Any) -> None:
                """Nothing: whoever runs it sees the pages."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def pages(folder: Path) -> Environment:
    """Templates of a folder, and the style that the laptop's pages share."""
    return Environment(
        loader=FileSystemLoader([folder, Path(__file__).parent / "pages"]), autoescape=True, undefined=StrictUndefined
    )
