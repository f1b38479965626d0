"""Write what differs in a schedule, a day at a time (house: *An import is applied one day at a time*).

A transaction holds the changed appointments of a day, the day items they touch and the requests they are linked to. A cut
between two transactions leaves a consistent state: what is applied is found applied when the pull is repeated.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import groupby
from zoneinfo import ZoneInfo

from ..domain import requests
from ..domain.appointments import Appointment, RowKind, ScheduleRow
from ..domain.clock_time import day_of, minute_after, minute_of, zone_of
from ..domain.feeds import FeedSettings
from ..domain.occupancy import DayOccupancy, LongBlocks, Occupant, OccupantKind, days_touched, is_long, occupant_on
from ..ports import (
    AppointmentChange,
    AppointmentRepository,
    CalendarRepository,
    Change,
    Clock,
    DayChange,
    Ledger,
    LongBlocksChange,
    RequestChange,
    RequestRepository,
)
from .settling import settle

MOST_WRITES = 90


@dataclass(frozen=True, slots=True)
class Work:
    """One appointment to bring up to date: the row that a pull showed, or None if it is missing."""

    id: str
    provider_id: str
    row: ScheduleRow | None


@dataclass(frozen=True, slots=True)
class Applied:
    """The appointments of one transaction as they now stand, and how many of them were written."""

    appointments: tuple[Appointment, ...]
    written: int


@dataclass(frozen=True, slots=True)
class _Step:
    before: Appointment | None
    after: Appointment
    zone: ZoneInfo

    @property
    def days(self) -> set[tuple[str, str, date]]:
        return {
            (a.provider_id, self.zone.key, day)
            for a in (self.before, self.after)
            if a is not None and not is_long(a.start, a.end, self.zone)
            for day in days_touched(a.start, a.end, self.zone)
        }

    @property
    def long_of(self) -> set[str]:
        """The providers whose long blocks it concerns."""
        return {
            a.provider_id for a in (self.before, self.after) if a is not None and is_long(a.start, a.end, self.zone)
        }

    @property
    def writes(self) -> int:
        """At most: the appointment, its request and timeline entry, its days, its provider's long blocks."""
        return 1 + 2 * (self.after.request_id is not None) + len(self.days) + len(self.long_of)


@dataclass(frozen=True, slots=True)
class ApplySchedule:
    """Brings stored appointments, occupancy and linked requests in line with rows."""

    appointments: AppointmentRepository
    requests: RequestRepository
    calendar: CalendarRepository
    ledger: Ledger
    clock: Clock

    def __call__(self, settings: FeedSettings, work: Iterable[Work]) -> Iterable[Applied]:
        """Apply `work` a day at a time, in order of days; one `Applied` a transaction, lazily."""
        items = list(work)
        stored = self.appointments.get_many(settings.practice, [(w.provider_id, w.id) for w in items])

        def day(item: Work) -> tuple[date, str]:
            row = item.row or (stored[item.id].row if item.id in stored else None)
            zone = zone_of(settings.zone_of(item.provider_id))
            return day_of(row.start, zone) if row else date.min, item.provider_id

        for _, of_day in groupby(sorted(items, key=day), key=day):
            for batch in self._batches(settings, list(of_day), stored):
                yield settle(partial(self._apply, settings, batch), self.clock)

    def _batches(
        self, settings: FeedSettings, items: list[Work], stored: Mapping[str, Appointment]
    ) -> Iterable[list[Work]]:
        batch: list[Work] = []
        writes = 0
        for item in items:
            step = self._step(settings, item, stored.get(item.id))
            needed = step.writes if step else 0
            if batch and writes + needed > MOST_WRITES:
                yield batch
                batch, writes = [], 0
            batch.append(item)
            writes += needed
        if batch:
            yield batch

    def _apply(self, settings: FeedSettings, batch: list[Work]) -> Applied:
        practice = settings.practice
        stored = self.appointments.get_many(practice, [(w.provider_id, w.id) for w in batch])
        steps = [step for w in batch if (step := self._step(settings, w, stored.get(w.id)))]
        changed = [step for step in steps if step.after is not step.before]
        if changed:
            days = self.calendar.read(practice, {key for step in changed for key in step.days})
            self.ledger.commit(
                [
                    *self._day_changes(days, changed),
                    *self._long_changes(practice, changed),
                    *self._linked(practice, changed),
                ]
            )
        return Applied(tuple(step.after for step in steps), len(changed))

    def _step(self, settings: FeedSettings, item: Work, before: Appointment | None) -> _Step | None:
        zone = zone_of(settings.zone_of(item.provider_id))
        now = self.clock.now()
        if item.row is None:
            if before is None:
                return None
            return _Step(before, before if before.missing_since else before.missing(now), zone)
        if before is None:
            after = Appointment(settings.practice, item.id, settings.source_id, item.provider_id, item.row, now, now)
            return _Step(None, after, zone)
        same = before.row == item.row and before.missing_since is None
        return _Step(before, before if same else before.updated(item.row, item.provider_id, now), zone)

    def _day_changes(self, days: Mapping[tuple[str, date], DayOccupancy], steps: list[_Step]) -> list[Change]:
        after = dict(days)
        for step in steps:
            for provider_id, _, day in step.days:
                key = provider_id, day
                after[key] = _with(after[key], step.after, step.zone)
        return [DayChange(days[key], after[key]) for key in days if after[key] != days[key]]

    def _long_changes(self, practice: str, steps: list[_Step]) -> list[Change]:
        changes: list[Change] = []
        for provider_id in sorted({one for step in steps for one in step.long_of}):
            before = after = self.calendar.long_blocks(practice, provider_id)
            for step in steps:
                if provider_id in step.long_of:
                    after = _with_long(after, step.after, step.zone)
            if after != before:
                changes.append(LongBlocksChange(before, after))
        return changes

    def _linked(self, practice: str, steps: list[_Step]) -> list[Change]:
        changes: list[Change] = [AppointmentChange(step.before, step.after) for step in steps]
        ids = [step.after.request_id for step in steps if step.after.request_id]
        linked = {r.id: r for r in self.requests.get_many(practice, ids)} if ids else {}
        for step in steps:
            request = linked.get(step.after.request_id or "")
            if request and request.link and request.link.appointment_id == step.after.id:
                transition = requests.mirrored(request, step.after, self.clock.now())
                if transition:
                    changes.append(RequestChange(transition))
        return changes


def held_by(appointment: Appointment, zone: ZoneInfo) -> list[tuple[date, Occupant]]:
    """The places of an appointment or block, by local day; none where it is cancelled, or kept as a long block."""
    if not appointment.occupies or is_long(appointment.start, appointment.end, zone):
        return []
    kind = OccupantKind.BLOCK if appointment.row.kind is RowKind.BLOCK else OccupantKind.APPOINTMENT
    return [
        (day, occupant_on(day, zone, appointment.start, appointment.end, kind, appointment.id))
        for day in days_touched(appointment.start, appointment.end, zone)
    ]


def long_block_of(appointment: Appointment, zone: ZoneInfo) -> Occupant | None:
    """A block that is too long to stand on each of its days; None for anything else."""
    if not appointment.occupies or not is_long(appointment.start, appointment.end, zone):
        return None
    return Occupant(minute_of(appointment.start), minute_after(appointment.end), OccupantKind.BLOCK, appointment.id)


def _with(day: DayOccupancy, appointment: Appointment, zone: ZoneInfo) -> DayOccupancy:
    """A day with an appointment on it, or without it if it no longer holds a place there."""
    held = dict(held_by(appointment, zone)) if appointment.provider_id == day.provider_id else {}
    return day.with_occupant(held[day.day]) if day.day in held else day.without(appointment.id)


def _with_long(blocks: LongBlocks, appointment: Appointment, zone: ZoneInfo) -> LongBlocks:
    block = long_block_of(appointment, zone) if appointment.provider_id == blocks.provider_id else None
    return blocks.with_block(block) if block else blocks.without(appointment.id)
