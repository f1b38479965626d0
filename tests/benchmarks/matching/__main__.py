"""`python -m tests.benchmarks.matching` measures matching and writes the numbers of docs/matching.md; with `--fit` it fits the
weights and the floor to the training data instead.
"""

import argparse
import subprocess
import sys

from rich.console import Console

from . import fitting, report, worlds


def main() -> None:
    """Fit or measure. The floor is fitted in a process of its own, which sees the new weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--fit", action="store_true", help="fit the weights and the floor to the training data, and stop"
    )
    parser.add_argument("--floor", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.fit:
        sets = worlds.training_worlds()
        fitting.write(*fitting.fitted(sets), fitting.DRAFT_FLOOR)
        subprocess.run([sys.executable, "-m", "tests.benchmarks.matching", "--floor"], check=True)
    elif asked.floor:
        fitting.set_floor(fitting.lowest_floor(worlds.training_worlds()[1:]))
    else:
        sys.exit(1 if report.write(report.measure(), Console()) else 0)


main()
