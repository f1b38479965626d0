"""Tokens of the booking form: signed and timed, so that whoever sends one was shown the form; and each form's idempotency key.

base64url of 16 random bytes, the second in which the form was shown (4 bytes), and the first 16 bytes of HMAC-SHA256(secret,
purpose | practice | both of them). Nothing is stored. What else a form carries is checked anew whenever it comes back, so that
signing it would protect nothing (docs/adr/0016).
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from secrets import token_bytes

from msgspec import Struct

_RANDOM, _TIME, _MAC = 16, 4, 16
_PURPOSE = b"booking-form"


class FormTokens(Struct, frozen=True):
    """Makes tokens with the first secret and knows those of all."""

    secrets: Callable[[], Sequence[bytes]]

    def new(self, practice: str, now: datetime) -> str:
        """A token for a form that is shown now: 48 URL-safe characters."""
        body = token_bytes(_RANDOM) + int(now.timestamp()).to_bytes(_TIME, "big")
        return urlsafe_b64encode(body + _mac(self.secrets()[0], practice, body)).decode()

    def age(self, practice: str, token: str, now: datetime) -> timedelta | None:
        """How long ago a practice's form was shown; None if the token is none of ours."""
        try:
            raw = urlsafe_b64decode(token.encode("ascii"))
        except (NotBase64, UnicodeEncodeError):
            return None
        if urlsafe_b64encode(raw).decode() != token:  # the decoder skips what is not of its alphabet
            return None
        body, mac = raw[: _RANDOM + _TIME], raw[_RANDOM + _TIME :]
        if len(mac) != _MAC or not any(hmac.compare_digest(mac, _mac(one, practice, body)) for one in self.secrets()):
            return None
        return now - datetime.fromtimestamp(int.from_bytes(body[_RANDOM:], "big"), UTC)


def _mac(secret: bytes, practice: str, body: bytes) -> bytes:
    return hmac.digest(secret, b"|".join((_PURPOSE, practice.encode(), body)), "sha256")[:_MAC]
