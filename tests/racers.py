"""Two hundred processes that race for the last two places of a slot: `python -m tests.racers ENDPOINT TABLE`.

Each process is forked from this one, reads, and is held at a barrier until all have read; then all write. What each got is
printed as JSON, one list a round. A process of its own, because only a process without threads forks safely.
"""

import json
import multiprocessing
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec.structs import replace
from oneway.clock import SystemClock
from oneway.domain import identifiers
from oneway.domain.availability import DefaultWeek, Opening
from oneway.domain.errors import OnewayError, SlotAlreadyTaken
from oneway.ports import Change, DayChange
from oneway.store import ledger as store_ledger
from oneway.store.items import TableItem, bind, connection, item
from oneway.use_cases.apply_schedule import Work
from oneway.use_cases.cancel_request import CancelByPatient

from tests.builders import NOW, START, a_calendar, a_form, a_practice, a_provider, a_row, feed_settings
from tests.engines import REGION, RealStore
from tests.injected import answer_lost, throttled
from tests.world import World

RACERS = 200
PLACES = 2
SECONDS = 300
"""How long a racer waits for the others, and for an answer: two hundred processes share what cores there are."""


class Kind(StrEnum):
    """What happens beside the race."""

    PLAIN = "plain"
    IMPORT = "import"
    """A sync imports a visit into the slot."""
    REPEAT = "repeat"
    """Each key comes twice."""
    CANCEL = "cancel"
    """One of the two places is taken, and is given back."""
    FAULTS = "faults"
    """Some are throttled, some lose the answer."""
    UNGUARDED = "unguarded"
    """The day's version is not looked at."""


ROUNDS = [
    *[Kind.PLAIN] * 10,
    *[Kind.IMPORT] * 2,
    *[Kind.REPEAT] * 2,
    *[Kind.CANCEL] * 2,
    *[Kind.FAULTS] * 2,
    Kind.UNGUARDED,
]


@dataclass
class Outcome:
    """What a racer got: a request ("granted"), or the name of an error with what it was told is left.

    `version` is the version of the day that its own write made, 0 if it wrote nothing.
    """

    word: str
    request_id: str = ""
    left: int = 0
    version: int = 0


class FixedClock(SystemClock):
    """A standing clock whose pauses are real."""

    def now(self) -> datetime:
        return NOW


class HeldLedger:
    """A ledger that waits for all the others before its first write."""

    def __init__(self, inner: Any, gate: Any) -> None:
        self._inner, self._gate = inner, gate
        self.version = 0

    def commit(self, changes: Sequence[Change]) -> None:
        gate, self._gate = self._gate, None
        if gate:
            gate.wait(SECONDS)
        self._inner.commit(changes)
        self.version = next(change.before.version + 1 for change in changes if isinstance(change, DayChange))


def start_of(round_number: int) -> datetime:
    """Each round has a day of its own."""
    return START + timedelta(days=round_number)


def a_world(clock: FixedClock) -> World:
    """A provider who is open all day, with two places a slot, stored in the bound table."""
    always = a_calendar(default_weeks=(DefaultWeek((((Opening(0, 1440),)),) * 7),))
    practice = a_practice(a_provider(split=PLACES), calendars={"osei": always})
    return World(practice, RealStore(clock), clock)  # type: ignore[arg-type]


def race(world: World, kind: Kind, number: int, start: datetime, gate: Any, link: str) -> Outcome:
    """One racer's round."""
    ledger = HeldLedger(world.store.ledger, gate)
    if kind is Kind.UNGUARDED:
        store_ledger._write_day = _write_day_unguarded
    if number == 0 and kind is Kind.IMPORT:
        row = a_row(f"visit {start}", start=start, end=start + timedelta(minutes=30), patient=None)
        work = Work(identifiers.appointment_id("harbor", "ehr", row.external_id), "osei", row)
        list(replace(world.apply_schedule, ledger=ledger)(feed_settings(), [work]))
        return Outcome("imported", version=ledger.version)
    if number == 0 and kind is Kind.CANCEL:
        CancelByPatient(world.look_up, replace(world.cancel, ledger=ledger))("harbor", link)
        return Outcome("cancelled", version=ledger.version)
    who = number // 2 if kind is Kind.REPEAT else number
    with ExitStack() as faults:
        if kind is Kind.FAULTS and number % 3:
            strike = throttled("TransactWriteItems", 2) if number % 3 == 1 else answer_lost("TransactWriteItems", 1)
            faults.enter_context(strike)
        try:
            submit = replace(world.submit_request, ledger=ledger)
            form = a_form(start=start.isoformat(), patient=_person(1000 * (start - START).days + who))
            submitted = submit("harbor", f"{start:%Y%m%d}{who:032d}", form)
        except SlotAlreadyTaken as error:
            return Outcome(type(error).__name__, left=len(error.left))
        except OnewayError as error:
            return Outcome(type(error).__name__)
    return Outcome("granted", submitted.request.id, version=ledger.version)


def run(endpoint: str, table: str) -> list[list[Outcome]]:
    """All rounds; what each racer got in each. The engine is only crowded, not gone: nobody gives up waiting for it."""
    TableItem.Meta.connect_timeout_seconds = TableItem.Meta.read_timeout_seconds = SECONDS
    bind(table, region=REGION, host=endpoint)
    world = a_world(FixedClock())
    links = [
        world.submit(f"{n:032d}", start=start_of(n).isoformat(), patient=_person(1000 * n + 999)).link
        if kind is Kind.CANCEL
        else ""
        for n, kind in enumerate(ROUNDS)
    ]
    bind(table, region=REGION, host=endpoint)
    assert connection().client  # made before the fork, and without a socket yet: every racer opens its own
    forking = multiprocessing.get_context("fork")
    gates = [forking.Barrier(RACERS) for _ in ROUNDS]
    answers = forking.SimpleQueue()

    def racer(number: int) -> None:
        for n, (kind, link) in enumerate(zip(ROUNDS, links, strict=True)):
            answers.put((n, race(world, kind, number, start_of(n), gates[n], link)))

    racers = [forking.Process(target=racer, args=(number,), daemon=True) for number in range(RACERS)]
    for one in racers:
        one.start()
    outcomes: list[list[Outcome]] = [[] for _ in ROUNDS]
    for _ in range(RACERS * len(ROUNDS)):
        n, outcome = answers.get()
        outcomes[n].append(outcome)
    for one in racers:
        one.join()
    return outcomes


def _person(number: int) -> dict[str, str]:
    letters = "".join("abcdefghij"[int(digit)] for digit in str(number))
    return {
        "first_name": f"Racer{letters}",
        "last_name": "Quill",
        "birth_date": "1979-01-31",
        "email": f"racer{number}@example.org",
    }


def _write_day_unguarded(transaction: Any, change: DayChange) -> None:
    day = change.after
    key = store_ledger.keys.day(day.practice, day.provider_id, day.day)
    begins = store_ledger.first_minute(day.day, store_ledger.zone_of(day.zone))
    transaction.save(item(key, store_ledger.pack(day.occupants, begins), change.before.version + 1))


if __name__ == "__main__":
    json.dump([[asdict(one) for one in found] for found in run(*sys.argv[1:])], sys.stdout)
