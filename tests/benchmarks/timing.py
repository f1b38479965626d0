"""What the tables of times share."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter


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
