"""The only place where adapters meet use cases: one builder per function, importing just what that function needs."""

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from . import settings as settings_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from .domain.mail_events import MailEvent
    from .domain.messages import DueMessage, Why
    from .domain.practices import Practice
    from .domain.requests import Request
    from .ports import (
        CalendarRepository,
        Clock,
        FeedRepository,
        LetterWriter,
        MailAside,
        MessageQueue,
        PhotoRepository,
        PracticeRepository,
        PublicHolidays,
        RequestRepository,
        SessionRepository,
        SourceFactory,
        SuppressionRepository,
        SyncQueue,
    )
    from .settings import Settings
    from .use_cases.accept_match import AcceptMatch
    from .use_cases.answer_held import AnswerHeld, AnswerHeldByStaff
    from .use_cases.answer_vanished import AnswerVanished
    from .use_cases.apply_practice import ApplyPractice
    from .use_cases.ask_sync import AskSync
    from .use_cases.cancel_request import CancelByPatient, CancelByStaff
    from .use_cases.change_settings import ChangeSettings
    from .use_cases.check_occupancy import CheckOccupancy
    from .use_cases.close_call_task import CloseCallTask, UseAddressAgain
    from .use_cases.confirm_matches import ConfirmMatches
    from .use_cases.dismiss_match import DismissMatch
    from .use_cases.edit_calendar import EditCalendar
    from .use_cases.explain_request import ExplainRequest
    from .use_cases.explain_slot import ExplainSlot
    from .use_cases.explain_time import ExplainTime
    from .use_cases.keep_link import KeepLink
    from .use_cases.list_slots import ListSlots
    from .use_cases.list_visits import FindVisits, ListVisits
    from .use_cases.look_up_request import LookUpRequest
    from .use_cases.membership import Membership
    from .use_cases.plan_syncs import PlanSyncs
    from .use_cases.preview_cancel import PreviewCancel
    from .use_cases.pull_asked import PullAsked
    from .use_cases.resolve_moves import ResolveMoves
    from .use_cases.revoke_link import RevokeLink
    from .use_cases.run_timers import RunTimers
    from .use_cases.schedule_age import ScheduleAge
    from .use_cases.send_messages import SendMessages
    from .use_cases.send_test_message import SendTestByStaff, SendTestMessage
    from .use_cases.show_calendar import ShowCalendar
    from .use_cases.show_integration import ShowIntegration
    from .use_cases.show_requests import ListToAct, ShowRequest, ShowVisit
    from .use_cases.show_settings import ShowSettings
    from .use_cases.staff_mail import StoppedStaffMail, UseStaffAddressAgain
    from .use_cases.submit_request import SubmitRequest
    from .use_cases.suggest_matches import SuggestMatches
    from .use_cases.track_mail import TrackMail
    from .use_cases.try_pull import TryPull
    from .use_cases.undo_dismissal import UndoDismissal
    from .use_cases.undo_link import UndoLink
    from .use_cases.work_together import ClaimRequest, WriteNote
    from .web.form_tokens import FormTokens


class Booking(Struct, frozen=True):
    """What patients can do."""

    settings: "Settings"
    clock: "Clock"
    practices: "PracticeRepository"
    list_slots: "ListSlots"
    submit_request: "SubmitRequest"
    look_up_request: "LookUpRequest"
    cancel_by_patient: "CancelByPatient"
    form_tokens: "FormTokens"
    photos: "PhotoRepository"


class Portal(Struct, frozen=True):
    """What staff can do."""

    settings: "Settings"
    clock: "Clock"
    practices: "PracticeRepository"
    membership: "Membership"
    list_to_act: "ListToAct"
    list_visits: "ListVisits"
    find_visits: "FindVisits"
    show_request: "ShowRequest"
    show_visit: "ShowVisit"
    claim_request: "ClaimRequest"
    write_note: "WriteNote"
    preview_cancel: "PreviewCancel"
    cancel_by_staff: "CancelByStaff"
    answer_vanished: "AnswerVanished"
    accept_match: "AcceptMatch"
    dismiss_match: "DismissMatch"
    undo_dismissal: "UndoDismissal"
    undo_link: "UndoLink"
    keep_link: "KeepLink"
    ask_sync: "AskSync"
    close_call_task: "CloseCallTask"
    use_address_again: "UseAddressAgain"
    send_test_by_staff: "SendTestByStaff"
    show_calendar: "ShowCalendar"
    edit_calendar: "EditCalendar"
    explain_time: "ExplainTime"
    show_integration: "ShowIntegration"
    answer_held: "AnswerHeldByStaff"
    show_settings: "ShowSettings"
    change_settings: "ChangeSettings"
    stopped_staff_mail: "StoppedStaffMail"
    use_staff_address_again: "UseStaffAddressAgain"
    sessions: "SessionRepository"


class Operators(Struct, frozen=True):
    """What the command line does, besides `sync_schedule`."""

    clock: "Clock"
    practices: "PracticeRepository"
    feeds: "FeedRepository"
    requests: "RequestRepository"
    calendar: "CalendarRepository"
    apply_practice: "ApplyPractice"
    explain_slot: "ExplainSlot"
    check_occupancy: "CheckOccupancy"
    answer_held: "AnswerHeld"
    age: "ScheduleAge"
    explain_request: "ExplainRequest"
    send_test: "SendTestMessage"
    revoke_link: "RevokeLink"
    suppressions: "SuppressionRepository"
    photos: "PhotoRepository"


def booking() -> Booking:
    """For the booking function; neither sources nor mail are loaded."""
    from .clock import SystemClock
    from .contact_marks import ContactMarks
    from .links import PrivateLinks
    from .secrets import link_secrets
    from .store.calendar import DynamoCalendarRepository
    from .store.feeds import DynamoFeedRepository
    from .store.ledger import DynamoLedger
    from .store.pending import DynamoPendingRepository
    from .store.photos import DynamoPhotoRepository
    from .store.practices import DynamoPracticeRepository
    from .store.requests import DynamoRequestRepository
    from .use_cases.cancel_request import CancelByPatient, CancelRequest
    from .use_cases.explain_slot import ExplainSlot
    from .use_cases.limit_pending import LimitPending
    from .use_cases.list_slots import ListSlots
    from .use_cases.look_up_request import LookUpRequest
    from .use_cases.schedule_age import ScheduleAge
    from .use_cases.submit_request import SubmitRequest
    from .web.form_tokens import FormTokens

    settings, clock = _settings(), SystemClock()
    practices, requests = DynamoPracticeRepository(clock), DynamoRequestRepository()
    calendar, ledger = DynamoCalendarRepository(), DynamoLedger()
    age = ScheduleAge(DynamoFeedRepository(), clock)
    secrets = link_secrets(settings.link_secrets_parameter)
    links = PrivateLinks(secrets)
    limit = LimitPending(DynamoPendingRepository(), requests, ContactMarks(secrets), clock)
    explain = ExplainSlot(practices, calendar, age, clock)
    look_up = LookUpRequest(practices, requests, links)
    submit = SubmitRequest(practices, requests, explain, limit, ledger, _confirm_matches(clock), links, clock)
    cancel = CancelByPatient(look_up, CancelRequest(requests, calendar, ledger, clock))
    return Booking(
        settings,
        clock,
        practices,
        ListSlots(practices, calendar, age, clock),
        submit,
        look_up,
        cancel,
        FormTokens(secrets),
        DynamoPhotoRepository(),
    )


def portal() -> Portal:
    """For the portal function."""
    from .clock import SystemClock
    from .queues import SqsSyncQueue
    from .store.appointments import DynamoAppointmentRepository
    from .store.audit import DynamoAuditRepository
    from .store.calendar import DynamoCalendarRepository
    from .store.feeds import DynamoFeedRepository
    from .store.ledger import DynamoLedger
    from .store.notices import DynamoNoticeRepository, DynamoSuppressionRepository
    from .store.practice_events import DynamoPracticeEventRepository
    from .store.practices import DynamoPracticeRepository
    from .store.requests import DynamoRequestRepository
    from .store.sessions import DynamoSessionRepository
    from .store.visits import DynamoVisitRepository
    from .use_cases.accept_match import AcceptMatch
    from .use_cases.answer_held import AnswerHeld, AnswerHeldByStaff
    from .use_cases.answer_vanished import AnswerVanished
    from .use_cases.ask_sync import AskSync
    from .use_cases.cancel_request import CancelByStaff, CancelRequest
    from .use_cases.change_settings import ChangeSettings
    from .use_cases.close_call_task import CloseCallTask, UseAddressAgain
    from .use_cases.dismiss_match import DismissMatch
    from .use_cases.edit_calendar import EditCalendar
    from .use_cases.explain_request import ExplainRequest
    from .use_cases.explain_slot import ExplainSlot
    from .use_cases.explain_time import ExplainTime
    from .use_cases.keep_link import KeepLink
    from .use_cases.list_visits import FindVisits, ListVisits
    from .use_cases.membership import Membership
    from .use_cases.preview_cancel import PreviewCancel
    from .use_cases.schedule_age import ScheduleAge
    from .use_cases.send_test_message import SendTestByStaff, SendTestMessage
    from .use_cases.show_calendar import ShowCalendar
    from .use_cases.show_integration import ShowIntegration
    from .use_cases.show_requests import ListToAct, ShowRequest, ShowVisit
    from .use_cases.show_settings import ShowSettings
    from .use_cases.staff_mail import StoppedStaffMail, UseStaffAddressAgain
    from .use_cases.undo_dismissal import UndoDismissal
    from .use_cases.undo_link import UndoLink
    from .use_cases.work_together import ClaimRequest, WriteNote

    settings, clock = _settings(), SystemClock()
    practices, requests, audit = DynamoPracticeRepository(clock), DynamoRequestRepository(), DynamoAuditRepository()
    visits = DynamoVisitRepository()
    membership, feeds = Membership(practices), DynamoFeedRepository()
    age = ScheduleAge(feeds, clock)
    calendar, ledger = DynamoCalendarRepository(), DynamoLedger()
    cancel = CancelRequest(requests, calendar, ledger, clock)
    appointments = DynamoAppointmentRepository()
    explain = ExplainRequest(requests, appointments, calendar, age)
    suppressions = DynamoSuppressionRepository()
    return Portal(
        settings,
        clock,
        practices,
        membership,
        ListToAct(membership, practices, requests, appointments, audit, age, clock),
        ListVisits(membership, practices, requests, visits, audit, age, clock),
        FindVisits(membership, practices, visits, audit, age, clock),
        ShowRequest(membership, practices, requests, appointments, suppressions, audit, age, explain, clock),
        ShowVisit(membership, practices, appointments, audit, age, clock),
        ClaimRequest(membership, requests, clock),
        WriteNote(membership, requests, clock),
        PreviewCancel(_letter_writer(settings, clock)),
        CancelByStaff(membership, requests, cancel),
        AnswerVanished(membership, requests, appointments, calendar, ledger, clock),
        AcceptMatch(membership, requests, appointments, calendar, ledger, clock),
        DismissMatch(membership, requests, appointments, ledger, clock),
        UndoDismissal(membership, requests, appointments, ledger, _confirm_matches(clock), clock),
        UndoLink(
            membership,
            requests,
            appointments,
            calendar,
            ledger,
            _confirm_matches(clock),
            _suggest_matches(clock),
            clock,
        ),
        KeepLink(membership, requests, appointments, ledger, clock),
        AskSync(membership, DynamoFeedRepository(), SqsSyncQueue(settings.sync_queue_url), clock),
        CloseCallTask(membership, requests, ledger, clock),
        UseAddressAgain(membership, requests, suppressions, ledger, clock),
        SendTestByStaff(membership, SendTestMessage(practices, DynamoNoticeRepository(), clock)),
        ShowCalendar(membership, practices, calendar, requests, appointments, audit, age, clock),
        EditCalendar(membership, calendar, DynamoPracticeEventRepository(), clock),
        ExplainTime(membership, ExplainSlot(practices, calendar, age, clock)),
        ShowIntegration(membership, practices, audit, age, clock),
        AnswerHeldByStaff(membership, AnswerHeld(feeds, DynamoPracticeEventRepository(), clock)),
        ShowSettings(membership, practices, DynamoPracticeEventRepository(), age),
        ChangeSettings(membership, practices, feeds, clock),
        StoppedStaffMail(suppressions),
        UseStaffAddressAgain(membership, practices, suppressions, clock),
        DynamoSessionRepository(),
    )


def plan_syncs() -> "PlanSyncs":
    """For the plan_syncs function."""
    from .queues import SqsSyncQueue
    from .store.feeds import DynamoFeedRepository
    from .use_cases.plan_syncs import PlanSyncs

    return PlanSyncs(DynamoFeedRepository(), SqsSyncQueue(_settings().sync_queue_url))


def sync_schedule() -> "PullAsked":
    """For the sync_schedule function, and `oneway sync`."""
    from .clock import SystemClock
    from .store.appointments import DynamoAppointmentRepository
    from .store.calendar import DynamoCalendarRepository
    from .store.feeds import DynamoFeedRepository
    from .store.ledger import DynamoLedger
    from .store.notices import DynamoNoticeRepository
    from .store.practices import DynamoPracticeRepository
    from .store.requests import DynamoRequestRepository
    from .use_cases.apply_schedule import ApplySchedule
    from .use_cases.follow_pull import FollowPull
    from .use_cases.judge_feed import JudgeFeed
    from .use_cases.pull_asked import PullAsked
    from .use_cases.resolve_absence import ResolveAbsence
    from .use_cases.sync_feed import SyncFeed
    from .use_cases.tell_health import TellHealth
    from .use_cases.tell_staff_of_source import TellStaffOfSource

    settings, clock = _settings(), SystemClock()
    practices = DynamoPracticeRepository(clock)
    sync_feed = SyncFeed(
        practices,
        DynamoFeedRepository(),
        _open_source(settings, clock),
        ApplySchedule(
            practices,
            DynamoAppointmentRepository(),
            DynamoRequestRepository(),
            DynamoCalendarRepository(),
            DynamoLedger(),
            clock,
        ),
        ResolveAbsence(practices, DynamoAppointmentRepository(), clock),
        _confirm_matches(clock),
        _suggest_matches(clock),
        FollowPull(
            _resolve_moves(clock),
            TellHealth(DynamoFeedRepository(), clock, [TellStaffOfSource(DynamoNoticeRepository(), clock)]),
        ),
        JudgeFeed(practices, clock),
        clock,
    )
    return PullAsked(sync_feed, DynamoFeedRepository(), clock)


def sync_queue() -> "SyncQueue":
    """For the sync_schedule function: where a pull that broke is put."""
    from .queues import SqsSyncQueue

    return SqsSyncQueue(settings_of.read().sync_queue_url)


def try_pull() -> "TryPull":
    """For `oneway source test`."""
    from .clock import SystemClock
    from .store.appointments import DynamoAppointmentRepository
    from .store.feeds import DynamoFeedRepository
    from .store.practices import DynamoPracticeRepository
    from .use_cases.resolve_absence import ResolveAbsence
    from .use_cases.try_pull import TryPull

    settings, clock = _settings(), SystemClock()
    appointments = DynamoAppointmentRepository()
    absence = ResolveAbsence(DynamoPracticeRepository(clock), appointments, clock)
    return TryPull(DynamoFeedRepository(), appointments, _open_source(settings, clock), absence.providers_of, clock)


def relay_changes() -> "MessageQueue":
    """For the relay_changes function, which reads no table."""
    from .queues import SqsMessageQueue

    return SqsMessageQueue(settings_of.read().message_queue_url)


def unsent_of(image: dict[str, Any]) -> tuple[str, str, str]:
    """What the messages queue takes, of a stream record's image of a request or a notice: practice, its name, and a word.

    The word is another for each write: some makes mail due at the version that a request has, and does not change since when.
    """
    from .store.keys import subject_named_by

    practice, subject = subject_named_by(image["pk"]["S"])
    since = image.get("unsent_since", {}).get("S", "").partition("#")[0]
    version, settled = (image.get(name, {}).get("N", "0") for name in ("v", "settled"))
    return practice, subject, f"{version}-{settled}-{since}"


def send_messages(staff_missed: "Callable[[str, Why], None]") -> "SendMessages":
    """For the send_messages function, which is told of what staff did not get."""
    from .clock import SystemClock
    from .links import PrivateLinks
    from .mail.compose import MailComposer
    from .mail.pacing import PacedMailer
    from .mail.ses import SesMailer
    from .secrets import link_secrets
    from .store.feeds import DynamoFeedRepository
    from .store.notices import DynamoNoticeRepository, DynamoSuppressionRepository
    from .store.practices import DynamoPracticeRepository
    from .store.requests import DynamoMessageRepository, DynamoRequestRepository
    from .use_cases.schedule_age import ScheduleAge
    from .use_cases.send_messages import SendMessages

    settings, clock = _settings(), SystemClock()
    practices = DynamoPracticeRepository(clock)
    return SendMessages(
        practices,
        DynamoRequestRepository(),
        DynamoMessageRepository(),
        DynamoNoticeRepository(),
        DynamoSuppressionRepository(),
        PacedMailer(SesMailer(settings.configuration_set), settings.send_rate, clock),
        MailComposer(settings.public_url, settings.sender, clock, practices.logo),
        PrivateLinks(link_secrets(settings.link_secrets_parameter)),
        settings.sender,
        ScheduleAge(DynamoFeedRepository(), clock),
        clock,
        staff_missed,
    )


def track_mail(staff_missed: "Callable[[str, Why], None]") -> "TrackMail":
    """For the track_mail function, which is told of what came back from staff."""
    from .clock import SystemClock
    from .store.ledger import DynamoLedger
    from .store.notices import DynamoSuppressionRepository
    from .store.requests import DynamoMessageRepository, DynamoRequestRepository
    from .use_cases.track_mail import TrackMail

    _settings()
    return TrackMail(
        DynamoRequestRepository(),
        DynamoMessageRepository(),
        DynamoSuppressionRepository(),
        DynamoLedger(),
        SystemClock(),
        staff_missed,
    )


def mail_aside() -> "MailAside":
    """Where track_mail keeps what it does not know."""
    from .queues import SqsMailAside

    return SqsMailAside(settings_of.read().mail_aside_url)


def mail_event(event: dict[str, Any]) -> "MailEvent":
    """An event of the mail service, read. Raises faults.MailEventUnknown."""
    from .mail import ses_events

    return ses_events.read(event)


def run_timers() -> "RunTimers":
    """For the run_timers function."""
    from .clock import SystemClock
    from .queues import SqsMessageQueue
    from .store.appointments import DynamoAppointmentRepository
    from .store.calendar import DynamoCalendarRepository
    from .store.feeds import DynamoFeedRepository
    from .store.ledger import DynamoLedger
    from .store.notices import DynamoNoticeRepository
    from .store.practices import DynamoPracticeRepository
    from .store.requests import DynamoMessageRepository, DynamoRequestRepository
    from .store.visits import DynamoVisitRepository
    from .use_cases.await_pull import AwaitPull
    from .use_cases.cancel_request import CancelRequest
    from .use_cases.explain_request import ExplainRequest
    from .use_cases.run_timers import RunTimers
    from .use_cases.schedule_age import ScheduleAge

    settings, clock = _settings(), SystemClock()
    practices, requests, ledger = DynamoPracticeRepository(clock), DynamoRequestRepository(), DynamoLedger()
    appointments, await_pull = DynamoAppointmentRepository(), AwaitPull(DynamoFeedRepository())
    return RunTimers(
        practices,
        requests,
        DynamoVisitRepository(),
        DynamoMessageRepository(),
        DynamoNoticeRepository(),
        SqsMessageQueue(settings.message_queue_url),
        CancelRequest(requests, DynamoCalendarRepository(), ledger, clock),
        _confirm_matches(clock),
        _resolve_moves(clock),
        await_pull,
        ExplainRequest(requests, appointments, DynamoCalendarRepository(), ScheduleAge(DynamoFeedRepository(), clock)),
        clock,
    )


def operators(public_holidays: "PublicHolidays") -> Operators:
    """For the command line, which brings the public holidays along (no function carries that library)."""
    from .clock import SystemClock
    from .sources.opening import capabilities_of
    from .store.appointments import DynamoAppointmentRepository
    from .store.calendar import DynamoCalendarRepository
    from .store.feeds import DynamoFeedRepository
    from .store.ledger import DynamoLedger
    from .store.notices import DynamoNoticeRepository, DynamoSuppressionRepository
    from .store.photos import DynamoPhotoRepository
    from .store.practice_events import DynamoPracticeEventRepository
    from .store.practices import DynamoPracticeRepository
    from .store.requests import DynamoMessageRepository, DynamoRequestRepository
    from .use_cases.answer_held import AnswerHeld
    from .use_cases.apply_practice import ApplyPractice
    from .use_cases.check_occupancy import CheckOccupancy
    from .use_cases.explain_request import ExplainRequest
    from .use_cases.explain_slot import ExplainSlot
    from .use_cases.revoke_link import RevokeLink
    from .use_cases.schedule_age import ScheduleAge
    from .use_cases.send_test_message import SendTestMessage

    _settings()
    clock, feeds, requests = SystemClock(), DynamoFeedRepository(), DynamoRequestRepository()
    practices, calendar = DynamoPracticeRepository(clock), DynamoCalendarRepository()
    age = ScheduleAge(feeds, clock)
    return Operators(
        clock,
        practices,
        feeds,
        requests,
        calendar,
        ApplyPractice(practices, feeds, calendar, capabilities_of, public_holidays, clock),
        ExplainSlot(practices, calendar, age, clock),
        CheckOccupancy(practices, requests, DynamoAppointmentRepository(), calendar, DynamoLedger(), clock),
        AnswerHeld(feeds, DynamoPracticeEventRepository(), clock),
        age,
        ExplainRequest(requests, DynamoAppointmentRepository(), calendar, age),
        SendTestMessage(practices, DynamoNoticeRepository(), clock),
        RevokeLink(requests, DynamoMessageRepository(), clock),
        DynamoSuppressionRepository(),
        DynamoPhotoRepository(),
    )


def _settings() -> "Settings":
    """The function's settings; the table is bound on the way."""
    from .store.items import bind

    settings = settings_of.read()
    bind(settings.table_name)
    return settings


def _letter_writer(settings: "Settings", clock: "Clock") -> "Callable[[], LetterWriter]":
    """What shows staff a message before it is sent; mail is loaded by the first one that is looked at."""

    def opened() -> "LetterWriter":
        from .mail.compose import MailComposer
        from .ports import Letter

        composer = MailComposer(settings.public_url, settings.sender, clock)

        def write(due: "DueMessage", practice: "Practice", request: "Request") -> Letter:
            rendered = composer.render(due, practice, request, "…")
            return Letter(rendered.subject, rendered.text)

        return write

    return opened


def _open_source(settings: "Settings", clock: "Clock") -> "SourceFactory":
    from .secrets import source_document
    from .sources.opening import OpenSource

    def credentials_of(practice: str, source_id: str) -> str:
        return source_document(f"{settings.sources_prefix}/{practice}/{source_id}")

    return OpenSource(credentials_of, clock, allow_loopback=settings.local)


def _confirm_matches(clock: "Clock") -> "ConfirmMatches":
    from .store.appointments import DynamoAppointmentRepository
    from .store.calendar import DynamoCalendarRepository
    from .store.ledger import DynamoLedger
    from .store.requests import DynamoRequestRepository
    from .use_cases.confirm_matches import ConfirmMatches

    return ConfirmMatches(
        DynamoRequestRepository(), DynamoAppointmentRepository(), DynamoCalendarRepository(), DynamoLedger(), clock
    )


def _suggest_matches(clock: "Clock") -> "SuggestMatches":
    from .store.appointments import DynamoAppointmentRepository
    from .store.requests import DynamoMessageRepository, DynamoRequestRepository
    from .use_cases.suggest_matches import SuggestMatches

    return SuggestMatches(DynamoRequestRepository(), DynamoAppointmentRepository(), DynamoMessageRepository(), clock)


def _resolve_moves(clock: "Clock") -> "ResolveMoves":
    from .store.appointments import DynamoAppointmentRepository
    from .store.feeds import DynamoFeedRepository
    from .store.ledger import DynamoLedger
    from .store.practices import DynamoPracticeRepository
    from .store.requests import DynamoMessageRepository, DynamoRequestRepository
    from .use_cases.await_pull import AwaitPull
    from .use_cases.resolve_moves import ResolveMoves

    return ResolveMoves(
        DynamoPracticeRepository(clock),
        DynamoRequestRepository(),
        DynamoAppointmentRepository(),
        DynamoMessageRepository(),
        DynamoLedger(),
        AwaitPull(DynamoFeedRepository()),
        clock,
    )
