"""What the clock brings: the sweep of unsent messages, reminders, the patient's "NOT confirmed", digests, and expiry.

Late or doubled runs change nothing. Nothing is scanned: two queries of an index that holds only what mail is due of, and what has
its time.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from ..domain import linking, messages, requests
from ..domain.appointments import Appointment
from ..domain.clock_time import day_of, zone_of
from ..domain.errors import NotFound
from ..domain.matching import RESCHEDULED_WITHIN
from ..domain.notices import digest, notice_named
from ..domain.practices import Practice
from ..domain.requests import LOOKED_AGAIN, SWEPT_AFTER, Request, sought
from ..domain.searching import looks_like
from ..domain.waiting import in_digest, is_working, reminded
from ..ports import (
    Clock,
    Listed,
    ListedKind,
    MessageQueue,
    MessageRepository,
    NoticeRepository,
    PracticeRepository,
    RequestRepository,
    VisitRepository,
)
from .await_pull import AwaitPull
from .cancel_request import CancelRequest
from .confirm_matches import ConfirmMatches
from .explain_request import ExplainRequest, Suggestion
from .resolve_moves import ResolveMoves
from .settling import settle

_MOMENT = timedelta(microseconds=1)
_SLOWLY_AFTER = timedelta(minutes=15)
_SLOWLY_EVERY = 10


class TimersRun(Struct, frozen=True):
    """What one run did: what it put on the queue again, requests that expired or of which it reminded somebody, what broke."""

    swept: int
    expired: int
    reminded: int = 0
    broke: tuple[Exception, ...] = ()


class RunTimers(Struct, frozen=True):
    """Called each minute."""

    practices: PracticeRepository
    requests: RequestRepository
    visits: VisitRepository
    messages: MessageRepository
    notices: NoticeRepository
    queue: MessageQueue
    cancel: CancelRequest
    confirm_matches: ConfirmMatches
    resolve_moves: ResolveMoves
    await_pull: AwaitPull
    explain: ExplainRequest
    clock: Clock

    def __call__(self) -> TimersRun:
        """Put on the queue again what is unsent for two minutes, and look at what has its time."""
        now = self.clock.now()
        unsent = self.requests.unsent(now - SWEPT_AFTER + _MOMENT)
        again = self._again(unsent, now)
        # The minute keeps the queue from taking this sweep for the last one.
        self.queue.send([(practice, subject, f"sweep-{now:%H%M}") for practice, subject in again])
        did: list[str] = []
        broke: list[Exception] = []
        for practice, subject in [*unsent, *self.requests.to_look_at(now + _MOMENT)]:
            try:
                did.append(self._look(practice, subject))
            except Exception as error:  # one request's bug must not hold up the others
                broke.append(error)
        return TimersRun(len(again), did.count("expired"), did.count("reminded"), tuple(broke))

    def _again(self, unsent: list[tuple[str, str]], now: datetime) -> list[tuple[str, str]]:
        """What is tried again: for a quarter of an hour each minute, then every ten. Nothing is ever given up."""
        if not unsent or now.minute % _SLOWLY_EVERY == 0:
            return unsent
        old = set(self.requests.unsent(now - _SLOWLY_AFTER))
        return [one for one in unsent if one not in old]

    def _look(self, slug: str, subject: str) -> str:
        """What was done about a request that waits; "" for nothing."""
        if notice_named(subject) is not None:
            return ""
        with suppress(NotFound):
            self.resolve_moves(slug, subject)
            return settle(partial(self._look_at_request, self.practices.get(slug), subject), self.clock)
        return ""

    def _look_at_request(self, practice: Practice, request_id: str) -> str:
        request, now = self.requests.get(practice.slug, request_id), self.clock.now()
        if request.looked_at and request.looked_at <= now and request.may_be_anew and not request.awaited:
            self._look_anew(practice, request, now)
        if not request.pending or (request.look_at and request.look_at > now):
            return ""
        if request.look_at == request.created_at:
            self._suggest(practice, request)
        if request.expires_at <= now:
            return "expired" if self._expire(practice, request, now) else ""
        if practice.switches.unanswered and is_working(practice, now) and in_digest(practice, [request], now):
            self.notices.add(digest(practice.slug, day_of(now, zone_of(practice.zone)), now))
        after = reminded(practice, request, now)
        # Where somebody wrote meanwhile, the next run looks again.
        stood = self.messages.settle(request, after)
        return "reminded" if stood is not None and len(after.due) > len(request.due) else ""

    def _suggest(self, practice: Practice, request: Request) -> None:
        """Remember which visits that were there before may be the answer: pulls weigh only what is new (suggest_matches)."""
        self._hint(practice, request, [one.visit for one in self._weighed(practice, request, ())])

    def _weighed(self, practice: Practice, request: Request, hints: Iterable[tuple[str, str]]) -> Sequence[Suggestion]:
        """What may be the answer, of those that hints name and those that the indexes do."""
        alike = ((one.provider_id, one.id) for one in self._alike(sought(request)))
        return self.explain(practice, request, list(dict.fromkeys((*hints, *alike)))).suggestions

    def _alike(self, request: Request) -> Iterable[Listed]:
        """Visits near the time looked for that have the patient's name or a contact: the birth date may have been mistyped."""
        for look in looks_like(request.patient):
            for one in self.visits.found(request.practice, look)[0]:
                is_near = one.start is not None and abs(one.start - request.listed_at) <= RESCHEDULED_WITHIN
                if one.kind is ListedKind.APPOINTMENT and is_near:
                    yield one

    def _look_anew(self, practice: Practice, request: Request, now: datetime) -> None:
        """Ask staff whether one of the visits to come is the one that was cancelled, or no longer, if none may be."""
        hints = self.requests.hints(practice.slug, request.id)
        found = [one.visit for one in self._weighed(practice, request, hints) if one.visit.start > now]
        self._hint(practice, request, found)
        self.messages.settle(request, linking.perhaps_anew(request, bool(found), now))

    def _hint(self, practice: Practice, request: Request, visits: Iterable[Appointment]) -> None:
        self.requests.hint(practice.slug, request.id, [(visit.provider_id, visit.id) for visit in visits])

    def _expire(self, practice: Practice, request: Request, now: datetime) -> bool:
        # Where nothing reads the provider (any more), there is no pull to wait for.
        is_read = practice.feed_reading(request.provider_id) is not None
        if is_read and not self.await_pull(practice, request.provider_id, request.expires_at):
            return False
        # Whoever stored it may have been cut before it looked for the visit that answers it.
        if not self.confirm_matches.for_request(practice, request).pending:
            return False
        if self.explain(practice, request).suggestions:
            # Staff are asked first: it stays in Action required with what may be its answer.
            self.messages.settle(request, replace(request, look_at=now + LOOKED_AGAIN))
            return False
        due = messages.on_expire(practice.switches)
        self.cancel.commit(practice, requests.expired(request, self.clock.now(), due))
        return True
