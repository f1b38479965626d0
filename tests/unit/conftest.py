"""Unit tests: no sockets, everything outside is a fake."""

from collections.abc import Iterator

import pytest
from pytest_socket import disable_socket, enable_socket

from tests.world import World


@pytest.fixture(autouse=True)
def no_sockets() -> Iterator[None]:
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()


@pytest.fixture
def world() -> World:
    """A practice, its schedule system and all use cases, in memory."""
    return World()
