"""The Calendar in Chromium, as staff work in it: by mouse, by keyboard, two at a time, without scripts; its store in memory."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from oneway.domain.appointments import AppointmentState, PersonName, RowKind
from oneway.domain.availability import CLOSED_WEEK, Closure, Opening, Week
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from local.processes import wait_for
from tests.builders import START, WEEK, a_practice, a_provider, a_record
from tests.desk import NADIA
from tests.portal import PortalDesk, opened, served

from .browser import PATIENCE, Eyes, tab_to

THIS, NEXT = date(2026, 11, 23), date(2026, 11, 30)
HOLIDAY = Closure(date(2026, 11, 26), date(2026, 11, 26), "Thanksgiving Day")
SHORT: Week = ((Opening(540, 600),), *WEEK[1:])
VISITS = (
    ("Ana", "Ruiz", 0, 17, AppointmentState.COMPLETED),
    ("Ben", "Okafor", 0, 22, AppointmentState.NO_SHOW),
    ("Chloe", "Winter", 2, 18, AppointmentState.BOOKED),
    ("Dev", "Patel", 3, 21, AppointmentState.ARRIVED),
    ("Elena", "Kowalski", 4, 17, AppointmentState.TENTATIVE),
)
"""Names, days after Monday, hours UTC, states."""


@pytest.fixture
def desk(built: Path) -> Iterator[PortalDesk]:
    """Dr. Osei's slots take two; there are visits of all states, a block, and Maria's request on Tuesday at 9:30."""
    practice = a_practice(a_provider(split=2), a_provider("brandt"), public_holidays=(HOLIDAY,))
    with opened(PortalDesk(practice), built) as desk:
        for number, (first, last, days, hour, state) in enumerate(VISITS):
            start = datetime(2026, 11, 23 + days, hour, tzinfo=UTC)
            patient = a_record(source_id=f"pat-{number}", names=(PersonName((first,), last),), phones=(), emails=())
            end = start + timedelta(minutes=30)
            desk.enter(f"visit-{number}", start=start, end=end, state=state, patient=patient)
        block = {"start": START + timedelta(hours=1), "end": START + timedelta(hours=2)}
        desk.enter("block", kind=RowKind.BLOCK, patient=None, **block)
        desk.ask()
        desk.minutes()
        yield desk


@pytest.fixture
def address(desk: PortalDesk) -> Iterator[str]:
    with served(desk) as base:
        yield f"{base}/portal/harbor/calendar"


def stands(desk: PortalDesk, day: date = THIS, provider: str = "osei") -> Week:
    return desk.store.calendar.get("harbor", provider).availability.week_of(day)


def open_week(page: Page, address: str, provider: str = "osei", week: date = THIS) -> None:
    page.goto(f"{address}?provider={provider}&week={week}")
    expect(page.locator("#grid .fc-timegrid")).to_be_visible()


def load_default(page: Page) -> None:
    page.get_by_role("link", name="Load default schedule").click()
    expect(page.locator("#grid .is-opening").first).to_be_visible()


def opening(page: Page, day: int, words: str) -> Locator:
    """An opening in the grid: of a day after Monday, by what it says."""
    return page.locator(f"#grid .fc-timegrid-col[data-date='{THIS + timedelta(days=day)}'] .is-opening", has_text=words)


def drag(page: Page, what: Locator, right: float, down: float, *, from_bottom: bool = False) -> None:
    what.scroll_into_view_if_needed()
    box = what.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + (box["height"] - 3 if from_bottom else 30)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right / 2, y + down / 2, steps=4)
    page.mouse.move(x + right, y + down, steps=4)
    page.mouse.up()


def hour(page: Page) -> float:
    """The height of an hour."""
    box = page.locator("#grid .fc-timegrid-slot-lane").first.bounding_box()
    assert box
    return box["height"] * 2


def test_a_week_is_looked_at_and_a_visit_leads_to_its_page(
    page: Page, address: str, desk: PortalDesk, eyes: Eyes
) -> None:
    open_week(page, address)
    maria = page.locator("#grid .is-requested")
    expect(maria).to_contain_text("Maria Núñez")
    expect(maria).to_contain_text("Pending request")
    expect(maria).to_contain_text("1 of 2 taken")
    offered = desk.list_slots("harbor", "osei", "new", START.date(), START.date()).days
    assert int(START.timestamp() // 60) in offered[START.date()]
    expect(page.locator("#grid .is-block")).to_contain_text("Closed in your schedule")
    eyes.look(page, "calendar-week")
    page.get_by_role("button", name="List").click()
    expect(page.get_by_role("link", name="Chloe Winter")).to_be_visible()
    eyes.look(page, "calendar-list")
    page.goto(f"{address}?lang=es")
    expect(page.locator("#grid .fc-timegrid")).to_be_visible()
    eyes.look(page, "calendar-all-es")
    page.goto(f"{address}?provider=osei&edit=load&lang=es")
    expect(page.locator("#grid .is-opening").first).to_be_visible()
    assert "edit=" not in page.url
    eyes.look(page, "calendar-load-default-es")
    page.goto(address)
    page.get_by_role("link", name="Dr. Lena Brandt").click()
    expect(page.locator("h1")).to_contain_text("Dr. Lena Brandt")
    page.get_by_role("link", name="Week after").click()
    expect(page.locator("#week")).to_contain_text("Mon, Nov 30")
    expect(page.locator("#grid .fc-timegrid")).to_be_visible()
    open_week(page, address)
    page.locator("#grid .is-requested").press("Enter")
    page.wait_for_url("**/appointments/*")
    expect(page.locator("main")).to_contain_text("Maria Núñez")
    open_week(page, address)
    page.locator("#grid .is-booked").click()
    page.wait_for_url("**/visits/osei/*")
    expect(page.locator("main")).to_contain_text("Chloe Winter")
    looks = [one for one in desk.store.looks if one[2] == "show_calendar"]
    assert ("harbor", NADIA, "show_calendar", "osei 2026-11-23") in looks


def test_the_default_schedule_is_loaded_edited_by_mouse_saved_left_and_returned_to(
    page: Page, address: str, desk: PortalDesk, eyes: Eyes
) -> None:
    desk.edit_calendar.save_week("harbor", NADIA, "osei", THIS, WEEK, SHORT)
    held = dict(desk.store.days_by_key)
    open_week(page, address)
    load_default(page)
    assert "Maria" not in page.inner_text("main")
    assert page.locator("#grid .is-held").count() == 0
    expect(page.get_by_text("Not saved yet", exact=True)).to_be_visible()
    eyes.look(page, "calendar-load-default")
    page.reload()
    expect(page.locator("#grid .is-requested")).to_contain_text("Maria")
    assert stands(desk) == SHORT

    load_default(page)
    # Monday's morning ends an hour later, Tuesday's afternoon goes to Saturday, Wednesday's morning is removed, Sunday opens.
    drag(page, opening(page, 0, "9 AM – 12 PM"), 0, hour(page) / 2, from_bottom=True)
    expect(opening(page, 0, "9 AM – 12:30 PM")).to_be_visible()
    column = page.locator("#grid .fc-timegrid-col[data-date]").first.bounding_box()
    assert column
    drag(page, opening(page, 1, "1 PM – 5 PM"), 4 * column["width"], 0)
    expect(opening(page, 5, "1 PM – 5 PM")).to_be_visible()
    opening(page, 2, "9 AM – 12 PM").get_by_role("button").click()
    expect(opening(page, 2, "9 AM – 12 PM")).to_have_count(0)
    page.locator("#grid .fc-timegrid-slot-lane[data-time='12:00:00']").scroll_into_view_if_needed()
    sunday = page.locator(f"#grid .fc-timegrid-col[data-date='{THIS + timedelta(days=6)}']").bounding_box()
    noon = page.locator("#grid .fc-timegrid-slot-lane[data-time='12:00:00']").bounding_box()
    assert sunday
    assert noon
    page.mouse.move(sunday["x"] + 20, noon["y"] + 2)
    page.mouse.down()
    page.mouse.move(sunday["x"] + 20, noon["y"] + 2 + hour(page) * 1.8, steps=6)
    page.mouse.up()
    expect(opening(page, 6, "12 PM – 2 PM")).to_be_visible()
    assert page.locator("#d0e0").input_value() == "12:30"
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#live")).to_contain_text("Saved. What is booked is shown again.")
    assert stands(desk) == (
        (Opening(540, 750), WEEK[0][1]),
        (WEEK[1][0],),
        (WEEK[2][1],),
        *WEEK[3:5],
        (WEEK[1][1],),
        (Opening(720, 840),),
    )
    expect(page.locator("#grid .is-requested")).to_contain_text("Maria")
    assert desk.store.days_by_key == held
    page.get_by_role("link", name="Appointments").click()
    page.wait_for_url("**/appointments")
    page.get_by_role("link", name="Calendar").click()
    expect(page.locator("#grid .is-requested")).to_contain_text("Maria")


def test_hours_are_edited_by_keyboard_alone(page: Page, address: str, desk: PortalDesk) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}?provider=osei&week={NEXT}")

    tab_to(page, "#edit-week")
    page.keyboard.press("Enter")
    expect(page.locator("#hours.scripted")).to_be_visible()
    tab_to(page, "#d0s0")
    page.keyboard.type("0830AM")
    tab_to(page, "[data-day='5'] .add")
    page.keyboard.press("Enter")
    expect(page.locator("#d5s0")).to_be_focused()
    page.keyboard.type("1000AM")
    tab_to(page, "#d5e0")
    page.keyboard.type("0100PM")
    tab_to(page, "#save")
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_contain_text("Saved")
    assert stands(desk, NEXT) == ((Opening(510, 720), WEEK[0][1]), *WEEK[1:5], (Opening(600, 780),), ())


def test_a_day_has_as_many_openings_as_staff_give_it(page: Page, address: str, desk: PortalDesk) -> None:
    many = tuple(Opening(minute, minute + 40) for minute in range(420, 900, 60))
    desk.edit_calendar.save_default("harbor", NADIA, "osei", THIS, WEEK, (many, *WEEK[1:]))
    open_week(page, address)
    load_default(page)
    expect(page.locator("#grid .is-opening", has_text="7 AM – 7:40 AM")).to_be_visible()
    page.locator("[data-day='0'] .add").click()
    expect(page.locator("#d0s8")).to_be_focused()
    opening(page, 0, "8 AM – 8:40 AM").get_by_role("button").click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#live")).to_contain_text("Saved")
    assert stands(desk)[0] == (many[0], *many[2:], Opening(940, 1120))


def test_whoever_leaves_with_unsaved_hours_is_asked_first(
    page: Page, address: str, desk: PortalDesk, eyes: Eyes
) -> None:
    open_week(page, address)
    load_default(page)
    page.get_by_role("link", name="Appointments").click()
    page.wait_for_url("**/appointments")  # nothing was changed, nothing is asked
    open_week(page, address)
    load_default(page)
    page.fill("#d0s0", "08:00")
    page.get_by_role("link", name="Week after").click()
    dialog = page.get_by_role("dialog", name="Leave without saving?")
    expect(dialog).to_be_visible()
    eyes.look(page, "calendar-unsaved")
    dialog.get_by_role("button", name="Stay").click()
    assert page.locator("#d0s0").input_value() == "08:00"
    asked: list[str] = []
    page.once("dialog", lambda one: (asked.append(one.type), one.dismiss()))
    page.evaluate("setTimeout(() => location.reload())")
    page.wait_for_timeout(0)
    wait_for("to be asked", lambda: page.evaluate("new Promise(requestAnimationFrame)") and asked, PATIENCE)
    assert asked == ["beforeunload"]
    assert page.locator("#d0s0").input_value() == "08:00"
    page.get_by_role("link", name="Week after").click()
    dialog.get_by_role("button", name="Leave without saving").click()
    expect(page.locator("#week")).to_contain_text("Mon, Nov 30")
    assert stands(desk) == stands(desk, NEXT) == WEEK


def test_whoever_leaves_by_keyboard_is_asked_and_focus_comes_back(page: Page, address: str, desk: PortalDesk) -> None:
    open_week(page, address)
    load_default(page)
    page.fill("#d0s0", "08:00")
    dialog = page.get_by_role("dialog", name="Leave without saving?")
    for close in ("Escape", "Enter"):  # the first button says *Stay*
        tab_to(page, "#week-after")
        page.keyboard.press("Enter")
        expect(dialog).to_be_visible()
        expect(page.locator("#stay")).to_be_focused()
        page.keyboard.press("Tab")
        expect(page.locator("#go")).to_be_focused()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press(close)
        expect(dialog).to_be_hidden()
        expect(page.locator("#week-after")).to_be_focused()
        assert page.locator("#d0s0").input_value() == "08:00"
    page.keyboard.press("Enter")
    tab_to(page, "#go")
    page.keyboard.press("Enter")
    expect(page.locator("#week")).to_contain_text("Mon, Nov 30")
    assert stands(desk) == WEEK


def test_two_edit_one_week_by_keyboard(page: Page, address: str, desk: PortalDesk) -> None:
    open_week(page, address)
    page.get_by_role("link", name="Edit this week").click()
    expect(page.locator("#hours.scripted")).to_be_visible()
    page.fill("#d0s0", "07:00")
    desk.edit_calendar.save_week("harbor", NADIA, "osei", THIS, WEEK, SHORT)
    tab_to(page, "#save")
    page.keyboard.press("Enter")
    expect(page.locator(".conflict")).to_be_focused()
    assert page.url == f"{address}?provider=osei&week={THIS}", "which a reload can open"
    tab_to(page, ".conflict button")
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_contain_text("Saved")
    assert stands(desk)[0][0] == Opening(420, 720)

    desk.edit_calendar.save_week("harbor", NADIA, "osei", THIS, stands(desk), SHORT)
    tab_to(page, "#follow")
    page.keyboard.press("Enter")
    told = page.locator(".conflict")
    expect(told).to_be_focused()
    for words in ("Nadia P. saved these hours before you", "7:00 AM – 12:00 PM", "9:00 AM – 10:00 AM"):
        expect(told).to_contain_text(words)
    assert stands(desk) == SHORT
    tab_to(page, "#follow")
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_contain_text("follows the default week again")
    assert stands(desk) == WEEK
    expect(page.locator("#opening-hours")).to_be_focused()


def test_two_edit_one_week_and_nothing_is_lost(
    page: Page, context: BrowserContext, address: str, desk: PortalDesk, eyes: Eyes
) -> None:
    other = context.new_page()
    for one, start in ((page, "08:00"), (other, "07:00")):
        open_week(one, address)
        one.get_by_role("link", name="Edit this week").click()
        expect(one.locator("#hours.scripted")).to_be_visible()
        one.fill("#d0s0", start)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#live")).to_contain_text("Saved")
    other.get_by_role("button", name="Save", exact=True).click()
    told = other.locator(".conflict")
    expect(told).to_contain_text("Nadia P. saved these hours before you")
    for words in ("9:00 AM – 12:00 PM", "8:00 AM – 12:00 PM", "7:00 AM – 12:00 PM"):
        expect(told).to_contain_text(words)
    assert other.locator("#d0s0").input_value() == "07:00"
    eyes.look(other, "calendar-two-editors")
    assert stands(desk)[0][0] == Opening(480, 720)
    other.get_by_role("button", name="Save mine over it").click()
    expect(other.locator("#live")).to_contain_text("Saved")
    assert stands(desk)[0][0] == Opening(420, 720)


def test_a_week_is_applied_to_the_remaining_ones(page: Page, address: str, desk: PortalDesk, eyes: Eyes) -> None:
    later = [NEXT + timedelta(weeks=n) for n in (2, 4)]
    for monday in later:
        desk.edit_calendar.save_week("harbor", NADIA, "osei", monday, WEEK, CLOSED_WEEK)
    open_week(page, address, week=NEXT)
    load_default(page)
    page.fill("#d0e0", "10:00")
    page.locator("[data-day='0'] .remove").nth(1).click()
    page.get_by_role("button", name="Apply to remaining weeks").click()
    expect(page.locator("fieldset.later")).to_have_count(2)
    eyes.look(page, "calendar-apply")
    page.get_by_role("link", name="Appointments").click()
    page.get_by_role("dialog").get_by_role("button", name="Stay").click()
    page.get_by_role("button", name="Go on editing").click()
    expect(page.locator("#hours.scripted")).to_be_visible()
    assert page.locator("#d0e0").input_value() == "10:00"
    page.get_by_role("button", name="Apply to remaining weeks").click()
    page.locator("fieldset.later").nth(1).get_by_label("Replace them").check()
    page.get_by_role("button", name="Apply", exact=True).click()
    expect(page.locator("#live")).to_contain_text("from this week on")
    weeks = [THIS, NEXT, later[0], later[1], NEXT + timedelta(weeks=40)]
    assert [stands(desk, one) for one in weeks] == [WEEK, SHORT, CLOSED_WEEK, SHORT, SHORT]


def test_a_week_is_applied_by_keyboard_and_what_was_chosen_stays(page: Page, address: str, desk: PortalDesk) -> None:
    later = [NEXT + timedelta(weeks=n) for n in (2, 4, 6)]
    for monday in later[:2]:
        desk.edit_calendar.save_week("harbor", NADIA, "osei", monday, WEEK, CLOSED_WEEK)
    open_week(page, address, week=NEXT)
    load_default(page)
    page.fill("#d0e0", "10:00")
    page.locator("[data-day='0'] .remove").nth(1).click()
    tab_to(page, "#apply")
    page.keyboard.press("Enter")
    expect(page.locator("fieldset.later")).to_have_count(2)
    tab_to(page, f"[name='later.{later[1]}.week']")
    page.keyboard.press("ArrowDown")
    desk.edit_calendar.save_week("harbor", NADIA, "osei", later[2], WEEK, CLOSED_WEEK)
    tab_to(page, "button[value=apply]")
    page.keyboard.press("Enter")
    expect(page.locator(".conflict")).to_be_focused()
    expect(page.locator(".conflict")).to_contain_text("Nadia P. changed what comes later meanwhile")
    expect(page.locator("fieldset.later", has_text="New since you looked")).to_have_count(1)
    chosen = [page.locator(f"[name='later.{monday}.week']:checked").input_value() for monday in later]
    assert chosen == ["keep", "replace", "keep"]
    tab_to(page, "button[value=apply]")
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_contain_text("from this week on")
    assert [stands(desk, one) for one in (NEXT, *later)] == [SHORT, CLOSED_WEEK, SHORT, CLOSED_WEEK]


def test_days_are_closed_and_a_provider_is_paused_by_keyboard(page: Page, address: str, desk: PortalDesk) -> None:
    open_week(page, address)
    for words, paused in (("Paused:", True), ("Resumed:", False)):
        tab_to(page, "#pause")
        page.keyboard.press("Enter")
        expect(page.locator("#live")).to_contain_text(words)
        expect(page.locator("#pause")).to_be_focused()
        assert desk.store.calendar.get("harbor", "osei").availability.paused is paused
    tab_to(page, "#close-days summary")
    page.keyboard.press("Enter")
    tab_to(page, "#closure-first")
    page.keyboard.type("12242026")
    tab_to(page, "#closure-last")
    page.keyboard.type("12012026")
    tab_to(page, "#close-days button")
    page.keyboard.press("Enter")
    expect(page.locator(".errors")).to_be_focused()
    tab_to(page, ".errors a")
    page.keyboard.press("Enter")
    expect(page.locator("#closure-last")).to_be_focused()
    page.keyboard.type("12262026")
    tab_to(page, "#close-days button")
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_contain_text("these days are closed")
    expect(page.locator("#close-days")).to_be_focused()
    (closure,) = desk.store.calendar.get("harbor", "osei").availability.closures
    assert (closure.first, closure.last) == (date(2026, 12, 24), date(2026, 12, 26))
    tab_to(page, "#holidays summary")
    page.keyboard.press("Enter")
    tab_to(page, "#holidays button")
    page.keyboard.press("Enter")
    expect(page.locator("ul.closures").first).to_contain_text("Thanksgiving Day")
    expect(page.locator("#closed-days")).to_be_focused()
    tab_to(page, "ul.closures button")
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_contain_text("open again")
    expect(page.locator("#closed-days")).to_be_focused()


def test_an_empty_time_says_why_it_is_not_offered(page: Page, address: str, desk: PortalDesk) -> None:
    open_week(page, address)
    column = page.locator(f"#grid .fc-timegrid-col[data-date='{THIS + timedelta(days=4)}']").bounding_box()
    row = page.locator("#grid .fc-timegrid-slot-lane[data-time='12:00:00']").bounding_box()
    assert column
    assert row
    page.mouse.click(column["x"] + 30, row["y"] + 4)
    expect(page.locator("#why-answer")).to_contain_text("Friday, November 27, 2026, 12:00 PM")
    expect(page.locator("#why-answer")).to_contain_text("would not lie inside opening hours")
    page.select_option("#why-day", str(START.date()))
    page.fill("#why-time", "10:30")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#why-answer")).to_contain_text("Your schedule is blocked at this time.")
    page.fill("#why-time", "09:30")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#why-answer")).to_contain_text("This time is offered online.")


def test_days_are_closed_and_a_provider_is_paused(page: Page, address: str, desk: PortalDesk, eyes: Eyes) -> None:
    open_week(page, address)
    page.get_by_text("Public holidays").click()
    page.get_by_role("button", name="Close Thanksgiving Day").click()
    expect(page.locator("#live")).to_contain_text("these days are closed")
    expect(page.locator("#grid .is-closure")).to_contain_text("Thanksgiving Day")
    page.get_by_text("Close days", exact=True).click()
    page.select_option("#closure-whose", "osei")
    page.fill("#closure-first", "2026-12-21")
    page.fill("#closure-last", "2026-12-31")
    page.fill("#closure-name", "On holiday")
    page.get_by_role("button", name="Close these days").click()
    expect(page.locator("ul.closures").first).to_contain_text("On holiday")
    page.get_by_role("button", name="Pause online booking").click()
    expect(page.locator(".notice", has_text="Paused.")).to_be_visible()
    eyes.look(page, "calendar-closed-and-paused")
    assert desk.list_slots("harbor", "osei", "new", START.date(), START.date()).days[START.date()] == ()
    page.get_by_role("button", name="Resume online booking").click()
    expect(page.locator("#live")).to_contain_text("offered again")


def test_without_scripts_everything_can_be_done(browser: Browser, address: str, desk: PortalDesk) -> None:
    plain = browser.new_context(java_script_enabled=False, locale="en-US")
    page = plain.new_page()
    page.goto(f"{address}?provider=osei&week={NEXT}")
    page.get_by_role("link", name="Load default schedule").click()
    page.fill("#d0e0", "10:00")
    page.fill("#d0s1", "")
    page.fill("#d0e1", "")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#live")).to_contain_text("Saved")
    assert stands(desk, NEXT) == SHORT
    page.fill("#why-time", "07:00")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("main")).to_contain_text("would not lie inside opening hours")
    plain.close()


def test_the_grid_weighs_on_no_other_page(page: Page, address: str) -> None:
    """As the gateway packs it."""
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    page.goto(address.replace("/calendar", "/appointments"), wait_until="networkidle")
    assert not [one for one in asked if re.search("calendar.*[.]js", one)]
    open_week(page, address)
    assert len([one for one in asked if "fullcalendar" in one]) == 1
