"""A message of a request, or a notice to staff → a whole MIME message (product section 6).

No message carries a birth date, a reason for the visit, insurance, or a full name in its subject; mail to a patient goes
only to the address typed in the request.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage, MIMEPart
from email.utils import format_datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from jinja2 import Environment
from msgspec import Struct

from ..calendar_file import CalendarEvent, Method, calendar_file, summary_of, uid_of
from ..colours import readable_on
from ..domain.addresses import as_sent
from ..domain.appointments import AppointmentState
from ..domain.clock_time import zone_of
from ..domain.matching import place_of
from ..domain.messages import TELL_A_VISIT, CallTask, DueMessage, MessageKind
from ..domain.notices import Notice, people_mark
from ..domain.practices import Practice
from ..domain.requests import Request, may_cancel
from ..languages import LANGUAGES, formats, mail_words
from ..phones import shown
from ..ports import Clock
from ..templates import environment
from .headers import ReadablePolicy

_HERE = Path(__file__).parent
_STATES = {
    MessageKind.RECEIVED_STAFF: "pending",
    MessageKind.RECEIVED_PATIENT: "pending",
    MessageKind.UNANSWERED_STAFF: "pending",
    MessageKind.NOT_CONFIRMED_PATIENT: "pending",
    MessageKind.EXPIRED_PATIENT: "expired",
    MessageKind.CONFIRMED_PATIENT: "confirmed",
    MessageKind.CANCELLED_PATIENT: "cancelled",
    MessageKind.RESCHEDULED_PATIENT: "confirmed",
    MessageKind.CORRECTION_PATIENT: "pending",
    MessageKind.CANCELLED_BY_PATIENT_STAFF: "cancelled",
    MessageKind.CANCELLED_BY_PATIENT_RECEIPT: "cancelled",
    MessageKind.ASKED_TO_CANCEL_STAFF: "asked",
    MessageKind.ASKED_TO_CANCEL_RECEIPT: "asked",
}
_OLD_IS_KNOWN = frozenset((MessageKind.CANCELLED_PATIENT, MessageKind.CORRECTION_PATIENT))
"""What takes a visit out of the patient's calendar, at the time that they were told."""
LOGO_ID = "logo"
_SEVEN_BITS = ReadablePolicy(cte_type="7bit", max_line_length=76)
"""Bodies that every relay takes as they are, in lines of at most 76 characters (RFC 2045)."""
_LONG_HEADERS = _SEVEN_BITS.clone(max_line_length=250)
"""A subject on a line of its own: folded at its first word, as it would be by default, it looks forged to some filters."""
_UNWANTED_ANSWERS = "DR, RN, NRN, OOF, AutoReply"
"""All that Exchange may answer by itself, but for NDR: that nobody is there has to come back (MS-OXCMAIL, 2.1.3.2.20)."""
_MOST_IN_DIGEST = 50
_MOST_DAYS_IN_SUBJECT = 3
_OTHER_FOR_DAYS = frozenset(
    (
        MessageKind.RECEIVED_STAFF,
        MessageKind.UNANSWERED_STAFF,
        MessageKind.CANCELLED_PATIENT,
        MessageKind.CANCELLED_BY_PATIENT_STAFF,
        MessageKind.EXPIRED_PATIENT,
    )
)
"""What is said in other words where days were asked for, and no time."""
_PROMISE_MAIL = frozenset((MessageKind.RECEIVED_PATIENT, MessageKind.NOT_CONFIRMED_PATIENT))
"""What tells patients to wait for an answer by mail, unless the practice turned that off."""
_OLD_AFTER_MINUTES = 240
_SHORT_VISIT = timedelta(minutes=15)
"""How long one is of a visit type that is no more: a calendar file says an end after its start."""


class Rendered(Struct, frozen=True):
    """What a person reads."""

    subject: str
    html: str
    text: str


class LogoOf(Protocol):
    """Where logos are kept."""

    def __call__(self, practice: str, /) -> tuple[str, bytes] | None:
        """The kind ("png", "jpeg") and the bytes of a practice's logo; None if it has none."""


def no_logo(practice: str) -> None:
    """Of practices without one."""


class MailComposer(Struct, frozen=True):
    """Writes messages of one stack; `public_url` is where its links lead, `sender` the verified address."""

    public_url: str
    sender: str
    clock: Clock
    logo_of: LogoOf = no_logo

    def of_request(
        self,
        due: DueMessage,
        practice: Practice,
        request: Request,
        link: str,
        recipients: Sequence[str],
        schedule_age_minutes: int | None = None,
    ) -> bytes:
        """A message of a request. `link` is its private link. The schedule's age is said where it is old (product section 4)."""
        values = self._values(due, practice, request, link)
        values["old_hours"] = (
            (schedule_age_minutes or 0) // 60 if (schedule_age_minutes or 0) > _OLD_AFTER_MINUTES else 0
        )
        logo = self.logo_of(practice.slug)
        thread = f"{request.id}.{'staff' if due.kind.to_staff else 'patient'}"
        mime = self._written(practice, str(due.kind), values, recipients, f"{request.id}.{due.id}", thread, logo)
        self._add_calendar_file(mime, due, practice, request, values["t"])
        return _bytes(mime, values["language"])

    def of_practice(
        self, notice: Notice, practice: Practice, waiting: Sequence[Request], recipients: Sequence[str]
    ) -> bytes:
        """A notice to staff; `waiting` are the requests that a digest names."""
        values, logo = self._notice_values(notice, practice, waiting), self.logo_of(practice.slug)
        thread = f"{practice.slug}.{notice.subject or notice.kind}"
        message_id = f"{practice.slug}.{notice.id}.{people_mark(recipients)}"
        mime = self._written(practice, str(notice.kind), values, recipients, message_id, thread, logo)
        return _bytes(mime, values["language"])

    def render(self, due: DueMessage, practice: Practice, request: Request, link: str) -> Rendered:
        """A message's subject, HTML and text."""
        return _rendered(str(due.kind), self._values(due, practice, request, link))

    def _written(
        self,
        practice: Practice,
        kind: str,
        values: dict[str, Any],
        recipients: Sequence[str],
        message_id: str,
        thread: str,
        logo: tuple[str, bytes] | None,
    ) -> EmailMessage:
        rendered, host = _rendered(kind, {**values, "has_logo": logo is not None}), self.sender.rpartition("@")[2]
        mime = EmailMessage(_SEVEN_BITS)
        mime["Subject"] = _one_line(rendered.subject)
        mime["From"] = Address(_one_line(practice.name), addr_spec=self.sender)
        mime["To"] = ", ".join(map(as_sent, recipients))
        mime["Reply-To"] = as_sent(practice.reply_to)
        mime["Date"] = format_datetime(self.clock.now())
        mime["Message-ID"] = f"<{message_id}@{host}>"
        # SES gives each message an id of its own, so that none can name the one before: all of a thread, the first one too, name
        # the same root.
        mime["References"] = mime["In-Reply-To"] = f"<{thread}@{host}>"
        mime["Auto-Submitted"] = "auto-generated"
        mime["X-Auto-Response-Suppress"] = _UNWANTED_ANSWERS
        mime.set_content(rendered.text)
        mime.add_alternative(rendered.html, subtype="html")
        if logo:
            part = mime.get_body(("html",))
            assert isinstance(part, MIMEPart)
            part.add_related(
                logo[1], "image", logo[0], cid=f"<{LOGO_ID}>", disposition="inline", filename=f"logo.{logo[0]}"
            )
        return mime

    def _add_calendar_file(
        self, mime: EmailMessage, due: DueMessage, practice: Practice, request: Request, t: Callable[..., str]
    ) -> None:
        """The visit, or that it is cancelled where the patient was told of it before."""
        start, end = _times(due, practice, request)
        tells = due.kind in TELL_A_VISIT
        if start is None or end is None or not (tells or (due.kind in _OLD_IS_KNOWN and due.old_start)):
            return
        provider, location = _provider_name(practice, request), place_of(request, practice)
        event = CalendarEvent(
            uid=uid_of(request.practice, request.id),
            # What takes a visit back may go out together with what tells of the next one, which has to be the newer.
            sequence=request.version if tells else due.change,
            start=start,
            end=end,
            zone=zone_of(location.zone),
            summary=summary_of(t("calendar"), practice.name),
            location=f"{location.name}, {location.address}",
            description=f"{provider}\n{t('call', practice=practice.name, phone=shown(practice.phone, practice.country))}",
            organizer=(practice.name, as_sent(practice.reply_to)),
            sent_by=self.sender,
            attendee=as_sent(request.patient.email or ""),
        )
        method = Method.REQUEST if tells else Method.CANCEL
        file = calendar_file(event, method, self.clock.now())
        # As another way to read the message, which calendars of mail programs look for, and as a file for all others.
        mime.add_alternative(file, "text", "calendar", params={"method": str(method), "charset": "utf-8"})
        mime.add_attachment(file, "application", "ics", filename=f"{t('calendar.file')}.ics")

    def _values(self, due: DueMessage, practice: Practice, request: Request, link: str) -> dict[str, Any]:
        kind = due.kind
        language = practice.language if kind.to_staff else request.language
        language = language if language in LANGUAGES else "en"
        t = _speaker(language)
        location = place_of(request, practice)
        visit_type = practice.visit_types.get(request.visit_type_id)
        zone = zone_of(location.zone)
        unreached = request.call if kind is MessageKind.UNREACHABLE_STAFF else None
        start = _start_told(unreached or due, request)
        when, old = (
            formats.moment(at, zone, language, practice.country) if at else "" for at in (start, due.old_start)
        )
        asked_days = request.preferred if start is None else None
        if start is None:
            when = _asked_for(request, practice, language, t)
        state = _STATES.get(kind, "")
        if kind is MessageKind.CORRECTION_PATIENT and _is_over(request):
            state = request.shown_state
        facts = [
            (t("state"), t(state) if state else ""),
            (t("tell"), t(f"tell.{unreached.kind}") if unreached else ""),
            (t("before"), old if kind is MessageKind.RESCHEDULED_PATIENT else ""),
            (t("preferred" if asked_days else "when"), when),
            (t("for"), request.patient.first_name if request.booker and not kind.to_staff else ""),
            (t("with"), _provider_name(practice, request)),
            (t("what"), visit_type.name_in(language) if visit_type else ""),
            (t("where"), f"{location.name}, {location.address}"),
            (t("contact"), t("no_email") if kind is MessageKind.RECEIVED_STAFF and not request.patient.email else ""),
        ]
        person = request.booker or request.patient
        details = f"{self.public_url}/portal/{practice.slug}/appointments/{request.id}"
        brief = _asked_for(request, practice, language, t, brief=True) if asked_days else when
        return self._common(practice, str(kind), language) | {
            "text": f"{kind}.{_text_of(due, request, asked_days is not None, practice)}",
            "differs": _differs(practice, request, t),
            "when": brief,
            "old": old,
            "day": formats.day(start.astimezone(zone).date(), language, practice.country) if start else brief,
            "facts": [fact for fact in facts if fact[1]],
            "greeting": "" if kind.to_staff else person.first_name,
            "note": request.note_to_patient,
            "link": details if kind.to_staff else f"{self.public_url}/my-request/{practice.slug}/{link}",
            "link_text": t("view" if kind.to_staff else self._leads_to(request)),
            "to_patient": not kind.to_staff,
            "emergency": kind is MessageKind.RECEIVED_PATIENT,
        }

    def _leads_to(self, request: Request) -> str:
        return "look_up_or_cancel" if may_cancel(request, self.clock.now()) else "look_up"

    def _notice_values(self, notice: Notice, practice: Practice, waiting: Sequence[Request]) -> dict[str, Any]:
        t = _speaker(practice.language)
        rows = []
        for request in waiting[:_MOST_IN_DIGEST]:
            shown_at = _when(request, practice, practice.language, t)
            link = f"{self.public_url}/portal/{practice.slug}/appointments/{request.id}"
            rows.append((f"{shown_at}, {_provider_name(practice, request)}", link))
        source = practice.sources.get(notice.subject)
        facts = [(t("source"), notice.subject), (t("address"), source.address if source else "")]
        return self._common(practice, str(notice.kind), practice.language) | {
            "rows": rows,
            "count": len(waiting),
            "more": max(0, len(waiting) - _MOST_IN_DIGEST),
            "when": "",
            "old": "",
            "day": "",
            "facts": [fact for fact in facts if fact[1]],
            "greeting": "",
            "link": f"{self.public_url}/portal/{practice.slug}/appointments",
            "link_text": t("view_appointments"),
            "to_patient": False,
            "emergency": False,
        }

    def _common(self, practice: Practice, kind: str, language: str) -> dict[str, Any]:
        return {
            "t": _speaker(language),
            "kind": kind,
            "language": language,
            "practice": practice,
            "phone": shown(practice.phone, practice.country),
            "on_accent": readable_on(practice.accent),
            "has_logo": False,
            "count": 0,
            "old_hours": 0,
            "text": f"{kind}.text",
        }


def _bytes(mime: EmailMessage, language: str) -> bytes:
    """The whole message, of which the language is said last: each part that is added takes such headers into the first one."""
    mime["Content-Language"] = language
    return mime.as_bytes(policy=_LONG_HEADERS)


def _times(due: DueMessage, practice: Practice, request: Request) -> tuple[datetime | None, datetime | None]:
    """When the visit of a message's calendar file is: as the patient knows it, where it is one that is no more."""
    start, slot = request.start, request.link or request.slot
    if due.kind in _OLD_IS_KNOWN and due.old_start:
        start = due.old_start
    if due.kind is MessageKind.CORRECTION_PATIENT:
        slot = request.slot
    visit_type = practice.visit_types.get(request.visit_type_id)
    # Where days were asked for, nothing here knows any more how long the visit was that is taken back.
    usual = timedelta(minutes=visit_type.minutes) if visit_type else _SHORT_VISIT
    return start, start + (slot.end - slot.start if slot else usual) if start else None


def _start_told(of: DueMessage | CallTask, request: Request) -> datetime | None:
    """The time that a message is about, or a call in place of one. Of a visit that is no more the patient may know another than
    it had in the end or, told of none, the one that they asked for.
    """
    if of.kind is MessageKind.CANCELLED_PATIENT:
        return of.old_start or (request.slot.start if request.slot else None)
    return (of.old_start if isinstance(of, CallTask) and of.kind in _OLD_IS_KNOWN else None) or request.start


def _text_of(due: DueMessage, request: Request, days: bool, practice: Practice) -> str:
    """Which of a message's texts is true: there are other words for days, where no answer comes by mail, of a visit that is no
    more (whoever asked for that, the patient perhaps), and where nobody will confirm one any more.
    """
    kind = due.kind
    if kind is MessageKind.CANCELLED_PATIENT and due.old_start:
        return "text_visit"
    if kind is MessageKind.CORRECTION_PATIENT and _is_over(request):
        return "text_closed"
    if days and kind in _OTHER_FOR_DAYS:
        return "text_days"
    return "text" if practice.switches.confirmed or kind not in _PROMISE_MAIL else "text_no_mail"


def _is_over(request: Request) -> bool:
    """Whether nobody will confirm a visit any more: the request ended, or is linked to a visit that is cancelled."""
    return request.closed or request.shown_state == AppointmentState.CANCELLED


def _when(request: Request, practice: Practice, language: str, t: Callable[..., str]) -> str:
    """When a visit is, or in a few words when it would suit the patient."""
    if request.start:
        zone = zone_of(place_of(request, practice).zone)
        return formats.moment(request.start, zone, language, practice.country)
    return _asked_for(request, practice, language, t, brief=True)


def _asked_for(
    request: Request, practice: Practice, language: str, t: Callable[..., str], *, brief: bool = False
) -> str:
    """When a visit without a time would suit the patient; `brief`: of many days the first and the last."""
    if request.preferred is None:
        return t("no_time")
    days, parts = request.preferred.days, [t(f"part.{part}") for part in request.preferred.parts]
    if brief and len(days) > _MOST_DAYS_IN_SUBJECT:
        return formats.first_and_last(days, parts, language, practice.country)
    return formats.preferred(days, parts, language, practice.country)


def _name_of(practice: Practice, provider_id: str) -> str:
    provider = practice.providers.get(provider_id)
    return provider.name if provider else practice.name  # who left is not named any more


def _provider_name(practice: Practice, request: Request) -> str:
    return _name_of(practice, request.link.provider_id if request.link else request.provider_id)


def _differs(practice: Practice, request: Request, t: Callable[..., str]) -> list[str]:
    """What of a visit is not as it was asked for, beside its time."""
    if request.link is None:
        return []
    told = []
    if request.link.provider_id != request.provider_id:
        provider, asked = _provider_name(practice, request), _name_of(practice, request.provider_id)
        told.append(t("confirmed_patient.other_provider", provider=provider, asked=asked))
    place, asked_place = place_of(request, practice), practice.locations.get(request.location_id)
    if asked_place and place.id != asked_place.id:
        told.append(t("confirmed_patient.other_place", place=place.name, asked=asked_place.name))
    return told


def _rendered(kind: str, values: dict[str, Any]) -> Rendered:
    template = _environment().get_template(f"{kind}.jinja")
    parts = {part: template.render(part=part, **values).strip() for part in ("subject", "html", "text")}
    return Rendered(**parts)


def _speaker(language: str) -> Callable[..., str]:
    words = mail_words(language)

    def t(key: str, **values: object) -> str:
        if "count" in values:
            key = f"{key}.one" if values["count"] == 1 else f"{key}.other"
        return words[key].format(**values)

    return t


def _one_line(text: str) -> str:
    return " ".join(text.split())


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return environment(_HERE / "compiled", [_HERE / "templates"])
