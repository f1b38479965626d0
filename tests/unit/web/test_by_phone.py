"""Where nobody, or not this provider, can be booked online, the tool says whom to call."""

import json

import pytest
from oneway.domain.availability import Calendar
from oneway.domain.practices import Practice

from tests.builders import a_calendar, a_practice, a_provider
from tests.world import World

from .booking_pages import Asking, at_check, links, sent

NUMBER = ("tel:+14155550100", "(415) 555-0100")
CALL = "Please call Harbor Clinic for an appointment."


def with_paused(*paused: str) -> Practice:
    practice = a_practice()
    calendars: dict[str, Calendar] = {one: a_calendar(paused=one in paused) for one in practice.providers}
    return a_practice(calendars=calendars)


@pytest.mark.parametrize("place", ["book", "embed"])
@pytest.mark.parametrize(
    "step",
    [
        "",
        "/visit?provider=any",
        "/visit?provider=osei",
        "/times?provider=any&visit_type=new",
        "/times?provider=osei&visit_type=new",
        "/days?provider=any&visit_type=new",
        "/days?provider=osei&visit_type=new",
    ],
)
def test_where_everybody_is_paused_every_step_says_so(asking: Asking, place: str, step: str) -> None:
    page = asking(World(with_paused("osei", "brandt"))).open(f"/{place}/harbor{step}{'&' if step else '?'}lang=en")
    assert page.status == 200
    assert CALL in page.text
    assert NUMBER in links(page)
    assert "First available" not in page.text


def test_where_nobody_is_tied_to_a_schedule_the_first_page_says_so(asking: Asking) -> None:
    world = World(a_practice(a_provider(source_id=None, external_id=None)))
    assert CALL in asking(world).open("/book/harbor?lang=en").text


def test_a_paused_provider_is_by_phone_and_leads_to_the_others(asking: Asking) -> None:
    patient = asking(World(with_paused("osei")))
    first = patient.open("/book/harbor?lang=en")
    assert "Dr. Amara Osei Harbor Clinic · English By phone only: (415) 555-0100" in first.text
    assert CALL not in first.text
    page = patient.open("/book/harbor/visit?provider=osei&lang=en")
    assert CALL in page.text
    assert "Dr. Lena Brandt" in patient.follow(page, "Who would you like to see").text


def test_a_visit_that_only_paused_providers_offer_is_by_phone(asking: Asking) -> None:
    practice = a_practice(a_provider(), a_provider("brandt", visit_type_ids=("new",)))
    calendars = {"osei": a_calendar(paused=True), "brandt": a_calendar()}
    world = World(a_practice(*practice.providers.values(), calendars=calendars))
    page = asking(world).open("/book/harbor/times?provider=any&visit_type=follow-up&lang=en")
    assert CALL in page.text
    assert NUMBER in links(page)


def test_whoever_is_paused_after_something_was_typed_loses_nothing(asking: Asking) -> None:
    patient = asking()
    page = at_check(patient)
    patient.world.store.calendars_by_key["harbor", "osei"] = a_calendar(paused=True)
    page = patient.press(page, "Change Visit")
    assert CALL in page.text
    page = patient.press(patient.press(page, "Who would you like to see"), "Lena Brandt")
    page = patient.press(patient.press(page, "New patient"), "^11:00 AM")
    assert "Maria Núñez" in page.text


def test_whoever_is_paused_before_the_form_is_sent_has_not_run_out_of_times(asking: Asking) -> None:
    patient = asking()
    page = at_check(patient)
    patient.world.store.calendars_by_key["harbor", "osei"] = a_calendar(paused=True)
    page = sent(patient, page)
    assert page.status == 409
    assert "Dr. Amara Osei takes no requests online for now" in page.text
    assert CALL in page.text
    assert NUMBER in links(page)
    assert "no free time left" not in page.text


def test_the_api_calls_nobody_bookable_who_is_paused(asking: Asking) -> None:
    answer = asking(World(with_paused("osei"))).open("/api/practices/harbor/providers")
    assert {one["id"]: one["bookable"] for one in json.loads(answer.html)["providers"]} == {
        "osei": False,
        "brandt": True,
    }
