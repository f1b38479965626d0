"""Mail to staff that the mail service refuses, or never speaks of: the others get theirs, and staff hear of it in the portal."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace
from oneway.domain import notices
from oneway.domain.errors import StoreUnavailable, WriteConflict
from oneway.domain.messages import MessageKind, MessageRecord, MessageState, Why
from oneway.domain.requests import Request
from oneway.faults import MailError, MailOutcomeUnknown, MailRefused, MailUnavailable
from oneway.mail import ses_events
from oneway.use_cases.send_messages import UNANSWERED, NotYet
from oneway.use_cases.staff_mail import StaffMailTrouble

from tests.desk import LATER, NADIA, Desk
from tests.ses_events import an_event
from tests.stage import Killed

FRONT, BEN, BAD = "front@harbor.example", "ben@harbor.example", "nobody@harbor"
TO_STAFF = "000001-received_staff"


@dataclass
class Picky:
    """A mail service that refuses whatever goes to an address it does not like."""

    bad: frozenset[str] = frozenset((BAD,))
    taken: list[tuple[str, ...]] = field(default_factory=list)
    before: Callable[[Sequence[str]], None] = lambda recipients: None

    def send(self, mime: bytes, sender: str, recipients: Sequence[str], tags: Mapping[str, str]) -> str:
        self.before(recipients)
        if self.bad & set(recipients) or any(one.encode() in mime for one in self.bad):
            raise MailRefused("InvalidParameterValue")
        self.taken.append(tuple(recipients))
        return f"mail-{len(self.taken)}"

    def staff(self) -> Counter[str]:
        """How often each of the staff got something."""
        return Counter(one for recipients in self.taken for one in recipients if one.endswith("@harbor.example"))


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.practice = replace(desk.practice, recipients=(FRONT, BAD, BEN))
    desk.store.practices.save(desk.practice)
    return desk


@pytest.fixture
def picky(desk: Desk) -> Picky:
    picky = Picky()
    desk.send_messages = replace(desk.send_messages, mailer=picky)
    return picky


def trouble(desk: Desk) -> StaffMailTrouble:
    return desk.stopped_staff_mail(desk.store.practices.get("harbor"))


def missed(desk: Desk) -> list[tuple[str, Why]]:
    return [(address, one.why) for address, one in trouble(desk).missed]


def record(desk: Desk, request: Request) -> MessageRecord:
    return next(one for one in desk.store.messages.list("harbor", request.id) if one.id == TO_STAFF)


def until_done(desk: Desk, request: Request) -> None:
    for waits in UNANSWERED:
        desk.clock.advance(seconds=waits.total_seconds() + 60)
        with suppress(NotYet):
            desk.send_messages("harbor", request.id)


def test_one_bad_address_keeps_a_message_from_no_other(desk: Desk, picky: Picky) -> None:
    request = desk.ask()
    assert picky.staff() == {FRONT: 1, BEN: 1}
    assert ("maria@example.org",) in picky.taken
    assert record(desk, request).state is MessageState.SENT
    assert missed(desk) == [(BAD, Why.REFUSED)]
    assert trouble(desk).stopped == []
    assert desk.stored(request).call is None


def test_nor_a_notice(desk: Desk, picky: Picky) -> None:
    notice = notices.test_message("harbor", (), desk.clock.now())
    desk.store.notices.add(notice)
    desk.deliver()
    assert picky.staff() == {FRONT: 1, BEN: 1}
    assert missed(desk) == [(BAD, Why.REFUSED)]
    done = desk.store.notices.get("harbor", notice.id)
    assert done
    assert done.sent_at


def test_the_next_message_is_sent_to_it_again(desk: Desk, picky: Picky) -> None:
    desk.ask()
    picky.bad = frozenset()
    desk.ask(1, first_name="Ana", start=LATER)
    assert picky.staff() == {FRONT: 2, BEN: 2}
    assert (FRONT, BAD, BEN) in picky.taken
    assert missed(desk) == [(BAD, Why.REFUSED)], "until staff have seen it"
    desk.use_staff_address_again("harbor", NADIA, BAD)
    assert missed(desk) == []


@pytest.mark.parametrize("recipients", [(BAD,), (BAD, "nobody@else")])
def test_where_nobody_is_left_it_is_not_sent_and_each_is_told_of(
    desk: Desk, picky: Picky, recipients: tuple[str, ...]
) -> None:
    desk.store.practices.save(replace(desk.practice, recipients=recipients))
    picky.bad = frozenset(recipients)
    told: list[tuple[str, Why]] = []
    desk.send_messages = replace(desk.send_messages, staff_missed=lambda *given: told.append(given))
    request = desk.ask()
    assert (record(desk, request).state, record(desk, request).why) == (MessageState.UNSENT, Why.REFUSED)
    assert missed(desk) == [(one, Why.REFUSED) for one in recipients]
    assert told == [(request.id, Why.REFUSED)]


def test_of_what_nobody_knows_staff_are_told_too(desk: Desk, picky: Picky) -> None:
    picky.before = raising(MailOutcomeUnknown(), lambda to: FRONT in to)
    told: list[tuple[str, Why]] = []
    desk.send_messages = replace(desk.send_messages, staff_missed=lambda *given: told.append(given))
    request = desk.submit().request
    for _ in range(2):
        until_done(desk, request)
    assert record(desk, request).state is MessageState.UNCERTAIN
    assert missed(desk) == [(one, Why.UNCERTAIN) for one in (FRONT, BAD, BEN)]
    assert told == [(request.id, Why.UNCERTAIN)]


def test_of_what_was_taken_and_then_rejected_staff_are_told_too(desk: Desk) -> None:
    """SES names whom it was for, and nobody in particular: it went to none of them."""
    desk.store.practices.save(replace(desk.practice, recipients=(FRONT, BEN)))
    request = desk.ask()
    event = an_event("reject", request.id, TO_STAFF)
    event["detail"]["mail"]["destination"] = [FRONT, BEN]
    for _ in range(2):
        desk.track_mail(ses_events.read(event))
    assert missed(desk) == [(FRONT, Why.REFUSED), (BEN, Why.REFUSED)]
    assert trouble(desk).stopped == []
    assert desk.stored(request).call is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("reject", Why.REFUSED),
        ("bounce_transient", Why.BOUNCED),
        ("recorded_bounce_no_mailbox", Why.BOUNCED),
        ("recorded_complaint", Why.COMPLAINED),
        ("recorded_delivery", None),
        ("delay", None),
    ],
)
def test_whoever_watches_is_told_once_of_what_came_back_from_staff(desk: Desk, name: str, why: Why | None) -> None:
    told: list[tuple[str, Why]] = []
    desk.track_mail = replace(desk.track_mail, staff_missed=lambda *given: told.append(given))
    request = desk.ask()
    for _ in range(2):
        desk.track_mail(ses_events.read(an_event(name, request.id, TO_STAFF)))
        desk.track_mail(ses_events.read(an_event(name, request.id)))  # of the patient's: a call, and no alarm
    assert told == ([(request.id, why)] if why else [])


def test_of_a_patient_it_is_a_call_and_nothing_else(desk: Desk, picky: Picky) -> None:
    picky.bad = frozenset(("maria@example.org",))
    request = desk.ask()
    call = desk.stored(request).call
    assert call
    assert call.why is Why.REFUSED
    assert missed(desk) == []


@pytest.mark.parametrize("fault", [MailUnavailable(), MailOutcomeUnknown()])
@pytest.mark.parametrize("at", [FRONT, BAD, BEN])
def test_whoever_has_it_does_not_get_it_again_where_it_stops_half_way(
    desk: Desk, picky: Picky, fault: MailError, at: str
) -> None:
    picky.before = raising(fault, lambda to: list(to) == [at], 1)
    request = desk.submit().request
    until_done(desk, request)
    assert picky.staff() == {FRONT: 1, BEN: 1}
    assert record(desk, request).state is MessageState.SENT
    assert missed(desk) == [(BAD, Why.REFUSED)]


@pytest.mark.parametrize("writes", range(1, 9))
@pytest.mark.parametrize("error", [Killed, StoreUnavailable])
def test_wherever_it_is_cut_everybody_gets_it_and_one_of_them_twice_at_most(
    desk: Desk, picky: Picky, writes: int, error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    request = desk.submit().request
    fake = type(desk.store.messages)
    mark, made = fake.mark, Counter[str]()

    def cut(self: object, *given: object) -> MessageRecord:
        made["writes"] += 1
        if made["writes"] == writes:
            raise error
        return mark(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(fake, "mark", cut)
    with suppress(Killed, StoreUnavailable, NotYet, WriteConflict):
        desk.send_messages("harbor", request.id)
    until_done(desk, request)
    assert set(picky.staff()) == {FRONT, BEN}
    assert picky.staff().total() <= 3
    assert missed(desk) == [(BAD, Why.REFUSED)]
    assert desk.stored(request).due == ()


@pytest.mark.parametrize("name", ["recorded_send", "recorded_delivery", "bounce"])
def test_what_became_of_one_of_them_is_no_word_on_the_others(desk: Desk, picky: Picky, name: str) -> None:
    """SES tells of the first while the second is still to be sent: the event comes again."""
    waited: list[str] = []

    def tells(recipients: Sequence[str]) -> None:
        if picky.staff() and recipients[0].endswith("harbor.example"):
            with pytest.raises(StoreUnavailable):
                desk.track_mail(ses_events.read(an_event(name, request.id, TO_STAFF)))
            waited.append(name)

    picky.before = tells
    request = desk.submit().request
    desk.send_messages("harbor", request.id)
    picky.before = lambda recipients: None
    assert waited
    assert picky.staff() == {FRONT: 1, BEN: 1}
    assert desk.track_mail(ses_events.read(an_event(name, request.id, TO_STAFF)))
    assert record(desk, request).state is MessageState.SENT


def test_what_came_back_softly_is_told_of_too(desk: Desk) -> None:
    request = desk.ask()
    event = ses_events.read(an_event("bounce_transient", request.id, TO_STAFF))
    for _ in range(2):
        desk.track_mail(replace(event, recipients=(BEN,)))
    assert missed(desk) == [(BEN, Why.BOUNCED)]
    desk.use_staff_address_again("harbor", NADIA, BEN)
    desk.track_mail(replace(event, recipients=(BEN,)))
    assert missed(desk) == [], "an event may come twice"


def test_whoever_is_stopped_is_told_of_once(desk: Desk) -> None:
    request = desk.ask()
    event = ses_events.read(an_event("bounce_transient", request.id, TO_STAFF))
    desk.track_mail(replace(event, recipients=(BEN,)))
    desk.track_mail(replace(ses_events.read(an_event("bounce", request.id, TO_STAFF)), recipients=(BEN,)))
    assert [address for address, _ in trouble(desk).stopped] == [BEN]
    assert missed(desk) == []


def test_only_of_whom_staff_have_to_call_it_says_so(desk: Desk) -> None:
    by_kind = {
        (kind, why): MessageRecord("1", kind, MessageState.UNSENT, 1, why=why).is_to_call
        for kind in MessageKind
        for why in (Why.REFUSED, Why.UNCERTAIN)
    }
    assert not any(to_call for (kind, _), to_call in by_kind.items() if kind.to_staff)
    assert by_kind[MessageKind.CONFIRMED_PATIENT, Why.REFUSED]
    assert not by_kind[MessageKind.ASKED_TO_CANCEL_RECEIPT, Why.REFUSED]


def raising(
    fault: MailError, when: Callable[[Sequence[str]], bool], times: int = 99
) -> Callable[[Sequence[str]], None]:
    left = [times]

    def before(recipients: Sequence[str]) -> None:
        if when(recipients) and left[0]:
            left[0] -= 1
            raise fault

    return before
