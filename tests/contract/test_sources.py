"""Every source, against servers that are not ours; the fake is held to the same."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec.structs import replace
from oneway.domain.appointments import AppointmentState, RowKind, ScheduleRow
from oneway.domain.comparing import NO_PRINT, feed_digest
from oneway.domain.feeds import Window
from oneway.ports import Absence, ScheduleSource
from oneway.sources.fhir_profiles import PROFILES, STATES, FhirProfile

from local.demo.browser import Browser
from local.demo.system import Person
from tests.servers.running import EXAMPLES

from .desks import Desk, FhirDesk, a_desk, opened

BEGINS = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
WINDOW = Window(BEGINS, BEGINS + timedelta(days=90), date(2026, 11, 23))
HALF_AN_HOUR = timedelta(minutes=30)
MARIA = Person("Maria", "Núñez", date(1984, 3, 12), "+14155552671", "maria@example.org")


@pytest.fixture(scope="module", params=["fake", "sandbox", "medplum"])
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    with a_desk(request.param) as found:
        yield found


@pytest.fixture(scope="module")
def medplum() -> Iterator[FhirDesk]:
    with a_desk("medplum") as found:
        assert isinstance(found, FhirDesk)
        yield found


@pytest.fixture
def doctor(desk: Desk) -> str:
    """A provider of each test's own: the server is shared."""
    return desk.add_practitioner("Osei")


def rows_of(source: ScheduleSource, *practitioners: str, window: Window = WINDOW) -> dict[str, ScheduleRow]:
    snapshot = source.snapshot(practitioners, window, None)
    assert snapshot.complete
    found = snapshot.translate(())
    assert not found.set_aside
    assert {print_ for _, print_ in found.rows} <= {*snapshot.prints, NO_PRINT}
    return {row.external_id: row for row, _ in found.rows}


class TestEverySource:
    def test_what_staff_enter_is_seen_as_they_entered_it(self, desk: Desk, doctor: str) -> None:
        start = BEGINS + timedelta(days=1)
        visit = desk.enter(doctor, MARIA, start, start + HALF_AN_HOUR)
        row = rows_of(desk.source, doctor)[visit]
        assert (row.kind, row.state, row.raw_state) == (RowKind.APPOINTMENT, AppointmentState.BOOKED, "booked")
        assert (row.start, row.end, row.zone_certain) == (start, start + HALF_AN_HOUR, True)
        assert row.provider_external_id == doctor
        assert row.patient
        assert [(name.given, name.family) for name in row.patient.names] == [(("Maria",), "Núñez")]
        assert row.patient.birth_date == MARIA.birth_date
        assert row.patient.phones == (MARIA.mobile,)
        assert row.patient.emails == (MARIA.email,)

    def test_a_window_takes_in_its_first_instant_and_not_its_last(self, desk: Desk, doctor: str) -> None:
        starts = [WINDOW.start - HALF_AN_HOUR, WINDOW.start, WINDOW.end - HALF_AN_HOUR, WINDOW.end]
        visits = [desk.enter(doctor, MARIA, start, start + HALF_AN_HOUR) for start in starts]
        assert set(rows_of(desk.source, doctor)) == set(visits[1:3])

    def test_only_those_asked_for(self, desk: Desk, doctor: str) -> None:
        other, third = desk.add_practitioner("Brandt"), desk.add_practitioner("Ruiz")
        visits = [desk.enter(one, MARIA, BEGINS, BEGINS + HALF_AN_HOUR) for one in (doctor, other, third)]
        assert set(rows_of(desk.source, doctor)) == {visits[0]}
        assert set(rows_of(desk.source, doctor, other)) == set(visits[:2])
        assert rows_of(desk.source, desk.add_practitioner("Nobody")) == {}

    def test_busy_time_without_a_patient_is_a_block(self, desk: Desk, doctor: str) -> None:
        visit = desk.enter(doctor, None, BEGINS, BEGINS + HALF_AN_HOUR)
        row = rows_of(desk.source, doctor)[visit]
        assert (row.kind, row.patient) == (RowKind.BLOCK, None)

    @pytest.mark.parametrize("status", [status for status, state in STATES.items() if state])
    def test_every_status_has_its_canonical_state(self, desk: Desk, doctor: str, status: str) -> None:
        visit = desk.enter(doctor, MARIA, BEGINS, BEGINS + HALF_AN_HOUR, status)
        row = rows_of(desk.source, doctor)[visit]
        assert (row.raw_state, row.state) == (status, STATES[status])

    def test_a_change_is_seen(self, desk: Desk, doctor: str) -> None:
        visit = desk.enter(doctor, MARIA, BEGINS, BEGINS + HALF_AN_HOUR)
        before = desk.source.snapshot([doctor], WINDOW, None)
        desk.set_status(visit, "arrived")
        after = desk.source.snapshot([doctor], WINDOW, before.validator)
        assert not after.unchanged
        assert feed_digest(before.read) != feed_digest(after.read)
        found = after.translate(set(before.prints))
        assert [row.state for row, _ in found.rows] == [AppointmentState.ARRIVED]

    def test_a_corrected_patient_is_seen_though_the_visit_is_as_it_was(self, desk: Desk, doctor: str) -> None:
        visits = [desk.enter(doctor, MARIA, BEGINS, BEGINS + HALF_AN_HOUR) for _ in range(2)]
        before = desk.source.snapshot([doctor], WINDOW, None)
        desk.correct(visits[0], replace(MARIA, birth_date=date(1984, 12, 3)))
        after = desk.source.snapshot([doctor], WINDOW, before.validator)
        assert not after.unchanged
        found = {row.external_id: row for row, _ in after.translate(set(before.prints)).rows}
        assert set(found) == {visits[0]}
        assert found[visits[0]].patient
        assert found[visits[0]].patient.birth_date == date(1984, 12, 3)

    def test_a_visit_that_goes_to_another_provider_is_seen_with_that_one(self, desk: Desk, doctor: str) -> None:
        visit, other = desk.enter(doctor, MARIA, BEGINS, BEGINS + HALF_AN_HOUR), desk.add_practitioner("Brandt")
        before = desk.source.snapshot([doctor], WINDOW, None)
        desk.reassign(visit, other)
        after = desk.source.snapshot([doctor], WINDOW, before.validator)
        assert not after.unchanged
        assert not after.prints
        row = rows_of(desk.source, doctor, other)[visit]
        assert row.provider_external_id == other
        assert desk.source.get_appointment(visit, [doctor, other]) == row

    def test_nothing_new_is_said_or_found_to_be_nothing_new(self, desk: Desk, doctor: str) -> None:
        for hours in range(3):
            start = BEGINS + timedelta(hours=hours)
            desk.enter(doctor, MARIA, start, start + HALF_AN_HOUR)
        before = desk.source.snapshot([doctor], WINDOW, None)
        after = desk.source.snapshot([doctor], WINDOW, before.validator)
        assert after.unchanged or feed_digest(before.read) == feed_digest(after.read)
        if not after.unchanged:
            assert not after.translate(set(before.prints)).rows

    def test_what_was_deleted_or_never_meant_is_not_there(self, desk: Desk, doctor: str) -> None:
        visits = [desk.enter(doctor, MARIA, BEGINS, BEGINS + HALF_AN_HOUR) for _ in range(3)]
        desk.delete(visits[0])
        desk.set_status(visits[1], "entered-in-error")
        assert set(rows_of(desk.source, doctor)) == {visits[2]}

    def test_what_changed_is_told_from_where_all_was_read(self, desk: Desk, doctor: str) -> None:
        teller = desk.teller()
        first, second, mistaken = (desk.enter(doctor, MARIA, BEGINS, BEGINS + HALF_AN_HOUR) for _ in range(3))
        before = teller.snapshot([doctor], WINDOW, None)
        desk.set_status(second, "arrived")
        desk.set_status(mistaken, "entered-in-error")
        third = desk.enter(doctor, MARIA, BEGINS, BEGINS + HALF_AN_HOUR)
        changes = teller.changes([doctor], WINDOW, before.cursor)
        told = changes.translate(set(before.prints))
        found = {row.external_id: row.state for row, _ in told.rows}
        assert found == {second: AppointmentState.ARRIVED, third: AppointmentState.BOOKED}
        assert set(told.gone) == {mistaken}
        assert first not in found
        assert changes.cursor
        teller.acknowledge(changes.cursor)

    def test_a_visit_is_found_by_id_until_it_is_gone(self, desk: Desk, doctor: str) -> None:
        assert desk.source.capabilities().read_by_id
        start = BEGINS + timedelta(days=1)
        kept, deleted, mistaken = (desk.enter(doctor, MARIA, start, start + HALF_AN_HOUR) for _ in range(3))
        rows = rows_of(desk.source, doctor)
        assert desk.source.get_appointment(kept, [doctor]) == rows[kept]
        elsewhere = desk.source.get_appointment(kept, ["somebody-else"])
        assert isinstance(elsewhere, ScheduleRow)
        assert elsewhere.provider_external_id == doctor
        desk.delete(deleted)
        desk.set_status(mistaken, "entered-in-error")
        for visit in (deleted, mistaken, "never-was"):
            assert desk.source.get_appointment(visit, [doctor]) is Absence.GONE

    def test_patients_are_found_by_id(self, desk: Desk, doctor: str) -> None:
        visit = desk.enter(doctor, MARIA, BEGINS, BEGINS + HALF_AN_HOUR)
        record = rows_of(desk.source, doctor)[visit].patient
        assert record
        assert record.source_id
        assert desk.source.get_patients([record.source_id, "nobody"]) == {record.source_id: record}

    def test_its_providers_are_listed(self, desk: Desk, doctor: str) -> None:
        desk.enter(doctor, MARIA, BEGINS, BEGINS + HALF_AN_HOUR)
        assert doctor in [provider.external_id for provider in desk.source.list_providers()]


class TestMedplum:
    def test_only_what_was_stamped_since_is_told(self, medplum: FhirDesk) -> None:
        doctor, now = medplum.add_practitioner("Stamped"), datetime.now(UTC)
        visit = medplum.enter(doctor, MARIA, BEGINS, BEGINS + HALF_AN_HOUR)
        since = [
            medplum.teller().changes([doctor], WINDOW, (now + timedelta(hours=hours)).isoformat()) for hours in (-1, 1)
        ]
        told = [[row.external_id for row, _ in one.translate(()).rows] for one in since]
        assert told == [[visit], []]

    def test_five_hundred_visits_over_pages(self, medplum: FhirDesk) -> None:
        doctor = medplum.add_practitioner("Busy")
        patient = medplum.system.add_person(MARIA)
        visits = {
            medplum.system.enter_visit(doctor, patient, start, start + HALF_AN_HOUR, "booked"): start
            for start in (BEGINS + n * HALF_AN_HOUR for n in range(500))
        }
        found = rows_of(medplum.source, doctor)
        assert {row.external_id: row.start for row in found.values()} == visits
        assert all(row.patient and row.patient.birth_date == MARIA.birth_date for row in found.values())

    def test_the_standards_own_examples(self, medplum: FhirDesk) -> None:
        for name in (
            "Patient-example",
            "Practitioner-example",
            "Location-1",
            "Appointment-example",
            "Appointment-2docs",
            "Appointment-examplereq",
        ):
            resource = json.loads((EXAMPLES / f"{name}.json").read_text("utf-8"))
            address = f"{medplum.system.address}/{resource['resourceType']}/{resource['id']}"
            assert Browser().api("PUT", address, resource).status in (200, 201)
        window = Window(datetime(2013, 12, 1, tzinfo=UTC), datetime(2014, 1, 1, tzinfo=UTC), date(2013, 12, 1))
        rows = rows_of(medplum.source, "example", window=window)
        assert set(rows) == {"example", "2docs"}
        visit = rows["example"]
        assert visit.start == datetime(2013, 12, 10, 9, tzinfo=UTC)
        assert visit.end == datetime(2013, 12, 10, 11, tzinfo=UTC)
        assert visit.location_external_id == "1"
        assert visit.patient
        assert visit.patient.birth_date == date(1974, 12, 25)
        assert ("Peter", "James") in [name.given for name in visit.patient.names]

    def test_where_nothing_can_be_included_patients_are_looked_up(
        self, medplum: FhirDesk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        profile = FhirProfile(include_patient=False, page_size=7)
        monkeypatch.setitem(PROFILES, "by_id", profile)  # type: ignore[arg-type]
        doctor = medplum.add_practitioner("Careful")
        starts = [BEGINS + n * HALF_AN_HOUR for n in range(20)]
        visits = [medplum.enter(doctor, MARIA, start, start + HALF_AN_HOUR) for start in starts]
        rows = rows_of(opened(medplum.system.address, "by_id"), doctor)
        assert set(rows) == set(visits)
        assert all(row.patient and row.patient.phones == (MARIA.mobile,) for row in rows.values())
