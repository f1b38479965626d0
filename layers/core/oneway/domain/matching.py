"""Does an appointment confirm a request by itself? (product section 2)"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import blake2b

from msgspec.structs import replace

from .appointments import CONFIRMING, Appointment, PersonName, RecordPatient, RowKind
from .people import agrees, family_name, given_names, normalise_email, same_name
from .practices import Location, Practice
from .requests import Request

RESCHEDULED_WITHIN = timedelta(days=30)
"""How far a visit may lie from the requested time to be the same one rescheduled (product section 2)."""


def could_confirm(appointment: Appointment) -> bool:
    """Whether an appointment, by itself, may answer some request; most rows may not, and are not looked at again."""
    row = appointment.row
    free = appointment.request_id is None and appointment.missing_since is None
    return free and row.kind is RowKind.APPOINTMENT and row.state in CONFIRMING and row.patient is not None


def confirms(appointment: Appointment, request: Request, practice: Practice) -> bool:
    """Whether all that section 2 asks for holds; whoever calls sees to it that both are as last committed."""
    return request.pending and answers(appointment, request, practice)


def answers(appointment: Appointment, request: Request, practice: Practice) -> bool:
    """Whether an appointment would confirm a request, if that waited; it may have ended without a visit."""
    row = appointment.row
    if not could_confirm(appointment) or row.patient is None:
        return False
    if appointment.practice != request.practice or request.link is not None or request.slot is None:
        return False
    if not row.zone_certain or row.start != request.slot.start or appointment.changed_at <= request.created_at:
        return False
    if not agrees(request.patient, row.patient):
        return False  # nearly all end here
    provider = practice.providers.get(appointment.provider_id)
    if provider is None or not provider.integrated or is_dismissed(request, appointment):
        return False
    return not _elsewhere(row.location_external_id, request, practice)


def same_person_moved(appointment: Appointment, request: Request, practice: Practice) -> bool:
    """Whether an appointment to come is the same person's, mostly at another time: exactly the same identifiers, entered or
    changed since the request was made, within thirty days, and not one of a series.
    """
    row = appointment.row
    if not could_confirm(appointment) or row.patient is None or row.series:
        return False
    provider = practice.providers.get(appointment.provider_id)
    if provider is None or not provider.integrated or not row.zone_certain or is_dismissed(request, appointment):
        return False
    if abs(row.start - request.listed_at) > RESCHEDULED_WITHIN:
        return False
    return appointment.changed_at > request.created_at and agrees(request.patient, row.patient)


def says_it_replaces(appointment: Appointment, old: Appointment) -> bool:
    """Whether a visit takes the place of one that was cancelled, because one of them says so; not that of another patient."""
    if not could_confirm(appointment) or is_another_patient(old.identity, appointment.row.patient):
        return False
    return _points(appointment, old) or _is_pointed_at(appointment, old)


def is_said_which_replaces(old: Appointment, found: Iterable[Appointment]) -> bool:
    """Whether the source says which visit takes the place of one that was cancelled, be it one that cannot be tied: then no
    other is taken for it.
    """
    return old.row.replaced_by is not None or any(_points(one, old) for one in found)


def _points(appointment: Appointment, old: Appointment) -> bool:
    return appointment.source_id == old.source_id and appointment.row.replaces == old.row.external_id


def _is_pointed_at(appointment: Appointment, old: Appointment) -> bool:
    return appointment.source_id == old.source_id and appointment.row.external_id == old.row.replaced_by


def entered_anew(appointment: Appointment, old: Appointment, since: datetime) -> bool:
    """Whether a visit may take the place of one that was cancelled, though neither says so: it is the same source patient's with
    the same provider, first seen since an instant.
    """
    row, before = appointment.row, old.row
    if not could_confirm(appointment) or appointment.source_id != old.source_id:
        return False
    if appointment.provider_id != old.provider_id or row.patient is None or before.patient is None:
        return False
    same = row.patient.source_id is not None and row.patient.source_id == before.patient.source_id
    return same and appointment.first_seen_at >= since


def is_another_patient(known: RecordPatient | None, seen: RecordPatient | None) -> bool:
    """Whether an appointment's patient, as known when it was linked, has become another: another id (not of a merged record), or
    name and birth date. A record that could not be looked up says nothing of whose it is, neither before nor after.
    """
    if known is None or seen is None:
        return known is not seen
    if _is_unread(seen) and known.source_id == seen.source_id:
        return False
    if known.source_id and seen.source_id and known.source_id != seen.source_id:
        return known.source_id not in seen.former_ids
    if _is_unread(known):
        return False
    same = known.names == seen.names or any(same_name(one, other) for one in known.names for other in seen.names)
    return not same and known.birth_date != seen.birth_date


def known_after(known: RecordPatient | None, seen: RecordPatient | None) -> RecordPatient | None:
    """Who an appointment was linked as, after a pull: with what was not known of the same patient, and a merged record's id."""
    if known is None or seen is None or is_another_patient(known, seen):
        return known
    return replace(
        known,
        source_id=seen.source_id or known.source_id,
        names=known.names or seen.names,
        birth_date=known.birth_date or seen.birth_date,
    )


def identifiers_of(record: RecordPatient | None) -> str:
    """A digest of what identifies a record's patient: while it is the same, what staff said of it stands. In whichever order a
    source tells it, and however it writes it. Of a record that could not be looked up, its id is all that does; of none, nothing.
    """
    if record is None:
        return ""
    if _is_unread(record):
        record = RecordPatient(record.source_id)
    names = sorted(_normalised(one) for one in record.names)
    emails = sorted(map(normalise_email, record.emails))
    parts = record.source_id, names, str(record.birth_date or ""), sorted(record.phones), emails
    return blake2b(repr(parts).encode(), digest_size=8).hexdigest()


def _normalised(name: PersonName) -> tuple[str, ...]:
    given, family = given_names(name.given), family_name(name.family, name.suffix)
    return str(name.use), given.whole, family.whole, family.suffix or given.suffix


def is_dismissed(request: Request, appointment: Appointment) -> bool:
    """Whether staff said that it is not the answer, and nothing that identifies its patient has changed since. What could not be
    looked up, then or now, is no change.
    """
    if not request.dismissals:
        return False
    of_it = {one.identifiers for one in request.dismissals if one.appointment_id == appointment.id}
    patient = appointment.row.patient
    if not of_it or patient is None or _is_unread(patient):
        return bool(of_it)
    return not of_it.isdisjoint(map(identifiers_of, (patient, RecordPatient(patient.source_id), None)))


def _is_unread(record: RecordPatient) -> bool:
    """Whether a record could not be looked up, so that nothing but its id is known of whose it is."""
    return not record.names and record.birth_date is None


def oldest_confirmed(appointment: Appointment, requests: Iterable[Request], practice: Practice) -> Request | None:
    """Of several requests that an appointment would confirm, the oldest."""
    confirmed = [r for r in requests if confirms(appointment, r, practice)]
    return min(confirmed, key=lambda r: (r.created_at, r.id), default=None)


def location_of(external_id: str | None, practice: Practice) -> str | None:
    """Our id of the location that a source calls so; None where it is not known."""
    if external_id is None:
        return None
    return next((where.id for where in practice.locations.values() if where.external_id == external_id), None)


def place_of(request: Request, practice: Practice) -> Location:
    """Where a request's visit is: as the source has it, where that place is one of ours; else where its provider works."""
    own = location_of(request.link.location, practice) if request.link else None
    provider = practice.providers.get(request.link.provider_id if request.link else request.provider_id)
    identifier = own or (provider.location_id if provider else request.location_id)
    return practice.locations.get(identifier) or next(iter(practice.locations.values()))


def _elsewhere(external_id: str | None, request: Request, practice: Practice) -> bool:
    return location_of(external_id, practice) not in (None, request.location_id)
