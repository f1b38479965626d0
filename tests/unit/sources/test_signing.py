"""Assertions and their signatures: as the standards write them, whoever signs."""

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import example, given
from hypothesis import strategies as st
from oneway.faults import AuthRevoked, SourceError, Unavailable
from oneway.sources import signing
from oneway.sources.opening import MOST_SIGN_INS, OpenSource
from oneway.sources.signing import assertion, raw_of_der, signer_of

from tests.builders import NOW, a_feed, feed_settings
from tests.fakes.store import FakeClock
from tests.keys import pem

HALF = 2**384 - 1
halves = st.one_of(st.integers(1, HALF), st.integers(1, 2**64), st.integers(HALF - 2**64, HALF))


@given(halves, halves)
@example(1, 1)
@example(127, 128)
@example(255, 256)
@example(2**383, HALF)
def test_both_halves_of_a_signature_are_kept_in_48_bytes_each(r: int, s: int) -> None:
    raw = raw_of_der(encode_dss_signature(r, s))
    assert len(raw) == 96
    assert (int.from_bytes(raw[:48], "big"), int.from_bytes(raw[48:], "big")) == (r, s)


@given(st.binary(max_size=120))
def test_what_is_no_signature_is_said_so(damaged: bytes) -> None:
    try:
        raw = raw_of_der(damaged)
    except ValueError:
        return
    r, s = int.from_bytes(raw[:48], "big"), int.from_bytes(raw[48:], "big")
    assert len(raw) == 96
    assert min(r, s) >= 0


@given(halves, halves, st.data())
def test_a_damaged_signature_never_breaks_in_another_way(r: int, s: int, data: st.DataObject) -> None:
    der = bytearray(encode_dss_signature(r, s))
    at = data.draw(st.integers(0, len(der) - 1))
    der[at] = data.draw(st.integers(0, 255))
    for found in (bytes(der), bytes(der[:at]), bytes(der) + b"\0"):
        try:
            assert len(raw_of_der(found)) == 96
        except ValueError:
            continue


@pytest.mark.parametrize(("r", "s"), [(HALF + 1, 1), (1, HALF + 1), (2**520, 1)])
def test_a_signature_on_another_curve_is_refused(r: int, s: int) -> None:
    with pytest.raises(ValueError, match=r"curve|signature"):
        raw_of_der(encode_dss_signature(r, s))


def test_an_assertion_names_algorithm_and_key_and_has_an_id_of_its_own() -> None:
    signed: list[bytes] = []

    def sign(message: bytes) -> bytes:
        signed.append(message)
        return b"\xff\xfe"

    made = [assertion({"iss": "us"}, "key-1", "ES384", sign) for _ in range(2)]
    header, claims, signature = (part + "=" * (-len(part) % 4) for part in made[0].split("."))
    assert json.loads(urlsafe_b64decode(header)) == {"alg": "ES384", "kid": "key-1", "typ": "JWT"}
    assert json.loads(urlsafe_b64decode(claims))["iss"] == "us"
    assert signature == "__4="
    assert signed[0] == made[0].rpartition(".")[0].encode()
    assert made[0] != made[1]


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        ("", "ES384"),
        ("no key", "RS384"),
        (pem("ES384"), "RS384"),
        (pem("RS384"), "ES384"),
        (pem("P-256"), "ES384"),
        (pem("ES384", password="word"), "ES384"),
    ],
)
def test_a_private_key_that_cannot_sign_is_for_staff_to_look_at(key: str, algorithm: str) -> None:
    with pytest.raises(AuthRevoked) as caught:
        signer_of(algorithm, key, "")(b"message")
    assert str(caught.value) == "the private key cannot be used"
    assert caught.value.__cause__ is None


class FakeKms:
    """Answers each call of Sign."""

    def __init__(self, answer: bytes | Exception) -> None:
        self.answer = answer
        self.calls: list[dict[str, Any]] = []

    def sign(self, **given: Any) -> dict[str, bytes]:
        self.calls.append(given)
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"Signature": self.answer}


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "arn:aws:kms"}}, "Sign")


def test_kms_gets_a_digest_and_never_the_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    kms = FakeKms(b"signature")
    monkeypatch.setattr(signing, "_client", lambda: kms)
    assert signer_of("RS384", "", "key-1")(b"message") == b"signature"
    (call,) = kms.calls
    assert (call["KeyId"], call["MessageType"], len(call["Message"])) == ("key-1", "DIGEST", 48)
    assert call["SigningAlgorithm"] == "RSASSA_PKCS1_V1_5_SHA_384"


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (refused("AccessDeniedException"), AuthRevoked),
        (refused("KMSInvalidStateException"), AuthRevoked),
        (refused("NotFoundException"), AuthRevoked),
        (refused("ThrottlingException"), Unavailable),
        (refused("KMSInternalException"), Unavailable),
        (ReadTimeoutError(endpoint_url="https://kms"), Unavailable),
    ],
)
def test_what_kms_says_or_does_not_say(
    answer: Exception, fault: type[SourceError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "_client", lambda: FakeKms(answer))
    with pytest.raises(fault) as caught:
        signer_of("ES384", "", "key-1")(b"message")
    assert "arn" not in str(caught.value)


def test_sign_ins_are_kept_by_source_and_no_more_than_so_many() -> None:
    document = {"client_id": "us", "key_id": "k", "algorithm": "ES384", "kms_key": "k"}
    documents: dict[str, str] = {}
    factory = OpenSource(
        lambda practice, _: documents.get(practice, json.dumps(document)), FakeClock(NOW), allow_loopback=False
    )

    def sign_in(practice: str, address: str = "https://ehr.example/fhir") -> object:
        return factory(a_feed(settings=feed_settings(practice=practice, address=address))).http.sign_in  # type: ignore[attr-defined]

    first = sign_in("one")
    assert sign_in("one") is first
    assert sign_in("two") is not first
    assert sign_in("one", "https://elsewhere.example/fhir") is not first
    again = sign_in("one")
    documents["one"] = json.dumps(document | {"client_id": "others"})
    assert sign_in("one") is not again
    last = sign_in("two")
    for number in range(MOST_SIGN_INS - 1):
        sign_in(f"practice-{number}")
    assert sign_in("two") is last
    for number in range(MOST_SIGN_INS):
        sign_in(f"practice-{number}")
    assert sign_in("two") is not last
    assert len(factory._sign_ins) == MOST_SIGN_INS
