"""Secrets, and the accounts of a server that they are for: as they are declared, and as they are made."""

import hashlib
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from platestream.edges.clickhouse_client import Dsn
from tests.support.compose import (
    COMPOSE,
    GENERATOR,
    ROOT,
    SERVICES,
    environment,
    mounts,
)

SERVER_USERS = (ROOT / "clickhouse" / "server-users.xml").read_text()


def test_the_consoles_certificate_is_for_its_name_and_fits_its_key() -> None:
    made = GENERATOR["certificate"]("alpr.sjpd.example")
    found = x509.load_pem_x509_certificate(made["console_certificate"].encode())
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["alpr.sjpd.example", "localhost"]
    assert not found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    key = load_pem_private_key(made["console_key"].encode(), None)
    assert key.public_key() == found.public_key()


def test_a_name_that_no_certificate_can_have_is_said() -> None:
    with pytest.raises(OSError, match="no certificate for "):
        GENERATOR["certificate"]("alpr, sjpd")


def test_secrets_are_files_that_git_ignores() -> None:
    made = GENERATOR["make"]()
    for name, secret in COMPOSE["secrets"].items():
        assert secret == {"file": f"./deploy/secrets/{name}"}
        assert name in made
    assert (ROOT / "deploy" / "secrets" / ".gitignore").read_text().splitlines()[0] == "*"
    assert SERVICES["clickhouse"]["env_file"] == ["./deploy/secrets/clickhouse.env"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_secret_is_named_by_its_file_and_by_who_is_given_it(name: str) -> None:
    given = {f"/run/secrets/{secret}" for secret in SERVICES[name].get("secrets", [])}
    given |= {f"{folder}/{Path(folder).name}.toml" for _source, folder in mounts(name)}
    for variable, value in environment(name).items():
        if variable.endswith("_FILE"):
            assert value in given
        assert not re.search(r"PASSWORD$|SECRET$|TOKEN$", variable)
        assert "@" not in value


def test_the_database_gets_every_variable_that_its_accounts_need() -> None:
    wanted = set(re.findall(r'from_env="(\w+)"', SERVER_USERS))
    given = {line.partition("=")[0] for line in GENERATOR["make"]()["clickhouse.env"].splitlines()}
    assert wanted
    assert wanted == given


# Every account of a server, its roles, and whether it may write: nobody has more than it needs.
ACCOUNTS = {
    "platestream_migrate": ({"platestream_owner"}, "default"),
    "platestream_flows": ({"platestream_ingest", "platestream_sealer"}, "default"),
    "platestream_console": (
        {
            *("platestream_door", "platestream_analyst", "platestream_supervisor", "platestream_auditor"),
            *("platestream_custodian", "platestream_dashboard"),
        },
        "platestream_person",
    ),
    "platestream_admin": (
        {
            *("platestream_analyst", "platestream_supervisor", "platestream_auditor"),
            *("platestream_custodian", "platestream_dashboard", "platestream_door"),
        },
        "default",
    ),
    "platestream_retention_job": ({"platestream_retention"}, "default"),
    "platestream_audit": ({"platestream_auditor"}, "platestream_examiner"),
    "platestream_grafana": ({"platestream_dashboard"}, "platestream_reader"),
}


def test_every_account_of_a_server_has_its_roles_and_no_more() -> None:
    users = ElementTree.fromstring(SERVER_USERS).find("users")
    assert users is not None
    found = {
        user.tag: (
            {
                word
                for query in user.iter("query")
                for word in re.findall(r"platestream_\w+", query.text or "")
            },
            user.findtext("profile"),
        )
        for user in users
        if user.tag != "default"
    }
    assert found == ACCOUNTS
    assert users.find("default[@remove='remove']") is not None


def test_an_account_that_writes_has_no_profile_that_forbids_it() -> None:
    roles = ElementTree.fromstring((ROOT / "clickhouse" / "roles.xml").read_text())
    profiles = roles.find("profiles")
    assert profiles is not None
    readonly = {profile.tag for profile in profiles if profile.find("readonly") is not None}
    granted = {role.tag: " ".join(query.text or "" for query in role.iter("query")) for role in roles.iter()}
    for account, (names, profile) in ACCOUNTS.items():
        writes = any(re.search("INSERT|ALTER|GRANT ALL", granted[name]) for name in names)
        assert not (writes and profile in readonly), account


def test_made_passwords_fit_the_accounts(tmp_path: Path) -> None:
    GENERATOR["write"](tmp_path / "secrets", GENERATOR["make"]())
    lines = (tmp_path / "secrets" / "clickhouse.env").read_text().split()
    hashes = dict(line.split("=") for line in lines)
    for account in ("migrate", "flows", "console", "audit", "retention"):
        dsn = Dsn.parse((tmp_path / "secrets" / f"clickhouse_{account}").read_text().strip())
        assert f"<{dsn.user}>" in SERVER_USERS
        assert (dsn.host, dsn.port) == ("clickhouse", 8123)
        result = hashes[f"PLATESTREAM_{account.upper()}_SHA256"]
        assert result == hashlib.sha256(dsn.password.encode()).hexdigest()
    grafana = (tmp_path / "secrets" / "grafana_clickhouse").read_text()
    assert hashes["PLATESTREAM_GRAFANA_SHA256"] == hashlib.sha256(grafana.encode()).hexdigest()
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700


def test_secrets_that_are_there_are_never_replaced(tmp_path: Path) -> None:
    GENERATOR["write"](tmp_path, GENERATOR["make"]())
    before = (tmp_path / "clickhouse_flows").read_text()
    with pytest.raises(FileExistsError, match="clickhouse_flows"):
        GENERATOR["write"](tmp_path, GENERATOR["make"]())
    assert (tmp_path / "clickhouse_flows").read_text() == before


def test_grafana_reads_the_password_that_it_is_given() -> None:
    folder = ROOT / "grafana" / "provisioning" / "datasources"
    sources = yaml.safe_load((folder / "platestream.yaml").read_text())["datasources"]
    clickhouse = next(source for source in sources if source["name"] == "ClickHouse")
    assert clickhouse["secureJsonData"]["password"] == "$__file{/run/secrets/grafana_clickhouse}"
    assert f"<{clickhouse['jsonData']['username']}>" in SERVER_USERS
    assert "grafana_clickhouse" in SERVICES["grafana"]["secrets"]
