"""Every message as mail programs show it: 320 px to wide, light and dark, both languages, without a fetch and without a fault."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from cli.practice_file import read
from cli.samples import samples
from local.laptop import PRACTICE_FILE
from local.mailbox import Mailbox

from .browser import Eyes
from .contact_sheet import contact_sheet

SAMPLES = [
    f"{one.name}-{language}"
    for language in ("en", "es")
    for one in samples(read(PRACTICE_FILE.read_text("utf-8")).practice, language)
]


@pytest.fixture(scope="module")
def mailbox() -> object:
    with Mailbox() as mailbox:
        yield mailbox


def test_every_message_can_be_read_by_everybody(
    browser: Browser, mailbox: Mailbox, pytestconfig: pytest.Config
) -> None:
    pictures: Path | None = pytestconfig.getoption("--pictures")
    eyes, context = Eyes(pictures and pictures / "mail"), browser.new_context(locale="en-US")
    page, fetched = context.new_page(), []
    page.on("request", lambda request: fetched.append(request.url))
    # The frame's policy lets no script in: axe comes by the browser's own way.
    for number, name in enumerate(SAMPLES, 1):
        fetched.clear()
        page.goto(f"{mailbox.url}/samples/{number}/html")
        page.wait_for_load_state("networkidle")
        assert [url for url in fetched if not url.endswith(("/html", "/favicon.ico"))] == []
        eyes.look(page, f"mail-{name}")
    page.goto(f"{mailbox.url}/samples")
    assert page.locator("tbody tr").count() == len(SAMPLES)
    eyes.look(page, "mail-samples")
    page.locator("tbody a").nth(2).click()
    page.locator("iframe").wait_for()
    context.close()
    if pictures:
        contact_sheet(browser, mailbox.url, SAMPLES, pictures)
