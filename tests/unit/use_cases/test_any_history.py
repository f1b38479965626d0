"""Whatever staff and patients do, after a pull the days hold exactly what the source shows and what is still asked for."""

from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace
from oneway.domain import identifiers
from oneway.domain.appointments import AppointmentState
from oneway.domain.errors import (
    InvalidInput,
    KeyReused,
    RequestAlreadyAnswered,
    SlotAlreadyTaken,
    SlotNotOffered,
    TooManyPending,
)
from oneway.domain.practices import Limits
from oneway.domain.requests import RequestState
from oneway.faults import Unavailable

from tests.builders import START, a_practice, a_provider, a_record, a_row
from tests.world import World

STARTS = [START + timedelta(minutes=30 * n) for n in range(4)]
NUMBERS = st.integers(0, 5)


class History(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World(a_practice(a_provider(split=2), limits=Limits(2, 8)))
        self.asked: dict[int, str] = {}
        self.pulled = True
        self.deleted: dict[str, object] = {}

    def visit(self, number: int) -> str:
        return f"appt-{number}"

    @rule(number=NUMBERS, start=st.sampled_from(STARTS), state=st.sampled_from(AppointmentState), same=st.booleans())
    def staff_enter_or_change(self, number: int, start: datetime, state: AppointmentState, same: bool) -> None:
        record = a_record(source_id=f"pat-{number}") if same else a_record(birth_date=None)
        row = a_row(self.visit(number), start=start, end=start + timedelta(minutes=30), state=state, patient=record)
        self.world.source.enter(replace(row, raw_state=str(state), start_text=start.isoformat()))
        self.pulled = False

    @rule(number=NUMBERS)
    def staff_delete(self, number: int) -> None:
        if self.visit(number) in self.world.source.rows:
            self.world.source.delete(self.visit(number))
            self.pulled = False

    @rule(number=st.integers(0, 3), start=st.sampled_from(STARTS))
    def a_patient_asks(self, number: int, start: datetime) -> None:
        try:
            submitted = self.world.submit(f"{number:032d}", start=start.astimezone(UTC).isoformat())
        except (SlotAlreadyTaken, SlotNotOffered, KeyReused, InvalidInput):
            return  # full, too late, another time under the same key, or past
        except TooManyPending:
            assert sum(r.pending for r in self.requests()) == 2
            return
        self.asked[number] = submitted.link

    @rule(number=st.integers(0, 3))
    def a_patient_cancels(self, number: int) -> None:
        if number in self.asked:
            try:
                self.world.cancel_by_patient("harbor", self.asked[number])
            except RequestAlreadyAnswered:
                assert not any(r.pending for r in self.requests() if self.asked[number] == self.world.links.of(r))

    @rule(fails=st.booleans(), twice=st.booleans(), minutes=st.sampled_from([2, 90]))
    def a_pull(self, fails: bool, twice: bool, minutes: int) -> None:
        self.world.source.fault = Unavailable("down") if fails else None
        for _ in range(1 + twice):
            self.world.clock.advance(minutes=minutes)
            self.world.sync_feed("harbor", "ehr~osei", now_asked=True)
        self.pulled = self.pulled or not fails

    def requests(self) -> list:  # type: ignore[type-arg]
        return list(self.world.store.requests_by_id.values())

    @precondition(lambda self: self.pulled)
    @invariant()
    def the_day_holds_what_there_is(self) -> None:
        day = START.date()
        held = self.world.store.calendar.days("harbor", "osei", "America/Los_Angeles", day, day)[day]
        now = self.world.clock.at
        shown = {
            identifiers.appointment_id("harbor", "ehr", external_id)
            for external_id, row in self.world.source.rows.items()
            if row.state is not AppointmentState.CANCELLED
        }
        gone = {
            a.id
            for a in self.world.store.appointments_by_key.values()
            if a.missing_since and a.row.state is not AppointmentState.CANCELLED
        }
        pending = {r.id for r in self.requests() if r.pending}
        # The window begins yesterday: what the clock has left behind is no longer looked at.
        if now < START + timedelta(hours=12):
            assert {o.id for o in held.occupants} == shown | gone | pending

    @invariant()
    def the_days_are_what_their_causes_make_of_them(self) -> None:
        assert self.world.check_occupancy("harbor", "osei") == []

    @invariant()
    def nobody_waits_for_more_than_allowed(self) -> None:
        assert sum(r.pending for r in self.requests()) <= 2

    @invariant()
    def nobody_is_linked_twice(self) -> None:
        linked = [r.link.appointment_id for r in self.requests() if r.state is RequestState.LINKED]
        assert len(set(linked)) == len(linked)
        for request in self.requests():
            if request.state is RequestState.LINKED:
                appointment = next(
                    a for a in self.world.store.appointments_by_key.values() if a.id == request.link.appointment_id
                )
                assert appointment.request_id == request.id

    @invariant()
    def only_those_who_asked_are_written_to(self) -> None:
        self.world.deliver()
        confirmed = [tags for _, _, _, tags in self.world.mailer.sent if "confirmed" in tags["message"]]
        assert len(confirmed) == sum(r.link is not None for r in self.requests())


TestHistory = History.TestCase
TestHistory.settings = settings(
    max_examples=40, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
