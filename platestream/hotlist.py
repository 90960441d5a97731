"""The hot list as the command line handles it: files read line by line, and only differences sent."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import msgspec

from connectors.changelog import newest, publish
from connectors.edge import Topics
from schemas import plates, topics
from schemas.fields import Vehicle
from schemas.hotlist import HotListChange, HotListEntry
from schemas.message import RefusedError

COLUMNS = (
    *("reference", "category", "plate", "state", "make", "model", "colour", "case_number", "reason"),
    *("requested_by", "contact", "instructions", "other", "expires_at"),
)


@dataclass
class Import:
    """What a file came to: entries sent as new or changed, removed, unchanged; and lines refused, with why."""

    changed: list[HotListEntry] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: int = 0
    refused: list[str] = field(default_factory=list)


def make_entry(source: str, told: Mapping[str, Any]) -> HotListEntry:
    """An entry of `source` from fields by name (COLUMNS). Raises RefusedError that names the wrong field."""
    values = {name: str(told.get(name) or "").strip() for name in COLUMNS}
    if not values["reference"]:
        raise RefusedError("schema", "`reference` is missing: it tells entries of a source apart")
    vehicle = {name: values.pop(name) or None for name in ("make", "model", "colour")}
    entry = {
        **values,
        "schema": "hotlist_entry/1",
        "entry_id": f"{source}:{values.pop('reference')}",
        "source": source,
        "plate": plates.normalise(values["plate"]),
        "state": values["state"].upper() or None,
        "vehicle": Vehicle(**vehicle),
        "expires_at": _expiry(values["expires_at"]),
    }
    entry.pop("reference", None)
    return HotListEntry.from_json(msgspec.json.encode(entry))


def read_csv(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and fields of each line; the first line names the columns. Raises RefusedError."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        unknown = set(reader.fieldnames or ()) - set(COLUMNS)
        if unknown or "plate" not in (reader.fieldnames or ()):
            what = f"unknown columns {', '.join(sorted(unknown))}" if unknown else "no column `plate`"
            raise RefusedError("columns", f"{path.name}: {what}; known are {', '.join(COLUMNS)}")
        for row in reader:
            yield reader.line_num, {name: text or "" for name, text in row.items() if name in COLUMNS}


def listed(streams: Topics) -> dict[str, HotListEntry]:
    """The entries on the list now, by id."""
    return {
        key.decode(): HotListEntry.from_json(message.value)
        for key, message in newest(streams, topics.HOTLIST).items()
    }


def import_lines(streams: Topics, source: str, lines: Iterable[tuple[int, Mapping[str, Any]]]) -> Import:
    """Make the list of `source` what the lines say: what is new, changed or gone is sent, nothing else."""
    done = Import()
    wanted: dict[str, HotListEntry] = {}
    for number, told in lines:
        try:
            entry = make_entry(source, told)
        except RefusedError as error:
            done.refused.append(f"line {number}: {error.detail}")
        else:
            wanted[entry.entry_id] = entry
    before = {name: entry for name, entry in listed(streams).items() if entry.source == source}
    done.changed = [entry for name, entry in wanted.items() if before.get(name) != entry]
    done.unchanged = len(wanted) - len(done.changed)
    # A line that was refused is no sign that its entry is gone.
    done.removed = [] if done.refused else sorted(before.keys() - wanted.keys())
    changes = [HotListChange(entry.entry_id, entry) for entry in done.changed]
    publish(streams, topics.HOTLIST, changes + [HotListChange(name, None) for name in done.removed])
    return done


def _expiry(text: str) -> str:
    """A date counts to its end (UTC); a time without an offset is UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise RefusedError("schema", "`expires_at` is missing or no date (2026-12-31)") from None
    if len(text) == len("2026-12-31"):
        at = datetime.combine(date.fromisoformat(text), time(23, 59, 59))
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()
