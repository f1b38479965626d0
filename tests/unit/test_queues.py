"""The queues' adapters: batches of ten, side by side for pulls, and one that is lost does not keep back the others."""

import json
from collections.abc import Iterator
from threading import Barrier
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from oneway import bootstrap, queues
from oneway.domain.feeds import MOST_IN_A_MESSAGE, FeedRef, bundle_of
from oneway.domain.practice_settings import LONGEST_ID
from oneway.queues import EVENT_UNKNOWN, WHY_ASIDE, QueueUnavailable, SqsMailAside, SqsMessageQueue, SqsSyncQueue

REFS = [FeedRef(f"practice-{n}", "ehr~osei", f"lane-{n}") for n in range(25)]


class Queue:
    """Stands in for SQS: takes batches, loses those of which a feed is in `lost`, and counts calls that meet."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.calls = 0
        self.lost: dict[str, Exception | str] = {}
        self.barrier = Barrier(1)

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        assert len(Entries) <= 10
        assert sum(len(one["MessageBody"].encode()) for one in Entries) <= 256 * 1024
        self.barrier.wait(5)
        self.calls += 1
        for word, fault in self.lost.items():
            if any(entry["MessageBody"].find(f'"{word}"') >= 0 for entry in Entries):
                if isinstance(fault, Exception):
                    raise fault
                return {"Failed": [{"Id": "0", "Code": fault}]}
        self.taken += Entries
        return {"Successful": []}


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    queue = Queue()
    monkeypatch.setattr(queues, "_client", lambda: queue)
    yield queue


def pulls_of(entry: dict[str, Any]) -> list[FeedRef]:
    return [FeedRef(*one) for one in json.loads(entry["MessageBody"])["pulls"]]


def test_pulls_go_out_in_bundles_ten_at_a_time(queue: Queue) -> None:
    SqsSyncQueue("url").send(REFS, 7, 64)
    bundles = {bundle_of(ref.lane, 64) for ref in REFS}
    assert queue.calls == -(-len(bundles) // 10)
    assert {ref for one in queue.taken for ref in pulls_of(one)} == set(REFS)
    assert all(str(bundle_of(ref.lane, 64)) == one["MessageGroupId"] for one in queue.taken for ref in pulls_of(one))
    assert {one["MessageDeduplicationId"] for one in queue.taken} == {f"{number}.7.0" for number in bundles}


def test_a_bundle_that_is_too_large_for_a_message_goes_out_in_parts_that_keep_their_order(queue: Queue) -> None:
    refs = [FeedRef("harbor", f"ehr~{n}", "lane") for n in range(MOST_IN_A_MESSAGE + 1)]
    SqsSyncQueue("url").send(refs, 7, 4)
    first, second = queue.taken
    assert pulls_of(first) + pulls_of(second) == refs
    assert first["MessageGroupId"] == second["MessageGroupId"]
    assert first["MessageDeduplicationId"] != second["MessageDeduplicationId"]
    assert len(first["MessageBody"]) < 256 * 1024


def test_the_longest_names_fit_into_a_call_in_their_order(queue: Queue) -> None:
    """An account of thousands of feeds: its parts go out in more calls, none of which SQS would refuse."""
    practice, lane = "p" * LONGEST_ID, "a" * 200
    refs = [FeedRef(practice, f"{'s' * LONGEST_ID}~{n:0{LONGEST_ID}}", lane) for n in range(25 * MOST_IN_A_MESSAGE)]
    syncs = SqsSyncQueue("url")
    syncs.send(refs, 7, 4)
    assert {ref for one in queue.taken for ref in pulls_of(one)} == set(refs)
    queue.taken.clear()
    syncs.ask(refs, 7, "word", 4)
    assert [ref for one in queue.taken for ref in pulls_of(one)] == refs
    assert queue.calls == 2 * 5


def test_batches_of_pulls_go_out_side_by_side(queue: Queue) -> None:
    queue.barrier = Barrier(3)
    SqsSyncQueue("url").send(REFS, 7, 1024)
    assert queue.calls == 3


def test_batches_of_messages_keep_their_order(queue: Queue) -> None:
    sent = [("harbor", f"request-{n}", "v1") for n in range(25)]
    SqsMessageQueue("url").send(sent)
    assert [json.loads(one["MessageBody"])["request"] for one in queue.taken] == [request for _, request, _ in sent]


def test_of_two_practices_neither_waits_for_the_other_nor_is_taken_for_it(queue: Queue) -> None:
    SqsMessageQueue("url").send([(slug, "notice_digest_2026-11-24", "1.1") for slug in ("harbor", "quay", "harbor")])
    for key in ("MessageGroupId", "MessageDeduplicationId"):
        first, second, again = (one[key] for one in queue.taken)
        assert first == again != second


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ("ServiceUnavailable", "ServiceUnavailable"),
        (ClientError({"Error": {"Code": "RequestThrottled"}}, "SendMessageBatch"), "RequestThrottled"),
        (EndpointConnectionError(endpoint_url="https://sqs"), "EndpointConnectionError"),
    ],
)
def test_a_lost_batch_does_not_keep_back_the_others(queue: Queue, fault: Exception | str, word: str) -> None:
    queue.lost["practice-3"] = fault
    with pytest.raises(QueueUnavailable, match=f"1 of 3 batches.*{word}"):
        SqsSyncQueue("url").send(REFS, 7, 1024)
    assert len(queue.taken) == 15


def test_nothing_due_asks_nothing(queue: Queue) -> None:
    SqsSyncQueue("url").send([], 7, 1)
    assert queue.calls == 0


def test_a_pull_that_is_asked_for_is_told_from_those_that_are_due_and_from_other_askings(queue: Queue) -> None:
    syncs = SqsSyncQueue("url")
    syncs.send(REFS[:1], 7, 1)
    for word in ("one", "one", "two"):
        syncs.ask(REFS[:1], 7, word, 1)
    syncs.put_back(REFS[0], 7, "three", "0", left_off=9)
    ids = [one["MessageDeduplicationId"] for one in queue.taken]
    assert ids == ["0.7.0", "0.one.0", "0.one.0", "0.two.0", "three"]
    assert {one["MessageGroupId"] for one in queue.taken} == {"0"}
    assert [json.loads(one["MessageBody"]).get("asked", False) for one in queue.taken] == [
        False,
        True,
        True,
        True,
        True,
    ]
    assert [json.loads(one["MessageBody"]).get("left_off") for one in queue.taken] == [None, None, None, None, 9]


def test_one_that_broke_waits_in_a_group_of_its_own_for_each_time_that_it_was_to_be_pulled(queue: Queue) -> None:
    """Two that somebody asked for within a minute are two."""
    for word in ("one", "one", "two"):
        SqsSyncQueue("url").alone(REFS[0], 7, word, asked=True)
    assert {one["MessageGroupId"] for one in queue.taken} == {"practice-0.ehr~osei"}
    assert [one["MessageDeduplicationId"] for one in queue.taken] == ["one", "one", "two"]
    assert all(json.loads(one["MessageBody"])["alone"] for one in queue.taken)


def test_what_is_kept_aside_stays_as_it_came_and_says_why(queue: Queue) -> None:
    SqsMailAside("url").keep('{"detail": 7}', EVENT_UNKNOWN)
    (kept,) = queue.taken
    assert kept["MessageBody"] == '{"detail": 7}'
    assert kept["MessageAttributes"] == {WHY_ASIDE: {"DataType": "String", "StringValue": EVENT_UNKNOWN}}


def test_each_change_that_makes_mail_due_has_a_word_of_its_own() -> None:
    """The queue takes a word once in five minutes; the clock's changes keep a request's version."""
    image = {"pk": {"S": "harbor#REQUEST#r1"}, "v": {"N": "7"}, "unsent_since": {"S": "2026-11-23T18:00:00Z#r1"}}
    later = image | {"unsent_since": {"S": "2026-11-23T18:01:00Z#r1"}}
    words = {bootstrap.unsent_of(one) for one in (image, image, later, later | {"v": {"N": "8"}})}
    assert {word[:2] for word in words} == {("harbor", "r1")}
    assert len(words) == 3
