"""Where several tries of one request end in different ways, the source's own fault is what is told of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from oneway.faults import OutOfTime, RateLimited, SourceError, Unavailable
from oneway.sources.http import Answer, SourceHttp
from oneway.sources.pacing import Pace

from tests.builders import NOW
from tests.fakes.store import FakeClock

URL = "https://ehr.example/fhir/Appointment"


class Tries:
    """What a source does, try by try: a status, or so many seconds in which nothing comes (at most what is left)."""

    def __init__(self, *does: int | float, deadline: float = 45, gap: float = 0) -> None:
        self.does, self.clock = list(does), FakeClock(NOW)
        self.pace = Pace(60 / gap, self.clock) if gap else None
        self.deadline = NOW + timedelta(seconds=deadline)

    def monotonic(self) -> float:
        return (self.clock.at - NOW).total_seconds()

    def once(self, target: object, headers: object, ends: float, body: object = None) -> Answer:
        does = self.does.pop(0)
        if isinstance(does, int):
            self.clock.advance(milliseconds=50)
            return Answer(does, {"retry-after": "90"} if does == 429 else {}, b"{}")
        self.clock.advance(seconds=min(does, ends - self.monotonic()))
        raise Unavailable("ReadTimeoutError")

    def get(self) -> Any:
        http = SourceHttp(URL, self.clock, monotonic=self.monotonic, deadline=self.deadline, pace=self.pace)
        return http.get(URL)


@pytest.fixture
def fault_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[Tries], SourceError]:
    def fault(tries: Tries) -> SourceError:
        monkeypatch.setattr(SourceHttp, "_once", lambda http, *asked: tries.once(*asked))
        with pytest.raises(SourceError) as caught:
            tries.get()
        return caught.value

    return fault


@pytest.mark.parametrize(
    ("tries", "told"),
    [
        (Tries(503, 503, 503), "503"),
        (Tries(503, 503, 60.0), "503"),
        (Tries(503, 60.0), "503"),
        (Tries(15.0, 15.0, 15.0, deadline=40), "ReadTimeoutError"),
        (Tries(503, gap=60), "503"),
        (Tries(503, 503, gap=20, deadline=30), "503"),
    ],
)
def test_a_fault_of_the_sources_stands_though_our_time_ends_too(
    fault_of: Callable[[Tries], SourceError], tries: Tries, told: str
) -> None:
    fault = fault_of(tries)
    assert type(fault) is Unavailable
    assert str(fault) == told


@pytest.mark.parametrize("tries", [Tries(60.0), Tries(60.0, deadline=10)])
def test_one_that_had_no_more_than_our_time_is_at_no_fault(
    fault_of: Callable[[Tries], SourceError], tries: Tries
) -> None:
    assert type(fault_of(tries)) is OutOfTime


def test_what_the_source_asks_for_goes_before_what_failed(fault_of: Callable[[Tries], SourceError]) -> None:
    fault = fault_of(Tries(503, 429))
    assert isinstance(fault, RateLimited)
    assert fault.until
    assert fault.until - NOW > timedelta(seconds=89)
