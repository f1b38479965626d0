"""Jinja environments for pages and mail: compiled ahead where a build did so, from their sources elsewhere."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, ChoiceLoader, Environment, FileSystemLoader, ModuleLoader, StrictUndefined


def environment(compiled: Path, sources: Sequence[Path], **options: Any) -> Environment:
    """An environment that escapes everything and refuses unknown names."""
    source = ChoiceLoader([FileSystemLoader(folder) for folder in sources])
    loader: BaseLoader = ModuleLoader(compiled) if compiled.is_dir() else source
    return Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, **options
    )
