"""Providers' photos: cropped, small, without what cameras write beside them; what cannot be used is named by line."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from cli.photos import NoPhoto, small, with_photos
from cli.practice_file import PracticeFileInvalid, read

from .test_practice_file import changed

WITH_PHOTO = changed("    name: Dr. Amara Osei\n", "    name: Dr. Amara Osei\n    photo: osei.jpg\n")


def a_picture(width: int = 1200, height: int = 1600, kind: str = "JPEG", **how: object) -> bytes:
    written = BytesIO()
    picture = Image.new("RGB", (width, height), "#884422")
    picture.paste("#ffffff", (0, 0, width // 2, height))
    picture.save(written, kind, **how)
    return written.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_becomes_a_small_square(kind: str) -> None:
    found = small(a_picture(kind=kind))
    with Image.open(BytesIO(found)) as picture:
        assert (picture.format, picture.size) == ("WEBP", (112, 112))
    assert len(found) < 8_000


def test_what_a_camera_writes_beside_it_goes_and_the_right_side_is_up() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    exif[0x010E] = "taken at home"
    found = small(a_picture(exif=exif))
    assert b"taken at home" not in found
    with Image.open(BytesIO(found)) as picture:
        assert not picture.getexif()
        top, bottom = picture.getpixel((56, 10)), picture.getpixel((56, 100))
        assert isinstance(top, tuple)
        assert isinstance(bottom, tuple)
        assert (top[0] > 240, bottom[0] > 240) == (True, False)


@pytest.mark.parametrize("raw", [b"", b"GIF89a", b"<svg/>", a_picture()[:200]])
def test_what_is_no_picture_is_refused(raw: bytes) -> None:
    with pytest.raises(NoPhoto):
        small(raw)


def test_the_practice_names_its_photos_by_their_content(tmp_path: Path) -> None:
    (tmp_path / "osei.jpg").write_bytes(a_picture())
    practice, photos = with_photos(read(WITH_PHOTO), tmp_path)
    assert list(photos) == [practice.providers["osei"].photo]
    assert with_photos(read(WITH_PHOTO), tmp_path)[0] == practice, "the same file twice changes nothing"


@pytest.mark.parametrize(
    ("content", "said"), [(None, "cannot be read"), (b"no picture", "no picture in JPEG, PNG or WebP")]
)
def test_a_photo_that_cannot_be_used_is_named_by_line(tmp_path: Path, content: bytes | None, said: str) -> None:
    if content:
        (tmp_path / "osei.jpg").write_bytes(content)
    with pytest.raises(PracticeFileInvalid) as caught:
        with_photos(read(WITH_PHOTO), tmp_path)
    (problem,) = caught.value.problems
    assert problem.line == WITH_PHOTO[: WITH_PHOTO.index("photo:")].count("\n") + 1
    assert said in problem.message


@pytest.mark.parametrize(
    ("written", "origins"),
    [
        ("https://www.harbor.example", ("https://www.harbor.example",)),
        (
            "[https://Harbor.example/, https://www.harbor.example:8443]",
            ("https://harbor.example", "https://www.harbor.example:8443"),
        ),
        ("http://clinic.localhost:4599", ("http://clinic.localhost:4599",)),
    ],
)
def test_sites_that_may_embed(written: str, origins: tuple[str, ...]) -> None:
    text = changed("country: US\n", f"country: US\nembed_origins: {written}\n")
    assert read(text).practice.embed_origins == origins


@pytest.mark.parametrize(
    "written",
    [
        "harbor.example",
        "http://harbor.example",
        "https://harbor.example/book",
        "'*'",
        "https://*.example",
        "\"'self'\"",
    ],
)
def test_what_is_no_site_is_refused(written: str) -> None:
    with pytest.raises(PracticeFileInvalid) as caught:
        read(changed("country: US\n", f"country: US\nembed_origins: [{written}]\n"))
    assert "is no address of a site" in caught.value.problems[0].message
