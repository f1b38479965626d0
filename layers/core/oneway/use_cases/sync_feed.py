"""Pull one feed, write what differs, confirm what matches (product section 5).

A pull that finds nothing new reads the feed's state (half a read unit), asks the source once, and writes nothing but a
heartbeat every ten minutes. A pull that fails changes nothing but the feed's state, and is tried again.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from ..domain import identifiers
from ..domain.appointments import RowKind, ScheduleRow, SetAsideRow
from ..domain.clock_time import day_of, zone_of
from ..domain.comparing import Comparison, compare, entry_of, feed_digest
from ..domain.errors import WriteConflict
from ..domain.feeds import FeedSettings, FeedState, Window
from ..domain.matching import could_confirm
from ..domain.occupancy import LONGEST_DAYS, is_long
from ..faults import RateLimited, SourceError
from ..ports import Clock, FeedRepository, PracticeRepository, Snapshot, SourceFactory
from .apply_schedule import ApplySchedule, Work
from .confirm_matches import ConfirmMatches

MAPPING_VERSION = "1"
"""Raise it when rows are translated differently: the next pull then compares everything."""
HEARTBEAT = timedelta(minutes=10)
LONGEST_BACK_OFF = timedelta(minutes=60)


class Outcome(StrEnum):
    """How a pull ended."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    FAILED = "failed"
    WAITING = "waiting"
    NO_SUCH_FEED = "no_such_feed"


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a pull saw and did; counts of rows and appointments. `failure` is a word of `faults`."""

    outcome: Outcome
    seen: int = 0
    changed: int = 0
    missing: int = 0
    set_aside: int = 0
    confirmed: int = 0
    failure: str = ""


@dataclass(frozen=True, slots=True)
class SyncFeed:
    """One pull. May be delivered twice or cut anywhere: what is written is conditional, and digests are stored last."""

    practices: PracticeRepository
    feeds: FeedRepository
    open_source: SourceFactory
    apply_schedule: ApplySchedule
    confirm_matches: ConfirmMatches
    clock: Clock
    spread: Callable[[float, float], float] = random.uniform

    def __call__(self, practice: str, feed_id: str, *, now_asked: bool = False) -> SyncReport:
        """Pull a feed; `now_asked` (Sync now) does not wait for a back-off to end. Raises StoreUnavailable."""
        state = self.feeds.get(practice, feed_id)
        if state is None:
            return SyncReport(Outcome.NO_SUCH_FEED)
        now = self.clock.now()
        if state.not_before and state.not_before > now and not now_asked:
            return SyncReport(Outcome.WAITING, failure=state.last_failure)
        window = window_at(state.settings, now)
        providers = [external_id for external_id, _, _ in state.settings.providers]
        validator = state.validator if state.window_day == window.day else None
        try:
            snapshot = self.open_source(state).snapshot(providers, window, validator)
        except SourceError as fault:
            return self._failed(state, fault)
        return self._unchanged(state) if snapshot.unchanged else self._compare(state, window, snapshot)

    def _compare(self, state: FeedState, window: Window, snapshot: Snapshot) -> SyncReport:
        settings = state.settings
        rows, set_aside = _usable(settings, snapshot)
        entries = {identifier: entry_of(row) for identifier, row in rows.items()}
        digest = feed_digest(entries, repr(settings), MAPPING_VERSION, str(window.day), repr(set_aside))
        if digest == state.digest and snapshot.complete:
            return self._unchanged(state, seen=len(rows), set_aside=len(set_aside))
        stored = self.feeds.digests(settings.practice, settings.feed_id)
        found = compare(rows, entries, stored, window, snapshot.complete)
        work = _work(settings, found)
        written, confirmed = self._apply(settings, work)
        if found.weeks:
            self.feeds.save_digests(settings.practice, settings.feed_id, found.weeks)
        if set_aside or state.set_aside:
            self.feeds.set_aside(settings.practice, settings.feed_id, set_aside)
        now = self.clock.now()
        after = replace(
            state,
            validator=snapshot.validator,
            digest=digest if snapshot.complete else "",
            window_day=window.day,
            last_good_at=now if snapshot.complete else state.last_good_at,
            last_change_at=now if written else state.last_change_at,
            failures=0,
            last_failure="",
            not_before=None,
            set_aside=len(set_aside),
        )
        self._save(state, after)
        outcome = Outcome.CHANGED if written else Outcome.UNCHANGED
        return SyncReport(outcome, len(rows), written, len(found.missing), len(set_aside), confirmed)

    def _apply(self, settings: FeedSettings, work: Sequence[Work]) -> tuple[int, int]:
        """How many appointments were written and how many requests confirmed."""
        if not work:
            return 0, 0
        practice = self.practices.get(settings.practice)
        written = confirmed = 0
        for applied in self.apply_schedule(settings, work):
            written += applied.written
            # Also what an earlier, cut pull had written: it may not have come to matching.
            candidates = [a for a in applied.appointments if could_confirm(a)]
            confirmed += self.confirm_matches.for_appointments(practice, candidates)
        return written, confirmed

    def _unchanged(self, state: FeedState, seen: int = 0, set_aside: int = 0) -> SyncReport:
        now = self.clock.now()
        stale = state.last_good_at is None or now - state.last_good_at >= HEARTBEAT
        if stale or state.failures:
            self._save(state, replace(state, last_good_at=now, failures=0, last_failure="", not_before=None))
        return SyncReport(Outcome.UNCHANGED, seen, set_aside=set_aside)

    def _failed(self, state: FeedState, fault: SourceError) -> SyncReport:
        failures = state.failures + 1
        interval = timedelta(minutes=state.settings.interval_minutes)
        ceiling = min(interval * 2 ** min(failures - 1, 10), LONGEST_BACK_OFF)
        # The first failure is tried again at the next turn; later ones wait longer and spread out.
        wait = ceiling * self.spread(0.5, 1.0) if failures > 1 else timedelta()
        not_before = self.clock.now() + wait
        if isinstance(fault, RateLimited) and fault.until:
            not_before = max(not_before, fault.until)
        self._save(state, replace(state, failures=failures, last_failure=fault.word, not_before=not_before))
        return SyncReport(Outcome.FAILED, failure=fault.word)

    def _save(self, before: FeedState, after: FeedState) -> None:
        try:
            self.feeds.save(before, after)
        except WriteConflict:
            # Another pull of this feed, or an operator, wrote meanwhile. Theirs stands; ours is made again in a minute.
            return


def window_at(settings: FeedSettings, now: datetime) -> Window:
    """What a pull at an instant covers: from the start of yesterday to the end of the horizon's last day."""
    zone = zone_of(settings.zone)
    today = day_of(now, zone)
    first, last = today - timedelta(days=1), today + timedelta(days=settings.horizon_days + 1)
    start, end = (datetime.combine(day, time.min, zone).astimezone(UTC) for day in (first, last))
    return Window(start, end, today)


def _usable(settings: FeedSettings, snapshot: Snapshot) -> tuple[dict[str, ScheduleRow], list[SetAsideRow]]:
    """Rows by appointment id, and those that cannot be applied. The last one of an id counts (pages may shift)."""
    rows: dict[str, ScheduleRow] = {}
    set_aside = list(snapshot.set_aside)
    for row in snapshot.rows:
        provider_id = settings.provider_of(row.provider_external_id)
        if provider_id is None:
            continue  # of somebody who cannot be booked online
        zone = zone_of(settings.zone_of(provider_id))
        if row.end < row.start:
            set_aside.append(SetAsideRow("row", "ends before it starts"))
        elif row.kind is not RowKind.BLOCK and is_long(row.start, row.end, zone):
            set_aside.append(SetAsideRow("row", f"longer than {LONGEST_DAYS} days"))
        else:
            rows[identifiers.appointment_id(settings.practice, settings.source_id, row.external_id)] = row
    return rows, set_aside


def _work(settings: FeedSettings, found: Comparison) -> list[Work]:
    """What to apply. A missing row's provider is not known here, so each provider of the feed is asked for it."""
    seen = [
        Work(identifier, provider_id, row)
        for identifier, row in found.changed.items()
        if (provider_id := settings.provider_of(row.provider_external_id))
    ]
    missing = [Work(i, provider_id, None) for i in found.missing for _, provider_id, _ in settings.providers]
    return [*seen, *missing]
