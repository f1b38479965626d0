"""Who looked at whose data: kept six years (45 CFR 164.316(b)(2)(i))."""

from datetime import datetime, timedelta
from secrets import token_hex

from . import keys
from .items import answered, item

KEPT = timedelta(days=6 * 366)


class DynamoAuditRepository:
    """Implements ports.AuditRepository."""

    def record(self, practice: str, person: str, action: str, subject: str, at: datetime) -> None:
        """Append one record. Raises StoreUnavailable."""
        key = keys.audit(practice, person, at, token_hex(4))
        answered(item(key, {"action": action, "subject": subject}, expires_at=int((at + KEPT).timestamp())).save)
