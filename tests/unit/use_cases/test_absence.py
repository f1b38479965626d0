"""What follows when a visit is no longer shown: nothing at once, and never a cancellation by absence alone."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from oneway.domain.appointments import Appointment, AppointmentState
from oneway.domain.errors import Forbidden, RequestAlreadyAnswered
from oneway.domain.events import PullFinished, SourceBroken, VisitGone, VisitMissing, VisitMoved
from oneway.domain.feeds import FeedState, VanishedAnswer
from oneway.domain.health import patience_minutes
from oneway.domain.requests import Happening
from oneway.domain.short_answers import is_habit
from oneway.domain.vanishing import Brake, Held, held
from oneway.faults import AuthRevoked, OutOfTime, RequestRefused, SchemaDrift, SourceError, Unavailable
from oneway.use_cases.await_pull import AwaitPull
from oneway.use_cases.pull import window_at
from oneway.use_cases.resolve_absence import MOST_LOOKED_UP
from oneway.use_cases.sync_feed import Outcome, SyncReport

from tests.builders import NOW, START, a_feed, a_row
from tests.world import World

FEED = "harbor", "ehr~osei"
NADIA = "nadia@harbor.example"


def confirmed(world: World) -> Any:
    """A request that a visit has confirmed, and another visit that stays, so that the source can be seen to answer."""
    submitted = world.submit()
    world.source.enter(
        a_row(), a_row("other", start=START + timedelta(hours=2), end=START + timedelta(hours=3), patient=None)
    )
    world.pull()
    assert world.stored(submitted.request).link
    world.deliver()
    return submitted.request


def the_visit(world: World, external_id: str = "appt-1") -> Appointment:
    return next(a for a in world.store.appointments_by_key.values() if a.row.external_id == external_id)


def pulls(world: World, times: int) -> list[SyncReport]:
    return [world.pull() for _ in range(times)]


def events(report: SyncReport, kind: type) -> list[Any]:
    return [event for event in report.events if isinstance(event, kind)]


REFUSALS = [RequestRefused("status 400"), AuthRevoked("status 403"), SchemaDrift("status 451")]


class TestOneThatTheSourceFailsOn:
    """It stops nothing but itself."""

    @pytest.mark.parametrize("told", [False, True])
    @pytest.mark.parametrize("fault", REFUSALS)
    def test_one_that_it_refuses_to_show_is_missing(self, world: World, fault: SourceError, told: bool) -> None:
        confirmed(world)
        world.source.delete("appt-1")
        world.source.faults["appt-1"] = fault
        if told:
            world.source.buried.add("appt-1")
        reports = pulls(world, 2)
        assert Outcome.FAILED not in {report.outcome for report in reports}
        assert the_visit(world).missing_since
        assert the_visit(world).occupies

    @pytest.mark.parametrize("told", [False, True])
    def test_one_that_it_breaks_on_waits_for_the_next_pull(self, world: World, told: bool) -> None:
        confirmed(world)
        world.source.delete("appt-1")
        world.source.faults["appt-1"] = Unavailable("status 500")
        if told:
            world.source.buried.add("appt-1")
        pulls(world, 2)
        tomorrow = START + timedelta(days=1)
        world.source.enter(a_row("fresh", start=tomorrow, end=tomorrow + timedelta(hours=1), patient=None))
        assert Outcome.FAILED not in {report.outcome for report in pulls(world, 3)}
        assert the_visit(world, "fresh").occupies
        assert the_visit(world).missing_since is None
        world.source.faults.clear()
        pulls(world, 2)
        assert not the_visit(world).occupies

    def test_what_was_answered_before_our_time_was_up_counts(self, world: World) -> None:
        confirmed(world)
        tomorrow = START + timedelta(days=1)
        world.source.enter(a_row("second", start=tomorrow, end=tomorrow + timedelta(hours=1), patient=None))
        world.pull()
        world.source.delete("appt-1")
        world.source.delete("second")
        world.source.faults["second"] = OutOfTime("the deadline")
        assert Outcome.LEFT_OFF not in {report.outcome for report in pulls(world, 2)}
        assert [the_visit(world, one).occupies for one in ("appt-1", "second")] == [False, True]
        world.source.faults.clear()
        pulls(world, 1)
        assert not the_visit(world, "second").occupies

    @pytest.mark.parametrize("fault", REFUSALS)
    def test_where_it_refuses_also_those_that_it_shows_the_pull_goes_on_and_staff_are_asked(
        self, world: World, fault: SourceError
    ) -> None:
        request = confirmed(world)
        sent = len(world.mailer.sent)
        world.source.delete("appt-1")
        world.source.faults = {"appt-1": fault, "other": fault}
        tomorrow = START + timedelta(days=1)
        world.source.enter(a_row("fresh", start=tomorrow, end=tomorrow + timedelta(hours=1), patient=None))
        world.source.faults["fresh"] = fault
        assert Outcome.FAILED not in {report.outcome for report in pulls(world, 3)}
        assert the_visit(world, "fresh").occupies
        assert the_visit(world).occupies
        found = world.stored(request)
        assert (found.shown_state, found.to_act, bool(found.vanished_at)) == ("booked", True, True)
        world.deliver()
        assert len(world.mailer.sent) == sent
        assert world.store.feeds_by_id[FEED].last_failure == ""

    @pytest.mark.parametrize("refused", ["other", "another"])
    def test_another_that_it_shows_stands_for_one_that_it_refuses(self, world: World, refused: str) -> None:
        confirmed(world)
        tomorrow = START + timedelta(days=1)
        world.source.enter(a_row("another", start=tomorrow, end=tomorrow + timedelta(hours=1), patient=None))
        world.pull()
        world.source.delete("appt-1")
        world.source.faults[refused] = AuthRevoked("status 403")
        pulls(world, 2)
        assert the_visit(world).row.raw_state == "gone"

    def test_where_it_fails_on_one_that_it_shows_nothing_is_known(self, world: World) -> None:
        confirmed(world)
        world.source.delete("appt-1")
        fault = Unavailable("status 500")
        world.source.faults = {"appt-1": fault, "other": fault}
        assert [report.outcome for report in pulls(world, 2)] == [Outcome.UNCHANGED, Outcome.FAILED]
        assert the_visit(world).missing_since is None


class TestTwoSightings:
    def test_one_pull_that_does_not_show_it_changes_nothing(self, world: World) -> None:
        request = confirmed(world)
        world.source.hidden.add("appt-1")
        (report,) = pulls(world, 1)
        assert the_visit(world).missing_since is None
        assert world.stored(request).vanished_at is None
        assert (report.outcome, report.missing) == (Outcome.UNCHANGED, 0)
        world.source.hidden.clear()
        assert pulls(world, 2)[-1].outcome is Outcome.UNCHANGED
        assert world.store.feeds_by_id[FEED].suspects == 0

    def test_an_unchanged_answer_is_the_second_sighting(self, world: World) -> None:
        confirmed(world)
        world.source.delete("appt-1")
        _, second = pulls(world, 2)
        assert world.source.pulls == 3
        assert [event.appointment_id for event in events(second, VisitGone)] == [the_visit(world).id]

    def test_with_nothing_suspected_an_unchanged_answer_costs_nothing(self, world: World) -> None:
        confirmed(world)
        world.source.delete("appt-1")
        pulls(world, 3)
        writes = world.store.writes
        pulls(world, 3)
        assert world.store.writes == writes


class TestLookingBack:
    """What only a look back reaches is decided by the next one, and costs the pulls in between nothing."""

    def suspect(self, world: World, days: int) -> None:
        world.source.enter(a_row("past", start=NOW - timedelta(days=days), end=NOW - timedelta(days=days, minutes=-30)))
        world.pull()
        world.pull()
        world.source.delete("past")
        world.pull(minutes=61)

    def test_a_visit_of_last_week(self, world: World) -> None:
        self.suspect(world, 8)
        state = world.store.feeds_by_id[FEED]
        assert (state.suspects, state.suspects_back) == (0, 1)
        writes = world.store.writes
        pulls(world, 5)
        assert world.store.writes == writes
        (report,) = [world.pull(minutes=61)]
        assert report.missing == 1
        assert world.store.feeds_by_id[FEED].suspects_back == 0

    def test_one_that_slides_out_of_every_window_is_not_asked_for_for_ever(self, world: World) -> None:
        self.suspect(world, 29)
        assert world.store.feeds_by_id[FEED].suspects_back == 1
        world.clock.advance(days=3)
        pulls(world, 2)
        state = world.store.feeds_by_id[FEED]
        assert (state.suspects, state.suspects_back) == (0, 0)


class TestUnreadable:
    def test_a_visit_that_cannot_be_read_is_not_absent(self, world: World) -> None:
        request = confirmed(world)
        world.source.spoilt.add("appt-1")
        world.source.read_by_id = False
        assert [one.missing for one in pulls(world, 3)] == [0, 0, 0]
        assert the_visit(world).missing_since is None
        assert world.stored(request).vanished_at is None

    def test_nor_is_one_that_came_to_end_before_it_starts(self, world: World) -> None:
        confirmed(world)
        world.source.read_by_id = False
        world.source.enter(a_row(end=START - timedelta(minutes=1)))
        assert [one.missing for one in pulls(world, 3)] == [0, 0, 0]
        assert the_visit(world).missing_since is None


class TestGone:
    def test_one_that_is_over_is_looked_for_all_the_same(self, world: World) -> None:
        """Its last word may be that it was cancelled, or entered at another time; that it is not found says nothing."""
        names = ("deleted", "cancelled", "later")
        start = NOW - timedelta(hours=2)
        for name in names:
            world.source.enter(a_row(name, start=start, end=start + timedelta(minutes=30), patient=None))
        world.source.enter(a_row("other", patient=None))
        world.pull()
        world.source.delete("deleted")
        called_off = replace(world.source.rows["cancelled"], state=AppointmentState.CANCELLED, raw_state="cancelled")
        far = START + timedelta(days=200)
        world.source.enter(called_off, replace(world.source.rows["later"], start=far, end=far + timedelta(minutes=30)))
        world.source.hidden.add("cancelled")
        pulls(world, 2)
        visits = [the_visit(world, name) for name in names]
        assert [bool(one.missing_since) for one in visits] == [True, False, False]
        assert [one.row.raw_state for one in visits] == ["booked", "cancelled", "booked"]
        assert visits[2].start == far

    def test_a_server_that_shows_nothing_that_is_over_is_asked_once_of_each(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        start = NOW - timedelta(hours=2)
        world.source.enter(a_row("old", start=start, end=start + timedelta(minutes=30), patient=None))
        world.source.enter(a_row("other", patient=None))
        world.pull()
        read, asked = world.source.get_appointment, list[str]()
        monkeypatch.setattr(
            world.source, "get_appointment", lambda one, providers: (asked.append(one), read(one, providers))[1]
        )
        world.source.hidden.add("old")
        for number in range(8):
            at = START + timedelta(days=1 + number)
            world.source.enter(a_row(f"new-{number}", start=at, end=at + timedelta(minutes=30), patient=None))
            pulls(world, 1)
        assert asked.count("old") == 1
        assert the_visit(world, "old").missing_since is None
        assert world.check_occupancy("harbor", "osei") == []
        world.source.buried.add("old")
        del world.source.rows["old"]
        pulls(world, 1)
        assert the_visit(world, "old").row.raw_state == "gone"

    def test_those_to_come_are_looked_for_first(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        past = NOW - timedelta(hours=1)
        world.source.enter(a_row("past", start=past, end=past + timedelta(minutes=30), patient=None))
        confirmed(world)
        monkeypatch.setattr("oneway.use_cases.resolve_absence.MOST_LOOKED_UP", 1)
        world.source.delete("past")
        world.source.delete("appt-1")
        pulls(world, 2)
        assert the_visit(world).row.raw_state == "gone"
        assert the_visit(world, "past").missing_since is None
        world.pull()
        assert the_visit(world, "past").missing_since

    def test_what_the_source_no_longer_has_is_cancelled(self, world: World) -> None:
        request = confirmed(world)
        world.source.delete("appt-1")
        pulls(world, 2)
        visit = the_visit(world)
        assert (visit.state, visit.row.raw_state) == (AppointmentState.CANCELLED, "gone")
        assert world.stored(request).shown_state == "cancelled"
        assert world.check_occupancy("harbor", "osei") == []
        assert world.submit("n" * 32).created

    def test_what_comes_back_is_as_it_was(self, world: World) -> None:
        request = confirmed(world)
        row = world.source.rows["appt-1"]
        world.source.delete("appt-1")
        pulls(world, 2)
        world.source.enter(row)
        pulls(world, 1)
        assert world.stored(request).shown_state == "booked"
        assert the_visit(world).row == row


class TestMissing:
    @pytest.fixture(autouse=True)
    def cannot_be_asked(self, world: World) -> None:
        world.source.read_by_id = False

    def test_absence_alone_cancels_nothing_and_tells_nobody_but_staff(self, world: World) -> None:
        request = confirmed(world)
        sent = len(world.mailer.sent)
        world.source.delete("appt-1")
        _, second = pulls(world, 2)
        found = world.stored(request)
        assert found.shown_state == "booked"
        assert found.to_act
        assert found.vanished_at
        assert the_visit(world).missing_since
        assert [event.request_id for event in events(second, VisitMissing)] == [request.id]
        world.deliver()
        assert len(world.mailer.sent) == sent
        assert world.check_occupancy("harbor", "osei") == []

    def test_it_is_told_once(self, world: World) -> None:
        request = confirmed(world)
        world.source.delete("appt-1")
        pulls(world, 5)
        told = [entry.what for entry in world.store.requests.timeline("harbor", request.id)]
        assert told == [Happening.ASKED, Happening.CONFIRMED, Happening.VANISHED]

    def test_a_visit_that_comes_back_is_no_longer_an_item(self, world: World) -> None:
        request = confirmed(world)
        row = world.source.rows["appt-1"]
        world.source.delete("appt-1")
        pulls(world, 2)
        world.source.enter(row)
        pulls(world, 1)
        found = world.stored(request)
        assert not found.to_act
        assert world.store.requests.timeline("harbor", request.id)[-1].what is Happening.REAPPEARED
        assert the_visit(world).missing_since is None

    def test_a_visit_that_is_over_is_nobodys_concern(self, world: World) -> None:
        request = confirmed(world)
        world.clock.at = START + timedelta(hours=2)
        world.source.delete("appt-1")
        pulls(world, 2)
        assert not world.stored(request).to_act

    def vanished(self, world: World) -> Any:
        request = confirmed(world)
        world.source.delete("appt-1")
        pulls(world, 2)
        return request

    def test_staff_say_that_it_is_cancelled(self, world: World) -> None:
        request = self.vanished(world)
        answered = world.answer_vanished("harbor", NADIA, request.id, is_cancelled=True)
        assert (answered.shown_state, answered.to_act) == ("cancelled", False)
        world.deliver()
        assert "cancelled_patient" in world.mailer.sent[-1][3]["message"]
        assert world.check_occupancy("harbor", "osei") == []
        assert world.submit("n" * 32).created
        with pytest.raises(RequestAlreadyAnswered):
            world.answer_vanished("harbor", NADIA, request.id, is_cancelled=True)

    def test_staff_say_that_it_stands(self, world: World) -> None:
        request, sent = self.vanished(world), len(world.mailer.sent)
        answered = world.answer_vanished("harbor", NADIA, request.id, is_cancelled=False)
        assert (answered.shown_state, answered.to_act) == ("booked", False)
        pulls(world, 3)
        world.deliver()
        assert not world.stored(request).to_act
        assert len(world.mailer.sent) == sent

    def test_an_answer_that_comes_too_late_changes_nothing(self, world: World) -> None:
        request = confirmed(world)
        row = world.source.rows["appt-1"]
        world.source.delete("appt-1")
        pulls(world, 2)
        world.source.enter(row)
        pulls(world, 1)
        for is_cancelled in (True, False):
            with pytest.raises(RequestAlreadyAnswered):
                world.answer_vanished("harbor", NADIA, request.id, is_cancelled=is_cancelled)

    def test_a_viewer_may_only_read(self, world: World) -> None:
        with pytest.raises(Forbidden):
            world.answer_vanished("harbor", "vic@harbor.example", self.vanished(world).id, is_cancelled=True)


class TestAServerThatFindsNothing:
    def test_not_found_is_believed_only_from_one_that_finds_something(self, world: World) -> None:
        request = confirmed(world)
        world.source.blind = True
        world.source.hidden.add("appt-1")
        pulls(world, 2)
        assert world.stored(request).shown_state == "booked"
        assert world.stored(request).vanished_at

    def test_what_is_there_by_id_is_there(self, world: World) -> None:
        request = confirmed(world)
        world.source.hidden.add("appt-1")
        pulls(world, 4)
        assert world.stored(request).shown_state == "booked"
        assert not world.stored(request).to_act
        assert the_visit(world).missing_since is None

    def test_a_cancelled_visit_that_is_only_there_by_id_is_settled(self, world: World) -> None:
        confirmed(world)
        world.source.enter(a_row(raw_state="cancelled", state=AppointmentState.CANCELLED))
        world.source.hidden.add("appt-1")
        pulls(world, 2)
        assert the_visit(world).state is AppointmentState.CANCELLED
        writes = world.store.writes
        for n in range(5):
            start = START + timedelta(hours=2)
            stamped = a_row("other", start=start, end=start + timedelta(hours=1), patient=None, start_text=f"stamp {n}")
            world.source.enter(stamped)
            assert world.pull().outcome is Outcome.UNCHANGED
        assert world.store.writes == writes
        world.source.enter(a_row())
        world.source.hidden.clear()
        world.pull()
        assert the_visit(world).state is AppointmentState.BOOKED

    def test_a_fault_while_asking_changes_nothing(self, world: World) -> None:
        request = confirmed(world)
        world.source.delete("appt-1")
        pulls(world, 1)
        found = world.source.get_appointment
        world.source.get_appointment = lambda *_: (_ for _ in ()).throw(Unavailable("503"))  # type: ignore[method-assign]
        assert pulls(world, 1)[0].outcome is Outcome.FAILED
        assert world.stored(request).shown_state == "booked"
        world.source.get_appointment = found  # type: ignore[method-assign]
        pulls(world, 1)
        assert world.stored(request).shown_state == "cancelled"

    def test_many_are_asked_for_in_turns(self, world: World) -> None:
        for number in range(MOST_LOOKED_UP + 20):
            at = START + timedelta(days=number)
            world.source.enter(a_row(f"v-{number}", start=at, end=at + timedelta(minutes=30), patient=None))
        world.source.enter(a_row("stays", patient=None))
        state = world.store.feeds_by_id[FEED]
        world.store.feeds_by_id[FEED] = replace(state, settings=replace(state.settings, brake=Brake(1000)))
        pulls(world, 1)
        for number in range(MOST_LOOKED_UP + 20):
            world.source.delete(f"v-{number}")
        _, second, third = pulls(world, 3)
        assert [len(events(one, VisitGone)) for one in (second, third)] == [MOST_LOOKED_UP, 20]


class TestAnotherProvider:
    def test_a_visit_that_went_to_another_provider_is_a_move_and_keeps_its_link(self, world: World) -> None:
        request = confirmed(world)
        world.source.enter(replace(world.source.rows["appt-1"], provider_external_id="prac-brandt"))
        reports = [world.pull(provider) for provider in ("osei", "brandt", "osei", "osei")]
        (visit,) = (a for a in world.store.appointments_by_key.values() if a.row.external_id == "appt-1")
        assert (visit.provider_id, visit.request_id, visit.missing_since) == ("brandt", request.id, None)
        found = world.stored(request)
        assert (found.link and found.link.provider_id, found.shown_state, found.to_act) == ("brandt", "booked", False)
        (moved,) = (event for report in reports for event in events(report, VisitMoved))
        assert (moved.provider_id, moved.to_provider_id) == ("osei", "brandt")
        for provider in ("osei", "brandt"):
            assert world.check_occupancy("harbor", provider) == []

    def test_where_it_answered_somebody_else_there_staff_are_asked(self, world: World) -> None:
        request = confirmed(world)
        world.source.enter(replace(world.source.rows["appt-1"], provider_external_id="prac-brandt"))
        world.pull("brandt")
        key = next(key for key in world.store.appointments_by_key if key[1] == "brandt")
        world.store.appointments_by_key[key] = replace(world.store.appointments_by_key[key], request_id="x" * 13)
        pulls(world, 2)
        assert world.stored(request).vanished_at
        (visit,) = (a for a in world.store.appointments_by_key.values() if a.row.external_id == "appt-1")
        assert visit.request_id == "x" * 13

    def test_what_changes_while_it_is_handed_over_is_looked_at_again(self, world: World) -> None:
        request = confirmed(world)
        world.source.enter(replace(world.source.rows["appt-1"], provider_external_id="prac-brandt"))
        world.pull("brandt")
        pulls(world, 1)

        def arrived() -> None:
            row = replace(world.source.rows["appt-1"], raw_state="arrived", state=AppointmentState.ARRIVED)
            world.source.enter(row)
            world.pull("brandt")

        world.store.before_commit = arrived
        pulls(world, 1)
        assert the_visit(world).provider_id == "osei"
        assert world.stored(request).shown_state == "booked"
        pulls(world, 1)
        found = world.stored(request)
        assert (found.link and found.link.provider_id, found.shown_state) == ("brandt", "arrived")
        assert world.check_occupancy("harbor", "osei") == world.check_occupancy("harbor", "brandt") == []

    def test_until_the_other_feed_has_it_nothing_is_said(self, world: World) -> None:
        request = confirmed(world)
        world.source.enter(replace(world.source.rows["appt-1"], provider_external_id="prac-brandt"))
        pulls(world, 3)
        assert world.stored(request).shown_state == "booked"
        assert not world.stored(request).to_act
        world.pull("brandt")
        pulls(world, 1)
        assert the_visit(world).provider_id == "brandt"

    @pytest.mark.parametrize("in_a_window", [True, False])
    def test_one_that_went_there_and_is_cancelled_is_cancelled(self, world: World, in_a_window: bool) -> None:
        """Their feed has it as cancelled, or, where a search leaves out what is cancelled, never."""
        request = confirmed(world)
        row = replace(world.source.rows["appt-1"], provider_external_id="prac-brandt", raw_state="cancelled")
        world.source.enter(replace(row, state=AppointmentState.CANCELLED))
        world.source.hidden |= set() if in_a_window else {"appt-1"}
        for provider in ("osei", "brandt", "osei", "brandt", "osei"):
            world.pull(provider)
        assert world.stored(request).shown_state == "cancelled"
        assert world.store.feeds_by_id[FEED].suspects == 0, "and is asked for no more"
        assert world.check_occupancy("harbor", "osei") == world.check_occupancy("harbor", "brandt") == []
        assert world.submit("n" * 32).created

    def test_one_that_went_there_beyond_what_is_read_is_missing(self, world: World) -> None:
        request = confirmed(world)
        later = START + timedelta(days=400)
        row = replace(world.source.rows["appt-1"], start=later, end=later + timedelta(minutes=30))
        world.source.enter(replace(row, provider_external_id="prac-brandt"))
        for provider in ("osei", "brandt", "osei", "brandt"):
            world.pull(provider)
        assert world.stored(request).vanished_at, "staff are asked"
        assert world.stored(request).shown_state == "booked"
        assert world.store.feeds_by_id[FEED].suspects == 0

    def test_one_that_went_there_into_the_past_waits_for_a_look_back(self, world: World) -> None:
        request = confirmed(world)
        before = NOW - timedelta(days=9)
        row = replace(world.source.rows["appt-1"], start=before, end=before + timedelta(minutes=30))
        world.pull("brandt")
        world.source.enter(replace(row, provider_external_id="prac-brandt"))
        for provider in ("osei", "brandt", "osei", "brandt", "osei"):
            world.pull(provider)
        assert world.stored(request).vanished_at is None
        world.clock.advance(hours=1)
        for provider in ("brandt", "osei"):
            world.pull(provider)
        found = world.stored(request)
        assert (found.link and found.link.provider_id, found.vanished_at) == ("brandt", None)

    def test_with_somebody_who_is_not_read_it_is_missing(self, world: World) -> None:
        request = confirmed(world)
        world.source.enter(replace(world.source.rows["appt-1"], provider_external_id="prac-stranger"))
        pulls(world, 2)
        assert world.stored(request).vanished_at

    def test_a_visit_that_moved_beyond_the_window_is_moved(self, world: World) -> None:
        request = confirmed(world)
        later = START + timedelta(days=400)
        world.source.enter(replace(world.source.rows["appt-1"], start=later, end=later + timedelta(minutes=30)))
        pulls(world, 2)
        found = world.stored(request)
        assert found.link
        assert found.link.start == later


class TestTheBrake:
    def fill(self, world: World, visits: int = 10) -> None:
        for number in range(visits):
            at = START + timedelta(days=number)
            world.source.enter(a_row(f"v-{number}", start=at, end=at + timedelta(minutes=30), patient=None))
        world.pull()

    def lose(self, world: World, visits: int) -> None:
        for number in range(visits):
            world.source.hidden.add(f"v-{number}")

    def test_a_pull_in_which_much_vanishes_is_held_whole(self, world: World) -> None:
        self.fill(world)
        self.lose(world, 5)
        world.source.enter(a_row("new", start=START + timedelta(hours=3), end=START + timedelta(hours=4), patient=None))
        writes = world.store.writes
        reports = pulls(world, 4)
        assert {report.outcome for report in reports} == {Outcome.HELD}
        state = world.store.feeds_by_id[FEED]
        assert state.held
        assert (state.held.vanished, state.held.of, state.held.provider_id) == (5, 10, "osei")
        assert world.store.writes == writes + 1
        assert not any(a.missing_since for a in world.store.appointments_by_key.values())
        assert len(world.store.appointments_by_key) == 10

    @pytest.mark.parametrize(("visits", "lost"), [(10, 4), (20, 6), (4, 4)])
    def test_less_than_that_goes_its_way(self, world: World, visits: int, lost: int) -> None:
        self.fill(world, visits)
        self.lose(world, lost)
        assert pulls(world, 1)[0].outcome is not Outcome.HELD

    def test_it_lets_go_by_itself_once_they_are_shown_again(self, world: World) -> None:
        self.fill(world)
        self.lose(world, 9)
        pulls(world, 2)
        world.source.hidden.clear()
        assert pulls(world, 1)[0].outcome is Outcome.UNCHANGED
        assert world.store.feeds_by_id[FEED].held is None

    def answer(self, world: World, answer: VanishedAnswer) -> None:
        world.answer_held(*FEED, answer)

    def test_staff_accept(self, world: World) -> None:
        self.fill(world)
        for number in range(6):
            world.source.delete(f"v-{number}")
        pulls(world, 1)
        self.answer(world, VanishedAnswer.ACCEPT)
        pulls(world, 2)
        assert sum(a.row.raw_state == "gone" for a in world.store.appointments_by_key.values()) == 6
        assert world.store.feeds_by_id[FEED].held is None

    def test_staff_keep(self, world: World) -> None:
        self.fill(world)
        self.lose(world, 6)
        pulls(world, 1)
        self.answer(world, VanishedAnswer.KEEP)
        world.source.enter(a_row("new", start=START + timedelta(hours=3), end=START + timedelta(hours=4), patient=None))
        pulls(world, 4)
        assert len(world.store.appointments_by_key) == 11
        assert not any(a.missing_since or not a.occupies for a in world.store.appointments_by_key.values())

    @pytest.mark.parametrize("answer", VanishedAnswer)
    def test_an_answer_holds_for_those_that_were_held_alone(self, world: World, answer: VanishedAnswer) -> None:
        self.fill(world, 12)
        self.lose(world, 5)
        pulls(world, 1)
        (first,) = held_in(world)
        self.answer(world, answer)
        self.lose(world, 12)
        (report,) = pulls(world, 1)
        assert report.outcome is Outcome.HELD
        (second,) = held_in(world)
        state = world.store.feeds_by_id[FEED]
        assert (second.vanished, state.answer) == (12, None)
        assert second.since > first.since, "whoever answers the first question has not seen the second"
        assert not world.answer_held(*FEED, answer, since=first.since)
        assert {report.outcome for report in pulls(world, 3)} == {Outcome.HELD}
        assert not any(a.missing_since for a in world.store.appointments_by_key.values())

    def test_accepted_are_also_fewer_of_them(self, world: World) -> None:
        self.fill(world, 12)
        self.lose(world, 7)
        pulls(world, 1)
        self.answer(world, VanishedAnswer.ACCEPT)
        world.source.hidden -= {"v-0", "v-1"}
        assert pulls(world, 1)[0].outcome is not Outcome.HELD
        state = world.store.feeds_by_id[FEED]
        assert (state.held, state.answer, state.suspects) == (None, None, 5)

    def test_what_is_kept_is_what_was_held(self, world: World) -> None:
        """So few are missing by then that nothing is held: one that staff were not asked about goes its usual way."""
        self.fill(world)
        self.lose(world, 5)
        pulls(world, 1)
        self.answer(world, VanishedAnswer.KEEP)
        world.source.hidden = {"v-0"}
        world.source.delete("v-9")
        pulls(world, 3)
        gone = {a.row.external_id for a in world.store.appointments_by_key.values() if a.row.raw_state == "gone"}
        assert gone == {"v-9"}
        assert not any(a.missing_since for a in world.store.appointments_by_key.values())

    def test_an_answer_to_nothing_is_none(self, world: World) -> None:
        self.fill(world)
        self.answer(world, VanishedAnswer.ACCEPT)
        assert world.store.feeds_by_id[FEED].answer is None

    def test_each_provider_of_a_feed_is_looked_at(self) -> None:
        absent = {f"a-{n}": 10**8 + n for n in range(5)}
        owners = dict.fromkeys(absent, "osei")
        others = [("brandt", 10**8)] * 100
        assert held(absent, others, owners, Brake(), NOW)
        assert held(absent, [*others, *[("osei", 10**8)] * 12], owners, Brake(), NOW) is None
        assert held(dict.fromkeys(absent, 0), others, owners, Brake(), NOW) is None


class TestShortAnswers:
    """A source that says itself that it does not show everything."""

    def fill(self, world: World) -> None:
        for number in range(3):
            at = START + timedelta(minutes=30 * number)
            world.source.enter(a_row(f"v-{number}", start=at, end=at + timedelta(minutes=30), patient=None))
        world.pull()

    def gone(self, world: World) -> set[str]:
        return {
            one.row.external_id
            for one in world.store.appointments_by_key.values()
            if one.missing_since or one.row.raw_state == "gone"
        }

    def test_nothing_is_concluded_from_what_it_does_not_show_and_what_it_shows_goes_on(self, world: World) -> None:
        self.fill(world)
        good_at = world.store.feeds_by_id[FEED].last_good_at
        world.source.delete("v-0")
        world.source.short = True
        world.source.enter(a_row("new", start=START + timedelta(hours=3), end=START + timedelta(hours=4), patient=None))
        reports = pulls(world, 10)
        assert {one.failure for one in reports} == {"incomplete"}
        assert sum(one.changed for one in reports) == 1
        state = world.store.feeds_by_id[FEED]
        assert (self.gone(world), state.suspects, state.last_good_at) == (set(), 0, good_at)
        world.source.short = False
        (report,) = pulls(world, 1)
        assert (report.failure, self.gone(world), world.store.feeds_by_id[FEED].suspects) == ("", set(), 1)
        pulls(world, 1)
        assert self.gone(world) == {"v-0"}

    def test_an_answer_that_is_the_same_to_the_byte_is_no_second_sighting(self, world: World) -> None:
        self.fill(world)
        world.source.delete("v-0")
        pulls(world, 1)
        world.source.short = True
        pulls(world, 5)
        assert (self.gone(world), world.store.feeds_by_id[FEED].suspects) == (set(), 1)

    def test_a_server_whose_total_is_always_too_high_is_read_all_the_same(self, world: World) -> None:
        self.fill(world)
        world.source.short = True
        reports = pulls(world, 29)
        assert [one for report in reports for one in events(report, SourceBroken)] == []
        state = world.store.feeds_by_id[FEED]
        assert state.last_good_at
        assert world.clock.at - state.last_good_at < timedelta(minutes=11)
        world.source.delete("v-0")
        pulls(world, 2)
        assert self.gone(world) == {"v-0"}
        world.source.enter(a_row("new", start=START + timedelta(hours=3), end=START + timedelta(hours=4), patient=None))
        assert pulls(world, 1)[0].failure == ""

    def test_a_server_that_cuts_look_backs_alone_is_read_all_the_same_from_then_on(self, world: World) -> None:
        self.fill(world)
        window = window_at(world.store.feeds_by_id[FEED].settings, world.clock.at)
        assert window.end - window.start < timedelta(days=120) < window.end - window.start + timedelta(days=29)
        world.source.short_back = True
        pulls(world, 85)
        assert {one.failure for one in pulls(world, 120)} == {""}

    def test_the_habit_ends_with_the_first_answer_that_is_not_short(self, world: World) -> None:
        self.fill(world)
        world.source.short = True
        pulls(world, 29)
        world.source.short = False
        pulls(world, 1)
        world.source.short = True
        world.source.delete("v-0")
        pulls(world, 5)
        assert self.gone(world) == set()

    @pytest.mark.parametrize("interval", [1, 5, 15, 60])
    def test_a_habit_alone_breaks_no_source(self, interval: int) -> None:
        patience = timedelta(minutes=patience_minutes(interval))
        assert is_habit(NOW, interval, NOW + patience - timedelta(minutes=interval))
        assert not is_habit(NOW, interval, NOW + timedelta(minutes=interval))
        assert not is_habit(None, interval, NOW)

    def test_whoever_waits_for_a_good_pull_waits_on(self, world: World) -> None:
        self.fill(world)
        waits_since = world.clock.at
        await_pull = AwaitPull(world.store.feeds)
        assert await_pull(world.practice, "osei", waits_since) is None
        world.source.short = True
        pulls(world, 3)
        assert await_pull(world.practice, "osei", waits_since) is None
        world.source.short = False
        pulls(world, 1)
        assert await_pull(world.practice, "osei", waits_since) == world.clock.at

    def test_a_question_to_staff_stands_through_it(self, world: World) -> None:
        for number in range(10):
            at = START + timedelta(minutes=30 * number)
            world.source.enter(a_row(f"v-{number}", start=at, end=at + timedelta(minutes=30), patient=None))
        world.pull()
        world.source.hidden = {f"v-{number}" for number in range(6)}
        pulls(world, 1)
        world.source.short = True
        pulls(world, 2)
        assert held_in(world)


def held_in(world: World) -> list[Held]:
    return [state.held for state in world.store.feeds_by_id.values() if state.held]


class TestTime:
    def test_a_pull_whose_time_is_up_goes_on_where_it_stopped(self, world: World) -> None:
        for number in range(30):
            at = START + timedelta(days=number)
            world.source.enter(a_row(f"v-{number}", start=at, end=at + timedelta(minutes=30), patient=None))
        deadline = world.clock.at + timedelta(minutes=1)
        first = world.sync_feed(*FEED, deadline=deadline)
        assert (first.outcome, first.changed) == (Outcome.CHANGED, 30)

    def test_what_goes_to_another_provider_is_handed_over_as_long_as_there_is_time(self, world: World) -> None:
        for number in range(4):
            at = START + timedelta(days=number)
            world.source.enter(a_row(f"v-{number}", start=at, end=at + timedelta(minutes=30), patient=None))
        stays = START + timedelta(hours=3)
        world.source.enter(a_row("stays", start=stays, end=stays + timedelta(minutes=30), patient=None))
        pulls(world, 2)
        for number in range(4):
            row = world.source.rows[f"v-{number}"]
            world.source.enter(replace(row, provider_external_id="prac-brandt"))
        world.pull("brandt")
        world.pull()
        new = START + timedelta(days=9)
        world.source.enter(a_row("new", start=new, end=new + timedelta(minutes=30), patient=None))
        left, has_new = [], []
        for _ in range(8):
            world.clock.advance(minutes=1)
            report = world.sync_feed(*FEED, deadline=world.clock.at)
            ours = {a.row.external_id for a in world.store.appointments_by_key.values() if a.provider_id == "osei"}
            left.append(len(ours - {"new", "stays"}))
            has_new.append("new" in ours)
        assert left[:4] == [3, 2, 1, 0], "one a pull, for one is always done"
        assert has_new[0] is False
        assert has_new[-1]
        assert report.outcome is Outcome.UNCHANGED
        assert [world.check_occupancy("harbor", one) for one in ("osei", "brandt")] == [[], []]

    def test_each_stop_leaves_less_to_do(self, world: World) -> None:
        for number in range(30):
            at = START + timedelta(days=number)
            world.source.enter(a_row(f"v-{number}", start=at, end=at + timedelta(minutes=30), patient=None))
        stored = []
        for _ in range(30):
            report = world.sync_feed(*FEED, deadline=world.clock.at)
            stored.append(len(world.store.appointments_by_key))
            if report.outcome is not Outcome.STOPPED:
                break
        assert stored == list(range(1, 31))
        assert world.pull().outcome is Outcome.UNCHANGED
        assert world.check_occupancy("harbor", "osei") == []

    def test_a_stop_keeps_since_when_answers_are_short(self, world: World) -> None:
        """Otherwise a first pull that needs many turns would take the server's habit for news once more at each of them."""
        world.source.short = True
        for number in range(3):
            at = START + timedelta(days=number)
            world.source.enter(a_row(f"v-{number}", start=at, end=at + timedelta(minutes=30), patient=None))
        began = world.clock.at
        assert world.sync_feed(*FEED, deadline=world.clock.at).outcome is Outcome.STOPPED
        assert world.store.feeds_by_id[FEED].short_since_back == began
        world.clock.advance(minutes=1)
        assert world.sync_feed(*FEED, deadline=world.clock.at).outcome is Outcome.STOPPED
        assert world.store.feeds_by_id[FEED].short_since_back == began
        world.source.short = False
        world.source.enter(a_row("more", start=START + timedelta(days=5), end=START + timedelta(days=6), patient=None))
        world.clock.advance(minutes=1)
        assert world.sync_feed(*FEED, deadline=world.clock.at).outcome is Outcome.STOPPED
        assert world.store.feeds_by_id[FEED].short_since_back is None

    def test_so_does_one_that_is_held(self, world: World) -> None:
        for number in range(10):
            at = START + timedelta(days=number)
            world.source.enter(a_row(f"v-{number}", start=at, end=at + timedelta(minutes=30), patient=None))
        world.pull()
        world.source.short = True
        pulls(world, 2)
        assert world.store.feeds_by_id[FEED].short_since
        world.source.short = False
        world.source.hidden = {f"v-{number}" for number in range(6)}
        assert pulls(world, 1)[0].outcome is Outcome.HELD
        assert world.store.feeds_by_id[FEED].short_since is None


def test_every_pull_says_how_it_ended(world: World) -> None:
    confirmed(world)
    (report,) = pulls(world, 1)
    (finished,) = events(report, PullFinished)
    assert (finished.feed_id, finished.outcome) == ("ehr~osei", "unchanged")
    assert isinstance(a_feed(), FeedState)
