"""Plots as SVG: lines over time, and cameras on a map. They load nothing and run no script in the browser."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup, escape

from platestream.boards.formatting import color_of, number, tick
from platestream.boards.panel import Step, Unit
from platestream.runtime.axis import axis_end

# Colors that people with color blindness can distinguish (Okabe and Ito).
COLOURS = ("#2185d0", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5c00", "#555555")
WIDTH, HEIGHT = 640, 220
LEFT, RIGHT, TOP, BOTTOM = 84, 10, 10, 26
LABEL_WIDTH, LABEL_HEIGHT = 130, 15
DOTS = 60  # lines of at most so many points show each point
_GRADES = {"green": "#1a7f4b", "orange": "#b45f06", "red": "#b3261e", "none": "#777777"}


@dataclass(frozen=True)
class Line:
    """Points of one line, in order of time."""

    name: str
    points: tuple[tuple[datetime, float], ...]
    colour: str

    @property
    def last(self) -> float:
        """The newest value."""
        return self.points[-1][1]


def lines(columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> tuple[list[Line], int]:
    """Return the lines in an answer, the largest first, and the number of lines left out for lack of colors."""
    found: dict[str, list[tuple[datetime, float]]] = {}
    for row in rows:
        labelled = isinstance(row[1], str)
        for name, value in zip(columns[2 if labelled else 1 :], row[2 if labelled else 1 :], strict=True):
            if value is not None and not math.isnan(value):
                found.setdefault(row[1] if labelled else name, []).append((row[0], float(value)))
    ranked = sorted(found, key=lambda name: -max(value for _at, value in found[name]))
    shown = zip(ranked, COLOURS, strict=False)
    return [Line(name, tuple(found[name]), colour) for name, colour in shown], max(
        0, len(ranked) - len(COLOURS)
    )


def plot(drawn: Sequence[Line], since: datetime, until: datetime, unit: Unit, title: str) -> Markup:
    """Plot the lines over the whole period; the value axis starts at 0."""
    top = axis_end(max((value for line in drawn for _at, value in line.points), default=1.0))
    span = (until - since).total_seconds()

    def x(at: datetime) -> float:
        share = min(1.0, max(0.0, (at - since).total_seconds() / span))
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - min(1.0, max(0.0, value / top)) * (HEIGHT - TOP - BOTTOM)

    parts = [*_grid(top, y, unit), *_times(since, until, x)]
    for line in (_inside(line, since) for line in drawn):
        at = " ".join(f"{x(when):.1f},{y(value):.1f}" for when, value in line.points)
        parts.append(f'<polyline points="{at}" fill="none" stroke="{line.colour}" stroke-width="2"/>')
        if len(line.points) <= DOTS:
            parts += [
                f'<circle cx="{x(when):.1f}" cy="{y(value):.1f}" r="2.5" fill="{line.colour}"/>'
                for when, value in line.points
            ]
    return _svg(parts, WIDTH, HEIGHT, title)


def _inside(line: Line, since: datetime) -> Line:
    """Leave out a first step that began before the period, because only part of it was counted."""
    points = tuple(point for point in line.points if point[0] >= since)
    return Line(line.name, points or line.points[-1:], line.colour)


def _grid(top: float, y: Any, unit: Unit) -> list[str]:
    parts = []
    for share in (0, 0.5, 1):
        value = top * share
        if unit == "short" and value != int(value) and top <= 10:
            continue  # counts have no halves
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}" class="grid"/>'
            f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{escape(tick(value, unit))}</text>'
        )
    return parts


def _times(since: datetime, until: datetime, x: Any) -> list[str]:
    span = until - since
    shape = "%H:%M" if span.days < 2 else "%m-%d"
    parts = []
    for part in range(5):
        at = since + span * part / 4
        anchor = "start" if part == 0 else "end" if part == 4 else "middle"
        labels = at.astimezone(UTC).strftime(shape)
        parts.append(f'<text x="{x(at):.1f}" y="{HEIGHT - 8}" text-anchor="{anchor}">{labels}</text>')
    return parts


def cameras(places: Sequence[dict[str, Any]], steps: tuple[Step, ...], title: str) -> Markup:
    """Draw a map of cameras, north up, colored by the age of their last pass."""
    north, south = (pick(place["latitude"] for place in places) for pick in (max, min))
    east, west = (pick(place["longitude"] for place in places) for pick in (max, min))
    squeeze = math.cos(math.radians((north + south) / 2))
    across, up = max((east - west) * squeeze, 1e-4), max(north - south, 1e-4)
    scale = min((WIDTH - 180) / across, (HEIGHT + 60 - 60) / up)
    height = HEIGHT + 60
    parts: list[str] = []
    taken: list[tuple[float, float]] = []
    for place in sorted(places, key=lambda one: -one["age"]):  # the most silent ones get their labels first
        x = WIDTH / 2 - 30 + (place["longitude"] - (east + west) / 2) * squeeze * scale
        y = height / 2 - (place["latitude"] - (north + south) / 2) * scale
        colour = _GRADES[color_of(place["age"], steps)]
        label = f"{place['camera']}, {number(place['age'], 's')}"
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="{colour}"><title>{escape(label)}</title></circle>'
        )
        if all(abs(x - left) > LABEL_WIDTH or abs(y - up) > LABEL_HEIGHT for left, up in taken):
            taken.append((x, y))
            parts.append(f'<text x="{x + 10:.1f}" y="{y + 4:.1f}">{escape(label)}</text>')
    return _svg(parts, WIDTH, height, title)


def _svg(parts: Sequence[str], width: int, height: int, title: str) -> Markup:
    inside = "".join(parts)
    return Markup(  # noqa: S704 - all that is not ours was escaped
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">{inside}</svg>'
    )
