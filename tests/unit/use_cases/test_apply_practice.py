"""Applying a practice file: practice, feeds and the wheel become what it says; the same again changes nothing."""

from dataclasses import dataclass, field, replace

import pytest
from oneway.domain.errors import WriteConflict
from oneway.domain.feeds import FeedState, spoke_of
from oneway.use_cases.apply_practice import ApplyPractice, Fate, feeds_of

from tests.builders import NOW, a_practice, a_provider
from tests.fakes.store import FakeFeeds, FakeStore

FEED = "ehr~osei"


@dataclass
class Applied:
    store: FakeStore = field(default_factory=FakeStore)

    @property
    def apply(self) -> ApplyPractice:
        return ApplyPractice(self.store.practices, self.store.feeds)

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
        after = replace(before, validator='"1"', digest="d", last_good_at=NOW, failures=2, not_before=NOW)
        self.feeds.save(before, after)
        return self.state()


@pytest.fixture
def applied() -> Applied:
    return Applied()


def test_a_new_practice_is_created_with_a_feed_for_each_integrated_provider(applied: Applied) -> None:
    practice = a_practice(a_provider(), a_provider("brandt"), a_provider("walk-in", source_id=None, external_id=None))
    report = applied.apply(practice)
    assert applied.store.practices.get("harbor") == practice
    assert {state.settings.feed_id for state in applied.feeds.of_practice("harbor")} == {FEED, "ehr~brandt"}
    assert {part.fate for part in report.parts} == {Fate.CREATED}


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
    assert len(report.changes) == len(report.parts)
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


def test_changed_settings_keep_the_digest_but_not_what_would_let_the_source_say_unchanged(applied: Applied) -> None:
    applied.apply(a_practice())
    before = applied.pulled()
    applied.apply(a_practice(horizon_days=30))
    after = applied.state()
    assert (after.digest, after.last_good_at) == (before.digest, before.last_good_at)
    assert after.validator is None
    assert after.not_before is None


def test_new_credentials_end_a_back_off(applied: Applied) -> None:
    applied.apply(a_practice())
    before = applied.pulled()
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


def test_a_cut_run_is_made_whole_by_the_next_one(applied: Applied) -> None:
    applied.store.practices.save(a_practice())
    report = applied.apply(a_practice())
    assert {part.kind for part in report.changes} == {"feeds"}
    assert applied.turns(FEED, 1)


def test_a_pull_that_writes_at_the_same_time_is_not_lost(applied: Applied) -> None:
    applied.apply(a_practice())
    applied.pulled()
    racing = RacingFeeds(applied.store, races=2)
    ApplyPractice(applied.store.practices, racing)(a_practice(horizon_days=30))
    after = applied.state()
    assert after.settings.horizon_days == 30
    assert after.set_aside == 2


def test_endless_racing_is_given_up(applied: Applied) -> None:
    applied.apply(a_practice())
    racing = RacingFeeds(applied.store, races=99)
    with pytest.raises(WriteConflict):
        ApplyPractice(applied.store.practices, racing)(a_practice(horizon_days=30))


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
