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
from functools import cache
from typing import Any
from urllib.error import URLError

import httpx

from tests.checker import gather
from tests.checker.check import Evidence, Fault, figures
from tests.checker.check import faults as wrongs
from tests.checker.journal import Camera, Journal
from tests.checker.street import read_tables
from tests.cluster import agency, cluster, faults
from tests.cluster.cluster import NODES, RUN, THIRD, all_ready, get, kubectl
from tests.containers import upgrade
from tests.containers.__main__ import PERSON
from tests.containers.looks import hold
from tests.containers.stack import DOCKER, IMAGE, WrongError, say, sh, step, until
from tests.support.up import founding

OFFICER, PASSWORD = "vale", "an officer's password"
ANYWHERE = (faults.NOW, f"{IMAGE}-pause")
IMAGES = (*ANYWHERE, *(f"{IMAGE}-{name}" for name in ("kafka", "clickhouse", "outside", "prometheus")))
"""Images of the first node, with those of the agency's pods."""

EVERY = 6.0
"""Seconds between two vehicles of a camera."""

PODS = (*faults.FLOWS, "cameras", "console")


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
    broker, signed_in = agency.outside()
    topics = ("frames", "detections", "alert_hits", "inquiries")
    heard = [
        json.loads(line)["id"] for line in (RUN / "receiver.log").read_text().splitlines() if line[:1] == "{"
    ]
    return Evidence(
        journal().sends(),
        {topic: gather.kafka_topic(broker, topic, signed_in=signed_in) for topic in topics},
        read_tables(agency.owner(), RUN),
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
            wrong[:] = wrongs(found())
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


def begins() -> None:
    with step("two nodes are ready"):
        cluster.start()
    with step("images are loaded"):
        sh(DOCKER, "tag", IMAGE, faults.NOW)
        cluster.load(IMAGES, DOCKER, NODES[:1])
        cluster.load(ANYWHERE, DOCKER, NODES[1:])
    with step("the agency's broker, database and tools are ready; topics and rights are made"):
        agency.provide()
        all_ready(namespace="agency")
        all_ready(namespace="monitoring")
        agency.tools("topics", "--acls")
    with step("deploy/kubernetes is applied, and all is ready"):
        faults.apply()
        agency.balance()
        all_ready(lambda: faults.run_of(faults.NOW))
        restarts = sum(one["status"]["containerStatuses"][0]["restartCount"] for one in cluster.pods())
        of_nodes = sorted(Counter(faults.places().values()).items())
        say(f"        {len(cluster.pods())} pods, {restarts} starts again; {of_nodes}")
    with step("agency, people, hot list and cameras are registered"):
        register()


def works() -> None:
    with step("frames through the gateway: detections, hits, notices and seals, each once"), frames():
        time.sleep(20)
    with step("the console by https through its Service: a search, sealed once"):
        searches()
    watched()


def watched() -> None:
    """Prometheus reaches each pod that has figures, and its rules are right."""
    with step("Prometheus asks each pod that has figures"):

        def answer() -> bool:
            wanted = sorted(filter(None, map(faults.target, cluster.pods())))
            found = _prometheus("targets?state=active")["activeTargets"]
            up = [
                (one["labels"]["flow"], one["labels"]["instance"]) for one in found if one["health"] == "up"
            ]
            return sorted(up) == wanted

        until("Prometheus has figures of each", answer, 120)
        groups = _prometheus("rules")["groups"]
        wrong = [one["name"] for group in groups for one in group["rules"] if one["health"] == "err"]
        hold(len(groups) > 1 and not wrong, f"rules: {len(groups)} groups, wrong {wrong}")


def _prometheus(path: str) -> dict[str, Any]:
    answer = httpx.get(f"{agency.PROMETHEUS}/api/v1/{path}", timeout=30)
    found: dict[str, Any] = answer.raise_for_status().json()["data"]
    return found


def shares() -> None:
    for pod in ("recognize-1", "match-2"):
        with step(f"{pod}, one share of two, is deleted amid frames"), frames():
            kubectl("delete", "pod", pod)
            all_ready()
    with step("a third share is started beside two, and refused"), frames():
        faults.begin_beside()
    with step("match becomes four shares, by copies of stores"), frames():
        faults.divide()
    with step("match becomes two shares again, with empty stores"), frames():
        faults.begin_again("match", 4, 2)
    with step("recognize refuses the store of one share of two as that of all"), frames():
        faults.refuse()
    with step("recognize becomes one share, with an empty store"), frames():
        faults.begin_again("recognize", 2, 1)
    with step("recognize becomes two shares again, with empty stores"), frames():
        faults.begin_again("recognize", 1, 2)


def becomes() -> None:
    with step("the manifests of before shares, with empty stores"), frames():
        faults.before_shares()
    with step("an upgrade from them, by copies of stores"), frames():
        faults.upgrade_to_shares()
    with step("recognize becomes two shares, with empty stores"), frames():
        faults.begin_again("recognize", 1, 2)


def moves() -> None:
    with step("pods of each node reach pods and Services of the other"):
        faults.spread()
        faults.reach()
    with step("the second node is drained: its shares go on on the first"), frames():
        faults.drain(NODES[1])
    with step("the second shares go back to the second node"), frames():
        faults.spread()
    with step("the second node loses its power, and is said to be out of service"), frames():
        faults.lose_power()
    with step("it is in service again, and the second shares go back to it"), frames():
        faults.regain_power()


def breaks() -> None:
    for app in PODS:
        with step(f"the pod of {app} is deleted amid frames"), frames():
            faults.delete(app)
    with step("a search in the console"):
        searches()
    with step("the first node is drained, with broker and database, and takes pods again"), frames():
        faults.drain(NODES[0])
    with step("kubelet and containerd of the second node are killed, and away"), frames():
        faults.kill_agents()
    with step("the API server is away for ten minutes"), frames():
        faults.stop_api()
    with step("the image of a next release is built and loaded"):
        upgrade.build()
        sh(DOCKER, "tag", upgrade.NEXT, faults.NEXT)
        cluster.load([faults.NEXT], DOCKER)
    for image in (faults.NEXT, faults.NOW):
        with step(f"all pods become {image}"), frames():
            faults.move(image)
    with step("secrets change: a password at the database, the console's certificate"), frames():
        faults.rotate()
    with step("a search in the console, by its new certificate; the log of inquiries is whole"):
        searches()
        settled(300)
        say(f"        {agency.tools('audit', 'verify').strip()}")


def closes() -> None:
    with step("network policies are enforced, and all pods start again"), frames():
        faults.enforce_policies()
    with step("a search in the console through its policy"):
        searches()
    watched()


def fills() -> None:
    for app, claim in faults.FILLED.items():
        with step(f"the volume {claim} is full for a while"), frames():
            faults.fill(app, claim)


def shapes() -> None:
    """The components of deploy/kubernetes/shapes, on three nodes."""
    with step("a third node joins"):
        cluster.join()
        cluster.load(ANYWHERE, DOCKER, [THIRD])
    for shape in ("middle", "large", "overlay"):
        with step(f"the shape {shape}, with empty stores"), frames():
            faults.reshape(shape)
        with step("a search in the console"):
            searches()


def ends() -> None:
    """All that was applied is deleted, with its namespace. Then `main` stops the cluster."""
    with step("all that was applied is deleted"):
        objects = kubectl("kustomize", str(agency.OVERLAYS / "overlay"))
        kubectl("delete", "--filename=-", given=objects, within=600)


PARTS = {
    one.__name__: one for one in (begins, works, shares, moves, becomes, breaks, fills, closes, shapes, ends)
}


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
