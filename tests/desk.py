"""A practice's front desk as a test plays it: a minute is a pull of each schedule, the timers and the mail."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from msgspec.structs import replace
from oneway.domain.appointments import Appointment, AppointmentState, ScheduleRow
from oneway.domain.messages import MessageKind
from oneway.domain.requests import Happening, Request, TimelineEntry
from oneway.use_cases.undo_dismissal import TakenBack

from tests.builders import START, a_form, a_row
from tests.world import World

NADIA, VIC = "nadia@harbor.example", "vic@harbor.example"
LATER = START + timedelta(days=1)
CONFIRMED, CANCELLED = "confirmed_patient", "cancelled_patient"
RESCHEDULED, CORRECTION = "rescheduled_patient", "correction_patient"
EXPIRED, NOT_CONFIRMED = "expired_patient", "not_confirmed_patient"
RECEIVED = (MessageKind.RECEIVED_PATIENT, MessageKind.RECEIVED_STAFF)


def at(start: datetime) -> dict[str, datetime | str]:
    """The fields of a row that say when: half an hour from `start`."""
    return {"start": start, "end": start + timedelta(minutes=30), "start_text": start.isoformat()}


@dataclass
class Desk(World):
    """What staff and patients do in a line each, and what the patients were told."""

    def minutes(self, number: int = 1) -> None:
        """So many minutes pass, each with all that it brings."""
        for _ in range(number):
            self.clock.advance(minutes=1)
            for provider in self.practice.providers:
                self.sync_feed("harbor", f"ehr~{provider}")
            self.tick()

    def tick(self, **passed: float) -> None:
        """The timers and the mail, after some time without a pull."""
        self.clock.advance(**passed)
        self.run_timers()
        self.deliver()

    def ask(self, number: int = 0, *, start: datetime = START, provider: str = "osei", **patient: Any) -> Request:
        """A patient asks, and everybody is told that it arrived; `patient` changes what is typed (None: not given)."""
        typed = {key: value for key, value in (a_form()["patient"] | patient).items() if value is not None}
        submitted = self.submit(f"{number:032d}", start=start.isoformat(), provider=provider, patient=typed)
        self.deliver()
        return submitted.request

    def ask_for_another_time(self, *days: date, number: int = 0, parts: Iterable[str] = (), **patient: Any) -> Request:
        """A patient asks for another time, on some days, and everybody is told that it arrived."""
        preferred = {"days": [str(day) for day in days], "parts": list(parts)}
        typed = {key: value for key, value in (a_form()["patient"] | patient).items() if value is not None}
        submitted = self.submit(f"{number:032d}", start=None, preferred=preferred, patient=typed)
        self.deliver()
        return submitted.request

    def reads_no_more(self, provider_id: str, *, leaves: bool = False) -> None:
        """An operator takes a provider's schedule from what is read; or the provider, who `leaves` the practice."""
        stored = self.store.practices.get("harbor")
        others = {one.id: one for one in stored.providers.values() if one.id != provider_id}
        apart = replace(stored.provider(provider_id), source_id=None, external_id=None)
        self.practice = replace(stored, providers=others | ({} if leaves else {provider_id: apart}))
        self.store.practices.save(self.practice)
        self.store.feeds_by_id.pop(("harbor", f"ehr~{provider_id}"))

    def confirmed(self, **row: Any) -> Request:
        """A request that staff's entry confirmed, of which the patient was told."""
        request = self.ask()
        self.enter(**row)
        self.minutes()
        assert self.told(request) == [CONFIRMED]
        return request

    def enter(self, external_id: str = "appt-1", **changes: Any) -> ScheduleRow:
        """Staff enter a visit in their system."""
        row = a_row(external_id, **changes)
        self.source.enter(row)
        return row

    def change(self, external_id: str = "appt-1", **changes: Any) -> None:
        """Staff change a visit in their system."""
        self.source.enter(replace(self.source.rows[external_id], **changes))

    def call_off(self, external_id: str = "appt-1", **changes: Any) -> None:
        """Staff cancel a visit in their system."""
        self.change(external_id, state=AppointmentState.CANCELLED, raw_state="cancelled", **changes)

    def book_again(self, external_id: str = "appt-1", **changes: Any) -> None:
        """Staff take a cancellation in their system back."""
        self.change(external_id, state=AppointmentState.BOOKED, raw_state="booked", **changes)

    def visit(self, external_id: str = "appt-1") -> Appointment:
        """A visit as it is kept here."""
        found = self.store.appointments_by_key.values()
        return next(one for one in found if one.row.external_id == external_id)

    def accept(self, request: Request, external_id: str = "appt-1", by: str = NADIA) -> Request:
        """Staff say that a visit is the answer."""
        visit = self.visit(external_id)
        return self.accept_match("harbor", by, request.id, visit.provider_id, visit.id)

    def dismiss(self, request: Request, external_id: str = "appt-1", by: str = NADIA) -> Request:
        """Staff say that a visit is not the answer."""
        visit = self.visit(external_id)
        return self.dismiss_match("harbor", by, request.id, visit.provider_id, visit.id)

    def perhaps(self, request: Request, external_id: str = "appt-1", by: str = NADIA) -> TakenBack:
        """Staff take back that a visit is not the answer."""
        visit = self.visit(external_id)
        return self.undo_dismissal("harbor", by, request.id, visit.provider_id, visit.id)

    def undo(self, request: Request, by: str = NADIA) -> Request:
        """Staff untie a request from its visit."""
        return self.undo_link("harbor", by, request.id)

    def keep(self, request: Request, by: str = NADIA) -> Request:
        """Staff say that a suspended link holds."""
        return self.keep_link("harbor", by, request.id)

    def cancel_as_moved(self, request: Request) -> Request:
        """Staff cancel a request, because the visit is at another time."""
        return self.cancel_by_staff("harbor", NADIA, request.id, "moved", "")

    def told(self, request: Request) -> list[str]:
        """The kinds of the messages that its patient got, beside the one that it was received."""
        kinds = [tags["message"].partition("-")[2] for *_, tags in self.mailer.sent if tags["request"] == request.id]
        return [kind for kind in kinds if kind not in RECEIVED and not MessageKind(kind).to_staff]

    def last_mail(self) -> str:
        """The text of the last message."""
        return self.mailer.sent[-1][0].decode("utf-8", "replace")

    def timeline(self, request: Request) -> list[TimelineEntry]:
        """What happened to it."""
        return list(self.store.requests.timeline("harbor", request.id))

    def happened(self, request: Request) -> list[Happening]:
        """What happened to it, in words, after it was asked."""
        return [entry.what for entry in self.timeline(request)][1:]

    def answered_by(self, request: Request) -> str | None:
        """The visit that it is linked to, by the source's id; what both sides say of it has to be the same."""
        now = self.stored(request)
        ours = [one for one in self.store.appointments_by_key.values() if one.request_id == request.id]
        assert [one.id for one in ours] == ([now.link.appointment_id] if now.link else [])
        assert sorted(one.row.external_id for one in ours) == [one.row.external_id for one in ours]
        return ours[0].row.external_id if ours else None

    def places(self) -> list[object]:
        """What is wrong with the places that are held; nothing."""
        return [one for provider in self.practice.providers for one in self.check_occupancy("harbor", provider)]
