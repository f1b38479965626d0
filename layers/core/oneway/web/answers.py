"""Answers of the web functions: JSON, pages, redirects; headers that keep patients' data where it belongs."""

import secrets
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec
from chalice.app import Chalice, Request, Response

from ..domain.errors import OnewayError
from ..logs import fault, log
from .problems import NotAForm, NotJson

LARGEST_BODY = 64 * 1024
_STAFFS_FIELDS = 2000
"""Fields of a form of staff: a week of many openings, applied to a year of weeks of their own, has some hundreds."""
NO_STORE = "no-store"
NOBODYS = "private, no-cache"
"""For pages without anybody's data: what is typed into them survives Back, which browsers deny to pages not stored."""
FOR_EVER = "public, max-age=31536000, immutable"
_COMMON = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
}
_PAGE_POLICY = (
    "default-src 'none'; style-src 'self' 'nonce-{nonce}'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
)


class App(Chalice):
    """The app of a function: its views only run while it answers a request."""

    current_request: Request


def json_answer(body: Any, status: int = 200, *, cache: str = NO_STORE, kind: str = "application/json") -> Response:
    """JSON, not to be stored unless `cache` says so."""
    headers: dict[str, Any] = {**_COMMON, "Content-Type": kind, "Cache-Control": cache}
    return Response(msgspec.json.encode(body).decode(), status_code=status, headers=headers)


def problem_answer(body: Mapping[str, Any]) -> Response:
    """Problem details (RFC 9457)."""
    answer = json_answer(body, int(body["status"]), kind="application/problem+json")
    if body["status"] == 503:
        answer.headers["Retry-After"] = "2"
    return answer


def page_answer(html: str, nonce: str, status: int = 200, cache: str = NO_STORE, ancestors: str = "") -> Response:
    """A page, under a policy that lets in nothing but our own files and the page's one style; only pages of the origins
    `ancestors` may frame it.
    """
    headers: dict[str, Any] = {
        **_COMMON,
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": cache,
        "Content-Security-Policy": _PAGE_POLICY.format(nonce=nonce, ancestors=ancestors or "'none'"),
    }
    return Response(html, status_code=status, headers=headers)


def redirect(location: str, cookies: list[str] | None = None) -> Response:
    """303: look there, with a GET."""
    headers: dict[str, Any] = {**_COMMON, "Location": location, "Cache-Control": NO_STORE}
    if cookies:
        headers["Set-Cookie"] = cookies
    return Response("", status_code=303, headers=headers)


def asset_answer(body: bytes, kind: str, cache: str = FOR_EVER) -> Response:
    """A file of text; mostly one whose name carries the hash of its content, so that it never changes."""
    headers: dict[str, Any] = {**_COMMON, "Content-Type": kind, "Cache-Control": cache}
    return Response(body.decode(), status_code=200, headers=headers)


def new_nonce() -> str:
    """A nonce for one page's style."""
    return secrets.token_urlsafe(12)


def json_body(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Raises NotJson."""
    raw = _raw(request)
    try:
        if len(raw) > LARGEST_BODY:
            raise NotJson
        body = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise NotJson from None
    if not isinstance(body, dict):
        raise NotJson
    return body


def form_body(request: Request) -> dict[str, str]:
    """The body of a form of staff; the last of a name counts, undecodable bytes become U+FFFD. Raises NotAForm."""
    return dict(form_pairs(request, _STAFFS_FIELDS))


def form_pairs(request: Request, most: int = 200) -> list[tuple[str, str]]:
    """The body as names and values, in the form's order. Raises NotAForm (too large, too many fields)."""
    raw = _raw(request)
    try:
        if len(raw) > LARGEST_BODY:
            raise NotAForm
        return parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=most)
    except ValueError:
        raise NotAForm from None


def _raw(request: Request) -> bytes:
    raw = request.raw_body
    return raw if isinstance(raw, bytes) else raw.encode()


def path_text(value: str) -> str:
    """A path parameter as people wrote it (Chalice hands it on undecoded)."""
    return unquote(value)


def handler_of(app: Chalice) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """A Lambda handler around an app: one log line a request, which names the route and never the path."""

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        began = monotonic()
        answer: dict[str, Any] = app(event, context)
        log(
            "request",
            method=event["httpMethod"],
            route=event["requestContext"]["resourcePath"],
            status=answer["statusCode"],
            milliseconds=round((monotonic() - began) * 1000, 1),
        )
        return answer

    return handler


def unexpected(error: Exception) -> OnewayError:
    """An error that nobody foresaw, without its text (which may hold a patient's data); its kind is logged."""
    log("unexpected error", error=fault(error))
    return OnewayError()
