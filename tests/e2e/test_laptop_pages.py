"""The mailbox and the sandbox in Chromium, as whoever tries the product out uses them."""

import smtplib
from collections.abc import Iterator
from datetime import date, timedelta
from email.message import EmailMessage

import pytest
from playwright.sync_api import Browser, Page, expect

from local.demo.browser import Browser as Http
from local.mailbox import Mailbox
from local.processes import free_port
from local.sandbox import Sandbox
from tests.builders import ZONE

from .browser import Eyes


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="en-US")
    yield context.new_page()
    context.close()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(zone=ZONE) as sandbox:
        sandbox.add_practitioner("osei", "Amara Osei")
        yield sandbox


def statuses(sandbox: Sandbox) -> list[str]:
    return [one["status"] for one in sandbox.records.all("Appointment")]


def test_an_appointment_is_entered_and_led_through_its_life(page: Page, sandbox: Sandbox) -> None:
    day = date.today() + timedelta(days=2)
    page.goto(sandbox.url)
    Eyes().look(page, "sandbox, empty")
    typed = {"day": str(day), "time": "09:30", "first_name": "Maria", "last_name": "Núñez", "birth_date": "1984-03-12"}
    for name, value in typed.items():
        page.locator(f"input[name={name}]").first.fill(value)
    page.get_by_role("button", name="Enter").click()
    expect(page.locator("table")).to_contain_text("Maria Núñez")
    Eyes().look(page, "sandbox")
    for button, status in (
        ("Check in", "arrived"),
        ("Complete", "fulfilled"),
        ("No-show", "noshow"),
        ("Cancel", "cancelled"),
        ("Book again", "booked"),
    ):
        page.get_by_role("button", name=f"{button}: Maria Núñez, 09:30").click()
        expect(page.locator("tbody td:nth-child(5)")).to_have_text(status)
        assert statuses(sandbox) == [status]
    page.get_by_text("Move", exact=True).first.click()
    page.locator("details input[name=time]").fill("11:00")
    page.locator("details button").click()
    expect(page.locator("tbody td:nth-child(2)")).to_have_text("11:00")
    (moved,) = sandbox.records.all("Appointment")
    assert moved["start"].startswith(f"{day}T")
    page.get_by_role("button", name="Delete: Maria Núñez, 11:00").click()
    expect(page.get_by_text("Maria Núñez")).to_have_count(0)
    assert statuses(sandbox) == []


def test_what_cannot_be_entered_says_so_and_keeps_what_was_typed(page: Page, sandbox: Sandbox) -> None:
    page.goto(sandbox.url)
    page.locator("form").first.evaluate("form => form.noValidate = true")
    page.locator("input[name=last_name]").fill("Núñez")
    page.get_by_role("button", name="Enter").click()
    expect(page.locator("[role=alert]")).to_contain_text("Fill in provider, day, time and minutes.")
    expect(page.locator("input[name=last_name]")).to_have_value("Núñez")
    assert statuses(sandbox) == []


def test_a_message_is_shown_as_a_person_sees_it(page: Page) -> None:
    mime = EmailMessage()
    mime["Subject"], mime["From"], mime["To"] = "Your visit", "Harbor <front@harbor.example>", "maria@example.org"
    mime.set_content("Look it up: http://app.localhost/my-request/harbor/x")
    mime.add_alternative(
        '<html><head></head><body><a href="http://127.0.0.1:1/x">Look it up</a></body></html>', subtype="html"
    )
    mime.add_attachment(b"BEGIN:VCALENDAR", maintype="text", subtype="calendar", filename="visit.ics")
    with Mailbox(http_port=free_port()) as mailbox:
        with smtplib.SMTP("127.0.0.1", mailbox.smtp_port) as smtp:
            smtp.send_message(mime)
        page.goto(mailbox.url)
        Eyes().look(page, "mailbox")
        page.get_by_role("link", name="Your visit").click()
        expect(page.get_by_role("link", name="http://app.localhost/my-request/harbor/x")).to_have_count(1)
        inside = page.frame_locator("iframe").get_by_role("link", name="Look it up")
        assert inside.get_attribute("href") == "http://127.0.0.1:1/x"
        with page.expect_download() as download:
            page.get_by_role("link", name="visit.ics").click()
        assert download.value.path().read_bytes() == b"BEGIN:VCALENDAR"
        page.goto(mailbox.url)
        page.get_by_role("button", name="Empty the mailbox").click()
        expect(page.locator("main")).to_contain_text("No message yet")


def test_pages_of_this_machine_answer_to_its_own_names_only(sandbox: Sandbox) -> None:
    """A page elsewhere whose name is made to lead here (DNS rebinding) reads nothing."""
    http = Http()
    assert http.open(sandbox.url).status == 200
    assert http._send("GET", sandbox.url, b"", {"Host": "elsewhere.example"}).status == 403
