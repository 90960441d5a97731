"""Generator of the reference pages and of the view of acts. `make generate` makes every other generated file, too.

python docs/generate.py           # write all
python docs/generate.py --check   # exit 1 if one differs from the code
"""

import inspect
import json
import re
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
from msgspec import NODEFAULT

from platestream.boards import docs as board_docs
from platestream.cameras import config as cameras_config
from platestream.cameras.pushes import docs as push_docs
from platestream.cameras.pushes import push
from platestream.cli.main import COMMANDS, load
from platestream.evidence.channels import channel as evidence_channel
from platestream.hotlist.files.column_map import ColumnMap
from platestream.notifications import senders
from platestream.operators.notify import channels as notify_channels
from platestream.operators.notify import rules as notify_rules
from platestream.partners import config as partners_config
from platestream.policy import docs as policy_docs
from platestream.schemas import acts_sql, camera_read, metric_docs, profile, schema_docs
from platestream.schemas.rights import ACCOUNTS, PREFIX, Rights
from platestream.schemas.topics import TOPICS, Topic
from platestream.settings import Settings
from platestream.web.api.app import app

REFERENCE = Path(__file__).parent / "reference"

OTHER_VARIABLES = {
    "PLATESTREAM_FLOW_DAYS": "days after which a flow restarts and rebuilds its recovery store (default 7; at "
    "most half of the retention period)",
    "PLATESTREAM_CONSOLE, PLATESTREAM_CONSOLE_NAME": "address and name of the console (`docker-compose.yml`)",
    "PLATESTREAM_PARTNERS": "address at which other agencies reach this one (`docker-compose.yml`)",
    "PLATESTREAM_UPLOADS": "address at which cameras upload (`docker-compose.yml`)",
    "PLATESTREAM_CLICKHOUSE_CPUS": "processors of ClickHouse (`docker-compose.yml`)",
    "BYTEWAX_DATAFLOW_API_ENABLED": "any value, also `0`, serves `/metrics` of a flow",
    "BYTEWAX_DATAFLOW_API_PORT": "port of `/metrics` of a flow",
    "BYTEWAX_DATAFLOW_API_CACHE_PATH": "folder for a file that Bytewax writes at the start",
    "BYTEWAX_ADDRESSES, BYTEWAX_PROCESS_ID": "addresses of all processes of a flow, and the number of this one",
    "SSL_CERT_FILE": "certificate authorities that are trusted for the sign-in provider (PEM)",
    "ORT_DISABLE_TELEMETRY": "`1` keeps ONNX Runtime from recording and sending usage events",
}

FILES: dict[str, dict[str, tuple[type[msgspec.Struct], dict[str, str]]]] = {
    "cameras.toml": {
        "": (
            cameras_config.Gateway,
            {
                "spool": "folder where frames wait; by default `PLATESTREAM_DATA`/cameras",
                "spool_megabytes": "largest size; the oldest frames are dropped first, and counted",
                "spool_hours": "no frame waits longer",
                "largest_bytes": "of one picture",
                "metrics": "`host:port` for Prometheus (`deploy/gateways.yml` names it)",
            },
        ),
        "[cameras.NAME]": (
            cameras_config.Camera,
            {
                "kind": "how pictures arrive",
                "latitude": "degrees north, WGS 84",
                "longitude": "degrees east, WGS 84",
                "url": "of `rtsp` (`rtsp://`, `rtsps://`), `mjpeg`, `snapshot`, `events`, `onvif` (its device service by `http://` or `https://`, for events; or the address of a stream with metadata by `rtsp://` or `rtsps://`) and `mqtt` "
                "(`mqtts://`, `mqtt://`, with Frigate's topic); never with a "
                "password in it",
                "path": "of `folder` and `video`",
                "credentials_file": "a file with one line `user:password`, mode 600 (any mode below `/run/secrets`): the "
                "sign-in at the camera, or the account for its uploads. Each uploading camera has its own",
                "region": "sent with each frame as a header. The recognize flow reads US plates",
                "rate": "most frames a second. Uploads may come 10 at once, then at this rate",
                "crop": "left, top, right and bottom as shares of the picture; a cropped picture is encoded again",
                "area": "the part that is read, the rest is black: `[left, top, right, bottom]` or corners `[x, y, x, y, …]`, in percent of the picture before the crop",
                "mask": "a list of areas, as in `area`, that are black in each frame before it is compared, read or stored. Not with `format`: what the camera itself reads cannot be masked here",
                "only_changes": "leave out frames that show nothing new since the last one sent; by default yes for `rtsp`, "
                "`mjpeg`, `snapshot` and `video`",
                "still": "seconds between frames of an unchanged street",
                "silent": "seconds without a frame until the camera counts as silent and a stream is opened again; by "
                "default 20, and 900 for `http`, `onvif`, `mqtt`, `ftp` and `folder`",
                "trust": "seconds by which the camera's clock may differ",
                "format": "of the reads that an `http` camera pushes, or an `events`, `onvif` or `mqtt` camera has; `onvif` was tried "
                "with a server of the tests for events and GStreamer's for metadata, devices are **untried**",
                "token": "accept the password also as the first part of the path; at least 24 letters and digits",
                "client_certificate": "signs an `http` camera in instead of an account: `sha256:` and the fingerprint of its "
                "certificate, or `CN=` and its common name. `[http]` needs `client_ca`",
                "source": "the camera's name in Frigate (`mqtt`; tried with Mosquitto, Frigate itself is **untried**)",
                "ca": "authorities of the broker's certificate; by default the system's (`mqtt`)",
                "certificate": "of the gateway, for the broker (`mqtt`)",
                "key": "of `certificate`",
                "pictures": "Frigate's API, such as `http://frigate:5000`, for the picture of each read",
                "time_zone": "of the camera's clock, if EXIF or push has no offset",
                "repeat": "play a `video` again and again",
                "moves": "in a patrol car: time and place are those of each picture or push (EXIF, the headers "
                "`captured-at`, `latitude` and `longitude`, or in the push of `openalpr`, `hikvision` and Dahua's events). A picture without either is refused. "
                "The agency's boundary decides by that place. For streams with `gpsd`",
                "late_hours": "of a camera that moves: the oldest picture that is accepted",
                "gpsd": "of a stream that `moves`: `host:port` of gpsd in the same vehicle. Frames without a fix of "
                "the last three seconds are not stored. Tried with gpsd 3.22 and played NMEA, not in a car",
            },
        ),
        "[http]": (
            cameras_config.HttpUploads,
            {
                "listen": "`host:port`",
                "certificate": "PEM file, for uploads by TLS",
                "key": "PEM file of its private key",
                "client_ca": "PEM file of the authorities of cameras' certificates, or of these certificates themselves",
                "basic": "accept *Basic* sign-in without TLS, which sends passwords in clear",
            },
        ),
        "[ftp]": (
            cameras_config.FtpUploads,
            {
                "listen": "`host:port`",
                "certificate": "PEM file; FTP is then by TLS only",
                "key": "PEM file of its private key",
                "plain": "accept FTP in clear beside TLS",
                "passive_ports": "first and last port of passive mode",
                "public_address": "address that cameras reach, if it differs",
            },
        ),
        "[health]": (
            cameras_config.HealthByMqtt,
            {
                "url": "broker and topic, `mqtts://host/alpr/health`: `up` of the gateway is published there, retained, and "
                "`up`, `fault`, `picture`, `picture_since` and `clock_behind` of each camera below its name. No plate",
                "purpose": "why the broker's subscribers get this",
                "credentials_file": "one line `user:password`",
                "ca": "authorities of the broker's certificate; by default the system's",
                "certificate": "of the gateway, for the broker",
                "key": "of `certificate`",
                "every": "seconds after which what did not change is published again; it expires after three times that",
            },
        ),
    },
    "partners.toml": {
        "": (
            partners_config.PartnersConfig,
            {
                "authorities": "PEM file of certificate authorities that are trusted beside the system's",
                "here": "partners may be on this machine, also by `http://`: for trials",
            },
        ),
        "[ask]": (
            partners_config.Ask,
            {
                "deadline_s": "seconds for each partner",
                "largest": "bytes of an answer",
                "a_minute": "requests to one partner in a minute",
            },
        ),
        "[serve]": (
            partners_config.Serve,
            {
                "address": "as partners reach it; their requests are signed for it",
                "host": "where to listen",
                "port": "where to listen",
                "certificate": "PEM file with its chain, from an authority that partners trust; without it, loopback only",
                "key": "PEM file of its private key",
                "a_minute": "requests of one partner in a minute",
            },
        ),
        "[lists]": (
            partners_config.ListRules,
            {
                "take": "`ask`: a person decides; `always`: taken at once, except partial plates, descriptions and "
                "undesignated entries; `never`: refused. `[lists.partners.NAME]` has it for one partner",
                "categories": "only of these; others are refused. `[lists.partners.NAME]` has it for one partner",
                "lease_minutes": "how long a taken entry stays without a message of its agency",
            },
        ),
    },
    "Column map of a feed": {
        "": (
            ColumnMap,
            {
                "columns": 'name of a field = its place. Without `delimiter` positions from 1, `"28-37"`; with '
                "one the number of the column. Names: `reference`, `category`, `plate`, `state`, `make`, `model`, "
                "`colour`, `body`, `case_number`, `reason`, `instructions`, `other`, `valid_from`, `expires_at`, "
                "`action`; or NCIC's `LIC`, `LIS`, `VMA`, `VMO`, `VST`, `VCO`, `OCA`, `NIC` (reference) and `MKE` "
                "(category and action). Any other code of three letters (`VIN`, `ORI`, `LIY` …) goes to `other` "
                "with its name",
                "delimiter": "one character; empty: fixed positions",
                "header_lines": "lines before the first record",
                "dates": "of `valid_from` and `expires_at`, as `strptime` writes it",
                "reason": "of lines without one",
                "category": "of lines whose code is in no table",
                "categories": "code in the file = category. Without it the second letter of `MKE` counts: V stolen "
                "vehicle, F felony vehicle, L stolen plate, W wanted person, M missing person",
                "actions": "code in the file = `add`, `change` or `clear`. Without it A, C and D, or the first "
                "letter of `MKE`: E enter, M modify, C clear, X cancel; declare L (locate) yourself",
            },
        ),
    },
}
"""The tables of each file: their declaration, and the meaning of each field. Tables within are tables of their own."""

DESCRIBED: dict[str, dict[str, type[msgspec.Struct]]] = {
    "notify.toml": {
        "": notify_rules.RulesFile,
        "[mail]": notify_rules.Mail,
        "[[receivers]]": notify_rules.Receiver,
        "[[routes]]": notify_rules.Route,
        "[[quiet]]": notify_rules.Quiet,
    },
    "Profiles": {
        "[agency]": profile.Agency,
        "[retention]": profile.Retention,
        "[inquiries]": profile.Inquiries,
        "[vehicles]": profile.Vehicles,
        "[purposes]": profile.Purposes,
        "[sharing]": profile.Sharing,
        "[training]": profile.Training,
        "[audit]": profile.Audit,
        "[places]": profile.Places,
        "[cameras]": profile.Cameras,
        "[alerts]": profile.Alerts,
        "[rhythms.NAME]": profile.Rhythm,
        "[search_log]": profile.SearchLog,
        "[evidence]": profile.Evidence,
    },
}
"""The tables of the files whose declarations describe their fields."""

FILES_INTRODUCTION = """# Files

Generated by `python docs/generate.py`; do not edit. Relative paths start at the file's folder. Fields without a default that
are not marked as required are empty.
"""

COLUMN_MAP = """
A line without `reference` is known by plate, state and case number. A line without a plate, such as a vehicle known by
its VIN alone, is left out. A fixed layout, and a delimited one:

```toml
[columns]                   # EV V123456789AST3087   AZ
MKE = "1-3"
NIC = "4-13"
LIC = "14-23"
LIS = "24-25"
```

```toml
delimiter = "|"             # D|78||
[columns]                   # A|77|ASSOC|GHN5182
action = 1
reference = 2
category = 3
plate = 4
[categories]
ASSOC = "suspect_vehicle"
```

Public are NCIC's field codes (here as in the glossary of Wisconsin's Department of Justice) and not the layout of the
files that a state hands out. No such file was tried, and the letters of `MKE` are as remembered: **untried**. Compare
them with your state's manual, and declare what differs in `categories` and `actions`.
"""

COMMANDS_INTRODUCTION = """# Commands

Generated by `python docs/generate.py`; do not edit. Each command has `--help` with an example. Answers are on standard
output, everything else on standard error. Exit codes: 0 done, 1 refused or a fault was found, 2 wrong usage.
"""

SETTINGS_INTRODUCTION = """# Settings

Generated by `python docs/generate.py`; do not edit. Each setting is an environment variable. A variable with the prefix
`PLATESTREAM_` that does not exist has no effect; `platestream doctor` names it. No setting decides what a rule is: see
[rules in force](../how-to/administrator/rules.md).

| variable | default | meaning |
|---|---|---|
"""

TOPICS_INTRODUCTION = """# Topics

Generated by `python docs/generate.py`; do not edit. `platestream topics` creates and compares the topics of a broker. A compacted
topic stores the newest message of each key. Where the profile keeps data for a shorter time, the topics do so, too. Topics that may
have more partitions get them by `--partitions` at their creation ([scale](../how-to/operator/scaling.md)). Their records are in
[schemas](schemas/README.md).

| topic | stored for | partitions | largest message |
|---|---|---|---|
"""

RIGHTS_INTRODUCTION = """
## Rights of the accounts

`platestream topics --acls` grants these rights on a [broker with sign-ins](../how-to/operator/kafka.md). `setup` creates the topics
and their settings.

| account | reads | writes |
|---|---|---|
"""

API_INTRODUCTION = """# API

Generated by `python docs/generate.py`; do not edit. The console serves a JSON API below `/api`, for computer-aided
dispatch (CAD), records systems and other programs. A program speaks for one person, whose role, training and agency decide
what it may do. Its acts are that person's in the inquiry log, with the tool `api/PROGRAM`. The description in OpenAPI 3.1
is at `/api/openapi.json`, without a token. New hits arrive by [webhook](../how-to/administrator/notifications.md); the
program then queries and records by the API.

## Token

```sh
platestream token make smith --for CAD --may hits --days 90   # the administrator permits it
platestream token take 5f0c2a91                               # smith takes it; it is shown once
platestream token list
platestream token revoke 5f0c2a91
```

`--may` opens parts of the API and may be repeated: `hits`, `inquiries`, `hotlist`, `log`. The person takes the token by
command or on the console's page *Account*. A token ends at its date (366 days at most), within 2 seconds after its person
is deactivated, and at once after a reset of the person's password. Steps on hits need the person to be on shift. After 50
wrong tokens or passwords from one address, the next attempt waits.

```sh
curl -s https://alpr.sjpd.example/api/hits/look -H "Authorization: Bearer $TOKEN" \\
  -H 'Content-Type: application/json' -d '{"case_number": "26-001234", "since": "2026-11-24T00:00:00Z"}'
```

Queries are in bodies, so that no plate, case number or reason gets into the logs of proxies. Each query needs a case number
or a reason, and a purpose where the agency lists purposes. A hit has `notice` (it is no ground for a stop), `missing` (what
is to be done before anyone acts) and `next_steps`.

## Refusals

Refusals are `application/problem+json` (RFC 9457) with `title`, `status` and `detail`.

| status | meaning |
|---|---|
| 400, 422 | a field cannot be accepted; `fields` names it, never its value |
| 401 | no token in force |
| 403 | the rule that forbids it, which is logged; or the token is for other parts |
| 404 | no such hit or picture, or not any more |
| 409 | not in this state: a step out of turn, an entry with a missing field |
| 413 | more than 100 kB, or no length given |
| 429 | too many wrong tokens; `Retry-After` |
| 503 | the database did not answer; nothing was done |

## Operations
"""


ADAPTERS_INTRODUCTION = """# Adapters

Generated by `python docs/generate.py`; do not edit. For those who connect another device or system. Each adapter is one file;
`CONTRIBUTING.md` in the repository lists the files and tests of each kind. A system that can read or write one of these needs no
adapter: the topic `frames` ([headers](schemas/README.md)), a [webhook](../how-to/administrator/notifications.md#webhooks-and-mail),
MQTT, files in a folder or by SFTP ([channels](files.md#notifytoml)), the [API](api.md), and the protocol
[between agencies](partner-protocol.md).
"""

ADAPTERS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "Reads that a device pushes": (
        "A file in `platestream/cameras/pushes/` with `FORMAT`, its name in `formats.py`, in `PushFormat` of "
        "`platestream/cameras/kinds.py` and in `CameraRead`, and a device in `simulate.py`. The tests of "
        "`tests/unit/cameras/test_pushes.py`, `tests/integration/test_camera_pushes.py` and the fuzzer then run with it.",
        (push.Format, push.Part, push.Push, camera_read.CameraRead),
    ),
    "Systems that get hits": (
        "A function `open_sender(receiver, rules)` in `platestream/notifications/channels/`, its name in `SENDERS` of "
        "`factory.py`, and its properties in `CHANNELS` of `platestream/operators/notify/channels.py`. It returns a function "
        "that sends one letter and returns when the receiver has it. Retries, order, dead letters, the record of each delivery "
        "and the check of MOU or purpose are common to all.",
        (senders.Letter, senders.Unreachable, senders.Rejected),
    ),
    "Evidence systems": (
        "A class in `platestream/evidence/channels/`, opened by `open_channel` of `platestream/evidence/systems.py`. Resumption, "
        "comparison and receipts are common to all.",
        (evidence_channel.Channel,),
    ),
}

OTHER_SYSTEMS = """
## Other systems

What their own public pages say (November 2026). There is no adapter for any of them, and nothing of it was **tried**: each takes
an account, a contract or a device.

| system | publicly known | unknown |
|---|---|---|
| Nlets, LPR Pointer Index | queries `LPQ` with answers `LPR` in NIEM XML, through the state's switch; the index holds metadata and a thumbnail, and details stay with the agency, which answers a second query | schemas and endpoints, which members get; how reads are submitted |
| Nlets, border reads (NICB) | `RQ` by plate to destination `NA`, answered by `RR` | as above |
| Flock Safety | API platform with OAuth 2.0, tokens of a user or a machine, scopes for registered applications | whether reads of others' cameras are taken, and at which terms |
| Genetec AutoVu (SharpV, Patroller) | export by HTTP or FTP from a template that the agency writes, with fields for plate, state, time in UTC, place, pictures and confidence | a sample of a device. Such a template may write the JSON of a format above |
| Motorola Vigilant (LEARN) | no public description of an interface was found | all |
| Tattile | XML with `PLATE_STRING`, `DATE`, `TIME`, `OCRSCORE`, `DIRECTION`, `LANE_ID` and pictures in base64 | the scale of `OCRSCORE`: 0 to 100 in one document, 0 to 999 in another |
| NIEM, for records systems | an exchange model of the justice domain | whether it fits the report, which is plain JSON or XML |
| Reolink, Verkada | no sample of a push with a plate was found | all |

Data that leaves to such a network is shared: register the agency with its MOU first
([partners](../how-to/administrator/partners.md)).
"""


def adapters() -> str:
    """Return the page for those who write adapters: their interfaces, and what is known of other systems."""
    parts = [ADAPTERS_INTRODUCTION]
    for title, (how, interfaces) in ADAPTERS.items():
        parts.append(f"\n## {title}\n\n{how}\n")
        parts += [_interface(one) for one in interfaces]
        if title == "Reads that a device pushes":
            parts.append(f"\n{push_docs.table()}")
        elif title == "Systems that get hits":
            parts.append(f"\n{notify_channels.table()}")
    return re.sub(r"\n{3,}", "\n\n", "".join([*parts, OTHER_SYSTEMS]))


def _interface(kind: Any) -> str:
    """Return a class with its description and its methods or fields."""
    text = f"\n### {kind.__name__}\n\n{_prose(inspect.cleandoc(kind.__doc__ or ''))}\n"
    if issubclass(kind, Exception):
        return text
    methods = [
        one for name, one in vars(kind).items() if inspect.isfunction(one) and not name.startswith("_")
    ]
    if methods:
        heads = (
            str(inspect.signature(one)).replace("(self, ", "(").replace("(self)", "()") for one in methods
        )
        rows = (
            f"| `{one.__name__}{_cell(head)}` | {_cell(one.__doc__ or '')} |\n"
            for one, head in zip(methods, heads, strict=True)
        )
        return f"{text}\n| method | task |\n|---|---|\n{''.join(rows)}"
    fields = list(inspect.get_annotations(kind)) or [
        name for name, one in vars(kind).items() if isinstance(one, property)
    ]
    return f"{text}\nFields: {', '.join(f'`{name}`' for name in fields)}.\n"


def pages() -> dict[Path, str]:
    """Return the text of every generated file by its path."""
    schemas = {REFERENCE / "schemas" / name: text for name, text in schema_docs.pages().items()}
    return {
        REFERENCE / "commands.md": commands(),
        REFERENCE / "settings.md": settings(),
        REFERENCE / "api.md": api(),
        REFERENCE / "topics.md": topics(),
        REFERENCE / "files.md": files(),
        REFERENCE / "adapters.md": adapters(),
        policy_docs.PAGE: policy_docs.page(),
        policy_docs.ACTS_PAGE: policy_docs.acts_page(policy_docs.ACTS_PAGE.read_text()),
        board_docs.PAGE: board_docs.page(),
        metric_docs.PAGE: metric_docs.page(),
        **acts_sql.files(),
        **schemas,
    }


def commands() -> str:
    """Return the page of all commands, with their arguments and options."""
    parts = [COMMANDS_INTRODUCTION]
    parts.append("\n| command | task |\n|---|---|\n")
    parts += [f"| [`{name}`](#{name}) | {_cell(entry.summary)} |\n" for name, entry in COMMANDS.items()]
    for name, entry in COMMANDS.items():
        command = load(entry)
        parts.append(f"\n## {name}\n")
        under = getattr(command, "commands", None)
        if under is None:
            parts += _command(name, command)
            continue
        parts.append(f"\n{_cell(entry.summary)}\n")
        for word, one in under.items():
            if one.hidden:  # the name of a release before
                continue
            if one.hidden:
                continue
            parts.append(f"\n### {name} {word}\n")
            parts += _command(f"{name} {word}", one)
    return "".join(parts)


def _command(name: str, command: Any) -> Iterator[str]:
    about, _colon, example = inspect.cleandoc(command.help or "").partition("Example: ")
    parameters = [one for one in command.params if not getattr(one, "hidden", False) and one.name != "help"]
    arguments = [one for one in parameters if one.param_type_name == "argument"]
    words = [one.display_name_raw if one.required else f"[{one.display_name_raw}]" for one in arguments]
    options = ["[OPTIONS]"] if len(arguments) < len(parameters) else []
    usage = " ".join(("platestream", name, *options, *words))
    yield f"\n{_prose(about)}\n\n```text\n{usage}\n```\n"
    if parameters:
        yield "\n| argument or option | meaning |\n|---|---|\n"
    for one in (*arguments, *(one for one in parameters if one not in arguments)):
        yield f"| {_names(one)} | {_meaning(one)} |\n"
    if example:
        yield f"\n```sh\n{' '.join(example.split())}\n```\n"


def _names(one: Any) -> str:
    if one.param_type_name == "argument":
        return f"`{one.display_name_raw}`"
    value = "" if one.is_flag or one.count else f" `{_kind(one)}`"
    return ", ".join(f"`{name}`" for name in (*one.opts, *one.secondary_opts)) + value


def _kind(one: Any) -> str:
    kind = one.metavar or one.display_type(cast("Any", None))
    kind = kind.replace("%Y-%m-%d", "DAY").replace("T%H:%M", "THH:MM").replace("list[str]", "str")
    return _cell(kind if one.metavar or kind.startswith("<") else f"<{kind}>")


def _meaning(one: Any) -> str:
    text = _cell(getattr(one, "help", "") or "")
    if getattr(one, "multiple", False) and "again" not in text and "repeat" not in text:
        text += " May be given again."
    if one.required and one.param_type_name == "option":
        text += " Required."
    elif one.default not in (None, "", False, 0, 0.0, [], ()) and not callable(one.default):
        text += f" Default: `{_value(one.default)}`."
    return text.strip()


def _value(value: Any) -> str:
    return str(getattr(value, "value", value))


def settings() -> str:
    """Return the page of all settings."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, "") else f"`{_value(field.default)}`"
        meaning = re.sub(r"`([a-z_]+)`", _variable, field.description or "")
        rows.append(f"| `PLATESTREAM_{name.upper()}` | {default} | {_cell(meaning)} |\n")
    others = [f"| {_variables(name)} | {meaning} |\n" for name, meaning in OTHER_VARIABLES.items()]
    return (
        SETTINGS_INTRODUCTION
        + "".join(rows)
        + "\n## Other variables\n\n| variable | meaning |\n|---|---|\n"
        + "".join(others)
    )


def _variable(named: re.Match[str]) -> str:
    return f"`PLATESTREAM_{named[1].upper()}`" if named[1] in Settings.model_fields else named[0]


def _variables(names: str) -> str:
    return ", ".join(f"`{name}`" for name in names.split(", "))


def files() -> str:
    """Return the page of the files that operators write. Raises KeyError for a field without a meaning."""
    parts = [FILES_INTRODUCTION]
    for name, tables in FILES.items():
        parts.append(f"\n## {name}\n")
        for title, (struct, meanings) in tables.items():
            parts.append(f"\n`{title}`\n" if title else "")
            parts.append(_struct(struct, meanings))
        if struct is ColumnMap:
            parts.append(COLUMN_MAP)
        if name == "cameras.toml":
            parts.append(f"\nFields of a read by `format`, beside the plate:\n\n{push_docs.table()}")
    for name, described in DESCRIBED.items():
        parts.append(f"\n## {name}\n")
        for title, struct in described.items():
            parts.append(f"\n`{title}`\n" if title else "")
            parts.append(f"\n{_prose(inspect.cleandoc(struct.__doc__ or ''))}\n{_struct(struct, None)}")
        if name == "notify.toml":
            parts.append(f"\nThe channels. Other services go out by Apprise:\n\n{notify_channels.table()}")
    return re.sub(r"\n{3,}", "\n\n", "".join(parts))


def _struct(struct: type[msgspec.Struct], meanings: dict[str, str] | None) -> str:
    """Return the table of a declaration's fields; without meanings if its docstring has them."""
    parts = ["\n| field | type | default |" + (" meaning |" if meanings else "")]
    parts.append("\n|---|---|---|" + ("---|" if meanings else "") + "\n")
    properties = msgspec.json.schema(struct, schema_hook=_path)["$defs"][struct.__name__]["properties"]
    for field in msgspec.structs.fields(struct):
        if not _table(field.type):
            row = f"| `{field.name}` | {_plain(properties[field.name])} | {_default(field)} |"
            parts.append(row + (f" {meanings[field.name]} |" if meanings else "") + "\n")
    return "".join(parts)


def _path(_kind: type) -> dict[str, Any]:
    return {"type": "string"}


def _table(kind: Any) -> bool:
    """Return whether a field is a table of its own, or tables by their names."""
    inner = (kind, *getattr(kind, "__args__", ()))
    return any(isinstance(one, type) and issubclass(one, msgspec.Struct) for one in inner)


def _plain(schema: dict[str, Any]) -> str:
    """Return the type of a field in words, with its bounds."""
    kinds = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    one = kinds[0]
    if "enum" in one:
        return ", ".join(f"`{value}`" if value else "empty" for value in one["enum"])
    words = {
        "number": "number",
        "integer": "whole number",
        "string": "text",
        "boolean": "`true` or `false`",
        "object": "table",
    }
    kind = words.get(one.get("type", ""), "list")
    bounds = [f"from {one['minimum']:,}"] if "minimum" in one else []
    bounds += [f"above {one['exclusiveMinimum']:,}"] if "exclusiveMinimum" in one else []
    bounds += [f"at most {one['maximum']:,}"] if "maximum" in one else []
    return ", ".join((kind, *bounds))


def _default(field: Any) -> str:
    if field.default is NODEFAULT:
        return "required" if field.default_factory is NODEFAULT else ""
    if isinstance(field.default, tuple) and len(field.default) > 5:
        return f"{len(field.default)} words"
    return "" if field.default in (None, "", ()) else f"`{_cell(json.dumps(field.default))}`"


def topics() -> str:
    """Return the page of the topics, and of the rights of accounts on them."""
    rights = {name: one for name, one in ACCOUNTS.items() if one != Rights()}
    return (
        TOPICS_INTRODUCTION
        + "".join(map(_topic, TOPICS))
        + RIGHTS_INTRODUCTION
        + "".join(
            f"| `{PREFIX}{name}` | {_named(one.reads)} | {_named(one.writes)} |\n"
            for name, one in rights.items()
        )
    )


def _topic(topic: Topic[Any]) -> str:
    keep = _period(topic.keep) if topic.keep else "compacted"
    since = " from arrival" if topic.time_of_arrival else ""
    more = ", or more" if topic.grows else ""
    return (
        f"| `{topic.name}` | {keep}{since} | {topic.partitions}{more} | {topic.max_bytes // 1_000_000} MB |\n"
    )


def _period(time: timedelta) -> str:
    number, unit = (time.days, "day") if time.days else (time // timedelta(hours=1), "hour")
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def _named(topics: tuple[Topic[Any], ...]) -> str:
    return ", ".join(f"`{topic.name}`" for topic in topics) or "-"


def api() -> str:
    """Return the page of the API: its operations with their fields."""
    described = app(cast("Any", None)).openapi()
    parts = [API_INTRODUCTION]
    models: dict[str, Any] = described["components"]["schemas"]
    for path, operations in described["paths"].items():
        for method, one in operations.items():
            parts.append(
                f"\n### {method.upper()} /api{path}\n\n{_prose(one.get('description') or one['summary'])}\n"
            )
            body = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            if body is not None:
                parts += _fields("Body", body, models)
            answer = one["responses"].get("200") or one["responses"].get("201") or {}
            schema = answer.get("content", {}).get("application/json", {}).get("schema")
            if schema:
                parts += _fields("Answer", schema, models)
    used = [name for name in models if f"](#{name.lower()})" in "".join(parts)]
    shown: set[str] = set()
    while used:
        name = used.pop(0)
        if name in shown:
            continue
        shown.add(name)
        made = "".join(_fields("", models[name], models))
        parts.append(f"\n### {name}\n\n{_prose(models[name].get('description', ''))}\n{made}")
        used += [other for other in models if f"](#{other.lower()})" in made]
    return re.sub(r"\n{3,}", "\n\n", "".join(parts))


def _fields(title: str, schema: dict[str, Any], models: dict[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if title == "Answer":
            yield f"\nAnswer: [{name}](#{name.lower()})\n"
            return
        schema = models[name]
    properties = schema.get("properties")
    if not properties:
        if title:
            yield f"\n{title}: {_type(schema)}\n"
        return
    yield (f"\n{title}:\n" if title else "") + "\n| field | type | meaning |\n|---|---|---|\n"
    required = schema.get("required", [])
    for name, one in properties.items():
        needed = " Required." if title == "Body" and name in required else ""
        default = one.get("default")
        default = "" if title != "Body" or default in (None, "", [], False) else f" Default: `{default}`."
        yield f"| `{name}` | {_type(one)} | {_cell(one.get('description', ''))}{needed}{default} |\n"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(_type(one) for one in schema[key])
    if "enum" in schema:
        return ", ".join(f"`{one}`" if one else "empty" for one in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    kind = schema.get("format") or schema.get("type", "any")
    return f"list of {_type(schema.get('items', {}))}" if kind == "array" else str(kind)


def _prose(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines() if line.strip())


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|")


def main() -> None:
    """Write the pages, or compare them."""
    differing = [path for path, text in pages().items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv:
        for path in differing:
            sys.stderr.write(f"{path} is not what the code says: python docs/generate.py\n")
        sys.exit(bool(differing))
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
