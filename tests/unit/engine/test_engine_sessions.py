import os
import subprocess
import sys
from pathlib import Path

import pytest

from platestream.engine import folder_lock
from platestream.engine.errors import (
    BAD_ARGUMENTS,
    SESSION_LOCKED,
    SESSION_NOT_FOUND,
    TOO_MANY_QUERIES,
    EngineError,
)
from platestream.engine.sessions import MOST_CHARACTERS, MOST_SESSIONS, MOST_STATEMENTS, Session, Sessions


def test_a_session_ends_after_its_timeout() -> None:
    now = [0.0]
    sessions = Sessions(lambda: now[0])
    with sessions.use("smith", "one", 60, must_exist=False) as session:
        session.remember("SET a = 1")
    now[0] = 59
    with sessions.use("smith", "one", 60, must_exist=True) as session:
        assert session.statements == ["SET a = 1"]
    now[0] = 120
    with pytest.raises(EngineError) as error, sessions.use("smith", "one", 60, must_exist=True):
        pass
    assert error.value.code == SESSION_NOT_FOUND


def test_a_session_that_is_busy_refuses() -> None:
    sessions = Sessions()
    with (
        sessions.use("smith", "one", 60, must_exist=False),
        sessions.use("jones", "one", 60, must_exist=False),
        pytest.raises(EngineError) as error,
        sessions.use("smith", "one", 60, must_exist=False),
    ):
        pass
    assert error.value.code == SESSION_LOCKED


def test_a_session_says_the_last_of_each_statement_last() -> None:
    session = Session()
    for sql in ("SET a = 1", "SET a = 2", "SET a = 1"):
        session.remember(sql)
    assert session.statements == ["SET a = 2", "SET a = 1"]
    for number in range(MOST_STATEMENTS - 2):
        session.remember(f"SET b = {number}")
    with pytest.raises(EngineError):
        session.remember("SET c = 1")


def test_the_lock_of_a_folder_ends_with_its_holder(tmp_path: Path) -> None:
    code = "import sys,time;from pathlib import Path;from platestream.engine import folder_lock;"
    code += "lock=folder_lock.lock_folder(Path(sys.argv[1]));print('held',flush=True);time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(folder_lock.FolderError, match=f"process {holder.pid}"):
        folder_lock.lock_folder(tmp_path)
    holder.kill()
    holder.wait()
    with folder_lock.lock_folder(tmp_path) as lock:
        assert (tmp_path / folder_lock.NAME).read_text() == f"{os.getpid()}\n"
        assert not lock.closed
    holder.stdout.close()


def test_an_account_that_opens_all_the_sessions_it_may_leaves_the_others_theirs() -> None:
    sessions = Sessions()
    for number in range(MOST_SESSIONS):
        with sessions.use("smith", str(number), 3600, must_exist=False):
            pass
    with pytest.raises(EngineError) as error, sessions.use("smith", "more", 60, must_exist=False):
        pass
    assert error.value.code == TOO_MANY_QUERIES
    with sessions.use("jones", "more", 60, must_exist=False), sessions.use("smith", "0", 60, must_exist=True):
        pass


def test_a_session_remembers_so_many_characters() -> None:
    session = Session()
    session.remember("SET a = '" + "x" * (MOST_CHARACTERS - 100) + "'")
    session.remember("SET b = 1")
    with pytest.raises(EngineError) as error:
        session.remember("SET c = '" + "x" * 100 + "'")
    assert error.value.code == BAD_ARGUMENTS
    session.remember("SET b = 1")
