"""The laptop's mailbox: an SMTP sink behind the embedded SES, and pages that show each message as a person sees it.

with Mailbox() as mailbox:
    mailbox.smtp_port, mailbox.url
    message = mailbox.wait_for(lambda m: m.to == ("maria@example.org",), seconds=20)
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec
from aiosmtpd.controller import Controller
from oneway.languages import LANGUAGES

from cli.practice_file import read
from cli.samples import samples

from ..processes import free_port, wait_for
from ..serving import Asked, LoopbackServer, Told, pages, see_other

MOST_KEPT = 2000
_SAMPLE_PRACTICE = Path(__file__).parents[1] / "practices/harbor.yaml"
_LINK = re.compile(r"https?://[^\s<>\"]+")


@dataclass(frozen=True)
class Attachment:
    """A file that came with a message."""

    name: str
    kind: str
    content: bytes


@dataclass(frozen=True)
class Message:
    """A message as it arrived. `to` are the envelope's recipients; `links` are those of the text part. `case` says of a
    sample when it reads so.
    """

    id: int
    arrived: datetime
    to: tuple[str, ...]
    sender: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    links: tuple[str, ...]
    attachments: tuple[Attachment, ...] = field(default=())
    case: str = ""


class Mailbox:
    """Takes mail on `smtp_port` and shows it at `url`; both on loopback only."""

    def __init__(self, smtp_port: int = 0, http_port: int = 0) -> None:
        self.smtp_port = smtp_port or free_port()
        self._messages: list[Message] = []
        self._lock = Lock()
        self._pages = pages(Path(__file__).parent / "pages")
        self._smtp = Controller(self, hostname="127.0.0.1", port=self.smtp_port)
        self._smtp.start()
        self._web = LoopbackServer(http_port, self._answer)
        self.url = self._web.url

    def close(self) -> None:
        """End it."""
        self._smtp.stop()
        self._web.close()

    def __enter__(self) -> "Mailbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def messages(self) -> list[Message]:
        """All messages, oldest first."""
        with self._lock:
            return list(self._messages)

    def wait_for(self, wanted: Callable[[Message], bool], seconds: float, what: str = "a message") -> Message:
        """The first message that is wanted. Raises NotReady after `seconds`."""
        return wait_for(what, lambda: next((m for m in self.messages if wanted(m)), None), seconds)

    def clear(self) -> None:
        """Forget all messages."""
        with self._lock:
            self._messages.clear()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """A message arrives."""
        parsed = message_from_bytes(envelope.content, policy=policy.default)
        with self._lock:
            number = self._messages[-1].id + 1 if self._messages else 1
            self._messages.append(_message(number, parsed, tuple(envelope.rcpt_tos)))
            del self._messages[:-MOST_KEPT]
        return "250 OK"

    def _answer(self, asked: Asked) -> Told:
        parts = asked.path.strip("/").split("/")
        if asked.method == "POST" and asked.path == "/clear" and not asked.from_elsewhere:
            self.clear()
            return see_other("/")
        if asked.path == "/":
            return Told(self._pages.get_template("list.html").render(messages=self.messages[::-1]))
        if asked.path == "/api/messages":
            return Told(msgspec.json.encode(self.messages), "application/json")
        if asked.path == "/samples":
            return Told(self._pages.get_template("samples.html").render(samples=_samples()))
        shown = {"messages": self.messages, "samples": _samples() if parts[0] == "samples" else []}.get(parts[0], [])
        message = next((m for m in shown if str(m.id) == parts[1]), None)
        if message is None:
            return Told(self._pages.get_template("missing.html").render(), status=404)
        if len(parts) == 3 and parts[2] == "html":
            # Shown inside a sandboxed frame: no scripts, links open in a new tab.
            body = message.html.replace("<head>", '<head><base target="_blank">', 1)
            policy_text = "default-src 'none'; style-src 'unsafe-inline'; img-src data: cid:"
            return Told(body, headers={"Content-Security-Policy": policy_text})
        if len(parts) == 4 and parts[2] == "attachments" and parts[3].isdigit():
            attached = message.attachments[int(parts[3])]
            named = {"Content-Disposition": f'attachment; filename="{attached.name}"'}
            return Told(attached.content, attached.kind, headers=named)
        return Told(self._pages.get_template("message.html").render(message=message, box=parts[0]))


@lru_cache(maxsize=1)
def _samples() -> list[Message]:
    """Every message with sample data, in each language and each case in which it says something else."""
    practice = read(_SAMPLE_PRACTICE.read_text("utf-8")).practice
    found = [one for language in LANGUAGES for one in samples(practice, language)]
    return [
        replace(_message(number, message_from_bytes(one.mime, policy=policy.default), one.recipients), case=one.case)
        for number, one in enumerate(found, 1)
    ]


def _message(number: int, parsed: EmailMessage, recipients: tuple[str, ...]) -> Message:
    text, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    shown = text.get_content() if text else ""
    return Message(
        number,
        datetime.now(UTC),
        recipients or tuple(address for _, address in getaddresses(parsed.get_all("To", []))),
        str(parsed.get("From", "")),
        str(parsed.get("Subject", "")).strip(),
        shown,
        html.get_content() if html else "",
        {name: str(value) for name, value in parsed.items()},
        tuple(_LINK.findall(shown)),
        tuple(_attachment(part) for part in parsed.iter_attachments()),
    )


def _attachment(part: EmailMessage) -> Attachment:
    content = part.get_content()
    raw = content if isinstance(content, bytes) else str(content).encode()
    return Attachment(part.get_filename() or "file", part.get_content_type(), raw)
