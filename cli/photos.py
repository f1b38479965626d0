"""Providers' photos: from whatever a camera made to the small round picture that the booking page shows.

A photo is cropped to a square, made small and written anew: nothing else of the file (where it was taken, on what) is kept.
"""

from collections.abc import Mapping
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from msgspec.structs import replace
from oneway.domain.practices import Practice
from PIL import Image, ImageOps, UnidentifiedImageError

from .document import Place, Problem
from .practice_file import PhotoReference, PracticeFile, PracticeFileInvalid

SIDE = 112
"""Pixels: twice what the page shows, for screens that are that fine."""
LARGEST_FILE = 10_000_000
MOST_PIXELS = 50_000_000
FORMATS = ("JPEG", "PNG", "WEBP")
_FACE = (0.5, 0.35)
"""Where in a picture the middle of a face mostly is, from its left and its top."""


class NoPhoto(Exception):
    """A file is no photo that can be used; its text says why."""


def with_photos(file: PracticeFile, folder: Path) -> tuple[Practice, Mapping[str, bytes]]:
    """The practice with its providers' photos by their digests, and these photos (paths count from the file's folder).

    Raises PracticeFileInvalid with all that cannot be used.
    """
    photos: dict[str, bytes] = {}
    providers, problems = dict(file.practice.providers), []
    for provider_id, reference in file.photos.items():
        try:
            photo = small(_read(folder / reference.path))
        except NoPhoto as error:
            problems.append(_problem(reference.place, reference, error))
            continue
        digest = sha256(photo).hexdigest()[:24]
        photos[digest] = photo
        providers[provider_id] = replace(providers[provider_id], photo=digest)
    if problems:
        raise PracticeFileInvalid(problems)
    return replace(file.practice, providers=providers), photos


def small(raw: bytes) -> bytes:
    """A photo as a square WebP of a few kilobytes, the right way up. Raises NoPhoto."""
    try:
        with Image.open(BytesIO(raw), formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise NoPhoto("it has too many pixels; at most 50 million.")
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise NoPhoto("it is no picture in JPEG, PNG or WebP.") from None
    written = BytesIO()
    ImageOps.fit(upright, (SIDE, SIDE), Image.Resampling.LANCZOS, centering=_FACE).save(
        written, "WEBP", quality=80, method=6
    )
    return written.getvalue()


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise NoPhoto("it is larger than 10 MB.")
        return path.read_bytes()
    except OSError as error:
        raise NoPhoto(f"it cannot be read ({type(error).__name__}).") from None


def _problem(place: Place, reference: PhotoReference, error: NoPhoto) -> Problem:
    return Problem(place.line, place.column, f'{place.path}: "{reference.path}": {error}')
