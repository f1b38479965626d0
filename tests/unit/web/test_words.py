"""Every word that pages and messages say exists in every language, with the same blanks to fill in."""

import re
import string
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest
from oneway.domain.appointments import AppointmentState, WhyAside
from oneway.domain.evidence import How, Verdict
from oneway.domain.explaining import Why
from oneway.domain.messages import Delivery, MessageKind, MessageState, needs_call
from oneway.domain.messages import Why as NotReached
from oneway.domain.possible_matches import PossibleMatchKind
from oneway.domain.practice_events import PracticeHappening
from oneway.domain.requests import ActorKind, Happening, RequestState
from oneway.domain.slots import Closed
from oneway.faults import SourceError
from oneway.languages import LANGUAGES, mail_words, portal_words, words
from oneway.use_cases.preview_cancel import Follows
from oneway.use_cases.request_form import DETAILS
from oneway.use_cases.show_integration import FeedCondition, Progress
from oneway.web.forms import POINTERS
from oneway.web.problems import PROBLEMS

ROOT = Path(__file__).parents[3]
TEMPLATES = [*ROOT.glob("functions/*/pages/*.html"), *ROOT.glob("layers/core/oneway/web/pages/*.html")]
SAID = re.compile(r"""\bt\(\s*"([a-z_.]+)"\s*[,)]""")


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("of", [words, portal_words, mail_words])
def test_all_languages_say_the_same(of: Callable[[str], Mapping[str, str]]) -> None:
    english = of("en")
    for language in LANGUAGES:
        found = of(language)
        assert found.keys() == english.keys()
        for key, text in found.items():
            assert blanks(text) == blanks(english[key]), f"{language}: {key}"
            assert text.strip() == text
            assert text


def test_all_words_of_the_templates_exist() -> None:
    for template in TEMPLATES:
        known = (portal_words if "portal" in template.parts else words)("en")
        for key in SAID.findall(template.read_text("utf-8")):
            assert key in known or f"{key}.one" in known, f"{template.name}: {key}"


ANSWERED_OTHERWISE = {"not-json", "slot-taken", "slot-not-offered"}
"""Only the API reads JSON; a time that is gone has a page of its own (taken.html)."""


@pytest.mark.parametrize(
    "word", sorted({problem.word for problem in PROBLEMS.values()} - ANSWERED_OTHERWISE | {"unexpected"})
)
def test_every_error_has_a_page(word: str) -> None:
    assert {f"error.{word}.title", f"error.{word}.text"} <= words("en").keys()


@pytest.mark.parametrize("code", DETAILS)
def test_every_problem_of_a_field_has_words(code: str) -> None:
    assert f"problem.{code}" in words("en")


@pytest.mark.parametrize("field", sorted(set(POINTERS.values())))
def test_every_field_has_a_name(field: str) -> None:
    assert f"field.{field}" in words("en")


@pytest.mark.parametrize("state", [*RequestState, *AppointmentState])
def test_every_state_has_words(state: str) -> None:
    if state != RequestState.LINKED:
        for kind in ("state", "staff_state", "my.headline"):
            assert f"{kind}.{state}" in portal_words("en"), kind


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("event", Happening),
        ("actor", ActorKind),
        ("message", [kind for kind in MessageKind if not kind.of_practice]),
        ("message_why", NotReached),
        ("delivery", [one for one in Delivery if one]),
        ("tell", [kind for kind in MessageKind if needs_call(kind, NotReached.BOUNCED)]),
        ("closed", Closed),
        ("practice_event", PracticeHappening),
        ("message_state", MessageState),
        ("why", Why),
        ("match_kind", PossibleMatchKind),
        ("match_verdict", Verdict),
        ("match_how", How),
        ("fault_do", [fault.word for fault in SourceError.__subclasses__()]),
        ("condition", FeedCondition),
        ("sync", [Progress.ASKED, Progress.READING, Progress.LOST, Progress.UNENDED]),
        ("follows", Follows),
        ("aside", [one.name.lower() for one in WhyAside]),
        ("broken", [fault.word for fault in SourceError.__subclasses__()]),
    ],
)
def test_every_entry_has_words(kind: str, names: Iterable[str]) -> None:
    assert {f"{kind}.{name}" for name in names} <= portal_words("en").keys()
