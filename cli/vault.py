"""Secrets in the parameter store, encrypted with the stack's key: sources' credentials, and what signs private links."""

import json
import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from oneway.use_cases.apply_practice import Fate

from .document import Problem
from .practice_file import PracticeFile, PracticeFileInvalid, SecretReference

_LINK_SECRET_BYTES = 32
_LONGEST_SECRET = 3000  # what a standard parameter (4 KB) holds, with room for its JSON


class Vault:
    """Writes parameters only where they differ; nothing of a value is ever shown."""

    def __init__(self, ssm: Any, key_id: str) -> None:
        self._ssm = ssm
        self._key_id = key_id

    def put(self, name: str, value: str) -> Fate:
        """Set a parameter."""
        before = self._value(name)
        if before == value:
            return Fate.UNCHANGED
        self._ssm.put_parameter(Name=name, Value=value, Type="SecureString", KeyId=self._key_id, Overwrite=True)
        return Fate.CREATED if before is None else Fate.UPDATED

    def remove(self, name: str) -> None:
        """Delete a parameter, if it is there."""
        try:
            self._ssm.delete_parameter(Name=name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ParameterNotFound":
                raise

    def ensure_link_secrets(self, name: str) -> Fate:
        """Make the secret of private links once; it is never replaced here (that would break every link)."""
        if self._value(name) is not None:
            return Fate.UNCHANGED
        value = json.dumps([urlsafe_b64encode(secrets.token_bytes(_LINK_SECRET_BYTES)).decode()])
        try:
            self._ssm.put_parameter(Name=name, Value=value, Type="SecureString", KeyId=self._key_id, Overwrite=False)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ParameterAlreadyExists":
                raise
            return Fate.UNCHANGED
        return Fate.CREATED

    def _value(self, name: str) -> str | None:
        try:
            return str(self._ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "ParameterNotFound":
                raise
            return None


def resolve(
    file: PracticeFile, folder: Path, environment: Mapping[str, str] | None = None
) -> dict[str, dict[str, str]]:
    """The secrets of each source, from where the file says they are (paths count from the file's folder).

    Raises PracticeFileInvalid with every secret that cannot be read.
    """
    variables = os.environ if environment is None else environment
    problems: list[Problem] = []
    found: dict[str, dict[str, str]] = {}
    for source_id, references in file.credentials.items():
        found[source_id] = {}
        for name, reference in references.items():
            value = _read(reference, folder, variables, problems)
            if value is not None:
                found[source_id][name] = value
    if problems:
        raise PracticeFileInvalid(problems)
    return found


def _read(
    reference: SecretReference, folder: Path, variables: Mapping[str, str], problems: list[Problem]
) -> str | None:
    value, trouble = "", ""
    if reference.variable:
        value = variables.get(reference.variable, "").strip()
        trouble = f"the environment variable {reference.variable} is not set (or empty)."
    else:
        trouble = f"the file {reference.path} is empty, or cannot be read as text."
        try:
            value = (folder / reference.path).expanduser().read_text("utf-8").strip()
        except FileNotFoundError:
            trouble = f"there is no file {reference.path} (paths count from the practice file's folder)."
        except (OSError, ValueError):
            value = ""
    if len(value) > _LONGEST_SECRET:
        value, trouble = "", f"this secret is longer than {_LONGEST_SECRET} characters."
    if value:
        return value
    place = reference.place
    problems.append(Problem(place.line, place.column, f"{place.path}: {trouble}"))
    return None
