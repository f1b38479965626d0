"""Addresses that get no mail of a practice until staff say otherwise (product section 6): they bounced, or complained. And
staff's own to which a message did not go out: that stops nothing, but nobody else can tell them.
"""

from datetime import datetime
from hashlib import sha256

from msgspec import Struct

from .addresses import as_sent
from .messages import Why


class Suppression(Struct, frozen=True):
    """That an address gets no mail of a practice, or did not get one message; why, and since when. `mark` stands for which of the
    two, and for the address.
    """

    mark: str
    why: Why
    since: datetime


def mark_of(practice: str, address: str) -> str:
    """What stands for an address in a practice's keys. It is another one in each practice, so that none tells of the others.

    It is that of the address as the mail service knows it, which is how its events name it.
    """
    return sha256(f"{practice}|{as_sent(address.strip()).lower()}".encode()).hexdigest()[:32]


def missed_mark_of(practice: str, address: str) -> str:
    """What stands for an address of staff to which a message did not go out, beside what stands for one that is stopped."""
    return sha256(f"missed|{mark_of(practice, address)}".encode()).hexdigest()[:32]
