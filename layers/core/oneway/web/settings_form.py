"""Settings ↔ the fields of staff's forms. A field has its setting's name; `seen.` and the name is what the editor began with."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from ..domain.practice_settings import BOUNDS, Value, field_of, text_of, value_of
from ..domain.practices import Practice, VisitType

ADDRESSES, FLAG, COLOUR, NUMBER, OPTIONAL = "addresses", "flag", "colour", "number", "optional"
_MOST_DIGITS = 6


class Field(Struct, frozen=True):
    """A field of a form: the setting's name, how it is asked for, what stands in it, what the editor began with.

    `code` says what is wrong with it, `locked` why it cannot be changed; both are keys of the portal's words.
    """

    name: str
    kind: str
    text: str
    seen: str
    code: str = ""
    locked: str = ""

    @property
    def id(self) -> str:
        """Its id in the page."""
        return self.name.replace(".", "-")

    @property
    def what(self) -> str:
        """What it is, without whose."""
        return field_of(self.name)

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the most that it may be, of a number."""
        return BOUNDS.get(self.what, (0, 0))


def kind_of(name: str) -> str:
    """How a setting is asked for."""
    if name.startswith("messages."):
        return FLAG
    return {"recipients": ADDRESSES, "accent": COLOUR, "daily_maximum": OPTIONAL}.get(field_of(name), NUMBER)


def shown_fields(practice: Practice, names: Iterable[str]) -> list[Field]:
    """The fields of settings as they are."""
    return [_field(practice, name) for name in names]


def typed_fields(
    practice: Practice,
    names: Iterable[str],
    form: Mapping[str, str],
    codes: Mapping[str, str],
    *,
    renewed: bool = False,
) -> list[Field]:
    """The fields as they were typed, with what is wrong; `renewed`: the editor begins with what is there now."""
    found = []
    for name in names:
        field = _field(practice, name)
        typed = form.get(name, "no" if field.kind == FLAG else "")
        text = field.text if field.locked else typed
        seen = field.seen if renewed else form.get(f"seen.{name}", "")
        found.append(Field(name, field.kind, text, seen, codes.get(name, ""), field.locked))
    return found


def typed_values(
    practice: Practice, names: Iterable[str], form: Mapping[str, str]
) -> tuple[dict[str, Value], dict[str, str]]:
    """The values that were typed, and codes of what cannot be read, both by name. What is locked is left out."""
    values, wrong = dict[str, Value](), dict[str, str]()
    for name in names:
        if _field(practice, name).locked:
            continue
        kind, text = kind_of(name), form.get(name, "").strip()
        if kind == FLAG:
            values[name] = text == "yes"
        elif kind == ADDRESSES:
            words = text.replace(",", " ").replace(";", " ").split()
            values[name] = tuple(dict.fromkeys(words))
        elif kind == COLOUR:
            values[name] = text.lower()
        elif kind == OPTIONAL and not text:
            values[name] = None
        elif _is_number(text):
            values[name] = int(text)
        else:
            wrong[name] = "number"
    return values, wrong


def typed_visit_type(identifier: str, form: Mapping[str, str], languages: Iterable[str]) -> VisitType:
    """The visit type that was typed; minutes that cannot be read are 0, which no visit takes."""
    minutes = form.get("minutes", "").strip()
    names = {code: text for code in languages if (text := form.get(f"name.{code}", "").strip())}
    return VisitType(
        identifier,
        form.get("name", "").strip(),
        int(minutes) if _is_number(minutes) else 0,
        "new" in form,
        "returning" in form,
        names,
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS


def _field(practice: Practice, name: str) -> Field:
    value = value_of(practice, name)
    text, locked = text_of(value), ""
    if field_of(name) == "split":
        provider = practice.providers[name.split(".")[1]]
        source = practice.sources.get(provider.source_id or "")
        locked = "split_not_possible" if source and not source.split_booking else ""
    shown = text.replace(", ", "\n") if kind_of(name) == ADDRESSES else text
    return Field(name, kind_of(name), shown, text, locked=locked)
