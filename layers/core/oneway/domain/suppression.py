"""Addresses that get no mail of a practice until staff say otherwise (product section 6): they bounced, or complained."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from .addresses import as_sent
from .messages import Why


@dataclass(frozen=True, slots=True)
class Suppression:
    """That an address gets no mail of a practice, why and since when; `mark` stands for the address."""

    mark: str
    why: Why
    since: datetime


def mark_of(practice: str, address: str) -> str:
    """What stands for an address in a practice's keys. It is another one in each practice, so that none tells of the others.

    It is that of the address as the mail service knows it, which is how its events name it.
    """
    return sha256(f"{practice}|{as_sent(address.strip()).lower()}".encode()).hexdigest()[:32]
