"""What the booking tool costs a phone on a slow network, by the browser's own record: requests, bytes, shifts of what is read.

Over a world in memory, packed as the gateway packs; the same first view on the deployed template: test_booking.py.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.booking_tool import Tool, serving

from .asking import ENGLISH, at_details, fill_in, go_on, send
from .browser import Eyes

FIRST_VIEW, REQUESTS = 60_000, 3
SLOW = {"offline": False, "latency": 300, "downloadThroughput": 50_000, "uploadThroughput": 25_000}
"""A phone out in the country: milliseconds, and bytes a second."""
_RECORD = """() => ['navigation', 'resource'].flatMap(kind => performance.getEntriesByType(kind))
  .filter(one => !one.name.startsWith('data:')).map(one => ({name: one.name, bytes: one.transferSize}))"""


@pytest.fixture
def tool(tmp_path: Path) -> Iterator[Tool]:
    with serving(tmp_path) as tool:
        yield tool


@pytest.fixture
def far(browser: Browser) -> Iterator[BrowserContext]:
    """A phone that has seen nothing of ours, three hours to the east of the practice."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, locale="en-US", timezone_id="America/New_York"
    )
    context.set_default_timeout(60_000)
    yield context
    context.close()


def loaded(page: Page) -> dict[str, int]:
    """What the page was made of, by address: the bytes that came over the network, headers included; 0 if they were at hand."""
    page.wait_for_load_state("networkidle")
    record: list[dict[str, Any]] = page.evaluate(_RECORD)
    return {one["name"]: one["bytes"] for one in record}


def test_a_first_view_is_three_requests_and_later_ones_are_one(tool: Tool, far: BrowserContext) -> None:
    page = far.new_page()
    page.goto(tool.book)
    first = loaded(page)
    assert len(first) <= REQUESTS, first
    assert sum(first.values()) <= FIRST_VIEW, first
    assert all(first.values()), "nothing was at hand before"
    assert page.locator(".face img").count() == 1, "with a photo in it"
    seen = len(tool.asked)
    at_details(page, tool)
    fill_in(page, "Lina")
    go_on(page)
    send(page)
    loaded(page)
    assert [one for one in tool.asked[seen:] if "/static/" in one[1]] == []
    assert {name for name, came in loaded(page).items() if came} == {page.url}


@pytest.mark.parametrize(
    "path", ["/book/harbor/times?provider=any&visit_type=new-patient", "/book/harbor/nothing", "/api"]
)
def test_wherever_one_comes_in_it_is_small(tool: Tool, far: BrowserContext, path: str) -> None:
    page = far.new_page()
    page.goto(tool.url + path)
    found = loaded(page)
    assert len(found) <= REQUESTS, found
    assert sum(found.values()) <= FIRST_VIEW, found


def test_nothing_shifts_while_a_slow_network_brings_it(tool: Tool, far: BrowserContext) -> None:
    """Each page with nothing at hand: its style and its script come late, whichever comes first."""
    page = far.new_page()
    session = far.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    session.send("Network.emulateNetworkConditions", SLOW)
    mine = tool.world.submit(visit_type="new-patient").link
    chosen = "provider=osei&visit_type=new-patient"
    start = f"{chosen}&start=2026-11-25T09:30:00-08:00"
    moved = {}
    for path in (
        "/book/harbor", "/book/harbor/visit?provider=osei", f"/book/harbor/times?{chosen}", f"/book/harbor/days?{chosen}",
        f"/book/harbor/who?{start}", f"/my-request/harbor/{mine}", f"/my-request/harbor/{mine}/cancel",
        f"/book/harbor/details?{start}&for_whom=me",
    ):  # fmt: skip
        page.goto(f"{tool.url}{path}{'&' if '?' in path else '?'}lang=en", wait_until="networkidle")
        assert page.evaluate("document.fonts.size") == 0, "no font comes late, for there is none"
        moved[path] = Eyes.shifts(page)
    page.get_by_role("button", name=ENGLISH.go_on).click()
    page.locator(".errors").wait_for()
    moved["errors"] = Eyes.shifts(page)
    fill_in(page, "Lina")
    go_on(page)
    moved["check"] = Eyes.shifts(page)
    send(page)
    moved["sent"] = Eyes.shifts(page)
    assert not [one for one in moved.items() if one[1]], moved
