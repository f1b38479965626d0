"""Requests and a schedule in which their answers are known: of FEBRL's records, and of what a front desk entered.

Training and test share nobody: FEBRL's fourth set is split by the person's number (even: training), the front desk's people are
drawn anew from another seed. FEBRL's first three sets are for tests only.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from oneway.domain.appointments import Appointment, AppointmentState, PersonName, RecordPatient, RowKind, ScheduleRow
from oneway.domain.practices import Practice
from oneway.domain.requests import Patient, Request, RequestedSlot
from oneway.phones import to_e164

from tests.builders import a_practice, a_provider

from . import febrl, front_desk

CREATED = datetime(2026, 11, 2, 15, tzinfo=UTC)
FIRST = datetime(2026, 11, 4, 16, tzinfo=UTC)
DAYS, A_DAY, PROVIDERS = 28, 16, 8
TRAINING_SEED, TEST_SEED = 1969, 2022
NOBODY_BORN = date(1, 1, 1)
"""FEBRL leaves out typed birth dates, which our form never does: a date that agrees with none."""
Entering = Callable[[front_desk.Person, random.Random], front_desk.Entry]


@dataclass
class World:
    """Requests, the schedule, and whose each is. `family` is of people who are related; plain are identifiers as typed."""

    name: str
    practice: Practice
    requests: list[Request] = field(default_factory=list)
    appointments: list[Appointment] = field(default_factory=list)
    person_of: dict[str, int] = field(default_factory=dict)
    family_of: dict[str, int] = field(default_factory=dict)

    @property
    def truth(self) -> dict[str, set[str]]:
        """Request → appointments of the same person."""
        of_person: dict[int, set[str]] = {}
        for appointment in self.appointments:
            of_person.setdefault(self.person_of[appointment.id], set()).add(appointment.id)
        return {request.id: of_person.get(self.person_of[request.id], set()) for request in self.requests}

    def ask(self, person: int, family: int, patient: Patient, start: datetime, provider: str) -> None:
        """One more request."""
        identifier = f"r{len(self.requests)}"
        slot = RequestedSlot(start, start + timedelta(minutes=30))
        self.requests.append(
            Request("harbor", identifier, provider, "main", "new", slot, patient, True, "en", True, CREATED, "")
        )
        self.person_of[identifier], self.family_of[identifier] = person, family

    def enter(self, person: int, family: int, record: RecordPatient, start: datetime, provider: str) -> None:
        """One more visit in the schedule, entered after the requests were made."""
        identifier = f"a{len(self.appointments)}"
        row = ScheduleRow(
            identifier, RowKind.APPOINTMENT, "booked", AppointmentState.BOOKED, start, start + timedelta(minutes=30), "",
            True, f"prac-{provider}", patient=record,
        )  # fmt: skip
        seen = CREATED + timedelta(hours=1)
        self.appointments.append(Appointment("harbor", identifier, "ehr", provider, row, seen, seen))
        self.person_of[identifier], self.family_of[identifier] = person, family


def febrl_world(
    name: str, asked: Sequence[febrl.Record], entered: Sequence[febrl.Record], seed: int, there: bool
) -> World:
    """Records as requests, others as the schedule: at the time and with the provider asked for (`there`), as staff enter it, or
    at random, so that nothing but the identifiers tells.
    """
    dice, world = random.Random(seed), World(name, a_world_practice())
    wanted: dict[int, tuple[datetime, str]] = {}
    for one in asked:
        wanted[one.person] = place = _start(dice), _provider(dice)
        patient = Patient(one.first, one.last, _date(one.born) or NOBODY_BORN, _number(one), None)
        world.ask(one.person, one.person, patient, *place)
    for one in entered:
        number = _number(one)
        names = (PersonName((one.first,) if one.first else (), one.last),)
        record = RecordPatient(None, names, _date(one.born), (number,) if number else ())
        place = _start(dice), _provider(dice)
        world.enter(one.person, one.person, record, *(wanted.get(one.person, place) if there else place))
    return world


def training_worlds() -> list[World]:
    """FEBRL's half, and front desks' entries."""
    asked, entered = _halves(0)
    return [
        febrl_world("FEBRL 4, training half", asked, entered, 1, there=False),
        desk_world("re-typed, training", 4_000, TRAINING_SEED, front_desk.retyped, 0.8),
        desk_world("mistyped, training", 4_000, TRAINING_SEED + 1, front_desk.mistyped, 0.8),
    ]


def test_worlds() -> list[World]:
    """Nobody of these was fitted to. The test half of FEBRL's fourth set is looked for in the whole schedule."""
    asked, _ = _halves(1)
    entered = febrl.load("dataset4b")
    worlds = [
        desk_world("re-typed", 4_000, TEST_SEED, front_desk.retyped, 0.8),
        desk_world("mistyped", 4_000, TEST_SEED + 1, front_desk.mistyped, 0.8),
        febrl_world("FEBRL 4, at the time asked for", asked, entered, 2, there=True),
        febrl_world("FEBRL 4, at another time", asked, entered, 2, there=False),
    ]
    for number in (1, 2, 3):
        records = febrl.load(f"dataset{number}")
        originals, copies = [r for r in records if r.original], [r for r in records if not r.original]
        copied = {r.person for r in copies}
        worlds.append(
            febrl_world(
                f"FEBRL {number}, at another time", [r for r in originals if r.person in copied], copies, 3, there=False
            )
        )
    fitted_to = {one.person for one in _halves(0)[0]}
    if fitted_to & {one.person for one in asked}:
        raise AssertionError("training and test share people")
    return worlds


def _halves(parity: int) -> tuple[list[febrl.Record], list[febrl.Record]]:
    return tuple([r for r in febrl.load(f"dataset4{part}") if r.person % 2 == parity] for part in "ab")  # type: ignore[return-value]


def desk_world(name: str, count: int, seed: int, entering: Entering, answered_there: float) -> World:
    """So many people, of whom three in four ask for a time. Of those, four in five are entered, that share at the time
    asked for and the rest at another; who does not ask has a visit of their own, relatives included.
    """
    dice, world = random.Random(seed), World(name, a_world_practice())
    for person in front_desk.people(count, dice):
        start, provider = _start(dice), _provider(dice)
        asks = dice.random() < 0.75
        if asks:
            world.ask(person.number, person.family, typed(person), start, provider)
            if dice.random() < 0.2:
                continue
        entry = entering(person, dice)
        if asks and dice.random() >= answered_there:
            start = _start(dice)
        world.enter(person.number, person.family, recorded(entry), start, provider)
    return world


def typed(person: front_desk.Person) -> Patient:
    """What a person types into the form."""
    last = f"{person.last} {person.suffix}" if person.suffix and person.number % 2 else person.last
    mobile = to_e164(person.phone, "US")
    return Patient(person.first, last, date.fromisoformat(person.born), mobile, person.email)


def recorded(entry: front_desk.Entry) -> RecordPatient:
    """What a source gives of an entry."""
    phones = tuple(found for one in entry.phones if (found := to_e164(one, "US")))
    names = (PersonName(entry.given, entry.last, entry.suffix),)
    return RecordPatient(None, names, date.fromisoformat(entry.born), phones, entry.emails)


def a_world_practice() -> Practice:
    """A practice with some providers."""
    return a_practice(*(a_provider(f"provider-{n}") for n in range(PROVIDERS)))


def _start(dice: random.Random) -> datetime:
    return FIRST + timedelta(days=dice.randrange(DAYS), minutes=30 * dice.randrange(A_DAY))


def _provider(dice: random.Random) -> str:
    return f"provider-{dice.randrange(PROVIDERS)}"


def _number(record: febrl.Record) -> str | None:
    return f"+6149{record.number}" if record.number else None


def _date(digits: str) -> date | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
