"""Keys that sign in to scheduling systems: from a private key, or a key in KMS, to its public half as a JWK (RFC 7517)."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

_LEAST_RSA_BITS = 2048
_P384_BYTES = 48
_NOT_THERE = frozenset(("NotFoundException", "InvalidArnException", "ValidationException"))
_USABLE = "Use an RSA key of at least 2048 bits, or an elliptic-curve key on P-384."


class KeyNotUsable(Exception):
    """A key cannot sign in anywhere; the text says what to do, and nothing of the key."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key: what it signs with (RS384, ES384), its public half, and the private one (PEM, PKCS8) or its ARN in KMS."""

    algorithm: str
    public: Mapping[str, str]
    private_key: str = field(default="", repr=False)
    kms_key: str = ""

    @property
    def id(self) -> str:
        """Its name in our JWKS."""
        return self.public["kid"]


def from_pem(text: str, key_id: str = "") -> SigningKey:
    """A private key. Without an id it is named by its thumbprint (RFC 7638). Raises KeyNotUsable."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_pem_private_key,
    )

    try:
        key = load_pem_private_key(text.encode(), None)
    except TypeError:
        raise KeyNotUsable(
            "this key is encrypted. Write it without a password (openssl pkcs8 -topk8 -nocrypt)."
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyNotUsable("this is no private key. Write it as PEM (-----BEGIN PRIVATE KEY-----).") from None
    algorithm, public = _public(key.public_key(), key_id)
    stored = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return SigningKey(algorithm, public, private_key=stored.decode())


def from_kms(kms: Any, alias: str, key_id: str = "") -> SigningKey:
    """A key that stays in KMS, by its alias. Raises KeyNotUsable, botocore's ClientError."""
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        found = kms.get_public_key(KeyId=alias)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in _NOT_THERE:
            raise KeyNotUsable(f"KMS has no key with the alias {alias}. Give it one (docs/practice-file.md).") from None
        if code.endswith(("UnsupportedOperationException", "DisabledException", "InvalidStateException")):
            raise KeyNotUsable(f"the key {alias} cannot sign ({code}). {_USABLE}") from None
        raise
    if found["KeyUsage"] != "SIGN_VERIFY":
        raise KeyNotUsable(f"the key {alias} is not for signing: make one with the usage SIGN_VERIFY.")
    algorithm, public = _public(load_der_public_key(found["PublicKey"]), key_id)
    return SigningKey(algorithm, public, kms_key=found["KeyId"])


def _public(key: "PublicKeyTypes", key_id: str) -> tuple[str, dict[str, str]]:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    if isinstance(key, RSAPublicKey) and key.key_size >= _LEAST_RSA_BITS:
        rsa = key.public_numbers()
        algorithm, members = "RS384", {"kty": "RSA", "n": _number(rsa.n), "e": _number(rsa.e)}
    elif isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP384R1):
        point = key.public_numbers()
        x, y = (_number(one, _P384_BYTES) for one in (point.x, point.y))
        algorithm, members = "ES384", {"kty": "EC", "crv": "P-384", "x": x, "y": y}
    else:
        raise KeyNotUsable(f"RS384 and ES384 cannot be made with this key. {_USABLE}")
    return algorithm, {"kid": key_id or _thumbprint(members), "use": "sig", "alg": algorithm, **members}


def _thumbprint(members: Mapping[str, str]) -> str:
    """A name that another key cannot have (RFC 7638)."""
    return _text(sha256(json.dumps(members, sort_keys=True, separators=(",", ":")).encode()).digest())


def _number(number: int, length: int = 0) -> str:
    return _text(number.to_bytes(length or (number.bit_length() + 7) // 8, "big"))


def _text(part: bytes) -> str:
    return urlsafe_b64encode(part).rstrip(b"=").decode()
