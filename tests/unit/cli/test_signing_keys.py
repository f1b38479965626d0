"""Keys of a practice file: what is published of them, what is stored, and what is wrong with those that cannot sign in."""

import json
from base64 import urlsafe_b64decode
from pathlib import Path

import msgspec
import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from oneway.sources.smart import SmartCredentials

from cli.document import Problem
from cli.practice_file import PracticeFileInvalid, read
from cli.signing_keys import SigningKey, _public, from_kms, from_pem
from cli.vault import Resolved, resolve
from tests.fakes.aws import FakeKms
from tests.keys import pem

from .test_practice_file import with_keys

RFC_7638 = (
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W"
    "-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08q"
    "NLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
)
OLD = "alias/oneway/sources/harbor-2025"


def der_of(text: str) -> bytes:
    public = load_pem_private_key(text.encode(), None).public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def kms() -> FakeKms:
    return FakeKms({OLD: der_of(pem("RS384", "old"))})


def resolved(text: str, folder: Path, keys: FakeKms | None = None) -> Resolved:
    def key_of(name: str, key_id: str) -> SigningKey:
        return from_kms(keys or kms(), f"alias/oneway/sources/{name}", key_id)

    return resolve(read(text), folder, key_of, {})["ehr"]


def problem_of(text: str, folder: Path, keys: FakeKms | None = None) -> Problem:
    with pytest.raises(PracticeFileInvalid) as caught:
        resolved(text, folder, keys)
    (problem,) = caught.value.problems
    assert "MI" not in problem.message  # as every key begins
    return problem


def test_a_key_is_named_as_rfc_7638_does() -> None:
    """The example of its section 3.1."""
    modulus = int.from_bytes(urlsafe_b64decode(RFC_7638 + "=="), "big")
    algorithm, public = _public(RSAPublicNumbers(65537, modulus).public_key(), "")
    assert (algorithm, public["e"]) == ("RS384", "AQAB")
    assert public["kid"] == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
def test_nothing_private_is_published(algorithm: str) -> None:
    key = from_pem(pem(algorithm))
    members = {"RS384": {"n", "e"}, "ES384": {"crv", "x", "y"}}[algorithm]
    assert set(key.public) == {"kid", "kty", "use", "alg"} | members
    assert (key.algorithm, key.public["alg"], key.public["use"]) == (algorithm, algorithm, "sig")
    assert "PRIVATE" not in repr(key)


def test_a_key_keeps_its_name_and_is_stored_in_one_way() -> None:
    first, second = from_pem(pem("ES384")), from_pem(pem("ES384") + "\n\n")
    assert first == second
    assert from_pem(first.private_key) == first
    assert from_pem(pem("ES384"), "mine").id == "mine"


def test_the_first_key_signs_and_all_are_published(tmp_path: Path) -> None:
    (tmp_path / "new.pem").write_text(pem("ES384"))
    found = resolved(with_keys(), tmp_path)
    document = msgspec.json.decode(found.text, type=SmartCredentials)
    new, old = found.public_keys
    assert (document.client_id, document.key_id, document.algorithm) == ("oneway-harbor", new["kid"], "ES384")
    assert document.token_url == "https://auth.harbor.example/token/"
    assert (new["kty"], old["kty"], old["kid"]) == ("EC", "RSA", "old")
    assert from_pem(document.private_key).public == new
    assert "PRIVATE" not in repr(document) + repr(found)
    assert document.kms_key == ""


def test_a_key_in_kms_signs_by_its_arn_when_it_is_the_first(tmp_path: Path) -> None:
    (tmp_path / "new.pem").write_text(pem("ES384"))
    first, second = "{private_key: {file: new.pem}}", "{kms_key: harbor-2025, id: old}"
    text = with_keys(first, "HERE").replace(second, first).replace("HERE", second)
    document = json.loads(resolved(text, tmp_path).text)
    assert document["kms_key"].startswith("arn:aws:kms:")
    assert (document["key_id"], document["algorithm"]) == ("old", "RS384")
    assert "private_key" not in document


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("no key", "write it as PEM"),
        (pem("ES384").replace("M", "?"), "write it as PEM"),
        (pem("ES384", password="word"), "without a password"),
        (pem("P-256"), "elliptic-curve key on P-384"),
        (pem("RS384", bits=1024), "at least 2048 bits"),
        (pem("ES384") * 40, "longer than"),
    ],
)
def test_a_private_key_that_cannot_sign_in_is_told_by_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "new.pem").write_text(text)
    problem = problem_of(with_keys(), tmp_path)
    assert problem.line == 19
    assert words.lower() in problem.message.lower()


def test_a_private_key_that_is_not_there_is_told_by_line(tmp_path: Path) -> None:
    problem = problem_of(with_keys(), tmp_path)
    assert (problem.line, "there is no file new.pem" in problem.message) == (19, True)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (FakeKms(), f"no key with the alias {OLD}"),
        (FakeKms({OLD: "UnsupportedOperationException"}), "cannot sign"),
        (FakeKms({OLD: "DisabledException"}), "cannot sign"),
        (FakeKms({OLD: der_of(pem("P-256"))}), "elliptic-curve key on P-384"),
        (FakeKms({OLD: der_of(pem("RS384"))}, "ENCRYPT_DECRYPT"), "not for signing"),
    ],
)
def test_a_key_in_kms_that_cannot_sign_in_is_told_by_line(tmp_path: Path, keys: FakeKms, words: str) -> None:
    (tmp_path / "new.pem").write_text(pem("ES384"))
    problem = problem_of(with_keys(), tmp_path, keys)
    assert problem.line == 20
    assert words in problem.message


def test_other_trouble_with_kms_is_not_the_files() -> None:
    with pytest.raises(ClientError):
        from_kms(FakeKms({OLD: "AccessDeniedException"}), OLD)


def test_two_keys_of_one_name_are_refused_and_one_key_twice_is_one(tmp_path: Path) -> None:
    (tmp_path / "new.pem").write_text(pem("ES384"))
    (tmp_path / "other.pem").write_text(pem("ES384", "other"))
    same = with_keys("{kms_key: harbor-2025, id: old}", "{private_key: {file: other.pem}, id: one}")
    problem = problem_of(same.replace("{file: new.pem}}", "{file: new.pem}, id: one}"), tmp_path)
    assert (problem.line, 'the id "one"' in problem.message) == (20, True)
    twice = resolved(with_keys("{kms_key: harbor-2025, id: old}", "{private_key: {file: new.pem}}"), tmp_path)
    assert twice.public_keys[0] == twice.public_keys[1]


def test_a_key_that_is_too_long_for_a_parameter_is_told(tmp_path: Path) -> None:
    (tmp_path / "new.pem").write_text(pem("RS384", bits=4096))
    assert len(resolved(with_keys(), tmp_path).text) < 4096
    text = with_keys("scope: system/", f"scope: {'x' * 450} system/")
    problem = problem_of(text.replace("/token/", f"/{'t' * 400}"), tmp_path)
    assert (problem.line, "too long to be stored" in problem.message) == (19, True)
