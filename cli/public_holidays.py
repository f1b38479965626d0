"""Public holidays, from the library that no function carries: practices are offered them as closures."""

from collections.abc import Iterable, Sequence
from datetime import date


def public_holidays(country: str, region: str, years: Iterable[int]) -> Sequence[tuple[date, str]]:
    """Implements ports.PublicHolidays."""
    import holidays  # takes longer to import than most commands take to run

    try:
        found = holidays.country_holidays(country, subdiv=region or None, years=years)
    except NotImplementedError:
        return ()
    return sorted(found.items())


def regions_of(country: str) -> Sequence[str]:
    """The regions of a country that have public holidays of their own (ISO 3166-2, without the country)."""
    import holidays

    return tuple(holidays.list_supported_countries(include_aliases=False).get(country, ()))
