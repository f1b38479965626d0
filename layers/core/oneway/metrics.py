"""What functions count, for CloudWatch: lines on standard output in its embedded metric format, and no call.

The only dimension is the function's service. Which practice, provider, feed or source it was never is one: it would tell who
uses the product to whoever may read metrics, and each would be paid for like all of these together.
"""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence

_MOST_VALUES = 100
"""Of a metric in a line (the format's specification)."""


def emit(counts: Mapping[str, int], seconds: Mapping[str, Sequence[float]] | None = None) -> None:
    """Write what is not zero. `seconds` are single spans, of which CloudWatch makes percentiles.

    Zeros are left out because a metric is paid for in the hours in which it is written. Namespace and service come from the
    environment (POWERTOOLS_METRICS_NAMESPACE, POWERTOOLS_SERVICE_NAME).
    """
    values = {name: ("Count", [number]) for name, number in counts.items() if number}
    spans = {name: [round(one, 3) for one in found] for name, found in (seconds or {}).items()}
    for part in _parts({name: found for name, found in spans.items() if found}):
        _write({**values, **{name: ("Seconds", found) for name, found in part.items()}})
        values = {}
    if values:
        _write(values)


def _parts(spans: Mapping[str, Sequence[float]]) -> Iterator[Mapping[str, Sequence[float]]]:
    for first in range(0, max(map(len, spans.values()), default=0), _MOST_VALUES):
        some = {name: found[first : first + _MOST_VALUES] for name, found in spans.items()}
        yield {name: found for name, found in some.items() if found}


def _write(metrics: Mapping[str, tuple[str, Sequence[float]]]) -> None:
    directive = {
        "Namespace": os.environ["POWERTOOLS_METRICS_NAMESPACE"],
        "Dimensions": [["service"]],
        "Metrics": [{"Name": name, "Unit": unit} for name, (unit, _) in metrics.items()],
    }
    line = {
        "_aws": {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": [directive]},
        "service": os.environ["POWERTOOLS_SERVICE_NAME"],
        **{name: found for name, (_, found) in metrics.items()},
    }
    sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")
    sys.stdout.flush()
