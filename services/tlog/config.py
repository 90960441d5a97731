"""Which log is published here, under which key, and to whom it is shown."""

import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from connectors.settings import Settings
from connectors.tlog.folder import PublishedFolder
from connectors.tlog.kept import Kept
from operators.tlog.note import LOG, WITNESS, NoteError, Signer, Verifier
from schemas.log_file import LogFile, Stamps, parse
from schemas.message import RefusedError

FOLDER = "inquiry-log"
"""Of the data folder: what is kept in private of the published log, and unless another is named, the log."""
WITNESS_KEY = "witness-key"
SEED = 32


class LogError(ValueError):
    """The log is not published, or not proven; says why and what to do. No inquiry is in the message."""


class Witness(NamedTuple):
    """One of ours."""

    key: Verifier
    url: str


@dataclass(frozen=True)
class LogConfig:
    """`origin` is empty where none was chosen. `witness_name` is ours where we witness others' `logs`."""

    origin: str
    kept: Kept
    folder: PublishedFolder
    witnesses: tuple[Witness, ...] = ()
    stamps: Stamps | None = None
    witness_name: str = ""
    logs: tuple[Verifier, ...] = ()


def config(settings: Settings) -> LogConfig:
    """By the settings. Raises RefusedError that names the field, and OSError."""
    told = _file(settings.log_file)
    root = settings.data / FOLDER
    try:
        witnesses = tuple(Witness(_key(one.key, WITNESS), one.url) for one in told.witnesses)
        logs = tuple(_key(one.key, LOG) for one in told.witness.logs) if told.witness else ()
    except NoteError as error:
        raise RefusedError("log", f"{settings.log_file}: {error}") from None
    if len({one.key.name for one in witnesses}) < len(witnesses):
        raise RefusedError("log", f"{settings.log_file}: two witnesses have one name")
    return LogConfig(
        origin=told.origin or "",
        kept=Kept(root),
        folder=PublishedFolder(told.folder or root / "public"),
        witnesses=witnesses,
        stamps=told.timestamp,
        witness_name=told.witness.name if told.witness else "",
        logs=logs,
    )


def signer(found: LogConfig, agency: str) -> Signer:
    """The key of the log, made at the first call. Raises LogError for another name than it was begun with."""
    secret = found.kept.secret()
    if secret is None:
        made = Signer(found.origin or made_up(agency), LOG, secrets.token_bytes(SEED))
        found.kept.keep_secret(made.secret())
        return made
    key = _signer(secret)
    if found.origin and found.origin != key.name:
        raise LogError(
            f"this log was begun as {key.name}, and a log keeps its name: say so in PLATESTREAM_LOG_FILE, or "
            f"move {found.kept.root} away to begin another log"
        )
    return key


def verifier(found: LogConfig) -> Verifier:
    """The public half of the log's key. Raises LogError before it was begun."""
    secret = found.kept.secret()
    if secret is None:
        raise LogError("no log is published here yet: platestream audit publish begins it")
    return _signer(secret).verifier


def witness_signer(found: LogConfig) -> Signer:
    """Our key as a witness, made at the first call. Raises LogError."""
    if not found.witness_name:
        raise LogError("PLATESTREAM_LOG_FILE has no [witness] with a name and the logs that are witnessed")
    secret = found.kept.secret(WITNESS_KEY)
    if secret is None:
        made = Signer(found.witness_name, WITNESS, secrets.token_bytes(SEED))
        found.kept.keep_secret(made.secret(), WITNESS_KEY)
        return made
    key = _signer(secret)
    if key.name != found.witness_name:
        raise LogError(f"this witness was begun as {key.name}, and keeps its name")
    return key


def made_up(agency: str) -> str:
    """A name for a log of which no origin is set: the agency's, and what tells it from any other."""
    slug = re.sub(r"[^a-z0-9]+", "-", agency.lower()).strip("-") or "agency"
    return f"{slug}/inquiries/{secrets.token_hex(4)}"


def _file(path: Path | None) -> LogFile:
    if path is None:
        return LogFile()
    try:
        return parse(path.read_text("utf-8"), path.absolute().parent)
    except UnicodeDecodeError:
        raise RefusedError("log", f"{path}: the file is not in UTF-8") from None
    except ValueError as error:
        raise RefusedError("log", f"{path}: {error}") from None


def _key(text: str, kind: int) -> Verifier:
    key = Verifier.parse(text)
    if key.kind != kind:
        what = "a witness" if kind == WITNESS else "a log"
        raise NoteError(f"the key of {key.name} is no key of {what} (kind {kind})")
    return key


def _signer(secret: str) -> Signer:
    try:
        return Signer.parse(secret)
    except NoteError as error:
        raise LogError(f"the key of the log: {error}") from None
