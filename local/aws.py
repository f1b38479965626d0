"""The embedded AWS: MiniStack in an environment of its own, and the real template deployed on it.

    with EmbeddedAws(port) as aws:
        outputs = aws.deploy()

Loopback only, IAM enforced, nothing kept: a stack lives as long as its process. Several may run side by side.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import build as building
from .processes import NotReady, Process, free_port, listens, wait_for

ROOT = building.ROOT
LOCAL = ROOT / ".local"
STACK = "oneway"
REGION = "us-east-1"
SENDER = "appointments@oneway.example"
HOST = "app.localhost"


@dataclass
class EmbeddedAws:
    """One embedded AWS on a loopback port; mail goes on to `smtp_port` if there is one."""

    port: int = 0
    smtp_port: int = 0

    def __post_init__(self) -> None:
        self.port = self.port or free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="oneway-aws-"))
        self._process: Process | None = None

    @property
    def endpoint(self) -> str:
        """Where its AWS APIs are."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def public_url(self) -> str:
        """Where browsers reach the product. Python does not resolve it: see `address`."""
        return f"http://{HOST}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What AWS clients need to talk to it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "SAM_CLI_TELEMETRY": "0",
        }

    def start(self) -> "EmbeddedAws":
        """Start it and wait until it answers."""
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "STATE_DIR": str(self.folder),
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "AUTH": "true",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "LAMBDA_ACCOUNT_CONCURRENCY": "40",
        }
        if self.smtp_port:
            environment["SMTP_HOST"] = f"127.0.0.1:{self.smtp_port}"
        command = [
            str(LOCAL / "aws/bin/python"),
            str(ROOT / "local/embedded_aws.py"),
            str(LOCAL / "runtime/bin/python"),
        ]
        self._process = Process(command, environment, self.folder / "aws.log", self.folder)
        process = self._process

        def ready() -> bool:
            if process.ended:
                raise NotReady(f"the embedded AWS ended:\n{self.log_tail()}")
            return listens(self.port)

        wait_for("the embedded AWS", ready, 30)
        return self

    def stop(self) -> None:
        """End it with its workers, and remove what it left behind."""
        if self._process:
            self._process.stop()
            self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> "EmbeddedAws":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def deploy(self) -> dict[str, str]:
        """Deploy what was built (see `build`) with `sam deploy`; the stack's outputs."""
        runtime, architecture = building.here()
        overrides = {
            "Runtime": runtime,
            "Architecture": architecture,
            "Local": "true",
            "Sender": SENDER,
            "SendRate": "500",
            "PublicUrl": self.public_url,
            "SignInUrl": self.endpoint,
            "AwsData": str(building.AWS_DATA),
        }
        command = [
            str(building.SAM),
            "deploy",
            "--config-env",
            "local",
            "--parameter-overrides",
            " ".join(f"{name}={value}" for name, value in overrides.items()),
        ]
        environment = os.environ | self.environment
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotReady(f"sam deploy failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}\n{self.log_tail()}")
        found = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}

    def client(self, service: str) -> Any:
        """A boto3 client of a service, with the operator's rights."""
        import boto3

        session = boto3.Session("test", "test", region_name=REGION)
        return session.client(service, endpoint_url=self.endpoint)

    def log_tail(self, characters: int = 3000) -> str:
        """The end of what it printed."""
        with contextlib.suppress(OSError):
            return (self.folder / "aws.log").read_text(errors="replace")[-characters:]
        return ""

    def sign_in_user(self, pool_id: str, email: str, password: str) -> None:
        """A person who can sign in with a password, no questions asked."""
        cognito = self.client("cognito-idp")
        with contextlib.suppress(cognito.exceptions.UsernameExistsException):
            cognito.admin_create_user(
                UserPoolId=pool_id,
                Username=email,
                MessageAction="SUPPRESS",
                UserAttributes=[{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}],
            )
        cognito.admin_set_user_password(UserPoolId=pool_id, Username=email, Password=password, Permanent=True)


@contextlib.contextmanager
def environment_of(aws: EmbeddedAws) -> Iterator[None]:
    """Within it, this process's own AWS clients talk to an embedded AWS."""
    before = {name: os.environ.get(name) for name in aws.environment}
    os.environ.update(aws.environment)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
