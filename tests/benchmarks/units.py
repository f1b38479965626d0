"""Read and write units of what happens most, on DynamoDB Local.

Reads and single writes as it reports them. It misreports transactions: those are counted by the documented rule, two units
for each kilobyte of each item, and one for each kilobyte of an index entry
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import ceil
from typing import Any

from oneway.domain import identifiers
from oneway.domain.appointments import AppointmentState
from oneway.domain.clock_time import first_minute, zone_of
from oneway.domain.occupancy import DayOccupancy, Occupant, OccupantKind
from oneway.ports import DayChange
from oneway.store.items import connection

from tests.builders import NOW, START, ZONE, a_record, a_row
from tests.engines import RealStore, a_table
from tests.fakes.store import FakeClock
from tests.servers.running import dynamodb_local
from tests.world import World

FIRST = date(2026, 11, 24)
_INDEXES = (("open", "open_at"), ("unsent", "unsent_since"))


@dataclass
class Units:
    """Units of one thing that happened, and in how many calls."""

    read: float = 0
    written: float = 0
    calls: int = 0


@dataclass(frozen=True)
class Row:
    """A line of the table: what happened, its units, the goal in words and whether it is reached."""

    what: str
    units: Units
    goal: str
    reached: bool


def measure() -> list[Row]:
    """Units of a booking, slots answers and a pull that finds nothing new."""
    with dynamodb_local() as endpoint, a_table(endpoint):
        store = RealStore(FakeClock(NOW))
        world = World(store=store, clock=store.clock)  # type: ignore[arg-type]
        world.list_slots(
            "harbor", "osei", "new", FIRST, FIRST
        )  # settings are cached from here on, as in a warm function
        booking = _units(world.submit)
        rows = [Row("booking", booking, "4 written, 2 index entries, 1 limit", booking.written <= 4 + 2 + 1)]
        for visits, goal in ((20, 1.0), (60, 2.0)):
            _fill(store, visits)
            slots = _units(lambda: world.list_slots("harbor", "osei", "new", FIRST, FIRST + timedelta(days=30)))
            what = f"slots of 31 days, {visits} visits a day"
            rows.append(Row(what, slots, f"1 query, {goal:g} read", slots.calls == 1 and slots.read <= goal))
        return [*rows, *_pulls(world)]


def _pulls(world: World) -> list[Row]:
    """Of a provider with 600 visits in 90 days."""
    starts = [START + timedelta(days=n // 10, minutes=30 * (n % 10)) for n in range(600)]
    for number, start in enumerate(starts):
        patient = a_record(source_id=f"p-{number}")
        world.source.enter(a_row(f"appt-{number}", start=start, end=start + timedelta(minutes=30), patient=patient))
    rows = [Row("first pull of 600 visits", _units(world.pull), "", True)]
    world.pull()
    same = _units(world.pull)
    reached = same.read <= 0.5 and same.written == 0
    rows.append(Row("pull that finds nothing new", same, "0.5 read, 0 written", reached))
    for number in range(0, 600, 100):
        world.source.enter(replace(world.source.rows[f"appt-{number}"], state=AppointmentState.ARRIVED))
    rows.append(Row("pull that finds 1 % changed, on six days", _units(world.pull), "", True))
    world.clock.advance(hours=1)
    rows.append(Row("hourly look back that finds nothing new", _units(world.pull), "", True))
    return rows


def _fill(store: RealStore, visits: int) -> None:
    zone = zone_of(ZONE)
    for day in (FIRST + timedelta(days=n) for n in range(31)):
        if day.weekday() > 4:
            continue
        before = store.calendar.read("harbor", [("osei", ZONE, day)])["osei", day]
        begins = first_minute(day, zone)
        held = tuple(
            Occupant(begins + 480 + n * 8, begins + 486 + n * 8, OccupantKind.APPOINTMENT, _id(day, n))
            for n in range(visits)
        )
        after: DayOccupancy = replace(before, occupants=held)
        store.ledger.commit([DayChange(before, after)])


def _id(day: date, number: int) -> str:
    return identifiers.appointment_id("harbor", "ehr", f"{day}-{number}")


def _units(happens: Callable[[], object]) -> Units:
    with _counted() as units:
        happens()
    return units


@contextmanager
def _counted() -> Iterator[Units]:
    units, events = Units(), connection().client.meta.events

    def ask(params: dict[str, Any], **_: Any) -> None:
        params["ReturnConsumedCapacity"] = "TOTAL"
        for written in params.get("TransactItems", ()):
            for action in written.values():
                units.written += _transaction_units(action.get("Item") or action.get("Key"))

    def take(parsed: dict[str, Any], model: Any, **_: Any) -> None:
        units.calls += 1
        consumed = parsed.get("ConsumedCapacity", [])
        total = sum(one["CapacityUnits"] for one in (consumed if isinstance(consumed, list) else [consumed]))
        if model.name in ("GetItem", "Query", "BatchGetItem"):
            units.read += total
        elif model.name != "TransactWriteItems":
            units.written += total

    events.register("provide-client-params.dynamodb", ask)
    events.register("after-call.dynamodb", take)
    try:
        yield units
    finally:
        events.unregister("provide-client-params.dynamodb", ask)
        events.unregister("after-call.dynamodb", take)


def _transaction_units(item: dict[str, dict[str, Any]]) -> int:
    kilobytes = ceil(sum(len(name) + _size(value) for name, value in item.items()) / 1024)
    entries = sum(all(name in item for name in names) for names in _INDEXES)
    return 2 * kilobytes + entries


def _size(value: dict[str, Any]) -> int:
    kind, content = next(iter(value.items()))
    return (
        len(content) // 2 + 1 if kind == "N" else len(content if isinstance(content, bytes) else str(content).encode())
    )
