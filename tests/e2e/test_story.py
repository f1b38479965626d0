"""The story of `make demo`, through HTTP on the deployed template: nothing is pressed, the schedules do it."""

import zlib

import pytest

from local.demo.story import STEPS
from local.laptop import TOKEN

from .conftest import Telling

pytestmark = pytest.mark.xdist_group("laptop")
SECONDS = 1200


@pytest.mark.parametrize("practice", ["harbor", "pier"])
def test_happens_as_told(telling: Telling, practice: str) -> None:
    assert telling.stories[practice].result(SECONDS) == [step.name for step in STEPS]


def test_applying_the_same_file_again_changes_nothing(telling: Telling) -> None:
    printed = telling.laptop.apply()

    assert "created" not in printed
    assert "updated" not in printed
    assert "removed" not in printed


def test_status_finds_all_well(telling: Telling) -> None:
    for story in telling.stories.values():
        story.result(SECONDS)
    printed = telling.laptop.oneway("status")

    for name in ("Harbor Clinic", "Pier Clinic", "Quay Clinic"):
        assert name in printed


def test_no_credential_in_the_table(telling: Telling) -> None:
    table = telling.laptop.outputs["TableName"]
    pages = telling.laptop.aws.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    bodies = [item["body"]["B"] for page in pages for item in page["Items"] if "body" in item]
    plain = [zlib.decompress(body) if body[:1] == b"\x78" else body for body in bodies]

    assert any(b"harbor" in body for body in plain)
    assert not any(TOKEN.encode() in body for body in plain)


def test_no_patient_in_any_log(telling: Telling) -> None:
    for story in telling.stories.values():
        story.result(SECONDS)
    logs = telling.laptop.aws.client("logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    pages = logs.get_paginator("filter_log_events")
    found = [e["message"] for name in groups for page in pages.paginate(logGroupName=name) for e in page["events"]]
    text = "\n".join(found)

    for told in ("pulled", "messages sent", '"request"'):
        assert told in text
    for secret in ("Maria", "Núñez", "1984-03-12", "5550132", "555 0132", "maria@", "Knee", "Tanaka", "Reed"):
        assert secret not in text
    for private in ("my-request/harbor/", "requests/ey", "token"):
        assert private not in text
