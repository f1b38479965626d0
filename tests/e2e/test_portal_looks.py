"""Every page and dialog of the portal, in both languages: 320, 768 and 1440 px, light and dark, without a violation (axe).

The pages are the real ones over a front desk in memory; what one does on them is in the other files.
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest
from msgspec.structs import replace
from oneway.domain.appointments import PersonName, RowKind, SetAsideRow
from oneway.domain.availability import CLOSED_WEEK, Closure, Opening, Week
from oneway.domain.errors import StoreUnavailable
from oneway.domain.messages import CallTask, MessageKind, Why
from oneway.domain.practices import StaffMember
from oneway.domain.suppression import Suppression, mark_of
from oneway.faults import AuthRevoked
from playwright.sync_api import BrowserContext, Page

from tests.builders import NOW, START, WEEK, a_practice, a_provider, a_record
from tests.desk import LATER, NADIA, VIC
from tests.fakes.store import FakeAudit
from tests.portal import PortalDesk, opened, served

from .browser import Eyes, at_rest

OMAR = "omar@harbor.example"
MONDAY = date(2026, 11, 23)
HOLIDAY = Closure(date(2026, 11, 26), date(2026, 11, 26), "Thanksgiving Day")
LANGUAGES = ("en", "es")


class Looker:
    """Goes through the pages in one language and looks at each as it stands."""

    def __init__(self, page: Page, eyes: Eyes, base: str, language: str) -> None:
        self.page, self.eyes, self.base, self.language = page, eyes, base, language

    def chooses_its_language(self) -> None:
        """In the menu, which is remembered."""
        if self.language == "en":
            return
        self.page.goto(f"{self.base}/appointments")
        self.page.locator("#me summary").click()
        self.page.locator(f"button[name=language][value={self.language}]").click()
        self.page.locator(f"html[lang={self.language}]").wait_for()

    def stands(self, name: str) -> None:
        """Look at what is shown now."""
        at_rest(self.page)
        assert self.page.locator("html").get_attribute("lang") == self.language, name
        self.eyes.look(self.page, f"looks-{name}-{self.language}")

    def at(self, path: str, name: str, *then: Callable[[Page], object]) -> None:
        """Open a page, do something there, and look."""
        self.page.goto(f"{self.base}{path}")
        for act in then:
            act(self.page)
            at_rest(self.page)
        self.stands(name)


@pytest.fixture
def desk(built: object) -> Iterator[PortalDesk]:
    """Two providers whose schedules are read, one whose schedule is not; three people who may do different things."""
    walk_in = a_provider("walk-in", name="Ann Walker, NP", source_id=None, external_id=None)
    practice = a_practice(a_provider(split=2), a_provider("brandt"), walk_in, public_holidays=(HOLIDAY,))
    staff = {**practice.staff, OMAR: StaffMember(OMAR, "Omar K.")}
    with opened(PortalDesk(replace(practice, staff=staff)), built) as desk:  # type: ignore[arg-type]
        yield desk


@pytest.fixture(params=LANGUAGES)
def looker(request: pytest.FixtureRequest, desk: PortalDesk, context: BrowserContext, eyes: Eyes) -> Iterator[Looker]:
    with served(desk) as base:
        looker = Looker(context.new_page(), eyes, f"{base}/portal/harbor", request.param)
        looker.chooses_its_language()
        yield looker


def test_lists_search_menus_and_errors(looker: Looker, desk: PortalDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    looker.at("/appointments", "nothing-to-do")
    looker.at("/upcoming", "nothing-comes")
    for number in range(4):
        start = START + timedelta(days=number - 2)
        record = a_record(source_id=f"p-{number}", names=(PersonName(("Jon",), f"Reed{number}"),))
        desk.enter(f"v-{number}", start=start, end=start + timedelta(minutes=30), patient=record)
    desk.minutes()
    request = desk.ask(email=None)
    desk.claim_request("harbor", OMAR, request.id)
    desk.source.fault = AuthRevoked()
    desk.minutes()
    stopped = Suppression(mark_of("harbor", "front@harbor.example"), Why.BOUNCED, NOW)
    desk.store.suppressions.add("harbor", stopped)
    looker.at("/appointments", "action-required", lambda page: page.locator(".filters summary").click())
    assert looker.page.locator("#staff-mail").is_visible()
    looker.at("/upcoming", "upcoming")
    looker.at("/past", "past")
    looker.at("/search", "search")
    looker.page.fill("#search", "reed")
    looker.page.locator("#search").press("Enter")
    looker.page.locator("tbody tr").first.wait_for()
    looker.stands("found")
    looker.at("/upcoming", "menu-practices", lambda page: page.locator("#practices summary").click())
    looker.at("/upcoming", "menu-me", lambda page: page.locator("#me summary").click())
    looker.page.goto(looker.base.removesuffix("/harbor"))
    looker.stands("practices")
    looker.at("/appointments/aaaaaaaaaaaaa", "not-found")

    def refuse(*_: object) -> None:
        raise StoreUnavailable("audit")

    monkeypatch.setattr(FakeAudit, "record", refuse)
    looker.at("/upcoming", "unavailable")


def test_details_in_each_state(looker: Looker, desk: PortalDesk) -> None:
    store = desk.store.requests_by_id
    request = desk.ask()
    here = f"/appointments/{request.id}"
    desk.enter(patient=a_record(birth_date=date(1984, 12, 3)))
    desk.enter("other", patient=a_record(), start=LATER, end=LATER + timedelta(minutes=30))
    desk.minutes()
    desk.write_note("harbor", OMAR, request.id, "Called at noon.\nNo answer.", "key")
    desk.claim_request("harbor", OMAR, request.id)
    looker.at(here, "pending")
    looker.at(f"{here}/cancel", "cancel", lambda page: page.locator("button.danger").click())
    looker.at(
        f"{here}/cancel",
        "cancel-moved",
        lambda page: page.locator("input[value=moved]").check(),
        lambda page: page.locator("#preview .letter").wait_for(),
    )
    desk.claim_request.release("harbor", OMAR, request.id)
    looker.page.goto(f"{looker.base}{here}")
    desk.claim_request("harbor", OMAR, request.id)
    looker.page.locator("#claim-take").click()
    looker.page.locator("#claim.warn").wait_for()
    looker.stands("claim-conflict")
    pending = store["harbor", request.id]
    call = CallTask("000001-x", MessageKind.CONFIRMED_PATIENT, Why.NO_ADDRESS, NOW)
    for name, changes in {
        "asked-to-cancel": {"asked_to_cancel_at": NOW},
        "vanished": {"vanished_at": NOW},
        "suspended": {"suspended_at": NOW},
        "call": {"call": call},
    }.items():
        store["harbor", request.id] = replace(pending, **changes)  # type: ignore[arg-type]
        looker.at(here, name)
    store["harbor", request.id] = pending
    desk.accept(request)
    looker.at(here, "linked")
    twice = desk.ask(2)
    looker.at(f"/appointments/{twice.id}", "asked-twice", lambda page: page.locator("#answered").wait_for())
    again = desk.ask(1, start=LATER + timedelta(days=1), first_name="Jon", last_name="Reed", mobile="(415) 555-0123")
    desk.cancel_by_staff("harbor", NADIA, again.id, "other", "Please call us.")
    looker.at(f"/appointments/{again.id}", "cancelled")
    other = desk.visit("other")
    looker.at(f"/visits/{other.provider_id}/{other.id}", "imported")
    key = ("harbor", other.provider_id, other.id)
    desk.store.appointments_by_key[key] = other.missing(desk.clock.now())
    looker.at(f"/visits/{other.provider_id}/{other.id}", "imported-missing")


def test_the_calendar_its_forms_and_its_dialog(looker: Looker, desk: PortalDesk) -> None:
    block = {"start": START + timedelta(hours=1), "end": START + timedelta(hours=2)}
    desk.enter("block", kind=RowKind.BLOCK, patient=None, **block)
    desk.ask()
    desk.minutes()
    desk.edit_calendar.save_week("harbor", NADIA, "osei", MONDAY + timedelta(weeks=2), WEEK, CLOSED_WEEK)
    week = f"/calendar?provider=osei&week={MONDAY}"

    def ready(page: Page) -> None:
        page.locator("#grid .fc-timegrid").wait_for()

    def edits(page: Page) -> None:
        page.locator("#hours.scripted").wait_for()

    looker.at("/calendar", "calendar-all", ready)
    looker.at(week, "calendar-one", ready, _opens_all)
    looker.at(f"/calendar?provider=walk-in&week={MONDAY}", "calendar-not-connected")
    why = f"/calendar/why?provider=osei&day={START.date()}"
    looker.at(f"{why}&time=09:30", "calendar-why")
    looker.at(f"{why}&time=11:45", "calendar-why-by-visit-type")
    looker.at(f"{why}&time=noon", "calendar-why-of-nothing")
    for edit in ("load", "week", "default"):
        looker.at(f"{week}&edit={edit}", f"calendar-edit-{edit}", edits)
    looker.at(
        f"{week}&edit=week",
        "calendar-unsaved",
        edits,
        lambda page: page.fill("#d0s0", "08:00"),
        lambda page: page.locator("#rooms a").first.click(),
        lambda page: page.get_by_role("dialog").wait_for(),
    )
    looker.at(
        f"{week}&edit=week",
        "calendar-apply",
        edits,
        lambda page: page.fill("#d0s0", "08:00"),
        lambda page: page.locator("button[value=ask]").click(),
        lambda page: page.locator("fieldset.later").wait_for(),
    )
    desk.edit_calendar.pause("harbor", NADIA, "osei", paused=True)
    desk.edit_calendar.close("harbor", NADIA, "", HOLIDAY)
    looker.at(week, "calendar-closed", ready)


def test_the_calendar_where_something_is_wrong_or_somebody_else_was_first(looker: Looker, desk: PortalDesk) -> None:
    earlier: Week = ((Opening(480, 720),), *WEEK[1:])
    edit, monday = desk.edit_calendar, MONDAY + timedelta(weeks=1)
    weeks = [MONDAY + timedelta(weeks=n) for n in (2, 3, 4)]
    week, errors = f"/calendar?provider=osei&week={monday}", looker.page.locator(".errors")

    def types(start: str) -> Callable[[Page], object]:
        def type_it(page: Page) -> None:
            page.locator("#hours.scripted").wait_for()
            page.fill("#d0s0", start)

        return type_it

    def sends(button: str) -> Callable[[Page], object]:
        return lambda page: page.locator(button).click()

    looker.at(f"{week}&edit=week", "calendar-wrong", types("23:00"), sends("#save"), lambda _: errors.wait_for())
    looker.at(
        week,
        "calendar-closure-wrong",
        _opens_all,
        lambda page: page.fill("#closure-first", "2026-12-24"),
        lambda page: page.fill("#closure-last", "2026-12-01"),
        sends("#close-days button"),
        lambda _: errors.wait_for(),
    )
    for one in weeks[:2]:
        edit.save_week("harbor", NADIA, "osei", one, WEEK, CLOSED_WEEK)
    looker.at(
        f"{week}&edit=week",
        "calendar-apply-two-editors",
        types("08:00"),
        sends("#apply"),
        lambda page: page.locator("fieldset.later").first.wait_for(),
        lambda _: edit.save_week("harbor", OMAR, "osei", weeks[0], CLOSED_WEEK, None),
        lambda _: edit.save_week("harbor", OMAR, "osei", weeks[1], CLOSED_WEEK, earlier),
        lambda _: edit.save_week("harbor", OMAR, "osei", weeks[2], WEEK, earlier),
        sends("button[value=apply]"),
        lambda _: errors.wait_for(),
    )
    looker.at(
        f"{week}&edit=week",
        "calendar-two-editors",
        types("07:00"),
        lambda _: edit.save_week("harbor", OMAR, "osei", monday, WEEK, earlier),
        sends("#save"),
        lambda _: errors.wait_for(),
    )
    looker.at(
        week,
        "calendar-follow-two-editors",
        lambda _: edit.save_week("harbor", OMAR, "osei", monday, earlier, CLOSED_WEEK),
        sends("#follow"),
        lambda _: errors.wait_for(),
    )


def test_integration_in_each_state(looker: Looker, desk: PortalDesk) -> None:
    looker.at("/integration", "integration-never")
    desk.source.set_aside = [SetAsideRow(f"entry {n}", "ends before it starts") for n in range(2)]
    for number in range(6):
        start = START + timedelta(hours=number)
        desk.enter(f"v-{number}", start=start, end=start + timedelta(minutes=30))
    desk.minutes()
    looker.at("/integration", "integration-well", _opens_all)
    looker.at("/integration", "integration-asked", lambda page: page.locator("#sync-now").click())
    for provider in ("osei", "brandt"):
        desk.pull_asked("harbor", f"ehr~{provider}", now_asked=True)
    looker.page.locator("[data-poll]").wait_for(state="detached")
    looker.stands("integration-synced")
    desk.source.rows.clear()
    desk.minutes()
    looker.at("/integration", "integration-held")
    desk.source.fault = AuthRevoked()
    desk.minutes()
    looker.at("/integration", "integration-broken")


def _opens_all(page: Page) -> None:
    page.locator("main details").evaluate_all("all => all.forEach(one => { one.open = true })")


def test_settings_and_their_forms(looker: Looker, desk: PortalDesk) -> None:
    looker.at("/settings/history", "settings-nothing-yet")
    desk.change_settings("harbor", OMAR, {"providers.osei.split": "2"}, {"providers.osei.split": 3})
    looker.at("/settings", "settings")
    looker.at("/settings/history", "settings-history")
    for path in ("messages", "booking", "branding", "providers/osei", "visit-types/_new", "visit-types/follow-up"):
        looker.at(f"/settings/{path}", f"settings-{path.replace('/', '-')}", _opens_all)
    looker.at(
        "/settings/booking",
        "settings-wrong",
        lambda page: page.fill("#horizon_days", "soon"),
        lambda page: page.locator("#save").click(),
        lambda page: page.locator(".errors").wait_for(),
    )
    looker.page.goto(f"{looker.base}/settings/booking")
    looker.page.fill("#horizon_days", "20")
    desk.change_settings("harbor", OMAR, {"horizon_days": "90"}, {"horizon_days": 40})
    looker.page.locator("#save").click()
    looker.page.locator(".errors.changed").wait_for()
    looker.stands("settings-two-editors")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_viewer_sees(desk: PortalDesk, context: BrowserContext, eyes: Eyes, language: str) -> None:
    request = desk.ask()
    desk.minutes()
    with served(desk, VIC) as base:
        looker = Looker(context.new_page(), eyes, f"{base}/portal/harbor", language)
        looker.chooses_its_language()
        details = f"/appointments/{request.id}"
        for path in (details, f"{details}/cancel", "/calendar?provider=osei", "/integration", "/settings/messages"):
            looker.at(path, f"viewer{path.partition('?')[0].replace('/', '-')}")
