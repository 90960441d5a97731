"""`platestream keys rotate --kafka`, on a real broker with sign-ins."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from platestream.access.inquire import RefusedInquiry
from platestream.cli.main import app
from platestream.edges.kafka_client import BrokerError, metadata, open_admin
from platestream.schemas.message import RefusedError
from platestream.schemas.rights import PREFIX
from tests.conftest import skip_unless_ci
from tests.support.database import Database
from tests.support.door import signed_in_as, staffed
from tests.support.kafka_broker import KafkaUnavailableError
from tests.support.kafka_secured import SecuredKafka

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[SecuredKafka]:
    try:
        broker = SecuredKafka(tmp_path / "kafka")
    except KafkaUnavailableError as error:
        skip_unless_ci(str(error))
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()


def test_a_rotated_password_replaces_the_old_one_on_the_broker_and_in_the_file(
    broker: SecuredKafka, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    staffed(database)
    for name, value in {
        "CLICKHOUSE": database.dsn,
        "DATA": str(database.data),
        "KAFKA": broker.bootstrap,
        "KAFKA_CONFIG_FILE": str(broker.administrator),
    }.items():
        monkeypatch.setenv(f"PLATESTREAM_{name}", value)

    def rotate(*files: Path, who: str = "vale") -> Result:
        signed_in_as(monkeypatch, who)
        return CliRunner().invoke(
            app, ["keys", "rotate", *(word for file in files for word in ("--kafka", str(file)))]
        )

    name, first = f"{PREFIX}recognize", "Kw3-password-of-recognize"
    broker.let_in([(name, first)])
    file = broker.account(name, first)
    file.write_text(f"# of recognize\n{file.read_text()}")
    file.chmod(0o640)
    old = broker.config(file)
    running = open_admin(old)
    assert running.list_topics(timeout=20).brokers
    assert isinstance(rotate(file, who="nobody").exception, RefusedInquiry)
    for other in (broker.administrator, broker.account("without", first, "PLAIN")):
        assert isinstance(rotate(file, other).exception, RefusedError)
    assert broker.config(file) == old
    done = rotate(file)
    assert (done.exit_code, name in done.output) == (0, True), done.output
    new = broker.config(file)
    assert {one for one in new if new[one] != old[one]} == {"sasl.password"}
    assert file.read_text().startswith("# of recognize\n")
    assert file.stat().st_mode & 0o777 == 0o640
    metadata(new)
    with pytest.raises(BrokerError, match="refused the sign-in"):
        metadata(old)
    assert running.list_topics(timeout=20).brokers, "what is connected stays connected"
    log = "SELECT outcome, change FROM platestream.inquiry_log WHERE kind = 'keys_rotate' ORDER BY at"
    *refused, allowed = database.rows(log)
    assert {outcome for outcome, _change in refused} == {"refused"}
    assert allowed == ("allowed", f"new passwords on the broker of {name}")
    assert new["sasl.password"] not in done.output
