"""Appointment details: everything of one visit, and what staff can say of it."""

from collections.abc import Callable
from functools import partial
from secrets import token_urlsafe
from typing import TypeVar

from chalice.app import Response
from oneway.domain.claims import LASTS
from oneway.domain.errors import RequestAlreadyAnswered, SomebodyElseIsOnIt
from oneway.domain.requests import Request
from oneway.ports import Session
from oneway.use_cases.list_visits import name_of
from oneway.use_cases.preview_cancel import Follows, follows_of_vanished
from oneway.use_cases.show_requests import RequestDetails
from oneway.web.answers import form_body
from portal_app import FORMS, app, changing, portal, show, signed_in, to

T = TypeVar("T")

LONGEST_NOTE = 500
LONGEST_INTERNAL_NOTE = 1000
REASONS = ("moved", "patient_asked", "not_available", "duplicate", "other")


@app.route("/portal/{practice}/appointments/{request}")
@signed_in
def show_appointment(session: Session, practice: str, request: str) -> Response:
    """The page that the e-mailed link opens."""
    return _page("appointment.html", session, portal().show_request(practice, session.email, request))


@app.route("/portal/{practice}/appointments/{request}/cancel")
@signed_in
def ask_staff_cancel(session: Session, practice: str, request: str) -> Response:
    """What cancelling will do; nothing is done yet."""
    return _cancel_page(session, practice, request, {"reason": "", "note": ""})


@app.route("/portal/{practice}/appointments/{request}/cancel", methods=["POST"], content_types=FORMS)
@changing
def staff_cancel(session: Session, practice: str, request: str) -> Response:
    """Cancel a pending request."""
    form = form_body(app.current_request)
    values = {"reason": form.get("reason", ""), "note": form.get("note", "").replace("\r\n", "\n").strip()}
    if form.get("step") == "preview":
        return _cancel_page(session, practice, request, values)
    wrong = {}
    if values["reason"] not in REASONS:
        wrong["reason"] = "required"
    if len(values["note"]) > LONGEST_NOTE:
        wrong["note"] = "too_long"
    if wrong:
        return _cancel_page(session, practice, request, values, wrong)
    cancel = partial(portal().cancel_by_staff, practice, session.email, request, values["reason"], values["note"])
    return _answered(session, practice, request, "cancelled", cancel)


@app.route("/portal/{practice}/appointments/{request}/match", methods=["POST"], content_types=FORMS)
@changing
def answer_match(session: Session, practice: str, request: str) -> Response:
    """A visit in the schedule is the answer to a request, or is not, or may be after all."""
    form = form_body(app.current_request)
    provider, visit = form.get("provider", ""), form.get("appointment", "")
    who, word = (practice, session.email, request), form.get("answer", "")
    if word == "accepted":
        return _answered(session, practice, request, word, partial(portal().accept_match, *who, provider, visit))
    if word == "dismissed":
        dismiss = partial(portal().dismiss_match, *who, provider, visit)
        return _answered(session, practice, request, partial(_dismissed, visit), dismiss)
    if word == "perhaps":
        return _answered(session, practice, request, str, partial(portal().undo_dismissal, *who, provider, visit))
    return _not_understood(session, practice, request)


@app.route("/portal/{practice}/appointments/{request}/link", methods=["POST"], content_types=FORMS)
@changing
def answer_link(session: Session, practice: str, request: str) -> Response:
    """A link is undone, or holds although the visit's patient changed."""
    answers: dict[str, Callable[..., object]] = {"undone": portal().undo_link, "kept": portal().keep_link}
    form = form_body(app.current_request)
    word = form.get("answer", "")
    if word not in answers:
        return _not_understood(session, practice, request)
    # Of a page that is older than the link nothing is undone.
    act = partial(answers[word], practice, session.email, request, form.get("appointment", ""))
    return _answered(session, practice, request, word, act)


@app.route("/portal/{practice}/appointments/{request}/vanished", methods=["POST"], content_types=FORMS)
@changing
def answer_vanished(session: Session, practice: str, request: str) -> Response:
    """A visit that is no longer in the schedule is cancelled, or stands."""
    word = form_body(app.current_request).get("answer", "")
    if word not in ("cancelled", "stands"):
        return _not_understood(session, practice, request)
    is_cancelled = word == "cancelled"
    answer = partial(portal().answer_vanished, practice, session.email, request, is_cancelled=is_cancelled)
    return _answered(session, practice, request, "visit_cancelled" if is_cancelled else word, answer)


@app.route("/portal/{practice}/appointments/{request}/call", methods=["POST"], content_types=FORMS)
@changing
def close_call_task(session: Session, practice: str, request: str) -> Response:
    """Staff have called the patient whom a message did not reach."""
    task = form_body(app.current_request).get("task", "")
    act = partial(portal().close_call_task, practice, session.email, request, task)
    return _answered(session, practice, request, lambda after: "called" if task in after.told_by_phone else "gone", act)


@app.route("/portal/{practice}/appointments/{request}/address", methods=["POST"], content_types=FORMS)
@changing
def use_address_again(session: Session, practice: str, request: str) -> Response:
    """Mail to the patient's address arrives again, or is wanted again."""
    act = partial(portal().use_address_again, practice, session.email, request)
    return _answered(session, practice, request, "address", act)


@app.route("/portal/{practice}/appointments/{request}/claim", methods=["POST"], content_types=FORMS)
@changing
def claim_request(session: Session, practice: str, request: str) -> Response:
    """*I'm on it*, or not any more."""
    form = form_body(app.current_request)
    if form.get("answer") not in ("claimed", "released"):
        return _not_understood(session, practice, request)
    try:
        if form.get("answer") == "released":
            portal().claim_request.release(practice, session.email, request)
            return to(practice, "appointments", request, done="released")
        claim = partial(portal().claim_request, practice, session.email, request, instead_of=form.get("instead_of", ""))
        return _answered(session, practice, request, "claimed", claim)
    except SomebodyElseIsOnIt:
        found = portal().show_request(practice, session.email, request)
        return _page("appointment.html", session, found, 409, done="somebody_else")


@app.route("/portal/{practice}/appointments/{request}/notes", methods=["POST"], content_types=FORMS)
@changing
def write_note(session: Session, practice: str, request: str) -> Response:
    """A note for the others of the staff."""
    form = form_body(app.current_request)
    text = form.get("text", "").replace("\r\n", "\n").strip()
    if len(text) > LONGEST_INTERNAL_NOTE:
        found = portal().show_request(practice, session.email, request)
        return _page("appointment.html", session, found, 422, done="", note_too_long=text)
    if text:
        portal().write_note(practice, session.email, request, text, form.get("key", ""))
    return to(practice, "appointments", request, done="noted" if text else "")


@app.route("/portal/{practice}/visits/{provider}/{appointment}")
@signed_in
def show_visit(session: Session, practice: str, provider: str, appointment: str) -> Response:
    """A visit that nobody asked for online; one that somebody did is shown with its request."""
    found = portal().show_visit(practice, session.email, provider, appointment)
    if found.visit.request_id:
        return to(practice, "appointments", found.visit.request_id)
    zone = found.practice.zone_of(found.provider)
    values = {"visit": found.visit, "provider": found.provider, "location": found.location, "zone": zone}
    return show("visit.html", session, found, "appointments", patient_name=name_of(found.visit), **values)


def _cancel_page(
    session: Session, practice: str, request: str, values: dict[str, str], wrong: dict[str, str] | None = None
) -> Response:
    found = portal().show_request(practice, session.email, request)
    note, now = values["note"][:LONGEST_NOTE], portal().clock.now()
    preview = portal().preview_cancel(
        found.practice, found.request, values["reason"], note, now, suppressed=found.suppressed is not None
    )
    status = 422 if wrong else 200
    return _page("cancel_request.html", session, found, status, wrong=wrong or {}, values=values, preview=preview)


def _undo_says(found: RequestDetails) -> str:
    """What the patient is told if the link is undone."""
    request, link = found.request, found.request.link
    if link and (link.knows.start or link.start) <= portal().clock.now():
        return "past"
    if found.undo_is_silent:
        return "silent"
    return "corrects" if request.patient.email and found.suppressed is None else "corrects_by_phone"


def _follows(found: RequestDetails) -> Follows | None:
    """What the patient gets if a visit that is no longer in the schedule is cancelled."""
    if not found.request.vanished_at:
        return None
    is_stopped = found.suppressed is not None
    return follows_of_vanished(found.practice, found.request, portal().clock.now(), suppressed=is_stopped)


def _answered(
    session: Session,
    practice: str,
    request: str,
    word: str | Callable[[T], str],
    answer: Callable[[], T],
) -> Response:
    """Do what staff said and show the page again, with a word for what came of it; if somebody was faster, say so."""
    try:
        after = answer()
        said = word if isinstance(word, str) else word(after)
    except RequestAlreadyAnswered:
        found = portal().show_request(practice, session.email, request)
        return _page("appointment.html", session, found, 409, done="over")
    return to(practice, "appointments", request, done=said)


def _dismissed(visit: str, after: Request) -> str:
    return "dismissed" if any(one.appointment_id == visit for one in after.dismissals) else "gone"


def _not_understood(session: Session, practice: str, request: str) -> Response:
    return _page("appointment.html", session, portal().show_request(practice, session.email, request), 422, done="")


def _page(template: str, session: Session, found: RequestDetails, status: int = 200, **values: object) -> Response:
    practice, request = found.practice, found.request
    asked_provider = practice.provider_named(request.provider_id, request.location_id)
    return show(
        template,
        session,
        found,
        "appointments",
        status,
        request=request,
        provider=found.provider,
        asked_provider=asked_provider,
        location=found.location,
        visit_type=found.visit_type,
        zone=practice.zone_of(found.provider),
        asked_zone=practice.zone_of(asked_provider),
        timeline=found.timeline,
        messages=found.messages,
        suppressed=found.suppressed,
        explained=found.explained,
        undo_says=_undo_says(found),
        claim=found.claim,
        claim_ends=found.claim.since + LASTS if found.claim else None,
        notes=found.notes,
        note_key=token_urlsafe(16),
        reasons=REASONS,
        follows=_follows(found),
        **({"note_too_long": ""} | values),
    )
