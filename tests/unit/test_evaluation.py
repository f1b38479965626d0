"""How matching is measured (docs/matching.md): by a generator that knows nothing of ours, on people nobody was fitted to."""

import ast
import sys
from datetime import date
from pathlib import Path

import pytest
from oneway.domain.appointments import PersonName
from oneway.domain.match_weights import FLOOR

from tests.benchmarks.__main__ import Measured, told
from tests.benchmarks.matching import front_desk, report
from tests.benchmarks.matching.measuring import exact_matches, listed, plain_matches
from tests.benchmarks.matching.patterns import Pattern, counted, pattern_of
from tests.benchmarks.matching.report import Reached
from tests.benchmarks.matching.worlds import TEST_SEED, TRAINING_SEED, Entering, World, desk_world
from tests.builders import a_record, a_request, a_row, an_appointment

ANOTHER_SEED = 7_919
PEOPLE = 600


def measured(name: str, entering: Entering, floor: float = FLOOR) -> Reached:
    """A small world of people whom neither training nor the written tests have seen."""
    world = desk_world(name, PEOPLE, ANOTHER_SEED, entering, 0.8)
    return Reached(world, exact_matches(world), plain_matches(world), listed(world, floor), listed(world, floor))


def people_of(world: World) -> set[tuple[str, str, str]]:
    """Who asks."""
    return {(one.patient.first_name, one.patient.last_name, str(one.patient.birth_date)) for one in world.requests}


def test_the_generator_imports_nothing_but_the_standard_library() -> None:
    assert front_desk.__file__
    tree = ast.parse(Path(front_desk.__file__).read_text("utf-8"))
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not any(node.level for node in froms)
    modules |= {node.module or "" for node in froms}
    assert {module.partition(".")[0] for module in modules} <= set(sys.stdlib_module_names)


def test_who_is_measured_was_not_fitted_to() -> None:
    training, test = (desk_world("", PEOPLE, seed, front_desk.retyped, 0.8) for seed in (TRAINING_SEED, TEST_SEED))
    assert not people_of(training) & people_of(test)
    assert len({TRAINING_SEED, TRAINING_SEED + 1, TEST_SEED, TEST_SEED + 1, ANOTHER_SEED}) == 5


@pytest.mark.parametrize("entering", [front_desk.retyped, front_desk.mistyped])
def test_the_goals_hold_on_people_never_seen_before(entering: Entering) -> None:
    found = measured("", entering)
    assert found.exact.of > PEOPLE / 2
    assert found.exact.false == 0
    assert found.list.first_share.value >= 0.99
    if entering is front_desk.retyped:
        assert found.exact.recall.value >= 0.995
        assert found.plain.recall.value < 0.6, "entries are told anew, or the exact rule of others would do"


def test_every_pair_that_was_missed_is_listed() -> None:
    """Of whichever set; a floor that nobody reaches misses all."""
    found = [measured("one", front_desk.mistyped, floor=99), measured("two", front_desk.retyped, floor=99)]
    lines = report.missed_page(found).splitlines()
    for one in found:
        assert one.list.missed
        at = lines.index(f"## {one.world.name}: {len(one.list.missed)} of {one.list.of}")
        table = [line for line in lines[at + 1 : at + 5 + len(one.list.missed)] if line.startswith("| ")]
        assert len(table) == 2 + len(one.list.missed)


SAME_BUT: list[tuple[Pattern, dict[str, object]]] = [
    (Pattern.FIRST_NAME, {"names": (PersonName(("Zoltan",), "Núñez"),)}),
    (Pattern.BIRTH_DATE, {"birth_date": date(1951, 7, 30)}),
    (Pattern.BOTH_NAMES, {"names": (PersonName(("Zoltan",), "Wexford"),)}),
    (Pattern.NAME_AND_BIRTH_DATE, {"names": (PersonName(("Zoltan",), "Núñez"),), "birth_date": date(1951, 7, 30)}),
    (Pattern.NAME_AND_BIRTH_DATE, {"names": (PersonName(("Maria",), "Wexford"),), "birth_date": date(1951, 7, 30)}),
    (Pattern.NUMBER, {"names": (PersonName(("Zoltan",), "Núñez"),), "phones": ("+14150000000",)}),
    (Pattern.NUMBER, {"birth_date": date(1951, 7, 30), "phones": ()}),
    (Pattern.MISSING, {"names": (PersonName((), "Núñez"),)}),
    (Pattern.MISSING, {"birth_date": None}),
    (Pattern.OTHER, {"names": (PersonName(("Maria",), "Wexford"),)}),
]


@pytest.mark.parametrize(("pattern", "changes"), SAME_BUT)
def test_each_pair_that_was_missed_is_counted_by_what_differs(pattern: Pattern, changes: dict[str, object]) -> None:
    assert pattern_of(a_request(), an_appointment(a_row(patient=a_record(**changes)))) is pattern


def test_the_gap_is_told_in_counted_numbers() -> None:
    missed = measured(report.ELSEWHERE, front_desk.mistyped, floor=99)
    page = report.patterns([missed, measured("another", front_desk.retyped, floor=99)])
    counts = counted((request, visit) for request, visit, _ in missed.list.missed)
    assert counts.total() == len(missed.list.missed)
    for pattern in Pattern:
        assert f"| {pattern} | {counts[pattern]} | " in page
    rest = counts.total() - counts[Pattern.FIRST_NAME] - counts[Pattern.BIRTH_DATE]
    assert f"The other {rest} are" in " ".join(page.split())
    assert report.patterns([]).count("\n") == 2 + len(Pattern)


def test_a_goal_that_is_missed_is_told_and_fails_the_run() -> None:
    table = Measured(
        "Times",
        ("what", "ms"),
        [(("slow", "9"), "≤ 5", False), (("quick", "1"), "≤ 5", True), (("bare", "0"), "", False)],
    )
    assert table.misses == ["Times: slow, 9 (goal ≤ 5)"]
    assert told(table.misses) == 1
    assert told([]) == 0
