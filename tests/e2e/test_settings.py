"""Integration and Settings in Chromium, as staff use them: by mouse, by keyboard, two at a time, without scripts; in memory."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from oneway.domain.appointments import SetAsideRow
from oneway.faults import AuthRevoked
from playwright.sync_api import Browser, Page, expect

from tests.builders import START, a_practice, a_provider
from tests.desk import NADIA, VIC
from tests.portal import PortalDesk, opened, served
from tests.unit.web.booking_pages import patient_of

from .browser import Eyes, tab_to

BEN = "ben@harbor.example"
TUESDAY = "/book/harbor/times?provider=osei&visit_type=new&day=2026-11-24&lang=en"


@pytest.fixture
def desk(built: Path) -> Iterator[PortalDesk]:
    """Two providers whose schedules are read, one whose schedule is not, and two colleagues who may change things."""
    walk_in = a_provider("walk-in", name="Ann Walker, NP", source_id=None, external_id=None)
    practice = a_practice(a_provider(), a_provider("brandt"), walk_in)
    staff = {**practice.staff, BEN: replace(practice.staff[NADIA], email=BEN, name="Ben W.")}
    with opened(PortalDesk(replace(practice, staff=staff)), built) as desk:
        yield desk


@pytest.fixture
def address(desk: PortalDesk) -> Iterator[str]:
    with served(desk) as base:
        yield f"{base}/portal/harbor"


def busy_day(desk: PortalDesk) -> None:
    """Visits are entered and changed through the day, some cannot be read, and then many vanish at once."""
    desk.source.set_aside = [SetAsideRow(f"entry {n}", "ends before it starts") for n in range(2)]
    for hour in range(9):
        desk.clock.advance(hours=1)
        for number in range(hour * 5 % 7):
            start = START + timedelta(days=hour, hours=number)
            desk.enter(f"v-{hour}-{number}", start=start, end=start + timedelta(minutes=30))
        desk.minutes()


def vanish(desk: PortalDesk) -> None:
    desk.source.rows.clear()
    desk.minutes()


def test_a_mass_vanish_is_answered_and_a_source_that_fails_says_what_to_do(
    desk: PortalDesk, address: str, page: Page, eyes: Eyes
) -> None:
    busy_day(desk)
    vanish(desk)
    page.goto(f"{address}/integration")
    expect(page.get_by_role("heading", name="Integration")).to_be_visible()
    expect(page.get_by_text("Much of Dr. Amara Osei's schedule is gone at once.")).to_be_visible()
    chart = page.get_by_role("img", name=re.compile("In the last 24 hours \\d+ visits"))
    assert chart.locator("rect").count() > 3
    page.get_by_text("The numbers").click()
    page.get_by_text("2 rows set aside").first.click()
    eyes.look(page, "integration-held")
    page.get_by_role("button", name="Keep: they take place").press("Enter")
    expect(page.locator("#live")).to_have_text(re.compile("Noted: they stay"))
    expect(page.get_by_text("gone at once")).to_have_count(0)
    desk.minutes(2)
    assert not any(one.missing_since for one in desk.store.appointments_by_key.values())
    desk.source.fault = AuthRevoked()
    desk.minutes()
    page.goto(f"{address}/integration?lang=es")
    expect(page.get_by_text("Vuelva a dar acceso a Oneway").first).to_be_visible()
    eyes.look(page, "integration-broken-es")


def test_sync_now_is_followed_to_its_end(desk: PortalDesk, address: str, page: Page, eyes: Eyes) -> None:
    desk.minutes()
    page.goto(f"{address}/integration")
    page.get_by_role("button", name="Sync now").press("Enter")
    progress = page.locator(".progress")
    expect(progress).to_contain_text("Your schedules are being read")
    expect(progress.locator("li", has_text="Dr. Amara Osei")).to_contain_text("Asked for")
    expect(page.locator("#live")).to_contain_text("being read")
    eyes.look(page, "integration-sync")
    page.locator("#sync-now").focus()
    desk.enter()
    desk.pull_asked("harbor", "ehr~osei", now_asked=True)
    expect(progress.locator("li", has_text="Dr. Amara Osei")).to_contain_text("Read: 1 visit new or changed")
    expect(progress.locator("li", has_text="Dr. Lena Brandt")).to_contain_text("Asked for")
    desk.pull_asked("harbor", "ehr~brandt", now_asked=True)
    expect(progress.get_by_role("heading")).to_have_text("Sync finished: 1 visit new or changed.")
    expect(page.locator("#live")).to_have_text("Sync finished: 1 visit new or changed.")
    expect(page.locator("#sync-now")).to_be_focused()
    expect(page.locator("[data-poll]")).to_have_count(0)


def test_settings_are_changed_and_two_editors_lose_nothing(
    desk: PortalDesk, address: str, page: Page, eyes: Eyes, tmp_path: Path
) -> None:
    request, patient = desk.ask(), patient_of(desk, tmp_path)
    page.goto(f"{address}/settings")
    eyes.look(page, "settings")
    page.get_by_role("link", name="Change Messages").click()
    page.locator("#messages-cancelled").uncheck()
    page.locator("#recipients").fill("front@harbor.example\nnot an address")
    page.locator("#save").click()
    expect(page.locator(".errors")).to_be_focused()
    page.locator(".errors a").first.click()
    expect(page.locator("#recipients")).to_be_focused()
    expect(page.locator("#recipients")).to_have_value("front@harbor.example\nnot an address")
    expect(page.locator("#messages-cancelled")).not_to_be_checked()
    eyes.look(page, "settings-messages-errors")
    page.locator("#recipients").fill("front@harbor.example\nsecond@harbor.example")
    page.locator("#save").click()
    expect(page.locator("#live")).to_have_text(re.compile("Saved"))
    assert not desk.store.practices.get("harbor").switches.cancelled
    desk.cancel_by_staff("harbor", NADIA, request.id, "other", "")
    desk.tick(minutes=5)
    assert desk.told(request) == []
    desk.ask(1)
    assert "9:30" not in patient.open(TUESDAY).text

    page.get_by_role("link", name="Change Dr. Amara Osei").click()
    page.locator("#providers-osei-split").fill("2")
    page.locator("#providers-osei-buffer_after_minutes").fill("10")
    number = "providers.osei.split"
    desk.change_settings("harbor", BEN, {number: "1"}, {number: 3})
    page.locator("#save").click()
    expect(page.locator(".errors.changed")).to_be_focused()
    expect(page.locator(".errors.changed")).to_contain_text("Ben W. was faster.")
    expect(page.locator("#providers-osei-split")).to_have_value("2")
    eyes.look(page, "settings-two-editors")
    page.locator("#save").press("Enter")
    expect(page.locator("#live")).to_have_text(re.compile("Saved"))
    osei = desk.store.practices.get("harbor").providers["osei"]
    assert (osei.split, osei.buffer_after_minutes) == (2, 10)
    assert "9:30" in patient.open(TUESDAY).text
    page.get_by_role("link", name="See who changed what").click()
    expect(page.get_by_text("Dr. Amara Osei: Split booking: visits at one time").first).to_be_visible()
    eyes.look(page, "settings-history")


def test_a_visit_type_and_the_colour(desk: PortalDesk, address: str, page: Page, eyes: Eyes) -> None:
    page.goto(f"{address}/settings?lang=es")
    eyes.look(page, "settings-es")
    page.goto(f"{address}/settings")
    page.get_by_role("link", name="Add a visit type").click()
    page.locator("#visit-minutes").fill("3")
    page.locator("#save").click()
    expect(page.locator(".errors")).to_be_focused()
    page.locator("#visit-name").fill("Yearly check-up")
    page.locator("#visit-name-es").fill("Revisión anual")
    page.locator("#visit-minutes").fill("45")
    page.get_by_label("Dr. Lena Brandt").check()
    eyes.look(page, "settings-visit-type")
    page.locator("#save").click()
    expect(page.get_by_role("row", name=re.compile("Yearly check-up.*45 minutes"))).to_be_visible()
    page.get_by_role("link", name="Change Branding").click()
    page.locator("#accent").fill("#ffee00")
    page.locator("#accent").dispatch_event("change")
    expect(page.locator("#preview")).to_contain_text("Its own contrast would be")
    eyes.look(page, "settings-branding")
    page.locator("#save").click()
    expect(page.locator("#live")).to_have_text(re.compile("Saved"))
    assert desk.store.practices.get("harbor").accent == "#ffee00"


def test_by_keyboard_alone(desk: PortalDesk, address: str, page: Page) -> None:
    busy_day(desk)
    vanish(desk)
    page.goto(f"{address}/integration")
    tab_to(page, "button[value=keep]")
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_have_text(re.compile("Noted: they stay"))
    tab_to(page, "details.aside summary")
    page.keyboard.press("Enter")
    expect(page.locator("details.aside[open]")).to_be_visible()
    page.goto(f"{address}/settings")
    for part, field, typed in (("messages", "messages-cancelled", "Space"), ("booking", "horizon_days", "30")):
        tab_to(page, f"a.change[href$='/settings/{part}']")
        page.keyboard.press("Enter")
        tab_to(page, f"#{field}")
        if typed == "Space":
            page.keyboard.press(typed)
        else:
            page.keyboard.press("ControlOrMeta+a")
            page.keyboard.type(typed)
        tab_to(page, "#save")
        page.keyboard.press("Enter")
        page.wait_for_url("**/settings")
        expect(page.locator("#live")).to_have_text(re.compile("Saved"))
    practice = desk.store.practices.get("harbor")
    assert (practice.switches.cancelled, practice.horizon_days) == (False, 30)
    page.goto(f"{address}/integration")
    tab_to(page, "#sync-now")
    page.keyboard.press("Enter")
    expect(page.locator(".progress")).to_contain_text("Asked for")


def test_without_a_script_everything_goes_by_links_and_forms(
    desk: PortalDesk, address: str, browser: Browser, eyes: Eyes
) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{address}/integration")
        page.get_by_role("button", name="Sync now").click()
        expect(page.locator(".progress")).to_contain_text("Asked for")
        for provider in ("osei", "brandt"):
            desk.pull_asked("harbor", f"ehr~{provider}", now_asked=True)
        page.get_by_role("link", name="Reload to see how far it is").click()
        expect(page.locator(".progress")).to_contain_text("Sync finished: 0 visits new or changed.")
        page.goto(f"{address}/settings/booking")
        page.locator("#horizon_days").fill("30")
        page.locator("#save").click()
        expect(page.locator("#live")).to_have_text(re.compile("Saved"))
        page.goto(f"{address}/settings/branding")
        page.locator("#accent").fill("#ffee00")
        page.get_by_role("button", name="See it").click()
        expect(page.locator("#preview")).to_contain_text("Its own contrast would be")
    assert desk.store.practices.get("harbor").horizon_days == 30


def test_who_may_only_read_sees_settings_and_no_form(desk: PortalDesk, browser: Browser, eyes: Eyes) -> None:
    with served(desk, VIC) as base, browser.new_context() as context:
        page = context.new_page()
        for path in ("integration", "settings", "settings/booking", "settings/providers/osei"):
            page.goto(f"{base}/portal/harbor/{path}")
            assert page.locator("main button, main input, main textarea").count() == 0, path
        eyes.look(page, "settings-viewer")
