"""A source that tells what changed is read whole once an hour, and when somebody waits for what only a whole window shows."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from oneway.domain.appointments import Appointment, AppointmentState
from oneway.domain.deltas import OVERLAP, asked_from
from oneway.domain.feeds import Seen, VanishedAnswer
from oneway.faults import Unavailable
from oneway.use_cases.sync_feed import Outcome, SyncReport

from tests.builders import NOW, START, a_practice, a_provider, a_row
from tests.fakes.outside import FakeSource
from tests.fakes.store import FakeClock
from tests.stage import Stage, WatchedStore
from tests.world import World

FEED = "harbor", "ehr~osei"
LATER = START + timedelta(days=1)


def a_visit(identifier: str, start: datetime = LATER, **changes: object):  # type: ignore[no-untyped-def]
    return a_row(identifier, start=start, end=start + timedelta(minutes=30), **{"patient": None, **changes})


@pytest.fixture(params=["token", "queue"])
def source(request: pytest.FixtureRequest) -> FakeSource:
    return FakeSource(delta=request.param, tombstones=True)


@pytest.fixture
def world(source: FakeSource) -> World:
    """One in which everything was read a minute ago."""
    world = World(a_practice(a_provider(split=3)), source=source)
    source.enter(a_visit("one"), a_visit("two", LATER + timedelta(hours=1)))
    world.pull()  # looks back
    world.pull()  # and the usual window, which leaves where changes begin
    assert (source.pulls, source.deltas) == (2, 0)
    return world


def visits(world: World) -> dict[str, Appointment]:
    return {one.row.external_id: one for one in world.store.appointments_by_key.values()}


def whole(world: World, **asked: bool) -> bool:
    """Whether a pull read everything."""
    before = world.source.pulls
    world.clock.advance(minutes=1)
    world.sync_feed(*FEED, **asked)
    return world.source.pulls > before


class TestChanges:
    def test_what_changed_is_applied_and_confirmed_without_reading_the_rest(self, world: World) -> None:
        submitted = world.submit()
        world.source.enter(a_row("answer"))
        report = world.pull()
        assert (report.outcome, report.seen, report.confirmed) == (Outcome.CHANGED, 1, 1)
        assert world.stored(submitted.request).link
        assert world.source.pulls == 2

    def test_what_is_not_named_is_as_it_was(self, world: World) -> None:
        world.source.tombstones = False
        world.source.delete("one")
        for _ in range(5):
            world.pull()
        assert visits(world)["one"].missing_since is None
        assert world.store.feeds_by_id[FEED].suspects == 0

    def test_a_visit_that_went_beyond_the_horizon_is_brought_up_to_date_and_left_alone(self, world: World) -> None:
        world.source.enter(a_visit("one", NOW + timedelta(days=380)))
        world.source.enter(a_visit("new", NOW + timedelta(days=380)))
        assert world.pull().changed == 1
        assert visits(world)["one"].start == NOW + timedelta(days=380)
        assert "new" not in visits(world)
        assert whole(world, now_asked=True)
        assert world.pull().missing == 0

    def test_what_is_as_it_was_before_a_delta_is_news_after_it(self, world: World) -> None:
        before = world.source.rows["one"]
        world.source.enter(a_visit("one", LATER + timedelta(hours=5)))
        world.pull()
        world.source.rows["one"] = before  # and no word of it
        assert whole(world, now_asked=True)
        assert visits(world)["one"].row == before

    def test_a_late_word_about_a_visit_of_last_week_is_heard(self, world: World) -> None:
        world.source.enter(a_visit("old", NOW - timedelta(days=8), state=AppointmentState.COMPLETED))
        assert world.pull().changed == 1


class TestCost:
    def calls(self, source: FakeSource) -> list[str]:
        clock = FakeClock(NOW)
        store = WatchedStore()
        store.stage = stage = Stage(clock)
        world = World(a_practice(a_provider()), store, clock, source)
        source.enter(a_visit("one"))
        for _ in range(3):
            world.pull()
        stage.calls.clear()
        world.pull()
        return next(iter(stage.calls.values()))

    def test_nothing_new_reads_the_feeds_state_alone(self, source: FakeSource) -> None:
        assert self.calls(source) == ["get"]

    def test_what_is_told_again_is_compared_once(self, world: World) -> None:
        world.source.stale = {"one"}
        world.pull()
        writes, digests = world.store.writes, world.source.translated
        for _ in range(5):
            assert world.pull().outcome is Outcome.UNCHANGED
        assert (world.store.writes, world.source.translated) == (writes, digests)


class TestTombstones:
    def test_a_visit_that_the_source_says_is_gone_is_gone_when_it_says_so_by_id_too(self, world: World) -> None:
        world.source.delete("one")
        assert world.pull().missing == 1
        assert visits(world)["one"].row.raw_state == "gone"
        assert not whole(world)

    def test_one_that_cannot_be_asked_for_waits_for_a_whole_window_and_is_missing(self, world: World) -> None:
        world.source.read_by_id = False
        world.source.delete("one")
        world.pull()
        assert visits(world)["one"].missing_since is None
        assert whole(world)
        assert visits(world)["one"].missing_since
        assert visits(world)["one"].row.state is AppointmentState.BOOKED

    def test_one_that_was_entered_in_error_last_week_is_gone_too(self, world: World) -> None:
        world.source.enter(a_visit("old", NOW - timedelta(days=8)))
        world.pull()
        world.source.delete("old")
        world.pull()
        assert visits(world)["old"].row.raw_state == "gone"

    def test_a_live_row_beats_a_tombstone_in_the_same_answer(self, world: World) -> None:
        world.source.buried = {"one"}
        world.source.stale = {"one"}
        assert world.pull().missing == 0
        assert whole(world, now_asked=True)
        assert world.pull().missing == 0
        assert visits(world)["one"].row.state is AppointmentState.BOOKED

    def test_and_it_beats_one_of_another_pull(self, world: World) -> None:
        world.source.buried = {"one"}
        assert world.pull().missing == 0  # by id it is there
        assert visits(world)["one"].row.state is AppointmentState.BOOKED
        world.source.buried = set()
        world.source.delete("one")
        world.pull()
        world.source.enter(a_visit("one"))
        world.source.stale = {"two"}
        world.pull()
        assert visits(world)["one"].row.state is AppointmentState.BOOKED

    def test_a_tombstone_of_what_nobody_knows_or_is_done_with_is_nothing(self, world: World) -> None:
        world.source.buried = {"never"}
        assert world.pull().missing == 0
        world.source.delete("one")
        world.pull()
        world.source.stale = {"one"}
        assert [world.pull().missing for _ in range(3)] == [0, 0, 0]

    def test_many_at_once_are_held(self, world: World) -> None:
        for number in range(8):
            world.source.enter(a_visit(f"more-{number}", LATER + timedelta(days=1 + number)))
        world.pull()
        for number in range(8):
            world.source.delete(f"more-{number}")
        assert world.pull().outcome is Outcome.HELD
        assert all(one.row.state is AppointmentState.BOOKED for one in visits(world).values())
        held = world.store.feeds_by_id[FEED]
        assert held.held
        world.store.feeds.save(held, replace(held, answer=VanishedAnswer.ACCEPT))
        assert whole(world)
        world.pull()
        assert sum(one.row.raw_state == "gone" for one in visits(world).values()) == 8

    def kept(self, world: World, *, buried: bool) -> list[str]:
        """Visits that vanished (`buried`: of which the source said at once that they are no more), and that staff kept."""
        world.source.delta = "none"
        names = [f"more-{number}" for number in range(6)]
        for number, name in enumerate(names):
            world.source.enter(a_visit(name, LATER + timedelta(days=1 + number)))
        world.pull()
        world.source.hidden = set(names)
        world.source.buried = set(names) if buried else set()
        assert world.pull().outcome is Outcome.HELD
        world.answer_held(*FEED, VanishedAnswer.KEEP)
        world.pull()
        return names

    @pytest.mark.parametrize("by_id", [True, False])
    def test_one_of_a_visit_that_staff_kept_counts(self, world: World, by_id: bool) -> None:
        first, *others = self.kept(world, buried=False)
        world.source.delete(first)
        world.source.buried = {first}
        world.source.read_by_id = by_id
        missing = [world.pull().missing for _ in range(3)]
        assert sum(missing) == 1
        assert (visits(world)[first].row.raw_state == "gone") is by_id
        assert bool(visits(world)[first].missing_since) is not by_id
        assert all(visits(world)[one].missing_since is None for one in others)

    def test_but_not_where_staff_kept_it_all_the_same(self, world: World) -> None:
        names = self.kept(world, buried=True)
        for name in names:
            world.source.delete(name)
        for number in range(3):
            world.source.enter(a_visit(f"new-{number}", LATER + timedelta(days=20 + number)))
            assert world.pull().outcome is Outcome.CHANGED
        assert all(visits(world)[name].occupies for name in names)

    def test_one_of_a_visit_that_is_missing_says_what_became_of_it(self, world: World) -> None:
        world.source.delta, world.source.read_by_id = "none", False
        world.source.delete("one")
        world.pull()
        world.pull()
        assert visits(world)["one"].missing_since
        world.source.read_by_id, world.source.buried = True, {"one"}
        world.pull()
        assert visits(world)["one"].row.raw_state == "gone"
        assert not visits(world)["one"].occupies

    def test_of_one_that_is_done_with_nobody_asks_again(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        world.source.delta = "none"
        world.source.delete("one")
        world.source.buried = {"one"}
        world.pull()
        monkeypatch.setattr(world.source, "get_appointment", lambda *_: pytest.fail("asked"))
        world.source.enter(a_visit("three", LATER + timedelta(hours=3)))
        assert (world.pull().missing, visits(world)["one"].row.raw_state) == (0, "gone")

    def test_one_of_a_suspected_visit_counts_where_an_answer_is_short(self, world: World) -> None:
        world.source.delta = "none"
        world.source.delete("one")
        world.pull()
        assert world.store.feeds_by_id[FEED].suspects == 1
        world.source.short, world.source.buried = True, {"one"}
        world.pull()
        assert visits(world)["one"].row.raw_state == "gone"

    def test_a_whole_window_tells_them_too(self, world: World) -> None:
        """As FHIR's entered-in-error, which stands in an answer like any row."""
        world.source.delta = "none"
        world.source.delete("one")
        world.source.buried = {"one"}
        assert world.pull().missing == 1
        assert visits(world)["one"].row.raw_state == "gone"


class TestWholeWindows:
    def test_once_an_hour(self, world: World) -> None:
        reads = [whole(world) for _ in range(180)]
        assert sum(reads) in (2, 3)

    def test_when_somebody_waits(self, world: World) -> None:
        assert not whole(world)
        assert whole(world, now_asked=True)
        state = world.store.feeds_by_id[FEED]
        world.store.feeds.save(state, replace(state, awaited=world.clock.at))
        assert whole(world)
        assert not whole(world)

    def test_on_a_new_day_and_under_new_settings(self, world: World) -> None:
        state = world.store.feeds_by_id[FEED]
        anew = replace(
            state, settings=replace(state.settings, horizon_days=50), seen=Seen(), seen_back=Seen(), mapping=""
        )
        world.store.feeds.save(state, anew)
        assert whole(world)
        assert not whole(world)
        world.clock.at = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
        assert [whole(world), whole(world), whole(world)] == [True, True, False]

    def test_where_the_cursor_is_too_old(self, world: World) -> None:
        world.source.expired = True
        world.source.enter(a_visit("three", LATER + timedelta(hours=3)))
        assert whole(world)
        assert "three" in visits(world)
        world.source.expired = False
        assert not whole(world)

    def test_where_something_cannot_be_read(self, world: World) -> None:
        world.source.enter(a_visit("bad"))
        world.source.spoilt = {"bad"}
        assert whole(world)
        assert world.store.feeds_by_id[FEED].set_aside == 1


class TestAcknowledging:
    def test_only_after_everything_is_stored(self, world: World) -> None:
        def told(cursor: str) -> None:
            assert world.store.feeds_by_id[FEED].cursor == cursor
            assert "three" in visits(world)
            acknowledged.append(cursor)

        acknowledged: list[str] = []
        world.source.acknowledge = told  # type: ignore[method-assign]
        world.source.enter(a_visit("three"))
        world.pull()
        assert acknowledged == [str(len(world.source.log))]

    def test_not_where_nothing_was_stored(self, world: World) -> None:
        before = list(world.source.acknowledged)
        world.pull()
        world.source.fault = Unavailable("503")
        world.pull()
        assert world.source.acknowledged == before

    def test_a_fault_while_doing_so_changes_nothing(self, world: World) -> None:
        def fails(cursor: str) -> None:
            raise Unavailable("503")

        world.source.acknowledge = fails  # type: ignore[method-assign]
        world.source.enter(a_visit("three"))
        report: SyncReport = world.pull()
        assert report.outcome is Outcome.CHANGED
        assert world.store.feeds_by_id[FEED].failures == 0


def test_instants_overlap_and_tokens_do_not() -> None:
    assert asked_from(NOW.isoformat(), "timestamp") == (NOW - OVERLAP).isoformat()
    assert asked_from("token", "token") == "token"
