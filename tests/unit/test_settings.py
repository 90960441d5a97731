from pathlib import Path

import pytest

from platestream.edges.files import FileTopics
from platestream.edges.kafka import KafkaTopics
from platestream.edges.kafka_client import properties
from platestream.settings import Settings, SettingsError, _topics, keys_folder, load_settings


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"PLATESTREAM_{name.upper()}", raising=False)


def test_without_settings_everything_is_on_this_machine() -> None:
    settings = load_settings()
    assert settings.clickhouse.startswith("chdb:///")
    assert isinstance(_topics(settings, follow=True), FileTopics)
    assert keys_folder(settings) == settings.data / "keys"


def test_a_named_broker_means_kafka(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PLATESTREAM_KAFKA", "localhost:9092")
    monkeypatch.setenv("PLATESTREAM_KEYS", "")
    settings = load_settings()
    assert isinstance(_topics(settings, follow=True), KafkaTopics)
    assert keys_folder(settings) is None, "processes of many machines must share them"
    monkeypatch.setenv("PLATESTREAM_KEYS", str(tmp_path))
    assert keys_folder(load_settings()) == tmp_path


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("THREADS", "none"),
        ("ON_LOST_OFFSET", "skip"),
        ("SHARE", "0/2"),
        ("SHARE", "3/2"),
        ("KAFKA", "broker:9092"),
        ("KAFKA", "localhost:9092,10.0.0.7:9092"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"PLATESTREAM_{name}", value)
    with pytest.raises(SettingsError, match=f"PLATESTREAM_{name}"):
        load_settings()


def test_plaintext_to_another_machine_needs_to_be_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PLATESTREAM_KAFKA", "broker:9093")
    with pytest.raises(SettingsError, match="unencrypted"):
        load_settings()
    file = tmp_path / "kafka.properties"
    file.write_text("# ours\nsecurity.protocol = SASL_SSL\nsasl.password=a=b\n")
    monkeypatch.setenv("PLATESTREAM_KAFKA_CONFIG_FILE", str(file))
    assert load_settings().kafka_properties() == {"security.protocol": "SASL_SSL", "sasl.password": "a=b"}
    monkeypatch.delenv("PLATESTREAM_KAFKA_CONFIG_FILE")
    monkeypatch.setenv("PLATESTREAM_ALLOW_PLAINTEXT", "true")
    assert load_settings().kafka == "broker:9093"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("bootstrap.servers=elsewhere:9092", "bootstrap.servers is PLATESTREAM_KAFKA's to say"),
        ("metadata.broker.list=elsewhere:9092", "metadata.broker.list is PLATESTREAM_KAFKA's to say"),
        ("enable.ssl.certificate.verification=false", "lets anybody stand for the broker"),
        ("ssl.endpoint.identification.algorithm=none", "lets anybody stand for the broker"),
        ("security.protocol=SASL_PLAINTEXT", "leaves this machine unencrypted"),
        ("hunter2", "line 2 is not `name=value`"),
    ],
)
def test_a_file_for_the_broker_does_not_lead_around_what_is_asked_of_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line: str, why: str
) -> None:
    file = tmp_path / "kafka.properties"
    file.write_text(f"security.protocol=SASL_SSL\n{line}\n")
    monkeypatch.setenv("PLATESTREAM_KAFKA", "broker:9093")
    monkeypatch.setenv("PLATESTREAM_KAFKA_CONFIG_FILE", str(file))
    with pytest.raises(SettingsError, match=why) as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


def test_the_database_password_comes_from_a_file_and_is_never_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "dsn"
    secret.write_text("https://flows:hunter2@clickhouse:8443/platestream\n")
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE_FILE", str(secret))
    settings = load_settings()
    assert settings.clickhouse.endswith("@clickhouse:8443/platestream")
    assert "hunter2" not in repr(settings)


def test_a_missing_secret_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE_FILE", "/nowhere/dsn")
    with pytest.raises(SettingsError, match="/nowhere/dsn"):
        load_settings()


def test_properties_are_read_as_kafkas_own_tools_read_them() -> None:
    assert properties("a=1\n\n# b=2\n c = x=y \n") == {"a": "1", "c": "x=y"}
