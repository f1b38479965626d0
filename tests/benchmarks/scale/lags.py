"""Lags from staff's entry to the end of the pull that sees it, without drawing a single entry.

Entries come uniformly in time. A pull that asks the source at `asked` and ends at `ended` sees all that were made since
`asked_before`; their lags are spread evenly over [ended - asked, ended - asked_before]. Adding up these stretches gives the
whole distribution, exact to a tenth of a second.
"""

from msgspec import Struct, field

STEP = 0.1
"""Seconds."""


class Lags(Struct):
    """How much time went by, by the lag that an entry made then had."""

    _rises: dict[int, int] = field(default_factory=dict)

    def add(self, shortest: float, longest: float) -> None:
        """A pull that saw a stretch of entries."""
        low, high = round(shortest / STEP), round(longest / STEP)
        if high > low:
            rises = self._rises
            rises[low] = rises.get(low, 0) + 1
            rises[high] = rises.get(high, 0) - 1

    def shares(self) -> list[tuple[float, float]]:
        """(seconds, share of entries seen within them), rising, at every step where the density changes."""
        found, density, seen, before = [], 0, 0, 0
        for at, change in sorted(self._rises.items()):
            seen += density * (at - before)
            found.append((at * STEP, float(seen)))
            density, before = density + change, at
        return [(at, part / seen) for at, part in found] if seen else []

    def percentile(self, share: float) -> float:
        """Seconds within which this share of entries is seen; nan of none."""
        before = (0.0, 0.0)
        for at, part in self.shares():
            if part >= share:
                (left, low), right, high = before, at, part
                return left + (right - left) * (share - low) / (high - low) if high > low else right
            before = (at, part)
        return float("nan")

    @property
    def longest(self) -> float:
        """The worst lag; nan of none."""
        return max(self._rises, default=float("nan")) * STEP
