"""The booking tool and *My request* in process: what each step shows, carries on and refuses, in memory and in milliseconds."""

import re
from base64 import b64encode
from datetime import date, datetime, timedelta
from urllib.parse import urlencode, urlsplit

import pytest
from msgspec.structs import replace
from oneway.domain.appointments import AppointmentState
from oneway.domain.availability import Closure, DefaultWeek, Opening
from oneway.domain.errors import StoreUnavailable
from oneway.domain.practices import Limits, Location, Switches, VisitType
from oneway.domain.requests import RequestState
from oneway.use_cases.request_form import LONGEST_REASON
from oneway.web.forms import CHOICES, FIELDS

from local.demo.browser import Page
from tests.builders import START, a_calendar, a_form, a_patient, a_practice, a_provider, a_row
from tests.world import World

from .booking_pages import TYPED, Asking, Patient, at_check, at_details, links, sent

TUESDAY = "/book/harbor/times?provider=osei&visit_type=new&day=2026-11-24&lang=en"
PLACES = ("book", "embed")


def addresses(page: Page) -> list[str]:
    return [address for address, _ in links(page) if not address.startswith(("mailto:", "tel:"))]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("lang", ["en", "es"])
def test_the_whole_way(asking: Asking, place: str, lang: str) -> None:
    patient = asking()
    check = at_check(patient, place=place, lang=lang)
    where = f"{'Where' if lang == 'en' else 'Dónde'} Harbor Clinic, 1 Main St, Oakland"
    assert where in check.text
    page = sent(patient, check)
    assert where in page.text
    assert page.path.startswith("/my-request/harbor/" if place == "book" else "/embed/harbor/sent/")
    assert ("Request sent" if lang == "en" else "Solicitud enviada") in page.text
    (request,) = patient.world.store.requests_by_id.values()
    assert request.slot
    assert request.slot.start == START
    assert (request.language, request.patient.last_name, request.reason) == (lang, "Núñez", "Knee pain")


def test_whom_no_mail_reaches_calls(asking: Asking) -> None:
    """Whether it does is not known yet; and nobody is told of an address that mail goes to no more."""
    patient = asking()
    assert "If none comes, call Harbor Clinic." in sent(patient, at_check(patient)).text


def test_no_address_tells_who_asks(asking: Asking) -> None:
    patient = asking()
    seen = []
    page = at_check(patient)
    seen += [
        page.url,
        *(form.action for form in page.forms),
        *(address for address, _ in links(page) if not address.startswith("tel:")),
    ]
    page = sent(patient, page)
    seen += [page.url, *addresses(page)]
    assert not [one for one in seen if re.search("Maria|N%C3%BA|1984|555|example.org|Knee", one)]


def test_nothing_of_anybody_is_stored_and_what_is_typed_survives_back(asking: Asking) -> None:
    """Browsers show a page again as it was left unless it is no-store; no page is for search engines."""
    patient = asking()
    pages = [patient.open("/book/harbor"), patient.open(TUESDAY), at_details(patient)]
    assert {page.headers["cache-control"] for page in pages} == {"private, no-cache"}
    check = at_check(patient)
    changed = [patient.press(check, words) for words in ("Change When", "Change With", "Change Patient")]
    typed = [check, *changed, sent(patient, check, contact_consent="")]
    assert {page.headers["cache-control"] for page in typed} == {"no-store"}
    for page in (*pages, *typed, sent(patient, check)):
        assert '<meta name="robots" content="noindex">' in page.html


def test_every_page_says_whom_to_call_and_what_to_do_in_an_emergency(asking: Asking) -> None:
    patient = asking()
    first = patient.open("/book/harbor?lang=en")
    pages = [first, patient.follow(first, "Osei"), patient.open(TUESDAY), at_details(patient), at_check(patient)]
    pages += [sent(patient, pages[-1]), patient.open("/book/harbor/times?provider=nobody&visit_type=new&lang=en")]
    for page in pages:
        for said in ("In an emergency", "1 Main St, Oakland", "(415) 555-0100", "front@harbor.example"):
            assert said in page.text, (page.url, said)
    nowhere = patient.open("/book/nowhere?lang=en")
    assert nowhere.status == 404
    assert "In an emergency" in nowhere.text


def test_the_number_of_a_provider_who_is_booked_by_phone_stands_with_what_is_said_of_them(asking: Asking) -> None:
    """Not in a column of its own, which leaves neither room on a small phone."""
    patient = asking(World(a_practice(a_provider("okafor", source_id=None, external_id=None))))
    (card,) = re.findall(r'<a class="pick" href="tel:.*?</a>', patient.open("/book/harbor?lang=en").html, re.DOTALL)
    assert re.search(r'By phone only: <span class="number">\(415\) 555-0100</span></span></span></a>$', card)


@pytest.mark.parametrize("place", ["book", "embed"])
def test_where_the_store_is_down_one_can_still_call(
    asking: Asking, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    patient = asking(World(a_practice(embed_origins=("https://harbor.example",))))
    page = at_check(patient, place=place)
    with monkeypatch.context() as without_store:
        without_store.setattr(type(patient.world.store.ledger), "commit", _down)
        answer = sent(patient, page)
    assert answer.status == 503
    assert "In an emergency" in answer.text
    assert "(415) 555-0100" in answer.text
    framed = answer.headers["content-security-policy"].partition("frame-ancestors")[2]
    assert ("'none'" in framed) == (place == "book")
    again = patient.press(answer, "Check your request")
    assert "Maria Núñez" in again.text
    assert "Request sent" in sent(patient, again).text


def test_where_the_store_is_down_what_is_not_complete_yet_stays_too(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = asking()
    page = at_details(patient)
    with monkeypatch.context() as without_store:
        without_store.setattr(type(patient.world.list_slots), "of_each", _down)
        typed = {**TYPED, "last_name": ""}
        address = page.forms[0].action.replace("/check", "/times")
        answer = patient.submit(page, page.forms[0], {"formaction": address}, **typed)
    assert answer.status == 503
    again = patient.press(answer, "Check your request")
    assert {name: again.forms[0].values[name] for name in typed} == typed


def _down(*_: object) -> None:
    raise StoreUnavailable("table")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("step", ["check", "requests"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_address_that_only_forms_lead_to_begins_anew(asking: Asking, place: str, step: str, method: str) -> None:
    """A restored tab asks for it, without what was typed."""
    patient = asking()
    writes = patient.world.store.writes
    page = patient.open(f"/{place}/harbor/{step}?lang=es", method)
    assert (page.status, page.path) == (200, f"/{place}/harbor")
    assert "¿Con quién" in page.text
    assert patient.world.store.writes == writes


def test_a_month_marks_its_free_days_and_leads_to_the_next(asking: Asking) -> None:
    patient = asking()
    page = patient.open("/book/harbor/times?provider=osei&visit_type=new&lang=en")
    assert "November 2026" in page.text
    days = [text for address, text in links(page) if "day=" in address]
    assert days[0] == "23 , 8 free times"
    assert not [one for one in days if one.startswith(("22", "28", "29"))], "weekends are closed"
    assert "December 2026" in patient.follow(page, "December 2026").text
    assert not [text for _, text in links(page) if "October" in text]


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", ["Morning 11:30 AM", "Afternoon 12:00 PM 12:30 PM", "Evening 5:00 PM 5:30 PM"]),
        ("es", ["Mañana 11:30 a. m.", "Tarde 12:00 p. m. 12:30 p. m.", "Última hora 5:00 p. m. 5:30 p. m."]),
    ],
)
def test_the_times_of_a_day_stand_by_part_of_day(asking: Asking, lang: str, said: list[str]) -> None:
    hours = (Opening(11 * 60 + 30, 13 * 60), Opening(17 * 60, 18 * 60))
    week = (hours, hours, hours, hours, hours, (), ())
    world = World(a_practice(calendars={"osei": a_calendar(default_weeks=(DefaultWeek(week),))}))
    page = asking(world).open(f"/book/harbor/times?provider=osei&visit_type=new&day=2026-11-24&lang={lang}")
    assert " ".join(said) in page.text


def test_where_a_month_has_nothing_the_next_free_day_is_one_tap_away(asking: Asking) -> None:
    world = World(a_practice(a_provider(), minimum_notice_minutes=60 * 24 * 20))
    patient = asking(world)
    page = patient.open("/book/harbor/times?provider=osei&visit_type=new&month=2026-11&lang=en")
    assert "Nothing is free in November 2026" in page.text
    page = patient.follow(page, "Next free: Mon, Dec 14")
    assert "Monday, December 14" in page.text
    # Whoever asks for no month is shown the first one with free times.
    assert "December 2026" in patient.open("/book/harbor/times?provider=osei&visit_type=new&lang=en").text


def test_whoever_chose_a_day_goes_on_at_its_times(asking: Asking) -> None:
    """By a link and, once something is typed, by a button: nobody scrolls past the month again."""
    patient = asking()
    ahead = patient.open("/book/harbor/times?provider=osei&visit_type=new&lang=en").html
    typed = patient.press(at_check(patient), "Change When").html
    for page, where in ((ahead, "href"), (typed, "formaction")):
        free = re.findall(rf'{where}="([^"]*)"[^>]* class="free"', page)
        assert free
        assert all(address.endswith("#day") for address in free)
        assert '<section id="day" tabindex="-1"' in page


def test_first_available_shows_everybodys_times_and_chooses_who_has_the_time(asking: Asking) -> None:
    patient = asking()
    page = patient.follow(patient.open("/book/harbor?lang=en"), "First available")
    page = patient.follow(patient.follow(page, "New patient"), r"^24\b")
    assert "Dr. Amara Osei" in page.text
    assert "Dr. Lena Brandt" in page.text
    whom = [address for address, text in links(page) if text == "9:30 AM"]
    assert [re.search(r"provider=(\w+)", one).group(1) for one in whom] == ["osei", "brandt"]  # type: ignore[union-attr]


def test_whoever_is_not_read_is_reached_by_phone(asking: Asking) -> None:
    world = World(a_practice(a_provider(), a_provider("brandt", source_id=None, external_id=None)))
    patient = asking(world)
    page = patient.open("/book/harbor?lang=en")
    assert [address for address, text in links(page) if "Brandt" in text] == ["tel:+14155550100"]
    page = patient.open("/book/harbor/times?provider=brandt&visit_type=new&lang=en")
    assert "Please call Harbor Clinic" in page.text
    assert "Ask for another time" not in page.text


def test_whom_it_is_for_and_whether_they_are_new_is_asked_where_it_is_not_plain(asking: Asking) -> None:
    patient = asking()
    page = patient.follow(patient.open(TUESDAY), "^9:30")
    assert "been here before" in page.text
    page = patient.submit(page, page.forms[0])
    assert page.status == 422
    assert page.html.count('class="error"') == 2
    follow_up = patient.open("/book/harbor/times?provider=osei&visit_type=follow-up&day=2026-11-24&lang=en")
    assert "been here before" not in patient.follow(follow_up, "^9:30").text


def test_what_is_wrong_is_said_at_the_top_and_beside_the_field_and_nothing_is_lost(asking: Asking) -> None:
    patient = asking()
    page = at_check(patient, birth_month="13", mobile="12", email="")
    assert page.status == 422
    assert page.html.count('<li><a href="#') == 2
    for field in ("birth_date", "mobile"):
        assert f'href="#{field}"' in page.html
        assert f'id="error-{field}"' in page.html
    assert "<title>Error:" in page.html
    form = page.form_with("last_name")
    assert form
    assert (form.values["last_name"], form.values["mobile"], form.values["start"]) == ("Núñez", "12", START_TEXT)
    page = patient.submit(page, form, birth_month="3", mobile="", email="maria@example.org")
    assert "Check your request" in page.text


def test_an_address_that_no_mail_can_reach_is_refused_in_plain_words(asking: Asking) -> None:
    patient = asking()
    page = at_check(patient, email="josé@example.org")
    assert page.status == 422
    assert 'id="error-email"' in page.html
    assert "we cannot write to an address with accents" in page.text
    form = page.form_with("email")
    assert form
    assert form.values["email"] == "josé@example.org"
    page = patient.submit(page, form, email="jose@müller.example")
    assert "jose@müller.example" in page.text
    sent(patient, page)
    patient.world.deliver()
    assert b"To: jose@xn--mller-kva.example\n" in patient.world.mailer.sent[-1][0]


@pytest.mark.parametrize("confirmed", [True, False])
def test_an_answer_by_mail_is_promised_where_one_will_come(asking: Asking, confirmed: bool) -> None:
    patient = asking(World(a_practice(switches=Switches(confirmed=confirmed))))
    page = sent(patient, at_check(patient))
    assert ("will answer by e-mail" in page.text) is confirmed
    assert ("This page shows how your request stands" in page.text) is not confirmed
    assert "Please do not come before your visit is confirmed." in page.text


START_TEXT = "2026-11-24T09:30:00-08:00"


def test_whoever_asks_for_someone_else_says_who_they_are(asking: Asking) -> None:
    patient = asking()
    page = at_check(patient, for_whom="other")
    assert page.status == 422
    form = page.form_with("booker_first_name")
    assert form
    page = patient.submit(page, form, booker_first_name="Rosa", booker_last_name="Lind", booker_relation="mother")
    assert "Rosa Lind (mother)" in page.text
    sent(patient, page)
    (request,) = patient.world.store.requests_by_id.values()
    assert request.booker
    assert request.booker.relation == "mother"


def test_everything_can_be_changed_from_the_check_and_the_rest_stays(asking: Asking) -> None:
    patient = asking()
    check = at_check(patient)
    page = patient.press(check, "Change When")
    assert "Choose a day and a time" in page.text
    page = patient.press(page, r"^25\b")
    assert "Wednesday, November 25" in page.text
    page = patient.press(page, "^10:00 AM")
    assert "Wednesday, November 25, 2026, 10:00 AM" in page.text
    page = patient.press(page, "Change With")
    page = patient.press(page, "Lena Brandt")
    page = patient.press(page, "New patient")
    page = patient.press(page, "^11:00 AM")
    assert "Wednesday, November 25, 2026, 11:00 AM" in page.text, "the same day is shown first"
    assert "Dr. Lena Brandt" in page.text
    page = patient.press(page, "Change Patient")
    form = page.form_with("last_name")
    assert form
    assert form.values["reason"] == "Knee pain"
    page = patient.submit(page, form, last_name="Nuñez Prieto")
    assert "Maria Nuñez Prieto" in page.text
    assert "Knee pain" in page.text
    assert "Request sent" in sent(patient, page).text


def test_whom_it_is_for_can_be_changed_from_the_check_there_and_back(asking: Asking) -> None:
    patient = asking()
    check = at_check(patient)
    assert "For Me · New patient" in check.text
    who = patient.press(check, "Change For")
    details = patient.submit(who, who.forms[-1], for_whom="other", new_patient="no")
    form = details.form_with("booker_first_name")
    assert form
    assert {name: form.values[name] for name in TYPED} == TYPED
    booker = {"booker_first_name": "Rosa", "booker_last_name": "Lind", "booker_relation": "mother"}
    check = patient.submit(details, form, first_name="Leo", **booker)
    assert "For Someone else · Returning patient" in check.text
    assert "Rosa Lind (mother)" in check.text
    who = patient.press(check, "Change For")
    check = patient.submit(who, who.forms[-1], for_whom="me")
    assert "Rosa" not in check.text
    details = patient.press(check, "Change Patient")
    check = patient.submit(details, details.forms[0], first_name="Leonard")
    who = patient.press(check, "Change For")
    check = patient.submit(who, who.forms[-1], for_whom="other")
    assert "Leonard Núñez" in check.text
    assert "Rosa Lind (mother)" in check.text, "nothing is typed again"
    details = patient.press(check, "Change Who is asking")
    assert details.forms[0].values["booker_first_name"] == "Rosa"


def test_from_every_change_one_can_go_back_to_the_check(asking: Asking) -> None:
    patient = asking()
    check = at_check(
        patient, for_whom="other", booker_first_name="Rosa", booker_last_name="Lind", booker_relation="mother"
    )
    for change in ("When", "With", "Visit", "For"):
        page = patient.press(patient.press(check, f"Change {change}"), "‹ Check your request")
        assert "Send request" in page.text, change
        assert "Rosa Lind (mother)" in page.text


def test_from_first_available_one_can_go_back_to_the_check(asking: Asking) -> None:
    """The one who was chosen before is still chosen until a time of somebody else's is."""
    patient = asking()
    page = patient.press(patient.press(at_check(patient), "Change With"), "First available")
    there = patient.press(page, "‹ Check your request")
    assert "Send request" in there.text
    assert "Dr. Amara Osei" in there.text
    page = patient.press(page, "New patient")
    assert "Send request" in patient.press(page, "‹ Check your request").text
    page = patient.press(page, r"^24\b")
    page = patient.press(page, "‹ Check your request")
    assert "Tuesday, November 24, 2026, 9:30 AM" in page.text


BAD = [
    {"start": "0001-01-01T00:00:00+14:00"}, {"start": "9999-12-31T23:59:59-14:00"}, {"start": "2026-11-24"},
    {"start": "x" * 500},
    {"choice": "&".join(f"a{n}=1" for n in range(20))}, {"choice": "start=0001-01-01T00:00:00%2B14:00"}, {"parts": "zzz"},
    {"days": "2026-11-24", "parts": "zzz,morning", "start": ""}, {"days": "9999-99-99,2026-11-24", "start": ""},
    {"start": "2026-11-24T09:30:00+23:59:59"}, {"visit_type": "zzz"}, {"provider": "zzz"}, {"provider": "any"},
    {"month": "9999-12"}, {"day": "0001-01-01"}, {"for_whom": "zzz"}, {"new_patient": "zzz"}, {"language": "zzz"}, {"lang": "z"},
    {"birth_day": "\udcff"},
    {"key": "ñ\0"}, {"first_name": "\0"}, {"days": "," * 300}, {"days": ",".join(["2026-11-24"] * 50), "start": ""},
    {"earlier": "zzz"}, {"colour": "zzz"},
]  # fmt: skip
EVERY_STEP = ["", "/visit", "/times", "/days", "/who", "/details", "/check", "/requests"]


@pytest.mark.parametrize("bad", BAD, ids=range(len(BAD)))
@pytest.mark.parametrize("place", PLACES)
def test_bad_input_gets_a_clear_answer_on_every_step(asking: Asking, place: str, bad: dict[str, str]) -> None:
    patient = asking()
    chosen = {"provider": "osei", "visit_type": "new", "start": START_TEXT, "for_whom": "me", "new_patient": "yes"}
    for step in EVERY_STEP:
        typed = urlencode(
            {**chosen, **TYPED, "contact_consent": "yes", "asked": "days" if step == "/days" else "", **bad},
            errors="surrogateescape",
        )
        page = patient.open(f"/{place}/harbor{step}", "POST", typed)
        assert page.status in (200, 400, 404, 409, 422), (step, page.text)
        assert "In an emergency" in page.text
        if step not in ("/check", "/requests"):
            page = patient.open(f"/{place}/harbor{step}?{urlencode({**chosen, **bad}, errors='surrogateescape')}")
            assert page.status in (200, 400, 404, 422), (step, page.text)
    assert not patient.world.store.requests_by_id


@pytest.mark.parametrize("step", EVERY_STEP)
def test_a_form_with_too_many_fields_is_refused_in_plain_words(asking: Asking, step: str) -> None:
    page = asking().open(f"/book/harbor{step}?lang=en", "POST", "&".join(f"a{n}=1" for n in range(300)))
    assert page.status == 400
    assert "cannot be read" in page.text
    assert "In an emergency" in page.text


PRIVATE = {name: f"secret{name}" for name in FIELDS if name not in (*CHOICES, "language")}


@pytest.mark.parametrize("step", EVERY_STEP[:6])
def test_what_is_private_is_not_read_from_an_address_nor_put_into_one(asking: Asking, step: str) -> None:
    chosen = {
        "provider": "osei",
        "visit_type": "new",
        "start": START_TEXT,
        "for_whom": "me",
        "new_patient": "yes",
        "lang": "en",
    }
    page = asking().open(
        f"/book/harbor{step}?{urlencode({**chosen, **PRIVATE, 'choice': 'last_name=secret&reason=secret'})}"
    )
    assert page.status == 200
    assert "secret" not in page.html


@pytest.mark.parametrize(
    ("lang", "born"), [("en", "Born March 12, 1984"), ("es", "Nacimiento: 12 de marzo de 1984")], ids=["en", "es"]
)
def test_the_check_shows_all_that_was_typed_as_people_write_it(asking: Asking, lang: str, born: str) -> None:
    patient = asking()
    page = at_check(patient, lang=lang, insurance="Acme 123", mobile="415.555.2671")
    for said in ("Maria Núñez", born, "(415) 555-2671 maria@example.org", "Knee pain", "Acme 123"):
        assert said in page.text
    assert "+34 612 34 56 78" in at_check(patient, lang=lang, mobile="0034612345678").text


def test_consent_is_asked_for_on_the_last_page(asking: Asking) -> None:
    patient = asking()
    page = sent(patient, at_check(patient), contact_consent="")
    assert page.status == 422
    assert "needs your consent" in page.text
    assert not patient.world.store.requests_by_id
    assert "Request sent" in sent(patient, page).text


def test_a_time_that_is_taken_meanwhile_leaves_the_nearest_ones_and_all_that_was_typed(asking: Asking) -> None:
    world = World(a_practice(a_provider()))
    patient = asking(world)
    check = at_check(patient)
    world.submit("a" * 32, patient=a_form()["patient"] | {"first_name": "Zoe", "email": "z@example.org", "mobile": ""})
    page = sent(patient, check)
    assert page.status == 409
    assert "This time was just taken" in page.text
    assert "Tuesday, November 24" in page.text
    assert "Wednesday, November 25" in page.text
    page = patient.press(page, "^10:00 AM")
    assert "Maria Núñez" in page.text
    page = sent(patient, page)
    assert "10:00 AM" in page.text
    assert "Request sent" in page.text


def test_the_times_that_are_left_are_the_nearest_to_the_one_that_was_taken(asking: Asking) -> None:
    """Before and after it, on its own day and the days around it; not the first ones of each."""
    world = World(a_practice(a_provider()))
    patient = asking(world)
    page = patient.follow(patient.open(TUESDAY.replace("11-24", "11-30")), "^3:00 PM")
    page = patient.submit(page, page.forms[0], for_whom="me", new_patient="yes")
    check = patient.submit(page, page.forms[0], **TYPED)
    zoe = a_form()["patient"] | {"first_name": "Zoe", "email": "z@example.org", "mobile": ""}
    world.submit("a" * 32, start="2026-11-30T15:00:00-08:00", patient=zoe)
    left = re.findall(r"(\w+), (\w+ \d+) ((?:[\d:]+ [AP]M ?)+)", sent(patient, check).text.partition("The nearest")[2])
    own = "1:30 PM 2:00 PM 2:30 PM 3:30 PM 4:00 PM 4:30 PM"
    around = "1:30 PM 2:00 PM 2:30 PM 3:00 PM 3:30 PM 4:00 PM"
    assert [(day, times.strip()) for _, day, times in left] == [
        ("November 30", own),
        ("December 1", around),
        ("December 2", around),
    ]


def test_the_first_page_tells_when_each_is_free_next(asking: Asking) -> None:
    world = World()
    calendar = world.store.calendars_by_key["harbor", "brandt"]
    away = Closure(date(2026, 11, 23), date(2026, 11, 25))
    world.store.calendars_by_key["harbor", "brandt"] = replace(
        calendar, availability=replace(calendar.availability, closures=(away,))
    )
    page = asking(world).open("/book/harbor?lang=en")
    assert re.search("Amara Osei .{0,40}Next free: Mon, Nov 23 .*Lena Brandt .{0,40}Next free: Thu, Nov 26", page.text)


def test_where_a_provider_has_nothing_left_others_are_shown(asking: Asking) -> None:
    world = World()
    patient = asking(world)
    check = at_check(patient)
    calendar = world.store.calendars_by_key["harbor", "osei"]
    world.store.calendars_by_key["harbor", "osei"] = replace(
        calendar, availability=a_calendar(default_weeks=()).availability
    )
    page = sent(patient, check)
    assert "no longer offered" in page.text
    assert "Dr. Amara Osei has no free time left" in page.text
    page = patient.press(page, "^1:00 PM")
    assert "Dr. Lena Brandt" in page.text
    assert "Request sent" in sent(patient, page).text


@pytest.mark.parametrize("step", ["send", "Change When", "Change With", "Change Visit", "Change Patient", "check"])
def test_where_a_provider_was_taken_out_meanwhile_another_is_chosen_and_nothing_typed_again(
    asking: Asking, step: str
) -> None:
    patient = asking()
    details = at_details(patient)
    page = patient.submit(details, details.forms[0], **TYPED)
    patient.world.store.practices.save(a_practice(a_provider("brandt")))
    if step == "send":
        page = sent(patient, page)
    elif step == "check":
        page = patient.submit(details, details.forms[0], **TYPED)
    else:
        page = patient.press(page, step)
    if step != "Change With":  # which asks whom to see anyway
        assert page.status == 404
        assert "can no longer be booked here" in page.text
    page = patient.press(patient.press(page, "Lena Brandt"), "New patient")
    page = patient.press(page, "^11:00 AM")
    assert "Maria Núñez" in page.text
    assert "Knee pain" in page.text
    assert "Request sent" in sent(patient, page).text


def test_whoever_chose_a_visit_that_is_offered_no_more_is_told_so(asking: Asking) -> None:
    patient = asking()
    page = at_check(patient)
    types = {"later": VisitType("later", "Later visit", 30)}
    patient.world.store.practices.save(a_practice(a_provider(visit_type_ids=("later",)), visit_types=types))
    page = sent(patient, page)
    assert page.status == 422
    assert "please choose a visit that this provider offers" in page.text
    page = patient.press(patient.press(page, "Later visit"), "^10:00 AM")
    assert "Maria Núñez" in page.text


def test_sending_again_and_going_back_find_the_same_request(asking: Asking) -> None:
    patient = asking()
    details = at_details(patient)
    check = patient.submit(details, details.forms[0], **TYPED)
    first, second = sent(patient, check), sent(patient, check)
    assert first.path == second.path
    assert patient.submit(details, details.forms[0], **TYPED).path == first.path
    assert len(patient.world.store.requests_by_id) == 1


def changed_after_sending(patient: Patient, **typed: str) -> Page:
    """Send, back to the form as the browser still has it, other answers, and on."""
    details = at_details(patient)
    sent(patient, patient.submit(details, details.forms[0], **TYPED))
    return patient.submit(details, details.forms[0], **{**TYPED, **typed})


def test_what_is_changed_after_sending_takes_the_place_of_what_was_sent(asking: Asking) -> None:
    patient = asking(World(a_practice(a_provider())))
    page = changed_after_sending(patient, reason="Hip pain")
    assert "You have sent a request already" in page.text
    assert "somebody else" not in page.text, "it is their own"
    assert "Hip pain" in page.text
    assert "Send as a second request" not in page.text, "the earlier one holds the time"
    (first,) = patient.world.store.requests_by_id.values()
    assert "Not confirmed yet" in patient.follow(page, "Open my request").text
    assert patient.world.store.requests_by_id == {("harbor", first.id): first}, "nothing is done yet"
    patient.world.clock.advance(seconds=20)
    pressed = {"contact_consent": "yes"}
    assert "Request sent" in patient.press(page, "instead of the earlier one", **pressed).text
    assert "Request sent" in patient.press(page, "instead of the earlier one", **pressed).text, "twice is once"
    before, after = sorted(patient.world.store.requests_by_id.values(), key=lambda one: one.created_at)
    assert (before.id, before.state) == (first.id, RequestState.CANCELLED)
    assert (after.state, after.reason, after.slot) == (RequestState.REQUESTED, "Hip pain", first.slot)


def sent_instead(patient: Patient, **typed: str) -> tuple[Page, Page]:
    """A request that took the place of an earlier one; and the form as the browser still has it from before both."""
    details = at_details(patient)
    sent(patient, patient.submit(details, details.forms[0], **TYPED))
    page = patient.submit(details, details.forms[0], **{**TYPED, **typed})
    patient.world.clock.advance(seconds=20)
    return patient.press(page, "instead of the earlier", contact_consent="yes"), details


def waiting(patient: Patient) -> list[str]:
    return [one.reason for one in patient.world.store.requests_by_id.values() if one.pending]


def test_going_back_after_sending_instead_finds_the_request_that_stands(asking: Asking) -> None:
    patient = asking(World(a_practice(a_provider())))
    stands, details = sent_instead(patient, reason="Hip pain")
    again = patient.submit(details, details.forms[0], **{**TYPED, "reason": "Hip pain"})
    assert (again.status, again.path) == (200, stands.path)


def test_going_back_to_the_box_that_was_not_ticked_finds_what_was_sent_after_it(asking: Asking) -> None:
    patient = asking(World(a_practice(a_provider())))
    check = at_check(patient)
    stands = sent(patient, sent(patient, check, contact_consent=""))
    assert "Request sent" in stands.text
    again = sent(patient, check, contact_consent="")
    assert (again.status, again.path) == (200, stands.path)


@pytest.mark.parametrize("when", ["", "^10:30 AM"])
def test_what_is_changed_once_more_takes_the_place_of_the_request_that_stands(asking: Asking, when: str) -> None:
    patient = asking(World(a_practice(a_provider())))
    _, details = sent_instead(patient, reason="Hip pain")
    page = patient.submit(details, details.forms[0], **{**TYPED, "reason": "Back"})
    page = patient.press(patient.press(page, "Change When"), when) if when else page
    assert (page.status, "somebody else" in page.text) == (200, False)
    patient.world.clock.advance(seconds=20)
    assert "Request sent" in patient.press(page, "instead of the earlier", contact_consent="yes").text
    assert waiting(patient) == ["Back"]


def test_the_first_answers_again_are_a_change_of_the_request_that_stands(asking: Asking) -> None:
    patient = asking(World(a_practice(a_provider())))
    details = at_details(patient)
    check = patient.submit(details, details.forms[0], **TYPED)
    sent(patient, check)
    page = patient.submit(details, details.forms[0], **{**TYPED, "reason": "Hip pain"})
    patient.world.clock.advance(seconds=20)
    patient.press(page, "instead of the earlier", contact_consent="yes")
    for page in (patient.submit(details, details.forms[0], **TYPED), sent(patient, check)):
        assert "You have sent a request already" in page.text
        assert "Not confirmed yet" in patient.follow(page, "Open my request").text
        assert waiting(patient) == ["Hip pain"]
    patient.world.clock.advance(seconds=20)
    assert "Request sent" in patient.press(page, "instead of the earlier", contact_consent="yes").text
    assert waiting(patient) == [TYPED["reason"]]


def focused(page: Page) -> list[str]:
    """What takes focus as a page is shown, by its heading; and what the script would give it."""
    boxes = re.findall(r'<div class="errors[^"]*"([^>]*)>.*?<(?:h2|p)[^>]*>(.*?)<', page.html, re.DOTALL)
    assert "autofocus" in boxes[0][0], "browsers and the script agree on the first"
    return [said for attributes, said in boxes if "autofocus" in attributes]


def test_what_is_wrong_takes_focus_before_the_earlier_request(asking: Asking) -> None:
    patient = asking(World(a_practice(a_provider())))
    page = changed_after_sending(patient, reason="Hip pain")
    assert focused(page) == ["You have sent a request already"]
    assert focused(patient.press(page, "instead of the earlier")) == ["Please look once more"]
    patient.world.clock.advance(seconds=20)
    page = patient.press(page, "instead of the earlier")
    assert focused(page) == ["Please check what you entered"]
    assert "You have sent a request already" in page.text


def test_what_is_changed_after_sending_can_be_a_second_request(asking: Asking) -> None:
    patient = asking(World(a_practice(a_provider())))
    page = changed_after_sending(patient, reason="Hip pain")
    page = patient.press(patient.press(page, "Change When"), "^10:00 AM")
    assert "You have sent a request already" in page.text
    patient.world.clock.advance(seconds=20)
    assert "Request sent" in patient.press(page, "as a second request", contact_consent="yes").text
    assert [one.pending for one in patient.world.store.requests_by_id.values()] == [True, True]


def test_nothing_is_sent_instead_of_what_was_confirmed_meanwhile(asking: Asking) -> None:
    patient = asking(World(a_practice(a_provider())))
    page = changed_after_sending(patient, reason="Hip pain")
    page = patient.press(patient.press(page, "Change When"), "^10:00 AM")
    patient.world.source.enter(a_row())
    patient.world.pull()
    patient.world.clock.advance(seconds=20)
    patient.press(page, "instead of the earlier", contact_consent="yes")
    (only,) = patient.world.store.requests_by_id.values()
    assert only.state is RequestState.LINKED


def test_nothing_is_withdrawn_for_a_request_that_cannot_be_sent(asking: Asking) -> None:
    patient = asking(World(a_practice(a_provider())))
    page = changed_after_sending(patient, reason="Hip pain")
    page = patient.press(patient.press(page, "Change When"), "^10:00 AM")
    other = a_form()["patient"] | {"first_name": "Zoe", "email": "z@example.org", "mobile": ""}
    patient.world.submit("a" * 32, start="2026-11-24T10:00:00-08:00", patient=other)
    patient.world.clock.advance(seconds=20)
    assert "just taken" in patient.press(page, "instead of the earlier", contact_consent="yes").text
    assert patient.press(page, "instead of the earlier", contact_consent="").status == 409
    assert all(one.pending for one in patient.world.store.requests_by_id.values())


def test_a_check_that_was_open_beside_the_one_that_was_sent_is_no_dead_end(asking: Asking) -> None:
    patient = asking()
    details = at_details(patient)
    one, other = (
        patient.submit(details, details.forms[0], **{**TYPED, "reason": reason}) for reason in ("Hip", "Knee")
    )
    sent(patient, one)
    page = sent(patient, other)
    assert "You have sent a request already" in page.text
    assert "Knee" in page.text
    assert len(patient.world.store.requests_by_id) == 1


def test_a_confirmed_visit_of_ones_own_is_not_somebody_faster(asking: Asking) -> None:
    patient = asking(World(a_practice(a_provider())))
    details = at_details(patient)
    sent(patient, patient.submit(details, details.forms[0], **TYPED))
    patient.world.source.enter(a_row())
    patient.world.pull()
    (request,) = patient.world.store.requests_by_id.values()
    assert request.state is RequestState.LINKED
    page = patient.submit(details, details.forms[0], **{**TYPED, "reason": "Hip pain"})
    assert "This time is yours already" in page.text
    page = patient.press(page, "^10:00 AM")
    assert "it is a request of its own" in page.text
    assert "Hip pain" in page.text
    assert "Request sent" in sent(patient, page).text
    assert not request.asked_to_cancel_at


def own_visit(patient: Patient, start: datetime, end: datetime) -> Page:
    """Ask for 9:30, which staff enter as [start, end); then what the form, with the same time once more, is told."""
    details = at_details(patient)
    sent(patient, patient.submit(details, details.forms[0], **TYPED))
    patient.world.source.enter(a_row())
    patient.world.pull()
    patient.world.source.enter(a_row(start=start, end=end))
    patient.world.pull()
    return patient.submit(details, details.forms[0], **{**TYPED, "reason": "Hip pain"})


def test_a_time_that_overlaps_ones_own_visit_is_not_somebody_faster(asking: Asking) -> None:
    earlier = START - timedelta(minutes=15)
    page = own_visit(asking(World(a_practice(a_provider()))), earlier, START + timedelta(minutes=15))
    assert page.status == 409
    assert "This time overlaps your own visit" in page.text
    assert "Tuesday, November 24, 2026, 9:15 AM" in page.text
    assert "somebody else" not in page.text
    assert "Open my request" in page.text


def test_a_visit_of_ones_own_that_was_cancelled_holds_no_time(asking: Asking) -> None:
    """Somebody else has it now, and nothing of one's own is said to."""
    world = World(a_practice(a_provider()))
    patient = asking(world)
    other = a_form()["patient"] | {"first_name": "Zoe", "email": "z@example.org", "mobile": ""}
    details = at_details(patient)
    sent(patient, patient.submit(details, details.forms[0], **TYPED))
    world.source.enter(a_row())
    world.pull()
    world.source.enter(a_row(state=AppointmentState.CANCELLED, raw_state="cancelled"))
    world.pull()
    world.submit("a" * 32, patient=other)
    page = patient.submit(details, details.forms[0], **{**TYPED, "reason": "Hip pain"})
    assert "This time was just taken" in page.text
    assert "yours" not in page.text


def test_who_only_types_the_same_person_is_not_told_of_their_visit(asking: Asking) -> None:
    """Anybody could type a name and a birth date."""
    patient = asking(World(a_practice(a_provider())))
    elsewhere = at_details(patient)
    assert "yours already" in own_visit(patient, START, START + timedelta(minutes=30)).text
    page = patient.submit(elsewhere, elsewhere.forms[0], **TYPED)
    assert "This time was just taken" in page.text
    assert "your own" not in page.text
    assert "Open my request" not in page.text


def test_a_form_that_is_sent_in_no_time_is_shown_once_more(asking: Asking) -> None:
    patient = asking()
    check = at_check(patient)
    page = patient.submit(check, check.forms[-1], contact_consent="yes")
    assert page.status == 422
    assert "Please look once more" in page.text
    assert not patient.world.store.requests_by_id
    assert "Request sent" in sent(patient, page).text


def test_what_only_a_program_fills_in_is_no_puzzle_and_loses_nothing(asking: Asking) -> None:
    patient = asking()
    page = sent(patient, at_check(patient), website="https://spam.example")
    assert page.status == 422
    assert not patient.world.store.requests_by_id
    assert "spam" not in page.html
    assert "website" not in page.html, "what fills it in on every page would never get through"
    assert "Request sent" in sent(patient, page).text


def test_a_form_that_was_open_for_a_night_is_renewed_and_loses_nothing(asking: Asking) -> None:
    patient = asking()
    check = at_check(patient)
    patient.world.clock.advance(hours=13)
    page = sent(patient, check)
    assert page.status == 422
    assert "open for a long time" in page.text
    assert "Maria Núñez" in page.text
    assert "Request sent" in sent(patient, page).text


def test_what_has_passed_over_night_is_asked_anew_kindly(asking: Asking) -> None:
    patient = asking()
    timely, days = (
        at_check(patient),
        patient.open("/book/harbor/who?provider=osei&visit_type=new&days=2026-11-24&lang=en"),
    )
    days = patient.submit(days, days.forms[0], for_whom="me", new_patient="yes")
    days = patient.submit(days, days.forms[0], **TYPED)
    patient.world.clock.advance(days=2)
    patient.world.pull()
    page = sent(patient, timely)
    assert "no longer offered" in page.text
    assert "Wednesday, November 25" in page.text
    assert "Maria Núñez" in patient.press(page, "^11:00 AM").text
    page = sent(patient, days)
    assert page.status == 422
    assert "this time has passed" in page.text
    page = patient.submit(page, page.forms[-1], days="2026-11-27")
    assert "Fri, Nov 27" in page.text
    assert "Maria Núñez" in page.text


def test_a_form_that_was_sent_and_stayed_open_finds_its_request(asking: Asking) -> None:
    patient = asking()
    check = at_check(patient)
    first = sent(patient, check)
    patient.world.clock.advance(hours=13)
    assert sent(patient, check).path == first.path


@pytest.mark.parametrize("key", ["", "x", "A" * 48, "ñ" * 30])
def test_a_token_that_is_not_ours_is_replaced(asking: Asking, key: str) -> None:
    patient = asking()
    page = sent(patient, at_check(patient), key=key)
    assert page.status == 422
    assert not patient.world.store.requests_by_id
    assert "Request sent" in sent(patient, page).text


def test_the_language_can_be_changed_wherever_something_is_typed(asking: Asking) -> None:
    """By the last button of the form: Enter in a field presses the first."""
    patient = asking()
    details = at_details(patient)
    refused = patient.submit(details, details.forms[0], **{**TYPED, "mobile": "12"})
    for page in (details, refused):
        spanish = patient.press(page, "^Español$", **{**TYPED, "mobile": "13"})
        assert spanish.status == 200
        assert '<html lang="es"' in spanish.html
        assert "error-" not in spanish.html, "nothing was sent yet"
        for typed in ("Núñez", "13", "Knee pain"):
            assert typed in spanish.html
    assert re.findall(r"<button[^>]*>(.*?)</button>", spanish.html) == ["Continuar", "English"]
    check = patient.press(spanish, "^Continuar$", **TYPED)
    check = patient.press(patient.press(check, "^English$"), "^Español$", contact_consent="yes")
    assert 'value="yes" checked' in check.html
    for button, words in (("Cuándo", "Choose a day"), ("Con", "would you like to see"), ("Consulta", "New patient")):
        page = patient.press(patient.press(check, f"^Cambiar {button}$"), "^English$")
        assert words in page.text
        assert "Núñez" in page.html
    patient.world.submit("a" * 32, patient=a_form()["patient"] | {"first_name": "Zoe", "email": "z@example.org"})
    taken = patient.press(check, "^English$")
    assert "just taken" in taken.text
    check = patient.press(patient.press(taken, "^Español$"), "^10:00")
    assert "Solicitud enviada" in sent(patient, check).text
    assert [one.language for one in patient.world.store.requests_by_id.values()] == ["en", "es"]


@pytest.mark.parametrize(
    ("accepted", "lang"),
    [
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("ca, es;q=0.9", "es"),
        ("fr,en-GB;q=0.5", "en"),
        ("fr", "es"),
        ("", "es"),
        ("en;q=0.1, es", "es"),
        ("en;q=0.4,es;q=0.3", "en"),
        ("en; q=0", "es"),
        ("en;q=zzz", "es"),
        ("en;q=nan,en;q=-1", "es"),
    ],
)
def test_a_browsers_dearest_language_that_is_ours_is_spoken(asking: Asking, accepted: str, lang: str) -> None:
    patient = asking(World(a_practice(language="es")))
    assert f'<html lang="{lang}">' in patient.open("/book/harbor", **{"accept-language": accepted}).html


def two_zones() -> World:
    """Brandt works an hour to the east of Osei."""
    main = a_practice().locations["main"]
    east = replace(main, id="east", name="Boise", zone="America/Boise")
    providers = a_provider(), a_provider("brandt", location_id="east")
    return World(a_practice(*providers, locations={"main": main, "east": east}))


@pytest.mark.parametrize("lang", ["es-MX", "ES", "es_419"])
def test_a_link_may_name_a_language_as_browsers_do(asking: Asking, lang: str) -> None:
    page = asking().open(f"/book/harbor?lang={lang}", **{"accept-language": "en"})
    assert '<html lang="es"' in page.html
    assert all("lang=es" in address for address, _ in links(page) if "/visit" in address)


def test_times_of_several_places_say_which_and_by_which_clock(asking: Asking) -> None:
    patient = asking(two_zones())
    several = patient.open("/book/harbor/times?provider=any&visit_type=new&day=2026-11-24&lang=en").text
    assert "Amara Osei · Harbor Clinic (PST)" in several
    assert "Brandt · Boise (MST)" in several
    assert "· Boise (MST)" in patient.open("/book/harbor/times?provider=brandt&visit_type=new&day=2026-11-24").text
    page = at_check(patient)
    patient.world.submit("a" * 32, patient=a_form()["patient"] | {"first_name": "Zoe", "email": "z@example.org"})
    assert re.search(r"November 24\b[^·]*· Harbor Clinic \(PST\)", sent(patient, page).text)


def test_first_available_shows_the_chosen_day_as_it_is_where_the_time_was_chosen(asking: Asking) -> None:
    main = a_practice().locations["main"]
    far = replace(main, id="far", zone="Pacific/Kiritimati")
    providers = a_provider("brandt", location_id="far"), a_provider()
    patient = asking(World(a_practice(*providers, locations={"main": main, "far": far})))
    page = patient.press(patient.press(at_check(patient), "Change With"), "First available")
    assert "Tuesday, November 24" in patient.press(page, "New patient").text


def test_times_of_one_place_do_not_say_so_with_each(asking: Asking) -> None:
    page = asking().open("/book/harbor/times?provider=any&visit_type=new&day=2026-11-24&lang=en")
    assert "(PST)" not in page.text
    assert "· Harbor Clinic" not in page.html.partition('<ul class="times"')[0].partition("<h3>")[2]


def test_too_many_requests_have_a_kind_page_with_the_number(asking: Asking) -> None:
    world = World(a_practice(limits=Limits(pending_per_person=1)))
    world.submit("b" * 32, start="2026-11-25T09:30:00-08:00")
    patient = asking(world)
    page = sent(patient, at_check(patient))
    assert page.status == 409
    assert "Too many requests are waiting" in page.text
    assert ("tel:+14155550100", "(415) 555-0100") in links(page)


def test_asking_for_another_time(asking: Asking) -> None:
    patient = asking()
    page = patient.follow(patient.open(TUESDAY), "Ask for another time")
    refused = patient.submit(page, page.forms[0])
    assert refused.status == 422
    assert "at least one day" in refused.text
    address = (
        f"{urlsplit(page.forms[0].action).path}?provider=osei&visit_type=new&asked=days&days=2026-12-01&days=2026-12-03"
    )
    page = patient.open(f"{address}&parts=morning&parts=evening&lang=en")
    assert page.path == "/book/harbor/who"
    assert "Tue, Dec 1; Thu, Dec 3 (morning, evening)" in page.text
    page = patient.submit(page, page.forms[0], for_whom="me", new_patient="yes")
    page = patient.submit(page, page.forms[0], **TYPED)
    assert "No place is held" in page.text
    page = patient.press(page, "Change When")
    assert re.findall(r'value="([\d-]+)" checked', page.html) == ["2026-12-01", "2026-12-03"]
    page = patient.submit(page, page.forms[0], days="2026-12-02")
    assert "Wed, Dec 2" in page.text
    page = sent(patient, page)
    assert "No place is held yet" in page.text
    (request,) = patient.world.store.requests_by_id.values()
    assert request.preferred
    assert [str(day) for day in request.preferred.days] == ["2026-12-02"]


def test_whoever_takes_the_first_available_chooses_a_provider_for_another_time(asking: Asking) -> None:
    patient = asking()
    page = patient.open("/book/harbor/days?provider=any&visit_type=new&lang=en")
    assert 'name="provider" value="brandt"' in page.html
    page = patient.submit(page, page.forms[0], days="2026-12-01")
    assert page.status == 422
    assert "choose one" in page.text


def test_a_free_time_can_still_be_taken_instead_of_another_time(asking: Asking) -> None:
    patient = asking()
    page = patient.open("/book/harbor/who?provider=osei&visit_type=new&days=2026-12-01&lang=en")
    page = patient.submit(page, page.forms[0], for_whom="me", new_patient="yes")
    page = patient.submit(page, page.forms[0], **TYPED)
    page = patient.press(page, "Change With")
    page = patient.press(patient.press(page, "Osei"), "New patient")
    page = patient.press(page, "^1:00 PM")
    assert "Monday, November 23, 2026, 1:00 PM" in page.text


def test_my_request_without_email_shows_the_private_link_and_the_number(asking: Asking) -> None:
    patient = asking()
    page = sent(patient, at_check(patient, email=""))
    assert "Harbor Clinic will call you" in page.text
    link = urlsplit(page.url).path
    assert f"https://book.example{link}" in page.text
    assert "Keep this private link" in page.text
    assert f'<a href="{link}">' in page.html


def test_the_private_link_opens_beside_the_frame_that_no_page_of_my_request_may_be_in(asking: Asking) -> None:
    patient = asking()
    page = sent(patient, at_check(patient, place="embed", email=""))
    (link,) = re.findall(r'<p class="private-link"><a href="/my-request/[^"]+"([^>]*)>', page.html)
    assert link == ' target="_blank" rel="noopener"'


def my_request(patient: Patient) -> str:
    """The address of a request that waits."""
    return f"/my-request/harbor/{patient.world.submit().link}"


def test_my_request_says_neither_birth_date_nor_reason_nor_insurance(asking: Asking) -> None:
    patient = asking()
    page = patient.open(f"{my_request(patient)}?lang=en")
    assert "Maria" in page.text
    assert not re.search("1984|Knee|Acme|Núñez|2671|maria@", page.text)
    assert page.headers["cache-control"] == "no-store"


def test_a_confirmed_visit_is_a_calendar_file(asking: Asking) -> None:
    patient = asking()
    address = my_request(patient)
    assert patient.open(f"{address}/appointment.ics").status == 404, "not confirmed yet"
    patient.world.source.enter(a_row())
    patient.world.pull()
    page = patient.open(f"{address}?lang=es")
    assert "Su cita está confirmada" in page.text
    file = patient.follow(page, "Añadir a mi calendario")
    assert file.headers["content-type"] == "text/calendar; charset=utf-8"
    assert file.headers["content-disposition"] == 'attachment; filename="cita.ics"'
    for line in ("METHOD:PUBLISH", "SUMMARY:Cita\\, Harbor Clinic", "DTSTART;TZID=America/Los_Angeles:20261124T093000"):
        assert line in file.html, line
    assert not re.search("Maria|Knee|1984", file.html)


def test_a_visit_at_another_place_is_shown_there_by_its_clock(asking: Asking) -> None:
    patient = asking()
    world, address = patient.world, my_request(patient)
    east = Location("east", "Harbor East", "9 Mesa Rd, Denver", "America/Denver", external_id="loc-9")
    practice = world.store.practices.get("harbor")
    world.store.practices.save(replace(practice, locations={**practice.locations, "east": east}))
    world.source.enter(a_row())
    world.pull()
    ((key, request),) = world.store.requests_by_id.items()
    assert request.link
    world.store.requests_by_id[key] = replace(request, link=replace(request.link, location="loc-9"))
    page = patient.open(f"{address}?lang=en")
    assert "Where Harbor East, 9 Mesa Rd, Denver" in page.text
    assert "10:30 AM (MST)" in page.text
    assert "DTSTART;TZID=America/Denver:20261124T103000" in patient.follow(page, "Add to my calendar").html


@pytest.mark.parametrize(
    "moved",
    [
        {"start": START + timedelta(hours=2), "end": START + timedelta(hours=2.5)},
        {"provider_id": "brandt"},
    ],
    ids=["another time", "another provider"],
)
def test_what_is_not_as_it_was_asked_for_says_so(asking: Asking, moved: dict[str, object]) -> None:
    patient = asking()
    address = my_request(patient)
    patient.world.source.enter(a_row())
    patient.world.pull()
    assert "You asked for" not in patient.open(f"{address}?lang=en").text
    ((key, request),) = patient.world.store.requests_by_id.items()
    assert request.link
    patient.world.store.requests_by_id[key] = replace(request, link=replace(request.link, **moved))
    asked = "You asked for: Tuesday, November 24, 2026, 9:30 AM (PST), Dr. Amara Osei"
    assert asked in patient.open(f"{address}?lang=en").text
    assert "Usted pidió: martes, 24 de noviembre" in patient.open(f"{address}?lang=es").text


def test_cancelling_is_asked_first_and_of_a_confirmed_visit_passed_on(asking: Asking) -> None:
    patient = asking()
    address = my_request(patient)
    page = patient.follow(patient.open(f"{address}?lang=en"), "^Cancel$")
    assert "the time given to others" in page.text
    patient.world.source.enter(a_row())
    patient.world.pull()
    page = patient.open(f"{address}/cancel?lang=en")
    assert "Ask to cancel this visit?" in page.text
    page = patient.press(page, "Ask to cancel")
    assert "passed on to Harbor Clinic" in page.text
    assert not [text for _, text in links(page) if text in ("Cancel", "Add to my calendar")]
    (request,) = patient.world.store.requests_by_id.values()
    assert request.state is RequestState.LINKED
    assert request.asked_to_cancel_at


def test_what_was_confirmed_since_the_cancel_page_was_shown_is_asked_once_more(asking: Asking) -> None:
    patient = asking()
    asked = patient.open(f"{my_request(patient)}/cancel?lang=en")
    patient.world.source.enter(a_row())
    patient.world.pull()
    page = patient.press(asked, "Cancel my request")
    assert page.status == 409
    assert focused(page) == ["This has changed since: please read what will happen now."]
    assert "Ask to cancel this visit?" in page.text
    (request,) = patient.world.store.requests_by_id.values()
    assert request.asked_to_cancel_at is None
    assert "passed on to Harbor Clinic" in patient.press(page, "Ask to cancel").text


def test_a_request_that_is_cancelled_never_was_a_visit(asking: Asking) -> None:
    patient = asking()
    asked = patient.open(f"{my_request(patient)}/cancel?lang=en")
    page = patient.press(asked, "Cancel my request")
    assert "This request is cancelled." in page.text
    again = patient.open(asked.url)
    assert "This request is cancelled." in again.text, "whoever goes back to the button need not call"
    assert "can no longer be cancelled" not in again.text


def test_a_visit_that_is_cancelled_already_needs_no_call(asking: Asking) -> None:
    patient = asking()
    address = my_request(patient)
    patient.world.source.enter(a_row())
    patient.world.pull()
    patient.world.source.enter(a_row(state=AppointmentState.CANCELLED, raw_state="cancelled"))
    patient.world.pull()
    patient.world.pull()
    page = patient.open(f"{address}/cancel?lang=en")
    assert "This visit is cancelled." in page.text
    assert "can no longer be cancelled" not in page.text


@pytest.mark.parametrize("state", ["arrived", "completed", "no_show"])
def test_a_wish_to_cancel_is_no_news_once_the_visit_took_place_or_not(asking: Asking, state: str) -> None:
    patient = asking()
    address = my_request(patient)
    patient.world.source.enter(a_row())
    patient.world.pull()
    patient.press(patient.open(f"{address}/cancel?lang=en"), "Ask to cancel")
    patient.world.source.enter(a_row(state=AppointmentState(state), raw_state=state))
    patient.world.pull()
    assert "the visit stands" not in patient.open(f"{address}?lang=en").text
    assert "Ask to cancel" not in patient.open(f"{address}/cancel?lang=en").text


def test_where_nothing_is_free_from_a_day_on_what_is_free_before_is_offered(asking: Asking) -> None:
    """A provider is away from some days before that one to the end of what can be booked."""
    world = World(a_practice(a_provider()))
    patient = asking(world)
    page = patient.follow(patient.follow(patient.open("/book/harbor?lang=en"), "Amara Osei"), "New patient")
    page = patient.follow(patient.follow(page, r"^30\b"), "^9:30")
    page = patient.submit(page, page.forms[0], for_whom="me", new_patient="yes")
    check = patient.submit(page, page.forms[0], **TYPED)
    calendar = world.store.calendars_by_key["harbor", "osei"]
    away = Closure(date(2026, 11, 25), date(2027, 12, 31))
    world.store.calendars_by_key["harbor", "osei"] = replace(
        calendar, availability=replace(calendar.availability, closures=(away,))
    )
    page = sent(patient, check)
    assert "has no free time left" not in page.text
    assert "November 24" in page.text
    assert "Request sent" in sent(patient, patient.press(page, r"^\d+:\d\d [AP]M")).text


def test_a_visit_that_is_over_is_not_cancelled(asking: Asking) -> None:
    patient = asking()
    address = my_request(patient)
    patient.world.source.enter(a_row())
    patient.world.pull()
    patient.world.clock.advance(days=3)
    page = patient.open(f"{address}?lang=en")
    assert "Ask to cancel" not in page.text
    assert not [text for _, text in links(page) if text == "Cancel"]
    assert "can no longer be cancelled here" in patient.open(f"{address}/cancel?lang=en").text
    assert patient.open(f"{address}/cancel?lang=en", "POST").status == 409
    (request,) = patient.world.store.requests_by_id.values()
    assert request.asked_to_cancel_at is None


def test_whoever_was_told_not_to_come_reads_it_here_too(asking: Asking) -> None:
    patient = asking()
    address = my_request(patient)
    (key,) = patient.world.store.requests_by_id
    request = patient.world.store.requests_by_id[key]
    patient.world.store.requests_by_id[key] = replace(request, warned_at=patient.world.clock.now())
    page = patient.open(f"{address}?lang=en")
    assert "has not confirmed your visit. Please do not come." in page.text
    assert ("tel:+14155550100", "(415) 555-0100") in links(page)
    assert "keeps this time" not in page.text


def test_what_is_over_cannot_be_cancelled(asking: Asking) -> None:
    patient = asking()
    asked = patient.world.submit()
    key = asked.request.practice, asked.request.id
    patient.world.store.requests_by_id[key] = replace(asked.request, state=RequestState.EXPIRED)
    page = patient.open(f"/my-request/harbor/{asked.link}/cancel?lang=en", "POST")
    assert page.status == 409
    assert "can no longer be cancelled here" in page.text


def test_what_staff_cancelled_meanwhile_is_cancelled_and_needs_no_call(asking: Asking) -> None:
    patient = asking()
    asked = patient.world.submit()
    patient.world.cancel_by_staff("harbor", "nadia@harbor.example", asked.request.id, "other", "")
    page = patient.open(f"/my-request/harbor/{asked.link}/cancel?lang=en", "POST")
    assert page.status == 409
    assert "This request is cancelled." in page.text
    assert "can no longer be cancelled" not in page.text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "headers", [{}, {"purpose": "prefetch"}, {"sec-purpose": "prefetch;prerender"}, {"x-moz": "prefetch"}]
)
def test_following_any_link_changes_nothing(asking: Asking, headers: dict[str, str], method: str) -> None:
    """Every page that can be fetched, with every link that stands on one, as mail scanners and browsers ahead of time do."""
    patient = asking()
    address = my_request(patient)
    patient.world.submit("c" * 32, start="2026-11-25T09:30:00-08:00", patient=a_form()["patient"] | {"email": ""})
    patient.world.source.enter(a_row())
    patient.world.pull()
    before = dict(patient.world.store.requests_by_id), patient.world.store.writes
    patient.headers = headers
    todo, seen = ["/book/harbor", "/embed/harbor", address], set()
    while todo:
        one = todo.pop()
        shape = re.sub(r"\d\d:\d\d|\d{4}-\d\d(-\d\d)?|=[^&]*", "", one)
        if shape in seen or one.startswith("#"):
            continue
        seen.add(shape)
        page = patient.open(one)
        if "text/html" in page.headers["content-type"]:
            todo += addresses(page)
        if method == "HEAD":
            told = patient.open(one, "HEAD")
            assert (told.status, told.body, told.headers["content-type"]) == (
                page.status,
                b"",
                page.headers["content-type"],
            )
    assert len(seen) > 15
    assert (dict(patient.world.store.requests_by_id), patient.world.store.writes) == before


def test_whatever_can_be_fetched_answers_a_question_for_its_head(asking: Asking) -> None:
    routes = asking().function.app.routes
    pages = {route: set(methods) for route, methods in routes.items() if not route.startswith(("/api", "/keys"))}
    assert len(pages) > 15
    assert not [route for route, methods in pages.items() if ("GET" in methods) != ("HEAD" in methods)]


def test_no_page_may_be_framed_but_the_embedded_ones_by_the_practices_own_sites(asking: Asking) -> None:
    world = World(a_practice(embed_origins=("https://www.harbor.example", "https://harbor.example")))
    patient = asking(world)
    policy = patient.open("/embed/harbor").headers["content-security-policy"]
    assert "frame-ancestors https://www.harbor.example https://harbor.example" in policy
    assert "frame-ancestors 'none'" in patient.open("/book/harbor").headers["content-security-policy"]
    for _, text in links(patient.open("/embed/harbor")):
        assert text
    assert "frame-ancestors 'none'" in patient.open("/embed/nowhere").headers["content-security-policy"]


def test_a_practice_that_named_no_site_is_not_framed(asking: Asking) -> None:
    assert "frame-ancestors 'none'" in asking().open("/embed/harbor").headers["content-security-policy"]


def test_a_frame_keeps_its_colour_and_language_on_the_whole_way(asking: Asking) -> None:
    patient = asking()
    page = patient.open("/embed/harbor?lang=es&colour=%23aa3300")
    assert "--accent: #aa3300" in page.html
    page = patient.follow(page, "Osei")
    page = patient.follow(page, "Primera consulta")
    page = patient.follow(patient.follow(page, r"^24\b"), "^9:30")
    page = patient.submit(page, page.forms[0], for_whom="me", new_patient="yes")
    page = patient.submit(page, page.forms[0], **TYPED)
    assert "--accent: #aa3300" in page.html
    page = sent(patient, page)
    assert "--accent: #aa3300" in page.html
    assert "Solicitud enviada" in page.text
    assert "--accent: red" not in patient.open("/embed/harbor?colour=red;}").html
    assert "#aa3300" not in patient.open("/book/harbor?colour=%23aa3300").html, "a page of our own has the practice's"


def test_the_script_to_embed_stands_at_one_address(asking: Asking) -> None:
    page = asking().open("/embed.js")
    assert page.headers["content-type"] == "text/javascript; charset=utf-8"
    assert page.headers["cache-control"] == "public, max-age=3600"
    assert "data-practice" in page.html


def test_photos_are_part_of_the_page_while_they_are_small_and_initials_stand_for_those_that_are_missing(
    asking: Asking,
) -> None:
    world = World(a_practice(a_provider(photo="abc"), a_provider("brandt", photo="gone"), a_provider("ruiz")))
    patient = asking(world)
    world.store.photos.replace("harbor", {"abc": b"RIFFabcWEBP"})
    page = patient.open("/book/harbor?lang=en")
    assert page.html.count("<img") == 1
    assert "data:image/webp;base64," in page.html
    assert "LB" in page.text
    photo = patient.open("/photos/harbor/abc")
    assert photo.headers["content-type"] == "image/svg+xml; charset=utf-8"
    assert b64encode(b"RIFFabcWEBP").decode() in photo.html
    assert "immutable" in photo.headers["cache-control"]
    assert patient.open("/photos/harbor/none").status == 404


@pytest.mark.parametrize(
    ("lang", "said"), [("en", "English, Korean, American Sign Language"), ("es", "inglés, coreano, lengua")]
)
def test_what_a_provider_speaks_is_said_in_words(asking: Asking, lang: str, said: str) -> None:
    patient = asking(World(a_practice(a_provider(languages=("en", "ko", "ase")))))
    assert f"Harbor Clinic · {said}" in patient.open(f"/book/harbor?lang={lang}").text


def test_how_long_a_reason_may_be_is_said_before_it_is_too_long(asking: Asking) -> None:
    patient = asking()
    page = at_details(patient)
    assert f"{LONGEST_REASON} characters at most" in page.text
    refused = patient.submit(page, page.forms[0], **{**TYPED, "reason": "x" * (LONGEST_REASON + 1)})
    assert "please use fewer characters" in refused.text
    assert "Maria Núñez" in patient.submit(refused, refused.forms[0], reason="x" * LONGEST_REASON).text


def test_photos_that_are_large_together_are_files_of_their_own(asking: Asking) -> None:
    world = World(a_practice(a_provider(photo="large")))
    patient = asking(world)
    world.store.photos.replace("harbor", {"large": b"x" * 40_000})
    assert 'src="/photos/harbor/large"' in patient.open("/book/harbor?lang=en").html


def test_dates_are_asked_for_and_written_as_the_country_does(asking: Asking) -> None:
    def order(page: Page) -> list[str]:
        return re.findall(r'name="birth_(\w+)"', page.html)

    patient = asking()
    assert order(at_details(patient)) == ["month", "day", "year"]
    assert order(at_details(patient, lang="es")) == ["day", "month", "year"]
    patient.world.store.practices.save(a_practice(country="GB"))
    page = at_details(patient)
    assert order(page) == ["day", "month", "year"]
    assert "Tuesday 24 November 2026, 9:30 (PST)" in page.text
    assert "07400 123456" in page.text


def test_names_are_asked_for_and_written_as_the_country_does(asking: Asking) -> None:
    def order(page: Page) -> list[str]:
        return re.findall(r'<input id="(?:booker_)?(first_name|last_name)"', page.html)

    patient = asking()
    assert order(at_details(patient, whom="other")) == ["first_name", "last_name"] * 2
    patient.world.store.practices.save(a_practice(country="JP"))
    assert order(at_details(patient, whom="other")) == ["last_name", "first_name"] * 2
    assert "Núñez Maria" in at_check(patient, mobile="").text


@pytest.mark.parametrize(
    "path",
    [
        "/book/harbor/times?provider=nobody&visit_type=new",
        "/book/harbor/visit?provider=nobody",
        "/book/harbor/who?provider=nobody&visit_type=new",
        "/book/nowhere",
        "/book/nowhere/times",
        "/my-request/harbor/nothing",
        "/static/nothing.css",
    ],
)
def test_what_is_not_there_has_a_page(asking: Asking, path: str) -> None:
    assert asking().open(path).status == 404


@pytest.mark.parametrize(
    "query",
    ["", "?provider=osei", "?provider=osei&visit_type=nothing", "?provider=osei&visit_type=new&start=yesterday",
     "?provider=osei&visit_type=new&day=2026-99-99", "?provider=any&visit_type=nothing", "?month=x", "?choice=%3D%26"],
)  # fmt: skip
@pytest.mark.parametrize("step", ["/visit", "/times", "/days", "/who", "/details"])
def test_a_step_out_of_order_leads_to_the_one_that_is_missing(asking: Asking, step: str, query: str) -> None:
    page = asking().open(f"/book/harbor{step}{query}")
    assert page.status in (200, 404), page.text


def test_a_practice_with_one_provider_offers_no_first_available(asking: Asking) -> None:
    assert "First available" not in asking(World(a_practice(a_provider()))).open("/book/harbor?lang=en").text


def test_a_visit_type_says_whom_it_is_for(asking: Asking) -> None:
    types = {
        "new": VisitType("new", "New patient", 30, for_returning_patients=False),
        "follow-up": VisitType("follow-up", "Follow-up", 15, for_new_patients=False),
    }
    page = asking(World(a_practice(visit_types=types))).open("/book/harbor/visit?provider=osei&lang=en")
    assert "30 minutes · if you are new here" in page.text
    assert "15 minutes · if you have been here before" in page.text


def test_a_schedule_that_was_not_read_for_hours_says_so(asking: Asking) -> None:
    patient = asking()
    patient.world.clock.advance(hours=5)
    assert "may be out of date" in patient.open("/book/harbor/times?provider=osei&visit_type=new&lang=en").text


def test_a_stranger_learns_nothing_of_visits_that_are_there(asking: Asking) -> None:
    """The same person's visit is in the schedule already: the answer is the usual one (product section 2)."""
    patient = asking()
    patient.world.source.enter(a_row(start=START + timedelta(days=1), end=START + timedelta(days=1, minutes=30)))
    patient.world.pull()
    page = sent(patient, at_check(patient))
    assert "Request sent" in page.text
    assert a_patient().first_name in page.text
