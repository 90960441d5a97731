"""HTTP responses as of a ClickHouse server: headers, results, and errors before or during results."""

import json
import secrets
import string
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from platestream.engine.errors import EngineError
from platestream.engine.runner import Summary

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
class ServerInfo:
    """Properties of this server that every response contains."""

    version: str
    timezone: str
    name: str


@dataclass
class ResponseHead:
    """The head of the response to one query. `tag` marks an error that occurs after results have begun."""

    server: ServerInfo
    query_id: str
    format: str = ""
    encoding: str = ""
    tag: str = field(
        default_factory=lambda: "".join(secrets.choice(string.ascii_lowercase) for _ in range(16))
    )

    def head(self, summary: Summary, more: Mapping[str, str] | None = None) -> Headers:
        """Return the headers of results, or of a statement without results."""
        values = {
            "X-ClickHouse-Summary": _summary(summary),
            "X-ClickHouse-Query-Id": self.query_id,
            "X-ClickHouse-Timezone": self.server.timezone,
            "X-ClickHouse-Server-Display-Name": self.server.name,
            "X-ClickHouse-Exception-Tag": self.tag,
            "Content-Type": content_type(self.format),
        }
        if self.format:
            values["X-ClickHouse-Format"] = self.format
        if self.encoding:
            values["Content-Encoding"] = self.encoding
        return encode_headers({**values, **(more or {})})

    def failure(self, error: EngineError) -> tuple[int, Headers, bytes]:
        """Return status, headers and body of an error before any results."""
        body = error.text(self.server.version).encode()
        values = {
            "X-ClickHouse-Exception-Code": str(error.code),
            "X-ClickHouse-Query-Id": self.query_id,
            "X-ClickHouse-Timezone": self.server.timezone,
            "X-ClickHouse-Server-Display-Name": self.server.name,
            "Content-Type": "text/plain; charset=UTF-8",
            "Content-Length": str(len(body)),
        }
        if error.status == 401:
            values["WWW-Authenticate"] = 'Basic realm="ClickHouse"'
        return error.status, encode_headers(values), body

    def late_failure(self, error: EngineError) -> bytes:
        """Return an error during results, between markers with this response's tag, as clients expect it."""
        text = error.text(self.server.version)
        size = len(text.encode())
        return f"\r\n__exception__\r\n{self.tag}\r\n{text}{size} {self.tag}\r\n__exception__\r\n".encode()


def content_type(name: str) -> str:
    """Return the content type of a format."""
    lower = name.lower()
    if lower.startswith("json") and "eachrow" not in lower:
        return "application/json; charset=UTF-8"
    if "eachrow" in lower:
        return "application/x-ndjson; charset=UTF-8"
    if lower.startswith("rowbinary"):
        return "application/octet-stream"
    return _TYPES.get(lower, "text/plain; charset=UTF-8")


def encode_headers(values: Mapping[str, str]) -> Headers:
    """Return headers for ASGI, without those that HTTP cannot carry, such as a query id with a line break."""
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
