"""The one kind of item that the table holds: keys, a version to write by, a body, and the attributes of the two indexes.

Bodies are the domain's objects as JSON (or packed bytes, for days and digests); longer ones are deflated, which halves what
writing and keeping them costs. Nothing but keys, versions and index
attributes is ever queried, so nothing else needs an attribute of its own.
"""

import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar
from uuid import uuid4

import msgspec
from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.attributes import (
    BinaryAttribute,
    BinarySetAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
)
from pynamodb.connection.base import Connection
from pynamodb.exceptions import DeleteError, PutError, PynamoDBException, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from ..domain.errors import StoreRefused, StoreUnavailable, WriteConflict
from ..quick_session import session_of
from .keys import Key

SCHEMA = 1
"""Written on every item; raise it when a body's shape changes, and read the older ones too."""

T = TypeVar("T")

LOST_TO_ANOTHER = frozenset({"ConditionalCheckFailed", "TransactionConflict"})
"""Why a transaction is refused when somebody else wrote first."""
STORE_FAULTS = (PynamoDBException, BotoCoreError, ClientError)
_REFUSALS = frozenset(
    (
        "AccessDeniedException",
        "ParamValidationError",
        "ResourceNotFoundException",
        "SerializationException",
        "UnrecognizedClientException",
        "ValidationError",
        "ValidationException",
    )
)
"""What DynamoDB, a transaction's reasons or botocore say of a question that is wrong, however often it is asked."""
_DEFLATED_FROM = 512
"""Bytes of JSON: below, an item fits into its first kilobyte anyway."""


class ToActIndex(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]
    """Requests in Action required, by practice and start."""

    class Meta:
        index_name = "to_act"
        projection = AllProjection()

    open = UnicodeAttribute(hash_key=True)
    open_at = UnicodeAttribute(range_key=True)


class UnsentIndex(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]
    """Requests with due messages, oldest first."""

    class Meta:
        index_name = "unsent"
        projection = KeysOnlyProjection()

    unsent = UnicodeAttribute(hash_key=True)
    unsent_since = UnicodeAttribute(range_key=True)


class FoundIndex(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]
    """Appointments by their patients' birth dates and their starts."""

    class Meta:
        index_name = "found"
        projection = KeysOnlyProjection()

    found = UnicodeAttribute(hash_key=True)
    found_as = UnicodeAttribute(range_key=True)


class TableItem(Model):
    """An item of the table."""

    class Meta:
        table_name = "unbound"
        connect_timeout_seconds = 1
        read_timeout_seconds = 3
        max_retry_attempts = 2
        max_pool_connections = 40  # looks of list_slots and pulls (functions/sync_schedule) side by side

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    schema = NumberAttribute(default=SCHEMA)
    v = NumberAttribute(null=True)
    settled = NumberAttribute(null=True)
    body = BinaryAttribute(legacy_encoding=False, null=True)
    open = UnicodeAttribute(null=True)
    open_at = UnicodeAttribute(null=True)
    unsent = UnicodeAttribute(null=True)
    unsent_since = UnicodeAttribute(null=True)
    found = UnicodeAttribute(null=True)
    found_as = UnicodeAttribute(null=True)
    visits = UnicodeAttribute(null=True)
    starts = UnicodeAttribute(null=True)
    shows = UnicodeAttribute(null=True)
    named = UnicodeAttribute(null=True)
    given = UnicodeAttribute(null=True)
    further = UnicodeAttribute(null=True)
    phoned = UnicodeAttribute(null=True)
    mailed = UnicodeAttribute(null=True)
    expires_at = NumberAttribute(null=True)
    waiting = BinarySetAttribute(legacy_encoding=False, null=True)
    hints = UnicodeSetAttribute(null=True)

    to_act_index = ToActIndex()
    unsent_index = UnsentIndex()
    found_index = FoundIndex()


def bind(table_name: str, *, region: str | None = None, host: str | None = None) -> None:
    """Point all items at a table, once per process. `host` is for tests (else the environment's endpoint)."""
    meta: Any = TableItem.Meta
    meta.table_name, meta.region, meta.host = table_name, region or os.environ.get("AWS_REGION", "us-east-1"), host
    TableItem._connection = None
    connection()._local.session = session_of("dynamodb")  # PynamoDB would make one that knows every service


def connection() -> Connection:
    """The one connection that everything uses."""
    return TableItem._get_connection().connection


def item(key: Key, body: object = None, version: int | None = None, **attributes: Any) -> TableItem:
    """An item to write; `body` is encoded unless it is bytes already."""
    raw = body if isinstance(body, bytes) or body is None else _encoded(body)
    return TableItem(key.pk, key.sk, schema=SCHEMA, body=raw, v=version, **attributes)


def decoded(found: TableItem, kind: type[T]) -> T:
    """An item's body as an object of the domain."""
    body = found.body or b""
    # JSON never begins with the byte that begins a zlib stream (RFC 1950, CMF 0x78).
    return msgspec.json.decode(zlib.decompress(body) if body[:1] == b"\x78" else body, type=kind)


def _encoded(body: object) -> bytes:
    raw = msgspec.json.encode(body)
    return raw if len(raw) < _DEFLATED_FROM else zlib.compress(raw)


def answered(call: Callable[[], T]) -> T:
    """The result of a call to the store. Raises StoreUnavailable where it fails for good."""
    try:
        return call()
    except STORE_FAULTS as error:
        raise unavailable(error) from error


def unavailable(error: Exception) -> StoreUnavailable:
    """What a fault that stayed after all tries means: whether to ask again helps."""
    kind = StoreRefused if _codes(error) & _REFUSALS else StoreUnavailable
    return kind(type(error).__name__)


def _codes(error: Exception) -> set[str]:
    """DynamoDB's words for a fault; botocore's, of what it does not even send."""
    cause = error.cause if isinstance(error, PynamoDBException) else error
    if not isinstance(cause, ClientError):
        return {type(cause).__name__}
    reasons = error.cancellation_reasons if isinstance(error, TransactWriteError) else []
    return {str(cause.response.get("Error", {}).get("Code")), *(reason.code for reason in reasons if reason)}


def get(key: Key, *, consistent: bool = True) -> TableItem | None:
    """An item, or None. Raises StoreUnavailable."""
    try:
        return answered(lambda: TableItem.get(key.pk, key.sk, consistent_read=consistent))
    except StoreUnavailable as error:
        if isinstance(error.__cause__, TableItem.DoesNotExist):
            return None
        raise


def get_many(keys: Iterable[Key], *, consistent: bool = True) -> list[TableItem]:
    """The items of these keys that exist. Raises StoreUnavailable."""
    wanted = list(dict.fromkeys(keys))
    if len(wanted) == 1:
        found = get(wanted[0], consistent=consistent)
        return [found] if found else []
    return answered(lambda: list(TableItem.batch_get([tuple(key) for key in wanted], consistent_read=consistent)))


def query(pk: str, condition: Any = None, *, consistent: bool = False) -> list[TableItem]:
    """A partition's items, or those that meet a condition on the sort key. Raises StoreUnavailable."""
    return answered(lambda: list(_all(TableItem.query(pk, condition, consistent_read=consistent))))


def _all(found: Iterable[TableItem]) -> Iterator[TableItem]:
    yield from found


def save_if(new: TableItem, condition: Condition) -> None:
    """Write an item on a condition. Raises WriteConflict if it does not hold, StoreUnavailable."""
    _if_it_holds(lambda: new.save(condition=condition))


def delete_if(key: Key, condition: Condition) -> None:
    """Delete an item on a condition. Raises WriteConflict if it does not hold, StoreUnavailable."""
    _if_it_holds(lambda: TableItem(*key).delete(condition=condition))


def _if_it_holds(write: Callable[[], object]) -> None:
    try:
        answered(write)
    except StoreUnavailable as error:
        cause = error.__cause__
        if isinstance(cause, PutError | DeleteError) and cause.cause_response_code == "ConditionalCheckFailedException":
            raise WriteConflict from cause
        raise


def save_all_if(new: TableItem, condition: Condition, *others: TableItem) -> None:
    """Write an item on a condition, and others with it, or none. Raises WriteConflict, StoreUnavailable."""
    _all_or_none(lambda transaction: transaction.save(new, condition=condition), others)


def delete_with(key: Key, *others: TableItem) -> None:
    """Delete an item that is there, and write others with that, or none. Raises WriteConflict, StoreUnavailable."""
    is_there = TableItem.pk.exists()
    _all_or_none(lambda transaction: transaction.delete(TableItem(*key), condition=is_there), others)


def _all_or_none(first: Callable[[TransactWrite], object], others: Iterable[TableItem]) -> None:
    def write() -> None:
        with TransactWrite(connection=connection(), client_request_token=uuid4().hex) as transaction:
            first(transaction)
            for other in others:
                transaction.save(other)

    try:
        answered(write)
    except StoreUnavailable as error:
        cause = error.__cause__
        if isinstance(cause, TransactWriteError) and any(
            reason and reason.code in LOST_TO_ANOTHER for reason in cause.cancellation_reasons
        ):
            raise WriteConflict from cause
        raise
