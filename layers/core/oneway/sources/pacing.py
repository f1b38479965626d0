"""How fast one account of a scheduling system may be asked.

The pulls of a lane (an account) follow one another, by the queue's message groups: a worker has a lane's messages only once the
one before it is done with its own. So a budget needs no store: each process paces what it asks, leaves a lane only once its next
request would be due, and whoever comes next may ask at once (ADR 0015b). One that was told to wait makes none of the lane's
other feeds ask.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from ..faults import OutOfTime, RateLimited
from ..ports import Clock

USUAL_REST = timedelta(seconds=60)
"""After a refusal that does not say how long."""


class Pace:
    """The pace of one account, for one thread at a time."""

    def __init__(self, requests_per_minute: float, clock: Clock) -> None:
        self._gap = timedelta(minutes=1) / requests_per_minute if requests_per_minute else timedelta()
        self._clock = clock
        self._next: datetime | None = None
        self._refused = self._asked = False
        """Whether it is because the source refused us that it is not asked until then, and whether it said until when."""

    def rest(self, until: datetime) -> None:
        """Wait until the next request may be made, whoever makes it, but not beyond `until`. What the source asked for besides is
        not waited for: it stands in the feeds' states.
        """
        now = self._clock.now()
        left = min(self._next - now if self._next else timedelta(), self._gap, until - now)
        if left > timedelta():
            self._clock.pause(left.total_seconds())

    @contextmanager
    def request(self, most: timedelta) -> Iterator[None]:
        """Wait for one's turn, for at most `most`, and make one request. What is longer away waits for the next pull: raises
        RateLimited where the source refused us, OutOfTime where it is our own pace.
        """
        now = self._clock.now()
        if self._next and self._next > now:
            if self._next - now > most:
                raise RateLimited(self._next, asked=self._asked) if self._refused else OutOfTime("the account's budget")
            self._clock.pause((self._next - now).total_seconds())
            now = self._clock.now()
        self._next, self._refused = now + self._gap, False
        try:
            yield
        except RateLimited as refusal:
            until = refusal.until or self._clock.now() + USUAL_REST
            if until > self._next:
                self._next, self._refused, self._asked = until, True, refusal.asked_until is not None
            raise
