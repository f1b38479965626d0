"""JSON as servers write it: what is wrong with one value costs no more than that value."""

import re
from collections.abc import Iterable
from typing import TypeVar

import msgspec

UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
"""What decoding raises: of another shape, no UTF-8, or nested without an end."""
DEEPEST = 60
"""Nothing that is read stands deeper; what is nested deeper than a thousand times cannot be decoded."""
_ENDLESS = 20_000
_ESCAPES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
"""Of JSON; `half` is one of half a character, which no decoder takes."""
_TOKENS = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)
"""Texts, and where something begins or ends."""
T = TypeVar("T")


def decoded(decoder: "msgspec.json.Decoder[T]", raw: bytes | msgspec.Raw) -> T | None:
    """A value, or None if it does not have that shape. Half a character, as of a text that was cut, is read as U+FFFD, and what
    is nested too deep to be decoded as null.
    """
    try:
        return decoder.decode(raw)
    except RecursionError:
        whole = _shallow(bytes(raw))
    except UNREADABLE:
        whole = _ESCAPES.sub(_whole, raw)
    if whole == raw:
        return None
    try:
        return decoder.decode(whole)
    except UNREADABLE:
        return None


def those_decoded(decoder: "msgspec.json.Decoder[T]", values: Iterable[msgspec.Raw]) -> list[T]:
    """Of a list the values that have that shape."""
    return [one for value in values if (one := decoded(decoder, value)) is not None]


def _whole(escape: "re.Match[bytes]") -> bytes:
    return rb"\ufffd" if escape["half"] else escape[0]


def _shallow(raw: bytes) -> bytes:
    """The same with null for all that is deeper than anything that is read."""
    parts: list[bytes] = []
    depth = kept = 0
    for token in _TOKENS.finditer(raw):
        if token[0] in (b"[", b"{"):
            depth += 1
            if depth == DEEPEST + 1:
                parts += raw[kept : token.start()], b"null"
        elif token[0] in (b"]", b"}"):
            depth -= 1
            if depth == DEEPEST:
                kept = token.end()
        if depth > _ENDLESS:
            return raw
    return b"".join([*parts, raw[kept:]])
