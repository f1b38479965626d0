"""What every source has to bear, over real sockets: each fault has one outcome, and none loses a row.

Nothing here is of one kind of source: what is said is said by its Dialect (dialects.py, which tells how to add one), and where
less is promised, it is the source's own capabilities that say so.
"""

import gzip
import socket
from codecs import BOM_UTF8
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from email.utils import format_datetime
from importlib import import_module
from pkgutil import iter_modules
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from oneway import sources
from oneway.domain.appointments import AppointmentState, RowKind, ScheduleRow
from oneway.domain.clock_time import parse_instant
from oneway.domain.comparing import feed_digest
from oneway.domain.deltas import asked_from
from oneway.domain.feeds import FeedState
from oneway.faults import (
    AuthExpired,
    AuthRevoked,
    CursorExpired,
    OutOfTime,
    RateLimited,
    SchemaDrift,
    SourceError,
    Unavailable,
)
from oneway.ports import Absence, Capabilities, ScheduleSource
from oneway.sources import http
from oneway.sources.http import MOST_BYTES, TRIES, SourceHttp
from oneway.sources.opening import OpenSource

from cli.practice_file import KINDS
from local.serving import Asked, Told
from tests.builders import ZONE
from tests.fakes.store import FakeClock
from tests.servers.raw import Connection, saying

from .dialects import DIALECTS, NOW, REED, START, WINDOW, Dialect, Record, Server, Visit, serving

ARRIVED, BOOKED, CANCELLED = AppointmentState.ARRIVED, AppointmentState.BOOKED, AppointmentState.CANCELLED
GARBAGE = [
    pytest.param(dialect, name, id=f"{dialect.kind}-{name}") for dialect in DIALECTS for name in dialect.garbage("")
]


@pytest.fixture(params=DIALECTS, ids=lambda one: one.kind)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    found: Dialect = request.param
    return found


@pytest.fixture
def claims(dialect: Dialect) -> Capabilities:
    """What the source says that it can do."""
    return source_of(dialect).capabilities()


def source_of(dialect: Dialect) -> ScheduleSource:
    return Server(dialect, [], url="https://ehr.example").open()


@pytest.fixture
def paged(claims: Capabilities) -> None:
    if claims.page_size is None:
        pytest.skip("it has no pages")


def answer_of(dialect: Dialect, *entries: Any, headers: Mapping[str, str] | None = None) -> Told:
    """All on one page; that of one visit, if nothing is said."""
    (told,) = dialect.pages(entries or [Visit("1")])
    return replace(told, headers=dict(headers or {}))


def packed(told: Told) -> Told:
    return Told(gzip.compress(bytes_of(told), 1), told.kind, headers={"Content-Encoding": "gzip"})


def bytes_of(told: Told) -> bytes:
    return told.body.encode() if isinstance(told.body, str) else told.body


class TestKinds:
    def test_every_kind_of_a_practice_file_has_its_dialect(self) -> None:
        assert sorted(dialect.kind for dialect in DIALECTS) == sorted(KINDS)

    def test_every_source_that_there_is_goes_through_this_suite(self) -> None:
        methods = {name for name in vars(ScheduleSource) if not name.startswith("_")}
        modules = [import_module(f"{sources.__name__}.{one.name}") for one in iter_modules(sources.__path__)]
        classes = [one for module in modules for one in vars(module).values() if isinstance(one, type)]
        known = {one for one in classes if one.__module__.startswith(sources.__name__) and methods <= set(dir(one))}
        assert known == {type(source_of(dialect)) for dialect in DIALECTS}


@pytest.mark.parametrize(
    ("told", "fault", "calls"),
    [
        (Told(status=401), AuthExpired, 1),
        (Told(status=403), AuthRevoked, 1),
        (Told(status=404), SchemaDrift, 1),
        (Told(status=500), Unavailable, TRIES),
        (Told(status=504), Unavailable, TRIES),
        (Told(status=408), Unavailable, TRIES),
        (Told(status=522), Unavailable, TRIES),
        (Told(status=501), SchemaDrift, None),
        (Told("<html>sign in</html>"), SchemaDrift, 1),
        (Told(b"no gzip at all", headers={"Content-Encoding": "gzip"}), Unavailable, TRIES),
        (Told("{}", headers={"Content-Encoding": "br"}), SchemaDrift, 1),
    ],
)
def test_each_fault_has_its_outcome_and_bounded_tries(
    dialect: Dialect, told: Told, fault: type[SourceError], calls: int | None
) -> None:
    """`calls`: of one question; a source may ask another one where one is refused."""
    if told.headers:
        told = replace(told, kind=answer_of(dialect).kind)
    with serving(dialect, told) as server:
        with pytest.raises(fault) as caught:
            server.pull()
        assert len(server.asked) == calls or calls is None
        assert server.url not in str(caught.value)


def test_a_fault_that_passes_is_not_seen(dialect: Dialect) -> None:
    with serving(dialect, Told(status=503), answer_of(dialect)) as server:
        assert [row.external_id for row in server.pull().rows] == ["1"]


@pytest.mark.usefixtures("paged")
class TestPages:
    def test_a_500_on_the_third_page_fails_the_whole_pull(self, dialect: Dialect) -> None:
        first, second, _ = dialect.pages([Visit("1")], [Visit("2")], [Visit("3")])
        with serving(dialect, first, second, Told(status=500)) as server:
            with pytest.raises(Unavailable):
                server.pull()
            assert len(server.asked) == 2 + TRIES

    def test_a_401_in_mid_pull_fails_the_whole_pull(self, dialect: Dialect) -> None:
        first, _ = dialect.pages([Visit("1")], [Visit("2")])
        with serving(dialect, first, Told(status=401)) as server:
            with pytest.raises(AuthExpired):
                server.pull()
            assert len(server.asked) == 2

    def test_rows_that_shift_while_pages_are_read_are_seen_once(self, dialect: Dialect) -> None:
        pages = dialect.pages([Visit("1"), Visit("2")], [Visit("2", status=ARRIVED), Visit("3")])
        with serving(dialect, *pages) as server:
            found = server.pull()
            assert [(row.external_id, row.state, row.raw_state) for row in found.rows] == [
                ("1", BOOKED, dialect.word(BOOKED)),
                ("2", ARRIVED, dialect.word(ARRIVED)),
                ("3", BOOKED, dialect.word(BOOKED)),
            ]

    def test_of_a_visit_that_is_on_two_pages_the_last_counts_even_if_it_is_known(self, dialect: Dialect) -> None:
        pages = dialect.pages([Visit("1", status=CANCELLED)], [Visit("1")])
        with serving(dialect, answer_of(dialect), *pages) as server:
            source = server.open()
            known = set(source.snapshot(["osei"], WINDOW, None).prints)
            snapshot = source.snapshot(["osei"], WINDOW, None)
            assert not snapshot.translate(known).rows
            assert set(snapshot.prints) == known
            assert len(server.asked) == 3


class TestWaiting:
    @pytest.mark.parametrize(
        ("header", "seconds"),
        [("120", 120), ("Mon, 23 Nov 2026 18:05:00 GMT", 300), ("", None), ("soon", None), ("999999999", 86400)],
    )
    def test_a_429_says_how_long_to_wait_or_does_not(self, dialect: Dialect, header: str, seconds: int | None) -> None:
        headers = {"Date": format_datetime(NOW, usegmt=True)} | ({"Retry-After": header} if header else {})
        with serving(dialect, Told(status=429, headers=headers)) as server:
            with pytest.raises(RateLimited) as caught:
                server.pull()
            assert caught.value.until == (NOW + timedelta(seconds=seconds) if seconds else None)
            assert len(server.asked) == 1

    @pytest.mark.parametrize(("server_is_ahead", "asks"), [(120, 300), (-120, 300), (0, 0)])
    def test_a_clock_that_is_two_minutes_off_does_not_change_how_long(
        self, dialect: Dialect, server_is_ahead: int, asks: int
    ) -> None:
        theirs = NOW + timedelta(seconds=server_is_ahead)
        wait_until = format_datetime(theirs + timedelta(seconds=asks), usegmt=True)
        dates = {"Date": format_datetime(theirs, usegmt=True), "Retry-After": wait_until}
        with serving(dialect, Told(status=429, headers=dates)) as server:
            with pytest.raises(RateLimited) as caught:
                server.pull()
            assert caught.value.until == NOW + timedelta(seconds=asks)

    @pytest.mark.usefixtures("paged")
    def test_an_account_is_asked_no_faster_than_it_allows(self, dialect: Dialect) -> None:
        with serving(dialect, *dialect.pages(*([Visit(str(number))] for number in range(5)))) as server:
            source = server.open(requests_per_minute=12)
            source.snapshot(["osei"], WINDOW, None)
            assert server.clock.at - NOW == timedelta(seconds=4 * 5)

    def test_feeds_of_an_account_share_its_budget(self, dialect: Dialect) -> None:
        with serving(dialect, answer_of(dialect)) as server:
            for provider in ("osei", "brandt", "osei"):
                server.open(requests_per_minute=12, feed_id=f"ehr~{provider}").snapshot([provider], WINDOW, None)
            server.open(requests_per_minute=12, lane="another").snapshot(["osei"], WINDOW, None)
            assert server.clock.at - NOW == timedelta(seconds=2 * 5)

    def test_whoever_goes_on_with_an_account_keeps_its_budget_too(self, dialect: Dialect) -> None:
        """Another process knows nothing of this one; the queue gives it the lane only once this one has left it."""
        with serving(dialect, answer_of(dialect)) as server:
            for _ in range(3):
                server.open(requests_per_minute=12).snapshot(["osei"], WINDOW, None)
                assert server.factory
                server.factory.leave("lane", server.clock.at + timedelta(minutes=1))
                server.factory = None
            assert server.clock.at - NOW == timedelta(seconds=3 * 5)

    def test_to_leave_an_account_waits_for_its_budget_and_not_for_what_the_source_asked(self, dialect: Dialect) -> None:
        with serving(dialect, answer_of(dialect), Told(status=429, headers={"Retry-After": "300"})) as server:
            server.open().snapshot(["osei"], WINDOW, None)
            assert server.factory
            server.factory.leave("lane", server.clock.at + timedelta(minutes=1))
            assert server.clock.at == NOW
            with pytest.raises(RateLimited):
                server.open(requests_per_minute=12).snapshot(["osei"], WINDOW, None)
            server.factory.leave("lane", server.clock.at + timedelta(minutes=1))
            server.factory.leave("of nobody", NOW + timedelta(minutes=1))
            assert server.clock.at == NOW + timedelta(seconds=5)

    def test_to_leave_an_account_ends_when_the_worker_does(self, dialect: Dialect) -> None:
        with serving(dialect, answer_of(dialect)) as server:
            server.open(requests_per_minute=1).snapshot(["osei"], WINDOW, None)
            assert server.factory
            server.factory.leave("lane", NOW + timedelta(seconds=10))
            assert server.clock.at == NOW + timedelta(seconds=10)

    @pytest.mark.parametrize(("headers", "seconds"), [({"Retry-After": "300"}, 300), ({}, 60)])
    def test_when_one_feed_is_told_to_wait_the_others_do_not_ask(
        self, dialect: Dialect, headers: dict[str, str], seconds: int
    ) -> None:
        with serving(dialect, Told(status=429, headers=headers), answer_of(dialect)) as server:
            for _ in range(3):
                with pytest.raises(RateLimited) as caught:
                    server.open().snapshot(["osei"], WINDOW, None)
            assert len(server.asked) == 1
            assert caught.value.until == NOW + timedelta(seconds=seconds)
            assert caught.value.asked_until == (caught.value.until if headers else None)
            server.clock.advance(seconds=seconds)
            server.open().snapshot(["osei"], WINDOW, None)
            assert len(server.asked) == 2

    @pytest.mark.usefixtures("paged")
    def test_a_turn_that_would_come_too_late_is_left_to_the_next_pull_and_is_not_the_sources_fault(
        self, dialect: Dialect
    ) -> None:
        with serving(dialect, *dialect.pages([Visit("1")], [])) as server:
            source = server.open(requests_per_minute=1, deadline=NOW + timedelta(seconds=20))
            with pytest.raises(OutOfTime):
                source.snapshot(["osei"], WINDOW, None)
            assert server.clock.at == NOW


class TestAnswers:
    def test_a_304_is_unchanged_and_nothing_is_read(self, dialect: Dialect, claims: Capabilities) -> None:
        if not claims.conditional_get:
            pytest.skip("it is not asked whether there is anything new")

        def conditional(asked: Asked) -> Told:
            if asked.headers.get("if-none-match") == '"v1"':
                return Told(status=304, headers={"ETag": '"v1"'})
            return answer_of(dialect, headers={"ETag": '"v1"'})

        with serving(dialect, conditional) as server:
            first = server.pull()
            assert first.snapshot.validator == '"v1"'
            assert server.pull(first.snapshot.validator).snapshot.unchanged

    def test_who_was_not_asked_whether_anything_changed_does_not_say_that_nothing_did(self, dialect: Dialect) -> None:
        with serving(dialect, Told(status=304, headers={"ETag": '"v1"'})) as server, pytest.raises(SchemaDrift):
            server.pull()

    def test_an_empty_feed_is_complete(self, dialect: Dialect) -> None:
        with serving(dialect, *dialect.pages([])) as server:
            found = server.pull()
            assert (found.rows, found.set_aside, found.snapshot.complete) == ([], [], True)

    def test_packed_answers_are_unpacked(self, dialect: Dialect) -> None:
        with serving(dialect, packed(answer_of(dialect))) as server:
            assert len(server.pull().rows) == 1

    @pytest.mark.parametrize("sent", [replace, packed])
    def test_a_byte_order_mark_is_no_part_of_an_answer(self, dialect: Dialect, sent: Callable[[Told], Told]) -> None:
        told = answer_of(dialect)
        with serving(dialect, sent(replace(told, body=BOM_UTF8 + bytes_of(told)))) as server:
            assert len(server.pull().rows) == 1

    def test_a_decompression_bomb_is_refused(self, dialect: Dialect) -> None:
        bomb = packed(replace(answer_of(dialect), body=bytes(MOST_BYTES + 1)))
        with serving(dialect, bomb) as server, pytest.raises(SchemaDrift):
            server.pull()

    def test_a_redirect_to_another_host_is_not_followed(self, dialect: Dialect) -> None:
        with serving(dialect, answer_of(dialect)) as elsewhere:
            there = Told(status=302, headers={"Location": f"{elsewhere.url}/fhir/Appointment"})
            with serving(dialect, there) as server, pytest.raises(SchemaDrift):
                server.pull()
            assert len(server.asked) == 1
            assert elsewhere.asked == []

    def test_a_redirect_on_the_origin_is_followed(self, dialect: Dialect) -> None:
        with serving(dialect, Told(status=307, headers={"Location": "/moved"}), answer_of(dialect)) as server:
            assert len(server.pull().rows) == 1

    @pytest.mark.parametrize(
        ("status", "fault"),
        [(500, Unavailable), (401, AuthExpired), (403, AuthRevoked), (429, RateLimited), (400, SchemaDrift)],
    )
    def test_no_fault_says_that_a_visit_is_gone(
        self, dialect: Dialect, claims: Capabilities, status: int, fault: type[SourceError]
    ) -> None:
        if not claims.read_by_id:
            pytest.skip("it is not asked by id")
        with serving(dialect, Told(status=status)) as server, pytest.raises(fault):
            server.open().get_appointment("a", ["osei"])


class TestKeptConnections:
    @pytest.fixture
    def opened(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The addresses to which connections were opened."""
        found: list[str] = []

        def opens(scheme: str, host: str, address: str, port: int, pool: Any = http._pool) -> Any:
            found.append(address)
            return pool(scheme, host, address, port)

        monkeypatch.setattr(http, "_pool", opens)
        return found

    def test_requests_that_follow_one_another_go_over_one(self, dialect: Dialect, opened: list[str]) -> None:
        with serving(dialect, answer_of(dialect)) as server:
            for _ in range(3):
                server.open().snapshot(["osei"], WINDOW, None)
            assert len(opened) == 1
            server.open(lane="another").snapshot(["osei"], WINDOW, None)
            assert len(opened) == 2
            assert server.factory
            server.factory.leave("lane", server.clock.at + timedelta(minutes=1))
            server.open().snapshot(["osei"], WINDOW, None)
            assert len(opened) == 3

    def test_an_answer_that_was_not_read_to_its_end_leaves_none(self, dialect: Dialect, opened: list[str]) -> None:
        bomb = packed(replace(answer_of(dialect), body=bytes(MOST_BYTES + 1)))
        with serving(dialect, bomb, answer_of(dialect)) as server:
            with pytest.raises(SchemaDrift):
                server.pull()
            server.pull()
            assert len(opened) == 2

    def test_the_name_is_looked_up_each_time_and_another_address_is_another_connection(
        self, dialect: Dialect, opened: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with serving(dialect, answer_of(dialect)) as server:
            server.open().snapshot(["osei"], WINDOW, None)
            inner = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443))]
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: inner)
            with pytest.raises(SchemaDrift, match="private network"):
                server.open().snapshot(["osei"], WINDOW, None)

    def test_one_that_was_idle_is_not_used_again(self) -> None:
        at = 0.0
        kept, key = http.Connections(lambda: at), ("http://ehr", "127.0.0.1", 80)
        pool = http._pool("http", *key[1:2], *key[1:])
        kept.keep(key, pool)
        at = http.KEPT_SECONDS
        assert kept.take(key) is None
        kept.keep(key, pool)
        assert kept.take(("http://other", *key[1:])) is None
        kept.keep(key, pool)
        assert kept.take(key) is pool
        assert kept.take(key) is None


class TestPrivateNetworks:
    @pytest.mark.parametrize(
        "address", ["http://127.0.0.1:1/fhir", "https://10.0.0.1/fhir", "https://169.254.169.254/latest"]
    )
    def test_on_aws_private_networks_are_out_of_reach(self, dialect: Dialect, address: str) -> None:
        source = OpenSource(lambda *_: dialect.document, FakeClock(NOW), allow_loopback=False)
        settings = replace(dialect.settings(""), address=address)
        with pytest.raises(SchemaDrift):
            source(FeedState(settings)).snapshot(["osei"], WINDOW, None)

    @pytest.mark.parametrize(
        "leads_to",
        [
            ["10.0.0.1"],
            ["::ffff:169.254.169.254"],
            ["64:ff9b::a9fe:a9fe"],
            ["2002:a00:1::"],
            ["::a00:1"],
            ["fec0::1"],
            ["fd00::1"],
            ["93.184.215.14", "192.168.0.1"],
        ],
    )
    def test_so_is_a_name_that_resolves_to_one(
        self, dialect: Dialect, leads_to: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in leads_to]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        source = OpenSource(lambda *_: dialect.document, FakeClock(NOW), allow_loopback=False)
        with pytest.raises(SchemaDrift, match="private network"):
            source(FeedState(dialect.settings("https://ehr.example"))).snapshot(["osei"], WINDOW, None)


def head_of(dialect: Dialect) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {answer_of(dialect).kind}\r\n".encode()


def pull_of(
    dialect: Dialect, say: Callable[[Connection], None], deadline: datetime | None = None
) -> tuple[type[SourceError], int]:
    """How a pull of a raw server fails, and how many bytes were sent at the most."""
    with saying(say) as server:
        source = Server(dialect, [], url=server.url).open(deadline=deadline)
        with pytest.raises(SourceError) as caught:
            source.snapshot(["osei"], WINDOW, None)
        return type(caught.value), max(one.sent for one in server.connections)


DRIPS = {
    "head": (b"X-Slow: ", b"a"),
    "body": (b"Content-Length: 100000\r\n\r\n", b" "),
    "chunk": (b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
}
"""What comes at once after the first lines, and what then comes byte by byte without an end."""


def dripping(dialect: Dialect, part: str) -> Callable[[Connection], None]:
    at_once, drop = DRIPS[part]

    def say(to: Connection) -> None:
        to.send(head_of(dialect) + at_once)
        while to.send(drop) and not to.ended.wait(0.02):
            pass

    return say


class TestConnections:
    @pytest.mark.parametrize(
        "said",
        [
            b"",
            b"HTTP/1.1 2",
            b"HEAD" + b"Content-Length: 4000\r\n\r\n{",
            b"HEAD" + b"Content-Length: 4000\r\n\r\nBODY",
            b"HEAD" + b'Transfer-Encoding: chunked\r\n\r\n4\r\n{"re\r\n',
            b"HEAD" + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"\x00\xff no http at all\r\n\r\n",
        ],
    )
    def test_a_cut_connection_is_no_answer(self, dialect: Dialect, said: bytes) -> None:
        whole = said.replace(b"HEAD", head_of(dialect)).replace(b"BODY", bytes_of(answer_of(dialect)))
        assert pull_of(dialect, lambda to: to.send(whole) and None)[0] is Unavailable

    def test_without_a_connection_it_is_unavailable(self, dialect: Dialect) -> None:
        with serving(dialect, answer_of(dialect)) as server:
            gone = server.url
        server = Server(dialect, [], url=gone)
        with pytest.raises(Unavailable):
            server.pull()

    def test_a_gigabyte_is_refused_before_it_is_read(self, dialect: Dialect) -> None:
        def say(to: Connection) -> None:
            to.send(head_of(dialect) + b"Content-Length: 1073741824\r\n\r\n")
            while to.sent < 1 << 30 and to.send(bytes(1 << 20)):
                pass

        fault, sent = pull_of(dialect, say)
        assert fault is SchemaDrift
        assert sent < MOST_BYTES

    def test_one_that_does_not_say_how_long_it_is_is_given_up(self, dialect: Dialect) -> None:
        def say(to: Connection) -> None:
            to.send(head_of(dialect) + b"Connection: close\r\n\r\n")
            while to.sent < 1 << 30 and to.send(bytes(1 << 20)):
                pass

        fault, sent = pull_of(dialect, say)
        assert fault is SchemaDrift
        assert sent < 2 * MOST_BYTES

    @pytest.mark.parametrize("part", DRIPS)
    def test_a_slow_drip_ends_with_the_time_that_a_pull_has(self, dialect: Dialect, part: str) -> None:
        fault, sent = pull_of(dialect, dripping(dialect, part), NOW + timedelta(seconds=1))
        assert fault is OutOfTime, "it may have been our deadline alone"
        assert sent < 1000, "it was given up before all of it had come"

    @pytest.mark.parametrize("part", DRIPS)
    def test_a_slow_drip_that_had_all_the_time_of_a_call_is_the_sources_fault(
        self, dialect: Dialect, part: str
    ) -> None:
        with saying(dripping(dialect, part)) as server:
            for deadline in (None, NOW + timedelta(minutes=1)):
                calls = SourceHttp(server.url, FakeClock(NOW), allow_loopback=True, seconds=0.5, deadline=deadline)
                with pytest.raises(Unavailable):
                    calls.get(server.url)

    @pytest.mark.parametrize("length", [b"many", b"-1", b"1e3"])
    def test_a_length_that_is_none_does_not_matter(self, dialect: Dialect, length: bytes) -> None:
        head = head_of(dialect) + b"Connection: close\r\nContent-Length: " + length + b"\r\n\r\n"
        said = head + bytes_of(answer_of(dialect))
        with saying(lambda to: to.send(said) and None) as server:
            found = Server(dialect, [], url=server.url).open().snapshot(["osei"], WINDOW, None)
            assert len(found.prints) == 1

    def test_no_request_is_begun_when_time_is_up(self, dialect: Dialect) -> None:
        with serving(dialect, answer_of(dialect)) as server:
            with pytest.raises(OutOfTime):
                server.open(deadline=NOW).snapshot(["osei"], WINDOW, None)
            assert server.asked == []


class TestRows:
    @pytest.mark.parametrize(("dialect", "name"), GARBAGE)
    def test_a_garbage_row_is_set_aside_and_the_rest_go_on(self, dialect: Dialect, name: str) -> None:
        bad = dialect.garbage("x")[name]
        with serving(dialect, answer_of(dialect, Visit("1"), bad.entry, Visit("2"))) as server:
            found = server.pull()
            assert [row.external_id for row in found.rows] == ["1", "2"]
            assert [one.reason for one in found.set_aside if one.reason.startswith(bad.reason)]
            assert "Reed" not in repr(found.set_aside)
            assert [one.external_id for one in found.set_aside] == (["x"] if bad.shows_id else [""])

    def test_half_a_character_costs_nobody_the_schedule(self, dialect: Dialect) -> None:
        """As JavaScript writes a text that was cut within an emoji."""
        cut = replace(REED, family="Reed \ud83d")
        with serving(dialect, answer_of(dialect, Visit("1", patient=cut), Visit("2"))) as server:
            found = server.pull()
            assert [row.external_id for row in found.rows] == ["1", "2"]
            assert not found.set_aside
            assert found.rows[0].patient
            assert found.rows[0].patient.names[0].family == "Reed"

    def test_what_cannot_be_read_is_there_all_the_same(self, dialect: Dialect) -> None:
        bad = {f"x{number}": dialect.garbage(f"x{number}")[name] for number, name in enumerate(dialect.garbage(""))}
        with serving(dialect, answer_of(dialect, *(one.entry for one in bad.values()))) as server:
            found = server.open().snapshot(["osei"], WINDOW, None).translate(())
            assert len(found.set_aside) == len(bad)
            assert set(found.unreadable) == {identifier for identifier, one in bad.items() if one.shows_id}

    def test_an_unknown_status_word_is_kept_as_unknown(self, dialect: Dialect) -> None:
        with serving(dialect, answer_of(dialect, Visit("1", status="dreamt"))) as server:
            rows = server.pull().rows
            assert [(row.raw_state, row.state) for row in rows] == [("dreamt", AppointmentState.UNKNOWN)]


def row_of(source: ScheduleSource, *providers: str) -> ScheduleRow:
    ((row, _),) = source.snapshot(providers, WINDOW, None).translate(()).rows
    return row


class TestChanges:
    """One server before and after, as two pulls see it."""

    def test_deletion_leaves_the_others_as_they_were_and_is_told_by_id(
        self, dialect: Dialect, claims: Capabilities
    ) -> None:
        with serving(dialect, dialect.holding(Visit("1"), Visit("2"))) as server:
            source = server.open()
            before = source.snapshot(["osei"], WINDOW, None)
            assert [row.external_id for row, _ in before.translate(()).rows] == ["1", "2"]
            server.holds(Visit("1"))
            after = source.snapshot(["osei"], WINDOW, before.validator)
            assert (after.complete, after.unchanged) == (True, False)
            assert len(after.prints) == 1
            assert set(after.prints) < set(before.prints)
            assert not after.translate(set(before.prints)).rows
            kept, deleted = row_of(source, "osei"), Absence.GONE
            told = [source.get_appointment(one, ["osei"]) for one in ("1", "2")]
            assert told == ([kept, deleted] if claims.read_by_id else [Absence.UNKNOWN] * 2)

    def test_a_merged_patient_is_the_one_that_replaced_it(self, dialect: Dialect, claims: Capabilities) -> None:
        if claims.patient not in ("included", "by_id"):
            pytest.skip("it has no records of patients")
        new = Record("new", birth_date=date(1991, 1, 1))
        with serving(dialect, dialect.holding(Visit("1"))) as server:
            source = server.open()
            before = source.snapshot(["osei"], WINDOW, None)
            ((row, _),) = before.translate(()).rows
            assert row.patient
            assert (row.patient.source_id, row.patient.birth_date) == ("p", REED.birth_date)
            server.holds(Visit("1", patient=replace(REED, replaced_by=new)))
            after = source.snapshot(["osei"], WINDOW, before.validator)
            known = set(before.prints) if claims.patient == "included" else ()  # the other records have their own turn
            ((row, _),) = after.translate(known).rows
            assert row.patient
            assert (row.patient.source_id, row.patient.former_ids) == ("new", ("p",))
            assert row.patient.birth_date == new.birth_date

    def test_a_visit_whose_provider_moved_is_seen_with_the_other_one(
        self, dialect: Dialect, claims: Capabilities
    ) -> None:
        with serving(dialect, dialect.holding(Visit("1"))) as server:
            source = server.open()
            before = source.snapshot(["osei"], WINDOW, None)
            assert len(before.prints) == 1
            server.holds(Visit("1", provider="brandt"))
            after = source.snapshot(["osei"], WINDOW, before.validator)
            assert feed_digest(before.read) != feed_digest(after.read)
            found = after.translate(set(before.prints))
            assert (after.complete, list(found.rows), list(found.set_aside)) == (True, [], [])
            row = row_of(source, "osei", "brandt")
            assert (row.external_id, row.provider_external_id) == ("1", "brandt")
            assert source.get_appointment("1", ["osei"]) == (row if claims.read_by_id else Absence.UNKNOWN)


class TestTombstones:
    def test_a_tombstone_is_told_and_is_no_row(self, dialect: Dialect, claims: Capabilities) -> None:
        if claims.tombstones == "none":
            pytest.skip("it has no tombstones")
        with serving(dialect, answer_of(dialect, Visit("1"), dialect.tombstone("2"))) as server:
            found = server.open().snapshot(["osei"], WINDOW, None).translate(())
            assert [row.external_id for row, _ in found.rows] == ["1"]
            assert (set(found.gone), list(found.set_aside), set(found.unreadable)) == ({"2"}, [], set())

    @pytest.mark.usefixtures("paged")
    @pytest.mark.parametrize("last", [True, False])
    def test_on_two_pages_it_never_hides_that_there_was_one(
        self, dialect: Dialect, claims: Capabilities, last: bool
    ) -> None:
        """Whether a live row beats it is decided over all that was read (domain/deltas.py)."""
        if claims.tombstones == "none":
            pytest.skip("it has no tombstones")
        entries = [[Visit("1")], [dialect.tombstone("1")]]
        with serving(dialect, *dialect.pages(*(entries if last else entries[::-1]))) as server:
            found = server.open().snapshot(["osei"], WINDOW, None).translate(())
            assert {row.external_id for row, _ in found.rows} | set(found.gone) == {"1"}


class TestDeltas:
    """Of a kind of source that tells what changed."""

    @pytest.fixture(autouse=True)
    def tells(self, dialect: Dialect) -> None:
        if not dialect.delta_profile:
            pytest.skip("it does not tell what changed")

    def test_it_says_so_and_reads_whole_first(self, dialect: Dialect) -> None:
        with serving(dialect, dialect.holding(Visit("1"))) as server:
            source = server.open(dialect.delta_profile)
            assert source.capabilities().delta in ("timestamp", "token", "queue")
            cursor = source.snapshot(["osei"], WINDOW, None).cursor
            assert cursor
            if source.capabilities().delta == "timestamp":
                assert parse_instant(cursor) <= NOW
            assert not server.open().snapshot(["osei"], WINDOW, None).cursor

    def test_what_changed_since_is_told_with_the_way_on(self, dialect: Dialect) -> None:
        with serving(dialect, dialect.holding(Visit("1"), Visit("2"))) as server:
            source = server.open(dialect.delta_profile)
            cursor = source.snapshot(["osei"], WINDOW, None).cursor
            server.clock.advance(minutes=5)
            later = NOW + timedelta(minutes=3)
            server.holds(Visit("1"), Visit("2", status=ARRIVED, changed=later), Visit("3", changed=later))
            changes = source.changes(["osei"], WINDOW, cursor)
            found = {row.external_id: row.state for row, _ in changes.translate(()).rows}
            assert found == {"2": ARRIVED, "3": BOOKED}
            assert len(changes.prints) == 2
            server.clock.advance(minutes=5)
            assert not source.changes(["osei"], WINDOW, changes.cursor).read

    @pytest.mark.parametrize("server_is_ahead", [120, -120])
    def test_a_clock_that_is_two_minutes_off_hides_no_change(self, dialect: Dialect, server_is_ahead: int) -> None:
        """Stamped by its own clock in the very moment after the last reading."""
        with serving(dialect, dialect.holding(Visit("1"))) as server:
            source = server.open(dialect.delta_profile)
            cursor = source.snapshot(["osei"], WINDOW, None).cursor
            server.holds(Visit("1", status=ARRIVED, changed=NOW + timedelta(seconds=server_is_ahead)))
            server.clock.advance(minutes=1)
            changes = source.changes(["osei"], WINDOW, asked_from(cursor, source.capabilities().delta))
            assert [row.state for row, _ in changes.translate(()).rows] == [ARRIVED]

    def test_what_is_told_again_has_the_print_that_it_had(self, dialect: Dialect) -> None:
        with serving(dialect, dialect.holding(Visit("1", changed=NOW))) as server:
            source = server.open(dialect.delta_profile)
            whole = source.snapshot(["osei"], WINDOW, None)
            changes = source.changes(["osei"], WINDOW, whole.cursor)
            assert set(changes.prints) <= set(whole.prints)
            assert not changes.translate(set(whole.prints)).rows

    def test_a_cursor_that_is_not_taken_has_expired(self, dialect: Dialect) -> None:
        with serving(dialect, dialect.holding(Visit("1"))) as server:
            source = server.open(dialect.delta_profile)
            cursor = source.snapshot(["osei"], WINDOW, None).cursor
            server.answers = [dialect.refuses_changes(dialect.holding(Visit("1")))]
            for one in (cursor, "no cursor"):
                with pytest.raises(CursorExpired):
                    source.changes(["osei"], WINDOW, one)

    def test_without_a_cursor_of_its_own_everything_is_read(self, dialect: Dialect, claims: Capabilities) -> None:
        if claims.delta != "none":
            pytest.skip("it always tells what changed")
        with serving(dialect, dialect.holding(Visit("1"))) as server, pytest.raises(CursorExpired):
            server.open().changes(["osei"], WINDOW, NOW.isoformat())

    @pytest.mark.parametrize(
        ("told", "fault"),
        [(Told(status=500), Unavailable), (Told(status=429), RateLimited), (Told(status=401), AuthExpired)],
    )
    def test_a_fault_says_nothing_of_the_cursor(self, dialect: Dialect, told: Told, fault: type[SourceError]) -> None:
        with serving(dialect, dialect.holding(Visit("1"))) as server:
            source = server.open(dialect.delta_profile)
            cursor = source.snapshot(["osei"], WINDOW, None).cursor
            server.answers = [told]
            with pytest.raises(fault):
                source.changes(["osei"], WINDOW, cursor)

    def test_to_acknowledge_takes_nothing_away_from_a_source_that_keeps_no_queue(self, dialect: Dialect) -> None:
        with serving(dialect, dialect.holding(Visit("1"))) as server:
            source = server.open(dialect.delta_profile)
            cursor = source.snapshot(["osei"], WINDOW, None).cursor
            asked = len(server.asked)
            source.acknowledge(cursor)
            if source.capabilities().delta != "queue":
                assert len(server.asked) == asked


class TestTimes:
    def test_both_half_past_ones_of_a_night_in_autumn(self, dialect: Dialect, claims: Capabilities) -> None:
        zones = [timezone(timedelta(hours=hours)) for hours in (-7, -8)]
        visits = [Visit(str(zone), datetime(2026, 11, 1, 1, 30, tzinfo=zone)) for zone in zones]
        with serving(dialect, answer_of(dialect, *visits)) as server:
            rows = server.pull(window=replace(WINDOW, start=datetime(2026, 10, 31, tzinfo=UTC))).rows
            starts = [datetime(2026, 11, 1, hour, 30, tzinfo=UTC) for hour in (8, 9)]
            assert [row.end - row.start for row in rows] == [timedelta(minutes=30)] * 2
            if claims.time == "naive":  # nobody can tell which of the two it is
                assert all(row.start in starts and not row.zone_certain for row in rows)
            else:
                assert [row.start for row in rows] == starts
                assert all(row.zone_certain for row in rows)

    def test_the_night_in_spring_has_no_half_past_two(self, dialect: Dialect, claims: Capabilities) -> None:
        around = [
            datetime(2026, 3, 8, hour, 30, tzinfo=timezone(timedelta(hours=zone))) for hour, zone in ((1, -8), (3, -7))
        ]
        visits = [Visit(str(at.hour), at) for at in around]
        with serving(dialect, answer_of(dialect, *visits)) as server:
            rows = server.pull(window=replace(WINDOW, start=datetime(2026, 3, 7, tzinfo=UTC))).rows
            assert [row.start for row in rows] == [datetime(2026, 3, 8, hour, 30, tzinfo=UTC) for hour in (9, 10)]
            assert [row.end - row.start for row in rows] == [timedelta(minutes=30)] * 2

    @pytest.mark.parametrize(
        ("day", "hours"), [(date(2026, 11, 26), 24), (date(2026, 11, 1), 25), (date(2026, 3, 8), 23)]
    )
    def test_all_day_without_a_patient_is_a_block_of_that_day(self, dialect: Dialect, day: date, hours: int) -> None:
        with serving(dialect, answer_of(dialect, dialect.all_day("d", day))) as server:
            (row,) = server.pull(window=replace(WINDOW, start=datetime(2026, 3, 7, tzinfo=UTC))).rows
            assert (row.kind, row.patient) == (RowKind.BLOCK, None)
            assert row.start == datetime.combine(day, time(), ZoneInfo(ZONE)).astimezone(UTC)
            assert row.end - row.start == timedelta(hours=hours)

    def test_visits_of_a_recurrence_are_visits_each_of_its_own(self, dialect: Dialect) -> None:
        starts = [START + timedelta(weeks=week) for week in range(3)]
        entries, identifiers = dialect.series("s", starts)
        assert len(set(identifiers)) == 3
        with serving(dialect, answer_of(dialect, *entries)) as server:
            rows = server.pull().rows
            assert [(row.external_id, row.start) for row in rows] == list(zip(identifiers, starts, strict=True))

    def test_a_time_of_an_uncertain_zone_is_never_taken_for_certain(
        self, dialect: Dialect, claims: Capabilities
    ) -> None:
        with serving(dialect, answer_of(dialect, Visit("1"), dialect.without_zone(Visit("x")))) as server:
            found = server.open().snapshot(["osei"], WINDOW, None).translate(())
            certain = {row.external_id: row.zone_certain for row, _ in found.rows}
            if claims.time == "naive":
                assert certain["x"] is False
            else:
                assert certain == {"1": True}
                assert len(found.set_aside) == 1
                assert set(found.unreadable) == {"x"}
