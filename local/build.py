"""Everything that a build makes before and after `sam build`.

Before: templates are compiled, styles and scripts get names that carry their content's hash (both into folders that git
ignores). After: the descriptions of the AWS calls that functions make (service_data.py), and bytecode, where the interpreter
of the target is at hand. `make build` runs it for the template's default runtime; the laptop runs it for its own.
"""

import argparse
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from oneway.templates import environment

from . import openapi, service_data

ROOT = Path(__file__).parent.parent
WEB = ROOT / "layers/core/oneway/web"
MAIL = ROOT / "layers/core/oneway/mail"
MODULES = ROOT / ".local/npm/node_modules"
PICO = MODULES / "@picocss/pico/css/pico.classless.min.css"
HTMX = MODULES / "htmx.org/dist/htmx.min.js"
FULLCALENDAR = [
    MODULES / "@fullcalendar" / one
    for one in (
        *(f"{part}/index.global.min.js" for part in ("core", "daygrid", "timegrid", "interaction")),
        "core/locales/es.global.min.js",
    )
]
"""Of FullCalendar what the Calendar needs, in the order in which its parts stand on each other; MIT, all of them."""
_ICON_FONT = re.compile(rb"@font-face\{font-family:fcicons;[^}]*\}")
"""FullCalendar's icons, which nobody sees here; the policy lets in no font."""
PORTAL = ROOT / "functions/portal/assets"
BUILT = ROOT / ".aws-sam/build"
STAMP = BUILT / "oneway-inputs"
MADE = ("functions/*/compiled_pages/*", "functions/*/static/*", "layers/core/oneway/mail/compiled/*", "*/__pycache__/*")
RUNTIME = ROOT / ".local/runtime"
SAM = ROOT / ".local/sam/bin/sam"
AWS_DATA = BUILT / "Core/python/aws_data"

_STYLE, _SCRIPT = (PICO, WEB / "static/oneway.css"), (WEB / "static/oneway.js",)
SERVED: Mapping[str, Mapping[str, Sequence[Path]]] = {
    "booking": {
        "booking.css": (*_STYLE, WEB / "static/booking.css"),
        "booking.js": (*_SCRIPT, WEB / "static/booking.js"),
        "embed.js": (WEB / "static/embed.js",),
    },
    "portal": {
        "oneway.css": (*_STYLE, PORTAL / "portal.css", PORTAL / "calendar.css"),
        "oneway.js": (HTMX, PORTAL / "portal.js", *_SCRIPT),
        "calendar.js": (PORTAL / "calendar.js",),
        "fullcalendar.js": FULLCALENDAR,
    },
}
"""The files that pages are served with, by function and name: each is joined from others."""


def assets() -> None:
    """Compile all templates and hash all files that pages serve."""
    for name in SERVED:
        function = ROOT / "functions" / name
        _compile(function / "compiled_pages", [function / "pages", WEB / "pages"])
        hash_files(name, function / "static")
    (ROOT / "functions/booking/static/openapi.json").write_text(json.dumps(openapi.document()))
    _compile(MAIL / "compiled", [MAIL / "templates"])


def served(function: str) -> dict[str, bytes]:
    """What a function's pages serve, by name."""
    return {
        name: _ICON_FONT.sub(b"", b"\n".join(part.read_bytes() for part in parts))
        for name, parts in SERVED[function].items()
    }


def hash_files(function: str, folder: Path) -> None:
    """Write what a function's pages serve into a folder, under names with the hash of the content, and a manifest."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    manifest = {}
    for name, content in served(function).items():
        stem, _, kind = name.rpartition(".")
        manifest[name] = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{kind}"
        (folder / manifest[name]).write_bytes(content)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def build(runtime: str, architecture: str, *, config: str = "default") -> None:
    """Build the stack for a runtime ("python3.13") and an architecture ("arm64", "x86_64") into .aws-sam/build."""
    assets()
    for cache in (ROOT / "layers/core").rglob("__pycache__"):
        shutil.rmtree(cache, ignore_errors=True)
    path = f"{_interpreters(runtime)}:{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"
    variables = os.environ | {
        "PATH": path,
        "ONEWAY_RUNTIME": runtime,
        "ONEWAY_ARCHITECTURE": architecture,
        "SAM_CLI_TELEMETRY": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    overrides = f"Runtime={runtime} Architecture={architecture} Sender=nobody@example.org"
    command = [str(SAM), "build", "--config-env", config, "--parameter-overrides", overrides]
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"sam build failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    service_data.write(RUNTIME, AWS_DATA)
    _bytecode(runtime)


def build_here() -> None:
    """Build the stack for this machine, unless the last build was made from the same files."""
    if needed():
        STAMP.unlink(missing_ok=True)
        build(*here(), config="local")
        STAMP.write_text(_inputs())


def needed() -> bool:
    """Whether what `build_here` would build is not there yet."""
    return not STAMP.exists() or STAMP.read_text() != _inputs()


def _inputs() -> str:
    """A digest of every file that a build reads."""
    digest = hashlib.sha256("/".join(here()).encode())
    for file in sorted(_input_files()):
        digest.update(f"\n{file.relative_to(ROOT)}\n".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _input_files() -> Iterator[Path]:
    yield from (ROOT / "template.yaml", ROOT / "samconfig.toml", PICO, HTMX, *FULLCALENDAR)
    yield from (Path(module) for module in (__file__, openapi.__file__, service_data.__file__) if module)
    for folder in ("functions", "layers", "infra"):
        for file in (ROOT / folder).rglob("*"):
            if file.is_file() and not any(file.match(pattern) for pattern in MADE):
                yield file


def _compile(target: Path, sources: list[Path]) -> None:
    shutil.rmtree(target, ignore_errors=True)
    # From the sources, though an older build may lie there: its folder was just removed.
    environment(target, sources).compile_templates(
        target, zip=None, filter_func=lambda name: name.endswith((".html", ".jinja")), ignore_errors=False
    )


def _interpreters(runtime: str) -> Path:
    """A folder with an executable of the runtime's name: `sam build` asks for one, though nothing of ours is built by it."""
    folder = ROOT / ".local/interpreters"
    folder.mkdir(parents=True, exist_ok=True)
    if not shutil.which(runtime):
        link = folder / runtime
        link.unlink(missing_ok=True)
        link.symlink_to(sys.executable)
    return folder


def _bytecode(runtime: str) -> None:
    """Compile what was built, if the target's interpreter is at hand; without it the first start takes longer."""
    mine = f"python{sys.version_info.major}.{sys.version_info.minor}"
    interpreter = sys.executable if runtime == mine else shutil.which(runtime)
    if not interpreter:
        print(f"{runtime} is not on this machine: built without bytecode (slower first starts)")
        return
    command = [interpreter, "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash", str(BUILT)]
    subprocess.run(command, check=False, capture_output=True)


def here() -> tuple[str, str]:
    """The runtime and architecture of this machine, as the template names them."""
    machine = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
    return f"python{sys.version_info.major}.{sys.version_info.minor}", machine


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--here", action="store_true", help="for this machine, if anything changed since the last time")
    if parser.parse_args().here:
        build_here()
    else:
        build("python3.13", "arm64")
    print(f"built into {BUILT.relative_to(ROOT)}")
