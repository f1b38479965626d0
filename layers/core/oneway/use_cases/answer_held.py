"""Staff say what it means that much of a schedule vanished at once (product section 5)."""

from dataclasses import dataclass, replace

from ..domain.feeds import FeedState, VanishedAnswer
from ..ports import Clock, FeedRepository
from .settling import settle


@dataclass(frozen=True, slots=True)
class AnswerHeld:
    """*Accept*: the visits are gone, so the pull goes its usual way. *Keep*: they stay as they are, and the rest goes on."""

    feeds: FeedRepository
    clock: Clock

    def __call__(self, practice: str, feed_id: str, answer: VanishedAnswer) -> bool:
        """Answer a pull that is held; whether there was one. The next pull does what was said."""
        return settle(lambda: self._answer(self.feeds.get(practice, feed_id), answer), self.clock)

    def _answer(self, state: FeedState | None, answer: VanishedAnswer) -> bool:
        if state is None or state.held is None:
            return False
        if state.answer is not answer:
            self.feeds.save(state, replace(state, answer=answer))
        return True
