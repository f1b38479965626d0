"""The two queues: pulls that are due, and requests with messages to send."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from .domain.feeds import FeedRef, bundled

if TYPE_CHECKING:
    from botocore.client import BaseClient

_Message = tuple[str, str, str]
"""Body, message group, deduplication id."""

WHY_ASIDE = "why"
"""A message attribute of what was kept aside, for who looks at it later."""
EVENT_UNKNOWN, MESSAGE_UNKNOWN = "event_unknown", "message_unknown"
_BATCH = 10
_MOST_BYTES = 256_000
"""Of a batch's bodies together, a little below SQS's 256 KB (262,144): the longest names fill it with seven full bundles."""
_SIDE_BY_SIDE = 8
"""Calls at a time: 20,000 pulls of a minute are 2,000 calls, which one after the other outlast the function (ADR 0013)."""


@lru_cache(maxsize=1)
def _client() -> "BaseClient":
    from botocore.config import Config

    from .quick_session import session_of

    config = Config(
        connect_timeout=1,
        read_timeout=5,
        retries={"mode": "standard", "max_attempts": 4},
        max_pool_connections=_SIDE_BY_SIDE,
    )
    return session_of("sqs").create_client("sqs", config=config)


class QueueUnavailable(Exception):
    """Some messages were not taken; the caller is called again."""


class SqsSyncQueue:
    """Implements ports.SyncQueue. A bundle is a message group, so that its lanes' pulls keep their order and are one worker's at
    a time; bundle and minute tell a repeat.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, refs: Sequence[FeedRef], minute: int, bundles: int) -> None:
        """Enqueue pulls that are due in an epoch minute. Raises QueueUnavailable."""
        parts = bundled(refs, bundles)
        _send(
            self._url,
            [(_pulls(refs, minute), str(number), f"{number}.{minute}.{part}") for number, part, refs in parts],
            _SIDE_BY_SIDE,
        )

    def ask(self, refs: Sequence[FeedRef], minute: int, word: str, bundles: int) -> None:
        """Enqueue pulls that somebody waits for. Raises QueueUnavailable."""
        parts = bundled(refs, bundles)
        _send(
            self._url,
            [
                (_pulls(refs, minute) | {"asked": True}, str(number), f"{number}.{word}.{part}")
                for number, part, refs in parts
            ],
        )

    def put_back(self, ref: FeedRef, minute: int, word: str, group: str, *, left_off: int | None = None) -> None:
        """Enqueue a pull that somebody waits for once more, behind what waits in its group. Raises QueueUnavailable."""
        _send(self._url, [(_pulls([ref], minute, left_off) | {"asked": True}, group, word)])

    def alone(self, ref: FeedRef, minute: int, word: str, *, asked: bool, left_off: int | None = None) -> None:
        """Enqueue one pull that broke, as a group of its own. Raises QueueUnavailable."""
        body = _pulls([ref], minute, left_off) | {"alone": True} | ({"asked": True} if asked else {})
        _send(self._url, [(body, f"{ref.practice}.{ref.feed_id}", word)])


def _pulls(refs: Sequence[FeedRef], minute: int, left_off: int | None = None) -> dict[str, object]:
    pulls = [[ref.practice, ref.feed_id, ref.lane] for ref in refs]
    return {"minute": minute, "pulls": pulls} | ({"left_off": left_off} if left_off is not None else {})


class SqsMessageQueue:
    """Implements ports.MessageQueue. Messages of one request keep their order; practices, whose notices are named alike, wait for
    none of each other's.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, requests: Sequence[tuple[str, str, str]]) -> None:
        """Enqueue (practice, request id, deduplication word). Raises QueueUnavailable."""
        messages = []
        for practice, request_id, word in requests:
            group = f"{sha256(practice.encode()).hexdigest()[:8]}.{request_id}"
            messages.append(({"practice": practice, "request": request_id}, group, f"{group}.{word}"))
        _send(self._url, messages)


class SqsMailAside:
    """Implements ports.MailAside."""

    def __init__(self, url: str) -> None:
        self._url = url

    def keep(self, event: str, why: str) -> None:
        """Keep an event as it came, with why nothing came of it. Raises QueueUnavailable."""
        told = {WHY_ASIDE: {"DataType": "String", "StringValue": why}}
        entry = {"Id": "0", "MessageBody": event, "MessageAttributes": told}
        answer = _client().send_message_batch(QueueUrl=self._url, Entries=[entry])
        if answer.get("Failed"):
            raise QueueUnavailable


def _send(url: str, messages: Sequence[tuple[Mapping[str, object], str, str]], at_once: int = 1) -> None:
    """Every batch is tried, whatever becomes of the others: what was taken is told by its id when all come again."""
    batches = list(_batched((json.dumps(body), group, word) for body, group, word in messages))
    if at_once == 1 or len(batches) < 2:
        faults = [_send_batch(url, batch) for batch in batches]
    else:
        from concurrent.futures import ThreadPoolExecutor

        _client()  # made before the threads: botocore makes clients in one thread only
        with ThreadPoolExecutor(at_once) as side_by_side:
            faults = list(side_by_side.map(lambda batch: _send_batch(url, batch), batches))
    if lost := [fault for fault in faults if fault]:
        raise QueueUnavailable(f"{len(lost)} of {len(batches)} batches were not taken whole: {lost[0]}")


def _send_batch(url: str, batch: Sequence[_Message]) -> str:
    """What kept a batch from being taken whole: a word for the log, "" if nothing did."""
    from botocore.exceptions import BotoCoreError, ClientError

    entries = [
        {
            "Id": str(number),
            "MessageBody": body,
            "MessageGroupId": _word(group),
            "MessageDeduplicationId": _word(word),
        }
        for number, (body, group, word) in enumerate(batch)
    ]
    try:
        failed = _client().send_message_batch(QueueUrl=url, Entries=entries).get("Failed")
    except ClientError as error:
        return str(error.response["Error"].get("Code"))
    except BotoCoreError as error:
        return type(error).__name__
    return str(failed[0].get("Code")) if failed else ""


def _word(text: str) -> str:
    """What SQS takes as a group or deduplication id: at most 128 of its characters."""
    if len(text) <= 128:
        return text

    return sha256(text.encode()).hexdigest()


def _batched(messages: Iterable[_Message]) -> Iterator[list[_Message]]:
    """In their order, as many at a time as one call takes. Bodies are ASCII, so that a character is a byte."""
    batch, size = list[_Message](), 0
    for message in messages:
        if len(batch) == _BATCH or (batch and size + len(message[0]) > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += len(message[0])
    if batch:
        yield batch
