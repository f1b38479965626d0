"""Staff at work in Chromium, over a front desk in memory: what a page does there does not depend on where it is deployed.

The same pages on the deployed template: test_staff.py.
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from oneway.domain import identifiers
from oneway.domain.appointments import AppointmentState, PersonName
from oneway.domain.messages import CallTask, MessageKind, Why
from oneway.domain.practices import StaffMember, Switches
from oneway.domain.requests import Request
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import Request as Call

from tests.builders import NOW, START, a_practice, a_record, a_row, an_appointment
from tests.desk import LATER
from tests.portal import PortalDesk, opened, served

from .browser import Eyes, search, tab_to

OMAR = "omar@harbor.example"
FIRST = ("Ada", "Bo", "Cleo", "Dana", "Eli", "Fay", "Gus", "Hana", "Ian", "Jo")
LAST = ("Reed", "Silva", "Okafor", "Lind", "Marsh", "Ito", "Vega", "Novak", "Quist", "Rao")
VISITS = 5000


@dataclass(frozen=True)
class Words:
    """What staff press and read."""

    upcoming: str
    past: str
    find: str
    found: str
    filter: str
    show: str
    on_it: str
    cancel: str
    nobody: str


SPOKEN = {
    "en": Words(
        "Upcoming", "Past", "Find a visit", "visits found", "Filter", "Show", "I'm on it", "Cancel request", "Nobody found"
    ),
    "es": Words(
        "Próximas", "Pasadas", "Buscar una cita", "citas encontradas", "Filtrar", "Mostrar", "Me ocupo yo",
        "Cancelar solicitud", "No se encontró a nadie",
    ),
}  # fmt: skip


@dataclass
class Scene:
    """A desk with 5,000 visits, its address, and a request whose visit was entered with another birth date."""

    desk: PortalDesk
    url: str
    request: Request

    @property
    def appointments(self) -> str:
        return f"{self.url}/portal/harbor/appointments"


def fill(desk: PortalDesk) -> None:
    """Import visits of as many people over three months."""
    for n in range(VISITS):
        start = NOW + timedelta(days=n // 60 - 20, minutes=15 * (n % 28) - 60)
        over = (AppointmentState.COMPLETED, AppointmentState.NO_SHOW, AppointmentState.CANCELLED)[n % 3]
        state = AppointmentState.BOOKED if start > NOW else over
        provider, name = ("osei", "brandt")[n % 2], PersonName((FIRST[n % 10],), f"{LAST[n // 10 % 10]}{n}")
        patient = a_record(source_id=f"p-{n}", names=(name,), phones=(f"+1415{n:07d}",), emails=())
        row = a_row(f"x-{n}", start=start, end=start + timedelta(minutes=15), state=state, patient=patient)
        visit = an_appointment(
            row, id=identifiers.appointment_id("harbor", "ehr", f"x-{n}"), provider_id=provider,
            first_seen_at=NOW - timedelta(days=30), changed_at=NOW - timedelta(days=30),
        )  # fmt: skip
        desk.store.appointments_by_key["harbor", provider, visit.id] = visit


@pytest.fixture
def scene(built: Path) -> Iterator[Scene]:
    practice = a_practice()
    desk = PortalDesk(replace(practice, staff={**practice.staff, OMAR: StaffMember(OMAR, "Omar K.")}))
    with opened(desk, built), served(desk) as url:
        request = desk.ask()
        desk.ask(1, start=LATER, first_name="Jon", last_name="Reed", email=None, mobile="(415) 555-0123")
        desk.enter(patient=a_record(birth_date=a_record().birth_date.replace(month=12, day=3)))
        desk.minutes()
        fill(desk)
        yield Scene(desk, url, request)


def calls_of(page: Page) -> list[Call]:
    """Whole pages that the browser asks for from now on."""
    calls: list[Call] = []
    page.on("request", lambda call: calls.append(call) if call.is_navigation_request() else None)
    return calls


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_day_s_work_without_a_reload(scene: Scene, page: Page, eyes: Eyes, language: str) -> None:
    say = SPOKEN[language]
    page.goto(scene.appointments)
    if language != "en":
        page.locator("#me summary").click()
        eyes.look(page, "desk-0-menu")
        page.get_by_role("button", name="Español").click()
        page.locator("html[lang=es]").wait_for()
    calls = calls_of(page)
    expect(page.locator("tr", has_text="Maria Núñez").locator(".flag")).to_have_count(2)
    eyes.look(page, f"desk-1-action-required-{language}")
    page.get_by_role("link", name=say.upcoming).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(say.upcoming)
    expect(page.locator("#main")).to_be_focused()
    eyes.look(page, f"desk-2-upcoming-{language}")
    page.locator(".filters summary").click()
    page.select_option("#filter-provider", "osei")
    page.get_by_role("button", name=say.show, exact=True).click()
    page.wait_for_url("**/upcoming?provider=osei**")
    expect(page.locator("tbody tr")).to_have_count(50)
    eyes.look(page, f"desk-3-filtered-{language}")
    page.get_by_role("link", name=say.past).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(say.past)
    eyes.look(page, f"desk-4-past-{language}")
    expect(page.get_by_role("searchbox", name=say.find)).to_be_visible()
    search(page, "zz")
    expect(page.locator(".empty")).to_contain_text(say.nobody)
    search(page, "nunez")
    expect(page.get_by_role("heading", level=1)).to_contain_text(say.found)
    eyes.look(page, f"desk-5-found-{language}")
    page.get_by_role("link", name="MARIA Nunez").click()
    page.wait_for_url("**/visits/**")
    eyes.look(page, f"desk-6-imported-{language}")
    page.locator("#rooms a").first.click()
    page.get_by_role("link", name="Maria Núñez").click()
    page.get_by_role("button", name=say.on_it).click()
    page.locator("#claim-release").wait_for()
    assert page.inner_text("#live")
    page.fill("#note-text", "Called at noon.\nNo answer.")
    page.locator("#note-keep").click()
    expect(page.locator(".notes li")).to_have_count(1)
    expect(page.locator("#note-keep")).to_be_focused()
    eyes.look(page, f"desk-7-details-{language}")
    page.get_by_role("link", name=say.cancel).click()
    page.locator("#preview .letter").wait_for()
    page.locator("input[value=duplicate]").check()
    page.locator("#preview .warn").wait_for()
    page.locator("input[value=moved]").check()
    page.locator("#preview .letter").wait_for()
    page.locator("#note").press_sequentially("See you Thursday.")
    expect(page.locator("#preview")).to_contain_text("See you Thursday.")
    assert page.evaluate("document.activeElement.id") == "note", "focus stays where one types"
    eyes.look(page, f"desk-8-cancel-{language}")
    page.locator("button.danger").click()
    page.locator("h1 .state.cancelled").wait_for()
    assert page.inner_text("#live")
    eyes.look(page, f"desk-9-cancelled-{language}")
    assert calls == [], "no page was loaded anew"
    page.wait_for_url(lambda address: "done=" not in address)  # what was done is told once


def test_from_a_caller_s_name_to_state_and_time_in_two_actions(scene: Scene, page: Page) -> None:
    page.goto(scene.appointments)

    search(page, "quist1585")

    row = page.locator("tbody tr")
    expect(row).to_have_count(1)
    assert "Confirmed" in row.inner_text()
    assert "Sun, Nov 29, 1:15 PM" in row.inner_text()
    assert "quist" not in page.url


def test_the_list_refreshes_itself_and_nobody_loses_their_place(scene: Scene, page: Page) -> None:
    page.clock.install()
    page.goto(scene.appointments)
    maria = page.get_by_role("link", name="Maria Núñez")
    maria.focus()
    scene.desk.ask(2, start=START + timedelta(days=2), first_name="Lena", last_name="Olsen", mobile="(415) 555-0188")

    page.clock.run_for(31_000)

    expect(page.get_by_role("link", name="Lena Olsen")).to_be_visible()
    expect(maria).to_be_focused()
    expect(page.locator("#tab-action_required .count")).to_have_text("3")
    scene.desk.store.sessions_by_id.clear()
    page.route("**/auth/sign-in?**", lambda route: route.fulfill(body="sign in"))
    page.clock.run_for(31_000)
    page.wait_for_url("**/auth/sign-in?to=%2Fportal%2Fharbor%2Fappointments")


def test_two_people_do_not_enter_one_visit(scene: Scene, browser: Browser, page: Page) -> None:
    link = f"{scene.appointments}/{scene.request.id}"
    colleague = browser.new_context(extra_http_headers={"X-Signed-In": OMAR}, locale="en-US")
    other = colleague.new_page()
    page.goto(link)
    other.goto(link)

    page.get_by_role("button", name="I'm on it").click()
    page.locator("#claim-release").wait_for()
    other.get_by_role("button", name="I'm on it").click()

    expect(other.locator("#live")).to_contain_text("A colleague was faster")
    expect(other.locator("#claim")).to_contain_text("Nadia P. is on it")
    other.get_by_role("button", name="Take over").click()
    expect(other.locator("#claim")).to_contain_text("You are on it")
    page.get_by_role("button", name="Not any more").click()
    expect(page.locator("#claim")).to_contain_text("Omar K. is on it")
    colleague.close()


def test_a_visit_elsewhere_is_linked_by_one_click_and_undone_by_another(scene: Scene, page: Page, eyes: Eyes) -> None:
    page.goto(f"{scene.appointments}/{scene.request.id}")
    calls = calls_of(page)

    page.get_by_role("button", name="This is it").click()
    page.locator("h1 .state.booked").wait_for()
    assert "undo it silently" in page.inner_text("#live")
    eyes.look(page, "desk-linked")
    page.get_by_role("button", name="undo the link").click()
    page.locator("h1 .state.requested").wait_for()

    assert calls == []
    assert scene.desk.told(scene.request) == []


def test_without_messaging_the_page_says_that_nothing_is_sent(scene: Scene, page: Page, eyes: Eyes) -> None:
    practice = scene.desk.store.practices.get("harbor")
    scene.desk.store.practices.save(replace(practice, switches=Switches(cancelled=False)))
    page.goto(f"{scene.appointments}/{scene.request.id}/cancel")

    expect(page.locator("#preview")).to_contain_text("cancellation messaging is off")
    page.locator("input[value=not_available]").check()
    page.get_by_role("button", name="Cancel request").click()

    page.locator("h1 .state.cancelled").wait_for()
    scene.desk.deliver()
    assert scene.desk.told(scene.request) == []


def test_what_is_wrong_takes_focus_and_names_its_field(scene: Scene, page: Page, eyes: Eyes) -> None:
    page.goto(f"{scene.appointments}/{scene.request.id}/cancel")

    page.get_by_role("button", name="Cancel request").click()

    expect(page.locator(".errors")).to_be_focused()
    eyes.look(page, "desk-cancel-errors")
    page.locator(".errors a").click()
    expect(page.locator("#reason")).to_be_focused()


def test_what_is_not_there_and_what_is_empty_are_pages_too(scene: Scene, page: Page, eyes: Eyes) -> None:
    answer = page.goto(f"{scene.appointments}/aaaaaaaaaaaaa")
    assert answer
    assert answer.status == 404
    eyes.look(page, "desk-not-found")
    page.goto(f"{scene.appointments}?state=arrived")
    expect(page.locator(".empty")).to_be_visible()
    eyes.look(page, "desk-nothing-to-do")


def test_by_keyboard_alone(scene: Scene, page: Page) -> None:
    page.goto(scene.appointments)
    assert scene.desk.stored(scene.request).pending

    tab_to(page, "#practices summary")
    page.keyboard.press("Enter")
    page.locator("#practices .menu-items a", has_text="Harbor Clinic").wait_for()
    page.keyboard.press("Escape")
    expect(page.locator("#practices summary")).to_be_focused()
    tab_to(page, f"#v-{scene.request.id}")
    page.keyboard.press("Enter")
    page.locator("#claim-take").wait_for()
    tab_to(page, "#claim-take")
    page.keyboard.press("Enter")
    page.locator("#claim-release").wait_for()
    page.locator("#cancel").focus()
    page.keyboard.press("Enter")
    page.locator("#preview").wait_for()
    tab_to(page, "input[name=reason]")
    page.keyboard.press("ArrowDown")
    page.locator("#preview .notice").wait_for()
    tab_to(page, "button.danger")
    page.keyboard.press("Enter")
    page.locator("h1 .state.cancelled").wait_for()


def test_a_possible_match_is_answered_by_keyboard_alone(scene: Scene, page: Page) -> None:
    page.goto(f"{scene.appointments}/{scene.request.id}")
    tab_to(page, "button[value=accepted]")
    page.keyboard.press("Enter")
    page.locator("h1 .state.booked").wait_for()
    tab_to(page, "button[value=undone]")
    page.keyboard.press("Enter")
    page.locator("h1 .state.requested").wait_for()
    tab_to(page, "details.dismissed summary")
    page.keyboard.press("Enter")
    tab_to(page, "button[value=perhaps]")
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_contain_text("possible match again")
    tab_to(page, "button[value=dismissed]")
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_contain_text("not this visit")
    assert scene.desk.told(scene.request) == []


def test_without_scripts_everything_is_plain_links_and_forms(scene: Scene, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en-US")
    page = context.new_page()
    page.goto(scene.appointments)
    page.fill("#search", "nunez")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="Maria Núñez").click()
    page.get_by_role("button", name="I'm on it").click()
    expect(page.locator("#claim")).to_contain_text("You are on it")
    expect(page.locator("[data-copy]").first).to_be_hidden()
    page.get_by_role("link", name="Cancel request").click()
    page.check("input[value=patient_asked]")
    page.fill("#note", "Good-bye.")
    page.get_by_role("button", name="Show what the patient gets").click()
    expect(page.locator("#preview")).to_contain_text("Good-bye.")
    page.get_by_role("button", name="Cancel request").click()
    expect(page.locator("h1")).to_contain_text("Cancelled")
    context.close()


def test_an_identifier_is_copied_as_it_was_typed_and_a_page_is_printed_without_its_buttons(
    scene: Scene, browser: Browser
) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"], locale="en-US")
    page = context.new_page()
    page.goto(scene.appointments)
    page.get_by_role("link", name="Maria Núñez").click()
    page.get_by_role("button", name="Copy Mobile number").click()
    expect(page.locator("#live")).to_contain_text("Mobile number copied")
    assert page.evaluate("navigator.clipboard.readText()") == "(415) 555-2671"
    page.evaluate("window.print = () => { window.printed = true; }")
    page.get_by_role("button", name="Print").click()
    assert page.evaluate("window.printed") is True
    page.emulate_media(media="print")
    assert not page.locator("header").is_visible()
    assert not page.get_by_role("button").first.is_visible()
    assert page.get_by_text("1984-03-12", exact=True).first.is_visible()
    context.close()


def test_pages_are_light_and_hold_still(scene: Scene, page: Page) -> None:
    sizes: list[int] = []
    page.on("response", lambda answer: sizes.append(len(gzip.compress(answer.body()))) if answer.ok else None)
    said: list[str] = []
    page.on("console", lambda one: said.append(one.text))

    page.goto(f"{scene.url}/portal/harbor/upcoming")
    page.wait_for_load_state("networkidle")

    # The gateway compresses what is larger than 1 KB, this server does not.
    assert sum(sizes) <= 120_000, sizes
    assert Eyes.shifts(page) < 0.01
    assert said == [], "nothing breaks the policy"


def test_notes_call_tasks_and_what_vanished_are_answered_by_keyboard_alone(scene: Scene, page: Page) -> None:
    store, key = scene.desk.store.requests_by_id, ("harbor", scene.request.id)
    page.goto(f"{scene.appointments}/{scene.request.id}")
    tab_to(page, "#note-text")
    page.keyboard.type("Called, no answer.")
    tab_to(page, "#note-keep")
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_contain_text("Your note is kept")
    expect(page.locator(".notes")).to_contain_text("Called, no answer.")

    task = CallTask("000001-x", MessageKind.CONFIRMED_PATIENT, Why.NO_ADDRESS, NOW)
    store[key] = replace(store[key], call=task)
    page.reload()
    tab_to(page, "section[aria-labelledby=call] button")
    page.keyboard.press("Enter")
    expect(page.locator("#call")).to_have_count(0)
    assert store[key].call is None

    scene.desk.accept(scene.request)
    store[key] = replace(store[key], vanished_at=NOW)
    page.reload()
    tab_to(page, "button[value=stands]")
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_contain_text("the visit takes place")
    assert store[key].vanished_at is None
