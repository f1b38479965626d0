"""The story that Oneway is for, step by step over real HTTP: a request, an e-mail, staff's entry, a sync, "Confirmed".

`make demo` shows it, tests/e2e plays it as a test, and it runs against any FHIR server. A step returns what it saw, line by
line, or raises NotAsTold with what was seen instead.
"""

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

from ..processes import NotReady, wait_for
from .browser import Browser, Page
from .system import Person, SchedulingSystem

T = TypeVar("T")
DAYS_AHEAD = 20
"""The synthetic visits fill two weeks: after them both places of a shared time are surely free."""
_LOOK_EVERY_SECONDS = 0.5


class NotAsTold(Exception):
    """A step did not happen as the story tells it."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it arrived."""

    to: str
    subject: str
    text: str


class Mailbox(Protocol):
    """Where everything that was sent can be read."""

    def letters(self) -> Sequence[Letter]:
        """All messages so far, oldest first."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the story plays.

    `recipient` is where staff's messages go, `patients_domain` the mail domain of those who ask online, `visitors_domain`
    of those whom only the scheduling system knows. `practitioners` names the system's id of each provider.
    `sync_seconds` bounds the wait for a scheduled sync, `mail_seconds` for a message.
    """

    public_url: str
    practice: str
    practice_name: str
    recipient: str
    staff_email: str
    staff_password: str
    patients_domain: str
    visitors_domain: str
    system: SchedulingSystem
    practitioners: dict[str, str]
    mailbox: Mailbox
    sync_seconds: float = 150
    mail_seconds: float = 60


@dataclass(slots=True)
class Asked:
    """A request as its patient knows it."""

    person: Person
    provider_id: str
    id: str
    link: str
    start: datetime
    minutes: int

    @property
    def token(self) -> str:
        """The secret part of its private link."""
        return self.link.rpartition("/")[2]


@dataclass(slots=True)
class Story:
    """The state of one telling."""

    stage: Stage
    staff: Browser = field(default_factory=Browser)
    patient: Browser = field(default_factory=Browser)
    asked: list[Asked] = field(default_factory=list)
    visit_id: str = ""

    # --- The steps ------------------------------------------------------------------------------------------------

    def schedule_is_read(self) -> list[str]:
        """The first scheduled sync brings the two weeks of visits."""

        def look() -> tuple[bool, str]:
            answers = {one: self._slots(one, self._visit_type(one)) for one in self.stage.practitioners}
            closed = [f"{provider}: {found['closed']}" for provider, found in answers.items() if found["closed"]]
            return not closed, ", ".join(closed)

        self._until("all schedules are read", look, self.stage.sync_seconds)
        free = {one: self._free(one) for one in self.stage.practitioners}
        if not all(free.values()):
            raise NotAsTold(f"a provider has no free time: { {one: len(times) for one, times in free.items()} }")
        told = ", ".join(f"{provider} {len(times)}" for provider, times in free.items())
        return [f"Free times in the next three weeks: {told}", f"Messages so far: {len(self._our_letters())}"]

    def patient_asks(self) -> list[str]:
        """A patient asks for a time, and asking again changes nothing."""
        person = self._person("Maria", "Núñez", date(1984, 3, 12), "+1 415 555 0132")
        asked = self._ask(person, self._first_provider(), twice=True)
        page = self.patient.open(asked.link)
        _expect(page.status == 200 and "Not confirmed yet" in page.text, "the private page says: not confirmed", page)
        return [f"Asked for {self._when(asked)}; the private page says: Not confirmed yet"]

    def messages_arrive(self) -> list[str]:
        """Staff and the patient get their messages."""
        asked = self.asked[0]
        letters = self._letters_about(asked, staff=1, patient=1)
        return [f"To {letter.to}: {letter.subject}" for letter in letters]

    def link_opens_details(self) -> list[str]:
        """The link in staff's message opens that appointment's page, after sign-in."""
        asked = self.asked[0]
        link = self._details_link(asked)
        page = self.staff.open(link)
        hidden = asked.person.last_name not in page.text
        _expect(hidden and any("password" in f.fields.values() for f in page.forms), "a sign-in page", page)
        signed_in = self._sign_in(page)
        _expect(signed_in.status == 200 and signed_in.path == _path(link), f"the page {_path(link)}", signed_in)
        for word in (asked.person.first_name, asked.person.last_name, "Pending request"):
            _expect(word in signed_in.text, f'the details page with "{word}"', signed_in)
        return [
            f"{_path(page.url)} asked for a password first",
            f"then {signed_in.path}: {asked.person.first_name} {asked.person.last_name}, Pending request",
        ]

    def staff_enter_the_visit(self) -> list[str]:
        """Staff enter the visit in the system they use, copying the patient's details."""
        asked = self.asked[0]
        self.visit_id = self._enter(asked, asked.person)
        return [f"Entered {self._when(asked)} as visit {self.visit_id}"]

    def sync_confirms(self) -> list[str]:
        """The scheduled sync finds it; nobody pressed anything."""
        asked = self.asked[0]
        self._until_state(asked, "booked")
        page = self.patient.open(asked.link)
        _expect("Your visit is confirmed" in page.text, "the patient's page: confirmed", page)
        details = self._details(asked)
        _expect(
            "Confirmed" in details.text and "Pending request" not in details.text, "Confirmed in the portal", details
        )
        return ["The patient's page: Your visit is confirmed", "The portal: Confirmed"]

    def patient_is_told(self) -> list[str]:
        """The patient gets the confirmation."""
        letter = self._letters_about(self.asked[0], staff=1, patient=2)[-1]
        _expect_text(
            "confirmed" in letter.subject and "not confirmed" not in letter.subject, "confirmed", letter.subject
        )
        return [f"To {letter.to}: {letter.subject}"]

    def visit_is_checked_in(self) -> list[str]:
        """Staff check the patient in; the portal follows with the next sync."""
        self.stage.system.set_status(self.visit_id, "arrived")
        return ["Checked in, in the scheduling system"]

    def staff_cancel_another(self) -> list[str]:
        """A second request, for which there is no room: staff cancel it in the portal, the patient is told."""
        person = self._person("Jon", "Reed", date(1990, 11, 2), "+1 415 555 0177")
        asked = self._ask(person, self._second_provider())
        self._letters_about(asked, staff=1, patient=1)
        page = self.staff.open(f"{self._details_link(asked)}/cancel")
        form = page.form_with("csrf", "reason")
        if form is None:
            raise NotAsTold(f"the page to cancel a request: seen instead: {_seen(page)}")
        note = "We are fully booked that day. Please choose another one."
        done = self.staff.submit(page, form, {"reason": "not_available", "note": note})
        _expect(done.status == 200 and "Cancelled" in done.text, "Cancelled in the portal", done)
        letter = self._letters_about(asked, staff=1, patient=2)[-1]
        _expect_text("cancelled" in letter.subject and note in " ".join(letter.text.split()), note, letter.subject)
        return [f"Cancelled in the portal: {self._when(asked)}", f"To {letter.to}: {letter.subject}"]

    def portal_shows_arrived(self) -> list[str]:
        """The portal shows the patient's arrival."""
        self._until_details(self.asked[0], "Arrived")
        return ["The portal: Arrived"]

    def visit_is_completed(self) -> list[str]:
        """Staff complete the visit."""
        self.stage.system.set_status(self.visit_id, "fulfilled")
        return ["Completed, in the scheduling system"]

    def third_is_mistyped(self) -> list[str]:
        """A third request is entered with a wrong birth date."""
        person = self._person("Aiko", "Tanaka", date(1991, 7, 5), "+1 415 555 0188")
        asked = self._ask(person, self._shared_provider(), latest=True)
        self._letters_about(asked, staff=1, patient=1)
        _expect_text(self._is_offered(asked), "one of two places still offered", "the time is gone")
        mistyped = Person(person.first_name, person.last_name, date(1991, 5, 7), person.mobile, person.email)
        self._enter(asked, mistyped)
        return [
            f"Asked for {self._when(asked)}",
            f"Entered with birth date {mistyped.birth_date}, not {person.birth_date}",
        ]

    def portal_shows_completed(self) -> list[str]:
        """The portal shows the first visit as completed."""
        self._until_details(self.asked[0], "Completed")
        return ["The portal: Completed"]

    def third_stays_pending(self) -> list[str]:
        """The mistyped visit arrives on its own and takes its place; the request stays pending."""
        asked = self.asked[2]

        def look() -> tuple[bool, str]:
            return not self._is_offered(asked), "the visit is not in the schedule yet"

        self._until("the visit takes the second of two places", look, self.stage.sync_seconds)
        state = self._look_up(asked)["state"]
        _expect_text(state == "requested", "still pending", state)
        details = self._details(asked)
        _expect("Pending request" in details.text, "Pending request in the portal", details)
        return ["Both places of that time are taken: the visit stands on its own", "The portal: Pending request"]

    def nothing_else_was_sent(self) -> list[str]:
        """The two weeks of other visits caused no message at all."""
        letters = self._our_letters()
        strangers = [letter.subject for letter in letters if letter.to.endswith(f"@{self.stage.visitors_domain}")]
        _expect_text(not strangers, "no message to anybody who asked for nothing", "; ".join(strangers))
        counts = [sum(self._concerns(letter, asked) for letter in letters) for asked in self.asked]
        _expect_text(counts == [3, 3, 2] and len(letters) == 8, "8 messages: 3, 3 and 2", f"{len(letters)}: {counts}")
        return ["8 messages in all: 3 for the first request, 3 for the second, 2 for the third"]

    # --- What steps are made of -----------------------------------------------------------------------------------

    def _ask(self, person: Person, provider_id: str, *, twice: bool = False, latest: bool = False) -> Asked:
        visit_type = self._visit_type(provider_id)
        start = self._free(provider_id)[-1 if latest else 0]
        body = {
            "provider": provider_id,
            "visit_type": visit_type["id"],
            "start": start.isoformat(),
            "new_patient": visit_type["for_new_patients"],
            "language": "en",
            "contact_consent": True,
            "reason": "Knee pain since last week",
            "patient": {
                "first_name": person.first_name,
                "last_name": person.last_name,
                "birth_date": person.birth_date.isoformat(),
                "mobile": person.mobile,
                "email": person.email,
            },
        }
        key = {"Idempotency-Key": secrets.token_urlsafe(24)}
        address = f"{self._api}/requests"
        answer = self.patient.api("POST", address, body, key)
        _expect(answer.status == 201, "the request is taken (201)", answer)
        found = answer.json()
        if twice:
            again = self.patient.api("POST", address, body, key)
            _expect(again.status == 200 and again.json()["id"] == found["id"], "the same request again (200)", again)
        asked = Asked(person, provider_id, found["id"], found["link"], start, visit_type["minutes"])
        self.asked.append(asked)
        return asked

    def _enter(self, asked: Asked, person: Person) -> str:
        system = self.stage.system
        end = asked.start + timedelta(minutes=asked.minutes)
        practitioner = self.stage.practitioners[asked.provider_id]
        return system.enter_visit(practitioner, system.add_person(person), asked.start, end, "booked")

    def _person(self, first: str, last: str, born: date, mobile: str) -> Person:
        plain = re.sub(r"[^a-z]", "", first.lower())
        return Person(first, last, born, mobile, f"{plain}@{self.stage.patients_domain}")

    def _first_provider(self) -> str:
        return next(iter(self.stage.practitioners))

    def _second_provider(self) -> str:
        return list(self.stage.practitioners)[1]

    def _shared_provider(self) -> str:
        """The provider whose times take two visits."""
        return list(self.stage.practitioners)[2]

    @property
    def _api(self) -> str:
        return f"{self.stage.public_url}/api/practices/{self.stage.practice}"

    def _visit_type(self, provider_id: str) -> dict[str, Any]:
        answer = self.patient.api("GET", f"{self._api}/providers")
        _expect(answer.status == 200, "the practice's providers", answer)
        found = next(one for one in answer.json()["providers"] if one["id"] == provider_id)
        visit_type: dict[str, Any] = found["visit_types"][0]
        return visit_type

    def _slots(self, provider_id: str, visit_type: dict[str, Any]) -> dict[str, Any]:
        today = datetime.now(UTC).date()
        query = f"from={today}&to={today + timedelta(days=DAYS_AHEAD)}&visit_type={visit_type['id']}"
        answer = self.patient.api("GET", f"{self._api}/providers/{provider_id}/slots?{query}")
        _expect(answer.status == 200, "free times", answer)
        found: dict[str, Any] = answer.json()
        return found

    def _free(self, provider_id: str) -> list[datetime]:
        """Free starts from the day after tomorrow on: no step may come too late for its own time."""
        found = self._slots(provider_id, self._visit_type(provider_id))
        zone = ZoneInfo(found["zone"])
        times = [_start(day, time, zone) for day, times in found["days"].items() for time in times]
        soonest = datetime.now(UTC) + timedelta(hours=36)
        return [time for time in times if time > soonest]

    def _is_offered(self, asked: Asked) -> bool:
        return asked.start in self._free(asked.provider_id)

    def _look_up(self, asked: Asked) -> dict[str, Any]:
        answer = self.patient.api("GET", f"{self._api}/requests/{asked.token}")
        _expect(answer.status == 200, "the request by its private link", answer)
        found: dict[str, Any] = answer.json()
        return found

    def _until_state(self, asked: Asked, state: str) -> None:
        def look() -> tuple[bool, str]:
            found = self._look_up(asked)["state"]
            return found == state, found

        self._until(f"the request becomes {state}", look, self.stage.sync_seconds)

    def _details_link(self, asked: Asked) -> str:
        pattern = re.compile(rf"https?://\S+/portal/{self.stage.practice}/appointments/{asked.id}\b")
        for letter in self.stage.mailbox.letters():
            if found := pattern.search(letter.text):
                return found.group()
        raise NotAsTold("staff's message has no link to the details page")

    def _details(self, asked: Asked) -> Page:
        page = self.staff.open(self._details_link(asked))
        _expect(page.status == 200 and asked.person.last_name in page.text, "the details page", page)
        return page

    def _until_details(self, asked: Asked, word: str) -> None:
        def look() -> tuple[bool, str]:
            page = self._details(asked)
            return word in page.text, _seen(page)

        self._until(f"the portal shows {word}", look, self.stage.sync_seconds)

    def _sign_in(self, page: Page) -> Page:
        for form in page.forms:
            secret = next((name for name, kind in form.fields.items() if kind == "password"), None)
            name = next((name for name, kind in form.fields.items() if kind in ("text", "email")), None)
            if secret and name:
                values = {name: self.stage.staff_email, secret: self.stage.staff_password}
                return self.staff.submit(page, form, values)
        raise NotAsTold(f"a sign-in form: seen instead: {_seen(page)}")

    def _our_letters(self) -> list[Letter]:
        """All messages to staff, to those who asked and to those who did not."""
        stage = self.stage
        domains = (f"@{stage.patients_domain}", f"@{stage.visitors_domain}")
        return [one for one in stage.mailbox.letters() if one.to == stage.recipient or one.to.endswith(domains)]

    def _concerns(self, letter: Letter, asked: Asked) -> bool:
        return letter.to == asked.person.email or (letter.to == self.stage.recipient and asked.id in letter.text)

    def _letters_about(self, asked: Asked, *, staff: int, patient: int) -> list[Letter]:
        """The messages about a request, staff's first, once there are as many."""

        def look() -> tuple[list[Letter] | None, str]:
            about = [letter for letter in self._our_letters() if self._concerns(letter, asked)]
            to_patient = [letter for letter in about if letter.to == asked.person.email]
            to_staff = [letter for letter in about if letter.to != asked.person.email]
            enough = len(to_staff) >= staff and len(to_patient) >= patient
            seen = f"{len(to_staff)} to staff, {len(to_patient)} to the patient"
            return ([*to_staff, *to_patient] if enough else None), seen

        return self._until(f"{staff} message to staff and {patient} to the patient", look, self.stage.mail_seconds)

    def _until(self, what: str, look: Callable[[], tuple[T | None, str]], seconds: float) -> T:
        seen = ""

        def once() -> T | None:
            nonlocal seen
            found, seen = look()
            return found or None

        try:
            return wait_for(what, once, seconds, _LOOK_EVERY_SECONDS)
        except NotReady as error:
            raise NotAsTold(f"{error}; seen instead: {seen or 'nothing'}") from error

    def _when(self, asked: Asked) -> str:
        return f"{asked.start:%a %d %b %Y, %H:%M} with {asked.provider_id}"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what happens, and how it is played."""

    title: str
    play: Callable[[Story], list[str]]

    @property
    def name(self) -> str:
        """The step's name, for reports."""
        return self.play.__name__


STEPS = (
    Step("The schedule of the practice is read", Story.schedule_is_read),
    Step("A patient asks for a time", Story.patient_asks),
    Step("The messages arrive", Story.messages_arrive),
    Step("View appointment details, after sign-in", Story.link_opens_details),
    Step("Staff enter the visit in their system", Story.staff_enter_the_visit),
    Step("The scheduled sync finds it: Confirmed", Story.sync_confirms),
    Step("The patient is told", Story.patient_is_told),
    Step("The patient is checked in", Story.visit_is_checked_in),
    Step("Meanwhile staff cancel another request", Story.staff_cancel_another),
    Step("The portal follows: Arrived", Story.portal_shows_arrived),
    Step("The visit is completed", Story.visit_is_completed),
    Step("A third request, entered with a wrong birth date", Story.third_is_mistyped),
    Step("The portal follows: Completed", Story.portal_shows_completed),
    Step("The third stays pending, its visit arrives on its own", Story.third_stays_pending),
    Step("Nobody else got a message", Story.nothing_else_was_sent),
)


def _start(day: str, time: str, zone: ZoneInfo) -> datetime:
    start = datetime.fromisoformat(f"{day}T{time}")
    return start if start.tzinfo else start.replace(tzinfo=zone)


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[-1].partition("?")[0]


def _seen(page: Page) -> str:
    text = page.text if "html" in page.headers.get("content-type", "") else page.html
    return f"{page.status} {page.path}: {text[:300]}"


def _expect(holds: bool, what: str, page: Page) -> None:
    if not holds:
        raise NotAsTold(f"{what}: seen instead: {_seen(page)}")


def _expect_text(holds: bool, what: str, seen: object) -> None:
    if not holds:
        raise NotAsTold(f"{what}: seen instead: {seen}")
