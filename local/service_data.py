"""The descriptions of the few AWS calls that functions make, cut out of botocore's (docs/adr/0006).

botocore reads a service's whole description, and every service's endpoints, before its first call: a quarter of a cold start.
AWS_DATA_PATH leads it to these first; whatever is not here it finds in its own. Only plain descriptions are cut out: rules that
botocore itself interprets (endpoint rule sets, partitions) have to be those of the version that runs.
"""

import gzip
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

CALLS: Mapping[str, tuple[str, ...]] = {
    "dynamodb": ("GetItem", "BatchGetItem", "Query", "PutItem", "DeleteItem", "UpdateItem", "TransactWriteItems"),
    "sqs": ("SendMessageBatch",),
    "ses": ("SendRawEmail",),
    "ssm": ("GetParameter",),
    "kms": ("Sign",),
}
ENDPOINTS = {"dynamodb", "sqs", "email", "ssm", "kms"}
"""As endpoints.json names these services."""


def write(runtime: Path, target: Path) -> None:
    """Cut from the botocore of a runtime (a virtual environment) into a folder."""
    source = next(runtime.glob("lib/python3*/site-packages/botocore/data"))
    shutil.rmtree(target, ignore_errors=True)
    endpoints = _read(source / "endpoints.json")
    for partition in endpoints["partitions"]:
        known = partition["services"]
        partition["services"] = {name: known[name] for name in sorted(ENDPOINTS & known.keys())}
    _save(target / "endpoints.json", endpoints)
    for service, calls in CALLS.items():
        latest = max(path for path in (source / service).iterdir() if path.is_dir())
        _save(target / service / latest.name / "service-2.json", _cut(_read(latest / "service-2.json"), calls))


def _cut(model: dict[str, Any], calls: tuple[str, ...]) -> dict[str, Any]:
    operations = {name: model["operations"][name] for name in calls}
    wanted: set[str] = set()
    for shape in _shapes_of(operations):
        _reach(shape, model["shapes"], wanted)
    shapes = {name: shape for name, shape in model["shapes"].items() if name in wanted}
    cut: dict[str, Any] = _undocumented({**model, "operations": operations, "shapes": shapes})
    return cut


def _reach(name: str, shapes: Mapping[str, Any], wanted: set[str]) -> None:
    if name not in wanted:
        wanted.add(name)
        for inner in _shapes_of(shapes[name]):
            _reach(inner, shapes, wanted)


def _shapes_of(part: Any) -> Iterator[str]:
    """The names of all shapes that a part of a description refers to."""
    if isinstance(part, dict):
        if isinstance(part.get("shape"), str):
            yield part["shape"]
        for inner in part.values():
            yield from _shapes_of(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _shapes_of(inner)


def _undocumented(part: Any) -> Any:
    if isinstance(part, dict):
        return {
            key: _undocumented(value)
            for key, value in part.items()
            if key != "documentation" or not isinstance(value, str)
        }
    return [_undocumented(one) for one in part] if isinstance(part, list) else part


def _read(file: Path) -> Any:
    packed = file.with_name(f"{file.name}.gz")
    return json.loads(gzip.decompress(packed.read_bytes()) if packed.exists() else file.read_bytes())


def _save(file: Path, content: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, separators=(",", ":")), "utf-8")
