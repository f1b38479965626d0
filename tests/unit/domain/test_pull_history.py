"""Counts of what pulls changed: few, whatever happens, and the last day's only."""

from datetime import timedelta

from oneway.domain.feeds import next_turn, spoke_of
from oneway.domain.pull_history import HOURS, Counts, by_hour, counted

from tests.builders import NOW, a_feed, feed_settings


def test_what_is_changed_within_an_hour_is_added_up_and_a_day_later_dropped() -> None:
    counts = counted(counted((), NOW, 2), NOW + timedelta(minutes=59), 3)
    assert [count for _, count in counts] == [5]
    assert [count for _, count in counted(counts, NOW + timedelta(hours=1), 1)] == [5, 1]
    assert [count for _, count in counted(counts, NOW + timedelta(hours=HOURS), 1)] == [1]


def test_a_year_of_changes_leaves_a_day_of_counts() -> None:
    counts: Counts = ()
    for hour in range(24 * 30):
        counts = counted(counts, NOW + timedelta(hours=hour), 1)
    assert len(counts) == HOURS


def test_feeds_are_added_up_hour_by_hour_with_hours_in_which_nothing_changed() -> None:
    earlier = counted((), NOW - timedelta(hours=3), 4)
    hours = by_hour([earlier, counted(earlier, NOW, 1), counted((), NOW - timedelta(days=2), 9)], NOW)
    assert len(hours) == HOURS
    assert hours[-1] == (NOW, 1)
    assert hours[-4] == (NOW - timedelta(hours=3), 8)
    assert sum(count for _, count in hours) == 9


def test_the_next_turn_is_the_wheel_s_and_waits_for_a_back_off() -> None:
    for interval in (1, 5, 15, 60):
        state = a_feed(settings=feed_settings(interval_minutes=interval))
        turn = next_turn(state, NOW)
        assert timedelta() < turn - NOW <= timedelta(minutes=interval)
        assert int(turn.timestamp()) // 60 % interval == spoke_of("harbor", "ehr~osei", interval)
        waiting = next_turn(a_feed(settings=state.settings, not_before=NOW + timedelta(minutes=33)), NOW)
        assert timedelta(minutes=33) < waiting - NOW <= timedelta(minutes=33 + interval)
