"""*Ask for another time*: whoever finds no time that fits can ask for days, always, and loses nothing on the way."""

import re
from datetime import date, timedelta

import pytest
from msgspec.structs import replace
from oneway.domain.availability import Closure

from local.demo.browser import Page
from tests.builders import NOW, a_calendar, a_practice, a_provider
from tests.world import World

from .booking_pages import TYPED, Asking, at_check, at_details, sent

TODAY = date(2026, 11, 23)
DAYS = "/book/harbor/days?provider={}&visit_type=new&lang=en"


def offered(page: Page) -> list[date]:
    return [date.fromisoformat(day) for day in re.findall(r'name="days" value="([\d-]+)"', page.html)]


def closed_for(weeks: int) -> World:
    closure = Closure(TODAY, TODAY + timedelta(weeks=weeks, days=-1))
    return World(a_practice(calendars={"": a_calendar(default_weeks=(), closures=(closure,)), **open_as_ever()}))


def open_as_ever() -> dict[str, object]:
    return {"osei": a_calendar(), "brandt": a_calendar()}


@pytest.mark.parametrize("whom", ["osei", "any"])
@pytest.mark.parametrize("weeks", [0, 1, 5, 7])
def test_five_weeks_from_the_first_open_day_on_can_be_chosen(asking: Asking, whom: str, weeks: int) -> None:
    found = offered(asking(closed_for(weeks)).open(DAYS.format(whom)))
    opens = TODAY + timedelta(weeks=weeks)
    assert found == [day for n in range(35) if (day := opens + timedelta(days=n)).weekday() < 5]


@pytest.mark.parametrize("whom", ["osei", "any"])
def test_where_nobody_sees_patients_before_the_horizon_any_day_can_be_chosen(asking: Asking, whom: str) -> None:
    found = offered(asking(closed_for(20)).open(DAYS.format(whom)))
    assert found == [TODAY + timedelta(days=n) for n in range(35)]


def test_whoever_finds_everything_closed_can_ask(asking: Asking) -> None:
    world = World(a_practice(a_provider(), calendars={"osei": a_calendar(default_weeks=())}))
    patient = asking(world)
    page = patient.open("/book/harbor/times?provider=osei&visit_type=new&lang=en")
    page = patient.follow(page, "Ask for another time")
    page = patient.submit(page, page.forms[0], days="2026-12-01")
    page = patient.submit(page, page.forms[0], for_whom="me", new_patient="yes")
    assert "Request sent" in sent(patient, patient.submit(page, page.forms[0], **TYPED)).text


def test_a_notice_beyond_the_horizon_leaves_a_day_to_ask_for(asking: Asking) -> None:
    patient = asking(World(a_practice(a_provider(), minimum_notice_minutes=3 * 24 * 60, horizon_days=1)))
    page = patient.open(DAYS.format("osei"))
    assert offered(page) == [TODAY + timedelta(days=3)]
    page = patient.submit(page, page.forms[0], days="2026-11-26")
    page = patient.submit(page, page.forms[0], for_whom="me", new_patient="yes")
    assert "Request sent" in sent(patient, patient.submit(page, page.forms[0], **TYPED)).text


def test_the_first_day_that_can_be_chosen_of_each_month_names_it(asking: Asking) -> None:
    page = asking(closed_for(1)).open(DAYS.format("osei"))
    assert re.findall(r"<small>(\w+)</small> (\d+)", page.html) == [("Nov", "30"), ("Dec", "1"), ("Jan", "1")]


def test_days_of_several_zones_are_days_at_each_place(asking: Asking) -> None:
    main = a_practice().locations["main"]
    far = replace(main, id="far", zone="Pacific/Kiritimati")
    providers = a_provider(), a_provider("brandt", location_id="far")
    world = World(a_practice(*providers, locations={"main": main, "far": far}, horizon_days=3))
    assert world.clock.now() == NOW
    assert offered(asking(world).open(DAYS.format("any"))) == [TODAY + timedelta(days=n) for n in (1, 2, 3)]


@pytest.mark.parametrize("missing", ["last_name", "first_name", "email"])
def test_what_was_typed_stays_though_it_is_not_complete_yet(asking: Asking, missing: str) -> None:
    patient = asking()
    details = at_details(patient)
    patient.world.clock.advance(days=2)  # the time that was chosen is over
    typed = {**TYPED, "mobile": "", missing: ""}
    page = patient.submit(details, details.forms[0], **typed)
    page = patient.press(page, "Ask for another time")
    page = patient.submit(page, page.forms[-1], days="2026-12-01")
    assert page.status == 422
    assert "Tue, Dec 1" in page.text
    assert {name: page.forms[-1].values[name] for name in typed} == typed
    page = patient.submit(page, page.forms[-1], **TYPED)
    assert "Request sent" in sent(patient, page).text


def test_whoever_looks_at_other_days_and_goes_back_has_the_time_still(asking: Asking) -> None:
    patient = asking()
    page = patient.press(patient.press(at_check(patient), "Change When"), "Ask for another time")
    refused = patient.submit(page, page.forms[-1])
    assert refused.status == 422
    for asked in (page, refused):
        assert "Tuesday, November 24, 2026, 9:30 AM" in patient.press(asked, "Check your request").text


def test_the_way_back_from_days_leads_to_the_day_that_was_shown(asking: Asking) -> None:
    patient = asking()
    page = patient.follow(
        patient.open("/book/harbor/times?provider=osei&visit_type=new&day=2026-12-04"), "another time"
    )
    for asked in (page, patient.submit(page, page.forms[0])):
        assert "Friday, December 4" in patient.follow(asked, "Back").text


def test_the_way_back_from_who_leads_to_the_days_that_were_chosen(asking: Asking) -> None:
    patient = asking()
    page = patient.open(DAYS.format("osei"))
    page = patient.submit(page, page.forms[0], days="2026-12-01", parts="morning")
    page = patient.follow(page, "Back")
    assert re.findall(r'value="([\w-]+)" checked', page.html) == ["2026-12-01", "morning"]


def test_the_language_of_days_and_of_who_can_be_changed_with_nothing_typed_again(asking: Asking) -> None:
    patient = asking()
    check = at_check(patient)
    days = patient.press(patient.press(check, "Change When"), "Ask for another time")
    days = patient.press(days, "^Español$", days="2026-12-01")
    assert "Pedir otro momento" in days.text
    assert 'value="2026-12-01" checked' in days.html
    booker = {name: f"B{name[7:]}" for name in ("booker_first_name", "booker_last_name", "booker_relation")}
    check = at_check(patient, for_whom="other", **booker)
    who = patient.press(patient.press(check, "Change For"), "^Español$", for_whom="me")
    assert "¿Para quién" in who.text
    assert 'value="me" checked' in who.html
    assert who.forms[-1].values["last_name"] == "Núñez"
