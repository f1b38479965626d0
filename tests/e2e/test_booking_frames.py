"""The booking tool on somebody else's page, in a browser that gives no cookies to other sites: the whole way, and none is set.

Over a world in memory; the same on the deployed template: test_booking.py.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Frame, Page, expect

from tests.booking_tool import Tool, a_clinic, serving

from .asking import ENGLISH, SPANISH, Words, fill_in
from .browser import Eyes, launched
from .conftest import Site

LOOK = Eyes(widths=(320, 1440))
BLOCKED = "--test-third-party-cookie-phaseout"
TASTER = """<!doctype html><html lang="en"><title>Taster</title><script>
document.cookie = "taste=1; SameSite=None; Secure";
if (self === top) {
  const own = document.cookie;
  const frame = document.createElement("iframe");
  frame.src = location.href.replace("//clinic.", "//elsewhere.");
  addEventListener("message", (event) => { document.title = `${own} here, ${event.data || "nothing"} there`; });
  document.documentElement.append(frame);
} else parent.postMessage(document.cookie, "*");
</script></html>"""
"""A page that tries to keep a cookie, and frames itself from another site; it tells what became of both."""


@pytest.fixture(scope="module")
def wary(browser: Browser) -> Iterator[Browser]:
    wary = launched(browser.browser_type, BLOCKED)
    yield wary
    wary.close()


@pytest.fixture
def visitor(wary: Browser) -> Iterator[BrowserContext]:
    context = wary.new_context(viewport={"width": 390, "height": 844}, locale="en-US", reduced_motion="reduce")
    context.set_default_timeout(60_000)
    yield context
    context.close()


@pytest.fixture
def tool(tmp_path: Path, site: Site) -> Iterator[Tool]:
    with serving(tmp_path, a_clinic(embed_origins=(f"http://clinic.localhost:{site.port}",))) as tool:
        yield tool


def opened(context: BrowserContext, site: Site, tool: Tool, settings: str) -> Page:
    """The practice's own page, with the one tag on it."""
    tag = f'<script src="{tool.url}/embed.js" data-practice="harbor" {settings}></script>'
    site.html = f'<!doctype html><html lang="en"><title>Harbor</title><main><h1>Harbor Clinic</h1>{tag}</main></html>'
    page = context.new_page()
    page.goto(f"http://clinic.localhost:{site.port}/")
    return page


def test_the_browser_of_these_tests_keeps_a_cookie_of_a_page_and_none_of_a_frame(
    visitor: BrowserContext, site: Site
) -> None:
    site.html = TASTER
    page = visitor.new_page()
    page.goto(f"http://clinic.localhost:{site.port}/")
    expect(page).to_have_title("taste=1 here, nothing there")


@pytest.mark.parametrize("words", [ENGLISH, SPANISH], ids=["en", "es"])
@pytest.mark.parametrize("mode", ["dialog", "inline"])
def test_the_whole_way_in_a_frame_without_a_cookie(
    visitor: BrowserContext, site: Site, tool: Tool, words: Words, mode: str
) -> None:
    page = opened(visitor, site, tool, f'data-mode="{mode}" data-language="{words.lang}"')
    if mode == "dialog":
        assert [one for one in tool.asked if one[1] != "/embed.js"] == [], "nothing but the script, until it is opened"
        page.get_by_role("button").first.click()
    frame = page.frame_locator("iframe")

    def look(step: str) -> Frame:
        inside = page.frames[1]
        LOOK.look(page, f"{mode}, {step}, {words.lang}")
        assert inside.evaluate("document.cookie") == ""
        return inside

    frame.get_by_role("link", name="Dr. Amara Osei").wait_for()
    assert len([one for one in tool.asked if one[1] != "/embed.js"]) <= 3
    look("providers")
    frame.get_by_role("link", name="Dr. Amara Osei").click()
    frame.get_by_role("link", name=words.new_patient).click()
    frame.locator(".month .free").last.click()
    frame.locator("ul.times a").first.click()
    frame.locator("input[name=for_whom][value=me]").check()
    frame.get_by_role("button", name=words.go_on).click()
    frame.locator("#first_name").wait_for()
    frame.get_by_role("button", name=words.go_on).click()
    frame.locator("#error-first_name").wait_for()
    look("errors")
    fill_in(page.frames[1], "Elke")
    frame.get_by_role("button", name=words.go_on).click()
    frame.locator("#contact_consent").check()
    look("check")
    frame.get_by_role("button", name=words.send).click()
    expect(frame.locator("main")).to_contain_text(words.not_confirmed)
    look("sent")
    assert not visitor.cookies()
    assert not [told for told in tool.told if told[0].lower() == "set-cookie"]
    assert len(tool.world.store.requests_by_id) == 1
