"""Secrets in the parameter store, encrypted with the stack's key: sources' credentials, and what signs private links."""

import json
import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from oneway.use_cases.apply_practice import Fate

from .credentials import Credentials, KeyReference, SecretReference, SignInSettings
from .document import Place, Problem
from .practice_file import PracticeFile, PracticeFileInvalid
from .signing_keys import KeyNotUsable, SigningKey, from_pem

KeyOf = Callable[[str, str], SigningKey]
"""A key in KMS by its name in the file, under an id ("": its thumbprint). Raises KeyNotUsable."""
_LINK_SECRET_BYTES = 32
_PARAMETER_BYTES = 4096
"""What a standard parameter holds."""
_LONGEST_SECRET = 3000
_LONGEST_KEY = 8000


@dataclass(frozen=True, slots=True)
class Resolved:
    """A source's credentials document, and the public keys (JWKs) that belong to it."""

    document: Mapping[str, str] = field(repr=False)
    public_keys: tuple[Mapping[str, str], ...] = ()

    @property
    def text(self) -> str:
        """The document as it is stored."""
        return json.dumps(self.document, sort_keys=True)


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
    file: PracticeFile, folder: Path, key_of: KeyOf, environment: Mapping[str, str] | None = None
) -> dict[str, Resolved]:
    """The credentials of each source, from where the file says they are (paths count from the file's folder).

    `key_of` finds a key in KMS by its name in the file. Raises PracticeFileInvalid with all that cannot be read or used.
    """
    reader = _Reader(folder, os.environ if environment is None else environment, key_of)
    found = {source_id: reader.resolved(one) for source_id, one in file.credentials.items()}
    reader.refuse_shared_ids(file.credentials.values())
    if reader.problems:
        raise PracticeFileInvalid(reader.problems)
    return found


class _Reader:
    """Reads what the file refers to, and notes what is wrong with it."""

    def __init__(self, folder: Path, variables: Mapping[str, str], key_of: KeyOf) -> None:
        self._folder = folder
        self._variables = variables
        self._key_of = key_of
        self._keys: dict[Place, SigningKey] = {}
        self.problems: list[Problem] = []

    def resolved(self, credentials: Credentials) -> Resolved:
        """A source's credentials document, and the public halves of its keys."""
        if credentials.sign_in:
            return self._signing(credentials.sign_in)
        read = {name: self._secret(one, _LONGEST_SECRET) for name, one in credentials.secrets.items()}
        return Resolved({name: value for name, value in read.items() if value})

    def refuse_shared_ids(self, credentials: Iterable[Credentials]) -> None:
        """Two keys of one name in the practice's JWKS could not be told apart."""
        named: dict[str, SigningKey] = {}
        for sign_in in (one.sign_in for one in credentials if one.sign_in):
            for reference in sign_in.keys:
                key = self._keys.get(reference.place)
                if key and named.setdefault(key.id, key).public != key.public:
                    self._wrong(reference.place, f'another key of this practice has the id "{key.id}", too.')

    def _signing(self, settings: SignInSettings) -> Resolved:
        keys = [key for one in settings.keys if (key := self._key(one))]
        if not keys:
            return Resolved({})
        first = keys[0]
        document = {
            "client_id": settings.client_id,
            "key_id": first.id,
            "algorithm": first.algorithm,
            "private_key": first.private_key,
            "kms_key": first.kms_key,
            "scope": settings.scope,
            "token_url": settings.token_url,
        }
        resolved = Resolved({name: value for name, value in document.items() if value}, tuple(k.public for k in keys))
        if len(resolved.text.encode()) > _PARAMETER_BYTES:
            self._wrong(
                settings.keys[0].place, "this key is too long to be stored. RSA with 3072 bits, or P-384, is enough."
            )
        return resolved

    def _key(self, reference: KeyReference) -> SigningKey | None:
        text = self._secret(reference.private_key, _LONGEST_KEY) if reference.private_key else ""
        if text is None:
            return None
        try:
            key = from_pem(text, reference.id) if text else self._key_of(reference.kms_key, reference.id)
        except KeyNotUsable as error:
            self._wrong(reference.place, str(error))
            return None
        self._keys[reference.place] = key
        return key

    def _secret(self, reference: SecretReference, longest: int) -> str | None:
        value, trouble = "", ""
        if reference.variable:
            value = self._variables.get(reference.variable, "").strip()
            trouble = f"the environment variable {reference.variable} is not set (or empty)."
        else:
            trouble = f"the file {reference.path} is empty, or cannot be read as text."
            try:
                value = (self._folder / reference.path).expanduser().read_text("utf-8").strip()
            except FileNotFoundError:
                trouble = f"there is no file {reference.path} (paths count from the practice file's folder)."
            except (OSError, ValueError):
                value = ""
        if len(value) > longest:
            value, trouble = "", f"this secret is longer than {longest} characters."
        if value:
            return value
        self._wrong(reference.place, trouble)
        return None

    def _wrong(self, place: Place, trouble: str) -> None:
        self.problems.append(Problem(place.line, place.column, f"{place.path}: {trouble}"))
