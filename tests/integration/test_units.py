"""What happens most costs no more units than goals.md allows (the same counts that `make bench` shows)."""

from tests.benchmarks.units import measure


def test_the_goals_are_reached() -> None:
    rows = measure()
    assert [row.what for row in rows if not row.reached] == [], rows
