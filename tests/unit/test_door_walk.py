"""No way around the door: a service that writes, or a way in that writes by itself, fails here without it."""

import ast
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from platestream.schemas.acts import ACTS
from platestream.schemas.sign_in_event import ACT as SIGN_IN
from platestream.schemas.statement import ACT as STATEMENTS
from tests.support.tree import INTERFACES, PRODUCT, ROOT, SERVICES

WRITES = {"publish", "insert", "put_at_once", "write_batch"}
ENTERS = {
    "enter",
    "enter_several",
    "enter_together",
    "log_refusal",
    "documentation",
}  # `documentation` opens a search, which is its own row
PERMITS = {"permit", "_permit"}
# What no person does: the door itself, the gateway, which takes frames from cameras and reports their health,
# heartbeats of devices.
NOT_ACTS = {
    "platestream.access.inquire",
    "platestream.access.gate",
    "platestream.cameras.sender",
    "platestream.cameras.health_publisher",
    "platestream.cameras.gateway",
    "platestream.access.presence",
}


class Function(NamedTuple):
    module: str
    name: str
    parameters: set[str]
    calls: set[str]  # bare names
    targets: set[tuple[str, str]]  # (module, function) of services

    @property
    def is_public(self) -> bool:
        return not any(part.startswith("_") for part in self.name.split("."))


def name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def is_list_insert(call: ast.Call) -> bool:
    """`rows.insert(0, …)` puts something into a list."""
    first = call.args[0] if call.args else None
    return name_of(call) == "insert" and isinstance(first, ast.Constant) and isinstance(first.value, int)


def imported(tree: ast.Module) -> dict[str, tuple[str, str]]:
    """Name in the module -> module and name that it stands for, of services only."""
    return {
        alias.asname or alias.name: (str(node.module), alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("platestream.")
        for alias in node.names
    }


def target(call: ast.Call, module: str, names: dict[str, tuple[str, str]]) -> tuple[str, str]:
    """The function of services that is called, as far as the text tells."""
    if not isinstance(call.func, ast.Attribute):
        return names.get(name_of(call), (module, name_of(call)))
    of = call.func.value
    if isinstance(of, ast.Name) and of.id in names:
        return (".".join(names[of.id]), call.func.attr)
    return (module, call.func.attr) if isinstance(of, ast.Name) and of.id == "self" else ("", call.func.attr)


def functions() -> Iterator[Function]:
    for path in SERVICES:
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        tree = ast.parse(path.read_text())
        names = imported(tree)
        for parent in ast.walk(tree):
            if not isinstance(parent, ast.Module | ast.ClassDef):
                continue
            for node in parent.body:
                if isinstance(node, ast.FunctionDef):
                    owner = f"{parent.name}." if isinstance(parent, ast.ClassDef) else ""
                    arguments = {one.arg for one in (*node.args.args, *node.args.kwonlyargs)}
                    calls = [one for one in ast.walk(node) if isinstance(one, ast.Call)]
                    yield Function(
                        module,
                        owner + node.name,
                        arguments,
                        {name_of(one) for one in calls if not is_list_insert(one)},
                        {target(one, module, names) for one in calls},
                    )


ALL = [one for one in functions() if one.module not in NOT_ACTS]
BY_NAME: dict[tuple[str, str], list[Function]] = {}
for each in ALL:
    for part in each.name.split("."):  # who makes an object is taken to call all that it can do
        BY_NAME.setdefault((each.module, part), []).append(each)


def reaches(one: Function, wanted: set[str], seen: frozenset[tuple[str, str]] = frozenset()) -> bool:
    """It calls one of `wanted`, itself or through other functions of services."""
    if one.calls & wanted:
        return True
    seen |= {(one.module, one.name)}
    return any(
        reaches(other, wanted, seen)
        for called in one.targets
        for other in BY_NAME.get(called, ())
        if (other.module, other.name) not in seen
    )


WRITING = [one for one in ALL if reaches(one, WRITES)]


def test_the_walk_finds_what_writes() -> None:
    found = {f"{one.module}.{one.name}" for one in WRITING}
    assert {
        "platestream.hotlist.entries.add",
        "platestream.access.registry.put",
        "platestream.evidence.hold.extend",
    } <= found
    assert len(found) > 20


@pytest.mark.parametrize(
    "one", [one for one in WRITING if "door" in one.parameters], ids=lambda one: f"{one.module}.{one.name}"
)
def test_whoever_writes_with_a_door_goes_through_it(one: Function) -> None:
    if one.is_public and not one.parameters & PERMITS:
        assert reaches(one, ENTERS), "it writes without an act on record"


def test_what_writes_without_a_door_is_for_services_alone() -> None:
    bare = {
        (one.module, one.name)
        for one in WRITING
        if not {"door", "self", *PERMITS} & one.parameters and one.is_public and "." not in one.name
    }
    taken = set()
    for path in INTERFACES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("platestream."):
                taken |= {(str(node.module), alias.name) for alias in node.names}
    assert bare & taken == set()


def test_only_the_door_gives_permits_and_only_the_door_and_looks_write_inquiries() -> None:
    makers, recorders = set(), set()
    for path in PRODUCT:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and name_of(node) == "Permit":
                makers.add(path.name)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "inquire.record":
                recorders.add(path.name)
    assert makers == {"door.py"}
    assert recorders == {"door.py"}


def test_every_act_is_entered_somewhere() -> None:
    text = "\n".join(path.read_text() for path in SERVICES)
    looks = {act.name for act in ACTS if act.browses}
    kinds = {act.name for act in ACTS if act.name.startswith("registry_")}  # by f"registry_{kind}"
    engines = {STATEMENTS, SIGN_IN}  # platestream/engine/statement_log.py, access/sign_in_log.py
    entered = looks | kinds | engines
    missing = [act.name for act in ACTS if f'"{act.name}"' not in text and act.name not in entered]
    assert missing == []
