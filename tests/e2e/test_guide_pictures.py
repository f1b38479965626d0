"""The pictures of docs/staff-guide.md, each a page of today: `--pictures FOLDER` writes them into FOLDER/guide."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from oneway.domain.appointments import AppointmentState, PersonName, RowKind, SetAsideRow
from oneway.domain.availability import Closure, Opening
from oneway.domain.practices import StaffMember
from playwright.sync_api import BrowserContext, Page, expect

from tests.builders import START, WEEK, a_practice, a_provider, a_record
from tests.desk import NADIA
from tests.portal import PortalDesk, opened, served

from .browser import at_rest, search

GUIDE = Path(__file__).parents[2] / "docs/staff-guide.md"
OMAR, MONDAY = "omar@harbor.example", date(2026, 11, 23)
PEOPLE = (
    ("Chloe", "Winter"),
    ("Dev", "Patel"),
    ("Elena", "Kowalski"),
    ("Farid", "Haddad"),
    ("Ana", "Ruiz"),
    ("Ben", "Okafor"),
)
BOOKED, ARRIVED, NO_SHOW = AppointmentState.BOOKED, AppointmentState.ARRIVED, AppointmentState.NO_SHOW
STATES = (BOOKED, ARRIVED, BOOKED, NO_SHOW, BOOKED, AppointmentState.TENTATIVE)
Scene = Callable[[Page, PortalDesk, str], None]
SCENES: dict[str, tuple[int, int, Scene]] = {}
"""By name: width, height, and what leads to the picture."""


def scene(width: int, height: int) -> Callable[[Scene], Scene]:
    def keep(play: Scene) -> Scene:
        SCENES[play.__name__.replace("_", "-")] = width, height, play
        return play

    return keep


@pytest.fixture
def desk(built: Path) -> Iterator[PortalDesk]:
    """A day at work: visits of all states and a block, four requests, one of them entered with another birth date."""
    thanksgiving = Closure(date(2026, 11, 26), date(2026, 11, 26), "Thanksgiving Day")
    practice = a_practice(a_provider(split=2), a_provider("brandt"), public_holidays=(thanksgiving,))
    staff = {**practice.staff, OMAR: StaffMember(OMAR, "Omar K.")}
    with opened(PortalDesk(replace(practice, staff=staff)), built) as desk:
        for number in range(14):
            start = datetime(2026, 11, 23 + number % 5, 17 + number % 3, 30 * (number % 2), tzinfo=UTC)
            first, last = PEOPLE[number % len(PEOPLE)]
            record = a_record(source_id=f"p-{number}", names=(PersonName((first,), last),), phones=(), emails=())
            state, ends = STATES[number % len(STATES)], start + timedelta(minutes=30)
            desk.enter(f"visit-{number}", start=start, end=ends, state=state, patient=record)
        block = {"start": START + timedelta(days=1, hours=2), "end": START + timedelta(days=1, hours=4)}
        desk.enter("block", kind=RowKind.BLOCK, patient=None, **block)
        desk.ask()
        asks = ((60, "Jon", "Reed", None), (1440, "Lena", "Olsen", "lena@example.org"))
        for number, (later, first, last, email) in enumerate(asks, 1):
            typed = {
                "first_name": first,
                "last_name": last,
                "email": email,
                "mobile": f"(415) 555-012{number}",
                "birth_date": f"197{number}-05-06",
            }
            desk.ask(number, start=START + timedelta(minutes=later), **typed)
        desk.minutes(115)
        lena = next(one for one in desk.store.requests_by_id.values() if one.patient.first_name == "Lena")
        desk.claim_request("harbor", OMAR, lena.id)
        desk.enter(patient=a_record(birth_date=date(1984, 12, 3)))
        samir = {
            "first_name": "Samir",
            "last_name": "Haddad",
            "email": "samir@example.org",
            "mobile": "(415) 555-0129",
            "birth_date": "1966-01-09",
        }
        desk.ask(4, start=START + timedelta(days=1, minutes=60), **samir)
        desk.minutes()
        yield desk


def opens_maria(page: Page, base: str) -> None:
    page.goto(f"{base}/appointments")
    page.get_by_role("link", name="Maria Núñez").click()
    expect(page.get_by_role("heading", name="Why still pending?")).to_be_visible()


@scene(1200, 640)
def action_required(page: Page, desk: PortalDesk, base: str) -> None:
    page.goto(f"{base}/appointments")
    expect(page.locator("tbody tr")).to_have_count(4)
    expect(page.locator("tr", has_text="Maria")).to_contain_text("possible match")


@scene(1200, 640)
def find_a_caller(page: Page, desk: PortalDesk, base: str) -> None:
    page.goto(f"{base}/appointments")
    search(page, "haddad")
    expect(page.locator("tr", has_text="Samir Haddad")).to_contain_text("Pending request")


@scene(1200, 1000)
def details(page: Page, desk: PortalDesk, base: str) -> None:
    maria = next(one for one in desk.store.requests_by_id.values() if one.patient.first_name == "Maria")
    desk.write_note("harbor", OMAR, maria.id, "Called at noon, no answer. Trying again at four.", "key")
    opens_maria(page, base)
    expect(page.get_by_role("heading", name="Possible matches")).to_be_visible()


@scene(1200, 1000)
def cancel(page: Page, desk: PortalDesk, base: str) -> None:
    opens_maria(page, base)
    page.get_by_role("link", name="Cancel request").click()
    page.locator("input[value=not_available]").check()
    page.locator("#note").fill("Dr. Osei is away that day. Please choose another one.")
    expect(page.locator("#preview")).to_contain_text("is away that day")


@scene(1200, 860)
def calendar_week(page: Page, desk: PortalDesk, base: str) -> None:
    desk.edit_calendar.close("harbor", NADIA, "", Closure(date(2026, 11, 27), date(2026, 11, 27), "Day off"))
    page.goto(f"{base}/calendar?provider=osei&week={MONDAY}")
    expect(page.locator("#grid .is-requested").first).to_contain_text("Pending request")


@scene(1200, 860)
def calendar_load_default(page: Page, desk: PortalDesk, base: str) -> None:
    page.goto(f"{base}/calendar?provider=osei&week={MONDAY + timedelta(weeks=1)}")
    page.get_by_role("link", name="Load default schedule").click()
    expect(page.locator("#hours.scripted")).to_be_visible()
    page.fill("#d0s0", "08:00")
    expect(page.get_by_text("Not saved yet", exact=True)).to_be_visible()
    page.evaluate("window.scrollTo(0, 0)")


@scene(1200, 800)
def calendar_two_editors(page: Page, desk: PortalDesk, base: str) -> None:
    page.goto(f"{base}/calendar?provider=osei&week={MONDAY}&edit=week")
    expect(page.locator("#hours.scripted")).to_be_visible()
    page.fill("#d0s0", "07:00")
    earlier = ((Opening(480, 720), *WEEK[0][1:]), *WEEK[1:])
    desk.edit_calendar.save_week("harbor", NADIA, "osei", MONDAY, WEEK, earlier)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".conflict")).to_contain_text("Nadia P. saved these hours before you")


@scene(1200, 1100)
def integration(page: Page, desk: PortalDesk, base: str) -> None:
    desk.source.set_aside = [SetAsideRow(f"entry {n}", "ends before it starts") for n in range(2)]
    desk.enter("late", start=START + timedelta(days=2), end=START + timedelta(days=2, minutes=30))
    desk.minutes()
    for one in [one for one in desk.source.rows if one.startswith("visit-")]:
        del desk.source.rows[one]
    desk.minutes()
    page.goto(f"{base}/integration")
    expect(page.locator("main")).to_contain_text("schedule is gone at once")
    page.get_by_text("2 rows set aside").first.click()


@scene(1200, 942)
def settings(page: Page, desk: PortalDesk, base: str) -> None:
    page.goto(f"{base}/settings")
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()


def test_every_picture_of_the_guide_has_its_scene() -> None:
    assert set(re.findall(r"\(pictures/([\w-]+)\.png\)", GUIDE.read_text("utf-8"))) == SCENES.keys()


@pytest.mark.parametrize("name", SCENES)
def test_the_guide_shows_pages_of_today(
    name: str, desk: PortalDesk, context: BrowserContext, pytestconfig: pytest.Config
) -> None:
    width, height, play = SCENES[name]
    folder: Path | None = pytestconfig.getoption("--pictures")
    with served(desk) as base:
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(reduced_motion="reduce")
        play(page, desk, f"{base}/portal/harbor")
        at_rest(page)
        if not folder:
            return
        page.locator("h1").hover()
        (folder / "guide").mkdir(parents=True, exist_ok=True)
        shot = page.locator(".conflict") if name == "calendar-two-editors" else page
        shot.screenshot(path=folder / "guide" / f"{name}.png", **({"full_page": True} if name == "cancel" else {}))
