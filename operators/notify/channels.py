"""Channels by which receivers get data; a receiver of the rules has the field of one.

`platestream.notifications.factory` has their senders, and `docs/generators/channels.py` describes them.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Channel:
    """A channel. `schemes` of its URL, the encrypted one first; empty without a URL.

    One that sends `acts` gets the inquiry log and no hits, one that sends `reports` the reports of hits that
    were acted on and no hits, one that sends `reads` all reads and no hits. A `system` gets data under an MOU
    (`agency`) or for a `purpose`. With `files` the value is a folder here or on an SFTP server.
    """

    schemes: tuple[str, ...] = ()
    system: bool = False
    acts: bool = False
    reports: bool = False
    reads: bool = False
    files: bool = False


CHANNELS: Mapping[str, Channel] = {
    "webhook": Channel(("https", "http")),
    "mail": Channel(),
    "apprise": Channel(),
    "mqtt": Channel(("mqtts", "mqtt"), system=True),
    "mqtt_reads": Channel(("mqtts", "mqtt"), system=True, reads=True),
    "cot": Channel(("cot+tls", "cot+tcp"), system=True),
    "syslog": Channel(("syslog+tls", "syslog+tcp", "syslog+udp"), system=True, acts=True),
    "cad": Channel(system=True, files=True),
    "rms": Channel(system=True, reports=True, files=True),
}
