"""Appointment details: working together on a request, cancelling with open eyes, and visits that nobody asked for online."""

import re
from datetime import date, timedelta
from html import unescape

import pytest
from msgspec.structs import replace
from oneway.domain.appointments import PersonName
from oneway.domain.claims import LASTS, Claim
from oneway.domain.errors import Forbidden, RequestAlreadyAnswered, RequestNotFound, SomebodyElseIsOnIt
from oneway.domain.practices import StaffMember, Switches
from oneway.domain.requests import Happening, Request
from oneway.use_cases.preview_cancel import Follows

from tests.builders import a_practice, a_record
from tests.desk import LATER, NADIA, VIC, at
from tests.portal import PortalDesk

LIST = "/portal/harbor/appointments"
OMAR = "omar@harbor.example"


@pytest.fixture
def desk(desk: PortalDesk) -> PortalDesk:
    """With a second member of the staff."""
    practice = a_practice()
    staff = {**practice.staff, OMAR: StaffMember(OMAR, "Omar K.")}
    desk.store.practices.save(replace(practice, staff=staff))
    return desk


class TestOnIt:
    def test_everybody_sees_who_is_on_it_and_since_when(self, desk: PortalDesk) -> None:
        page = f"{LIST}/{desk.ask().id}"
        assert "Nobody is on it yet" in desk.open(page).text

        done = desk.send(f"{page}/claim", answer="claimed")
        assert done.headers["Location"] == f"{page}?done=claimed"
        desk.clock.advance(minutes=8)

        assert "You are on it since 10:00 AM" in desk.open(page).text
        seen = desk.open(page, OMAR).text
        assert "Nadia P. is on it since 10:00 AM (8 minutes ago)" in seen
        assert "ends by itself at 10:30 AM" in seen
        assert "Take over" in seen

    def test_of_two_at_the_same_time_one_is_on_it_and_the_other_is_told(self, desk: PortalDesk) -> None:
        request = desk.ask()
        desk.store.before_commit = lambda: desk.store.requests.claim(
            "harbor", request.id, None, Claim(OMAR, desk.clock.now())
        )

        answer = desk.send(f"{LIST}/{request.id}/claim", answer="claimed")

        assert answer.status == 409
        assert "A colleague was faster" in answer.html
        assert "Omar K. is on it" in answer.text

    def test_it_ends_by_itself_and_at_a_word(self, desk: PortalDesk) -> None:
        request = desk.ask()
        page = f"{LIST}/{request.id}"
        desk.claim_request("harbor", NADIA, request.id)
        desk.clock.advance(seconds=LASTS.total_seconds())
        assert "Nobody is on it yet" in desk.open(page).text
        desk.claim_request("harbor", OMAR, request.id)

        desk.send(f"{page}/claim", by=OMAR, answer="released")

        assert "Nobody is on it yet" in desk.open(page).text
        desk.claim_request.release("harbor", OMAR, request.id)

    def test_a_colleague_may_take_over_from_the_one_they_saw(self, desk: PortalDesk) -> None:
        request = desk.ask()
        desk.claim_request("harbor", NADIA, request.id)
        with pytest.raises(SomebodyElseIsOnIt):
            desk.claim_request("harbor", OMAR, request.id)
        with pytest.raises(SomebodyElseIsOnIt):
            desk.claim_request("harbor", OMAR, request.id, instead_of="gone@harbor.example")

        form = desk.open(f"{LIST}/{request.id}", OMAR).fields(f"{LIST}/{request.id}/claim")
        desk.send(f"{LIST}/{request.id}/claim", by=OMAR, answer="claimed", instead_of=form["instead_of"])

        assert "Omar K. is on it" in desk.open(f"{LIST}/{request.id}").text

    def test_to_say_it_twice_is_to_say_it_once_and_not_to_prolong_it(self, desk: PortalDesk) -> None:
        request = desk.ask()
        first = desk.claim_request("harbor", NADIA, request.id)
        desk.clock.advance(minutes=5)

        assert desk.claim_request("harbor", NADIA, request.id) == first

    def test_a_viewer_is_on_nothing(self, desk: PortalDesk) -> None:
        request = desk.ask()
        for act in (desk.claim_request, desk.claim_request.release):
            with pytest.raises(Forbidden):
                act("harbor", VIC, request.id)
        assert "I&#39;m on it" not in desk.open(f"{LIST}/{request.id}", VIC).html

    def test_nobody_is_on_what_is_not_there(self, desk: PortalDesk) -> None:
        with pytest.raises(RequestNotFound):
            desk.claim_request("harbor", NADIA, "a" * 13)

    def test_nobody_is_on_what_is_over_and_whoever_says_so_is_told(self, desk: PortalDesk) -> None:
        request = desk.ask()
        desk.cancel_by_staff("harbor", NADIA, request.id, "other", "")

        answer = desk.send(f"{LIST}/{request.id}/claim", by=OMAR, answer="claimed")

        assert answer.status == 409
        assert "This request was already answered. Nothing was changed." in answer.html
        assert desk.store.claims == {}
        with pytest.raises(RequestAlreadyAnswered):
            desk.claim_request("harbor", OMAR, request.id)


class TestWhatIsNoLongerThere:
    """Nobody is told that something was done which was not."""

    def test_of_a_call_to_make(self, desk: PortalDesk) -> None:
        request = desk.ask(email=None)
        desk.cancel_by_staff("harbor", NADIA, request.id, "other", "")
        desk.minutes(2)
        page = f"{LIST}/{request.id}"
        form = desk.open(page).fields(f"{page}/call")

        for task, word in (("x", "gone"), (form["task"], "called"), (form["task"], "called")):
            assert desk.send(f"{page}/call", task=task).headers["Location"] == f"{page}?done={word}"
        assert desk.happened(request).count(Happening.CALLED) == 1

    def test_of_a_visit_that_it_is_not(self, desk: PortalDesk) -> None:
        request = desk.ask()
        desk.enter(patient=a_record(birth_date=a_record().birth_date.replace(day=13)))
        desk.minutes()
        page = f"{LIST}/{request.id}"
        form = desk.open(page).fields(f"{page}/match") | {"answer": "dismissed"}

        for visit, word in (("x" * 13, "gone"), (form["appointment"], "dismissed"), (form["appointment"], "dismissed")):
            done = desk.send(f"{page}/match", **(form | {"appointment": visit}))
            assert done.headers["Location"] == f"{page}?done={word}"
        assert desk.happened(request).count(Happening.NOT_THIS) == 1

    @staticmethod
    def dismissed(desk: PortalDesk) -> tuple[Request, str, dict[str, str]]:
        """A request whose possible match was dismissed, its page, and the form that takes that back."""
        request = desk.ask()
        desk.enter(patient=a_record(birth_date=a_record().birth_date.replace(day=13)))
        desk.minutes()
        desk.dismiss(request)
        page = f"{LIST}/{request.id}"
        return request, page, desk.open(page).fields(f"{page}/match") | {"answer": "perhaps"}

    def test_of_a_visit_that_may_be_it_after_all(self, desk: PortalDesk) -> None:
        request, page, form = self.dismissed(desk)

        gone = desk.send(f"{page}/match", **(form | {"appointment": "x" * 13}))
        elsewhere = desk.send(f"{page}/match", **(form | {"provider": "brandt"}))
        for done in (gone, elsewhere):
            assert done.headers["Location"] == f"{page}?done=gone"
        assert "Nothing was changed" in desk.open(f"{page}?done=gone").html
        assert desk.stored(request).dismissals
        assert Happening.PERHAPS_THIS not in desk.happened(request)

        for _ in range(2):
            assert desk.send(f"{page}/match", **form).headers["Location"] == f"{page}?done=perhaps"
        assert desk.happened(request).count(Happening.PERHAPS_THIS) == 1

    def test_of_one_that_is_cancelled_by_now(self, desk: PortalDesk) -> None:
        _, page, form = self.dismissed(desk)
        desk.call_off()
        desk.minutes()

        assert desk.send(f"{page}/match", **form).headers["Location"] == f"{page}?done=not_now"
        assert "cannot answer this request" in desk.open(f"{page}?done=not_now").html

    def test_of_one_that_answers_the_request_at_once(self, desk: PortalDesk) -> None:
        request = desk.confirmed()
        desk.undo(request)
        page = f"{LIST}/{request.id}"
        form = {"provider": "osei", "appointment": desk.visit().id, "answer": "perhaps"}

        assert desk.send(f"{page}/match", **form).headers["Location"] == f"{page}?done=answers"
        assert "the visit answers this request" in desk.open(f"{page}?done=answers").html

    def test_nor_by_a_word_that_no_page_sends(self, desk: PortalDesk) -> None:
        request = desk.ask()
        assert desk.send(f"{LIST}/{request.id}/claim", answer="maybe").status == 422
        assert desk.store.claims == {}


class TestNotes:
    def test_a_note_is_for_the_others_and_for_no_patient(self, desk: PortalDesk) -> None:
        request = desk.ask()
        page = f"{LIST}/{request.id}"

        desk.send(f"{page}/notes", text=" Called, <no> answer.\r\nTry at noon. ")

        assert "Called, &lt;no&gt; answer.\nTry at noon." in desk.open(page, VIC).html
        assert "Nadia P." in desk.open(page, VIC).text
        assert desk.send(f"{page}/notes", text="  ").headers["Location"] == page
        assert len(desk.store.notes["harbor", request.id]) == 1
        desk.cancel_by_staff("harbor", NADIA, request.id, "other", "")
        desk.deliver()
        assert "Called" not in desk.last_mail()

    def test_one_that_is_too_long_is_not_cut_but_stays_to_be_shortened(self, desk: PortalDesk) -> None:
        request = desk.ask()
        page = f"{LIST}/{request.id}"

        answer = desk.send(f"{page}/notes", text="x" * 1001)

        assert answer.status == 422
        assert "please use fewer characters" in answer.text
        assert f'aria-invalid="true">{"x" * 1001}</textarea>' in answer.html
        assert ("harbor", request.id) not in desk.store.notes
        assert desk.send(f"{page}/notes", text="x" * 1000).status == 303

    def test_a_form_that_is_sent_twice_is_one_note_and_what_else_it_says_is_another(self, desk: PortalDesk) -> None:
        request = desk.ask()
        page = f"{LIST}/{request.id}"
        form = desk.open(page).fields(f"{page}/notes")

        for text in ("Called.", "Called.", "Called again."):
            assert desk.send(f"{page}/notes", **form | {"text": text}).headers["Location"] == f"{page}?done=noted"
            desk.clock.advance(seconds=1)
        desk.send(f"{page}/notes", **desk.open(page).fields(f"{page}/notes"), text="Called.")

        assert [note.text for note in desk.store.requests.file("harbor", request.id).notes] == [
            "Called.",
            "Called again.",
            "Called.",
        ]


class TestCancelling:
    def test_what_the_patient_will_get_is_shown_as_it_will_be_sent(self, desk: PortalDesk) -> None:
        request = desk.ask()
        page = f"{LIST}/{request.id}/cancel"

        preview = desk.send(page, step="preview", reason="not_available", note="Please choose Thursday.").text
        assert desk.stored(request).pending
        desk.send(page, reason="not_available", note="Please choose Thursday.")
        desk.deliver()

        mail = desk.last_mail()
        for part in ("Hello Maria", "Please choose Thursday.", "Dr. Amara Osei"):
            assert part in preview, part
            assert part in mail, part

    def test_without_a_word_the_first_look_shows_it_too(self, desk: PortalDesk) -> None:
        assert "Hello Maria" in desk.open(f"{LIST}/{desk.ask().id}/cancel").text

    @pytest.mark.parametrize(
        ("reason", "says"), [("duplicate", "answer to the other request"), ("moved", "e-mail with both times")]
    )
    def test_the_reason_decides_what_follows(self, desk: PortalDesk, reason: str, says: str) -> None:
        preview = desk.send(f"{LIST}/{desk.ask().id}/cancel", step="preview", reason=reason, note="")

        assert says in preview.text
        assert ("Hello Maria" in preview.text) == (reason == "moved")

    def test_without_messaging_nothing_is_sent_and_the_page_says_why(self, desk: PortalDesk) -> None:
        practice = desk.store.practices.get("harbor")
        desk.store.practices.save(replace(practice, switches=Switches(cancelled=False)))
        request = desk.ask()

        assert "cancellation messaging is off" in desk.open(f"{LIST}/{request.id}/cancel").text
        desk.send(f"{LIST}/{request.id}/cancel", reason="other", note="")
        assert desk.told(request) == []

    def test_whom_nobody_told_of_a_visit_is_called_about_the_time_that_they_asked_for(self, desk: PortalDesk) -> None:
        request = desk.ask(email=None)
        desk.enter(**at(LATER))
        desk.minutes(2)
        desk.accept(request)
        desk.minutes(4)
        desk.call_off()
        desk.minutes(4)
        says = "The visit on Tuesday, November 24, 2026, 9:30 AM (PST) is cancelled."  # entered for Wednesday
        assert says in desk.open(f"{LIST}/{request.id}").text

    def test_nobody_is_called_about_a_visit_that_may_be_another_persons(self, desk: PortalDesk) -> None:
        request = desk.ask(email=None)
        desk.enter()
        desk.minutes(2)
        says = "The visit on Tuesday, November 24"
        assert says in desk.open(f"{LIST}/{request.id}").text
        assert "Call patient" in desk.open(LIST).text

        desk.change(
            patient=a_record(source_id="pat-9", names=(PersonName(("Jon",), "Reed"),), birth_date=date(1950, 1, 2))
        )
        desk.minutes()

        page = desk.open(f"{LIST}/{request.id}").text
        for call in (says, "I have called", "not sent: call"):
            assert call not in page, call
        assert "Call patient" not in desk.open(LIST).text

        desk.keep(request)
        assert says in desk.open(f"{LIST}/{request.id}").text

    def test_without_an_address_staff_are_asked_to_call(self, desk: PortalDesk) -> None:
        request = desk.ask(email=None)

        assert "gave no e-mail address" in desk.open(f"{LIST}/{request.id}/cancel").text

    def test_to_an_address_that_refused_mail_and_of_a_time_that_is_past_nothing_is_sent(self, desk: PortalDesk) -> None:
        request = desk.ask()
        practice = desk.store.practices.get("harbor")
        now = desk.clock.now()

        refused = desk.preview_cancel(practice, request, "other", "", now, suppressed=True)
        past = desk.preview_cancel(practice, request, "other", "", now + timedelta(days=2))

        assert (refused.follows, refused.letter) == (Follows.SUPPRESSED, None)
        assert (past.follows, past.letter) == (Follows.PAST, None)

    def test_the_letter_is_in_the_patient_s_language_on_a_page_in_staff_s(self, desk: PortalDesk) -> None:
        request = desk.submit(language="es").request

        page = desk.open(f"{LIST}/{request.id}/cancel")

        assert '<div class="letter" lang="es">' in page.html
        assert "Cancel request" in page.text


class TestIdentifiers:
    def test_each_is_copied_exactly_as_it_was_typed(self, desk: PortalDesk) -> None:
        typed = {
            "first_name": "MARÍA-José",
            "last_name": 'O\'Brien "de la" Núñez',
            "birth_date": "1984-03-12",
            "mobile": "(415) 555 26-71",
            "email": "Maria.Nunez+clinic@Example.ORG",
        }
        request = desk.ask(**typed)

        page = desk.open(f"{LIST}/{request.id}")

        buttons = re.findall(r'<button [^>]*data-copy="([^"]*)"', page.html)
        assert list(map(unescape, buttons)) == list(typed.values())


class TestPossibleMatches:
    def test_what_was_dismissed_stays_in_sight_and_can_be_taken_back(self, desk: PortalDesk) -> None:
        request = desk.ask()
        desk.enter(patient=a_record(birth_date=a_record().birth_date.replace(day=13)))
        desk.minutes()
        page = f"{LIST}/{request.id}"
        fields = desk.open(page).fields(f"{page}/match")
        desk.send(f"{page}/match", answer="dismissed", **fields)

        shown = desk.open(page)
        assert "Possible matches" not in shown.text
        assert "Not the same person: 1 visit" in shown.text
        assert "Undo: it may be the same person" in shown.text
        assert "Undo: it may be" not in desk.open(page, VIC).text
        done = desk.send(f"{page}/match", answer="perhaps", **shown.fields(f"{page}/match"))

        assert done.headers["Location"] == f"{page}?done=perhaps"
        after = desk.open(page).text
        assert "Possible matches" in after
        assert "Not the same person: 1 visit" not in after
        assert "Perhaps this visit after all, says the staff" in after


class TestEnteredAnew:
    def test_of_a_cancelled_visit_staff_are_shown_what_may_be_it_and_say_so(self, desk: PortalDesk) -> None:
        request = desk.confirmed()
        desk.call_off()
        desk.enter("appt-2", **at(LATER), provider_external_id="prac-brandt")
        desk.minutes(4)
        listed = desk.open(LIST).text
        assert "Cancelled possible match" in listed[listed.index("Maria Núñez") :]
        page = f"{LIST}/{request.id}"
        assert "This is it" in desk.open(page).text

        visit = desk.visit("appt-2")
        answer = desk.send(f"{page}/match", provider=visit.provider_id, appointment=visit.id, answer="accepted")

        assert answer.headers["Location"] == f"{page}?done=accepted"
        assert desk.answered_by(request) == "appt-2"
        assert "Maria Núñez" not in desk.open(LIST).text


class TestWhoLeft:
    """A provider who is no longer the practice's is still named, and what is with them can be answered."""

    @pytest.fixture
    def desk(self, desk: PortalDesk) -> PortalDesk:
        desk.left = lambda: desk.store.practices.save(  # type: ignore[attr-defined]
            replace(desk.store.practices.get("harbor"), providers={"brandt": desk.practice.providers["brandt"]})
        )
        return desk

    def test_a_request_and_its_possible_match_are_shown_and_can_be_cancelled(self, desk: PortalDesk) -> None:
        request = desk.ask()
        desk.enter(patient=a_record(birth_date=a_record().birth_date.replace(day=13)))
        desk.minutes()
        desk.left()
        page = f"{LIST}/{request.id}"

        shown = desk.open(page)

        assert (shown.status, "Osei" in shown.text, "Possible matches" in shown.text) == (200, True, True)
        assert desk.open(f"{page}/cancel").status == 200
        assert desk.send(f"{page}/cancel", reason="other", note="").status == 303
        assert not desk.stored(request).pending

    def test_a_confirmed_one_is_shown_and_its_link_can_be_undone(self, desk: PortalDesk) -> None:
        request = desk.confirmed()
        desk.left()
        page = f"{LIST}/{request.id}"

        assert "Osei" in desk.open(page).text
        form = desk.open(page).fields(f"{page}/link")
        assert desk.send(f"{page}/link", **form, answer="undone").status == 303
        assert desk.stored(request).pending

    def test_an_undo_that_is_sent_twice_leaves_what_is_linked_next(self, desk: PortalDesk) -> None:
        """Staff had entered the visit twice."""
        request = desk.confirmed()
        desk.enter("appt-2")
        desk.minutes()
        page = f"{LIST}/{request.id}"
        form = desk.open(page).fields(f"{page}/link")
        for _ in range(2):
            assert desk.send(f"{page}/link", **form, answer="undone").status == 303
        assert desk.answered_by(desk.stored(request)) == "appt-2"
        assert desk.send(f"{page}/link", **(form | {"appointment": "x"}), answer="undone").status == 409
        assert desk.answered_by(desk.stored(request)) == "appt-2"

    def test_a_visit_that_nobody_asked_for_is_shown(self, desk: PortalDesk) -> None:
        desk.enter("walk-in")
        desk.minutes()
        visit = desk.visit("walk-in")
        desk.left()

        assert "Osei" in desk.open(f"/portal/harbor/visits/{visit.provider_id}/{visit.id}").text

    def test_a_schedule_that_broke_before_is_still_told(self, desk: PortalDesk) -> None:
        practice, key = desk.store.practices.get("harbor"), ("harbor", "ehr~brandt")
        desk.store.practices.save(
            replace(practice, providers={"brandt": replace(practice.providers["brandt"], id="brandt")})
        )
        state = desk.store.feeds_by_id[key]
        left = replace(state.settings, providers=(("p-9", "left", ""),))
        desk.store.feeds_by_id[key] = replace(
            state, settings=left, broken_since=desk.clock.now(), last_failure="auth_revoked"
        )

        assert "taken our access away" in desk.open(LIST).text


class TestAge:
    def test_the_age_is_that_of_the_schedule_with_the_visit(self, desk: PortalDesk) -> None:
        request = desk.confirmed()
        link = replace(desk.stored(request).link, provider_id="brandt")
        desk.store.requests_by_id["harbor", request.id] = replace(desk.stored(request), link=link)
        state = desk.store.feeds_by_id["harbor", "ehr~brandt"]
        old = desk.clock.now() - timedelta(hours=5)
        desk.store.feeds_by_id["harbor", "ehr~brandt"] = replace(
            state, last_good_at=old, settings=replace(state.settings, beats=True)
        )
        desk.clock.advance(seconds=31)

        assert "Schedule read 5 hours ago" in desk.open(f"{LIST}/{request.id}").html


class TestImportedVisits:
    def test_one_that_nobody_asked_for_has_a_page(self, desk: PortalDesk) -> None:
        desk.enter("walk-in", **at(LATER), patient=a_record(phones=("+14155550199",)))
        desk.minutes()
        visit = desk.visit("walk-in")

        page = desk.open(f"/portal/harbor/visits/{visit.provider_id}/{visit.id}")

        for part in (
            "MARIA Nunez",
            "Confirmed",
            "Wednesday, November 25, 2026, 9:30 AM (PST), 30 minutes",
            "Dr. Amara Osei",
        ):
            assert part in page.text, part
        assert 'data-copy="(415) 555-0199"' in page.html
        assert "First seen in your schedule" in page.text
        assert "Nobody asked for this visit online" in page.text

    def test_one_that_answers_a_request_is_shown_with_it(self, desk: PortalDesk) -> None:
        request = desk.confirmed()
        visit = desk.visit()

        answer = desk.open(f"/portal/harbor/visits/{visit.provider_id}/{visit.id}")

        assert answer.headers["Location"] == f"{LIST}/{request.id}"

    def test_one_that_is_no_longer_shown_says_since_when(self, desk: PortalDesk) -> None:
        desk.enter("walk-in")
        desk.minutes()
        visit = desk.visit("walk-in")
        key = ("harbor", visit.provider_id, visit.id)
        desk.store.appointments_by_key[key] = visit.missing(desk.clock.now() + timedelta(minutes=1))

        assert "has not shown it since" in desk.open(f"/portal/harbor/visits/{visit.provider_id}/{visit.id}").text

    @pytest.mark.parametrize("address", ["osei/aaaaaaaaaaaaa", "nobody/aaaaaaaaaaaaa"])
    def test_one_that_is_not_there_is_not_found(self, desk: PortalDesk, address: str) -> None:
        assert desk.open(f"/portal/harbor/visits/{address}").status == 404
