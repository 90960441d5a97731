"""Settings from the environment (`PLATESTREAM_…`), and the edge that they name."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from platestream.edges.clickhouse import ClickHouseTables
from platestream.edges.clickhouse_client import INGEST, OWNER, RETENTION, SEALER
from platestream.edges.dsn import is_same_account, read_dsn
from platestream.edges.edge import Edge, Share, Topics
from platestream.edges.files import FileTopics
from platestream.edges.kafka import KafkaTopics
from platestream.edges.kafka_claim import KafkaClaim
from platestream.edges.kafka_client import FILE, properties
from platestream.edges.sealed_topics import SealedTopics
from platestream.engine.folder_lock import embedded_folder
from platestream.keys.in_use import note_use
from platestream.keys.key_folder import UNSEALED, KeyFolder, Sealer
from platestream.keys.master import Master, MasterFile
from platestream.keys.token import parse, token_at
from platestream.runtime.account import system_account as system_account
from platestream.runtime.sign_in_file import with_token
from platestream.schemas.claim import SHARE
from platestream.schemas.loopback import is_loopback

ACCOUNTS = "accounts"
"""Folder of the accounts of the engine that `platestream up` starts, below the data folder."""


JOBS = {OWNER: "migrate", RETENTION: "retention", INGEST: "flows", SEALER: "flows"}
"""Roles that no person has, and the job whose account has them."""


_SERVERS = {"bootstrap.servers", "metadata.broker.list"}  # the addresses in these would not be checked
_UNVERIFIED = {
    "enable.ssl.certificate.verification": "false",
    "ssl.endpoint.identification.algorithm": "none",
}


def job_account(folder: Path, job: str) -> Path:
    """Return the file with the DSN of a job's account: `flows`, `migrate`, `retention`, `grafana` etc."""
    return folder / f"clickhouse_{job}"


def own_account(data: Path) -> Path:
    """Return the file with the DSN of this person's account at the engine of a data folder."""
    return data / ACCOUNTS / "people" / system_account()


def embedded_dsn(data: Path) -> str:
    """Return the DSN of the embedded database of a data folder."""
    return f"chdb://{embedded_folder(data)}"


class SettingsError(ValueError):
    """A missing or wrong setting; the message names it and never shows a secret."""


class Settings(BaseSettings):
    """The settings. Every field is an environment variable with the prefix PLATESTREAM_."""

    model_config = SettingsConfigDict(env_prefix="PLATESTREAM_", hide_input_in_errors=True)

    kafka: str = Field(
        default="", description="bootstrap servers, host:port[,…]; empty: topics are files below `data`"
    )
    kafka_config_file: Path | None = Field(
        default=None,
        description="a secret: librdkafka properties (security.protocol, sasl.*, ssl.*), one on each line",
    )
    clickhouse: str = Field(
        default="",
        repr=False,
        description="https://user:password@host:8443/platestream; empty: chDB in `data`/clickhouse",
    )
    clickhouse_file: Path | None = Field(
        default=None, description="a file that holds `clickhouse`, for container secrets"
    )
    sign_in_file: Path = Field(
        default=Path("~/.config/platestream/sign-in.json"),
        description="file of `platestream sign-in`, whose token is the password of the account of "
        "`clickhouse` where that has none",
    )
    door_file: Path | None = Field(
        default=None,
        description="a file with the DSN of the account that enters acts with an effect for the person of "
        "`clickhouse`, on the same server; empty: that person can only search",
    )
    started_by: str = Field(
        default="",
        max_length=64,
        description="the registered person who started this service, named by its automatic acts; "
        "empty: the account that ran `platestream up`, and in containers no one, which is a finding",
    )
    data: Path = Field(
        default=Path("data"),
        description="folder of the embedded topics and tables, accounts, spool, journal and published log",
    )
    keys: Path | None = Field(
        default=None,
        description="folder of the hourly keys that encrypt what cameras saw on topics, spool and recovery "
        "stores, shared by all processes, on another disk than `data`; empty: `data`/keys, and with Kafka "
        "nothing is encrypted",
    )
    master_key_file: Path | None = Field(
        default=None,
        description="a secret: 32 random bytes that wrap the hourly keys; empty: made in the folder of keys",
    )
    master_key: str = Field(
        default="",
        description="URI (RFC 7512) of a key in a PKCS#11 token that wraps the hourly keys instead: "
        "pkcs11:token=LABEL;object=LABEL?module-path=/LIBRARY.so&pin-source=file:/FILE",
    )
    share: str = Field(
        default="1/1",
        pattern=SHARE,
        description="part of the cameras that this process of recognize or match reads, such as 1/2 and 2/2 "
        "for two; fixed for its recovery store",
    )
    metrics: str = Field(
        default="",
        pattern=r"^(.+:\d{1,5})?$",
        description="host:port where a flow serves its metrics; empty: nowhere",
    )
    models: Path | None = Field(
        default=None, description="folder of PaddleOCR models; empty: the ones that come with the packages"
    )
    threads: int = Field(
        default=2, ge=1, le=64, description="threads of each model; give recognize as many processors"
    )
    at_once: int = Field(
        default=1,
        ge=1,
        le=64,
        description="frames of different cameras that recognize reads at the same time",
    )
    device: Literal["cpu", "cuda"] = Field(
        default="cpu", description="device of the models; cuda: an NVIDIA GPU with onnxruntime-gpu (untried)"
    )
    allow_plaintext: bool = Field(
        default=False, description="allow unencrypted data on a network, such as a closed container network"
    )
    alert_confidence: float | None = Field(
        default=None, description="a rule: alerts.least_confidence of the profile; refused where it differs"
    )
    alternative_confidence: float | None = Field(
        default=None, description="a rule: alerts.least_alternative of the profile; refused where it differs"
    )
    on_lost_offset: Literal["stop", "earliest"] = Field(
        default="stop",
        description="what a flow does if its position is no longer on the broker: stop, or continue at the "
        "earliest message",
    )

    unapproved: str | None = Field(
        default=None, description="a rule: cameras.unapproved of the profile; refused where it differs"
    )
    notify_file: Path | None = Field(
        default=None, description="rules of notification (TOML, a secret); empty: no one is notified of hits"
    )
    prometheus: str = Field(
        default="", description="URL of a Prometheus that scrapes the flows, for `platestream board`"
    )
    profile: str = Field(
        default="",
        description="profile (a name, or a .toml file) that a new installation begins with; later a process "
        "does not start where it contradicts the rules in force. Empty: st-johns, and nothing is compared",
    )
    evidence_key_file: Path | None = Field(
        default=None, description="private Ed25519 key (PEM) that signs evidence packages"
    )
    backup_recipients: Path | None = Field(
        default=None,
        description="file of the public keys (age1… or ssh-ed25519, one on each line) that backups are "
        "encrypted to; empty: platestream backup is refused without --recipients or --plain",
    )
    log_file: Path | None = Field(
        default=None,
        description="the published inquiry log: name, folder, witnesses, time stamps (TOML); empty: a name "
        "is made up, and it is in `data`/inquiry-log/public",
    )
    oidc_file: Path | None = Field(
        default=None,
        description="OpenID provider of the console (TOML); empty: people sign in with passwords only",
    )

    partners_file: Path | None = Field(
        default=None,
        description="exchange with other agencies (TOML); empty: default limits, and no answers to them",
    )

    @field_validator("keys", "master_key_file", "backup_recipients", mode="before")
    @classmethod
    def _none_if_empty(cls, value: object) -> object:
        return value or None

    @model_validator(mode="after")
    def _read_secret(self) -> "Settings":
        if self.clickhouse_file is not None:
            self.clickhouse = read_dsn(self.clickhouse_file)
        if not self.clickhouse:
            self.clickhouse = _own_dsn(self.data) or embedded_dsn(self.data)
        self.sign_in_file = Path(os.path.expanduser(self.sign_in_file))
        self.clickhouse = with_token(self.clickhouse, self.sign_in_file)
        return self

    @field_validator("master_key")
    @classmethod
    def _names_token(cls, value: str) -> str:
        if value:
            parse(value)
        return value

    @model_validator(mode="after")
    def _one_master(self) -> "Settings":
        if self.master_key and self.master_key_file is not None:
            raise ValueError("PLATESTREAM_MASTER_KEY and PLATESTREAM_MASTER_KEY_FILE: only one can be set")
        return self

    @model_validator(mode="after")
    def _one_of(self) -> "Settings":
        if self.partitions.number >= self.partitions.of:
            raise ValueError(f"PLATESTREAM_SHARE: {self.share} is no part: the first of two is 1/2")
        return self

    @model_validator(mode="after")
    def _encrypted(self) -> "Settings":
        if not self.kafka:
            return self
        properties = self.kafka_properties()
        if named := _SERVERS & properties.keys():
            raise ValueError(f"{FILE}: {min(named)} is PLATESTREAM_KAFKA's to say")
        if self.allow_plaintext or all(_loopback(server) for server in self.kafka.split(",")):
            return self
        if properties.get("security.protocol", "PLAINTEXT").upper() not in ("SSL", "SASL_SSL"):
            raise ValueError(
                "PLATESTREAM_KAFKA leaves this machine unencrypted: set security.protocol in "
                f"{FILE}, or PLATESTREAM_ALLOW_PLAINTEXT=true on a closed network"
            )
        if unproved := [name for name, off in _UNVERIFIED.items() if properties.get(name, "").lower() == off]:
            raise ValueError(
                f"{FILE}: {unproved[0]}={_UNVERIFIED[unproved[0]]} lets anybody stand for the broker; name "
                "its authority in ssl.ca.location"
            )
        return self

    def clickhouse_for(self, role: str | None, *, automatic: bool = False) -> str:
        """Return the DSN with which to take a role.

        It is this person's own, or with `automatic` that of the account that logs automatic acts and acts
        with an effect, if `door_file` names one. With the engine of `platestream up` it is the account of the
        job that has the role, or the console's: a user who can read the data folder can read it.
        """
        job = JOBS.get(role or "", "console" if automatic else None) if self._is_own else None
        if job is not None:
            return read_dsn(job_account(self.data / ACCOUNTS, job))
        if automatic and self.door_file is not None:
            return read_dsn(self.door_file)
        return self.clickhouse

    @property
    def names_server(self) -> bool:
        """True if the tables are a server's, or those of an engine that is managed elsewhere."""
        return not self.in_process and not self._is_own

    @property
    def in_process(self) -> bool:
        """True if the tables are in a folder that this process opens itself."""
        return self.clickhouse.startswith("chdb:")

    @property
    def _is_own(self) -> bool:
        """True if this is the person's account at the engine of `data`, whose password may have changed."""
        return is_same_account(self.clickhouse, _own_dsn(self.data))

    @property
    def partitions(self) -> Share:
        """The share of the partitions that this process reads."""
        return Share.parse(self.share)

    def kafka_properties(self) -> dict[str, str]:
        """Return the properties of librdkafka, without the servers."""
        if self.kafka_config_file is None:
            return {}
        try:
            return properties(self.kafka_config_file.read_text())
        except ValueError as error:
            raise ValueError(f"{FILE}: {error}") from None


def load_settings() -> Settings:
    """Return the settings of this process. Raises SettingsError, which names each wrong one."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(_sentence(one["loc"], one["msg"]) for one in error.errors())
        raise SettingsError(wrong) from None
    except OSError as error:
        raise SettingsError(f"a *_FILE setting names {error.filename}: {error.strerror}") from None


def open_topics(settings: Settings, claim: KafkaClaim | None = None, *, follow: bool = True) -> SealedTopics:
    """Return the topics: on Kafka if one is named, else in files; encrypted if there are keys."""
    return SealedTopics(_topics(settings, claim, follow=follow), open_keys(settings))


def open_keys(settings: Settings) -> Sealer:
    """Return the hourly keys, or no encryption on Kafka where no folder of keys is named. Raises KeysError
    while the master key is changed.
    """
    folder = keys_folder(settings)
    if folder is None:
        return UNSEALED
    note_use(folder)
    return KeyFolder(folder, named_master(settings))


def named_master(settings: Settings) -> Master | None:
    """Return the master key that the settings name; None for the one in the folder of the keys."""
    if settings.master_key:
        return token_at(parse(settings.master_key))
    return MasterFile(settings.master_key_file) if settings.master_key_file is not None else None


def keys_folder(settings: Settings) -> Path | None:
    """Return the folder of the hourly keys, or None if nothing is encrypted."""
    return settings.keys or (None if settings.kafka else settings.data / "keys")


def _topics(settings: Settings, claim: KafkaClaim | None = None, *, follow: bool) -> Topics:
    if settings.kafka:
        return KafkaTopics(
            settings.kafka,
            settings.kafka_properties(),
            claim=claim,
            on_lost_offset=settings.on_lost_offset,
            share=settings.partitions,
        )
    return FileTopics(settings.data, follow=follow, share=settings.partitions)


def open_edge(
    settings: Settings | None = None, claim: KafkaClaim | None = None, *, follow: bool = True
) -> Edge:
    """Return the edge that the settings name; a flow's sinks write while it has its claim.

    With `follow` sources wait for more messages, else files end.
    """
    settings = settings or load_settings()
    check = claim.check if claim else lambda: None
    return Edge(
        topics=open_topics(settings, claim, follow=follow),
        tables=ClickHouseTables(
            settings.clickhouse_for(INGEST),
            follow=follow,
            allow_plaintext=settings.allow_plaintext,
            check=check,
        ),
        keys=open_keys(settings),
        share=settings.partitions,
        check=check,
    )


def _own_dsn(data: Path) -> str:
    own = own_account(data)
    return read_dsn(own) if own.exists() else ""


def _sentence(where: tuple[int | str, ...], message: str) -> str:
    name = "".join(f"PLATESTREAM_{str(part).upper()}: " for part in where[:1])
    return name + message.removeprefix("Value error, ")


def _loopback(server: str) -> bool:
    return is_loopback(server.strip().rsplit(":", 1)[0].strip("[]"))
