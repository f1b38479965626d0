"""The pages in Chromium, on the deployed template: by phone, by keyboard, without scripts, in both languages."""

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response

from local.demo.browser import Browser as Http
from local.demo.browser import Page as PageRead
from local.laptop import STAFF_EMAIL, STAFF_PASSWORD

from .browser import Eyes
from .conftest import Telling

pytestmark = pytest.mark.xdist_group("laptop")
LATER = 16
"""Days ahead: beyond the two weeks of synthetic visits, so that there are free times."""


@dataclass(frozen=True)
class Words:
    """What a patient presses and reads."""

    go_on: str
    send: str
    not_confirmed: str
    cancel: str
    cancel_it: str


ENGLISH = Words("Continue", "Send request", "Not confirmed yet", "Cancel", "Cancel my request")
SPANISH = Words("Continuar", "Enviar solicitud", "Sin confirmar", "Cancelar", "Cancelar mi solicitud")


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="en-US")
    context.set_default_timeout(20_000)
    yield context
    context.close()


@pytest.fixture(scope="session")
def eyes(request: pytest.FixtureRequest) -> Eyes:
    return Eyes(request.config.getoption("--pictures"))


def choose_time(page: Page, telling: Telling, language: str, words: Words) -> None:
    """From the first page to the form, at the first time of a week that is surely free."""
    page.goto(f"{telling.book}?lang={language}")
    page.locator("input[name=provider][value=osei]").check()
    page.locator("input[name=visit_type][value=new-patient]").check()
    page.get_by_role("button", name=words.go_on).click()
    for _ in range(3):
        page.locator("nav.bar a").last.click()
    page.locator("ul.times a").first.click()


def week_of_free_times(telling: Telling, http: Http) -> PageRead:
    """Its page, without a browser."""
    first = datetime.now(UTC).date() + timedelta(days=LATER)
    return http.open(f"{telling.book}/times?provider=brandt&visit_type=new-patient&from={first}&lang=en")


def mobile_of(name: str) -> str:
    """A number of their own: under one number only so many requests may wait."""
    return f"(415) 555-01{sum(map(ord, name)) % 100:02d}"


def fill_in(page: Page, name: str) -> None:
    page.fill("#first_name", name)
    page.fill("#last_name", "O'Brien-Smith")
    page.fill("#birth_day", "3")
    page.fill("#birth_month", "12")
    page.fill("#birth_year", "1984")
    page.check("#new_patient-yes")
    page.fill("#mobile", mobile_of(name))
    page.fill("#email", f"{name.lower()}@patients.quay.example")
    page.fill("#reason", "Knee pain since last week")
    page.check("#contact_consent")


def ask(page: Page, telling: Telling, name: str, language: str = "en", words: Words = ENGLISH) -> str:
    """Ask for a visit; the address of the private page."""
    choose_time(page, telling, language, words)
    fill_in(page, name)
    page.get_by_role("button", name=words.go_on).click()
    page.get_by_role("button", name=words.send).click()
    page.wait_for_url("**/my-request/**")
    return page.url


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


@pytest.mark.parametrize(("language", "words"), [("en", ENGLISH), ("es", SPANISH)])
def test_a_patient_asks_and_cancels(
    phone: BrowserContext, telling: Telling, eyes: Eyes, language: str, words: Words
) -> None:
    page = phone.new_page()
    page.goto(f"{telling.book}?lang={language}")
    eyes.look(page, f"1-providers-{language}")
    choose_time(page, telling, language, words)
    page.go_back()
    eyes.look(page, f"2-times-{language}")
    page.go_forward()
    eyes.look(page, f"3-details-{language}")
    page.get_by_role("button", name=words.go_on).click()
    page.locator(".errors").wait_for()
    assert page.evaluate("document.activeElement.className") == "errors"
    eyes.look(page, f"4-errors-{language}")
    page.locator(".errors a").first.click()
    assert page.evaluate("document.activeElement.id") == "first_name"
    fill_in(page, "Maren" if language == "en" else "Marisol")
    page.get_by_role("button", name=words.go_on).click()
    page.get_by_role("button", name=words.send).wait_for()
    eyes.look(page, f"5-check-{language}")
    page.get_by_role("button", name=words.send).click()
    page.wait_for_url("**/my-request/**")
    assert words.not_confirmed in page.inner_text("main")
    eyes.look(page, f"6-my-request-{language}")
    page.get_by_role("link", name=words.cancel, exact=True).click()
    page.get_by_role("button", name=words.cancel_it).wait_for()
    eyes.look(page, f"7-cancel-{language}")
    page.get_by_role("button", name=words.cancel_it).click()
    page.locator(".state.cancelled").wait_for()
    eyes.look(page, f"8-cancelled-{language}")
    assert page.locator(".state.cancelled").count() == 1


def test_what_was_typed_survives_back_reload_and_a_change(phone: BrowserContext, telling: Telling) -> None:
    page = phone.new_page()
    choose_time(page, telling, "en", ENGLISH)
    fill_in(page, "Nils")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Send request").wait_for()
    page.reload()
    page.get_by_role("button", name="Change").click()
    assert page.input_value("#last_name") == "O'Brien-Smith"
    assert page.input_value("#birth_month") == "12"
    assert page.is_checked("#contact_consent")


def test_whoever_asks_for_somebody_else_says_who_they_are(phone: BrowserContext, telling: Telling) -> None:
    page = phone.new_page()
    choose_time(page, telling, "en", ENGLISH)
    assert not page.is_visible("#booker_first_name")
    page.check("#for_whom-other")
    fill_in(page, "Mia")
    page.get_by_role("button", name="Continue").click()
    assert "Your first name" in page.inner_text(".errors")
    page.fill("#booker_first_name", "Rosa")
    page.fill("#booker_last_name", "Lind")
    page.fill("#booker_relation", "mother")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Send request").click()
    page.wait_for_url("**/my-request/**")
    letter = telling.laptop.mailbox.wait_for(lambda one: "mia@patients.quay.example" in one.to, 60)
    assert "Hello Rosa" in letter.text


def test_what_was_typed_is_still_there_after_going_back(phone: BrowserContext, telling: Telling) -> None:
    page = phone.new_page()
    choose_time(page, telling, "en", ENGLISH)
    fill_in(page, "Nora")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Send request").wait_for()
    page.go_back()
    assert page.input_value("#first_name") == "Nora"
    assert page.is_checked("#new_patient-yes")


def test_sending_twice_makes_one_request(telling: Telling) -> None:
    http = Http()
    start = next(link for link in re.findall(r'href="([^"]+/details[^"]+)"', week_of_free_times(telling, http).html))
    form_page = http.open(telling.laptop.public_url + start.replace("&amp;", "&"))
    form = form_page.form_with("first_name")
    assert form
    typed = {"first_name": "Odile", "last_name": "Marsh", "birth_day": "1", "birth_month": "2", "birth_year": "1990",
             "new_patient": "yes", "mobile": "4155552671", "contact_consent": "yes"}  # fmt: skip
    check = http.submit(form_page, form, typed)
    send = check.forms[-1]
    first, second = http.submit(check, send, {}), http.submit(check, send, {})
    assert first.path == second.path
    assert first.path.startswith("/my-request/quay/")
    # Back on the page before, and on from there: it is sent already.
    assert http.submit(form_page, form, typed).path == first.path


def test_two_who_want_the_same_time_and_one_place(browser: Browser, telling: Telling, eyes: Eyes) -> None:
    first, second = (browser.new_context(locale="en-US").new_page() for _ in range(2))
    for page, name in ((first, "Petra"), (second, "Quentin")):
        choose_time(page, telling, "en", ENGLISH)
        fill_in(page, name)
        page.get_by_role("button", name="Continue").click()
    first.get_by_role("button", name="Send request").click()
    first.wait_for_url("**/my-request/**")
    second.get_by_role("button", name="Send request").click()
    assert "This time is no longer free" in second.inner_text("main")
    eyes.look(second, "9-taken")
    second.locator("ul.times button").first.click()
    assert "O'Brien-Smith" in second.inner_text("main")
    second.get_by_role("button", name="Send request").click()
    second.wait_for_url("**/my-request/**")
    for page in (first, second):
        page.context.close()


def test_everything_works_without_scripts(browser: Browser, telling: Telling) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en-US")
    address = ask(context.new_page(), telling, "Runa")
    page = context.new_page()
    page.goto(address)
    page.get_by_role("link", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel my request").click()
    assert page.locator(".state.cancelled").count() == 1
    context.close()


def test_a_keyboard_is_enough(phone: BrowserContext, telling: Telling) -> None:
    page = phone.new_page()
    page.goto(f"{telling.book}?lang=en")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"

    def tab_to(wanted: str) -> None:
        for _ in range(60):
            if page.evaluate("wanted => document.activeElement.matches(wanted)", wanted):
                style = "getComputedStyle(document.activeElement)"
                assert page.evaluate(f"{style}.outlineStyle !== 'none' || {style}.boxShadow !== 'none'"), wanted
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"{wanted} is not reached")

    tab_to("input[name=provider]")
    page.keyboard.press("Space")
    tab_to("input[name=visit_type]")
    page.keyboard.press("Space")
    tab_to("main button")
    page.keyboard.press("Enter")
    page.wait_for_url("**/times**")
    for _ in range(3):
        address = page.url
        tab_to("nav.bar span:last-child a")
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url, left=address: url != left)
    tab_to("ul.times a")
    page.keyboard.press("Enter")
    page.wait_for_url("**/details**")
    for field, typed in (("first_name", "Svea"), ("last_name", "Lind"), ("birth_day", "1"), ("birth_month", "2"),
                         ("birth_year", "1990")):  # fmt: skip
        tab_to(f"#{field}")
        page.keyboard.type(typed)
    tab_to("input[name=new_patient]")
    page.keyboard.press("Space")
    tab_to("#mobile")
    page.keyboard.type("4155552671")
    tab_to("#contact_consent")
    page.keyboard.press("Space")
    tab_to("main form button")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Send request").wait_for()
    tab_to("form[action*=requests] button")
    page.keyboard.press("Enter")
    page.wait_for_url("**/my-request/**")
    assert "will call you" in page.inner_text("main")


def test_the_first_page_is_small(phone: BrowserContext, telling: Telling) -> None:
    """As the gateway packs it (MinimumCompressionSize); the embedded one sends everything unpacked."""
    page = phone.new_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(telling.book, wait_until="networkidle")
    sizes = [len(gzip.compress(answer.body())) + len(str(answer.headers)) for answer in answers]
    assert len(sizes) <= 3
    assert sum(sizes) <= 60_000, sizes
    assert Eyes.shifts(page) < 0.01


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
    "path", ["/book/nowhere", "/my-request/quay/nothing", "/book/quay/times?provider=nobody&visit_type=x"]
)
def test_what_is_not_there_has_a_page(phone: BrowserContext, telling: Telling, eyes: Eyes, path: str) -> None:
    page = phone.new_page()
    answer = page.goto(f"{telling.laptop.public_url}{path}")
    assert answer
    assert answer.status in (404, 422)
    eyes.look(page, "f-not-there")


def test_pages_let_in_nothing_but_our_own(telling: Telling) -> None:
    page = Http().open(telling.book)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "private, no-cache"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "strict-transport-security" in page.headers


@pytest.mark.parametrize(
    "elsewhere", ["https://elsewhere.example/", "//elsewhere.example", "/portal/../x", "/book/quay"]
)
def test_sign_in_leads_to_no_other_place(browser: Browser, telling: Telling, elsewhere: str) -> None:
    desk = browser.new_context(locale="en-US")
    page = desk.new_page()
    sign_in(page, f"{telling.laptop.public_url}/auth/sign-in?to={elsewhere}")
    assert page.url == f"{telling.laptop.public_url}/portal"
    desk.close()
