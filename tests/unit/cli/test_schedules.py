"""What `oneway status` says of a feed."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from oneway.domain.appointments import SetAsideRow
from oneway.domain.errors import VanishedAlreadyAnswered
from oneway.domain.feeds import FeedState, VanishedAnswer
from oneway.domain.vanishing import Held
from oneway.ports import Capabilities
from oneway.use_cases.try_pull import Tried
from rich.console import Console

from cli import schedules
from cli.terminal import Failure
from tests.builders import NOW, a_feed, a_practice
from tests.fakes.store import FakeStore


@pytest.mark.parametrize(
    ("minutes", "words"), [(3, "up to date"), (30, "30 min ago"), (180, "3 h ago"), (4320, "3 days ago")]
)
def test_how_old_a_schedule_is(minutes: int, words: str) -> None:
    assert schedules.age(NOW - timedelta(minutes=minutes), NOW) == words


def test_a_row_says_age_interval_last_change_and_what_was_set_aside() -> None:
    state = a_feed(last_good_at=NOW, last_change_at=NOW - timedelta(hours=1), set_aside=2)
    assert schedules._row(state, NOW, NOW) == ("up to date", "1 min", "2026-11-23 17:00 UTC", "2", "well")
    assert schedules._row(None, None, NOW)[0] == "never"


def test_what_could_not_be_used_is_counted_by_its_reason() -> None:
    store, state = FakeStore(), a_feed(set_aside=3)
    rows = [
        SetAsideRow(f"entry {n}", reason) for n, reason in enumerate(("has no start", "has no end", "has no start"))
    ]
    store.feeds.save(FeedState(state.settings), state)
    store.feeds.set_aside("harbor", "ehr~osei", rows)
    ours: Any = SimpleNamespace(feeds=store.feeds)
    told = list(schedules._aside(ours, {"ehr~osei": state, "ehr~brandt": a_feed("brandt")}))
    assert told == [("ehr~osei", "has no start", 2), ("ehr~osei", "has no end", 1)]


class TestATrial:
    """What `oneway source test` says of a brake that would hold."""

    def told(self, **found: Any) -> str:
        return schedules._brake(Tried(Capabilities(), 0, 0, {}, 0, 0, (), 0, 0, 0, **found), "harbor")

    def test_where_nothing_is_held_nothing_is_said(self) -> None:
        assert self.told() == ""

    def test_what_would_be_held_and_how_it_is_answered(self) -> None:
        told = self.told(held=Held(NOW, "osei", 5, 10))
        assert "held" in told
        assert "5 of 10 visits to come of osei" in told
        assert "oneway vanished harbor osei accept" in told

    def test_what_staff_have_said_already(self) -> None:
        told = self.told(held=Held(NOW, "osei", 5, 10), answer=VanishedAnswer.KEEP)
        assert "kept as they are" in told
        assert "oneway vanished" not in told


def test_an_operator_is_told_what_staff_have_answered_already(monkeypatch: pytest.MonkeyPatch) -> None:
    def answered(*asked: object) -> bool:
        raise VanishedAlreadyAnswered("keep", "nadia@harbor.example")

    stack: Any = SimpleNamespace(name="oneway", enter=lambda: None)
    monkeypatch.setattr(schedules, "operators", lambda: SimpleNamespace(answer_held=answered))
    monkeypatch.setattr(schedules, "practice_named", lambda ours, slug: a_practice())
    with pytest.raises(Failure) as caught:
        schedules.answer_vanished(stack, "harbor", "osei", VanishedAnswer.ACCEPT, Console())
    assert "nadia@harbor.example has answered already: kept as they are" in str(caught.value)
