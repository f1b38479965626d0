"""The two queues: pulls that are due, and requests with messages to send."""

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from .domain.feeds import FeedRef

if TYPE_CHECKING:
    from botocore.client import BaseClient

_BATCH = 10


@lru_cache(maxsize=1)
def _client() -> "BaseClient":
    from botocore.config import Config
    from botocore.session import Session

    config = Config(connect_timeout=1, read_timeout=5, retries={"mode": "standard", "max_attempts": 4})
    return Session().create_client("sqs", config=config)


class QueueUnavailable(Exception):
    """Some messages were not taken; the caller is called again."""


class SqsSyncQueue:
    """Implements ports.SyncQueue. A lane's pulls keep their order; feed and minute tell a repeat."""

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, refs: Sequence[FeedRef], minute: int) -> None:
        """Enqueue pulls that are due in an epoch minute. Raises QueueUnavailable."""
        _send(
            self._url,
            [
                (
                    {"practice": ref.practice, "feed": ref.feed_id, "minute": minute},
                    ref.lane,
                    f"{ref.practice}.{ref.feed_id}.{minute}",
                )
                for ref in refs
            ],
        )


class SqsMessageQueue:
    """Implements ports.MessageQueue. Messages of one request keep their order."""

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, requests: Sequence[tuple[str, str, str]]) -> None:
        """Enqueue (practice, request id, deduplication word). Raises QueueUnavailable."""
        _send(
            self._url,
            [
                ({"practice": practice, "request": request_id}, request_id, f"{request_id}.{word}")
                for practice, request_id, word in requests
            ],
        )


def _send(url: str, messages: Sequence[tuple[dict[str, object], str, str]]) -> None:
    for batch in _batched(messages):
        entries = [
            {
                "Id": str(number),
                "MessageBody": json.dumps(body),
                "MessageGroupId": _word(group),
                "MessageDeduplicationId": _word(word),
            }
            for number, (body, group, word) in enumerate(batch)
        ]
        answer = _client().send_message_batch(QueueUrl=url, Entries=entries)
        if answer.get("Failed"):
            raise QueueUnavailable(f"{len(answer['Failed'])} of {len(entries)} messages were not taken")


def _word(text: str) -> str:
    """What SQS takes as a group or deduplication id: at most 128 of its characters."""
    if len(text) <= 128:
        return text
    from hashlib import sha256

    return sha256(text.encode()).hexdigest()


def _batched(
    messages: Sequence[tuple[dict[str, object], str, str]],
) -> Iterator[list[tuple[dict[str, object], str, str]]]:
    rest = iter(messages)
    while batch := list(islice(rest, _BATCH)):
        yield batch
