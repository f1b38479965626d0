"""A YAML document read by hand, so that every problem names its line and what to write instead.

The composed node tree is walked (not the constructed objects): it keeps positions, and lets one run report everything.
A getter that finds a problem notes it and returns an empty value of its type, so that reading goes on; whoever reads must
not use what came out while `problems` holds any.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

_BOOLEAN = "tag:yaml.org,2002:bool"
_NULL = "tag:yaml.org,2002:null"
LONGEST_TEXT = 200
_MOST_DIGITS = 9
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ALIKE = 0.6


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong at a place of a file (counted from 1), and what to write instead."""

    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: line and column counted from 1, `path` as people name it ("providers.osei.hours")."""

    line: int
    column: int
    path: str


@dataclass(slots=True)
class Problems:
    """Everything that is wrong with a document so far."""

    found: list[Problem] = field(default_factory=list)

    def add(self, place: Place, message: str) -> None:
        """Note a problem."""
        text = f"{place.path}: {message}" if place.path else message
        problem = Problem(place.line, place.column, text)
        if problem not in self.found:
            self.found.append(problem)

    def unknown(self, place: Place, what: str, word: str, allowed: Sequence[str]) -> None:
        """Note a word that is none of those allowed."""
        self.add(place, f'there is no {what} "{shortened(word)}". {suggestion(word, allowed)}')


def shortened(text: str, longest: int = 60) -> str:
    """A text that fits into a message."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def suggestion(word: str, allowed: Sequence[str]) -> str:
    """What may have been meant, and everything that can stand here."""
    if not allowed:
        return "There are none."
    close = get_close_matches(word.lower(), allowed, n=1, cutoff=_ALIKE)
    meant = f'Did you mean "{close[0]}"? ' if close else ""
    return f"{meant}Possible: {', '.join(dict.fromkeys(allowed))}."


def compose(text: str, problems: Problems) -> "Fields | None":
    """The fields of a document's root; None if the text is no YAML mapping."""
    start = Place(1, 1, "")
    try:
        yaml = YAML(typ="safe", pure=True)
        root = yaml.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1, "") if mark else start
        problems.add(place, f"this is not YAML: {error.problem or error.context or 'it cannot be read'}.")
        return None
    except YAMLError as error:
        problems.add(start, f"this is not YAML: {str(error).splitlines()[0]}.")
        return None
    except RecursionError:
        problems.add(start, "this is nested too deeply.")
        return None
    if root is None:
        problems.add(start, "the file is empty. docs/practice-file.md shows a whole one.")
        return None
    if not isinstance(root, MappingNode):
        problems.add(_place(root, ""), 'write settings as "name: value" lines.')
        return None
    return Fields(root, "", problems)


class Item:
    """One value of a document: a scalar that can be read as text, number and so on."""

    def __init__(self, node: Node, path: str, problems: Problems) -> None:
        self._node = node
        self._problems = problems
        self.place = _place(node, path)

    def wrong(self, message: str) -> None:
        """Note a problem with this value."""
        self._problems.add(self.place, message)

    def text(self, longest: int = LONGEST_TEXT, example: str = "") -> str:
        """A text of one line, without white space around it."""
        hint = f" Write for example: {example}" if example else ""
        if not isinstance(self._node, ScalarNode) or self._node.tag == _BOOLEAN:
            self.wrong(f"write a text here{', in quotes' if isinstance(self._node, ScalarNode) else ''}.{hint}")
            return ""
        text = " ".join(str(self._node.value).split())
        if not text or self._node.tag == _NULL:
            self.wrong(f"this is empty.{hint}")
            return ""
        if len(text) > longest:
            self.wrong(f"this is too long: {len(text)} characters, at most {longest}.")
            return ""
        if not text.isprintable():
            self.wrong("this holds characters that cannot be printed.")
            return ""
        return text

    @property
    def is_scalar(self) -> bool:
        """Whether it is a single value, not a list or a mapping."""
        return isinstance(self._node, ScalarNode)

    def day(self) -> date | None:
        """A date."""
        text = self.text(example="2026-12-24")
        try:
            if text and not _DATE.fullmatch(text):
                raise ValueError
            return date.fromisoformat(text) if text else None
        except ValueError:
            self.wrong(f'"{shortened(text, 20)}" is no date. Write year, month and day such as 2026-12-24.')
            return None

    def number(self, least: int, most: int) -> int:
        """A whole number in [least, most]."""
        raw = str(self._node.value) if isinstance(self._node, ScalarNode) else ""
        if raw.isascii() and raw.isdigit() and len(raw) <= _MOST_DIGITS and least <= int(raw) <= most:
            return int(raw)
        self.wrong(f"write a whole number from {least} to {most}.")
        return 0

    def flag(self) -> bool:
        """true or false."""
        if isinstance(self._node, ScalarNode) and self._node.tag == _BOOLEAN:
            return str(self._node.value).lower() == "true"
        self.wrong("write true or false.")
        return False

    def choice(self, what: str, allowed: Sequence[str]) -> str:
        """One of some words."""
        word = self.text()
        if word and word not in allowed:
            self._problems.unknown(self.place, what, word, allowed)
            return ""
        return word

    def items(self) -> "list[Item]":
        """The values of a list; a single value stands for a list of one."""
        if isinstance(self._node, SequenceNode):
            path = self.place.path
            return [Item(node, path, self._problems) for node in self._node.value]
        if isinstance(self._node, ScalarNode) and self._node.tag != _NULL:
            return [self]
        self.wrong("write a list here, such as [one, two].")
        return []

    def fields(self, example: str = "") -> "Fields":
        """The fields of a mapping (none, if it is no mapping)."""
        if isinstance(self._node, MappingNode):
            return Fields(self._node, self.place.path, self._problems)
        hint = f", such as {example}" if example else ""
        self.wrong(f'write "name: value" lines here{hint}.')
        empty = MappingNode("tag:yaml.org,2002:map", [], self._node.start_mark, self._node.end_mark)
        return Fields(empty, self.place.path, self._problems, ignored=True)


class Fields:
    """A mapping of a document. Whoever reads it calls `done` at the end: what nobody asked for is unknown."""

    def __init__(self, node: MappingNode, path: str, problems: Problems, *, ignored: bool = False) -> None:
        self.place = _place(node, path)
        self.problems = problems
        self._ignored = ignored
        self._asked: list[str] = []
        self._missing: dict[str, str] = {}
        self._keys: dict[str, Place] = {}
        self._items: dict[str, Item] = {}
        for key, value in node.value:
            self._take(key, value, path)

    def _take(self, key: Node, value: Node, path: str) -> None:
        if not isinstance(key, ScalarNode):
            self.problems.add(_place(key, path), "write a plain name before the colon.")
            return
        name = str(key.value)
        inner = f"{path}.{shortened(name)}" if path else shortened(name)
        place = _place(key, inner)
        if name in self._keys:
            self.problems.add(place, f"this stands twice; first in line {self._keys[name].line}.")
            return
        self._keys[name] = place
        self._items[name] = Item(value, inner, self.problems)
        if isinstance(value, ScalarNode) and not value.value and not value.style:
            self._items[name].place = place  # an empty value has no place of its own: its mark is the next token's

    def get(self, name: str) -> Item | None:
        """The value of a field, if it is there."""
        self._asked.append(name)
        return self._items.get(name)

    def need(self, name: str, example: str = "") -> Item | None:
        """The value of a field that must be there."""
        item = self.get(name)
        if item is None and not self._ignored:
            self._missing[name] = f" Write for example: {example}" if example else ""
        return item

    def text(self, name: str, example: str, longest: int = LONGEST_TEXT) -> str:
        """The text of a field that must be there."""
        item = self.need(name, example)
        return item.text(longest, example) if item else ""

    def optional_text(self, name: str, default: str = "", longest: int = LONGEST_TEXT) -> str:
        """The text of a field, or a default."""
        item = self.get(name)
        return item.text(longest) if item else default

    def optional_number(self, name: str, default: int, least: int, most: int) -> int:
        """The number of a field, or a default."""
        item = self.get(name)
        return item.number(least, most) if item else default

    def optional_flag(self, name: str, default: bool) -> bool:
        """The flag of a field, or a default."""
        item = self.get(name)
        return item.flag() if item else default

    def optional_choice(self, name: str, what: str, allowed: Sequence[str], default: str) -> str:
        """One of some words, or a default."""
        item = self.get(name)
        return item.choice(what, allowed) if item else default

    def entries(self) -> Iterator[tuple[str, Place, Item]]:
        """All fields, where the names are the reader's own: name, where the name stands, value."""
        self._asked.extend(self._items)
        for name, item in self._items.items():
            yield name, self._keys[name], item

    def done(self) -> None:
        """Note every field that nobody asked for, and every one that is missing; a mistyped name is told once."""
        known = list(dict.fromkeys(self._asked))
        absent = [name for name in known if name not in self._items]
        for name in self._items.keys() - set(known):
            meant = get_close_matches(name.lower(), absent, n=1, cutoff=_ALIKE)
            message = f"there is no such setting here. {suggestion(name, known)}"
            self.problems.add(self._keys[name], message)
            for one in meant:
                self._missing.pop(one, None)
        for name, example in self._missing.items():
            self.problems.add(self.place, f'"{name}" is missing.{example}')


def each(item: Item | None, read: Callable[[Item], Any]) -> list[Any]:
    """What reading each value of a list gives."""
    return [read(one) for one in item.items()] if item else []


def _place(node: Node, path: str) -> Place:
    mark = node.start_mark
    return Place(mark.line + 1, mark.column + 1, path)
