"""*I'm on it*, and notes for the others: so that two people do not enter one visit."""

from msgspec import Struct

from ..domain.claims import Claim, Note
from ..domain.errors import RequestAlreadyAnswered, SomebodyElseIsOnIt, WriteConflict
from ..domain.identifiers import note_id
from ..ports import Clock, RequestRepository
from .membership import Membership


class ClaimRequest(Struct, frozen=True):
    """Staff say that they are on a request, or not any more. Safe to repeat."""

    membership: Membership
    requests: RequestRepository
    clock: Clock

    def __call__(self, slug: str, email: str, request_id: str, *, instead_of: str = "") -> Claim:
        """Be on it, though somebody (`instead_of`, an e-mail) was.

        Raises PracticeNotFound, RequestNotFound, Forbidden (a viewer), RequestAlreadyAnswered (nothing is left to enter),
        SomebodyElseIsOnIt.
        """
        by, now = self.membership.acting(slug, email).name, self.clock.now()
        if not self.requests.get(slug, request_id).pending:
            raise RequestAlreadyAnswered
        before = self._claim(slug, request_id)
        if before and before.holds(now):
            if before.by == by:
                return before
            if before.by != instead_of:
                raise SomebodyElseIsOnIt
        after = Claim(by, now)
        try:
            self.requests.claim(slug, request_id, before, after)
        except WriteConflict:
            found = self._claim(slug, request_id)
            if found and found.by == by:
                return found
            raise SomebodyElseIsOnIt from None
        return after

    def release(self, slug: str, email: str, request_id: str) -> None:
        """Be on it no more. Raises PracticeNotFound, RequestNotFound, Forbidden (a viewer)."""
        by = self.membership.acting(slug, email).name
        before = self._claim(slug, self.requests.get(slug, request_id).id)
        if before and before.by == by:
            try:
                self.requests.claim(slug, request_id, before, None)
            except WriteConflict:
                return  # somebody took it over, or we let it go twice

    def _claim(self, slug: str, request_id: str) -> Claim | None:
        """By key: a query more would be one more than the page that answers may take."""
        beside = self.requests.beside(slug, [request_id]).get(request_id)
        return beside.claim if beside else None


class WriteNote(Struct, frozen=True):
    """Staff leave a note on a request. Notes are kept as they are written; safe to repeat."""

    membership: Membership
    requests: RequestRepository
    clock: Clock

    def __call__(self, slug: str, email: str, request_id: str, text: str, key: str) -> Note:
        """Append a note, once however often the form that was shown with `key` comes with it.

        Raises PracticeNotFound, RequestNotFound, Forbidden (a viewer).
        """
        by = self.membership.acting(slug, email).name
        self.requests.get(slug, request_id)
        note = Note(self.clock.now(), by, text)
        self.requests.add_note(slug, request_id, note_id(by, key, text), note)
        return note
