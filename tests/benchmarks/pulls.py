"""What a pull of ten thousand visits takes the processor, beside a bare typed decode of the same bytes, and fhir.resources.

The bare decode reads every field that matters into msgspec's types and does nothing with it.
"""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from oneway.domain import identifiers
from oneway.domain.appointments import ScheduleRow
from oneway.domain.comparing import DigestWeek, compare, entry_of, feed_digest, weeks_after
from oneway.domain.feeds import Window
from oneway.phones import to_e164
from oneway.sources import fhir
from oneway.sources.http import Answer

from local.aws import LOCAL, ROOT

from .timing import Row, seconds

VISITS, PATIENTS, A_PAGE = 10_000, 4_000, 200
FIRST = datetime(2026, 11, 24, 16, tzinfo=UTC)
WINDOW = Window(FIRST - timedelta(days=1), FIRST + timedelta(days=120), FIRST.date())
PROVIDER = "osei"


class _Resource(msgspec.Struct):
    resourceType: str  # noqa: N815 - FHIR's own name
    id: str
    status: str | None = None
    start: str | None = None
    end: str | None = None
    participant: list[fhir._Participant] = []
    name: list[fhir._Name] = []
    birthDate: str | None = None  # noqa: N815
    telecom: list[fhir._Telecom] = []


class _Entry(msgspec.Struct):
    resource: _Resource


class _Bundle(msgspec.Struct):
    entry: list[_Entry]


class _Pages:
    """A server that has its pages ready."""

    def __init__(self, pages: list[bytes]) -> None:
        self.pages = pages

    def get(self, url: str, headers: object = None, **_: object) -> Answer:
        return Answer(200, {}, self.pages[int(url.rpartition("=")[2])] if "page=" in url else self.pages[0])


def measure(repeats: int) -> list[Row]:
    """Medians of so many repeats, of a warm process."""
    pages = _pages(())
    decode = msgspec.json.Decoder(_Bundle)
    bare = seconds(repeats, lambda: [decode.decode(page) for page in pages])
    before, stored = _stored(pages)
    changed = _pages(range(0, VISITS, 100))
    read = seconds(repeats, lambda: _read(changed))
    rows = _read(changed)
    whole = seconds(repeats, lambda: _pull(changed, stored))
    entries = {identifier: entry_of(row) for identifier, row in rows.items()}
    comparing = seconds(repeats, lambda: compare(rows, entries, stored, WINDOW, True))
    differing = len(compare(rows, entries, stored, WINDOW, True).changed)
    if differing != VISITS // 100 or len(before) != VISITS:
        raise AssertionError(f"{differing} of {len(before)} differ")
    resources = _fhir_resources(changed[:5]) * len(changed) / 5
    return [
        Row("bare typed decode", bare * 1000, "1", "", True),
        Row("reading: rows with their patients", read * 1000, f"{read / bare:.1f}", "", True),
        Row("the whole pull, 1 % changed", whole * 1000, f"{whole / bare:.1f}", "≤ 1.5 ×", whole <= 1.5 * bare),
        Row("of it, comparing", comparing * 1000, f"{comparing / bare:.2f}", "≤ 20 ms", comparing <= 0.02),
        Row("fhir.resources, decoding alone", resources * 1000, f"{resources / bare:.0f}", "", True),
    ]


def _read(pages: list[bytes]) -> dict[str, ScheduleRow]:
    source = fhir.FhirSource(_Pages(pages), "https://ehr.example", _phone, lambda: FIRST)  # type: ignore[arg-type]
    snapshot = source.snapshot([PROVIDER], WINDOW, None)
    return {identifiers.appointment_id("harbor", "ehr", row.external_id): row for row in snapshot.rows}


def _pull(pages: list[bytes], stored: dict[str, DigestWeek]) -> None:
    """All that a pull does before it writes."""
    rows = _read(pages)
    entries = {identifier: entry_of(row) for identifier, row in rows.items()}
    feed_digest(entries, "settings")
    compare(rows, entries, stored, WINDOW, True)
    weeks_after(rows, entries, stored, WINDOW, {})


def _stored(pages: list[bytes]) -> tuple[dict[str, ScheduleRow], dict[str, DigestWeek]]:
    rows = _read(pages)
    entries = {identifier: entry_of(row) for identifier, row in rows.items()}
    return rows, weeks_after(rows, entries, {}, WINDOW, {})


def _phone(text: str) -> str | None:
    return to_e164(text, "US")


def _pages(moved: Any) -> list[bytes]:
    """The schedule as FHIR bundles; visits whose numbers are in `moved` are five minutes later."""
    pages = []
    for begins in range(0, VISITS, A_PAGE):
        numbers = range(begins, begins + A_PAGE)
        resources = [_appointment(number, 5 if number in moved else 0) for number in numbers]
        resources += [_patient(number) for number in sorted({number % PATIENTS for number in numbers})]
        bundle: dict[str, Any] = {
            "resourceType": "Bundle",
            "type": "searchset",
            "entry": [{"resource": one} for one in resources],
        }
        if begins + A_PAGE < VISITS:
            following = f"https://ehr.example/Appointment?page={len(pages) + 1}"
            bundle["link"] = [{"relation": "next", "url": following}]
        pages.append(json.dumps(bundle).encode())
    return pages


def _appointment(number: int, later: int) -> dict[str, Any]:
    start = FIRST + timedelta(days=number // 120, minutes=5 * (number % 120) + later)
    return {
        "resourceType": "Appointment",
        "id": f"a{number}",
        "meta": {"versionId": "1", "lastUpdated": "2026-11-20T10:00:00Z"},
        "status": "booked",
        "serviceType": [{"coding": [{"system": "http://terminology.example", "code": "1", "display": "Visit"}]}],
        "start": start.isoformat(),
        "end": (start + timedelta(minutes=5)).isoformat(),
        "participant": [
            {"actor": {"reference": f"Practitioner/{PROVIDER}", "display": "Dr. Amara Osei"}, "status": "accepted"},
            {"actor": {"reference": f"Patient/p{number % PATIENTS}"}, "status": "accepted"},
        ],
    }


def _patient(number: int) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": f"p{number}",
        "name": [{"use": "official", "family": f"Reed{number}", "given": ["Maria"]}],
        "birthDate": "1984-03-12",
        "telecom": [
            {"system": "phone", "value": f"(415) 555-{number:04d}", "use": "mobile"},
            {"system": "email", "value": f"m{number}@example.org"},
        ],
    }


def _fhir_resources(pages: list[bytes]) -> float:
    """Seconds that fhir.resources takes to read these pages, in the virtual environment that has it."""
    program = (
        "import sys, time\n"
        "from fhir.resources.R4B.bundle import Bundle\n"
        "pages = sys.stdin.buffer.read().split(b'\\n')\n"
        "Bundle.model_validate_json(pages[0])\n"
        "began = time.perf_counter()\n"
        "for page in pages: Bundle.model_validate_json(page)\n"
        "print(time.perf_counter() - began)\n"
    )
    python = LOCAL / "bench/bin/python"
    done = subprocess.run([python, "-c", program], input=b"\n".join(pages), capture_output=True, check=False, cwd=ROOT)
    if done.returncode:
        raise RuntimeError(done.stderr.decode()[-2000:])
    return float(done.stdout)
