"""What the tables of times share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter, process_time


@dataclass(frozen=True)
class Row:
    """A line of a table: what was measured, its milliseconds, the ratio to something beside it, and the goal."""

    what: str
    milliseconds: float
    ratio: str
    goal: str
    reached: bool


def seconds(repeats: int, act: Callable[[], object]) -> float:
    """The median of so many repeats, after one to warm up."""
    act()
    times = []
    for _ in range(repeats):
        began = perf_counter()
        act()
        times.append(perf_counter() - began)
    return median(times)


def processor_seconds(repeats: int, acts: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """The same of the processor's time, which others on the machine take none of. All are measured in turn, so that a processor
    that becomes slower meanwhile does so for all.
    """
    times: dict[str, list[float]] = {name: [] for name in acts}
    for turn in range(repeats + 1):
        for name, act in acts.items():
            began = process_time()
            act()
            if turn:
                times[name].append(process_time() - began)
    return {name: median(found) for name, found in times.items()}
