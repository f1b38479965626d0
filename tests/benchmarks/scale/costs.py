"""What a month costs, of counted units; and what the same pulls cost in the naive design of goals.md."""

from msgspec import Struct
from msgspec.structs import fields, replace

from .assumptions import HOURS_A_MONTH, Prices


class Usage(Struct):
    """Counts of anything, of an hour or a month."""

    pulls: float = 0
    read: float = 0
    written: float = 0
    invocations: float = 0
    gb_seconds: float = 0
    sqs: float = 0
    scheduler: float = 0
    log_bytes: float = 0

    def __mul__(self, factor: float) -> "Usage":
        return Usage(*(getattr(self, one.name) * factor for one in fields(self)))

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


class Cost(Struct, frozen=True):
    """Dollars, by what they are paid for; logs stand apart, goals.md speaks of functions, queues and the table."""

    functions: float
    queues: float
    reads: float
    writes: float
    logs: float

    @property
    def total(self) -> float:
        """Lambda (with the schedule that calls it), queues, table."""
        return self.functions + self.queues + self.reads + self.writes


def cost(usage: Usage, prices: Prices) -> Cost:
    """Of counted units."""
    return Cost(
        usage.invocations * prices.invocation
        + usage.gb_seconds * prices.gb_second
        + usage.scheduler * prices.scheduler_invocation,
        usage.sqs * prices.sqs_fifo_request,
        usage.read * prices.read_unit,
        usage.written * prices.write_unit,
        usage.log_bytes / 1e9 * prices.log_gb,
    )


def beyond_free_tier(usage: Usage) -> Usage:
    """What is left of a month once AWS's lasting free tier is used up: Lambda's 1 million calls and 400,000 GB-seconds, a
    million SQS requests, 14 million of Scheduler's. It is an account's, not a stack's.
    """
    return replace(
        usage,
        invocations=max(0.0, usage.invocations - 1e6),
        gb_seconds=max(0.0, usage.gb_seconds - 400_000),
        sqs=max(0.0, usage.sqs - 1e6),
        scheduler=max(0.0, usage.scheduler - 14e6),
    )


def naive(feeds: int, interval: int) -> Usage:
    """A month where every pull is an invocation of its own, takes the whole answer, reads all that is stored to compare it
    (goals.md: 490 read units) and writes that it was there.
    """
    pulls = feeds * HOURS_A_MONTH * 60 / interval
    return Usage(pulls, pulls * 490, pulls, pulls, pulls * 1.5 * 0.5, pulls * 3, pulls, pulls * 680)


def fixed(prices: Prices, alarms: int, rules: int = 1) -> float:
    """What a stack costs without a single feed, besides the minutes of its schedules: key, firewall, alarms."""
    return prices.key + prices.firewall + rules * prices.firewall_rule + alarms * prices.alarm
