"""Read and write units of what happens most, on DynamoDB Local.

Reads and single writes as it reports them. It misreports transactions: those are counted by the documented rule, two units
for each kilobyte of each item, and one for each kilobyte of an index entry
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil
from typing import Any

from msgspec.structs import replace
from oneway.domain import identifiers
from oneway.domain.appointments import AppointmentState, PersonName
from oneway.domain.clock_time import first_minute, instant_of, zone_of
from oneway.domain.occupancy import DayOccupancy, Occupant, OccupantKind
from oneway.ports import DayChange
from oneway.store.appointments import appointment_item
from oneway.store.items import TableItem, connection
from oneway.use_cases.list_visits import ANY, VisitTab

from tests.builders import NOW, START, ZONE, a_record, a_row, an_appointment
from tests.engines import RealStore, a_table
from tests.fakes.store import FakeClock
from tests.servers.running import dynamodb_local
from tests.world import World

FIRST = date(2026, 11, 24)
VISITS = 5000
ENTERED, ARRIVED, CANCELLED = (f"pull that finds one visit {word}" for word in ("more", "arrived", "cancelled"))
LOOK_BACK = "hourly look back that finds nothing new"
_INDEXES: Mapping[tuple[str, str], tuple[str, ...] | None] = {
    ("open", "open_at"): None,
    ("unsent", "unsent_since"): (),
    ("found", "found_as"): (),
    ("visits", "starts"): ("shows",),
    ("visits", "named"): ("starts",),
    ("visits", "given"): ("starts",),
    ("visits", "further"): ("starts",),
    ("visits", "phoned"): ("starts",),
    ("visits", "mailed"): ("starts",),
}
"""Indexes by their keys, with what else they hold (None: all)."""


@dataclass
class Units:
    """Units of one thing that happened, and in how many calls."""

    read: float = 0
    written: float = 0
    calls: int = 0
    queries: int = 0


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
        rows = [Row("booking", booking, "4 written, 7 index entries, 1 limit", booking.written <= 4 + 7 + 1)]
        for visits, goal in ((20, 1.0), (60, 2.0)):
            _fill(store, visits)
            slots = _units(lambda: world.list_slots("harbor", "osei", "new", FIRST, FIRST + timedelta(days=30)))
            what = f"slots of 31 days, {visits} visits a day"
            rows.append(Row(what, slots, f"1 query, {goal:g} read", slots.calls == 1 and slots.read <= goal))
        return [*rows, *_lists(world), *_pulls(world), _for_somebody_else(world)]


def _for_somebody_else(world: World) -> Row:
    days = world.list_slots("harbor", "osei", "new", FIRST + timedelta(days=70), FIRST + timedelta(days=80)).days
    start = instant_of(next(starts[0] for starts in days.values() if starts)).isoformat()
    rosa = {"first_name": "Rosa", "last_name": "Lind", "relation": "mother"}
    booking = _units(lambda: world.submit("a-booking-for-somebody-else-123456", start=start, booker=rosa))
    what = "6 written, 9 index entries, 1 limit"
    return Row("booking for somebody else", booking, what, booking.written <= 6 + 9 + 1)


def _lists(world: World) -> list[Row]:
    """Of a practice with 5,000 visits to come."""
    zone, whose = zone_of(ZONE), ("nadia@harbor.example",)
    with TableItem.batch_write() as batch:
        for number in range(VISITS):
            start = START + timedelta(days=number // 60, minutes=15 * (number % 60))
            patient = a_record(
                source_id=f"q-{number}",
                names=(PersonName((f"Ada{number}",), f"Lind{number}"),),
                birth_date=date(1950, 1, 1) + timedelta(days=number),
                phones=(f"+1415{number:07d}",),
                emails=(f"q{number}@example.org",),
            )
            row = a_row(f"list-{number}", start=start, end=start + timedelta(minutes=15), patient=patient)
            batch.save(appointment_item(an_appointment(row, id=_id(start.astimezone(zone).date(), number))))
    upcoming = _units(lambda: world.list_visits("harbor", *whose, VisitTab.UPCOMING, ANY))
    rows = [Row("a page of Upcoming, of 5,000 visits", upcoming, "3 queries, 128 read", _is_cheap(upcoming))]
    for what, typed in (("a name", "Lind4321"), ("a phone number", "(415) 000-4321"), ("an e-mail", "q4321@")):
        found = _units(lambda: world.find_visits("harbor", *whose, typed))
        rows.append(Row(f"finding {what} among them", found, "3 queries", found.queries <= 3))
    to_act = _units(lambda: world.list_to_act("harbor", *whose))
    rows.append(Row("Action required", to_act, "3 queries", to_act.queries <= 3))
    (request,) = world.store.requests.to_act("harbor")
    details = _units(lambda: world.show_request("harbor", *whose, request.id))
    rows.append(Row("the details of a request", details, "3 queries", details.queries <= 3))
    return rows


def _is_cheap(units: Units) -> bool:
    """Whether it takes three queries, none of which has to turn the page (1 MB: 128 read units)."""
    return units.queries <= 3 and units.read <= 128


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
    rows += [Row(what, _units(world.pull), "", True) for what in _single_changes(world)]
    world.clock.advance(hours=1)
    rows.append(Row(LOOK_BACK, _units(world.pull), "", True))
    return rows


def _single_changes(world: World) -> Iterator[str]:
    """What staff do to one visit, for a pull to find."""
    day = START + timedelta(days=70)
    world.source.enter(a_row("new", start=day, end=day + timedelta(minutes=30), patient=a_record(source_id="new")))
    yield ENTERED
    world.source.enter(replace(world.source.rows["appt-5"], state=AppointmentState.ARRIVED))
    yield ARRIVED
    world.source.enter(replace(world.source.rows["appt-15"], state=AppointmentState.CANCELLED))
    yield CANCELLED


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

    def ask(params: dict[str, Any], model: Any, **_: Any) -> None:
        assert model.name != "Scan", "nothing that happens often reads the whole table"
        params["ReturnConsumedCapacity"] = "TOTAL"
        # It turns the page where whole items, and not the index's entries of them, fill a megabyte.
        units.queries += model.name == "Query" and "ExclusiveStartKey" not in params
        for written in params.get("TransactItems", ()):
            for action in written.values():
                units.written += _transaction_units(action.get("Item"), action.get("Key"))

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


_stored: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
"""What transactions wrote, by key."""


def _transaction_units(new: dict[str, dict[str, Any]] | None, key: dict[str, dict[str, Any]] | None) -> int:
    """Two units for each kilobyte; one for each index entry that is written, changed or deleted, two where its key changes."""
    named = new or key or {}
    at = named["pk"]["S"], named["sk"]["S"]
    before, after = _stored.get(at, {}), new or {}
    _stored[at] = after
    kilobytes = ceil(sum(len(name) + _size(value) for name, value in named.items()) / 1024)
    return 2 * kilobytes + sum(_entry_units(before, after, keys, others) for keys, others in _INDEXES.items())


def _entry_units(
    before: dict[str, Any], after: dict[str, Any], keys: tuple[str, str], others: tuple[str, ...] | None
) -> int:
    had, has = (all(name in one for name in keys) for one in (before, after))
    if had and has and any(before[name] != after[name] for name in keys):
        return 2
    kept = had and has and others is not None and all(before.get(name) == after.get(name) for name in others)
    return int((had or has) and not kept)


def _size(value: dict[str, Any]) -> int:
    kind, content = next(iter(value.items()))
    return (
        len(content) // 2 + 1 if kind == "N" else len(content if isinstance(content, bytes) else str(content).encode())
    )
