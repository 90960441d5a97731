"""Formats of numbers and times on the page. Times are in UTC."""

from datetime import date, datetime

from platestream.boards.panel import Step, Unit

_SPANS = ((86400 * 2, 86400, "d", 3600, "h"), (3600, 3600, "h", 60, "min"), (60, 60, "min", 1, "s"))


def number(value: float | None, unit: Unit = "short") -> str:
    """Format a number in its unit.

    >>> number(1234567), number(0.1234, "percentunit"), number(75, "s"), number(7500, "s")
    ('1,234,567', '12.3 %', '1 min 15 s', '2 h 5 min')
    """
    if value is None or value != value:  # Prometheus returns NaN for a ratio with a zero divisor
        return "-"
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    if unit == "s":
        return _span(value)
    if unit == "bytes":
        return _bytes(value)
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 100 else f"{value:,.3g}"


def tick(value: float, unit: Unit = "short") -> str:
    """Format a number on an axis, shortly.

    >>> tick(1000, "s"), tick(0, "s"), tick(0.5, "percentunit"), tick(20000)
    ('16.7 min', '0', '50 %', '20,000')
    """
    if unit != "s" or value == 0:
        return number(value, unit) if value else "0"
    least = next(((size, name) for least, size, name, *_rest in _SPANS if value >= least), (1, "s"))
    return f"{value / least[0]:.3g} {least[1]}"


def cell(value: object) -> str:
    """Format the value of a table's cell."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, date):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {number(count)}" for name, count in value.items() if count) or "nothing"
    if isinstance(value, int | float):
        return number(value)
    return "-" if value is None else str(value)


def color_of(value: float | None, steps: tuple[Step, ...]) -> str:
    """Return the color of a number."""
    if value is None or value != value:
        return "none"
    return [colour for start, colour in steps if value >= start][-1]


def _span(seconds: float) -> str:
    for least, large, large_name, small, small_name in _SPANS:
        if seconds >= least:
            whole, rest = divmod(round(seconds), large)
            return f"{whole} {large_name}" + (f" {rest // small} {small_name}" if rest // small else "")
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"


def _bytes(value: float) -> str:
    for name in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.3g} {name}"
        value /= 1000
    return f"{value:.3g} TB"
