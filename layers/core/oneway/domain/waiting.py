"""What the clock has to say of a request that waits for an answer, and when (product section 6).

After four open hours staff are reminded, and from then on by one digest a day; a day before the start (two hours, where it was
asked for later) the patient is told not to come; after the start it expires, once a good pull has shown no visit. Where no time
was asked for, the end of the last preferred day stands for the start.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from .availability import Availability
from .clock_time import day_of, instant_of, minute_after, zone_of
from .messages import MessageKind
from .practices import Practice
from .requests import Request, due_meanwhile, with_due

NUDGED_AFTER_MINUTES = 240
"""Open minutes."""
WARNED_BEFORE = timedelta(hours=24)
WARNED_LATE_BEFORE = timedelta(hours=2)
_DAYS_LOOKED_AT = 30
_CLOSED_FOR_LONG = timedelta(days=1)
"""Where nobody can be booked for a month, a day is as good as any."""
_NEARLY_ON_TIME = timedelta(minutes=15)
"""The four hours may be over in the very minute in which the practice closes."""


def nudge_at(practice: Practice, since: datetime) -> datetime:
    """When somebody of the practice had four open hours to answer."""
    left = NUDGED_AFTER_MINUTES
    for begins, ends in _openings(practice.open_hours, zone_of(practice.zone), since):
        if ends - begins >= left:
            return instant_of(begins + left)
        left -= ends - begins
    return since + _CLOSED_FOR_LONG


def next_digest_at(practice: Practice, nudged_at: datetime, after: datetime) -> datetime:
    """When the practice opens after an instant for the first time of a day, on a later day than that of the reminder."""
    zone = zone_of(practice.zone)
    nudged_on = day_of(nudged_at, zone)
    for day, opens in _opening_times(practice, after):
        if day > nudged_on and opens > after:
            return opens
    return after + _CLOSED_FOR_LONG


def is_working(practice: Practice, now: datetime) -> bool:
    """Whether it is between the first opening and the last closing of a day of the practice's."""
    zone = zone_of(practice.zone)
    today = day_of(now, zone)
    openings = _openings(practice.open_hours, zone, _midnight(today, zone))
    of_today = list(takewhile(lambda one: day_of(instant_of(one[0]), zone) == today, openings))
    return bool(of_today) and instant_of(of_today[0][0]) <= now < instant_of(of_today[-1][1])


def _is_time_to_nudge(practice: Practice, request: Request, now: datetime) -> bool:
    """Late, it waits for the practice to work again; where nobody can be booked for a month, nothing is waited for."""
    late = now - nudge_at(practice, request.created_at)
    if late < timedelta():
        return False
    return late < _NEARLY_ON_TIME or is_working(practice, now) or _opens_next(practice, now) is None


def _opens_next(practice: Practice, after: datetime) -> datetime | None:
    openings = (instant_of(begins) for begins, _ in _openings(practice.open_hours, zone_of(practice.zone), after))
    return next((one for one in openings if one > after), None)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def _opening_times(practice: Practice, since: datetime) -> Iterable[tuple[date, datetime]]:
    """The days from an instant's on, that one included, on which the practice opens, and when."""
    zone, last = zone_of(practice.zone), None
    for begins, _ in _openings(practice.open_hours, zone, _midnight(day_of(since, zone), zone)):
        day = day_of(instant_of(begins), zone)
        if day != last:
            yield day, instant_of(begins)
        last = day


def warn_at(request: Request) -> datetime | None:
    """When the patient is told that the visit is not confirmed; None if it was asked for too late even for that."""
    if request.slot is None:
        return None
    early, late = request.slot.start - WARNED_BEFORE, request.slot.start - WARNED_LATE_BEFORE
    if request.created_at < early:
        return early
    return late if request.created_at < late else None


def next_look(practice: Practice, request: Request, after: datetime) -> datetime | None:
    """When the clock has something to say of a request after an instant; None if never."""
    moments = []
    if request.nudged_at is None:
        nudged = nudge_at(practice, request.created_at)
        late = nudged <= after and (_opens_next(practice, after) or after + _CLOSED_FOR_LONG)
        moments.append(late or nudged)
    elif practice.switches.unanswered:
        moments.append(next_digest_at(practice, request.nudged_at, after))
    if request.warned_at is None and (warned := warn_at(request)):
        moments.append(warned)
    moments.append(request.expires_at)
    return min((one for one in moments if one > after), default=None)


def reminded(practice: Practice, request: Request, now: datetime) -> Request:
    """A request that waits, with what the time calls for; the same but for when to look again, if it calls for nothing.

    Late or doubled, it calls for each message once: what was called for is written down with it. Of what has begun it says
    nothing.
    """
    if not request.pending or request.expires_at <= now:
        return request
    kinds: list[MessageKind] = []
    after = request
    if request.nudged_at is None and _is_time_to_nudge(practice, request, now):
        after = replace(after, nudged_at=now)
        if practice.switches.unanswered:
            kinds.append(MessageKind.UNANSWERED_STAFF)
    warned = warn_at(request)
    if request.warned_at is None and warned and warned <= now:
        after = replace(after, warned_at=now)
        if practice.switches.not_confirmed:
            kinds.append(MessageKind.NOT_CONFIRMED_PATIENT)
    after = replace(after, look_at=next_look(practice, after, now))
    return with_due(after, (*request.due, *due_meanwhile(request, kinds)), now) if kinds else after


def in_digest(practice: Practice, requests: Iterable[Request], now: datetime) -> list[Request]:
    """Those of the requests that a digest names: unanswered, of which staff were reminded on an earlier day, still to come."""
    zone = zone_of(practice.zone)
    today = day_of(now, zone)
    return [
        one
        for one in requests
        if one.pending and one.nudged_at and day_of(one.nudged_at, zone) < today and one.expires_at > now
    ]


def digests(practice: Practice, requests: Iterable[Request], now: datetime) -> dict[str, list[Request]]:
    """Whose digest names which of the requests: each address has one, however many of its providers' requests wait."""
    shares: dict[str, tuple[str, list[Request]]] = {}
    for request in in_digest(practice, requests, now):
        for address in practice.recipients_for(request.provider_id):
            shares.setdefault(address.lower(), (address, []))[1].append(request)
    return dict(shares.values())


def _openings(availabilities: Sequence[Availability], zone: ZoneInfo, since: datetime) -> Iterable[tuple[int, int]]:
    """[begin, end) in epoch minutes of the times from an instant on when any of these is open, a month long, in order."""
    first, reached = day_of(since, zone), minute_after(since)
    hours = [one.open_hours(first, _DAYS_LOOKED_AT) for one in availabilities]
    for number in range(_DAYS_LOOKED_AT):
        day = first + timedelta(days=number)
        for opening in sorted({opening for days in hours for opening in days[number]}):
            start = max(_on_the_clock(day, opening.start_minutes, zone), reached)
            end = _on_the_clock(day, opening.end_minutes, zone)
            if start < end:
                yield start, end
                reached = end


def _on_the_clock(day: date, minutes: int, zone: ZoneInfo) -> int:
    """The epoch minute at which the wall clock of a day shows so many minutes after midnight."""
    shown = datetime.combine(day, time.min) + timedelta(minutes=minutes)
    return minute_after(shown.replace(tzinfo=zone).astimezone(UTC))
