"""The story: a cluster, the manifests, frames, a search, and faults; nothing is lost or doubled."""

import json
import os
import re
import signal
import ssl
import sys
import threading
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any
from urllib.error import URLError

import httpx

from tests.checker import gather
from tests.checker.check import Evidence, Fault, faults, figures
from tests.checker.journal import Camera, Journal
from tests.checker.street import TABLES
from tests.checker.unseal import unseal_picture
from tests.cluster import agency, cluster
from tests.cluster.cluster import NODES, RUN, Node, all_ready, begin, end, get, kubectl, ready
from tests.containers import upgrade
from tests.containers.__main__ import PERSON
from tests.containers.looks import CONNECT, hold
from tests.containers.stack import DOCKER, IMAGE, WrongError, say, sh, step, until
from tests.support.compose import GENERATOR
from tests.support.up import founding

OFFICER, PASSWORD = "vale", "an officer's password"
NOW, NEXT = (f"registry.example.internal/platestream:0.{number}.0" for number in (1, 2))
"""The image's name in the manifests, and that of a next release."""

ANYWHERE = (NOW, f"{IMAGE}-pause")
IMAGES = (*ANYWHERE, *(f"{IMAGE}-{name}" for name in ("kafka", "clickhouse", "outside")))
"""Images of the first node, with those of the agency's pods."""

EVERY = 6.0
"""Seconds between two vehicles of a camera."""

SHARED = ("recognize", "match")
SECOND = tuple(f"{app}-2" for app in SHARED)
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"
FLOWS = (*SHARED, "audit", "notify")
PODS = (*FLOWS, "cameras", "console")


@cache
def journal() -> Journal:
    return Journal(RUN / "journal")


@cache
def cameras() -> list[Camera]:
    """They show what they kept: in the past, so that no two vehicles are one by their times. Where an earlier
    part of the story has sent, they go on.
    """
    sent = journal().sends()
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=5)
    first = next((one.at for one in sent if one.vehicle == one.shot == 0), start)
    return [
        Camera(
            *(name, 8089, first, journal()),
            every=EVERY,
            host=agency.UPLOADS,
            vehicle=max((one.vehicle + 1 for one in sent if one.camera == name), default=0),
        )
        for name in agency.CAMERAS
    ]


@contextmanager
def frames() -> Iterator[None]:
    """Cameras send meanwhile, before and afterwards; then nothing is lost or doubled."""
    sent = sum(one.vehicle for one in cameras())
    threads = [threading.Thread(target=one.run, daemon=True) for one in cameras()]
    for camera, thread in zip(cameras(), threads, strict=True):
        camera.over.clear()
        thread.start()
    try:
        time.sleep(EVERY)
        yield
        time.sleep(EVERY)
    finally:
        for camera in cameras():
            camera.over.set()
        for thread in threads:
            thread.join(180)
            hold(not thread.is_alive(), "a camera still waits for its answer")
    found = settled(300)
    vehicles = sum(one.vehicle for one in cameras()) - sent
    say(f"        {vehicles} vehicles meanwhile; of the run: {figures(found)}")


def found() -> Evidence:
    rows = {table: gather.rows(agency.owner(), sql) for table, sql in TABLES.items()}
    for row in rows["images"]:
        picture = unseal_picture(RUN, row["detection_id"], row["kind"], b64decode(row.pop("stored")))
        row["picture"] = picture[:3] == b"\xff\xd8\xff"
    broker, signed_in = agency.outside()
    topics = ("frames", "detections", "alert_hits", "inquiries")
    heard = [
        json.loads(line)["id"] for line in (RUN / "receiver.log").read_text().splitlines() if line[:1] == "{"
    ]
    return Evidence(
        journal().sends(),
        {topic: gather.kafka_topic(broker, topic, signed_in=signed_in) for topic in topics},
        rows,
        agency.listed(),
        "cad",
        heard,
        whole=frozenset({"frames"}),
    )


def settled(within: float) -> Evidence:
    """Everything, once nothing is wrong. Raises WrongError with what stays wrong."""
    wrong = list[Fault]()

    def right() -> bool:
        try:
            wrong[:] = faults(found())
        except (URLError, OSError):
            wrong[:] = [Fault("lost", "the database")]
        return not wrong

    try:
        until("", right, within)
    except WrongError:
        raise WrongError(f"{len(wrong)} faults after {within:.0f} s, such as {wrong[:8]}") from None
    return found()


def register() -> None:
    """Agency, people, hot list and cameras, and the officer's password."""
    trained = f"{datetime.now(UTC) - timedelta(days=10):%Y-%m-%d}"
    officer = ("--title", "Vale", "--agency", "sjpd", "--employee-number", "2", "--trained", trained)
    roles = ("--role", "officer", "--role", "analyst")
    for words in (
        *founding(PERSON),
        ("registry", "user", OFFICER, *officer, *roles),
        ("hotlist", "import", "/run/secrets/tools/list.csv", "--source", "acic"),
        ("registry", "cameras", "--config", "/run/secrets/tools/cameras.toml", "--approved-by", "Chief"),
    ):
        agency.tools(*words)
    code = agency.tools("account", "set", OFFICER).strip()
    asked = {"who": OFFICER, "code": code, "password": PASSWORD, "again": PASSWORD}
    with browser() as person:
        answer = person.post("/redeem", data=asked)
        hold(answer.status_code < 400, f"the code is answered with {answer.status_code}")


def browser() -> httpx.Client:
    """Reaches the console by its Service, and trusts its certificate and no other."""
    (RUN / "console.pem").write_text(get("secret/console-certificate")["data"]["console_certificate"])
    (RUN / "console.pem").write_bytes(b64decode((RUN / "console.pem").read_text()))
    trusted = ssl.create_default_context(cafile=RUN / "console.pem")
    address = get("service/console")["spec"]["clusterIP"]

    def named(request: httpx.Request) -> None:
        request.extensions["sni_hostname"] = agency.NAME

    return httpx.Client(
        base_url=f"https://{address}:8443",
        headers={"Host": f"{agency.NAME}:8443", "Origin": f"https://{agency.NAME}:8443"},
        verify=trusted,
        timeout=60,
        event_hooks={"request": [named]},
    )


def searches() -> None:
    """The officer signs in to the console and finds a vehicle; the inquiry is sealed once."""
    plate, case = cameras()[0].plate(0), f"26-{int(time.time()) % 1_000_000:06}"
    with browser() as person:
        signed = person.post("/sign-in", data={"who": OFFICER, "password": PASSWORD, "next": ""})
        hold(signed.status_code == 303, f"the sign-in is answered with {signed.status_code}")
        form = person.get("/search")
        (proof, *_same) = re.findall(r'name="csrf" value="([^"]+)"', form.text)
        asked = {"csrf": proof, "way": "search", "plate": plate, "case_number": case, "reason": ""}
        shown = person.post("/search", data=asked)
        one = "Exports all 1 passes" in shown.text
        hold(shown.is_success and one, f"{shown.status_code}: {shown.text[-3000:]}")
    broker, signed_in = agency.outside()

    def sealed() -> int:
        polls = gather.kafka_topic(broker, "inquiries", signed_in=signed_in)
        return sum(one.json["inquiry"]["case_number"] == case for one in polls)

    until(f"the inquiry for {case} is sealed", lambda: sealed() > 0, 60)
    hold(sealed() == 1, f"the inquiry for {case} has {sealed()} seals")


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
    """The second shares go to the second node."""
    first, second = NODES
    kubectl("cordon", first.name)
    kubectl("delete", "pod", *SECOND)
    all_ready()
    kubectl("uncordon", first.name)
    hold({places()[name] for name in SECOND} == {second.name}, f"the pods are on {places()}")


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
    time.sleep(60)
    begin("kube-apiserver")
    until("the API server is ready", ready, 120)
    until("the nodes are ready", cluster.nodes_ready, 120)
    all_ready()


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
    for node in NODES:
        begin(f"kube-router-{node.number}")
    until("it is closed", lambda: not any(one() for one in closed), 120)
    hold(notify(), "notify does not reach the receiver")
    kubectl("delete", "pods", "--all")
    all_ready()


def begins() -> None:
    with step("two nodes are ready"):
        cluster.start()
    with step("images are loaded"):
        sh(DOCKER, "tag", IMAGE, NOW)
        cluster.load(IMAGES, DOCKER, NODES[:1])
        cluster.load(ANYWHERE, DOCKER, NODES[1:])
    with step("the agency's broker, database and tools are ready; topics and rights are made"):
        agency.provide()
        all_ready(namespace="agency")
        agency.tools("topics", "--acls")
    with step("deploy/kubernetes is applied, and all is ready"):
        apply()
        agency.balance()
        all_ready(lambda: run_of(NOW))
        restarts = sum(one["status"]["containerStatuses"][0]["restartCount"] for one in cluster.pods())
        of_nodes = sorted(Counter(places().values()).items())
        say(f"        {len(cluster.pods())} pods, {restarts} starts again; {of_nodes}")
    with step("agency, people, hot list and cameras are registered"):
        register()


def works() -> None:
    with step("frames through the gateway: detections, hits, notices and seals, each once"), frames():
        time.sleep(20)
    with step("the console by https through its Service: a search, sealed once"):
        searches()


def shares() -> None:
    for pod in ("recognize-1", "match-2"):
        with step(f"{pod}, one share of two, is deleted amid frames"), frames():
            kubectl("delete", "pod", pod)
            all_ready()
    with step("match becomes four shares, by copies of stores"), frames():
        divide()
    with step("match becomes two shares again, with empty stores"), frames():
        begin_again("match", 4, 2)
    with step("recognize refuses the store of one share of two as that of all"), frames():
        refuse()
    with step("recognize becomes one share, with an empty store"), frames():
        begin_again("recognize", 2, 1)
    with step("recognize becomes two shares again, with empty stores"), frames():
        begin_again("recognize", 1, 2)


def becomes() -> None:
    with step("the manifests of before shares, with empty stores"), frames():
        before_shares()
    with step("an upgrade from them, by copies of stores"), frames():
        upgrade_to_shares()
    with step("recognize becomes two shares, with empty stores"), frames():
        begin_again("recognize", 1, 2)


def moves() -> None:
    with step("pods of each node reach pods and Services of the other"):
        spread()
        reach()
    with step("the second node is drained: its shares go on on the first"), frames():
        drain(NODES[1])
    with step("the second shares go back to the second node"), frames():
        spread()
    with step("the second node loses its power, and is said to be out of service"), frames():
        lose_power()
    with step("it is in service again, and the second shares go back to it"), frames():
        regain_power()


def breaks() -> None:
    for app in PODS:
        with step(f"the pod of {app} is deleted amid frames"), frames():
            delete(app)
    with step("a search in the console"):
        searches()
    with step("the first node is drained, with broker and database, and takes pods again"), frames():
        drain(NODES[0])
    with step("kubelet and containerd of the second node are killed, and away"), frames():
        kill_agents()
    with step("the API server is away for a minute"), frames():
        stop_api()
    with step("the image of a next release is built and loaded"):
        upgrade.build()
        sh(DOCKER, "tag", upgrade.NEXT, NEXT)
        cluster.load([NEXT], DOCKER)
    for image in (NEXT, NOW):
        with step(f"all pods become {image}"), frames():
            move(image)
    with step("secrets change: a password at the database, the console's certificate"), frames():
        rotate()
    with step("a search in the console, by its new certificate; the log of inquiries is whole"):
        searches()
        settled(300)
        say(f"        {agency.tools('audit', 'verify').strip()}")


def closes() -> None:
    with step("network policies are enforced, and all pods start again"), frames():
        enforce_policies()
    with step("a search in the console through its policy"):
        searches()


def ends() -> None:
    """All that was applied is deleted, with its namespace. Then `main` stops the cluster."""
    with step("all that was applied is deleted"):
        kubectl("delete", "--filename=-", given=kubectl("kustomize", str(agency.OVERLAY)), within=600)


PARTS = {one.__name__: one for one in (begins, works, shares, moves, becomes, breaks, closes, ends)}


def main(names: list[str]) -> int:
    """All parts, or those that are named; the cluster runs on unless `ends` is one of them."""
    signal.signal(signal.SIGTERM, lambda *_signal: sys.exit(1))  # an end by hand is an end, too
    try:
        for name in names or PARTS:
            PARTS[name]()
    except WrongError as wrong:
        say(f"WRONG: {wrong}")
        cluster.show()
        return 1
    finally:
        if not names or "ends" in names:
            cluster.stop()
    say("everything was seen")
    return 0


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main(sys.argv[1:]))
