"""Every message as a person gets it, beside what it never says. `pytest --write-snapshots` writes them anew."""

import re
from collections.abc import Sequence
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import icalendar
import pytest
from msgspec.structs import replace
from oneway.calendar_file import uid_of
from oneway.domain import messages, requests
from oneway.domain.appointments import AppointmentState
from oneway.domain.messages import CallTask, DueMessage, MessageKind, Why
from oneway.domain.notices import Notice
from oneway.domain.practices import Location, Switches
from oneway.domain.requests import Booker, Link, PartOfDay, PreferredTimes, Request, RequestState
from oneway.languages import LANGUAGES, mail_words
from oneway.mail.compose import MailComposer

from cli.samples import Sample, samples
from tests.builders import NOW, START, a_patient, a_practice, a_request
from tests.fakes.store import FakeClock

SNAPSHOTS = Path(__file__).parent / "snapshots"
SENDER = "appointments@oneway.example"
LINK = "pr1vate-l1nk"
BEFORE = START - timedelta(days=1)
TELLING_OF_ANOTHER = (MessageKind.RESCHEDULED_PATIENT, MessageKind.CORRECTION_PATIENT)
OF_REQUEST = [kind for kind in MessageKind if not kind.of_practice]
OF_PRACTICE = [kind for kind in MessageKind if kind.of_practice]
SECRETS = ("1984", "03-12", "12 March", "Knee", "Acme", "2671")
LOGO = ("png", b"\x89PNG\r\n\x1a\nlogo")


def a_composed(kind: MessageKind, request: Request | None = None, **given: Any) -> EmailMessage:
    found = message_from_bytes(written(kind, request, **given), policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def written(
    kind: MessageKind,
    request: Request | None = None,
    *,
    logo: tuple[str, bytes] | None = None,
    old: bool | None = None,
    to: Sequence[str] = (),
    schedule_age: int | None = None,
    **practice: Any,
) -> bytes:
    composer = MailComposer("https://book.example", SENDER, FakeClock(NOW), lambda _: logo)
    ours, request = a_practice(**practice), request or a_request()
    if kind.of_practice:
        subject = "ehr" if "source" in kind else ""
        return composer.of_practice(
            Notice("harbor", f"{kind}_1", kind, NOW, subject),
            ours,
            [request, replace(request, slot=None)],
            ours.recipients,
        )
    tells_old = kind in TELLING_OF_ANOTHER if old is None else old
    due = DueMessage(f"000001-{kind}", kind, old_start=BEFORE if tells_old else None)
    if kind is MessageKind.UNREACHABLE_STAFF:
        task = CallTask("000001-received_patient", MessageKind.RECEIVED_PATIENT, Why.BOUNCED, NOW)
        request = request if request.call else replace(request, call=task)
    usual = ours.recipients if kind.to_staff else [request.patient.email or ""]
    return composer.of_request(due, ours, request, LINK, to or usual, schedule_age)


def text_of(mime: EmailMessage, kind: str = "plain") -> str:
    part = mime.get_body((kind,))
    assert part
    return str(part.get_content())


def linked(provider: str = "osei", **changes: Any) -> Request:
    link = Link("a", provider, AppointmentState.BOOKED, START, START + timedelta(minutes=30))
    return a_request(state=RequestState.LINKED, link=link, **changes)


CASES = [one for language in LANGUAGES for one in samples(a_practice(), language)]


@pytest.mark.parametrize("sample", CASES, ids=lambda one: f"{one.name}-{one.language}")
def test_as_a_person_gets_it(sample: Sample, pytestconfig: pytest.Config) -> None:
    mime = read(sample)
    shown = {
        "txt": f"To: {mime['To']}\nSubject: {mime['Subject']}\n\n{text_of(mime)}",
        "html": text_of(mime, "html"),
    }
    for ending, written in shown.items():
        snapshot = SNAPSHOTS / f"{sample.name}.{sample.language}.{ending}"
        if pytestconfig.getoption("--write-snapshots"):
            snapshot.parent.mkdir(exist_ok=True)
            snapshot.write_text(written, "utf-8")
        assert written == snapshot.read_text("utf-8")


def read(sample: Sample) -> EmailMessage:
    mime = message_from_bytes(sample.mime, policy=policy.default)
    assert isinstance(mime, EmailMessage)
    return mime


IN_NO_SAMPLE = {"no_time", "part.afternoon", "part.evening"}
"""What is said of requests of before days could be asked for, and names of parts of the day: one stands for all."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_samples_say_all_that_messages_can_say(language: str) -> None:
    """So whoever looks at the samples has seen every sentence."""
    whole = ""
    for sample in (one for one in CASES if one.language == language):
        mime = read(sample)
        files = list(mime.iter_attachments())
        events = [event for file in files for event in icalendar.Calendar.from_ical(file.get_content()).walk()]
        beside = [str(one.get("SUMMARY")) for one in events] + [file.get_filename() or "" for file in files]
        whole += "\n".join((str(mime["Subject"]), text_of(mime), *beside, ""))
    words = {key: re.sub(r"\\{\w+\\}", ".+", re.escape(said)) for key, said in mail_words(language).items()}
    assert {key for key, said in words.items() if not re.search(said, whole)} == IN_NO_SAMPLE


class Read(HTMLParser):
    """The HTML of a message as somebody hears or reads it, in lines as its text has them."""

    BLOCKS = frozenset(("p", "h1", "dd", "li", "blockquote"))

    def __init__(self, html: str) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._said, self._link, self._in_list = "", "", False
        self.feed(html.partition("<main")[2].partition(">")[2])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = dict(attrs)
        self._in_list |= tag == "li"
        self._said += of["alt"] or "" if tag == "img" else ""
        self._link = of["href"] or "" if tag == "a" else self._link

    def handle_data(self, data: str) -> None:
        self._said += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "dt":
            self._said += ": "
        if tag not in self.BLOCKS:
            return
        kept = self._said.strip().splitlines() if tag == "blockquote" else [self._said]  # white-space: pre-line
        said = [" ".join(line.split()) for line in kept]
        if self._link:
            said = [f"- {said[0]}" if self._in_list else f"{said[0]}:", self._link]
        self.lines += said
        self._said, self._link, self._in_list = "", "", False


def everything(kind: MessageKind, language: str) -> list[Request]:
    """Requests of which there is much to say: a visit elsewhere, a note, somebody else's, one without a time or an address."""
    asked = a_request(language=language, note_to_patient="Bring <all> of\nAnn & Bo's cards")
    booker, patient = Booker("Rosa", "Núñez", "mother"), a_patient(email=None)
    other = without_a_time(5, language=language, booker=booker, patient=patient)
    visit = linked("brandt", language=language)
    assert visit.link
    elsewhere = replace(visit, link=replace(visit.link, location="loc-9"))
    return [asked, other, elsewhere] if kind in messages.TELL_A_VISIT else [asked, other]


@pytest.mark.parametrize("logo", [None, LOGO], ids=["without_logo", "with_logo"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", MessageKind)
def test_html_and_text_say_the_same(kind: MessageKind, language: str, logo: tuple[str, bytes] | None) -> None:
    for request in everything(kind, language):
        mime = a_composed(
            kind, request, language=language, logo=logo, schedule_age=300, locations=TestPlace.PLACES, name="Ann's & Co"
        )
        text = [line for one in text_of(mime).splitlines() if (line := " ".join(one.split()))]
        assert Read(text_of(mime, "html")).lines == text
        assert len(text) > 4


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", MessageKind)
def test_every_relay_can_take_it(kind: MessageKind, language: str) -> None:
    request = a_request(language=language, note_to_patient="Mañana no; el miércoles sí, si le viene bien.")
    mime = written(kind, request, language=language, name="Clínica Núñez", logo=LOGO)
    assert mime.isascii()
    for part in message_from_bytes(mime).walk():
        if not part.is_multipart():
            assert max(map(len, str(part.get_payload()).splitlines())) <= 76


def test_no_snapshot_is_left_of_a_message_that_is_no_more() -> None:
    assert {one.name for one in SNAPSHOTS.iterdir()} == {
        f"{one.name}.{one.language}.{ending}" for one in CASES for ending in ("txt", "html")
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", MessageKind)
def test_nothing_sensitive_is_in_it(kind: MessageKind, language: str) -> None:
    for request in everything(kind, language):
        mime = a_composed(kind, request, language=language, locations=TestPlace.PLACES)
        files = "".join(part.get_content().decode() for part in mime.iter_attachments())
        whole = f"{mime['Subject']}{text_of(mime)}{text_of(mime, 'html')}{files}"
        assert not [secret for secret in SECRETS if secret in whole]
        assert "Núñez" not in whole
        assert not [one for one in ("New patient", "Primera consulta") if one in files]
        if kind.to_staff:
            assert not [one for one in ("Maria", "Rosa") if one in whole]
            assert LINK not in whole


@pytest.mark.parametrize("kind", MessageKind)
def test_patients_read_their_own_language_and_staff_the_practice_s(kind: MessageKind) -> None:
    mime = a_composed(kind, a_request(language="es"), language="en")
    spoken = "en" if kind.to_staff else "es"
    assert mime["Content-Language"] == spoken
    assert Tags(text_of(mime, "html")).all("html") == [{"lang": spoken}]
    assert mime_text(kind, spoken) == text_of(mime)


def mime_text(kind: MessageKind, language: str) -> str:
    """Its text where patient and practice speak one language."""
    return text_of(a_composed(kind, a_request(language=language), language=language))


@pytest.mark.parametrize(("accent", "on_it"), [("#fde68a", "#000000"), ("#123456", "#ffffff")])
@pytest.mark.parametrize("kind", MessageKind)
def test_it_wears_the_practice_s_colour_with_letters_that_can_be_read_on_it(
    kind: MessageKind, accent: str, on_it: str
) -> None:
    html = text_of(a_composed(kind, accent=accent), "html")
    assert f"border-top:4px solid {accent}" in html
    assert f"background:{accent};color:{on_it}" in html
    assert "#0b6e99" not in html


@pytest.mark.parametrize("kind", OF_REQUEST)
def test_html_and_text_lead_to_the_same_place(kind: MessageKind) -> None:
    mime = a_composed(kind)
    path = f"/portal/harbor/appointments/{a_request().id}" if kind.to_staff else f"/my-request/harbor/{LINK}"
    for part in ("plain", "html"):
        assert f"https://book.example{path}" in text_of(mime, part)


def links_of(mime: EmailMessage) -> tuple[set[str], set[str]]:
    """The links of the HTML and of the text."""
    html = set(re.findall(r'href="([^"]+)"', text_of(mime, "html")))
    return html, set(re.findall(r"https?://\S+", text_of(mime)))


@pytest.mark.parametrize("kind", MessageKind)
def test_every_link_is_ours_and_stands_in_both_parts(kind: MessageKind) -> None:
    html, text = links_of(a_composed(kind))
    ours = re.compile(r"https://book\.example/(portal/harbor/\w+(/\w+)?|my-request/harbor/[\w-]+)")
    assert html == text - {"https://ehr.example/fhir"}
    assert all(ours.fullmatch(link) for link in html)


class Tags(HTMLParser):
    """What a page is made of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", MessageKind)
def test_it_can_be_read_by_everybody(kind: MessageKind, language: str) -> None:
    html = text_of(a_composed(kind, a_request(language=language), language=language, logo=LOGO), "html")
    page = Tags(html)
    assert page.all("html") == [{"lang": language}]
    assert len(page.all("h1")) == 1
    assert page.all("title")
    assert all(one.get("alt") == "Harbor Clinic" for one in page.all("img"))
    assert "prefers-color-scheme: dark" in html
    assert "max-width:560px" in html
    for text in re.findall(r"<a [^>]*>([^<]+)</a>", html):
        assert len(text.split()) >= 2, text


@pytest.mark.parametrize("kind", MessageKind)
def test_nothing_in_it_is_fetched_from_anywhere(kind: MessageKind) -> None:
    """Whoever fetched a picture would tell when, and where, the message was opened."""
    html = text_of(a_composed(kind, logo=LOGO), "html")
    assert re.findall(r'src="([^"]+)"', html) == ["cid:logo"]
    assert "url(" not in html
    assert "@import" not in html
    assert "<link" not in html


def test_the_logo_travels_with_it_and_the_name_stands_in_without() -> None:
    mime = a_composed(MessageKind.CONFIRMED_PATIENT, linked(), logo=LOGO)
    pictures = [part for part in mime.walk() if part.get_content_maintype() == "image"]
    assert [(one["Content-ID"], one.get_content()) for one in pictures] == [("<logo>", LOGO[1])]
    assert "<img" not in text_of(a_composed(MessageKind.CONFIRMED_PATIENT, linked()), "html")


@pytest.mark.parametrize("kind", MessageKind)
def test_it_comes_from_the_practice_and_answers_go_there(kind: MessageKind) -> None:
    mime = a_composed(kind)
    assert mime["From"] == f"Harbor Clinic <{SENDER}>"
    assert mime["Reply-To"] == "front@harbor.example"
    assert mime["To"] == ("front@harbor.example" if kind.to_staff else "maria@example.org")
    assert mime["Auto-Submitted"] == "auto-generated"
    assert mime["Date"].datetime == NOW
    unwanted = mime["X-Auto-Response-Suppress"].split(", ")
    assert {"OOF", "AutoReply"} <= set(unwanted)
    assert not {"All", "NDR"} & set(unwanted), "that nobody is there has to come back"
    assert str(mime["Message-ID"]).strip().endswith("@oneway.example>")
    assert mime["Content-Language"] == "en"
    assert [part["Content-Language"] for part in mime.walk() if part is not mime and part["Content-Language"]] == []


def test_names_beyond_ascii_are_written_as_the_dns_has_them() -> None:
    """RFC 5891; SES takes no others, and calendars know addresses as URIs."""
    asked = linked(patient=a_patient(email="maria@müller.example"))
    raw = written(MessageKind.CONFIRMED_PATIENT, asked, reply_to="desk@straße.example")
    head = raw.partition(b"\n\n")[0]
    assert b"To: maria@xn--mller-kva.example\n" in head
    assert b"Reply-To: desk@xn--strae-oqa.example\n" in head
    event = calendar_of(a_composed(MessageKind.CONFIRMED_PATIENT, asked, reply_to="desk@straße.example"))
    assert event
    assert event["ATTENDEE"] == "mailto:maria@xn--mller-kva.example"
    assert event["ORGANIZER"] == "mailto:desk@xn--strae-oqa.example"


def test_names_cannot_forge_headers_or_markup() -> None:
    mime = a_composed(MessageKind.CONFIRMED_PATIENT, name='Harbor\r\nBcc: all@example.org <b>"Clinic"</b>')
    assert mime["Bcc"] is None
    assert "<b>" not in text_of(mime, "html").replace("<body", "")
    person = a_composed(MessageKind.RECEIVED_PATIENT, a_request(patient=a_patient(first_name="<script>x</script>")))
    assert "<script>" not in text_of(person, "html")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", MessageKind)
def test_nothing_is_written_as_in_html_where_it_is_text(kind: MessageKind, language: str) -> None:
    request = a_request(language=language, note_to_patient="Bring <all> of Ann & Bo's cards")
    mime = a_composed(kind, request, language=language, name="O'Brien & Sons <Clinic>")
    assert not re.search(r"&(amp|lt|gt|quot|#\d+);", f"{mime['Subject']}{text_of(mime)}")
    assert "<Clinic>" not in text_of(mime, "html")


def test_whoever_asks_for_somebody_else_is_greeted() -> None:
    mime = a_composed(MessageKind.RECEIVED_PATIENT, a_request(booker=Booker("Rosa", "Núñez", "mother")))
    assert "Hello Rosa" in text_of(mime)
    assert "For: Maria" in text_of(mime), "who asks for two children knows for whom this is"
    assert "Núñez" not in f"{mime['Subject']}{text_of(mime)}"
    alone = a_composed(MessageKind.RECEIVED_PATIENT, a_request())
    assert "For:" not in text_of(alone)


def test_another_provider_is_said() -> None:
    mime = a_composed(MessageKind.CONFIRMED_PATIENT, linked("brandt"))
    assert "your visit is with Dr. Lena Brandt, not with Dr. Amara Osei" in text_of(mime)


class TestPlace:
    """Mail says where the visit is, as the source has it (product section 6)."""

    PLACES = {
        "main": Location("main", "Harbor Clinic", "1 Main St, Oakland", "America/Los_Angeles"),
        "east": Location("east", "Harbor East", "9 Mesa Rd, Denver", "America/Denver", external_id="loc-9"),
    }

    def at(self, place: str) -> Request:
        request = linked()
        assert request.link
        return replace(request, link=replace(request.link, location=place))

    def test_it_is_the_visits_own_with_its_zone_and_what_differs_is_marked(self) -> None:
        mime = a_composed(MessageKind.CONFIRMED_PATIENT, self.at("loc-9"), locations=self.PLACES)
        text, event = text_of(mime), calendar_of(mime)
        assert "Harbor East, 9 Mesa Rd, Denver" in text
        assert "your visit is at Harbor East, not at Harbor Clinic" in text
        assert "your visit is at Harbor East, not at Harbor Clinic" in text_of(mime, "html")
        assert "10:30 AM (MST)" in text
        assert event
        assert event["LOCATION"] == "Harbor East, 9 Mesa Rd, Denver"
        assert event["DTSTART"].params["TZID"] == "America/Denver"

    @pytest.mark.parametrize("place", ["", "loc-unknown"])
    def test_where_the_source_names_none_of_ours_it_is_the_providers(self, place: str) -> None:
        mime = a_composed(MessageKind.CONFIRMED_PATIENT, self.at(place), locations=self.PLACES)
        assert "Harbor Clinic, 1 Main St, Oakland" in text_of(mime)
        assert "not at" not in text_of(mime)


@pytest.mark.parametrize(
    ("minutes", "words"), [(None, ""), (239, ""), (240, ""), (241, "4 hours ago"), (600, "10 hours ago")]
)
def test_staff_are_warned_of_a_schedule_that_is_more_than_four_hours_old(minutes: int | None, words: str) -> None:
    text = text_of(a_composed(MessageKind.RECEIVED_STAFF, schedule_age=minutes))
    assert ("your schedule was last read" in text) is bool(words)
    assert words in text


def test_staff_see_that_there_is_no_address() -> None:
    mime = a_composed(MessageKind.RECEIVED_STAFF, a_request(patient=a_patient(email=None)))
    assert "No e-mail: call" in text_of(mime)


def test_all_messages_of_a_request_are_one_thread_for_the_patient_and_another_for_staff() -> None:
    threads: dict[bool, set[str]] = {True: set(), False: set()}
    for kind in OF_REQUEST:
        mime = a_composed(kind)
        assert mime["References"] == mime["In-Reply-To"] != mime["Message-ID"]
        threads[kind.to_staff].add(mime["References"])
    assert [len(one) for one in threads.values()] == [1, 1]
    assert threads[True] != threads[False]


def test_what_is_told_of_a_source_is_one_thread_of_its_practice() -> None:
    broken, well = (
        a_composed(kind)["References"] for kind in (MessageKind.SOURCE_BROKEN_STAFF, MessageKind.SOURCE_WELL_STAFF)
    )
    assert broken == well
    assert a_composed(MessageKind.SOURCE_BROKEN_STAFF, slug="dock")["References"] != broken
    assert a_composed(MessageKind.DIGEST_STAFF)["References"] != broken


def calendar_of(mime: EmailMessage) -> icalendar.Event | None:
    """The visit in the message's calendar file, which stands in it twice."""
    files = [part for part in mime.iter_attachments() if part.get_filename()]
    parts = [part for part in mime.walk() if part.get_content_type() == "text/calendar"]
    if not files:
        assert not parts
        return None
    (file,), (part,) = files, parts
    assert str(part.get_content()).replace("\n", "\r\n").replace("\r\r", "\r").encode() == file.get_content()
    calendar = icalendar.Calendar.from_ical(file.get_content())
    assert calendar["METHOD"] == part.get_param("method")
    (event,) = calendar.walk("VEVENT")
    event["METHOD"] = calendar["METHOD"]
    return event


class TestCalendarFile:
    def test_whoever_is_confirmed_gets_the_visit(self) -> None:
        event = calendar_of(a_composed(MessageKind.CONFIRMED_PATIENT, linked(version=2)))
        assert event
        assert (event["METHOD"], event["STATUS"], event["SEQUENCE"]) == ("REQUEST", "CONFIRMED", 2)
        assert event["UID"] == uid_of("harbor", a_request().id)
        assert event["SUMMARY"] == "Appointment, Harbor Clinic"
        assert event.decoded("DTSTART") == START
        assert event["ATTENDEE"] == "mailto:maria@example.org"

    def test_it_says_who_whom_to_call_and_how_long(self) -> None:
        event = calendar_of(a_composed(MessageKind.CONFIRMED_PATIENT, linked()))
        assert event
        assert event.decoded("DTEND") - event.decoded("DTSTART") == timedelta(minutes=30)
        assert event["DESCRIPTION"] == "Dr. Amara Osei\nQuestions? Call Harbor Clinic at (415) 555-0100."
        assert event["ORGANIZER"] == "mailto:front@harbor.example"
        assert event["ORGANIZER"].params["SENT-BY"] == f"mailto:{SENDER}"

    def test_what_staff_undo_is_cancelled_with_the_length_it_was_asked_for(self) -> None:
        event = calendar_of(a_composed(MessageKind.CORRECTION_PATIENT, old=True))
        assert event
        assert event.decoded("DTEND") - event.decoded("DTSTART") == timedelta(minutes=30)

    @pytest.mark.parametrize(("language", "name"), [("en", "appointment.ics"), ("es", "cita.ics")])
    def test_the_file_has_a_name_that_people_know(self, language: str, name: str) -> None:
        (file,) = [
            one.get_filename()
            for one in a_composed(MessageKind.CONFIRMED_PATIENT, linked(language=language)).iter_attachments()
            if one.get_filename()
        ]
        assert file == name

    def test_a_move_has_the_same_name_and_a_higher_number(self) -> None:
        first = calendar_of(a_composed(MessageKind.CONFIRMED_PATIENT, linked(version=2)))
        moved = calendar_of(a_composed(MessageKind.RESCHEDULED_PATIENT, linked(version=3)))
        assert first
        assert moved
        assert first["UID"] == moved["UID"]
        assert first["SEQUENCE"] < moved["SEQUENCE"]
        assert moved["METHOD"] == "REQUEST"

    @pytest.mark.parametrize("kind", [MessageKind.CANCELLED_PATIENT, MessageKind.CORRECTION_PATIENT])
    def test_what_the_patient_knew_of_is_cancelled_at_that_time(self, kind: MessageKind) -> None:
        event = calendar_of(a_composed(kind, linked(version=4), old=True))
        assert event
        assert (event["METHOD"], event["STATUS"]) == ("CANCEL", "CANCELLED")
        assert event["UID"] == uid_of("harbor", a_request().id)
        assert event.decoded("DTSTART") == BEFORE

    def test_so_it_is_where_days_were_asked_for(self) -> None:
        event = calendar_of(a_composed(MessageKind.CORRECTION_PATIENT, without_a_time(), old=True))
        assert event
        assert (event["METHOD"], event.decoded("DTSTART")) == ("CANCEL", BEFORE)
        assert event.decoded("DTEND") - event.decoded("DTSTART") == timedelta(minutes=30)
        gone = calendar_of(
            a_composed(MessageKind.CORRECTION_PATIENT, without_a_time(visit_type_id="no-more"), old=True)
        )
        assert gone
        assert gone.decoded("DTEND") > gone.decoded("DTSTART")

    def test_of_what_was_never_confirmed_nothing_is_cancelled(self) -> None:
        assert calendar_of(a_composed(MessageKind.CANCELLED_PATIENT, old=False)) is None

    @pytest.mark.parametrize("kind", sorted(set(OF_REQUEST) - messages.TELL_A_VISIT - set(TELLING_OF_ANOTHER)))
    def test_other_messages_bring_none(self, kind: MessageKind) -> None:
        assert calendar_of(a_composed(kind)) is None

    def test_it_speaks_the_patients_language(self) -> None:
        event = calendar_of(a_composed(MessageKind.CONFIRMED_PATIENT, linked(language="es")))
        assert event
        assert event["SUMMARY"] == "Cita, Harbor Clinic"


@pytest.mark.parametrize("kind", OF_REQUEST)
def test_a_provider_who_left_the_practice_stops_no_message(kind: MessageKind) -> None:
    gone = a_request(provider_id="left", visit_type_id="left", location_id="left")
    assert a_composed(kind, gone)["Subject"]


@pytest.mark.parametrize("kind", OF_REQUEST)
def test_a_request_without_a_time_has_messages_too(kind: MessageKind) -> None:
    assert a_composed(kind, a_request(slot=None))["Subject"]


def without_a_time(number: int = 2, **changes: Any) -> Request:
    """*Ask for another time*: so many days, in the morning."""
    days = tuple(START.date() + timedelta(days=2 * one) for one in range(number))
    return a_request(slot=None, preferred=PreferredTimes(days, (PartOfDay.MORNING,), START, START), **changes)


class TestAVisitThatIsNoMore:
    """Whoever ended it: the practice, or the patient who asked for it. Nobody says then that the practice "cannot see you"."""

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_of_a_cancelled_visit_it_says_not_to_come(self, language: str) -> None:
        asked = a_request(language=language)
        visit = text_of(a_composed(MessageKind.CANCELLED_PATIENT, asked, old=True))
        assert ("Please do not come" in visit) == (language == "en")
        assert ("No acuda" in visit) == (language == "es")
        assert not [one for one in ("cannot see you", "no puede atenderle") if one in visit]
        assert "do not come" not in text_of(a_composed(MessageKind.CANCELLED_PATIENT, a_request(), old=False))

    @pytest.mark.parametrize(("state", "waits"), [(RequestState.REQUESTED, True), (RequestState.CANCELLED, False)])
    def test_a_correction_asks_to_wait_only_while_somebody_may_confirm(self, state: RequestState, waits: bool) -> None:
        text = text_of(a_composed(MessageKind.CORRECTION_PATIENT, a_request(state=state)))
        assert ("before Harbor Clinic confirms" in text) == waits

    @pytest.mark.parametrize("kind", [MessageKind.CANCELLED_PATIENT, MessageKind.CORRECTION_PATIENT])
    def test_staff_are_asked_to_call_about_the_time_that_the_patient_knows(self, kind: MessageKind) -> None:
        call = CallTask("000002-x", kind, Why.BOUNCED, NOW, BEFORE)
        mime = a_composed(MessageKind.UNREACHABLE_STAFF, a_request(call=call))
        assert "November 23" in mime["Subject"]
        assert "November 24" not in text_of(mime)


class TestDaysInPlaceOfATime:
    """Such a request holds no place, and there is no time that it could be refused or confirmed at."""

    @pytest.mark.parametrize("kind", OF_REQUEST)
    def test_the_days_are_named(self, kind: MessageKind) -> None:
        assert "Preferred days: Tue, Nov 24; Thu, Nov 26 (morning)" in text_of(a_composed(kind, without_a_time()))

    @pytest.mark.parametrize(
        ("kind", "said", "unsaid"),
        [
            (MessageKind.RECEIVED_STAFF, "No place is held", "The request becomes Confirmed by itself"),
            (MessageKind.UNANSWERED_STAFF, "link it on the page below", "Enter the visit"),
            (MessageKind.CANCELLED_PATIENT, "cannot see you on these days", "at this time"),
            (MessageKind.CANCELLED_BY_PATIENT_STAFF, "remove it there", "The time is free"),
            (MessageKind.EXPIRED_PATIENT, "the days that you asked for have passed", "its time has passed"),
        ],
    )
    def test_it_is_said_in_other_words(self, kind: MessageKind, said: str, unsaid: str) -> None:
        other, usual = text_of(a_composed(kind, without_a_time())), text_of(a_composed(kind))
        assert said in other
        assert unsaid not in other
        assert unsaid in usual

    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize("kind", OF_REQUEST)
    def test_many_days_leave_the_subject_short_and_stand_in_the_letter(self, kind: MessageKind, language: str) -> None:
        mime = a_composed(kind, without_a_time(31, language=language), language=language)
        assert len(mime["Subject"]) <= 120
        assert text_of(mime).count(";") >= 30
        if "Nov 24" in mime["Subject"]:
            assert "Tue, Nov 24 … Sat, Jan 23 (morning)" in mime["Subject"]


@pytest.mark.parametrize("kind", [MessageKind.RECEIVED_PATIENT, MessageKind.NOT_CONFIRMED_PATIENT])
def test_no_answer_by_mail_is_promised_where_none_will_come(kind: MessageKind) -> None:
    assert "answer by e-mail" in text_of(a_composed(kind))
    silent = text_of(a_composed(kind, switches=Switches(confirmed=False)))
    assert "e-mail" not in silent
    assert "The page below shows how your request stands." in silent
    assert "ot come" in silent


@pytest.mark.parametrize("state", [RequestState.CANCELLED, RequestState.EXPIRED])
def test_a_correction_says_how_the_request_stands_now(state: RequestState) -> None:
    text = text_of(a_composed(MessageKind.CORRECTION_PATIENT, a_request(state=state)))
    assert {"cancelled": "State: Cancelled", "expired": "State: Not answered in time"}[str(state)] in text


def test_of_a_visit_that_was_confirmed_it_says_that_the_visit_is_cancelled() -> None:
    told = a_composed(MessageKind.CANCELLED_PATIENT, linked(), old=True)
    assert "your visit on Monday, November 23, 2026 was cancelled" in told["Subject"]
    assert "Your visit was cancelled" in text_of(told)
    assert "Your request was cancelled" in text_of(a_composed(MessageKind.CANCELLED_PATIENT, old=False))


def test_a_digest_names_the_visits_and_no_patient() -> None:
    text = text_of(a_composed(MessageKind.DIGEST_STAFF))
    assert "Tuesday, November 24, 2026, 9:30 AM (PST), Dr. Amara Osei" in text
    assert "Another time" in text


def test_a_digest_says_how_many_more_there_are() -> None:
    composer = MailComposer("https://book.example", SENDER, FakeClock(NOW))
    notice = Notice("harbor", "digest_1", MessageKind.DIGEST_STAFF, NOW)
    for waiting, more in ((50, []), (51, ["And 1 more."]), (60, ["And 10 more."])):
        raw = composer.of_practice(notice, a_practice(), [a_request()] * waiting, ("a@x.example",))
        mime = message_from_bytes(raw, policy=policy.default)
        assert isinstance(mime, EmailMessage)
        assert mime["Subject"] == f"{waiting} requests wait for an answer"
        for part in ("plain", "html"):
            assert text_of(mime, part).count(f"appointments/{a_request().id}") == 50
            assert re.findall(r"And \d+ more\.", text_of(mime, part)) == more


def test_later_messages_carry_the_number_of_their_change() -> None:
    submitted = requests.submitted(a_request(), messages.on_submit(True)).after
    cancelled = requests.cancelled(submitted, requests.PATIENT, NOW, messages.on_cancel_by_patient(True)).after
    assert [one.id for one in cancelled.due][2:] == [
        "000002-cancelled_by_patient_staff",
        "000002-cancelled_by_patient_receipt",
    ]
