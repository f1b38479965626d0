"""Metrics as CloudWatch reads them (embedded metric format)."""

import json

import pytest
from oneway.metrics import emit

from . import emf


@pytest.fixture(autouse=True)
def _of_a_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", emf.NAMESPACE)
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "sync_schedule")


def test_a_line_has_what_is_not_zero_its_service_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"Pulls": 3, "Broken": 0}, {"PullDuration": [0.12345, 2.0], "Waited": []})
    printed = capsys.readouterr().out
    (line,) = emf.lines(printed)
    assert (line.namespace, line.dimensions) == (emf.NAMESPACE, {"service": "sync_schedule"})
    assert line.metrics == {"Pulls": ("Count", [3]), "PullDuration": ("Seconds", [0.123, 2.0])}
    assert line.other == {}
    assert json.loads(printed)["_aws"]["Timestamp"] > 1_700_000_000_000, "milliseconds"


def test_nothing_is_written_where_there_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"Pulls": 0}, {"PullDuration": []})
    emit({})
    assert capsys.readouterr().out == ""


def test_a_line_has_at_most_a_hundred_values_of_a_metric_and_counts_stand_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    spans = [float(number) for number in range(250)]
    emit({"Pulls": 250}, {"PullDuration": spans, "Waited": [1.0]})
    lines = emf.lines(capsys.readouterr().out)
    assert [len(line.metrics["PullDuration"][1]) for line in lines] == [100, 100, 50]
    assert [span for line in lines for span in line.metrics["PullDuration"][1]] == spans
    assert [list(line.metrics) for line in lines[1:]] == [["PullDuration"], ["PullDuration"]]
    assert lines[0].metrics["Pulls"] == ("Count", [250])
    assert lines[0].metrics["Waited"] == ("Seconds", [1.0])
