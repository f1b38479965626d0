"""Signing in and out, the choice of a practice and of a language, and the built files."""

import hmac
from functools import lru_cache
from urllib.parse import quote

from chalice.app import Response
from oneway.domain.errors import NotFound
from oneway.languages import LANGUAGES
from oneway.ports import Session
from oneway.web import sessions
from oneway.web.answers import form_body, path_text, redirect
from oneway.web.cognito import Attempt, Cognito
from oneway.web.problems import SignInRefused
from portal_app import (
    FORMS,
    app,
    asked,
    error_page,
    language_cookie,
    pages,
    portal,
    safe,
    show_outside,
    signed_in,
    wants_part,
)

_LONGEST = 1000
"""Of a way back, as a cookie keeps it: each page of ours has a shorter one, and several cookies have to fit."""


@lru_cache(maxsize=1)
def cognito() -> Cognito:
    """The hosted sign-in pages."""
    settings = portal().settings
    return Cognito(settings.sign_in_url, settings.sign_in_client_id, f"{settings.public_url}/auth/callback")


@app.route("/auth/sign-in")
@safe
def sign_in() -> Response:
    """To Cognito's page; `to` is where the person wanted to go."""
    attempt, location = cognito().start()
    kept = ".".join((attempt.state, attempt.nonce, attempt.verifier, quote(local(asked().get("to", "")), safe="")))
    headers, now = app.current_request.headers, portal().clock.now()
    return redirect(location, sessions.begin_signing_in(headers, attempt.state, kept, now))


@app.route("/auth/callback")
@safe
def signed_in_callback() -> Response:
    """Back from Cognito: the code becomes a session, and the person goes on to where they wanted."""
    query = asked()
    state = query.get("state", "")
    kept = sessions.signing_in(app.current_request.headers, state).split(".", 3)
    if len(kept) != 4 or not query.get("code") or not hmac.compare_digest(state.encode(), kept[0].encode()):
        raise SignInRefused
    now = portal().clock.now()
    email = cognito().email_of(query["code"], Attempt(*kept[:3]), now.timestamp())
    _, cookie = sessions.start_session(portal().sessions, email, now)
    return redirect(pages().url(local(path_text(kept[3]))), [cookie, sessions.end_signing_in_cookie(state)])


@app.route("/auth/sign-out", methods=["POST"], content_types=FORMS)
@signed_in
def sign_out(session: Session) -> Response:
    """Ends the session here and at Cognito."""
    portal().sessions.delete(session.id)
    settings = portal().settings
    back = quote(f"{settings.public_url}/portal", safe="")
    location = f"{settings.sign_in_url}/logout?client_id={settings.sign_in_client_id}&logout_uri={back}"
    return redirect(location, [sessions.end_session_cookie()])


@app.route("/portal")
@signed_in
def show_practices(session: Session) -> Response:
    """To the person's practice; a choice where there are several. The shell's menu asks for the choice alone."""
    slugs = portal().practices.practices_of(session.email)
    if len(slugs) == 1 and not wants_part():
        return redirect(pages().url(f"/portal/{quote(slugs[0])}/appointments"))
    practices = [portal().practices.get(slug) for slug in slugs]
    return show_outside("practice_menu.html" if wants_part() else "practices.html", session, practices=practices)


@app.route("/auth/language", methods=["POST"], content_types=FORMS)
@signed_in
def choose_language(session: Session) -> Response:
    """Read the portal in another language from now on."""
    form = form_body(app.current_request)
    language = form.get("language", "")
    cookies = [language_cookie(language)] if language in LANGUAGES else []
    return redirect(pages().url(local(form.get("to", ""))), cookies)


@app.route("/portal-static/{file}")
def portal_asset(file: str) -> Response:
    """A built file."""
    return pages().file(file) or error_page(NotFound())


def local(to: str) -> str:
    """A path inside the portal, with what it asks for; anything else leads to the portal's first page."""
    path = to.partition("?")[0]
    inside = path.startswith("/portal/") and "//" not in path and "\\" not in to and to.isprintable()
    return to if inside and ".." not in path and "#" not in to and len(quote(to, safe="")) <= _LONGEST else "/portal"
