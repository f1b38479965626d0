"""The functions around mail: what is delivered again, and what is kept aside."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace
from oneway import bootstrap
from oneway.domain.mail_events import MailEvent
from oneway.domain.messages import DueMessage, MessageKind, Why
from oneway.domain.requests import with_due
from oneway.store.requests import request_item
from oneway.use_cases.send_messages import NotYet

from tests.builders import NOW, a_request
from tests.fakes.store import FakeClock
from tests.ses_events import NAMES, an_event
from tests.unit import emf


@dataclass
class Aside:
    kept: list[str] = field(default_factory=list)
    why: list[str] = field(default_factory=list)

    def keep(self, event: str, why: str) -> None:
        self.kept.append(event)
        self.why.append(why)


@dataclass
class Sender:
    """Notes what is to be sent, and until when; has no time left for the request that is `late`."""

    late: str = ""
    asked: list[tuple[str, datetime]] = field(default_factory=list)
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))

    def __call__(self, practice: str, request: str, deadline: datetime) -> int:
        self.asked.append((request, deadline))
        if request == self.late:
            raise NotYet("no time left")
        return 1


CONTEXT = SimpleNamespace(get_remaining_time_in_millis=lambda: 30_000)


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv("MAIL_ASIDE_URL", "url")
    return emf.load("track_mail", monkeypatch)


def records(*events: Any) -> dict[str, Any]:
    return {"Records": [{"messageId": str(n), "body": json.dumps(one)} for n, one in enumerate(events)]}


def test_what_is_known_is_tracked_and_what_is_not_is_kept(
    function: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    tracked: list[MailEvent] = []
    aside = Aside()
    function.aside = aside  # type: ignore[attr-defined]
    function.track_mail = lambda event: not tracked.append(event)  # type: ignore[attr-defined,func-returns-value]
    answer = function.handler(records(*(an_event(name, "abcdefghijklm") for name in NAMES), {"detail": 7}), None)
    assert answer == {"batchItemFailures": []}
    assert len(tracked) == len(NAMES) - 2
    assert [json.loads(one).get("detail-type") for one in aside.kept] == [
        "Email Delivered",
        "Email Rendering Failed",
        None,
    ]
    assert set(aside.why) == {"event_unknown"}
    assert "maria" not in capsys.readouterr().err


def test_of_no_message_of_ours_it_is_kept_too(function: ModuleType) -> None:
    aside = Aside()
    function.aside = aside  # type: ignore[attr-defined]
    function.track_mail = lambda event: False  # type: ignore[attr-defined]
    assert function.handler(records(an_event("bounce", "abcdefghijklm")), None) == {"batchItemFailures": []}
    assert aside.why == ["message_unknown"]


def test_one_that_breaks_is_delivered_again_and_holds_up_no_other(
    function: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks(event: MailEvent) -> bool:
        if event.subject == "bad":
            raise ValueError("maria@example.org")
        return True

    function.track_mail = breaks  # type: ignore[attr-defined]
    answer = function.handler(records(an_event("send", "bad"), an_event("send", "good")), None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert "maria" not in capsys.readouterr().err


@pytest.mark.parametrize("body", ["{", "[]", "{}", '"Maria"'])
def test_mail_that_nobody_can_read_is_delivered_again_and_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], body: str
) -> None:
    for name in ("PUBLIC_URL", "LINK_SECRETS_PARAMETER", "SENDER", "CONFIGURATION_SET"):
        monkeypatch.setenv(name, "https://oneway.example")
    function = emf.load("send_messages", monkeypatch)
    sender = Sender()
    function.send_messages = sender  # type: ignore[attr-defined]
    one, two = (json.dumps({"practice": "harbor", "request": name}) for name in ("one", "two"))
    event = {
        "Records": [
            {"messageId": str(n), "body": text, "attributes": {"MessageGroupId": str(n)}}
            for n, text in enumerate((one, body, two))
        ]
    }
    assert function.handler(event, CONTEXT) == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert [request for request, _ in sender.asked] == ["one", "two"]
    assert "Maria" not in capsys.readouterr().err


def test_an_alarm_rings_where_staff_missed_mail(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("PUBLIC_URL", "SENDER", "CONFIGURATION_SET", "LINK_SECRETS_PARAMETER"):
        monkeypatch.setenv(name, "https://book.example")
    function = emf.load("send_messages", monkeypatch)
    function.send_messages.staff_missed("abcdefghijklm", Why.REFUSED)
    printed = capsys.readouterr()
    assert emf.lines(printed.out)[0].metrics == {"StaffMailMissed": ("Count", [1])}
    assert emf.lines(printed.out)[0].dimensions == {"service": "send_messages"}
    assert json.loads(printed.err)["why"] == "refused"


def test_the_same_alarm_rings_where_mail_came_back_from_staff(
    function: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    function.track_mail.staff_missed("abcdefghijklm", Why.REFUSED)
    printed = capsys.readouterr()
    assert emf.lines(printed.out)[0].metrics == {"StaffMailMissed": ("Count", [1])}
    assert emf.lines(printed.out)[0].dimensions == {"service": "send_messages"}
    assert json.loads(printed.err)["why"] == "refused"


def test_relay_names_requests_and_notices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESSAGE_QUEUE_URL", "url")
    function = emf.load("relay_changes", monkeypatch)
    sent: list[tuple[str, str, str]] = []

    class Queue:
        def send(self, requests: list[tuple[str, str, str]]) -> None:
            sent.extend(requests)

    function.queue = Queue()  # type: ignore[attr-defined]

    def image(pk: str, **more: Any) -> dict[str, Any]:
        return {
            "dynamodb": {
                "NewImage": {"pk": {"S": pk}, "unsent": {"S": "UNSENT"}, "unsent_since": {"S": "now#abc"}, **more}
            }
        }

    function.handler({"Records": [image("harbor#REQUEST#abc", v={"N": "3"}), image("harbor#NOTICE#test_1")]}, None)
    assert sent == [("harbor", "abc", "3-0-now"), ("harbor", "notice_test_1", "0-0-now")]


def test_what_becomes_due_beside_a_held_message_is_not_taken_for_the_same() -> None:
    """The queue drops a word that it had within five minutes: version and since when stay where a message is held."""
    held = DueMessage("000002-confirmed_patient", MessageKind.CONFIRMED_PATIENT, not_before=NOW + timedelta(minutes=1))
    more = DueMessage("000002_000001-unreachable_staff", MessageKind.UNREACHABLE_STAFF)
    before = with_due(a_request(version=2), [held], NOW)
    after = replace(with_due(before, [held, more], NOW + timedelta(seconds=5)), settled=1)
    assert before.unsent_since == after.unsent_since
    words = [bootstrap.unsent_of(request_item(one).serialize())[2] for one in (before, after)]
    assert len(set(words)) == 2


def test_a_batch_is_sent_until_the_function_s_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PUBLIC_URL", "SENDER", "CONFIGURATION_SET", "LINK_SECRETS_PARAMETER"):
        monkeypatch.setenv(name, "https://book.example" if name == "PUBLIC_URL" else "x")
    function = emf.load("send_messages", monkeypatch)
    sender = Sender(late="b")
    function.send_messages = sender  # type: ignore[attr-defined]
    batch = [
        {
            "messageId": str(number),
            "attributes": {"MessageGroupId": request},
            "body": json.dumps({"practice": "harbor", "request": request}),
        }
        for number, request in enumerate("abbc")
    ]
    answer = function.handler({"Records": batch}, CONTEXT)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "2"}]}
    assert sender.asked == [(one, NOW + timedelta(seconds=30)) for one in "abc"]
