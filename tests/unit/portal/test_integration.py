"""Integration's pages: what is read, what is wrong and what to do, what is held, and a *Sync now* followed to its end."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from oneway.domain.appointments import SetAsideRow
from oneway.domain.clock_time import minute_of
from oneway.domain.errors import StoreUnavailable
from oneway.domain.feeds import FeedState, VanishedAnswer
from oneway.domain.practices import StaffMember
from oneway.domain.pull_history import AskedPull
from oneway.faults import AuthRevoked, RateLimited, SchemaDrift, SourceError, Unavailable
from oneway.use_cases.sync_feed import Outcome

from tests.builders import START, a_practice, a_provider
from tests.desk import LATER, NADIA, VIC, at
from tests.fakes.store import FakeAudit
from tests.portal import PortalDesk

HOME = "/portal/harbor/integration"
STRANGER = "mallory@pier.example"


def feed(desk: PortalDesk, provider: str = "osei") -> FeedState:
    return desk.store.feeds_by_id["harbor", f"ehr~{provider}"]


def hold(desk: PortalDesk) -> None:
    """Six of six visits vanish at once."""
    for number in range(6):
        desk.enter(
            f"v-{number}", start=START + timedelta(hours=number), end=START + timedelta(hours=number, minutes=30)
        )
    desk.minutes()
    desk.source.rows.clear()
    desk.minutes()
    assert feed(desk).held


def answer(desk: PortalDesk, word: str = "keep", by: str = NADIA, since: str = "") -> int:
    held = feed(desk).held
    stamp = since or (held.since.isoformat() if held else "2026-11-23T18:00:00+00:00")
    return desk.send(f"{HOME}/held", by, feed="ehr~osei", since=stamp, answer=word).status


class TestSchedules:
    def test_say_when_they_were_read_and_will_be_and_what_changed(self, desk: PortalDesk) -> None:
        desk.enter()
        desk.enter("appt-2", start=START + timedelta(days=1), end=START + timedelta(days=1, minutes=30))
        desk.minutes()
        text = desk.open(HOME).text
        for part in ("Scheduling system: ehr", "Read well", "Read every minute.", "Dr. Amara Osei", "Up to date",
                     "In 1 minute", "0 minutes ago", "2 visits were new or changed"):  # fmt: skip
            assert part in text, part

    def test_draw_a_chart_that_is_also_a_table(self, desk: PortalDesk) -> None:
        assert "<svg" not in desk.open(HOME).html
        desk.enter()
        desk.minutes()
        desk.clock.advance(hours=2)
        desk.change(start=START + timedelta(minutes=30), end=START + timedelta(hours=1))
        desk.minutes()
        page = desk.open(HOME)
        assert page.html.count("<rect") == 2
        assert 'aria-labelledby="chart-ehr"' in page.html
        numbers = page.html.partition("The numbers</summary>")[2].partition("</details>")[0]
        assert numbers.count("<td>1</td>") == 2

    def test_an_old_one_says_so(self, desk: PortalDesk) -> None:
        desk.clock.advance(minutes=20)
        assert "Read well" in desk.open(HOME).text
        desk.clock.advance(minutes=160)
        text = desk.open(HOME).text
        assert "3 hours ago" in text
        assert "Not read lately" in text
        assert "Read well" not in text
        desk.minutes()
        assert "Read well" in desk.open(HOME).text

    def test_one_that_is_written_down_hourly_is_not_old_when_its_neighbour_fails(self, desk: PortalDesk) -> None:
        key = ("harbor", "ehr~brandt")
        state = desk.store.feeds_by_id[key]
        desk.store.feeds_by_id[key] = replace(state, settings=replace(state.settings, beats=False))
        desk.minutes(65)
        failing = replace(feed(desk), failures=1, failing_since=desk.clock.now(), last_failure=Unavailable.word)
        desk.store.feeds_by_id["harbor", "ehr~osei"] = failing
        desk.clock.advance(minutes=50)
        assert "Not read lately" not in desk.open(HOME).text
        desk.clock.advance(minutes=60)
        assert "Not read lately" in desk.open(HOME).text

    def test_counting_costs_no_write(self, desk: PortalDesk) -> None:
        desk.enter()
        desk.minutes(2)
        version, changes = feed(desk).version, feed(desk).changes
        assert [count for _, count in changes] == [1]
        desk.minutes(5)
        assert (feed(desk).version, feed(desk).changes) == (version, changes)

    @pytest.mark.parametrize(
        ("fault", "what", "to_do"),
        [
            (Unavailable(), "The scheduling system does not answer.", "Oneway tries again by itself."),
            (RateLimited(None), "asks us to wait", "There is nothing to do"),
            (SchemaDrift(), "answers differently", "may have been updated"),
            (AuthRevoked(), "has taken our access away", "Give Oneway access again"),
        ],
    )
    def test_that_cannot_be_read_say_what_is_wrong_and_what_to_do(
        self, desk: PortalDesk, fault: SourceError, what: str, to_do: str
    ) -> None:
        desk.minutes()
        desk.source.fault = fault
        desk.minutes()
        text = desk.open(HOME, VIC).text
        assert what in text
        assert to_do in text
        assert ("Cannot be read" if isinstance(fault, AuthRevoked) else "Last reading failed") in text

    def test_show_rows_that_were_set_aside_by_their_reasons(self, desk: PortalDesk) -> None:
        desk.source.set_aside = [SetAsideRow(f"entry {n}", "ends before it starts") for n in range(3)]
        desk.source.set_aside.append(SetAsideRow("entry 9", "no <provider>"))  # as an earlier version wrote
        desk.minutes()
        page = desk.open(HOME)
        assert "4 rows set aside" in page.text
        assert "no &lt;provider&gt;" in page.html
        assert "<td>ends before it starts</td><td>3</td>" in page.html
        assert "Neither time nor number can be read." in page.text
        spanish = desk.open(f"{HOME}?lang=es").html
        assert "<td>termina antes de empezar</td><td>3</td>" in spanish
        assert '<td lang="en">no &lt;provider&gt;</td>' in spanish
        desk.source.set_aside = []
        desk.minutes()
        assert "set aside" not in desk.open(HOME).text

    def test_tell_what_a_row_that_was_set_aside_is_found_by_and_nothing_else_of_it(self, desk: PortalDesk) -> None:
        desk.enter("appt-77", end=START - timedelta(minutes=5))
        desk.minutes()

        first = desk.open(HOME)

        assert "1 row set aside" in first.text
        assert "Tue, Nov 24, 9:30 AM, number appt-77" in first.text
        assert "Nunez" not in first.html

        del desk.source.rows["appt-77"]
        desk.enter("appt-78", **at(LATER) | {"end": START})
        desk.minutes()

        text = desk.open(HOME).text
        assert "Wed, Nov 25, 9:30 AM, number appt-78" in text, "also where only the row is another"
        assert "appt-77" not in text

    def test_show_of_such_a_row_nothing_before_the_look_is_on_record(
        self, desk: PortalDesk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        desk.open(HOME)
        assert desk.store.looks == [], "there is nothing of anybody's visit"
        desk.enter("appt-77", end=START - timedelta(minutes=5))
        desk.minutes()
        assert "appt-77" in desk.open(HOME, VIC).html
        assert [look[:3] for look in desk.store.looks] == [("harbor", VIC, "show_set_aside")]

        def refuse(*_: object) -> None:
            raise StoreUnavailable("audit")

        monkeypatch.setattr(FakeAudit, "record", refuse)
        page = desk.open(HOME, VIC)
        assert page.status == 503
        assert "appt-77" not in page.html

    def test_say_that_more_rows_were_set_aside_than_are_listed(self, desk: PortalDesk) -> None:
        desk.source.set_aside = [SetAsideRow(f"entry {n}", "no start", f"appt-{n}") for n in range(120)]
        desk.minutes()
        desk.store.aside["harbor", "ehr~osei"] = desk.store.aside["harbor", "ehr~osei"][:100]

        assert "The first 100 are listed." in desk.open(HOME).text

    def test_name_providers_whose_schedule_is_not_read(self, desk: PortalDesk) -> None:
        walk_in = a_provider("walk-in", name="Ann Walk", source_id=None, external_id=None)
        desk.store.practices.save(a_practice(a_provider(), walk_in))
        text = desk.open(HOME).text
        assert "Not connected" in text
        assert "Ann Walk" in text.partition("Not connected")[2]
        desk.store.practices.save(a_practice(walk_in, sources={}))
        assert "No scheduling system is connected." in desk.open(HOME).text

    def test_in_spanish(self, desk: PortalDesk) -> None:
        desk.enter()
        desk.minutes()
        text = desk.open(f"{HOME}?lang=es").text
        for part in ("Integración", "Se lee bien", "Al día", "hubo 1 cita nueva o modificada"):
            assert part in text, part


class TestAMassVanish:
    def test_is_shown_and_waits_for_an_answer(self, desk: PortalDesk) -> None:
        hold(desk)
        text = desk.open(HOME).text
        for part in ("Waits for your answer", "schedule is gone at once.", "6 of 6 visits"):
            assert part in text, part

    @pytest.mark.parametrize(("word", "told"), [("accept", "vanished_accepted"), ("keep", "vanished_kept")])
    def test_is_answered_once_with_an_entry_of_the_timeline(self, desk: PortalDesk, word: str, told: str) -> None:
        hold(desk)
        since = feed(desk).held.since.isoformat()  # type: ignore[union-attr]
        assert answer(desk, word) == 303
        assert feed(desk).answer is VanishedAnswer(word)
        (event,) = desk.store.practice_events.latest("harbor", 5)
        assert (event.who, event.what, event.provider_id, event.detail) == (NADIA, told, "osei", "6/6")
        assert answer(desk, word) == 303
        assert len(desk.store.practice_events.latest("harbor", 5)) == 1
        desk.minutes(3)
        assert feed(desk).held is None
        missing = [one.missing_since for one in desk.store.appointments_by_key.values()]
        assert all(missing) if word == "accept" else not any(missing)
        assert answer(desk, word, since=since) == 409

    def test_once_answered_no_page_says_that_nobody_has(self, desk: PortalDesk) -> None:
        hold(desk)
        desk.minutes(40)
        pages = (HOME, "/portal/harbor/appointments")
        assert feed(desk).broken_since
        assert "nobody has said yet" in desk.open(pages[1]).text
        assert answer(desk) == 303
        for page in pages:
            text = desk.open(page).text
            assert "nobody has said yet" not in text, page
            assert "the next reading does it" in text, page
        assert "Answered" in desk.open(HOME).text

    @pytest.mark.parametrize("pulled", [0, 3])
    def test_the_second_who_answers_otherwise_is_told_what_the_first_said(self, desk: PortalDesk, pulled: int) -> None:
        tom = StaffMember("tom@harbor.example", "Tom")
        desk.store.practices.save(replace(desk.practice, staff={**desk.practice.staff, tom.email: tom}))
        hold(desk)
        since = feed(desk).held.since.isoformat()  # type: ignore[union-attr]
        assert answer(desk, "keep") == 303
        desk.minutes(pulled)
        page = desk.send(f"{HOME}/held", tom.email, feed="ehr~osei", since=since, answer="accept")
        assert page.status == 409
        for part in ("Nadia P. has answered this already", "The visits stay", "Nothing of yours was done"):
            assert part in page.text, part
        desk.minutes(3)
        assert not any(one.missing_since for one in desk.store.appointments_by_key.values())
        assert len(desk.store.practice_events.latest("harbor", 5)) == 1

    def test_whoever_answered_may_think_again_until_the_next_pull(self, desk: PortalDesk) -> None:
        hold(desk)
        assert answer(desk, "keep") == 303
        assert answer(desk, "accept") == 303
        assert feed(desk).answer is VanishedAnswer.ACCEPT
        assert len(desk.store.practice_events.latest("harbor", 5)) == 2

    def test_another_than_was_shown_is_not_answered(self, desk: PortalDesk) -> None:
        hold(desk)
        assert answer(desk, since="2026-11-01T00:00:00+00:00") == 409
        assert feed(desk).answer is None

    @pytest.mark.parametrize("wrong", [{"word": "perhaps"}, {"since": "now"}, {"since": "2026-11-01T00:00:00"}])
    def test_is_not_answered_by_anything_else(self, desk: PortalDesk, wrong: dict[str, str]) -> None:
        hold(desk)
        assert answer(desk, **wrong) == 422
        assert feed(desk).answer is None


class TestSyncNow:
    def test_is_followed_from_asked_to_done_with_what_changed(self, desk: PortalDesk) -> None:
        answer = desk.send("/portal/harbor/sync")
        location = answer.headers["Location"]
        assert len(desk.asked_syncs.asked) == 2
        page = desk.open(location)
        assert page.text.count("Asked for") == 2
        assert 'hx-trigger="every 2s"' in page.html
        desk.enter()
        desk.clock.advance(seconds=3)
        desk.pull_asked("harbor", "ehr~osei", now_asked=True)
        page = desk.open(location)
        assert "Read: 1 visit new or changed" in page.text
        assert "Asked for" in page.text
        desk.pull_asked("harbor", "ehr~brandt", now_asked=True)
        page = desk.open(location)
        assert "Sync finished: 1 visit new or changed." in page.text
        assert 'data-say="Sync finished: 1 visit new or changed."' in page.html
        assert "hx-trigger" not in page.html.partition('id="schedules"')[2]

    def test_leaves_the_rows_set_aside_where_they_are_until_its_end_and_is_one_look_at_them(
        self, desk: PortalDesk
    ) -> None:
        desk.enter("appt-77", end=START - timedelta(minutes=5))
        desk.minutes()
        page = desk.open(desk.send("/portal/harbor/sync").headers["Location"])
        polled = page.html.partition(' data-poll hx-get="')[2].partition('"')[0].replace("&amp;", "&")
        assert ("appt-77" in page.html, len(desk.store.looks)) == (True, 1)

        for _ in range(3):
            desk.clock.advance(seconds=2)
            part = desk.part(polled)
            assert "appt-77" not in part.html
            assert '<div id="aside-ehr--osei" hx-preserve hidden></div>' in part.html
            assert "aside-ehr--brandt" not in part.html, "nothing of it is set aside"
        assert len(desk.store.looks) == 1

        for provider in ("osei", "brandt"):
            desk.pull_asked("harbor", f"ehr~{provider}", now_asked=True)
        last = desk.part(polled)
        assert "Sync finished" in last.text
        assert ("appt-77" in last.html, "hx-preserve" in last.html) == (True, False)
        assert [look[:3] for look in desk.store.looks] == [("harbor", NADIA, "show_set_aside")] * 2

    def test_says_that_it_is_reading(self, desk: PortalDesk) -> None:
        location, seen = desk.send("/portal/harbor/sync").headers["Location"], []
        snapshot = desk.source.snapshot

        def slowly(*arguments: object) -> object:
            seen.append("Reading …" in desk.open(location).text)
            return snapshot(*arguments)  # type: ignore[arg-type]

        desk.source.snapshot = slowly  # type: ignore[assignment, method-assign]
        desk.pull_asked("harbor", "ehr~osei", now_asked=True)
        assert seen == [True]

    def test_says_what_went_wrong(self, desk: PortalDesk) -> None:
        location = desk.send("/portal/harbor/sync").headers["Location"]
        desk.source.fault = Unavailable()
        for provider in ("osei", "brandt"):
            desk.pull_asked("harbor", f"ehr~{provider}", now_asked=True)
        assert "not every schedule could be read" in desk.open(location).text

    def test_that_never_began_is_given_up_and_forgotten(self, desk: PortalDesk) -> None:
        location = desk.send("/portal/harbor/sync").headers["Location"]
        desk.clock.advance(minutes=10, seconds=1.5)
        page = desk.open(location)
        assert page.text.count("Not begun in ten minutes.") == 2
        assert "Sync finished: not every schedule could be read." in page.text
        assert "hx-trigger" not in page.html.partition('id="schedules"')[2]
        desk.clock.advance(minutes=10)
        assert "Sync" not in desk.open(location).text.replace("Sync now", "")

    def test_that_began_and_never_ended_is_given_up_too(self, desk: PortalDesk) -> None:
        location = desk.send("/portal/harbor/sync").headers["Location"]
        desk.pull_asked("harbor", "ehr~brandt", now_asked=True)
        desk.store.asked_pulls["harbor", "ehr~osei"] = AskedPull(desk.clock.now())
        assert "Reading …" in desk.open(location).text
        desk.clock.advance(minutes=10, seconds=1.5)
        page = desk.open(location)
        assert "Begun, but not ended in ten minutes." in page.text
        assert "Sync finished: not every schedule could be read." in page.text
        assert "hx-trigger" not in page.html.partition('id="schedules"')[2]

    def test_that_never_had_the_time_it_needs_says_so(self, desk: PortalDesk) -> None:
        desk.clock.advance(seconds=40)
        location, minute = desk.send("/portal/harbor/sync").headers["Location"], minute_of(desk.clock.now())
        desk.pull_asked("harbor", "ehr~brandt", now_asked=True)
        desk.clock.advance(minutes=11)
        later = desk.send("/portal/harbor/sync").headers["Location"]
        desk.pull_asked.give_up("harbor", "ehr~osei", minute)
        page = desk.open(location)
        assert "The schedule could not be read in time." in page.text
        assert "Sync finished: not every schedule could be read." in page.text
        assert desk.open(later).text.count("Asked for") == 2, "it says nothing of one that was asked for since"

    @pytest.mark.parametrize("asked", ["", "x", "-1", "99999999999", "9" * 14, "9" * 15, "²"])
    def test_that_was_never_asked_for_is_not_followed(self, desk: PortalDesk, asked: str) -> None:
        page = desk.open(f"{HOME}?asked={asked}")
        assert page.status == 200
        assert 'class="card progress"' not in page.html

    @pytest.mark.parametrize("seconds", [0.5, 60])
    def test_an_earlier_one_does_not_stand_for_it(self, desk: PortalDesk, seconds: float) -> None:
        desk.pull_asked("harbor", "ehr~osei", now_asked=True)
        desk.clock.advance(seconds=seconds)
        location = desk.send("/portal/harbor/sync").headers["Location"]
        assert desk.open(location).text.count("Asked for") == 2

    def test_a_pull_that_nobody_asked_for_writes_nothing_of_it(self, desk: PortalDesk) -> None:
        assert desk.pull_asked("harbor", "ehr~osei").outcome is Outcome.UNCHANGED
        assert not desk.store.asked_pulls


class TestWhoMay:
    @pytest.mark.parametrize(("by", "status"), [(VIC, 403), (STRANGER, 404)])
    def test_viewers_and_strangers_change_nothing(self, desk: PortalDesk, by: str, status: int) -> None:
        hold(desk)
        before = feed(desk)
        assert answer(desk, by=by) == status
        assert desk.send("/portal/harbor/sync", by).status == status
        assert feed(desk) == before
        assert not desk.asked_syncs.asked

    def test_viewers_look_and_strangers_do_not(self, desk: PortalDesk) -> None:
        hold(desk)
        page = desk.open(HOME, VIC)
        assert page.status == 200
        assert "Waits for your answer" in page.text
        assert "<button" not in page.html.partition("<main")[2]
        assert desk.open(HOME, STRANGER).status == 404
        assert desk.open("/portal/pier/integration").status == 404
        assert desk.open(HOME, by=None).status == 303

    def test_a_feed_of_another_practice_is_not_answered(self, desk: PortalDesk) -> None:
        hold(desk)
        pier = a_practice(slug="pier", staff={STRANGER: replace(desk.practice.staff[NADIA], email=STRANGER)})
        desk.store.practices.save(pier)
        since = feed(desk).held.since.isoformat()  # type: ignore[union-attr]
        sent = desk.send("/portal/pier/integration/held", STRANGER, feed="ehr~osei", since=since, answer="accept")
        assert sent.status == 409
        assert feed(desk).answer is None
