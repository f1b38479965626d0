"""Details in every state, in both languages: 320, 768 and 1440 px, light and dark, without a violation (axe).

The pages are the real ones over a front desk in memory; what one does on them, and the other pages, are in the other files.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from oneway.domain.availability import Closure
from oneway.domain.messages import CallTask, MessageKind, Why
from oneway.domain.practices import StaffMember
from playwright.sync_api import BrowserContext, Page

from tests.builders import NOW, a_practice, a_provider, a_record
from tests.desk import LATER, NADIA
from tests.portal import PortalDesk, opened, served

from .browser import Eyes, at_rest

OMAR = "omar@harbor.example"
MONDAY = date(2026, 11, 23)
HOLIDAY = Closure(date(2026, 11, 26), date(2026, 11, 26), "Thanksgiving Day")
LANGUAGES = ("en", "es")


class Looker:
    """Goes through the pages in one language and looks at each as it stands."""

    def __init__(self, page: Page, eyes: Eyes, base: str, language: str) -> None:
        self.page, self.eyes, self.base, self.language = page, eyes, base, language

    def chooses_its_language(self) -> None:
        """In the menu, which is remembered."""
        if self.language == "en":
            return
        self.page.goto(f"{self.base}/appointments")
        self.page.locator("#me summary").click()
        self.page.locator(f"button[name=language][value={self.language}]").click()
        self.page.locator(f"html[lang={self.language}]").wait_for()

    def stands(self, name: str) -> None:
        """Look at what is shown now."""
        at_rest(self.page)
        assert self.page.locator("html").get_attribute("lang") == self.language, name
        self.eyes.look(self.page, f"looks-{name}-{self.language}")

    def at(self, path: str, name: str, *then: Callable[[Page], object]) -> None:
        """Open a page, do something there, and look."""
        self.page.goto(f"{self.base}{path}")
        for act in then:
            act(self.page)
            at_rest(self.page)
        self.stands(name)


@pytest.fixture
def desk(built: object) -> Iterator[PortalDesk]:
    """Two providers whose schedules are read, one whose schedule is not; three people who may do different things."""
    walk_in = a_provider("walk-in", name="Ann Walker, NP", source_id=None, external_id=None)
    practice = a_practice(a_provider(split=2), a_provider("brandt"), walk_in, public_holidays=(HOLIDAY,))
    staff = {**practice.staff, OMAR: StaffMember(OMAR, "Omar K.")}
    with opened(PortalDesk(replace(practice, staff=staff)), built) as desk:  # type: ignore[arg-type]
        yield desk


@pytest.fixture(params=LANGUAGES)
def looker(request: pytest.FixtureRequest, desk: PortalDesk, context: BrowserContext, eyes: Eyes) -> Iterator[Looker]:
    with served(desk) as base:
        looker = Looker(context.new_page(), eyes, f"{base}/portal/harbor", request.param)
        looker.chooses_its_language()
        yield looker


def test_details_in_each_state(looker: Looker, desk: PortalDesk) -> None:
    store = desk.store.requests_by_id
    request = desk.ask()
    here = f"/appointments/{request.id}"
    desk.enter(patient=a_record(birth_date=date(1984, 12, 3)))
    desk.enter("other", patient=a_record(), start=LATER, end=LATER + timedelta(minutes=30))
    desk.minutes()
    desk.write_note("harbor", OMAR, request.id, "Called at noon.\nNo answer.")
    desk.claim_request("harbor", OMAR, request.id)
    looker.at(here, "pending")
    looker.at(f"{here}/cancel", "cancel", lambda page: page.locator("button.danger").click())
    looker.at(
        f"{here}/cancel",
        "cancel-moved",
        lambda page: page.locator("input[value=moved]").check(),
        lambda page: page.locator("#preview .letter").wait_for(),
    )
    pending = store["harbor", request.id]
    call = CallTask("000001-x", MessageKind.CONFIRMED_PATIENT, Why.NO_ADDRESS, NOW)
    for name, changes in {
        "asked-to-cancel": {"asked_to_cancel_at": NOW},
        "vanished": {"vanished_at": NOW},
        "suspended": {"suspended_at": NOW},
        "call": {"call": call},
    }.items():
        store["harbor", request.id] = replace(pending, **changes)  # type: ignore[arg-type]
        looker.at(here, name)
    store["harbor", request.id] = pending
    desk.accept(request)
    looker.at(here, "linked")
    again = desk.ask(1, start=LATER + timedelta(days=1), first_name="Jon", last_name="Reed", mobile="(415) 555-0123")
    desk.cancel_by_staff("harbor", NADIA, again.id, "other", "Please call us.")
    looker.at(f"/appointments/{again.id}", "cancelled")
    other = desk.visit("other")
    looker.at(f"/visits/{other.provider_id}/{other.id}", "imported")
    key = ("harbor", other.provider_id, other.id)
    desk.store.appointments_by_key[key] = other.missing(desk.clock.now())
    looker.at(f"/visits/{other.provider_id}/{other.id}", "imported-missing")
