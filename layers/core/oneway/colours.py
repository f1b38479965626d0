"""Colours that can be read: a practice's accent never breaks WCAG 2.2 AA (contrast of at least 4.5)."""

import re

_HEX = re.compile(r"#[0-9a-fA-F]{6}")


def readable_on(colour: str) -> str:
    """Black or white, whichever can be read on a colour (one of the two always reaches 4.5)."""
    return "#ffffff" if contrast(colour, "#ffffff") >= contrast(colour, "#000000") else "#000000"


def legible_on(colour: str, background: str, enough: float = 4.5) -> str:
    """A colour moved towards black or white until it can be read as text on a background."""
    target = 0 if luminance(background) > 0.18 else 255
    red, green, blue = _channels(colour)
    for step in range(21):
        mixed = [round(c + (target - c) * step / 20) for c in (red, green, blue)]
        candidate = "#{:02x}{:02x}{:02x}".format(*mixed)
        if contrast(candidate, background) >= enough:
            return candidate
    return "#000000" if target == 0 else "#ffffff"


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2, *contrast ratio*)."""
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb", 0 to 1 (WCAG 2.2, *relative luminance*)."""
    parts = [c / 255 for c in _channels(colour)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def is_colour(text: str) -> bool:
    """Whether a text is "#rrggbb"."""
    return bool(_HEX.fullmatch(text))


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
