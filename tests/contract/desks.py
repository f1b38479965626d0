"""Scheduling systems as staff use them, so that one suite can hold every source to the same promises."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from msgspec.structs import replace
from oneway.domain.appointments import AppointmentState, PersonName, RecordPatient, RowKind, ScheduleRow
from oneway.domain.feeds import FeedState
from oneway.ports import ScheduleSource
from oneway.sources.fhir_profiles import STATES
from oneway.sources.opening import OpenSource

from local.demo.browser import Browser
from local.demo.system import Person, SchedulingSystem
from local.processes import free_port
from local.sandbox import Sandbox
from tests.builders import ZONE, a_feed
from tests.fakes.outside import FakeSource
from tests.fakes.store import FakeClock
from tests.servers.running import medplum

TOKEN = "desk-token"


class Desk(Protocol):
    """Statuses are FHIR's words."""

    source: ScheduleSource

    def add_practitioner(self, name: str) -> str: ...

    def enter(
        self, practitioner: str, person: Person | None, start: datetime, end: datetime, status: str = "booked"
    ) -> str: ...

    def set_status(self, visit: str, status: str) -> None: ...

    def delete(self, visit: str) -> None: ...

    def correct(self, visit: str, person: Person) -> None: ...

    def reassign(self, visit: str, practitioner: str) -> None: ...

    def teller(self) -> ScheduleSource:
        """The same source, opened so that it tells what changed."""


@dataclass
class FakeDesk:
    """A desk in front of the fake source."""

    source: FakeSource = field(default_factory=FakeSource)
    count: int = 0

    def _id(self) -> str:
        self.count += 1
        return f"id-{self.count}"

    def add_practitioner(self, name: str) -> str:
        return self._id()

    def enter(
        self, practitioner: str, person: Person | None, start: datetime, end: datetime, status: str = "booked"
    ) -> str:
        row = ScheduleRow(
            self._id(),
            RowKind.APPOINTMENT if person else RowKind.BLOCK,
            status,
            STATES[status] or AppointmentState.UNKNOWN,
            start,
            end,
            start.isoformat(),
            True,
            practitioner,
            patient=self._record(person) if person else None,
        )
        self.source.enter(row)
        return row.external_id

    def set_status(self, visit: str, status: str) -> None:
        state = STATES[status]
        if state is None:
            self.source.delete(visit)
        else:
            self.source.enter(replace(self.source.rows[visit], raw_state=status, state=state))

    def delete(self, visit: str) -> None:
        self.source.delete(visit)

    def correct(self, visit: str, person: Person) -> None:
        row = self.source.rows[visit]
        record = replace(self._record(person), source_id=row.patient.source_id if row.patient else None)
        self.source.enter(replace(row, patient=record))

    def reassign(self, visit: str, practitioner: str) -> None:
        self.source.enter(replace(self.source.rows[visit], provider_external_id=practitioner))

    def teller(self) -> ScheduleSource:
        self.source.delta, self.source.tombstones = "token", True
        return self.source

    def _record(self, person: Person) -> RecordPatient:
        name = PersonName((person.first_name,), person.last_name)
        return RecordPatient(self._id(), (name,), person.birth_date, (person.mobile,), (person.email,))


@dataclass
class FhirDesk:
    """A desk in front of a FHIR server, entering through its API."""

    system: SchedulingSystem
    source: ScheduleSource
    headers: dict[str, str]

    def add_practitioner(self, name: str) -> str:
        return self.system.add_practitioner(name)

    def enter(
        self, practitioner: str, person: Person | None, start: datetime, end: datetime, status: str = "booked"
    ) -> str:
        identifier = self.system.add_person(person) if person else None
        return self.system.enter_visit(practitioner, identifier, start, end, status)

    def set_status(self, visit: str, status: str) -> None:
        self.system.set_status(visit, status)

    def delete(self, visit: str) -> None:
        answer = Browser().api("DELETE", f"{self.system.address}/Appointment/{visit}", headers=self.headers)
        assert answer.status in (200, 204)

    def correct(self, visit: str, person: Person) -> None:
        self.system.correct_person(visit, person)

    def reassign(self, visit: str, practitioner: str) -> None:
        self.system.reassign(visit, practitioner)

    def teller(self) -> ScheduleSource:
        return opened(self.system.address, "stamped")


def opened(address: str, profile: str = "generic") -> ScheduleSource:
    """The FHIR source of an address, as sync_schedule opens it."""
    clock = FakeClock(datetime.now(UTC))
    state = a_feed()
    feed = FeedState(replace(state.settings, address=address, profile=profile))
    return OpenSource(lambda *_: f'{{"token": "{TOKEN}"}}', clock, allow_loopback=True)(feed)


@contextmanager
def a_desk(kind: str) -> Iterator[Desk]:
    """A desk of a kind: fake, sandbox or medplum."""
    if kind == "fake":
        yield FakeDesk()
    elif kind == "sandbox":
        with Sandbox(free_port(), zone=ZONE, token=TOKEN) as sandbox:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            yield FhirDesk(SchedulingSystem(sandbox.fhir_url, headers), opened(sandbox.fhir_url), headers)
    else:
        with medplum() as address:
            yield FhirDesk(SchedulingSystem(address), opened(address), {})
