"""The credentials of a source in a practice file: where a token is, or which keys sign in. No secret itself is here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .document import Fields, Item, Place

SECRETS = {"fhir": ("token",)}
"""The secrets that a kind of source can use."""
SIGNS_IN = frozenset(("fhir",))
"""The kinds of source that can be signed in to with keys."""
MOST_KEYS = 4
LONGEST_ADDRESS = 500
_ALL_SECRETS = tuple(dict.fromkeys(name for names in SECRETS.values() for name in names))
_EXAMPLE = "{token: {env: HARBOR_TOKEN}}"
_KEY_EXAMPLE = "{private_key: {file: harbor.pem}} or {kms_key: harbor}"
_LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEY_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SCOPES = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*")


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Where a secret is: in an environment variable or in a file (one of the two is set)."""

    place: Place
    variable: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class KeyReference:
    """Where a key is: a private key, or the name of one in KMS (one of the two is set). `id` may name it in our JWKS."""

    place: Place
    private_key: SecretReference | None = None
    kms_key: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class SignInSettings:
    """A sign-in with keys, of which the first signs and all are published. What is empty is left to the source."""

    client_id: str
    keys: tuple[KeyReference, ...]
    scope: str = ""
    token_url: str = ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """How a source is signed in to: with secrets as they are, with keys, or not at all."""

    secrets: Mapping[str, SecretReference] = field(default_factory=dict)
    sign_in: SignInSettings | None = None


def read_credentials(item: Item | None, kind: str) -> Credentials:
    """The credentials of a source of a kind."""
    if item is None:
        return Credentials()
    fields = item.fields(_EXAMPLE)
    secrets = {name: _reference(secret) for name in SECRETS.get(kind, _ALL_SECRETS) if (secret := fields.get(name))}
    sign_in = _sign_in(fields) if kind in SIGNS_IN or not kind else None
    fields.done()
    if secrets and sign_in:
        item.wrong("sign in with a token or with keys, not with both.")
    return Credentials(secrets, sign_in)


def read_address(item: Item | None) -> str:
    """A whole https:// address (http:// on this machine), as it is written."""
    text = item.text(longest=LONGEST_ADDRESS) if item else ""
    if not item or not text:
        return ""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if not host or parts.scheme not in ("https", "http") or port == 0:
        item.wrong("write the whole address, such as https://fhir.example.org/r4")
    elif parts.scheme == "http" and host not in _LOOPBACK:
        item.wrong("patients' data may only travel encrypted: write an https:// address.")
    elif parts.username is not None or parts.password is not None:
        item.wrong('credentials do not belong into an address: write them under "credentials", by reference.')
    elif parts.query or parts.fragment:
        item.wrong("write the address without what follows ? or #.")
    else:
        return text
    return ""


def _sign_in(fields: Fields) -> SignInSettings | None:
    client_item, keys_item = fields.get("client_id"), fields.get("keys")
    scope_item, token_url = fields.get("scope"), read_address(fields.get("token_url"))
    scope = scope_item.text(longest=LONGEST_ADDRESS) if scope_item else ""
    if scope_item and scope and not _SCOPES.fullmatch(scope):
        scope_item.wrong("write scopes with spaces between them, such as: system/Appointment.rs system/Patient.rs")
    if client_item is None and keys_item is None:
        for one in (scope_item, fields.get("token_url")):
            if one:
                one.wrong('this belongs to a sign-in with keys: write "client_id" and "keys" beside it.')
        return None
    if client_item is None and keys_item:
        keys_item.wrong('keys need a "client_id" beside them: the name that the other side gave us.')
    if keys_item is None and client_item:
        client_item.wrong(f'a client_id needs "keys" beside it, such as [{_KEY_EXAMPLE}].')
    return SignInSettings(client_item.text() if client_item else "", _keys(keys_item), scope, token_url)


def _keys(item: Item | None) -> tuple[KeyReference, ...]:
    found = tuple(_key(one) for one in item.items()) if item else ()
    if item and not 0 < len(found) <= MOST_KEYS:
        item.wrong(f"name one key, or up to {MOST_KEYS} while one takes over from another; the first one signs.")
    return found


def _key(item: Item) -> KeyReference:
    fields = item.fields(_KEY_EXAMPLE)
    key_item, kms_item, id_item = fields.get("private_key"), fields.get("kms_key"), fields.get("id")
    fields.done()
    private_key = _reference(key_item) if key_item else None
    if bool(key_item) == bool(kms_item):
        item.wrong(f"name one place of the key: {_KEY_EXAMPLE}.")
    return KeyReference(item.place, private_key, _name(kms_item), _name(id_item))


def _name(item: Item | None) -> str:
    name = item.text() if item else ""
    if item and name and not _KEY_NAME.fullmatch(name):
        item.wrong("write a name of letters, digits, - and _, at most 64.")
        return ""
    return name


def _reference(item: Item) -> SecretReference:
    # What stands here in place of a reference may be the secret itself: it is never repeated.
    fields = item.fields("{env: HARBOR_TOKEN} or {file: harbor.token}: secrets are not written into this file")
    variable_item, path_item = fields.get("env"), fields.get("file")
    fields.done()
    if bool(variable_item) == bool(path_item):
        item.wrong("name one place of the secret: {env: VARIABLE} or {file: path}.")
        return SecretReference(item.place)
    variable = variable_item.text() if variable_item else ""
    if variable_item and variable and not _VARIABLE.fullmatch(variable):
        variable_item.wrong("write the name of an environment variable, such as HARBOR_TOKEN, not its value.")
    return SecretReference(item.place, variable, path_item.text() if path_item else "")
