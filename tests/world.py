"""The whole product in memory: all use cases over fakes, the clock in the test's hand."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from msgspec.structs import replace
from oneway.contact_marks import ContactMarks
from oneway.domain.events import HealthEvent
from oneway.domain.feeds import FeedState
from oneway.domain.linking import free_to_go, released
from oneway.domain.messages import DueMessage
from oneway.domain.practices import Practice
from oneway.domain.requests import Request
from oneway.links import PrivateLinks
from oneway.mail.compose import MailComposer
from oneway.ports import Letter
from oneway.use_cases.accept_match import AcceptMatch
from oneway.use_cases.answer_held import AnswerHeld
from oneway.use_cases.answer_vanished import AnswerVanished
from oneway.use_cases.apply_schedule import ApplySchedule
from oneway.use_cases.await_pull import AwaitPull
from oneway.use_cases.cancel_request import CancelByPatient, CancelByStaff, CancelRequest
from oneway.use_cases.change_settings import ChangeSettings
from oneway.use_cases.check_occupancy import CheckOccupancy
from oneway.use_cases.close_call_task import CloseCallTask, UseAddressAgain
from oneway.use_cases.confirm_matches import ConfirmMatches
from oneway.use_cases.dismiss_match import DismissMatch
from oneway.use_cases.edit_calendar import EditCalendar
from oneway.use_cases.explain_request import ExplainRequest
from oneway.use_cases.explain_slot import ExplainSlot
from oneway.use_cases.explain_time import ExplainTime
from oneway.use_cases.follow_pull import FollowPull
from oneway.use_cases.judge_feed import JudgeFeed
from oneway.use_cases.keep_link import KeepLink
from oneway.use_cases.limit_pending import LimitPending
from oneway.use_cases.list_slots import ListSlots
from oneway.use_cases.list_visits import FindVisits, ListVisits
from oneway.use_cases.look_up_request import LookUpRequest
from oneway.use_cases.membership import Membership
from oneway.use_cases.preview_cancel import PreviewCancel
from oneway.use_cases.pull_asked import PullAsked
from oneway.use_cases.resolve_absence import ResolveAbsence
from oneway.use_cases.resolve_moves import ResolveMoves
from oneway.use_cases.revoke_link import RevokeLink
from oneway.use_cases.run_timers import RunTimers
from oneway.use_cases.schedule_age import ScheduleAge
from oneway.use_cases.send_messages import SendMessages
from oneway.use_cases.send_test_message import SendTestByStaff, SendTestMessage
from oneway.use_cases.show_calendar import ShowCalendar
from oneway.use_cases.show_integration import ShowIntegration
from oneway.use_cases.show_requests import ListToAct, ShowRequest, ShowVisit
from oneway.use_cases.show_settings import ShowSettings
from oneway.use_cases.staff_mail import StoppedStaffMail, UseStaffAddressAgain
from oneway.use_cases.submit_request import SubmitRequest, Submitted
from oneway.use_cases.suggest_matches import SuggestMatches
from oneway.use_cases.sync_feed import SyncFeed, SyncReport
from oneway.use_cases.tell_health import TellHealth
from oneway.use_cases.tell_staff_of_source import TellStaffOfSource
from oneway.use_cases.track_mail import TrackMail
from oneway.use_cases.undo_dismissal import UndoDismissal
from oneway.use_cases.undo_link import UndoLink
from oneway.use_cases.work_together import ClaimRequest, WriteNote

from tests.builders import KEY, NOW, a_feed, a_form, a_practice
from tests.fakes.outside import FakeMailer, FakeMessageQueue, FakeSource
from tests.fakes.store import FakeClock, FakeStore

SECRETS = [b"s" * 32]


@dataclass
class World:
    """`world.pull()` is a sync, `world.submit()` a patient, `world.deliver()` the way of the messages."""

    practice: Practice = field(default_factory=a_practice)
    store: FakeStore = field(default_factory=FakeStore)
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    source: FakeSource = field(default_factory=FakeSource)
    mailer: FakeMailer = field(default_factory=FakeMailer)
    queue: FakeMessageQueue = field(default_factory=FakeMessageQueue)
    turns: list[HealthEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        store, clock = self.store, self.clock
        store.practices.save(self.practice)
        for provider_id, calendar in self.practice.calendars.items():
            store.calendar.save(self.practice.slug, provider_id, replace(calendar, version=1))
        for provider in self.practice.providers.values():
            if provider.integrated:
                state = a_feed(provider.id, last_good_at=NOW - timedelta(minutes=1))
                store.feeds.save(FeedState(state.settings), state)
        self.links = PrivateLinks(lambda: SECRETS)
        self.age = ScheduleAge(store.feeds, clock)
        self.confirm_matches = ConfirmMatches(store.requests, store.appointments, store.calendar, store.ledger, clock)
        self.list_slots = ListSlots(store.practices, store.calendar, self.age, clock)
        self.explain_slot = ExplainSlot(store.practices, store.calendar, self.age, clock)
        self.limit = LimitPending(store.pending, store.requests, ContactMarks(lambda: SECRETS), clock)
        self.submit_request = SubmitRequest(
            store.practices,
            store.requests,
            self.explain_slot,
            self.limit,
            store.ledger,
            self.confirm_matches,
            self.links,
            clock,
        )
        self.look_up = LookUpRequest(store.practices, store.requests, self.links)
        self.cancel = CancelRequest(store.requests, store.calendar, store.ledger, clock)
        self.cancel_by_patient = CancelByPatient(self.look_up, self.cancel)
        membership = Membership(store.practices)
        self.edit_calendar = EditCalendar(membership, store.calendar, store.practice_events, clock)
        self.explain_time = ExplainTime(membership, self.explain_slot)
        self.show_calendar = ShowCalendar(
            membership,
            store.practices,
            store.calendar,
            store.requests,
            store.appointments,
            store.audit,
            self.age,
            clock,
        )
        self.check_occupancy = CheckOccupancy(
            store.practices, store.requests, store.appointments, store.calendar, store.ledger, clock
        )
        self.cancel_by_staff = CancelByStaff(membership, store.requests, self.cancel)
        self.list_to_act = ListToAct(
            membership, store.practices, store.requests, store.appointments, store.audit, self.age, clock
        )
        self.list_visits = ListVisits(
            membership, store.practices, store.requests, store.visits, store.audit, self.age, clock
        )
        self.find_visits = FindVisits(membership, store.practices, store.visits, store.audit, self.age, clock)
        self.show_visit = ShowVisit(membership, store.practices, store.appointments, store.audit, self.age, clock)
        self.claim_request = ClaimRequest(membership, store.requests, clock)
        self.write_note = WriteNote(membership, store.requests, clock)
        self.preview_cancel = PreviewCancel(lambda: self._letter)
        self.explain_request = ExplainRequest(store.requests, store.appointments, store.calendar, self.age)
        self.show_request = ShowRequest(
            membership,
            store.practices,
            store.requests,
            store.appointments,
            store.suppressions,
            store.audit,
            self.age,
            self.explain_request,
            clock,
        )
        self.apply_schedule = ApplySchedule(
            store.practices, store.appointments, store.requests, store.calendar, store.ledger, clock
        )
        self.resolve_moves = ResolveMoves(
            store.practices,
            store.requests,
            store.appointments,
            store.messages,
            store.ledger,
            AwaitPull(store.feeds),
            clock,
        )
        told = [self.turns.append, TellStaffOfSource(store.notices, clock)]
        self.suggest_matches = SuggestMatches(store.requests, store.appointments, store.messages, clock)
        self.sync_feed = SyncFeed(
            store.practices,
            store.feeds,
            self.source,
            self.apply_schedule,
            ResolveAbsence(store.practices, store.appointments, clock),
            self.confirm_matches,
            self.suggest_matches,
            FollowPull(self.resolve_moves, TellHealth(store.feeds, clock, told)),
            JudgeFeed(store.practices, clock),
            clock,
            spread=lambda low, high: high,
        )
        self.answer_vanished = AnswerVanished(
            membership, store.requests, store.appointments, store.calendar, store.ledger, clock
        )
        self.answer_held = AnswerHeld(store.feeds, store.practice_events, clock)
        self.show_integration = ShowIntegration(membership, store.practices, store.audit, self.age, clock)
        self.show_settings = ShowSettings(membership, store.practices, store.practice_events, self.age)
        self.stopped_staff_mail = StoppedStaffMail(store.suppressions)
        self.use_staff_address_again = UseStaffAddressAgain(membership, store.practices, store.suppressions, clock)
        self.change_settings = ChangeSettings(membership, store.practices, store.feeds, clock)
        self.pull_asked = PullAsked(self.sync_feed, store.feeds, clock)
        self.composer = MailComposer("https://book.example", "appointments@oneway.example", clock)
        self.send_messages = SendMessages(
            store.practices,
            store.requests,
            store.messages,
            store.notices,
            store.suppressions,
            self.mailer,
            self.composer,
            self.links,
            "appointments@oneway.example",
            self.age,
            clock,
        )
        decide = membership, store.requests, store.appointments
        self.accept_match = AcceptMatch(*decide, store.calendar, store.ledger, clock)
        self.dismiss_match = DismissMatch(*decide, store.ledger, clock)
        self.undo_dismissal = UndoDismissal(*decide, store.ledger, self.confirm_matches, clock)
        self.undo_link = UndoLink(
            *decide, store.calendar, store.ledger, self.confirm_matches, self.suggest_matches, clock
        )
        self.keep_link = KeepLink(*decide, store.ledger, clock)
        self.run_timers = RunTimers(
            store.practices,
            store.requests,
            store.visits,
            store.messages,
            store.notices,
            self.queue,
            self.cancel,
            self.confirm_matches,
            self.resolve_moves,
            AwaitPull(store.feeds),
            self.explain_request,
            clock,
        )
        self.track_mail = TrackMail(store.requests, store.messages, store.suppressions, store.ledger, clock)
        self.close_call_task = CloseCallTask(membership, store.requests, store.ledger, clock)
        self.use_address_again = UseAddressAgain(membership, store.requests, store.suppressions, store.ledger, clock)
        self.revoke_link = RevokeLink(store.requests, store.messages, clock)
        self.send_test = SendTestMessage(store.practices, store.notices, clock)
        self.send_test_by_staff = SendTestByStaff(membership, self.send_test)

    def _letter(self, due: DueMessage, practice: Practice, request: Request) -> Letter:
        rendered = self.composer.render(due, practice, request, "…")
        return Letter(rendered.subject, rendered.text)

    def submit(self, key: str = KEY, **changes: Any) -> Submitted:
        """A patient asks for a time."""
        return self.submit_request("harbor", key, a_form(**changes))

    def pull(self, provider: str = "osei", minutes: float = 1) -> SyncReport:
        """Time passes, and a sync runs."""
        self.clock.advance(minutes=minutes)
        return self.sync_feed("harbor", f"ehr~{provider}")

    def stored(self, request: Request) -> Request:
        """A request as it now is."""
        return self.store.requests.get(request.practice, request.id)

    def deliver(self) -> int:
        """Send all that is due; how many messages went out."""
        sent = 0
        while waiting := [
            r for r in list(self.store.requests_by_id.values()) if free_to_go(released(r, self.clock.now()))
        ]:
            sent += sum(self.send_messages(r.practice, r.id) for r in waiting)
        for notice in [one for one in list(self.store.notices_by_id.values()) if not one.sent_at]:
            sent += self.send_messages(notice.practice, notice.name)
        return sent
