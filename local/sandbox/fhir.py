"""A small FHIR R4 server: what a scheduling system's API needs to be tried out, and nothing more.

Search on Appointment takes actor, date (twice), status, _include=Appointment:patient, _count and _offset; answers carry an
ETag, and If-None-Match is honoured. Everything needs the bearer token.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from threading import RLock
from typing import Any
from urllib.parse import urlencode

Resource = dict[str, Any]
KINDS = ("Appointment", "Patient", "Practitioner", "Location")
MOST_A_PAGE = 500


@dataclass
class Records:
    """Resources by kind and id; kept in `file` if there is one."""

    file: Path | None = None
    resources: dict[str, dict[str, Resource]] = field(default_factory=lambda: {kind: {} for kind in KINDS})

    def __post_init__(self) -> None:
        self._lock = RLock()
        if self.file and self.file.exists():
            self.resources |= json.loads(self.file.read_text())

    def put(self, resource: Resource) -> Resource:
        """Create or replace a resource; without an id it gets one."""
        with self._lock:
            stored = {**resource, "id": resource.get("id") or uuid.uuid4().hex[:12]}
            kept = self.resources[stored["resourceType"]]
            version = int(kept.get(stored["id"], {}).get("meta", {}).get("versionId", 0)) + 1
            stored["meta"] = {"versionId": str(version), "lastUpdated": datetime.now(UTC).isoformat()}
            kept[stored["id"]] = stored
            self._keep()
            return stored

    def get(self, kind: str, identifier: str) -> Resource | None:
        """A resource, or None."""
        with self._lock:
            return self.resources.get(kind, {}).get(identifier)

    def delete(self, kind: str, identifier: str) -> bool:
        """Remove a resource; whether it was there."""
        with self._lock:
            gone = self.resources[kind].pop(identifier, None)
            self._keep()
            return gone is not None

    def all(self, kind: str) -> list[Resource]:
        """All resources of a kind."""
        with self._lock:
            return list(self.resources[kind].values())

    def appointments(self, parameters: Sequence[tuple[str, str]]) -> list[Resource]:
        """Appointments that meet search parameters, by start."""
        found = self.all("Appointment")
        for name, value in parameters:
            if name in ("actor", "practitioner"):
                wanted = {one if "/" in one else f"Practitioner/{one}" for one in value.split(",")}
                found = [one for one in found if wanted & references(one)]
            elif name == "date":
                found = [one for one in found if _meets(one, value[:2], _instant(value[2:]))]
            elif name == "status":
                found = [one for one in found if one["status"] in value.split(",")]
            elif name == "_id":
                found = [one for one in found if one["id"] in value.split(",")]
        return sorted(found, key=lambda one: (one.get("start", ""), one["id"]))

    def _keep(self) -> None:
        if self.file:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.write_text(json.dumps(self.resources))


@dataclass(frozen=True)
class FhirAnswer:
    """Status, resource and headers of an answer."""

    status: int
    resource: Resource | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FhirApi:
    """Answers FHIR requests under `base` (an absolute URL)."""

    records: Records
    token: str

    def answer(
        self,
        method: str,
        base: str,
        path: Sequence[str],
        query: Sequence[tuple[str, str]],
        headers: Mapping[str, str],
        body: bytes,
    ) -> FhirAnswer:
        """One request: `path` is what stands behind the base."""
        if path == ["metadata"]:
            return FhirAnswer(200, _capabilities())
        if headers.get("authorization") != f"Bearer {self.token}":
            return _outcome(401, "login", "a bearer token is needed")
        if not path or path[0] not in KINDS or len(path) > 2:
            return _outcome(404, "not-found", "no such resource")
        if len(path) == 2:
            return self._one(method, path[0], path[1], body)
        if method == "POST":
            return self._write(path[0], None, body, 201)
        if method != "GET":
            return _outcome(405, "not-supported", "not supported")
        return self._search(base, path[0], query, headers)

    def _one(self, method: str, kind: str, identifier: str, body: bytes) -> FhirAnswer:
        stored = self.records.get(kind, identifier)
        if method == "PUT":
            return self._write(kind, identifier, body, 200 if stored else 201)
        if stored is None:
            return _outcome(404, "not-found", "no such resource")
        if method == "PATCH":
            # A merge patch (RFC 7396) of the top level: enough for a status or a time.
            return FhirAnswer(200, self.records.put({**stored, **json.loads(body)}))
        if method == "DELETE":
            self.records.delete(kind, identifier)
            return FhirAnswer(204)
        return FhirAnswer(200, stored)

    def _write(self, kind: str, identifier: str | None, body: bytes, status: int) -> FhirAnswer:
        try:
            resource = json.loads(body)
        except ValueError:
            return _outcome(400, "structure", "not JSON")
        if not isinstance(resource, dict) or resource.get("resourceType") != kind:
            return _outcome(400, "structure", f"not a {kind}")
        if identifier:
            resource["id"] = identifier
        return FhirAnswer(status, self.records.put(resource))

    def _search(self, base: str, kind: str, query: Sequence[tuple[str, str]], headers: Mapping[str, str]) -> FhirAnswer:
        asked = dict(query)
        try:
            found = self.records.appointments(query) if kind == "Appointment" else self._by_id(kind, asked)
        except ValueError:
            return _outcome(400, "value", "a parameter cannot be read")
        count, offset = min(int(asked.get("_count", 50)), MOST_A_PAGE), int(asked.get("_offset", 0))
        page = found[offset : offset + count]
        entries = [{"resource": one, "search": {"mode": "match"}} for one in page]
        if asked.get("_include") == "Appointment:patient":
            patients = dict.fromkeys(r for one in page for r in references(one) if r.startswith("Patient/"))
            included = [self.records.get("Patient", reference.partition("/")[2]) for reference in patients]
            entries += [{"resource": one, "search": {"mode": "include"}} for one in included if one]
        bundle: Resource = {"resourceType": "Bundle", "type": "searchset", "total": len(found), "entry": entries}
        if offset + count < len(found):
            following = [(name, value) for name, value in query if name != "_offset"] + [
                ("_offset", str(offset + count))
            ]
            bundle["link"] = [{"relation": "next", "url": f"{base}/{kind}?{urlencode(following)}"}]
        etag = f'W/"{sha256(json.dumps(bundle, sort_keys=True).encode()).hexdigest()[:16]}"'
        if headers.get("if-none-match") == etag:
            return FhirAnswer(304, headers={"ETag": etag})
        return FhirAnswer(200, bundle, {"ETag": etag})

    def _by_id(self, kind: str, asked: Mapping[str, str]) -> list[Resource]:
        found = self.records.all(kind)
        return [one for one in found if one["id"] in asked["_id"].split(",")] if "_id" in asked else found


def references(appointment: Resource) -> set[str]:
    """Whom an appointment names."""
    actors = (one.get("actor", {}).get("reference", "") for one in appointment.get("participant", []))
    return {reference for reference in actors if reference}


def _meets(appointment: Resource, prefix: str, bound: datetime) -> bool:
    if "start" not in appointment:
        return False
    start = _instant(appointment["start"])
    return {"ge": start >= bound, "gt": start > bound, "lt": start < bound, "le": start <= bound}.get(prefix, False)


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _outcome(status: int, code: str, text: str) -> FhirAnswer:
    issue = {"severity": "error", "code": code, "diagnostics": text}
    return FhirAnswer(status, {"resourceType": "OperationOutcome", "issue": [issue]})


def _capabilities() -> Resource:
    interactions = [{"code": code} for code in ("read", "search-type", "create", "update", "patch", "delete")]
    resources = [{"type": kind, "interaction": interactions} for kind in KINDS]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "kind": "instance",
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [{"mode": "server", "resource": resources}],
    }


def an_appointment(
    practitioner_id: str, patient_id: str | None, start: datetime, minutes: int, status: str = "booked"
) -> Resource:
    """An Appointment resource; without a patient it is a block."""
    people = [f"Practitioner/{practitioner_id}"] + ([f"Patient/{patient_id}"] if patient_id else [])
    return {
        "resourceType": "Appointment",
        "status": status,
        "start": start.isoformat(),
        "end": (start + timedelta(minutes=minutes)).isoformat(),
        "participant": [{"actor": {"reference": one}, "status": "accepted"} for one in people],
    }


def a_patient(first_name: str, last_name: str, birth_date: str, mobile: str, email: str) -> Resource:
    """A Patient resource."""
    telecom = [("phone", mobile), ("email", email)]
    return {
        "resourceType": "Patient",
        "name": [{"use": "official", "family": last_name, "given": first_name.split()}],
        **({"birthDate": birth_date} if birth_date else {}),
        "telecom": [{"system": system, "value": value} for system, value in telecom if value],
    }
