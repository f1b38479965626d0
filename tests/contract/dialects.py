"""What a scheduling system says, in the words of each kind, so that one suite can put every source through the same faults.

Whoever adds a kind of source writes two things and changes no test: here a Dialect (how a server of the kind says what the
suite wants said), entered in DIALECTS, and in desks.py a Desk (how staff enter the same into a server that is not ours).
test_faulty_sources.py then holds the new source to all that the others are held to; what its capabilities do not claim (pages,
to be asked by id, …) is not asked of it. What only this kind can get wrong (its
references, its paging, what its vendors do otherwise) gets a file of its own, as FHIR has in test_fhir_faults.py.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from msgspec import Struct, field
from msgspec.structs import replace
from oneway.domain.appointments import AppointmentState, ScheduleRow, SetAsideRow
from oneway.domain.feeds import FeedSettings, FeedState, Window
from oneway.ports import ScheduleSource, Snapshot
from oneway.sources.fhir_profiles import STATES
from oneway.sources.opening import OpenSource

from local.serving import Asked, LoopbackServer, Told
from tests.builders import ZONE, feed_settings
from tests.fakes.store import FakeClock

NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(days=1), NOW + timedelta(days=30), date(2026, 11, 23))
START = datetime(2026, 11, 24, 9, 30, tzinfo=timezone(timedelta(hours=-8)))
Answer = Told | Callable[[Asked], Told]


class Record(Struct, frozen=True):
    """A patient's record, perhaps merged into another."""

    id: str = "p"
    family: str = "Reed"
    birth_date: date = date(1990, 11, 2)
    replaced_by: "Record | None" = None


REED = Record()


class Visit(Struct, frozen=True):
    """A visit, or a block if it has no patient. `start` has the offset that is written; `status` is a state that the kind has a
    word for, or a word of the source's own; `changed` is when it was last written there.
    """

    id: str
    start: datetime = START
    length: timedelta = timedelta(minutes=30)
    status: AppointmentState | str = AppointmentState.BOOKED
    provider: str = "osei"
    patient: Record | None = REED
    changed: datetime = NOW - timedelta(days=1)


Entry = Any
"""A Visit, or what a Dialect makes besides: it goes into an answer as it is."""


class Garbage(Struct, frozen=True):
    """An entry that is no row, how the reason begins with which it is set aside, and whether it still shows its id."""

    entry: Entry
    reason: str
    shows_id: bool = True


class Dialect(Protocol):
    """How a kind of source says things. `kind` is its name in a practice file, `document` the credentials that it is given,
    `delta_profile` the profile by which it tells what changed ("": it never does).
    """

    kind: str
    document: str
    delta_profile: str

    def settings(self, url: str) -> FeedSettings:
        """Of a feed of provider "osei" that a server at this address has."""

    def word(self, state: AppointmentState) -> str:
        """The source's word for a state."""

    def pages(self, *pages: Sequence[Entry]) -> list[Told]:
        """A whole answer, page by page, each with the way to the next; these entries, and the records of their patients."""

    def holding(self, *visits: Visit) -> Callable[[Asked], Told]:
        """A server that has these visits and their patients, and says so of all (by provider, where it can), of those that
        changed, of one visit or of one patient; of any other visit that it is not there.
        """

    def tombstone(self, identifier: str) -> Entry:
        """What stands for a visit that is no more."""

    def refuses_changes(self, otherwise: Callable[[Asked], Told]) -> Callable[[Asked], Told]:
        """A server that no longer takes a cursor."""

    def garbage(self, identifier: str) -> Mapping[str, Garbage]:
        """What is no row, by what is wrong with it; with the word "Reed" wherever there is room for a name."""

    def without_zone(self, visit: Visit) -> Entry:
        """The visit, with nothing that says in which zone its time is meant."""

    def all_day(self, identifier: str, day: date) -> Entry:
        """A whole day of the provider's, in the zone of the feed, without a patient."""

    def series(self, identifier: str, starts: Sequence[datetime]) -> tuple[Sequence[Entry], Sequence[str]]:
        """A series of visits as the source says it (one by one, or a rule), and the external ids of its visits."""


class Pulled(Struct):
    snapshot: Snapshot
    rows: Sequence[ScheduleRow]
    set_aside: Sequence[SetAsideRow]


class Server(Struct):
    """Answers one after the other, the last one again and again."""

    dialect: Dialect
    answers: list[Answer]
    asked: list[Asked] = field(default_factory=list)
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    url: str = ""
    factory: OpenSource | None = None

    def answer(self, asked: Asked) -> Told:
        self.asked.append(asked)
        told = self.answers[min(len(self.asked), len(self.answers)) - 1]
        return told(asked) if callable(told) else told

    def holds(self, *visits: Visit) -> None:
        """From now on it has these visits."""
        self.answers = [self.dialect.holding(*visits)]

    def open(self, profile: str = "", deadline: datetime | None = None, **changes: Any) -> ScheduleSource:
        settings = replace(self.dialect.settings(self.url), **changes)
        if profile:
            settings = replace(settings, profile=profile)
        if self.factory is None:
            self.factory = OpenSource(lambda *_: self.dialect.document, self.clock, allow_loopback=True)
        return self.factory(FeedState(settings), deadline)

    def pull(self, validator: str | None = None, *, profile: str = "", window: Window = WINDOW) -> Pulled:
        """What a pull translates, where nothing is known."""
        snapshot = self.open(profile).snapshot(["osei"], window, validator)
        found = snapshot.translate(())
        return Pulled(snapshot, [row for row, _ in found.rows], found.set_aside)


@contextmanager
def serving(dialect: Dialect, *answers: Answer) -> Iterator[Server]:
    server = Server(dialect, list(answers))
    loopback = LoopbackServer(0, server.answer)
    server.url = loopback.url
    try:
        yield server
    finally:
        loopback.close()


FHIR = "application/fhir+json"


def a_visit(identifier: str, **changes: Any) -> dict[str, Any]:
    visit = {
        "resourceType": "Appointment",
        "id": identifier,
        "status": "booked",
        "start": "2026-11-24T09:30:00-08:00",
        "end": "2026-11-24T10:00:00-08:00",
        "participant": [{"actor": {"reference": "Practitioner/osei"}}, {"actor": {"reference": "Patient/p"}}],
    }
    return {key: value for key, value in (visit | changes).items() if value is not None}


def a_patient(**changes: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": "p", "name": [{"family": "Reed"}], "birthDate": "1990-11-02"} | changes


def a_bundle(*resources: Any, following: str = "", **more: Any) -> Told:
    bundle: dict[str, Any] = {"resourceType": "Bundle", "entry": [{"resource": one} for one in resources], **more}
    if following:
        bundle["link"] = [{"relation": "next", "url": following}]
    return Told(json.dumps(bundle), FHIR)


class FhirDialect:
    """FHIR R4, as the generic profile reads it."""

    kind = "fhir"
    delta_profile = "stamped"
    document = '{"token": "secret-token"}'

    def settings(self, url: str) -> FeedSettings:
        return feed_settings(kind=self.kind, address=f"{url}/fhir", profile="generic")

    def word(self, state: AppointmentState) -> str:
        return next(word for word, one in STATES.items() if one is state)

    def pages(self, *pages: Sequence[Entry]) -> list[Told]:
        told, known = [], set[Record]()
        for number, page in enumerate(pages, 1):
            records = {one.patient: None for one in page if isinstance(one, Visit) and one.patient}
            resources = [*map(self._resource, page), *(self._patient(one) for one in records if one not in known)]
            known |= set(records)
            following = f"/fhir/Appointment?page={number + 1}" if number < len(pages) else ""
            told.append(a_bundle(*resources, following=following))
        return told

    def holding(self, *visits: Visit) -> Callable[[Asked], Told]:
        records: dict[str, Record] = {}
        for visit in visits:
            record = visit.patient
            while record:
                records[record.id], record = record, record.replaced_by

        def answer(asked: Asked) -> Told:
            *_, kind, last = asked.path.split("/")
            query = dict(asked.query)
            if last == "Patient":
                wanted = query["_id"].split(",")
                return a_bundle(*(self._patient(records[one]) for one in wanted if one in records))
            if kind == "Appointment":
                found = [json.dumps(self._resource(one)) for one in visits if one.id == last]
                return Told(found[0], FHIR) if found else Told(status=404)
            actors = query["actor"].split(",")
            since = datetime.fromisoformat(query.get("_lastUpdated", "ge0001-01-01T00:00:00Z").removeprefix("ge"))
            found = [one for one in visits if f"Practitioner/{one.provider}" in actors and one.changed >= since]
            return self.pages(found)[0]

        return answer

    def tombstone(self, identifier: str) -> Entry:
        return a_visit(identifier, status="entered-in-error")

    def refuses_changes(self, otherwise: Callable[[Asked], Told]) -> Callable[[Asked], Told]:
        return lambda asked: Told(status=400) if "_lastUpdated" in dict(asked.query) else otherwise(asked)

    def garbage(self, identifier: str) -> Mapping[str, Garbage]:
        def visit(reason: str, **changes: Any) -> Garbage:
            return Garbage(a_visit(identifier, **changes), reason)

        shapeless = "does not have the shape"
        return {
            "a start that is none": visit("its start is not an instant", start="yesterday"),
            "a start without its zone": visit("its start is not an instant", start="2026-11-24T09:30:00"),
            "a day that does not exist": visit("its start does not exist", start="2026-02-30T09:30:00Z"),
            "no start": visit("has no start", start=None),
            "no end": visit("has neither end nor duration", end=None),
            "a long duration": visit("its duration leads nowhere", end=None, minutesDuration=10**12),
            "a duration beyond numbers": visit("its duration leads nowhere", end=None, minutesDuration=10**18),
            "nobody": visit("names none of the providers", participant=[]),
            "a status that is no word": visit(shapeless, status=7),
            "no id": Garbage({"resourceType": "Appointment", "patient": "Reed"}, shapeless, shows_id=False),
            "no object": Garbage("garbage", shapeless, shows_id=False),
        }

    def without_zone(self, visit: Visit) -> Entry:
        start, end = (at.replace(tzinfo=None).isoformat() for at in (visit.start, visit.start + visit.length))
        return self._resource(visit) | {"start": start, "end": end}

    def all_day(self, identifier: str, day: date) -> Entry:
        first, last = (datetime.combine(one, time(), ZoneInfo(ZONE)) for one in (day, day + timedelta(days=1)))
        doctor = [{"actor": {"reference": "Practitioner/osei"}}]
        return a_visit(identifier, start=first.isoformat(), end=last.isoformat(), participant=doctor)

    def series(self, identifier: str, starts: Sequence[datetime]) -> tuple[Sequence[Entry], Sequence[str]]:
        visits = [Visit(f"{identifier}-{number}", start) for number, start in enumerate(starts)]
        return visits, [one.id for one in visits]

    def _resource(self, entry: Entry) -> Any:
        if not isinstance(entry, Visit):
            return entry
        actors = [f"Practitioner/{entry.provider}", *([f"Patient/{entry.patient.id}"] if entry.patient else ())]
        return a_visit(
            entry.id,
            status=self.word(entry.status) if isinstance(entry.status, AppointmentState) else entry.status,
            start=entry.start.isoformat(),
            end=(entry.start + entry.length).isoformat(),
            participant=[{"actor": {"reference": one}} for one in actors],
        )

    def _patient(self, record: Record) -> dict[str, Any]:
        patient = a_patient(id=record.id, name=[{"family": record.family}], birthDate=record.birth_date.isoformat())
        if record.replaced_by:
            other = {"reference": f"Patient/{record.replaced_by.id}"}
            patient["link"] = [{"other": other, "type": "replaced-by"}]
        return patient


DIALECTS: Sequence[Dialect] = [FhirDialect()]
