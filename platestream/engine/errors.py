"""Errors of ClickHouse's HTTP interface: a code, a name and a sentence, with an HTTP status."""

import re

ACCESS_DENIED = 497
AUTHENTICATION_FAILED = 516
BAD_ARGUMENTS = 36
CANNOT_DECOMPRESS = 271
CHECKSUM_DOES_NOT_MATCH = 40
NOT_IMPLEMENTED = 48
QUERY_ID_TAKEN = 216
QUERY_CANCELLED = 394
QUOTA_EXCEEDED = 201
READONLY = 164
SESSION_LOCKED = 373
SESSION_NOT_FOUND = 372
SETTING_CONSTRAINT = 452
SYNTAX_ERROR = 62
TIMEOUT = 159
TOO_LARGE = 307
TOO_MANY_QUERIES = 202
UNKNOWN_EXCEPTION = 1002

_NAMES = {
    ACCESS_DENIED: "ACCESS_DENIED",
    AUTHENTICATION_FAILED: "AUTHENTICATION_FAILED",
    BAD_ARGUMENTS: "BAD_ARGUMENTS",
    CANNOT_DECOMPRESS: "CANNOT_DECOMPRESS",
    CHECKSUM_DOES_NOT_MATCH: "CHECKSUM_DOESNT_MATCH",
    NOT_IMPLEMENTED: "NOT_IMPLEMENTED",
    QUERY_ID_TAKEN: "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING",
    QUERY_CANCELLED: "QUERY_WAS_CANCELLED",
    QUOTA_EXCEEDED: "QUOTA_EXCEEDED",
    READONLY: "READONLY",
    SESSION_LOCKED: "SESSION_IS_LOCKED",
    SESSION_NOT_FOUND: "SESSION_NOT_FOUND",
    SETTING_CONSTRAINT: "SETTING_CONSTRAINT_VIOLATION",
    SYNTAX_ERROR: "SYNTAX_ERROR",
    TIMEOUT: "TIMEOUT_EXCEEDED",
    TOO_LARGE: "TOO_MANY_BYTES",
    TOO_MANY_QUERIES: "TOO_MANY_SIMULTANEOUS_QUERIES",
}

# As ClickHouse's exceptionCodeToHTTPStatus has them; 500 for the rest.
_STATUS = {
    **dict.fromkeys(
        (6, 26, 27, 36, 38, 41, 42, 43, 53, 62, 70, 72, 117, 130, 131, 216, 271, 386, 456, 457), 400
    ),
    **dict.fromkeys((192, 193, 497, 511, 512, 516), 403),
    **dict.fromkeys((46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 336, 372), 404),
    **dict.fromkeys((164, 452), 403),
    **dict.fromkeys((168, TOO_LARGE), 413),
    TIMEOUT: 408,
    QUOTA_EXCEEDED: 429,
    NOT_IMPLEMENTED: 501,
    **dict.fromkeys((TOO_MANY_QUERIES, 209, 243, SESSION_LOCKED), 503),
}

_CODE = re.compile(r"Code: (\d+)\. DB::\w*Exception: ")
_NOISE = re.compile(
    r" ?:? ?\(in file/uri /proc/self/fd/\d+\)|(: While executing File)?: data for INSERT was parsed from file"
)
_VERSION = re.compile(r" \(version [\d.]+\)")
_PARSING = re.compile(r"(: )?In scope SELECT formatQuerySingleLine\(.*\) AS f\.?", re.DOTALL)


class EngineError(Exception):
    """An error for a client; `str()` is the sentence alone."""

    def __init__(self, code: int, sentence: str, status: int | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.status = status or _STATUS.get(code, 500)

    @classmethod
    def from_engine(cls, message: str) -> "EngineError":
        """Return the error for an exception text of chDB.

        It may contain the query, so it is for the client only.
        """
        found = _CODE.search(message)
        code = int(found[1]) if found else UNKNOWN_EXCEPTION
        sentence = message
        while found := _CODE.search(sentence):  # an error within an error repeats code and version
            sentence = sentence[found.end() :]
        sentence = _PARSING.sub("", _VERSION.sub("", _NOISE.sub("", sentence)))
        return cls(code, _without_repeated_name(sentence.strip()))

    def for_account(self, account: str) -> "EngineError":
        """Return the error with the account's name instead of the common one in the engine."""
        sentence = str(self)
        if self.code != ACCESS_DENIED or not sentence.startswith("default: "):
            return self
        return EngineError(self.code, account + sentence.removeprefix("default"), self.status)

    def text(self, version: str) -> str:
        """Return the body of a response, as a server writes it."""
        name = _NAMES.get(self.code)
        named = f" ({name})" if name and not str(self).endswith(")") else ""
        return f"Code: {self.code}. DB::Exception: {self}{named} (version {version} (embedded))\n"


def _without_repeated_name(sentence: str) -> str:
    """Return the sentence with `… (NAME) (NAME)` shortened to `… (NAME)`."""
    return re.sub(r"( \([A-Z_]+\))[. ]*\1$", r"\1", sentence)
