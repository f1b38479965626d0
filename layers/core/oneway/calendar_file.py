"""A visit as a calendar file, for pages and for mail (RFC 5545; iTIP, RFC 5546).

Written by hand, because a file of ours is one event of a dozen lines, while the library costs every cold start more than all that
is written here (docs/adr/0017). Three libraries that were written apart from each other read it in the tests.

The zone is described by what it does from the beginning of the visit's year to its end: readers that know no IANA names need it,
and the others go by the name. A time that the clock shows twice means the first one there (RFC 5545, section 3.3.5), so that a
visit at the second is written in UTC.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from msgspec import Struct

_LINE_BYTES = 75
_HOUR = timedelta(hours=1)


class Method(StrEnum):
    """What a file asks its reader to do. *Publish* is a file to keep, the others speak to somebody invited."""

    PUBLISH = "PUBLISH"
    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


class CalendarEvent(Struct, frozen=True):
    """A visit; `uid` stays the same for its life, `sequence` rises whenever what is said here changes.

    `start` and `end` are aware instants, shown in `zone`. `organizer` is a name and an e-mail address, `sent_by` the address that
    writes for it. `attendee` is the patient's address, which a file that is published does not name (RFC 5546, section 3.2.1).
    """

    uid: str
    sequence: int
    start: datetime
    end: datetime
    zone: ZoneInfo
    summary: str
    location: str
    description: str
    organizer: tuple[str, str]
    sent_by: str = ""
    attendee: str = ""


def uid_of(practice: str, request_id: str) -> str:
    """The one name that a visit has in all its files, on pages and in mail."""
    return f"{practice}.{request_id}@oneway"


def summary_of(word: str, practice_name: str) -> str:
    """What a calendar shows of a visit: where, never what for (product section 6)."""
    return f"{word}, {practice_name}"


def calendar_file(event: CalendarEvent, method: Method, now: datetime) -> bytes:
    """The file, in UTF-8 with lines as RFC 5545 wants them. The same event, method and time give the same bytes."""
    start, end = _time("DTSTART", event.start, event.zone), _time("DTEND", event.end, event.zone)
    in_zone = any("TZID" in line for line in (start, end))
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Oneway//Oneway//EN",
        "CALSCALE:GREGORIAN",
        f"METHOD:{method}",
        *(_zone(event.zone, event.start, event.end) if in_zone else ()),
        "BEGIN:VEVENT",
        f"UID:{_text(event.uid)}",
        f"SEQUENCE:{event.sequence}",
        f"DTSTAMP:{_utc(now)}",
        start,
        end,
        f"SUMMARY:{_text(event.summary)}",
        f"LOCATION:{_text(event.location)}",
        f"DESCRIPTION:{_text(event.description)}",
        f"STATUS:{'CANCELLED' if method is Method.CANCEL else 'CONFIRMED'}",
        "CLASS:PRIVATE",
        f"TRANSP:{'TRANSPARENT' if method is Method.CANCEL else 'OPAQUE'}",
        _organizer(event),
        *(_attendee(event.attendee) if event.attendee and method is not Method.PUBLISH else ()),
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{folded}\r\n" for line in lines for folded in _folded(line)).encode()


def _organizer(event: CalendarEvent) -> str:
    name, address = event.organizer
    by = f';SENT-BY="mailto:{_address(event.sent_by)}"' if event.sent_by else ""
    return f'ORGANIZER;CN="{_quoted(name)}"{by}:mailto:{_address(address)}'


def _attendee(address: str) -> Sequence[str]:
    # The patient asked for this visit, so there is nothing to answer.
    parameters = "CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=FALSE"
    return (f"ATTENDEE;{parameters}:mailto:{_address(address)}",)


def _time(name: str, instant: datetime, zone: ZoneInfo) -> str:
    local = instant.astimezone(zone)
    if local.fold or zone.key == "UTC":
        return f"{name}:{_utc(instant)}"
    return f"{name};TZID={zone.key}:{local:%Y%m%dT%H%M%S}"


def _utc(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _zone(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[str]:
    """The zone's offsets from the first day of the visit's year to the last one, in the order in which they begin."""
    first = datetime(start.astimezone(zone).year, 1, 1, tzinfo=UTC) - 24 * _HOUR
    last = datetime(end.astimezone(zone).year, 12, 31, tzinfo=UTC) + 48 * _HOUR
    yield from ("BEGIN:VTIMEZONE", f"TZID:{zone.key}")
    yield from _observance(zone, first, _offset(zone, first))
    at = first
    while at < last:
        if _offset(zone, at) != _offset(zone, at + 24 * _HOUR):
            yield from _observance(zone, _change(zone, at), _offset(zone, at))
        at += 24 * _HOUR
    yield "END:VTIMEZONE"


def _change(zone: ZoneInfo, at: datetime) -> datetime:
    """The instant of the one change of offset in the day after `at`, to the second."""
    low, high = 0, 86400
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, at + timedelta(seconds=middle)) == _offset(zone, at):
            low = middle
        else:
            high = middle
    return at + timedelta(seconds=high)


def _observance(zone: ZoneInfo, since: datetime, before: timedelta) -> Iterator[str]:
    """What holds from an instant on; `before` is the offset until then, in which its local time is written."""
    local, offset = since.astimezone(zone), _offset(zone, since)
    kind = "DAYLIGHT" if local.dst() else "STANDARD"
    yield f"BEGIN:{kind}"
    yield f"DTSTART:{since + before:%Y%m%dT%H%M%S}"
    yield f"TZOFFSETFROM:{_offset_text(before)}"
    yield f"TZOFFSETTO:{_offset_text(offset)}"
    yield f"TZNAME:{local.tzname()}"
    yield f"END:{kind}"


def _offset(zone: ZoneInfo, instant: datetime) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()


def _offset_text(offset: timedelta) -> str:
    seconds = int(offset.total_seconds())
    minutes, rest = divmod(abs(seconds), 60)
    return f"{'-' if seconds < 0 else '+'}{minutes // 60:02d}{minutes % 60:02d}" + (f"{rest:02d}" if rest else "")


def _text(value: str) -> str:
    """A value of type TEXT (RFC 5545, section 3.3.11), without control characters."""
    lines = "\n".join(value.splitlines())
    kept = "".join(one for one in lines if (one >= " " and one != "\x7f") or one in "\n\t")
    return kept.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def _quoted(value: str) -> str:
    """A value between quotation marks, in which there is no way to write one (RFC 5545, section 3.1)."""
    return "".join(one for one in value if one >= " " and one != "\x7f").replace('"', "'")


def _address(value: str) -> str:
    """An e-mail address in a URI; nothing of it can end the line or the parameter."""
    return "".join(one for one in value if one > " " and one not in '"\x7f')


def _folded(line: str) -> Iterator[str]:
    """A content line in pieces of at most 75 octets, none of which splits a character (RFC 5545, section 3.1)."""
    piece, size = "", 0
    for one in line:
        width = len(one.encode())
        if size + width > _LINE_BYTES:
            yield piece
            piece, size = " ", 1
        piece, size = piece + one, size + width
    yield piece
