"""How staff work, on the deployed template: what they read, type and press; and what a patient asks of them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect

from local.laptop import STAFF_EMAIL, STAFF_PASSWORD

from .browser import MILLISECONDS, PATIENCE, appears, search
from .conftest import Telling
from .test_api import a_request, a_start, submit

BORN = "1984-12-03"


@contextmanager
def signed_in(browser: Browser, address: str, height: int = 1000) -> Iterator[Page]:
    """A browser in which staff signed in on their way to an address."""
    context = browser.new_context(viewport={"width": 1440, "height": height}, locale="en-US")
    context.set_default_timeout(MILLISECONDS)
    page = context.new_page()
    page.goto(address)
    sign_in(page)
    yield page
    context.close()


@dataclass(frozen=True)
class Asked:
    """A request and the link of staff's message about it."""

    name: str
    start: datetime
    mobile: str
    link: str

    @property
    def id(self) -> str:
        return self.link.rpartition("/")[2]


def ask(telling: Telling, name: str, day: int) -> Asked:
    """A patient of this first name asks for the first free time of a day of their own."""
    start, mobile = a_start(telling, day), f"(415) 555-01{sum(map(ord, name)) % 100:02d}"
    patient = {
        "first_name": name,
        "last_name": "O'Brien-Smith",
        "birth_date": BORN,
        "mobile": mobile,
        "email": f"{name.lower()}@patients.{telling.slug}.example",
    }
    made = submit(telling, a_request(start, patient=patient, reason="Knee pain since last week"))
    assert made.status == 201, made.html
    pattern = re.compile(rf"http://\S+/portal/{telling.slug}/appointments/{made.json()['id']}\b")
    letter = telling.laptop.mailbox.wait_for(
        lambda one: f"frontdesk@{telling.slug}.example" in one.to and pattern.search(one.text) is not None, PATIENCE
    )
    found = pattern.search(letter.text)
    assert found
    return Asked(name, datetime.fromisoformat(start), mobile, found.group())


def enter(telling: Telling, asked: Asked, start: datetime | None = None, **changes: Any) -> dict[str, Any]:
    """Staff enter the visit in the scheduling system, and it is read."""
    typed = {"first_name": asked.name, "last_name": "O'Brien-Smith", "birth_date": BORN, "mobile": asked.mobile}
    visit = telling.laptop.sandbox.enter(telling.practitioner("osei"), start or asked.start, 30, **(typed | changes))
    read_schedule(telling)
    return visit


def read_schedule(telling: Telling) -> None:
    """It is read now."""
    telling.laptop.oneway("sync", telling.slug, "osei")


def sign_in(page: Page) -> None:
    """On the sign-in page, to which a link led."""
    page.locator("input:not([type=hidden]):not([type=password])").first.fill(STAFF_EMAIL)
    page.locator("input[type=password]").fill(STAFF_PASSWORD)
    page.locator("input[type=password]").press("Enter")
    page.wait_for_url("**/portal**")


def shows(page: Page, state: str) -> None:
    """The page says so, in the state beside the name."""
    expect(page.locator("h1 .state")).to_have_text(state)


def becomes(page: Page, state: str) -> None:
    """The page says so when it is looked at again: a pull and what follows from it happen meanwhile."""
    appears(page, page.locator("h1 .state", has_text=re.compile(f"^{state}$")))


def find(page: Page, typed: str, row: Locator) -> None:
    """Somebody is found by what is typed, once they are known."""
    search(page, typed)
    appears(page, row, lambda: search(page, typed))
