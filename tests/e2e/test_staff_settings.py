"""Integration and Settings on the deployed template: through the real queue, the table and the mail, at a practice of its own.

Its providers are strangers to the other practices that read the sandbox. Every page and dialog at all widths: test_settings.py.
"""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from local.demo.browser import Browser as Http
from local.laptop import PRACTITIONERS
from local.processes import wait_for

from .browser import PATIENCE, appears, at_rest
from .conftest import Telling, practice_text
from .staff import ask, becomes, enter, shows, signed_in
from .test_api import ZONE, a_request, free_times, submit

pytestmark = pytest.mark.xdist_group("laptop")
KEPT_SECONDS = 31
"""So long a function may go by what it has read of a practice."""
VISITORS = "visitors.dock.example"


@pytest.fixture(scope="module")
def dock(telling: Telling) -> Telling:
    """A practice that nothing else happens at."""
    dock = replace(telling, slug="dock", suffix="-dock")
    sandbox = dock.laptop.sandbox
    for provider, name in PRACTITIONERS.items():
        sandbox.add_practitioner(dock.practitioner(provider), name)
    ids = {provider: dock.practitioner(provider) for provider in PRACTITIONERS}
    dock.laptop.apply_text(practice_text("dock", sandbox.fhir_url, ids))
    dock.laptop.oneway("sync", "dock")
    return dock


@pytest.fixture(scope="module")
def page(browser: Browser, dock: Telling) -> Iterator[Page]:
    """A browser in which staff signed in."""
    with signed_in(browser, f"{dock.portal}/integration") as page:
        yield page


# --- Integration ------------------------------------------------------------------------------------------------------


def sync_now(page: Page, dock: Telling, ends: str) -> None:
    """Press *Sync now* and follow it to its end, on a page that nobody reloads."""
    page.goto(f"{dock.portal}/integration")
    page.get_by_role("button", name="Sync now").press("Enter")
    page.wait_for_url("**/integration?asked=*")
    progress = page.locator(".progress")
    expect(progress.locator("li")).to_have_count(len(PRACTITIONERS))
    expect(progress.get_by_role("heading")).to_have_text(re.compile(ends), timeout=PATIENCE * 1000)
    expect(page.locator("#live")).to_have_text(re.compile(ends))
    expect(page.locator("[data-poll]")).to_have_count(0)


def enter_six(dock: Telling, provider: str, name: str) -> Sequence[str]:
    """Visits of six people, a day each: their ids."""
    noon = datetime.now(UTC).replace(hour=20, minute=0, second=0, microsecond=0)
    enter = dock.laptop.sandbox.enter
    return [
        enter(
            dock.practitioner(provider), noon + timedelta(days=day), 30, first_name=f"{name}{'abcdef'[day - 2]}",
            last_name="Vanish", birth_date="1970-01-01", email=f"{name.lower()}{day}@{VISITORS}",
        )["id"]
        for day in range(2, 8)
    ]  # fmt: skip


def test_schedules_are_read_now_and_what_is_wrong_with_them_is_answered(page: Page, dock: Telling) -> None:
    page.goto(f"{dock.portal}/integration")
    osei = page.locator("tbody tr", has_text="Dr. Amara Osei")
    expect(osei).to_contain_text("Read well")
    expect(osei).to_contain_text("Up to date")
    expect(osei).to_contain_text(re.compile("In (a moment|1 minute)"))
    expect(page.locator("main")).to_contain_text("Read every minute.")

    visits = {one: enter_six(dock, one, name) for one, name in (("osei", "Kim"), ("brandt", "Lou"))}
    records = dock.laptop.sandbox.records
    bad = records.get("Appointment", dock.laptop.sandbox.enter(dock.practitioner("ruiz"), later(3), 30)["id"])
    assert bad
    records.put({name: value for name, value in bad.items() if name not in ("end", "minutesDuration")})
    sync_now(page, dock, r"Sync finished: \d+ visits? new or changed\.")
    chart = page.get_by_role("img", name=re.compile(r"In the last 24 hours 1[2-9] visits were new or changed"))
    expect(chart.locator("rect").first).to_be_visible()
    page.get_by_text("The numbers").click()
    expect(page.locator("details table").first).to_contain_text(re.compile(r"1[2-9]"))
    page.get_by_text("1 row set aside").click()
    expect(page.locator("details.aside")).to_contain_text("has neither end nor duration")
    expect(page.locator("tbody tr", has_text="Tomás Ruiz")).to_contain_text("Read well")

    for provider, name, answer in (("osei", "Dr. Amara Osei", "Keep"), ("brandt", "Dr. Lena Brandt", "Accept")):
        for one in visits[provider]:
            records.delete("Appointment", one)
        sync_now(page, dock, "Sync finished")
        expect(page.locator(".progress li", has_text=name)).to_contain_text("Read, and held: please answer below")
        held = page.locator(".notice", has_text=f"Much of {name}'s schedule is gone at once.")
        expect(held).to_contain_text("6 of 6 visits to come")
        expect(page.locator("tbody tr", has_text=name)).to_contain_text("Waits for your answer")
        held.get_by_role("button", name=answer).press("Enter")
        expect(page.locator("#live")).to_have_text(re.compile("Noted: they (stay|are gone)"))
        expect(held).to_have_count(0)
        sync_now(page, dock, r"Sync finished: \d+ visits? new or changed\.")
        expect(page.locator("tbody tr", has_text=name)).to_contain_text("Read well")

    page.goto(f"{dock.portal}/upcoming?provider=osei")
    expect(page.locator("tr", has_text="Vanish").filter(has_text="Confirmed")).to_have_count(6)
    page.locator("tr", has_text="Kima").get_by_role("link").click()
    page.wait_for_url("**/visits/**")
    expect(page.get_by_text("No longer in your schedule")).to_have_count(0)
    for _ in range(2):
        sync_now(page, dock, "Sync finished")
    page.goto(f"{dock.portal}/upcoming?provider=brandt")
    page.locator("tr", has_text="Loua").get_by_role("link").click()
    page.wait_for_url("**/visits/**")
    appears(page, page.locator("h1 .state.cancelled, .notice:has-text('No longer in your schedule')"))
    assert not [one for one in dock.laptop.mailbox.messages if any(VISITORS in to for to in one.to)]


def later(days: int) -> datetime:
    return datetime.now(UTC).replace(hour=21, minute=0, second=0, microsecond=0) + timedelta(days=days)


# --- Settings ---------------------------------------------------------------------------------------------------------


def opens(page: Page, dock: Telling, path: str) -> None:
    page.goto(f"{dock.portal}/settings/{path}")
    expect(page.locator("#save")).to_be_visible()


def saves(page: Page) -> None:
    at_rest(page)
    page.locator("#save").click()
    expect(page.locator("#live")).to_have_text(re.compile("Saved"))


@pytest.fixture(scope="module")
def changed(page: Page, dock: Telling) -> float:
    """Every setting of daily life is changed; when that was."""
    opens(page, dock, "messages")
    page.locator("#recipients").fill("frontdesk@dock.example\nsecond@dock.example")
    page.locator("#messages-cancelled").uncheck()
    saves(page)
    opens(page, dock, "booking")
    for name, value in (("minimum_notice_minutes", 2880), ("horizon_days", 40), ("limits-pending_per_person", 2)):
        page.locator(f"#{name}").fill(str(value))
    saves(page)
    opens(page, dock, "providers/osei")
    page.locator("#providers-osei-split").fill("2")
    saves(page)
    opens(page, dock, "providers/brandt")
    for name, text in (("buffer_after_minutes", "60"), ("daily_maximum", "2"), ("recipients", "brandt@dock.example")):
        page.locator(f"#providers-brandt-{name}").fill(text)
    saves(page)
    opens(page, dock, "visit-types/_new")
    page.locator("#visit-name").fill("Vaccination")
    page.locator("#visit-name-es").fill("Vacunación")
    page.locator("#visit-minutes").fill("20")
    page.get_by_label("Dr. Amara Osei").check()
    saves(page)
    opens(page, dock, "branding")
    page.locator("#accent").fill("#7a1f5c")
    saves(page)
    return time.monotonic()


@pytest.fixture
def in_effect(changed: float) -> None:
    """What a function may still go by of before is over."""
    wait_for("settings to be read anew", lambda: time.monotonic() > changed + KEPT_SECONDS, PATIENCE)


def test_each_change_is_on_the_practice_s_timeline(page: Page, dock: Telling, changed: float) -> None:
    page.goto(f"{dock.portal}/settings")
    page.get_by_role("link", name="See who changed what").click()
    timeline = page.locator("ol.timeline")
    for words in (
        "Staff's mail goes to", "Cancellation messaging", "Minimum notice", "Horizon",
        "Requests of one person that may wait", "Dr. Amara Osei: Split booking: visits at one time",
        "Dr. Lena Brandt: Minutes kept free after each visit", "Dr. Lena Brandt: ", "Colour",
    ):  # fmt: skip
        expect(timeline.locator("li", has_text=words).first).to_contain_text("Nadia P.")
    expect(timeline.locator("li", has_text="Horizon").first).to_contain_text(re.compile("from 60 days to 40 days"))


@pytest.mark.usefixtures("in_effect")
def test_notice_horizon_limits_and_a_new_visit_type_are_seen_in_the_booking_tool(page: Page, dock: Telling) -> None:
    now, days = datetime.now(ZONE), free_times(dock, "ruiz")
    assert max(days) <= str((now + timedelta(days=40)).date())
    query = f"visit_type=new-patient&from={now.date()}&to={(now + timedelta(days=6)).date()}"
    soon = Http().api("GET", f"{dock.api}/providers/ruiz/slots?{query}").json()["days"]
    starts = [
        datetime.fromisoformat(f"{day}T{one}").replace(tzinfo=ZONE) for day, times in soon.items() for one in times
    ]
    assert starts
    assert min(starts) >= now + timedelta(hours=48)
    statuses = []
    for number in range(3):
        day, times = list(days.items())[number]
        start = datetime.fromisoformat(f"{day}T{times[0]}").replace(tzinfo=ZONE).isoformat()
        found = submit(dock, a_request(start, provider="ruiz", patient={"email": f"rosa@{VISITORS}"}))
        statuses.append(found.status)
    assert statuses == [201, 201, 409]
    assert found.json()["limit"] == 2
    patient = page.context.new_page()
    for language, name in (("en", "Vaccination"), ("es", "Vacunación")):
        patient.goto(f"{dock.book}/visit?provider=osei&lang={language}")
        expect(patient.get_by_role("link", name=re.compile(f"^{name}"))).to_be_visible()
    accent = "getComputedStyle(document.documentElement).getPropertyValue('--accent')"
    assert patient.evaluate(accent) == "#7a1f5c"
    patient.close()


@pytest.mark.usefixtures("in_effect")
def test_one_of_two_places_is_taken_and_the_time_still_offered(page: Page, dock: Telling) -> None:
    asked = ask(dock, "Ebba", 1)
    here = asked.start.astimezone(ZONE)
    day, clock = str(here.date()), f"{here:%H:%M}"
    assert clock in free_times(dock)[day]
    monday = here.date() - timedelta(days=here.weekday())
    page.goto(f"{dock.portal}/calendar?provider=osei&week={monday}")
    expect(page.locator("#grid .is-requested", has_text="Ebba")).to_contain_text("1 of 2 taken")
    ask_again = a_request(asked.start.isoformat(), patient={"first_name": "Egon", "email": f"egon@{VISITORS}"})
    assert submit(dock, ask_again).status == 201
    assert clock not in free_times(dock)[day]
    page.reload()
    expect(page.locator("#grid .is-requested", has_text="Ebba")).to_contain_text("2 of 2 taken")


@pytest.mark.usefixtures("in_effect")
def test_buffers_and_the_daily_maximum_hold_and_a_provider_s_own_recipients_get_the_mail(dock: Telling) -> None:
    day, times = next((day, times) for day, times in free_times(dock, "brandt").items() if len(times) > 6)
    for number, at in enumerate((times[0], times[-1])):
        start = datetime.fromisoformat(f"{day}T{at}").replace(tzinfo=ZONE).isoformat()
        patient = {
            "first_name": f"Ida{'ab'[number]}",
            "birth_date": f"198{number}-02-03",
            "email": f"ida{number}@{VISITORS}",
        }
        made = submit(dock, a_request(start, provider="brandt", patient=patient))
        assert made.status == 201, made.html
        dock.laptop.mailbox.wait_for(
            lambda one, made=made: "brandt@dock.example" in one.to and made.json()["id"] in one.text, PATIENCE
        )
        left = free_times(dock, "brandt").get(day, [])
        assert times[1] not in left
        assert bool(left) == (number == 0)


@pytest.mark.usefixtures("in_effect")
def test_a_request_is_cancelled_without_cancellation_messaging_and_with_it(page: Page, dock: Telling) -> None:
    silent = ask(dock, "Nils", 2)
    dock.laptop.mailbox.wait_for(lambda one: "second@dock.example" in one.to and silent.id in one.text, PATIENCE)
    page.goto(f"{silent.link}/cancel")
    expect(page.locator("#preview")).to_contain_text("cancellation messaging is off")
    page.locator("input[value=not_available]").check()
    page.locator("button.danger").click()
    shows(page, "Cancelled")

    opens(page, dock, "messages")
    page.locator("#messages-cancelled").check()
    saves(page)
    changed = time.monotonic()
    told = ask(dock, "Nora", 3)
    wait_for("settings to be read anew", lambda: time.monotonic() > changed + KEPT_SECONDS, PATIENCE)
    page.goto(f"{told.link}/cancel")
    page.locator("input[value=not_available]").check()
    expect(page.locator("#preview .letter")).to_contain_text("cancelled")
    page.locator("button.danger").click()
    shows(page, "Cancelled")
    dock.laptop.mailbox.wait_for(
        lambda one: "nora@patients.dock.example" in one.to and "cancelled" in one.subject, PATIENCE
    )
    subjects = [one.subject for one in dock.laptop.mailbox.messages if "nils@patients.dock.example" in one.to]
    assert len(subjects) == 1, "that it was received, and nothing else"


@pytest.mark.usefixtures("in_effect")
def test_confirmations_and_new_times_are_told_only_where_that_is_on(page: Page, dock: Telling) -> None:
    """The other switches wait for hours, or for a start to pass: tests/unit/use_cases/test_clockwork.py."""
    opens(page, dock, "messages")
    page.locator("#messages-confirmed").uncheck()
    page.locator("#messages-rescheduled").uncheck()
    saves(page)
    off = time.monotonic()
    silent, moved = ask(dock, "Olga", 4), ask(dock, "Olof", 5)
    wait_for("settings to be read anew", lambda: time.monotonic() > off + KEPT_SECONDS, PATIENCE)
    page.goto(f"{moved.link}/cancel")
    page.locator("input[value=moved]").check()
    expect(page.locator("#preview")).to_contain_text("messages of a new time are off")
    page.locator("button.danger").click()
    shows(page, "Cancelled")
    for asked, start in ((silent, silent.start), (moved, moved.start + timedelta(minutes=90))):
        enter(dock, asked, start)
        page.goto(asked.link)
        becomes(page, "Confirmed")

    opens(page, dock, "messages")
    page.locator("#messages-confirmed").check()
    page.locator("#messages-rescheduled").check()
    saves(page)
    on = time.monotonic()
    told = ask(dock, "Orla", 6)
    wait_for("settings to be read anew", lambda: time.monotonic() > on + KEPT_SECONDS, PATIENCE)
    enter(dock, told)
    dock.laptop.mailbox.wait_for(
        lambda one: "orla@patients.dock.example" in one.to and "is confirmed" in one.subject, PATIENCE
    )
    for name in ("olga", "olof"):
        subjects = [one.subject for one in dock.laptop.mailbox.messages if f"{name}@patients.dock.example" in one.to]
        assert len(subjects) == 1, "that it was received, and nothing else"


# --- Calendar ---------------------------------------------------------------------------------------------------------


def test_a_week_is_applied_to_the_remaining_ones_left_and_returned_to(page: Page, dock: Telling) -> None:
    """With the function's own rights; far ahead, where no other test looks."""
    monday = datetime.now(ZONE).date() + timedelta(weeks=20)
    monday -= timedelta(days=monday.weekday())
    address = f"{dock.portal}/calendar?provider=ruiz&week="
    page.goto(f"{address}{monday + timedelta(weeks=2)}")
    page.get_by_role("link", name="Edit this week").click()
    expect(page.locator("#hours.scripted")).to_be_visible()
    page.fill("#d0s0", "06:00")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#live")).to_contain_text("Saved")
    page.goto(f"{address}{monday}")
    page.get_by_role("link", name="Load default schedule").click()
    expect(page.locator("#hours.scripted")).to_be_visible()
    page.fill("#d0s0", "05:00")
    page.get_by_role("button", name="Apply to remaining weeks").click()
    expect(page.locator("fieldset.later")).to_have_count(1)
    page.get_by_role("button", name="Apply", exact=True).click()
    expect(page.locator("#live")).to_contain_text("from this week on")
    page.get_by_role("link", name="Appointments").click()
    page.wait_for_url("**/appointments")
    for weeks, starts in ((0, "05:00"), (1, "05:00"), (2, "06:00"), (3, "05:00")):
        shown = dock.laptop.oneway("calendar", "show", "dock", "ruiz", "--week", str(monday + timedelta(weeks=weeks)))
        assert starts in shown, shown
    page.goto(f"{address}{monday}")
    expect(page.locator("#grid .fc-timegrid")).to_be_visible()
