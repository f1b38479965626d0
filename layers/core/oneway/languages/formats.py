"""Days, times and zones as people of a language and country write them."""

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


def day(value: date, language: str) -> str:
    """A day with its weekday: "Tuesday 24 November 2026", "martes 24 de noviembre de 2026"."""
    weekday, month = _WEEKDAYS[language][value.weekday()], _MONTHS[language][value.month - 1]
    joint = " de " if language == "es" else " "
    return f"{weekday} {value.day}{joint}{month}{joint}{value.year}"


def short_day(value: date, language: str) -> str:
    """A day for a narrow place: "Tue 24 Nov", "mar 24 nov"."""
    return f"{_WEEKDAYS[language][value.weekday()][:3]} {value.day} {_MONTHS[language][value.month - 1][:3]}"


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
    """An instant in a zone, whole: "Tuesday 24 November 2026, 9:30 AM (PST)"."""
    local = instant.astimezone(zone)
    return f"{day(local.date(), language)}, {clock(local, language, country)} ({zone_label(local)})"
