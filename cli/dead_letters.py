"""`oneway dead-letters`: work that failed again and again, which only a bug does; seen, and put back once the bug is gone.

Letters name practices, feeds and requests by their ids; of what the mail service said only its kind is shown.
"""

import json
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.markup import escape

from .stack import Stack, plainly
from .terminal import busy, table

QUEUES = {
    "pulls": ("DeadSyncsUrl", "SyncQueueUrl"),
    "messages": ("DeadMessagesUrl", "MessageQueueUrl"),
    "mail events": ("DeadMailEventsUrl", "MailEventsUrl"),
}
"""What failed → the outputs that name where it lies, and where it came from."""
_MOST = 1000
_HIDDEN_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that was given up: its body, its group, when it was sent, and the handle by which it can be taken."""

    kind: str
    body: dict[str, Any]
    group: str
    sent_at: datetime
    handle: str

    @property
    def subjects(self) -> list[tuple[str, str]]:
        """Practices, and the feed, request or kind of event of each that it is about."""
        pulls = self.body.get("pulls")
        if isinstance(pulls, list):
            return [(str(practice), str(feed)) for practice, feed, *_ in pulls]
        subject = self.body.get("request") or self.body.get("detail-type", "")
        return [(str(self.body.get("practice", "")), str(subject))]


def show(stack: Stack, out: Console) -> bool:
    """List all letters; whether there are none. They stay where they are."""
    with plainly(stack.name), busy(out, "Looking"):
        client = stack.client("sqs")
        found = [letter for kind in QUEUES for letter in _letters(stack, client, kind)]
        for letter in found:
            client.change_message_visibility(
                QueueUrl=stack.output(QUEUES[letter.kind][0]), ReceiptHandle=letter.handle, VisibilityTimeout=0
            )
    if not found:
        out.print("Nothing was given up.")
        return True
    shown = table("what", "practice", "feed, request or event", "sent")
    for letter in found:
        for practice, subject in letter.subjects:
            shown.add_row(letter.kind, escape(practice), escape(subject), f"{letter.sent_at:%Y-%m-%d %H:%M} UTC")
    out.print(shown)
    out.print("`oneway dead-letters retry` puts them back once their cause is gone.")
    return False


def retry(stack: Stack, out: Console, kinds: Collection[str] = tuple(QUEUES)) -> int:
    """Put all letters of these kinds back where they came from; how many. A letter is taken away only once it is back."""
    put_back = 0
    with plainly(stack.name), busy(out, "Putting back"):
        client = stack.client("sqs")
        for kind in kinds:
            dead, alive = QUEUES[kind]
            for letter in _letters(stack, client, kind):
                # A pull is asked for now: one that waited for long would be dropped as stale.
                body = letter.body | ({"minute": int(time.time() // 60)} if kind == "pulls" else {})
                ordered = {"MessageGroupId": letter.group, "MessageDeduplicationId": f"retry.{time.time_ns()}"}
                client.send_message(
                    QueueUrl=stack.output(alive),
                    MessageBody=json.dumps(body),
                    **(ordered if letter.group else {}),
                )
                client.delete_message(QueueUrl=stack.output(dead), ReceiptHandle=letter.handle)
                put_back += 1
    out.print(f"{put_back} put back.")
    return put_back


def _letters(stack: Stack, client: Any, kind: str) -> Iterator[Letter]:
    """The letters of a kind, hidden from others while they are looked at."""
    url = stack.output(QUEUES[kind][0])
    seen = 0
    while seen < _MOST:
        answer = client.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=_HIDDEN_SECONDS, AttributeNames=["All"]
        )
        messages = answer.get("Messages", [])
        if not messages:
            return
        for message in messages:
            seen += 1
            attributes = message.get("Attributes", {})
            sent_at = datetime.fromtimestamp(int(attributes.get("SentTimestamp", "0")) / 1000, UTC)
            group = attributes.get("MessageGroupId", "")
            yield Letter(kind, _body(message["Body"]), group, sent_at, message["ReceiptHandle"])


def _body(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
