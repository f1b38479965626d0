"""A source that is signed in to with a key, on the deployed template: the layer signs, and the published key verifies it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from oneway.domain.feeds import feed_id_of

from local.aws import STACK
from local.demo.browser import Browser
from tests.keys import pem
from tests.servers.tokens import TokenServer

from .conftest import Telling, practice_text

pytestmark = pytest.mark.xdist_group("laptop")
HTTP = Browser()
CREDENTIALS = "credentials: {token: {env: HARBOR_TOKEN}}"


def keys_of(telling: Telling, slug: str) -> list[Mapping[str, str]]:
    page = HTTP.api("GET", f"{telling.laptop.public_url}/keys/{slug}/jwks.json")
    assert page.status == 200, page.html
    assert page.headers["cache-control"] == "public, max-age=300"
    found: list[Mapping[str, str]] = page.json()["keys"]
    return found


def pull(telling: Telling, slug: str) -> None:
    """Let the deployed function pull a feed now."""
    client = telling.laptop.aws.client("lambda")
    minute = int(datetime.now(UTC).timestamp()) // 60
    body = json.dumps({"pulls": [[slug, feed_id_of("sandbox", "osei"), "lane"]], "minute": minute})
    record = {"messageId": "1", "body": body, "attributes": {"MessageGroupId": slug}}
    answer = client.invoke(FunctionName=f"{STACK}-sync-schedule", Payload=json.dumps({"Records": [record]}))
    assert json.loads(answer["Payload"].read()) == {"batchItemFailures": []}


@pytest.mark.parametrize(("slug", "algorithm", "in_kms"), [("bay", "RS384", False), ("cove", "ES384", True)])
def test_a_key_signs_in_and_the_published_one_verifies_it(
    telling: Telling, tmp_path: Path, slug: str, algorithm: str, in_kms: bool
) -> None:
    key = "{private_key: {file: ours.pem}}"
    if in_kms:
        kms = telling.laptop.aws.client("kms")
        made = kms.create_key(KeySpec="ECC_NIST_P384", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName=f"alias/{STACK}/sources/{slug}", TargetKeyId=made)
        key = f"{{kms_key: {slug}}}"
    (tmp_path / "ours.pem").write_text(pem(algorithm))
    with TokenServer(
        f"oneway-{slug}",
        lambda: keys_of(telling, slug),
        lambda: datetime.now(UTC),
        token=telling.laptop.sandbox.token,
    ) as tokens:
        credentials = f"credentials: {{client_id: oneway-{slug}, keys: [{key}], token_url: {tokens.url}}}"
        text = practice_text(slug, telling.laptop.sandbox.fhir_url, {})
        assert text.count(CREDENTIALS) == 1
        printed = telling.laptop.apply_text(text.replace(CREDENTIALS, credentials), tmp_path)
        assert f"{telling.laptop.public_url}/keys/{slug}/jwks.json" in printed
        pull(telling, slug)
        assert tokens.refusals == []
        assert {header["alg"] for header in tokens.headers} == {algorithm}
        status = telling.laptop.oneway("status", slug, well=False)
        assert "up to date" in next(line for line in status.splitlines() if "osei" in line), status
        planned = telling.laptop.oneway("apply", str(tmp_path / "practice.yaml"), "--dry-run")
        assert "source sandbox" not in planned
        again = telling.laptop.apply_text(text.replace(CREDENTIALS, credentials), tmp_path)
        assert "source sandbox" not in again
        assert "credentials sandbox" not in again
