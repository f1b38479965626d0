"""The one way in which requests, days and appointments change: a transaction of conditional writes."""

from collections.abc import Sequence
from uuid import uuid4

from msgspec.structs import replace
from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from ..domain.clock_time import first_minute, zone_of
from ..domain.errors import WriteConflict
from ..domain.occupancy import pack
from ..ports import (
    AppointmentChange,
    AppointmentRemoval,
    AppointmentUnchanged,
    Change,
    DayChange,
    LongBlocksChange,
    RequestChange,
)
from . import keys
from .appointments import appointment_item
from .items import LOST_TO_ANOTHER, STORE_FAULTS, TableItem, connection, item, unavailable
from .requests import request_item, still_as_read
from .visits import booker_item


class DynamoLedger:
    """Implements ports.Ledger.

    One client token a transaction: where an answer was lost, botocore's bounded repeat writes nothing twice. Where every
    answer was lost, the outcome is unknown and StoreUnavailable says so; whoever reads again sees it.
    """

    def commit(self, changes: Sequence[Change]) -> None:
        """Write all changes or none. Raises WriteConflict, StoreUnavailable."""
        try:
            self._commit(changes, uuid4().hex)
        except TransactWriteError as error:
            lost = _lost(error, changes)
            raise unavailable(error) if lost is None else WriteConflict(lost) from error
        except STORE_FAULTS as error:
            raise unavailable(error) from error

    def _commit(self, changes: Sequence[Change], token: str) -> None:
        with TransactWrite(connection=connection(), client_request_token=token) as transaction:
            for change in changes:
                match change:
                    case RequestChange():
                        _write_request(transaction, change)
                    case DayChange():
                        _write_day(transaction, change)
                    case AppointmentChange():
                        _write_appointment(transaction, change)
                    case AppointmentRemoval(gone):
                        key = keys.appointment(gone.practice, gone.provider_id, gone.id)
                        transaction.delete(TableItem(*key), condition=_is_still(gone.version))
                    case AppointmentUnchanged(same):
                        key = keys.appointment(same.practice, same.provider_id, same.id)
                        transaction.condition_check(TableItem, *key, condition=_is_still(same.version))
                    case LongBlocksChange():
                        _write_long_blocks(transaction, change)


def _write_request(transaction: TransactWrite, change: RequestChange) -> None:
    before, after, entry = change.transition.before, change.transition.after, change.transition.entry
    transaction.save(request_item(after), condition=still_as_read(before) if before else _is_still(0))
    if before:
        # The first entry is the request itself.
        transaction.save(item(keys.event(after.practice, after.id, entry.number), entry))
    elif booker := booker_item(after):
        transaction.save(booker)


def _write_day(transaction: TransactWrite, change: DayChange) -> None:
    day = change.after
    key = keys.day(day.practice, day.provider_id, day.day)
    packed = pack(day.occupants, first_minute(day.day, zone_of(day.zone)))
    transaction.save(item(key, packed, change.before.version + 1), condition=_is_still(change.before.version))


def _write_long_blocks(transaction: TransactWrite, change: LongBlocksChange) -> None:
    after, version = change.after, change.before.version + 1
    key = keys.long_blocks(after.practice, after.provider_id)
    body = replace(after, version=version)
    transaction.save(item(key, body, version), condition=_is_still(change.before.version))


def _write_appointment(transaction: TransactWrite, change: AppointmentChange) -> None:
    before, after = change.before, change.after
    if before and _moves(change):
        old = keys.appointment(before.practice, before.provider_id, before.id)
        transaction.delete(TableItem(*old), condition=_is_still(before.version))
        transaction.save(appointment_item(after), condition=_is_still(0))
    else:
        transaction.save(appointment_item(after), condition=_is_still(before.version if before else 0))


def _is_still(version: int) -> Condition:
    return TableItem.v == version if version else TableItem.pk.does_not_exist()


def _lost(error: TransactWriteError, changes: Sequence[Change]) -> list[int] | None:
    """Indexes of the changes that lost to another writer; None if the transaction failed for another reason."""
    reasons = error.cancellation_reasons
    if not any(reason and reason.code in LOST_TO_ANOTHER for reason in reasons):
        return None
    # PynamoDB sends conditions first, then deletes, then saves; the reasons line up with what is sent.
    checks = [index for index, change in enumerate(changes) if isinstance(change, AppointmentUnchanged)]
    deletes = [
        index for index, change in enumerate(changes) if _moves(change) or isinstance(change, AppointmentRemoval)
    ]
    saves = [index for index, change in enumerate(changes) for _ in range(_saves(change))]
    sent = zip([*checks, *deletes, *saves], reasons, strict=False)
    return sorted({i for i, reason in sent if reason and reason.code in LOST_TO_ANOTHER})


def _moves(change: Change) -> bool:
    """Whether an appointment goes to another provider: deleted there, saved here."""
    return (
        isinstance(change, AppointmentChange)
        and change.before is not None
        and change.before.provider_id != change.after.provider_id
    )


def _saves(change: Change) -> int:
    if isinstance(change, AppointmentRemoval | AppointmentUnchanged):
        return 0
    if not isinstance(change, RequestChange):
        return 1
    return 2 if change.transition.before or change.transition.after.booker else 1
