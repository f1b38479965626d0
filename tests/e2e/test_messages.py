"""Every row of the table of messages, on the deployed template: what was sent, to whom, once; and what came back of it.

Time is not waited for: a request is moved back instead, and the clock's function is called.
"""

import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import icalendar
import pytest
from msgspec.structs import replace
from oneway import bootstrap
from oneway.domain.availability import Hours, Opening, monday_of
from oneway.domain.errors import WriteConflict
from oneway.domain.requests import Request, RequestedSlot
from oneway.links import PrivateLinks
from oneway.ports import RequestRepository
from oneway.store.calendar import DynamoCalendarRepository
from oneway.store.feeds import DynamoFeedRepository
from oneway.store.items import bind
from oneway.store.requests import DynamoMessageRepository, DynamoRequestRepository
from playwright.sync_api import Browser, Page, expect

from local.aws import REGION, environment_of
from local.demo.browser import Browser as Http
from local.laptop import STAFF_EMAIL, STAFF_PASSWORD
from local.mailbox import Message
from local.processes import wait_for
from tests.ses_events import an_event

from .browser import Eyes, appears
from .conftest import Telling
from .test_api import HTTP, ZONE, a_request, free_times

pytestmark = pytest.mark.xdist_group("laptop")
STAFF = "frontdesk@quay.example"
SECONDS = 180
_PATIENTS = iter(range(100))


def a_person(letter: str) -> dict[str, str]:
    """Nobody is like another, or a request that should expire would wait for staff to say whether the other is meant."""
    born = date(1940, 1, 31) + timedelta(days=1000 * (ord(letter) - 97))
    return {"first_name": f"Post{letter}", "last_name": letter.upper() + 4 * letter, "birth_date": str(born)}


@dataclass
class Post:
    """What a person's requests bring about, and ways to bring it about."""

    telling: Telling
    requests: RequestRepository
    messages: DynamoMessageRepository
    portal: bootstrap.Portal

    def ask(self, day: int, *, language: str = "en", email: bool = True) -> tuple[str, str, datetime]:
        """A patient asks for the first free time of a day: their address, the request's id, the start."""
        number = next(_PATIENTS)
        address = f"post{number}@patients.quay.example"
        days = list(free_times(self.telling, "brandt").items())
        shown, times = days[day]
        start = datetime.fromisoformat(f"{shown}T{times[0]}").replace(tzinfo=ZONE)
        person = a_person(chr(97 + number))
        patient = {**person, "mobile": f"+1 415 555 02{number:02d}", "email": address if email else ""}
        body = a_request(start.isoformat(), provider="brandt", language=language, patient=patient)
        page = HTTP.api("POST", f"{self.telling.api}/requests", body, {"Idempotency-Key": secrets.token_urlsafe(24)})
        assert page.status == 201, page.html
        link = str(page.json()["link"]).rpartition("/")[2]
        return address, PrivateLinks(lambda: ()).request_id(link), start

    def stored(self, request_id: str) -> Request:
        return self.requests.get("quay", request_id)

    def move_back(self, request_id: str, **changes: Any) -> None:
        """Change a request as if time had passed."""

        def moved() -> bool:
            now = self.stored(request_id)
            return now.unsent_since is None and self.messages.settle(now, replace(now, **changes)) is not None

        wait_for("a request at rest", moved, SECONDS)

    def let_go(self, request_id: str) -> None:
        """What is held until an instant has its time."""

        def gone() -> bool:
            now = self.stored(request_id)
            due = tuple(replace(one, not_before=datetime.now(UTC)) if one.not_before else one for one in now.due)
            old = datetime.now(UTC) - timedelta(minutes=5)
            return self.messages.settle(now, replace(now, due=due, unsent_since=old)) is not None

        wait_for("what is held to be let go", gone, SECONDS)
        self.tick()

    def tick(self) -> None:
        """The clock's function runs, twice: a doubled run changes nothing."""
        client = self.telling.laptop.aws.client("lambda")
        for _ in range(2):
            answer = client.invoke(FunctionName="oneway-run-timers", Payload=b"{}")
            assert "FunctionError" not in answer, answer["Payload"].read()

    def comes_back(self, name: str, request_id: str, message: str, address: str) -> None:
        """SES tells of a message what a file of its events has, through EventBridge."""
        event = an_event(name, request_id, message, practice="quay")
        for named in event["detail"].get("bounce", {}).get("bouncedRecipients", ()):
            named["emailAddress"] = address
        put = {"Source": "local.ses", "DetailType": event["detail-type"], "Detail": json.dumps(event["detail"])}
        answer = self.telling.laptop.aws.client("events").put_events(Entries=[put])
        assert not answer["FailedEntryCount"]

    def enter(self, letter: str, start: datetime, **changes: Any) -> dict[str, Any]:
        """Staff enter the visit of a patient in their system, and it is read."""
        visit = self.telling.laptop.sandbox.enter("brandt", start, 30, **a_person(letter), **changes)
        self.sync()
        return dict(visit)

    def sync(self) -> None:
        self.telling.laptop.oneway("sync", "quay", "brandt")

    def letter(self, to: str, words: str, after: int = 0) -> Message:
        """The first message to somebody with these words in its subject."""

        def wanted(one: Message) -> bool:
            return one.id > after and to in one.to and words in one.subject

        return self.telling.laptop.mailbox.wait_for(wanted, SECONDS, f"{words!r} to {to}")

    def staff_letter(self, request_id: str, words: str) -> Message:
        """The message to staff about a request, with its details link."""

        def wanted(one: Message) -> bool:
            link = f"{self.telling.laptop.public_url}/portal/quay/appointments/{request_id}"
            return STAFF in one.to and words in one.subject and link in one.links

        return self.telling.laptop.mailbox.wait_for(wanted, SECONDS, f"{words!r} to staff")

    def letter_after_pulls(self, request_id: str, to: str, words: str) -> Message:
        """A message that waits for pulls."""

        def arrived() -> Message | None:
            self.sync()
            now = self.stored(request_id)
            if now.unsent_since:  # the clock looks after two minutes
                self.messages.settle(now, replace(now, unsent_since=datetime.now(UTC) - timedelta(minutes=5)))
            self.tick()
            found = self.telling.laptop.mailbox.messages
            return next((one for one in found if to in one.to and words in one.subject), None)

        return wait_for(f"{words!r} to {to}", arrived, 2 * SECONDS)

    def last(self) -> int:
        found = self.telling.laptop.mailbox.messages
        return found[-1].id if found else 0

    def subjects(self, to: str) -> list[str]:
        return [one.subject for one in self.telling.laptop.mailbox.messages if to in one.to]


@pytest.fixture(scope="module")
def post(telling: Telling) -> Iterator[Post]:
    aws = telling.laptop.aws
    table = telling.laptop.outputs["TableName"]
    with environment_of(aws):
        os.environ["TABLE_NAME"] = table
        try:
            portal = bootstrap.portal()
            bind(table, region=REGION, host=aws.endpoint)
            yield Post(telling, DynamoRequestRepository(), DynamoMessageRepository(), portal)
        finally:
            del os.environ["TABLE_NAME"]
            telling.laptop.oneway("calendar", "check", "quay", "--repair")


@contextmanager
def open_around_the_clock(provider: str) -> Iterator[None]:
    """A provider can be booked at any hour of these days, and is then as before."""
    calendars = DynamoCalendarRepository()
    before = calendars.get("quay", provider)
    day: Hours = (Opening(0, 1440),)
    weeks = [monday_of(datetime.now(ZONE).date()) + timedelta(days=7 * number) for number in (-1, 0, 1)]
    open_ = replace(before.availability, overrides=dict.fromkeys(weeks, (day,) * 7), closures=(), paused=False)
    calendars.save("quay", provider, replace(before, availability=open_, version=before.version + 1))
    try:
        yield
    finally:
        calendars.save("quay", provider, replace(before, version=before.version + 2))


def event_of(message: Message) -> icalendar.Event:
    (file,) = [one for one in message.attachments if one.name.endswith(".ics")]
    calendar = icalendar.Calendar.from_ical(file.content)
    (event,) = calendar.walk("VEVENT")
    event["METHOD"] = calendar["METHOD"]
    return event


def test_confirmed_moved_and_cancelled_with_one_calendar_entry(post: Post) -> None:
    address, request_id, start = post.ask(5)
    received = post.letter(address, "not confirmed yet")
    post.staff_letter(request_id, "New appointment request")
    number = post.stored(request_id).patient.first_name.removeprefix("Post")
    mobile = post.stored(request_id).patient.mobile_as_typed
    visit = post.enter(number, start, mobile=mobile)
    first = post.letter(address, "is confirmed")
    assert first.headers["References"] == received.headers["References"]
    told = event_of(first)
    assert (told["METHOD"], told.decoded("DTSTART")) == ("REQUEST", start)

    later = start + timedelta(minutes=30)
    records = post.telling.laptop.sandbox.records
    moved = {
        **visit,
        "start": later.astimezone(UTC).isoformat(),
        "end": (later + timedelta(minutes=30)).astimezone(UTC).isoformat(),
    }
    records.put(moved)
    post.sync()
    wait_for("the move", lambda: any(one.not_before for one in post.stored(request_id).due), SECONDS)
    post.let_go(request_id)
    second = event_of(post.letter(address, "was moved"))
    assert second["UID"] == told["UID"]
    assert second["SEQUENCE"] > told["SEQUENCE"]
    assert second.decoded("DTSTART") == later

    records.put({**moved, "status": "cancelled"})
    third = event_of(post.letter_after_pulls(request_id, address, "was cancelled"))
    assert (third["METHOD"], third["UID"]) == ("CANCEL", told["UID"])
    assert third["SEQUENCE"] > second["SEQUENCE"]
    assert len(post.subjects(address)) == 4


def cancel(link: str) -> None:
    """What a patient does on the page behind the link."""
    pages = Http()
    page = pages.open(f"{link}/cancel")
    pages.submit(page, next(form for form in page.forms if "/cancel" in form.action), {})


def test_a_patient_cancels_and_asks_to_cancel(post: Post) -> None:
    address, request_id, _ = post.ask(6, language="es")
    link = next(one for one in post.letter(address, "recibimos").links if "/my-request/" in one)
    cancel(link)
    post.letter(address, "canceló su solicitud")
    post.staff_letter(request_id, "A patient cancelled")

    address, request_id, start = post.ask(6)
    link = next(one for one in post.letter(address, "not confirmed yet").links if "/my-request/" in one)
    now = post.stored(request_id)
    post.enter(now.patient.first_name.removeprefix("Post"), start, mobile=now.patient.mobile_as_typed)
    post.letter(address, "is confirmed")
    cancel(link)
    post.letter(address, "you asked to cancel")
    post.staff_letter(request_id, "asks to cancel")

    after = post.last()
    post.portal.undo_link("quay", STAFF_EMAIL, request_id)
    correction = post.letter(address, "not confirmed", after)
    assert event_of(correction)["METHOD"] == "CANCEL"


def test_staff_cancel_with_a_note_and_move_a_visit_the_guides_way(post: Post) -> None:
    address, request_id, _ = post.ask(9)
    post.letter(address, "not confirmed yet")
    post.portal.cancel_by_staff("quay", STAFF_EMAIL, request_id, "not_available", "Please choose another day.")
    told = post.letter(address, "was cancelled")
    assert "Please choose another day." in told.text
    assert not told.attachments, "nothing stands in a calendar"

    address, request_id, start = post.ask(9)
    post.letter(address, "not confirmed yet")
    post.portal.cancel_by_staff("quay", STAFF_EMAIL, request_id, "moved", "")
    now, later = post.stored(request_id), start + timedelta(hours=24)
    post.enter(now.patient.first_name.removeprefix("Post"), later, mobile=now.patient.mobile_as_typed)
    moved = post.letter_after_pulls(request_id, address, "was moved")
    assert event_of(moved).decoded("DTSTART") == later
    assert len(post.subjects(address)) == 2, "not cancelled, and then moved: moved"


def test_whoever_gave_no_address_is_called(post: Post, browser: Browser) -> None:
    _, request_id, start = post.ask(9, email=False)
    letter = post.staff_letter(request_id, "New appointment request")
    assert "No e-mail: call" in letter.text
    now = post.stored(request_id)
    post.enter(now.patient.first_name.removeprefix("Post"), start, mobile=now.patient.mobile_as_typed)
    wait_for("the call", lambda: _to_tell(post, request_id) == "confirmed_patient", SECONDS)
    desk = browser.new_context(locale="en-US")
    page: Page = desk.new_page()
    sign_in(page, next(link for link in letter.links if "/appointments/" in link))
    assert "Call patient" in page.inner_text("main")
    desk.close()


def test_what_the_clock_brings(post: Post) -> None:
    address, request_id, _ = post.ask(7)
    post.letter(address, "not confirmed yet")
    now = datetime.now(UTC)
    asked = now - timedelta(days=8)
    post.move_back(request_id, created_at=asked)
    with open_around_the_clock("osei"):  # so late, staff are reminded while the practice works, whenever this test runs
        wait_for("staff to be reminded", lambda: _looked_at(post, request_id).nudged_at, SECONDS)
        post.staff_letter(request_id, "Still waiting for an answer")

    soon = now + timedelta(hours=20)
    post.move_back(
        request_id, slot=RequestedSlot(soon, soon + timedelta(minutes=30)), look_at=now - timedelta(minutes=1)
    )
    post.tick()
    post.letter(address, "is NOT confirmed")

    with open_around_the_clock("osei"):  # a digest comes when it opens
        post.move_back(request_id, nudged_at=now - timedelta(days=4))
        words = "1 request waits for an answer"
        waits = partial(_looked_at, post, request_id)
        wait_for("a digest", lambda: waits() and [one for one in post.subjects(STAFF) if words in one], SECONDS)
        digest = post.letter(STAFF, words)
    assert any(one.endswith(request_id) for one in digest.links)

    past = now - timedelta(minutes=1)
    post.move_back(request_id, slot=RequestedSlot(past, now), look_at=past)
    post.tick()
    wait_for("a good pull after its start", lambda: _synced(post, request_id), SECONDS)
    post.letter(address, "was not answered")
    counts = post.subjects(address)
    assert len(counts) == len(set(counts)) == 3


def _looked_at(post: Post, request_id: str) -> Request:
    """A request after the clock looked at it; what the clock's function read of the practice may be half a minute old."""
    post.move_back(request_id, look_at=datetime.now(UTC) - timedelta(minutes=1))
    post.tick()
    return post.stored(request_id)


def _synced(post: Post, request_id: str) -> bool:
    post.sync()
    post.tick()
    return post.stored(request_id).state == "expired"


def test_what_comes_back_of_mail(post: Post, browser: Browser, eyes: Eyes) -> None:
    address, request_id, start = post.ask(8)
    post.letter(address, "not confirmed yet")
    wait_for("the message's record", lambda: _sent(post, request_id), SECONDS)
    automatic, bounce = "recorded_automatic_answer", "recorded_bounce_no_such_user"
    for name in ("recorded_send", "recorded_delivery", automatic, bounce, bounce, "not_ours"):
        post.comes_back(name, request_id, "000001-received_patient", address)
    letter = post.letter(STAFF, "mail does not arrive")
    desk = browser.new_context(locale="en-US")
    page: Page = desk.new_page()
    sign_in(page, next(link for link in letter.links if "/appointments/" in link))
    appears(page, page.locator("main", has_text="Call patient").filter(has_text="came back"))
    eyes.look(page, "d-call-patient")
    after = post.last()
    now = post.stored(request_id)
    post.enter(now.patient.first_name.removeprefix("Post"), start, mobile=now.patient.mobile_as_typed)
    wait_for("the next thing to tell", lambda: _to_tell(post, request_id) == "confirmed_patient", SECONDS)
    assert not [one for one in post.telling.laptop.mailbox.messages if one.id > after and address in one.to]
    called = page.get_by_role("button", name="I have called")
    page.reload()
    appears(page, called)
    called.click()
    expect(page.locator("#live")).to_contain_text("closed")
    page.get_by_role("button", name="Use this address again").click()
    expect(page.locator("#live")).to_contain_text("again")
    staff_mail_is_stopped_until_staff_say_so(post, page, request_id, eyes)
    desk.close()
    aside = post.telling.laptop.aws.client("sqs")
    url = post.telling.laptop.outputs["DeadMailEventsUrl"]
    (unknown,) = wait_for("what is not known", lambda: aside.receive_message(QueueUrl=url).get("Messages"), SECONDS)
    aside.delete_message(QueueUrl=url, ReceiptHandle=unknown["ReceiptHandle"])


def staff_mail_is_stopped_until_staff_say_so(post: Post, page: Page, request_id: str, eyes: Eyes) -> None:
    """The desk's own address bounces: the portal says it, and Settings lifts it."""
    portal = f"{post.telling.laptop.public_url}/portal/quay"
    post.comes_back("recorded_bounce_no_mailbox", request_id, "000001-received_staff", STAFF)

    def said() -> bool:
        page.goto(f"{portal}/appointments")
        return STAFF in page.inner_text("main") and "mail is stopped" in page.inner_text("main")

    wait_for("the portal to say that mail is stopped", said, SECONDS)
    page.get_by_role("link", name="See why").click()
    expect(page.get_by_text("a message came back, for good")).to_be_visible()
    eyes.look(page, "s-staff-mail")
    page.get_by_role("button", name="Use this address again").click()
    expect(page.locator("#live")).to_contain_text("again")
    expect(page.get_by_text("mail is stopped")).to_have_count(0)


def sign_in(page: Page, link: str) -> None:
    """Open a link of the portal, through sign-in."""
    page.goto(link)
    page.locator("input:not([type=hidden]):not([type=password])").first.fill(STAFF_EMAIL)
    page.locator("input[type=password]").fill(STAFF_PASSWORD)
    page.locator("input[type=password]").press("Enter")
    page.wait_for_url("**/portal/**")


def _sent(post: Post, request_id: str) -> bool:
    return any(one.sent_at for one in post.messages.list("quay", request_id) if one.id.endswith("received_patient"))


def _to_tell(post: Post, request_id: str) -> str:
    call = post.stored(request_id).call
    return str(call.kind) if call else ""


def test_staff_hear_of_a_source_once_and_get_tests(post: Post) -> None:
    feeds = DynamoFeedRepository()

    def broken() -> bool:
        state, now = feeds.get("quay", "sandbox~brandt"), datetime.now(UTC)
        assert state
        failed = replace(
            state, broken_since=now, failing_since=now, failures=1, last_failure="auth_revoked", unheard=True
        )
        with suppress(WriteConflict):
            feeds.save(state, failed)
            return True
        return False

    wait_for("a feed to break", broken, SECONDS)
    post.sync()
    post.letter(STAFF, "cannot be read")
    post.letter(STAFF, "is read again")
    post.sync()
    for words in ("cannot be read", "is read again"):
        assert len([one for one in post.subjects(STAFF) if words in one]) == 1
    printed = post.telling.laptop.oneway("messages", "test", "quay")
    assert STAFF in printed
    post.letter(STAFF, "a test message")
    assert "Tracking: neither opens nor clicks are counted" in post.telling.laptop.oneway("doctor", well=False)
    assert "put back" in post.telling.laptop.oneway("messages", "retry")


def test_mail_scanners_change_nothing(post: Post, browser: Browser) -> None:
    """Every link of every message that is there, fetched again and again: before the people's own clicks, and after them."""
    address, request_id, _ = post.ask(9)
    link = next(one for one in post.letter(address, "not confirmed yet").links if "/my-request/" in one)
    details = next(one for one in post.staff_letter(request_id, "New appointment").links if one.endswith(request_id))
    assert {link, details} <= _scanned(post)
    assert post.stored(request_id).pending
    assert len(post.subjects(address)) == 1

    desk = browser.new_context(locale="en-US")
    sign_in(desk.new_page(), details)
    desk.close()
    cancel(link)
    receipt = post.letter(address, "you cancelled your request")
    post.staff_letter(request_id, "A patient cancelled")
    assert {one for one in receipt.links if "/my-request/" in one} <= _scanned(post)
    assert len(post.subjects(address)) == 2


def _scanned(post: Post) -> set[str]:
    """Fetch what all messages link to; the links."""
    letters = [one for one in post.telling.laptop.mailbox.messages if any("quay" in to for to in one.to)]
    links = {link.rstrip(".,)") for one in letters for link in one.links if "/quay/" in link}
    requests = sorted({path.group(1) for link in links if (path := re.search(r"/appointments/(\w{13})$", link))})
    before = [post.stored(one) for one in requests]
    for link in sorted(links):
        for method in ("HEAD", "GET", "GET", "HEAD"):
            answer = Http()._send(method, link, b"", {})
            assert answer.status in (200, 303, 403), (method, answer.status)
            if method == "GET":
                assert answer.headers["referrer-policy"] == "no-referrer"
    # What was due before may have gone out meanwhile; nothing else is another.
    assert [_at_rest(post.stored(one)) for one in requests] == [_at_rest(one) for one in before]
    return links


def _at_rest(request: Request) -> Request:
    return replace(request, due=(), unsent_since=None, look_at=None)
