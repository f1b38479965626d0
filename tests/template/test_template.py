"""What the embedded AWS ignores, and what no deployment would notice."""

import json
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from oneway.domain.feeds import LONGEST_PULL
from oneway.languages import LANGUAGES, words
from oneway.mail.pacing import SENDERS
from oneway.sources.signing import KMS_ALGORITHMS
from oneway.use_cases.send_messages import LEASE, ONE_SEND

from local import openapi
from local.build import AWS_DATA, BUILT
from tests.template_file import API, RESOURCES, ROOT, TEMPLATE

FUNCTIONS = {
    "Booking",
    "Portal",
    "PlanSyncs",
    "SyncSchedule",
    "RelayChanges",
    "SendMessages",
    "TrackMail",
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
    assert {index["IndexName"] for index in table["GlobalSecondaryIndexes"]} == {
        "to_act", "unsent", "found", "starts", "named", "given", "further", "phoned", "mailed",
    }  # fmt: skip


def test_mail_goes_out_encrypted_or_not_at_all() -> None:
    (settings,) = (one["Properties"] for one in _of("AWS::SES::ConfigurationSet").values())

    assert settings["DeliveryOptions"]["TlsPolicy"] == "REQUIRE"


def test_nobody_is_told_who_opens_or_clicks() -> None:
    """It would tell who is ill: SES is asked for neither, so it puts no picture and no link of its own into messages."""
    (reports,) = (
        one["Properties"]["EventDestination"] for one in _of("AWS::SES::ConfigurationSetEventDestination").values()
    )
    (settings,) = (one["Properties"] for one in _of("AWS::SES::ConfigurationSet").values())

    assert reports["Enabled"]
    assert set(reports["MatchingEventTypes"]) == {"send", "delivery", "deliveryDelay", "bounce", "complaint", "reject"}
    assert not {"TrackingOptions", "VdmOptions"} & settings.keys()


def test_what_ses_says_comes_by_a_queue_that_only_the_rule_fills() -> None:
    rule, policy = RESOURCES["MailRule"]["Properties"], RESOURCES["MailRuleMaySend"]["Properties"]
    (target,) = rule["Targets"]
    (statement,) = policy["PolicyDocument"]["Statement"]

    assert rule["EventPattern"]["source"] == {"If": ["IsLocal", ["aws.ses", "local.ses"], ["aws.ses"]]}
    assert rule["EventPattern"]["detail"] == {"mail": {"tags": {"ses:configuration-set": [{"Ref": "MailSettings"}]}}}
    assert target["Arn"] == {"GetAtt": "MailEvents.Arn"}
    assert target["DeadLetterConfig"] == {"Arn": {"GetAtt": "DeadMailEvents.Arn"}}
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"GetAtt": "MailRule.Arn"}}}


def test_mail_goes_out_by_few_at_a_time() -> None:
    """Each of the senders that run side by side keeps to its part of the account's rate (tests/unit/mail/test_pacing.py)."""
    properties = RESOURCES["SendMessages"]["Properties"]
    (event,) = properties["Events"].values()

    assert event["Properties"]["ScalingConfig"] == {"MaximumConcurrency": SENDERS}
    assert properties["Environment"]["Variables"]["SEND_RATE"] == {"Ref": "SendRate"}
    assert TEMPLATE["Outputs"]["SendRate"]["Value"] == {"Ref": "SendRate"}
    # The pauses of a batch fit into the function's time, the tries after a refusal included.
    assert timedelta(seconds=properties["Timeout"]) >= 2 * ONE_SEND


def test_unknown_paths_get_pages_of_our_own() -> None:
    assert {"MISSING_AUTHENTICATION_TOKEN", "DEFAULT_4XX", "DEFAULT_5XX"} & set(
        API["x-amazon-apigateway-gateway-responses"]
    )


@pytest.mark.parametrize(("kind", "status"), [("THROTTLED", 429), ("WAF_FILTERED", 403), ("REQUEST_TOO_LARGE", 413)])
def test_whoever_asks_too_much_is_told_kindly_by_the_gateway_too(kind: str, status: int) -> None:
    answer = API["x-amazon-apigateway-gateway-responses"][kind]
    told = json.loads(answer["responseTemplates"]["application/json"])

    assert answer["statusCode"] == told["status"] == status
    assert told["title"]
    assert told["detail"].endswith(".")
    assert told["detail"] in answer["responseTemplates"]["text/html"]


@pytest.mark.parametrize("kind", ["THROTTLED", "WAF_FILTERED"])
def test_whoever_meets_a_limit_is_not_refused_but_asked_to_wait(kind: str) -> None:
    """A patient behind a network that many share did nothing wrong; a page that is loaded again sends its form again."""
    html = API["x-amazon-apigateway-gateway-responses"][kind]["responseTemplates"]["text/html"]
    assert "<h1>Please wait a little</h1>" in html
    assert "Nothing you typed is lost: load this page again" in html
    assert "<h2>Espere un poco</h2>" in html
    assert "Nada de lo que escribió se ha perdido: vuelva a cargar esta página" in html
    assert "efused" not in html


def test_what_the_gateway_says_by_itself_names_what_to_do_in_an_emergency() -> None:
    """It knows no practice, so it says no more than that; in every language."""
    for kind, answer in API["x-amazon-apigateway-gateway-responses"].items():
        html = answer["responseTemplates"]["text/html"]
        for language in LANGUAGES:
            assert words(language)["emergency"] in html, kind


def test_the_stage_throttles_and_the_firewall_counts() -> None:
    (api,) = (one["Properties"] for one in _of("AWS::Serverless::Api").values())
    (firewall,) = (one["Properties"] for one in _of("AWS::WAFv2::WebACL").values())

    (settings,) = api["MethodSettings"]
    assert (settings["ResourcePath"], settings["HttpMethod"]) == ("/*", "*")
    assert settings["ThrottlingRateLimit"] <= settings["ThrottlingBurstLimit"]
    (rule,) = firewall["Rules"]
    assert rule["Statement"]["RateBasedStatement"] == {"Limit": 1000, "AggregateKeyType": "IP"}
    assert "Block" in rule["Action"]


def test_every_public_route_is_described_and_its_document_is_valid() -> None:
    described = openapi.document()

    assert set(described["paths"]) == {path for path in API["paths"] if path.startswith(openapi.PUBLIC)}
    schemathesis.openapi.from_dict(described).validate()


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


@pytest.mark.parametrize("template", ["template.yaml", "infra/watching.yaml"])
def test_cfn_lint_is_content(template: str) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("cfn-lint")), template],
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


def test_answers_are_packed_by_the_gateway() -> None:
    for api in _of("AWS::Serverless::Api").values():
        assert api["Properties"]["MinimumCompressionSize"] <= 1024


def test_functions_find_the_cut_descriptions_in_the_layer() -> None:
    inside = AWS_DATA.relative_to(BUILT / "Core")
    assert TEMPLATE["Parameters"]["AwsData"]["Default"] == f"/opt/{inside}"


def _statements(name: str) -> list[dict[str, Any]]:
    policies = RESOURCES[name]["Properties"].get("Policies", [])
    return [one for policy in policies if isinstance(policy, dict) for one in policy.get("Statement", [])]


def _actions(statement: dict[str, Any]) -> list[str]:
    actions = statement["Action"]
    return actions if isinstance(actions, list) else [actions]


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_whoever_uses_the_encrypted_table_or_parameters_may_use_their_key_through_them(name: str) -> None:
    """The embedded AWS does not ask for the key's rights; AWS does."""
    statements = _statements(name)
    actions = {action for one in statements for action in _actions(one)}
    services = {action.partition(":")[0] for action in actions} & {"dynamodb", "ssm"}
    streams = [e for e in RESOURCES[name]["Properties"].get("Events", {}).values() if e["Type"] == "DynamoDB"]
    keys = [one for one in statements if any(a.startswith("kms:") and a != "kms:Sign" for a in _actions(one))]
    granted = str([one["Condition"] for one in keys])

    assert all("kms:ViaService" in str(one["Condition"]) for one in keys)
    for service in services | ({"dynamodb"} if streams else set()):
        assert f"{service}.${{AWS::Region}}" in granted, service
    if any(action.startswith(("dynamodb:Put", "dynamodb:Delete")) for action in actions):
        assert {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*"} <= {a for one in keys for a in _actions(one)}


def test_only_pulls_sign_and_only_with_keys_that_were_given_an_alias_for_it() -> None:
    """The embedded AWS knows neither condition; AWS does."""
    signing = {name: one for name in FUNCTIONS for one in _statements(name) if "kms:Sign" in _actions(one)}
    (statement,) = signing.values()
    local, condition = statement["Condition"]["If"][1:]

    assert set(signing) == {"SyncSchedule"}
    assert _actions(statement) == ["kms:Sign"]
    assert statement["Resource"]["Sub"].endswith(":kms:${AWS::Region}:${AWS::AccountId}:key/*")
    assert (statement["Condition"]["If"][0], local) == ("IsLocal", {"Ref": "AWS::NoValue"})
    assert condition == {
        "ForAnyValue:StringLike": {"kms:ResourceAliases": {"Sub": "alias/${AWS::StackName}/sources/*"}},
        "StringEquals": {"kms:SigningAlgorithm": list(KMS_ALGORITHMS.values())},
    }


def test_the_library_that_signs_is_carried_by_pulls_alone() -> None:
    layers = {name: RESOURCES[name]["Properties"].get("Layers", []) for name in FUNCTIONS}
    carried = (ROOT / "layers/dependencies/requirements.txt").read_text("utf-8")

    assert {name for name, added in layers.items() if added == [{"Ref": "Signing"}]} == {"SyncSchedule"}
    assert TEMPLATE["Globals"]["Function"]["Layers"] == [{"Ref": "Dependencies"}, {"Ref": "Core"}]
    assert "cryptography" not in carried
    assert "cffi" not in carried


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_each_function_has_a_log_that_forgets(name: str) -> None:
    written = str(RESOURCES[name]["Properties"]["FunctionName"]["Sub"])
    logs = [one["Properties"] for one in _of("AWS::Logs::LogGroup").values()]
    (log,) = (one for one in logs if one["LogGroupName"]["Sub"] == f"/aws/lambda/{written}")

    assert log["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    # The reference makes CloudFormation create the log before the function, which would else make one of its own.
    assert RESOURCES[name]["Properties"]["LoggingConfig"] == {"LogGroup": {"Ref": f"{name}Log"}}


def test_work_that_fails_again_and_again_is_set_aside() -> None:
    queues = _of("AWS::SQS::Queue")
    for name in ("Syncs", "Messages"):
        properties = queues[name]["Properties"]
        dead = properties["RedrivePolicy"]["deadLetterTargetArn"]["GetAtt"].partition(".")[0]
        assert properties["FifoQueue"]
        assert queues[dead]["Properties"]["FifoQueue"]
        assert queues[dead]["Properties"]["MessageRetentionPeriod"] == 14 * 86400


@pytest.mark.parametrize(
    ("function", "queue"), [("SyncSchedule", "Syncs"), ("SendMessages", "Messages"), ("TrackMail", "MailEvents")]
)
def test_a_message_stays_hidden_for_six_tries(function: str, queue: str) -> None:
    hidden = RESOURCES[queue]["Properties"]["VisibilityTimeout"]
    (event,) = (e for e in RESOURCES[function]["Properties"]["Events"].values() if e["Type"] == "SQS")

    assert hidden >= 6 * RESOURCES[function]["Properties"]["Timeout"]
    assert event["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_a_message_can_be_sent_while_its_claim_holds() -> None:
    lasts = timedelta(seconds=RESOURCES["SendMessages"]["Properties"]["Timeout"])
    assert 2 * ONE_SEND <= lasts < LEASE
    assert lasts < LEASE < timedelta(seconds=RESOURCES["Messages"]["Properties"]["VisibilityTimeout"])


def test_a_pull_is_over_before_it_counts_as_dead_and_dead_when_its_messages_come_again() -> None:
    lasts = timedelta(seconds=RESOURCES["SyncSchedule"]["Properties"]["Timeout"])
    assert lasts < LONGEST_PULL <= timedelta(seconds=RESOURCES["Syncs"]["Properties"]["VisibilityTimeout"])


def test_the_sync_queue_takes_more_than_three_hundred_calls_a_second() -> None:
    properties = RESOURCES["Syncs"]["Properties"]

    assert properties["DeduplicationScope"] == "messageGroup"
    assert properties["FifoThroughputLimit"] == "perMessageGroupId"


def test_a_minute_is_planned_before_the_next_one_comes() -> None:
    assert 20 < RESOURCES["PlanSyncs"]["Properties"]["Timeout"] < 60


def test_a_lost_batch_of_the_stream_is_kept() -> None:
    events = RESOURCES["RelayChanges"]["Properties"]["Events"].values()
    (stream,) = (event["Properties"] for event in events if event["Type"] == "DynamoDB")

    assert stream["BisectBatchOnFunctionError"]
    assert stream["MaximumRetryAttempts"] > 0
    assert "OnFailure" in stream["DestinationConfig"]


def test_two_schedules_each_minute() -> None:
    schedules = [
        event["Properties"]["ScheduleExpression"]
        for name in FUNCTIONS
        for event in RESOURCES[name]["Properties"].get("Events", {}).values()
        if event["Type"] == "ScheduleV2"
    ]

    assert schedules == ["rate(1 minute)"] * 2


def test_staff_sign_in_by_code_and_strangers_make_no_account() -> None:
    (client,) = (one["Properties"] for one in _of("AWS::Cognito::UserPoolClient").values())
    (pool,) = (one["Properties"] for one in _of("AWS::Cognito::UserPool").values())

    assert client["AllowedOAuthFlows"] == ["code"]
    assert not client["GenerateSecret"]
    assert client["PreventUserExistenceErrors"] == "ENABLED"
    assert pool["MfaConfiguration"] == "OPTIONAL"
    assert pool["DeletionProtection"] == "ACTIVE"
    assert pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"]
