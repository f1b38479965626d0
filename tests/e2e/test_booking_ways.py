"""The whole way of a patient in Chromium: with scripts and without, narrow and wide, by keyboard alone, back and forth.

Over a world in memory, in both languages; the same way on the deployed template: test_booking.py.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from playwright.sync_api import Error as PlaywrightError

from local.processes import wait_for
from tests.booking_tool import Tool, serving

from .asking import ENGLISH, SPANISH, Words, choose_provider, choose_time, fill_in, mobile_of, send

BOTH = pytest.mark.parametrize("words", [ENGLISH, SPANISH], ids=["en", "es"])
SIZES = pytest.mark.parametrize("size", [(320, 640), (1280, 900)], ids=["320", "desktop"])
SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
CHOSEN = "provider=osei&visit_type=check-up&start=2026-11-24T09:30:00-08:00"
Opening = Callable[..., Page]


@pytest.fixture
def tool(tmp_path: Path) -> Iterator[Tool]:
    with serving(tmp_path) as tool:
        yield tool


@pytest.fixture
def opening(browser: Browser) -> Iterator[Opening]:
    """Opens a page in a browser of its own: of a size, with scripts or without."""
    contexts: list[BrowserContext] = []

    def start(size: tuple[int, int] = (390, 844), scripts: bool = True) -> Page:
        contexts.append(
            browser.new_context(
                viewport={"width": size[0], "height": size[1]}, locale="en-US", java_script_enabled=scripts
            )
        )
        contexts[-1].set_default_timeout(60_000)
        return contexts[-1].new_page()

    yield start
    for one in contexts:
        one.close()


def go_on(page: Page, words: Words) -> None:
    page.get_by_role("button", name=words.go_on).click()


def at_check(page: Page) -> None:
    page.locator("#contact_consent").wait_for()


@BOTH
@SIZES
@SCRIPTS
def test_the_whole_way(tool: Tool, opening: Opening, words: Words, size: tuple[int, int], scripts: bool) -> None:
    page = opening(size, scripts)
    choose_time(page, tool, words)
    assert page.locator("html").get_attribute("lang") == words.lang
    go_on(page, words)
    expect(page.locator("#error-first_name")).to_be_visible()
    fill_in(page, "Runa")
    go_on(page, words)
    at_check(page)
    page.locator("button[formaction*='/times?']").click()
    page.locator("ul.times button").last.click()
    at_check(page)
    expect(page.locator("main")).to_contain_text("Knee pain")
    send(page, words)
    expect(page.locator("main")).to_contain_text(words.not_confirmed)
    (request,) = tool.world.store.requests_by_id.values()
    assert (request.language, request.patient.last_name, request.reason) == (
        words.lang, "O'Brien-Smith", "Knee pain since last week",
    )  # fmt: skip
    page.get_by_role("link", name=words.cancel, exact=True).click()
    page.get_by_role("button", name=words.cancel_it).click()
    expect(page.locator(".state.cancelled")).to_have_count(1)
    assert not page.context.cookies()
    assert not [told for told in tool.told if told[0].lower() == "set-cookie"]


@BOTH
@SIZES
@SCRIPTS
def test_another_time_for_someone_else(
    tool: Tool, opening: Opening, words: Words, size: tuple[int, int], scripts: bool
) -> None:
    page = opening(size, scripts)
    choose_provider(page, tool.book, words)
    page.get_by_role("link", name=words.another_time).click()
    go_on(page, words)
    expect(page.locator("#error-days")).to_be_visible()
    page.locator(".toggle").nth(3).click()
    page.locator("input[name=parts]").first.check()
    go_on(page, words)
    page.wait_for_url("**/who**")
    page.locator("input[name=for_whom][value=other]").check()
    go_on(page, words)
    page.wait_for_url("**/details**")
    for field, typed in (("booker_first_name", "Rosa"), ("booker_last_name", "Lind"), ("booker_relation", "mother")):
        page.fill(f"#{field}", typed)
    fill_in(page, "Mia")
    go_on(page, words)
    at_check(page)
    send(page, words)
    (request,) = tool.world.store.requests_by_id.values()
    assert request.preferred
    assert request.booker
    assert request.booker.first_name == "Rosa"


# --- By keyboard alone ------------------------------------------------------------------------------------------------


@dataclass
class Keys:
    """Somebody who has a keyboard and nothing else."""

    page: Page

    def to(self, wanted: str) -> None:
        """Press Tab until focus is there, and can be seen."""
        for _ in range(120):
            if self.page.evaluate("wanted => document.activeElement.matches(wanted)", wanted):
                style = "getComputedStyle(document.activeElement)"
                seen = f"{style}.outlineStyle !== 'none' || {style}.boxShadow !== 'none'"
                assert self.page.evaluate(seen), f"focus on {wanted} cannot be seen"
                box = "document.activeElement.getBoundingClientRect()"
                assert self.page.evaluate(f"{box}.bottom > 0 && {box}.top < innerHeight"), f"{wanted} is out of sight"
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{wanted} is not reached")

    def press(self, wanted: str, leads_to: str | re.Pattern[str], key: str = "Enter") -> None:
        """Press a link or a button, and wait for the page that it leads to."""
        self.to(wanted)
        self.page.evaluate("document.documentElement.dataset.left = 'yes'")
        self.page.keyboard.press(key)
        self.page.wait_for_url(leads_to)
        self.page.wait_for_function("() => document.body && !document.documentElement.dataset.left")

    def type(self, wanted: str, text: str) -> None:
        """Go to a field and type."""
        self.to(wanted)
        self.page.keyboard.type(text)

    def tick(self, wanted: str) -> None:
        """Go to a box and tick it."""
        self.to(wanted)
        if not self.page.evaluate("document.activeElement.checked"):
            self.page.keyboard.press("Space")


@BOTH
@SIZES
def test_a_keyboard_is_enough(tool: Tool, opening: Opening, words: Words, size: tuple[int, int]) -> None:
    page = opening(size)
    keys = Keys(page)
    page.goto(f"{tool.book}?lang={words.lang}")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null"), "the first Tab after it is in the content"
    keys.press("li:nth-child(2) .pick", "**/visit**")
    keys.press(".pick", "**/times**")
    keys.press(".months .step:last-child", "**month=**")
    keys.press(".month .free", "**day=**")
    # Whoever chose a day goes on at its times.
    assert page.evaluate("document.activeElement.id || location.hash") in ("day", "#day")
    keys.press("ul.times a", "**/who**")
    keys.press("main form button", "**/details**")
    expect(page.locator(".errors")).to_be_focused()
    keys.tick("input[name=for_whom]")
    keys.press("main form button", "**/details**")
    keys.press("main form > button", "**/check**")
    expect(page.locator(".errors")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#first_name")).to_be_focused()
    typed = {"first_name": "Svea", "last_name": "Lind", "birth_month": "1", "birth_day": "2", "birth_year": "1990"}
    order = ("birth_month", "birth_day") if words is ENGLISH else ("birth_day", "birth_month")
    for field in ("first_name", "last_name", *order, "birth_year"):
        keys.type(f"#{field}", typed[field])
    keys.type("#mobile", "4155552671")
    keys.press("main form > button", "**/check**")
    at_check(page)
    keys.press("button[formaction*='/times?']", "**/times**", "Space")
    keys.press(".month button.free", "**/times**#day", "Space")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.matches('ul.times button')"), "the first Tab is at the day's times"
    keys.press("ul.times button", "**/check**", "Space")
    at_check(page)
    keys.tick("#contact_consent")
    keys.press("form[action*=requests] button", "**/my-request/**")
    expect(page.locator(".private-link a")).to_be_visible()
    keys.press("a.second", "**/cancel**")
    keys.press("button.danger", re.compile("/my-request/[^/]+/[^/]+$|[?]lang"), "Space")
    expect(page.locator(".state.cancelled")).to_have_count(1)


# --- Back, forth, and the same page again -----------------------------------------------------------------------------


def back(page: Page) -> None:
    """Go back. Of pages with patients' data browsers keep nothing: before they send such a form again they ask, and the answer to
    that is a reload.
    """
    wait_for("the page to be there to leave", lambda: _gone(page), 60)
    page.wait_for_load_state()


def _gone(page: Page) -> bool:
    """Whether the browser went; not while the page before is still taking its place."""
    try:
        page.go_back()
    except PlaywrightError as error:
        if "Not attached" in error.message:
            return False
        if "ERR_CACHE_MISS" not in error.message:
            raise
        wait_for("the browser's question", lambda: _reloaded(page), 60)
    return True


def _reloaded(page: Page) -> bool:
    """Whether the question stands there yet, to be answered with a reload."""
    try:
        page.reload()
    except PlaywrightError as error:
        if "Not attached" not in error.message:
            raise
        return False
    return True


def values(page: Page) -> dict[str, str]:
    """What stands in the fields of the form."""
    names = ("first_name", "last_name", "birth_day", "birth_month", "birth_year", "mobile", "email", "reason")
    return {name: page.input_value(f"#{name}") for name in names}


@SCRIPTS
def test_going_back_through_the_links_and_forth_again_loses_nothing(
    tool: Tool, opening: Opening, scripts: bool
) -> None:
    page = opening(scripts=scripts)
    choose_time(page, tool)
    fill_in(page, "Nora")
    typed = values(page)
    addresses = []
    while page.url.partition("?")[0] != tool.book:
        addresses.append(page.url)
        page.go_back()
    while addresses:
        page.go_forward()
        assert page.url == addresses.pop()
    assert values(page) == typed


@SCRIPTS
def test_a_reload_of_what_was_refused_keeps_what_was_typed_last(tool: Tool, opening: Opening, scripts: bool) -> None:
    page = opening(scripts=scripts)
    choose_time(page, tool)
    fill_in(page, "Nora")
    page.fill("#mobile", "12")
    page.fill("#last_name", "Smth")
    sent = values(page)
    go_on(page, ENGLISH)
    page.locator("#error-mobile").wait_for()
    assert values(page) == sent
    page.fill("#mobile", mobile_of("Nora"))
    page.fill("#last_name", "Smith")
    page.fill("#reason", "")
    corrected = values(page)
    page.reload()
    # Without scripts a browser knows what was sent, and nothing else.
    assert values(page) == (corrected if scripts else sent)
    for field, text in corrected.items():
        page.fill(f"#{field}", text)
    go_on(page, ENGLISH)
    at_check(page)
    expect(page.locator("main")).to_contain_text("Smith")
    expect(page.locator("main")).not_to_contain_text("Knee pain")


@SCRIPTS
def test_every_page_that_a_form_leads_to_can_be_loaded_again(tool: Tool, opening: Opening, scripts: bool) -> None:
    page = opening(scripts=scripts)
    page.goto(f"{tool.book}/who?{CHOSEN}&lang=en")
    go_on(page, ENGLISH)
    page.locator("#error-for_whom").wait_for()
    expect(page.locator(".errors")).to_be_focused()
    page.locator("input[name=new_patient][value=yes]").check()
    page.locator("input[name=for_whom][value=me]").check()
    go_on(page, ENGLISH)
    page.wait_for_url("**/details**")
    fill_in(page, "Nora")
    page.fill("#mobile", "12")
    go_on(page, ENGLISH)
    page.locator("#error-mobile").wait_for()
    expect(page.locator(".errors")).to_be_focused()
    page.fill("#mobile", mobile_of("Nora"))
    go_on(page, ENGLISH)
    at_check(page)
    page.get_by_role("button", name="Change When").click()
    page.locator(".month").wait_for()
    page.locator(".month button.free").nth(1).click()
    page.locator("ul.times button").first.wait_for()
    page.reload()
    page.locator("ul.times button").first.click()
    at_check(page)
    page.reload()
    at_check(page)
    send(page)
    assert len(tool.world.store.requests_by_id) == 1


@SCRIPTS
def test_back_from_a_request_that_was_sent_makes_no_second_one(tool: Tool, opening: Opening, scripts: bool) -> None:
    page = opening(scripts=scripts)
    choose_time(page, tool)
    fill_in(page, "Nora")
    go_on(page, ENGLISH)
    at_check(page)
    send(page)
    mine = page.url.partition("?")[0]
    page.reload()
    assert page.url.partition("?")[0] == mine
    back(page)
    expect(page.locator("main")).to_contain_text("Not confirmed yet")
    assert page.url.partition("?")[0] == mine
    assert len(tool.world.store.requests_by_id) == 1


@SCRIPTS
def test_a_time_that_is_taken_between_two_steps_costs_nothing_that_was_typed(
    tool: Tool, opening: Opening, scripts: bool
) -> None:
    page = opening(scripts=scripts)
    page.goto(f"{tool.book}/details?{CHOSEN}&for_whom=me&new_patient=yes&lang=en")
    fill_in(page, "Nora")
    typed = values(page)
    tool.world.submit(visit_type="new-patient")
    go_on(page, ENGLISH)
    expect(page.locator("main")).to_contain_text("This time was just taken")
    page.reload()
    page.locator("ul.times button").first.click()
    at_check(page)
    page.get_by_role("button", name="Change Patient").click()
    assert values(page) == typed
    go_on(page, ENGLISH)
    at_check(page)
    send(page)
    assert len(tool.world.store.requests_by_id) == 2
