"""Days, times and zones as people of a language and country write them."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

_WEEKDAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "es": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
}
_MONTHS = {
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December"),
    "es": ("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre",
           "noviembre", "diciembre"),
}  # fmt: skip
_TWELVE_HOURS = frozenset(("US", "CA", "AU", "NZ", "PH", "IN", "MX", "CO"))
"""Countries where a clock time is read with a.m. and p.m. (Unicode CLDR, preferred hour cycle)."""
_MONTH_FIRST = frozenset(("US", "CA", "PH", "PR", "GU", "VI", "AS", "MP"))
"""Countries where a date in English begins with its month (CLDR, en-US, en-CA, en-PH)."""
_FAMILY_FIRST = frozenset(("CN", "HK", "HU", "JP", "KH", "KR", "TW", "VN"))
"""Countries where the family's name comes first (CLDR, person names: surname-first order)."""
_SUNDAY_FIRST = frozenset(
    ("US", "CA", "MX", "BR", "CO", "PE", "VE", "GT", "HN", "NI", "SV", "PA", "DO", "PY", "PR", "GU", "VI", "AS", "PH",
     "JP", "KR", "TW", "HK", "IN", "IL", "ZA", "TH", "ID", "SG", "SA")
)  # fmt: skip
"""Countries whose weeks begin on Sunday (CLDR, week data); elsewhere they begin on Monday."""


def day(value: date, language: str, country: str) -> str:
    """A day with its weekday: "Tuesday, November 24, 2026", "Tuesday 24 November 2026", "martes, 24 de noviembre de 2026"."""
    return f"{day_of_year(value, language, country)}{_before_year(language, country)}{value.year}"


def day_of_year(value: date, language: str, country: str) -> str:
    """A day whose year is plain: "Tuesday, November 24", "Tuesday 24 November", "martes, 24 de noviembre"."""
    weekday, month = _WEEKDAYS[language][value.weekday()], _MONTHS[language][value.month - 1]
    if language == "es":
        return f"{weekday}, {value.day} de {month}"
    return f"{weekday}, {month} {value.day}" if month_first(language, country) else f"{weekday} {value.day} {month}"


def short_day(value: date, language: str, country: str) -> str:
    """A day for a narrow place: "Tue, Nov 24", "Tue 24 Nov", "mar 24 nov"."""
    weekday, month = _WEEKDAYS[language][value.weekday()][:3], _MONTHS[language][value.month - 1][:3]
    return f"{weekday}, {month} {value.day}" if month_first(language, country) else f"{weekday} {value.day} {month}"


def short_date(value: date, language: str, country: str) -> str:
    """A day for a narrow place, with its year: "Tue, Nov 24, 2026", "Tue 24 Nov 2026", "mar 24 nov 2026"."""
    return f"{short_day(value, language, country)}{', ' if month_first(language, country) else ' '}{value.year}"


def birthday(value: date, language: str, country: str) -> str:
    """A day without its weekday: "March 12, 1984", "12 March 1984", "12 de marzo de 1984"."""
    return day(value, language, country).removeprefix(_WEEKDAYS[language][value.weekday()]).lstrip(" ,")


def month(value: date, language: str) -> str:
    """A month: "November 2026", "noviembre de 2026"."""
    return f"{_MONTHS[language][value.month - 1]}{' de ' if language == 'es' else ' '}{value.year}"


def month_name(value: date, language: str) -> str:
    """A month without its year."""
    return _MONTHS[language][value.month - 1]


def weekday(value: date, language: str) -> str:
    """A day's name where a line begins: "Tuesday", "Martes"."""
    return _WEEKDAYS[language][value.weekday()].capitalize()


def weekdays(language: str, country: str) -> list[str]:
    """The days of a week, from its first day on."""
    names = _WEEKDAYS[language]
    return [names[(week_begins(country) + n) % 7] for n in range(7)]


def week_begins(country: str) -> int:
    """The weekday that a week begins with (Monday is 0)."""
    return 6 if country in _SUNDAY_FIRST else 0


def family_first(country: str) -> bool:
    """Whether people of a country say and write their family's name before their own."""
    return country in _FAMILY_FIRST


def full_name(first_name: str, last_name: str, country: str) -> str:
    """A whole name in the order of the country."""
    return f"{last_name} {first_name}" if family_first(country) else f"{first_name} {last_name}"


def month_first(language: str, country: str) -> bool:
    """Whether a date is written with its month before its day."""
    return language == "en" and country in _MONTH_FIRST


def preferred(days: Iterable[date], parts: Iterable[str], language: str, country: str) -> str:
    """Days, and parts of the day in words: "Tue, Nov 24; Wed, Nov 25 (morning, evening)"."""
    return _during("; ".join(short_day(one, language, country) for one in days), parts)


def first_and_last(days: Sequence[date], parts: Iterable[str], language: str, country: str) -> str:
    """The same in a few words: "Tue, Nov 24 … Fri, Dec 18 (morning)"."""
    first, last = (short_day(one, language, country) for one in (days[0], days[-1]))
    return _during(f"{first} … {last}", parts)


def _during(days: str, parts: Iterable[str]) -> str:
    during = ", ".join(parts)
    return f"{days} ({during})" if during else days


def clock(value: datetime, language: str, country: str) -> str:
    """A wall-clock time: "9:30 AM" or "9:30"."""
    if country not in _TWELVE_HOURS:
        return f"{value.hour}:{value.minute:02d}"
    half = ("AM", "PM") if language == "en" else ("a. m.", "p. m.")
    return f"{value.hour % 12 or 12}:{value.minute:02d} {half[value.hour >= 12]}"


def zone_label(value: datetime) -> str:
    """The name of a local time's zone: "PST", or "UTC-3" where the zone has no letters of its own."""
    name = value.tzname() or ""
    if name[:1] in "+-":
        hours, minutes = name[1:3], name[3:]
        return f"UTC{name[0]}{int(hours)}" + (f":{minutes}" if minutes else "")
    return name


def moment(instant: datetime, zone: ZoneInfo, language: str, country: str) -> str:
    """An instant in a zone, whole: "Tuesday, November 24, 2026, 9:30 AM (PST)"."""
    local = instant.astimezone(zone)
    return f"{day(local.date(), language, country)}, {clock(local, language, country)} ({zone_label(local)})"


def _before_year(language: str, country: str) -> str:
    return " de " if language == "es" else ", " if month_first(language, country) else " "
