"""`oneway dead-letters`: work that failed again and again, which only a bug does; seen, and put back once the bug is gone.

What nobody can do anything with would only come back: it stays until it is put back all the same, or discarded. Letters name
practices, feeds and requests by their ids; of what the mail service said only its kind is shown.
"""

import json
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from oneway import bootstrap
from oneway.faults import MailEventUnknown
from oneway.queues import MESSAGE_UNKNOWN, WHY_ASIDE
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
_HIDDEN_SECONDS = 300
"""Enough to put a thousand back."""
_WAIT_SECONDS = 1
"""Without waiting SQS asks some of its servers only, and may say that a queue is empty which is not (short polling)."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that was given up: its text as it was, its group and the word that tells a repeat, when it was sent, why it was
    kept aside ("": it was not), and the handle by which it can be taken.
    """

    kind: str
    text: str
    group: str
    word: str
    sent_at: datetime
    why: str
    handle: str

    @property
    def body(self) -> dict[str, Any]:
        """What it says; nothing, if that is nothing of ours."""
        try:
            found = json.loads(self.text)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def puzzle(self) -> str:
        """Why it would only come back, in words; "" if it can be tried again."""
        if not _READABLE[self.kind](self.body):
            return "cannot be read"
        return "of no message that is known" if self.why == MESSAGE_UNKNOWN else ""

    @property
    def subjects(self) -> list[tuple[str, str]]:
        """Practices, and the feed, request or kind of event of each that it is about."""
        if self.kind == "mail events":
            return [("", str(self.body.get("detail-type", "")))]
        if self.puzzle:
            return [("", "")]
        if self.kind == "pulls":
            return [(practice, feed) for practice, feed, _ in self.body["pulls"]]
        return [(self.body["practice"], self.body["request"])]

    @property
    def tried_again(self) -> str:
        """Its text for another try. A pull is asked for now: one that waited for long would be dropped as stale."""
        if self.kind == "pulls" and not self.puzzle:
            return json.dumps(self.body | {"minute": int(time.time() // 60)})
        return self.text


def show(stack: Stack, out: Console) -> bool:
    """List all letters; whether there are none. They stay where they are."""
    with plainly(stack.name), busy(out, "Looking"):
        client = stack.client("sqs")
        lying = sum(_lying(stack, client, kind) for kind in QUEUES)
        found = [letter for kind in QUEUES for letter in _letters(stack, client, kind)]
        _leave(stack, client, found)
    if not found:
        out.print("Nothing was given up.")
        return True
    shown = table("what", "practice", "feed, request or event", "sent", "")
    for letter in found:
        for practice, subject in letter.subjects:
            sent = f"{letter.sent_at:%Y-%m-%d %H:%M} UTC"
            shown.add_row(letter.kind, escape(practice), escape(subject), sent, letter.puzzle)
    out.print(shown)
    if lying > len(found):
        out.print(f"{lying - len(found)} more stand behind these: of one feed or request ten are shown.")
    if not all(letter.puzzle for letter in found):
        out.print("`oneway dead-letters retry` puts them back once their cause is gone.")
    _tell_of_puzzles(out, sum(bool(letter.puzzle) for letter in found))
    return False


def retry(stack: Stack, out: Console, kinds: Collection[str] = tuple(QUEUES), *, anyway: bool = False) -> int:
    """Put the letters of these kinds back where they came from, `anyway` also those that would only come back; how many. A letter
    is taken away only once it is back.
    """
    with plainly(stack.name), busy(out, "Putting back"):
        client, ours = stack.client("sqs"), f"retry.{time.time_ns()}."
        back, left = 0, 0
        while True:
            # One that is given up again at once, which its word tells, is not put back again. Of one group ten are seen, and
            # others only once these are taken away.
            found = [letter for kind in kinds for letter in _letters(stack, client, kind)]
            puzzles = [letter for letter in found if letter.puzzle and not anyway]
            taken = [letter for letter in found if letter not in puzzles and not letter.word.startswith(ours)]
            _leave(stack, client, [letter for letter in found if letter not in taken])
            left = len(puzzles)
            for number, letter in enumerate(taken, back):
                ordered = {"MessageGroupId": letter.group, "MessageDeduplicationId": f"{ours}{number}"}
                client.send_message(
                    QueueUrl=stack.output(QUEUES[letter.kind][1]),
                    MessageBody=letter.tried_again,
                    **(ordered if letter.group else {}),
                )
                _take(stack, client, letter)
            back += len(taken)
            if not any(letter.group for letter in taken):
                break
    out.print(f"{back} put back.")
    _tell_of_puzzles(out, left)
    return back


def discard(stack: Stack, out: Console) -> int:
    """Delete the letters that would only come back; how many."""
    with plainly(stack.name), busy(out, "Discarding"):
        client = stack.client("sqs")
        found = [letter for kind in QUEUES for letter in _letters(stack, client, kind)]
        puzzles = [letter for letter in found if letter.puzzle]
        for letter in puzzles:
            _take(stack, client, letter)
        _leave(stack, client, [letter for letter in found if not letter.puzzle])
    out.print(f"{len(puzzles)} discarded.")
    return len(puzzles)


def _tell_of_puzzles(out: Console, number: int) -> None:
    if number:
        out.print(
            f"{number} would only come back as they are, and stay. A newer version may know them: `oneway dead-letters "
            "retry --anyway`. Otherwise: `oneway dead-letters discard`."
        )


def _letters(stack: Stack, client: Any, kind: str) -> Iterator[Letter]:
    """The letters of a kind, hidden from others while they are looked at."""
    url, seen = stack.output(QUEUES[kind][0]), 0
    while seen < _MOST:
        answer = client.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=_HIDDEN_SECONDS,
            WaitTimeSeconds=_WAIT_SECONDS,
            AttributeNames=["All"],
            MessageAttributeNames=[WHY_ASIDE],
        )
        messages = answer.get("Messages", [])
        if not messages:
            return
        for message in messages:
            seen += 1
            attributes = message.get("Attributes", {})
            yield Letter(
                kind,
                message["Body"],
                attributes.get("MessageGroupId", ""),
                attributes.get("MessageDeduplicationId", ""),
                datetime.fromtimestamp(int(attributes.get("SentTimestamp", "0")) / 1000, UTC),
                message.get("MessageAttributes", {}).get(WHY_ASIDE, {}).get("StringValue", ""),
                message["ReceiptHandle"],
            )


def _lying(stack: Stack, client: Any, kind: str) -> int:
    """About how many letters of a kind there are."""
    url, name = stack.output(QUEUES[kind][0]), "ApproximateNumberOfMessages"
    return int(client.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])


def _leave(stack: Stack, client: Any, letters: Collection[Letter]) -> None:
    for letter in letters:
        url = stack.output(QUEUES[letter.kind][0])
        client.change_message_visibility(QueueUrl=url, ReceiptHandle=letter.handle, VisibilityTimeout=0)


def _take(stack: Stack, client: Any, letter: Letter) -> None:
    client.delete_message(QueueUrl=stack.output(QUEUES[letter.kind][0]), ReceiptHandle=letter.handle)


def _are_pulls(body: dict[str, Any]) -> bool:
    pulls = body.get("pulls")
    return (
        isinstance(body.get("minute"), int)
        and isinstance(pulls, list)
        and bool(pulls)
        and all(isinstance(one, list) and len(one) == 3 and all(isinstance(word, str) for word in one) for one in pulls)
    )


def _is_message(body: dict[str, Any]) -> bool:
    return all(isinstance(body.get(name), str) for name in ("practice", "request"))


def _is_event(body: dict[str, Any]) -> bool:
    try:
        bootstrap.mail_event(body)
    except MailEventUnknown:
        return False
    return True


_READABLE: dict[str, Callable[[dict[str, Any]], bool]] = {
    "pulls": _are_pulls,
    "messages": _is_message,
    "mail events": _is_event,
}
"""Whether the functions of this version know what to do with it."""
