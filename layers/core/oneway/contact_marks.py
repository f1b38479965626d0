"""What tells that two requests come from one person, address or number, without saying which: keyed digests.

Four bytes of HMAC-SHA256 under the newest link secret. A rotation forgets who had how many requests waiting, no more.
"""

import hmac
from collections.abc import Callable, Sequence
from datetime import datetime

from .domain.clock_time import minute_of
from .domain.pending import DIGEST_BYTES, NOTHING, Waiting
from .domain.people import normalise_email, normalise_name
from .domain.requests import Patient


class ContactMarks:
    """Makes marks; `secrets` is asked only when one is needed, newest secret first."""

    def __init__(self, secrets: Callable[[], Sequence[bytes]]) -> None:
        self._secrets = secrets

    def of(self, practice: str, request_id: str, patient: Patient, now: datetime) -> Waiting:
        """The mark of a patient's request."""
        person = (normalise_name(patient.first_name), normalise_name(patient.last_name), str(patient.birth_date))
        return Waiting(
            request_id,
            self._digest(practice, "person", *person),
            self._digest(practice, "email", normalise_email(patient.email)) if patient.email else NOTHING,
            self._digest(practice, "phone", patient.mobile) if patient.mobile else NOTHING,
            minute_of(now),
        )

    def _digest(self, *parts: str) -> bytes:
        # The length before each part keeps ("a", "bc") and ("ab", "c") apart.
        text = "waiting" + "".join(f"{len(part)}:{part}" for part in parts)
        return hmac.digest(self._secrets()[0], text.encode(), "sha256")[:DIGEST_BYTES]
