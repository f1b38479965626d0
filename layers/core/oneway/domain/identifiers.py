"""Ids: eight bytes, shown as thirteen letters of lower-case base32 (RFC 4648, section 6, without its padding).

They are derived, so that the same cause always gives the same id and a repeated delivery finds what the first one made.
Among ten million ids of a practice two collide with a chance of 3 in a million; nothing is secret about an id (private links
carry their own 128 bits).
"""

from base64 import b32decode
from hashlib import sha256

ID_BYTES = 8
_PADDING = "==="
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [one + other for one in _ALPHABET for other in _ALPHABET]


def request_id(practice: str, key: str) -> str:
    """The id of the request that the idempotency `key` stands for in a practice."""
    return _derive("request", practice, key)


def appointment_id(practice: str, source_id: str, external_id: str) -> str:
    """The id of the appointment (or block) that a source knows as `external_id`."""
    return _derive("appointment", practice, source_id, external_id)


def note_id(by: str, key: str, text: str) -> str:
    """The id of the note that somebody wrote into the form that was shown with `key`: another text is another note."""
    return _derive("note", by, key, text)


def to_bytes(identifier: str) -> bytes:
    """The eight bytes of an id. Raises ValueError if it is none."""
    raw = b32decode(identifier.upper() + _PADDING)
    if len(raw) != ID_BYTES:
        raise ValueError("an id has eight bytes")
    return raw


def from_bytes(raw: bytes) -> str:
    """The id of eight bytes (a month of slots decodes a thousand of them, for which the library takes its time)."""
    bits, pairs = int.from_bytes(raw, "big") << 1, _PAIRS
    return (
        pairs[bits >> 55] + pairs[bits >> 45 & 1023] + pairs[bits >> 35 & 1023] + pairs[bits >> 25 & 1023]
        + pairs[bits >> 15 & 1023] + pairs[bits >> 5 & 1023] + _ALPHABET[bits & 31]
    )  # fmt: skip


def _derive(*parts: str) -> str:
    # The length before each part keeps ("a", "bc") and ("ab", "c") apart.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return from_bytes(sha256(text.encode()).digest()[:ID_BYTES])
