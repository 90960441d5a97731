"""A map that needs no internet: where cameras are to each other, north up, those that are meant marked."""

import math
from collections.abc import Mapping

from markupsafe import Markup, escape

WIDTH, HEIGHT, EDGE = 640, 320, 60
LABEL = (110, 16)
Place = tuple[float, float]
"""Latitude and longitude, degrees."""


def drawn(marked: Mapping[str, Place], known: Mapping[str, Place]) -> Markup:
    """SVG with all cameras: those of `marked` are large, and have their names."""
    places = {**known, **marked}
    north, south = (pick(one[0] for one in places.values()) for pick in (max, min))
    east, west = (pick(one[1] for one in places.values()) for pick in (max, min))
    squeeze = math.cos(math.radians((north + south) / 2))
    scale = min(
        (WIDTH - 2 * EDGE) / max((east - west) * squeeze, 1e-3),
        (HEIGHT - 2 * EDGE) / max(north - south, 1e-3),
    )
    parts: list[Markup] = []
    taken: list[tuple[float, float]] = []
    for name, (latitude, longitude) in sorted(places.items(), key=lambda one: one[0] not in marked):
        x = WIDTH / 2 + (longitude - (east + west) / 2) * squeeze * scale
        y = HEIGHT / 2 - (latitude - (north + south) / 2) * scale
        meant = name in marked
        parts.append(
            Markup('<circle class="{}" cx="{:.0f}" cy="{:.0f}" r="{}"><title>{}</title></circle>').format(
                "meant" if meant else "other", x, y, 9 if meant else 4, name
            )
        )
        if all(abs(x - left) > LABEL[0] or abs(y - up) > LABEL[1] for left, up in taken):
            taken.append((x, y))
            at_end = x > WIDTH - 2 * EDGE
            parts.append(
                Markup('<text x="{:.0f}" y="{:.0f}" text-anchor="{}">{}</text>').format(
                    x - 14 if at_end else x + 14, y + 5, "end" if at_end else "start", name
                )
            )
    names = escape(", ".join(sorted(marked)))
    frame = Markup(
        '<svg class="map" viewBox="0 0 {} {}" role="img" aria-label="Map of cameras; marked: {}">{}</svg>'
    )
    return frame.format(WIDTH, HEIGHT, names, Markup("").join(parts))
