"""The real template on the embedded AWS with three practices, once for all end-to-end tests.

Harbor reads the sandbox and Pier reads Medplum: the story is told on both, in the background, from the beginning on; it
mostly waits for the schedules. Quay reads the sandbox, too, and belongs to all other tests.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from cli.practice_file import read
from local import build
from local.demo import seed
from local.demo.__main__ import fill
from local.demo.stage import stage_on
from local.demo.story import STEPS, NotAsTold, Stage, Story
from local.demo.system import SchedulingSystem
from local.laptop import PRACTICE_FILE, PRACTICE_FILE_ADDRESS, PRACTITIONERS, Laptop
from tests.servers.running import medplum

from .browser import MILLISECONDS, PATIENCE, Eyes, chromium

expect.set_options(timeout=MILLISECONDS)


class Site:
    """Somebody's own page, the same under every name of this machine; Quay may embed its booking tool under *clinic*."""

    def __init__(self) -> None:
        self.html = ""
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(site.html.encode())

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self) -> "Site":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    """A site of its own for one test."""
    with Site() as site:
        yield site


@dataclass(frozen=True)
class Telling:
    """The practices of a laptop: the tellings by slug, Quay's address for pages, and its own site.

    Another `slug` is another practice, whose providers the sandbox knows as `suffix` says.
    """

    laptop: Laptop
    site: Site
    stories: dict[str, "Future[list[str]]"]
    slug: str = "quay"
    suffix: str = ""

    @property
    def book(self) -> str:
        return f"{self.laptop.public_url}/book/{self.slug}"

    @property
    def api(self) -> str:
        return f"{self.laptop.public_url}/api/practices/{self.slug}"

    @property
    def portal(self) -> str:
        return f"{self.laptop.public_url}/portal/{self.slug}"

    def practitioner(self, provider: str) -> str:
        """What the sandbox calls a provider."""
        return provider + self.suffix


def practice_text(slug: str, address: str, ids: dict[str, str]) -> str:
    """The demo practice's file for another practice, whose source knows the providers by other ids."""
    text = PRACTICE_FILE.read_text("utf-8").replace(PRACTICE_FILE_ADDRESS, address)
    text = text.replace("practice: harbor", f"practice: {slug}").replace("Harbor Clinic", f"{slug.title()} Clinic")
    text = text.replace("frontdesk@harbor.example", f"frontdesk@{slug}.example")
    for provider, identifier in ids.items():
        text = text.replace(f"external_id: {provider}\n", f"external_id: {identifier}\n")
    return text


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="en-US")
    context.set_default_timeout(MILLISECONDS)
    yield context
    context.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A desk's browser."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, locale="en-US")
    context.set_default_timeout(MILLISECONDS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page on which nothing fails or is refused by the policy (but for the style that takes a picture)."""
    refused = "Content Security Policy" if not request.config.getoption("--pictures") else "never said"
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if refused in said.text else None)
    yield page
    assert wrong == []


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the files of pages over a desk in memory are built."""
    return tmp_path_factory.mktemp("portal") / "portal"


@pytest.fixture(scope="session")
def eyes(request: pytest.FixtureRequest) -> Eyes:
    return Eyes(request.config.getoption("--pictures"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def telling() -> Iterator[Telling]:
    build.build_here()
    # The threads are the last to be waited for: with the laptop gone, a story that nobody waits for ends at once.
    with ThreadPoolExecutor(2) as threads, Site() as site, Laptop() as laptop, medplum() as address:
        laptop.start()
        laptop.deploy()
        fill(laptop.sandbox)
        laptop.apply()
        system = SchedulingSystem(address)
        ids = {provider: system.add_practitioner(name) for provider, name in PRACTITIONERS.items()}
        pier = practice_text("pier", address, ids)
        seed.enter(system, read(pier).practice, datetime.now(UTC).date(), "visitors.pier.example")
        laptop.apply_text(pier)
        stages = {
            "harbor": stage_on(laptop),
            "pier": stage_on(laptop, read(pier).practice, system, "patients.pier.example", "visitors.pier.example"),
        }
        stages = {
            slug: replace(stage, sync_seconds=2 * stage.sync_seconds, mail_seconds=PATIENCE)
            for slug, stage in stages.items()
        }
        stories = {slug: threads.submit(_tell, stage) for slug, stage in stages.items()}
        Image.new("RGB", (600, 800), "#b5651d").save(laptop.aws.folder / "osei.jpg")
        quay = practice_text("quay", laptop.sandbox.fhir_url, {})
        quay = quay.replace("https://www.harbor.example", f"http://clinic.localhost:{site.port}")
        laptop.apply_text(quay.replace("    name: Dr. Amara Osei\n", "    name: Dr. Amara Osei\n    photo: osei.jpg\n"))
        laptop.oneway("sync", "quay")
        yield Telling(laptop, site, stories)


def _tell(stage: Stage) -> list[str]:
    """The names of the steps that happened as told: all of them, or NotAsTold."""
    story = Story(stage)
    for step in STEPS:
        try:
            step.play(story)
        except Exception as error:
            raise NotAsTold(f"{step.name}: {error}") from error
    return [step.name for step in STEPS]
