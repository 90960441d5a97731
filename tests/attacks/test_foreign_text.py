"""Text of others as markup, an escape of a terminal, a formula or a forged line (issue 27, row 18)."""

import csv
import io
import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markupsafe import Markup
from rich.table import Table
from typer.testing import CliRunner

from platestream.audit.yearly import memo_text
from platestream.cli.main import OneLineFormatter, app
from platestream.cli.output import Output, lines, styled, table
from platestream.edges.files import FileTopics
from platestream.evidence import package_page as evidence_page
from platestream.inquiries.commands import sql_output
from platestream.runtime import pdf
from platestream.schemas import topics
from platestream.schemas.csv_cells import csv_line
from platestream.schemas.escape_invisible import escape_invisible, escape_invisible_json
from platestream.schemas.hotlist import HotListChange
from platestream.web.rendering import _environment, marked
from tests.support.database import Database
from tests.support.door import door_of, signed_in_as, staffed
from tests.support.flows import LISTED
from tests.support.hits import put_hit

HOSTILE = {
    "markup of Rich": "[/x] [bold]stolen[/bold] [link=https://evil.example]click[/link]",
    "emoji of Rich": ":skull: :warning:",
    "a cleared screen": "\x1b[2J\x1b[1;1Hno hits",
    "a hyperlink (OSC 8)": "\x1b]8;;https://evil.example\x1b\\ABC1234\x1b]8;;\x1b\\",
    "the title of the window (OSC 0)": "\x1b]0;pwned\x07",
    "the clipboard (OSC 52)": "\x1b]52;c;cm0gLXJmIH4K\x07",
    "an escape of one byte (C1)": "\x9b2J\x9d0;pwned\x9c",
    "text that is reordered": "plate \u202e4321CBA\u202c \u2066\u2069",
    "a plate with a hidden character": "ABC\u200b12\u206034\ufeff",
    "fillers and blanks": "\u3164\u115f\u2800\uffa0\u00ad",
    "tags nobody sees": "".join(chr(0xE0000 + ord(one)) for one in "stop"),
    "another line": "ABC1234\nhit 7  cleared by vale",
    "a line that is written over": "vehicle stolen\rvehicle cleared",
    "ends of lines of Unicode": "a\u2028b\u2029c\x85d",
    "deleted characters": "stolen\x08\x08\x08\x08\x08\x08fine",
    "half a character": "a\udc9bb",
}
SAFE = [one for one in HOSTILE.values() if "\udc9b" not in one]


def nothing_hidden(shown: str) -> bool:
    return all(line == escape_invisible(line) for line in shown.split("\n"))


def printed(*parts: Any, width: int = 80, **options: Any) -> str:
    into = io.StringIO()
    Output(file=into, width=width, force_terminal=True, color_system=None).print(*parts, **options)
    return into.getvalue()


def cells(*result: str) -> Table:
    made = table(*result)
    made.add_row(*result)
    return made


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_it_is_shown_as_it_stands_whatever_prints_it(hostile: str) -> None:
    assert printed(f"reason: {hostile}") == f"reason: {escape_invisible(hostile)}\n"
    for part in (cells(hostile), styled(hostile, "bold"), lines([hostile, "b"])):
        assert nothing_hidden(printed(part, width=200))
        assert escape_invisible(hostile) in printed(part, width=200)


@given(st.text(), st.text())
@example("[/", "]")
@example("\\[/x]", "[/x]")
def test_no_text_is_markup_or_an_escape_or_another_line(one: str, other: str) -> None:
    assert printed(one, other, sep=" | ") == f"{escape_invisible(one)} | {escape_invisible(other)}\n"
    assert nothing_hidden(printed(cells(one, other), width=30))


@given(st.text())
def test_what_is_visible_is_printable_stays_and_tells_the_text(result: str) -> None:
    shown = escape_invisible(result)
    assert shown.isprintable()
    assert escape_invisible(shown) == shown
    assert escape_invisible(result, keep="\n").replace("\n", "") == escape_invisible(result.replace("\n", ""))
    if "\\" not in result:
        assert shown.encode("latin-1", "backslashreplace").decode("unicode_escape") == result


@given(st.recursive(st.text(st.characters(codec="utf-8")) | st.integers(), st.lists))
def test_json_keeps_its_value_and_hides_nothing(value: Any) -> None:
    written = escape_invisible_json(msgspec.json.encode(value).decode())
    assert json.loads(written) == value
    assert written.isprintable()


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=HYPERLINK(\"http://evil.example\")", "'=HYPERLINK(\"http://evil.example\")"),
        ("+1+1", "'+1+1"),
        ("-2+3", "'-2+3"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1+1", "'\\t=1+1"),
        ("\r=1+1", "'\\r=1+1"),
        ("\n=1+1", "'\\n=1+1"),
        ("  =1+1", "'  =1+1"),
        ("\u200b=1+1", "'\\u200b=1+1"),
        ("\u00a0=1+1", "'\\xa0=1+1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("\uff20SUM(1)", "'\uff20SUM(1)"),
        ("\"=1+1", "'\"=1+1"),
        ("|calc", "'|calc"),
        ("-110.5", "-110.5"),
        ("+5", "+5"),
        ("1e5", "1e5"),
        ("-", "'-"),
        ("ABC1234", "ABC1234"),
        ("a=1", "a=1"),
        (-3.5, "-3.5"),
        (None, ""),
    ],
)  # fmt: skip
def test_a_cell_of_csv_is_no_formula_and_a_number_stays_one(cell: object, written: str) -> None:
    ((found,),) = csv.reader([csv_line([cell]) if cell is not None else '""\n'])
    assert found == written


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_a_line_of_csv_is_one_line_of_as_many_cells_and_none_is_a_formula(result: Sequence[str]) -> None:
    line = csv_line(result)
    assert line.count("\n") == 1
    (found,) = csv.reader([line])
    assert len(found) == len(result)
    for cell in found:
        assert cell.isprintable()
        assert not cell.lstrip().startswith(("=", "@", "\uff1d")) or cell.startswith("'")
        if cell.startswith(("+", "-")):
            float(cell)


@given(st.text())
def test_a_page_shows_it_and_our_own_markup_stays(result: str) -> None:
    shown = _environment(UTC, "1").from_string("<p>{{ a }}</p>{{ b }}").render(a=result, b=Markup("<b>x</b>"))
    inside = unescape(shown.removeprefix("<p>").removesuffix("</p><b>x</b>"))
    assert inside == escape_invisible(result, keep="\n\r\t")
    assert "<script" not in shown
    assert "\u202e" not in marked("AB\u202e1", [2])


@pytest.mark.parametrize("hostile", SAFE)
def test_memorandum_and_evidence_page_show_it(hostile: str) -> None:
    cell = memo_text._cell(f"<script>{hostile}[x](javascript:1)|")
    assert escape_invisible(cell) == cell
    assert "\\<script\\>" in cell
    assert "\\[x\\](javascript" in cell
    escaped = evidence_page.escape(f"<b>{hostile}")
    assert escape_invisible(escaped) == escaped
    assert "<b>" not in escaped
    drawn = pdf.text(f"<b>{hostile}").getPlainText()
    assert escape_invisible(drawn) == drawn
    assert "<b>" in drawn, "as text, not as markup"


def test_a_log_line_is_one_line() -> None:
    record = logging.LogRecord("x", logging.WARNING, "", 0, "of %s", ("a\nERROR forged\x1b[2J",), None)
    assert (
        OneLineFormatter("%(levelname)s %(message)s").format(record) == "WARNING of a\\nERROR forged\\x1b[2J"
    )


def test_an_answer_of_sql_on_a_terminal_is_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    sql_output.write_pieces([b"a\tb\n\x1b[2", b"J\xff\xe2\x80", b"\xae\n"])
    assert capsys.readouterr().out == "a\tb\n\\x1b[2J\\xff\\u202e\n"


@pytest.fixture
def office(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Database:
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(tmp_path / "data"))
    signed_in_as(monkeypatch, "vale")
    staffed(database)
    return database


def called(*words: str) -> str:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output + repr(done.exception)
    return done.output


def test_no_command_stumbles_over_it(office: Database, tmp_path: Path) -> None:
    hostile = " / ".join(SAFE)
    entry = msgspec.structs.replace(LISTED, reason=hostile, instructions=hostile, other=hostile)
    change = HotListChange(entry.entry_id, entry)
    FileTopics(tmp_path / "data", follow=False).append(topics.HOTLIST, [change.to_message()])
    hit = put_hit(office, 1, listed={"reason": hostile, "instructions": hostile, "contact": hostile})
    why = f"Stolen truck of last night {hostile}"
    door_of(office, data=tmp_path / "data").enter("hits", reason=why)
    outputs = [
        called("hotlist", "list"),
        called("hits", "list", "--case", "26-001234"),
        called("hits", "show", hit, "--case", "26-001234"),
        called("hits", "verify", hit, "--confirmed", "--note", hostile),
        called("audit", "sample", "--year", str(datetime.now(UTC).year)),
    ]
    assert all(nothing_hidden(one) for one in outputs)
    found = "".join(outputs[2].split())
    assert "".join(escape_invisible(hostile).split()) in found
