"""How patients ask, in a browser: what they press and type from the first page to the private one."""

import re
import time
from dataclasses import dataclass
from typing import Protocol

from playwright.sync_api import Frame, Page

from .browser import PATIENCE

LATER_MONTHS = 1
"""The synthetic visits fill two weeks: in the next month, or the one after it, all times are free."""


class Bookable(Protocol):
    """Where a booking tool is, deployed or over a world in memory."""

    @property
    def book(self) -> str:
        """The first page."""


@dataclass(frozen=True)
class Words:
    """What a patient presses and reads."""

    lang: str
    go_on: str
    new_patient: str
    send: str
    not_confirmed: str
    cancel: str
    cancel_it: str
    another_time: str


ENGLISH = Words(
    "en", "Continue", "New patient", "Send request", "Not confirmed yet", "Cancel", "Cancel my request",
    "Ask for another time",
)  # fmt: skip
SPANISH = Words(
    "es", "Continuar", "Paciente nuevo", "Enviar solicitud", "Sin confirmar", "Cancelar", "Cancelar mi solicitud",
    "Pedir otro momento",
)  # fmt: skip


def choose_provider(page: Page, book: str, words: Words = ENGLISH, provider: str = "Dr. Amara Osei") -> None:
    """From the first page to a month with free days that no other visits fill."""
    page.goto(f"{book}?lang={words.lang}")
    page.get_by_role("link", name=re.compile(provider)).click()
    page.get_by_role("link", name=re.compile(f"^{words.new_patient}")).click()
    for _ in range(LATER_MONTHS):
        page.locator(".months a.step").last.click()
        page.wait_for_url("**month=**")
    page.locator(".month .free").last.click()
    page.wait_for_url("**day=**")


def choose_time(page: Page, telling: Bookable, words: Words = ENGLISH, number: int = 0) -> None:
    """From the first page to the form, at a free time of a day that surely has some."""
    choose_provider(page, telling.book, words)
    page.locator("ul.times a").nth(number).click()
    page.wait_for_url("**/who**")
    page.locator("input[name=for_whom][value=me]").check()
    page.get_by_role("button", name=words.go_on).click()
    page.wait_for_url("**/details**")


def mobile_of(name: str) -> str:
    """A number of their own: under one number only so many requests may wait."""
    return f"(415) 555-01{sum(map(ord, name)) % 100:02d}"


def fill_in(page: Page | Frame, name: str) -> None:
    """All that is asked about a patient."""
    page.fill("#first_name", name)
    page.fill("#last_name", "O'Brien-Smith")
    page.fill("#birth_day", "3")
    page.fill("#birth_month", "12")
    page.fill("#birth_year", "1984")
    page.fill("#mobile", mobile_of(name))
    page.fill("#email", f"{name.lower()}@patients.quay.example")
    page.fill("#reason", "Knee pain since last week")


def send(page: Page, words: Words = ENGLISH) -> None:
    """Consent and send; who is faster than people are is asked once more."""
    deadline = time.monotonic() + PATIENCE
    while "/my-request/" not in page.url and "/sent/" not in page.url:
        assert time.monotonic() < deadline, page.inner_text("main")
        page.locator("#contact_consent").check()
        page.get_by_role("button", name=words.send).click()
        page.wait_for_load_state()


def ask(page: Page, telling: Bookable, name: str, words: Words = ENGLISH) -> str:
    """Ask for a visit; the address of the private page."""
    choose_time(page, telling, words)
    fill_in(page, name)
    page.get_by_role("button", name=words.go_on).click()
    send(page, words)
    return page.url


def go_on(page: Page, words: Words = ENGLISH) -> None:
    """From the form to the check."""
    page.get_by_role("button", name=words.go_on).click()
    page.locator("#contact_consent").wait_for()


def at_details(page: Page, tool: Bookable, lang: str = "en") -> None:
    """The form for oneself, at a time that is free in the clinic in memory."""
    page.goto(
        f"{tool.book}/details?provider=osei&visit_type=new-patient&start=2026-11-24T09:30:00-08:00&for_whom=me&lang={lang}"
    )
