"""All formats of pushes by their name in the configuration, in the order of the documentation."""

from platestream.cameras.pushes import (
    axis,
    dahua,
    frigate,
    hikvision,
    milesight,
    onvif,
    openalpr,
    platerecognizer,
    unifi,
)
from platestream.cameras.pushes.push import Format

_PARSERS = (hikvision, axis, milesight, platerecognizer, dahua, openalpr, unifi, frigate, onvif)
FORMATS: dict[str, Format] = {one.FORMAT.name: one.FORMAT for one in _PARSERS}
