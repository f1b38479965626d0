"""A store, or a source, on a stage: each call is a step, at which somebody can be stopped, or die. Time passes with each."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Condition, Thread, current_thread
from typing import Any

from tests.fakes.store import FakeClock, FakeStore

REPOSITORIES = {
    "practices",
    "requests",
    "messages",
    "calendar",
    "appointments",
    "feeds",
    "ledger",
    "pending",
    "notices",
    "suppressions",
}


class Killed(BaseException):
    """The process ended here."""


@dataclass
class Stage:
    """Lets one thread run at a time, and stops it before a step of its own."""

    clock: FakeClock
    steps: dict[str, int] = field(default_factory=dict)
    calls: dict[str, list[str]] = field(default_factory=dict)
    stops: dict[str, int] = field(default_factory=dict)
    deaths: dict[str, int] = field(default_factory=dict)
    turn: str = ""
    turned: Condition = field(default_factory=Condition)

    def step(self, call: str = "") -> None:
        """Called before each call of the store."""
        name = current_thread().name
        self.calls.setdefault(name, []).append(call)
        self.clock.advance(milliseconds=1)
        self.steps[name] = self.steps.get(name, 0) + 1
        if self.deaths.get(name) == self.steps[name]:
            raise Killed
        if self.stops.get(name) == self.steps[name]:
            self._pass_on()
            self._wait(name)

    def play(self, name: str, act: Callable[[], object]) -> Thread:
        """Begin to act when it is this one's turn, and pass the turn on at the end."""

        def run() -> None:
            self._wait(name)
            try:
                act()
            except Killed:
                pass
            finally:
                self._pass_on()

        thread = Thread(target=run, name=name, daemon=True)
        thread.start()
        return thread

    def give(self, name: str) -> None:
        """Let one act, until it stops or ends."""
        with self.turned:
            self.turn = name
            self.turned.notify_all()
            assert self.turned.wait_for(lambda: not self.turn, timeout=20)

    def _wait(self, name: str) -> None:
        with self.turned:
            assert self.turned.wait_for(lambda: self.turn == name, timeout=20)

    def _pass_on(self) -> None:
        with self.turned:
            self.turn = ""
            self.turned.notify_all()


@dataclass
class Watched:
    """A repository whose every call is a step."""

    inner: Any
    stage: Stage

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if not callable(found):
            return found

        def step(*arguments: Any, **named: Any) -> Any:
            self.stage.step(name)
            return found(*arguments, **named)

        return step


class WatchedStore(FakeStore):
    """A store on a stage; none until the world is built."""

    stage: Stage | None = None

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        return Watched(found, self.stage) if name in REPOSITORIES and super().__getattribute__("stage") else found
