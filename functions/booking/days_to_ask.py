"""The days that patients can prefer who ask for another time."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from msgspec import Struct
from oneway.domain.practices import Practice, Provider
from oneway.languages.formats import week_begins
from oneway.use_cases.request_form import preferable
from page_requests import span

SHOWN = 35
"""Five weeks."""


class DaysToAsk(Struct, frozen=True):
    """`weeks` of seven days; those `offered` can be chosen, and those of `named` say their month."""

    weeks: Sequence[Sequence[date]]
    offered: frozenset[date]
    named: frozenset[date]


def days_to_ask(practice: Practice, providers: Sequence[Provider], now: datetime) -> DaysToAsk:
    """Five weeks, or what there is of them before the horizon, from the first day on which one of the providers sees patients.

    Where they never do (closed for long, hours not entered yet), any day: whoever finds no time can always ask for one.
    """
    bounds = [preferable(practice, one, now) for one in providers]
    # Whoever of them it will be, wherever that is.
    first, last = max(one for one, _ in bounds), min(one for _, one in bounds)
    opens = _first_open(practice, providers, first, last)
    days = _up_to(opens or first, max(first, last))
    offered = _open_on(practice, providers, days) if opens else days
    named = {(one.year, one.month): one for one in reversed(offered)}.values()
    begins = days[0] - timedelta(days=(days[0].weekday() - week_begins(practice.country)) % 7)
    weeks = [list(span(begins + timedelta(weeks=n), 7)) for n in range((days[-1] - begins).days // 7 + 1)]
    return DaysToAsk(weeks, frozenset(offered), frozenset(named))


def _first_open(practice: Practice, providers: Sequence[Provider], first: date, last: date) -> date | None:
    """The first day on which one of them sees patients; None if they never do."""
    while first <= last:
        days = _up_to(first, last)
        if found := _open_on(practice, providers, days):
            return found[0]
        first = days[-1] + timedelta(days=1)
    return None


def _up_to(first: date, last: date) -> list[date]:
    """So many days as are shown, or fewer: none after the last."""
    return list(span(first, min(SHOWN, (last - first).days + 1)))


def _open_on(practice: Practice, providers: Sequence[Provider], days: Sequence[date]) -> list[date]:
    """Those of some days in a row on which one of them sees patients."""
    hours = [practice.availability_of(one).open_hours(days[0], len(days)) for one in providers]
    return [day for n, day in enumerate(days) if any(one[n] for one in hours)]
