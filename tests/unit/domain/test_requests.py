"""The life of a request: whatever happens in whatever order, it stays one of product section 1's lives."""

import re
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace
from oneway.domain import linking, messages, requests
from oneway.domain.appointments import WAITING, AppointmentState
from oneway.domain.errors import RequestAlreadyAnswered
from oneway.domain.messages import MessageKind
from oneway.domain.practices import Switches
from oneway.domain.requests import PATIENT, Actor, ActorKind, Request, RequestState, Transition, due_meanwhile, due_now

from tests.builders import NOW, START, a_request, a_row, an_appointment

STAFF = Actor(ActorKind.STAFF, "nadia@harbor.example")
OVER = {RequestState.CANCELLED, RequestState.EXPIRED}


class Life(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        born = requests.submitted(a_request(), messages.on_submit(True))
        self.request = born.after
        self.entries = [born.entry]
        self.now = NOW
        self.appointment = an_appointment()

    def take(self, transition: Transition | None) -> None:
        if transition is None:
            return
        assert transition.before == self.request
        assert self.request.state not in OVER, "whoever is over stays over"
        self.request = transition.after
        self.entries.append(transition.entry)

    def tried(self, change: object) -> None:
        self.now += timedelta(minutes=1)
        try:
            self.take(change())  # type: ignore[operator]
        except RequestAlreadyAnswered:
            assert not self.request.pending or self.request.link is None

    @rule()
    def confirm(self) -> None:
        self.tried(lambda: linking.confirmed(self.request, self.appointment, self.now, Switches()))

    @rule(state=st.sampled_from(AppointmentState), minutes=st.integers(0, 2))
    def change_in_the_source(self, state: AppointmentState, minutes: int) -> None:
        start = self.appointment.start + timedelta(minutes=minutes)
        self.appointment = replace(self.appointment, row=a_row(state=state, start=start))
        before = self.request.shown_state
        self.tried(lambda: linking.mirrored(self.request, self.appointment, self.now, Switches()))
        if state in WAITING:
            assert self.request.shown_state == before
        elif self.request.link:
            assert self.request.shown_state == state

    @rule()
    def cancel_by_staff(self) -> None:
        self.tried(lambda: requests.cancelled(self.request, STAFF, self.now, (), reason="other"))

    @rule()
    def cancel_by_patient(self) -> None:
        self.tried(lambda: requests.cancelled(self.request, PATIENT, self.now, messages.on_cancel_by_patient(True)))

    @rule()
    def ask_to_cancel(self) -> None:
        self.tried(lambda: requests.asked_to_cancel(self.request, self.now, messages.on_asked_to_cancel(True)))

    @rule()
    def expire(self) -> None:
        self.tried(lambda: requests.expired(self.request, self.now))

    @invariant()
    def each_change_is_one_version_and_one_entry(self) -> None:
        assert self.request.version == len(self.entries)
        assert [entry.number for entry in self.entries] == list(range(1, len(self.entries) + 1))

    @invariant()
    def a_link_and_a_linked_state_go_together(self) -> None:
        assert (self.request.link is not None) == (self.request.state is RequestState.LINKED)

    @invariant()
    def a_wish_to_cancel_is_of_a_linked_visit_that_still_stands(self) -> None:
        if self.request.asked_to_cancel_at:
            assert self.request.link
            assert self.request.shown_state != AppointmentState.CANCELLED
            assert self.request.to_act

    @invariant()
    def messages_have_names_of_their_own(self) -> None:
        names = [due.id for due in self.request.due]
        assert len(set(names)) == len(names)
        assert (self.request.unsent_since is not None) == bool(names)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=15, deadline=None)


def test_ids_of_messages_are_used_once_and_sort_by_when_they_became_due() -> None:
    request = requests.submitted(a_request(), messages.on_submit(True)).after
    kinds = (MessageKind.NOT_CONFIRMED_PATIENT,)
    due = [*request.due, *due_meanwhile(request, kinds), *due_meanwhile(replace(request, settled=11), kinds)]
    due += due_now(request, (MessageKind.CANCELLED_PATIENT,))
    ids = [one.id for one in due]
    assert sorted(set(ids)) == [*sorted(ids[:2]), *ids[2:]]
    # SES takes no other signs in the value of a tag.
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,255}", one) for one in ids)


def test_what_time_a_request_takes() -> None:
    asked = a_request()
    quarter = timedelta(minutes=15)

    def takes(one: Request, provider: str = "osei", late: timedelta = quarter) -> bool:
        return one.takes(provider, START + late, START + late + 2 * quarter)

    assert takes(asked)
    assert not takes(asked, "brandt")
    assert not takes(asked, late=2 * quarter)
    assert not takes(asked, late=-2 * quarter)
    assert not any(takes(replace(asked, state=state)) for state in OVER)
    linked = linking.confirmed(asked, an_appointment(), NOW, Switches()).after
    link = linked.link
    assert link
    assert takes(linked)
    assert not takes(replace(linked, link=replace(link, state=AppointmentState.CANCELLED)))
    assert not takes(replace(linked, suspended_at=NOW)), "the visit may be somebody else's"
    elsewhere = replace(link, provider_id="brandt", start=link.start + 4 * quarter, end=link.end + 4 * quarter)
    assert takes(replace(linked, link=elsewhere), "brandt", 5 * quarter)
    assert not takes(replace(linked, link=elsewhere))
