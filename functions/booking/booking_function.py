"""Patients: the JSON API, and the way to the pages (the modules that PAGES names), which it never loads.

Routes stand in infra/api.yaml; nothing is decided here.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import lru_cache, wraps
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

from chalice.app import Response
from oneway import bootstrap
from oneway.domain.clock_time import first_minute, zone_of
from oneway.domain.errors import FieldProblem, InvalidInput, OnewayError, SlotAlreadyTaken, SlotNotOffered
from oneway.domain.practices import Practice, Provider
from oneway.use_cases.list_slots import OfferedSlots
from oneway.use_cases.look_up_request import LookedUp
from oneway.web import booking_api
from oneway.web.answers import App, handler_of, json_answer, json_body, path_text, problem_answer, unexpected
from oneway.web.problems import details, local

if TYPE_CHECKING:
    from oneway.web.pages import Pages

app = App(app_name="booking")
app.api.binary_types = []
handler = handler_of(app)

View = Callable[..., Response]
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
    from api_description import described

    return json_answer(described(booking()), cache=AN_HOUR)


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


def _query() -> dict[str, str]:
    return dict(app.current_request.query_params or {})


def _visit_type(query: Mapping[str, str]) -> str:
    if not query.get("visit_type"):
        raise InvalidInput([FieldProblem("/visit_type", "required", "Give ?visit_type=, one of the provider's.")])
    return query["visit_type"]


def _times(day: date, starts: tuple[int, ...], zone: ZoneInfo) -> list[str]:
    """Wall-clock times; with their offset on days on which the clock changes."""
    begins = first_minute(day, zone)
    if first_minute(day + timedelta(days=1), zone) - begins == 1440:
        return [f"{(start - begins) // 60:02}:{(start - begins) % 60:02}" for start in starts]
    times = (local(start, zone) for start in starts)
    return [time.isoformat(timespec="minutes")[11:] for time in times]


def _practice(found: Practice) -> booking_api.PracticeShown:
    return booking_api.PracticeShown(found.slug, found.name, found.phone)


def _provider(practice: Practice, provider: Provider) -> booking_api.ProviderShown:
    location = practice.location_of(provider)
    return booking_api.ProviderShown(
        provider.id,
        provider.name,
        provider.languages,
        provider.integrated and not practice.availability_of(provider).paused,
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
    request, zone = found.request, zone_of(found.location.zone)
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
        booking_api.PreferredShown(
            list(request.preferred.days), [cast("booking_api.Part", str(one)) for one in request.preferred.parts]
        )
        if request.preferred
        else None,
    )


# --- Pages ----------------------------------------------------------------------------------------------------------

FORMS = ["application/x-www-form-urlencoded"]
STEPS = {
    "": "show_providers",
    "/visit": "show_visit_types",
    "/times": "show_times",
    "/days": "show_days",
    "/who": "show_who",
    "/details": "show_details",
}
"""Steps of the booking tool: asked for with what was chosen so far, or sent with all that was typed."""
PAGES = [
    *((method, f"/{place}/{{practice}}{step}", "booking_pages", view)
      for place in ("book", "embed") for step, view in STEPS.items() for method in ("GET", "POST")),
    *(("POST", f"/{place}/{{practice}}/check", "booking_pages", "check_answers") for place in ("book", "embed")),
    *(("POST", f"/{place}/{{practice}}/requests", "booking_pages", "send_request") for place in ("book", "embed")),
    *(("GET", f"/{place}/{{practice}}/{sent}", "booking_pages", "start_again")
      for place in ("book", "embed") for sent in ("check", "requests")),
    ("GET", "/embed/{practice}/sent/{link}", "my_request_pages", "show_my_request"),
    ("GET", "/my-request/{practice}/{link}", "my_request_pages", "show_my_request"),
    ("GET", "/my-request/{practice}/{link}/appointment.ics", "my_request_pages", "download_visit"),
    ("GET", "/my-request/{practice}/{link}/cancel", "my_request_pages", "ask_cancel"),
    ("POST", "/my-request/{practice}/{link}/cancel", "my_request_pages", "confirm_cancel"),
    ("GET", "/api", "served_files", "read_api"),
    ("GET", "/static/{file}", "served_files", "booking_asset"),
    ("GET", "/embed.js", "served_files", "embed_script"),
    ("GET", "/photos/{practice}/{file}", "served_files", "provider_photo"),
]  # fmt: skip
"""Method, route, and the view: its module, loaded when it is first asked for, and its name. What can be fetched answers
HEAD, too: mail scanners and those who check links ask for it."""


def _page(module: str, name: str) -> View:
    def view(**names: str) -> Response:
        from page_requests import answered

        answer = answered(getattr(import_module(module), name), app.current_request, booking(), pages(), names)
        if app.current_request.method == "HEAD":
            answer.body = ""
        return answer

    return view


for got, route, module, name in PAGES:
    for method in ("GET", "HEAD") if got == "GET" else (got,):
        kinds = FORMS if method == "POST" else ["application/json"]  # of a GET without a body Chalice says that
        app.route(route, methods=[method], content_types=kinds, name=f"{name} {method} {route}")(_page(module, name))
