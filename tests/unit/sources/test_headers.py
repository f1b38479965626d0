"""Headers of an answer that say what no server should."""

from types import SimpleNamespace
from typing import Any

import pytest
from oneway.faults import RateLimited, SchemaDrift, SourceError
from oneway.sources.http import Answer, SourceHttp

from tests.builders import NOW
from tests.fakes.store import FakeClock


def http() -> SourceHttp:
    return SourceHttp("https://ehr.example", FakeClock(NOW), monotonic=lambda: 0.0)


def read(**headers: str) -> Answer:
    parts = [b"{}", b""]
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response: Any = SimpleNamespace(headers=named, status=200, read1=lambda most: parts.pop(0))
    return http()._read(response, 60.0)


@pytest.mark.parametrize("length", ["9" * 5000, "9" * 12])
def test_a_length_beyond_all_numbers_is_beyond_all_bounds(length: str) -> None:
    with pytest.raises(SchemaDrift):
        read(Content_Length=length)


@pytest.mark.parametrize("length", ["", "2", "٢", "two", "-2", "0002"])
def test_one_that_says_nothing_or_is_right_does_no_harm(length: str) -> None:
    assert read(Content_Length=length).body == b"{}"


@pytest.mark.parametrize(
    "after",
    ["9" * 5000, "-1", "", "soon", "1e3", "²", "Fri, 99 Zzz 2026 99:99:99 GMT", "Fri, 31 Dec 9999 23:59:59 -2359", "0"],
)
@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 01 Jan 0001 00:00:00 +1400"])
def test_a_wait_that_is_none_is_none_and_no_bug(after: str, date: str) -> None:
    with pytest.raises(SourceError) as caught:
        http()._accepted(Answer(429, {"retry-after": after, "date": date}, b""), frozenset())
    assert isinstance(caught.value, RateLimited)
