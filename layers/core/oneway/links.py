"""Private links: 128 bits that only the practice's mail and the request itself can know.

A link is base64url of the request's id (8 bytes) and the first 16 bytes of HMAC-SHA256(secret, purpose | practice |
request id | generation). Nothing of it is stored but the generation; raising that revokes every link made before. Of the
secrets the first makes links and all are accepted, so that a rotation breaks none.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence

from .domain import identifiers
from .domain.errors import LinkNotFound
from .domain.requests import Request

_KEY_BYTES = 16
_LENGTH = 32
_PURPOSE = "my-request"


class PrivateLinks:
    """Makes and checks the links of requests; `secrets` is asked only when one is needed, newest secret first."""

    def __init__(self, secrets: Callable[[], Sequence[bytes]]) -> None:
        self._secrets = secrets

    def of(self, request: Request) -> str:
        """The link of a request: 32 URL-safe characters."""
        raw = identifiers.to_bytes(request.id) + _key(self._secrets()[0], request)
        return urlsafe_b64encode(raw).decode()

    def request_id(self, link: str) -> str:
        """The id of the request that a link names, not yet checked. Raises LinkNotFound if it is malformed."""
        try:
            raw = urlsafe_b64decode(link)
        except ValueError:
            raise LinkNotFound from None
        if len(link) != _LENGTH or len(raw) != identifiers.ID_BYTES + _KEY_BYTES:
            raise LinkNotFound
        return identifiers.from_bytes(raw[: identifiers.ID_BYTES])

    def check(self, link: str, request: Request) -> None:
        """Raises LinkNotFound unless the link is this request's and not revoked."""
        key = urlsafe_b64decode(link)[identifiers.ID_BYTES :]
        if not any(hmac.compare_digest(key, _key(secret, request)) for secret in self._secrets()):
            raise LinkNotFound


def _key(secret: bytes, request: Request) -> bytes:
    text = "|".join((_PURPOSE, request.practice, request.id, str(request.link_generation)))
    return hmac.digest(secret, text.encode(), "sha256")[:_KEY_BYTES]
