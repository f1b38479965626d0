"""Every message as a person gets it, beside what it never says. `pytest --write-snapshots` writes them anew."""

from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from oneway.domain import messages, requests
from oneway.domain.appointments import AppointmentState
from oneway.domain.messages import DueMessage, MessageKind
from oneway.domain.requests import Booker, Link, Request, RequestState
from oneway.languages import LANGUAGES
from oneway.mail.compose import Composer

from tests.builders import NOW, START, a_patient, a_practice, a_request
from tests.fakes.store import FakeClock

SNAPSHOTS = Path(__file__).parent / "snapshots"
SENDER = "appointments@oneway.example"
LINK = "pr1vate-l1nk"
TELLING_OF_ANOTHER = (MessageKind.RESCHEDULED_PATIENT, MessageKind.CORRECTION_PATIENT)
SECRETS = ("1984", "03-12", "12 March", "Knee", "Acme", "2671")


def a_composed(kind: MessageKind, request: Request | None = None, **practice: object) -> EmailMessage | None:
    composer = Composer("https://book.example", SENDER, FakeClock(NOW))
    due = DueMessage(
        f"000001-{kind}", kind, old_start=START - timedelta(days=1) if kind in TELLING_OF_ANOTHER else None
    )
    composed = composer(due, a_practice(**practice), request or a_request(), LINK)  # type: ignore[arg-type]
    return message_from_bytes(composed.mime, policy=policy.default) if composed else None  # type: ignore[return-value]


def text_of(mime: EmailMessage, kind: str = "plain") -> str:
    part = mime.get_body((kind,))
    assert part
    return str(part.get_content())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", MessageKind)
def test_as_a_person_gets_it(kind: MessageKind, language: str, pytestconfig: pytest.Config) -> None:
    request = a_request(language=language, note_to_patient="Please choose another day.")
    mime = a_composed(kind, request, language=language)
    assert mime
    shown = f"To: {mime['To']}\nSubject: {mime['Subject']}\n\n{text_of(mime)}"
    snapshot = SNAPSHOTS / f"{kind}.{language}.txt"
    if pytestconfig.getoption("--write-snapshots"):
        snapshot.parent.mkdir(exist_ok=True)
        snapshot.write_text(shown, "utf-8")
    assert shown == snapshot.read_text("utf-8")


@pytest.mark.parametrize("kind", MessageKind)
def test_nothing_sensitive_is_in_it(kind: MessageKind) -> None:
    mime = a_composed(kind)
    assert mime
    whole = f"{mime['Subject']}{text_of(mime)}{text_of(mime, 'html')}"
    assert not [secret for secret in SECRETS if secret in whole]
    assert "Núñez" not in whole
    if kind.to_staff:
        assert "Maria" not in whole
        assert LINK not in whole


@pytest.mark.parametrize("kind", MessageKind)
def test_html_and_text_lead_to_the_same_place(kind: MessageKind) -> None:
    mime = a_composed(kind)
    assert mime
    path = f"/portal/harbor/appointments/{a_request().id}" if kind.to_staff else f"/my-request/harbor/{LINK}"
    for part in ("plain", "html"):
        assert f"https://book.example{path}" in text_of(mime, part)


def test_it_comes_from_the_practice_and_answers_go_there() -> None:
    mime = a_composed(MessageKind.RECEIVED_PATIENT)
    assert mime
    assert mime["From"] == f"Harbor Clinic <{SENDER}>"
    assert mime["Reply-To"] == "front@harbor.example"
    assert mime["To"] == "maria@example.org"
    assert mime["Auto-Submitted"] == "auto-generated"


def test_without_an_address_there_is_no_message() -> None:
    assert a_composed(MessageKind.RECEIVED_PATIENT, a_request(patient=a_patient(email=None))) is None
    assert a_composed(MessageKind.RECEIVED_STAFF, a_request(patient=a_patient(email=None)))


def test_names_cannot_forge_headers_or_markup() -> None:
    mime = a_composed(MessageKind.CONFIRMED_PATIENT, name='Harbor\r\nBcc: all@example.org <b>"Clinic"</b>')
    assert mime
    assert mime["Bcc"] is None
    assert "<b>" not in text_of(mime, "html").replace("<body", "")
    person = a_composed(MessageKind.RECEIVED_PATIENT, a_request(patient=a_patient(first_name="<script>x</script>")))
    assert person
    assert "<script>" not in text_of(person, "html")


def test_whoever_asks_for_somebody_else_is_greeted() -> None:
    mime = a_composed(MessageKind.RECEIVED_PATIENT, a_request(booker=Booker("Rosa", "Núñez", "mother")))
    assert mime
    assert "Hello Rosa" in text_of(mime)
    assert "Maria" not in text_of(mime)


def test_another_provider_is_said() -> None:
    link = Link("a", "brandt", AppointmentState.BOOKED, START, START)
    mime = a_composed(MessageKind.CONFIRMED_PATIENT, a_request(state=RequestState.LINKED, link=link))
    assert mime
    assert "your visit is with Dr. Lena Brandt, not with Dr. Amara Osei" in text_of(mime)


def test_later_messages_belong_to_the_first() -> None:
    first = a_composed(MessageKind.RECEIVED_PATIENT)
    submitted = requests.submitted(a_request(), messages.on_submit(True)).after
    cancelled = requests.cancelled(submitted, requests.PATIENT, NOW, ()).after
    later = a_composed(MessageKind.CANCELLED_BY_PATIENT_RECEIPT, cancelled)
    assert first
    assert later
    assert later["References"] == first["Message-ID"]
