"""From errors to answers: the one table, and RFC 9457 problem details."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from ..domain.clock_time import instant_of
from ..domain.errors import (
    CalendarChangedMeanwhile,
    Forbidden,
    InvalidInput,
    KeyReused,
    LinkNotFound,
    NotFound,
    OnewayError,
    PracticeNotFound,
    ProviderNotFound,
    RequestAlreadyAnswered,
    RequestNotFound,
    SettingsChangedMeanwhile,
    SlotAlreadyTaken,
    SlotNotOffered,
    StoreUnavailable,
    TooManyPending,
    WriteConflict,
)

_BASE = "https://oneway.example/problems/"


class SignInRefused(OnewayError):
    """The code or the token is not one for us; the person may start again."""


class NotJson(OnewayError):
    """The body is not JSON, or not an object."""


class NotAForm(OnewayError):
    """The body is not a form that a page of ours sends."""


class Problem(Struct, frozen=True):
    """How an error is answered; `word` names its kind for programs, `title` and `detail` speak to people."""

    status: int
    word: str
    title: str
    detail: str


PROBLEMS: Mapping[type[OnewayError], Problem] = {
    NotJson: Problem(400, "not-json", "Not a JSON object", "Send one JSON object as the body."),
    NotAForm: Problem(400, "not-a-form", "Not a form", "Send a form as a page shows it."),
    InvalidInput: Problem(422, "invalid-input", "Some fields cannot be used", "Correct the fields named in errors."),
    PracticeNotFound: Problem(
        404, "practice-not-found", "No such practice", "Check the practice's name in the address."
    ),
    ProviderNotFound: Problem(404, "provider-not-found", "No such provider", "Choose one of the practice's providers."),
    RequestNotFound: Problem(404, "request-not-found", "No such request", "Check the address."),
    LinkNotFound: Problem(
        404, "link-not-found", "This link is not valid", "Use the link of the latest message, or call the practice."
    ),
    NotFound: Problem(404, "not-found", "Not found", "There is nothing at this address."),
    SlotAlreadyTaken: Problem(409, "slot-taken", "This time was just taken", "Choose one of the times in left."),
    SlotNotOffered: Problem(409, "slot-not-offered", "This time is not offered", "Choose one of the times in left."),
    KeyReused: Problem(
        422, "key-reused", "Idempotency key used before", "This key stands for another payload; send a new key."
    ),
    RequestAlreadyAnswered: Problem(
        409, "already-answered", "This request is over", "It can no longer be cancelled here; call the practice."
    ),
    TooManyPending: Problem(
        409,
        "too-many-pending",
        "Too many requests are waiting",
        "Wait for the practice's answer, cancel a request, or call the practice.",
    ),
    CalendarChangedMeanwhile: Problem(
        409, "changed-meanwhile", "Somebody else saved first", "Look at what was changed, and save again."
    ),
    SettingsChangedMeanwhile: Problem(
        409, "changed-meanwhile", "Somebody else saved first", "Look at what was changed, and save again."
    ),
    SignInRefused: Problem(403, "sign-in", "You are not signed in", "Start again from the portal."),
    Forbidden: Problem(403, "forbidden", "Not allowed", "You may read, but not change. Ask a colleague of the staff."),
    StoreUnavailable: Problem(
        503, "unavailable", "Not available at the moment", "Nothing was lost. Send the same again in a few seconds."
    ),
    WriteConflict: Problem(
        503, "unavailable", "Not available at the moment", "Nothing was lost. Send the same again in a few seconds."
    ),
}


def problem_of(error: OnewayError) -> Problem:
    """The answer to an error: that of its class, or of the nearest one above it."""
    for kind in type(error).__mro__:
        if kind in PROBLEMS:
            return PROBLEMS[kind]
    return Problem(500, "unexpected", "Something went wrong", "Nothing was lost. Please try again later.")


def details(error: OnewayError, zone: ZoneInfo | None = None) -> dict[str, Any]:
    """An error as problem details (RFC 9457). `zone` writes the times that are left as people there read them."""
    problem = problem_of(error)
    body: dict[str, Any] = {
        "type": _BASE + problem.word,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
    }
    if isinstance(error, InvalidInput):
        body["errors"] = [{"pointer": p.pointer, "code": p.code, "detail": p.detail} for p in error.problems]
    if isinstance(error, SlotNotOffered):
        body["reason"] = str(error.reason)
    if isinstance(error, SlotNotOffered | SlotAlreadyTaken):
        body["left"] = [local(minute, zone).isoformat() for minute in error.left]
    if isinstance(error, TooManyPending):
        body |= {"kind": str(error.kind), "limit": error.limit}
    return body


def local(minute: int, zone: ZoneInfo | None) -> datetime:
    """An epoch minute as a time with an offset."""
    instant = instant_of(minute)
    return instant.astimezone(zone) if zone else instant
