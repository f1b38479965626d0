"""What a turn leaves behind that brought no good pull, however it ended (product section 5).

Failed, waiting, held, stopped, left off, never begun: what counts is the age of the last good pull, so whoever ends a turn
without one asks here. A feed that turned says so in its state (`unheard`), until its source was judged (tell_health).
"""

from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from ..domain.clock_time import zone_of
from ..domain.feeds import HEARTBEAT, LOOK_BACK_EVERY, FeedState
from ..domain.health import open_minutes, patience_minutes
from ..ports import Clock, PracticeRepository


class JudgeFeed(Struct, frozen=True):
    """Reads the practice, of a feed that was not read for longer than its patience."""

    practices: PracticeRepository
    clock: Clock

    def __call__(self, state: FeedState, word: str, *, at_once: bool = False) -> FeedState:
        """The state after such a turn, now; `word` says how it ended (of `faults`, or of domain/health.py). `at_once`: there is
        nothing to be waited for.
        """
        now = self.clock.now()
        after = replace(state, failing_since=state.failing_since or now)
        if state.broken_since is None and (at_once or self._is_overdue(after, now)):
            after = replace(after, broken_since=now, unheard=True)
        return replace(after, last_failure=after.last_failure or word) if after.broken_since else after

    def _is_overdue(self, state: FeedState, now: datetime) -> bool:
        """Whether there was no good pull for too long, of open hours."""
        patience = patience_minutes(state.settings.interval_minutes)
        well = _last_well(state, state.failing_since or now)
        if now - well < timedelta(minutes=patience):
            return False
        practice = self.practices.get(state.settings.practice)
        providers = [practice.availability_of(practice.provider(ours)) for _, ours, _ in state.settings.providers]
        return open_minutes(providers, zone_of(state.settings.zone), well, now, patience) >= patience


def _last_well(state: FeedState, failing_since: datetime) -> datetime:
    """Good pulls are written down coarsely. The last one was made an interval before the first turn without one, if pulls were
    made at all: one after the next heartbeat would have been written down. Of a feed that was never read: since its first try.
    """
    if state.last_good_at is None:
        return failing_since
    interval = timedelta(minutes=state.settings.interval_minutes)
    unwritten = HEARTBEAT if state.settings.beats else LOOK_BACK_EVERY
    return max(state.last_good_at, min(failing_since - interval, state.last_good_at + unwritten))
