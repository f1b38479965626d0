"""What can go wrong with a FHIR server alone, over real sockets: its searches and pages, references, prints and profiles.

What every kind of source has to bear is in test_faulty_sources.py.
"""

import json
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace
from oneway.domain.appointments import ScheduleRow
from oneway.domain.clock_time import minute_of
from oneway.domain.comparing import entry_of
from oneway.domain.feeds import spoke_of
from oneway.faults import CursorExpired, SchemaDrift, Unavailable
from oneway.ports import Absence
from oneway.sources import fhir
from oneway.sources.fhir_profiles import PROFILES, capabilities_of

from local.serving import Asked, Told

from . import dialects
from .dialects import FHIR, NOW, WINDOW, FhirDialect, Server, a_bundle, a_patient, a_visit

serving = partial(dialects.serving, FhirDialect())


@pytest.mark.parametrize(
    "told",
    [
        Told('{"resourceType": "OperationOutcome"}', FHIR),
        Told('{"resourceType": "Bundle", "entry": [', FHIR),
        Told(b'{"resourceType": "Bundle\xff"}', FHIR),
        Told('{"resourceType": "Bundle", "entry": [{"resource": ' + "[" * 100_000, FHIR),
        a_bundle(a_visit("1"), a_patient(), following="https://[::1"),
    ],
)
def test_what_is_no_page_of_a_search_is_drift_and_asked_for_once(told: Told) -> None:
    with serving(told) as server:
        with pytest.raises(SchemaDrift) as caught:
            server.pull()
        assert len(server.asked) == 1
        assert server.url not in str(caught.value)


def test_pages_that_together_are_beyond_all_bounds_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fhir, "MOST_BYTES_OF_A_PULL", 5000)
    page = (a_bundle(a_visit(str(n), comment="x" * 900), a_patient(), following=f"?page={n}") for n in range(99))
    with serving(lambda asked: next(page)) as server:
        with pytest.raises(SchemaDrift):
            server.pull()
        assert len(server.asked) < 8


@pytest.mark.parametrize("following", ["?page=1", "/fhir/Appointment"])
def test_pages_without_an_end_are_given_up(following: str) -> None:
    with serving(lambda asked: a_bundle(a_visit("1"), a_patient(), following=following)) as server:
        with pytest.raises(SchemaDrift):
            server.pull()
        assert len(server.asked) <= 3


def test_bytes_that_are_no_text_spoil_their_own_row_only() -> None:
    body = a_bundle(a_visit("1"), a_visit("x", status="@"), a_visit("2"), a_patient(name=[{"family": "@"}])).body
    assert isinstance(body, str)
    answer = Told(body.encode().replace(b"@", b"\xff"), FHIR)
    with serving(lambda asked: answer if "Appointment" in asked.path else a_bundle()) as server:
        found = server.pull()
        assert [row.external_id for row in found.rows] == ["1", "2"]
        assert [one.reason for one in found.set_aside] == ["does not have the shape of an Appointment"]


def test_a_duration_stands_in_for_an_end() -> None:
    with serving(a_bundle(a_visit("1", end=None, minutesDuration=20), a_patient())) as server:
        row = server.pull().rows[0]
        assert row.end - row.start == timedelta(minutes=20)


def test_a_merged_patient_is_followed_to_one_who_has_visits_too() -> None:
    link = [{"type": "replaced-by", "other": {"reference": "Patient/new"}}]
    known = {"p": a_patient(link=link), "new": a_patient(id="new", birthDate="1991-01-01")}
    doctor = {"actor": {"reference": "Practitioner/osei"}}
    other = a_visit("2", participant=[doctor, {"actor": {"reference": "Patient/new"}}])

    def answer(asked: Asked) -> Told:
        if asked.path.endswith("/Patient"):
            return a_bundle(*(known[one] for one in dict(asked.query)["_id"].split(",")))
        return a_bundle(a_visit("1"), other)

    with serving(answer) as server:
        patients = [row.patient for row in server.pull(profile="oracle").rows]
        assert [(one.source_id, one.former_ids) for one in patients if one] == [("new", ("p",)), ("new", ())]


def test_patients_who_are_merged_into_each_other_are_given_up() -> None:
    def merged(one: str, other: str) -> dict[str, Any]:
        return a_patient(id=one, link=[{"type": "replaced-by", "other": {"reference": f"Patient/{other}"}}])

    known = {"p": merged("p", "q"), "q": merged("q", "p")}

    def answer(asked: Asked) -> Told:
        if asked.path.endswith("/Patient"):
            return a_bundle(*(known[one] for one in dict(asked.query)["_id"].split(",")))
        return a_bundle(a_visit("1"))

    with serving(answer) as server:
        (row,) = server.pull(profile="oracle").rows
        assert row.patient
        assert len(server.asked) < 5


def test_what_says_nothing_of_the_patients_does_not_say_that_all_is_unchanged() -> None:
    def answer(asked: Asked) -> Told:
        if asked.path.endswith("/Patient"):
            return a_bundle(a_patient())
        return Told(a_bundle(a_visit("1")).body, FHIR, headers={"ETag": '"v1"'})

    with serving(answer) as server:
        assert server.pull().snapshot.validator is None


def test_the_request_names_provider_both_bounds_and_the_token() -> None:
    with serving(a_bundle()) as server:
        server.pull()
        query = server.asked[0].query
        assert ("actor", "Practitioner/osei") in query
        assert [value for name, value in query if name == "date"] == [
            "ge2026-11-22T18:00:00Z",
            "lt2026-12-23T18:00:00Z",
        ]
        assert ("_include", "Appointment:patient") in query
        assert server.asked[0].headers["authorization"] == "Bearer secret-token"


def test_a_page_on_another_origin_is_not_asked_for() -> None:
    with serving(a_bundle()) as elsewhere:
        target = f"{elsewhere.url}/fhir/Appointment"
        with serving(a_bundle(a_visit("1"), a_patient(), following=target)) as server, pytest.raises(SchemaDrift):
            server.pull()
        assert elsewhere.asked == []


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        (Told(status=404), Absence.GONE),
        (Told(status=410), Absence.GONE),
        (Told(json.dumps(a_visit("other")), FHIR), Absence.UNKNOWN),
        (Told('{"resourceType": "OperationOutcome"}', FHIR), Absence.UNKNOWN),
        (Told(json.dumps(a_visit("a", start="soon")), FHIR), Absence.UNKNOWN),
        (Told(json.dumps(a_visit("a", status="entered-in-error")), FHIR), Absence.GONE),
    ],
)
def test_what_is_said_of_one_visit(told: Told, outcome: Absence) -> None:
    with serving(told) as server:
        assert server.open().get_appointment("a", ["osei"]) is outcome


def test_an_id_is_written_into_the_address_as_one_name() -> None:
    with serving(Told(status=404)) as server:
        server.open().get_appointment("../Patient/p?x=1", ["osei"])
        assert server.asked[0].path == "/fhir/Appointment/..%2FPatient%2Fp%3Fx%3D1"


def asked_of(server: Server) -> list[dict[str, list[str]]]:
    """The questions a server was asked, by parameter."""
    return [
        {name: [value for one, value in asked.query if one == name] for name, _ in asked.query}
        for asked in server.asked
    ]


def only_by(parameter: str, *resources: Any, declares: Sequence[str] | None = None) -> Callable[[Asked], Told]:
    """A server that refuses every question but one by this parameter ("": by date alone), without _include."""

    def answer(asked: Asked) -> Told:
        if asked.path.endswith("/metadata"):
            if declares is None:
                return Told(status=404)
            appointment = {"type": "Appointment", "searchParam": [{"name": one} for one in declares]}
            return Told(
                json.dumps({"resourceType": "CapabilityStatement", "rest": [{"resource": [appointment]}]}), FHIR
            )
        if asked.path.endswith("/Patient"):
            return a_bundle(a_patient())
        names = {name for name, _ in asked.query} & {"actor", "practitioner", "_include"}
        return a_bundle(*resources) if names == ({parameter} - {""}) else Told(status=400)

    return answer


class TestProfiles:
    def test_generic_claims_enough_for_every_test_that_all_sources_share(self) -> None:
        claims = capabilities_of(PROFILES["generic"])
        assert (claims.patient, claims.time) == ("included", "offset")
        assert claims.conditional_get
        assert claims.read_by_id
        assert claims.page_size

    def test_oracle_is_asked_for_practitioners_within_both_bounds_and_for_patients_by_id(self) -> None:
        with serving(only_by("practitioner", a_visit("1"))) as server:
            assert server.pull(profile="oracle").rows[0].patient.birth_date == date(1990, 11, 2)  # type: ignore[union-attr]
            first, patients = asked_of(server)
            assert first["practitioner"] == ["osei"]
            assert [one[:2] for one in first["date"]] == ["ge", "lt"]
            assert patients["_id"] == ["p"]

    def test_epic_is_asked_month_by_month_in_the_way_that_its_server_takes(self) -> None:
        with serving(only_by("actor", a_visit("1"))) as server:
            source = server.open("epic")
            window = replace(WINDOW, end=WINDOW.start + timedelta(days=70))
            assert len(source.snapshot(["osei"], window, None).translate(()).rows) == 1
            pulled = [one for one in asked_of(server) if "actor" in one]
            bounds = [(one["date"][0][2:12], one["date"][1][2:12]) for one in pulled]
            assert bounds == [("2026-11-22", "2026-12-23"), ("2026-12-23", "2027-01-23"), ("2027-01-23", "2027-01-31")]
            before = len(server.asked)
            source.snapshot(["osei"], WINDOW, None)
            assert [one.path for one in server.asked[before:]] == ["/fhir/Appointment"] * 1

    def test_openemr_is_read_whole_its_dash_is_a_booking_and_others_are_left_out(self) -> None:
        dash = a_visit("1", status="proposed")
        other = a_visit("2", participant=[{"actor": {"reference": "Practitioner/else"}}])
        with serving(only_by("", dash, other)) as server:
            found = server.pull(profile="openemr")
            assert [(row.external_id, row.raw_state, row.state) for row in found.rows] == [("1", "proposed", "booked")]
            assert not found.set_aside
            assert capabilities_of(PROFILES["openemr"]).filters == {"date"}

    def test_openemrs_stamps_are_no_change(self) -> None:
        def answer(asked: Asked) -> Told:
            stamped = {"meta": {"versionId": "1", "lastUpdated": f"2026-11-24T09:30:0{len(server.asked) % 10}Z"}}
            return a_bundle(a_patient()) if "/Patient" in asked.path else a_bundle(a_visit("1", **stamped))

        with serving(answer) as server:
            reads = [sorted(server.open("openemr").snapshot(["osei"], WINDOW, None).read) for _ in range(2)]
            assert reads[0] == reads[1]
            reads = [sorted(server.open("oracle").snapshot(["osei"], WINDOW, None).read) for _ in range(2)]
            assert reads[0] != reads[1]


class TestCapabilityStatement:
    @pytest.mark.parametrize("parameter", ["practitioner", "actor", ""])
    @pytest.mark.parametrize("declares", [None, (), ("date", "actor"), ("practitioner",), ("location",)])
    def test_a_server_that_refuses_is_asked_until_it_answers_whatever_it_declares(
        self, parameter: str, declares: Sequence[str] | None
    ) -> None:
        with serving(only_by(parameter, a_visit("1"), declares=declares)) as server:
            source = server.open()
            assert len(source.snapshot(["osei"], WINDOW, None).translate(()).rows) == 1
            before = len(server.asked)
            source.snapshot(["osei"], WINDOW, None)
            assert len(server.asked) == before + 1

    def test_what_it_declares_is_tried_first(self) -> None:
        with serving(only_by("practitioner", a_visit("1"), declares=("date", "practitioner"))) as server:
            server.open().snapshot(["osei"], WINDOW, None)
            asked = [sorted(set(one) & {"actor", "practitioner", "_include"}) for one in asked_of(server)]
            assert asked == [["_include", "actor"], [], ["_include", "practitioner"], ["practitioner"]]

    def test_a_better_way_that_was_refused_is_tried_again_after_an_hour(self) -> None:
        with serving(only_by("practitioner", a_visit("1"))) as server:
            source = server.open()
            source.snapshot(["osei"], WINDOW, None)
            for refuses in (True, False):
                if not refuses:
                    server.answers = [a_bundle(a_visit("1"), a_patient())]
                server.clock.advance(minutes=59)
                before = len(server.asked)
                source.snapshot(["osei"], WINDOW, None)
                assert "practitioner" in dict(server.asked[before].query)
                server.clock.advance(minutes=1)
                before = len(server.asked)
                source.snapshot(["osei"], WINDOW, None)
                assert [sorted(set(dict(one.query)) & {"actor", "practitioner"}) for one in server.asked[before:]] == (
                    [["actor"], ["practitioner"]] if refuses else [["actor"]]
                )
            server.clock.advance(hours=2)
            before = len(server.asked)
            source.snapshot(["osei"], WINDOW, None)
            assert len(server.asked) == before + 1

    def test_a_page_that_is_refused_is_no_refusal_of_the_question(self) -> None:
        def answer(asked: Asked) -> Told:
            if ("page", "2") in asked.query:
                return Told(status=400)  # its search has expired
            return a_bundle(a_visit("1"), a_patient(), following="?page=2")

        with serving(answer) as server:
            with pytest.raises(Unavailable):
                server.pull()
            assert len(server.asked) == 2

    def test_one_that_refuses_everything_is_given_up(self) -> None:
        with serving(Told(status=400)) as server, pytest.raises(SchemaDrift):
            server.pull()
        assert len(server.asked) <= 8

    def test_operators_are_told_where_it_says_less_than_is_asked(self) -> None:
        with serving(only_by("actor", declares=("date", "practitioner"))) as server:
            assert server.open().remarks() == [
                "does not declare a search of Appointment by actor",
                "does not declare that patients can be included; those that are missing are looked up",
            ]
        with serving(Told("<html>", FHIR)) as server:
            (remark,) = server.open().remarks()
            assert remark.startswith("has no CapabilityStatement")


WITH_BOTH = [{"actor": {"reference": f"Practitioner/{one}"}} for one in ("brandt", "osei")]


class TestSeveralProviders:
    """Of a feed that is read whole: a visit with two of its providers takes a place of both, and is one patient's."""

    both = a_visit("1", participant=[*WITH_BOTH, {"actor": {"reference": "Patient/p"}}])

    def test_it_is_a_visit_of_the_first_and_a_place_of_the_other(self) -> None:
        with serving(a_bundle(self.both, a_patient())) as server:
            snapshot = server.open().snapshot(["osei", "brandt"], WINDOW, None)
            visit, copy = [row for row, _ in snapshot.translate(()).rows]
            assert (visit.external_id, visit.provider_external_id) == ("1", "osei")
            assert (copy.external_id, copy.provider_external_id) == ("1~brandt", "brandt")
            assert visit.patient
            assert copy.patient is None
            assert (visit.start, visit.end, visit.kind) == (copy.start, copy.end, copy.kind)

    def test_both_are_known_by_their_prints(self) -> None:
        with serving(a_bundle(self.both, a_patient())) as server:
            snapshot = server.open().snapshot(["osei", "brandt"], WINDOW, None)
            prints = {print_ for _, print_ in snapshot.translate(()).rows}
            assert prints == set(snapshot.prints)
            assert not snapshot.translate(prints).rows
            assert len(snapshot.translate(set(list(prints)[:1])).rows) == 2

    def test_in_whatever_order_they_stand(self) -> None:
        turned = self.both | {"participant": self.both["participant"][::-1]}
        with serving(a_bundle(self.both, a_patient()), a_bundle(turned, a_patient())) as server:
            source = server.open()
            one, other = (source.snapshot(["osei", "brandt"], WINDOW, None).translate(()).rows for _ in range(2))
            assert [entry_of(row) for row, _ in one] == [entry_of(row) for row, _ in other]

    def test_by_id_the_place_is_there_as_long_as_the_visit_is_with_both(self) -> None:
        alone = a_visit("1", participant=[{"actor": {"reference": "Practitioner/osei"}}])
        answers = [Told(json.dumps(one), FHIR) for one in (self.both, alone)]
        with serving(*answers, Told(status=404)) as server:
            source = server.open()
            there = source.get_appointment("1~brandt", ["osei", "brandt"])
            assert isinstance(there, ScheduleRow)
            assert (there.external_id, there.provider_external_id) == ("1~brandt", "brandt")
            assert source.get_appointment("1~brandt", ["osei", "brandt"]) is Absence.GONE
            assert source.get_appointment("1~brandt", ["osei", "brandt"]) is Absence.GONE
            assert {asked.path for asked in server.asked} == {"/fhir/Appointment/1"}

    def test_entered_in_error_it_is_gone_with_both(self) -> None:
        with serving(a_bundle(self.both | {"status": "entered-in-error"}, a_patient())) as server:
            found = server.open().snapshot(["osei", "brandt"], WINDOW, None).translate(())
            assert (list(found.rows), set(found.gone)) == ([], {"1", "1~brandt"})


class TestPrints:
    @pytest.mark.parametrize(
        ("reference", "known"),
        [
            ("Patient/p", True),
            ("https://ehr.example/fhir/Patient/p", True),
            ("Patient/p/_history/3", True),
            ("Patient\\u002fp", False),
        ],
    )
    def test_an_entry_is_known_only_if_its_bytes_name_its_patient(self, reference: str, known: bool) -> None:
        participant = [{"actor": {"reference": "Practitioner/osei"}}, {"actor": {"reference": "@"}}]
        body = a_bundle(a_visit("1", participant=participant), a_patient()).body
        assert isinstance(body, str)
        with serving(Told(body.replace("@", reference), FHIR)) as server:
            snapshot = server.open().snapshot(["osei"], WINDOW, None)
            ((row, print_),) = snapshot.translate(()).rows
            assert row.patient
            assert row.patient.birth_date == date(1990, 11, 2)
            assert (print_ in snapshot.prints) is known

    def test_a_slash_may_be_escaped(self) -> None:
        body = a_bundle(a_visit("1"), a_patient()).body
        assert isinstance(body, str)
        with serving(Told(body.replace("Patient/p", "Patient\\/p"), FHIR)) as server:
            snapshot = server.open().snapshot(["osei"], WINDOW, None)
            assert [print_ for _, print_ in snapshot.translate(()).rows] == snapshot.prints

    def test_another_record_of_the_patient_is_another_print(self) -> None:
        one, other = (a_bundle(a_visit("1"), a_patient(birthDate=day)) for day in ("1990-11-02", "1990-02-11"))
        with serving(one, other) as server:
            source = server.open()
            assert source.snapshot(["osei"], WINDOW, None).prints != source.snapshot(["osei"], WINDOW, None).prints

    @pytest.mark.parametrize("late", [(0,) * 6, (0, 1, 0, 2, 4, 0), (3, 0, 4, 1, 0, 2)])
    def test_records_that_do_not_come_along_are_looked_up_once_in_half_an_hour(self, late: Sequence[int]) -> None:
        people = [f"p{number}" for number in range(40)]

        def answer(asked: Asked) -> Told:
            if "/Patient" in asked.path:
                return a_bundle(*(a_patient(id=one) for one in dict(asked.query)["_id"].split(",")))
            doctor = {"actor": {"reference": "Practitioner/osei"}}
            return a_bundle(
                *(a_visit(one, participant=[doctor, {"actor": {"reference": f"Patient/{one}"}}]) for one in people)
            )

        with serving(answer) as server:
            source = server.open("oracle", interval_minutes=5)
            known = set(source.snapshot(["osei"], WINDOW, None).prints)
            looked_up: list[str] = []
            due = NOW + timedelta(minutes=(spoke_of("harbor", "ehr~osei", 5) - minute_of(NOW)) % 5)
            for number, minutes in enumerate(late):
                server.clock.at = due + timedelta(minutes=5 * number + minutes)
                snapshot = source.snapshot(["osei"], WINDOW, None)
                rows = [row.external_id for row, _ in snapshot.translate(known).rows]
                assert snapshot.look_again is bool(rows)
                looked_up += rows
            assert sorted(looked_up) == sorted(people)


def an_outcome(*severities: str) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": one, "code": "x"} for one in severities]}


class TestShortAnswers:
    """A bundle that says itself that it does not show everything is not complete; what it shows is read all the same."""

    @pytest.mark.parametrize(
        ("pages", "short"),
        [
            ([a_bundle(a_visit("1"), a_patient(), total=2)], True),
            ([a_bundle(a_visit("1"), a_patient(), total=1)], False),
            ([a_bundle(a_visit("1"), a_patient(), total=0)], False),
            ([a_bundle(a_visit("1"), a_patient())], False),
            ([a_bundle(a_visit("1"), a_patient(), total="many")], False),
            ([a_bundle(a_visit("1"), a_patient(), total=True)], False),
            ([a_bundle(a_visit("1"), following="?page=2", total=3), a_bundle(a_visit("2"), a_patient(), total=3)], True),
            ([a_bundle(a_visit("1"), following="?page=2", total=2), a_bundle(a_visit("2"), a_patient(), total=2)], False),
            ([a_bundle(a_visit("1"), following="?page=2", total=2), a_bundle(a_visit("1"), a_patient(), total=2)], True),
            ([a_bundle(a_visit("1"), following="?page=2", total=9), a_bundle(a_visit("2"), a_patient(), total=8)], False),
            ([a_bundle(a_visit("1"), following="?page=2", total=9), a_bundle(a_visit("2"), a_patient())], False),
            ([a_bundle(a_visit("1"), a_patient(), an_outcome("error"))], True),
            ([a_bundle(a_visit("1"), a_patient(), an_outcome("warning", "fatal"))], True),
            ([a_bundle(a_visit("1"), a_patient(), an_outcome("warning", "information"))], False),
            ([a_bundle(a_visit("1"), a_patient(), {"resourceType": "OperationOutcome", "issue": "none"})], True),
        ],
        ids=[
            "more", "as-many", "fewer", "none", "no-number", "no-count", "pages-more", "pages", "pages-shifted",
            "another-on-each-page", "on-one-page-only", "error", "fatal", "warning", "unreadable",
        ],
    )  # fmt: skip
    def test_its_total_and_its_errors_count(self, pages: Sequence[Told], short: bool) -> None:
        with serving(*pages) as server:
            found = server.pull()
            assert found.snapshot.short is short
            assert "1" in {row.external_id for row in found.rows}
            assert not found.set_aside

    def test_the_parts_of_a_window_are_counted_each(self) -> None:
        with serving(a_bundle(total=0), a_bundle(a_visit("1"), a_patient(), total=2)) as server:
            assert server.pull(
                profile="epic", window=replace(WINDOW, end=WINDOW.start + timedelta(days=60))
            ).snapshot.short

    def test_a_delta_that_is_short_is_none(self) -> None:
        with serving(a_bundle(a_visit("1"), a_patient())) as server:
            source = server.open("stamped")
            cursor = source.snapshot(["osei"], WINDOW, None).cursor
            server.answers = [a_bundle(a_visit("1"), a_patient(), an_outcome("error"))]
            with pytest.raises(CursorExpired):
                source.changes(["osei"], WINDOW, cursor)
