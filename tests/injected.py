"""Faults between botocore and a real engine, where the network would put them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session
from oneway.store.items import connection


@dataclass
class Injected:
    """How often a fault may still strike, and how often it did."""

    left: int
    struck: int = 0

    def strikes(self) -> bool:
        if self.left == 0:
            return False
        self.left -= 1
        self.struck += 1
        return True


class _Body:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._body


@contextmanager
def throttled(operation: str, times: int) -> Iterator[Injected]:
    """The engine's next answers to an operation are that it has too much to do; nothing of them is done."""
    kind = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"

    def strike(request: Any, **_: Any) -> AWSResponse | None:
        if not injected.strikes():
            return None
        headers = {"Content-Type": "application/x-amz-json-1.0"}
        return AWSResponse(request.url, 400, headers, _Body(b'{"__type":"%s","message":"slow down"}' % kind.encode()))

    injected = Injected(times)
    with _before_sending(operation, strike):
        yield injected


@contextmanager
def answer_lost(operation: str, times: int) -> Iterator[Injected]:
    """The engine does what the next calls ask for, and the answers time out."""

    def strike(request: Any, **_: Any) -> None:
        if injected.strikes():
            URLLib3Session().send(request)
            raise ReadTimeoutError(endpoint_url=request.url)

    injected = Injected(times)
    with _before_sending(operation, strike):
        yield injected


@contextmanager
def _before_sending(operation: str, strike: Any) -> Iterator[None]:
    events = connection().client.meta.events
    name = f"before-send.dynamodb.{operation}"
    events.register_first(name, strike)
    try:
        yield
    finally:
        events.unregister(name, strike)
