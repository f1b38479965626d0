"""Calendar: weeks of one provider or of all, opening hours, closures, the pause, and why a time is not offered."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from urllib.parse import quote, urlencode

from chalice.app import Response
from oneway.domain.availability import (
    Closure,
    Hours,
    LaterWeek,
    Week,
    default_begins,
    default_ends,
    differences,
    monday_of,
)
from oneway.domain.clock_time import MINUTES_PER_DAY, day_beginnings
from oneway.domain.errors import CalendarChangedMeanwhile, ClosureIsOver, FieldProblem, InvalidInput
from oneway.domain.occupancy import OccupantKind
from oneway.domain.practices import StaffRole
from oneway.languages import formats
from oneway.ports import Session
from oneway.use_cases.show_calendar import CalendarWeek, Held, ProviderWeek
from oneway.web.answers import form_body, redirect
from oneway.web.calendar_form import (
    TypedWeek,
    day_of_text,
    decided_later,
    later_fields,
    pairs_of,
    typed_week,
    week_of_text,
    week_text,
)
from portal_app import FORMS, app, asked, changing, language_of, pages, portal, show, signed_in

EDITS = ("week", "load", "default")
"""What can be edited: the week's own hours, the week's with the default ones loaded, the default week."""
ACTS = ("save", "ask", "apply", "follow", "edit")
"""What is done with hours that were typed."""
LONGEST_NAME = 80
_MOST_CLOSED = timedelta(days=366)


@app.route("/portal/{practice}/calendar")
@signed_in
def show_week(session: Session, practice: str) -> Response:
    """A week; `edit` opens its hours, of which nothing is stored until they are saved."""
    query = asked()
    found = _found(session, practice, query.get("provider", ""), day_of_text(query.get("week", "")))
    edit = query.get("edit", "")
    return _page(session, found, edit if edit in EDITS and _may_edit(found) else "")


@app.route("/portal/{practice}/calendar/hours", methods=["POST"], content_types=FORMS)
@changing
def save_hours(session: Session, practice: str) -> Response:
    """Save a week, or the default one; ask what to do with later weeks, and apply it to them; follow the default again."""
    form = form_body(app.current_request)
    provider, monday = form.get("provider", ""), _monday(form)
    edit, act = _one_of(EDITS, form, "edit", "week"), _one_of(ACTS, form, "do", "save")
    typed, seen, calendar = typed_week(form), week_of_text(form.get("seen", "")), portal().edit_calendar
    who = (practice, session.email, provider, monday)
    decided = decided_later(form)
    try:
        if act == "follow":
            calendar.save_week(*who, seen, None)
            return _back(practice, provider, monday, "week_follows")
        if typed.week is None:
            found = _found(session, practice, provider, monday)
            return _page(session, found, edit, 422, typed=typed, seen=seen, decided=decided)
        if act == "edit":
            found = _found(session, practice, provider, monday)
            return _page(session, found, edit, typed=typed, seen=seen, decided=decided)
        if act == "ask":
            later = calendar.later_weeks(*who)
            return _ask(session, _found(session, practice, provider, monday), typed.week, seen, later, decided)
        if act == "apply":
            calendar.apply_to_remaining(*who, seen, typed.week, decided)
            return _back(practice, provider, monday, "week_applied")
        if edit == "default":
            calendar.save_default(*who, seen, typed.week)
            return _back(practice, provider, monday, "default_saved")
        calendar.save_week(*who, seen, typed.week)
        return _back(practice, provider, monday, "week_saved")
    except CalendarChangedMeanwhile as changed:
        found = _found(session, practice, provider, monday)
        if act == "follow":
            return _page(session, found, "", 409, seen=seen, changed=changed)
        if act == "apply" and not changed.days and typed.week is not None:
            later = calendar.later_weeks(*who)
            return _ask(session, found, typed.week, seen, later, decided, 409, changed=changed)
        return _page(session, found, edit, 409, typed=typed, seen=seen, changed=changed, decided=decided)


@app.route("/portal/{practice}/calendar/closures", methods=["POST"], content_types=FORMS)
@changing
def change_closures(session: Session, practice: str) -> Response:
    """Close days of the practice or of a provider, or open them again."""
    form = form_body(app.current_request)
    shown, monday, whose = form.get("shown", ""), day_of_text(form.get("week", "")), form.get("whose", "")
    first, name = day_of_text(form.get("first", "")), form.get("name", "").strip()
    last = day_of_text(form.get("last", "")) if form.get("last") else first
    act = _one_of(("close", "reopen"), form, "do", "close")
    wrong = _wrong_closure(first, last, name)
    if first is not None and last is not None and not wrong:
        closure = Closure(first, last, name)
        if act == "reopen":
            was_closed = portal().edit_calendar.reopen(practice, session.email, whose, closure)
            return _back(practice, shown, monday, "reopened" if was_closed else "gone")
        try:
            portal().edit_calendar.close(practice, session.email, whose, closure)
        except ClosureIsOver:
            wrong = {"last" if form.get("last") else "first": "over"}
        else:
            return _back(practice, shown, monday, "closed")
    found = _found(session, practice, shown, monday)
    return _page(session, found, "", 422, closure=form, wrong_closure=wrong)


@app.route("/portal/{practice}/calendar/pause", methods=["POST"], content_types=FORMS)
@changing
def pause_provider(session: Session, practice: str) -> Response:
    """Offer no times of a provider until further notice, or offer them again."""
    form = form_body(app.current_request)
    provider, paused = form.get("provider", ""), _one_of(("yes", "no"), form, "paused") == "yes"
    portal().edit_calendar.pause(practice, session.email, provider, paused)
    return _back(practice, provider, day_of_text(form.get("week", "")), "paused" if paused else "resumed")


@app.route("/portal/{practice}/calendar/why")
@signed_in
def explain_time(session: Session, practice: str) -> Response:
    """Why a time is not offered; a script takes the answer out of the page."""
    query = asked()
    day, at = day_of_text(query.get("day", "")), _time(query.get("time", ""))
    if day is None or at is None:
        raise InvalidInput([FieldProblem("/time", "format", "Give a day and a time.")])
    found = portal().explain_time(practice, session.email, query.get("provider", ""), datetime.combine(day, at))
    return show("calendar_why.html", session, found, "calendar", explained=found)


def _found(session: Session, practice: str, provider: str, day: date | None) -> CalendarWeek:
    return portal().show_calendar(practice, session.email, provider, day)


def _may_edit(found: CalendarWeek) -> bool:
    return len(found.weeks) == 1 and not found.past and found.member.role is not StaffRole.VIEWER


def _page(
    session: Session,
    found: CalendarWeek,
    edit: str,
    status: int = 200,
    typed: TypedWeek | None = None,
    seen: Week | None = None,
    changed: CalendarChangedMeanwhile | None = None,
    decided: Mapping[LaterWeek, bool] | None = None,
    **values: object,
) -> Response:
    """The Calendar; in an edit with what was typed and decided, and with what somebody else saved meanwhile."""
    one, edit = found.weeks[0] if len(found.weeks) == 1 else None, edit if _may_edit(found) else ""
    stands = (one.default if edit == "default" else one.week) if one else None
    shown = one.default if one and edit in ("load", "default") else stands
    compared = []
    if one and changed and stands and seen:
        mine = typed.week if typed and typed.week else stands
        days = {d.weekday for d in (*differences(seen, stands), *differences(seen, mine))}
        compared = [(found.days[n], seen[n], stands[n], mine[n]) for n in sorted(days)]
    return show(
        "calendar.html",
        session,
        found,
        "calendar",
        status,
        calendar=found,
        one=one,
        edit=edit,
        may_edit=_may_edit(found),
        # Having been told of it, who saves again saves over what the other one left.
        seen=week_text(stands if changed and stands else seen or stands) if stands else "",
        pairs=typed.pairs if typed else pairs_of(shown) if shown else (),
        wrong=typed.wrong if typed else {},
        changed=changed,
        compared=compared,
        decided=_decisions(decided or {}),
        who=_who(found, changed.changed_by) if changed else "",
        holds=_holds(found, one) if one and edit == "default" else None,
        changer=_who(found, one.calendar.changed_by) if one else "",
        **({"closure": {}, "wrong_closure": {}} | values),
        **_helpers(found),
    )


class Holds(NamedTuple):
    """From when on an edited default week holds, on which Monday another one takes over (None: never), and the words for it."""

    first: date
    next: date | None
    words: str


def _holds(found: CalendarWeek, one: ProviderWeek) -> Holds:
    first = default_begins(one.availability, found.monday, found.today)
    following, later = default_ends(one.availability, found.monday), first > monday_of(found.today)
    return Holds(first, following, (("now", "next"), ("first", "between"))[later][following is not None])


def _ask(
    session: Session,
    found: CalendarWeek,
    week: Week,
    seen: Week,
    later: Sequence[LaterWeek],
    decided: Mapping[LaterWeek, bool],
    status: int = 200,
    changed: CalendarChangedMeanwhile | None = None,
) -> Response:
    """What applying a week to the remaining ones meets: as it was decided, if it was, and what changed since that was shown."""
    names = {name for name, _ in later_fields(later)}
    shown = dict(later_fields(decided))
    return show(
        "calendar_apply.html",
        session,
        found,
        "calendar",
        status,
        calendar=found,
        one=found.weeks[0],
        pairs=pairs_of(week),
        week=week,
        seen=week_text(seen),
        later=[
            (name, one, week_text(one.week), decided.get(one, True), shown.get(name))
            for name, one in later_fields(later)
        ],
        gone=[one for name, one in shown.items() if name not in names],
        who=_who(found, changed.changed_by) if changed else "",
        changed=changed,
        **_helpers(found),
    )


def _decisions(decided: Mapping[LaterWeek, bool]) -> list[tuple[str, str]]:
    """What was decided on later weeks, as hidden fields carry it along."""
    return [
        field
        for name, one in later_fields(decided)
        for field in ((f"{name}.hours", week_text(one.week)), (name, "keep" if decided[one] else "replace"))
    ]


def _helpers(found: CalendarWeek) -> dict[str, object]:
    """What the templates say times with."""
    language, country = language_of(found.practice.language), found.practice.country

    def clock(instant: datetime, week: ProviderWeek) -> str:
        """A time there; with its zone where the clocks change, or where providers work in several."""
        local = instant.astimezone(week.zone)
        begins = day_beginnings(local.date(), 2, week.zone)
        plain = begins[1] - begins[0] == MINUTES_PER_DAY and len({one.zone.key for one in found.weeks}) == 1
        said = formats.clock(local, language, country)
        return said if plain else f"{said} ({formats.zone_label(local)})"

    def hours_words(hours: Hours) -> str:
        def said(minutes: int) -> str:
            return formats.clock(datetime.combine(date.min, time(minutes // 60 % 24, minutes % 60)), language, country)

        return ", ".join(f"{said(start)} – {said(end)}" for start, end in hours)

    return {
        "at": clock,
        "hours_words": hours_words,
        "on_the_wall": on_the_wall,
        "is_block": lambda held: held.kind is OccupantKind.BLOCK,
        "weekday": lambda day: formats.weekday(day, language),
        "day_in_short": lambda day: formats.weekday(day, language)[:3],
        "initials": _initials,
        "hours12": formats.clock(datetime.combine(date.min, time(13)), language, country).startswith("1:"),
    }


def on_the_wall(held: Held, week: ProviderWeek) -> tuple[str, str]:
    """Where it stands in a grid of wall-clock times; it takes as long there as it does, also when the clocks change."""
    start = held.start.astimezone(week.zone).replace(tzinfo=None)
    return start.isoformat(timespec="minutes"), (start + (held.end - held.start)).isoformat(timespec="minutes")


def _initials(name: str) -> str:
    words = [word for word in name.split() if not word.endswith(".")]
    return "".join(word[0] for word in words[:2]).upper()


def _who(found: CalendarWeek, email: str) -> str:
    """Whoever saved, by name; empty for an operator."""
    member = found.practice.staff.get(email)
    return member.name if member else email


def _one_of(words: Collection[str], form: Mapping[str, str], field: str, unsaid: str = "") -> str:
    """What a field says, or what it is `unsaid`: another word is none that a page of ours sends. Raises InvalidInput."""
    word = form.get(field) or unsaid
    if word not in words:
        raise InvalidInput([FieldProblem(f"/{field}", "choice", "Send a form as a page shows it.")])
    return word


def _monday(form: dict[str, str]) -> date:
    monday = day_of_text(form.get("week", ""))
    if monday is None:
        raise InvalidInput([FieldProblem("/week", "format", "Give the Monday of a week.")])
    return monday


def _time(text: str) -> time | None:
    try:
        found = time.fromisoformat(text.zfill(5))
    except ValueError:
        return None
    return found.replace(second=0, microsecond=0, tzinfo=None)


def _wrong_closure(first: date | None, last: date | None, name: str) -> dict[str, str]:
    wrong = {}
    if first is None:
        wrong["first"] = "date"
    if last is None or (first and last < first):
        wrong["last"] = "last_before_first"
    elif first and last - first > _MOST_CLOSED:
        wrong["last"] = "too_many_days"
    if len(name) > LONGEST_NAME:
        wrong["name"] = "too_long"
    return wrong


def _back(practice: str, provider: str, monday: date | None, done: str) -> Response:
    query = {"provider": provider, "week": str(monday or ""), "done": done}
    address = urlencode({name: value for name, value in query.items() if value})
    return redirect(pages().url(f"/portal/{quote(practice)}/calendar?{address}"))
