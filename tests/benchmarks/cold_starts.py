"""How long each function takes from a fresh interpreter to its first call of DynamoDB (or its queue).

Beside it, in turns, a handler that only makes boto3.client("dynamodb"). The interpreter is the bare runtime's, the code is
what `sam build` made, with its bytecode.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from local.aws import LOCAL
from local.build import AWS_DATA, BUILT

BARE = "import boto3; boto3.client('dynamodb')"
_CLIENT = "from oneway.store.items import connection; connection().client"
_QUEUE = "from oneway.queues import _client; _client()"
STARTS: Mapping[str, tuple[str, str, float]] = {
    "booking, JSON": ("Booking", f"import booking_function as f; f.booking(); {_CLIENT}", 0.90),
    "booking, first page": (
        "Booking",
        f"import booking_function as f, booking_pages; f.booking(); {_CLIENT}; "
        "f.pages()._environment.get_template('providers.html')",
        1.3,
    ),
    "portal, first page": (
        "Portal",
        f"import portal_function as f; f.portal(); {_CLIENT}; f.pages()._environment.get_template('appointment.html')",
        1.3,
    ),
    "plan_syncs": ("PlanSyncs", f"import plan_syncs_function; {_CLIENT}", 0.90),
    "sync_schedule": ("SyncSchedule", f"import sync_schedule_function; {_CLIENT}", 0.90),
    "relay_changes": ("RelayChanges", f"import relay_changes_function; {_QUEUE}", 0.90),
    "send_messages": (
        "SendMessages",
        f"import send_messages_function; {_CLIENT}; from oneway.mail import compose; compose._environment()",
        1.3,
    ),
    "run_timers": ("RunTimers", f"import run_timers_function; {_CLIENT}", 0.90),
    "track_mail": ("TrackMail", f"import track_mail_function; {_CLIENT}", 0.90),
}
"""What is started: the function's folder, what it does up to its first call, the goal (goals.md)."""
FLOORS: Mapping[str, str] = {
    "botocore alone, with our data": "from botocore.session import Session; Session().create_client('dynamodb')",
    "the same for one service, and PynamoDB": (
        "import oneway.quick_session as quick, pynamodb.models; quick.session_of('dynamodb').create_client('dynamodb')"
    ),
}
"""What every function that reads the table starts with, before anything of ours is loaded."""


def measure(repeats: int) -> tuple[float, dict[str, float]]:
    """Median seconds of the bare handler, and the ratio to it of each floor and function."""
    programs = {name: ("Booking", program) for name, program in FLOORS.items()}
    programs |= {name: (folder, program) for name, (folder, program, _) in STARTS.items()}
    times: dict[str, list[float]] = {name: [] for name in ("", *programs)}
    for _ in range(repeats):
        times[""].append(_seconds("Booking", BARE, {}))
        for name, (folder, program) in programs.items():
            times[name].append(_seconds(folder, program, {"AWS_DATA_PATH": str(AWS_DATA)}))
    bare = median(times.pop(""))
    return bare, {name: median(found) / bare for name, found in times.items()}


def _seconds(folder: str, program: str, more: Mapping[str, str]) -> float:
    timed = f"from time import perf_counter as now; began = now()\n{program}\nprint(now() - began)"
    paths = [BUILT / folder, *(BUILT / layer / "python" for layer in ("Core", "Dependencies"))]
    environment = {
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "TABLE_NAME": "table",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "SYNC_QUEUE_URL": "https://queue",
        "MESSAGE_QUEUE_URL": "https://queue",
        "PUBLIC_URL": "https://book.example",
        **more,
    }
    python = LOCAL / "runtime/bin/python"
    done = subprocess.run(
        [python, "-c", timed], env=environment, capture_output=True, text=True, check=True, cwd=Path("/")
    )
    return float(done.stdout.split()[-1])
