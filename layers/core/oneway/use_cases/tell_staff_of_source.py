"""Staff are told once that a source broke, and once that it is well again (product sections 5 and 6)."""

from msgspec import Struct

from ..domain.events import HealthEvent
from ..domain.notices import of_source
from ..ports import Clock, NoticeRepository


class TellStaffOfSource(Struct, frozen=True):
    """A consumer of `tell_health`: told of a turn twice, it makes one notice."""

    notices: NoticeRepository
    clock: Clock

    def __call__(self, event: HealthEvent) -> None:
        """Have staff told. Raises StoreUnavailable."""
        self.notices.add(of_source(event, self.clock.now()))
