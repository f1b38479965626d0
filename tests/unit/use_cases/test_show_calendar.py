"""What staff see of a week, and that each look at patients' names is on record first."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from oneway.domain.appointments import AppointmentState, RowKind
from oneway.domain.availability import CLOSED_WEEK, Closure
from oneway.domain.errors import PracticeNotFound, ProviderNotFound, StoreUnavailable
from oneway.domain.occupancy import OccupantKind
from oneway.domain.practices import Location
from oneway.domain.slots import Closed
from oneway.use_cases.show_calendar import CalendarWeek, Held

from tests.builders import NOW, START, WEEK, ZONE, a_practice, a_provider, a_record, a_row
from tests.fakes.store import FakeAppointments, FakeCalendar, FakeRequests
from tests.world import World

NADIA, VIC = "nadia@harbor.example", "vic@harbor.example"
THIS = date(2026, 11, 23)
NEXT = THIS + timedelta(weeks=1)


def look(world: World, provider: str = "osei", day: date | None = None, by: str = NADIA) -> CalendarWeek:
    return world.show_calendar("harbor", by, provider, day)


def held(world: World, provider: str = "osei", day: date | None = None) -> list[Held]:
    return [one for week in look(world, provider, day).weeks for one in week.held]


class TestWhatIsBooked:
    def test_a_request_and_a_visit_stand_with_state_name_and_page(self, world: World) -> None:
        request = world.submit().request
        later = START + timedelta(hours=2)
        world.source.enter(a_row("appt-2", start=later, end=later + timedelta(minutes=30)))
        world.pull()
        visit = next(one for one in world.store.appointments_by_key.values())
        assert [(one.start, one.state, one.name, one.id, one.request_id) for one in held(world)] == [
            (START, "requested", "Maria Núñez", request.id, request.id),
            (later, "booked", "MARIA Nunez", visit.id, None),
        ]

    def test_a_confirmed_request_leads_to_the_requests_page(self, world: World) -> None:
        request = world.submit().request
        world.source.enter(a_row())
        world.pull()
        (one,) = held(world)
        assert (one.request_id, one.state, one.kind) == (request.id, "booked", OccupantKind.APPOINTMENT)

    def test_the_state_is_the_schedules(self, world: World) -> None:
        world.source.enter(a_row(state=AppointmentState.NO_SHOW, raw_state="noshow"))
        world.pull()
        assert [one.state for one in held(world)] == ["no_show"]

    def test_a_block_names_nobody_and_a_long_one_closes_each_day(self, world: World) -> None:
        world.source.enter(a_row(kind=RowKind.BLOCK, patient=None, end=START + timedelta(days=20)))
        world.pull()
        (one,) = held(world)
        assert (one.kind, one.id, one.name, one.taken) == (OccupantKind.BLOCK, "", "", 0)
        assert held(world, day=NEXT)[0].end - held(world, day=NEXT)[0].start == timedelta(days=7)

    def test_how_many_share_a_slot_is_told_even_beyond_its_places(self) -> None:
        world = World(a_practice(a_provider(split=2)))
        world.submit()
        assert [one.taken for one in held(world)] == [1]
        offered = world.list_slots("harbor", "osei", "new", START.date(), START.date()).days
        assert int(START.timestamp() // 60) in offered[START.date()]
        for number in range(2):
            patient = a_record(source_id=f"pat-{number}", birth_date=date(1990, 1, 1))
            world.source.enter(a_row(f"appt-{number}", patient=patient))
        world.pull()
        assert [one.taken for one in held(world)] == [3, 3, 3]

    def test_a_visit_over_midnight_is_one(self, world: World) -> None:
        start = datetime(2026, 11, 25, 7, 30, tzinfo=UTC)  # 23:30 there
        world.source.enter(a_row(start=start, end=start + timedelta(hours=2)))
        world.pull()
        ((one,),) = (week.held_on(date(2026, 11, 24)) for week in look(world).weeks)
        assert one.end - one.start == timedelta(hours=2)

    def test_all_providers_are_shown_side_by_side_each_in_its_own_zone(self) -> None:
        elsewhere = Location("ny", "East", "1 Main St", "America/New_York")
        practice = a_practice(a_provider(), a_provider("brandt", location_id="ny"))
        world = World(a_practice(*practice.providers.values(), locations={**practice.locations, "ny": elsewhere}))
        world.submit()
        found = look(world, "")
        assert [(one.provider.id, one.zone.key, len(one.held)) for one in found.weeks] == [
            ("osei", ZONE, 1),
            ("brandt", "America/New_York", 0),
        ]


class TestTheWeek:
    def test_is_this_one_or_the_nearest_that_can_be_shown(self, world: World) -> None:
        assert look(world).monday == THIS
        assert look(world, day=date(2026, 12, 3)).monday == NEXT
        assert look(world, day=date(2036, 1, 1)).monday == THIS + timedelta(weeks=53)
        assert look(world, day=date(2001, 1, 1)).monday == THIS - timedelta(weeks=8)

    def test_says_what_it_is_made_of(self, world: World) -> None:
        world.edit_calendar.save_week("harbor", NADIA, "osei", NEXT, WEEK, CLOSED_WEEK)
        world.edit_calendar.close("harbor", NADIA, "", Closure(NEXT, NEXT, "Bridge day"))
        (week,) = look(world, day=NEXT).weeks
        assert (week.overridden, week.week, week.default) == (True, CLOSED_WEEK, WEEK)
        assert (week.calendar.changed_by, week.calendar.changed_at) == (NADIA, NOW)
        assert [one.name for day in (NEXT, NEXT + timedelta(days=1)) if (one := week.closure_on(day))] == ["Bridge day"]
        assert look(world, day=THIS).weeks[0].closures == []

    def test_holidays_that_are_not_closed_are_suggested(self) -> None:
        days = [Closure(NEXT, NEXT, "St. Andrew"), Closure(THIS - timedelta(days=1), THIS - timedelta(days=1), "Past")]
        world = World(a_practice(public_holidays=tuple(days)))
        assert look(world).suggestions == days[:1]
        world.edit_calendar.close("harbor", NADIA, "", days[0])
        assert look(world).suggestions == []

    def test_its_day_is_the_providers(self, world: World) -> None:
        world.clock.at = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)  # Sunday evening there
        assert look(world).monday == THIS - timedelta(weeks=1)


class TestALook:
    def test_is_on_record_and_costs_three_reads(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        world.submit()
        reads: list[str] = []

        def counted(kind: type[Any], name: str) -> None:
            real: Callable[..., Any] = getattr(kind, name)

            def read(self: Any, *arguments: Any) -> Any:
                reads.append(name)
                return real(self, *arguments)

            monkeypatch.setattr(kind, name, read)

        for kind, name in (
            (FakeCalendar, "read_calendars"),
            (FakeRequests, "get_many"),
            (FakeAppointments, "get_many"),
        ):
            counted(kind, name)
        look(world, by=VIC)
        assert reads == ["read_calendars", "get_many", "get_many"]
        assert world.store.looks[-1] == ("harbor", VIC, "show_calendar", "osei 2026-11-23")
        look(world, "")
        assert world.store.looks[-1] == ("harbor", NADIA, "show_calendar", "all 2026-11-23")

    def test_shows_nothing_that_cannot_be_recorded(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object) -> None:
            raise StoreUnavailable("down")

        monkeypatch.setattr("tests.fakes.store.FakeAudit.record", refuse)
        monkeypatch.setattr(FakeCalendar, "read_calendars", lambda *_: pytest.fail("read before it was on record"))
        with pytest.raises(StoreUnavailable):
            look(world)

    def test_is_not_for_others(self, world: World) -> None:
        with pytest.raises(PracticeNotFound):
            look(world, by="mallory@pier.example")
        with pytest.raises(ProviderNotFound):
            look(world, "nobody")
        assert world.store.looks == []


class TestWhyNotOffered:
    def why(self, world: World, wall: datetime, by: str = VIC) -> dict[str, Closed | None]:
        return {kind.id: reason for kind, reason in world.explain_time("harbor", by, "osei", wall).reasons}

    def test_is_answered_for_every_visit_type_in_the_providers_time(self, world: World) -> None:
        half_past_nine = datetime(2026, 11, 24, 9, 30)
        assert self.why(world, half_past_nine) == {"new": None, "follow-up": None}
        world.submit()
        assert self.why(world, half_past_nine) == {"new": Closed.FULL, "follow-up": Closed.FULL}
        found = world.explain_time("harbor", VIC, "osei", half_past_nine)
        assert (found.start, found.one_reason) == (START, True)

    def test_the_closure_is_named(self, world: World) -> None:
        closure = Closure(date(2026, 11, 24), date(2026, 11, 24), "Team day")
        world.edit_calendar.close("harbor", NADIA, "", closure)
        assert world.explain_time("harbor", VIC, "osei", datetime(2026, 11, 24, 9, 30)).closure == closure

    def test_a_time_that_the_clocks_leave_out_does_not_exist(self, world: World) -> None:
        world.clock.at = datetime(2027, 3, 1, tzinfo=UTC)
        found = world.explain_time("harbor", VIC, "osei", datetime(2027, 3, 14, 2, 30))
        assert (found.start, found.reasons) == (None, ())
        twice = world.explain_time("harbor", VIC, "osei", datetime(2026, 11, 1, 1, 30))
        assert twice.start == datetime(2026, 11, 1, 8, 30, tzinfo=UTC)

    def test_a_stranger_learns_nothing(self, world: World) -> None:
        with pytest.raises(PracticeNotFound):
            self.why(world, datetime(2026, 11, 24, 9, 30), "mallory@pier.example")
