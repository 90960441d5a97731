"""Who may do what through the engine's HTTP interface, and what clients try to get around it."""

import base64
import os
import threading
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from tests.support.engine import SERVICES, Engine, password

SECRET = "the-secret-of-this-machine"


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("secret") / "secret"
    path.write_text(SECRET)
    return path


def inquiry(engine: Engine, account: str, *, extra: str = "") -> UUID:
    made = uuid4()
    sql = f"INSERT INTO platestream.inquire (inquiry_id, kind, reason, pattern) {extra} VALUES"
    answer = engine.ask(f"{sql} ('{made}', 'search', 'stolen vehicle', 'ABC*')", account)
    assert answer.status_code == 200, answer.text
    return made


def stamped(engine: Engine, made: UUID) -> list[str]:
    sql = f"SELECT who, account, outcome FROM platestream.inquiry_log WHERE inquiry_id = '{made}'"
    return list(engine.rows(sql)[0])


def test_one_signs_in_by_basic_headers_or_url(engine: Engine) -> None:
    result = password("smith")
    sql = {"query": "SELECT currentUser()"}
    basic = base64.b64encode(f"smith:{result}".encode()).decode()
    assert httpx.get(engine.url, params=sql, headers={"Authorization": f"Basic {basic}"}).text == "smith\n"
    assert httpx.get(engine.url, params={**sql, "user": "smith", "password": result}).text == "smith\n"
    key = password("flows")
    headers = [(b"x-clickhouse-user", b"smith"), (b"x-clickhouse-key", result.encode())]
    assert httpx.get(engine.url, params=sql, headers=headers).text == "smith\n"
    both = httpx.get(engine.url, params={**sql, "user": "smith", "password": result}, headers=headers)
    assert both.headers["x-clickhouse-exception-code"] == "516"
    flows = {"user": "platestream_flows", "password": key}
    assert httpx.get(engine.url, params={**sql, **flows}).text == "platestream_flows\n"


@pytest.mark.parametrize(
    ("user", "secret_word"),
    [
        ("smith", "wrong"),
        ("smith", ""),
        ("smith", password("jones")),
        ("nobody", "x"),
        ("default", ""),
        ("platestream_definer", ""),
    ],
)
def test_nothing_without_the_right_password(engine: Engine, user: str, secret_word: str) -> None:
    given = {"query": "SELECT 1", "user": user, "password": secret_word}
    answer = httpx.get(engine.url, params=given)
    assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (403, "516")
    assert "-päss" not in answer.text


def test_nothing_without_an_account(engine: Engine) -> None:
    answer = httpx.get(engine.url, params={"query": "SELECT 1"})
    assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (401, "516")
    assert answer.headers["www-authenticate"].startswith("Basic")


def test_an_account_has_its_roles_and_no_other(engine: Engine) -> None:
    roles = "SELECT currentRoles() FORMAT TSV"
    assert engine.ask(roles, "smith").text == "['platestream_analyst']\n"
    assert engine.code("SELECT count() FROM platestream.detections", "smith") == 497
    assert engine.code("SELECT count() FROM platestream.inquiry_log", "smith") == 497
    assert engine.code("SELECT count() FROM platestream.inquiry_log", "check") == 0
    assert engine.code("SELECT plate FROM platestream.detections", "check") == 497
    assert engine.code("SELECT 1", "smith", params={"role": "platestream_owner"}) == 512
    assert engine.code("SELECT 1", "smith", params={"role": "platestream_analyst"}) == 0


def test_an_account_with_two_roles_can_take_one(engine: Engine) -> None:
    user = {"user": "platestream_flows", "password": password("flows")}
    both = httpx.get(engine.url, params={**user, "query": "SELECT currentRoles()"}).text
    one = {**user, "role": "platestream_ingest", "query": "SELECT currentRoles()"}
    assert both == "['platestream_ingest','platestream_sealer']\n"
    assert httpx.get(engine.url, params=one).text == "['platestream_ingest']\n"


def test_limits_of_a_profile_hold_and_cannot_be_lifted(engine: Engine) -> None:
    assert engine.ask("SELECT getSetting('max_execution_time')", "smith").text == "30\n"
    assert engine.code("SELECT number FROM numbers(200000)", "smith") == 396
    assert engine.code("SELECT 1", "smith", params={"max_result_rows": "0"}) == 452
    assert engine.code("SELECT 1 SETTINGS max_execution_time = 0", "smith") == 452
    grafana = {"user": "platestream_grafana", "password": password("grafana")}
    answer = httpx.post(engine.url, params=grafana, content="INSERT INTO platestream.inquire FORMAT TSV\n")
    assert answer.headers["x-clickhouse-exception-code"] in ("164", "497")


def test_the_gate_stamps_who_signed_in(engine: Engine) -> None:
    assert stamped(engine, inquiry(engine, "smith")) == ["smith", "smith", "allowed"]
    assert stamped(engine, inquiry(engine, "jones")) == ["jones", "jones", "allowed"]


def test_a_whole_inquiry_works_for_whoever_made_it_and_for_nobody_else(engine: Engine) -> None:
    made = inquiry(engine, "smith")
    search = f"SELECT count() FROM platestream.search(inquiry = '{made}')"
    verdict = f"SELECT outcome FROM platestream.verdict(inquiry = '{made}')"
    assert engine.ask(search, "smith").text == "0\n"
    assert engine.ask(verdict, "smith").text == "allowed\n"
    assert engine.code(search, "jones") == 395
    assert engine.ask(verdict, "jones").text == ""


def test_the_query_id_of_the_request_is_in_the_log(engine: Engine) -> None:
    made, query_id = uuid4(), f'it\'s "{uuid4()}" \\'
    sql = "INSERT INTO platestream.inquire (inquiry_id, reason, pattern) VALUES"
    answer = engine.ask(f"{sql} ('{made}', 'stolen vehicle', 'ABC*')", "smith", params={"query_id": query_id})
    assert answer.status_code == 200, answer.text
    found = engine.rows(f"SELECT query_id, account FROM platestream.inquiry_log WHERE inquiry_id = '{made}'")
    assert found == [[query_id, "smith"]]


FORGED = 'log_comment = \'{"account": "jones"}\''


@pytest.mark.parametrize(
    "extra",
    [
        f"SETTINGS {FORGED}",
        f"/* x */ settings {FORGED}, max_threads = 1",
        f"SETTINGS max_threads = 1, {FORGED}",
        "SETTINGS `log_comment` = '{}', max_threads = 1",
    ],
)
def test_nobody_chooses_whom_the_gate_stamps(engine: Engine, extra: str) -> None:
    sql = f"INSERT INTO platestream.inquire (inquiry_id, reason, pattern) {extra} VALUES"
    assert engine.code(f"{sql} ('{uuid4()}', 'stolen vehicle', 'ABC*')", "smith") == 452


@pytest.mark.parametrize(
    ("sql", "params"),
    [
        (f"SELECT 1 SETTINGS {FORGED}", {}),
        (f"SET {FORGED}", {"session_id": "forger"}),
        (f"SELECT * FROM (SELECT 1 SETTINGS {FORGED})", {}),
        (f"WITH x AS (SELECT 1 SETTINGS {FORGED}) SELECT * FROM x", {}),
        (f"SELECT (SELECT 1 SETTINGS {FORGED})", {}),
        (f"INSERT INTO platestream.inquire (reason) SELECT 'x' SETTINGS {FORGED}", {}),
        (f"EXPLAIN SELECT 1 SETTINGS {FORGED}", {}),
        ("SELECT 1", {"log_comment": '{"account": "jones"}'}),
        ("SELECT 1", {"profile": "default"}),
        ("SET profile = 'default'", {}),
        ("SELECT 1 SETTINGS dialect = 'kusto'", {}),
        ("SELECT 1", {"additional_table_filters": "{'system.one': 'file(1)'}"}),
        ("SELECT 1", {"use_query_cache": "1"}),
        ("SELECT 1", {"format_template_row": "/etc/passwd"}),
        ("SELECT 1", {"format_schema": "/etc/passwd:x"}),
        ("SELECT 1", {"send_logs_level": "trace"}),
    ],
)
def test_settings_that_say_who_asks_or_reach_out_are_refused(
    engine: Engine, sql: str, params: dict[str, str]
) -> None:
    for account in ("smith", "owner"):
        assert engine.code(sql, account, params=params) == 452


@pytest.mark.parametrize(
    "sql",
    [
        "SET ROLE platestream_owner",
        "set /* a comment */ role platestream_owner",
        "SET ROLE ALL",
        "SET ROLE NONE",
        "SET DEFAULT ROLE ALL TO default",
        "SET role = 'platestream_owner'",
        "EXECUTE AS platestream_definer SELECT 1",
        "EXPLAIN SELECT 1; SET ROLE ALL",
        "SELECT 1; SET ROLE ALL",
        "SELECT 1 -- \n; SET ROLE ALL",
        "SELECT 1 PARALLEL WITH SET ROLE ALL",
        "CREATE USER x",
        "GRANT platestream_owner TO default",
        "CREATE ROLE x",
        "ALTER USER default IDENTIFIED BY 'x'",
        "CREATE ROW POLICY x ON platestream.detections USING 1 TO ALL",
        "SYSTEM SHUTDOWN",
        "SYSTEM RELOAD CONFIG",
        "BACKUP DATABASE platestream TO File('/tmp/x')",
        "RESTORE DATABASE platestream FROM File('/tmp/x')",
        "ATTACH TABLE platestream.x FROM '/tmp' (a Int8) ENGINE = MergeTree ORDER BY a",
        "DETACH TABLE platestream.detections",
        "CREATE NAMED COLLECTION x AS a = 1",
        "CREATE TEMPORARY TABLE x (a Int8)",
        "SHOW PROCESSLIST",
        "KILL QUERY WHERE user = 'default'",
        "BEGIN TRANSACTION",
    ],
)
def test_statements_that_change_who_one_is_are_refused_to_all(engine: Engine, sql: str) -> None:
    for account in ("smith", "owner"):
        assert engine.code(sql, account) in (48, 62, 452, 497), account
    assert engine.ask("SELECT currentRoles()", "smith").text == "['platestream_analyst']\n"


def test_a_role_taken_in_a_session_does_not_last_nor_leak(engine: Engine) -> None:
    session = {"session_id": "climber"}
    assert engine.code("SET ROLE platestream_owner", "smith", params=session) == 497
    assert engine.code("SELECT 1 FROM platestream.detections", "smith", params=session) == 497


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT file('{0}')",
        "SELECT `file`('{0}')",
        "SELECT FILE('{0}')",
        "SELECT file /* x */ ('{0}')",
        "SELECT \"fi\\x6ce\"('{0}')",
        "SELECT arrayMap(x -> file(x), ['{0}'])",
        "SELECT * APPLY(file) FROM (SELECT '{0}')",
        "SELECT * APPLY file FROM (SELECT '{0}')",
        "WITH file('{0}') AS x SELECT x",
        "SELECT * FROM file('{0}', 'LineAsString')",
        "SELECT * FROM default.`{0}`",
        "SELECT * FROM `{0}`",
        "DESCRIBE TABLE file('{0}', 'LineAsString')",
        "EXPLAIN SELECT file('{0}')",
        "SELECT 1 WHERE '{0}' IN (SELECT file('{0}'))",
        "SELECT * FROM format(Values, 'a String', $$(file('{0}'))$$)",
        "SELECT * FROM format('Values', 'a String', $$(file('{0}'))$$)",
        "SELECT * FROM view(SELECT file('{0}'))",
        "SELECT * FROM values('a String', file('{0}'))",
        "SELECT * FROM url('file://{0}', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
        "SELECT * FROM executable('/bin/cat {0}', 'TSV', 'a String')",
        "SELECT * FROM Python(x)",
        "SELECT * FROM s3('http://127.0.0.1:1/x/y')",
        "SELECT * FROM remote('127.0.0.1', system.one)",
        "SELECT * FROM filesystem('{0}')",
        "SELECT * FROM merge('system', 'processes')",
        "SELECT * FROM loop(system.processes)",
        "SELECT aiGenerate('x')",
        "SELECT 1 INTO OUTFILE '{0}.out'",
        "SELECT 1 INTO /* */ OUTFILE '{0}.out' FORMAT TSV",
        "EXPLAIN SELECT 1 INTO OUTFILE '{0}.out'",
        "INSERT INTO platestream.inquire (reason) FROM INFILE '{0}' FORMAT TSV",
        "INSERT INTO FUNCTION file('{0}.out', 'TSV', 'a String') VALUES ('x')",
        "INSERT INTO platestream.inquire (reason) SELECT file('{0}')",
        "INSERT INTO platestream.inquire (reason) VALUES (file('{0}'))",
        "INSERT INTO platestream.inquire (reason) VALUES (`file`('{0}'))",
        "INSERT INTO platestream.inquire (reason) VALUES (file/**//**/('{0}'))",
        "INSERT INTO platestream.inquire (reason) VALUES (concat(file('{0}'), ''))",
        "INSERT INTO platestream.inquire (reason) VALUES ((SELECT file('{0}')))",
        "INSERT INTO platestream.inquire (reason) VALUES ('a'), (file('{0}'))",
        "INSERT INTO platestream.inquire (reason) FORMAT Values (file('{0}'))",
        "INSERT INTO platestream.inquire (reason) SETTINGS input_format_values_interpret_expressions = 1"
        " VALUES (file('{0}'))",
        "CREATE TABLE platestream.out (a String DEFAULT file('{0}')) ENGINE = Memory",
        "CREATE TABLE platestream.out (a String) ENGINE = File(TSV, '{0}')",
        "CREATE TABLE platestream.out ENGINE = URL('http://127.0.0.1:1/', TSV)",
        "CREATE TABLE platestream.out (a Int8) ENGINE = MergeTree ORDER BY a"
        " SETTINGS disk = disk(type = local, path = '/tmp/')",
        "CREATE VIEW platestream.out AS SELECT file('{0}')",
        "CREATE FUNCTION out AS () -> file('{0}')",
    ],
)
def test_the_machine_is_out_of_reach_for_all(engine: Engine, secret: Path, sql: str) -> None:
    for account in ("smith", "owner"):
        answer = engine.ask(sql.format(secret), account)
        assert answer.status_code != 200, account
        assert SECRET not in answer.text
    assert not secret.with_suffix(".out").exists()
    reasons = engine.rows("SELECT count() FROM platestream.inquiry_log WHERE reason LIKE '%the-secret%'")
    assert reasons == [[0]]


def test_large_values_are_taken_as_they_are(engine: Engine, secret: Path) -> None:
    engine.ask("CREATE OR REPLACE TABLE platestream.large (s String) ENGINE = Memory")
    rows = ", ".join("('see file (12)')" for _ in range(20_000))
    assert engine.ask(f"INSERT INTO platestream.large VALUES {rows}").status_code == 200
    assert engine.code(f"INSERT INTO platestream.large VALUES {rows}, (file('{secret}'))") == 344
    spaced = f"INSERT INTO platestream.large VALUES {rows}, (file\u00a0('{secret}'))"
    assert engine.code(spaced) == 344
    assert engine.rows("SELECT count(), uniq(s) FROM platestream.large") == [[20_000, 1]]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"default_format": "TSV INTO OUTFILE '/tmp/x'"}, 73),
        ({"database": "`; SET ROLE ALL"}, 497),
        ({"query_id": "'; SET ROLE ALL; --"}, 0),
        ({"max_threads": "1; SET ROLE ALL"}, 27),
        ({"max_threads` = 1, log_comment": "x"}, 452),
        ({"role": "`"}, 512),
        ({"query": "SELECT 1;", "default_format": "TSV"}, 62),
    ],
)
def test_nothing_in_the_url_becomes_sql(engine: Engine, params: dict[str, str], code: int) -> None:
    assert engine.code("SELECT 1", "smith", params=params) == code


def test_identifiers_in_parameters_are_plain_names(engine: Engine) -> None:
    sql = "SELECT count() > 0 FROM {d:Identifier}.{t:Identifier}"
    fine = {"param_d": "system", "param_t": "one"}
    assert engine.ask(sql, params=fine).text == "1\n"
    assert engine.code(sql, "smith", params={"param_d": "system", "param_t": "processes"}) == 497
    assert engine.code("SELECT 1 FROM {t:Identifier}", params={"param_t": "system.processes"}) == 497
    assert engine.code("SELECT 1 FROM {t:Identifier}", params={"param_t": "/etc/passwd"}) == 497


def test_one_account_does_not_see_what_others_ask(engine: Engine) -> None:
    slow = threading.Thread(target=engine.ask, args=("SELECT sleepEachRow(0.3) FROM numbers(5)", "jones"))
    slow.start()
    for table in (
        "processes",
        "query_cache",
        "errors",
        "asynchronous_inserts",
        "user_processes",
        "stack_trace",
    ):
        for sql in (f"SELECT * FROM system.{table}", f"SELECT 1 IN (SELECT 1 FROM `system` . `{table}`)"):
            assert engine.code(sql, "smith") == 497
    assert engine.code("USE system", "smith") == 497
    assert engine.code("SELECT 1", "smith", params={"database": "system"}) == 497
    slow.join()


OUT_OF_REACH = [
    "SELECT file('/etc/hostname')",
    "SELECT * FROM file('/etc/hostname', 'LineAsString')",
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT * FROM system.users",
    "SELECT * FROM system.grants",
    "SELECT * FROM system.processes",
    "SELECT * FROM system.events",
    "SELECT * FROM system.disks",
    "SELECT * FROM platestream.caller",
    "SELECT * FROM dictionary('x')",
    "CREATE DICTIONARY platestream.d (id UInt64) PRIMARY KEY id SOURCE(NULL()) LAYOUT(FLAT()) LIFETIME(0)",
    "CREATE TABLE platestream.d (a Int8) ENGINE = Memory",
    "SELECT mergeTreeIndex('platestream', 'detections')",
    "SELECT * FROM mergeTreeIndex('platestream', 'detections')",
    "SYSTEM STOP MERGES",
    "SYSTEM FLUSH LOGS",
    "SHOW GRANTS",
    "SHOW GRANTS FOR default",
    "SHOW CREATE USER default",
    "SET ROLE platestream_owner",
]


@pytest.mark.parametrize(
    "account", ["smith", "maier", "check", "flows", "console", "admin", "audit", "retention", "grafana"]
)
def test_no_account_but_the_owners_reaches_past_its_tables(engine: Engine, account: str) -> None:
    name = f"platestream_{account}{'_job' * (account == 'retention')}" if account in SERVICES else account
    auth = httpx.BasicAuth(name.encode(), password(account).encode())
    for sql in OUT_OF_REACH:
        answer = httpx.post(engine.url, content=sql, auth=auth, timeout=60)
        assert answer.headers.get("x-clickhouse-exception-code") in ("46", "164", "497"), (sql, answer.text)


def test_a_refusal_names_the_account_and_not_the_engines_user(engine: Engine) -> None:
    answer = engine.ask("SELECT plate FROM platestream.detections", "smith").text
    assert answer.startswith("Code: 497. DB::Exception: smith: Not enough privileges.")


def test_explaining_a_view_shows_nothing_of_other_peoples_inquiries(engine: Engine) -> None:
    made = uuid4()
    columns = "INSERT INTO platestream.inquire (inquiry_id, reason, pattern) VALUES"
    engine.ask(f"{columns} ('{made}', 'stolen vehicle', 'CANARY7*')", "smith")
    for kind in ("AST", "SYNTAX", "QUERY TREE", "QUERY TREE run_passes = 1", "PLAN", "PIPELINE", "ESTIMATE"):
        sql = f"EXPLAIN {kind} SELECT * FROM platestream.search(inquiry = '{made}')"
        assert "CANARY7" not in engine.ask(sql, "jones").text


def test_accounts_change_while_it_runs(own_engine: Engine) -> None:
    own_engine.start()
    assert own_engine.ask("SELECT 1", "smith").status_code == 200
    whole = own_engine.users.read_text()
    own_engine.users.write_text(whole.replace("smith>", "baker>"))
    assert own_engine.ask("SELECT 1", "smith").status_code == 403
    own_engine.users.write_text("<clickhouse><users><not closed")
    assert own_engine.ask("SELECT 1", "jones").status_code == 200
    assert "accounts stay as they were" in own_engine.log


def test_the_log_holds_no_password_and_nothing_that_was_asked(engine: Engine) -> None:
    engine.ask("SELECT 'CANARY77' FROM platestream.nothing", "smith")
    engine.ask(
        "SELECT throwIf(number = 3000000, 'CANARY77') FROM numbers(4000000)",
        params={"wait_end_of_query": "1"},
    )
    assert "CANARY77" not in engine.log
    assert "-päss" not in engine.log


def anonymous_mib(pid: int) -> int:
    """Memory of a process that is of no file."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) // 1024 for line in rollup.splitlines() if line.startswith("Anonymous:"))


@pytest.mark.nightly
def test_long_statements_of_a_person_leave_nothing_behind(own_engine: Engine) -> None:
    own_engine.start()
    own_engine.ask("SELECT length([0" + ",1" * 20_000 + "])", "smith")
    before = anonymous_mib(own_engine.pid)
    for number in range(25):
        answer = own_engine.ask(f"SELECT length([{number}" + ",1" * 20_000 + "])", "smith")
        assert answer.text == "20001\n"
    assert anonymous_mib(own_engine.pid) - before < 60  # 198 when the tokens of each were kept


def test_statements_together_take_half_of_the_machine(engine: Engine) -> None:
    limit = "SELECT toUInt64(value) FROM system.server_settings WHERE name = 'max_server_memory_usage'"
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    ((most,),) = engine.rows(limit)
    assert 0 < int(most) <= 0.51 * machine
