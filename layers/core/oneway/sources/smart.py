"""SMART Backend Services (https://hl7.org/fhir/smart-app-launch/backend-services.html): a token for a signed assertion.

The other side knows us by a public key, which it reads from our JWKS address or keeps; no secret of ours ever leaves. A token
lives for minutes: it is kept in the process, renewed before it ends, and once more if it is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import TypeVar

import msgspec

from ..faults import AuthExpired, AuthRevoked, OutOfTime, RateLimited, SchemaDrift, SourceError, Unavailable
from .http import A_TOKEN, Answer, SourceHttp, origin_of
from .signing import Signer, assertion, signer_of

READING = "system/Appointment.rs system/Patient.rs system/Practitioner.rs"
"""The scopes (SMART v2) of what a FHIR source reads."""
TOKEN_SECONDS = 20.0
"""All that finding the token endpoint, or asking it, may take: a pull has little more than a minute in all."""
ASSERTION_AGE = timedelta(seconds=30)
ASSERTION_LIFE = timedelta(minutes=4)
"""How long ago and how far ahead an assertion begins and ends: five minutes are the most (SMART), clocks differ a little."""
CLOCK_TOLERANCE = timedelta(seconds=30)
USUAL_LIFE = timedelta(minutes=5)
LONGEST_LIFE = timedelta(days=1)
SAFE_BEFORE_END = timedelta(seconds=30)
PAUSE_AFTER_FAULT = timedelta(seconds=30)
_KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_REVOKED = frozenset(("invalid_client", "invalid_grant", "invalid_scope", "unauthorized_client", "access_denied"))
_PASSING = frozenset(("server_error", "temporarily_unavailable"))
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SmartCredentials:
    """What a source's credentials document says of a sign-in with a key: `private_key` (PEM, PKCS8), or `kms_key` (an ARN).

    `algorithm` is RS384 or ES384, `key_id` the key's name in our JWKS. Without `token_url` the source is asked for it.
    """

    client_id: str
    key_id: str
    algorithm: str
    private_key: str = field(default="", repr=False)
    kms_key: str = ""
    scope: str = READING
    token_url: str = ""


class _Configuration(msgspec.Struct):
    token_endpoint: str = ""


class _Extension(msgspec.Struct):
    url: str = ""
    valueUri: str = ""
    extension: list["_Extension"] = []


class _Security(msgspec.Struct):
    extension: list[_Extension] = []


class _Rest(msgspec.Struct):
    security: _Security | None = None


class _Statement(msgspec.Struct):
    rest: list[_Rest] = []


class _Granted(msgspec.Struct):
    access_token: str
    token_type: str
    expires_in: int = int(USUAL_LIFE.total_seconds())


class _Refused(msgspec.Struct):
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Token:
    """An access token; instants are by our clock."""

    authorization: str = field(repr=False)
    renew_at: datetime
    ends_at: datetime


class SmartSignIn:
    """Implements http.SignIn; threads may share it. `http` has no credentials, and reaches the FHIR server at `address`."""

    def __init__(self, credentials: SmartCredentials, address: str, http: SourceHttp) -> None:
        self._credentials = credentials
        self._address = address.rstrip("/")
        self._http = replace(http, seconds=TOKEN_SECONDS)
        self._clock = http.clock
        self._sign: Signer = signer_of(credentials.algorithm, credentials.private_key, credentials.kms_key)
        self._token_url = credentials.token_url
        self._ahead = timedelta()  # the other side's clock before ours, once that was found to matter
        self._token: _Token | None = None
        self._lock = Lock()

    def until(self, deadline: datetime | None) -> None:
        """Begin no request after the deadline of the pull that it serves."""
        self._http = replace(self._http, deadline=deadline)

    def authorization(self) -> str:
        """The header, with a token that is good for a while yet. Raises AuthRevoked, RateLimited, Unavailable, SchemaDrift."""
        with self._lock:
            held, now = self._token, self._clock.now()
            if held and now < held.renew_at:
                return held.authorization
            try:
                return self._renew()
            except (RateLimited, Unavailable, OutOfTime):
                if held is None or now >= held.ends_at:
                    raise
                # It was early: what we hold is still good.
                self._token = replace(held, renew_at=min(now + PAUSE_AFTER_FAULT, held.ends_at))
                return held.authorization

    def renewed(self, refused: str) -> str:
        """A new header, unless somebody has renewed the refused one meanwhile. Raises as `authorization` does."""
        with self._lock:
            held = self._token
            if held and held.authorization != refused:
                return held.authorization
            return self._renew()

    def _renew(self) -> str:
        self._token = None
        try:
            self._token_url = self._token_url or self._discovered()
            self._token = self._granted(self._token_url)
        except SourceError:
            self._token_url = self._credentials.token_url  # it may have moved: look again the next time
            raise
        return self._token.authorization

    def _granted(self, url: str) -> _Token:
        """Ask for a token. If our clock may be why it is refused, ask once more by the other side's."""
        http = replace(self._http, origin=origin_of(url))
        asked_at = self._clock.now()
        answer = http.post_form(url, lambda: self._form(url))
        if answer.status != 200 and (ahead := self._clock_ahead(answer)) is not None:
            before, self._ahead = self._ahead, ahead
            answer = http.post_form(url, lambda: self._form(url))
            if answer.status != 200:
                self._ahead = before
        if answer.status != 200:
            raise _refusal(answer)
        return _token(answer, asked_at)

    def _form(self, url: str) -> Mapping[str, str]:
        ours, now = self._credentials, self._clock.now() + self._ahead
        claims = {
            "iss": ours.client_id,
            "sub": ours.client_id,
            "aud": url,
            "iat": int((now - ASSERTION_AGE).timestamp()),
            "exp": int((now + ASSERTION_LIFE).timestamp()),
        }
        return {
            "grant_type": "client_credentials",
            "scope": ours.scope,
            "client_assertion_type": _KIND,
            "client_assertion": assertion(claims, ours.key_id, ours.algorithm, self._sign),
        }

    def _clock_ahead(self, answer: Answer) -> timedelta | None:
        """How far the other side's clock is before ours, if that is not what we signed by."""
        try:
            ahead = parsedate_to_datetime(answer.headers.get("date", "")).astimezone(UTC) - self._clock.now()
        except (ValueError, TypeError, OverflowError):
            return None
        return ahead if abs(ahead - self._ahead) > CLOCK_TOLERANCE else None

    def _discovered(self) -> str:
        """The token endpoint that the FHIR server names, wherever it is: an assertion is good for that address only."""
        url = self._configured() or self._stated()
        try:
            known = url and "@" not in origin_of(url)
        except ValueError:
            known = False
        if not known:
            raise SchemaDrift("the source names no token endpoint")
        return url

    def _configured(self) -> str:
        try:
            answer = self._http.get(
                f"{self._address}/.well-known/smart-configuration", {"Accept": "application/json"}, may_be_gone=True
            )
        except (AuthExpired, AuthRevoked):
            return ""  # who asks for a sign-in before telling where one signs in does not publish it
        found = _decoded(answer.body, _Configuration) if answer.status == 200 else None
        return found.token_endpoint if found else ""

    def _stated(self) -> str:
        """As older servers tell it, in the CapabilityStatement."""
        answer = self._http.get(f"{self._address}/metadata", {"Accept": "application/fhir+json"}, may_be_gone=True)
        found = _decoded(answer.body, _Statement) if answer.status == 200 else None
        secured = [rest.security for rest in (found.rest if found else ()) if rest.security]
        uris = (one for security in secured for one in security.extension if one.url == _OAUTH_URIS)
        return next((part.valueUri for one in uris for part in one.extension if part.url == "token"), "")


def _token(answer: Answer, asked_at: datetime) -> _Token:
    found = _decoded(answer.body, _Granted)
    if found is None or found.token_type.lower() != "bearer" or not A_TOKEN.fullmatch(found.access_token):
        raise SchemaDrift("no token in the token endpoint's answer")
    life = min(timedelta(seconds=max(0, min(found.expires_in, 10**9))), LONGEST_LIFE)
    early = min(max(life / 5, SAFE_BEFORE_END), life / 2)
    return _Token(f"Bearer {found.access_token}", asked_at + life - early, asked_at + life)


def _refusal(answer: Answer) -> SourceError:
    """What a refusal (RFC 6749, 5.2) means for us; of its words only known ones are repeated."""
    found = _decoded(answer.body, _Refused)
    word = found.error if found else ""
    if word in _PASSING:
        return Unavailable(word)
    if word in _REVOKED:
        return AuthRevoked(word)
    if answer.status in (401, 403):
        return AuthRevoked(f"the token endpoint answers {answer.status}")
    return SchemaDrift(f"the token endpoint answers {answer.status}")


def _decoded(body: bytes, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(body, type=kind, strict=False)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
