"""All senders together stay under the rate that the account has, in recipients a second."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from oneway.faults import MailThrottled
from oneway.mail.pacing import SENDERS, PacedMailer

from tests.builders import NOW
from tests.fakes.outside import FakeMailer
from tests.fakes.store import FakeClock

RATE = 14


@dataclass
class Sender:
    """One of the functions that run side by side, with its own clock."""

    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    inner: FakeMailer = field(default_factory=FakeMailer)
    at: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.mailer = PacedMailer(self.inner, RATE, self.clock)

    def send(self, people: int) -> None:
        self.mailer.send(b"", "a@oneway.example", [f"{n}@example.org" for n in range(people)], {})
        self.at += [(self.clock.at - NOW).total_seconds()] * people
        self.clock.advance(milliseconds=40)


@pytest.mark.parametrize("people", [1, 2, 3])
def test_a_flood_stays_under_the_rate(people: int) -> None:
    senders = [Sender() for _ in range(SENDERS)]
    for sender in senders:
        for _ in range(40):
            sender.send(people)
    sent = [moment for sender in senders for moment in sender.at]
    # Beside what each sends at once in the beginning, no stretch of time has more than its part.
    for seconds in (1, 2, 5):
        for start in range(int(max(sent)) - seconds):
            within = sum(start < moment <= start + seconds for moment in sent)
            assert within <= RATE * seconds + SENDERS * people


def test_what_comes_now_and_then_does_not_wait() -> None:
    sender = Sender()
    for _ in range(5):
        sender.send(1)
        sender.clock.advance(seconds=1)
    assert sender.clock.at == NOW + timedelta(seconds=5, milliseconds=200)


def test_a_message_to_very_many_does_not_hold_up_the_function() -> None:
    sender = Sender()
    sender.send(50)
    sender.send(1)
    assert sender.clock.at - NOW <= timedelta(seconds=4)


def test_a_try_that_was_refused_counts() -> None:
    sender = Sender()
    sender.inner.fault = MailThrottled()
    with pytest.raises(MailThrottled):
        sender.send(1)
    sender.inner.fault = None
    sender.send(1)
    assert (sender.clock.at - NOW).total_seconds() > SENDERS / RATE
