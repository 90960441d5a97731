"""Errors of SQL statements: a sentence with the database's code, and advice."""

import re

from clickhouse_connect.driver.exceptions import Error

from platestream.engine.errors import EngineError

SESSION_NOT_FOUND = 372
THROWN = 395

_AROUND = re.compile(r"^.*?server response: |\s*\(for url [^)]*\)$", re.DOTALL)
# Details of the engine's internals, which hide the sentence from most readers.
_INSIDE = re.compile(
    r": while executing '.*?(?= \([A-Z_]+\)|$)|\s*\. Expected one of: .*?(?= \([A-Z_]+\)|$)"
    r"|\s*\(version (?:[^()]|\([^()]*\))*\)",
    re.DOTALL,
)
_TODO = {
    60: "what you may use: SHOW TABLES FROM platestream",
    81: "the database is not set up: whoever runs it does so with `platestream migrate`",
    159: "ask for a shorter time or fewer cameras",
    164: "your account only reads",
    201: "somebody, or a program of yours, tried wrong passwords as you: tell whoever runs it",
    202: "ask again in a moment",
    241: "ask for a shorter time or fewer cameras",
    373: "a statement of yours still runs: ask again in a moment",
    396: "add a LIMIT, or ask for a shorter time",
    452: "this setting is not yours to choose",
    516: "look at the name and password in PLATESTREAM_CLICKHOUSE or PLATESTREAM_CLICKHOUSE_FILE",
}
_NOT_GRANTED = (
    "data is looked at with an inquiry (docs/how-to/analyst/sql.md); what you may use: SHOW TABLES FROM "
    "platestream"
)


class SqlError(Exception):
    """An error as the person sees it; `code` is the database's, None where it did not answer."""

    def __init__(self, sentence: str, code: int | None = None, todo: str = "") -> None:
        text = sentence if code is None else f"code {code}: {sentence}"
        super().__init__(f"{text}\n{todo}" if todo else text)
        self.sentence = sentence
        self.code = code


def unreached(host: str, code: int | None) -> SqlError:
    """Return the error of a connection that was not made."""
    if code is None:
        return SqlError(f"no answer from {host}", todo="does the engine or the server run there?")
    return SqlError(f"{host} refused the sign-in", code, _TODO.get(code, ""))


def failure(error: Error, host: str) -> SqlError:
    """Convert an error of the client, whose text is the database's."""
    text = _AROUND.sub("", str(error))
    if error.code is None and "DB::" not in text:
        return SqlError(
            f"{host} gave no answer",
            todo="what was asked may have been done or not: look before you repeat it",
        )
    parsed = EngineError.from_engine(text)
    code = error.code or parsed.code
    todo = _NOT_GRANTED if "Not enough privileges" in text else _TODO.get(code, "")
    return SqlError(_INSIDE.sub("", str(parsed)), code, todo)
