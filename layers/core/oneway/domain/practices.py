"""A practice and what belongs to it: locations, visit types, providers, sources, staff, switches."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from msgspec import Struct, field
from msgspec.structs import astuple, replace

from .availability import Availability, Calendar, Closure
from .clock_time import zone_of
from .errors import ProviderNotFound
from .feeds import feed_id_of
from .occupancy import Occupant
from .vanishing import USUAL_BRAKE, Brake


class Location(Struct, frozen=True):
    """Where visits take place. `zone` is an IANA name; `external_id` is the source's id of it, if known."""

    id: str
    name: str
    address: str
    zone: str
    external_id: str | None = None


class VisitType(Struct, frozen=True):
    """What a visit is for, how long it takes, and who may book it. `names` holds translations by language."""

    id: str
    name: str
    minutes: int
    for_new_patients: bool = True
    for_returning_patients: bool = True
    names: Mapping[str, str] = field(default_factory=dict)

    def takes(self, new_patient: bool) -> bool:
        """Whether patients who are new to the practice (or known to it) may book it."""
        return self.for_new_patients if new_patient else self.for_returning_patients

    def name_in(self, language: str) -> str:
        """Its name in a language, else its own."""
        return self.names.get(language, self.name)


class Provider(Struct, frozen=True):
    """One clinician's profile; integrated when tied to an external id in a source.

    `split` is how many visits may share one slot, `step_minutes` the grid on which slots start, counted from each opening.
    The buffers are kept free before and after each visit; `daily_maximum` is how many visits a day may have (None: any).
    `photo` is the digest of a picture that is stored beside the practice ("": none).
    """

    id: str
    name: str
    location_id: str
    visit_type_ids: tuple[str, ...]
    languages: tuple[str, ...] = ()
    source_id: str | None = None
    external_id: str | None = None
    split: int = 1
    step_minutes: int = 15
    buffer_before_minutes: int = 0
    buffer_after_minutes: int = 0
    daily_maximum: int | None = None
    photo: str = ""
    recipients: tuple[str, ...] = ()

    @property
    def integrated(self) -> bool:
        """Whether its schedule is read from a source."""
        return self.source_id is not None and self.external_id is not None


class Source(Struct, frozen=True):
    """The connection to one scheduling system. Its credentials stand elsewhere; `account` shares a rate budget of
    `requests_per_minute` (0: any), `brake` says how many visits may vanish at once. `whole`: it cannot be asked for one
    provider, so that one feed reads all; `by_hand`: it gives no birth dates or contacts, so that nothing matches by itself.
    `public_keys` are those that it knows us by, as JWKs (RFC 7517); `split_booking`: it can hold several visits at one time.
    """

    id: str
    kind: str
    address: str
    interval_minutes: int = 5
    profile: str = "generic"
    account: str = ""
    brake: Brake = USUAL_BRAKE
    requests_per_minute: float = 0.0
    whole: bool = False
    by_hand: bool = False
    public_keys: tuple[Mapping[str, str], ...] = ()
    split_booking: bool = True


class StaffRole(StrEnum):
    """What a staff member may do: viewers read, staff do the rest."""

    VIEWER = "viewer"
    STAFF = "staff"


class StaffMember(Struct, frozen=True):
    """Someone who signs in to the portal; `email` in lower case."""

    email: str
    name: str
    role: StaffRole = StaffRole.STAFF


class Switches(Struct, frozen=True):
    """Messages that a practice can turn off (product section 6); *unanswered* goes to staff, the others to patients."""

    confirmed: bool = True
    cancelled: bool = True
    rescheduled: bool = True
    unanswered: bool = True
    not_confirmed: bool = True
    expired: bool = True


class Limits(Struct, frozen=True):
    """How many requests may wait for an answer: of one person, and under one e-mail address or phone number."""

    pending_per_person: int = 3
    pending_per_contact: int = 8


class StaffEdit(Struct, frozen=True):
    """That staff changed a setting: who last, when, and what the practice file had `said` of it before, as a text."""

    by: str
    at: datetime
    said: str


class Practice(Struct, frozen=True):
    """The tenant. `recipients` get staff mail, `reply_to` is monitored; `country` is ISO 3166-1 alpha-2.

    `region` is its part of the country (ISO 3166-2, without the country), which decides on `public_holidays`: closures that
    staff are offered. `calendars` and `long_blocks` are those of its providers, by id; the calendar of "" holds the
    practice's own closures. Pages of `embed_origins` may show the booking tool in a frame. `edits` are the settings that staff
    changed, by name; `version` rises with each change of the practice or its providers.
    """

    slug: str
    name: str
    phone: str
    zone: str
    country: str
    language: str
    recipients: tuple[str, ...]
    reply_to: str
    locations: Mapping[str, Location]
    visit_types: Mapping[str, VisitType]
    providers: Mapping[str, Provider]
    sources: Mapping[str, Source] = field(default_factory=dict)
    staff: Mapping[str, StaffMember] = field(default_factory=dict)
    switches: Switches = Switches()
    minimum_notice_minutes: int = 120
    horizon_days: int = 90
    accent: str = "#0b6e99"
    limits: Limits = Limits()
    region: str = ""
    public_holidays: tuple[Closure, ...] = ()
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    long_blocks: Mapping[str, tuple[Occupant, ...]] = field(default_factory=dict)
    embed_origins: tuple[str, ...] = ()
    edits: Mapping[str, StaffEdit] = field(default_factory=dict)
    version: int = 0

    def __eq__(self, other: object) -> bool:
        """Whether all that it says is the same; how often that was written does not matter."""
        return isinstance(other, Practice) and astuple(replace(self, version=0)) == astuple(replace(other, version=0))

    def __hash__(self) -> int:
        return hash(self.slug)

    def provider(self, provider_id: str) -> Provider:
        """Its provider of an id. Raises ProviderNotFound."""
        try:
            return self.providers[provider_id]
        except KeyError:
            raise ProviderNotFound from None

    def provider_named(self, provider_id: str, location_id: str = "") -> Provider:
        """Whom a request or a visit names. Of a provider who was taken out since, only the id is left to name them by; they are
        at the location that is named beside, and nothing reads their schedule.
        """
        where = location_id if location_id in self.locations else next(iter(self.locations))
        gone = Provider(provider_id, provider_id.replace("-", " ").capitalize(), where, ())
        return self.providers.get(provider_id, gone)

    def recipients_for(self, provider_id: str) -> tuple[str, ...]:
        """Who gets staff's mail about a provider, each address once however it is written."""
        provider = self.providers.get(provider_id)
        return _each_once((provider.recipients if provider else ()) or self.recipients)

    @property
    def staff_recipients(self) -> tuple[str, ...]:
        """Who gets staff's mail about the practice as a whole."""
        return _each_once(self.recipients)

    @property
    def all_recipients(self) -> tuple[str, ...]:
        """Everybody who gets staff's mail: the practice's, then the providers' own."""
        return _each_once((*self.recipients, *(one for each in self.providers.values() for one in each.recipients)))

    def feed_of(self, provider: Provider) -> str | None:
        """The id of the feed that reads a provider's schedule; None if nothing does."""
        if provider.source_id is None or not provider.integrated:
            return None
        source = self.sources[provider.source_id]
        return feed_id_of(source.id, None if source.whole else provider.id)

    def feed_reading(self, provider_id: str) -> str | None:
        """The id of the feed that reads whom a request or a visit names; None if nothing does, or they were taken out since."""
        return self.feed_of(self.provider_named(provider_id))

    def lane_of(self, source: Source) -> str:
        """Whose pulls wait for each other: those of one account of a scheduling system."""
        return source.account or f"{self.slug}~{source.id}"

    @property
    def beating_feeds(self) -> Mapping[str, str]:
        """The one feed of each source that writes its heartbeat, by the source's id."""
        found = dict[str, str]()
        for one in self.providers.values():
            if one.source_id and (feed := self.feed_of(one)):
                found[one.source_id] = min(feed, found.get(one.source_id, feed))
        return found

    def location_of(self, provider: Provider) -> Location:
        """Where a provider works."""
        return self.locations[provider.location_id]

    def zone_of(self, provider: Provider) -> ZoneInfo:
        """The zone in which a provider's days and hours are meant."""
        return zone_of(self.location_of(provider).zone)

    def availability_of(self, provider: Provider) -> Availability:
        """When a provider can be booked, the practice's closures included."""
        own, ours = (self.calendars.get(which, Calendar()).availability for which in (provider.id, ""))
        return own.closed_also_by(ours)

    @property
    def open_hours(self) -> list[Availability]:
        """When somebody of the practice is there: whenever one of its providers can be booked."""
        return [self.availability_of(provider) for provider in self.providers.values()]

    @property
    def public_keys(self) -> list[Mapping[str, str]]:
        """The keys that its sources know us by, each of them once."""
        keys = {key["kid"]: key for source in self.sources.values() for key in source.public_keys}
        return list(keys.values())

    def visit_type(self, visit_type_id: str) -> VisitType:
        """What a request is for. Of a visit type that was taken out since, only the id is left to name it by."""
        gone = VisitType(visit_type_id, visit_type_id.replace("-", " ").capitalize(), 0)
        return self.visit_types.get(visit_type_id, gone)

    def visit_types_of(self, provider: Provider) -> list[VisitType]:
        """What a provider can be booked for."""
        return [self.visit_types[visit_type_id] for visit_type_id in provider.visit_type_ids]


def _each_once(addresses: tuple[str, ...]) -> tuple[str, ...]:
    """Addresses in their order, each of them once."""
    return tuple({address.lower(): address for address in reversed(addresses)}.values())[::-1]
