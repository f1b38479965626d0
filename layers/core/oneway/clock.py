"""The real clock."""

import time
from datetime import UTC, datetime


class SystemClock:
    """Implements ports.Clock."""

    def now(self) -> datetime:
        """The current instant (UTC)."""
        return datetime.now(UTC)

    def pause(self, seconds: float) -> None:
        """Wait, between bounded retries only."""
        time.sleep(seconds)
