"""Filing the memorandum of a yearly audit: once, on record with its hashes, over no file that is there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path

from connectors.clickhouse_client import AUDITOR, run
from schemas.ledger import LedgerEntry
from schemas.message import RefusedError
from services import records
from services.door import Door
from services.yearly_audit.findings import Filed, refuse_filed
from services.yearly_audit.memo import Memo, compose
from services.yearly_audit.pdf import pdf
from services.yearly_audit.text import markdown


@dataclass(frozen=True)
class Filing:
    """A memorandum that was filed: its entry, the two files, and what is wrong with the records."""

    entry: LedgerEntry
    memo: Memo
    files: Sequence[Path]


def file(door: Door, number: int, now: datetime, to: Path) -> Filing:
    """File the memorandum of draw `number` as Markdown and PDF: on record, stored, and in the folder `to`.

    Raises TooSoon while an inquiry has no finding, RefusedError where it was filed already, somebody judged
    their own inquiry or a file is in the way, RefusedInquiry, DatabaseError and OSError.
    """
    client = door.client(AUDITOR)
    reason = f"Memorandum of the yearly audit, draw {number}"
    with door.on_record("audit_memo", f"draw {number}", reason=reason):
        refuse_filed(client, number)
        memo = compose(door, number, now)
        files = [to / f"alpr-audit-{memo.drawn.year}-draw-{number}.{kind}" for kind in ("md", "pdf")]
        if there := [one.name for one in files if one.exists()]:
            raise RefusedError("memorandum", f"{there[0]} is there already, and is not written over")
    contents = markdown(memo).encode(), pdf(memo)
    to.mkdir(parents=True, exist_ok=True)
    entry = records.put(door, "audit_memo", "audit", "memorandum", _filed(memo, *contents), reason=reason)
    names = [f"memorandum-{memo.drawn.year}-draw-{number}.{kind}" for kind in ("md", "pdf")]
    rows = [(sha256(one).digest(), name, one) for name, one in zip(names, contents, strict=True)]
    run(
        "filing the memorandum",
        partial(
            client.insert,
            "platestream.documents",
            rows,
            column_names=["sha256", "name", "content"],
            settings={"async_insert": 0},
        ),
    )
    for path, content in zip(files, contents, strict=True):
        with path.open("xb") as target:
            target.write(content)
    return Filing(entry, memo, files)


def _filed(memo: Memo, text: bytes, paper: bytes) -> Filed:
    return Filed(
        year=memo.drawn.year,
        draw=memo.entry.number,
        markdown_sha256=sha256(text).hexdigest(),
        pdf_sha256=sha256(paper).hexdigest(),
        inquiries=len(memo.findings),
        met=memo.met,
        data_errors=len(memo.errors),
    )
