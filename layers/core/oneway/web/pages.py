"""Pages: templates compiled at build time, words by language, assets by the hash of their content."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from chalice.app import Response
from jinja2 import Environment
from msgspec import Struct, field

from ..colours import legible_on, readable_on
from ..domain.practices import Practice
from ..languages import formats, words
from ..phones import shown
from ..templates import environment
from .answers import NO_STORE, asset_answer, new_nonce, page_answer

_HERE = Path(__file__).parent
_KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
LIGHT, DARK = "#f5f7f9", "#1a2129"
"""The grounds that text stands on, of each scheme the one nearer to the other scheme (oneway.css: --ground, --card)."""


class Pages(Struct, dict=True):
    """The pages of one function: `folder` holds its templates (`pages/`) and built files (`static/`).

    `words` is what they say, by language.
    """

    folder: Path
    asset_prefix: str
    base_path: str = ""
    words: Callable[[str], Mapping[str, str]] = words
    _files: dict[str, bytes] = field(default_factory=dict)

    def render(
        self,
        name: str,
        language: str,
        practice: Practice | None = None,
        status: int = 200,
        cache: str = NO_STORE,
        ancestors: str = "",
        accent_asked: str = "",
        **values: Any,
    ) -> Response:
        """A page in a language, in a practice's colour (or the one asked for); not to be stored unless `cache` says so, not to be
        framed but by pages of `ancestors`.
        """
        nonce = new_nonce()
        spoken = self.words(language)
        t = speaker(spoken)
        country = practice.country if practice else "US"
        html = self._environment.get_template(name).render(
            t=t,
            language=language,
            practice=practice,
            phone=shown(practice.phone, country) if practice else "",
            nonce=nonce,
            accent=_accent(accent_asked or (practice.accent if practice else "#0b6e99")),
            asset=self.asset,
            url=self.url,
            day=lambda value: formats.day(value, language, country),
            day_of_year=lambda value: formats.day_of_year(value, language, country),
            birthday=lambda value: formats.birthday(value, language, country),
            short_date=lambda value: formats.short_date(value, language, country),
            short_day=lambda value: formats.short_day(value, language, country),
            clock=lambda value: formats.clock(value, language, country),
            full_name=lambda person: formats.full_name(person.first_name, person.last_name, country),
            month=lambda value: formats.month(value, language),
            month_name=lambda value: formats.month_name(value, language),
            moment=lambda instant, zone: formats.moment(instant, zone, language, country),
            preferred=lambda times: formats.preferred(
                times.days, (t(f"part.{part}") for part in times.parts), language, country
            ),
            language_name=lambda code: spoken.get(f"language.{code}", code),
            shown_phone=lambda e164: shown(e164, country),
            ago=lambda then, now: _ago(t, then, now),
            **values,
        )
        return page_answer(html, nonce, status, cache, ancestors)

    def speaker(self, language: str) -> Callable[..., str]:
        """A function that says a key in the words of a language."""
        return speaker(self.words(language))

    def url(self, path: str) -> str:
        """A path of ours as a link."""
        return self.base_path + path

    def asset(self, name: str) -> str:
        """A link to a built file."""
        return self.url(f"/{self.asset_prefix}/{self.built(name)}")

    def built(self, name: str) -> str:
        """The hashed name of a built file."""
        return self._manifest[name]

    def file(self, name: str) -> Response | None:
        """A built file by its hashed name; None if there is none."""
        if name not in self._manifest.values():
            return None
        if name not in self._files:
            self._files[name] = (self.folder / "static" / name).read_bytes()
        return asset_answer(self._files[name], _KINDS[Path(name).suffix])

    @cached_property
    def _manifest(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.folder / "static" / "manifest.json").read_text())
        return found

    @cached_property
    def _environment(self) -> Environment:
        return environment(self.folder / "compiled_pages", [self.folder / "pages", _HERE / "pages"])


def speaker(spoken: Mapping[str, str]) -> Callable[..., str]:
    """A function that says a key in the words of a language; numbers choose `key.one` or `key.other` through `count`."""

    def t(key: str, **values: Any) -> str:
        if "count" in values:
            key = f"{key}.one" if values["count"] == 1 else f"{key}.other"
        return spoken[key].format(**values)

    return t


def _ago(t: Callable[..., str], then: datetime, now: datetime) -> str:
    """How long ago, in the largest whole unit of minutes, hours or days."""
    minutes = max(0, int((now - then).total_seconds() // 60))
    if minutes < 60:
        return t("ago.minutes", count=minutes)
    return t("ago.hours", count=minutes // 60) if minutes < 48 * 60 else t("ago.days", count=minutes // 1440)


def _accent(colour: str) -> dict[str, str]:
    """A practice's colour made readable: as text on light and dark, and as a ground with text on it."""
    light, dark = legible_on(colour, LIGHT), legible_on(colour, DARK)
    return {"light": light, "on_light": readable_on(light), "dark": dark, "on_dark": readable_on(dark)}
