"""What only the clock brings: reminders in open hours, digests, "NOT confirmed", expiry. Late or doubled, it comes once."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from oneway.domain.availability import Closure
from oneway.domain.messages import MessageKind
from oneway.domain.practices import Switches
from oneway.domain.requests import Request, RequestedSlot
from oneway.domain.waiting import is_working, next_digest_at, nudge_at, reminded, warn_at
from oneway.faults import MailUnavailable, Unavailable
from oneway.use_cases.send_messages import NotYet

from tests.builders import NOW, START, ZONE, a_calendar, a_practice, a_provider, a_record, a_request
from tests.desk import Desk, at
from tests.fakes.store import FakeRequests

LOCAL = ZoneInfo(ZONE)
NUDGE, NOT_CONFIRMED = MessageKind.UNANSWERED_STAFF, MessageKind.NOT_CONFIRMED_PATIENT
DIGEST, EXPIRED = MessageKind.DIGEST_STAFF, MessageKind.EXPIRED_PATIENT
IN_DAYS = datetime(2026, 12, 3, 17, 30, tzinfo=UTC)
"""Thursday of next week, 9:30."""


def local(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    """A wall-clock time in 2026 at the practice."""
    return datetime(2026, month, day, hour, minute, tzinfo=LOCAL).astimezone(UTC)


def sent(desk: Desk) -> list[str]:
    """The kinds of what was sent, beyond what every request brings."""
    kinds = [str(tags["message"]).rpartition("-")[2] for *_, tags in desk.mailer.sent]
    return [kind for kind in kinds if not kind.startswith("received")]


def tick_at(desk: Desk, moment: datetime) -> list[str]:
    """What the clock sends at a moment."""
    before = len(sent(desk))
    desk.clock.at = moment
    desk.tick()
    return sent(desk)[before:]


@pytest.fixture
def desk() -> Desk:
    return Desk()


class TestReminders:
    """Asked on Monday at 10:00; open from 9 to 12 and from 13 to 17."""

    def test_staff_are_reminded_after_four_open_hours(self, desk: Desk) -> None:
        desk.ask(start=IN_DAYS)
        assert tick_at(desk, local(23, 14, 59)) == []
        assert tick_at(desk, local(23, 15)) == [NUDGE]
        assert tick_at(desk, local(23, 15)) == []
        assert tick_at(desk, local(23, 16)) == []

    @pytest.mark.parametrize(
        ("asked", "nudged"),
        [
            (local(23, 16), local(24, 12)),  # an hour today, three tomorrow
            (local(27, 16), local(30, 12)),  # over the weekend
            (local(28, 3), local(30, 14)),  # on a Saturday, at night
        ],
    )
    def test_nights_and_weekends_do_not_count(self, asked: datetime, nudged: datetime) -> None:
        assert nudge_at(a_practice(), asked) == nudged

    def test_closed_days_do_not_count(self) -> None:
        practice = a_practice(a_provider(), calendars={
            "osei": a_calendar(closures=(Closure(date(2026, 11, 24), date(2026, 11, 25)),)),
        })  # fmt: skip
        assert nudge_at(practice, local(23, 16)) == local(26, 12)

    def test_somebody_of_the_practice_is_enough(self) -> None:
        practice = a_practice()
        paused = practice.calendars | {"osei": a_calendar(paused=True)}
        assert nudge_at(replace(practice, calendars=paused), local(23, 10)) == local(23, 15)
        closed = dict.fromkeys(practice.calendars, a_calendar(paused=True))
        assert nudge_at(replace(practice, calendars=closed), local(23, 10)) == local(24, 10)

    def test_open_hours_follow_the_wall_clock(self) -> None:
        # On Sunday 8 March 2026 the clock goes from two to three: the day is closed, Friday and Monday are not.
        assert nudge_at(a_practice(), local(6, 15, month=3)) == local(9, 11, month=3)

    @pytest.mark.parametrize(
        ("late", "nudged"),
        [
            (local(23, 17, 1), local(24, 9)),  # the practice has closed
            (local(24, 3), local(24, 9)),
            (local(28, 12), local(30, 9)),  # a Saturday
        ],
    )
    def test_late_they_wait_for_the_practice_to_open(self, desk: Desk, late: datetime, nudged: datetime) -> None:
        desk.ask(start=IN_DAYS + timedelta(days=4))
        for moment in (late, late + timedelta(minutes=1), nudged - timedelta(minutes=1)):
            assert NUDGE not in tick_at(desk, moment)
        assert NUDGE in tick_at(desk, nudged)
        assert NUDGE not in tick_at(desk, nudged + timedelta(minutes=1))

    def test_late_on_a_working_day_they_come_at_once(self, desk: Desk) -> None:
        desk.ask(start=IN_DAYS)
        assert tick_at(desk, local(24, 12, 30)) == [NUDGE]

    def test_in_the_minute_in_which_the_practice_closes_they_come(self, desk: Desk) -> None:
        desk.clock.at = local(23, 12)
        desk.ask(start=IN_DAYS)
        assert tick_at(desk, local(23, 17)) == [NUDGE]

    def test_where_nobody_can_be_booked_for_a_month_nothing_is_waited_for(self) -> None:
        practice = a_practice()
        closed = replace(practice, calendars=dict.fromkeys(practice.calendars, a_calendar(paused=True)))
        request = a_request(slot=RequestedSlot(IN_DAYS, IN_DAYS), created_at=NOW)
        assert reminded(closed, request, local(25, 3)).nudged_at

    def test_once_also_where_something_else_was_decided_at_that_moment(self, desk: Desk) -> None:
        request = desk.ask(start=IN_DAYS)
        desk.enter(**at(IN_DAYS), patient=a_record(birth_date=date(1984, 12, 3)))
        desk.pull()
        desk.clock.at = local(23, 15)
        desk.store.before_commit = desk.tick
        desk.dismiss(request)
        assert sent(desk) == [NUDGE]
        assert tick_at(desk, local(23, 15, 10)) == []

    def test_what_was_answered_reminds_nobody(self, desk: Desk) -> None:
        desk.ask()
        desk.enter()
        desk.minutes()
        assert tick_at(desk, local(23, 16)) == []

    def test_the_switch_turns_reminders_and_digests_off(self) -> None:
        desk = Desk(a_practice(switches=Switches(unanswered=False)))
        desk.ask(start=IN_DAYS)
        assert tick_at(desk, local(23, 16)) == []
        assert tick_at(desk, local(24, 9)) == []


class TestDigest:
    def test_one_a_day_from_the_next_day_on_when_the_practice_opens(self, desk: Desk) -> None:
        for number in range(3):
            desk.ask(number, start=IN_DAYS + timedelta(minutes=30 * number), first_name="ABC"[number])
        assert tick_at(desk, local(23, 15)) == [NUDGE] * 3
        assert tick_at(desk, local(24, 8, 59)) == []
        assert tick_at(desk, local(24, 9)) == [DIGEST]
        assert "3 requests wait" in desk.last_mail()
        for hour in (9, 10, 16):
            assert tick_at(desk, local(24, hour, 30)) == []
        assert tick_at(desk, local(25, 9)) == [DIGEST]

    def test_weekends_bring_none(self, desk: Desk) -> None:
        desk.clock.at = local(27, 9)
        desk.ask(start=IN_DAYS)
        assert tick_at(desk, local(27, 15)) == [NUDGE]
        for day in (28, 29):
            assert tick_at(desk, local(day, 12)) == []
        assert tick_at(desk, local(30, 9)) == [DIGEST]

    def test_at_night_none_is_made_for_another_reason(self, desk: Desk) -> None:
        desk.ask(start=START + timedelta(days=1))  # the patient is told on Tuesday at 9:30
        assert tick_at(desk, local(23, 15)) == [NUDGE]
        request = next(iter(desk.store.requests_by_id.values()))
        desk.store.requests_by_id["harbor", request.id] = replace(request, look_at=local(24, 3))
        assert tick_at(desk, local(24, 3)) == []
        assert tick_at(desk, local(24, 9)) == [DIGEST]

    def test_none_is_made_once_the_practice_has_closed(self, desk: Desk) -> None:
        desk.ask(start=IN_DAYS)
        assert tick_at(desk, local(23, 15)) == [NUDGE]
        assert tick_at(desk, local(24, 22)) == []
        assert tick_at(desk, local(25, 8, 59)) == []
        assert tick_at(desk, local(25, 9)) == [DIGEST]

    def test_late_one_is_made_at_noon_as_well(self, desk: Desk) -> None:
        desk.ask(start=IN_DAYS)
        assert tick_at(desk, local(23, 15)) == [NUDGE]
        assert tick_at(desk, local(24, 12, 30)) == [DIGEST]

    def test_what_was_answered_before_it_went_out_is_not_in_it(self, desk: Desk) -> None:
        request = desk.ask(start=IN_DAYS)
        tick_at(desk, local(23, 15))
        desk.clock.at = local(24, 9)
        desk.run_timers()
        desk.cancel_by_staff("harbor", "nadia@harbor.example", request.id, "not_available", "")
        assert DIGEST not in tick_at(desk, local(24, 9, 1))

    def test_after_days_without_mail_there_is_one_and_not_one_of_each_day(self, desk: Desk) -> None:
        desk.ask(start=IN_DAYS)
        assert tick_at(desk, local(23, 15)) == [NUDGE]
        desk.mailer.fault = MailUnavailable()
        for day in (24, 25):
            desk.clock.at = local(day, 9)
            desk.run_timers()
            with pytest.raises(NotYet):
                desk.deliver()
        desk.mailer.fault = None
        assert tick_at(desk, local(26, 8)) == []
        assert tick_at(desk, local(26, 9)) == [DIGEST]
        assert all(notice.sent_at for notice in desk.store.notices_by_id.values())

    def test_each_recipient_gets_what_is_theirs_once(self) -> None:
        desk = Desk()
        brandt = replace(desk.practice.providers["brandt"], recipients=("Lena@harbor.example", "FRONT@harbor.example"))
        providers = desk.practice.providers | {"brandt": brandt}
        desk.store.practices.save(
            replace(desk.practice, providers=providers, recipients=("front@harbor.example", "a@x.example"))
        )
        asked = {
            provider: desk.submit(
                f"{number:032d}", provider=provider, start=(IN_DAYS + timedelta(minutes=30 * number)).isoformat()
            )
            for number, provider in enumerate(("osei", "brandt"))
        }
        desk.deliver()
        tick_at(desk, local(23, 15))
        desk.mailer.sent.clear()
        assert tick_at(desk, local(24, 9)) == [DIGEST] * 3
        named = {}
        for mime, _, recipients, _ in desk.mailer.sent:
            text = mime.decode()
            named[recipients] = [one for one in asked if asked[one].request.id in text]
        assert named == {
            ("front@harbor.example",): ["osei", "brandt"],
            ("a@x.example",): ["osei"],
            ("Lena@harbor.example",): ["brandt"],
        }
        assert len({message_from_bytes(mime)["Message-ID"] for mime, *_ in desk.mailer.sent}) == 3
        for minute in (1, 30):
            assert tick_at(desk, local(24, 9, minute)) == []

    @given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)))
    def test_it_comes_when_the_practice_opens_whatever_the_clock_does(self, moment: datetime) -> None:
        practice, now = a_practice(), moment.replace(tzinfo=UTC)
        due = next_digest_at(practice, now - timedelta(days=7), now)
        shown = due.astimezone(LOCAL)
        assert due > now
        assert (shown.hour, shown.minute) == (9, 0)
        assert shown.weekday() < 5
        assert is_working(practice, due)
        assert not is_working(practice, due - timedelta(minutes=1))


class TestNotConfirmed:
    def test_a_day_before_the_start(self, desk: Desk) -> None:
        request = desk.ask(start=IN_DAYS)
        tick_at(desk, IN_DAYS - timedelta(hours=24, minutes=1))
        assert NOT_CONFIRMED not in sent(desk)
        assert tick_at(desk, IN_DAYS - timedelta(hours=24)) == [NOT_CONFIRMED]
        assert tick_at(desk, IN_DAYS - timedelta(hours=20)) in ([], [DIGEST])
        assert desk.told(request) == [NOT_CONFIRMED]

    def test_two_hours_before_where_it_was_asked_for_later(self, desk: Desk) -> None:
        desk.ask()  # at 10:00 for 9:30 tomorrow
        tick_at(desk, START - timedelta(hours=2, minutes=1))
        assert NOT_CONFIRMED not in sent(desk)
        assert NOT_CONFIRMED in tick_at(desk, START - timedelta(hours=2))

    @pytest.mark.parametrize(
        ("asked_before", "warned_before"),
        [(25, 24), (24, 2), (3, 2), (2, None), (1, None)],
    )
    def test_when(self, asked_before: float, warned_before: float | None) -> None:
        request = a_request(created_at=START - timedelta(hours=asked_before))
        assert warn_at(request) == (START - timedelta(hours=warned_before) if warned_before else None)

    def test_the_day_is_24_hours_also_where_the_clock_changes(self) -> None:
        start = datetime(2026, 11, 1, 18, tzinfo=UTC)  # ten, on the day when it is one o'clock twice
        request = a_request(slot=RequestedSlot(start, start), created_at=start - timedelta(days=9))
        assert warn_at(request) == start - timedelta(hours=24)

    def test_late_it_comes_as_long_as_the_visit_has_not_begun(self, desk: Desk) -> None:
        desk.ask(start=IN_DAYS)
        assert NOT_CONFIRMED in tick_at(desk, IN_DAYS - timedelta(minutes=1))
        late = Desk()
        late.ask(start=IN_DAYS)
        late.clock.at = IN_DAYS
        late.minutes()
        assert sent(late) == [EXPIRED]

    def test_what_waited_too_long_to_go_out_does_not(self, desk: Desk) -> None:
        request = desk.ask(start=IN_DAYS)
        desk.clock.at = IN_DAYS - timedelta(hours=24)
        desk.run_timers()  # it is due, and the mail service stands still
        desk.clock.at = IN_DAYS
        desk.deliver()
        assert NOT_CONFIRMED not in desk.told(request)

    @pytest.mark.parametrize("to_come", [True, False])
    def test_nor_is_it_said_then_that_the_request_was_received(self, desk: Desk, to_come: bool) -> None:
        request = desk.submit(start=IN_DAYS.isoformat()).request  # the mail service stands still
        desk.clock.at = IN_DAYS - timedelta(minutes=to_come)
        desk.deliver()
        kinds = [tags["message"].partition("-")[2] for *_, tags in desk.mailer.sent]
        assert kinds == ["received_staff"] + ["received_patient"] * to_come
        assert desk.stored(request).due == ()

    def test_whoever_was_confirmed_meanwhile_does_not_get_it(self, desk: Desk) -> None:
        request = desk.ask(start=IN_DAYS)
        desk.clock.at = IN_DAYS - timedelta(hours=24)
        desk.run_timers()
        desk.enter(**at(IN_DAYS))
        desk.sync_feed("harbor", "ehr~osei")
        desk.deliver()
        assert desk.told(request) == ["confirmed_patient"]

    def test_whoever_was_told_of_a_mistake_is_not_told_the_same_again(self, desk: Desk) -> None:
        request = desk.confirmed()
        desk.clock.at = START - timedelta(hours=1)
        desk.undo(request)
        desk.minutes(5)
        assert desk.told(request) == ["confirmed_patient", "correction_patient"]

    def test_the_switch(self) -> None:
        desk = Desk(a_practice(switches=Switches(not_confirmed=False, expired=False)))
        request = desk.ask(start=IN_DAYS)
        tick_at(desk, IN_DAYS - timedelta(hours=1))
        desk.clock.at = IN_DAYS
        desk.minutes(2)
        assert desk.stored(request).state == "expired"
        assert desk.told(request) == []


class TestExpiry:
    def test_after_a_good_pull_made_after_the_start_the_patient_is_told(self, desk: Desk) -> None:
        request = desk.ask()
        desk.clock.at = START + timedelta(minutes=1)
        desk.source.fault = Unavailable()
        desk.minutes(3)
        assert desk.stored(request).pending
        desk.source.fault = None
        desk.clock.advance(hours=2)
        desk.minutes(2)
        assert desk.told(request) == [EXPIRED]
        desk.minutes(5)
        assert desk.told(request) == [EXPIRED]

    @pytest.mark.parametrize("leaves", [True, False])
    @pytest.mark.parametrize("slot", [True, False])
    def test_where_nothing_reads_the_provider_any_more_no_pull_is_waited_for(self, leaves: bool, slot: bool) -> None:
        desk = Desk(a_practice(a_provider(), a_provider("brandt"), switches=Switches(not_confirmed=False)))
        request = desk.ask() if slot else desk.ask_for_another_time(START.date())
        desk.reads_no_more("osei", leaves=leaves)
        desk.clock.at = request.expires_at - timedelta(minutes=1)
        desk.tick()
        assert desk.stored(request).pending
        desk.tick(minutes=1)
        desk.tick(minutes=1)
        assert desk.stored(request).state == "expired"
        assert desk.told(request) == [EXPIRED]

    def test_a_visit_with_whoever_took_over_is_looked_for_once_more_before(self, desk: Desk) -> None:
        request = desk.ask()
        desk.enter(patient=a_record(birth_date=date(1984, 12, 3)), provider_external_id="prac-brandt")
        desk.minutes()
        desk.reads_no_more("osei", leaves=True)
        desk.clock.at = request.expires_at
        desk.tick(minutes=1)
        assert desk.stored(request).pending, "staff are asked first"


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """How often requests are looked up, by the call."""
    calls: Counter[str] = Counter()
    names = ("get", "get_many", "to_act", "closed", "unsent", "to_look_at")
    before = {name: getattr(FakeRequests, name) for name in names}

    def watched(name: str) -> object:
        def call(self: FakeRequests, *given: object) -> object:
            calls[name] += 1
            return before[name](self, *given)

        return call

    for name in names:
        setattr(FakeRequests, name, watched(name))
    try:
        yield calls
    finally:
        for name, function in before.items():
            setattr(FakeRequests, name, function)


class TestCost:
    def test_when_nothing_has_its_time_two_questions_are_asked_and_nothing_is_written(self, desk: Desk) -> None:
        for number in range(5):
            desk.ask(number, start=IN_DAYS + timedelta(minutes=30 * number), last_name="ABCDE"[number])
        desk.tick(minutes=1)
        writes = desk.store.writes
        before = dict(desk.store.requests_by_id)
        with counted() as calls:
            desk.run_timers()
        assert calls == {"unsent": 1, "to_look_at": 1}
        assert (desk.store.writes, desk.store.requests_by_id) == (writes, before)

    def test_a_bug_with_one_request_does_not_hold_up_the_others(self, desk: Desk) -> None:
        bad = desk.ask(0, start=IN_DAYS)
        desk.ask(1, start=IN_DAYS + timedelta(minutes=30), first_name="Jon")
        desk.store.requests_by_id["harbor", bad.id] = replace(desk.stored(bad), created_at=None)  # type: ignore[arg-type]
        desk.clock.at = local(23, 16)
        done = desk.run_timers()
        assert (done.reminded, len(done.broke)) == (1, 1)


@given(st.lists(st.integers(1, 900), min_size=5, max_size=60), st.booleans())
def test_however_late_or_often_the_clock_ticks_each_is_told_once(passed: list[int], twice: bool) -> None:
    desk = Desk()
    request: Request = desk.ask(start=IN_DAYS)
    nudged = False
    for minutes in passed:
        desk.clock.advance(minutes=minutes)
        shown = desk.clock.at.astimezone(LOCAL)
        nudged |= desk.clock.at >= local(23, 15) and shown.weekday() < 5 and 9 <= shown.hour < 17
        for _ in range(2 if twice else 1):
            desk.run_timers()
        desk.sync_feed("harbor", "ehr~osei")
        desk.deliver()
    counts = Counter(sent(desk))
    assert counts[NUDGE] <= 1
    assert counts[NOT_CONFIRMED] <= 1
    assert counts[EXPIRED] <= 1
    days = {desk.clock.at.date() - timedelta(days=n) for n in range((desk.clock.at - NOW).days + 2)}
    assert counts[DIGEST] <= len(days)
    if desk.clock.at < IN_DAYS:
        assert desk.stored(request).pending
        assert counts[NUDGE] == nudged
        assert counts[NOT_CONFIRMED] == (desk.clock.at >= IN_DAYS - timedelta(hours=24))
