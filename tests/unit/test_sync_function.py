"""The sync function: lanes side by side, each in order; a bug in one holds up nothing but its own lane. What it tells."""

import json
from datetime import datetime, timedelta
from threading import Barrier
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oneway.batch_report import ENDS, TOTALS
from oneway.domain.clock_time import minute_of
from oneway.domain.errors import StoreRefused, StoreUnavailable
from oneway.domain.events import PullFinished, SourceBroken, SourceWell, VisitMissing
from oneway.domain.feeds import FeedRef
from oneway.ports import SyncQueue
from oneway.queues import QueueUnavailable
from oneway.use_cases.sync_feed import Outcome, SyncReport

from tests.builders import NOW
from tests.fakes.store import FakeClock
from tests.unit import emf


class Pulls:
    """Notes what was pulled; feeds named "bug" break, those that `meet` wait for each other. Each takes `seconds`."""

    def __init__(self, meet: int = 1, seconds: int = 0, **reports: SyncReport) -> None:
        self.clock = FakeClock(NOW)
        self.pulled: list[str] = []
        self.deadlines: set[datetime] = set()
        self.barrier = Barrier(meet)
        self.seconds = seconds
        self.reports = reports
        self.left: list[str] = []
        self.untils: set[datetime] = set()
        self.alone: list[str] = []
        self.put: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.refuses = False
        self.late: list[str] = []
        self.left_off: list[int | None] = []
        self.given_up: list[tuple[str, int]] = []
        self.mute = False
        self.outage = 0

    def missed(self, practice: str, feed: str) -> SyncReport:
        self.late.append(feed)
        if feed == "sick":
            raise StoreUnavailable("later")
        broken = (SourceBroken(practice, feed, "out_of_time", NOW),) if "hangs" in feed else ()
        return SyncReport(Outcome.LEFT_OFF, events=broken)

    def leave(self, lane: str, until: datetime) -> None:
        self.left.append(lane)
        self.untils.add(until)

    def give_up(self, practice: str, feed: str, minute: int) -> None:
        if self.mute:
            raise StoreUnavailable("later")
        self.given_up.append((feed, minute))

    def send_alone(self, ref: FeedRef, minute: int, word: str, *, asked: bool, left_off: int | None) -> None:
        if self.refuses:
            raise QueueUnavailable("later")
        assert asked is ("asked" in ref.feed_id)
        self.words.append(word)
        self.alone.append(ref.feed_id)

    def put_back(self, ref: FeedRef, minute: int, word: str, group: str, *, left_off: int | None) -> None:
        if self.refuses:
            raise QueueUnavailable("later")
        self.left_off.append(left_off)
        self.words.append(word)
        self.put.append((ref.feed_id, group))

    def __call__(self, practice: str, feed: str, *, now_asked: bool, deadline: datetime) -> SyncReport:
        assert now_asked is ("asked" in feed)
        self.barrier.wait(10)
        self.pulled.append(feed)
        if "hangs" in feed:
            self.clock.advance(seconds=20)
        self.deadlines.add(deadline)
        self.clock.advance(seconds=self.seconds)
        if "bug" in feed:
            raise KeyError("Maria Núñez")
        if "refused" in feed:
            raise StoreRefused("Maria Núñez")
        if "outage" in feed:
            self.clock.advance(seconds=self.outage)
            raise StoreUnavailable("Maria Núñez")
        return self.reports.get(feed, SyncReport(Outcome.UNCHANGED))


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return emf.load("sync_schedule", monkeypatch)


def batch(
    *messages: tuple[str, str], practice: str = "harbor", minute: int = minute_of(NOW), left_off: int | None = None
) -> dict[str, Any]:
    """A message for each (lane, feed), whose id is the feed's; with "alone" in its name it broke before."""
    return {
        "Records": [
            {
                "messageId": feed,
                "body": json.dumps(
                    {
                        "pulls": [[practice, feed, lane]],
                        "minute": minute,
                        **({"asked": True} if "asked" in feed else {}),
                        **({"alone": True} if "alone" in feed else {}),
                        **({"left_off": left_off} if left_off is not None else {}),
                    }
                ),
                "attributes": {"MessageGroupId": "7"},
            }
            for lane, feed in messages
        ]
    }


def bundle(*pulls: tuple[str, str], asked: bool = False) -> dict[str, Any]:
    """One message of many pulls."""
    body = {"pulls": [["harbor", feed, lane] for lane, feed in pulls], "minute": minute_of(NOW), "asked": asked}
    return {"Records": [{"messageId": "m", "body": json.dumps(body), "attributes": {"MessageGroupId": "7"}}]}


def run(function: ModuleType, pulls: Pulls, event: dict[str, Any], seconds: int = 60) -> list[str]:
    function.sync_feed = pulls  # type: ignore[attr-defined]
    function.sync_queue = SimpleNamespace(alone=pulls.send_alone, put_back=pulls.put_back)  # type: ignore[attr-defined]
    answer = function.handler(event, SimpleNamespace(get_remaining_time_in_millis=lambda: seconds * 1000))
    return [one["itemIdentifier"] for one in answer["batchItemFailures"]]


def test_lanes_are_pulled_side_by_side(function: ModuleType) -> None:
    pulls = Pulls(meet=10)
    assert run(function, pulls, batch(*((f"lane-{n}", f"feed-{n}") for n in range(10)))) == []
    assert len(pulls.pulled) == 10
    assert pulls.deadlines == {NOW + timedelta(seconds=45)}


def test_a_bundles_lanes_are_pulled_side_by_side_and_each_is_left_once_it_is_done(function: ModuleType) -> None:
    pulls = Pulls(meet=10)
    assert run(function, pulls, bundle(*((f"lane-{n % 10}", f"feed-{n}") for n in range(30)))) == []
    assert len(pulls.pulled) == 30
    assert sorted(pulls.left) == [f"lane-{n}" for n in range(10)]
    assert pulls.untils == {NOW + timedelta(seconds=55)}, "in time for the function's end"


def test_a_lane_keeps_its_order_and_a_bug_holds_up_nobody(
    function: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    pulls = Pulls()
    assert run(function, pulls, bundle(("a", "one"), ("a", "bug"), ("a", "two"), ("b", "three"))) == []
    assert [feed for feed in pulls.pulled if feed != "three"] == ["one", "bug", "two"]
    assert "three" in pulls.pulled
    assert pulls.alone == ["bug"]
    assert "Maria" not in capsys.readouterr().err


def test_one_that_breaks_alone_comes_again_until_it_is_a_dead_letter(function: ModuleType) -> None:
    pulls = Pulls()
    assert run(function, pulls, batch(("a", "bug-alone"), ("a", "one"))) == ["bug-alone"]
    assert (pulls.alone, pulls.pulled) == ([], ["bug-alone", "one"])


def test_one_that_broke_waits_for_its_turn_and_is_not_given_up(function: ModuleType) -> None:
    pulls = Pulls()
    waited = batch(("a", "bug-alone"), minute=minute_of(NOW) - 11)
    assert run(function, pulls, waited) == ["bug-alone"], "it is never too old, also where it comes for the first time"
    pulls = Pulls()
    crowd = [("a", "hangs-1"), ("a", "hangs-2"), ("a", "bug-alone"), ("a", "asked-hangs")]
    assert run(function, pulls, batch(*crowd)) == ["bug-alone"]
    assert pulls.pulled == ["asked-hangs", "bug-alone", "hangs-1"], "before those that only have their turn"
    pulls = Pulls()
    late = [("a", f"asked-hangs-{n}") for n in range(2)] + [("a", "bug-alone"), ("a", "asked-bug-alone")]
    assert run(function, pulls, batch(*late)) == ["asked-bug-alone"]
    assert (pulls.alone, pulls.put) == (["bug-alone"], []), "alone again, and what broke still counts as broken"
    pulls.refuses = True
    assert run(function, pulls, batch(*late)) == ["asked-bug-alone", "bug-alone"]


UNREADABLE = ["{", "[]", "{}", '{"minute": 1, "pulls": [["harbor"]]}', '{"minute": "x", "pulls": [["h", "f", "l"]]}']


@pytest.mark.parametrize("body", UNREADABLE)
def test_a_message_that_cannot_be_read_comes_again_and_takes_no_other_along(
    function: ModuleType, capsys: pytest.CaptureFixture[str], body: str
) -> None:
    pulls, event = Pulls(), batch(("a", "one"), ("b", "Maria"), ("c", "three"))
    event["Records"][1]["body"] = body
    assert run(function, pulls, event) == ["Maria"]
    assert sorted(pulls.pulled) == ["one", "three"]
    out, err = capsys.readouterr()
    assert emf.lines(out)[0].metrics["PullsBroke"] == ("Count", [1]), "which rings"
    assert json.loads(err.splitlines()[0])["message"] == "message unreadable"
    assert "Maria" not in err


class TestAfterAWorkerWasStopped:
    """Its messages come again, of which each bundle may hold what stopped it."""

    def test_each_pull_is_tried_alone(self, function: ModuleType) -> None:
        pulls, event = Pulls(), bundle(("a", "one"), ("a", "two"), ("b", "three"))
        event["Records"][0]["attributes"]["ApproximateReceiveCount"] = "2"
        assert run(function, pulls, event) == []
        assert (pulls.alone, pulls.pulled) == (["one", "two", "three"], [])

    def test_somebody_still_waits_for_what_was_asked_for(self, function: ModuleType) -> None:
        pulls, event = Pulls(), bundle(("a", "asked-one"), ("b", "asked-two"), asked=True)
        event["Records"][0]["attributes"]["ApproximateReceiveCount"] = "3"
        assert run(function, pulls, event) == []
        assert pulls.alone == ["asked-one", "asked-two"]

    def test_one_that_is_alone_is_pulled(self, function: ModuleType) -> None:
        pulls, event = Pulls(), batch(("a", "one-alone"), ("b", "two"))
        for record in event["Records"]:
            record["attributes"]["ApproximateReceiveCount"] = "2"
        assert run(function, pulls, event) == []
        assert (pulls.alone, sorted(pulls.pulled)) == ([], ["one-alone", "two"])

    def test_where_the_queue_takes_none_they_are_pulled_all_the_same(self, function: ModuleType) -> None:
        pulls, event = Pulls(), bundle(("a", "one"), ("b", "bug"))
        event["Records"][0]["attributes"]["ApproximateReceiveCount"] = "2"
        pulls.refuses = True
        assert run(function, pulls, event) == ["m"]
        assert sorted(pulls.pulled) == ["bug", "one"]


def test_what_is_put_on_the_queue_is_told_by_its_message_and_feed(function: ModuleType) -> None:
    """A batch that is delivered twice puts it there once; two messages of a minute are two."""
    pulls = Pulls()
    event = bundle(("a", "bug-1"), ("a", "bug-2"))
    other = bundle(("a", "bug-1"), ("a", "bug-2"))
    other["Records"][0]["messageId"] = "other"
    for one in (event, event, other):
        run(function, pulls, one)
    assert pulls.words[:2] == pulls.words[2:4]
    assert len(set(pulls.words)) == 4


def test_where_it_cannot_be_put_anywhere_its_message_comes_again(function: ModuleType) -> None:
    pulls = Pulls()
    pulls.refuses = True
    assert run(function, pulls, bundle(("a", "bug"), ("a", "two"), ("b", "bug-too"))) == ["m"]
    assert sorted(pulls.pulled) == ["bug", "bug-too", "two"]


def test_what_the_function_is_built_of_can_leave_a_lane_and_take_what_broke(function: ModuleType) -> None:
    """The tests' own stand for it elsewhere here."""
    function.sync_feed.leave("a lane that was never pulled", NOW)
    queue: SyncQueue = function.sync_queue
    assert all(callable(getattr(queue, name)) for name in ("alone", "put_back"))
    assert function.sync_feed.clock.now().tzinfo


def test_one_that_breaks_is_judged_by_its_age_all_the_same(
    function: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    run(function, Pulls(), batch(("a", "bug hangs")))
    assert json.loads(capsys.readouterr().err.splitlines()[-1])["broken"] == 1


def test_a_pull_that_waited_too_long_is_dropped(function: ModuleType) -> None:
    pulls = Pulls()
    assert run(function, pulls, batch(("a", "one"), minute=minute_of(NOW) - 11)) == []
    assert pulls.pulled == []


def test_one_that_broke_before_is_not_dropped_but_comes_to_the_dead_letters(function: ModuleType) -> None:
    pulls = Pulls()
    event = batch(("a", "bug-alone"), minute=minute_of(NOW) - 12)
    event["Records"][0]["attributes"]["ApproximateReceiveCount"] = "2"
    assert run(function, pulls, event) == ["bug-alone"]
    assert pulls.pulled == ["bug-alone"]


def test_a_lane_that_hangs_is_left_off_in_time(function: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    pulls = Pulls()
    assert run(function, pulls, batch(*(("a", f"hangs-{n}") for n in range(5)))) == []
    assert pulls.pulled == ["hangs-0", "hangs-1"]
    (line,) = emf.lines(capsys.readouterr().out)
    assert line.metrics["PullsLeftOff"] == ("Count", [3])
    assert pulls.late == ["hangs-2", "hangs-3", "hangs-4"], "they grow old all the same"
    assert line.metrics["SourcesBroken"] == ("Count", [3])


def test_what_is_too_old_to_be_pulled_is_judged_as_long_as_there_is_time(function: ModuleType) -> None:
    pulls = Pulls()
    assert run(function, pulls, batch(("a", "sick"), ("a", "old"), minute=minute_of(NOW) - 11)) == []
    assert (pulls.pulled, pulls.late) == ([], ["sick", "old"])
    pulls = Pulls()
    assert run(function, pulls, batch(("a", "old"), minute=minute_of(NOW) - 11), seconds=5) == []
    assert pulls.late == []


class TestWhileTheTableDoesNotAnswer:
    """However long that lasts: dead letters are for bugs."""

    def test_a_pull_is_done_with_and_its_next_turn_comes(
        self, function: ModuleType, capsys: pytest.CaptureFixture[str]
    ) -> None:
        pulls = Pulls()
        assert run(function, pulls, bundle(("a", "outage"), ("a", "two"), ("b", "three"))) == []
        assert (pulls.alone, pulls.put) == ([], [])
        assert sorted(pulls.pulled) == ["outage", "three", "two"]
        assert pulls.late == ["outage"], "it grows old all the same"
        out, err = capsys.readouterr()
        (line,) = emf.lines(out)
        assert line.metrics["PullsUnanswered"] == ("Count", [1])
        assert "PullsBroke" not in line.metrics
        assert "the table did not answer" in err
        assert "Maria" not in err

    def test_one_that_was_tried_alone_is_no_dead_letter(self, function: ModuleType) -> None:
        pulls, event = Pulls(), batch(("a", "outage-alone"), minute=minute_of(NOW) - 36)
        event["Records"][0]["attributes"]["ApproximateReceiveCount"] = "3"
        assert run(function, pulls, event) == []
        assert (pulls.alone, pulls.put) == ([], [])

    def test_one_that_broke_a_moment_ago_is_tried_again(self, function: ModuleType) -> None:
        pulls = Pulls()
        assert run(function, pulls, batch(("a", "outage-alone"))) == []
        assert pulls.alone == ["outage-alone"]

    def test_what_somebody_waits_for_comes_again_until_it_is_answered_and_not_at_once(
        self, function: ModuleType
    ) -> None:
        pulls = Pulls()
        assert run(function, pulls, batch(("a", "asked-outage"), ("b", "one"))) == []
        assert pulls.put == [("asked-outage", "7")]
        assert pulls.clock.now() == NOW + timedelta(seconds=function.UNANSWERED_PAUSE)
        for minutes, comes in ((11, True), (600, True), (24 * 60 + 1, False)):
            pulls = Pulls()
            assert run(function, pulls, batch(("a", "asked-outage"), minute=minute_of(NOW) - minutes)) == []
            assert pulls.put == [("asked-outage", "7")] * comes

    def test_a_table_that_hangs_does_not_outlast_the_function(self, function: ModuleType) -> None:
        pulls = Pulls()
        pulls.outage = 20
        assert run(function, pulls, bundle(*(("a", f"outage-{n}") for n in range(5)))) == []
        assert pulls.pulled == ["outage-0", "outage-1"]
        pulls = Pulls()
        pulls.outage = 50
        assert run(function, pulls, bundle(("a", "outage"))) == []
        assert pulls.late == [], "to judge it would take as long once more"

    def test_what_the_table_refuses_is_a_bug(self, function: ModuleType) -> None:
        pulls = Pulls()
        assert run(function, pulls, bundle(("a", "refused"), ("a", "two"))) == []
        assert pulls.alone == ["refused"]
        assert run(function, pulls, batch(("a", "refused-alone"))) == ["refused-alone"]


class TestSyncNow:
    def test_it_goes_before_what_is_due_and_is_never_too_old(self, function: ModuleType) -> None:
        pulls = Pulls()
        assert run(function, pulls, batch(("a", "one"), ("a", "asked-two"), minute=minute_of(NOW) - 30)) == []
        assert pulls.pulled == ["asked-two"]
        assert run(function, pulls, batch(("a", "one"), ("a", "two"), ("a", "asked-two"))) == []
        assert pulls.pulled == ["asked-two", "asked-two", "one", "two"]

    def test_its_lane_goes_before_other_lanes(self, function: ModuleType) -> None:
        pulls, others = Pulls(), [(f"lane-{n}", f"feed-{n}") for n in range(3)]
        function.MOST_SIDE_BY_SIDE = 1  # type: ignore[attr-defined]
        messages = [*others, ("c", "c-alone"), ("b", "last-of-b"), ("b", "asked-of-b")]
        assert run(function, pulls, batch(*messages)) == []
        assert pulls.pulled == ["asked-of-b", "last-of-b", "c-alone", "feed-0", "feed-1", "feed-2"]

    def test_where_there_is_no_time_for_it_it_comes_again(self, function: ModuleType) -> None:
        pulls = Pulls()
        messages = [("a", f"asked-hangs-{n}") for n in range(3)] + [("a", "hangs")]
        assert run(function, pulls, batch(*messages)) == []
        assert pulls.pulled == ["asked-hangs-0", "asked-hangs-1"]
        assert pulls.put == [("asked-hangs-2", "7")], "behind its own lane, and at once"
        pulls.refuses = True
        assert run(function, pulls, batch(*messages)) == ["asked-hangs-2"]

    def test_one_whose_budget_is_used_up_comes_again_for_a_while(self, function: ModuleType) -> None:
        late = {"asked-late": SyncReport(Outcome.LEFT_OFF)}
        pulls = Pulls(**late)
        assert run(function, pulls, batch(("a", "asked-late"), ("a", "one"))) == []
        assert (pulls.pulled, pulls.put) == (["asked-late", "one"], [("asked-late", "7")])
        assert pulls.left_off == [minute_of(NOW)]
        for minutes, comes in ((10, True), (11, False)):
            pulls, since = Pulls(**late), minute_of(NOW) - minutes
            assert run(function, pulls, batch(("a", "asked-late"), minute=since, left_off=since)) == []
            assert pulls.left_off == [since] * comes
            assert pulls.given_up == [("asked-late", since)] * (not comes), "whoever waits is told"

    def test_one_that_had_waited_for_long_is_tried_as_long_as_any_other(self, function: ModuleType) -> None:
        """In an outage, or in its queue: that is no try that was left off."""
        late = {"asked-late": SyncReport(Outcome.LEFT_OFF)}
        pulls = Pulls(**late)
        assert run(function, pulls, batch(("a", "asked-late"), minute=minute_of(NOW) - 600)) == []
        assert (pulls.put, pulls.left_off, pulls.given_up) == ([("asked-late", "7")], [minute_of(NOW)], [])
        pulls = Pulls()
        outage = batch(("a", "asked-outage"), minute=minute_of(NOW) - 12, left_off=minute_of(NOW) - 9)
        assert run(function, pulls, outage) == []
        assert (pulls.put, pulls.left_off) == ([("asked-outage", "7")], [None]), "counted anew after it"
        pulls = Pulls(**late)
        assert run(function, pulls, batch(("a", "asked-late"), minute=minute_of(NOW) - 24 * 60 - 1)) == []
        assert (pulls.put, len(pulls.given_up)) == ([], 1), "nobody waits for it any more"

    def test_one_that_nobody_can_be_told_of_is_not_given_up(
        self, function: ModuleType, capsys: pytest.CaptureFixture[str]
    ) -> None:
        since = minute_of(NOW) - 11
        for mute, seconds in ((True, 0), (False, 12)):
            pulls = Pulls(seconds=seconds, **{"asked-late": SyncReport(Outcome.LEFT_OFF)})
            pulls.mute = mute
            assert run(function, pulls, batch(("a", "asked-late"), minute=since, left_off=since), seconds=15) == []
            assert (pulls.put, pulls.left_off) == ([("asked-late", "7")], [since])
        assert "nobody told" in capsys.readouterr().err

    def test_one_that_broke_is_tried_for_a_while_too(self, function: ModuleType) -> None:
        late = {"asked-late-alone": SyncReport(Outcome.LEFT_OFF)}
        pulls, since = Pulls(**late), minute_of(NOW) - 36
        assert run(function, pulls, batch(("a", "asked-late-alone"), minute=since)) == []
        assert (pulls.alone, pulls.put) == (["asked-late-alone"], [])
        pulls = Pulls(**late)
        assert run(function, pulls, batch(("a", "asked-late-alone"), minute=since, left_off=since)) == []
        assert (pulls.alone, pulls.given_up) == ([], [("asked-late-alone", since)])

    def test_behind_one_that_breaks_the_others_go_on(self, function: ModuleType) -> None:
        pulls = Pulls()
        assert run(function, pulls, batch(("a", "one"), ("a", "asked-bug"), ("a", "two"))) == []
        assert pulls.pulled == ["asked-bug", "one", "two"]
        assert pulls.alone == ["asked-bug"]


BROKEN = SourceBroken("harbor", "tanaka", "auth_revoked", NOW)
REPORTS = {
    "calm": SyncReport(Outcome.UNCHANGED, seen=40, set_aside=1),
    "busy": SyncReport(
        Outcome.CHANGED,
        seen=30,
        changed=5,
        missing=1,
        set_aside=2,
        confirmed=3,
        events=(SourceWell("harbor", "busy", NOW), PullFinished("harbor", "busy", "changed")),
    ),
    "lost": SyncReport(Outcome.FAILED, failure="auth_revoked", events=(BROKEN,)),
    "slow": SyncReport(Outcome.FAILED, failure="unavailable"),
    "patient": SyncReport(Outcome.WAITING, failure="unavailable"),
}
"""A batch in which everything happens."""


def everything(function: ModuleType) -> None:
    lane = [("a", name) for name in (*REPORTS, "bug", "behind")]
    run(function, Pulls(seconds=20, **REPORTS), batch(*lane, minute=minute_of(NOW) - 2), seconds=600)


def test_a_batch_is_one_line(function: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    everything(function)
    bug, line = map(json.loads, capsys.readouterr().err.splitlines())

    assert bug["message"] == "pull broke"
    assert bug["error"].startswith("KeyError at test_sync_function.py:")
    line.pop("milliseconds")
    assert line == {
        "message": "batch pulled",
        "service": "sync_schedule",
        "pulls": 7,
        "again": 0,
        "ends": {"unchanged": 2, "changed": 1, "failed": 2, "waiting": 1, "broke": 1},
        "faults": {"auth_revoked": 1, "unavailable": 1},
        "broken": 1,
        "well": 1,
        "seen": 70,
        "changed": 5,
        "confirmed": 3,
        "missing": 1,
        "set_aside": 3,
        "lag_seconds": 260.0,
    }


def test_a_batch_is_counted_without_naming_whose_it_is(
    function: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    everything(function)
    (line,) = emf.lines(capsys.readouterr().out)

    assert line.namespace == emf.NAMESPACE
    assert line.dimensions == {"service": "sync_schedule"}
    assert line.other == {}
    took = line.metrics["PullDuration"]
    assert took[0] == "Seconds"
    assert len(took[1]) == 5
    assert {name: found for name, found in line.metrics.items() if name != "PullDuration"} == {
        "PullsUnchanged": ("Count", [2]),
        "PullsChanged": ("Count", [1]),
        "PullsFailed": ("Count", [2]),
        "PullsWaiting": ("Count", [1]),
        "PullsBroke": ("Count", [1]),
        "RowsPulled": ("Count", [70]),
        "VisitsChanged": ("Count", [5]),
        "RequestsMatched": ("Count", [3]),
        "VisitsMissing": ("Count", [1]),
        "RowsSetAside": ("Count", [3]),
        "SourcesBroken": ("Count", [1]),
        "SourcesWell": ("Count", [1]),
        # Due two minutes before the batch came; each pull takes twenty seconds more. One that only waits tells no time.
        "PullLag": ("Seconds", [140, 160, 180, 200, 260]),
    }


def test_a_dropped_pull_is_counted_and_tells_no_time(function: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    run(function, Pulls(), batch(("a", "one"), ("b", "two"), minute=minute_of(NOW) - 11))
    (line,) = emf.lines(capsys.readouterr().out)

    assert line.metrics == {"PullsStale": ("Count", [2])}


def test_a_batch_leaves_nothing_behind_for_the_next(function: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    everything(function)
    run(function, Pulls(), batch(("a", "one")))
    _, line = emf.lines(capsys.readouterr().out)

    assert set(line.metrics) == {"PullsUnchanged", "PullLag", "PullDuration"}
    assert line.dimensions == {"service": "sync_schedule"}


def test_every_end_has_a_metric_of_its_own() -> None:
    assert set(Outcome) <= set(ENDS)
    assert len({*ENDS.values(), *TOTALS.values()}) == len(ENDS) + len(TOTALS)


NAMES = st.text("ñÅéx", min_size=6)
"""Names that nothing else is made of."""


@given(practice=NAMES, feed=NAMES, person=NAMES, outcome=st.sampled_from(Outcome), breaks=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_whoever_it_concerns_is_never_printed(
    function: ModuleType,
    capsys: pytest.CaptureFixture[str],
    practice: str,
    feed: str,
    person: str,
    outcome: Outcome,
    breaks: bool,
) -> None:
    events = (VisitMissing(practice, person, person, person), SourceBroken(practice, feed, "unavailable", NOW))
    pulls = Pulls(**{feed: SyncReport(outcome, 3, 2, events=events)})
    event = batch((f"lane of {practice}", f"{feed} bug" if breaks else feed), practice=practice)
    run(function, pulls, event)
    out, err = capsys.readouterr()
    printed = out + err

    assert out
    for name in (practice, feed, person):
        assert name not in printed
        assert json.dumps(name)[1:-1] not in printed
