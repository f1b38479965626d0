"""Days, months and weeks as people of a language and country write them (Unicode CLDR)."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from oneway.languages import formats

DAY = date(2026, 11, 4)
WRITTEN = {
    ("en", "US"): (
        "Wednesday, November 4, 2026", "Wednesday, November 4", "Wed, Nov 4", "Wed, Nov 4, 2026", "November 4, 2026",
        "November 2026", "9:30 AM",
    ),
    ("en", "GB"): (
        "Wednesday 4 November 2026", "Wednesday 4 November", "Wed 4 Nov", "Wed 4 Nov 2026", "4 November 2026",
        "November 2026", "9:30",
    ),
    ("es", "US"): (
        "miércoles, 4 de noviembre de 2026", "miércoles, 4 de noviembre", "mié 4 nov", "mié 4 nov 2026",
        "4 de noviembre de 2026", "noviembre de 2026", "9:30 a. m.",
    ),
    ("es", "ES"): (
        "miércoles, 4 de noviembre de 2026", "miércoles, 4 de noviembre", "mié 4 nov", "mié 4 nov 2026",
        "4 de noviembre de 2026", "noviembre de 2026", "9:30",
    ),
}  # fmt: skip


@pytest.mark.parametrize("where", WRITTEN, ids="-".join)
def test_a_day_and_a_time(where: tuple[str, str]) -> None:
    language = where[0]
    found = (
        formats.day(DAY, *where), formats.day_of_year(DAY, *where), formats.short_day(DAY, *where),
        formats.short_date(DAY, *where), formats.birthday(DAY, *where), formats.month(DAY, language),
        formats.clock(datetime(2026, 11, 4, 9, 30), *where),
    )  # fmt: skip
    assert found == WRITTEN[where]
    assert found[0].lower().startswith(formats.weekday(DAY, language).lower())
    assert formats.month_first(*where) == (where == ("en", "US"))


def test_a_week_begins_as_in_the_country() -> None:
    assert formats.weekdays("en", "US")[0] == "Sunday"
    assert formats.weekdays("es", "MX")[:2] == ["domingo", "lunes"]
    assert formats.weekdays("es", "ES")[0] == "lunes"


def test_preferred_days() -> None:
    days = [DAY, date(2026, 11, 6)]
    assert formats.preferred(days, ["morning", "evening"], "en", "US") == "Wed, Nov 4; Fri, Nov 6 (morning, evening)"
    assert formats.preferred(days, [], "es", "ES") == "mié 4 nov; vie 6 nov"


def test_an_instant_names_its_zone() -> None:
    at = datetime(2026, 11, 4, 17, 30, tzinfo=ZoneInfo("UTC"))
    assert (
        formats.moment(at, ZoneInfo("America/Los_Angeles"), "en", "US") == "Wednesday, November 4, 2026, 9:30 AM (PST)"
    )
    assert formats.moment(at, ZoneInfo("America/Sao_Paulo"), "es", "ES").endswith("14:30 (UTC-3)")
