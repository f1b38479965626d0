"""`oneway dead-letters`, without AWS: what was given up is seen and put back as it was; what nobody can read stays."""

import io
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from oneway.faults import MailUnavailable
from oneway.queues import EVENT_UNKNOWN, MESSAGE_UNKNOWN, WHY_ASIDE
from oneway.use_cases.send_messages import NotYet
from rich.console import Console

from cli import dead_letters, messages
from cli.stack import Stack
from tests.desk import Desk
from tests.ses_events import an_event

PULLS = {"minute": 1, "pulls": [["harbor", "ehr~osei", "lane"], ["quay", "ehr~tanaka", "lane"]], "alone": True}
MAIL = {"practice": "harbor", "request": "request-1"}
UNREADABLE = [
    "{",
    "[1, 2]",
    "{}",
    '"Maria"',
    '{"minute": 1, "pulls": [["harbor"]]}',
    '{"practice": 7, "request": null}',
]


@dataclass
class FakeSqs:
    """Queues by url: what lies there and can be seen, or is hidden; `gives_up` puts what comes back to its dead letters."""

    queues: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    hidden: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    gives_up: bool = False
    handles: int = 0

    def put(self, url: str, text: str, group: str = "", why: str = "", word: str = "") -> None:
        message: dict[str, Any] = {"Body": text, "Attributes": {"SentTimestamp": "1795647639802"}}
        if group:
            message["Attributes"] |= {"MessageGroupId": group, "MessageDeduplicationId": word}
        if why:
            message["MessageAttributes"] = {WHY_ASIDE: {"StringValue": why}}
        self.queues.setdefault(url, []).append(message)

    def receive_message(
        self,
        QueueUrl: str,  # noqa: N803
        MaxNumberOfMessages: int,  # noqa: N803
        WaitTimeSeconds: int = 0,  # noqa: N803
        **_: Any,
    ) -> dict[str, Any]:
        """Who does not wait is told of what some of the servers have: here, of nothing."""
        if not WaitTimeSeconds:
            return {}
        held = {_group(message) for url, message in self.hidden.values() if url == QueueUrl} - {""}
        waiting = [one for one in self.queues.get(QueueUrl, []) if _group(one) not in held]
        found = list[dict[str, Any]]()
        while waiting and len(found) < MaxNumberOfMessages:
            self.handles += 1
            message = waiting.pop(0)
            self.queues[QueueUrl].remove(message)
            self.hidden[str(self.handles)] = QueueUrl, message
            found.append(message | {"ReceiptHandle": str(self.handles)})
        return {"Messages": found} if found else {}

    def get_queue_attributes(self, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:  # noqa: N803
        return {"Attributes": {name: str(len(self.queues.get(QueueUrl, []))) for name in AttributeNames}}

    def change_message_visibility(self, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> None:  # noqa: N803
        assert VisibilityTimeout == 0
        url, message = self.hidden.pop(ReceiptHandle)
        assert url == QueueUrl
        self.queues[url].append(message)

    def delete_message(self, QueueUrl: str, ReceiptHandle: str) -> None:  # noqa: N803
        assert self.hidden.pop(ReceiptHandle)[0] == QueueUrl

    def send_message(self, QueueUrl: str, MessageBody: str, **ordered: str) -> None:  # noqa: N803
        url, group = f"dead {QueueUrl}" if self.gives_up else QueueUrl, ordered.get("MessageGroupId", "")
        self.put(url, MessageBody, group, word=ordered.get("MessageDeduplicationId", ""))

    def texts(self, url: str) -> list[str]:
        return [one["Body"] for one in self.queues.get(url, [])]


def _group(message: dict[str, Any]) -> str:
    return str(message["Attributes"].get("MessageGroupId", ""))


QUEUES = dead_letters.QUEUES
ALIVE = {kind: f"{kind} alive" for kind in QUEUES}
DEAD = {kind: f"dead {kind} alive" for kind in QUEUES}


class Letters:
    """A stack's dead letters, and what the commands say of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sqs = FakeSqs()
        monkeypatch.setattr(Stack, "client", lambda *_: self.sqs)
        outputs = {dead: DEAD[kind] for kind, (dead, _) in QUEUES.items()}
        outputs |= {alive: ALIVE[kind] for kind, (_, alive) in QUEUES.items()}
        self.stack = Stack("oneway", None, outputs, local=True)

    def put(self, kind: str, body: object, group: str = "", why: str = "") -> str:
        text = body if isinstance(body, str) else json.dumps(body)
        self.sqs.put(DEAD[kind], text, group, why)
        return text

    def told(self, command: Callable[..., object], **options: bool) -> str:
        text = io.StringIO()
        command(self.stack, Console(file=text, width=200), **options)
        assert not self.sqs.hidden, "nothing stays hidden"
        return text.getvalue()


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> Letters:
    return Letters(monkeypatch)


def test_where_nothing_was_given_up_that_is_said(letters: Letters) -> None:
    assert "Nothing was given up." in letters.told(dead_letters.show)
    assert "0 put back." in letters.told(dead_letters.retry)
    assert "0 discarded." in letters.told(dead_letters.discard)


def test_all_are_listed_and_stay(letters: Letters) -> None:
    letters.put("pulls", PULLS, "3")
    letters.put("messages", MAIL, "request-1")
    letters.put("mail events", an_event("bounce", "request-1"))
    for _ in range(2):
        told = letters.told(dead_letters.show)
        for word in ("harbor", "ehr~osei", "quay", "ehr~tanaka", "request-1", "Email Bounced", "dead-letters retry"):
            assert word in told
        assert "maria" not in told, "of what SES said only its kind is shown"
        assert "come back" not in told


def test_a_pull_is_put_back_for_now_in_its_group_and_the_rest_as_it_was(letters: Letters) -> None:
    letters.put("pulls", PULLS, "3")
    mail = letters.put("messages", json.dumps(MAIL, indent=3), "request-1")
    event = letters.put("mail events", an_event("bounce", "request-1"))
    assert "3 put back." in letters.told(dead_letters.retry)
    (pulls,) = letters.sqs.queues[ALIVE["pulls"]]
    assert json.loads(pulls["Body"]) == PULLS | {"minute": pytest.approx(time.time() / 60, abs=2)}
    assert pulls["Attributes"]["MessageGroupId"] == "3"
    assert letters.sqs.texts(ALIVE["messages"]) == [mail]
    assert letters.sqs.texts(ALIVE["mail events"]) == [event]
    assert "Nothing was given up." in letters.told(dead_letters.show)


@pytest.mark.parametrize("kind", QUEUES)
@pytest.mark.parametrize("text", UNREADABLE)
def test_what_nobody_can_read_is_listed_and_stays_as_it_was(letters: Letters, kind: str, text: str) -> None:
    letters.put(kind, text, "group")
    told = letters.told(dead_letters.show)
    assert "cannot be read" in told
    assert "Maria" not in told
    assert "`oneway dead-letters retry` " not in told
    told = letters.told(dead_letters.retry)
    assert "0 put back." in told
    assert "1 would only come back" in told
    assert letters.sqs.texts(DEAD[kind]) == [text]
    assert letters.sqs.texts(ALIVE[kind]) == []


@pytest.mark.parametrize("text", UNREADABLE)
def test_anyway_it_is_put_back_as_it_was(letters: Letters, text: str) -> None:
    letters.put("pulls", text, "group")
    assert "1 put back." in letters.told(dead_letters.retry, anyway=True)
    (back,) = letters.sqs.queues[ALIVE["pulls"]]
    assert (back["Body"], back["Attributes"]["MessageGroupId"]) == (text, "group")


def test_what_ses_said_of_a_message_that_is_not_known_would_only_come_back(letters: Letters) -> None:
    letters.put("mail events", an_event("bounce", "request-1"), why=MESSAGE_UNKNOWN)
    assert "of no message that is known" in letters.told(dead_letters.show)
    assert "0 put back." in letters.told(dead_letters.retry)
    assert "1 put back." in letters.told(dead_letters.retry, anyway=True)


def test_what_a_newer_version_can_read_is_put_back(letters: Letters) -> None:
    """It was kept aside by one that could not."""
    letters.put("mail events", an_event("bounce", "request-1"), why=EVENT_UNKNOWN)
    assert "1 put back." in letters.told(dead_letters.retry)


def test_what_is_given_up_again_at_once_is_put_back_once(letters: Letters) -> None:
    letters.sqs.gives_up = True
    for number in range(15):
        letters.put("pulls", PULLS, str(number))
    assert "15 put back." in letters.told(dead_letters.retry)
    assert len(letters.sqs.texts(DEAD["pulls"])) == 15


def test_all_of_one_feed_are_put_back_though_the_queue_shows_ten_at_a_time(letters: Letters) -> None:
    """No more of a group is handed out while some of it are looked at."""
    for _ in range(25):
        letters.put("pulls", PULLS, "harbor.ehr~osei")
    letters.put("messages", MAIL, "request-1")
    assert "15 more stand behind these" in letters.told(dead_letters.show)
    assert "26 put back." in letters.told(dead_letters.retry)
    assert letters.sqs.texts(DEAD["pulls"]) == []


def test_what_would_only_come_back_does_not_go_round(letters: Letters) -> None:
    for number in range(3):
        letters.put("pulls", "{", "group")
        letters.put("pulls", PULLS, str(number))
    told = letters.told(dead_letters.retry)
    assert "3 put back." in told
    assert "3 would only come back" in told


def test_only_what_would_come_back_is_discarded(letters: Letters) -> None:
    letters.put("pulls", PULLS, "3")
    letters.put("messages", "{}", "4")
    letters.put("mail events", an_event("bounce", "request-1"), why=MESSAGE_UNKNOWN)
    assert "2 discarded." in letters.told(dead_letters.discard)
    told = letters.told(dead_letters.show)
    assert "ehr~osei" in told
    assert "come back" not in told


def test_mail_that_waits_is_tried_at_once_and_what_was_given_up_of_it_is_put_back(
    letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`oneway messages retry`."""
    desk, asked = Desk(), list[tuple[str, str]]()
    request = desk.submit().request
    desk.mailer.fault = MailUnavailable()
    with pytest.raises(NotYet):
        desk.deliver()
    desk.clock.advance(hours=3)
    desk.mailer.fault = None
    mail, pulls = letters.put("messages", MAIL, "one"), letters.put("pulls", PULLS, "3")
    ours = SimpleNamespace(requests=desk.store.requests, clock=desk.clock)
    monkeypatch.setattr(messages, "operators", lambda: ours)
    monkeypatch.setattr(Stack, "enter", lambda _: None)
    monkeypatch.setattr(Stack, "enqueue", lambda _, waiting: asked.extend(waiting))
    told = letters.told(messages.retry)
    assert "1 put back." in told
    assert "1 that wait are tried now." in told
    assert letters.sqs.texts(ALIVE["messages"]) == [mail]
    assert letters.sqs.texts(DEAD["pulls"]) == [pulls]
    assert asked == [("harbor", request.id)]
    assert sum(desk.send_messages(*one) for one in asked) == 2
