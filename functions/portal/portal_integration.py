"""Integration: how the schedules are read, what is wrong with it and what to do, *Sync now* followed to its end."""

from collections.abc import Mapping
from datetime import UTC, datetime

from chalice.app import Response
from oneway.domain.appointments import WhyAside
from oneway.domain.clock_time import zone_of
from oneway.domain.errors import FieldProblem, InvalidInput, VanishedAlreadyAnswered
from oneway.domain.feeds import VanishedAnswer
from oneway.domain.occupancy import LONGEST_DAYS
from oneway.ports import Session
from oneway.use_cases.show_integration import FeedCondition, IntegrationView, Progress
from oneway.web.answers import form_body, redirect
from portal_app import FORMS, app, asked, changing, pages, portal, show, signed_in, to


@app.route("/portal/{practice}/integration")
@signed_in
def show_integration(session: Session, practice: str) -> Response:
    """How the schedules are read; `asked` follows a *Sync now* of then (milliseconds since the epoch), `part` from its page."""
    since, follows = _instant(asked().get("asked", "")), asked().get("part") == "progress"
    return _page(session, portal().show_integration(practice, session.email, since, follows))


@app.route("/portal/{practice}/sync", methods=["POST"], content_types=FORMS)
@changing
def sync_now(session: Session, practice: str) -> Response:
    """Read the practice's schedules now, and follow it."""
    now = portal().clock.now()
    portal().ask_sync(practice, session.email)
    return redirect(pages().url(f"/portal/{practice}/integration?asked={_milliseconds(now)}&done=syncing"))


@app.route("/portal/{practice}/integration/held", methods=["POST"], content_types=FORMS)
@changing
def answer_held(session: Session, practice: str) -> Response:
    """Visits that vanished all at once are gone, or stay."""
    form = form_body(app.current_request)
    since = _stamp(form.get("since", ""))
    if form.get("answer") not in set(VanishedAnswer) or since is None:
        raise InvalidInput([FieldProblem("/answer", "choice", "Accept or keep.")])
    answer = VanishedAnswer(form["answer"])
    try:
        if portal().answer_held(practice, session.email, form.get("feed", ""), since, answer):
            return to(practice, "integration", done=f"vanished_{answer}")
    except VanishedAlreadyAnswered as first:
        found = portal().show_integration(practice, session.email)
        member = found.practice.staff.get(first.answered_by)
        return _page(session, found, 409, first=first, first_name=member.name if member else first.answered_by)
    found = portal().show_integration(practice, session.email)
    return _page(session, found, 409, done="held_over")


def _page(
    session: Session,
    found: IntegrationView,
    status: int = 200,
    first: VanishedAlreadyAnswered | None = None,
    **values: object,
) -> Response:
    finished = [feed.asked for feed in found.following if feed.progress is Progress.DONE and feed.asked]
    return show(
        "integration.html",
        session,
        found,
        "integration",
        status,
        integration=found,
        zone=zone_of(found.practice.zone),
        changed=sum(pull.changed for pull in finished),
        bars=_bars,
        asked_stamp=_milliseconds(found.asked_at) if found.asked_at else 0,
        why_aside={one.value: f"aside.{one.name.lower()}" for one in WhyAside},
        longest_days=LONGEST_DAYS,
        first=first,
        troubles=(FeedCondition.BROKEN, FeedCondition.FAILING, FeedCondition.ANSWERED),
        **values,
    )


def _bars(hours: list[tuple[datetime, int]]) -> list[Mapping[str, float]]:
    """The bars of a chart that is 240 wide and 60 high; the highest fills it, and what is not nothing shows."""
    most = max([count for _, count in hours] + [1])
    return [
        {"x": number * 10 + 1, "y": 60 - height, "height": height}
        for number, (_, count) in enumerate(hours)
        for height in (max(2, round(56 * count / most)) if count else 0,)
    ]


def _instant(text: str) -> datetime | None:
    if not text.isdecimal() or len(text) > 14:
        return None
    return datetime.fromtimestamp(int(text) / 1000, UTC)


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _stamp(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None
