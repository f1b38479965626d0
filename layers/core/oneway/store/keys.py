"""Every key of the table, built here and nowhere else; the access patterns stand in docs/adr/0001.

Keys begin with the practice, so that looking up another practice's id finds nothing by construction. A slug has no `#`
(the practice file refuses it), so no practice can reach into another's keys.
"""

from datetime import UTC, date, datetime
from hashlib import sha256
from typing import NamedTuple

from ..domain.notices import NOTICE

PRACTICES = "PRACTICES"
UNSENT = "UNSENT"
LATER = "LATER"
"""Partitions of the `unsent` index: what has mail due, and what the clock looks at later."""


class Key(NamedTuple):
    """Partition and sort key of an item."""

    pk: str
    sk: str


def practice_partition(slug: str) -> str:
    """Settings, providers, visit types, sources and staff of a practice."""
    return f"{slug}#PRACTICE"


def profile(slug: str) -> Key:
    """A practice's own settings."""
    return Key(practice_partition(slug), "PROFILE")


def provider(slug: str, provider_id: str) -> Key:
    """A provider."""
    return Key(practice_partition(slug), f"PROVIDER#{provider_id}")


def source(slug: str, source_id: str) -> Key:
    """A source."""
    return Key(practice_partition(slug), f"SOURCE#{source_id}")


def staff(slug: str, email: str) -> Key:
    """A staff member."""
    return Key(practice_partition(slug), f"STAFF#{email}")


def availability(slug: str, provider_id: str) -> Key:
    """When a provider can be booked; of no provider (""), the practice's closures."""
    return Key(practice_partition(slug), f"CALENDAR#{provider_id}")


def long_blocks(slug: str, provider_id: str) -> Key:
    """A provider's long blocks."""
    return Key(practice_partition(slug), f"BLOCKS#{provider_id}")


def practice_events(slug: str) -> str:
    """A practice's timeline."""
    return f"{slug}#PRACTICE_EVENTS"


def practice_event(slug: str, at: datetime, event_id: str) -> Key:
    """An entry of a practice's timeline."""
    return Key(practice_events(slug), f"{instant(at)}#{event_id}")


def photo(slug: str, digest: str) -> Key:
    """A photo of a practice's provider."""
    return Key(f"{slug}#PHOTOS", digest)


def registered(slug: str) -> Key:
    """A practice's entry in the list of all practices."""
    return Key(PRACTICES, slug)


def person(email: str, slug: str) -> Key:
    """That somebody is staff of a practice."""
    return Key(f"PERSON#{email}", slug)


def calendar(slug: str, provider_id: str) -> str:
    """Occupancy of a provider, by day."""
    return f"{slug}#DAYS#{provider_id}"


def day(slug: str, provider_id: str, local_day: date) -> Key:
    """Occupancy of a provider's local day."""
    return Key(calendar(slug, provider_id), f"{local_day.isoformat()}#DAY")


def request_partition(slug: str, request_id: str) -> str:
    """A request with its timeline and messages."""
    return f"{slug}#REQUEST#{request_id}"


def request(slug: str, request_id: str) -> Key:
    """A request."""
    return Key(request_partition(slug, request_id), "STATE")


def booker(slug: str, request_id: str) -> Key:
    """The names of whoever made a request for somebody else, to find it by."""
    return Key(request_partition(slug, request_id), "BOOKER")


def event(slug: str, request_id: str, number: int) -> Key:
    """A timeline entry of a request."""
    return Key(request_partition(slug, request_id), f"EVENT#{number:06d}")


def message(slug: str, request_id: str, message_id: str) -> Key:
    """A message of a request."""
    return Key(request_partition(slug, request_id), f"MESSAGE#{message_id}")


def notice(slug: str, notice_id: str) -> Key:
    """Mail to staff that is not of one request."""
    return Key(f"{slug}#NOTICE#{notice_id}", "STATE")


def suppressed(slug: str, mark: str) -> Key:
    """That an address gets no mail of a practice, or missed some, by its mark (domain/suppression.py)."""
    return Key(f"{slug}#SUPPRESSED", mark)


def logo(slug: str) -> Key:
    """A practice's logo."""
    return Key(f"{slug}#LOGO", "LOGO")


_NAMED = {"REQUEST": "", "NOTICE": NOTICE}


def subject_named_by(pk: str) -> tuple[str, str]:
    """(practice, subject) of a partition key: a request's id, or a notice's with what tells it from one."""
    slug, kind, identifier = pk.split("#")
    return slug, _NAMED[kind] + identifier


def provider_named_by(pk: str) -> str:
    """The provider of a schedule's partition key."""
    return pk.rpartition("#")[2]


def appointment(slug: str, provider_id: str, appointment_id: str) -> Key:
    """An imported appointment or block."""
    return Key(schedule_partition(slug, provider_id), appointment_id)


def to_act(slug: str) -> str:
    """Partition of the `to_act` index: a practice's requests in Action required."""
    return f"{slug}#OPEN"


def closed(slug: str) -> str:
    """Partition of the `to_act` index: a practice's requests that ended without a visit."""
    return f"{slug}#CLOSED"


def called_off(slug: str) -> str:
    """Partition of the `to_act` index: a practice's requests whose visit is cancelled; it may be entered anew."""
    return f"{slug}#CALLED_OFF"


def hints(slug: str, request_id: str) -> Key:
    """Appointments that may be a request's answer."""
    return Key(request_partition(slug, request_id), "HINTS")


def claim(slug: str, request_id: str) -> Key:
    """Who of the staff is on a request."""
    return Key(request_partition(slug, request_id), "CLAIM")


def note(slug: str, request_id: str, note_id: str) -> Key:
    """An internal note of the staff on a request."""
    return Key(request_partition(slug, request_id), f"NOTE#{note_id}")


def found(slug: str) -> str:
    """Partition of the `found` index: a practice's appointments by their patients' birth dates, or their ids."""
    return f"{slug}#FIND"


def born(day: date, at: datetime) -> str:
    """Sort key of the `found` index, with the start of the visit."""
    return f"{day.isoformat()}#{instant(at)}"


def known_as(source_id: str, at: datetime) -> str:
    """Sort key of the `found` index for a patient of whom there is no birth date, with the start of the visit."""
    return f"={sha256(source_id.encode()).hexdigest()[:16]}#{instant(at)}"


def visits(slug: str) -> str:
    """Partition of the indexes by which a practice's visits, asked for or imported, are listed and searched."""
    return f"{slug}#VISITS"


def minute(at: datetime) -> str:
    """An instant to the minute, that sorts as text."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def instant(at: datetime) -> str:
    """An instant that sorts as text."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def waiting(slug: str) -> Key:
    """Marks of the requests that wait for an answer."""
    return Key(f"{slug}#PENDING", "SET")


def schedule_partition(slug: str, provider_id: str) -> str:
    """The imported appointments and blocks of a provider."""
    return f"{slug}#SCHEDULE#{provider_id}"


def feed_partition(slug: str, feed_id: str) -> str:
    """A feed's state, digests and set-aside rows."""
    return f"{slug}#FEED#{feed_id}"


def feed(slug: str, feed_id: str) -> Key:
    """A feed's state."""
    return Key(feed_partition(slug, feed_id), "STATE")


def digest(slug: str, feed_id: str, week: str) -> Key:
    """Digests of what starts in an ISO week."""
    return Key(feed_partition(slug, feed_id), f"DIGEST#{week}")


def set_aside(slug: str, feed_id: str) -> Key:
    """A feed's set-aside rows."""
    return Key(feed_partition(slug, feed_id), "ASIDE#")


def asked_pull(slug: str, feed_id: str) -> Key:
    """The last pull of a feed that staff asked for."""
    return Key(feed_partition(slug, feed_id), "ASKED")


def source_health(slug: str, source_id: str) -> Key:
    """Whether a source is broken, over all of its feeds."""
    return Key(feed_partition(slug, source_id), "HEALTH")


def feeds_of(slug: str, feed_id: str) -> Key:
    """A feed's entry in its practice's list of feeds."""
    return Key(f"{slug}#FEEDS", feed_id)


def bundles() -> Key:
    """Into how many bundles the pulls of a minute go."""
    return Key("WHEEL#BUNDLES", "BUNDLES")


def spoke_partition(interval_minutes: int, number: int) -> str:
    """A spoke of the sync wheel, all its buckets."""
    return f"WHEEL#{interval_minutes}#{number}"


def spoke_bucket(interval_minutes: int, number: int, bucket: int) -> Key:
    """A part of a spoke (domain/feeds.py, `bucket_of`)."""
    return Key(spoke_partition(interval_minutes, number), f"FEEDS#{bucket:02d}")


def audit(slug: str, email: str, at: datetime, nonce: str) -> Key:
    """One look at patients' data."""
    return Key(f"{slug}#AUDIT#{email}", f"{instant(at)}#{nonce}")


def session(session_id: str) -> Key:
    """A session, by the hash of what the browser holds."""
    return Key(f"SESSION#{sha256(session_id.encode()).hexdigest()}", "SESSION")
