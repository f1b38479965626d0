"""What functions count, for CloudWatch: one line on standard output in its embedded metric format, and no call.

The only dimension is the function's service. Which practice, provider, feed or source it was never is one: it would tell who
uses the product to whoever may read metrics, and each would be paid for like all of these together.
"""

from collections.abc import Mapping, Sequence

from aws_lambda_powertools.metrics import Metrics, MetricUnit


def emit(
    counts: Mapping[str, int], seconds: Mapping[str, Sequence[float]] | None = None, service: str | None = None
) -> None:
    """Write what is not zero. `seconds` are single spans, of which CloudWatch makes percentiles.

    Zeros are left out because a metric is paid for in the hours in which it is written. Namespace and service come from the
    environment (POWERTOOLS_METRICS_NAMESPACE, POWERTOOLS_SERVICE_NAME). `service` is another one, where two functions count the
    same thing: one metric, and one alarm.
    """
    metrics, written = Metrics(service=service), False
    for name, number in counts.items():
        if number:
            metrics.add_metric(name, MetricUnit.Count, number)
            written = True
    for name, spans in (seconds or {}).items():
        for span in spans:
            metrics.add_metric(name, MetricUnit.Seconds, round(span, 3))
            written = True
    if written:
        metrics.flush_metrics()
