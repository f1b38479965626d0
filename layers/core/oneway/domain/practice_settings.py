"""The settings that staff may change, each by its name: what it is, what it may be, and what becomes of it (product section 7).

A name is where the setting stands in the practice file: "horizon_days", "messages.cancelled", "providers.osei.split",
"visit_types.follow-up". An operator's file and staff's forms write the same settings under the same bounds; whose word stands is
decided here, setting by setting (ADR 0021).
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import fields, replace

from .addresses import AddressFault, fault_in
from .errors import FieldProblem, InvalidInput, SettingsChangedMeanwhile
from .practice_events import PracticeEvent, PracticeHappening
from .practices import Limits, Practice, Provider, StaffEdit, Switches, VisitType

Value = int | bool | str | tuple[str, ...] | VisitType | None

BOUNDS: Mapping[str, tuple[int, int]] = {
    "minimum_notice_minutes": (0, 60 * 24 * 60),
    "horizon_days": (1, 365),
    "pending_per_person": (1, 100),
    "pending_per_contact": (1, 100),
    "split": (1, 20),
    "step_minutes": (5, 240),
    "buffer_before_minutes": (0, 120),
    "buffer_after_minutes": (0, 120),
    "daily_maximum": (1, 200),
    "minutes": (5, 720),
}
"""The least and the most that a number may be, by its field."""
LONGEST_TEXT = 200
LONGEST_ID = 40
MOST_RECIPIENTS = 20
MOST_VISIT_TYPES = 100
_OWN = ("recipients", "minimum_notice_minutes", "horizon_days", "accent")
_OF_PROVIDER = (
    "recipients", "split", "buffer_before_minutes", "buffer_after_minutes", "daily_maximum", "visit_type_ids"
)  # fmt: skip
_GROUPS: Mapping[str, tuple[str, type]] = {"messages": ("switches", Switches), "limits": ("limits", Limits)}
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_ADDRESS = {AddressFault.NO_ADDRESS: "email", AddressFault.LETTERS: "email_letters"}
_COLOUR = re.compile(r"#[0-9a-f]{6}")


class Kept(Struct, frozen=True):
    """A setting that stays as staff left it, though the file says `said`; `new`: it says so for the first time."""

    name: str
    edit: StaffEdit
    value: str
    said: str
    new: bool


def is_id(text: str) -> bool:
    """Whether a text can be an id: small letters, digits and single hyphens."""
    return bool(_ID.fullmatch(text)) and len(text) <= LONGEST_ID


def names_of(practice: Practice) -> Iterator[str]:
    """The names of a practice's settings."""
    yield from _OWN
    for group, (_, kind) in _GROUPS.items():
        yield from (f"{group}.{one.name}" for one in fields(kind))
    yield from (f"visit_types.{one}" for one in practice.visit_types)
    yield from (f"providers.{one}.{name}" for one in practice.providers for name in _OF_PROVIDER)


def field_of(name: str) -> str:
    """What a setting is, without whose: "split"; "visit_type" of a whole visit type."""
    return "visit_type" if name.startswith("visit_types.") else name.rpartition(".")[2]


def provider_of(name: str) -> str:
    """Whose setting it is; empty for the practice's own."""
    return name.split(".")[1] if name.startswith("providers.") else ""


def value_of(practice: Practice, name: str) -> Value:
    """A setting's value; None if it is not there."""
    match name.split("."):
        case ["visit_types", identifier]:
            return practice.visit_types.get(identifier)
        case ["providers", identifier, field]:
            return getattr(practice.providers.get(identifier), field, None)
        case [group, field] if group in _GROUPS:
            return getattr(getattr(practice, _GROUPS[group][0]), field)  # type: ignore[no-any-return]
    return getattr(practice, name)  # type: ignore[no-any-return]


def with_value(practice: Practice, name: str, value: Any) -> Practice:
    """The practice with a setting; what is of a provider that there is not stays away."""
    match name.split("."):
        case ["visit_types", identifier]:
            others = {i: one for i, one in practice.visit_types.items() if i != identifier}
            return replace(
                practice, visit_types=others if value is None else {**practice.visit_types, identifier: value}
            )
        case ["providers", identifier, field]:
            if identifier not in practice.providers:
                return practice
            provider = replace(practice.providers[identifier], **{field: value})
            return replace(practice, providers={**practice.providers, identifier: provider})
        case [group, field] if group in _GROUPS:
            whole = _GROUPS[group][0]
            return replace(practice, **{whole: replace(getattr(practice, whole), **{field: value})})
    return replace(practice, **{name: value})


def text_of(value: Value) -> str:
    """A value as a text by which it is known again; empty if there is none."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ", ".join(value)
        case VisitType():
            said = {one.name: getattr(value, one.name) for one in fields(value)} | {"names": dict(value.names)}
            return json.dumps(said, ensure_ascii=False, sort_keys=True)
    return str(value)


def visit_type_of(text: str) -> VisitType | None:
    """The visit type that `text_of` wrote, perhaps long ago; None of an empty text."""
    known = {one.name for one in fields(VisitType)}
    return VisitType(**{name: one for name, one in json.loads(text).items() if name in known}) if text else None


def changed(
    before: Practice, seen: Mapping[str, str], wanted: Mapping[str, Value], who: str, now: datetime
) -> tuple[Practice, Sequence[PracticeEvent]]:
    """A practice after an edit, with an entry of the timeline for each setting that is another now.

    `seen` are the texts of what the editor began with. What the editor left alone stays as it is now, whoever changed it; what
    somebody else changed meanwhile is not overwritten. Raises SettingsChangedMeanwhile, InvalidInput.
    """
    mine = {name: value for name, value in wanted.items() if text_of(value) != seen[name]}
    lost = [name for name in mine if text_of(value_of(before, name)) not in (seen[name], text_of(mine[name]))]
    if lost:
        edit = before.edits.get(lost[0])
        raise SettingsChangedMeanwhile(edit.by if edit else "", edit.at if edit else None, lost)
    after = before
    for name, value in mine.items():
        after = with_value(after, name, value)
    if problems := problems_of(after, mine):
        raise InvalidInput(problems)
    events = _told(before, after, mine, who, now)
    edits = {
        event.setting: StaffEdit(
            who, now, before.edits[event.setting].said if event.setting in before.edits else event.before
        )
        for event in events
    }
    return replace(after, edits={**before.edits, **edits}), events


def problems_of(practice: Practice, names: Iterable[str]) -> list[FieldProblem]:
    """What is wrong with settings of a practice: pointers are their names, codes those of the portal's words."""
    return [
        FieldProblem(f"/{name.replace('.', '/')}", code, f"{field_of(name)}: {code}")
        for name in names
        for code in _all_wrong(practice, name, value_of(practice, name))
    ]


def _all_wrong(practice: Practice, name: str, value: Value) -> Sequence[str]:
    if isinstance(value, VisitType):
        return _wrong_visit_type(practice, value)
    code = _wrong(practice, name, value)
    return (code,) if code else ()


def _wrong(practice: Practice, name: str, value: Value) -> str:
    match field_of(name), value:
        case "recipients", tuple():
            if not value and not provider_of(name):
                return "required"
            if len(value) > MOST_RECIPIENTS:
                return "too_many"
            return next((_ADDRESS[fault] for one in value if (fault := fault_in(one))), "")
        case "accent", str():
            return "" if _COLOUR.fullmatch(value) else "colour"
        case "split", int() if value > 1 and not _may_split(practice, practice.providers[provider_of(name)]):
            return "split_not_possible"
        case "visit_type_ids", tuple():
            if not set(value) <= practice.visit_types.keys():
                return "not_a_choice"
            return "" if value else "last_visit_type"
        case field, int() if field in BOUNDS and not isinstance(value, bool):
            least, most = BOUNDS[field]
            return "" if least <= value <= most else "range"
    return ""


def _wrong_visit_type(practice: Practice, value: VisitType) -> Sequence[str]:
    least, most = BOUNDS["minutes"]
    rules = {
        "name_required": bool(value.name.strip()) and is_id(value.id),
        "too_long": all(len(one) <= LONGEST_TEXT and one.isprintable() for one in (value.name, *value.names.values())),
        "range": least <= value.minutes <= most,
        "for_whom": value.for_new_patients or value.for_returning_patients,
        "too_many": len(practice.visit_types) <= MOST_VISIT_TYPES,
    }
    return [code for code, kept in rules.items() if not kept]


def _may_split(practice: Practice, provider: Provider) -> bool:
    source = practice.sources.get(provider.source_id or "")
    return source is None or source.split_booking


def visit_type_ids(practice: Practice) -> set[str]:
    """The ids of its visit types, and of those that staff changed and a file took out."""
    kind = "visit_types."
    return {*practice.visit_types, *(name.removeprefix(kind) for name in practice.edits if name.startswith(kind))}


def new_visit_type_id(known: Collection[str], name: str) -> str:
    """An id that is none of those `known`, from the name of a new visit type."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[: LONGEST_ID - 4].strip("-") or "visit"
    return next(one for one in (plain, *(f"{plain}-{n}" for n in range(2, 1000))) if one not in known)


def applied(stored: Practice | None, said: Practice, *, overwrite: bool = False) -> tuple[Practice, Sequence[Kept]]:
    """What an operator's file makes of a practice, and what stays as staff left it.

    A file speaks of a setting once: what staff changed afterwards stays, also where the file says something new (`new`: then
    both have changed), unless it is to be overwritten. Where the file says what staff chose, it is the file's again.
    """
    if stored is None:
        return said, ()
    after, kept, edits = said, list[Kept](), dict[str, StaffEdit]()
    for name, edit in stored.edits.items():
        if provider_of(name) and provider_of(name) not in said.providers:
            continue
        ours, theirs = text_of(value_of(stored, name)), text_of(value_of(said, name))
        if ours == theirs or (overwrite and theirs != edit.said):
            continue
        after, edits[name] = with_value(after, name, value_of(stored, name)), edit
        kept.append(Kept(name, edit, ours, theirs, theirs != edit.said))
    return replace(_whole(after, said), edits=edits), kept


def _whole(after: Practice, said: Practice) -> Practice:
    """Every provider with visit types that there are: staff may have chosen one that the file took away since."""
    for identifier, provider in after.providers.items():
        known = tuple(one for one in provider.visit_type_ids if one in after.visit_types)
        if known != provider.visit_type_ids:
            left = known or tuple(one for one in said.providers[identifier].visit_type_ids if one in after.visit_types)
            after = with_value(after, f"providers.{identifier}.visit_type_ids", left)
    return after


def told_of_file(before: Practice, after: Practice, now: datetime) -> Sequence[PracticeEvent]:
    """The entries of the timeline for what an operator's file changes."""
    names = dict.fromkeys((*names_of(before), *names_of(after)))
    of_both = [
        one
        for one in names
        if not provider_of(one) or provider_of(one) in before.providers.keys() & after.providers.keys()
    ]
    return _told(before, after, of_both, "", now)


def _told(before: Practice, after: Practice, names: Iterable[str], who: str, now: datetime) -> Sequence[PracticeEvent]:
    both = ((name, text_of(value_of(before, name)), text_of(value_of(after, name))) for name in names)
    return [
        PracticeEvent(
            f"settings~{before.version + 1}~{name}",
            now,
            who,
            PracticeHappening.SETTING_CHANGED,
            provider_of(name),
            setting=name,
            before=was,
            after=now_is,
        )
        for name, was, now_is in both
        if was != now_is
    ]
