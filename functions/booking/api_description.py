"""The API's description: the OpenAPI document as it was built, with examples of a day to come."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from oneway.bootstrap import Booking


def described(ours: Booking) -> Any:
    """The document, for one of the coming weeks and this stack's address."""
    weeks_ahead = ours.clock.now().date() + timedelta(days=22)
    tuesday = weeks_ahead + timedelta(days=(1 - weeks_ahead.weekday()) % 7)
    built = (Path(__file__).parent / "static/openapi.json").read_text("utf-8")
    return json.loads(
        built.replace("2000-01-04", str(tuesday)).replace("https://book.example", ours.settings.public_url)
    )
