"""What all pages of the portal share: the app, who is signed in, and the shell around each page.

A module of pages imports `app`, puts `@app.route` and `@signed_in` on its views, and is imported by portal_function.py. Its views
answer with `show`. A page that is a room of its own stands in `ROOMS`, too.
"""

from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from chalice.app import Response
from oneway import bootstrap
from oneway.domain.clock_time import zone_of
from oneway.domain.errors import Forbidden, OnewayError
from oneway.domain.practices import Practice, Provider, StaffMember, StaffRole
from oneway.languages import first_spoken, formats, portal_words
from oneway.ports import Session
from oneway.web import sessions
from oneway.web.answers import App, form_body, path_text, redirect, unexpected
from oneway.web.pages import Pages, speaker
from oneway.web.problems import problem_of

app = App(app_name="portal")
app.api.binary_types = []

View = Callable[..., Response]
FORMS = ["application/x-www-form-urlencoded"]
ROOMS = ("appointments", "calendar", "integration", "settings")
"""The rooms of the navigation: each is the first part of its addresses and, in the words, its name."""
TYPED = ("text", "note")
"""Fields of forms that hold what people wrote at length: where a form is handed back they are shown."""
_LANGUAGE = "__Host-language"
_asks: ContextVar[str] = ContextVar("asks", default="")
"""The e-mail of whoever asks, once that is known."""


class Seen(Protocol):
    """What the use case behind every page of a practice finds: the shell shows it."""

    @property
    def practice(self) -> Practice:
        """Whose page it is."""

    @property
    def member(self) -> StaffMember:
        """Who looks at it."""

    @property
    def schedule_age_minutes(self) -> int | None:
        """How old the schedule behind it is; None if it was never read."""


@lru_cache(maxsize=1)
def portal() -> bootstrap.Portal:
    """The use cases, built when the first request comes."""
    return bootstrap.portal()


@lru_cache(maxsize=1)
def pages() -> Pages:
    """The pages of this function."""
    return Pages(Path(__file__).parent, "portal-static", portal().settings.base_path, portal_words)


def safe(view: View) -> View:
    """Errors become pages."""

    @wraps(view)
    def wrapped(**names: str) -> Response:
        _asks.set("")
        try:
            return view(**{name: path_text(value) for name, value in names.items()})
        except OnewayError as error:
            return error_page(error)
        except Exception as error:
            return error_page(unexpected(error))

    return wrapped


def signed_in(view: View) -> View:
    """Without a session: to sign-in, and from there to exactly this page. A form has to be ours."""

    @safe
    @wraps(view)
    def wrapped(**names: str) -> Response:
        request, now = app.current_request, portal().clock.now()
        session = sessions.session_of(portal().sessions, request.headers, now)
        if session is None:
            return _to_sign_in()
        _asks.set(session.email)
        if request.method == "POST":
            token = form_body(request).get("csrf", "")
            if not sessions.form_is_ours(session, request.headers, token, portal().settings.public_url):
                if sessions.sent_by_our_page(request.headers) and not scripted():
                    return _kept_form(session, 403)
                raise Forbidden
        return view(session, **names)

    return wrapped


def changing(view: View) -> View:
    """Of what is sent to a practice nothing is looked at before it is known to come from its staff, who may change things."""

    @signed_in
    @wraps(view)
    def wrapped(session: Session, practice: str, **names: str) -> Response:
        portal().membership.acting(practice, session.email)
        return view(session, practice, **names)

    return wrapped


def _to_sign_in() -> Response:
    """To sign-in, which leads back to the page that was asked for, or that stands while a script asks or a form is sent."""
    request, base = app.current_request, portal().settings.base_path
    path, query = _here(), urlencode(asked())
    standing = urlsplit(request.headers.get("hx-current-url", ""))
    if standing.path:
        path, query = standing.path.removeprefix(base), standing.query
    elif request.method == "POST":
        path, query = _page_above(path), ""
    back = quote(f"{path}?{query}" if query else path, safe="")
    location = pages().url(f"/auth/sign-in?to={back}")
    if not scripted():
        sends = request.method == "POST" and _here().startswith("/portal/")
        return _kept_form(None, 401, location) if sends else redirect(location)
    if request.method == "POST":
        # What was typed stays where it is: staff sign in beside it, and send it again.
        return show_outside("signed_out.html", None, 401, sign_in=location)
    # A script cannot follow us to another site: it has the browser go there.
    return Response("", status_code=204, headers={"HX-Redirect": location, "Cache-Control": "no-store"})


def _kept_form(session: Session | None, status: int, sign_in: str = "") -> Response:
    """What was sent without scripts and could not be taken, to be sent again by whoever is signed in then. It is handed back only
    to a page of ours that sent it: what another site made up is not shown as what staff typed.
    """
    request = app.current_request
    fields = None
    if sessions.sent_by_our_page(request.headers):
        fields = [(name, value) for name, value in form_body(request).items() if name != "csrf"]
    values = {"fields": fields, "typed": TYPED, "action": _here(), "back": _page_above(_here()), "sign_in": sign_in}
    return show_outside("kept_form.html", session, status, _practice_language(), **values)


def _page_above(path: str) -> str:
    """The nearest page at or above the address of a form."""
    parts = path.split("/")
    for end in range(len(parts), 1, -1):
        above = parts[:end]
        routes = [route for route in app.routes if _leads(route, above)]
        # The gateway takes the route with the fewest names in it: what only takes forms may look like a page.
        if routes and "GET" in app.routes[min(routes, key=lambda route: route.count("{"))]:
            return "/".join(above)
    return "/portal"


def _leads(route: str, parts: list[str]) -> bool:
    """Whether an address of these parts is one of a route's."""
    ours = route.split("/")
    pairs = zip(ours, parts, strict=False)
    return len(ours) == len(parts) and all(our == part or our.startswith("{") for our, part in pairs)


def asked() -> dict[str, str]:
    """What the address asks for, after its question mark."""
    return dict(app.current_request.query_params or {})


def _standing() -> str:
    """The address at which this page, or the nearest one above the form that it answers, stands again: with what it asks for, but
    not with what is said once or chosen by the reader.
    """
    path, asks = _here(), asked()
    if app.current_request.method == "POST":
        path = _page_above(path)
        shown = urlsplit(app.current_request.headers.get("hx-current-url", ""))
        asks = dict(parse_qsl(shown.query)) if shown.path == pages().url(path) else {}
    query = urlencode({name: value for name, value in asks.items() if name not in ("done", "lang")})
    return f"{path}?{query}" if query else path


def wants_part() -> bool:
    """Whether a script asks for a part of a page, and not for the next page."""
    return scripted() and not app.current_request.headers.get("hx-boosted")


def scripted() -> bool:
    """Whether a script asks, which takes what it needs out of the page."""
    return bool(app.current_request.headers.get("hx-request"))


def to(practice: str, *parts: str, done: str = "") -> Response:
    """Go on to a page of a practice; `done` says there what happened."""
    path = "/".join(quote(part, safe="") for part in (practice, *parts))
    return redirect(pages().url(f"/portal/{path}" + (f"?done={done}" if done else "")))


def show(template: str, session: Session, seen: Seen, room: str, status: int = 200, /, **values: Any) -> Response:
    """A page of a practice, in the shell."""
    practice = seen.practice
    language, done = language_of(seen.practice.language), str(values.pop("done", asked().get("done", "")))
    answer = pages().render(
        template,
        language,
        seen.practice,
        status,
        session=session,
        member=seen.member,
        may_change=seen.member.role is not StaffRole.VIEWER,
        age=seen.schedule_age_minutes,
        rooms=ROOMS,
        room=room,
        path=_here(),
        standing=_standing(),
        scripted=scripted(),
        now=portal().clock.now(),
        when=lambda start, provider: _when(practice, language, start, provider),
        soon=lambda start: _soon(language, start),
        name_of=lambda email: practice.staff[email].name if email in practice.staff else email,
        said=done if f"done.{done}" in portal_words(language) else "",
        **values,
    )
    if scripted() and app.current_request.method == "POST" and _standing() != _here():
        # A form's own address is no page: a reload, or the way back to it, would find nothing.
        answer.headers["HX-Replace-Url"] = pages().url(_standing())
    return answer


def _when(practice: Practice, language: str, start: datetime, provider: Provider | None) -> str:
    """A start for a narrow place: the zone where the practice has several, the year where it is another."""
    local = start.astimezone(practice.zone_of(provider) if provider else zone_of(practice.zone))
    day = formats.short_day(local.date(), language, practice.country)
    if local.year != portal().clock.now().astimezone(local.tzinfo).year:
        day = f"{day} {local.year}"
    several = len({one.zone for one in practice.locations.values()}) > 1
    zone = f" ({formats.zone_label(local)})" if several else ""
    return f"{day}, {formats.clock(local, language, practice.country)}{zone}"


def _soon(language: str, start: datetime) -> str:
    """In how many hours, or minutes, something starts that starts within a day; else nothing."""
    minutes = int((start - portal().clock.now()).total_seconds() // 60)
    if not 0 <= minutes < 24 * 60:
        return ""
    t = speaker(portal_words(language))
    return t("soon.hours", count=minutes // 60) if minutes >= 60 else t("soon.minutes", count=minutes)


def show_outside(
    name: str, session: Session | None, status: int = 200, preferred: str = "", /, **values: Any
) -> Response:
    """A page that is no practice's."""
    return pages().render(
        name,
        language_of(preferred),
        None,
        status,
        session=session,
        path=_here(),
        standing=_standing(),
        scripted=scripted(),
        **values,
    )


def error_page(error: OnewayError) -> Response:
    """What went wrong, in words: in the language of the practice, where its staff ask."""
    problem = problem_of(error)
    return show_outside("error.html", None, problem.status, _practice_language(), word=problem.word)


def _practice_language() -> str:
    """The language of the practice whose page was asked for, where it is one of its staff who asks."""
    try:
        practice = portal().practices.get(path_text((app.current_request.uri_params or {}).get("practice", "")))
    except OnewayError:
        return ""
    return practice.language if _asks.get() in practice.staff else ""


def language_of(preferred: str = "") -> str:
    """The language asked for in the address, chosen before, or preferred; where nothing is, the browser's."""
    headers = app.current_request.headers
    wanted = (asked().get("lang", ""), sessions.cookie(headers, _LANGUAGE), preferred)
    return first_spoken(*wanted, accepted=headers.get("accept-language", ""))


def language_cookie(language: str) -> str:
    """Remembers the chosen language for a year."""
    return f"{_LANGUAGE}={language}; Max-Age=31536000; Path=/; Secure; HttpOnly; SameSite=Lax"


def _here() -> str:
    """The address of this page, without what it asks for."""
    return "".join(
        f"/{quote(path_text(part))}" for part in app.current_request.to_original_event()["path"].split("/") if part
    )
