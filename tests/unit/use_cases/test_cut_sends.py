"""Sending that dies at any of its calls, or comes twice, late, in part or out of order: nothing is lost, one doubled at most."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from email import message_from_bytes
from typing import Any

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from oneway.domain.errors import StoreUnavailable, WriteConflict
from oneway.domain.messages import MessageKind, MessageRecord, MessageState, Why
from oneway.domain.notices import digest
from oneway.domain.requests import Request
from oneway.faults import AuthRevoked, MailBroke, MailError, MailOutcomeUnknown, MailThrottled, MailUnavailable
from oneway.mail import ses_events
from oneway.use_cases.send_messages import ONE_SEND, UNANSWERED, NotYet

from tests.builders import START, a_practice
from tests.desk import (
    CANCELLED,
    CONFIRMED,
    CORRECTION,
    EXPIRED,
    LATER,
    NADIA,
    NOT_CONFIRMED,
    RESCHEDULED,
    Desk,
    at,
)
from tests.fakes.outside import PartlyAway
from tests.fakes.store import FakeClock
from tests.ses_events import an_event
from tests.stage import Killed, Stage, Watched, WatchedStore
from tests.world import World

RECEIVED = ["received_staff", "received_patient"]
FAULTS = [None, MailUnavailable(), MailThrottled(), MailOutcomeUnknown(), MailBroke()]


class Sending:
    """A world in which something is due, and a sender that can die at any step."""

    def __init__(self, prepare: Callable[[Desk], str]) -> None:
        clock = FakeClock(World().clock.at)
        self.stage = Stage(clock)
        store = WatchedStore()
        store.stage = self.stage
        self.world = Desk(a_practice(), store, clock)
        self.subject = prepare(self.world)
        sender, stage = self.world.send_messages, self.stage
        self.world.send_messages = replace(
            sender,
            mailer=AfterToo(Watched(sender.mailer, stage), stage),
            composer=Watched(sender.composer, stage),
            links=Watched(sender.links, stage),
            age=Step(sender.age, stage),
        )

    def send(self) -> None:
        with suppress(NotYet, WriteConflict):
            self.world.send_messages("harbor", self.subject)

    def cut_at(self, step: int) -> list[str]:
        self.stage.steps.clear()
        self.stage.calls.clear()
        self.stage.deaths = {"send": step}
        thread = self.stage.play("send", self.send)
        self.stage.give("send")
        thread.join(20)
        self.stage.deaths = {}
        return self.stage.calls["send"]

    def until_done(self) -> None:
        for _ in range(4):
            self.world.clock.advance(minutes=3)
            self.send()

    def sent(self) -> Counter[str]:
        return Counter(str(tags["message"]) for *_, tags in self.world.mailer.sent)


class Step:
    """Reads how old the schedule is, which is a step too."""

    def __init__(self, inner: Any, stage: Stage) -> None:
        self._inner, self._stage = inner, stage

    def minutes(self, *given: Any) -> Any:
        self._stage.step("age")
        return self._inner.minutes(*given)


class AfterToo:
    """A mail service that takes a message and whose caller may die before it hears of it."""

    def __init__(self, inner: Any, stage: Stage) -> None:
        self._inner, self._stage = inner, stage

    def send(self, *given: Any) -> str:
        taken: str = self._inner.send(*given)
        self._stage.step("answer")
        return taken


def submitted(desk: Desk) -> str:
    return desk.submit().request.id


def read(desk: Desk, pulls: int = 1) -> None:
    """The schedules are read, and no mail goes out."""
    for _ in range(pulls):
        desk.clock.advance(minutes=1)
        for provider in desk.practice.providers:
            desk.sync_feed("harbor", f"ehr~{provider}", now_asked=True)


def confirmed_by_hand(desk: Desk) -> str:
    request = desk.ask()
    desk.enter()
    read(desk)
    return request.id


def moved(desk: Desk) -> str:
    request = desk.confirmed()
    desk.change(**at(LATER))
    read(desk)
    desk.clock.advance(minutes=3)
    return request.id


def cancelled_by_staff(desk: Desk) -> str:
    request = desk.ask()
    desk.cancel_by_staff("harbor", NADIA, request.id, "not_available", "")
    return request.id


def cancelled_in_the_source(desk: Desk) -> str:
    request = desk.confirmed()
    desk.call_off()
    read(desk, 3)
    desk.run_timers()
    return request.id


def cancelled_by_the_patient(desk: Desk) -> str:
    request = desk.ask()
    desk.cancel_by_patient("harbor", desk.links.of(request))
    return request.id


def asked_to_cancel(desk: Desk) -> str:
    request = desk.confirmed()
    desk.cancel_by_patient("harbor", desk.links.of(request))
    return request.id


def unanswered(desk: Desk) -> str:
    request = desk.ask(start=START + timedelta(days=7))
    desk.clock.advance(hours=5, minutes=2)
    desk.run_timers()
    return request.id


def not_confirmed(desk: Desk) -> str:
    request = desk.ask()
    desk.clock.at = START - timedelta(hours=1)
    desk.run_timers()
    return request.id


def undone(desk: Desk) -> str:
    request = desk.confirmed()
    desk.undo(request)
    return request.id


def expired(desk: Desk) -> str:
    request = desk.ask()
    desk.clock.at = START
    read(desk)
    desk.run_timers()
    return request.id


def unreachable(desk: Desk) -> str:
    request = desk.ask()
    desk.track_mail(ses_events.read(an_event("recorded_bounce_no_mailbox", request.id)))
    return request.id


def a_notice(desk: Desk, kind: MessageKind) -> str:
    return next(one.name for one in desk.store.notices_by_id.values() if one.kind is kind)


def source_broken(desk: Desk) -> str:
    desk.source.fault = AuthRevoked()
    read(desk)
    return a_notice(desk, MessageKind.SOURCE_BROKEN_STAFF)


def source_well(desk: Desk) -> str:
    source_broken(desk)
    desk.deliver()
    desk.source.fault = None
    read(desk)
    return a_notice(desk, MessageKind.SOURCE_WELL_STAFF)


def a_digest(desk: Desk) -> str:
    request = desk.submit().request
    desk.deliver()
    nudged = replace(desk.stored(request), nudged_at=desk.clock.now() - timedelta(days=1))
    desk.store.requests_by_id["harbor", request.id] = nudged
    desk.store.practices.save(replace(desk.practice, recipients=("front@harbor.example", "second@harbor.example")))
    notice = digest("harbor", desk.clock.now().date(), desk.clock.now())
    desk.store.notices.add(notice)
    return notice.name


BEFORE_A_CLAIM = {"get", "list", "age", "of", "of_request"}
"""The practice and the request, its messages, suppressions; the schedule's age, the link, the letter."""
HANDED_OVER = {"send", "answer", "mark", "settle"}
PREPARED = {
    "submitted": submitted,
    "confirmed": confirmed_by_hand,
    "moved": moved,
    "cancelled_by_staff": cancelled_by_staff,
    "cancelled_in_the_source": cancelled_in_the_source,
    "cancelled_by_the_patient": cancelled_by_the_patient,
    "asked_to_cancel": asked_to_cancel,
    "unanswered": unanswered,
    "not_confirmed": not_confirmed,
    "undone": undone,
    "expired": expired,
    "unreachable": unreachable,
    "digest": a_digest,
    "source_broken": source_broken,
    "source_well": source_well,
}
"""Each row of the product's table (section 6), as it stands before its messages go out."""
TOLD_OF = {
    "submitted": {"received_staff", "received_patient"},
    "confirmed": {CONFIRMED},
    "moved": {RESCHEDULED},
    "cancelled_by_staff": {CANCELLED},
    "cancelled_in_the_source": {CANCELLED},
    "cancelled_by_the_patient": {"cancelled_by_patient_staff", "cancelled_by_patient_receipt"},
    "asked_to_cancel": {"asked_to_cancel_staff", "asked_to_cancel_receipt"},
    "unanswered": {"unanswered_staff"},
    "not_confirmed": {NOT_CONFIRMED},
    "undone": {CORRECTION},
    "expired": {EXPIRED},
    "unreachable": {"unreachable_staff"},
    "digest": {"digest_staff"},
    "source_broken": {"source_broken_staff"},
    "source_well": {"source_well_staff"},
}
CALLS = {name: Sending(prepare).cut_at(0) for name, prepare in PREPARED.items()}
CUTS = [(name, step) for name, calls in CALLS.items() for step in range(1, len(calls) + 1)]


@pytest.mark.parametrize(("name", "step"), CUTS, ids=[f"{name}-{step}-{CALLS[name][step - 1]}" for name, step in CUTS])
def test_wherever_it_is_cut_each_message_goes_out_and_at_most_one_twice(name: str, step: int) -> None:
    whole, cut = Sending(PREPARED[name]), Sending(PREPARED[name])
    whole.send()
    assert cut.cut_at(step) == CALLS[name][:step]
    before = len(cut.world.mailer.sent)
    cut.until_done()
    assert set(cut.sent()) == set(whole.sent())
    assert cut.sent().total() - whole.sent().total() <= (CALLS[name][step - 1] in ("answer", "mark"))
    assert len(cut.world.mailer.sent) >= before
    done = len(cut.world.mailer.sent)
    cut.until_done()
    assert len(cut.world.mailer.sent) == done
    assert not cut.world.store.requests.unsent(cut.world.clock.now())


@pytest.mark.parametrize("name", PREPARED)
def test_each_row_tells_what_it_is_about_however_often_its_word_comes(name: str) -> None:
    sending = Sending(PREPARED[name])
    before = sending.sent()
    for _ in range(3):
        sending.send()
    told = sending.sent() - before
    assert {message.partition("-")[2] or message for message in told} == TOLD_OF[name]
    assert set(told.values()) == {1}


def test_every_kind_is_cut() -> None:
    """But a test message, which somebody sends and looks for."""
    assert set().union(*TOLD_OF.values()) == set(MessageKind) - {MessageKind.TEST_STAFF}


def test_every_call_is_cut_once() -> None:
    for name, calls in CALLS.items():
        assert [step for other, step in CUTS if other == name] == list(range(1, len(calls) + 1))
        assert {"claim", "send", "answer", "mark"} <= set(calls)
    for name, before in {"submitted": BEFORE_A_CLAIM, "confirmed": BEFORE_A_CLAIM - {"age"}}.items():
        assert before <= set(CALLS[name][: CALLS[name].index("claim")])


@pytest.mark.parametrize(("name", "step"), CUTS, ids=[f"{name}-{step}-{CALLS[name][step - 1]}" for name, step in CUTS])
def test_cut_before_it_is_handed_over_however_often_it_goes_out_once_all_the_same(name: str, step: int) -> None:
    whole, cut = Sending(PREPARED[name]), Sending(PREPARED[name])
    whole.send()
    for _ in range(3):
        if cut.cut_at(step)[-1] in HANDED_OVER:
            return  # nobody knows whether it went out
        cut.world.clock.advance(minutes=3)
    cut.until_done()
    assert cut.sent() == whole.sent()
    records = cut.world.store.messages.list("harbor", cut.subject)
    assert {one.state for one in records} == {MessageState.SENT}


def half_away(to_staff: MailError | None, to_patients: MailError | None) -> Sending:
    sending = Sending(submitted)
    sender = sending.world.send_messages
    sending.world.send_messages = replace(sender, mailer=PartlyAway(sender.mailer, to_staff, to_patients))
    return sending


HALVES = [(MailUnavailable(), None), (None, MailUnavailable())]
HALF_CUTS = [(half, step) for half in HALVES for step in range(1, len(half_away(*half).cut_at(0)) + 1)]


@pytest.mark.parametrize(("half", "step"), HALF_CUTS)
def test_so_it_is_where_only_one_of_staff_and_the_patient_is_written_to(
    half: tuple[MailError | None, MailError | None], step: int
) -> None:
    cut = half_away(*half)
    died = cut.cut_at(step)[-1]
    cut.until_done()
    taken = cut.sent()
    assert len(taken) == 1
    cut.world.send_messages = replace(cut.world.send_messages, mailer=cut.world.mailer)
    cut.until_done()
    assert sorted(message[7:] for message in cut.sent()) == sorted(RECEIVED)
    assert cut.sent().total() - 2 <= (died in ("answer", "mark"))
    assert cut.world.stored(cut.world.store.requests.get("harbor", cut.subject)).due == ()


def test_whoever_dies_of_old_age_while_the_service_asks_for_patience_has_not_tried() -> None:
    world = World()
    request = world.submit().request
    world.mailer.fault = MailThrottled()

    class Dies(FakeClock):
        def pause(self, seconds: float) -> None:
            raise Killed

    for _ in range(3):
        with pytest.raises(Killed):
            replace(world.send_messages, clock=Dies(world.clock.at))("harbor", request.id)
        world.clock.advance(minutes=3)
    world.mailer.fault = None
    assert world.send_messages("harbor", request.id) == 2


@pytest.mark.parametrize("fault", [None, MailThrottled()])
def test_nothing_is_claimed_or_waited_for_that_would_not_be_done_in_time(fault: MailError | None) -> None:
    world = World()
    request = world.submit().request
    deadline = world.clock.now() + ONE_SEND + timedelta(seconds=1)
    world.mailer.fault = fault
    if fault is None:
        world.clock.advance(seconds=2)
    for _ in range(4):
        with pytest.raises(NotYet):
            world.send_messages("harbor", request.id, deadline)
        assert world.clock.now() < deadline
        assert not [one for one in world.store.messages.list("harbor", request.id) if one.attempts]
    world.mailer.fault = None
    assert world.send_messages("harbor", request.id, world.clock.now() + 2 * ONE_SEND) == 2


class TestOvertaken:
    """What was decided before it went out: the later state counts."""

    @pytest.fixture
    def desk(self) -> Desk:
        return Desk()

    def decided(self, desk: Desk, *acts: Callable[[], object]) -> Request:
        """The mail service stands still while all this happens."""
        request = desk.ask()
        for act in acts:
            act()
            desk.clock.advance(minutes=1)
            desk.sync_feed("harbor", "ehr~osei")
        desk.clock.advance(minutes=3)
        desk.minutes(3)
        return request

    def test_no_confirmed_after_cancelled(self, desk: Desk) -> None:
        request = self.decided(desk, desk.enter, desk.call_off)
        assert desk.told(request) == [CANCELLED]

    def test_one_message_for_a_flurry_of_moves(self, desk: Desk) -> None:
        moves = [lambda n=n: desk.change(**at(LATER + timedelta(minutes=30 * n))) for n in range(4)]
        request = self.decided(desk, desk.enter, *moves)
        assert desk.told(request) == [RESCHEDULED]

    def test_nothing_of_what_was_undone_before_it_went_out(self, desk: Desk) -> None:
        request = desk.ask()
        desk.enter()
        desk.clock.advance(minutes=1)
        desk.sync_feed("harbor", "ehr~osei")
        desk.undo(request)
        desk.minutes(3)
        assert desk.told(request) == []

    def test_a_correction_of_what_may_have_gone_out(self, desk: Desk) -> None:
        request = desk.ask()
        desk.enter()
        desk.clock.advance(minutes=1)
        desk.sync_feed("harbor", "ehr~osei")
        desk.mailer.fault = MailOutcomeUnknown()
        with pytest.raises(NotYet):
            desk.deliver()
        desk.mailer.fault = None
        desk.undo(request)
        desk.clock.advance(minutes=6)
        desk.minutes(2)
        assert desk.told(request) == [CORRECTION]

    def test_whoever_is_booked_again_meanwhile_is_told_that_it_is_confirmed(self, desk: Desk) -> None:
        request = self.decided(desk, desk.enter, desk.call_off, desk.book_again)
        assert desk.told(request) == [CONFIRMED]

    def test_received_is_not_said_once_it_was_answered(self, desk: Desk) -> None:
        request = desk.submit().request
        desk.enter()
        desk.clock.advance(minutes=1)
        desk.sync_feed("harbor", "ehr~osei")
        desk.deliver()
        kinds = [str(tags["message"]).partition("-")[2] for *_, tags in desk.mailer.sent]
        assert kinds == ["received_staff", CONFIRMED]
        states = {one.kind: one.state for one in desk.store.messages.list("harbor", request.id)}
        assert states[MessageKind.RECEIVED_PATIENT] is MessageState.OVERTAKEN

    def released_but_unsent(self, desk: Desk) -> None:
        """What was held is let go, and the mail service takes nothing."""
        desk.mailer.fault = MailUnavailable()
        for _ in range(4):
            desk.clock.advance(minutes=1)
            desk.sync_feed("harbor", "ehr~osei")
            desk.run_timers()
            with suppress(NotYet):
                desk.deliver()

    def test_a_cancellation_names_the_time_that_the_patient_knows(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(**at(LATER))
        self.released_but_unsent(desk)
        desk.call_off()
        self.released_but_unsent(desk)
        desk.mailer.fault = None
        desk.minutes(2)
        assert desk.told(request) == [CONFIRMED, CANCELLED]
        assert "November 24" in desk.last_mail()
        assert "November 25" not in desk.last_mail()
        (file,) = [one for one in message_from_bytes(desk.mailer.sent[-1][0]).walk() if one.get_filename()]
        assert b"DTSTART;TZID=America/Los_Angeles:20261124T093000" in bytes(file.get_payload(decode=True))

    def test_calendars_take_what_goes_out_together_in_its_order(self, desk: Desk) -> None:
        """RFC 5546, 2.1.4: a file that has no higher SEQUENCE, nor a later DTSTAMP, than the one before is an old one."""
        request = desk.confirmed()
        desk.mailer.fault = MailUnavailable()
        desk.undo(request)
        desk.clock.advance(minutes=1)
        desk.enter("appt-2", **at(LATER))
        desk.sync_feed("harbor", "ehr~osei")
        desk.accept(request, "appt-2")
        self.released_but_unsent(desk)
        desk.mailer.fault = None
        desk.minutes(2)
        assert desk.told(request) == [CONFIRMED, CORRECTION, RESCHEDULED]
        said = []
        for mime, *_ in desk.mailer.sent:
            files = [one for one in message_from_bytes(mime).walk() if one.get_content_type() == "text/calendar"]
            for file in files:
                calendar = icalendar.Calendar.from_ical(bytes(file.get_payload(decode=True)))
                said += [(str(calendar["METHOD"]), event["SEQUENCE"]) for event in calendar.walk("VEVENT")]
        assert [method for method, _ in said] == ["REQUEST", "CANCEL", "REQUEST"]
        numbers = [number for _, number in said]
        assert numbers == sorted(set(numbers))

    def test_whoever_knew_of_no_visit_is_told_of_the_request(self, desk: Desk) -> None:
        request = desk.ask()
        desk.enter()
        self.released_but_unsent(desk)
        desk.call_off()
        self.released_but_unsent(desk)
        desk.mailer.fault = None
        desk.minutes(2)
        assert desk.told(request) == [CANCELLED]
        assert "text/calendar" not in desk.last_mail()

    def test_a_move_and_back_again_is_no_news(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.change(**at(LATER))
        self.released_but_unsent(desk)
        desk.change(**at(START))
        self.released_but_unsent(desk)
        desk.mailer.fault = None
        desk.minutes(2)
        assert desk.told(request) == [CONFIRMED]

    def test_confirmed_moved_and_moved_back_before_anything_went_out_is_confirmed(self, desk: Desk) -> None:
        request = desk.ask()
        desk.enter()
        for start in (START, LATER, START):
            desk.change(**at(start))
            self.released_but_unsent(desk)
        desk.mailer.fault = None
        desk.minutes(2)
        assert len(desk.told(request)) == 1
        assert "is confirmed" in desk.last_mail()
        assert "November 25" not in desk.last_mail()

    def test_nothing_of_a_visit_that_has_begun_meanwhile(self, desk: Desk) -> None:
        request = desk.ask()
        desk.enter()
        desk.clock.advance(minutes=1)
        desk.sync_feed("harbor", "ehr~osei")
        desk.clock.at = START
        desk.deliver()
        assert desk.told(request) == []

    def test_staff_cancel_and_the_patient_is_told_once_however_often(self, desk: Desk) -> None:
        request = desk.ask()
        for _ in range(3):
            desk.cancel_by_staff("harbor", NADIA, request.id, "not_available", "")
            desk.minutes()
        assert desk.told(request) == [CANCELLED]


class TestServiceInTrouble:
    def test_a_rate_is_obeyed_with_pauses_and_then_left_to_the_queue(self, world: World) -> None:
        world.submit()
        world.mailer.fault = MailThrottled()
        began = world.clock.now()
        with pytest.raises(NotYet):
            world.deliver()
        assert timedelta(seconds=1) < world.clock.now() - began < timedelta(seconds=15)
        world.mailer.fault = None
        world.deliver()
        assert [str(tags["message"])[7:] for *_, tags in world.mailer.sent] == RECEIVED

    def test_what_a_short_outage_leaves_unanswered_goes_out_after_it(self, world: World) -> None:
        """Both tries are not spent on it; what the service took after all it tells meanwhile (track_mail)."""
        request = world.submit().request
        world.mailer.fault = MailOutcomeUnknown()
        for _ in range(4):
            with pytest.raises(NotYet):
                world.deliver()
            world.clock.advance(minutes=1)
        world.mailer.fault = None
        world.clock.advance(minutes=2)
        world.deliver()
        assert [str(tags["message"])[7:] for *_, tags in world.mailer.sent] == RECEIVED
        assert world.stored(request).call is None

    def test_a_used_up_quota_is_not_hammered(self, world: World) -> None:
        world.submit()
        world.mailer.fault = MailUnavailable()
        began = world.clock.now()
        with pytest.raises(NotYet):
            world.deliver()
        assert world.clock.now() == began

    def test_nothing_is_given_up_however_long_it_takes_and_it_is_tried_ever_more_slowly(self, world: World) -> None:
        submitted = world.submit()
        asked: list[int] = []
        for minute in range(180):
            world.clock.advance(minutes=1)
            world.queue.waiting.clear()
            world.run_timers()
            if any(subject == submitted.request.id for _, subject, _ in world.queue.waiting):
                asked.append(minute)
        assert 20 < len(asked) < 40
        assert asked[-1] > 165
        assert len([minute for minute in asked if minute < 15]) >= 12

    @given(st.lists(st.sampled_from(FAULTS), max_size=12))
    def test_whatever_the_service_says_each_message_is_told_once(self, faults: Sequence[MailError | None]) -> None:
        world = World()
        request = world.submit().request
        for minutes, fault in [*((3, fault) for fault in faults), *((61, None),) * 3]:
            world.mailer.fault = fault
            world.clock.advance(minutes=minutes)
            with suppress(NotYet):
                world.send_messages("harbor", request.id)
        told = [str(tags["message"]).partition("-")[2] for *_, tags in world.mailer.sent]
        kinds = [kind for kind in told if kind in RECEIVED]
        records = world.store.messages.list("harbor", request.id)
        uncertain = [one.kind for one in records if one.state is MessageState.UNCERTAIN and one.kind in RECEIVED]
        assert sorted([*kinds, *uncertain]) == sorted(RECEIVED)
        call = world.stored(request).call
        assert bool(call) == (MessageKind.RECEIVED_PATIENT in uncertain)
        assert call is None or call.why is Why.UNCERTAIN


class Flaky:
    """A mail service in trouble until `well_at`: it answers with a fault of its own, late, or cuts the connection, in turn, and
    takes the one in `takes` nevertheless, of which it tells after a while.
    """

    def __init__(self, desk: Desk, minutes: int, first: int, takes: int | None, tells_after: timedelta) -> None:
        self._desk, self._inner = desk, desk.mailer
        self._well_at = desk.clock.now() + timedelta(minutes=minutes)
        self._turn, self._takes, self._tells_after = first, takes, tells_after
        self.events: list[tuple[datetime, Mapping[str, str]]] = []

    def send(self, mime: bytes, sender: str, recipients: Sequence[str], tags: Mapping[str, str]) -> str:
        if self._desk.clock.now() >= self._well_at:
            return self._inner.send(mime, sender, recipients, tags)
        self._turn += 1
        if self._takes == self._turn:
            self._inner.send(mime, sender, recipients, tags)
            self.events.append((self._desk.clock.now() + self._tells_after, tags))
        raise (MailBroke(), MailOutcomeUnknown("ReadTimeoutError"), MailOutcomeUnknown("ConnectionClosedError"))[
            self._turn % 3
        ]

    def tell(self) -> None:
        for due, tags in [one for one in self.events if one[0] <= self._desk.clock.now()]:
            self.events.remove((due, tags))
            self._desk.track_mail(ses_events.read(an_event("recorded_send", tags["request"], tags["message"])))


class TestMixedOutage:
    """Faults of the service's own, late answers and cut connections in turn: all is sent after it, one doubled at most."""

    def live(self, minutes: int, first: int, takes: int | None, tells_after: timedelta) -> tuple[Desk, Request]:
        desk = Desk()
        service = Flaky(desk, minutes, first, takes, tells_after)
        desk.send_messages = replace(desk.send_messages, mailer=service)
        request = desk.submit(start=(START + timedelta(days=7)).isoformat()).request
        for _ in range(minutes + 65):
            with suppress(NotYet):
                desk.minutes()
            service.tell()
        return desk, request

    @pytest.mark.parametrize("minutes", [4, 8, 30])
    @pytest.mark.parametrize("first", range(3))
    def test_nothing_is_given_up_or_doubled(self, minutes: int, first: int) -> None:
        desk, request = self.live(minutes, first, None, timedelta())
        assert sorted(str(tags["message"])[7:] for *_, tags in desk.mailer.sent) == sorted(RECEIVED)
        assert desk.stored(request).due == ()
        assert desk.stored(request).call is None

    @pytest.mark.parametrize("minutes", [4, 8, 30])
    @pytest.mark.parametrize("first", range(3))
    @pytest.mark.parametrize("takes", range(1, 5))
    @pytest.mark.parametrize("tells_after", [1, 20])
    def test_what_it_took_after_all_is_doubled_only_where_it_tells_late(
        self, minutes: int, first: int, takes: int, tells_after: int
    ) -> None:
        desk, request = self.live(minutes, first, first + takes, timedelta(minutes=tells_after))
        counts = Counter(str(tags["message"])[7:] for *_, tags in desk.mailer.sent)
        assert set(counts) == set(RECEIVED)
        in_time = timedelta(minutes=tells_after) < UNANSWERED[0]
        assert counts.total() <= (2 if in_time else 3)
        assert desk.stored(request).due == ()
        assert desk.stored(request).call is None

    def test_where_the_visit_is_soon_staff_are_told_to_call_in_time(self) -> None:
        desk = Desk()
        request = desk.ask()
        desk.clock.at = START - timedelta(hours=2)
        desk.mailer.fault = MailOutcomeUnknown()
        for _ in range(15):
            with suppress(NotYet):
                desk.tick(minutes=1)
        call = desk.stored(request).call
        assert call
        assert (call.kind, call.why) == (MessageKind.NOT_CONFIRMED_PATIENT, Why.UNCERTAIN)

    def test_mail_to_staff_does_not_hold_it_up(self) -> None:
        desk = Desk()
        request = desk.submit(start=START.isoformat()).request
        desk.clock.at = START - timedelta(hours=2)
        desk.mailer.fault = MailOutcomeUnknown()
        with suppress(NotYet):
            desk.send_messages("harbor", request.id)
        desk.cancel_by_staff("harbor", NADIA, request.id, "not_available", "")
        for _ in range(30):
            desk.clock.advance(minutes=1)
            with suppress(NotYet):
                desk.send_messages("harbor", request.id)
        call = desk.stored(request).call
        assert call
        assert (call.kind, call.why) == (MessageKind.CANCELLED_PATIENT, Why.UNCERTAIN)

    def test_faults_that_the_service_owns_up_to_count_for_nothing(self) -> None:
        desk = Desk()
        request = desk.submit(start=(START + timedelta(days=7)).isoformat()).request
        for fault in (*[MailBroke()] * 20, *[MailOutcomeUnknown()] * (len(UNANSWERED) - 1), None):
            desk.mailer.fault = fault
            with suppress(NotYet):
                desk.send_messages("harbor", request.id)
            desk.clock.advance(minutes=61)
        assert [str(tags["message"])[7:] for *_, tags in desk.mailer.sent] == RECEIVED

    def test_of_what_it_may_have_taken_before_it_broke_a_correction_is_due(self) -> None:
        desk = Desk()
        request = desk.ask()
        desk.enter()
        desk.clock.advance(minutes=1)
        desk.sync_feed("harbor", "ehr~osei")
        desk.mailer.fault = MailBroke()
        with pytest.raises(NotYet):
            desk.deliver()
        desk.mailer.fault = None
        desk.undo(request)
        desk.clock.advance(minutes=6)
        desk.minutes(2)
        assert desk.told(request) == [CORRECTION]


class TestOutOfOrder:
    @given(st.lists(st.integers(0, 3), max_size=12))
    def test_the_queue_may_deliver_anything_again_at_any_time(self, order: list[int]) -> None:
        desk = Desk()
        requests = [desk.submit(f"{n:032d}", patient=_patient(n), start=_start(n)).request for n in range(4)]
        for number in order:
            desk.send_messages("harbor", requests[number].id)
            desk.clock.advance(seconds=1)
        desk.deliver()
        counts = Counter((tags["request"], str(tags["message"])[7:]) for *_, tags in desk.mailer.sent)
        assert set(counts.values()) == {1}
        assert len(counts) == 8

    def test_two_workers_at_once(self, world: World) -> None:
        request = world.submit().request
        claim = type(world.store.messages).claim

        def between(self: Any, *given: Any) -> None:
            type(world.store.messages).claim = claim  # type: ignore[method-assign]
            world.send_messages("harbor", request.id)
            claim(self, *given)

        type(world.store.messages).claim = between  # type: ignore[method-assign]
        try:
            with pytest.raises(NotYet):
                world.send_messages("harbor", request.id)
        finally:
            type(world.store.messages).claim = claim  # type: ignore[method-assign]
        assert len(world.mailer.sent) == 2

    def test_a_table_that_does_not_answer_loses_nothing(self, world: World) -> None:
        request = world.submit().request
        mark = type(world.store.messages).mark
        calls = 0

        def fails(self: Any, *given: Any) -> MessageRecord:
            nonlocal calls
            calls += 1
            if calls == 1:
                raise StoreUnavailable
            return mark(self, *given)

        type(world.store.messages).mark = fails  # type: ignore[method-assign]
        try:
            with pytest.raises(StoreUnavailable):
                world.send_messages("harbor", request.id)
            world.clock.advance(minutes=3)
            world.send_messages("harbor", request.id)
        finally:
            type(world.store.messages).mark = mark  # type: ignore[method-assign]
        counts = Counter(str(tags["message"])[7:] for *_, tags in world.mailer.sent)
        assert counts == {"received_staff": 2, "received_patient": 1}


def _patient(number: int) -> dict[str, str]:
    name = "ABCD"[number]
    return {"first_name": name, "last_name": name, "birth_date": "1984-03-12", "email": f"{name}@example.org"}


def _start(number: int) -> str:
    return (LATER + timedelta(minutes=30 * number)).isoformat()
