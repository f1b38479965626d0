"""The booking tool's pages: handler time of each step, over a store that costs nothing; and what a first view weighs."""

import contextlib
import gzip
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from local.build import served
from tests.builders import a_practice, a_provider
from tests.unit.web.booking_pages import Patient, patient_of
from tests.world import World

from .timing import Row, seconds

GOAL = 0.030
TYPED = {
    "provider": "osei", "visit_type": "new", "start": "2026-11-24T09:30:00-08:00", "for_whom": "me", "new_patient": "yes",
    "first_name": "Maria", "last_name": "Núñez", "birth_month": "3", "birth_day": "12", "birth_year": "1984",
    "mobile": "(415) 555-2671", "email": "maria@example.org", "reason": "Knee pain",
}  # fmt: skip
CHOSEN = "provider=osei&visit_type=new&start=2026-11-24T09:30:00-08:00"


def measure(repeats: int) -> list[Row]:
    """Medians of so many repeats."""
    with tempfile.TemporaryDirectory() as folder:
        patient = patient_of(World(a_practice(*(a_provider(one) for one in ("osei", "brandt", "ruiz")))), Path(folder))
        request = f"/my-request/harbor/{patient.world.submit('z' * 32, start='2026-11-25T09:30:00-08:00').link}"
        asked = {
            "whom to see": _opened(patient, "/book/harbor"),
            "what for": _opened(patient, "/book/harbor/visit?provider=osei"),
            "a month of one provider": _opened(patient, "/book/harbor/times?provider=osei&visit_type=new"),
            "a month of three providers": _opened(patient, "/book/harbor/times?provider=any&visit_type=new"),
            "days that would suit": _opened(patient, "/book/harbor/days?provider=osei&visit_type=new"),
            "details": _opened(patient, f"/book/harbor/details?{CHOSEN}&for_whom=me&new_patient=yes"),
            "check": lambda: patient.open("/book/harbor/check", "POST", urlencode(TYPED)),
            "my request": _opened(patient, request),
        }
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            taken = {name: seconds(repeats, ask) for name, ask in asked.items()}
            first = patient.open("/book/harbor").body
    rows = [Row(name, found * 1000, "", "≤ 30 ms", found <= GOAL) for name, found in taken.items()]
    files = served("booking")
    weight = sum(len(gzip.compress(one)) for one in (first, files["booking.css"], files["booking.js"])) / 1000
    return [*rows, Row("first view, packed, kB (three requests)", weight, "", "≤ 60", weight <= 60)]


def _opened(patient: Patient, address: str) -> Callable[[], object]:
    def ask() -> object:
        page = patient.open(address)
        assert page.status == 200, page.text
        return page

    return ask
