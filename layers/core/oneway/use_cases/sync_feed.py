"""Pull one feed, write what differs, confirm what matches (product section 5).

A pull that finds nothing new reads the feed's state (half a read unit), asks the source once, and writes nothing but a
heartbeat of the source every ten minutes (ADR 0010). A pull that fails changes nothing but the feed's state, and is tried again.
Where a source tells what changed, that is read between the hourly looks back (ADR 0015a).
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from contextlib import suppress
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from types import MappingProxyType

from msgspec import Struct, field
from msgspec.structs import replace

from ..domain.appointments import Appointment, AppointmentState
from ..domain.clock_time import minute_of
from ..domain.comparing import (
    Comparison,
    DigestWeek,
    Mark,
    Pulled,
    as_applied,
    compare,
    feed_digest,
    known_prints,
    shown_last,
    starts_of,
    suspected,
    weeks_after,
)
from ..domain.deltas import Tombstones, asked_from, may_be_delta, tombstones
from ..domain.errors import WriteConflict
from ..domain.events import Event, FeedTurned, PullFinished, VisitMoved
from ..domain.feeds import (
    HEARTBEAT,
    LONGEST_PULL,
    LOOK_BACK_EVERY,
    FeedSettings,
    FeedState,
    Seen,
    VanishedAnswer,
    Window,
    reads_elsewhere,
)
from ..domain.health import HELD, INCOMPLETE
from ..domain.matching import could_confirm
from ..domain.pull_history import counted
from ..domain.short_answers import is_habit
from ..domain.vanishing import Held
from ..faults import AuthRevoked, CursorExpired, OutOfTime, RateLimited, SourceError
from ..ports import (
    Changes,
    Clock,
    FeedRepository,
    PracticeRepository,
    Snapshot,
    SourceFactory,
)
from .apply_schedule import ApplySchedule, Work
from .braking import braked, is_answered
from .confirm_matches import ConfirmMatches
from .follow_pull import FollowPull
from .judge_feed import JudgeFeed
from .pull import Pull, window_at
from .pulled_rows import ids_of, pulled_of, with_rows, work_of
from .resolve_absence import ResolveAbsence, Resolved
from .settling import settle
from .suggest_matches import SuggestMatches

ASKED_OF_ALL = timedelta(minutes=1)
"""A wait as long as this is written down for the account's other feeds; a shorter one is over by their turn."""
LONGEST_BACK_OFF = timedelta(minutes=60)


class Outcome(StrEnum):
    """How a pull ended."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    HELD = "held"
    STOPPED = "stopped"
    FAILED = "failed"
    WAITING = "waiting"
    LEFT_OFF = "left_off"
    NO_SUCH_FEED = "no_such_feed"


class SyncReport(Struct, frozen=True):
    """What a pull saw and did; counts of rows and appointments. `failure` is a word of `faults`, `events` what was learnt.

    *Held*: too much vanished at once, and staff are asked. *Stopped*: its time was up; the next pull goes on. *Left off*: we had
    no time to read it, or its account's budget was used up; nothing is known, nobody is at fault, its next turn comes.
    """

    outcome: Outcome
    seen: int = 0
    changed: int = 0
    missing: int = 0
    set_aside: int = 0
    confirmed: int = 0
    failure: str = ""
    events: tuple[Event, ...] = ()


class _Done(Struct):
    """What was applied so far, whether time was left for all of it, whether digests were written, and which requests had waited
    for it.
    """

    written: int = 0
    recorded: bool = False
    confirmed: int = 0
    events: list[Event] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    stopped: bool = False
    awaited_by: tuple[str, ...] = ()


class SyncFeed(Struct, frozen=True):
    """One pull. May be delivered twice or cut anywhere: what is written is conditional, and digests are stored last."""

    practices: PracticeRepository
    feeds: FeedRepository
    open_source: SourceFactory
    apply_schedule: ApplySchedule
    resolve_absence: ResolveAbsence
    confirm_matches: ConfirmMatches
    suggest_matches: SuggestMatches
    follow_pull: FollowPull
    judge_feed: JudgeFeed
    clock: Clock
    spread: Callable[[float, float], float] = random.uniform

    def __call__(
        self, practice: str, feed_id: str, *, now_asked: bool = False, deadline: datetime | None = None
    ) -> SyncReport:
        """Pull a feed; `now_asked` (Sync now) does not wait for a back-off of ours to end. Raises StoreUnavailable.

        After `deadline` nothing new is begun: what was applied stays, and the next pull goes on with the rest.
        """
        state = self.feeds.get(practice, feed_id)
        if state is None:
            return SyncReport(Outcome.NO_SUCH_FEED)
        if state.unheard:  # whoever noticed that it turned was cut before the source was judged
            self.follow_pull([FeedTurned(practice, state.settings.source_id)])
            state = self.feeds.get(practice, feed_id) or state
        now = self.clock.now()
        # What the source asks for holds for everybody.
        waits_until = state.asked_until if now_asked else state.not_before
        if waits_until and waits_until > now:
            asked = state.asked_until and state.asked_until > now
            word = RateLimited.word if asked else state.last_failure
            return self._followed(SyncReport(Outcome.WAITING, failure=word, events=self._missed(state, word)))
        back = state.looked_back_at is None or now - state.looked_back_at >= LOOK_BACK_EVERY
        window = window_at(state.settings, now, back=back)
        return self._followed(self._pull(state, window, now, deadline, back=back, now_asked=now_asked))

    def missed(self, practice: str, feed_id: str) -> SyncReport:
        """A feed's turn came, and nobody had the time for it: it grows old all the same. Raises StoreUnavailable."""
        state = self.feeds.get(practice, feed_id)
        return self._followed(SyncReport(Outcome.LEFT_OFF, events=self._missed(state) if state else ()))

    def leave(self, lane: str, until: datetime) -> None:
        """A worker is done with a lane for now (ports.SourceFactory)."""
        self.open_source.leave(lane, until)

    def _pull(
        self, state: FeedState, window: Window, now: datetime, deadline: datetime | None, *, back: bool, now_asked: bool
    ) -> SyncReport:
        providers = [external_id for external_id, _, _ in state.settings.providers]
        state = state.unfinished()
        try:
            source = self.open_source(state, deadline)
            pull = Pull(state, source, window, now, deadline, back, now_asked, state.applying_since)
            if report := self._delta(pull, providers):
                return report
            snapshot = pull.source.snapshot(providers, window, pull.seen.validator if pull.knows else None)
            if snapshot.unchanged:
                return self._unchanged(pull, cursor=snapshot.cursor)
            return self._compare(pull, snapshot)
        except OutOfTime:
            return SyncReport(Outcome.LEFT_OFF, events=self._missed(state))
        except SourceError as fault:
            return self._failed(state, fault)

    def _delta(self, pull: Pull, providers: Sequence[str]) -> SyncReport | None:
        """A pull of what changed since the last one; None where all has to be read."""
        state, delta = pull.state, pull.source.capabilities().delta
        if delta == "none" or pull.back or pull.asked or not pull.knows or not may_be_delta(state):
            return None
        try:
            changes = pull.source.changes(providers, pull.reach, asked_from(state.cursor, delta))
        except CursorExpired:
            return None
        digest = feed_digest(changes.read) if changes.read else ""
        if digest in ("", state.delta):
            done = _Done()
            self._good(pull, replace(state, cursor=changes.cursor, delta=digest), done)
            return self._report(Outcome.UNCHANGED, pull, done, len(changes.prints), 0, state.set_aside)
        return self._compare_changes(pull, changes, digest)

    def _compare_changes(self, pull: Pull, changes: Changes, digest: str) -> SyncReport | None:
        """Apply what a delta names; what it does not is as it was. None where a row cannot be read: all set aside are shown."""
        state, settings, window = pull.state, pull.state.settings, pull.window
        stored = self.feeds.digests(settings.practice, settings.feed_id)
        known = known_prints(stored)
        translated = changes.translate(known)
        pulled, set_aside = pulled_of(settings, translated, changes.prints, known)
        if set_aside:
            return None
        # A visit that went out of reach is brought up to date, and is then no longer this feed's to watch, but where reach will
        # come to it.
        outside = {i for i, row in pulled.rows.items() if not pull.reach.start <= row.start < pull.reach.end}
        left = starts_of(stored, outside).keys()
        later = {
            i
            for i in left
            if pulled.rows[i].start >= pull.reach.end and pulled.rows[i].state is not AppointmentState.CANCELLED
        }
        found = compare(pulled.without(outside - left), stored, window, complete=False)
        gone = tombstones(ids_of(settings, translated.gone), pulled, stored)
        found = replace(found, known=list(shown_last(stored))).with_absent(gone.told)
        if held := self._held(state, stored, found):
            return self._hold(pull, held, len(changes.prints))
        resolved, marks = self._decide(pull, found, gone)
        marks |= dict.fromkeys(left - later)
        pulled = with_rows(pulled.without(outside - later), resolved.rows)
        work = [*work_of(settings, found), *resolved.work]
        pull, done = self._apply(pull, work, resolved)
        state = pull.state
        new_weeks = weeks_after(pulled, stored, window, {**marks, **resolved.marks})
        weeks = self._record(settings, new_weeks, done, work, stored)
        if done.stopped:
            return self._stopped(pull, done, len(changes.prints), state.set_aside)
        # Also where nothing was recorded: one that was cut may have done so.
        left_state = pull.left(state, state.seen.forgotten(), recorded=True)
        after = pull.with_suspects(left_state, {**stored, **weeks})
        self._good(pull, replace(after, cursor=changes.cursor, delta=digest), done)
        return self._report(_outcome(done), pull, done, len(changes.prints), resolved.lost, state.set_aside)

    def _compare(self, pull: Pull, snapshot: Snapshot) -> SyncReport:
        state, settings, window = pull.state, pull.state.settings, pull.window
        digest = feed_digest(snapshot.read, pull.mapping, str(window.day))
        doubted = snapshot.short and not is_habit(pull.short_since, settings.interval_minutes, pull.began)
        complete = snapshot.complete and not doubted
        same_count = snapshot.short == (pull.short_since is not None)
        if digest == pull.seen.digest and complete and same_count and not snapshot.look_again:
            return self._unchanged(pull, len(snapshot.prints), state.set_aside, snapshot.cursor)
        recorded = self.feeds.digests(settings.practice, settings.feed_id)
        stored = as_applied(recorded, self.apply_schedule.applied(settings), pull.reach) if pull.doubted else recorded
        known = known_prints(stored) if pull.knows else {}
        translated = snapshot.translate(known)
        pulled, set_aside = pulled_of(settings, translated, snapshot.prints, known)
        found = compare(pulled, stored, window, complete)
        gone = tombstones(ids_of(settings, translated.gone), pulled, stored)
        found = found.with_absent(gone.told)
        if (held := self._held(state, stored, found)) and not is_answered(state, held):
            return self._hold(pull, held, len(snapshot.prints), snapshot.short)
        resolved, marks = self._decide(pull, found, gone)
        pulled = with_rows(pulled, resolved.rows)
        work = [*work_of(settings, found), *resolved.work]
        pull, done = self._apply(pull, work, resolved)
        state = pull.state
        set_right = {week: known for week, known in stored.items() if known != recorded.get(week, {})}
        new_weeks = weeks_after(pulled, stored, window, {**marks, **resolved.marks}, prints=not pull.knows)
        weeks = self._record(settings, set_right | new_weeks, done, work, stored)
        # Something else was read than before, and all of it is known: one that was cut has recorded it.
        done.recorded |= bool(pull.seen.digest and complete) and not (pulled.rows or set_aside)
        seen = len(snapshot.prints)
        if done.stopped:
            return self._stopped(pull, done, seen, len(set_aside), snapshot.short)
        # Where they stand in an answer says nothing: some servers answer in another order each time.
        aside = (
            feed_digest((), *sorted(f"{one.reason}#{one.external_id}#{one.start}" for one in set_aside))
            if set_aside
            else ""
        )
        if aside != state.aside:
            self.feeds.set_aside(settings.practice, settings.feed_id, set_aside)
        # What an incomplete answer brought says nothing of what it did not: it is never "unchanged" after it.
        validator = snapshot.validator if not snapshot.short else None
        seen_now = Seen(validator, digest, window.day) if complete else Seen(day=window.day)
        after = replace(
            pull.with_suspects(pull.left(state, seen_now, recorded=done.recorded), {**stored, **weeks}),
            mapping=pull.mapping,
            set_aside=len(set_aside),
            aside=aside,
            cursor=snapshot.cursor if complete else state.cursor,
            delta="" if complete else state.delta,
        )
        self._good(pull, pull.told_short(after, snapshot.short), done, complete)
        report = self._report(_outcome(done), pull, done, seen, resolved.lost, len(set_aside))
        return report if complete else replace(report, failure=INCOMPLETE)

    def _decide(self, pull: Pull, found: Comparison, gone: Tombstones) -> tuple[Resolved, dict[str, Mark | None]]:
        """What becomes of the absent: the marks of those seen so for the first time, and what is known of the others. Of what the
        source itself says that it is gone, the source is asked at once.
        """
        state = pull.state
        if state.held and state.answer is VanishedAnswer.KEEP:
            earliest, asked_about = minute_of(self.clock.now()), set(state.held.visits)
            kept = {one for one, start in found.absent_once.items() if one in asked_about or start < earliest}
            marks: dict[str, Mark | None] = dict.fromkeys(found.absent_once, Mark.SUSPECTED)
            marks |= dict.fromkeys(kept, Mark.KEPT) | dict.fromkeys(kept & gone.told.keys(), Mark.KEPT_ALL_THE_SAME)
            return self._resolve(pull, found.absent_twice, found.known), marks
        at_once: Mapping[str, int] = {}
        if pull.source.capabilities().read_by_id:
            missing = self.resolve_absence.missing_of(state.settings, gone.settled)
            at_once = {**gone.told, **gone.suspected, **missing}
        resolved = self._resolve(pull, {**found.absent_twice, **at_once}, found.known, at_once.keys())
        return resolved, dict.fromkeys(found.absent_once, Mark.SUSPECTED)

    def _unchanged(self, pull: Pull, seen: int = 0, set_aside: int = 0, cursor: str = "") -> SyncReport:
        """Nothing new; which is the second time that what was absent is not shown."""
        if pull.suspects:
            return self._second_sighting(pull, seen, set_aside)
        done = _Done()
        self._good(pull, replace(pull.state, cursor=cursor, delta="") if cursor else pull.state, done)
        return self._report(Outcome.UNCHANGED, pull, done, seen, 0, set_aside)

    def _second_sighting(self, pull: Pull, seen: int, set_aside: int) -> SyncReport:
        state, settings = pull.state, pull.state.settings
        stored = self.feeds.digests(settings.practice, settings.feed_id)
        resolved = self._resolve(pull, suspected(stored, pull.window), shown_last(stored))
        pull, done = self._apply(pull, resolved.work, resolved)
        state = pull.state
        if done.stopped:
            return self._stopped(pull, done, seen, set_aside)
        # Rows that were not read again stay as they are: only those that were resolved are written.
        pulled = with_rows(Pulled({}, {}), resolved.rows)
        weeks = weeks_after(pulled, stored, pull.window, resolved.marks)
        self._record(settings, weeks, done)
        self._good(pull, pull.with_suspects(state, {**stored, **weeks}), done)
        return self._report(_outcome(done), pull, done, seen, resolved.lost, set_aside)

    def _record(
        self,
        settings: FeedSettings,
        weeks: Mapping[str, DigestWeek],
        done: _Done,
        work: Sequence[Work] = (),
        stored: Mapping[str, DigestWeek] = MappingProxyType({}),
    ) -> Mapping[str, DigestWeek]:
        """Write the weeks in which all of the work was done; those."""
        if done.stopped:
            left = {one.id for one in work} - done.ids
            weeks = {week: known for week, known in weeks.items() if not left & {*known, *stored.get(week, ())}}
        if weeks:
            self.feeds.save_digests(settings.practice, settings.feed_id, weeks)
            done.recorded = True
        return weeks

    def _resolve(
        self, pull: Pull, absent: Mapping[str, int], shown: Iterable[str], gone: Set[str] = frozenset()
    ) -> Resolved:
        settings = pull.state.settings
        return self.resolve_absence(settings, pull.source, absent, shown, gone, pull.moved_at)

    def _begin(self, pull: Pull) -> Pull:
        """Say that something will be applied: whoever comes after a worker that dies from here on knows that what the feed has
        seen and recorded may not be what is stored.
        """
        before = pull.state
        after = replace(before, applying_since=pull.began)
        if self._save(before, after):
            return replace(pull, state=replace(after, version=before.version + 1))
        settle(partial(self._forget, before.settings), self.clock)
        return pull

    def _apply(self, pull: Pull, work: Sequence[Work], resolved: Resolved) -> tuple[Pull, _Done]:
        """Apply work a day at a time, and confirm what it answers; the pull as it goes on."""
        done, settings = _Done(), pull.state.settings
        if not work and not resolved.handed_over:
            return pull, done
        pull = self._begin(pull)
        practice = self.practices.get(settings.practice)
        for old, new in resolved.handed_over:
            if self._is_late(pull, done):
                resolved.marks[old.id] = Mark.SUSPECTED  # the next pull goes on
                continue
            try:
                self.apply_schedule.hand_over(settings, old, new)
            except WriteConflict:
                resolved.marks[old.id] = Mark.SUSPECTED  # somebody changed either meanwhile: the next pull looks again
                continue
            done.written += 1
            done.events.append(
                VisitMoved(old.practice, old.id, old.request_id, old.provider_id, old.start, new.provider_id, new.start)
            )
        unanswered: list[Appointment] = []
        done.stopped = bool(work) and self._is_late(pull, done)
        for applied in () if done.stopped else self.apply_schedule(settings, work):
            done.written += applied.written
            done.events += applied.events
            done.ids |= {one.id for one in applied.work}
            # Also what an earlier, cut pull had written: it may not have come to matching.
            candidates = [a for a in applied.appointments if could_confirm(a)]
            done.confirmed += self.confirm_matches.for_appointments(practice, candidates)
            unanswered += candidates
            if applied.written and self._is_late(pull, done):
                done.stopped = len(done.ids) < len({one.id for one in work})
                break
        self.suggest_matches(practice, unanswered)
        return pull, done

    def _is_late(self, pull: Pull, done: _Done) -> bool:
        """Whether no time is left. Only after something new, so that every pull that is stopped leaves less to do."""
        return bool(done.written and pull.deadline and self.clock.now() >= pull.deadline)

    def _held(self, state: FeedState, stored: Mapping[str, DigestWeek], found: Comparison) -> Held | None:
        return braked(state.settings, stored, found, self.resolve_absence.providers_of, self.clock.now())

    def _hold(self, pull: Pull, found: Held, seen: int, short: bool | None = None) -> SyncReport:
        """Change nothing, and let staff say what it means. The schedule goes on ageing. Where others are missing than those that
        staff were asked about, they are asked anew, and what they said holds no more.
        """
        state = pull.state
        same = state.held is not None and state.held.covers(found.visits)
        since = state.held.since if state.held and same else found.since
        now_held = replace(found, since=since)
        well = replace(_well(state), failing_since=state.failing_since)
        after = replace(well, held=now_held, answer=state.answer if same else None)
        turned = self._turned(state, self.judge_feed(pull.told_short(after, short), HELD))
        finished = PullFinished(state.settings.practice, state.settings.feed_id, Outcome.HELD, seen)
        return SyncReport(Outcome.HELD, seen, missing=found.vanished, events=(*turned, finished))

    def _stopped(self, pull: Pull, done: _Done, seen: int, set_aside: int, short: bool | None = None) -> SyncReport:
        """Its time was up before all was applied; the next pull goes on, and need not wait for this one to be over."""
        state = pull.state
        left = replace(state, applying_since=pull.is_over, moved_at=pull.moved_at)
        done.events += self._turned(state, self.judge_feed(pull.told_short(left, short), OutOfTime.word))
        return self._report(Outcome.STOPPED, pull, done, seen, 0, set_aside)

    def _missed(self, state: FeedState, word: str = OutOfTime.word) -> tuple[Event, ...]:
        """A turn in which the source was not asked, for a reason that `word` tells, brought no good pull."""
        return self._turned(state, self.judge_feed(state, word))

    def _turned(self, before: FeedState, after: FeedState) -> tuple[Event, ...]:
        """Store what a turn left that brought no good pull; what is learnt if its feed turned by that. Where somebody wrote
        meanwhile, theirs stands, and the next turn judges.
        """
        if after == before or not self._save(before, after) or bool(after.broken_since) == bool(before.broken_since):
            return ()
        return (FeedTurned(after.settings.practice, after.settings.source_id),)

    def _followed(self, report: SyncReport) -> SyncReport:
        return replace(report, events=(*report.events, *self.follow_pull(report.events)))

    def _report(self, outcome: Outcome, pull: Pull, done: _Done, seen: int, missing: int, set_aside: int) -> SyncReport:
        settings = pull.state.settings
        finished = PullFinished(
            settings.practice, settings.feed_id, outcome, seen, done.written, done.confirmed, set_aside, done.awaited_by
        )
        events = (*done.events, finished)
        return SyncReport(outcome, seen, done.written, missing, set_aside, done.confirmed, events=events)

    def _failed(self, state: FeedState, fault: SourceError) -> SyncReport:
        failures = state.failures + 1
        interval = timedelta(minutes=state.settings.interval_minutes)
        ceiling = min(interval * 2 ** min(failures - 1, 10), LONGEST_BACK_OFF)
        # The first failure is tried again at the next turn; later ones wait longer and spread out.
        wait = ceiling * self.spread(0.5, 1.0) if failures > 1 else timedelta()
        not_before, asked_until = self.clock.now() + wait, None
        if isinstance(fault, RateLimited) and fault.until:
            not_before, asked_until = max(not_before, fault.until), fault.asked_until
        if asked_until:
            self._hold_lane(state.settings, asked_until)
        after = replace(
            state, failures=failures, last_failure=fault.word, not_before=not_before, asked_until=asked_until
        )
        turned = self._turned(state, self.judge_feed(after, fault.word, at_once=isinstance(fault, AuthRevoked)))
        finished = PullFinished(state.settings.practice, state.settings.feed_id, Outcome.FAILED)
        return SyncReport(Outcome.FAILED, failure=fault.word, events=(finished, *turned))

    def _hold_lane(self, settings: FeedSettings, until: datetime) -> None:
        """What a source asks of one feed for a while, it asks of all of its account's: also where another worker pulls them. Why
        each of them cannot be read else, stays.
        """
        if until - self.clock.now() < ASKED_OF_ALL:
            return
        for one in self.feeds.of_practice(settings.practice):
            known = one.asked_until and one.asked_until >= until
            if one.settings.lane == settings.lane and one.settings.feed_id != settings.feed_id and not known:
                not_before = max(until, one.not_before or until)
                self._save(one, replace(one, not_before=not_before, asked_until=until))

    def _good(self, pull: Pull, after: FeedState, done: _Done, complete: bool = True) -> None:
        """Store what a good pull leaves, if anything is new or waits for it; whoever was broken is well again, once. One that is
        not `complete` brought its rows, and is no good one.
        """
        state = pull.state
        over = state.awaited is not None and pull.began > state.awaited
        after = replace(
            _well(after),
            last_change_at=self.clock.now() if done.written else state.last_change_at,
            changes=counted(state.changes, self.clock.now(), done.written) if done.written else state.changes,
            applying_since=pull.still_doubted,
            moved_at=pull.moved_at,
        )
        if complete:
            after = replace(
                after,
                last_good_at=pull.began,
                looked_back_at=pull.began if pull.back else state.looked_back_at,
                held=None,
                answer=None,
                broken_since=None,
                unheard=state.unheard or state.broken_since is not None,
                awaited=None if over else state.awaited,
                awaited_by=() if over else state.awaited_by,
            )
        else:
            after = self.judge_feed(replace(after, failing_since=state.failing_since), INCOMPLETE)
        nothing_but_stamps = replace(
            after,
            seen=state.seen,
            seen_back=state.seen_back,
            last_good_at=state.last_good_at,
            cursor=state.cursor,
            delta=after.delta or state.delta,  # what overlaps is compared once
        )
        if nothing_but_stamps == state and not done.recorded and not self._is_due(pull):
            return
        if not self._save(state, after):
            if done.written or done.recorded:
                settle(partial(self._forget, state.settings), self.clock)
            return
        done.awaited_by = state.awaited_by if after.awaited is None else ()
        if bool(after.broken_since) != bool(state.broken_since):
            done.events.append(FeedTurned(after.settings.practice, after.settings.source_id))
        if after.cursor:
            with suppress(SourceError):  # then it comes again
                pull.source.acknowledge(after.cursor)

    def _is_due(self, pull: Pull) -> bool:
        """Whether a good pull that found nothing new is written down: a new day, somebody waits, or the source's heartbeat."""
        state = pull.state
        if pull.asked or pull.seen.day is None or state.last_good_at is None:
            return True
        return state.settings.beats and pull.began - state.last_good_at >= HEARTBEAT

    def _save(self, before: FeedState, after: FeedState) -> bool:
        """Whether it was stored: another pull of this feed, or an operator, may have written meanwhile. Theirs stands then."""
        try:
            self.feeds.save(before, after)
        except WriteConflict:
            return False
        return True

    def _forget(self, settings: FeedSettings) -> None:
        """Another pull ran beside this one, which may have applied what is older than what that one saw: compare all again. Or
        the feed was moved to another system, and what this one applied is of the old one.
        """
        state, now = self.feeds.get(settings.practice, settings.feed_id), self.clock.now()
        if state is not None:
            forgotten = replace(
                state,
                applying_since=state.applying_since or now - LONGEST_PULL,
                moved_at=now if reads_elsewhere(settings, state.settings) else state.moved_at,
            ).unfinished()
            if forgotten != state:
                self.feeds.save(state, forgotten)


def _well(state: FeedState) -> FeedState:
    """A state without its failures."""
    return replace(state, failures=0, last_failure="", failing_since=None, not_before=None, asked_until=None)


def _outcome(done: _Done) -> Outcome:
    return Outcome.CHANGED if done.written else Outcome.UNCHANGED
