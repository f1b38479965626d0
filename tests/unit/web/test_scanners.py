"""Mail scanners and previews fetch every link of a message, several times, before and after the person does: nothing changes.

Of patients' links both GET and HEAD; no HEAD reaches the portal. tests/e2e/test_messages.py asks the deployed API for both.
"""

import re
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, fields
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from oneway.domain.messages import MessageKind
from oneway.faults import AuthRevoked
from oneway.mail import ses_events

from tests.desk import LATER, NADIA, at
from tests.portal import PortalDesk, opened, routes
from tests.ses_events import an_event

from .booking_pages import URL, Patient, links, patient_of

OF_PEOPLE = ("looks", "sessions_by_id", "writes")
"""What a look of somebody signed in writes: an audit record, and their session."""


def received(desk: PortalDesk) -> None:
    desk.ask()


def confirmed(desk: PortalDesk) -> None:
    desk.confirmed()


def moved(desk: PortalDesk) -> None:
    desk.confirmed()
    desk.change(**at(LATER))
    desk.minutes(4)


def called_off(desk: PortalDesk) -> None:
    desk.confirmed()
    desk.call_off()
    desk.minutes(3)


def undone(desk: PortalDesk) -> None:
    request = desk.confirmed()
    desk.tick(minutes=2)
    desk.undo(request)
    desk.tick(minutes=1)


def cancelled_by_patient(desk: PortalDesk) -> None:
    desk.cancel_by_patient("harbor", desk.links.of(desk.ask()))
    desk.deliver()


def asked_to_cancel(desk: PortalDesk) -> None:
    desk.cancel_by_patient("harbor", desk.links.of(desk.confirmed()))
    desk.deliver()


def unanswered(desk: PortalDesk) -> None:
    """A reminder, the next day's digest, "NOT confirmed", and expired."""
    request = desk.ask(start=LATER + timedelta(days=1))
    for hours in (6, 18, 24, 28):
        desk.tick(hours=hours)
    desk.clock.at = LATER + timedelta(days=1)
    desk.minutes(3)
    assert desk.stored(request).closed


def unreachable(desk: PortalDesk) -> None:
    request = desk.ask()
    desk.track_mail(ses_events.read(an_event("recorded_bounce_no_such_user", request.id)))
    desk.deliver()


def source_broke(desk: PortalDesk) -> None:
    for fault in (AuthRevoked(), None):
        desk.source.fault = fault
        desk.minutes(2)


def a_test(desk: PortalDesk) -> None:
    desk.send_test_by_staff("harbor", NADIA)
    desk.deliver()


SCENES: dict[Callable[[PortalDesk], None], set[MessageKind]] = {
    received: {MessageKind.RECEIVED_STAFF, MessageKind.RECEIVED_PATIENT},
    confirmed: {MessageKind.CONFIRMED_PATIENT},
    moved: {MessageKind.RESCHEDULED_PATIENT},
    called_off: {MessageKind.CANCELLED_PATIENT},
    undone: {MessageKind.CORRECTION_PATIENT},
    cancelled_by_patient: {MessageKind.CANCELLED_BY_PATIENT_STAFF, MessageKind.CANCELLED_BY_PATIENT_RECEIPT},
    asked_to_cancel: {MessageKind.ASKED_TO_CANCEL_STAFF, MessageKind.ASKED_TO_CANCEL_RECEIPT},
    unanswered: {
        MessageKind.UNANSWERED_STAFF,
        MessageKind.DIGEST_STAFF,
        MessageKind.NOT_CONFIRMED_PATIENT,
        MessageKind.EXPIRED_PATIENT,
    },
    unreachable: {MessageKind.UNREACHABLE_STAFF},
    source_broke: {MessageKind.SOURCE_BROKEN_STAFF, MessageKind.SOURCE_WELL_STAFF},
    a_test: {MessageKind.TEST_STAFF},
}


@dataclass
class Scanner:
    """Fetches what a mail links to, and what stands behind it, without a session and without a form."""

    desk: PortalDesk
    patient: Patient

    def letters(self) -> Iterator[tuple[MessageKind, list[str]]]:
        """Every message that went out, with its links."""
        for mime, _, _, tags in self.desk.mailer.sent:
            letter = message_from_bytes(mime, policy=policy.default)
            assert isinstance(letter, EmailMessage)
            html, text = (letter.get_body((kind,)) for kind in ("html", "plain"))
            assert html
            assert text
            found = [unescape(one) for one in re.findall(r'href="([^"]+)"', html.get_content())]
            found += re.findall(r"https://book\.example/\S+", text.get_content())
            yield MessageKind(tags["message"].rpartition("-")[2]), sorted(set(found))

    def scan(self) -> None:
        """Every link of every message, again and again."""
        before, sent = self.stored(), len(self.desk.mailer.sent)
        for _, found in self.letters():
            assert found
            for link in found:
                for _ in range(3):
                    self.fetch(link)
        self.desk.deliver()
        assert self.stored() == before
        assert len(self.desk.mailer.sent) == sent

    def fetch(self, link: str) -> None:
        """A link and, of a patient's page, what that links to: its file, and the page that asks whether to cancel."""
        path = urlsplit(link).path
        if path.startswith("/portal/"):
            answer = self.desk.open(path, None)
            assert (answer.status, answer.headers["Location"][:13]) == (303, "/auth/sign-in")
            return
        page = self.patient.open(link)
        assert page.status == 200
        assert page.headers["referrer-policy"] == "no-referrer"
        for address in (link, *(address for address, _ in links(page))):
            if address.removeprefix(URL).startswith("/my-request/"):
                assert [self.patient.open(address, method).status for method in ("HEAD", "GET", "HEAD")] == [200] * 3

    def stored(self) -> dict[str, object]:
        """All that is stored, but for who looked."""
        store = self.desk.store
        return {one.name: copy(getattr(store, one.name)) for one in fields(store) if one.name not in OF_PEOPLE}


@pytest.fixture
def scanner(tmp_path: Path) -> Iterator[Scanner]:
    with opened(PortalDesk(), tmp_path / "portal") as desk:
        (tmp_path / "booking").mkdir()
        yield Scanner(desk, patient_of(desk, tmp_path / "booking"))


def test_every_kind_of_message_is_here() -> None:
    assert set().union(*SCENES.values()) == set(MessageKind)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_fetching_changes_nothing(scanner: Scanner, scene: Callable[[PortalDesk], None]) -> None:
    desk = scanner.desk
    scene(desk)
    assert {kind for kind, _ in scanner.letters()} >= SCENES[scene]
    scanner.scan()

    # The people's own clicks: staff look at the page, the patient presses the button.
    for kind, found in list(scanner.letters()):
        for link in found:
            if kind.to_staff:
                assert desk.open(urlsplit(link).path, NADIA).status == 200
            else:
                page = scanner.patient.open(f"{link}/cancel")
                for form in (one for one in page.forms if one.action.endswith("/cancel")):
                    scanner.patient.submit(page, form)
    desk.deliver()
    scanner.scan()


def test_the_portal_answers_no_head() -> None:
    assert {method for method, _ in routes()} == {"GET", "POST"}


def test_the_button_does_what_no_link_does(scanner: Scanner) -> None:
    """The same addresses with the same names, sent as a person's browser sends them, do change something."""
    request = scanner.desk.ask()
    scanner.scan()
    before = scanner.stored()
    link = scanner.desk.links.of(scanner.desk.stored(request))
    page = scanner.patient.open(f"/my-request/harbor/{link}/cancel")
    scanner.patient.submit(page, page.forms[0])
    assert scanner.stored() != before
    assert scanner.desk.stored(request).closed
