"""Staff hear once that a source broke, and once that it is well again, whatever is lost or comes twice."""

from contextlib import suppress

import pytest
from msgspec.structs import replace
from oneway.domain.errors import Forbidden, PracticeNotFound, StoreUnavailable
from oneway.domain.events import HealthEvent
from oneway.faults import AuthRevoked, MailOutcomeUnknown, MailUnavailable
from oneway.use_cases.send_messages import NotYet
from oneway.use_cases.tell_staff_of_source import TellStaffOfSource

from tests.desk import LATER, NADIA, VIC, Desk


@pytest.fixture
def desk() -> Desk:
    return Desk()


def told(desk: Desk) -> list[str]:
    return [str(tags["message"]) for *_, tags in desk.mailer.sent]


def pull(desk: Desk, minutes: int = 1) -> None:
    for _ in range(minutes):
        desk.clock.advance(minutes=1)
        for provider in ("osei", "brandt"):
            desk.sync_feed("harbor", f"ehr~{provider}", now_asked=True)
        desk.tick()


def test_one_message_for_a_source_with_many_feeds_each_time(desk: Desk) -> None:
    pull(desk)
    desk.source.fault = AuthRevoked()
    pull(desk, 30)
    assert told(desk) == ["source_broken_staff"]
    desk.source.fault = None
    pull(desk, 30)
    assert told(desk) == ["source_broken_staff", "source_well_staff"]
    desk.source.fault = AuthRevoked()
    pull(desk, 5)
    assert told(desk) == ["source_broken_staff", "source_well_staff", "source_broken_staff"]
    assert "ehr" in desk.last_mail()


def test_it_is_well_when_all_its_feeds_are(desk: Desk) -> None:
    desk.source.fault = AuthRevoked()
    pull(desk)
    desk.source.fault = None
    desk.sync_feed("harbor", "ehr~osei", now_asked=True)
    desk.tick()
    assert told(desk) == ["source_broken_staff"]
    desk.sync_feed("harbor", "ehr~brandt", now_asked=True)
    desk.tick()
    assert told(desk) == ["source_broken_staff", "source_well_staff"]


def turned(desk: Desk, *, well: bool) -> None:
    """A source breaks, and is read again, without a word having been sent yet."""
    desk.source.fault = AuthRevoked()
    for provider in ("osei", "brandt"):
        desk.sync_feed("harbor", f"ehr~{provider}", now_asked=True)
    desk.source.fault = None
    desk.clock.advance(minutes=1)
    if well:
        for provider in ("osei", "brandt"):
            desk.sync_feed("harbor", f"ehr~{provider}", now_asked=True)


def send(desk: Desk, kind: str) -> None:
    """The word of one notice comes: those of two are in no order."""
    for notice in list(desk.store.notices_by_id.values()):
        if notice.kind == kind and not notice.sent_at:
            with suppress(NotYet):
                desk.send_messages("harbor", notice.name)


BROKEN, WELL = "source_broken_staff", "source_well_staff"


@pytest.mark.parametrize("order", [(BROKEN, WELL), (WELL, BROKEN, WELL)])
def test_what_was_over_before_mail_went_out_is_not_told(desk: Desk, order: tuple[str, ...]) -> None:
    """A day on which neither the source nor the mail service answered must not end with "cannot be read"."""
    turned(desk, well=False)
    desk.mailer.fault = MailUnavailable()
    send(desk, BROKEN)
    turned(desk, well=True)
    desk.mailer.fault = None
    for kind in order:
        send(desk, kind)
    assert told(desk) == []
    assert all(notice.sent_at for notice in desk.store.notices_by_id.values())
    pull(desk, 3)
    assert told(desk) == []


def test_that_it_is_well_waits_for_that_it_broke(desk: Desk) -> None:
    turned(desk, well=False)
    desk.mailer.fault = MailOutcomeUnknown()
    send(desk, BROKEN)  # perhaps it went out
    turned(desk, well=True)
    desk.mailer.fault = None
    send(desk, WELL)
    assert told(desk) == []
    desk.clock.advance(minutes=6)
    for kind in (WELL, BROKEN, WELL):
        send(desk, kind)
    assert told(desk) == [BROKEN, WELL]


def test_whoever_is_told_twice_of_a_turn_makes_one_notice(desk: Desk) -> None:
    desk.source.fault = AuthRevoked()
    pull(desk)
    tell = TellStaffOfSource(desk.store.notices, desk.clock)
    for _ in range(3):
        desk.clock.advance(minutes=1)
        for turn in desk.turns:
            tell(turn)
        desk.tick()
    assert told(desk) == ["source_broken_staff"]


def test_a_notice_that_could_not_be_made_comes_again_with_the_next_pull(desk: Desk) -> None:
    tell_health = desk.sync_feed.follow_pull.tell_health
    dead: list[bool] = [True]

    def dies(event: HealthEvent) -> None:
        if dead[0]:
            raise StoreUnavailable
        TellStaffOfSource(desk.store.notices, desk.clock)(event)

    follow = replace(desk.sync_feed.follow_pull, tell_health=replace(tell_health, consumers=[dies]))
    desk.sync_feed = replace(desk.sync_feed, follow_pull=follow)
    desk.source.fault = AuthRevoked()
    with pytest.raises(StoreUnavailable):
        pull(desk)
    assert told(desk) == []
    dead[0] = False
    pull(desk)
    assert told(desk) == ["source_broken_staff"]


def test_staffs_mail_goes_to_a_providers_own_recipients_each_once() -> None:
    desk = Desk()
    osei = replace(desk.practice.providers["osei"], recipients=("Osei@harbor.example", "osei@harbor.example"))
    desk.store.practices.save(replace(desk.practice, providers=desk.practice.providers | {"osei": osei}))
    desk.ask()
    desk.submit(f"{1:032d}", provider="brandt", start=LATER.isoformat())
    desk.deliver()
    staff = [to for _, _, to, tags in desk.mailer.sent if tags["message"].endswith("_staff")]
    assert staff == [("Osei@harbor.example",), ("front@harbor.example",)]


class TestTest:
    def test_staff_have_one_sent_to_the_practices_recipients(self, desk: Desk) -> None:
        for _ in range(3):
            desk.send_test_by_staff("harbor", NADIA)
        desk.deliver()
        assert told(desk) == ["test_staff"]
        assert desk.mailer.sent[0][2] == ("front@harbor.example",)
        desk.clock.advance(minutes=1)
        desk.send_test_by_staff("harbor", NADIA)
        desk.deliver()
        assert len(desk.mailer.sent) == 2

    def test_others_may_not(self, desk: Desk) -> None:
        with pytest.raises(Forbidden):
            desk.send_test_by_staff("harbor", VIC)
        with pytest.raises(PracticeNotFound):
            desk.send_test_by_staff("harbor", "eve@pier.example")

    def test_operators_may_send_it_elsewhere(self, desk: Desk) -> None:
        desk.send_test_by_staff("harbor", NADIA)
        notice = desk.send_test("harbor", ("me@example.org",))
        assert notice.recipients == ("me@example.org",)
        assert desk.send_test("harbor", ("ME@example.org",)) == notice
        desk.deliver()
        assert {to for _, _, to, _ in desk.mailer.sent} == {("front@harbor.example",), ("me@example.org",)}
