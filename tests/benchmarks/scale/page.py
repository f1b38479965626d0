"""The words of docs/scale.md around what was counted."""

from collections.abc import Mapping

_PAGE = """# Scale, on paper

Written by `make scale`: no AWS, but a simulation of a stack second by second. It plays the product's own planner and wheel
(`PlanSyncs`, `spoke_of`, `spokes_due`, the spokes packed as the store packs them) against a model of EventBridge Scheduler,
an SQS FIFO queue, Lambda's pollers and sources; `tests/unit/test_scale.py` holds the model to hand-worked examples and to the
product's constants and template. **Nothing here was measured on AWS.** What is measured is the processor time of one
SendMessageBatch ({call} ms here, in the product's adapter) and of a pull that finds nothing new ({kept} ms over an open
connection, {anew} over a new one, without TLS), and the sizes of packed spokes.

![Left: entries seen within so many minutes, by interval. Right: the cost of a month by parts](pictures/scale.svg)

## Lag

From the moment that staff enter a visit (evenly in time) to the end of the pull that sees it, in minutes, of feeds whose
sources are well. Half of it is the interval, the rest Scheduler's jitter: two turns of a feed are up to a minute further
apart or closer than its interval. A minute that Scheduler loses adds an interval to the lags of the feeds that were due in it;
at one in 5,000 no 99th percentile shows it.

{lags}
## Beside slow and broken sources

Minutes, 2 % of sources each. A batch holds up to ten bundles, and all lanes of it wait for the slowest. Lags of
breaking sources count from an entry made while they were down, and include the back-off (up to an hour) once they are up;
outages that outlast the time played do not count.

{beside}
*Before* is a message for each pull. Three feeds of a source that hangs, in one batch, outlast the function's 120 s. It is stopped
({killed} times in the day played), its messages show again after 720 s, and until then no lane of the batch moves, healthy ones
included: {stale} pulls became stale. Now a lane stops where another pull as long as its longest would not fit ({left_off} pulls
were left to their next turn), and the feeds of a lane take turns at being first, so that none starves.

What remains: a lane that shares a bundle or a batch with one that hangs waits up to 105 s, which moves the longest lags of
healthy feeds. And a pull that hangs after shorter ones in its lane can still outlast the function here (in the hour of 100,000
feeds: {many_killed}); in the product the time that is left reaches `sources/http.py`, which begins no request after it.

## One account, many feeds

Feeds that a vendor serves through one account are one lane (rate budget, token): one pull after the other.

{accounts}
A lane carries what fits into a minute, with these latencies some 1,250 feeds every 5 minutes. Beyond that, pulls are left to
their next turn or dropped as stale, and nobody is told but the log and the metrics. An account that large needs a longer
interval, several lanes, or a source that is read whole instead of by provider.

## What broke, and was mended

{planning}
- **One item a spoke.** 100,000 feeds every minute do not fit into 400 KB, 100,000 every 5 minutes fit with little to spare, and
  less where names are longer. Worse, all practices write the same item against each other, at its whole size. A spoke is now
  spread over 64 items by practice, read with one query.
- **One call after the other.** Planning 2,000 calls with 256 MB of memory outlasts 20 s. The minute's rest ({never_sent} of all
  pulls) was never sent: Lambda's retries began at the same feed and ended at the same place. Calls now go out 8 side by side,
  with 1,024 MB and 50 s, and a call that fails no longer keeps back those behind it.
- **A message for each pull.** A minute of 100,000 feeds was 10,000 batches, which waited for pollers. Pulls now go out in
  bundles of about thirty: 1,000 feeds every 5 minutes are {bundles} messages a minute, which one worker takes.
- **300 calls a second for the whole queue.** `FifoThroughputLimit: perMessageGroupId` with
  `DeduplicationScope: messageGroup` (bundle and minute tell a repeat).
- **A function that is stopped** (above).

[ADR 0013](adr/0013-scale.md) and [ADR 0015b](adr/0015b-bundles.md) have the decisions.

## A month

{counts}
## Cost

Dollars a month. *Asking alone*: nothing changes, every source says "unchanged". *With changes*: {changes} changes a provider and
working day; each further change a provider and day costs ${a_change} a month for 1,000 providers in writes. *Beyond the free
tier*: an account's lasting free tier (1 million calls, 400,000 GB-seconds, 1 million SQS requests) taken off once.

{costs}
The fixed base stands apart: ${fixed} (key, firewall with one rule, {alarms} alarms). So do logs: ${logs} for 1,000 providers.

## Against the goals

- Lag every 5 minutes, p99 ≤ 6 min: {five_thousand} min at 1,000 feeds, {five_many} at 100,000, of sources that answer.
- Lag every minute, p99 ≤ 2 min: {one_thousand} min at 1,000 feeds, {one_many} at 100,000.
- Push (≤ 5 s) is not simulated here.
- Cost, ≤ $5 for 1,000 providers every 5 minutes where the source can say "unchanged": ${idle} at list prices (naive design:
  ${naive}); ${idle_free} where nothing else uses up the account's free tier. With a message for each pull, and what is trusted
  read anew for each connection, it was ${one_by_one}; with the latter mended, ${lighter}. What is left is the table's by half
  (a state read for each pull, a look back an hour, a heartbeat), and the worker's processor, which more memory
  does not make cheaper.
- Sources that are slow or hang are what is dear: with 2 % and 2 % of them asking alone costs ${mixed}, because a function that
  waits is paid for. A source that cannot say "unchanged" is read and digested each time: its schedule's size decides
  (docs/performance.md), and is not in this.

## What this does not know

- How Lambda's pollers really scale on a FIFO queue with thousands of groups: the documented numbers are for standard queues.
  We took them, and let pollers begin anew with five whenever the queue is empty; if FIFO is faster, lags shrink.
- Whether Scheduler's jitter is even and independent from minute to minute. In practice a schedule tends to fire at much the same
  second, which is better than this.
- How partitions of a high-throughput queue share 100,000 groups: taken as "not the limit".
- Which practices there are: another draw of their sizes moves costs by about 5 %, and what breaks beside them by more.
- Requests to KMS (DynamoDB keeps a table's key for minutes; cents), data transfer, storage, backups, streams.
- Throttling by sources. Whether the queue hands out all of a minute's bundles at once: documented is "as many as possible". Were
  each taken alone, a worker for each would cost what "one by one, lighter" does, divided by the lanes that are in a bundle.

## Assumptions

{assumed}
## Prices

{prices}
As AWS's public price lists had them, compared with public copies in November 2026; not fetched when this is run.
"""


def page(tables: Mapping[str, str], facts: Mapping[str, str]) -> str:
    """The page, of its tables in markdown and its numbers in words."""
    return _PAGE.format(**tables, **facts)
