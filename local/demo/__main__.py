"""python -m local.demo [--once]: set up, deploy, load a practice, play the story, then keep serving until Ctrl-C."""

import argparse
import contextlib
import signal
import sys
import time
from collections.abc import Iterator
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from .. import build
from ..laptop import PRACTITIONERS, STAFF_EMAIL, STAFF_PASSWORD, ZONE, Laptop
from ..processes import NotReady
from ..sandbox import Sandbox
from . import seed
from .stage import VISITORS_DOMAIN, harbor, stage_on, system_of
from .story import STEPS, NotAsTold, Story
from .system import SystemRefused

AWS_PORT, SANDBOX_PORT, MAILBOX_PORT = 4566, 4580, 4581
out = Console(highlight=False, soft_wrap=True)


@contextlib.contextmanager
def _showing(doing: str) -> Iterator[None]:
    began = time.monotonic()
    if out.is_terminal:
        with out.status(escape(doing)):
            yield
    else:
        yield
    out.print(f"[green]✓[/] {escape(doing)} [dim]{time.monotonic() - began:.1f} s[/]")


def _set_up(laptop: Laptop) -> None:
    with _showing("Build the stack (sam build)" if build.needed() else "The stack is built"):
        build.build_here()
    with _showing("Start the embedded AWS"):
        laptop.start()
    with _showing("Deploy the template (sam deploy)"):
        laptop.deploy()
    with _showing("Enter two weeks of visits into the sandbox scheduling system"):
        fill(laptop.sandbox)
    with _showing("Apply the practice (oneway apply)"):
        laptop.apply()


def fill(sandbox: Sandbox) -> None:
    """Enter the providers and two weeks of visits."""
    for identifier, name in PRACTITIONERS.items():
        sandbox.add_practitioner(identifier, name)
    seed.enter(system_of(sandbox), harbor(), datetime.now(tz=sandbox.zone).date(), VISITORS_DOMAIN)


def _addresses(laptop: Laptop) -> None:
    lines = [
        f"Booking    {laptop.public_url}/book/harbor",
        f"Portal     {laptop.public_url}/portal",
        f"           sign in as {STAFF_EMAIL}, password {STAFF_PASSWORD}",
        f"Mailbox    {laptop.mailbox.url}/",
        f"Sandbox    {laptop.sandbox.url}/   (the practice's own scheduling system; times are {ZONE})",
    ]
    out.print(Panel("\n".join(lines), title="Addresses", expand=False))


def _play(laptop: Laptop) -> bool:
    """Tell the story; whether every step happened as told."""
    story = Story(stage_on(laptop))
    began = time.monotonic()
    for number, step in enumerate(STEPS, 1):
        started = time.monotonic()
        try:
            if out.is_terminal:
                with out.status(escape(step.title)):
                    seen = step.play(story)
            else:
                seen = step.play(story)
        except (NotAsTold, SystemRefused, OSError) as error:
            out.print(f"[bold red]✗ {number}. {escape(step.title)}[/] {time.monotonic() - started:.1f} s")
            out.print(f"  {escape(str(error))}")
            return False
        out.print(f"[green]✓[/] [bold]{number}. {escape(step.title)}[/] [dim]{time.monotonic() - started:.1f} s[/]")
        for line in seen:
            out.print(f"     {escape(line)}")
    out.print(f"[bold green]The whole story in {time.monotonic() - began:.0f} s.[/]")
    return True


def main(once: bool) -> int:
    """Exit code: 0 if the story was as told."""
    began = time.monotonic()
    with Laptop(AWS_PORT, SANDBOX_PORT, MAILBOX_PORT) as laptop:
        _set_up(laptop)
        out.print(f"Everything answers after {time.monotonic() - began:.0f} s.")
        _addresses(laptop)
        told = _play(laptop)
        if once:
            return 0 if told else 1
        _addresses(laptop)
        out.print("Serving until Ctrl-C.")
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
        out.print("Ending.")
    return 0 if told else 1


def _ended(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the story; non-zero if a step failed")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, _ended)
    try:
        sys.exit(main(chosen.once))
    except KeyboardInterrupt:
        sys.exit(130)
    except NotReady as error:
        out.print(f"[bold red]Failed:[/] {escape(str(error))}")
        sys.exit(1)
