"""Page of the files that operators write."""

import inspect
import json
import re
from typing import Any

import msgspec
from msgspec import NODEFAULT

from docs.generators import channels as notify_channels
from docs.generators import pushes
from docs.generators.text import cell, prose
from platestream.cameras import config as cameras_config
from platestream.hotlist.files.column_map import ColumnMap
from platestream.operators.notify import rules as notify_rules
from platestream.partners import config as partners_config
from platestream.schemas import profile

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


FILES_INTRODUCTION = """# Files

Generated by `make generate`; do not edit. Relative paths start at the file's folder. Fields without a default that
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
            parts.append(f"\nFields of a read by `format`, beside the plate:\n\n{pushes.table()}")
    for name, described in DESCRIBED.items():
        parts.append(f"\n## {name}\n")
        for title, struct in described.items():
            parts.append(f"\n`{title}`\n" if title else "")
            parts.append(f"\n{prose(inspect.cleandoc(struct.__doc__ or ''))}\n{_struct(struct, None)}")
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
    return "" if field.default in (None, "", ()) else f"`{cell(json.dumps(field.default))}`"
