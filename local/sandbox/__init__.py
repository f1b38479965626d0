"""The sandbox scheduling system: a page where one enters, moves, checks in, completes, cancels and deletes appointments,
over a small FHIR R4 server. For trying things out; correctness is shown against servers that are not ours.

    with Sandbox(zone="America/Los_Angeles") as sandbox:
        sandbox.fhir_url, sandbox.token, sandbox.records
"""

import json
import secrets
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ..serving import Asked, LoopbackServer, Told, pages, see_other
from .fhir import FhirApi, Records, Resource, a_patient, an_appointment, references

ACTIONS = {
    "check-in": ("Check in", "arrived"),
    "complete": ("Complete", "fulfilled"),
    "no-show": ("No-show", "noshow"),
    "cancel": ("Cancel", "cancelled"),
    "book": ("Book again", "booked"),
}


class Sandbox:
    """Answers at `url` (pages) and `fhir_url` (FHIR); times on its pages are in `zone`."""

    def __init__(
        self, port: int = 0, *, zone: str = "America/Los_Angeles", token: str = "", file: Path | None = None
    ) -> None:
        self.zone = ZoneInfo(zone)
        self.token = token or secrets.token_urlsafe(16)
        self.records = Records(file)
        self._api = FhirApi(self.records, self.token)
        self._pages = pages(Path(__file__).parent / "pages")
        self._web = LoopbackServer(port, self._answer)
        self.url = self._web.url
        self.fhir_url = f"{self.url}/fhir"

    def close(self) -> None:
        """End it."""
        self._web.close()

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add_practitioner(self, identifier: str, name: str) -> Resource:
        """A practitioner."""
        given, _, family = name.rpartition(" ")
        named = [{"family": family, "given": [given], "text": name}]
        return self.records.put({"resourceType": "Practitioner", "id": identifier, "name": named})

    def enter(
        self,
        practitioner_id: str,
        start: datetime,
        minutes: int,
        *,
        first_name: str = "",
        last_name: str = "",
        birth_date: str = "",
        mobile: str = "",
        email: str = "",
    ) -> Resource:
        """Enter an appointment, as staff do on the page; without a name it is a block."""
        patient_id = None
        if first_name or last_name:
            patient_id = self.records.put(a_patient(first_name, last_name, birth_date, mobile, email))["id"]
        return self.records.put(an_appointment(practitioner_id, patient_id, start, minutes))

    def set_status(self, appointment_id: str, status: str) -> None:
        """Give an appointment another FHIR status."""
        stored = self.records.get("Appointment", appointment_id)
        if stored:
            self.records.put({**stored, "status": status})

    def move(self, appointment_id: str, start: datetime) -> None:
        """Give an appointment another start; it stays as long as it was."""
        stored = self.records.get("Appointment", appointment_id)
        if stored:
            length = datetime.fromisoformat(stored["end"]) - datetime.fromisoformat(stored["start"])
            moved = {"start": start.isoformat(), "end": (start + length).isoformat()}
            self.records.put({**stored, **moved})

    def _answer(self, asked: Asked) -> Told:
        parts = asked.path.strip("/").split("/")
        if parts[0] == "fhir":
            answer = self._api.answer(asked.method, self.fhir_url, parts[1:], asked.query, asked.headers, asked.body)
            body = json.dumps(answer.resource) if answer.resource else ""
            return Told(body, "application/fhir+json", answer.status, dict(answer.headers))
        if asked.method == "POST" and asked.from_elsewhere:
            return Told("Not from here.", "text/plain", 403)
        if asked.method == "POST":
            return self._change(parts, asked.form())
        if asked.path == "/":
            return self._page(dict(asked.query))
        return Told("There is nothing here.", "text/plain", 404)

    def _change(self, parts: list[str], form: dict[str, str]) -> Told:
        back = f"/?from={form.get('week', '')}"
        try:
            if parts == ["appointments"]:
                start = self._start(form)
                self.enter(
                    form["practitioner"],
                    start,
                    int(form["minutes"]),
                    **{
                        name: form.get(name, "").strip()
                        for name in ("first_name", "last_name", "birth_date", "mobile", "email")
                    },
                )
                back = f"/?from={start.astimezone(self.zone).date()}"
            elif len(parts) == 3 and parts[0] == "appointments":
                self._act(parts[1], parts[2], form)
            else:
                return Told("There is nothing here.", "text/plain", 404)
        except (KeyError, ValueError):
            return self._page({"from": form.get("week", "")}, "Fill in provider, day, time and minutes.", 422, form)
        return see_other(back)

    def _act(self, appointment_id: str, action: str, form: dict[str, str]) -> None:
        if action == "delete":
            self.records.delete("Appointment", appointment_id)
        elif action == "move":
            self.move(appointment_id, self._start(form))
        else:
            self.set_status(appointment_id, ACTIONS[action][1])

    def _start(self, form: dict[str, str]) -> datetime:
        local = datetime.combine(date.fromisoformat(form["day"]), time.fromisoformat(form["time"]), self.zone)
        return local.astimezone(UTC)

    def _page(
        self, query: dict[str, str], error: str = "", status: int = 200, form: dict[str, str] | None = None
    ) -> Told:
        try:
            first = date.fromisoformat(query.get("from", ""))
        except ValueError:
            first = datetime.now(self.zone).date()
        ends = first + timedelta(days=7)
        rows = [
            row for one in self.records.all("Appointment") if (row := self._row(one)) and first <= row["day"] < ends
        ]
        body = self._pages.get_template("schedule.html").render(
            rows=sorted(rows, key=lambda row: (row["day"], row["time"], row["provider"])),
            practitioners=self.records.all("Practitioner"),
            actions=ACTIONS,
            first=first,
            earlier=first - timedelta(days=7),
            later=ends,
            zone=self.zone.key,
            error=error,
            form=form or {},
        )
        return Told(body, status=status)

    def _row(self, appointment: Resource) -> dict[str, Any] | None:
        if "start" not in appointment:
            return None
        people = {reference.split("/")[0]: reference.split("/")[1] for reference in references(appointment)}
        local = datetime.fromisoformat(appointment["start"]).astimezone(self.zone)
        patient = self.records.get("Patient", people.get("Patient", "")) or {}
        name = (patient.get("name") or [{}])[0]
        practitioner = self.records.get("Practitioner", people.get("Practitioner", "")) or {"name": [{"text": "?"}]}
        return {
            "id": appointment["id"],
            "day": local.date(),
            "time": f"{local:%H:%M}",
            "provider": practitioner["name"][0]["text"],
            "patient": " ".join([*name.get("given", []), name.get("family", "")]).strip() or "(busy)",
            "born": patient.get("birthDate", ""),
            "contacts": ", ".join(one["value"] for one in patient.get("telecom", [])),
            "status": appointment["status"],
        }
