"""Applying a practice file: practice, feeds and the wheel become what it says; the same again changes nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from oneway.domain.availability import CLOSED_WEEK, Availability, Calendar, Closure, DefaultWeek
from oneway.domain.errors import InvalidInput, WriteConflict
from oneway.domain.feeds import FeedState, Seen, spoke_of
from oneway.domain.practice_settings import Value, text_of, value_of
from oneway.domain.practices import VisitType
from oneway.ports import Capabilities
from oneway.use_cases.apply_practice import ApplyPractice, ApplyReport, Fate
from oneway.use_cases.change_settings import ChangeSettings
from oneway.use_cases.edit_calendar import EditCalendar
from oneway.use_cases.keep_feeds import feeds_of
from oneway.use_cases.membership import Membership

from tests.builders import NOW, WEEK, a_calendar, a_practice, a_provider
from tests.fakes.store import FakeClock, FakeFeeds, FakePractices, FakeStore

FEED = "ehr~osei"
SEEN = Seen('"1"', "d", NOW.date())

MONDAY = date(2026, 11, 30)


def public_holidays(country: str, region: str, years: Iterable[int]) -> Sequence[tuple[date, str]]:
    return [(date(year, 7, 4), f"Independence Day{region}") for year in years if country == "US"]


@dataclass
class Applied:
    store: FakeStore = field(default_factory=FakeStore)
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    capabilities: Capabilities = field(default_factory=Capabilities)

    @property
    def apply(self) -> ApplyPractice:
        return self.through(self.store.feeds)

    def through(self, feeds: FakeFeeds) -> ApplyPractice:
        store = self.store
        return ApplyPractice(
            store.practices, feeds, store.calendar, lambda _: self.capabilities, public_holidays, self.clock
        )

    @property
    def feeds(self) -> FakeFeeds:
        return self.store.feeds

    def state(self, feed_id: str = FEED) -> FeedState:
        found = self.feeds.get("harbor", feed_id)
        assert found
        return found

    def turns(self, feed_id: str, interval: int) -> list[int]:
        """In which of an hour's minutes the feed is due."""
        spoke = spoke_of("harbor", feed_id, interval)
        due = [m for m in range(60) if feed_id in [ref.feed_id for ref in self.feeds.due(m)]]
        assert all(minute % interval == spoke for minute in due)
        return due

    def pulled(self) -> FeedState:
        """The feed after a good pull, two failures and a back-off."""
        before = self.state()
        after = replace(before, seen=SEEN, seen_back=SEEN, mapping="m", last_good_at=NOW, failures=2, not_before=NOW)
        after = replace(after, cursor="c", delta="d", short_since=NOW, short_since_back=NOW)
        self.feeds.save(before, after)
        return self.state()


@pytest.fixture
def applied() -> Applied:
    return Applied()


def test_a_new_practice_is_created_with_a_feed_for_each_integrated_provider(applied: Applied) -> None:
    practice = a_practice(a_provider(), a_provider("brandt"), a_provider("walk-in", source_id=None, external_id=None))
    report = applied.apply(practice)
    found = applied.store.practices.get("harbor")
    assert replace(found, calendars={}, public_holidays=(), version=0) == replace(practice, calendars={})
    assert {one: calendar.availability for one, calendar in found.calendars.items()} == {
        one: calendar.availability for one, calendar in practice.calendars.items()
    }
    assert {state.settings.feed_id for state in applied.feeds.of_practice("harbor")} == {FEED, "ehr~brandt"}
    assert {part.fate for part in report.changes} == {Fate.CREATED}


def test_a_feed_knows_everything_that_a_pull_needs(applied: Applied) -> None:
    practice = a_practice()
    applied.apply(practice)
    settings = applied.state().settings
    assert settings == next(iter(feeds_of(practice)))
    assert settings.providers == (("prac-osei", "osei", "America/Los_Angeles"),)
    assert settings.lane == "harbor~ehr"


def test_sources_of_one_account_share_a_lane() -> None:
    practice = a_practice()
    shared = replace(practice, sources={"ehr": replace(practice.sources["ehr"], account="big-vendor")})
    assert {settings.lane for settings in feeds_of(shared)} == {"big-vendor"}


def test_applying_the_same_again_changes_nothing(applied: Applied) -> None:
    applied.apply(a_practice())
    before = applied.pulled()
    report = applied.apply(a_practice())
    assert report.changes == ()
    assert applied.state() == before


def test_a_plan_tells_and_changes_nothing(applied: Applied) -> None:
    report = applied.apply.plan(a_practice())
    assert {part.fate for part in report.changes} == {Fate.CREATED}
    assert applied.store.practices.slugs() == []
    assert applied.feeds.of_practice("harbor") == []


def test_what_changed_is_told_by_name(applied: Applied) -> None:
    applied.apply(a_practice())
    changed = a_practice(a_provider(split=2), a_provider("brandt"), horizon_days=30)
    told = {(part.kind, part.id): part.settings for part in applied.apply(changed).changes}
    assert told == {
        ("practice", ""): ("horizon_days",),
        ("providers", "osei"): ("split",),
        ("feeds", FEED): ("horizon_days",),
        ("feeds", "ehr~brandt"): ("horizon_days",),
    }


def test_what_was_seen_under_other_settings_is_forgotten(applied: Applied) -> None:
    applied.apply(a_practice())
    before = applied.pulled()
    applied.apply(a_practice(horizon_days=30))
    after = applied.state()
    assert (before.seen, before.seen_back) == (SEEN, SEEN)
    assert (after.seen, after.seen_back, after.mapping) == (Seen(), Seen(), "")
    assert (after.cursor, after.delta) == ("", "")
    assert before.short_since
    assert (after.short_since, after.short_since_back) == (None, None), "another system may count otherwise"
    assert after.last_good_at == before.last_good_at
    assert after.not_before is None


def test_other_settings_end_our_back_off_and_only_another_address_what_the_source_asked_for(applied: Applied) -> None:
    applied.apply(a_practice())
    before = applied.pulled()
    until = NOW + timedelta(minutes=20)
    applied.feeds.save(before, replace(before, not_before=NOW + timedelta(hours=1), asked_until=until))
    practice = a_practice(horizon_days=30)
    applied.apply(practice)
    assert (applied.state().not_before, applied.state().asked_until) == (until, until)
    moved = replace(practice.sources["ehr"], address="https://other.example/fhir")
    applied.apply(replace(practice, sources={"ehr": moved}))
    assert (applied.state().not_before, applied.state().asked_until) == (None, None)


def test_new_credentials_end_a_back_off(applied: Applied) -> None:
    applied.apply(a_practice())
    before = applied.pulled()
    applied.feeds.save(before, replace(before, asked_until=NOW))
    before = replace(before, version=before.version + 1)
    applied.apply(a_practice(), retry_sources={"ehr"})
    assert applied.state() == replace(before, not_before=None, version=before.version + 1)


def test_a_changed_interval_moves_the_feed_on_the_wheel(applied: Applied) -> None:
    applied.apply(a_practice())
    assert len(applied.turns(FEED, 1)) == 60
    practice = a_practice()
    applied.apply(replace(practice, sources={"ehr": replace(practice.sources["ehr"], interval_minutes=15)}))
    assert len(applied.turns(FEED, 15)) == 4


def test_a_provider_that_is_gone_is_read_no_more(applied: Applied) -> None:
    applied.apply(a_practice())
    report = applied.apply(a_practice(a_provider("brandt")))
    assert applied.feeds.get("harbor", FEED) is None
    assert applied.turns(FEED, 1) == []
    removed = {(part.kind, part.id) for part in report.changes if part.fate is Fate.REMOVED}
    assert removed == {("providers", "osei"), ("feeds", FEED)}


def test_where_the_feed_that_was_broken_is_gone_its_source_is_judged_anew(applied: Applied) -> None:
    applied.apply(a_practice())
    applied.feeds.save(applied.state(), replace(applied.state(), broken_since=NOW))
    applied.apply(a_practice(a_provider("brandt")))
    assert applied.state("ehr~brandt").unheard


def test_a_cut_run_is_made_whole_by_the_next_one(applied: Applied) -> None:
    applied.apply(a_practice())
    for feed_id in (FEED, "ehr~brandt"):
        applied.feeds.remove("harbor", feed_id)
    report = applied.apply(a_practice())
    assert {part.kind for part in report.changes} == {"feeds"}
    assert applied.turns(FEED, 1)


def test_a_pull_that_writes_at_the_same_time_is_not_lost(applied: Applied) -> None:
    applied.apply(a_practice())
    applied.pulled()
    racing = RacingFeeds(applied.store, races=2)
    applied.through(racing)(a_practice(horizon_days=30))
    after = applied.state()
    assert after.settings.horizon_days == 30
    assert after.set_aside == 2


def test_endless_racing_is_given_up(applied: Applied) -> None:
    applied.apply(a_practice())
    racing = RacingFeeds(applied.store, races=99)
    with pytest.raises(WriteConflict):
        applied.through(racing)(a_practice(horizon_days=30))


@dataclass
class RacingFeeds(FakeFeeds):
    """A pull writes the feed's state just before each of our first saves."""

    races: int = 0

    def save(self, before: FeedState, after: FeedState) -> None:
        if self.races and after.settings.feed_id == FEED:
            self.races -= 1
            stored = self.get("harbor", FEED)
            assert stored
            super().save(stored, replace(stored, set_aside=stored.set_aside + 1))
        super().save(before, after)


class TestCalendars:
    def edit(self, applied: Applied) -> EditCalendar:
        store = applied.store
        return EditCalendar(Membership(store.practices), store.calendar, store.practice_events, applied.clock)

    def staff_close_monday(self, applied: Applied) -> None:
        shorter = ((), *WEEK[1:])
        self.edit(applied).save_week("harbor", "nadia@harbor.example", "osei", MONDAY, WEEK, shorter)

    def fates(self, applied: Applied, changes: Calendar | None = None, **options: bool) -> dict[str, Fate]:
        calendars = a_practice().calendars | ({"osei": changes} if changes else {})
        report = applied.apply(a_practice(calendars=calendars), **options)
        return {part.id: part.fate for part in report.parts if part.kind == "calendars"}

    def hours(self, applied: Applied) -> Availability:
        return applied.store.calendar.get("harbor", "osei").availability

    def test_a_file_sets_them_and_says_so_once(self, applied: Applied) -> None:
        assert self.fates(applied) == {"": Fate.UNCHANGED, "osei": Fate.CREATED, "brandt": Fate.CREATED}
        assert set(self.fates(applied).values()) == {Fate.UNCHANGED}
        paused = a_calendar(paused=True)
        assert self.fates(applied, paused)["osei"] is Fate.UPDATED
        assert self.hours(applied) == paused.availability

    def test_what_staff_edit_stays_while_the_file_says_the_same(self, applied: Applied) -> None:
        self.fates(applied)
        self.staff_close_monday(applied)
        edited = self.hours(applied)
        assert set(self.fates(applied).values()) == {Fate.UNCHANGED}
        assert self.hours(applied) == edited

    def test_where_file_and_staff_have_changed_it_staff_win_and_it_is_told(self, applied: Applied) -> None:
        self.fates(applied)
        self.staff_close_monday(applied)
        edited, paused = self.hours(applied), a_calendar(paused=True)
        report = applied.apply(a_practice(calendars=a_practice().calendars | {"osei": paused}))
        (kept,) = (part for part in report.parts if part.fate is Fate.KEPT)
        assert (kept.id, kept.by, kept.at) == ("osei", "nadia@harbor.example", NOW)
        assert self.hours(applied) == edited
        assert self.fates(applied, paused, overwrite_calendars=True)["osei"] is Fate.UPDATED
        assert self.hours(applied) == paused.availability

    def test_a_file_that_says_what_staff_have_made_of_it_is_at_peace_with_them(self, applied: Applied) -> None:
        self.fates(applied)
        self.staff_close_monday(applied)
        assert self.fates(applied, Calendar(self.hours(applied)))["osei"] is Fate.UNCHANGED

    def test_closures_that_staff_add_need_no_word_of_the_file(self, applied: Applied) -> None:
        self.fates(applied)
        day = date(2026, 12, 24)
        self.edit(applied).close("harbor", "nadia@harbor.example", "", Closure(day, day))
        assert set(self.fates(applied).values()) == {Fate.UNCHANGED}

    def test_a_provider_that_is_gone_takes_its_calendar_along(self, applied: Applied) -> None:
        self.fates(applied)
        applied.apply(a_practice(a_provider("brandt")))
        assert applied.store.calendar.get("harbor", "osei") == Calendar()

    def test_only_the_next_weeks_can_be_overridden(self, applied: Applied) -> None:
        last = date(2026, 11, 23) + timedelta(weeks=53)
        self.fates(applied, a_calendar(overrides={last: CLOSED_WEEK}))
        with pytest.raises(InvalidInput, match="/providers/osei/weeks/2027-12-06"):
            self.fates(applied, a_calendar(overrides={last + timedelta(weeks=1): CLOSED_WEEK}))

    def test_split_needs_a_source_that_can_hold_it(self, applied: Applied) -> None:
        split = a_practice(a_provider(split=2))
        applied.apply(split)
        applied.capabilities = Capabilities(split_booking=False)
        applied.apply(a_practice())
        with pytest.raises(InvalidInput) as refused:
            applied.apply(split)
        (problem,) = refused.value.problems
        assert problem.pointer == "/providers/osei/split"
        assert "cannot hold two visits" in problem.detail
        assert applied.store.practices.get("harbor").providers["osei"].split == 1

    def test_public_holidays_come_with_it_as_suggestions(self, applied: Applied) -> None:
        applied.apply(a_practice(region="-CA"))
        found = applied.store.practices.get("harbor").public_holidays
        assert [(one.first, one.name) for one in found[-2:]] == [
            (date(2027, 7, 4), "Independence Day-CA"),
            (date(2028, 7, 4), "Independence Day-CA"),
        ]

    def test_a_file_that_changes_a_calendar_has_its_entry_in_the_timeline(self, applied: Applied) -> None:
        applied.apply(a_practice(calendars={"osei": a_calendar()}))
        for _ in range(2):
            applied.apply(a_practice(calendars={"osei": a_calendar(paused=True)}))
        (event,) = applied.store.practice_events.latest("harbor", 5)
        assert (event.who, event.what, event.provider_id) == ("", "file_applied", "osei")

    def test_what_is_long_past_is_dropped(self, applied: Applied) -> None:
        old = date(2026, 6, 1)
        calendar = Calendar(
            Availability(
                (DefaultWeek(WEEK), DefaultWeek(CLOSED_WEEK, old), DefaultWeek(WEEK, old + timedelta(weeks=1))),
                {old: CLOSED_WEEK},
                (Closure(old, old),),
            )
        )
        self.fates(applied, calendar)
        assert self.hours(applied) == Availability((DefaultWeek(WEEK, old + timedelta(weeks=1)),))
        assert self.fates(applied, calendar)["osei"] is Fate.UNCHANGED


class TestSettingsThatStaffChange:
    """A file speaks of a setting once; staff's word stands until the operator decides (ADR 0021)."""

    def change(self, applied: Applied, **wanted: Value) -> None:
        stored, names = (
            applied.store.practices.read("harbor"),
            {name.replace("__", "."): one for name, one in wanted.items()},
        )
        change = ChangeSettings(
            Membership(applied.store.practices), applied.store.practices, applied.feeds, applied.clock
        )
        change("harbor", "nadia@harbor.example", {one: text_of(value_of(stored, one)) for one in names}, names)

    def settings(self, report: ApplyReport) -> dict[str, tuple[Fate, str, tuple[str, ...]]]:
        return {part.id: (part.fate, part.by, part.settings) for part in report.parts if part.kind == "settings"}

    def test_stay_while_the_file_says_the_same_and_are_shown(self, applied: Applied) -> None:
        applied.apply(a_practice())
        self.change(applied, horizon_days=30, messages__cancelled=False, providers__osei__split=2)
        for report in (applied.apply(a_practice()), applied.apply(a_practice(name="Harbor & Co."))):
            assert self.settings(report) == {
                "horizon_days": (Fate.UNCHANGED, "nadia@harbor.example", ("30", "90")),
                "messages.cancelled": (Fate.UNCHANGED, "nadia@harbor.example", ("no", "yes")),
                "providers.osei.split": (Fate.UNCHANGED, "nadia@harbor.example", ("2", "1")),
            }
        found = applied.store.practices.get("harbor")
        assert (found.name, found.horizon_days, found.providers["osei"].split) == ("Harbor & Co.", 30, 2)
        assert not found.switches.cancelled
        assert applied.state().settings.horizon_days == 30

    def test_stay_and_are_reported_where_the_file_says_something_new_until_it_is_told_to_overwrite(
        self, applied: Applied
    ) -> None:
        applied.apply(a_practice())
        self.change(applied, horizon_days=30)
        for _ in range(2):
            assert self.settings(applied.apply(a_practice(horizon_days=60)))["horizon_days"][0] is Fate.KEPT
        assert applied.store.practices.get("harbor").horizon_days == 30
        report = applied.apply(a_practice(horizon_days=60), overwrite_settings=True)
        assert self.settings(report) == {}
        found = applied.store.practices.get("harbor")
        assert (found.horizon_days, dict(found.edits)) == (60, {})
        event = applied.store.practice_events.latest("harbor", 1)[0]
        assert (event.who, event.setting, event.before, event.after) == ("", "horizon_days", "30", "60")

    def test_overwriting_leaves_what_the_file_says_nothing_new_of(self, applied: Applied) -> None:
        applied.apply(a_practice())
        self.change(applied, horizon_days=30)
        applied.apply(a_practice(minimum_notice_minutes=5), overwrite_settings=True)
        assert applied.store.practices.get("harbor").horizon_days == 30

    def test_are_the_file_s_again_once_it_says_what_staff_chose(self, applied: Applied) -> None:
        applied.apply(a_practice())
        self.change(applied, horizon_days=30)
        assert self.settings(applied.apply(a_practice(horizon_days=30))) == {}
        assert self.settings(applied.apply(a_practice(horizon_days=45))) == {}
        assert applied.store.practices.get("harbor").horizon_days == 45

    def test_visit_types_that_staff_added_stay_with_who_offers_them(self, applied: Applied) -> None:
        applied.apply(a_practice())
        extra = VisitType("extra", "Extra", 20)
        self.change(applied, visit_types__extra=extra, providers__osei__visit_type_ids=("new", "extra"))
        applied.apply(a_practice())
        found = applied.store.practices.get("harbor")
        assert found.visit_types["extra"] == extra
        assert found.providers["osei"].visit_type_ids == ("new", "extra")

    def test_a_visit_type_that_the_file_takes_away_is_no_provider_s_any_more(self, applied: Applied) -> None:
        applied.apply(a_practice())
        self.change(applied, providers__osei__visit_type_ids=("follow-up",))
        new = {"new": a_practice().visit_types["new"]}
        only = [a_provider(one, visit_type_ids=("new",)) for one in ("osei", "brandt")]
        applied.apply(a_practice(*only, visit_types=new))
        assert applied.store.practices.get("harbor").providers["osei"].visit_type_ids == ("new",)

    def test_go_with_their_provider(self, applied: Applied) -> None:
        applied.apply(a_practice())
        self.change(applied, providers__osei__split=2)
        applied.apply(a_practice(a_provider("brandt")))
        assert dict(applied.store.practices.get("harbor").edits) == {}

    def test_a_change_between_reading_and_writing_is_not_lost(self, applied: Applied) -> None:
        applied.apply(a_practice())
        save, changed = FakePractices.save, []

        def saved(practices: FakePractices, *arguments: Any) -> None:
            if not changed:
                changed.append(True)
                self.change(applied, horizon_days=30)
            save(practices, *arguments)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(FakePractices, "save", saved)
            applied.apply(a_practice(name="Harbor & Co."))
        found = applied.store.practices.get("harbor")
        assert (found.name, found.horizon_days) == ("Harbor & Co.", 30)

    def test_what_the_file_changes_stands_in_the_timeline(self, applied: Applied) -> None:
        applied.apply(a_practice())
        applied.apply(a_practice(a_provider(split=3), a_provider("brandt")))
        (event,) = [one for one in applied.store.practice_events.latest("harbor", 9) if one.setting]
        assert (event.who, event.setting, event.before, event.after) == ("", "providers.osei.split", "1", "3")
