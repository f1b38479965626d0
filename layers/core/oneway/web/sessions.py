"""Who is signed in: a cookie that only the browser holds, a session that only the store holds, a token in every form."""

import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from ..ports import Session, SessionRepository

LASTS = timedelta(hours=10)
_SESSION, _SIGNING_IN = "__Host-session", "__Host-signing-in"
_GUARD = "Path=/; Secure; HttpOnly; SameSite=Lax"


def start_session(sessions: SessionRepository, email: str, now: datetime) -> tuple[Session, str]:
    """A stored session and the cookie that names it."""
    session = Session(secrets.token_urlsafe(32), email, secrets.token_urlsafe(24), now + LASTS)
    sessions.save(session)
    return session, f"{_SESSION}={session.id}; Max-Age={int(LASTS.total_seconds())}; {_GUARD}"


def session_of(sessions: SessionRepository, headers: Mapping[str, str], now: datetime) -> Session | None:
    """The session that a request's cookie names, if it has not expired."""
    session_id = _cookie(headers, _SESSION)
    return sessions.get(session_id, now) if session_id else None


def end_session_cookie() -> str:
    """Takes the session's cookie away."""
    return f"{_SESSION}=; Max-Age=0; {_GUARD}"


def signing_in_cookie(value: str) -> str:
    """Keeps what a sign-in has to bring back, for ten minutes."""
    return f"{_SIGNING_IN}={value}; Max-Age=600; {_GUARD}"


def end_signing_in_cookie() -> str:
    """Takes the sign-in's cookie away."""
    return f"{_SIGNING_IN}=; Max-Age=0; {_GUARD}"


def signing_in(headers: Mapping[str, str]) -> str:
    """What `signing_in_cookie` kept; empty if nothing."""
    return _cookie(headers, _SIGNING_IN)


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


def _cookie(headers: Mapping[str, str], name: str) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found else ""
