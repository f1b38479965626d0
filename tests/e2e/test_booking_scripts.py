"""What the scripts of the booking tool keep, and for how long: Chromium before the function itself, over a world in memory."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from playwright.sync_api import Error as PlaywrightError

from tests.booking_tool import Tool, serving
from tests.builders import a_practice, a_provider

from .conftest import Site

DETAILS = "/book/harbor/details?provider=osei&visit_type=new&start=2026-11-24T09:30:00-08:00&new_patient=yes&lang=en&for_whom="
TYPED = {
    "first_name": "Nora",
    "last_name": "Lind",
    "birth_month": "3",
    "birth_day": "12",
    "birth_year": "1984",
    "mobile": "12",
}
HALF_AN_HOUR = 30 * 60 * 1000


@pytest.fixture
def tool(tmp_path: Path, site: Site) -> Iterator[Tool]:
    origins = (f"http://site.localhost:{site.port}",)
    with serving(tmp_path, a_practice(a_provider(), embed_origins=origins)) as tool:
        yield tool


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context: BrowserContext = browser.new_context(locale="en-US")
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()


def fill_in(page: Page, **typed: str) -> None:
    for name, text in (TYPED | typed).items():
        page.fill(f"#{name}", text)


def go_on(page: Page) -> None:
    page.get_by_role("button", name="Continue").click()


def drafts(page: Page) -> int:
    return int(page.evaluate("Object.keys(sessionStorage).filter((one) => one.startsWith('draft:')).length"))


def untouched(page: Page, milliseconds: int) -> None:
    """So long ago somebody typed. (Playwright's clock knows no kinds of navigation.)"""
    page.evaluate(
        """(ago) => { for (const name of Object.keys(sessionStorage).filter((one) => one.startsWith("draft:"))) {
          const draft = JSON.parse(sessionStorage.getItem(name));
          sessionStorage.setItem(name, JSON.stringify({ ...draft, at: draft.at - ago })); } }""",
        milliseconds,
    )


def reloaded(page: Page) -> None:
    """Reload what stands there, once it does."""
    deadline = monotonic() + 60
    while True:
        try:
            page.reload()
            return
        except PlaywrightError:
            if monotonic() > deadline:
                raise
            page.wait_for_timeout(100)


def test_a_reload_shows_what_was_typed_last(tool: Tool, page: Page) -> None:
    """Also of a page that said what is wrong: fetching it again, a browser sends what was wrong."""
    page.goto(f"{tool.url}{DETAILS}me")
    fill_in(page)
    page.reload()
    expect(page.locator("#first_name")).to_have_value("Nora")
    go_on(page)
    expect(page.locator("#error-mobile")).to_be_visible()
    page.fill("#mobile", "(415) 555-2671")
    page.fill("#last_name", "")
    page.reload()
    expect(page.locator("#mobile")).to_have_value("(415) 555-2671")
    expect(page.locator("#last_name")).to_have_value("")
    expect(page.locator("#first_name")).to_have_value("Nora")


def test_going_back_onto_a_page_that_was_sent_loses_nothing(tool: Tool, page: Page) -> None:
    """Chromium asks before it sends such a form again, which is a reload of what stands there."""
    page.goto(f"{tool.url}{DETAILS}me")
    fill_in(page)
    go_on(page)
    expect(page.locator("#error-mobile")).to_be_visible()
    page.fill("#mobile", "(415) 555-2671")
    go_on(page)
    expect(page.get_by_role("button", name="Send request")).to_be_visible()
    with suppress(PlaywrightError):
        page.go_back()
    reloaded(page)
    expect(page.locator("#first_name")).to_have_value("Nora")
    expect(page.locator("#mobile")).to_have_value("(415) 555-2671")


def test_whom_it_is_for_and_days_survive_a_reload(tool: Tool, page: Page) -> None:
    page.goto(f"{tool.url}/book/harbor/who?provider=osei&visit_type=new&start=2026-11-24T09:30:00-08:00&lang=en")
    page.get_by_label("For someone else").check()
    page.reload()
    expect(page.get_by_label("For someone else")).to_be_checked()
    page.goto(f"{tool.url}/book/harbor/days?provider=osei&visit_type=new&lang=en")
    page.locator('input[value="2026-11-25"]').check(force=True)
    page.get_by_label("Morning").check()
    page.reload()
    expect(page.locator('input[value="2026-11-25"]')).to_be_checked()
    expect(page.get_by_label("Morning")).to_be_checked()
    expect(page.locator('input[value="2026-11-26"]')).not_to_be_checked()


def test_the_pages_own_links_back_lose_nothing(tool: Tool, page: Page) -> None:
    page.goto(f"{tool.url}{DETAILS}me")
    fill_in(page)
    page.get_by_role("link", name="Back").click()
    go_on(page)
    expect(page.locator("#first_name")).to_have_value("Nora")


def test_what_was_typed_stays_when_it_is_for_somebody_else_after_all(tool: Tool, page: Page) -> None:
    page.goto(f"{tool.url}{DETAILS}other")
    page.fill("#booker_relation", "mother")
    fill_in(page)
    for whom in ("For me", "For someone else"):
        page.get_by_role("link", name="Back").click()
        page.get_by_label(whom).check()
        go_on(page)
        expect(page.locator("#first_name")).to_have_value("Nora")
    expect(page.locator("#booker_relation")).to_have_value("mother")


def test_the_next_person_does_not_find_what_the_last_one_typed(tool: Tool, page: Page) -> None:
    page.goto(f"{tool.url}{DETAILS}me")
    fill_in(page)
    page.goto(f"{tool.url}/book/harbor?lang=en")  # entered anew
    assert drafts(page) == 0
    page.goto(f"{tool.url}{DETAILS}me")
    fill_in(page)
    untouched(page, HALF_AN_HOUR - 60_000)
    page.reload()
    expect(page.locator("#first_name")).to_have_value("Nora")
    untouched(page, HALF_AN_HOUR)
    page.reload()
    expect(page.locator("#first_name")).to_have_value("")
    fill_in(page, mobile="(415) 555-2671")
    go_on(page)
    page.get_by_label("may contact me").check()
    page.get_by_role("button", name="Send request").click()
    expect(page.get_by_role("heading", name="Request sent")).to_be_visible()
    assert drafts(page) == 0


def test_a_form_is_sent_once_and_again_after_it_was_stopped(tool: Tool, page: Page) -> None:
    page.goto(f"{tool.url}{DETAILS}me")
    fill_in(page, mobile="(415) 555-2671")
    page.evaluate("window.pressed = []; addEventListener('submit', (one) => pressed.push(one), true)")
    tool.hanging = True  # the browser stays where it is
    press = "document.querySelector('form[data-draft]').requestSubmit();"
    page.evaluate(press * 2)
    page.evaluate("document.querySelector('form[data-draft]').dataset.sent -= 6000")
    page.evaluate(press)
    assert page.evaluate("pressed.map((one) => one.defaultPrevented)") == [False, True, False]
    tool.hanging = False


def on_its_site(site: Site, tool: Tool, attributes: str) -> str:
    """The address of a page of the practice's own, scrolled past the tool in it."""
    site.html = (
        "<!doctype html><title>Clinic</title><h1>Welcome</h1><div id='above' style='height:300px'></div>"
        f"<script src='{tool.url}/embed.js' data-practice='harbor' {attributes}></script><div style='height:3000px'></div>"
        "<script>scrollTo(0, 900)</script>"
    )
    return f"http://site.localhost:{site.port}/"


def test_a_page_is_not_moved_by_the_tool_in_it_until_somebody_goes_on(site: Site, tool: Tool, page: Page) -> None:
    address = on_its_site(site, tool, "data-mode='inline' data-language='en'")
    page.goto(address)
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="Who would you like")).to_be_attached()
    page.wait_for_function(
        "document.querySelector('script[data-practice] + div').shadowRoot.querySelector('iframe').dataset.came === 'yes'"
    )
    assert page.evaluate("scrollY") == 900
    frame.get_by_role("link", name="Amara Osei").evaluate("(one) => one.click()")
    page.wait_for_function("scrollY < 900")


def test_the_tag_may_name_a_language_as_pages_do(site: Site, tool: Tool, page: Page) -> None:
    page.goto(on_its_site(site, tool, "data-language='es-MX'"))
    expect(page.get_by_role("button", name="Pedir una cita")).to_be_attached()


@pytest.mark.parametrize("mode", ["button", "inline"])
def test_an_older_browser_gets_a_link(site: Site, tool: Tool, page: Page, mode: str) -> None:
    page.add_init_script("delete CSSStyleSheet.prototype.replaceSync; delete Document.prototype.adoptedStyleSheets")
    page.goto(on_its_site(site, tool, f"data-mode='{mode}' data-label='Make an appointment' data-language='en'"))
    link = page.get_by_role("link", name="Make an appointment" if mode == "button" else "Open in a new window")
    expect(link).to_have_attribute("href", f"{tool.url}/book/harbor?lang=en")
    if mode == "inline":
        expect(page.frame_locator("iframe").get_by_role("heading", name="Who would you like")).to_be_visible()
