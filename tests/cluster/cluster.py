"""A Kubernetes cluster of one node: its programs are processes of this machine, without systemd."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.containers.stack import ROOT, WrongError, say, sh, until
from tests.support.kafka_secured import authority, certified

HERE = ROOT / "build" / "cluster"
BIN = HERE / "bin"
RUN = HERE / "run"
"""Folder of one run: logs, certificates, data of etcd and containerd, volumes."""

NODE = "node-1"
BRIDGE = "knode0"
ADDRESS = "10.250.0.1"
"""Address of the node, on a bridge without any other member: nothing outside this machine reaches it."""

PODS, SERVICES = "10.244.0.0/24", "10.96.0.0/16"
API = f"https://{ADDRESS}:6443"
ETCD = "http://127.0.0.1:12379"
KUBECONFIG = RUN / "kubeconfig"
SOCKET = RUN / "containerd.sock"

CONTAINERD = f"""version = 3
root = "{RUN}/containerd"
state = "{RUN}/containerd-state"
[grpc]
address = "{SOCKET}"
[plugins."io.containerd.cri.v1.runtime"]
# Without CAP_SYS_RESOURCE runc may not make a process less likely to be killed.
restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["/usr/lib/cni"]
conf_dir = "{RUN}/cni"
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "docker.io/library/platestream-stand-in-pause:latest"
"""
NETWORK = {  # each pod by a pair of its own, so that what it sends passes the node's rules
    "cniVersion": "1.0.0",
    "name": "pods",
    "plugins": [
        {
            "type": "ptp",
            "ipam": {
                "type": "host-local",
                "subnet": PODS,
                "dataDir": f"{RUN}/addresses",
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        },
        {"type": "firewall", "backend": "iptables"},
    ],
}
KUBELET = {
    "apiVersion": "kubelet.config.k8s.io/v1beta1",
    "kind": "KubeletConfiguration",
    "failCgroupV1": False,
    "cgroupDriver": "cgroupfs",
    "failSwapOn": False,
    "localStorageCapacityIsolation": False,
    "clusterDNS": [ADDRESS],
    "clusterDomain": "cluster.local",
    "containerRuntimeEndpoint": f"unix://{SOCKET}",
    "authentication": {
        "anonymous": {"enabled": False},
        "webhook": {"enabled": False},
        "x509": {"clientCAFile": f"{RUN}/authority.pem"},
    },
    "authorization": {"mode": "AlwaysAllow"},
}
NAMES = f""".:53 {{
    bind {ADDRESS}
    errors
    kubernetes cluster.local {{
        kubeconfig {KUBECONFIG}
    }}
    cache 5
}}
"""


ME = f"--kubeconfig={KUBECONFIG}"
PARTS = {
    "etcd": f"""--data-dir={RUN}/etcd --listen-client-urls={ETCD} --advertise-client-urls={ETCD}
        --listen-peer-urls=http://127.0.0.1:12380""",
    "kube-apiserver": f"""--etcd-servers={ETCD} --bind-address={ADDRESS} --secure-port=6443
        --tls-cert-file={RUN}/api.pem --tls-private-key-file={RUN}/api.pem
        --kubelet-client-certificate={RUN}/api.pem --kubelet-client-key={RUN}/api.pem
        --service-account-issuer=https://kubernetes.default.svc --token-auth-file={RUN}/tokens
        --service-account-key-file={RUN}/accounts.key --service-account-signing-key-file={RUN}/accounts.key
        --authorization-mode=RBAC --service-cluster-ip-range={SERVICES}
        --kubelet-preferred-address-types=InternalIP""",
    "kube-controller-manager": f"""{ME} --service-account-private-key-file={RUN}/accounts.key
        --root-ca-file={RUN}/authority.pem --leader-elect=false --use-service-account-credentials""",
    "kube-scheduler": f"{ME} --leader-elect=false",
    "coredns": f"-conf={RUN}/Corefile",
    "containerd": f"--config={RUN}/containerd.toml",
    "kubelet": f"""{ME} --config={RUN}/kubelet.json --root-dir={RUN}/kubelet
        --cert-dir={RUN}/kubelet-certificate --node-ip={ADDRESS} --hostname-override={NODE}""",
    "kube-proxy": f"""{ME} --proxy-mode=iptables --cluster-cidr={PODS} --conntrack-max-per-core=0
        --hostname-override={NODE}""",
    # Started by the story: until then nothing enforces network policies.
    "kube-router": f"""{ME} --run-router=false --run-firewall=true --run-service-proxy=false
        --hostname-override={NODE} --service-cluster-ip-range={SERVICES} --health-port=0 --metrics-port=0""",
}
"""The programs with their options, in the order in which they start."""


def begin(name: str, command: Sequence[str | Path] = ()) -> None:
    """Start a part, or another program that belongs to the run. It writes a log and a file with its id."""
    path = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    with (RUN / f"{name}.log").open("a") as log:
        process = subprocess.Popen(
            [str(word) for word in command or (name, *PARTS[name].split())],
            env=path,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    (RUN / f"{name}.pid").write_text(str(process.pid))


def end(name: str, number: int = signal.SIGTERM, within: float = 30) -> None:
    """End what `begin` started, by its id; kill it where it does not hear."""
    file = RUN / f"{name}.pid"
    if not file.exists():
        return
    pid = int(file.read_text())
    over = time.monotonic() + within
    while _lives(pid):
        os.kill(pid, number if time.monotonic() < over else signal.SIGKILL)
        time.sleep(0.5)
    file.unlink()


def _lives(pid: int) -> bool:
    try:
        if os.waitpid(pid, os.WNOHANG) != (0, 0):
            return False
    except ChildProcessError:
        pass  # of an earlier run
    return Path(f"/proc/{pid}").exists()


def start() -> None:
    """The cluster, with an empty etcd. Returns when its node is ready."""
    stop()
    _lay_out()
    sh("ip", "link", "add", BRIDGE, "type", "bridge")
    sh("ip", "address", "add", f"{ADDRESS}/24", "dev", BRIDGE)
    sh("ip", "link", "set", BRIDGE, "up")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    for name in (one for one in PARTS if one != "kube-router"):
        begin(name)
        if name == "kube-apiserver":
            until("the API server is ready", ready, 120)
    until("the node is ready", lambda: "True" in conditions(), 120)


def _lay_out() -> None:
    shutil.rmtree(RUN, ignore_errors=True)
    (RUN / "cni").mkdir(parents=True)
    RUN.chmod(0o711)
    by = authority(RUN, "authority")
    certified(RUN, by, "api", f"IP:{ADDRESS},IP:10.96.0.1,DNS:kubernetes.default.svc")
    sh("openssl", "genrsa", "-out", str(RUN / "accounts.key"), "2048")
    token = os.urandom(24).hex()
    server = {"server": API, "certificate-authority": f"{RUN}/authority.pem"}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "here", "cluster": server}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [
            {"name": "here", "context": {"cluster": "here", "user": "admin", "namespace": "platestream"}}
        ],
        "current-context": "here",
    }
    for name, text in {
        "tokens": f"{token},admin,admin,system:masters\n",
        "kubeconfig": json.dumps(config),
        "containerd.toml": CONTAINERD,
        "cni/pods.conflist": json.dumps(NETWORK),
        "kubelet.json": json.dumps(KUBELET),
        "Corefile": NAMES,
    }.items():
        (RUN / name).write_text(text)
        (RUN / name).chmod(0o600)


def stop() -> None:
    """End all processes of a run and its containers, and remove its mounts, bridge and rules."""
    for name in ("kubelet", "kube-proxy"):
        end(name)
    tasks = (
        sh(*_ctr(), "task", "list", check=False).splitlines()[1:] if (RUN / "containerd.pid").exists() else []
    )
    for pid in (int(line.split()[1]) for line in tasks):
        if _lives(pid):
            os.kill(pid, signal.SIGKILL)
    for file in RUN.glob("*.pid"):
        end(file.stem)
    for one in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = one.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"containerd-shim-runc-v2") and str(SOCKET).encode() in words:
            os.kill(int(one.parent.name), signal.SIGKILL)
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in reversed(mounts):
        if mount.startswith((f"{RUN}/", "/run/netns/cni-", "/var/run/netns/cni-")):
            sh("umount", "--lazy", mount, check=False)
    for space in Path("/run/netns").glob("cni-*"):
        space.unlink(missing_ok=True)
    sh("ip", "link", "delete", BRIDGE, check=False)
    shutil.rmtree(RUN / "containerd", ignore_errors=True)  # gigabytes
    for tool in ("iptables", "ip6tables"):
        rules = sh(f"{tool}-save").splitlines(keepends=True)
        others = [rule for rule in rules if "KUBE-" not in rule and "CNI-" not in rule]
        if len(others) < len(rules):
            sh(f"{tool}-restore", given="".join(others))
    for name in sh("ipset", "list", "-name").split():
        if "KUBE-" in name:
            sh("ipset", "destroy", name)


def kubectl(*arguments: str, given: str | None = None, check: bool = True, within: float = 300) -> str:
    own = (str(BIN / "kubectl"), f"--kubeconfig={KUBECONFIG}")
    return sh(*own, *arguments, given=given, check=check, within=within)


def get(*what: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(kubectl("get", *what, "--output=json"))
    return found


def ready() -> bool:
    return kubectl("get", "--raw=/readyz", check=False) == "ok"


def conditions() -> str:
    """The status of the node's condition Ready."""
    path = "jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}"
    return kubectl("get", "nodes", f"--output={path}", check=False)


def _ctr() -> tuple[str, ...]:
    return (str(BIN / "ctr"), "--address", str(SOCKET), "--namespace", "k8s.io")


def load(images: Sequence[str], docker: str) -> None:
    """Images of the Docker engine, in containerd."""
    file = RUN / "images.tar"
    sh(docker, "save", "--output", str(file), *images, within=600)
    sh(*_ctr(), "image", "import", str(file), within=600)
    file.unlink()


def pods(namespace: str = "platestream") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = get("pods", f"--namespace={namespace}")["items"]
    return found


def unready(namespace: str = "platestream") -> list[str]:
    """Names of the work without a ready pod, and pods that are ending, with what is known of them."""
    kinds = "statefulsets,deployments"
    wanted = {one["metadata"]["name"] for one in get(kinds, f"--namespace={namespace}")["items"]}
    found = []
    for one in pods(namespace):
        states = one["status"].get("containerStatuses", [])
        if "deletionTimestamp" not in one["metadata"] and states and all(state["ready"] for state in states):
            wanted.discard(one["metadata"]["labels"]["app"])
        elif one["status"]["phase"] != "Succeeded":
            reasons = (
                f"{kind} {more.get('reason', '')}"
                for state in states
                for kind, more in state["state"].items()
            )
            found.append(f"{one['metadata']['name']}: {one['status']['phase']} {' '.join(reasons)}")
    return [*sorted(wanted), *found]


def all_ready(
    wanted: Callable[[], bool] = lambda: True, within: float = 600, namespace: str = "platestream"
) -> None:
    """Returns when all is ready and `wanted` holds. Raises WrongError that names those that are not."""
    try:
        until("all is ready", lambda: not unready(namespace) and wanted(), within)
    except WrongError:
        raise WrongError(f"not ready within {within:.0f} s: {'; '.join(unready(namespace))}") from None


def show() -> None:
    """Print states and logs that help to see why a run failed."""
    say(kubectl("get", "pods", "--all-namespaces", "--output=wide", check=False))
    for namespace in ("platestream", "agency"):
        for name in (one.partition(":")[0] for one in unready(namespace) if ":" in one):
            here = (f"--namespace={namespace}", name)
            say(f"{name}\n{kubectl('describe', 'pod', *here, check=False)[-2000:]}")
            say(kubectl("logs", "--tail=20", "--all-containers", *here, check=False))
