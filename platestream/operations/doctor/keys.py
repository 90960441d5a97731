"""Checks of the hourly keys, and of the key of authenticator apps."""

from platestream.access.second_factor import factors
from platestream.keys.key_folder import MASTER, KeyFolder
from platestream.keys.master import KeysError
from platestream.operations.doctor.context import CheckContext
from platestream.operations.doctor.finding import CheckResult, NotCheckedError, fault, ok, sentence, warning
from platestream.runtime.private_file import open_to_others
from platestream.schemas.pluralize import pluralize
from platestream.settings import keys_folder, open_keys


def keys(context: CheckContext) -> CheckResult:
    """Check that the keys open, that only their owner can read them, and that they lie on another disk."""
    folder = keys_folder(context.settings)
    if folder is None:
        return warning(
            "Frames and detections are not encrypted on the topics.",
            "Name a folder that all processes share in PLATESTREAM_KEYS (docs/how-to/operator/keys.md).",
        )
    if not folder.is_dir():
        raise NotCheckedError(f"no key was made yet in {folder}")
    found = open_keys(context.settings)
    assert isinstance(found, KeyFolder)
    try:
        found.check()
        exposed = [path for path in (folder, found.master.secret) if open_to_others(path)]
    except (KeysError, OSError) as error:
        return fault(sentence(str(error)), "Bring the folder and its master key back from their own copy.")
    if exposed:
        return fault(f"{exposed[0]} is open to others.", f"chmod go= {exposed[0]}")
    if context.settings.master_key:
        return ok(f"{pluralize(len(found.hours()), 'hour')} have a key, wrapped by {found.master.name}.")
    data = context.settings.data
    if data.is_dir() and data.stat().st_dev == folder.stat().st_dev:
        return warning(
            "The hourly keys are on the disk of the data: who takes the disk can read both.",
            f"Put the folder, or at least its {MASTER}, on another disk (docs/how-to/operator/keys.md).",
        )
    return ok(f"{pluralize(len(found.hours()), 'hour')} have a key, on another disk than the data.")


def apps(context: CheckContext) -> CheckResult:
    """Check that the secrets of authenticator apps are encrypted, and that their key is there."""
    stored = factors(context.settings)
    clear = stored.in_clear()
    try:
        count = len(stored.all())
    except KeysError as error:
        mend = "Bring the key back from its copy, or reset each (platestream account set NAME --factor)."
        return fault(sentence(f"Nobody can sign in with an authenticator app: {error}"), mend)
    if not count:
        raise NotCheckedError("nobody has an authenticator app here")
    if clear:
        unnamed = keys_folder(context.settings) is None
        mend = "Name a folder in PLATESTREAM_KEYS, and start" if unnamed else "Start"
        said = f"Secrets of {pluralize(clear, 'app')} are in clear."
        return warning(said, f"{mend} the console of this release.")
    return ok(f"Secrets of {pluralize(count, 'app')} are encrypted.")
