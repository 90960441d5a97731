"""Faults and changes of the cluster, each until all is ready again."""

import json
import re
import shutil
import signal
import time
from collections import Counter
from contextlib import suppress
from functools import partial
from typing import Any

from tests.cluster import agency, cluster
from tests.cluster.cluster import ALL, NODES, Node, all_ready, begin, end, get, kubectl, ready
from tests.containers.looks import CONNECT, hold
from tests.containers.stack import say, sh, until
from tests.support.compose import GENERATOR

NOW, NEXT = (f"registry.example.internal/platestream:0.{number}.0" for number in (1, 2))
"""The image's name in the manifests, and that of a next release."""

SHARED = ("recognize", "match")
SECOND = tuple(f"{app}-2" for app in SHARED)
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"
FLOWS = (*SHARED, "audit", "notify")
AWAY = 600
"""Seconds without the API server."""

FILLED = {"cameras": "cameras-spool", "match": "recovery-match-1", "audit": "audit-recovery"}
"""Claims that are filled, by what writes there."""


def apply(image: str = NOW, /, **shares: int) -> None:
    """`kubectl apply`, with an image and other numbers of shares than the overlay's; a Job of another release
    is deleted before, as the page says.
    """
    objects = agency.manifests()
    for one in objects:
        if one["kind"] == "StatefulSet" and one["metadata"]["name"] in shares:
            number = one["spec"]["replicas"] = shares[one["metadata"]["name"]]
            (container,) = one["spec"]["template"]["spec"]["containers"]
            (value,) = (value for value in container["env"] if value["name"] == "SHARES")
            value["value"] = str(number)
    apply_all(objects, image)


def apply_all(objects: list[dict[str, Any]], image: str = NOW) -> None:
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}).replace(NOW, image)
    kubectl("delete", "job", "setup", "--ignore-not-found")
    kubectl("apply", "--filename=-", given=text)


def run_of(image: str) -> bool:
    """Return true if all pods of the manifests run this image, and `setup` has ended well."""
    found = [(one["status"]["phase"], one["spec"]["containers"][0]["image"]) for one in cluster.pods()]
    return ("Succeeded", image) in found and {used for _phase, used in found} == {image}


def delete(app: str, namespace: str = "platestream") -> None:
    kubectl("delete", "pods", f"--namespace={namespace}", f"--selector=app={app}")
    all_ready()


def stop_shares(app: str) -> None:
    kubectl("scale", f"statefulset/{app}", "--replicas=0")
    until(f"{app} is stopped", lambda: not any(name.startswith(app) for name in places()), 120)


def divide() -> None:
    """Each of two shares of match becomes two of four: its own store goes on as one, a copy as the other."""
    stop_shares("match")
    for number in (1, 2):
        agency.copy_store(f"recovery-match-{number}", f"recovery-match-{number + 2}")
    apply(match=4)
    all_ready(lambda: run_of(NOW))


def begin_again(app: str, before: int, number: int) -> None:
    """Another number of shares, with empty stores."""
    stop_shares(app)
    for one in range(1, before + 1):
        agency.empty_store(f"recovery-{app}-{one}")
    apply(**{app: number})
    all_ready(lambda: run_of(NOW))


def refuse() -> None:
    """A store of one share of two does not become the only share of recognize; it is one of two as before."""
    stop_shares("recognize")
    apply(recognize=1)

    def refused() -> bool:
        return "is of share 1/2; share 1/1 would miss" in kubectl("logs", "recognize-1", check=False)

    until("the store is refused", refused, 120)
    stop_shares("recognize")
    apply()
    all_ready(lambda: run_of(NOW))


def begin_beside() -> None:
    """A third share of each flow is started beside the two that run: it ends, says why, and disturbs none."""
    before = _restarts()
    for app in SHARED:
        agency.provide_volume(f"recovery-{app}-3")
    apply(recognize=3, match=3)
    for app in SHARED:
        reads = "frames" if app == "recognize" else "detections"
        why = re.compile(rf"share 3/3 of {app}: {reads} \([\d, ]+\) is read by share [12]/2 \({app}-[12], ")
        until(f"share 3/3 of {app} is refused", partial(_said, f"{app}-3", why), 180)
    after = {name: count for name, count in _restarts().items() if name in before}
    hold(after == before, f"starts of pods were {before} and are {after}")
    apply()
    until("the third shares are gone", lambda: not {f"{app}-3" for app in SHARED} & set(places()), 120)
    for app in SHARED:
        agency.empty_store(f"recovery-{app}-3")
    all_ready()


def _restarts() -> dict[str, int]:
    """Return how often the container of each share was started again."""
    shares = [one for one in cluster.pods() if one["metadata"]["labels"].get("app") in SHARED]
    return {one["metadata"]["name"]: one["status"]["containerStatuses"][0]["restartCount"] for one in shares}


def _said(pod: str, why: "re.Pattern[str]") -> bool:
    """Return true if a pod said so, now or before its last restart."""
    logs = (kubectl("logs", pod, *words, check=False) for words in ((), ("--previous",)))
    return any(why.search(text) for text in logs)


def before_shares() -> None:
    """The manifests of before shares, with a claim of its own name and an empty store for each flow."""
    objects = agency.manifests()
    for one in (one for one in objects if one["kind"] == "StatefulSet" and one["metadata"]["name"] in SHARED):
        name, spec, pod = one["metadata"]["name"], one["spec"], one["spec"]["template"]["spec"]
        claim, spec["replicas"] = spec.pop("volumeClaimTemplates")[0], 1
        del spec["ordinals"]
        of_flow = {"name": "recovery", "persistentVolumeClaim": {"claimName": f"{name}-recovery"}}
        pod["volumes"].append(of_flow)
        (container,) = pod["containers"]
        container["env"] = [value for value in container["env"] if "SHARE" not in value["name"]]
        agency.provide_volume(f"{name}-recovery")
        kind = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "spec": claim["spec"]}
        objects.append({**kind, "metadata": {"name": f"{name}-recovery", "namespace": "platestream"}})
    remove_shares()
    apply_all(objects)
    all_ready(lambda: run_of(NOW))


def remove_shares() -> None:
    for app in SHARED:
        stop_shares(app)
        kubectl("delete", "statefulset", app)


def upgrade_to_shares() -> None:
    """Two shares of match go on from copies of the store; recognize goes on as one share."""
    remove_shares()
    for app in SHARED:  # which releases from before shares did not note
        (agency.VOLUMES / f"{app}-recovery" / "store" / "share").unlink()
    for new, old in {"match-1": "match", "match-2": "match", "recognize-1": "recognize"}.items():
        agency.empty_store(f"recovery-{new}")
        agency.copy_store(f"{old}-recovery", f"recovery-{new}")
    apply(recognize=1)
    all_ready(lambda: run_of(NOW))


def places() -> dict[str, str]:
    """The node of each pod that runs."""
    running = [one for one in cluster.pods() if one["status"]["phase"] == "Running"]
    return {one["metadata"]["name"]: one["spec"]["nodeName"] for one in running}


def drain(node: Node) -> None:
    """All pods of a node are evicted: they go on on the other, and wait where they may not."""
    kubectl("drain", node.name, "--delete-emptydir-data", "--force", within=600)
    hold(node.name not in places().values(), f"a drained node has {places()}")
    if node.within:
        all_ready()
    kubectl("uncordon", node.name)
    all_ready()
    all_ready(namespace="agency")


def spread() -> None:
    """The first shares go to the first node, the second to the second."""
    for node, other in (NODES, NODES[::-1]):
        found, names = places(), [f"{app}-{node.number}" for app in SHARED]
        if elsewhere := [name for name in names if found[name] != node.name]:
            kubectl("cordon", other.name)
            kubectl("delete", "pod", *elsewhere)
            all_ready()
            kubectl("uncordon", other.name)
        hold({places()[name] for name in names} == {node.name}, f"the pods are on {places()}")


def reach() -> None:
    """A pod of each node reaches one of the other by its address, and the console by its Service."""
    of_nodes = [[one for one in cluster.pods() if one["spec"].get("nodeName") == node.name] for node in NODES]
    names = [next(one for one in found if one["metadata"]["labels"]["app"] in FLOWS) for found in of_nodes]
    for here, there in (names, names[::-1]):
        at = (here["metadata"]["namespace"], here["metadata"]["name"])
        hold(reaches(*at, there["status"]["podIP"], 3030), f"{at} does not reach the other node's pod")
        hold(reaches(*at, "console.platestream", 8443), f"{at} does not reach the console's Service")


def lose_power() -> None:
    """A node is gone. Its pods stay as they are until the operator says that it is out of service."""
    node, began = NODES[1], time.monotonic()
    cluster.power_off(node)
    until("the node counts as lost", lambda: not cluster.nodes_ready(), 120)
    lost = time.monotonic() - began
    time.sleep(30)
    hold({places()[name] for name in SECOND} == {node.name}, f"a pod was started again: {places()}")
    kubectl("taint", "nodes", node.name, OUT_OF_SERVICE)
    said = time.monotonic()
    all_ready()
    moved = time.monotonic() - said
    say(f"        lost after {lost:.0f} s; ready on the other node {moved:.0f} s after the taint")
    hold(node.name not in places().values(), f"a lost node has {places()}")


def regain_power() -> None:
    cluster.power_on(NODES[1])
    until("the nodes are ready", cluster.nodes_ready, 120)
    kubectl("taint", "nodes", NODES[1].name, f"{OUT_OF_SERVICE}-")
    spread()


def kill_agents() -> None:
    """A node whose kubelet and containerd are dead counts as lost, and its pods run on."""
    node, there = NODES[1], places()
    for name in ("kubelet", "containerd"):
        end(f"{name}-{node.number}", signal.SIGKILL)
    until("the node counts as lost", lambda: not cluster.nodes_ready(), 120)
    time.sleep(30)
    hold(places() == there, f"pods were {there} and are {places()}")
    cluster.begin_agents(node)
    until("the nodes are ready", cluster.nodes_ready, 120)
    all_ready()


def stop_api() -> None:
    end("kube-apiserver")
    time.sleep(AWAY)
    begin("kube-apiserver")
    until("the API server is ready", ready, 120)
    until("the nodes are ready", cluster.nodes_ready, 120)
    all_ready()


def fill(app: str, claim: str) -> None:
    """A volume is full until its program has said so, and for half a minute more. Then it works by itself."""
    place, saved, number = agency.VOLUMES / claim, cluster.RUN / "saved", _replicas(app)
    stop_shares(app)
    if not place.is_mount():  # of its own: the others have the machine's disk
        sh("cp", "--archive", str(place), str(saved))
        used = sum(file.stat().st_size for file in saved.glob("**/*") if file.is_file())
        sh("mount", "-t", "tmpfs", "-o", f"size={used + 64_000_000}", "platestream", str(place))
        sh("cp", "--archive", f"{saved}/.", str(place))
        shutil.rmtree(saved)
    kubectl("scale", f"statefulset/{app}", f"--replicas={number}")
    all_ready()
    names = [name for name in places() if name.startswith(f"{app}-")]
    full = place / "full"
    with full.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(65_536))
    no_room = re.compile("No space left|disk is full|disk I/O error")
    until(f"{app} says so", lambda: any(_said(name, no_room) for name in names), 180)
    time.sleep(30)
    full.unlink()
    all_ready()


def _replicas(app: str) -> int:
    return int(get(f"statefulset/{app}")["spec"]["replicas"])


def reshape(shape: str) -> None:
    """Another shape, as the page has it: all stops, and shares begin with empty stores, on all nodes."""
    kubectl("scale", "statefulsets,deployments", "--all", "--replicas=0")
    until("all is stopped", lambda: not places(), 180)
    agency.reclaim(shape, SHARED)
    objects = agency.manifests(shape)
    apply_all(objects)
    all_ready(lambda: run_of(NOW))
    of_nodes = Counter(node for name, node in places().items() if name.startswith("recognize-"))
    hold(max(of_nodes.values()) - min(of_nodes.values()) <= 1, f"shares of recognize are on {dict(of_nodes)}")
    hold(len(of_nodes) == min(sum(of_nodes.values()), len(ALL)), f"shares are on {dict(of_nodes)}")


def target(pod: dict[str, Any]) -> tuple[str, str] | None:
    """Return the name and address by which Prometheus has a pod's figures; None without any."""
    ports = [port for one in pod["spec"]["containers"] for port in one.get("ports", ())]
    number = next((port["containerPort"] for port in ports if port["name"] == "metrics"), None)
    if number is None or pod["status"]["phase"] != "Running":
        return None
    return pod["metadata"]["labels"]["app"], f"{pod['status']['podIP']}:{number}"


def move(image: str) -> None:
    """Another release, and back: the pods of flows are replaced when they are deleted (OnDelete)."""
    apply(image)
    until("setup has ended", lambda: get("job/setup")["status"].get("succeeded") == 1, 300)
    for app in FLOWS:
        kubectl("delete", "pods", f"--selector=app={app}")
    all_ready(lambda: run_of(image))


def rotate() -> None:
    """The flows get a new password at the database, the console a new certificate; all pods start again."""
    file, again = agency.FILES / "made.json", GENERATOR["make"](agency.NAME)
    made = json.loads(file.read_text())
    made |= {name: again[name] for name in ("clickhouse_flows", "console_certificate", "console_key")}
    (new,) = re.findall("PLATESTREAM_FLOWS_.*", again["clickhouse.env"])
    made["clickhouse.env"] = re.sub("PLATESTREAM_FLOWS_.*", new, made["clickhouse.env"])
    file.write_text(json.dumps(made))
    agency.put_secrets()
    kubectl("delete", "pods", "--namespace=agency", "--selector=app=clickhouse")
    kubectl("delete", "pods", "--all")
    all_ready()


def reaches(namespace: str, work: str, host: str, port: int) -> bool:
    """Return true if a connection from within a pod is made."""
    inside = ("exec", f"--namespace={namespace}", work, "--", "python", "-c", CONNECT, host, str(port))
    return kubectl(*inside).strip() == "connected"


def enforce_policies() -> None:
    """Policies are enforced from now on: connections that none names are closed, others are open."""
    receiver = (cluster.ADDRESS, 8080)
    notify = partial(reaches, "platestream", "statefulset/notify", *receiver)
    closed = [
        partial(reaches, "platestream", "statefulset/match", *receiver),
        partial(reaches, "agency", "deployment/tools", "match-1.match.platestream", 3030),
    ]
    hold(all(one() for one in (notify, *closed)), "something is closed where nothing enforces policies")
    cluster.enforce()
    until("it is closed", lambda: not any(one() for one in closed), 120)
    hold(notify(), "notify does not reach the receiver")
    kubectl("delete", "pods", "--all")
    all_ready()
