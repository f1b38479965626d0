"""Files that the booking function serves: styles and scripts, the script that practices embed, photos, and the API's page."""

from base64 import b64encode

from api_description import described
from chalice.app import Response
from oneway.bootstrap import Booking
from oneway.domain.errors import NotFound, StoreUnavailable
from oneway.domain.practices import Practice
from oneway.web.answers import asset_answer
from page_requests import PageRequest

MOST_INLINE_BYTES = 32_000
"""Photos of a practice that are no more are part of its first page; more are files of their own."""
AN_HOUR = "public, max-age=3600"


def read_api(on: PageRequest) -> Response:
    """The API, for people."""
    return on.render("api.html", cache=AN_HOUR, api=described(on.ours))


def booking_asset(on: PageRequest, file: str) -> Response:
    """A built file."""
    found = on.pages.file(file)
    if found is None:
        raise NotFound
    return found


def embed_script(on: PageRequest) -> Response:
    """What practices put on their sites: always at the same address, so kept for an hour only."""
    script = (on.pages.folder / "static" / on.pages.built("embed.js")).read_bytes()
    return asset_answer(script, "text/javascript; charset=utf-8", AN_HOUR)


def provider_photo(on: PageRequest, file: str) -> Response:
    """A provider's photo, by the digest of its content: as text, so that it arrives whatever a gateway thinks of bytes."""
    picture = _picture(on.ours.photos.get(on.shop.slug, file))
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><image href="{picture}" width="1" height="1"/></svg>'
    return asset_answer(svg.encode(), "image/svg+xml; charset=utf-8")


def portraits(on: PageRequest) -> dict[str, str]:
    """Where the page finds each provider's photo: in itself while they are small together, to need no further request."""
    photos = {one.id: one.photo for one in on.shop.providers.values() if one.photo}
    found = {identifier: _photo(on.ours, on.shop, digest) for identifier, digest in photos.items()}
    if sum(map(len, found.values())) <= MOST_INLINE_BYTES:
        return {one: _picture(raw) for one, raw in found.items() if raw}
    return {one: on.pages.url(f"/photos/{on.shop.slug}/{digest}") for one, digest in photos.items()}


def _picture(raw: bytes) -> str:
    return f"data:image/webp;base64,{b64encode(raw).decode()}"


_kept: dict[tuple[str, str], bytes] = {}


def _photo(ours: Booking, practice: Practice, digest: str) -> bytes:
    """A photo, b"" where it cannot be had now: initials stand in its place."""
    key = practice.slug, digest
    if key not in _kept:
        try:
            _kept[key] = ours.photos.get(*key)
        except (NotFound, StoreUnavailable):
            return b""
    return _kept[key]
