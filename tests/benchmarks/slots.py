"""Free times: a year and a month of one provider, beside the bare limit and django-appointment; and a whole answer.

Everything is measured in one run, on the same visits. The bare limit is what stored bitmaps would cost: one operation on
ready-made bits a day, and nothing decided. django-appointment asks SQLite in memory; ours unpacks the bytes of its days.
"""

import importlib.util
import json
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace
from oneway.domain import identifiers
from oneway.domain.availability import DefaultWeek, Opening, Week
from oneway.domain.clock_time import first_minute
from oneway.domain.occupancy import DayOccupancy, Occupant, OccupantKind, pack, unpack
from oneway.domain.slots import SlotRules, free_starts

from local.aws import LOCAL, ROOT
from tests.builders import ZONE, a_calendar, a_practice, a_provider
from tests.fakes.store import FakeClock, FakeStore
from tests.world import World

from .timing import Row, seconds

FIRST = date(2027, 1, 4)
PLACE = ZoneInfo(ZONE)
WORKDAY = (Opening(540, 1020),)
OFFICE: Week = (WORKDAY, WORKDAY, WORKDAY, WORKDAY, WORKDAY, (), ())
YEAR, MONTH = 365, 31
RULES = SlotRules(30, 30, 1, 0, 2**40)


def measure(repeats: int) -> list[Row]:
    """Medians of so many repeats."""
    year = {visits: _packed(YEAR, visits) for visits in (20,)}
    bare = _bare(repeats)
    ours = seconds(repeats, lambda: _year(_held(year[20])))
    held = _held(year[20])
    engine = seconds(repeats, lambda: _year(held))
    month = _packed(MONTH, 10)
    django = _django(month, max(3, repeats // 4))
    our_month = seconds(repeats, lambda: _free(_held(month), MONTH))
    same = {
        str(day): [start - first_minute(day, PLACE) for start in found]
        for day, found in _free(_held(month), MONTH).items()
    }
    if same != django["free"]:
        raise AssertionError("the two do not find the same free times")
    times = django["seconds"] / our_month
    rows = [
        Row("bare limit: stored bitmaps, a year", bare * 1000, "1", "", True),
        Row(
            "free starts of a year, 20 visits a day",
            engine * 1000,
            f"{engine / bare:.0f} × bare",
            "≤ 2 ms",
            engine <= 0.002,
        ),
        Row("the same, from stored bytes", ours * 1000, f"{ours / bare:.0f} × bare", "", True),
        Row("a month, 10 visits a day, from stored bytes", our_month * 1000, "1", "", True),
        Row(
            "the same month in django-appointment", django["seconds"] * 1000, f"{times:.0f} ×", "≥ 100 ×", times >= 100
        ),
    ]
    for visits in (20, 60):
        answer = seconds(repeats, _answer(visits))
        what = f"whole answer of 31 days, {visits} visits a day, without the store"
        rows.append(Row(what, answer * 1000, "", "≤ 15 ms", answer <= 0.015))
    return rows


@cache
def _visits(visits: int) -> dict[date, list[tuple[int, int]]]:
    """Visits of each working day of a year: (minute, minutes), apart from each other where they fit."""
    dice = random.Random(1)
    step = max(5, 480 // visits)
    starts = range(540, 1020, step)
    return {
        day: [(start, min(step, 30)) for start in sorted(dice.sample(starts, min(visits, len(starts))))]
        for day in (FIRST + timedelta(days=n) for n in range(YEAR))
        if day.weekday() < 5
    }


def _packed(days: int, visits: int) -> dict[date, bytes]:
    """The days as they are stored."""
    found = {}
    for day, starts in _visits(visits).items():
        if (day - FIRST).days < days:
            begins = first_minute(day, PLACE)
            found[day] = pack(
                [
                    Occupant(
                        begins + at, begins + at + length, OccupantKind.APPOINTMENT,
                        identifiers.appointment_id("harbor", "ehr", f"{day}-{at}"),
                    )
                    for at, length in starts
                ],
                begins,
            )  # fmt: skip
    return found


def _held(packed: dict[date, bytes]) -> dict[date, Sequence[Occupant]]:
    return {day: unpack(raw, first_minute(day, PLACE)) for day, raw in packed.items()}


def _free(held: dict[date, Sequence[Occupant]], days: int) -> dict[date, tuple[int, ...]]:
    hours = [OFFICE[(FIRST + timedelta(days=n)).weekday()] for n in range(days + 1)]
    return free_starts(FIRST, hours, held, PLACE, RULES)


def _year(held: dict[date, Sequence[Occupant]]) -> dict[date, tuple[int, ...]]:
    return _free(held, YEAR)


def _bare(repeats: int) -> float:
    """One AND with ready-made bits a day."""
    pairs = [(random.Random(n).getrandbits(96), random.Random(-n).getrandbits(96)) for n in range(YEAR)]
    return seconds(repeats, lambda: [hours & ~taken for hours, taken in pairs])


def _django(month: dict[date, bytes], repeats: int) -> dict[str, Any]:
    visits = {str(day): _visits(10)[day] for day in month}
    asked = {"first": str(FIRST), "visits": visits, "repeats": repeats}
    python = LOCAL / "bench/bin/python"
    program = ROOT / "tests/benchmarks/django_month.py"
    done = subprocess.run([python, program], input=json.dumps(asked), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _answer(visits: int) -> Callable[[], object]:
    """The booking function's own handler for a month, over a store that costs nothing but unpacking its bytes."""
    function = _booking_function()
    calendar = a_calendar(default_weeks=(DefaultWeek(OFFICE),))
    now = datetime.combine(FIRST - timedelta(days=1), datetime.min.time(), UTC)
    world = World(a_practice(a_provider(), calendars={"osei": calendar}), FakeStore(), FakeClock(now))
    feed = world.store.feeds_by_id["harbor", "ehr~osei"]
    world.store.feeds_by_id["harbor", "ehr~osei"] = replace(feed, last_good_at=now)
    packed = _packed(MONTH, visits)

    def days(practice: str, provider_id: str, zone: str, first: date, last: date) -> dict[date, DayOccupancy]:
        held = _held({day: raw for day, raw in packed.items() if first <= day <= last})
        every = (first + timedelta(days=n) for n in range((last - first).days + 1))
        return {day: DayOccupancy(practice, provider_id, zone, day, 1, tuple(held.get(day, ()))) for day in every}

    listing = replace(world.list_slots, calendar=SimpleNamespace(days=days))  # type: ignore[arg-type]
    function.booking = lambda: SimpleNamespace(list_slots=listing, practices=world.store.practices)
    query = {"from": str(FIRST), "to": str(FIRST + timedelta(days=30)), "visit_type": "new"}
    event = {
        "httpMethod": "GET",
        "path": "/api/practices/harbor/providers/osei/slots",
        "headers": {},
        "multiValueHeaders": {},
        "pathParameters": {"practice": "harbor", "provider": "osei"},
        "queryStringParameters": query,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()},
        "stageVariables": None,
        "isBase64Encoded": False,
        "body": None,
        "requestContext": {
            "resourcePath": "/api/practices/{practice}/providers/{provider}/slots",
            "httpMethod": "GET",
            "identity": {"sourceIp": "127.0.0.1"},
        },
    }

    def ask() -> object:
        answer = function.app(event, None)
        assert answer["statusCode"] == 200, answer
        return answer

    return ask


def _booking_function() -> Any:
    path = ROOT / "functions/booking/booking_function.py"
    spec = importlib.util.spec_from_file_location("booking_function", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["booking_function"] = module
    spec.loader.exec_module(module)
    return module
