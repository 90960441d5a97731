"""The curves of a soak as one picture for the documentation: a row for each process."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from xml.sax.saxutils import escape

from tests.soak.growth import by_minute
from tests.soak.watch import Sample

WIDTH, HEIGHT, LEFT, TOP, GAP = 190, 34, 150, 44, 14
COLUMNS: tuple[tuple[str, Callable[[Sample], float], str], ...] = (
    ("memory, MiB", lambda one: one.memory / 2**20, ".1f"),
    ("open files", lambda one: one.files, ".0f"),
    ("threads", lambda one: one.threads, ".0f"),
)
CORES = "cores"
Curve = tuple[str, Sequence[float], str]


def picture(taken: Iterable[Sample], disk: Sequence[tuple[float, dict[str, int]]], title: str) -> str:
    """SVG. Each curve has its own scale, from nothing to its most; least and most are written beside it."""
    by_name: dict[str, list[Sample]] = defaultdict(list)
    for one in taken:
        by_name[one.name].append(one)
    rows = [(name, _curves(of)) for name, of in by_name.items()]
    rows += [(f"disk: {name}", [curve]) for name, curve in _disk(disk)]
    return _svg(rows, title)


def _curves(of: Sequence[Sample]) -> list[Curve]:
    found: list[Curve] = [
        (title, by_minute([(one.at, value(one)) for one in of]), form) for title, value, form in COLUMNS
    ]
    return [*found, (CORES, _cores(of), ".2f")]


def _cores(of: Sequence[Sample]) -> list[float]:
    used = [
        (two.at, (two.cpu - one.cpu) / (two.at - one.at))
        for one, two in pairwise(of)
        if one.pid == two.pid and two.at > one.at and two.cpu >= one.cpu
    ]
    return by_minute(used)


def _disk(taken: Sequence[tuple[float, dict[str, int]]]) -> list[tuple[str, Curve]]:
    names = sorted({name for _at, folders in taken for name in folders})
    found: list[tuple[str, Curve]] = []
    for name in names:
        curve = by_minute([(at, folders.get(name, 0) / 1e6) for at, folders in taken])
        if max(curve) >= 1:  # MB: what is less is nothing to look at
            found.append((name, ("MB", curve, ".1f")))
    return found


def _svg(rows: Sequence[tuple[str, Sequence[Curve]]], title: str) -> str:
    width = LEFT + (len(COLUMNS) + 1) * (WIDTH + GAP)
    height = TOP + len(rows) * (HEIGHT + GAP) + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="sans-serif" font-size="10" fill="#333">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="8" y="16" font-size="13">{escape(title)}</text>',
    ]
    for column, name in enumerate([*(name for name, _value, _form in COLUMNS), CORES]):
        parts.append(f'<text x="{_x(column)}" y="{TOP - 10}" font-weight="bold">{name}</text>')
    for row, (name, curves) in enumerate(rows):
        y = TOP + row * (HEIGHT + GAP)
        parts.append(f'<text x="8" y="{y + HEIGHT - 8}" font-size="12">{escape(name)}</text>')
        parts += [_curve(_x(column), y, curve) for column, curve in enumerate(curves)]
    return "\n".join([*parts, "</svg>", ""])


def _x(column: int) -> int:
    return LEFT + column * (WIDTH + GAP)


def _curve(x: int, y: int, curve: Curve) -> str:
    title, values, form = curve
    most = max(values, default=0.0) or 1.0
    room = WIDTH - 70
    step = room / max(1, len(values) - 1)
    points = " ".join(
        f"{x + place * step:.1f},{y + HEIGHT * (1 - value / most):.1f}" for place, value in enumerate(values)
    )
    unit = " MB" if title == "MB" else ""
    said = f"{min(values, default=0):{form}} to {max(values, default=0):{form}}{unit}"
    return (
        f'<path d="M{x} {y + HEIGHT}h{room}" stroke="#ccc"/>'
        f'<polyline points="{points}" fill="none" stroke="#0b62a3"/>'
        f'<text x="{x + room + 4}" y="{y + HEIGHT - 8}">{said}</text>'
    )
