"""Command lines that sign in by a code: replay, denial, another machine, stolen files, and ways around it."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest
from typer.testing import CliRunner

from platestream.access import accounts, terminals, tokens
from platestream.access.device_client import GRANT_TYPE, DeviceClient
from platestream.access.factor_file import STEP_S
from platestream.access.inquire import RefusedInquiry
from platestream.cli.main import app
from platestream.policy.checks.context import CheckData
from platestream.policy.service import run
from platestream.policy.table import CHECKS
from platestream.runtime import sign_in_file
from platestream.runtime.login_attempts import FREE
from platestream.runtime.private_file import PrivateFileError
from platestream.runtime.sign_in_file import SignIn, with_token
from platestream.schemas.message import RefusedError
from tests.support.console import Pages, Person
from tests.support.database import Database
from tests.support.door import door_of, person
from tests.support.factors import FACTOR, admitted, age, code_of, confirm, enrolled, give, later, require

PAGE = "/account/terminal"
AT = "https://localhost"


@pytest.fixture
def pages(database: Database, tmp_path: Path) -> Pages:
    """An agency whose rules require a second factor of everybody."""
    made = Pages(database, tmp_path / "data")
    made.staff(person("vale", "officer"), person("lee", "administrator"), person("ana", "custodian"))
    require(made, "everybody")
    return made


@pytest.fixture
def vale(pages: Pages) -> tuple[Person, str]:
    """A signed-in browser of Vale, and the secret of the app."""
    browser, secret, _codes = enrolled(pages, "vale")
    later(pages)
    return browser, secret


def ask(pages: Pages, machine: str = "desk-7", client: Any = None) -> tuple[Any, dict[str, Any]]:
    """A command line that asks for codes: its client, and the answer."""
    client = client or pages.browser().client
    answer = client.post(f"{AT}/sign-in/device", data={"machine": machine, "command": "platestream sign-in"})
    assert answer.status_code == 200, answer.text
    return client, answer.json()


def poll(pages: Pages, client: Any, secret: str, *, wait: float = 5) -> dict[str, Any]:
    pages.clock.forward(seconds=wait)
    data = {"grant_type": GRANT_TYPE, "device_code": secret}
    found: dict[str, Any] = client.post(f"{AT}/sign-in/device/token", data=data).json()
    return found


def allow(pages: Pages, browser: Person, secret: str, code: str) -> Any:
    """Confirm the code in the browser, with the second factor."""
    browser.get(PAGE, params={"code": code})
    browser.send(PAGE, code=code.replace("-", ""), decision="allow")
    later(pages)
    return confirm(browser, PAGE, code_of(pages, secret))


def signed_in(pages: Pages, browser: Person, secret: str) -> str:
    """The token of a command line that the person of the browser has confirmed."""
    client, begun = ask(pages)
    allow(pages, browser, secret, begun["user_code"])
    return str(poll(pages, client, begun["device_code"])["access_token"])


def person_of(pages: Pages, token: str) -> str:
    """The person of a valid token of a command line; empty for another."""
    found = terminals.find(pages.settings, token, pages.clock())
    return found.who if found else ""


def test_a_person_sees_machine_command_and_address_and_confirms_with_the_second_factor(
    pages: Pages, vale: tuple[Person, str]
) -> None:
    browser, secret = vale
    client, begun = ask(pages)
    assert re.fullmatch("[A-Z]{4}-[A-Z]{4}", begun["user_code"])
    assert begun["verification_uri"] == f"{AT}{PAGE}"
    assert poll(pages, client, begun["device_code"]) == {"error": "authorization_pending"}
    browser.get(PAGE, params={"code": begun["user_code"]})
    for shown in ("desk-7", "platestream sign-in", "testclient", begun["user_code"]):
        assert shown in browser.page
    browser.send(PAGE, code=begun["user_code"], decision="allow")
    assert "Confirm with your second factor" in browser.page
    assert poll(pages, client, begun["device_code"]) == {"error": "authorization_pending"}, "nothing yet"
    later(pages)
    confirm(browser, PAGE, code_of(pages, secret))
    assert "desk-7 is signed in" in browser.page
    answer = poll(pages, client, begun["device_code"])
    assert (answer["who"], answer["token_type"]) == ("vale", "Bearer")
    assert 8 * 3600 - 60 < answer["expires_in"] <= 8 * 3600
    assert person_of(pages, answer["access_token"]) == "vale"
    rows = pages.database.rows(
        "SELECT who, outcome, change FROM platestream.inquiry_log WHERE kind = 'account_terminal'"
    )
    assert [(who, outcome) for who, outcome, _change in rows] == [("vale", "allowed")]
    assert "8 hours for the command line on desk-7" in rows[0][2]
    assert answer["access_token"] not in repr(pages.database.rows("SELECT * FROM platestream.inquiry_log"))


def test_codes_are_for_one_use(pages: Pages, vale: tuple[Person, str]) -> None:
    browser, secret = vale
    client, begun = ask(pages)
    allow(pages, browser, secret, begun["user_code"])
    assert "access_token" in poll(pages, client, begun["device_code"])
    assert poll(pages, client, begun["device_code"]) == {"error": "expired_token"}, "played again"
    assert browser.get(PAGE, params={"code": begun["user_code"]}).status_code == 404
    assert len(terminals.of(pages.settings, "vale", pages.clock())) == 1


def test_a_thief_who_sees_the_short_code_gets_nothing(pages: Pages, vale: tuple[Person, str]) -> None:
    browser, secret = vale
    client, begun = ask(pages)
    thief, other = ask(pages, "attic")
    allow(pages, browser, secret, begun["user_code"])
    assert poll(pages, thief, begun["user_code"]) == {"error": "expired_token"}
    assert poll(pages, thief, other["device_code"]) == {"error": "authorization_pending"}
    assert "access_token" in poll(pages, client, begun["device_code"])


def test_a_denied_command_line_gets_nothing(pages: Pages, vale: tuple[Person, str]) -> None:
    browser, _secret = vale
    client, begun = ask(pages)
    browser.get(PAGE, params={"code": begun["user_code"]})
    browser.send(PAGE, code=begun["user_code"], decision="deny")
    assert "desk-7 is denied" in browser.page
    assert poll(pages, client, begun["device_code"]) == {"error": "access_denied"}
    assert terminals.of(pages.settings, "vale", pages.clock()) == []


def test_codes_end_after_ten_minutes_also_a_confirmed_one(pages: Pages, vale: tuple[Person, str]) -> None:
    browser, secret = vale
    client, begun = ask(pages)
    pages.clock.forward(minutes=10)
    assert browser.get(PAGE, params={"code": begun["user_code"]}).status_code == 404
    assert poll(pages, client, begun["device_code"]) == {"error": "expired_token"}
    client, begun = ask(pages)
    allow(pages, browser, secret, begun["user_code"])
    pages.clock.forward(minutes=10)
    assert poll(pages, client, begun["device_code"]) == {"error": "expired_token"}


def test_who_asks_too_often_is_slowed_down(pages: Pages) -> None:
    client, begun = ask(pages)
    assert poll(pages, client, begun["device_code"], wait=0) == {"error": "authorization_pending"}
    assert poll(pages, client, begun["device_code"], wait=1) == {"error": "slow_down"}
    assert poll(pages, client, begun["device_code"], wait=6) == {"error": "slow_down"}, "ten seconds now"
    assert poll(pages, client, begun["device_code"], wait=15) == {"error": "authorization_pending"}


def test_short_codes_are_not_guessed(pages: Pages, vale: tuple[Person, str]) -> None:
    browser, _secret = vale
    _client, begun = ask(pages)
    for _guess in range(FREE):
        assert browser.get(PAGE, params={"code": "BBBB-BBBB"}).status_code == 404
    assert browser.get(PAGE, params={"code": begun["user_code"]}).status_code == 404, "wait"
    pages.clock.forward(seconds=31)
    assert browser.get(PAGE, params={"code": begun["user_code"]}).status_code == 200


def test_a_stolen_session_confirms_nothing(pages: Pages, vale: tuple[Person, str]) -> None:
    browser, _secret = vale
    thief = pages.browser()
    thief.client.cookies.update(browser.client.cookies)
    client, begun = ask(pages, "attic")
    thief.get(PAGE, params={"code": begun["user_code"]})
    thief.send(PAGE, code=begun["user_code"], decision="allow")
    assert confirm(thief, PAGE, "000000").status_code == 401
    assert poll(pages, client, begun["device_code"]) == {"error": "authorization_pending"}


@pytest.mark.parametrize(
    "end",
    [
        lambda pages, browser, admin: browser.send(
            f"{PAGE}/end", id=terminals.of(pages.settings, "vale", pages.clock())[0].id
        ),
        lambda pages, browser, admin: admin.send("/administration/people/sessions", id="vale"),
        lambda pages, browser, admin: accounts.invite(
            door_of(pages.database, "lee", data=pages.data), "vale", pages.clock()
        ),
        lambda pages, browser, admin: pages.clock.forward(hours=8),
    ],
)
def test_a_token_ends_by_its_person_an_administrator_a_reset_and_its_time(
    pages: Pages, vale: tuple[Person, str], end: Callable[[Pages, Person, Person], object]
) -> None:
    browser, secret = vale
    admin, admins, _codes = enrolled(pages, "lee")
    token = signed_in(pages, browser, secret)
    assert person_of(pages, token) == "vale"
    assert "command line on desk-7" in browser.get("/account").text
    assert "command line on desk-7" in admin.get("/administration/people/vale").text
    later(pages)
    end(pages, browser, admin)
    if "confirmed_form" in admin.page:
        confirm(admin, "/administration/people/sessions", code_of(pages, admins))
    assert person_of(pages, token) == ""


def test_a_stolen_token_opens_no_page_and_no_api_and_is_not_fresh_for_long(
    pages: Pages, vale: tuple[Person, str]
) -> None:
    browser, secret = vale
    token = signed_in(pages, browser, secret)
    thief = pages.browser()
    thief.client.cookies.set("__Host-platestream", token, domain="localhost.local")
    assert not admitted(thief)
    bearer = {"Authorization": f"Bearer {token}"}
    for path in ("/api/hits/look", "/api/log/export"):
        assert thief.client.post(f"{AT}{path}", json={"reason": "x"}, headers=bearer).status_code == 403
    pages.clock.forward(minutes=5)
    assert person_of(pages, token) == "vale"


def test_a_program_s_token_is_none_of_a_command_line(pages: Pages) -> None:
    door = door_of(pages.database, "lee", data=pages.data)
    give(door)
    _made, text = tokens.make(door, "lee", "CAD", ["hits"], pages.clock(), 90)
    assert person_of(pages, text) == ""
    with pytest.raises(RefusedError):
        tokens.make(door, "lee", "CAD", ["terminal"], pages.clock(), 90)


def test_a_token_that_no_act_stored_or_that_was_put_back_is_found(
    pages: Pages, vale: tuple[Person, str]
) -> None:
    browser, secret = vale
    signed_in(pages, browser, secret)
    file = pages.data / "accounts" / "tokens.json"
    before = file.read_bytes()
    assert found_by_check(pages) == []
    browser.get("/account")
    browser.send(f"{PAGE}/end", id=terminals.of(pages.settings, "vale", pages.clock())[0].id)
    file.write_bytes(before)
    assert found_by_check(pages) != []
    file.write_bytes(before.replace(b'"vale"', b'"lee"'))
    assert found_by_check(pages) != []


def found_by_check(pages: Pages) -> list[str]:
    door = door_of(pages.database, "lee", data=pages.data)
    (result,) = run(CheckData.of(door, datetime.now(UTC)), [one for one in CHECKS if one.name == "sign_ins"])
    return [one for one in result.faults if "token" in one]


class Console(httpx.Client):
    """A client whose requests go to the test's console."""

    def __init__(self, pages: Pages) -> None:
        super().__init__()
        self._to = pages.browser().client

    def post(self, url: Any, **options: Any) -> Any:
        return self._to.post(url, **options)


def test_a_command_does_what_needs_the_factor_after_a_fresh_sign_in_of_its_person(
    pages: Pages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Console(pages)
    monkeypatch.setattr("platestream.access.device_client.httpx.Client", lambda **_options: client)
    door = door_of(pages.database, "ana", data=pages.data, tool="platestream evidence export")

    def export() -> None:
        door.enter("evidence_export", "hold", case_number="26-001234", effect="a" * 64)

    browser, secret, _codes = enrolled(pages, "ana")
    age(pages)
    with pytest.raises(RefusedInquiry, match="platestream sign-in"):
        export()
    later(pages)
    device, shown = DeviceClient(AT), list[str]()

    def confirmed(_seconds: float) -> None:
        pages.clock.forward(seconds=5)
        if len(shown) == 2:
            allow(pages, browser, secret, shown[1])
            shown.append("confirmed")

    made = device.sign_in("desk-7", "platestream sign-in", lambda *both: shown.extend(both), confirmed)
    assert made.who == "ana"
    assert shown[0] == f"{AT}{PAGE}?code={shown[1]}"
    export()
    age(pages)
    assert person_of(pages, made.text) == "ana", "the token lasts for hours"
    with pytest.raises(RefusedInquiry, match="platestream sign-in"):
        export()
    device.sign_out(made.text)
    assert person_of(pages, made.text) == ""


@pytest.fixture
def in_process(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands in this process, on the database of the pages, by Ana."""
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", pages.database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(pages.data))
    monkeypatch.setattr("platestream.access.door.system_account", lambda: "ana")


@pytest.mark.usefixtures("in_process")
def test_evidence_is_not_exported_by_a_command_line_without_a_fresh_sign_in(
    pages: Pages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "key.pem"
    made = CliRunner().invoke(app, ["evidence", "key", str(key)])
    assert made.exit_code == 0, made.output
    monkeypatch.setenv("PLATESTREAM_EVIDENCE_KEY_FILE", str(key))
    hold = "7c0e1f1e-0000-4000-8000-000000000001"
    result = CliRunner().invoke(app, ["evidence", "export", hold, str(tmp_path / "out")])
    assert result.exit_code != 0
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("in_process")
def test_where_no_console_runs_the_command_line_takes_the_code_itself(pages: Pages) -> None:
    _browser, secret, _codes = enrolled(pages, "ana")
    age(pages)
    door = door_of(pages.database, "ana", data=pages.data, tool="platestream evidence export")
    wrong = CliRunner().invoke(app, ["sign-in"], input="000000\n")
    assert isinstance(wrong.exception, RefusedError)
    with pytest.raises(RefusedInquiry, match="platestream sign-in"):
        door.enter("evidence_export", "hold", case_number="26-001234", effect="a" * 64)
    code = pyotp.TOTP(secret).at(datetime.now(UTC) + timedelta(seconds=STEP_S))  # that of enrolling is spent
    made = CliRunner().invoke(app, ["sign-in"], input=f"{code}\n")
    assert made.exit_code == 0, made.output
    door.enter("evidence_export", "hold", case_number="26-001234", effect="a" * 64)
    again = CliRunner().invoke(app, ["sign-in"], input=f"{code}\n")
    assert isinstance(again.exception, RefusedError), "a code counts once"


def stored(folder: Path, who: str = "smith", hours: float = 8) -> Path:
    file = folder / "sign-in.json"
    ends_at = datetime.now(UTC) + timedelta(hours=hours)
    sign_in_file.write(file, SignIn(who, "platestream_1_a/b", AT, ends_at))
    return file


def test_the_file_of_a_sign_in_is_its_persons_alone_and_names_no_token_when_shown(tmp_path: Path) -> None:
    file = stored(tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600
    found = sign_in_file.read(file)
    assert "a/b" not in repr(found)
    file.chmod(0o640)
    with pytest.raises(PrivateFileError, match="others can read"):
        sign_in_file.read(file)
    file.chmod(0o600)
    file.write_text("{}")
    with pytest.raises(PrivateFileError, match="not a sign-in"):
        sign_in_file.read(file)


def test_a_token_is_the_password_of_its_person_where_there_is_none_and_for_its_time(tmp_path: Path) -> None:
    file = stored(tmp_path)
    bare = "https://smith@db.example:8443/platestream"
    assert with_token(bare, file) == "https://smith:platestream_1_a%2Fb@db.example:8443/platestream"
    for other in (
        "https://smith:secret@db.example:8443/platestream",
        "https://lee@db.example:8443/platestream",
        "https://db.example:8443/platestream",
        "https://smith@db.example:8443/platestream?client_cert=x",
        "chdb:///data/platestream",
    ):
        assert with_token(other, file) == other
    assert with_token(bare, stored(tmp_path, hours=-1)) == bare


@pytest.mark.parametrize("address", ["http://alpr.example", "ftp://localhost", "localhost:8090"])
def test_a_token_never_crosses_a_network_in_clear(address: str) -> None:
    with pytest.raises(RefusedError, match="not https"):
        DeviceClient(address)


def test_without_a_second_factor_a_password_alone_signs_no_command_line_in(pages: Pages) -> None:
    enrolled(pages, "vale")
    later(pages)
    thief = pages.browser("vale")
    _client, begun = ask(pages, "attic")
    assert thief.get(PAGE, params={"code": begun["user_code"]}).url.path == FACTOR
