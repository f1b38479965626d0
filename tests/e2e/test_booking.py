"""The booking tool in Chromium, on the deployed template: by phone, keyboard, without scripts, in both languages, in a frame."""

import gzip
import hashlib
import re
import time
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect

from local.demo.browser import Browser as Http

from .asking import ENGLISH, SPANISH, Words, ask, choose_provider, choose_time, fill_in, mobile_of, send
from .browser import AXE, MILLISECONDS, PATIENCE, Eyes, launched
from .conftest import Telling

pytestmark = pytest.mark.xdist_group("laptop")


def name_of(words: Words) -> str:
    return "Maren" if words is ENGLISH else "Marisol"


@pytest.mark.parametrize("words", [ENGLISH, SPANISH], ids=["en", "es"])
def test_a_patient_asks_and_cancels(phone: BrowserContext, telling: Telling, eyes: Eyes, words: Words) -> None:
    page = phone.new_page()
    elsewhere: list[str] = []
    ours = urlsplit(telling.laptop.public_url).netloc
    page.on("request", lambda one: elsewhere.append(one.url) if urlsplit(one.url).netloc not in (ours, "") else None)
    page.goto(f"{telling.book}?lang={words.lang}")
    eyes.look(page, f"1-providers-{words.lang}")
    choose_provider(page, telling.book, words)
    eyes.look(page, f"3-times-{words.lang}")
    page.locator("ul.times a").first.click()
    page.wait_for_url("**/who**")
    eyes.look(page, f"5-who-{words.lang}")
    page.get_by_role("button", name=words.go_on).click()
    expect(page.locator(".errors")).to_be_focused()
    page.locator("input[name=for_whom][value=me]").check()
    page.get_by_role("button", name=words.go_on).click()
    page.wait_for_url("**/details**")
    eyes.look(page, f"6-details-{words.lang}")
    page.get_by_role("button", name=words.go_on).click()
    expect(page.locator(".errors")).to_be_focused()
    eyes.look(page, f"6-errors-{words.lang}")
    page.locator(".errors a").first.click()
    expect(page.locator("#first_name")).to_be_focused()
    fill_in(page, name_of(words))
    page.get_by_role("button", name=words.go_on).click()
    page.get_by_role("button", name=words.send).wait_for()
    eyes.look(page, f"7-check-{words.lang}")
    send(page, words)
    expect(page.locator("main")).to_contain_text(words.not_confirmed)
    eyes.look(page, f"8-my-request-{words.lang}")
    page.get_by_role("link", name=words.cancel, exact=True).click()
    page.get_by_role("button", name=words.cancel_it).wait_for()
    eyes.look(page, f"9-cancel-{words.lang}")
    page.get_by_role("button", name=words.cancel_it).click()
    page.locator(".state.cancelled").wait_for()
    eyes.look(page, f"9-cancelled-{words.lang}")
    assert not elsewhere
    assert not phone.cookies()


def test_a_patient_asks_for_another_time(phone: BrowserContext, telling: Telling, eyes: Eyes) -> None:
    page = phone.new_page()
    page.goto(f"{telling.book}/visit?provider=osei&lang=en")
    eyes.look(page, "2-visit-en")
    page.get_by_role("link", name=re.compile("^Yearly check-up")).click()
    page.get_by_role("link", name="Ask for another time").click()
    eyes.look(page, "4-days-en")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator(".errors")).to_be_focused()
    eyes.look(page, "4-days-errors-en")
    for day in (3, 5):
        page.locator(".toggle input").nth(day).check()
    page.get_by_label("Morning").check()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/who**")
    page.get_by_label("For someone else").check()
    page.get_by_label("No, new patient").check()
    eyes.look(page, "5-who-errors-en")
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/details**")
    page.fill("#booker_first_name", "Rosa")
    page.fill("#booker_last_name", "Lind")
    page.fill("#booker_relation", "mother")
    fill_in(page, "Mia")
    eyes.look(page, "6-details-other-en")
    page.get_by_role("button", name="Continue").click()
    eyes.look(page, "7-check-days-en")
    send(page)
    expect(page.locator("main")).to_contain_text("No place is held yet")
    expect(page.locator("main")).to_contain_text("(morning)")
    eyes.look(page, "8-my-request-days-en")
    letter = telling.laptop.mailbox.wait_for(lambda one: "mia@patients.quay.example" in one.to, PATIENCE)
    assert "Hello Rosa" in letter.text
    assert "(morning)" in letter.text


def test_what_was_typed_survives_back_reload_and_a_change(phone: BrowserContext, telling: Telling) -> None:
    page = phone.new_page()
    choose_time(page, telling)
    fill_in(page, "Nora")
    page.reload()
    expect(page.locator("#first_name")).to_have_value("Nora")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Send request").wait_for()
    page.go_back()
    expect(page.locator("#first_name")).to_have_value("Nora")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Send request").wait_for()
    page.reload()
    page.get_by_role("button", name="Change Patient").click()
    expect(page.locator("#last_name")).to_have_value("O'Brien-Smith")
    expect(page.locator("#birth_month")).to_have_value("12")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Change When").click()
    page.locator("ul.times button").nth(1).click()
    expect(page.locator("main")).to_contain_text("O'Brien-Smith")
    expect(page.locator("main")).to_contain_text("Knee pain")


def test_sending_twice_makes_one_request(telling: Telling) -> None:
    http = Http()
    later = datetime.now(UTC).date() + timedelta(days=20)
    times = http.open(f"{telling.book}/times?provider=brandt&visit_type=new-patient&month={later:%Y-%m}&lang=en")
    start = next(link for link in re.findall(r'href="([^"]+/who[^"]+)"', times.html))
    who = http.open(telling.laptop.public_url + start.replace("&amp;", "&"))
    details = http.submit(who, who.forms[0], {"for_whom": "me"})
    form = details.form_with("first_name")
    assert form
    typed = {"first_name": "Odile", "last_name": "Marsh", "birth_day": "1", "birth_month": "2", "birth_year": "1990",
             "mobile": mobile_of("Odile")}  # fmt: skip
    check = http.submit(details, form, typed)
    first = check
    while not first.path.startswith("/my-request/quay/"):
        # Whoever is faster than people are is asked once more.
        first = http.submit(first, first.forms[-1], {"contact_consent": "yes"})
        assert first.status in (200, 422), first.text
    second = http.submit(check, check.forms[-1], {"contact_consent": "yes"})
    assert first.path == second.path
    # Back on the page before, and on from there: it is sent already.
    assert http.submit(details, form, typed).path == first.path


def test_two_who_want_the_same_time_and_one_place(browser: Browser, telling: Telling, eyes: Eyes) -> None:
    first, second = (browser.new_context(locale="en-US").new_page() for _ in range(2))
    for page, name in ((first, "Petra"), (second, "Quentin")):
        choose_time(page, telling)
        fill_in(page, name)
        page.get_by_role("button", name="Continue").click()
    send(first)
    second.locator("#contact_consent").check()
    second.get_by_role("button", name="Send request").click()
    expect(second.locator("main")).to_contain_text("This time was just taken")
    expect(second.locator(".errors")).to_be_focused()
    eyes.look(second, "7-taken-en")
    second.locator("ul.times button").first.click()
    expect(second.locator("main")).to_contain_text("O'Brien-Smith")
    assert second.is_checked("#contact_consent")
    send(second)
    for page in (first, second):
        page.context.close()


def test_everything_works_without_scripts(browser: Browser, telling: Telling) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en-US", viewport={"width": 320, "height": 640})
    page = context.new_page()
    choose_time(page, telling)
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#error-first_name")).to_be_visible()
    fill_in(page, "Runa")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Change When").click()
    page.locator("ul.times button").last.click()
    send(page)
    page.get_by_role("link", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel my request").click()
    expect(page.locator(".state.cancelled")).to_have_count(1)
    context.close()


def test_a_keyboard_is_enough(phone: BrowserContext, telling: Telling) -> None:
    page = phone.new_page()
    page.goto(f"{telling.book}?lang=en")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"

    def tab_to(wanted: str) -> None:
        for _ in range(80):
            if page.evaluate("wanted => document.activeElement.matches(wanted)", wanted):
                style = "getComputedStyle(document.activeElement)"
                assert page.evaluate(f"{style}.outlineStyle !== 'none' || {style}.boxShadow !== 'none'"), wanted
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"{wanted} is not reached")

    def press(wanted: str, leads_to: str | re.Pattern[str]) -> None:
        tab_to(wanted)
        page.evaluate("document.documentElement.dataset.left = 'yes'")
        page.keyboard.press("Enter")
        page.wait_for_url(leads_to)
        page.wait_for_function("document.body && !document.documentElement.dataset.left")

    press("li:nth-child(2) .pick", "**/visit**")
    press(".pick", "**/times**")
    press(".months .step:last-child", "**month=**")
    press(".month .free", "**day=**")
    # Whoever chose a day goes on at its times.
    assert page.evaluate("document.activeElement.id || location.hash") in ("day", "#day")
    press("ul.times a", "**/who**")
    tab_to("input[name=for_whom]")
    page.keyboard.press("Space")
    press("main form button", "**/details**")
    for field, typed in (("first_name", "Svea"), ("last_name", "Lind"), ("birth_month", "1"), ("birth_day", "2"),
                         ("birth_year", "1990")):  # fmt: skip
        tab_to(f"#{field}")
        page.keyboard.type(typed)
    tab_to("#mobile")
    page.keyboard.type("4155552671")
    press("main form > button", "**/check**")
    page.get_by_role("button", name="Send request").wait_for()
    while "/my-request/" not in page.url:
        tab_to("#contact_consent")
        if not page.is_checked("#contact_consent"):
            page.keyboard.press("Space")
        press("form[action*=requests] button", re.compile("/requests|/my-request/"))
    expect(page.locator("main")).to_contain_text("will call you")
    assert page.locator(".private-link a").get_attribute("href") in page.url


def test_the_first_view_is_small_and_the_next_ones_find_its_files_at_hand(
    phone: BrowserContext, telling: Telling
) -> None:
    """Counted by the browser; weighed as the gateway packs it (MinimumCompressionSize), which the embedded one does not."""
    page = phone.new_page()
    bodies: dict[str, bytes] = {}
    page.on("response", lambda answer: bodies.update({answer.url: answer.body()}))
    page.goto(telling.book, wait_until="networkidle")
    record = "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
    loaded = page.evaluate(f"{record}.map(one => one.name).filter(name => !name.startsWith('data:'))")
    assert len(loaded) <= 3, loaded
    weights = {name: len(gzip.compress(bodies[name])) + 600 for name in loaded}
    assert sum(weights.values()) <= 60_000, weights
    assert page.locator(".face img").count() == 1, "with a photo in it"
    assert Eyes.shifts(page) < 0.01
    page.get_by_role("link", name=re.compile("Dr. Lena Brandt")).click()
    page.wait_for_load_state("networkidle")
    again = page.evaluate(
        "performance.getEntriesByType('resource').filter(one => one.transferSize > 0).map(one => one.name)"
    )
    assert not again
    page.get_by_role("link", name=re.compile("^New patient")).click()
    page.wait_for_load_state("networkidle")
    assert Eyes.shifts(page) < 0.01


def test_a_photo_is_a_file_of_ours_too(telling: Telling) -> None:
    http = Http()
    found = re.search(r'src="data:image/webp;base64,([^"]+)"', http.open(telling.book).html)
    assert found
    photo = b64decode(found.group(1))
    address = f"{telling.laptop.public_url}/photos/quay/{hashlib.sha256(photo).hexdigest()[:24]}"
    answer = http.open(address)
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert found.group(1) in answer.html


@pytest.mark.parametrize(("zone", "differs"), [("America/Los_Angeles", False), ("America/New_York", True)])
def test_the_readers_own_time_is_told_where_it_differs(
    browser: Browser, telling: Telling, zone: str, differs: bool
) -> None:
    context = browser.new_context(timezone_id=zone, locale="en-US")
    page = context.new_page()
    ask(page, telling, "Yara" if differs else "Zelda")
    told = page.get_by_text("In your time zone:")
    expect(told).to_be_visible(visible=differs)
    expect(page.locator(".moment")).to_contain_text(re.compile(r"\(P[SD]T\)"))
    context.close()


def test_fetching_links_with_head_changes_nothing(phone: BrowserContext, telling: Telling) -> None:
    page = phone.new_page()
    address = ask(page, telling, "Thea").partition("?")[0]
    http = Http()
    for path, status in (("", 200), ("/cancel", 200), ("/appointment.ics", 404)):  # no file before it is confirmed
        head = http.api("HEAD", address + path)
        assert (head.status, head.body) == (status, b""), path
        assert http.api("GET", address + path, headers={"Sec-Purpose": "prefetch"}).status == status, path
    page.goto(address)
    expect(page.locator("h1")).to_contain_text("Request sent")


# --- On another site --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wary(browser: Browser) -> Iterator[Browser]:
    """A browser that gives no cookies to frames of other sites."""
    wary = launched(browser.browser_type, "--test-third-party-cookie-phaseout")
    yield wary
    wary.close()


@pytest.fixture
def visitor(wary: Browser) -> Iterator[BrowserContext]:
    context = wary.new_context(viewport={"width": 390, "height": 844}, locale="en-US", reduced_motion="reduce")
    context.set_default_timeout(MILLISECONDS)
    yield context
    context.close()


def site(context: BrowserContext, telling: Telling, settings: str, host: str = "clinic") -> Page:
    """The practice's own page, with the one tag on it."""
    script = f'<script src="{telling.laptop.public_url}/embed.js" data-practice="quay" {settings}></script>'
    telling.site.html = (
        f'<!doctype html><html lang="en"><title>Quay</title><main><h1>Quay Clinic</h1>{script}</main></html>'
    )
    page = context.new_page()
    page.goto(f"http://{host}.localhost:{telling.site.port}/")
    return page


def ask_in(frame: FrameLocator, name: str) -> None:
    frame.get_by_role("link", name=re.compile("^New patient")).click()
    frame.locator(".months a.step").last.click()
    frame.locator(".month .free").last.click()
    frame.locator("ul.times a").first.click()
    frame.locator("input[name=for_whom][value=me]").check()
    frame.get_by_role("button", name="Continue").click()
    frame.locator("#first_name").fill(name)
    for field, typed in (("last_name", "Weiss"), ("birth_day", "3"), ("birth_month", "12"), ("birth_year", "1984"),
                         ("mobile", mobile_of(name)), ("email", f"{name.lower()}@patients.quay.example")):  # fmt: skip
        frame.locator(f"#{field}").fill(typed)
    frame.get_by_role("button", name="Continue").click()
    sent = frame.get_by_role("heading", name="Request sent")
    again = frame.get_by_text("Nothing is sent yet")
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        frame.locator("#contact_consent").check()
        frame.get_by_role("button", name="Send request").click()
        sent.or_(again).first.wait_for()
        if sent.count():
            return
    raise AssertionError("it is not sent")


def test_a_practices_own_site_shows_it_in_a_dialog(visitor: BrowserContext, telling: Telling, eyes: Eyes) -> None:
    page = site(visitor, telling, 'data-colour="#7a1f5c"')
    button = page.get_by_role("button", name="Book an appointment")
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Book an appointment")
    expect(dialog).to_be_visible()
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name=re.compile("Dr. Amara Osei")).click()
    ask_in(frame, "Elke")
    assert (
        page.frames[1].evaluate("getComputedStyle(document.documentElement).getPropertyValue('--accent')") == "#7a1f5c"
    )
    link = frame.get_by_role("link", name="Open my request")
    assert "/my-request/quay/" in str(link.get_attribute("href"))
    page.frames[1].evaluate(AXE.read_text("utf-8"))
    assert not page.frames[1].evaluate("axe.run()")["violations"]
    eyes.look(page, "e-dialog")
    assert not visitor.cookies()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert page.evaluate("document.activeElement.shadowRoot.activeElement.className") == "open"


def test_a_practices_own_site_shows_it_inline_as_high_as_it_is(
    visitor: BrowserContext, telling: Telling, eyes: Eyes
) -> None:
    page = site(visitor, telling, 'data-mode="inline" data-provider="osei" data-language="es"')
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name=re.compile("^Paciente nuevo")).click()
    frame.locator(".month").wait_for()
    page.wait_for_function(
        "() => { const one = document.querySelector('main > div').shadowRoot.querySelector('iframe');"
        " return one.getBoundingClientRect().height > 700; }"
    )
    inside = page.frames[1]
    inside.wait_for_function("() => document.documentElement.scrollHeight <= innerHeight + 1")
    eyes.look(page, "e-inline")


def test_other_sites_cannot_frame_it_and_get_a_link(visitor: BrowserContext, telling: Telling) -> None:
    visitor.clock.install()
    page = site(visitor, telling, 'data-mode="inline"', "elsewhere")
    link = page.get_by_role("link", name="Open in a new window")
    assert not link.is_visible()
    visitor.clock.fast_forward(7_000)
    expect(link).to_be_visible()
    assert str(link.get_attribute("href")).startswith(telling.book)
    assert not page.frame_locator("iframe").get_by_text("Who would you like to see?").count()


@pytest.mark.parametrize(
    "path", ["/book/nowhere", "/my-request/quay/nothing", "/book/quay/times?provider=nobody&visit_type=x"]
)
def test_what_is_not_there_has_a_page(phone: BrowserContext, telling: Telling, eyes: Eyes, path: str) -> None:
    page = phone.new_page()
    answer = page.goto(f"{telling.laptop.public_url}{path}")
    assert answer
    assert answer.status == 404
    eyes.look(page, "f-not-there")


@pytest.mark.parametrize("place", ["book", "embed"])
@pytest.mark.parametrize("step", ["check", "requests"])
def test_an_address_that_only_forms_lead_to_begins_anew(telling: Telling, place: str, step: str) -> None:
    page = Http().open(f"{telling.laptop.public_url}/{place}/quay/{step}?lang=es")
    assert (page.status, page.path) == (200, f"/{place}/quay")


def test_pages_let_in_nothing_but_our_own(telling: Telling) -> None:
    page = Http().open(telling.book)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "private, no-cache"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "strict-transport-security" in page.headers
