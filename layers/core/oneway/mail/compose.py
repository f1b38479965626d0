"""A request and a message kind → a whole message (product section 6).

No message carries a birth date, a reason for the visit, insurance, or a full name in its subject; mail to a patient goes
only to the address typed in the request.
"""

from collections.abc import Callable
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment

from ..colours import readable_on
from ..domain.clock_time import zone_of
from ..domain.messages import DueMessage, MessageKind
from ..domain.practices import Practice
from ..domain.requests import Request
from ..languages import LANGUAGES, formats, mail_words
from ..phones import shown
from ..ports import Clock
from ..templates import environment

_HERE = Path(__file__).parent
_STATES = {
    MessageKind.RECEIVED_STAFF: "pending",
    MessageKind.RECEIVED_PATIENT: "pending",
    MessageKind.CONFIRMED_PATIENT: "confirmed",
    MessageKind.CANCELLED_PATIENT: "cancelled",
    MessageKind.RESCHEDULED_PATIENT: "confirmed",
    MessageKind.CORRECTION_PATIENT: "pending",
    MessageKind.CANCELLED_BY_PATIENT_STAFF: "cancelled",
    MessageKind.CANCELLED_BY_PATIENT_RECEIPT: "cancelled",
    MessageKind.ASKED_TO_CANCEL_STAFF: "asked",
    MessageKind.ASKED_TO_CANCEL_RECEIPT: "asked",
}


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a person reads."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class ComposedMessage:
    """A whole MIME message and the addresses it goes to."""

    mime: bytes
    recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Composer:
    """Writes messages of one stack; `public_url` is where its links lead, `sender` the verified address."""

    public_url: str
    sender: str
    clock: Clock

    def __call__(self, due: DueMessage, practice: Practice, request: Request, link: str) -> ComposedMessage | None:
        """The message; None where there is no address to send it to. `link` is the request's private link."""
        recipients = practice.recipients if due.kind.to_staff else tuple(filter(None, [request.patient.email]))
        if not recipients:
            return None
        rendered = self.render(due, practice, request, link)
        mime = EmailMessage()
        mime["Subject"] = _one_line(rendered.subject)
        mime["From"] = Address(_one_line(practice.name), addr_spec=self.sender)
        mime["To"] = ", ".join(recipients)
        mime["Reply-To"] = practice.reply_to
        mime["Date"] = format_datetime(self.clock.now())
        host = self.sender.rpartition("@")[2]
        mime["Message-ID"] = f"<{request.id}.{due.id}@{host}>"
        if request.version > 1:
            audience = MessageKind.RECEIVED_STAFF if due.kind.to_staff else MessageKind.RECEIVED_PATIENT
            mime["References"] = f"<{request.id}.000001-{audience}@{host}>"
        mime["Auto-Submitted"] = "auto-generated"
        mime.set_content(rendered.text)
        mime.add_alternative(rendered.html, subtype="html")
        return ComposedMessage(mime.as_bytes(), recipients)

    def render(self, due: DueMessage, practice: Practice, request: Request, link: str) -> Rendered:
        """A message's subject, HTML and text."""
        template = _environment().get_template(f"{due.kind}.jinja")
        values = self._values(due, practice, request, link)
        parts = {part: template.render(part=part, **values).strip() for part in ("subject", "html", "text")}
        return Rendered(**parts)

    def _values(self, due: DueMessage, practice: Practice, request: Request, link: str) -> dict[str, Any]:
        kind = due.kind
        language = practice.language if kind.to_staff else request.language
        language = language if language in LANGUAGES else "en"
        t = _speaker(language)
        provider = practice.provider(request.link.provider_id if request.link else request.provider_id)
        asked_provider = practice.provider(request.provider_id)
        location = practice.location_of(provider)
        visit_type = practice.visit_types[request.visit_type_id]
        zone = zone_of(location.zone)
        # Of a visit that is cancelled the patient may know another time than it had in the end.
        start = (due.old_start if kind is MessageKind.CANCELLED_PATIENT else None) or request.start
        when, old = (
            formats.moment(at, zone, language, practice.country) if at else "" for at in (start, due.old_start)
        )
        asked_days = request.preferred if start is None else None
        if asked_days:
            parts = (t(f"part.{part}") for part in asked_days.parts)
            when = formats.preferred(asked_days.days, parts, language, practice.country)
        state = "cancelled" if kind is MessageKind.CORRECTION_PATIENT and request.closed else _STATES[kind]
        facts = [
            (t("state"), t(state)),
            (t("before"), old if kind is MessageKind.RESCHEDULED_PATIENT else ""),
            (t("preferred" if asked_days else "when"), when),
            (t("with"), provider.name),
            (t("what"), visit_type.name_in(language)),
            (t("where"), f"{location.name}, {location.address}"),
        ]
        person = request.booker or request.patient
        details = f"{self.public_url}/portal/{practice.slug}/appointments/{request.id}"
        return {
            "t": t,
            "kind": str(kind),
            "text": f"{kind}.text_days" if asked_days and kind is MessageKind.RECEIVED_STAFF else f"{kind}.text",
            "language": language,
            "practice": practice,
            "provider": provider,
            "asked_provider": asked_provider,
            "other_provider": provider.id != asked_provider.id,
            "when": when,
            "old": old,
            "day": formats.day(start.astimezone(zone).date(), language, practice.country) if start else when,
            "facts": [fact for fact in facts if fact[1]],
            "greeting": "" if kind.to_staff else person.first_name,
            "note": request.note_to_patient,
            "link": details if kind.to_staff else f"{self.public_url}/my-request/{practice.slug}/{link}",
            "link_text": t("view") if kind.to_staff else t("look_up"),
            "to_patient": not kind.to_staff,
            "phone": shown(practice.phone, practice.country),
            "on_accent": readable_on(practice.accent),
        }


def _speaker(language: str) -> Callable[..., str]:
    words = mail_words(language)

    def t(key: str, **values: str) -> str:
        return words[key].format(**values)

    return t


def _one_line(text: str) -> str:
    return " ".join(text.split())


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return environment(_HERE / "compiled", [_HERE / "templates"])
