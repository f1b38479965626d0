"""`oneway messages`: look at every message, send a test, and put on its way again what waits."""

import html
from collections.abc import Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from oneway.domain.addresses import fault_in
from oneway.domain.errors import RequestNotFound
from oneway.domain.suppression import mark_of, missed_mark_of
from oneway.languages import LANGUAGES
from rich.console import Console
from rich.markup import escape

from . import dead_letters
from .apply import read_file
from .logo import read_logo
from .samples import Sample, samples
from .stack import Stack, operators, plainly, practice_named
from .terminal import Failure, busy


def preview(file: Path, language: str | None, folder: Path, out: Console) -> None:
    """Write every message of a practice file into a folder, as pages and as files for a mail program."""
    read = read_file(file)
    logo = read_logo(file, read.logo)
    found: list[Sample] = []
    for one in [language] if language else LANGUAGES:
        found += samples(read.practice, one, logo)
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for sample in found:
        name = f"{sample.name}.{sample.language}"
        mime = message_from_bytes(sample.mime, policy=policy.default)
        assert isinstance(mime, EmailMessage)
        (folder / f"{name}.eml").write_bytes(sample.mime)
        (folder / f"{name}.html").write_text(shown_html(mime), "utf-8")
        subject = html.escape(str(mime["Subject"]).strip())
        case = f" ({sample.case.replace('_', ' ')})" if sample.case else ""
        rows.append(f'<li><a href="{name}.html">{subject}</a>{case} <a href="{name}.eml">.eml</a></li>')
    page = f"<!doctype html><html lang=en><meta charset=utf-8><title>Messages</title><ul>{''.join(rows)}</ul></html>"
    (folder / "index.html").write_text(page, "utf-8")
    out.print(f"{len(found)} messages are in {escape(str(folder))}: open index.html.")


def shown_html(mime: EmailMessage) -> str:
    """The HTML of a message, with its pictures inside it."""
    body = mime.get_body(("html",))
    text = str(body.get_content()) if body else ""
    for part in mime.walk():
        if part.get_content_maintype() == "image":
            raw = "".join(str(part.get_payload()).split())
            name = str(part["Content-ID"]).strip("<>")
            text = text.replace(f"cid:{name}", f"data:{part.get_content_type()};base64,{raw}")
    return text


def test(stack: Stack, slug: str, recipients: Sequence[str], out: Console) -> None:
    """Have a test message sent, the way that all messages go. Raises Failure: an unknown practice, an address that is none."""
    if wrong := [one for one in recipients if fault_in(one)]:
        raise Failure(f"no mail can be sent to {', '.join(wrong)}", "Write for example: frontdesk@harbor.example")
    stack.enter()
    with plainly(stack.name), busy(out, "Asking"):
        ours = operators()
        practice_named(ours, slug)
        notice = ours.send_test(slug, tuple(recipients))
    out.print(
        f"A test is on its way to {escape(', '.join(notice.recipients))}. Nothing there in five minutes? `oneway doctor`."
    )


def revoke(stack: Stack, slug: str, request_id: str, out: Console) -> None:
    """Make all private links of a request useless. Raises Failure for an unknown practice or request."""
    stack.enter()
    with plainly(stack.name), busy(out, "Revoking"):
        ours = operators()
        practice_named(ours, slug)
        try:
            ours.revoke_link(slug, request_id)
        except RequestNotFound:
            hint = "Its id is the end of its details page's address."
            raise Failure(f'the practice has no request "{request_id}"', hint) from None
    out.print("Done: no link that was sent so far opens it. The next message to the patient brings another one.")


def allow(stack: Stack, slug: str, address: str, out: Console) -> None:
    """Let an address have mail of a practice again. Raises Failure for an unknown practice."""
    stack.enter()
    with plainly(stack.name), busy(out, "Writing"):
        ours = operators()
        practice_named(ours, slug)
        for mark in (mark_of(slug, address), missed_mark_of(slug, address)):
            ours.suppressions.remove(slug, mark)
    out.print(
        f"{escape(address)} gets mail again. On SES's own suppression list, too? Take it off there (SES console)."
    )


def retry(stack: Stack, out: Console) -> None:
    """Put messages that were given up back, and try at once all that wait."""
    dead_letters.retry(stack, out, ("messages", "mail events"))
    stack.enter()
    with plainly(stack.name), busy(out, "Looking"):
        ours = operators()
        waiting = ours.requests.unsent(ours.clock.now())
        stack.enqueue(waiting)
    out.print(f"{len(waiting)} that wait are tried now.")
