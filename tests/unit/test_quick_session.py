"""The store's first call: what botocore looks at before it."""

from pathlib import Path

import pytest
from botocore.exceptions import UnknownServiceError
from botocore.handlers import BUILTIN_HANDLERS
from botocore.loaders import Loader
from botocore.session import Session
from oneway.quick_session import concerns, session_of
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
    session = session_of("sqs")
    assert session.create_client("sqs", region_name="us-east-1").meta.service_model.service_name == "sqs"
    with pytest.raises(UnknownServiceError):
        session.create_client("ses", region_name="us-east-1")


def test_descriptions_that_were_cut_are_still_found_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    loader = session_of("dynamodb").get_component("data_loader")
    assert loader.search_paths[0] == str(tmp_path)
    assert Loader.BUILTIN_DATA_PATH in loader.search_paths


@pytest.mark.parametrize("service", ["dynamodb", "sqs"])
def test_what_is_left_out_concerns_no_call_of_the_service(service: str) -> None:
    services = {
        Session().get_service_model(name).service_id.hyphenize()
        for name in ("dynamodb", "sqs", "s3", "ses", "ssm", "kms")
    }
    assert service in services, "events are named so"
    taken = [name for name, *_ in BUILTIN_HANDLERS if concerns(name, service)]
    assert {"before-call", "request-created", "before-parameter-build"} <= set(taken)
    for name in {name for name, *_ in BUILTIN_HANDLERS} - set(taken):
        kind, of = name.split(".")[:2]
        assert kind == "docs" or of != service, name


@pytest.mark.parametrize("service", ["dynamodb", "sqs"])
@pytest.mark.parametrize(
    "event", ["before-call", "request-created", "before-parameter-build", "choose-signer", "before-sign"]
)
def test_the_same_is_done_about_its_calls_as_with_a_session_that_knows_all(service: str, event: str) -> None:
    builtin = [handler for _, handler, *_ in BUILTIN_HANDLERS]

    def done(session: Session) -> list[object]:
        found = session.get_component("event_emitter")._emitter._handlers.prefix_search(f"{event}.{service}.Anything")
        return [one for one in found if one in builtin]  # other libraries add their own to every session

    assert done(session_of(service)) == done(Session())
