"""What a scheduling system says: rows as read, and the appointments and blocks that we keep of them."""

from datetime import date, datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from .occupancy import LONGEST_DAYS


class AppointmentState(StrEnum):
    """Canonical states of a visit (product section 5); the source's raw word is kept beside it."""

    TENTATIVE = "tentative"
    BOOKED = "booked"
    ARRIVED = "arrived"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    UNKNOWN = "unknown"


CONFIRMING = frozenset({AppointmentState.BOOKED, AppointmentState.ARRIVED, AppointmentState.COMPLETED})
"""The states in which an appointment may confirm a request by itself (product section 2)."""
WAITING = frozenset({AppointmentState.TENTATIVE, AppointmentState.UNKNOWN})
"""The states that only occupy a place: a request waits for another one, linked or not."""


GONE = "gone"
"""The raw state of a visit that the source no longer has."""


class RowKind(StrEnum):
    """A visit of a patient, or busy time without one."""

    APPOINTMENT = "appointment"
    BLOCK = "block"


class NameUse(StrEnum):
    """What a name on a record is for; old names and nicknames never agree by themselves (product section 2)."""

    CURRENT = "current"
    OLD = "old"
    NICKNAME = "nickname"


class PersonName(Struct, frozen=True):
    """A name as the source writes it; `given` in order, first name first."""

    given: tuple[str, ...]
    family: str
    suffix: str = ""
    use: NameUse = NameUse.CURRENT


class RecordPatient(Struct, frozen=True):
    """The patient as the source's record has it; `phones` (a guarantor's too) in E.164, `emails` as written.

    `former_ids` are those of records that were merged into this one.
    """

    source_id: str | None
    names: tuple[PersonName, ...] = ()
    birth_date: date | None = None
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    former_ids: tuple[str, ...] = ()


class ScheduleRow(Struct, frozen=True):
    """One row of a source's schedule, translated and otherwise untouched.

    `start` and `end` are UTC; `start_text` is what the source wrote, `zone_certain` whether its zone is beyond doubt.
    `provider_external_id`, `location_external_id`, `series`, `replaces` and `replaced_by` are the source's ids.
    """

    external_id: str
    kind: RowKind
    raw_state: str
    state: AppointmentState
    start: datetime
    end: datetime
    start_text: str
    zone_certain: bool
    provider_external_id: str
    location_external_id: str | None = None
    patient: RecordPatient | None = None
    series: str | None = None
    replaces: str | None = None
    replaced_by: str | None = None


class WhyAside(StrEnum):
    """Why a row cannot be used, as operators read it; pages say it in words of their own."""

    NO_SHAPE = "does not have the shape of an Appointment"
    NO_ID = "has no id that can be used"
    NO_PROVIDER = "names none of the providers asked for"
    NO_START = "has no start"
    NO_END = "has neither end nor duration"
    START_NO_INSTANT = "its start is not an instant with an offset"
    END_NO_INSTANT = "its end is not an instant with an offset"
    START_NEVER = "its start does not exist"
    END_NEVER = "its end does not exist"
    ENDLESS = "its duration leads nowhere"
    ENDS_FIRST = "ends before it starts"
    TOO_LONG = f"longer than {LONGEST_DAYS} days"
    TOO_LARGE = "larger than a visit can be"


class SetAsideRow(Struct, frozen=True):
    """A row that could not be used: where it stood, and why, without any of its data. The source's `external_id` ("": not told)
    and the start, where it can be told, are what staff find it by in their system. The reason is a `WhyAside`, or what an
    earlier version wrote.
    """

    position: str
    reason: str
    external_id: str = ""
    start: datetime | None = None


class Appointment(Struct, frozen=True):
    """A visit or block imported from a source (`row.kind`), linked to a request or not.

    `changed_at` is when its patient, time or provider last changed (at first `first_seen_at`): only what changed after a
    request was made may confirm it. `missing_since` marks one that complete pulls no longer show. While it is linked,
    `linked_as` says who its patient was then.
    """

    practice: str
    id: str
    source_id: str
    provider_id: str
    row: ScheduleRow
    first_seen_at: datetime
    changed_at: datetime
    missing_since: datetime | None = None
    request_id: str | None = None
    version: int = 1
    linked_as: RecordPatient | None = None

    @property
    def start(self) -> datetime:
        """When the visit begins (UTC)."""
        return self.row.start

    @property
    def end(self) -> datetime:
        """When the visit ends (UTC)."""
        return self.row.end

    @property
    def state(self) -> AppointmentState:
        """Its canonical state."""
        return self.row.state

    @property
    def occupies(self) -> bool:
        """Whether it holds its place: all do but cancelled ones (product section 4, *Occupants*)."""
        return self.row.state is not AppointmentState.CANCELLED

    def updated(self, row: ScheduleRow, provider_id: str, now: datetime) -> "Appointment":
        """What it is after a pull that showed `row`."""
        old = self.row
        moved = (row.start, row.end, row.patient) != (
            old.start,
            old.end,
            old.patient,
        ) or provider_id != self.provider_id
        return replace(
            self,
            row=row,
            provider_id=provider_id,
            changed_at=now if moved else self.changed_at,
            missing_since=None,
            version=self.version + 1,
        )

    def gone(self, now: datetime) -> "Appointment":
        """What it is once the source says, read by id, that it no longer exists."""
        row = replace(self.row, state=AppointmentState.CANCELLED, raw_state=GONE)
        return replace(self, row=row, missing_since=None, changed_at=now, version=self.version + 1)

    def missing(self, now: datetime) -> "Appointment":
        """What it is after a complete pull that did not show it."""
        return replace(self, missing_since=now, version=self.version + 1)

    @property
    def identity(self) -> RecordPatient | None:
        """Who its patient is without their contacts: as of when it was linked, where it is."""
        patient = self.linked_as or self.row.patient
        return replace(patient, phones=(), emails=()) if patient else None

    def linked(self, request_id: str | None, as_known: RecordPatient | None = None) -> "Appointment":
        """The same appointment, as the answer to a request of its patient (else of one `as_known`); or to none any more."""
        whose = (as_known or replace(self, linked_as=None).identity) if request_id else None
        return replace(self, request_id=request_id, linked_as=whose, version=self.version + 1)
