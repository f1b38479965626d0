"""One request for a page: what was asked and typed, in which language, and where the links of its answer lead."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlencode
from zoneinfo import ZoneInfo

from chalice.app import Request, Response
from msgspec import Struct, field
from msgspec.structs import replace
from oneway.bootstrap import Booking
from oneway.colours import is_colour
from oneway.domain.errors import OnewayError, PracticeNotFound, TooManyPending
from oneway.domain.practices import Practice, Provider
from oneway.languages import first_spoken
from oneway.languages.formats import zone_label
from oneway.web.answers import NO_STORE, NOBODYS, form_pairs, path_text, unexpected
from oneway.web.forms import CHOICES, FIELDS, WRITTEN
from oneway.web.pages import Pages
from oneway.web.problems import NotAForm, problem_of

SEVERAL = ("days", "parts")
BESIDE = ("month", "day", "asked", "website", "instead")
"""What forms send that is not carried on: what a page shows, whether it was answered, the field that nobody sees, and whether a
request takes the place of the earlier one."""
ANY = "any"
"""In the place of a provider: whoever is free first."""


class PageRequest(Struct, frozen=True, dict=True):
    """`typed` tells a form that was sent, with patients' data in it, from a link that was followed, without."""

    request: Request
    ours: Booking
    pages: Pages
    practice: Practice | None = None
    values: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def typed(self) -> bool:
        return str(self.request.method) == "POST"

    @cached_property
    def query(self) -> dict[str, str]:
        """The query; of a name that stands there several times all values, with commas."""
        found = self.request.query_params
        return {name: ",".join(found.getlist(name)) for name in found} if found else {}

    @cached_property
    def embedded(self) -> bool:
        """Whether it is shown in a frame on the practice's own site."""
        return str(self.request.context["resourcePath"]).startswith("/embed/")

    @cached_property
    def language(self) -> str:
        """As asked for (?lang=, or the form's), else the browser's, else the practice's."""
        asked = self.query.get("lang", "") or self.values.get("language", "")
        preferred = self.practice.language if self.practice else ""
        return first_spoken(
            asked.lower()[:2], accepted=self.request.headers.get("accept-language", ""), preferred=preferred
        )

    @cached_property
    def colour(self) -> str:
        """The accent that the site around a frame asks for; "" is the practice's own."""
        colour = self.query.get("colour", "")
        return colour.lower() if self.embedded and is_colour(colour) else ""

    @property
    def shop(self) -> Practice:
        """The practice, where there is one. Raises PracticeNotFound."""
        if self.practice is None:
            raise PracticeNotFound
        return self.practice

    @property
    def provider(self) -> Provider:
        """The chosen provider. Raises ProviderNotFound."""
        return self.shop.provider(self.values.get("provider", ""))

    @property
    def zone(self) -> ZoneInfo:
        """The chosen provider's zone."""
        return self.shop.zone_of(self.provider)

    @property
    def start(self) -> datetime | None:
        """The chosen start, if it is one."""
        try:
            start = datetime.fromisoformat(self.values.get("start", ""))
        except ValueError:
            return None
        return start if start.tzinfo and 1900 <= start.year < 3000 else None

    def place(self, provider: Provider, start: datetime) -> str:
        """Which of a practice's locations, and in which of its zones, a provider's time is meant; "" where it has one."""
        locations = self.shop.locations.values()
        zone = f" ({zone_label(start)})" if len({one.zone for one in locations}) > 1 else ""
        return self.shop.location_of(provider).name + zone if len(locations) > 1 else ""

    @property
    def days(self) -> list[date]:
        """The preferred days, those that are dates."""
        return [day for text in self.values.get("days", "").split(",") if (day := a_day(text))]

    def to(self, step: str, **choices: str) -> str:
        """A link to a step of the booking tool, with choices in it."""
        said = {name: value for name, value in choices.items() if value and name not in self.manner}
        chosen = "".join([f"{name}={_quoted(value)}&" for name, value in said.items()])
        return f"{self._tool}{step}?{chosen}{self._manner}"

    def to_each(self, step: str, starts: Iterable[datetime], **choices: str) -> list[tuple[datetime, str]]:
        """Starts, each with a link to a step that has it and the other choices in it."""
        return [(start, self.to(step, **choices, start=start.isoformat())) for start in starts]

    def spoken_in(self, language: str, step: str) -> str:
        """Where a form with all that was typed leads to see a step in another language."""
        return f"{self._tool}{step}?{urlencode(self.manner | {'lang': language})}"

    @cached_property
    def _tool(self) -> str:
        place = "embed" if self.embedded else "book"
        return self.pages.url(f"/{place}/{quote(self.shop.slug)}")

    @cached_property
    def _manner(self) -> str:
        return urlencode(self.manner)

    @cached_property
    def manner(self) -> dict[str, str]:
        """What every link carries on: the language, and the colour of a frame."""
        return {"lang": self.language} | ({"colour": self.colour} if self.colour else {})

    @property
    def here(self) -> Callable[[str], str]:
        """This page in another language: what it was asked with stays, but for what no address may hold."""
        said = {name: value for name, value in self.query.items() if name in CHOICES or name not in (*FIELDS, "choice")}
        return lambda language: "?" + urlencode(said | {"lang": language})

    @property
    def known(self) -> bool:
        """Whether any of the patient's details was typed already, so that a changed choice leads back to the check."""
        return self.typed and any(self.values.get(name) for name in WRITTEN)

    def carried(self, *asked: str) -> dict[str, str]:
        """The hidden fields of a form that asks for some fields itself."""
        names = FIELDS if self.typed else CHOICES
        found = {name: self.values[name] for name in names if self.values.get(name) and name not in asked}
        return found | ({} if self.typed else self.manner)

    def having(self, **values: str) -> "PageRequest":
        """The same request with other values."""
        return replace(self, values={**self.values, **values})

    def render(self, name: str, status: int = 200, cache: str = "", **values: Any) -> Response:
        """A page. Nothing of a form with patients' data is stored; what is typed into the others survives Back, reload too."""
        return self.pages.render(
            name,
            self.language,
            self.practice,
            status,
            cache or (NO_STORE if self.typed else NOBODYS),
            ancestors=" ".join(self.practice.embed_origins) if self.embedded and self.practice else "",
            accent_asked=self.colour,
            on=self,
            embedded=self.embedded,
            **values,
        )


_quoted = lru_cache(maxsize=1_024)(quote_plus)
"""Of choices, which say nothing of anybody; a page has the same ones in hundreds of links."""
View = Callable[..., Response]


def answered(view: View, request: Request, ours: Booking, pages: Pages, names: Mapping[str, str]) -> Response:
    """A view's answer; errors become pages in plain words. A practice that does not exist has a page, too."""
    names = {name: path_text(value) for name, value in names.items()}
    slug = names.get("practice", "")
    on = PageRequest(request, ours, pages)
    try:
        if slug:
            on = replace(on, practice=ours.practices.get(slug))
            on = replace(on, values=_values(on))
        return view(on, **{name: value for name, value in names.items() if name != "practice"})
    except OnewayError as error:
        return error_page(on, error)
    except Exception as error:
        return error_page(on, unexpected(error))


def error_page(on: PageRequest, error: OnewayError) -> Response:
    """What went wrong, and what to do."""
    problem = problem_of(error)
    if isinstance(error, PracticeNotFound):
        on = replace(on, practice=None)
    limit = error.limit if isinstance(error, TooManyPending) else 0
    answer = on.render("error.html", problem.status, NO_STORE, word=problem.word, limit=limit)
    if problem.status == 503:
        answer.headers["Retry-After"] = "2"
    return answer


def a_day(text: str) -> date | None:
    """A date that calendars reach, with room on both sides."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if len(text) == 10 and 1900 <= day.year < 3000 else None


def span(first: date, count: int) -> Iterable[date]:
    """So many days from the first on."""
    return (first + timedelta(days=n) for n in range(count))


def _values(on: PageRequest) -> dict[str, str]:
    """The fields of the form, or those of the query that tell nothing of anybody. A button's `choice` sets several at once."""
    pairs = form_pairs(on.request) if on.typed else list(on.query.items())
    given = dict(pairs)
    given |= {name: ",".join(value for one, value in pairs if one == name) for name in SEVERAL}
    given |= _several_of(given.get("choice", ""))
    read = (*FIELDS, *BESIDE) if on.typed else (*CHOICES, *BESIDE)
    return dict.fromkeys((*FIELDS, *BESIDE), "") | {name: given[name] for name in read if name in given}


def _several_of(choice: str) -> dict[str, str]:
    """The fields that a button sets. Raises NotAForm."""
    try:
        return dict(parse_qsl(choice, max_num_fields=10))
    except ValueError:
        raise NotAForm from None
