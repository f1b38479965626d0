"""The rows of an answer as a pull goes on with them: by appointment id, with their entries, and those that cannot be applied."""

from collections.abc import Iterable, Mapping

from msgspec.json import encode

from ..domain import identifiers
from ..domain.appointments import RowKind, ScheduleRow, SetAsideRow, WhyAside
from ..domain.clock_time import zone_of
from ..domain.comparing import Comparison, Pulled, entry_of, same_as_known
from ..domain.feeds import FeedSettings
from ..domain.occupancy import is_long
from ..ports import Translated
from .apply_schedule import Work

_MOST_BYTES = 64 * 1024
"""Of a row; an item of the table holds 400 KB, and no visit needs a hundredth of it."""


def pulled_of(
    settings: FeedSettings, translated: Translated, prints: Iterable[bytes], known: Mapping[bytes, str]
) -> tuple[Pulled, list[SetAsideRow]]:
    """What was read shows beside what is `known` (print → appointment id), and rows that cannot be applied.

    The last row of an id counts (pages may shift).
    """
    rows, set_aside, unreadable = usable_rows(settings, translated)
    same = same_as_known(prints, known)
    same |= unreadable
    same -= rows.keys()
    entries = {identifier: entry_of(row, print_) for identifier, (row, print_) in rows.items()}
    return Pulled({identifier: row for identifier, (row, _) in rows.items()}, entries, same), set_aside


def with_rows(pulled: Pulled, rows: Mapping[str, ScheduleRow]) -> Pulled:
    """What was pulled, with rows that were read by id."""
    entries = {identifier: entry_of(row) for identifier, row in rows.items()}
    return Pulled({**pulled.rows, **rows}, {**pulled.entries, **entries}, pulled.same)


def usable_rows(
    settings: FeedSettings, translated: Translated
) -> tuple[dict[str, tuple[ScheduleRow, bytes]], list[SetAsideRow], set[str]]:
    """Rows with their prints, by appointment id, and those that cannot be applied, with the appointment ids that they have."""

    unreadable = ids_of(settings, translated.unreadable)
    rows: dict[str, tuple[ScheduleRow, bytes]] = {}
    set_aside = list(translated.set_aside)
    for row, print_ in translated.rows:
        provider_id = settings.provider_of(row.provider_external_id)
        if provider_id is None:
            continue  # of somebody who cannot be booked online
        zone, identifier = zone_of(settings.zone_of(provider_id)), _id_of(settings, row.external_id)
        if row.end < row.start:
            problem = WhyAside.ENDS_FIRST
        elif row.kind is not RowKind.BLOCK and is_long(row.start, row.end, zone):
            problem = WhyAside.TOO_LONG
        elif len(encode(row)) > _MOST_BYTES:
            problem = WhyAside.TOO_LARGE
        else:
            rows[identifier] = row, print_
            continue
        set_aside.append(SetAsideRow("row", problem, row.external_id, row.start))
        unreadable.add(identifier)
    return rows, set_aside, unreadable


def _id_of(settings: FeedSettings, external_id: str) -> str:
    return identifiers.appointment_id(settings.practice, settings.source_id, external_id)


def ids_of(settings: FeedSettings, external_ids: Iterable[str]) -> set[str]:
    """The appointment ids of what a source names so."""
    return {_id_of(settings, one) for one in external_ids}


def work_of(settings: FeedSettings, found: Comparison) -> list[Work]:
    """What the changed rows ask for."""
    return [
        Work(identifier, provider_id, row)
        for identifier, row in found.changed.items()
        if (provider_id := settings.provider_of(row.provider_external_id))
    ]
