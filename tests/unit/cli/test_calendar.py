"""A week as a picture: what is open, asked for, booked and blocked, by half hours."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from oneway.domain.availability import Availability, Closure, DefaultWeek
from oneway.domain.clock_time import first_minute
from oneway.domain.occupancy import Occupant, OccupantKind
from oneway.domain.slots import Closed

from cli.calendar import REASONS, rows
from tests.builders import WEEK, ZONE

MONDAY, PLACE = date(2026, 11, 23), ZoneInfo(ZONE)


def picture(
    availability: Availability, *held: tuple[int, int, int, OccupantKind], split: int = 1
) -> dict[str, list[str]]:
    """The words of each row, by time; `held` are (weekday, start, end, kind), minutes by the wall clock."""
    occupants = {MONDAY + timedelta(days=n): [] for n in range(7)}  # type: ignore[var-annotated]
    for number, (weekday, start, end, kind) in enumerate(held):
        day = MONDAY + timedelta(days=weekday)
        begins = first_minute(day, PLACE)
        occupants[day].append(Occupant(begins + start, begins + end, kind, str(number)))
    found = rows(availability, occupants, PLACE, split)
    return {f"{wall // 60:02d}:{wall % 60:02d}": [cell.words for cell in cells] for wall, cells in found}


def test_open_hours_are_free_and_the_rest_is_blank() -> None:
    shown = picture(Availability((DefaultWeek(WEEK),)))
    assert next(iter(shown)) == "09:00"
    assert list(shown)[-1] == "16:30"
    assert shown["09:00"] == ["·"] * 5 + [""] * 2
    assert shown["12:00"] == [""] * 7


def test_what_is_taken_says_by_what() -> None:
    shown = picture(
        Availability((DefaultWeek(WEEK),)),
        (0, 540, 570, OccupantKind.REQUEST),
        (1, 540, 600, OccupantKind.APPOINTMENT),
        (2, 1200, 1210, OccupantKind.BLOCK),
    )
    assert shown["09:00"][:3] == ["asked", "booked", "·"]
    assert shown["09:30"][:3] == ["·", "booked", "·"]
    assert shown["20:00"][2] == "block"
    assert list(shown)[-1] == "20:00"


def test_shared_slots_are_counted() -> None:
    visit = OccupantKind.APPOINTMENT
    shown = picture(
        Availability((DefaultWeek(WEEK),)), (0, 540, 570, visit), (1, 540, 570, visit), (1, 540, 570, visit),
        (2, 540, 570, OccupantKind.REQUEST), split=2,
    )  # fmt: skip
    assert shown["09:00"][:3] == ["1 of 2", "2 of 2", "1 of 2 ?"]


def test_closed_days_and_pauses_are_blank() -> None:
    closed = Availability((DefaultWeek(WEEK),), closures=(Closure(MONDAY, MONDAY + timedelta(days=3)),))
    assert picture(closed)["09:00"] == [""] * 4 + ["·"] + [""] * 2
    assert picture(Availability((DefaultWeek(WEEK),), paused=True)) == {}


def test_every_reason_has_words() -> None:
    assert set(REASONS) == set(Closed)
