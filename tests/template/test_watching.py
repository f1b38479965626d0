"""The alarms and the dashboard name what is really counted, by us or by AWS, and nobody in person."""

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from oneway.batch_report import ENDS, TOTALS

from cli.main import dead_letters
from tests.template_file import RESOURCES, ROOT, TEMPLATE, WATCHING

OURS = {
    "sync_schedule": {
        *ENDS.values(), *TOTALS.values(), "SourcesBroken", "SourcesWell", "PullLag", "PullDuration",
    },
    "plan_syncs": {"FeedsPlanned"},
    "run_timers": {"MessagesSwept", "RequestsExpired"},
    "send_messages": {"StaffMailMissed"},
}  # fmt: skip
"""What each function counts, by its service; tests/unit holds the functions to it."""
AWS: dict[str, dict[str, set[str]]] = {
    "AWS/SQS": {
        "ApproximateAgeOfOldestMessage": {"QueueName"},
        "ApproximateNumberOfMessagesVisible": {"QueueName"},
    },
    "AWS/Lambda": {
        "Invocations": {"FunctionName"},
        "Errors": {"FunctionName"},
        "Duration": {"FunctionName"},
        "IteratorAge": {"FunctionName"},
        "Throttles": set(),
        "ConcurrentExecutions": set(),
    },
    "AWS/DynamoDB": {
        "ReadThrottleEvents": {"TableName"},
        "WriteThrottleEvents": {"TableName"},
        "ConsumedReadCapacityUnits": {"TableName"},
        "ConsumedWriteCapacityUnits": {"TableName"},
        "SystemErrors": {"TableName", "Operation"},
    },
    "AWS/ApiGateway": {
        "Latency": {"ApiName", "Stage"},
        "Count": {"ApiName", "Stage"},
        "5XXError": {"ApiName", "Stage"},
    },
    "AWS/SES": {
        "Send": set(),
        "Bounce": set(),
        "Complaint": set(),
        "Reputation.BounceRate": set(),
        "Reputation.ComplaintRate": set(),
    },
}
"""Metrics that AWS documents, with the dimensions they are published under."""
MISSING = {
    "dead-syncs": "ignore",  # a queue that nobody touches stops reporting, messages or not
    "dead-messages": "ignore",
    "lost-changes": "ignore",
    "dead-mail-events": "ignore",
    "bounces": "ignore",  # reported when something is sent: a bad rate stays bad over night
    "complaints": "ignore",
    "not-planned": "breaching",  # a function that is not called reports nothing: that is what is watched for
}
"""What no data means; for all others that nothing happened."""


@dataclass(frozen=True)
class Used:
    """A metric that is named somewhere."""

    where: str
    namespace: str
    name: str
    dimensions: dict[str, str]


def text_of(value: Any) -> str:
    """Text as it stands in a dashboard: `!Sub` as it is, `!Ref` as a placeholder."""
    if isinstance(value, dict):
        ((tag, inside),) = value.items()
        return f"${{{inside}}}" if tag == "Ref" else str(inside)
    return str(value)


ALARMS: dict[str, dict[str, Any]] = {
    text_of(one["Properties"]["AlarmName"]).removeprefix("${Stack}-"): one["Properties"]
    for one in WATCHING["Resources"].values()
    if one["Type"] == "AWS::CloudWatch::Alarm"
}
BODY = json.loads(WATCHING["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])
WIDGETS = [one["properties"] for one in BODY["widgets"] if one["type"] == "metric"]
FUNCTIONS = {
    one["Properties"]["FunctionName"]["Sub"].removeprefix("${AWS::StackName}-")
    for one in RESOURCES.values()
    if one["Type"] == "AWS::Serverless::Function"
}
GUIDE = (ROOT / "docs/deploy.md").read_text("utf-8").partition("## Watching it")[2]


def in_alarms() -> Iterator[Used]:
    for name, alarm in ALARMS.items():
        dimensions = {one["Name"]: text_of(one["Value"]) for one in alarm.get("Dimensions", [])}
        yield Used(name, text_of(alarm["Namespace"]), alarm["MetricName"], dimensions)


def on_the_dashboard() -> Iterator[Used]:
    for widget in WIDGETS:
        for metric in widget["metrics"]:
            namespace, name, *dimensions = [part for part in metric if isinstance(part, str)]
            pairs = dict(zip(dimensions[::2], dimensions[1::2], strict=True))
            yield Used(widget["title"], namespace, name, pairs)


USED = [*in_alarms(), *on_the_dashboard()]


@pytest.mark.parametrize("used", USED, ids=lambda used: f"{used.where}: {used.name}")
def test_every_metric_is_one_of_ours_or_of_aws(used: Used) -> None:
    if used.namespace == "Oneway/${Stack}":
        assert set(used.dimensions) == {"service"}
        assert used.name in OURS[used.dimensions["service"]]
    else:
        assert set(used.dimensions) == AWS[used.namespace][used.name]


@pytest.mark.parametrize("used", USED, ids=lambda used: f"{used.where}: {used.name}")
def test_every_dimension_is_a_thing_of_the_stack(used: Used) -> None:
    for name, value in used.dimensions.items():
        match name:
            case "FunctionName":
                assert value.removeprefix("${Stack}-") in FUNCTIONS
            case "QueueName":
                assert RESOURCES[value[2:-1]]["Type"] == "AWS::SQS::Queue"
            case "TableName":
                assert value == "${Table}"
            case "ApiName":
                assert value == "${Stack}"
                assert RESOURCES["Api"]["Properties"]["Name"] == {"Ref": "AWS::StackName"}
            case "Stage":
                assert value == RESOURCES["Api"]["Properties"]["StageName"]
            case "Operation":
                assert value == "TransactWriteItems"
            case _:
                assert name == "service"


def test_functions_count_under_their_own_service_and_the_stack_s_namespace() -> None:
    for one in RESOURCES.values():
        if one["Type"] == "AWS::Serverless::Function":
            word = one["Properties"]["FunctionName"]["Sub"].removeprefix("${AWS::StackName}-").replace("-", "_")
            assert one["Properties"]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] == word
    variables = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["POWERTOOLS_METRICS_NAMESPACE"] == {"Sub": "Oneway/${AWS::StackName}"}


def test_everything_that_we_count_is_on_the_dashboard() -> None:
    shown = {(used.dimensions["service"], used.name) for used in on_the_dashboard() if "service" in used.dimensions}

    assert shown == {(service, name) for service, names in OURS.items() for name in names}


def test_the_dashboard_fits() -> None:
    places = [
        (x, y)
        for one in BODY["widgets"]
        for x in range(one["x"], one["x"] + one["width"])
        for y in range(one["y"], one["y"] + one["height"])
    ]

    assert len(places) == len(set(places))
    assert max(x for x, _ in places) < 24
    assert sum(len(widget["metrics"]) for widget in WIDGETS) <= 50
    assert all(widget["region"] == "${AWS::Region}" for widget in WIDGETS)


def test_the_dashboard_shows_every_alarm() -> None:
    (alarms,) = (one["properties"]["alarms"] for one in BODY["widgets"] if one["type"] == "alarm")
    known = {
        f"${{{name}.Arn}}" for name, one in WATCHING["Resources"].items() if one["Type"] == "AWS::CloudWatch::Alarm"
    }

    assert set(alarms) == known
    assert len(alarms) == len(known)


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_an_alarm_says_what_to_do_and_tells_somebody(name: str) -> None:
    alarm = ALARMS[name]

    assert alarm["AlarmName"]["Sub"] == f"${{Stack}}-{name}"
    assert re.search(r"\b[Ss]ee\b", alarm["AlarmDescription"])
    assert len(alarm["AlarmDescription"]) <= 1024
    assert alarm["AlarmActions"] == [{"Ref": "Alarms"}]
    assert alarm["TreatMissingData"] == MISSING.get(name, "notBreaching")
    assert alarm["Period"] * alarm["EvaluationPeriods"] <= 3600
    assert f"| `{name}` |" in GUIDE or (name.endswith("-errors") and "| `…-errors` |" in GUIDE)


def test_each_function_s_errors_are_watched() -> None:
    watched = {used.dimensions["FunctionName"] for used in in_alarms() if used.name == "Errors"}

    assert watched == {f"${{Stack}}-{name}" for name in FUNCTIONS}


def test_each_function_s_errors_are_on_the_dashboard() -> None:
    shown = {used.dimensions["FunctionName"] for used in on_the_dashboard() if used.name == "Errors"}

    assert shown == {f"${{Stack}}-{name}" for name in FUNCTIONS}


LINES = re.compile(r'"([a-z]+(?: [a-z]+)+)"')


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_a_log_line_that_an_alarm_names_is_written(name: str) -> None:
    written = "".join(file.read_text("utf-8") for file in (ROOT / "functions").rglob("*_function.py"))

    for line in LINES.findall(ALARMS[name]["AlarmDescription"]):
        assert f'log("{line}"' in written


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_a_command_that_an_alarm_names_is_there(name: str) -> None:
    known = {command.name for command in dead_letters.registered_commands}

    assert set(re.findall(r"oneway dead-letters (\w+)", ALARMS[name]["AlarmDescription"])) <= known


def test_each_queue_of_what_was_given_up_is_watched() -> None:
    dead = {
        one["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]["GetAtt"].partition(".")[0]
        for one in RESOURCES.values()
        if "RedrivePolicy" in one.get("Properties", {})
    }
    watched = {
        used.dimensions["QueueName"][2:-1] for used in in_alarms() if used.name == "ApproximateNumberOfMessagesVisible"
    }

    assert watched == {*dead, "LostChanges"}


def test_the_guide_says_how_many_alarms_are_paid_for() -> None:
    assert f"{len(ALARMS)} alarms" in GUIDE


def test_it_is_deployed_on_aws_only_with_all_that_it_asks_for() -> None:
    nested = RESOURCES["Watching"]

    assert nested["Type"] == "AWS::CloudFormation::Stack"
    assert nested["Condition"] == "OnAws"
    assert nested["Properties"]["TemplateURL"] == "infra/watching.yaml"
    given = nested["Properties"]["Parameters"]
    assert set(given) == set(WATCHING["Parameters"])
    assert given.pop("Stack") == {"Ref": "AWS::StackName"}
    assert given.pop("AlarmEmail") == {"Ref": "AlarmEmail"}
    assert given.pop("KeyArn") == {"GetAtt": "Key.Arn"}
    assert given.pop("Table") == {"Ref": "Table"}
    assert given == {name: {"GetAtt": f"{name}.QueueName"} for name in given}


def test_nested_templates_may_be_deployed_everywhere() -> None:
    settings = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))
    for name, environment in settings.items():
        if isinstance(environment, dict) and "deploy" in environment:
            assert "CAPABILITY_AUTO_EXPAND" in environment["deploy"]["parameters"]["capabilities"], name


def test_alarms_reach_an_encrypted_topic_and_nobody_else_s_do() -> None:
    """AWS's own key for topics does not let CloudWatch write to them: it has to be ours, and has to say so."""
    topic = WATCHING["Resources"]["Alarms"]["Properties"]
    (policy,) = WATCHING["Resources"]["AlarmsPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    _, key = RESOURCES["Key"]["Properties"]["KeyPolicy"]["Statement"]

    assert topic["KmsMasterKeyId"] == {"Ref": "KeyArn"}
    assert policy["Action"] == "sns:Publish"
    assert key["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    for statement in (policy, key):
        assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        assert statement["Condition"]["ArnLike"]["aws:SourceArn"]["Sub"].endswith("-*")


def test_whoever_is_told_is_a_choice() -> None:
    mail = WATCHING["Resources"]["AlarmsByEmail"]

    assert mail["Condition"] == "HasEmail"
    assert TEMPLATE["Parameters"]["AlarmEmail"]["Default"] == ""
    assert re.fullmatch(TEMPLATE["Parameters"]["AlarmEmail"]["AllowedPattern"], "")


def test_no_function_calls_cloudwatch() -> None:
    for one in RESOURCES.values():
        if one["Type"] == "AWS::Serverless::Function":
            assert "cloudwatch:" not in json.dumps(one["Properties"].get("Policies", []))
