import logging
import re
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from platestream.edges.clickhouse_client import (
    ANALYST,
    ConnectError,
    DatabaseError,
    Dsn,
    SharedClient,
    connect,
    run,
)
from tests.support.database import Database

SECRET = "hunter2"


def test_a_dsn_names_a_server_or_a_folder() -> None:
    server = Dsn.parse(f"https://flows:{SECRET}%21@db.example:9443/platestream?ca_cert=/etc/ca.pem")
    assert (server.host, server.port, server.user, server.password) == (
        "db.example",
        9443,
        "flows",
        f"{SECRET}!",
    )
    assert server.tls == {"ca_cert": "/etc/ca.pem"}
    assert Dsn.parse("https://db.example/platestream").port == 8443
    assert (
        str(Dsn.parse("chdb:///var/lib/plate%20stream/platestream").path)
        == "/var/lib/plate stream/platestream"
    )


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        f"postgres://flows:{SECRET}@db/platestream",
        f"https://flows:{SECRET}@db/other",
        f"https://flows:{SECRET}@db/platestream?verify=false",
        f"https://flows:{SECRET}@db:port/platestream",
        f"chdb://{SECRET}/platestream",
        "chdb:///",
    ],
)
def test_a_wrong_dsn_is_refused_without_repeating_it(wrong: str) -> None:
    with pytest.raises(ConnectError) as error:
        connect(wrong)
    assert SECRET not in str(error.value)


def test_no_secret_shows_in_a_dsn_that_is_printed() -> None:
    assert SECRET not in repr(Dsn.parse(f"https://flows:{SECRET}@db/platestream"))


def test_http_leaves_this_machine_only_when_it_is_allowed_to() -> None:
    with pytest.raises(ConnectError, match="https"):
        connect("http://flows:x@db.invalid/platestream")
    with pytest.raises(DatabaseError, match="no answer"):
        connect("http://flows:x@db.invalid:1/platestream", allow_plaintext=True)
    with pytest.raises(DatabaseError, match="no answer"):
        connect("http://flows:x@127.0.0.1:1/platestream")


def test_a_server_that_does_not_answer_passes_and_no_secret_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(DatabaseError) as error:
        connect(f"https://flows:{SECRET}@127.0.0.1:1/platestream", ANALYST)
    assert error.value.passing
    assert SECRET not in "".join(traceback.format_exception(error.value)) + caplog.text


class Server(BaseHTTPRequestHandler):
    """Answers as a server does, from the embedded engine, and remembers what it was asked."""

    database: ClassVar[Database]
    busy: ClassVar[bool] = False
    asked: ClassVar[list[str]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode(errors="replace")
        self.asked.append(self.path)
        field = re.search(r'name="query"\r\n\r\n(.*?)\r\n--', body, re.DOTALL)
        sql, _, form = (field[1] if field else body).partition("FORMAT ")
        answer = b"" if self.busy else self.database.client().raw_query(sql, fmt=form or "TabSeparated")
        self.send_response(503 if self.busy else 200)
        self.send_header("X-ClickHouse-Format", form or "TabSeparated")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(database: Database) -> Iterator[str]:
    """The address of a server."""
    Server.database, Server.busy, Server.asked = database, False, []
    listening = HTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    yield f"http://flows:{SECRET}@127.0.0.1:{listening.server_port}/platestream"
    listening.shutdown()
    listening.server_close()


def test_a_servers_client_asks_in_its_role_and_keeps_secrets_and_values_out_of_urls(server: str) -> None:
    client = connect(server, ANALYST)
    Server.asked.clear()
    rows = client.query("SELECT now64(3, 'UTC')", parameters={"plate": "CANARY7"}).result_rows
    assert rows[0][0].tzinfo is not None
    (path,) = Server.asked
    assert "role=platestream_analyst" in path
    assert "session_id" not in path
    assert SECRET not in path
    assert "CANARY7" not in path


def test_a_busy_server_passes(server: str) -> None:
    client = connect(server, ANALYST)
    Server.busy = True
    with pytest.raises(DatabaseError) as error:
        run("asking", lambda: client.query("SELECT 1"))
    assert error.value.passing


def test_an_error_tells_its_code_and_nothing_of_the_question_or_the_data(database: Database) -> None:
    plate = "CANARY7"
    client = connect(database.dsn, ANALYST)
    sql = "SELECT toUInt8({plate:String}) FROM platestream.detections"
    try:
        with pytest.raises(DatabaseError) as error:
            run("searching", lambda: client.query(sql, parameters={"plate": plate}))
    finally:
        client.close()
    assert str(error.value) == "searching: the account may not do that (ClickHouse code 497)"
    assert not error.value.passing
    assert plate not in "".join(traceback.format_exception(error.value))


def test_each_client_has_the_role_it_was_opened_with(database: Database) -> None:
    database.client(ANALYST)
    assert database.value("SELECT currentRoles()") == ["platestream_owner"]
    assert database.client(ANALYST).query("SELECT currentRoles()").result_rows == [(["platestream_analyst"],)]


def test_a_folder_that_another_process_holds_is_named_with_that_process(database: Database) -> None:
    database.client()
    script = f"from platestream.edges.clickhouse_client import connect; connect({database.dsn!r})"
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert other.returncode != 0
    assert "FolderInUseError: another process (PID " in other.stderr
    assert "Error initializing" not in other.stderr.splitlines()[-1]


def test_a_second_folder_in_one_process_is_refused(database: Database) -> None:
    database.client()
    with pytest.raises(ConnectError, match="another embedded database open"):
        connect(f"{database.dsn}-second")


def test_a_shared_client_is_opened_once_and_late(database: Database) -> None:
    opened = []

    def open_client() -> object:
        opened.append(connect(database.dsn))
        return opened[-1]

    shared = SharedClient(open_client)  # type: ignore[arg-type]
    assert opened == []
    assert shared() is shared()
    shared.close()
    shared.close()
    assert len(opened) == 1
