"""Requests with their timelines, and the state of their messages."""

from collections.abc import Iterable
from datetime import datetime

from ..domain.errors import RequestNotFound, WriteConflict
from ..domain.messages import MessageRecord
from ..domain.requests import PATIENT, Happening, Request, TimelineEntry
from . import keys
from .items import TableItem, answered, decoded, get, get_many, item, query, save_if


def request_item(request: Request) -> TableItem:
    """A request as it is stored: with `open` while staff have to act or a late visit may answer it, with `unsent` while messages
    are due, or while the clock looks at it later.
    """
    open_at = f"{keys.instant(request.start)}#{request.id}" if request.start else request.id
    since = request.unsent_since or (request.look_at if request.pending else None)
    listed = (
        keys.to_act(request.practice) if request.to_act else keys.closed(request.practice) if request.closed else None
    )
    return item(
        keys.request(request.practice, request.id),
        request,
        request.version,
        open=listed,
        open_at=open_at if listed else None,
        unsent=(keys.UNSENT if request.unsent_since else keys.LATER) if since else None,
        unsent_since=f"{keys.instant(since)}#{request.id}" if since else None,
    )


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
        asked = TimelineEntry(1, self.get(practice, request_id).created_at, PATIENT, Happening.ASKED)
        found = query(keys.request_partition(practice, request_id), TableItem.sk.startswith("EVENT#"), consistent=True)
        return [asked, *(decoded(one, TimelineEntry) for one in found)]

    def to_act(self, practice: str, before: datetime | None = None) -> list[Request]:
        """Requests in Action required by start, from the index."""
        condition = TableItem.open_at < keys.instant(before) if before else None
        found = answered(lambda: list(TableItem.to_act_index.query(keys.to_act(practice), condition)))
        return [decoded(one, Request) for one in found]

    def closed(self, practice: str, first: datetime, last: datetime) -> list[Request]:
        """Requests that ended without a visit and were asked for starts in [first, last], from the index."""
        # A start is followed by "#" and the id, so that the last instant is taken in.
        condition = TableItem.open_at.between(keys.instant(first), f"{keys.instant(last)}$")
        found = answered(lambda: list(TableItem.to_act_index.query(keys.closed(practice), condition)))
        # One whose patient has to be called stands in Action required.
        shown = answered(lambda: list(TableItem.to_act_index.query(keys.to_act(practice), condition)))
        both = [decoded(one, Request) for one in (*found, *shown)]
        return [one for one in both if one.closed and not one.moving]

    def hint(self, practice: str, request_id: str, appointments: Iterable[tuple[str, str]]) -> None:
        """Keep (provider id, appointment id) of appointments that may be a request's answer."""
        for provider_id, appointment_id in appointments:
            answered(item(keys.hint(practice, request_id, appointment_id), provider_id).save)

    def hints(self, practice: str, request_id: str) -> list[tuple[str, str]]:
        """What was kept by `hint`."""
        found = query(keys.request_partition(practice, request_id), TableItem.sk.startswith("HINT#"))
        return [(decoded(one, str), one.sk.removeprefix("HINT#")) for one in found]

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

    def claim(self, practice: str, request_id: str, before: MessageRecord | None, claimed: MessageRecord) -> None:
        """Write a claim, if what is stored is still `before`. Raises WriteConflict."""
        new = item(keys.message(practice, request_id, claimed.id), claimed)
        old = item(keys.message(practice, request_id, claimed.id), before).body if before else None
        save_if(new, TableItem.body == old if old else TableItem.pk.does_not_exist())

    def mark(self, practice: str, request_id: str, claimed: MessageRecord, done: MessageRecord) -> None:
        """Replace our claim by its outcome. Raises WriteConflict if it is no longer ours."""
        self.claim(practice, request_id, claimed, done)

    def settle(self, request: Request, after: Request) -> bool:
        """Replace a request by one that differs in what is due, if it is still as it was read; whether it was."""
        before = request_item(request).body
        try:
            save_if(request_item(after), (TableItem.v == request.version) & (TableItem.body == before))
        except WriteConflict:
            return False
        return True
