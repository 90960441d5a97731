"""Checks of what leaves the tables: backups, memory that is written to swap, and the disk itself."""

from collections.abc import Iterator

from platestream.edges.clickhouse_client import AUDITOR, Dsn, read_rows
from platestream.keys.recipients import RecipientError, read_recipients
from platestream.operations.backup.make import PLAIN
from platestream.operations.doctor.context import CheckContext
from platestream.operations.doctor.finding import CheckResult, NotCheckedError, fault, ok, sentence, warning
from platestream.schemas.pluralize import pluralize

GUIDE = "docs/how-to/operator/backup.md"
_LAST = """
SELECT at, change FROM platestream.inquiry_log WHERE kind = 'backup' AND outcome = 'allowed'
ORDER BY at DESC LIMIT 1
"""


def backups(context: CheckContext) -> Iterator[CheckResult]:
    """Check that backups have recipients, and that the last one was encrypted."""
    file = context.settings.backup_recipients
    if file is None:
        yield warning(
            "No recipients are named: platestream backup is refused without --recipients or --plain.",
            f"Name a file of public keys in PLATESTREAM_BACKUP_RECIPIENTS ({GUIDE}).",
        )
    else:
        try:
            yield ok(f"Backups are encrypted to {pluralize(len(read_recipients(file)), 'recipient')}.")
        except (OSError, RecipientError) as error:
            yield fault(sentence(error), f"Put the file right ({GUIDE}).")
        if context.settings.evidence_key_file is None:
            yield warning(
                "Backups are not signed: a restore cannot prove who made them.",
                f"platestream evidence key FILE, named in PLATESTREAM_EVIDENCE_KEY_FILE ({GUIDE}).",
            )
    client = context.client(AUDITOR)
    for at, change in read_rows(client, "reading the last backup", _LAST):
        if not change or change.startswith(PLAIN):  # empty: of a release that encrypted none
            yield warning(
                f"The last backup, of {at:%Y-%m-%d}, is not encrypted.",
                "Make another one without --plain, and destroy the files that are in clear.",
            )


def swap(context: CheckContext) -> CheckResult:
    """Check that no memory is written to swap unencrypted."""
    try:
        found = context.swaps()
    except OSError:
        raise NotCheckedError("the kernel does not say") from None
    if found:
        return warning(
            f"Swap is not known to be encrypted: {', '.join(found)}.",
            "swapoff --all, or encrypt it (crypttab, zram): memory has plates and keys.",
        )
    return ok("Swap is off or encrypted.")


def table_disk(context: CheckContext) -> CheckResult:
    """Check that the tables, which have plates in clear, are on an encrypted disk."""
    named, data = Dsn.parse(context.settings.clickhouse), context.folder
    if context.settings.names_server:
        raise NotCheckedError("the tables are a server's: its operator knows whether its disk is encrypted")
    folder = named.path if named.scheme == "chdb" else data
    if context.encrypted(folder):
        return ok("The tables are on an encrypted disk.")
    return warning(
        f"The disk of {folder} is not known to be encrypted, and tables have plates in clear.",
        "Put the data folder on a disk that the kernel encrypts (LUKS), or that its host encrypts.",
    )
