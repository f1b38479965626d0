"""What the embedded AWS ignores, and what no deployment would notice."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.template_file import API, RESOURCES, ROOT

FUNCTIONS = {
    "Booking",
    "Portal",
    "PlanSyncs",
    "SyncSchedule",
    "RelayChanges",
    "SendMessages",
    "RunTimers",
}


def _of(kind: str) -> dict[str, Any]:
    return {name: one for name, one in RESOURCES.items() if one["Type"] == kind}


def test_the_functions() -> None:
    assert set(_of("AWS::Serverless::Function")) == FUNCTIONS


@pytest.mark.parametrize("kind", ["AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::Cognito::UserPool"])
def test_data_outlives_the_stack(kind: str) -> None:
    for resource in _of(kind).values():
        assert resource["DeletionPolicy"] == "Retain"
        assert resource["UpdateReplacePolicy"] == "Retain"


def test_the_table_is_protected() -> None:
    (table,) = (one["Properties"] for one in _of("AWS::DynamoDB::Table").values())

    assert table["DeletionProtectionEnabled"]
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    assert table["SSESpecification"]["SSEEnabled"]
    assert table["TimeToLiveSpecification"]["Enabled"]
    assert {index["IndexName"] for index in table["GlobalSecondaryIndexes"]} == {"to_act", "unsent"}


def test_mail_goes_out_encrypted_or_not_at_all() -> None:
    (settings,) = (one["Properties"] for one in _of("AWS::SES::ConfigurationSet").values())

    assert settings["DeliveryOptions"]["TlsPolicy"] == "REQUIRE"


def test_unknown_paths_get_pages_of_our_own() -> None:
    assert {"MISSING_AUTHENTICATION_TOKEN", "DEFAULT_4XX", "DEFAULT_5XX"} & set(
        API["x-amazon-apigateway-gateway-responses"]
    )


def test_no_function_has_rights_on_everything() -> None:
    for name in FUNCTIONS:
        for policy in RESOURCES[name]["Properties"].get("Policies", []):
            for statement in policy.get("Statement", []) if isinstance(policy, dict) else []:
                actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                assert all(":" in action and not action.endswith(":*") for action in actions), name
                assert statement["Resource"] != "*", name


@pytest.mark.parametrize("function", ["booking", "portal"])
def test_routes_are_those_of_the_api(function: str) -> None:
    program = (
        f"import sys, json; sys.path.insert(0, 'functions/{function}')\n"
        f"from {function}_function import app\n"
        "print(json.dumps([[path, m] for path, by in app.routes.items() for m in by]))"
    )
    environment = {
        "PATH": "",
        "TABLE_NAME": "t",
        "PUBLIC_URL": "https://book.example",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stderr
    routed = {(re.sub(r"\{\w+\+?\}", "{}", path), method.lower()) for path, method in json.loads(done.stdout)}
    described = {
        (re.sub(r"\{\w+\+?\}", "{}", path), method)
        for path, methods in API["paths"].items()
        for method, operation in methods.items()
        if method != "parameters" and f"-{function}/" in json.dumps(operation)
    }

    assert routed == described


def test_cfn_lint_is_content() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("cfn-lint")), "template.yaml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert not done.returncode, done.stdout


def test_sam_validate_is_content() -> None:
    environment = {"PATH": "/usr/bin:/bin", "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run(
        [str(ROOT / ".local/sam/bin/sam"), "validate", "--lint"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert not done.returncode, done.stdout + done.stderr
