"""The languages that people read. Pages and mail load only the words they show."""

from collections.abc import Mapping
from importlib import import_module

LANGUAGES = ("en", "es")


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
