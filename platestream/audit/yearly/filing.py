"""Filing of the memorandum of an audit: once, recorded with its hashes, without overwriting files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Literal

from platestream.access.door import Door
from platestream.audit.yearly.draw import TooSoon
from platestream.audit.yearly.findings import FiledMemorandum, memorandum_of, refuse_filed
from platestream.audit.yearly.memo import Memo, compose
from platestream.audit.yearly.memo_text import markdown
from platestream.audit.yearly.pdf import pdf
from platestream.edges.clickhouse_client import AUDITOR, run
from platestream.ledger import records
from platestream.schemas.ledger import LedgerEntry
from platestream.schemas.message import RefusedError

Kind = Literal["md", "pdf"]
KINDS: tuple[Kind, ...] = ("md", "pdf")

_DOCUMENT = (
    "SELECT content FROM platestream.document(inquiry = {act:UUID}) WHERE digest = {sha256:String} LIMIT 1"
)


@dataclass(frozen=True)
class Filing:
    """A filed memorandum: its entry, the two files where a folder was named, and its content."""

    entry: LedgerEntry
    memo: Memo
    files: Sequence[Path]


def file(door: Door, number: int, now: datetime, to: Path | None = None) -> Filing:
    """File the memorandum of draw `number` as Markdown and PDF: recorded, stored, and written to the folder
    `to`, if any.

    Raises TooSoon while an inquiry has no finding; RefusedError where it was filed already, an auditor judged
    their own inquiry, or a file exists already; RefusedInquiry, DatabaseError and OSError.
    """
    client = door.client(AUDITOR)
    reason = f"Memorandum of the audit, draw {number}"
    with door.log_refusal("audit_memo", f"draw {number}", reason=reason):
        refuse_filed(client, number)
        permit = door.enter("audit_show", f"memorandum of draw {number}")
        memo = compose(door, permit, number, now)
        files = [to / _name(memo.drawn.year, number, kind) for kind in KINDS] if to else []
        if there := [one.name for one in files if one.exists()]:
            raise RefusedError("memorandum", f"{there[0]} is there already, and is not written over")
    contents = markdown(memo).encode(), pdf(memo)
    if to:
        to.mkdir(parents=True, exist_ok=True)
    entry, permit = records.put(door, "audit_memo", _filed(memo, *contents), reason=reason)
    names = [f"memorandum-{memo.drawn.year}-draw-{number}.{kind}" for kind in KINDS]
    records.store(permit, door, dict(zip(names, contents, strict=True)))
    for path, content in zip(files, contents, strict=False):
        with path.open("xb") as target:
            target.write(content)
    return Filing(entry, memo, files)


def document(door: Door, number: int, kind: Kind) -> tuple[str, bytes]:
    """Return the filed memorandum of draw `number`: the name of its file, and its bytes.

    Raises TooSoon where none was filed, RefusedInquiry and DatabaseError.
    """
    permit = door.enter("audit_show", f"memorandum of draw {number}")
    client = door.client(AUDITOR)
    memorandum = memorandum_of(client, number)
    if memorandum is None:
        raise TooSoon(f"the memorandum of draw {number} is not filed yet")
    _entry, one = memorandum
    parameters = {
        "act": permit.inquiry_id,
        "sha256": one.pdf_sha256 if kind == "pdf" else one.markdown_sha256,
    }
    answer = run(
        "reading the memorandum",
        partial(client.query, _DOCUMENT, parameters=parameters, column_formats={"content": "bytes"}),
    )
    return _name(one.year, number, kind), bytes(answer.result_rows[0][0])


def _name(year: int, number: int, kind: Kind) -> str:
    return f"alpr-audit-{year}-draw-{number}.{kind}"


def _filed(memo: Memo, text: bytes, paper: bytes) -> FiledMemorandum:
    return FiledMemorandum(
        year=memo.drawn.year,
        draw=memo.entry.number,
        markdown_sha256=sha256(text).hexdigest(),
        pdf_sha256=sha256(paper).hexdigest(),
        inquiries=len(memo.findings),
        met=memo.met,
        data_errors=len(memo.errors),
        rhythm=memo.drawn.rhythm,
        period=memo.drawn.period,
    )
