"""What the functions of each minute count."""

from collections.abc import Callable

import pytest
from oneway.use_cases.run_timers import TimersRun

from tests.unit import emf


@pytest.mark.parametrize(
    ("name", "made", "counted"),
    [
        ("plan_syncs", lambda minute: 7, {"FeedsPlanned": ("Count", [7])}),
        (
            "run_timers",
            lambda: TimersRun(2, 1),
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
    function.run_timers = lambda: TimersRun(0, 0)  # type: ignore[attr-defined]
    function.handler({}, None)

    assert capsys.readouterr().out == ""


def test_what_broke_is_logged_without_its_text_and_shows_as_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    function = emf.load("run_timers", monkeypatch)
    function.run_timers = lambda: TimersRun(0, 0, broke=(KeyError("Maria"),))  # type: ignore[attr-defined]
    with pytest.raises(KeyError):
        function.handler({}, None)
    logged = capsys.readouterr().err

    assert "KeyError" in logged
    assert "Maria" not in logged
