"""A FIFO queue as SQS documents it: order within a group, one batch of a group in flight, repeats told by their ids."""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct, field


class Message(NamedTuple):
    """Pulls: feeds and group by number, the minute that they are due in, when it came in, how often it was handed out."""

    feeds: tuple[int, ...]
    group: int
    minute: int
    sent: float
    receives: int = 0


class FifoQueue(Struct):
    """Hands out as many messages of one group as fit, then of the next that has none in flight."""

    most_receives: int = 3
    dead: list[Message] = field(default_factory=list)
    repeats: int = 0
    waiting: int = 0
    """Pulls that nobody has received."""
    _groups: dict[int, deque[Message]] = field(default_factory=dict)
    _ready: deque[int] = field(default_factory=deque)
    _in_flight: set[int] = field(default_factory=set)
    _seen: dict[int, set[tuple[int, ...]]] = field(default_factory=dict)

    def put(self, messages: Iterable[Message]) -> None:
        """Take messages; what was taken within five minutes is told by feeds and minute, and is not taken again."""
        for message in messages:
            seen = self._seen.get(message.minute)
            if seen is None:
                self._seen = {minute: ids for minute, ids in self._seen.items() if minute > message.minute - 5}
                seen = self._seen[message.minute] = set()
            if message.feeds in seen:
                self.repeats += 1
                continue
            seen.add(message.feeds)
            self.waiting += len(message.feeds)
            waiting = self._groups.get(message.group)
            if waiting is None:
                self._groups[message.group] = deque((message,))
                if message.group not in self._in_flight:
                    self._ready.append(message.group)
            else:
                waiting.append(message)

    def receive(self, most: int) -> list[Message]:
        """Up to so many messages; their groups wait until they are deleted or given back."""
        batch: list[Message] = []
        while self._ready and len(batch) < most:
            group = self._ready.popleft()
            waiting = self._groups[group]
            self._in_flight.add(group)
            while waiting and len(batch) < most:
                batch.append(waiting.popleft())
            if not waiting:
                del self._groups[group]
        self.waiting -= sum(len(message.feeds) for message in batch)
        return batch

    def delete(self, batch: Iterable[Message]) -> None:
        """A batch is done: its groups go on."""
        for group in {message.group for message in batch}:
            self._in_flight.discard(group)
            if group in self._groups:
                self._ready.append(group)

    def give_back(self, batch: Iterable[Message]) -> None:
        """A batch shows again, in front of what came after it; what was handed out too often is dead."""
        batch = [message._replace(receives=message.receives + 1) for message in batch]
        self.dead += [message for message in batch if message.receives >= self.most_receives]
        for message in reversed(batch):
            if message.receives < self.most_receives:
                self._groups.setdefault(message.group, deque()).appendleft(message)
                self.waiting += len(message.feeds)
        self.delete(batch)

    @property
    def has_ready(self) -> bool:
        """Whether a receiver would get something."""
        return bool(self._ready)
