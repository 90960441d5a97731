"""Channels by which receivers get data; a receiver of the rules has the field of one.

`platestream.notifications.factory` has their senders.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Channel:
    """A channel. `schemes` of its URL, the encrypted one first; empty without a URL.

    One that sends `acts` gets the inquiry log and no hits, one that sends `reports` the reports of hits that
    were acted on and no hits, one that sends `reads` all reads and no hits. A `system` gets data under an MOU
    (`agency`) or for a `purpose`. With `files` the value is a folder here or on an SFTP server. `written` is
    the form of the field, `delivered` what counts as delivered, `tried` the programs that it was tested with.
    """

    sends: str
    written: str
    delivered: str
    tried: str
    schemes: tuple[str, ...] = ()
    system: bool = False
    acts: bool = False
    reports: bool = False
    reads: bool = False
    files: bool = False


CHANNELS: Mapping[str, Channel] = {
    "webhook": Channel(
        "signed JSON by POST",
        "https://HOST/PATH",
        "answer 2xx",
        "HTTP servers of the tests",
        ("https", "http"),
    ),
    "mail": Channel("mail", "an address", "accepted by the mail server", "aiosmtpd"),
    "apprise": Channel(
        "text, pictures",
        "a URL of Apprise",
        "accepted by the service",
        "its JSON service; others: **untried**",
    ),
    "mqtt": Channel(
        "JSON by MQTT 5, QoS 1, not retained; the broker drops it after `oldest`",
        "mqtts://HOST/TOPIC",
        "acknowledged, with a subscriber; `mqtt_16`: there is none",
        "Mosquitto 2.0",
        ("mqtts", "mqtt"),
        system=True,
    ),
    "mqtt_reads": Channel(
        "reads of registered fixed cameras, as they come, no pictures; needs the rule `sharing.send_reads`",
        "mqtts://HOST/TOPIC",
        "as `mqtt`; reads older than `oldest` are not sent",
        "Mosquitto 2.0",
        ("mqtts", "mqtt"),
        system=True,
        reads=True,
    ),
    "cot": Channel(
        "Cursor on Target: an unknown vehicle at the camera, for 10 minutes",
        "cot+tls://HOST",
        "read by the server, which ends the connection",
        "taky 0.10; TAK Server and ATAK: **untried**",
        ("cot+tls", "cot+tcp"),
        system=True,
    ),
    "syslog": Channel(
        "every logged act and refusal as CEF; no plate, reason or case number",
        "syslog+tls://HOST",
        "read by the server, which ends the connection; `syslog+udp`: sent",
        "rsyslog 8.2302",
        ("syslog+tls", "syslog+tcp", "syslog+udp"),
        system=True,
        acts=True,
    ),
    "cad": Channel(
        "an event for dispatch as a file, `form` json or xml: type, priority, place, vehicle, link",
        "/FOLDER or sftp://USER@HOST/FOLDER",
        "in the folder, named after the delivery",
        "OpenSSH 9.2; CAD systems: **untried**",
        system=True,
        files=True,
    ),
    "rms": Channel(
        "the report of each action taken, as `hits show --report` writes it, `form` json or xml",
        "/FOLDER or sftp://USER@HOST/FOLDER",
        "in the folder, named after the delivery; tried for three days",
        "OpenSSH 9.2; records systems: **untried**",
        system=True,
        reports=True,
        files=True,
    ),
}


def table() -> str:
    """Return the channels as a table in Markdown."""
    rows = "".join(
        f"| `{name}` | {one.sends} | `{one.written}` | {one.delivered} | {one.tried} |\n"
        for name, one in CHANNELS.items()
    )
    return f"| field | sends | value | delivered | tried with |\n|---|---|---|---|---|\n{rows}"
