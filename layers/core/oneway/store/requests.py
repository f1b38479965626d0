"""Requests with their timelines, and the state of their messages."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

from msgspec.structs import replace
from pynamodb.expressions.condition import Condition

from ..domain.claims import Claim, Note
from ..domain.errors import RequestNotFound, WriteConflict
from ..domain.messages import MessageRecord
from ..domain.requests import PATIENT, Happening, Request, TimelineEntry
from ..ports import Beside, RequestFile
from . import keys
from .items import TableItem, answered, decoded, delete_if, get, get_many, item, query, save_if
from .visits import listed_request


def request_item(request: Request) -> TableItem:
    """A request as it is stored: with `open` while staff have to act, or a visit may answer it late or anew; with `unsent` while
    messages are due, or while the clock looks at it later.
    """
    open_at = f"{keys.instant(request.listed_at)}#{request.id}"
    since = request.unsent_since or request.looked_at
    listed = _list_of(request)
    return item(
        keys.request(request.practice, request.id),
        request,
        request.version,
        settled=request.settled or None,
        open=listed,
        open_at=open_at if listed else None,
        unsent=(keys.UNSENT if request.unsent_since else keys.LATER) if since else None,
        unsent_since=f"{keys.instant(since)}#{request.id}" if since else None,
        **listed_request(request),
    )


def _list_of(request: Request) -> str | None:
    """The partition of the index `to_act` in which a request stands."""
    if request.to_act:
        return keys.to_act(request.practice)
    if request.closed:
        return keys.closed(request.practice)
    return keys.called_off(request.practice) if request.may_be_anew else None


def still_as_read(request: Request) -> Condition:
    """That nobody has written a request since it was read. Its body is not compared: another release may store it otherwise."""
    # Items from before the counter have none.
    settled = TableItem.settled == request.settled if request.settled else TableItem.settled.does_not_exist()
    still: Condition = (TableItem.v == request.version) & settled
    return still


def _still_the_message(before: MessageRecord | None) -> Condition:
    """That nobody has written a message since it was read; as of a request, its body is not compared."""
    if before is None:
        return TableItem.pk.does_not_exist()
    # Items from before the counter have none.
    version = TableItem.v == before.version if before.version else TableItem.v.does_not_exist()
    still: Condition = TableItem.pk.exists() & version
    return still


_BESIDE_AT_ONCE = 50
"""Requests whose two items are one BatchGetItem."""


def _hints(found: TableItem) -> list[tuple[str, str]]:
    named = sorted(one.partition("#") for one in found.hints or ())
    return [(provider_id, appointment_id) for appointment_id, _, provider_id in named]


def _asked(request: Request) -> TimelineEntry:
    # The first entry is the request itself.
    return TimelineEntry(1, request.created_at, PATIENT, Happening.ASKED)


class DynamoRequestRepository:
    """Implements ports.RequestRepository."""

    def get(self, practice: str, request_id: str) -> Request:
        """A request, read consistently. Raises RequestNotFound."""
        found = get(keys.request(practice, request_id))
        if found is None:
            raise RequestNotFound
        return decoded(found, Request)

    def get_many(self, practice: str, request_ids: Iterable[str]) -> list[Request]:
        """The requests of these ids that exist, read consistently."""
        found = get_many(keys.request(practice, request_id) for request_id in request_ids)
        return [decoded(one, Request) for one in found]

    def timeline(self, practice: str, request_id: str) -> list[TimelineEntry]:
        """A request's timeline, oldest first. Raises RequestNotFound."""
        asked = _asked(self.get(practice, request_id))
        found = query(keys.request_partition(practice, request_id), TableItem.sk.startswith("EVENT#"), consistent=True)
        return [asked, *(decoded(one, TimelineEntry) for one in found)]

    def to_act(self, practice: str, before: datetime | None = None) -> list[Request]:
        """Requests in Action required by `listed_at`, from the index."""
        condition = TableItem.open_at < keys.instant(before) if before else None
        found = answered(lambda: list(TableItem.to_act_index.query(keys.to_act(practice), condition)))
        return [decoded(one, Request) for one in found]

    def closed(self, practice: str, first: datetime, last: datetime) -> list[Request]:
        """Requests that ended without a visit and are listed in [first, last], from the index."""
        # A start is followed by "#" and the id, so that the last instant is taken in.
        condition = TableItem.open_at.between(keys.instant(first), f"{keys.instant(last)}$")
        found = answered(lambda: list(TableItem.to_act_index.query(keys.closed(practice), condition)))
        # One whose patient has to be called stands in Action required.
        shown = answered(lambda: list(TableItem.to_act_index.query(keys.to_act(practice), condition)))
        both = [decoded(one, Request) for one in (*found, *shown)]
        return [one for one in both if one.ended]

    def called_off(self, practice: str, after: datetime) -> list[Request]:
        """Requests, none in Action required, whose visit was to come after an instant and is cancelled, from the index."""
        condition = TableItem.open_at > keys.instant(after)
        found = answered(lambda: list(TableItem.to_act_index.query(keys.called_off(practice), condition)))
        return [decoded(one, Request) for one in found]

    def hint(self, practice: str, request_id: str, appointments: Iterable[tuple[str, str]]) -> None:
        """Keep (provider id, appointment id) of appointments that may be a request's answer: one update, atomic."""
        names = {f"{appointment_id}#{provider_id}" for provider_id, appointment_id in appointments}
        if names:
            kept = TableItem(*keys.hints(practice, request_id))
            answered(lambda: kept.update(actions=[TableItem.hints.add(names)]))

    def hints(self, practice: str, request_id: str) -> list[tuple[str, str]]:
        """What was kept by `hint`."""
        found = get(keys.hints(practice, request_id), consistent=False)
        return _hints(found) if found else []

    def file(self, practice: str, request_id: str) -> RequestFile:
        """All that is kept of a request, in one consistent query. Raises RequestNotFound."""
        parts: dict[str, list[TableItem]] = {}
        for one in query(keys.request_partition(practice, request_id), consistent=True):
            parts.setdefault(one.sk.partition("#")[0], []).append(one)
        if "STATE" not in parts:
            raise RequestNotFound
        request = decoded(parts["STATE"][0], Request)
        return RequestFile(
            request,
            [_asked(request), *(decoded(one, TimelineEntry) for one in parts.get("EVENT", ()))],
            [decoded(one, MessageRecord) for one in parts.get("MESSAGE", ())],
            next((decoded(one, Claim) for one in parts.get("CLAIM", ())), None),
            sorted((decoded(one, Note) for one in parts.get("NOTE", ())), key=lambda note: note.at),
            [hint for one in parts.get("HINTS", ()) for hint in _hints(one)],
        )

    def beside(self, practice: str, request_ids: Iterable[str]) -> dict[str, Beside]:
        """What stands beside these requests, of those with something."""
        ids = list(request_ids)
        found: dict[str, Beside] = {}
        for first in range(0, len(ids), _BESIDE_AT_ONCE):
            some = ids[first : first + _BESIDE_AT_ONCE]
            wanted = [kind(practice, one) for one in some for kind in (keys.claim, keys.hints)]
            for one in get_many(wanted):
                request_id = keys.subject_named_by(one.pk)[1]
                before = found.get(request_id, Beside())
                if one.sk == "CLAIM":
                    found[request_id] = replace(before, claim=decoded(one, Claim))
                else:
                    found[request_id] = replace(before, hints=tuple(_hints(one)))
        return found

    def claim(self, practice: str, request_id: str, before: Claim | None, after: Claim | None) -> None:
        """Write who is on a request, if what is stored is `before`. Raises WriteConflict."""
        key = keys.claim(practice, request_id)
        condition = TableItem.body == item(key, before).body if before else TableItem.pk.does_not_exist()
        if after:
            save_if(item(key, after), condition)
        else:
            delete_if(key, condition)

    def add_note(self, practice: str, request_id: str, note_id: str, note: Note) -> None:
        """Append an internal note to a request, unless one of this id is there."""
        with suppress(WriteConflict):
            save_if(item(keys.note(practice, request_id, note_id), note), TableItem.pk.does_not_exist())

    def unsent(self, before: datetime) -> list[tuple[str, str]]:
        """(practice, subject) of what has mail due since before an instant."""
        return _listed(keys.UNSENT, before)

    def to_look_at(self, before: datetime) -> list[tuple[str, str]]:
        """(practice, subject) of what the clock looks at before an instant."""
        return _listed(keys.LATER, before)


def _listed(partition: str, before: datetime) -> list[tuple[str, str]]:
    condition = TableItem.unsent_since < keys.instant(before)
    found = answered(lambda: list(TableItem.unsent_index.query(partition, condition)))
    return [keys.subject_named_by(one.pk) for one in found]


class DynamoMessageRepository:
    """Implements ports.MessageRepository."""

    def list(self, practice: str, request_id: str) -> list[MessageRecord]:
        """The messages of a request, oldest first."""
        partition = keys.request_partition(practice, request_id)
        found = query(partition, TableItem.sk.startswith("MESSAGE#"), consistent=True)
        return [decoded(one, MessageRecord) for one in found]

    def claim(
        self, practice: str, request_id: str, before: MessageRecord | None, claimed: MessageRecord
    ) -> MessageRecord:
        """Write a claim, if what is stored is still of the version of `before`; as it is then stored. Raises WriteConflict."""
        stored = replace(claimed, version=(before.version if before else 0) + 1)
        save_if(
            item(keys.message(practice, request_id, claimed.id), stored, stored.version), _still_the_message(before)
        )
        return stored

    def mark(self, practice: str, request_id: str, claimed: MessageRecord, done: MessageRecord) -> MessageRecord:
        """Replace our claim by its outcome; as it is then stored. Raises WriteConflict if it is no longer ours."""
        return self.claim(practice, request_id, claimed, done)

    def settle(self, request: Request, after: Request) -> Request | None:
        """Replace a request by one that differs in what is due, as it is then stored; None if it is no longer as it was read."""
        settled = replace(after, settled=request.settled + 1)
        try:
            save_if(request_item(settled), still_as_read(request))
        except WriteConflict:
            return None
        return settled
