"""Check of the hourly keys."""

from collections.abc import Iterable

from platestream.keys.key_folder import MASTER, KeyFolder
from platestream.keys.master import KeysError
from platestream.operations.doctor.context import CheckContext
from platestream.operations.doctor.finding import CheckResult, NotCheckedError, fault, ok, sentence, warning
from platestream.runtime.private_file import open_to_others
from platestream.schemas.pluralize import pluralize
from platestream.settings import keys_folder, open_keys


def keys(context: CheckContext) -> Iterable[CheckResult]:
    """Check that the keys open, that only their owner can read them, and that they lie on another disk."""
    folder = keys_folder(context.settings)
    if folder is None:
        return [
            warning(
                "Frames and detections are not encrypted on the topics.",
                "Name a folder that all processes share in PLATESTREAM_KEYS (docs/how-to/operator/keys.md).",
            )
        ]
    if not folder.is_dir():
        raise NotCheckedError(f"no key was made yet in {folder}")
    found = open_keys(context.settings)
    assert isinstance(found, KeyFolder)
    try:
        found.check()
        exposed = [path for path in (folder, found.master.secret) if open_to_others(path)]
    except (KeysError, OSError) as error:
        return [fault(sentence(str(error)), "Bring the folder and its master key back from their own copy.")]
    if exposed:
        return [fault(f"{exposed[0]} is open to others.", f"chmod go= {exposed[0]}")]
    if context.settings.master_key:
        return [ok(f"{pluralize(len(found.hours()), 'hour')} have a key, wrapped by {found.master.name}.")]
    data = context.settings.data
    if data.is_dir() and data.stat().st_dev == folder.stat().st_dev:
        return [
            warning(
                "The hourly keys are on the disk of the data: who takes the disk can read both.",
                f"Put the folder, or at least its {MASTER}, on another disk (docs/how-to/operator/keys.md).",
            )
        ]
    return [ok(f"{pluralize(len(found.hours()), 'hour')} have a key, on another disk than the data.")]
