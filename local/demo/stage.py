"""The stage of the story on this machine."""

from collections.abc import Sequence

from oneway.domain.practices import Practice

from cli.practice_file import read

from ..laptop import PRACTICE_FILE, STAFF_EMAIL, STAFF_PASSWORD, Laptop
from ..mailbox import Mailbox as LaptopMailbox
from ..sandbox import Sandbox
from .story import Letter, Stage
from .system import SchedulingSystem

PATIENTS_DOMAIN = "patients.example"
VISITORS_DOMAIN = "visitors.example"


class Letters:
    """The laptop's mailbox as the story reads it."""

    def __init__(self, mailbox: LaptopMailbox) -> None:
        self._mailbox = mailbox

    def letters(self) -> Sequence[Letter]:
        """All messages so far, oldest first."""
        return [Letter(", ".join(one.to), one.subject, one.text) for one in self._mailbox.messages]


def harbor() -> Practice:
    """The demo practice."""
    return read(PRACTICE_FILE.read_text("utf-8")).practice


def system_of(sandbox: Sandbox) -> SchedulingSystem:
    """The sandbox as staff use it."""
    return SchedulingSystem(sandbox.fhir_url, {"Authorization": f"Bearer {sandbox.token}"})


def stage_on(
    laptop: Laptop,
    practice: Practice | None = None,
    system: SchedulingSystem | None = None,
    patients_domain: str = PATIENTS_DOMAIN,
    visitors_domain: str = VISITORS_DOMAIN,
) -> Stage:
    """The stage on a laptop where `practice` (else the demo's) is applied; its system is the sandbox or another one."""
    practice = practice or harbor()
    return Stage(
        public_url=laptop.public_url,
        practice=practice.slug,
        practice_name=practice.name,
        recipient=practice.recipients[0],
        staff_email=STAFF_EMAIL,
        staff_password=STAFF_PASSWORD,
        patients_domain=patients_domain,
        visitors_domain=visitors_domain,
        system=system or system_of(laptop.sandbox),
        practitioners={one.id: one.external_id or "" for one in practice.providers.values()},
        mailbox=Letters(laptop.mailbox),
    )
