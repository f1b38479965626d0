"""Fits `match_weights` to training data: how often each level is seen on one person's entries, on strangers', on relatives'.

Fellegi and Sunter 1969, with the pairs' truth known, so that counting takes the place of expectation-maximisation. What one
person's entries look like is FEBRL's training half and the front desk's training entries, counted alike; strangers are random
pairs of each; relatives are pairs of one family. No weight goes beyond what so many pairs can tell.
"""

import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import log2
from pathlib import Path

from oneway.domain import match_weights, possible_matches
from oneway.domain.comparing_people import GROUPS, Levels, levels, recorded_patient, typed_patient

from .worlds import World

FIELDS = ("first_name", "last_name", "suffix", "birth_date", "mobile", "email")
STRANGERS = 30_000
QUIET = 0.995
DRAFT_FLOOR = 8.0
LEAST, MOST = -8.0, 14.0
"""Bits. The most: a number recycled or of an office agrees once in some ten thousand pairs, whatever the sample says."""
Shares = dict[str, dict[str, float]]


def fitted(sets: Sequence[World]) -> tuple[Shares, Shares]:
    """Bits against strangers and against relatives: field → group → bits."""
    dice = random.Random(1)
    persons = _mean([_shares(same(one)) for one in sets])
    others = _mean([_shares(strangers(one, dice, STRANGERS)) for one in sets])
    families = _shares(pair for one in sets for pair in relatives(one))
    return _bits(persons, others), _bits(persons, families)


def lowest_floor(sets: Sequence[World]) -> float:
    """The lowest half bit at which at least `QUIET` of the training requests whose patient has no visit are shown nothing."""
    best: list[float] = []
    for world in sets:
        index, truth = possible_matches.AppointmentsByKey(world.appointments, world.practice), world.truth
        alone = (request for request in world.requests if not truth[request.id])
        best += [max((match.score for match in index.answering(request, 0.0)), default=0.0) for request in alone]
    floors = [half / 2 for half in range(8, 41)]
    return next(floor for floor in floors if sum(score < floor for score in best) >= QUIET * len(best))


def write(against_strangers: Shares, against_relatives: Shares, floor: float) -> None:
    """The module of constants, formatted."""
    path = Path(match_weights.__file__)
    path.write_text(
        '"""What each group of levels weighs, in bits; see `possible_matches`.\n\n'
        "Written by `python -m tests.benchmarks.matching --fit` from training data only; docs/matching.md says which.\n"
        '"""\n\nfrom collections.abc import Mapping\n\n'
        f"AGAINST_STRANGERS: Mapping[str, Mapping[str, float]] = {against_strangers!r}\n"
        f"AGAINST_RELATIVES: Mapping[str, Mapping[str, float]] = {against_relatives!r}\n"
        f'FLOOR = {floor!r}\n"""Bits below which nothing is suggested."""\n',
        "utf-8",
    )
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", path], check=True)


def set_floor(floor: float) -> None:
    """The floor, once the weights stand."""
    write(_plain(match_weights.AGAINST_STRANGERS), _plain(match_weights.AGAINST_RELATIVES), floor)


def _plain(weights: Mapping[str, Mapping[str, float]]) -> Shares:
    return {name: dict(bits) for name, bits in weights.items()}


def pair_levels(world: World, pairs: Iterable[tuple[int, int]]) -> Iterable[Levels]:
    """Levels of pairs of a request and an appointment, by their places."""
    for ours, theirs in pairs:
        patient = world.appointments[theirs].row.patient
        assert patient
        yield levels(typed_patient(world.requests[ours].patient), recorded_patient(patient))


def same(world: World) -> Iterable[Levels]:
    """Pairs of one person."""
    of = {world.person_of[one.id]: at for at, one in enumerate(world.appointments)}
    pairs = ((at, of[who]) for at, one in enumerate(world.requests) if (who := world.person_of[one.id]) in of)
    return pair_levels(world, pairs)


def strangers(world: World, dice: random.Random, count: int) -> Iterable[Levels]:
    """So many random pairs, without those of one family."""

    def pairs() -> Iterable[tuple[int, int]]:
        for _ in range(count):
            ours, theirs = dice.randrange(len(world.requests)), dice.randrange(len(world.appointments))
            if world.family_of[world.requests[ours].id] != world.family_of[world.appointments[theirs].id]:
                yield ours, theirs

    return pair_levels(world, pairs())


def relatives(world: World) -> Iterable[Levels]:
    """Pairs of two of one family."""
    members: dict[int, list[int]] = {}
    for at, one in enumerate(world.appointments):
        members.setdefault(world.family_of[one.id], []).append(at)
    pairs = (
        (ours, theirs)
        for ours, one in enumerate(world.requests)
        for theirs in members.get(world.family_of[one.id], ())
        if world.person_of[world.appointments[theirs].id] != world.person_of[one.id]
    )
    return pair_levels(world, pairs)


def _shares(found: Iterable[Levels]) -> Shares:
    """Field → group → share of the pairs in which both sides have it; half a pair is added to each group."""
    counted: dict[str, Counter[str]] = {name: Counter() for name in FIELDS}
    for one in found:
        for name, level in zip(FIELDS, one, strict=False):
            group = GROUPS[name].get(str(level), "absent")
            counted[name][group] += 1
    shares: Shares = {}
    for name, counts in counted.items():
        groups = sorted(set(GROUPS[name].values()))
        present = sum(counts[group] for group in groups)
        shares[name] = (
            {group: (counts[group] + 0.5) / (present + 0.5 * len(groups)) for group in groups} if present else {}
        )
    return shares


def _mean(several: Sequence[Shares]) -> Shares:
    found: Shares = {}
    for name in FIELDS:
        known = [shares[name] for shares in several if shares[name]]
        found[name] = {group: sum(one[group] for one in known) / len(known) for group in known[0]}
    return found


def _bits(same: Mapping[str, Mapping[str, float]], other: Mapping[str, Mapping[str, float]]) -> Shares:
    most = {"differs": 0.0}
    return {
        name: {
            group: round(min(most.get(group, MOST), max(LEAST, log2(share / other[name][group]))), 1)
            for group, share in groups.items()
            # Names in each other's place say one thing, not two: the last name carries it.
            if name != "first_name" or group not in ("swapped", "misplaced")
        }
        for name, groups in same.items()
    }
