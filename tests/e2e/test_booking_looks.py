"""Every page of the booking tool and of *My request*, in every state, before axe: in both languages, light and dark, narrow and
wide, and in colours of practices that are hard to read.

Over a world in memory, where any state is a line away; the same pages on the deployed template: test_booking.py.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from oneway.domain.appointments import AppointmentState
from oneway.domain.errors import StoreUnavailable
from oneway.domain.practices import Limits
from oneway.domain.requests import Request, RequestState
from oneway.languages import LANGUAGES, words
from oneway.ports import Change
from oneway.web.pages import speaker
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.booking_tool import REFUSALS, Tool, a_clinic, serving
from tests.builders import START, a_form, a_record, a_row

from .asking import mobile_of
from .browser import Eyes

CHOSEN = "provider=osei&visit_type=new-patient&start=2026-11-24T09:30:00-08:00"
DAYS = "provider=osei&visit_type=new-patient&days=2026-11-24,2026-11-27&parts=morning"
LOOK = Eyes(widths=(320, 1440), rules=("target-size",))
"""WCAG 2.2 asks for targets of some size, which axe does not look at unless it is told to."""


@dataclass
class Scene:
    """A tool, a browser's page and the language that it speaks."""

    tool: Tool
    page: Page
    lang: str

    def say(self, key: str, **values: Any) -> str:
        """The words of a key."""
        return speaker(words(self.lang))(key, **values)

    def open(self, path: str, status: int = 200) -> None:
        """A page by its address."""
        mark = "&" if "?" in path else "?"
        answer = self.page.goto(f"{self.tool.url}{path}{mark}lang={self.lang}")
        assert answer
        assert answer.status == status, path

    def go_on(self) -> None:
        """The main button of a form."""
        self.page.locator("main form button:not(.plain)").last.click()

    def details(self, chosen: str = CHOSEN, whom: str = "me", name: str = "Maria", **typed: str) -> None:
        """The form, filled in."""
        self.open(f"/book/harbor/details?{chosen}&for_whom={whom}")
        fields = {
            "first_name": name, "last_name": "Núñez", "birth_day": "12", "birth_month": "3", "birth_year": "1984",
            "mobile": mobile_of(name), "email": f"{name.lower()}@example.org", "reason": "Knee pain\nsince last week",
            "insurance": "Acme 123",
        } | typed  # fmt: skip
        if whom == "other":
            fields |= {"booker_first_name": "Rosa", "booker_last_name": "Lind", "booker_relation": "mother"}
        for field, text in fields.items():
            self.page.fill(f"#{field}", text)

    def check(self, chosen: str = CHOSEN, whom: str = "me", **typed: str) -> None:
        """The page on which all is looked at once more."""
        self.details(chosen, whom, **typed)
        self.go_on()
        self.page.locator("#contact_consent").wait_for()

    def send(self, **typed: str) -> None:
        """Asked, from the form on."""
        self.check(**typed)
        self.page.check("#contact_consent")
        self.go_on()

    def ask(self, **changes: Any) -> str:
        """The path of the private page of a request that waits."""
        submitted = self.tool.world.submit(**{"visit_type": "new-patient", "language": self.lang} | changes)
        return f"/my-request/harbor/{submitted.link}"

    def request(self) -> Request:
        """The only request."""
        (found,) = self.tool.world.store.requests_by_id.values()
        return found

    def put(self, **changes: Any) -> None:
        """Make the only request another."""
        found = self.request()
        self.tool.world.store.requests_by_id[found.practice, found.id] = replace(found, **changes)

    def confirm(self, **changes: Any) -> None:
        """Staff enter the visit, and it is read."""
        self.tool.world.source.enter(a_row(**{"patient": a_record()} | changes))
        self.tool.world.pull()
        assert self.request().link


def _errors_in_details(scene: Scene) -> None:
    scene.details(birth_month="13", mobile="12", first_name="")
    scene.go_on()
    scene.page.locator("#error-first_name").wait_for()


def _errors_for_someone_else(scene: Scene) -> None:
    scene.open(f"/book/harbor/details?{CHOSEN}&for_whom=other")
    scene.go_on()
    scene.page.locator("#error-booker_relation").wait_for()


def _consent_missing(scene: Scene) -> None:
    scene.check()
    scene.go_on()
    scene.page.locator("#error-consent").wait_for()


def _token_expired(scene: Scene) -> None:
    scene.check()
    scene.tool.world.clock.advance(hours=13)
    scene.page.check("#contact_consent")
    scene.go_on()
    scene.page.get_by_text(scene.say("check.old.title")).wait_for()


def _seen_as_a_program(scene: Scene) -> None:
    scene.check()
    scene.page.locator("[name=website]").evaluate("one => one.value = 'x'")
    scene.go_on()
    scene.page.get_by_text(scene.say("check.unseen.title")).wait_for()


def _taken(scene: Scene) -> None:
    scene.check()
    others = a_form()["patient"] | {"first_name": "Zoe", "email": "zoe@example.org", "mobile": ""}
    scene.ask(key="z" * 32, patient=others)
    scene.page.check("#contact_consent")
    scene.go_on()
    scene.page.get_by_text(scene.say("taken.title")).wait_for()


def _no_longer_offered(scene: Scene) -> None:
    scene.check()
    store = scene.tool.world.store
    calendar = store.calendars_by_key["harbor", "osei"]
    closed = replace(calendar.availability, default_weeks=())
    store.calendars_by_key["harbor", "osei"] = replace(calendar, availability=closed)
    scene.page.check("#contact_consent")
    scene.go_on()
    scene.page.get_by_text(scene.say("taken.gone")).wait_for()


def _change(step: str) -> Callable[[Scene], None]:
    """A step that somebody goes back to, with all that was typed behind it."""

    def act(scene: Scene) -> None:
        scene.check(whom="other", chosen=DAYS if step == "/days" else CHOSEN)
        scene.page.locator(f"button[formaction*='{step}?']").first.click()
        scene.page.get_by_role("button", name=scene.say("check.title")).wait_for()

    return act


def _too_many(scene: Scene) -> None:
    scene.tool.world.store.practices.save(a_clinic(limits=Limits(pending_per_person=1)))
    scene.ask(key="b" * 32, start="2026-11-25T09:30:00-08:00")
    scene.send(mobile="(415) 555-2671", email="")
    scene.page.get_by_role("heading", name=scene.say("error.too-many-pending.title")).wait_for()


def _store_down(scene: Scene) -> None:
    scene.check()
    scene.page.check("#contact_consent")

    def fail(*_: Change) -> None:
        raise StoreUnavailable("table")

    scene.tool.patient.function.booking().submit_request.ledger.commit = fail
    scene.go_on()
    scene.page.get_by_role("heading", name=scene.say("error.unavailable.title")).wait_for()


def _sent(**typed: str) -> Callable[[Scene], None]:
    def act(scene: Scene) -> None:
        scene.send(**typed)
        scene.page.wait_for_url("**/my-request/**sent=1**")

    return act


def _days_sent(scene: Scene) -> None:
    scene.send(chosen=DAYS)
    scene.page.wait_for_url("**/my-request/**")


def _mine(path: str = "", status: int = 200, **changes: Any) -> Callable[[Scene], None]:
    """My request (or a page of it), of a request that is otherwise than a new one."""

    def act(scene: Scene) -> None:
        address = scene.ask()
        scene.put(**changes)
        scene.open(address + path, status)

    return act


def _visit(path: str = "", **row: Any) -> Callable[[Scene], None]:
    """My request (or a page of it), once staff have entered the visit."""

    def act(scene: Scene) -> None:
        address = scene.ask()
        scene.confirm()
        if row:
            scene.confirm(**row)
            scene.tool.world.pull()
        scene.open(address + path)

    return act


def _asked_to_cancel(path: str = "") -> Callable[[Scene], None]:
    def act(scene: Scene) -> None:
        address = scene.ask()
        scene.confirm()
        scene.open(f"{address}/cancel")
        scene.go_on()
        scene.page.get_by_text(scene.say("my.passed_on", practice="Harbor Clinic")).wait_for()
        if path:
            scene.open(address + path)

    return act


def _cancelled_meanwhile(scene: Scene) -> None:
    address = scene.ask()
    scene.open(f"{address}/cancel")
    scene.put(state=RequestState.EXPIRED)
    scene.go_on()
    scene.page.locator("[role=alert]").wait_for()


def _availability(path: str, who: Sequence[str] = ("osei", "brandt"), **changes: Any) -> Callable[[Scene], None]:
    """A page, while the hours of some are others."""

    def act(scene: Scene) -> None:
        calendars = scene.tool.world.store.calendars_by_key
        for one in who:
            stored = calendars["harbor", one]
            calendars["harbor", one] = replace(stored, availability=replace(stored.availability, **changes))
        scene.open(path)

    return act


def _changed_after_sending(scene: Scene) -> None:
    """The same form once more, as Back has it, with another reason."""
    scene.details()
    key = scene.page.locator("[name=key]").input_value()
    scene.go_on()
    scene.page.check("#contact_consent")
    scene.go_on()
    scene.page.wait_for_url("**/my-request/**")
    scene.details(reason="Hip pain")
    scene.page.locator("[name=key]").evaluate("(one, key) => one.value = key", key)
    scene.go_on()
    scene.page.get_by_text(scene.say("check.earlier.title")).wait_for()


def _first_month_is_full(scene: Scene) -> None:
    scene.tool.world.store.practices.save(a_clinic(minimum_notice_minutes=60 * 24 * 20))
    scene.open("/book/harbor/times?provider=osei&visit_type=new-patient&month=2026-11")


def _old_schedule(scene: Scene) -> None:
    scene.tool.world.clock.advance(hours=5)
    scene.open("/book/harbor/times?provider=osei&visit_type=new-patient")


def _at(path: str, status: int = 200) -> Callable[[Scene], None]:
    return lambda scene: scene.open(path, status)


def _pressed(path: str) -> Callable[[Scene], None]:
    """A page whose form was sent as it stood."""

    def act(scene: Scene) -> None:
        scene.open(path)
        scene.go_on()
        scene.page.locator(".errors").wait_for()

    return act


def _refused(kind: str) -> Callable[[Scene], None]:
    """What the gateway says by itself."""

    def act(scene: Scene) -> None:
        scene.tool.refusal = kind
        scene.open("/book/harbor", REFUSALS[kind]["statusCode"])

    return act


def _details(**named: str) -> Callable[[Scene], None]:
    return lambda scene: scene.details(**named)


def _check(**named: str) -> Callable[[Scene], None]:
    return lambda scene: scene.check(**named)


STEPS: Mapping[str, Callable[[Scene], None]] = {
    "providers": _at("/book/harbor"),
    "providers, one paused": _availability("/book/harbor", ("osei",), paused=True),
    "providers, all paused": _availability("/book/harbor", paused=True),
    "visit": _at("/book/harbor/visit?provider=osei"),
    "visit, all paused": _availability("/book/harbor/visit?provider=any", paused=True),
    "visit, anybody": _at("/book/harbor/visit?provider=any"),
    "times": _at("/book/harbor/times?provider=osei&visit_type=new-patient&day=2026-11-24"),
    "times, anybody": _at("/book/harbor/times?provider=any&visit_type=new-patient"),
    "times, later month": _at("/book/harbor/times?provider=osei&visit_type=new-patient&month=2026-12"),
    "times, none in this month": _first_month_is_full,
    "times, by phone only": _at("/book/harbor/times?provider=okafor&visit_type=new-patient"),
    "times, old schedule": _old_schedule,
    "days": _at("/book/harbor/days?provider=osei&visit_type=new-patient"),
    "days, always closed": _availability("/book/harbor/days?provider=osei&visit_type=new-patient", default_weeks=()),
    "days, anybody": _at("/book/harbor/days?provider=any&visit_type=new-patient"),
    "days, errors": _pressed("/book/harbor/days?provider=any&visit_type=new-patient"),
    "who": _at(f"/book/harbor/who?{CHOSEN}"),
    "who, new or not": _at("/book/harbor/who?provider=osei&visit_type=check-up&start=2026-11-24T09:30:00-08:00"),
    "who, errors": _pressed(
        "/book/harbor/who?provider=osei&visit_type=check-up&start=2026-11-24T09:30:00-08:00"
    ),
    "details, me": _details(),
    "details, someone else": _details(whom="other"),
    "details, errors": _errors_in_details,
    "details, someone else, errors": _errors_for_someone_else,
    "details, another time": _details(chosen=DAYS),
    "check": _check(),
    "check, someone else": _check(whom="other"),
    "check, another time": _check(chosen=DAYS),
    "check, no consent": _consent_missing,
    "check, open too long": _token_expired,
    "check, looks like a program": _seen_as_a_program,
    "check, changed after sending": _changed_after_sending,
}  # fmt: skip
ENDS: Mapping[str, Callable[[Scene], None]] = {
    "taken": _taken,
    "no longer offered": _no_longer_offered,
    "change when": _change("/times"),
    "change with": _change("/book/harbor"),
    "change what": _change("/visit"),
    "change who is asking": _change("/who"),
    "change days": _change("/days"),
    "too many wait": _too_many,
    "store down": _store_down,
    "sent": _sent(),
    "sent, no e-mail": _sent(email=""),
    "sent, another time": _days_sent,
    "not there": _at("/book/harbor/visit?provider=nobody", 404),
    "no such practice": _at("/book/nowhere", 404),
    "no such link": _at("/my-request/harbor/nothing", 404),
    "the API, for people": _at("/api"),
    **{f"gateway, {kind}": _refused(kind) for kind in REFUSALS},
}
MINE: Mapping[str, Callable[[Scene], None]] = {
    "waits": _mine(),
    "waits, cancel": _mine("/cancel"),
    "warned": _mine(warned_at=START),
    "cancelled": _mine(state=RequestState.CANCELLED),
    "cancelled, cancel": _mine("/cancel", state=RequestState.CANCELLED),
    "expired": _mine(state=RequestState.EXPIRED),
    "expired, cancel": _mine("/cancel", state=RequestState.EXPIRED),
    "over meanwhile": _cancelled_meanwhile,
    "confirmed": _visit(),
    "confirmed, cancel": _visit("/cancel"),
    "confirmed at another time": _visit(start=START + timedelta(hours=2), end=START + timedelta(hours=3)),
    "asked to cancel": _asked_to_cancel(),
    "asked to cancel, cancel": _asked_to_cancel("/cancel"),
    **{
        str(state): _visit(state=state, raw_state=str(state))
        for state in (AppointmentState.ARRIVED, AppointmentState.COMPLETED, AppointmentState.NO_SHOW,
                      AppointmentState.CANCELLED)
    },
}  # fmt: skip


PICTURES: Mapping[str, Callable[[Scene], None]] = {
    "providers": STEPS["providers"],
    "times": STEPS["times"],
    "check": STEPS["check"],
    "taken": ENDS["taken"],
    "days": STEPS["days"],
    "sent": ENDS["sent"],
}
"""What docs/booking.md shows."""


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="en-US")
    yield context
    context.close()


@pytest.fixture
def scene(context: BrowserContext, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Scene]:
    with serving(tmp_path) as tool:
        page = context.new_page()
        yield Scene(tool, page, request.param)
        page.close()


@pytest.mark.parametrize("accent", ["#ffee00", "#808080", "#0a0a0a"])
@pytest.mark.parametrize("scene", ["en"], indirect=True)
def test_no_colour_of_a_practice_makes_a_page_illegible(scene: Scene, accent: str) -> None:
    scene.tool.world.store.practices.save(a_clinic(accent=accent))
    for state in ("providers", "times", "details, errors", "check", "check, no consent", "sent, no e-mail"):
        ({**STEPS, **ENDS})[state](scene)
        LOOK.look(scene.page, f"{state}, {accent}")
    scene.put(warned_at=START)
    scene.page.reload()
    LOOK.look(scene.page, f"warned, {accent}")


@pytest.mark.parametrize("scene", LANGUAGES, indirect=True)
@pytest.mark.parametrize("state", [*STEPS, *ENDS, *MINE])
def test_nothing_is_wrong_with_a_page(scene: Scene, state: str) -> None:
    ({**STEPS, **ENDS, **MINE})[state](scene)
    expect(scene.page.locator("h1")).to_have_count(1)
    LOOK.look(scene.page, f"{state}, {scene.lang}")


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_of_the_docs(browser: Browser, tmp_path: Path, request: pytest.FixtureRequest, name: str) -> None:
    """With --pictures FOLDER they are drawn anew: booking-NAME.png."""
    folder: Path | None = request.config.getoption("--pictures")
    if folder is None:
        pytest.skip("nobody asks for pictures")
    clinic = a_clinic()
    providers = {one: replace(provider, photo="") for one, provider in clinic.providers.items()}
    context = browser.new_context(
        viewport={"width": 390, "height": 760},
        device_scale_factor=1.5,
        locale="en-US",
        timezone_id="America/Los_Angeles",
    )
    with serving(tmp_path, replace(clinic, providers=providers)) as tool:
        page = context.new_page()
        PICTURES[name](Scene(tool, page, "en"))
        page.wait_for_load_state("networkidle")
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"booking-{name}.png")
    context.close()
