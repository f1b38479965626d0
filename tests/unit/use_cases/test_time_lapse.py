"""A year in the life of a provider: booking, importing, moving, cancelling, editing hours, through both changes of the clock.

Every day, what is offered and what is held is compared with an oracle that knows the schedule, the requests and the edits.
"""

import random
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from oneway.domain import identifiers
from oneway.domain.appointments import AppointmentState, RowKind, ScheduleRow
from oneway.domain.availability import CLOSED_WEEK, Closure, Hours, LaterWeek, Opening, Week, monday_of
from oneway.domain.clock_time import instant_of, minute_after, minute_of
from oneway.domain.errors import RequestAlreadyAnswered
from oneway.domain.occupancy import LONGEST_DAYS, Occupant, OccupantKind
from oneway.domain.practices import Limits
from oneway.domain.slots import SlotRules

from tests.builders import WEEK, ZONE, a_practice, a_provider, a_record, a_row
from tests.slot_oracle import free_by_asking
from tests.world import World

NADIA, PLACE = "nadia@harbor.example", ZoneInfo(ZONE)
FIRST, DAYS, HORIZON = date(2026, 11, 23), 366, 60
CHANGES = (date(2027, 3, 14), date(2027, 11, 7))
NIGHT: Week = ((Opening(0, 240), Opening(540, 720), Opening(1260, 1440)),) * 7
SUNDAY: Week = (*WEEK[:6], (Opening(0, 720),))


class Year:
    """A provider who takes two at a time, with buffers and a daily maximum, and what happens to them by a die."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        provider = a_provider(split=2, buffer_before_minutes=5, buffer_after_minutes=10, daily_maximum=9)
        self.world = World(a_practice(provider, horizon_days=HORIZON, limits=Limits(100, 100)))
        self.default, self.overrides, self.closures = [(date.min, WEEK)], {}, []  # type: ignore[var-annotated]
        self.links: dict[str, str] = {}
        self.number = 0
        self.counts: dict[str, int] = {}

    @property
    def today(self) -> date:
        return self.world.clock.at.astimezone(PLACE).date()

    def hours(self, day: date) -> Hours:
        """What the edits so far make of a day."""
        if any(first <= day <= last for first, last in self.closures):
            return ()
        monday = monday_of(day)
        default = max((begins, number) for number, (begins, _) in enumerate(self.default) if begins <= monday)[1]
        return self.overrides.get(monday, self.default[default][1])[day.weekday()]

    def whole_week(self, monday: date) -> Week:
        closures, self.closures = self.closures, []
        try:
            return tuple(self.hours(monday + timedelta(days=n)) for n in range(7))  # type: ignore[return-value]
        finally:
            self.closures = closures

    def patients(self) -> None:
        for _ in range(self.dice.choice((0, 1, 1, 2, 3))):
            first = self.today + timedelta(days=self.dice.randrange(HORIZON - 7))
            offered = self.world.list_slots("harbor", "osei", "new", first, first + timedelta(days=3))
            starts = [start for day in offered.days.values() for start in day]
            if not starts:
                continue
            self.number += 1
            start = instant_of(self.dice.choice(starts))
            name = "".join("abcdefghij"[int(digit)] for digit in str(self.number))
            typed = {
                "first_name": f"P{name}",
                "last_name": "Quill",
                "birth_date": "1979-01-31",
                "email": f"p{name}@example.org",
            }
            submitted = self.world.submit(f"{self.number:032d}", start=start.isoformat(), patient=typed)
            assert submitted.created
            self.links[submitted.request.id] = submitted.link
            self.count("asked")

    def patients_cancel(self) -> None:
        waiting = [r for r in self.world.store.requests_by_id.values() if r.pending]
        if waiting and self.dice.random() < 0.2:
            try:
                self.world.cancel_by_patient("harbor", self.links[self.dice.choice(waiting).id])
                self.count("cancelled")
            except RequestAlreadyAnswered:
                raise AssertionError("a pending request can be cancelled") from None

    def staff(self) -> None:
        source = self.world.source
        for request in list(self.world.store.requests_by_id.values()):
            if request.pending and request.slot and self.dice.random() < 0.4:
                patient = request.patient
                record = a_record(source_id=f"pat-{request.id}", emails=(patient.email or "",), phones=())
                name = replace(record.names[0], given=(patient.first_name,), family=patient.last_name)
                record = replace(record, names=(name,), birth_date=patient.birth_date)
                self.enter(f"for-{request.id}", request.slot.start, 30, patient=record)
        for _ in range(self.dice.choice((0, 1, 2, 4))):
            day = self.today + timedelta(days=self.dice.randrange(1, HORIZON))
            wall = datetime.combine(day, time(self.dice.randrange(24), self.dice.choice((0, 10, 30))), PLACE)
            kind = RowKind.BLOCK if self.dice.random() < 0.1 else RowKind.APPOINTMENT
            length = self.dice.choice((15, 30, 45, 90)) if self.dice.random() < 0.98 else 1440 * (LONGEST_DAYS + 3)
            self.number += 1
            if kind is RowKind.BLOCK or length < 1440:
                self.enter(f"visit-{self.number}", wall.astimezone(UTC), length, kind=kind, patient=None)
        future = [row for row in source.rows.values() if row.start > self.world.clock.at + timedelta(days=1)]
        if future and self.dice.random() < 0.5:
            row = self.dice.choice(future)
            match self.dice.randrange(3):
                case 0:
                    moved = row.start + timedelta(minutes=self.dice.choice((-1440, -30, 60, 1440)))
                    source.enter(
                        replace(row, start=moved, end=moved + (row.end - row.start), start_text=moved.isoformat())
                    )
                    self.count("moved")
                case 1:
                    source.enter(replace(row, state=AppointmentState.CANCELLED, raw_state="cancelled"))
                    self.count("called off")
                case 2:
                    source.enter(replace(row, end=row.end + timedelta(minutes=15)))

    def enter(self, external_id: str, start: datetime, minutes: int, **changes: object) -> None:
        end = start + timedelta(minutes=minutes)
        self.world.source.enter(a_row(external_id, start=start, end=end, start_text=start.isoformat(), **changes))
        self.count("entered")

    def edits(self) -> None:
        edit, monday = self.world.edit_calendar, monday_of(self.today) + timedelta(weeks=self.dice.randrange(9))
        week, seen = self.dice.choice((WEEK, NIGHT, SUNDAY, CLOSED_WEEK)), self.whole_week(monday)
        match self.dice.randrange(12):
            case 0:
                edit.save_week("harbor", NADIA, "osei", monday, seen, week)
                self.overrides[monday] = week
                self.count("week")
            case 1:
                later = {one: self.dice.random() < 0.5 for one in edit.later_weeks("harbor", NADIA, "osei", monday)}
                edit.apply_to_remaining("harbor", NADIA, "osei", monday, seen, week, later)
                self.apply(monday, week, later)
                self.count("default")
            case 2:
                first = self.today + timedelta(days=self.dice.randrange(HORIZON))
                last = first + timedelta(days=self.dice.randrange(4))
                whose = self.dice.choice(("", "osei"))
                edit.close("harbor", NADIA, whose, Closure(first, last))
                self.closures.append((first, last))
                self.count("closure")

    def apply(self, monday: date, week: Week, later: dict[LaterWeek, bool]) -> None:
        gone = {(one.monday, one.is_default) for one, kept in later.items() if not kept}
        self.overrides = {m: w for m, w in self.overrides.items() if m != monday and (m, False) not in gone}
        self.default = [(m, w) for m, w in self.default if m != monday and (m, True) not in gone]
        self.default = sorted([*self.default, (monday, week)], key=lambda one: one[0])

    def count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    def held(self) -> list[Occupant]:
        """Who should hold a place, whole: what the schedule shows, and who waits."""
        shown = [
            self._occupant(identifiers.appointment_id("harbor", "ehr", row.external_id), row)
            for row in self.world.source.rows.values()
            if row.state is not AppointmentState.CANCELLED
        ]
        waiting = [
            Occupant(minute_of(r.slot.start), minute_after(r.slot.end), OccupantKind.REQUEST, r.id)
            for r in self.world.store.requests_by_id.values()
            if r.pending and r.slot
        ]
        return [*shown, *waiting]

    @staticmethod
    def _occupant(identifier: str, row: ScheduleRow) -> Occupant:
        kind = OccupantKind.BLOCK if row.kind is RowKind.BLOCK else OccupantKind.APPOINTMENT
        return Occupant(minute_of(row.start), minute_after(row.end), kind, identifier)

    def check(self, *days: date) -> None:
        """Slots and occupancy of some days are what the oracle finds."""
        now, held = self.world.clock.at, self.held()
        rules = SlotRules(
            30, 30, 2, minute_after(now) + 120, minute_of(now) + HORIZON * 1440,
            buffer_before_minutes=5, buffer_after_minutes=10, daily_maximum=9,
        )  # fmt: skip
        for day in days:
            begins = minute_of(datetime.combine(day, time.min, PLACE))
            near = [o for o in held if o.start < begins + 3 * 1440 and begins - 1440 < o.end]
            hours = [self.hours(day), self.hours(day + timedelta(days=1))]
            offered = self.world.list_slots("harbor", "osei", "new", day, day).days[day]
            assert offered == tuple(free_by_asking(day, hours, near, PLACE, rules)), day
            stored = self.world.store.calendar.days("harbor", "osei", ZONE, day, day)[day]
            ends = minute_of(datetime.combine(day + timedelta(days=1), time.min, PLACE))
            long = {o.id for o in self.world.store.calendar.long_blocks("harbor", "osei").blocks}
            expected = {
                (max(o.start, begins), min(o.end, ends), o.kind, o.id)
                for o in near
                if o.start < ends and begins < o.end and o.id not in long
            }
            assert {tuple(o) for o in stored.occupants} == expected, day


@pytest.mark.parametrize("seed", [1])
def test_a_year_of_days_is_what_the_oracle_finds(seed: int) -> None:
    year = Year(seed)
    for number in range(DAYS):
        at = datetime.combine(FIRST + timedelta(days=number), time(year.dice.randrange(24), 7), PLACE)
        year.world.clock.at = at.astimezone(UTC)
        year.patients()
        year.staff()
        year.edits()
        year.world.sync_feed("harbor", "ehr~osei", now_asked=True)
        year.patients_cancel()
        year.world.run_timers()
        near = [change for change in CHANGES if 0 <= (change - year.today).days < HORIZON]
        year.check(year.today, year.today + timedelta(days=year.dice.randrange(1, HORIZON)), *near[:1])
        if number % 30 == 0:
            assert year.world.check_occupancy("harbor", "osei") == []
    linked = sum(bool(r.link) for r in year.world.store.requests_by_id.values())
    assert linked > 50
    assert {what for what, count in year.counts.items() if count > 10} == {
        "asked", "cancelled", "entered", "moved", "called off", "week", "default", "closure",
    }  # fmt: skip
