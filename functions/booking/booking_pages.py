"""The booking tool, step by step: provider, visit type, day and time (or days that suit), who, details, check, sent.

Until somebody types, a step is a link that tells what was chosen; from then on it is a form that carries all that was typed, in
hidden fields, wherever one goes (docs/adr/0016). So Back, reload and no JavaScript lose nothing, and no address tells who asks.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from functools import partial, wraps
from typing import Any

from chalice.app import Response
from days_to_ask import days_to_ask
from months import Month, first_of, month_of, next_month, times_on
from oneway.domain.clock_time import day_of
from oneway.domain.errors import (
    FieldProblem,
    InvalidInput,
    KeyReused,
    ProviderNotFound,
    RequestAlreadyAnswered,
    SlotAlreadyTaken,
    SlotNotOffered,
    StoreUnavailable,
)
from oneway.domain.practices import Practice, Provider, VisitType
from oneway.domain.requests import PartOfDay
from oneway.domain.slots import Closed
from oneway.languages.formats import family_first, month_first, week_begins, weekdays
from oneway.phones import example
from oneway.use_cases.list_slots import OfferedSlots
from oneway.use_cases.request_form import LONGEST_REASON
from oneway.use_cases.submit_request import Submitted
from oneway.web.answers import redirect
from oneway.web.forms import POINTERS, request_form
from oneway.web.problems import local
from page_requests import ANY, PageRequest, a_day
from served_files import portraits

LONGEST_ASKING = timedelta(hours=12)
"""A form that was shown longer ago is looked at once more before it is sent."""
SHORTEST_ASKING = timedelta(seconds=2)
"""No person fills in the form in less."""
MOST_HINTS = 12
"""With more providers, the first page does not look when each is free next."""
NEAREST, NEAREST_DAYS = 6, 3
"""After a time was taken: so many times of a day, so many days."""
LOOKED_BACK, LOOKED_AHEAD = timedelta(days=3), timedelta(days=10)
_PHONE_ONLY = ("not_integrated", "never_pulled", "paused")


def asking_whom(view: Callable[..., Response]) -> Callable[..., Response]:
    """A step; where its provider is there no more, somebody else is chosen, with all that was typed."""

    @wraps(view)
    def wrapped(on: PageRequest, *args: Any) -> Response:
        try:
            return view(on, *args)
        except ProviderNotFound:
            return _providers_page(on.having(provider=""), gone=True)

    return wrapped


def show_providers(on: PageRequest) -> Response:
    """Who would you like to see?"""
    return _providers_page(on)


def _providers_page(on: PageRequest, *, gone: bool = False, problem: str = "") -> Response:
    """`gone` says that the chosen one is there no more, `problem` what else is wrong with the choice."""
    practice = on.shop
    bookable = _bookable(practice)
    minute = int(on.ours.clock.now().timestamp() // 60)
    free = _next_free(on, practice, minute) if len(bookable) <= MOST_HINTS else {}
    return on.render(
        "providers.html",
        404 if gone else 422 if problem else 200,
        bookable=bookable,
        free=free,
        faces=portraits(on),
        initials=_initials,
        before=on.values["before"] if on.values["provider"] == ANY else on.values["provider"],
        gone=gone,
        problem=problem,
    )


@asking_whom
def show_visit_types(on: PageRequest, problem: str = "") -> Response:
    """What is the visit for? `problem` is what is wrong with the one that was chosen."""
    if not on.values["provider"]:
        return show_providers(on)
    provider = on.provider if on.values["provider"] != ANY else None
    known = {
        visit_type_id for one in _bookable(on.shop) if provider in (None, one) for visit_type_id in one.visit_type_ids
    }
    if not known:
        return _call_page(on)
    everybodys = [one for one in on.shop.visit_types.values() if one.id in known]
    return on.render(
        "visit_types.html",
        422 if problem else 200,
        provider=provider,
        visit_types=on.shop.visit_types_of(provider) if provider else everybodys,
        problem=problem,
    )


def _call_page(on: PageRequest) -> Response:
    """Whom to call, where nobody can be booked online; or somebody else can."""
    return on.render("call.html")


@asking_whom
def show_times(on: PageRequest) -> Response:
    """A month with its free days, and the times of one of them."""
    visit_type = _visit_type(on)
    if visit_type is None or not on.values["provider"]:
        return show_visit_types(on)
    providers = [on.provider] if on.values["provider"] != ANY else _bookable(on.shop, visit_type.id)
    if not providers:
        return _call_page(on)
    today = min(day_of(on.ours.clock.now(), on.shop.zone_of(one)) for one in providers)
    last = today + timedelta(days=on.shop.horizon_days)
    month, day, offers = _month(on, providers, visit_type.id, today, last)
    if all(offer.closed in _PHONE_ONLY for offer in offers):
        return _call_page(on)
    return on.render(
        "times.html",
        visit_type=visit_type,
        provider=on.provider if on.values["provider"] != ANY else None,
        month_shown=month,
        day_shown=day,
        found=times_on(day, offers) if day else [],
        next_free=None if any(month.free.values()) else _free_after(on, providers, visit_type.id, month.first),
        weekdays=weekdays(on.language, on.shop.country),
        old=any((offer.schedule_age_minutes or 0) > 240 for offer in offers),
    )


@asking_whom
def show_days(on: PageRequest, problem: str = "") -> Response:
    """Ask for another time: days and parts of the day that would suit; `problem` is what is wrong with those that were sent."""
    visit_type = _visit_type(on)
    if visit_type is None:
        return show_visit_types(on)
    providers = _bookable(on.shop, visit_type.id)
    chosen = on.shop.providers.get(on.values["provider"])
    if not providers or (chosen and chosen not in providers):
        return show_times(on)
    wrong = {"days": problem} if problem else {}
    if on.values["asked"] == "days" and not problem:
        missing = (("provider", chosen is None, "choose"), ("days", not on.days, "choose_days"))
        wrong = {name: code for name, is_missing, code in missing if is_missing}
        if not wrong:
            on = on.having(start="")
            if on.typed:
                return check_answers(on)
            chosen_so_far = ("provider", "visit_type", "days", "parts")
            return redirect(on.to("/who", **{name: on.values[name] for name in chosen_so_far}))
    return on.render(
        "days.html",
        422 if wrong else 200,
        visit_type=visit_type,
        provider=chosen,
        providers=providers,
        days=days_to_ask(on.shop, [chosen] if chosen else providers, on.ours.clock.now()),
        weekdays=weekdays(on.language, on.shop.country),
        parts=list(PartOfDay),
        wrong=wrong,
    )


@asking_whom
def show_who(on: PageRequest) -> Response:
    """For me, or for someone else? And were they here before, where that is not plain from the visit type."""
    visit_type = _visit_type(on)
    if visit_type is None or not (on.start or on.days) or on.values["provider"] in ("", ANY):
        return show_times(on)
    wrong = dict.fromkeys(_open_questions(on, visit_type), "choose") if on.values["asked"] == "who" else {}
    asks_new = _asks_new(visit_type)
    return on.render(
        "who.html", 422 if wrong else 200, provider=on.provider, visit_type=visit_type, asks_new=asks_new, wrong=wrong
    )


@asking_whom
def show_details(on: PageRequest, problems: Sequence[FieldProblem] = ()) -> Response:
    """Who is it, and how can the practice reach them?"""
    visit_type = _visit_type(on)
    if visit_type is None or not (on.start or on.days) or _open_questions(on, visit_type):
        return show_who(on)
    names = (("first_name", "given-name"), ("last_name", "family-name"))
    on = _with_token(on)
    if on.values["asked"] == "who" and on.values["last_name"] and not problems:
        booker = on.values["for_whom"] == "me" or on.values["booker_last_name"]
        if booker:
            return check_answers(on.having(asked=""))
    known = {one.pointer: one.code for one in problems if one.pointer in POINTERS}
    return on.render(
        "details.html",
        422 if problems else 200,
        provider=on.provider,
        visit_type=visit_type,
        wrong={field: known[pointer] for pointer, field in POINTERS.items() if pointer in known},
        elsewhere=[one.code for one in problems if one.pointer not in POINTERS],
        phone_example=example(on.shop.country),
        name_order=names[::-1] if family_first(on.shop.country) else names,
        longest_reason=LONGEST_REASON,
        birth_order=("month", "day", "year") if month_first(on.language, on.shop.country) else ("day", "month", "year"),
    )


@asking_whom
def check_answers(on: PageRequest) -> Response:
    """Check your answers before they are sent."""
    if on.values["provider"] == ANY:  # nobody else's time was chosen
        on = on.having(provider=on.values["before"])
    # Whoever comes back to this page after sending holds the time already.
    if sent := _sent(on, "key"):
        if on.ours.submit_request.repeats(sent, _form(on, consent=True)):
            return _to_my_request(on, sent)
        on = on.having(earlier=on.values["key"], key="")
    return _check_page(_with_token(on))


@asking_whom
def send_request(on: PageRequest) -> Response:
    """Send the request; sending it again finds the same one."""
    form = _form(on)
    try:
        if notice := _doubts(on):
            # A form that was shown long ago may have been sent then.
            return check_answers(on) if _sent(on, "key") else _check_page(_with_token(on), notice)
        earlier = _sent(on, "earlier")
        instead = earlier.request.id if on.values["instead"] and earlier else ""
        made = on.ours.submit_request(on.shop.slug, on.values["key"], form, instead)
        # An old form, sent again after another took its place, leads to that one.
        return check_answers(on) if made.request.replaced_by else _to_my_request(on, made)
    except InvalidInput as error:
        if [one.pointer for one in error.problems] == ["/contact_consent"]:
            # The box may have been ticked since, and the form sent.
            return (
                check_answers(on) if _sent(on, "key") else _check_page(on, wrong={"contact_consent": "consent_needed"})
            )
        return _told_where_it_was_asked(on, error)
    except (KeyReused, RequestAlreadyAnswered):  # the earlier one was answered meanwhile: this would be a second visit
        return check_answers(on)
    except (SlotAlreadyTaken, SlotNotOffered) as error:
        # It may be taken by the same form, sent twice.
        return check_answers(on) if _sent(on, "key") else _taken_page(on, error)


def start_again(on: PageRequest) -> Response:
    """Where only forms lead, asked for by its address (a restored tab, a bookmark): nothing of the form came with it."""
    return redirect(on.to(""))


def _check_page(on: PageRequest, notice: str = "", wrong: Mapping[str, str] | None = None) -> Response:
    earlier = _sent(on, "earlier")
    pending = earlier.request if earlier and earlier.request.pending else None
    form = _form(on, consent=True)
    try:
        parsed = on.ours.submit_request.check(on.shop.slug, form, besides=pending)
    except InvalidInput as error:
        return _told_where_it_was_asked(on, error)
    except (SlotAlreadyTaken, SlotNotOffered) as error:
        return _taken_page(on, error)
    return on.render(
        "check.html",
        422 if notice or wrong else 200,
        parsed=parsed,
        notice=notice,
        wrong=wrong or {},
        earlier=earlier,
        replaces=pending is not None,
        as_well=pending is None or _has_room(on, form),
    )


def _has_room(on: PageRequest, form: Mapping[str, object]) -> bool:
    """Whether a form can be sent beside all that was sent before."""
    try:
        on.ours.submit_request.check(on.shop.slug, form)
    except (SlotAlreadyTaken, SlotNotOffered):
        return False
    return True


def _sent(on: PageRequest, key: str) -> Submitted | None:
    """The request that was made of this form under one of its keys; None without one, or with a key that is none of ours."""
    return on.ours.submit_request.sent(on.shop.slug, on.values[key]) if _age(on, key) is not None else None


def _told_where_it_was_asked(on: PageRequest, error: InvalidInput) -> Response:
    """What is wrong, on the page that asks for it; nothing is typed again."""
    pointers = {one.pointer for one in error.problems}
    if "/start" in pointers:
        return _taken_page(on, SlotNotOffered(Closed.NOTICE)) if on.start else show_times(on)
    if unfit := [one.code for one in error.problems if one.pointer.startswith("/preferred")]:
        return show_days(on, unfit[0])
    codes = {one.pointer: one.code for one in error.problems}
    if "/visit_type" in pointers:
        return show_visit_types(on, codes["/visit_type"])
    if "/provider" in pointers:
        return _providers_page(on, problem=codes["/provider"])
    if "/new_patient" in pointers:
        return show_who(on.having(asked="who"))
    return show_details(on, [one for one in error.problems if one.pointer != "/contact_consent"])


def _taken_page(on: PageRequest, error: SlotAlreadyTaken | SlotNotOffered) -> Response:
    """Kindly: the nearest free times, before and after; with other providers where there are none; all typed is carried on."""
    phone_only = isinstance(error, SlotNotOffered) and error.reason in _PHONE_ONLY
    groups = [] if phone_only else _nearest(on, on.values["visit_type"])
    others: list[OfferedSlots] = []
    if not groups:
        available = on.ours.list_slots.first_available(on.shop.slug, on.values["visit_type"])
        others = [one for one in available if one.provider != on.provider]
    return on.render(
        "taken.html",
        409,
        provider=on.provider,
        groups=groups,
        others=_first_times(others)[:NEAREST_DAYS],
        phone_only=phone_only,
        taken=isinstance(error, SlotAlreadyTaken),
        own=_own(on),
    )


def _own(on: PageRequest) -> Submitted | None:
    """The earlier request of the same form, if it takes (a part of) the chosen time. Only the form's own key tells whose that is:
    of the same name and birth date anybody could ask.
    """
    earlier, visit_type = _sent(on, "earlier"), _visit_type(on)
    if earlier is None or visit_type is None or on.start is None:
        return None
    ends = on.start + timedelta(minutes=visit_type.minutes)
    return earlier if earlier.request.takes(on.provider.id, on.start, ends) else None


def _nearest(on: PageRequest, visit_type_id: str) -> list[tuple[Provider, date, list[datetime]]]:
    """The chosen provider's free times nearest to the chosen start, on the nearest days that have any; else the next ones."""
    today = day_of(on.ours.clock.now(), on.zone)
    start = on.start or on.ours.clock.now()
    day = max(day_of(start, on.zone), today)
    first, last = max(day - LOOKED_BACK, today), day + LOOKED_AHEAD
    offered = on.ours.list_slots(on.shop.slug, on.provider.id, visit_type_id, first, last)
    free = {
        one: times
        for one, starts in offered.days.items()
        if (times := [time for time in (local(minute, on.zone) for minute in starts) if time != on.start])
    }
    nearest = sorted(sorted(free, key=lambda one: abs(one - day))[:NEAREST_DAYS])
    if nearest:
        return [(on.provider, one, _closest(free[one], start + (one - day))) for one in nearest]
    next_free_day = partial(on.ours.list_slots.next_free_day, on.shop.slug, on.provider.id, visit_type_id)
    return _first_times([next_free_day(last)]) or _first_times([next_free_day(today)])


def _first_times(offers: Sequence[OfferedSlots]) -> list[tuple[Provider, date, list[datetime]]]:
    return [
        (one.provider, day, [local(start, one.zone) for start in starts[:NEAREST]])
        for one in offers
        for day, starts in one.days.items()
    ]


def _closest(times: Sequence[datetime], start: datetime) -> list[datetime]:
    return sorted(sorted(times, key=lambda time: abs(time - start))[:NEAREST])


def _doubts(on: PageRequest) -> str:
    """Why a form is shown once more before it is sent: it is no puzzle, and nothing is lost."""
    age = _age(on)
    if on.values["website"]:
        return "unseen"
    if age is None or age > LONGEST_ASKING:
        return "old"
    return "fast" if age < SHORTEST_ASKING else ""


def _age(on: PageRequest, key: str = "key") -> timedelta | None:
    return on.ours.form_tokens.age(on.shop.slug, on.values[key], on.ours.clock.now())


def _with_token(on: PageRequest) -> PageRequest:
    """With a token of ours that is not old: the one that came, else a new one."""
    age = _age(on)
    if age is not None and age <= LONGEST_ASKING:
        return on
    return on.having(key=on.ours.form_tokens.new(on.shop.slug, on.ours.clock.now()))


def _form(on: PageRequest, *, consent: bool = False) -> dict[str, object]:
    """What was typed, as the API takes it. Consent is asked for on the last page alone."""
    visit_type = _visit_type(on)
    values = {**on.values, "language": on.language}
    if visit_type and not _asks_new(visit_type):
        values["new_patient"] = "yes" if visit_type.for_new_patients else "no"
    return request_form(values | ({"contact_consent": "yes"} if consent else {}))


def _to_my_request(on: PageRequest, sent: Submitted) -> Response:
    if on.embedded:
        return redirect(on.to(f"/sent/{sent.link}", sent="1"))
    return redirect(on.pages.url(f"/my-request/{on.shop.slug}/{sent.link}?sent=1&lang={on.language}"))


def _visit_type(on: PageRequest) -> VisitType | None:
    """The chosen visit type, if the chosen provider (or anybody) offers it. Raises ProviderNotFound."""
    chosen = on.shop.visit_types.get(on.values["visit_type"])
    if chosen is None or on.values["provider"] in ("", ANY):
        return chosen
    return chosen if chosen.id in on.provider.visit_type_ids else None


def _asks_new(visit_type: VisitType) -> bool:
    """Whether patients have to say if they were here before: the visit type does not."""
    return visit_type.for_new_patients and visit_type.for_returning_patients


def _open_questions(on: PageRequest, visit_type: VisitType) -> list[str]:
    """What *who is it for* has not been told yet."""
    answers = {"for_whom": ("me", "other")} | ({"new_patient": ("yes", "no")} if _asks_new(visit_type) else {})
    return [name for name, possible in answers.items() if on.values[name] not in possible]


def _bookable(practice: Practice, visit_type_id: str = "") -> list[Provider]:
    """Who may be booked online (for a visit type)."""
    return [
        one
        for one in practice.providers.values()
        if one.integrated and not practice.availability_of(one).paused
        if not visit_type_id or visit_type_id in one.visit_type_ids
    ]


def _month(
    on: PageRequest, providers: Sequence[Provider], visit_type_id: str, today: date, last: date
) -> tuple[Month, date | None, list[OfferedSlots]]:
    """The month and day that were asked for, else those of the first free time."""
    had = on.shop.providers.get(on.values["before"]) if on.values["provider"] == ANY else None
    before = day_of(on.start, on.shop.zone_of(had or providers[0])) if on.start else None
    asked = a_day(on.values["day"]) or a_day(f"{on.values['month']}-01") or before
    first = min(max(asked, today), last) if asked else today

    def offered(month: date) -> list[OfferedSlots]:
        begins, ends = max(month, today), next_month(month) - timedelta(days=1)
        return on.ours.list_slots.of_each(on.shop.slug, [one.id for one in providers], visit_type_id, begins, ends)

    offers = offered(first_of(first))
    nothing = asked is None and not any(one.first_free for one in offers)
    if nothing and (free := _free_after(on, providers, visit_type_id, first)):
        first, offers = free, offered(first_of(free))
    month = month_of(first, week_begins(on.shop.country), offers, today, last)
    free_days = [day for day, count in sorted(month.free.items()) if count]
    chosen = a_day(on.values["day"]) or before
    return month, chosen if chosen in free_days else next(iter(free_days), None), offers


def _free_after(on: PageRequest, providers: Sequence[Provider], visit_type_id: str, month: date) -> date | None:
    """The first day on which one of them is free after the month of a day."""
    after = next_month(month) - timedelta(days=1)
    found = on.ours.list_slots.next_free_day_of_each(
        on.shop.slug, [(one.id, visit_type_id) for one in providers], after
    )
    return min((one.first_free for one in found if one.first_free), default=None)


def _initials(name: str) -> str:
    """The first letters of first and last name, without titles and degrees: "Dr. Amara Osei" is "AO"."""
    words = [word for word in name.split(",")[0].split() if not word.endswith(".")] or name.split()
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


_hints: dict[str, tuple[int, dict[str, date]]] = {}


def _next_free(on: PageRequest, practice: Practice, minute: int) -> dict[str, date]:
    """When each provider is free next, for their shortest visit; at most a minute old. A hint: the page stands without it."""
    slug = practice.slug
    if slug not in _hints or _hints[slug][0] != minute:
        types = {one.id: practice.visit_types_of(one) for one in _bookable(practice)}
        shortest = [(one, min(visits, key=lambda visit: visit.minutes).id) for one, visits in types.items() if visits]
        found = {}
        with suppress(StoreUnavailable):
            offered = on.ours.list_slots.next_free_day_of_each(practice.slug, shortest)
            found = {one.provider.id: one.first_free for one in offered if one.first_free}
        _hints[slug] = minute, found
    return _hints[slug][1]
