"""A broker with TLS, sign-ins and ACLs: who is let in, and what each account may do. On a real one."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from platestream.edges import kafka_acls
from platestream.edges.changelog import publish
from platestream.edges.kafka import KafkaTopics
from platestream.edges.kafka_claim import check_transactions
from platestream.edges.kafka_client import (
    BrokerError,
    log_client_error,
    properties,
)
from platestream.schemas import topics
from platestream.schemas.frame import Frame
from platestream.schemas.message import Message, RefusedError
from platestream.schemas.rights import ACCOUNTS, PREFIX, Rights
from platestream.schemas.topics import TOPICS, Topic
from tests.conftest import skip_unless_ci
from tests.support.flow_process import ROOT, FlowProcess
from tests.support.flows import ACTION, listed, plate_picture
from tests.support.kafka_attempts import ATTEMPTS, done, outcome
from tests.support.kafka_broker import Kafka, KafkaUnavailableError, wait_until
from tests.support.kafka_secured import OF_ADMINISTRATOR, SecuredKafka, authority
from tests.support.receivers import SECRET, WEBHOOK, http_receiver

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

STRANGER = "stranger"  # signs in, and was given nothing
PASSWORDS = {name: f"Kw3-password-of-{name}" for name in (*ACCOUNTS, STRANGER)}
SECRETS = (OF_ADMINISTRATOR, *PASSWORDS.values())


class Secured(SecuredKafka):
    """With all accounts; `file` is what a process with an account is given."""

    def prepare(self) -> None:
        self.let_in((self.principal(name), password) for name, password in PASSWORDS.items())
        for name, password in PASSWORDS.items():
            self.account(self.principal(name), password)

    def fill(self) -> None:
        """Of an empty partition nothing is fetched, so that nobody is refused."""
        producer = Producer(self.config(self.administrator))
        for topic in TOPICS:
            producer.produce(topic.name, key=b"matrix", value=b"of no meaning", partition=0)
        assert producer.flush(20) == 0

    @staticmethod
    def principal(name: str) -> str:
        return name if name == STRANGER else f"{PREFIX}{name}"

    def file(self, name: str) -> Path:
        return self.folder / f"{self.principal(name)}.properties"

    def of(self, name: str) -> dict[str, Any]:
        """As KafkaTopics tells a client."""
        return {**self.config(self.file(name)), "error_cb": log_client_error}

    def topics(self, name: str) -> KafkaTopics:
        return KafkaTopics(self.bootstrap, properties(self.file(name).read_text()))

    def everything(self) -> KafkaTopics:
        return KafkaTopics(self.bootstrap, properties(self.administrator.read_text()))


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """One for the file, its topics and rights set as an administrator does."""
    try:
        broker = Secured(tmp_path_factory.mktemp("secured") / "kafka")
    except KafkaUnavailableError as error:
        skip_unless_ci(str(error))
    try:
        broker.start()
        broker.prepare()
        made = command(broker, broker.administrator, "topics", "--acls")
        assert made.returncode == 0, made.stderr
        broker.fill()
        yield broker
    finally:
        broker.kill()


def command(broker: Kafka, file: Path | None, *words: str, at: str = "") -> subprocess.CompletedProcess[str]:
    """`platestream` as a process of its own, which shows no secret."""
    named = {} if file is None else {"PLATESTREAM_KAFKA_CONFIG_FILE": str(file)}
    environment = {**os.environ, "PLATESTREAM_KAFKA": at or broker.bootstrap, **named}
    ran = subprocess.run(
        [sys.executable, "-m", "platestream", *words],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert not [secret for secret in SECRETS if secret in ran.stdout + ran.stderr]
    return ran


@pytest.mark.parametrize("name", [*ACCOUNTS, STRANGER])
def test_an_account_may_do_what_is_declared_and_nothing_else(broker: Secured, name: str) -> None:
    rights, config = ACCOUNTS.get(name, Rights()), broker.of(name)
    cases = [(topic, what) for topic in TOPICS for what in ATTEMPTS]
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda case: outcome(ATTEMPTS[case[1]][0], config, case[0]), cases)
        result = {(topic.name, what): said for (topic, what), said in zip(cases, found, strict=True)}
    expected = {
        (topic.name, what): "allowed" if ATTEMPTS[what][1](rights, topic) else "refused"
        for topic, what in cases
    }
    assert len(result) == len(TOPICS) * len(ATTEMPTS)
    assert result == expected


CLAIMS = """
import sys
from pathlib import Path
from platestream.edges.edge import ALL_PARTITIONS
from platestream.edges.kafka_claim import KafkaClaim
from platestream.edges.kafka_client import common_config, properties
from platestream.flow_process import SHARED
_command, servers, file, flow = sys.argv
config = common_config(servers, properties(Path(file).read_text()))
KafkaClaim(config, flow, ALL_PARTITIONS, SHARED[flow][1], "a store").take()
"""


@pytest.mark.parametrize(
    ("name", "flow", "error"),
    [
        ("match", "match", ""),
        ("recognize", "recognize", ""),
        ("audit", "audit", ""),
        ("notify", "notify", ""),
        ("recognize", "match", "NotSetUpError: no right to write in transactions"),
    ],
)
def test_an_account_claims_shares_of_its_own_flow_only(
    broker: Secured, name: str, flow: str, error: str
) -> None:
    command = [sys.executable, "-c", CLAIMS, broker.bootstrap, str(broker.file(name)), flow]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (error in ran.stderr, ran.returncode == 0) == (True, not error), ran.stderr
    check_transactions(broker.of(name))  # a passing error is none of a broker without transactions


@pytest.mark.parametrize("name", [*ACCOUNTS, STRANGER])
def test_no_account_gives_rights_or_passwords(broker: Secured, name: str) -> None:
    client = AdminClient(broker.of(name))
    right = acl(f"User:{broker.principal(name)}", "frames", AclOperation.ALL)
    with pytest.raises(KafkaException, match="CLUSTER_AUTHORIZATION_FAILED"):
        done(client.create_acls([right]))
    of = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    taken = UserScramCredentialUpsertion(f"{PREFIX}tools", of, b"taken over")
    with pytest.raises(KafkaException, match="CLUSTER_AUTHORIZATION_FAILED"):
        done(client.alter_user_scram_credentials([taken]))
    with pytest.raises(BrokerError, match="this account may not set them"):
        kafka_acls.set_rights(broker.of(name))


def test_a_second_time_changes_nothing(broker: Secured) -> None:
    again = command(broker, broker.administrator, "topics", "--acls")
    assert (again.returncode, again.stdout) == (
        0,
        f"{len(TOPICS)} topics are as declared, and the rights of accounts\n",
    )
    assert command(broker, broker.administrator, "topics", "--acls", "--check").returncode == 0


def test_rights_are_set_when_the_broker_tells_of_them_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers when its controller has them, and tells whoever asks in that moment of before."""
    surplus = acl(f"User:{PREFIX}match", "frames", AclOperation.WRITE)
    given = kafka_acls.declared_acls()
    result = iter([[surplus], [*given, surplus], given])
    asked = list[object]()

    class Admin:
        def create_acls(self, acls: object) -> dict[object, object]:
            return {}

        delete_acls = create_acls

    def found(admin: object) -> object:
        asked.append(admin)
        return next(result)

    monkeypatch.setattr(kafka_acls, "_open_and_read", lambda _: (Admin(), [surplus]))
    monkeypatch.setattr(kafka_acls, "read_acls", found)
    lines = kafka_acls.set_rights({})
    assert len(lines) == len(given) + 1
    assert len(asked) == 3


def test_a_right_that_has_drifted_is_shown_and_put_right_and_others_stay(broker: Secured) -> None:
    admin, config = broker.admin(), broker.config(broker.administrator)
    ours, theirs = f"User:{PREFIX}match", "User:agency_backup"
    surplus = acl(ours, "frames", AclOperation.WRITE)
    denied = acl(ours, "frames", AclOperation.READ, AclPermissionType.DENY)
    foreign = acl(theirs, "detections", AclOperation.READ)
    everybody = acl("User:*", "hotlist", AclOperation.READ)
    missing = acl(ours, "detections", AclOperation.READ)
    done(admin.create_acls([surplus, denied, foreign, everybody]))
    done(admin.delete_acls([kafka_acls.exact_filter(missing)]))
    try:
        shown = command(broker, broker.administrator, "topics", "--acls", "--check")
        assert shown.returncode == 1
        assert sorted(shown.stderr.splitlines()) == [
            "* read topic hotlist: every account has this right; remove it with Kafka's own tools",
            "platestream_match read topic detections: declared, and not given",
            "platestream_match read topic frames: denied by another ACL, which is not changed",
            "platestream_match write topic frames: given, and not declared",
        ]
        assert kafka_acls.set_rights(config) == [
            "platestream_match read topic detections: given",
            "platestream_match write topic frames: taken away",
        ]
        there = kafka_acls.read_acls(admin)
        assert {foreign, denied, everybody, missing} <= set(there)
        assert surplus not in there
    finally:
        done(admin.delete_acls([kafka_acls.exact_filter(one) for one in (denied, foreign, everybody)]))
        kafka_acls.set_rights(config)
    assert list(kafka_acls.faults(config)) == []


def test_rights_of_an_account_that_a_release_no_longer_has_are_taken_away(broker: Secured) -> None:
    config = broker.config(broker.administrator)
    before = {**ACCOUNTS, "retention": Rights(reads=(topics.FRAMES,))}
    given = ["platestream_retention read topic frames", "platestream_retention describe group platestream"]
    assert kafka_acls.set_rights(config, before) == [f"{one}: given" for one in given]
    assert sorted(kafka_acls.set_rights(config)) == sorted(f"{one}: taken away" for one in given)


def test_a_broker_without_an_authorizer_is_no_place_for_rights(kafka: Kafka) -> None:
    with pytest.raises(BrokerError, match="no authorizer"):
        kafka_acls.set_rights({"bootstrap.servers": kafka.bootstrap})


def test_setting_up_topics_needs_no_administrator(broker: Secured) -> None:
    """`setup` makes topics and puts their settings right; `tools` compares, and may change none."""
    admin = broker.admin()
    done(admin.incremental_alter_configs([longer(topics.FRAMES)]))
    compared = command(broker, broker.file("tools"), "topics", "--check")
    assert (compared.returncode, compared.stderr.count("\n")) == (1, 1)
    assert "retention.ms is 999999999" in compared.stderr
    refused = command(broker, broker.file("tools"), "topics")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "TOPIC_AUTHORIZATION_FAILED" in refused.stderr
    made = command(broker, broker.file("setup"), "topics")
    assert made.stdout == f"frames: settings put right\n{len(TOPICS)} topics are as declared\n"
    refused = command(broker, broker.file("setup"), "topics", "--acls")
    assert refused.stderr == (
        "platestream: rights on the broker: this account may not set them; the broker's administrator may\n"
    )


def longer(topic: Topic[Any]) -> ConfigResource:
    kept = ConfigEntry("retention.ms", "999999999", incremental_operation=AlterConfigOpType.SET)
    return ConfigResource(ResourceType.TOPIC, topic.name, incremental_configs=[kept])


# Who is not let in.


class Way(NamedTuple):
    """How somebody comes: what of the file is otherwise, at which address, and what they hear."""

    otherwise: Mapping[str, str]
    hears: str
    at: str = ""


PLAIN = {"security.protocol": "PLAINTEXT", "sasl.mechanism": "", "sasl.username": "", "sasl.password": ""}
TYPED = "Kw3-password-of-nobody"
WAYS = {
    "a wrong password": Way({"sasl.password": TYPED}, "refused the sign-in"),
    "an unknown account": Way({"sasl.username": "platestream_x"}, "refused the sign-in"),
    "another mechanism": Way({"sasl.mechanism": "SCRAM-SHA-256"}, "Unsupported SASL mechanism"),
    "no password": Way({"sasl.password": ""}, "sasl.username and sasl.password must be set"),
    "no encryption": Way(PLAIN, "security.protocol than PLAINTEXT"),
    "a sign-in in clear": Way({"security.protocol": "SASL_PLAINTEXT"}, "than SASL_PLAINTEXT"),
    "no sign-in": Way({**PLAIN, "security.protocol": "SSL"}, "than SSL"),
    "another authority": Way({"ssl.ca.location": "other"}, "certificate verify failed"),
    "another name": Way({}, "certificate verify failed", at="localhost"),
    "no authority": Way({"ssl.ca.location": "/nowhere.pem"}, "ssl.ca.location failed"),
    "a misspelt property": Way({"sasl.pasword": TYPED}, "No such configuration property"),
    "a password in the wrong line": Way({"sasl.mechanism": TYPED}, "Unsupported SASL mechanism: ..."),
}


class Attempted(NamedTuple):
    """Outcome of a way for a reader, a writer and a command, and the seconds that all of them took."""

    read: BaseException | None
    written: BaseException | None
    command: subprocess.CompletedProcess[str]
    seconds: float


@pytest.fixture(scope="module")
def attempted(broker: Secured, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Attempted]]:
    """Every way, some at the same time: where the broker gives no reason, each is asked for ten seconds."""
    folder = tmp_path_factory.mktemp("ways")
    with ThreadPoolExecutor(6) as pool:
        made = [folder / str(number) for number in range(len(WAYS))]
        yield dict(zip(WAYS, pool.map(partial(attempt, broker), WAYS.values(), made), strict=True))


def attempt(broker: Secured, way: Way, folder: Path) -> Attempted:
    folder.mkdir()
    fields = {**properties(broker.file("tools").read_text()), **way.otherwise}
    if fields["ssl.ca.location"] == "other":
        fields["ssl.ca.location"] = str(authority(folder, "other"))
    file = folder / "kafka.properties"
    file.write_text("".join(f"{name}={value}\n" for name, value in fields.items() if value))
    at = broker.bootstrap.replace("127.0.0.1", way.at or "127.0.0.1")
    streams = KafkaTopics(at, properties(file.read_text()))
    began = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        reads = pool.submit(lambda: streams.read(topics.FRAMES).list_parts())
        writes = pool.submit(streams.writer, topics.FRAMES)
        ran = command(broker, file, "topics", "--check", at=at)
    return Attempted(reads.exception(), writes.exception(), ran, time.monotonic() - began)


@pytest.mark.parametrize("way", WAYS)
def test_who_is_not_let_in_hears_one_line_within_seconds(attempted: dict[str, Attempted], way: str) -> None:
    hears, found = WAYS[way].hears, attempted[way]
    assert found.seconds < 30
    for error in (found.read, found.written):
        assert isinstance(error, BrokerError)
        assert hears in str(error)
        assert not [one for one in (*SECRETS, TYPED) if one in str(error)]
    ran = found.command
    assert ran.returncode == 1
    assert ran.stderr.count("\n") == 1
    assert ran.stderr.startswith("platestream: ")
    assert hears in ran.stderr
    assert TYPED not in ran.stderr


def acl(
    principal: str,
    topic: str,
    operation: AclOperation,
    permission: AclPermissionType = AclPermissionType.ALLOW,
) -> AclBinding:
    literal = ResourcePatternType.LITERAL
    return AclBinding(ResourceType.TOPIC, topic, literal, principal, "*", operation, permission)


# Work.

ASKS = """
import sys
from platestream.edges.clickhouse_client import ANALYST, connect
from platestream.access import gate
gate.search(connect(sys.argv[1], ANALYST), who="tester", pattern="KTA*", reason="a stolen car on Main Street")
"""


def frame(image: bytes, camera: str = "N1") -> Frame:
    at = datetime.now(UTC)
    fields = {"camera-id": camera, "captured-at": at.isoformat(), "latitude": "34.5", "longitude": "-109.4"}
    return Frame.from_message(Message(camera.encode(), image, fields, at))


class Office:
    """The four flows, each with its own account, and what comes of their work."""

    def __init__(self, broker: Secured, folder: Path) -> None:
        self._broker, self._folder = broker, folder

    @contextmanager
    def runs(self, name: str, before: str = "", **changes: Any) -> Iterator[None]:
        """A flow as an operator starts it, until the block ends; it has not ended by itself, and has shown
        no password."""
        file = str(self._broker.file(name))
        flow = FlowProcess(
            name, self._folder / name, self._broker.bootstrap, PLATESTREAM_KAFKA_CONFIG_FILE=file, **changes
        )
        flow.prepare()
        if before:
            command = [sys.executable, "-c", before, flow.dsn]
            subprocess.run(command, env=flow.env, cwd=ROOT, check=True, timeout=120)
        flow.start()
        try:
            yield
            assert flow.running, flow.log[-3000:]
            assert not [secret for secret in SECRETS if secret in flow.log + processes()]
        except TimeoutError as error:
            raise AssertionError(flow.log[-3000:]) from error
        finally:
            flow.end()

    def comes(self, topic: Topic[Any], holds: Callable[[Any], bool]) -> Any:
        """The first record of `topic` that `holds`; others, such as the matrix's, are passed over."""
        found: list[Any] = []

        def look() -> bool:
            for message in self._broker.everything().read_to_end(topic):
                with suppress(RefusedError):
                    record = topic.decode(message)
                    found.extend([record] if holds(record) else [])
            return bool(found)

        # Each look reads the topic from its beginning.
        wait_until(look, 120, f"a record of {topic.name}", every=0.5)
        return found[0]


def processes() -> str:
    """The arguments of every process of this machine."""
    result = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            result.append(file.read_bytes().decode(errors="replace"))
    return "\n".join(result)


def test_a_vehicle_passes_all_flows_each_with_its_own_account(broker: Secured, tmp_path: Path) -> None:
    office = Office(broker, tmp_path)
    cameras = broker.topics("cameras").writer(topics.FRAMES)
    cameras.publish([frame(plate_picture("KTA1000")), frame(b"no picture")])
    with office.runs("recognize"):
        read = office.comes(topics.DETECTIONS, lambda one: one.camera_id == "N1")
        office.comes(topics.DEAD_LETTERS, lambda one: one.topic == "frames" and one.value == b"no picture")

    publish(broker.topics("tools"), topics.HOTLIST, [listed(read.plate, "passes")])
    with office.runs("match"):
        hit = office.comes(topics.ALERT_HITS, lambda one: one.detection.detection_id == read.detection_id)

    secret, rules = tmp_path / "secret", tmp_path / "notify.toml"
    secret.write_text(SECRET)
    with http_receiver() as cad:
        rules.write_text(WEBHOOK.format(url=cad.url, secret=secret))
        with office.runs("notify", PLATESTREAM_NOTIFY_FILE=str(rules)):
            office.comes(topics.DELIVERIES, lambda one: one.hit_id == hit.hit_id and one.receiver == "cad")
        assert len(cad.calls) == 1

    action = msgspec.structs.replace(ACTION, hit_id=hit.hit_id, at=datetime.now(UTC))
    publish(broker.topics("console"), topics.HIT_ACTIONS, [action])
    with office.runs("audit", before=ASKS):
        sealed = office.comes(topics.INQUIRIES, lambda one: one.inquiry.who == "tester")
    assert sealed.inquiry.reason == "a stolen car on Main Street"


def test_a_flow_with_a_wrong_password_ends_and_says_why(broker: Secured, tmp_path: Path) -> None:
    file = broker.account("wrong", TYPED)
    flow = FlowProcess("match", tmp_path / "match", broker.bootstrap, PLATESTREAM_KAFKA_CONFIG_FILE=str(file))
    flow.prepare()
    flow.start()
    try:
        wait_until(lambda: not flow.running, 60, "the end of the flow")
    finally:
        flow.end()
    assert "BrokerError: " in flow.log
    assert "refused the sign-in by PLATESTREAM_KAFKA_CONFIG_FILE" in flow.log
    assert TYPED not in flow.log


def test_the_brokers_own_log_shows_no_password(broker: Secured) -> None:
    log = broker.log.read_text(errors="replace")
    assert "Kafka Server started" in log
    assert not [secret for secret in SECRETS if secret in log]
