"""The curves of `platestream bench recall` as a picture for the documentation."""

import re
from math import log10
from typing import Any

import pygal
from pygal.style import CleanStyle

TITLES = {
    "budget": "look-alikes that may differ",
    "alternatives": "other readings looked up",
    "least_alternative": "least confidence of another reading",
    "least_confidence": "least confidence of the read",
}


def chart(figures: dict[str, Any]) -> str:
    """SVG: one line for each rule, found over false alerts, one dot for each value."""
    drawn = pygal.XY(
        pygal.Config(js=[], explicit_size=True, width=900, height=560, legend_at_bottom=True),
        style=CleanStyle(font_family="sans-serif"),
        title="Listed vehicles found, by how much doubt is allowed",
        x_title="false alerts per 100,000 reads",
        y_title="found, %",
        dots_size=4,
        print_labels=True,
        print_values=False,
        disable_xml_declaration=True,
        x_value_formatter=lambda power: f"{10**power:.0f}",
    )
    drawn.x_labels = [log10(count) for count in (1, 3, 10, 30, 100, 300)]
    for name, curve in figures["curves"].items():
        points = [
            {
                "value": (
                    log10(max(1, one["false_alerts_per_100000_reads"])),
                    round(100 * one["found_share"], 2),
                ),
                "label": f"{one[name]:g}",
            }
            for one in curve
        ]
        drawn.add(TITLES[name], points)
    return re.sub(r"<script.*?</script>", "", str(drawn.render(is_unicode=True)), flags=re.DOTALL) + "\n"
