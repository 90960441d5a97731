"""The doctor's checks that need no database."""

import os
import re
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from platestream.edges.clickhouse_client import DatabaseError
from platestream.operations.doctor import data, installation, machine
from platestream.operations.doctor.context import CheckContext
from platestream.operations.doctor.finding import CheckResult, NotCheckedError, ok
from platestream.operations.doctor.machine import end_of_server
from platestream.operations.doctor.service import Check, run_checks
from platestream.reading import ocr
from platestream.runtime import fips
from platestream.settings import Settings

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder as it should be, and no other setting."""
    for name in [name for name in os.environ if name.startswith("PLATESTREAM_")]:
        monkeypatch.delenv(name)
    made = tmp_path / "data"
    made.mkdir(mode=0o700)
    monkeypatch.setenv("PLATESTREAM_DATA", str(made))
    return made


def here(*certificates: Path, **environ: str) -> CheckContext:
    return CheckContext(environ, certificates, now=lambda: NOW)


def states(answers: object) -> list[str]:
    return [one.state for one in answers]  # type: ignore[attr-defined]


def certificate(file: Path, end: datetime, *, with_key: bool = False) -> Path:
    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "alpr")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    dated = made.not_valid_before(end - timedelta(days=365)).not_valid_after(end)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) if with_key else b""
    file.write_bytes(dated.sign(key, None).public_bytes(Encoding.PEM) + private)
    return file


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("PLATESTREAM_KAFAK", "PLATESTREAM_KAFKA"),
        ("PLATESTREAM_TREADS", "PLATESTREAM_THREADS"),
        ("PLATESTREAM_CLICKHOUSEFILE", "PLATESTREAM_CLICKHOUSE_FILE"),
        ("platestream_evidence_key", "PLATESTREAM_EVIDENCE_KEY_FILE"),
        ("PLATESTREAM_XQWZZY_JJ", ""),
    ],
)
def test_a_typo_is_named_with_the_setting_that_is_nearest(typo: str, meant: str) -> None:
    (found,) = installation.environment(here(**{typo: "a secret"}))
    assert found.state == "wrong"
    assert typo in found.found
    assert "a secret" not in found.found + found.do
    assert found.do == (f"Write {meant} instead, or take it away." if meant else "Take it away.")


def test_settings_and_what_containers_are_told_are_known() -> None:
    compose = Path(__file__).parents[2] / "docker-compose.yml"
    users = Path(__file__).parents[2] / "clickhouse" / "server-users.xml"
    result = set(re.findall(r"PLATESTREAM_[A-Z0-9_]+", compose.read_text() + users.read_text()))
    result |= {f"PLATESTREAM_{name.upper()}" for name in Settings.model_fields}
    assert installation.unknown_settings(result) == []
    assert states(installation.environment(here(**dict.fromkeys(result, "")))) == ["right"]


def test_a_wrong_setting_is_told_and_what_needs_it_is_not_looked_at(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATESTREAM_THREADS", "none")
    found = {one.check: one for one in run_checks(here())}
    assert found["settings"].state == "wrong"
    assert "PLATESTREAM_THREADS" in found["settings"].found
    assert found["database"].state == "not looked at"
    assert found["environment"].state == "right"


def test_a_profile_that_is_not_there_is_a_wrong_setting(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATESTREAM_PROFILE", "nowhere")
    found = installation.settings(here())
    assert found.state == "wrong"
    assert "nowhere" in found.found


@pytest.mark.parametrize(("mode", "state"), [(0o600, "right"), (0o640, "wrong"), (0o604, "wrong")])
def test_a_secret_is_for_its_owner_alone(folder: Path, mode: int, state: str) -> None:
    (folder / "accounts").mkdir(mode=0o700)
    secret = folder / "accounts" / "clickhouse_flows"
    secret.write_text("http://flows:hidden@127.0.0.1:8123/platestream")
    secret.chmod(mode)
    found, _age = installation.secrets(here())
    assert found.state == state
    assert "hidden" not in found.found


def test_the_password_of_a_job_that_is_older_than_a_year_is_a_warning(folder: Path) -> None:
    (folder / "accounts").mkdir(mode=0o700)
    secret = folder / "accounts" / "clickhouse_flows"
    secret.write_text("http://flows:hidden@127.0.0.1:8123/platestream")
    secret.chmod(0o600)
    context = CheckContext({}, now=lambda: datetime.now(UTC) + timedelta(days=366, hours=1))
    _files, age = installation.secrets(context)
    assert (age.state, age.do) == ("soon", "platestream keys rotate")
    assert "366 days" in age.found


def test_a_file_of_secrets_that_is_gone_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATESTREAM_NOTIFY_FILE", str(folder / "notify.toml"))
    (found,) = installation.secrets(here())
    assert "notify.toml is not there" in found.found


@pytest.mark.parametrize(("mode", "state"), [(0o700, "right"), (0o750, "wrong"), (0o701, "wrong")])
def test_the_data_folder_is_for_its_owner_alone(folder: Path, mode: int, state: str) -> None:
    folder.chmod(mode)
    assert installation.data(here()).state == state


def test_a_data_folder_that_this_account_may_not_use_is_wrong(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platestream.operations.doctor.installation.os.access", lambda _path, _mode: False)
    found = installation.data(here())
    assert found.found == f"This account may not write {folder}."


def test_a_data_folder_that_is_not_there_is_wrong_and_is_not_made(folder: Path) -> None:
    folder.rmdir()
    assert {one.check: one.state for one in run_checks(here())}["data"] == "wrong"
    assert not folder.exists()


def test_little_disk_is_told_by_the_rule_of_status(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platestream.operations.doctor.installation.free_share", lambda _folder: 0.04)
    (found,) = installation.disk(here())
    assert found.state == "wrong"
    assert "4% of the disk" in found.found


def test_a_model_that_was_changed_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ocr.OWN, ocr.PLATES, ("plates.onnx", "0" * 64))
    found = installation.recogniser(here())
    assert found.state == "wrong"
    assert "plates.onnx has SHA-256" in found.found


def test_a_device_that_the_models_do_not_run_on_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATESTREAM_DEVICE", "cuda")
    found = installation.recogniser(here())
    assert found.state == "wrong"
    assert "CUDAExecutionProvider" in found.found
    assert "PLATESTREAM_DEVICE" in found.do


@pytest.mark.parametrize(
    ("days", "state"), [(-1, "wrong"), (29, "soon"), (31, "right")], ids=["ended", "soon", "later"]
)
def test_the_end_of_a_certificate_is_said(folder: Path, tmp_path: Path, days: int, state: str) -> None:
    file = certificate(tmp_path / "console.pem", NOW + timedelta(days=days))
    (found,) = machine.certificates(here(file))
    assert found.state == state
    assert f"{NOW + timedelta(days=days):%Y-%m-%d}" in found.found


def test_a_server_s_certificate_is_seen_though_it_has_ended(tmp_path: Path) -> None:
    end = NOW - timedelta(days=3)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path / "server.pem", end, with_key=True))
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor() as one:
        answered = one.submit(_shake_hands, server, context)
        assert end_of_server("127.0.0.1", server.getsockname()[1]) == end
        answered.result()


def _shake_hands(server: socket.socket, context: ssl.SSLContext) -> None:
    with server.accept()[0] as asked, suppress(OSError):
        context.wrap_socket(asked, server_side=True).close()


def test_a_certificate_that_cannot_be_read_does_not_hide_the_next(folder: Path, tmp_path: Path) -> None:
    good = certificate(tmp_path / "good.pem", NOW + timedelta(days=300))
    assert states(machine.certificates(here(tmp_path / "gone.pem", good))) == ["wrong", "right"]


@pytest.mark.parametrize(("result", "state"), [(True, "right"), (False, "wrong")])
def test_the_clock_is_right_where_ntp_keeps_it(result: bool, state: str) -> None:
    assert machine.clock(CheckContext({}, synchronised=lambda: result)).state == state


def test_a_clock_of_which_nothing_is_known_is_not_looked_at() -> None:
    with pytest.raises(NotCheckedError):
        machine.clock(CheckContext({}, synchronised=lambda: None))


def test_a_broker_that_is_away_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platestream.edges.kafka_client.BROKER_SECONDS", 0.3)
    monkeypatch.setenv("PLATESTREAM_KAFKA", "127.0.0.1:1")
    (found,) = data.topics(here())
    assert found.state == "wrong"
    assert "no answer from 127.0.0.1:1" in found.found


@pytest.mark.parametrize(("code", "state"), [(497, "not looked at"), (512, "not looked at"), (60, "wrong")])
def test_what_the_account_may_not_see_is_not_looked_at(folder: Path, code: int, state: str) -> None:
    def asks(_here: CheckContext) -> list[CheckResult]:
        raise DatabaseError("reading the migrations", code, passing=False)

    assert states(run_checks(here(), [Check("a", "a", asks)])) == [state]


def test_a_check_that_fails_stops_none_and_shows_no_data(folder: Path) -> None:
    def fails(_here: CheckContext) -> list[CheckResult]:
        raise RuntimeError("KBD4821")

    def away(_here: CheckContext) -> list[CheckResult]:
        raise OSError("the disk is gone")

    checks = [Check("a", "a", fails), Check("b", "b", away), Check("c", "c", lambda _here: [ok("Here.")])]
    found = list(run_checks(here(), checks))
    assert [one.state for one in found] == ["wrong", "wrong", "right"]
    assert [one.found for one in found] == [
        "The check itself failed (RuntimeError).",
        "the disk is gone.",
        "Here.",
    ]


def test_it_says_which_cryptographic_modules_are_validated_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    found = machine.cryptography(CheckContext({}))
    assert (found.state == "right") == found.found.startswith("In FIPS mode")
    assert re.search(
        r"OpenSSL \d\S* of cryptography.*OpenSSL \d\S* of Python.*the kernel|In FIPS mode", found.found
    )
    here = fips.modes()
    monkeypatch.setattr(fips, "modes", lambda: dict.fromkeys(here, True))
    found = machine.cryptography(CheckContext({}))
    assert (found.state, found.found.startswith("In FIPS mode are OpenSSL ")) == ("right", True)
    monkeypatch.setattr(fips, "modes", lambda: here | {"the kernel": False})
    found = machine.cryptography(CheckContext({}))
    assert "so no validated modules (FIPS 140): " in found.found
    assert (found.state, "SC-13" in found.do) == ("soon", True)


def test_the_kernel_says_whether_it_is_in_fips_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fips, "KERNEL", tmp_path / "fips_enabled")
    assert not fips.modes()["the kernel"]
    fips.KERNEL.write_text("1\n")
    assert fips.modes()["the kernel"]
