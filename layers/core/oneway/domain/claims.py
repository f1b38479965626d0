"""*I'm on it*: so that two people do not enter one visit; and what they tell each other (product section 7, *Portal*)."""

from datetime import datetime, timedelta

from msgspec import Struct

LASTS = timedelta(minutes=30)
"""After so long nobody is on it any more: whoever was may have gone home."""


class Claim(Struct, frozen=True):
    """Who is on a request; `by` is a staff member's e-mail."""

    by: str
    since: datetime

    def holds(self, now: datetime) -> bool:
        """Whether the person is still on it."""
        return now < self.since + LASTS


class Note(Struct, frozen=True):
    """What a staff member (`by`, an e-mail) wrote for the others; no patient sees it."""

    at: datetime
    by: str
    text: str
