"""Instants, local days and wall clocks.

An instant is an aware UTC `datetime`. Slots and occupancy count in *epoch minutes*: whole minutes since 1970-01-01T00:00Z,
an int, because a year of slots has to fit into two milliseconds. A day is a local `date` in a provider's zone.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTES_PER_DAY = 1440
_EPOCH_ORDINAL = EPOCH.toordinal()


def minute_of(instant: datetime) -> int:
    """The epoch minute that an instant falls in."""
    return int(instant.timestamp() // 60)


def minute_after(instant: datetime) -> int:
    """The first epoch minute at or after an instant."""
    return -int(-instant.timestamp() // 60)


def instant_of(minute: int) -> datetime:
    """The instant at which an epoch minute begins."""
    return EPOCH + timedelta(minutes=minute)


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises zoneinfo.ZoneInfoNotFoundError."""
    return ZoneInfo(name)


def day_of(instant: datetime, zone: ZoneInfo) -> date:
    """The local day of an instant."""
    return instant.astimezone(zone).date()


def first_minute(day: date, zone: ZoneInfo) -> int:
    """The epoch minute at which a local day begins.

    Where midnight itself does not exist (a change at midnight), fold=0 reads it with the offset from before the gap, which
    is the instant of the change: the first one of the new day.
    """
    return minute_of(datetime.combine(day, time.min, zone).astimezone(UTC))


@lru_cache(maxsize=256)
def day_beginnings(first: date, count: int, zone: ZoneInfo) -> tuple[int, ...]:
    """`first_minute` of `count` local days from `first` on, quickly: who is asked for a day is mostly asked for all providers."""
    ordinal = first.toordinal()
    midnights = range(ordinal, ordinal + count)
    return tuple(
        ((number - _EPOCH_ORDINAL) * 86400 - int(offset.total_seconds())) // 60
        for number in midnights
        if (offset := datetime.fromordinal(number).replace(tzinfo=zone).utcoffset()) is not None
    )


def parse_instant(text: str) -> datetime:
    """An instant from ISO 8601 text with an offset. Raises ValueError without one."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("an instant needs an offset")
    return instant.astimezone(UTC)
