"""What a pull reads, translates and writes: heartbeats, look backs, what waits for a pull, and feeds of a whole source."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from oneway.domain import identifiers
from oneway.domain.appointments import Appointment, AppointmentState
from oneway.domain.clock_time import day_of, minute_of, zone_of
from oneway.domain.events import VisitMoved
from oneway.domain.feeds import FeedSettings, FeedState, VanishedAnswer
from oneway.domain.occupancy import OccupantKind
from oneway.domain.practices import Location
from oneway.faults import OutOfTime, RateLimited, SchemaDrift, Unavailable
from oneway.use_cases.await_pull import AwaitPull
from oneway.use_cases.keep_feeds import feeds_of
from oneway.use_cases.sync_feed import Outcome

from tests.builders import NOW, START, a_practice, a_provider, a_record, a_row, feed_settings
from tests.world import World

FEED, OTHER = ("harbor", "ehr~osei"), ("harbor", "ehr~brandt")
PAST = NOW - timedelta(days=12)


def id_of(external_id: str) -> str:
    return identifiers.appointment_id("harbor", "ehr", external_id)


def visit(world: World, external_id: str, provider: str = "osei") -> Appointment | None:
    return world.store.appointments_by_key.get(("harbor", provider, id_of(external_id)))


def settled(world: World, *providers: str) -> int:
    """After a look back and a usual pull; how much was written so far."""
    for _ in range(2):
        for provider in providers or ("osei",):
            world.pull(provider)
    return world.store.writes


class TestUnchangedIsFree:
    def test_only_what_changed_is_translated(self, world: World) -> None:
        starts = [START + timedelta(days=n // 8, minutes=30 * (n % 8)) for n in range(100)]
        for n, start in enumerate(starts):
            world.source.enter(a_row(f"v-{n}", start=start, end=start + timedelta(minutes=30)))
        settled(world)
        translated = world.source.translated
        world.source.enter(a_row("v-7", start=starts[7], end=starts[7] + timedelta(minutes=20)))
        world.source.enter(a_row("v-100", start=START + timedelta(days=30), end=START + timedelta(days=30, minutes=5)))
        report = world.pull()
        assert (report.seen, report.changed) == (101, 2)
        assert world.source.translated - translated == 2

    def test_an_answer_that_is_stamped_anew_each_time_writes_nothing(self, world: World) -> None:
        world.source.enter(a_row())
        writes = settled(world)
        for n in range(9):
            world.source.enter(a_row(start_text=f"stamp {n}"))
            assert world.pull().outcome is Outcome.UNCHANGED
        assert world.store.writes == writes

    def test_rows_that_stay_set_aside_are_written_once(self, world: World) -> None:
        world.source.enter(a_row(), a_row("bad"))
        world.source.spoilt.add("bad")
        writes = settled(world)
        for n in range(9):
            world.source.enter(a_row(start_text=f"stamp {n}"))
            assert world.pull().outcome is Outcome.UNCHANGED
        assert world.store.writes == writes
        world.source.spoilt.clear()
        world.pull()
        assert world.store.aside[FEED] == []

    def test_under_other_settings_everything_is_translated_again(self, world: World) -> None:
        world.source.enter(a_row())
        settled(world)
        state = world.store.feeds_by_id[FEED]
        world.store.feeds_by_id[FEED] = replace(state, settings=replace(state.settings, country="DE"))
        translated = world.source.translated
        world.source.enter(a_row("new", start=START + timedelta(hours=1), end=START + timedelta(hours=2)))
        world.pull()
        assert world.source.translated - translated == 2

    @pytest.mark.parametrize("allowed", [0, 12, 12.5])
    def test_settings_are_the_same_to_the_letter_fresh_and_as_stored(self, allowed: float) -> None:
        """A digest of their letters tells whether anything has to be translated again."""
        practice = a_practice()
        source = replace(practice.sources["ehr"], requests_per_minute=allowed)
        fresh = next(feeds_of(replace(practice, sources={"ehr": source})))
        assert repr(msgspec.json.decode(msgspec.json.encode(fresh), type=FeedSettings)) == repr(fresh)

    def test_under_another_mapping_it_is_translated_again_though_the_source_says_unchanged(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world.source.enter(a_row())
        settled(world)
        translated = world.source.translated
        monkeypatch.setattr("oneway.use_cases.pull.MAPPING_VERSION", "next")
        world.pull()
        assert world.source.translated - translated == 1

    def test_a_pull_that_ends_after_a_later_one_does_not_have_the_last_word(self, world: World) -> None:
        world.source.enter(a_row())
        settled(world)
        apply, later = world.sync_feed.apply_schedule, world.sync_feed

        def overtaken(*given: Any) -> Any:
            world.source.enter(a_row(state=AppointmentState.CANCELLED))
            later(*FEED)
            return apply(*given)

        world.source.enter(a_row(state=AppointmentState.ARRIVED))
        world.clock.advance(minutes=1)
        replace(later, apply_schedule=overtaken)(*FEED)  # type: ignore[arg-type]
        world.pull()
        (visit,) = world.store.appointments_by_key.values()
        assert visit.row.state is AppointmentState.CANCELLED

    def test_a_new_day_is_read_whole_once(self, world: World) -> None:
        world.source.enter(a_row())
        settled(world)
        world.clock.advance(hours=24)
        translated = world.source.translated
        assert [world.pull().outcome for _ in range(4)] == [Outcome.UNCHANGED] * 4
        assert world.source.translated - translated == 2  # by the look back, and by the usual pull


class TestHeartbeat:
    @pytest.fixture
    def two(self) -> World:
        world = World(a_practice())
        beating = {settings.feed_id: settings.beats for settings in feeds_of(world.practice)}
        assert beating == {"ehr~osei": False, "ehr~brandt": True}
        for key in (FEED, OTHER):
            state = world.store.feeds_by_id[key]
            settings = replace(state.settings, beats=beating[key[1]])
            world.store.feeds_by_id[key] = replace(state, settings=settings)
        return world

    def test_one_feed_of_a_source_writes_it_every_ten_minutes(self, two: World) -> None:
        writes = settled(two, "osei", "brandt")
        for _ in range(50):
            two.clock.advance(minutes=1)
            for key in (FEED, OTHER):
                two.sync_feed(*key)
        assert two.store.writes - writes == 5

    def test_a_feed_that_did_not_fail_is_as_fresh_as_its_source(self, two: World) -> None:
        settled(two, "osei", "brandt")
        for _ in range(45):
            two.clock.advance(minutes=1)
            for key in (FEED, OTHER):
                two.sync_feed(*key)
        osei = two.practice.providers["osei"]
        assert (two.clock.at - two.store.feeds_by_id[FEED].last_good_at).total_seconds() > 40 * 60
        assert (two.age.minutes(two.practice, osei) or 0) <= 10
        two.source.fault = Unavailable("503")
        two.sync_feed(*FEED)
        two.clock.advance(minutes=1)
        assert (two.age.minutes(two.practice, osei) or 0) > 40

    def test_a_feed_that_does_not_even_look_back_is_no_fresher_for_its_source(self, two: World) -> None:
        settled(two, "osei", "brandt")
        for _ in range(50):
            two.pull("brandt", minutes=5)  # pulls of the other one break, or are left off
        assert two.age.minutes(two.practice, two.practice.providers["osei"]) > 200  # type: ignore[operator]

    def test_a_source_that_fails_is_no_fresher_for_it(self, two: World) -> None:
        settled(two, "osei", "brandt")
        two.source.fault = Unavailable("503")
        for _ in range(30):
            two.clock.advance(minutes=1)
            two.sync_feed(*OTHER, now_asked=True)
        assert (two.age.minutes(two.practice, two.practice.providers["osei"]) or 0) >= 30


class TestLookBack:
    def test_once_an_hour_thirty_days_back_are_read(self, world: World) -> None:
        world.source.enter(a_row("old", start=PAST, end=PAST + timedelta(minutes=30)))
        world.pull()
        assert visit(world, "old")
        world.source.enter(a_row("old", start=PAST, end=PAST + timedelta(minutes=30), state=AppointmentState.COMPLETED))
        for _ in range(58):
            world.pull()
        found = visit(world, "old")
        assert found and found.state is AppointmentState.BOOKED
        for _ in range(3):
            world.pull()
        found = visit(world, "old")
        assert found and found.state is AppointmentState.COMPLETED

    def test_nothing_older_is_read(self, world: World) -> None:
        start = NOW - timedelta(days=32)
        world.source.enter(a_row("older", start=start, end=start + timedelta(minutes=30)))
        world.pull()
        assert visit(world, "older") is None

    def test_what_vanishes_from_the_past_is_settled_and_tells_nobody(self, world: World) -> None:
        world.source.enter(a_row("old", start=PAST, end=PAST + timedelta(minutes=30)))
        world.pull()
        world.source.delete("old")
        for _ in range(125):
            world.pull()
        assert world.store.feeds_by_id[FEED].suspects == 0
        found = visit(world, "old")
        assert found and found.missing_since
        assert world.deliver() == 0


class TestTwoWindows:
    """What one window shows anew is not "unchanged" in the other, whatever that one saw last."""

    def test_what_a_look_back_brought_and_the_next_pull_shows_as_before_is_a_change(self, world: World) -> None:
        world.source.enter(a_row())
        settled(world)
        world.clock.advance(minutes=59)
        world.source.enter(a_row(raw_state="cancelled", state=AppointmentState.CANCELLED))
        world.pull()
        world.source.enter(a_row())
        world.pull()
        assert visit(world, "appt-1").state is AppointmentState.BOOKED  # type: ignore[union-attr]

    @pytest.mark.parametrize("back", [True, False])
    def test_what_one_window_did_not_show_the_other_does(self, world: World, back: bool) -> None:
        earlier = NOW - timedelta(hours=3)
        world.source.enter(a_row(start=earlier, end=earlier + timedelta(minutes=30)))
        settled(world)
        if back:
            world.clock.advance(minutes=59)
        world.source.hidden.add("appt-1")  # a page that shifted
        world.pull()
        world.source.hidden.clear()
        if not back:
            world.clock.advance(minutes=59)
        world.pull()
        assert visit(world, "appt-1").missing_since is None  # type: ignore[union-attr]
        assert world.store.feeds_by_id[FEED].suspects == 0

    def test_what_staff_kept_and_was_shown_again_may_vanish_again(self) -> None:
        world = World(a_practice(a_provider("alba"), a_provider()))  # alba's feed beats
        for n in range(8):
            world.source.enter(
                a_row(f"v-{n}", start=START + timedelta(hours=n), end=START + timedelta(hours=n, minutes=5))
            )
        settled(world)
        lost = {f"v-{n}" for n in range(6)}
        world.source.hidden |= lost
        assert world.pull().outcome is Outcome.HELD
        world.answer_held(*FEED, VanishedAnswer.KEEP)
        world.pull()
        world.source.hidden -= lost
        world.pull()
        world.source.hidden |= lost
        assert world.pull().outcome is Outcome.HELD


class TestWaiting:
    def test_a_good_pull_that_somebody_waits_for_is_written_down(self, world: World) -> None:
        writes = settled(world)
        wait = AwaitPull(world.store.feeds)
        assert not wait(world.practice, "osei", world.clock.at)
        asked_at = world.clock.at
        assert not wait(world.practice, "osei", asked_at)
        assert world.store.writes == writes + 1
        world.pull()
        assert wait(world.practice, "osei", asked_at)
        assert world.store.feeds_by_id[FEED].awaited is None
        world.pull()
        assert world.store.writes == writes + 2

    def test_a_pull_that_began_before_does_not_count(self, world: World) -> None:
        settled(world)
        wait, later = AwaitPull(world.store.feeds), world.clock.at + timedelta(minutes=3)
        assert not wait(world.practice, "osei", later)
        world.pull()
        assert not wait(world.practice, "osei", later)
        world.pull(minutes=3)
        assert wait(world.practice, "osei", later)

    def test_sync_now_is_written_down(self, world: World) -> None:
        settled(world)
        world.clock.advance(minutes=2)
        world.sync_feed(*FEED, now_asked=True)
        assert world.store.feeds_by_id[FEED].last_good_at == world.clock.at

    def test_nobody_reads_a_provider_who_is_not_integrated(self) -> None:
        world = World(a_practice(a_provider(source_id=None, external_id=None)))
        assert not AwaitPull(world.store.feeds)(world.practice, "osei", NOW)


class TestOneAccount:
    """What a source asks of one feed for a while, the others of its account obey, whoever pulls them."""

    def refused(self, world: World, minutes: int) -> None:
        world.clock.advance(minutes=1)
        world.source.fault = RateLimited(world.clock.at + timedelta(minutes=minutes))
        world.sync_feed(*FEED)
        world.source.fault = None

    def test_the_others_wait_without_asking(self, world: World) -> None:
        self.refused(world, 30)
        asked = world.source.pulls
        world.clock.advance(minutes=29)
        assert world.sync_feed(*OTHER, now_asked=True).outcome is Outcome.WAITING
        assert world.source.pulls == asked
        assert world.store.feeds_by_id[OTHER].failures == 0
        world.clock.advance(minutes=2)
        assert world.sync_feed(*OTHER).outcome is Outcome.UNCHANGED
        assert world.store.feeds_by_id[OTHER].last_failure == ""

    def test_one_that_is_broken_is_so_for_its_own_reason(self, world: World) -> None:
        world.source.fault = SchemaDrift()
        for _ in range(40):
            world.clock.advance(minutes=1)
            world.sync_feed(*OTHER, now_asked=True)
        self.refused(world, 30)
        broken = world.store.feeds_by_id[OTHER]
        assert (bool(broken.broken_since), broken.last_failure) == (True, "schema_drift")
        report = world.sync_feed(*OTHER, now_asked=True)
        assert (report.outcome, report.failure) == (Outcome.WAITING, "rate_limited"), "which is why this turn ended so"
        assert world.store.feeds_by_id[OTHER].last_failure == "schema_drift"

    def test_one_that_only_waits_breaks_for_that(self, world: World) -> None:
        self.refused(world, 120)
        for _ in range(60):
            world.clock.advance(minutes=1)
            world.sync_feed(*OTHER)
        broken = world.store.feeds_by_id[OTHER]
        assert (bool(broken.broken_since), broken.last_failure) == (True, "rate_limited")

    def test_what_is_over_in_a_moment_is_not_written_down(self, world: World) -> None:
        self.refused(world, 0)
        assert world.store.feeds_by_id[OTHER].not_before is None

    def test_another_account_is_not_concerned(self, world: World) -> None:
        state = world.store.feeds_by_id[OTHER]
        world.store.feeds.save(state, replace(state, settings=replace(state.settings, lane="another")))
        self.refused(world, 30)
        assert world.store.feeds_by_id[OTHER].not_before is None


class TestOutOfTime:
    """Our own deadline, or the pace that we keep, is nobody's fault."""

    def test_it_is_left_to_its_next_turn_and_no_failure_is_counted(self, world: World) -> None:
        settled(world)
        before, writes = world.store.feeds_by_id[FEED], world.store.writes
        world.source.fault = OutOfTime("the deadline")
        world.source.enter(a_row("new"))
        world.clock.advance(minutes=1)
        report = world.sync_feed(*FEED)
        assert (report.outcome, report.failure) == (Outcome.LEFT_OFF, "")
        after = world.store.feeds_by_id[FEED]
        assert (after.failures, after.last_failure, after.not_before) == (0, "", None)
        assert (after.seen, after.last_good_at) == (before.seen, before.last_good_at)
        assert world.store.writes <= writes + 1
        world.source.fault = None
        assert world.sync_feed(*FEED).outcome is Outcome.CHANGED, "no back-off"

    def test_sync_now_is_not_refused_after_it(self, world: World) -> None:
        world.source.fault = OutOfTime("the account's budget")
        world.sync_feed(*FEED, now_asked=True)
        world.source.fault = None
        assert world.sync_feed(*FEED, now_asked=True).outcome is Outcome.UNCHANGED

    def test_whoever_follows_sync_now_sees_it_going_on(self, world: World) -> None:
        world.source.fault = OutOfTime("the deadline")
        world.pull_asked(*FEED, now_asked=True)
        (file,) = world.store.feeds.files("harbor", [FEED[1]]).values()
        assert file.asked
        assert file.asked.ended_at is None


class TestWholeSource:
    """A source that cannot be asked for one provider: one feed covers all, who may work in different zones."""

    @pytest.fixture
    def whole(self) -> World:
        east = Location("east", "Harbor East", "2 Main St, Boston", "America/New_York")
        practice = a_practice(a_provider(), a_provider("brandt", location_id="east"))
        practice = replace(
            practice,
            locations={**practice.locations, "east": east},
            sources={"ehr": replace(practice.sources["ehr"], whole=True)},
        )
        world = World(practice)
        world.store.feeds_by_id.clear()
        (settings,) = feeds_of(practice)
        assert settings == feed_settings("osei", "brandt", feed_id="ehr", lane="harbor~ehr", providers=(
            ("prac-osei", "osei", "America/Los_Angeles"), ("prac-brandt", "brandt", "America/New_York"),
        ))  # fmt: skip
        state = FeedState(settings, last_good_at=NOW - timedelta(minutes=1))
        world.store.feeds.save(FeedState(settings), state)
        return world

    def pull(self, world: World) -> None:
        world.clock.advance(minutes=1)
        world.sync_feed("harbor", "ehr")
        for provider in ("osei", "brandt"):
            assert world.check_occupancy("harbor", provider) == []

    def test_each_has_their_own(self, whole: World) -> None:
        whole.source.enter(
            a_row("one"), a_row("two", provider_external_id="prac-brandt"), a_row("x", provider_external_id="who")
        )
        self.pull(whole)
        assert visit(whole, "one") and visit(whole, "two", "brandt")
        assert len(whole.store.appointments_by_key) == 2
        assert (whole.age.minutes(whole.practice, whole.practice.providers["brandt"]) or 0) == 0

    def test_a_visit_with_two_of_them_takes_a_place_of_both_and_answers(self, whole: World) -> None:
        """As a source says it that reads both: the visit, and a copy without its patient."""
        asked = whole.submit()
        whole.source.enter(a_row("1"), a_row("1~prac-brandt", provider_external_id="prac-brandt", patient=None))
        self.pull(whole)
        assert whole.stored(asked.request).link
        held = {key[1]: [one.kind for one in day.occupants] for key, day in whole.store.days_by_key.items()}
        assert held == {"brandt": [OccupantKind.APPOINTMENT], "osei": [OccupantKind.APPOINTMENT]}

    def test_a_visit_that_only_changes_its_provider_is_told_as_moved(self, whole: World) -> None:
        whole.source.enter(a_row("1"))
        self.pull(whole)
        whole.source.enter(a_row("1", provider_external_id="prac-brandt"))
        whole.clock.advance(minutes=1)
        report = whole.sync_feed("harbor", "ehr")
        (moved,) = [one for one in report.events if isinstance(one, VisitMoved)]
        assert (moved.provider_id, moved.to_provider_id, moved.start == moved.to_start) == ("osei", "brandt", True)

    def test_a_visit_that_goes_to_another_provider_takes_its_link_along(self, whole: World) -> None:
        submitted = whole.submit()
        whole.source.enter(a_row("one"))
        self.pull(whole)
        assert whole.stored(submitted.request).link
        whole.source.enter(a_row("one", provider_external_id="prac-brandt"))
        self.pull(whole)
        assert visit(whole, "one") is None
        moved = visit(whole, "one", "brandt")
        assert moved and moved.request_id == submitted.request.id
        link = whole.stored(submitted.request).link
        assert link and link.provider_id == "brandt"
        day = day_of(START, zone_of("America/New_York"))
        held = whole.store.calendar.days("harbor", "brandt", "America/New_York", day, day)[day]
        assert [(one.id, one.start) for one in held.occupants] == [(id_of("one"), minute_of(START))]

    def test_a_provider_who_is_no_longer_covered_is_forgotten_without_a_brake(self, whole: World) -> None:
        starts = [START + timedelta(minutes=30 * n) for n in range(8)]
        for n, start in enumerate(starts):
            row = a_row(f"b-{n}", start=start, end=start + timedelta(minutes=30), provider_external_id="prac-brandt")
            whole.source.enter(replace(row, patient=a_record(source_id=f"p{n}")))
        self.pull(whole)
        key = ("harbor", "ehr")
        state = whole.store.feeds_by_id[key]
        only = replace(state.settings, providers=state.settings.providers[:1])
        whole.store.feeds_by_id[key] = replace(state, settings=only)
        for _ in range(3):
            whole.clock.advance(minutes=1)
            assert whole.sync_feed("harbor", "ehr").outcome is not Outcome.HELD
        assert whole.store.feeds_by_id[key].suspects == 0
