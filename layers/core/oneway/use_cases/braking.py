"""Whether a pull is held: too much vanished at once, and staff have not said what that means (product section 5)."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from ..domain.comparing import Comparison, DigestWeek, starts_of
from ..domain.feeds import FeedSettings, FeedState
from ..domain.vanishing import Held, held

ProvidersOf = Callable[[FeedSettings, Iterable[str]], Mapping[str, str]]
"""Whose visits these are, by appointment id."""


def braked(
    settings: FeedSettings,
    stored: Mapping[str, DigestWeek],
    found: Comparison,
    providers_of: ProvidersOf,
    now: datetime,
) -> Held | None:
    """Whether too much vanished at once: told from what is stored, for a source that stumbles is asked for nothing more."""
    if len(found.absent_once) < settings.brake.visits:
        return None
    provider_of = providers_of(settings, [*found.absent_once, *found.known])
    starts = starts_of(stored, set(found.known))
    present = [(provider_of[one], start) for one, start in starts.items() if one in provider_of]
    return held(found.absent_once, present, provider_of, settings.brake, now)


def is_answered(state: FeedState, found: Held) -> bool:
    """Whether staff have said what it means that just these visits vanished."""
    return bool(state.answer and state.held and state.held.covers(found.visits))
