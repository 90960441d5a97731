"""Table of the channels of notifications: what each sends, the form of its field, and what counts as delivered."""

from typing import NamedTuple

from platestream.operators.notify.channels import CHANNELS


class Description(NamedTuple):
    """A channel in words: `written` is the form of its field, `tried` the programs that it was tested with."""

    sends: str
    written: str
    delivered: str
    tried: str


DESCRIPTIONS = {
    "webhook": Description(
        "signed JSON by POST",
        "https://HOST/PATH",
        "answer 2xx",
        "HTTP servers of the tests",
    ),
    "mail": Description(
        "mail",
        "an address",
        "accepted by the mail server",
        "aiosmtpd",
    ),
    "apprise": Description(
        "text, pictures",
        "a URL of Apprise",
        "accepted by the service",
        "its JSON service; others: **untried**",
    ),
    "mqtt": Description(
        "JSON by MQTT 5, QoS 1, not retained; the broker drops it after `oldest`",
        "mqtts://HOST/TOPIC",
        "acknowledged, with a subscriber; `mqtt_16`: there is none",
        "Mosquitto 2.0",
    ),
    "mqtt_reads": Description(
        "reads of registered fixed cameras, as they come, no pictures; needs the rule `sharing.send_reads`",
        "mqtts://HOST/TOPIC",
        "as `mqtt`; reads older than `oldest` are not sent",
        "Mosquitto 2.0",
    ),
    "cot": Description(
        "Cursor on Target: an unknown vehicle at the camera, for 10 minutes",
        "cot+tls://HOST",
        "read by the server, which ends the connection",
        "taky 0.10; TAK Server and ATAK: **untried**",
    ),
    "syslog": Description(
        "every logged act and refusal as CEF; no plate, reason or case number",
        "syslog+tls://HOST",
        "read by the server, which ends the connection; `syslog+udp`: sent",
        "rsyslog 8.2302",
    ),
    "cad": Description(
        "an event for dispatch as a file, `form` json or xml: type, priority, place, vehicle, link",
        "/FOLDER or sftp://USER@HOST/FOLDER",
        "in the folder, named after the delivery",
        "OpenSSH 9.2; CAD systems: **untried**",
    ),
    "rms": Description(
        "the report of each action taken, as `hits show --report` writes it, `form` json or xml",
        "/FOLDER or sftp://USER@HOST/FOLDER",
        "in the folder, named after the delivery; tried for three days",
        "OpenSSH 9.2; records systems: **untried**",
    ),
}


def table() -> str:
    """Return the table of all channels in Markdown."""
    described = ((name, DESCRIPTIONS[name]) for name in CHANNELS)
    rows = "".join(
        f"| `{name}` | {one.sends} | `{one.written}` | {one.delivered} | {one.tried} |\n"
        for name, one in described
    )
    return f"| field | sends | value | delivered | tried with |\n|---|---|---|---|---|\n{rows}"
