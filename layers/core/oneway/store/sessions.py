"""Server-side sessions, by the hash of what the browser holds."""

from datetime import datetime

from ..ports import Session
from . import keys
from .items import TableItem, answered, decoded, get, item


class DynamoSessionRepository:
    """Implements ports.SessionRepository."""

    def get(self, session_id: str, now: datetime) -> Session | None:
        """A session that has not expired."""
        found = get(keys.session(session_id))
        if found is None:
            return None
        stored = decoded(found, dict[str, str])
        session = Session(session_id, stored["email"], stored["csrf"], datetime.fromisoformat(stored["expires_at"]))
        return session if session.expires_at > now else None

    def save(self, session: Session) -> None:
        """Store a new session."""
        body = {"email": session.email, "csrf": session.csrf, "expires_at": session.expires_at.isoformat()}
        answered(item(keys.session(session.id), body, expires_at=int(session.expires_at.timestamp())).save)

    def delete(self, session_id: str) -> None:
        """End a session."""
        answered(TableItem(*keys.session(session_id)).delete)
