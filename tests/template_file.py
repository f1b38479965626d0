"""The templates and the API's definition as data."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short tags as {tag: value}."""


def _tag(loader: Any, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    return {suffix: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _tag)


def _read(name: str) -> Any:
    return yaml.load((ROOT / name).read_text("utf-8"), Loader=_Loader)  # noqa: S506 - a safe loader with tags


TEMPLATE = _read("template.yaml")
RESOURCES = TEMPLATE["Resources"]
API = _read("infra/api.yaml")
WATCHING = _read("infra/watching.yaml")
