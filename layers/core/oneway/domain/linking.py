"""How requests and appointments are tied, follow each other, and are untied (product sections 1 to 3).

What a link tells the patient may be held back: until an undo would no longer be silent, until a move has settled, until another
pull has shown that a cancelled visit was not entered anew. A later change overtakes what is still held.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from . import messages
from .appointments import Appointment, AppointmentState
from .errors import RequestAlreadyAnswered
from .messages import DueMessage, MessageKind
from .practices import Switches
from .requests import (
    SYNC,
    Actor,
    AwaitedPulls,
    Dismissal,
    Happening,
    Link,
    Request,
    RequestState,
    Transition,
    changed,
    due_now,
    with_due,
)

UNDO_TIME = timedelta(seconds=60)
"""Messages of what staff accept wait for so long, so that an undo is silent."""
SETTLING_TIME = timedelta(minutes=2)
"""A move in the source is told once it has stood for so long."""
PULLS_OF_A_CANCELLATION = 1
"""Good pulls that a cancellation in the source waits for the visit to be entered anew."""
PULLS_OF_A_MOVE = 2
"""Good pulls that a cancellation as *moved to another time* waits for the visit at that time."""
MOST_DISMISSALS = 20


def confirmed(request: Request, appointment: Appointment, now: datetime, switches: Switches) -> Transition:
    """A pending request that an appointment answers by itself. Raises RequestAlreadyAnswered if it is not pending."""
    if not request.pending:
        raise RequestAlreadyAnswered
    detail = "other_provider" if appointment.provider_id != request.provider_id else ""
    due = due_now(request, messages.on_confirm(_has_email(request), switches))
    return _linked(request, appointment, SYNC, now, Happening.CONFIRMED, due, detail)


def accepted(request: Request, appointment: Appointment, by: Actor, now: datetime, switches: Switches) -> Transition:
    """Staff say that an appointment is the answer. The patient is told after a minute; of a request that had ended, nothing.

    Raises RequestAlreadyAnswered if the request is linked.
    """
    if request.link is not None:
        raise RequestAlreadyAnswered
    waits = now + UNDO_TIME
    due: tuple[DueMessage, ...] = ()
    if request.moving or (request.pending and _other_time(request, appointment)):
        kinds = messages.on_reschedule(_has_email(request), switches)
        due = due_now(request, kinds, not_before=waits, old_start=request.start)
    elif request.pending:
        due = due_now(request, messages.on_confirm(_has_email(request), switches), not_before=waits)
    return _linked(request, appointment, by, now, Happening.ACCEPTED, due)


def rescheduled(request: Request, appointment: Appointment, now: datetime, switches: Switches) -> Transition:
    """A request that staff cancelled as moved to another time, and the visit at that time: one message tells of both.

    Raises RequestAlreadyAnswered unless the cancellation is still held.
    """
    if not request.moving:
        raise RequestAlreadyAnswered
    kinds = messages.on_reschedule(_has_email(request), switches)
    due = due_now(request, kinds, old_start=request.start)
    return _linked(request, appointment, SYNC, now, Happening.RESCHEDULED, due)


def came_late(request: Request, appointment: Appointment, now: datetime) -> Transition:
    """A request that had ended, and a visit that answers it after all: staff see it, the patient is told nothing.

    Raises RequestAlreadyAnswered unless it had ended.
    """
    if not request.closed or request.moving:
        raise RequestAlreadyAnswered
    by = request.cancelled_by if request.state is RequestState.CANCELLED else None
    return _linked(request, appointment, SYNC, now, Happening.CAME_LATE, (), f"after_{by}" if by else "after_expiry")


def replaced(request: Request, appointment: Appointment, now: datetime, switches: Switches) -> Transition:
    """A linked visit that was cancelled, and entered anew at another time: a move. Raises RequestAlreadyAnswered."""
    if request.link is None or request.link.state is not AppointmentState.CANCELLED:
        raise RequestAlreadyAnswered
    calm = _without_held(request, now)
    # Where a move was not told before the visit was cancelled, the patient knows the time before it.
    old = next((one.old_start for one in request.due if one.awaits_pulls and one.old_start), request.link.start)
    link = _link(appointment, request.link.before, calm.link.told if calm.link else "")
    due = _told_of_move(calm, appointment.start, old, now, switches)
    after = replace(calm, link=link, vanished_at=None)
    return changed(request, after, SYNC, now, Happening.RESCHEDULED, due)


def mirrored(request: Request, appointment: Appointment, now: datetime, switches: Switches) -> Transition | None:
    """A linked request after its appointment changed; None if nothing of it shows. *Unknown* never changes a request, and a
    suspended link waits for staff.
    """
    if request.link is None or request.suspended_at or appointment.state is AppointmentState.UNKNOWN:
        return None
    if appointment.missing_since:
        return _vanished(request, now)
    link = _link(appointment, request.link.before, request.link.told)
    if link == request.link:
        back = replace(request, vanished_at=None)
        return changed(request, back, SYNC, now, Happening.REAPPEARED) if request.vanished_at else None
    before = request.link
    cancelled, was = link.state is AppointmentState.CANCELLED, before.state is AppointmentState.CANCELLED
    asked_to_cancel_at = None if cancelled else request.asked_to_cancel_at
    calm, due = request, tuple[DueMessage, ...]()
    if cancelled and not was:
        calm = _without_held(request, now)
        if link.start > now:
            kinds = messages.on_cancel_by_staff(_has_email(request), switches)
            _, old = _without_move(request, now)
            due = due_now(request, kinds, awaits_pulls=True, old_start=old or before.start)
            calm = replace(calm, awaited=AwaitedPulls(PULLS_OF_A_CANCELLATION, now))
    elif was and not cancelled:
        calm = _without_held(request, now)
        held = len(calm.due) < len(request.due)
        if not held and link.start > now and link.state is AppointmentState.BOOKED:
            due = due_now(request, messages.on_confirm(_has_email(request), switches))
    elif link.start != before.start and not cancelled:
        calm, old = _without_move(request, now)
        due = _told_of_move(calm, link.start, old or before.start, now, switches)
    told = calm.link.told if calm.link else ""
    if before.told and not told and due:
        told = due[0].id  # what told of the link was still held; this tells of it now
    after = replace(calm, link=replace(link, told=told), asked_to_cancel_at=asked_to_cancel_at, vanished_at=None)
    if link.state is not before.state:
        return changed(request, after, SYNC, now, Happening.STATE_CHANGED, due, detail=str(link.state))
    return changed(request, after, SYNC, now, Happening.MOVED, due)


def suspended(request: Request, now: datetime) -> Transition | None:
    """The appointment's patient has become another: what is due of the visit is held, and staff are asked. None if they already
    are.
    """
    if request.link is None or request.suspended_at:
        return None
    return changed(request, replace(request, suspended_at=now), SYNC, now, Happening.SUSPENDED)


def resumed(request: Request, by: Actor, now: datetime) -> Transition:
    """Staff say that it is this patient's visit all the same. Raises RequestAlreadyAnswered."""
    if request.suspended_at is None:
        raise RequestAlreadyAnswered
    return changed(request, replace(request, suspended_at=None), by, now, Happening.RESUMED)


def undone(request: Request, by: Actor, now: datetime, identifiers: str) -> Transition:
    """Staff untie a link: the request is what it was before, and this appointment is not its answer.

    Silent while the message that told of it is held; else what the patient was told is corrected. Raises
    RequestAlreadyAnswered if there is no link.
    """
    link = request.link
    if link is None:
        raise RequestAlreadyAnswered
    calm = _without_held(request, now)
    told = bool(calm.link and calm.link.told) and link.start > now
    due = due_now(request, messages.on_undo(_has_email(request)), old_start=link.start) if told else ()
    after = replace(
        calm,
        state=link.before,
        link=None,
        asked_to_cancel_at=None,
        vanished_at=None,
        suspended_at=None,
        dismissals=_with(request.dismissals, Dismissal(link.appointment_id, identifiers)),
    )
    return changed(request, after, by, now, Happening.UNDONE, due)


def undo_is_silent(request: Request, now: datetime) -> bool:
    """Whether undoing the link now would tell the patient nothing: no message told of it, or it is still held."""
    calm = _without_held(request, now)
    told = calm.link is not None and bool(calm.link.told)
    return not told or calm.link is None or calm.link.start <= now


def waited(request: Request, good_at: datetime, now: datetime) -> Request:
    """A request after one of the pulls that it awaits, which did not show the visit; after the last one, its messages go out.
    Only what is due changes, so this is no change of the request.
    """
    if request.awaited is None:
        return request
    left = request.awaited.pulls_left - 1
    if left:
        return with_due(replace(request, awaited=AwaitedPulls(left, good_at)), request.due, now)
    due = [replace(one, awaits_pulls=False) for one in request.due]
    return with_due(replace(request, awaited=None), due, now)


def dismissed(request: Request, appointment_id: str, identifiers: str, by: Actor, now: datetime) -> Transition | None:
    """Staff say that an appointment is not the answer; None if they did before."""
    dismissal = Dismissal(appointment_id, identifiers)
    if dismissal in request.dismissals:
        return None
    after = replace(request, dismissals=_with(request.dismissals, dismissal))
    return changed(request, after, by, now, Happening.NOT_THIS)


def vanished_dismissed(request: Request, by: Actor, now: datetime) -> Transition:
    """Staff say that a visit which is no longer in the schedule stands. Raises RequestAlreadyAnswered."""
    if request.vanished_at is None:
        raise RequestAlreadyAnswered
    return changed(request, replace(request, vanished_at=None), by, now, Happening.DISMISSED)


def vanished_cancelled(request: Request, by: Actor, now: datetime, switches: Switches) -> Transition:
    """Staff say that a visit which is no longer in the schedule is cancelled. Raises RequestAlreadyAnswered."""
    if request.vanished_at is None or request.link is None:
        raise RequestAlreadyAnswered
    calm = _without_held(request, now)
    told = calm.link.told if calm.link else ""
    link = replace(request.link, state=AppointmentState.CANCELLED, told=told)
    after = replace(calm, link=link, vanished_at=None, asked_to_cancel_at=None, cancelled_by=by.kind)
    due = due_now(request, messages.on_cancel_by_staff(_has_email(request), switches))
    return changed(request, after, by, now, Happening.CANCELLED, due)


def _linked(
    request: Request,
    appointment: Appointment,
    by: Actor,
    now: datetime,
    what: Happening,
    due: tuple[DueMessage, ...],
    detail: str = "",
) -> Transition:
    if appointment.start <= now:
        due = ()  # no message concerns a start already past
    before = replace(request, due=tuple(one for one in request.due if not one.awaits_pulls), awaited=None)
    link = _link(appointment, request.state, due[0].id if due else "")
    after = replace(before, state=RequestState.LINKED, link=link)
    return changed(request, after, by, now, what, due, detail=detail)


def _vanished(request: Request, now: datetime) -> Transition | None:
    """A visit to come that is no longer in the schedule is an item to act on; nobody is told of it."""
    link = request.link
    if link is None or request.vanished_at or link.start <= now or link.state is AppointmentState.CANCELLED:
        return None
    return changed(request, replace(request, vanished_at=now), SYNC, now, Happening.VANISHED)


def _link(appointment: Appointment, before: RequestState, told: str) -> Link:
    return Link(
        appointment.id, appointment.provider_id, appointment.state, appointment.start, appointment.end, before, told
    )


def _without_held(request: Request, now: datetime) -> Request:
    """A request without the messages that are still held back: what follows overtakes them."""
    due = tuple(one for one in request.due if not request.holds(one, now))
    link = request.link
    if link and link.told and any(one.id == link.told for one in request.due if one not in due):
        link = replace(link, told="")
    return replace(request, due=due, link=link, awaited=None)


def _without_move(request: Request, now: datetime) -> tuple[Request, datetime | None]:
    """A request without a move that is not told yet, and the time before that move."""
    held = [one for one in request.due if one.kind is MessageKind.RESCHEDULED_PATIENT and one.held(now)]
    kept = tuple(one for one in request.due if one not in held)
    link = request.link
    if link and any(one.id == link.told for one in held):
        link = replace(link, told="")
    return replace(request, due=kept, link=link), min((one.old_start for one in held if one.old_start), default=None)


def _told_of_move(
    request: Request, start: datetime, old: datetime, now: datetime, switches: Switches
) -> tuple[DueMessage, ...]:
    if start == old or start <= now:
        return ()
    if any(one.held(now) for one in request.due):
        return ()  # what is held tells the time that the visit has when it goes out
    kinds = messages.on_reschedule(_has_email(request), switches)
    return due_now(request, kinds, not_before=now + SETTLING_TIME, old_start=old)


def _other_time(request: Request, appointment: Appointment) -> bool:
    return request.slot is not None and request.slot.start != appointment.start


def _has_email(request: Request) -> bool:
    return bool(request.patient.email)


def _with(dismissals: Iterable[Dismissal], dismissal: Dismissal) -> tuple[Dismissal, ...]:
    others = [one for one in dismissals if one.appointment_id != dismissal.appointment_id]
    return (*others, dismissal)[-MOST_DISMISSALS:]
