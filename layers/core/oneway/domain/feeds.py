"""Feeds: what one pull covers, when it is due, and what it last found (product section 5, house: *The wheel*)."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum
from zlib import crc32

from msgspec import Struct
from msgspec.structs import replace

from .clock_time import instant_of, minute_of
from .pull_history import Counts
from .vanishing import USUAL_BRAKE, Brake, Held

INTERVALS = (1, 5, 15, 60)
"""Minutes between two pulls of a feed that a practice may choose from."""
LOOK_BACK = timedelta(days=30)
"""How far back a pull reads once an hour: visits are closed, corrected and cancelled after the fact, too."""
HEARTBEAT = timedelta(minutes=10)
"""How often a source's heartbeat is written, by one of its feeds."""
LOOK_BACK_EVERY = timedelta(minutes=60)
"""Every feed that is pulled at all writes its state at least this often: it is what a look back leaves."""
PULLS_A_BUNDLE = 30
"""Pulls that a message carries: so many wait together, and ten messages of them are a worker's for some seconds."""
MOST_IN_A_MESSAGE = 150
"""With the longest names some 33 KB, of the 256 that a message or a call may have."""
MOST_AWAITING = 20
"""Requests that a pull goes on with itself, for a feed's state is read each minute; the clock comes by for the others."""
LONGEST_PULL = timedelta(minutes=10)
"""No pull takes longer: one that began so long ago and did not come to its end has died."""
SPOKE_BUCKETS = 64
"""Items that a spoke is spread over: one alone outgrows DynamoDB's 400 KB below 40,000 feeds, and long before that every
practice that is applied writes all of it again, against all others (ADR 0013)."""


class FeedSettings(Struct, frozen=True):
    """Everything that a pull needs to know, so that one that finds nothing new reads nothing else.

    `providers` maps the source's provider ids to (our provider id, IANA zone) for the providers that the feed covers.
    `beats`: of a source's feeds one writes the source's heartbeat. `requests_per_minute` is what the account allows (0: any).
    """

    practice: str
    feed_id: str
    source_id: str
    kind: str
    address: str
    profile: str
    country: str
    interval_minutes: int
    horizon_days: int
    zone: str
    providers: tuple[tuple[str, str, str], ...]
    lane: str
    brake: Brake = USUAL_BRAKE
    beats: bool = True
    requests_per_minute: float = 0.0

    def provider_of(self, external_id: str) -> str | None:
        """Our id of a source's provider; None if the feed does not cover it."""
        return next((ours for theirs, ours, _ in self.providers if theirs == external_id), None)

    def zone_of(self, provider_id: str) -> str:
        """The IANA zone of a provider of ours. Raises KeyError."""
        return {ours: zone for _, ours, zone in self.providers}[provider_id]


def reads_elsewhere(before: FeedSettings, after: FeedSettings) -> bool:
    """Whether a feed reads another system than before, or other providers as ours: what it finds there, or does not, says nothing
    of the visits that it knew.
    """
    known = {ours: theirs for theirs, ours, _ in before.providers}
    origins = [(one.kind, one.address, one.profile) for one in (before, after)]
    return origins[0] != origins[1] or any(known.get(ours, theirs) != theirs for theirs, ours, _ in after.providers)


def covers_more(before: FeedSettings, after: FeedSettings) -> bool:
    """Whether a feed covers a provider of ours whom it did not cover before."""
    return not {ours for _, ours, _ in after.providers} <= {ours for _, ours, _ in before.providers}


class VanishedAnswer(StrEnum):
    """What staff say of visits that vanished all at once."""

    ACCEPT = "accept"
    KEEP = "keep"


class Seen(Struct, frozen=True):
    """What a pull saw last, to know it again: `validator` is the source's own (an ETag), `digest` covers settings, mapping
    version, window day and all that was read; both hold on `day` only.
    """

    validator: str | None = None
    digest: str = ""
    day: date | None = None

    def forgotten(self) -> "Seen":
        """The same day, of which nothing is known again."""
        return Seen(day=self.day)


class FeedState(Struct, frozen=True):
    """What the last pulls left behind; written when something changed, else at most every ten minutes.

    `seen` is of the usual window, `seen_back` of the hourly one that looks back; `mapping` is a digest of the settings and
    the version under which rows were translated. `last_good_at` is when the last complete pull that was written down began.
    `set_aside` is how many rows could not be used, `aside` a digest of the reasons. `suspects` is how many visits the last
    pull did not show for the first time (`suspects_back`: how many that only a look back reaches); `held` is set while a pull
    waits for staff, and `answer` is what they said of just these visits. `failing_since` is when the first turn
    after a good pull brought none, however it ended; `failures` counts those that failed, running, and none is pulled before
    `not_before`, but when staff ask; until `asked_until` its source asked not to be asked, and nobody does;
    `broken_since` is set once the source counts as broken (domain/health.py), until it is well, and `unheard` as long as its
    source was not judged since that turned. `short_since` is when the answers began that say themselves that they do not show
    everything (domain/short_answers.py; `short_since_back`: those of look backs). `awaited`: something waits for a good pull
    that begins after this instant, so that one is written down; `awaited_by` are requests that wait, at most `MOST_AWAITING`.
    `cursor` is where the changes begin that were not read yet ("": read all), `delta` a digest of what the last pull read of
    them. `changes` counts what the pulls of the last day wrote, by the hour: it changes with pulls that are written down
    anyway. `moved_at` is since when it reads another system than before, or is a feed at all. `applying_since`: a
    pull that began then has something to apply, and did not come to its end; what is seen and recorded may not be what is stored.
    """

    settings: FeedSettings
    seen: Seen = Seen()
    seen_back: Seen = Seen()
    looked_back_at: datetime | None = None
    mapping: str = ""
    last_good_at: datetime | None = None
    last_change_at: datetime | None = None
    failures: int = 0
    last_failure: str = ""
    failing_since: datetime | None = None
    not_before: datetime | None = None
    asked_until: datetime | None = None
    set_aside: int = 0
    aside: str = ""
    suspects: int = 0
    suspects_back: int = 0
    held: Held | None = None
    answer: VanishedAnswer | None = None
    broken_since: datetime | None = None
    unheard: bool = False
    short_since: datetime | None = None
    short_since_back: datetime | None = None
    awaited: datetime | None = None
    awaited_by: tuple[str, ...] = ()
    changes: Counts = ()
    cursor: str = ""
    delta: str = ""
    moved_at: datetime | None = None
    applying_since: datetime | None = None
    version: int = 0

    def unfinished(self) -> "FeedState":
        """As it is, but that nothing counts as seen while a pull did not come to its end: the same answer is then no news."""
        if not self.applying_since:
            return self
        return replace(self, seen=self.seen.forgotten(), seen_back=self.seen_back.forgotten(), delta="")

    @property
    def troubled(self) -> bool:
        """Whether its last pull was no good one."""
        return bool(self.failures or self.failing_since or self.held)


class Window(Struct, frozen=True):
    """What a pull covers: visits that start in [start, end), UTC; `day` is the practice's local day it was made for."""

    start: datetime
    end: datetime
    day: date


class FeedRef(Struct, frozen=True):
    """A feed as the wheel and the queue name it."""

    practice: str
    feed_id: str
    lane: str


def spoke_of(practice: str, feed_id: str, interval_minutes: int) -> int:
    """The minute, modulo the interval, in which a feed is due."""
    return crc32(f"{practice}#{feed_id}".encode()) % interval_minutes


def next_turn(state: FeedState, now: datetime) -> datetime:
    """When a feed is pulled next: its first turn after now, and after the wait that its failures or its source ask for."""
    settings, earliest = state.settings, max(now, state.not_before or now)
    interval, minute = settings.interval_minutes, minute_of(earliest) + 1
    spoke = spoke_of(settings.practice, settings.feed_id, interval)
    return instant_of(minute + (spoke - minute) % interval)


def spokes_due(minute: int) -> list[tuple[int, int]]:
    """The (interval, spoke) pairs of the wheel that are due in an epoch minute."""
    return [(interval, minute % interval) for interval in INTERVALS]


def in_turn(refs: Iterable[FeedRef], minute: int) -> list[FeedRef]:
    """Feeds with those of a lane together, which take turns at being first: a source too slow for all starves none."""
    return sorted(refs, key=lambda ref: (ref.lane, crc32(f"{ref.practice}#{ref.feed_id}#{minute}".encode())))


def bundle_of(lane: str, bundles: int) -> int:
    """Which bundle a lane belongs to: what is in one is pulled by one worker at a time."""
    return crc32(lane.encode()) % bundles


def bundles_for(pulls: int, now: int) -> int:
    """Into how many bundles the pulls of a minute go, a power of two: as `now`, as long as that is not much too few or too many.
    While it changes a lane may be in two bundles at once, which must be seldom.
    """
    wanted = 1
    while wanted * PULLS_A_BUNDLE * 4 < pulls * 3:  # within 3/4 and 3/2 of what a bundle should carry
        wanted *= 2
    return now if not pulls or (wanted <= 2 * now and now <= 2 * wanted) else wanted


def bundled(refs: Iterable[FeedRef], bundles: int) -> list[tuple[int, int, list[FeedRef]]]:
    """Pulls by bundle, in their order, in numbered parts of what a message may carry."""
    found: dict[int, list[FeedRef]] = {}
    for ref in refs:
        found.setdefault(bundle_of(ref.lane, bundles), []).append(ref)
    return [
        (number, at // MOST_IN_A_MESSAGE, part[at : at + MOST_IN_A_MESSAGE])
        for number, part in sorted(found.items())
        for at in range(0, len(part), MOST_IN_A_MESSAGE)
    ]


def bucket_of(practice: str) -> int:
    """Which of a spoke's items names a practice's feeds: all of a practice in one, practices spread evenly.

    It is another hash than the spoke's, so that every spoke fills all its buckets.
    """
    return crc32(practice.encode()) % SPOKE_BUCKETS


def source_of(feed_id: str) -> str:
    """The source that a feed is of."""
    return feed_id.partition("~")[0]


def feed_id_of(source_id: str, provider_id: str | None) -> str:
    """The id of a feed: of one provider, or of a whole source."""
    return f"{source_id}~{provider_id}" if provider_id else source_id
