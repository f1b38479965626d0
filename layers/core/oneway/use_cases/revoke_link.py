"""A private link is in wrong hands: no link that was made so far opens the request any more (product section 6)."""

from functools import partial

from msgspec import Struct

from ..domain.errors import WriteConflict
from ..domain.requests import Request, with_new_link
from ..ports import Clock, MessageRepository, RequestRepository
from .settling import settle


class RevokeLink(Struct, frozen=True):
    """The next message brings another link."""

    requests: RequestRepository
    messages: MessageRepository
    clock: Clock

    def __call__(self, slug: str, request_id: str) -> Request:
        """Revoke. Raises RequestNotFound, StoreUnavailable."""
        return settle(partial(self._revoke, slug, request_id), self.clock)

    def _revoke(self, slug: str, request_id: str) -> Request:
        request = self.requests.get(slug, request_id)
        revoked = self.messages.settle(request, with_new_link(request))
        if revoked is None:
            raise WriteConflict
        return revoked
