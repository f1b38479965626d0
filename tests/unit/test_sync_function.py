"""The sync function: lanes side by side, each in order; a bug in one holds up nothing but its own lane."""

import importlib.util
import json
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from oneway.domain.clock_time import minute_of
from oneway.use_cases.sync_feed import Outcome, SyncReport

from tests.builders import NOW
from tests.fakes.store import FakeClock

ROOT = Path(__file__).parents[2]
CONTEXT = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)


class Pulls:
    """Notes what was pulled; feeds named "bug" break, those that `meet` wait for each other."""

    def __init__(self, meet: int = 1) -> None:
        self.clock = FakeClock(NOW)
        self.pulled: list[str] = []
        self.deadlines: set[datetime] = set()
        self.barrier = Barrier(meet)

    def __call__(self, practice: str, feed: str, *, now_asked: bool, deadline: datetime) -> SyncReport:
        assert now_asked is ("asked" in feed)
        self.barrier.wait(10)
        self.pulled.append(feed)
        if "hangs" in feed:
            self.clock.advance(seconds=20)
        self.deadlines.add(deadline)
        if "bug" in feed:
            raise KeyError("Maria Núñez")
        return SyncReport(Outcome.UNCHANGED)


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    for name in ("TABLE_NAME", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "us-east-1")
    path = ROOT / "functions/sync_schedule/sync_schedule_function.py"
    spec = importlib.util.spec_from_file_location("sync_schedule_function", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop("sync_schedule_function", None)


def batch(*messages: tuple[str, str], minute: int = minute_of(NOW)) -> dict[str, Any]:
    """Messages of (lane, feed); a message's id is its feed."""
    return {
        "Records": [
            {
                "messageId": feed,
                "body": json.dumps(
                    {
                        "practice": "harbor",
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


def run(function: ModuleType, pulls: Pulls, event: dict[str, Any]) -> list[str]:
    function.sync_feed = pulls  # type: ignore[attr-defined]
    answer = function.handler(event, CONTEXT)
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


def test_a_lane_that_hangs_is_left_off_in_time(function: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    pulls = Pulls()
    assert run(function, pulls, batch(*(("a", f"hangs-{n}") for n in range(5)))) == []
    assert pulls.pulled == ["hangs-0", "hangs-1"]
    assert "lane left off" in capsys.readouterr().err


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
