"""Opening hours ↔ the fields of a form: for each day pairs of wall-clock times, "d0s1" to "d0e1" being Monday's second.

There are as many pairs as come. A blank one is no opening; an end at 00:00 is midnight.
`seen` carries a week along as text: "540-720,780-1020;;…".
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from msgspec import Struct

from ..domain.availability import CLOSED_WEEK, Hours, LaterWeek, Opening, Week

_FIELD = re.compile(r"d([0-6])[se](\d{1,4})")
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::00)?")
_WEEK = re.compile(r"(\d{1,4}-\d{1,4}(,\d{1,4}-\d{1,4})*)?(;(\d{1,4}-\d{1,4}(,\d{1,4}-\d{1,4})*)?){6}")
_MIDNIGHT = 1440

Pairs = Sequence[Sequence[tuple[str, str]]]
"""For each day, (start, end) as typed."""


class TypedWeek(Struct, frozen=True):
    """What was typed; the week that it makes (None if it makes none); codes of what is wrong by field."""

    pairs: Pairs
    week: Week | None
    wrong: Mapping[str, str]


def typed_week(values: Mapping[str, str]) -> TypedWeek:
    """The week of a form's fields."""
    pairs = [_pairs_of(values, day, count) for day, count in enumerate(_pair_counts(values))]
    wrong: dict[str, str] = {}
    days = [_hours(day, typed, wrong) for day, typed in enumerate(pairs)]
    return TypedWeek(pairs, None if wrong else _as_week(days), wrong)


def pairs_of(week: Week) -> Pairs:
    """A week as it stands in the fields."""
    return [[(_clock(one.start_minutes), _clock(one.end_minutes)) for one in hours] for hours in week]


def week_text(week: Week) -> str:
    """A week as one hidden field carries it."""
    return ";".join(",".join(f"{one.start_minutes}-{one.end_minutes}" for one in hours) for hours in week)


def week_of_text(text: str) -> Week:
    """The week of `week_text`; of any other text a closed one, which at most leads to a question."""
    if not _WEEK.fullmatch(text):
        return CLOSED_WEEK
    parts = [[one.split("-") for one in day.split(",") if one] for day in text.split(";")]
    return _as_week([tuple(Opening(int(start), int(end)) for start, end in day) for day in parts])


def later_fields(later: Iterable[LaterWeek]) -> list[tuple[str, LaterWeek]]:
    """The names under which it is decided which later weeks are kept."""
    return [(f"later.{one.monday}.{'default' if one.is_default else 'week'}", one) for one in later]


def decided_later(values: Mapping[str, str]) -> dict[LaterWeek, bool]:
    """Which of the later weeks that were shown are kept."""
    found: dict[LaterWeek, bool] = {}
    for name, text in values.items():
        parts = name.split(".")
        if len(parts) == 4 and parts[0] == "later" and parts[3] == "hours":
            monday = day_of_text(parts[1])
            kept = values.get(".".join(parts[:3])) != "replace"
            if monday:
                found[LaterWeek(monday, week_of_text(text), parts[2] == "default")] = kept
    return found


def day_of_text(text: str) -> date | None:
    """A date in ISO 8601; None of anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _pair_counts(values: Mapping[str, str]) -> list[int]:
    """How many pairs there are of each day."""
    counts = [0] * 7
    for name in values:
        if found := _FIELD.fullmatch(name):
            counts[int(found[1])] = max(counts[int(found[1])], int(found[2]) + 1)
    return counts


def _pairs_of(values: Mapping[str, str], day: int, count: int) -> list[tuple[str, str]]:
    names = [(f"d{day}s{number}", f"d{day}e{number}") for number in range(count)]
    typed = [(values.get(start, "").strip(), values.get(end, "").strip()) for start, end in names]
    while typed and typed[-1] == ("", ""):
        typed.pop()
    return typed


def _hours(day: int, typed: Sequence[tuple[str, str]], wrong: dict[str, str]) -> Hours:
    found: list[Opening] = []
    for number, (start_text, end_text) in enumerate(typed):
        if not start_text and not end_text:
            continue
        start, end = _minutes(start_text), _minutes(end_text)
        start_name, end_name = f"d{day}s{number}", f"d{day}e{number}"
        if start is None:
            wrong[start_name] = "time"
        elif end is None:
            wrong[end_name] = "time"
        elif start >= (end or _MIDNIGHT):
            wrong[end_name] = "end_before_start"
        elif any(start < one.end_minutes and one.start_minutes < (end or _MIDNIGHT) for one in found):
            wrong[start_name] = "overlap"
        else:
            found.append(Opening(start, end or _MIDNIGHT))
    return tuple(sorted(found))


def _minutes(text: str) -> int | None:
    found = _TIME.fullmatch(text)
    return int(found[1]) * 60 + int(found[2]) if found else None


def _clock(minutes: int) -> str:
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


def _as_week(days: Sequence[Hours]) -> Week:
    monday, tuesday, wednesday, thursday, friday, saturday, sunday = days
    return monday, tuesday, wednesday, thursday, friday, saturday, sunday
