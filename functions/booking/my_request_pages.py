"""My request: what became of it, for whoever has the private link. Looking changes nothing, however it is done."""

from datetime import datetime

from chalice.app import Response
from oneway.calendar_file import CalendarEvent, Method, calendar_file, summary_of, uid_of
from oneway.domain.addresses import as_sent
from oneway.domain.clock_time import zone_of
from oneway.domain.errors import NotFound, RequestAlreadyAnswered
from oneway.domain.practices import Provider
from oneway.domain.requests import may_cancel
from oneway.phones import shown
from oneway.use_cases.look_up_request import LookedUp
from oneway.web.answers import NO_STORE, asset_answer, form_pairs, redirect
from page_requests import PageRequest


def show_my_request(on: PageRequest, link: str) -> Response:
    """A request as its patient sees it."""
    found = on.ours.look_up_request(on.shop.slug, link)
    return _page(on, found, link, notice="sent" if "sent" in on.query else "")


def ask_cancel(on: PageRequest, link: str) -> Response:
    """What cancelling will do; nothing is done yet."""
    return _page(on, on.ours.look_up_request(on.shop.slug, link), link, template="cancel.html")


def confirm_cancel(on: PageRequest, link: str) -> Response:
    """Cancel, or pass the wish on; asked once more, where the page that was pressed promised the other of these."""
    promised = dict(form_pairs(on.request)).get("promised")
    found = on.ours.look_up_request(on.shop.slug, link)
    if promised and promised != _promise(found) and may_cancel(found.request, on.ours.clock.now()):
        return _page(on, found, link, template="cancel.html", notice="changed", status=409)
    try:
        on.ours.cancel_by_patient(on.shop.slug, link)
    except RequestAlreadyAnswered:
        return _page(on, on.ours.look_up_request(on.shop.slug, link), link, notice="over", status=409)
    return redirect(on.pages.url(f"/my-request/{on.shop.slug}/{link}?lang={on.language}"))


def download_visit(on: PageRequest, link: str) -> Response:
    """The confirmed visit as a calendar file: the same event, whenever it is taken, as in the messages."""
    found = on.ours.look_up_request(on.shop.slug, link)
    request, practice = found.request, found.practice
    if request.link is None or not _confirmed(found):
        raise NotFound
    t = on.pages.speaker(on.language if on.query.get("lang") else request.language)
    event = CalendarEvent(
        uid=uid_of(practice.slug, request.id),
        sequence=request.version,
        start=request.link.start,
        end=request.link.end,
        zone=zone_of(found.location.zone),
        summary=summary_of(t("my.calendar"), practice.name),
        location=f"{found.location.name}, {found.location.address}",
        description=f"{found.provider.name}\n{practice.name}, {shown(practice.phone, practice.country)}",
        organizer=(practice.name, as_sent(practice.reply_to)),
    )
    answer = asset_answer(
        calendar_file(event, Method.PUBLISH, on.ours.clock.now()), "text/calendar; charset=utf-8", NO_STORE
    )
    answer.headers["Content-Disposition"] = f'attachment; filename="{t("my.calendar.file")}.ics"'
    return answer


def _confirmed(found: LookedUp) -> bool:
    return found.request.shown_state == "booked" and not found.request.asked_to_cancel_at


def _asked_otherwise(found: LookedUp) -> tuple[datetime, Provider] | None:
    """The time and the provider that were asked for, where a visit to come has another of these."""
    request = found.request
    if request.slot is None or request.link is None or request.shown_state != "booked":
        return None
    if (request.slot.start, request.provider_id) == (request.link.start, request.link.provider_id):
        return None
    return request.slot.start, found.practice.provider_named(request.provider_id, request.location_id)


def _promise(found: LookedUp) -> str:
    """What cancelling does: it ends a request, and of a visit it is a wish."""
    return "end" if found.request.pending else "wish"


def _page(
    on: PageRequest,
    found: LookedUp,
    link: str,
    *,
    notice: str = "",
    template: str = "my_request.html",
    status: int = 200,
) -> Response:
    request = found.request
    cancelled = request.shown_state == "cancelled"
    on = on.having(language=request.language) if not on.query.get("lang") else on
    return on.render(
        template,
        status,
        NO_STORE,
        request=request,
        provider=found.provider,
        location=found.location,
        visit_type=found.visit_type,
        zone=zone_of(found.location.zone),
        address=on.pages.url(f"/my-request/{on.shop.slug}/{link}"),
        whole_address=f"{on.ours.settings.public_url}/my-request/{on.shop.slug}/{link}",
        notice=notice,
        promise=_promise(found),
        headline="withdrawn" if cancelled and request.link is None else request.shown_state,
        cancelled=cancelled,
        confirmed=_confirmed(found),
        asked=_asked_otherwise(found),
        may_cancel=may_cancel(request, on.ours.clock.now()),
    )
