"""What a batch of pulls did: one log line and its metrics. Counts and words only; no practice, provider or feed is named."""

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct

from .domain.events import SourceBroken, SourceWell
from .logs import log
from .metrics import emit
from .use_cases.sync_feed import Outcome, SyncReport

BROKE = "broke"
"""A bug: the message comes again. Its kind and place are logged where it is caught."""
UNANSWERED = "unanswered"
"""The table, or the store of credentials, did not answer: no bug, and its next turn comes."""
STALE = "stale"
"""Dropped unread, because it had waited too long."""
IDLE = frozenset({BROKE, UNANSWERED, STALE, Outcome.LEFT_OFF, Outcome.WAITING, Outcome.NO_SUCH_FEED})
"""Ends of which no time is told: the source was not asked, or nobody knows."""


def _camel(word: str) -> str:
    return "".join(part.capitalize() for part in word.split("_"))


ENDS: Mapping[str, str] = {end: f"Pulls{_camel(end)}" for end in (*Outcome, BROKE, UNANSWERED, STALE)}
"""How a pull ended → its metric."""
TOTALS: Mapping[str, str] = {
    "seen": "RowsPulled",
    "changed": "VisitsChanged",
    "confirmed": "RequestsMatched",
    "missing": "VisitsMissing",
    "set_aside": "RowsSetAside",
}
"""What a report counts → its metric."""


class Pull(Struct, frozen=True):
    """One pull of a batch: how it ended (a word of `ENDS`), what it did, seconds it took, and since it was due."""

    end: str
    report: SyncReport | None = None
    seconds: float = 0.0
    lag_seconds: float = 0.0


def tell(pulls: Sequence[Pull], again: int, seconds: float) -> None:
    """Log and count a batch that took `seconds`, and of which `again` messages come again."""
    reports = [pull.report for pull in pulls if pull.report]
    timed = [pull for pull in pulls if pull.end not in IDLE]
    ends = Counter(pull.end for pull in pulls)
    faults = Counter(report.failure for report in reports if report.outcome is Outcome.FAILED)
    totals = {name: sum(getattr(report, name) for report in reports) for name in TOTALS}
    events = [event for report in reports for event in report.events]
    broken = sum(isinstance(event, SourceBroken) for event in events)
    well = sum(isinstance(event, SourceWell) for event in events)
    log(
        "batch pulled",
        pulls=len(pulls),
        again=again,
        ends={str(end): number for end, number in ends.items()},
        faults=dict(faults),
        broken=broken,
        well=well,
        **totals,
        lag_seconds=round(max((pull.lag_seconds for pull in timed), default=0.0), 3),
        milliseconds=round(seconds * 1000),
    )
    emit(
        {
            **{ENDS[end]: number for end, number in ends.items()},
            **{metric: totals[name] for name, metric in TOTALS.items()},
            "SourcesBroken": broken,
            "SourcesWell": well,
        },
        {
            "PullLag": [pull.lag_seconds for pull in timed],
            "PullDuration": [pull.seconds for pull in timed],
        },
    )
