"""What a function printed in CloudWatch's embedded metric format, as data."""

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NAMESPACE = "Oneway/harbor-test"


@dataclass(frozen=True)
class Line:
    """One line of metrics: dimensions with their values, metrics with unit and values, and what else stands in it."""

    namespace: str
    dimensions: Mapping[str, str]
    metrics: Mapping[str, tuple[str, list[float]]]
    other: Mapping[str, Any]


def lines(printed: str) -> list[Line]:
    return [_line(json.loads(text)) for text in printed.splitlines()]


def _line(found: dict[str, Any]) -> Line:
    (directive,) = found.pop("_aws")["CloudWatchMetrics"]
    (names,) = directive["Dimensions"]
    dimensions = {name: found.pop(name) for name in names}
    metrics = {one["Name"]: (one["Unit"], found.pop(one["Name"])) for one in directive["Metrics"]}
    return Line(directive["Namespace"], dimensions, metrics, found)


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A function's module, as Lambda would load it."""
    for variable in ("TABLE_NAME", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(variable, "us-east-1")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", NAMESPACE)
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", name)
    spec = importlib.util.spec_from_file_location(f"{name}_function", ROOT / f"functions/{name}/{name}_function.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
