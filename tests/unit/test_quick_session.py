"""The store's first call: what botocore looks at before it."""

from pathlib import Path

import pytest
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from botocore.session import Session
from oneway.quick_session import know_one
from oneway.store import items


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")


def test_the_stores_client_is_made_without_a_look_at_every_service(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(loader: Loader, type_name: str) -> list[str]:
        raise AssertionError("all services are listed")

    monkeypatch.setattr(Loader, "list_available_services", look)
    items.bind("table", region="us-east-1")
    assert items.connection().client.meta.service_model.service_name == "dynamodb"


def test_a_session_that_knows_one_service_finds_no_other() -> None:
    session = know_one(Session(), "sqs")
    assert session.create_client("sqs", region_name="us-east-1").meta.service_model.service_name == "sqs"
    with pytest.raises(UnknownServiceError):
        session.create_client("ses", region_name="us-east-1")


def test_descriptions_that_were_cut_are_still_found_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    loader = know_one(Session(), "dynamodb").get_component("data_loader")
    assert loader.search_paths[0] == str(tmp_path)
    assert Loader.BUILTIN_DATA_PATH in loader.search_paths
