"""Appointments: the lists of what there is to do, of what comes and of what was, and finding one visit among all."""

from collections.abc import Callable
from datetime import date
from urllib.parse import quote, urlencode

from chalice.app import Response
from oneway.domain.appointments import AppointmentState
from oneway.domain.health import is_answered
from oneway.domain.requests import RequestState
from oneway.ports import Session
from oneway.use_cases.list_visits import Filters, VisitRow, VisitTab
from oneway.web.answers import form_body
from portal_app import FORMS, app, asked, pages, portal, show, signed_in

ROOM = "appointments"
LONGEST_SEARCH = 100
STATES = (RequestState.REQUESTED, *AppointmentState, RequestState.EXPIRED)
"""The states that lists are filtered by."""


@app.route("/portal/{practice}/appointments")
@signed_in
def show_action_required(session: Session, practice: str) -> Response:
    """Appointments > Action required."""
    found = portal().list_to_act(practice, session.email, _filters(), _page())
    return show(
        "appointments.html",
        session,
        found,
        ROOM,
        found=found,
        is_answered=is_answered,
        filters=found.filters,
        tab="action_required",
        to_act=found.total,
        address=_address(practice, "appointments", found.filters),
        states=STATES,
        staff_mail=portal().stopped_staff_mail(found.practice),
    )


@app.route("/portal/{practice}/upcoming")
@signed_in
def show_upcoming(session: Session, practice: str) -> Response:
    """Appointments > Upcoming."""
    return _visits(session, practice, VisitTab.UPCOMING)


@app.route("/portal/{practice}/past")
@signed_in
def show_past(session: Session, practice: str) -> Response:
    """Appointments > Past."""
    return _visits(session, practice, VisitTab.PAST)


@app.route("/portal/{practice}/search")
@signed_in
def show_search(session: Session, practice: str) -> Response:
    """Where to find a visit; what is looked for never stands in an address."""
    return _search(session, practice, "")


@app.route("/portal/{practice}/search", methods=["POST"], content_types=FORMS)
@signed_in
def search(session: Session, practice: str) -> Response:
    """Find visits by name, phone or e-mail."""
    return _search(session, practice, form_body(app.current_request).get("text", "")[:LONGEST_SEARCH].strip())


def page_of(practice: str, row: VisitRow) -> str:
    """The address of a visit's page: its request's, if it was asked for."""
    parts = ("appointments", row.request_id) if row.request_id else ("visits", row.provider_id, row.id)
    return pages().url("/portal/" + "/".join(quote(part, safe="") for part in (practice, *parts)))


def _visits(session: Session, practice: str, tab: VisitTab) -> Response:
    found = portal().list_visits(practice, session.email, tab, _filters(), _page())
    return show(
        "visits.html",
        session,
        found,
        ROOM,
        found=found,
        filters=found.filters,
        tab=str(tab),
        to_act=found.to_act,
        address=_address(practice, tab, found.filters),
        states=STATES,
        page_of=lambda row: page_of(practice, row),
    )


def _search(session: Session, practice: str, text: str) -> Response:
    found = portal().find_visits(practice, session.email, text)
    return show(
        "search.html",
        session,
        found,
        ROOM,
        found=found,
        tab="search",
        to_act=None,
        page_of=lambda row: page_of(practice, row),
    )


def _filters() -> Filters:
    """What the address asks for; what makes no sense is not asked for."""
    query = asked()
    state = query.get("state", "")
    return Filters(
        query.get("provider", ""),
        state if state in STATES else "",
        _day(query.get("from", "")),
        _day(query.get("to", "")),
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _page() -> int:
    text = asked().get("page", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 1


def _address(practice: str, tab: str, filters: Filters) -> Callable[[int], str]:
    """Addresses of the pages of a list."""
    chosen = {
        "provider": filters.provider_id,
        "state": filters.state,
        "from": filters.first.isoformat() if filters.first else "",
        "to": filters.last.isoformat() if filters.last else "",
    }

    def address(page: int = 1) -> str:
        query = urlencode(
            {name: value for name, value in chosen.items() if value} | ({"page": page} if page > 1 else {})
        )
        return pages().url(f"/portal/{quote(practice, safe='')}/{tab}") + (f"?{query}" if query else "")

    return address
