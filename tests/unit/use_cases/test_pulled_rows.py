"""Rows as a pull goes on with them."""

from secrets import token_hex

from msgspec.structs import replace
from oneway.domain.appointments import WhyAside
from oneway.ports import Translated
from oneway.use_cases.pulled_rows import usable_rows

from tests.builders import a_row, feed_settings


def test_a_row_that_no_item_could_hold_is_set_aside() -> None:
    large = replace(a_row(), external_id="2", raw_state=token_hex(200_000))
    rows, aside, unreadable = usable_rows(feed_settings(), Translated([(a_row(), b"1"), (large, b"2")]))
    assert [row.external_id for row, _ in rows.values()] == [a_row().external_id]
    assert [(one.reason, one.external_id) for one in aside] == [(WhyAside.TOO_LARGE, "2")]
    assert len(unreadable) == 1
