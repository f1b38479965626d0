"""Everything on one machine: the embedded AWS with the real stack, the mailbox, the sandbox, and a practice on them.

with Laptop() as laptop:
    laptop.public_url, laptop.mailbox.url, laptop.sandbox.url
"""

import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from .aws import ROOT, EmbeddedAws
from .mailbox import Mailbox
from .processes import NotReady, free_port, listens
from .sandbox import Sandbox

PRACTICE_FILE = ROOT / "local/practices/harbor.yaml"
PRACTICE_FILE_ADDRESS = "http://127.0.0.1:4580/fhir"
ZONE = "America/Los_Angeles"
PRACTITIONERS = {"osei": "Amara Osei", "brandt": "Lena Brandt", "ruiz": "Tomás Ruiz"}
STAFF_EMAIL = "nadia@harbor.example"
STAFF_PASSWORD = "Harbor-Demo-2026"
TOKEN = "demo-token"


@dataclass
class Laptop:
    """Ports that are asked for are used if they are free (0: any free one)."""

    aws_port: int = 0
    sandbox_port: int = 0
    mailbox_port: int = 0
    outputs: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.mailbox = Mailbox(http_port=_free(self.mailbox_port))
        self.sandbox = Sandbox(_free(self.sandbox_port), zone=ZONE, token=TOKEN)
        self.aws = EmbeddedAws(_free(self.aws_port), self.mailbox.smtp_port)

    @property
    def public_url(self) -> str:
        """Where browsers reach the product."""
        return self.aws.public_url

    def start(self) -> None:
        """Start the embedded AWS. What was built before (local.build) is not yet on it."""
        self.aws.start()

    def deploy(self) -> None:
        """Deploy what was built."""
        self.outputs = self.aws.deploy()

    def apply(self, address: str = "", folder: Path | None = None) -> str:
        """Apply the demo practice, whose source is the sandbox or another FHIR server; what the command printed."""
        for identifier, name in PRACTITIONERS.items():
            self.sandbox.add_practitioner(identifier, name)
        text = PRACTICE_FILE.read_text("utf-8").replace(PRACTICE_FILE_ADDRESS, address or self.sandbox.fhir_url)
        return self.apply_text(text, folder)

    def apply_text(self, text: str, folder: Path | None = None) -> str:
        """Apply a practice file; what the command printed. Raises NotReady."""
        file = (folder or self.aws.folder) / "practice.yaml"
        file.write_text(text, "utf-8")
        printed = self.oneway("apply", str(file), "--no-invite")
        self.aws.sign_in_user(self.outputs["StaffPoolId"], STAFF_EMAIL, STAFF_PASSWORD)
        return printed

    def oneway(self, *arguments: str, well: bool = True) -> str:
        """Run the operators' command line against this stack; what it printed. Raises NotReady if it failed."""
        environment = os.environ | self.aws.environment | {"HARBOR_TOKEN": self.sandbox.token}
        command = [str(Path(sys.executable).with_name("oneway")), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode and well:
            raise NotReady(f"oneway {arguments[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def __enter__(self) -> "Laptop":
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.ExitStack() as ends:
            ends.callback(self.mailbox.close)
            ends.callback(self.sandbox.close)
            ends.callback(self.aws.stop)


def _free(port: int) -> int:
    return port if port and not listens(port) else free_port()
