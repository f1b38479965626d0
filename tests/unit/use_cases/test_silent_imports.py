"""Nothing but requests ever mails a patient: whatever is imported, removed, restored or replayed, nobody hears of it."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from copy import deepcopy
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace
from oneway.domain import notices as notices_of
from oneway.domain.appointments import AppointmentState
from oneway.domain.feeds import VanishedAnswer, reads_elsewhere
from oneway.domain.notices import Notice, notice_named
from oneway.domain.practices import Source
from oneway.store.notices import _notice_item
from oneway.store.requests import request_item
from oneway.use_cases.apply_schedule import ApplySchedule
from oneway.use_cases.keep_feeds import KeepFeeds, feeds_of
from oneway.use_cases.sync_feed import SyncFeed

from tests.builders import START, ZONE, a_calendar, a_feed, a_provider, a_record, feed_settings
from tests.desk import CANCELLED, CONFIRMED, LATER, RESCHEDULED, Desk, at
from tests.fakes.outside import FakeMessageQueue
from tests.stage import Killed
from tests.unit import emf

OF_SCHEDULES = ("appointments_by_key", "digest_weeks", "feeds_by_id", "days_by_key")


@pytest.fixture
def desk() -> Desk:
    return Desk()


def a_schedule(desk: Desk, number: int = 50) -> None:
    """Visits of people with addresses, in all states, past and to come."""
    states = list(AppointmentState)
    for n in range(number):
        person = a_record(source_id=f"pat-{n}", emails=(f"visitor{n}@example.org",))
        start = START + timedelta(days=n % 20 - 5, minutes=30 * (n % 7))
        desk.enter(f"visit-{n}", patient=person, state=states[n % len(states)], **at(start))


def settle(desk: Desk) -> None:
    desk.minutes(4)
    desk.tick(hours=1)


def staff_accept(desk: Desk) -> None:
    """That so much went is right."""
    held = desk.store.feeds.get("harbor", "ehr~osei")
    assert held
    assert held.held
    desk.answer_held("harbor", "ehr~osei", VanishedAnswer.ACCEPT)
    desk.minutes(4)


def heard(desk: Desk) -> list[str]:
    """What was sent, but for what staff are told of the source: that much vanished, and nobody said yet whether it is right."""
    return [one for *_, tags in desk.mailer.sent if not (one := tags["message"]).startswith("source_")]


def walk_ins(desk: Desk) -> None:
    for n in range(5):
        desk.enter(f"walk-in-{n}", **at(desk.clock.now() + timedelta(minutes=10 * n)))
        desk.minutes()
    for n in range(5):
        desk.change(f"walk-in-{n}", state=list(AppointmentState)[n % 6])
        desk.minutes()


def everything_changes(desk: Desk) -> None:
    """All but the visit that answers a request."""
    for n, external_id in enumerate(one for one in list(desk.source.rows) if one != "appt-1"):
        if n % 3 == 0:
            desk.change(external_id, **at(desk.source.rows[external_id].start + timedelta(days=1)))
        elif n % 3 == 1:
            desk.call_off(external_id)
        else:
            desk.source.delete(external_id)
        desk.minutes()


def provider_added(desk: Desk) -> None:
    new = a_provider("ruiz")
    practice = replace(
        desk.practice,
        providers=desk.practice.providers | {"ruiz": new},
        calendars=desk.practice.calendars | {"ruiz": a_calendar()},
    )
    desk.store.practices.save(practice)
    desk.store.feeds.save(a_feed("ruiz"), a_feed("ruiz"))
    for n in range(10):
        desk.enter(f"ruiz-{n}", provider_external_id="prac-ruiz", **at(START + timedelta(days=n)))
    for _ in range(3):
        desk.clock.advance(minutes=1)
        desk.sync_feed("harbor", "ehr~ruiz")


def provider_removed(desk: Desk) -> None:
    providers = {key: one for key, one in desk.practice.providers.items() if key != "osei"}
    desk.store.practices.save(replace(desk.practice, providers=providers))
    desk.store.feeds.remove("harbor", "ehr~osei")


def source_changed(desk: Desk) -> None:
    """Another scheduling system: all visits are gone, and come back under other ids."""
    rows = list(desk.source.rows.values())
    desk.source.rows.clear()
    sources = {"ehr": Source("ehr", "fhir", "https://other.example/fhir", 1)}
    practice = replace(desk.practice, sources=sources)
    desk.store.practices.save(practice)
    for settings in feeds_of(practice):
        KeepFeeds(desk.store.feeds, desk.clock)(settings)
    desk.minutes(3)
    desk.source.enter(*(replace(row, external_id=f"new-{row.external_id}") for row in rows))


def source_changed_and_staff_accept(desk: Desk) -> None:
    source_changed(desk)
    settle(desk)
    staff_accept(desk)


def backed_up(desk: Desk) -> Callable[[], None]:
    """What is known of schedules, to be put back later."""
    kept = deepcopy({name: getattr(desk.store, name) for name in OF_SCHEDULES})

    def restore() -> None:
        for name, known in kept.items():
            setattr(desk.store, name, known)

    return restore


def table_restored(desk: Desk) -> None:
    """The table of an hour ago: digests, feeds and visits are older than what the source says."""
    restore = backed_up(desk)
    everything_changes(desk)
    restore()
    desk.minutes(2)
    staff_accept(desk)


def digests_lost(desk: Desk) -> None:
    desk.store.digest_weeks.clear()


HAPPENS = [
    walk_ins, everything_changes, provider_added, provider_removed, source_changed, source_changed_and_staff_accept,
    table_restored, digests_lost,
]  # fmt: skip


@pytest.mark.parametrize("happens", HAPPENS)
def test_nobody_hears_of_it(desk: Desk, happens: Callable[[Desk], None]) -> None:
    a_schedule(desk)
    settle(desk)  # the first sync
    happens(desk)
    settle(desk)
    assert len(desk.store.appointments_by_key) >= 10
    assert heard(desk) == []
    assert not [subject for _, subject in desk.store.messages_by_id if notice_named(subject) is None]
    assert [
        one for one in desk.store.requests.unsent(desk.clock.now() + timedelta(days=1)) if "notice" not in one[1]
    ] == []


@pytest.mark.parametrize("happens", HAPPENS)
def test_whoever_has_a_request_hears_nothing_of_it_either(desk: Desk, happens: Callable[[Desk], None]) -> None:
    """One of them was told of a visit, with which nothing happens, or nothing that anybody knows; the other one waits."""
    linked = desk.confirmed()
    waits = desk.ask(
        1, start=START + timedelta(hours=4), first_name="Rosa", last_name="Ortiz", email="rosa@example.org"
    )
    a_schedule(desk)
    settle(desk)
    before = heard(desk)
    happens(desk)
    settle(desk)
    assert desk.stored(linked).shown_state == AppointmentState.BOOKED
    assert desk.stored(waits).pending
    assert heard(desk) == before
    assert not [one for one in (linked, waits) if desk.stored(one).due]
    assert (desk.told(linked), desk.told(waits)) == ([CONFIRMED], [])


def test_a_schedule_restored_from_before_a_move_tells_nobody_of_it_again(desk: Desk) -> None:
    """The request knows more than the visits, the places and the digests do: what the source says is no news to it."""
    request = desk.confirmed()
    restore = backed_up(desk)
    desk.change(**at(LATER))
    desk.minutes(4)
    assert desk.told(request) == [CONFIRMED, RESCHEDULED]
    restore()
    settle(desk)
    assert desk.told(request) == [CONFIRMED, RESCHEDULED]
    assert desk.visit().row.start == desk.stored(request).start == LATER


class Written(dict[Any, Any]):
    """Items by key, and each that was ever written, as the table's stream holds them."""

    def __init__(self) -> None:
        super().__init__()
        self.stream: list[dict[str, Any]] = []

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        image = (_notice_item if isinstance(value, Notice) else request_item)(value).serialize()
        self.stream.append({"dynamodb": {"NewImage": image}})


class Pipe:
    """The two functions between the stream and the mail service."""

    def __init__(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("PUBLIC_URL", "SENDER", "CONFIGURATION_SET", "LINK_SECRETS_PARAMETER", "MESSAGE_QUEUE_URL"):
            monkeypatch.setenv(name, "https://book.example")
        self.relay, self.sender = emf.load("relay_changes", monkeypatch), emf.load("send_messages", monkeypatch)
        self.queue = FakeMessageQueue()
        self.relay.queue = self.queue  # type: ignore[attr-defined]
        self.sender.send_messages = desk.send_messages  # type: ignore[attr-defined]

    def flow(self, records: Sequence[dict[str, Any]]) -> int:
        """Deliver records of the stream; how many deliveries came of them. None may fail."""
        self.queue.waiting.clear()
        self.relay.handler({"Records": list(records)}, None)
        asked = [
            {
                "messageId": str(number),
                "attributes": {"MessageGroupId": f"{subject}.{number}"},
                "body": json.dumps({"practice": practice, "request": subject}),
            }
            for number, (practice, subject, _) in enumerate(self.queue.waiting)
        ]
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: 600_000)
        assert self.sender.handler({"Records": asked}, context) == {"batchItemFailures": []}
        return len(asked)


@pytest.mark.parametrize("again", [list, lambda stream: stream[::-1], lambda stream: stream * 2])
def test_a_replayed_stream_sends_nothing_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, again: Callable[[list[Any]], list[Any]]
) -> None:
    """Every version that a request or a notice ever had is delivered once more, in any order: what is stored decides, not what
    comes.
    """
    desk.store.requests_by_id, desk.store.notices_by_id = requests, notices = Written(), Written()
    request = desk.confirmed()
    desk.change(**at(LATER))
    desk.minutes(5)
    desk.call_off()
    desk.minutes(5)
    desk.ask(1, start=START + timedelta(days=2), first_name="Ana")
    desk.store.notices.add(notices_of.test_message("harbor", (), desk.clock.now()))
    desk.minutes()
    assert desk.told(request) == [CONFIRMED, RESCHEDULED, CANCELLED]
    assert {kind for kind, *_ in sent_by_kind(desk)} >= {"received_staff", "test_staff"}
    sent, stored = list(desk.mailer.sent), (dict(requests), dict(notices), deepcopy(desk.store.messages_by_id))
    stream = [*requests.stream, *notices.stream]

    pipe = Pipe(desk, monkeypatch)
    for _ in range(3):
        desk.clock.advance(hours=1)
        assert pipe.flow(again(stream)) >= 8, "the relay names what was unsent when it was written"

    assert desk.mailer.sent == sent
    assert (dict(requests), dict(notices), desk.store.messages_by_id) == stored


def test_what_the_stream_brings_first_goes_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way that is replayed is the way that mail goes."""
    desk.store.requests_by_id = requests = Written()
    pipe = Pipe(desk, monkeypatch)
    request = desk.submit().request
    assert pipe.flow(requests.stream) == 1
    assert [tags["message"] for *_, tags in desk.mailer.sent] == ["000001-received_staff", "000001-received_patient"]
    assert desk.stored(request).due == ()


def sent_by_kind(desk: Desk) -> list[tuple[str, ...]]:
    return [(str(tags["message"]).rpartition("-")[2], str(tags["request"])) for *_, tags in desk.mailer.sent]


@pytest.mark.parametrize("records_too", [False, True])
def test_a_request_restored_from_before_its_mail_is_told_no_more_than_once_again(desk: Desk, records_too: bool) -> None:
    """A table that was restored to before the mark: the records of its messages came back with it, or not."""
    desk.submit()
    store = desk.store
    before, restore = deepcopy((store.requests_by_id, store.messages_by_id)), backed_up(desk)
    desk.deliver()
    desk.enter()
    desk.minutes(3)
    first = Counter(str(tags["message"]) for *_, tags in desk.mailer.sent)
    assert set(first.values()) == {1}
    assert len(first) == 3
    restore()
    store.requests_by_id, records = before
    if records_too:
        store.messages_by_id = records
    desk.deliver()
    desk.minutes(10)
    assert Counter(str(tags["message"]) for *_, tags in desk.mailer.sent) == (first + first if records_too else first)


def moves_to(desk: Desk, **source: str | int) -> None:
    """The practice's source is another one, or read in another way: it has none of the visits before, and one of its own."""
    practice = desk.store.practices.get("harbor")
    moved = replace(practice.sources["ehr"], **source)  # type: ignore[arg-type]
    desk.store.practices.save(replace(practice, sources={"ehr": moved}))
    for settings in feeds_of(desk.store.practices.get("harbor")):
        KeepFeeds(desk.store.feeds, desk.clock)(settings)
    desk.source.rows.clear()
    desk.enter(
        "theirs", patient=a_record(source_id="other", emails=("o@example.org",)), **at(START + timedelta(days=3))
    )


@pytest.mark.parametrize("source", [{"address": "https://other.example/fhir"}, {"profile": "stamped"}])
@pytest.mark.parametrize("again", [False, True])
def test_a_source_that_moved_tells_no_patient_of_a_cancellation(
    desk: Desk, source: dict[str, str], again: bool
) -> None:
    request = desk.confirmed()
    visit = desk.source.rows["appt-1"]
    desk.clock.advance(minutes=5)
    moves_to(desk, **source)
    if again:
        desk.source.enter(replace(visit, external_id="new-1"))
    desk.minutes(5)
    desk.tick(hours=3)
    desk.minutes(3)
    assert desk.told(request) == [CONFIRMED]
    now = desk.stored(request)
    assert now.vanished_at, "staff are asked"
    assert now.to_act
    assert now.shown_state == AppointmentState.BOOKED


def test_where_staff_accept_that_much_went_no_patient_is_told_either(desk: Desk) -> None:
    a_schedule(desk)
    request = desk.confirmed()
    desk.clock.advance(minutes=5)
    moves_to(desk, address="https://other.example/fhir")
    desk.minutes(2)
    staff_accept(desk)
    desk.minutes()
    assert desk.stored(request).vanished_at
    assert desk.told(request) == [CONFIRMED]


def test_what_the_new_source_has_shown_is_cancelled_when_it_goes(desk: Desk) -> None:
    desk.minutes()
    moves_to(desk, address="https://other.example/fhir")
    desk.minutes()
    request = desk.ask()
    desk.enter()
    desk.minutes()
    assert desk.told(request) == [CONFIRMED]
    desk.source.delete("appt-1")
    desk.minutes(4)
    assert desk.told(request) == [CONFIRMED, CANCELLED]


def test_what_was_being_read_while_it_moved_is_of_the_old_source(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is applied after the move, and the new one's "not found" says nothing of it all the same."""
    desk.minutes()
    request = desk.ask()
    desk.enter()
    read = desk.source.snapshot

    def moved_meanwhile(*asked: Any) -> Any:
        found = read(*asked)
        monkeypatch.undo()
        moves_to(desk, address="https://other.example/fhir")
        desk.clock.advance(seconds=5)
        return found

    monkeypatch.setattr(desk.source, "snapshot", moved_meanwhile)
    desk.minutes()
    assert desk.told(request) == [CONFIRMED]
    desk.minutes(4)
    assert desk.told(request) == [CONFIRMED], "nobody has cancelled anything"
    assert desk.stored(request).vanished_at, "staff are asked"


@pytest.mark.parametrize("when", ["read", "begun"])
def test_nor_where_the_pull_that_read_it_dies(desk: Desk, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    """Nobody is left to say that what it applied after the move is of the old source."""
    desk.minutes()
    request = desk.ask()
    desk.enter()
    read, begin, apply_day = desk.source.snapshot, SyncFeed._begin, ApplySchedule._apply

    def moves() -> None:
        moves_to(desk, address="https://other.example/fhir")

    def was_read(*asked: Any) -> Any:
        found = read(*asked)
        if when == "read":
            moves()
        return found

    def begun(sync_feed: SyncFeed, pull: Any) -> Any:
        begins = begin(sync_feed, pull)
        if when == "begun":
            moves()
        return begins

    def applied_later(*asked: Any) -> Any:
        desk.clock.advance(seconds=3)
        return apply_day(*asked)

    def dies(*asked: Any) -> None:
        monkeypatch.undo()
        raise Killed

    monkeypatch.setattr(desk.source, "snapshot", was_read)
    monkeypatch.setattr(SyncFeed, "_begin", begun)
    monkeypatch.setattr(ApplySchedule, "_apply", applied_later)
    monkeypatch.setattr(SyncFeed, "_record", dies)
    with pytest.raises(Killed):
        desk.minutes()
    desk.minutes(8)
    assert CANCELLED not in desk.told(request), "nobody has cancelled anything"
    assert desk.stored(request).vanished_at, "staff are asked"


def test_to_be_read_more_often_is_no_move(desk: Desk) -> None:
    request = desk.confirmed()
    moves_to(desk, address="https://other.example/fhir")
    moved_at = desk.store.feeds_by_id["harbor", "ehr~osei"].moved_at
    assert moved_at
    desk.clock.advance(minutes=5)
    moves_to(desk, interval_minutes=15)
    assert desk.store.feeds_by_id["harbor", "ehr~osei"].moved_at == moved_at
    desk.minutes(5)
    assert desk.told(request) == [CONFIRMED]


@pytest.mark.parametrize(("external_id", "elsewhere"), [("prac-osei", False), ("prac-99", True)])
def test_another_provider_of_the_source_is_another_schedule(external_id: str, elsewhere: bool) -> None:
    before = feed_settings("osei")
    after = replace(before, providers=((external_id, "osei", ZONE), ("prac-ruiz", "ruiz", ZONE)))
    assert reads_elsewhere(before, after) is elsewhere
