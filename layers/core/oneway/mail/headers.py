"""How the headers that people read are written: what is not ASCII as encoded words (RFC 2047)."""

from email.header import Header
from email.headerregistry import AddressHeader
from email.policy import EmailPolicy
from typing import Any

_LONGEST_LINE = 76
"""Of a line with encoded words; one word has 75 characters at most (RFC 2047, section 2)."""


class ReadablePolicy(EmailPolicy):
    """Folds a subject and a sender's name between encoded words of legal length.

    With a line limit above 76, which keeps a plain subject on its own line, the standard library writes one encoded word as long
    as the line: readers may show that as it stands.
    """

    def fold(self, name: str, value: Any) -> str:
        """A header as text."""
        return _with_words(name, value, self.linesep) or str(super().fold(name, value))

    def fold_binary(self, name: str, value: Any) -> bytes:
        """A header as bytes."""
        words = _with_words(name, value, self.linesep)
        return words.encode("ascii") if words else bytes(super().fold_binary(name, value))


def _with_words(name: str, value: Any, linesep: str) -> str | None:
    """A header that needs encoded words; None for all others."""
    if name.lower() == "subject" and not str(value).isascii():
        return f"{name}: {_words(str(value), name, linesep)}{linesep}"
    if not isinstance(value, AddressHeader) or len(value.addresses) != 1:
        return None
    one = value.addresses[0]
    if not one.display_name.isascii():
        return f"{name}: {_words(one.display_name, name, linesep)}{linesep} <{one.addr_spec}>{linesep}"
    return None


def _words(text: str, header: str, linesep: str) -> str:
    """Text as encoded words, none of which ends within a character; the first line has room for the header's name."""
    return Header(text, "utf-8", _LONGEST_LINE, header).encode(linesep=linesep)
