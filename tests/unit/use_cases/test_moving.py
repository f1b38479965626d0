"""A visit gets another time: by the guide's way, on the same appointment, or entered anew (product section 3)."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from oneway.domain.appointments import AppointmentState, PersonName
from oneway.domain.errors import RequestAlreadyAnswered
from oneway.domain.practices import Switches
from oneway.domain.requests import Happening, Request, RequestState
from oneway.faults import Unavailable

from tests.builders import START, a_practice, a_provider, a_record
from tests.desk import CANCELLED, CONFIRMED, CORRECTION, LATER, NADIA, RESCHEDULED, Desk, at
from tests.fakes.store import FakeClock
from tests.stage import Killed, Stage, WatchedStore

MUCH_LATER = START + timedelta(days=2)
ANOTHER = a_record(source_id="pat-2")
BARE = a_record(names=(), birth_date=None, phones=(), emails=())


@pytest.fixture
def desk() -> Desk:
    return Desk(a_practice(a_provider(split=3), a_provider("brandt", split=3)))


class TestTheGuidesWay:
    def test_entered_then_cancelled_is_one_message(self, desk: Desk) -> None:
        request = desk.ask()
        desk.enter(**at(LATER))
        desk.minutes()
        desk.cancel_as_moved(request)
        desk.minutes(5)
        assert desk.answered_by(request) == "appt-1"
        assert desk.told(request) == [RESCHEDULED]
        assert "24" in desk.last_mail()
        assert "25" in desk.last_mail()
        assert desk.happened(request) == [Happening.CANCELLED, Happening.RESCHEDULED]
        assert desk.places() == []

    def test_cancelled_then_entered_is_one_message(self, desk: Desk) -> None:
        request = desk.ask()
        desk.cancel_as_moved(request)
        desk.minutes()
        desk.enter(**at(LATER))
        desk.minutes(5)
        assert desk.answered_by(request) == "appt-1"
        assert desk.told(request) == [RESCHEDULED]

    def test_while_it_is_looked_for_its_possible_match_is_flagged(self, desk: Desk) -> None:
        request = desk.ask()
        desk.enter(**at(LATER), patient=a_record(birth_date=date(1984, 3, 13)))
        desk.minutes()
        assert desk.list_to_act("harbor", NADIA).matched == {request.id}
        desk.cancel_as_moved(request)
        desk.tick(minutes=1)
        assert desk.stored(request).moving
        assert desk.list_to_act("harbor", NADIA).matched == {request.id}

    def test_the_place_is_free_at_once_and_nothing_is_said_yet(self) -> None:
        desk = Desk()
        request = desk.ask()
        cancelled = desk.cancel_as_moved(request)
        assert (cancelled.state, cancelled.moving, cancelled.to_act) == (RequestState.CANCELLED, True, True)
        desk.tick(minutes=3)
        assert desk.told(request) == []
        assert desk.submit("n" * 32).created

    def test_else_two_good_pulls_later_it_is_cancelled(self, desk: Desk) -> None:
        request = desk.ask()
        desk.cancel_as_moved(request)
        desk.minutes()
        desk.tick(minutes=5)
        assert desk.told(request) == []
        desk.minutes()
        assert desk.told(request) == [CANCELLED]
        assert not desk.stored(request).to_act

    def test_the_two_pulls_are_the_very_next_ones_where_pulls_write_nothing(self, desk: Desk) -> None:
        desk.minutes(65)
        request = desk.ask()
        desk.minutes(3)
        desk.cancel_as_moved(request)
        desk.tick(seconds=1)
        desk.minutes()
        assert desk.told(request) == []
        desk.minutes()
        assert desk.told(request) == [CANCELLED]

    def test_failed_pulls_do_not_count(self, desk: Desk) -> None:
        request = desk.ask()
        desk.cancel_as_moved(request)
        desk.source.fault = Unavailable("503")
        desk.minutes(30)
        assert desk.told(request) == []
        desk.source.fault = None
        desk.enter(**at(LATER))
        desk.minutes(70)
        assert desk.told(request) == [RESCHEDULED]

    def test_incomplete_pulls_do_not_count(self, desk: Desk) -> None:
        request = desk.ask()
        desk.cancel_as_moved(request)
        desk.source.complete = False
        for number in range(30):
            desk.enter("other", patient=None, start_text=f"stamp {number}")
            desk.minutes()
        assert desk.told(request) == []

    @pytest.mark.parametrize("good_pulls", [0, 1])
    def test_without_a_good_pull_for_two_hours_a_patient_is_kept_waiting_no_longer(self, good_pulls: int) -> None:
        desk = Desk()
        request = desk.ask(start=LATER)
        desk.cancel_as_moved(request)
        desk.minutes(good_pulls)
        desk.source.fault = Unavailable("503")
        desk.minutes(119)
        assert desk.told(request) == []
        desk.minutes(2)
        assert desk.told(request) == [CANCELLED]

    @pytest.mark.parametrize("patient", [{"email": None}, {}])
    def test_with_nobody_to_tell_the_link_is_made_all_the_same(self, patient: dict[str, Any]) -> None:
        switches = Switches() if patient else Switches(cancelled=False, rescheduled=False)
        desk = Desk(a_practice(switches=switches))
        request = desk.ask(**patient)
        desk.cancel_as_moved(request)
        desk.enter(**at(LATER))
        desk.minutes(5)
        assert desk.answered_by(request) == "appt-1"
        assert desk.told(request) == []

    @pytest.mark.parametrize("patient", [{"email": None}, {}])
    def test_with_nobody_to_tell_it_ends_all_the_same(self, patient: dict[str, Any]) -> None:
        desk = Desk(a_practice(switches=Switches() if patient else Switches(cancelled=False)))
        request = desk.ask(**patient)
        desk.cancel_as_moved(request)
        desk.minutes(5)
        # Without an address somebody has to call.
        assert desk.stored(request).to_act is bool(patient)
        assert not desk.stored(request).moving
        desk.enter(**at(LATER))
        desk.minutes(5)
        assert desk.answered_by(request) is None
        assert desk.told(request) == []

    def test_another_reason_waits_for_nothing(self, desk: Desk) -> None:
        request = desk.ask()
        desk.enter(**at(LATER))
        desk.minutes()
        desk.cancel_by_staff("harbor", NADIA, request.id, "not_available", "")
        desk.minutes(3)
        assert desk.answered_by(request) is None
        assert desk.told(request) == [CANCELLED]

    def test_a_visit_at_the_old_time_is_the_answer_too(self, desk: Desk) -> None:
        """Staff took the cancellation for the way to confirm; the patient must not be told that it is cancelled."""
        request = desk.ask()
        desk.cancel_as_moved(request)
        desk.enter()
        desk.minutes(5)
        assert desk.answered_by(request) == "appt-1"
        assert desk.told(request) == [CONFIRMED]

    @pytest.mark.parametrize(
        "row",
        [
            at(START + timedelta(days=31)),
            {**at(LATER), "series": "weekly"},
            {**at(LATER), "zone_certain": False},
            {**at(LATER), "state": AppointmentState.TENTATIVE},
            {**at(LATER), "patient": a_record(phones=(), emails=())},
        ],
    )
    def test_what_may_be_somebody_or_something_else_is_not_taken(self, desk: Desk, row: dict[str, Any]) -> None:
        request = desk.ask()
        desk.cancel_as_moved(request)
        desk.enter(**row)
        desk.minutes(5)
        assert desk.answered_by(request) is None
        assert desk.told(request) == [CANCELLED]

    def test_what_was_there_before_the_request_is_not_taken(self, desk: Desk) -> None:
        desk.enter(**at(LATER))
        desk.minutes()
        request = desk.ask()
        desk.cancel_as_moved(request)
        desk.minutes(5)
        assert desk.told(request) == [CANCELLED]

    def test_of_two_none_is_taken(self, desk: Desk) -> None:
        request = desk.ask()
        desk.cancel_as_moved(request)
        desk.enter("appt-1", **at(LATER))
        desk.enter("appt-2", **at(MUCH_LATER))
        desk.minutes(5)
        assert desk.answered_by(request) is None
        assert desk.told(request) == [CANCELLED]

    def test_one_that_stood_there_is_not_taken_before_a_pull_could_show_another(self, desk: Desk) -> None:
        request = desk.ask()
        desk.enter("follow-up", **at(LATER))
        desk.minutes()
        desk.cancel_as_moved(request)
        desk.tick(seconds=30)
        assert desk.answered_by(request) is None
        desk.enter("moved", **at(MUCH_LATER))
        desk.minutes(5)
        assert desk.answered_by(request) is None
        assert desk.told(request) == [CANCELLED]

    def test_one_that_stood_there_is_taken_all_the_same_where_nothing_is_read(self, desk: Desk) -> None:
        request = desk.ask(start=LATER)
        desk.enter(**at(MUCH_LATER))
        desk.minutes()
        desk.cancel_as_moved(request)
        desk.source.fault = Unavailable("503")
        desk.minutes(3 * 60)
        assert desk.answered_by(request) == "appt-1"
        assert desk.told(request) == [RESCHEDULED]

    def test_a_dismissed_visit_is_not_taken(self, desk: Desk) -> None:
        request = desk.ask()
        desk.enter(**at(LATER))
        desk.minutes()
        desk.dismiss(request)
        desk.cancel_as_moved(request)
        desk.minutes(5)
        assert desk.answered_by(request) is None
        assert desk.told(request) == [CANCELLED]

    def test_one_click_is_the_same(self, desk: Desk) -> None:
        request = desk.ask()
        desk.enter(**at(LATER))
        desk.minutes()
        desk.accept(request)
        desk.minutes(2)
        assert desk.answered_by(request) == "appt-1"
        assert desk.told(request) == [RESCHEDULED]

    def test_one_click_while_it_waits_is_one_message(self, desk: Desk) -> None:
        request = desk.ask()
        desk.cancel_as_moved(request)
        desk.enter(patient=a_record(phones=(), emails=()), **at(LATER))
        desk.pull()
        desk.accept(request)
        desk.minutes(5)
        assert desk.told(request) == [RESCHEDULED]

    def test_it_is_undone_with_a_correction(self, desk: Desk) -> None:
        request = desk.ask()
        desk.cancel_as_moved(request)
        desk.enter(**at(LATER))
        desk.minutes(5)
        assert desk.undo(request).state is RequestState.CANCELLED
        desk.minutes(5)
        assert desk.told(request) == [RESCHEDULED, CORRECTION]
        assert desk.answered_by(request) is None


class TestAnotherTime:
    def test_it_is_told_once_it_has_stood_for_two_minutes(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(**at(LATER))
        desk.pull()
        desk.tick(seconds=119)
        assert desk.told(request) == [CONFIRMED]
        desk.tick(seconds=1)
        assert desk.told(request) == [CONFIRMED, RESCHEDULED]
        assert desk.happened(request)[-1] is Happening.MOVED

    def test_however_often_it_moves_it_is_told_once_from_the_time_that_was_known(self, desk: Desk) -> None:
        request = desk.confirmed()
        for days in (1, 2, 3):
            desk.change(**at(START + timedelta(days=days)))
            desk.minutes()
        desk.minutes(4)
        assert desk.told(request) == [CONFIRMED, RESCHEDULED]
        assert "24" in desk.last_mail()
        assert "27" in desk.last_mail()

    def test_what_moves_back_is_not_told(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(**at(LATER))
        desk.minutes()
        desk.change(**at(START))
        desk.minutes(5)
        assert desk.told(request) == [CONFIRMED]
        assert desk.places() == []

    def test_a_move_after_a_move_was_told_is_told_too(self, desk: Desk) -> None:
        request = desk.confirmed()
        for start in (LATER, START):
            desk.change(**at(start))
            desk.minutes(5)
        assert desk.told(request) == [CONFIRMED, RESCHEDULED, RESCHEDULED]

    def test_another_length_or_provider_is_no_other_time(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(end=START + timedelta(minutes=45))
        desk.minutes(4)
        assert desk.stored(request).link
        assert desk.told(request) == [CONFIRMED]

    def test_what_moves_into_the_past_is_not_told(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(**at(desk.clock.at - timedelta(hours=1)))
        desk.minutes(5)
        assert desk.told(request) == [CONFIRMED]

    def test_what_begins_before_it_has_settled_is_not_told(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(**at(desk.clock.at + timedelta(minutes=2)))
        desk.minutes(5)
        assert desk.told(request) == [CONFIRMED]

    def test_what_was_never_told_is_not_taken_for_known(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(**at(desk.clock.at + timedelta(minutes=2)))
        desk.minutes(5)
        desk.change(**at(START))
        desk.minutes(5)
        assert desk.told(request) == [CONFIRMED]

    def test_with_the_switch_off_it_moves_silently(self) -> None:
        desk = Desk(a_practice(switches=Switches(rescheduled=False)))
        request = desk.confirmed()
        desk.change(**at(LATER))
        desk.minutes(5)
        assert desk.stored(request).start == LATER
        assert desk.told(request) == [CONFIRMED]

    def test_without_an_address_it_moves_silently(self, desk: Desk) -> None:
        request = desk.ask(email=None)
        desk.enter()
        desk.minutes()
        desk.change(**at(LATER))
        desk.minutes(5)
        assert desk.stored(request).start == LATER
        assert desk.told(request) == []

    def test_what_is_cancelled_while_it_settles_is_told_as_cancelled(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(**at(LATER))
        desk.minutes()
        desk.call_off()
        desk.minutes(5)
        assert desk.told(request) == [CONFIRMED, CANCELLED]

    def test_what_is_moved_undone_while_it_settles_is_corrected(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(**at(LATER))
        desk.minutes()
        desk.undo(request)
        desk.minutes(5)
        assert desk.told(request) == [CONFIRMED, CORRECTION]


class TestCancelledInTheSource:
    def test_it_is_told_after_one_more_good_pull(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.pull()
        desk.tick(seconds=1)
        assert desk.stored(request).shown_state == "cancelled"
        assert desk.told(request) == [CONFIRMED]
        desk.minutes(2)
        assert desk.told(request) == [CONFIRMED, CANCELLED]

    def test_failed_pulls_do_not_count(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.pull()
        desk.source.fault = Unavailable("503")
        desk.minutes(30)
        assert desk.told(request) == [CONFIRMED]

    def test_the_pull_is_one_of_the_provider_that_the_visit_is_with(self, desk: Desk) -> None:
        request = desk.confirmed(provider_external_id="prac-brandt")
        desk.call_off()
        desk.pull("brandt")
        desk.tick()
        for _ in range(3):
            desk.pull("osei")
            desk.tick()
        assert desk.told(request) == [CONFIRMED]
        desk.pull("brandt")
        desk.tick()
        assert desk.told(request) == [CONFIRMED, CANCELLED]

    def test_gone_when_read_by_id_is_told_too(self, desk: Desk) -> None:
        desk.enter("stays", patient=None)
        request = desk.confirmed()
        desk.source.delete("appt-1")
        desk.minutes(5)
        assert desk.told(request) == [CONFIRMED, CANCELLED]

    def test_vanished_is_not_cancelled(self, desk: Desk) -> None:
        desk.source.read_by_id = False
        desk.enter("stays", patient=None)
        request = desk.confirmed()
        desk.source.delete("appt-1")
        desk.minutes(30)
        assert desk.stored(request).to_act
        assert desk.told(request) == [CONFIRMED]

    @pytest.mark.parametrize("state", [AppointmentState.TENTATIVE, AppointmentState.UNKNOWN])
    def test_what_is_neither_booked_nor_cancelled_any_more_waits(self, desk: Desk, state: AppointmentState) -> None:
        request = desk.confirmed()
        desk.change(state=state, raw_state="?", **at(LATER))
        desk.minutes(5)
        assert (desk.stored(request).shown_state, desk.stored(request).start) == ("booked", START)
        assert desk.told(request) == [CONFIRMED]
        desk.book_again()
        desk.minutes(5)
        assert (desk.stored(request).shown_state, desk.stored(request).start) == ("booked", LATER)
        assert desk.told(request) == [CONFIRMED, RESCHEDULED]

    @pytest.mark.parametrize("state", [AppointmentState.TENTATIVE, AppointmentState.UNKNOWN])
    def test_what_waits_so_can_vanish_and_come_back(self, desk: Desk, state: AppointmentState) -> None:
        desk.source.read_by_id = False
        desk.enter("stays", patient=None)
        request = desk.confirmed()
        desk.change(state=state, raw_state="?")
        desk.minutes()
        desk.source.hidden = {"appt-1"}
        desk.minutes(3)
        assert desk.stored(request).vanished_at
        desk.source.hidden = set()
        desk.minutes()
        found = desk.stored(request)
        assert (found.vanished_at, found.to_act, found.shown_state) == (None, False, "booked")
        assert desk.told(request) == [CONFIRMED]

    def test_vanished_is_told_if_staff_say_so_but_not_once_it_is_past(self, desk: Desk) -> None:
        desk.source.read_by_id = False
        desk.enter("stays", patient=None)
        request = desk.confirmed()
        desk.source.delete("appt-1")
        desk.minutes(3)
        desk.clock.at = START + timedelta(minutes=1)
        desk.answer_vanished("harbor", NADIA, request.id, is_cancelled=True)
        desk.minutes(3)
        assert desk.stored(request).shown_state == "cancelled"
        assert desk.told(request) == [CONFIRMED]

    def test_with_the_switch_off_it_is_silent(self) -> None:
        desk = Desk(a_practice(switches=Switches(cancelled=False)))
        request = desk.confirmed()
        desk.call_off()
        desk.minutes(5)
        assert desk.stored(request).shown_state == "cancelled"
        assert desk.told(request) == [CONFIRMED]

    def test_a_visit_that_is_over_is_cancelled_silently(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.clock.at = START + timedelta(minutes=1)
        desk.call_off()
        desk.minutes(5)
        assert desk.told(request) == [CONFIRMED]

    def test_a_visit_that_begins_while_it_waits_is_cancelled_silently(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.clock.at = START - timedelta(minutes=3)
        desk.call_off()
        desk.pull()
        desk.source.fault = Unavailable("503")
        desk.minutes(3 * 60)
        assert desk.told(request) == [CONFIRMED]

    def test_booked_again_before_it_was_told_nothing_is(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.pull()
        desk.book_again()
        desk.minutes(5)
        assert desk.stored(request).shown_state == "booked"
        assert desk.told(request) == [CONFIRMED]

    def test_booked_again_after_it_was_told_it_is_confirmed_anew(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.minutes(5)
        desk.book_again()
        desk.minutes(5)
        assert desk.told(request) == [CONFIRMED, CANCELLED, CONFIRMED]

    def test_booked_again_where_it_could_not_be_told_there_is_no_news(self) -> None:
        desk = Desk(a_practice(switches=Switches(cancelled=False)))
        request = desk.confirmed()
        desk.call_off()
        desk.minutes(5)
        desk.book_again()
        desk.minutes(5)
        assert desk.told(request) == [CONFIRMED]

    def test_booked_again_at_another_time_before_it_was_told_is_a_move(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.pull()
        desk.book_again(**at(LATER))
        desk.minutes(5)
        assert desk.told(request) == [CONFIRMED, RESCHEDULED]

    def test_booked_again_at_another_time_after_it_was_told_is_confirmed(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.minutes(5)
        desk.book_again(**at(LATER))
        desk.minutes(5)
        assert desk.told(request) == [CONFIRMED, CANCELLED, CONFIRMED]
        assert "25" in desk.last_mail()

    def test_cancelled_again_it_is_told_again(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.minutes(5)
        desk.book_again()
        desk.minutes(5)
        desk.call_off()
        desk.minutes(5)
        assert desk.told(request) == [CONFIRMED, CANCELLED, CONFIRMED, CANCELLED]

    def test_undone_while_it_waits_is_a_correction_and_no_cancellation(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.pull()
        desk.undo(request)
        desk.minutes(5)
        assert desk.stored(request).pending
        assert desk.told(request) == [CONFIRMED, CORRECTION]


class TestEnteredAnew:
    def test_by_the_same_patient_with_the_same_provider_is_a_move(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.enter("appt-2", **at(LATER))
        desk.minutes(6)
        assert desk.answered_by(request) == "appt-2"
        assert desk.told(request) == [CONFIRMED, RESCHEDULED]
        assert desk.visit("appt-1").request_id is None
        assert desk.happened(request)[-1] is Happening.RESCHEDULED
        assert desk.places() == []

    def test_also_a_pull_later(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.pull()
        desk.enter("appt-2", **at(LATER))
        desk.minutes(6)
        assert desk.told(request) == [CONFIRMED, RESCHEDULED]

    def test_also_a_little_before(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.enter("appt-2", **at(LATER))
        desk.minutes(5)
        desk.call_off()
        desk.minutes(6)
        assert desk.answered_by(request) == "appt-2"
        assert desk.told(request) == [CONFIRMED, RESCHEDULED]

    def test_what_stood_there_is_not_taken_before_a_pull_could_show_another(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.enter("follow-up", **at(LATER))
        desk.minutes()
        desk.call_off()
        desk.pull()
        desk.tick()
        assert desk.answered_by(request) == "appt-1"
        desk.enter("anew", **at(MUCH_LATER))
        desk.minutes(6)
        assert desk.answered_by(request) == "appt-1"
        assert desk.told(request) == [CONFIRMED, CANCELLED]

    def test_nor_where_nothing_is_read_any_more(self, desk: Desk) -> None:
        request = desk.ask(start=LATER)
        desk.enter(**at(LATER))
        desk.minutes()
        desk.enter("follow-up", **at(MUCH_LATER))
        desk.minutes()
        desk.call_off()
        desk.pull()
        desk.source.fault = Unavailable("503")
        desk.minutes(3 * 60)
        assert desk.answered_by(request) == "appt-1"
        assert desk.told(request) == [CONFIRMED, CANCELLED]

    def test_what_says_itself_that_it_replaces_the_old_one_is_taken_at_once(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.enter("appt-2", **at(LATER), replaces="appt-1")
        desk.minutes()
        desk.call_off()
        desk.pull()
        desk.tick()
        assert desk.answered_by(request) == "appt-2"

    def test_also_where_the_old_one_is_gone(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.source.delete("appt-1")
        desk.enter("appt-2", **at(LATER))
        desk.minutes(6)
        assert desk.answered_by(request) == "appt-2"
        assert desk.told(request) == [CONFIRMED, RESCHEDULED]

    def test_at_the_same_time_there_is_nothing_to_tell(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.enter("appt-2")
        desk.minutes(6)
        assert desk.answered_by(request) == "appt-2"
        assert desk.told(request) == [CONFIRMED]

    def test_of_two_none_is_taken(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.enter("appt-2", **at(LATER))
        desk.enter("appt-3", **at(MUCH_LATER))
        desk.minutes(6)
        assert desk.answered_by(request) == "appt-1"
        assert desk.told(request) == [CONFIRMED, CANCELLED]

    @pytest.mark.parametrize("pointer", ["replaces", "replaced_by"])
    def test_a_pointer_says_which_of_two(self, desk: Desk, pointer: str) -> None:
        request = desk.confirmed()
        desk.call_off(**({"replaced_by": "appt-3"} if pointer == "replaced_by" else {}))
        desk.enter("appt-2", **at(LATER))
        desk.enter("appt-3", **at(MUCH_LATER), **({"replaces": "appt-1"} if pointer == "replaces" else {}))
        desk.minutes(6)
        assert desk.answered_by(request) == "appt-3"
        assert desk.told(request) == [CONFIRMED, RESCHEDULED]

    def test_a_pointer_leads_to_another_provider_too(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.enter("appt-2", **at(LATER), provider_external_id="prac-brandt", replaces="appt-1")
        desk.minutes(6)
        assert desk.answered_by(request) == "appt-2"
        assert desk.told(request) == [CONFIRMED, RESCHEDULED]

    @pytest.mark.parametrize("pointer", ["replaces", "replaced_by"])
    @pytest.mark.parametrize(
        ("was", "row"),
        [
            ({}, {"patient": a_record(birth_date=date(1984, 3, 13))}),
            ({}, {"patient": BARE}),
            ({"patient": a_record(birth_date=None)}, {"patient": a_record(birth_date=None)}),
            ({}, at(START + timedelta(days=35))),
        ],
        ids=["corrected", "bare", "no birth date", "far"],
    )
    def test_a_pointer_is_followed_whatever_else_is_known(
        self, desk: Desk, was: dict[str, Any], row: dict[str, Any], pointer: str
    ) -> None:
        request = desk.ask()
        desk.enter(**was)
        desk.minutes()
        if was:
            desk.accept(request)
        desk.minutes(3)
        desk.call_off(**({"replaced_by": "appt-2"} if pointer == "replaced_by" else {}))
        desk.enter("appt-2", **at(LATER) | row, **({"replaces": "appt-1"} if pointer == "replaces" else {}))
        desk.minutes(6)
        assert desk.answered_by(request) == "appt-2"
        assert desk.told(request) == [CONFIRMED, RESCHEDULED]

    def test_whose_visit_it_was_is_still_known_of_one_that_cannot_be_looked_up(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.enter("appt-2", **at(LATER), patient=BARE, replaces="appt-1")
        desk.minutes(6)
        jo = a_record(names=(PersonName(("Jo",), "Reed"),), birth_date=date(1950, 1, 1))
        desk.change("appt-2", patient=jo)
        desk.minutes()
        assert desk.stored(request).suspended_at

    def test_a_pointer_to_another_patients_visit_is_not_followed(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.enter("appt-2", **at(LATER), patient=ANOTHER, replaces="appt-1")
        desk.minutes(6)
        assert desk.answered_by(request) == "appt-1"
        assert desk.told(request) == [CONFIRMED, CANCELLED]

    @pytest.mark.parametrize("pointer", ["replaces", "replaced_by"])
    @pytest.mark.parametrize("why", ["tentative", "answers another", "dismissed", "another patient's"])
    def test_where_the_source_names_a_visit_that_cannot_be_tied_no_other_is(
        self, desk: Desk, why: str, pointer: str
    ) -> None:
        request = desk.confirmed()
        row: dict[str, Any] = {"replaces": "appt-1"} if pointer == "replaces" else {}
        if why == "tentative":
            row |= {"state": AppointmentState.TENTATIVE, "raw_state": "proposed"}
        if why == "answers another":
            desk.ask(1, start=LATER)
        if why == "another patient's":
            row["patient"] = ANOTHER
        desk.enter("appt-2", **at(LATER) | row)
        desk.minutes()
        if why == "dismissed":
            desk.dismiss(request, "appt-2")
        desk.call_off(**({"replaced_by": "appt-2"} if pointer == "replaced_by" else {}))
        desk.enter("follow-up", **at(MUCH_LATER))
        desk.minutes(6)
        assert desk.answered_by(request) == "appt-1"
        assert desk.told(request) == [CONFIRMED, CANCELLED]
        suggested = desk.explain_request(desk.practice, desk.stored(request)).suggestions
        assert "follow-up" in [one.visit.row.external_id for one in suggested]

    def test_a_visit_that_the_source_names_is_waited_for_until_its_feed_is_read(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off(replaced_by="appt-2")
        desk.enter("appt-2", **at(LATER), provider_external_id="prac-brandt")
        desk.enter("follow-up", **at(MUCH_LATER))
        for _ in range(5):
            desk.clock.advance(minutes=1)
            desk.pull("osei")
            desk.tick()
        assert desk.answered_by(request) == "appt-1"
        assert desk.told(request) == [CONFIRMED]
        desk.pull("brandt")
        desk.tick(minutes=3)
        assert desk.answered_by(request) == "appt-2"
        assert desk.told(request) == [CONFIRMED, RESCHEDULED]

    def test_a_visit_that_the_source_names_and_no_feed_shows_is_waited_for_no_longer(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off(replaced_by="elsewhere")
        desk.minutes(3)
        assert desk.told(request) == [CONFIRMED, CANCELLED]

    def test_nor_where_its_feed_is_not_read_for_two_hours(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off(replaced_by="elsewhere")
        for minutes in (0, 28, 28, 28, 28):
            desk.clock.advance(minutes=minutes)
            desk.pull("osei")
            desk.tick()
        assert desk.told(request) == [CONFIRMED]
        desk.tick(minutes=5)
        assert desk.told(request) == [CONFIRMED, CANCELLED]

    def test_the_same_patients_one_visit_is_a_move_however_far(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.enter("appt-2", **at(START + timedelta(days=35)))
        desk.minutes(6)
        assert desk.answered_by(request) == "appt-2"
        assert desk.told(request) == [CONFIRMED, RESCHEDULED]

    def test_the_same_patients_one_visit_is_a_move_where_the_source_knows_no_birth_dates(self, desk: Desk) -> None:
        request, nameless = desk.ask(), a_record(birth_date=None)
        desk.enter(patient=nameless)
        desk.minutes()
        desk.accept(request)
        desk.minutes(3)
        desk.call_off()
        desk.enter("appt-2", **at(LATER), patient=nameless)
        desk.minutes(6)
        assert desk.answered_by(request) == "appt-2"
        assert desk.told(request) == [CONFIRMED, RESCHEDULED]

    @pytest.mark.parametrize(
        "row",
        [
            {"patient": ANOTHER},
            {"patient": a_record(source_id=None)},
            {"provider_external_id": "prac-brandt"},
            {"state": AppointmentState.TENTATIVE},
        ],
    )
    def test_anything_less_sure_is_a_cancellation(self, desk: Desk, row: dict[str, Any]) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.enter("appt-2", **at(LATER), **row)
        desk.minutes(6)
        assert desk.answered_by(request) == "appt-1"
        assert desk.told(request) == [CONFIRMED, CANCELLED]

    def test_what_was_there_long_before_is_another_visit(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.enter("appt-2", **at(LATER))
        desk.minutes(30)
        desk.call_off()
        desk.minutes(6)
        assert desk.answered_by(request) == "appt-1"
        assert desk.told(request) == [CONFIRMED, CANCELLED]

    def test_what_staff_dismissed_is_not_taken(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.enter("appt-2", **at(LATER))
        desk.minutes()
        desk.dismiss(request, "appt-2")
        desk.call_off()
        desk.minutes(6)
        assert desk.answered_by(request) == "appt-1"
        assert desk.told(request) == [CONFIRMED, CANCELLED]

    def test_what_answers_somebody_else_is_not_taken(self, desk: Desk) -> None:
        request = desk.confirmed()
        other = desk.ask(1, start=LATER)
        desk.call_off()
        desk.enter("appt-2", **at(LATER))
        desk.minutes(6)
        assert desk.answered_by(other) == "appt-2"
        assert desk.told(other) == [CONFIRMED]
        assert desk.told(request) == [CONFIRMED, CANCELLED]

    def test_the_one_that_moved_and_was_entered_anew_is_told_from_the_time_that_was_known(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(**at(LATER))
        desk.pull()
        desk.call_off()
        desk.enter("appt-2", **at(MUCH_LATER))
        desk.minutes(6)
        assert desk.told(request) == [CONFIRMED, RESCHEDULED]
        assert "24" in desk.last_mail()

    def test_entered_anew_at_the_time_that_was_known_there_is_nothing_to_tell(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(**at(LATER))
        desk.pull()
        desk.call_off()
        desk.enter("appt-2")
        desk.minutes(6)
        assert desk.answered_by(request) == "appt-2"
        assert desk.told(request) == [CONFIRMED]

    def test_while_a_wish_to_cancel_is_open_it_is_gone(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.cancel_by_patient("harbor", desk.links.of(request))
        desk.call_off()
        desk.minutes(5)
        found = desk.stored(request)
        assert (found.asked_to_cancel_at, found.to_act) == (None, False)


ELSEWHERE: dict[str, Any] = at(LATER) | {"provider_external_id": "prac-brandt"}
"""Perhaps the visit that was called off: the same patient's, at another time, with another provider."""


class TestLessSure:
    """What may be the cancelled visit, entered anew, is a possible match: staff are asked (product section 3)."""

    @staticmethod
    def asked(desk: Desk, request: Request) -> list[str]:
        """The visits about which staff are asked: on the details page, and in Action required."""
        found = desk.show_request("harbor", NADIA, request.id).explained.suggestions
        assert desk.stored(request).to_act == bool(found)
        assert (request.id in desk.list_to_act("harbor", NADIA).matched) == bool(found)
        return sorted(one.visit.row.external_id for one in found)

    @staticmethod
    def vanished(desk: Desk) -> Request:
        """A confirmed request whose visit is no longer in the schedule, beside what may be that one."""
        desk.source.read_by_id = False
        desk.enter("stays", patient=None)
        request = desk.confirmed()
        desk.source.delete("appt-1")
        desk.enter("appt-2", **at(LATER))
        desk.minutes(4)
        assert desk.stored(request).vanished_at
        return request

    def test_with_another_provider_staff_are_asked(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.enter("appt-2", **ELSEWHERE)
        desk.minutes(3)
        assert self.asked(desk, request) == ["appt-2"]
        assert desk.told(request) == [CONFIRMED, CANCELLED]
        desk.accept(request, "appt-2")
        assert not desk.stored(request).to_act
        desk.tick(seconds=59)
        assert desk.told(request) == [CONFIRMED, CANCELLED]
        desk.tick(seconds=2)
        assert desk.told(request) == [CONFIRMED, CANCELLED, CONFIRMED]
        assert "25" in desk.last_mail()
        assert desk.answered_by(request) == "appt-2"
        assert desk.happened(request)[-1] is Happening.ACCEPTED
        assert desk.places() == []

    def test_of_two_staff_say_which(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.enter("appt-2", **at(LATER))
        desk.enter("appt-3", **at(MUCH_LATER))
        desk.minutes(3)
        assert self.asked(desk, request) == ["appt-2", "appt-3"]
        desk.accept(request, "appt-3")
        desk.minutes(2)
        assert desk.answered_by(request) == "appt-3"
        assert self.asked(desk, request) == []

    def test_accepted_before_the_cancellation_is_told_it_is_a_move(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.enter("appt-2", **ELSEWHERE)
        desk.call_off()
        desk.pull("osei")
        desk.pull("brandt")
        assert desk.stored(request).awaited
        desk.accept(request, "appt-2")
        desk.minutes(3)
        assert desk.told(request) == [CONFIRMED, RESCHEDULED]
        assert "24" in desk.last_mail()

    def test_what_is_tentative_first_is_asked_about_once_it_is_booked(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.enter("appt-2", **at(LATER), state=AppointmentState.TENTATIVE, raw_state="proposed")
        desk.minutes(90)
        assert self.asked(desk, request) == []
        desk.book_again("appt-2")
        desk.minutes(2)
        assert self.asked(desk, request) == ["appt-2"]

    def test_what_is_entered_later_is_asked_about(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.minutes(90)
        assert self.asked(desk, request) == []
        desk.enter("appt-2", **at(LATER), replaces="appt-1")
        desk.minutes(2)
        assert self.asked(desk, request) == ["appt-2"]

    def test_what_is_dismissed_is_asked_about_no_more_until_that_is_taken_back(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.enter("appt-2", **ELSEWHERE)
        desk.minutes(3)
        desk.dismiss(request, "appt-2")
        desk.minutes()
        assert self.asked(desk, request) == []
        desk.perhaps(request, "appt-2")
        desk.minutes()
        assert self.asked(desk, request) == ["appt-2"]

    def test_what_is_cancelled_too_or_over_is_asked_about_no_more(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.enter("appt-2", **ELSEWHERE)
        desk.enter("appt-3", **at(LATER))
        desk.enter("appt-4", **at(LATER))
        desk.minutes(3)
        for name in ("appt-2", "appt-3", "appt-4"):
            assert desk.stored(request).to_act
            desk.call_off(name)
            desk.minutes(61)
        assert self.asked(desk, request) == []

    def test_of_what_was_there_when_it_was_asked_for_nobody_is_asked(self, desk: Desk) -> None:
        desk.enter("before", **ELSEWHERE)
        desk.minutes()
        request = desk.confirmed()
        desk.call_off()
        desk.minutes(3)
        assert self.asked(desk, request) == []

    @pytest.mark.parametrize("born", [None, date(1984, 3, 13)], ids=["no birth date", "one digit off"])
    @pytest.mark.parametrize("gone", [False, True], ids=["cancelled", "vanished"])
    def test_of_one_entered_a_sync_before_that_is_known_by_name_and_contacts(
        self, desk: Desk, born: date | None, gone: bool
    ) -> None:
        desk.source.read_by_id = not gone
        desk.enter("stays", patient=None)
        request = desk.ask()
        desk.enter(patient=a_record(birth_date=born))
        desk.minutes(2)
        desk.accept(request)
        desk.minutes(3)
        desk.enter("appt-2", **ELSEWHERE, patient=a_record(birth_date=born, source_id="pat-9"))
        desk.minutes()
        if gone:
            desk.source.delete("appt-1")
        else:
            desk.call_off()
        desk.minutes(5)
        assert self.asked(desk, request) == ["appt-2"]

    def test_booked_again_nothing_is_asked(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.enter("appt-2", **ELSEWHERE)
        desk.minutes(3)
        desk.book_again()
        desk.minutes(3)
        assert self.asked(desk, request) == []
        with pytest.raises(RequestAlreadyAnswered):
            desk.accept(request, "appt-2")

    def test_what_is_no_longer_in_the_schedule_may_have_been_entered_anew(self, desk: Desk) -> None:
        request = self.vanished(desk)
        assert self.asked(desk, request) == ["appt-2"]
        desk.accept(request, "appt-2")
        desk.minutes(3)
        assert (desk.stored(request).vanished_at, desk.answered_by(request)) == (None, "appt-2")
        assert desk.told(request) == [CONFIRMED, RESCHEDULED]

    def test_undone_it_is_the_visit_that_was_called_off_again(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.enter("appt-2", **ELSEWHERE)
        desk.minutes(3)
        before = desk.stored(request)
        assert before.link
        desk.accept(request, "appt-2")
        desk.undo(request)
        assert desk.timeline(request)[-1].detail == "given_back"
        desk.minutes(3)
        assert desk.answered_by(request) == "appt-1"
        assert desk.stored(request).link == replace(before.link, knew=before.link.knows)
        assert desk.stored(request).shown_state == AppointmentState.CANCELLED
        assert desk.told(request) == [CONFIRMED, CANCELLED]
        assert self.asked(desk, request) == []
        assert desk.places() == []
        desk.perhaps(request, "appt-2")
        desk.minutes()
        assert self.asked(desk, request) == ["appt-2"]

    def test_undone_before_the_cancellation_was_told_that_is_told_after_all(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.enter("appt-2", **ELSEWHERE)
        desk.call_off()
        desk.pull("osei")
        desk.pull("brandt")
        desk.accept(request, "appt-2")
        desk.undo(request)
        assert desk.stored(request).awaited
        desk.minutes(3)
        assert desk.answered_by(request) == "appt-1"
        assert desk.told(request) == [CONFIRMED, CANCELLED]

    def test_undone_what_is_no_longer_in_the_schedule_is_asked_about_again_and_nothing_is_told(
        self, desk: Desk
    ) -> None:
        request = self.vanished(desk)
        desk.accept(request, "appt-2")
        desk.undo(request)
        desk.minutes(3)
        assert desk.answered_by(request) == "appt-1"
        assert desk.stored(request).vanished_at
        assert desk.told(request) == [CONFIRMED]

    @pytest.mark.parametrize("stands", ["shown again", "staff say so"])
    def test_undone_once_it_was_told_what_had_vanished_is_confirmed_if_it_stands(self, desk: Desk, stands: str) -> None:
        request = self.vanished(desk)
        desk.accept(request, "appt-2")
        desk.minutes(3)
        desk.undo(request)
        desk.minutes(3)
        assert desk.told(request) == [CONFIRMED, RESCHEDULED, CORRECTION]
        assert "25" in desk.last_mail()
        if stands == "shown again":
            desk.enter()
        else:
            desk.answer_vanished("harbor", NADIA, request.id, is_cancelled=False)
        desk.minutes(3)
        assert desk.told(request) == [CONFIRMED, RESCHEDULED, CORRECTION, CONFIRMED]
        assert not desk.stored(request).to_act

    @pytest.mark.parametrize("told", [False, True])
    def test_undone_after_the_one_before_was_booked_again_that_one_stands(self, desk: Desk, told: bool) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.enter("appt-2", **ELSEWHERE)
        desk.minutes(3)
        desk.accept(request, "appt-2")
        desk.book_again()
        if told:
            desk.minutes(3)
        else:
            desk.pull("osei")
        desk.undo(request)
        desk.minutes(3)
        assert desk.answered_by(request) == "appt-1"
        assert desk.told(request) == [CONFIRMED, CANCELLED, *([CONFIRMED, RESCHEDULED] if told else [CONFIRMED])]
        assert "24" in desk.last_mail()

    @pytest.mark.parametrize("why", ["answers another", "another patient's", "not kept any more"])
    def test_undone_where_the_one_before_is_not_theirs_any_more_it_waits_and_hears_so(
        self, desk: Desk, why: str
    ) -> None:
        request = self.vanished(desk)
        desk.accept(request, "appt-2")
        if why == "another patient's":
            desk.enter(patient=replace(ANOTHER, names=(PersonName(("Jo",), "Reed"),)))
        elif why == "answers another":
            desk.ask(1, start=MUCH_LATER)
            desk.enter(**at(MUCH_LATER))
        else:
            kept = desk.store.appointments_by_key
            del kept[next(key for key, one in kept.items() if one.row.external_id == "appt-1")]
        desk.pull("osei")
        desk.undo(request)
        desk.minutes(3)
        assert desk.stored(request).pending
        assert desk.told(request) == [CONFIRMED, CORRECTION]

    def test_each_undo_takes_back_one_step(self, desk: Desk) -> None:
        request = desk.confirmed()
        for old, new in (("appt-1", "appt-2"), ("appt-2", "appt-3")):
            desk.call_off(old)
            desk.enter(new, **ELSEWHERE)
            desk.enter(f"{new}-too", **ELSEWHERE)
            desk.minutes(3)
            desk.accept(request, new)
            desk.minutes(3)
        found = []
        while desk.stored(request).link:
            found.append(desk.answered_by(request))
            desk.undo(request)
        assert found == ["appt-3", "appt-2", "appt-1"]
        assert desk.stored(request).pending

    def test_undone_what_the_schedule_moved_by_itself_is_the_visit_before_it_again(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.enter("appt-2", **at(LATER))
        desk.minutes(6)
        assert desk.told(request) == [CONFIRMED, RESCHEDULED]
        desk.undo(request)
        desk.minutes(3)
        assert desk.answered_by(request) == "appt-1"
        assert desk.told(request) == [CONFIRMED, RESCHEDULED, CORRECTION]
        assert "State: Cancelled" in desk.last_mail()

    def test_undone_after_it_was_called_off_too_nothing_is_told_of_it(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.enter("appt-2", **ELSEWHERE)
        desk.minutes(3)
        desk.accept(request, "appt-2")
        desk.call_off("appt-2")
        desk.pull("brandt")
        desk.undo(request)
        desk.minutes(3)
        assert desk.told(request) == [CONFIRMED, CANCELLED]

    def test_undone_once_it_was_told_it_is_corrected(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.enter("appt-2", **ELSEWHERE)
        desk.minutes(3)
        desk.accept(request, "appt-2")
        desk.minutes(3)
        desk.undo(request)
        desk.minutes(3)
        assert desk.told(request) == [CONFIRMED, CANCELLED, CONFIRMED, CORRECTION]

    def test_of_a_suspended_link_nothing_can_be_accepted(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(patient=ANOTHER)
        desk.call_off()
        desk.enter("appt-2", **ELSEWHERE)
        desk.minutes(3)
        assert desk.stored(request).suspended_at
        with pytest.raises(RequestAlreadyAnswered):
            desk.accept(request, "appt-2")


def test_a_visit_that_answers_a_request_of_whom_is_read_no_more_answers_no_other(desk: Desk) -> None:
    request = desk.ask(provider="brandt")
    desk.enter(provider_external_id="prac-brandt")
    desk.minutes()
    assert desk.answered_by(request) == "appt-1"
    desk.reads_no_more("brandt")
    other = desk.ask(1, start=LATER)
    desk.change(**at(LATER), provider_external_id="prac-osei")
    desk.clock.advance(minutes=1)
    desk.pull("osei")
    desk.tick()
    assert desk.answered_by(request) == "appt-1"
    assert desk.stored(other).pending
    with pytest.raises(RequestAlreadyAnswered):
        osei = next(one for one in desk.store.appointments_by_key.values() if one.provider_id == "osei")
        desk.accept_match("harbor", NADIA, other.id, "osei", osei.id)


def test_walk_ins_that_move_and_are_cancelled_tell_nobody(desk: Desk) -> None:
    """Also those who have the contacts of somebody who asks."""
    request = desk.ask()
    desk.enter("walk-in", patient=ANOTHER, **at(LATER))
    desk.enter("hers", patient=a_record(phones=(), emails=()), **at(LATER))
    desk.minutes(2)
    for external_id in ("walk-in", "hers"):
        desk.change(external_id, **at(MUCH_LATER))
    desk.minutes(5)
    for external_id in ("walk-in", "hers"):
        desk.call_off(external_id)
    desk.minutes(5)
    desk.source.rows.clear()
    desk.minutes(5)
    assert desk.told(request) == []
    assert {tags["request"] for *_, tags in desk.mailer.sent} == {request.id}


def _mistyped(desk: Desk) -> Request:
    request = desk.ask()
    desk.enter(patient=a_record(phones=(), emails=()), **at(LATER))
    desk.minutes()
    return request


def _accepted(desk: Desk) -> Request:
    request = _mistyped(desk)
    desk.accept(request)
    return request


def _suspended(desk: Desk) -> Request:
    request = desk.confirmed()
    desk.change(patient=ANOTHER)
    desk.minutes()
    desk.change(**at(LATER))
    desk.pull()
    return request


def _moving(desk: Desk) -> Request:
    request = desk.ask()
    desk.enter(**at(LATER))
    desk.minutes()
    desk.cancel_as_moved(request)
    _pull_unfollowed(desk)
    return request


def _pull_unfollowed(desk: Desk) -> None:
    """A pull that was waited for, whose worker is cut before anything follows from it."""
    desk.run_timers()
    whole = desk.sync_feed
    desk.sync_feed = replace(whole, follow_pull=lambda _: [])  # type: ignore[arg-type]
    desk.pull()
    desk.sync_feed = whole


def _entered_anew(desk: Desk) -> Request:
    request = desk.confirmed()
    desk.call_off()
    desk.enter("appt-2", **at(LATER))
    desk.pull()
    _pull_unfollowed(desk)
    return request


def _wanted_by_two(desk: Desk) -> Request:
    request = desk.ask()
    desk.clock.advance(seconds=1)
    desk.ask(1)
    desk.enter()
    desk.minutes()
    return request


ACTS: dict[str, tuple[Callable[[Desk], Request], Callable[[Desk, Request], object]]] = {
    "accept": (_mistyped, lambda desk, request: desk.accept(request)),
    "undo": (_accepted, lambda desk, request: desk.undo(request)),
    "keep": (_suspended, lambda desk, request: desk.keep(request)),
    "dismiss": (_mistyped, lambda desk, request: desk.dismiss(request)),
    "cancel_as_moved": (_mistyped, lambda desk, request: desk.cancel_as_moved(request)),
    "follow_a_move": (_moving, lambda desk, request: desk.resolve_moves("harbor", request.id)),
    "follow_anew": (_entered_anew, lambda desk, request: desk.resolve_moves("harbor", request.id)),
}


class Cut:
    """A desk on a stage, on which an act dies at one of its calls of the store."""

    def __init__(self, act: str) -> None:
        clock = FakeClock(Desk().clock.at)
        self.stage = Stage(clock)
        store = WatchedStore()
        store.stage = self.stage
        self.desk = Desk(a_practice(a_provider(split=3), a_provider("brandt", split=3)), store, clock)
        before, self.act = ACTS[act]
        self.request = before(self.desk)

    def dies_at(self, step: int) -> list[str]:
        """Act, and die at this step (0: at none); the calls until then."""
        self.stage.steps.clear()
        self.stage.calls.clear()
        self.stage.deaths = {"MainThread": step}
        with suppress(Killed):
            self.act(self.desk, self.request)
        self.stage.deaths = {}
        return list(self.stage.calls["MainThread"])

    def goes_on(self) -> tuple[object, ...]:
        """Act again, if there is anything left to do, and let time pass; what comes of it."""
        with suppress(RequestAlreadyAnswered):
            self.act(self.desk, self.request)
        self.desk.minutes(5)
        requests = sorted(self.desk.store.requests_by_id)
        stored = [self.desk.store.requests_by_id[key] for key in requests]
        return (
            [(one.state, one.link and replace(one.link, told=""), one.due) for one in stored],
            [self.desk.answered_by(one) for one in stored],
            [self.desk.happened(one) for one in stored],
            [self.desk.told(one) for one in stored],
            self.desk.places(),
        )


@pytest.mark.parametrize("act", ACTS)
def test_wherever_it_is_cut_nothing_is_half_done(act: str) -> None:
    whole = Cut(act)
    calls = whole.dies_at(0)
    assert "commit" in calls
    wanted = whole.goes_on()
    for step in range(1, len(calls) + 1):
        cut = Cut(act)
        assert cut.dies_at(step) == calls[:step]
        for request in list(cut.desk.store.requests_by_id.values()):
            cut.desk.answered_by(request)
        assert cut.desk.places() == []
        assert cut.goes_on() == wanted


def test_an_undo_that_is_cut_before_the_visit_finds_another_request_leaves_it_to_staff() -> None:
    request = _wanted_by_two(whole := Desk(a_practice(a_provider(split=3), a_provider("brandt", split=3))))
    whole.confirm_matches = replace(whole.confirm_matches, ledger=_Dies(whole.store.ledger))  # type: ignore[arg-type]
    whole.undo_link = replace(whole.undo_link, confirm_matches=whole.confirm_matches)
    with pytest.raises(Killed):
        whole.undo(request)
    (other,) = (one for one in whole.store.requests_by_id.values() if one.id != request.id)
    assert (whole.answered_by(request), whole.answered_by(other)) == (None, None)
    assert whole.places() == []
    whole.accept(other)
    assert whole.answered_by(other) == "appt-1"


@dataclass
class _Dies:
    """A ledger that does not live to commit."""

    inner: object

    def commit(self, _: object) -> None:
        raise Killed


def test_an_act_that_nobody_repeats_leaves_what_it_found_or_what_it_does() -> None:
    """Kept, and cut before what happened meanwhile was told: there is nobody who would press the button again."""
    calls = Cut("keep").dies_at(0)
    for step in range(1, len(calls) + 1):
        cut = Cut("keep")
        cut.dies_at(step)
        found = cut.desk.stored(cut.request)
        assert found.suspended_at or found.start == LATER
