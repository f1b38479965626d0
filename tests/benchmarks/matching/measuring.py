"""What is reached on a world whose truth is known: the exact matcher, the list of possible matches, and the plain exact rule."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import sqrt

from oneway.domain.appointments import Appointment
from oneway.domain.comparing_people import recorded_patient, typed_patient
from oneway.domain.match_weights import FLOOR
from oneway.domain.people import agrees
from oneway.domain.possible_matches import AppointmentsByKey, PossibleMatch
from oneway.domain.requests import Request

from .worlds import World

_Z = 1.959964
"""The normal quantile of a 95 % interval."""


@dataclass(frozen=True)
class Share:
    """So many of so many, with Wilson's 95 % interval (E. B. Wilson, "Probable inference, the law of succession", 1927)."""

    found: int
    of: int

    @property
    def value(self) -> float:
        """The share itself; 1 of nothing."""
        return self.found / self.of if self.of else 1.0

    @property
    def interval(self) -> tuple[float, float]:
        """From, to."""
        if not self.of:
            return 0.0, 1.0
        p, n, z = self.value, self.of, _Z
        middle, half = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.2%} ({low:.2%}–{high:.2%})"


@dataclass
class Matched:
    """What a rule that confirms by itself found: true and false pairs, and how many pairs of one person there are."""

    true: int = 0
    false: int = 0
    of: int = 0

    @property
    def recall(self) -> Share:
        """True pairs found."""
        return Share(self.true, self.of)

    @property
    def precision(self) -> Share:
        """Of what was found, what is true."""
        return Share(self.true, self.true + self.false)


@dataclass
class Listed:
    """What the list of possible matches shows. Requests without a visit of the person in the schedule count apart."""

    first: int = 0
    in_list: int = 0
    of: int = 0
    without: int = 0
    quiet_without: int = 0
    shown: int = 0
    shown_true: int = 0
    missed: list[tuple[Request, Appointment, PossibleMatch | None]] = field(default_factory=list)

    @property
    def first_share(self) -> Share:
        """Requests whose true visit stands first."""
        return Share(self.first, self.of)

    @property
    def list_share(self) -> Share:
        """Requests whose true visit is in the list at all."""
        return Share(self.in_list, self.of)

    @property
    def precision(self) -> Share:
        """Of all suggestions, true ones."""
        return Share(self.shown_true, self.shown)

    @property
    def quiet(self) -> Share:
        """Of requests without a visit, those with an empty list."""
        return Share(self.quiet_without, self.without)


def exact_matches(world: World) -> Matched:
    """Our exact rule, on identifiers alone."""
    return _matched(world, (pair for pair in _same_birth_date(world) if _agree(*pair)))


def plain_matches(world: World) -> Matched:
    """First name, last name and birth date equal but for case, as other systems ask."""
    return _matched(world, (pair for pair in _same_birth_date(world) if _plainly_equal(*pair)))


def listed(world: World, floor: float = FLOOR) -> Listed:
    """The list of every request."""
    found, truth = Listed(), world.truth
    appointments = {one.id: one for one in world.appointments}
    index = AppointmentsByKey(world.appointments, world.practice)
    for request in world.requests:
        matches = index.answering(request, floor)
        true = truth[request.id]
        right = [at for at, match in enumerate(matches) if match.appointment_id in true]
        found.shown += len(matches)
        found.shown_true += len(right)
        if not true:
            found.without += 1
            found.quiet_without += not matches
            continue
        found.of += 1
        found.in_list += bool(right)
        found.first += right[:1] == [0]
        if right[:1] != [0]:
            found.missed.append((request, appointments[min(true)], matches[0] if matches else None))
    return found


def _matched(world: World, pairs: Iterable[tuple[Request, Appointment]]) -> Matched:
    found = Matched(of=sum(map(len, world.truth.values())))
    for request, appointment in pairs:
        same = world.person_of[request.id] == world.person_of[appointment.id]
        found.true += same
        found.false += not same
    return found


def _same_birth_date(world: World) -> Iterator[tuple[Request, Appointment]]:
    born: dict[str, list[Appointment]] = {}
    for appointment in world.appointments:
        assert appointment.row.patient
        born.setdefault(recorded_patient(appointment.row.patient).birth_date, []).append(appointment)
    for request in world.requests:
        for appointment in born.get(typed_patient(request.patient).birth_date, ()):
            yield request, appointment


def _agree(request: Request, appointment: Appointment) -> bool:
    assert appointment.row.patient
    return agrees(request.patient, appointment.row.patient)


def _plainly_equal(request: Request, appointment: Appointment) -> bool:
    record, typed = appointment.row.patient, request.patient
    assert record
    first, last = " ".join(record.names[0].given).lower(), record.names[0].family.lower()
    names = (typed.first_name.lower(), typed.last_name.lower())
    return all(names) and names == (first, last) and record.birth_date == typed.birth_date
