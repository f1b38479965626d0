"""Whatever staff, patients and the schedule do, in whatever order: links are right, and each patient hears exactly what is news.

The model knows who each record is of and which of them are exact, so that it need not compare names; and it follows what each
patient believes, from which it says which message comes when. Who is linked to whom it reads from the product, and judges.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from msgspec.structs import replace
from oneway.domain.appointments import (
    WAITING,
    Appointment,
    AppointmentState,
    NameUse,
    PersonName,
    RecordPatient,
    ScheduleRow,
)
from oneway.domain.errors import InvalidInput, RequestAlreadyAnswered, SlotAlreadyTaken, SlotNotOffered
from oneway.domain.practices import Limits
from oneway.domain.requests import ActorKind, Happening, Request, RequestState
from oneway.faults import Unavailable

from tests.builders import START, a_practice, a_provider, a_record
from tests.desk import CANCELLED, CONFIRMED, CORRECTION, EXPIRED, NADIA, NOT_CONFIRMED, RESCHEDULED, Desk, at

PROVIDERS = ("osei", "brandt")
STARTS = [START, START + timedelta(minutes=30), START + timedelta(days=1), START + timedelta(days=6)]
TYPED: dict[str, dict[str, Any]] = {
    "maria": {},
    "marta": {"first_name": "Marta"},
    "jo": {
        "first_name": "Jo",
        "last_name": "Reed",
        "birth_date": "1950-01-01",
        "email": None,
        "mobile": "415 555 2672",
    },
}
"""Maria and Marta are twins with one telephone and one address; Jo has none."""
_JO = a_record(
    source_id="jo",
    names=(PersonName(("Jo", "Ann"), "Reed", "Jr"),),
    birth_date=date(1950, 1, 1),
    phones=("+14155552672",),
    emails=(),
)
_MARTA = a_record(source_id="marta", names=(PersonName(("Marta",), "Núñez"),))
_MARIA = a_record(source_id="maria")
_BARE = a_record(source_id="maria", names=(), birth_date=None, phones=(), emails=())
"""Maria's, as it is read while it cannot be looked up."""
_MARIA_WAS = replace(_MARIA, names=(*_MARIA.names, PersonName(("Maria",), "Reed", use=NameUse.OLD)))
RECORDS: dict[str, tuple[str | None, RecordPatient]] = {
    "maria": ("maria", _MARIA),
    "maria, by e-mail": ("maria", replace(_MARIA, phones=(), emails=("Maria@Example.org",))),
    "maria, of another record": ("maria", replace(_MARIA, source_id="maria-2")),
    "maria, mistyped": (None, replace(_MARIA, birth_date=date(1984, 12, 3))),
    "maria, without contacts": (None, replace(_MARIA, phones=(), emails=())),
    "maria, bare": (None, _BARE),
    "maria, with her former name": ("maria", _MARIA_WAS),
    "maria, with her former name first": ("maria", replace(_MARIA_WAS, names=_MARIA_WAS.names[::-1])),
    "marta": ("marta", _MARTA),
    "marta, nicknamed": (None, replace(_MARTA, names=(PersonName(("Mart",), "Núñez"),))),
    "jo": ("jo", _JO),
    "jo, married": (None, replace(_JO, names=(PersonName(("Jo",), "Reeves"),))),
}
"""What may stand in the schedule, and whom it agrees with exactly."""
LABELS = st.sampled_from(sorted(RECORDS))
VISITS = [f"visit-{number}" for number in range(4)]
UNDO, SETTLING, NEVER_READ = timedelta(seconds=60), timedelta(minutes=2), timedelta(hours=2)
MINUTE = timedelta(minutes=1)
CONFIRMING = {AppointmentState.BOOKED, AppointmentState.ARRIVED, AppointmentState.COMPLETED}
RECEIPTS = {"cancel": "cancelled_by_patient_receipt", "ask": "asked_to_cancel_receipt"}


def whom(record: RecordPatient | None) -> str | None:
    """Whom a record agrees with exactly."""
    return next((who for who, one in RECORDS.values() if one == record), None)


def same_record(one: RecordPatient | None, other: RecordPatient | None) -> bool:
    """Whether two records say the same, in whatever order they name the patient."""
    if one is None or other is None:
        return one is other
    return set(one.names) == set(other.names) and replace(one, names=()) == replace(other, names=())


@dataclass
class Plan:
    """A message that waits: until an instant, or for so many pulls that begin after one."""

    kind: str
    belief: tuple[str, datetime | None]
    due: datetime | None = None
    pulls: int = 0


@dataclass
class Step:
    """A visit of which another took the place: whose it was, and what the patient believed then."""

    visit: str
    provider: str
    source_id: str | None
    belief: tuple[str, datetime | None]


@dataclass
class View:
    """A patient's: what they believe, what waits to be said to them, and what was said."""

    who: str
    before: Request
    belief: tuple[str, datetime | None] = ("waits", None)
    plan: Plan | None = None
    told: list[str] = field(default_factory=list)
    awaited: tuple[int, datetime] | None = None
    warned: bool = False
    steps: list[Step] = field(default_factory=list)

    @property
    def has_email(self) -> bool:
        return self.who != "jo"

    def say(self, kind: str, belief: tuple[str, datetime | None], now: datetime, wait: timedelta | int) -> None:
        """Say it now, after some time, or after some pulls."""
        if wait == timedelta():
            self.hear(kind, belief)
        elif isinstance(wait, int):
            self.plan = Plan(kind, belief, pulls=wait)
        else:
            self.plan = Plan(kind, belief, due=now + wait)

    def hear(self, kind: str, belief: tuple[str, datetime | None]) -> None:
        """By mail, or else by a call."""
        if self.has_email:
            self.told.append(kind)
        self.belief = belief


@dataclass
class Seen:
    """A visit as a pull last showed it: since when its patient, time and provider are what they are."""

    row: ScheduleRow
    provider: str
    first_at: datetime
    changed_at: datetime


class Decisions(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        providers = [a_provider(one, split=9) for one in PROVIDERS]
        self.desk = Desk(a_practice(*providers, limits=Limits(99, 99)))
        self.views: dict[str, View] = {}
        self.dismissed: dict[tuple[str, str], RecordPatient | None] = {}
        self.seen: dict[str, Seen] = {}
        self.good_at: dict[str, datetime] = {}
        self.linked_as: dict[str, tuple[str, str | None]] = {}
        self.cause = ""
        self.read = PROVIDERS

    @initialize(
        asked=st.lists(
            st.tuples(st.sampled_from(sorted(TYPED)), st.sampled_from(STARTS), st.sampled_from(("osei", *PROVIDERS))),
            min_size=2,
            max_size=3,
        )
    )
    def some_have_asked(self, asked: list[tuple[str, datetime, str]]) -> None:
        """And others have visits, so that the source, read by id, can be seen to answer."""
        for provider in PROVIDERS:
            far = START + timedelta(days=30)
            self.desk.enter(f"stays-{provider}", patient=None, provider_external_id=f"prac-{provider}", **at(far))
        self.minute()
        for who, start, provider in asked:
            self.desk.clock.advance(seconds=1)
            self.ask(who, start, provider)

    @property
    def now(self) -> datetime:
        return self.desk.clock.at

    # What patients do.

    @rule(
        who=st.sampled_from(sorted(TYPED)),
        start=st.sampled_from(STARTS),
        provider=st.sampled_from(("osei", "osei", "brandt")),
    )
    def ask(self, who: str, start: datetime, provider: str = "osei") -> None:
        if len(self.views) > 4:
            return
        try:
            request = self.desk.ask(len(self.views), start=start.astimezone(UTC), provider=provider, **TYPED[who])
        except (SlotNotOffered, SlotAlreadyTaken, InvalidInput):
            assert start < self.now + timedelta(hours=2) or provider not in self.read
            return
        self.views[request.id] = View(who, request)
        self.after("ask")

    @rule(who=st.sampled_from(sorted(TYPED)), days=st.sampled_from(([1], [2, 7])))
    def ask_for_another_time(self, who: str, days: list[int]) -> None:
        if len(self.views) > 4:
            return
        first = START.date()
        try:
            request = self.desk.ask_for_another_time(
                *(first + timedelta(days=day) for day in days), number=len(self.views), **TYPED[who]
            )
        except InvalidInput:
            assert self.now.date() >= first
            return
        self.views[request.id] = View(who, request)
        self.after("ask")

    @rule(data=st.data(), how=st.sampled_from(("moved", "moved", "staff", "patient")))
    def cancel(self, data: st.DataObject, how: str) -> None:
        request = self.one(data)
        if request is None or (request.pending and how != "moved" and data.draw(st.integers(0, 3))):
            return
        acts = {
            "patient": lambda: self.desk.cancel_by_patient("harbor", self.desk.links.of(request)),
            "staff": lambda: self.desk.cancel_by_staff("harbor", NADIA, request.id, "other", "Sorry"),
            "moved": lambda: self.desk.cancel_as_moved(request),
        }
        self.tried(how, acts[how])

    # What staff do in their system.

    @rule(
        visit=st.sampled_from(VISITS),
        label=LABELS,
        start=st.sampled_from(STARTS),
        provider=st.sampled_from((*PROVIDERS, "osei")),
        state=st.sampled_from((AppointmentState.BOOKED,) * 4 + (AppointmentState.TENTATIVE, AppointmentState.ARRIVED)),
    )
    def enter(self, visit: str, label: str, start: datetime, provider: str, state: AppointmentState) -> None:
        if visit not in self.desk.source.rows:
            who = {"patient": RECORDS[label][1], "provider_external_id": f"prac-{provider}"}
            self.desk.enter(visit, state=state, raw_state=str(state), **who, **at(start))

    @precondition(lambda self: self.pending() and len(self.desk.source.rows) < len(VISITS) + len(PROVIDERS))
    @rule(data=st.data(), exactly=st.booleans(), start=st.sampled_from((None, None, *STARTS)))
    def answer(self, data: st.DataObject, exactly: bool, start: datetime | None) -> None:
        pending = {one.id: one for one in self.pending()}
        request = pending[data.draw(st.sampled_from(list(pending)))]
        visit = next(one for one in VISITS if one not in self.desk.source.rows)
        who = self.views[request.id].who
        label = who if exactly else next(one for one in RECORDS if one.startswith(f"{who},") and not RECORDS[one][0])
        self.desk.enter(visit, patient=RECORDS[label][1], **at(start or request.start or STARTS[-1]))
        self.minute()

    @rule(
        data=st.data(), state=st.sampled_from((*AppointmentState, AppointmentState.BOOKED, AppointmentState.CANCELLED))
    )
    def change_state(self, data: st.DataObject, state: AppointmentState) -> None:
        if visit := self.entered(data):
            self.desk.change(visit, state=state, raw_state=str(state))

    @rule(data=st.data(), start=st.sampled_from(STARTS), minutes=st.sampled_from((0, 0, 15)))
    def move(self, data: st.DataObject, start: datetime, minutes: int) -> None:
        if visit := self.entered(data):
            self.desk.change(visit, **at(start + timedelta(minutes=minutes)))

    @rule(data=st.data(), label=LABELS)
    def change_patient(self, data: st.DataObject, label: str) -> None:
        if visit := self.entered(data):
            self.desk.change(visit, patient=RECORDS[label][1])

    @rule(data=st.data(), provider=st.sampled_from(PROVIDERS))
    def change_provider(self, data: st.DataObject, provider: str) -> None:
        if visit := self.entered(data):
            self.desk.change(visit, provider_external_id=f"prac-{provider}")

    @rule(
        data=st.data(),
        start=st.sampled_from(STARTS),
        points=st.sampled_from(("", "", "new", "old")),
        gone=st.booleans(),
        provider=st.sampled_from(("", *PROVIDERS)),
    )
    def cancel_and_enter_anew(
        self, data: st.DataObject, start: datetime, points: str, gone: bool, provider: str
    ) -> None:
        """One of the two may say that it is the other's; the new one may be in a feed that is read later."""
        rows = self.desk.source.rows
        old, new = self.entered(data), next((one for one in VISITS if one not in rows), None)
        if old and new:
            pointer = {"replaces": old} if points == "new" else {}
            if provider and points:
                pointer["provider_external_id"] = f"prac-{provider}"
            self.desk.source.enter(replace(rows[old], external_id=new, **at(start), **pointer))  # type: ignore[arg-type]
            if gone:
                self.desk.source.delete(old)
            else:
                self.desk.call_off(old, **({"replaced_by": new} if points == "old" else {}))

    @precondition(lambda self: any(one.link and not one.may_be_anew for one in self.requests()))
    @rule(
        data=st.data(),
        start=st.sampled_from(STARTS),
        gone=st.booleans(),
        points=st.booleans(),
        waits=st.integers(0, 2),
        minutes=st.integers(1, 3),
        then=st.sampled_from((1, 59, 61, 180)),
        undone=st.booleans(),
    )
    def enter_anew_with_another(
        self,
        data: st.DataObject,
        start: datetime,
        gone: bool,
        points: bool,
        waits: int,
        minutes: int,
        then: int,
        undone: bool,
    ) -> None:
        """The new one may be in a feed that is read later. Staff say that it is the visit, unless that is known, and perhaps take
        it back.
        """
        rows = self.desk.source.rows
        linked = {one.id: one for one in self.requests() if one.link and not one.may_be_anew}
        request = linked[data.draw(st.sampled_from(sorted(linked)))]
        old, new = self.desk.answered_by(request), next((one for one in VISITS if one not in rows), None)
        if old not in rows or new is None:
            return
        other = next(one for one in PROVIDERS if f"prac-{one}" != rows[old].provider_external_id)
        booked = {"state": AppointmentState.BOOKED, "raw_state": "booked", "provider_external_id": f"prac-{other}"}
        self.desk.source.enter(replace(rows[old], external_id=new, **booked, **at(start)))  # type: ignore[arg-type]
        if gone:
            self.desk.source.read_by_id = False
            self.desk.source.delete(old)
        else:
            self.desk.call_off(old, **({"replaced_by": new} if points else {}))
        for _ in range(waits):
            self.pull_one(next(one for one in PROVIDERS if one != other))
        for _ in range(minutes):
            self.minute()
        if new in self.seen and self.accept(request, new):
            self.time_passes(then)
            if undone and self.desk.stored(request).link:
                self.untie(self.desk.stored(request))

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        if visit := self.entered(data):
            self.desk.source.delete(visit)

    @rule(visit=st.sampled_from(VISITS), by_id=st.booleans())
    def hide_or_show(self, visit: str, by_id: bool) -> None:
        self.desk.source.hidden ^= {visit}
        self.desk.source.read_by_id = by_id

    # What an operator does.

    @precondition(lambda self: "brandt" in self.read and self.seen)
    @rule(seldom=st.integers(0, 1), leaves=st.booleans())
    def brandt_is_read_no_more(self, seldom: int, leaves: bool) -> None:
        """No patient is told of it, and no visit of theirs confirms anything by itself any more."""
        if not seldom:
            self.read = ("osei",)
            self.desk.reads_no_more("brandt", leaves=leaves)
            self.after("operator")

    # What staff do here.

    @precondition(lambda self: self.seen)
    @rule(data=st.data(), dismisses=st.booleans(), then=st.sampled_from((1, 59, 61)))
    def decide(self, data: st.DataObject, dismisses: bool, then: int) -> None:
        visit = data.draw(st.sampled_from(sorted(self.seen)))
        request = self.one(data)
        if request is None:
            return
        if not dismisses:
            self.accept(request, visit)
            self.time_passes(then)
        elif self.tried("dismiss", lambda: self.desk.dismiss(request, visit)):
            self.dismissed[request.id, visit] = self.copies(visit)[0].row.patient

    def accept(self, request: Request, visit: str) -> bool:
        """Whether staff can say that a visit is a request's."""
        copies = self.copies(visit)
        found = copies[0]
        free = not any(copy.request_id for copy in copies) and found.state in CONFIRMING and not found.missing_since
        mine = any(copy.request_id == request.id for copy in copies)
        possible = mine or (free and found.row.patient is not None and self.has_no_visit(self.desk.stored(request)))
        assert self.tried("accept", lambda: self.desk.accept(request, visit)) == possible
        return possible

    def has_no_visit(self, request: Request) -> bool:
        """Whether none answers it, or none any more."""
        link = request.link
        if link is None:
            return True
        return not request.suspended_at and bool(link.state is AppointmentState.CANCELLED or request.vanished_at)

    @precondition(lambda self: self.dismissed)
    @rule(data=st.data())
    def take_dismissal_back(self, data: st.DataObject) -> None:
        request_id, visit = data.draw(st.sampled_from(sorted(self.dismissed)))
        request = self.desk.store.requests.get("harbor", request_id)
        del self.dismissed[request_id, visit]
        assert self.tried("perhaps", lambda: self.desk.perhaps(request, visit))

    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        request = self.one(data)
        if request and request.link:
            self.untie(request)

    @precondition(lambda self: any(view.plan and view.plan.due for view in self.views.values()))
    @rule(data=st.data())
    def undo_as_its_message_goes_out(self, data: st.DataObject) -> None:
        """Staff click while the sender lets go what was held: it read first, and writes second."""
        due = {name: view.plan.due for name, view in self.views.items() if view.plan and view.plan.due}
        request = self.desk.store.requests.get("harbor", data.draw(st.sampled_from(sorted(due))))
        self.desk.clock.at = max(self.now, due[request.id])

        def goes_out() -> None:
            self.desk.deliver()
            self.deliver()

        self.desk.store.before_commit = goes_out
        self.untie(request)

    def untie(self, request: Request) -> None:
        linked = self.desk.answered_by(request)
        assert linked
        self.dismissed[request.id, linked] = self.linked_to(request).row.patient
        assert self.tried("undo", lambda: self.desk.undo(request))

    @rule(data=st.data())
    def keep(self, data: st.DataObject) -> None:
        if request := self.one(data):
            assert self.tried("keep", lambda: self.desk.keep(request)) == bool(request.suspended_at)

    @rule(data=st.data(), is_cancelled=st.booleans())
    def answer_vanished(self, data: st.DataObject, is_cancelled: bool) -> None:
        if request := self.one(data):
            answer = self.desk.answer_vanished
            self.tried("vanished", lambda: answer("harbor", NADIA, request.id, is_cancelled=is_cancelled))

    # What time does.

    @rule(fails=st.sampled_from((False, False, False, True)))
    def minute(self, fails: bool = False) -> None:
        self.desk.clock.advance(minutes=1)
        self.desk.source.fault = Unavailable("503") if fails else None
        for provider in self.read:
            self.pull(provider)
        self.after("timers", run=True)

    @rule(provider=st.sampled_from(PROVIDERS))
    def pull_one(self, provider: str) -> None:
        self.desk.clock.advance(seconds=20)
        self.desk.source.fault = None
        if provider in self.read:
            self.pull(provider)
        self.after("timers", run=True)

    @rule(minutes=st.integers(2, 6))
    def some_minutes(self, minutes: int) -> None:
        for _ in range(minutes):
            self.minute()

    @rule(passed=st.sampled_from((1, 29, 59, 61, 119, 121, 3_600, 3 * 3_600, 20 * 3_600)))
    def time_passes(self, passed: int) -> None:
        self.desk.clock.advance(seconds=passed)
        self.after("timers", run=True)

    # How it is checked.

    def entered(self, data: st.DataObject) -> str | None:
        """One of the visits that staff have entered."""
        rows = [one for one in VISITS if one in self.desk.source.rows]
        return data.draw(st.sampled_from(rows)) if rows else None

    def pending(self) -> list[Request]:
        return [one for one in self.requests() if one.pending]

    def requests(self) -> list[Request]:
        return [self.desk.store.requests.get("harbor", identifier) for identifier in self.views]

    def one(self, data: st.DataObject) -> Request | None:
        found = {one.id: one for one in self.requests()}
        return found[data.draw(st.sampled_from(list(found)))] if found else None

    def tried(self, cause: str, act: Any) -> bool:
        """Whether it could be done; then all that follows at once."""
        stored = self.requests()
        try:
            act()
        except RequestAlreadyAnswered:
            assert self.requests() == stored
            return False
        self.after(cause)
        return True

    def pull(self, provider: str) -> None:
        """What the pull before it brought is on its way by then."""
        self.desk.deliver()
        self.deliver()
        began = self.now
        report = self.desk.sync_feed("harbor", f"ehr~{provider}")
        if report.outcome not in ("changed", "unchanged"):
            return
        self.good_at[provider] = began
        for one in self.desk.store.appointments_by_key.values():
            if one.row.external_id in VISITS:
                self.notice(one.row, one.provider_id)
        self.compare("pull")

    def notice(self, row: ScheduleRow, provider: str) -> None:
        known = self.seen.get(row.external_id)
        same = known and (known.provider, known.row.start, known.row.end, known.row.patient) == (
            provider,
            row.start,
            row.end,
            row.patient,
        )
        first_at = known.first_at if known else self.now
        changed_at = known.changed_at if known and same else self.now
        self.seen[row.external_id] = Seen(row, provider, first_at, changed_at)

    def after(self, cause: str, *, run: bool = False) -> None:
        """What follows: the minute's timers, the mail, and all that has to hold."""
        self.compare(cause)
        self.desk.run_timers()
        self.compare("timers")
        self.warn()
        self.count_pulls()
        self.desk.deliver()
        self.deliver()
        self.check()

    def warn(self) -> None:
        """Who waits for an answer hears once, before the time that was asked for, that nobody has confirmed it."""
        for view in self.views.values():
            start, asked = view.before.start, view.before.created_at
            if not view.before.pending or start is None or start <= self.now or view.warned:
                continue
            early, late = start - timedelta(hours=24), start - timedelta(hours=2)
            at = early if asked < early else late if asked < late else None
            if at and at <= self.now:
                view.warned = True
                view.say(NOT_CONFIRMED, view.belief, self.now, timedelta())

    def compare(self, cause: str) -> None:
        """What each patient is to be told of what has changed."""
        for view in self.views.values():
            before, request = view.before, self.desk.stored(view.before)
            view.before = request
            if (
                before.state is not request.state
                or before.link != request.link
                or bool(before.suspended_at) != bool(request.suspended_at)
                or bool(before.vanished_at) != bool(request.vanished_at)
            ):
                self.judge(view, before, request, cause)
            if request.asked_to_cancel_at and not before.asked_to_cancel_at and view.has_email:
                view.told.append(RECEIPTS["ask"])

    def judge(self, view: View, before: Request, request: Request, cause: str) -> None:
        link, now = request.link, self.now
        if cause == "undo" and before.link:
            back = self.visit_before(view, request)
            given = self.desk.timeline(request)[-1].detail == "given_back"
            assert given == (back is not None), (view.steps, self.desk.happened(request))
            if back:
                self.given_back(view, request, back)
                return
        if cause == "undo" and link and before.link and link.appointment_id != before.link.appointment_id:
            between = replace(request, state=before.link.before, link=None)
            self.unlinked(view, before, between, cause)  # and another visit was the answer at once
            before = between
        if link is None:
            self.unlinked(view, before, request, cause)
        elif before.link is None or before.link.appointment_id != link.appointment_id:
            if cause in ("pull", "timers", "undo", "perhaps"):
                self.is_right(view, before, request)
            if before.link is None:
                view.plan, view.awaited, view.steps = None, None, []
                wait = UNDO if cause == "accept" else timedelta()
                self.news(view, request, now, wait)
            else:
                view.steps.append(self.step_from(before, view.belief))
                self.follow(view, request, now, cause)
        elif request.suspended_at and not before.suspended_at:
            view.plan, view.awaited = None, None
        elif before.suspended_at and not request.suspended_at:
            if not request.vanished_at:
                self.follow(view, request, now, cause)
        else:
            cancelled, was = (one.state is AppointmentState.CANCELLED for one in (link, before.link))
            if cancelled is not was or (link.start != before.link.start and not cancelled):
                self.follow(view, request, now, cause)
            elif before.vanished_at and not request.vanished_at and view.plan is None:
                self.news(view, request, now, timedelta())  # if the patient was told otherwise meanwhile

    def step_from(self, before: Request, belief: tuple[str, datetime | None]) -> Step:
        """A step away from the visit that a request was linked to."""
        assert before.link
        visit, provider = before.link.appointment_id, before.link.provider_id
        kept = [one for one in self.desk.store.appointments_by_key.values() if one.id == visit]
        # It may be on its way to another provider, or be one anew that has its id.
        patient = max(kept, key=lambda one: one.provider_id == provider).row.patient
        return Step(visit, provider, patient.source_id if patient else None, belief)

    def visit_before(self, view: View, request: Request) -> Step | None:
        """The visit that an undo gives back: of which another took the place, if it is there, free, and hers."""
        step = view.steps[-1] if view.steps else None
        stored = self.desk.store.appointments_by_key.values()
        kept = [one for one in stored if step and one.id == step.visit]
        if step is None or not kept or any(one.request_id not in (None, request.id) for one in kept):
            return None
        shown = min(kept, key=lambda one: (one.missing_since is not None, one.provider_id != step.provider))
        is_hers = shown.row.patient is not None and shown.row.patient.source_id == step.source_id
        return step if is_hers else None

    def given_back(self, view: View, request: Request, step: Step) -> None:
        """A link is undone, and the visit before it is the answer again."""
        link, now = request.link, self.now
        assert link
        assert link.appointment_id == step.visit
        view.steps.pop()
        view.plan, view.awaited = None, None
        cancelled = link.state is AppointmentState.CANCELLED
        stands = link.start > now and not cancelled and not request.vanished_at
        belief, start = view.belief
        if view.belief != step.belief and belief == "expects" and start and start > now and not stands:
            view.say(CORRECTION, ("cancelled", None), now, timedelta())
        if not request.vanished_at:
            self.follow(view, request, now, "undo")

    def unlinked(self, view: View, before: Request, request: Request, cause: str) -> None:
        moving = bool(before.link) and view.belief[0] == "waits" and request.state is RequestState.CANCELLED
        view.plan, view.awaited, view.steps = None, None, []
        link = before.link
        # Of one that was to take a cancelled one's place, and was not told, there is nothing to correct.
        told = link and (view.belief[0] == "expects" or (link.state is AppointmentState.CANCELLED and bool(link.told)))
        if before.link and told and view.belief[0] in ("expects", "cancelled"):
            expected = view.belief[1] or before.link.start
            if expected > self.now:
                view.say(CORRECTION, ("waits", None), self.now, timedelta())
                view.warned = view.warned or request.pending  # it says so, too
        view.belief = ("waits", None) if request.pending else ("ended", None)
        if request.state is RequestState.CANCELLED and (moving or cause == "moved"):
            view.belief = ("waits", None)
            view.awaited = (2, self.now)
            view.say(CANCELLED, ("ended", None), self.now, 2)
        elif not before.link and request.state is RequestState.CANCELLED:
            if request.cancelled_by is ActorKind.PATIENT:
                view.say(RECEIPTS["cancel"], ("ended", None), self.now, timedelta())
            else:
                view.say(CANCELLED, ("ended", None), self.now, timedelta())
        if request.state is RequestState.EXPIRED and not before.link:
            assert before.expires_at <= self.now
            of_a_visit = [kind for kind in view.told if kind in (CONFIRMED, RESCHEDULED, CANCELLED, CORRECTION)]
            if not of_a_visit or of_a_visit[-1] in (CANCELLED, CORRECTION):
                view.say(EXPIRED, ("ended", None), self.now, timedelta())

    def follow(self, view: View, request: Request, now: datetime, cause: str) -> None:
        """A linked visit is at another time, cancelled, or not cancelled any more."""
        link = request.link
        assert link
        view.plan, view.awaited = None, None
        if link.state is AppointmentState.CANCELLED:
            if cause == "vanished":
                self.news(view, request, now, timedelta())
            elif link.start > now:
                view.awaited = (1, now)
                self.news(view, request, now, 1)
        elif cause == "accept":
            self.news(view, request, now, UNDO)
        else:
            self.news(view, request, now, timedelta() if view.belief[0] == "cancelled" else SETTLING)

    def news(self, view: View, request: Request, now: datetime, wait: timedelta | int) -> None:
        """Say how the visit stands, if the patient believes anything else, and it is still to come."""
        link = request.link
        assert link
        belief, start = view.belief
        if link.start <= now or belief == "ended":
            return
        if link.state is AppointmentState.CANCELLED:
            if belief != "cancelled":
                view.say(CANCELLED, ("cancelled", None), now, wait)
            return
        if belief == "cancelled":
            if link.state is AppointmentState.BOOKED:
                view.say(CONFIRMED, ("expects", link.start), now, wait)
            return
        known = start if belief == "expects" else request.slot and request.slot.start
        if belief == "waits" and known in (None, link.start):
            view.say(CONFIRMED, ("expects", link.start), now, wait)
        elif known != link.start:
            view.say(RESCHEDULED, ("expects", link.start), now, wait)

    def count_pulls(self) -> None:
        """Good pulls that were waited for; the last one lets the message go."""
        for view in self.views.values():
            if view.awaited is None:
                continue
            left, since = view.awaited
            link = view.before.link
            good_at = self.good_at.get(link.provider_id if link else view.before.provider_id)
            if good_at and good_at > since and not self.is_successor_unread(view.before, since):
                view.awaited = (left - 1, good_at)
            elif self.now - since >= NEVER_READ:
                view.awaited = (0, self.now)
            if view.awaited[0]:
                continue
            view.awaited = None
            if link is None:
                view.belief = ("ended", None)
            if view.plan and (view.before.start or view.before.expires_at) > self.now:
                view.hear(view.plan.kind, view.plan.belief)
            view.plan = None

    def is_successor_unread(self, request: Request, since: datetime) -> bool:
        """Whether a cancelled visit names one that was not seen yet, and may be in a feed that was not read since."""
        stored = self.desk.store.appointments_by_key.values()
        names = {one.row.replaced_by for one in stored if one.request_id == request.id} - {None}
        unseen = names - {one.row.external_id for one in stored}
        return bool(unseen) and any(self.good_at.get(one, since) <= since for one in self.read)

    def deliver(self) -> None:
        """What has waited long enough."""
        for view in self.views.values():
            plan = view.plan
            if plan and plan.due and plan.due <= self.now:
                view.plan = None
                if view.before.start and view.before.start > self.now:
                    view.hear(plan.kind, plan.belief)

    def is_right(self, view: View, before: Request, request: Request) -> None:
        """A link that nobody clicked: by all that product section 2 or 3 asks for."""
        external_id = self.desk.answered_by(request)
        assert external_id
        visit = self.linked_to(request)
        seen = self.seen.get(external_id) or Seen(visit.row, visit.provider_id, self.now, self.now)
        entry = self.desk.timeline(request)[-1].what
        if before.link:
            stored = self.desk.store.appointments_by_key.values()
            kept = [one for one in stored if one.id == before.link.appointment_id]
            whose = before.link.provider_id  # it may be on its way to another
            old = max(kept, key=lambda one: one.provider_id == whose).row
            same = old.patient and visit.row.patient and old.patient.source_id == visit.row.patient.source_id
            pointed = visit.row.replaces == old.external_id or old.replaced_by == visit.row.external_id
            assert entry in (Happening.RESCHEDULED, Happening.CONFIRMED)
            if entry is Happening.RESCHEDULED:
                assert pointed or (same and visit.provider_id == before.link.provider_id)
                assert pointed or not self.is_replaced(old)
                assert pointed or self.was_read_since(before, before.link.provider_id)
            return
        assert whom(visit.row.patient) == view.who
        assert visit.state in CONFIRMING
        assert seen.changed_at > request.created_at
        assert not self.is_dismissed(request, visit)
        if entry is Happening.RESCHEDULED:
            assert before.moving
            assert self.was_read_since(before, before.provider_id) or self.has_waited(before)
            assert abs(visit.start - before.listed_at) <= timedelta(days=30)
        else:
            assert request.slot
            assert visit.start == request.slot.start
            assert (entry is Happening.CONFIRMED) == before.pending

    def is_replaced(self, old: ScheduleRow) -> bool:
        """Whether it is said which visit takes the place of a cancelled one: then no other does."""
        stored = self.desk.store.appointments_by_key.values()
        return old.replaced_by is not None or any(one.row.replaces == old.external_id for one in stored)

    def was_read_since(self, cancelled: Request, provider: str) -> bool:
        """Whether a good pull began after a cancellation: only then is the one visit that is known the only one."""
        good_at = self.good_at.get(provider)
        return bool(cancelled.awaited and good_at and good_at > cancelled.awaited.since)

    def has_waited(self, cancelled: Request) -> bool:
        return bool(cancelled.awaited and self.now - cancelled.awaited.since >= NEVER_READ)

    def copies(self, external_id: str) -> list[Appointment]:
        """A visit, as it is kept of each provider who has, or had, it."""
        return [one for one in self.desk.store.appointments_by_key.values() if one.row.external_id == external_id]

    def linked_to(self, request: Request) -> Appointment:
        """The visit that points back to a request."""
        return next(one for one in self.desk.store.appointments_by_key.values() if one.request_id == request.id)

    def is_dismissed(self, request: Request, visit: Appointment) -> bool:
        key = request.id, visit.row.external_id
        if key not in self.dismissed:
            return False
        then, now = self.dismissed[key], visit.row.patient
        unread = _BARE in (then, now) and then and now and then.source_id == now.source_id
        return bool(unread) or same_record(then, now)

    def check(self) -> None:
        desk = self.desk
        assert desk.places() == []
        requests = self.requests()
        assert len(desk.store.requests_by_id) == len(self.views)
        linked = [one for request in requests if (one := desk.answered_by(request))]
        assert len(set(linked)) == len(linked)
        owners = {one.request_id for one in desk.store.appointments_by_key.values() if one.request_id}
        assert owners == {request.id for request in requests if request.link}
        for request in requests:
            assert request.state in RequestState
            assert (request.state is RequestState.LINKED) == (request.link is not None)
            assert request.link is None or request.link.state not in WAITING
            assert [entry.number for entry in desk.timeline(request)] == list(range(1, request.version + 1))
            view = self.views[request.id]
            assert desk.told(request) == view.told, (view.who, view.belief, desk.happened(request))
            assert bool(request.awaited) == bool(view.awaited)
            self.is_still_hers(request)
        names = [(tags["request"], tags["message"]) for *_, tags in desk.mailer.sent]
        assert len(set(names)) == len(names)
        for _, _, recipients, tags in desk.mailer.sent:
            to_staff = tags["message"].endswith("_staff")
            if to_staff:  # also of no request: the source is broken, or well again
                assert recipients == desk.practice.recipients
            else:
                assert recipients == (desk.stored(self.views[tags["request"]].before).patient.email,)
        self.nothing_exact_is_left()
        self.nobody_waits_for_a_pull_that_never_comes()

    def nobody_waits_for_a_pull_that_never_comes(self) -> None:
        """Where nothing reads the provider any more a request ends at its time, unless staff are asked first."""
        for request in self.pending():
            is_over = request.expires_at <= self.now and (request.look_at is None or request.look_at <= self.now)
            if is_over and request.provider_id not in self.read:
                assert self.desk.explain_request(self.desk.practice, request).suggestions

    def is_still_hers(self, request: Request) -> None:
        """A link holds while the visit's patient is who it was when it was made, or kept by staff; else it is suspended."""
        if request.link is None or request.suspended_at:
            self.linked_as.pop(request.id, None)
            return
        patient = self.linked_to(request).row.patient
        assert patient
        now = request.link.appointment_id, patient.source_id
        visit, whose = self.linked_as.setdefault(request.id, now)
        if visit != now[0]:
            self.linked_as[request.id] = now
            return
        assert whose == now[1]

    def nothing_exact_is_left(self) -> None:
        """No request waits beside a visit that confirms it by itself."""
        for request in self.pending():
            for external_id, seen in self.seen.items():
                if len(copies := self.copies(external_id)) > 1:
                    continue  # it is on its way from one provider to the other
                (visit,) = copies
                if visit.provider_id not in self.read:
                    continue
                free = visit.request_id is None and visit.missing_since is None and visit.state in CONFIRMING
                exact = whom(visit.row.patient) == self.views[request.id].who
                late = seen.changed_at <= request.created_at
                if free and exact and not late and request.slot and visit.start == request.slot.start:
                    assert self.is_dismissed(request, visit)


def test_who_asked_for_a_provider_who_left_is_confirmed_with_another() -> None:
    machine = Decisions()
    machine.some_have_asked([("maria", START, "brandt"), ("marta", START, "osei")])
    machine.read = ("osei",)
    machine.desk.reads_no_more("brandt", leaves=True)
    machine.after("operator")
    machine.enter("visit-0", "maria", START, "osei", AppointmentState.BOOKED)
    machine.minute()
    assert [machine.desk.answered_by(one) for one in machine.requests()] == ["visit-0", None]


TestDecisions = Decisions.TestCase
TestDecisions.settings = settings(
    max_examples=80, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
