"""Configuration of the published log: its name, its key, its folder and its witnesses."""

import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from platestream.merkle.note import LOG, WITNESS, NoteError, Signer, Verifier
from platestream.schemas.log_file import LogFile, Stamps, parse
from platestream.schemas.message import RefusedError
from platestream.settings import Settings
from platestream.transparency_log.published_folder import PublishedFolder
from platestream.transparency_log.publisher_state import PublisherState

FOLDER = "inquiry-log"
"""Folder below the data folder with the private state of the published log and, by default, the log itself.
"""
WITNESS_KEY = "witness-key"
SEED = 32


class LogError(ValueError):
    """Error where the log cannot be published or proven; says why and what to do. The message has no
    inquiry.
    """


class Witness(NamedTuple):
    """One of our witnesses."""

    key: Verifier
    url: str


@dataclass(frozen=True)
class LogConfig:
    """The configuration. `origin` is empty where none was chosen. `witness_name` is ours where we witness
    others' `logs`. With `counts` the hourly counts by camera are published.
    """

    origin: str
    state: PublisherState
    folder: PublishedFolder
    witnesses: tuple[Witness, ...] = ()
    stamps: Stamps | None = None
    witness_name: str = ""
    logs: tuple[Verifier, ...] = ()
    counts: bool = False


def config(settings: Settings) -> LogConfig:
    """Build the configuration from the settings. Raises RefusedError that names the field, and OSError."""
    file = _file(settings.log_file)
    root = settings.data / FOLDER
    try:
        witnesses = tuple(Witness(_key(one.key, WITNESS), one.url) for one in file.witnesses)
        logs = tuple(_key(one.key, LOG) for one in file.witness.logs) if file.witness else ()
    except NoteError as error:
        raise RefusedError("log", f"{settings.log_file}: {error}") from None
    if len({one.key.name for one in witnesses}) < len(witnesses):
        raise RefusedError("log", f"{settings.log_file}: two witnesses have one name")
    return LogConfig(
        origin=file.origin or "",
        state=PublisherState(root),
        folder=PublishedFolder(file.folder or root / "public"),
        witnesses=witnesses,
        stamps=file.timestamp,
        witness_name=file.witness.name if file.witness else "",
        logs=logs,
        counts=file.counts,
    )


def signer(log_config: LogConfig, agency: str) -> Signer:
    """Return the log's key, made at the first call. Raises LogError for another name than the one it was
    begun with.
    """
    secret = log_config.state.secret()
    if secret is None:
        made = Signer(log_config.origin or made_up_origin(agency), LOG, secrets.token_bytes(SEED))
        log_config.state.store_secret(made.secret())
        return made
    key = _signer(secret)
    if log_config.origin and log_config.origin != key.name:
        raise LogError(
            f"this log was begun as {key.name}, and a log keeps its name: say so in PLATESTREAM_LOG_FILE, or "
            f"move {log_config.state.root} away to begin another log"
        )
    return key


def verifier(log_config: LogConfig) -> Verifier:
    """Return the public half of the log's key. Raises LogError before the log was begun."""
    secret = log_config.state.secret()
    if secret is None:
        raise LogError("no log is published here yet: platestream audit publish begins it")
    return _signer(secret).verifier


def witness_signer(log_config: LogConfig) -> Signer:
    """Return our key as a witness, made at the first call. Raises LogError."""
    if not log_config.witness_name:
        raise LogError("PLATESTREAM_LOG_FILE has no [witness] with a name and the logs that are witnessed")
    secret = log_config.state.secret(WITNESS_KEY)
    if secret is None:
        made = Signer(log_config.witness_name, WITNESS, secrets.token_bytes(SEED))
        log_config.state.store_secret(made.secret(), WITNESS_KEY)
        return made
    key = _signer(secret)
    if key.name != log_config.witness_name:
        raise LogError(f"this witness was begun as {key.name}, and keeps its name")
    return key


def made_up_origin(agency: str) -> str:
    """Make a unique name for a log without a configured origin, from the agency's name."""
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
