"""E-mail addresses: which can be written to, and how they are written for the mail service.

Only what the mail service takes (SES knows no SMTPUTF8): before the @ the plain form of RFC 5321 (a "dot-string" in ASCII), after
it a name of the DNS. Names beyond ASCII are sent as RFC 5891 writes them, and kept and shown as they were typed.
"""

import re
import unicodedata
from enum import StrEnum

LONGEST_ADDRESS = 254
"""RFC 3696, erratum 1690."""
_LONGEST_LOCAL, _LONGEST_DOMAIN = 64, 253
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?=[a-z0-9-]*[a-z]){_LABEL}", re.IGNORECASE)
_DOTS = str.maketrans("。．｡", "...")
_OF_WORDS = frozenset(("Ll", "Lo", "Lm", "Mn", "Mc", "Nd"))
"""Nearly what RFC 5892 lets stand in names; what it forbids beside that, no registry sells."""
_ALSO_IN_WORDS = "-·・"


class AddressFault(StrEnum):
    """Why nobody can be written to at an address: it is none, or has letters before the @ that the mail service cannot take."""

    NO_ADDRESS = "no_address"
    LETTERS = "letters"


def fault_in(address: str) -> AddressFault | None:
    """What is wrong with an address; None if it can be written to."""
    local, _, domain = address.rpartition("@")
    sent = _domain_as_sent(domain)
    well = len(local) <= _LONGEST_LOCAL and len(sent) <= _LONGEST_DOMAIN and _DOMAIN.fullmatch(sent)
    if not well or len(local) + 1 + len(sent) > LONGEST_ADDRESS:
        return AddressFault.NO_ADDRESS
    if _LOCAL.fullmatch(local):
        return None
    foreign = {letter for letter in local if not letter.isascii()}
    of_words = all(letter.isalnum() or unicodedata.category(letter) in _OF_WORDS for letter in foreign)
    spelled = "".join("x" if letter in foreign else letter for letter in local)
    return AddressFault.LETTERS if of_words and foreign and _LOCAL.fullmatch(spelled) else AddressFault.NO_ADDRESS


def as_sent(address: str) -> str:
    """An address in ASCII, where it can be written to; any other as it is. Idempotent."""
    if address.isascii():
        return address
    local, at, domain = address.rpartition("@")
    return local + at + _domain_as_sent(domain)


def _domain_as_sent(domain: str) -> str:
    if domain.isascii():
        return domain
    labels = unicodedata.normalize("NFKC", domain.lower()).lower().translate(_DOTS).split(".")
    if not all(map(_is_word, labels)):
        return domain
    return ".".join(map(_label_as_sent, labels))


def _is_word(label: str) -> bool:
    """Whether a label can be one beyond ASCII; one in ASCII is looked at once all are."""
    if label.isascii():
        return True
    whole = all(unicodedata.category(letter) in _OF_WORDS or letter in _ALSO_IN_WORDS for letter in label)
    hyphens = label[0] == "-" or label[-1] == "-" or label[2:4] == "--"
    return whole and not hyphens and not unicodedata.combining(label[0])


def _label_as_sent(label: str) -> str:
    """Not by encodings.idna, which is IDNA 2003: it would send what is for straße.de to strasse.de, another's domain."""
    return label if label.isascii() else f"xn--{label.encode('punycode').decode('ascii')}"
