"""Every message with sample data: what staff and patients get, to be looked at before anybody gets it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace
from oneway.domain.messages import DueMessage, MessageKind
from oneway.domain.notices import Notice
from oneway.domain.practices import Practice
from oneway.mail.compose import MailComposer

from .sample_scenes import NOW, PATIENT, Scene, scenes

SENDER = "appointments@oneway.example"
_URL = "https://book.example"


@dataclass(frozen=True, slots=True)
class Sample:
    """A message as it would be sent: whole MIME, and its recipients. `case` says in which it reads so; "" is the usual one."""

    kind: MessageKind
    case: str
    language: str
    mime: bytes
    recipients: tuple[str, ...]

    @property
    def name(self) -> str:
        """What tells it from the others of its language."""
        return f"{self.kind}-{self.case}" if self.case else str(self.kind)


class _StoppedClock:
    def now(self) -> datetime:
        return NOW

    def pause(self, seconds: float) -> None:
        """Never called."""


def samples(practice: Practice, language: str, logo: tuple[str, bytes] | None = None) -> Iterator[Sample]:
    """Every message of a practice in a language, in the order of the product's table, in each case in which its words differ."""
    practice = replace(practice, language=language)
    composer = MailComposer(_URL, SENDER, _StoppedClock(), lambda _: logo)
    for kind in MessageKind:
        recipients = practice.staff_recipients if kind.to_staff else (PATIENT,)
        for case, scene in scenes(kind, practice, language):
            yield Sample(kind, case, language, _written(composer, kind, scene, recipients), recipients)


def _written(composer: MailComposer, kind: MessageKind, scene: Scene, recipients: tuple[str, ...]) -> bytes:
    practice = scene.practice
    if kind.of_practice:
        subject = next(iter(practice.sources), "") if "source" in kind else ""
        notice = Notice(practice.slug, f"{kind}_1", kind, NOW, subject)
        return composer.of_practice(notice, practice, scene.waiting, recipients)
    due = DueMessage(f"000001-{kind}", kind, old_start=scene.old_start)
    age = scene.schedule_age_minutes
    return composer.of_request(due, practice, scene.request, "sample-private-link", recipients, age)
