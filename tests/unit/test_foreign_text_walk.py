"""No way around the functions for text of others: what prints, writes CSV or draws pages goes by them."""

import ast
from collections.abc import Iterator

from tests.support.tree import INTERFACES, PRODUCT, ROOT

# What may be used by whom besides: each shows nothing of others, or passes it through the functions.
ALLOWED = {
    "rich.console": {"platestream/cli/output.py"},
    "rich.markup": {"platestream/cli/output.py"},
    "rich.text": {"platestream/cli/output.py"},
    "rich.box": {"platestream/cli/output.py"},
    "rich.table": {"platestream/cli/output.py"},
    "rich.progress": {  # descriptions by `progress_name`, or our own words
        "platestream/hotlist/commands/hotlist.py",
        "platestream/reading/commands.py",
    },
    "csv.writer": {"schemas/csv_cells.py"},
    "csv.DictWriter": set(),
    "html.escape": {"platestream/evidence/package_page.py"},
    "saxutils.escape": {"platestream/runtime/pdf.py"},
    "Environment": {"platestream/web/rendering.py", "platestream/boards/page.py"},
    "print": set(),
    "typer.echo": set(),
    "typer.secho": set(),
    "click.echo": set(),
    "sys.stdout.write": {
        "platestream/cli/output.py",
        "platestream/inquiries/commands/sql_output.py",  # by csv_line and visible
        "platestream/demo/rtsp_server.py",
    },
    "sys.stderr.write": {
        "platestream/cli/main.py",  # by visible
        "platestream/engine/__main__.py",
        "platestream/retention/recovery_stores.py",
    },
    "sys.stdout.buffer.write": {"platestream/inquiries/commands/sql_output.py"},  # to no terminal
}


def files() -> Iterator[tuple[str, ast.Module]]:
    for path in PRODUCT:
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def used(tree: ast.Module) -> Iterator[str]:
    """Modules that are imported, and names that are called, as they stand there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def test_nothing_prints_or_writes_csv_or_draws_a_page_but_by_the_functions_for_it() -> None:
    wrong = {
        f"{file}: {name}"
        for file, tree in files()
        for name in used(tree)
        if name in ALLOWED and file not in ALLOWED[name]
    }
    assert wrong == set()


def test_what_is_allowed_is_there() -> None:
    there = {(name, file) for file, tree in files() for name in used(tree)}
    assert [(name, one) for name, who in ALLOWED.items() for one in who if (name, one) not in there] == []


def test_no_text_of_a_command_holds_markup_of_rich_or_several_lines() -> None:
    for path in INTERFACES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("out.print", "err.print"):
                texts = [one for arg in node.args for one in ast.walk(arg) if isinstance(one, ast.Constant)]
                for one in texts:
                    assert not isinstance(one.value, str) or not {"\n"} & set(one.value), (path, node.lineno)
                    assert "[/" not in str(one.value), (path, node.lineno)


def test_every_template_shows_text_by_the_function_for_pages() -> None:
    for file, tree in files():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Environment":
                assert {"finalize", "autoescape"} <= {one.arg for one in node.keywords}, file


def test_no_two_templates_have_one_name() -> None:
    names = [path.name for path in (ROOT / "platestream").glob("*/templates/*.html")]
    assert sorted(names) == sorted(set(names))
