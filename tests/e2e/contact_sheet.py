"""All messages in one picture a language (docs/messages.md)."""

from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser

_WIDTH, _HEIGHT, _SCALE = 400, 900, 0.5
_COLUMNS = 6


def contact_sheet(browser: Browser, mailbox_url: str, names: Sequence[str], folder: Path) -> None:
    """Write `messages-LANGUAGE.png` into a folder."""
    for language in ("en", "es"):
        cells = "".join(
            f"<figure><figcaption>{name.removesuffix(f'-{language}').replace('_', ' ')}</figcaption>"
            f"<div><iframe src='{mailbox_url}/samples/{number}/html'></iframe></div></figure>"
            for number, name in enumerate(names, 1)
            if name.endswith(f"-{language}")
        )
        style = (
            f"body{{margin:8px;font:12px sans-serif;display:grid;grid-template-columns:repeat({_COLUMNS},auto);gap:8px}}"
            "figure{margin:0}figcaption{margin:0 0 2px}"
            f"div{{width:{_WIDTH * _SCALE}px;height:{_HEIGHT * _SCALE}px;overflow:hidden;border:1px solid #ccc}}"
            f"iframe{{width:{_WIDTH}px;height:{_HEIGHT}px;border:0;transform:scale({_SCALE});transform-origin:0 0}}"
        )
        page = browser.new_page(viewport={"width": int(_COLUMNS * (_WIDTH * _SCALE + 10)) + 16, "height": 600})
        page.goto(f"{mailbox_url}/samples")
        page.set_content(f"<!doctype html><style>{style}</style>{cells}")
        page.wait_for_load_state("networkidle")
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"messages-{language}.png", full_page=True)
        page.close()
