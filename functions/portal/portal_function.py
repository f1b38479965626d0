"""Staff: sign-in, Appointments > Action required, the details page. Routes stand in infra/api.yaml."""

from collections.abc import Callable
from functools import lru_cache, partial, wraps
from pathlib import Path
from urllib.parse import quote

from chalice.app import Chalice, Response
from oneway import bootstrap
from oneway.domain.errors import Forbidden, NotFound, OnewayError, RequestAlreadyAnswered
from oneway.domain.practices import StaffRole
from oneway.languages import LANGUAGES, portal_words
from oneway.ports import Session
from oneway.use_cases.show_requests import RequestDetails
from oneway.web import sessions
from oneway.web.answers import form_body, handler_of, path_text, redirect, unexpected
from oneway.web.cognito import Attempt, Cognito
from oneway.web.pages import Pages
from oneway.web.problems import SignInRefused, problem_of

app = Chalice(app_name="portal")
app.api.binary_types = []
handler = handler_of(app)

View = Callable[..., Response]
LONGEST_NOTE = 500
REASONS = ("moved", "patient_asked", "not_available", "duplicate", "other")
FORMS = ["application/x-www-form-urlencoded"]


@lru_cache(maxsize=1)
def portal() -> bootstrap.Portal:
    """The use cases, built when the first request comes."""
    return bootstrap.portal()


@lru_cache(maxsize=1)
def pages() -> Pages:
    """The pages of this function."""
    return Pages(Path(__file__).parent, "portal-static", portal().settings.base_path, portal_words)


@lru_cache(maxsize=1)
def cognito() -> Cognito:
    """The hosted sign-in pages."""
    settings = portal().settings
    return Cognito(settings.sign_in_url, settings.sign_in_client_id, f"{settings.public_url}/auth/callback")


def safe(view: View) -> View:
    """Errors become pages."""

    @wraps(view)
    def wrapped(**names: str) -> Response:
        try:
            return view(**{name: path_text(value) for name, value in names.items()})
        except OnewayError as error:
            return _error_page(error)
        except Exception as error:
            return _error_page(unexpected(error))

    return wrapped


def signed_in(view: View) -> View:
    """Without a session: to sign-in, and from there to exactly this page. A form has to be ours."""

    @safe
    @wraps(view)
    def wrapped(**names: str) -> Response:
        request, now = app.current_request, portal().clock.now()
        session = sessions.session_of(portal().sessions, request.headers, now)
        if session is None:
            # Chalice's own `path` is the route's pattern.
            path = "".join(f"/{quote(part)}" for part in _path(request.to_original_event()["path"]))
            return redirect(pages().url(f"/auth/sign-in?to={quote(path, safe='')}"))
        if request.method == "POST":
            token = form_body(request).get("csrf", "")
            if not sessions.form_is_ours(session, request.headers, token, portal().settings.public_url):
                raise Forbidden
        return view(session, **names)

    return wrapped


# --- Signing in -----------------------------------------------------------------------------------------------------


@app.route("/auth/sign-in")
@safe
def sign_in() -> Response:
    """To Cognito's page; `to` is where the person wanted to go."""
    attempt, location = cognito().start()
    to = _local((app.current_request.query_params or {}).get("to", ""))
    kept = ".".join((attempt.state, attempt.nonce, attempt.verifier, quote(to, safe="")))
    return redirect(location, [sessions.signing_in_cookie(kept)])


@app.route("/auth/callback")
@safe
def signed_in_callback() -> Response:
    """Back from Cognito: the code becomes a session, and the person goes on to where they wanted."""
    query = app.current_request.query_params or {}
    kept = sessions.signing_in(app.current_request.headers).split(".", 3)
    if len(kept) != 4 or not query.get("code") or query.get("state") != kept[0]:
        raise SignInRefused
    now = portal().clock.now()
    email = cognito().email_of(query["code"], Attempt(*kept[:3]), now.timestamp())
    _, cookie = sessions.start_session(portal().sessions, email, now)
    return redirect(pages().url(_local(path_text(kept[3]))), [cookie, sessions.end_signing_in_cookie()])


@app.route("/auth/sign-out", methods=["POST"], content_types=FORMS)
@signed_in
def sign_out(session: Session) -> Response:
    """Ends the session here and at Cognito."""
    portal().sessions.delete(session.id)
    settings = portal().settings
    back = quote(f"{settings.public_url}/portal", safe="")
    location = f"{settings.sign_in_url}/logout?client_id={settings.sign_in_client_id}&logout_uri={back}"
    return redirect(location, [sessions.end_session_cookie()])


def _path(path: str) -> list[str]:
    return [path_text(part) for part in path.split("/") if part]


def _local(to: str) -> str:
    """A path inside the portal; anything else leads to its first page."""
    inside = to.startswith("/portal/") and "//" not in to and "\\" not in to and to.isprintable()
    return to if inside and ".." not in to else "/portal"


# --- Pages ----------------------------------------------------------------------------------------------------------


@app.route("/portal")
@signed_in
def show_practices(session: Session) -> Response:
    """To the person's practice; a choice where there are several."""
    slugs = portal().practices.practices_of(session.email)
    if len(slugs) == 1:
        return redirect(pages().url(f"/portal/{slugs[0]}/appointments"))
    practices = [portal().practices.get(slug) for slug in slugs]
    return pages().render("practices.html", _language(), session=session, practices=practices)


@app.route("/portal/{practice}/appointments")
@signed_in
def show_action_required(session: Session, practice: str) -> Response:
    """Appointments > Action required."""
    found = portal().list_to_act(practice, session.email)
    return pages().render(
        "appointments.html",
        _language(found.practice.language),
        found.practice,
        session=session,
        member=found.member,
        may_change=found.member.role is not StaffRole.VIEWER,
        done=(app.current_request.query_params or {}).get("done", ""),
        requests=found.requests,
        broken=found.broken,
        age=found.schedule_age_minutes,
        now=portal().clock.now(),
    )


@app.route("/portal/{practice}/sync", methods=["POST"], content_types=FORMS)
@signed_in
def sync_now(session: Session, practice: str) -> Response:
    """Read the practice's schedules now."""
    portal().ask_sync(practice, session.email)
    return redirect(pages().url(f"/portal/{quote(practice)}/appointments?done=syncing"))


@app.route("/portal/{practice}/appointments/{request}")
@signed_in
def show_appointment(session: Session, practice: str, request: str) -> Response:
    """The page that the e-mailed link opens."""
    found = portal().show_request(practice, session.email, request)
    done = (app.current_request.query_params or {}).get("done", "")
    return _details_page("appointment.html", session, found, done=done)


@app.route("/portal/{practice}/appointments/{request}/cancel")
@signed_in
def ask_staff_cancel(session: Session, practice: str, request: str) -> Response:
    """What cancelling will do; nothing is done yet."""
    found = portal().show_request(practice, session.email, request)
    return _details_page("cancel_request.html", session, found, wrong={}, values={"reason": "", "note": ""})


@app.route("/portal/{practice}/appointments/{request}/cancel", methods=["POST"], content_types=FORMS)
@signed_in
def staff_cancel(session: Session, practice: str, request: str) -> Response:
    """Cancel a pending request."""
    form = form_body(app.current_request)
    values = {"reason": form.get("reason", ""), "note": form.get("note", "").replace("\r\n", "\n").strip()}
    wrong = {}
    if values["reason"] not in REASONS:
        wrong["reason"] = "required"
    if len(values["note"]) > LONGEST_NOTE:
        wrong["note"] = "too_long"
    if wrong:
        found = portal().show_request(practice, session.email, request)
        return _details_page("cancel_request.html", session, found, 422, wrong=wrong, values=values)
    try:
        portal().cancel_by_staff(practice, session.email, request, values["reason"], values["note"])
    except RequestAlreadyAnswered:
        found = portal().show_request(practice, session.email, request)
        return _details_page("appointment.html", session, found, 409, done="over")
    return redirect(pages().url(f"/portal/{quote(practice)}/appointments/{quote(request)}?done=cancelled"))


@app.route("/portal/{practice}/appointments/{request}/match", methods=["POST"], content_types=FORMS)
@signed_in
def answer_match(session: Session, practice: str, request: str) -> Response:
    """A visit in the schedule is the answer to a request, or is not."""
    form = form_body(app.current_request)
    answers = {"accepted": portal().accept_match, "dismissed": portal().dismiss_match}
    answer = answers.get(form.get("answer", ""))
    if answer is None:
        found = portal().show_request(practice, session.email, request)
        return _details_page("appointment.html", session, found, 422, done="")
    visit = form.get("provider", ""), form.get("appointment", "")
    return _answered(
        session, practice, request, form["answer"], partial(answer, practice, session.email, request, *visit)
    )


@app.route("/portal/{practice}/appointments/{request}/link", methods=["POST"], content_types=FORMS)
@signed_in
def answer_link(session: Session, practice: str, request: str) -> Response:
    """A link is undone, or holds although the visit's patient changed."""
    answers = {"undone": portal().undo_link, "kept": portal().keep_link}
    word = form_body(app.current_request).get("answer", "")
    answer = answers.get(word)
    if answer is None:
        found = portal().show_request(practice, session.email, request)
        return _details_page("appointment.html", session, found, 422, done="")
    return _answered(session, practice, request, word, partial(answer, practice, session.email, request))


def _answered(session: Session, practice: str, request: str, word: str, answer: Callable[[], object]) -> Response:
    """Do what staff said and show the page again; if somebody was faster, say so."""
    try:
        answer()
    except RequestAlreadyAnswered:
        found = portal().show_request(practice, session.email, request)
        return _details_page("appointment.html", session, found, 409, done="over")
    return redirect(pages().url(f"/portal/{quote(practice)}/appointments/{quote(request)}?done={word}"))


@app.route("/portal/{practice}/appointments/{request}/vanished", methods=["POST"], content_types=FORMS)
@signed_in
def answer_vanished(session: Session, practice: str, request: str) -> Response:
    """A visit that is no longer in the schedule is cancelled, or stands."""
    answer = form_body(app.current_request).get("answer", "")
    if answer not in ("cancelled", "stands"):
        found = portal().show_request(practice, session.email, request)
        return _details_page("appointment.html", session, found, 422, done="")
    is_cancelled = answer == "cancelled"
    act = partial(portal().answer_vanished, practice, session.email, request, is_cancelled=is_cancelled)
    return _answered(session, practice, request, answer, act)


@app.route("/portal/{practice}/appointments/{request}/call", methods=["POST"], content_types=FORMS)
@signed_in
def close_call_task(session: Session, practice: str, request: str) -> Response:
    """Staff have called the patient whom a message did not reach."""
    task = form_body(app.current_request).get("task", "")
    act = partial(portal().close_call_task, practice, session.email, request, task)
    return _answered(session, practice, request, "called", act)


@app.route("/portal/{practice}/appointments/{request}/address", methods=["POST"], content_types=FORMS)
@signed_in
def use_address_again(session: Session, practice: str, request: str) -> Response:
    """Mail to the patient's address arrives again, or is wanted again."""
    act = partial(portal().use_address_again, practice, session.email, request)
    return _answered(session, practice, request, "address", act)


@app.route("/portal-static/{file}")
def portal_asset(file: str) -> Response:
    """A built file."""
    return pages().file(file) or _error_page(NotFound())


def _details_page(
    template: str, session: Session, found: RequestDetails, status: int = 200, **values: object
) -> Response:
    practice, request = found.practice, found.request
    asked = practice.provider(request.provider_id)
    return pages().render(
        template,
        _language(practice.language),
        practice,
        status,
        session=session,
        member=found.member,
        may_change=found.member.role is not StaffRole.VIEWER,
        request=request,
        provider=found.provider,
        asked_provider=asked,
        location=found.location,
        visit_type=found.visit_type,
        zone=practice.zone_of(found.provider),
        asked_zone=practice.zone_of(asked),
        timeline=found.timeline,
        messages=found.messages,
        suppressed=found.suppressed,
        age=found.schedule_age_minutes,
        explained=found.explained,
        undo_is_silent=found.undo_is_silent,
        reasons=REASONS,
        mail_follows=bool(request.patient.email) and practice.switches.cancelled,
        **values,
    )


def _language(preferred: str = "") -> str:
    asked = (app.current_request.query_params or {}).get("lang", "")
    return next((one for one in (asked, preferred) if one in LANGUAGES), "en")


def _error_page(error: OnewayError) -> Response:
    problem = problem_of(error)
    return pages().render("error.html", _language(), None, problem.status, word=problem.word, session=None)
