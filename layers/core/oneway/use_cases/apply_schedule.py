"""Write what differs in a schedule, a day at a time (house: *An import is applied one day at a time*).

A transaction holds the changed appointments of a day, the day items they touch and the requests they are linked to. A cut
between two transactions leaves a consistent state: what is applied is found applied when the pull is repeated.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from functools import partial
from itertools import groupby
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from ..domain import linking
from ..domain.appointments import GONE, Appointment, AppointmentState, RowKind, ScheduleRow
from ..domain.clock_time import day_of, minute_after, minute_of, zone_of
from ..domain.events import Event, VisitGone, VisitMissing, VisitMoved
from ..domain.feeds import FeedSettings
from ..domain.matching import is_another_patient, known_after
from ..domain.occupancy import DayOccupancy, LongBlocks, Occupant, OccupantKind, days_touched, is_long, occupant_on
from ..domain.requests import Request, Transition
from ..ports import (
    AppointmentChange,
    AppointmentRemoval,
    AppointmentRepository,
    CalendarRepository,
    Change,
    Clock,
    DayChange,
    Ledger,
    LongBlocksChange,
    PracticeRepository,
    RequestChange,
    RequestRepository,
)
from .settling import settle

MOST_WRITES = 90


class Fate(StrEnum):
    """What a pull found out about an appointment."""

    SHOWN = "shown"
    MISSING = "missing"
    GONE = "gone"


class Work(Struct, frozen=True):
    """One appointment to bring up to date: shown (with its `row`), missing, or gone for good."""

    id: str
    provider_id: str
    row: ScheduleRow | None
    fate: Fate = Fate.SHOWN


class Applied(Struct, frozen=True):
    """The work of one transaction, the appointments as they now stand, how many of them were written, and what was learnt."""

    work: tuple[Work, ...]
    appointments: tuple[Appointment, ...]
    written: int
    events: tuple[Event, ...] = ()


class _Step(Struct, frozen=True):
    before: Appointment | None
    after: Appointment
    settings: FeedSettings
    fate: Fate = Fate.SHOWN

    def zone_of(self, appointment: Appointment) -> ZoneInfo:
        """The zone of its provider: two providers of a feed may work in different ones."""
        return zone_of(self.settings.zone_of(appointment.provider_id))

    @property
    def days(self) -> set[tuple[str, str, date]]:
        return {
            (a.provider_id, zone.key, day)
            for a in (self.before, self.after)
            if a is not None and not is_long(a.start, a.end, zone := self.zone_of(a))
            for day in days_touched(a.start, a.end, zone)
        }

    @property
    def long_of(self) -> set[str]:
        """The providers whose long blocks it concerns."""
        return {
            a.provider_id
            for a in (self.before, self.after)
            if a is not None and is_long(a.start, a.end, self.zone_of(a))
        }

    @property
    def writes(self) -> int:
        """At most: the appointment, its request and timeline entry, its days, its provider's long blocks."""
        return 1 + 2 * (self.after.request_id is not None) + len(self.days) + len(self.long_of)


class ApplySchedule(Struct, frozen=True):
    """Brings stored appointments, occupancy and linked requests in line with rows."""

    practices: PracticeRepository
    appointments: AppointmentRepository
    requests: RequestRepository
    calendar: CalendarRepository
    ledger: Ledger
    clock: Clock

    def __call__(self, settings: FeedSettings, work: Iterable[Work]) -> Iterable[Applied]:
        """Apply `work` a day at a time, in order of days; one `Applied` a transaction, lazily."""
        items = list(work)
        stored = self._stored(settings, items)

        def day(item: Work) -> tuple[date, str]:
            row = item.row or (stored[item.id].row if item.id in stored else None)
            zone = zone_of(settings.zone_of(item.provider_id))
            return day_of(row.start, zone) if row else date.min, item.provider_id

        for _, of_day in groupby(sorted(items, key=day), key=day):
            for batch in self._batches(settings, list(of_day), stored):
                yield settle(partial(self._apply, settings, batch), self.clock)

    def applied(self, settings: FeedSettings) -> dict[str, ScheduleRow]:
        """What is stored of a feed's providers."""
        return rows_applied(self.appointments, settings)

    def hand_over(self, settings: FeedSettings, old: Appointment, new: Appointment) -> None:
        """A visit went to another provider, whose own feed has stored it: its link goes along, and its old place is free.

        Raises WriteConflict if either was changed meanwhile.
        """
        now = self.clock.now()
        step = _Step(old, replace(old, row=replace(old.row, state=AppointmentState.CANCELLED)), settings)
        known = known_after(old.identity, new.row.patient)
        after = new.linked(old.request_id, known) if old.request_id and not new.request_id else new
        days = self.calendar.read(settings.practice, step.days)
        changes: list[Change] = [AppointmentRemoval(old), *self._day_changes(days, [step])]
        changes += self._long_changes(settings.practice, [step])
        if after is not new:
            changes.append(AppointmentChange(new, after))
        # Where the visit has answered another request there meanwhile, staff are asked what becomes of the first.
        seen = after if after.request_id == old.request_id else old.missing(now)
        linked = self.requests.get_many(settings.practice, [old.request_id]) if old.request_id else []
        transitions = [self._followed(settings.practice, request, old, seen) for request in linked]
        changes += [RequestChange(one) for one in transitions if one]
        self.ledger.commit(changes)

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
        stored = self._stored(settings, batch)
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
        events = tuple(event for step in steps if (event := _learnt(step)))
        return Applied(tuple(batch), tuple(step.after for step in steps), len(changed), events)

    def _step(self, settings: FeedSettings, item: Work, before: Appointment | None) -> _Step | None:
        now = self.clock.now()
        if item.row is None:
            if before is None:
                return None
            if item.fate is Fate.GONE:
                return _Step(before, before if before.row.raw_state == GONE else before.gone(now), settings, item.fate)
            return _Step(before, before if before.missing_since else before.missing(now), settings, item.fate)
        if before is None:
            after = Appointment(settings.practice, item.id, settings.source_id, item.provider_id, item.row, now, now)
            return _Step(None, after, settings)
        same = (before.row, before.provider_id, before.missing_since) == (item.row, item.provider_id, None)
        return _Step(before, before if same else _updated(before, item.row, item.provider_id, now), settings)

    def _stored(self, settings: FeedSettings, items: Iterable[Work]) -> dict[str, Appointment]:
        """What is known of these visits, with whichever provider of the feed they were."""
        providers = [ours for _, ours, _ in settings.providers]
        return self.appointments.get_many(settings.practice, [(one, item.id) for item in items for one in providers])

    def _day_changes(self, days: Mapping[tuple[str, date], DayOccupancy], steps: list[_Step]) -> list[Change]:
        after = dict(days)
        for step in steps:
            for provider_id, _, day in step.days:
                key = provider_id, day
                after[key] = _with(after[key], step.after, step.zone_of(step.after))
        return [DayChange(days[key], after[key]) for key in days if after[key] != days[key]]

    def _long_changes(self, practice: str, steps: list[_Step]) -> list[Change]:
        changes: list[Change] = []
        for provider_id in sorted({one for step in steps for one in step.long_of}):
            before = after = self.calendar.long_blocks(practice, provider_id)
            for step in steps:
                if provider_id in step.long_of:
                    after = _with_long(after, step.after, step.zone_of(step.after))
            if after != before:
                changes.append(LongBlocksChange(before, after))
        return changes

    def _linked(self, practice: str, steps: list[_Step]) -> list[Change]:
        changes: list[Change] = [AppointmentChange(step.before, step.after) for step in steps]
        ids = [step.after.request_id for step in steps if step.after.request_id]
        linked = {r.id: r for r in self.requests.get_many(practice, ids)} if ids else {}
        for step in steps:
            request = linked.get(step.after.request_id or "")
            follows = request and request.link and request.link.appointment_id == step.after.id
            if request and follows and (transition := self._followed(practice, request, step.before, step.after)):
                changes.append(RequestChange(transition))
        return changes

    def _followed(
        self, practice: str, request: Request, before: Appointment | None, after: Appointment
    ) -> Transition | None:
        """What becomes of a request that is linked to an appointment."""
        now, switches = self.clock.now(), self.practices.get(practice).switches
        if before and is_another_patient(before.identity, after.row.patient):
            return linking.suspended(request, now)
        return linking.mirrored(request, after, now, switches)


def rows_applied(appointments: AppointmentRepository, settings: FeedSettings) -> dict[str, ScheduleRow]:
    """The visits of a feed's providers as they are stored, those that are still in the schedule, by appointment id."""
    stored = (a for _, ours, _ in settings.providers for a in appointments.of_provider(settings.practice, ours))
    return {
        one.id: one.row
        for one in stored
        if one.source_id == settings.source_id and one.missing_since is None and one.row.raw_state != GONE
    }


def _updated(before: Appointment, row: ScheduleRow, provider_id: str, now: datetime) -> Appointment:
    """An appointment as a pull shows it; a linked one remembers whom it is linked as."""
    after = before.updated(row, provider_id, now)
    return replace(after, linked_as=known_after(before.identity, row.patient)) if before.request_id else after


def _learnt(step: _Step) -> Event | None:
    """What a step tells: also where an earlier, cut pull had written it already."""
    before, after = step.before, step.after
    if step.fate is not Fate.SHOWN:
        kind = VisitGone if step.fate is Fate.GONE else VisitMissing
        return kind(after.practice, after.provider_id, after.id, after.request_id)
    if before is None or (before.start, before.provider_id) == (after.start, after.provider_id):
        return None
    return VisitMoved(
        after.practice, after.id, after.request_id, before.provider_id, before.start, after.provider_id, after.start
    )


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
