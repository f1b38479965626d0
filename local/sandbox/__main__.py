"""python -m local.sandbox --port 8026 --data sandbox.json"""

import argparse
import signal
from pathlib import Path

from . import Sandbox

parser = argparse.ArgumentParser(description="A scheduling system for trying things out.")
parser.add_argument("--port", type=int, default=8026)
parser.add_argument("--zone", default="America/Los_Angeles")
parser.add_argument("--data", type=Path)
chosen = parser.parse_args()
with Sandbox(chosen.port, zone=chosen.zone, file=chosen.data) as sandbox:
    print(f"{sandbox.url} (FHIR: {sandbox.fhir_url}, token: {sandbox.token})")
    signal.sigwait({signal.SIGINT, signal.SIGTERM})
