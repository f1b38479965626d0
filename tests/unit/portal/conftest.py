from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.portal import PortalDesk, opened


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("portal") / "portal"


@pytest.fixture
def desk(built: Path) -> Iterator[PortalDesk]:
    with opened(PortalDesk(), built) as desk:
        yield desk
