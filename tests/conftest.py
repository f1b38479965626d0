"""Engines that tests share, started when the first test asks for one and ended with the session."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from local.aws import EmbeddedAws, environment_of
from local.mailbox import Mailbox
from tests.engines import RealStore, a_table
from tests.fakes.store import FakeClock, FakeStore
from tests.servers.running import dynamodb_local

# The same cases in every run: a red one is the change's. `--hypothesis-profile=default` looks for new ones.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")

ENGINES = ("dynamodb_local", "ministack")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-snapshots", action="store_true", help="write the messages' snapshots anew")
    parser.addoption("--pictures", type=Path, help="a folder for pictures of the pages that the tests look at")


@dataclass(frozen=True)
class Embedded:
    """The embedded AWS without a stack, and where its mail arrives."""

    aws: EmbeddedAws
    mailbox: Mailbox


@pytest.fixture(scope="session")
def embedded() -> Iterator[Embedded]:
    with Mailbox() as mailbox, EmbeddedAws(smtp_port=mailbox.smtp_port) as aws, environment_of(aws):
        yield Embedded(aws, mailbox)


@pytest.fixture(scope="session")
def dynamodb() -> Iterator[str]:
    with dynamodb_local() as endpoint:
        yield endpoint


@pytest.fixture
def endpoint(request: pytest.FixtureRequest) -> str:
    """The DynamoDB endpoint of the engine that a test is parametrised with."""
    if request.param == "ministack":
        found: Embedded = request.getfixturevalue("embedded")
        return found.aws.endpoint
    return str(request.getfixturevalue("dynamodb"))


@pytest.fixture
def real_store(endpoint: str, clock: FakeClock) -> Iterator[RealStore]:
    """An empty table of the template on a real engine."""
    with a_table(endpoint):
        yield RealStore(clock)


@pytest.fixture
def store(request: pytest.FixtureRequest, clock: FakeClock) -> Iterator[FakeStore | RealStore]:
    """An empty store: the fake, or a real engine's."""
    if request.param == "fake":
        yield FakeStore()
        return
    if request.param == "ministack":
        endpoint = request.getfixturevalue("embedded").aws.endpoint
    else:
        endpoint = request.getfixturevalue("dynamodb")
    with a_table(endpoint):
        yield RealStore(clock)


@pytest.fixture
def clock() -> FakeClock:
    from tests.builders import NOW

    return FakeClock(NOW)
