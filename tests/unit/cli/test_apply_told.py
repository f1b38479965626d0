"""What `oneway apply` tells of settings that staff changed: both values, who, when, and how to take the file's."""

from io import StringIO
from types import SimpleNamespace
from typing import Any, cast

from oneway.use_cases.apply_practice import Fate, PartReport
from rich.console import Console

from cli import apply as applying
from tests.builders import NOW, a_practice


def told(*parts: PartReport) -> str:
    out = Console(file=StringIO(), width=200, no_color=True)
    file, stack = SimpleNamespace(practice=a_practice()), SimpleNamespace(name="oneway")
    applying._show(out, cast(Any, file), cast(Any, stack), list(parts), "Would apply")
    return cast(StringIO, out.file).getvalue()


def test_of_a_setting_of_which_both_say_something_new() -> None:
    text = told(PartReport("settings", "horizon_days", Fate.KEPT, ("30", "60"), "nadia@harbor.example", NOW))
    for part in ("! setting horizon_days kept", "as nadia@harbor.example left it on 2026-11-23 18:00 UTC",
                 "30 (the file: 60)", "--overwrite-settings takes the file's", "0 unchanged"):  # fmt: skip
        assert part in text, part


def test_of_a_setting_that_stays_because_the_file_says_nothing_new() -> None:
    text = told(PartReport("settings", "accent", Fate.UNCHANGED, ("#884400", ""), "nadia@harbor.example", NOW))
    assert "= setting accent stays as nadia@harbor.example left it" in text
    assert "#884400 (the file: nothing)" in text


def test_of_a_calendar_as_before() -> None:
    text = told(PartReport("calendars", "osei", Fate.KEPT, (), "nadia@harbor.example", NOW))
    assert "! calendar osei kept as nadia@harbor.example left it" in text
    assert "--overwrite-calendars takes the file's" in text
