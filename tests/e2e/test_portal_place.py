"""Nobody loses their place, nor what they typed: what refreshes itself, what cannot be saved, and the way back."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from oneway.domain.errors import StoreUnavailable
from oneway.domain.requests import Request
from playwright.sync_api import Browser, Page, expect

from tests.builders import START, a_record
from tests.desk import LATER, NADIA
from tests.portal import PortalDesk, opened, served

from .browser import Eyes

NAMES = ("Ada", "Bo", "Cleo", "Dana", "Eli", "Fay", "Gus", "Hana", "Ian", "Jo")


@dataclass
class Scene:
    """A desk with eleven requests: Maria's, and one of each name."""

    desk: PortalDesk
    url: str
    requests: list[Request]

    @property
    def harbor(self) -> str:
        return f"{self.url}/portal/harbor"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("place") / "portal"


@pytest.fixture
def scene(built: Path) -> Iterator[Scene]:
    desk = PortalDesk()
    with opened(desk, built), served(desk) as url:
        first = desk.ask()
        starts = [LATER + timedelta(days=n // 5, minutes=30 * (n % 5)) for n in range(len(NAMES))]
        others = [
            desk.ask(n, start=start, first_name=name, mobile=f"(415) 555-01{n:02d}", email=f"{name}@example.org")
            for n, (start, name) in enumerate(zip(starts, NAMES, strict=True), 1)
        ]
        yield Scene(desk, url, [first, *others])


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 420}, locale="en-US")
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def link(page: Page, name: str) -> str:
    return f"#rows a:has-text('{name} ')"


def top(page: Page, name: str) -> float:
    box = page.locator(link(page, name)).bounding_box()
    assert box
    return box["y"]


def test_where_the_row_in_hand_leaves_the_next_one_takes_its_place(scene: Scene, page: Page) -> None:
    page.clock.install()
    page.goto(f"{scene.harbor}/appointments")
    page.locator(link(page, "Eli")).focus()
    page.evaluate("window.scrollTo(0, 100)")
    before = top(page, "Eli")
    for request in (scene.requests[0], scene.requests[5]):
        scene.desk.cancel_by_staff("harbor", NADIA, request.id, "other", "")

    page.clock.run_for(31_000)

    expect(page.locator(link(page, "Maria"))).to_have_count(0)
    expect(page.locator(link(page, "Fay"))).to_be_focused()
    assert abs(top(page, "Fay") - before) < 3, "and stands where the other one stood"


@pytest.mark.parametrize("tab", ["appointments", "upcoming"])
def test_what_is_counted_is_counted_anew(scene: Scene, page: Page, tab: str) -> None:
    page.clock.install()
    page.goto(f"{scene.harbor}/{tab}")
    expect(page.locator("h1 .count")).to_have_text("11")
    page.locator("#tab-action_required").focus()

    scene.desk.ask(11, start=LATER + timedelta(days=2), first_name="Kit", email="kit@example.org")
    page.clock.run_for(31_000)

    expect(page.locator("h1 .count")).to_have_text("12")
    expect(page.locator("#tab-action_required .count")).to_have_text("12")
    expect(page).to_have_title(re.compile(r"\(12\)"))
    expect(page.locator("#tab-action_required")).to_be_focused()


def test_a_list_that_scrolls_sideways_stays_where_it_was(scene: Scene, page: Page) -> None:
    page.clock.install()
    page.set_viewport_size({"width": 680, "height": 600})
    page.goto(f"{scene.harbor}/appointments")
    page.evaluate("document.getElementById('list').parentElement.style.width = '400px'")
    page.locator("#rows").focus()
    moved = page.evaluate("document.getElementById('rows').scrollLeft = 60, document.getElementById('rows').scrollLeft")
    assert moved > 0
    scene.desk.cancel_by_staff("harbor", NADIA, scene.requests[0].id, "other", "")

    page.clock.run_for(31_000)

    expect(page.locator(link(page, "Maria"))).to_have_count(0)
    assert page.evaluate("document.getElementById('rows').scrollLeft") == moved
    expect(page.locator("#rows")).to_be_focused()


def test_the_choice_of_a_language_leads_to_the_page_that_stands(scene: Scene, page: Page) -> None:
    page.goto(f"{scene.harbor}/appointments")
    page.locator(".filters summary").click()
    page.locator("#filter-provider").select_option("osei")
    page.locator(".filters button").click()
    page.wait_for_url("**provider=osei**")

    page.locator("#me summary").click()
    page.get_by_role("button", name="Español").click()

    expect(page.locator("html")).to_have_attribute("lang", "es")
    assert "provider=osei" in page.url


def test_what_is_typed_outlives_the_session(scene: Scene, page: Page) -> None:
    desk, note = scene.desk, scene.requests[0]
    page.goto(f"{scene.harbor}/appointments/{note.id}")
    field = page.get_by_label("Note for your team")
    field.fill("Called, no answer.")
    old = desk.sessions.pop(NADIA)
    desk.store.sessions.delete(old.id)
    desk.sessions[NADIA] = old  # the browser goes on to show the cookie of the session that ended

    page.locator("#note-keep").click()

    expect(page.locator("#live")).to_contain_text("what you typed stays here")
    expect(field).to_have_value("Called, no answer.")
    link = page.locator("#live").get_by_role("link", name="Sign in (opens a new tab)")
    expect(link).to_have_attribute("target", "_blank")
    assert f"appointments%2F{note.id}" in (link.get_attribute("href") or "")
    desk.sessions[NADIA] = replace(old, id="session-anew", csrf="token-anew")
    desk.store.sessions.save(desk.sessions[NADIA])
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(page.locator("#live")).to_have_text("You are signed in again. Now send it once more.")

    page.locator("#note-keep").click()

    expect(page.locator("#live")).to_have_text("Your note is kept.")
    assert [one.text for one in desk.store.requests.file("harbor", note.id).notes] == ["Called, no answer."]


def test_without_scripts_what_was_typed_comes_back_to_be_sent_again(scene: Scene, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en-US")
    context.set_default_timeout(60_000)
    page, desk, note = context.new_page(), scene.desk, scene.requests[0]
    page.goto(f"{scene.harbor}/appointments/{note.id}")
    page.get_by_label("Note for your team").fill("Called,\nno answer.")
    old = desk.sessions[NADIA]
    desk.store.sessions.delete(old.id)

    page.locator("#note-keep").click()

    expect(page.get_by_label("What you typed")).to_have_value("Called,\nno answer.")
    expect(page.get_by_role("link", name="Sign in (opens a new tab)")).to_have_attribute("target", "_blank")
    desk.sessions[NADIA] = replace(old, id="session-anew", csrf="token-anew")
    desk.store.sessions.save(desk.sessions[NADIA])
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("heading", name="You have signed in anew.")).to_be_visible()
    page.get_by_role("button", name=f"Send again as {NADIA}").click()

    expect(page.get_by_text("Called, no answer.")).to_be_visible()
    assert [one.text for one in desk.store.requests.file("harbor", note.id).notes] == ["Called,\nno answer."]
    context.close()


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_form_that_comes_back_stands_up_to_eyes(scene: Scene, page: Page, eyes: Eyes, language: str) -> None:
    desk, note = scene.desk, scene.requests[0]
    page.goto(f"{scene.harbor}/appointments/{note.id}?lang={language}")
    page.locator("#note-text").fill("Called, no answer.")
    ended = desk.sessions[NADIA]
    desk.store.sessions.delete(ended.id)
    send = f"one => {{ one.setAttribute('action', one.getAttribute('action') + '?lang={language}'); one.submit(); }}"

    page.locator("form[action$='/notes']").evaluate(send)  # as it is sent without scripts

    page.locator("#sign-in-again").wait_for()
    expect(page.locator("html")).to_have_attribute("lang", language)
    eyes.look(page, f"kept-form-{language}")
    desk.sessions[NADIA] = replace(ended, id="session-anew", csrf="token-anew")
    desk.store.sessions.save(desk.sessions[NADIA])
    page.locator("form[action$='/notes']").evaluate(send)
    page.locator(f"main button:has-text('{NADIA}')").wait_for()
    eyes.look(page, f"kept-form-again-{language}")


def test_what_cannot_be_saved_at_the_moment_stays_as_it_was_typed(scene: Scene, page: Page) -> None:
    def down() -> None:
        scene.desk.store.before_commit = down
        raise StoreUnavailable("down")

    page.goto(f"{scene.harbor}/settings/booking")
    field = page.locator("form.settings input:visible").first
    field.fill("77")
    scene.desk.store.before_commit = down

    page.get_by_role("button", name="Save").click()

    expect(page.locator("#live")).to_contain_text("Not available at the moment")
    expect(field).to_have_value("77")
    expect(page.get_by_role("button", name="Save")).to_be_focused()
    scene.desk.store.before_commit = None
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#live")).to_contain_text("Saved")


def test_hours_of_a_week_that_ended_meanwhile_stay_as_they_were_typed(scene: Scene, page: Page) -> None:
    page.goto(f"{scene.harbor}/calendar?provider=osei&edit=week")
    field = page.locator("#d0s0")
    field.fill("08:15")
    scene.desk.clock.advance(days=7)

    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.locator("#live")).to_contain_text("its week is over")
    expect(field).to_have_value("08:15")


def test_the_way_back_from_a_visit_leads_to_what_was_found(scene: Scene, page: Page) -> None:
    page.goto(f"{scene.harbor}/appointments")
    page.locator("#search").fill("cleo")
    page.locator("#search").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("1 visit found")
    page.locator(link(page, "Cleo")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Pending request")
    page.get_by_role("button", name="I'm on it").click()
    expect(page.get_by_role("button", name="I'm on it")).to_have_count(0)
    page.get_by_label("Note for your team").fill("Called at noon.")
    page.get_by_role("button", name="Keep note").click()
    expect(page.get_by_text("Called at noon.")).to_be_visible()

    page.go_back()

    expect(page.get_by_role("heading", level=1)).to_have_text("1 visit found")
    expect(page.locator("#search")).to_have_value("cleo")
    assert "cleo" not in page.url
    assert (
        "cleo" not in page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}, history.state])").lower()
    )


def test_the_way_back_to_a_list_leads_to_its_row_without_a_reload(scene: Scene, page: Page) -> None:
    page.goto(f"{scene.harbor}/appointments")
    page.evaluate("window.unloaded = false")
    page.locator(link(page, "Hana")).focus()
    page.evaluate("window.scrollTo(0, 200)")
    page.locator(link(page, "Hana")).press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Hana")
    scene.desk.cancel_by_staff("harbor", NADIA, scene.requests[1].id, "other", "")

    page.go_back()

    expect(page.locator(link(page, "Hana"))).to_be_focused()
    expect(page.locator("#rows a")).to_have_count(10)
    assert page.evaluate("window.scrollY") > 100
    assert page.evaluate("window.unloaded") is False, "and the list is read anew all the same"
    page.go_forward()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Hana")


def test_what_was_dismissed_and_set_aside_stands_up_to_eyes(scene: Scene, page: Page, eyes: Eyes) -> None:
    scene.desk.enter(patient=a_record(birth_date=a_record().birth_date.replace(month=12, day=3)), start=START)
    scene.desk.enter("appt-77", start=LATER, end=LATER - timedelta(minutes=5), patient=a_record(source_id="pat-7"))
    scene.desk.minutes()
    scene.desk.dismiss(scene.requests[0])

    page.goto(f"{scene.harbor}/appointments/{scene.requests[0].id}")
    page.get_by_text("Not the same person: 1 visit").click()
    eyes.look(page, "place-dismissed")
    page.get_by_role("button", name="Undo: it may be the same person").click()
    expect(page.locator("#live")).to_contain_text("It is a possible match again.")
    page.get_by_role("button", name="Not the same person").wait_for()

    page.goto(f"{scene.harbor}/integration")
    page.get_by_text("1 row set aside").click()
    expect(page.locator(".aside")).to_contain_text("appt-77")
    eyes.look(page, "place-aside")


def test_rows_set_aside_stay_open_while_a_sync_is_followed_and_are_anew_at_its_end(scene: Scene, page: Page) -> None:
    scene.desk.enter("appt-77", start=LATER, end=LATER - timedelta(minutes=5), patient=a_record(source_id="pat-7"))
    scene.desk.minutes()
    page.goto(f"{scene.harbor}/integration")
    page.get_by_role("button", name="Sync now").click()
    expect(page.locator(".progress li")).to_have_count(2)
    page.get_by_text("1 row set aside").click()
    scene.desk.enter("appt-78", start=LATER, end=LATER - timedelta(minutes=5), patient=a_record(source_id="pat-8"))

    scene.desk.pull_asked("harbor", "ehr~osei", now_asked=True)
    expect(page.locator(".progress li.done")).to_have_count(1)
    expect(page.get_by_text("number appt-77")).to_be_visible()
    assert [look[2] for look in scene.desk.store.looks] == ["show_set_aside"] * 2, "the page, and once it was asked for"

    scene.desk.pull_asked("harbor", "ehr~brandt", now_asked=True)
    expect(page.locator("#progress")).to_contain_text("Sync finished")
    expect(page.get_by_text("number appt-78")).to_be_visible()
    assert len(scene.desk.store.looks) == 3


def test_an_empty_time_can_be_asked_about_where_all_providers_are_shown(scene: Scene, page: Page, eyes: Eyes) -> None:
    page.goto(f"{scene.harbor}/calendar")
    page.select_option("#why-provider", "brandt")
    page.fill("#why-time", "07:00")
    page.locator("#why-form button").click()

    expect(page.locator("#why-answer")).to_contain_text("Brandt")
    eyes.look(page, "place-calendar-of-all")


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_narrow_page_keeps_its_parts_apart_and_its_words_whole(scene: Scene, page: Page, language: str) -> None:
    scene.desk.enter(patient=a_record(birth_date=a_record().birth_date.replace(month=12, day=3)), start=START)
    scene.desk.minutes()
    page.set_viewport_size({"width": 320, "height": 900})
    page.goto(f"{scene.harbor}/appointments/{scene.requests[0].id}?lang={language}")

    apart = page.evaluate(
        "document.getElementById('claim').getBoundingClientRect().top"
        " - document.querySelector('.title').getBoundingClientRect().bottom"
    )
    assert apart >= 8
    longest = page.evaluate(
        """() => [...document.querySelectorAll('.verdict')].flatMap((one) => {
          const range = document.createRange(), found = [], text = one.firstChild;
          for (const word of text.data.matchAll(/\\S+/g)) {
            range.setStart(text, word.index); range.setEnd(text, word.index + word[0].length);
            if (range.getClientRects().length > 1) found.push(word[0]);
          }
          return found;
        })"""
    )
    assert longest == [], "no word is torn in two"
