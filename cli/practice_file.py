"""practice.yaml: from text to a practice, or to everything that is wrong with it (docs/practice-file.md).

Pure: no network, no environment, no other file. Credentials are never in the file; it names where they are.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar
from zoneinfo import available_timezones

from oneway import languages
from oneway.colours import is_colour
from oneway.domain.addresses import AddressFault, as_sent, fault_in
from oneway.domain.availability import Availability, Calendar
from oneway.domain.feeds import INTERVALS
from oneway.domain.practice_settings import BOUNDS, LONGEST_ID, is_id
from oneway.domain.practices import (
    Limits,
    Location,
    Practice,
    Provider,
    Source,
    StaffMember,
    StaffRole,
    Switches,
    VisitType,
)
from oneway.domain.vanishing import USUAL_BRAKE, Brake
from oneway.phones import to_e164
from oneway.sources.fhir_profiles import PROFILES

from .credentials import Credentials, read_address, read_credentials
from .document import Fields, Item, Place, Problem, Problems, compose, each, suggestion
from .hours import read_availability, read_closures
from .public_holidays import regions_of

KINDS = {"fhir": tuple(PROFILES)}
"""The kinds of source that there are, each with its profiles."""
LEAST_REQUESTS_PER_MINUTE, MOST_REQUESTS_PER_MINUTE = 2, 10_000
_DEFAULTS = Practice("", "", "", "", "", "", (), "", {}, {}, {})
_ORIGIN = re.compile(r"https://[a-z0-9.-]+(:[0-9]{1,5})?|http://([a-z0-9-]+\.)*localhost(:[0-9]{1,5})?")
"""What a browser calls an origin (RFC 6454); only this machine's may go without encryption."""
_LANGUAGE = re.compile(r"[a-z]{2,3}")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PhotoReference:
    """Where a photo is (as written, counted from the practice file's folder), and where the file says so."""

    path: str
    place: Place


@dataclass(frozen=True, slots=True)
class PracticeFile:
    """A valid practice file. `credentials` tells how each source is signed in to; no secret itself is here. `photos` names the
    files of providers' photos, by provider, `logo` a picture beside the file.
    """

    practice: Practice
    credentials: Mapping[str, Credentials]
    logo: str = ""
    photos: Mapping[str, PhotoReference] = field(default_factory=dict)


class PracticeFileInvalid(Exception):
    """The file cannot be used; `problems` names everything that is wrong with it, from top to bottom."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = tuple(sorted(problems))


def read(text: str) -> PracticeFile:
    """The practice that a file describes. Raises PracticeFileInvalid."""
    problems = Problems()
    root = compose(text, problems)
    found = _Reader(problems).practice(root) if root else None
    if problems.found or found is None:
        raise PracticeFileInvalid(problems.found)
    return found


class _Reader:
    """Reads the parts of a practice; what one part names in another is checked against what was written there."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._country = ""

    def practice(self, root: Fields) -> PracticeFile:
        slug = _id(root.need("practice", "harbor"))
        name = root.text("name", "Harbor Clinic")
        country = self._country = _country(root.need("country", "US"))
        phone = _phone(root.need("phone", '"+1 415 555 0100"'), country)
        zone = _zone(root.need("zone", "America/Los_Angeles"))
        language = root.optional_choice("language", "language of pages and messages", languages.LANGUAGES, "en")
        reply_to = _email(root.need("reply_to", "frontdesk@harbor.example"))
        recipients = self._recipients(root)
        locations = self._named(root.need("locations"), lambda i, f: _location(i, f, zone), "location")
        visit_types = self._named(root.need("visit_types"), _visit_type, "visit type")
        credentials: dict[str, Credentials] = {}
        sources = self._named(root.get("sources"), lambda i, f: _source(i, f, credentials), "source", optional=True)
        read_provider = _ProviderReader(self._problems, tuple(locations), tuple(visit_types), tuple(sources))
        providers = self._named(root.need("providers"), read_provider, "provider")
        closures = Availability(closures=read_closures(root.get("closures")))
        practice = Practice(
            slug=slug,
            name=name,
            phone=phone,
            zone=zone,
            country=country,
            language=language,
            recipients=recipients,
            reply_to=reply_to,
            locations=locations,
            visit_types=visit_types,
            providers=providers,
            sources=sources,
            staff=self._staff(root.get("staff")),
            switches=_switches(root.get("messages")),
            minimum_notice_minutes=root.optional_number(
                "minimum_notice_minutes", _DEFAULTS.minimum_notice_minutes, *BOUNDS["minimum_notice_minutes"]
            ),
            horizon_days=root.optional_number("horizon_days", _DEFAULTS.horizon_days, *BOUNDS["horizon_days"]),
            accent=_accent(root.get("accent")),
            limits=_limits(root.get("limits")),
            region=_region(root.get("region"), country),
            embed_origins=self._distinct(root.get("embed_origins"), _origin),
            calendars={"": Calendar(closures)}
            | {provider_id: Calendar(one) for provider_id, one in read_provider.availability.items()},
        )
        logo = root.optional_text("logo")
        root.done()
        return PracticeFile(practice, credentials, logo, read_provider.photos)

    def _recipients(self, root: Fields) -> tuple[str, ...]:
        item = root.need("recipients", "[frontdesk@harbor.example]")
        found = self._distinct(item, _email)
        if item and not found and not self._problems.found:
            item.wrong("name at least one address: staff's messages go there.")
        return found

    def _distinct(self, item: Item | None, read_one: Callable[[Item], str]) -> tuple[str, ...]:
        """The values of a list, each of them once."""
        seen: dict[str, None] = {}
        for one in item.items() if item else ():
            value = read_one(one)
            if value in seen:
                one.wrong(f'"{value}" stands twice in this list.')
            elif value:
                seen[value] = None
        return tuple(seen)

    def _named(
        self, item: Item | None, read_one: Callable[[str, Fields], T], what: str, *, optional: bool = False
    ) -> dict[str, T]:
        """A mapping from ids to what they name."""
        found: dict[str, T] = {}
        if item is None:
            return found
        fields = item.fields()
        for identifier, place, value in fields.entries():
            if not is_id(identifier):
                self._problems.add(place, _id_message(identifier))
            found[identifier] = read_one(identifier, value.fields())
        if not found and not optional and not self._problems.found:
            item.wrong(f"name at least one {what}.")
        return found

    def _staff(self, item: Item | None) -> dict[str, StaffMember]:
        found: dict[str, StaffMember] = {}
        for one in item.items() if item else ():
            fields = one.fields("{email: nadia@harbor.example, name: Nadia P.}")
            email_item = fields.need("email", "nadia@harbor.example")
            email = as_sent(_email(email_item)).lower()
            name = fields.text("name", "Nadia P.")
            role = fields.optional_choice("role", "role", tuple(StaffRole), StaffRole.STAFF)
            fields.done()
            if email in found and email_item:
                email_item.wrong(f'"{email}" stands twice among the staff.')
            elif email and role:
                found[email] = StaffMember(email, name, StaffRole(role))
        return found


class _ProviderReader:
    """Reads a provider; locations, visit types and sources have to be those of the file."""

    def __init__(
        self, problems: Problems, locations: tuple[str, ...], visit_types: tuple[str, ...], sources: tuple[str, ...]
    ) -> None:
        self._problems = problems
        self._locations = locations
        self._visit_types = visit_types
        self._sources = sources
        self._feeds: dict[tuple[str, str], Place] = {}
        self.availability: dict[str, Availability] = {}
        self.photos: dict[str, PhotoReference] = {}

    def __call__(self, identifier: str, fields: Fields) -> Provider:
        name = fields.text("name", "Dr. Amara Osei")
        location = self._one_of(fields.need("location", ", ".join(self._locations[:1])), "location", self._locations)
        visit_types = self._several_of(fields.need("visit_types", f"[{', '.join(self._visit_types[:2])}]"))
        spoken = tuple(each(fields.get("languages"), _spoken))
        source_id, external_id = self._source_of(fields)
        self.availability[identifier] = read_availability(fields)
        if (photo := fields.get("photo")) and (path := photo.text(example="photos/osei.jpg")):
            self.photos[identifier] = PhotoReference(path, photo.place)
        maximum = fields.get("daily_maximum")
        provider = Provider(
            identifier,
            name,
            location,
            visit_types,
            spoken,
            source_id,
            external_id,
            split=fields.optional_number("split", 1, *BOUNDS["split"]),
            step_minutes=fields.optional_number("step_minutes", 15, *BOUNDS["step_minutes"]),
            buffer_before_minutes=fields.optional_number("buffer_before_minutes", 0, *BOUNDS["buffer_before_minutes"]),
            buffer_after_minutes=fields.optional_number("buffer_after_minutes", 0, *BOUNDS["buffer_after_minutes"]),
            daily_maximum=maximum.number(*BOUNDS["daily_maximum"]) if maximum else None,
            recipients=tuple(dict.fromkeys(filter(None, each(fields.get("recipients"), _email)))),
        )
        fields.done()
        return provider

    def _source_of(self, fields: Fields) -> tuple[str | None, str | None]:
        """A provider is integrated by both its source and its id there, or not at all."""
        source_item, external_item = fields.get("source"), fields.get("external_id")
        if source_item is None and external_item is None:
            return None, None
        if source_item is None and external_item:
            external_item.wrong(f'an external_id needs a "source" beside it. {suggestion("", self._sources)}')
            return None, None
        source_id = self._one_of(source_item, "source", self._sources)
        if external_item is None and source_item:
            source_item.wrong('a source needs an "external_id" beside it: the provider\'s id in that system.')
            return None, None
        external_id = external_item.text() if external_item else ""
        if source_id and external_id and external_item:
            first = self._feeds.setdefault((source_id, external_id), external_item.place)
            if first != external_item.place:
                external_item.wrong(f'"{external_id}" is already the provider of line {first.line}.')
        return source_id or None, external_id or None

    def _one_of(self, item: Item | None, what: str, allowed: tuple[str, ...]) -> str:
        return item.choice(what, allowed) if item else ""

    def _several_of(self, item: Item | None) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for one in item.items() if item else ():
            word = one.choice("visit type", self._visit_types)
            if word in found:
                one.wrong(f'"{word}" stands twice in this list.')
            elif word:
                found[word] = None
        if item and not found and not self._problems.found:
            item.wrong("name at least one visit type.")
        return tuple(found)


def _location(identifier: str, fields: Fields, zone: str) -> Location:
    name = fields.text("name", "Main Street")
    address = fields.text("address", "12 Main Street, San Francisco")
    zone_item = fields.get("zone")
    external_id = fields.optional_text("external_id")
    fields.done()
    return Location(identifier, name, address, _zone(zone_item) if zone_item else zone, external_id or None)


def _visit_type(identifier: str, fields: Fields) -> VisitType:
    name = fields.text("name", "New patient")
    minutes_item = fields.need("minutes", "30")
    minutes = minutes_item.number(*BOUNDS["minutes"]) if minutes_item else 0
    names = {}
    if names_item := fields.get("names"):
        inner = names_item.fields("{es: Paciente nuevo}")
        names = {code: text for code in languages.LANGUAGES if (text := inner.optional_text(code))}
        inner.done()
    who_item = fields.get("for")
    who = each(who_item, lambda one: one.choice("kind of patient", ("new", "returning"))) or ["new", "returning"]
    fields.done()
    return VisitType(identifier, name, minutes, "new" in who, "returning" in who, names)


def _source(identifier: str, fields: Fields, credentials: dict[str, Credentials]) -> Source:
    kind_item = fields.need("kind", "fhir")
    kind = kind_item.choice("kind of source", tuple(KINDS)) if kind_item else ""
    address = read_address(fields.need("address", "https://fhir.example.org/r4")).rstrip("/")
    interval_item = fields.get("interval_minutes")
    interval = int(interval_item.choice("interval", [str(i) for i in INTERVALS]) or 0) if interval_item else 5
    profile = fields.optional_choice("profile", "profile", KINDS.get(kind, ("generic",)), "generic")
    account = fields.get("account")
    brake = _brake(fields.get("brake"))
    pace_item = fields.get("requests_per_minute")
    pace = pace_item.number(LEAST_REQUESTS_PER_MINUTE, MOST_REQUESTS_PER_MINUTE) if pace_item else 0
    credentials[identifier] = read_credentials(fields.get("credentials"), kind)
    fields.done()
    return Source(identifier, kind, address, interval, profile, _id(account) if account else "", brake, pace)


def _brake(item: Item | None) -> Brake:
    if item is None:
        return USUAL_BRAKE
    fields = item.fields("{visits: 5, percent: 30}")
    found = Brake(
        fields.optional_number("visits", USUAL_BRAKE.visits, 1, 10_000),
        fields.optional_number("percent", USUAL_BRAKE.percent, 0, 100),
    )
    fields.done()
    return found


def _switches(item: Item | None) -> Switches:
    if item is None:
        return Switches()
    fields = item.fields("confirmed: true")
    found = Switches(
        confirmed=fields.optional_flag("confirmed", True),
        cancelled=fields.optional_flag("cancelled", True),
        rescheduled=fields.optional_flag("rescheduled", True),
        unanswered=fields.optional_flag("unanswered", True),
        not_confirmed=fields.optional_flag("not_confirmed", True),
        expired=fields.optional_flag("expired", True),
    )
    fields.done()
    return found


def _limits(item: Item | None) -> Limits:
    if item is None:
        return Limits()
    fields, usual = item.fields("pending_per_person: 3"), Limits()
    found = Limits(
        fields.optional_number("pending_per_person", usual.pending_per_person, *BOUNDS["pending_per_person"]),
        fields.optional_number("pending_per_contact", usual.pending_per_contact, *BOUNDS["pending_per_contact"]),
    )
    fields.done()
    return found


def _region(item: Item | None, country: str) -> str:
    code = item.text() if item else ""
    if item and code and country and code not in (known := regions_of(country)):
        item.wrong(f'there is no region "{code[:20]}" of {country}. {suggestion(code, known)}')
        return ""
    return code


def _id(item: Item | None) -> str:
    word = item.text() if item else ""
    if item and word and not is_id(word):
        item.wrong(_id_message(word))
        return ""
    return word


def _id_message(word: str) -> str:
    proposal = re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-")[:LONGEST_ID].strip("-")
    meant = f' Write for example: "{proposal}"' if proposal else ""
    return f"an id has lower-case letters a-z, digits and single hyphens, at most {LONGEST_ID}.{meant}"


def _country(item: Item | None) -> str:
    from phonenumbers import SUPPORTED_REGIONS

    code = item.text() if item else ""
    if item and code and code not in SUPPORTED_REGIONS:
        meant = f' Write: "{code.upper()}"' if code.upper() in SUPPORTED_REGIONS else " Such as US, MX, ES."
        item.wrong(f'"{code[:20]}" is no country code (ISO 3166-1, two capital letters).{meant}')
        return ""
    return code


def _phone(item: Item | None, country: str) -> str:
    text = item.text() if item else ""
    if not item or not text or not country:
        return ""
    number = to_e164(text, country)
    if number is None:
        item.wrong(
            f'"{text[:40]}" is no phone number of {country}. Write it as you dial it, or with + and country code.'
        )
        return ""
    return number


def _zone(item: Item | None) -> str:
    name = item.text() if item else ""
    if not item or not name:
        return ""
    if name not in _zones():
        item.wrong(f'there is no time zone "{name[:40]}". {_zone_hint(name)}')
        return ""
    return name


def _zone_hint(name: str) -> str:
    from difflib import get_close_matches

    wanted, known = name.replace(" ", "_"), sorted(_zones())
    close = [zone for zone in known if wanted and f"/{zone}".lower().endswith(f"/{wanted}".lower())]
    close = close or get_close_matches(wanted, known, n=1, cutoff=0.6)
    return f'Did you mean "{close[0]}"?' if close else "Write an IANA name such as America/Los_Angeles."


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    """Names of places; abbreviations such as EST know no daylight saving."""
    return frozenset(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/")) | {"UTC"}


def _email(item: Item | None) -> str:
    text = item.text(example="frontdesk@harbor.example") if item else ""
    if item is None or not text:
        return ""
    match fault_in(text):
        case AddressFault.NO_ADDRESS:
            item.wrong(f'"{text[:60]}" is no e-mail address. Write for example: frontdesk@harbor.example')
        case AddressFault.LETTERS:
            item.wrong(f'Mail cannot be sent to "{text[:60]}": only a to z, digits and signs may stand before the @.')
        case None:
            return text
    return ""


def _accent(item: Item | None) -> str:
    if item is None:
        return _DEFAULTS.accent
    text = item.text()
    if text and not is_colour(text):
        item.wrong(f'"{text[:20]}" is no colour. Write six hexadecimal digits in quotes, such as "#0b6e99".')
        return ""
    return text.lower()


def _origin(item: Item) -> str:
    text = item.text(example="https://www.harbor.example").lower().rstrip("/")
    if text and not _ORIGIN.fullmatch(text):
        item.wrong(
            f'"{text[:60]}" is no address of a site. Write scheme and host alone, such as https://www.harbor.example'
        )
        return ""
    return text


def _spoken(item: Item) -> str:
    code = item.text()
    if code and not _LANGUAGE.fullmatch(code):
        item.wrong(f'"{code[:20]}" is no language code. Write ISO 639 codes such as [en, es].')
    return code
