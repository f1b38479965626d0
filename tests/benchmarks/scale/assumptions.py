"""Everything that the simulation assumes, in one place: what was measured, what AWS documents, what is a guess.

AWS's numbers are from its public documentation, as it stood when this was written (November 2026):
- Scheduler fires within its minute, 60 s of precision (Scheduler user guide, "Schedule types"), at least once.
- SQS calls five batches at a time at first and up to 300 more a minute, 1,000 at most (Lambda developer guide, "Configuring
  scaling behavior for SQS event source mappings", which says so of standard queues; of FIFO queues that they scale to the
  number of active groups. We take the slower of both).
- FIFO queues take 300 calls a second of each kind, many times that with high throughput; they hand out as many messages of
  one group as they can, then of others (SQS developer guide, "Message quotas", "FIFO delivery logic").
- 1,769 MB of a function are one processor (Lambda developer guide, "Memory").
"""

from msgspec import Struct
from msgspec.structs import replace

HOURS_A_MONTH = 730.0
OFFICE_HOURS_A_MONTH = 220.0
"""22 working days of ten hours, in which visits change; in the others nothing does."""
OFFICE = (8, 18)


class Assumptions(Struct, frozen=True):
    """Seconds, read and write units. Guesses are on the slow side, where there is one."""

    # The schedule: a minute fires anywhere within itself; now and then one is lost, or comes twice.
    jitter: float = 60.0
    minutes_lost: float = 1 / 5000
    minutes_twice: float = 1 / 1000

    # The functions. Starting: docs/performance.md, "Cold start", 223 ms × 1.13 on a whole processor, tripled.
    cold_start: float = 0.75
    kept_warm: float = 300.0
    receive: float = 0.02
    delete: float = 0.02
    batch_overhead: float = 0.01
    pull_overhead: float = 0.02
    """Of one pull, waiting, without the source: reading the state, logging."""
    connecting: float = 0.002
    """Processor seconds of a TLS handshake (0.6 ms measured with a short chain)."""
    send_call: float = 0.012
    """One SendMessageBatch, waiting; its processor time is measured (planning.py)."""
    polling_calls_a_minute: float = 15.0
    """Five pollers that wait 20 s each while the queue is empty."""

    # The sources: log-normal, as a conditional GET with a new TLS connection is.
    latency: float = 0.15
    latency_kept: float = 0.10
    """Over a connection that is open: two or three round trips less."""
    latency_sigma: float = 0.6
    slow_latency: float = 8.0
    hang: float = 46.0
    """Three tries of READ_SECONDS without a byte, and the pauses between them (sources/http.py)."""
    refusal: float = 1.0
    applying: float = 0.35
    """What a pull with changes takes longer: the whole answer, digests, transactions, matching."""
    looking_back: float = 0.15
    changes_a_day: float = 30.0
    """Of a provider, on a working day: some twenty visits, of which each is entered and half change once more."""
    down_for: float = 3600.0
    up_for: float = 7200.0
    """Of a source that breaks now and then, on average (exponential)."""

    # Units of a pull: docs/performance.md, "DynamoDB". tests/integration/test_units.py holds them to what is measured.
    state_read: float = 0.5
    state_written: float = 1.0
    look_back_read: float = 4.0
    digests_read: float = 5.0
    """By a pull with changes, with the practice."""
    digests_written: float = 2.0
    """A week of some fifty visits; two weeks are seldom in one pull."""
    read_a_change: float = 4.5
    written_a_visit: float = 10.0
    """One that is entered: it and its day in a transaction, two units each, and six entries of indexes."""
    written_a_change: float = 6.0
    """One that is cancelled, with its day. One that arrives leaves its day as it is, and is less."""
    entered: float = 2 / 3
    """Of changes, the share that are visits entered; see `changes_a_day`."""

    log_bytes_a_pull: int = 260
    log_bytes_an_invocation: int = 420

    @property
    def written_on_average(self) -> float:
        """Of a change of any kind, without digests and state."""
        return self.entered * self.written_a_visit + (1 - self.entered) * self.written_a_change


class Prices(Struct, frozen=True):
    """Dollars, us-east-1, arm64, on demand, without the free tier.

    As AWS's public price lists had them (DynamoDB since November 2024; compared with public copies in November 2026).
    """

    read_unit: float = 0.125e-6
    write_unit: float = 0.625e-6
    invocation: float = 0.20e-6
    gb_second: float = 13.3334e-6
    sqs_fifo_request: float = 0.50e-6
    scheduler_invocation: float = 1.00e-6
    log_gb: float = 0.50
    key: float = 1.00
    firewall: float = 5.00
    firewall_rule: float = 1.00
    alarm: float = 0.10


class Design(Struct, frozen=True):
    """What the product does that scale depends on. `buckets` of a spoke; `memory` in MB; `timeout` in seconds."""

    name: str
    buckets: int
    plan_memory: int
    plan_timeout: float
    side_by_side: int
    calls_a_second: float
    lanes_end_in_time: bool
    sync_memory: int = 512
    sync_timeout: float = 120.0
    reserved: float = 15.0
    visibility: float = 720.0
    receives: int = 3
    batch: int = 10
    bundled: bool = False
    lanes_at_once: int = 10
    processor: float = 0.031
    """Seconds of a whole processor that a pull takes which finds nothing new (measured by asking.py; of these, 27 ms were for
    reading whom we trust).
    """
    keeps_connections: bool = False


BEFORE = Design("before", 1, 256, 20, 1, 300, False)
ALONE = Design("one by one", 64, 1024, 50, 8, 3000, True)
"""A message for each pull, and what a connection has to be trusted by read anew each time: until ADR 0015b.

3,000 calls a second stand for "not the limit": high throughput is documented at several thousand in us-east-1.
"""
LIGHT = replace(ALONE, name="one by one, lighter", processor=0.0035, keeps_connections=True)
"""The same, with a trust that is read once and connections that are kept."""
AFTER = replace(LIGHT, name="after", bundled=True, lanes_at_once=16)
"""In bundles."""


class Scenario(Struct, frozen=True):
    """So many feeds, on one interval, for so many hours from an hour of the day on; shares are of sources."""

    title: str
    feeds: int
    interval: int
    begins: float
    hours: float
    slow: float = 0.0
    breaking: float = 0.0
    seed: int = 1
    changes: bool = True
    one_account: bool = False
    """Whether all practices read through one account of one vendor, which makes them one lane."""
