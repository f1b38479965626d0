"""Patients: the JSON API and the booking pages. Routes stand in infra/api.yaml; nothing is decided here."""

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
from oneway.domain.practices import Practice
from oneway.languages import LANGUAGES
from oneway.use_cases.list_slots import OfferedSlots
from oneway.use_cases.look_up_request import LookedUp
from oneway.use_cases.submit_request import Submitted
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
LOOK_AHEAD_DAYS = 62
FEW_SECONDS = "public, max-age=10"


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
            return problem_answer(details(error, _practice_zone(names["practice"], error)))
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
    providers = [
        {
            "id": provider.id,
            "name": provider.name,
            "languages": provider.languages,
            "bookable": provider.integrated,
            "location": found.location_of(provider).name,
            "address": found.location_of(provider).address,
            "zone": found.location_of(provider).zone,
            "visit_types": [
                {
                    "id": visit_type.id,
                    "name": visit_type.name,
                    "minutes": visit_type.minutes,
                    "for_new_patients": visit_type.for_new_patients,
                    "for_returning_patients": visit_type.for_returning_patients,
                }
                for visit_type in map(found.visit_types.__getitem__, provider.visit_type_ids)
            ],
        }
        for provider in found.providers.values()
    ]
    body = {"practice": {"id": found.slug, "name": found.name, "phone": found.phone}, "providers": providers}
    return json_answer(body, cache=FEW_SECONDS)


@app.route("/api/practices/{practice}/providers/{provider}/slots")
@api
def list_slots(practice: str, provider: str) -> Response:
    """Free times by day: ?from=YYYY-MM-DD&to=YYYY-MM-DD&visit_type=ID."""
    query = app.current_request.query_params or {}
    first, last = _day(query, "from"), _day(query, "to")
    if not query.get("visit_type"):
        raise InvalidInput([FieldProblem("/visit_type", "required", "Give ?visit_type=, one of the provider's.")])
    offered = booking().list_slots(practice, provider, query["visit_type"], first, last)
    body = {
        "provider": offered.provider.id,
        "visit_type": offered.visit_type.id,
        "minutes": offered.visit_type.minutes,
        "zone": offered.zone.key,
        "days": {str(day): _times(day, starts, offered.zone) for day, starts in offered.days.items()},
        "closed": offered.closed,
        "schedule_age_minutes": offered.schedule_age_minutes,
    }
    return json_answer(body, cache=FEW_SECONDS)


@app.route("/api/practices/{practice}/requests", methods=["POST"], content_types=["application/json"])
@api
def submit_request(practice: str) -> Response:
    """Ask for a time. The key stands in the Idempotency-Key header (or in the body's "key")."""
    form = json_body(app.current_request)
    key = form.pop("key", None)
    submitted = booking().submit_request(practice, app.current_request.headers.get("idempotency-key") or key, form)
    body = _shown(booking().look_up_request(practice, submitted.link)) | {
        "link": f"{booking().settings.public_url}/my-request/{practice}/{submitted.link}"
    }
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


def _day(query: Mapping[str, str], name: str) -> date:
    try:
        return date.fromisoformat(query[name])
    except (KeyError, ValueError):
        problem = FieldProblem(f"/{name}", "not_a_date", f"Give ?{name}= as a date, such as 2026-11-24.")
        raise InvalidInput([problem]) from None


def _times(day: date, starts: tuple[int, ...], zone: ZoneInfo) -> list[str]:
    """Wall-clock times; with their offset on days on which the clock changes."""
    changes = first_minute(day + timedelta(days=1), zone) - first_minute(day, zone) != 1440
    times = (local(start, zone) for start in starts)
    return [f"{time:%H:%M}" + (f"{time:%z}"[:3] + ":" + f"{time:%z}"[3:] if changes else "") for time in times]


def _shown(found: LookedUp) -> dict[str, Any]:
    """What a private link shows: no birth date, reason or insurance."""
    request, zone = found.request, found.practice.zone_of(found.provider)
    return {
        "id": request.id,
        "state": request.shown_state,
        "asked_to_cancel": request.asked_to_cancel_at is not None,
        "start": request.start.astimezone(zone).isoformat() if request.start else None,
        "zone": zone.key,
        "provider": found.provider.name,
        "location": found.location.name,
        "visit_type": found.visit_type.name,
        "practice": {"name": found.practice.name, "phone": found.practice.phone},
    }


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
    ahead = booking().list_slots(
        practice, provider.id, query["visit_type"], first, first + timedelta(days=LOOK_AHEAD_DAYS - 1)
    )
    return pages().render(
        "times.html",
        _language(found),
        found,
        chosen=query,
        cache=NOBODYS,
        **_week(ahead, first, today),
        provider=provider,
        offered=ahead,
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
        return min(date.fromisoformat(text), today + timedelta(days=366))
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
    later = first + timedelta(days=DAYS_SHOWN)
    next_free = next((day for day, starts in offered.days.items() if day >= later and starts), None)
    return {
        "days": shown,
        "earlier": max(today, first - timedelta(days=DAYS_SHOWN)) if first > today else None,
        "later": later,
        "any_free": any(parts for _, parts in shown),
        "next_free": next_free,
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
