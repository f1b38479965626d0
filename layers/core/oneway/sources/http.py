"""The only way out to scheduling systems.

https only; the address is resolved once, refused if any of it is private, and pinned for the connection (so that a second
look-up cannot lead inside); redirects stay on the origin, as do credentials; bytes, decompression and time are bounded.
Local mode allows loopback, and http there. Requests that follow one another go over one connection.
"""

import ipaddress
import random
import re
import socket
import ssl
import threading
import time
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Any, NamedTuple, Protocol
from urllib.parse import SplitResult, urlencode, urljoin, urlsplit

import urllib3
from msgspec import Struct
from urllib3.exceptions import HTTPError

from ..faults import AuthExpired, AuthRevoked, OutOfTime, RateLimited, RequestRefused, SchemaDrift, Unavailable
from ..ports import Clock
from .pacing import Pace

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
TOTAL_SECONDS = 60.0
MOST_BYTES = 64 * 1024 * 1024
"""Of one answer, unpacked; 10,000 FHIR appointments take about 15 MB."""
MOST_REDIRECTS = 3
TRIES = 3
KEPT_SECONDS = 4.0
"""A connection that was idle for longer is not used again: many servers close it after five."""
_CHUNK = 64 * 1024
_PASSING = frozenset((408, 425, *range(500, 600))) - {501}
"""Those of proxies (520 and up) as those of servers."""
_GONE = frozenset((404, 410))
_REFUSED = frozenset((400, 405, 422, 501))
_REFUSALS = frozenset((400, 401, 403))
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_NONE: frozenset[int] = frozenset()
_UNCHANGED = frozenset((304,))
_UNICAST = ipaddress.ip_network("2000::/3")
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""IPv4 addresses as an IPv6 network names them (NAT64, RFC 6052)."""
_DAY_SECONDS = 24 * 60 * 60
_MOST_DIGITS = 30
"""Of a size, zeros before it counted; Python reads no more than some thousands of them."""
A_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
"""What a header takes."""


class Answer(Struct, frozen=True):
    """What a source answered: `status` is 200 or what was asked for besides (304 by If-None-Match); names of headers are in
    lower case. A byte order mark, which some servers write before their UTF-8, is no part of the body.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Ends(NamedTuple):
    """When a call has to be over, by the monotonic clock; `ours`: that is our deadline, before its own time is up."""

    at: float
    ours: bool


class SignIn(Protocol):
    """Credentials that have to be fetched, and end."""

    def authorization(self) -> str:
        """The Authorization header of a request. Raises SourceError."""

    def renewed(self, refused: str) -> str:
        """Another one, since the source refused this one with 401. Raises SourceError."""


class Connections:
    """The connection of one account that is still open, for one thread at a time."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._kept: tuple[tuple[str, str, int], _Line, float] | None = None

    def take(self, key: tuple[str, str, int]) -> "_Line | None":
        """The one to this scheme, address and port, if it was used a moment ago; any other is closed."""
        kept, self._kept = self._kept, None
        if kept and kept[0] == key and self._monotonic() - kept[2] < KEPT_SECONDS:
            return kept[1]
        if kept:
            kept[1].close()
        return None

    def keep(self, key: tuple[str, str, int], pool: "_Line") -> None:
        """Leave it open for the next request."""
        self._kept = key, pool, self._monotonic()

    def close(self) -> None:
        """Close what is open."""
        if self._kept:
            self._kept[1].close()
            self._kept = None


@dataclass(frozen=True, slots=True)
class SourceHttp:
    """Reads from one source; `origin` is the only place that its credentials are sent to.

    `credentials` are headers that stay as they are, `sign_in` gives one that ends. `seconds` is all that a call may take, and
    after `deadline` none is begun. `pace` is that of the account, `connections` keeps the one that is open.
    """

    origin: str
    clock: Clock
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    allow_loopback: bool = False
    monotonic: Callable[[], float] = time.monotonic
    sign_in: SignIn | None = None
    seconds: float = TOTAL_SECONDS
    deadline: datetime | None = None
    pace: Pace | None = None
    connections: Connections | None = field(default=None, repr=False)

    def get(self, url: str, headers: Mapping[str, str] | None = None, *, may_be_gone: bool = False) -> Answer:
        """GET, with bounded retries of passing faults, full jitter between them; `may_be_gone` takes 404 and 410, too.

        A 401 to a sign-in that can be renewed is answered with a new one, once. Raises RateLimited, AuthExpired, AuthRevoked,
        Unavailable, SchemaDrift, and OutOfTime where it was the deadline that came. Texts name statuses, never addresses.
        """
        ends = self._ends()
        # Who was not asked whether anything changed does not say that nothing did.
        asks_whether = "If-None-Match" in (headers or {})
        taken = (_GONE if may_be_gone else _NONE) | (_UNCHANGED if asks_whether else _NONE)

        def read(signed: Mapping[str, str]) -> Answer:
            return self._tried(lambda: self._follow(url, {**signed, **(headers or {})}, ends.at, taken), ends)

        if self.sign_in is None:
            return read(self.credentials)
        authorization = self.sign_in.authorization()
        try:
            return read({"Authorization": authorization})
        except AuthExpired:
            return read({"Authorization": self.sign_in.renewed(authorization)})

    def post_form(self, url: str, fields: Callable[[], Mapping[str, str]]) -> Answer:
        """POST a form for a JSON answer, with the bounds and retries of `get`; 400, 401 and 403 are answers, too.

        `fields` makes the form anew for each try: what is good only once may have arrived though the answer did not. No
        redirect is followed. Raises as `get` does.
        """
        ends = self._ends()
        headers = {
            **self.credentials,
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        }

        def send() -> Answer:
            body = urlencode(fields()).encode()
            return self._accepted(self._once(self._checked(url), headers, ends.at, body), _REFUSALS)

        return self._tried(send, ends)

    def _ends(self) -> "_Ends":
        left = (self.deadline - self.clock.now()).total_seconds() if self.deadline else self.seconds
        return _Ends(self.monotonic() + min(self.seconds, left), left < self.seconds)

    def _tried(self, call: Callable[[], Answer], ends: "_Ends") -> Answer:
        """An answer, of a few tries. Where our own time or budget ends them, what failed before was the source's fault all the
        same: else one that fails each time, and is slow to, would never have failed.
        """
        failed: Unavailable | None = None
        for number in range(TRIES):
            try:
                with self.pace.request(timedelta(seconds=ends.at - self.monotonic())) if self.pace else nullcontext():
                    return call()
            except OutOfTime as ours:
                raise failed or ours from None
            except Unavailable as fault:
                if ends.ours and self.monotonic() >= ends.at:
                    raise failed or OutOfTime("the deadline") from fault
                failed = fault
                pause = random.uniform(0, 0.5 * 2**number)
                if number == TRIES - 1 or self.monotonic() + pause >= ends.at:
                    raise
                self.clock.pause(pause)
        raise Unavailable("no try was left")

    def _follow(self, url: str, headers: Mapping[str, str], ends: float, taken: frozenset[int]) -> Answer:
        for _ in range(MOST_REDIRECTS + 1):
            answer = self._once(self._checked(url), headers, ends)
            if answer.status not in _REDIRECTS:
                return self._accepted(answer, taken)
            try:
                url = urljoin(url, answer.headers.get("location", ""))
            except ValueError:
                raise SchemaDrift("the source points to what is no address") from None
        raise SchemaDrift("too many redirects")

    def _checked(self, url: str) -> SplitResult:
        try:
            target, origin = urlsplit(url), urlsplit(self.origin)
            there = (target.scheme, target.hostname, _port(target))
        except ValueError:
            raise SchemaDrift("the source points to what is no address") from None
        if there != (origin.scheme, origin.hostname, _port(origin)):
            raise SchemaDrift("the source points to another origin")
        if target.scheme != "https" and not (self.allow_loopback and target.scheme == "http"):
            raise SchemaDrift("the source is not reached by https")
        return target

    def _once(self, target: SplitResult, headers: Mapping[str, str], ends: float, body: bytes | None = None) -> Answer:
        address = self._resolve(target)
        host = target.hostname or ""
        sent = {"Accept-Encoding": "gzip", "User-Agent": "Oneway", "Host": target.netloc, **headers}
        left = ends - self.monotonic()
        if left <= 0:
            raise Unavailable("time is up")
        timeout = urllib3.Timeout(connect=min(CONNECT_SECONDS, left), read=min(READ_SECONDS, left))
        # The name is part of it: a certificate is checked when a connection is opened.
        key = f"{target.scheme}://{host}", address, _port(target)
        kept = self.connections.take(key) if self.connections else None
        pool = kept or _pool(target.scheme, host, address, _port(target))
        path = (target.path or "/") + (f"?{target.query}" if target.query else "")
        whole = False
        # What times out anew with each byte that comes does not end by itself.
        end = threading.Timer(left, pool.cut)
        end.daemon = True
        end.start()
        try:
            response = pool.urlopen(
                "GET" if body is None else "POST",
                path,
                body=body,
                headers=sent,
                retries=False,
                redirect=False,
                timeout=timeout,
                preload_content=False,
                decode_content=False,
            )
            try:
                answer = self._read(response, ends)
                whole = True
                return answer
            finally:
                (response.release_conn if whole else response.close)()
        except (HTTPError, OSError) as error:
            raise Unavailable(type(error).__name__) from error
        finally:
            end.cancel()
            if whole and self.connections:
                self.connections.keep(key, pool)
            else:
                pool.close()

    def _resolve(self, target: SplitResult) -> str:
        try:
            found = socket.getaddrinfo(target.hostname, _port(target), type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise Unavailable("the source's name is not known") from error
        addresses = [str(one[4][0]) for one in found]
        for text in addresses:
            address = ipaddress.ip_address(text.partition("%")[0])
            inner = _behind(address)
            outside = inner.is_global and not inner.is_multicast and (inner.version == 4 or inner in _UNICAST)
            if not outside and not (self.allow_loopback and inner.is_loopback):
                raise SchemaDrift("the source's name leads to a private network")
        return addresses[0]

    def _read(self, response: urllib3.BaseHTTPResponse, ends: float) -> Answer:
        headers = {name.lower(): value for name, value in response.headers.items()}
        packed = headers.get("content-encoding", "identity")
        if packed not in ("gzip", "identity"):
            raise SchemaDrift("an encoding that was not asked for")
        unpack = zlib.decompressobj(wbits=31) if packed == "gzip" else None
        told = headers.get("content-length", "")
        announced = int(told[:_MOST_DIGITS]) if told.isdecimal() else None
        if announced and announced > MOST_BYTES:
            raise SchemaDrift("an answer beyond all bounds")
        parts: list[bytes] = []
        size = raw = 0
        while chunk := response.read1(_CHUNK):
            if self.monotonic() > ends:
                raise Unavailable("time is up")
            raw += len(chunk)
            try:
                part = unpack.decompress(chunk, MOST_BYTES - size + 1) if unpack else chunk
            except zlib.error as error:
                raise Unavailable("a damaged answer") from error
            size += len(part)
            if size > MOST_BYTES or raw > MOST_BYTES:
                raise SchemaDrift("an answer beyond all bounds")
            parts.append(part)
        if self.monotonic() >= ends:  # it may have been cut
            raise Unavailable("time is up")
        if unpack and raw and not unpack.eof:
            raise Unavailable("a cut answer")
        if unpack is None and announced is not None and raw != announced:
            raise Unavailable("a cut answer")
        return Answer(response.status, headers, b"".join(parts).removeprefix(BOM_UTF8))

    def _accepted(self, answer: Answer, taken: frozenset[int]) -> Answer:
        status = answer.status
        if status == 200 or status in taken:
            return answer
        if status == 401:
            raise AuthExpired("401")
        if status == 403:
            raise AuthRevoked("403")
        if status == 429 or (status == 503 and "retry-after" in answer.headers):
            raise RateLimited(self._until(answer.headers))
        if status in _PASSING:
            raise Unavailable(str(status))
        if status in _REFUSED:
            raise RequestRefused(f"status {status}")
        raise SchemaDrift(f"status {status}")

    def _until(self, headers: Mapping[str, str]) -> datetime | None:
        """Seconds or an HTTP date (RFC 9110, 10.2.3), which counts by the source's own clock; at most a day ahead."""
        now, text = self.clock.now(), headers.get("retry-after", "")
        if text.isdecimal():
            wait = timedelta(seconds=min(int(text[:9]), _DAY_SECONDS))
        elif until := _date(text):
            wait = until - (_date(headers.get("date", "")) or now)
        else:
            return None
        return now + min(wait, timedelta(seconds=_DAY_SECONDS))


class _Line(urllib3.HTTPConnectionPool):
    """For one connection, which another thread may cut."""

    _made: Any = None

    def _new_conn(self) -> Any:
        self._made = super()._new_conn()
        return self._made

    def cut(self) -> None:
        """Let whoever reads from it find its end."""
        line = getattr(self._made, "sock", None)
        if line is not None:
            with suppress(OSError):
                socket.socket.shutdown(line, socket.SHUT_RDWR)  # TLS' own would wait for the other side


class _SafeLine(_Line, urllib3.HTTPSConnectionPool):
    """The same, by TLS."""


def _pool(scheme: str, host: str, address: str, port: int) -> _Line:
    """For one connection to an address, whose certificate has to be the host's."""
    if scheme != "https":
        return _Line(address, port, maxsize=1)
    return _SafeLine(address, port, maxsize=1, ssl_context=_trust(), server_hostname=host, assert_hostname=host)


@lru_cache(maxsize=1)
def _trust() -> ssl.SSLContext:
    """Whom we trust, read once: it takes longer than a pull that finds nothing new."""
    context = urllib3.util.create_urllib3_context()
    context.load_default_certs()
    return context


def _behind(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Where an address leads that wraps another one."""
    if isinstance(address, IPv4Address):
        return address
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def origin_of(url: str) -> str:
    """Scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _port(target: SplitResult) -> int:
    return target.port or (443 if target.scheme == "https" else 80)


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None
