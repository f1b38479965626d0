"""How many requests may wait for an answer at a time (product section 4, *Limits*).

Each waiting request leaves a mark of 24 bytes: its id, digests of its person, e-mail address and phone number, and when it
was made. Marks are checked against the requests themselves only where they would refuse somebody, so that an answer costs
nothing here, and a mark that was left behind harms nobody.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import NamedTuple

from . import identifiers
from .practices import Limits

DIGEST_BYTES = 4
NOTHING = bytes(DIGEST_BYTES)
"""The digest of what was not given."""
MOST_MARKS = 40
"""Marks that fit into the kilobyte that one write unit pays for; with more of them, old ones are looked after."""
UNDER_WAY_MINUTES = 2
"""So long a mark may stand without its request: it may be about to be stored."""


class LimitKind(StrEnum):
    """What has too many requests."""

    PERSON = "person"
    CONTACT = "contact"


class Waiting(NamedTuple):
    """The mark of a request that waits; `minute` is the epoch minute in which it was made."""

    request_id: str
    person: bytes
    email: bytes
    phone: bytes
    minute: int


def pack(mark: Waiting) -> bytes:
    """A mark as 24 bytes."""
    return (
        identifiers.to_bytes(mark.request_id) + mark.person + mark.email + mark.phone + mark.minute.to_bytes(4, "big")
    )


def unpack(packed: bytes) -> Waiting:
    """The mark of 24 bytes."""
    person, email, phone = packed[8:12], packed[12:16], packed[16:20]
    return Waiting(identifiers.from_bytes(packed[:8]), person, email, phone, int.from_bytes(packed[20:], "big"))


def beside(mark: Waiting, marks: Iterable[Waiting]) -> list[tuple[LimitKind, list[Waiting]]]:
    """The marks that share a person with this one, and those that share an address or a number, whichever are more."""
    others = {other.request_id: other for other in marks if other.request_id != mark.request_id}.values()

    def sharing(digest: Callable[[Waiting], bytes]) -> list[Waiting]:
        return [other for other in others if digest(mark) != NOTHING and digest(other) == digest(mark)]

    contacts = max(sharing(lambda one: one.email), sharing(lambda one: one.phone), key=len)
    return [(LimitKind.PERSON, sharing(lambda one: one.person)), (LimitKind.CONTACT, contacts)]


def reached(mark: Waiting, marks: Iterable[Waiting], limits: Limits) -> tuple[LimitKind, int] | None:
    """The limit that leaves no room for this mark beside the others; None if there is room."""
    most = {LimitKind.PERSON: limits.pending_per_person, LimitKind.CONTACT: limits.pending_per_contact}
    return next(((kind, most[kind]) for kind, found in beside(mark, marks) if len(found) >= most[kind]), None)
