"""What goes wrong on the way to a FHIR server, over real sockets: each fault has one outcome, and none loses a row."""

import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from time import monotonic
from typing import Any

import pytest
from oneway.domain.appointments import RowKind, ScheduleRow, SetAsideRow
from oneway.domain.clock_time import minute_of
from oneway.domain.feeds import FeedState, Window, spoke_of
from oneway.faults import AuthExpired, AuthRevoked, RateLimited, SchemaDrift, SourceError, Unavailable
from oneway.ports import Absence, ScheduleSource, Snapshot
from oneway.sources import fhir
from oneway.sources.fhir_profiles import PROFILES, capabilities_of
from oneway.sources.http import MOST_BYTES, TRIES
from oneway.sources.opening import OpenSource

from local.serving import Asked, LoopbackServer, Told
from tests.builders import feed_settings
from tests.fakes.store import FakeClock
from tests.servers.raw import Connection, saying

NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(days=1), NOW + timedelta(days=30), date(2026, 11, 23))
FHIR = "application/fhir+json"


def a_visit(identifier: str, **changes: Any) -> dict[str, Any]:
    visit = {
        "resourceType": "Appointment",
        "id": identifier,
        "status": "booked",
        "start": "2026-11-24T09:30:00-08:00",
        "end": "2026-11-24T10:00:00-08:00",
        "participant": [{"actor": {"reference": "Practitioner/osei"}}, {"actor": {"reference": "Patient/p"}}],
    }
    return {key: value for key, value in (visit | changes).items() if value is not None}


def a_patient(**changes: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": "p", "name": [{"family": "Reed"}], "birthDate": "1990-11-02"} | changes


def a_bundle(*resources: Any, following: str = "") -> Told:
    bundle: dict[str, Any] = {"resourceType": "Bundle", "entry": [{"resource": one} for one in resources]}
    if following:
        bundle["link"] = [{"relation": "next", "url": following}]
    return Told(json.dumps(bundle), FHIR)


@dataclass
class Pulled:
    snapshot: Snapshot
    rows: Sequence[ScheduleRow]
    set_aside: Sequence[SetAsideRow]


@dataclass
class Server:
    """Answers one after the other, the last one again and again."""

    answers: list[Told | Callable[[Asked], Told]]
    asked: list[Asked] = field(default_factory=list)
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    url: str = ""
    factory: OpenSource | None = None

    def answer(self, asked: Asked) -> Told:
        self.asked.append(asked)
        told = self.answers[min(len(self.asked), len(self.answers)) - 1]
        return told(asked) if callable(told) else told

    def open(self, profile: str = "generic", deadline: datetime | None = None, **changes: Any) -> ScheduleSource:
        settings = feed_settings(address=f"{self.url}/fhir", profile=profile, **changes)
        if self.factory is None:
            self.factory = OpenSource(lambda *_: '{"token": "secret-token"}', self.clock, allow_loopback=True)
        return self.factory(FeedState(settings), deadline)

    def pull(self, validator: str | None = None, *, profile: str = "generic") -> Pulled:
        """What a pull translates, where nothing is known."""
        snapshot = self.open(profile).snapshot(["osei"], WINDOW, validator)
        found = snapshot.translate(())
        return Pulled(snapshot, [row for row, _ in found.rows], found.set_aside)


@contextmanager
def serving(*answers: Told | Callable[[Asked], Told]) -> Iterator[Server]:
    server = Server(list(answers))
    loopback = LoopbackServer(0, server.answer)
    server.url = loopback.url
    try:
        yield server
    finally:
        loopback.close()


@pytest.mark.parametrize(
    ("told", "fault", "calls"),
    [
        (Told(status=401), AuthExpired, 1),
        (Told(status=403), AuthRevoked, 1),
        (Told(status=404), SchemaDrift, 1),
        (Told(status=500), Unavailable, TRIES),
        (Told(status=504), Unavailable, TRIES),
        (Told("<html>sign in</html>"), SchemaDrift, 1),
        (Told('{"resourceType": "OperationOutcome"}', FHIR), SchemaDrift, 1),
        (Told('{"resourceType": "Bundle", "entry": [', FHIR), SchemaDrift, 1),
        (Told(b'{"resourceType": "Bundle\xff"}', FHIR), SchemaDrift, 1),
        (Told('{"resourceType": "Bundle", "entry": [{"resource": ' + "[" * 100_000, FHIR), SchemaDrift, 1),
        (a_bundle(a_visit("1"), a_patient(), following="https://[::1"), SchemaDrift, 1),
        (Told(b"no gzip at all", FHIR, headers={"Content-Encoding": "gzip"}), Unavailable, TRIES),
        (Told("{}", FHIR, headers={"Content-Encoding": "br"}), SchemaDrift, 1),
    ],
)
def test_each_fault_has_its_outcome_and_bounded_tries(told: Told, fault: type[SourceError], calls: int) -> None:
    with serving(told) as server:
        with pytest.raises(fault) as caught:
            server.pull()
        assert len(server.asked) == calls
        assert server.url not in str(caught.value)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("120", 120), ("Mon, 23 Nov 2026 18:05:00 GMT", 300), ("", None), ("soon", None), ("999999999", 86400)],
)
def test_being_asked_to_wait_says_how_long(header: str, seconds: int | None) -> None:
    headers = {"Date": format_datetime(NOW, usegmt=True)} | ({"Retry-After": header} if header else {})
    with serving(Told(status=429, headers=headers)) as server:
        with pytest.raises(RateLimited) as caught:
            server.pull()
        assert caught.value.until == (NOW + timedelta(seconds=seconds) if seconds else None)
        assert len(server.asked) == 1


@pytest.mark.parametrize(("server_is_ahead", "asks"), [(120, 300), (-120, 300), (0, 0)])
def test_a_date_to_wait_for_counts_by_the_servers_own_clock(server_is_ahead: int, asks: int) -> None:
    theirs = NOW + timedelta(seconds=server_is_ahead)
    wait_until = format_datetime(theirs + timedelta(seconds=asks), usegmt=True)
    dates = {"Date": format_datetime(theirs, usegmt=True), "Retry-After": wait_until}
    with serving(Told(status=429, headers=dates)) as server:
        with pytest.raises(RateLimited) as caught:
            server.pull()
        assert caught.value.until == NOW + timedelta(seconds=asks)


def test_a_fault_that_passes_is_not_seen() -> None:
    with serving(Told(status=503), a_bundle(a_visit("1"), a_patient())) as server:
        assert [row.external_id for row in server.pull().rows] == ["1"]


def test_a_fault_on_the_third_page_fails_the_whole_pull() -> None:
    with serving(
        lambda asked: a_bundle(a_visit("1"), a_patient(), following="/fhir/Appointment?page=2"),
        lambda asked: a_bundle(a_visit("2"), a_patient(), following="/fhir/Appointment?page=3"),
        Told(status=500),
    ) as server:
        with pytest.raises(Unavailable):
            server.pull()
        assert len(server.asked) == 2 + TRIES


def test_access_that_ends_in_mid_pull_fails_the_whole_pull() -> None:
    pages = (a_bundle(a_visit("1"), a_patient(), following="?page=2"), Told(status=401))
    with serving(*pages) as server, pytest.raises(AuthExpired):
        server.pull()


def test_rows_that_shift_between_pages_are_seen_once() -> None:
    first = a_bundle(a_visit("1"), a_visit("2"), a_patient(), following="?page=2")
    with serving(first, a_bundle(a_visit("2", status="arrived"), a_visit("3"))) as server:
        found = server.pull()
        assert [(row.external_id, row.raw_state) for row in found.rows] == [
            ("1", "booked"),
            ("2", "arrived"),
            ("3", "booked"),
        ]


def test_of_a_visit_that_is_on_two_pages_the_last_counts_even_if_it_is_known() -> None:
    first = a_bundle(a_visit("1", status="cancelled"), a_patient(), following="?page=2")
    with serving(a_bundle(a_visit("1"), a_patient()), first, a_bundle(a_visit("1"))) as server:
        source = server.open()
        known = set(source.snapshot(["osei"], WINDOW, None).prints)
        snapshot = source.snapshot(["osei"], WINDOW, None)
        assert not snapshot.translate(known).rows
        assert set(snapshot.prints) == known


@pytest.mark.parametrize("following", ["?page=1", "/fhir/Appointment"])
def test_pages_without_an_end_are_given_up(following: str) -> None:
    with serving(lambda asked: a_bundle(a_visit("1"), a_patient(), following=following)) as server:
        with pytest.raises(SchemaDrift):
            server.pull()
        assert len(server.asked) <= 3


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (a_visit("x", start="yesterday"), "its start is not an instant"),
        (a_visit("x", start="2026-11-24T09:30:00"), "its start is not an instant"),
        (a_visit("x", start="2026-02-30T09:30:00Z"), "its start does not exist"),
        (a_visit("x", start=None), "has no start"),
        (a_visit("x", end=None), "has neither end nor duration"),
        (a_visit("x", end=None, minutesDuration=10**12), "its duration leads nowhere"),
        (a_visit("x", end=None, minutesDuration=10**18), "its duration leads nowhere"),
        (a_visit("x", participant=[]), "names none of the providers"),
        (a_visit("x", status=7), "does not have the shape"),
        ({"resourceType": "Appointment", "patient": "Reed"}, "does not have the shape"),
        ("garbage", "does not have the shape"),
    ],
)
def test_a_garbage_row_is_set_aside_and_the_rest_go_on(bad: Any, reason: str) -> None:
    with serving(a_bundle(a_visit("1"), bad, a_visit("2"), a_patient())) as server:
        found = server.pull()
        assert [row.external_id for row in found.rows] == ["1", "2"]
        assert [one.reason for one in found.set_aside if one.reason.startswith(reason)]
        assert "Reed" not in repr(found.set_aside)


def test_what_cannot_be_read_is_there_all_the_same() -> None:
    with serving(a_bundle(a_visit("x", start="soon"), "garbage", a_patient())) as server:
        found = server.open().snapshot(["osei"], WINDOW, None).translate(())
        assert (len(found.set_aside), found.unreadable) == (2, {"x"})


def test_bytes_that_are_no_text_spoil_their_own_row_only() -> None:
    body = a_bundle(a_visit("1"), a_visit("x", status="@"), a_visit("2"), a_patient(name=[{"family": "@"}])).body
    assert isinstance(body, str)
    answer = Told(body.encode().replace(b"@", b"\xff"), FHIR)
    with serving(lambda asked: answer if "Appointment" in asked.path else a_bundle()) as server:
        found = server.pull()
        assert [row.external_id for row in found.rows] == ["1", "2"]
        assert [one.reason for one in found.set_aside] == ["does not have the shape of an Appointment"]


def test_an_empty_feed_is_complete() -> None:
    with serving(a_bundle()) as server:
        found = server.pull()
        assert (found.rows, found.snapshot.complete) == ([], True)


def test_an_unknown_status_is_kept_as_unknown() -> None:
    with serving(a_bundle(a_visit("1", status="dreamt"), a_patient())) as server:
        assert [(row.raw_state, row.state) for row in server.pull().rows] == [("dreamt", "unknown")]


def test_a_duration_stands_in_for_an_end() -> None:
    with serving(a_bundle(a_visit("1", end=None, minutesDuration=20), a_patient())) as server:
        row = server.pull().rows[0]
        assert row.end - row.start == timedelta(minutes=20)


def test_a_merged_patient_is_the_one_that_replaced_it() -> None:
    merged = a_patient(link=[{"other": {"reference": "Patient/new"}, "type": "replaced-by"}])

    def look_up(asked: Asked) -> Told:
        asked_for = dict(asked.query).get("_id", "").split(",")
        known = {"p": merged, "new": a_patient(id="new", birthDate="1991-01-01")}
        return a_bundle(*(known[one] for one in asked_for if one in known))

    with serving(a_bundle(a_visit("1"), merged), look_up) as server:
        row = server.pull().rows[0]
        assert row.patient.source_id == "new"
        assert row.patient.birth_date == date(1991, 1, 1)


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


def test_what_the_source_says_is_unchanged_is_not_read() -> None:
    def conditional(asked: Asked) -> Told:
        if asked.headers.get("if-none-match") == '"v1"':
            return Told(status=304, headers={"ETag": '"v1"'})
        bundle = a_bundle(a_visit("1"), a_patient())
        return Told(bundle.body, FHIR, headers={"ETag": '"v1"'})

    with serving(conditional) as server:
        first = server.pull()
        assert first.snapshot.validator == '"v1"'
        assert server.pull(first.snapshot.validator).snapshot.unchanged


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


def test_credentials_and_redirects_stay_on_the_origin() -> None:
    with serving(a_bundle()) as elsewhere:
        target = f"{elsewhere.url}/fhir/Appointment"
        with serving(Told(status=302, headers={"Location": target})) as server, pytest.raises(SchemaDrift):
            server.pull()
        with serving(a_bundle(a_visit("1"), a_patient(), following=target)) as server, pytest.raises(SchemaDrift):
            server.pull()
        assert elsewhere.asked == []


def test_a_redirect_on_the_origin_is_followed() -> None:
    with serving(Told(status=307, headers={"Location": "/moved"}), a_bundle(a_visit("1"), a_patient())) as server:
        assert len(server.pull().rows) == 1


def test_packed_answers_are_unpacked() -> None:
    body = a_bundle(a_visit("1"), a_patient()).body
    packed = gzip.compress(body.encode() if isinstance(body, str) else body)
    with serving(Told(packed, FHIR, headers={"Content-Encoding": "gzip"})) as server:
        assert len(server.pull().rows) == 1


def test_an_answer_that_unpacks_beyond_all_bounds_is_refused() -> None:
    bomb = gzip.compress(bytes(MOST_BYTES + 1), 1)
    with serving(Told(bomb, FHIR, headers={"Content-Encoding": "gzip"})) as server, pytest.raises(SchemaDrift):
        server.pull()


def test_without_a_connection_it_is_unavailable() -> None:
    with serving(a_bundle()) as server:
        gone = server.url
    server = Server([], url=gone)
    with pytest.raises(Unavailable):
        server.pull()


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/fhir", "https://10.0.0.1/fhir", "https://169.254.169.254/latest"]
)
def test_on_aws_private_networks_are_out_of_reach(address: str) -> None:
    source = OpenSource(lambda *_: "{}", FakeClock(NOW), allow_loopback=False)
    with pytest.raises(SchemaDrift):
        source(FeedState(feed_settings(address=address))).snapshot(["osei"], WINDOW, None)


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


@pytest.mark.parametrize(
    ("status", "fault"),
    [(500, Unavailable), (401, AuthExpired), (403, AuthRevoked), (429, RateLimited), (400, SchemaDrift)],
)
def test_no_other_answer_says_that_a_visit_is_gone(status: int, fault: type[SourceError]) -> None:
    with serving(Told(status=status)) as server, pytest.raises(fault):
        server.open().get_appointment("a", ["osei"])


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


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\n"


def pull_of(say: Callable[[Connection], None], deadline: datetime | None = None) -> tuple[type[SourceError], int]:
    """How a pull of a raw server fails, and how many bytes were sent at the most."""
    with saying(say) as server:
        source = Server([], url=server.url).open(deadline=deadline)
        with pytest.raises(SourceError) as caught:
            source.snapshot(["osei"], WINDOW, None)
        return type(caught.value), max(one.sent for one in server.connections)


class TestConnections:
    @pytest.mark.parametrize(
        "said",
        [
            b"",
            b"HTTP/1.1 2",
            HEAD + b"Content-Length: 4000\r\n\r\n{",
            HEAD + b'Transfer-Encoding: chunked\r\n\r\n4\r\n{"re\r\n',
            HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"\x00\xff no http at all\r\n\r\n",
        ],
    )
    def test_a_cut_connection_is_no_answer(self, said: bytes) -> None:
        assert pull_of(lambda to: to.send(said) and None)[0] is Unavailable

    def test_a_gigabyte_is_refused_before_it_is_read(self) -> None:
        def say(to: Connection) -> None:
            to.send(HEAD + b"Content-Length: 1073741824\r\n\r\n")
            while to.sent < 1 << 30 and to.send(bytes(1 << 20)):
                pass

        fault, sent = pull_of(say)
        assert fault is SchemaDrift
        assert sent < MOST_BYTES

    def test_one_that_does_not_say_how_long_it_is_is_given_up(self) -> None:
        def say(to: Connection) -> None:
            to.send(HEAD + b"Connection: close\r\n\r\n")
            while to.sent < 1 << 30 and to.send(bytes(1 << 20)):
                pass

        fault, sent = pull_of(say)
        assert fault is SchemaDrift
        assert sent < 2 * MOST_BYTES

    def test_pages_that_together_are_beyond_all_bounds_are_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(fhir, "MOST_BYTES_OF_A_PULL", 5000)
        page = (a_bundle(a_visit(str(n), comment="x" * 900), a_patient(), following=f"?page={n}") for n in range(99))
        with serving(lambda asked: next(page)) as server:
            with pytest.raises(SchemaDrift):
                server.pull()
            assert len(server.asked) < 8

    def test_a_slow_drip_ends_with_the_time_that_a_pull_has(self) -> None:
        def say(to: Connection) -> None:
            to.send(HEAD + b"Content-Length: 100000\r\n\r\n")
            while to.send(b" ") and not to.ended.wait(0.02):
                pass

        began = monotonic()
        assert pull_of(say, NOW + timedelta(seconds=1))[0] is Unavailable
        assert monotonic() - began < 10

    @pytest.mark.parametrize("length", [b"many", b"-1", b"1e3"])
    def test_a_length_that_is_none_does_not_matter(self, length: bytes) -> None:
        body = a_bundle(a_visit("1"), a_patient()).body
        assert isinstance(body, str)
        said = HEAD + b"Connection: close\r\nContent-Length: " + length + b"\r\n\r\n" + body.encode()
        with saying(lambda to: to.send(said) and None) as server:
            try:
                found = Server([], url=server.url).open().snapshot(["osei"], WINDOW, None)
                assert len(found.prints) == 1
            except Unavailable:
                pass  # the library may not read it either; nothing else may come of it

    def test_no_request_is_begun_when_time_is_up(self) -> None:
        with serving(a_bundle(a_visit("1"), a_patient())) as server:
            with pytest.raises(Unavailable):
                server.open(deadline=NOW).snapshot(["osei"], WINDOW, None)
            assert server.asked == []


class TestPace:
    def test_an_account_is_asked_no_faster_than_it_allows(self) -> None:
        pages = [a_bundle(a_visit(str(n)), a_patient(), following=f"?page={n}") for n in range(4)]
        with serving(*pages, a_bundle(a_visit("5"))) as server:
            source = server.open(requests_per_minute=12)
            source.snapshot(["osei"], WINDOW, None)
            assert server.clock.at - NOW == timedelta(seconds=4 * 5)

    def test_feeds_of_an_account_share_its_budget(self) -> None:
        with serving(a_bundle(a_visit("1"), a_patient())) as server:
            for provider in ("osei", "brandt", "osei"):
                server.open(requests_per_minute=12, feed_id=f"ehr~{provider}").snapshot([provider], WINDOW, None)
            server.open(requests_per_minute=12, lane="another").snapshot(["osei"], WINDOW, None)
            assert server.clock.at - NOW == timedelta(seconds=2 * 5)

    @pytest.mark.parametrize(("headers", "seconds"), [({"Retry-After": "300"}, 300), ({}, 60)])
    def test_when_one_feed_is_told_to_wait_the_others_do_not_ask(self, headers: dict[str, str], seconds: int) -> None:
        with serving(Told(status=429, headers=headers), a_bundle(a_visit("1"), a_patient())) as server:
            for _ in range(3):
                with pytest.raises(RateLimited) as caught:
                    server.open().snapshot(["osei"], WINDOW, None)
            assert len(server.asked) == 1
            assert caught.value.until == NOW + timedelta(seconds=seconds)
            server.clock.advance(seconds=seconds)
            server.open().snapshot(["osei"], WINDOW, None)
            assert len(server.asked) == 2

    def test_a_turn_that_would_come_too_late_is_left_to_the_next_pull(self) -> None:
        with serving(a_bundle(a_visit("1"), a_patient(), following="?page=2"), a_bundle()) as server:
            with pytest.raises(RateLimited):
                server.open(requests_per_minute=1, deadline=NOW + timedelta(seconds=20)).snapshot(
                    ["osei"], WINDOW, None
                )
            assert server.clock.at == NOW


class TestTimes:
    def test_both_half_past_ones_of_a_night_in_autumn(self) -> None:
        night = "2026-11-01T01:30:00{0}", "2026-11-01T02:00:00{0}"
        visits = [a_visit(z, start=night[0].format(z), end=night[1].format(z)) for z in ("-07:00", "-08:00")]
        window = replace(WINDOW, start=datetime(2026, 10, 31, tzinfo=UTC))
        with serving(a_bundle(*visits, a_patient())) as server:
            rows = [row for row, _ in server.open().snapshot(["osei"], window, None).translate(()).rows]
            assert [row.start for row in rows] == [datetime(2026, 11, 1, hour, 30, tzinfo=UTC) for hour in (8, 9)]
            assert all(row.zone_certain for row in rows)

    def test_a_whole_day_without_a_patient_is_a_block_of_that_day(self) -> None:
        doctor = [{"actor": {"reference": "Practitioner/osei"}}]
        day = a_visit("d", start="2026-11-26T00:00:00-08:00", end="2026-11-27T00:00:00-08:00", participant=doctor)
        with serving(a_bundle(day)) as server:
            (row,) = server.pull().rows
            assert row.kind is RowKind.BLOCK
            assert row.end - row.start == timedelta(days=1)

    def test_visits_of_a_series_are_visits_each_of_its_own(self) -> None:
        days = ("2026-11-24", "2026-12-01", "2026-12-08")
        weekly = [
            a_visit(f"s-{n}", start=f"{day}T09:30:00-08:00", end=f"{day}T10:00:00-08:00") for n, day in enumerate(days)
        ]
        with serving(a_bundle(*weekly, a_patient())) as server:
            assert [row.external_id for row in server.pull().rows] == ["s-0", "s-1", "s-2"]
