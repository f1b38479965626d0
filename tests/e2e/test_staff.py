"""Staff on the deployed template, the guide's way: the e-mailed link, the entry in the scheduling system, and what follows."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from .browser import MILLISECONDS, PATIENCE, Eyes, appears
from .conftest import Telling
from .staff import BORN, Asked, ask, becomes, enter, find, read_schedule, shows, sign_in, signed_in
from .test_api import ZONE

pytestmark = pytest.mark.xdist_group("laptop")
PORTAL = "/portal/quay/appointments"
SWAPPED = "1984-03-12"
IDENTIFIERS = {
    "First name": "first_name",
    "Last name": "last_name",
    "Date of birth": "birth_date",
    "Mobile number": "mobile",
    "E-mail": "email",
}
"""What staff copy, and where the scheduling system wants it."""


@pytest.fixture(scope="module")
def page(browser: Browser, telling: Telling) -> Iterator[Page]:
    """A browser in which staff signed in."""
    with signed_in(browser, f"{telling.laptop.public_url}{PORTAL}", 900) as page:
        yield page


def test_the_mailed_link_opens_that_very_page_cold_and_signed_in(
    browser: Browser, telling: Telling, eyes: Eyes
) -> None:
    asked, another = ask(telling, "Tove", 0), ask(telling, "Tilde", 1)
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    page = context.new_page()
    page.goto(asked.link)
    assert "/portal" not in page.url
    sign_in(page)
    expect(page).to_have_url(asked.link)
    answer = page.reload()
    assert answer
    assert answer.headers["cache-control"] == "no-store"
    assert "unsafe" not in answer.headers["content-security-policy"]
    for part in ("Tove", "O'Brien-Smith", BORN, "Knee pain since last week", "Dr. Amara Osei", "Pending request"):
        assert part in page.inner_text("main"), part
    eyes.look(page, "a-details-en")
    page.goto(another.link)
    assert page.url == another.link
    assert "Tilde" in page.inner_text("h1")
    page.goto(f"{telling.laptop.public_url}/portal")
    eyes.look(page, "b-practices")
    page.get_by_role("link", name="Quay Clinic").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Action required")
    expect(page.locator("#rooms a")).not_to_have_count(0)
    eyes.look(page, "c-action-required")
    page.locator("#me summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(lambda address: "/portal" not in address)
    page.goto(f"{telling.laptop.public_url}/portal/quay/upcoming?provider=osei")
    assert "/portal" not in page.url
    sign_in(page)
    expect(page).to_have_url(f"{telling.laptop.public_url}/portal/quay/upcoming?provider=osei")
    context.close()


def test_of_two_links_opened_cold_side_by_side_each_leads_to_its_own_page(browser: Browser, telling: Telling) -> None:
    context = browser.new_context(locale="en-US")
    context.set_default_timeout(MILLISECONDS)
    links = [f"{telling.laptop.public_url}/portal/quay/{room}" for room in ("upcoming?provider=osei", "integration")]
    tabs = [context.new_page() for _ in links]
    for tab, link in zip(tabs, links, strict=True):
        tab.goto(link)
        assert "/portal" not in tab.url
    for tab, link in reversed(list(zip(tabs, links, strict=True))):
        sign_in(tab)
        expect(tab).to_have_url(link)
    context.close()


def test_what_staff_enter_confirms_and_a_status_is_followed_to_the_end(page: Page, telling: Telling) -> None:
    """The identifiers are copied into the sandbox's own pages; then its schedule is read when its turn comes."""
    asked = ask(telling, "Ulla", 2)
    page.goto(asked.link)
    page.get_by_role("button", name="I'm on it").click()
    expect(page.locator("#claim")).to_contain_text("You are on it")
    why = page.locator("section", has_text="Why still pending?")
    expect(why).to_contain_text("nothing in your schedule at this time")
    copies = {one: page.get_by_role("button", name=f"Copy {one}") for one in IDENTIFIERS}
    typed = {one: button.first.get_attribute("data-copy") or "" for one, button in copies.items()}
    assert all(typed.values()), typed

    system, here = page.context.new_page(), asked.start.astimezone(ZONE)
    system.goto(f"{telling.laptop.sandbox.url}/?from={here.date()}")
    form = system.locator("form[action='/appointments']")
    form.locator("select[name=practitioner]").select_option("osei")
    for name, value in {"day": str(here.date()), "time": f"{here:%H:%M}", "minutes": "30"}.items():
        form.locator(f"input[name={name}]").fill(value)
    for one, name in IDENTIFIERS.items():
        form.locator(f"input[name={name}]").fill(typed[one])
    form.get_by_role("button", name="Enter").click()
    becomes(page, "Confirmed")
    for action, state in (("Check in", "Arrived"), ("Complete", "Completed")):
        system.get_by_role("button", name=f"{action}: Ulla O'Brien-Smith").click()
        expect(system.get_by_role("button", name=f"{action}: Ulla O'Brien-Smith")).to_have_count(0)
        read_schedule(telling)
        becomes(page, state)
        expect(page.locator("ol.timeline")).to_contain_text(f"Changed in your schedule: {state}")
    system.close()
    telling.laptop.mailbox.wait_for(
        lambda one: "ulla@patients" in str(one.to) and "is confirmed" in one.subject, PATIENCE
    )


def test_a_visit_is_moved_the_guide_s_way(page: Page, telling: Telling, eyes: Eyes) -> None:
    asked = ask(telling, "Rut", 3)
    enter(telling, asked, asked.start + timedelta(minutes=90))
    page.goto(f"{telling.laptop.public_url}{PORTAL}")
    row = page.locator("tr", has_text="Rut").filter(has_text="possible match")
    appears(page, row)
    row.get_by_role("link").click()
    page.get_by_role("link", name="Cancel request").click()
    expect(page.get_by_role("heading", name="Already in your schedule? Link it instead")).to_be_visible()
    page.locator("input[value=moved]").check()
    expect(page.locator("#preview")).to_contain_text("e-mail with both times")
    eyes.look(page, "d-cancel-as-moved")
    page.locator("button.danger").click()
    shows(page, "Cancelled")

    read_schedule(telling)
    letter = telling.laptop.mailbox.wait_for(
        lambda one: "rut@patients" in str(one.to) and "received" not in one.subject.lower(), 2 * PATIENCE
    )
    assert "cancelled" not in letter.subject
    becomes(page, "Confirmed")
    assert "Moved to another time" in page.locator("ol.timeline").inner_text()


def test_a_visit_is_moved_by_one_click_and_a_mistyped_one_linked(page: Page, telling: Telling, eyes: Eyes) -> None:
    asked = ask(telling, "Signe", 4)
    page.goto(asked.link)
    enter(telling, asked, birth_date=SWAPPED)
    why = page.locator("section", has_text="Why still pending?")
    appears(page, why.filter(has_text=f"another date of birth: {SWAPPED}"))
    match = page.locator("article", has_text="Perhaps mistyped")
    born = match.locator("[data-field=birth_date]")
    assert [born.locator("td").nth(n).inner_text().split()[0] for n in (0, 1)] == [BORN, SWAPPED]
    assert "day and month swapped" in born.inner_text()
    eyes.look(page, "d-possible-match")
    match.get_by_role("button", name="Not the same person").click()
    expect(page.locator("#live")).to_contain_text("not this visit")

    enter(telling, asked, asked.start + timedelta(minutes=120))
    moved = page.locator("article", has_text="Perhaps at another time")
    appears(page, moved)
    moved.get_by_role("button", name="This is it").click()
    shows(page, "Confirmed")
    expect(page.locator("#live")).to_contain_text("undo it silently")
    page.get_by_role("button", name="undo the link").click()
    shows(page, "Pending request")
    expect(page.locator("ol.timeline")).to_contain_text("Link undone")
    page.locator("details.dismissed summary").click()
    moved.get_by_role("button", name="it may be the same person").click()
    expect(page.locator("#live")).to_contain_text("possible match again")
    moved.get_by_role("button", name="This is it").click()
    shows(page, "Confirmed")
    told = telling.laptop.oneway("explain", "quay", asked.id)
    assert "Signe" not in told
    assert "1984" not in told
    letter = telling.laptop.mailbox.wait_for(
        lambda one: "signe@patients" in str(one.to) and "was moved to" in one.subject, 2 * PATIENCE
    )
    assert not [one for one in telling.laptop.mailbox.messages if one.to == letter.to and "cancelled" in one.subject]


def test_a_request_is_cancelled_with_a_note_that_the_patient_gets_as_it_was_shown(page: Page, telling: Telling) -> None:
    asked = ask(telling, "Vera", 5)
    page.goto(f"{asked.link}/cancel")
    page.locator("input[value=not_available]").check()
    page.fill("#note", "Please choose another day.")
    expect(page.locator("#preview")).to_contain_text("Please choose another day.")
    subject = page.locator("#preview .letter strong").inner_text()
    page.locator("button.danger").click()
    shows(page, "Cancelled")

    letter = telling.laptop.mailbox.wait_for(
        lambda one: " ".join(one.subject.split()) == subject and "vera@patients" in str(one.to), PATIENCE
    )
    assert "Please choose another day." in letter.text
    assert "1984" not in letter.text + letter.html
    assert "Knee" not in letter.text + letter.html


def test_staff_say_what_a_visit_that_is_no_longer_shown_means(page: Page, telling: Telling, eyes: Eyes) -> None:
    asked = ask(telling, "Wanda", 6)
    visit = enter(telling, asked)
    page.goto(asked.link)
    becomes(page, "Confirmed")
    # It goes to somebody whose schedule is not read: the source does not say that it is gone.
    stranger = [{"actor": {"reference": reference}} for reference in ("Practitioner/stranger", "Patient/x")]
    telling.laptop.sandbox.records.put({**visit, "participant": stranger})
    page.goto(f"{telling.laptop.public_url}{PORTAL}")

    def look_again() -> None:
        read_schedule(telling)
        page.reload()

    appears(page, page.locator("tr", has_text="Wanda").filter(has_text="No longer in your schedule"), look_again)
    page.goto(asked.link)
    eyes.look(page, "d-vanished")
    page.get_by_role("button", name="It takes place").click()
    expect(page.locator("#live")).to_contain_text("the visit takes place")
    shows(page, "Confirmed")
    expect(page.get_by_role("button", name="It is cancelled")).to_have_count(0)


def test_a_caller_is_found_whether_they_asked_online_or_not(page: Page, telling: Telling, eyes: Eyes) -> None:
    asked = ask(telling, "Xenia", 7)
    walk_in = Asked("Ylva", asked.start + timedelta(minutes=60), "(415) 555-0177", "")
    enter(telling, walk_in)
    page.goto(f"{telling.laptop.public_url}/portal/quay/upcoming")
    for typed, name, state in (("xenia", "Xenia", "Pending request"), ("415 555 0177", "Ylva", "Confirmed")):
        row = page.locator("tr", has_text=name)
        find(page, typed, row)
        expect(row).to_contain_text(state)
        assert typed not in page.url
    clock = walk_in.start.astimezone(ZONE)
    assert f"{clock.hour % 12 or 12}:{clock.minute:02d}" in row.inner_text()
    eyes.look(page, "e-found")
    row.get_by_role("link").click()
    expect(page.locator(".notice").first).to_contain_text("Nobody asked for this visit online")
    eyes.look(page, "e-imported")


def test_an_identifier_is_copied_as_it_was_typed(browser: Browser, telling: Telling) -> None:
    asked = ask(telling, "Zoe", 8)
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"], locale="en-US")
    page = context.new_page()
    page.goto(asked.link)
    sign_in(page)
    # Browsers give the clipboard to secure pages only; this machine's address counts as one.
    page.get_by_role("button", name="Copy Mobile number").click()
    expect(page.locator("#live")).to_contain_text("copied")
    assert page.evaluate("navigator.clipboard.readText()") == asked.mobile
    context.close()


def test_a_form_that_is_not_ours_is_refused(page: Page, telling: Telling) -> None:
    asked = ask(telling, "Alma", 9)
    page.goto(asked.link)
    forged = page.evaluate(
        "link => fetch(link, {method: 'POST', body: new URLSearchParams({reason: 'other', note: '', csrf: 'guessed'})})"
        ".then(answer => answer.status)",
        f"{asked.link}/cancel",
    )
    assert forged == 403
    page.reload()
    shows(page, "Pending request")


def test_staff_have_the_schedules_read_now(page: Page, telling: Telling) -> None:
    page.goto(f"{telling.laptop.public_url}{PORTAL}")
    page.get_by_role("button", name="Sync now").click()
    page.wait_for_url("**/integration?**")
    expect(page.locator("#live")).not_to_be_empty()


def test_opening_hours_are_edited_on_the_deployed_template(browser: Browser, telling: Telling) -> None:
    """With the function's own rights: the week and its timeline entry are one transaction."""
    desk = browser.new_context(locale="en-US", viewport={"width": 1440, "height": 900})
    page = desk.new_page()
    monday = datetime.now(UTC).date() + timedelta(weeks=20)
    monday -= timedelta(days=monday.weekday())
    page.goto(f"{telling.laptop.public_url}/portal/quay/calendar?provider=osei&week={monday}")
    sign_in(page)
    page.locator("#grid .fc-timegrid").wait_for()
    page.get_by_role("link", name="Load default schedule").click()
    page.locator("#hours.scripted").wait_for()
    for remove in page.locator("[data-day='0'] .remove").all()[::-1]:
        remove.click()
    page.fill("#d0s0", "05:00")
    page.fill("#d0e0", "06:30")
    page.get_by_role("button", name="Save", exact=True).click()
    page.locator("#live", has_text="Saved").wait_for()
    page.locator("#grid .fc-timegrid").wait_for()
    assert "hours of its own" in page.inner_text("main")
    shown = telling.laptop.oneway("calendar", "show", "quay", "osei", "--week", str(monday))
    assert "05:00" in shown
    page.get_by_role("button", name="Follow the default week again").click()
    page.locator("#live", has_text="follows the default").wait_for()
    desk.close()


def test_to_staff_of_other_practices_it_does_not_exist(page: Page, telling: Telling) -> None:
    for path in (
        "/portal/nowhere/appointments",
        f"{PORTAL}/aaaaaaaaaaaaaaaa",
        "/portal/quay/visits/osei/aaaaaaaaaaaaa",
    ):
        answer = page.goto(f"{telling.laptop.public_url}{path}")
        assert answer
        assert answer.status == 404


@pytest.mark.parametrize(
    "elsewhere", ["https://elsewhere.example/", "//elsewhere.example", "/portal/../x", "/book/quay"]
)
def test_sign_in_leads_to_no_other_place(browser: Browser, telling: Telling, elsewhere: str) -> None:
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.goto(f"{telling.laptop.public_url}/auth/sign-in?to={elsewhere}")
    sign_in(page)
    expect(page).to_have_url(f"{telling.laptop.public_url}/portal")
    context.close()
