"""Staff are told once that a source broke, and once that it is well again (product sections 5 and 6)."""

from dataclasses import dataclass, replace
from functools import partial

from ..domain.notices import LOOKED_EVERY, told
from ..ports import Clock, FeedRepository, NoticeRepository
from .settling import settle


@dataclass(frozen=True, slots=True)
class TellOfSource:
    """A source is broken while one of its feeds is. What it is told twice, or late, it tells once."""

    feeds: FeedRepository
    notices: NoticeRepository
    clock: Clock

    def __call__(self, practice: str, source_id: str) -> None:
        """Tell staff if a source is not what they believe of it. Raises StoreUnavailable."""
        settle(partial(self._look, practice, source_id), self.clock)

    def _look(self, practice: str, source_id: str) -> None:
        states = [one for one in self.feeds.of_practice(practice) if one.settings.source_id == source_id]
        broken, now = any(one.broken_since for one in states), self.clock.now()
        news = self.notices.news(practice, source_id)
        if broken is not news.broken:
            after, notice = told(news, now, broken=broken)
            # First the notice, which another one who sees the same names the same.
            self.notices.add(notice)
            self.notices.save_news(after)
        elif news.look_at and news.look_at <= now:
            self.notices.save_news(replace(news, look_at=now + LOOKED_EVERY, version=news.version + 1))
