"""A practice's logo: a small picture beside the practice file, which travels with each message."""

from pathlib import Path

from .terminal import Failure

LARGEST_KB = 32
_PICTURES = {"png": b"\x89PNG\r\n\x1a\n", "jpeg": b"\xff\xd8\xff"}


def read_logo(practice_file: Path, name: str) -> tuple[str, bytes] | None:
    """The kind and the bytes of the picture that a practice file names; None if it names none. Raises Failure."""
    if not name:
        return None
    try:
        content = (practice_file.parent / name).read_bytes()
    except OSError:
        raise Failure(
            f'there is no file "{name}" beside {practice_file}', "The practice file names it as its logo."
        ) from None
    kind = next((kind for kind, begins in _PICTURES.items() if content.startswith(begins)), None)
    if kind is None:
        raise Failure(f'the logo "{name}" is neither a PNG nor a JPEG picture', "Mail programs show no others.")
    if len(content) > LARGEST_KB * 1024:
        hint = f"It travels with each message: make it {LARGEST_KB} KB at most."
        raise Failure(f'the logo "{name}" has {len(content) // 1024} KB', hint)
    return kind, content
