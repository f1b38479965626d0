"""What the command line prints: colour and spinners on a terminal, plain lines where the output goes elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.table import Table

_PIPED_WIDTH = 160


class Failure(Exception):
    """Ends a command: what is wrong, what to do about it, and the exit code."""

    def __init__(self, message: str, hint: str = "", code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code


def console(*, errors: bool = False) -> Console:
    """Where to print; piped output is not wrapped to a narrow screen."""
    made = Console(stderr=errors, highlight=False, soft_wrap=True)
    return made if made.is_terminal else Console(stderr=errors, highlight=False, width=_PIPED_WIDTH, soft_wrap=True)


@contextmanager
def busy(out: Console, doing: str) -> Iterator[None]:
    """Show what is being done, for as long as it takes."""
    if out.is_terminal:
        with out.status(escape(doing)):
            yield
    else:
        out.print(f"{escape(doing)} …")
        yield


def table(*headings: str) -> Table:
    """A table without lines."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        made.add_column(heading, overflow="fold")
    return made


def show_failure(failure: Failure) -> None:
    """Print a failure where errors go."""
    out = console(errors=True)
    out.print(f"[bold red]Failed:[/] {escape(failure.message)}")
    if failure.hint:
        out.print(escape(failure.hint))
