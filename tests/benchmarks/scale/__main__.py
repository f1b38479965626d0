"""`make scale`: 10, 1,000 and 100,000 feeds in simulated time; shown, and written to docs/scale.md with its picture."""

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from time import perf_counter

from msgspec import Struct
from oneway.domain.feeds import bundles_for
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.template_file import WATCHING

from .asking import seconds_an_asking
from .assumptions import AFTER, ALONE, BEFORE, LIGHT, Assumptions, Design, Prices, Scenario
from .costs import Cost, Usage, beyond_free_tier, cost, fixed, naive
from .page import page
from .picture import Curve, drawn
from .planning import FULL_PROCESSOR, MOST_ITEM_BYTES, Sending, Wheel, refs_of, seconds_a_call
from .simulation import Kind, Result, Simulation

ROOT = Path(__file__).parents[3]
WRITTEN = ROOT / "docs/scale.md"
PICTURE = ROOT / "docs/pictures/scale.svg"
ALARMS = sum(one["Type"] == "AWS::CloudWatch::Alarm" for one in WATCHING["Resources"].values())
GOALS = {1: 2.0, 5: 6.0}
"""Interval → minutes that the 99th percentile of the lag may take (goals.md)."""
MOST_DOLLARS = 5.0

PLAIN = {
    "ten": Scenario("10 feeds", 10, 5, 0, 24),
    "thousand": Scenario("1,000 feeds", 1000, 5, 0, 24),
    "many": Scenario("100,000 feeds", 100_000, 5, 17.5, 1),
    "minute": Scenario("1,000 feeds", 1000, 1, 12, 12),
    "quarter": Scenario("1,000 feeds", 1000, 15, 0, 24),
    "hour": Scenario("1,000 feeds", 1000, 60, 0, 24),
    "many_minute": Scenario("100,000 feeds", 100_000, 1, 17.875, 0.25),
}
MIXED = Scenario("1,000 feeds, 2 % of sources slow, 2 % breaking", 1000, 5, 0, 24, 0.02, 0.02)
MANY_MIXED = Scenario("100,000 feeds, 2 % of sources slow, 2 % breaking", 100_000, 5, 17.5, 1, 0.02, 0.02)
ACCOUNTS = [
    Scenario(f"{feeds:,} feeds of one account", feeds, 5, 12, 12, one_account=True) for feeds in (1000, 1250, 1500)
]
out = Console()


class Listed(Struct, frozen=True):
    """A table of the page."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]

    def show(self) -> None:
        """On the terminal."""
        shown = Table(*self.headings, title=self.title)
        for cells in self.rows:
            shown.add_row(*(cell.replace("**", "") for cell in cells))
        out.print(shown)

    def markdown(self) -> str:
        """For the page."""
        lines = [f"| {' | '.join(self.headings)} |", "|" + " --- |" * len(self.headings)]
        return "\n".join([*lines, *(f"| {' | '.join(cells)} |" for cells in self.rows)]) + "\n"


class Player(Struct):
    """Plays scenarios under the same assumptions, with a bar for each."""

    assumed: Assumptions
    processor: float
    progress: Progress

    def __call__(self, scenario: Scenario, design: Design = AFTER) -> Result:
        """One scenario."""
        task = self.progress.add_task(f"{scenario.title}, every {scenario.interval} min, {design.name}", total=1.0)
        return Simulation(scenario, design, self.assumed, self.processor).run(
            lambda share: self.progress.update(task, completed=share)
        )


def main() -> None:
    """Play, show and write everything."""
    began = perf_counter()
    assumed, prices = Assumptions(), Prices()
    with out.status("Measure one call to the queue"):
        processor = seconds_a_call()
    with out.status("Measure a pull that finds nothing new"):
        kept, anew = seconds_an_asking()
    with Progress(console=out, transient=True) as progress:
        play = Player(assumed, processor, progress)
        alone = {name: play(scenario) for name, scenario in PLAIN.items()}
        steps = [play(PLAIN["thousand"], design) for design in (ALONE, LIGHT)]
        cut = play(Scenario("100,000 feeds", 100_000, 5, 17.75, 0.5), BEFORE)
        mixed = [play(MIXED, design) for design in (BEFORE, AFTER)]
        many_mixed = play(MANY_MIXED)
        accounts = [play(scenario) for scenario in ACCOUNTS]
    tables = {
        "lags": _lags(list(alone.values())),
        "beside": _beside([*mixed, many_mixed]),
        "accounts": _accounts(accounts),
        "planning": _planning(assumed, processor),
        "counts": _counts([alone[name] for name in ("ten", "thousand", "minute", "many")]),
        "costs": _costs(alone, steps, mixed[1], prices),
        "assumed": _assumed(assumed),
        "prices": _prices(prices),
    }
    for table in tables.values():
        table.show()
    curves = [Curve(r.scenario.interval, r.lags[Kind.HEALTHY], GOALS.get(r.scenario.interval)) for r in _curves(alone)]
    thousand = alone["thousand"]
    bars = [
        ("asking\nalone", cost(thousand.idle_month, prices)),
        ("with\nchanges", cost(thousand.month, prices)),
        ("with changes,\nfree tier off", cost(beyond_free_tier(thousand.month), prices)),
    ]
    PICTURE.write_text(drawn(curves, bars, MOST_DOLLARS))
    facts = {
        "kept": f"{kept * 1000:.1f}",
        "anew": f"{anew * 1000:.1f}",
        "call": f"{processor * 1000:.2f}",
        "never_sent": f"{cut.never_sent / (100_000 / 5 * cut.scenario.hours * 60):.0%}",
        "killed": f"{mixed[0].killed}",
        "stale": f"{mixed[0].stale:,}",
        "left_off": f"{mixed[1].left_off}",
        "fixed": f"{fixed(prices, ALARMS):.2f}",
        "alarms": str(ALARMS),
        "logs": f"{cost(thousand.month, prices).logs:.2f}",
        "idle": f"{cost(thousand.idle_month, prices).total:.2f}",
        "idle_free": f"{cost(beyond_free_tier(thousand.idle_month), prices).total:.2f}",
        "one_by_one": f"{cost(steps[0].idle_month, prices).total:.2f}",
        "lighter": f"{cost(steps[1].idle_month, prices).total:.2f}",
        "bundles": f"{bundles_for(200, 1)}",
        "naive": f"{cost(naive(1000, 5), prices).total:,.0f}",
        "a_change": f"{assumed.written_on_average * prices.write_unit * 1000 * 22:.3f}",
        "changes": f"{assumed.changes_a_day:g}",
        "many_killed": str(many_mixed.killed),
        "five_thousand": _p99(thousand),
        "five_many": _p99(alone["many"]),
        "one_thousand": _p99(alone["minute"]),
        "one_many": _p99(alone["many_minute"]),
        "mixed": f"{cost(mixed[1].idle_month, prices).total:.2f}",
    }
    WRITTEN.write_text(page({name: table.markdown() for name, table in tables.items()}, facts))
    out.print(f"written to {WRITTEN.relative_to(ROOT)}, {perf_counter() - began:.0f} s")


def _curves(alone: dict[str, Result]) -> list[Result]:
    return [alone[name] for name in ("minute", "thousand", "quarter")]


def _minutes(seconds: float) -> str:
    return "–" if seconds != seconds else f"{seconds / 60:.1f}"


def _p99(result: Result) -> str:
    return _minutes(result.lags[Kind.HEALTHY].percentile(0.99))


def _spread(result: Result, kind: Kind = Kind.HEALTHY) -> list[str]:
    lags = result.lags[kind]
    return [*(_minutes(lags.percentile(share)) for share in (0.5, 0.95, 0.99)), _minutes(lags.longest)]


def _lags(results: Sequence[Result]) -> Listed:
    rows = []
    for one in results:
        scenario, goal = one.scenario, GOALS.get(one.scenario.interval)
        reached = goal and one.lags[Kind.HEALTHY].percentile(0.99) <= goal * 60
        verdict = ["≤ " + f"{goal:g}", "yes" if reached else "**no**"] if goal else ["", ""]
        rows.append(
            [
                scenario.title,
                f"{scenario.interval} min",
                f"{scenario.hours:g} h",
                *_spread(one),
                f"{one.most_waiting:,}",
                str(one.most_at_once),
                *verdict,
            ]
        )
    return Listed(
        "Lag from staff's entry to “Confirmed”, minutes",
        (
            "feeds",
            "every",
            "played",
            "p50",
            "p95",
            "p99",
            "longest",
            "most waiting",
            "batches at once",
            "goal p99",
            "reached",
        ),
        rows,
    )


def _beside(results: Sequence[Result]) -> Listed:
    rows = [
        [one.scenario.title, one.design.name, kind.name.lower(), *_spread(one, kind)]
        + ([str(one.killed), str(one.stale), str(one.left_off)] if kind is Kind.HEALTHY else ["", "", ""])
        for one in results
        for kind in Kind
    ]
    headings = ("feeds", "design", "sources", "p50", "p95", "p99", "longest", "functions stopped", "stale", "left off")
    return Listed("Beside slow and broken sources, minutes", headings, rows)


def _accounts(results: Sequence[Result]) -> Listed:
    rows = [[one.scenario.title, *_spread(one), f"{one.stale:,}", f"{one.left_off:,}"] for one in results]
    headings = ("feeds", "p50", "p95", "p99", "longest", "stale pulls", "left off")
    return Listed("One lane for all, every 5 minutes", headings, rows)


def _planning(assumed: Assumptions, processor: float) -> Listed:
    rows = []
    for feeds, interval in ((1000, 5), (100_000, 5), (100_000, 1)):
        wheel = Wheel(refs_of(feeds, 1), interval)
        for design in (BEFORE, ALONE, AFTER):
            largest = max(max(sizes) for sizes in wheel.packed(design.buckets).values())
            sending = Sending.of(design, assumed, processor)
            calls = ceil((bundles_for(feeds // interval, 1) if design.bundled else feeds / interval) / 10)
            takes = sending.call_ends(calls - 1)
            rows.append(
                [
                    f"{feeds:,} every {interval} min",
                    design.name,
                    f"{largest / 1024:,.1f}" if largest <= MOST_ITEM_BYTES else f"**{largest / 1024:,.0f}**",
                    f"{ceil(largest / 1024):,}",
                    f"{wheel.read_units(design):.0f}",
                    f"{calls:,}",
                    f"{takes:.1f}" if takes <= design.plan_timeout else f"**{takes:.0f}**",
                    f"{design.plan_timeout:g}",
                ]
            )
    headings = (
        "feeds",
        "design",
        "largest item, KB (of 400)",
        "units to enter a feed",
        "units read a minute",
        "calls a minute",
        "seconds they take",
        "seconds there are",
    )
    return Listed("Planning a minute", headings, rows)


def _counts(results: Sequence[Result]) -> Listed:
    rows = []
    for one in results:
        month = one.month
        counts = (month.pulls, month.read, month.written, month.invocations, month.gb_seconds, month.sqs)
        rows.append(
            [one.scenario.title, f"{one.scenario.interval} min", *(f"{number / 1e6:,.2f}" for number in counts)]
        )
    headings = ("feeds", "every", "pulls", "read units", "write units", "invocations", "GB-seconds", "SQS requests")
    return Listed("A month, millions", headings, rows)


def _costs(alone: dict[str, Result], steps: Sequence[Result], mixed: Result, prices: Prices) -> Listed:
    thousand = alone["thousand"]

    def row(what: str, usage: Usage, free: bool = True) -> list[str]:
        found = cost(usage, prices)
        left = f"{cost(beyond_free_tier(usage), prices).total:,.2f}" if free else ""
        return [what, *_parts(found), f"{found.total:,.2f}", left]

    rows = [
        row("1,000 every 5 min, asking alone", thousand.idle_month),
        row("1,000 every 5 min, with changes", thousand.month),
        row("1,000 every 5 min, asking alone, 2 % slow, 2 % breaking", mixed.idle_month),
        *(row(f"1,000 every 5 min, asking alone, {step.design.name}", step.idle_month) for step in steps),
        row("1,000 every 15 min, with changes", alone["quarter"].month),
        row("1,000 every 60 min, with changes", alone["hour"].month),
        row("1,000 every minute, with changes", alone["minute"].month),
        row("10 every 5 min, with changes", alone["ten"].month),
        row("100,000 every 5 min, with changes", alone["many"].month),
        row("1,000 every 5 min, naive design", naive(1000, 5), free=False),
    ]
    headings = ("providers", "Lambda", "queues", "reads", "writes", "together", "beyond the free tier")
    return Listed("A month, dollars", headings, rows)


def _parts(found: Cost) -> list[str]:
    return [f"{part:,.2f}" for part in (found.functions, found.queues, found.reads, found.writes)]


def _assumed(assumed: Assumptions) -> Listed:
    words = [
        ("Scheduler", f"fires evenly within {assumed.jitter:g} s; 1 minute in {1 / assumed.minutes_lost:,.0f} lost, "
         f"1 in {1 / assumed.minutes_twice:,.0f} twice"),
        ("Lambda and SQS", "5 batches at once at first, 5 more each second while messages wait, 1,000 at most; "
         f"a cold start takes {assumed.cold_start:g} s, an environment stays {assumed.kept_warm / 60:g} min"),
        ("a source", f"answers in {assumed.latency:g} s (median; log-normal, σ {assumed.latency_sigma:g}), "
         f"a slow one in {assumed.slow_latency:g} s"),
        ("a breaking source", f"is down for {assumed.down_for / 3600:g} h after {assumed.up_for / 3600:g} h on average; half of "
         f"them hang {assumed.hang:g} s, half refuse within {assumed.refusal:g} s"),
        ("a worker", f"has {AFTER.sync_memory} MB and {AFTER.sync_memory / FULL_PROCESSOR:.2f} of a processor, of which a pull "
         f"that finds nothing new takes {AFTER.processor * 1000:g} ms and a new connection {assumed.connecting * 1000:g}; "
         f"{AFTER.lanes_at_once} lanes at once"),
        ("an open connection", f"answers in {assumed.latency_kept:g} s; one is kept for a lane's pulls"),
        ("a pull", f"waits {assumed.pull_overhead:g} s for the table; {assumed.applying:g} s more with changes, "
         f"{assumed.looking_back:g} s more with a look back each hour"),
        ("a pull without changes", f"{assumed.state_read:g} unit read, 0 written; a heartbeat (1) each 10 min of the source's "
         f"first feed; a look back ({assumed.look_back_read:g} read, 1 written) each hour of each feed"),
        ("a pull with changes", f"{assumed.digests_read:g} read for digests and practice, {assumed.read_a_change:g} a change; "
         f"{assumed.written_a_visit:g} written for a visit that is entered (it, its day, entries of indexes), "
         f"{assumed.written_a_change:g} for one that is cancelled, {assumed.digests_written:g} for digests, 2 for the state"),
        ("changes", f"{assumed.changes_a_day:g} a provider and working day, {assumed.entered:.0%} of them visits entered; "
         "8 to 18 h, 22 days a month"),
        ("practices", "1 to 40 providers, 5.5 on average, one source each, one lane a source"),
    ]  # fmt: skip
    return Listed("Assumed", ("what", "how"), words)


def _prices(prices: Prices) -> Listed:
    rows = [
        (
            "DynamoDB, on demand",
            f"${prices.read_unit * 1e6:g} a million read units, ${prices.write_unit * 1e6:g} written",
        ),
        ("Lambda, arm64", f"${prices.invocation * 1e6:g} a million calls, ${prices.gb_second:.7f} a GB-second"),
        ("SQS FIFO", f"${prices.sqs_fifo_request * 1e6:g} a million requests"),
        ("EventBridge Scheduler", f"${prices.scheduler_invocation * 1e6:g} a million"),
        ("CloudWatch Logs", f"${prices.log_gb:g} a GB taken in"),
        (
            "fixed",
            f"KMS key ${prices.key:g}, WAF ${prices.firewall:g} + ${prices.firewall_rule:g} a rule, alarm ${prices.alarm:g}",
        ),
    ]
    return Listed("Prices, us-east-1", ("what", "dollars"), rows)


if __name__ == "__main__":
    main()
