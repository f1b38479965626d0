"""What the page of a cancellation foretells is what comes: each case is looked at, and then played to its end."""

from datetime import date, timedelta

import pytest
from msgspec.structs import replace
from oneway.domain.messages import Why
from oneway.domain.practices import Switches
from oneway.domain.requests import Request
from oneway.domain.suppression import Suppression, mark_of
from oneway.use_cases.preview_cancel import CancelPreview, Follows, follows_of_vanished

from tests.builders import START, a_record
from tests.desk import CANCELLED, CONFIRMED, CORRECTION, LATER, NADIA, RESCHEDULED, at
from tests.portal import PortalDesk

LIST = "/portal/harbor/appointments"
TOLD = {Follows.MAIL: [CANCELLED], Follows.BOTH_TIMES: [RESCHEDULED], Follows.CONFIRMED: [CONFIRMED]}
CALLS = (Follows.NO_EMAIL, Follows.SUPPRESSED)
ADDRESSES = ("good", "stopped", "none")


def requested(desk: PortalDesk, address: str, *, slot: bool = True) -> Request:
    """A request of somebody whose address is good, gets no mail any more, or is none."""
    typed = {"email": None} if address == "none" else {}
    request = desk.ask(**typed) if slot else desk.ask_for_another_time(date(2026, 11, 24), **typed)
    if address == "stopped":
        stop(desk, request)
    return request


def stop(desk: PortalDesk, request: Request) -> None:
    """A message to the patient came back."""
    mark = mark_of("harbor", request.patient.email or "")
    desk.store.suppressions.add("harbor", Suppression(mark, Why.BOUNCED, desk.clock.now()))


def switched(desk: PortalDesk, **switches: bool) -> None:
    """The practice turns messages on or off."""
    desk.practice = replace(desk.store.practices.get("harbor"), switches=Switches(**switches))
    desk.store.practices.save(desk.practice)


def foretold(desk: PortalDesk, request: Request, reason: str, address: str) -> CancelPreview:
    practice, now = desk.store.practices.get("harbor"), desk.clock.now()
    stopped = address == "stopped"
    return desk.preview_cancel(practice, desk.stored(request), reason, "", now, suppressed=stopped)


def comes_true(desk: PortalDesk, request: Request, follows: Follows) -> None:
    """The patient was told just that, and staff are asked to call where nobody could be."""
    assert desk.told(request) == TOLD.get(follows, [])
    assert (desk.stored(request).call is not None) == (follows in CALLS)


@pytest.mark.parametrize("found", [True, False])
@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("cancelled", [True, False])
@pytest.mark.parametrize("rescheduled", [True, False])
@pytest.mark.parametrize("begun", [False, True])
def test_of_a_visit_that_is_moved_both_endings_are_foretold(
    desk: PortalDesk, found: bool, address: str, cancelled: bool, rescheduled: bool, begun: bool
) -> None:
    switched(desk, cancelled=cancelled, rescheduled=rescheduled)
    request = requested(desk, address)
    if begun:
        desk.clock.advance(seconds=(request.expires_at - desk.clock.now()).total_seconds() + 300)
    preview = foretold(desk, request, "moved", address)
    if found:
        desk.enter(**at(LATER))

    desk.cancel_as_moved(request)
    desk.minutes(6)

    assert preview.if_found
    comes_true(desk, request, preview.if_found if found else preview.follows)


@pytest.mark.parametrize("found", [True, False])
@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("cancelled", [True, False])
@pytest.mark.parametrize("confirmed", [True, False])
def test_of_days_that_were_asked_for_both_endings_are_foretold(
    desk: PortalDesk, found: bool, address: str, cancelled: bool, confirmed: bool
) -> None:
    switched(desk, cancelled=cancelled, confirmed=confirmed, rescheduled=not confirmed)
    request = requested(desk, address, slot=False)
    preview = foretold(desk, request, "moved", address)
    if found:
        desk.enter(**at(LATER))

    desk.cancel_as_moved(request)
    desk.minutes(6)

    assert preview.if_found
    comes_true(desk, request, preview.if_found if found else preview.follows)


@pytest.mark.parametrize("reason", ["other", "duplicate"])
@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("cancelled", [True, False])
@pytest.mark.parametrize("begun", [False, True])
def test_of_any_other_reason_one_ending_is_foretold(
    desk: PortalDesk, reason: str, address: str, cancelled: bool, begun: bool
) -> None:
    switched(desk, cancelled=cancelled)
    request = requested(desk, address)
    if begun:
        desk.clock.advance(seconds=(request.expires_at - desk.clock.now()).total_seconds() + 300)
    preview = foretold(desk, request, reason, address)

    desk.cancel_by_staff("harbor", NADIA, request.id, reason, "")
    desk.minutes(6)

    assert preview.if_found is None
    comes_true(desk, request, preview.follows)


def test_the_page_says_both_endings(desk: PortalDesk) -> None:
    switched(desk, cancelled=False)
    page = f"{LIST}/{requested(desk, 'good').id}/cancel"

    says = desk.send(page, step="preview", reason="moved", note="").text

    first, then = says.index("If one of the next two readings of your schedule shows the visit"), says.index("none of")
    assert first < says.index("An e-mail with both times.") < then
    assert then < says.index("Nothing: cancellation messaging is off. Please call.")
    assert "If one of the next" not in desk.send(page, step="preview", reason="other", note="").text


def test_what_is_off_is_named(desk: PortalDesk) -> None:
    switched(desk, rescheduled=False)
    page = f"{LIST}/{requested(desk, 'good').id}/cancel"

    says = desk.send(page, step="preview", reason="moved", note="").text

    assert "Nothing: messages of a new time are off. Please call." in says
    assert "Hello Maria" in says
    assert "both times" not in says


def test_of_a_start_that_is_past_the_new_time_is_told_all_the_same(desk: PortalDesk) -> None:
    request = requested(desk, "good")
    desk.clock.advance(seconds=(request.expires_at - desk.clock.now() + timedelta(minutes=1)).total_seconds())

    says = desk.send(f"{LIST}/{request.id}/cancel", step="preview", reason="moved", note="").text

    assert "An e-mail with both times." in says
    assert "Nothing: the time is past." in says


def test_without_an_address_staff_are_told_that_a_call_will_wait_for_them(desk: PortalDesk) -> None:
    page = f"{LIST}/{requested(desk, 'none').id}"

    says = desk.send(f"{page}/cancel", step="preview", reason="moved", note="").text
    desk.send(f"{page}/cancel", reason="moved", note="")
    desk.minutes(6)

    assert says.count("gave no e-mail address. “Call patient” will stand here.") == 2
    assert "Call patient" in desk.open(page).text


class TestVanished:
    """*No longer in your schedule* asks whether a visit is cancelled, and says what the patient gets if it is."""

    def vanished(self, desk: PortalDesk, request: Request) -> None:
        desk.source.rows.pop("appt-1")
        desk.minutes(4)
        assert desk.stored(request).vanished_at

    def answered(self, desk: PortalDesk, request: Request, stopped: bool = False) -> Follows:
        """What was foretold, once staff said that it is cancelled, and it was told."""
        practice, now = desk.store.practices.get("harbor"), desk.clock.now()
        foretold = follows_of_vanished(practice, desk.stored(request), now, suppressed=stopped)
        desk.answer_vanished("harbor", NADIA, request.id, is_cancelled=True)
        desk.minutes(4)
        return foretold

    @pytest.mark.parametrize("address", ADDRESSES)
    @pytest.mark.parametrize("cancelled", [True, False])
    @pytest.mark.parametrize("confirmed", [True, False])
    @pytest.mark.parametrize("begun", [False, True])
    def test_what_is_foretold_comes_true(
        self, desk: PortalDesk, address: str, cancelled: bool, confirmed: bool, begun: bool
    ) -> None:
        switched(desk, cancelled=cancelled, confirmed=confirmed)
        request = requested(desk, "good" if address == "stopped" else address)
        desk.enter()
        desk.minutes(2)
        desk.close_call_task("harbor", NADIA, request.id, getattr(desk.stored(request).call, "id", ""))
        before = desk.told(request)
        self.vanished(desk, request)
        if address == "stopped":
            stop(desk, request)
        if begun:
            desk.clock.advance(seconds=(request.expires_at - desk.clock.now()).total_seconds() + 300)

        follows = self.answered(desk, request, address == "stopped")

        assert desk.told(request) == before + TOLD.get(follows, [])
        assert (desk.stored(request).call is not None) == (follows in CALLS)

    def test_of_a_visit_that_came_late_nothing_was_told_and_nothing_is(self, desk: PortalDesk) -> None:
        request = requested(desk, "good")
        desk.cancel_by_staff("harbor", NADIA, request.id, "duplicate", "")
        desk.enter()
        desk.minutes(2)
        self.vanished(desk, request)
        page = desk.open(f"{LIST}/{request.id}").text

        form = {"answer": "cancelled"}
        assert follows_of_vanished(
            desk.store.practices.get("harbor"), desk.stored(request), desk.clock.now(), suppressed=False
        ) is (Follows.UNEXPECTED)
        done = desk.send(f"{LIST}/{request.id}/vanished", **form).headers["Location"]
        assert "Noted: the visit is cancelled." in desk.open(done).html
        desk.minutes(4)
        assert desk.told(request) == []
        assert "Nothing: the patient does not expect this visit." in page

    def test_to_an_address_that_is_stopped_no_mail_is_promised(self, desk: PortalDesk) -> None:
        request = requested(desk, "good")
        desk.enter()
        desk.minutes(2)
        self.vanished(desk, request)
        assert "If it is cancelled, an e-mail that says so." in desk.open(f"{LIST}/{request.id}").text

        stop(desk, request)

        says = desk.open(f"{LIST}/{request.id}").text
        assert "If it is cancelled, an e-mail" not in says
        assert "a message to this address came back, or was not wanted. “Call patient” will stand here." in says


SAYS = {
    "past": "Nothing is sent: its time is past.",
    "silent": "The patient has been told nothing of it.",
    "corrects": "The patient gets a correction.",
    "corrects_by_phone": "If the patient was told of it, “Call patient” will stand here.",
}


class TestUndoing:
    """What is said beside *undo the link* is so."""

    def undone(self, desk: PortalDesk, request: Request) -> str:
        """What the page said, once the link is undone and what follows has gone out."""
        text = desk.open(f"{LIST}/{request.id}").text
        (said,) = [word for word, words in SAYS.items() if words in text]
        self.told, self.call = desk.told(request), desk.stored(request).call
        desk.source.rows.clear()
        desk.undo(request)
        desk.minutes(3)
        return said

    @pytest.mark.parametrize("confirmed", [True, False])
    @pytest.mark.parametrize("address", ADDRESSES)
    @pytest.mark.parametrize("begun", [False, True])
    @pytest.mark.parametrize("called", [False, True])
    def test_it_comes_true(self, desk: PortalDesk, confirmed: bool, address: str, begun: bool, called: bool) -> None:
        switched(desk, confirmed=confirmed, unanswered=False, not_confirmed=False, expired=False)
        request = requested(desk, "good" if address == "stopped" else address)
        desk.enter()
        desk.minutes(2)
        if address == "stopped":
            stop(desk, request)
        if called and (task := desk.stored(request).call):
            desk.close_call_task("harbor", NADIA, request.id, task.id)
        if begun:
            desk.clock.advance(seconds=(START - desk.clock.now()).total_seconds() + 300)

        said = self.undone(desk, request)

        more, call = desk.told(request)[len(self.told) :], desk.stored(request).call
        assert more == ([CORRECTION] if said == "corrects" else [])
        knows = confirmed and (address != "none" or called)
        if said == "corrects_by_phone":
            assert (call is not None) == knows
        else:
            assert call in (None, self.call)
        assert (said == "past") == begun
        assert (said == "silent") == (not begun and not confirmed)

    @pytest.mark.parametrize("told", [False, True])
    def test_of_a_visit_that_took_the_place_of_one_that_vanished(self, desk: PortalDesk, told: bool) -> None:
        desk.source.read_by_id = False
        desk.enter("stays", patient=None)
        request = desk.confirmed()
        desk.source.delete("appt-1")
        desk.enter("appt-2", **at(LATER))
        desk.minutes(4)
        desk.accept(request, "appt-2")
        if told:
            desk.minutes(2)

        said = self.undone(desk, request)

        assert said == ("corrects" if told else "silent")
        assert desk.told(request)[len(self.told) :] == ([CORRECTION] if told else [])
        assert desk.answered_by(request) == "appt-1"

    def test_nor_is_anything_promised_where_staff_accepted(self, desk: PortalDesk) -> None:
        switched(desk, confirmed=False)
        request = requested(desk, "good")
        desk.enter(patient=a_record(birth_date=a_record().birth_date.replace(day=13)))
        desk.minutes()
        page = f"{LIST}/{request.id}"
        form = desk.open(page).fields(f"{page}/match")

        done = desk.send(f"{page}/match", **form, answer="accepted")
        says = desk.open(done.headers["Location"]).html
        desk.minutes(3)

        assert "Linked. Nothing is sent for a minute; until then you can undo it silently." in says
        assert desk.told(request) == []
