"""Checks of settings, secrets, the data folder, its disk, and the recognizer's models."""

import os
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path

from platestream.access.profiles import load as load_profile
from platestream.flow_process import free_share
from platestream.operations.doctor.context import CheckContext
from platestream.operations.doctor.finding import CheckResult, NotCheckedError, fault, ok, sentence, warning
from platestream.operations.up.accounts import hash_variables
from platestream.operations.up.status import disk_faults
from platestream.reading.ocr import ModelError, try_models
from platestream.retention.recovery_stores import DAYS
from platestream.runtime.private_file import open_to_others
from platestream.schemas.pluralize import pluralize
from platestream.schemas.profile import ProfileError
from platestream.settings import ACCOUNTS, Settings, SettingsError, job_account, load_settings

PREFIX = "PLATESTREAM_"
OF_COMPOSE = ("CLICKHOUSE_CPUS", "CONSOLE", "CONSOLE_NAME", "PARTNERS", "UPLOADS")
"""Variables of docker-compose.yml in `.env`, without the prefix."""
MOST_DAYS = 365
"""Age of a job's password that is a warning."""
SECRETS = ("kafka_config_file", "clickhouse_file", "notify_file", "evidence_key_file", "oidc_file")


def settings(_context: CheckContext) -> CheckResult:
    """Check that the settings can be read, and the profile that they name."""
    try:
        profile = load_settings().profile
        if profile:
            load_profile(profile)
    except (SettingsError, ProfileError) as error:
        return fault(str(error), "Put this setting right (docs/reference/settings.md).")
    named = f", with the profile {profile}" if profile else ""
    return ok(f"They can be read{named}.")


def environment(context: CheckContext) -> Iterator[CheckResult]:
    """Check that every variable with our prefix is a setting."""
    unknown = unknown_settings(context.environ)
    for name in unknown:
        near = nearest(name)
        instead = f"Write {near} instead, or take it away." if near else "Take it away."
        yield fault(f"{name} is no setting, and has no effect.", instead)
    if not unknown:
        ours = sum(name.upper().startswith(PREFIX) for name in context.environ)
        yield ok(f"{pluralize(ours, 'variable')} with the prefix {PREFIX}, and each is known.")


def secrets(context: CheckContext) -> Iterator[CheckResult]:
    """Check that only their owner may read the files of secrets."""
    files = list(_secrets(context.settings))
    if not files:
        raise NotCheckedError("no setting names a file of secrets, and there are no accounts")
    shared = [file for file in files if file.exists() and open_to_others(file)]
    missing = [file for file in files if not file.exists()]
    for file in shared:
        yield fault(f"{file} may be read by others.", f"chmod 600 {file}")
    for file in missing:
        yield fault(f"{file} is not there.", "Bring the file back, or take the setting away.")
    if not shared and not missing:
        yield ok(f"{pluralize(len(files), 'file')}, for their owner alone.")
    if jobs := list((context.settings.data / ACCOUNTS).glob(job_account(Path(), "*").name)):
        days = int(context.now().timestamp() - min(one.stat().st_mtime for one in jobs)) // 86400
        said = f"The oldest password of a job has been there for {pluralize(days, 'day')}."
        yield warning(said, "platestream keys rotate") if days > MOST_DAYS else ok(said)


def data(context: CheckContext) -> CheckResult:
    """Check that the data folder exists, can be written, and is readable by its owner only."""
    configured = context.settings
    folder = configured.data
    if configured.kafka and configured.names_server:
        raise NotCheckedError("topics are a broker's and tables a server's: neither is in this folder")
    if not folder.exists():
        return fault(f"{folder} is not there.", "Name the right one in PLATESTREAM_DATA, or platestream up.")
    if not folder.is_dir():
        return fault(f"{folder} is no folder.", "Name a folder of its own in PLATESTREAM_DATA.")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return fault(f"This account may not write {folder}.", "Be the account that the system runs under.")
    if open_to_others(folder):
        return fault(f"{folder} is open to others, and has passwords.", f"chmod 700 {folder}")
    return ok(f"{folder.absolute()} can be written, and is for its owner alone.")


def disk(context: CheckContext) -> Iterable[CheckResult]:
    """Check that there is free space, by the rule of `platestream status`."""
    folder = context.folder
    share = free_share(folder)
    short = [fault(sentence(text), "See DiskFilling in the runbook.") for text in disk_faults(folder, share)]
    return short or [ok(f"{share:.0%} of the disk of {folder} is free.")]


def recogniser(context: CheckContext) -> CheckResult:
    """Check that the models are intact and that ONNX Runtime loads the one that reads plates."""
    folder = context.settings.models
    try:
        name = try_models(folder, context.settings.device)
    except ModelError as error:
        if context.settings.device != "cpu":
            mend = "Put it right, or set PLATESTREAM_DEVICE to cpu"
        else:
            mend = "Put the folder of PLATESTREAM_MODELS right" if folder else "Install the package anew"
        return fault(sentence(error), f"{mend}, and try with platestream read PICTURE.")
    pinned = (
        f"of {folder}, which has no checksums to compare," if folder else "have the pinned checksums, and"
    )
    return ok(f"The models {pinned} ONNX Runtime loads the model {name}.")


def unknown_settings(names: Iterable[str]) -> list[str]:
    """List the names with our prefix that are no setting."""
    return sorted(
        one for one in names if one.upper().startswith(PREFIX) and one.upper() not in known_settings()
    )


def known_settings() -> set[str]:
    """Return all names with our prefix that are read: settings, and variables of the containers and the
    engine.
    """
    ours = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    return ours | {f"{PREFIX}{name}" for name in OF_COMPOSE} | {DAYS} | hash_variables()


def nearest(name: str) -> str:
    """Return the known setting that `name` is most likely meant to be; empty where none is similar."""
    return next(iter(get_close_matches(name.upper(), sorted(known_settings()), n=1, cutoff=0.75)), "")


def _secrets(settings: Settings) -> Iterator[Path]:
    yield from (file for name in SECRETS if (file := getattr(settings, name)) is not None)
    yield from sorted(file for file in (settings.data / ACCOUNTS).rglob("*") if file.is_file())
