"""Pull once and tell what was seen and what a sync would do; nothing is written."""

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct

from ..domain.appointments import AppointmentState, RowKind, SetAsideRow
from ..domain.comparing import DigestWeek, as_applied, compare
from ..domain.deltas import tombstones
from ..domain.feeds import VanishedAnswer
from ..domain.short_answers import is_habit
from ..domain.vanishing import Held
from ..ports import AppointmentRepository, Capabilities, Clock, FeedRepository, SourceFactory
from .apply_schedule import rows_applied
from .braking import ProvidersOf, braked, is_answered
from .pull import window_at
from .pulled_rows import ids_of, pulled_of

_SHORT = "says that there is more than it shows; nothing counts as absent until that has been so for a while"


class Tried(Struct, frozen=True):
    """What one pull saw: counts of rows, and shares of visits that carry what matching needs. No patient's data.

    `states` counts rows by the source's own word and what it is taken for. `new`, `changed` and `absent` are in comparison
    with what was stored by syncs. `held`: so much vanished at once that a sync would change nothing and ask staff; with
    `answer` they have said what it means.
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
    held: Held | None = None
    answer: VanishedAnswer | None = None

    @property
    def visits(self) -> int:
        """Rows of patients."""
        return self.seen - self.blocks


class TryPull(Struct, frozen=True):
    """Reads the feed, its digests and the source; of a feed with several providers, whose its visits are; of one that is new, or
    of which a pull died, all that is stored.
    """

    feeds: FeedRepository
    appointments: AppointmentRepository
    open_source: SourceFactory
    providers_of: ProvidersOf
    clock: Clock

    def __call__(self, practice: str, feed_id: str) -> Tried | None:
        """Try a feed; None if there is no such feed. Raises SourceError, StoreUnavailable."""
        state = self.feeds.get(practice, feed_id)
        if state is None:
            return None
        settings, now = state.settings, self.clock.now()
        window = window_at(settings, now)
        source = self.open_source(state)
        snapshot = source.snapshot([external_id for external_id, _, _ in settings.providers], window, None)
        translated = snapshot.translate({})
        pulled, set_aside = pulled_of(settings, translated, snapshot.prints, {})
        doubted = snapshot.short and not is_habit(state.short_since, settings.interval_minutes, now)
        complete = snapshot.complete and not doubted
        stored: Mapping[str, DigestWeek] = self.feeds.digests(practice, feed_id)
        if state.applying_since:  # the digests may not be what is stored
            stored = as_applied(stored, rows_applied(self.appointments, settings), window_at(settings, now, back=True))
        found = compare(pulled, stored, window, complete)
        found = found.with_absent(tombstones(ids_of(settings, translated.gone), pulled, stored).told)
        held = braked(settings, stored, found, self.providers_of, now)
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
            [*source.remarks(), *((_SHORT,) if doubted else ())],
            held,
            state.answer if held and is_answered(state, held) else None,
        )
