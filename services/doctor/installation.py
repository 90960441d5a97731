"""Settings, secrets, the data folder, its disk, and the recogniser's models."""

import os
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path

from connectors.ocr import ModelError, try_models
from connectors.private_file import open_to_others
from connectors.process import free
from connectors.profiles import load as load_profile
from connectors.settings import ACCOUNTS, Settings, SettingsError, load_settings
from schemas.counted import counted
from schemas.profile import ProfileError
from services.doctor.finding import Answer, NotLookedAtError, right, sentence, wrong
from services.doctor.here import Here
from services.retention.recovery_stores import DAYS
from services.up.accounts import hash_variables
from services.up.status import short_of_disk

PREFIX = "PLATESTREAM_"
OF_COMPOSE = ("CLICKHOUSE_CPUS", "CONSOLE", "CONSOLE_NAME", "PARTNERS", "UPLOADS")
"""What docker-compose.yml is told in `.env`, after the prefix."""
SECRETS = ("kafka_config_file", "clickhouse_file", "notify_file", "evidence_key_file", "oidc_file")


def settings(_here: Here) -> Iterable[Answer]:
    """They can be read, and so can the profile that they name."""
    try:
        profile = load_settings().profile
        if profile:
            load_profile(profile)
    except (SettingsError, ProfileError) as error:
        return [wrong(str(error), "Put this setting right (docs/deploy.md, Settings).")]
    named = f", with the profile {profile}" if profile else ""
    return [right(f"They can be read{named}.")]


def environment(here: Here) -> Iterator[Answer]:
    """Every variable with our prefix is a setting."""
    unknown = unknown_settings(here.environ)
    for name in unknown:
        near = nearest(name)
        instead = f"Write {near} instead, or take it away." if near else "Take it away."
        yield wrong(f"{name} is no setting, and has no effect.", instead)
    if not unknown:
        ours = sum(name.upper().startswith(PREFIX) for name in here.environ)
        yield right(f"{counted(ours, 'variable')} with the prefix {PREFIX}, and each is known.")


def secrets(here: Here) -> Iterator[Answer]:
    """Nobody but their owner may read them."""
    files = list(_secrets(here.settings))
    if not files:
        raise NotLookedAtError("no setting names a file of secrets, and there are no accounts")
    shared = [file for file in files if file.exists() and open_to_others(file)]
    missing = [file for file in files if not file.exists()]
    for file in shared:
        yield wrong(f"{file} may be read by others.", f"chmod 600 {file}")
    for file in missing:
        yield wrong(f"{file} is not there.", "Bring the file back, or take the setting away.")
    if not shared and not missing:
        yield right(f"{counted(len(files), 'file')}, for their owner alone.")


def data(here: Here) -> Iterable[Answer]:
    """It is there, can be written, and is for its owner alone."""
    told = here.settings
    folder = told.data
    if told.kafka and told.names_server:
        raise NotLookedAtError("topics are a broker's and tables a server's: neither is in this folder")
    if not folder.exists():
        return [
            wrong(f"{folder} is not there.", "Name the right one in PLATESTREAM_DATA, or platestream up.")
        ]
    if not folder.is_dir():
        return [wrong(f"{folder} is no folder.", "Name a folder of its own in PLATESTREAM_DATA.")]
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return [wrong(f"This account may not write {folder}.", "Be the account that the system runs under.")]
    if open_to_others(folder):
        return [wrong(f"{folder} is open to others, and has passwords.", f"chmod 700 {folder}")]
    return [right(f"{folder.absolute()} can be written, and is for its owner alone.")]


def disk(here: Here) -> Iterable[Answer]:
    """There is room, by the rule of `platestream status`."""
    folder = here.folder
    share = free(folder)
    short = [
        wrong(sentence(said), "See DiskFilling in docs/runbook.md.") for said in short_of_disk(folder, share)
    ]
    return short or [right(f"{share:.0%} of the disk of {folder} is free.")]


def recogniser(here: Here) -> Iterable[Answer]:
    """The models are whole and ONNX Runtime loads the one that reads plates."""
    folder = here.settings.models
    try:
        name = try_models(folder, here.settings.device)
    except ModelError as error:
        if here.settings.device != "cpu":
            mend = "Put it right, or set PLATESTREAM_DEVICE to cpu"
        else:
            mend = "Put the folder of PLATESTREAM_MODELS right" if folder else "Install the package anew"
        return [wrong(sentence(error), f"{mend}, and try with platestream read PICTURE.")]
    pinned = (
        f"of {folder}, which has no checksums to compare," if folder else "have the pinned checksums, and"
    )
    return [right(f"The models {pinned} ONNX Runtime loads the model {name}.")]


def unknown_settings(names: Iterable[str]) -> list[str]:
    """Those with our prefix that mean nothing."""
    return sorted(
        one for one in names if one.upper().startswith(PREFIX) and one.upper() not in known_settings()
    )


def known_settings() -> set[str]:
    """Names with our prefix that something reads: settings, and what containers and the engine are told."""
    ours = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    return ours | {f"{PREFIX}{name}" for name in OF_COMPOSE} | {DAYS} | hash_variables()


def nearest(name: str) -> str:
    """The known setting that `name` is most likely meant to be; empty where none is like it."""
    return next(iter(get_close_matches(name.upper(), sorted(known_settings()), n=1, cutoff=0.75)), "")


def _secrets(settings: Settings) -> Iterator[Path]:
    yield from (file for name in SECRETS if (file := getattr(settings, name)) is not None)
    yield from sorted(file for file in (settings.data / ACCOUNTS).rglob("*") if file.is_file())
