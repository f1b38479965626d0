"""What stands around every page: who is signed in, where, how old the schedule is, and the way back through sign-in."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec.structs import replace
from oneway.languages import portal_words

from tests.builders import a_practice
from tests.desk import NADIA, VIC
from tests.portal import Answer, PortalDesk

LIST = "/portal/harbor/appointments"
OURS = {"Sec-Fetch-Site": "same-origin"}


def wanted(location: str) -> str:
    """Where a way to sign-in leads back to."""
    parts = urlsplit(location)
    assert parts.path == "/auth/sign-in"
    return parse_qs(parts.query)["to"][0]


def test_the_shell_names_practice_person_and_the_age_of_the_schedule(desk: PortalDesk) -> None:
    page = desk.open(LIST)

    assert page.status == 200
    for part in ("Harbor Clinic", "Nadia P.", NADIA, "Schedule up to date"):
        assert part in page.html, part
    assert 'aria-current="page">Appointments' in page.html


def test_an_old_schedule_says_so_by_the_hour(desk: PortalDesk) -> None:
    desk.clock.advance(hours=5)

    assert "Schedule read 5 hours ago" in desk.open(LIST).html


def test_without_a_session_a_page_is_come_back_to_with_what_it_asks_for(desk: PortalDesk) -> None:
    answer = desk.open(f"{LIST}?state=requested&page=2", by=None)

    assert answer.status == 303
    assert wanted(answer.headers["Location"]) == f"{LIST}?state=requested&page=2"


def test_without_a_session_a_script_has_the_browser_go_to_sign_in_and_back_to_the_page_that_stands(
    desk: PortalDesk,
) -> None:
    standing = {"HX-Request": "true", "HX-Current-URL": f"https://book.example{LIST}?state=booked"}

    answer = desk.open(LIST, by=None, headers=standing)

    assert answer.status == 204
    assert wanted(answer.headers["HX-Redirect"]) == f"{LIST}?state=booked"


def test_a_session_that_ended_under_a_form_leaves_it_as_it_was_typed_and_has_staff_sign_in_beside_it(
    desk: PortalDesk,
) -> None:
    request = desk.ask()
    page = f"{LIST}/{request.id}"
    standing = {"HX-Request": "true", "HX-Current-URL": f"https://book.example{page}"}

    answer = desk.send(f"{page}/match", by=None, headers=standing, answer="accepted")

    assert answer.status == 401
    assert "HX-Redirect" not in answer.headers
    assert "Your session has ended. Nothing was saved; what you typed stays here." in " ".join(answer.text.split())
    link = re.search(r'<a id="sign-in-again" href="([^"]+)" target="_blank" rel="noopener">', answer.html)
    assert link and wanted(unescape(link[1])) == page
    assert desk.stored(request).link is None


def test_a_page_that_stood_learns_its_forms_token_of_the_session_there_is_now(desk: PortalDesk) -> None:
    session = desk.session()

    assert f'data-csrf="{session.csrf}" data-email="{session.email}"' in desk.part("/portal").html
    assert session.csrf not in desk.open("/portal", by=None, headers={"HX-Request": "true"}).html


@pytest.mark.parametrize(
    ("form", "page"),
    [(f"{LIST}/x/match", f"{LIST}/x"), (f"{LIST}/x/cancel", f"{LIST}/x/cancel"), ("/portal/harbor/sync", "/portal")],
)
def test_without_scripts_a_session_that_ended_is_said_and_leads_to_the_page_of_the_form(
    desk: PortalDesk, form: str, page: str
) -> None:
    answer = desk.send(form, by=None)

    assert answer.status == 401
    assert "Nothing was saved. Sign in, and type it again, please." in answer.text
    link = re.search(r'id="sign-in-again" href="([^"]+)"', answer.html)
    assert link and wanted(unescape(link[1])) == page


class TestFormsThatAreKept:
    """Without scripts a form leaves its page when it is sent: it comes back with what was typed, to be sent again."""

    @pytest.fixture
    def page(self, desk: PortalDesk) -> str:
        return f"{LIST}/{desk.ask().id}"

    def shown(self, answer: Answer, page: str) -> dict[str, str]:
        text = re.search(r'<textarea id="kept-text" name="text" rows="4">\n([^<]*)</textarea>', answer.html)
        assert text
        return answer.fields(f"{page}/notes") | {"text": unescape(text[1])}

    def test_what_was_typed_is_sent_again_by_who_has_signed_in_since(self, desk: PortalDesk, page: str) -> None:
        typed = {"text": "\nCalled <twice>.\r\nNo answer.", "key": "k1"}
        ended = desk.send(f"{page}/notes", by=None, headers=OURS, **typed)
        assert ended.status == 401
        assert "What you sent stays on this page" in ended.text
        assert wanted(unescape(re.findall(r'id="sign-in-again" href="([^"]+)" target="_blank"', ended.html)[0])) == page
        form = self.shown(ended, page)
        assert {name: form[name].replace("\r\n", "\n") for name in typed} == {
            name: text.replace("\r\n", "\n") for name, text in typed.items()
        }

        anew = desk.send(f"{page}/notes", headers=OURS, **form)
        assert anew.status == 403
        assert f"Send again as {NADIA}" in anew.text
        assert desk.store.notes.get(("harbor", page.rpartition("/")[2]), []) == []
        form = self.shown(anew, page)
        assert form["csrf"] == desk.session().csrf

        assert desk.send(f"{page}/notes", headers=OURS, **form).status == 303
        assert "Called &lt;twice&gt;.\nNo answer." in desk.open(page).html

    @pytest.mark.parametrize(
        ("form", "back"),
        [
            ("settings/test-message", "settings"),
            ("settings/use-address", "settings"),
            ("settings/messages", "settings/messages"),
            ("calendar/closures", "calendar"),
            ("sync", ""),
        ],
    )
    def test_the_way_back_leads_to_a_page(self, desk: PortalDesk, form: str, back: str) -> None:
        html = desk.send(f"/portal/harbor/{form}", None, OURS, text="Hi").html
        expected = f"/portal/harbor/{back}" if back else "/portal"
        assert f'<p><a href="{expected}">' in html

    @pytest.mark.parametrize("site", ["cross-site", "same-site", "none", ""])
    def test_what_no_page_of_ours_sent_is_not_shown(self, desk: PortalDesk, page: str, site: str) -> None:
        headers = {"Sec-Fetch-Site": site} if site else {}
        for by, status, more in ((None, 401, {}), (NADIA, 403, {"csrf": "guessed"})):
            answer = desk.send(f"{page}/notes", by=by, headers=headers, text="Call 555-0199", **more)
            assert answer.status == status
            assert "555-0199" not in answer.html
            assert "<textarea" not in answer.html

    def test_a_viewer_and_a_stranger_may_send_it_no_more_than_any_other(self, desk: PortalDesk, page: str) -> None:
        for by in (VIC, "eve@pier.example"):
            form = self.shown(desk.send(f"{page}/notes", by=by, headers=OURS, csrf="old", text="Hi", key="k"), page)
            assert desk.send(f"{page}/notes", by=by, headers=OURS, **form).status in (403, 404)
        assert desk.store.notes.get(("harbor", page.rpartition("/")[2]), []) == []


def test_a_form_without_the_session_s_word_changes_nothing(desk: PortalDesk) -> None:
    request = desk.ask()

    answer = desk.send(f"{LIST}/{request.id}/cancel", csrf="guessed", reason="other", note="")

    assert answer.status == 403
    assert desk.stored(request).pending


def test_an_error_is_told_in_the_language_of_the_practice_to_its_staff_alone(desk: PortalDesk) -> None:
    staff = {NADIA: desk.practice.staff[NADIA]}
    desk.store.practices.save(replace(desk.practice, language="es"))
    desk.store.practices.save(replace(desk.practice, slug="quay", staff=staff))

    assert '<html lang="es">' in desk.open(f"{LIST}/aaaaaaaaaaaaa").html
    assert '<html lang="en">' in desk.open("/portal/quay/appointments/aaaaaaaaaaaaa").html
    assert '<html lang="es">' in desk.send(f"{LIST}/aaaaaaaaaaaaa/notes", text="Hi").html
    desk.store.practices.save(replace(desk.practice, language="es", staff={}))
    assert '<html lang="en">' in desk.open(LIST).html, "who is not of its staff does not learn that it is there"


@pytest.mark.parametrize(("accepted", "language"), [("es-MX,es;q=0.9,en;q=0.8", "es"), ("fr, en", "en"), ("", "en")])
def test_whoever_is_signed_out_reads_the_language_of_their_browser(
    desk: PortalDesk, accepted: str, language: str
) -> None:
    headers = {"Accept-Language": accepted}
    notes = f"{LIST}/{desk.ask().id}/notes"
    for asks in ({"HX-Request": "true"}, OURS):
        answer = desk.send(notes, by=None, headers=headers | asks, text="Hola")
        assert portal_words(language)["signed_out.title"] in answer.html
    assert '<html lang="en"' in desk.open(LIST, headers=headers | desk._cookie(NADIA)).html, "the practice's goes first"


def test_a_language_that_is_chosen_stays(desk: PortalDesk) -> None:
    answer = desk.send("/auth/language", language="es", to=LIST)

    assert answer.headers["Location"] == LIST
    cookie = answer.cookies[0].partition(";")[0]
    session = f"__Host-session={desk.session().id}"
    assert "Por atender" in desk.open(LIST, headers={"Cookie": f"{session}; {cookie}"}).text
    assert "Action required" in desk.open(LIST).text


@pytest.mark.parametrize(
    ("asked", "standing"),
    [
        (f"{LIST}?provider=osei&page=2", f"{LIST}?provider=osei&page=2"),
        (f"{LIST}?provider=osei&done=noted&lang=es", f"{LIST}?provider=osei"),
        (LIST, LIST),
    ],
)
def test_the_choice_of_a_language_leads_back_to_the_page_with_what_it_asks_for(
    desk: PortalDesk, asked: str, standing: str
) -> None:
    form = {name: unescape(one) for name, one in desk.open(asked).fields("/auth/language").items()}

    assert desk.send("/auth/language", **form | {"language": "es"}).headers["Location"] == standing


def test_from_an_answer_to_a_form_it_leads_to_the_page_of_the_form(desk: PortalDesk) -> None:
    page = f"{LIST}/{desk.ask().id}"
    for form, standing in ((f"{page}/match", page), (f"{page}/cancel", f"{page}/cancel")):
        answer = desk.send(form, headers={"HX-Request": "true"}, answer="no such thing", reason="")

        assert answer.status == 422
        assert answer.fields("/auth/language")["to"] == standing
        assert answer.headers.get("HX-Replace-Url") == (standing if standing != form else None)


def test_an_answer_to_a_form_keeps_what_its_page_asks_for(desk: PortalDesk) -> None:
    for shown, query in (("calendar", "?provider=osei&week=2026-11-23"), ("settings", "")):
        current = f"https://book.example/portal/harbor/{shown}?provider=osei&week=2026-11-23&done=saved"
        answer = desk.send(
            "/portal/harbor/calendar/closures", headers={"HX-Request": "true", "HX-Current-URL": current}, first="never"
        )

        assert answer.status == 422
        assert answer.headers["HX-Replace-Url"] == f"/portal/harbor/calendar{query}"


@pytest.mark.parametrize("to", ["https://elsewhere.example/", "//elsewhere.example", "/portal/../x", "/book/harbor"])
def test_a_form_leads_to_no_other_place(desk: PortalDesk, to: str) -> None:
    assert desk.send("/auth/language", language="es", to=to).headers["Location"] == "/portal"


def test_who_works_for_one_practice_is_led_to_it_and_for_two_chooses(desk: PortalDesk) -> None:
    assert desk.open("/portal").headers["Location"] == LIST
    assert "Harbor Clinic" in desk.part("/portal").html

    desk.store.practices.save(a_practice(slug="quay", name="Quay Clinic"))

    choice = desk.open("/portal")
    assert "Harbor Clinic" in choice.text
    assert "Quay Clinic" in choice.text
    assert "<main" not in desk.part("/portal").html
    assert 'hx-boost="true"' not in choice.html, "a page without rooms leads to whole pages"
    assert 'hx-boost="true"' in desk.open(LIST).html


def test_who_may_only_read_is_told_so(desk: PortalDesk) -> None:
    assert "may read, not change" in desk.open(LIST, VIC).html
    assert "may read, not change" not in desk.open(LIST).html


def test_what_happened_is_said_in_the_live_region_and_nothing_that_was_made_up(desk: PortalDesk) -> None:
    said = desk.open(f"{LIST}?done=syncing").html.partition('id="live"')[2].partition("</p>")[0]

    assert "being read" in said
    assert desk.open(f"{LIST}?done=<script>").html.partition('id="live"')[2].partition("</p>")[0].endswith(">")


def test_a_page_for_a_script_carries_no_style_of_its_own(desk: PortalDesk) -> None:
    assert "<style" in desk.open(LIST).html
    assert "<style" not in desk.open(LIST, headers={"HX-Request": "true", "HX-Boosted": "true"}).html
