"""functions → bootstrap → use_cases → domain; the domain sees the standard library only."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers/core/oneway"
MAY_SEE = {
    "domain": {"domain"},
    "ports": {"domain"},
    "faults": set(),
    "use_cases": {"use_cases", "domain", "ports", "faults", "links", "contact_marks", "languages", "phones"},
    "sources": {"sources", "domain", "ports", "faults", "phones"},
    "store": {"store", "domain", "ports", "quick_session"},
    "mail": {"mail", "domain", "ports", "faults", "languages", "phones", "templates", "colours", "calendar_file"},
    "web": {"web", "domain", "ports", "languages", "phones", "templates", "colours", "logs"},
    "languages": {"languages"},
    "links": {"domain"},
    "contact_marks": {"domain"},
    "calendar_file": set(),
    "queues": {"domain", "quick_session"},
    "quick_session": set(),
    "logs": set(),
    "metrics": set(),
    "batch_report": {"use_cases", "domain", "logs", "metrics"},
}
"""Rooms of the package that a room may import from."""
HEAVY = ("cryptography", "pydantic", "holidays", "aws_xray_sdk", "fhir", "boto3", "requests",
         "aws_lambda_powertools.utilities.idempotency")  # fmt: skip

POWERTOOLS = "aws_lambda_powertools"
"""Loaded only by functions that count. It brings its Tracer's module along, but not the X-Ray library, which makes it heavy."""


def imported(file: Path) -> Iterator[str]:
    """Absolute names of what a module imports, wherever it does so."""
    package = ["oneway", *file.relative_to(PACKAGE).parts[:-1]] if file.is_relative_to(PACKAGE) else []
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{name}.{one.name}" for one in node.names)


def room_of(name: str) -> str:
    return name.split(".")[1]


@pytest.mark.parametrize("room", MAY_SEE)
def test_a_room_sees_only_what_it_may(room: str) -> None:
    folder = PACKAGE / room
    files = sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{room}.py"]
    for file in (one for one in files if "compiled" not in one.parts):
        ours = {room_of(name) for name in imported(file) if name.startswith("oneway.")}
        assert ours <= MAY_SEE[room], file


def test_the_domain_sees_the_standard_library_and_structs_only() -> None:
    for file in (PACKAGE / "domain").rglob("*.py"):
        foreign = {name.split(".")[0] for name in imported(file)} - {"oneway", "msgspec"}
        assert foreign <= sys.stdlib_module_names, file


def test_only_bootstrap_brings_adapters_and_use_cases_together() -> None:
    adapters, others = {"store", "sources", "mail", "queues"}, {"bootstrap"}
    for file in PACKAGE.glob("*.py"):
        if file.stem not in others | adapters:
            assert not {room_of(name) for name in imported(file) if name.startswith("oneway.")} & adapters, file


def test_functions_see_adapters_through_bootstrap_only() -> None:
    for file in (ROOT / "functions").glob("*/*.py"):
        names = [
            node.module or ""
            for node in ast.walk(ast.parse(file.read_text("utf-8")))
            if isinstance(node, ast.ImportFrom)
        ]
        assert not [name for name in names if name.startswith(("oneway.store", "oneway.sources", "oneway.mail"))], file


def test_of_powertools_we_use_metrics_and_parameters() -> None:
    files = [*PACKAGE.rglob("*.py"), *(ROOT / "functions").glob("*/*.py")]
    used = {name for file in files for name in imported(file) if name.startswith(POWERTOOLS)}
    assert used
    assert all(name.startswith((f"{POWERTOOLS}.metrics.", f"{POWERTOOLS}.utilities.parameters")) for name in used)


@pytest.mark.parametrize(
    ("function", "built", "never"),
    [
        (
            "booking",
            "booking_function.booking()",
            ("oneway.sources", "oneway.mail", "jinja2", "booking_pages", "page_requests", POWERTOOLS),
        ),
        ("portal", "portal_function.portal()", ("oneway.sources", "oneway.mail", POWERTOOLS)),
        ("plan_syncs", "", ("oneway.sources", "oneway.mail", "oneway.web", "chalice", "jinja2")),
        ("sync_schedule", "", ("oneway.sources.smart", "oneway.mail", "oneway.web", "chalice", "jinja2")),
        (
            "relay_changes",
            "",
            ("oneway.sources", "oneway.mail", "oneway.web", "chalice", "jinja2", "pynamodb", POWERTOOLS),
        ),
        ("send_messages", "", ("oneway.sources", "oneway.web", "chalice", POWERTOOLS)),
        (
            "track_mail",
            "",
            ("oneway.sources", "oneway.web", "oneway.mail.compose", "chalice", "jinja2", POWERTOOLS),
        ),
        ("run_timers", "", ("oneway.sources", "oneway.mail", "oneway.web", "chalice", "jinja2")),
    ],
)
def test_a_function_loads_what_it_needs_and_no_more(function: str, built: str, never: tuple[str, ...]) -> None:
    names = (*never, *HEAVY)
    program = f"import sys, {function}_function; {built}\nprint(*[n for n in {names!r} if n in sys.modules])"
    environment = os.environ | {
        "PYTHONPATH": f"{ROOT / 'functions' / function}:{PACKAGE.parent}",
        "TABLE_NAME": "t",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "POWERTOOLS_METRICS_NAMESPACE": "test",
    }
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
