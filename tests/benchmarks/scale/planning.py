"""The product's wheel, filled for a scenario, and what planning one of its minutes takes.

`Wheel` is a FeedRepository as far as PlanSyncs asks for one: spokes by the product's own `spoke_of` and `spokes_due`, packed
as the store packs them.
"""

import json
import os
import random
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from math import ceil
from string import ascii_lowercase
from time import process_time
from typing import Any

from msgspec import Struct
from oneway import queues
from oneway.domain.feeds import PULLS_A_BUNDLE, FeedRef, bucket_of, bundled, spoke_of, spokes_due
from oneway.store.items import item
from oneway.store.keys import Key

from .assumptions import Assumptions, Design

MOST_ITEM_BYTES = 400 * 1024
FULL_PROCESSOR = 1769
"""MB of memory that come with one."""
_WORDS = (
    "harbor",
    "river",
    "oak",
    "lake",
    "north",
    "family",
    "dental",
    "health",
    "care",
    "spring",
    "clinic",
    "stone",
    "park",
)


def refs_of(feeds: int, seed: int, one_account: bool = False) -> list[FeedRef]:
    """Practices of one to forty providers, five on average, each with one source and so one lane (or one for all)."""
    chance, found = random.Random(seed), list[FeedRef]()
    while len(found) < feeds:
        slug = f"{'-'.join(chance.sample(_WORDS, 2))}-{_letters(chance, 4)}"
        source = chance.choice(("ehr", "main", "fhir"))
        for _ in range(min(40, 1 + int(chance.expovariate(1 / 4.5)))):
            name = f"{_letters(chance, 1)}-{_letters(chance, chance.randrange(5, 10))}"
            found.append(FeedRef(slug, f"{source}~{name}", "account" if one_account else f"{slug}~{source}"))
    return found[:feeds]


class Wheel(Struct, frozen=True, dict=True):
    """All feeds on one interval."""

    refs: Sequence[FeedRef]
    interval: int

    @cached_property
    def spokes(self) -> dict[tuple[int, int], list[FeedRef]]:
        """Feeds by (interval, spoke)."""
        found = defaultdict(list)
        for ref in self.refs:
            found[self.interval, spoke_of(ref.practice, ref.feed_id, self.interval)].append(ref)
        return dict(found)

    def due(self, minute: int) -> list[FeedRef]:
        """As ports.FeedRepository has it."""
        return [ref for spoke in spokes_due(minute) for ref in self.spokes.get(spoke, ())]

    def packed(self, buckets: int) -> dict[tuple[int, int], list[int]]:
        """The bytes of each item of each spoke."""
        found = {}
        for spoke, refs in self.spokes.items():
            by_bucket = defaultdict(list)
            for ref in refs:
                by_bucket[bucket_of(ref.practice) % buckets].append(ref)
            found[spoke] = [len(item(Key("", ""), group).body or b"") for group in by_bucket.values()]
        return found

    def read_units(self, design: Design) -> float:
        """Of planning one minute, on average: four queries (or, of one item a spoke, one consistent batch read)."""
        sizes = self.packed(design.buckets)
        per_minute = []
        for minute in range(self.interval):
            due = [sum(sizes.get(spoke, ())) for spoke in spokes_due(minute)]
            unit = 0.5 if design.buckets > 1 else 1.0
            per_minute.append(sum(max(1, ceil(size / 4096)) * unit for size in due))
        return sum(per_minute) / len(per_minute)


def seconds_a_call(messages: int = 5000) -> float:
    """Processor seconds that the product's queue adapter takes for one SendMessageBatch, on this machine; nothing is sent."""
    from botocore.awsrequest import AWSResponse

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        os.environ.setdefault(name, "test")
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    taken = [{"Id": str(n), "MessageId": "m" * 36, "MD5OfMessageBody": "a" * 32} for n in range(10)]

    class Body:
        def stream(self, **_: Any) -> Any:
            yield json.dumps({"Successful": taken}).encode()

    def answer(request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, 200, {"content-type": "application/x-amz-json-1.0"}, Body())

    queues._client.cache_clear()
    queues._client().meta.events.register("before-send.sqs.SendMessageBatch", answer)
    try:
        queue, refs = queues.SqsSyncQueue("https://sqs.us-east-1.amazonaws.com/1/syncs.fifo"), refs_of(messages, 1)
        bundles = messages // PULLS_A_BUNDLE
        queue.send(refs[:100], 0, bundles)
        began = process_time()
        queue.send(refs, 1, bundles)
        return (process_time() - began) / (len(bundled(refs, bundles)) / 10)
    finally:
        queues._client.cache_clear()


class Sending(Struct, frozen=True):
    """How fast a planner sends, and until when it may."""

    seconds_a_call: float
    calls_a_second: float
    timeout: float

    @classmethod
    def of(cls, design: Design, assumed: Assumptions, processor: float) -> "Sending":
        """One thread at a time computes, all of them wait."""
        own = processor * FULL_PROCESSOR / min(design.plan_memory, FULL_PROCESSOR)
        rate = min(design.side_by_side / (own + assumed.send_call), 1 / own, design.calls_a_second)
        return cls(own + assumed.send_call, rate, design.plan_timeout)

    def call_ends(self, number: int) -> float:
        """Seconds from the first call to the end of one, counted from 0."""
        return number / self.calls_a_second + self.seconds_a_call


def _letters(chance: random.Random, number: int) -> str:
    return "".join(chance.choices(ascii_lowercase, k=number))
