"""What SES says of a message, as others recorded it or AWS documents it (unit/mail/ses_events), of messages of our tests."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "unit/mail/ses_events"
NAMES = sorted(file.stem for file in FOLDER.glob("*.json"))


def an_event(
    name: str, request: str, message: str = "000001-received_patient", practice: str = "harbor"
) -> dict[str, Any]:
    """An event by its file's name, for a message."""
    event: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    tags = event["detail"]["mail"]["tags"]
    if "request" in tags:
        tags |= {"request": [request], "message": [message], "practice": [practice]}
    return event
