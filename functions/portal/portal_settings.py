"""Settings of daily life: messages, booking, providers, visit types, branding; and the timeline of the practice."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from chalice.app import Response
from msgspec.structs import replace
from oneway.colours import contrast, is_colour, legible_on, readable_on
from oneway.domain.clock_time import zone_of
from oneway.domain.errors import InvalidInput, NotFound, SettingsChangedMeanwhile
from oneway.domain.practice_events import EventPlace, PracticeEvent, PracticeHappening
from oneway.domain.practice_settings import (
    BOUNDS,
    field_of,
    names_of,
    text_of,
    value_of,
    visit_type_ids,
    visit_type_of,
)
from oneway.domain.practices import Practice, VisitType
from oneway.languages import LANGUAGES, formats, portal_words
from oneway.ports import Session
from oneway.use_cases.show_settings import SettingsView
from oneway.web.answers import form_body, redirect
from oneway.web.pages import DARK, LIGHT, speaker
from oneway.web.settings_form import Field, shown_fields, typed_fields, typed_values, typed_visit_type
from portal_app import FORMS, app, asked, changing, language_of, pages, portal, show, signed_in, to

PARTS: Mapping[str, Callable[[str], bool]] = {
    "messages": lambda name: name == "recipients" or name.startswith("messages."),
    "booking": lambda name: name in ("minimum_notice_minutes", "horizon_days") or name.startswith("limits."),
    "branding": lambda name: name == "accent",
}
"""The parts of a practice's own settings that are edited together."""
NEW = "_new"
"""Stands for a visit type that there is not yet; no id has a "_"."""
_LONGEST_ID = 200
"""An entry's id is not longer."""
_USED_AGAIN: Mapping[PracticeHappening | None, str] = {
    PracticeHappening.STAFF_ADDRESS_AGAIN: "address",
    PracticeHappening.STAFF_MAIL_SEEN: "mail_seen",
    None: "gone",
}
"""What the page says of it."""


@app.route("/portal/{practice}/settings")
@signed_in
def show_settings(session: Session, practice: str) -> Response:
    """All settings as they are, with the way to change them."""
    found = portal().show_settings(practice, session.email)
    parts = {part: [one for one in names_of(found.practice) if belongs(one)] for part, belongs in PARTS.items()}
    staff_mail = portal().stopped_staff_mail(found.practice)
    return _show("settings.html", session, found, parts=parts, staff_mail=staff_mail)


@app.route("/portal/{practice}/settings/history")
@signed_in
def show_history(session: Session, practice: str) -> Response:
    """The timeline of the practice, newest first."""
    found = portal().show_settings.history(practice, session.email, _place(asked()))
    return _show("settings_history.html", session, found)


@app.route("/portal/{practice}/settings/test-message", methods=["POST"], content_types=FORMS)
@changing
def send_test_message(session: Session, practice: str) -> Response:
    """Have a test sent to the practice's recipients."""
    portal().send_test_by_staff(practice, session.email)
    return to(practice, "settings", done="test_sent")


@app.route("/portal/{practice}/settings/use-address", methods=["POST"], content_types=FORMS)
@signed_in
def use_staff_address_again(session: Session, practice: str) -> Response:
    """Mail to one of staff's own addresses arrives again, or is wanted again."""
    address = form_body(app.current_request).get("address", "")
    return to(
        practice, "settings", done=_USED_AGAIN[portal().use_staff_address_again(practice, session.email, address)]
    )


@app.route("/portal/{practice}/settings/{part}")
@signed_in
def show_part(session: Session, practice: str, part: str) -> Response:
    """A part of the practice's own settings, to be edited."""
    found = portal().show_settings(practice, session.email)
    fields = shown_fields(found.practice, _names(found.practice, part, ""))
    colour = asked().get("accent", "")
    if part == "branding" and is_colour(colour):
        fields = [replace(one, text=colour.lower()) for one in fields]
    return _form(session, found, part, "", fields)


@app.route("/portal/{practice}/settings/{part}", methods=["POST"], content_types=FORMS)
@changing
def save_part(session: Session, practice: str, part: str) -> Response:
    """Save a part of the practice's own settings."""
    return _save(session, practice, part, "")


@app.route("/portal/{practice}/settings/providers/{provider}")
@signed_in
def show_provider(session: Session, practice: str, provider: str) -> Response:
    """A provider's settings, to be edited."""
    found = portal().show_settings(practice, session.email)
    return _form(
        session, found, "provider", provider, shown_fields(found.practice, _names(found.practice, "", provider))
    )


@app.route("/portal/{practice}/settings/providers/{provider}", methods=["POST"], content_types=FORMS)
@changing
def save_provider(session: Session, practice: str, provider: str) -> Response:
    """Save a provider's settings."""
    return _save(session, practice, "provider", provider)


class TypedVisit(NamedTuple):
    """What stands in the form of a visit type: its fields, who offers it, what the editor began with (of a new one: the ids
    that others had), and what is wrong.
    """

    form: Mapping[str, str]
    offered: Sequence[str]
    seen: str
    offered_seen: Sequence[str]
    known: Collection[str] = ()
    wrong: Mapping[str, str] = {}


@app.route("/portal/{practice}/settings/visit-types/{visit_type}")
@signed_in
def show_visit_type(session: Session, practice: str, visit_type: str) -> Response:
    """A visit type, or a new one, to be edited."""
    found = portal().show_settings(practice, session.email)
    if visit_type == NEW:
        return _visit_form(
            session,
            found,
            NEW,
            TypedVisit(
                {"new": "on", "returning": "on", "minutes": "30"}, (), "", (), sorted(visit_type_ids(found.practice))
            ),
        )
    if visit_type not in found.practice.visit_types:
        raise NotFound
    one = found.practice.visit_types[visit_type]
    offered = _offering(found.practice, visit_type)
    return _visit_form(session, found, visit_type, TypedVisit(_fields_of(one), offered, text_of(one), offered))


@app.route("/portal/{practice}/settings/visit-types/{visit_type}", methods=["POST"], content_types=FORMS)
@changing
def save_visit_type(session: Session, practice: str, visit_type: str) -> Response:
    """Add a visit type, change one, or offer it no longer."""
    form = form_body(app.current_request)
    seen, offered_seen = form.get("seen", ""), form.get("seen.offered", "").split()
    offered = [name.removeprefix("by.") for name in form if name.startswith("by.")]
    if form.get("do") == "stop":
        offered = []
    typed = TypedVisit(form, offered, seen, offered_seen, form.get("seen.known", "").split())
    identifier = "" if visit_type == NEW else visit_type
    one = typed_visit_type(identifier, form, LANGUAGES)
    found = portal().show_settings(practice, session.email)
    if identifier and identifier not in found.practice.visit_types:
        raise NotFound
    try:
        portal().change_settings.save_visit_type(practice, session.email, seen, one, offered_seen, offered, typed.known)
    except InvalidInput as error:
        wrong = {_visit_field(problem.pointer, problem.code): problem.code for problem in error.problems}
        return _visit_form(session, found, visit_type, typed._replace(wrong=wrong), 422)
    except SettingsChangedMeanwhile as changed:
        found = portal().show_settings(practice, session.email)
        now = text_of(found.practice.visit_types.get(visit_type))
        typed = typed._replace(seen=now, known=sorted(visit_type_ids(found.practice)))
        return _visit_form(session, found, visit_type, typed, 409, changed=changed)
    return _saved(practice, "visit_stopped" if form.get("do") == "stop" else "settings_saved")


def _visit_field(pointer: str, code: str) -> str:
    """The field that a problem of a visit type is shown beside."""
    if pointer.endswith("visit_type_ids"):
        return "offered"
    return {"range": "minutes", "for_whom": "for"}.get(code, "name")


def _names(practice: Practice, part: str, provider: str) -> list[str]:
    """The settings that are edited together. Raises NotFound, ProviderNotFound."""
    if provider:
        practice.provider(provider)
        own = f"providers.{provider}."
        return [one for one in names_of(practice) if one.startswith(own) and field_of(one) != "visit_type_ids"]
    if part not in PARTS:
        raise NotFound
    return [one for one in names_of(practice) if PARTS[part](one)]


def _save(session: Session, practice: str, part: str, provider: str) -> Response:
    form, found = form_body(app.current_request), portal().show_settings(practice, session.email)
    names = _names(found.practice, part, provider)
    wanted, wrong = typed_values(found.practice, names, form)
    seen = {name: form.get(f"seen.{name}", "") for name in names}
    if wrong:
        return _form(session, found, part, provider, typed_fields(found.practice, names, form, wrong), 422)
    try:
        portal().change_settings(practice, session.email, seen, wanted)
    except InvalidInput as error:
        wrong = {problem.pointer.strip("/").replace("/", "."): problem.code for problem in error.problems}
        return _form(session, found, part, provider, typed_fields(found.practice, names, form, wrong), 422)
    except SettingsChangedMeanwhile as changed:
        found = portal().show_settings(practice, session.email)
        fields = typed_fields(found.practice, names, form, {}, renewed=True)
        kept = [one if one.name in changed.names else _merged(one, found.practice, seen) for one in fields]
        return _form(session, found, part, provider, kept, 409, changed=changed)
    return _saved(practice, "settings_saved")


def _merged(field: Field, practice: Practice, seen: Mapping[str, str]) -> Field:
    """A field that its editor left alone shows what is there now."""
    untouched = field.text.replace("\r\n", "\n").replace("\n", ", ") == seen[field.name]
    return shown_fields(practice, [field.name])[0] if untouched else field


def _saved(practice: str, done: str) -> Response:
    return redirect(pages().url(f"/portal/{practice}/settings?done={done}"))


def _form(
    session: Session,
    found: SettingsView,
    part: str,
    provider: str,
    fields: Sequence[Field],
    status: int = 200,
    changed: SettingsChangedMeanwhile | None = None,
) -> Response:
    return _show(
        "settings_form.html",
        session,
        found,
        status,
        part=part,
        provider=found.practice.providers.get(provider),
        fields=fields,
        wrong=[one for one in fields if one.code],
        changed=changed,
        preview=_preview(fields[0].text) if part == "branding" and is_colour(fields[0].text) else None,
    )


def _visit_form(
    session: Session,
    found: SettingsView,
    identifier: str,
    typed: TypedVisit,
    status: int = 200,
    changed: SettingsChangedMeanwhile | None = None,
) -> Response:
    return _show(
        "settings_visit_type.html",
        session,
        found,
        status,
        identifier=identifier,
        typed=typed,
        wrong=typed.wrong,
        changed=changed,
        languages=[code for code in LANGUAGES if code != found.practice.language],
        bounds=BOUNDS["minutes"],
    )


def _show(name: str, session: Session, found: SettingsView, status: int = 200, **values: object) -> Response:
    practice = found.practice
    t = speaker(portal_words(language_of(practice.language)))

    def person(email: str) -> str:
        member = practice.staff.get(email)
        return member.name if member else email or t("calendar.operator")

    return show(
        name,
        session,
        found,
        "settings",
        status,
        view=found,
        zone=zone_of(practice.zone),
        person=person,
        label=lambda one: _label(t, practice, one),
        value=lambda one: said(t, practice, one, text_of(value_of(practice, one))),
        spoken=lambda one, text: said(t, practice, one, text),
        detail=lambda event: _detail(event, language_of(practice.language), practice.country),
        offering=lambda one: [practice.providers[i].name for i in _offering(practice, one)],
        field_of=field_of,
        **values,
    )


def _label(t: Callable[..., str], practice: Practice, name: str) -> str:
    """What a setting is called, with whose it is."""
    label, whose = t(f"setting.{field_of(name)}"), name.split(".")[1] if "." in name else ""
    if name.startswith("providers.") and whose in practice.providers:
        return f"{practice.providers[whose].name}: {label}"
    return label


def said(t: Callable[..., str], practice: Practice, name: str, text: str) -> str:
    """A setting's value as people say it."""
    field = field_of(name)
    if not text:
        return (
            t("settings.practice_s") if name.startswith("providers.") and field == "recipients" else t("settings.none")
        )
    if name.startswith("messages."):
        return t(f"settings.{text}")
    if field == "visit_type":
        one = visit_type_of(text)
        return f"{one.name}, {_minutes(t, one.minutes)}, {t(for_whom(one))}" if one else t("settings.none")
    if field == "visit_type_ids":
        known = practice.visit_types
        return ", ".join(known[one].name if one in known else one for one in text.split(", "))
    if field.endswith("_minutes"):
        return _minutes(t, int(text))
    return t("settings.days", count=int(text)) if field.endswith("_days") else text


def for_whom(one: VisitType) -> str:
    """The key of the words that say whom a visit type is for."""
    if one.for_new_patients and one.for_returning_patients:
        return "settings.for_all"
    return "settings.for_new" if one.for_new_patients else "settings.for_returning"


def _minutes(t: Callable[..., str], minutes: int) -> str:
    if minutes >= 120 and minutes % 60 == 0:
        return t("settings.hours", count=minutes // 60)
    return t("settings.minutes", count=minutes)


def _offering(practice: Practice, identifier: str) -> list[str]:
    return [one.id for one in practice.providers.values() if identifier in one.visit_type_ids]


def _fields_of(one: VisitType) -> dict[str, str]:
    whom = {"new": one.for_new_patients, "returning": one.for_returning_patients}
    names = {f"name.{code}": text for code, text in one.names.items()}
    return {"name": one.name, "minutes": str(one.minutes), **names, **{who: "on" for who, may in whom.items() if may}}


def _preview(colour: str) -> list[dict[str, object]]:
    """How a colour is used on each ground: as text and as a button, moved as far as it has to be to be read."""
    return [
        {"ground": ground, "used": used, "on": readable_on(used), "moved": used != colour.lower(),
         "ratio": f"{contrast(used, ground):.1f}", "own": f"{contrast(colour, ground):.1f}", "scheme": scheme}
        for scheme, ground in (("light", LIGHT), ("dark", DARK))
        for used in (legible_on(colour, ground),)
    ]  # fmt: skip


def _detail(event: PracticeEvent, language: str, country: str) -> str:
    """What an entry of the Calendar speaks of; days as people write them."""
    days, _, name = event.detail.partition(" ")
    try:
        told = " – ".join(formats.day(date.fromisoformat(one), language, country) for one in days.split("/"))
    except ValueError:
        return event.detail
    return f"{told} {name}".strip()


def _place(query: Mapping[str, str]) -> EventPlace | None:
    """The entry before which a page of the timeline begins."""
    try:
        found = datetime.fromisoformat(query.get("before", ""))
    except ValueError:
        return None
    return EventPlace(found, query.get("entry", "")[:_LONGEST_ID]) if found.tzinfo else None
