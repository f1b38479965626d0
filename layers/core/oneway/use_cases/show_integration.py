"""Integration: how the schedules of a practice are read, feed by feed (product sections 5 and 7). Of patients' visits there is
here but the time and number of rows that were set aside; each look at those is on record first. What follows a *Sync now* asks
every two seconds and leaves them out until that has ended: one look is one record.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from ..domain.appointments import SetAsideRow
from ..domain.feeds import LOOK_BACK_EVERY, FeedState, next_turn
from ..domain.health import is_answered, patience_minutes
from ..domain.practices import Practice, Provider, Source, StaffMember
from ..domain.pull_history import AskedPull, by_hour
from ..ports import AuditRepository, Clock, FeedFile, PracticeRepository
from .ask_sync import feed_refs
from .membership import Membership
from .schedule_age import ScheduleAge

PATIENCE = timedelta(minutes=10)
"""So long a *Sync now* is followed; the queue has lost what has not begun by then, and a worker what has not ended."""
TOLD = 2 * PATIENCE
"""So long is told what became of it."""
_SKEW = timedelta(seconds=2)
"""The clocks of two functions may differ."""


class FeedCondition(StrEnum):
    """How a feed is, the worst first."""

    HELD = "held"
    BROKEN = "broken"
    FAILING = "failing"
    ANSWERED = "answered"
    NEVER = "never"
    OLD = "old"
    WELL = "well"


class Progress(StrEnum):
    """How far a pull is that staff asked for."""

    ASKED = "asked"
    READING = "reading"
    DONE = "done"
    LOST = "lost"
    UNENDED = "unended"

    @property
    def goes_on(self) -> bool:
        """Whether there is more to come of it."""
        return self in (Progress.ASKED, Progress.READING)


class FeedView(Struct, frozen=True):
    """A feed with its providers: when it was last read in full and will be next, what is wrong, how far *Sync now* is.

    `aside` are the set-aside rows that are kept, by their reasons, the most frequent first; `progress` None: nobody asked.
    """

    state: FeedState
    providers: Sequence[Provider]
    condition: FeedCondition
    read_at: datetime | None
    next_at: datetime
    aside: Sequence[tuple[str, Sequence[SetAsideRow]]]
    asked: AskedPull | None
    progress: Progress | None


class SourceView(Struct, frozen=True):
    """A source: its feeds, the worst of their conditions, and what they changed in each hour of the last day."""

    source: Source
    feeds: Sequence[FeedView]
    condition: FeedCondition
    hours: Sequence[tuple[datetime, int]]

    @property
    def changed(self) -> int:
        """How many visits were written in the last day."""
        return sum(count for _, count in self.hours)


class IntegrationView(Struct, frozen=True):
    """What the page shows. `asked_at` is when *Sync now* was pressed, while it is followed; `rows_stay`: the set-aside rows
    are not here, those that the page shows already stay.
    """

    practice: Practice
    member: StaffMember
    schedule_age_minutes: int | None
    sources: Sequence[SourceView]
    not_connected: Sequence[Provider]
    asked_at: datetime | None
    rows_stay: bool = False

    @property
    def following(self) -> Sequence[FeedView]:
        """The feeds of a *Sync now* that is followed."""
        return [feed for source in self.sources for feed in source.feeds if feed.progress]

    @property
    def under_way(self) -> bool:
        """Whether there is more to come of it."""
        return any(feed.progress is not None and feed.progress.goes_on for feed in self.following)

    @property
    def ended_badly(self) -> bool:
        """Whether a schedule could not be read, or nobody knows whether it was."""
        return any(
            feed.progress in (Progress.LOST, Progress.UNENDED)
            or (feed.progress is Progress.DONE and feed.asked is not None and bool(feed.asked.failure))
            for feed in self.following
        )


class ShowIntegration(Struct, frozen=True):
    """One read of the practice, one of all its feeds."""

    membership: Membership
    practices: PracticeRepository
    audit: AuditRepository
    age: ScheduleAge
    clock: Clock

    def __call__(
        self, slug: str, email: str, asked_at: datetime | None = None, follows: bool = False
    ) -> IntegrationView:
        """The page; with `asked_at` it follows the pulls that were asked for then. `follows`: a page asks that has the set-aside
        rows, and gets them anew once those pulls have ended. Raises PracticeNotFound, StoreUnavailable (then nothing is shown).
        """
        member, practice, now = self.membership(slug, email), self.practices.get(slug), self.clock.now()
        if asked_at and not timedelta() <= now - asked_at + _SKEW <= TOLD + _SKEW:
            asked_at = None
        files = self.age.feeds.files(slug, (ref.feed_id for ref in feed_refs(practice)))
        self.age.know(one.state for one in files.values())
        rows_stay = follows and asked_at is not None and _goes_on(files, asked_at, now)
        if rows_stay:
            files = {feed_id: replace(file, aside=()) for feed_id, file in files.items()}
        sources = [self._source(practice, source, files, asked_at, now) for source in practice.sources.values()]
        if any(feed.aside for source in sources for feed in source.feeds):
            self.audit.record(slug, member.email, "show_set_aside", "", now)
        return IntegrationView(
            practice,
            member,
            self.age.oldest_minutes(practice),
            [one for one in sources if one.feeds],
            [one for one in practice.providers.values() if not one.integrated],
            asked_at,
            rows_stay,
        )

    def _source(
        self,
        practice: Practice,
        source: Source,
        files: Mapping[str, FeedFile],
        asked_at: datetime | None,
        now: datetime,
    ) -> SourceView:
        feeds = [
            self._feed(practice, file, asked_at, now)
            for file in files.values()
            if file.state.settings.source_id == source.id
        ]
        worst = min((one.condition for one in feeds), key=list(FeedCondition).index, default=FeedCondition.NEVER)
        return SourceView(source, feeds, worst, by_hour((one.state.changes for one in feeds), now))

    def _feed(self, practice: Practice, file: FeedFile, asked_at: datetime | None, now: datetime) -> FeedView:
        state, known = file.state, practice.providers
        providers = [known[ours] for _, ours, _ in state.settings.providers if ours in known]
        read_at = self.age.last_good_at(practice, providers[0]) if providers else state.last_good_at
        return FeedView(
            state,
            providers,
            condition_of(state, read_at, now),
            read_at,
            next_turn(state, now),
            _by_reason(file.aside) if state.set_aside else (),
            file.asked,
            progress_of(file.asked, asked_at, now) if asked_at else None,
        )


def _by_reason(rows: Iterable[SetAsideRow]) -> list[tuple[str, list[SetAsideRow]]]:
    """Rows by their reasons, the most frequent first; of each the earliest first."""
    found: dict[str, list[SetAsideRow]] = {}
    for row in sorted(rows, key=lambda row: (row.start is None, row.start and row.start.timestamp(), row.external_id)):
        found.setdefault(row.reason, []).append(row)
    return sorted(found.items(), key=lambda one: -len(one[1]))


def condition_of(state: FeedState, read_at: datetime | None, now: datetime) -> FeedCondition:
    """How a feed is that was last read well at `read_at`. *Old*: nothing failed, but it was not read for longer than a source may
    be in open hours before it is broken, nor, where only look backs are written down, for longer than those are apart.
    """
    if state.held and not state.answer:
        return FeedCondition.HELD
    if is_answered(state):
        return FeedCondition.ANSWERED
    if state.broken_since:
        return FeedCondition.BROKEN
    if state.failures:
        return FeedCondition.FAILING
    if read_at is None:
        return FeedCondition.NEVER
    interval = state.settings.interval_minutes
    patience = timedelta(minutes=patience_minutes(interval))
    if not state.settings.beats:
        patience = max(patience, LOOK_BACK_EVERY + timedelta(minutes=interval))
    return FeedCondition.OLD if now - read_at > patience else FeedCondition.WELL


def _goes_on(files: Mapping[str, FeedFile], asked_at: datetime, now: datetime) -> bool:
    """Whether not all has ended that was asked for at an instant."""
    return any(progress_of(file.asked, asked_at, now).goes_on for file in files.values())


def progress_of(pull: AskedPull | None, asked_at: datetime, now: datetime) -> Progress:
    """How far what was asked for at an instant is, by the last pull that was asked for."""
    late = now - asked_at >= PATIENCE
    if pull is None or pull.began_at < asked_at - _SKEW or (pull.ended_at and pull.ended_at < asked_at):
        return Progress.LOST if late else Progress.ASKED
    if pull.ended_at:
        return Progress.DONE
    return Progress.UNENDED if late else Progress.READING
