"""Charts of the public page as SVG with a title and a description: bars by month, and shares with intervals.

They need no script, no style attribute and no color to be read: the table beside a chart has its figures.
"""

from collections.abc import Iterator, Sequence
from datetime import date

from markupsafe import Markup, escape

from platestream.reports.public_figures import Estimate, MonthCount, MonthSeries
from platestream.runtime.axis import axis_end

WIDTH, HEIGHT = 560, 240
LEFT, TOP, BOTTOM = 76, 12, 40
FEW_HEIGHT = 4  # of the bar of a count that is not published


def month_bars(number: int, series: MonthSeries, months: Sequence[date]) -> Markup:
    """Draw two bars for each of `months`: of the year before and of this year. `number` makes ids unique."""
    counts = [one.count or 0 for one in (*series.now, *series.before)]
    top = axis_end(max(counts))
    step = (WIDTH - LEFT) / len(months)
    width = step * 0.36
    parts = list(_grid(top))
    for place, month in enumerate(months):
        left = LEFT + step * place + step * 0.12
        for x, kind, one in (
            (left, "before", series.before[place]),
            (left + width, "now", series.now[place]),
        ):
            parts.append(_bar(x, width, one, top, kind))
        middle = LEFT + step * (place + 0.5)
        parts.append(f'<text x="{middle:.1f}" y="{HEIGHT - 22}" text-anchor="middle">{month:%b}</text>')
        if place == 0 or month.month == 1:
            parts.append(f'<text x="{middle:.1f}" y="{HEIGHT - 5}" text-anchor="middle">{month:%Y}</text>')
    title = f"{series.title} by month"
    return _svg(f"bars-{number}", title, _describe(series), HEIGHT, parts)


def share_lines(number: int, estimate: Estimate) -> Markup:
    """Draw the share of each year as a dot on its 95 % interval, from 0 to 100 %."""
    parts, sentences = [], []
    height = 100
    for percent in (0, 25, 50, 75, 100):
        x = f"{_x(percent / 100):.1f}"
        parts.append(f'<line class="grid" x1="{x}" x2="{x}" y1="4" y2="72"/>')
        parts.append(f'<text x="{x}" y="92" text-anchor="middle">{percent}%</text>')
    for y, kind, name, one in (
        (24, "now", "this year", estimate.now),
        (54, "before", "year before", estimate.before),
    ):
        parts.append(f'<text x="{LEFT + 22}" y="{y + 5}" text-anchor="end">{name}</text>')
        if one is None:
            parts.append(f'<text x="{_x(0) + 6:.1f}" y="{y + 5}">too few comparisons</text>')
            sentences.append(f"{name}: too few comparisons")
            continue
        low, high = f"{_x(one.low):.1f}", f"{_x(one.high):.1f}"
        parts.append(
            f'<line class="interval {kind}" x1="{low}" x2="{high}" y1="{y}" y2="{y}"/>'
            f'<circle class="{kind}" cx="{_x(one.share):.1f}" cy="{y}" r="6"/>'
        )
        bound = f"{one.bound} " if one.bound else ""
        sentences.append(f"{name}: {bound}{one.share:.0%}, interval {one.low:.0%} to {one.high:.0%}")
    return _svg(f"share-{number}", estimate.title, "; ".join(sentences), height, parts)


def _x(share: float) -> float:
    return LEFT + 30 + share * (WIDTH - LEFT - 60)


def _grid(top: float) -> Iterator[str]:
    for part in (0.0, 0.5, 1.0):
        value = top * part
        if value == int(value):
            y = _y(value, top)
            yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield f'<text x="{LEFT - 6}" y="{y + 5:.1f}" text-anchor="end">{value:,.0f}</text>'


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)


def _bar(x: float, width: float, one: MonthCount, top: float, kind: str) -> str:
    height = FEW_HEIGHT if one.count is None else HEIGHT - BOTTOM - _y(one.count, top)
    return (
        f'<rect class="{kind if one.count is not None else "hidden"}" x="{x:.1f}" '
        f'y="{HEIGHT - BOTTOM - height:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
    )


def _describe(series: MonthSeries) -> str:
    sums = [
        None if one.count is None else f"{'at least ' if one.at_least else ''}{one.count:,}"
        for one in (series.sum_now, series.sum_before)
    ]
    now, before = (one or "a number that is not published" for one in sums)
    return f"{now} in these twelve months, {before} in the twelve before. The table has each month."


def _svg(name: str, title: str, description: str, height: int, parts: Sequence[str]) -> Markup:
    inside = "".join(parts)
    return Markup(  # noqa: S704 - all that is not ours was escaped
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="{name}-title {name}-text">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-text">{escape(description)}</desc>'
        f"{inside}</svg>"
    )
