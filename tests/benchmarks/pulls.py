"""What a pull of ten thousand visits takes the processor, beside a bare typed decode of the same bytes, and fhir.resources.

The bare decode reads every field that matters into msgspec's types and does nothing with it.
"""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from oneway.domain.comparing import DigestWeek, Pulled, compare, feed_digest, known_prints, weeks_after
from oneway.domain.feeds import Window
from oneway.phones import to_e164
from oneway.ports import Snapshot
from oneway.sources import fhir, fhir_resources
from oneway.sources.http import Answer
from oneway.use_cases.pulled_rows import pulled_of

from local.aws import LOCAL, ROOT
from tests.builders import feed_settings

from .timing import Row, processor_seconds

VISITS, PATIENTS, A_PAGE = 10_000, 4_000, 200
FIRST = datetime(2026, 11, 24, 16, tzinfo=UTC)
WINDOW = Window(FIRST - timedelta(days=1), FIRST + timedelta(days=120), FIRST.date())
PROVIDER = "osei"
SETTINGS = feed_settings(providers=((PROVIDER, "osei", "America/Los_Angeles"),))


class _Resource(msgspec.Struct):
    resourceType: str  # noqa: N815 - FHIR's own name
    id: str
    status: str | None = None
    start: str | None = None
    end: str | None = None
    participant: list[fhir_resources.Participant] = []
    name: list[fhir_resources.Name] = []
    birthDate: str | None = None  # noqa: N815
    telecom: list[fhir_resources.Telecom] = []


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
    """Medians of so many repeats, of a warm process, of the processor's time."""
    pages, changed = _pages(()), _pages(range(0, VISITS, 100))
    decode = msgspec.json.Decoder(_Bundle)
    stored = weeks_after(_read(pages, {}), {}, WINDOW, {})
    pulled = _read(changed, known_prints(stored))
    took = processor_seconds(
        repeats,
        {
            "bare": lambda: [decode.decode(page) for page in pages],
            "first": lambda: _pull(pages, {}, known=False),
            "same": lambda: feed_digest(_snapshot(pages).read),
            "whole": lambda: _pull(changed, stored),
            "comparing": lambda: compare(pulled, stored, WINDOW, True),
        },
    )
    bare, first, same, whole, comparing = took.values()
    differing = compare(pulled, stored, WINDOW, True)
    if len(differing.changed) != VISITS // 100 or differing.absent_once or len(pulled.rows) != VISITS // 100:
        raise AssertionError(f"{len(differing.changed)} differ, {len(pulled.rows)} were translated")
    resources = _fhir_resources(changed[:5]) * len(changed) / 5
    return [
        Row("bare typed decode", bare * 1000, "1", "", True),
        Row("a first pull: everything is translated", first * 1000, f"{first / bare:.1f}", "", True),
        Row("a pull that finds nothing new", same * 1000, f"{same / bare:.2f}", "", True),
        Row("a pull that finds 1 % changed", whole * 1000, f"{whole / bare:.2f}", "≤ 1.5 ×", whole <= 1.5 * bare),
        Row("of it, comparing", comparing * 1000, f"{comparing / bare:.2f}", "≤ 20 ms", comparing <= 0.02),
        Row("fhir.resources, decoding alone", resources * 1000, f"{resources / bare:.0f}", "", True),
    ]


def _snapshot(pages: list[bytes]) -> Snapshot:
    source = fhir.FhirSource(_Pages(pages), "https://ehr.example", _phone, lambda: FIRST)  # type: ignore[arg-type]
    return source.snapshot([PROVIDER], WINDOW, None)


def _read(pages: list[bytes], known: dict[bytes, str]) -> Pulled:
    snapshot = _snapshot(pages)
    return pulled_of(SETTINGS, snapshot.translate(known), snapshot.prints, known)[0]


def _pull(pages: list[bytes], stored: dict[str, DigestWeek], *, known: bool = True) -> None:
    """All that a pull does before it writes."""
    snapshot = _snapshot(pages)
    feed_digest(snapshot.read, "settings")
    prints = known_prints(stored) if known else {}
    pulled, _ = pulled_of(SETTINGS, snapshot.translate(prints), snapshot.prints, prints)
    compare(pulled, stored, WINDOW, True)
    weeks_after(pulled, stored, WINDOW, {}, prints=not known)


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
        "began = time.process_time()\n"
        "for page in pages: Bundle.model_validate_json(page)\n"
        "print(time.process_time() - began)\n"
    )
    python = LOCAL / "bench/bin/python"
    done = subprocess.run([python, "-c", program], input=b"\n".join(pages), capture_output=True, check=False, cwd=ROOT)
    if done.returncode:
        raise RuntimeError(done.stderr.decode()[-2000:])
    return float(done.stdout)
