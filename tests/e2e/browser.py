"""Chromium, and what every page has to stand up to before a person's eyes."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserType, Frame, Locator, Page, expect, sync_playwright

from local.processes import wait_for
from tests.servers.running import MODULES

AXE = MODULES / "axe-core/axe.min.js"
PATIENCE = 180
"""Seconds for what happens in the background, and MILLISECONDS for what a page does by itself: machines may be slow."""
MILLISECONDS = 60_000
WIDTHS = (320, 768, 1440)
SCHEMES = ("light", "dark")
_SHIFTS = """() => new Promise(resolve => { let sum = 0; new PerformanceObserver(list => {
  for (const entry of list.getEntries()) sum += entry.value; }).observe({type: 'layout-shift', buffered: true});
  requestAnimationFrame(() => requestAnimationFrame(() => resolve(sum))); })"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The distribution's Chromium, else playwright's own."""
    with sync_playwright() as playwright:
        browser = launched(playwright.chromium)
        try:
            yield browser
        finally:
            browser.close()


def launched(kind: BrowserType, *switches: str) -> Browser:
    """One of its own, with some switches."""
    return kind.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", *switches])


def at_rest(page: Page) -> None:
    """Wait until what was exchanged stands (htmx), and focus where it belongs: a key pressed before that may go elsewhere."""
    moving = ".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added"
    expect(page.locator(moving)).to_have_count(0)


def tab_to(page: Page, wanted: str) -> None:
    """Press Tab until it is reached; where focus is shows (fields for a time draw it inside)."""
    at_rest(page)
    for _ in range(200):
        if page.evaluate("wanted => document.activeElement.matches(wanted)", wanted):
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            drawn = page.evaluate("document.activeElement.matches('input[type=time]')")
            assert outline != "none" or drawn, f"{wanted} shows no focus"
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{wanted} is not reached")


def search(page: Page, typed: str) -> None:
    """Look for somebody, as staff do."""
    at_rest(page)
    page.get_by_role("searchbox").fill(typed)
    page.keyboard.press("Enter")
    at_rest(page)


def appears(page: Page, what: Locator, again: Callable[[], object] | None = None) -> None:
    """Wait until a page that does not refresh itself shows something: it is loaded again, or what `again` does, until then."""

    def seen() -> bool:
        page.wait_for_load_state()
        at_rest(page)  # a click may be under way, which a reload would take back
        if what.first.is_visible():
            return True
        (again or page.reload)()
        return what.first.is_visible()

    wait_for(f"{what} at {page.url}", seen, PATIENCE, every=0.5)


@dataclass(frozen=True)
class Eyes:
    """Looks at a page at all widths, in light and dark; keeps pictures if there is a folder for them. `rules` of axe are asked
    beside those that it asks by itself.
    """

    pictures: Path | None = None
    widths: tuple[int, ...] = WIDTHS
    rules: tuple[str, ...] = ()

    def look(self, page: Page, name: str) -> None:
        """Raises AssertionError with what is wrong with the page as it stands."""
        # A click that leads elsewhere returns before the next page is there.
        page.wait_for_load_state()
        page.wait_for_function("() => document.documentElement !== null && document.body !== null")
        before = page.viewport_size
        for width in self.widths:
            page.set_viewport_size({"width": width, "height": 900})
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                where = f"{name} at {width} px, {scheme}"
                sideways = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                assert sideways <= 0, f"{where}: scrolls sideways by {sideways} px"
                found = [one for frame in page.frames for one in self._violations(frame)]
                assert not found, f"{where}: {found}"
                if self.pictures:
                    self.pictures.mkdir(parents=True, exist_ok=True)
                    page.screenshot(path=self.pictures / f"{name}-{width}-{scheme}.png", full_page=True)
        page.emulate_media(color_scheme="light")
        if before:
            page.set_viewport_size(before)

    @staticmethod
    def shifts(page: Page) -> float:
        """The cumulative layout shift of a page since it was opened."""
        return float(page.evaluate(_SHIFTS))

    def _violations(self, frame: Frame) -> list[str]:
        if not frame.evaluate("typeof window.axe === 'object'"):
            frame.evaluate(AXE.read_text("utf-8"))
        # Frames of other origins are looked at by themselves.
        found: dict[str, Any] = frame.evaluate(
            "rules => axe.run({resultTypes: ['violations'], iframes: false, rules})",
            {one: {"enabled": True} for one in self.rules},
        )
        return [
            f"{one['id']}: {node['target']} {node['failureSummary']}"
            for one in found["violations"]
            for node in one["nodes"]
        ]
