"""A Kubernetes cluster of two nodes, and a third later: its programs are processes of this machine.

Each node but the first is a network namespace. All share the machine's disk, so that a folder below RUN
stands in for a volume that can be attached to any of them.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.containers.stack import ROOT, WrongError, say, sh, until
from tests.support.kafka_secured import authority, certified

HERE = ROOT / "build" / "cluster"
BIN = HERE / "bin"
RUN = HERE / "run"
"""Folder of one run: logs, certificates, data of etcd and containerd, volumes."""

BRIDGE = "knode0"
"""It joins the nodes, and nothing outside this machine reaches it."""

ADDRESS = "10.250.0.1"
"""Address of the first node, and of what all nodes share."""

PODS, SERVICES = "10.244.0.0/16", "10.96.0.0/16"
API = f"https://{ADDRESS}:6443"
ETCD = "http://127.0.0.1:12379"
KUBECONFIG = RUN / "kubeconfig"


@dataclass(frozen=True)
class Node:
    """A kubelet with a containerd, a folder, control groups and a network of pods of its own."""

    number: int

    @property
    def name(self) -> str:
        return f"node-{self.number}"

    @property
    def address(self) -> str:
        return f"10.250.0.{self.number}"

    @property
    def pods(self) -> str:
        return f"10.244.{self.number}.0/24"

    @property
    def folder(self) -> Path:
        return RUN / self.name

    @property
    def socket(self) -> Path:
        return self.folder / "containerd.sock"

    @property
    def group(self) -> str:
        return f"platestream-{self.name}"

    @property
    def boot(self) -> Path:
        """File with the identifier of this machine's start, as its pods read it (`boot_id`)."""
        return self.folder / "boot"

    @property
    def within(self) -> tuple[str, ...]:
        """Words before a command that run it in the node's network, with the machine's mounts."""
        return () if self.number == 1 else ("nsenter", f"--net=/run/netns/k{self.name}")

    def settings(self) -> dict[str, str]:
        """Return the files that its programs read."""
        specification = json.loads(sh(str(BIN / "ctr"), "oci", "spec"))
        del specification["process"]["rlimits"]
        mount = {"path": "/bin/sh", "args": ["sh", f"{self.boot}.sh"]}
        specification["hooks"] = {"createContainer": [mount]}
        return {
            "containerd.toml": CONTAINERD.format(node=self.folder),
            "containers.json": json.dumps(specification),
            "boot.sh": START_OF_MACHINE.format(file=self.boot),
            "boot": f"{uuid4()}\n",
            "cni/pods.conflist": json.dumps(_network(self)),
            "kubelet.json": json.dumps(
                {
                    **KUBELET,
                    "cgroupRoot": f"/{self.group}",
                    "podLogsDir": f"{self.folder}/logs",  # it deletes logs of pods that are not its own
                    "containerRuntimeEndpoint": f"unix://{self.socket}",
                }
            ),
        }


NODES = (Node(1), Node(2))
THIRD = Node(3)
"""`join` adds it to the cluster."""

ALL = (*NODES, THIRD)
CONTAINERD = """version = 3
root = "{node}/containerd"
state = "{node}/containerd-state"
[grpc]
address = "{node}/containerd.sock"
[plugins."io.containerd.cri.v1.runtime"]
# Without CAP_SYS_RESOURCE runc may not make a process less likely to be killed.
restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
base_runtime_spec = "{node}/containers.json"
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["/usr/lib/cni"]
conf_dir = "{node}/cni"
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "docker.io/library/platestream-stand-in-pause:latest"
"""

START_OF_MACHINE = """# Both nodes are one machine, and a store's name is of the machine's start.
bundle=$(sed 's/.*"bundle":"\\([^"]*\\)".*/\\1/')
mount --bind {file} "$bundle/rootfs/proc/sys/kernel/random/boot_id"
"""


def _network(node: Node) -> dict[str, Any]:
    """Each pod by a pair of its own, so that what it sends passes the node's rules."""
    addresses = {
        "type": "host-local",
        "subnet": node.pods,
        "dataDir": f"{node.folder}/addresses",
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    plugins = [{"type": "ptp", "ipam": addresses}, {"type": "firewall", "backend": "iptables"}]
    return {"cniVersion": "1.0.0", "name": "pods", "plugins": plugins}


KUBELET = {
    "apiVersion": "kubelet.config.k8s.io/v1beta1",
    "kind": "KubeletConfiguration",
    "failCgroupV1": False,
    "cgroupDriver": "cgroupfs",
    "failSwapOn": False,
    "localStorageCapacityIsolation": False,
    "clusterDNS": [ADDRESS],
    "clusterDomain": "cluster.local",
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
OF_NODES = ("containerd", "kubelet", "kube-proxy", "kube-router")


def _of(node: Node) -> dict[str, str]:
    """Return the programs of a node, in the order of OF_NODES."""
    named = f"{ME} --hostname-override={node.name}"
    options = (
        f"--config={node.folder}/containerd.toml",
        f"""{named} --config={node.folder}/kubelet.json --root-dir={node.folder}/kubelet
        --cert-dir={node.folder}/kubelet-certificate --node-ip={node.address}""",
        f"{named} --proxy-mode=iptables --cluster-cidr={PODS} --conntrack-max-per-core=0",
        # Started by the story: until then nothing enforces network policies.
        f"""{named} --run-router=false --run-firewall=true --run-service-proxy=false
        --service-cluster-ip-range={SERVICES} --health-port=0 --metrics-port=0""",
    )
    return {
        f"{name}-{node.number}": " ".join((*node.within, name, words))
        for name, words in zip(OF_NODES, options, strict=True)
    }


OF_ALL = {
    "etcd": f"""etcd --data-dir={RUN}/etcd --listen-client-urls={ETCD} --advertise-client-urls={ETCD}
        --listen-peer-urls=http://127.0.0.1:12380""",
    "kube-apiserver": f"""kube-apiserver --etcd-servers={ETCD} --bind-address={ADDRESS} --secure-port=6443
        --tls-cert-file={RUN}/api.pem --tls-private-key-file={RUN}/api.pem
        --kubelet-client-certificate={RUN}/api.pem --kubelet-client-key={RUN}/api.pem
        --service-account-issuer=https://kubernetes.default.svc --token-auth-file={RUN}/tokens
        --service-account-key-file={RUN}/accounts.key --service-account-signing-key-file={RUN}/accounts.key
        --authorization-mode=RBAC --service-cluster-ip-range={SERVICES}
        --kubelet-preferred-address-types=InternalIP""",
    "kube-controller-manager": f"""kube-controller-manager {ME}
        --service-account-private-key-file={RUN}/accounts.key
        --root-ca-file={RUN}/authority.pem --leader-elect=false --use-service-account-credentials""",
    "kube-scheduler": f"kube-scheduler {ME} --leader-elect=false",
    "coredns": f"coredns -conf={RUN}/Corefile",
}
PARTS = OF_ALL | {name: words for node in ALL for name, words in _of(node).items()}
"""The programs with their options, in the order in which they start."""


def begin(name: str, command: Sequence[str | Path] = ()) -> None:
    """Start a part, or another program that belongs to the run. It writes a log and a file with its id."""
    path = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    with (RUN / f"{name}.log").open("a") as log:
        process = subprocess.Popen(
            [str(word) for word in command or PARTS[name].split()],
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
    """The cluster, with an empty etcd. Returns when its nodes are ready."""
    stop()
    _lay_out()
    _connect()
    for name in OF_ALL:
        begin(name)
        if name == "kube-apiserver":
            until("the API server is ready", ready, 120)
    for node in NODES:
        begin_agents(node)
        begin(f"kube-proxy-{node.number}")
    until("the nodes are ready", nodes_ready, 120)


def join() -> None:
    """The third node joins, and enforces policies if the others do. Returns when it is ready."""
    begin_agents(THIRD)
    begin(f"kube-proxy-{THIRD.number}")
    if (RUN / "kube-router-1.pid").exists():
        enforce()
    kubectl("wait", "--for=create", f"node/{THIRD.name}", "--timeout=120s")
    kubectl("wait", "--for=condition=Ready", f"node/{THIRD.name}", "--timeout=120s")


def enforce() -> None:
    """Enforce network policies on each node that has joined and does not do so yet."""
    for node in ALL:
        joined, does = ((RUN / f"{name}-{node.number}.pid").exists() for name in ("kubelet", "kube-router"))
        if joined and not does:
            begin(f"kube-router-{node.number}")


def _connect() -> None:
    """A bridge between the nodes, and routes to each other's pods."""
    sh("ip", "link", "add", BRIDGE, "type", "bridge")
    sh("ip", "address", "add", f"{ADDRESS}/24", "dev", BRIDGE)
    sh("ip", "link", "set", BRIDGE, "up")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    # The Docker engine closes what is forwarded and not named.
    named = ("-m", "comment", "--comment", "KUBE-nodes")
    sh("iptables", "--insert", "FORWARD", "-i", BRIDGE, "-j", "ACCEPT", *named)
    first, *others = ALL
    for node in others:
        space, cable = f"k{node.name}", f"k{node.name}-0"
        sh("ip", "netns", "add", space)
        sh("ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", space)
        sh("ip", "link", "set", cable, "master", BRIDGE, "up")
        sh("ip", "route", "add", node.pods, "via", node.address)
        for words in (
            ("link", "set", "lo", "up"),
            ("address", "add", f"{node.address}/24", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("route", "add", "default", "via", first.address),
        ):
            sh("ip", "-netns", space, *words)
        sh(*node.within, "sysctl", "--quiet", "net.ipv4.ip_forward=1")


def _lay_out() -> None:
    shutil.rmtree(RUN, ignore_errors=True)
    RUN.mkdir(parents=True)
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
    files = {
        "tokens": f"{token},admin,admin,system:masters\n",
        "kubeconfig": json.dumps(config),
        "Corefile": NAMES,
    }
    for node in ALL:
        (node.folder / "cni").mkdir(parents=True)
        node.folder.chmod(0o711)
        files |= {f"{node.name}/{name}": text for name, text in node.settings().items()}
        for group in _groups(node):
            group.mkdir(exist_ok=True)
    for name, text in files.items():
        (RUN / name).write_text(text)
        (RUN / name).chmod(0o600)
    for node in ALL:
        node.boot.chmod(0o444)


def _groups(node: Node) -> list[Path]:
    """The node's control group in each hierarchy: one with version 2, and one for each controller before."""
    root = Path("/sys/fs/cgroup")
    roots = [root] if (root / "cgroup.procs").exists() else [one for one in root.iterdir() if one.is_dir()]
    return [one / node.group for one in roots]


def power_off(node: Node) -> None:
    """Kill all processes of a node at once, those in its pods too, and pull its cable."""
    if node.within:
        sh("ip", "link", "set", f"k{node.name}-0", "down", check=False)
    for name in ("kubelet", "containerd", "kube-proxy", "kube-router"):
        end(f"{name}-{node.number}", signal.SIGKILL)
    for one in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = one.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"containerd-shim-runc-v2") and str(node.socket).encode() in words:
            os.kill(int(one.parent.name), signal.SIGKILL)
    until(f"the pods of {node.name} have ended", lambda: not _kill_pods(node), 30)
    _unmount(f"{node.folder}/")


def _kill_pods(node: Node) -> int:
    """Kill what is in the node's control groups, and return how many that were: containerd may be dead."""
    files = [file for group in _groups(node) for file in group.glob("**/cgroup.procs")]
    pids = {int(pid) for file in files for pid in file.read_text().split()}
    for pid in filter(_lives, pids):
        os.kill(pid, signal.SIGKILL)
    return len(pids)


def power_on(node: Node) -> None:
    if node.within:
        sh("ip", "link", "set", f"k{node.name}-0", "up")
    shutil.rmtree(node.folder / "containerd-state")  # as a folder in memory, with its mounts
    node.boot.write_text(f"{uuid4()}\n")
    begin_agents(node)
    begin(f"kube-proxy-{node.number}")


def begin_agents(node: Node) -> None:
    """Begin containerd, and kubelet once there is its socket: it waits for none, and ends at a dead one."""
    node.socket.unlink(missing_ok=True)
    begin(f"containerd-{node.number}")
    until("containerd has its socket", node.socket.exists, 30)
    begin(f"kubelet-{node.number}")


def _unmount(*below: str) -> None:
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in reversed(mounts):
        if mount.startswith(below):
            sh("umount", "--lazy", mount, check=False)


def stop() -> None:
    """End all processes and containers of a run; remove its mounts, networks, control groups, rules."""
    for node in ALL:
        power_off(node)
    for file in RUN.glob("*.pid"):
        end(file.stem)
    _unmount(f"{RUN}/", "/run/netns/cni-", "/var/run/netns/cni-")
    for space in Path("/run/netns").glob("cni-*"):
        space.unlink(missing_ok=True)
    for node in ALL:
        if node.within:
            sh("ip", "netns", "delete", f"k{node.name}", check=False)
        shutil.rmtree(node.folder / "containerd", ignore_errors=True)  # gigabytes
        for group in _groups(node):
            for one in sorted((group, *group.glob("**/")), reverse=True):
                if one.exists():
                    one.rmdir()
    sh("ip", "link", "delete", BRIDGE, check=False)
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


def nodes_ready() -> bool:
    path = "jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}"
    found = kubectl("get", "nodes", f"--output={path}", check=False).split()
    return len(found) >= len(NODES) and set(found) == {"True"}


def load(images: Sequence[str], docker: str, nodes: Sequence[Node] = NODES) -> None:
    """Images of the Docker engine, in the containerd of each node."""
    file = RUN / "images.tar"
    sh(docker, "save", "--output", str(file), *images, within=600)
    for node in nodes:
        by = ("--address", str(node.socket), "--namespace", "k8s.io")
        sh(str(BIN / "ctr"), *by, "image", "import", str(file), within=600)
    file.unlink()


def pods(namespace: str = "platestream") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = get("pods", f"--namespace={namespace}")["items"]
    return found


def unready(namespace: str = "platestream") -> list[str]:
    """Names of the work without all of its pods ready, and pods that are not, with what is known of them."""
    kinds = "statefulsets,deployments"
    work = get(kinds, f"--namespace={namespace}")["items"]
    wanted = Counter({one["metadata"]["name"]: one["spec"]["replicas"] for one in work})
    found = []
    for one in pods(namespace):
        states = one["status"].get("containerStatuses", [])
        here = {kind["type"]: kind["status"] for kind in one["status"].get("conditions", ())}
        if "deletionTimestamp" not in one["metadata"] and here.get("Ready") == "True":
            wanted[one["metadata"]["labels"]["app"]] -= 1
        elif one["status"]["phase"] != "Succeeded":
            reasons = (
                f"{kind} {more.get('reason', '')}"
                for state in states
                for kind, more in state["state"].items()
            )
            found.append(f"{one['metadata']['name']}: {one['status']['phase']} {' '.join(reasons)}")
    return [*sorted(+wanted), *found]


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
