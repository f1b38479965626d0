"""A strict authorization server of SMART Backend Services, with a FHIR server behind it that takes its tokens only.

It verifies assertions by the published JWKs alone, as the other side does, with its own clock; nothing of ours is used for it.
"""

import json
import secrets
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384

from local.serving import Asked, LoopbackServer, Told

JSON = "application/json"
_LONGEST_LIFE = 300
_LENIENCE = 5
_KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class TokenServer:
    """Knows one client by its JWKS; `jwks` may be read anew for each request. `instead` is answered before all else."""

    client_id: str
    jwks: Callable[[], list[Mapping[str, str]]]
    now: Callable[[], datetime]
    scopes: frozenset[str] = frozenset(("system/Appointment.rs", "system/Patient.rs", "system/Practitioner.rs"))
    life: int = 300
    token: str = ""
    """The token to hand out; a new one each time, if it is empty."""
    instead: list[Told] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    claims: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    """Why assertions were refused, in words that no client sees."""
    ends: dict[str, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._seen: set[str] = set()
        self._web = LoopbackServer(0, self._answer)
        self.url = f"{self._web.url}/auth/token"
        self.origin = self._web.url

    def close(self) -> None:
        self._web.close()

    def __enter__(self) -> "TokenServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def takes(self, asked: Asked) -> bool:
        """Whether a request carries a token that was given out and has not ended."""
        kind, _, token = asked.headers.get("authorization", "").partition(" ")
        return kind == "Bearer" and token in self.ends and self.now() < self.ends[token]

    def _answer(self, asked: Asked) -> Told:
        self.asked.append(asked)
        date = {"Date": format_datetime(self.now(), usegmt=True)}
        if self.instead:
            told = self.instead.pop(0)
            return Told(told.body, told.kind, told.status, {**date, **told.headers})
        try:
            granted = self._granted(asked)
        except ValueError as refusal:
            self.refusals.append(str(refusal))
            word = "invalid_scope" if str(refusal) == "scope" else "invalid_client"
            return Told(json.dumps({"error": word}), JSON, 400, date)
        return Told(json.dumps(granted), JSON, 200, {**date, "Cache-Control": "no-store"})

    def _granted(self, asked: Asked) -> dict[str, Any]:
        form = asked.form()
        _holds((asked.method, asked.path) == ("POST", "/auth/token"), "address")
        _holds("authorization" not in asked.headers, "credentials that do not belong here")
        _holds(asked.headers["content-type"] == "application/x-www-form-urlencoded", "type")
        _holds(form["grant_type"] == "client_credentials", "grant")
        _holds(form["client_assertion_type"] == _KIND, "kind of assertion")
        self._verify(form["client_assertion"])
        _holds(set(form["scope"].split()) <= self.scopes, "scope")
        token = self.token or secrets.token_urlsafe(24)
        self.ends[token] = self.now() + timedelta(seconds=self.life)
        return {"access_token": token, "token_type": "bearer", "expires_in": self.life, "scope": form["scope"]}

    def _verify(self, assertion: str) -> None:
        """Raises ValueError with what is wrong."""
        message, _, signature = assertion.rpartition(".")
        header, claims = (json.loads(_bytes(part)) for part in message.split("."))
        self.headers.append(header)
        self.claims.append(claims)
        (key,) = [one for one in self.jwks() if one["kid"] == header.get("kid")] or [{}]
        _holds(bool(key), "kid")
        _holds(header["alg"] == key["alg"] and header["alg"] in ("RS384", "ES384"), "alg")
        _holds(header["typ"] == "JWT", "typ")
        try:
            _check(key, message.encode(), _bytes(signature))
        except InvalidSignature:
            raise ValueError("signature") from None
        now = self.now().timestamp()
        _holds(claims["iss"] == claims["sub"] == self.client_id, "client")
        _holds(claims["aud"] == self.url, "aud")
        _holds(now < claims["exp"] <= now + _LONGEST_LIFE, "exp")
        _holds(claims["iat"] <= now + _LENIENCE and claims["exp"] - claims["iat"] <= _LONGEST_LIFE, "iat")
        _holds(len(claims["jti"]) >= 16 and claims["jti"] not in self._seen, "jti")
        self._seen.add(claims["jti"])


def _holds(condition: bool, what: str) -> None:
    if not condition:
        raise ValueError(what)


def _check(key: Mapping[str, str], message: bytes, signature: bytes) -> None:
    _holds(set(key) == {"kty", "kid", "alg", "use"} | ({"n", "e"} if key["kty"] == "RSA" else {"crv", "x", "y"}), "jwk")
    if key["kty"] == "RSA":
        public = RSAPublicNumbers(_number(key["e"]), _number(key["n"])).public_key()
        public.verify(signature, message, PKCS1v15(), SHA384())
    else:
        _holds(len(signature) == 96, "signature")
        r, s = (int.from_bytes(half, "big") for half in (signature[:48], signature[48:]))
        point = ec.EllipticCurvePublicNumbers(_number(key["x"]), _number(key["y"]), ec.SECP384R1()).public_key()
        point.verify(encode_dss_signature(r, s), message, ec.ECDSA(SHA384()))


def _number(text: str) -> int:
    return int.from_bytes(_bytes(text), "big")


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
