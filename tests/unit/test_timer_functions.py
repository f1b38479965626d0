"""What the functions of each minute count."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from tests.unit import emf


@pytest.mark.parametrize(
    ("name", "made", "counted"),
    [
        ("plan_syncs", lambda minute: 7, {"FeedsPlanned": ("Count", [7])}),
        (
            "run_timers",
            lambda: SimpleNamespace(swept=2, expired=1),
            {"MessagesSwept": ("Count", [2]), "RequestsExpired": ("Count", [1])},
        ),
    ],
)
def test_a_minute_is_counted(
    name: str,
    made: Callable[..., object],
    counted: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    function = emf.load(name, monkeypatch)
    setattr(function, name, made)
    function.handler({}, None)
    (line,) = emf.lines(capsys.readouterr().out)

    assert line == emf.Line(emf.NAMESPACE, {"service": name}, counted, {})


def test_a_minute_in_which_nothing_happened_is_not_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    function = emf.load("run_timers", monkeypatch)
    function.run_timers = lambda: SimpleNamespace(swept=0, expired=0)  # type: ignore[attr-defined]
    function.handler({}, None)

    assert capsys.readouterr().out == ""
