"""What it means that two pulls running did not show a visit (product sections 3 and 5).

Another provider's feed may have it: then it went there. Else the source is asked for it by id, if it can be, and if it still
shows a visit that it does have: a server that says "not found" to everything tells nothing, unless it said so of this very visit
(a tombstone), and one that refuses even what it shows cannot be asked. A visit that it refuses to show, or breaks on, stands for
itself alone. What it has no longer is gone; what nobody knows of is missing, and staff are asked. A visit that is over and not
found is missing, too: many systems put away what is old, and its history stays as it was.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from datetime import datetime
from itertools import islice

from msgspec import Struct, field
from msgspec.structs import replace

from ..domain.appointments import Appointment, AppointmentState, ScheduleRow
from ..domain.clock_time import minute_of
from ..domain.comparing import Mark
from ..domain.feeds import FeedSettings
from ..faults import AuthRevoked, OutOfTime, SchemaDrift, Unavailable
from ..ports import Absence, AppointmentRepository, Clock, PracticeRepository, ScheduleSource
from .apply_schedule import Fate, Work
from .pull import window_at

MOST_LOOKED_UP = 50
"""Visits that one pull asks for by id; the others wait for the next one."""
_CONTROLS = 5
"""Visits among which one that is surely there is looked for."""
_REFUSALS = (SchemaDrift, AuthRevoked)
"""Of a visit, by a source that has just been read: it does not let it be read by id, or answers with what is none."""


class Resolved(Struct):
    """What to do about absent visits: work to apply, marks to keep, rows that are there after all, and visits that went to
    another provider (as stored here, as stored there).
    """

    work: list[Work] = field(default_factory=list)
    marks: dict[str, Mark | None] = field(default_factory=dict)
    rows: dict[str, ScheduleRow] = field(default_factory=dict)
    handed_over: list[tuple[Appointment, Appointment]] = field(default_factory=list)

    @property
    def lost(self) -> int:
        """How many are no longer in the schedule."""
        return sum(one.fate is not Fate.SHOWN for one in self.work)


class ResolveAbsence(Struct, frozen=True):
    """Reads only."""

    practices: PracticeRepository
    appointments: AppointmentRepository
    clock: Clock

    def __call__(
        self,
        settings: FeedSettings,
        source: ScheduleSource,
        absent: Mapping[str, int],
        shown: Iterable[str],
        told: AbstractSet[str] = frozenset(),
        moved_at: datetime | None = None,
    ) -> Resolved:
        """Find out about `absent` visits (with their starts), beside those that the source does show (by appointment id); `told`
        are those of which it says itself that they are no more. `moved_at` is since when the feed reads another system, whose
        "not found" says nothing of visits that it never showed.

        Raises SourceError where the source fails on one that it shows, too: then nothing is known.
        """
        resolved = Resolved()
        if not absent:
            return resolved
        stored = self._stored(settings, absent)
        elsewhere = self._elsewhere(settings, absent)
        by_id = source.capabilities().read_by_id
        controls = self._controls(settings, shown) if by_id else []
        asks = self._finds(source, settings, controls)
        looked_up, now = 0, minute_of(self.clock.now())
        for identifier in sorted(absent, key=lambda one: (absent[one] < now, absent[one])):  # those to come are sooner
            before, other = stored.get(identifier), elsewhere.get(identifier)
            if before is None:
                resolved.marks[identifier] = None
            elif other and other.missing_since is None and other.occupies:
                resolved.handed_over.append((before, other))
                resolved.marks[identifier] = None
            elif not (by_id and identifier in told) and not asks:
                self._settle(resolved, before, Fate.MISSING)
            elif looked_up == MOST_LOOKED_UP:
                resolved.marks[identifier] = Mark.SUSPECTED
            else:
                looked_up += 1
                put_away = absent[identifier] < now and identifier not in told
                of_another = moved_at is not None and before.changed_at <= moved_at
                not_found = Fate.MISSING if put_away or of_another else Fate.GONE
                try:
                    self._ask(resolved, settings, source, before, not_found, controls)
                except OutOfTime:
                    if looked_up == 1:
                        raise
                    looked_up = MOST_LOOKED_UP  # what was answered counts, or no pull would ever come further
                    resolved.marks[identifier] = Mark.SUSPECTED
        return resolved

    def providers_of(self, settings: FeedSettings, identifiers: Iterable[str]) -> dict[str, str]:
        """Whose visits these are, of the feed's providers."""
        if settings.feed_id != settings.source_id:
            return dict.fromkeys(identifiers, settings.providers[0][1])
        return {i: found.provider_id for i, found in self._stored(settings, identifiers).items()}

    def missing_of(self, settings: FeedSettings, settled: Mapping[str, int]) -> dict[str, int]:
        """Those of which nothing is known but that they are not shown, so that they hold their place."""
        found = self._stored(settings, settled)
        return {one: start for one, start in settled.items() if one in found and found[one].occupies}

    def _ask(
        self,
        resolved: Resolved,
        settings: FeedSettings,
        source: ScheduleSource,
        before: Appointment,
        not_found: Fate,
        controls: Sequence[str],
    ) -> None:
        found: ScheduleRow | Absence
        try:
            found = source.get_appointment(before.row.external_id, self._external_ids(settings))
        except _REFUSALS:  # this one: it shows a control, or said itself that this is no more
            found = Absence.UNKNOWN
        except Unavailable:
            if not self._finds(source, settings, controls):
                raise
            resolved.marks[before.id] = Mark.SUSPECTED  # it breaks on this one alone
            return
        if isinstance(found, Absence):
            self._settle(resolved, before, not_found if found is Absence.GONE else Fate.MISSING)
        elif provider_id := settings.provider_of(found.provider_external_id):
            # There after all, or moved out of the window, which comes to it in time.
            resolved.work.append(Work(before.id, provider_id, found))
            # Many systems leave cancelled visits out of a search, or those that are over: what follows from that is done with.
            left_out = found.state is AppointmentState.CANCELLED or found.start < self.clock.now()
            resolved.marks[before.id] = Mark.SETTLED if left_out else None
            if not left_out:
                resolved.rows[before.id] = found
        elif found.provider_external_id in self._external_ids(settings):
            self._went(resolved, settings, before, found)
        else:
            self._settle(resolved, before, Fate.MISSING)

    def _went(self, resolved: Resolved, settings: FeedSettings, before: Appointment, found: ScheduleRow) -> None:
        """A visit is with another provider, whose own feed does not have it, or not as one that holds its place."""
        reach = window_at(settings, self.clock.now(), back=True)
        if found.state is AppointmentState.CANCELLED:
            row = replace(found, provider_external_id=before.row.provider_external_id)
            resolved.work.append(Work(before.id, before.provider_id, row))
            resolved.marks[before.id] = Mark.SETTLED
        elif reach.start <= found.start < reach.end:
            resolved.marks[before.id] = Mark.SUSPECTED  # until that feed has it
        else:  # which no pull of theirs will show
            self._settle(resolved, before, Fate.MISSING)

    def _settle(self, resolved: Resolved, before: Appointment, fate: Fate) -> None:
        resolved.work.append(Work(before.id, before.provider_id, None, fate))
        resolved.marks[before.id] = Mark.SETTLED

    def _controls(self, settings: FeedSettings, shown: Iterable[str]) -> list[str]:
        """Some visits that the source shows, as it names them."""
        known = self._stored(settings, islice(shown, _CONTROLS)).values()
        return [one.row.external_id for one in known if one.missing_since is None]

    def _finds(self, source: ScheduleSource, settings: FeedSettings, controls: Sequence[str]) -> bool:
        """Whether the source, read by id, finds a visit that it shows: the first that it does not refuse to show."""
        for control in controls:
            with suppress(*_REFUSALS):
                return isinstance(source.get_appointment(control, self._external_ids(settings)), ScheduleRow)
        return False

    def _stored(self, settings: FeedSettings, identifiers: Iterable[str]) -> dict[str, Appointment]:
        wanted = [(provider_id, i) for i in identifiers for _, provider_id, _ in settings.providers]
        return self.appointments.get_many(settings.practice, wanted) if wanted else {}

    def _elsewhere(self, settings: FeedSettings, identifiers: Iterable[str]) -> dict[str, Appointment]:
        """What the feeds of the source's other providers know by these ids."""
        ours = {provider_id for _, provider_id, _ in settings.providers}
        others = [
            one.id
            for one in self.practices.get(settings.practice).providers.values()
            if one.source_id == settings.source_id and one.id not in ours
        ]
        wanted = [(provider_id, i) for i in identifiers for provider_id in others]
        return self.appointments.get_many(settings.practice, wanted) if wanted else {}

    def _external_ids(self, settings: FeedSettings) -> list[str]:
        """The source's providers, the feed's own first: a visit with one of them and somebody else is theirs."""
        providers = self.practices.get(settings.practice).providers.values()
        own = [external_id for external_id, _, _ in settings.providers]
        others = [p.external_id for p in providers if p.source_id == settings.source_id and p.external_id]
        return list(dict.fromkeys([*own, *others]))
