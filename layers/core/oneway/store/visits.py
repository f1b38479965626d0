"""Visits, asked for or imported, by start and by what people know of them: six indexes over one partition a practice (ADR 0019).

What the indexes say is read raw, since a long list is mostly counted; only what a page shows is decoded.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ..domain.appointments import Appointment, RowKind
from ..domain.requests import Request
from ..domain.searching import Look, keys_of_booker, keys_of_patient, keys_of_record
from ..ports import Listed, ListedKind
from . import keys
from .items import TableItem, answered, connection, decoded, get_many, item

_MOST_FOUND = 1000
"""Entries that one look reads: a beginning that more have says too little."""


def listed_request(request: Request) -> Mapping[str, str | None]:
    """Attributes of a request: it is in the list until a visit stands there for it, and can be found ever after."""
    start = request.stands_at
    return {
        "visits": keys.visits(request.practice),
        "starts": _starts(start, request.provider_id) if start else None,
        "shows": request.shown_state if start else None,
        **{str(by): key for by, key in keys_of_patient(request.patient).items()},
    }


def booker_item(request: Request) -> TableItem | None:
    """Stands beside a request that somebody made for somebody else, so that both of them are found by all their names."""
    if request.booker is None:
        return None
    names: dict[str, Any] = {str(by): key for by, key in keys_of_booker(request.booker).items()}
    return item(keys.booker(request.practice, request.id), visits=keys.visits(request.practice), **names)


def listed_appointment(appointment: Appointment) -> Mapping[str, str | None]:
    """Attributes of an imported visit; a block has none."""
    if appointment.row.kind is not RowKind.APPOINTMENT:
        return {}
    return {
        "visits": keys.visits(appointment.practice),
        "starts": _starts(appointment.start, appointment.provider_id),
        "shows": appointment.state,
        **{str(by): key for by, key in keys_of_record(appointment.row.patient).items()},
    }


class DynamoVisitRepository:
    """Implements ports.VisitRepository."""

    def between(self, practice: str, first: datetime, last: datetime) -> list[Listed]:
        """What starts in [first, last), by start: about a read unit for every hundred of them."""
        found: list[Mapping[str, Any]] = []
        answer: dict[str, Any] = {"LastEvaluatedKey": None}
        while "LastEvaluatedKey" in answer:
            low, high, after = keys.minute(first), keys.minute(last), answer["LastEvaluatedKey"]
            answer = _query("starts", practice, "starts BETWEEN :a AND :b", low, high, after)
            found += answer["Items"]
        return [_listed(one) for one in found]

    def found(self, practice: str, look: Look) -> tuple[list[Listed], bool]:
        """What a look finds, in no order, and whether that is all."""
        answer = _query(look.by, practice, f"begins_with({look.by}, :a)", look.prefix, None, None, _MOST_FOUND)
        found = [_listed(one) for one in answer["Items"] if look.takes(one[look.by]["S"])]
        return found, "LastEvaluatedKey" not in answer

    def load(self, practice: str, listed: Iterable[Listed]) -> list[Request | Appointment]:
        """The visits themselves, those that exist, read consistently, in the order of the list."""
        wanted = {_key(practice, one): one for one in listed}
        found = {keys.Key(one.pk, one.sk): one for one in get_many(wanted)} if wanted else {}
        return [_visit(found[key], one.kind) for key, one in wanted.items() if key in found]


def _query(
    index: str, practice: str, condition: str, low: str, high: str | None, after: Any, most: int | None = None
) -> Any:
    values = {":p": {"S": keys.visits(practice)}, ":a": {"S": low}}
    arguments: dict[str, Any] = {
        "TableName": TableItem.Meta.table_name,
        "IndexName": index,
        "KeyConditionExpression": f"visits = :p AND {condition}",
        "ExpressionAttributeValues": values | ({":b": {"S": high}} if high else {}),
    }
    arguments |= {"ExclusiveStartKey": after} if after else {}
    arguments |= {"Limit": most} if most else {}
    return answered(lambda: connection().client.query(**arguments))


def _starts(start: datetime, provider_id: str) -> str:
    return f"{keys.minute(start)}#{provider_id}"


def _listed(entry: Mapping[str, Any]) -> Listed:
    pk, sk = entry["pk"]["S"], entry["sk"]["S"]
    starts, _, provider_id = entry.get("starts", {}).get("S", "").partition("#")
    start = datetime.fromisoformat(starts.replace("Z", "+00:00")) if starts else None
    state = entry.get("shows", {}).get("S", "")
    if sk in ("STATE", "BOOKER"):
        return Listed(ListedKind.REQUEST, keys.subject_named_by(pk)[1], provider_id, start, state)
    return Listed(ListedKind.APPOINTMENT, sk, keys.provider_named_by(pk), start, state)


def _key(practice: str, one: Listed) -> keys.Key:
    if one.kind is ListedKind.REQUEST:
        return keys.request(practice, one.id)
    return keys.appointment(practice, one.provider_id, one.id)


def _visit(found: TableItem, kind: ListedKind) -> Request | Appointment:
    return decoded(found, Request) if kind is ListedKind.REQUEST else decoded(found, Appointment)
