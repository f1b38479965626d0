"""A patient asks for a time (product sections 1 and 4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from ..domain import identifiers, messages, requests, slots
from ..domain.availability import Availability
from ..domain.clock_time import day_of
from ..domain.errors import KeyReused, SlotAlreadyTaken, SlotNotOffered
from ..domain.occupancy import DayOccupancy, OccupantKind, occupant_on
from ..domain.practices import Practice
from ..domain.requests import Request, RequestedSlot
from ..domain.slots import Closed
from ..links import PrivateLinks
from ..ports import (
    CalendarRepository,
    Clock,
    DayChange,
    Ledger,
    PracticeRepository,
    RequestChange,
    RequestRepository,
)
from .confirm_matches import ConfirmMatches
from .list_slots import rules_of, why_all_closed
from .request_form import ParsedRequest, check_key, parse
from .schedule_age import ScheduleAge
from .settling import settle


@dataclass(frozen=True, slots=True)
class Submitted:
    """A request that is stored, its private link, and whether this call made it (else a repeat found it)."""

    request: Request
    link: str
    practice: Practice
    created: bool


@dataclass(frozen=True, slots=True)
class SubmitRequest:
    """One transaction: the request and its place in the day. Safe to repeat with its key."""

    practices: PracticeRepository
    requests: RequestRepository
    calendar: CalendarRepository
    ledger: Ledger
    confirm_matches: ConfirmMatches
    age: ScheduleAge
    links: PrivateLinks
    clock: Clock

    def check(self, slug: str, form: Mapping[str, object]) -> ParsedRequest:
        """Say now what submitting would say, and store nothing.

        Raises PracticeNotFound, InvalidInput, SlotAlreadyTaken, SlotNotOffered.
        """
        parsed = parse(form, self.practices.get(slug), self.clock.now())
        self._refuse_closed(parsed, self._read_day(parsed))
        return parsed

    def sent(self, slug: str, key: object, form: Mapping[str, object]) -> Submitted | None:
        """What an earlier submit of this form under this key made; None if there was none.

        Raises PracticeNotFound, InvalidInput.
        """
        practice = self.practices.get(slug)
        found = self.requests.get_many(slug, [identifiers.request_id(slug, check_key(key))])
        fingerprint = parse(form, practice, self.clock.now()).fingerprint()
        same = next((request for request in found if request.fingerprint == fingerprint), None)
        return Submitted(same, self.links.of(same), practice, False) if same else None

    def __call__(self, slug: str, key: object, form: Mapping[str, object]) -> Submitted:
        """Submit a form (see `request_form.parse`) under an idempotency key of at least 128 random bits.

        Raises PracticeNotFound, InvalidInput, SlotAlreadyTaken, SlotNotOffered, KeyReused, StoreUnavailable. A request
        that the store accepted without telling us is found again when the same key comes back.
        """
        practice = self.practices.get(slug)
        request_id = identifiers.request_id(slug, check_key(key))
        parsed = parse(form, practice, self.clock.now())
        request, created = settle(lambda: self._submit(parsed, request_id), self.clock)
        if created:
            request = self.confirm_matches.for_request(practice, request)
        return Submitted(request, self.links.of(request), practice, created)

    def _submit(self, parsed: ParsedRequest, request_id: str) -> tuple[Request, bool]:
        for existing in self.requests.get_many(parsed.practice.slug, [request_id]):
            if existing.fingerprint != parsed.fingerprint():
                raise KeyReused
            return existing, False
        day = self._read_day(parsed)
        self._refuse_closed(parsed, day)
        request = self._request(parsed, request_id)
        end = parsed.start + timedelta(minutes=parsed.visit_type.minutes)
        zone = parsed.practice.zone_of(parsed.provider)
        held = occupant_on(day.day, zone, parsed.start, end, OccupantKind.REQUEST, request_id)
        transition = requests.submitted(request, messages.on_submit(bool(parsed.patient.email)))
        self.ledger.commit([RequestChange(transition), DayChange(day, day.with_occupant(held))])
        return transition.after, True

    def _read_day(self, parsed: ParsedRequest) -> DayOccupancy:
        zone = parsed.practice.zone_of(parsed.provider)
        day = day_of(parsed.start, zone)
        read = self.calendar.read(parsed.practice.slug, [(parsed.provider.id, zone.key, day)])
        return read[parsed.provider.id, day]

    def _refuse_closed(self, parsed: ParsedRequest, day: DayOccupancy) -> None:
        practice, provider = parsed.practice, parsed.provider
        if closed := why_all_closed(provider, self.age.minutes(practice, provider)):
            raise SlotNotOffered(closed)
        rules = rules_of(practice, provider, parsed.visit_type, self.clock)
        zone = practice.zone_of(provider)
        openings = Availability(provider.default_weeks).hours_on(day.day)
        reason = slots.why_closed(parsed.start, day.day, openings, day.occupants, zone, rules)
        if reason is None:
            return
        left = slots.free_starts(day.day, openings, day.occupants, zone, rules)
        raise SlotAlreadyTaken(left) if reason is Closed.FULL else SlotNotOffered(reason, left)

    def _request(self, parsed: ParsedRequest, request_id: str) -> Request:
        return Request(
            practice=parsed.practice.slug,
            id=request_id,
            provider_id=parsed.provider.id,
            location_id=parsed.provider.location_id,
            visit_type_id=parsed.visit_type.id,
            slot=RequestedSlot(parsed.start, parsed.start + timedelta(minutes=parsed.visit_type.minutes)),
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
