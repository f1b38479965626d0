"""Secrets and documents in the parameter store. Read when first needed: most requests need none."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .domain.errors import StoreUnavailable
from .faults import AuthRevoked

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import SSMProvider

_provider: "SSMProvider | None" = None


_KEPT_SECONDS = 300
_REFUSALS = frozenset(("AccessDeniedException", "InvalidKeyId", "UnrecognizedClientException", "ValidationException"))
"""The parameter store's answers that are the same however often one asks."""


def read_parameter(name: str) -> str:
    """A parameter's value, decrypted, at most five minutes old. Raises Powertools' GetParameterError."""
    from aws_lambda_powertools.utilities import parameters
    from botocore.config import Config

    global _provider
    if _provider is None:
        config = Config(connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3})
        _provider = parameters.SSMProvider(boto_config=config)
    return str(_provider.get(name, max_age=_KEPT_SECONDS, decrypt=True))


def source_document(name: str) -> str:
    """A source's credentials document. Raises AuthRevoked where nobody has stored one, StoreUnavailable where the parameter store
    does not answer, and Powertools' GetParameterError where it answers that it will not.
    """
    from aws_lambda_powertools.utilities.parameters import GetParameterError
    from botocore.exceptions import ClientError

    try:
        return read_parameter(name)
    except GetParameterError as error:
        cause = error.__context__
        code = cause.response["Error"]["Code"] if isinstance(cause, ClientError) else ""
        if code == "ParameterNotFound":
            raise AuthRevoked("no credentials are stored") from None
        if code in _REFUSALS:
            raise
        raise StoreUnavailable("parameters") from None


def link_secrets(name: str) -> Callable[[], Sequence[bytes]]:
    """A way to the secrets of private links (newest first), read when one is needed."""

    def secrets() -> Sequence[bytes]:
        return [urlsafe_b64decode(secret) for secret in json.loads(read_parameter(name))]

    return secrets
