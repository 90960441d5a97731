"""The agency of the run: what it provides beside the manifests, its secrets and certificates."""

import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from platestream.schemas.rights import ACCOUNTS, PREFIX
from tests.checker.journal import PASSWORD
from tests.cluster.cluster import ADDRESS, ALL, RUN, begin, get, kubectl
from tests.containers.__main__ import PASSWORD as PASSWORD_OF_PERSON
from tests.containers.__main__ import PEOPLE, PERSON
from tests.containers.stack import ROOT
from tests.support import kafka_secured
from tests.support.compose import GENERATOR
from tests.support.gateway import PLACE
from tests.support.kafka_broker import SETTINGS
from tests.support.kafka_secured import OF_ADMINISTRATOR, SECURED, certified

MANIFESTS = ROOT / "deploy" / "kubernetes"
OVERLAYS = ROOT / "tests" / "cluster"
"""Folders of the manifests as the agency fits them to itself: `overlay`, `middle` and `large`."""

VOLUMES, FILES = RUN / "volumes", RUN / "files"
NAME = "alpr.example.internal"
"""Address of the console, as in settings.yaml."""

BROKER, TABLES, UPLOADS = "10.96.0.93", "10.96.0.84", "10.250.0.80"
"""Addresses of the services of the broker and the database, and of the gateway's load balancer."""

PROMETHEUS = "http://10.96.0.90:9090"
RULES = "platestream.rules.yml"

CAMERAS = ("a-gate", "b-yard")
NOTIFY = f"""
shows = "link"
link = "https://{NAME}/hits/{{hit_id}}"
oldest = "20 days"
[[receivers]]
name = "cad"
webhook = "https://{ADDRESS}:8080/alerts"
secret_file = "/run/secrets/notify/webhook_secret"
[[routes]]
to = ["cad"]
historical = true
"""


def passwords() -> dict[str, str]:
    return {name: f"Kw3-password-of-{name}" for name in ACCOUNTS}


def server_properties() -> str:
    """The broker's: each account signs in by its password, and the outside by an address of its own."""
    users = {"kafka": OF_ADMINISTRATOR} | {f"{PREFIX}{name}": word for name, word in passwords().items()}
    known = " ".join(f'user_{name}="{word}"' for name, word in users.items())
    module = f"{kafka_secured.LOGIN}.plain.PlainLoginModule required"
    signs_in = f'{module} username="kafka" password="{OF_ADMINISTRATOR}" {known};'
    names = ("client", "outside", "controller")
    fields = {
        **SETTINGS,
        **{name: value for name, value in SECURED.items() if not name.startswith("listener.name")},
        "listener.security.protocol.map": ",".join(f"{name.upper()}:SASL_SSL" for name in names),
        "listeners": "CLIENT://:9093,OUTSIDE://:9094,CONTROLLER://:9095",
        "advertised.listeners": f"CLIENT://kafka.agency:9093,OUTSIDE://{BROKER}:9094",
        "controller.quorum.voters": "1@localhost:9095",
        "broker.session.timeout.ms": 18_000,  # on a busy machine a shorter one runs out
        "log.dirs": "/var/lib/kafka/data",
        "ssl.keystore.location": "/mnt/shared/config/kafka.pem",
        "ssl.truststore.location": "/mnt/shared/config/authority.pem",
        **{f"listener.name.{name}.sasl.enabled.mechanisms": "PLAIN" for name in names},
        **{f"listener.name.{name}.plain.sasl.jaas.config": signs_in for name in names},
    }
    return "".join(f"{name}={value}\n" for name, value in fields.items())


def account(name: str, password: str, authority: str) -> str:
    return (
        f"security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nssl.ca.location={authority}\n"
        f"sasl.username={name}\nsasl.password={password}\n"
    )


def dsn(text: str, authority: str, host: str = "clickhouse.agency") -> str:
    """A DSN of make_secrets.py, by https."""
    text = text.strip().replace("http://", "https://").replace("clickhouse:8123", f"{host}:8443")
    return f"{text}?ca_cert={authority}"


def secrets() -> dict[tuple[str, str], dict[str, str]]:
    """Files of each secret, by its namespace and name: the table of docs/how-to/operator/kubernetes.md."""
    made: dict[str, str] = json.loads((FILES / "made.json").read_text())
    by = (RUN / "authority.pem").read_text()
    kafka = {
        name: {
            "kafka.properties": account(f"{PREFIX}{name}", word, "/run/secrets/kafka/authority.pem"),
            "authority.pem": by,
        }
        for name, word in passwords().items()
    }
    tables = {
        name: {
            f"clickhouse_{name}": dsn(made[f"clickhouse_{name}"], "/run/secrets/clickhouse/authority.pem"),
            "authority.pem": by,
        }
        for name in ("migrate", "flows", "retention", "console")
    }
    person = f"http://{PERSON}:{PASSWORD_OF_PERSON}@clickhouse:8123/platestream"
    cameras = {"cameras.toml": _cameras(), **{f"{name}.account": f"{name}:{PASSWORD}\n" for name in CAMERAS}}
    partners = re.sub(r'"\.\./(console_\w+)"', r'"/run/secrets/console/\1"', made["partners/partners.toml"])
    here = {
        **{f"kafka-{name}": files for name, files in kafka.items()},
        **{f"clickhouse-{name}": files for name, files in tables.items()},
        "console-certificate": {name: made[name] for name in ("console_certificate", "console_key")},
        "cameras": cameras,
        "log": {"log.toml": made["log.toml"]},
        "partners": {"partners.toml": partners},
        "notify": {"notify.toml": NOTIFY, "webhook_secret": made["webhook_secret"], "authority.pem": by},
    }
    users = {name: (ROOT / "clickhouse" / name).read_text() for name in ("roles.xml", "server-users.xml")}
    broker = (RUN / "kafka.pem").read_text()
    there = {
        "kafka": {"server.properties": server_properties(), "kafka.pem": broker, "authority.pem": by},
        "clickhouse-hashes": dict(line.split("=", 1) for line in made["clickhouse.env"].split()),
        "clickhouse-users": {**users, "people.xml": PEOPLE},
        "clickhouse-tls": {"clickhouse.pem": (RUN / "clickhouse.pem").read_text()},
        "tools": {
            "kafka.properties": account("kafka", OF_ADMINISTRATOR, "/run/secrets/tools/authority.pem"),
            "person": dsn(person, "/run/secrets/tools/authority.pem"),
            "clickhouse_console": dsn(made["clickhouse_console"], "/run/secrets/tools/authority.pem"),
            "authority.pem": by,
            "list.csv": hot_list(),
            **cameras,
        },
    }
    return {("platestream", name): files for name, files in here.items()} | {
        ("agency", name): files for name, files in there.items()
    }


def _cameras() -> str:
    """Their clocks are trusted however late they are: what is drawn was captured days ago."""
    tables = "".join(
        f'[cameras.{name}]\nkind = "http"\ncredentials_file = "{name}.account"\n'
        f"rate = 60.0\ntrust = 1e8\n{PLACE}"
        for name in CAMERAS
    )
    return f'[http]\nlisten = "0.0.0.0:8089"\n{tables}'


def listed() -> dict[str, str]:
    """Entries of the hot list by plate: every second vehicle of each camera."""
    return {
        f"KT{name[0].upper()}{1000 + number}": f"acic:{name}{number}"
        for name in CAMERAS
        for number in range(0, 1000, 2)
    }


def hot_list() -> str:
    words = "26-001234,stolen from the fair,Dispatch,928-555-0101,P/C for arrest,2026-12-19"
    lines = [
        f"{entry.removeprefix('acic:')},stolen_vehicle,{plate},AZ,{words}"
        for plate, entry in listed().items()
    ]
    fields = "reference,category,plate,state,case_number,reason,requested_by,contact,instructions,expires_at"
    return "\n".join([fields, *lines, ""])


def put(objects: list[Mapping[str, Any]]) -> None:
    kubectl("apply", "--filename=-", given=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))


def put_secrets() -> None:
    """All of them, as the files say now."""
    put(
        [
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": name, "namespace": namespace},
                "stringData": files,
            }
            for (namespace, name), files in secrets().items()
        ]
    )


def provide() -> None:
    """Make namespaces, secrets, volumes, broker, database, tools, and a receiver outside the cluster."""
    FILES.mkdir()
    (FILES / "made.json").write_text(json.dumps(GENERATOR["make"](NAME)))
    certified(RUN, RUN / "authority.pem", "kafka", f"DNS:kafka.agency,DNS:localhost,IP:{BROKER}")
    certified(RUN, RUN / "authority.pem", "clickhouse", f"DNS:clickhouse.agency,IP:{TABLES}")
    begin("receiver", ["python3", "-u", ROOT / "deploy/stand-ins/receiver.py", RUN / "api.pem"])
    enforced = {"pod-security.kubernetes.io/enforce": "restricted"}
    for name, labels in (("agency", {}), ("monitoring", {}), ("platestream", enforced)):
        put([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}])
    put_secrets()
    put([_volume(claim) for claim in claims()])
    config = {name: (ROOT / "deploy" / name).read_text() for name in ("prometheus-kubernetes.yml", RULES)}
    config["prometheus.yml"] = config.pop("prometheus-kubernetes.yml")
    here = {"name": "prometheus", "namespace": "monitoring"}
    put([{"apiVersion": "v1", "kind": "ConfigMap", "metadata": here, "data": config}])
    kubectl("apply", f"--filename={OVERLAYS}/monitoring.yaml")
    for name, user in (("kafka", 1000), ("clickhouse", 101)):
        (VOLUMES / name).mkdir()
        os.chown(VOLUMES / name, user, user)
    text = (OVERLAYS / "agency.yaml").read_text().replace("VOLUMES", str(VOLUMES))
    kubectl("apply", "--namespace=agency", "--filename=-", given=text)


def manifests(shape: str = "overlay") -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(kubectl("kustomize", str(OVERLAYS / shape))))


def claims(shape: str = "overlay") -> list[dict[str, Any]]:
    """Return the claims in the manifests, and those that are made for the pods of StatefulSets."""
    objects = manifests(shape)
    of_pods = [
        {**claim, "metadata": {"name": f"{claim['metadata']['name']}-{one['metadata']['name']}-{number}"}}
        for one in objects
        if one["kind"] == "StatefulSet"
        for claim in one["spec"].get("volumeClaimTemplates", ())
        for number in range(1, one["spec"]["replicas"] + 1)
    ]
    return [*(one for one in objects if one["kind"] == "PersistentVolumeClaim"), *of_pods]


def _volume(claim: Mapping[str, Any]) -> dict[str, Any]:
    """A folder for one claim, made by hand as nothing provisions here. It is seen from each node, so it
    stands in for a volume that can be attached to any; nothing here would refuse to attach it to several.
    """
    name = claim["metadata"]["name"]
    (VOLUMES / name).mkdir(parents=True, exist_ok=True)
    names = [node.name for node in ALL]
    here = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": names}]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": claim["spec"]["resources"]["requests"],
            "accessModes": claim["spec"]["accessModes"],
            "claimRef": {"namespace": "platestream", "name": name},
            "local": {"path": str(VOLUMES / name)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [here]}},
        },
    }


def _of_flow(name: str) -> dict[str, Any]:
    """A claim like those that StatefulSets make for their pods."""
    like = next(one for one in claims() if one["metadata"]["name"] == "recovery-match-1")
    return {**like, "metadata": {"name": name}}


def provide_volume(name: str) -> None:
    put([_volume(_of_flow(name))])


def reclaim(shape: str, apps: Sequence[str]) -> None:
    """Provide the claims of another shape: shares begin with empty stores, the console's keep what they have.

    Nothing that mounts them may run.
    """
    there = {one["metadata"]["name"]: one for one in get("persistentvolumeclaims")["items"]}
    wanted = {one["metadata"]["name"]: one for one in claims(shape)}
    stores = {name for name in there if name.startswith(tuple(f"recovery-{app}-" for app in apps))}
    modes = [{name: one["spec"]["accessModes"] for name, one in of.items()} for of in (there, wanted)]
    others = {name for name in there.keys() & wanted.keys() if modes[0][name] != modes[1][name]}
    for name in stores | others:
        kubectl("delete", f"persistentvolumeclaim/{name}", f"persistentvolume/{name}")
    for name in stores:
        shutil.rmtree(VOLUMES / name)
    put([_volume(claim) for name, claim in wanted.items() if name not in there.keys() - stores - others])


def copy_store(source: str, target: str) -> None:
    """Fill the volume of a new share with another's, as the page says."""
    provide_volume(target)
    text = (ROOT / "deploy/copy-store.yaml").read_text().replace("FROM", source).replace("TO", target)
    kubectl("apply", "--filename=-", given=text)
    kubectl("wait", "pod/copy-store", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=120s")
    kubectl("delete", "pod", "copy-store")


def empty_store(name: str) -> None:
    """Delete a share's claim, and provide a volume for the next one."""
    kubectl("delete", f"persistentvolumeclaim/{name}", f"persistentvolume/{name}")
    shutil.rmtree(VOLUMES / name)
    provide_volume(name)


def tools(*arguments: str) -> str:
    """The command line, as the administrator has it."""
    pod = ("exec", "--namespace=agency", "deployment/tools", "--")
    return kubectl(*pod, "platestream", *arguments)


def balance() -> None:
    """The load balancer's part, by hand: an address for each service that asks for one."""
    for one in get("services")["items"]:
        if one["spec"]["type"] == "LoadBalancer":
            name = one["metadata"]["name"]
            address = UPLOADS if name == "cameras" else "10.250.0.81"
            status = {"status": {"loadBalancer": {"ingress": [{"ip": address}]}}}
            kubectl("patch", "service", name, "--subresource=status", f"--patch={json.dumps(status)}")


def outside() -> tuple[str, dict[str, str]]:
    """The broker as the administrator reaches it from outside."""
    settings = account("kafka", OF_ADMINISTRATOR, str(RUN / "authority.pem"))
    return f"{BROKER}:9094", dict(line.split("=", 1) for line in settings.splitlines())


def owner() -> str:
    """The DSN of the account that owns the tables, from outside."""
    made = json.loads((FILES / "made.json").read_text())
    return dsn(made["clickhouse_migrate"], str(RUN / "authority.pem"), TABLES)
