"""`oneway apply`: a practice file becomes what the stack works with."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from msgspec.structs import replace
from oneway.bootstrap import Operators
from oneway.domain.errors import InvalidInput, PracticeNotFound
from oneway.domain.practices import Practice
from oneway.use_cases.apply_practice import ApplyReport, Fate, PartReport
from rich.console import Console
from rich.markup import escape

from .accounts import Accounts
from .logo import read_logo
from .photos import with_photos
from .practice_file import PracticeFile, PracticeFileInvalid, read
from .signing_keys import SigningKey, from_kms
from .stack import Stack, operators, plainly
from .terminal import Failure, busy
from .vault import Resolved, Vault, resolve

_SIGNS = {
    Fate.CREATED: "[green]+[/]",
    Fate.UPDATED: "[yellow]~[/]",
    Fate.REMOVED: "[red]-[/]",
    Fate.KEPT: "[bold red]![/]",
}
_ONE_OF = {
    "practice": "practice",
    "locations": "location",
    "visit_types": "visit type",
    "providers": "provider",
    "calendars": "calendar",
    "settings": "setting",
    "sources": "source",
    "staff": "staff",
    "feeds": "feed",
    "credentials": "credentials",
    "accounts": "account",
    "link secrets": "link secrets",
}


def read_file(path: Path) -> PracticeFile:
    """A valid practice file. Raises Failure that names every problem by file, line and column."""
    try:
        return read(path.read_text("utf-8"))
    except FileNotFoundError:
        raise Failure(f"there is no file {path}", "docs/practice-file.md shows a whole one.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{path} cannot be read as UTF-8 text ({type(error).__name__})") from error
    except PracticeFileInvalid as error:
        raise _failure(path, error) from error


def apply(
    file: PracticeFile,
    path: Path,
    stack: Stack,
    out: Console,
    *,
    invite: bool,
    overwrite_calendars: bool,
    overwrite_settings: bool,
) -> bool:
    """Secrets first (the first pull needs them), then practice, calendars and feeds, then accounts. Raises Failure.

    Whether everything in the file is so now: calendars and settings that staff have edited stay as they are.
    """
    logo = read_logo(path, file.logo)
    with plainly(stack.name):
        try:
            secrets = resolve(file, path.parent, partial(_key_in_kms, stack))
            pictured, photos = with_photos(file, path.parent)
        except PracticeFileInvalid as error:
            raise _failure(path, error) from error
    stack.enter()
    practice = _with_public_keys(pictured, {one: found.public_keys for one, found in secrets.items()})
    with plainly(stack.name):
        ours = operators()
        apply_practice = ours.apply_practice
        with busy(out, "Comparing with what is there"), _refusals(path):
            removed = [part.id for part in _removed_sources(apply_practice.plan(practice))]
        with busy(out, "Storing credentials"):
            kept = _store_secrets(stack, practice.slug, secrets)
        with busy(out, "Saving the practice and its feeds"):
            changed = {part.id for part in kept if part.kind == "credentials" and part.fate is not Fate.UNCHANGED}
            operators().photos.replace(practice.slug, photos)
            report = apply_practice(
                practice,
                retry_sources=changed,
                overwrite_calendars=overwrite_calendars,
                overwrite_settings=overwrite_settings,
            )
            ours.practices.save_logo(practice.slug, logo)
            vault = _vault(stack)
            for source_id in removed:
                vault.remove(_parameter(stack, practice.slug, source_id))
        with busy(out, "Looking after staff's accounts"):
            accounts = Accounts(stack.client("cognito-idp"), stack.output("StaffPoolId"))
            people = [
                PartReport("accounts", member.email, accounts.ensure(member, invite=invite))
                for member in practice.staff.values()
            ]
    _show(out, file, stack, [*report.parts, *kept, *people], "Applied")
    if practice.public_keys:
        out.print(
            f"  Our public keys, for the scheduling system to know us by: {jwks_url(stack, practice)}", soft_wrap=True
        )
    return all(part.fate is not Fate.KEPT for part in report.parts)


def plan(
    file: PracticeFile, path: Path, stack: Stack, out: Console, *, overwrite_calendars: bool, overwrite_settings: bool
) -> None:
    """Show what `apply` would change, and change nothing. Secrets are not read."""
    try:
        pictured, _ = with_photos(file, path.parent)
    except PracticeFileInvalid as error:
        raise _failure(path, error) from error
    stack.enter()
    with plainly(stack.name), busy(out, "Comparing with what is there"), _refusals(path):
        ours = operators()
        practice = _with_public_keys(pictured, _stored_keys(ours, file))
        report = ours.apply_practice.plan(
            practice, overwrite_calendars=overwrite_calendars, overwrite_settings=overwrite_settings
        )
        accounts = Accounts(stack.client("cognito-idp"), stack.output("StaffPoolId"))
        people = [
            PartReport("accounts", email, Fate.UNCHANGED if accounts.exists(email) else Fate.CREATED)
            for email in file.practice.staff
        ]
    _show(out, file, stack, [*report.parts, *people], "Would apply")
    out.print("Nothing was changed (--dry-run). Credentials are compared when you apply.")


def jwks_url(stack: Stack, practice: Practice) -> str:
    """Where the other side reads a practice's public keys."""
    return f"{stack.output('Url')}/keys/{practice.slug}/jwks.json"


def _key_in_kms(stack: Stack, name: str, key_id: str) -> SigningKey:
    # Below this alias the template lets pulls sign; elsewhere they may not.
    return from_kms(stack.client("kms"), f"alias/{stack.name}/sources/{name}", key_id)


def _with_public_keys(practice: Practice, keys: Mapping[str, tuple[Mapping[str, str], ...]]) -> Practice:
    sources = {i: replace(one, public_keys=keys.get(i, ())) for i, one in practice.sources.items()}
    return replace(practice, sources=sources)


def _stored_keys(ours: Operators, file: PracticeFile) -> dict[str, tuple[Mapping[str, str], ...]]:
    """The public keys that sources with a sign-in have now: what they will be is not known before keys are read."""
    try:
        stored = ours.practices.get(file.practice.slug).sources
    except PracticeNotFound:
        return {}
    return {i: stored[i].public_keys for i, one in file.credentials.items() if one.sign_in and i in stored}


def _store_secrets(stack: Stack, practice: str, secrets: Mapping[str, Resolved]) -> list[PartReport]:
    vault = _vault(stack)
    links = vault.ensure_link_secrets(stack.output("LinkSecretsParameter"))
    return [
        PartReport("link secrets", "", links),
        *(
            PartReport("credentials", source_id, vault.put(_parameter(stack, practice, source_id), found.text))
            for source_id, found in secrets.items()
        ),
    ]


def _vault(stack: Stack) -> Vault:
    return Vault(stack.client("ssm"), stack.output("KeyId"))


def _parameter(stack: Stack, practice: str, source_id: str) -> str:
    return f"{stack.output('SourcesParameterPrefix')}/{practice}/{source_id}"


def _removed_sources(report: ApplyReport) -> Iterable[PartReport]:
    return (part for part in report.changes if part.kind == "sources" and part.fate is Fate.REMOVED)


def _show(out: Console, file: PracticeFile, stack: Stack, parts: list[PartReport], verb: str) -> None:
    practice = file.practice
    out.print(f"{verb} [bold]{escape(practice.name)}[/] ({practice.slug}) on the stack {escape(stack.name)}:")
    for part in parts:
        if part.fate is not Fate.UNCHANGED:
            detail = f": {', '.join(part.settings)}" if part.settings else ""
            named = f"{_ONE_OF[part.kind]} {part.id}".rstrip()
            if part.fate is Fate.KEPT:
                detail = f" {_left(part)}; --overwrite-{part.kind} takes the file's"
            out.print(f"  {_SIGNS[part.fate]} {escape(named)} {part.fate}{escape(detail)}", soft_wrap=True)
        elif part.by:
            out.print(f"  = setting {escape(part.id)} stays {escape(_left(part))}", soft_wrap=True)
    unchanged = sum(part.fate is Fate.UNCHANGED for part in parts)
    out.print(f"  {unchanged} unchanged.")


def _left(part: PartReport) -> str:
    """How staff left something; of a setting also what it is and what the file says."""
    left = f"as {part.by} left it on {part.at:%Y-%m-%d %H:%M} UTC"
    if part.kind != "settings":
        return left
    ours, said = (one or "nothing" for one in part.settings)
    return f"{left}: {ours} (the file: {said})"


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """What the rules refuse in a file, in words."""
    try:
        yield
    except InvalidInput as error:
        lines = [f"{path}: {one.pointer.strip('/').replace('/', '.')}: {one.detail}" for one in error.problems]
        raise Failure(f"{path} cannot be applied; nothing was changed", "\n".join(lines)) from error


def _failure(path: Path, error: PracticeFileInvalid) -> Failure:
    lines = [f"{path}:{p.line}:{p.column}: {p.message}" for p in error.problems]
    count = f"{len(lines)} problem{'s' if len(lines) > 1 else ''}"
    return Failure(f"{path} has {count}; nothing was changed", "\n".join(lines))
