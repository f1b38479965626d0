"""Signing staff in with Cognito's hosted pages: authorization code with PKCE (RFC 6749, RFC 7636).

The ID token comes straight from the token endpoint over TLS, so its signature needs no check of ours (OpenID Connect Core,
3.1.3.7, 6); its claims are checked all the same.
"""

import base64
import hashlib
import json
import secrets
from typing import Any
from urllib.parse import urlencode

import urllib3
from msgspec import Struct

from ..domain.errors import StoreUnavailable
from .problems import SignInRefused

_TIMEOUT = urllib3.Timeout(connect=2.0, read=5.0)


class Attempt(Struct, frozen=True):
    """What a sign-in has to bring back: `state` and `nonce` come back in the open, `verifier` proves that it is ours."""

    state: str
    nonce: str
    verifier: str


class Cognito(Struct, frozen=True):
    """The hosted pages at `url`, for one client; `callback` is where they send people back to."""

    url: str
    client_id: str
    callback: str

    def start(self) -> tuple[Attempt, str]:
        """A new attempt, and where to send the person."""
        attempt = Attempt(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(attempt.verifier.encode()).digest()).rstrip(b"=")
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.callback,
            "scope": "openid email",
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
        }
        return attempt, f"{self.url}/oauth2/authorize?{urlencode(query)}"

    def email_of(self, code: str, attempt: Attempt, now: float) -> str:
        """The verified e-mail address, in lower case, of who signed in. Raises SignInRefused, StoreUnavailable."""
        form = {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "code": code,
            "redirect_uri": self.callback,
            "code_verifier": attempt.verifier,
        }
        try:
            # A code is good once: after a lost answer only a new sign-in helps, so nothing is retried but connecting.
            with urllib3.PoolManager(timeout=_TIMEOUT, retries=urllib3.Retry(connect=2, read=0, redirect=0)) as http:
                answer = http.request("POST", f"{self.url}/oauth2/token", fields=form, encode_multipart=False)
        except urllib3.exceptions.HTTPError as error:
            raise StoreUnavailable("sign-in") from error
        if answer.status >= 500:
            raise StoreUnavailable("sign-in")
        if answer.status != 200:
            raise SignInRefused
        return self._email(_claims(answer.data), attempt, now)

    def _email(self, claims: dict[str, Any], attempt: Attempt, now: float) -> str:
        email = claims.get("email")
        good = (
            claims.get("aud") == self.client_id
            and claims.get("token_use") == "id"
            and float(claims.get("exp", 0)) > now
            # Cognito repeats the nonce; where a stand-in leaves it out, state and verifier still bind the answer to us.
            and claims.get("nonce", attempt.nonce) == attempt.nonce
            and str(claims.get("email_verified", "")).lower() == "true"
        )
        if not good or not isinstance(email, str):
            raise SignInRefused
        return email.lower()


def _claims(answer: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(answer)["id_token"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, KeyError, IndexError, AttributeError, TypeError):
        raise SignInRefused from None
    if not isinstance(claims, dict):
        raise SignInRefused
    return claims
