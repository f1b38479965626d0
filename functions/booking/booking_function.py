"""Patients: the JSON API and the booking pages. Routes stand in infra/api.yaml; nothing is decided here."""

import json
import secrets
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from chalice.app import Chalice, Response
from oneway import bootstrap
from oneway.domain.clock_time import day_of, first_minute
from oneway.domain.errors import (
    FieldProblem,
    InvalidInput,
    NotFound,
    OnewayError,
    PracticeNotFound,
    RequestAlreadyAnswered,
    SlotAlreadyTaken,
    SlotNotOffered,
    StoreUnavailable,
)
from oneway.domain.practices import Practice, Provider
from oneway.languages import LANGUAGES
from oneway.use_cases.list_slots import OfferedSlots
from oneway.use_cases.look_up_request import LookedUp
from oneway.use_cases.submit_request import Submitted
from oneway.web import booking_api
from oneway.web.answers import (
    NO_STORE,
    NOBODYS,
    form_body,
    handler_of,
    json_answer,
    json_body,
    path_text,
    problem_answer,
    redirect,
    unexpected,
)
from oneway.web.forms import POINTERS, blank_form, check_values, request_form
from oneway.web.problems import details, local, problem_of

if TYPE_CHECKING:
    from oneway.web.pages import Pages

app = Chalice(app_name="booking")
app.api.binary_types = []
handler = handler_of(app)

View = Callable[..., Response]
DAYS_SHOWN = 7
FEW_SECONDS = "public, max-age=10"
FIVE_MINUTES = "public, max-age=300"
AN_HOUR = "public, max-age=3600"


@lru_cache(maxsize=1)
def booking() -> bootstrap.Booking:
    """The use cases, built when the first request comes."""
    return bootstrap.booking()


@lru_cache(maxsize=1)
def pages() -> "Pages":
    """The pages of this function; the JSON API never loads them."""
    from oneway.web.pages import Pages

    return Pages(Path(__file__).parent, "static", booking().settings.base_path)


# --- JSON -----------------------------------------------------------------------------------------------------------


def api(view: View) -> View:
    """Errors become problem details; times that are left are written in the provider's zone."""

    @wraps(view)
    def wrapped(**names: str) -> Response:
        names = {name: path_text(value) for name, value in names.items()}
        try:
            return view(**names)
        except OnewayError as error:
            return problem_answer(details(error, _practice_zone(names.get("practice", ""), error)))
        except Exception as error:
            return problem_answer(details(unexpected(error)))

    return wrapped


def _practice_zone(slug: str, error: OnewayError) -> ZoneInfo | None:
    if not isinstance(error, SlotAlreadyTaken | SlotNotOffered):
        return None
    practice = booking().practices.get(slug)
    provider_id = (app.current_request.json_body or {}).get("provider", "")
    return practice.zone_of(practice.provider(provider_id))


@app.route("/api/practices/{practice}/providers")
@api
def list_providers(practice: str) -> Response:
    """The practice's providers and what they can be booked for."""
    found = booking().practices.get(practice)
    providers = [_provider(found, provider) for provider in found.providers.values()]
    return json_answer(booking_api.Providers(_practice(found), providers), cache=FEW_SECONDS)


@app.route("/api/practices/{practice}/providers/{provider}/slots")
@api
def list_slots(practice: str, provider: str) -> Response:
    """Free times by day: ?from=YYYY-MM-DD&to=YYYY-MM-DD&visit_type=ID."""
    query = _query()
    first, last = _day(query, "from"), _day(query, "to")
    offered = booking().list_slots(practice, provider, _visit_type(query), first, last)
    return json_answer(_slots(offered), cache=FEW_SECONDS)


@app.route("/api/practices/{practice}/providers/{provider}/next-free-day")
@api
def find_next_free_day(practice: str, provider: str) -> Response:
    """The first day with a free time, anywhere before the horizon: ?visit_type=ID, and ?after=YYYY-MM-DD to go on."""
    query = _query()
    after = _day(query, "after") if "after" in query else None
    offered = booking().list_slots.next_free_day(practice, provider, _visit_type(query), after)
    return json_answer(_slots(offered), cache=FEW_SECONDS)


@app.route("/api/practices/{practice}/first-available")
@api
def find_first_available(practice: str) -> Response:
    """The first free day of each provider who offers a visit type: ?visit_type=ID."""
    found = booking().list_slots.first_available(practice, _visit_type(_query()))
    return json_answer(booking_api.FirstAvailable([_slots(offered) for offered in found]), cache=FEW_SECONDS)


@app.route("/api/practices/{practice}/requests", methods=["POST"], content_types=["application/json"])
@api
def submit_request(practice: str) -> Response:
    """Ask for a time. The key stands in the Idempotency-Key header (or in the body's "key")."""
    form = json_body(app.current_request)
    key = form.pop("key", None)
    submitted = booking().submit_request(practice, app.current_request.headers.get("idempotency-key") or key, form)
    body = _shown(booking().look_up_request(practice, submitted.link))
    body.link = f"{booking().settings.public_url}/my-request/{practice}/{submitted.link}"
    return json_answer(body, 201 if submitted.created else 200)


@app.route("/api/practices/{practice}/requests/{link}")
@api
def look_up_request(practice: str, link: str) -> Response:
    """A request by its private link."""
    return json_answer(_shown(booking().look_up_request(practice, link)))


@app.route(
    "/api/practices/{practice}/requests/{link}/cancellation",
    methods=["POST"],
    content_types=["application/json", "application/x-www-form-urlencoded", "text/plain", ""],
)
@api
def cancel_request(practice: str, link: str) -> Response:
    """Cancel a pending request; of a confirmed visit the wish is passed on."""
    return json_answer(_shown(booking().cancel_by_patient(practice, link)))


@app.route("/keys/{practice}/jwks.json")
@api
def list_public_keys(practice: str) -> Response:
    """The keys by which scheduling systems know the practice (RFC 7517), for these systems."""
    return json_answer({"keys": booking().practices.get(practice).public_keys}, cache=FIVE_MINUTES)


@app.route("/api/openapi.json")
@api
def describe_api() -> Response:
    """The API, for programs."""
    return json_answer(_description(), cache=AN_HOUR)


def _description() -> Any:
    """The OpenAPI document as it was built, with examples of a day to come."""
    weeks_ahead = booking().clock.now().date() + timedelta(days=22)
    tuesday = weeks_ahead + timedelta(days=(1 - weeks_ahead.weekday()) % 7)
    built = (Path(__file__).parent / "static/openapi.json").read_text("utf-8")
    return json.loads(
        built.replace("2000-01-04", str(tuesday)).replace("https://book.example", booking().settings.public_url)
    )


def _day(query: Mapping[str, str], name: str) -> date:
    try:
        return _date(query[name])
    except (KeyError, ValueError):
        problem = FieldProblem(f"/{name}", "not_a_date", f"Give ?{name}= as a date, such as 2026-11-24.")
        raise InvalidInput([problem]) from None


def _date(text: str) -> date:
    """A date that calendars reach, with room on both sides. Raises ValueError."""
    day = date.fromisoformat(text)
    if len(text) != 10 or not 1900 <= day.year < 3000:
        raise ValueError(text)
    return day


def _visit_type(query: Mapping[str, str]) -> str:
    if not query.get("visit_type"):
        raise InvalidInput([FieldProblem("/visit_type", "required", "Give ?visit_type=, one of the provider's.")])
    return query["visit_type"]


def _times(day: date, starts: tuple[int, ...], zone: ZoneInfo) -> list[str]:
    """Wall-clock times; with their offset on days on which the clock changes."""
    changes = first_minute(day + timedelta(days=1), zone) - first_minute(day, zone) != 1440
    times = (local(start, zone) for start in starts)
    return [f"{time:%H:%M}" + (f"{time:%z}"[:3] + ":" + f"{time:%z}"[3:] if changes else "") for time in times]


def _practice(found: Practice) -> booking_api.PracticeShown:
    return booking_api.PracticeShown(found.slug, found.name, found.phone)


def _provider(practice: Practice, provider: Provider) -> booking_api.ProviderShown:
    location = practice.location_of(provider)
    return booking_api.ProviderShown(
        provider.id,
        provider.name,
        provider.languages,
        provider.integrated,
        location.name,
        location.address,
        location.zone,
        [
            booking_api.VisitTypeShown(one.id, one.name, one.minutes, one.for_new_patients, one.for_returning_patients)
            for one in practice.visit_types_of(provider)
        ],
    )


def _slots(offered: OfferedSlots) -> booking_api.Slots:
    return booking_api.Slots(
        offered.provider.id,
        offered.visit_type.id,
        offered.visit_type.minutes,
        offered.zone.key,
        {str(day): _times(day, starts, offered.zone) for day, starts in offered.days.items()},
        offered.closed,
        offered.schedule_age_minutes,
    )


def _shown(found: LookedUp) -> booking_api.RequestShown:
    """What a private link shows: no birth date, reason or insurance."""
    request, zone = found.request, found.practice.zone_of(found.provider)
    return booking_api.RequestShown(
        request.id,
        request.shown_state,
        request.asked_to_cancel_at is not None,
        request.start.astimezone(zone) if request.start else None,
        zone.key,
        found.provider.name,
        found.location.name,
        found.visit_type.name,
        _practice(found.practice),
        booking_api.PreferredShown(list(request.preferred.days), [str(one) for one in request.preferred.parts])
        if request.preferred
        else None,
    )


# --- Pages ----------------------------------------------------------------------------------------------------------


def page(view: View) -> View:
    """Errors become pages in plain words; a practice that does not exist has a page, too."""

    @wraps(view)
    def wrapped(**names: str) -> Response:
        names = {name: path_text(value) for name, value in names.items()}
        try:
            return view(**names)
        except OnewayError as error:
            return _error_page(error, names.get("practice", ""))
        except Exception as error:
            return _error_page(unexpected(error), names.get("practice", ""))

    return wrapped


@app.route("/api")
@page
def read_api() -> Response:
    """The API, for people."""
    return pages().render("api.html", "en", cache=AN_HOUR, api=_description())


@app.route("/book/{practice}")
@page
def show_providers(practice: str) -> Response:
    """Who would you like to see, and what for?"""
    found = booking().practices.get(practice)
    return pages().render("providers.html", _language(found), found, cache=NOBODYS, chosen=_query())


@app.route("/book/{practice}/times")
@page
def show_times(practice: str) -> Response:
    """Free times of a week."""
    query, found = _query(), booking().practices.get(practice)
    problems = [name for name in ("provider", "visit_type") if not query.get(name)]
    if problems:
        return pages().render("providers.html", _language(found), found, 422, chosen=query, missing=problems)
    provider = found.provider(query["provider"])
    zone = found.zone_of(provider)
    today = day_of(booking().clock.now(), zone)
    first = max(_from(query.get("from", ""), today), today)
    last = first + timedelta(days=DAYS_SHOWN - 1)
    offered = booking().list_slots(practice, provider.id, query["visit_type"], first, last)
    next_free = None
    if offered.first_free is None and offered.closed is None:
        next_free = booking().list_slots.next_free_day(practice, provider.id, query["visit_type"], last).first_free
    return pages().render(
        "times.html",
        _language(found),
        found,
        chosen=query,
        cache=NOBODYS,
        **_week(offered, first, today),
        next_free=next_free,
        provider=provider,
        offered=offered,
    )


@app.route("/book/{practice}/details")
@page
def show_form(practice: str) -> Response:
    """Who are you?"""
    found = booking().practices.get(practice)
    values = blank_form() | {"for_whom": "me"} | _query() | {"key": secrets.token_urlsafe(24)}
    return _form_page(found, values, ())


@app.route("/book/{practice}/check", methods=["POST"], content_types=["application/x-www-form-urlencoded"])
@page
def check_answers(practice: str) -> Response:
    """Check your answers before they are sent."""
    found, values = booking().practices.get(practice), blank_form() | form_body(app.current_request)
    if values.get("edit"):
        return _form_page(found, values, ())
    try:
        # Whoever comes back to this page after sending holds the time already.
        if sent := booking().submit_request.sent(practice, values.get("key"), request_form(values)):
            return _to_my_request(sent, _language(found, values))
        parsed = booking().submit_request.check(practice, request_form(values))
    except InvalidInput as error:
        return _form_page(found, values, error.problems)
    except (SlotAlreadyTaken, SlotNotOffered) as error:
        return _taken_page(found, values, error)
    zone = found.zone_of(parsed.provider)
    return pages().render(
        "check.html", _language(found, values), found, values=check_values(values), parsed=parsed, zone=zone
    )


@app.route("/book/{practice}/requests", methods=["POST"], content_types=["application/x-www-form-urlencoded"])
@page
def send_request(practice: str) -> Response:
    """Send the request; sending it again finds the same one."""
    found, values = booking().practices.get(practice), blank_form() | form_body(app.current_request)
    try:
        submitted = booking().submit_request(practice, values.get("key"), request_form(values))
    except InvalidInput as error:
        return _form_page(found, values, error.problems)
    except (SlotAlreadyTaken, SlotNotOffered) as error:
        return _taken_page(found, values, error)
    return _to_my_request(submitted, _language(found, values))


@app.route("/my-request/{practice}/{link}")
@page
def show_my_request(practice: str, link: str) -> Response:
    """A request as its patient sees it."""
    found = booking().look_up_request(practice, link)
    return _my_request_page(found, link, "sent" if "sent" in _query() else "")


@app.route("/my-request/{practice}/{link}/cancel")
@page
def ask_cancel(practice: str, link: str) -> Response:
    """What cancelling will do; nothing is done yet."""
    found = booking().look_up_request(practice, link)
    return _my_request_page(found, link, template="cancel.html")


@app.route(
    "/my-request/{practice}/{link}/cancel", methods=["POST"], content_types=["application/x-www-form-urlencoded"]
)
@page
def confirm_cancel(practice: str, link: str) -> Response:
    """Cancel, or pass the wish on."""
    try:
        found = booking().cancel_by_patient(practice, link)
    except RequestAlreadyAnswered:
        return _my_request_page(booking().look_up_request(practice, link), link, "over", status=409)
    return redirect(pages().url(f"/my-request/{practice}/{link}?lang={_language(found.practice)}"))


@app.route("/static/{file}")
def booking_asset(file: str) -> Response:
    """A built file."""
    return pages().file(file) or _error_page(NotFound(), "")


def _to_my_request(submitted: Submitted, language: str) -> Response:
    return redirect(pages().url(f"/my-request/{submitted.practice.slug}/{submitted.link}?sent=1&lang={language}"))


def _query() -> dict[str, str]:
    return dict(app.current_request.query_params or {})


def _from(text: str, today: date) -> date:
    try:
        return min(_date(text), today + timedelta(days=366))
    except ValueError:
        return today


def _week(offered: OfferedSlots, first: date, today: date) -> dict[str, Any]:
    """The days shown, split into parts of the day, and where to go from there."""
    shown = []
    for day in (first + timedelta(days=n) for n in range(DAYS_SHOWN)):
        times = [local(start, offered.zone) for start in offered.days[day]]
        parts = [
            ("morning", [time for time in times if time.hour < 12]),
            ("afternoon", [time for time in times if 12 <= time.hour < 17]),
            ("evening", [time for time in times if time.hour >= 17]),
        ]
        shown.append((day, [part for part in parts if part[1]]))
    return {
        "days": shown,
        "earlier": max(today, first - timedelta(days=DAYS_SHOWN)) if first > today else None,
        "later": first + timedelta(days=DAYS_SHOWN),
        "any_free": offered.first_free is not None,
    }


def _language(practice: Practice | None, values: Mapping[str, str] | None = None) -> str:
    """As asked for (?lang=, or the form's), else the browser's, else the practice's."""
    asked = (values or {}).get("language") or (app.current_request.query_params or {}).get("lang", "")
    if asked in LANGUAGES:
        return asked
    accepted = app.current_request.headers.get("accept-language", "")[:2].lower()
    if accepted in LANGUAGES:
        return accepted
    return practice.language if practice and practice.language in LANGUAGES else "en"


def _form_page(practice: Practice, values: Mapping[str, str], problems: tuple[FieldProblem, ...]) -> Response:
    provider = practice.provider(values.get("provider", ""))
    start = _start(values.get("start", ""))
    order = list(POINTERS)
    return pages().render(
        "details.html",
        _language(practice, values),
        practice,
        422 if problems else 200,
        NO_STORE if app.current_request.method == "POST" else NOBODYS,
        values=values,
        provider=provider,
        visit_type=practice.visit_types.get(values.get("visit_type", "")),
        start=start,
        zone=practice.zone_of(provider),
        problems=sorted((p for p in problems if p.pointer in POINTERS), key=lambda p: order.index(p.pointer)),
        choice_problems=[p for p in problems if p.pointer not in POINTERS],
        wrong={p.pointer: p.code for p in problems},
        form_pointers=POINTERS,
    )


def _taken_page(practice: Practice, values: Mapping[str, str], error: SlotAlreadyTaken | SlotNotOffered) -> Response:
    provider = practice.provider(values.get("provider", ""))
    zone = practice.zone_of(provider)
    start = _start(values.get("start", ""))
    times = [local(minute, zone) for minute in error.left]
    if start:
        times = sorted(sorted(times, key=lambda time: abs(time - start))[:12])
    return pages().render(
        "taken.html",
        _language(practice, values),
        practice,
        409,
        values=values,
        provider=provider,
        times=times,
        zone=zone,
        phone_only=isinstance(error, SlotNotOffered) and error.reason in ("not_integrated", "never_pulled"),
    )


def _my_request_page(
    found: LookedUp, link: str, notice: str = "", template: str = "my_request.html", status: int = 200
) -> Response:
    query_language = (app.current_request.query_params or {}).get("lang", "")
    language = query_language if query_language in LANGUAGES else found.request.language
    return pages().render(
        template,
        language,
        found.practice,
        status,
        found=found,
        request=found.request,
        provider=found.provider,
        location=found.location,
        zone=found.practice.zone_of(found.provider),
        link=link,
        notice=notice,
    )


def _start(text: str) -> datetime | None:
    try:
        start = datetime.fromisoformat(text)
    except ValueError:
        return None
    return start if start.tzinfo else None


def _error_page(error: OnewayError, slug: str) -> Response:
    problem = problem_of(error)
    practice: Practice | None = None
    if slug and not isinstance(error, PracticeNotFound | StoreUnavailable):
        try:
            practice = booking().practices.get(slug)
        except OnewayError:
            practice = None
    answer = pages().render("error.html", _language(practice), practice, problem.status, word=problem.word)
    if problem.status == 503:
        answer.headers["Retry-After"] = "2"
    return answer
