"""The `oneway` command. Exit codes: 0 well, 1 something needs you, 2 wrong usage, 3 AWS is the trouble."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from oneway.domain.feeds import VanishedAnswer
from rich.console import Console

from . import terminal
from .stack import Stack, find
from .terminal import Failure, busy

app = typer.Typer(
    name="oneway",
    help="Set up practices on a deployed Oneway stack, and watch their schedules.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

StackName = Annotated[str, typer.Option("--stack", envvar="ONEWAY_STACK", help="The stack's name.")]
Region = Annotated[str | None, typer.Option("--region", help="AWS region, unless your AWS settings name it.")]
Profile = Annotated[str | None, typer.Option("--profile", help="AWS profile, unless your environment names it.")]


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(help="The practice file (docs/practice-file.md).", show_default=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change; change nothing.")] = False,
    overwrite_settings: Annotated[
        bool, typer.Option("--overwrite-settings", help="Take the file's settings where staff have changed theirs.")
    ] = False,
    overwrite_calendars: Annotated[
        bool, typer.Option("--overwrite-calendars", help="Take the file's calendars where staff have edited theirs.")
    ] = False,
    invite: Annotated[bool, typer.Option(help="Let Cognito mail new staff an invitation.")] = True,
    stack: StackName = "oneway",
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Create or update a practice from its file. The same file twice changes nothing."""
    from . import apply as applying

    with _ends():
        read = applying.read_file(file)
    with _at(stack, region, profile) as (found, out):
        overwrite = {"overwrite_calendars": overwrite_calendars, "overwrite_settings": overwrite_settings}
        if dry_run:
            applying.plan(read, file, found, out, **overwrite)
        elif not applying.apply(read, file, found, out, invite=invite, **overwrite):
            raise typer.Exit(1)


@app.command()
def sync(
    practice: Annotated[str, typer.Argument(help="The practice's id.", show_default=False)],
    providers: Annotated[
        list[str] | None, typer.Argument(help="Providers' ids; all integrated ones if none is named.")
    ] = None,
    stack: StackName = "oneway",
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Read schedules now, without waiting for their turn, and tell what was seen and done."""
    from . import schedules

    with _at(stack, region, profile) as (found, out):
        if not schedules.sync(found, practice, providers or (), out):
            raise typer.Exit(1)


@app.command()
def status(
    practice: Annotated[str | None, typer.Argument(help="A practice's id; all if none is named.")] = None,
    stack: StackName = "oneway",
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Show how old each schedule is, what fails, and what waits. Ends with 1 if something is broken."""
    from . import schedules

    with _at(stack, region, profile) as (found, out):
        if not schedules.status(found, practice, out):
            raise typer.Exit(1)


@app.command()
def vanished(
    practice: Annotated[str, typer.Argument(help="The practice's id.", show_default=False)],
    provider: Annotated[str, typer.Argument(help="The provider's id.", show_default=False)],
    answer: Annotated[VanishedAnswer, typer.Argument(help="They are gone (accept), or stay as they are (keep).")],
    stack: StackName = "oneway",
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Say what it means that much of a schedule vanished at once: its pulls are held until then."""
    from . import schedules

    with _at(stack, region, profile) as (found, out):
        schedules.answer_vanished(found, practice, provider, answer, out)


@app.command()
def explain(
    practice: Annotated[str, typer.Argument(help="The practice's id.", show_default=False)],
    request: Annotated[
        str, typer.Argument(help="The request's id: the end of its details page's address.", show_default=False)
    ],
    stack: StackName = "oneway",
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Say why a request is still pending, and which visits may be its answer."""
    from . import requests

    with _at(stack, region, profile) as (found, out):
        requests.explain(found, practice, request, out)


source = typer.Typer(name="source", help="Try a scheduling system.", no_args_is_help=True)
app.add_typer(source)


@source.command("test")
def try_source(
    practice: Annotated[str, typer.Argument(help="The practice's id.", show_default=False)],
    provider: Annotated[str, typer.Argument(help="The provider's id.", show_default=False)],
    stack: StackName = "oneway",
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Read a schedule once, and show what was seen and what a sync would do. Nothing is written."""
    from . import schedules

    with _at(stack, region, profile) as (found, out):
        if not schedules.test(found, practice, provider, out):
            raise typer.Exit(1)


calendar = typer.Typer(name="calendar", help="Look at providers' calendars, and set days right.", no_args_is_help=True)
app.add_typer(calendar)
PracticeId = Annotated[str, typer.Argument(help="The practice's id.", show_default=False)]
ProviderId = Annotated[str, typer.Argument(help="The provider's id.", show_default=False)]


@calendar.command("show")
def show_calendar(
    practice: PracticeId,
    provider: ProviderId,
    week: Annotated[datetime | None, typer.Option(help="A day of the week to show.", formats=["%Y-%m-%d"])] = None,
    stack: StackName = "oneway",
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Show a week of a provider as a picture: what is open, asked for, booked and blocked."""
    from . import calendar as calendars

    with _at(stack, region, profile) as (found, out):
        calendars.show(found, practice, provider, week and week.date(), out)


@calendar.command("why")
def why_not_offered(
    practice: PracticeId,
    provider: ProviderId,
    visit_type: Annotated[str, typer.Argument(help="The visit type's id.", show_default=False)],
    when: Annotated[str, typer.Argument(help="2026-11-24T09:30, in the provider's zone.", show_default=False)],
    stack: StackName = "oneway",
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Tell why a time is not offered."""
    from . import calendar as calendars

    with _at(stack, region, profile) as (found, out):
        calendars.why(found, practice, provider, visit_type, when, out)


@calendar.command("check")
def check_calendar(
    practice: PracticeId,
    provider: Annotated[str | None, typer.Argument(help="A provider's id; all if none is named.")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Set right what differs.")] = False,
    stack: StackName = "oneway",
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Compare days with the requests and visits they are made of. Ends with 1 if they differ and are not repaired."""
    from . import calendar as calendars

    with _at(stack, region, profile) as (found, out):
        if not calendars.check(found, practice, provider, out, repair=repair):
            raise typer.Exit(1)


@calendar.command("holidays")
def show_holidays(
    practice: PracticeId, stack: StackName = "oneway", region: Region = None, profile: Profile = None
) -> None:
    """Show the public holidays to come, and whether the practice is closed on them."""
    from . import calendar as calendars

    with _at(stack, region, profile) as (found, out):
        calendars.holidays(found, practice, out)


messages = typer.Typer(name="messages", help="Look at messages, and send them.", no_args_is_help=True)
app.add_typer(messages)


@messages.command("preview")
def preview_messages(
    file: Annotated[Path, typer.Argument(help="The practice file (docs/practice-file.md).", show_default=False)],
    to: Annotated[Path, typer.Option("--to", help="The folder to write into.")] = Path("messages"),
    language: Annotated[str | None, typer.Option(help="One language only: en or es.")] = None,
) -> None:
    """Write every message with sample data, in the practice's name, colour and logo. Nothing is sent."""
    from oneway.languages import LANGUAGES

    from . import messages as mail

    with _ends():
        if language not in (None, *LANGUAGES):
            raise Failure(f'there is no language "{language}"', f"Write one of: {', '.join(LANGUAGES)}.", 2)
        mail.preview(file, language, to, terminal.console())


@messages.command("test")
def test_messages(
    practice: PracticeId,
    to: Annotated[list[str] | None, typer.Option("--to", help="Addresses, instead of the practice's.")] = None,
    stack: StackName = "oneway",
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Have a test message sent to the practice's recipients, or to others."""
    from . import messages as mail

    with _at(stack, region, profile) as (found, out):
        mail.test(found, practice, to or (), out)


@messages.command("revoke")
def revoke_link(
    practice: PracticeId,
    request: Annotated[
        str, typer.Argument(help="The request's id: the end of its details page's address.", show_default=False)
    ],
    stack: StackName = "oneway",
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Make the private links of a request useless, where one is in wrong hands."""
    from . import messages as mail

    with _at(stack, region, profile) as (found, out):
        mail.revoke(found, practice, request, out)


@messages.command("allow")
def allow_address(
    practice: PracticeId,
    address: Annotated[str, typer.Argument(help="An address that bounced or complained.", show_default=False)],
    stack: StackName = "oneway",
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Let an address have a practice's mail again, after it bounced or complained."""
    from . import messages as mail

    with _at(stack, region, profile) as (found, out):
        mail.allow(found, practice, address, out)


@messages.command("retry")
def retry_messages(stack: StackName = "oneway", region: Region = None, profile: Profile = None) -> None:
    """Put messages that were given up back, and try at once all that wait."""
    from . import messages as mail

    with _at(stack, region, profile) as (found, out):
        mail.retry(found, out)


@app.command()
def doctor(stack: StackName = "oneway", region: Region = None, profile: Profile = None) -> None:
    """Check whether mail is delivered and trusted, and say what to do. Ends with 1 if something is wrong."""
    from . import doctor as examining

    with _at(stack, region, profile) as (found, out):
        if not examining.examine(found, out):
            raise typer.Exit(1)


dead_letters = typer.Typer(name="dead-letters", help="Look at work that failed again and again.", no_args_is_help=True)
app.add_typer(dead_letters)


@dead_letters.command("list")
def list_dead_letters(stack: StackName = "oneway", region: Region = None, profile: Profile = None) -> None:
    """Show pulls and messages that were given up. Ends with 1 if there are any."""
    from . import dead_letters as letters

    with _at(stack, region, profile) as (found, out):
        if not letters.show(found, out):
            raise typer.Exit(1)


@dead_letters.command("retry")
def retry_dead_letters(
    stack: StackName = "oneway",
    region: Region = None,
    profile: Profile = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="Also those that would only come back.")] = False,
) -> None:
    """Put them back where they came from, but for those that would only come back."""
    from . import dead_letters as letters

    with _at(stack, region, profile) as (found, out):
        letters.retry(found, out, anyway=anyway)


@dead_letters.command("discard")
def discard_dead_letters(stack: StackName = "oneway", region: Region = None, profile: Profile = None) -> None:
    """Delete those that would only come back."""
    from . import dead_letters as letters

    with _at(stack, region, profile) as (found, out):
        letters.discard(found, out)


@contextmanager
def _at(stack: str, region: str | None, profile: str | None) -> Iterator[tuple[Stack, Console]]:
    """A stack, and where to print; a failure ends the command."""
    with _ends():
        out = terminal.console()
        with busy(out, f"Looking for the stack {stack}"):
            found = find(stack, region, profile)
        yield found, out


@contextmanager
def _ends() -> Iterator[None]:
    """A failure ends the command with its words and its exit code."""
    try:
        yield
    except Failure as failure:
        terminal.show_failure(failure)
        raise typer.Exit(failure.code) from failure


if __name__ == "__main__":
    app()
