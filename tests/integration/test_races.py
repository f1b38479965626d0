"""Two hundred racers on the last two places, on two engines, in rounds of every kind: exactly two get one."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest
from oneway.domain.occupancy import DayOccupancy, OccupantKind

from tests.builders import ZONE
from tests.conftest import ENGINES
from tests.engines import RealStore, a_table
from tests.fakes.store import FakeClock
from tests.racers import NOW, PLACES, RACERS, ROUNDS, Kind, Outcome, start_of

SECONDS = 900
# Beside two hundred processes no page answers in time: they run when the laptop's tests are over.
pytestmark = pytest.mark.xdist_group("laptop")


class Races:
    """All rounds on one engine: what each racer got, and what stands in the table afterwards."""

    def __init__(self, endpoint: str, table: str) -> None:
        command = [sys.executable, "-m", "tests.racers", endpoint, table]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        found = json.loads(done.stdout)
        self.rounds = [(kind, n, [Outcome(**one) for one in found[n]]) for n, kind in enumerate(ROUNDS)]
        store = RealStore(FakeClock(NOW))
        days = store.calendar.stored_days("harbor", "osei", ZONE)
        self.days = {day.day: day for day in days}
        self.requests = {request.id: request for request in store.requests.to_act("harbor")}

    def of(self, *kinds: Kind) -> Iterator[tuple[list[Outcome], DayOccupancy]]:
        for kind, n, outcomes in self.rounds:
            if kind in kinds:
                yield outcomes, self.days[start_of(n).date()]

    def pending(self, day: DayOccupancy) -> set[str]:
        """The requests that wait in the round of a day, by what is stored of them."""
        return {r.id for r in self.requests.values() if r.slot and r.slot.start.date() == day.day}


@pytest.fixture(scope="module", params=ENGINES)
def races(request: pytest.FixtureRequest) -> Iterator[Races]:
    if request.param == "ministack":
        endpoint = request.getfixturevalue("embedded").aws.endpoint
    else:
        endpoint = request.getfixturevalue("dynamodb")
    with a_table(endpoint) as table:
        yield Races(endpoint, table)


def granted(outcomes: list[Outcome]) -> list[Outcome]:
    return [one for one in outcomes if one.word == "granted"]


def test_exactly_two_get_a_place_and_the_others_hear_what_is_left(races: Races) -> None:
    for outcomes, day in races.of(Kind.PLAIN):
        words = Counter(one.word for one in outcomes)
        assert words == {"granted": PLACES, "SlotAlreadyTaken": RACERS - PLACES}
        assert all(one.left == 47 for one in outcomes if one.word != "granted")
        ids = {one.request_id for one in granted(outcomes)}
        assert races.pending(day) == ids == {o.id for o in day.occupants}


def test_with_throttling_and_lost_answers_too(races: Races) -> None:
    for outcomes, day in races.of(Kind.FAULTS):
        words = Counter(one.word for one in outcomes)
        assert words == {"granted": PLACES, "SlotAlreadyTaken": RACERS - PLACES}
        assert races.pending(day) == {one.request_id for one in granted(outcomes)} == {o.id for o in day.occupants}


def test_a_key_that_comes_twice_makes_one_request(races: Races) -> None:
    for outcomes, day in races.of(Kind.REPEAT):
        ids = {one.request_id for one in granted(outcomes)}
        assert len(ids) == PLACES
        assert {one.word for one in outcomes} == {"granted", "SlotAlreadyTaken"}
        assert races.pending(day) == ids == {o.id for o in day.occupants}


def test_while_a_sync_imports_a_visit_into_the_slot_nobody_is_let_in_above_it(races: Races) -> None:
    for outcomes, day in races.of(Kind.IMPORT):
        (imported,) = (one for one in outcomes if one.word == "imported")
        writes = sorted([imported, *granted(outcomes)], key=lambda one: one.version)
        assert [one.version for one in writes] == list(range(1, len(writes) + 1))
        for before, one in enumerate(writes):
            assert one is imported or before < PLACES
        assert len(writes) in (PLACES, PLACES + 1)
        assert sum(o.kind is OccupantKind.APPOINTMENT for o in day.occupants) == 1
        assert races.pending(day) == {one.request_id for one in granted(outcomes)}


def test_a_place_that_is_given_back_is_taken_once(races: Races) -> None:
    for outcomes, day in races.of(Kind.CANCEL):
        (cancelled,) = (one for one in outcomes if one.word == "cancelled")
        writes = sorted([cancelled, *granted(outcomes)], key=lambda one: one.version)
        taken = 1
        for one in writes:
            taken += -1 if one is cancelled else 1
            assert taken <= PLACES
        ids = {one.request_id for one in granted(outcomes)}
        assert len(ids) in (1, PLACES)
        assert races.pending(day) == ids == {o.id for o in day.occupants}


def test_without_the_condition_on_the_version_they_oversell(races: Races) -> None:
    ((outcomes, day),) = races.of(Kind.UNGUARDED)
    assert len(granted(outcomes)) > PLACES
    assert len(races.pending(day)) > PLACES
