"""The manifests for Kubernetes: by its own schemas, and naming what docker-compose.yml and the code have.

Nothing here applies one to a cluster (`make cluster` does).
"""

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from platestream.boards import BOARDS
from platestream.edges.edge import Share
from platestream.schemas import topics
from platestream.schemas.rights import ACCOUNTS, Rights
from platestream.settings import Settings

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
KUSTOMIZATION: dict[str, Any] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
PAGE = (ROOT / "docs/how-to/operator/kubernetes.md").read_text()
OBJECTS: list[dict[str, Any]] = [
    one for file in KUSTOMIZATION["resources"] for one in yaml.safe_load_all((FOLDER / file).read_text())
]
FLOWS = ("recognize", "match", "audit", "notify")
SHARED = ("recognize", "match")  # shares of cameras, with a volume for each
# Services of compose that a cluster provides elsewhere (docs/how-to/operator/kubernetes.md).
ELSEWHERE = {"kafka", "clickhouse", "prometheus", "grafana", "tools"}
OTHERWISE = {
    *("PLATESTREAM_ALLOW_PLAINTEXT", "PLATESTREAM_KAFKA", "PLATESTREAM_PROFILE"),
    *("PLATESTREAM_STARTED_BY", "PLATESTREAM_KEYS"),
}
# A volume of many nodes, which not every cluster has: the operator adds it (docs/how-to/operator/keys.md).
OF_MANY_NODES = "keys"
# Whose account it has at the broker, where it has none of its own (docs/how-to/operator/kafka.md).
AT_THE_BROKER = dict.fromkeys(("partners", "feeds", "evidence"), "console")


def plain(word: str) -> str:
    """A word of a command: secrets are in folders here, and the console's name comes from a setting."""
    if word.startswith("--name="):
        return "--name="
    return re.sub(r"/run/secrets/[\w-]+/(?=[\w.-]+$)", "/run/secrets/", word)


def named(kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in OBJECTS if one["kind"] == kind}


WORK = named("StatefulSet") | named("Deployment") | named("Job")


def pod(name: str) -> dict[str, Any]:
    found: dict[str, Any] = WORK[name]["spec"]["template"]["spec"]
    return found


def labels(name: str) -> dict[str, str]:
    return dict(WORK[name]["spec"]["template"]["metadata"]["labels"])


def container(name: str) -> dict[str, Any]:
    (one,) = pod(name)["containers"]
    return dict(one)


def environment(name: str) -> dict[str, str]:
    result = {key: str(value) for key, value in named("ConfigMap")["platestream"]["data"].items()}
    return result | {one["name"]: one.get("value", "") for one in container(name)["env"]}


def mounted(name: str) -> dict[str, str]:
    """Which volume, secret, claim or so is mounted where."""
    of_volume = {}
    for one in pod(name)["volumes"]:
        source = {key: value for key, value in one.items() if key != "name"}
        ((kind, more),) = source.items()
        of_volume[one["name"]] = more.get("secretName") or more.get("claimName") or more.get("name") or kind
    of_volume |= {f"{claim}": f"{name}-{claim}" for claim in templates(name)}
    return {one["mountPath"]: of_volume[one["name"]] for one in container(name)["volumeMounts"]}


def templates(name: str) -> list[str]:
    return [one["metadata"]["name"] for one in WORK[name]["spec"].get("volumeClaimTemplates", ())]


@pytest.mark.parametrize("one", OBJECTS, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_each_object_is_as_kubernetes_describes_it(one: dict[str, Any]) -> None:
    kubernetes_validate.validate(one, "1.33", strict=True)
    kubernetes_validate.validate(one, kubernetes_validate.latest_version(), strict=True)


def test_a_misspelt_field_is_found() -> None:
    (policy, *_rest) = named("NetworkPolicy").values()
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**policy, "spce": {}}, "1.33", strict=True)


def test_every_file_is_applied_and_every_service_of_compose_has_its_place() -> None:
    files = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(KUSTOMIZATION["resources"]) == files
    assert set(WORK) | ELSEWHERE == set(SERVICES)


@pytest.mark.parametrize("name", WORK)
def test_it_runs_the_command_of_compose_in_its_image(name: str) -> None:
    compose = SERVICES[name]
    wanted = [*compose.get("entrypoint", ()), *compose["command"]]
    assert list(map(plain, container(name)["command"])) == list(map(plain, wanted))
    assert container(name)["image"] == compose["image"]
    (image,) = KUSTOMIZATION["images"]
    assert compose["image"] == f"{image['name']}:{image['newTag']}"


@pytest.mark.parametrize("name", WORK)
def test_it_is_told_what_compose_tells_it_in_a_network_that_is_not_closed(name: str) -> None:
    compose = SERVICES[name]["environment"]
    fields = {f"PLATESTREAM_{field.upper()}" for field in Settings.model_fields}
    there = environment(name)
    assert {one for one in there if one.startswith("PLATESTREAM_")} <= fields
    assert "PLATESTREAM_ALLOW_PLAINTEXT" not in there
    for variable in compose.keys() - OTHERWISE:
        # Files of secrets are in folders here, one for each secret.
        assert Path(there[variable]).name == Path(str(compose[variable])).name, variable
    assert there["PLATESTREAM_KAFKA_CONFIG_FILE"] == "/run/secrets/kafka/kafka.properties"


@pytest.mark.parametrize("name", WORK)
def test_it_has_the_files_that_it_is_told_of_and_an_account_of_its_own_at_the_broker(name: str) -> None:
    there = mounted(name)
    for variable, value in environment(name).items():
        if variable.endswith("_FILE"):
            assert str(Path(value).parent) in there, variable
    account = AT_THE_BROKER.get(name, name)
    has_rights = ACCOUNTS.get(account, Rights()) != Rights()
    assert there["/run/secrets/kafka"] == (f"kafka-{account}" if has_rights else "kafka-unused")
    for secret in {one["secret"]["secretName"] for one in pod(name)["volumes"] if "secret" in one}:
        assert f"`{secret}`" in PAGE, "the page says from which files it is made"


@pytest.mark.parametrize("name", WORK)
def test_it_can_gain_no_privilege_and_writes_only_where_compose_lets_it(name: str) -> None:
    spec, one = pod(name), container(name)
    assert spec["automountServiceAccountToken"] is False
    assert {spec["securityContext"][who] for who in ("runAsUser", "runAsGroup", "fsGroup")} == {10001}
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert one["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    volumes = [volume.split(":") for volume in SERVICES[name].get("volumes", ())]
    claims = {target: source for source, target, *_mode in volumes if not source.startswith(".")}
    claims = {target: source for target, source in claims.items() if source != OF_MANY_NODES}
    assert {path: what for path, what in mounted(name).items() if not path.startswith("/run/secrets")} == {
        **claims,
        "/tmp": "emptyDir",
    }
    of_pods = {f"{name}-{claim}" for claim in templates(name)}
    assert set(claims.values()) <= set(named("PersistentVolumeClaim")) | of_pods


def test_pods_that_share_a_volume_of_one_node_are_on_one_node() -> None:
    of_claim: dict[str, set[str]] = {}
    for name in WORK:
        for what in set(mounted(name).values()) & set(named("PersistentVolumeClaim")):
            of_claim.setdefault(what, set()).add(name)
    for one, *others in map(sorted, of_claim.values()):
        for other in others:
            (near,) = pod(other)["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
            assert near["labelSelector"]["matchLabels"] == WORK[one]["spec"]["selector"]["matchLabels"]


@pytest.mark.parametrize("name", WORK)
def test_its_limits_are_those_of_compose(name: str) -> None:
    compose, there = SERVICES[name]["deploy"]["resources"]["limits"], container(name)["resources"]
    assert there["limits"]["cpu"] == compose["cpus"]
    assert there["limits"]["memory"].lower() == compose["memory"] + "i"
    assert set(there["requests"]) == {"cpu", "memory"}


@pytest.mark.parametrize("name", sorted(set(WORK) - {"setup"}))
def test_its_ports_and_probes_are_those_of_compose(name: str) -> None:
    ports = {one["name"]: one["containerPort"] for one in container(name)["ports"]}
    asked = container(name)["livenessProbe"]["httpGet"]
    port, path = ports[asked["port"]], asked["path"]
    (url,) = re.findall(r"https?://127\.0\.0\.1:\d+/\w+", SERVICES[name]["healthcheck"]["test"][-1])
    scheme = asked.get("scheme", "HTTP").lower()
    assert f"{scheme}://127.0.0.1:{port}{path}" == url
    for published in SERVICES[name].get("ports", ()):
        first, _dash, last = published.rsplit(":", 1)[1].partition("-")
        served = {one["port"] for one in named("Service")[name]["spec"]["ports"]}
        assert set(range(int(first), int(last or first) + 1)) <= served


@pytest.mark.parametrize("name", SHARED)
def test_each_pod_is_a_share_with_a_volume_of_its_own_and_shares_are_as_many_as_pods(name: str) -> None:
    spec = WORK[name]["spec"]
    (index,) = [one for one in container(name)["env"] if one["name"] == "SHARE"]
    assert index["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.labels['apps.kubernetes.io/pod-index']"
    for number in range(spec["ordinals"]["start"], spec["ordinals"]["start"] + spec["replicas"]):
        share = environment(name)["PLATESTREAM_SHARE"].replace("$(SHARE)", str(number))
        share = share.replace("$(SHARES)", environment(name)["SHARES"])
        assert Settings(share=share).partitions == Share(number - 1, spec["replicas"])
    assert templates(name) == ["recovery"]
    assert mounted(name)["/recovery"] == f"{name}-recovery"
    assert "affinity" not in pod(name)
    assert named("Service")[spec["serviceName"]]["spec"]["clusterIP"] == "None"
    assert (spec["podManagementPolicy"], spec["updateStrategy"]["type"]) == ("Parallel", "OnDelete")


@pytest.mark.parametrize("name", SHARED)
def test_the_number_of_shares_is_a_value_that_a_patch_may_move_before_all_others(name: str) -> None:
    assert not re.search(r"\$\(", environment(name)["SHARES"])
    defined = [one["name"] for one in container(name)["env"]]
    (share,) = [one for one in container(name)["env"] if one["name"] == "PLATESTREAM_SHARE"]
    used = re.findall(r"\$\((\w+)\)", share["value"])
    assert used == ["SHARE", "SHARES"]
    assert max(map(defined.index, used)) < defined.index("PLATESTREAM_SHARE")


@pytest.mark.parametrize("name", SHARED)
def test_a_store_is_copied_by_its_user_in_its_image_to_such_a_claim_as_the_share_has(name: str) -> None:
    claim, copy = yaml.safe_load_all((ROOT / "deploy" / "copy-store.yaml").read_text())
    for one in (claim, copy):
        kubernetes_validate.validate(one, kubernetes_validate.latest_version(), strict=True)
    (image,) = KUSTOMIZATION["images"]
    (copier,) = copy["spec"]["containers"]
    assert copier["image"] == f"{image['newName']}:{image['newTag']}"
    assert copier["securityContext"] == container(name)["securityContext"]
    assert copy["spec"]["securityContext"] == pod(name)["securityContext"]
    assert claim["spec"] == WORK[name]["spec"]["volumeClaimTemplates"][0]["spec"]


@pytest.mark.parametrize("name", sorted(set(WORK) - set(SHARED) - {"setup"}))
def test_what_is_one_process_is_one(name: str) -> None:
    spec = WORK[name]["spec"]
    assert spec["replicas"] == 1
    assert "BYTEWAX_ADDRESSES" not in environment(name)
    assert WORK[name]["kind"] == "StatefulSet" or spec["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize(
    "path", sorted(FOLDER.glob("shapes/*/kustomization.yaml")), ids=lambda path: path.parent.name
)
def test_a_shape_has_shares_for_its_partitions_and_tells_each_of_their_number(path: Path) -> None:
    """`make cluster` applies each."""
    shape = yaml.safe_load(path.read_text())
    partitions = {"recognize": topics.FRAMES.partitions, "match": topics.DETECTIONS.partitions}
    for one in shape.get("replicas", ()):
        assert one["count"] <= partitions.get(one["name"], one["count"])
        assert one["name"] in WORK
    copied = {one["source"]["name"] for one in shape.get("replacements", ())}
    assert (copied == set(SHARED)) == (path.parent.name == "shares")
    for one in shape.get("replacements", ()):
        (target,) = one["targets"]
        assert target["select"] == {"kind": "StatefulSet", "name": one["source"]["name"]}
        assert target["fieldPaths"] == [
            f"spec.template.spec.containers.[name={one['source']['name']}].env.[name=SHARES].value"
        ]


def test_prometheus_asks_each_pod_that_has_figures_as_a_job_that_alerts_and_boards_know() -> None:
    (job,) = yaml.safe_load((ROOT / "deploy/prometheus-kubernetes.yml").read_text())["scrape_configs"]
    compose = yaml.safe_load((ROOT / "deploy/prometheus.yml").read_text())["scrape_configs"]
    ours = {one["job_name"] for one in compose} - {"prometheus"}
    queries = (ROOT / "deploy/platestream.rules.yml").read_text()
    queries += "".join(panel.promql for board in BOARDS for panel in board.panels)
    asked = re.findall(r'job=~"([^"]*)"', queries)
    assert asked
    assert all(set(one.split("|")) == ours for one in asked)
    assert job["job_name"] in ours
    (space,) = named("Namespace")
    found = {(name, one["port"]) for one in job["dns_sd_configs"] for name in one["names"]}
    services = named("Service").values()
    served = {
        (one["metadata"]["name"] + "." + space, port["port"])
        for one in services
        for port in one["spec"]["ports"]
        if port["name"] == "metrics" and one["spec"]["clusterIP"] == "None"
    }
    with_metrics = {
        name for name in WORK if "metrics" in [port["name"] for port in container(name).get("ports", ())]
    }
    assert found == served
    assert {re.sub("-.*", "", name.removesuffix(f".{space}")) for name, _port in served} == with_metrics


def test_nothing_is_reached_that_no_policy_names() -> None:
    policies = named("NetworkPolicy")
    assert policies["nothing"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name, one in policies.items():
        chosen = one["spec"]["podSelector"].get("matchLabels", {})
        assert any(chosen.items() <= labels(work).items() for work in WORK), f"{name} is of no pod"
    for name in WORK:
        volumes = mounted(name).values()
        assert ("kafka-unused" in volumes) == ("reads" not in labels(name))
        assert any(one.startswith("clickhouse-") for one in volumes) == ("writes" in labels(name))


def test_the_page_says_what_was_not_tried() -> None:
    assert "**Untried**: storage classes" in re.sub(r"\s+", " ", PAGE)
