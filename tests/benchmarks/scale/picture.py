"""The picture of docs/scale.md: how lags spread, and what a month costs. An SVG that follows the reader's light or dark."""

from collections.abc import Sequence
from html import escape

from msgspec import Struct

from .costs import Cost
from .lags import Lags

_WIDTH, _HEIGHT = 860, 360
_STYLE = """
.back { fill: #ffffff } .axis { stroke: #8c959f; stroke-width: 1; fill: none } .faint { stroke: #d0d7de; stroke-width: 1 }
text { font: 12px system-ui, sans-serif; fill: #1f2328 } .title { font-weight: 600; font-size: 14px } .small { fill: #59636e }
.goal { stroke: #bc4c00; stroke-width: 1.5; stroke-dasharray: 5 4 } .goal-text { fill: #bc4c00 }
.l0 { stroke: #0969da } .l1 { stroke: #8250df } .l2 { stroke: #1a7f37 } .line { fill: none; stroke-width: 2.5 }
.t0 { fill: #0969da } .t1 { fill: #8250df } .t2 { fill: #1a7f37 }
.b0 { fill: #0969da } .b1 { fill: #8250df } .b2 { fill: #1a7f37 } .b3 { fill: #bf8700 }
@media (prefers-color-scheme: dark) {
.back { fill: #0d1117 } .axis { stroke: #7d8590 } .faint { stroke: #30363d } text { fill: #e6edf3 } .small { fill: #9198a1 }
.goal { stroke: #f0883e } .goal-text { fill: #f0883e }
.l0 { stroke: #58a6ff } .l1 { stroke: #bc8cff } .l2 { stroke: #3fb950 }
.t0, .b0 { fill: #58a6ff } .t1, .b1 { fill: #bc8cff } .t2, .b2 { fill: #3fb950 } .b3 { fill: #d29922 }
}
"""
_PARTS = ("functions", "queues", "reads", "writes")


class Curve(Struct, frozen=True):
    """Lags on an interval of so many minutes, and the goal of their 99th percentile in minutes, if there is one."""

    interval: int
    lags: Lags
    goal: float | None


def drawn(curves: Sequence[Curve], bars: Sequence[tuple[str, Cost]], limit: float) -> str:
    """Both halves."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
            'aria-label="Left: share of entries confirmed within so many minutes, by interval. Right: cost of a month.">',
            f"<style>{_STYLE}</style>",
            f'<rect class="back" width="{_WIDTH}" height="{_HEIGHT}"/>',
            *_lags(curves),
            *_costs(bars, limit),
            "</svg>",
            "",
        ]
    )


def _lags(curves: Sequence[Curve]) -> list[str]:
    left, top, width, height, most = 52, 50, 350, 250, 18.0

    def place(minutes: float, share: float) -> str:
        return f"{left + minutes / most * width:.1f},{top + height - share * height:.1f}"

    out = [_text(left, 24, "Staff's entry → “Confirmed”: entries seen within", "title")]
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = top + height - share * height
        out += [
            f'<path class="faint" d="M{left},{y:.1f}h{width}"/>',
            _text(left - 8, y + 4, f"{share:.0%}", "small", "end"),
        ]
    for minutes in range(0, 19, 3):
        x = left + minutes / most * width
        out.append(_text(x, top + height + 18, str(minutes), "small", "middle"))
    out += [
        _text(left + width / 2, top + height + 38, "minutes", "small", "middle"),
        f'<path class="axis" d="M{left},{top}v{height}h{width}"/>',
    ]
    for number, curve in enumerate(curves):
        if curve.goal:
            x = left + curve.goal / most * width
            out.append(f'<path class="goal" d="M{x:.1f},{top - 6}v{height + 6}"/>')
            out.append(_text(x, top - 10, f"p99 ≤ {curve.goal:g}", "goal-text", "middle"))
        points = [
            (0.0, 0.0),
            *((at / 60, share) for at, share in curve.lags.shares()[::5] if at / 60 <= most),
            (most, 1.0),
        ]
        path = " ".join(place(minutes, share) for minutes, share in points)
        out.append(f'<polyline class="line l{number}" points="{path}"/>')
        words = f"every {curve.interval} minutes" if curve.interval > 1 else "every minute"
        out.append(_text(left + width - 8, top + height - 52 + 18 * number, words, f"t{number}", "end"))
    return out


def _costs(bars: Sequence[tuple[str, Cost]], limit: float) -> list[str]:
    left, top, width, height = 490, 50, 310, 250
    most = max([limit, *(one.total for _, one in bars)]) * 1.1
    out = [_text(left - 20, 24, "1,000 providers every 5 minutes, $ a month", "title")]
    for dollars in range(0, int(most) + 1, 2):
        y = top + height - dollars / most * height
        out += [
            f'<path class="faint" d="M{left},{y:.1f}h{width}"/>',
            _text(left - 8, y + 4, f"{dollars}", "small", "end"),
        ]
    step = width / len(bars)
    for number, (name, one) in enumerate(bars):
        x, y = left + step * number + step * 0.2, float(top + height)
        for part, what in enumerate(_PARTS):
            tall = getattr(one, what) / most * height
            y -= tall
            out.append(f'<rect class="b{part}" x="{x:.1f}" y="{y:.1f}" width="{step * 0.6:.1f}" height="{tall:.1f}"/>')
        out.append(_text(x + step * 0.3, y - 5, f"{one.total:.2f}", "", "middle"))
        for line, words in enumerate(name.split("\n")):
            out.append(_text(x + step * 0.3, top + height + 18 + 14 * line, words, "small", "middle"))
    y = top + height - limit / most * height
    out += [
        f'<path class="goal" d="M{left},{y:.1f}h{width}"/>',
        _text(left + width + 4, y + 4, f"goal {limit:g}", "goal-text"),
        f'<path class="axis" d="M{left},{top}v{height}h{width}"/>',
    ]
    for part, what in enumerate(_PARTS):
        x = left + 85 * part
        out += [
            f'<rect class="b{part}" x="{x}" y="340" width="10" height="10"/>',
            _text(x + 15, 349, "Lambda" if what == "functions" else what, "small"),
        ]
    return out


def _text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'
