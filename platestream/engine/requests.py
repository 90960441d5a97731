"""Parsing of HTTP requests: credentials, protocol parameters, settings, and values for the statement."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from platestream.engine import allowed_names
from platestream.engine.errors import AUTHENTICATION_FAILED, BAD_ARGUMENTS, SETTING_CONSTRAINT, EngineError

# Protocol parameters, which are not settings. Those about a server's buffers and reports are ignored.
_PROTOCOL = frozenset(
    [
        "query",
        "database",
        "default_format",
        "query_id",
        "session_id",
        "session_timeout",
        "session_check",
        "user",
        "password",
        "role",
        "quota_key",
        "compress",
        "decompress",
        "wait_end_of_query",
        "buffer_size",
        "stacktrace",
        "client_protocol_version",
        "enable_http_compression",
        "http_zlib_compression_level",
        "send_progress_in_http_headers",
        "http_headers_progress_interval_ms",
        "add_http_cors_header",
        "cancel_http_readonly_queries_on_client_close",
        "http_wait_end_of_query",
        "http_response_buffer_size",
        "close_session",
        "http_make_head_request",
        "network_compression_method",
        "allow_experimental_analyzer",
        "enable_analyzer",
        "http_write_exception_in_output_format",
    ]
)
_LONGEST_SESSION = 3600


@dataclass(frozen=True)
class QueryRequest:
    """A request without its body.

    `settings` and `parameters` are unchanged; only their names were checked.
    """

    query: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    query_id: str = ""
    database: str = ""
    default_format: str = "TabSeparated"
    roles: tuple[str, ...] = ()
    session: str = ""
    session_timeout: int = 60
    session_check: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    decompress: bool = False
    compress: bool = False
    wait_end: bool = False
    encoding: str = ""


def parse_request(pairs: Iterable[tuple[str, str]], headers: Mapping[str, str]) -> QueryRequest:
    """Parse the parameters of URL and form, and the headers. Raises EngineError."""
    values = list(pairs)
    one = dict(values)
    user, password = _credentials(one, headers)
    return QueryRequest(
        query=one.get("query", ""),
        user=user,
        password=password,
        query_id=one.get("query_id") or headers.get("x-clickhouse-query-id") or str(uuid4()),
        database=one.get("database") or headers.get("x-clickhouse-database", ""),
        default_format=one.get("default_format") or headers.get("x-clickhouse-format") or "TabSeparated",
        roles=tuple(value for name, value in values if name == "role"),
        session=one.get("session_id", ""),
        session_timeout=_seconds(one.get("session_timeout", "60")),
        session_check=one.get("session_check") == "1",
        settings=_settings(one),
        parameters={name[6:]: value for name, value in one.items() if name.startswith("param_")},
        decompress=one.get("decompress") == "1",
        compress=one.get("compress") == "1",
        wait_end="1" in (one.get("wait_end_of_query"), one.get("http_wait_end_of_query")),
        encoding=_encoding(headers) if one.get("enable_http_compression") == "1" else "",
    )


def _credentials(one: Mapping[str, str], headers: Mapping[str, str]) -> tuple[str, str]:
    """Return the credentials from one of three places. Raises EngineError if there are two, or none."""
    ways = []
    if authorization := headers.get("authorization"):
        ways.append(_basic(authorization))
    if "x-clickhouse-user" in headers or "x-clickhouse-key" in headers:
        ways.append((_utf8(headers.get("x-clickhouse-user", "")), _utf8(headers.get("x-clickhouse-key", ""))))
    if "user" in one or "password" in one:
        ways.append((one.get("user", ""), one.get("password", "")))
    if not ways:
        raise EngineError(AUTHENTICATION_FAILED, "sign in with the name and password of an account", 401)
    if len(ways) > 1:
        raise EngineError(
            AUTHENTICATION_FAILED, "sign in one way at a time: Basic, X-ClickHouse headers or the URL"
        )
    return ways[0]


def _utf8(value: str) -> str:
    """Return the text of a header, whose bytes HTTP always declares as Latin-1."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError(scheme)
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        raise EngineError(
            AUTHENTICATION_FAILED, "the Authorization header is not a Basic sign-in", 401
        ) from None
    return user, password


def _settings(one: Mapping[str, str]) -> dict[str, str]:
    named = {
        name: value for name, value in one.items() if name not in _PROTOCOL and not name.startswith("param_")
    }
    for name in named:
        if not allowed_names.setting_allowed(name):
            raise EngineError(SETTING_CONSTRAINT, f"the setting {name} is not for clients of this engine")
    return named


def _seconds(text: str) -> int:
    if not text.isdecimal() or len(text) > 9 or not 0 < int(text) <= _LONGEST_SESSION:
        raise EngineError(
            BAD_ARGUMENTS, f"session_timeout is a number of seconds, {_LONGEST_SESSION} at most"
        )
    return int(text)


def _encoding(headers: Mapping[str, str]) -> str:
    """Return the first encoding that the client accepts and the engine can write."""
    offered = (part.partition(";")[0].strip() for part in headers.get("accept-encoding", "").split(","))
    return next((name for name in offered if name in ("zstd", "br", "gzip", "deflate", "lz4")), "")
