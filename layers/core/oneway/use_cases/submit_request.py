"""A patient asks for a time, perhaps instead of another one (product sections 1 and 4)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from ..domain import identifiers, messages, requests
from ..domain.errors import (
    InvalidInput,
    KeyReused,
    OnewayError,
    RequestAlreadyAnswered,
    SlotAlreadyTaken,
    SlotNotOffered,
    StoreUnavailable,
)
from ..domain.occupancy import DayOccupancy, OccupantKind, days_touched, occupant_on
from ..domain.pending import Waiting
from ..domain.practices import Practice
from ..domain.requests import Request, RequestedSlot
from ..domain.slots import BY_OTHERS
from ..links import PrivateLinks
from ..ports import (
    Change,
    Clock,
    DayChange,
    Ledger,
    PracticeRepository,
    ProviderDays,
    RequestChange,
    RequestRepository,
)
from .confirm_matches import ConfirmMatches
from .explain_slot import ExplainSlot
from .limit_pending import LimitPending
from .places import freed
from .request_form import ParsedRequest, check_key, parse
from .settling import settle

_MOST_FOLLOWED = 20
"""Nobody changes a request so often; it is no way to have the table read without an end."""


class Submitted(Struct, frozen=True):
    """A request that is stored, its private link, and whether this call made it (else a repeat found it)."""

    request: Request
    link: str
    practice: Practice
    created: bool


class SubmitRequest(Struct, frozen=True):
    """One transaction: the request and its place in the day (none without a time) and, where it takes the place of an earlier
    one, the end of that. Safe to repeat with its key.
    """

    practices: PracticeRepository
    requests: RequestRepository
    explain_slot: ExplainSlot
    limit: LimitPending
    ledger: Ledger
    confirm_matches: ConfirmMatches
    links: PrivateLinks
    clock: Clock

    def check(self, slug: str, form: Mapping[str, object], besides: Request | None = None) -> ParsedRequest:
        """Say now what submitting would say, and store nothing; as if there were no request `besides`.

        Raises PracticeNotFound, InvalidInput, SlotAlreadyTaken, SlotNotOffered.
        """
        parsed = parse(form, self.practices.get(slug), self.clock.now())
        if parsed.start:
            self._days(parsed, parsed.start, besides.id if besides else "")
        return parsed

    def sent(self, slug: str, key: object) -> Submitted | None:
        """What an earlier submit under this key made or, once others took its place, the last of them; None if there was none.

        Raises PracticeNotFound, InvalidInput.
        """
        practice = self.practices.get(slug)
        for request in self.requests.get_many(slug, [identifiers.request_id(slug, check_key(key))]):
            last = self._last(request)
            return Submitted(last, self.links.of(last), practice, False)
        return None

    def repeats(self, earlier: Submitted, form: Mapping[str, object]) -> bool:
        """Whether a form says what an earlier one said."""
        try:
            parsed = parse(form, earlier.practice, earlier.request.created_at)
        except InvalidInput:
            return False
        return parsed.fingerprint() == earlier.request.fingerprint

    def __call__(self, slug: str, key: object, form: Mapping[str, object], instead: str = "") -> Submitted:
        """Submit a form (see `request_form.parse`) under an idempotency key of at least 128 random bits.

        `instead` is the id of a request of the same patient that ends with it, cancelled by them, if it (or what took its place)
        still waits; where the new one cannot be stored, it waits on. Raises PracticeNotFound, InvalidInput, SlotAlreadyTaken,
        SlotNotOffered, TooManyPending, KeyReused, RequestAlreadyAnswered (there is a visit of the earlier one: this would be a
        second), StoreUnavailable. A request that the store took without telling us is found again when the same key comes back.
        """
        practice = self.practices.get(slug)
        request_id = identifiers.request_id(slug, check_key(key))
        parsed = parse(form, practice, self.clock.now())
        attempt = _Attempt(self, parsed, request_id, instead)
        try:
            request, created = settle(attempt, self.clock)
        except StoreUnavailable:
            raise  # it may be stored, so its mark stays
        except OnewayError:
            attempt.give_up()
            raise
        # Also where an earlier call stored it: that one may have been cut before it came to this.
        request = self.confirm_matches.for_request(practice, request)
        return Submitted(request, self.links.of(request), practice, created)

    def _last(self, request: Request) -> Request:
        """The request that stands in the place of one: itself, or the last of those that were sent instead."""
        for _ in range(_MOST_FOLLOWED):
            after = self.requests.get_many(request.practice, [request.replaced_by]) if request.replaced_by else []
            if not after:
                break
            request = after[0]
        return request

    def _days(self, parsed: ParsedRequest, start: datetime, besides: str = "") -> ProviderDays:
        """The days that decide on a start that is offered, were there no request `besides`.

        Raises SlotAlreadyTaken, SlotNotOffered.
        """
        asked = parsed.practice, parsed.provider, parsed.visit_type, start
        found = self.explain_slot.read(parsed.practice, parsed.provider, start, parsed.visit_type.minutes)
        if besides:
            found = replace(found, days={day: one.without(besides) for day, one in found.days.items()})
        reason = self.explain_slot.why_closed(*asked, found)
        if reason is None:
            return found
        left = self.explain_slot.left(*asked)
        raise SlotAlreadyTaken(left) if reason in BY_OTHERS else SlotNotOffered(reason, left)

    def _request(self, parsed: ParsedRequest, request_id: str) -> Request:
        length = timedelta(minutes=parsed.visit_type.minutes)
        return Request(
            practice=parsed.practice.slug,
            id=request_id,
            provider_id=parsed.provider.id,
            location_id=parsed.provider.location_id,
            visit_type_id=parsed.visit_type.id,
            slot=RequestedSlot(parsed.start, parsed.start + length) if parsed.start else None,
            preferred=parsed.preferred,
            patient=parsed.patient,
            new_patient=parsed.new_patient,
            language=parsed.language,
            contact_consent=True,
            created_at=self.clock.now(),
            fingerprint=parsed.fingerprint(),
            booker=parsed.booker,
            reason=parsed.reason,
            insurance=parsed.insurance,
        )


class _Attempt(Struct):
    """One submit: reads, decides and writes, and may be called again; its mark is left once."""

    submit: SubmitRequest
    parsed: ParsedRequest
    request_id: str
    instead: str = ""
    mark: Waiting | None = None

    def __call__(self) -> tuple[Request, bool]:
        """The request and whether this call stored it. Raises WriteConflict if somebody else wrote first."""
        submit, parsed, start = self.submit, self.parsed, self.parsed.start
        stored = submit.requests.get_many(parsed.practice.slug, {self.request_id, self.instead or self.request_id})
        found = {one.id: one for one in stored}
        if existing := found.get(self.request_id):
            if existing.fingerprint != parsed.fingerprint():
                raise KeyReused
            return existing, False
        named = found.get(self.instead)
        earlier = _still_waiting(submit._last(named)) if named else None
        besides = earlier.id if earlier else ""
        days = list(submit._days(parsed, start, besides).days.values()) if start else []
        if self.mark is None:
            self.mark = submit.limit.enter(parsed.practice, self.request_id, parsed.patient, besides)
        request = submit._request(parsed, self.request_id)
        # The clock looks in a minute which visits were there before, and then when there is something to say (run_timers).
        request = replace(request, look_at=request.created_at)
        transition = requests.submitted(request, messages.on_submit(bool(parsed.patient.email)))
        held = [DayChange(day, self._held(day, start)) for day in days if start]
        submit.ledger.commit([RequestChange(transition), *held, *(self._withdrawn(earlier, days) if earlier else ())])
        return transition.after, True

    def give_up(self) -> None:
        """Nothing was stored: the mark goes."""
        if self.mark:
            self.submit.limit.leave(self.parsed.practice, self.mark)

    def _held(self, day: DayOccupancy, start: datetime) -> DayOccupancy:
        """A day with the request on it. Days that only a buffer touches stay as they are, but nobody may change them."""
        parsed = self.parsed
        zone = parsed.practice.zone_of(parsed.provider)
        end = start + timedelta(minutes=parsed.visit_type.minutes)
        if day.day not in days_touched(start, end, zone):
            return day
        return day.with_occupant(occupant_on(day.day, zone, start, end, OccupantKind.REQUEST, self.request_id))

    def _withdrawn(self, earlier: Request, written: Sequence[DayOccupancy]) -> list[Change]:
        """The changes that end an earlier request, but for the days that are written anyway, without it."""
        submit = self.submit
        due = messages.on_cancel_by_patient(bool(earlier.patient.email))
        transition = requests.cancelled(earlier, requests.PATIENT, submit.clock.now(), due)
        transition = replace(transition, after=replace(transition.after, replaced_by=self.request_id))
        places = freed(submit.explain_slot.calendar, self.parsed.practice, transition.after)
        anyway = {(day.provider_id, day.day) for day in written}
        return [
            RequestChange(transition),
            *(one for one in places if (one.after.provider_id, one.after.day) not in anyway),
        ]


def _still_waiting(earlier: Request) -> Request | None:
    """An earlier request, if another can take its place. Raises RequestAlreadyAnswered, if it has a visit."""
    if earlier.link:
        raise RequestAlreadyAnswered
    return earlier if earlier.pending else None
