"""Pull once and tell what was seen and what a sync would do; nothing is written."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..domain.appointments import AppointmentState, RowKind, SetAsideRow
from ..domain.comparing import compare
from ..ports import Capabilities, Clock, FeedRepository, SourceFactory
from .sync_feed import pulled_of, window_at

_SHORT = "says that there is more than it shows; nothing counts as absent until that has been so for a while"


@dataclass(frozen=True, slots=True)
class Tried:
    """What one pull saw: counts of rows, and shares of visits that carry what matching needs. No patient's data.

    `states` counts rows by the source's own word and what it is taken for. `new`, `changed` and `absent` are in comparison
    with what was stored by syncs.
    """

    capabilities: Capabilities
    seen: int
    blocks: int
    states: Mapping[tuple[str, AppointmentState], int]
    with_birth_date: int
    with_contact: int
    set_aside: Sequence[SetAsideRow]
    new: int
    changed: int
    absent: int
    remarks: Sequence[str] = ()

    @property
    def visits(self) -> int:
        """Rows of patients."""
        return self.seen - self.blocks


@dataclass(frozen=True, slots=True)
class TryPull:
    """Reads the feed, its digests and the source."""

    feeds: FeedRepository
    open_source: SourceFactory
    clock: Clock

    def __call__(self, practice: str, feed_id: str) -> Tried | None:
        """Try a feed; None if there is no such feed. Raises SourceError, StoreUnavailable."""
        state = self.feeds.get(practice, feed_id)
        if state is None:
            return None
        settings, window = state.settings, window_at(state.settings, self.clock.now())
        source = self.open_source(state)
        snapshot = source.snapshot([external_id for external_id, _, _ in settings.providers], window, None)
        pulled, set_aside = pulled_of(settings, snapshot.translate({}), snapshot.prints, {})
        complete = snapshot.complete and not snapshot.short
        found = compare(pulled, self.feeds.digests(practice, feed_id), window, complete)
        known, rows = set(found.known), pulled.rows
        patients = [row.patient for row in rows.values() if row.patient]
        return Tried(
            source.capabilities(),
            len(rows),
            sum(row.kind is RowKind.BLOCK for row in rows.values()),
            Counter((row.raw_state, row.state) for row in rows.values()),
            sum(patient.birth_date is not None for patient in patients),
            sum(bool(patient.phones or patient.emails) for patient in patients),
            set_aside,
            sum(identifier not in known for identifier in found.changed),
            sum(identifier in known for identifier in found.changed),
            len(found.absent_once) + len(found.absent_twice),
            [*source.remarks(), *((_SHORT,) if snapshot.short else ())],
        )
