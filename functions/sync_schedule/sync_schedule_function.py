"""Sync queue → pull, compare, write, match. A source's faults are outcomes, and so is a table that does not answer; what fails
here is a bug and comes again.

The feeds of a batch are pulled side by side, those of one lane (an account of a source) one after the other: a worker that waits
is paid for, so that many wait together (ADR 0015b).
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from oneway import bootstrap
from oneway.batch_report import BROKE, STALE, UNANSWERED, Pull, tell
from oneway.domain.clock_time import instant_of, minute_of
from oneway.domain.errors import StoreRefused, StoreUnavailable
from oneway.domain.feeds import FeedRef
from oneway.logs import fault, log
from oneway.queues import QueueUnavailable
from oneway.use_cases.sync_feed import Outcome

STALE_MINUTES = 10
"""A pull that waited longer than this is dropped, for a newer one of the same feed stands behind it; but not if somebody waits
for it, nor if it broke before: then it was hidden for longer than this, and has to come to the dead letters if it breaks again.
What somebody waits for is tried for so long, where it never has the time that it needs.
"""
OUTAGE_MINUTES = 24 * 60
"""What somebody asked for is pulled after an outage, however long; after a day nobody waits for it any more."""
RESERVED = timedelta(seconds=15)
"""Of the function's time, for a pull to come to a clean stop."""
LAST = timedelta(seconds=5)
"""Of the function's time, to say what it did. A lane is left before, though its budget's gap may be longer than what was left."""
UNANSWERED_PAUSE = 5.0
"""Seconds before a pull is put back that the table did not answer: it would come again at once, and burden it more."""
MOST_SIDE_BY_SIDE = 16
"""Lanes at a time: more would wait for the processor, and hold their answers in memory meanwhile."""

sync_feed = bootstrap.sync_schedule()
sync_queue = bootstrap.sync_queue()


class Due(Struct, frozen=True):
    """A pull of a message (its id and group): `asked` if somebody waits for it, `again` if the message was delivered before,
    `alone` if it broke. What is alone or asked for is never dropped; it is put on the queue again where there is no time for it:
    `left_off` is since which minute all its tries were left off.
    """

    ref: FeedRef
    message: str
    group: str
    minute: int
    asked: bool
    again: bool
    alone: bool
    left_off: int | None = None

    @property
    def turn(self) -> tuple[bool, bool]:
        """What is sooner: first those that somebody waits for, then those that broke, which are so few that none is left off."""
        return not self.asked, not self.alone

    @property
    def word(self) -> str:
        """Tells this pull of this message: what is put on the queue by it twice is there once, and by another one is another."""
        return f"{self.message}.{self.ref.practice}.{self.ref.feed_id}"

    def put_alone(self) -> None:
        """Have it tried where it keeps nobody waiting. Raises QueueUnavailable."""
        sync_queue.alone(self.ref, self.minute, self.word, asked=self.asked, left_off=self.left_off)

    def put_back(self) -> None:
        """Have it pulled later, if anything is lost without it. Raises QueueUnavailable."""
        if self.alone:
            self.put_alone()
        elif self.asked:
            sync_queue.put_back(self.ref, self.minute, self.word, self.group, left_off=self.left_off)


def handler(event: dict[str, Any], context: Any) -> dict[str, list[dict[str, str]]]:
    """Pull each feed of a batch; reports the messages to deliver again."""
    began = time.monotonic()
    deadline = sync_feed.clock.now() + timedelta(milliseconds=context.get_remaining_time_in_millis()) - RESERVED
    read, unread = _read(event["Records"])
    lanes: dict[str, list[Due]] = {}
    # Lanes that somebody waits for do not wait for others either, where there are more than are pulled at a time.
    for due in sorted(read, key=lambda one: one.turn):
        lanes.setdefault(due.ref.lane, []).append(due)
    with ThreadPoolExecutor(max(1, min(len(lanes), MOST_SIDE_BY_SIDE))) as side_by_side:
        done = list(side_by_side.map(lambda lane: _pull_lane(lane[0], lane[1], deadline), lanes.items()))
    again = sorted({*unread, *(message for _, messages in done for message in messages)})
    pulls = [Pull(BROKE) for _ in unread] + [pull for pulls, _ in done for pull in pulls]
    tell(pulls, len(again), time.monotonic() - began)
    return {"batchItemFailures": [{"itemIdentifier": message} for message in again]}


def _read(records: Sequence[Mapping[str, Any]]) -> tuple[list[Due], list[str]]:
    """The pulls to make, and the messages that come again: those that cannot be read, which only a bug sends.

    A bundle that comes again was a worker's that was stopped. Nobody knows by which of its pulls, so each is tried alone:
    otherwise all bundles of that batch would be dead letters with it.
    """
    read, unread = list[Due](), list[str]()
    for record in records:
        try:
            found = _pulls(record)
        except Exception as error:  # one message's bug must not hold up the others of the batch
            log("message unreadable", error=fault(error))
            unread.append(record["messageId"])
            continue
        apart = len(found) > 1 and found[0].again
        read += [due for due in found if not (apart and _taken(due.put_alone))]
    return read, unread


def _pulls(record: Mapping[str, Any]) -> list[Due]:
    """The pulls of a message. Raises where it is none of ours."""
    body = json.loads(record["body"])
    again = int(record["attributes"].get("ApproximateReceiveCount", "1")) > 1
    asked, alone = bool(body.get("asked")), bool(body.get("alone"))
    message, group = record["messageId"], record["attributes"].get("MessageGroupId", "")
    minute, left_off = int(body["minute"]), int(body["left_off"]) if "left_off" in body else None
    return [Due(FeedRef(*ref), message, group, minute, asked, again, alone, left_off) for ref in body["pulls"]]


def _pull_lane(lane: str, pulls: Sequence[Due], deadline: datetime) -> tuple[list[Pull], list[str]]:
    """Pull the feeds of a lane, in their turn; how each ended, and the messages that come again.

    Where another pull as long as the longest would outlast the function, the rest is left to its next turn: a function that is
    stopped keeps every lane of its batch waiting until the messages show again (ADR 0013).
    """
    longest, done, again = timedelta(), list[Pull](), list[str]()
    for due in pulls:
        began = sync_feed.clock.now()
        begins = began + longest <= deadline
        done.append(_pull(due, deadline) if begins else _missed(due, Outcome.LEFT_OFF, deadline))
        ended = done[-1].end
        if ended in (Outcome.LEFT_OFF, UNANSWERED):
            due = _tried(due, ended) if begins else due
            given_up = begins and _is_given_up(due) and _is_told(due, ended, deadline)
            if not given_up and not _taken(partial(_put_back, due, ended, deadline)):
                again.append(due.message)
        # What comes again is hidden for twelve minutes, and its bundle with it: it is put where it keeps nobody waiting.
        elif ended == BROKE and (due.alone or not _taken(due.put_alone)):
            again.append(due.message)
        if ended != Outcome.LEFT_OFF:
            longest = max(longest, sync_feed.clock.now() - began)
    sync_feed.leave(lane, deadline + RESERVED - LAST)
    return done, again


def _put_back(due: Due, ended: str, deadline: datetime) -> None:
    if ended == UNANSWERED and (due.asked or due.alone) and sync_feed.clock.now() < deadline:
        sync_feed.clock.pause(UNANSWERED_PAUSE)
    due.put_back()


def _taken(put: Callable[[], None]) -> bool:
    try:
        put()
    except QueueUnavailable as error:
        log("a pull was not taken", error=str(error))
        return False
    return True


def _missed(due: Due, end: str, deadline: datetime) -> Pull:
    """A turn that comes to nothing. Its feed is judged by its age all the same, as long as the function has time for that: less
    where the table does not answer, which takes longest.
    """
    if sync_feed.clock.now() >= (deadline if end == UNANSWERED else deadline + RESERVED - LAST):
        return Pull(end)
    try:
        return Pull(end, sync_feed.missed(due.ref.practice, due.ref.feed_id))
    except Exception as error:  # its next turn judges
        log("a turn that was missed was not judged", error=fault(error))
        return Pull(end)


def _tried(due: Due, ended: str) -> Due:
    """A pull that came to nothing, with since when there was no time for it. What an outage took does not count."""
    if ended == UNANSWERED:
        return replace(due, left_off=None)
    return due if due.left_off is not None else replace(due, left_off=minute_of(sync_feed.clock.now()))


def _is_given_up(due: Due) -> bool:
    """Whether a pull that came to nothing comes no more: one that never has the time it needs, or never an answer, does not come
    again and again. An outage ends, though, and swallows no *Sync now*: that is tried as long after it as at any time.
    """
    if not due.asked:
        return _is_old(due)
    tried = minute_of(sync_feed.clock.now()) - due.left_off if due.left_off is not None else 0
    return tried > STALE_MINUTES or _is_old(due, OUTAGE_MINUTES)


def _is_told(due: Due, ended: str, deadline: datetime) -> bool:
    """Whether somebody who waits for a pull that is given up is told so, as far as they may still look."""
    if not due.asked or ended == UNANSWERED:
        return True
    if sync_feed.clock.now() >= deadline + RESERVED - LAST:
        return False
    try:
        sync_feed.give_up(due.ref.practice, due.ref.feed_id, due.minute)
    except Exception as error:  # it comes once more, and is given up then
        log("a pull was given up, and nobody told", error=fault(error))
        return False
    return True


def _is_old(due: Due, minutes: int = STALE_MINUTES) -> bool:
    return minute_of(sync_feed.clock.now()) - due.minute > minutes


def _pull(due: Due, deadline: datetime) -> Pull:
    if _is_old(due) and not (due.asked or due.again or due.alone):
        return _missed(due, STALE, deadline)
    began = time.monotonic()
    try:
        report = sync_feed(due.ref.practice, due.ref.feed_id, now_asked=due.asked, deadline=deadline)
    except Exception as error:  # one feed's bug must not hold up the others of the batch
        if isinstance(error, StoreUnavailable) and not isinstance(error, StoreRefused):
            log("the table did not answer", error=fault(error))
            return _missed(due, UNANSWERED, deadline)
        log("pull broke", error=fault(error))
        return _missed(due, BROKE, deadline)
    lag = sync_feed.clock.now() - instant_of(due.minute)
    return Pull(report.outcome, report, time.monotonic() - began, max(0.0, lag.total_seconds()))
