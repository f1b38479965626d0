"""The Calendar's pages, as staff use them without a script."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from oneway.domain.availability import CLOSED_WEEK, Closure, Opening, Week
from oneway.domain.practices import StaffMember
from oneway.web.calendar_form import pairs_of, week_text

from tests.builders import START, WEEK, a_practice, a_provider, a_record
from tests.desk import NADIA, VIC
from tests.portal import Answer, PortalDesk

HOME = "/portal/harbor/calendar"
BEN = "ben@harbor.example"
THIS, NEXT = date(2026, 11, 23), date(2026, 11, 30)
DECEMBER = (date(2026, 12, 7), date(2026, 12, 14), date(2026, 12, 21))
OSEI = f"{HOME}?provider=osei&week={THIS}"
SHORT: Week = ((Opening(540, 600),), *WEEK[1:])
SHARED: Week = (tuple(Opening(hour * 60, hour * 60 + 40) for hour in range(7, 21)),) * 7
"""Fourteen openings on each day."""


def in_words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


@pytest.fixture
def ben(desk: PortalDesk) -> str:
    """A colleague of Nadia's."""
    practice = desk.store.practices.get("harbor")
    desk.store.practices.save(replace(practice, staff={**practice.staff, BEN: StaffMember(BEN, "Ben O.")}))
    return BEN


def fields(week: Week) -> dict[str, str]:
    return {
        f"d{day}{which}{number}": text
        for day, pairs in enumerate(pairs_of(week))
        for number, pair in enumerate(pairs)
        for which, text in zip("se", pair, strict=True)
    }


def save(
    desk: PortalDesk, week: Week = SHORT, by: str = NADIA, seen: Week = WEEK, monday: date = NEXT, **more: str
) -> Answer:
    form = {"provider": "osei", "week": str(monday), "edit": "week", "seen": week_text(seen), "do": "save"}
    return desk.send(f"{HOME}/hours", by, **(form | fields(week) | more))


def stands(desk: PortalDesk, day: date = NEXT) -> Week:
    return desk.store.calendar.get("harbor", "osei").availability.week_of(day)


class TestAWeek:
    def test_shows_hours_and_visits_in_words(self, desk: PortalDesk) -> None:
        request = desk.ask()
        page = desk.open(OSEI)
        assert page.status == 200
        for part in ("Mon, Nov 23 – Sun, Nov 29, 2026", "9:30 AM – 10:00 AM", "Maria Núñez", "Pending request",
                     "9:00 AM – 12:00 PM, 1:00 PM – 5:00 PM", "This week follows the default week."):  # fmt: skip
            assert part in page.text, part
        assert f'href="/portal/harbor/appointments/{request.id}"' in page.html
        assert desk.store.looks[-1] == ("harbor", NADIA, "show_calendar", "osei 2026-11-23")

    def test_of_a_shared_slot_says_how_many_places_are_taken(self, desk: PortalDesk) -> None:
        desk.store.practices.save(a_practice(a_provider(split=2)))
        desk.ask()
        assert "1 of 2 taken" in desk.open(OSEI).text
        desk.ask(1, first_name="Ana")
        assert "2 of 2 taken" in desk.open(OSEI).text
        desk.enter(patient=a_record(source_id="pat-9", birth_date=date(1990, 1, 1)))
        desk.minutes()
        assert "3 of 2 taken" in desk.open(OSEI).text

    def test_in_spanish_says_the_same(self, desk: PortalDesk) -> None:
        desk.ask()
        page = desk.open(f"{OSEI}&lang=es")
        for part in ("Calendario", "Solicitud pendiente", "Cargar el horario predeterminado", "9:30 a. m."):
            assert part in page.text, part

    def test_tells_the_zone_where_the_clocks_change(self, desk: PortalDesk) -> None:
        desk.ask(start=datetime(2026, 11, 24, 17, 30, tzinfo=UTC))
        assert "PST" not in desk.open(OSEI).text
        desk.clock.at = datetime(2027, 3, 8, 18, tzinfo=UTC)
        desk.minutes()
        week: Week = (*WEEK[:6], (Opening(0, 1440),))
        desk.edit_calendar.save_week("harbor", NADIA, "osei", date(2027, 3, 8), WEEK, week)
        desk.ask(1, start=datetime(2027, 3, 14, 9, 30, tzinfo=UTC))
        desk.ask(2, start=datetime(2027, 3, 14, 10, 0, tzinfo=UTC), first_name="Ana")
        text = desk.open(f"{HOME}?provider=osei&week=2027-03-08").text
        assert "1:30 AM (PST) – 3:00 AM (PDT)" in text
        assert "3:00 AM (PDT) – 3:30 AM (PDT)" in text

    def test_of_all_providers_stands_side_by_side(self, desk: PortalDesk) -> None:
        desk.store.practices.save(a_practice(a_provider(), a_provider("brandt")))
        page = desk.open(HOME)
        assert "Dr. Lena Brandt" in page.text
        assert "Choose a provider" in page.text
        assert "Load default schedule" not in page.text

    @pytest.mark.parametrize("week", ["yesterday", "2001-01-01", "2999-01-01"])
    def test_that_is_none_is_the_nearest(self, desk: PortalDesk, week: str) -> None:
        assert desk.open(f"{HOME}?week={week}").status == 200


class TestEditing:
    def test_the_default_schedule_is_loaded_and_hides_what_is_booked_until_one_returns(self, desk: PortalDesk) -> None:
        desk.ask()
        desk.edit_calendar.save_week("harbor", NADIA, "osei", THIS, WEEK, SHORT)
        page = desk.open(f"{OSEI}&edit=load")
        assert "Maria" not in page.html
        assert 'name="d0e1" value="17:00"' in page.html
        assert stands(desk, THIS) == SHORT
        assert "Maria" in desk.open(OSEI).html

    @pytest.mark.parametrize("edit", ["load", "week", "default"])
    def test_of_many_openings_a_day_none_is_lost(self, desk: PortalDesk, edit: str) -> None:
        desk.edit_calendar.save_default("harbor", NADIA, "osei", THIS, WEEK, SHARED)

        page = desk.open(f"{HOME}?provider=osei&week={NEXT}&edit={edit}")
        typed = dict(re.findall(r'name="(d\d[se]\d+)" value="([^"]*)"', page.html))
        hidden = page.fields(f"{HOME}/hours")
        del hidden["csrf"]
        answer = desk.send(f"{HOME}/hours", **(hidden | typed | {"do": "save"}))

        assert answer.status == 303
        assert stands(desk) == SHARED
        assert ("d0s14", "") in typed.items(), "there is room for one more"

    def test_a_week_is_saved_as_an_override_and_everything_is_there_again(self, desk: PortalDesk) -> None:
        desk.ask()
        answer = save(desk)
        assert answer.headers["Location"] == f"{HOME}?provider=osei&week={NEXT}&done=week_saved"
        page = desk.open(answer.headers["Location"])
        assert "Saved. What is booked is shown again." in page.html
        assert "This week has hours of its own." in page.text
        assert "Last changed by Nadia P." in page.text
        assert stands(desk) == SHORT
        (event,) = desk.store.practice_events.latest("harbor", 5)
        assert (event.who, event.what, event.detail) == (NADIA, "week_saved", str(NEXT))

    def test_a_week_follows_the_default_again(self, desk: PortalDesk) -> None:
        save(desk)
        assert save(desk, seen=SHORT, do="follow").status == 303
        assert stands(desk) == WEEK

    @pytest.mark.parametrize("days", range(7))
    def test_all_that_can_be_booked_is_shown_and_edited(self, desk: PortalDesk, days: int) -> None:
        desk.store.practices.save(replace(desk.practice, horizon_days=365))
        desk.clock.advance(days=days)
        desk.minutes()
        offered = desk.list_slots(
            "harbor", "osei", "new", *(desk.clock.now().date() + timedelta(n) for n in (357, 367))
        )
        last = max(day for day, starts in offered.days.items() if starts)
        page = desk.open(f"{HOME}?provider=osei&week={last}&edit=week")
        monday = date.fromisoformat(page.fields(f"{HOME}/hours")["week"])

        assert monday <= last < monday + timedelta(weeks=1)
        assert save(desk, monday=monday).status == 303
        assert stands(desk, last) == SHORT

    def test_what_is_wrong_is_said_and_what_was_typed_stays(self, desk: PortalDesk) -> None:
        answer = save(desk, d0s0="12:00", d0e0="09:00")
        assert answer.status == 422
        assert "give an end after the start" in answer.text
        assert 'name="d0s0" value="12:00"' in answer.html
        assert stands(desk) == WEEK

    def test_the_default_week_is_edited(self, desk: PortalDesk) -> None:
        assert "Edit the default week" in desk.open(f"{OSEI}&edit=default").text
        assert save(desk, edit="default").status == 303
        assert stands(desk) == stands(desk, THIS) == SHORT

    @pytest.mark.parametrize(
        ("monday", "says", "follow"),
        [
            (THIS, "It holds at once, but only until Monday, December 7, 2026, when another default begins", (THIS, NEXT)),
            (NEXT, "It holds at once, but only until Monday, December 7, 2026, when another default begins", (THIS, NEXT)),
            (DECEMBER[0], "It holds from Monday, December 7, 2026 on, but only until Monday, December 14, 2026", DECEMBER[:1]),
            (DECEMBER[1], "It holds from Monday, December 14, 2026 on for every week without hours of its own;", DECEMBER[1:]),
        ],
    )  # fmt: skip
    def test_the_edit_of_a_default_says_for_which_weeks_it_holds(
        self, desk: PortalDesk, monday: date, says: str, follow: tuple[date, ...]
    ) -> None:
        page = f"{HOME}?provider=osei&week={monday}&edit=default"
        assert "It holds at once for every week without hours of its own." in desk.open(page).text
        for begins in DECEMBER[:2]:
            desk.edit_calendar.apply_to_remaining("harbor", NADIA, "osei", begins, stands(desk, begins), SHORT, {})

        assert says in desk.open(page).text
        assert save(desk, CLOSED_WEEK, seen=stands(desk, monday), monday=monday, edit="default").status == 303
        assert tuple(one for one in (THIS, NEXT, *DECEMBER) if stands(desk, one) == CLOSED_WEEK) == follow

    def test_a_past_week_is_not_edited(self, desk: PortalDesk) -> None:
        page = desk.open(f"{HOME}?provider=osei&week=2026-11-16&edit=load")
        assert "This week is over" in page.text
        assert 'id="hours"' not in page.html
        assert save(desk, monday=date(2026, 11, 16)).status == 422


class TestWhyATimeIsNotOffered:
    @pytest.mark.parametrize(
        ("notice", "says"),
        [
            (20, "It is too soon: times are offered until 20 minutes before they begin."),
            (90, "It is too soon: times are offered until 90 minutes before they begin."),
            (60, "It is too soon: times are offered until 1 hour before they begin."),
            (2880, "It is too soon: times are offered until 48 hours before they begin."),
            (0, "It is too late: times are offered until they begin."),
        ],
    )
    def test_the_notice_is_said_to_the_minute(self, desk: PortalDesk, notice: int, says: str) -> None:
        desk.store.practices.save(replace(desk.practice, minimum_notice_minutes=notice))
        at = (desk.clock.now().astimezone(ZoneInfo(desk.practice.zone)) - timedelta(minutes=30)).isoformat()

        assert says in desk.open(f"{HOME}/why?provider=osei&day={at[:10]}&time={at[11:16]}").text


class TestTheTimeline:
    def test_says_when_who_and_what(self, desk: PortalDesk) -> None:
        save(desk)
        desk.clock.advance(minutes=1)
        closure = Closure(date(2026, 12, 24), date(2026, 12, 26), "Christmas")
        desk.edit_calendar.close("harbor", NADIA, "", closure)
        text = desk.open("/portal/harbor/settings/history").text
        for part in ("Opening hours of a week saved", "Dr. Amara Osei", "Monday, November 30, 2026", "Nadia P.",
                     "Thursday, December 24, 2026 – Saturday, December 26, 2026 Christmas"):  # fmt: skip
            assert part in text, part


class TestTwoEditors:
    def test_the_second_is_told_and_may_save_over_it(self, desk: PortalDesk) -> None:
        save(desk)
        longer: Week = ((Opening(420, 1200),), *WEEK[1:])
        answer = save(desk, longer)
        assert answer.status == 409
        for part in ("Nadia P. saved these hours before you", "9:00 AM – 10:00 AM", "7:00 AM – 8:00 PM"):
            assert part in answer.text, part
        assert 'name="d0s0" value="07:00"' in answer.html
        assert stands(desk) == SHORT
        hidden = answer.fields(f"{HOME}/hours")
        assert hidden["seen"] == week_text(SHORT)
        assert save(desk, longer, seen=SHORT).status == 303
        assert stands(desk) == longer

    def test_whoever_follows_the_default_again_is_told_how_it_stands(self, desk: PortalDesk) -> None:
        save(desk)
        longer: Week = ((Opening(420, 1200),), *WEEK[1:])
        answer = save(desk, seen=longer, do="follow")
        assert answer.status == 409
        for part in ("Nadia P. saved these hours before you (Monday, November 23, 2026, 10:00 AM", "Nothing was saved",
                     "When you began: 7:00 AM – 8:00 PM", "Nadia P.: 9:00 AM – 10:00 AM"):  # fmt: skip
            assert part in answer.text, part
        assert "Tue, Nov 24" not in answer.text.partition("Nothing was saved")[2].partition("Load default")[0]
        assert stands(desk) == SHORT
        again = answer.fields(f"{HOME}/hours")
        del again["csrf"]
        assert desk.send(f"{HOME}/hours", **(again | {"do": "follow"})).status == 303
        assert stands(desk) == WEEK

    def test_of_the_default_week_too(self, desk: PortalDesk) -> None:
        save(desk, edit="default")
        assert save(desk, CLOSED_WEEK, edit="default").status == 409


class TestApplyToRemainingWeeks:
    def test_asks_about_each_later_week_and_does_what_is_said(self, desk: PortalDesk) -> None:
        later = [NEXT + timedelta(weeks=n) for n in (2, 3)]
        for monday in later:
            desk.edit_calendar.save_week("harbor", NADIA, "osei", monday, WEEK, CLOSED_WEEK)
        page = save(desk, do="ask")
        assert page.status == 200
        for part in ("From Monday, November 30, 2026 on", "Week of Monday, December 14, 2026", "Keep its hours"):
            assert part in page.text, part
        assert stands(desk) == WEEK
        hidden = page.fields(f"{HOME}/hours")
        assert fields(SHORT).items() <= hidden.items()
        choice = {f"later.{later[0]}.week": "keep", f"later.{later[1]}.week": "replace", "do": "apply"}
        answer = desk.send(f"{HOME}/hours", **{name: one for name, one in hidden.items() if name != "csrf"} | choice)
        assert answer.status == 303
        assert [stands(desk, one) for one in (NEXT, *later)] == [SHORT, CLOSED_WEEK, SHORT]

    def test_a_year_of_weeks_of_their_own_and_of_many_openings_is_one_form(self, desk: PortalDesk) -> None:
        later = [NEXT + timedelta(weeks=n) for n in range(1, 51)]
        for monday in later:
            desk.edit_calendar.save_week("harbor", NADIA, "osei", monday, WEEK, CLOSED_WEEK)
        hidden = save(desk, SHARED, do="ask").fields(f"{HOME}/hours")
        del hidden["csrf"]
        kept = {f"later.{monday}.week": "keep" for monday in later}
        assert desk.send(f"{HOME}/hours", **(hidden | kept | {"do": "apply"})).status == 303
        assert [stands(desk), stands(desk, later[-1])] == [SHARED, CLOSED_WEEK]

    def test_one_may_go_on_editing_instead(self, desk: PortalDesk) -> None:
        page = save(desk, do="edit")
        assert page.status == 200
        assert 'name="d0e0" value="10:00"' in page.html
        assert stands(desk) == WEEK

    def test_what_came_meanwhile_is_asked_about_anew(self, desk: PortalDesk) -> None:
        desk.edit_calendar.save_week("harbor", NADIA, "osei", NEXT + timedelta(weeks=2), WEEK, CLOSED_WEEK)
        answer = save(desk, do="apply")
        assert answer.status == 409
        assert "changed what comes later meanwhile" in answer.text
        assert "Week of Monday, December 14, 2026" in answer.text
        assert stands(desk) == WEEK

    def test_what_was_chosen_stays_and_what_changed_meanwhile_is_named(self, desk: PortalDesk, ben: str) -> None:
        kept, changed, gone, new = (NEXT + timedelta(weeks=n) for n in (2, 3, 4, 5))
        for monday in (kept, changed, gone):
            desk.edit_calendar.save_week("harbor", NADIA, "osei", monday, WEEK, CLOSED_WEEK)
        hidden = save(desk, do="ask").fields(f"{HOME}/hours")
        del hidden["csrf"]
        desk.edit_calendar.save_week("harbor", ben, "osei", changed, CLOSED_WEEK, SHARED)
        desk.edit_calendar.save_week("harbor", ben, "osei", gone, CLOSED_WEEK, None)
        desk.edit_calendar.save_week("harbor", ben, "osei", new, WEEK, CLOSED_WEEK)
        choices = {f"later.{monday}.week": "replace" for monday in (kept, changed, gone)}

        answer = desk.send(f"{HOME}/hours", **(hidden | choices | {"do": "apply"}))

        assert answer.status == 409
        told, *weeks = (in_words(one) for one in answer.html.partition("<main")[2].split('<fieldset class="card later'))
        assert "Ben O. changed what comes later meanwhile (Monday, November 23, 2026, 10:00 AM" in told
        assert "No longer there: Week of Monday, December 28, 2026: Closed" in told
        chosen = dict(re.findall(r'name="(later[^"]*)" value="(\w+)" checked', answer.html))
        assert chosen == {f"later.{kept}.week": "replace", f"later.{changed}.week": "keep"} | {
            f"later.{new}.week": "keep"
        }
        assert len(weeks) == 3
        assert "since you looked" not in weeks[0]
        assert "Week of Monday, December 21, 2026 Changed since you looked When you began: Closed" in weeks[1]
        assert "Week of Monday, January 4, 2027 New since you looked" in weeks[2]

        hidden = answer.fields(f"{HOME}/hours")
        del hidden["csrf"]
        assert desk.send(f"{HOME}/hours", **(hidden | chosen | {"do": "apply"})).status == 303
        assert [stands(desk, one) for one in (NEXT, kept, changed, gone, new)] == [
            SHORT, SHORT, SHARED, SHORT, CLOSED_WEEK
        ]  # fmt: skip

    @pytest.mark.parametrize("do", ["edit", "apply"])
    def test_what_was_chosen_stays_while_one_goes_on_editing(self, desk: PortalDesk, ben: str, do: str) -> None:
        later = NEXT + timedelta(weeks=2)
        desk.edit_calendar.save_week("harbor", NADIA, "osei", later, WEEK, CLOSED_WEEK)
        hidden = save(desk, do="ask").fields(f"{HOME}/hours")
        del hidden["csrf"]
        if do == "apply":  # and somebody else edits the same week
            desk.edit_calendar.save_week("harbor", ben, "osei", NEXT, WEEK, CLOSED_WEEK)
        editing = desk.send(f"{HOME}/hours", **(hidden | {f"later.{later}.week": "replace", "do": do}))
        assert 'id="hours"' in editing.html
        hidden = editing.fields(f"{HOME}/hours")
        del hidden["csrf"]
        page = desk.send(f"{HOME}/hours", **(hidden | fields(SHORT) | {"do": "ask"}))
        assert f'name="later.{later}.week" value="replace" checked' in page.html


class TestClosing:
    def close(self, desk: PortalDesk, **more: str) -> Answer:
        form = {"shown": "osei", "week": str(THIS), "whose": "", "first": "2026-12-24", "last": "2026-12-26"}
        return desk.send(f"{HOME}/closures", **(form | {"name": "Christmas", "do": "close"} | more))

    def test_days_are_closed_with_a_note_and_opened_again(self, desk: PortalDesk) -> None:
        answer = self.close(desk)
        assert "done=closed" in answer.headers["Location"]
        closure = Closure(date(2026, 12, 24), date(2026, 12, 26), "Christmas")
        assert desk.store.calendar.get("harbor", "").availability.closures == (closure,)
        page = desk.open(f"{HOME}?provider=osei&week=2026-12-21").text
        assert "Closed: Thursday, December 24, 2026 – Saturday, December 26, 2026: Christmas" in re.sub(
            r" +", " ", page
        )
        assert "done=reopened" in self.close(desk, do="reopen").headers["Location"]
        assert desk.store.calendar.get("harbor", "").availability.closures == ()

    def test_of_what_is_not_closed_nothing_is_said_to_be_opened(self, desk: PortalDesk) -> None:
        self.close(desk)
        assert "done=gone" in self.close(desk, do="reopen", name="Easter").headers["Location"]
        assert "Nothing was changed: that is no longer there." in desk.open(f"{OSEI}&done=gone").html

    @pytest.mark.parametrize(
        ("days", "field"),
        [({"first": "2026-11-22", "last": ""}, "first"), ({"first": "2026-09-01", "last": "2026-09-04"}, "last")],
    )
    @pytest.mark.parametrize("whose", ["", "osei"])
    def test_days_that_have_passed_are_refused_beside_the_field(
        self, desk: PortalDesk, days: dict[str, str], field: str, whose: str
    ) -> None:
        answer = self.close(desk, whose=whose, **days)
        assert answer.status == 422
        assert f'id="error-closure-{field}">these days have passed<' in answer.html
        assert f'id="closure-{field}" value="{days[field]}" aria-invalid="true"' in answer.html
        assert desk.store.calendar.get("harbor", whose).availability.closures == ()

    def test_days_that_have_begun_can_be_closed(self, desk: PortalDesk) -> None:
        for days in ({"first": "2026-11-20", "last": "2026-11-23"}, {"first": "2026-11-23", "last": ""}):
            assert "done=closed" in self.close(desk, **days).headers["Location"]

    def test_one_day_of_a_provider(self, desk: PortalDesk) -> None:
        self.close(desk, whose="osei", last="", name="")
        (closure,) = desk.store.calendar.get("harbor", "osei").availability.closures
        assert closure == Closure(date(2026, 12, 24), date(2026, 12, 24))

    def test_a_providers_days_are_listed_with_theirs_and_with_all(self, desk: PortalDesk) -> None:
        self.close(desk, whose="osei", last="", name="Conference")
        for shown in ("", "osei"):
            assert "Thu, Dec 24, 2026 Conference Dr. Amara Osei" in desk.open(f"{HOME}?provider={shown}").text, shown
        assert "No days are closed." in desk.open(f"{HOME}?provider=brandt").text

    @pytest.mark.parametrize(
        "wrong", [{"first": ""}, {"last": "2026-12-01"}, {"last": "2029-01-01"}, {"name": "x" * 81}]
    )
    def test_what_cannot_be_is_said(self, desk: PortalDesk, wrong: dict[str, str]) -> None:
        answer = self.close(desk, **wrong)
        assert answer.status == 422
        assert 'role="alert"' in answer.html
        (field,) = wrong
        assert f'id="closure-{field}" value="{wrong[field]}" aria-invalid="true"' in answer.html
        assert f'aria-describedby="error-closure-{field}"' in answer.html
        assert 'value="Christmas"' in answer.html or field == "name"
        assert desk.store.calendar.get("harbor", "").version == 0

    def test_public_holidays_are_suggested(self, desk: PortalDesk) -> None:
        holiday = Closure(date(2026, 11, 26), date(2026, 11, 26), "Thanksgiving")
        desk.store.practices.save(a_practice(public_holidays=(holiday,)))
        assert "Thanksgiving" in desk.open(OSEI).text
        self.close(desk, first="2026-11-26", last="2026-11-26", name="Thanksgiving")
        assert "Public holidays" not in desk.open(OSEI).text

    def test_a_provider_is_paused_and_resumed(self, desk: PortalDesk) -> None:
        form = {"provider": "osei", "week": str(THIS)}
        desk.send(f"{HOME}/pause", paused="yes", **form)
        assert "No times of this provider are offered online." in desk.open(OSEI).text
        for word in ("", "true", "YES"):
            assert desk.send(f"{HOME}/pause", paused=word, **form).status == 422
        assert desk.send(f"{HOME}/pause", **form).status == 422
        assert desk.store.calendar.get("harbor", "osei").availability.paused
        desk.send(f"{HOME}/pause", paused="no", **form)
        assert not desk.store.calendar.get("harbor", "osei").availability.paused

    @pytest.mark.parametrize(
        ("path", "word"), [("hours", {"do": "delete"}), ("hours", {"edit": "all"}), ("closures", {"do": "open"})]
    )
    def test_a_word_that_no_page_sends_changes_nothing(self, desk: PortalDesk, path: str, word: dict[str, str]) -> None:
        before = dict(desk.store.calendars_by_key)
        assert desk.send(f"{HOME}/{path}", **(SENT[path] | word)).status == 422
        assert desk.store.calendars_by_key == before


class TestWhy:
    def why(self, desk: PortalDesk, day: str = "2026-11-24", time: str = "09:30", **more: str) -> str:
        query = "".join(f"&{name}={value}" for name, value in more.items())
        answer = desk.open(f"{HOME}/why?provider=osei&day={day}&time={time}{query}", VIC)
        assert answer.status == 200
        return answer.text

    def test_is_said_in_words_of_both_languages(self, desk: PortalDesk) -> None:
        assert "This time is offered online." in self.why(desk)
        desk.ask()
        assert "This time is taken." in self.why(desk)
        assert "Esta hora está ocupada." in self.why(desk, lang="es")
        assert "every 30 minutes" in self.why(desk, time="9:31")
        assert "does not exist" in self.why(desk, day="2027-03-14", time="02:30")
        assert "until 2 hours before" in self.why(desk, day="2026-11-23", time="10:30")

    def test_can_be_asked_where_all_providers_are_shown(self, desk: PortalDesk) -> None:
        html = desk.open(HOME).html
        form = html.partition('id="why-form"')[2].partition("</form>")[0]
        assert re.findall(r'<option value="(\w+)">', form.partition("why-day")[0]) == ["osei", "brandt"]
        assert 'type="hidden" name="provider"' not in form
        assert 'type="hidden" name="provider" value="osei"' in desk.open(OSEI).html.partition('id="why-form"')[2]

    def test_names_the_closure(self, desk: PortalDesk) -> None:
        desk.edit_calendar.close("harbor", NADIA, "", Closure(START.date(), START.date(), "Team day"))
        assert "This day is closed: Team day." in self.why(desk)

    @pytest.mark.parametrize(
        ("day", "says"), [("9999-12-31", "too far ahead"), ("9990-01-02", "too far ahead"), ("0001-01-02", "too soon")]
    )
    def test_a_day_beyond_all_weeks_has_an_answer(self, desk: PortalDesk, day: str, says: str) -> None:
        answer = self.why(desk, day=day)
        assert says in answer
        assert str(int(day[:4])) in answer
        for time in ("00:00", "23:59"):
            assert "inside opening hours" in self.why(desk, day=day, time=time)

    @pytest.mark.parametrize("query", ["", "day=2026-11-24&time=noon", "day=soon&time=09:00"])
    def test_of_nothing_is_refused(self, desk: PortalDesk, query: str) -> None:
        assert desk.open(f"{HOME}/why?provider=osei&{query}").status == 422


SENT = {
    "hours": {"provider": "osei", "week": str(NEXT), "seen": week_text(WEEK), "do": "save", **fields(SHORT)},
    "closures": {"whose": "", "first": "2026-12-24", "do": "close"},
    "pause": {"provider": "osei", "paused": "yes"},
}


class TestWhoMay:
    @pytest.mark.parametrize("what", SENT)
    @pytest.mark.parametrize(("by", "status"), [(VIC, 403), ("mallory@pier.example", 404)])
    def test_viewers_and_strangers_change_nothing(self, desk: PortalDesk, what: str, by: str, status: int) -> None:
        calendars = dict(desk.store.calendars_by_key)
        assert desk.send(f"{HOME}/{what}", by, **SENT[what]).status == status
        assert desk.store.calendars_by_key == calendars
        assert desk.send(f"{HOME}/{what}", **SENT[what]).status == 303

    @pytest.mark.parametrize("path", [OSEI, f"{HOME}/why?provider=osei&day={THIS}&time=09:00"])
    def test_viewers_look_and_strangers_do_not(self, desk: PortalDesk, path: str) -> None:
        assert desk.open(path, VIC).status == 200
        assert desk.open(path, "mallory@pier.example").status == 404
        assert desk.open(path.replace("harbor", "pier")).status == 404
        assert desk.open(path.replace("osei", "nobody")).status == 404
        assert desk.open(path, by=None).status == 303

    @pytest.mark.parametrize("act", ["edit", "save"])
    def test_a_viewer_gets_no_form_for_one(self, desk: PortalDesk, act: str) -> None:
        wrong = save(desk, by=VIC, d0s0="noon", do=act)
        assert wrong.status == 403
        assert 'id="hours"' not in wrong.html

    def test_a_viewer_is_offered_nothing_to_change(self, desk: PortalDesk) -> None:
        page = desk.open(f"{OSEI}&edit=load", VIC)
        for part in ("Load default schedule", 'id="hours"', "Close days", "Pause online booking"):
            assert part not in page.html, part
