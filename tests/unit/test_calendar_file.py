"""A calendar file, read by three libraries that were written apart from each other."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import icalendar
import ics
import pytest
import vobject
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from oneway.calendar_file import CalendarEvent, Method, calendar_file

from tests.builders import NOW, START, ZONE

HALF_AN_HOUR = timedelta(minutes=30)


def an_event(start: datetime = START, zone: str = ZONE, **changes: Any) -> CalendarEvent:
    event = CalendarEvent(
        uid="abc@oneway.example",
        sequence=1,
        start=start,
        end=start + HALF_AN_HOUR,
        zone=ZoneInfo(zone),
        summary="Appointment, Harbor Clinic",
        location="Harbor Clinic, 1 Main St; Oakland",
        description="Questions? Call (415) 555-0100.\nBring: nothing",
        organizer=("Harbor Clinic", "front@harbor.example"),
        sent_by="appointments@oneway.example",
        attendee="maria@example.org",
    )
    return replace(event, **changes)


def by_icalendar(file: bytes) -> dict[str, Any]:
    calendar = icalendar.Calendar.from_ical(file)
    (event,) = calendar.walk("VEVENT")
    assert not event.errors
    return {
        "method": str(calendar["METHOD"]),
        "uid": str(event["UID"]),
        "sequence": int(event["SEQUENCE"]),
        "start": event.decoded("DTSTART").astimezone(UTC),
        "end": event.decoded("DTEND").astimezone(UTC),
        "summary": str(event["SUMMARY"]),
        "location": str(event["LOCATION"]),
        "description": str(event["DESCRIPTION"]),
        "status": str(event["STATUS"]),
        "organizer": str(event["ORGANIZER"]),
        "attendees": [str(event["ATTENDEE"])] if "ATTENDEE" in event else [],
    }


def by_vobject(file: bytes) -> dict[str, Any]:
    calendar = vobject.readOne(file.decode())
    event = calendar.vevent
    return {
        "method": calendar.method.value,
        "uid": event.uid.value,
        "sequence": int(event.sequence.value),
        "start": event.dtstart.value.astimezone(UTC),
        "end": event.dtend.value.astimezone(UTC),
        "summary": event.summary.value,
        "location": event.location.value,
        "description": event.description.value,
        "status": event.status.value,
        "organizer": event.organizer.value,
        "attendees": [one.value for one in event.contents.get("attendee", ())],
    }


def by_ics(file: bytes) -> dict[str, Any]:
    calendar = ics.Calendar(file.decode())
    (event,) = calendar.events
    assert event.organizer
    return {
        "method": calendar.method,
        "uid": event.uid,
        "sequence": next(int(one.value) for one in event.extra if one.name == "SEQUENCE"),
        "start": event.begin.datetime.astimezone(UTC),
        "end": event.end.datetime.astimezone(UTC),
        "summary": event.name,
        "location": event.location,
        "description": event.description,
        "status": event.status,
        "organizer": f"mailto:{event.organizer.email}",
        "attendees": [f"mailto:{one.email}" for one in event.attendees],
    }


READERS = (by_icalendar, by_vobject, by_ics)
Reader = Callable[[bytes], dict[str, Any]]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("method", Method)
def test_others_read_what_was_written(read: Reader, method: Method) -> None:
    event = an_event(sequence=7, summary="Cita, Clínica «Ñandú»; sí\\y no")
    assert read(calendar_file(event, method, NOW)) == {
        "method": method,
        "uid": event.uid,
        "sequence": 7,
        "start": event.start,
        "end": event.end,
        "summary": event.summary,
        "location": event.location,
        "description": event.description,
        "status": "CANCELLED" if method is Method.CANCEL else "CONFIRMED",
        "organizer": "mailto:front@harbor.example",
        "attendees": [] if method is Method.PUBLISH else ["mailto:maria@example.org"],
    }


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("zone", [ZONE, "Europe/Madrid", "America/Phoenix", "Australia/Sydney", "Asia/Kolkata"])
@pytest.mark.parametrize("month", range(1, 13))
def test_the_hour_is_right_all_year(read: Reader, zone: str, month: int) -> None:
    start = datetime(2026, month, 28, 9, 30, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    assert read(calendar_file(an_event(start, zone), Method.REQUEST, NOW))["start"] == start


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("minutes", range(-120, 150, 30))
@pytest.mark.parametrize("change", [datetime(2026, 3, 8, 10, tzinfo=UTC), datetime(2026, 11, 1, 9, tzinfo=UTC)])
def test_the_hour_is_right_around_a_change(read: Reader, minutes: int, change: datetime) -> None:
    start = change + timedelta(minutes=minutes)
    found = read(calendar_file(an_event(start), Method.REQUEST, NOW))
    assert (found["start"], found["end"]) == (start, start + HALF_AN_HOUR)


def offset_in(file: bytes, start: datetime) -> timedelta:
    """The offset that the file's own description of its zone gives a local time, without knowing the zone by name."""
    found = re.findall(rb"DTSTART:(\w+)\r\nTZOFFSETFROM:\S+\r\nTZOFFSETTO:([+-])(\d\d)(\d\d)(\d\d)?\r\n", file)
    local = re.search(rb"DTSTART;TZID=\S+:(\w+)\r\n", file)
    assert found
    assert local
    *_, (_, sign, hours, minutes, seconds) = [one for one in found if one[0] <= local[1]]
    offset = timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds or 0))
    return -offset if sign == b"-" else offset


@given(
    st.sampled_from(sorted(available_timezones() - {"localtime", "UTC", "Factory"})),
    st.datetimes(datetime(2025, 1, 1), datetime(2031, 12, 31)),
)
def test_every_zone_is_described_as_it_is(name: str, moment: datetime) -> None:
    zone, start = ZoneInfo(name), moment.replace(tzinfo=UTC, second=0, microsecond=0)
    file = calendar_file(an_event(start, name), Method.REQUEST, NOW)
    if b"DTSTART;TZID=" in file:
        assert offset_in(file, start) == start.astimezone(zone).utcoffset()
    else:
        assert start.astimezone(zone).fold or zone.key == "UTC"


def test_a_time_that_comes_twice_is_the_second_one_in_utc() -> None:
    second = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)
    assert b"DTSTART:20261101T093000Z\r\n" in calendar_file(an_event(second), Method.REQUEST, NOW)


@given(st.text(), st.text())
def test_no_name_and_no_place_can_break_a_line(name: str, place: str) -> None:
    event = an_event(organizer=(name, "front@harbor.example"), location=place, description=f"{place}\r\n{name}")
    file = calendar_file(event, Method.REQUEST, NOW)
    assert file.endswith(b"\r\n")
    lines = file[:-2].split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    assert all(line.decode() for line in lines)
    unfolded = file.replace(b"\r\n ", b"").decode()
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", unfolded.replace("\r\n", ""))
    names = [re.split("[;:]", line, maxsplit=1)[0] for line in unfolded.split("\r\n")[:-1]]
    plain = calendar_file(an_event(), Method.REQUEST, NOW).replace(b"\r\n ", b"").decode().split("\r\n")[:-1]
    assert names == [re.split("[;:]", line, maxsplit=1)[0] for line in plain]


def test_the_same_is_written_the_same() -> None:
    assert calendar_file(an_event(), Method.REQUEST, NOW) == calendar_file(an_event(), Method.REQUEST, NOW)


def test_dtstamp_is_when_it_was_written() -> None:
    assert b"\r\nDTSTAMP:20261123T180000Z\r\n" in calendar_file(an_event(), Method.PUBLISH, NOW)


def test_a_published_file_names_nobody() -> None:
    assert b"maria" not in calendar_file(an_event(), Method.PUBLISH, NOW)
