"""The practice's own scheduling system, as its staff use it: entering people and visits, over FHIR R4 (any server)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from msgspec import Struct

from .browser import Browser

_FHIR = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"}


class SystemRefused(Exception):
    """The scheduling system did not take what staff entered."""


class Person(Struct, frozen=True):
    """A patient as staff enter them."""

    first_name: str
    last_name: str
    birth_date: date
    mobile: str
    email: str


class SchedulingSystem:
    """A FHIR R4 server at `address`; `headers` hold what it wants for signing in."""

    def __init__(self, address: str, headers: Mapping[str, str] | None = None) -> None:
        self.address = address
        self._headers = {**_FHIR, **(headers or {})}
        self._browser = Browser()

    def add_practitioner(self, name: str) -> str:
        """Enter a clinician; the system's id."""
        return self._create({"resourceType": "Practitioner", "active": True, "name": [{"text": name, "family": name}]})

    def add_person(self, person: Person) -> str:
        """Enter a patient; the system's id."""
        return self._create(_patient(person))

    def correct_person(self, visit_id: str, person: Person) -> None:
        """Replace what is written of a visit's patient."""
        visit = self._answered(
            self._browser.api("GET", f"{self.address}/Appointment/{visit_id}", headers=self._headers), 200
        )
        references = (one["actor"]["reference"] for one in visit["participant"])
        patient_id = next(one.removeprefix("Patient/") for one in references if one.startswith("Patient/"))
        changed = {**_patient(person), "id": patient_id}
        self._answered(self._browser.api("PUT", f"{self.address}/Patient/{patient_id}", changed, self._headers), 200)

    def enter_visit(
        self, practitioner_id: str, person_id: str | None, start: datetime, end: datetime, status: str
    ) -> str:
        """Enter a visit (without a person: busy time); the system's id."""
        actors = [f"Practitioner/{practitioner_id}", *([f"Patient/{person_id}"] if person_id else [])]
        return self._create(
            {
                "resourceType": "Appointment",
                "status": status,
                "start": _instant(start),
                "end": _instant(end),
                "minutesDuration": int((end - start).total_seconds() // 60),
                "participant": _participants(actors),
            }
        )

    def set_status(self, visit_id: str, status: str) -> None:
        """Change a visit's status."""
        address = f"{self.address}/Appointment/{visit_id}"
        visit = self._answered(self._browser.api("GET", address, headers=self._headers), 200)
        changed = self._browser.api("PUT", address, {**visit, "status": status}, self._headers)
        self._answered(changed, 200)

    def reassign(self, visit_id: str, practitioner_id: str) -> None:
        """Give a visit to another clinician."""
        address = f"{self.address}/Appointment/{visit_id}"
        visit = self._answered(self._browser.api("GET", address, headers=self._headers), 200)
        actors = [one["actor"]["reference"] for one in visit["participant"]]
        others = [one for one in actors if not one.startswith("Practitioner/")]
        changed = {**visit, "participant": _participants([f"Practitioner/{practitioner_id}", *others])}
        self._answered(self._browser.api("PUT", address, changed, self._headers), 200)

    def _create(self, resource: Mapping[str, Any]) -> str:
        kind = resource["resourceType"]
        page = self._browser.api("POST", f"{self.address}/{kind}", resource, self._headers)
        return str(self._answered(page, 201)["id"])

    @staticmethod
    def _answered(page: Any, status: int) -> dict[str, Any]:
        if page.status != status:
            raise SystemRefused(f"{page.path}: {page.status}")
        found: dict[str, Any] = page.json()
        return found


def _patient(person: Person) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "name": [{"use": "official", "family": person.last_name, "given": [person.first_name]}],
        "birthDate": person.birth_date.isoformat(),
        "telecom": [
            {"system": "phone", "use": "mobile", "value": person.mobile},
            {"system": "email", "value": person.email},
        ],
    }


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _participants(actors: Sequence[str]) -> list[dict[str, Any]]:
    return [{"actor": {"reference": actor}, "status": "accepted"} for actor in actors]
