"""SMART Backend Services over real sockets: a token server that verifies every assertion by our published key alone."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from oneway.domain.feeds import FeedState
from oneway.faults import AuthExpired, AuthRevoked, OutOfTime, RateLimited, SchemaDrift, SourceError, Unavailable
from oneway.ports import ScheduleSource, Translated
from oneway.sources import signing
from oneway.sources.http import TRIES
from oneway.sources.opening import OpenSource
from oneway.sources.smart import SmartSignIn

from cli.signing_keys import SigningKey, from_kms, from_pem
from local.serving import Asked, LoopbackServer, Told
from tests.builders import feed_settings
from tests.conftest import Embedded
from tests.fakes.store import FakeClock
from tests.keys import pem
from tests.servers.tokens import JSON, TokenServer

from .dialects import FHIR, NOW, WINDOW, a_bundle, a_patient, a_visit

CLIENT = "oneway-harbor"
WELL_KNOWN = "/fhir/.well-known/smart-configuration"
OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
ROOT = Path(__file__).parents[2]
Page = Callable[[Asked], Told]


@dataclass
class Sides:
    """Our side, a FHIR server that takes the token server's tokens only, and that token server, elsewhere."""

    tokens: TokenServer
    keys: list[SigningKey]
    clock: FakeClock
    theirs: FakeClock
    pages: list[Page] = field(default_factory=list)
    configuration: Told | None = None
    statement: Told | None = None
    asked: list[Asked] = field(default_factory=list)
    discoveries: list[Asked] = field(default_factory=list)
    url: str = ""
    changes: dict[str, Any] = field(default_factory=dict)
    allow_loopback: bool = True
    factory: OpenSource | None = None

    def answer(self, asked: Asked) -> Told:
        if asked.path in (WELL_KNOWN, "/fhir/metadata"):
            self.discoveries.append(asked)
            told = self.configuration if asked.path == WELL_KNOWN else self.statement
            return told or Told(status=404)
        self.asked.append(asked)
        if not self.tokens.takes(asked):
            return Told(status=401)
        page = self.pages[min(len(self.asked), len(self.pages)) - 1] if self.pages else None
        return page(asked) if page else a_bundle(a_visit("1"), a_patient())

    def document(self) -> str:
        key = self.keys[0]
        found = {
            "client_id": CLIENT,
            "key_id": key.id,
            "algorithm": key.algorithm,
            "private_key": key.private_key,
            "kms_key": key.kms_key,
            "token_url": self.tokens.url,
        }
        return json.dumps({name: value for name, value in (found | self.changes).items() if value})

    def open(self, deadline: datetime | None = None) -> ScheduleSource:
        if self.factory is None:
            self.factory = OpenSource(lambda *_: self.document(), self.clock, allow_loopback=self.allow_loopback)
        return self.factory(FeedState(feed_settings(address=f"{self.url}/fhir")), deadline)

    def pull(self, deadline: datetime | None = None) -> Translated:
        return self.open(deadline).snapshot(["osei"], WINDOW, None).translate(())

    def both_advance(self, **passed: float) -> None:
        self.clock.advance(**passed)
        self.theirs.advance(**passed)


@contextmanager
def two_sides(*keys: SigningKey, ahead: timedelta = timedelta(), life: int = 300) -> Iterator[Sides]:
    """`ahead` is how far the other side's clock is before ours."""
    clock, theirs = FakeClock(NOW), FakeClock(NOW + ahead)
    used = list(keys or (from_pem(pem("ES384")),))

    def jwks() -> list[Mapping[str, str]]:
        return [key.public for key in used]

    with TokenServer(CLIENT, jwks, theirs.now, life=life) as tokens:
        sides = Sides(tokens, used, clock, theirs)
        loopback = LoopbackServer(0, sides.answer)
        sides.url = loopback.url
        try:
            yield sides
        finally:
            loopback.close()


def configured(token_endpoint: object) -> Told:
    return Told(
        json.dumps({"token_endpoint": token_endpoint, "capabilities": ["client-confidential-asymmetric"]}), JSON
    )


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
def test_a_private_key_signs_in(algorithm: str) -> None:
    with two_sides(from_pem(pem(algorithm))) as sides:
        assert [row.external_id for row, _ in sides.pull().rows] == ["1"]
        assert [header["alg"] for header in sides.tokens.headers] == [algorithm]
        assert sides.tokens.refusals == []


class TestKms:
    @pytest.fixture
    def kms(self, embedded: Embedded) -> Iterator[Any]:
        signing._client.cache_clear()
        yield embedded.aws.client("kms")
        signing._client.cache_clear()

    @pytest.mark.parametrize(("spec", "algorithm"), [("RSA_3072", "RS384"), ("ECC_NIST_P384", "ES384")])
    def test_a_key_that_stays_in_kms_signs_in(self, kms: Any, spec: str, algorithm: str) -> None:
        made = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]
        kms.create_alias(AliasName=f"alias/oneway/sources/{spec}", TargetKeyId=made["KeyId"])
        key = from_kms(kms, f"alias/oneway/sources/{spec}")
        assert (key.algorithm, key.kms_key, key.private_key) == (algorithm, made["Arn"], "")
        with two_sides(key) as sides:
            assert len(sides.pull().rows) == 1
            assert sides.tokens.refusals == []

    def test_a_key_that_may_not_sign_any_more_is_for_staff_to_look_at(self, kms: Any) -> None:
        made = kms.create_key(KeySpec="ECC_NIST_P384", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
        key = from_kms(kms, made["KeyId"])
        kms.disable_key(KeyId=made["KeyId"])
        with two_sides(key) as sides, pytest.raises(AuthRevoked, match="kms:Sign DisabledException"):
            sides.pull()


def test_a_token_is_kept_over_pulls_and_renewed_before_it_ends() -> None:
    with two_sides(life=300) as sides:
        for seconds, tokens in ((0, 1), (239, 1), (2, 2), (200, 2)):
            sides.both_advance(seconds=seconds)
            sides.pull()
            assert len(sides.tokens.asked) == tokens
        assert len({asked.headers["authorization"] for asked in sides.asked}) == 2


@pytest.mark.parametrize(("life", "kept"), [(60, 29), (20, 9), (3600, 2879)])
def test_short_and_long_tokens_are_renewed_in_their_own_time(life: int, kept: int) -> None:
    with two_sides(life=life) as sides:
        for seconds, tokens in ((0, 1), (kept, 1), (2, 2)):
            sides.both_advance(seconds=seconds)
            sides.pull()
            assert len(sides.tokens.asked) == tokens


def test_a_token_that_ends_in_mid_pull_is_renewed_and_the_page_asked_for_again() -> None:
    with two_sides() as sides:

        def first(asked: Asked) -> Told:
            sides.tokens.ends.clear()  # they end it before we think so
            return a_bundle(a_visit("1"), a_patient(), following="/fhir/Appointment?page=2")

        sides.pages = [first, lambda asked: a_bundle(a_visit("2"))]
        assert [row.external_id for row, _ in sides.pull().rows] == ["1", "2"]
        assert [asked.path for asked in sides.asked] == ["/fhir/Appointment"] * 3
        assert len(sides.tokens.asked) == 2


def test_a_new_token_that_is_refused_as_well_has_expired() -> None:
    with two_sides() as sides:
        sides.tokens.takes = lambda asked: False  # type: ignore[method-assign]
        with pytest.raises(AuthExpired):
            sides.pull()
        assert (len(sides.asked), len(sides.tokens.asked)) == (2, 2)


def test_side_by_side_pulls_share_one_token() -> None:
    with two_sides() as sides:
        sides.open()
        start, found = Barrier(8), []

        def pull() -> None:
            start.wait(10)
            found.append(len(sides.pull().rows))

        threads = [Thread(target=pull) for _ in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(20)
        assert found == [1] * 8
        assert len(sides.tokens.asked) == 1


def test_side_by_side_pulls_renew_a_refused_token_once() -> None:
    with two_sides() as sides:
        sides.pull()
        sides.tokens.ends.clear()  # all are revoked
        threads = [Thread(target=sides.pull) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(20)
        assert len(sides.tokens.asked) == 2


def test_every_assertion_is_another_one() -> None:
    with two_sides() as sides:
        for _ in range(3):
            sides.pull()
            sides.both_advance(seconds=290)
        assert sides.tokens.refusals == []
        assert len({claims["jti"] for claims in sides.tokens.claims}) == 3


def test_an_answer_that_was_lost_is_asked_for_with_another_assertion() -> None:
    """The first one may have arrived; a second use of it would be refused."""
    with two_sides() as sides:
        sides.tokens.instead = [Told(status=502)]
        sides.pull()
        forms = [asked.form()["client_assertion"] for asked in sides.tokens.asked]
        assert len(set(forms)) == len(forms) == 2


def test_a_key_that_they_do_not_know_is_for_staff_to_look_at() -> None:
    known, ours = from_pem(pem("ES384")), from_pem(pem("ES384", "other"))
    with two_sides(known) as sides:
        sides.changes = {"key_id": known.id, "private_key": ours.private_key}
        with pytest.raises(AuthRevoked) as caught:
            sides.pull()
        assert sides.tokens.refusals == ["signature"]
        assert str(caught.value) == "invalid_client"
        assert sides.asked == []


def test_while_one_key_takes_over_from_another_both_are_known() -> None:
    new, old = from_pem(pem("ES384")), from_pem(pem("RS384"))
    with two_sides(new, old) as sides:
        sides.pull()
        sides.keys.reverse()  # the document names the other one now
        sides.both_advance(seconds=1)
        sides.pull()
        assert [header["kid"] for header in sides.tokens.headers] == [new.id, old.id]
        assert sides.tokens.refusals == []


def test_what_they_know_nothing_of_is_found_out_anew_with_other_credentials() -> None:
    with two_sides() as sides:
        sides.changes = {"client_id": "somebody-else"}
        with pytest.raises(AuthRevoked):
            sides.pull()
        sides.changes = {}
        assert len(sides.pull().rows) == 1


@pytest.mark.parametrize("minutes", [2, -2])
def test_a_clock_that_is_two_minutes_off_signs_in_by_theirs(minutes: int) -> None:
    with two_sides(ahead=timedelta(minutes=minutes)) as sides:
        assert len(sides.pull().rows) == 1
        sides.both_advance(seconds=290)
        assert len(sides.pull().rows) == 1
        # At most one refusal: what was learnt about their clock is kept.
        assert len(sides.tokens.refusals) <= 1
        assert len(sides.tokens.asked) == 2 + len(sides.tokens.refusals)


@pytest.mark.parametrize("minutes", [10, -10])
def test_a_clock_that_is_ten_minutes_off_is_refused_once_and_then_signs_by_theirs(minutes: int) -> None:
    with two_sides(ahead=timedelta(minutes=minutes)) as sides:
        for _ in range(2):
            assert len(sides.pull().rows) == 1
            sides.both_advance(seconds=290)
        assert sides.tokens.refusals == ["exp"]
        assert len(sides.tokens.asked) == 3


def test_their_clock_is_no_excuse_for_another_refusal() -> None:
    with two_sides(ahead=timedelta(minutes=10)) as sides:
        sides.changes = {"client_id": "somebody-else"}
        for _ in range(2):
            with pytest.raises(AuthRevoked):
                sides.pull()
        assert sides.tokens.refusals == ["client", "client"] * 2


@pytest.mark.parametrize(
    ("told", "fault", "calls"),
    [
        (Told(status=500), Unavailable, TRIES),
        (Told(status=503), Unavailable, TRIES),
        (Told('{"error": "temporarily_unavailable"}', JSON, 400), Unavailable, 1),
        (Told(status=429, headers={"Retry-After": "120"}), RateLimited, 1),
        (Told(status=503, headers={"Retry-After": "120"}), RateLimited, 1),
        (Told('{"error": "invalid_client"}', JSON, 401), AuthRevoked, 1),
        (Told('{"error": "unauthorized_client"}', JSON, 400), AuthRevoked, 1),
        (Told('{"error": "invalid_scope"}', JSON, 400), AuthRevoked, 1),
        (Told("<h1>Unauthorized</h1>", status=401), AuthRevoked, 1),
        (Told("no", status=403), AuthRevoked, 1),
        (Told('{"error": "invalid_request", "error_description": "Maria"}', JSON, 400), SchemaDrift, 1),
        (Told("<h1>Bad request</h1>", status=400), SchemaDrift, 1),
        (Told(status=404), SchemaDrift, 1),
        (Told(status=302, headers={"Location": "/elsewhere"}), SchemaDrift, 1),
        (Told("<html>sign in</html>"), SchemaDrift, 1),
        (Told("[" * 10_000, JSON), SchemaDrift, 1),
        (Told(b"\xff\xfe", JSON), SchemaDrift, 1),
        (Told('{"token_type": "bearer"}', JSON), SchemaDrift, 1),
        (Told('{"access_token": "a", "token_type": "mac"}', JSON), SchemaDrift, 1),
        (Told('{"access_token": "a\\r\\nHost: b", "token_type": "bearer"}', JSON), SchemaDrift, 1),
        (Told('{"access_token": "", "token_type": "bearer"}', JSON), SchemaDrift, 1),
    ],
)
def test_what_the_token_endpoint_says_or_does_not_say(told: Told, fault: type[SourceError], calls: int) -> None:
    with two_sides() as sides:
        sides.tokens.instead = [told] * TRIES
        with pytest.raises(fault) as caught:
            sides.pull()
        assert len(sides.tokens.asked) == calls
        assert sides.asked == []
        said = str(caught.value)
        assert sides.tokens.url not in said
        assert "Maria" not in said
        if isinstance(caught.value, RateLimited):
            assert caught.value.until == NOW + timedelta(seconds=120)


@pytest.mark.parametrize(
    "granted",
    [
        {"access_token": "abc", "token_type": "Bearer", "expires_in": "300"},
        {"access_token": "abc", "token_type": "bearer"},
        {"access_token": "abc", "token_type": "bearer", "expires_in": -5},
        {"access_token": "abc", "token_type": "bearer", "expires_in": 10**30},
    ],
)
def test_lifes_that_are_strange_or_missing_are_survived(granted: dict[str, Any]) -> None:
    with two_sides() as sides:
        sides.tokens.instead = [Told(json.dumps(granted), JSON)]
        sides.tokens.ends["abc"] = NOW + timedelta(hours=1)
        assert len(sides.pull().rows) == 1


def test_what_we_hold_serves_on_while_the_token_endpoint_stumbles_early() -> None:
    with two_sides() as sides:
        sides.pull()
        sides.both_advance(seconds=250)
        sides.tokens.instead = [Told(status=500)] * TRIES
        assert len(sides.pull().rows) == 1
        assert len(sides.pull().rows) == 1
        assert len(sides.tokens.asked) == 1 + TRIES  # not at every request
        sides.both_advance(seconds=60)
        sides.tokens.instead = [Told(status=500)] * TRIES
        with pytest.raises(Unavailable):
            sides.pull()


def test_what_we_hold_serves_on_where_there_was_no_time_to_renew_it_early() -> None:
    """The pull that had no time is over; the next one has a token, though the token endpoint stumbles by then."""
    with two_sides() as sides:
        sides.pull()
        sides.both_advance(seconds=250)
        with pytest.raises(OutOfTime):
            sides.pull(deadline=sides.clock.now())
        sides.tokens.instead = [Told(status=500)] * TRIES
        assert len(sides.pull().rows) == 1
        assert len(sides.tokens.asked) == 1


def test_without_a_connection_to_the_token_endpoint_it_is_unavailable() -> None:
    with two_sides() as sides:
        sides.tokens.close()
        with pytest.raises(Unavailable):
            sides.pull()


class TestDiscovery:
    def test_the_source_names_its_token_endpoint_on_another_origin(self) -> None:
        with two_sides() as sides:
            sides.changes = {"token_url": ""}
            sides.configuration = configured(sides.tokens.url)
            assert sides.tokens.origin != sides.url
            for _ in range(2):
                assert len(sides.pull().rows) == 1
                sides.both_advance(seconds=290)
            assert len(sides.discoveries) == 1
            assert all("authorization" not in asked.headers for asked in (*sides.discoveries, *sides.tokens.asked))

    def test_older_servers_name_it_in_their_statement(self) -> None:
        with two_sides() as sides:
            sides.changes = {"token_url": ""}
            uris = [{"url": "authorize", "valueUri": "x"}, {"url": "token", "valueUri": sides.tokens.url}]
            security = {"extension": [{"url": "other"}, {"url": OAUTH_URIS, "extension": uris}]}
            statement = {"resourceType": "CapabilityStatement", "rest": [{"mode": "server", "security": security}]}
            sides.statement = Told(json.dumps(statement), FHIR)
            assert len(sides.pull().rows) == 1
            sides.configuration = Told(status=401)
            sides.factory = None
            assert len(sides.pull().rows) == 1

    @pytest.mark.parametrize(
        "endpoint",
        [
            "http://10.0.0.1/token",
            "https://10.0.0.1/token",
            "https://169.254.169.254/latest",
            "https://[::1",
            "https://a:b/token",
            "https://user:word@127.0.0.1/token",
            "file:///etc/passwd",
            "/token",
            "token",
            "",
            7,
            None,
        ],
    )
    def test_an_endpoint_that_nobody_should_be_led_to_is_refused(self, endpoint: object) -> None:
        with two_sides() as sides:
            sides.changes = {"token_url": ""}
            sides.configuration = configured(endpoint)
            with pytest.raises(SchemaDrift):
                sides.pull()
            assert sides.asked == sides.tokens.asked == []

    @pytest.mark.parametrize(
        "endpoint",
        [
            "http://127.0.0.1:1/token",
            "https://127.0.0.1:1/token",
            "https://10.0.0.1/token",
            "https://[::ffff:10.0.0.1]/token",
            "http://fhir.example.org/token",
        ],
    )
    @pytest.mark.parametrize("discovered", [False, True])
    def test_on_aws_nobody_is_led_to_a_private_network_or_out_of_https(
        self, endpoint: str, discovered: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if discovered:
            monkeypatch.setattr(SmartSignIn, "_configured", lambda self: endpoint)
        with two_sides() as sides:
            sides.changes = {"token_url": "" if discovered else endpoint}
            sides.allow_loopback = False
            with pytest.raises(SchemaDrift, match=r"private network|not reached by https"):
                sides.pull()

    def test_a_name_that_no_network_knows_is_unavailable(self) -> None:
        with two_sides() as sides:
            sides.changes = {"token_url": f"https://{'a' * 70}.example/token"}
            with pytest.raises(Unavailable):
                sides.pull()

    def test_an_endpoint_that_moved_is_found_again(self) -> None:
        with two_sides() as sides:
            sides.changes = {"token_url": ""}
            sides.configuration = configured(f"{sides.tokens.origin}/old")
            with pytest.raises(AuthRevoked):
                sides.pull()
            sides.configuration = configured(sides.tokens.url)
            assert len(sides.pull().rows) == 1


@pytest.mark.parametrize("smart", [False, True])
def test_the_library_that_signs_is_loaded_for_a_private_key_alone(smart: bool) -> None:
    with two_sides() as sides:
        sides.tokens.ends["fixed"] = NOW + timedelta(days=1)
        document = sides.document() if smart else '{"token": "fixed"}'
        program = (
            "import sys, json\n"
            "from oneway.sources.opening import OpenSource\n"
            "from oneway.domain.feeds import FeedState\n"
            "from tests.builders import feed_settings\n"
            "from tests.contract.dialects import WINDOW, NOW\n"
            "from tests.fakes.store import FakeClock\n"
            f"open_source = OpenSource(lambda *_: {document!r}, FakeClock(NOW), allow_loopback=True)\n"
            f"source = open_source(FeedState(feed_settings(address={sides.url + '/fhir'!r})))\n"
            "rows = source.snapshot(['osei'], WINDOW, None).translate(()).rows\n"
            "print(len(rows), 'cryptography' in sys.modules)"
        )
        environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'layers/core'}"}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
        )
        assert done.stdout.split() == ["1", str(smart)], done.stderr


def test_nothing_secret_is_in_what_may_be_printed() -> None:
    with two_sides() as sides:
        source = sides.open()
        sides.pull()
        shown = repr(source) + repr(sides.keys)
        token = next(iter(sides.tokens.ends))
        assert token not in shown
        assert "PRIVATE KEY" not in shown
