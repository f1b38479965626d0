"""The booking tool and its API: handler time of each page, over a store whose calls take time; and what a first view weighs.

As in a warm function: a practice's settings and photos are at hand, the ages of its schedules for half a minute.
"""

import contextlib
import gzip
import io
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep
from urllib.parse import urlencode

from local.build import served
from tests.builders import a_practice, a_provider
from tests.fakes.store import FakeStore
from tests.stage import Watched
from tests.unit.web.booking_pages import Patient, patient_of
from tests.world import World

from .timing import Row, seconds

PAGE, JSON = 0.030, 0.015
A_CALL = 0.004
"""Seconds that a call of DynamoDB takes from a function in its region ("single-digit milliseconds", says AWS)."""
TYPED = {
    "provider": "osei", "visit_type": "new", "start": "2026-11-24T09:30:00-08:00", "for_whom": "me", "new_patient": "yes",
    "first_name": "Maria", "last_name": "Núñez", "birth_month": "3", "birth_day": "12", "birth_year": "1984",
    "mobile": "(415) 555-2671", "email": "maria@example.org", "reason": "Knee pain",
}  # fmt: skip
CHOSEN = "provider=osei&visit_type=new&start=2026-11-24T09:30:00-08:00"
OSEI = "/api/practices/harbor/providers/osei"
FIRST_AVAILABLE = "/api/practices/harbor/first-available?visit_type=new"


LARGE = (12, 40)
"""How many providers large practices have."""


@dataclass
class Meter:
    """Counts the calls of a store, and lets each take its time. It stands where tests put a stage."""

    running: bool = False
    calls: int = 0

    def step(self, call: str = "") -> None:
        """Called before each call of the store."""
        if not self.running:
            return
        self.calls += 1
        sleep(A_CALL)


@dataclass
class MeteredStore(FakeStore):
    """A store whose calls are metered, but for what functions keep: practices and photos."""

    meter: Meter = field(default_factory=Meter)

    def __getattribute__(self, name: str) -> object:
        found = super().__getattribute__(name)
        metered = ("calendar", "requests", "feeds", "ledger", "pending", "appointments")
        return Watched(found, super().__getattribute__("meter")) if name in metered else found


def measure(repeats: int) -> list[Row]:
    """Medians of so many repeats."""
    with tempfile.TemporaryDirectory() as folder:
        store = MeteredStore()
        world = World(a_practice(*(a_provider(one) for one in ("osei", "brandt", "ruiz"))), store)
        patient = patient_of(world, Path(folder))
        request = f"/my-request/harbor/{world.submit('z' * 32, start='2026-11-25T09:30:00-08:00').link}"
        month = "from=2026-11-23&to=2026-12-23&visit_type=new"
        asked = {
            ("whom to see", PAGE): _opened(patient, "/book/harbor"),
            ("whom to see, first in its minute", PAGE): _opened(patient, "/book/harbor", anew=True),
            ("what for", PAGE): _opened(patient, "/book/harbor/visit?provider=osei"),
            ("a month of one provider", PAGE): _opened(patient, "/book/harbor/times?provider=osei&visit_type=new"),
            ("a month of three providers", PAGE): _opened(patient, "/book/harbor/times?provider=any&visit_type=new"),
            ("days that would suit", PAGE): _opened(patient, "/book/harbor/days?provider=osei&visit_type=new"),
            ("details", PAGE): _opened(patient, f"/book/harbor/details?{CHOSEN}&for_whom=me&new_patient=yes"),
            ("check", PAGE): _opened(patient, "/book/harbor/check", urlencode(TYPED)),
            ("my request", PAGE): _opened(patient, request),
            ("JSON: providers", JSON): _opened(patient, "/api/practices/harbor/providers"),
            ("JSON: slots of 31 days", JSON): _opened(patient, f"{OSEI}/slots?{month}"),
            ("JSON: next free day", JSON): _opened(patient, f"{OSEI}/next-free-day?visit_type=new"),
            ("JSON: first available of three", JSON): _opened(patient, FIRST_AVAILABLE),
        }
        rows = []
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            for (what, goal), ask in asked.items():
                rows.append(_row(what, goal, *_metered(store.meter, repeats, ask)))
            first = patient.open("/book/harbor").body
            rows += [
                _of_many(repeats, count, JSON, f"JSON: first available of {count}", FIRST_AVAILABLE) for count in LARGE
            ]
            month = "/book/harbor/times?provider=any&visit_type=new"
            rows += [_of_many(repeats, count, PAGE, f"a month of {count} providers", month) for count in LARGE]
    files = served("booking")
    weight = sum(len(gzip.compress(one)) for one in (first, files["booking.css"], files["booking.js"])) / 1000
    return [*rows, Row("first view, packed, kB (three requests)", weight, "", "≤ 60", weight <= 60)]


def _of_many(repeats: int, count: int, goal: float, what: str, address: str) -> Row:
    """An answer of a practice with so many providers."""
    with tempfile.TemporaryDirectory() as folder:
        store = MeteredStore()
        world = World(a_practice(*(a_provider(f"p{n}") for n in range(count))), store)
        return _row(what, goal, *_metered(store.meter, repeats, _opened(patient_of(world, Path(folder)), address)))


def _row(what: str, goal: float, calls: int, taken: float) -> Row:
    return Row(what, taken * 1000, str(calls), f"≤ {goal * 1000:.0f} ms", taken <= goal)


def _metered(meter: Meter, repeats: int, ask: Callable[[], object]) -> tuple[int, float]:
    """Calls of a warm answer, and its median seconds."""
    ask()
    meter.running, meter.calls = True, 0
    ask()
    calls = meter.calls
    taken = seconds(repeats, ask)
    meter.running = False
    return calls, taken


def _opened(patient: Patient, address: str, form: str = "", *, anew: bool = False) -> Callable[[], object]:
    """Asks for a page (with `form`: sends it); `anew`: with no hint of free days at hand."""

    def ask() -> object:
        if anew:
            sys.modules["booking_pages"]._hints.clear()
        page = patient.open(address, "POST" if form else "GET", form)
        assert page.status == 200, page.text
        return page

    return ask
