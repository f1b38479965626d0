"""The template's table on a real engine, and the adapters over it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from uuid import uuid4

from botocore.session import Session
from oneway.ports import Clock
from oneway.store.appointments import DynamoAppointmentRepository
from oneway.store.audit import DynamoAuditRepository
from oneway.store.calendar import DynamoCalendarRepository
from oneway.store.feeds import DynamoFeedRepository
from oneway.store.items import bind
from oneway.store.ledger import DynamoLedger
from oneway.store.notices import DynamoNoticeRepository, DynamoSuppressionRepository
from oneway.store.pending import DynamoPendingRepository
from oneway.store.photos import DynamoPhotoRepository
from oneway.store.practice_events import DynamoPracticeEventRepository
from oneway.store.practices import DynamoPracticeRepository
from oneway.store.requests import DynamoMessageRepository, DynamoRequestRepository
from oneway.store.sessions import DynamoSessionRepository
from oneway.store.visits import DynamoVisitRepository

from tests.template_file import RESOURCES

REGION = "us-east-1"
_WANTED = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")


@dataclass
class RealStore:
    """Every adapter, under the names that `FakeStore` has them under."""

    clock: Clock

    @cached_property
    def practices(self) -> DynamoPracticeRepository:
        return DynamoPracticeRepository(self.clock)

    @cached_property
    def ledger(self) -> DynamoLedger:
        return DynamoLedger()

    requests = DynamoRequestRepository()
    messages = DynamoMessageRepository()
    calendar = DynamoCalendarRepository()
    pending = DynamoPendingRepository()
    appointments = DynamoAppointmentRepository()
    visits = DynamoVisitRepository()
    feeds = DynamoFeedRepository()
    practice_events = DynamoPracticeEventRepository()
    audit = DynamoAuditRepository()
    sessions = DynamoSessionRepository()
    notices = DynamoNoticeRepository()
    suppressions = DynamoSuppressionRepository()
    photos = DynamoPhotoRepository()


@contextmanager
def a_table(endpoint: str) -> Iterator[str]:
    """A new table as the template defines it, bound; its name."""
    for credential in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        os.environ.setdefault(credential, "test")
    client = Session().create_client("dynamodb", region_name=REGION, endpoint_url=endpoint)
    name = f"oneway-{uuid4().hex[:12]}"
    properties = next(one for one in RESOURCES.values() if one["Type"] == "AWS::DynamoDB::Table")["Properties"]
    wanted = {key: properties[key] for key in _WANTED}
    client.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", **wanted)
    bind(name, region=REGION, host=endpoint)
    try:
        yield name
    finally:
        client.delete_table(TableName=name)
