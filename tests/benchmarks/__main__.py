"""`make bench`: what goals.md counts, as ratios and counts of one run."""

import argparse
import platform
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from local import build
from local.build import BUILT

from . import cold_starts, units

LAYERS = {"Dependencies": 17.0, "Core": 1.0}
"""Layer → the most megabytes that it may take, unpacked, with bytecode."""
out = Console()


def main(repeats: int) -> None:
    """Measure and show everything."""
    with out.status("Build the stack"):
        build.build_here()
    with out.status(f"Start every function {repeats} times"):
        bare, ratios = cold_starts.measure(repeats)
    starts = Table("cold start", "ratio", "goal", title=f'÷ boto3.client("dynamodb") alone ({bare * 1000:.0f} ms)')
    for name, ratio in ratios.items():
        goal = cold_starts.STARTS[name][2]
        starts.add_row(name, f"{ratio:.2f}", _goal(ratio <= goal, f"≤ {goal:g}"))
    out.print(starts)

    sizes = Table("layer", "MB", "goal", title="Layers, unpacked, with bytecode")
    for name, goal in LAYERS.items():
        size = _megabytes(BUILT / name)
        sizes.add_row(name, f"{size:.1f}", _goal(size <= goal, f"≤ {goal:g}"))
    out.print(sizes)

    with out.status("Count units"):
        rows = units.measure()
    counted = Table("what happens", "calls", "read units", "write units", "goal", title="DynamoDB")
    for row in rows:
        found = row.units
        counted.add_row(
            row.what, str(found.calls), f"{found.read:g}", f"{found.written:g}", _goal(row.reached, row.goal)
        )
    out.print(counted)
    out.print(
        f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}, medians of {repeats}"
    )


def _goal(reached: bool, text: str) -> str:
    return f"[green]✓[/] {text}" if reached else f"[red]✗[/] {text}"


def _megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=11, help="how often each function is started")
    sys.exit(main(parser.parse_args().repeats))
