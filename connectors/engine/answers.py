"""What HTTP says back: headers as a ClickHouse server sends them, results, errors before and amid results."""

import json
import secrets
import string
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from connectors.engine.errors import EngineError
from connectors.engine.runner import Summary

_TYPES = {
    "csv": "text/csv; charset=UTF-8; header=absent",
    "csvwithnames": "text/csv; charset=UTF-8; header=present",
    "tabseparated": "text/tab-separated-values; charset=UTF-8",
    "tsv": "text/tab-separated-values; charset=UTF-8",
    "native": "application/octet-stream",
    "parquet": "application/octet-stream",
    "xml": "application/xml; charset=UTF-8",
    "html": "text/html; charset=UTF-8",
}

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class About:
    """What every answer tells of this server."""

    version: str
    timezone: str
    name: str


@dataclass
class Answer:
    """The head of an answer to one query. `tag` marks an error that comes after results have begun."""

    about: About
    query_id: str
    format: str = ""
    encoding: str = ""
    tag: str = field(
        default_factory=lambda: "".join(secrets.choice(string.ascii_lowercase) for _ in range(16))
    )

    def head(self, summary: Summary, more: Mapping[str, str] | None = None) -> Headers:
        """Headers of results, or of a statement that has none."""
        values = {
            "X-ClickHouse-Summary": _summary(summary),
            "X-ClickHouse-Query-Id": self.query_id,
            "X-ClickHouse-Timezone": self.about.timezone,
            "X-ClickHouse-Server-Display-Name": self.about.name,
            "X-ClickHouse-Exception-Tag": self.tag,
            "Content-Type": content_type(self.format),
        }
        if self.format:
            values["X-ClickHouse-Format"] = self.format
        if self.encoding:
            values["Content-Encoding"] = self.encoding
        return encoded({**values, **(more or {})})

    def failure(self, error: EngineError) -> tuple[int, Headers, bytes]:
        """Status, headers and body of an error that came before results."""
        body = error.text(self.about.version).encode()
        values = {
            "X-ClickHouse-Exception-Code": str(error.code),
            "X-ClickHouse-Query-Id": self.query_id,
            "X-ClickHouse-Timezone": self.about.timezone,
            "X-ClickHouse-Server-Display-Name": self.about.name,
            "Content-Type": "text/plain; charset=UTF-8",
            "Content-Length": str(len(body)),
        }
        if error.status == 401:
            values["WWW-Authenticate"] = 'Basic realm="ClickHouse"'
        return error.status, encoded(values), body

    def late(self, error: EngineError) -> bytes:
        """An error amid results, as clients look for it: between markers with this answer's tag."""
        text = error.text(self.about.version)
        size = len(text.encode())
        return f"\r\n__exception__\r\n{self.tag}\r\n{text}{size} {self.tag}\r\n__exception__\r\n".encode()


def content_type(name: str) -> str:
    """Of a format."""
    lower = name.lower()
    if lower.startswith("json") and "eachrow" not in lower:
        return "application/json; charset=UTF-8"
    if "eachrow" in lower:
        return "application/x-ndjson; charset=UTF-8"
    if lower.startswith("rowbinary"):
        return "application/octet-stream"
    return _TYPES.get(lower, "text/plain; charset=UTF-8")


def encoded(values: Mapping[str, str]) -> Headers:
    """As ASGI wants them; what HTTP cannot carry (a query id with a line break, say) is left out."""
    return [
        (name.lower().encode(), value.encode("latin-1", "replace"))
        for name, value in values.items()
        if value.isprintable()
    ]


def _summary(summary: Summary) -> str:
    counts = {name: str(value) for name, value in asdict(summary).items()}
    counts |= {
        "total_rows_to_read": "0",
        "result_rows": counts["written_rows"],
        "result_bytes": counts["written_bytes"],
    }
    return json.dumps(counts, separators=(",", ":"))
