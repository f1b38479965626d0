"""The pages in Chromium, on the deployed template: by phone, by keyboard, without scripts, in both languages."""

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response

from local.demo.browser import Browser as Http
from local.demo.browser import Page as PageRead

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
