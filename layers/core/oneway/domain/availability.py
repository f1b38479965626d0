"""When a provider can be booked online: opening hours by the wall clock (product section 4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple


class Opening(NamedTuple):
    """One opening interval of a day, in wall-clock minutes after midnight: 0 <= start < end <= 1440."""

    start_minutes: int
    end_minutes: int


Hours = tuple[Opening, ...]
Week = tuple[Hours, Hours, Hours, Hours, Hours, Hours, Hours]
CLOSED_WEEK: Week = ((), (), (), (), (), (), ())


@dataclass(frozen=True, slots=True)
class DefaultWeek:
    """Opening intervals per weekday (Monday first), in force from the Monday `begins` on (always, if None)."""

    week: Week
    begins: date | None = None


@dataclass(frozen=True, slots=True)
class Availability:
    """Default weeks (any order) and the weeks that override them, keyed by their Monday."""

    default_weeks: tuple[DefaultWeek, ...]
    overrides: Mapping[date, Week] = field(default_factory=dict)

    def hours_on(self, day: date) -> Hours:
        """The opening intervals of a local day."""
        monday = day - timedelta(days=day.weekday())
        override = self.overrides.get(monday)
        week = override if override is not None else self._default_of(monday)
        return week[day.weekday()]

    def _default_of(self, monday: date) -> Week:
        in_force = [d for d in self.default_weeks if d.begins is None or d.begins <= monday]
        if not in_force:
            return CLOSED_WEEK
        return max(in_force, key=lambda d: d.begins or date.min).week
