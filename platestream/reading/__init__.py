"""Plate reader: text detection and recognition, choice of serials, states and confidence.

from platestream.reading import PlateReader

plates = PlateReader(region="us").read(image)  # image: height x width x 3, BGR
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from platestream.reading.factory import PlateReader as PlateReader

__all__ = ["PlateReader"]


def __getattr__(name: str) -> Any:
    """Import the reader, and with it the engine of its models, when it is asked for."""
    if name != "PlateReader":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from platestream.reading.factory import PlateReader

    return PlateReader
