"""What happens most costs no more units than goals.md allows (as `make bench` shows), nor than `make scale` says."""

import pytest

from tests.benchmarks.scale.assumptions import Assumptions
from tests.benchmarks.units import ARRIVED, CANCELLED, ENTERED, LOOK_BACK, Row, Units, measure


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return measure()


def test_the_goals_are_reached(rows: list[Row]) -> None:
    assert [row.what for row in rows if not row.reached] == [], rows


def test_costs_on_paper_are_of_what_is_measured(rows: list[Row]) -> None:
    """Never less than that; of what is dear, what is written, not two units more."""
    assumed, measured = Assumptions(), {row.what: row.units for row in rows}
    read = assumed.state_read + assumed.digests_read + assumed.read_a_change
    written = assumed.digests_written + assumed.state_written
    said = {
        ENTERED: Units(read, assumed.written_a_visit + written),
        CANCELLED: Units(read, assumed.written_a_change + written),
        LOOK_BACK: Units(assumed.state_read + assumed.look_back_read, assumed.state_written),
    }
    for what, units in said.items():
        assert measured[what].read <= units.read, what
        assert measured[what].written <= units.written < measured[what].written + 2, what
    assert measured[ARRIVED].written <= measured[CANCELLED].written
