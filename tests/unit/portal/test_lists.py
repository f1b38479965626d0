"""Appointments: what there is to do, what comes, what was; finding one among all."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec.structs import replace
from oneway.domain import identifiers
from oneway.domain.appointments import AppointmentState, PersonName
from oneway.domain.feeds import FeedState
from oneway.domain.requests import Request
from oneway.languages import portal_words

from tests.builders import NOW, a_form, a_record, a_row, an_appointment
from tests.desk import LATER, NADIA, VIC, at
from tests.portal import PortalDesk

HARBOR = "/portal/harbor"
LIST = f"{HARBOR}/appointments"
ANOTHER = a_record(
    source_id="pat-9", names=(PersonName(("Jon",), "Reed"),), birth_date=date(1950, 1, 2), phones=(), emails=()
)


def rows(html: str) -> list[str]:
    """The rows of a list, in words."""
    found = re.findall(r"<tr>(.*?)</tr>", html.partition("<tbody>")[2], re.S)
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", one)).strip() for one in found]


def fill(desk: PortalDesk, number: int) -> None:
    """Import visits of as many people, a quarter of an hour apart, half of them in the past."""
    for n in range(number):
        start = NOW + timedelta(minutes=15 * (n - number // 2))
        provider = ("osei", "brandt")[n % 2]
        patient = a_record(
            source_id=f"p-{n}", names=(PersonName((f"Ann{n:04d}",), f"Lind{n:04d}"),), phones=(), emails=()
        )
        row = a_row(f"x-{n}", start=start, end=start + timedelta(minutes=15), patient=patient)
        visit = an_appointment(row, id=identifiers.appointment_id("harbor", "ehr", f"x-{n}"), provider_id=provider)
        desk.store.appointments_by_key["harbor", provider, visit.id] = visit


class TestActionRequired:
    def test_what_waits_stands_there_by_start_with_all_that_hurries(self, desk: PortalDesk) -> None:
        desk.ask(1, start=LATER, first_name="Jon", last_name="Reed", email=None)
        request = desk.ask()
        desk.enter(patient=a_record(birth_date=a_record().birth_date.replace(day=13)))
        desk.minutes()
        desk.claim_request("harbor", NADIA, request.id)

        first, second = rows(desk.open(LIST).html)

        for part in ("Tue, Nov 24, 9:30 AM", "starts in 23 h", "Maria Núñez", "1 minute ago", "possible match"):
            assert part in first, part
        assert "Nadia P. is on it" in first
        assert "Jon Reed" in second
        assert "No e-mail: call" in second
        assert "starts in" not in second
        assert "possible match" not in second

    def test_a_visit_that_was_there_before_the_request_is_marked_too(self, desk: PortalDesk) -> None:
        desk.enter(**at(LATER))
        desk.minutes()
        desk.ask()
        desk.tick(minutes=1)
        desk.deliver()

        assert "possible match" in rows(desk.open(LIST).html)[0]

    def test_a_possible_match_that_was_dismissed_is_not_marked(self, desk: PortalDesk) -> None:
        request = desk.ask()
        desk.enter(patient=a_record(birth_date=a_record().birth_date.replace(day=13)))
        desk.minutes()
        desk.dismiss(request)

        assert "possible match" not in rows(desk.open(LIST).html)[0]

    @pytest.mark.parametrize(
        "change",
        [
            lambda desk: desk.call_off(),
            lambda desk: desk.source.rows.pop("appt-1"),
            lambda desk: desk.change(patient=ANOTHER),
        ],
        ids=["cancelled", "gone", "another's"],
    )
    def test_a_possible_match_that_is_none_any_more_is_not_marked(
        self, desk: PortalDesk, change: Callable[[PortalDesk], object]
    ) -> None:
        desk.ask()
        desk.enter(patient=a_record(birth_date=a_record().birth_date.replace(day=13)))
        desk.minutes()
        assert "possible match" in rows(desk.open(LIST).html)[0]

        change(desk)
        desk.minutes(3)

        assert "possible match" not in rows(desk.open(LIST).html)[0]

    def test_a_dismissal_that_a_changed_identifier_lifted_is_marked_again(self, desk: PortalDesk) -> None:
        request = desk.ask()
        desk.enter(patient=a_record(birth_date=a_record().birth_date.replace(day=13)))
        desk.minutes()
        desk.dismiss(request)
        desk.change(patient=a_record(birth_date=a_record().birth_date.replace(day=14)))
        desk.minutes()

        assert "possible match" in rows(desk.open(LIST).html)[0]

    def test_what_patients_and_schedules_ask_of_staff_stands_there_too(self, desk: PortalDesk) -> None:
        request = desk.confirmed()
        assert rows(desk.open(LIST).html) == []
        assert "every request is answered" in desk.open(LIST).text

        desk.cancel_by_patient("harbor", desk.links.of(desk.stored(request)))

        assert "Asked to cancel" in rows(desk.open(LIST).html)[0]

    @pytest.mark.parametrize(
        ("typed", "happens", "says"),
        [
            ({}, lambda desk, request: desk.source.rows.clear(), "No longer in your schedule"),
            ({}, lambda desk, request: desk.change(patient=ANOTHER), "Another patient now"),
            ({"email": None}, lambda desk, request: None, "Call patient"),
            ({}, lambda desk, request: desk.undo(desk.stored(request)), "Pending request"),
        ],
        ids=["vanished", "suspended", "call task", "undone"],
    )
    def test_so_does_what_becomes_of_a_confirmed_visit(
        self,
        desk: PortalDesk,
        typed: dict[str, str | None],
        happens: Callable[[PortalDesk, Request], object],
        says: str,
    ) -> None:
        request = desk.ask(**typed)
        desk.enter()
        desk.minutes(2)
        assert desk.stored(request).link
        happens(desk, request)
        desk.minutes(3)

        assert says in rows(desk.open(LIST).html)[0]

    def test_a_request_whose_new_time_is_looked_for_stands_there_until_it_is_found(self, desk: PortalDesk) -> None:
        request = desk.ask()
        desk.cancel_as_moved(request)
        assert "Looking for its new time" in rows(desk.open(LIST).html)[0]

        desk.enter(**at(LATER))
        desk.minutes()
        assert rows(desk.open(LIST).html) == []

    def test_a_source_that_is_broken_is_told_even_if_it_was_never_read(self, desk: PortalDesk) -> None:
        key = ("harbor", "ehr~osei")
        broken = replace(desk.store.feeds_by_id[key], broken_since=NOW, last_failure="auth_revoked", last_good_at=None)
        assert isinstance(broken, FeedState)
        desk.store.feeds_by_id[key] = broken

        text = desk.open(LIST).text
        assert "has taken our access away" in text
        assert portal_words("en")["fault_do.auth_revoked"] in text, "and what to do"

    def test_what_the_practice_no_longer_has_breaks_no_list(self, desk: PortalDesk) -> None:
        desk.ask()
        fill(desk, 4)
        desk.store.practices.save(
            replace(desk.practice, providers={"brandt": desk.practice.providers["brandt"]}, visit_types={})
        )

        for address in (LIST, f"{LIST}?from=2026-11-24", f"{HARBOR}/upcoming", f"{HARBOR}/past"):
            assert desk.open(address).status == 200, address
        (first, *_) = rows(desk.open(f"{LIST}?from=2026-11-24").html)
        assert "Maria" in first
        assert "Osei" in first, "who left is still named"
        assert "Osei" in desk.open(f"{HARBOR}/upcoming").text

    def test_the_tab_counts_all_whatever_is_filtered(self, desk: PortalDesk) -> None:
        desk.ask()
        desk.ask(1, start=LATER)

        page = desk.open(f"{LIST}?from=2026-11-25&to=2026-11-25")

        assert len(rows(page.html)) == 1
        assert '<span class="count">2</span>' in page.html
        assert rows(desk.open(f"{LIST}?provider=brandt").html) == []


class TestARequestWithoutATime:
    DAYS = (date(2026, 12, 1), date(2026, 12, 8))

    def test_says_when_it_would_suit_wherever_it_is_looked_at(self, desk: PortalDesk) -> None:
        request = desk.ask_for_another_time(*self.DAYS, number=1, parts=["morning"])
        page = f"{LIST}/{request.id}"
        looks = {
            "en": ("Preferred days", "Tue, Dec 1; Tue, Dec 8 (morning)"),
            "es": ("Días preferidos", "mar 1 dic; mar 8 dic (mañana)"),
        }
        for language, words in looks.items():
            texts = [desk.open(f"{address}?lang={language}").text for address in (LIST, page, f"{page}/cancel")]
            texts += rows(desk.send(f"{HARBOR}/search?lang={language}", text="Núñez").html)
            assert [[one in text for one in words] for text in texts] == [[True, True]] * 4

    @pytest.mark.parametrize(
        ("query", "shown"),
        [
            ("from=2026-12-02&to=2026-12-08", True),
            ("from=2026-11-30&to=2026-12-01", True),
            ("from=2026-12-08", True),
            ("to=2026-12-01", True),
            ("from=2026-12-02&to=2026-12-07", False),
            ("to=2026-11-30", False),
            ("from=2026-12-09", False),
            ("from=2026-12-01&provider=brandt", False),
            ("", True),
        ],
    )
    def test_is_listed_on_its_preferred_days(self, desk: PortalDesk, query: str, shown: bool) -> None:
        desk.ask_for_another_time(*self.DAYS, number=1, parts=["morning"])
        assert bool(rows(desk.open(f"{LIST}?{query}").html)) is shown

    def test_is_listed_on_its_last_preferred_day_once_it_has_ended(self, desk: PortalDesk) -> None:
        request = desk.ask_for_another_time(*self.DAYS, number=1, parts=["morning"])
        page = f"{LIST}/{request.id}"
        assert rows(desk.open(f"{HARBOR}/upcoming").html) == []
        desk.send(f"{page}/cancel", reason="other", note="")

        for query, shown in (
            ("", True),
            ("?from=2026-12-08&to=2026-12-08", True),
            ("?from=2026-12-01&to=2026-12-07", False),
        ):
            found = rows(desk.open(f"{HARBOR}/upcoming{query}").html)
            assert bool(found) is shown, query
        assert "Preferred days: Tue, Dec 1; Tue, Dec 8 (morning)" in rows(desk.open(f"{HARBOR}/upcoming").html)[0]
        desk.clock.advance(days=16)
        assert "Maria Núñez" in rows(desk.open(f"{HARBOR}/past?state=cancelled").html)[0]
        assert "Maria Núñez" in rows(desk.send(f"{HARBOR}/search", text="nunez").html)[0]

    def test_is_listed_by_its_visit_s_time_once_there_is_one(self, desk: PortalDesk) -> None:
        request = desk.ask_for_another_time(*self.DAYS, number=1, parts=["morning"])
        desk.enter(**at(LATER))
        desk.minutes()
        (match,) = desk.explain_request(desk.practice, desk.stored(request)).suggestions
        desk.accept_match("harbor", NADIA, request.id, match.visit.provider_id, match.visit.id)
        desk.cancel_by_patient("harbor", desk.links.of(desk.stored(request)))

        assert rows(desk.open(f"{LIST}?from=2026-12-01").html) == []
        assert "Wed, Nov 25, 9:30 AM" in rows(desk.open(f"{LIST}?to=2026-11-25").html)[0]


class TestVisits:
    def test_one_is_on_the_day_that_the_list_shows_of_it(self, desk: PortalDesk) -> None:
        practice = desk.practice
        tokyo = replace(next(iter(practice.locations.values())), id="tokyo", zone="Asia/Tokyo")
        osei = replace(practice.provider("osei"), location_id="tokyo")
        desk.practice = replace(
            practice,
            locations={**practice.locations, "tokyo": tokyo},
            providers={**practice.providers, "osei": osei},
        )
        desk.store.practices.save(desk.practice)
        desk.enter(**at(datetime(2026, 11, 25, 1, tzinfo=UTC)))  # the 24th in the practice's zone
        desk.minutes()
        for day, shown in (("2026-11-24", False), ("2026-11-25", True), ("2026-11-26", False)):
            found = rows(desk.open(f"{HARBOR}/upcoming?from={day}&to={day}").html)
            assert ["Wed, Nov 25" in row for row in found] == [True] * shown, day

    def test_one_that_the_schedule_no_longer_shows_says_so(self, desk: PortalDesk) -> None:
        fill(desk, 4)
        key, visit = max(desk.store.appointments_by_key.items(), key=lambda one: one[1].start)
        desk.store.appointments_by_key[key] = visit.missing(NOW)

        found = rows(desk.open(f"{HARBOR}/upcoming").html)

        assert ["No longer in your schedule" in row for row in found] == ["Ann0003" in row for row in found]
        assert any("Ann0003" in row for row in found)

    def test_one_of_which_staff_said_that_it_takes_place_asks_no_more_and_still_says_what_is_so(
        self, desk: PortalDesk
    ) -> None:
        request = desk.confirmed()
        del desk.source.rows["appt-1"]
        desk.minutes(3)
        week = f"{HARBOR}/calendar?provider=osei&week=2026-11-23"
        assert "No longer in your schedule" in rows(desk.open(LIST).html)[0]

        desk.send(f"{LIST}/{request.id}/vanished", answer="stands")

        assert rows(desk.open(LIST).html) == []
        for address in (f"{HARBOR}/upcoming", week):
            assert "No longer in your schedule" in desk.open(address).text

        desk.enter()
        desk.minutes()
        for address in (f"{HARBOR}/upcoming", week):
            assert "No longer in your schedule" not in desk.open(address).text

    def test_a_linked_pair_stands_once_and_leads_to_the_request(self, desk: PortalDesk) -> None:
        request = desk.confirmed()

        page = desk.open(f"{HARBOR}/upcoming")

        (row,) = rows(page.html)
        assert "Confirmed" in row
        assert "Asked online" in row
        assert f"{LIST}/{request.id}" in page.html

    def test_visits_that_staff_entered_stand_beside_requests(self, desk: PortalDesk) -> None:
        desk.ask()
        desk.enter("walk-in", **at(LATER), patient=a_record(names=(PersonName(("Jon",), "Reed"),), birth_date=None))
        desk.minutes()

        asked, entered = rows(desk.open(f"{HARBOR}/upcoming").html)

        assert "Maria Núñez" in asked
        assert "Pending request" in asked
        assert "Jon Reed" in entered
        assert "In your schedule only" in entered

    def test_another_year_is_named(self, desk: PortalDesk) -> None:
        start = LATER + timedelta(days=60)
        desk.enter("walk-in", **at(start))
        desk.minutes()

        assert "Sun, Jan 24 2027, 9:30 AM" in rows(desk.open(f"{HARBOR}/upcoming").html)[0]

    def test_upcoming_begins_now_and_past_ends_now_the_latest_first(self, desk: PortalDesk) -> None:
        fill(desk, 8)

        upcoming, past = (rows(desk.open(f"{HARBOR}/{tab}").html) for tab in ("upcoming", "past"))

        assert [row.split()[5] for row in upcoming] == ["Ann0004", "Ann0005", "Ann0006", "Ann0007"]
        assert [row.split()[5] for row in past] == ["Ann0003", "Ann0002", "Ann0001", "Ann0000"]

    def test_a_day_that_is_chosen_is_a_whole_one(self, desk: PortalDesk) -> None:
        fill(desk, 8)

        assert len(rows(desk.open(f"{HARBOR}/upcoming?from=2026-11-23&to=2026-11-23").html)) == 8
        assert len(rows(desk.open(f"{HARBOR}/past?from=2026-11-23").html)) == 4

    def test_fifty_a_page_of_those_that_are_wanted(self, desk: PortalDesk) -> None:
        fill(desk, 240)

        page = desk.open(f"{HARBOR}/upcoming?provider=osei&page=2")

        assert "Upcoming 60" in page.text
        assert "Page 2 of 2" in page.text
        assert len(rows(page.html)) == 10
        assert all("Osei" in row for row in rows(page.html))
        assert "provider=osei" in page.html.partition('rel="prev"')[2].partition(">")[0]
        assert "Page 2 of 2" in desk.open(f"{HARBOR}/upcoming?provider=osei&page=9").text

    @pytest.mark.parametrize("state", [AppointmentState.NO_SHOW, AppointmentState.CANCELLED])
    def test_one_state_only(self, desk: PortalDesk, state: AppointmentState) -> None:
        desk.enter("walk-in", state=state, raw_state=str(state))
        desk.enter("other", **at(LATER))
        desk.minutes()

        assert len(rows(desk.open(f"{HARBOR}/upcoming?state={state}").html)) == 1

    @pytest.mark.parametrize(
        "query",
        [
            "page=x",
            "page=-1",
            "page=99999999",
            "from=never",
            "state=<b>",
            "provider=nobody",
            "from=9999-12-31",
            "to=9999-12-31",
            "from=0001-01-01&to=0001-01-01",
            "from=2026-12-24&to=2026-12-01",
        ],
    )
    def test_nonsense_in_an_address_is_no_error(self, desk: PortalDesk, query: str) -> None:
        desk.ask()

        for tab in ("upcoming", "past", "appointments"):
            assert desk.open(f"{HARBOR}/{tab}?{query}").status == 200

    def test_the_list_refreshes_itself_at_its_own_address(self, desk: PortalDesk) -> None:
        fill(desk, 240)

        part = desk.open(f"{HARBOR}/upcoming?provider=osei&page=2").html.partition("data-poll")[2].partition(">")[0]

        assert 'hx-trigger="every 30s"' in part
        assert "page=2" in part
        assert "provider=osei" in part


class TestSearch:
    @pytest.mark.parametrize(
        "typed",
        [
            "Núñez",
            "nun",
            "maria",
            "Nunez, Maria",
            "mar nun",
            "(415) 555-2671",
            "415 555",
            "MARIA@example.org",
            "maria@",
        ],
    )
    def test_a_caller_is_found_with_state_and_time(self, desk: PortalDesk, typed: str) -> None:
        request = desk.confirmed()

        page = desk.send(f"{HARBOR}/search", text=typed)

        (row,) = rows(page.html)
        assert "Tue, Nov 24, 9:30 AM" in row
        assert "Confirmed" in row
        assert f"{LIST}/{request.id}" in page.html

    def test_what_was_typed_online_finds_a_visit_whose_record_says_otherwise(self, desk: PortalDesk) -> None:
        request = desk.ask(email="typed@example.org")
        desk.enter(patient=a_record(emails=("other@example.org",)))
        desk.minutes()
        assert desk.stored(request).link

        for typed in ("typed@example.org", "other@example.org"):
            assert len(rows(desk.send(f"{HARBOR}/search", text=typed).html)) == 1

    @pytest.mark.parametrize(
        "typed", ["rosa", "quispe", "vega", "Rosa Quispe", "Vega, Rosa", "maria", "elena", "(415) 555-2671", "maria@"]
    )
    def test_who_asked_for_somebody_else_is_found_as_the_patient_is(self, desk: PortalDesk, typed: str) -> None:
        booker = {"first_name": "Rosa", "last_name": "Vega Quispe", "relation": "mother"}
        desk.submit(booker=booker, patient=a_form()["patient"] | {"first_name": "María Elena"})
        desk.enter(patient=a_record(names=(PersonName(("María", "Elena"), "Núñez"),)))

        for state in ("Pending request", "Confirmed"):
            (row,) = rows(desk.send(f"{HARBOR}/search", text=typed).html)
            assert "María Elena Núñez" in row
            assert state in row
            desk.minutes()

    def test_what_more_than_can_be_looked_at_begins_with_says_so(self, desk: PortalDesk) -> None:
        fill(desk, 1001)

        page = desk.send(f"{HARBOR}/search", text="lind")

        assert "More than 1000 visits found" in page.text
        assert "some are not among these" in page.text
        assert "some are not among these" not in desk.send(f"{HARBOR}/search", text="lind0099").text
        none = desk.send(f"{HARBOR}/search", text="lind nobody").text
        assert "some are not among these" in none
        assert "Nobody found" not in none

    def test_the_nearest_come_first_and_what_comes_before_what_was(self, desk: PortalDesk) -> None:
        fill(desk, 200)

        found = rows(desk.send(f"{HARBOR}/search", text="lind").html)

        assert len(found) == 50
        assert "Ann0100" in found[0]
        assert "200 visits found" in desk.send(f"{HARBOR}/search", text="lind").text

    @pytest.mark.parametrize("typed", ["", "  ", "m", "123"])
    def test_too_little_is_not_looked_for(self, desk: PortalDesk, typed: str) -> None:
        desk.ask()

        page = desk.send(f"{HARBOR}/search", text=typed)

        assert rows(page.html) == []
        assert "Type the beginning" in page.text
        assert ("harbor", NADIA, "find_visits", "") not in desk.store.looks

    def test_what_is_typed_stands_in_no_address_and_no_log(
        self, desk: PortalDesk, capsys: pytest.CaptureFixture[str]
    ) -> None:
        desk.ask()

        page = desk.send(f"{HARBOR}/search", VIC, text="Núñez")

        assert page.status == 200
        assert 'value="Núñez"' in page.html
        said = "".join(capsys.readouterr()).lower()
        assert said
        assert "núñez" not in said
        assert "nunez" not in said
