"""Staff's pages in Chromium, on the deployed template."""

import re
from datetime import datetime
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from local.laptop import STAFF_EMAIL, STAFF_PASSWORD

from .asking import ask, mobile_of
from .browser import Eyes
from .conftest import Telling

pytestmark = pytest.mark.xdist_group("laptop")


def staff_link(telling: Telling, name: str) -> str:
    """The link of staff's message about a patient: by the order of messages, since no message says a name in its text."""
    mail = telling.laptop.mailbox
    address = f"{name.lower()}@patients.quay.example"
    mail.wait_for(lambda one: address in one.to, 60)
    pattern = re.compile(r"http://\S+/portal/quay/appointments/\w+")
    letters = [one for one in mail.messages if "frontdesk@quay.example" in one.to]
    found = pattern.search(letters[-1].text)
    assert found
    return found.group()


def sign_in(page: Page, link: str) -> None:
    """Open a link of the portal, through sign-in."""
    page.goto(link)
    if not urlsplit(page.url).path.startswith("/portal"):
        page.locator("input:not([type=hidden]):not([type=password])").first.fill(STAFF_EMAIL)
        page.locator("input[type=password]").fill(STAFF_PASSWORD)
        page.locator("input[type=password]").press("Enter")
        page.wait_for_url("**/portal**")


def test_the_mailed_link_leads_through_sign_in_to_exactly_that_page(
    browser: Browser, phone: BrowserContext, telling: Telling, eyes: Eyes
) -> None:
    ask(phone.new_page(), telling, "Tove")
    link = staff_link(telling, "Tove")
    desk = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    page = desk.new_page()
    sign_in(page, link)
    assert page.url == link
    answer = page.reload()
    assert answer
    assert answer.headers["cache-control"] == "no-store"
    text = page.inner_text("main")
    for part in (
        "Tove",
        "O'Brien-Smith",
        "1984-12-03",
        "Knee pain since last week",
        "Dr. Amara Osei",
        "Pending request",
    ):
        assert part in text, part
    eyes.look(page, "a-details-en")
    page.goto(f"{link}?lang=es")
    eyes.look(page, "a-details-es")
    page.goto(f"{telling.laptop.public_url}/portal")
    eyes.look(page, "b-practices")
    page.get_by_role("link", name="Quay Clinic").click()
    assert "Action required" in page.inner_text("h1")
    eyes.look(page, "c-action-required")
    page.get_by_role("link", name="Tove O'Brien-Smith").click()
    page.get_by_role("link", name="Cancel request").click()
    page.get_by_role("button", name="Cancel request").click()
    eyes.look(page, "d-cancel-errors")
    page.check("input[name=reason][value=not_available]")
    page.fill("#note", "Please choose another day.")
    eyes.look(page, "d-cancel")
    page.get_by_role("button", name="Cancel request").click()
    page.locator("h1 .state.cancelled").wait_for()
    assert page.inner_text("#live")
    eyes.look(page, "e-cancelled")
    letter = telling.laptop.mailbox.wait_for(
        lambda one: "tove@patients.quay.example" in one.to and "cancelled" in one.subject, 60
    )
    assert "Please choose another day." in letter.text
    assert "1984" not in letter.text + letter.html
    assert "Knee" not in letter.text + letter.html
    page.locator("#me summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.goto(link)
    assert page.url != link
    desk.close()


def test_an_identifier_is_copied_as_it_was_typed(browser: Browser, phone: BrowserContext, telling: Telling) -> None:
    ask(phone.new_page(), telling, "Ulla")
    link = staff_link(telling, "Ulla")
    desk = browser.new_context(permissions=["clipboard-read", "clipboard-write"], locale="en-US")
    page = desk.new_page()
    sign_in(page, link)
    # Browsers give the clipboard to secure pages only; this machine's address counts as one.
    page.get_by_role("button", name="Copy Mobile number").click()
    page.wait_for_function("document.getElementById('live').textContent !== ''")
    assert page.evaluate("navigator.clipboard.readText()") == mobile_of("Ulla")
    desk.close()


def test_a_form_that_is_not_ours_is_refused(browser: Browser, phone: BrowserContext, telling: Telling) -> None:
    ask(phone.new_page(), telling, "Vera")
    link = staff_link(telling, "Vera")
    desk = browser.new_context(locale="en-US")
    page = desk.new_page()
    sign_in(page, link)
    forged = page.evaluate(
        "link => fetch(link, {method: 'POST', body: new URLSearchParams({reason: 'other', note: '', csrf: 'guessed'})})"
        ".then(answer => answer.status)",
        f"{link}/cancel",
    )
    assert forged == 403
    page.reload()
    assert "Pending request" in page.inner_text("main")
    desk.close()


def test_staff_say_what_a_visit_that_is_no_longer_shown_means(
    browser: Browser, phone: BrowserContext, telling: Telling, eyes: Eyes
) -> None:
    ask(phone.new_page(), telling, "Wanda")
    link = staff_link(telling, "Wanda")
    desk = browser.new_context(locale="en-US")
    page = desk.new_page()
    sign_in(page, link)
    start = datetime.fromisoformat(page.locator("[data-start]").get_attribute("data-start") or "")
    sandbox = telling.laptop.sandbox
    visit = sandbox.enter(
        "osei",
        start,
        30,
        first_name="Wanda",
        last_name="O'Brien-Smith",
        birth_date="1984-12-03",
        mobile=mobile_of("Wanda"),
    )
    telling.laptop.oneway("sync", "quay", "osei")
    page.reload()
    assert "Confirmed" in page.inner_text("h1")
    # It goes to somebody whose schedule is not read: the source does not say that it is gone.
    stranger = [{"actor": {"reference": reference}} for reference in ("Practitioner/stranger", "Patient/x")]
    sandbox.records.put({**visit, "participant": stranger})
    for _ in range(2):
        telling.laptop.oneway("sync", "quay", "osei")
    page.goto(f"{telling.laptop.public_url}/portal/quay/appointments")
    assert "No longer in your schedule" in page.locator("tr", has_text="Wanda").inner_text()
    page.goto(link)
    eyes.look(page, "d-vanished")
    page.get_by_role("button", name="It takes place").click()
    assert "the visit takes place" in page.inner_text("#live")
    assert "Confirmed" in page.inner_text("h1")
    assert not page.get_by_role("button", name="It is cancelled").count()
    desk.close()


def test_staff_say_whether_a_visit_is_the_answer(
    browser: Browser, phone: BrowserContext, telling: Telling, eyes: Eyes
) -> None:
    ask(phone.new_page(), telling, "Minna")
    link = staff_link(telling, "Minna")
    desk = browser.new_context(locale="en-US")
    page = desk.new_page()
    sign_in(page, link)
    assert (
        "nothing in your schedule at this time" in page.locator("section", has_text="Why still pending?").inner_text()
    )
    start = datetime.fromisoformat(page.locator("[data-start]").get_attribute("data-start") or "")
    telling.laptop.sandbox.enter(
        "osei",
        start,
        30,
        first_name="Minna",
        last_name="O'Brien-Smith",
        birth_date="1984-03-12",
        mobile=mobile_of("Minna"),
    )
    telling.laptop.oneway("sync", "quay", "osei")
    page.goto(link)
    assert "another date of birth: 1984-03-12" in page.locator("section", has_text="Why still pending?").inner_text()
    match = page.locator("article", has_text="Perhaps mistyped")
    born = match.locator("[data-field=birth_date]").inner_text()
    assert "1984-12-03 / 1984-03-12" in born
    assert "day and month swapped" in born
    assert "the same" in match.locator("[data-field=mobile]").inner_text()
    eyes.look(page, "d-possible-match")
    page.get_by_role("link", name="Cancel request").click()
    assert page.get_by_role("heading", name="Already in your schedule? Link it instead").count()
    eyes.look(page, "d-cancel-or-link")
    page.get_by_role("button", name="This is it").click()
    assert "Confirmed" in page.inner_text("h1")
    assert "undo it silently" in page.inner_text("#live")
    assert "has been told nothing" in page.locator("section", has_text="The visit in your schedule").inner_text()
    eyes.look(page, "d-linked-by-hand")
    page.get_by_role("button", name="undo the link").click()
    assert "Pending request" in page.inner_text("h1")
    assert not page.get_by_role("button", name="This is it").count()
    assert "is not this patient's" in page.locator("section", has_text="Why still pending?").inner_text()
    assert "Link undone" in page.locator("ol.timeline").inner_text()
    told = telling.laptop.oneway("explain", "quay", link.rpartition("/")[2])
    assert "is not this patient's" in told
    assert "Minna" not in told
    assert "1984" not in told
    desk.close()


def test_staff_have_the_schedules_read_now(browser: Browser, telling: Telling, eyes: Eyes) -> None:
    desk = browser.new_context(locale="en-US")
    page = desk.new_page()
    sign_in(page, f"{telling.laptop.public_url}/portal/quay/appointments")
    page.get_by_role("button", name="Sync now").click()
    assert "being read" in page.inner_text("#live")
    eyes.look(page, "d-sync-now")
    desk.close()


def test_to_staff_of_other_practices_it_does_not_exist(browser: Browser, telling: Telling) -> None:
    desk = browser.new_context(locale="en-US")
    page = desk.new_page()
    sign_in(page, f"{telling.laptop.public_url}/portal/quay/appointments")
    for path in ("/portal/nowhere/appointments", "/portal/quay/appointments/aaaaaaaaaaaaaaaa"):
        answer = page.goto(f"{telling.laptop.public_url}{path}")
        assert answer
        assert answer.status == 404
    desk.close()


@pytest.mark.parametrize(
    "elsewhere", ["https://elsewhere.example/", "//elsewhere.example", "/portal/../x", "/book/quay"]
)
def test_sign_in_leads_to_no_other_place(browser: Browser, telling: Telling, elsewhere: str) -> None:
    desk = browser.new_context(locale="en-US")
    page = desk.new_page()
    sign_in(page, f"{telling.laptop.public_url}/auth/sign-in?to={elsewhere}")
    assert page.url == f"{telling.laptop.public_url}/portal"
    desk.close()
