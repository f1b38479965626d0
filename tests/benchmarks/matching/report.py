"""Measures every test world, says what is reached, and writes it into docs/matching.md with a picture of the scores."""

import random
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from oneway.domain.match_weights import FLOOR
from oneway.domain.possible_matches import identity_score
from rich.console import Console

from local.aws import ROOT

from . import fitting, worlds
from .measuring import Listed, Matched, exact_matches, listed, plain_matches
from .patterns import Pattern, counted
from .worlds import World

PAGE, PICTURE = ROOT / "docs/matching.md", ROOT / "docs/pictures/matching.svg"
MISSED = ROOT / "docs/matching-missed.md"
"""Every pair that no list shows first, of every set."""
BEGINS, ENDS = "<!-- measured: begins -->\n", "<!-- measured: ends -->\n"
ELSEWHERE = "FEBRL 4, at another time"
_LEAST, _MOST, _WIDE, _HIGH = -24, 60, 760, 240


@dataclass(frozen=True)
class Reached:
    """What one world gave."""

    world: World
    exact: Matched
    plain: Matched
    list: Listed
    without_floor: Listed


def measure() -> list[Reached]:
    """Every test world."""
    return [
        Reached(one, exact_matches(one), plain_matches(one), listed(one), listed(one, -1e9))
        for one in worlds.test_worlds()
    ]


def goals(found: Sequence[Reached]) -> list[tuple[str, str, str, bool]]:
    """Goal, what is measured, the goal in words, whether it is reached (goals.md)."""
    by_name = {one.world.name: one for one in found}
    false = sum(one.exact.false for one in found)
    retyped, mistyped = by_name["re-typed"], by_name["mistyped"]
    there, elsewhere = by_name["FEBRL 4, at the time asked for"], by_name[ELSEWHERE]
    rows = [
        ("false automatic matches, all sets", f"{false}", "0", false == 0),
        (
            "automatic matches of re-typed entries",
            str(retyped.exact.recall),
            "≥ 99.5 %",
            retyped.exact.recall.value >= 0.995,
        ),
    ]
    for what, one, least in (
        ("true visit first, re-typed", retyped, 0.99),
        ("true visit first, mistyped", mistyped, 0.99),
        ("true visit first, FEBRL 4 at the time asked for", there, 0.95),
        ("true visit first, FEBRL 4 at another time", elsewhere, 0.95),
    ):
        share = one.list.first_share
        rows.append((what, str(share), f"≥ {least:.0%}".replace("%", " %"), share.value >= least))
    return rows


def write(found: Sequence[Reached], out: Console) -> list[str]:
    """To the terminal, and between the marks of the page; what misses its goal."""
    rows = goals(found)
    for what, value, goal, reached in rows:
        out.print(f"{'✓' if reached else '✗'} {what}: {value} (goal {goal})")
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(BEGINS)
    _, _, after = rest.partition(ENDS)
    PAGE.write_text(before + BEGINS + "\n" + _tables(found) + "\n" + ENDS + after, "utf-8")
    PICTURE.write_text(_picture(found), "utf-8")
    MISSED.write_text(missed_page(found), "utf-8")
    out.print(f"written to {PAGE.relative_to(ROOT)} and {MISSED.relative_to(ROOT)}")
    return [f"{what}: {value} (goal {goal})" for what, value, goal, reached in rows if not reached]


def _tables(found: Sequence[Reached]) -> str:
    parts = ["### Goals\n", _table(("what", "measured, 95 % interval", "goal", "reached"),
                                  ((*row[:3], "yes" if row[3] else "**no**") for row in goals(found)))]  # fmt: skip
    parts.append("### Confirming by itself\n")
    parts.append(_table(
        ("set", "requests", "visits", "pairs of one person", "found by Oneway", "false", "by exact first + last + birth date",
         "false"),
        ((one.world.name, len(one.world.requests), len(one.world.appointments), one.exact.of, one.exact.recall, one.exact.false,
          one.plain.recall, one.plain.false) for one in found),
    ))  # fmt: skip
    parts.append("### Possible matches\n")
    parts.append(_table(
        ("set", "true visit first", "in the list", "first if there were no floor", "suggestions that are true",
         "nothing shown where there is no visit"),
        ((one.world.name, one.list.first_share, one.list.list_share, one.without_floor.first_share, one.list.precision,
          one.list.quiet if one.list.without else "") for one in found),
    ))  # fmt: skip
    parts.append("### What was missed\n")
    parts.append(
        f"Every pair of one person whose visit does not stand first is listed in [{MISSED.name}]({MISSED.name}).\n"
    )
    parts.append(_table(
        ("set", "missed", "of", "nothing shown", "another first"),
        ((one.world.name, len(one.list.missed), one.list.of, sum(not shown for *_, shown in one.list.missed),
          sum(bool(shown) for *_, shown in one.list.missed)) for one in found),
    ))  # fmt: skip
    parts.append(patterns(found))
    return "\n".join(parts)


def patterns(found: Sequence[Reached]) -> str:
    """In which way the pairs that were missed differ, counted; and what that says of FEBRL 4."""
    missed = [one for one in found if one.list.missed]
    counts = {one.world.name: counted((request, visit) for request, visit, _ in one.list.missed) for one in missed}
    table = _table(
        ("what differs (each pair once, at the first that it fits)", *counts),
        ((pattern, *(of[pattern] for of in counts.values())) for pattern in Pattern),
    )
    if ELSEWHERE not in counts:
        return table
    of = counts[ELSEWHERE]
    twins, fathers = of[Pattern.FIRST_NAME], of[Pattern.BIRTH_DATE]
    said = (
        f"Of the {of.total()} of {ELSEWHERE}, {twins} differ as twins do and {fathers} as father and son do. The other "
        f"{of.total() - twins - fathers} are no family's pattern: {of[Pattern.NUMBER]} share no number, "
        f"{of[Pattern.NAME_AND_BIRTH_DATE]} have another name and another birth date, {of[Pattern.BOTH_NAMES]} two other names, "
        f"{of[Pattern.MISSING]} lack a name or the birth date, {of[Pattern.OTHER]} none of these."
    )
    return f"{table}\n{textwrap.fill(said, 130)}\n"


def missed_page(found: Sequence[Reached]) -> str:
    """Every pair that was missed, of every set."""
    parts = [
        "# What was missed\n",
        "Written by `make bench`, beside [matching.md](matching.md): every pair of one person, on test data, whose visit does",
        "not stand first among the possible matches. All people are made up.\n",
    ]
    return "\n".join([*parts, *map(_missed, found)])


def _missed(one: Reached) -> str:
    missed = one.list.missed
    rows = []
    for request, appointment, shown in missed:
        typed, record = request.patient, appointment.row.patient
        assert record
        name = record.names[0]
        rows.append((
            f"{typed.first_name} · {typed.last_name}", f"{' '.join(name.given)} · {name.family}", _born(typed.birth_date),
            _born(record.birth_date), "yes" if typed.mobile in record.phones else "no", "another first" if shown else "nothing",
        ))  # fmt: skip
    title = f"## {one.world.name}: {len(missed)} of {one.list.of}\n\n"
    return title + (_table(("typed", "entered", "born, typed", "entered", "same phone", "shown"), rows) if rows else "")


def _born(born: object) -> str:
    return "" if born in (None, worlds.NOBODY_BORN) else str(born)


def _table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [f"| {' | '.join(headings)} |", "|" + " --- |" * len(headings)]
    lines += [f"| {' | '.join(str(cell).replace('|', '/') for cell in row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _picture(found: Sequence[Reached]) -> str:
    """How many bits pairs of one person, of relatives and of strangers get, on test data, as areas of equal size."""
    by_name = {one.world.name: one.world for one in found}
    desk, febrl = by_name["mistyped"], by_name[ELSEWHERE]
    dice = random.Random(1)
    classes = (
        ("strangers", "#b4551d", fitting.strangers(desk, dice, 20_000)),
        ("relatives", "#8a6d00", fitting.relatives(desk)),
        ("one person, FEBRL 4", "#3b6fb6", fitting.same(febrl)),
        ("one person, mistyped", "#12805c", fitting.same(desk)),
    )
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {_HIGH + 70}" role="img" aria-labelledby="t">',
        '<title id="t">Bits of evidence of pairs of strangers, of relatives and of one person, with the floor</title>',
        "<style>text{font:13px system-ui,sans-serif;fill:#24292f}.a{stroke:#6e7781}"
        "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.a{stroke:#9198a1}}</style>",
    ]
    for at, (name, colour, pairs) in enumerate(classes):
        counts = [0] * (_MOST - _LEAST + 1)
        for one in pairs:
            counts[min(max(round(identity_score(one)), _LEAST), _MOST) - _LEAST] += 1
        top = max(counts)
        points = " ".join(
            f"{_x(bits + _LEAST):.0f},{_HIGH - 20 - (_HIGH - 60) * n / top:.0f}" for bits, n in enumerate(counts)
        )
        lines.append(f'<polygon points="{_x(_LEAST):.0f},{_HIGH - 20} {points} {_x(_MOST):.0f},{_HIGH - 20}" fill="{colour}" '
                     f'fill-opacity=".35" stroke="{colour}" stroke-width="1.5"/>')  # fmt: skip
        lines.append(f'<rect x="{20 + at * 180}" y="{_HIGH + 42}" width="12" height="12" fill="{colour}"/>'
                     f'<text x="{38 + at * 180}" y="{_HIGH + 53}">{name}</text>')  # fmt: skip
    lines.append(f'<path class="a" d="M{_x(_LEAST):.0f} {_HIGH - 20}H{_x(_MOST):.0f}" fill="none"/>')
    lines.append(f'<path class="a" d="M{_x(FLOOR):.0f} 22V{_HIGH - 20}" stroke-dasharray="4 4" fill="none"/>')
    lines.append(f'<text x="{_x(FLOOR) + 6:.0f}" y="30">floor, {FLOOR:g} bits</text>')
    lines += [f'<text x="{_x(bits):.0f}" y="{_HIGH}" text-anchor="middle">{bits}</text>' for bits in range(-24, 61, 12)]
    lines.append(
        f'<text x="{_WIDE / 2:.0f}" y="{_HIGH + 22}" text-anchor="middle">bits of evidence, identifiers alone</text>'
    )
    return "\n".join([*lines, "</svg>", ""])


def _x(bits: float) -> float:
    return 20 + (bits - _LEAST) / (_MOST - _LEAST) * (_WIDE - 40)
