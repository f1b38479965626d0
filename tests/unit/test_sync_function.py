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
from oneway.domain.events import PullFinished, SourceBroken, SourceWell, VisitMissing
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
        return self.reports.get(feed, SyncReport(Outcome.UNCHANGED))


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return emf.load("sync_schedule", monkeypatch)


def batch(*messages: tuple[str, str], practice: str = "harbor", minute: int = minute_of(NOW)) -> dict[str, Any]:
    """Messages of (lane, feed); a message's id is its feed."""
    return {
        "Records": [
            {
                "messageId": feed,
                "body": json.dumps(
                    {
                        "practice": practice,
                        "feed": feed,
                        "minute": minute,
                        **({"asked": True} if "asked" in feed else {}),
                    }
                ),
                "attributes": {"MessageGroupId": lane},
            }
            for lane, feed in messages
        ]
    }


def run(function: ModuleType, pulls: Pulls, event: dict[str, Any], seconds: int = 60) -> list[str]:
    function.sync_feed = pulls  # type: ignore[attr-defined]
    answer = function.handler(event, SimpleNamespace(get_remaining_time_in_millis=lambda: seconds * 1000))
    return [one["itemIdentifier"] for one in answer["batchItemFailures"]]


def test_lanes_are_pulled_side_by_side(function: ModuleType) -> None:
    pulls = Pulls(meet=10)
    assert run(function, pulls, batch(*((f"lane-{n}", f"feed-{n}") for n in range(10)))) == []
    assert len(pulls.pulled) == 10
    assert pulls.deadlines == {NOW + timedelta(seconds=45)}


def test_a_lane_keeps_its_order_and_what_stands_behind_a_bug_waits(
    function: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    pulls = Pulls()
    again = run(function, pulls, batch(("a", "one"), ("a", "bug"), ("a", "two"), ("b", "three")))
    assert again == ["bug", "two"]
    assert [feed for feed in pulls.pulled if feed != "three"] == ["one", "bug"]
    assert "three" in pulls.pulled
    assert "Maria" not in capsys.readouterr().err


def test_a_pull_that_waited_too_long_is_dropped(function: ModuleType) -> None:
    pulls = Pulls()
    assert run(function, pulls, batch(("a", "one"), minute=minute_of(NOW) - 11)) == []
    assert pulls.pulled == []


def test_one_that_broke_before_is_not_dropped_but_comes_to_the_dead_letters(function: ModuleType) -> None:
    pulls = Pulls()
    event = batch(("a", "bug"), minute=minute_of(NOW) - 12)
    event["Records"][0]["attributes"]["ApproximateReceiveCount"] = "2"
    assert run(function, pulls, event) == ["bug"]
    assert pulls.pulled == ["bug"]


def test_a_lane_that_hangs_is_left_off_in_time(function: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    pulls = Pulls()
    assert run(function, pulls, batch(*(("a", f"hangs-{n}") for n in range(5)))) == []
    assert pulls.pulled == ["hangs-0", "hangs-1"]
    (line,) = emf.lines(capsys.readouterr().out)
    assert line.metrics["PullsLeftOff"] == ("Count", [3])


class TestSyncNow:
    def test_it_goes_before_what_is_due_and_is_never_too_old(self, function: ModuleType) -> None:
        pulls = Pulls()
        assert run(function, pulls, batch(("a", "one"), ("a", "asked-two"), minute=minute_of(NOW) - 30)) == []
        assert pulls.pulled == ["asked-two"]
        assert run(function, pulls, batch(("a", "one"), ("a", "two"), ("a", "asked-two"))) == []
        assert pulls.pulled == ["asked-two", "asked-two", "one", "two"]

    def test_where_there_is_no_time_for_it_it_comes_again(self, function: ModuleType) -> None:
        pulls = Pulls()
        messages = [("a", f"asked-hangs-{n}") for n in range(3)] + [("a", "hangs")]
        assert run(function, pulls, batch(*messages)) == ["asked-hangs-2"]
        assert pulls.pulled == ["asked-hangs-0", "asked-hangs-1"]

    def test_what_stands_behind_a_bug_comes_again(self, function: ModuleType) -> None:
        pulls = Pulls()
        assert run(function, pulls, batch(("a", "one"), ("a", "asked-bug"), ("a", "two"))) == [
            "asked-bug",
            "one",
            "two",
        ]


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
        "pulls": 6,
        "again": 2,
        "ends": {"unchanged": 1, "changed": 1, "failed": 2, "waiting": 1, "broke": 1},
        "faults": {"auth_revoked": 1, "unavailable": 1},
        "broken": 1,
        "well": 1,
        "seen": 70,
        "changed": 5,
        "confirmed": 3,
        "missing": 1,
        "set_aside": 3,
        "lag_seconds": 200.0,
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
    assert len(took[1]) == 4
    assert {name: found for name, found in line.metrics.items() if name != "PullDuration"} == {
        "PullsUnchanged": ("Count", [1]),
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
        "PullLag": ("Seconds", [140, 160, 180, 200]),
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
