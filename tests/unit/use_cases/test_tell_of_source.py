"""Staff hear once that a source broke, and once that it is well again, whatever is lost or comes twice."""

from dataclasses import replace
from datetime import timedelta

import pytest
from oneway.domain.errors import Forbidden, PracticeNotFound
from oneway.domain.events import SourceBroken, SourceWell
from oneway.domain.notices import source_named
from oneway.faults import AuthRevoked

from tests.desk import NADIA, VIC, Desk


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


@pytest.mark.parametrize("lost", [SourceBroken, SourceWell])
def test_what_was_lost_with_its_worker_is_found_out_later(desk: Desk, lost: type) -> None:
    follow = desk.sync_feed.follow_pull

    def loses(events: object) -> None:
        follow([one for one in events if not isinstance(one, lost)])  # type: ignore[attr-defined]

    desk.sync_feed = replace(desk.sync_feed, follow_pull=loses)  # type: ignore[arg-type]
    desk.source.fault = AuthRevoked()
    pull(desk, 3)
    assert told(desk) == ["source_broken_staff"]
    desk.source.fault = None
    pull(desk, 15)
    assert told(desk) == ["source_broken_staff", "source_well_staff"]


def test_the_same_event_again_and_again_tells_nothing_new(desk: Desk) -> None:
    desk.source.fault = AuthRevoked()
    pull(desk)
    for _ in range(3):
        desk.sync_feed.follow_pull(
            [SourceBroken("harbor", "ehr~osei", "auth_revoked"), SourceWell("harbor", "ehr~osei")]
        )
        desk.tick()
    assert told(desk) == ["source_broken_staff"]


def test_while_all_is_well_the_clock_looks_at_no_source(desk: Desk) -> None:
    pull(desk, 3)
    assert not [
        one for _, one in desk.store.requests.to_look_at(desk.clock.now() + timedelta(days=9)) if source_named(one)
    ]


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
        desk.send_test("harbor", ("me@example.org",))
        desk.deliver()
        assert desk.mailer.sent[0][2] == ("me@example.org",)
