"""Every message with sample data: what staff and patients get, to be looked at before anybody gets it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from msgspec.structs import replace
from oneway.domain.appointments import AppointmentState
from oneway.domain.messages import TELL_A_VISIT, CallTask, DueMessage, MessageKind, Why
from oneway.domain.notices import Notice
from oneway.domain.practices import Practice
from oneway.domain.requests import Link, Patient, Request, RequestedSlot, RequestState
from oneway.mail.compose import MailComposer

SENDER = "appointments@oneway.example"
PATIENT = "maria@example.org"
_URL = "https://book.example"
_NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
_START = datetime(2026, 11, 26, 17, 30, tzinfo=UTC)
_TELLS_OLD = TELL_A_VISIT - {MessageKind.CONFIRMED_PATIENT} | {
    MessageKind.CORRECTION_PATIENT,
    MessageKind.CANCELLED_PATIENT,
}


@dataclass(frozen=True, slots=True)
class Sample:
    """A message as it would be sent: whole MIME, and its recipients."""

    kind: MessageKind
    language: str
    mime: bytes
    recipients: tuple[str, ...]


class _StoppedClock:
    def now(self) -> datetime:
        return _NOW

    def pause(self, seconds: float) -> None:
        """Never called."""


def samples(practice: Practice, language: str, logo: tuple[str, bytes] | None = None) -> Iterator[Sample]:
    """Every message of a practice in a language, in the order of the product's table."""
    practice = replace(practice, language=language)
    composer = MailComposer(_URL, SENDER, _StoppedClock(), lambda _: logo)
    request = _request(practice, language)
    for kind in MessageKind:
        if kind.of_practice:
            subject = next(iter(practice.sources), "") if "source" in kind else ""
            notice = Notice(practice.slug, f"{kind}_1", kind, _NOW, subject)
            mime = composer.of_practice(
                notice, practice, [request, replace(request, slot=None)], practice.staff_recipients
            )
            yield Sample(kind, language, mime, practice.staff_recipients)
            continue
        recipients = practice.staff_recipients if kind.to_staff else (PATIENT,)
        due = DueMessage(f"000001-{kind}", kind, old_start=_START - timedelta(days=1) if kind in _TELLS_OLD else None)
        shown = _as_it_is(kind, request)
        yield Sample(
            kind, language, composer.of_request(due, practice, shown, "sample-private-link", recipients), recipients
        )


def _request(practice: Practice, language: str) -> Request:
    provider = next(iter(practice.providers.values()))
    return Request(
        practice=practice.slug,
        id="abcdefghijklm",
        provider_id=provider.id,
        location_id=provider.location_id,
        visit_type_id=provider.visit_type_ids[0],
        slot=RequestedSlot(_START, _START + timedelta(minutes=30)),
        patient=Patient("Maria", "Núñez", date(1984, 3, 12), "+14155550132", PATIENT),
        new_patient=True,
        language=language,
        contact_consent=True,
        created_at=_NOW,
        fingerprint="",
    )


def _as_it_is(kind: MessageKind, request: Request) -> Request:
    """The request in the state that the message tells of."""
    if kind in TELL_A_VISIT:
        end = _START + timedelta(minutes=30)
        link = Link("visit", request.provider_id, AppointmentState.BOOKED, _START, end)
        return replace(request, state=RequestState.LINKED, link=link, version=2)
    if kind is MessageKind.UNREACHABLE_STAFF:
        return replace(request, call=CallTask("1", MessageKind.CONFIRMED_PATIENT, Why.BOUNCED, _NOW))
    return request
