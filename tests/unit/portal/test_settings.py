"""Settings' pages, as staff use them without a script."""

import re
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from msgspec.structs import replace
from oneway.domain.errors import SlotAlreadyTaken
from oneway.domain.messages import Why
from oneway.domain.practice_events import PracticeEvent
from oneway.domain.practice_settings import names_of, text_of, value_of
from oneway.domain.practices import Practice, VisitType
from oneway.domain.suppression import Suppression, mark_of, missed_mark_of
from oneway.faults import MailRefused

from tests.builders import NOW, a_practice, a_provider
from tests.desk import LATER, NADIA, VIC
from tests.portal import Answer, PortalDesk
from tests.unit.web.booking_pages import patient_of

HOME = "/portal/harbor/settings"
TUESDAY = "/book/harbor/times?provider=osei&visit_type=new&day=2026-11-24&lang=en"
BEN, STRANGER = "ben@harbor.example", "mallory@pier.example"


def practice(desk: PortalDesk) -> Practice:
    return desk.store.practices.get("harbor")


def fields(page: Answer) -> dict[str, str]:
    """What a browser would send of the page's form of settings."""
    form = page.html.partition('class="card settings"')[2].partition("</form>")[0]
    sent = {}
    for tag in re.findall(r"<input[^>]*>", form):
        about = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if (about.get("type") != "checkbox" or " checked" in tag) and " disabled" not in tag and "name" in about:
            sent[about["name"]] = unescape(about.get("value", "on"))
    for name, text in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>([^<]*)', form):
        sent[name] = unescape(text)
    sent.pop("csrf", None)
    return sent


def save(
    desk: PortalDesk, path: str, by: str = NADIA, begun: dict[str, str] | None = None, **typed: str | None
) -> Answer:
    """Open a form (or take one that was `begun`), type, and save; None leaves a box unticked. "__" stands for "."."""
    form = fields(desk.open(f"{HOME}/{path}", by)) if begun is None else dict(begun)
    for name, text in typed.items():
        if text is None:
            form.pop(name.replace("__", "."), None)
        else:
            form[name.replace("__", ".")] = text
    return desk.send(f"{HOME}/{path}", by, **form)


def told(desk: PortalDesk) -> list[tuple[str, str, str, str]]:
    events = reversed(desk.store.practice_events.latest("harbor", 50))
    return [(one.who, one.setting, one.before, one.after) for one in events]


class TestTheOverview:
    def test_shows_all_settings_in_words(self, desk: PortalDesk) -> None:
        text = desk.open(HOME).text
        for part in ("Staff's mail goes to front@harbor.example", "Cancellation messaging On", "2 hours", "90 days",
                     "Dr. Amara Osei", "As the practice", "New patient, Follow-up", "for known patients"):  # fmt: skip
            assert part.replace("'", "&#39;") in text, part

    def test_in_spanish(self, desk: PortalDesk) -> None:
        text = desk.open(f"{HOME}?lang=es").text
        for part in ("Ajustes", "Avisos de cancelación Activado", "90 días", "para pacientes conocidos"):
            assert part in text, part


class TestSaving:
    def test_recipients_and_switches(self, desk: PortalDesk) -> None:
        answer = save(desk, "messages", recipients="a@x.example\r\nb@x.example, a@x.example", messages__cancelled=None)
        assert answer.headers["Location"] == f"{HOME}?done=settings_saved"
        assert practice(desk).recipients == ("a@x.example", "b@x.example")
        assert not practice(desk).switches.cancelled
        assert practice(desk).switches.confirmed
        assert told(desk) == [
            (NADIA, "messages.cancelled", "yes", "no"),
            (NADIA, "recipients", "front@harbor.example", "a@x.example, b@x.example"),
        ] or told(desk) == [
            (NADIA, "recipients", "front@harbor.example", "a@x.example, b@x.example"),
            (NADIA, "messages.cancelled", "yes", "no"),
        ]

    def test_cancellation_messaging_off_means_that_a_patient_hears_nothing(self, desk: PortalDesk) -> None:
        request = desk.ask()
        save(desk, "messages", messages__cancelled=None)
        page = desk.open(f"/portal/harbor/appointments/{request.id}/cancel").text
        assert "cancellation messaging is off" in page
        desk.cancel_by_staff("harbor", NADIA, request.id, "other", "")
        desk.tick(minutes=5)
        assert desk.told(request) == []

    def test_a_provider(self, desk: PortalDesk) -> None:
        own = "providers__osei__"
        typed = {"split": "2", "buffer_after_minutes": "10", "daily_maximum": "12", "recipients": "osei@harbor.example"}
        assert save(desk, "providers/osei", **{own + name: text for name, text in typed.items()}).status == 303
        osei = practice(desk).providers["osei"]
        assert (osei.split, osei.buffer_after_minutes, osei.daily_maximum) == (2, 10, 12)
        assert osei.recipients == ("osei@harbor.example",)
        assert practice(desk).providers["brandt"] == desk.practice.providers["brandt"]
        save(desk, "providers/osei", **{f"{own}daily_maximum": "", f"{own}recipients": ""})
        osei = practice(desk).providers["osei"]
        assert (osei.daily_maximum, osei.recipients) == (None, ())

    def test_split_booking_is_seen_in_the_booking_tool(self, desk: PortalDesk, tmp_path: Path) -> None:
        patient = patient_of(desk, tmp_path)
        assert "9:30" in patient.open(TUESDAY).text
        desk.ask()
        assert "9:30" not in patient.open(TUESDAY).text
        with pytest.raises(SlotAlreadyTaken):
            desk.ask(1, first_name="Ana")
        save(desk, "providers/osei", providers__osei__split="2")
        desk.clock.advance(seconds=31)
        assert "9:30" in patient.open(TUESDAY).text
        assert desk.ask(2, first_name="Ana").pending

    def test_split_booking_is_refused_with_the_reason_where_the_source_forbids_it(self, desk: PortalDesk) -> None:
        source = replace(desk.practice.sources["ehr"], split_booking=False)
        desk.store.practices.save(a_practice(sources={"ehr": source}))
        page = desk.open(f"{HOME}/providers/osei")
        assert "cannot hold two visits at one time" in page.text
        assert re.search(r'name="providers.osei.split"[^>]* disabled', page.html)
        save(desk, "providers/osei", providers__osei__split="2", providers__osei__buffer_before_minutes="5")
        osei = practice(desk).providers["osei"]
        assert (osei.split, osei.buffer_before_minutes) == (1, 5)

    def test_notice_and_horizon_and_limits(self, desk: PortalDesk) -> None:
        save(desk, "booking", minimum_notice_minutes="60", horizon_days="30", limits__pending_per_person="5")
        found = practice(desk)
        assert (found.minimum_notice_minutes, found.horizon_days, found.limits.pending_per_person) == (60, 30, 5)
        assert {one.settings.horizon_days for one in desk.store.feeds_by_id.values()} == {30}
        assert "minimum_notice_minutes" in {one[1] for one in told(desk)}

    def test_what_is_saved_unchanged_writes_and_tells_nothing(self, desk: PortalDesk) -> None:
        version = practice(desk).version
        for path in ("messages", "booking", "branding", "providers/osei", "visit-types/_new"):
            if path != "visit-types/_new":
                assert save(desk, path).status == 303
        assert save(desk, "visit-types/follow-up").status == 303
        assert practice(desk).version == version
        assert told(desk) == []

    def test_a_test_message_goes_to_the_practice_s_saved_addresses(self, desk: PortalDesk) -> None:
        save(desk, "messages", recipients="new@harbor.example")
        assert "Send a test message" in desk.open(f"{HOME}/messages").text
        assert desk.send(f"{HOME}/test-message").headers["Location"] == f"{HOME}?done=test_sent"
        desk.deliver()
        assert desk.mailer.sent[-1][2] == ("new@harbor.example",)
        assert "Harbor Clinic" in desk.last_mail()

    def test_a_provider_s_own_recipients_get_the_mail_about_its_requests(self, desk: PortalDesk) -> None:
        save(desk, "providers/osei", providers__osei__recipients="osei@harbor.example")
        desk.ask()
        assert ("osei@harbor.example",) in [one[2] for one in desk.mailer.sent]


class TestWhatCannotBe:
    @pytest.mark.parametrize(
        ("path", "name", "typed", "words"),
        [
            ("messages", "recipients", "", "give at least one address"),
            ("messages", "recipients", "front@harbor", "write each address like"),
            ("messages", "recipients", "a..b@harbor.example", "write each address like"),
            ("messages", "recipients", "a@x.example\njosé@x.example", "mail cannot be sent to an address with accents"),
            ("booking", "horizon_days", "366", "give a number from 1 to 365"),
            ("booking", "horizon_days", "soon", "give a whole number"),
            ("booking", "minimum_notice_minutes", "-1", "give a whole number"),
            ("booking", "limits.pending_per_person", "0", "give a number from 1 to 100"),
            ("providers/osei", "providers.osei.split", "21", "give a number from 1 to 20"),
            ("providers/osei", "providers.osei.daily_maximum", "0", "give a number from 1 to 200"),
            ("providers/osei", "providers.osei.recipients", "nobody", "write each address like"),
            ("branding", "accent", "red", "choose a colour"),
        ],
    )
    def test_is_said_beside_the_field_and_above_and_nothing_typed_is_lost(
        self, desk: PortalDesk, path: str, name: str, typed: str, words: str
    ) -> None:
        before = practice(desk)
        answer = save(desk, path, **{name.replace(".", "__"): typed})
        assert answer.status == 422
        identifier = name.replace(".", "-")
        assert f'<a href="#{identifier}">' in answer.html
        assert f'id="error-{identifier}">{words}' in answer.html
        assert fields(answer)[name] == typed
        assert practice(desk) == before
        assert told(desk) == []

    def test_is_nothing_that_there_is_not(self, desk: PortalDesk) -> None:
        for path in ("elsewhere", "providers/nobody", "visit-types/nothing"):
            assert desk.open(f"{HOME}/{path}").status == 404
            assert desk.send(f"{HOME}/{path}", minutes="30", name="x").status == 404


class TestTwoEditors:
    def add_ben(self, desk: PortalDesk) -> None:
        staff = {**desk.practice.staff, BEN: replace(desk.practice.staff[NADIA], email=BEN, name="Ben W.")}
        desk.store.practices.save(a_practice(staff=staff))

    def test_of_one_setting_the_second_is_told_who_changed_what_and_loses_nothing(self, desk: PortalDesk) -> None:
        self.add_ben(desk)
        begun = fields(desk.open(f"{HOME}/booking", BEN))
        save(desk, "booking", horizon_days="30")
        answer = save(desk, "booking", BEN, begun, horizon_days="45", minimum_notice_minutes="10")
        assert answer.status == 409
        for part in ("Nadia P. was faster.", "Horizon", "is now", "30 days"):
            assert part in answer.text, part
        assert practice(desk).horizon_days == 30
        again = fields(answer)
        assert (again["horizon_days"], again["minimum_notice_minutes"]) == ("45", "10")
        assert desk.send(f"{HOME}/booking", BEN, **again).status == 303
        assert (practice(desk).horizon_days, practice(desk).minimum_notice_minutes) == (45, 10)
        assert told(desk)[0] == (NADIA, "horizon_days", "90", "30")
        assert (BEN, "horizon_days", "30", "45") in told(desk)

    def test_of_different_settings_both_are_kept(self, desk: PortalDesk) -> None:
        self.add_ben(desk)
        begun = fields(desk.open(f"{HOME}/booking", BEN))
        save(desk, "booking", horizon_days="30")
        assert save(desk, "booking", BEN, begun, minimum_notice_minutes="10").status == 303
        assert (practice(desk).horizon_days, practice(desk).minimum_notice_minutes) == (30, 10)

    def test_who_says_the_same_is_not_bothered(self, desk: PortalDesk) -> None:
        begun = fields(desk.open(f"{HOME}/booking"))
        save(desk, "booking", horizon_days="30")
        assert save(desk, "booking", NADIA, begun, horizon_days="30").status == 303
        assert len(told(desk)) == 1

    def test_at_the_same_moment_neither_is_lost(self, desk: PortalDesk) -> None:
        def other() -> None:
            desk.change_settings("harbor", NADIA, {"accent": "#0b6e99"}, {"accent": "#884400"})

        desk.store.before_commit = other
        assert save(desk, "booking", horizon_days="30").status == 303
        assert (practice(desk).horizon_days, practice(desk).accent) == (30, "#884400")
        assert len(told(desk)) == 2

    def test_of_one_visit_type(self, desk: PortalDesk) -> None:
        begun = fields(desk.open(f"{HOME}/visit-types/_new"))
        save(desk, "visit-types/_new", name="Check-up")
        assert begun["seen"] == ""
        begun = fields(desk.open(f"{HOME}/visit-types/follow-up"))
        save(desk, "visit-types/follow-up", minutes="20")
        answer = save(desk, "visit-types/follow-up", NADIA, begun, minutes="25")
        assert answer.status == 409
        assert "Follow-up, 20 minutes" in answer.text
        assert desk.send(f"{HOME}/visit-types/follow-up", **fields(answer)).status == 303
        assert practice(desk).visit_types["follow-up"].minutes == 25


class TestVisitTypes:
    def test_are_added_with_translation_for_whom_and_by_whom(self, desk: PortalDesk) -> None:
        typed = {"name": "Yearly check-up", "name__es": "Revisión anual", "minutes": "45", "by__brandt": "on"}
        assert save(desk, "visit-types/_new", new=None, **typed).status == 303
        one = practice(desk).visit_types["yearly-check-up"]
        assert one == VisitType("yearly-check-up", "Yearly check-up", 45, False, True, {"es": "Revisión anual"})
        assert practice(desk).providers["brandt"].visit_type_ids == ("new", "follow-up", "yearly-check-up")
        assert practice(desk).providers["osei"].visit_type_ids == ("new", "follow-up")
        assert "Yearly check-up, 45 minutes, for known patients" in desk.open(f"{HOME}/history").text

    def test_whose_id_is_new_is_edited_like_any_other(self, desk: PortalDesk) -> None:
        assert "New patient" in desk.open(f"{HOME}/visit-types/new").text
        save(desk, "visit-types/new", minutes="35")
        assert practice(desk).visit_types["new"].minutes == 35
        assert "New visit type" in desk.open(f"{HOME}/visit-types/_new").text

    def test_of_the_same_name_get_ids_of_their_own(self, desk: PortalDesk) -> None:
        for _ in range(2):
            save(desk, "visit-types/_new", name="Botox & Co.")
        assert {"botox-co", "botox-co-2"} <= practice(desk).visit_types.keys()

    def test_from_a_form_that_is_sent_twice_are_one(self, desk: PortalDesk) -> None:
        begun = fields(desk.open(f"{HOME}/visit-types/_new"))
        for _ in range(2):
            assert save(desk, "visit-types/_new", NADIA, begun, name="X-ray", by__osei="on").status == 303
        assert [one for one in practice(desk).visit_types if one.startswith("x-ray")] == ["x-ray"]
        assert practice(desk).providers["osei"].visit_type_ids == ("new", "follow-up", "x-ray")
        assert len(told(desk)) == 2

    def test_of_one_name_that_two_add_at_a_time_the_second_is_told_and_may_still_add_theirs(
        self, desk: PortalDesk
    ) -> None:
        begun = fields(desk.open(f"{HOME}/visit-types/_new"))
        save(desk, "visit-types/_new", name="X-ray", minutes="20")
        answer = save(desk, "visit-types/_new", NADIA, begun, name="X-ray", minutes="40")
        assert answer.status == 409
        assert "X-ray, 20 minutes" in answer.text
        assert desk.send(f"{HOME}/visit-types/_new", **fields(answer)).status == 303
        assert [practice(desk).visit_types[one].minutes for one in ("x-ray", "x-ray-2")] == [20, 40]

    def test_that_nobody_offers_any_more_are_not_booked_and_old_requests_stay_readable(self, desk: PortalDesk) -> None:
        request = desk.ask()
        form = fields(desk.open(f"{HOME}/visit-types/follow-up"))
        assert desk.send(f"{HOME}/visit-types/follow-up", **form, do="stop").status == 303
        assert practice(desk).providers["osei"].visit_type_ids == ("new",)
        assert "Not offered" in desk.open(HOME).text
        assert desk.open(f"/portal/harbor/appointments/{request.id}").status == 200

    def test_the_last_one_of_a_provider_stays(self, desk: PortalDesk) -> None:
        desk.store.practices.save(a_practice(a_provider(visit_type_ids=("follow-up",)), a_provider("brandt")))
        form = fields(desk.open(f"{HOME}/visit-types/follow-up"))
        answer = desk.send(f"{HOME}/visit-types/follow-up", **form, do="stop")
        assert answer.status == 422
        assert "a provider would have nothing left to book" in answer.html
        assert practice(desk).providers["brandt"].visit_type_ids == ("new", "follow-up")

    @pytest.mark.parametrize(
        ("typed", "field"),
        [
            ({"name": ""}, "name"),
            ({"minutes": "4"}, "minutes"),
            ({"minutes": "a while"}, "minutes"),
            ({"new": None, "returning": None}, "for"),
            ({"name": "", "minutes": "a while"}, "name"),
            ({"name": "", "minutes": "a while"}, "minutes"),
        ],
    )
    def test_that_cannot_be_are_said(self, desk: PortalDesk, typed: dict[str, str | None], field: str) -> None:
        before = practice(desk)
        answer = save(desk, "visit-types/_new", **({"name": "X-ray", "by__osei": "on"} | typed))
        assert answer.status == 422
        assert f'href="#visit-{field}"' in answer.html
        assert f'id="error-{field}"' in answer.html
        assert fields(answer).get("by.osei") == "on"
        assert practice(desk) == before


class TestBranding:
    def test_a_colour_is_previewed_on_both_grounds_with_its_contrast(self, desk: PortalDesk) -> None:
        page = desk.part(f"{HOME}/branding?accent=%23ffee00")
        assert "Its own contrast would be 1.1 to 1" in page.text
        assert 'value="#ffee00"' in page.html
        assert 'name="seen.accent" value="#0b6e99"' in page.html
        assert "Used as it is: contrast" in desk.open(f"{HOME}/branding").text

    def test_a_colour_is_saved(self, desk: PortalDesk) -> None:
        save(desk, "branding", accent="#884400")
        assert practice(desk).accent == "#884400"


class TestTheTimeline:
    def test_tells_settings_and_calendars_alike_page_by_page(self, desk: PortalDesk) -> None:
        desk.edit_calendar.pause("harbor", NADIA, "osei", True)
        for number in range(60):
            desk.clock.advance(minutes=1)
            name = "limits.pending_per_person"
            desk.change_settings("harbor", NADIA, {name: str(3 + number)}, {name: 4 + number})
        page = desk.open(f"{HOME}/history")
        assert page.html.count("<time") == 50
        assert "Requests of one person that may wait" in page.text
        earlier = unescape(re.findall(r'href="([^"]*before=[^"]*)"', page.html)[0])
        older = desk.open(earlier)
        assert older.html.count("<time") == 11
        assert "Online booking paused" in older.text
        assert "Nadia P." in older.text

    def test_shows_all_of_what_was_saved_at_one_instant(self, desk: PortalDesk) -> None:
        for number in range(120):
            event = PracticeEvent(f"settings~9~{number:03}", NOW, NADIA, "setting_changed", setting="horizon_days")
            desk.store.practice_events.add("harbor", replace(event, before="90", after=str(100 + number)))
        shown, later = [], [f"{HOME}/history"]
        while later and len(shown) < 120:
            page = desk.open(later[0])
            shown += re.findall(r"<ins>(\d+) days</ins>", page.html)
            later = [unescape(one) for one in re.findall(r'href="([^"]*before=[^"]*)"', page.html)]
        assert shown == [str(219 - number) for number in range(120)]
        assert not later

    def test_has_each_entry_once_where_several_were_saved_at_once(self, desk: PortalDesk) -> None:
        for number in range(26):
            desk.clock.advance(minutes=1)
            before = {"horizon_days": str(90 - number), "minimum_notice_minutes": str(120 - number)}
            desk.change_settings("harbor", NADIA, before, {one: int(text) - 1 for one, text in before.items()})
        save(desk, "branding", accent="#884400")
        page = desk.open(f"{HOME}/history")
        older = desk.open(unescape(re.findall(r'href="([^"]*before=[^"]*)"', page.html)[0]))
        assert page.html.count("<time") + older.html.count("<time") == 53

    def test_names_a_switch_and_a_list_in_words(self, desk: PortalDesk) -> None:
        save(desk, "messages", messages__cancelled=None)
        text = desk.open(f"{HOME}/history", VIC).text
        assert re.search(r"Cancellation messaging from On to Off Nadia P\.", re.sub(r"\s+", " ", text))


FORMS: dict[str, dict[str, str]] = {
    "messages": {"recipients": "x@y.example", "seen.recipients": "front@harbor.example"},
    "booking": {"horizon_days": "30", "seen.horizon_days": "90", "minimum_notice_minutes": "120",
                "seen.minimum_notice_minutes": "120", "limits.pending_per_person": "3", "seen.limits.pending_per_person": "3",
                "limits.pending_per_contact": "8", "seen.limits.pending_per_contact": "8"},
    "branding": {"accent": "#884400", "seen.accent": "#0b6e99"},
    "providers/osei": {},
    "visit-types/new-one": {},
    "visit-types/_new": {"name": "X", "minutes": "30", "new": "on", "seen": ""},
}  # fmt: skip
PAGES = ("", "/history", "/messages", "/booking", "/branding", "/providers/osei", "/visit-types/follow-up")


class TestWhoMay:
    @pytest.mark.parametrize("path", FORMS)
    @pytest.mark.parametrize(("by", "status"), [(VIC, 403), (STRANGER, 404)])
    def test_viewers_and_strangers_change_nothing(self, desk: PortalDesk, path: str, by: str, status: int) -> None:
        form = FORMS[path] or fields(desk.open(f"{HOME}/{path.replace('new-one', 'follow-up')}"))
        before = practice(desk)
        answer = desk.send(f"{HOME}/{path.replace('new-one', 'follow-up')}", by, **form)
        assert answer.status == status
        assert practice(desk) == before
        assert told(desk) == []

    @pytest.mark.parametrize("path", PAGES)
    def test_viewers_look_and_strangers_do_not(self, desk: PortalDesk, path: str) -> None:
        page = desk.open(f"{HOME}{path}", VIC)
        assert page.status == 200
        assert "<button" not in page.html.partition("<main")[2]
        assert ">Change<" not in page.html
        assert desk.open(f"{HOME}{path}", STRANGER).status == 404
        assert desk.open(f"/portal/pier/settings{path}").status == 404
        assert desk.open(f"{HOME}{path}", by=None).status == 303

    def test_a_form_s_fields_reach_nothing_but_its_own_settings(self, desk: PortalDesk) -> None:
        form = FORMS["branding"] | {"name": "Evil", "slug": "pier", "providers.osei.split": "9", "edits": "x"}
        assert desk.send(f"{HOME}/branding", **form).status == 303
        assert practice(desk) == replace(practice(desk), providers=desk.practice.providers, name="Harbor Clinic")


def test_every_setting_has_words_in_the_portal(desk: PortalDesk) -> None:
    found = practice(desk)
    assert all(text_of(value_of(found, one)) is not None for one in names_of(found))
    assert desk.open(f"{HOME}?lang=es").status == desk.open(HOME).status == 200


def test_settings_are_shown_as_they_are_now_and_not_half_a_minute_old(desk: PortalDesk) -> None:
    save(desk, "booking", horizon_days="30")
    assert "30 days" in desk.open(HOME).text
    assert desk.clock.now() - NOW < timedelta(seconds=30)


class TestStaffMailThatIsStopped:
    """Mail cannot tell staff that they get none: the portal does."""

    def stop(self, desk: PortalDesk, address: str, why: Why = Why.BOUNCED) -> None:
        desk.store.suppressions.add("harbor", Suppression(mark_of("harbor", address), why, NOW))

    def test_it_is_said_where_staff_look_every_day_and_lifted_in_settings(self, desk: PortalDesk) -> None:
        osei = replace(desk.practice.providers["osei"], recipients=("Osei@harbor.example",))
        desk.store.practices.save(replace(practice(desk), providers=practice(desk).providers | {"osei": osei}))
        for path in ("/portal/harbor/appointments", HOME):
            assert "mail is stopped" not in desk.open(path).text
        self.stop(desk, "front@harbor.example")
        self.stop(desk, "osei@harbor.example", Why.COMPLAINED)
        for path in ("/portal/harbor/appointments", HOME):
            text = desk.open(path).text
            assert "mail is stopped" in text
            assert "front@harbor.example" in text
            assert "Osei@harbor.example" in text
        assert "came back" in text
        assert "marked as unwanted" in text
        desk.send(f"{HOME}/use-address", address="front@harbor.example")
        assert "front@harbor.example: " not in desk.open(HOME).text
        assert "Osei@harbor.example" in desk.open("/portal/harbor/appointments").text
        desk.ask()
        desk.send(f"{HOME}/use-address", address="osei@harbor.example")
        desk.ask(1, start=LATER, first_name="Ana")
        staff = [to for _, _, to, tags in desk.mailer.sent if tags["message"].endswith("_staff")]
        assert staff == [("Osei@harbor.example",)]

    def test_what_they_missed_is_said_in_the_same_places_until_they_have_seen_it(self, desk: PortalDesk) -> None:
        desk.mailer.fault = MailRefused()
        desk.submit()
        desk.deliver()
        for path in ("/portal/harbor/appointments", HOME):
            text = desk.open(path).text
            assert "did not go out" in text
            assert "front@harbor.example" in text
            assert "mail is stopped" not in text
        assert "refused a message to it" in desk.open(HOME).text
        desk.send(f"{HOME}/use-address", address="front@harbor.example")
        for path in ("/portal/harbor/appointments", HOME):
            assert "did not go out" not in desk.open(path).text

    def test_who_lifts_it_and_who_has_seen_it_stands_once_in_the_timeline(self, desk: PortalDesk) -> None:
        missed = missed_mark_of("harbor", "front@harbor.example")
        self.stop(desk, "front@harbor.example")
        desk.store.suppressions.add("harbor", Suppression(missed, Why.REFUSED, NOW))
        done = [desk.send(f"{HOME}/use-address", address="Front@harbor.example").headers["Location"] for _ in range(2)]
        desk.store.suppressions.add("harbor", Suppression(missed, Why.REFUSED, NOW))
        done.append(desk.send(f"{HOME}/use-address", address="front@harbor.example").headers["Location"])
        assert done == [f"{HOME}?done={word}" for word in ("address", "gone", "mail_seen")]
        told = [(one.what, one.who, one.detail) for one in desk.store.practice_events.latest("harbor", 9)]
        assert sorted(told) == [
            ("staff_address_again", NADIA, "front@harbor.example"),
            ("staff_mail_seen", NADIA, "front@harbor.example"),
        ]
        text = desk.open(f"{HOME}/history").text
        assert "Mail to an address of the team goes out again front@harbor.example Nadia P." in text
        assert "What an address of the team missed was seen front@harbor.example Nadia P." in text

    def test_nobody_is_to_call_about_mail_to_staff(self, desk: PortalDesk) -> None:
        desk.mailer.fault = MailRefused()
        request = desk.submit().request
        desk.deliver()
        text = desk.open(f"/portal/harbor/appointments/{request.id}").text
        assert text.count("not sent: call") == 1  # that it was received, to the patient
        assert text.count("to staff: not sent (the mail service refused it)") >= 1

    def test_of_a_patients_address_it_says_nothing_and_lifts_nothing(self, desk: PortalDesk) -> None:
        self.stop(desk, "maria@example.org")
        assert "mail is stopped" not in desk.open(HOME).text
        assert desk.send(f"{HOME}/use-address", address="maria@example.org").status == 303
        assert desk.store.suppressions.get("harbor", mark_of("harbor", "maria@example.org"))

    def test_a_viewer_sees_it_without_the_button(self, desk: PortalDesk) -> None:
        self.stop(desk, "front@harbor.example")
        page = desk.open(HOME, VIC)
        assert "mail is stopped" in page.text
        assert "use-address" not in page.html
