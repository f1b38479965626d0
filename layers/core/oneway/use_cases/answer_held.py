"""Staff say what it means that much of a schedule vanished at once (product section 5)."""

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from ..domain.feeds import FeedState, VanishedAnswer
from ..domain.practice_events import PracticeEvent, PracticeHappening
from ..ports import Clock, FeedRepository
from .membership import Membership
from .settling import settle

_TOLD = {
    VanishedAnswer.ACCEPT: PracticeHappening.VANISHED_ACCEPTED,
    VanishedAnswer.KEEP: PracticeHappening.VANISHED_KEPT,
}


class AnswerHeld(Struct, frozen=True):
    """*Accept*: the visits are gone, so the pull goes its usual way. *Keep*: they stay as they are, and the rest goes on."""

    feeds: FeedRepository
    clock: Clock

    def __call__(
        self, practice: str, feed_id: str, answer: VanishedAnswer, *, who: str = "", since: datetime | None = None
    ) -> bool:
        """Answer a pull that is held, with an entry of the practice's timeline; whether there was one. The next pull does
        what was said. `who` is a staff member (empty: an operator); with `since` only what is held since then is answered, and
        nobody's other answer is replaced.
        """
        return settle(lambda: self._answer(self.feeds.get(practice, feed_id), answer, who, since), self.clock)

    def _answer(self, state: FeedState | None, answer: VanishedAnswer, who: str, since: datetime | None) -> bool:
        if state is None or state.held is None or since not in (None, state.held.since):
            return False
        if state.answer not in (None, answer) and since:
            return False
        if state.answer is not answer:
            held, now = state.held, self.clock.now()
            event = PracticeEvent(
                f"{state.settings.feed_id}~{state.version + 1}",
                now,
                who,
                _TOLD[answer],
                held.provider_id,
                f"{held.vanished}/{held.of}",
            )
            self.feeds.save(state, replace(state, answer=answer), event)
        return True


class AnswerHeldByStaff(Struct, frozen=True):
    """What staff say on the Integration page."""

    membership: Membership
    answer_held: AnswerHeld

    def __call__(self, slug: str, email: str, feed_id: str, since: datetime, answer: VanishedAnswer) -> bool:
        """Answer what is held since an instant; whether it still was. Raises PracticeNotFound, Forbidden (a viewer)."""
        actor = self.membership.acting(slug, email)
        return self.answer_held(slug, feed_id, answer, who=actor.name, since=since)
