"""A real console, a real engine and the real command line: signed in by a code, and out again."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from platestream.runtime import sign_in_file
from tests.support.console import Pages, Person
from tests.support.database import Database
from tests.support.door import person
from tests.support.engine import Engine
from tests.support.factors import code_of, confirm, enrolled, later, require
from tests.support.kafka_broker import free_port
from tests.support.served import served

ROOT = Path(__file__).parents[2]
PAGE = "/account/terminal"
SECONDS = 120
"""Longest wait for a command, which asks the console each five seconds."""


@pytest.fixture
def pages(database: Database, tmp_path: Path) -> Pages:
    made = Pages(database, tmp_path / "data")
    made.staff(person("smith", "analyst"), person("lee", "administrator"))
    require(made, "everybody")
    return made


@pytest.fixture
def console(pages: Pages) -> Iterator[str]:
    with served(pages.console, free_port()) as address:
        yield address


class Terminal:
    """The command line of one person, on a machine without a data folder."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.file = folder / "sign-in.json"
        folder.mkdir()
        plain = {name: value for name, value in os.environ.items() if not name.startswith("PLATESTREAM_")}
        own = {f"PLATESTREAM_{name}": value for name, value in settings.items()}
        self.environment = {
            **plain,
            **own,
            "PLATESTREAM_DATA": str(folder / "data"),
            "PLATESTREAM_SIGN_IN_FILE": str(self.file),
        }

    def start(self, *words: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-u", "-m", "platestream", *words]
        return subprocess.Popen(
            command,
            env=self.environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> tuple[int, str]:
        out, err = (process := self.start(*words)).communicate(timeout=SECONDS)
        return process.returncode, out + err


def code_shown(process: "subprocess.Popen[str]") -> str:
    out: IO[str] | None = process.stdout
    assert out is not None
    for line in out:
        if found := re.search("[A-Z]{4}-[A-Z]{4}$", line.strip()):
            return found[0]
    raise AssertionError(process.communicate(timeout=SECONDS))


def decide(pages: Pages, browser: Person, secret: str, code: str, decision: str) -> None:
    browser.get(PAGE, params={"code": code})
    browser.send(PAGE, code=code, decision=decision)
    if decision == "allow":
        later(pages)
        confirm(browser, PAGE, code_of(pages, secret))


def test_a_person_signs_the_command_line_in_searches_by_sql_and_signs_out(
    pages: Pages, console: str, engine: Engine, tmp_path: Path
) -> None:
    browser, secret, _codes = enrolled(pages, "smith")
    later(pages)
    bare = f"http://smith@127.0.0.1:{engine.port}/platestream"
    terminal = Terminal(tmp_path / "desk", CLICKHOUSE=bare)
    status, text = terminal.run("sql", "-c", "SELECT currentUser()")
    assert status != 0, text
    process = terminal.start("sign-in", "--console", console)
    decide(pages, browser, secret, code_shown(process), "allow")
    _out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, err
    assert "signed in as smith" in err
    assert terminal.file.stat().st_mode & 0o777 == 0o600
    accounts = engine.folder / "data" / "accounts"
    accounts.mkdir(exist_ok=True)
    there = accounts / "tokens.json"  # one folder of the console and the engine, in an installation
    shutil.copy(pages.data / "accounts" / "tokens.json", there)
    try:
        status, text = terminal.run("sql", "-c", "SELECT currentUser()")
        assert (status, "smith" in text) == (0, True), text
        found = sign_in_file.read(terminal.file)
        assert found is not None
        assert found.text not in text
        status, text = terminal.run("sign-out")
        assert (status, terminal.file.exists()) == (0, False), text
        sign_in_file.write(terminal.file, found)  # stolen before
        shutil.copy(pages.data / "accounts" / "tokens.json", there)
        status, text = terminal.run("sql", "-c", "SELECT currentUser()")
        assert status != 0, text
    finally:
        there.unlink()


@pytest.mark.nightly
def test_a_denied_command_line_says_so_and_stores_nothing(pages: Pages, console: str, tmp_path: Path) -> None:
    browser, secret, _codes = enrolled(pages, "smith")
    terminal = Terminal(tmp_path / "desk")
    process = terminal.start("sign-in", "--console", console)
    decide(pages, browser, secret, code_shown(process), "deny")
    _out, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, "denied in the console" in err) == (1, True), err
    assert not terminal.file.exists()


def test_without_a_console_or_a_sign_in_it_is_said(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "desk")
    status, text = terminal.run("sign-in")
    assert (status, "--console" in text) == (1, True), text
    status, text = terminal.run("sign-in", "--console", f"http://127.0.0.1:{free_port()}")
    assert (status, "does not answer" in text) == (1, True), text
    status, text = terminal.run("sign-out")
    assert (status, "not signed in" in text) == (1, True), text
