"""Staff say what it means that much of a schedule vanished at once (product section 5)."""

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from ..domain.errors import VanishedAlreadyAnswered
from ..domain.feeds import FeedState, VanishedAnswer
from ..domain.practice_events import PracticeEvent, PracticeHappening
from ..ports import Clock, FeedRepository, PracticeEventRepository
from .membership import Membership
from .settling import settle

_TOLD = {
    VanishedAnswer.ACCEPT: PracticeHappening.VANISHED_ACCEPTED,
    VanishedAnswer.KEEP: PracticeHappening.VANISHED_KEPT,
}
_ENTRIES = 50
"""In the timeline: an answer is looked for among so many of the latest."""


class AnswerHeld(Struct, frozen=True):
    """*Accept*: the visits are gone, so the pull goes its usual way. *Keep*: they stay as they are, and the rest goes on."""

    feeds: FeedRepository
    events: PracticeEventRepository
    clock: Clock

    def __call__(
        self, practice: str, feed_id: str, answer: VanishedAnswer, *, who: str = "", since: datetime | None = None
    ) -> bool:
        """Answer a pull that is held, with an entry of the practice's timeline; whether there was one. The next pull does
        what was said. `who` is a staff member (empty: an operator); with `since` only what is held since then is answered.

        Raises VanishedAlreadyAnswered where somebody else has said otherwise.
        """
        held = settle(lambda: self._answer(self.feeds.get(practice, feed_id), answer, who, since), self.clock)
        if not held and since and (known := self._last(practice, feed_id, since)):
            self._agree(known, answer)
        return held

    def _answer(self, state: FeedState | None, answer: VanishedAnswer, who: str, since: datetime | None) -> bool:
        if state is None or state.held is None or since not in (None, state.held.since):
            return False
        if state.answer is answer:
            return True
        held, now, settings = state.held, self.clock.now(), state.settings
        if state.answer:
            known = self._last(settings.practice, settings.feed_id, held.since)
            if known is None or known.who != who:
                raise VanishedAlreadyAnswered(state.answer, known.who if known else "")
        event = PracticeEvent(
            f"{settings.feed_id}~{state.version + 1}",
            now,
            who,
            _TOLD[answer],
            held.provider_id,
            f"{held.vanished}/{held.of}",
        )
        self.feeds.save(state, replace(state, answer=answer), event)
        return True

    def _last(self, practice: str, feed_id: str, since: datetime) -> PracticeEvent | None:
        """The last answer to what is held since an instant."""
        latest = self.events.latest(practice, _ENTRIES)
        of_feed = (one for one in latest if one.id.rpartition("~")[0] == feed_id and one.at >= since)
        return next((one for one in of_feed if one.what in _TOLD.values()), None)

    def _agree(self, known: PracticeEvent, answer: VanishedAnswer) -> None:
        """Raise where the answer that was given is another one."""
        for one, what in _TOLD.items():
            if known.what == what and one is not answer:
                raise VanishedAlreadyAnswered(one, known.who)


class AnswerHeldByStaff(Struct, frozen=True):
    """What staff say on the Integration page."""

    membership: Membership
    answer_held: AnswerHeld

    def __call__(self, slug: str, email: str, feed_id: str, since: datetime, answer: VanishedAnswer) -> bool:
        """Answer what is held since an instant; whether it still was.

        Raises PracticeNotFound, Forbidden (a viewer), VanishedAlreadyAnswered.
        """
        actor = self.membership.acting(slug, email)
        return self.answer_held(slug, feed_id, answer, who=actor.name, since=since)
