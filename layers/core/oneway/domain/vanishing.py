"""The brake: where much of a provider's schedule vanishes at once, the source is more likely wrong than the schedule."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from msgspec import Struct

from .clock_time import minute_of


class Brake(Struct, frozen=True):
    """A pull is held if at least `visits` future visits of a provider, and more than `percent` of them, vanish at once."""

    visits: int = 5
    percent: int = 30


USUAL_BRAKE = Brake()


class Held(Struct, frozen=True):
    """A pull that was held: since when, and how many of a provider's future visits it did not show. `visits` are the ids of all
    that it did not show and that are to come: what staff say holds for these alone.
    """

    since: datetime
    provider_id: str
    vanished: int
    of: int
    visits: tuple[str, ...] = ()

    def covers(self, visits: Collection[str]) -> bool:
        """Whether nothing but what was held is missing. Fewer are the same question; another one is a new one."""
        return set(visits) <= set(self.visits)


def held(
    absent: Mapping[str, int],
    present: Iterable[tuple[str, int]],
    provider_of: Mapping[str, str],
    brake: Brake,
    now: datetime,
) -> Held | None:
    """Whether the brake holds a pull.

    `absent` are newly absent appointments with their starts (epoch minutes) and `provider_of` tells whose they are;
    `present` are (provider id, start) of those that were there before and still are. The worst provider is named.
    """
    earliest = minute_of(now)
    vanished: dict[str, int] = {}
    to_come = tuple(sorted(i for i, start in absent.items() if start >= earliest and i in provider_of))
    for identifier in to_come:
        provider_id = provider_of[identifier]
        vanished[provider_id] = vanished.get(provider_id, 0) + 1
    total = dict(vanished)
    for provider_id, start in present:
        if start >= earliest:
            total[provider_id] = total.get(provider_id, 0) + 1
    tripped = [
        Held(now, provider_id, count, total[provider_id], to_come)
        for provider_id, count in vanished.items()
        if count >= brake.visits and count * 100 > brake.percent * total[provider_id]
    ]
    return max(tripped, key=lambda one: (one.vanished, one.provider_id), default=None)
