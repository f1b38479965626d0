"""Signed assertions (RFC 7523): RS384 and ES384, by a key that stays in KMS or by a private key at hand."""

import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from hashlib import sha384
from typing import TYPE_CHECKING, Any

from ..faults import AuthRevoked, Unavailable

if TYPE_CHECKING:
    from botocore.client import BaseClient

Signer = Callable[[bytes], bytes]
"""Gives the signature of a message as a JWS has it (RFC 7518, 3). Raises AuthRevoked, Unavailable."""
KMS_ALGORITHMS: Mapping[str, str] = {"RS384": "RSASSA_PKCS1_V1_5_SHA_384", "ES384": "ECDSA_SHA_384"}
"""The signatures that SMART asks for, and what KMS calls them."""
_ES384_BYTES = 48
_SEQUENCE, _INTEGER = 0x30, 0x02
_FINAL = frozenset(
    (
        "AccessDeniedException",
        "DisabledException",
        "InvalidKeyUsageException",
        "KMSInvalidStateException",
        "NotFoundException",
        "ValidationException",
    )
)
"""KMS's answers that somebody has to change something about."""


@lru_cache(maxsize=1)
def _client() -> "BaseClient":
    from botocore.config import Config
    from botocore.session import Session

    # No retries of botocore's: whoever asks for a token tries again with a new assertion.
    config = Config(connect_timeout=2, read_timeout=4, retries={"mode": "standard", "total_max_attempts": 1})
    return Session().create_client("kms", config=config)


def signer_of(algorithm: str, private_key: str, kms_key: str) -> Signer:
    """Signs with the key in KMS, if one is named, else with a private key (PEM, PKCS8)."""
    return partial(_sign_in_kms, kms_key, algorithm) if kms_key else partial(_sign_here, private_key, algorithm)


def assertion(claims: Mapping[str, Any], key_id: str, algorithm: str, sign: Signer) -> str:
    """A JWT in compact form (RFC 7519), with an id of its own."""
    header = {"alg": algorithm, "kid": key_id, "typ": "JWT"}
    parts = (header, {**claims, "jti": secrets.token_urlsafe(24)})
    message = ".".join(_encoded(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
    return f"{message}.{_encoded(sign(message.encode()))}"


def raw_of_der(der: bytes) -> bytes:
    """r and s in 48 bytes each (RFC 7518, 3.4), of an ECDSA signature as KMS and X.509 write it (RFC 3279, 2.2.3).

    Raises ValueError for what is no signature on P-384.
    """
    body, behind = _element(_SEQUENCE, der)
    r, rest = _element(_INTEGER, body)
    s, end = _element(_INTEGER, rest)
    if behind or end:
        raise ValueError("more than a signature")
    try:
        return b"".join(int.from_bytes(one, "big", signed=True).to_bytes(_ES384_BYTES, "big") for one in (r, s))
    except OverflowError:
        raise ValueError("not on this curve") from None


def _element(tag: int, der: bytes) -> tuple[bytes, bytes]:
    """The content of the first element, and what stands behind it; none of a P-384 signature is longer than 127 bytes."""
    if len(der) < 3 or der[0] != tag or not 0 < der[1] <= min(127, len(der) - 2):
        raise ValueError("no signature")
    return der[2 : 2 + der[1]], der[2 + der[1] :]


def _sign_in_kms(key: str, algorithm: str, message: bytes) -> bytes:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = _client().sign(
            KeyId=key,
            Message=sha384(message).digest(),
            MessageType="DIGEST",
            SigningAlgorithm=KMS_ALGORITHMS[algorithm],
        )
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in _FINAL:
            raise AuthRevoked(f"kms:Sign {code}") from error
        raise Unavailable(f"kms:Sign {code}") from error
    except BotoCoreError as error:
        raise Unavailable(f"kms:Sign {type(error).__name__}") from error
    signature: bytes = answer["Signature"]
    return raw_of_der(signature) if algorithm == "ES384" else signature


def _sign_here(private_key: str, algorithm: str, message: bytes) -> bytes:
    # Brings cryptography (15 MB) along, which only sync_schedule has, in a layer of its own: docs/adr/0011.
    from .private_keys import sign

    try:
        return sign(private_key, algorithm, message)
    except ValueError:
        raise AuthRevoked("the private key cannot be used") from None


def _encoded(part: bytes) -> str:
    return urlsafe_b64encode(part).rstrip(b"=").decode()
