"""The languages that people read. Pages and mail load only the words they show."""

from collections.abc import Mapping
from importlib import import_module

LANGUAGES = ("en", "es")


def first_spoken(*wanted: str, accepted: str = "", preferred: str = "") -> str:
    """The first language that we speak: of those `wanted`, of those that a browser accepts (an Accept-Language header), then
    the `preferred` one; English, if none is.
    """
    return next((one for one in (*wanted, *_accepted(accepted), preferred) if one in LANGUAGES), "en")


def _accepted(header: str) -> list[str]:
    """The languages of Accept-Language, the dearest first, without those that are not wanted (q=0)."""
    found = []
    for one in header.split(","):
        name, _, weight = one.replace(" ", "").lower().partition(";q=")
        try:
            found.append((float(weight or 1), name[:2]))
        except ValueError:
            continue
    return [name for weight, name in sorted(found, key=lambda one: -one[0]) if weight > 0]


def words(language: str) -> Mapping[str, str]:
    """The words of patients' pages in a language (English where there is none), by key."""
    return _load(language, "")


def portal_words(language: str) -> Mapping[str, str]:
    """The words of staff's pages in a language (English where there is none), by key."""
    return {
        **_load(language, ""),
        **_load(language, "_portal"),
        **_load(language, "_calendar"),
        **_load(language, "_settings"),
    }


def mail_words(language: str) -> Mapping[str, str]:
    """The words of the messages in a language (English where there is none), by key."""
    return _load(language, "_mail")


def _load(language: str, suffix: str) -> Mapping[str, str]:
    code = language if language in LANGUAGES else "en"
    found: Mapping[str, str] = import_module(f"{__name__}.{code}{suffix}").WORDS
    return found
