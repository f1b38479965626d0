"""Who is signed in: a cookie that only the browser holds, a session that only the store holds, a token in every form."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from ..ports import Session, SessionRepository

LASTS = timedelta(hours=10)
SIGN_INS_AT_ONCE = 4
"""How many links may be opened side by side without a session; the gateway takes 10,240 bytes of headers in all."""
_OURS = "__Host-"
_SESSION, _SIGNING_IN = f"{_OURS}session", f"{_OURS}signing-in-"
_GUARD = "Path=/; Secure; HttpOnly; SameSite=Lax"


def start_session(sessions: SessionRepository, email: str, now: datetime) -> tuple[Session, str]:
    """A stored session and the cookie that names it."""
    session = Session(secrets.token_urlsafe(32), email, secrets.token_urlsafe(24), now + LASTS)
    sessions.save(session)
    return session, f"{_SESSION}={session.id}; Max-Age={int(LASTS.total_seconds())}; {_GUARD}"


def session_of(sessions: SessionRepository, headers: Mapping[str, str], now: datetime) -> Session | None:
    """The session that a request's cookie names, if it has not expired."""
    session_id = cookie(headers, _SESSION)
    return sessions.get(session_id, now) if session_id else None


def end_session_cookie() -> str:
    """Takes the session's cookie away."""
    return f"{_SESSION}=; Max-Age=0; {_GUARD}"


def begin_signing_in(headers: Mapping[str, str], state: str, value: str, now: datetime) -> list[str]:
    """Keeps for ten minutes what a sign-in has to bring back: beside those of other tabs, of which the oldest go."""
    begun = sorted(
        (name for name in _cookies(headers) if name.startswith(_SIGNING_IN)),
        key=lambda name: _begun(_cookies(headers)[name]),
    )
    too_many = begun[: max(0, len(begun) - SIGN_INS_AT_ONCE + 1)]
    kept = f"{_signing_in(state)}={int(now.timestamp())}.{value}; Max-Age=600; {_GUARD}"
    return [kept, *(f"{name}=; Max-Age=0; {_GUARD}" for name in too_many)]


def signing_in(headers: Mapping[str, str], state: str) -> str:
    """What `begin_signing_in` kept of the sign-in with this state; empty if nothing."""
    return cookie(headers, _signing_in(state)).partition(".")[2]


def end_signing_in_cookie(state: str) -> str:
    """Takes the cookie of one sign-in away."""
    return f"{_signing_in(state)}=; Max-Age=0; {_GUARD}"


def _signing_in(state: str) -> str:
    """The name of a sign-in's cookie: each has its own, and none is named by what may come back in an address."""
    return _SIGNING_IN + hashlib.sha256(state.encode()).hexdigest()[:16]


def _begun(value: str) -> int:
    stamp = value.partition(".")[0]
    return int(stamp) if stamp.isdecimal() else 0


def form_is_ours(session: Session, headers: Mapping[str, str], token: str, public_url: str) -> bool:
    """Whether a form was made by us for this session: its token, and where it comes from if the browser says so."""
    origin = headers.get("origin", "")
    ours = urlsplit(public_url)
    from_us = origin in ("", "null") or origin == f"{ours.scheme}://{ours.netloc}"
    return from_us and hmac.compare_digest(token.encode(), session.csrf.encode())


def sent_by_our_page(headers: Mapping[str, str]) -> bool:
    """Whether the browser vouches that a page of this very origin sent a form; no page can set this header, and old browsers do
    not (Fetch Metadata; the origin itself is not told where no referrer is).
    """
    return headers.get("sec-fetch-site") == "same-origin"


def cookie(headers: Mapping[str, str], name: str) -> str:
    """The value of a cookie of ours; empty if there is none."""
    return _cookies(headers).get(name, "")


def _cookies(headers: Mapping[str, str]) -> dict[str, str]:
    """Our cookies. Those that other sites of a shared domain set may hold what a strict reader gives the whole header up for."""
    pairs = (one.partition("=") for one in headers.get("cookie", "").split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs if name.strip().startswith(_OURS)}
