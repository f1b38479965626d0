"""What patients are offered: by month, the next free day, the first available provider; and why a time is not."""

from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Lock
from typing import Any, cast

import pytest
from msgspec.structs import replace
from oneway.domain.appointments import RowKind
from oneway.domain.availability import CLOSED_WEEK, Closure, DefaultWeek, Opening, Week
from oneway.domain.clock_time import minute_of
from oneway.domain.errors import InvalidInput, OnewayError, ProviderNotFound, SlotAlreadyTaken, SlotNotOffered
from oneway.domain.feeds import FeedState
from oneway.domain.occupancy import LONGEST_DAYS
from oneway.domain.practices import VisitType
from oneway.domain.slots import Closed
from oneway.ports import CalendarRepository, FeedRepository
from oneway.store.items import TableItem
from oneway.use_cases import list_slots
from oneway.use_cases.list_slots import ListSlots
from oneway.use_cases.schedule_age import ScheduleAge

from tests.builders import NOW, START, WEEK, a_calendar, a_feed, a_practice, a_provider, a_row
from tests.world import World

NIGHT: Week = ((Opening(0, 120), Opening(1320, 1440)),) * 7
TODAY = NOW.date()


def open_at(*hours: Opening, **changes: Any) -> World:
    week: Week = (hours,) * 7
    calendar = a_calendar(default_weeks=(DefaultWeek(week),))
    return World(a_practice(a_provider(**changes), calendars={"osei": calendar}))


class TestNextFreeDay:
    def next_free(self, world: World, after: date | None = None) -> date | None:
        return world.list_slots.next_free_day("harbor", "osei", "new", after).first_free

    def test_is_today_while_there_is_time(self, world: World) -> None:
        assert self.next_free(world) == TODAY

    def test_is_the_first_one_of_the_list_with_a_free_time_and_has_the_same_times(self) -> None:
        """Also where visits cross midnight, a closure covers weeks, and the daily maximum is reached."""
        closed = Closure(date(2026, 12, 1), date(2026, 12, 19))
        calendar = a_calendar(default_weeks=(DefaultWeek(NIGHT),), closures=(closed,))
        world = World(a_practice(a_provider(daily_maximum=2, buffer_after_minutes=15), calendars={"osei": calendar}))
        for n in range(40):
            after = TODAY + timedelta(days=n)
            found = world.list_slots.next_free_day("harbor", "osei", "new", after)
            listed = world.list_slots("harbor", "osei", "new", after + timedelta(days=1), after + timedelta(days=60))
            assert listed.first_free
            assert found.days == {listed.first_free: listed.days[listed.first_free]}

    def test_comes_after_the_day_that_is_shown(self, world: World) -> None:
        assert self.next_free(world, date(2026, 11, 27)) == date(2026, 11, 30)

    @pytest.mark.parametrize("days", [20, 80, 340])
    def test_is_found_anywhere_before_the_horizon(self, days: int) -> None:
        free = TODAY + timedelta(days=days)
        calendar = a_calendar(closures=(Closure(TODAY, free - timedelta(days=1)),), default_weeks=(DefaultWeek(NIGHT),))
        world = World(a_practice(a_provider(), calendars={"osei": calendar}, horizon_days=365))
        assert self.next_free(world) == free

    def test_there_may_be_none(self) -> None:
        world = World(a_practice(a_provider(), calendars={"osei": a_calendar(default_weeks=())}))
        assert self.next_free(world) is None

    def test_of_a_provider_who_is_not_integrated_there_is_none_and_it_says_why(self) -> None:
        world = World(a_practice(a_provider(source_id=None, external_id=None)))
        found = world.list_slots.next_free_day("harbor", "osei", "new")
        assert (found.first_free, found.closed) == (None, Closed.NOT_INTEGRATED)


class TestFirstAvailable:
    def test_the_earliest_comes_first_and_those_without_a_time_last(self) -> None:
        closed = a_calendar(closures=(Closure(TODAY, TODAY + timedelta(days=3)),))
        practice = a_practice(
            a_provider("brandt", source_id=None, external_id=None),
            a_provider(),
            a_provider("cho"),
            a_provider("ruiz", visit_type_ids=("follow-up",)),
            calendars={"osei": closed, "cho": a_calendar(), "ruiz": a_calendar()},
        )
        found = World(practice).list_slots.first_available("harbor", "new")
        assert [(one.provider.id, one.first_free) for one in found] == [
            ("cho", TODAY),
            ("osei", date(2026, 11, 27)),
            ("brandt", None),
        ]

    def test_a_visit_type_that_nobody_offers_is_refused(self, world: World) -> None:
        with pytest.raises(InvalidInput):
            world.list_slots.first_available("harbor", "surgery")


class TestWhy:
    def why(
        self, world: World, start: datetime = START, visit_type: str = "new", new: bool | None = None
    ) -> Closed | None:
        return world.explain_slot("harbor", "osei", visit_type, start, new)

    def test_an_offered_time_has_no_reason(self, world: World) -> None:
        assert self.why(world) is None

    def test_full(self, world: World) -> None:
        world.submit()
        assert self.why(world) is Closed.FULL

    def test_a_block(self, world: World) -> None:
        world.source.enter(a_row(kind=RowKind.BLOCK, patient=None))
        world.pull()
        assert self.why(world) is Closed.BLOCK

    def test_a_visit_type_that_is_not_for_this_provider_or_patient(self, world: World) -> None:
        assert self.why(world, visit_type="surgery") is Closed.VISIT_TYPE
        assert self.why(world, visit_type="follow-up", new=True) is Closed.VISIT_TYPE
        assert self.why(world, visit_type="follow-up", new=False) is None

    def test_never_pulled(self, world: World) -> None:
        state = world.store.feeds_by_id["harbor", "ehr~osei"]
        world.store.feeds_by_id["harbor", "ehr~osei"] = FeedState(a_feed("osei").settings, version=state.version)
        assert self.why(world) is Closed.NEVER_PULLED

    def test_notice_horizon_and_hours(self, world: World) -> None:
        assert self.why(world, NOW + timedelta(hours=1)) is Closed.NOTICE
        assert self.why(world, START + timedelta(weeks=20)) is Closed.HORIZON
        assert self.why(world, START + timedelta(hours=12)) is Closed.OUTSIDE_HOURS

    def test_what_is_said_is_what_submitting_says(self) -> None:
        world = World(a_practice(a_provider(buffer_after_minutes=15, daily_maximum=2)))
        world.submit()
        beside, later = START + timedelta(minutes=30), START + timedelta(hours=2)
        assert self.why(world, beside) is Closed.BUFFER
        with pytest.raises(SlotAlreadyTaken):
            world.submit("b" * 32, start=beside.isoformat())
        world.submit("c" * 32, start=later.isoformat())
        assert self.why(world, later + timedelta(hours=2)) is Closed.DAILY_MAXIMUM
        with pytest.raises(SlotAlreadyTaken):
            world.submit("d" * 32, start=(later + timedelta(hours=2)).isoformat())


class TestWhatIsLeft:
    def left(self, world: World, start: datetime = START) -> list[datetime]:
        with pytest.raises((SlotAlreadyTaken, SlotNotOffered)) as refused:
            world.submit("e" * 32, start=start.isoformat())
        assert isinstance(refused.value, (SlotAlreadyTaken, SlotNotOffered))
        return [datetime.fromtimestamp(minute * 60, UTC) for minute in refused.value.left]

    def test_is_that_day_while_it_has_something(self, world: World) -> None:
        world.submit()
        left = self.left(world)
        assert START not in left
        assert {one.date() for one in left} <= {date(2026, 11, 24), date(2026, 11, 25)}
        assert len(left) == 13

    def test_else_the_next_day_that_has(self) -> None:
        world = World(a_practice(a_provider(daily_maximum=1)))
        world.submit()
        left = self.left(world, START + timedelta(minutes=30))
        assert min(left) == datetime(2026, 11, 25, 17, 0, tzinfo=UTC)


class TestNights:
    """A clinic that is open through midnight: 22:00-24:00 and 00:00-02:00."""

    late = datetime(2026, 11, 25, 7, 45, tzinfo=UTC)  # 23:45 on Tuesday

    def world(self, **changes: Any) -> World:
        nights = a_calendar(default_weeks=(DefaultWeek(NIGHT),))
        return World(a_practice(a_provider(step_minutes=15, **changes), calendars={"osei": nights}))

    def test_a_visit_over_midnight_holds_and_frees_both_days(self) -> None:
        world = self.world()
        submitted = world.submit(start=self.late.isoformat())
        parts = [[(o.end - o.start) for o in day.occupants] for _, day in sorted(world.store.days_by_key.items())]
        assert parts == [[15], [15]]
        for start in (self.late + timedelta(minutes=15), self.late - timedelta(minutes=15)):
            assert world.explain_slot("harbor", "osei", "new", start) is Closed.FULL
        world.cancel_by_patient("harbor", submitted.link)
        assert [day.occupants for day in world.store.days_by_key.values()] == [(), ()]

    def test_confirming_it_swaps_it_on_both_days(self) -> None:
        world = self.world()
        submitted = world.submit(start=self.late.isoformat())
        world.source.enter(a_row(start=self.late, end=self.late + timedelta(minutes=30)))
        world.pull()
        assert world.stored(submitted.request).link
        held = [o.id for day in world.store.days_by_key.values() for o in day.occupants]
        assert len(held) == 2
        assert submitted.request.id not in held

    def test_two_that_only_a_buffer_parts_do_not_both_get_their_time(self) -> None:
        world = self.world(buffer_after_minutes=30)
        before, after = self.late - timedelta(minutes=15), self.late + timedelta(minutes=30)
        outcomes: list[str] = []

        def ask(key: str, start: datetime, name: str) -> None:
            try:
                world.submit(key * 32, start=start.isoformat(), patient=_patient(name))
                outcomes.append("got it")
            except OnewayError as error:
                outcomes.append(type(error).__name__)

        world.store.before_commit = lambda: ask("a", after, "Otto")
        ask("b", before, "Rosa")
        assert outcomes == ["got it", "SlotAlreadyTaken"]


class TestLongBlocks:
    def test_a_block_of_weeks_closes_its_days_without_standing_on_them(self, world: World) -> None:
        start = START - timedelta(hours=8)
        world.source.enter(
            a_row("leave", kind=RowKind.BLOCK, patient=None, start=start, end=start + timedelta(days=90))
        )
        report = world.pull()
        assert (report.changed, report.set_aside) == (1, 0)
        assert world.store.days_by_key == {}
        assert world.explain_slot("harbor", "osei", "new", START + timedelta(days=21)) is Closed.BLOCK
        offered = world.list_slots("harbor", "osei", "new", TODAY, TODAY + timedelta(days=40)).days
        assert {day for day, starts in offered.items() if starts} == {TODAY}
        with pytest.raises(SlotNotOffered, match="block"):
            world.submit()

    def test_it_shrinks_and_goes(self, world: World) -> None:
        row = a_row("leave", kind=RowKind.BLOCK, patient=None)
        world.source.enter(
            a_row("leave", kind=RowKind.BLOCK, patient=None, end=START + timedelta(days=LONGEST_DAYS + 1))
        )
        world.pull()
        world.source.enter(row)
        world.pull()
        assert world.store.calendar.long_blocks("harbor", "osei").blocks == ()
        assert world.explain_slot("harbor", "osei", "new", START) is Closed.BLOCK
        assert world.explain_slot("harbor", "osei", "new", START + timedelta(days=1)) is None
        assert world.check_occupancy("harbor", "osei") == []

    def test_a_visit_of_weeks_is_a_mistake_and_set_aside(self, world: World) -> None:
        world.source.enter(a_row(end=START + timedelta(days=LONGEST_DAYS + 1)))
        assert world.pull().set_aside == 1


def test_a_visit_may_lie_in_two_openings_that_touch() -> None:
    world = open_at(Opening(540, 600), Opening(600, 660))
    assert world.explain_slot("harbor", "osei", "new", START + timedelta(minutes=30)) is None
    starts = world.list_slots("harbor", "osei", "new", START.date(), START.date()).days[START.date()]
    assert starts == tuple(minute_of(START) + n for n in (-30, 0, 30, 60))


def test_a_closed_week_offers_nothing() -> None:
    world = World(a_practice(a_provider(), calendars={"osei": a_calendar(overrides={date(2026, 11, 23): CLOSED_WEEK})}))
    days = world.list_slots("harbor", "osei", "new", TODAY, TODAY + timedelta(days=7)).days
    assert [day for day, starts in days.items() if starts] == [TODAY + timedelta(days=7)]
    assert WEEK != CLOSED_WEEK


def _patient(name: str) -> dict[str, str]:
    return {
        "first_name": name,
        "last_name": "Quill",
        "birth_date": "1979-01-31",
        "email": f"{name.lower()}@example.org",
    }


def test_visit_types_say_who_may_book_them() -> None:
    only_new = VisitType("x", "X", 30, for_returning_patients=False)
    assert (only_new.takes(True), only_new.takes(False)) == (True, False)


class TestSeveralProviders:
    """Each look waits for the store: for the slowest of them, not for one after the other."""

    def together(self, world: World, parties: int) -> ListSlots:
        """Looks that are answered only when so many are under way."""
        met, days = Barrier(parties, timeout=60), world.store.calendar.days

        class Meeting:
            def days(self, *asked: Any) -> Any:
                met.wait()
                return days(*asked)

        return replace(world.list_slots, calendar=cast(CalendarRepository, Meeting()))

    def test_are_looked_at_side_by_side(self) -> None:
        world = World(a_practice(*(a_provider(one) for one in ("osei", "brandt", "ruiz"))))
        everybody, look = ["osei", "brandt", "ruiz"], self.together(world, 3)
        found = look.of_each("harbor", everybody, "new", TODAY, TODAY)
        assert [one.provider.id for one in found] == everybody
        assert found == [world.list_slots("harbor", one, "new", TODAY, TODAY) for one in everybody]
        assert len(look.first_available("harbor", "new")) == 3
        assert len(look.next_free_day_of_each("harbor", [(one, "new") for one in everybody])) == 3

    def test_what_goes_wrong_with_one_is_said(self) -> None:
        world = World(a_practice(a_provider("osei"), a_provider("brandt")))
        with pytest.raises(ProviderNotFound):
            world.list_slots.of_each("harbor", ["osei", "nobody"], "new", TODAY, TODAY)

    def test_the_ages_of_all_their_schedules_are_one_read(self) -> None:
        world = World(a_practice(*(a_provider(f"p{n}") for n in range(40))))
        reads, states = list[int](), world.store.feeds.states

        class Counting:
            def states(self, practice: str, feed_ids: Any) -> Any:
                reads.append(len(list(feed_ids)))
                return states(practice, feed_ids)

        age = ScheduleAge(cast(FeedRepository, Counting()), world.clock)
        look = replace(world.list_slots, age=age)
        found = look.first_available("harbor", "new")
        assert reads == [40]
        assert found == world.list_slots.first_available("harbor", "new")
        assert all(one.schedule_age_minutes == world.age.minutes(world.practice, one.provider) for one in found)

    def test_no_more_than_a_few_wait_at_a_time(self) -> None:
        world = World(a_practice(*(a_provider(f"p{n}") for n in range(40))))
        under_way, most, lock, days = 0, 0, Lock(), world.store.calendar.days

        class Counting:
            def days(self, *asked: Any) -> Any:
                nonlocal under_way, most
                with lock:
                    under_way += 1
                    most = max(most, under_way)
                try:
                    return days(*asked)
                finally:
                    with lock:
                        under_way -= 1

        look = replace(world.list_slots, calendar=cast(CalendarRepository, Counting()))
        assert len(look.first_available("harbor", "new")) == 40
        assert most <= 16


def test_each_look_side_by_side_has_a_connection_of_its_own() -> None:
    assert TableItem.Meta.max_pool_connections >= list_slots._AT_ONCE
