"""`make bench`: what goals.md asks for, as ratios and counts of one run; shown, and written to docs/performance.md
(how well requests are matched to docs/matching.md).
"""

import argparse
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from local import build
from local.aws import ROOT
from local.build import BUILT

from . import cold_starts, pages, pulls, slots, units
from .matching import report, speed

LAYERS = {"Dependencies": 17.0, "Core": None, "Signing": 17.0}
"""Layer → the most megabytes that it may take, unpacked, with bytecode; None: our own code, which has no goal."""
WRITTEN = ROOT / "docs/performance.md"
out = Console()


@dataclass(frozen=True)
class Measured:
    """A table: its last column is a goal in words, "" where there is none, and whether it is reached."""

    title: str
    headings: Sequence[str]
    rows: Sequence[tuple[Sequence[str], str, bool]]
    note: str = ""

    def show(self) -> None:
        """On the terminal."""
        shown = Table(*self.headings, "goal", title=self.title)
        for cells, goal, reached in self.rows:
            shown.add_row(*cells, f"[green]✓[/] {goal}" if goal and reached else f"[red]✗[/] {goal}" if goal else "")
        out.print(shown)

    @property
    def misses(self) -> list[str]:
        """The rows that do not reach their goals."""
        return [
            f"{self.title}: {', '.join(cells)} (goal {goal})"
            for cells, goal, reached in self.rows
            if goal and not reached
        ]

    def markdown(self) -> str:
        """For a page."""
        lines = [f"## {self.title}", "", f"| {' | '.join([*self.headings, 'goal', 'reached'])} |"]
        lines.append("|" + " --- |" * (len(self.headings) + 2))
        for cells, goal, reached in self.rows:
            said = ("yes" if reached else "**no**") if goal else ""
            lines.append(f"| {' | '.join([*cells, goal, said])} |")
        return "\n".join([*lines, *(("", self.note) if self.note else ())]) + "\n"


def main(repeats: int) -> int:
    """Measure, show and write everything; then say which goals are missed. The exit status: 1 if any is."""
    machine = f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}"
    tables = [
        _starts(repeats),
        _sizes(),
        _slots(repeats),
        _pages(repeats),
        _pulls(repeats),
        _matching(repeats),
        _units(),
    ]
    for table in tables:
        table.show()
    out.print(f"{machine}, medians of {repeats}")
    WRITTEN.write_text(
        "# What it takes\n\n"
        "Written by `make bench`: everything is measured side by side in one run, on one machine, so that ratios carry over\n"
        f"where milliseconds do not. {machine}, medians of {repeats}.\n\n"
        + "\n".join(table.markdown() for table in tables)
    )
    out.print(f"written to {WRITTEN.relative_to(ROOT)}")
    with out.status("Match FEBRL's people and re-typed entries"):
        found = report.measure()
    return told([*(miss for table in tables for miss in table.misses), *report.write(found, out)])


def told(misses: Sequence[str]) -> int:
    """Say what misses its goal; the exit status."""
    for miss in misses:
        out.print(f"[red]missed[/] {escape(miss)}")
    return 1 if misses else 0


def _starts(repeats: int) -> Measured:
    with out.status("Build the stack"):
        build.build_here()
    with out.status(f"Start every function {repeats} times"):
        bare, ratios = cold_starts.measure(repeats)
    rows = []
    for name, ratio in ratios.items():
        goal = cold_starts.STARTS[name][2] if name in cold_starts.STARTS else None
        rows.append(((name, f"{ratio:.2f}"), f"≤ {goal:g}" if goal else "", goal is None or ratio <= goal))
    title = f'Cold start ÷ boto3.client("dynamodb") alone ({bare * 1000:.0f} ms)'
    floors = " and ".join(f"{ratios[name]:.2f}" for name in cold_starts.FLOORS)
    note = (
        f"The first two rows, {floors}, are botocore and PynamoDB with nothing of ours: what is between them and a goal is all\n"
        "that a function's own modules, and Chalice, may take. sync_schedule loads the most: pulling, comparing, matching."
    )
    return Measured(title, ("function", "ratio"), rows, note)


def _sizes() -> Measured:
    rows = []
    for name, goal in LAYERS.items():
        size = _megabytes(BUILT / name)
        rows.append(((name, f"{size:.1f}"), f"≤ {goal:g}" if goal else "", goal is None or size <= goal))
    return Measured("Layers, unpacked, with bytecode", ("layer", "MB"), rows)


def _slots(repeats: int) -> Measured:
    with out.status("Look for free times"):
        found = slots.measure(repeats * 3)
    rows = [((row.what, f"{row.milliseconds:.2f}", row.ratio), row.goal, row.reached) for row in found]
    return Measured("Free times", ("what", "milliseconds", "ratio"), rows)


def _pages(repeats: int) -> Measured:
    with out.status("Look at the booking tool"):
        found = pages.measure(repeats * 3)
    rows = [((row.what, row.ratio, f"{row.milliseconds:.1f}"), row.goal, row.reached) for row in found]
    title = f"Booking: handler time with a store of which each call takes {pages.A_CALL * 1000:.0f} ms"
    return Measured(title, ("what", "calls", "milliseconds"), rows)


def _pulls(repeats: int) -> Measured:
    with out.status("Pull ten thousand visits"):
        found = pulls.measure(repeats)
    rows = [((row.what, f"{row.milliseconds:.0f}", row.ratio), row.goal, row.reached) for row in found]
    return Measured("A pull of 10,000 visits (FHIR)", ("what", "milliseconds of a processor", "÷ bare decode"), rows)


def _matching(repeats: int) -> Measured:
    with out.status("Match and weigh"):
        found = speed.measure(repeats * 3)
    rows = [((row.what, f"{row.milliseconds:.1f}", row.ratio), row.goal, row.reached) for row in found]
    return Measured("Matching what a pull changed", ("what", "milliseconds", "÷ set membership"), rows)


def _units() -> Measured:
    with out.status("Count units"):
        found = units.measure()
    rows = [
        ((row.what, str(row.units.calls), f"{row.units.read:g}", f"{row.units.written:g}"), row.goal, row.reached)
        for row in found
    ]
    return Measured("DynamoDB", ("what happens", "calls", "read units", "write units"), rows)


def _megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=11, help="how often each function is started")
    sys.exit(main(parser.parse_args().repeats))
