"""A request without a slot: preferred days and parts of day (product section 1, *Ask for another time*)."""

from datetime import date, timedelta
from typing import Any

import pytest
from oneway.domain.errors import InvalidInput, TooManyPending
from oneway.domain.explaining import Why
from oneway.domain.practices import Limits
from oneway.domain.requests import PartOfDay, RequestState
from oneway.use_cases.submit_request import Submitted

from tests.builders import KEY, NOW, START, a_calendar, a_form, a_practice, a_provider, a_row
from tests.desk import CANCELLED, Desk
from tests.world import World

DAYS = ["2026-12-01", "2026-12-03"]


def ask(world: World, key: str = KEY, preferred: Any = None, **changes: Any) -> Submitted:
    wanted = {"days": DAYS, "parts": ["evening", "morning"]} if preferred is None else preferred
    return world.submit_request("harbor", key, a_form(preferred=wanted, start=None, **changes))


def test_it_holds_no_place_and_is_mailed_like_any_other() -> None:
    world = World()
    asked = ask(world).request
    assert asked.slot is None
    assert asked.preferred
    assert asked.preferred.days == (date(2026, 12, 1), date(2026, 12, 3))
    assert asked.preferred.parts == (PartOfDay.MORNING, PartOfDay.EVENING)
    assert not world.store.days_by_key
    assert world.deliver() == 2
    staff = next(mime for mime, _, to, _ in world.mailer.sent if "front@harbor.example" in to)
    assert b"Tue, Dec 1; Thu, Dec 3 (morning, evening)" in staff
    assert b"No place is held" in staff.replace(b"=\n", b"")


def test_sending_it_again_finds_the_same_and_other_days_are_refused_under_its_key() -> None:
    world = World()
    first = ask(world)
    assert ask(world).request.id == first.request.id
    assert not ask(world).created


def test_a_visit_never_confirms_it_and_is_its_possible_match() -> None:
    world = World()
    asked = ask(world).request
    world.source.enter(a_row(start=START + timedelta(days=7), end=START + timedelta(days=7, minutes=30)))
    world.pull()
    assert world.stored(asked).state is RequestState.REQUESTED
    (found,) = world.explain_request(world.practice, world.stored(asked)).suggestions
    world.accept_match("harbor", "nadia@harbor.example", asked.id, found.visit.provider_id, found.visit.id)
    linked = world.stored(asked)
    assert linked.start == START + timedelta(days=7)
    world.clock.advance(minutes=2)
    world.deliver()
    assert any(b"is confirmed" in mime for mime, *_ in world.mailer.sent)
    back = world.undo_link("harbor", "nadia@harbor.example", asked.id)
    assert back.state is RequestState.REQUESTED


def test_why_it_is_still_pending_is_said() -> None:
    world = World()
    asked = ask(world).request
    world.pull()
    found = world.explain_request(world.practice, world.stored(asked)).why
    assert found
    assert found.why is Why.NO_TIME


def test_it_expires_after_its_last_day_and_a_good_pull() -> None:
    world = World()
    asked = ask(world).request
    assert asked.preferred
    world.clock.at = asked.preferred.ends - timedelta(minutes=1)
    world.pull(minutes=0.5)
    world.run_timers()
    assert world.stored(asked).pending
    world.clock.at = asked.preferred.ends + timedelta(minutes=1)
    world.run_timers()
    assert world.stored(asked).pending, "no pull yet that began after its last day"
    world.pull()
    world.run_timers()
    assert world.stored(asked).state is RequestState.EXPIRED


def test_with_an_open_possible_match_staff_are_asked_first() -> None:
    world = World()
    asked = ask(world).request
    assert asked.preferred
    world.source.enter(a_row(start=START + timedelta(days=12), end=START + timedelta(days=12, minutes=30)))
    world.pull()
    world.clock.at = asked.preferred.ends + timedelta(minutes=1)
    world.pull()
    world.run_timers()
    assert world.stored(asked).pending


def test_one_of_a_series_may_be_its_answer_too() -> None:
    desk = Desk(a_practice(a_provider()))
    request = desk.ask_for_another_time(START.date())
    desk.enter(
        "weekly", start=START + timedelta(hours=3), end=START + timedelta(hours=3, minutes=30), series="series-1"
    )
    desk.minutes(2)
    (found,) = desk.explain_request(desk.practice, desk.stored(request)).suggestions
    assert found.visit.row.external_id == "weekly"


def test_moved_to_another_time_finds_the_visit() -> None:
    world = World()
    asked = ask(world).request
    world.cancel_by_staff("harbor", "nadia@harbor.example", asked.id, "moved", "")
    world.source.enter(a_row(start=START + timedelta(days=8), end=START + timedelta(days=8, minutes=30)))
    world.pull()
    world.resolve_moves("harbor", asked.id)
    linked = world.stored(asked)
    assert linked.state is RequestState.LINKED
    assert linked.start == START + timedelta(days=8)


def test_moved_to_another_time_without_any_visit_is_cancelled_and_the_patient_told() -> None:
    desk = Desk()
    asked = desk.ask_for_another_time(date(2026, 12, 1), date(2026, 12, 3))
    desk.cancel_as_moved(asked)
    desk.minutes()
    assert desk.told(asked) == []
    desk.minutes(2)
    assert desk.told(asked) == [CANCELLED]


def test_it_stands_in_the_list_by_its_first_day() -> None:
    world = World()
    before, after = world.submit("a" * 32).request, world.submit("b" * 32, start="2026-12-02T09:30:00-08:00").request
    asked = ask(world, "c" * 32).request
    listed = world.list_to_act("harbor", "nadia@harbor.example").requests
    assert [one.id for one in listed] == [before.id, asked.id, after.id]


def test_the_patient_cancels_it() -> None:
    world = World()
    found = world.cancel_by_patient("harbor", ask(world).link)
    assert found.request.state is RequestState.CANCELLED


def test_the_limits_count_it() -> None:
    world = World(a_practice(limits=Limits(pending_per_person=1)))
    ask(world)
    with pytest.raises(TooManyPending):
        ask(world, "d" * 32)


@pytest.mark.parametrize(
    ("preferred", "pointer", "code"),
    [
        ({"days": []}, "/preferred/days", "required"),
        ({}, "/preferred/days", "required"),
        ({"days": "2026-12-01"}, "/preferred/days", "not_a_list"),
        ({"days": ["2026-02-30"]}, "/preferred/days", "not_a_date"),
        ({"days": [7]}, "/preferred/days", "not_a_date"),
        ({"days": ["2026-11-20"]}, "/preferred/days", "in_the_past"),
        ({"days": ["2027-11-20"]}, "/preferred/days", "too_far_ahead"),
        ({"days": ["2026-12-01"] * 40}, "/preferred/days", "too_many"),
        ({"days": DAYS, "parts": ["noon"]}, "/preferred/parts", "not_a_choice"),
        ({"days": DAYS, "parts": [["morning"]]}, "/preferred/parts", "not_a_choice"),
        ({"days": DAYS, "hours": []}, "/preferred/hours", "unknown_field"),
        ("tomorrow", "/preferred", "not_an_object"),
    ],
)
def test_what_cannot_be_understood_is_named(preferred: Any, pointer: str, code: str) -> None:
    with pytest.raises(InvalidInput) as found:
        ask(World(), preferred=preferred)
    assert (pointer, code) in {(one.pointer, one.code) for one in found.value.problems}


def test_a_start_and_preferred_days_are_not_both_given() -> None:
    with pytest.raises(InvalidInput) as found:
        World().submit(preferred={"days": DAYS})
    assert [(one.pointer, one.code) for one in found.value.problems] == [("/start", "time_or_days")]


@pytest.mark.parametrize("how", ["paused", "not integrated"])
def test_whom_nobody_books_online_takes_none(how: str) -> None:
    provider = a_provider(source_id=None, external_id=None) if how == "not integrated" else a_provider()
    world = World(a_practice(provider, calendars={"osei": a_calendar(paused=how == "paused")}))
    with pytest.raises(InvalidInput) as found:
        ask(world)
    assert [(one.pointer, one.code) for one in found.value.problems] == [("/provider", "by_phone_only")]


def test_today_counts_while_the_notice_leaves_room() -> None:
    today = str(NOW.date())
    assert ask(World(), preferred={"days": [today]}).request.slot is None
