"""What the samples of messages tell of: of each the usual case, and those in which it says something else."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from msgspec.structs import replace as changed
from oneway.domain.appointments import AppointmentState
from oneway.domain.messages import TELL_A_VISIT, CallTask, MessageKind, Why
from oneway.domain.practices import Location, Practice
from oneway.domain.requests import (
    Booker,
    Link,
    PartOfDay,
    Patient,
    PreferredTimes,
    Request,
    RequestedSlot,
    RequestState,
)

PATIENT = "maria@example.org"
NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
_START = datetime(2026, 11, 26, 17, 30, tzinfo=UTC)
_END = _START + timedelta(minutes=30)
_BEFORE = _START - timedelta(days=1)
_NOTES = {"es": "Ese día no hay consulta. Elija otro, por favor."}
_NOTE = "We are closed that day. Please choose another one."
_ENDED = {
    MessageKind.CANCELLED_PATIENT: RequestState.CANCELLED,
    MessageKind.CANCELLED_BY_PATIENT_STAFF: RequestState.CANCELLED,
    MessageKind.CANCELLED_BY_PATIENT_RECEIPT: RequestState.CANCELLED,
    MessageKind.EXPIRED_PATIENT: RequestState.EXPIRED,
}
_OLD_HOURS = 6
_MOST = 50
"""So many a digest names (mail/compose.py)."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a message is written of. `waiting` are the requests that a digest names."""

    practice: Practice
    request: Request
    old_start: datetime | None = None
    schedule_age_minutes: int | None = None
    waiting: tuple[Request, ...] = field(default=())


def scenes(kind: MessageKind, practice: Practice, language: str) -> Iterator[tuple[str, Scene]]:
    """The usual case of a message, named "", and the others by their names."""
    usual = _usual(kind, practice, _request(practice, language))
    yield "", usual
    for name, change in _OTHERS.get(kind, {}).items():
        yield name, change(usual)


def _request(practice: Practice, language: str) -> Request:
    provider = next(iter(practice.providers.values()))
    return Request(
        practice=practice.slug,
        id="abcdefghijklm",
        provider_id=provider.id,
        location_id=provider.location_id,
        visit_type_id=provider.visit_type_ids[0],
        slot=RequestedSlot(_START, _END),
        patient=Patient("Maria", "Núñez", date(1984, 3, 12), "+14155550132", PATIENT),
        new_patient=True,
        language=language,
        contact_consent=True,
        created_at=NOW,
        fingerprint="",
    )


def _usual(kind: MessageKind, practice: Practice, request: Request) -> Scene:
    """The request in the state that the message tells of."""
    scene = Scene(practice, request, waiting=(request, _for_days(request)))
    if kind in TELL_A_VISIT:
        old = None if kind is MessageKind.CONFIRMED_PATIENT else _BEFORE
        return replace(scene, request=_linked(request), old_start=old)
    if kind in (MessageKind.CORRECTION_PATIENT, MessageKind.CANCELLED_PATIENT):
        scene = replace(scene, old_start=_BEFORE)
    if kind in (MessageKind.ASKED_TO_CANCEL_STAFF, MessageKind.ASKED_TO_CANCEL_RECEIPT):
        return replace(scene, request=changed(_linked(request), asked_to_cancel_at=NOW))
    if kind in _ENDED:
        return replace(scene, request=changed(request, state=_ENDED[kind]))
    if kind is MessageKind.UNREACHABLE_STAFF:
        return _to_tell(MessageKind.CONFIRMED_PATIENT)(scene)
    return scene


def _linked(request: Request) -> Request:
    link = Link("visit", request.provider_id, AppointmentState.BOOKED, _START, _END)
    return changed(request, state=RequestState.LINKED, link=link, version=2)


def _for_days(request: Request) -> Request:
    days = tuple(_START.date() + timedelta(days=one) for one in (0, 1, 5))
    return changed(request, slot=None, preferred=PreferredTimes(days, (PartOfDay.MORNING,), _START, _END))


def _days(scene: Scene) -> Scene:
    """Some days were asked for, and no time."""
    return replace(scene, request=_for_days(scene.request), old_start=None)


def _old_schedule(scene: Scene) -> Scene:
    return replace(scene, schedule_age_minutes=_OLD_HOURS * 60)


def _by_phone(scene: Scene) -> Scene:
    """Whoever asked gave no address."""
    return replace(scene, request=changed(scene.request, patient=changed(scene.request.patient, email=None)))


def _someone_else(scene: Scene) -> Scene:
    """A mother asked for her child."""
    return replace(scene, request=changed(scene.request, booker=Booker("Rosa", "Núñez", "mother")))


def _no_answer_by_mail(scene: Scene) -> Scene:
    """The practice turned the mail that confirms off."""
    switches = changed(scene.practice.switches, confirmed=False)
    return replace(scene, practice=changed(scene.practice, switches=switches))


def _other_provider(scene: Scene) -> Scene:
    practice, link = scene.practice, scene.request.link
    assert link
    own = practice.providers[link.provider_id]
    other = next((one for one in practice.providers.values() if one.id != own.id), None)
    other = other or changed(own, id="sample", name="Dr. Robin Field")
    practice = changed(practice, providers={**practice.providers, other.id: other})
    return replace(scene, practice=practice, request=changed(scene.request, link=changed(link, provider_id=other.id)))


def _other_place(scene: Scene) -> Scene:
    practice, link = scene.practice, scene.request.link
    assert link
    place = Location("sample", "East Side", "9 Mesa Road", practice.zone, external_id="sample-place")
    practice = changed(practice, locations={**practice.locations, place.id: place})
    return replace(
        scene, practice=practice, request=changed(scene.request, link=changed(link, location="sample-place"))
    )


def _untold(scene: Scene) -> Scene:
    """Nobody told of a visit: what is cancelled is the request."""
    return replace(scene, old_start=None)


def _with_note(scene: Scene) -> Scene:
    note = _NOTES.get(scene.request.language, _NOTE)
    return replace(scene, request=changed(scene.request, note_to_patient=note))


def _closed(scene: Scene) -> Scene:
    return replace(scene, request=changed(scene.request, state=RequestState.CANCELLED))


def _to_tell(kind: MessageKind) -> Callable[[Scene], Scene]:
    """Staff have to tell by phone what a message did not."""
    old = _BEFORE if kind in (MessageKind.CANCELLED_PATIENT, MessageKind.CORRECTION_PATIENT) else None
    task = CallTask("1", kind, Why.BOUNCED, NOW, old)
    return lambda scene: replace(scene, request=changed(scene.request, call=task))


def _waiting(number: int) -> Callable[[Scene], Scene]:
    return lambda scene: replace(scene, waiting=(scene.request,) * number)


_ELSEWHERE = {"other_provider": _other_provider, "other_place": _other_place}
_OTHERS: Mapping[MessageKind, Mapping[str, Callable[[Scene], Scene]]] = {
    MessageKind.RECEIVED_STAFF: {"days": _days, "old_schedule": _old_schedule, "by_phone": _by_phone},
    MessageKind.RECEIVED_PATIENT: {
        "days": _days,
        "someone_else": _someone_else,
        "no_answer_by_mail": _no_answer_by_mail,
    },
    MessageKind.CONFIRMED_PATIENT: _ELSEWHERE,
    MessageKind.RESCHEDULED_PATIENT: _ELSEWHERE,
    MessageKind.CANCELLED_PATIENT: {
        "note": _with_note,
        "request": _untold,
        "request_note": lambda scene: _with_note(_untold(scene)),
        "days": _days,
    },
    MessageKind.CORRECTION_PATIENT: {"closed": _closed},
    MessageKind.NOT_CONFIRMED_PATIENT: {"no_answer_by_mail": _no_answer_by_mail},
    MessageKind.EXPIRED_PATIENT: {"days": _days},
    MessageKind.CANCELLED_BY_PATIENT_STAFF: {"days": _days},
    MessageKind.CANCELLED_BY_PATIENT_RECEIPT: {"days": _days},
    MessageKind.UNANSWERED_STAFF: {"days": _days},
    MessageKind.UNREACHABLE_STAFF: {
        f"tell_{kind.removesuffix('_patient')}": _to_tell(kind)
        for kind in (
            MessageKind.RECEIVED_PATIENT,
            MessageKind.RESCHEDULED_PATIENT,
            MessageKind.CANCELLED_PATIENT,
            MessageKind.CORRECTION_PATIENT,
            MessageKind.NOT_CONFIRMED_PATIENT,
            MessageKind.EXPIRED_PATIENT,
        )
    },
    MessageKind.DIGEST_STAFF: {"one": _waiting(1), "one_more": _waiting(_MOST + 1), "many": _waiting(_MOST + 3)},
}
