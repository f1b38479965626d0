"""Two weeks of synthetic visits: made up by the same dice every time, inside the providers' hours."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from oneway.domain.practices import Practice, Provider

from .system import Person, SchedulingSystem

DAYS = 14
_SHARE_TAKEN = 0.55
_SHARE_CANCELLED = 0.06
_PEOPLE = 60
_FIRST = ("Ana", "Ben", "Chloe", "Dev", "Elena", "Farid", "Grace", "Hugo", "Imani", "Jonas", "Keiko", "Luis", "Mei")
_LAST = (
    "Abbott",
    "Baptiste",
    "Castillo",
    "Dlamini",
    "Eriksen",
    "Fontaine",
    "Gupta",
    "Hansen",
    "Ito",
    "Jensen",
    "Kowalski",
)


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit to enter: provider's id, index of the person (None: busy time), [start, end) in UTC, FHIR status."""

    provider_id: str
    person: int | None
    start: datetime
    end: datetime
    status: str


def people(mail_domain: str) -> list[Person]:
    """The patients of the synthetic visits; nobody of them asks for anything online."""
    dice = random.Random(20261123)
    found = []
    for number in range(_PEOPLE):
        first, last = dice.choice(_FIRST), dice.choice(_LAST)
        born = date(1940, 1, 1) + timedelta(days=dice.randrange(28000))
        email = f"visitor{number}@{mail_domain}"
        found.append(Person(first, last, born, f"+1 415 555 {dice.randrange(100, 200):04d}", email))
    return found


def visits(practice: Practice, first: date, days: int = DAYS) -> Iterator[Visit]:
    """The visits of `days` days from `first` on, about half of what the hours hold, and one meeting a week."""
    dice = random.Random(first.toordinal())
    for provider in practice.providers.values():
        for number in range(days):
            yield from _of_day(practice, provider, first + timedelta(days=number), dice)


def enter(system: SchedulingSystem, practice: Practice, first: date, mail_domain: str, days: int = DAYS) -> int:
    """Enter two weeks into a scheduling system that knows the providers by their external ids; how many visits."""
    ids = [system.add_person(person) for person in people(mail_domain)]
    count = 0
    for visit in visits(practice, first, days):
        external_id = practice.provider(visit.provider_id).external_id or ""
        person_id = ids[visit.person] if visit.person is not None else None
        system.enter_visit(external_id, person_id, visit.start, visit.end, visit.status)
        count += 1
    return count


def _of_day(practice: Practice, provider: Provider, day: date, dice: random.Random) -> Iterator[Visit]:
    zone = practice.zone_of(provider)
    minutes = 30
    for opening in practice.availability_of(provider).hours_on(day):
        for begins in range(opening.start_minutes, opening.end_minutes - minutes + 1, minutes):
            meeting = day.weekday() == 1 and begins == opening.start_minutes
            if not meeting and dice.random() > _SHARE_TAKEN:
                continue
            wall = datetime.combine(day, time(begins // 60, begins % 60), zone)
            start = wall.astimezone(UTC)
            status = "cancelled" if not meeting and dice.random() < _SHARE_CANCELLED else "booked"
            person = None if meeting else dice.randrange(_PEOPLE)
            yield Visit(provider.id, person, start, start + timedelta(minutes=minutes), status)
