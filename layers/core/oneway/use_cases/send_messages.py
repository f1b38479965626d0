"""Send what changes called for, once in effect (product section 6, docs/adr/0004, 0017b).

Write the message, claim it with a lease, send, mark. What fails before the claim counts for nothing. A crash between sending and
marking costs at most one duplicate, never a message; none, where the mail service's own event came first and marked it
(track_mail). An answer that was lost is waited for in those events before the next try, so that an outage loses nothing; what had
none in all its tries staff are told to call about.
"""

import random
from collections.abc import Callable, Container, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from ..domain.clock_time import day_of, zone_of
from ..domain.errors import WriteConflict
from ..domain.linking import free_to_go, released
from ..domain.messages import (
    TAKE_BACK,
    TELL_A_VISIT,
    DueMessage,
    MessageKind,
    MessageRecord,
    MessageState,
    Why,
    as_known,
    instead_of_correcting,
    overtaken,
)
from ..domain.notices import Notice, is_of_another_day, notice_named, other_turn
from ..domain.practices import Practice
from ..domain.requests import (
    UNTOLD,
    ActorKind,
    Request,
    due_meanwhile,
    with_call_after,
    with_call_meanwhile,
    with_due,
    with_warning_after,
)
from ..domain.suppression import Suppression, mark_of, missed_mark_of
from ..domain.waiting import digests
from ..faults import MailBroke, MailOutcomeUnknown, MailRefused, MailThrottled, MailUnavailable
from ..links import PrivateLinks
from ..ports import (
    Clock,
    Mailer,
    MessageRepository,
    NoticeRepository,
    PracticeRepository,
    RequestRepository,
    SuppressionRepository,
)
from .schedule_age import ScheduleAge

LEASE = timedelta(seconds=60)
"""Longer than the function may run, shorter than the queue waits before it delivers again."""
UNANSWERED = timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=1), timedelta(minutes=5)
"""After each try without an answer: what the mail service took it tells by then, and an outage of it is over. Ever longer, since
who did not hear of two tries may only hear late. After the last, staff are told to call.
"""
UNANSWERED_SOON = UNANSWERED[0], UNANSWERED[0]
SOON = timedelta(hours=4)
"""Of a visit that begins so soon a call in time is worth more than another try; so is, of mail to staff, what comes next."""
ONE_SEND = timedelta(seconds=16)
"""The longest that handing over one message may take, the wait for our part of the rate included (mail/ses.py, mail/pacing.py),
and writing what became of it: with less time left none is claimed.
"""
TRIES = 2
"""So often may a sender die between claiming and writing what became of it: then it may be a second copy already."""
_PATIENTS = False
"""Of the two lanes that a request's messages go in, staff's and the patient's, the latter (MessageKind.to_staff)."""
_THROTTLED_TRIES = 4
_FIRST_PAUSE_SECONDS = 0.5
_MARK = 12
"""As much of an address's mark as tells the recipients of a practice from each other."""


class Composer(Protocol):
    """Writes whole MIME messages."""

    def of_request(
        self,
        due: DueMessage,
        practice: Practice,
        request: Request,
        link: str,
        recipients: Sequence[str],
        schedule_age_minutes: int | None = None,
    ) -> bytes:
        """A message of a request; `link` is its private link. The schedule's age is said where it is old (product section 4)."""

    def of_practice(
        self, notice: Notice, practice: Practice, waiting: Sequence[Request], recipients: Sequence[str]
    ) -> bytes:
        """A notice to staff; `waiting` are the requests that a digest names."""


class NotYet(Exception):
    """Something could not be sent now; the queue delivers again."""


class _Way(Struct, frozen=True):
    """Where the records of messages are kept, and until when there is time to send."""

    practice: str
    subject: str
    deadline: datetime | None

    def is_over(self, at: datetime) -> bool:
        return self.deadline is not None and at > self.deadline


class _Letter(Struct, frozen=True):
    """A message that is due, how it is written to some of its recipients, and what it is tagged with."""

    due: DueMessage
    compose: Callable[[Sequence[str]], bytes]
    tags: dict[str, str]
    waits: Sequence[timedelta] = UNANSWERED


class SendMessages(Struct, frozen=True):
    """Sends a request's due messages, or a notice, and takes the mark off that says so."""

    practices: PracticeRepository
    requests: RequestRepository
    messages: MessageRepository
    notices: NoticeRepository
    suppressions: SuppressionRepository
    mailer: Mailer
    composer: Composer
    links: PrivateLinks
    sender: str
    age: ScheduleAge
    clock: Clock
    staff_missed: Callable[[str, Why], None] = lambda subject, why: None
    """Is told of what staff did not get, for who watches the product: of which request or notice, and why."""

    def __call__(self, slug: str, subject: str, deadline: datetime | None = None) -> int:
        """Send what is due of a request, or a notice, by its name; how many messages went out.

        Raises NotYet if one has to wait (another worker holds it, the mail service cannot now, it would not be done by the
        deadline), RequestNotFound.
        """
        practice, notice_id = self.practices.get(slug), notice_named(subject)
        way = _Way(slug, subject, deadline)
        if notice_id is not None:
            return self._send_notice(practice, notice_id, way)
        request = self._released(slug, subject)
        if not free_to_go(request):
            return 0
        records = self._records(request)
        waiting, why, sent = dict[bool, DueMessage](), list[str](), 0
        for due in free_to_go(request):
            to_staff = due.kind.to_staff
            if to_staff in waiting:
                continue  # the patient's messages keep their order, and so do staff's; neither wait for the others
            try:
                before = records.get(due.id)
                records[due.id] = self._send_due(practice, request, due, records, way)
                sent += records[due.id].state is MessageState.SENT and records[due.id] != before
            except (WriteConflict, MailUnavailable, MailOutcomeUnknown, NotYet) as error:
                waiting[to_staff] = due
                why.append(f"{type(error).__name__} {error}".strip())
        after = self._settled(request, records, waiting)
        if _PATIENTS in waiting:
            after = self._with_call_meanwhile(after, waiting[_PATIENTS])
        if after is not request:
            self.messages.settle(request, after)
        if waiting:
            raise NotYet(", ".join(why))
        return sent

    def _records(self, request: Request) -> dict[str, MessageRecord]:
        return {record.id: record for record in self.messages.list(request.practice, request.id)}

    def _released(self, slug: str, request_id: str) -> Request:
        """The request, with what may be sent let go in a write of its own: a change that came first overtakes what is held, one
        that comes later finds it told. Raises NotYet.
        """
        request = self.requests.get(slug, request_id)
        after = released(request, self.clock.now())
        if after is request:
            return request
        settled = self.messages.settle(request, after)
        if settled is None:
            raise NotYet("changed meanwhile")
        return settled

    def _settled(self, request: Request, records: dict[str, MessageRecord], waiting: Container[bool]) -> Request:
        """The request without what was sent; with whom to call about what was not, of which staff are told once. Of staff's
        messages, or the patient's, all are kept while one of them is `waiting`: what it says depends on those before it.
        """
        done = [due for due in request.due if due.kind.to_staff not in waiting]
        free = [due for due in free_to_go(request) if due in done]
        if not free:
            return request
        now, after = self.clock.now(), request
        told = _told(records.values(), request)
        for due in done:
            if record := records.get(due.id):
                after = with_warning_after(with_call_after(after, due, record, now), record, told, now)
        is_new = request.call is None or (request.call != after.call and request.call.why is Why.AWAY)
        unknown = is_new and after.call is not None and after.call.why not in UNTOLD
        more = due_meanwhile(request, (MessageKind.UNREACHABLE_STAFF,)) if unknown else ()
        return with_due(after, (*(due for due in request.due if due not in free), *more), now)

    def _with_call_meanwhile(self, request: Request, due: DueMessage) -> Request:
        """The request with a call to make where a message waits for mail that is away, and the visit is soon; it is tried on.
        Where the request was changed meanwhile the next try tells staff.
        """
        now = self.clock.now()
        record = self._records(request).get(due.id) if _is_soon(due, request, now) else None
        return with_call_meanwhile(request, record, now) if record else request

    def _send_due(
        self, practice: Practice, request: Request, due: DueMessage, records: dict[str, MessageRecord], way: _Way
    ) -> MessageRecord:
        record, now = records.get(due.id), self.clock.now()
        place = request.due.index(due)
        told = _told([one for one in records.values() if one.id != due.id], request, due.corrects)
        asked = request.slot.start if request.slot else None
        due = as_known(due, records.values(), told, request.told_by_phone, asked, request.start)
        by_staff = request.link is None and request.cancelled_by is ActorKind.STAFF
        due = instead_of_correcting(due, told, by_staff, practice.switches)
        if record is None or record.state is MessageState.CLAIMED:
            later = request.due[place + 1 :]
            is_back = due.kind is MessageKind.RESCHEDULED_PATIENT and due.old_start == request.start
            is_needless = due.kind is MessageKind.UNREACHABLE_STAFF and not _has_a_call(request)
            is_known = due.kind is MessageKind.CANCELLED_PATIENT and due.kind in told and not TELL_A_VISIT & told
            if is_back or is_needless or is_known or overtaken(due, later, told, request.pending, request.start, now):
                return self._drop(request, due, record)
        recipients = self._recipients(practice, due.kind, request)

        def compose(allowed: Sequence[str]) -> bytes:
            link, age = self.links.of(request), self._age(practice, due, request)
            return self.composer.of_request(due, practice, request, link, allowed, age)

        tags = {"message": due.id, "request": request.id, "practice": practice.slug}
        letter = _Letter(due, compose, tags, UNANSWERED_SOON if _is_soon(due, request, now) else UNANSWERED)
        return self._send_one(way, letter, record, recipients)

    def _send_notice(self, practice: Practice, notice_id: str, way: _Way) -> int:
        notice = self.notices.get(practice.slug, notice_id)
        if notice is None or notice.sent_at:
            return 0
        records = {record.id: record for record in self.messages.list(practice.slug, notice.name)}
        sent = 0
        if not _may_be_known(records.values()) and self._is_overtaken_notice(practice, notice):
            self.notices.done(notice, self.clock.now())
            return 0
        try:
            for due, waiting, recipients in self._letters(practice, notice):
                compose = partial(self.composer.of_practice, notice, practice, waiting)
                tags = {"message": due.id, "request": notice.name, "practice": practice.slug}
                before = records.get(due.id)
                after = self._send_one(way, _Letter(due, compose, tags), before, recipients)
                sent += after.state is MessageState.SENT and after != before
        except (WriteConflict, MailUnavailable, MailOutcomeUnknown) as error:
            raise NotYet(f"{type(error).__name__} {error}".strip()) from error
        self.notices.done(notice, self.clock.now())
        return sent

    def _is_overtaken_notice(self, practice: Practice, notice: Notice) -> bool:
        """Whether mail was away for so long that a notice of which nothing went out would be wrong now, or a second one of its
        kind. That a source broke, and that it is well again, go out in this order or not at all: raises NotYet.
        """
        today = day_of(self.clock.now(), zone_of(practice.zone))
        other_id = other_turn(notice)
        other = self.notices.get(practice.slug, other_id) if other_id else None
        if other is None:
            return is_of_another_day(notice, today)
        if notice.kind is MessageKind.SOURCE_BROKEN_STAFF:
            return True  # it is well by now
        if other.sent_at is None:
            raise NotYet("that it broke is not told yet")
        return not _may_be_known(self.messages.list(practice.slug, other.name))

    def _letters(
        self, practice: Practice, notice: Notice
    ) -> Iterable[tuple[DueMessage, Sequence[Request], Sequence[str]]]:
        """What a notice is sent as, the requests that each letter names, and to whom. Of a digest each recipient gets what is
        theirs; nobody gets one once all were answered.
        """
        if notice.kind is not MessageKind.DIGEST_STAFF:
            yield DueMessage(str(notice.kind), notice.kind), (), notice.recipients or practice.staff_recipients
            return
        shares = digests(practice, self.requests.to_act(practice.slug), self.clock.now())
        for address, waiting in shares.items():
            letter = f"{mark_of(practice.slug, address)[:_MARK]}-{notice.kind}"
            yield DueMessage(letter, notice.kind), waiting, (address,)

    def _age(self, practice: Practice, due: DueMessage, request: Request) -> int | None:
        provider = practice.providers.get(request.provider_id)
        return self.age.minutes(practice, provider) if due.kind is MessageKind.RECEIVED_STAFF and provider else None

    def _recipients(self, practice: Practice, kind: MessageKind, request: Request) -> tuple[str, ...]:
        """Mail to a patient goes only to the address typed in the request."""
        if not kind.to_staff:
            return (request.patient.email,) if request.patient.email else ()
        return practice.recipients_for(request.link.provider_id if request.link else request.provider_id)

    def _send_one(
        self,
        way: _Way,
        letter: _Letter,
        record: MessageRecord | None,
        recipients: Sequence[str],
    ) -> MessageRecord:
        """Send a message unless it is done; its record then. An event of the mail service that came before marks it as sent."""
        if record and record.state is not MessageState.CLAIMED:
            return record
        if record and record.claimed_until and record.claimed_until > self.clock.now():
            raise NotYet("claimed")
        due = letter.due
        known = record or MessageRecord(due.id, due.kind, MessageState.CLAIMED, 0, old_start=due.old_start)
        left = [one for one in recipients if mark_of(way.practice, one) not in known.handed]
        # A claim counts as a try of which nobody knows how it ended, so whatever else may fail comes before it.
        allowed = [one for one in left if not self.suppressions.get(way.practice, mark_of(way.practice, one))]
        if known.attempts >= TRIES or known.silent >= len(letter.waits):
            self._staff_miss(way, due, allowed, Why.UNCERTAIN)
            return self._keep(way, record, replace(known, state=MessageState.UNCERTAIN, why=Why.UNCERTAIN))
        if not allowed and known.handed:
            return self._keep(way, record, self._sent(known))
        if not allowed:
            why = Why.SUPPRESSED if recipients else Why.NO_ADDRESS
            return self._keep(way, record, replace(known, state=MessageState.UNSENT, why=why))
        return self._hand_over(way, record, known, letter.compose(allowed), allowed, letter)

    def _staff_miss(self, way: _Way, due: DueMessage, addresses: Sequence[str], why: Why) -> None:
        """Keep for staff that a message did not go out to some of them, or perhaps not: of a patient they have a call to make."""
        if not due.kind.to_staff or not addresses:
            return
        for one in addresses:
            missed = Suppression(missed_mark_of(way.practice, one), why, self.clock.now())
            self.suppressions.add(way.practice, missed)
        self.staff_missed(way.subject, why)

    def _sent(self, known: MessageRecord, mail_id: str = "") -> MessageRecord:
        """A message that went out just now."""
        return replace(
            known,
            state=MessageState.SENT,
            claimed_until=None,
            sent_at=self.clock.now(),
            mail_id=mail_id or known.mail_id,
            why=None,
        )

    def _hand_over(
        self,
        way: _Way,
        record: MessageRecord | None,
        known: MessageRecord,
        mime: bytes,
        recipients: Sequence[str],
        letter: _Letter,
    ) -> MessageRecord:
        """Raises MailError, NotYet. Where the service asks for patience a few times at once, then the queue has it; nothing is
        claimed meanwhile, so that whoever dies of old age does not count as having tried.
        """
        for number in range(1, _THROTTLED_TRIES + 1):
            if way.is_over(self.clock.now() + ONE_SEND):
                raise NotYet("no time left")
            claimed = replace(known, attempts=known.attempts + 1, claimed_until=self.clock.now() + LEASE)
            claimed = self.messages.claim(way.practice, way.subject, record, claimed)
            if known.one_by_one:
                return self._one_by_one(way, claimed, recipients, letter)
            try:
                mail_id = self.mailer.send(mime, self.sender, recipients, letter.tags)
            except MailRefused:
                if letter.due.kind.to_staff and len(recipients) > 1:
                    return self._one_by_one(way, claimed, recipients, letter)
                return self._refused(way, claimed, recipients, letter)
            except MailOutcomeUnknown as error:
                self._wait(way, claimed, error, letter.waits)
                raise
            except MailUnavailable as error:
                # The service said no before it took the message: the claim is free again and this was no try.
                known = replace(known, away_since=known.away_since or self.clock.now())
                record = self._keep(way, claimed, replace(known, claimed_until=self.clock.now()))
                if not isinstance(error, MailThrottled) or number == _THROTTLED_TRIES:
                    raise
                self.clock.pause(random.uniform(0.5, 1) * _FIRST_PAUSE_SECONDS * 2**number)
            else:
                return self._keep(way, claimed, self._sent(claimed, mail_id))
        raise NotYet("throttled")

    def _wait(self, way: _Way, claimed: MessageRecord, error: MailOutcomeUnknown, waits: Sequence[timedelta]) -> None:
        """Give the service time to say whether it took a message. We know how our claim ended, so it does not count as one of
        which nobody does; a fault that the service owns up to counts for nothing at all, or an outage would lose mail.
        """
        known = replace(claimed, attempts=claimed.attempts - 1)
        if isinstance(error, MailBroke):
            now = self.clock.now()
            after = replace(known, broke=True, claimed_until=now + waits[0], away_since=known.away_since or now)
        else:
            after = replace(known, silent=known.silent + 1, claimed_until=self.clock.now() + waits[known.silent])
        self._keep(way, claimed, after)

    def _one_by_one(
        self, way: _Way, claimed: MessageRecord, recipients: Sequence[str], letter: _Letter
    ) -> MessageRecord:
        """What was refused to all together goes to each alone: one bad address keeps it from no other. Who has it is written at
        once, so that nobody gets it again where this is cut. Raises MailError, NotYet.
        """
        if not claimed.one_by_one:
            claimed = self._keep(way, claimed, replace(claimed, one_by_one=True))
        refused = []
        for one in recipients:
            try:
                if way.is_over(self.clock.now() + ONE_SEND):
                    raise MailUnavailable("no time left")
                mail_id = self.mailer.send(letter.compose([one]), self.sender, [one], letter.tags)
            except MailRefused:
                refused.append(one)
            except MailOutcomeUnknown as error:
                self._wait(way, claimed, error, letter.waits)
                raise
            except MailUnavailable:
                # Of whom it went to we know, so this was no try.
                now = self.clock.now()
                self._keep(way, claimed, replace(claimed, attempts=claimed.attempts - 1, claimed_until=now))
                raise
            else:
                handed = (*claimed.handed, mark_of(way.practice, one))
                claimed = self._keep(way, claimed, replace(claimed, handed=handed, mail_id=mail_id))
        return self._refused(way, claimed, refused, letter)

    def _refused(self, way: _Way, claimed: MessageRecord, recipients: Sequence[str], letter: _Letter) -> MessageRecord:
        """What the mail service will never take for these recipients; others may have it."""
        self._staff_miss(way, letter.due, recipients, Why.REFUSED)
        if claimed.handed:
            return self._keep(way, claimed, self._sent(claimed))
        return self._keep(way, claimed, replace(claimed, state=MessageState.UNSENT, why=Why.REFUSED))

    def _drop(self, request: Request, due: DueMessage, record: MessageRecord | None) -> MessageRecord:
        """What was never tried is overtaken; of what was, nobody knows whether it went out."""
        now = self.clock.now()
        if record and record.claimed_until and record.claimed_until > now:
            raise NotYet("claimed")
        state = MessageState.UNCERTAIN if record and record.may_have_gone else MessageState.OVERTAKEN
        known = record or MessageRecord(due.id, due.kind, state, 0, old_start=due.old_start)
        dropped = replace(known, kind=due.kind, state=state, claimed_until=None)
        return self.messages.claim(request.practice, request.id, record, dropped)

    def _keep(self, way: _Way, before: MessageRecord | None, after: MessageRecord) -> MessageRecord:
        """Write what became of a message, unless somebody else did; as it is then stored. Raises WriteConflict."""
        if after.state is not MessageState.CLAIMED:
            after = replace(after, claimed_until=None)
        if before is None:
            return self.messages.claim(way.practice, way.subject, None, after)
        return self.messages.mark(way.practice, way.subject, before, after)


def _is_soon(due: DueMessage, request: Request, now: datetime) -> bool:
    """Whether it is of a visit that is soon, or was to be: mail to staff, too, as what they have to know next waits behind it."""
    to_come = [one for one in (due.old_start, request.start) if one is not None and one > now]
    start = min(to_come, default=request.start)
    return start is not None and start - now < SOON


def _may_be_known(records: Iterable[MessageRecord]) -> bool:
    return any(one.may_have_gone for one in records)


def _has_a_call(request: Request) -> bool:
    """Whether staff have to call, and not about a visit that they have untied from the request since."""
    call = request.call
    return call is not None and (request.link is not None or call.kind not in TELL_A_VISIT)


def _told(records: Iterable[MessageRecord], request: Request, corrected: str = "") -> set[MessageKind]:
    """The kinds of what the patient has, or may have: of what did not reach them, what staff have told by phone. A visit that was
    taken back since is none that they expect; nor is one taken back of which they were told anew. A cancellation that is
    `corrected` took nothing back, and one that was corrected is not known.
    """
    call = request.call
    unsaid = call.id if call and not call.why.unsure else ""
    by_phone = request.told_by_phone
    has = [one for one in records if one.id in by_phone or (not one.has_missed and one.id != unsaid)]
    certain = [one for one in has if one.id in by_phone or one.state is MessageState.SENT]
    taken_back = max((one.id for one in certain if one.kind in TAKE_BACK and one.id != corrected), default="")
    told_anew = max((one.id for one in has if one.kind in TELL_A_VISIT), default="")
    corrected_at = max((one.id for one in certain if one.kind is MessageKind.CORRECTION_PATIENT), default="")
    outdated = dict.fromkeys(TELL_A_VISIT, taken_back) | dict.fromkeys(TAKE_BACK, told_anew)
    outdated[MessageKind.CANCELLED_PATIENT] = max(told_anew, corrected_at)
    return {one.kind for one in has if one.id > outdated.get(one.kind, "")}
