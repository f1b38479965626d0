"""What a fault of DynamoDB, or of the parameter store, means: whether to ask again helps. Only what does not is a bug."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ParamValidationError, ReadTimeoutError
from oneway import secrets
from oneway.domain.errors import PracticeNotFound, StoreRefused, StoreUnavailable
from oneway.faults import AuthRevoked
from oneway.store import practices
from oneway.store.items import TableItem, answered
from oneway.store.ledger import DynamoLedger
from pynamodb.exceptions import CancellationReason, GetError, PutError, TransactWriteError, VerboseClientError

from tests.builders import NOW, a_practice, a_provider
from tests.fakes.store import FakeClock


def said(code: str, *reasons: str) -> ClientError:
    """An answer as PynamoDB passes it on, with the reasons of a transaction that was cancelled."""
    why = [None if reason == "None" else CancellationReason(reason, "…") for reason in reasons]
    return VerboseClientError({"Error": {"Code": code, "Message": "…"}}, "AnyOperation", {}, cancellation_reasons=why)


PASSING = [
    GetError(cause=said("ProvisionedThroughputExceededException")),
    PutError(cause=said("ThrottlingException")),
    PutError(cause=said("InternalServerError")),
    GetError(cause=ReadTimeoutError(endpoint_url="https://table")),
    TransactWriteError("…", said("TransactionCanceledException", "None", "ThrottlingError")),
    said("RequestLimitExceeded"),
    ConnectTimeoutError(endpoint_url="https://table"),
]
LASTING = [
    PutError(cause=said("ValidationException")),
    GetError(cause=said("AccessDeniedException")),
    GetError(cause=said("ResourceNotFoundException")),
    TransactWriteError("…", said("TransactionCanceledException", "None", "ValidationError")),
    TransactWriteError("…", said("ValidationException")),
    PutError(cause=ParamValidationError(report="…")),
    said("SerializationException"),
]


class Broken(DynamoLedger):
    def __init__(self, error: Exception) -> None:
        self.error = error

    def _commit(self, *_: Any) -> None:
        raise self.error


def asked(error: Exception) -> StoreUnavailable:
    """What comes of it in an ordinary call."""

    def call() -> None:
        raise error

    with pytest.raises(StoreUnavailable) as raised:
        answered(call)
    return raised.value


def committed(error: Exception) -> StoreUnavailable:
    """What comes of it in a transaction."""
    with pytest.raises(StoreUnavailable) as raised:
        Broken(error).commit([])
    return raised.value


@pytest.mark.parametrize("how", [asked, committed])
@pytest.mark.parametrize("error", PASSING, ids=repr)
def test_an_outage_passes(how: Any, error: Exception) -> None:
    assert type(how(error)) is StoreUnavailable


@pytest.mark.parametrize("how", [asked, committed])
@pytest.mark.parametrize("error", LASTING, ids=repr)
def test_what_is_refused_would_be_refused_again(how: Any, error: Exception) -> None:
    assert type(how(error)) is StoreRefused
    assert "…" not in str(how(error)), "a message may quote what it chokes on"


class Parameters:
    """Stands for SSM's client within Powertools' provider."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def get_parameter(self, **_: Any) -> dict[str, Any]:
        raise self.error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (said("ParameterNotFound"), AuthRevoked),
        (said("ThrottlingException"), StoreUnavailable),
        (said("InternalServerError"), StoreUnavailable),
        (ReadTimeoutError(endpoint_url="https://ssm"), StoreUnavailable),
    ],
    ids=repr,
)
def test_credentials_that_cannot_be_read_now_are_no_bug(
    monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[Exception]
) -> None:
    from aws_lambda_powertools.utilities.parameters import SSMProvider

    monkeypatch.setattr(secrets, "_provider", SSMProvider(boto3_client=Parameters(error)))
    with pytest.raises(kind):
        secrets.source_document("/oneway/sources/harbor/ehr")


def test_credentials_that_may_not_be_read_are_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    from aws_lambda_powertools.utilities.parameters import GetParameterError, SSMProvider

    refused = Parameters(said("AccessDeniedException"))
    monkeypatch.setattr(secrets, "_provider", SSMProvider(boto3_client=refused))
    with pytest.raises(GetParameterError):
        secrets.source_document("/oneway/sources/harbor/ehr")


class Table:
    """What a practice's partition answers: its items, or nothing."""

    def __init__(self) -> None:
        self.fault: Exception | None = None
        self.practice = a_practice(a_provider())

    def query(self, *_: Any) -> list[TableItem]:
        if self.fault:
            raise self.fault
        return practices._items(self.practice, 1)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Table:
    table = Table()
    monkeypatch.setattr(practices, "query", table.query)
    return table


def test_a_practice_that_was_read_is_known_while_the_table_gives_no_answer(table: Table) -> None:
    clock = FakeClock(NOW)
    kept = practices.DynamoPracticeRepository(clock)
    before = kept.get("harbor")
    table.fault = StoreUnavailable("table")
    clock.advance(minutes=59)
    assert kept.get("harbor") == before
    table.fault, table.practice = None, a_practice(a_provider(), a_provider("brandt"))
    assert set(kept.get("harbor").providers) == {"osei", "brandt"}, "asked again each time"
    table.fault = StoreUnavailable("table")
    clock.advance(minutes=61)
    with pytest.raises(StoreUnavailable):
        kept.get("harbor")


def test_a_practice_that_was_never_read_or_may_not_be_read_is_an_error(table: Table) -> None:
    clock = FakeClock(NOW)
    kept = practices.DynamoPracticeRepository(clock)
    table.fault = StoreUnavailable("table")
    with pytest.raises(StoreUnavailable):
        kept.get("harbor")
    table.fault = None
    kept.get("harbor")
    clock.advance(minutes=1)
    for fault in (StoreRefused("table"), PracticeNotFound()):
        table.fault = fault
        with pytest.raises(type(fault)):
            kept.get("harbor")
