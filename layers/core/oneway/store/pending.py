"""Marks of the requests that wait for an answer: one set a practice, changed without being read first."""

from collections.abc import Iterable

from ..domain.pending import Waiting, pack, unpack
from . import keys
from .items import TableItem, answered


class DynamoPendingRepository:
    """Implements ports.PendingRepository."""

    def add(self, practice: str, mark: Waiting) -> list[Waiting]:
        """Add a mark; all that stand there then. One update, atomic: of two at the same time, one sees the other."""
        found = TableItem(*keys.waiting(practice))
        answered(lambda: found.update(actions=[TableItem.waiting.add({pack(mark)})]))
        return [unpack(packed) for packed in found.waiting or ()]

    def remove(self, practice: str, marks: Iterable[Waiting]) -> None:
        """Take marks away; those that are not there stay away."""
        packed = {pack(mark) for mark in marks}
        if packed:
            answered(lambda: TableItem(*keys.waiting(practice)).update(actions=[TableItem.waiting.delete(packed)]))
