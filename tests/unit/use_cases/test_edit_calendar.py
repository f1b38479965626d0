"""Staff edit hours; who comes second is told, and nothing that is booked or written is lost."""

from datetime import date, timedelta

import pytest
from msgspec.structs import replace
from oneway.domain.availability import (
    CLOSED_WEEK,
    Closure,
    DayDifference,
    DefaultWeek,
    LaterWeek,
    Opening,
    Week,
    later_weeks,
)
from oneway.domain.errors import CalendarChangedMeanwhile, Forbidden, InvalidInput, PracticeNotFound, ProviderNotFound
from oneway.domain.practices import StaffMember
from oneway.domain.slots import Closed

from tests.builders import NOW, START, WEEK, a_calendar, a_practice
from tests.world import World

NADIA, VIC, BEN = "nadia@harbor.example", "vic@harbor.example", "ben@harbor.example"
THIS = date(2026, 11, 23)
NEXT = THIS + timedelta(weeks=1)
SHORT: Week = ((), (Opening(540, 600),), *WEEK[2:])


def stands(world: World, day: date = NEXT) -> Week:
    return world.store.calendar.get("harbor", "osei").availability.week_of(day)


def save(world: World, week: Week | None = SHORT, monday: date = NEXT, seen: Week = WEEK) -> None:
    world.edit_calendar.save_week("harbor", NADIA, "osei", monday, seen, week)


class TestAWeek:
    def test_is_overridden_and_goes_back_to_the_default(self, world: World) -> None:
        save(world)
        assert [stands(world, day) for day in (THIS, NEXT, NEXT + timedelta(weeks=1))] == [WEEK, SHORT, WEEK]
        save(world, None, seen=SHORT)
        assert stands(world) == WEEK

    def test_an_override_outlives_a_changed_default_and_other_weeks_follow_it(self, world: World) -> None:
        save(world)
        world.edit_calendar.apply_to_remaining(
            "harbor", NADIA, "osei", THIS, WEEK, CLOSED_WEEK, {LaterWeek(NEXT, SHORT, False): True}
        )
        assert [stands(world, day) for day in (THIS, NEXT, NEXT + timedelta(weeks=1))] == [
            CLOSED_WEEK,
            SHORT,
            CLOSED_WEEK,
        ]

    @pytest.mark.parametrize(
        "monday", [THIS - timedelta(weeks=1), THIS + timedelta(weeks=54), NEXT + timedelta(days=1)]
    )
    def test_is_this_one_or_one_of_the_next_53(self, world: World, monday: date) -> None:
        with pytest.raises(InvalidInput):
            save(world, monday=monday)
        save(world, monday=THIS + timedelta(weeks=53))

    @pytest.mark.parametrize(
        "hours", [(Opening(600, 540),), (Opening(0, 1500),), (Opening(540, 700), Opening(660, 720))]
    )
    def test_has_openings_in_order(self, world: World, hours: tuple[Opening, ...]) -> None:
        with pytest.raises(InvalidInput, match="/2/"):
            save(world, ((), (), hours, (), (), (), ()))

    def test_saved_twice_is_saved_once(self, world: World) -> None:
        save(world)
        version = world.store.calendar.get("harbor", "osei").version
        save(world)
        assert world.store.calendar.get("harbor", "osei").version == version

    def test_takes_nothing_from_what_is_booked(self, world: World) -> None:
        request = world.submit().request
        held = dict(world.store.days_by_key)
        save(world, CLOSED_WEEK, THIS)
        assert world.store.days_by_key == held
        assert world.stored(request).pending
        assert world.explain_slot("harbor", "osei", "new", START) is Closed.OUTSIDE_HOURS


class TestTwoEditors:
    @pytest.fixture(autouse=True)
    def ben(self, world: World) -> None:
        practice = world.store.practices.get("harbor")
        world.store.practices.save(replace(practice, staff={**practice.staff, BEN: StaffMember(BEN, "Ben O.")}))

    def test_the_second_is_told_who_changed_what_and_when(self, world: World) -> None:
        save(world)
        longer: Week = ((Opening(480, 1080),), *WEEK[1:])
        with pytest.raises(CalendarChangedMeanwhile) as told:
            save(world, longer)
        assert (told.value.changed_by, told.value.changed_at) == (NADIA, NOW)
        assert told.value.days == (DayDifference(0, WEEK[0], ()), DayDifference(1, WEEK[1], SHORT[1]))
        assert stands(world) == SHORT

    @pytest.mark.parametrize("what", ["pause", "closure", "another week", "a later default"])
    def test_whoever_changed_something_else_since_is_not_named(self, world: World, what: str) -> None:
        save(world)
        world.clock.advance(minutes=5)
        edit, bridge = world.edit_calendar, Closure(NEXT, NEXT)
        after = NEXT + timedelta(weeks=1)
        {
            "pause": lambda: edit.pause("harbor", BEN, "osei", True),
            "closure": lambda: edit.close("harbor", BEN, "osei", bridge),
            "another week": lambda: edit.save_week("harbor", BEN, "osei", after, WEEK, CLOSED_WEEK),
            "a later default": lambda: edit.apply_to_remaining("harbor", BEN, "osei", after, WEEK, CLOSED_WEEK, {}),
        }[what]()
        with pytest.raises(CalendarChangedMeanwhile) as told:
            save(world, CLOSED_WEEK)
        assert (told.value.changed_by, told.value.changed_at) == (NADIA, NOW)
        assert len(told.value.days) == 2

    @pytest.mark.parametrize("what", ["pause", "this week"])
    def test_of_later_weeks_whoever_changed_one_is_named(self, world: World, what: str) -> None:
        after = NEXT + timedelta(weeks=1)
        save(world, monday=after)
        world.clock.advance(minutes=5)
        if what == "pause":
            world.edit_calendar.pause("harbor", BEN, "osei", True)
        else:
            world.edit_calendar.save_week("harbor", BEN, "osei", THIS, WEEK, CLOSED_WEEK)
        with pytest.raises(CalendarChangedMeanwhile) as told:
            world.edit_calendar.apply_to_remaining("harbor", NADIA, "osei", NEXT, WEEK, CLOSED_WEEK, {})
        assert (told.value.changed_by, told.value.changed_at) == (NADIA, NOW)

    def test_of_the_default_whoever_changed_that_is_named(self, world: World) -> None:
        world.edit_calendar.save_default("harbor", NADIA, "osei", NEXT, WEEK, SHORT)
        world.clock.advance(minutes=5)
        world.edit_calendar.save_week("harbor", BEN, "osei", NEXT, SHORT, CLOSED_WEEK)
        with pytest.raises(CalendarChangedMeanwhile) as told:
            world.edit_calendar.save_default("harbor", BEN, "osei", NEXT, WEEK, CLOSED_WEEK)
        assert (told.value.changed_by, told.value.changed_at) == (NADIA, NOW)

    def test_having_seen_it_the_second_may_save(self, world: World) -> None:
        save(world)
        save(world, CLOSED_WEEK, seen=SHORT)
        assert stands(world) == CLOSED_WEEK

    def test_other_weeks_go_side_by_side_even_at_the_same_moment(self, world: World) -> None:
        later = NEXT + timedelta(weeks=1)
        world.store.before_commit = lambda: save(world, CLOSED_WEEK, later)
        save(world)
        assert (stands(world), stands(world, later)) == (SHORT, CLOSED_WEEK)

    def test_the_same_week_at_the_same_moment_is_told(self, world: World) -> None:
        world.store.before_commit = lambda: save(world, CLOSED_WEEK)
        with pytest.raises(CalendarChangedMeanwhile):
            save(world)
        assert stands(world) == CLOSED_WEEK

    def test_a_closure_and_a_week_at_the_same_moment_both_stand(self, world: World) -> None:
        closure = Closure(NEXT, NEXT)
        world.store.before_commit = lambda: world.edit_calendar.close("harbor", NADIA, "osei", closure) and None
        save(world)
        assert stands(world) == SHORT
        assert world.store.calendar.get("harbor", "osei").availability.closures == (closure,)


class TestApplyToRemaining:
    later = NEXT + timedelta(weeks=3)

    def apply(self, world: World, decisions: dict[LaterWeek, bool], seen: Week = WEEK) -> None:
        world.edit_calendar.apply_to_remaining("harbor", NADIA, "osei", NEXT, seen, SHORT, decisions)

    def test_the_weeks_after_it_follow_and_those_before_do_not(self, world: World) -> None:
        self.apply(world, {})
        assert [stands(world, day) for day in (THIS, NEXT, self.later)] == [WEEK, SHORT, SHORT]

    def test_later_weeks_of_their_own_are_listed_and_kept_or_replaced_each(self, world: World) -> None:
        save(world, CLOSED_WEEK, self.later)
        save(world, CLOSED_WEEK, self.later + timedelta(weeks=1))
        listed = world.edit_calendar.later_weeks("harbor", NADIA, "osei", NEXT)
        assert [one.monday for one in listed] == [self.later, self.later + timedelta(weeks=1)]
        self.apply(world, {listed[0]: True, listed[1]: False})
        assert [stands(world, one.monday) for one in listed] == [CLOSED_WEEK, SHORT]

    def test_a_later_default_is_one_of_them(self, world: World) -> None:
        winter = DefaultWeek(CLOSED_WEEK, self.later)
        world = World(
            a_practice(calendars={"osei": a_calendar(default_weeks=(DefaultWeek(WEEK), winter))}), clock=world.clock
        )
        (listed,) = world.edit_calendar.later_weeks("harbor", NADIA, "osei", NEXT)
        assert listed == LaterWeek(self.later, CLOSED_WEEK, True)
        self.apply(world, {listed: True})
        assert [stands(world, day) for day in (NEXT, self.later)] == [SHORT, CLOSED_WEEK]
        world.edit_calendar.apply_to_remaining("harbor", NADIA, "osei", NEXT, SHORT, WEEK, {listed: False})
        assert stands(world, self.later) == WEEK

    def test_applied_twice_is_applied_once(self, world: World) -> None:
        save(world, CLOSED_WEEK, self.later)
        (listed,) = world.edit_calendar.later_weeks("harbor", NADIA, "osei", NEXT)
        for _ in range(2):
            self.apply(world, {listed: False})
        assert len(world.store.practice_events.latest("harbor", 5)) == 2
        with pytest.raises(CalendarChangedMeanwhile):
            self.apply(world, {listed: True})

    def test_its_own_override_becomes_the_default(self, world: World) -> None:
        save(world)
        self.apply(world, {}, seen=SHORT)
        assert world.store.calendar.get("harbor", "osei").availability.overrides == {}
        assert stands(world) == SHORT

    def test_a_week_that_came_meanwhile_is_not_run_over(self, world: World) -> None:
        save(world, CLOSED_WEEK, self.later)
        with pytest.raises(CalendarChangedMeanwhile):
            self.apply(world, {})
        assert stands(world, self.later) == CLOSED_WEEK
        assert later_weeks(world.store.calendar.get("harbor", "osei").availability, NEXT)


class TestClosing:
    def why(self, world: World) -> Closed | None:
        return world.explain_slot("harbor", "osei", "new", START)

    @pytest.mark.parametrize("whose", ["", "osei"])
    def test_a_closure_of_practice_or_provider_closes_its_days(self, world: World, whose: str) -> None:
        closure = Closure(START.date(), START.date() + timedelta(days=2), "Conference")
        world.edit_calendar.close("harbor", NADIA, whose, closure)
        assert self.why(world) is Closed.CLOSURE
        days = world.list_slots("harbor", "osei", "new", START.date(), START.date() + timedelta(days=3)).days
        assert [bool(starts) for starts in days.values()] == [False, False, False, True]
        world.edit_calendar.reopen("harbor", NADIA, whose, closure)
        assert self.why(world) is None

    def test_a_provider_is_paused_and_comes_back(self, world: World) -> None:
        world.edit_calendar.pause("harbor", NADIA, "osei", True)
        assert self.why(world) is Closed.PAUSED
        assert world.list_slots("harbor", "osei", "new", START.date(), START.date()).closed is Closed.PAUSED
        world.edit_calendar.pause("harbor", NADIA, "osei", False)
        assert self.why(world) is None

    def test_a_closure_does_not_end_before_it_begins(self, world: World) -> None:
        with pytest.raises(InvalidInput):
            world.edit_calendar.close("harbor", NADIA, "", Closure(NEXT, THIS))


class TestWhoMayEdit:
    def test_a_viewer_may_not(self, world: World) -> None:
        with pytest.raises(Forbidden):
            world.edit_calendar.pause("harbor", VIC, "osei", True)

    def test_a_stranger_finds_nothing(self, world: World) -> None:
        with pytest.raises(PracticeNotFound):
            world.edit_calendar.later_weeks("harbor", "mallory@pier.example", "osei", NEXT)

    def test_nor_does_anybody_a_provider_who_is_not_there(self, world: World) -> None:
        with pytest.raises(ProviderNotFound):
            world.edit_calendar.pause("harbor", NADIA, "nobody", True)
        with pytest.raises(ProviderNotFound):
            world.edit_calendar.pause("harbor", NADIA, "", True)
        with pytest.raises(ProviderNotFound):
            world.edit_calendar.save_week("harbor", NADIA, "", NEXT, CLOSED_WEEK, SHORT)


class TestTheDefaultWeek:
    def edit(self, world: World, week: Week, monday: date = THIS, seen: Week = WEEK) -> None:
        world.edit_calendar.save_default("harbor", NADIA, "osei", monday, seen, week)

    def test_changes_at_once_every_week_that_is_not_overridden_and_no_past_one(self, world: World) -> None:
        save(world)
        self.edit(world, CLOSED_WEEK)
        days = (THIS - timedelta(weeks=1), THIS, NEXT, NEXT + timedelta(weeks=1))
        assert [stands(world, day) for day in days] == [WEEK, CLOSED_WEEK, SHORT, CLOSED_WEEK]

    def test_changed_twice_is_one_default_from_this_week_on(self, world: World) -> None:
        self.edit(world, CLOSED_WEEK)
        self.edit(world, SHORT, NEXT, CLOSED_WEEK)
        defaults = world.store.calendar.get("harbor", "osei").availability.default_weeks
        assert defaults == (DefaultWeek(WEEK), DefaultWeek(SHORT, THIS))

    def test_a_later_default_is_edited_where_it_is_in_force(self, world: World) -> None:
        world.edit_calendar.apply_to_remaining("harbor", NADIA, "osei", NEXT, WEEK, SHORT, {})
        self.edit(world, CLOSED_WEEK, NEXT + timedelta(weeks=2), SHORT)
        assert [stands(world, day) for day in (THIS, NEXT)] == [WEEK, CLOSED_WEEK]

    def test_the_second_editor_is_told(self, world: World) -> None:
        self.edit(world, CLOSED_WEEK)
        with pytest.raises(CalendarChangedMeanwhile) as told:
            self.edit(world, SHORT)
        assert told.value.changed_by == NADIA


class TestTheTimeline:
    def told(self, world: World) -> list[tuple[str, str, str, str]]:
        events = world.store.practice_events.latest("harbor", 20)
        return [(one.who, one.what, one.provider_id, one.detail) for one in reversed(events)]

    def test_has_one_entry_a_change_and_none_for_a_repeated_one(self, world: World) -> None:
        bridge = Closure(NEXT, NEXT + timedelta(days=1), "Puente")
        for _ in range(2):
            save(world)
            world.clock.advance(minutes=1)
        for act in (
            lambda: world.edit_calendar.save_default("harbor", NADIA, "osei", THIS, WEEK, CLOSED_WEEK),
            lambda: world.edit_calendar.close("harbor", NADIA, "", bridge),
            lambda: world.edit_calendar.reopen("harbor", NADIA, "", bridge),
            lambda: world.edit_calendar.pause("harbor", NADIA, "osei", True),
            lambda: world.edit_calendar.pause("harbor", NADIA, "osei", False),
            lambda: save(world, None, seen=SHORT),
        ):
            act()
            world.clock.advance(minutes=1)
        assert self.told(world) == [
            (NADIA, "week_saved", "osei", "2026-11-30"),
            (NADIA, "default_week_saved", "osei", "2026-11-23"),
            (NADIA, "closed", "", "2026-11-30/2026-12-01 Puente"),
            (NADIA, "reopened", "", "2026-11-30/2026-12-01 Puente"),
            (NADIA, "paused", "osei", ""),
            (NADIA, "resumed", "osei", ""),
            (NADIA, "week_follows_default", "osei", "2026-11-30"),
        ]

    def test_says_nothing_of_what_lost_to_another(self, world: World) -> None:
        world.store.before_commit = lambda: save(world, CLOSED_WEEK)
        with pytest.raises(CalendarChangedMeanwhile):
            save(world)
        assert len(self.told(world)) == 1
