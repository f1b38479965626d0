"""Secrets and documents in the parameter store. Read when first needed: most requests need none."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import SSMProvider

_provider: "SSMProvider | None" = None


_KEPT_SECONDS = 300


def read_parameter(name: str) -> str:
    """A parameter's value, decrypted, at most five minutes old. Raises Powertools' GetParameterError."""
    from aws_lambda_powertools.utilities import parameters
    from botocore.config import Config

    global _provider
    if _provider is None:
        config = Config(connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3})
        _provider = parameters.SSMProvider(boto_config=config)
    return str(_provider.get(name, max_age=_KEPT_SECONDS, decrypt=True))


def link_secrets(name: str) -> Callable[[], Sequence[bytes]]:
    """A way to the secrets of private links (newest first), read when one is needed."""

    def secrets() -> Sequence[bytes]:
        return [urlsafe_b64decode(secret) for secret in json.loads(read_parameter(name))]

    return secrets
