"""What the clock brings: the sweep of unsent messages, and requests that expire. Late or doubled runs change nothing."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from ..domain import requests
from ..domain.errors import RequestNotFound
from ..domain.practices import Practice
from ..domain.requests import SWEPT_AFTER
from ..ports import Clock, MessageQueue, PracticeRepository, RequestRepository
from .await_pull import AwaitPull
from .cancel_request import CancelRequest
from .confirm_matches import ConfirmMatches
from .explain_request import ExplainRequest
from .resolve_moves import ResolveMoves
from .settling import settle


@dataclass(frozen=True, slots=True)
class TimersRun:
    """What one run did."""

    swept: int
    expired: int


@dataclass(frozen=True, slots=True)
class RunTimers:
    """Called each minute."""

    practices: PracticeRepository
    requests: RequestRepository
    queue: MessageQueue
    cancel: CancelRequest
    confirm_matches: ConfirmMatches
    resolve_moves: ResolveMoves
    await_pull: AwaitPull
    explain: ExplainRequest
    clock: Clock

    def __call__(self) -> TimersRun:
        """Enqueue again what is unsent for two minutes; expire what a good pull after its start (or its last preferred day) did
        not answer.
        """
        now = self.clock.now()
        unsent = self.requests.unsent(now - SWEPT_AFTER + timedelta(microseconds=1))
        for practice, request_id in unsent:
            with suppress(RequestNotFound):
                self.resolve_moves(practice, request_id)
        # The minute keeps the queue from taking this sweep for the last one.
        self.queue.send([(practice, request_id, f"sweep-{now:%H%M}") for practice, request_id in unsent])
        expired = sum(self._expire(slug, now) for slug in self.practices.slugs())
        return TimersRun(len(unsent), expired)

    def _expire(self, slug: str, now: datetime) -> int:
        practice = self.practices.get(slug)
        past = [r for r in self.requests.to_act(slug, before=now) if r.pending]
        return sum(settle(partial(self._expire_one, practice, r.id), self.clock) for r in past)

    def _expire_one(self, practice: Practice, request_id: str) -> bool:
        request = self.requests.get(practice.slug, request_id)
        if not request.pending or request.expires_at >= self.clock.now():
            return False
        if not self.await_pull(practice, request.provider_id, request.expires_at):
            return False
        # Whoever stored it may have been cut before it looked for the visit that answers it.
        if not self.confirm_matches.for_request(practice, request).pending:
            return False
        if self.explain(practice, request).suggestions:
            return False  # staff are asked first: it stays in Action required with what may be its answer
        self.cancel.commit(practice, requests.expired(request, self.clock.now()))
        return True
