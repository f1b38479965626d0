"""The deployed stack that a command works on: found through CloudFormation, by name."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)
from oneway import bootstrap
from oneway.bootstrap import Operators
from oneway.domain.errors import PracticeNotFound, StoreUnavailable
from oneway.domain.practices import Practice
from oneway.queues import SqsMessageQueue

from .document import suggestion
from .public_holidays import public_holidays
from .terminal import Failure

AWS_TROUBLE = 3
"""Exit code where AWS, not the input, is the trouble."""
_CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 4})
_SIGN_IN_HINT = (
    "Sign in to AWS first: `aws sso login`, or set AWS_PROFILE (or --profile), or AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY."
)
_EXPIRED = frozenset(("ExpiredToken", "ExpiredTokenException", "RequestExpired"))
_NO_CREDENTIALS = frozenset(("InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch"))
_DENIED = frozenset(("AccessDenied", "AccessDeniedException", "UnauthorizedOperation"))


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed stack: its outputs, and the AWS session in which it was found."""

    name: str
    session: boto3.Session
    outputs: Mapping[str, str]
    local: bool

    def output(self, name: str) -> str:
        """An output of the template. Raises Failure if the stack is older than this command line."""
        try:
            return self.outputs[name]
        except KeyError:
            hint = "Deploy the version of Oneway that this command line belongs to."
            raise Failure(f'the stack "{self.name}" has no output {name}', hint, AWS_TROUBLE) from None

    def client(self, service: str) -> Any:
        """A boto3 client with bounded times and retries."""
        return self.session.client(service, config=_CONFIG)

    def enqueue(self, waiting: Sequence[tuple[str, str]]) -> None:
        """Have what mail is due of sent now: (practice, subject)."""
        queue = SqsMessageQueue(self.output("MessageQueueUrl"))
        queue.send([(practice, subject, f"asked-{time.time_ns()}") for practice, subject in waiting])

    def enter(self) -> None:
        """Give this process the environment that the template gives the functions, so that `bootstrap` builds for it."""
        os.environ.update(
            AWS_REGION=str(self.session.region_name),
            AWS_DEFAULT_REGION=str(self.session.region_name),
            TABLE_NAME=self.output("TableName"),
            PUBLIC_URL=self.output("Url"),
            SOURCES_PARAMETER_PREFIX=self.output("SourcesParameterPrefix"),
            LINK_SECRETS_PARAMETER=self.output("LinkSecretsParameter"),
            LOCAL="true" if self.local else "false",
        )
        if self.session.profile_name != "default":
            os.environ["AWS_PROFILE"] = self.session.profile_name


def operators() -> Operators:
    """What operators can do, once a stack was entered."""
    return bootstrap.operators(public_holidays)


def practice_named(ours: Operators, slug: str) -> Practice:
    """The practice of an id. Raises Failure that names those there are."""
    try:
        return ours.practices.get(slug)
    except PracticeNotFound:
        raise Failure(f'there is no practice "{slug}"', suggestion(slug, ours.practices.slugs())) from None


def find(name: str, region: str | None, profile: str | None) -> Stack:
    """The stack of a name. Raises Failure if there is none, or AWS cannot be asked."""
    with plainly(name):
        # boto3 reads AWS_DEFAULT_REGION only; the AWS command line and the functions know AWS_REGION too.
        session = boto3.Session(region_name=region or os.environ.get("AWS_REGION"), profile_name=profile)
        found = session.client("cloudformation", config=_CONFIG).describe_stacks(StackName=name)["Stacks"][0]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", ())}
    parameters = {one["ParameterKey"]: one.get("ParameterValue", "") for one in found.get("Parameters", ())}
    return Stack(name, session, outputs, parameters.get("Local") == "true")


@contextmanager
def plainly(stack: str) -> Iterator[None]:
    """Turns what AWS and its libraries raise into words and a next step."""
    try:
        yield
    except StoreUnavailable as error:
        cause = error.__cause__
        inner = getattr(cause, "cause", None) or cause
        failure = _said(inner, stack) if isinstance(inner, (BotoCoreError, ClientError)) else None
        raise failure or Failure("the table gave no answer", "Try again in a minute.", AWS_TROUBLE) from error
    except (BotoCoreError, ClientError) as error:
        raise _said(error, stack) from error


def _said(error: BotoCoreError | ClientError, stack: str) -> Failure:
    if isinstance(error, ClientError):
        return _refused(error, stack)
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return Failure("there are no AWS credentials", _SIGN_IN_HINT, AWS_TROUBLE)
    if isinstance(error, ProfileNotFound):
        return Failure("there is no such AWS profile", "`aws configure list-profiles` lists them.", AWS_TROUBLE)
    if isinstance(error, NoRegionError):
        return Failure("no AWS region is set", "Give --region, or set AWS_REGION.", AWS_TROUBLE)
    if isinstance(error, (EndpointConnectionError, ConnectionError, HTTPClientError)):
        hint = "Check the network and, if it is set, AWS_ENDPOINT_URL (the embedded AWS has to be running)."
        return Failure("AWS cannot be reached", hint, AWS_TROUBLE)
    return Failure(f"AWS: {type(error).__name__}", _SIGN_IN_HINT, AWS_TROUBLE)


def _refused(error: ClientError, stack: str) -> Failure:
    code = error.response.get("Error", {}).get("Code", "")
    message = error.response.get("Error", {}).get("Message", "")
    operation = error.operation_name
    if code == "ValidationError" and "does not exist" in message:
        hint = "Name it with --stack (or ONEWAY_STACK), its region with --region; `make deploy` makes one."
        return Failure(f'there is no stack "{stack}" in this account and region', hint, AWS_TROUBLE)
    if code in _EXPIRED:
        return Failure("the AWS sign-in has expired", _SIGN_IN_HINT, AWS_TROUBLE)
    if code in _NO_CREDENTIALS:
        return Failure("AWS does not know these credentials", _SIGN_IN_HINT, AWS_TROUBLE)
    if code in _DENIED:
        hint = "Use a role that may administer the stack; docs/deploy.md lists its rights."
        return Failure(f"AWS does not let you do this ({operation})", hint, AWS_TROUBLE)
    return Failure(f"AWS refused {operation}: {code}", "", AWS_TROUBLE)
