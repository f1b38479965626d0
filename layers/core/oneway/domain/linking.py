"""How requests and appointments are tied, follow each other, and are untied (product sections 1 to 3).

What a link tells the patient may be held back: until an undo would no longer be silent, until a move has settled, until another
pull has shown that a cancelled visit was not entered anew. A later change overtakes what is still held.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from . import messages
from .appointments import WAITING, Appointment, AppointmentState, RecordPatient
from .errors import RequestAlreadyAnswered
from .messages import DueMessage, MessageKind
from .practices import Switches
from .requests import (
    LOOKED_AGAIN,
    SYNC,
    Actor,
    AwaitedPulls,
    Belief,
    Dismissal,
    Former,
    Happening,
    Knowledge,
    Link,
    Request,
    RequestState,
    Transition,
    changed,
    due_now,
    looked_at_soon,
    with_due,
    with_true_call,
)

UNDO_TIME = timedelta(seconds=60)
"""Messages of what staff accept wait for so long, so that an undo is silent."""
SETTLING_TIME = timedelta(minutes=2)
"""A move in the source is told once it has stood for so long."""
PULLS_OF_A_CANCELLATION = 1
"""Good pulls that a cancellation in the source waits for the visit to be entered anew."""
PULLS_OF_A_MOVE = 2
"""Good pulls that a cancellation as *moved to another time* waits for the visit at that time."""


def confirmed(request: Request, appointment: Appointment, now: datetime, switches: Switches) -> Transition:
    """A pending request that an appointment answers by itself. Raises RequestAlreadyAnswered if it is not pending."""
    if not request.pending:
        raise RequestAlreadyAnswered
    detail = "other_provider" if appointment.provider_id != request.provider_id else ""
    return _linked(request, appointment, SYNC, now, Happening.CONFIRMED, switches, detail)


def accepted(
    request: Request,
    appointment: Appointment,
    by: Actor,
    now: datetime,
    switches: Switches,
    whose: RecordPatient | None = None,
) -> Transition:
    """Staff say that an appointment is the answer, or the cancelled one, which was `whose`, entered anew. The patient is told
    after a minute; of a request that had ended, nothing.

    Raises RequestAlreadyAnswered if the request is linked to a visit that stands.
    """
    waits = now + UNDO_TIME
    if request.may_be_anew:
        after, due = _in_its_place(request, appointment, whose, now, switches, waits)
        after = with_true_call(replace(after, vanished_at=None), due)
        return changed(request, after, by, now, Happening.ACCEPTED, due)
    if request.link is not None:
        raise RequestAlreadyAnswered
    return _linked(request, appointment, by, now, Happening.ACCEPTED, switches, not_before=waits)


def rescheduled(request: Request, appointment: Appointment, now: datetime, switches: Switches) -> Transition:
    """A request that staff cancelled as moved to another time, and the visit at that time: one message tells of both.

    Raises RequestAlreadyAnswered unless the cancellation is still held.
    """
    if not request.moving:
        raise RequestAlreadyAnswered
    return _linked(request, appointment, SYNC, now, Happening.RESCHEDULED, switches)


def came_late(request: Request, appointment: Appointment, now: datetime) -> Transition:
    """A request that had ended, and a visit that answers it after all: staff see it, the patient is told nothing.

    Raises RequestAlreadyAnswered unless it had ended.
    """
    if not request.ended:
        raise RequestAlreadyAnswered
    by = request.cancelled_by if request.state is RequestState.CANCELLED else None
    detail = f"after_{by}" if by else "after_expiry"
    return _linked(request, appointment, SYNC, now, Happening.CAME_LATE, Switches(), detail)


def replaced(
    request: Request,
    appointment: Appointment,
    now: datetime,
    switches: Switches,
    whose: RecordPatient | None = None,
) -> Transition:
    """A linked visit, which was `whose`, that was cancelled, and entered anew at another time: a move. Raises
    RequestAlreadyAnswered.
    """
    if request.link is None or request.link.state is not AppointmentState.CANCELLED:
        raise RequestAlreadyAnswered
    after, due = _in_its_place(request, appointment, whose, now, switches)
    return changed(request, replace(after, vanished_at=None), SYNC, now, Happening.RESCHEDULED, due)


def mirrored(request: Request, appointment: Appointment, now: datetime, switches: Switches) -> Transition | None:
    """A linked request after its appointment changed; None if nothing of it shows. Of one that is tentative or unknown only
    that it is there does, or is not; a suspended link waits for staff.
    """
    before = request.link
    if before is None or request.suspended_at:
        return None
    if appointment.missing_since:
        return _vanished(request, now)
    link = before if appointment.state in WAITING else _link(appointment, before)
    if link == before:
        return _there_again(request, SYNC, now, Happening.REAPPEARED, switches) if request.vanished_at else None
    after, due = replace(request, link=link), tuple[DueMessage, ...]()
    cancelled, was = (one.state is AppointmentState.CANCELLED for one in (link, before))
    if cancelled is not was or (link.start != before.start and not cancelled):
        after, due = _followed(request, before, appointment, now, switches)
    wish = None if cancelled else request.asked_to_cancel_at
    after = with_true_call(replace(after, asked_to_cancel_at=wish, vanished_at=None), due)
    if link.state is not before.state:
        return changed(request, after, SYNC, now, Happening.STATE_CHANGED, due, detail=str(link.state))
    return changed(request, after, SYNC, now, Happening.MOVED, due)


def suspended(request: Request, now: datetime) -> Transition | None:
    """The appointment's patient has become another: nothing is sent, and staff are asked. None if they already are."""
    if request.link is None or request.suspended_at:
        return None
    return changed(request, replace(_without_held(request), suspended_at=now), SYNC, now, Happening.SUSPENDED)


def resumed(
    request: Request, appointment: Appointment | None, by: Actor, now: datetime, switches: Switches
) -> Transition:
    """Staff say that it is this patient's visit all the same: what happened to it meanwhile shows, and is told.

    One change, so that nothing of it can be lost half-way. Raises RequestAlreadyAnswered if it is not suspended.
    """
    before = request.link
    if request.suspended_at is None or before is None:
        raise RequestAlreadyAnswered
    after, due = replace(request, suspended_at=None), tuple[DueMessage, ...]()
    if appointment:
        link, vanished_at = _as_shown(appointment, before, now)
        wish = None if link.state is AppointmentState.CANCELLED else request.asked_to_cancel_at
        look_at = now if vanished_at else request.look_at
        after = replace(after, link=link, asked_to_cancel_at=wish, vanished_at=vanished_at, look_at=look_at)
        if not vanished_at:
            after, due = _following(_without_held(after), link, now, switches)
    detail = str(after.link.state) if after.link and after.link.state is not before.state else ""
    return changed(request, after, by, now, Happening.RESUMED, due, detail=detail)


def undone(
    request: Request,
    by: Actor,
    now: datetime,
    identifiers: str,
    switches: Switches,
    former: Appointment | None = None,
) -> Transition:
    """Staff untie a link: the request is what it was before, and this appointment is not its answer. What it had taken the place
    of is so again, if that visit (`former`) is there, and free.

    Silent while the message that told of it is held; else what the patient was told is corrected. What was being *moved to
    another time*, and was not told yet, is looked for again. Raises RequestAlreadyAnswered if there is no link.
    """
    if request.link is None:
        raise RequestAlreadyAnswered
    if former and request.link.former:
        return _given_back(request, request.link.former, former, by, now, identifiers, switches)
    calm = _without_held(request)
    link = calm.link or request.link
    closed = link.before is not RequestState.REQUESTED
    waits = link.knows.belief is Belief.WAITS
    awaited, due = None, tuple[DueMessage, ...]()
    if waits and closed:
        awaited = AwaitedPulls(PULLS_OF_A_MOVE, now)
        due = due_now(request, messages.on_cancel_by_staff(switches), awaits_pulls=True)
    elif _is_to_correct(link, now):
        corrects = link.told if link.knows.belief is Belief.CANCELLED else ""
        due = due_now(request, messages.on_undo(), old_start=link.knows.start or link.start, corrects=corrects)
    after = replace(
        calm,
        state=link.before,
        link=None,
        asked_to_cancel_at=None,
        vanished_at=None,
        suspended_at=None,
        anew_at=None,
        cancelled_by=request.cancelled_by if link.before is RequestState.CANCELLED else None,
        awaited=awaited,
        dismissals=_with(request.dismissals, Dismissal(link.appointment_id, identifiers)),
        look_at=request.created_at,  # for what came while it was linked: no pull weighed that for it
        # The correction says all that "not confirmed" would say.
        warned_at=now if due and not closed else request.warned_at,
    )
    return changed(request, after, by, now, Happening.UNDONE, due)


def _given_back(
    request: Request,
    former: Former,
    visit: Appointment,
    by: Actor,
    now: datetime,
    identifiers: str,
    switches: Switches,
) -> Transition:
    """A request that is linked again to the visit that it was linked to before, as that one is now: what is not told of it yet is
    told, and a patient who was told of the one that took its place hears that it was a mistake.
    """
    calm = _without_held(request)
    wrong = calm.link or former.link
    again, vanished_at = _as_shown(visit, replace(former.link, knows=wrong.knows, knew=wrong.knows), now)
    cancelled = again.state is AppointmentState.CANCELLED
    due = tuple[DueMessage, ...]()
    # Of a visit that stands *rescheduled* says both: that it is not then, and when it is.
    stands = again.start > now and not cancelled and not vanished_at
    says_both = stands and bool(messages.on_reschedule(switches))
    if _is_to_take_back(wrong, former, now) and not says_both:
        due = due_now(request, messages.on_undo(), old_start=wrong.knows.start)
        known = Knowledge(Belief.CANCELLED)
        again = replace(again, knows=known, knew=known, told="")
    after = replace(
        calm,
        link=again,
        asked_to_cancel_at=None if cancelled else request.asked_to_cancel_at,
        vanished_at=vanished_at,
        suspended_at=None,
        anew_at=None,
        dismissals=_with(request.dismissals, Dismissal(wrong.appointment_id, identifiers)),
        look_at=now,  # for what else may be the visit entered anew
    )
    if not vanished_at:
        after, more = _following(after, again, now, switches)
        due = (*due, *more)
    return changed(request, with_true_call(after, due), by, now, Happening.UNDONE, due, detail="given_back")


def _as_shown(visit: Appointment, link: Link, now: datetime) -> tuple[Link, datetime | None]:
    """A link to a visit as that is now, and since when it has vanished, if it is to come. Of one that is tentative or unknown
    only that is known.
    """
    link = link if visit.state in WAITING else _link(visit, link)
    to_come = link.start > now and link.state is not AppointmentState.CANCELLED
    return link, visit.missing_since if to_come else None


def undo_is_silent(request: Request, now: datetime, former: Appointment | None = None) -> bool:
    """Whether undoing the link now would tell the patient nothing of its visit; `former` is the one that is given back then."""
    link = _without_held(request).link
    if link and link.former and former:
        return not _is_to_take_back(link, link.former, now)
    return link is None or not _is_to_correct(link, now)


def _is_to_take_back(link: Link, former: Former, now: datetime) -> bool:
    """Whether a patient expects a visit to come of which they were told since it took the place of another."""
    knows = link.knows
    return knows != former.link.knows and knows.start is not None and knows.start > now


def _is_to_correct(link: Link, now: datetime) -> bool:
    """Whether a patient who knows of a visit to come has to be told that it was a mistake."""
    if link.knows.belief is Belief.CANCELLED and not _is_told_cancelled(link):
        return False  # of the visit that was cancelled they know; of this one they do not
    told = link.knows.belief not in (Belief.WAITS, Belief.ENDED)
    return told and (link.knows.start or link.start) > now


def _is_told_cancelled(link: Link) -> bool:
    """Whether it is this visit that a patient knows to be cancelled, not one that it was to take the place of."""
    return link.state is AppointmentState.CANCELLED and bool(link.told)


def waited(request: Request, good_at: datetime | None, now: datetime) -> Request:
    """A request after one of the pulls that it awaits, which did not show the visit; after the last one, or where none came for
    so long that nothing more is waited for (None), its messages go out. Only what is due changes, so this is no change of the
    request.
    """
    if request.awaited is None:
        return request
    left = request.awaited.pulls_left - 1
    if request.link:
        request = replace(request, look_at=now)  # for what may be the visit, less surely
    if left and good_at:
        return with_due(replace(request, awaited=AwaitedPulls(left, good_at)), request.due, now)
    if (request.start or request.expires_at) <= now:
        calm = _without_held(request)  # no message concerns a start already past
        return with_due(calm, calm.due, now)
    due = [replace(one, awaits_pulls=False) for one in request.due]
    return with_due(with_true_call(replace(request, awaited=None), due), due, now)


def perhaps_anew(request: Request, found: bool, now: datetime) -> Request:
    """A request whose visit was cancelled, after somebody looked for what may be that one entered anew: where something was
    `found`, staff are asked, until it is gone again. This is no change of the request.
    """
    since = (request.anew_at or now) if found else None
    return replace(request, anew_at=since, look_at=now + LOOKED_AGAIN if found else None)


def released(request: Request, now: datetime) -> Request:
    """A request that lets go the messages whose time has come, but for those whose visit began meanwhile; the same one if there
    are none. Only what is due changes.
    """
    come = [one for one in request.due if one.not_before and one.not_before <= now]
    if not come:
        return request
    calm = _without(request, [one for one in come if one.overtaken(request.start, now)])
    due = [replace(one, not_before=None) if one in come else one for one in calm.due]
    return with_due(calm, due, now)


def free_to_go(request: Request) -> list[DueMessage]:
    """What may be sent of what is due: what is not held, nor tells of a visit that what is held may take back, or that may be
    another person's now: that waits until staff keep the link or undo it.
    """
    due = [one for one in request.due if not (request.suspended_at and _tells_a_visit(one, request))]
    return [one for n, one in enumerate(due) if not one.held and not messages.waits_for(one, due[n + 1 :])]


def _tells_a_visit(due: DueMessage, request: Request) -> bool:
    """Whether it tells the patient of a visit, or staff to call about one."""
    about = request.call.kind if due.kind is MessageKind.UNREACHABLE_STAFF and request.call else due.kind
    return about in messages.OF_A_VISIT


def dismissed(request: Request, appointment_id: str, identifiers: str, by: Actor, now: datetime) -> Transition | None:
    """Staff say that an appointment is not the answer; None if they did before. Raises RequestAlreadyAnswered if it answers the
    request by now: to say so of a link is to undo it.
    """
    if request.link and request.link.appointment_id == appointment_id:
        raise RequestAlreadyAnswered
    dismissal = Dismissal(appointment_id, identifiers)
    if dismissal in request.dismissals:
        return None
    after = replace(request, dismissals=_with(request.dismissals, dismissal), look_at=looked_at_soon(request, now))
    return changed(request, after, by, now, Happening.NOT_THIS)


def dismissal_undone(request: Request, appointment_id: str, by: Actor, now: datetime) -> Transition | None:
    """Staff take back that an appointment is not the answer; None if nobody said so."""
    others = tuple(one for one in request.dismissals if one.appointment_id != appointment_id)
    if others == request.dismissals:
        return None
    after = replace(request, dismissals=others, look_at=looked_at_soon(request, now))
    return changed(request, after, by, now, Happening.PERHAPS_THIS)


def vanished_dismissed(request: Request, by: Actor, now: datetime, switches: Switches) -> Transition:
    """Staff say that a visit which is no longer in the schedule stands. Raises RequestAlreadyAnswered."""
    if request.vanished_at is None:
        raise RequestAlreadyAnswered
    return _there_again(request, by, now, Happening.DISMISSED, switches)


def vanished_cancelled(request: Request, by: Actor, now: datetime, switches: Switches) -> Transition:
    """Staff say that a visit which is no longer in the schedule is cancelled. Raises RequestAlreadyAnswered."""
    if request.vanished_at is None or request.link is None:
        raise RequestAlreadyAnswered
    calm = _without_held(request)
    cancelled = replace(calm.link or request.link, state=AppointmentState.CANCELLED)
    link, due = _told(request, cancelled, now, switches)
    after = replace(calm, link=link, vanished_at=None, asked_to_cancel_at=None, cancelled_by=by.kind, look_at=now)
    return changed(request, with_true_call(after, due), by, now, Happening.CANCELLED, due)


def _linked(
    request: Request,
    appointment: Appointment,
    by: Actor,
    now: datetime,
    what: Happening,
    switches: Switches,
    detail: str = "",
    **hold: Any,
) -> Transition:
    waits = request.pending or request.moving
    knows = Knowledge(Belief.WAITS if waits else Belief.ENDED)
    link = Link(*_seen(appointment), request.state, "", knows, knows, _place(appointment))
    link, due = _told(request, link, now, switches, **hold)
    before = replace(request, due=tuple(one for one in request.due if not one.awaits_pulls), awaited=None)
    after = replace(before, state=RequestState.LINKED, link=link)
    return changed(request, with_true_call(after, due), by, now, what, due, detail=detail)


def _in_its_place(
    request: Request,
    appointment: Appointment,
    whose: RecordPatient | None,
    now: datetime,
    switches: Switches,
    not_before: datetime | None = None,
) -> tuple[Request, tuple[DueMessage, ...]]:
    """A linked request that follows to another visit, in the place of its own, and what is told of it; what it was stays with it,
    for an undo. Raises RequestAlreadyAnswered.
    """
    calm = _without_held(request)
    if calm.link is None:
        raise RequestAlreadyAnswered
    link = replace(calm.link, former=Former(calm.link, whose))
    return _followed(replace(calm, link=link), link, appointment, now, switches, not_before)


def _there_again(request: Request, by: Actor, now: datetime, what: Happening, switches: Switches) -> Transition:
    """A visit that had vanished stands after all: whoever was told otherwise hears it."""
    link, due = _told(request, request.link, now, switches) if request.link else (None, ())
    return changed(request, replace(request, link=link, vanished_at=None), by, now, what, due)


def _followed(
    request: Request,
    before: Link,
    appointment: Appointment,
    now: datetime,
    switches: Switches,
    not_before: datetime | None = None,
) -> tuple[Request, tuple[DueMessage, ...]]:
    """A linked request that follows an appointment to another time, into a cancellation, or out of one, and what is told of it in
    place of what is still held: `not_before` an instant, else once it has settled.
    """
    calm = _without_held(request)
    return _following(calm, _link(appointment, calm.link or before), now, switches, not_before)


def _following(
    calm: Request, link: Link, now: datetime, switches: Switches, not_before: datetime | None = None
) -> tuple[Request, tuple[DueMessage, ...]]:
    """A request of which nothing is held, with its link as it is now, and what is told of that."""
    cancelled = link.state is AppointmentState.CANCELLED
    hold: dict[str, Any] = {}
    if cancelled:
        hold["awaits_pulls"] = True
    elif not_before or link.knows.belief is not Belief.CANCELLED:
        hold["not_before"] = not_before or now + SETTLING_TIME
    awaited = AwaitedPulls(PULLS_OF_A_CANCELLATION, now) if cancelled and link.start > now else None
    link, due = _told(calm, link, now, switches, **hold)
    return replace(calm, link=link, awaited=awaited, anew_at=None), due


def _told(
    request: Request, link: Link, now: datetime, switches: Switches, **hold: Any
) -> tuple[Link, tuple[DueMessage, ...]]:
    """The message that a link calls for, if it is news to the patient, and the link as it is known after it.

    Nothing is told of a start already past, nor of what came after the request had ended.
    """
    knows = link.knows
    if link.start <= now or knows.belief is Belief.ENDED:
        return link, ()
    old: datetime | None = None
    then = Knowledge(Belief.EXPECTS, link.start)
    if link.state is AppointmentState.CANCELLED:
        if knows.belief is Belief.CANCELLED:
            return link, ()
        old = knows.start
        kinds, then = messages.on_cancel_by_staff(switches), Knowledge(Belief.CANCELLED)
    else:
        if knows == then or (knows.belief is Belief.CANCELLED and link.state is not AppointmentState.BOOKED):
            return link, ()
        asked = request.slot.start if request.slot and knows.belief is Belief.WAITS else None
        old = knows.start or asked
        old = None if old == link.start else old
        kinds = messages.on_reschedule(switches) if old else messages.on_confirm(switches)
    due = due_now(request, kinds, old_start=old, **hold)
    return (replace(link, told=due[0].id, knows=then, knew=knows), due) if due else (link, ())


def _vanished(request: Request, now: datetime) -> Transition | None:
    """A visit to come that is no longer in the schedule is an item to act on; nobody is told of it."""
    link = request.link
    if link is None or request.vanished_at or link.start <= now or link.state is AppointmentState.CANCELLED:
        return None
    return changed(request, replace(request, vanished_at=now, look_at=now), SYNC, now, Happening.VANISHED)


def _seen(appointment: Appointment) -> tuple[str, str, AppointmentState, datetime, datetime]:
    return appointment.id, appointment.provider_id, appointment.state, appointment.start, appointment.end


def _link(appointment: Appointment, link: Link) -> Link:
    """A link to an appointment as it is now."""
    return Link(*_seen(appointment), link.before, link.told, link.knows, link.knew, _place(appointment), link.former)


def _place(appointment: Appointment) -> str:
    return appointment.row.location_external_id or ""


def _without_held(request: Request) -> Request:
    """A request without the messages that are still held back: what follows overtakes them."""
    return _without(replace(request, awaited=None), [one for one in request.due if one.held])


def _without(request: Request, dropped: Collection[DueMessage]) -> Request:
    """A request without messages that are not sent: what they would have told, the patient does not know."""
    due = tuple(one for one in request.due if one not in dropped)
    link = request.link
    if link and any(one.id == link.told for one in dropped):
        link = replace(link, told="", knows=link.knew)
    return replace(request, due=due, link=link)


def _with(dismissals: Iterable[Dismissal], dismissal: Dismissal) -> tuple[Dismissal, ...]:
    """With one more. None is ever dropped: the pair would be tied again. Each costs a stored request some 22 bytes (ADR 0014)."""
    others = [one for one in dismissals if one.appointment_id != dismissal.appointment_id]
    return (*others, dismissal)
